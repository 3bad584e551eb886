package runner

import (
	"context"
	"time"

	"sunup/internal/event"
	"sunup/internal/forecast"
	"sunup/internal/say"
	"sunup/playbooks"
)

// prospects tells when the run and its milestones should be reached: at the
// start, when that changes by so much that people should know, and the moment
// a milestone can no longer be kept. The stream's lock guards it.
type prospects struct {
	tracker *forecast.Tracker
	// enough is how far the finish must move to be told again.
	enough time.Duration
	told   event.Forecast
	late   map[string]bool // milestones that were warned of
	looked time.Time
}

// A forecast is told again when it moved by a twentieth of the run, and no
// oftener than people can read.
const (
	worthTelling = 20
	lookEvery    = time.Second
)

// foresee plans the run and emits the plan; nothing is foreseen of playbooks
// that have no word of ours, and of those that cannot be planned: the run
// itself tells why.
func (r *Run) foresee(ctx context.Context, books []*playbooks.Playbook) (stop func()) {
	nothing := func() {}
	if !looksAhead(books) {
		return nothing
	}
	o := r.Options
	o.Sink, o.Prompt, o.Confirm, o.Journal = event.Tee(), nil, nil, nil
	plan, err := New(o).Plan(ctx, books)
	if err != nil {
		return nothing
	}
	planned := plan.Event()
	r.stream.emit(planned)
	p := &prospects{
		tracker: forecast.NewTracker(planned, plan.Startup, r.Now()),
		enough:  max(plan.Takes/worthTelling, time.Second), late: map[string]bool{},
	}
	if plan.Startup != nil {
		// What was over before the run began is no news of the run's.
		for _, m := range append(plan.Startup.Milestones, event.Milestone{At: plan.Startup.OpensAt}) {
			p.late[m.Name] = m.At.Before(r.Now())
		}
	}
	r.stream.follow(p)
	ticker, done := time.NewTicker(lookEvery), make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				r.stream.look()
			case <-done:
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(done); <-ended }
}

// looksAhead reports whether the playbooks use words that are about time or
// order.
func looksAhead(books []*playbooks.Playbook) bool {
	for _, b := range books {
		if b.Startup != nil || hasNeeds(b) {
			return true
		}
		for _, p := range b.Plays {
			if p.Ours.Budget != nil {
				return true
			}
		}
	}
	return false
}

// follow begins to foresee; the first forecast is told at once.
func (s *stream) follow(p *prospects) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = p
	s.lookAhead(s.now())
}

// look is for what changes by time alone: what takes longer than expected.
func (s *stream) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.ahead != nil && now.Sub(s.ahead.looked) >= lookEvery {
		s.lookAhead(now)
	}
}

// seen takes an event into account. The lock is held.
func (s *stream) seen(e event.Event) {
	if s.ahead == nil {
		return
	}
	if _, end := e.Data.(event.RunEnded); end { // nothing comes behind it
		s.ahead = nil
		return
	}
	if !s.ahead.tracker.See(e) {
		return
	}
	_, over := e.Data.(event.PlayEnded)
	if over || e.Time.Sub(s.ahead.looked) >= lookEvery {
		s.lookAhead(e.Time)
	}
}

// lookAhead makes a forecast and tells what is new in it. The lock is held.
func (s *stream) lookAhead(now time.Time) {
	p := s.ahead
	p.looked = now
	f := p.tracker.At(now)
	if p.news(f) {
		p.told = f
		s.send(f)
	}
	for _, m := range f.Milestones {
		if was := p.late[m.Name]; m.Late && !was {
			s.send(event.Warning{Text: lateText(m)})
		}
		p.late[m.Name] = p.late[m.Name] && m.At.Before(now) || m.Late
	}
}

// news reports whether a forecast differs so much from the one that was told
// last that people should know.
func (p *prospects) news(f event.Forecast) bool {
	moved := func(a, b time.Time) bool {
		return a.IsZero() != b.IsZero() || a.Sub(b).Abs() >= p.enough
	}
	if moved(f.Finish, p.told.Finish) || len(f.Milestones) != len(p.told.Milestones) {
		return true
	}
	for i, m := range f.Milestones {
		if was := p.told.Milestones[i]; m.Late != was.Late || m.Reached != was.Reached || moved(m.Finish, was.Finish) {
			return true
		}
	}
	return false
}

// lateText says that a milestone cannot be kept, and what holds it up.
func lateText(m event.Expected) say.Text {
	name := say.Plain(m.Name)
	if m.Name == "" {
		name = say.T("the opening", "개장")
	}
	at := m.At.Format("15:04")
	switch {
	case m.Reached:
		return say.T("%s (%s) was late: reached at %s", "%s(%s) 지연: %s에 도달", name, at, m.Finish.In(m.At.Location()).Format("15:04:05"))
	case m.Finish.IsZero():
		return say.T("%s (%s) will not be reached: %s", "%s(%s){은/는} 도달할 수 없습니다: %s", name, at, m.Holds)
	}
	return say.T("%s (%s) will be late: expected %s; it waits for %s", "%s(%s) 지연 예상: %s 예상, 대기 중: %s",
		name, at, m.Finish.In(m.At.Location()).Format("15:04:05"), m.Holds)
}
