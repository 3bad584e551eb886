package runner_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/event"
)

// members is hosts without SSH: it counts which are out of their pools, by the
// words that tasks send.
type members struct {
	mu    sync.Mutex
	pool  map[string]string          // of each host
	out   map[string]map[string]bool // by pool
	most  map[string]int             // by pool
	began map[string]int
	log   []string
	times []time.Time
}

func newMembers() *members {
	return &members{pool: map[string]string{}, out: map[string]map[string]bool{}, most: map[string]int{}, began: map[string]int{}}
}

func (e *members) open(_ string, o connection.Options) (connection.Link, error) {
	return &memberLink{members: e, host: o.Name}, nil
}

type memberLink struct {
	*members
	host string
}

func (l *memberLink) As(connection.Become) connection.Conn { return l }
func (l *memberLink) Reset() error                         { return nil }
func (l *memberLink) Close() error                         { return nil }

func (l *memberLink) Put(context.Context, string, io.Reader, int64, fs.FileMode) error { return nil }
func (l *memberLink) Get(context.Context, string, io.Writer) error                     { return fs.ErrNotExist }

func (l *memberLink) Exec(_ context.Context, c connection.Command) (connection.Output, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times = append(l.times, time.Now())
	l.log = append(l.log, l.host+" "+c.Script)
	pool := l.pool[l.host]
	switch {
	case strings.Contains(c.Script, "go-down"):
		if l.out[pool] == nil {
			l.out[pool] = map[string]bool{}
		}
		l.out[pool][l.host] = true
		l.most[pool] = max(l.most[pool], len(l.out[pool]))
		l.began[l.host]++
	case strings.Contains(c.Script, "come-up"):
		delete(l.out[pool], l.host)
	case strings.Contains(c.Script, "break"):
		return connection.Output{Code: 1}, nil
	}
	return connection.Output{}, nil
}

// TestNeverMoreOfAPoolAreOut is the promise of limits, over random pools, orders
// and failures: the hosts themselves count.
func TestNeverMoreOfAPoolAreOut(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 3))
		e, atOnce, quarantine := newMembers(), 1+r.IntN(3), r.IntN(2) == 0
		size, sick := map[string]int{}, map[string]int{}
		var ini strings.Builder
		ini.WriteString("[bet]\n")
		for i := range 1 + r.IntN(14) {
			host, pool, bad := fmt.Sprint("h", i), fmt.Sprint("p", r.IntN(3)), r.IntN(6) == 0
			e.pool[host] = pool
			size[pool]++
			if bad {
				sick[pool]++
			}
			fmt.Fprintf(&ini, "%s pool=%s sick=%v\n", host, pool, bad)
		}
		play := func(name string) string {
			return fmt.Sprintf("- name: %s\n  hosts: bet\n  gather_facts: false\n  quarantine: %v\n  coverage: {min: 0%%}\n  limits: {per: pool, at_once: %d}\n"+
				"  tasks:\n    - raw: go-down\n    - raw: break\n      when: sick | bool\n    - raw: come-up\n", name, quarantine, atOnce)
		}
		book := play("One")
		if r.IntN(2) == 0 { // two plays at the same time share the pools
			book += play("Two") + "- name: Three\n  hosts: bet\n  gather_facts: false\n  needs: [One, Two]\n  tasks: []\n"
		}
		rig := newRig(t, map[string]string{"site.yml": book, "hosts.ini": ini.String()})
		rig.options.Open = e.open
		_, err := rig.run(t)
		require.NoError(t, err)
		for pool, n := range e.most {
			assert.LessOrEqual(t, n, atOnce, "seed %d: pool %s", seed, pool)
		}
		for host, pool := range e.pool {
			if sick[pool] < atOnce && !strings.Contains(book, "Two") {
				assert.Equal(t, 1, e.began[host], "seed %d: nothing keeps %s from its turn", seed, host)
			}
		}
		for pool, n := range size {
			if left := n - began(e, pool); left > 0 {
				assert.Len(t, e.out[pool], atOnce, "seed %d: %d hosts of %s were left alone without need", seed, left, pool)
			}
		}
		if t.Failed() {
			t.Log(book, ini.String())
			return
		}
	}
}

func began(e *members, pool string) int {
	n := 0
	for host, p := range e.pool {
		if p == pool && e.began[host] > 0 {
			n++
		}
	}
	return n
}

// TestHostsThatLimitsKeepBackAreTold: a rolling restart ends at the first that
// fails, and says who was left alone.
func TestHostsThatLimitsKeepBackAreTold(t *testing.T) {
	e := newMembers()
	rig := newRig(t, map[string]string{
		"site.yml": "- name: Roll\n  hosts: all\n  gather_facts: false\n  limits: {per: pool, at_once: 1}\n" +
			"  tasks:\n    - raw: go-down\n    - raw: break\n      when: inventory_hostname == 'b2'\n    - raw: come-up\n",
		"hosts.ini": "b1 pool=a\nb2 pool=a\nb3 pool=a\nb4 pool=b\n",
	})
	rig.options.Open = e.open
	summary, err := rig.run(t)
	require.NoError(t, err)
	assert.Equal(t, 2, summary.Code)
	assert.Equal(t, 0, e.began["b3"])
	assert.Equal(t, 1, e.began["b4"])
	var told []string
	for _, w := range event.Of[event.Warning](&rig.events) {
		told = append(told, w.Text.String())
	}
	assert.Contains(t, strings.Join(told, "\n"), "leaves b3 alone")
}

// TestRatesOfAZone: commands come no faster than the zone allows, and other
// zones are not held back.
func TestRatesOfAZone(t *testing.T) {
	files := map[string]string{
		"site.yml":  "- hosts: all\n  gather_facts: false\n  strategy: free\n  limits: {per: zone, commands: 2/s, connections: 1/s}\n  tasks:\n    - raw: one\n    - raw: two\n",
		"hosts.ini": "h1 zone=a\nh2 zone=a\nh3 zone=a\n",
	}
	rig, e := newRig(t, files), newMembers()
	rig.options.Open = e.open
	rig.load(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := rig.execute()
		require.NoError(t, err)
		require.Len(t, e.times, 6)
		assert.Equal(t, 2500*time.Millisecond, e.times[5].Sub(began), "six commands at two a second")
		for i := 1; i < 6; i++ {
			assert.GreaterOrEqual(t, e.times[i].Sub(e.times[i-1]), 500*time.Millisecond)
		}
	})
}
