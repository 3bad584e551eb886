package forecast

import (
	"math"
	"time"

	"sunup/internal/event"
)

// progress is how far the hosts of a stage are among its steps.
type progress struct {
	known  map[stepName]int       // the place of each step, from 0
	seen   map[string]int         // how often a task of a name began in the play
	tasks  map[int]int            // the step of a task of the run
	hosts  map[string]int         // how many steps a host has behind it
	at     map[string][]time.Time // when it had them behind it, by step
	serial bool                   // batches go through the steps one by one
}

type stepName struct {
	name string
	nth  int
}

func newProgress(s event.Stage) *progress {
	p := &progress{known: map[stepName]int{}, seen: map[string]int{}, tasks: map[int]int{}, hosts: map[string]int{}, at: map[string][]time.Time{}}
	for i, step := range s.Steps {
		p.known[stepName{step.Name, step.Nth}] = i
	}
	return p
}

// begins takes a task of the run that begins.
func (p *progress) begins(d event.TaskStarted) {
	key := stepName{d.Name, p.seen[d.Name]}
	p.seen[d.Name]++
	if i, known := p.known[key]; known {
		p.tasks[d.Task] = i
	}
}

// ends takes the end of a task on a host.
func (p *progress) ends(d event.HostTaskEnded, at time.Time) {
	i, known := p.tasks[d.Task]
	if !known || p.hosts[d.Host] > i {
		return
	}
	for len(p.at[d.Host]) <= i { // what was skipped over is behind it too
		p.at[d.Host] = append(p.at[d.Host], at)
	}
	p.hosts[d.Host] = i + 1
}

// behind is how many steps all of some hosts have behind them, and when the
// last of them had.
func (p *progress) behind(hosts []string) (steps int, since time.Time) {
	steps = math.MaxInt
	for _, h := range hosts {
		steps = min(steps, p.hosts[h])
	}
	if steps == math.MaxInt || steps == 0 {
		return 0, time.Time{}
	}
	for _, h := range hosts {
		if at := p.at[h][steps-1]; at.After(since) {
			since = at
		}
	}
	return steps, since
}

// remainder is what is left of a lane that is under way: how long until it is
// done, and how far that strays.
//
// Its steps tell more than its time does. What the steps behind it took tells
// how fast this lane is today; the step under way is not over as long as it has
// not ended; those to come take what they usually do, at the lane's own pace.
func (v *view) remainder(at place, began time.Time) (end time.Time, spread time.Duration) {
	whole := v.pace.of(at)
	p := v.steps[at.stage]
	shares := v.net.shares[at.stage]
	if len(shares) == 0 || p.serial {
		return began.Add(whole.beyond(v.now.Sub(began))), whole.spread
	}
	behind, since := p.behind(v.open(at))
	if behind == 0 {
		since = began
	}
	done := shareOf(shares[:behind])
	rate := 1.0
	if usual := float64(whole.middle) * done; usual > 0 {
		rate = min(max(float64(since.Sub(began))/usual, 0.2), 5)
		rate = 1 + (rate-1)*done/(done+firmness)
	}
	end = v.now
	if behind < len(shares) {
		step := shares[behind].of(whole, rate)
		end = since.Add(step.beyond(v.now.Sub(since)))
		done += shares[behind].share
	}
	left := max(1-done, 0)
	end = end.Add(time.Duration(float64(whole.middle) * left * rate))
	return end, time.Duration(float64(whole.spread) * math.Sqrt(left))
}

// firmness is how much of a lane would have to be behind it for its own pace to
// count as much as what earlier runs say; tried on recorded mornings.
const firmness = 0.75

// open are the hosts of a lane that are not done.
func (t *Tracker) open(at place) []string {
	var out []string
	for _, h := range t.net.lane(at).Hosts {
		if _, done := t.hosts[at.stage][h]; !done {
			out = append(out, h)
		}
	}
	return out
}

// share is one step as a part of its lane.
type share struct {
	share float64
	most  float64 // what nine of ten take no longer than
}

// of is what the step takes in a lane of a length, at a pace.
func (s share) of(whole length, rate float64) length {
	middle := float64(whole.middle) * s.share * rate
	spread := float64(whole.spread) * math.Sqrt(s.share)
	if s.most > s.share {
		spread = float64(whole.middle) * (s.most - s.share) / ninth * rate
	}
	return length{time.Duration(middle), time.Duration(spread)}
}

func shareOf(steps []share) float64 {
	sum := 0.0
	for _, s := range steps {
		sum += s.share
	}
	return sum
}

// sharesOf parts the time of a stage among its steps.
func sharesOf(s event.Stage) []share {
	var sum time.Duration
	for _, step := range s.Steps {
		sum += step.Takes
	}
	if sum <= 0 {
		return nil
	}
	out := make([]share, len(s.Steps))
	for i, step := range s.Steps {
		out[i] = share{share: float64(step.Takes) / float64(sum), most: float64(step.Most) / float64(sum)}
	}
	return out
}
