package reports

import (
	"cmp"
	"slices"
	"time"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// SchemaVersion is the version of report.json. Fields may be added within a
// version; none is renamed or removed.
const SchemaVersion = 1

// Report is everything worth knowing about one run. It is what report.json
// holds; report.schema.json describes it.
type Report struct {
	Schema int `json:"schema"`
	Run    Run `json:"run"`
	// Sentence says in one sentence how the run went.
	Sentence say.Text      `json:"sentence"`
	Outcome  event.Outcome `json:"outcome"`
	// Complete is false when the stream ended before the run did.
	Complete bool      `json:"complete"`
	ExitCode int       `json:"exit_code"`
	Reason   say.Text  `json:"reason,omitzero"`
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended"`
	TookMS   int64     `json:"took_ms"`
	Figures  Figures   `json:"figures"`
	// Attempts are there when the run was resumed: the first and each later one.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Milestones are the deadlines, the opening among them, by time.
	Milestones []Milestone   `json:"milestones"`
	Plays      []*Play       `json:"plays"`
	Tasks      []*Task       `json:"tasks"`
	Hosts      []*Host       `json:"hosts"`
	Failures   []*Failure    `json:"failures"`
	Causes     []*Cause      `json:"causes"`
	Quarantine []Quarantined `json:"quarantine"`
	Slow       []Step        `json:"slow"`
	Critical   []Step        `json:"critical_path"`
	// Plan is what was going to happen, as told before the first step.
	Plan *event.Planned `json:"plan,omitempty"`
	// Savings are what would shorten the run most, the largest first.
	Savings  []Saving      `json:"savings"`
	Changes  []*Change     `json:"changes"`
	Recap    []event.Recap `json:"recap"`
	Reach    []event.Reach `json:"reach,omitempty"`
	Warnings []*Warned     `json:"warnings"`
	Steering []Steering    `json:"steering,omitempty"`
	Stats    []Stats       `json:"stats,omitempty"`
	// Gathered is what was collected from hosts after failures.
	Gathered []Gathered `json:"gathered,omitempty"`
	// Anomalies are steps that took a host so long, or so short, as its past
	// does not explain.
	Anomalies []Anomalous `json:"anomalies,omitempty"`
	// History is how the run stands against earlier ones; there only when a
	// store of earlier runs was at hand.
	History *History `json:"history,omitempty"`
	// Notes say what was left out of this report, and why.
	Notes []say.Text `json:"notes,omitempty"`
}

// Run is what was started, by whom, and from what.
type Run struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	Playbooks []string      `json:"playbooks"`
	Inventory []string      `json:"inventory"`
	Limit     string        `json:"limit,omitempty"`
	Tags      []string      `json:"tags,omitempty"`
	SkipTags  []string      `json:"skip_tags,omitempty"`
	Check     bool          `json:"check"`
	Diff      bool          `json:"diff"`
	Forks     int           `json:"forks"`
	User      string        `json:"user"`
	Node      string        `json:"node"`
	Inputs    []event.Input `json:"inputs"`
	// Revision is the git commit of the playbooks, when they are in a checkout.
	Revision *event.Revision `json:"revision,omitempty"`
	// Startup says that the playbook starts an estate up: it has a startup item.
	Startup  bool      `json:"startup"`
	Timezone string    `json:"timezone,omitempty"`
	BudgetMS int64     `json:"budget_ms,omitempty"`
	OpensAt  time.Time `json:"opens_at,omitzero"`
}

// Attempt is one of the times that a resumed run was carried on.
type Attempt struct {
	Number int       `json:"number"` // from 1
	Began  time.Time `json:"began"`
	// Ended is the last thing known of it.
	Ended time.Time `json:"ended"`
	// Outcome is unknown when the attempt broke off.
	Outcome event.Outcome `json:"outcome"`
	User    string        `json:"user"`
	Node    string        `json:"node"`
	// Reason says why the run was resumed; empty for the first attempt.
	Reason say.Text `json:"reason,omitzero"`
	// Inputs are the files it was made from, when they are others than before.
	Inputs []event.Input `json:"inputs,omitempty"`
	// Changes are the differences of the inputs that were accepted.
	Changes []say.Text `json:"changes,omitempty"`
	// Unknown are steps that were under way when the run broke, and what was
	// decided about each.
	Unknown []Undecided `json:"unknown,omitempty"`
}

// Undecided is a step whose answer was lost with the run.
type Undecided struct {
	Task     string `json:"task"` // its name
	Host     string `json:"host"`
	Decision string `json:"decision"` // rerun, repeat, probe, skip or fail
}

// Steering is a person's hand in the run while it went on.
type Steering struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"` // pause, resume, cancel, skip, quarantine, release or retry
	Host   string    `json:"host,omitempty"`
	User   string    `json:"user"`
	From   string    `json:"from,omitempty"` // terminal or ctl
	Reason string    `json:"reason,omitempty"`
}

// History is how a run stands against the earlier runs of the same playbooks.
type History struct {
	// Runs is how many earlier runs are known, Since when the first of them was.
	Runs  int       `json:"runs"`
	Since time.Time `json:"since,omitzero"`
	// UsualMS is the median of what they took as a whole, and SpreadMS the
	// median distance from it.
	UsualMS  int64 `json:"usual_ms"`
	SpreadMS int64 `json:"spread_ms"`
	// Steps compares the tasks that earlier runs had too.
	Steps []StepHistory `json:"steps"`
	// Trend is the runs with this one, the oldest first: minutes, and what was
	// saved against Manual.
	Trend  []TrendPoint `json:"trend,omitempty"`
	Manual *Manual      `json:"manual,omitempty"`
}

// Anomalous is a task whose time on a host is out of its usual range.
type Anomalous struct {
	Task     int    `json:"task"`
	Host     string `json:"host"`
	TookMS   int64  `json:"took_ms"`
	UsualMS  int64  `json:"usual_ms"`
	SpreadMS int64  `json:"spread_ms"` // median distance from the usual
	Runs     int    `json:"runs"`      // earlier runs it is judged by
}

// StepHistory is one task against its own past.
type StepHistory struct {
	Task int `json:"task"` // its number in this run
	Runs int `json:"runs"` // how many earlier runs had it
	// TookMS is its span in this run; UsualMS and SpreadMS are the median of the
	// earlier ones and the median distance from it.
	TookMS   int64 `json:"took_ms"`
	UsualMS  int64 `json:"usual_ms"`
	SpreadMS int64 `json:"spread_ms"`
}

// SlowerPercent is by how much the step took longer than usual; negative when
// it was faster, 0 when nothing usual is known.
func (s StepHistory) SlowerPercent() int64 {
	if s.UsualMS <= 0 {
		return 0
	}
	return (s.TookMS - s.UsualMS) * 100 / s.UsualMS
}

// Counts are how many host x task cells ended in each outcome.
type Counts map[event.Outcome]int

// Figures are the numbers of the whole run.
type Figures struct {
	Hosts        int    `json:"hosts"`
	HostsGood    int    `json:"hosts_good"`
	HostsFailed  int    `json:"hosts_failed"`
	HostsLost    int    `json:"hosts_unreachable"`
	HostsAside   int    `json:"hosts_quarantined"`
	HostsChanged int    `json:"hosts_changed"`
	Plays        int    `json:"plays"`
	Tasks        int    `json:"tasks"`
	Cells        Counts `json:"cells"`
	// WorkingMS and WaitingMS are summed over the hosts: time in tasks, and
	// time between the beginning of a play and the host's end in it that was
	// not in tasks.
	WorkingMS  int64 `json:"working_ms"`
	WaitingMS  int64 `json:"waiting_ms"`
	Attempts   int   `json:"attempts"` // tries that failed and were made again
	Handshakes int   `json:"handshakes"`
	Commands   int   `json:"commands"`
}

// MilestoneState tells whether a deadline was kept.
type MilestoneState string

// The states of a milestone.
const (
	Met        MilestoneState = "met"         // everything was up before it
	Late       MilestoneState = "late"        // everything was up after it
	NotReached MilestoneState = "not_reached" // the run did not get everything up
)

// Milestone is one deadline and what became of it.
type Milestone struct {
	Name  string         `json:"name"`
	At    time.Time      `json:"at"`
	State MilestoneState `json:"state"`
	// MarginMS is what was left; negative when it was late.
	MarginMS int64 `json:"margin_ms"`
	Opening  bool  `json:"opening,omitempty"`
	// When are the plays that it is judged by; empty means all.
	When []string `json:"when,omitempty"`
}

// Play is one play.
type Play struct {
	Number    int           `json:"number"`
	Name      string        `json:"name"`
	Pos       diag.Pos      `json:"pos"`
	HostCount int           `json:"host_count"`
	Strategy  string        `json:"strategy,omitempty"`
	Lanes     int           `json:"lanes,omitempty"` // groups of hosts that run side by side
	Owner     string        `json:"owner,omitempty"`
	Grade     int           `json:"grade,omitempty"`
	BudgetMS  int64         `json:"budget_ms,omitempty"`
	Needs     []string      `json:"needs,omitempty"`
	NoHosts   string        `json:"no_hosts,omitempty"`
	Outcome   event.Outcome `json:"outcome"`
	Began     time.Time     `json:"began"`
	Ended     time.Time     `json:"ended"`
	TookMS    int64         `json:"took_ms"`
	Counts    Counts        `json:"counts"`
	// WorkingMS and WaitingMS are summed over its hosts, as in the figures.
	WorkingMS int64    `json:"working_ms"`
	WaitingMS int64    `json:"waiting_ms"`
	Lost      []string `json:"lost,omitempty"`
	Batches   int      `json:"batches,omitempty"`
}

// Task is one column of the matrix: a task of a play. A task that ran in
// several batches is one column; one that a host ran several times is several.
type Task struct {
	Number  int           `json:"number"`
	Play    int           `json:"play"`
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Module  string        `json:"module"`
	Role    string        `json:"role,omitempty"`
	Section event.Section `json:"section"`
	Handler bool          `json:"handler,omitempty"`
	Pos     diag.Pos      `json:"pos"`
	Began   time.Time     `json:"began"`
	Ended   time.Time     `json:"ended"`
	// SpanMS is from its first host's begin to its last host's end.
	SpanMS  int64  `json:"span_ms"`
	Counts  Counts `json:"counts"`
	WorkMS  int64  `json:"work_ms"`
	Slowest string `json:"slowest,omitempty"`
	// SlowestMS is what the slowest host took.
	SlowestMS int64 `json:"slowest_ms"`
	// MiddleMS is what a host in the middle took (the median).
	MiddleMS int64 `json:"middle_ms"`
}

// Host is one row of the matrix.
type Host struct {
	Name string `json:"name"`
	Zone string `json:"zone,omitempty"`
	// Outcome is the gravest: unreachable, failed, quarantined, cancelled,
	// unknown, changed or ok.
	Outcome   event.Outcome `json:"outcome"`
	WorkingMS int64         `json:"working_ms"`
	WaitingMS int64         `json:"waiting_ms"`
	Cells     []Cell        `json:"cells"`
}

// Cell is how one task ended on one host.
type Cell struct {
	Task    int           `json:"task"` // the column
	Outcome event.Outcome `json:"outcome"`
	BeganMS int64         `json:"began_ms"` // since the run began
	TookMS  int64         `json:"took_ms"`

	seq int64 // of the event that told it
}

// Failure is one task that failed on one host, with what a person needs to
// mend it.
type Failure struct {
	Host     string        `json:"host"`
	Zone     string        `json:"zone,omitempty"`
	Play     int           `json:"play"`
	Task     int           `json:"task"`
	Outcome  event.Outcome `json:"outcome"`
	At       time.Time     `json:"at"`
	TookMS   int64         `json:"took_ms"`
	Attempts int           `json:"attempts,omitempty"`
	Delegate string        `json:"delegate,omitempty"`
	Message  string        `json:"message"`
	RC       *int          `json:"rc,omitempty"`
	Command  string        `json:"command,omitempty"`
	Stdout   string        `json:"stdout,omitempty"`
	Stderr   string        `json:"stderr,omitempty"`
	Diff     string        `json:"diff,omitempty"`
	Why      say.Text      `json:"why,omitzero"`
	Fix      say.Text      `json:"fix,omitzero"`
	Items    []FailedItem  `json:"items,omitempty"`
	NoLog    bool          `json:"no_log,omitempty"`
	// Cut says that output was too long and its middle was left out.
	Cut bool `json:"cut,omitempty"`
	// Mended says that a later attempt of the run did the task again, with
	// another end.
	Mended bool `json:"mended,omitempty"`
	// Earlier are failures like this one in earlier runs; there only when a
	// store of earlier runs was at hand.
	Earlier []EarlierFailure `json:"earlier,omitempty"`
}

// EarlierFailure is a failure like this one in an earlier run.
type EarlierFailure struct {
	Run  string    `json:"run"`
	At   time.Time `json:"at"`
	Host string    `json:"host"`
	// Note is what a person wrote about its cause and what mended it.
	Note string `json:"note,omitempty"`
	// By is who wrote it.
	By string `json:"by,omitempty"`
}

// FailedItem is one failed item of a loop.
type FailedItem struct {
	Label   string `json:"label"`
	Message string `json:"message"`
}

// Cause groups the failures that have the same cause.
type Cause struct {
	Outcome event.Outcome `json:"outcome"`
	Message string        `json:"message"`
	Why     say.Text      `json:"why,omitzero"`
	Fix     say.Text      `json:"fix,omitzero"`
	Tasks   []int         `json:"tasks"`
	Hosts   []string      `json:"hosts"`
	// Count is how many failures there were, told one by one or not.
	Count int `json:"count"`
}

// Quarantined is a host that was set aside: a work order.
type Quarantined struct {
	Host   string    `json:"host"`
	Zone   string    `json:"zone,omitempty"`
	Play   int       `json:"play"`
	Task   int       `json:"task"` // -1 when not known
	At     time.Time `json:"at"`
	Reason say.Text  `json:"reason"`
	Fix    say.Text  `json:"fix,omitzero"`
	Owner  string    `json:"owner,omitempty"`
	Grade  int       `json:"grade,omitempty"`

	seq int64 // of the event that told it
}

// Step is a task as a part of the time that the run took.
type Step struct {
	Play int `json:"play"`
	Task int `json:"task"`
	// Host is the one that was waited for.
	Host string `json:"host"`
	// TookMS is the time that the run spent on it. On the critical path these
	// times sum to that of the run, and WaitMS of it passed before the step began.
	TookMS int64 `json:"took_ms"`
	WaitMS int64 `json:"wait_ms,omitempty"`
}

// Saving is something that would shorten the run by as much as SaveMS.
type Saving struct {
	Task   int      `json:"task"`
	Host   string   `json:"host"`
	SaveMS int64    `json:"save_ms"`
	Text   say.Text `json:"text"`
}

// Change is what one task changed, or would change, on some hosts.
type Change struct {
	Task  int      `json:"task"`
	Hosts []string `json:"hosts"`
	Count int      `json:"count"`
	Diffs []Diff   `json:"diffs,omitempty"`
}

// Diff is one difference and the hosts that share it.
type Diff struct {
	Text  string   `json:"text"`
	Hosts []string `json:"hosts"`
	Cut   bool     `json:"cut,omitempty"`
}

// Warned is one warning and how often it came.
type Warned struct {
	Text       say.Text `json:"text"`
	Host       string   `json:"host,omitempty"`
	Deprecated bool     `json:"deprecated,omitempty"`
	Count      int      `json:"count"`
}

// Stats are what set_stats collected for a host, or for the run.
type Stats struct {
	Host string      `json:"host,omitempty"`
	Data *value.Dict `json:"data"`
}

// isBad reports whether an outcome is one that somebody should look at.
func isBad(o event.Outcome) bool {
	switch o {
	case event.Failed, event.Unreachable, event.Quarantined, event.Unknown:
		return true
	}
	return false
}

// gravity orders outcomes from harmless to grave.
var gravity = map[event.Outcome]int{
	event.Skipped: 1, event.OK: 2, event.Ignored: 3, event.Rescued: 4, event.Changed: 5,
	event.Cancelled: 6, event.Unknown: 7, event.Quarantined: 8, event.Failed: 9, event.Unreachable: 10,
}

// worstFirst are the hosts with those first that somebody should look at, by
// gravity; the others keep their order.
func worstFirst(hosts []*Host) []*Host {
	out := slices.Clone(hosts)
	slices.SortStableFunc(out, func(x, y *Host) int { return cmp.Compare(sick(y.Outcome), sick(x.Outcome)) })
	return out
}

// urgentFirst are the failures with those first that are still to be mended.
func urgentFirst(failures []*Failure) []*Failure {
	urgent := func(f *Failure) int {
		if isBad(f.Outcome) && !f.Mended {
			return 0
		}
		return 1
	}
	out := slices.Clone(failures)
	slices.SortStableFunc(out, func(x, y *Failure) int { return cmp.Compare(urgent(x), urgent(y)) })
	return out
}
