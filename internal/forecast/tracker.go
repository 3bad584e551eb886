package forecast

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Tracker holds a plan against the events of its run. It belongs to one
// goroutine.
type Tracker struct {
	net     *net
	began   time.Time
	marks   []event.Milestone
	lanes   map[place]*laneState
	hosts   map[int]map[string]time.Time // by stage: when a host was up, or out
	ended   map[int]time.Time            // stages that are up
	failed  map[int]bool                 // stages that never will be
	aside   map[int]bool                 // by stage: it has lost hosts but goes on
	stopped bool
}

// laneState is how far a lane is.
type laneState struct {
	began time.Time
	left  int // hosts that are not done
	last  time.Time
}

// NewTracker follows a run. The opening is a milestone without a name.
func NewTracker(p event.Planned, startup *event.Startup, began time.Time) *Tracker {
	p.Stages = slices.Clone(p.Stages)
	t := &Tracker{
		net: newNet(&p), began: began, lanes: map[place]*laneState{}, hosts: map[int]map[string]time.Time{},
		ended: map[int]time.Time{}, failed: map[int]bool{}, aside: map[int]bool{},
	}
	for i, s := range p.Stages {
		t.hosts[i] = map[string]time.Time{}
		for l, lane := range s.Lanes {
			t.lanes[place{i, l}] = &laneState{left: len(lane.Hosts)}
		}
	}
	if startup != nil {
		t.marks = slices.Clone(startup.Milestones)
		if !startup.OpensAt.IsZero() {
			t.marks = append(t.marks, event.Milestone{At: startup.OpensAt})
		}
		slices.SortStableFunc(t.marks, func(a, b event.Milestone) int { return a.At.Compare(b.At) })
	}
	return t
}

// See takes one event of the run and reports whether it moves anything.
func (t *Tracker) See(e event.Event) bool {
	switch d := e.Data.(type) {
	case event.PlayStarted:
		return t.playStarted(d, e.Time)
	case event.HostTaskEnded:
		t.hostBegan(d.Play, d.Host, d.Began)
		return false
	case event.HostUp:
		t.hostDone(d.Play, d.Host, e.Time)
	case event.HostQuarantined:
		t.hostDone(d.Play, d.Host, e.Time)
	case event.HostLost:
		t.hostDone(d.Play, d.Host, e.Time)
	case event.PlayEnded:
		t.playEnded(d, e.Time)
	case event.RunEnded:
		t.stopped = true
	default:
		return false
	}
	return true
}

func (t *Tracker) playStarted(d event.PlayStarted, at time.Time) bool {
	stage, known := t.net.stages[d.Play]
	if !known {
		return false
	}
	if lanes := t.net.plan.Stages[stage].Lanes; len(lanes) == 1 {
		t.lanes[place{stage, 0}].began = at
	}
	return true
}

func (t *Tracker) hostBegan(play int, host string, at time.Time) {
	stage, known := t.net.stages[play]
	if !known {
		return
	}
	if lane, ok := t.net.lanes[stage][host]; ok {
		if s := t.lanes[place{stage, lane}]; s.began.IsZero() || at.Before(s.began) {
			s.began = at
		}
	}
}

func (t *Tracker) hostDone(play int, host string, at time.Time) {
	stage, known := t.net.stages[play]
	if !known {
		return
	}
	lane, ok := t.net.lanes[stage][host]
	if _, before := t.hosts[stage][host]; !ok || before {
		return
	}
	t.hosts[stage][host] = at
	s := t.lanes[place{stage, lane}]
	s.left--
	s.last = at
}

func (t *Tracker) playEnded(d event.PlayEnded, at time.Time) {
	stage, known := t.net.stages[d.Play]
	if !known {
		return
	}
	if d.Outcome != event.OK && d.Outcome != event.Changed {
		t.failed[stage] = true
		return
	}
	t.ended[stage] = at
	for l := range t.net.plan.Stages[stage].Lanes {
		s := t.lanes[place{stage, l}]
		if s.left > 0 || s.last.IsZero() {
			s.left, s.last = 0, at
		}
	}
}

// At says what is to be expected at a moment.
func (t *Tracker) At(now time.Time) event.Forecast {
	v := t.view(now)
	var out event.Forecast
	out.Finish, _, _ = v.finish(nil)
	for _, m := range t.marks {
		out.Milestones = append(out.Milestones, v.expected(m))
	}
	return out
}

// view is a plan with what is known and expected at one moment.
type view struct {
	*Tracker
	now   time.Time
	pace  pace
	ends  map[place]time.Time // zero: never
	seen  map[place]bool
	after map[place]place // what a lane waits for longest
}

func (t *Tracker) view(now time.Time) *view {
	return &view{Tracker: t, now: now, pace: t.pace(), ends: map[place]time.Time{}, seen: map[place]bool{}, after: map[place]place{}}
}

// end is when a lane is done; zero means never.
func (v *view) end(at place) time.Time {
	if v.seen[at] {
		return v.ends[at]
	}
	v.seen[at] = true
	v.ends[at] = v.findEnd(at)
	return v.ends[at]
}

func (v *view) findEnd(at place) time.Time {
	s := v.lanes[at]
	switch {
	case v.failed[at.stage]:
		return time.Time{}
	case s.left == 0 && !s.last.IsZero():
		return s.last
	case v.stopped:
		return time.Time{}
	}
	begin := s.began
	if begin.IsZero() {
		var never bool
		if begin, never = v.opens(at); never {
			return time.Time{}
		}
	}
	takes, most := v.pace.of(at.stage)
	end := begin.Add(takes)
	if !end.After(v.now) {
		end = begin.Add(most)
	}
	if !end.After(v.now) {
		// Longer than ever: what lasts, lasts.
		end = v.now.Add(v.now.Sub(begin) / 10)
	}
	return end
}

// opens is when the gates of a lane that has not begun open.
func (v *view) opens(at place) (begin time.Time, never bool) {
	begin = v.now
	for _, before := range v.net.before[at] {
		end := v.end(before)
		if end.IsZero() {
			v.after[at] = before
			return time.Time{}, true
		}
		if hosts := v.hostsOf(at, before); hosts != nil {
			end = v.hostsEnd(before, hosts, end)
		}
		if end.After(begin) {
			begin = end
			v.after[at] = before
		}
	}
	return begin, false
}

// hostsOf are the hosts of one lane that another waits for; nil means all.
func (v *view) hostsOf(at, before place) []string {
	var out []string
	for _, h := range v.net.waits[at][before.stage] {
		if h.all {
			return nil
		}
		for _, name := range h.hosts {
			if v.net.lanes[before.stage][name] == before.lane {
				out = append(out, name)
			}
		}
	}
	return out
}

// hostsEnd is when some hosts of a lane are done, if the others are not waited
// for.
func (v *view) hostsEnd(before place, hosts []string, lane time.Time) time.Time {
	var last time.Time
	for _, h := range hosts {
		at, done := v.hosts[before.stage][h]
		if !done {
			return lane
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

// finish is when the plays of a milestone (nil: all) are up, and the lane that
// is last; reached says that they are. A zero time means never.
func (v *view) finish(plays []string) (last time.Time, by place, reached bool) {
	reached = true
	for i, s := range v.net.plan.Stages {
		if len(plays) > 0 && !slices.Contains(plays, s.Name) {
			continue
		}
		if _, up := v.ended[i]; !up {
			reached = false
		}
		for l := range s.Lanes {
			end := v.end(place{i, l})
			if end.IsZero() {
				return end, place{i, l}, false
			}
			if end.After(last) {
				last, by = end, place{i, l}
			}
		}
		if up := v.ended[i]; up.After(last) {
			last = up
		}
	}
	return last, by, reached
}

func (v *view) expected(m event.Milestone) event.Expected {
	e := event.Expected{Name: m.Name, At: m.At}
	var by place
	e.Finish, by, e.Reached = v.finish(m.When)
	e.Late = e.Finish.IsZero() || e.Finish.After(m.At)
	if !e.Reached {
		e.Holds = v.holds(by)
	}
	return e
}

// holds says what a lane waits for: the first lane of its chain that is at work.
func (v *view) holds(at place) say.Text {
	for range v.net.plan.Stages {
		before, waits := v.after[at]
		if s := v.lanes[at]; !waits || !s.began.IsZero() || s.left == 0 {
			break
		}
		at = before
	}
	stage := v.net.plan.Stages[at.stage]
	if v.failed[at.stage] {
		return say.T("play '%s' is not up", "플레이 '%s'{이/가} 준비되지 않았습니다", stage.Name)
	}
	var left []string
	for _, h := range stage.Lanes[at.lane].Hosts {
		if _, done := v.hosts[at.stage][h]; !done {
			left = append(left, h)
		}
	}
	if len(left) == 0 {
		return say.T("'%s'", "'%s'", stage.Name)
	}
	if more := len(left) - 3; more > 0 {
		return say.T("'%s' on %s and %d more hosts", "'%s' (%s 외 %d대)", stage.Name, strings.Join(left[:3], ", "), more)
	}
	return say.T("'%s' on %s", "'%s' (%s)", stage.Name, strings.Join(left, ", "))
}

// pace is what lanes take: as expected, corrected by what those that are over
// took.
type pace struct {
	plan     *event.Planned
	observed map[int][]time.Duration // by stage
	ratio    float64                 // of what was taken to what was expected
}

func (t *Tracker) pace() pace {
	p := pace{plan: t.net.plan, observed: map[int][]time.Duration{}, ratio: 1}
	for at, s := range t.lanes {
		if s.left == 0 && !s.last.IsZero() && !s.began.IsZero() {
			p.observed[at.stage] = append(p.observed[at.stage], s.last.Sub(s.began))
		}
	}
	var took, expected time.Duration
	for stage, all := range p.observed {
		slices.Sort(all)
		took += all[len(all)/2]
		expected += p.plan.Stages[stage].Takes
	}
	if expected > 0 {
		p.ratio = min(max(float64(took)/float64(expected), 0.1), 10)
	}
	return p
}

// trust is how far the pace of other stages says something about one: history
// knows each stage by itself, budgets are all generous (or not) in the same way.
var trust = map[event.Basis]float64{event.FromHistory: 0.25, event.FromBudget: 1, event.Guessed: 1}

// of is what a lane of a stage takes, and what it takes at most.
func (p pace) of(stage int) (takes, most time.Duration) {
	s := p.plan.Stages[stage]
	if all := p.observed[stage]; len(all) > 0 {
		return all[len(all)/2], cmp.Or(all[len(all)-1], 1)
	}
	factor := 1 + (p.ratio-1)*trust[s.Basis]
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) * factor) }
	return scale(s.Takes), scale(max(s.Most, s.Takes*5/4))
}
