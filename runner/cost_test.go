package runner_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// allocationsPerStep is what one task on one host may allocate in the engine:
// condition, templates, result and events, no module's own work. It was 61.5 when
// this was written, and 66.5 with the race detector; whoever raises it says why.
const allocationsPerStep = 70

// TestAllocationsOfAStep counts what a task on a host allocates, as the
// difference between a short and a long playbook on many hosts, so that loading
// and starting are not counted.
func TestAllocationsOfAStep(t *testing.T) {
	const hosts = 100
	short, long := allocations(t, hosts, 4), allocations(t, hosts, 24)
	perStep := float64(long-short) / (hosts * 20)
	t.Logf("%.1f allocations for a task on a host", perStep)
	assert.LessOrEqual(t, perStep, float64(allocationsPerStep))
}

func allocations(t *testing.T, hosts, tasks int) uint64 {
	t.Helper()
	var ini, play strings.Builder
	for i := range hosts {
		fmt.Fprintf(&ini, "host%03d level=%d\n", i, i)
	}
	play.WriteString("- hosts: all\n  gather_facts: false\n  tasks:\n")
	for i := range tasks {
		fmt.Fprintf(&play, "    - debug: {msg: \"{{ inventory_hostname }} is {{ level }} of %d\"}\n      when: level | int >= 0\n      register: said\n", i)
	}
	r := newRig(t, map[string]string{"hosts.ini": ini.String(), "site.yml": play.String()})
	r.options.Sink = event.SinkFunc(func(event.Event) {})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := r.run(t)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	return after.Mallocs - before.Mallocs
}
