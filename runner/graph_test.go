package runner_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

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
}

type modelNeed struct {
	play int
	same bool
}

func randomWorld(r *rand.Rand) *world {
	w := &world{}
	zones := []string{"a", "b", "c"}[:1+r.IntN(3)]
	for p := range 2 + r.IntN(7) {
		play := modelPlay{name: fmt.Sprintf("P%d", p), zone: map[string]string{}, sick: map[string]bool{}, quarantine: r.IntN(3) == 0}
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
		if !slices.ContainsFunc(p.hosts, func(h string) bool { return o.up[h] }) {
			o.whole = false
		}
		out[i] = o
	}
	return out
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

// settled reports whether no quarantine lost a whole play: which hosts of it
// had begun by then depends on time, and the model knows no time.
func (w *world) settled(out []outcome) bool {
	for i, p := range w.plays {
		ran, up := 0, 0
		for _, h := range p.hosts {
			if out[i].ran[h] {
				ran++
			}
			if out[i].up[h] {
				up++
			}
		}
		if p.quarantine && ran > 0 && up == 0 {
			return false
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
// over random graphs, failures and quarantines.
func TestGraphDoesWhatTheModelSays(t *testing.T) {
	compared := 0
	for seed := range uint64(400) {
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
			for _, h := range p.hosts {
				assert.Equal(t, want[i].ran[h], slices.Contains(got[h], "begun"), "seed %d: %s begun in %s\n%s", seed, h, p.name, w.files()["site.yml"])
				assert.Equal(t, want[i].up[h], slices.Contains(got[h], "up"), "seed %d: %s up in %s", seed, h, p.name)
			}
		}
		assert.Equal(t, allUp, summary.Code == 0 || summary.Code == 10, "seed %d: code %d", seed, summary.Code)
		checkOrder(t, seed, w, r)
		if t.Failed() {
			return
		}
	}
	assert.Greater(t, compared, 200)
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
