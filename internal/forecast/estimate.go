package forecast

import (
	"time"

	"sunup/internal/event"
)

// Span is how long something took in earlier runs.
type Span struct {
	Median time.Duration
	P90    time.Duration // what nine of ten took no longer than
}

// Estimate is how long earlier runs took for a play.
type Estimate struct {
	Span
	// Apart is how far lanes of one run stray from each other, each measured by
	// what it usually takes: a day that is slow is slow for all of them.
	Apart time.Duration
	// Steps are the tasks that a lane of hosts goes through, in their order.
	Steps []event.Step
	// Lanes are the groups of hosts that start together, by the first of their
	// hosts, where they were known by themselves.
	Lanes map[string]Span
}

// Past tells how long a play took in earlier runs; ok is false when nobody
// knows.
type Past func(play string) (e Estimate, ok bool)

// Expect puts what earlier runs took into a stage.
func (e Estimate) Expect(s *event.Stage) {
	s.Takes, s.Most, s.Basis = e.Median, e.P90, event.FromHistory
	s.Steps, s.Apart = e.Steps, e.Apart
	for i := range s.Lanes {
		lane := &s.Lanes[i]
		lane.Takes, lane.Most = 0, 0
		if len(lane.Hosts) == 0 {
			continue
		}
		if known, ok := e.Lanes[lane.Hosts[0]]; ok && len(s.Lanes) > 1 {
			lane.Takes, lane.Most = known.Median, known.P90
		}
	}
}
