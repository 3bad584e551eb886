package playbooks

import (
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// place is where steps are read into: the scope around them, and what names
// mean there.
type place struct {
	*session
	play        *Play
	parent      *Scope
	handlers    bool
	collections []string // searched for short names, in order
	// nestedHandlers is set inside a block or an imported file of handlers,
	// where Ansible allows no block.
	nestedHandlers bool
	forgiven       bool // a task that fails here is rescued or ignored
	redirects      int  // of the module that is being looked for
}

// context is the place inside a scope.
func (s *session) context(parent *Scope, play *Play, handlers bool) *place {
	c := &place{session: s, play: play, parent: parent, handlers: handlers}
	c.collections = collectionsOf(parent)
	return c
}

// in is the place inside sc, which lies in c.
func (c *place) in(sc *Scope) *place {
	inner := *c
	inner.parent = sc
	inner.collections = collectionsOf(sc)
	return &inner
}

// prefix makes IDs of what an include brings in start with the include's.
func (c *place) prefix(parent *Scope) {
	if parent != nil && parent.Origin != "" {
		c.idPrefix = parent.Origin + "/"
	}
}

// collectionsOf is the search list for short names in a scope: the nearest
// collections keyword, or else what the role says. A role does not inherit it.
func collectionsOf(s *Scope) []string {
	for ; s != nil; s = s.Parent {
		if k := s.Keywords["collections"]; k != nil && !isNull(k.Node) {
			return withLegacy(texts(k.Node))
		}
		if s.Kind == RoleScope && s.Role != nil {
			return s.Role.Collections
		}
	}
	return nil
}

func withLegacy(list []string) []string {
	for _, c := range list {
		if c == "ansible.builtin" || c == "ansible.legacy" {
			return list
		}
	}
	if len(list) == 0 {
		return nil
	}
	return append(append([]string(nil), list...), "ansible.legacy")
}

// maxSteps bounds what imports may multiply to.
const maxSteps = 1_000_000

// room counts a step and reports whether there is room for it.
func (s *session) room(n *yaml.Node) bool {
	s.steps++
	if s.steps == maxSteps {
		s.report(problem(n, "too-many-tasks", say.T("the playbook holds more than %d tasks", "플레이북의 작업이 %d개를 넘습니다", maxSteps),
			say.T("imports inside imports multiply", "가져오기 안의 가져오기는 곱으로 늘어납니다"), say.Text{}))
	}
	return s.steps < maxSteps
}

// fileRoom counts an import and reports whether there is room for it.
func (s *session) fileRoom(n *yaml.Node) bool {
	s.files++
	if s.files == s.o.MaxFiles {
		s.report(problem(n, "too-many-imports", say.T("the playbook imports more than %d files and roles", "플레이북이 가져오는 파일과 롤이 %d개를 넘습니다", s.o.MaxFiles),
			say.T("imports inside imports multiply", "가져오기 안의 가져오기는 곱으로 늘어납니다"), say.Text{}))
	}
	return s.files < s.o.MaxFiles
}

// list reads a list of tasks and blocks. at is the key to blame.
func (c *place) list(at, n *yaml.Node, what say.Text) []Step {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.Sequence {
		if at == nil || n.Kind == yaml.Scalar {
			at = n
		}
		c.report(notAList(at, n, what))
		return nil
	}
	var out []Step
	for _, item := range n.Items {
		if !c.room(item) {
			break
		}
		out = append(out, c.step(item)...)
	}
	return out
}

// step reads one entry of a list of tasks; an import of handlers gives several.
func (c *place) step(n *yaml.Node) []Step {
	switch {
	case isNull(n):
		c.report(warning(n, "empty-task", say.T("an empty entry in a list of tasks", "작업 목록에 빈 항목이 있습니다"), say.Text{}, say.T("remove the dash", "줄표를 지우세요")))
		return nil
	case n.Kind == yaml.Sequence:
		c.report(problem(n, "not-a-task", say.T("a list inside a list of tasks", "작업 목록 안에 또 목록이 있습니다"), say.Text{}, say.T("remove one of the dashes, or make it a block:", "줄표 하나를 지우거나 block:으로 만드세요")))
		return nil
	case n.Kind == yaml.Scalar:
		c.report(textAsTask(n))
		return nil
	case c.broken(n):
		return nil
	}
	if !c.textKeys(n) {
		return nil
	}
	for _, key := range []string{"block", "rescue", "always"} {
		if n.Get(key) != nil {
			return c.block(n)
		}
	}
	return c.task(n)
}

// textKeys reports keys that are not text.
func (s *session) textKeys(n *yaml.Node) bool {
	ok := true
	for _, e := range n.Entries {
		if _, text := e.Key.Scalar.(string); !text || e.Key.Kind != yaml.Scalar {
			s.report(keyNotText(e.Key))
			ok = false
		}
	}
	return ok
}

func textAsTask(n *yaml.Node) diag.Problem {
	t := scalarText(n)
	p := problem(n, "not-a-task", say.T("a task must be a mapping, not %s", "작업에는 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(n)), say.Text{},
		say.T("write the module, a colon and its arguments", "모듈 이름, 콜론, 인자를 차례로 쓰세요"))
	if before, after, colon := strings.Cut(t, ":"); colon && after != "" && !strings.Contains(before, " ") {
		p.Fix = say.T("put a blank after the colon: '%s: %s'", "콜론 뒤에 공백을 쓰세요: '%s: %s'", before, shorten(after))
	} else if module, rest, found := strings.Cut(t, " "); found && !strings.HasSuffix(module, ":") {
		p.Fix = say.T("put a colon after the module: '%s: %s'", "모듈 이름 뒤에 콜론을 쓰세요: '%s: %s'", module, shorten(rest))
	} else if name, ok := strings.CutSuffix(t, ":"); ok || !strings.Contains(t, " ") {
		p.Fix = say.T("put a colon and a blank after the name: '%s: '", "이름 뒤에 콜론과 공백을 쓰세요: '%s: '", name)
	}
	return p
}

// block reads a block with its rescue and always.
func (c *place) block(n *yaml.Node) []Step {
	if c.handlers && c.nestedHandlers {
		c.report(problem(n, "block-as-handler", say.T("a block cannot be a handler", "블록은 핸들러가 될 수 없습니다"), say.Text{},
			say.T("write the tasks one by one, with the same listen", "작업을 하나씩 쓰고 listen을 같게 하세요")))
		return nil
	}
	b := &Block{Scope: Scope{Kind: BlockScope, Parent: c.parent, Pos: n.Pos}}
	var sections [3]*yaml.Entry
	for i := range n.Entries {
		e := &n.Entries[i]
		name := scalarText(e.Key)
		switch name {
		case "block":
			sections[0] = e
		case "rescue":
			sections[1] = e
		case "always":
			sections[2] = e
		default:
			c.blockKeyword(b, e)
		}
	}
	if k := b.Keywords["name"]; k != nil {
		b.Name = scalarText(k.Node)
	}
	inner := c.in(&b.Scope)
	inner.nestedHandlers = true
	inner.forgiven = c.forgiven || ignoresErrors(n) || (sections[1] != nil && len(sections[1].Value.Items) > 0)
	c.section(inner, &b.Tasks, sections[0])
	inner.forgiven = c.forgiven
	c.section(inner, &b.Rescue, sections[1])
	c.section(inner, &b.Always, sections[2])
	if len(b.Tasks) == 0 {
		for _, e := range sections[1:] {
			if e != nil && !isNull(e.Value) && len(e.Value.Items) > 0 && (sections[0] == nil || len(sections[0].Value.Items) == 0) {
				c.report(problem(e.Key, "without-block", say.T("%s stands without a block", "block 없이 %s만 있습니다", scalarText(e.Key)),
					say.Text{}, say.T("put the tasks that may fail under block:, beside it", "실패할 수 있는 작업을 같은 깊이의 block: 아래에 쓰세요")))
			}
		}
	}
	if c.handlers {
		return append(append(b.Tasks, b.Rescue...), b.Always...)
	}
	return []Step{b}
}

func (c *place) section(inner *place, into *[]Step, e *yaml.Entry) {
	if e != nil {
		*into = inner.list(e.Key, e.Value, say.Plain(scalarText(e.Key)))
	}
}

func (c *place) blockKeyword(b *Block, e *yaml.Entry) {
	name := scalarText(e.Key)
	if k := keywordIn(name, inBlock); k != nil {
		c.set(&b.Scope, k, e.Key, e.Value)
		return
	}
	if k := keywordIn(name, inTask); k != nil || strings.HasPrefix(name, "with_") {
		c.report(problem(e.Key, "misplaced-keyword", say.T("%s does not belong on a block", "%s{은/는} 블록에 쓸 수 없습니다", name),
			say.T("it is a keyword of a single task", "작업 하나의 키워드입니다"), blockFix(name)))
		return
	}
	if c.known(name) {
		c.report(problem(e.Key, "action-on-block", say.T("a block runs no module of its own: %s", "블록 자체는 모듈을 실행하지 않습니다: %s", name), say.Text{},
			say.T("move it into the list below block:", "block: 아래 목록으로 옮기세요")))
		return
	}
	c.report(unknownKeyword(e.Key, inBlock))
}

func blockFix(name string) say.Text {
	if name == "loop" || strings.HasPrefix(name, "with_") {
		return say.T("put the tasks into a file and use include_tasks with %s", "작업을 파일로 옮기고 include_tasks에 %s{을/를} 쓰세요", name)
	}
	return say.T("write it on each task of the block", "블록의 작업마다 쓰세요")
}

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
	if c.forgiven || ignoresErrors(n) {
		soften(c.problems[before:])
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
var failAtRunTime = setOf("wrong-type", "wrong-value", "template-syntax", "unknown-in-template", "keyword-as-argument")

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

// checkTask reports what is wrong with keywords together.
func (c *place) checkTask(t *Task, n *yaml.Node, call *call) {
	if t.Loop != nil && t.Loop.Over == nil {
		if n.Get("loop") == nil && !hasWith(n) {
			c.report(warning(n.Get("loop_control"), "loop-control-alone", say.T("loop_control without a loop does nothing", "loop 없는 loop_control은 아무 일도 하지 않습니다"), say.Text{}, say.Text{}))
		}
		t.Loop = nil
	}
	c.misplacedArguments(t, call)
}

func hasWith(n *yaml.Node) bool {
	for _, e := range n.Entries {
		if strings.HasPrefix(scalarText(e.Key), "with_") {
			return true
		}
	}
	return false
}

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
				c.report(problem(e.Key, "keyword-as-argument", say.T("%s is a keyword of the task, not an argument of %s", "%s{은/는} %s의 인자가 아니라 작업의 키워드입니다", name, call.name),
					say.T("it is indented as far as the arguments", "인자와 같은 깊이로 들여쓰여 있습니다"), say.T("move it left, below '%s:'", "왼쪽으로 옮겨 '%s:'와 같은 깊이에 쓰세요", call.name)))
			}
		}
		return
	}
	for _, key := range t.Args.Keys() {
		if name, ok := key.(string); ok && notArguments[name] && !call.freeForm {
			c.report(problem(wordIn(t.ArgsNode, name+"="), "keyword-as-argument", say.T("%s is a keyword of the task, not an argument of %s", "%s{은/는} %s의 인자가 아니라 작업의 키워드입니다", name, call.name),
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
