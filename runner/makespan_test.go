package runner_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/event"
)

// sleeper is a host whose commands take as long as they say. With synctest the
// time is not real.
type sleeper struct{ hangs bool }

func (s sleeper) As(connection.Become) connection.Conn { return s }
func (s sleeper) Reset() error                         { return nil }
func (s sleeper) Close() error                         { return nil }

func (s sleeper) Exec(ctx context.Context, c connection.Command) (connection.Output, error) {
	if s.hangs {
		<-ctx.Done()
		return connection.Output{}, ctx.Err()
	}
	d, err := time.ParseDuration(strings.TrimSpace(strings.TrimPrefix(c.Script, "take")))
	if err != nil {
		return connection.Output{}, err
	}
	time.Sleep(d)
	return connection.Output{}, nil
}

func (s sleeper) Put(context.Context, string, io.Reader, int64, fs.FileMode) error { return nil }
func (s sleeper) Get(context.Context, string, io.Writer) error                     { return fs.ErrNotExist }

// TestMakespan: over 200 random graphs the run takes as long as its critical
// path, within 2 % and a second.
func TestMakespan(t *testing.T) {
	worst := 1.0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 11))
		w := randomWorld(r)
		var book strings.Builder
		took := make([]map[string]time.Duration, len(w.plays))
		var ini strings.Builder
		for i, p := range w.plays {
			took[i] = map[string]time.Duration{}
			fmt.Fprintf(&book, "- name: %s\n  hosts: g%d\n  gather_facts: false\n%s  tasks: [{raw: \"take {{ takes }}\"}]\n", p.name, i, needsText(p))
			fmt.Fprintf(&ini, "[g%d]\n", i)
			for _, h := range p.hosts {
				took[i][h] = time.Duration(1+r.IntN(600)) * time.Second
				fmt.Fprintf(&ini, "%s zone=%s takes=%s\n", h, p.zone[h], took[i][h])
			}
		}
		rig := newRig(t, map[string]string{"site.yml": book.String(), "hosts.ini": ini.String()})
		rig.options.Forks = 256
		rig.options.Open = func(string, connection.Options) (connection.Link, error) { return sleeper{}, nil }
		rig.load(t)
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, err := rig.execute()
			require.NoError(t, err)
			makespan, path := time.Since(began), w.criticalPath(took)
			assert.LessOrEqual(t, makespan, path+path/50+time.Second, "seed %d\n%s", seed, book.String())
			assert.GreaterOrEqual(t, makespan, path, "seed %d: nothing begins before what it needs is up", seed)
			worst = max(worst, float64(makespan)/float64(path))
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("makespan over critical path: worst %.4f of 200 graphs", worst)
}

func needsText(p modelPlay) string {
	if len(p.needs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("  needs:\n")
	for _, n := range p.needs {
		same := ""
		if n.same {
			same = ", same: zone"
		}
		fmt.Fprintf(&b, "    - {play: P%d%s}\n", n.play, same)
	}
	return b.String()
}

// criticalPath is how long the graph takes at least. Hosts of a play that start
// together go in step, so that each is done when the slowest is.
func (w *world) criticalPath(took []map[string]time.Duration) time.Duration {
	ends := make([]map[string]time.Duration, len(w.plays)) // by zone
	var last time.Duration
	for i, p := range w.plays {
		ends[i] = map[string]time.Duration{}
		begin, slowest := map[string]time.Duration{}, map[string]time.Duration{}
		zoned := false
		for _, n := range p.needs {
			zoned = zoned || n.same
		}
		for _, h := range p.hosts {
			lane := ""
			if zoned {
				lane = p.zone[h]
			}
			slowest[lane] = max(slowest[lane], took[i][h])
			for _, n := range p.needs {
				for z, end := range ends[n.play] {
					if !n.same || z == p.zone[h] {
						begin[lane] = max(begin[lane], end)
					}
				}
			}
		}
		for _, h := range p.hosts {
			lane := ""
			if zoned {
				lane = p.zone[h]
			}
			ends[i][p.zone[h]] = max(ends[i][p.zone[h]], begin[lane]+slowest[lane])
			last = max(last, begin[lane]+slowest[lane])
		}
	}
	return last
}

// TestAHungHostHoldsNobodyUp: of 100 hosts that go by themselves one hangs; the
// others are done when they would be without it, and the run ends with its
// time limit.
func TestAHungHostHoldsNobodyUp(t *testing.T) {
	var ini strings.Builder
	for i := range 100 {
		fmt.Fprintf(&ini, "h%02d\n", i)
	}
	rig := newRig(t, map[string]string{
		"site.yml":  "- hosts: all\n  gather_facts: false\n  strategy: free\n  quarantine: true\n  coverage: 90%\n  tasks:\n    - raw: take 10s\n      timeout: 60\n    - raw: take 5s\n      timeout: 60\n",
		"hosts.ini": ini.String(),
	})
	rig.options.Forks = 256
	rig.options.Open = func(_ string, o connection.Options) (connection.Link, error) {
		return sleeper{hangs: o.Name == "h42"}, nil
	}
	rig.load(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		summary, err := rig.execute()
		require.NoError(t, err)
		assert.Equal(t, 10, summary.Code)
		assert.Equal(t, 60*time.Second, time.Since(began))
		done := 0
		for _, e := range rig.events.Events() {
			if d, ok := e.Data.(event.HostTaskEnded); ok && d.Host != "h42" {
				done++
				assert.LessOrEqual(t, e.Time.Sub(began), 15*time.Second, "%s", d.Host)
			}
		}
		assert.Equal(t, 198, done)
	})
}
