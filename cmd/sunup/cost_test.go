package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/lab"
)

var updateCost = flag.Bool("update-cost", false, "write what reaching a host costs to testdata/cost/expected.txt")

// TestWhatReachingAHostCosts counts what the 14 tasks of the benchmark send:
// handshakes, exchanges, commands and bytes of each host, with everything to
// do and with nothing to change. Time is not looked at; a change that makes a
// run wait for its hosts more often shows here, and is decided about by whoever
// rewrites the file.
func TestWhatReachingAHostCosts(t *testing.T) {
	s, problems := lab.LoadScenario(filepath.Join("testdata", "cost", "fleet.yml"))
	require.NoError(t, problems.Err())
	fleet, err := lab.Start(context.Background(), s)
	require.NoError(t, err)
	defer fleet.Close()
	dir := t.TempDir()
	require.NoError(t, fleet.WriteAccess(dir))
	got := ""
	for _, what := range []string{"everything to do", "nothing to change"} {
		for i, r := range reachOf(t, dir, "../../lab/bench/testdata/morning14.yml") {
			if i == 0 {
				got += fmt.Sprintf("%s: %d handshake, %d round trips, %d commands, %d KiB sent\n", what, r.Handshakes, r.RoundTrips, r.Commands, (r.BytesOut+1023)/1024)
			}
			assert.Equal(t, 1, r.Handshakes, "%s: one connection for the whole run", r.Host)
		}
	}
	expected := filepath.Join("testdata", "cost", "expected.txt")
	if *updateCost {
		require.NoError(t, os.WriteFile(expected, []byte(got), 0o644))
	}
	want, err := os.ReadFile(expected)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// reachOf runs a playbook on a fleet and returns what reaching each host cost.
func reachOf(t *testing.T, dir, playbook string) []event.Reach {
	t.Helper()
	events := filepath.Join(t.TempDir(), "events.jsonl")
	out, code := sunup(t, "run", "-i", filepath.Join(dir, "inventory.yml"), "--output", "none", "--no-report", "--events", events, playbook)
	require.Zero(t, code, out)
	f, err := os.Open(events)
	require.NoError(t, err)
	defer f.Close()
	for in := event.NewReader(f); ; {
		e, err := in.Next()
		require.NoError(t, err)
		if end, ok := e.Data.(event.RunEnded); ok {
			require.Len(t, end.Reach, 4)
			return end.Reach
		}
	}
}
