package modules

import (
	"context"
	"fmt"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

// Module is one entry of the catalogue.
type Module struct {
	// Name is the full name, "ansible.builtin.copy".
	Name string
	// Aliases are further full names ("ansible.builtin.systemd_service").
	Aliases []string
	// Summary is one sentence for the reference.
	Summary say.Text
	// Notes tell what differs from ansible-core, if anything.
	Notes say.Text
	// Untried is true while the module was only held against recorded answers,
	// never run on a host of its kind.
	Untried bool
	Spec    Spec
	// Check tells what check mode does: full (default), none (the task is
	// skipped in check mode), or always (changes nothing anyway).
	Check CheckSupport
	// Controller is true for modules that never touch the host: no connection
	// is made for them.
	Controller bool
	// RawArgs are the arguments that the engine hands over as they are written,
	// because the module evaluates them itself (debug's var, assert's that).
	RawArgs []string
	// OncePerPlay is true for modules that act once for all hosts of the play
	// (add_host, pause): the engine calls them for the first host only.
	OncePerPlay bool
	// Idempotent is true when sending it twice is the same as once, so that a
	// lost connection may be answered by trying again.
	Idempotent bool
	// Returns documents the return values.
	Returns []Return
	// Run does the work. It may be called for many hosts at once.
	Run func(ctx context.Context, c *Call) (*Result, error)
	// Engine is true for the words that the engine itself carries out (meta,
	// include_*, import_*): Run is nil.
	Engine bool
}

// CheckSupport is what a module does in check mode.
type CheckSupport string

// The kinds of check mode support.
const (
	CheckFull CheckSupport = ""
	CheckNone CheckSupport = "none"
)

// Return documents one return value.
type Return struct {
	Name, Type string
	When       string // "always", "success", "changed", ...
	Doc        say.Text
}

// Call is everything one run of a module may use.
type Call struct {
	Args Args
	// Conn is the host as the task's identity; nil for Controller modules.
	Conn connection.Conn
	// Check: change nothing. Diff: return diffs.
	Check, Diff bool
	Controller  Controller
	// Verbosity is the -v count.
	Verbosity int
	// Background: the task was sent to the background with async.
	Background bool
}

// Controller is what a module may ask of the side that runs the playbook. It
// belongs to one host and task; its methods may be called from one goroutine.
type Controller interface {
	// Find returns the path on the controller of a file that a task names,
	// searched as Ansible does in the role and the playbook: kind is "files",
	// "templates", "vars" or "tasks". The error lists where was looked.
	Find(kind, name string) (path string, err error)
	// Read returns a file of the controller, decrypted when it is vaulted.
	Read(path string) ([]byte, error)
	// Template renders template text with the task's variables; a nil extra
	// adds none.
	Template(ctx context.Context, name, text string, o TemplateOptions, extra *value.Dict) (string, error)
	// Eval evaluates one expression without braces ("x is defined and y > 3").
	Eval(ctx context.Context, expr string) (any, error)
	// Truth evaluates a condition as `when` does.
	Truth(ctx context.Context, condition any) (bool, error)
	// Var returns a variable of the host, templated; ok is false when it is
	// not defined.
	Var(name string) (v any, ok bool, err error)
	// Host is the inventory name of the task's host.
	Host() string
	// Warn adds a warning to the run.
	Warn(msg string)
}

// TemplateOptions are the options of the template module.
type TemplateOptions struct {
	BlockStart, BlockEnd, VariableStart, VariableEnd, CommentStart, CommentEnd string
	NewlineSequence                                                            string
	TrimBlocks, LstripBlocks                                                   bool
	// Dir is where includes are looked up first.
	Dir string
}

// Result is what a module found and did.
type Result struct {
	Changed bool
	Failed  bool
	Skipped bool
	// Msg is Ansible's msg; empty means none.
	Msg string
	// Values are the other return values, in Ansible's names.
	Values *value.Dict
	// Diffs are what changed or would change; filled only when Call.Diff.
	Diffs []Diff
	// Facts become facts of the host (ansible_facts).
	Facts *value.Dict
	// Vars are set_fact-like variables of the host: they outrank facts.
	Vars *value.Dict
	// Include are include_vars-like variables of the host.
	Include *value.Dict
	// AddHost and AddGroups change the inventory of the run; the engine, which
	// knows whether they were new, sets Changed.
	AddHost   *AddHost
	AddGroups []AddGroup
	// Stats are set_stats data.
	Stats    *Stats
	Warnings []string
	// VerboseAlways asks that the values are shown as if -v had been given
	// (debug, assert).
	VerboseAlways bool
	// Cacheable asks that Vars are also kept as facts (set_fact's cacheable).
	Cacheable bool
	// NoLog hides the whole result: what was read is secret.
	NoLog bool
	// Unreachable is set by the engine when the host was lost.
	Unreachable bool
}

// AddHost is a host that a task adds.
type AddHost struct {
	Name   string
	Groups []string
	Vars   *value.Dict
}

// AddGroup puts the task's host into a group.
type AddGroup struct {
	Name    string
	Parents []string
}

// Stats are values for the end of the run.
type Stats struct {
	Data               *value.Dict
	PerHost, Aggregate bool
}

// Diff is one difference, as Ansible returns it.
type Diff struct {
	Before, After             string
	BeforeHeader, AfterHeader string
	// Prepared replaces the other fields when not empty.
	Prepared string
}

// Set stores a return value.
func (r *Result) Set(name string, v any) *Result {
	if r.Values == nil {
		r.Values = &value.Dict{}
	}
	r.Values.Set(name, v)
	return r
}

// OK returns a result without change.
func OK() *Result { return &Result{} }

// ChangedIf returns a result that reports changed.
func ChangedIf(changed bool) *Result { return &Result{Changed: changed} }

// Fail returns a failed result with a message.
func Fail(format string, args ...any) *Result {
	return &Result{Failed: true, Msg: fmt.Sprintf(format, args...)}
}
