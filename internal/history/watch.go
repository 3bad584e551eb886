package history

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"sunup/internal/event"
	"sunup/internal/store"
)

// LeastRuns is how many earlier runs a step must have on a host before its time
// is judged.
const LeastRuns = 8

// A time is unusual only if it is far out in three ways: beyond the limit in
// spreads, by a quarter of the usual, and by half a second, under which nobody
// needs to know.
const (
	leastShare = 0.25
	leastAway  = 500 // ms
)

// limits are how many spreads (MAD) off the median a normal time is at most,
// but for one in two thousand, by the number of earlier runs. A spread that is
// itself known from a few runs only is often too small by luck: three, which
// would do for a spread known for certain and few steps, gave four false flags
// in a hundred. The figures are from 400,000 drawn normal histories each; margin
// is for times that stray in worse ways than a bell curve.
var limits = map[int]float64{8: 21.1, 9: 20.4, 10: 15.9, 11: 15.3, 12: 12.7, 13: 11.7, 14: 10.9, 15: 10.3, 16: 9.9, 17: 9.5, 18: 9.2, 19: 8.9, 20: 8.6}

// pooledLimit is the limit when the spread is known from several hosts, and
// pooledHosts how many that takes.
const (
	pooledLimit = 8
	pooledHosts = 8
	margin      = 1.4
)

// norm is the usual time of a step on a host, in milliseconds and as
// logarithms. Some times stray evenly to both sides and some by shares of
// themselves, with a long tail: what is unusual must be so either way.
type norm struct {
	plain, shares scale
	runs          int
}

// scale is the median and the spread on one scale.
type scale struct{ middle, spread float64 }

// norms are those of all steps, by key and host.
type norms map[string]stepNorms

type stepNorms struct {
	hosts map[string]norm
	// spread is the middle of the hosts' own spreads, as shares; 0 when they are
	// few.
	spread float64
}

// damped is the logarithm of a time; a few milliseconds make no difference.
func damped(ms float64) float64 { return math.Log(ms + 50) }

// normsOf learns what is usual from the cells of earlier runs.
func normsOf(runs []Cells) norms {
	times := map[string]map[string][]float64{}
	for _, c := range runs {
		for key, list := range c.Steps {
			hosts := times[key]
			if hosts == nil {
				hosts = map[string][]float64{}
				times[key] = hosts
			}
			for i, h := range list.Host {
				if h >= 0 && h < len(c.Hosts) && i < len(list.TookMS) {
					hosts[c.Hosts[h]] = append(hosts[c.Hosts[h]], float64(list.TookMS[i]))
				}
			}
		}
	}
	out := norms{}
	for key, hosts := range times {
		s := stepNorms{hosts: map[string]norm{}}
		var spreads []float64
		for host, all := range hosts {
			if len(all) >= LeastRuns {
				n := normOf(all)
				s.hosts[host] = n
				spreads = append(spreads, n.shares.spread)
			}
		}
		if len(spreads) >= pooledHosts {
			s.spread = median(spreads)
		}
		out[key] = s
	}
	return out
}

func normOf(times []float64) norm {
	logs := make([]float64, len(times))
	for i, ms := range times {
		logs[i] = damped(ms)
	}
	return norm{plain: scaleOf(times), shares: scaleOf(logs), runs: len(times)}
}

func scaleOf(all []float64) scale {
	s := scale{middle: middle(all)}
	for i, v := range all {
		all[i] = math.Abs(v - s.middle)
	}
	s.spread = middle(all)
	return s
}

// middle is the median, between the two in the middle of an even number.
func middle(all []float64) float64 {
	upper := median(all) // they are in order now
	if len(all)%2 == 1 {
		return upper
	}
	return (all[len(all)/2-1] + upper) / 2
}

// judge reports whether a time is unusual, and what is usual.
func (n norms) judge(key, host string, took time.Duration) (event.Anomaly, bool) {
	s := n[key]
	h, known := s.hosts[host]
	if !known {
		return event.Anomaly{}, false
	}
	limit, shares := limits[min(h.runs, 20)], h.shares
	if s.spread > 0 && shares.spread <= 2*s.spread {
		limit, shares.spread = pooledLimit, max(shares.spread, s.spread) // it strays as its like do
	}
	limit *= margin
	ms := float64(took) / float64(time.Millisecond)
	away := math.Abs(ms - h.plain.middle)
	if away < leastAway || away < leastShare*h.plain.middle || away <= limit*h.plain.spread || math.Abs(damped(ms)-shares.middle) <= limit*shares.spread {
		return event.Anomaly{}, false
	}
	return event.Anomaly{Host: host, Took: took, Usual: millis(h.plain.middle), Spread: millis(h.plain.spread), Runs: h.runs}, true
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// maxFlags bounds the anomalies that one run tells: when everything is slow,
// one sentence more does not help.
const maxFlags = 500

// Watch is a Sink that adds an anomaly behind each end of a step that is out of
// the usual, and renumbers what follows. It learns the usual in a goroutine of
// its own while the run begins; what ends before is not judged.
type Watch struct {
	next   event.Sink
	norms  atomic.Pointer[norms]
	done   chan struct{}
	cancel context.CancelFunc

	// Of the goroutine that emits.
	shift int64 // events added
	flags int
	plays map[int]string
	steps map[int]string // keys by the number of the task
	nth   map[[2]string]int
	keys  map[[2]string]string // keys by play and ID
}

// NewWatch starts to learn from earlier runs and returns the Sink in front of
// another one. Close must be called.
func NewWatch(ctx context.Context, s *store.Store, past Past, next event.Sink) *Watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &Watch{
		next: next, done: make(chan struct{}), cancel: cancel,
		plays: map[int]string{}, steps: map[int]string{}, nth: map[[2]string]int{}, keys: map[[2]string]string{},
	}
	go func() {
		defer close(w.done)
		if len(past.Runs) >= LeastRuns {
			w.learn(ctx, s, past)
		}
	}()
	return w
}

func (w *Watch) learn(ctx context.Context, s *store.Store, past Past) {
	var runs []Cells
	for _, d := range past.Runs {
		c, err := loadCells(ctx, s, d.Run)
		if err != nil {
			return // nothing is judged by a history that cannot be read
		}
		runs = append(runs, c)
	}
	n := normsOf(runs)
	w.norms.Store(&n)
}

// Close ends the learning.
func (w *Watch) Close() error {
	w.cancel()
	<-w.done
	return nil
}

// Emit passes the event on, and judges it.
func (w *Watch) Emit(e event.Event) {
	e.Seq += w.shift
	w.next.Emit(e)
	switch d := e.Data.(type) {
	case event.PlayStarted:
		w.plays[d.Play] = d.Name
	case event.TaskStarted:
		w.steps[d.Task] = w.key(d)
	case event.HostTaskEnded:
		w.judge(e, d)
	}
}

// key names a task as DigestOf does.
func (w *Watch) key(d event.TaskStarted) string {
	play := w.plays[d.Play]
	id := [2]string{play, d.ID}
	if key, known := w.keys[id]; known && d.ID != "" {
		return key
	}
	name := [2]string{play, d.Name}
	key := StepDigest{Play: play, Name: d.Name, Nth: w.nth[name]}.Key()
	w.nth[name]++
	w.keys[id] = key
	return key
}

func (w *Watch) judge(e event.Event, d event.HostTaskEnded) {
	learned := w.norms.Load()
	if learned == nil || d.Outcome != event.OK && d.Outcome != event.Changed || w.flags >= maxFlags {
		return
	}
	a, unusual := learned.judge(w.steps[d.Task], d.Host, d.Took)
	if !unusual {
		return
	}
	a.Play, a.Task = d.Play, d.Task
	w.flags++
	w.shift++
	w.next.Emit(event.New(e.Seq+1, e.Time, a))
}
