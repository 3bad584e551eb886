package runner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/inventory"
	"sunup/modules"
	"sunup/playbooks"
	"sunup/runner"
)

const durableDir = "testdata/durable"

// estate is hosts in memory: it knows every command that was run on them.
type estate struct {
	mu    sync.Mutex
	ran   []string // "host: command"
	tries map[string]int
	dead  bool // the controller was killed: nobody sends anything any more
	fixed bool // nothing fails any more
	// watch is called with each command before it is run.
	watch func(line string)
	// await is too, and may take its time: other hosts go on.
	await func(line string)
}

// command is the module of that name on the estate. A command that begins with
// "fail" fails; "flaky" fails twice.
func (e *estate) command() *modules.Module {
	real := modules.Lookup("ansible.builtin.command", nil)
	m := *real
	m.Run = func(ctx context.Context, c *modules.Call) (*modules.Result, error) {
		text := c.Args.Str("_raw_params")
		host := c.Controller.Host()
		n, err := e.run(host, text)
		if err != nil {
			return nil, err
		}
		r := modules.OK()
		r.Changed = true
		r.Set("stdout", host+" ran "+text).Set("cmd", text).Set("rc", 0)
		if !e.fixed && strings.HasPrefix(text, "fail") || strings.HasPrefix(text, "flaky") && n < 3 {
			r.Failed, r.Msg = true, "non-zero return code"
			r.Set("rc", 1)
		}
		return r, nil
	}
	return &m
}

func (e *estate) run(host, text string) (int, error) {
	line := host + ": " + text
	if e.await != nil {
		e.await(line)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return 0, &connection.Unreachable{Host: host, Err: errors.New("killed")}
	}
	if e.watch != nil {
		e.watch(line)
	}
	e.ran = append(e.ran, line)
	if e.tries == nil {
		e.tries = map[string]int{}
	}
	e.tries[line]++
	return e.tries[line], nil
}

func (e *estate) kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dead = true
}

// disk is a record that is cut off after some events, as by a kill.
type disk struct {
	mu     sync.Mutex
	events []event.Event
	limit  int // events that reach the disk; negative: all
	cut    func()
}

func (d *disk) Emit(e event.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limit >= 0 && len(d.events) >= d.limit {
		return
	}
	d.events = append(d.events, e)
	if len(d.events) == d.limit {
		d.cut()
	}
}

func (d *disk) full() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.limit >= 0 && len(d.events) >= d.limit
}

// Commit returns once all events are on disk: never, when the disk is cut off.
func (d *disk) Commit(ctx context.Context) error {
	if d.full() {
		return errors.New("killed")
	}
	return nil
}

// attempt runs a case once, on the record and the estate as they are.
func attempt(t *testing.T, file string, e *estate, d *disk, change func(*runner.Options)) runner.Summary {
	t.Helper()
	return attemptOn(t, file, e, d, change, nil)
}

// attemptOn also shows the run before it begins.
func attemptOn(t *testing.T, file string, e *estate, d *disk, change func(*runner.Options), show func(*runner.Run)) runner.Summary {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e.dead = false
	d.cut = func() { e.kill(); cancel() }
	inv, problems := inventory.Load(ctx, inventory.Options{Sources: []string{filepath.Join(durableDir, "hosts.ini")}})
	require.NoError(t, problems.Err())
	command := e.command()
	o := runner.Options{
		Inventory: inv, Loader: playbooks.NewLoader(playbooks.Options{}), Templar: vars.NewTemplar(jinja.NewEnv()),
		Modules: func(name string) *modules.Module {
			if name == command.Name || name == "command" {
				return command
			}
			return modules.Lookup(name, nil)
		},
		Open:     func(string, connection.Options) (connection.Link, error) { return silent{}, nil },
		LoadVars: loadVars, Sink: d, Commit: d.Commit, RunID: "test", Forks: 8,
		Decide: func(runner.UnderWay) runner.Decision { return runner.Rerun },
	}
	if len(d.events) > 0 {
		j, err := runner.ReadJournal(event.All(d.events), runner.JournalOptions{})
		require.NoError(t, err)
		o.Journal = j
	}
	if change != nil {
		change(&o)
	}
	book, problems := o.Loader.Load(filepath.Join(durableDir, file))
	require.NoError(t, problems.Err())
	run := runner.New(o)
	if show != nil {
		show(run)
	}
	summary, err := run.Execute(ctx, []*playbooks.Playbook{book})
	if !d.full() {
		require.NoError(t, err)
	}
	return summary
}

// states are the final states of a record: every step of every host in order,
// with its outcome and what it returned.
func states(t *testing.T, events []event.Event) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	starts := map[int]event.TaskStarted{}
	seen := map[int64]bool{}
	for e, err := range event.Settled(event.All(events)) {
		require.NoError(t, err)
		require.False(t, seen[e.Seq], "number %d twice", e.Seq)
		seen[e.Seq] = true
		switch d := e.Data.(type) {
		case event.TaskStarted:
			_, twice := starts[d.Task]
			require.False(t, twice, "task %d was announced twice", d.Task)
			starts[d.Task] = d
		case event.ItemEnded:
			key := fmt.Sprint(starts[d.Task].Play, " ", d.Host)
			out[key] = append(out[key], fmt.Sprintf("%s item %d %s %s", starts[d.Task].ID, d.Index, d.Outcome, sorted(d.Result)))
		case event.HostTaskEnded:
			start, known := starts[d.Task]
			require.True(t, known, "task %d was never announced", d.Task)
			key := fmt.Sprint(start.Play, " ", d.Host)
			out[key] = append(out[key], fmt.Sprintf("%s %s %s", start.ID, d.Outcome, sorted(d.Result)))
		}
	}
	return out
}

// sorted is a result's values in an order of their own.
func sorted(r event.Result) string {
	var out []string
	for k, v := range r.Values.All() {
		// A call that was under way and is made again is one attempt more or less.
		if k != "attempts" {
			out = append(out, fmt.Sprintf("%v=%s", k, value.Repr(v)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// once are events of a record that must be told once, and how often each was.
func once(t *testing.T, events []event.Event) map[string]int {
	t.Helper()
	n := map[string]int{}
	for e, err := range event.Settled(event.All(events)) {
		require.NoError(t, err)
		switch d := e.Data.(type) {
		case event.PlayStarted:
			n[fmt.Sprint("play ", d.Play)]++
		case event.PlayEnded:
			n[fmt.Sprint("play ended ", d.Play, d.Outcome)]++
		case event.Notified:
			n[fmt.Sprint("notified ", d.Host, d.Handler)]++
		case event.HostQuarantined:
			n[fmt.Sprint("quarantined ", d.Host, d.Play)]++
		case event.Gathered:
			n[fmt.Sprint("gathered ", d.Host, d.Play, d.Source, d.File, d.Text)]++
		case event.HostLost:
			n[fmt.Sprint("lost ", d.Host, d.Play)]++
		case event.Included:
			for _, h := range d.Hosts {
				n[fmt.Sprint("included ", d.File, d.Label, h)]++
			}
		case event.RunEnded:
			n["run ended"]++
			for _, r := range d.Recap {
				n[fmt.Sprintf("%+v", r)]++
			}
		}
	}
	return n
}

func counts(lines []string) map[string]int {
	n := map[string]int{}
	for _, l := range lines {
		n[l]++
	}
	return n
}

func cases(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(durableDir, "*.yml"))
	require.NoError(t, err)
	var out []string
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(text), "#") {
			out = append(out, filepath.Base(f))
		}
	}
	return out
}

// TestCutAtEveryEvent runs every case, kills it after each of its events in
// turn and resumes it: in the end the record has the same final states as that
// of a run that was not cut, and every command was run as often as there.
func TestCutAtEveryEvent(t *testing.T) {
	for _, file := range cases(t) {
		t.Run(file, func(t *testing.T) {
			whole, sound := &disk{limit: -1}, &estate{}
			attempt(t, file, sound, whole, nil)
			want, told := states(t, whole.events), once(t, whole.events)
			step := 1
			if testing.Short() {
				step = 7
			}
			for k := 1; k < len(whole.events); k += step {
				cutAndResumed(t, file, k, want, told, counts(sound.ran))
			}
		})
	}
}

func cutAndResumed(t *testing.T, file string, k int, want map[string][]string, told, ran map[string]int) {
	t.Helper()
	d, e := &disk{limit: k}, &estate{}
	attempt(t, file, e, d, nil)
	d.limit = -1
	cut := len(d.events)
	allowed := map[string]int{}
	attempt(t, file, e, d, func(o *runner.Options) {
		for _, u := range o.Journal.UnderWay() {
			allowed[u.Host]++
		}
	})
	describe := func() string { return fmt.Sprintf("cut after event %d:\n%s", cut, lastEvents(d.events, cut)) }
	if !assert.Equal(t, want, states(t, d.events), describe()) || !assert.Equal(t, told, once(t, d.events), describe()) {
		t.FailNow()
	}
	for line, n := range counts(e.ran) {
		host, _, _ := strings.Cut(line, ":")
		extra := n - ran[line]
		if extra <= 0 || strings.Contains(line, "again") || strings.Contains(line, "safe") {
			continue
		}
		allowed[host] -= extra
		require.GreaterOrEqual(t, allowed[host], 0, "%s ran %d times instead of %d; %s", line, n, ran[line], describe())
	}
	for line, n := range ran {
		require.GreaterOrEqual(t, counts(e.ran)[line], n, "%s; %s", line, describe())
	}
}

// lastEvents are those around a cut, and the last ones with the values of their results.
func lastEvents(events []event.Event, cut int) string {
	var b strings.Builder
	for i, e := range events {
		if i >= cut-4 && i < cut+6 || i > len(events)-8 {
			fmt.Fprintf(&b, "%d %s %+v\n", e.Seq, e.Type, e.Data)
		}
		if d, ok := e.Data.(event.HostTaskEnded); ok && d.Outcome == event.Failed {
			fmt.Fprintf(&b, "\tfailed: %s\n", value.Repr(d.Result.Values))
		}
	}
	return b.String()
}

// TestNothingIsSentBeforeItsIntentIsRecorded counts: of every command that
// reaches a host, the record has the intent already, and it was committed.
func TestNothingIsSentBeforeItsIntentIsRecorded(t *testing.T) {
	for _, file := range cases(t) {
		d, e := &disk{limit: -1}, &estate{}
		committed, sent := 0, map[string]int{}
		e.watch = func(line string) {
			host, _, _ := strings.Cut(line, ":")
			if strings.Contains(line, "safe") {
				return // it may be sent twice
			}
			sent[host]++
			d.mu.Lock()
			defer d.mu.Unlock()
			intents := 0
			for _, ev := range d.events[:committed] {
				if b, ok := ev.Data.(event.HostTaskBegan); ok && b.Host == host {
					intents++
				}
			}
			assert.GreaterOrEqual(t, intents, sent[host], "%s: %s", file, line)
		}
		attempt(t, file, e, d, func(o *runner.Options) {
			o.Commit = func(context.Context) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				committed = len(d.events)
				return nil
			}
		})
		assert.NotEmpty(t, sent)
	}
}

// silent is a link that nothing goes through.
type silent struct{}

func (silent) As(connection.Become) connection.Conn { return logs{} }
func (silent) Reset() error                         { return nil }
func (silent) Close() error                         { return nil }
