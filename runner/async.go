package runner

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"sunup/internal/connection"
	"sunup/internal/value"
	"sunup/modules"
)

// jobs are the tasks that were sent to the background with async. They go on
// here while the play does; a run ends when all of them have.
type jobs struct {
	mu   sync.Mutex
	byID map[string]*job
	wg   sync.WaitGroup
}

// job is one task on one host in the background.
type job struct {
	host, id string
	// lasting: the command outlives the run on its host.
	lasting bool
	cancel  context.CancelFunc
	done    chan struct{}
	result  *value.Dict // once done is closed
}

func (j *job) finished() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// refusesAsync are the modules that cannot be sent to the background: the
// controller does part of their work.
var refusesAsync = fullNames("add_host assemble assert copy debug fail fetch group_by include_vars pause raw reboot script set_fact set_stats template unarchive wait_for_connection validate_argument_spec")

func fullNames(words string) map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields(words) {
		out["ansible.builtin."+n] = true
	}
	return out
}

// background sends a call to the background when the task has async, and
// returns what is known of it: that it began, or with poll its result.
func (x *execution) background(t target, m *modules.Module, c *boundCall, seconds, poll float64) *value.Dict {
	if refusesAsync[m.Name] {
		return failure("async is not supported for this task.")
	}
	if c.call.Check {
		return value.NewDict("failed", true, "msg", "check mode and async cannot be used on same task.", "changed", false)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), time.Duration(seconds*float64(time.Second)))
	stop := context.AfterFunc(x.ctx, cancel)
	j := x.run_.jobs.begin(x.host.name, cancel)
	if outlives[m.Name] && c.call.Conn != nil {
		j.lasting = poll <= 0
		c.call.Conn = lasting{Conn: c.call.Conn, id: j.id, seconds: int(seconds), dir: x.asyncDir()}
	}
	go func() {
		defer stop()
		defer cancel()
		x.run_.jobs.end(j, x.work(ctx, t, m, c))
	}()
	started := value.NewDict("started", 1, "finished", 0, "ansible_job_id", j.id, "results_file", x.resultsFile(j), "changed", true)
	if poll <= 0 {
		return started
	}
	x.run_.pool.give()
	select {
	case <-j.done:
	case <-ctx.Done():
	}
	x.run_.pool.slots <- struct{}{}
	if !j.finished() {
		return value.NewDict("failed", true, "changed", false, "msg", fmt.Sprintf("async task did not complete within the requested time - %ds", int(seconds)),
			"async_result", started)
	}
	out := j.result.Copy()
	out.Set("ansible_job_id", j.id)
	out.Set("started", 1)
	out.Set("finished", 1)
	out.Set("results_file", x.resultsFile(j))
	return out
}

// work is the call itself, and its result in the form of any other.
func (x *execution) work(ctx context.Context, t target, m *modules.Module, c *boundCall) *value.Dict {
	result, err := m.Run(ctx, c.call)
	if err != nil {
		if ctx.Err() != nil {
			return failure("Timeout exceeded")
		}
		return failure("%v", err)
	}
	d := x.digest(t, result, c.call)
	withLines(d)
	return d
}

// resultsFile is where Ansible keeps the result on the host; here it names the
// job only.
func (x *execution) resultsFile(j *job) string {
	return x.asyncDir() + "/" + j.id
}

// asyncDir is where jobs are kept on the host.
func (x *execution) asyncDir() string {
	if v, ok, _, err := x.scope.Lookup("ansible_async_dir"); ok && err == nil {
		return value.Str(v)
	}
	return "~/.ansible_async"
}

// outlives are the modules whose work goes on when the run has ended, as
// Ansible leaves it: a server started by `shell` with poll: 0 is meant to stay.
var outlives = fullNames("command shell")

// lasting runs a command apart from the connection and waits for it: when the
// connection ends, only the waiting does.
type lasting struct {
	connection.Conn
	id, dir string
	seconds int
}

// Exec runs the command in a session of its own.
func (l lasting) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	if cmd.Stdin != nil || cmd.Raw {
		return l.Conn.Exec(ctx, cmd)
	}
	shell := cmp.Or(cmd.Executable, "/bin/sh")
	inner := fmt.Sprintf(`$1 %s -c %s >"$0/stdout" 2>"$0/stderr"; echo $? >"$0/ended"; mv "$0/ended" "$0/rc"`, quoted(shell), quoted(cmd.Script))
	cmd.Executable = ""
	cmd.Script = fmt.Sprintf(`d=%s/%s
mkdir -p "$d" || exit 1
s=; t=
if command -v setsid >/dev/null 2>&1; then s=setsid; fi
if command -v timeout >/dev/null 2>&1; then t='timeout -k 5 %d'; fi
($s /bin/sh -c %s "$d" "$t" </dev/null >/dev/null 2>&1 &)
while [ ! -f "$d/rc" ]; do sleep 0.2 2>/dev/null || sleep 1; done
cat "$d/stdout"
cat "$d/stderr" >&2
r=$(cat "$d/rc")
rm -rf "$d"
exit "$r"
`, homePath(l.dir), l.id, l.seconds, quoted(inner))
	return l.Conn.Exec(ctx, cmd)
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// homePath quotes a path, but for a tilde at its start.
func homePath(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return "~/" + quoted(rest)
	}
	return quoted(path)
}

func (js *jobs) begin(host string, cancel context.CancelFunc) *job {
	js.mu.Lock()
	defer js.mu.Unlock()
	if js.byID == nil {
		js.byID = map[string]*job{}
	}
	j := &job{host: host, cancel: cancel, done: make(chan struct{})}
	for j.id == "" || js.byID[host+"\x00"+j.id] != nil {
		j.id = fmt.Sprintf("j%d.%d", rand.Int64N(1_000_000_000_000), os.Getpid())
	}
	js.byID[host+"\x00"+j.id] = j
	js.wg.Add(1)
	return j
}

func (js *jobs) end(j *job, result *value.Dict) {
	j.result = result
	close(j.done)
	js.wg.Done()
}

// wait returns when every job has ended, each bounded by its async; those that
// outlive the run are left to their hosts.
func (js *jobs) wait() {
	js.mu.Lock()
	for _, j := range js.byID {
		if j.lasting {
			j.cancel()
		}
	}
	js.mu.Unlock()
	js.wg.Wait()
}

// Job answers async_status: what is known of a job of this host. It implements
// modules.JobKeeper.
func (c *controller) Job(id string, forget bool) (result *value.Dict, finished, known bool) {
	js := &c.x.run_.jobs
	js.mu.Lock()
	defer js.mu.Unlock()
	key := c.x.host.name + "\x00" + id
	j := js.byID[key]
	if j == nil {
		return nil, false, false
	}
	if forget {
		delete(js.byID, key)
	}
	if !j.finished() {
		return nil, false, true
	}
	return j.result.Copy(), true, true
}
