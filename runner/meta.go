package runner

import (
	"errors"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/playbooks"
)

// metaModule is the module of the engine's own words.
const metaModule = "ansible.builtin.meta"

// metaAction is one of the engine's own words.
type metaAction struct {
	do func(p *playRun, t *playbooks.Task, h *host)
	// done and skipped are what Ansible says afterwards; a %s in them is the host.
	done, skipped string
	// forAll: in lockstep it is done once for all hosts.
	forAll bool
	// always: it knows no conditions.
	always bool
}

// metaActions lists what meta can do.
var metaActions = map[string]metaAction{
	"noop":              {do: func(*playRun, *playbooks.Task, *host) {}, done: "noop", always: true},
	"flush_handlers":    {do: (*playRun).flushHandlers, done: "triggered running handlers for %s", skipped: ", not running handlers for %s"},
	"clear_facts":       {do: (*playRun).clearFacts, done: "facts cleared", skipped: ", not clearing facts and fact cache for %s", forAll: true},
	"clear_host_errors": {do: (*playRun).clearErrors, done: "cleared host errors", skipped: ", not clearing host error state for %s", forAll: true},
	"end_play":          {do: (*playRun).endPlay, done: "ending play", skipped: ", continuing play", forAll: true},
	"end_batch":         {do: (*playRun).endBatch, done: "ending batch", skipped: ", continuing current batch", forAll: true},
	"end_host":          {do: (*playRun).endHost, done: "ending play for %s", skipped: ", continuing execution for %s"},
	"reset_connection":  {do: (*playRun).resetConnection, done: "reset connection", always: true},
	"refresh_inventory": {do: (*playRun).refreshInventory, done: "inventory successfully refreshed", forAll: true, always: true},
	"role_complete":     {do: (*playRun).roleComplete, done: "role_complete"},
}

// meta carries out one of the engine's words on the hosts.
func (p *playRun) meta(task *playbooks.Task, hosts []*host) {
	action := value.Str(task.Args.At("_raw_params"))
	m, known := metaActions[action]
	if !known {
		p.run.stream.warn("", say.T("meta: '%s' is not known and does nothing", "meta: '%s'{은/는} 알 수 없는 동작이라 건너뜁니다", action))
	}
	for _, h := range hosts {
		p.cursors[h].advance()
	}
	for _, h := range hosts {
		if known {
			p.metaOn(task, m, action, h)
		}
		if m.forAll && !task.IsHandler {
			break
		}
	}
	for _, h := range hosts {
		p.lookUp(h, p.cursors[h])
	}
}

// metaOn carries it out on one host and says so.
func (p *playRun) metaOn(task *playbooks.Task, m metaAction, action string, h *host) {
	if task.IsHandler {
		h.clearNotified(task.ID)
		if action == "flush_handlers" {
			p.run.cancel.abort(errors.New("flush_handlers cannot be used as a handler"))
			return
		}
	}
	yes, err := true, error(nil)
	if m.always && len(task.When) > 0 {
		p.run.stream.warn("", say.Plain(action+" task does not support when conditional"))
	}
	if !m.always {
		yes, err = p.metaApplies(task, h)
	}
	if err != nil {
		p.metaFailed(task, h, err)
		return
	}
	p.tellMeta(task, m, action, h, yes)
	if yes {
		m.do(p, task, h)
	}
}

// tellMeta says what a meta task of the author's did.
func (p *playRun) tellMeta(task *playbooks.Task, m metaAction, action string, h *host, done bool) {
	if task.Implicit {
		return
	}
	fill := func(text string) string { return strings.ReplaceAll(text, "%s", h.name) }
	e := event.Meta{
		Play: p.number, ID: task.ID, Action: action, Pos: task.Scope.Pos, Host: h.name,
		Handler: task.IsHandler, Done: fill(m.done), Name: (&taskRun{play: p, task: task, plan: p.run.plan(task)}).shownName(h),
	}
	if !done {
		e.Done = action
		if action == "end_host" { // the one word that says more
			e.Done += fill(" conditional evaluated to false" + m.skipped)
		}
		e.Skipped = action + " conditional evaluated to False" + fill(m.skipped)
	}
	p.run.stream.emit(e)
}

// metaApplies evaluates the conditions of a meta task.
func (p *playRun) metaApplies(task *playbooks.Task, h *host) (bool, error) {
	if task.Implicit {
		return true, nil
	}
	plan := p.run.plan(task)
	scope := p.scopeFor(p.ctx, h, plan)
	for _, cond := range plan.when {
		ok, err := p.run.Templar.Truth(p.ctx, scope, cond)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// metaFailed tells a meta task that could not be decided as a failed task.
func (p *playRun) metaFailed(task *playbooks.Task, h *host, err error) {
	t := p.announce(task, h)
	x := t.execution(h)
	x.recollect()
	end := x.conclude(failure("%v", err))
	p.cursors[h].stack[len(p.cursors[h].stack)-1].index--
	p.settleHost(h, end)
}

func (p *playRun) finish(set func()) {
	p.mu.Lock()
	set()
	p.mu.Unlock()
	p.run.outages.wake()
}

// flushHandlers puts the handlers that the host was told of before what comes
// next.
func (p *playRun) flushHandlers(_ *playbooks.Task, h *host) {
	if p.handlers() == nil || !p.anyNotified(h) {
		return
	}
	p.cursors[h].push(frame{block: p.handlers(), handlers: true, part: event.Handlers})
}

// clearFacts forgets what all hosts of the play were found or told to be.
func (p *playRun) clearFacts(_ *playbooks.Task, _ *host) {
	for _, h := range p.hosts {
		h.facts.Clear()
		h.set.Clear()
		h.mark(func(h *host) { h.gathered = false })
		h.kept.forget(h)
	}
}

func (p *playRun) endPlay(*playbooks.Task, *host) { p.finish(func() { p.playDone = true }) }

func (p *playRun) endBatch(*playbooks.Task, *host) { p.finish(func() { p.batchDone = true }) }

func (p *playRun) clearErrors(*playbooks.Task, *host) {
	for _, h := range p.hosts {
		h.mark(func(h *host) { h.failed, h.lost, h.doomed, h.forgiven = false, false, false, h.recap })
		if c := p.cursors[h]; c != nil {
			c.forgive()
		}
	}
}

func (p *playRun) endHost(_ *playbooks.Task, h *host) {
	h.mark(func(h *host) { h.ended = true })
	p.cursors[h].end()
}

func (p *playRun) resetConnection(_ *playbooks.Task, h *host) {
	if err := p.run.reset(p.ctx, h.name); err != nil {
		p.run.stream.warn(h.name, say.Plain(err.Error()))
	}
}

func (p *playRun) refreshInventory(*playbooks.Task, *host) {
	p.run.refreshInventory()
}

// roleBegan remembers that the host was not passed over by all tasks of a role.
func (p *playRun) roleBegan(t *playbooks.Task, h *host) {
	if role := roleKeyOf(&t.Scope); role != "" {
		p.finish(func() { p.rolesBegun[roleDone{h, role}] = true })
	}
}

// roleComplete remembers that the host ran a role, so that the role is not run
// again by another role's dependency. A role that skipped all its tasks does
// not count, as in Ansible.
func (p *playRun) roleComplete(t *playbooks.Task, h *host) {
	if role := roleKeyOf(&t.Scope); role != "" {
		p.finish(func() { p.rolesDone[roleDone{h, role}] = p.rolesBegun[roleDone{h, role}] })
	}
}

func (p *playRun) roleWasRun(h *host, role string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rolesDone[roleDone{h, role}]
}
