package runner_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// world is a random graph of plays and what will fail in it.
type world struct {
	plays []modelPlay
	hosts []string // "h<play>_<n>"
}

// modelPlay is a play of the reference model.
type modelPlay struct {
	name       string
	hosts      []string
	zone       map[string]string
	sick       map[string]bool
	needs      []modelNeed
	quarantine bool
	coverage   int           // percent of each zone that must be left; 0: one host of all
	budget     time.Duration // what it is expected to take
}

type modelNeed struct {
	play int
	same bool
}

func randomWorld(r *rand.Rand) *world {
	w := &world{}
	zones := []string{"a", "b", "c"}[:1+r.IntN(3)]
	for p := range 2 + r.IntN(7) {
		play := modelPlay{name: fmt.Sprintf("P%d", p), zone: map[string]string{}, sick: map[string]bool{}, quarantine: r.IntN(3) == 0, budget: time.Duration(1+r.IntN(30)) * time.Minute}
		if play.quarantine {
			play.coverage = []int{0, 30, 50, 100}[r.IntN(4)]
		}
		for i, z := range zones { // every zone has a host in every play
			for n := range 1 + r.IntN(2) {
				h := fmt.Sprintf("h%d_%d%d", p, i, n)
				play.hosts, play.zone[h] = append(play.hosts, h), z
				play.sick[h] = r.IntN(8) == 0
			}
		}
		for need := range p {
			if r.IntN(3) == 0 {
				play.needs = append(play.needs, modelNeed{need, r.IntN(2) == 0})
			}
		}
		w.plays = append(w.plays, play)
		w.hosts = append(w.hosts, play.hosts...)
	}
	w.plays[len(w.plays)-1].needs = append(w.plays[len(w.plays)-1].needs, modelNeed{play: 0})
	return w
}

// outcome is what the model says of a play: which hosts ran it, and whether it
// came up as a whole and per host.
type outcome struct {
	ran, up map[string]bool
	whole   bool
	fell    bool // its coverage did not hold: which hosts had begun is a matter of time
}

// expected is the reference model: plays one after the other in the order they
// stand, since needs only point backwards.
func (w *world) expected() []outcome {
	out := make([]outcome, len(w.plays))
	for i, p := range w.plays {
		o := outcome{ran: map[string]bool{}, up: map[string]bool{}, whole: true}
		for _, h := range p.hosts {
			open := true
			for _, n := range p.needs {
				open = open && w.gateOpen(out[n.play], w.plays[n.play], n.same, p.zone[h])
			}
			o.ran[h] = open
			o.up[h] = open && !p.sick[h]
			if !open || (p.sick[h] && !p.quarantine) {
				o.whole = false
			}
		}
		o.fell = p.quarantine && p.falls(o)
		if o.fell || !slices.ContainsFunc(p.hosts, func(h string) bool { return o.up[h] }) {
			o.whole = false
		}
		out[i] = o
	}
	return out
}

// falls reports whether too many hosts of a zone are set aside.
func (p modelPlay) falls(o outcome) bool {
	total, aside := map[string]int{}, map[string]int{}
	for _, h := range p.hosts {
		zone := p.zone[h]
		if p.coverage == 0 {
			zone = ""
		}
		total[zone]++
		if o.ran[h] && p.sick[h] {
			aside[zone]++
		}
	}
	for zone, n := range aside {
		if n == total[zone] || (total[zone]-n)*100 < p.coverage*total[zone] {
			return true
		}
	}
	return false
}

func (w *world) gateOpen(o outcome, p modelPlay, same bool, zone string) bool {
	if !same {
		return o.whole
	}
	up := 0
	for _, h := range p.hosts {
		switch {
		case p.zone[h] != zone:
		case o.up[h]:
			up++
		case o.ran[h] && p.quarantine: // set aside
		default:
			return false
		}
	}
	return up > 0
}

// settled reports whether the outcome is no matter of time: when a play falls,
// zones that were up before may have let others begin.
func (w *world) settled(out []outcome) bool {
	for _, p := range w.plays {
		for _, n := range p.needs {
			if n.same && out[n.play].fell {
				return false
			}
		}
	}
	return true
}

func (w *world) files() map[string]string {
	var book, ini strings.Builder
	for i, p := range w.plays {
		fmt.Fprintf(&book, "- name: %s\n  hosts: g%d\n  gather_facts: false\n", p.name, i)
		if p.quarantine {
			book.WriteString("  quarantine: true\n")
		}
		if p.coverage > 0 {
			fmt.Fprintf(&book, "  coverage: {min: %d%%, per: zone}\n", p.coverage)
		}
		fmt.Fprintf(&book, "  budget: %s\n", p.budget)
		if len(p.needs) > 0 {
			book.WriteString("  needs:\n")
			for _, n := range p.needs {
				same := ""
				if n.same {
					same = ", same: zone"
				}
				fmt.Fprintf(&book, "    - {play: P%d%s}\n", n.play, same)
			}
		}
		book.WriteString("  tasks:\n    - debug: {msg: begun}\n    - fail: {msg: sick}\n      when: sick | bool\n    - debug: {msg: up}\n")
		fmt.Fprintf(&ini, "[g%d]\n", i)
		for _, h := range p.hosts {
			fmt.Fprintf(&ini, "%s zone=%s sick=%v\n", h, p.zone[h], p.sick[h])
		}
	}
	return map[string]string{"site.yml": book.String(), "hosts.ini": ini.String()}
}

// TestGraphDoesWhatTheModelSays compares the engine with the reference model
// over random graphs, failures and quarantines: 2,000 of them, 300 with -short,
// or as many as SUNUP_WORLDS says (make torture).
func TestGraphDoesWhatTheModelSays(t *testing.T) {
	compared, fell, worlds := 0, 0, uint64(2000)
	if testing.Short() {
		worlds = 300
	}
	if n, err := strconv.ParseUint(os.Getenv("SUNUP_WORLDS"), 10, 32); err == nil {
		worlds = n
	}
	for seed := range worlds {
		w := randomWorld(rand.New(rand.NewPCG(seed, 1)))
		want := w.expected()
		if !w.settled(want) {
			continue
		}
		compared++
		r := newRig(t, w.files())
		summary, err := r.run(t)
		require.NoError(t, err)
		got := r.messages()
		allUp := true
		for i, p := range w.plays {
			allUp = allUp && want[i].whole
			if want[i].fell {
				fell++
				continue
			}
			for _, h := range p.hosts {
				assert.Equal(t, want[i].ran[h], slices.Contains(got[h], "begun"), "seed %d: %s begun in %s\n%s", seed, h, p.name, w.files()["site.yml"])
				assert.Equal(t, want[i].up[h], slices.Contains(got[h], "up"), "seed %d: %s up in %s", seed, h, p.name)
			}
		}
		assert.Equal(t, allUp, summary.Code == 0 || summary.Code == 10, "seed %d: code %d", seed, summary.Code)
		checkOrder(t, seed, w, r)
		checkBudgets(t, seed, w, r)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d worlds, %d compared, %d plays lost their coverage", worlds, compared, fell)
	assert.Greater(t, compared, int(worlds/2))
	assert.Greater(t, fell, int(worlds/20))
}

// checkBudgets holds the plan against the model: from budgets alone the run is
// expected to take as long as the longest way through the graph.
func checkBudgets(t *testing.T, seed uint64, w *world, r *rig) {
	t.Helper()
	took := make([]map[string]time.Duration, len(w.plays))
	for i, p := range w.plays {
		took[i] = map[string]time.Duration{}
		for _, h := range p.hosts {
			took[i][h] = p.budget
		}
	}
	plans := event.Of[event.Planned](&r.events)
	require.Len(t, plans, 1)
	assert.Equal(t, w.criticalPath(took), plans[0].Takes, "seed %d", seed)
}

// checkOrder looks at the stream: no host begins a play before the hosts that
// it waits for have ended theirs.
func checkOrder(t *testing.T, seed uint64, w *world, r *rig) {
	t.Helper()
	first, last := map[string]int64{}, map[string]int64{}
	for _, e := range r.events.Events() {
		if d, ok := e.Data.(event.HostTaskEnded); ok {
			if _, seen := first[d.Host]; !seen {
				first[d.Host] = e.Seq
			}
			last[d.Host] = e.Seq
		}
	}
	for _, p := range w.plays {
		for _, h := range p.hosts {
			for _, n := range p.needs {
				for _, before := range w.plays[n.play].hosts {
					if first[h] != 0 && (!n.same || w.plays[n.play].zone[before] == p.zone[h]) {
						assert.Greater(t, first[h], last[before], "seed %d: %s began before %s had ended", seed, h, before)
					}
				}
			}
		}
	}
}
