package playbooks

import (
	"path/filepath"
	"slices"
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

// shortName takes Ansible's own collection names away.
func shortName(name string) string {
	for _, own := range []string{"ansible.builtin.", "ansible.legacy."} {
		if rest, ok := strings.CutPrefix(name, own); ok && !strings.Contains(rest, ".") {
			return rest
		}
	}
	return name
}

// freeFormModules take text that is not key=value.
var freeFormModules = setOf("command", "shell", "raw", "script", "win_command", "win_shell", "ansible.windows.win_command", "ansible.windows.win_shell")

// takesRaw are modules whose text beside key=value has a meaning.
var takesRaw = setOf("include", "include_vars", "include_tasks", "include_role", "import_tasks", "import_role", "add_host", "group_by", "set_fact", "meta")

// structural are the actions that the language itself carries out.
var structural = setOf("include", "include_tasks", "import_tasks", "include_role", "import_role", "meta")

// maxRedirects bounds redirects to redirects.
const maxRedirects = 8

// found is what a module name means.
type found int

const (
	notFound found = iota
	lacking        // Ansible has it, sunup does not
	knownModule
)

// resolve finds a module by name: one of the language's own, then a file or a
// module of a collection in the search list, then a file in library/, which
// goes before the built-in module of the same name.
func (c *place) resolve(name string, into *call) found {
	into.name, into.short, into.module = name, shortName(name), name
	into.freeForm = freeFormModules[into.short]
	if structural[into.short] {
		into.module = "ansible.builtin." + into.short
		return knownModule
	}
	fqcn, free, inCatalogue := "", false, false
	if c.o.Modules != nil {
		fqcn, free, inCatalogue = c.o.Modules.Resolve(name, c.collections)
	}
	if !inCatalogue || strings.HasPrefix(fqcn, "ansible.builtin.") {
		if c.moduleFile(name, into) {
			return knownModule
		}
	}
	if inCatalogue {
		into.module, into.freeForm = fqcn, into.freeForm || free
		return knownModule
	}
	if kind := c.redirected(name, into); kind != notFound {
		return kind
	}
	return c.notInCatalogue(name, into)
}

// redirected follows a collection's redirect.
func (c *place) redirected(name string, into *call) found {
	to := c.redirect(name)
	if to == "" || c.redirects >= maxRedirects {
		return notFound
	}
	inner := *c
	inner.redirects++
	var target call
	kind := inner.resolve(to, &target)
	if kind != notFound {
		into.module, into.file, into.freeForm = target.module, target.file, into.freeForm || target.freeForm
	}
	return kind
}

// notInCatalogue tells a module that Ansible has from one that nobody has.
func (c *place) notInCatalogue(name string, into *call) found {
	switch {
	case builtinModules[into.short]:
		into.module = "ansible.builtin." + into.short
	case movedModules[into.short] != "":
		into.module = movedModules[into.short]
	case c.o.Modules == nil:
	case strings.Count(into.short, ".") < 2 || !isDotted(into.short) || strings.HasPrefix(into.short, "ansible.builtin."):
		return notFound
	}
	if c.o.Modules == nil {
		return knownModule
	}
	return lacking
}

// isDotted reports whether every part between dots can be a name.
func isDotted(name string) bool {
	for _, part := range strings.Split(name, ".") {
		if !IsIdentifier(part) {
			return false
		}
	}
	return true
}

// known reports whether name is a module, for guessing what was meant.
func (c *place) known(name string) bool {
	var dummy call
	if c.o.Modules == nil {
		return builtinModules[shortName(name)]
	}
	return c.resolve(name, &dummy) != notFound
}

// moduleFile finds the file of a module that is not ours.
func (c *place) moduleFile(name string, into *call) bool {
	if ns, coll, rest, ok := collectionName(into.short); ok {
		return c.collectionModule(ns, coll, rest, into)
	}
	if strings.HasPrefix(name, "ansible.builtin.") {
		return false
	}
	for _, collection := range c.collections {
		if ns, coll, ok := strings.Cut(collection, "."); ok && c.collectionModule(ns, coll, into.short, into) {
			return true
		}
	}
	if into.file = c.moduleIn(c.libraryDirs(), into.short); into.file == "" {
		return false
	}
	into.module = into.short
	return true
}

// collectionModule finds a module's file in a collection on disk.
func (c *place) collectionModule(ns, coll, name string, into *call) bool {
	if ns == "ansible" && (coll == "builtin" || coll == "legacy") {
		return false
	}
	parts := strings.Split(name, ".")
	last := parts[len(parts)-1]
	for _, dir := range c.collectionDirs(ns, coll) {
		modules := filepath.Join(append([]string{dir, "plugins", "modules"}, parts[:len(parts)-1]...)...)
		if file := c.moduleIn([]string{modules, filepath.Join(dir, "plugins", "action")}, last); file != "" {
			into.file, into.module = file, ns+"."+coll+"."+name
			return true
		}
	}
	return false
}

// redirect follows what a collection's meta/runtime.yml says of a module that
// moved; "" when it says nothing.
func (c *place) redirect(name string) string {
	try := []string{name}
	if !strings.Contains(name, ".") {
		try = nil
		for _, collection := range c.collections {
			try = append(try, collection+"."+name)
		}
	}
	for _, full := range try {
		ns, coll, rest, ok := collectionName(full)
		if !ok {
			continue
		}
		for _, dir := range c.collectionDirs(ns, coll) {
			routing := c.parse(filepath.Join(dir, "meta", "runtime.yml")).root.Get("plugin_routing")
			for _, kind := range []string{"action", "modules"} {
				if to := routing.Get(kind).Get(rest).Get("redirect"); to != nil && scalarText(to) != name {
					return scalarText(to)
				}
			}
		}
	}
	return ""
}

// libraryDirs are where modules of the user's own lie.
func (c *place) libraryDirs() []string {
	var dirs []string
	for _, base := range c.pluginBases() {
		dirs = append(dirs, filepath.Join(base, "library"))
	}
	dirs = append(dirs, c.o.LibraryPath...)
	for _, base := range c.pluginBases() {
		dirs = append(dirs, filepath.Join(base, "action_plugins"))
	}
	return dirs
}

// pluginBases are the folders that may have plugins in them: the playbook's
// and those of the roles.
func (c *place) pluginBases() []string {
	var bases []string
	if c.play != nil {
		bases = append(bases, c.play.Dir)
	}
	bases = append(bases, c.roleDirs...)
	for _, sc := range c.parent.RoleChain() {
		if sc.Role != nil {
			bases = append(bases, sc.Role.Path)
		}
	}
	return bases
}

var moduleExtensions = []string{".py", "", ".ps1", ".sh", ".pl", ".rb", ".exe"}

func (c *place) moduleIn(dirs []string, name string) string {
	if name == "" || strings.ContainsAny(name, "/\x00") {
		return ""
	}
	for _, dir := range dirs {
		files := c.dirNames(dir)
		for _, ext := range moduleExtensions {
			if files[name+ext] {
				return filepath.Join(dir, name+ext)
			}
		}
	}
	return ""
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
		c.reportLacking(calls[0])
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

// reportLacking says that a module is not to be had.
func (c *place) reportLacking(cl *call) {
	if action := filepath.Base(filepath.Dir(cl.file)); action == "action" || action == "action_plugins" {
		p := problem(cl.key, "action-plugin", say.T("%s is an action plugin in Python, which cannot be run", "%s{은/는} 파이썬으로 된 액션 플러그인이라 실행할 수 없습니다", cl.name),
			say.T("it is the file %s", "%s 파일입니다", cl.file), say.T("write it as a module, which runs on the host", "호스트에서 실행되는 모듈로 다시 쓰세요"))
		c.reportUnsupported(p)
		return
	}
	if cl.found == lacking {
		p := problem(cl.key, "unsupported-module", say.T("the module %s is not supported yet", "%s 모듈은 아직 지원하지 않습니다", cl.module), say.Text{},
			say.T("put a module file of that name into library/, or use another module; docs/compatibility.md lists what there is",
				"그 이름의 모듈 파일을 library/에 두거나 다른 모듈을 쓰세요. 지원하는 모듈은 docs/compatibility.md에 있습니다"))
		c.reportUnsupported(p)
	}
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

func (c *place) unknownModule(key *yaml.Node) diag.Problem {
	name := scalarText(key)
	names := moduleNames
	if c.o.Modules != nil {
		names = append(c.o.Modules.Names(), structuralNames...)
	}
	return problem(key, "unknown-module", say.T("there is no module '%s'", "'%s'{이라/라}는 모듈이 없습니다", name), say.Text{},
		nearestModule(name, names))
}

// reportUnsupported says that something that Ansible has is not to be had here.
func (s *session) reportUnsupported(p diag.Problem) {
	if s.o.LackingIsWarning {
		p.Severity = diag.Warning
	}
	s.report(p)
}

// moduleDefaults checks the names of modules in module_defaults, which the
// search list of collections does not apply to.
func (s *session) moduleDefaults(sc *Scope, v *yaml.Node) {
	s.checkTemplates(v)
	items := []*yaml.Node{v}
	if v.Kind == yaml.Sequence {
		items = v.Items
	}
	c := s.context(sc, s.current, false)
	c.collections = nil
	for _, item := range items {
		for _, e := range item.Entries {
			name, ok := e.Key.Scalar.(string)
			if !ok || strings.HasPrefix(name, "group/") {
				continue
			}
			var cl call
			if c.resolve(name, &cl) == notFound {
				s.report(c.unknownModule(e.Key))
			}
		}
	}
}

// checkPlugin reports a plugin that there is not.
func (s *session) checkPlugin(k *keyword, v *yaml.Node) {
	var have []string
	switch k.name {
	case "strategy":
		have = s.o.Strategies
	case "connection":
		have = s.o.Connections
	case "become_method":
		have = s.o.BecomeMethods
	}
	name, known := literal(v)
	if have == nil || !known || slices.Contains(have, shortName(name)) {
		return
	}
	s.reportUnsupported(problem(v, "unsupported-plugin", say.T("%s: '%s' is not supported", "%s: '%s'{은/는} 지원하지 않습니다", k.name, name), say.Text{},
		nearestOr(name, have, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(have, ", ")))))
}

// lackingLookup reports a with_NAME that Ansible has and sunup has not.
func (s *session) lackingLookup(key *yaml.Node, name string) {
	if s.o.Lookups == nil || slices.Contains(s.o.Lookups, shortName(name)) {
		return
	}
	s.reportUnsupported(problem(key, "unsupported-plugin", say.T("with_%s is not supported yet", "with_%s{은/는} 아직 지원하지 않습니다", name), say.Text{},
		say.T("write loop with a filter that makes the same list", "같은 목록을 만드는 필터와 함께 loop를 쓰세요")))
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

// nearestModule compares short names with short names, so that the long
// prefix of a collection does not count as likeness.
func nearestModule(name string, names []string) say.Text {
	short := shortName(name)
	candidates := make([]string, len(names))
	for i, n := range names {
		candidates[i] = shortName(n)
	}
	return nearestOr(short, candidates, say.T("check the spelling; a module of your own goes into library/ beside the playbook", "철자를 확인하세요. 직접 만든 모듈은 플레이북 옆의 library/에 둡니다"))
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
