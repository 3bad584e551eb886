package reports

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// TestCriticalPathSumsToTheRun holds it for random runs: whatever happened, the
// steps of the path last exactly as long as the run, and none is negative.
func TestCriticalPathSumsToTheRun(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		report := Fold(randomRun(r))
		require.NotEmpty(t, report.Critical, "seed %d", seed)
		var sum int64
		for _, s := range report.Critical {
			sum += s.TookMS
			assert.GreaterOrEqual(t, s.TookMS, int64(0))
			assert.GreaterOrEqual(t, s.WaitMS, int64(0))
			assert.LessOrEqual(t, s.WaitMS, s.TookMS)
		}
		require.Equal(t, report.TookMS, sum, "seed %d", seed)
	}
}

// randomRun is the stream of some plays that need some others.
func randomRun(r *rand.Rand) []event.Event {
	start := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	var out []event.Event
	add := func(after time.Duration, d event.Data) {
		out = append(out, event.New(int64(len(out)+1), start.Add(after), d))
	}
	ms := func(n int) time.Duration { return time.Duration(1+r.IntN(n)) * time.Millisecond }
	add(0, event.RunStarted{RunID: "r"})
	ends, task, last := []time.Duration{}, 0, time.Duration(0)
	for p := range 1 + r.IntN(5) {
		begin := ms(20)
		started := event.PlayStarted{Play: p, Name: fmt.Sprint("P", p), Strategy: []string{"linear", "free"}[r.IntN(2)]}
		for n := range p {
			if r.IntN(2) == 0 {
				started.Needs = append(started.Needs, fmt.Sprint("P", n))
				begin = max(begin, ends[n]+ms(5))
			}
		}
		hosts := 1 + r.IntN(4)
		for h := range hosts {
			started.Hosts = append(started.Hosts, fmt.Sprintf("h%d_%d", p, h))
		}
		add(begin, started)
		at := begin
		for range 1 + r.IntN(4) {
			task++
			add(at, event.TaskStarted{Play: p, Task: task, ID: fmt.Sprint("t", task), Name: fmt.Sprint("task ", task)})
			end := at
			for _, h := range started.Hosts {
				took := ms(400)
				add(at+took, event.HostTaskEnded{Play: p, Task: task, Host: h, Outcome: event.OK, Began: start.Add(at), Took: took})
				end = max(end, at+took)
			}
			at = end + ms(10)
		}
		add(at, event.PlayEnded{Play: p, Outcome: event.OK})
		ends, last = append(ends, at), max(last, at)
	}
	add(last+ms(30), event.RunEnded{Outcome: event.OK})
	return out
}

// TestSavings: the slow host of the path is what would shorten the run.
func TestSavings(t *testing.T) {
	start := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	events := []event.Event{
		event.New(1, start, event.RunStarted{RunID: "r"}),
		event.New(2, start, event.PlayStarted{Play: 0, Name: "Gateways", Hosts: []string{"gw1", "gw2", "gw3"}}),
		event.New(3, start, event.TaskStarted{Play: 0, Task: 1, ID: "t", Name: "start"}),
	}
	for i, took := range []time.Duration{4 * time.Second, 4 * time.Second, 9 * time.Second} {
		events = append(events, event.New(int64(4+i), start.Add(took), event.HostTaskEnded{Play: 0, Task: 1, Host: fmt.Sprint("gw", i+1), Outcome: event.OK, Began: start, Took: took}))
	}
	events = append(events, event.New(8, start.Add(9*time.Second), event.PlayEnded{Play: 0, Outcome: event.OK}), event.New(9, start.Add(9*time.Second), event.RunEnded{Outcome: event.OK}))
	report := Fold(events)
	require.Len(t, report.Savings, 1)
	assert.Equal(t, "'start' took 9.0 s on gw3, 4.0 s on a host in the middle", report.Savings[0].Text.String())
	assert.Equal(t, int64(5000), report.Savings[0].SaveMS)
	assert.Equal(t, int64(17000), report.Plays[0].WorkingMS)
}
