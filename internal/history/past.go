package history

import (
	"context"
	"time"

	"sunup/internal/event"
	"sunup/internal/store"
	"sunup/reports"
)

// Estimate is how long something should take.
type Estimate struct {
	Median, P90 time.Duration
	Runs        int // how many it is from
}

// Past is what earlier runs were like, the newest first.
type Past struct{ Runs []Digest }

// Earlier loads the runs of the same name, limit and mode that began before a
// moment, at most n of them. Runs that broke off or were cancelled say nothing
// about the usual and are left out.
func Earlier(ctx context.Context, s *store.Store, name, limit string, check bool, before time.Time, n int) (Past, error) {
	// Those that are left out take places too: look at some more.
	runs, err := s.Runs(ctx, store.Filter{Name: name, Before: before, Ended: true, Limit: 2*n + 10})
	if err != nil {
		return Past{}, err
	}
	var p Past
	for _, r := range runs {
		if len(p.Runs) == n {
			break
		}
		if r.Limit != limit || r.Check != check || r.Outcome == event.Cancelled || r.State != store.Ended {
			continue
		}
		d, err := Load(ctx, s, r)
		if err != nil {
			return p, err
		}
		if d.Complete {
			p.Runs = append(p.Runs, d)
		}
	}
	return p, nil
}

// Play is how long a lane of a play takes, by the runs in which it got up.
func (p Past) Play(name string) (Estimate, bool) {
	return p.estimate(func(d Digest) (int64, bool) {
		for _, play := range d.Plays {
			if play.Name == name && play.Outcome == event.OK {
				return play.LaneMS, true
			}
		}
		return 0, false
	})
}

// Task is how long a task of a play takes from its first host to its last.
func (p Past) Task(play, task string) (Estimate, bool) {
	return p.estimate(func(d Digest) (int64, bool) {
		for _, s := range d.Steps {
			if s.Play == play && s.Name == task && s.Hosts > 0 {
				return s.SpanMS, true
			}
		}
		return 0, false
	})
}

// Host is how long a host works in a run.
func (p Past) Host(name string) (Estimate, bool) {
	return p.estimate(func(d Digest) (int64, bool) {
		for _, h := range d.Machines {
			if h.Name == name && h.WorkingMS > 0 {
				return h.WorkingMS, true
			}
		}
		return 0, false
	})
}

// Whole is how long the run takes.
func (p Past) Whole() (Estimate, bool) {
	return p.estimate(func(d Digest) (int64, bool) { return d.TookMS, d.Outcome == event.OK })
}

func (p Past) estimate(of func(Digest) (int64, bool)) (Estimate, bool) {
	var all []int64
	for _, d := range p.Runs {
		if ms, ok := of(d); ok {
			all = append(all, ms)
		}
	}
	if len(all) == 0 {
		return Estimate{}, false
	}
	return estimateOf(all), true
}

// times are the values of a step, a play or the whole in earlier runs.
func (p Past) times(of func(Digest) (int64, bool)) []int64 {
	var all []int64
	for _, d := range p.Runs {
		if ms, ok := of(d); ok {
			all = append(all, ms)
		}
	}
	return all
}

// Against puts how a report stands against the past into it, and what was saved
// against the morning by hand.
func (p Past) Against(r *reports.Report, by Baseline) {
	if len(p.Runs) == 0 {
		return
	}
	h := &reports.History{Runs: len(p.Runs), Since: p.Runs[len(p.Runs)-1].Began, Steps: []reports.StepHistory{}}
	whole := p.times(func(d Digest) (int64, bool) { return d.TookMS, true })
	h.UsualMS = median(whole)
	h.SpreadMS = spread(whole, h.UsualMS)
	earlier := p.steps()
	for _, s := range stepsOf(r) {
		if all := earlier[s.Key()]; len(all) > 0 && s.Hosts > 0 {
			usual := median(all)
			h.Steps = append(h.Steps, reports.StepHistory{Task: s.Task, Runs: len(all), TookMS: s.SpanMS, UsualMS: usual, SpreadMS: spread(all, usual)})
		}
	}
	manual := by.manual()
	h.Manual, h.Trend = &manual, p.trend(Digest{Run: r.Run.ID, Began: r.Began, TookMS: r.TookMS, Outcome: r.Outcome}, by)
	r.History = h
}

// steps are the spans of all steps by their keys.
func (p Past) steps() map[string][]int64 {
	out := map[string][]int64{}
	for _, d := range p.Runs {
		for _, s := range d.Steps {
			if s.Hosts > 0 {
				out[s.Key()] = append(out[s.Key()], s.SpanMS)
			}
		}
	}
	return out
}
