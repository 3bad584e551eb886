package runner_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/event"
	"sunup/runner"
)

// logs is a host that has a log at every path and prints every command back.
type logs struct{}

func (logs) Exec(_ context.Context, cmd connection.Command) (connection.Output, error) {
	if path, isList := strings.CutPrefix(cmd.Script, "for f in "); isList {
		path, _, _ = strings.Cut(path, ";")
		return connection.Output{Stdout: []byte("f 12 " + path + "\n")}, nil
	}
	return connection.Output{Stdout: []byte("log of " + cmd.Script + "\n"), Stderr: []byte("0\n")}, nil
}

func (logs) Put(context.Context, string, io.Reader, int64, fs.FileMode) error { return nil }
func (logs) Get(context.Context, string, io.Writer) error                     { return nil }

// flood is a host whose commands print without end, and which counts how many
// are asked at once.
type flood struct {
	mu        *sync.Mutex
	now, most *int
	release   chan struct{}
}

func (f flood) As(connection.Become) connection.Conn { return f }
func (flood) Reset() error                           { return nil }
func (flood) Close() error                           { return nil }

func (f flood) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	if !strings.Contains(cmd.Script, "tail -c") {
		return connection.Output{Code: 1}, nil // the task itself fails
	}
	f.mu.Lock()
	*f.now++
	*f.most = max(*f.most, *f.now)
	f.mu.Unlock()
	defer func() { f.mu.Lock(); *f.now--; f.mu.Unlock() }()
	return connection.Output{Stdout: []byte(strings.Repeat("0123456789abcde\n", cmd.MaxOutput/16)), Dropped: 1 << 30, Stderr: []byte("0\n")}, nil
}

func (flood) Put(context.Context, string, io.Reader, int64, fs.FileMode) error { return nil }
func (flood) Get(context.Context, string, io.Writer) error                     { return nil }

// What is collected is bounded for each source, each host and the run, however
// much the hosts have to say.
func TestGatherIsBounded(t *testing.T) {
	var sources strings.Builder
	for i := range 12 {
		fmt.Fprintf(&sources, "    - {command: say %d, most: 64K}\n", i)
	}
	var hosts strings.Builder
	for i := range 100 {
		fmt.Fprintf(&hosts, "h%d\n", i)
	}
	r := newRig(t, map[string]string{"hosts.ini": hosts.String(), "site.yml": `
- hosts: all
  gather_facts: false
  gather:
` + sources.String() + `  tasks:
    - command: "false"
`})
	now, most := 0, 0
	host := flood{mu: &sync.Mutex{}, now: &now, most: &most}
	r.options.Open = func(string, connection.Options) (connection.Link, error) { return host, nil }
	_, err := r.run(t)
	require.NoError(t, err)
	perHost, total, refused := map[string]int{}, 0, 0
	for _, g := range event.Of[event.Gathered](&r.events) {
		assert.LessOrEqual(t, len(g.Text), 64<<10)
		assert.True(t, g.Cut || g.Text == "", g.Source)
		perHost[g.Host] += len(g.Text)
		total += len(g.Text)
		if strings.Contains(g.Refused.String(), "limit is reached") {
			refused++
		}
	}
	assert.Len(t, perHost, 100)
	for h, n := range perHost {
		assert.LessOrEqual(t, n, 512<<10, h)
	}
	// Hosts that are read at the same moment may each take one source more.
	assert.LessOrEqual(t, total, 32<<20+32*64<<10)
	assert.Positive(t, refused)
	assert.LessOrEqual(t, most, 32, "hosts at once")
	last := r.events.Events()[len(r.events.Events())-1]
	assert.Equal(t, event.TypeRunEnded, last.Type, "the run waits for what is collected")
}

// slowLog answers nothing until it is let go.
type slowLog struct{ flood }

func (f slowLog) As(connection.Become) connection.Conn { return f }

func (f slowLog) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	if !strings.Contains(cmd.Script, "tail -c") {
		return connection.Output{Code: 1}, nil
	}
	select {
	case <-f.release:
		return connection.Output{Stdout: []byte("at last\n"), Stderr: []byte("0\n")}, nil
	case <-ctx.Done():
		return connection.Output{}, ctx.Err()
	}
}

// Other hosts do not wait for the logs of one that failed; its own always
// section does.
func TestOthersDoNotWaitForLogs(t *testing.T) {
	r := newRig(t, map[string]string{"hosts.ini": "bad\ngood ansible_connection=local\n", "site.yml": `
- hosts: all
  gather_facts: false
  gather: [{command: cat log, within: 1m}]
  tasks:
    - block:
        - command: "true"
      always:
        - debug: {msg: always}
          when: inventory_hostname == 'bad'
    - debug: {msg: last}
`})
	release := make(chan struct{})
	local := r.options.Open
	r.options.Open = func(kind string, o connection.Options) (connection.Link, error) {
		if o.Name == "bad" {
			return slowLog{flood{release: release}}, nil
		}
		return local(kind, o)
	}
	seen := &onEvent{Sink: &r.events, what: func(e event.Event) {
		if d, ok := e.Data.(event.HostTaskEnded); ok && d.Host == "bad" && d.Outcome == event.Failed {
			time.AfterFunc(0, func() { close(release) })
		}
	}}
	r.options.Sink = seen
	summary, err := r.run(t)
	require.NoError(t, err)
	assert.Equal(t, runner.CodeFailed, summary.Code)
	var order []string
	for _, e := range r.events.Events() {
		switch d := e.Data.(type) {
		case event.Gathered:
			order = append(order, "log "+d.Text)
		case event.HostTaskEnded:
			if d.Host == "bad" {
				order = append(order, string(d.Outcome))
			}
		}
	}
	assert.Equal(t, []string{"failed", "log at last\n", "ok"}, order)
}

// onEvent shows each event to what before it goes on.
type onEvent struct {
	event.Sink
	what func(event.Event)
}

func (o *onEvent) Emit(e event.Event) {
	o.what(e)
	o.Sink.Emit(e)
}
