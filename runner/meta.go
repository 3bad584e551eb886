package runner

import (
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/playbooks"
)

// metaModule is the module of the engine's own words.
const metaModule = "ansible.builtin.meta"

// metaActions lists what meta can do.
var metaActions = map[string]func(p *playRun, t *playbooks.Task, h *host){
	"noop":              func(*playRun, *playbooks.Task, *host) {},
	"flush_handlers":    (*playRun).flushHandlers,
	"clear_facts":       func(_ *playRun, _ *playbooks.Task, h *host) { h.facts.Clear(); h.set.Clear() },
	"clear_host_errors": (*playRun).clearErrors,
	"end_play":          func(p *playRun, _ *playbooks.Task, _ *host) { p.finish(func() { p.playDone = true }) },
	"end_batch":         func(p *playRun, _ *playbooks.Task, _ *host) { p.finish(func() { p.batchDone = true }) },
	"end_host":          (*playRun).endHost,
	"reset_connection":  (*playRun).resetConnection,
	"refresh_inventory": (*playRun).refreshInventory,
	"role_complete":     (*playRun).roleComplete,
}

// meta carries out one of the engine's words on the hosts.
func (p *playRun) meta(task *playbooks.Task, hosts []*host) {
	action := value.Str(task.Args.At("_raw_params"))
	do := metaActions[action]
	for _, h := range hosts {
		if !task.Implicit && action == "flush_handlers" {
			p.announce(task, h)
		}
		c := p.cursors[h]
		c.advance()
		if do == nil {
			p.run.stream.warn("", say.T("meta: '%s' is not known and does nothing", "meta: '%s'{은/는} 알 수 없는 동작이라 건너뜁니다", action))
			continue
		}
		yes, err := p.metaApplies(task, h)
		if err != nil {
			p.metaFailed(task, h, err)
			continue
		}
		if yes {
			do(p, task, h)
		}
		p.lookUp(h, c)
	}
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

func (p *playRun) clearErrors(*playbooks.Task, *host) {
	for _, h := range p.hosts {
		h.mark(func(h *host) { h.failed, h.lost = false, false })
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

// roleComplete remembers that the host ran a role, so that the role is not run
// again by another role's dependency.
func (p *playRun) roleComplete(t *playbooks.Task, h *host) {
	if role := roleKeyOf(&t.Scope); role != "" {
		p.finish(func() { p.rolesDone[roleDone{h, role}] = true })
	}
}

func (p *playRun) roleWasRun(h *host, role string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rolesDone[roleDone{h, role}]
}
