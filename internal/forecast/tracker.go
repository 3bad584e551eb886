package forecast

import (
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
	steps   map[int]*progress            // by stage
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
		net: newNet(&p), began: began, lanes: map[place]*laneState{}, steps: map[int]*progress{}, hosts: map[int]map[string]time.Time{},
		ended: map[int]time.Time{}, failed: map[int]bool{}, aside: map[int]bool{},
	}
	for i, s := range p.Stages {
		t.hosts[i] = map[string]time.Time{}
		t.steps[i] = newProgress(s)
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
	case event.TaskStarted:
		if stage, known := t.net.stages[d.Play]; known {
			t.steps[stage].begins(d)
		}
		return false
	case event.HostTaskEnded:
		t.hostBegan(d.Play, d.Host, d.Began)
		if stage, known := t.net.stages[d.Play]; known {
			t.steps[stage].ends(d, e.Time)
		}
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
	t.steps[stage].serial = d.Serial
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
	stray map[place]time.Duration
	seen  map[place]bool
	after map[place]place // what a lane waits for longest
}

func (t *Tracker) view(now time.Time) *view {
	return &view{Tracker: t, now: now, pace: t.pace(), ends: map[place]time.Time{}, stray: map[place]time.Duration{}, seen: map[place]bool{}, after: map[place]place{}}
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
	if s.began.IsZero() {
		begin, never := v.opens(at)
		if never {
			return time.Time{}
		}
		whole := v.pace.of(at)
		v.stray[at] = whole.spread
		return begin.Add(whole.beyond(v.now.Sub(begin)))
	}
	end, stray := v.remainder(at, s.began)
	v.stray[at] = stray
	return end
}

// lastOf is when the last of several lanes of a stage is done. The last of many
// is later than each of them should be.
func (v *view) lastOf(stage int, lanes []int) (last time.Time, by place) {
	for _, l := range lanes {
		end := v.end(place{stage, l})
		if end.IsZero() {
			return end, place{stage, l}
		}
		if end.After(last) {
			last, by = end, place{stage, l}
		}
	}
	spread, open := v.stray[by], 0
	if apart := v.net.plan.Stages[stage].Apart; apart > 0 {
		spread = min(spread, apart)
	}
	for _, l := range lanes {
		at := place{stage, l}
		if v.lanes[at].left > 0 && last.Sub(v.ends[at]) <= spread {
			open++
		}
	}
	return last.Add(time.Duration(float64(spread) * lateness(open))), by
}

// opens is when the gates of a lane that has not begun open.
func (v *view) opens(at place) (begin time.Time, never bool) {
	begin = v.now
	lanes := map[int][]int{} // waited for as a whole, by stage
	for _, before := range v.net.before[at] {
		end := v.end(before)
		if end.IsZero() {
			v.after[at] = before
			return time.Time{}, true
		}
		if hosts := v.hostsOf(at, before); hosts != nil {
			end = v.hostsEnd(before, hosts, end)
		} else {
			lanes[before.stage] = append(lanes[before.stage], before.lane)
		}
		if end.After(begin) {
			begin = end
			v.after[at] = before
		}
	}
	for stage, all := range lanes {
		if last, by := v.lastOf(stage, all); last.After(begin) {
			begin = last
			v.after[at] = by
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
		lanes := make([]int, len(s.Lanes))
		for l := range lanes {
			lanes[l] = l
		}
		end, at := v.lastOf(i, lanes)
		if end.IsZero() && len(lanes) > 0 {
			return end, at, false
		}
		if end.After(last) {
			last, by = end, at
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
		return say.Plain(stage.Name)
	}
	if more := len(left) - 3; more > 0 {
		return say.T("'%s' on %s and %d more hosts", "'%s'의 호스트 %s 외 %d대", stage.Name, strings.Join(left[:3], ", "), more)
	}
	return say.T("'%s' on %s", "'%s'의 호스트 %s", stage.Name, strings.Join(left, ", "))
}
