package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
)

// TestWhoWasReleasedIsNoWorkOrder: a host that was set aside and taken in again
// is as good as what it did.
func TestWhoWasReleasedIsNoWorkOrder(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	var events []event.Event
	for i, d := range []event.Data{
		event.RunStarted{RunID: "r", Playbooks: []string{"m.yml"}},
		event.PlayStarted{Play: 0, Name: "Kiosks", Hosts: []string{"k1", "k2"}},
		event.HostQuarantined{Play: 0, Host: "k1"}, event.HostQuarantined{Play: 0, Host: "k2"},
		event.Steered{Action: "release", Host: "k1", User: "ops"},
		event.TaskStarted{Play: 0, Task: 1, ID: "m.yml:1", Name: "start"},
		event.HostTaskEnded{Play: 0, Task: 1, Host: "k1", Outcome: event.Changed, Began: at},
		event.PlayEnded{Play: 0, Outcome: event.OK}, event.RunEnded{Outcome: event.OK, ExitCode: 10},
	} {
		events = append(events, event.New(int64(i+1), at.Add(time.Duration(i)*time.Second), d))
	}
	r := Fold(events)
	require.Len(t, r.Quarantine, 1)
	assert.Equal(t, "k2", r.Quarantine[0].Host)
	for _, h := range r.Hosts {
		assert.Equal(t, map[string]event.Outcome{"k1": event.Changed, "k2": event.Quarantined}[h.Name], h.Outcome, h.Name)
	}
}

// TestResumedRunHasOneEndOfEachTask holds the fold of a resumed run: with and
// without the list of what counts no more.
func TestResumedRunHasOneEndOfEachTask(t *testing.T) {
	for name, strip := range map[string]bool{"void is told": false, "void is not told": true} {
		t.Run(name, func(t *testing.T) {
			events := resumedEvents()
			for i, e := range events {
				if d, ok := e.Data.(event.RunResumed); ok && strip {
					d.Void = nil
					events[i].Data = d
				}
			}
			r := Fold(events)
			require.Len(t, r.Attempts, 3)
			assert.Equal(t, []event.Outcome{event.Failed, event.Unknown, event.OK}, []event.Outcome{r.Attempts[0].Outcome, r.Attempts[1].Outcome, r.Attempts[2].Outcome})
			assert.Equal(t, event.OK, r.Outcome)
			for _, h := range r.Hosts {
				seen := map[int]bool{}
				for _, c := range h.Cells {
					assert.False(t, seen[c.Task], "%s has one cell of each task", h.Name)
					seen[c.Task] = true
				}
				if h.Name == "ticket-2" {
					assert.Equal(t, event.Changed, h.Outcome)
					assert.Len(t, h.Cells, 4)
				}
			}
			assert.Equal(t, 0, r.Figures.HostsFailed)
			assert.Equal(t, 1, r.Figures.Cells[event.Failed], "the kiosk")
			assert.Empty(t, r.Plays[1].Lost)
			require.Len(t, r.Failures, 2)
			assert.True(t, r.Failures[0].Mended)
			assert.False(t, r.Failures[1].Mended)
			require.Len(t, r.Causes, 1, "a mended failure needs nobody")
			assert.Len(t, r.Quarantine, 1)
			var sum int
			for _, n := range r.Figures.Cells {
				sum += n
			}
			assert.Len(t, resultRows(events), sum)
			for _, h := range r.Hosts {
				assert.Less(t, h.WaitingMS, (4 * time.Minute).Milliseconds(), "%s: nobody waited while nothing ran", h.Name)
			}
		})
	}
}

// TestEarlierReportsStayAsTheyWere: a report that was asked for before a resume
// does not change with it.
func TestEarlierReportsStayAsTheyWere(t *testing.T) {
	b := NewBuilder()
	var before *Report
	for _, e := range resumedEvents() {
		if e.Type == event.TypeRunResumed && before == nil {
			before = b.Report()
		}
		b.Emit(e)
	}
	assert.Equal(t, event.Failed, before.Outcome)
	assert.False(t, before.Failures[0].Mended)
	assert.Len(t, before.Causes, 1)
	assert.Equal(t, 1, before.Figures.HostsFailed)
	assert.Equal(t, []string{"ticket-2"}, before.Plays[1].Lost)
}
