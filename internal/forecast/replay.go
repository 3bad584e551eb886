package forecast

import (
	"errors"
	"slices"
	"time"

	"sunup/internal/event"
)

// Miss is how far a projected finish was off.
type Miss struct {
	Share float64 // of the run's length
	After float64 // at which share of the run
	Off   time.Duration
}

// Replays look at the projection at every hundredth of the run from here on: a
// run of which less is known cannot be foreseen.
const lookFrom = 40

// Replay goes through the events of a run that has ended and projects its end
// as it would have been projected while the run went on, from what other runs
// took. It returns the largest miss from 40 % of the run on.
func Replay(events []event.Event, past Past) (Miss, error) {
	var t *Tracker
	var worst Miss
	if len(events) == 0 {
		return worst, errors.New("the run has no events")
	}
	began, ended := events[0].Time, events[len(events)-1].Time
	took := ended.Sub(began)
	next := lookFrom
	look := func(until time.Time) {
		for ; next <= 100; next++ {
			now := began.Add(took * time.Duration(next) / 100)
			if !now.Before(until) {
				return
			}
			off := t.At(now).Finish.Sub(ended)
			if share := float64(off.Abs()) / float64(took); share > worst.Share {
				worst = Miss{Share: share, After: float64(next) / 100, Off: off}
			}
		}
	}
	for _, e := range events {
		if planned, is := e.Data.(event.Planned); is && t == nil {
			t = NewTracker(replanned(planned, past), nil, e.Time)
			continue
		}
		if t == nil {
			continue
		}
		look(e.Time)
		t.See(e)
	}
	if t == nil {
		return worst, errors.New("the run has no plan")
	}
	return worst, nil
}

// replanned is a plan with what other runs took.
func replanned(p event.Planned, past Past) event.Planned {
	p.Stages = slices.Clone(p.Stages)
	for i := range p.Stages {
		s := &p.Stages[i]
		s.Lanes = slices.Clone(s.Lanes)
		if e, known := past(s.Name); known {
			e.Expect(s)
		}
	}
	Schedule(&p)
	return p
}
