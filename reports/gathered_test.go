package reports

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Whatever a host calls its files, they are written below the report's directory.
func FuzzGatheredFiles(f *testing.F) {
	f.Add("web1", "/var/log/app.log")
	f.Add("..", "../../../../etc/passwd")
	f.Add("a/../..", "/..\x00/…")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, host, file string) {
		r := &Report{Gathered: []Gathered{
			{Host: host, File: file, Text: "x"}, {Host: host, File: file, Text: "y"}, {Host: host, Source: file, Command: true, Text: "z"},
		}}
		seen := map[string]bool{}
		for _, g := range GatheredFiles(r) {
			assert.True(t, strings.HasPrefix(g.Name, "gathered/"), g.Name)
			assert.Equal(t, path.Clean(g.Name), g.Name)
			assert.NotContains(t, g.Name, "..")
			assert.False(t, seen[g.Name], "%s twice", g.Name)
			seen[g.Name] = true
		}
		assert.Len(t, seen, 3)
	})
}

// Logs that are still collected when the plays are over do not make the opening
// late.
func TestCollectingIsNotPartOfTheMorning(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	data := []event.Data{
		event.RunStarted{RunID: "x", Startup: &event.Startup{Name: "m", OpensAt: at.Add(5 * time.Second)}},
		event.PlayStarted{Name: "p", Hosts: []string{"a", "b"}},
		event.TaskStarted{Task: 1, ID: "t"},
		event.HostTaskEnded{Task: 1, Host: "a", Outcome: event.Quarantined, Began: at},
		event.HostQuarantined{Host: "a", Task: 1},
		event.HostTaskEnded{Task: 1, Host: "b", Outcome: event.OK, Began: at},
		event.PlayEnded{Outcome: event.OK},
		event.Gathered{Task: 1, Host: "a", Source: "/log", File: "/log", Text: "full"},
		event.RunEnded{Outcome: event.OK, ExitCode: 10},
	}
	var events []event.Event
	for i, d := range data {
		when := at.Add(time.Duration(i) * time.Millisecond)
		if i >= 7 {
			when = at.Add(time.Minute)
		}
		events = append(events, event.New(int64(i+1), when, d))
	}
	r := Fold(events)
	assert.Equal(t, int64(6), r.TookMS)
	require.Len(t, r.Milestones, 1)
	assert.Equal(t, Met, r.Milestones[0].State)
	require.Len(t, r.Gathered, 1)
	assert.Equal(t, 0, r.Gathered[0].Task, "the column of the task that failed")
	assert.Equal(t, "1 of 1 collected, 4 B", r.gatheredByHost()[0].Told().In(say.English))
}
