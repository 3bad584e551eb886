package playbooks

import (
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// notArguments are keywords of a task that no module of ours takes as an
// argument: below a module they stand too far to the right.
var notArguments = setOf("when", "register", "loop", "loop_control", "notify", "listen", "changed_when", "failed_when",
	"ignore_errors", "become", "become_user", "become_method", "delegate_to", "run_once", "until", "no_log", "check_mode", "any_errors_fatal")

// anyArguments are modules that take every name.
var anyArguments = setOf("set_fact", "add_host", "set_stats", "include", "validate_argument_spec", "debug")

func (c *place) misplacedArguments(t *Task, call *call) {
	if anyArguments[call.short] || call.file != "" || !builtinModules[call.short] || t.ArgsNode == nil {
		return
	}
	if t.ArgsNode.Kind == yaml.Mapping {
		for _, e := range t.ArgsNode.Entries {
			if name := scalarText(e.Key); notArguments[name] || strings.HasPrefix(name, "with_") {
				c.report(warning(e.Key, "keyword-as-argument", say.T("%s is a keyword of the task, not an argument of %s", "%s{은/는} %s의 인자가 아니라 작업의 키워드입니다", name, call.name),
					say.T("it is indented as far as the arguments", "인자와 같은 깊이로 들여쓰여 있습니다"), say.T("move it left, below '%s:'", "왼쪽으로 옮겨 '%s:'와 같은 깊이에 쓰세요", call.name)))
			}
		}
		return
	}
	for _, key := range t.Args.Keys() {
		if name, ok := key.(string); ok && notArguments[name] && !call.freeForm {
			c.report(warning(wordIn(t.ArgsNode, name+"="), "keyword-as-argument", say.T("%s is a keyword of the task, not an argument of %s", "%s{은/는} %s의 인자가 아니라 작업의 키워드입니다", name, call.name),
				say.Text{}, say.T("write it on a line of its own: '%s: ...'", "따로 한 줄에 '%s: ...'로 쓰세요", name)))
		}
	}
}

// wordIn is the place of a word inside a text that stands on one line as it is.
func wordIn(n *yaml.Node, word string) *yaml.Node {
	at := strings.Index(n.Text, word)
	if at < 0 || n.Quoted || strings.Contains(n.Text, "\n") {
		return n
	}
	moved := *n
	moved.Pos.Col += len([]rune(n.Text[:at]))
	return &moved
}

// arguments reads what the module is given.
func (c *place) arguments(t *Task, call *call) {
	t.Args = &value.Dict{}
	c.extraArguments(t, call.extra)
	own := &value.Dict{}
	v := call.value
	switch {
	case call.args != nil:
		own = call.args
		t.ArgsNode = v
	case isNull(v):
	case c.broken(v):
		return
	case v.Kind == yaml.Mapping:
		t.ArgsNode = v
		if d, ok := v.Value().(*value.Dict); ok {
			own = d
		}
	case isText(v):
		t.ArgsNode = v
		d, err := parseKeyValue(scalarText(v), call.freeForm)
		if err != nil {
			c.report(badKeyValue(v, err))
			return
		}
		own = d
	default:
		c.report(problem(v, "wrong-arguments", say.T("the arguments of %s must be a mapping or text, not %s", "%s의 인자에는 사전이나 문자열이 와야 하는데 %s{이/가} 있습니다", call.name, kindWords(v)),
			say.Text{}, say.T("write each argument as 'name: value' below '%s:'", "'%s:' 아래에 인자마다 '이름: 값'으로 쓰세요", call.name)))
		return
	}
	c.checkTemplates(v)
	for k, val := range own.All() {
		if name, ok := k.(string); ok && strings.HasPrefix(name, "_ansible_") && !call.freeForm {
			c.report(problem(keyOf(v, name), "private-argument", say.T("%s cannot be set in a playbook", "%s{은/는} 플레이북에서 정할 수 없습니다", name), say.Text{}, say.T("remove it", "지우세요")))
			continue
		}
		t.Args.Set(k, val)
	}
	c.commandText(t, call)
	c.rawText(t, call)
}

func isText(n *yaml.Node) bool {
	switch n.Scalar.(type) {
	case string, value.Unsafe:
		return n.Kind == yaml.Scalar
	}
	return false
}

// extraArguments reads args:, which the module's own arguments override.
func (c *place) extraArguments(t *Task, n *yaml.Node) {
	switch {
	case isNull(n):
	case n.Kind == yaml.Mapping && !c.broken(n):
		c.checkTemplates(n)
		if d, ok := n.Value().(*value.Dict); ok {
			t.Args.Update(d)
		}
		t.ArgsNode = n
	case isTemplateNode(n):
		c.checkTemplates(n)
		t.ArgsTemplate = scalarText(n)
	case c.broken(n):
	default:
		c.report(problem(n, "wrong-arguments", say.T("args must be a mapping or a template, not %s", "args에는 사전이나 템플릿이 와야 하는데 %s{이/가} 있습니다", kindWords(n)), say.Text{},
			say.T("for a variable write \"{{ name }}\" in quotes", "변수라면 따옴표로 감싸 \"{{ 이름 }}\"으로 쓰세요")))
	}
}

// commandText moves cmd: to where the text of a command is.
func (c *place) commandText(t *Task, call *call) {
	if !takesCmd[call.short] {
		return
	}
	cmd, ok := t.Args.Get("cmd")
	if !ok {
		return
	}
	if raw, _ := t.Args.Get(rawParams); raw != nil && raw != "" {
		c.report(problem(call.key, "two-commands", say.T("%s has a command as text and another in cmd", "%s에 명령이 글과 cmd 두 군데에 있습니다", call.name), say.Text{},
			say.T("keep one of them", "하나만 남기세요")))
		return
	}
	t.Args.Delete("cmd")
	t.Args.Set(rawParams, cmd)
}

var takesCmd = setOf("command", "shell", "script")

// rawText deals with text that is not key=value for a module that takes none:
// a template there stands for all arguments.
func (c *place) rawText(t *Task, call *call) {
	raw, ok := t.Args.Get(rawParams)
	if !ok || call.freeForm || takesRaw[call.short] {
		return
	}
	text, isString := raw.(string)
	if !isString || text == "" {
		return
	}
	t.Args.Delete(rawParams)
	if isTemplate(text) {
		t.ArgsTemplate = text
		return
	}
	c.report(problem(call.value, "extra-text", say.T("%s does not take the text '%s'", "%s{은/는} '%s'{이라/라}는 글을 받지 않습니다", call.name, shorten(text)),
		say.T("its arguments have names", "이 모듈의 인자에는 이름이 있습니다"), say.T("write name=value, or each argument on its own line", "이름=값으로 쓰거나, 인자를 한 줄에 하나씩 쓰세요")))
}

func badKeyValue(n *yaml.Node, err error) diag.Problem {
	if err == errBlankStart {
		return problem(n, "bad-arguments", say.T("the arguments start with a blank or an empty line", "인자가 공백이나 빈 줄로 시작합니다"), say.Text{}, say.T("remove it", "지우세요"))
	}
	return problem(n, "bad-arguments", say.T("a quote or a template bracket in the arguments is not closed", "인자 안의 따옴표나 템플릿 괄호가 닫히지 않았습니다"),
		say.T("text is cut into words, as a shell does, before the module sees it", "모듈에 넘기기 전에 셸처럼 글을 낱말로 자릅니다"),
		say.T("close it, or write a command below 'cmd: |', where nothing is cut", "닫아 주거나, 자르지 않는 'cmd: |' 아래에 명령을 쓰세요"))
}
