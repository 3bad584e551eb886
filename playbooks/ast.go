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
	// RoleParams are the parameters that a role was given (roles: entries and
	// import_role vars), not templated.
	RoleParams *value.Dict
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
type Play struct {
	Scope
	Name  string   // as written; empty when not given
	Hosts []string // patterns, not templated
	File  string   // the playbook file it was written in

	VarsFiles   []VarsFile
	VarsPrompt  []VarsPrompt
	GatherFacts any // nil, bool or template
	Roles       []*RoleUse
	PreTasks    *Block // nil when not given
	RoleBlocks  []*Block
	Tasks       *Block
	PostTasks   *Block
	Handlers    []*Task // in order: roles' first, then the play's

	Ours Orchestration
}

// Orchestration holds the keywords that sunup adds to a play; see
// docs/language.md. All are as written.
type Orchestration struct {
	Needs      []Need
	Health     *yaml.Node // list of probes
	Quarantine any
	Coverage   *yaml.Node
	Limits     *yaml.Node
	Gather     *yaml.Node
	Budget     any
	Owner      any
	Grade      any
}

// Need is one play that another waits for.
type Need struct {
	Pos  diag.Pos
	Play string
	Same string // the variable whose value must be equal; empty: all hosts
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
}

// Milestone is a deadline with a name; At is HH:MM in the startup's timezone.
type Milestone struct {
	Pos      diag.Pos
	Name, At string
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
	// ("ansible.builtin.copy"), which is what runs.
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
	Notify      []string
	Listen      []string // handlers only
	IsHandler   bool
	// Include is set for include_tasks, include_role and include (dynamic).
	Include *Include
	// Local is true for local_action.
	Local bool
	// Implicit is true for tasks that the loader adds (meta: flush_handlers, role_complete).
	Implicit bool
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
type RoleUse struct {
	Scope
	Block    *Block  // tasks of the role, dependencies first
	Handlers []*Task // handlers of the role
}
