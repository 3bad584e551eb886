package runner

import (
	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/playbooks"
)

// handlers is the block of all handlers of the play, or nil. Handlers of roles
// that were included are added as they come.
func (p *playRun) handlers() *playbooks.Block {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.allHandlers) == 0 {
		return nil
	}
	b := &playbooks.Block{Implicit: true, Scope: playbooks.Scope{Kind: playbooks.BlockScope, Parent: &p.play.Scope}}
	for _, h := range p.allHandlers {
		b.Tasks = append(b.Tasks, h)
	}
	if p.handlerBlock == nil || len(p.handlerBlock.Tasks) != len(b.Tasks) {
		p.handlerBlock = b
	}
	return p.handlerBlock
}

// addHandlers adds the handlers of an included role.
func (p *playRun) addHandlers(hs []*playbooks.Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allHandlers = append(p.allHandlers, hs...)
}

func (p *playRun) anyNotified(h *host) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.notified) > 0
}

func (p *playRun) notifiedOn(h *host, t *playbooks.Task) bool { return h.isNotified(t.ID) }

// notify marks the handlers that answer to a name: the one of that name,
// and all that listen to it. It reports whether there is any.
func (p *playRun) notify(t *taskRun, h *host, name string) bool {
	p.mu.Lock()
	handlers := p.allHandlers
	p.mu.Unlock()
	found := false
	mark := func(handler *playbooks.Task) {
		found = true
		if h.notify(handler.ID) {
			p.run.stream.emit(event.Notified{Task: t.number, Host: h.name, Handler: p.handlerName(handler, h)})
		}
	}
	if handler := p.named(handlers, h, name); handler != nil {
		mark(handler)
	}
	for _, handler := range handlers {
		for _, topic := range handler.Listen {
			if topic == name {
				mark(handler)
			}
		}
	}
	return found
}

// named finds the handler of a name: in the last list of handlers that has one
// (the play's own stand behind those of roles), the first one there.
func (p *playRun) named(handlers []*playbooks.Task, h *host, name string) *playbooks.Task {
	var found *playbooks.Task
	for i := len(handlers) - 1; i >= 0; i-- {
		if found != nil && handlers[i].Parent != found.Parent {
			break
		}
		if p.answersTo(handlers[i], h, name) {
			found = handlers[i]
		}
	}
	return found
}

// answersTo reports whether a handler has this name: alone, or behind its
// role's.
func (p *playRun) answersTo(handler *playbooks.Task, h *host, name string) bool {
	own, err := p.evaluatedName(handler, h)
	if err != nil {
		if len(handler.Listen) == 0 {
			p.run.stream.warn("", unusableHandler(handler, err))
		}
		return false
	}
	if own == "" {
		return false
	}
	if own == name {
		return true
	}
	plan := p.run.plan(handler)
	if len(plan.roles) == 0 {
		return false
	}
	role := plan.roles[0]
	return role.Name+" : "+own == name || shortRole(role)+" : "+own == name
}

// handlerName is a handler's name with its templates evaluated; one that
// cannot be evaluated stays as written.
func (p *playRun) handlerName(handler *playbooks.Task, h *host) string {
	text, err := p.evaluatedName(handler, h)
	if err != nil {
		return handler.Name
	}
	return text
}

func (p *playRun) evaluatedName(handler *playbooks.Task, h *host) (string, error) {
	return p.run.Templar.Text(p.ctx, p.scopeFor(p.ctx, h, p.run.plan(handler)), handler.Name)
}

func unusableHandler(handler *playbooks.Task, err error) say.Text {
	return say.T("Handler '%s' is unusable because it has no listen topics and the name could not be templated: %s",
		"핸들러 '%s'{은/는} listen이 없고 이름의 템플릿을 계산할 수 없어 쓸 수 없습니다: %s", handler.Name, jinja.Message(err))
}
