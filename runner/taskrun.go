package runner

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/modules"
	"sunup/playbooks"
)

// taskRun is one task of a play while it runs on hosts.
type taskRun struct {
	play   *playRun
	task   *playbooks.Task
	plan   *taskPlan
	number int // of the announcement
}

// taskEnd is how a task ended on one host.
type taskEnd struct {
	host     *host
	outcome  event.Outcome
	result   *value.Dict
	includes []includeRequest
	task     int   // its announcement
	seq      int64 // of the event that told it; 0 when none did
	ordered  bool  // an order cut it off
	gifts    []func(to *host)
	// why says what went wrong, as far as it may be shown.
	why say.Text
}

// counts is the outcome as people count: a host whose answer was lost is one
// that cannot be reached, and nothing rescues it.
func (e *taskEnd) counts() event.Outcome {
	if e.outcome == event.Unknown && truthAt(e.result, "unreachable") {
		return event.Unreachable
	}
	return e.outcome
}

// announcements are the tasks of a play that were announced, with their
// numbers. Lanes of a play share them.
type announcements struct {
	mu      sync.Mutex
	numbers map[*playbooks.Task]int
	// once: a task is announced once for the play, not once per batch.
	once bool
}

// announce says that a task begins: once per batch in the linear strategy, as
// Ansible does, otherwise once per play.
func (p *playRun) announce(task *playbooks.Task, hosts ...*host) *taskRun {
	on := hosts[0]
	t := &taskRun{play: p, task: task, plan: p.run.plan(task)}
	a := p.announced
	a.mu.Lock()
	defer a.mu.Unlock()
	number, told := a.numbers[task]
	if told && (a.once || p.settings.strategy != "linear") {
		t.number = number
		return t
	}
	if t.number = p.run.Journal.numberFor(taskKey{p.number, task.ID}, hosts); t.number != 0 {
		a.numbers[task] = t.number // the record has it
		return t
	}
	t.number = int(p.run.tasks.Add(1))
	a.numbers[task] = t.number
	p.run.stream.emit(t.startEvent(on))
	return t
}

func (t *taskRun) startEvent(on *host) event.TaskStarted {
	p := t.play
	e := event.TaskStarted{
		Play: p.number, Task: t.number, ID: t.task.ID, Module: t.moduleName(on), Action: t.task.Action,
		Pos: t.task.Scope.Pos, Handler: t.task.IsHandler, Section: p.cursors[on].part(), Check: p.run.Check,
	}
	if check, err := t.settings(on, nil).bool("check_mode", e.Check); err == nil {
		e.Check = check // what cannot be evaluated is told when the task runs
	}
	e.Name = t.shownName(on)
	if len(t.plan.roles) > 0 {
		e.Role = t.plan.roles[0].Name
	}
	return e
}

// moduleName is the module's full name; that of a template is evaluated for the
// first host.
func (t *taskRun) moduleName(on *host) string {
	if t.task.Module != "" || !jinja.HasTemplate(t.task.Action) {
		return t.task.Module
	}
	ctx := t.play.ctx
	name, err := t.play.run.Templar.Text(ctx, t.play.scopeFor(ctx, on, t.plan), t.task.Action)
	if err != nil {
		return ""
	}
	if m := t.play.run.Modules(strings.TrimSpace(name)); m != nil {
		return m.Name
	}
	return name
}

// title is the task's name with what can be evaluated for the first host.
func (t *taskRun) title(on *host) string {
	if t.task.Name == "" {
		if t.task.Include == nil || t.task.Include.Kind != playbooks.IncludeRole {
			return t.task.Action
		}
		role := cmp.Or(t.task.Args.At("name"), t.task.Args.At("role"))
		return fmt.Sprintf("%s : %v", t.task.Action, role)
	}
	ctx := t.play.ctx
	text, err := t.play.run.Templar.Text(ctx, t.play.scopeFor(ctx, on, t.plan), t.task.Name)
	if err != nil {
		return t.task.Name
	}
	return text
}

// shownName is the title with the role's name before it; an include_role has
// the name of the role that it includes instead.
func (t *taskRun) shownName(on *host) string {
	if t.task.Include != nil && t.task.Include.Kind == playbooks.IncludeRole {
		return t.title(on)
	}
	return roleTitle(t.plan, t.title(on))
}

// roleTitle puts the role's name before a task's.
func roleTitle(plan *taskPlan, title string) string {
	if len(plan.roles) == 0 {
		return title
	}
	return plan.roles[0].Name + " : " + title
}

// onHosts runs the task on the hosts at once and waits for all; an entry is
// nil when the run was stopped before that host began.
func (t *taskRun) onHosts(hosts []*host) []*taskEnd {
	ends := make([]*taskEnd, len(hosts))
	set := t.settings(hosts[0], nil)
	once, err := set.bool("run_once", t.plan.module != nil && t.plan.module.OncePerPlay)
	throttle, err2 := set.number("throttle", 0)
	if err != nil || err2 != nil {
		// Both are evaluated again, and told, on each host.
		once, throttle = false, 0
	}
	if once {
		t.onceForAll(hosts, ends)
		return ends
	}
	p := t.play
	p.run.pool.each(p.ctx, hosts, p.throttles.of(t.task, int(throttle)), func(i int, h *host) {
		if !p.run.cancel.stopped() {
			ends[i] = t.onHost(h)
		}
	})
	return ends
}

// onceForAll runs the task on the first host and gives all the others what it
// left: variables, facts, and a failure too.
func (t *taskRun) onceForAll(hosts []*host, ends []*taskEnd) {
	at := t.doer(hosts)
	t.play.run.pool.each(t.play.ctx, hosts[at:at+1], nil, func(_ int, h *host) { ends[at] = t.onHost(h) })
	doer := ends[at]
	if doer == nil || doer.ordered {
		return // another host does it
	}
	t.share(doer)
	for i, h := range hosts {
		if i == at {
			continue
		}
		// An include is for the host that asked for it alone.
		other := &taskEnd{host: h, outcome: doer.outcome, result: doer.result, why: doer.why}
		if doer.outcome == event.Unreachable || doer.outcome == event.Unknown {
			// Only the host that was asked is gone; for the others the task failed.
			other.outcome = event.Failed
		}
		ends[i] = other
	}
}

// share gives all hosts of the batch, wherever they stand, what the one that did
// the task got.
func (t *taskRun) share(doer *taskEnd) {
	for _, h := range t.play.batchHosts() {
		if h == doer.host || h.unreachable() {
			continue
		}
		t.execution(h).remember(doer.result)
		for _, give := range doer.gifts {
			give(h)
		}
	}
}

// doer is the place of the host that does a task for all: the one that did it
// before the run broke, else the first.
func (t *taskRun) doer(hosts []*host) int {
	for i, h := range hosts {
		if t.play.run.Journal.peek(stepKey{taskKey{t.play.number, t.task.ID}, h.name}) != nil {
			return i
		}
	}
	return 0
}

func (t *taskRun) onHost(h *host) *taskEnd {
	h.working.Lock()
	taken := false // by a gathering, which gives the host back
	defer func() {
		if !taken {
			h.working.Unlock()
		}
	}()
	if t.task.IsHandler {
		h.clearNotified(t.task.ID)
	}
	x := t.execution(h)
	x.recollect()
	if x.step == nil && !t.play.run.Journal.mayBegin(h.name) {
		return leftOut(h, func(h *host) { h.ended = true })
	}
	if order := t.play.run.Journal.ordered(h.name); order != "" && x.past == nil {
		return leftOut(h, func(h *host) { h.aside, h.skipped = order == OrderQuarantine, order == OrderSkip })
	}
	if x.past == nil && !t.play.run.hold(x.ctx) {
		return nil
	}
	ctx, cancel := context.WithCancel(x.ctx)
	defer cancel()
	x.ctx = ctx
	t.play.run.helm.enter(x, cancel)
	defer t.play.run.helm.leave(x)
	if h.out() {
		cancel() // an order came before the work
	}
	end := x.run()
	taken = x.beginGathering(end)
	return end
}

// leftOut is the end of a host that a resume does nothing new on.
func leftOut(h *host, mark func(*host)) *taskEnd {
	h.mark(mark)
	return &taskEnd{host: h, outcome: event.Cancelled, result: &value.Dict{}}
}

// settings reads keywords for a host; a nil scope is the task's own.
func (t *taskRun) settings(h *host, scope *vars.Scope) settings {
	if scope == nil {
		scope = t.play.scopeFor(t.play.ctx, h, t.plan)
	}
	return settings{ctx: t.play.ctx, templar: t.play.run.Templar, plan: t.plan, scope: scope}
}

// execution is one task on one host.
type execution struct {
	*taskRun
	ctx   context.Context
	run_  *Run
	host  *host
	scope *vars.Scope // without loop variables
	began time.Time

	module   *modules.Module // the one that was called
	attempts int
	resent   int // times that it was sent again after a lost connection
	delegate string
	includes []includeRequest
	secrets  []string    // values of arguments that must not be shown
	args     *value.Dict // of the last call
	diffs    []event.Diff
	// tainted: text from a host or a lookup went into the arguments.
	tainted bool
	// texts are the arguments that are text by decree (see vars.Scope.IsText).
	texts []string
	// vaulted are the arguments that were written encrypted, as written.
	vaulted map[string]value.Vaulted
	// hidden: the module asked that nothing of its result is shown.
	hidden bool
	// asWritten is the task before the person at the debugger changed it; nil when
	// they did not.
	asWritten *playbooks.Task
	// held: the person at the debugger saw the result.
	held bool
	// aborts: the run ends with it, for a mistake of the playbook.
	aborts bool
	// intended: it was told that the task begins on the host.
	intended atomic.Bool
	// given is how variables that the module gave are kept, for the record.
	given *event.Given
	// gifts are the variables and facts that the module gave the host.
	gifts []func(to *host)
	// why says in a person's words why the outcome is not known.
	why say.Text
	fix say.Text // and what to do about it, when that is not to look at the host

	item int // of the loop
	// step is what the record of a resumed run has of this task; past is how it
	// ended there. Recalled: the result is the recorded one.
	step     *pastStep
	past     *event.HostTaskEnded
	recalled bool
	job      string // that the task started in the background before the run broke
}

func (t *taskRun) execution(h *host) *execution {
	return &execution{
		taskRun: t, ctx: t.play.ctx, run_: t.play.run, host: h,
		scope: t.play.scopeFor(t.play.ctx, h, t.plan), began: t.play.run.Now(),
		secrets: slices.Clip(t.play.run.askedSecrets),
	}
}
