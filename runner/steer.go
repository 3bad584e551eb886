package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Order is what a person asks of a run while it goes on.
type Order string

// The orders.
const (
	OrderPause      Order = "pause"      // begin nothing new; what has begun goes on
	OrderResume     Order = "resume"     // end of a pause
	OrderCancel     Order = "cancel"     // begin nothing new, report, end
	OrderSkip       Order = "skip"       // leave a host alone from now on
	OrderQuarantine Order = "quarantine" // set a host aside, as a fault
	OrderRelease    Order = "release"    // take a host in again
	OrderRetry      Order = "retry"      // try a failed host again where it failed
)

// Hand is who gives an order.
type Hand struct {
	User   string
	UID    int
	From   string // "terminal" or "ctl"
	Reason string // in the person's words; may be empty
}

// Status is how a run is at a moment.
type Status struct {
	Run     string       `json:"run"`
	Paused  bool         `json:"paused,omitempty"`
	Stopped bool         `json:"stopped,omitempty"` // asked to end
	Plays   []PlayStatus `json:"plays,omitempty"`   // that are running
	Busy    []Busy       `json:"busy,omitempty"`    // hosts at work, longest first
	Failed  []string     `json:"failed,omitempty"`
	Aside   []string     `json:"aside,omitempty"`   // in quarantine
	Skipped []string     `json:"skipped,omitempty"` // by order
}

// PlayStatus is a play that is running.
type PlayStatus struct {
	Name  string `json:"name"`
	Hosts int    `json:"hosts"`
	Left  int    `json:"left"` // hosts that go on
}

// Busy is a host at work.
type Busy struct {
	Host  string    `json:"host"`
	Task  string    `json:"task"`
	Since time.Time `json:"since"`
}

// helm is what orders change. Its lock guards all of it.
type helm struct {
	mu      sync.Mutex
	paused  chan struct{} // closed at the end of the pause; nil: not paused
	running map[*playRun]bool
	atWork  map[*execution]context.CancelFunc
	woken   cancelState // those who wait for hosts are told of orders
}

// Steer carries out an order. The text tells what is done; the error is for the
// person who gave an order that cannot be carried out. It may be called from
// any goroutine, and does not wait for hosts.
func (r *Run) Steer(order Order, hostName string, by Hand) (say.Text, error) {
	switch order {
	case OrderPause, OrderResume, OrderCancel:
		return r.steerRun(order, by)
	}
	h := r.knownHost(hostName)
	if h == nil {
		return say.Text{}, say.Fail(nil, say.T("there is no host '%s' in this run", "이 실행에 호스트 '%s'{이/가} 없습니다", hostName))
	}
	switch order {
	case OrderSkip:
		return r.skipHost(h, by)
	case OrderQuarantine:
		return r.quarantineHost(h, by)
	case OrderRelease:
		return r.releaseHost(h, by)
	case OrderRetry:
		return r.retryHost(h, by)
	}
	return say.Text{}, fmt.Errorf("unknown order %q", order)
}

func (r *Run) steerRun(order Order, by Hand) (say.Text, error) {
	told := say.Text{}
	switch order {
	case OrderPause:
		if !r.helm.pause() {
			return say.Text{}, say.Fail(nil, say.T("the run is paused already", "이미 일시 중지된 상태입니다"))
		}
		told = say.T("paused: what has begun goes on, nothing new begins", "일시 중지: 시작된 것은 계속되고 새로 시작하지 않습니다")
	case OrderResume:
		if !r.helm.resume() {
			return say.Text{}, say.Fail(nil, say.T("the run is not paused", "일시 중지된 상태가 아닙니다"))
		}
		told = say.T("the run goes on", "실행을 계속합니다")
	case OrderCancel:
		told = say.T("stopping: steps that have begun are finished first", "중단합니다: 시작된 단계를 먼저 마칩니다")
	}
	r.steered(order, "", by, nil)
	if order == OrderCancel {
		r.Stop()
	}
	return told, nil
}

// steered tells the record.
func (r *Run) steered(order Order, host string, by Hand, void []int64) {
	r.stream.emit(event.Steered{Action: string(order), Host: host, User: by.User, UID: by.UID, From: by.From, Reason: by.Reason, Void: void})
}

func (r *Run) skipHost(h *host, by Hand) (say.Text, error) {
	if h.out() {
		return say.Text{}, say.Fail(nil, say.T("host %s takes no part any more", "호스트 %s{은/는} 이미 제외되어 있습니다", h.name))
	}
	r.steered(OrderSkip, h.name, by, nil)
	h.mark(func(h *host) { h.skipped = true })
	r.cutOff(h)
	return say.T("host %s is left alone from now on", "호스트 %s{을/를} 이제부터 건너뜁니다", h.name), nil
}

func (r *Run) quarantineHost(h *host, by Hand) (say.Text, error) {
	already := false
	h.mark(func(h *host) { already, h.aside = h.aside, true })
	if already {
		return say.Text{}, say.Fail(nil, say.T("host %s is in quarantine already", "호스트 %s{은/는} 이미 격리되어 있습니다", h.name))
	}
	r.steered(OrderQuarantine, h.name, by, nil)
	h.count(event.Quarantined, false)
	reason := say.T("set aside by %s", "%s{이/가} 격리함", by.User)
	if by.Reason != "" {
		reason = say.T("set aside by %s: %s", "%s{이/가} 격리함: %s", by.User, by.Reason)
	}
	r.putAside(h, reason)
	r.cutOff(h)
	return say.T("host %s is in quarantine", "호스트 %s{을/를} 격리했습니다", h.name), nil
}

// putAside counts the host out of the plays that it takes part in now.
func (r *Run) putAside(h *host, reason say.Text) {
	plays := r.helm.playsOf(h)
	number := r.plays - 1
	if len(plays) > 0 {
		number = plays[0].number
	}
	zone := ""
	for _, p := range plays {
		if p.guard == nil {
			continue
		}
		zone = p.zoneOf(h)
		p.loseHost(zone)
	}
	r.stream.emit(event.HostQuarantined{Play: max(number, 0), Host: h.name, Zone: zone, Reason: reason})
}

func (r *Run) releaseHost(h *host, by Hand) (say.Text, error) {
	was := false
	var regain []func()
	h.mark(func(h *host) {
		was = h.aside || h.skipped
		h.aside, h.skipped, h.recap.Quarantined = false, false, false
		regain, h.regain = h.regain, nil
	})
	for _, f := range regain {
		f()
	}
	if !was {
		return say.Text{}, say.Fail(nil, say.T("host %s is neither in quarantine nor skipped", "호스트 %s{은/는} 격리되거나 건너뛴 상태가 아닙니다", h.name))
	}
	r.Journal.released(h.name)
	again, void := r.takeUp(h)
	r.steered(OrderRelease, h.name, by, void)
	if again {
		return say.T("host %s goes on where it stopped", "호스트 %s{은/는} 멈춘 곳에서 계속합니다", h.name), nil
	}
	return say.T("host %s takes part again from the next play on", "호스트 %s{은/는} 다음 플레이부터 다시 참여합니다", h.name), nil
}

func (r *Run) retryHost(h *host, by Hand) (say.Text, error) {
	if !h.broken() {
		return say.Text{}, say.Fail(nil, say.T("host %s did not fail", "호스트 %s{은/는} 실패하지 않았습니다", h.name))
	}
	again, void := r.takeUp(h)
	if !again {
		return say.Text{}, say.Fail(nil, say.T("the play in which %s failed is over\n→ after the run: sunup resume %s --failed", "%s{이/가} 실패한 플레이가 끝났습니다\n→ 실행이 끝난 뒤: sunup resume %s --failed", h.name, r.RunID))
	}
	r.steered(OrderRetry, h.name, by, void)
	return say.T("host %s is tried again where it failed", "호스트 %s{을/를} 실패한 곳에서 다시 시도합니다", h.name), nil
}

// takeUp lets a host go on where it stopped, in every play that is not over. It
// returns the numbers of the events that count no more.
func (r *Run) takeUp(h *host) (again bool, void []int64) {
	for _, p := range r.helm.playsOf(h) {
		if seqs, ok := p.takeUp(h); ok {
			again, void = true, append(void, seqs...)
		}
	}
	return again, void
}

// cutOff ends what a host is doing, and tells those who wait for it.
func (r *Run) cutOff(h *host) {
	r.helm.mu.Lock()
	for x, cancel := range r.helm.atWork {
		if x.host == h {
			cancel()
		}
	}
	r.helm.mu.Unlock()
	r.helm.woken.tellAll()
}

func (m *helm) pause() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused != nil {
		return false
	}
	m.paused = make(chan struct{})
	return true
}

func (m *helm) resume() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused == nil {
		return false
	}
	close(m.paused)
	m.paused = nil
	return true
}

// hold waits until the run is not paused; false when it is to end.
func (r *Run) hold(ctx context.Context) bool {
	r.helm.mu.Lock()
	paused := r.helm.paused
	r.helm.mu.Unlock()
	if paused == nil {
		return true
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer r.cancel.onStop(stop)()
	if r.cancel.stopped() {
		return false
	}
	select {
	case <-paused:
		return !r.cancel.stopped()
	case <-ctx.Done():
		return false
	}
}

// enter and leave keep the list of what is at work.
func (m *helm) enter(x *execution, cancel context.CancelFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.atWork == nil {
		m.atWork = map[*execution]context.CancelFunc{}
	}
	m.atWork[x] = cancel
}

func (m *helm) leave(x *execution) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.atWork, x)
}

// began and ended keep the list of plays that are running (of a graph, lanes).
func (m *helm) began(p *playRun) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running == nil {
		m.running = map[*playRun]bool{}
	}
	m.running[p] = true
}

func (m *helm) ended(p *playRun) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, p)
}

// playsOf are the running plays that a host is in, by number.
func (m *helm) playsOf(h *host) []*playRun {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*playRun
	for p := range m.running {
		if slices.Contains(p.members, h) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *playRun) int { return a.number - b.number })
	return out
}

// Status tells how the run is.
func (r *Run) Status() Status {
	s := Status{Run: r.RunID, Stopped: r.cancel.stopped()}
	r.helm.mu.Lock()
	s.Paused = r.helm.paused != nil
	plays := map[int]*PlayStatus{}
	for p := range r.helm.running {
		one := plays[p.number]
		if one == nil {
			one = &PlayStatus{Name: p.name, Hosts: len(p.hosts)}
			plays[p.number] = one
		}
		for _, h := range p.members {
			if !h.out() {
				one.Left++
			}
		}
	}
	for x := range r.helm.atWork {
		s.Busy = append(s.Busy, Busy{Host: x.host.name, Task: x.task.Name, Since: x.began})
		if last := &s.Busy[len(s.Busy)-1]; last.Task == "" {
			last.Task = x.task.Action
		}
	}
	r.helm.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(plays)) {
		s.Plays = append(s.Plays, *plays[n])
	}
	slices.SortFunc(s.Busy, func(a, b Busy) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.Host, b.Host)
	})
	r.hostStatus(&s)
	return s
}

func (r *Run) hostStatus(s *Status) {
	r.hostsMu.Lock()
	defer r.hostsMu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.hosts)) {
		h := r.hosts[name]
		h.mu.Lock()
		switch {
		case h.aside:
			s.Aside = append(s.Aside, name)
		case h.skipped:
			s.Skipped = append(s.Skipped, name)
		case h.failed || h.lost:
			s.Failed = append(s.Failed, name)
		}
		h.mu.Unlock()
	}
}

// stop is where a host stopped in a play: what a retry goes back to.
type stop struct {
	stack   []frame
	outcome event.Outcome
	seqs    []int64 // of the events that tell of it
}

// remember keeps where a host stands, before its failure moves it on.
func (c *cursor) remember(end *taskEnd) {
	c.stopped = &stop{stack: slices.Clone(c.stack), outcome: end.counts(), seqs: []int64{end.seq}}
	if end.ordered {
		c.stopped.outcome = "" // it was not counted
	}
}

// takeUp asks the play's strategy to take a host up again where it stopped;
// false when the play is over for the host.
func (p *playRun) takeUp(h *host) ([]int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.cursors[h]
	if p.closed || c == nil {
		return nil, false
	}
	if c.stopped == nil { // it was left out between two tasks, or has done all
		if len(c.stack) == 0 {
			return nil, false
		}
		p.tryAgain(h)
		return nil, true
	}
	p.tryAgain(h)
	return c.stopped.seqs, true
}

// tryAgain keeps a host for the strategy. The lock is held.
func (p *playRun) tryAgain(h *host) {
	p.again = append(p.again, h)
	select {
	case p.wake <- struct{}{}:
	default: // it was told already, or does not wait
	}
}

// watchAgain is for a strategy that waits for hosts to be tried again.
func (p *playRun) watchAgain() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake = make(chan struct{}, 1)
	return p.wake
}

// takenUp moves the hosts that are tried again back to where they stopped. It
// is called by the play's strategy between steps; those that are busy stay where
// they are until they are not. When there are none and the strategy has nothing
// left to do, the play takes no more.
func (p *playRun) takenUp(idle bool, busy map[*host]bool) []*host {
	p.mu.Lock()
	defer p.mu.Unlock()
	var up, later []*host
	for _, h := range p.again {
		if busy[h] {
			later = append(later, h)
			continue
		}
		if slices.Contains(up, h) {
			continue
		}
		up = append(up, h)
		c := p.cursors[h]
		if c.stopped == nil {
			continue
		}
		c.stack, c.fell = c.stopped.stack, false
		h.takeBack(c.stopped.outcome)
		c.stopped = nil
	}
	p.again = later
	if idle && len(up) == 0 {
		p.closed = true
	}
	return up
}

// takeBack forgets a failure that is tried again.
func (h *host) takeBack(o event.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed, h.lost, h.aside, h.skipped = false, false, false, false
	switch o {
	case event.Failed, event.Unknown, event.Cancelled:
		h.recap.Failed--
	case event.Unreachable:
		h.recap.Unreachable--
	case event.Quarantined:
		h.recap.Quarantined = false
	}
}
