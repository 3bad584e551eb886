package health

import (
	"context"
	"strings"
	"sync"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
)

// Gate is one wait for the probes of one host.
type Gate struct {
	Plan   *Plan
	Target *Target
	// Once asks every probe once and does not wait.
	Once bool
	// Changed is told when a probe begins to wait, passes, or no longer passes.
	// It is called from the goroutine of Run; nil tells nobody.
	Changed func(Change)
	// Wait pauses; nil sleeps. An error of it ends the wait.
	Wait func(ctx context.Context, d time.Duration) error
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Change is a probe whose state changed.
type Change struct {
	Probe  string
	Passed bool
	Reason say.Text // why not
	Tries  int
}

// State is how a probe ended.
type State string

// The states.
const (
	Passed  State = "passed"
	Failed  State = "failed"
	Unasked State = "unasked" // its time was up before the first answer
)

// Result is how a gate ended.
type Result struct {
	Passed bool
	Took   time.Duration
	Probes []ProbeResult // groups are taken apart
	// Lost is set when the host could not be reached at the end.
	Lost error
	// Why is the first reason for a gate that stayed shut.
	Why say.Text
}

// ProbeResult is how one probe ended.
type ProbeResult struct {
	Name   string
	Kind   string
	State  State
	Tries  int
	Took   time.Duration // until it passed, or until the end
	Reason say.Text      // of the last bad answer; empty when there was none
	// Failures are the last bad answers, oldest first.
	Failures []Failure
	// Breaks is how often it was up and went down again.
	Breaks int
}

// Failure is one bad answer.
type Failure struct {
	After  time.Duration // since the gate's start
	Reason say.Text
}

// maxFailures bounds how many bad answers are kept for each probe.
const maxFailures = 5

// atOnce bounds how many probes of one host are asked at the same time: an
// SSH server takes ten sessions at most, and others need some too.
const atOnce = 4

// Run asks until all probes pass or their time is up. The error is ctx's or
// Wait's; a gate that stays shut is a Result.
func (g *Gate) Run(ctx context.Context) (Result, error) {
	w := g.begin()
	for {
		if err := w.round(ctx); err != nil {
			return w.result(), err
		}
		w.expire()
		if w.open(g.Plan.root) || w.lost(g.Plan.root) || g.Once || !w.now().Before(w.deadline) {
			return w.result(), nil
		}
		if err := w.wait(ctx, w.untilNext()); err != nil {
			return w.result(), err
		}
	}
}

func (g *Gate) begin() *watch {
	w := &watch{gate: g, now: g.Now, wait: g.Wait, of: map[*Probe]*watched{}}
	if w.now == nil {
		w.now = time.Now
	}
	if w.wait == nil {
		w.wait = connection.Sleep
	}
	w.start = w.now()
	w.deadline = w.start.Add(g.Plan.Limit())
	for _, p := range g.Plan.root.leaves() {
		state := &watched{probe: p, next: w.start}
		w.of[p] = state
		w.all = append(w.all, state)
	}
	return w
}

// watch is a gate while it runs. Only the goroutine of Run touches it.
type watch struct {
	gate            *Gate
	now             func() time.Time
	wait            func(context.Context, time.Duration) error
	start, deadline time.Time
	all             []*watched
	of              map[*Probe]*watched
}

// watched is one probe of the gate.
type watched struct {
	probe  *Probe
	memory memory
	next   time.Time

	tries, streak, failures, breaks int

	since  time.Time // of the first good answer of the streak
	passed bool
	at     time.Time // when it passed
	ever   bool      // it passed at some time
	dead   bool      // it can never pass
	mark   string
	reason say.Text
	lost   error // the last try did not reach the host
	last   []Failure
	told   bool
}

// round asks every probe whose turn it is, side by side, and notes the answers.
func (w *watch) round(ctx context.Context) error {
	due := w.due()
	answers := make([]Answer, len(due))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, p := range due {
		slots <- struct{}{}
		wg.Add(1)
		go func() {
			defer func() { <-slots; wg.Done() }()
			answers[i] = p.probe.try(ctx, w.gate.Target, &p.memory, w.left(p))
		}()
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, p := range due {
		w.note(p, answers[i])
	}
	return nil
}

// try asks once within the probe's time limit, and what is left of its time.
func (p *Probe) try(ctx context.Context, t *Target, m *memory, left time.Duration) Answer {
	limit := min(p.Timeout, left)
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	a := p.ask(inner, t, m)
	if !a.Passed && inner.Err() != nil && ctx.Err() == nil {
		a = bad("no answer within %s", "%s 안에 응답이 없습니다", short(limit))
		a.cut = left < p.Timeout
	}
	return a
}

// tooShort is a time in which no honest answer can be had.
const tooShort = 20 * time.Millisecond

// limit is when the probe's time is up. One that passed before and went down
// has till the gate's end to come back.
func (w *watch) limit(p *watched) time.Time {
	if p.ever {
		return w.deadline
	}
	return w.start.Add(p.probe.For)
}

func (w *watch) left(p *watched) time.Duration {
	if w.gate.Once {
		return p.probe.Timeout
	}
	return max(w.limit(p).Sub(w.now()), tooShort)
}

// due lists the probes to be asked now.
func (w *watch) due() []*watched {
	now := w.now()
	var due []*watched
	for _, p := range w.all {
		switch {
		case p.dead || p.next.After(now):
		case p.tries > 0 && w.limit(p).Sub(now) < tooShort:
			p.next = w.limit(p)
		default:
			due = append(due, p)
		}
	}
	return due
}

// expire gives up the probes whose own time is up.
func (w *watch) expire() {
	if w.gate.Once {
		return
	}
	now := w.now()
	for _, p := range w.all {
		if !p.ever && !now.Before(w.limit(p)) {
			p.dead = true
		}
	}
}

// note takes an answer into the probe's count.
func (w *watch) note(p *watched, a Answer) {
	now := w.now()
	p.tries++
	p.lost = a.Err
	s := p.probe.Settings
	was := p.passed
	restarted := a.Passed && p.streak > 0 && a.Mark != p.mark && s.Stable > 0
	if restarted {
		p.fail(w.start, now, say.T("it was restarted", "다시 시작되었습니다"))
	}
	if a.Passed {
		p.succeed(now, a.Mark)
	} else {
		if a.cut && !p.reason.IsZero() {
			a.Reason = p.reason // the time was up; what was wrong before says more
		}
		p.fail(w.start, now, a.Reason)
		p.dead = a.Final
	}
	p.next = now.Add(s.pause(p.tries, p.failures, p.streak > 0))
	switch {
	case p.passed:
		p.next = now.Add(max(s.Every, settled))
	case p.streak > 0 && s.Stable > 0 && p.streak >= s.Successes:
		if end := p.since.Add(s.Stable); end.Before(p.next) {
			p.next = end
		}
	}
	w.tell(p, was)
}

func (p *watched) succeed(now time.Time, mark string) {
	if p.streak == 0 {
		p.since = now
	}
	p.streak++
	p.failures, p.mark = 0, mark
	if !p.passed && p.streak >= p.probe.Successes && now.Sub(p.since) >= p.probe.Stable {
		p.passed, p.ever, p.at = true, true, now
	}
}

func (p *watched) fail(start, now time.Time, reason say.Text) {
	if p.streak > 0 {
		p.breaks++
	}
	p.streak, p.passed = 0, false
	p.failures++
	p.reason = reason
	p.last = append(p.last, Failure{After: now.Sub(start), Reason: reason})
	if len(p.last) > maxFailures {
		p.last = p.last[1:]
	}
}

// tell reports the first wait and every change after it.
func (w *watch) tell(p *watched, was bool) {
	if w.gate.Changed == nil || (p.told && p.passed == was) {
		return
	}
	p.told = true
	c := Change{Probe: p.probe.Name, Passed: p.passed, Tries: p.tries}
	if !p.passed {
		c.Reason = p.why()
	}
	w.gate.Changed(c)
}

// open reports whether what is asked of p is so now.
func (w *watch) open(p *Probe) bool {
	if p.Kind != "" {
		return w.of[p].passed
	}
	n := 0
	for _, inner := range p.Of {
		if w.open(inner) {
			n++
		}
	}
	return n >= p.KOf
}

// lost reports whether p can never be open.
func (w *watch) lost(p *Probe) bool {
	if p.Kind != "" {
		return w.of[p].dead
	}
	left := len(p.Of)
	for _, inner := range p.Of {
		if w.lost(inner) {
			left--
		}
	}
	return left < p.KOf
}

// untilNext is how long nothing is to be done.
func (w *watch) untilNext() time.Duration {
	next := w.deadline
	for _, p := range w.all {
		if p.dead {
			continue
		}
		for _, at := range []time.Time{p.next, w.limit(p)} {
			if at.Before(next) {
				next = at
			}
		}
	}
	// Never nothing at all: a clock that stands still must not spin us.
	return max(next.Sub(w.now()), time.Millisecond)
}

// why says why the probe does not pass now.
func (p *watched) why() say.Text {
	s := p.probe.Settings
	switch {
	case p.breaks > 0 && s.Stable > 0:
		return say.T("it did not stay up for %s (%d×); last: %s", "%s 동안 유지되지 못했습니다(%d번). 마지막: %s", short(s.Stable), p.breaks, p.reason)
	case p.streak > 0 && s.Stable > 0:
		return say.T("it must stay up for %s", "%s 동안 유지되어야 합니다", short(s.Stable))
	case p.streak > 0:
		return say.T("%d of %d good answers in a row", "연속 성공 %[2]d회 중 %[1]d회", p.streak, s.Successes)
	}
	return p.reason
}

func (w *watch) result() Result {
	now := w.now()
	r := Result{Passed: w.open(w.gate.Plan.root), Took: now.Sub(w.start)}
	for _, p := range w.all {
		one := ProbeResult{Name: p.probe.Name, Kind: p.probe.Kind, State: Failed, Tries: p.tries, Took: now.Sub(w.start), Reason: p.reason, Failures: p.last, Breaks: p.breaks}
		switch {
		case p.passed:
			one.State, one.Took = Passed, p.at.Sub(w.start)
		case p.tries == 0:
			one.State = Unasked
		default:
			one.Reason = p.why()
		}
		r.Probes = append(r.Probes, one)
	}
	if !r.Passed {
		r.Why = w.shut(w.gate.Plan.root)
		r.Lost = w.unreached()
	}
	return r
}

// shut says which probes keep a gate shut.
func (w *watch) shut(p *Probe) say.Text {
	if p.Kind != "" {
		state := w.of[p]
		if state.tries == 0 {
			return say.T("%s: not asked", "%s: 확인하지 못함", p.Name)
		}
		return say.T("%s: %s", "%s: %s", p.Name, state.why())
	}
	var reasons []say.Text
	passed := 0
	for _, inner := range p.Of {
		if w.open(inner) {
			passed++
			continue
		}
		reasons = append(reasons, w.shut(inner))
	}
	all := joined(reasons)
	if p.KOf == len(p.Of) {
		return all
	}
	short := say.T("%d of %d pass, %d needed (%s)", "%[2]d개 중 %[1]d개 통과, %[3]d개 필요 (%[4]s)", passed, len(p.Of), p.KOf, all)
	if p.Name == "" {
		return short
	}
	return say.T("%s: %s", "%s: %s", p.Name, short)
}

// joined puts reasons into one line; many are counted.
func joined(reasons []say.Text) say.Text {
	const shown = 5
	var out say.Text
	for i, r := range reasons {
		switch {
		case i == 0:
			out = r
		case i < shown:
			out = say.T("%s; %s", "%s; %s", out, r)
		case i == shown:
			return say.T("%s; and %d more", "%s 외 %d건", out, len(reasons)-shown)
		}
	}
	return out
}

// unreached is the error of a host of which no probe had an answer at last.
func (w *watch) unreached() error {
	var lost error
	for _, p := range w.all {
		if p.passed {
			continue
		}
		if p.lost == nil || !connection.IsUnreachable(p.lost) {
			return nil
		}
		lost = p.lost
	}
	return lost
}

// short says a length of time as people write it.
func short(d time.Duration) say.Text {
	switch {
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Millisecond)
	}
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} { // 2m0s is 2m
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return say.T("%[1]s", "%[2]s", s, koreanUnits.Replace(s))
}

// koreanUnits are the units without blanks between them, as in 1분30초.
var koreanUnits = strings.NewReplacer("ms", "밀리초", "h", "시간", "m", "분", "s", "초")
