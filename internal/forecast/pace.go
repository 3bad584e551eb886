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
	net      *net
	observed map[int][]float64 // by stage, sorted: of what was taken to what was expected
	// budgets is the same for all stages together, where nobody has measured
	// them: budgets and guesses are all generous (or not) in the same way.
	budgets float64
	// today is how the day goes as a whole, for stages that were measured: those
	// are known each by itself, so that one that is slow says nothing about the
	// next, but several that are slow do.
	today float64
}

// usualStages is how many stages that went as expected are thought to stand
// beside those that are known: it takes three slow ones to make a slow day.
const usualStages = 2

func (t *Tracker) pace() pace {
	p := pace{net: t.net, observed: map[int][]float64{}, budgets: 1, today: 1}
	for at, s := range t.lanes {
		usual := t.net.usual(at)
		if s.left == 0 && !s.last.IsZero() && !s.began.IsZero() && usual > 0 {
			p.observed[at.stage] = append(p.observed[at.stage], float64(s.last.Sub(s.began))/float64(usual))
		}
	}
	var took, expected float64
	paces := slices.Repeat([]float64{1}, usualStages)
	for stage, all := range p.observed {
		slices.Sort(all)
		usual := float64(t.net.plan.Stages[stage].Takes)
		took += all[len(all)/2] * usual
		expected += usual
		paces = append(paces, all[len(all)/2])
	}
	if expected > 0 {
		p.budgets = min(max(took/expected, 0.01), 100)
	}
	paces = append(paces, t.underWay(p.observed)...)
	slices.Sort(paces)
	p.today = (paces[(len(paces)-1)/2] + paces[len(paces)/2]) / 2
	return p
}

// enoughDone is how much of a lane must be behind it before its pace says
// something about the day.
const enoughDone = 0.25

// underWay is the pace of stages of which no lane is over, by the steps that
// their lanes have behind them.
func (t *Tracker) underWay(over map[int][]float64) []float64 {
	stages := map[int][]float64{}
	for at, s := range t.lanes {
		if over[at.stage] != nil || s.began.IsZero() || t.steps[at.stage].serial {
			continue
		}
		done, since := t.done(at)
		if usual := float64(t.net.usual(at)) * done; done >= enoughDone && usual > 0 {
			stages[at.stage] = append(stages[at.stage], float64(since.Sub(s.began))/usual)
		}
	}
	var out []float64
	for _, all := range stages {
		slices.Sort(all)
		out = append(out, all[len(all)/2])
	}
	return out
}

// done is which share of a lane is behind it, and since when.
func (t *Tracker) done(at place) (share float64, since time.Time) {
	shares := t.net.shares[at.stage]
	behind, since := t.steps[at.stage].behind(t.open(at))
	return shareOf(shares[:behind]), since
}

// guessedSpread is the spread of what nobody has measured, as a share.
const guessedSpread = 0.15

// of is what a lane takes. Lanes of the same stage that are over count like as
// many earlier runs.
func (p pace) of(at place) length {
	s := p.net.plan.Stages[at.stage]
	takes, most := p.net.usual(at), s.Most
	if lane := p.net.lane(at); lane.Takes > 0 {
		most = lane.Most
	}
	factor := p.budgets
	if s.Basis == event.FromHistory {
		factor = p.today
	}
	middle := float64(takes) * factor
	spread := middle * guessedSpread
	if most > takes {
		spread = float64(most-takes) / ninth * factor
	}
	if all := p.observed[at.stage]; len(all) > 0 {
		weight := 3.0 // that of the expectation, in lanes
		if s.Basis != event.FromHistory {
			weight = 0.2
		}
		sum := middle * weight
		for _, ratio := range all {
			sum += float64(takes) * ratio
		}
		middle = sum / (weight + float64(len(all)))
	}
	return length{time.Duration(middle), time.Duration(spread)}
}
