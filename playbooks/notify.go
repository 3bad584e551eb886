package playbooks

import (
	"sunup/internal/say"
	"sunup/internal/yaml"
)

// checkNotify warns of literal notifications that no handler answers.
func (s *session) checkNotify(p *Play) {
	answers := map[string]bool{}
	var names []string
	add := func(name string) {
		answers[name] = true
		names = append(names, name)
	}
	open := false // names or handlers are only known at run time
	for _, h := range p.Handlers {
		if isTemplate(h.Name) || h.Include != nil {
			open = true
		}
		if h.Name != "" {
			add(h.Name)
			if role := h.InnermostRole(); role != nil {
				answers[role.Name+" : "+h.Name] = true
				answers[role.ShortName()+" : "+h.Name] = true
			}
		}
		for _, l := range h.Listen {
			add(l)
		}
	}
	p.Walk(func(step Step) {
		if t, ok := step.(*Task); ok && t.Include != nil && t.Include.Kind == IncludeRole {
			open = true
		}
	})
	if open {
		return
	}
	p.Walk(func(step Step) { s.checkNotifyOf(step, answers, names) })
	for _, h := range p.Handlers {
		s.checkNotifyOf(h, answers, names)
	}
}

func (s *session) checkNotifyOf(step Step, answers map[string]bool, names []string) {
	t, ok := step.(*Task)
	if !ok || t.Keywords["notify"] == nil {
		return
	}
	node := t.Keywords["notify"].Node
	items := []*yaml.Node{node}
	if node.Kind == yaml.Sequence {
		items = node.Items
	}
	for _, item := range items {
		name := scalarText(item)
		if item.Kind != yaml.Scalar || isNull(item) || isTemplate(name) || answers[name] {
			continue
		}
		s.report(warning(item, "notify-nothing", say.T("no handler is called '%s'", "'%s'{이라/라}는 핸들러가 없습니다", name),
			say.T("the task fails when it reports a change", "이 작업은 변경이 생기면 실패합니다"),
			nearestOr(name, names, say.T("add the handler, or correct the name", "핸들러를 만들거나 이름을 고치세요"))))
	}
}
