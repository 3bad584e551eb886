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

// newReplay makes a graph of a morning's size. On the day every lane takes a
// twelfth more or less than usual, and the median of five earlier runs like it
// is what is expected.
func newReplay(r *rand.Rand) replay {
	zones := 1 + r.IntN(6)
	noisy := func(d time.Duration, by float64) time.Duration {
		return time.Duration(float64(d) * math.Exp(r.NormFloat64()*by))
	}
	var p event.Planned
	truth := map[place]time.Duration{}
	for i := range 4 + r.IntN(8) {
		base := time.Duration(60+r.IntN(540)) * time.Second
		s := event.Stage{Play: i, Name: fmt.Sprint("P", i), Takes: noisy(base, 0.045), Basis: event.FromHistory}
		s.Most = time.Duration(float64(s.Takes) * math.Exp(ninth*0.09))
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
			truth[place{i, z}] = noisy(base, 0.08)
			s.Lanes = append(s.Lanes, lane)
		}
		p.Stages = append(p.Stages, s)
	}
	Schedule(&p)
	return replay{plan: p}.lived(truth)
}

// lived makes the events of the run from what its lanes really took.
func (r replay) lived(truth map[place]time.Duration) replay {
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
			ends[at] = begin + truth[at]
			host := s.Lanes[l].Hosts[0]
			add(begin+time.Second, event.HostTaskEnded{Play: s.Play, Host: host, Began: start.Add(begin)})
			add(ends[at], event.HostUp{Play: s.Play, Host: host})
			first, last = min(first, begin), max(last, ends[at])
		}
		add(first, event.PlayStarted{Play: s.Play})
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
	for step := 40; step <= 100; step += 2 {
		now := start.Add(r.took * time.Duration(step) / 100)
		for ; next < len(r.events) && !r.events[next].Time.After(now); next++ {
			tr.See(r.events[next])
		}
		off := tr.At(now).Finish.Sub(start.Add(r.took)).Abs()
		worst = max(worst, float64(off)/float64(r.took))
	}
	return worst
}

// TestProjectionOnReplays holds the promise: from 40 % of the run on, the
// projected finish errs by at most a tenth.
func TestProjectionOnReplays(t *testing.T) {
	var errs []float64
	for seed := range uint64(200) {
		errs = append(errs, newReplay(rand.New(rand.NewPCG(seed, 7))).worst())
	}
	slices.Sort(errs)
	t.Logf("largest error from 40 %% of the run on: median %.1f %%, 95th %.1f %%, worst %.1f %%", errs[100]*100, errs[190]*100, errs[199]*100)
	assert.LessOrEqual(t, errs[190], 0.10)
	assert.LessOrEqual(t, errs[199], 0.15)
}

// FuzzTracker: no order of events, however wrong, breaks it.
func FuzzTracker(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		p := morning()
		Schedule(&p)
		tr := NewTracker(p, &event.Startup{OpensAt: at(20)}, start)
		hosts := []string{"d1", "g1", "g2", "k1", "k2", "k3", "stranger"}
		for i, b := range script {
			play, host := int(b>>3)%6-1, hosts[int(b)%len(hosts)]
			kinds := []event.Data{
				event.PlayStarted{Play: play}, event.HostUp{Play: play, Host: host}, event.HostLost{Play: play, Host: host},
				event.HostTaskEnded{Play: play, Host: host, Began: at(float64(b))}, event.PlayEnded{Play: play, Outcome: event.Outcomes[int(b)%len(event.Outcomes)]},
				event.HostQuarantined{Play: play, Host: host},
			}
			tr.See(event.New(int64(i), at(float64(i)), kinds[int(b)%len(kinds)]))
			tr.At(at(float64(i)))
		}
	})
}
