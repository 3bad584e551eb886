package history

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/event"
	"sunup/reports"
)

// zonesRun is a play of three zones that go by themselves, of two steps each; the west
// takes twice as long, and the day is slow or fast as a whole.
func zonesRun(day float64) Digest {
	var events []event.Event
	say := func(at time.Duration, d event.Data) {
		events = append(events, event.New(int64(len(events)+1), monday.Add(at), d))
	}
	hosts := []string{"e1", "w1", "n1"}
	stage := event.Stage{Play: 0, Name: "Gateways"}
	for _, h := range hosts {
		stage.Lanes = append(stage.Lanes, event.Lane{Hosts: []string{h}})
	}
	say(0, event.RunStarted{RunID: "r", Playbooks: []string{"m.yml"}})
	say(0, event.Planned{Stages: []event.Stage{stage}})
	say(0, event.PlayStarted{Play: 0, Name: "Gateways", Hosts: hosts, Lanes: 3})
	for i, name := range []string{"copy", "start"} {
		say(0, event.TaskStarted{Play: 0, Task: i + 1, ID: fmt.Sprint(i), Name: name, Section: event.Tasks})
	}
	last := time.Duration(0)
	for i, h := range hosts {
		began := time.Duration(i) * time.Minute
		unit := time.Duration(day * float64(time.Minute) * []float64{1, 2, 1}[i])
		say(began+unit, event.HostTaskEnded{Task: 1, Host: h, Outcome: event.OK, Began: monday.Add(began), Took: unit})
		say(began+4*unit, event.HostTaskEnded{Task: 2, Host: h, Outcome: event.OK, Began: monday.Add(began + unit), Took: 3 * unit})
		last = max(last, began+4*unit)
	}
	say(last, event.PlayEnded{Play: 0, Outcome: event.OK})
	say(last, event.RunEnded{Outcome: event.OK})
	return DigestOf(reports.Fold(events))
}

// TestThePastKnowsStepsAndGroupsOfHosts: what a play takes is known by its
// steps and by the hosts that start together; a slow day does not part them.
func TestThePastKnowsStepsAndGroupsOfHosts(t *testing.T) {
	past := Past{Runs: []Digest{zonesRun(1), zonesRun(1.5), zonesRun(1), zonesRun(0.9)}}
	e, known := past.Forecast("Gateways")
	require.True(t, known)
	assert.Equal(t, 4*time.Minute, e.Median)
	assert.Equal(t, []event.Step{
		{Name: "copy", Takes: time.Minute, Most: 90 * time.Second}, {Name: "start", Takes: 3 * time.Minute, Most: 270 * time.Second},
	}, e.Steps)
	assert.Equal(t, 8*time.Minute, e.Lanes["w1"].Median)
	assert.Equal(t, 12*time.Minute, e.Lanes["w1"].P90)
	assert.Zero(t, e.Apart, "all groups are as slow as their day")
	_, known = past.Forecast("Nothing")
	assert.False(t, known)

	s := event.Stage{Lanes: []event.Lane{{Hosts: []string{"e1"}}, {Hosts: []string{"w1"}}, {Hosts: []string{"new"}}}}
	e.Expect(&s)
	assert.Equal(t, event.FromHistory, s.Basis)
	assert.Equal(t, 4*time.Minute, s.Takes)
	assert.Equal(t, 8*time.Minute, s.Lanes[1].Takes)
	assert.Zero(t, s.Lanes[2].Takes, "as the play")
}
