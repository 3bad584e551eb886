package runner

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// Journal is what the record of a run says that was done: for every play, task
// and host the steps in their order, with how each ended. A run that is resumed
// goes through the same plays from the start and takes from the journal what
// has ended, instead of doing it again: loops, includes, variables, handlers and
// quarantine come about as they did the first time.
//
// It is safe for use by several goroutines once it is read.
type Journal struct {
	// Started is how the run began; Resumed is its latest resume, if any.
	Started event.RunStarted
	Resumed *event.RunResumed
	// Ended is the end of the run, if it had one.
	Ended *event.RunEnded
	// Inputs are the files that were read so far, with their SHA-256, and
	// Facets what else the run was made from.
	Inputs map[string]string
	Facets map[string]string

	last    int64 // number of the last event
	tasks   int64 // the highest number of a task
	attempt int   // which attempt this one is

	plays     map[int]event.PlayStarted
	starts    map[int]event.TaskStarted
	announced map[taskKey][]int // numbers in order
	void      []int64
	again     map[string]bool  // hosts that have something to do again
	onlyAgain bool             // nothing new is done on the others
	orders    map[string]Order // skip or quarantine, given by hand and not taken back
	undecided []*pastStep      // was under way, in order

	mu      sync.Mutex
	steps   map[stepKey][]*pastStep
	claimed map[int]bool
	told    map[string]int
	// gathered is what was collected after the failure of a step.
	gathered map[stepKey]*pastGathering
}

// taskKey is a task of a play; stepKey is that on one host.
type taskKey struct {
	play int
	id   string
}

type stepKey struct {
	taskKey
	host string
}

// pastStep is one task on one host as the record has it.
type pastStep struct {
	stepKey
	task     int                  // its announcement
	end      *event.HostTaskEnded // nil while it is to be done, or done on
	items    map[int]event.ItemEnded
	attempts int                  // that failed since the last item ended
	intent   *event.HostTaskBegan // the last one
	pending  bool                 // the intent has no end: it may or may not have been carried out
	decision Decision             // about what is pending
	seqs     []int64              // of its end
	itemSeqs map[int]int64
}

// JournalOptions choose what a resumed run does.
type JournalOptions struct {
	// Failed resumes only hosts that failed, could not be reached or were set
	// aside; they are tried again. Otherwise the whole run goes on: what failed
	// is tried again, and hosts in quarantine stay there.
	Failed bool
}

// Decision is what becomes of a step that was under way when the run broke.
type Decision string

// The decisions; the first three are a person's.
const (
	Rerun Decision = "rerun" // do it again
	Skip  Decision = "skip"  // take it as done
	Fail  Decision = "fail"  // the host fails there, outcome unknown
	// Repeat: doing it again does no harm. Probe: the host is asked.
	Repeat Decision = "repeat"
	Probe  Decision = "probe"
)

// UnderWay is a step whose end is not known, for the person who decides.
type UnderWay struct {
	Play, Task, Host, Module string
	Item                     int // of a loop, from 0
	Loop                     bool
	// Lost: it ended, but its result is not in the record (no_log) and is
	// needed.
	Lost bool
}

// ReadJournal folds the record of a run.
func ReadJournal(record iter.Seq2[event.Event, error], o JournalOptions) (*Journal, error) {
	f := &journalFold{open: map[openKey]*pastStep{}, hosts: map[playHost][]*pastStep{}}
	f.j = &Journal{
		attempt: 2, onlyAgain: o.Failed, plays: map[int]event.PlayStarted{}, starts: map[int]event.TaskStarted{},
		announced: map[taskKey][]int{}, again: map[string]bool{}, steps: map[stepKey][]*pastStep{},
		claimed: map[int]bool{}, told: map[string]int{}, orders: map[string]Order{}, gathered: map[stepKey]*pastGathering{}, Inputs: map[string]string{}, Facets: map[string]string{},
	}
	for e, err := range event.Settled(record) {
		if err != nil {
			return nil, fmt.Errorf("read the record of the run: %w", err)
		}
		f.add(e)
	}
	if f.j.last == 0 {
		return nil, fmt.Errorf("the record of the run is empty")
	}
	f.close(o)
	return f.j, nil
}

// journalFold is a journal while its record is read.
type journalFold struct {
	j     *Journal
	open  map[openKey]*pastStep
	hosts map[playHost][]*pastStep // in the order they began
	outs  []outing
}

type openKey struct {
	task int
	host string
}

type playHost struct {
	play int
	host string
}

// outing is a host that was set aside, or something else that may be voided as
// a whole at the end of reading.
type outing struct {
	seq  int64
	data event.Data
}

func (f *journalFold) add(e event.Event) {
	j := f.j
	j.last = max(j.last, e.Seq)
	switch d := e.Data.(type) {
	case event.RunStarted:
		j.Started = d
		j.made(d.Inputs, d.Facets)
	case event.RunResumed:
		j.Resumed, j.Ended = &d, nil
		j.attempt = d.Attempt + 1
		j.made(d.Inputs, d.Facets)
	case event.InputRead:
		j.Inputs[d.File] = d.SHA256
	case event.PlayStarted:
		j.plays[d.Play] = d
	case event.TaskStarted:
		f.announce(d)
	case event.HostTaskBegan:
		s := f.step(d.Task, d.Host)
		s.intent, s.pending = &d, true
	case event.AttemptFailed:
		s := f.step(d.Task, d.Host)
		s.attempts, s.pending = s.attempts+1, false
	case event.ItemEnded:
		s := f.step(d.Task, d.Host)
		s.items[d.Index], s.itemSeqs[d.Index] = d, e.Seq
		s.attempts, s.pending = 0, s.pending && maybeSent(d.Result.Values)
	case event.HostTaskEnded:
		s := f.step(d.Task, d.Host)
		s.end, s.seqs = &d, append(s.seqs, e.Seq)
		s.pending = s.pending && (d.Loop || maybeSent(d.Result.Values))
		delete(f.open, openKey{d.Task, d.Host})
	case event.Steered:
		switch order := Order(d.Action); order {
		case OrderSkip, OrderQuarantine:
			j.orders[d.Host] = order
		case OrderRelease:
			delete(j.orders, d.Host)
		}
	case event.Gathered:
		j.noteGathered(d, e.Seq)
	case event.HostQuarantined, event.PlayEnded:
		f.outs = append(f.outs, outing{e.Seq, e.Data})
	case event.HostLost, event.NoHostsLeft, event.Stats:
		j.void = append(j.void, e.Seq) // said again if it is still so
		return
	case event.RunEnded:
		j.Ended, j.void = &d, append(j.void, e.Seq)
		return
	}
	if key := toldKey(e.Data); key != "" {
		j.told[key]++
	}
}

// made takes over what the run was made from: all of it, when it is told.
func (j *Journal) made(inputs []event.Input, facets []event.Facet) {
	for _, in := range inputs {
		j.Inputs[in.File] = in.SHA256
	}
	if len(facets) > 0 {
		j.Facets = map[string]string{}
	}
	for _, f := range facets {
		j.Facets[f.Name] = f.Digest
	}
}

func (f *journalFold) announce(d event.TaskStarted) {
	j := f.j
	key := taskKey{d.Play, d.ID}
	if _, known := j.starts[d.Task]; !known {
		j.announced[key] = append(j.announced[key], d.Task)
	}
	j.starts[d.Task] = d
	j.tasks = max(j.tasks, int64(d.Task))
}

// step is the step that an event of a task and host belongs to.
func (f *journalFold) step(task int, host string) *pastStep {
	if s := f.open[openKey{task, host}]; s != nil {
		return s
	}
	start := f.j.starts[task]
	s := &pastStep{
		stepKey: stepKey{taskKey{start.Play, start.ID}, host}, task: task,
		items: map[int]event.ItemEnded{}, itemSeqs: map[int]int64{},
	}
	f.open[openKey{task, host}] = s
	f.j.steps[s.stepKey] = append(f.j.steps[s.stepKey], s)
	on := playHost{start.Play, host}
	f.hosts[on] = append(f.hosts[on], s)
	return s
}

// maybeSent reports whether a result leaves open what became of the call.
func maybeSent(result *value.Dict) bool {
	return truthAt(result, "sunup_sent") || truthAt(result, "sunup_cancelled") || truthAt(result, "sunup_unknown")
}

// close decides what is tried again.
func (f *journalFold) close(o JournalOptions) {
	if o.Failed { // those who were set aside are tried again
		maps.DeleteFunc(f.j.orders, func(h string, order Order) bool {
			f.j.again[h] = f.j.again[h] || order == OrderQuarantine
			return order == OrderQuarantine
		})
	}
	for on, steps := range f.hosts {
		f.tryAgain(on, steps, o)
	}
	for _, out := range f.outs {
		f.keepOuting(out, o)
	}
	j := f.j
	if o.Failed {
		j.undecided = slices.DeleteFunc(j.undecided, func(s *pastStep) bool { return !j.again[s.host] })
	}
	slices.SortFunc(j.undecided, func(a, b *pastStep) int {
		if a.task != b.task {
			return a.task - b.task
		}
		return slices.Compare([]string{a.host}, []string{b.host})
	})
	slices.Sort(j.void)
}

// tryAgain finds where a host stopped in a play: the first step that failed is
// done again, and what came after it (always sections, handlers) followed from
// the failure and counts no more.
func (f *journalFold) tryAgain(on playHost, steps []*pastStep, o JournalOptions) {
	if f.j.orders[on.host] != "" {
		return // it stays where it was left
	}
	at := slices.IndexFunc(steps, func(s *pastStep) bool { return s.end != nil && isAgain(s.end.Outcome, o) })
	if at >= 0 {
		f.j.again[on.host] = true
		for _, s := range steps[at+1:] {
			f.drop(s)
		}
		f.reopen(steps[at])
		steps = steps[:at+1]
	}
	for _, s := range steps {
		if s.end == nil && s.pending {
			f.j.undecided = append(f.j.undecided, s)
		}
	}
}

// isAgain reports whether a step with this outcome is tried again.
func isAgain(o event.Outcome, options JournalOptions) bool {
	switch o {
	case event.Failed, event.Unreachable, event.Unknown, event.Cancelled:
		return true
	case event.Quarantined:
		return options.Failed
	}
	return false
}

// reopen makes a step that ended badly one that is to be done: items of a loop
// that went well stay done.
func (f *journalFold) reopen(s *pastStep) {
	f.j.forgetGathered(s.stepKey)
	f.j.void = append(f.j.void, s.seqs...)
	s.end, s.seqs, s.attempts = nil, nil, 0
	for i, item := range s.items {
		if item.Outcome == event.Failed || item.Outcome == event.Unreachable {
			f.j.void = append(f.j.void, s.itemSeqs[i])
			delete(s.items, i)
		}
	}
}

// drop forgets a step.
func (f *journalFold) drop(s *pastStep) {
	f.j.void = append(f.j.void, s.seqs...)
	for _, seq := range s.itemSeqs {
		f.j.void = append(f.j.void, seq)
	}
	f.j.steps[s.stepKey] = slices.DeleteFunc(f.j.steps[s.stepKey], func(o *pastStep) bool { return o == s })
}

// keepOuting keeps what was said of a host in quarantine or the end of a play,
// unless it is said again.
func (f *journalFold) keepOuting(o outing, options JournalOptions) {
	again := false
	switch d := o.data.(type) {
	case event.HostQuarantined:
		again = options.Failed
	case event.PlayEnded:
		again = d.Outcome != event.OK || f.unfinished(d.Play)
	}
	if again {
		f.j.void = append(f.j.void, o.seq)
		f.j.told[toldKey(o.data)]--
	}
}

// unfinished reports whether a host of the play has something to do again.
func (f *journalFold) unfinished(play int) bool {
	return slices.ContainsFunc(f.j.plays[play].Hosts, func(h string) bool { return f.j.again[h] })
}

// toldKey names what an event says, for those that are said once; "" for the
// others.
func toldKey(d event.Data) string {
	switch d := d.(type) {
	case event.PlayStarted:
		return fmt.Sprint("play ", d.Play)
	case event.BatchStarted:
		return fmt.Sprint("batch ", d.Play, d.Batch, d.Hosts)
	case event.Included:
		return fmt.Sprint("included ", d.Task, d.File, d.Role, d.Label, d.Hosts)
	case event.Notified:
		return fmt.Sprint("notified ", d.Task, d.Host, " ", d.Handler)
	case event.HostQuarantined:
		return fmt.Sprint("aside ", d.Play, d.Host)
	case event.HostUp:
		return fmt.Sprint("up ", d.Play, " ", d.Host)
	case event.PlayEnded:
		return fmt.Sprint("play ended ", d.Play)
	case event.InputRead:
		return "input " + d.File + d.SHA256
	case event.Warning:
		return "warning " + d.Host + " " + d.Text.In(say.English)
	}
	return ""
}

// heard reports whether the record says this already, and counts it as said.
func (j *Journal) heard(d event.Data) bool {
	if j == nil {
		return false
	}
	key := toldKey(d)
	if key == "" {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.told[key] <= 0 {
		return false
	}
	j.told[key]--
	return true
}

// next takes the next step of a task on a host; nil when there is none.
func (j *Journal) next(key stepKey) *pastStep {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	queue := j.steps[key]
	if len(queue) == 0 {
		return nil
	}
	j.steps[key] = queue[1:]
	return queue[0]
}

// peek is what next will return.
func (j *Journal) peek(key stepKey) *pastStep {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if queue := j.steps[key]; len(queue) > 0 {
		return queue[0]
	}
	return nil
}

// numberFor is the number that the record gives to a task that some hosts come
// to now: that of a step of one of them, else one that nobody has taken. 0 when
// there is none.
func (j *Journal) numberFor(key taskKey, hosts []*host) int {
	if j == nil {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, h := range hosts {
		if queue := j.steps[stepKey{key, h.name}]; len(queue) > 0 {
			j.claimed[queue[0].task] = true
			return queue[0].task
		}
	}
	for _, number := range j.announced[key] {
		if !j.claimed[number] {
			j.claimed[number] = true
			return number
		}
	}
	return 0
}

// ordered is the order that a host is left alone by; "" when there is none.
func (j *Journal) ordered(host string) Order {
	if j == nil {
		return ""
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.orders[host]
}

// released forgets the order.
func (j *Journal) released(host string) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.orders, host)
}

// mayBegin reports whether something new may be done on a host.
func (j *Journal) mayBegin(host string) bool {
	return j == nil || !j.onlyAgain || j.again[host]
}

// orderOf puts hosts in the order that the record has them in; what it does not
// have comes last.
func (j *Journal) orderOf(play int, hosts []*host) []*host {
	if j == nil {
		return hosts
	}
	place := map[string]int{}
	for i, name := range j.plays[play].Hosts {
		place[name] = i - len(j.plays[play].Hosts)
	}
	slices.SortStableFunc(hosts, func(a, b *host) int { return place[a.name] - place[b.name] })
	return hosts
}

// Steps counts the steps that ended.
func (j *Journal) Steps() int {
	n := 0
	for _, queue := range j.steps {
		for _, s := range queue {
			if s.end != nil {
				n++
			}
		}
	}
	return n
}

// Attempt is which attempt at the run the next one is: 2 at the first resume.
func (j *Journal) Attempt() int { return j.attempt }

// Settled returns the events that still count.
func (j *Journal) Settled(record iter.Seq2[event.Event, error]) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		for e, err := range event.Settled(record) {
			if _, void := slices.BinarySearch(j.void, e.Seq); void && err == nil {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Failures are the hosts that have something to try again.
func (j *Journal) Failures() int { return len(j.again) }

// UnderWay lists the steps that a person must decide about: they were under way
// when the run broke, and doing them again might do harm.
func (j *Journal) UnderWay() []UnderWay {
	var out []UnderWay
	for _, s := range j.undecided {
		if s.byItself() == "" {
			out = append(out, j.underWay(s))
		}
	}
	return out
}

func (j *Journal) underWay(s *pastStep) UnderWay {
	start := j.starts[s.task]
	u := UnderWay{Play: j.plays[s.play].Name, Task: start.Name, Host: s.host, Module: start.Module}
	if s.intent != nil {
		u.Item, u.Loop = s.intent.Index, s.intent.Index > 0 || len(s.items) > 0
	}
	return u
}

// byItself is the decision that needs no person; "" when one is needed.
func (s *pastStep) byItself() Decision {
	switch {
	case s.intent.Safe:
		return Repeat
	case s.intent.Job != "":
		return Probe
	}
	return ""
}

// decide settles every step that was under way and returns what the record
// tells of it. Nothing is done before all are settled.
func (j *Journal) decide(ask func(UnderWay) Decision) []event.Undecided {
	var out []event.Undecided
	for _, s := range j.undecided {
		s.decision = s.byItself()
		if s.decision == "" {
			s.decision = Fail
			if ask != nil {
				s.decision = ask(j.underWay(s))
			}
		}
		out = append(out, event.Undecided{Task: s.task, Host: s.host, Item: s.intent.Index, Decision: string(s.decision)})
	}
	return out
}
