package runner_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/event"
)

// cutter is a host whose connection is lost after something was sent, so many
// times, and which counts what arrived.
type cutter struct {
	mu       sync.Mutex
	cuts     int
	arrived  int
	unsent   bool // it is lost before anything was sent
	commands []string
}

func (c *cutter) open(string, connection.Options) (connection.Link, error) { return c, nil }
func (c *cutter) As(connection.Become) connection.Conn                     { return c }
func (c *cutter) Reset() error                                             { return nil }
func (c *cutter) Close() error                                             { return nil }

func (c *cutter) Exec(_ context.Context, cmd connection.Command) (connection.Output, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived++
	c.commands = append(c.commands, cmd.Script)
	if c.cuts > 0 {
		c.cuts--
		return connection.Output{}, &connection.Unreachable{Host: "h", Phase: connection.PhaseCommand, Sent: !c.unsent, Err: errors.New("connection reset by peer")}
	}
	return connection.Output{Stdout: []byte("pong\n")}, nil
}

func (c *cutter) Put(context.Context, string, io.Reader, int64, fs.FileMode) error { return nil }
func (c *cutter) Get(context.Context, string, io.Writer) error                     { return fs.ErrNotExist }

// TestLostAnswers: a command whose answer was lost is unknown and never sent
// again, unless the task or the module says that this does no harm.
func TestLostAnswers(t *testing.T) {
	cases := []struct {
		name, task, play string
		cuts             int
		unsent           bool
		outcome          event.Outcome
		arrived, code    int
	}{
		{"a command is not sent twice", "raw: pay", "", 1, false, event.Unknown, 1, 4},
		{"what was never sent is unreachable", "raw: pay", "", 1, true, event.Unreachable, 1, 4},
		{"retry_safe is sent again", "raw: pay\n      retry_safe: true", "", 1, false, event.Changed, 2, 0},
		{"retry_safe of the play holds too", "raw: pay", "retry_safe: true", 2, false, event.Changed, 3, 0},
		{"a host that stays away is unreachable", "raw: pay\n      retry_safe: true", "", 9, false, event.Unreachable, 3, 4},
		{"an idempotent module is sent again", "ping:", "", 1, false, event.OK, 2, 0},
		{"ignored", "raw: pay\n      ignore_unreachable: true", "", 1, false, event.Ignored, 1, 0},
		{"set aside", "raw: pay", "quarantine: true\n  coverage: 0%", 1, false, event.Quarantined, 1, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rig := newRig(t, map[string]string{
				"site.yml":  fmt.Sprintf("- hosts: all\n  gather_facts: false\n  %s\n  tasks:\n    - %s\n", c.play, c.task),
				"hosts.ini": "h\n",
			})
			host := &cutter{cuts: c.cuts, unsent: c.unsent}
			rig.options.Open = host.open
			rig.load(t)
			synctest.Test(t, func(t *testing.T) {
				summary, err := rig.execute()
				require.NoError(t, err)
				ends := event.Of[event.HostTaskEnded](&rig.events)
				require.Len(t, ends, 1)
				assert.Equal(t, c.outcome, ends[0].Outcome)
				assert.Equal(t, c.arrived, host.arrived, strings.Join(host.commands, "\n"))
				assert.Equal(t, c.code, summary.Code)
				if c.outcome == event.Unknown {
					assert.Contains(t, ends[0].Result.Why.String(), "whether it ran is not known")
				}
			})
		})
	}
}

// TestNothingRescuesAnUnknownStep: rescue is for failures; of a lost host
// nobody knows whether there was one.
func TestNothingRescuesAnUnknownStep(t *testing.T) {
	rig := newRig(t, map[string]string{
		"site.yml":  "- hosts: all\n  gather_facts: false\n  tasks:\n    - block: [{raw: pay}]\n      rescue: [{debug: {msg: rescued}}]\n    - debug: {msg: behind}\n",
		"hosts.ini": "h\n",
	})
	rig.options.Open = (&cutter{cuts: 1}).open
	_, err := rig.run(t)
	require.NoError(t, err)
	assert.Empty(t, rig.messages()["h"])
	lost := event.Of[event.HostLost](&rig.events)
	require.Len(t, lost, 1)
}
