package playbooks

import (
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

// task reads one task; what it imports is put in its place.
func (c *place) task(n *yaml.Node) []Step {
	if own := n.Get("collections"); !isNull(own) {
		inner := *c
		inner.collections = withLegacy(texts(own))
		c = &inner
	}
	call, rest := c.call(n)
	if call == nil {
		return nil
	}
	t := &Task{
		Scope:  Scope{Kind: TaskScope, Parent: c.parent, Pos: n.Pos},
		ID:     c.id(n.Pos),
		Action: call.name, Module: call.module, ModuleFile: call.file,
		Pos: call.key.Pos, Local: call.local, IsHandler: c.handlers,
	}
	t.Origin = t.ID
	before := len(c.problems)
	for i := range rest {
		c.taskKeyword(t, &rest[i], call)
	}
	if t.Local {
		t.Keywords = withKeyword(t.Keywords, &Keyword{Name: "delegate_to", Pos: call.key.Pos, Node: call.key, Value: "localhost"})
	}
	c.arguments(t, call)
	c.inheritNotify(t)
	c.checkTask(t, n, call)
	switch {
	case c.forgiven || ignoresErrors(n):
		soften(c.problems[before:])
	case c.mayNeverRun(n):
		softenLacking(c.problems[before:])
	}
	switch call.short {
	case "include_tasks":
		return c.includeTasks(t, call)
	case "import_tasks":
		return c.importTasks(t, n, call)
	case "include":
		return c.oldInclude(t, call)
	case "include_role":
		return c.includeRole(t, call)
	case "import_role":
		return c.importRole(t, n, call)
	}
	return []Step{t}
}

// failAtRunTime are problems that Ansible only finds when the task runs.
var failAtRunTime = setOf("wrong-type", "wrong-value", "template-syntax", "unknown-in-template", "keyword-as-argument",
	"unsupported-filter", "unsupported-test", "unsupported-lookup")

// soften makes warnings of problems that only make a task fail: where its
// failure is ignored or rescued, that may be meant.
func soften(problems diag.Problems) {
	for i := range problems {
		if failAtRunTime[problems[i].ID] {
			problems[i].Severity = diag.Warning
		}
	}
}

// ignoresErrors reports whether a task or block says ignore_errors: true.
func ignoresErrors(n *yaml.Node) bool {
	v := n.Get("ignore_errors")
	return v != nil && v.Kind == yaml.Scalar && isTrue(v)
}

func withKeyword(ks Keywords, k *Keyword) Keywords {
	if ks == nil {
		ks = Keywords{}
	}
	ks[k.Name] = k
	return ks
}

// taskKeyword reads one key of a task that is not the module.
func (c *place) taskKeyword(t *Task, e *yaml.Entry, call *call) {
	name := scalarText(e.Key)
	w := inTask
	if c.handlers {
		w = inHandler
	}
	if with, ok := strings.CutPrefix(name, "with_"); ok {
		c.withLoop(t, e, with)
		return
	}
	k := keywordIn(name, w)
	if k == nil {
		c.report(c.notAKeyword(e, w, call))
		return
	}
	c.set(&t.Scope, k, e.Key, e.Value)
	switch name {
	case "name":
		t.Name = scalarText(e.Value)
	case "register":
		c.register(t, e)
	case "until":
		t.Until = conditionList(e.Value)
	case "changed_when":
		t.ChangedWhen = conditionList(e.Value)
	case "failed_when":
		t.FailedWhen = conditionList(e.Value)
	case "notify":
		t.Notify = texts(e.Value)
	case "listen":
		t.Listen = texts(e.Value)
	case "loop":
		c.loop(t, e)
	case "loop_control":
		c.loopControl(t, e)
	}
}

// notAKeyword finds out what a key that is no keyword was meant to be.
func (c *place) notAKeyword(e *yaml.Entry, w where, call *call) diag.Problem {
	name := scalarText(e.Key)
	if _, removed := removedKeywords[name]; removed || keywordsByName[name] != nil {
		return unknownKeyword(e.Key, w)
	}
	near := diag.Nearest(name, keywordNames[w])
	if near == "" && call != nil && !call.oldStyle && (isNull(call.value) || call.value.Kind == yaml.Scalar) {
		p := problem(e.Key, "argument-beside-module",
			say.T("'%s' stands beside %s, not inside it", "'%s'{이/가} %s 안이 아니라 옆에 있습니다", name, call.name),
			say.T("what is indented like the module is a keyword of the task", "모듈과 같은 깊이에 쓴 것은 작업의 키워드입니다"),
			say.T("if it is an argument of %s, indent it further below '%[1]s:'", "%s의 인자라면 '%[1]s:' 아래로 더 들여쓰세요", call.name))
		if !isNull(call.value) {
			p.Fix = say.T("if it is an argument of %s, write all of them in one form: key=value on one line, or each on its own line below '%[1]s:'",
				"%s의 인자라면 한 줄의 key=value나 '%[1]s:' 아래 한 줄에 하나씩, 한 가지 형식으로 쓰세요", call.name)
		}
		return p
	}
	return unknownKeyword(e.Key, w)
}

func (c *place) register(t *Task, e *yaml.Entry) {
	t.Register = scalarText(e.Value)
	if e.Value.Kind != yaml.Scalar || isNull(e.Value) {
		return
	}
	if !IsIdentifier(t.Register) {
		p := badVariableName(e.Value)
		p.ID = "bad-register"
		p.What = say.T("Invalid variable name in 'register' specified: '%s'", "register에 쓴 '%s'{은/는} 변수 이름이 될 수 없습니다", t.Register)
		c.report(p)
	}
}

// inheritNotify takes the notify of the innermost block that has one.
func (c *place) inheritNotify(t *Task) {
	if t.Keywords["notify"] != nil {
		return
	}
	for sc := c.parent; sc != nil && (sc.Kind == BlockScope || sc.Kind == ImportScope); sc = sc.Parent {
		if k := sc.Keywords["notify"]; k != nil {
			t.Notify = texts(k.Node)
			return
		}
	}
}

// checkTask reports what is wrong with keywords together.
func (c *place) checkTask(t *Task, n *yaml.Node, call *call) {
	if t.Loop != nil && t.Loop.Over == nil {
		if n.Get("loop") == nil && !hasWith(n) {
			c.report(warning(n.Get("loop_control"), "loop-control-alone", say.T("loop_control without a loop does nothing", "loop 없는 loop_control은 아무 일도 하지 않습니다"), say.Text{}, say.Text{}))
		}
		t.Loop = nil
	}
	c.healthTask(t)
	c.misplacedArguments(t, call)
}
