package reports

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// What a report holds at most, so that a run of thousands of hosts stays a
// report. What is beyond is counted, and the report says so.
const (
	maxFailures    = 1000     // told one by one
	maxOutput      = 16 << 10 // bytes of each output of a failure
	maxOutputTotal = 16 << 20 // bytes of all outputs
	smallOutput    = 1 << 10  // bytes of each output behind that
	maxDiffs       = 20       // different diffs of one task
	maxDiff        = 8 << 10
	maxDiffTotal   = 8 << 20
	maxItems       = 50 // failed items of one failure
	maxWarnings    = 200
	maxColumns     = 5000 // tasks
	slowSteps      = 15
)

// Builder is a Sink that folds events into a Report. It may be used from
// several goroutines; Report may be asked for at any time, also before the end.
type Builder struct {
	mu     sync.Mutex
	report Report
	last   time.Time // the time of the last event

	plays   map[int]*Play
	starts  map[int]event.TaskStarted // by the number that events use
	columns map[string][]*Task        // by play and ID
	hosts   map[string]*Host
	// first and final are a host's span in a play.
	spans           map[span]*spanOf
	items           map[cellKey][]FailedItem
	itemDiff        map[cellKey][]event.Diff
	causes          map[string]*Cause
	changes         map[int]*changed
	warned          map[string]*Warned
	stats           map[string]*value.Dict
	bytes           int
	diffs           int
	untold          int
	worked          time.Time // the last event that is neither collecting nor the end
	collecting      bool      // something was collected since
	gatheredBytes   int
	gatheredLeftOut bool
	columnsLeftOut  bool
	planned         *event.Planned
	resumes         int
	blamed          map[cellKey]*Cause // by column and host: what its failure was counted to
	gaps            []gap              // between attempts, when nothing ran
}

type cellKey struct {
	task int
	host string
}

type span struct {
	play int
	host string
}

type spanOf struct {
	last    time.Time
	working time.Duration
}

type changed struct {
	*Change
	byDiff map[string]int
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder {
	return &Builder{
		plays: map[int]*Play{}, starts: map[int]event.TaskStarted{}, columns: map[string][]*Task{}, hosts: map[string]*Host{},
		spans: map[span]*spanOf{}, items: map[cellKey][]FailedItem{}, itemDiff: map[cellKey][]event.Diff{},
		causes: map[string]*Cause{}, blamed: map[cellKey]*Cause{}, changes: map[int]*changed{}, warned: map[string]*Warned{}, stats: map[string]*value.Dict{},
		report: Report{Figures: Figures{Cells: Counts{}}},
	}
}

// Fold makes the report of a whole stream.
func Fold(events []event.Event) *Report {
	b := NewBuilder()
	for _, e := range events {
		b.Emit(e)
	}
	return b.Report()
}

// Emit folds one event.
func (b *Builder) Emit(e event.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.report.Began.IsZero() {
		b.report.Began = e.Time
	}
	switch d := e.Data.(type) {
	case event.RunStarted:
		b.runStarted(d, e.Time)
	case event.RunResumed:
		b.runResumed(d, e.Time)
	case event.Planned:
		b.planned = &d
	case event.PlayStarted:
		b.playStarted(d, e.Time)
	case event.BatchStarted:
		if p := b.plays[d.Play]; p != nil {
			p.Batches++
		}
	case event.TaskStarted:
		b.starts[d.Task] = d
	case event.ItemEnded:
		b.itemEnded(d)
	case event.AttemptFailed:
		b.report.Figures.Attempts++
	case event.HostTaskEnded:
		b.hostTaskEnded(d, e)
	case event.HostLost:
		if p := b.plays[d.Play]; p != nil {
			p.Lost = append(p.Lost, d.Host)
		}
	case event.HostQuarantined:
		b.quarantined(d, e)
	case event.Gathered:
		b.gathered(d, e.Time)
	case event.Steered:
		if len(b.report.Steering) < maxWarnings {
			b.report.Steering = append(b.report.Steering, Steering{At: e.Time, Action: d.Action, Host: d.Host, User: d.User, From: d.From, Reason: d.Reason})
		}
		b.void(d.Void)
		if d.Action == "release" {
			b.released(d.Host)
		}
	case event.Anomaly:
		b.anomaly(d)
	case event.Warning:
		b.warning(d)
	case event.Stats:
		if b.stats[d.Host] == nil {
			b.stats[d.Host] = &value.Dict{}
		}
		b.stats[d.Host].Update(d.Data)
	case event.PlayEnded:
		if p := b.plays[d.Play]; p != nil {
			p.Outcome, p.Ended = d.Outcome, e.Time
		}
	case event.RunEnded:
		r := &b.report
		r.Complete, r.Outcome, r.ExitCode, r.Reason = true, d.Outcome, d.ExitCode, d.Reason
		r.Recap, r.Reach, r.Ended = d.Recap, d.Reach, e.Time
		if b.collecting { // the estate was up, or not, when the plays were over
			r.Ended = b.worked
		}
	}
	b.noteWork(e)
	if e.Time.After(b.last) {
		b.last = e.Time
	}
}

// noteWork keeps when the work ended: logs that are collected after the last play
// delay the end of the run, but not the opening.
func (b *Builder) noteWork(e event.Event) {
	switch e.Data.(type) {
	case event.Gathered:
		b.collecting = true
	case event.Stats, event.RunEnded:
	default:
		b.worked, b.collecting = e.Time, false
	}
}

func (b *Builder) runStarted(d event.RunStarted, at time.Time) {
	b.report.Began = at
	b.report.Run = Run{
		ID: d.RunID, Name: strings.Join(d.Playbooks, ", "), Version: d.Version, Playbooks: d.Playbooks, Inventory: d.Inventory,
		Limit: d.Limit, Tags: d.Tags, SkipTags: d.SkipTags, Check: d.Check, Diff: d.Diff, Forks: d.Forks,
		User: d.User, Node: d.Node, Inputs: d.Inputs, Revision: d.Revision,
	}
	if s := d.Startup; s != nil {
		run := &b.report.Run
		run.Startup = s.Way == ""
		if s.Name != "" {
			run.Name = s.Name
		}
		run.Timezone, run.BudgetMS, run.OpensAt = s.Timezone, s.Budget.Milliseconds(), s.OpensAt
		for _, m := range s.Milestones {
			b.report.Milestones = append(b.report.Milestones, Milestone{Name: m.Name, At: m.At, When: m.When})
		}
		if !s.OpensAt.IsZero() {
			b.report.Milestones = append(b.report.Milestones, Milestone{At: s.OpensAt, Opening: true})
		}
		slices.SortStableFunc(b.report.Milestones, func(x, y Milestone) int { return x.At.Compare(y.At) })
	}
}

func (b *Builder) playStarted(d event.PlayStarted, at time.Time) {
	if p := b.plays[d.Play]; p != nil && b.resumes > 0 {
		p.Outcome, p.Ended = "", time.Time{} // carried on
		return
	}
	p := &Play{
		Number: d.Play, Name: d.Name, Pos: d.Pos, HostCount: len(d.Hosts), Strategy: d.Strategy, Lanes: d.Lanes, Owner: d.Owner, Grade: d.Grade,
		BudgetMS: d.Budget.Milliseconds(), Needs: d.Needs, NoHosts: d.NoHosts, Began: at, Counts: Counts{},
	}
	b.plays[d.Play] = p
	b.report.Plays = append(b.report.Plays, p)
	for _, name := range d.Hosts {
		h := b.host(name)
		if z := d.Zones[name]; z != "" {
			h.Zone = z
		}
	}
}

func (b *Builder) host(name string) *Host {
	h := b.hosts[name]
	if h == nil {
		h = &Host{Name: name}
		b.hosts[name] = h
		b.report.Hosts = append(b.report.Hosts, h)
	}
	return h
}

func (b *Builder) itemEnded(d event.ItemEnded) {
	key := cellKey{d.Task, d.Host}
	if isBad(d.Outcome) && len(b.items[key]) < maxItems {
		label := itemLabel(d.Result)
		b.items[key] = append(b.items[key], FailedItem{Label: shorten(label, 200), Message: shorten(message(d.Result), 1000)})
	}
	if d.Outcome == event.Changed && len(d.Result.Diffs) > 0 && !d.Result.NoLog && len(b.itemDiff[key]) < maxItems {
		b.itemDiff[key] = append(b.itemDiff[key], d.Result.Diffs...)
	}
}

func (b *Builder) hostTaskEnded(d event.HostTaskEnded, e event.Event) {
	at := e.Time
	key := cellKey{d.Task, d.Host}
	items, diffs := b.items[key], b.itemDiff[key]
	delete(b.items, key)
	delete(b.itemDiff, key)
	start, known := b.starts[d.Task]
	if !known {
		start = event.TaskStarted{Play: d.Play, Task: d.Task, ID: fmt.Sprint("#", d.Task), Name: fmt.Sprint("#", d.Task)}
	}
	if isAction(start, "meta") {
		return
	}
	h := b.host(d.Host)
	t := b.again(start, h)
	if t == nil {
		t = b.column(start, h)
	}
	if t == nil {
		return
	}
	began := d.Began
	if began.IsZero() {
		began = at.Add(-d.Took)
	}
	h.Cells = append(h.Cells, Cell{Task: t.Number, Outcome: d.Outcome, BeganMS: began.Sub(b.report.Began).Milliseconds(), TookMS: d.Took.Milliseconds(), seq: e.Seq})
	b.tally(t, d, began)
	if gravity[d.Outcome] > gravity[h.Outcome] {
		h.Outcome = d.Outcome
	}
	switch d.Outcome {
	case event.Changed:
		b.changed(t, d, append(diffs, d.Result.Diffs...))
	case event.Failed, event.Unreachable, event.Quarantined, event.Unknown, event.Rescued, event.Ignored:
		b.failed(t, d, at, items)
	}
}

func columnKey(start event.TaskStarted) string {
	if start.ID == "" {
		return fmt.Sprint(start.Play, "/#", start.Task)
	}
	return fmt.Sprint(start.Play, "/", start.ID)
}

// column finds the column of a task: the first of the same task of the play
// that the host has no cell in yet.
func (b *Builder) column(start event.TaskStarted, h *Host) *Task {
	key := columnKey(start)
	for _, t := range b.columns[key] {
		if !slices.ContainsFunc(h.Cells, func(c Cell) bool { return c.Task == t.Number }) {
			return t
		}
	}
	if len(b.report.Tasks) >= maxColumns {
		b.columnsLeftOut = true
		return nil
	}
	t := &Task{
		Number: len(b.report.Tasks), Play: start.Play, ID: start.ID, Name: start.Name, Module: start.Module, Role: start.Role,
		Section: start.Section, Handler: start.Handler, Pos: start.Pos, Counts: Counts{},
	}
	b.columns[key] = append(b.columns[key], t)
	b.report.Tasks = append(b.report.Tasks, t)
	return t
}

func (b *Builder) tally(t *Task, d event.HostTaskEnded, began time.Time) {
	t.Counts[d.Outcome]++
	b.report.Figures.Cells[d.Outcome]++
	ended := began.Add(d.Took)
	if t.Began.IsZero() || began.Before(t.Began) {
		t.Began = began
	}
	if ended.After(t.Ended) {
		t.Ended = ended
	}
	t.WorkMS += d.Took.Milliseconds()
	if ms := d.Took.Milliseconds(); ms > t.SlowestMS || t.Slowest == "" {
		t.Slowest, t.SlowestMS = d.Host, ms
	}
	if p := b.plays[d.Play]; p != nil {
		p.Counts[d.Outcome]++
	}
	key := span{d.Play, d.Host}
	s := b.spans[key]
	if s == nil {
		s = &spanOf{}
		b.spans[key] = s
	}
	s.working += d.Took
	if ended.After(s.last) {
		s.last = ended
	}
}

func (b *Builder) changed(t *Task, d event.HostTaskEnded, diffs []event.Diff) {
	c := b.changes[t.Number]
	if c == nil {
		c = &changed{Change: &Change{Task: t.Number}, byDiff: map[string]int{}}
		b.changes[t.Number] = c
		b.report.Changes = append(b.report.Changes, c.Change)
	}
	c.Count++
	c.Hosts = append(c.Hosts, d.Host)
	if d.Result.NoLog || len(diffs) == 0 {
		return
	}
	text := diffText(diffs)
	if text == "" {
		return
	}
	if i, ok := c.byDiff[text]; ok {
		c.Diffs[i].Hosts = append(c.Diffs[i].Hosts, d.Host)
		return
	}
	if len(c.Diffs) >= maxDiffs || b.diffs > maxDiffTotal {
		return
	}
	shown, cut := cutMiddle(text, maxDiff)
	b.diffs += len(shown)
	c.byDiff[text] = len(c.Diffs)
	c.Diffs = append(c.Diffs, Diff{Text: shown, Hosts: []string{d.Host}, Cut: cut})
}

func diffText(diffs []event.Diff) string {
	var s strings.Builder
	for _, d := range diffs {
		for _, line := range diffLines(d, 3) {
			s.WriteString(line)
		}
		if s.Len() > maxOutputTotal {
			break
		}
	}
	return strings.TrimRight(s.String(), "\n")
}

func (b *Builder) quarantined(d event.HostQuarantined, e event.Event) {
	h := b.host(d.Host)
	if d.Zone != "" {
		h.Zone = d.Zone
	}
	h.Outcome = event.Quarantined
	q := Quarantined{Host: d.Host, Zone: h.Zone, Play: d.Play, Task: -1, At: e.Time, Reason: d.Reason, seq: e.Seq}
	if p := b.plays[d.Play]; p != nil {
		q.Owner, q.Grade = p.Owner, p.Grade
	}
	if start, ok := b.starts[d.Task]; ok {
		for _, t := range b.report.Tasks {
			if t.Play == start.Play && t.ID == start.ID {
				q.Task = t.Number
			}
		}
	}
	b.report.Quarantine = append(b.report.Quarantine, q)
}

// released takes back what was said of a host: it took part again, and is no
// work order any more.
func (b *Builder) released(host string) {
	b.report.Quarantine = slices.DeleteFunc(b.report.Quarantine, func(q Quarantined) bool { return q.Host == host })
	b.regrade(b.host(host))
}

func (b *Builder) warning(d event.Warning) {
	key := d.Text.String()
	if w := b.warned[key]; w != nil {
		w.Count++
		if w.Host != d.Host {
			w.Host = ""
		}
		return
	}
	if len(b.warned) >= maxWarnings {
		return
	}
	w := &Warned{Text: d.Text, Host: d.Host, Deprecated: d.Deprecated, Count: 1}
	b.warned[key] = w
	b.report.Warnings = append(b.report.Warnings, w)
}

// sortedChanges are the changes by task, with their hosts by name.
func sortedChanges(changes []*Change) []*Change {
	out := make([]*Change, 0, len(changes))
	for _, c := range changes {
		if c.Count == 0 {
			continue // taken back when the run was resumed
		}
		d := *c
		d.Hosts = slices.Sorted(slices.Values(c.Hosts))
		d.Diffs = slices.Clone(c.Diffs)
		for j := range d.Diffs {
			d.Diffs[j].Hosts = slices.Sorted(slices.Values(d.Diffs[j].Hosts))
		}
		d.Diffs = slices.DeleteFunc(d.Diffs, func(one Diff) bool { return len(one.Hosts) == 0 })
		out = append(out, &d)
	}
	slices.SortStableFunc(out, func(x, y *Change) int { return cmp.Compare(x.Task, y.Task) })
	return out
}

// workOrders are the quarantined hosts with what is known of their failures.
func (b *Builder) workOrders() []Quarantined {
	out := slices.Clone(b.report.Quarantine)
	for i := range out {
		q := &out[i]
		// What a rescue caught first says more than the fail that ends it.
		for _, f := range b.report.Failures {
			if f.Host != q.Host || f.Play != q.Play || f.Outcome == event.Ignored || f.Mended {
				continue
			}
			if q.Fix.IsZero() {
				q.Fix = f.Fix
			}
			if q.Reason.IsZero() {
				q.Reason = f.Why
			}
			if isBad(f.Outcome) {
				q.Task = f.Task
			}
		}
		if q.Reason.IsZero() {
			q.Reason = say.T("A task failed.", "작업이 실패했습니다.")
		}
	}
	return out
}

// Close does nothing: a Builder needs no end.
func (b *Builder) Close() error { return nil }

// Report returns the report of what was folded so far. It is a copy: folding on
// does not change it.
func (b *Builder) Report() *Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.report
	r.Schema = SchemaVersion
	if !r.Complete {
		r.Ended, r.Outcome = b.last, event.Unknown
	}
	r.TookMS = r.Ended.Sub(r.Began).Milliseconds()
	r.Attempts = b.attempts(&r)
	r.Plays = b.finishedPlays(r.Ended)
	r.Hosts = b.finishedHosts()
	r.Tasks = b.finishedTasks(r.Hosts)
	r.Causes = b.sortedCauses()
	r.Failures = slices.Clone(r.Failures)
	r.Anomalies = slices.Clone(r.Anomalies)
	r.Gathered = slices.Clone(r.Gathered)
	r.Changes = sortedChanges(r.Changes)
	r.Quarantine = b.workOrders()
	r.Stats = b.sortedStats()
	r.Figures = b.figures(&r)
	r.Critical = critical(&r, b.planned)
	r.Savings = savings(&r)
	r.Plan = b.planned
	r.Slow = slow(&r)
	if r.Recap == nil {
		r.Recap = recapOf(r.Hosts)
	}
	r.Milestones = judged(r.Milestones, &r)
	r.Notes = b.notes()
	r.Sentence = sentence(&r)
	return orEmpty(&r)
}

// orEmpty makes lists of what is nil, so that report.json has no nulls.
func orEmpty(r *Report) *Report {
	list(&r.Run.Playbooks)
	list(&r.Run.Inventory)
	list(&r.Run.Inputs)
	list(&r.Milestones)
	list(&r.Plays)
	list(&r.Tasks)
	list(&r.Hosts)
	list(&r.Failures)
	list(&r.Causes)
	list(&r.Quarantine)
	list(&r.Slow)
	list(&r.Critical)
	list(&r.Savings)
	list(&r.Changes)
	list(&r.Recap)
	list(&r.Warnings)
	return r
}

func list[T any](s *[]T) {
	if *s == nil {
		*s = []T{}
	}
}

func (b *Builder) finishedPlays(end time.Time) []*Play {
	working, waiting := map[int]int64{}, map[int]int64{}
	for key, s := range b.spans {
		working[key.play] += s.working.Milliseconds()
		waiting[key.play] += b.waited(key.play, s)
	}
	out := make([]*Play, len(b.report.Plays))
	for i, p := range b.report.Plays {
		q := *p
		if q.Ended.IsZero() {
			q.Ended = end
		}
		if q.Outcome == "" {
			q.Outcome = event.Unknown
		}
		q.TookMS = q.Ended.Sub(q.Began).Milliseconds()
		q.WorkingMS, q.WaitingMS = working[q.Number], waiting[q.Number]
		q.Counts, q.Lost = copyCounts(q.Counts), slices.Clone(q.Lost)
		out[i] = &q
	}
	return out
}

func copyCounts(c Counts) Counts {
	out := make(Counts, len(c))
	for k, v := range c {
		out[k] = v
	}
	return out
}

func (b *Builder) finishedHosts() []*Host {
	out := make([]*Host, len(b.report.Hosts))
	for i, h := range b.report.Hosts {
		g := *h
		if g.Outcome == "" {
			g.Outcome = event.Skipped
		}
		g.Cells = slices.Clone(h.Cells)
		list(&g.Cells)
		out[i] = &g
	}
	byName := make(map[string]*Host, len(out))
	for _, h := range out {
		byName[h.Name] = h
	}
	for key, s := range b.spans {
		h := byName[key.host]
		h.WorkingMS += s.working.Milliseconds()
		h.WaitingMS += b.waited(key.play, s)
	}
	return out
}

// waited is how long a host was in a play without being in a task of it.
func (b *Builder) waited(play int, s *spanOf) int64 {
	p := b.plays[play]
	if p == nil {
		return 0
	}
	return max(0, (s.last.Sub(p.Began) - s.working - b.idle(p.Began, s.last)).Milliseconds())
}

func (b *Builder) finishedTasks(hosts []*Host) []*Task {
	took := make([][]int64, len(b.report.Tasks))
	slowest := make([]Task, len(b.report.Tasks))
	for _, h := range hosts {
		for _, c := range h.Cells {
			if s := &slowest[c.Task]; s.Slowest == "" || c.TookMS > s.SlowestMS {
				s.Slowest, s.SlowestMS = h.Name, c.TookMS
			}
			if c.Outcome != event.Skipped {
				took[c.Task] = append(took[c.Task], c.TookMS)
			}
		}
	}
	out := make([]*Task, len(b.report.Tasks))
	for i, t := range b.report.Tasks {
		u := *t
		u.SpanMS = (u.Ended.Sub(u.Began) - b.idle(u.Began, u.Ended)).Milliseconds()
		u.Counts = copyCounts(u.Counts)
		if b.resumes > 0 { // the slowest may be of an attempt that counts no more
			u.Slowest, u.SlowestMS = slowest[i].Slowest, slowest[i].SlowestMS
		}
		if ms := took[i]; len(ms) > 0 {
			slices.Sort(ms)
			u.MiddleMS = ms[len(ms)/2]
		}
		out[i] = &u
	}
	return out
}

func (b *Builder) sortedStats() []Stats {
	var out []Stats
	for h, d := range b.stats {
		out = append(out, Stats{Host: h, Data: d.Copy()})
	}
	slices.SortFunc(out, func(x, y Stats) int { return cmp.Compare(x.Host, y.Host) })
	return out
}

func (b *Builder) figures(r *Report) Figures {
	f := b.report.Figures
	f.Cells = copyCounts(f.Cells)
	f.Hosts, f.Plays, f.Tasks = len(r.Hosts), len(r.Plays), len(r.Tasks)
	// A task whose failure was ignored may have changed something too.
	changed := map[string]bool{}
	for _, row := range r.Recap {
		changed[row.Host] = row.Changed > 0
	}
	for _, h := range r.Hosts {
		f.WorkingMS += h.WorkingMS
		f.WaitingMS += h.WaitingMS
		switch h.Outcome {
		case event.Failed, event.Unknown:
			f.HostsFailed++
		case event.Unreachable:
			f.HostsLost++
		case event.Quarantined:
			f.HostsAside++
		case event.Cancelled:
		default:
			f.HostsGood++
		}
		if changed[h.Name] || slices.ContainsFunc(h.Cells, func(c Cell) bool { return c.Outcome == event.Changed }) {
			f.HostsChanged++
		}
	}
	for _, reach := range r.Reach {
		f.Handshakes += reach.Handshakes
		f.Commands += reach.Commands
	}
	return f
}

// recapOf counts a recap for a run that was cut off.
func recapOf(hosts []*Host) []event.Recap {
	var out []event.Recap
	for _, h := range hosts {
		r := event.Recap{Host: h.Name, Quarantined: h.Outcome == event.Quarantined}
		for _, c := range h.Cells {
			switch c.Outcome {
			case event.OK:
				r.OK++
			case event.Changed:
				r.OK++
				r.Changed++
			case event.Skipped:
				r.Skipped++
			case event.Unreachable:
				r.Unreachable++
			case event.Rescued:
				r.Rescued++
			case event.Ignored:
				r.OK++
				r.Ignored++
			case event.Failed, event.Quarantined, event.Unknown:
				r.Failed++
			}
		}
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Host < out[j].Host })
	return out
}

func (b *Builder) notes() []say.Text {
	var out []say.Text
	if b.untold > 0 {
		out = append(out, say.T("%d more failures are counted but not told one by one (the first %d are).", "실패 %d건은 개수만 셌습니다(처음 %d건은 자세히 적었습니다).", b.untold, maxFailures))
	}
	if b.bytes > maxOutputTotal {
		out = append(out, say.T("The failures had so much output that the later ones are shortened to %d bytes.", "실패 출력이 너무 많아 뒤쪽 출력은 %d바이트로 줄였습니다.", smallOutput))
	}
	if b.diffs > maxDiffTotal {
		out = append(out, say.T("There were so many differences that some are left out.", "변경 내용이 너무 많아 일부를 생략했습니다."))
	}
	if b.gatheredLeftOut {
		out = append(out, say.T("Not all that was collected from hosts is in this report; the events of the run have it.", "호스트에서 수집한 자료 일부를 생략했습니다. 전체는 실행의 이벤트에 있습니다."))
	}
	if b.columnsLeftOut {
		out = append(out, say.T("Tasks beyond the first %d are left out.", "처음 %d개를 넘는 작업은 생략했습니다.", maxColumns))
	}
	return out
}

// slow are the tasks that took longest, the longest first.
func slow(r *Report) []Step {
	var out []Step
	for _, t := range r.Tasks {
		if t.SpanMS > 0 {
			out = append(out, Step{Play: t.Play, Task: t.Number, Host: t.Slowest, TookMS: t.SpanMS})
		}
	}
	slices.SortStableFunc(out, func(x, y Step) int { return cmp.Compare(y.TookMS, x.TookMS) })
	return out[:min(len(out), slowSteps)]
}

// judged tells of each milestone whether it was kept: the plays that it names
// must be up, or everything.
func judged(ms []Milestone, r *Report) []Milestone {
	out := slices.Clone(ms)
	for i := range out {
		m := &out[i]
		at, up := r.Ended, r.Outcome == event.OK || r.Outcome == event.Changed
		if len(m.When) > 0 {
			at, up = upAt(r.Plays, m.When)
		}
		m.MarginMS = m.At.Sub(at).Milliseconds()
		switch {
		case !up:
			m.State, m.MarginMS = NotReached, m.At.Sub(r.Ended).Milliseconds()
		case m.MarginMS < 0:
			m.State = Late
		default:
			m.State = Met
		}
	}
	return out
}

// upAt is when the last of some plays was up; ok is false when one is not.
func upAt(plays []*Play, names []string) (at time.Time, ok bool) {
	for _, name := range names {
		up := false
		for _, p := range plays {
			if p.Name == name && p.Outcome == event.OK {
				up = true
				if p.Ended.After(at) {
					at = p.Ended
				}
			}
		}
		if !up {
			return at, false
		}
	}
	return at, true
}
