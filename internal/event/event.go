package event

import (
	"time"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
)

// Sink receives the events of a run, one at a time and in order. Emit must not
// keep the caller waiting for long; it is called from one goroutine at a time.
type Sink interface {
	Emit(Event)
}

// Event is one thing that happened.
type Event struct {
	// Seq counts from 1 within the run.
	Seq int64 `json:"seq"`
	// Time is the controller's clock.
	Time time.Time `json:"time"`
	// Type is the name of the Data's type, as in TypeOf.
	Type Type `json:"type"`
	Data Data `json:"data"`
}

// Data is the body of an event: one of the structs below.
type Data interface{ Type() Type }

// Type names a kind of event.
type Type string

// The kinds of events.
const (
	TypeRunStarted      Type = "run_started"
	TypePlayStarted     Type = "play_started"
	TypeBatchStarted    Type = "batch_started"
	TypeTaskStarted     Type = "task_started"
	TypeHostTaskBegan   Type = "host_task_began"
	TypeItemEnded       Type = "item_ended"
	TypeAttemptFailed   Type = "attempt_failed"
	TypeHostTaskEnded   Type = "host_task_ended"
	TypeIncluded        Type = "included"
	TypeNotified        Type = "notified"
	TypeHostLost        Type = "host_lost"
	TypeHostQuarantined Type = "host_quarantined"
	TypeProbe           Type = "probe"
	TypeWarning         Type = "warning"
	TypeStats           Type = "stats"
	TypePlayEnded       Type = "play_ended"
	TypeRunEnded        Type = "run_ended"
)

// Outcome is how a task ended on a host: exactly one of these.
type Outcome string

// The outcomes.
const (
	OK          Outcome = "ok"
	Changed     Outcome = "changed"
	Skipped     Outcome = "skipped"
	Failed      Outcome = "failed"
	Unreachable Outcome = "unreachable"
	Rescued     Outcome = "rescued" // failed, and a rescue took over
	Ignored     Outcome = "ignored" // failed, with ignore_errors
	Quarantined Outcome = "quarantined"
	Cancelled   Outcome = "cancelled"
	Unknown     Outcome = "unknown" // sent, and the answer was lost
)

// Outcomes lists all outcomes in the order of reports.
var Outcomes = []Outcome{OK, Changed, Skipped, Failed, Unreachable, Rescued, Ignored, Quarantined, Cancelled, Unknown}

// RunStarted opens a stream.
type RunStarted struct {
	RunID     string   `json:"run_id"`
	Version   string   `json:"version"`
	Playbooks []string `json:"playbooks"`
	Inventory []string `json:"inventory,omitempty"`
	Limit     string   `json:"limit,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	SkipTags  []string `json:"skip_tags,omitempty"`
	Check     bool     `json:"check,omitempty"`
	Diff      bool     `json:"diff,omitempty"`
	Forks     int      `json:"forks"`
	User      string   `json:"user"` // who started it
	Node      string   `json:"node"` // the controller's host name
	// Inputs are the files read with their SHA-256.
	Inputs  []Input  `json:"inputs,omitempty"`
	Startup *Startup `json:"startup,omitempty"`
}

// Input is one file that the run was made from.
type Input struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// Startup are the settings of the whole run.
type Startup struct {
	Name       string        `json:"name"`
	OpensAt    time.Time     `json:"opens_at,omitzero"`
	Timezone   string        `json:"timezone,omitempty"`
	Budget     time.Duration `json:"budget,omitempty"` // nanoseconds
	Milestones []Milestone   `json:"milestones,omitempty"`
}

// Milestone is a deadline.
type Milestone struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// PlayStarted says that a play begins.
type PlayStarted struct {
	Play     int           `json:"play"` // number in the run, from 0
	Name     string        `json:"name"`
	Pos      diag.Pos      `json:"pos"`
	Hosts    []string      `json:"hosts"`
	Strategy string        `json:"strategy,omitempty"`
	Serial   bool          `json:"serial,omitempty"` // batches follow
	Owner    string        `json:"owner,omitempty"`
	Grade    int           `json:"grade,omitempty"`
	Budget   time.Duration `json:"budget,omitempty"`
	// Needs are the names of the plays it waited for.
	Needs []string `json:"needs,omitempty"`
	// NoHosts says why there is nothing to do: "no hosts matched" or "no hosts remaining".
	NoHosts string `json:"no_hosts,omitempty"`
}

// BatchStarted says that the next hosts of a serial play begin.
type BatchStarted struct {
	Play  int      `json:"play"`
	Batch int      `json:"batch"`
	Hosts []string `json:"hosts"`
}

// Section is the part of a play that a task is in.
type Section string

// The sections of a play.
const (
	Facts     Section = "facts"
	PreTasks  Section = "pre_tasks"
	Roles     Section = "roles"
	Tasks     Section = "tasks"
	PostTasks Section = "post_tasks"
	Handlers  Section = "handlers"
	Health    Section = "health"
)

// TaskStarted says that a task begins on its first host.
type TaskStarted struct {
	Play int `json:"play"`
	// Task is the number of this start within the run; results refer to it.
	Task    int      `json:"task"`
	ID      string   `json:"id"`   // the task's place, the same in every run of the same files
	Name    string   `json:"name"` // templated, as shown: "role : name"
	Module  string   `json:"module"`
	Action  string   `json:"action"` // the module as written
	Role    string   `json:"role,omitempty"`
	Section Section  `json:"section"`
	Handler bool     `json:"handler,omitempty"`
	Pos     diag.Pos `json:"pos"`
	Check   bool     `json:"check,omitempty"`
	// Args are the arguments as written; nil with no_log.
	Args *value.Dict `json:"args,omitempty"`
}

// HostTaskBegan says that a task begins on one host (only for tasks that are
// not instant: the console shows what a host is doing).
type HostTaskBegan struct {
	Task int    `json:"task"`
	Host string `json:"host"`
}

// Result is what a module, or the engine in its place, returned.
type Result struct {
	// Values are Ansible's return values (changed, rc, stdout, ...); with
	// no_log only the censored form.
	Values *value.Dict `json:"values"`
	Diffs  []Diff      `json:"diffs,omitempty"`
	// Label is the shown form of the loop item; the items are in Values.
	Label string `json:"label,omitempty"`
	NoLog bool   `json:"no_log,omitempty"`
	// Why is a sentence of ours about a failure, when there is one.
	Why say.Text `json:"why,omitzero"`
	Fix say.Text `json:"fix,omitzero"`
}

// Diff is one difference, as Ansible returns it.
type Diff struct {
	Before       string `json:"before,omitempty"`
	After        string `json:"after,omitempty"`
	BeforeHeader string `json:"before_header,omitempty"`
	AfterHeader  string `json:"after_header,omitempty"`
	Prepared     string `json:"prepared,omitempty"`
}

// ItemEnded is the result of one item of a loop on one host.
type ItemEnded struct {
	Task    int     `json:"task"`
	Host    string  `json:"host"`
	Index   int     `json:"index"`
	Outcome Outcome `json:"outcome"`
	Result  Result  `json:"result"`
}

// AttemptFailed says that a task with until will be tried again.
type AttemptFailed struct {
	Task    int    `json:"task"`
	Host    string `json:"host"`
	Attempt int    `json:"attempt"`
	Retries int    `json:"retries"`
	Result  Result `json:"result"`
}

// HostTaskEnded is the end of a task on a host.
type HostTaskEnded struct {
	Play    int     `json:"play"`
	Task    int     `json:"task"`
	Host    string  `json:"host"`
	Outcome Outcome `json:"outcome"`
	Result  Result  `json:"result"`
	Loop    bool    `json:"loop,omitempty"` // its items were told before
	// Delegate is the host that did the work, when it is another one.
	Delegate string        `json:"delegate,omitempty"`
	Began    time.Time     `json:"began"`
	Took     time.Duration `json:"took"` // nanoseconds
	// Attempts is how often it was tried, when more than once.
	Attempts int `json:"attempts,omitempty"`
}

// Included says which file or role was included for which hosts.
type Included struct {
	Task  int      `json:"task"`
	File  string   `json:"file"`
	Role  string   `json:"role,omitempty"`
	Hosts []string `json:"hosts"`
	Label string   `json:"label,omitempty"`
}

// Notified says that a task notified a handler.
type Notified struct {
	Task    int    `json:"task"`
	Host    string `json:"host"`
	Handler string `json:"handler"`
}

// HostLost says that a host dropped out of a play.
type HostLost struct {
	Play    int     `json:"play"`
	Host    string  `json:"host"`
	Outcome Outcome `json:"outcome"` // Failed or Unreachable
}

// HostQuarantined says that a host was set aside.
type HostQuarantined struct {
	Play   int      `json:"play"`
	Host   string   `json:"host"`
	Zone   string   `json:"zone,omitempty"`
	Reason say.Text `json:"reason"`
	Task   int      `json:"task"`
}

// Probe is one answer of a health probe that changed its state.
type Probe struct {
	Play   int      `json:"play"`
	Host   string   `json:"host"`
	Probe  string   `json:"probe"`
	Passed bool     `json:"passed"`
	Reason say.Text `json:"reason,omitzero"`
	Tries  int      `json:"tries"`
}

// Warning is something that a person should know.
type Warning struct {
	Text       say.Text `json:"text"`
	Host       string   `json:"host,omitempty"`
	Deprecated bool     `json:"deprecated,omitempty"`
}

// Stats are values that set_stats collected, for the whole run (Host empty) or
// for a host.
type Stats struct {
	Host string      `json:"host,omitempty"`
	Data *value.Dict `json:"data"`
}

// PlayEnded says that a play is over.
type PlayEnded struct {
	Play int `json:"play"`
	// Outcome is ok, failed or cancelled.
	Outcome Outcome `json:"outcome"`
}

// Recap is Ansible's counts for one host.
type Recap struct {
	Host        string `json:"host"`
	OK          int    `json:"ok"`
	Changed     int    `json:"changed"`
	Unreachable int    `json:"unreachable"`
	Failed      int    `json:"failed"`
	Skipped     int    `json:"skipped"`
	Rescued     int    `json:"rescued"`
	Ignored     int    `json:"ignored"`
	Quarantined bool   `json:"quarantined,omitempty"`
}

// Reach is what reaching a host cost.
type Reach struct {
	Host       string `json:"host"`
	Handshakes int    `json:"handshakes"`
	RoundTrips int    `json:"round_trips"`
	Commands   int    `json:"commands"`
	BytesIn    int64  `json:"bytes_in"`
	BytesOut   int64  `json:"bytes_out"`
}

// RunEnded closes a stream.
type RunEnded struct {
	// Outcome is ok, failed, unreachable or cancelled.
	Outcome  Outcome  `json:"outcome"`
	ExitCode int      `json:"exit_code"`
	Recap    []Recap  `json:"recap"` // by host name
	Reach    []Reach  `json:"reach,omitempty"`
	Reason   say.Text `json:"reason,omitzero"`
}

// Type names, one for each body.
func (RunStarted) Type() Type      { return TypeRunStarted }
func (PlayStarted) Type() Type     { return TypePlayStarted }
func (BatchStarted) Type() Type    { return TypeBatchStarted }
func (TaskStarted) Type() Type     { return TypeTaskStarted }
func (HostTaskBegan) Type() Type   { return TypeHostTaskBegan }
func (ItemEnded) Type() Type       { return TypeItemEnded }
func (AttemptFailed) Type() Type   { return TypeAttemptFailed }
func (HostTaskEnded) Type() Type   { return TypeHostTaskEnded }
func (Included) Type() Type        { return TypeIncluded }
func (Notified) Type() Type        { return TypeNotified }
func (HostLost) Type() Type        { return TypeHostLost }
func (HostQuarantined) Type() Type { return TypeHostQuarantined }
func (Probe) Type() Type           { return TypeProbe }
func (Warning) Type() Type         { return TypeWarning }
func (Stats) Type() Type           { return TypeStats }
func (PlayEnded) Type() Type       { return TypePlayEnded }
func (RunEnded) Type() Type        { return TypeRunEnded }
