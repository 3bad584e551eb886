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
	// Type is the kind, which says what is in Data.
	Type Type `json:"type"`
	// Data is the body: its fields depend on the type.
	Data Data `json:"data"`
}

// Data is the body of an event: one of the structs below.
type Data interface{ Type() Type }

// Type names a kind of event.
type Type string

// The kinds of events.
const (
	TypeRunStarted      Type = "run_started"
	TypeRunResumed      Type = "run_resumed"
	TypePlanned         Type = "planned"
	TypePlayStarted     Type = "play_started"
	TypeInputRead       Type = "input_read"
	TypeBatchStarted    Type = "batch_started"
	TypeTaskStarted     Type = "task_started"
	TypeHostTaskBegan   Type = "host_task_began"
	TypeHostEntered     Type = "host_entered"
	TypeItemEnded       Type = "item_ended"
	TypeAttemptFailed   Type = "attempt_failed"
	TypeJobPolled       Type = "job_polled"
	TypeHostTaskEnded   Type = "host_task_ended"
	TypeHostTaskHeld    Type = "host_task_held"
	TypeIncluded        Type = "included"
	TypeNotified        Type = "notified"
	TypeHostLost        Type = "host_lost"
	TypeHostQuarantined Type = "host_quarantined"
	TypeGathered        Type = "gathered"
	TypeSteered         Type = "steered"
	TypeProbe           Type = "probe"
	TypeHostUp          Type = "host_up"
	TypeForecast        Type = "forecast"
	TypeAnomaly         Type = "anomaly"
	TypeWarning         Type = "warning"
	TypeStats           Type = "stats"
	TypeMeta            Type = "meta"
	TypeNoHostsLeft     Type = "no_hosts_left"
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
	RunID     string   `json:"run_id"`              // unique, sorts by time
	Version   string   `json:"version"`             // of sunup
	Playbooks []string `json:"playbooks"`           // as given
	Inventory []string `json:"inventory,omitempty"` // the sources, as given
	Limit     string   `json:"limit,omitempty"`     // the pattern of --limit
	Tags      []string `json:"tags,omitempty"`      // --tags
	SkipTags  []string `json:"skip_tags,omitempty"` // --skip-tags
	Check     bool     `json:"check,omitempty"`     // check mode: nothing is changed
	Diff      bool     `json:"diff,omitempty"`      // differences are told
	Forks     int      `json:"forks"`               // how many hosts at once
	User      string   `json:"user"`                // who started it
	Node      string   `json:"node"`                // the controller's host name
	// Inputs are the files read with their SHA-256.
	Inputs []Input `json:"inputs,omitempty"`
	// Revision is the state of the git checkout that the first playbook is in.
	Revision *Revision `json:"revision,omitempty"`
	// Command is the command line after the program's name, without the values
	// of variables given in it: what the run is resumed with.
	Command []string `json:"command,omitempty"`
	// Dir is the directory that the command was given in.
	Dir string `json:"dir,omitempty"`
	// Facets are further things that the run was made from, by name, with a
	// keyed digest each: the variables of every host ("host kiosk17") and the
	// extra variables ("extra vars"). Only who has the key can compare them.
	Facets []Facet `json:"facets,omitempty"`
	// Startup is there when the playbook has a startup item.
	Startup *Startup `json:"startup,omitempty"`
}

// Input is one file that the run was made from.
type Input struct {
	File   string `json:"file"`   // its path
	SHA256 string `json:"sha256"` // in hexadecimal
}

// InputRead says that a file was read while the run went on (a template, an
// included file): an input like those of run_started.
type InputRead struct {
	File   string `json:"file"`   // its path
	SHA256 string `json:"sha256"` // in hexadecimal
}

// Facet is one thing beside the files that a run was made from.
type Facet struct {
	Name   string `json:"name"`   // as in "host kiosk17"
	Digest string `json:"digest"` // HMAC-SHA-256 with the key of the state directory, hexadecimal
}

// Revision is a commit of the files that a run was made from.
type Revision struct {
	Commit string `json:"commit"`           // in hexadecimal
	Branch string `json:"branch,omitempty"` // empty when none is checked out
}

// Startup are the settings of the whole run.
type Startup struct {
	Name       string        `json:"name"`                 // as in "Morning startup"
	OpensAt    time.Time     `json:"opens_at,omitzero"`    // when everything must be up
	Way        Way           `json:"way,omitempty"`        // stop or restart; empty when the estate is started
	Timezone   string        `json:"timezone,omitempty"`   // of the clock on the wall, "Asia/Seoul"
	Budget     time.Duration `json:"budget,omitempty"`     // what the run may take, nanoseconds
	Milestones []Milestone   `json:"milestones,omitempty"` // deadlines on the way
}

// Way is which way a run goes through its playbook.
type Way string

// The ways beside starting.
const (
	Stopping   Way = "stop"
	Restarting Way = "restart"
)

// Milestone is a deadline.
type Milestone struct {
	Name string    `json:"name"` // as in "gates open"
	At   time.Time `json:"at"`   // the latest moment
	// When are the plays that must be up by then; empty means all.
	When []string `json:"when,omitempty"`
}

// Planned says what the run is going to do and how long that should take. It is
// there when the playbooks use words of sunup (startup, needs, budget).
type Planned struct {
	Stages []Stage `json:"stages"` // the plays, as in the playbooks
	// Takes is how long the run should take, nanoseconds.
	Takes time.Duration `json:"takes"`
}

// Basis says what an expected time was taken from.
type Basis string

// What expected times are taken from.
const (
	FromHistory Basis = "history" // earlier runs
	FromBudget  Basis = "budget"  // the play's budget
	Guessed     Basis = "guess"   // the number of its tasks
)

// Stage is one play of the plan.
type Stage struct {
	Play  int      `json:"play"`            // number in the run, from 0
	Name  string   `json:"name"`            // as in play_started
	Needs []Needed `json:"needs,omitempty"` // what it waits for
	// Lanes are the hosts that start together; their tasks are independent of
	// those of other lanes.
	Lanes []Lane `json:"lanes"`
	// Takes is how long one lane should take (the median of earlier runs, or the
	// budget), and Most what nine of ten took no longer than; nanoseconds.
	Takes time.Duration `json:"takes"`
	Most  time.Duration `json:"most,omitempty"` // see takes
	Basis Basis         `json:"basis"`          // history, budget or guess
	// Apart is how far lanes of one run stray from each other, as a standard
	// deviation in nanoseconds; zero when it is not known.
	Apart time.Duration `json:"apart,omitempty"`
	// Steps are what a lane goes through, as in earlier runs, and how long each
	// step took: how far a lane is tells when it should be done.
	Steps []Step `json:"steps,omitempty"`
	Owner string `json:"owner,omitempty"` // who answers for it
	Tasks int    `json:"tasks"`           // how many, before includes
	// Begins and Ends are when the play should begin and be up, nanoseconds
	// after the run's start.
	Begins time.Duration `json:"begins"`
	Ends   time.Duration `json:"ends"` // see begins
	// Critical says that the run takes longer when this play does.
	Critical bool `json:"critical,omitempty"`
}

// Needed is one play that another waits for.
type Needed struct {
	Play int    `json:"play"`           // its number
	Same string `json:"same,omitempty"` // the variable whose value must be equal; empty: all hosts
}

// Step is a task of a play as earlier runs knew it.
type Step struct {
	Name string `json:"name"`          // as in task_started
	Nth  int    `json:"nth,omitempty"` // among those of this name in the play, from 0
	// Takes and Most are as those of the stage.
	Takes time.Duration `json:"takes"`
	Most  time.Duration `json:"most,omitempty"` // see takes
}

// Lane is some hosts of a play that start together.
type Lane struct {
	Hosts []string `json:"hosts"` // inventory names
	// Takes and Most are those of the stage, where earlier runs knew this lane by
	// itself; zero means as the stage.
	Takes time.Duration `json:"takes,omitempty"`
	Most  time.Duration `json:"most,omitempty"` // see takes
	// Waits are the hosts of other plays that must be up first.
	Waits []Wait `json:"waits,omitempty"`
	// Begins and Ends are as those of the stage.
	Begins time.Duration `json:"begins"`
	Ends   time.Duration `json:"ends"` // see begins
}

// Wait is what a lane waits for.
type Wait struct {
	Play  int      `json:"play"`            // the play's number
	Hosts []string `json:"hosts,omitempty"` // of that play; empty means all
}

// HostUp says that a host has done everything that a play of a graph asks, its
// health included.
type HostUp struct {
	Play int    `json:"play"` // the play's number
	Host string `json:"host"` // inventory name
}

// Forecast says when the run and its milestones should be reached. It is told
// at the start and whenever that changes by so much that people should know.
type Forecast struct {
	Finish time.Time `json:"finish"` // when everything should be up
	// Milestones are the deadlines, the opening among them, by time.
	Milestones []Expected `json:"milestones,omitempty"`
}

// Expected is when a deadline should be reached.
type Expected struct {
	Name    string    `json:"name"`              // of the milestone; empty for the opening
	At      time.Time `json:"at"`                // the deadline
	Finish  time.Time `json:"finish,omitzero"`   // when it should be reached; none when it never will be
	Reached bool      `json:"reached,omitempty"` // it was reached, at finish
	Late    bool      `json:"late,omitempty"`    // finish is after at, or there is none
	// Holds says what it waits for, or what keeps it from ever being reached.
	Holds say.Text `json:"holds,omitzero"`
}

// RunResumed says that a run that broke off or failed is carried on: the events
// after it belong to the same run. What ended before is not told again; where a
// task ends again on a host, the later end is the one that counts.
type RunResumed struct {
	Attempt int      `json:"attempt"`           // 2 at the first resume
	Version string   `json:"version,omitempty"` // of sunup
	User    string   `json:"user"`              // who resumed it
	Node    string   `json:"node"`              // the controller's host name
	Reason  say.Text `json:"reason,omitzero"`   // why it had to be resumed
	// Ended is how the attempt before ended; none when it broke off.
	Ended Outcome `json:"ended,omitempty"`
	// Inputs are the files read with their SHA-256, when they are others than
	// at the start.
	Inputs []Input `json:"inputs,omitempty"`
	// Facets are the further inputs, when any of them is another than before.
	Facets []Facet `json:"facets,omitempty"`
	// Changes are the differences of the inputs that were accepted.
	Changes []say.Text `json:"changes,omitempty"`
	// Void are the numbers (seq) of earlier events that count no more: ends of
	// tasks that are tried again, and what followed from them. A reader that
	// leaves them out has one final state for every task and host.
	Void []int64 `json:"void,omitempty"`
	// Unknown are the steps that were under way when the run broke, and what
	// was decided about each.
	Unknown []Undecided `json:"unknown,omitempty"`
}

// Undecided is a step that was sent to a host and whose answer was lost with
// the run.
type Undecided struct {
	Task int    `json:"task"`           // the task's number
	Host string `json:"host"`           // inventory name
	Item int    `json:"item,omitempty"` // of a loop, from 0
	// Decision is rerun (a person said so), repeat (doing it again does no
	// harm), probe (the host is asked what became of it), skip or fail.
	Decision string `json:"decision"`
}

// PlayStarted says that a play begins.
type PlayStarted struct {
	Play     int      `json:"play"`               // number in the run, from 0
	Name     string   `json:"name"`               // templated; the pattern of its hosts when it has no name
	Pos      diag.Pos `json:"pos"`                // where it is written
	Hosts    []string `json:"hosts"`              // the hosts it is for, in their order
	Strategy string   `json:"strategy,omitempty"` // "linear" when empty
	Serial   bool     `json:"serial,omitempty"`   // batches follow, each with a batch_started
	Check    bool     `json:"check,omitempty"`    // its tasks run in check mode, unless they say otherwise
	// Lanes is in how many groups the hosts go through the play by themselves,
	// when there are several (needs with same): their tasks overlap.
	Lanes int    `json:"lanes,omitempty"`
	Owner string `json:"owner,omitempty"` // who answers for it
	// Tasks is how many tasks the play has, as far as that is known at its
	// start (includes add more): for progress bars.
	Tasks  int           `json:"tasks,omitempty"`
	Grade  int           `json:"grade,omitempty"`  // 1 (gravest) to 4
	Budget time.Duration `json:"budget,omitempty"` // what it may take, nanoseconds
	// Playbook is the file it was run from: when it changes, a new playbook of
	// the command line began.
	Playbook string `json:"playbook,omitempty"`
	// Zones groups the hosts (host to zone) for reports, when they have one.
	Zones map[string]string `json:"zones,omitempty"`
	// Needs are the names of the plays it waited for.
	Needs []string `json:"needs,omitempty"`
	// NoHosts says why there is nothing to do: "no hosts matched" or "no hosts remaining".
	NoHosts string `json:"no_hosts,omitempty"`
}

// BatchStarted says that the next hosts of a serial play begin.
type BatchStarted struct {
	Play  int      `json:"play"`  // the play's number
	Batch int      `json:"batch"` // from 0
	Hosts []string `json:"hosts"` // the hosts of this batch
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
	Play int `json:"play"` // the play's number
	// Task is the number of this start within the run; results refer to it.
	Task    int      `json:"task"`
	ID      string   `json:"id"`                // the task's place, the same in every run of the same files
	Name    string   `json:"name"`              // templated, as shown: "role : name"
	Module  string   `json:"module"`            // its full name, "ansible.builtin.copy"
	Action  string   `json:"action"`            // the module as written
	Role    string   `json:"role,omitempty"`    // the role it is from
	Section Section  `json:"section"`           // facts, pre_tasks, roles, tasks, post_tasks, handlers or health
	Handler bool     `json:"handler,omitempty"` // it was notified
	Pos     diag.Pos `json:"pos"`               // where it is written
	Check   bool     `json:"check,omitempty"`   // it runs in check mode
	// Args are the arguments as written; nil with no_log.
	Args *value.Dict `json:"args,omitempty"`
}

// HostTaskBegan says that a module is about to be sent to a host. In a recorded
// run it is on disk before anything is sent: a step that began and did not end
// is known to have been under way. Steps that may be sent twice, and those that
// reach no host, are told only when they are not instant (the console shows what
// a host is doing).
type HostTaskBegan struct {
	Task    int    `json:"task"`              // the task's number
	Host    string `json:"host"`              // inventory name
	Index   int    `json:"index,omitempty"`   // of the loop item, from 0
	Attempt int    `json:"attempt,omitempty"` // of a task with until, from 1
	// Safe says that sending it twice does no harm: the module is idempotent, or
	// the task is marked retry_safe.
	Safe bool `json:"safe,omitempty"`
	// Job names the task in the background that it starts.
	Job string `json:"job,omitempty"`
}

// HostEntered says, with -vvv, over what and as whom a task reaches a host. It
// holds no password.
type HostEntered struct {
	Task    int    `json:"task"`              // the task's number
	Host    string `json:"host"`              // inventory name of the host that is reached
	Over    string `json:"over"`              // the connection: ssh, local
	Address string `json:"address,omitempty"` // where it is
	Port    int    `json:"port,omitempty"`    // of ssh, when it was set
	User    string `json:"user,omitempty"`    // the login user, when it was set
	// Become is the command that its shell is started by when the task becomes
	// another user.
	Become string `json:"become,omitempty"`
}

// Result is what a module, or the engine in its place, returned.
type Result struct {
	// Values are Ansible's return values (changed, rc, stdout, ...); with
	// no_log only the censored form.
	Values *value.Dict `json:"values"`
	// Diffs are what changed, or would change; only when differences are told.
	Diffs []Diff `json:"diffs,omitempty"`
	// Label is the shown form of the loop item; the items are in Values.
	Label string `json:"label,omitempty"`
	// NoLog says that the values were censored.
	NoLog bool `json:"no_log,omitempty"`
	// Why is a sentence of ours about a failure, when there is one.
	Why say.Text `json:"why,omitzero"`
	// Fix is what to do about it.
	Fix say.Text `json:"fix,omitzero"`
	// Partial says that something secret was taken out of the values: they are
	// not all that the task's host was given.
	Partial bool `json:"partial,omitempty"`
	// Given is how the host keeps ansible_facts, when that is not told by the
	// module.
	Given *Given `json:"given,omitempty"`
}

// Given says how variables that a task gave its host are kept.
type Given struct {
	Final     bool     `json:"final,omitempty"`     // texts in them are never templates
	Cacheable bool     `json:"cacheable,omitempty"` // they are facts too
	Texts     []string `json:"texts,omitempty"`     // names of those that are text even if they look like data
}

// Diff is one difference, as Ansible returns it.
type Diff struct {
	Before       string `json:"before,omitempty"`        // the text as found
	After        string `json:"after,omitempty"`         // the text as wanted
	BeforeHeader string `json:"before_header,omitempty"` // what Before is, usually a path
	AfterHeader  string `json:"after_header,omitempty"`  // what After is
	Prepared     string `json:"prepared,omitempty"`      // shown as it is, in place of a comparison
}

// ItemEnded is the result of one item of a loop on one host.
type ItemEnded struct {
	Task    int     `json:"task"`    // the task's number
	Host    string  `json:"host"`    // inventory name
	Index   int     `json:"index"`   // of the item, from 0
	Outcome Outcome `json:"outcome"` // how the item ended
	Result  Result  `json:"result"`  // what was returned for it
	// Delegate is the host that did the work, when it is another one.
	Delegate string `json:"delegate,omitempty"`
}

// AttemptFailed says that a task with until will be tried again.
type AttemptFailed struct {
	Task    int    `json:"task"`    // the task's number
	Host    string `json:"host"`    // inventory name
	Attempt int    `json:"attempt"` // which one failed, from 1
	// Retries is the task's retries as written: after attempt n there are
	// retries - n + 1 left.
	Retries int    `json:"retries"`
	Result  Result `json:"result"` // what was returned
	// Delegate is the host that did the work, when it is another one.
	Delegate string `json:"delegate,omitempty"`
}

// JobPolled says that a task with async was asked for and has not ended.
type JobPolled struct {
	Task int    `json:"task"` // the task's number
	Host string `json:"host"` // inventory name
	Job  string `json:"job"`  // ansible_job_id
}

// HostTaskEnded is the end of a task on a host.
type HostTaskEnded struct {
	Play    int     `json:"play"`           // the play's number
	Task    int     `json:"task"`           // the task's number
	Host    string  `json:"host"`           // inventory name
	Outcome Outcome `json:"outcome"`        // how it ended
	Result  Result  `json:"result"`         // what was returned
	Loop    bool    `json:"loop,omitempty"` // its items were told before
	// Delegate is the host that did the work, when it is another one.
	Delegate string        `json:"delegate,omitempty"`
	Began    time.Time     `json:"began"` // when the host began with it
	Took     time.Duration `json:"took"`  // nanoseconds
	// Attempts is how often it was tried, when more than once.
	Attempts int `json:"attempts,omitempty"`
	// Aborts says that the run ends with it: it brought a mistake of the playbook
	// to light.
	Aborts bool `json:"aborts,omitempty"`
	// Held says that the result was told before, when it was held.
	Held bool `json:"held,omitempty"`
}

// HostTaskHeld says that the result of a task on one host stands before the
// person at the task debugger, who may have it done again: it counts only when
// host_task_ended follows.
type HostTaskHeld struct {
	Play    int     `json:"play"`           // the play's number
	Task    int     `json:"task"`           // the task's number
	Host    string  `json:"host"`           // inventory name
	Outcome Outcome `json:"outcome"`        // how it would end
	Result  Result  `json:"result"`         // what was returned
	Loop    bool    `json:"loop,omitempty"` // its items were told before
	// Delegate is the host that did the work, when it is another one.
	Delegate string `json:"delegate,omitempty"`
}

// Included says which file or role was included for which hosts.
type Included struct {
	Task  int      `json:"task"`            // the number of the task that includes
	File  string   `json:"file"`            // the file's full path; for a role its name
	Role  string   `json:"role,omitempty"`  // the included role
	Hosts []string `json:"hosts"`           // for whom
	Label string   `json:"label,omitempty"` // the shown form of the loop item
}

// Notified says that a task notified a handler.
type Notified struct {
	Task    int    `json:"task"`    // the number of the task that notified
	Host    string `json:"host"`    // inventory name
	Handler string `json:"handler"` // the handler's name
}

// HostLost says that a host dropped out of a play.
type HostLost struct {
	Play    int     `json:"play"`    // the play's number
	Host    string  `json:"host"`    // inventory name
	Outcome Outcome `json:"outcome"` // failed or unreachable
}

// HostQuarantined says that a host was set aside.
type HostQuarantined struct {
	Play   int      `json:"play"`           // the play's number
	Host   string   `json:"host"`           // inventory name
	Zone   string   `json:"zone,omitempty"` // where it stands
	Reason say.Text `json:"reason"`         // why, for the person who goes there
	Task   int      `json:"task"`           // the number of the task that failed
}

// Gathered is what was collected from a host after a task failed there: the end
// of one file, or of what one command printed, or why it could not be had.
type Gathered struct {
	Play int    `json:"play"` // the play's number
	Task int    `json:"task"` // the number of the task that failed
	Host string `json:"host"` // inventory name
	// Source is what was asked for: a path, perhaps with wildcards, or a command
	// line. It is empty when nothing of the host could be had.
	Source string `json:"source,omitempty"`
	// Command says that the source is a command line.
	Command bool   `json:"command,omitempty"`
	File    string `json:"file,omitempty"` // the file's path on the host
	// Text is UTF-8; bytes that are none are shown as \xNN, and secrets as stars.
	Text string `json:"text,omitempty"`
	Size int64  `json:"size,omitempty"` // of the file on the host, bytes
	// Cut says that the text is only the end of it.
	Cut    bool `json:"cut,omitempty"`
	Hidden int  `json:"hidden,omitempty"` // how many times a secret was replaced by stars
	// Encoding is what the text was converted from, when that is not UTF-8.
	Encoding string        `json:"encoding,omitempty"`
	RC       *int          `json:"rc,omitempty"` // exit code of the command
	Took     time.Duration `json:"took"`         // nanoseconds
	// Refused says why there is no text.
	Refused say.Text `json:"refused,omitzero"`
}

// Steered says that a person took a hand in the run.
type Steered struct {
	// Action is pause, resume, cancel, skip, quarantine, release or retry.
	Action string `json:"action"`
	Host   string `json:"host,omitempty"`   // whom it is about, if not the whole run
	User   string `json:"user"`             // who did it
	UID    int    `json:"uid"`              // the user's number on the controller
	From   string `json:"from"`             // "terminal" or "ctl"
	Reason string `json:"reason,omitempty"` // why, in the person's words
	// Void are the numbers (seq) of earlier events that count no more: the
	// failure of a host that is tried again.
	Void []int64 `json:"void,omitempty"`
}

// Probe is one answer of a health probe that changed its state.
type Probe struct {
	Play   int      `json:"play"`            // the play's number
	Host   string   `json:"host"`            // inventory name
	Probe  string   `json:"probe"`           // what was asked, "tcp 5432"
	Passed bool     `json:"passed"`          // the answer was good
	Reason say.Text `json:"reason,omitzero"` // why not
	Tries  int      `json:"tries"`           // how often it was asked by then
}

// Anomaly says that a task took a host so long, or so short, as its own past
// does not explain.
type Anomaly struct {
	Play   int           `json:"play"`   // the play's number
	Task   int           `json:"task"`   // the task's number
	Host   string        `json:"host"`   // inventory name
	Took   time.Duration `json:"took"`   // this time, nanoseconds
	Usual  time.Duration `json:"usual"`  // the median of earlier runs, nanoseconds
	Spread time.Duration `json:"spread"` // the median distance from it, nanoseconds
	Runs   int           `json:"runs"`   // how many earlier runs it is from
}

// Warning is something that a person should know.
type Warning struct {
	Text       say.Text `json:"text"`                 // the warning
	Host       string   `json:"host,omitempty"`       // whom it is about
	Deprecated bool     `json:"deprecated,omitempty"` // something that will be removed
}

// Stats are values that set_stats collected, for the whole run (Host empty) or
// for a host.
type Stats struct {
	Host string      `json:"host,omitempty"` // empty for the whole run
	Data *value.Dict `json:"data"`           // what was collected
}

// Meta says what a meta task (end_host, clear_facts, ...) did on a host. It is no
// task: it has no number and is not counted.
type Meta struct {
	Play   int      `json:"play"`   // the play's number
	ID     string   `json:"id"`     // the task's place, as in task_started
	Name   string   `json:"name"`   // templated, as shown
	Action string   `json:"action"` // what was asked: "end_host"
	Pos    diag.Pos `json:"pos"`    // where it is written
	Host   string   `json:"host"`   // inventory name
	// Handler says that it was notified.
	Handler bool `json:"handler,omitempty"`
	// Done is what Ansible says of it: "ending play for web1".
	Done string `json:"done"`
	// Skipped is why it was not done, in Ansible's words.
	Skipped string `json:"skipped,omitempty"`
}

// NoHostsLeft says that a play, or a batch of it, stops because every host
// failed (Ansible prints NO MORE HOSTS LEFT in the same cases).
type NoHostsLeft struct {
	Play int `json:"play"` // the play's number
}

// PlayEnded says that a play is over.
type PlayEnded struct {
	Play int `json:"play"` // the play's number
	// Outcome is ok, failed or cancelled.
	Outcome Outcome `json:"outcome"`
}

// Recap is Ansible's counts for one host.
type Recap struct {
	Host        string `json:"host"`                  // inventory name
	OK          int    `json:"ok"`                    // ended well, changed and ignored ones too
	Changed     int    `json:"changed"`               // changed something
	Unreachable int    `json:"unreachable"`           // the host could not be reached
	Failed      int    `json:"failed"`                // failed, and nothing caught it
	Skipped     int    `json:"skipped"`               // had nothing to do
	Rescued     int    `json:"rescued"`               // failed, and a rescue took over
	Ignored     int    `json:"ignored"`               // failed, with ignore_errors
	Quarantined bool   `json:"quarantined,omitempty"` // the host was set aside
}

// Reach is what reaching a host cost.
type Reach struct {
	Host       string `json:"host"`        // inventory name
	Handshakes int    `json:"handshakes"`  // connections made
	RoundTrips int    `json:"round_trips"` // exchanges
	Commands   int    `json:"commands"`    // commands run
	BytesIn    int64  `json:"bytes_in"`    // received
	BytesOut   int64  `json:"bytes_out"`   // sent
}

// RunEnded closes a stream.
type RunEnded struct {
	// Outcome is ok, failed, unreachable or cancelled.
	Outcome  Outcome  `json:"outcome"`
	ExitCode int      `json:"exit_code"`       // of the command
	Recap    []Recap  `json:"recap"`           // by host name
	Reach    []Reach  `json:"reach,omitempty"` // by host name
	Reason   say.Text `json:"reason,omitzero"` // why it ended early
}

// Type names, one for each body.
func (RunStarted) Type() Type      { return TypeRunStarted }
func (RunResumed) Type() Type      { return TypeRunResumed }
func (Planned) Type() Type         { return TypePlanned }
func (HostUp) Type() Type          { return TypeHostUp }
func (Forecast) Type() Type        { return TypeForecast }
func (Anomaly) Type() Type         { return TypeAnomaly }
func (PlayStarted) Type() Type     { return TypePlayStarted }
func (InputRead) Type() Type       { return TypeInputRead }
func (BatchStarted) Type() Type    { return TypeBatchStarted }
func (TaskStarted) Type() Type     { return TypeTaskStarted }
func (HostTaskBegan) Type() Type   { return TypeHostTaskBegan }
func (HostEntered) Type() Type     { return TypeHostEntered }
func (ItemEnded) Type() Type       { return TypeItemEnded }
func (AttemptFailed) Type() Type   { return TypeAttemptFailed }
func (JobPolled) Type() Type       { return TypeJobPolled }
func (HostTaskEnded) Type() Type   { return TypeHostTaskEnded }
func (HostTaskHeld) Type() Type    { return TypeHostTaskHeld }
func (Included) Type() Type        { return TypeIncluded }
func (Notified) Type() Type        { return TypeNotified }
func (HostLost) Type() Type        { return TypeHostLost }
func (HostQuarantined) Type() Type { return TypeHostQuarantined }
func (Gathered) Type() Type        { return TypeGathered }
func (Steered) Type() Type         { return TypeSteered }
func (Probe) Type() Type           { return TypeProbe }
func (Warning) Type() Type         { return TypeWarning }
func (Stats) Type() Type           { return TypeStats }
func (Meta) Type() Type            { return TypeMeta }
func (NoHostsLeft) Type() Type     { return TypeNoHostsLeft }
func (PlayEnded) Type() Type       { return TypePlayEnded }
func (RunEnded) Type() Type        { return TypeRunEnded }
