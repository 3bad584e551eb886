package forecast

import (
	"math"
	"slices"
	"time"

	"sunup/internal/event"
)

// length is how long a lane takes: in the middle, and how far it strays from
// that (a standard deviation).
type length struct{ middle, spread time.Duration }

// ninth is where nine of ten are over, in standard deviations.
const ninth = 1.2816

// beyond is how long the lane takes given that it has taken so long already:
// the mean of what is left of a bell curve. What is far beyond it is no chance
// any more, and what lasts, lasts.
func (l length) beyond(sofar time.Duration) time.Duration {
	if sofar <= 0 {
		return l.middle
	}
	spread := max(float64(l.spread), 1)
	z := (float64(sofar) - float64(l.middle)) / spread
	if z < -6 {
		return l.middle
	}
	if z > 3 {
		return sofar + sofar/10
	}
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	return l.middle + time.Duration(spread*density/(math.Erfc(z/math.Sqrt2)/2))
}

// lateness is how far the last of n is behind the middle, in standard
// deviations: the expected largest of n of a bell curve.
func lateness(n int) float64 {
	known := []float64{0, 0, 0.56, 0.85, 1.03, 1.16, 1.27, 1.35, 1.42, 1.49, 1.54}
	if n < len(known) {
		return known[n]
	}
	return math.Sqrt(2*math.Log(float64(n))) - 0.6
}

// pace is what lanes take: as expected, corrected by what those that are over
// took.
type pace struct {
	plan     *event.Planned
	observed map[int][]time.Duration // by stage, sorted
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
		p.ratio = min(max(float64(took)/float64(expected), 0.01), 100)
	}
	return p
}

// trust is how far the pace of other stages says something about one: history
// knows each stage by itself, budgets are all generous (or not) in the same way.
var trust = map[event.Basis]float64{event.FromHistory: 0.25, event.FromBudget: 1, event.Guessed: 1}

// guessedSpread is the spread of what nobody has measured, as a share.
const guessedSpread = 0.15

// of is what a lane of a stage takes. Lanes of the same stage that are over
// count like as many earlier runs.
func (p pace) of(stage int) length {
	s := p.plan.Stages[stage]
	factor := 1 + (p.ratio-1)*trust[s.Basis]
	middle := float64(s.Takes) * factor
	spread := middle * guessedSpread
	if s.Most > s.Takes {
		spread = float64(s.Most-s.Takes) / ninth * factor
	}
	if all := p.observed[stage]; len(all) > 0 {
		weight := 3.0 // that of the expectation, in lanes
		if s.Basis != event.FromHistory {
			weight = 0.2
		}
		sum := middle * weight
		for _, d := range all {
			sum += float64(d)
		}
		middle = sum / (weight + float64(len(all)))
	}
	return length{time.Duration(middle), time.Duration(spread)}
}
