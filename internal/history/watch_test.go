package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/reports"
)

// replay judges normal steps by normal histories of a length, and returns how
// many were flagged of how many.
func replay(random *rand.Rand, runs, hosts, steps int, draw func(host int) float64) (flagged, judged int) {
	for range steps {
		var past []Cells
		for range runs {
			c := Cells{Version: digestVersion, Steps: map[string]CellList{}}
			var l CellList
			for h := range hosts {
				c.Hosts = append(c.Hosts, hostName(h))
				l.Host, l.TookMS = append(l.Host, h), append(l.TookMS, int64(draw(h)))
			}
			c.Steps["step"] = l
			past = append(past, c)
		}
		learned := normsOf(past)
		for h := range hosts {
			judged++
			if _, unusual := learned.judge("step", hostName(h), time.Duration(draw(h))*time.Millisecond); unusual {
				flagged++
			}
		}
	}
	return flagged, judged
}

// TestFalseFlagsAreRare: at most one false flag in 1,000 normal steps, whatever
// way they stray and however long the history is.
func TestFalseFlagsAreRare(t *testing.T) {
	for _, hosts := range []int{1, 40} {
		for _, runs := range []int{LeastRuns, 12, 20} {
			random := rand.New(rand.NewPCG(uint64(hosts), uint64(runs)))
			for name, draw := range map[string]func(int) float64{
				"bell, 5 %":           func(int) float64 { return 8000 * (1 + 0.05*random.NormFloat64()) },
				"bell, 30 %":          func(int) float64 { return math.Abs(8000 * (1 + 0.3*random.NormFloat64())) },
				"skewed":              func(int) float64 { return 3000 * math.Exp(0.4*random.NormFloat64()) },
				"a wait and a tail":   func(int) float64 { return 2000 + 1500*random.ExpFloat64() },
				"each host its way":   func(h int) float64 { return 1000 * float64(1+h%7) * math.Exp(float64(1+h%5)*0.06*random.NormFloat64()) },
				"a fast one, jittery": func(int) float64 { return 20 + 200*random.ExpFloat64() },
			} {
				random = rand.New(rand.NewPCG(uint64(hosts), uint64(runs)))
				flagged, judged := replay(random, runs, hosts, 5000/hosts, draw)
				t.Logf("%-20s %2d hosts, %2d runs: %d of %d", name, hosts, runs, flagged, judged)
				assert.LessOrEqual(t, flagged*1000, judged, "%s, %d hosts, %d runs", name, hosts, runs)
			}
		}
	}
}

func TestWhatIsFarOffIsFlagged(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	found, all := 0, 0
	for range 200 {
		normal := func() int64 { return int64(8000 * (1 + 0.05*random.NormFloat64())) }
		var past []Cells
		for range 20 {
			past = append(past, Cells{Hosts: []string{"a"}, Steps: map[string]CellList{"s": {Host: []int{0}, TookMS: []int64{normal()}}}})
		}
		n := normsOf(past)
		for _, factor := range []float64{2, 0.3} {
			all++
			if a, unusual := n.judge("s", "a", time.Duration(float64(normal())*factor)*time.Millisecond); unusual {
				found++
				assert.InDelta(t, 8, a.Usual.Seconds(), 0.5)
				assert.Equal(t, 20, a.Runs)
			}
		}
	}
	assert.Greater(t, found*100, all*97)
	few := normsOf([]Cells{{Hosts: []string{"a"}, Steps: map[string]CellList{"s": {Host: []int{0}, TookMS: []int64{1}}}}})
	_, unusual := few.judge("s", "a", time.Hour)
	assert.False(t, unusual, "one run is no history")
}

func TestAnUnusualStepIsToldWhileTheRunGoesOn(t *testing.T) {
	s := openStore(t)
	random := rand.New(rand.NewPCG(9, 9))
	for i := range 10 {
		m := morning{id: fmt.Sprintf("run-%02d", i), began: monday.AddDate(0, 0, i), took: usual(random, 0.03)}
		m.record(t, s)
		r, err := Refold(t.Context(), s, m.id)
		require.NoError(t, err)
		require.NoError(t, Keep(t.Context(), s, r))
	}
	past, err := Earlier(t.Context(), s, "Morning startup", "", false, monday.AddDate(0, 0, 20), 20)
	require.NoError(t, err)
	normal := usual(random, 0.03)
	today := morning{id: "today", began: monday.AddDate(0, 0, 20), took: func(step, host int) time.Duration {
		if step == 5 && host == 4 {
			return 3 * normal(step, host)
		}
		return normal(step, host)
	}}
	seen := &event.Recorder{}
	w := NewWatch(t.Context(), s, past, seen)
	<-w.done
	for _, e := range today.events() {
		w.Emit(e)
	}
	require.NoError(t, w.Close())
	flags := event.Of[event.Anomaly](seen)
	require.Len(t, flags, 1)
	assert.Equal(t, "kiosk05", flags[0].Host)
	assert.Equal(t, 5, flags[0].Task)
	assert.InDelta(t, 15, flags[0].Usual.Seconds(), 1)
	for i, e := range seen.Events() {
		require.EqualValues(t, i+1, e.Seq, "numbered without holes")
	}
	r := reports.Fold(seen.Events())
	require.Len(t, r.Anomalies, 1)
	assert.Equal(t, "kiosk05", r.Anomalies[0].Host)
}
