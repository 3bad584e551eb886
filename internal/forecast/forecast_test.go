package forecast

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

var start = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// morning is a plan of four plays: a database, gateways of two zones, kiosks
// that wait for the gateway of their zone, and a check.
func morning() event.Planned {
	return event.Planned{Stages: []event.Stage{
		{Play: 0, Name: "Database", Takes: 4 * time.Minute, Basis: event.FromBudget, Lanes: []event.Lane{{Hosts: []string{"d1"}}}},
		{Play: 1, Name: "Gateways", Takes: 6 * time.Minute, Basis: event.FromBudget, Needs: []event.Needed{{Play: 0}},
			Lanes: []event.Lane{{Hosts: []string{"g1", "g2"}, Waits: []event.Wait{{Play: 0}}}}},
		{Play: 2, Name: "Kiosks", Takes: 3 * time.Minute, Basis: event.FromBudget, Needs: []event.Needed{{Play: 1, Same: "zone"}},
			Lanes: []event.Lane{
				{Hosts: []string{"k1", "k2"}, Waits: []event.Wait{{Play: 1, Hosts: []string{"g1"}}}},
				{Hosts: []string{"k3"}, Waits: []event.Wait{{Play: 1, Hosts: []string{"g2"}}}},
			}},
		{Play: 3, Name: "Check", Takes: time.Minute, Basis: event.FromBudget, Lanes: []event.Lane{{Hosts: []string{"d1"}}}},
	}}
}

func TestSchedule(t *testing.T) {
	p := morning()
	path := Schedule(&p)
	assert.Equal(t, 13*time.Minute, p.Takes)
	assert.Equal(t, []Leg{
		{Play: 0, Begins: 0, Ends: 4 * time.Minute}, {Play: 1, Begins: 4 * time.Minute, Ends: 10 * time.Minute},
		{Play: 2, Begins: 10 * time.Minute, Ends: 13 * time.Minute},
	}, path)
	assert.False(t, p.Stages[3].Critical, "nothing waits for it")
	assert.Empty(t, Schedule(&event.Planned{}))
}

func follow(t *testing.T, startup *event.Startup) (*Tracker, func(minute float64, data event.Data)) {
	t.Helper()
	p := morning()
	Schedule(&p)
	tr := NewTracker(p, startup, start)
	seq := int64(0)
	return tr, func(minute float64, d event.Data) {
		seq++
		tr.See(event.New(seq, start.Add(time.Duration(minute*float64(time.Minute))), d))
	}
}

func at(minute float64) time.Time { return start.Add(time.Duration(minute * float64(time.Minute))) }

func TestTrackerCorrectsByWhatHappened(t *testing.T) {
	tr, see := follow(t, &event.Startup{OpensAt: at(15), Milestones: []event.Milestone{{Name: "gates", At: at(9), When: []string{"Gateways"}}}})
	f := tr.At(start)
	assert.WithinDuration(t, at(13), f.Finish, 20*time.Second, "two zones at once: the last is a little later")
	require.Len(t, f.Milestones, 2)
	assert.Equal(t, at(10), f.Milestones[0].Finish)
	assert.True(t, f.Milestones[0].Late)
	assert.False(t, f.Milestones[1].Late)
	assert.Equal(t, "'Database' on d1", f.Milestones[0].Holds.String())

	// The database takes half of its budget: all others are believed to.
	see(0, event.PlayStarted{Play: 0})
	see(2, event.HostUp{Play: 0, Host: "d1"})
	see(2, event.PlayEnded{Play: 0, Outcome: event.OK})
	f = tr.At(at(2))
	assert.WithinDuration(t, at(2+3+1.5), f.Finish, 10*time.Second)
	assert.False(t, f.Milestones[0].Late, "the gates are reached at 5 instead of 10")

	// A gateway that is up lets its zone's kiosks begin; the other is slow.
	see(2, event.PlayStarted{Play: 1})
	see(5, event.HostUp{Play: 1, Host: "g1"})
	see(5, event.PlayStarted{Play: 2})
	see(5.5, event.HostTaskEnded{Play: 2, Host: "k1", Began: at(5)})
	f = tr.At(at(10))
	assert.True(t, f.Milestones[0].Late)
	assert.Equal(t, "'Gateways' on g2", f.Milestones[0].Holds.String())
	assert.True(t, f.Finish.After(at(11)), "the kiosks of the slow zone come behind it")

	see(11, event.HostUp{Play: 1, Host: "g2"})
	see(11, event.PlayEnded{Play: 1, Outcome: event.OK})
	f = tr.At(at(11))
	assert.True(t, f.Milestones[0].Reached)
	assert.Equal(t, at(11), f.Milestones[0].Finish)
}

func TestWhatCannotBeReachedIsNever(t *testing.T) {
	tr, see := follow(t, &event.Startup{OpensAt: at(30)})
	see(0, event.PlayStarted{Play: 0})
	see(2, event.PlayEnded{Play: 0, Outcome: event.Failed})
	m := tr.At(at(2)).Milestones[0]
	assert.True(t, m.Finish.IsZero())
	assert.True(t, m.Late)
	assert.Equal(t, "play 'Database' is not up", m.Holds.String())
}

// replay is a run that went some way: a random graph whose lanes took what they
// took, and what earlier runs had told of it.
type replay struct {
	plan   event.Planned
	events []event.Event
	took   time.Duration
}

// Lengths stray by so much, as shares: what earlier runs say about a play; a
// lane as a whole on the day; one of its steps; and what nine of ten took no
// longer than, as earlier runs have it.
const (
	strayOfPast = 0.045
	strayOfLane = 0.055
	strayOfStep = 0.12
	strayOfMost = 0.09
)

// newReplay makes a graph of a morning's size. A lane is done in some steps; on
// the day it is as a whole a little faster or slower than usual, and so is each
// of its steps: in all a lane strays by about a twelfth. The median of five
// earlier runs like it is what is expected.
func newReplay(r *rand.Rand, steps bool) replay {
	zones := 1 + r.IntN(6)
	noisy := func(d time.Duration, by float64) time.Duration {
		return time.Duration(float64(d) * math.Exp(r.NormFloat64()*by))
	}
	var p event.Planned
	truth := map[place][]time.Duration{}
	for i := range 4 + r.IntN(8) {
		base := time.Duration(60+r.IntN(540)) * time.Second
		usual := parts(r, base)
		s := event.Stage{Play: i, Name: fmt.Sprint("P", i), Basis: event.FromHistory}
		for n, d := range usual {
			d = noisy(d, strayOfPast)
			s.Takes += d
			s.Steps = append(s.Steps, event.Step{Name: fmt.Sprint("S", n), Takes: d, Most: time.Duration(float64(d) * math.Exp(ninth*strayOfStep))})
		}
		if !steps {
			s.Steps = nil
		}
		s.Most = time.Duration(float64(s.Takes) * math.Exp(ninth*strayOfMost))
		for n := range i {
			if r.IntN(3) == 0 || n == i-1 && r.IntN(2) == 0 {
				s.Needs = append(s.Needs, event.Needed{Play: n})
			}
		}
		for z := range zones {
			lane := event.Lane{Hosts: []string{fmt.Sprintf("h%d_%d", i, z)}}
			for _, n := range s.Needs {
				w := event.Wait{Play: n.Play}
				if (n.Play+i)%2 == 0 {
					w.Hosts = []string{fmt.Sprintf("h%d_%d", n.Play, z)}
				}
				lane.Waits = append(lane.Waits, w)
			}
			today := math.Exp(r.NormFloat64() * strayOfLane)
			for _, d := range usual {
				d = time.Duration(float64(d) * today)
				truth[place{i, z}] = append(truth[place{i, z}], noisy(d, strayOfStep))
			}
			s.Lanes = append(s.Lanes, lane)
		}
		p.Stages = append(p.Stages, s)
	}
	Schedule(&p)
	return replay{plan: p}.lived(truth)
}

// parts is a lane's usual time in a few steps of any size.
func parts(r *rand.Rand, base time.Duration) []time.Duration {
	weights, sum := make([]float64, 3+r.IntN(5)), 0.0
	for i := range weights {
		weights[i] = 0.1 + r.Float64()
		sum += weights[i]
	}
	var out []time.Duration
	for _, w := range weights {
		out = append(out, time.Duration(float64(base)*w/sum))
	}
	return out
}

// lived makes the events of the run from what the steps of its lanes really
// took.
func (r replay) lived(truth map[place][]time.Duration) replay {
	n := newNet(&r.plan)
	ends := map[place]time.Duration{}
	var all []event.Event
	add := func(after time.Duration, d event.Data) { all = append(all, event.New(0, start.Add(after), d)) }
	for i, s := range r.plan.Stages {
		first, last := time.Duration(math.MaxInt64), time.Duration(0)
		for l := range s.Lanes {
			at := place{i, l}
			var begin time.Duration
			for _, before := range n.before[at] {
				begin = max(begin, ends[before])
			}
			first = min(first, begin)
			host, now := s.Lanes[l].Hosts[0], begin
			add(begin, event.HostTaskEnded{Play: s.Play, Task: -1, Host: host, Began: start.Add(begin)})
			for step, d := range truth[at] {
				add(now+d, event.HostTaskEnded{Play: s.Play, Task: 100*i + step, Host: host, Began: start.Add(now)})
				now += d
			}
			ends[at] = now
			add(now, event.HostUp{Play: s.Play, Host: host})
			last = max(last, now)
		}
		add(first, event.PlayStarted{Play: s.Play})
		for step := range truth[place{i, 0}] {
			add(first, event.TaskStarted{Play: s.Play, Task: 100*i + step, Name: fmt.Sprint("S", step)})
		}
		add(last, event.PlayEnded{Play: s.Play, Outcome: event.OK})
		r.took = max(r.took, last)
	}
	slices.SortStableFunc(all, func(a, b event.Event) int { return a.Time.Compare(b.Time) })
	r.events = all
	return r
}

// worst replays the run and returns the largest error of the projected finish
// from 40 % of the run on, as a share of the run.
func (r replay) worst() float64 {
	tr := NewTracker(r.plan, nil, start)
	worst, next := 0.0, 0
	for step := 40; step <= 100; step++ {
		now := start.Add(r.took * time.Duration(step) / 100)
		for ; next < len(r.events) && !r.events[next].Time.After(now); next++ {
			tr.See(r.events[next])
		}
		off := tr.At(now).Finish.Sub(start.Add(r.took)).Abs()
		worst = max(worst, float64(off)/float64(r.took))
	}
	return worst
}

// TestProjectionOnReplays holds the promise on 200 made-up runs: from 40 % of
// the run on, the projected finish of 95 in 100 errs by at most a tenth (those
// of recorded mornings are measured by lab/bench). Without steps less is known of a
// lane that is under way, and its stray cannot be foreseen by anybody.
func TestProjectionOnReplays(t *testing.T) {
	errs := func(steps bool) []float64 {
		var out []float64
		for seed := range uint64(200) {
			out = append(out, newReplay(rand.New(rand.NewPCG(seed, 7)), steps).worst())
		}
		slices.Sort(out)
		return out
	}
	blind, all := errs(false), errs(true)
	t.Logf("largest error from 40 %% of the run on: median %.1f %%, 95th %.1f %%, worst %.1f %%", all[100]*100, all[190]*100, all[199]*100)
	t.Logf("plays without steps: median %.1f %%, 95th %.1f %%, worst %.1f %%", blind[100]*100, blind[190]*100, blind[199]*100)
	assert.LessOrEqual(t, all[190], 0.10)
	assert.LessOrEqual(t, all[199], 0.15, "a lane of the last half that strays by three deviations cannot be foreseen")
	assert.LessOrEqual(t, blind[190], 0.10)
	assert.Less(t, all[100], blind[100], "steps tell more")
}

// TestALaneIsProjectedByItsSteps: what is behind a lane and what it is at tell
// more than how long it has been at work.
func TestALaneIsProjectedByItsSteps(t *testing.T) {
	p := event.Planned{Stages: []event.Stage{{Play: 0, Name: "Kiosks", Takes: 10 * time.Minute, Basis: event.FromHistory,
		Steps: []event.Step{{Name: "copy", Takes: time.Minute}, {Name: "copy", Nth: 1, Takes: time.Minute}, {Name: "start", Takes: 8 * time.Minute}},
		Lanes: []event.Lane{{Hosts: []string{"k1", "k2"}}, {Hosts: []string{"k3"}, Takes: 20 * time.Minute}}}}}
	Schedule(&p)
	assert.Equal(t, 20*time.Minute, p.Takes, "a lane that is known by itself")
	tr := NewTracker(p, nil, start)
	see := func(minute float64, d event.Data) { tr.See(event.New(0, at(minute), d)) }
	ends := func(minute float64) time.Time { v := tr.view(at(minute)); return v.end(place{0, 0}) }
	see(0, event.PlayStarted{Play: 0})
	see(0, event.TaskStarted{Task: 1, Name: "copy"})
	see(1, event.HostTaskEnded{Task: 1, Host: "k1", Began: at(0)})
	see(1, event.HostTaskEnded{Task: 1, Host: "k2", Began: at(0)})
	assert.WithinDuration(t, at(10), ends(1), time.Second)
	see(1, event.TaskStarted{Task: 2, Name: "copy"})
	see(2, event.HostTaskEnded{Task: 2, Host: "k1", Began: at(1)})
	assert.Greater(t, ends(5), at(13), "k2 still copies: its start is to come")
	see(5, event.HostTaskEnded{Task: 2, Host: "k2", Began: at(1)})
	assert.WithinDuration(t, at(15.5), ends(5), time.Minute, "three minutes late, and slow today")
	see(6, event.HostQuarantined{Play: 0, Host: "k2"})
	assert.Less(t, ends(6), at(12), "k1 had copied in time")
}

// TestADayIsSlowWhenSeveralPlaysAre: one play that is slow says nothing about
// the next one, three do.
func TestADayIsSlowWhenSeveralPlaysAre(t *testing.T) {
	var p event.Planned
	for i := range 5 {
		p.Stages = append(p.Stages, event.Stage{Play: i, Name: fmt.Sprint("P", i), Takes: 10 * time.Minute, Basis: event.FromHistory,
			Lanes: []event.Lane{{Hosts: []string{fmt.Sprint("h", i)}}}})
	}
	Schedule(&p)
	tr := NewTracker(p, nil, start)
	var took []time.Duration
	for i := range 4 {
		tr.See(event.New(0, start, event.PlayStarted{Play: i}))
		tr.See(event.New(0, at(15), event.HostUp{Play: i, Host: fmt.Sprint("h", i)}))
		took = append(took, tr.pace().of(place{4, 0}).middle)
	}
	assert.Equal(t, []time.Duration{10 * time.Minute, 12*time.Minute + 30*time.Second, 15 * time.Minute, 15 * time.Minute}, took)
}

func TestReplay(t *testing.T) {
	_, err := Replay(nil, nil)
	require.Error(t, err)
	r := newReplay(rand.New(rand.NewPCG(1, 7)), true)
	known := map[string]event.Stage{}
	for _, s := range r.plan.Stages {
		known[s.Name] = s
	}
	events := slices.Concat([]event.Event{event.New(0, start, r.plan)}, r.events)
	past := func(play string) (Estimate, bool) {
		s := known[play]
		return Estimate{Span: Span{s.Takes, s.Most}, Steps: s.Steps}, true
	}
	miss, err := Replay(events, past)
	require.NoError(t, err)
	assert.InDelta(t, r.worst(), miss.Share, 0.02)
	assert.GreaterOrEqual(t, miss.After, 0.4)
	blind, err := Replay(events, func(string) (Estimate, bool) { return Estimate{Span: Span{time.Hour, 2 * time.Hour}}, true })
	require.NoError(t, err)
	assert.Greater(t, blind.Share, miss.Share)
}

// FuzzTracker: no order of events, however wrong, breaks it.
func FuzzTracker(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		p := morning()
		for i := range p.Stages {
			p.Stages[i].Steps = []event.Step{{Name: "start", Takes: time.Minute}, {Name: "start", Nth: 1, Takes: time.Minute}}
		}
		Schedule(&p)
		tr := NewTracker(p, &event.Startup{OpensAt: at(20)}, start)
		hosts := []string{"d1", "g1", "g2", "k1", "k2", "k3", "stranger"}
		for i, b := range script {
			play, host := int(b>>3)%6-1, hosts[int(b)%len(hosts)]
			kinds := []event.Data{
				event.PlayStarted{Play: play}, event.HostUp{Play: play, Host: host}, event.HostLost{Play: play, Host: host},
				event.HostTaskEnded{Play: play, Host: host, Began: at(float64(b))}, event.PlayEnded{Play: play, Outcome: event.Outcomes[int(b)%len(event.Outcomes)]},
				event.HostQuarantined{Play: play, Host: host}, event.TaskStarted{Play: play, Task: int(b % 5), Name: "start"},
			}
			tr.See(event.New(int64(i), at(float64(i)), kinds[int(b)%len(kinds)]))
			tr.At(at(float64(i)))
		}
	})
}
