package playbooks

import (
	"strings"

	"sunup/internal/say"
	"sunup/internal/yaml"
)

// setLoop stores a loop; a task has one at most.
func (c *place) setLoop(t *Task, e *yaml.Entry, with string) {
	if t.Loop == nil {
		t.Loop = &Loop{}
	}
	if t.Loop.Over != nil {
		c.report(problem(e.Key, "two-loops", say.T("a second loop in one task: %s", "한 작업에 반복이 두 개 있습니다: %s", scalarText(e.Key)), say.Text{},
			say.T("keep one of them; loops inside loops go into a file with include_tasks", "하나만 남기세요. 반복 안의 반복은 파일로 옮겨 include_tasks를 쓰세요")))
		return
	}
	t.Loop.Pos, t.Loop.With, t.Loop.Over = e.Key.Pos, with, e.Value.Value()
	c.checkTemplates(e.Value)
}

func (c *place) loop(t *Task, e *yaml.Entry) {
	v := e.Value
	switch {
	case isNull(v):
		c.report(warning(e.Key, "empty-loop", say.T("loop has no value", "loop에 값이 없습니다"), say.T("the task runs once", "작업이 한 번 실행됩니다"), say.T("give a list, or remove it", "목록을 쓰거나 지우세요")))
		return
	case c.broken(v):
		return
	case v.Kind == yaml.Mapping:
		c.report(problem(e.Key, "wrong-type", say.T("loop must be a list, not a mapping", "loop에는 목록이 와야 하는데 사전이 있습니다"), say.Text{},
			say.T("did you forget the dashes? For a mapping write loop: \"{{ name | dict2items }}\"", "줄표를 빠뜨린 것은 아닌가요? 사전이라면 loop: \"{{ 이름 | dict2items }}\"로 쓰세요")))
	case v.Kind == yaml.Scalar && !isTemplateNode(v):
		c.report(warning(v, "wrong-type", say.T("loop must be a list, not %s", "loop에는 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(v)), say.Text{},
			say.T("for a variable write \"{{ %s }}\"", "변수라면 \"{{ %s }}\"로 쓰세요", shorten(scalarText(v)))))
	}
	c.setLoop(t, e, "")
}

func (c *place) withLoop(t *Task, e *yaml.Entry, with string) {
	if !c.knownLookup(with) {
		c.report(problem(e.Key, "unknown-lookup", say.T("unknown loop 'with_%s'", "알 수 없는 반복 'with_%s'", with), say.Text{},
			nearestWith(with)))
		return
	}
	c.lackingLookup(e.Key, with)
	if isNull(e.Value) {
		c.report(problem(e.Key, "empty-loop", say.T("%s has no value", "%s에 값이 없습니다", scalarText(e.Key)), say.Text{}, say.T("give a list, or remove it", "목록을 쓰거나 지우세요")))
		return
	}
	if c.broken(e.Value) {
		return
	}
	c.setLoop(t, e, with)
}

func (c *place) loopControl(t *Task, e *yaml.Entry) {
	if isNull(e.Value) {
		return
	}
	if e.Value.Kind != yaml.Mapping {
		c.report(problem(e.Value, "not-a-mapping", say.T("loop_control must be a mapping, not %s", "loop_control에는 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(e.Value)),
			say.T("it may hold templates but cannot be one", "안에 템플릿을 담을 수는 있지만 그 자체가 템플릿일 수는 없습니다"), say.Text{}))
		return
	}
	if t.Loop == nil {
		t.Loop = &Loop{Pos: e.Key.Pos}
	}
	lc := &t.Loop.Control
	fields := map[string]*any{
		"loop_var": &lc.LoopVar, "index_var": &lc.IndexVar, "label": &lc.Label, "pause": &lc.Pause,
		"extended": &lc.Extended, "extended_allitems": &lc.ExtendedAllItems,
	}
	for _, entry := range e.Value.Entries {
		name := scalarText(entry.Key)
		if field := fields[name]; field != nil {
			c.loopControlValue(name, entry)
			*field = entry.Value.Value()
		} else if name == "break_when" {
			lc.BreakWhen = c.conditions(&keyword{name: name}, entry.Value)
		} else {
			c.report(problem(entry.Key, "unknown-keyword", say.T("unknown key '%s' in loop_control", "loop_control에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
				nearestOr(name, loopControlKeys, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(loopControlKeys, ", ")))))
		}
	}
}

var loopControlShapes = map[string]shape{"loop_var": text, "index_var": text, "label": anything, "pause": number, "extended": boolean, "extended_allitems": boolean}

func (c *place) loopControlValue(name string, e yaml.Entry) {
	if !c.checkShape(&keyword{name: name, shape: loopControlShapes[name]}, e.Key, e.Value) {
		return
	}
	if name != "loop_var" && name != "index_var" {
		return
	}
	if t, known := literal(e.Value); known && !isNull(e.Value) && !IsIdentifier(t) {
		c.report(badVariableName(e.Value))
	}
}

func hasWith(n *yaml.Node) bool {
	for _, e := range n.Entries {
		if strings.HasPrefix(scalarText(e.Key), "with_") {
			return true
		}
	}
	return false
}
