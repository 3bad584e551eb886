package runner

import (
	"context"
	"time"

	"sunup/internal/connection"
	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/forecast"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/inventory"
	"sunup/modules"
	"sunup/playbooks"
)

// DefaultForks is how many hosts work at once. Ansible's 5 spares the
// controller's processes; ours are goroutines, and 256 keeps a fleet of a few
// hundred busy without opening more connections at once than a jump host takes.
const DefaultForks = 256

// Options say what a run works with. Inventory, Loader, Templar, Modules, Open
// and Sink are required.
type Options struct {
	Inventory *inventory.Inventory
	Loader    *playbooks.Loader
	Templar   *vars.Templar
	// Modules finds a module by its full name; nil means there is none.
	Modules func(name string) *modules.Module
	// Open makes the link to a host; kind is Ansible's connection name ("ssh",
	// "local"). It must not connect yet.
	Open func(kind string, o connection.Options) (connection.Link, error)
	Sink event.Sink

	// RunID names the run; Version is ours.
	RunID, Version string
	Playbooks      []string // as given, for the record
	Sources        []string // of the inventory, as given
	User, Node     string
	Inputs         []event.Input
	// Revision is the git commit of the playbooks, for the record.
	Revision *event.Revision

	// Command and Dir are how the run was asked for, Facets what it was made
	// from beside Inputs: for the record (see event.RunStarted).
	Command []string
	Dir     string
	Facets  []event.Facet

	// Commit returns when every event emitted before is on disk; nil means that
	// the run is not recorded. It is called from many goroutines.
	Commit func(context.Context) error
	// Journal is the record of the run that is resumed; nil for a new run.
	Journal *Journal
	// Decide says what becomes of a step whose end is not known; nil fails it.
	// It is called one at a time.
	Decide func(UnderWay) Decision
	// Accepted are the differences of inputs that a resume was allowed to have.
	Accepted []say.Text

	ConfigFile string // the ansible.cfg that was read

	Forks     int // hosts at once; 0 means DefaultForks
	Check     bool
	Diff      bool
	Verbosity int
	Limit     string
	Tags      []string // empty means "all"
	SkipTags  []string
	ExtraVars *value.Dict
	// StartAt skips tasks until the one of this name.
	StartAt       string
	ForceHandlers bool
	// GatherOnFailure collects the usual things from every host that fails, beside
	// what gather asks for.
	GatherOnFailure bool
	// Hidden are the texts that nobody may be shown, as far as the caller knows
	// them (what was decrypted); the run adds its own. Nil means none.
	Hidden *Hidden
	// Defaults are the settings that flags and configuration give.
	Defaults Defaults
	// Prompt asks the person; nil means nobody is there.
	Prompt Prompter
	// Debugger is the person at the task debugger; nil means that there is none.
	Debugger Debugger
	// Confirm is asked before each task with --step: run it, skip it, or
	// continue without asking; nil means do not ask.
	Confirm func(task string) StepAnswer
	// History tells how long a play took in earlier runs; nil means that nobody
	// knows.
	History func(book, play string) (forecast.Estimate, bool)
	// Claim is asked before a host is connected to for the first time, delegates
	// and hosts that were added in the run too: it returns when nobody else works
	// on the machine, or an error that fails the task. It is called from many
	// goroutines; nil means that nobody else is there.
	Claim func(ctx context.Context, m Machine) error
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Read returns a file of the controller, decrypted when vaulted; nil means
	// plain files.
	Read func(path string) ([]byte, error)
	// Facts keeps facts from run to run; nil keeps them for the run only.
	Facts FactCache
	// Reload reads the inventory again (meta: refresh_inventory); may be nil.
	Reload func() (*inventory.Inventory, diag.Problems)
	// LoadVars reads a variables file.
	LoadVars func(path string) (*value.Dict, diag.Problems)
}

// StepAnswer is what a person says to a task of --step.
type StepAnswer int

// The answers.
const (
	StepRun StepAnswer = iota
	StepSkip
	StepContinue
)

// Prompter asks a person at the controller.
type Prompter interface {
	// Ask prints prompt and returns one line; secret input is not echoed.
	Ask(prompt string, secret bool) (string, error)
}

// Defaults are settings of flags, environment and ansible.cfg, below keywords
// and variables.
type Defaults struct {
	RemoteUser     string
	Connection     string // "" means ssh
	PrivateKeys    []string
	Password       connection.Secret
	Timeout        time.Duration // to connect
	CommandTimeout time.Duration
	// SSHArgs, SSHCommonArgs and SSHExtraArgs are options of ssh as they would stand on its command line.
	SSHArgs, SSHCommonArgs, SSHExtraArgs string
	HostKeys                             connection.HostKeyPolicy
	KnownHosts                           []string
	SSHConfig                            []string

	Become         bool
	BecomeMethod   string
	BecomeUser     string
	BecomePassword connection.Secret

	// Gathering is implicit, explicit or smart.
	Gathering     string
	GatherSubset  []string
	GatherTimeout int // seconds
	Strategy      string
	// HashMerge merges dicts of variables instead of replacing them.
	HashMerge bool
	// MaxFailPercentage and AnyErrorsFatal when a play says nothing.
	AnyErrorsFatal bool
	// MissingHandlerWarns makes a notice that no handler answers to a warning.
	// Debugger calls the task debugger for every failed or unreachable host;
	// DebuggerIgnoresErrors leaves failures that are ignored out.
	Debugger, DebuggerIgnoresErrors bool
	MissingHandlerWarns             bool
	// Shell and TempDir on the hosts.
	Shell, TempDir string
}

func (o Options) applyDefaults() Options {
	if o.Forks <= 0 {
		o.Forks = DefaultForks
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Hidden == nil {
		o.Hidden = NewHidden()
	}
	if o.ExtraVars == nil {
		o.ExtraVars = &value.Dict{}
	}
	if o.Defaults.Connection == "" {
		o.Defaults.Connection = "ssh"
	}
	if o.Defaults.BecomeMethod == "" {
		o.Defaults.BecomeMethod = "sudo"
	}
	if o.Defaults.BecomeUser == "" {
		o.Defaults.BecomeUser = "root"
	}
	if o.Defaults.Gathering == "" {
		o.Defaults.Gathering = "implicit"
	}
	return o
}
