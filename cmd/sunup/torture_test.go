package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/internal/connection/sshdtest"
	"sunup/internal/event"
	"sunup/internal/store"
	"sunup/lab"
)

// killAfter is how a command of these tests is told to kill itself: after so
// many events are on disk, and not one more.
const killAfter = "SUNUP_TEST_KILL_AFTER"

// killer stands between the engine and the record and kills the process.
type killer struct {
	*store.Recording
	after int64
}

// Emit hands the event on. While the last one goes to disk, no other can come.
func (k killer) Emit(e event.Event) {
	k.Recording.Emit(e)
	if e.Seq == k.after {
		if k.Commit(context.Background()) == nil {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		select {} // the signal comes
	}
}

// killedRecord is what TestMain puts before records when it is told to.
func killedRecord(r *store.Recording) event.Sink {
	after, err := strconv.ParseInt(os.Getenv(killAfter), 10, 64)
	if err != nil {
		return r
	}
	return killer{r, after}
}

// ward is the hosts of the torture and what a run on them left.
type ward struct {
	t     *testing.T
	hosts []tortured
	dir   string // with the inventory
	files string // with the playbook
	state string
}

// tortured is one host.
type tortured interface {
	Name() string
	ReadFile(path string) ([]byte, error)
	WriteFile(path string, data []byte, mode fs.FileMode) error
}

// newWard has simulated hosts.
func newWard(t *testing.T) *ward {
	t.Helper()
	s, problems := lab.LoadScenario(filepath.Join("testdata", "torture", "fleet.yml"))
	require.NoError(t, problems.Err())
	fleet, err := lab.Start(context.Background(), s)
	require.NoError(t, err)
	t.Cleanup(fleet.Close)
	r := &ward{t: t, dir: t.TempDir()}
	for _, h := range fleet.Hosts() {
		r.hosts = append(r.hosts, h)
	}
	require.NoError(t, fleet.WriteAccess(r.dir))
	r.files, err = filepath.Abs(filepath.Join("testdata", "torture"))
	require.NoError(t, err)
	return r
}

// realHost is one of several real SSH servers on this machine; what is in /tmp
// of a host is in a directory of its own.
type realHost struct{ name, dir string }

func (h realHost) Name() string { return h.name }

func (h realHost) at(path string) string { return filepath.Join(h.dir, filepath.Base(path)) }

func (h realHost) ReadFile(path string) ([]byte, error) { return os.ReadFile(h.at(path)) }

func (h realHost) WriteFile(path string, data []byte, mode fs.FileMode) error {
	return os.WriteFile(h.at(path), data, mode)
}

// newRealWard has a dozen real SSH servers.
func newRealWard(t *testing.T) *ward {
	t.Helper()
	if err := sshdtest.Available(); err != nil {
		t.Skipf("left out: %v", err)
	}
	r := &ward{t: t, dir: t.TempDir()}
	var ini, known strings.Builder
	n := 0
	for _, g := range []struct {
		name, zone string
		hosts      int
	}{{"db", "a", 2}, {"web", "a", 3}, {"gate", "", 2}, {"kiosk", "", 5}} {
		fmt.Fprintf(&ini, "[%s]\n", g.name)
		for i := range g.hosts {
			n++
			s := sshdtest.Run(t, sshdtest.Config{Address: fmt.Sprintf("127.0.5.%d", n)})
			keys, err := os.ReadFile(s.KnownHosts)
			require.NoError(t, err)
			known.Write(keys)
			h := realHost{fmt.Sprint(g.name, i+1), t.TempDir()}
			r.hosts = append(r.hosts, h)
			fmt.Fprintf(&ini, "%s ansible_host=%s ansible_port=%d ansible_user=%s ansible_ssh_private_key_file=%s log=%s made_log=%s\n",
				h.name, s.Host, s.Port, s.User, s.Key, h.at("torture.log"), h.at("made.log"))
		}
	}
	knownFile := filepath.Join(r.dir, "known_hosts")
	fmt.Fprintf(&ini, "[all:vars]\nansible_ssh_common_args='-F none -o UserKnownHostsFile=%s'\n", knownFile)
	require.NoError(t, os.WriteFile(knownFile, []byte(known.String()), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, lab.InventoryFile), []byte(ini.String()), 0o600))
	var err error
	r.files, err = filepath.Abs(filepath.Join("testdata", "torture"))
	require.NoError(t, err)
	return r
}

// fresh makes the hosts as they were, and a new state directory.
func (r *ward) fresh() {
	r.t.Helper()
	r.state = r.t.TempDir()
	for _, h := range r.hosts {
		for _, file := range []string{"/tmp/torture.log", "/tmp/made.log"} {
			require.NoError(r.t, h.WriteFile(file, nil, 0o666))
		}
	}
}

// command is sunup as a process of its own.
func (r *ward) command(env string, args ...string) *exec.Cmd {
	cmd := exec.Command(selfAs(r.t, "sunup"), args...)
	cmd.Dir = r.files
	cmd.Env = append(os.Environ(), "SUNUP_LANG=en", "CI=1", "SUNUP_STATE="+r.state, "HOME="+r.state, env)
	return cmd
}

func (r *ward) run(env string) *exec.Cmd {
	return r.command(env, "run", "--output", "none", "--no-report", "-i", filepath.Join(r.dir, "inventory.yml"), "site.yml")
}

// ended waits for a command; killed tells whether it was killed.
func ended(t *testing.T, cmd *exec.Cmd, out fmt.Stringer, want int) (killed bool) {
	t.Helper()
	var exit *exec.ExitError
	err := cmd.Wait()
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return true
	}
	require.Equal(t, want, cmd.ProcessState.ExitCode(), "%s", out)
	return false
}

// wentWrong is what the record has of failures.
func (r *ward) wentWrong() string {
	s, err := store.Open(context.Background(), r.state, "")
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	runs, err := s.Runs(context.Background(), store.Filter{})
	if err != nil || len(runs) == 0 {
		return fmt.Sprint("no run: ", err)
	}
	var out strings.Builder
	names := map[int]string{}
	for e, err := range s.Events(context.Background(), runs[0].ID, 0) {
		if err != nil {
			return err.Error()
		}
		switch d := e.Data.(type) {
		case event.TaskStarted:
			names[d.Task] = d.Name
		case event.RunResumed, event.Warning:
			fmt.Fprintf(&out, "%d %s %+v\n", e.Seq, e.Type, d)
		case event.HostTaskEnded:
			if d.Outcome != event.OK && d.Outcome != event.Changed {
				fmt.Fprintf(&out, "%d %s %s on %s: %v %s\n", e.Seq, d.Outcome, names[d.Task], d.Host, d.Result.Values, d.Result.Why)
			}
		}
	}
	return out.String()
}

// start runs a command and keeps what it says.
func start(t *testing.T, cmd *exec.Cmd) fmt.Stringer {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	return &out
}

// left is what a run left: on record, and on the hosts.
type left struct {
	events  int
	ends    map[string]event.Outcome // by host and step; a step that ended twice has "twice"
	ran     map[string]int           // by host and command
	unsure  map[string]string        // by host and command: decisions about it
	outcome event.Outcome
	// skipped are hosts and plays with a step that was taken as done by decision:
	// what would have followed from its result (a handler, a rescue) did not.
	skipped  map[string]bool
	attempts int             // resumes
	made     map[string]bool // hosts whose made-up facts differ
}

func (r *ward) left() left {
	r.t.Helper()
	l := left{ends: map[string]event.Outcome{}, ran: map[string]int{}, unsure: map[string]string{}, skipped: map[string]bool{}, made: map[string]bool{}}
	s, err := store.Open(context.Background(), r.state, "")
	require.NoError(r.t, err)
	defer s.Close()
	runs, err := s.Runs(context.Background(), store.Filter{})
	require.NoError(r.t, err)
	require.Len(r.t, runs, 1)
	l.events, l.outcome = int(runs[0].Events), runs[0].Outcome
	l.readRecord(r.t, s, runs[0].ID)
	for _, h := range r.hosts {
		l.readHost(r.t, h)
	}
	return l
}

func (l *left) readRecord(t *testing.T, s *store.Store, id string) {
	t.Helper()
	starts := map[int]event.TaskStarted{}
	for e, err := range event.Settled(s.Events(context.Background(), id, 0)) {
		require.NoError(t, err)
		switch d := e.Data.(type) {
		case event.TaskStarted:
			_, twice := starts[d.Task]
			require.False(t, twice, "task %d announced twice", d.Task)
			starts[d.Task] = d
		case event.HostTaskEnded:
			start := starts[d.Task]
			key := fmt.Sprint(d.Host, " ", start.Play, " ", start.ID, " ", start.Name)
			if _, twice := l.ends[key]; twice {
				d.Outcome = "twice"
			}
			l.ends[key] = d.Outcome
		case event.RunResumed:
			l.attempts++
			for _, u := range d.Unknown {
				command := commandOf(starts[u.Task].Name, u)
				l.unsure[command] += u.Decision + " "
				if u.Decision == "skip" {
					l.skipped[fmt.Sprint(u.Host, " ", starts[u.Task].Play)] = true
				}
			}
		}
	}
}

// commandOf is the line that a step writes on its host.
func commandOf(task string, u event.Undecided) string {
	host := u.Host
	switch {
	case strings.HasPrefix(task, "p11."):
		host, task = "web1", task+"."+host // it is delegated
	case task == "p3.a":
		task += "." + []string{"x", "y"}[u.Item]
	case task == "restart web":
		task = "p2.handler"
	}
	return host + " " + task
}

func (l *left) readHost(t *testing.T, h tortured) {
	t.Helper()
	text, err := h.ReadFile("/tmp/torture.log")
	require.NoError(t, err)
	for _, line := range strings.Fields(string(text)) {
		l.ran[h.Name()+" "+line]++
	}
	made, err := h.ReadFile("/tmp/made.log")
	require.NoError(t, err)
	words := map[string]bool{}
	for _, w := range strings.Fields(string(made)) {
		words[w] = true
	}
	if len(words) > 1 {
		l.made[h.Name()] = true
	}
}

// check holds a run that was killed and resumed against one that was not.
func (l left) check(t *testing.T, whole left, about string) (unsure int) {
	t.Helper()
	require.Equal(t, event.OK, l.outcome, about)
	require.Empty(t, l.made, "%s: facts that were made up twice", about)
	for key, want := range whole.ends {
		if !l.skipped[hostAndPlay(key)] {
			require.Equal(t, want, l.ends[key], "%s: %s", about, key)
		}
	}
	for key, have := range l.ends {
		_, known := whole.ends[key]
		require.True(t, known && have != "twice", "%s: %s is %q", about, key, have)
	}
	for line, n := range l.ran {
		// Each decision to do it again is one more, and retry_safe one for each
		// attempt at the run.
		may := len(strings.Fields(l.unsure[line]))
		if strings.HasSuffix(line, " p7.b") {
			may = l.attempts
		}
		require.True(t, n >= 1 && n <= 1+may, "%s: %s ran %d times (%s)", about, line, n, l.unsure[line])
	}
	for line := range whole.ran {
		require.True(t, l.ran[line] > 0 || l.skipped[ofLine(line)], "%s: %s never ran", about, line)
	}
	return len(l.unsure)
}

// hostAndPlay are the first two words of a key.
func hostAndPlay(key string) string {
	words := strings.SplitN(key, " ", 3)
	return words[0] + " " + words[1]
}

// ofLine is the host and play of a command.
func ofLine(line string) string {
	host, command, _ := strings.Cut(line, " ")
	play, rest, _ := strings.Cut(strings.TrimPrefix(command, "p"), ".")
	if play == "11" {
		host = strings.TrimPrefix(rest, "a.")
	}
	n, err := strconv.Atoi(play)
	if err != nil {
		return ""
	}
	return fmt.Sprint(host, " ", n-1)
}

// resumed carries the run on, by one decision about what was under way.
func (r *ward) resumed(policy, env string) (killed bool) {
	r.t.Helper()
	cmd := r.command(env, "resume", "last", "--output", "none", "--unknown", policy)
	out := start(r.t, cmd)
	defer func() {
		if r.t.Failed() {
			r.t.Log(r.wentWrong())
		}
	}()
	return ended(r.t, cmd, out, exitOK)
}

// broken checks that the store tells the truth about a run that was killed.
func (r *ward) broken(about string) bool {
	r.t.Helper()
	s, err := store.Open(context.Background(), r.state, "")
	require.NoError(r.t, err)
	defer s.Close()
	runs, err := s.Runs(context.Background(), store.Filter{})
	require.NoError(r.t, err)
	if len(runs) == 0 || runs[0].Events == 0 {
		return false // it was killed before it said anything
	}
	if runs[0].State == store.Ended {
		return false // it was killed behind its end
	}
	require.Equal(r.t, store.Broken, runs[0].State, about)
	return true
}

// TestTorture kills a run of 12 plays on 40 hosts with SIGKILL: behind its
// events, one by one, and at random moments. After a resume every step has one
// final state, and every command was run once, unless it was under way at the
// kill. All events and 200 random kills are tried with SUNUP_TORTURE=full
// (make torture); otherwise a sample.
func TestTorture(t *testing.T) {
	full := os.Getenv("SUNUP_TORTURE") == "full"
	if testing.Short() && !full {
		t.Skip("left out with -short: a minute of processes that are killed")
	}
	share, random := 12, 6
	if full {
		share, random = 0, 200
	}
	newWard(t).torture(share, random)
}

// TestTortureOfRealHosts does the same on real SSH servers: the commands are
// real processes that outlive the controller's death.
func TestTortureOfRealHosts(t *testing.T) {
	full := os.Getenv("SUNUP_TORTURE") == "full"
	if testing.Short() && !full {
		t.Skip("left out with -short: real servers and processes that are killed")
	}
	share, random := 4, 2
	if full {
		share, random = 60, 20
	}
	newRealWard(t).torture(share, random)
}

// torture kills runs behind as many events as share says, spread over the run
// (0: behind every one), and at random moments.
func (r *ward) torture(share, random int) {
	t := r.t
	t.Helper()
	r.fresh()
	began := time.Now()
	cmd := r.run("")
	out := start(t, cmd)
	require.False(t, ended(t, cmd, out, exitOK))
	took := time.Since(began)
	whole := r.left()
	for line, n := range whole.ran {
		require.Equal(t, 1, n, line)
	}
	t.Logf("uncut: %d events, %d final states, %d commands on %d hosts, %s", whole.events, len(whole.ends), len(whole.ran), len(r.hosts), took.Round(time.Millisecond))
	policies := []string{"rerun", "skip"}
	every := 1
	if share > 0 {
		every = max(whole.events/share, 1)
	}
	kills, unsure := 0, 0
	for k := 1 + rand.IntN(every); k < whole.events; k += every {
		about := fmt.Sprintf("killed after event %d", k)
		r.fresh()
		cmd := r.run(killAfter + "=" + strconv.Itoa(k))
		out := start(t, cmd)
		require.True(t, ended(t, cmd, out, exitOK), "%s: it was not", about)
		require.True(t, r.broken(about), about)
		policy := policies[rand.IntN(2)]
		require.False(t, r.resumed(policy, ""), about)
		unsure += r.left().check(t, whole, about)
		kills++
		if kills%50 == 0 {
			t.Logf("%d kills, the last behind event %d", kills, k)
		}
	}
	t.Logf("killed behind an event: %d times of %d, resumed, all as uncut; %d steps were under way", kills, whole.events, unsure)
	r.random(whole, random, took, policies)
}

// random kills at moments of chance, the resumed runs too.
func (r *ward) random(whole left, times int, took time.Duration, policies []string) {
	t := r.t
	t.Helper()
	kills, unsure := 0, 0
	for i := range times {
		about := fmt.Sprintf("random kill %d", i)
		r.fresh()
		policy := policies[i%2]
		if !r.killSoon(r.run(""), took) {
			continue
		}
		kills++
		if !r.broken(about) {
			continue
		}
		if i%3 == 0 { // the resume is killed too
			if !r.killSoon(r.command("", "resume", "last", "--output", "none", "--unknown", policy), took) {
				unsure += r.left().check(t, whole, about)
				continue
			}
			kills++
			if !r.broken(about) {
				continue
			}
		}
		require.False(t, r.resumed(policy, ""), about)
		unsure += r.left().check(t, whole, about)
	}
	t.Logf("killed at random: %d times, resumed, all as uncut; %d steps were under way", kills, unsure)
}

// killSoon kills a command within the time that it takes; false when it was
// faster.
func (r *ward) killSoon(cmd *exec.Cmd, took time.Duration) bool {
	r.t.Helper()
	out := start(r.t, cmd)
	time.Sleep(time.Duration(rand.Int64N(int64(took))))
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		require.NoError(r.t, err)
	}
	return ended(r.t, cmd, out, exitOK)
}
