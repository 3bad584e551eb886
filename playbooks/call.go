package playbooks

import (
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// call is the module that a task runs, as it was written.
type call struct {
	key      *yaml.Node // the noun: the module's key, or action
	value    *yaml.Node // its arguments
	name     string     // as written
	short    string     // without ansible.builtin. or ansible.legacy.
	module   string     // the full name
	file     string     // of a module of the user's own
	freeForm bool
	local    bool
	extra    *yaml.Node  // args:
	oldStyle bool        // action: or local_action:
	args     *value.Dict // already read, for action:
	found    found
}

// call finds the module of a task. rest are the entries besides it; call is
// nil when the task cannot be read.
func (c *place) call(n *yaml.Node) (*call, []yaml.Entry) {
	w := inTask
	if c.handlers {
		w = inHandler
	}
	var calls []*call
	var rest, unknown []yaml.Entry
	var extra *yaml.Node
	for _, e := range n.Entries {
		name := scalarText(e.Key)
		_, removed := removedKeywords[name]
		switch {
		case name == "action" || name == "local_action":
			if calls = append(calls, c.oldCall(e)); calls[len(calls)-1] == nil {
				return nil, nil
			}
		case name == "args":
			extra = e.Value
		case keywordIn(name, w) != nil || strings.HasPrefix(name, "with_") || removed:
			rest = append(rest, e)
		default:
			unknown = append(unknown, e)
		}
	}
	modules, others := c.candidates(unknown)
	calls = append(calls, modules...)
	switch {
	case len(calls) == 0:
		return c.noCall(n, rest, others)
	case len(calls) > 1:
		c.report(twoActions(calls))
		return nil, nil
	}
	if calls[0].short == "import_playbook" {
		c.report(playbookInTasks(calls[0].key))
		return nil, nil
	}
	if !isTemplate(calls[0].name) {
		c.reportLacking(calls[0], n)
	}
	calls[0].extra = extra
	return calls[0], append(rest, others...)
}

// candidates parts the keys that are no keywords into modules and others.
func (c *place) candidates(entries []yaml.Entry) (modules []*call, others []yaml.Entry) {
	for _, e := range entries {
		cl := &call{key: e.Key, value: e.Value}
		name := scalarText(e.Key)
		kind := c.resolve(name, cl)
		cl.found = kind
		if c.o.Modules == nil && len(entries) > 1 && cl.file == "" && !builtinModules[cl.short] && !strings.Contains(name, ".") {
			// Without a catalogue anything could be a module; beside another
			// candidate a misspelt keyword is likelier.
			kind = notFound
		}
		if keywordsByName[name] != nil && (kind != knownModule || len(entries) > 1) {
			// gather_facts is both: beside a module it is a misplaced keyword.
			kind = notFound
		}
		if kind == notFound {
			others = append(others, e)
			continue
		}
		modules = append(modules, cl)
	}
	return modules, others
}

func twoActions(calls []*call) diag.Problem {
	return problem(calls[1].key, "two-actions", say.T("two modules in one task: %s and %s", "한 작업에 모듈이 두 개 있습니다: %s, %s", calls[0].name, calls[1].name),
		say.T("a task runs one module", "작업 하나는 모듈 하나를 실행합니다"), say.T("put a dash before '%s' to make it a task of its own", "'%s' 앞에 줄표를 써서 다른 작업으로 나누세요", calls[1].name))
}

// noCall explains why a task has nothing to run.
func (c *place) noCall(n *yaml.Node, rest, unknown []yaml.Entry) (*call, []yaml.Entry) {
	if n.Get("hosts") != nil {
		c.report(problem(keyOf(n, "hosts"), "play-in-tasks", say.T("a play stands in a list of tasks", "작업 목록 안에 플레이가 있습니다"), say.Text{},
			say.T("move it to the left edge of the playbook, or into a file of its own", "플레이북의 왼쪽 끝으로 옮기거나 따로 파일로 만드세요")))
		return nil, nil
	}
	w := inTask
	if c.handlers {
		w = inHandler
	}
	blamed := false
	for i := range unknown {
		e := &unknown[i]
		name := scalarText(e.Key)
		switch {
		case shortName(name) == "import_playbook":
			c.report(playbookInTasks(e.Key))
		case blamed || keywordsByName[name] != nil || (len(unknown) > 1 && diag.Nearest(name, keywordNames[w]) != ""):
			c.report(unknownKeyword(e.Key, w))
			continue
		default:
			c.report(c.unknownModule(e.Key))
		}
		blamed = true
	}
	for i := range rest {
		c.taskKeyword(&Task{}, &rest[i], nil)
	}
	if len(unknown) == 0 {
		c.report(problem(n, "no-action", say.T("the task has no module to run", "작업에 실행할 모듈이 없습니다"), say.Text{},
			say.T("add one, such as 'command: ...'; or check the indentation", "'command: ...' 같은 모듈을 쓰거나 들여쓰기를 확인하세요")))
	}
	return nil, nil
}

func playbookInTasks(key *yaml.Node) diag.Problem {
	return problem(key, "misplaced-keyword", say.T("import_playbook cannot stand in a list of tasks", "import_playbook은 작업 목록에 쓸 수 없습니다"), say.Text{},
		say.T("move it to the left edge of the playbook, beside the plays", "플레이북의 왼쪽 끝, 플레이 옆으로 옮기세요"))
}

func keyOf(n *yaml.Node, name string) *yaml.Node {
	for _, e := range n.Entries {
		if scalarText(e.Key) == name {
			return e.Key
		}
	}
	return n
}

// argument finds the key and the value of an argument, beside the module or
// below args; both are nil when it was not written as YAML.
func (cl *call) argument(name string) (key, value *yaml.Node) {
	for _, n := range []*yaml.Node{cl.value, cl.extra} {
		if v := n.Get(name); v != nil {
			return keyOf(n, name), v
		}
	}
	return nil, nil
}

// oldCall reads action: and local_action:, or reports why not.
func (c *place) oldCall(e yaml.Entry) *call {
	cl := &call{key: e.Key, value: e.Value, oldStyle: true, local: scalarText(e.Key) == "local_action"}
	word := scalarText(e.Key)
	var name, rest string
	args := &value.Dict{}
	switch {
	case isText(e.Value):
		name, rest = cutModule(scalarText(e.Value))
	case e.Value.Kind == yaml.Mapping && !c.broken(e.Value):
		module := e.Value.Get("module")
		if module == nil || !isText(module) {
			c.report(problem(e.Key, "no-action", say.T("%s names no module", "%s에 모듈 이름이 없습니다", word), say.Text{}, say.T("write %s: {module: NAME, ...}", "%s: {module: 이름, ...}으로 쓰세요", word)))
			return nil
		}
		name, rest = cutModule(scalarText(module))
		if d, ok := e.Value.Value().(*value.Dict); ok {
			d.Delete("module")
			args = d
		}
	default:
		c.report(problem(e.Key, "wrong-arguments", say.T("%s must be text or a mapping, not %s", "%s에는 문자열이나 사전이 와야 하는데 %s{이/가} 있습니다", word, kindWords(e.Value)), say.Text{},
			say.T("write the module's name first", "모듈 이름을 먼저 쓰세요")))
		return nil
	}
	if name == "" {
		c.report(problem(e.Key, "no-action", say.T("%s names no module", "%s에 모듈 이름이 없습니다", word), say.Text{}, say.Text{}))
		return nil
	}
	if isTemplate(name) {
		cl.name, cl.short = name, name
	} else if cl.found = c.resolve(name, cl); cl.found == notFound {
		key := *e.Value
		if module := e.Value.Get("module"); module != nil {
			key = *module
		}
		p := c.unknownModule(&yaml.Node{Pos: key.Pos, Source: key.Source, Scalar: name})
		c.report(p)
		return nil
	}
	own, err := parseKeyValue(rest, cl.freeForm)
	if err != nil {
		c.report(badKeyValue(e.Value, err))
		return nil
	}
	args.Update(own)
	c.innerArgs(args)
	cl.args = args
	return cl
}

// innerArgs puts args inside action: {module: x, args: {...}} in their place.
func (c *place) innerArgs(args *value.Dict) {
	inner, ok := args.Delete("args")
	if !ok {
		return
	}
	switch inner := inner.(type) {
	case *value.Dict:
		args.Update(inner)
	case string:
		if d, err := parseKeyValue(inner, false); err == nil {
			args.Update(d)
		}
	}
}

// cutModule parts "copy src=a dest=b" into the module and its arguments.
func cutModule(text string) (name, rest string) {
	words, err := splitWords(strings.TrimLeft(text, " \n"))
	if err != nil || len(words) == 0 {
		name, rest, _ = strings.Cut(strings.TrimSpace(text), " ")
		return name, rest
	}
	return strings.TrimSpace(words[0]), strings.Join(words[1:], " ")
}
