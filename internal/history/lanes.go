package history

import (
	"math"
	"slices"
	"time"

	"sunup/internal/event"
	"sunup/internal/forecast"
	"sunup/reports"
)

// LaneDigest is one group of hosts of a play that start together.
type LaneDigest struct {
	First  string `json:"first"` // the first of its hosts, as the plan has them
	TookMS int64  `json:"took_ms"`
}

// laneTrace is how the lanes of a report's plays went.
type laneTrace struct {
	lanes map[int][]event.Lane    // by play
	of    map[int]map[string]int  // the lane of a host, by play
	ends  map[laneStep]int64      // when the last host of a lane had a task behind it
	began map[int]map[int]int64   // by play and lane
	spans map[int]map[int]int64   // by play and lane: from its first step's begin to its last one's end
	tasks map[int][]*reports.Task // by play, in their order
	steps map[int][]int64         // by task: what it took lane by lane
}

type laneStep struct{ play, lane, task int }

// traceLanes follows the lanes of a report. Where no plan tells the lanes, a
// play is one.
func traceLanes(r *reports.Report) *laneTrace {
	t := &laneTrace{
		lanes: map[int][]event.Lane{}, of: map[int]map[string]int{}, ends: map[laneStep]int64{},
		began: map[int]map[int]int64{}, spans: map[int]map[int]int64{}, tasks: map[int][]*reports.Task{}, steps: map[int][]int64{},
	}
	if r.Plan != nil {
		for _, s := range r.Plan.Stages {
			t.lanes[s.Play], t.of[s.Play] = s.Lanes, map[string]int{}
			for l, lane := range s.Lanes {
				for _, h := range lane.Hosts {
					t.of[s.Play][h] = l
				}
			}
		}
	}
	for _, task := range r.Tasks {
		t.tasks[task.Play] = append(t.tasks[task.Play], task)
	}
	t.readCells(r)
	t.readSteps()
	return t
}

func (t *laneTrace) readCells(r *reports.Report) {
	for _, h := range r.Hosts {
		for _, c := range h.Cells {
			play := r.Tasks[c.Task].Play
			lane := t.of[play][h.Name]
			end := c.BeganMS + c.TookMS
			at := laneStep{play, lane, c.Task}
			t.ends[at] = max(t.ends[at], end)
			if t.began[play] == nil {
				t.began[play], t.spans[play] = map[int]int64{}, map[int]int64{}
			}
			if began, known := t.began[play][lane]; !known || c.BeganMS < began {
				t.began[play][lane] = c.BeganMS
			}
		}
	}
}

// readSteps parts the time of each lane among its tasks: what passed between
// the end of one and the end of the next.
func (t *laneTrace) readSteps() {
	for play, lanes := range t.began {
		for lane, began := range lanes {
			last := began
			for _, task := range t.tasks[play] {
				end, ran := t.ends[laneStep{play, lane, task.Number}]
				if !ran {
					continue
				}
				t.steps[task.Number] = append(t.steps[task.Number], max(end-last, 0))
				last = max(last, end)
			}
			t.spans[play][lane] = last - began
		}
	}
}

// digests are the lanes of a play that has several.
func (t *laneTrace) digests(play int) []LaneDigest {
	lanes := t.lanes[play]
	if len(lanes) < 2 {
		return nil
	}
	var out []LaneDigest
	for l, lane := range lanes {
		if ms, ran := t.spans[play][l]; ran && len(lane.Hosts) > 0 {
			out = append(out, LaneDigest{First: lane.Hosts[0], TookMS: ms})
		}
	}
	return out
}

// Forecast is what earlier runs tell about a play: the play, its steps, and
// its lanes by themselves.
func (p Past) Forecast(play string) (forecast.Estimate, bool) {
	whole, known := p.Play(play)
	if !known {
		return forecast.Estimate{}, false
	}
	e := forecast.Estimate{Span: whole.span(), Lanes: map[string]forecast.Span{}}
	steps, lanes := map[StepDigest][]int64{}, map[string][]int64{}
	var order []StepDigest
	ran := 0
	for _, d := range p.Runs {
		if !d.upIn(play) {
			continue
		}
		ran++
		for _, s := range d.Steps {
			if s.Play != play || s.LaneMS == nil {
				continue
			}
			key := StepDigest{Name: s.Name, Nth: s.Nth}
			if steps[key] == nil {
				order = append(order, key)
			}
			steps[key] = append(steps[key], *s.LaneMS)
		}
		for _, pd := range d.Plays {
			if pd.Name == play {
				for _, l := range pd.Lanes {
					lanes[l.First] = append(lanes[l.First], l.TookMS)
				}
			}
		}
	}
	for _, key := range order {
		// A handler or a rescue that seldom runs is no step of the usual day.
		if all := steps[key]; 2*len(all) > ran {
			of := estimateOf(all).span()
			e.Steps = append(e.Steps, event.Step{Name: key.Name, Nth: key.Nth, Takes: of.Median, Most: of.P90})
		}
	}
	for first, all := range lanes {
		e.Lanes[first] = estimateOf(all).span()
	}
	e.Apart = time.Duration(p.apart(play, e.Lanes) * float64(e.Median))
	return e, true
}

// apart is how far the lanes of one run stray from each other, as a share:
// each is measured by what it usually takes, and the day as a whole taken out.
func (p Past) apart(play string, usual map[string]forecast.Span) float64 {
	var sum float64
	n := 0
	for _, d := range p.Runs {
		for _, pd := range d.Plays {
			if pd.Name != play || len(pd.Lanes) < 3 {
				continue
			}
			var ratios []float64
			for _, l := range pd.Lanes {
				if u := usual[l.First].Median.Milliseconds(); u > 0 {
					ratios = append(ratios, float64(l.TookMS)/float64(u))
				}
			}
			if len(ratios) == 0 {
				continue
			}
			slices.Sort(ratios)
			day := ratios[len(ratios)/2]
			for _, r := range ratios {
				if off := r/day - 1; off < 1 { // what hangs is no stray
					sum += off * off
					n++
				}
			}
		}
	}
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}

// upIn reports whether a play got up in a run.
func (d Digest) upIn(play string) bool {
	return slices.ContainsFunc(d.Plays, func(p PlayDigest) bool { return p.Name == play && p.Outcome == event.OK })
}

func (e Estimate) span() forecast.Span { return forecast.Span{Median: e.Median, P90: e.P90} }

// estimateOf is the estimate from times in milliseconds.
func estimateOf(all []int64) Estimate {
	all = slices.Sorted(slices.Values(all))
	ms := func(i int) time.Duration { return time.Duration(all[i]) * time.Millisecond }
	return Estimate{Median: ms(len(all) / 2), P90: ms((len(all)*9+9)/10 - 1), Runs: len(all)}
}
