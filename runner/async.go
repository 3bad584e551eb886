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
	"sunup/internal/event"
	"sunup/internal/value"
	"sunup/modules"
)

// jobs are the tasks that were sent to the background with async. They go on
// here while the play does; a run ends when all of them have.
type jobs struct {
	mu   sync.Mutex
	byID map[string]*job
	// orphans were begun before the run broke: the functions carry them on.
	orphans map[string]func()
	wg      sync.WaitGroup
}

// job is one task on one host in the background.
type job struct {
	host, id string
	dir      string // where Ansible would keep it
	// lasting: the command outlives the run on its host.
	lasting bool
	cancel  context.CancelFunc
	done    chan struct{}
	result  *value.Dict // once done is closed
	// clean removes what the job left on its host; may be nil.
	clean func()
}

func (j *job) finished() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// asyncStatus is the module that asks for jobs.
const asyncStatus = "ansible.builtin.async_status"

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
func (x *execution) background(t target, m *modules.Module, c *boundCall, seconds, poll float64) (result *value.Dict, ran bool) {
	if refusesAsync[m.Name] {
		return failure("async is not supported for this task."), false
	}
	if c.call.Check {
		return value.NewDict("failed", true, "msg", "check mode and async cannot be used on same task.", "changed", false), false
	}
	// The job outlives the task, but not the play's context.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), time.Duration(seconds*float64(time.Second)))
	stop := context.AfterFunc(x.play.ctx, cancel)
	j := x.run_.jobs.begin(x.host.name, x.job, cancel)
	j.dir = x.asyncDir()
	begun := make(chan struct{})
	c.call.Background = true
	named := ""
	if outlives[m.Name] && c.call.Conn != nil {
		named, j.lasting = j.id, poll <= 0
		l := lasting{
			Conn: c.call.Conn, id: j.id, seconds: int(seconds), dir: x.asyncDir(),
			keep: x.run_.Commit != nil, begun: sync.OnceFunc(func() { close(begun) }),
		}
		c.call.Conn = l
		if l.keep {
			j.clean = l.remove
		}
	}
	if err := x.intend(c.call, named); err != nil {
		x.run_.jobs.end(j, failure("%v", err))
		stop()
		cancel()
		return x.hostError(c, err)
	}
	go func() {
		defer stop()
		defer cancel()
		x.run_.jobs.end(j, x.work(ctx, t, m, c))
	}()
	if named != "" {
		// That it began is on record only when it has.
		select {
		case <-begun:
		case <-j.done:
		}
	}
	started := value.NewDict("started", 1, "finished", 0, "ansible_job_id", j.id, "results_file", x.resultsFile(j), "changed", true)
	if poll <= 0 {
		return started, true
	}
	x.run_.pool.give()
	x.poll(ctx, j, time.Duration(poll*float64(time.Second)))
	x.run_.pool.slots <- struct{}{}
	if !j.finished() {
		return value.NewDict("failed", true, "changed", false, "msg", fmt.Sprintf("async task did not complete within the requested time - %ds", int(seconds)),
			"async_result", started), true
	}
	out := j.result.Copy()
	out.Set("ansible_job_id", j.id)
	out.Set("started", 1)
	out.Set("finished", 1)
	out.Set("results_file", x.resultsFile(j))
	return out, true
}

// poll waits for a job, and says at each interval that it has not ended.
func (x *execution) poll(ctx context.Context, j *job, interval time.Duration) {
	turn := time.NewTicker(max(interval, time.Second/10))
	defer turn.Stop()
	for {
		select {
		case <-j.done:
			return
		case <-ctx.Done():
			return
		case <-turn.C:
			x.run_.stream.emit(event.JobPolled{Task: x.number, Host: x.host.name, Job: j.id})
		}
	}
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
//
// It is begun in one exchange and waited for in another. Beginning a job that
// its host knows already does nothing: a run that is resumed can ask again.
type lasting struct {
	connection.Conn
	id, dir string
	seconds int
	// keep: what the job left stays on the host when it has been read, until
	// the run ends: its result may not be on record yet.
	keep  bool
	begun func()
}

// Exec runs the command in a session of its own.
func (l lasting) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	if cmd.Stdin != nil || cmd.Raw {
		return l.Conn.Exec(ctx, cmd)
	}
	shell := cmp.Or(cmd.Executable, "/bin/sh")
	inner := fmt.Sprintf(`$1 %s -c %s >"$0/stdout" 2>"$0/stderr"; echo $? >"$0/ended"; mv "$0/ended" "$0/rc"`, quoted(shell), quoted(cmd.Script))
	begin := cmd
	begin.Executable = ""
	begin.Script = fmt.Sprintf(`d=%s
if [ -d "$d" ]; then exit 0; fi
mkdir -p "$d" || exit 1
s=; t=
if command -v setsid >/dev/null 2>&1; then s=setsid; fi
if command -v timeout >/dev/null 2>&1; then t='timeout -k 5 %d'; fi
($s /bin/sh -c %s "$d" "$t" </dev/null >/dev/null 2>&1 &)
`, l.place(), l.seconds, quoted(inner))
	if out, err := l.Conn.Exec(ctx, begin); err != nil || out.Code != 0 {
		return out, err
	}
	l.begun()
	cmd.Executable, cmd.Script = "", fmt.Sprintf(`d=%s
while [ ! -f "$d/rc" ]; do sleep 0.2 2>/dev/null || sleep 1; done
cat "$d/stdout"
cat "$d/stderr" >&2
r=$(cat "$d/rc")
%s
exit "$r"
`, l.place(), l.afterwards())
	return l.Conn.Exec(ctx, cmd)
}

// place is the job's directory on its host, for a script.
func (l lasting) place() string { return homePath(l.dir) + "/" + l.id }

func (l lasting) afterwards() string {
	if l.keep {
		return ":"
	}
	return `rm -rf "$d"`
}

// cleanLimit is how long removing a job's files may take at the end of a run.
const cleanLimit = 5 * time.Second

// remove takes the job's files off its host. What cannot be removed stays: it
// does no harm.
func (l lasting) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), cleanLimit)
	defer cancel()
	_, _ = l.Conn.Exec(ctx, connection.Command{Script: "rm -rf " + l.place()})
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// homePath quotes a path, but for a tilde at its start.
func homePath(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return "~/" + quoted(rest)
	}
	return quoted(path)
}

// begin makes a job; an empty id makes a new one.
func (js *jobs) begin(host, id string, cancel context.CancelFunc) *job {
	js.mu.Lock()
	defer js.mu.Unlock()
	if js.byID == nil {
		js.byID = map[string]*job{}
	}
	j := &job{host: host, id: id, cancel: cancel, done: make(chan struct{})}
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

// orphan remembers a job that was begun before the run broke.
func (js *jobs) orphan(host, id string, carryOn func()) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if js.orphans == nil {
		js.orphans = map[string]func(){}
	}
	js.orphans[host+"\x00"+id] = carryOn
}

// adopt carries on a job that was begun before the run broke.
func (js *jobs) adopt(key string) {
	js.mu.Lock()
	carryOn := js.orphans[key]
	delete(js.orphans, key)
	js.mu.Unlock()
	if carryOn != nil {
		carryOn()
	}
}

// carryOn waits again for a job that this task began before the run broke. A
// command runs on its host by itself, and is asked for; the work of any other
// module ended with us, and is done again when that does no harm.
func (x *execution) carryOn(id string) {
	x.job, x.ctx = id, x.play.ctx
	if result := x.begunAgain(); result != nil {
		_, cancel := context.WithCancel(x.ctx)
		cancel()
		x.run_.jobs.end(x.run_.jobs.begin(x.host.name, id, cancel), result)
	}
}

// begunAgain begins the job; a result says why it cannot be.
func (x *execution) begunAgain() *value.Dict {
	set := x.settings(x.host, x.scope)
	target, err := x.target(x.scope, set)
	if err != nil {
		return failure("%v", err)
	}
	in, err := x.arguments(x.scope, x.module)
	if err != nil {
		return x.argumentError(err)
	}
	args, err := x.module.Validate(x.task.Action, in)
	if err != nil {
		return failure("%v", err)
	}
	c, cancel, err := x.moduleCall(x.scope, set, x.module, target, args)
	if err != nil {
		return failure("%v", err)
	}
	_ = cancel // the job has a time of its own
	if !outlives[x.module.Name] && !x.mayRepeat(c.call) {
		return failure("the run broke while this job was under way; whether it was carried out is not known")
	}
	seconds, err := set.number("async", 0)
	if err != nil {
		return failure("%v", err)
	}
	x.background(target, x.module, c, seconds, 0)
	return nil
}

// wait returns when every job has ended, each bounded by its async; those that
// outlive the run are left to their hosts.
func (js *jobs) wait() {
	js.mu.Lock()
	var ended []*job
	for _, j := range js.byID {
		if j.lasting && !j.finished() {
			j.cancel()
			continue
		}
		ended = append(ended, j)
	}
	js.mu.Unlock()
	js.wg.Wait()
	for _, j := range ended {
		if j.clean != nil {
			js.wg.Add(1)
			go func() { defer js.wg.Done(); j.clean() }()
		}
	}
	js.wg.Wait()
}

// Job answers async_status: what is known of a job of this host. It implements
// modules.JobKeeper.
func (c *controller) Job(id string, forget bool) (result *value.Dict, finished, known bool) {
	js := &c.x.run_.jobs
	key := c.x.host.name + "\x00" + id
	js.adopt(key)
	js.mu.Lock()
	defer js.mu.Unlock()
	j := js.byID[key]
	if j == nil || j.dir != "" && j.dir != c.x.asyncDir() {
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
