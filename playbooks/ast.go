package playbooks

import (
	"sunup/internal/diag"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// Playbook is one playbook with its imported playbooks in place.
type Playbook struct {
	File    string
	Startup *Startup // settings of the whole run; nil in a plain Ansible playbook
	Plays   []*Play
}

// Keyword is one setting as it was written: not templated, with its place.
type Keyword struct {
	Name  string
	Pos   diag.Pos
	Node  *yaml.Node // the value as read, for positions inside it
	Value any        // plain data of Node
}

// Keywords are the settings of one play, role, block or task that were
// written there; what is inherited is found by asking the parents.
type Keywords map[string]*Keyword

// Get returns the value of a keyword as written, or nil.
func (k Keywords) Get(name string) any {
	if kw := k[name]; kw != nil {
		return kw.Value
	}
	return nil
}

// Scope is something that passes its keywords on to what is inside it: a Play,
// a RoleUse, a Block, an import or a Task.
//
// The runner resolves a keyword from the inside out. Most take the innermost
// value; when, tags, environment, vars, collections and module_defaults are
// collected over all scopes (see Inherits).
type Scope struct {
	Kind     ScopeKind
	Parent   *Scope // nil for a play
	Pos      diag.Pos
	Keywords Keywords
	// Vars are the variables given at this scope, not templated; nil if none.
	Vars *value.Dict
	// When are the conditions at this scope, in order; strings or bools.
	When []any
	// Tags of this scope alone, not templated.
	Tags []string
	// Role is set on the scope of a role.
	Role *Role
	// RoleParams are the parameters of a role's entry in roles: or dependencies:
	// that are not keywords, not templated. (The vars: of import_role are Vars
	// of its ImportScope, as Ansible has it.)
	RoleParams *value.Dict
	// ActionGroups are the modules, by full name, of each group that the scope's
	// module_defaults name ("group/amazon.aws.aws").
	ActionGroups map[string][]string
	// File is the task file that an ImportScope brought in, as it was named
	// (rendered); relative names inside it are looked for beside it first.
	File string
	// Origin is the ID of the include that made this scope at run time, or of
	// the task that it belongs to; it goes before the IDs of what is inside.
	Origin string
}

// ScopeKind says what a scope belongs to.
type ScopeKind string

// The kinds of scopes.
const (
	PlayScope   ScopeKind = "play"
	RoleScope   ScopeKind = "role"
	BlockScope  ScopeKind = "block"
	ImportScope ScopeKind = "import" // import_tasks, import_role, include_* at run time
	TaskScope   ScopeKind = "task"
)

// Play is hosts and what is done on them.
//
// Handlers are flushed by the runner after PreTasks, after RoleBlocks with
// Tasks, and after PostTasks: no task stands for that in the tree. The When of
// a play's scope comes from import_playbook; it is for fact gathering too.
type Play struct {
	Scope
	Name  string   // as written; empty when not given
	Hosts []string // patterns, not templated
	File  string   // the playbook file it was written in
	// Collection is "namespace.name" when the playbook is one of a collection.
	Collection string
	// Dir is the absolute directory of File: where relative paths start from.
	Dir string

	VarsFiles   []VarsFile
	VarsPrompt  []VarsPrompt
	GatherFacts any // nil, bool or template
	Roles       []*RoleUse
	PreTasks    *Block // nil when not given
	RoleBlocks  []*Block
	Tasks       *Block
	PostTasks   *Block
	// Stop is what stopping the play means; nil when not given.
	Stop *Block
	// Stopping is true for a play that Stopped or Restarted made: Tasks is all
	// that it does, whatever else stands in it. StaysDown: nothing starts again
	// what it stops.
	Stopping, StaysDown bool
	// Handlers in order: roles' first, then the play's, then those that
	// import_role brought.
	Handlers []*Task

	Ours Orchestration

	roleDirs []string // folders of its roles, which may hold plugins
}

// Orchestration holds the keywords that sunup adds to a play; see
// docs/language.md. All are as written.
type Orchestration struct {
	Needs      []Need
	Health     *yaml.Node // list of probes
	Quarantine any
	Coverage   *yaml.Node
	Limits     *yaml.Node
	Budget     any
	Owner      any
	Grade      any
}

// Need is one play that another waits for.
type Need struct {
	Pos  diag.Pos
	Play string
	Same string // the variable whose value must be equal; empty: all hosts
	// MayLack is true when no host with an equal value is no mistake: there is
	// nothing to wait for then.
	MayLack bool
}

// Startup is the optional first item of a playbook.
type Startup struct {
	Pos        diag.Pos
	Name       string
	OpensAt    string
	Timezone   string
	Budget     string
	Milestones []Milestone
	Owner      string
	// Way is "stop" or "restart" in what Stopped and Restarted made.
	Way string
}

// Milestone is a deadline with a name; At is HH:MM in the startup's timezone.
type Milestone struct {
	Pos      diag.Pos
	Name, At string
	// When are the plays that must be up by then; empty means all.
	When []string
}

// VarsFile is one entry of vars_files: the first file of Choices that exists
// is read. Not templated.
type VarsFile struct {
	Pos     diag.Pos
	Choices []string
}

// VarsPrompt is one question of vars_prompt.
type VarsPrompt struct {
	Pos                         diag.Pos
	Name, Prompt, Encrypt, Salt string
	Default                     any
	Private, Confirm, Unsafe    bool
	SaltSize                    int
}

// Block is a list of tasks with rescue and always.
type Block struct {
	Scope
	Name   string
	Tasks  []Step
	Rescue []Step
	Always []Step
	// Implicit is true for the block that a list of tasks makes.
	Implicit bool
	// Handlers are those of the role that an import_role brought in. What Load
	// and Role return has them in Play.Handlers and RoleUse.Handlers already;
	// for TaskFile, HandlersOf gathers them.
	Handlers []*Task
}

// Step is a *Task or a *Block.
type Step interface{ step() }

func (*Task) step()  {}
func (*Block) step() {}

// Task is one module call or a dynamic include.
type Task struct {
	Scope
	// ID is unique within a playbook load and the same for the same file at
	// the same place: file:line:col#n.
	ID   string
	Name string // as written; empty when not given
	// Action is the module as written ("copy"); Module its full name
	// ("ansible.builtin.copy"), which is what runs. Module is empty when Action is
	// a template (action: "{{ name }}").
	Action string
	Module string
	Pos    diag.Pos // of the action
	// Args are the arguments, not templated; key=value text is already parsed,
	// free-form text is under "_raw_params".
	Args *value.Dict
	// ArgsNode is the node of the arguments, for positions; may be nil.
	ArgsNode *yaml.Node
	// ArgsTemplate is set when the arguments as a whole are one template
	// (args: "{{ dict }}"), to be merged below Args.
	ArgsTemplate string

	Loop        *Loop // nil without loop
	Register    string
	Until       []any
	ChangedWhen []any // nil when not given
	FailedWhen  []any
	Notify      []string // its own, or else of the innermost block that has any
	Listen      []string // handlers only
	IsHandler   bool
	// Include is set for include_tasks, include_role and include (dynamic).
	Include *Include
	// Local is true for local_action; Keywords then holds delegate_to: localhost.
	Local bool
	// Implicit is true for a task that nobody wrote and nobody is shown: the
	// meta: role_complete at the end of each role.
	Implicit bool
	// ModuleFile is the file of a module of the user's own (library/, a
	// collection), which is sent as it is; empty for a module of ours.
	ModuleFile string
}

// Loop is what a task repeats over.
type Loop struct {
	Pos diag.Pos
	// With is the lookup of with_NAME, or "" for loop.
	With string
	// Over is a list or a template, as written.
	Over    any
	Control LoopControl
}

// LoopControl is loop_control as written; zero values mean the default.
type LoopControl struct {
	LoopVar, IndexVar any
	Label             any // nil: the item
	Pause             any
	Extended          any
	ExtendedAllItems  any
	BreakWhen         []any
}

// Include is a dynamic include.
type Include struct {
	Kind IncludeKind
	// Apply are the keywords of apply:, as a scope without parent; nil if none.
	Apply *Scope
}

// IncludeKind tells what is included.
type IncludeKind string

// What can be included.
const (
	IncludeTasks IncludeKind = "tasks"
	IncludeRole  IncludeKind = "role"
)

// Role is a role as found on disk.
type Role struct {
	Name string // as asked for; a collection role by its full name
	Path string // the role's directory
	// Key is equal for uses with the same parameters: such a role runs once
	// per host unless it allows duplicates. It is stable between readings.
	Key string
	// FromCollection is "namespace.name" or empty.
	FromCollection  string
	Defaults        *value.Dict // not templated; nil if none
	Vars            *value.Dict
	ArgumentSpecs   *yaml.Node
	Dependencies    []*RoleUse
	AllowDuplicates bool
	Collections     []string
}

// RoleUse is one entry of roles:, a dependency, or an import_role.
//
// Two uses of a role with the same parameters have the same Role.Key.
type RoleUse struct {
	Scope
	Block    *Block  // dependencies first, then its tasks, then meta: role_complete
	Handlers []*Task // handlers of its dependencies and of the role
}
