package playbooks

import (
	"path/filepath"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// includeKeywords are the only keywords on include_tasks and include_role.
var includeKeywords = setOf("action", "local_action", "args", "collections", "debugger", "ignore_errors", "loop", "loop_control",
	"name", "no_log", "register", "run_once", "tags", "timeout", "vars", "when", "listen")

// dynamicKeywords reports keywords that mean nothing on a dynamic include.
func (c *place) dynamicKeywords(t *Task, call *call) {
	for name, k := range t.Keywords {
		if includeKeywords[name] {
			continue
		}
		p := k.Node.Problem("include-keyword")
		p.Pos = k.Pos
		p.What = say.T("%s has no meaning on %s", "%s{은/는} %s에 쓸 수 없습니다", name, call.name)
		p.Why = say.T("it would hold for the include itself, not for the tasks that it brings in", "가져온 작업이 아니라 include 자체에만 걸리기 때문입니다")
		p.Fix = say.T("put it under apply:, so that it holds for those tasks, or around the include on a block", "가져온 작업에 걸리도록 apply: 아래에 쓰거나, include를 감싼 블록에 쓰세요")
		c.report(p)
	}
}

var (
	fileArguments        = []string{"file", "apply"}
	importRoleArguments  = []string{"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "allow_duplicates", "rolespec_validate"}
	includeRoleArguments = append([]string{"apply", "public"}, importRoleArguments...)
)

// onlyArguments reports arguments that an include does not have.
func (c *place) onlyArguments(t *Task, call *call, allowed []string) {
	known := setOf(allowed...)
	for _, k := range t.Args.Keys() {
		name, ok := k.(string)
		if ok && (known[name] || name == rawParams) {
			continue
		}
		if ok && (notArguments[name] || strings.HasPrefix(name, "with_")) && builtinModules[call.short] {
			continue // said already
		}
		at, _ := call.argument(name)
		if at == nil {
			at = call.key
		}
		fix := nearestOr(name, allowed, say.T("it takes: %s", "쓸 수 있는 인자: %s", strings.Join(allowed, ", ")))
		if name == "vars" || name == "tags" {
			fix = say.T("move it left: it is a keyword of the task", "왼쪽으로 옮기세요. 작업의 키워드입니다")
		}
		p := problem(at, "unknown-argument", say.T("%s has no argument '%s'", "%s에는 '%s'{이라/라}는 인자가 없습니다", call.name, name), say.Text{}, fix)
		p.Said = "Invalid options for " + call.name + ": " + name
		c.report(p)
	}
}

// fileArgument is the file of an include, "" when none was given.
func (c *place) fileArgument(t *Task, call *call) string {
	if raw, _ := t.Args.Get(rawParams); raw == nil || raw == "" {
		file, _ := t.Args.Delete("file")
		t.Args.Set(rawParams, file)
	}
	switch name := t.Args.At(rawParams).(type) {
	case string:
		if name != "" {
			return name
		}
	case nil:
	case value.Unsafe:
		return string(name)
	default:
		c.report(problem(call.key, "no-file", say.T("the file of %s must be text", "%s의 파일에는 문자열이 와야 합니다", call.name), say.Text{}, say.Text{}))
		return ""
	}
	c.report(problem(call.key, "no-file", say.T("%s names no file", "%s에 파일 이름이 없습니다", call.name), say.Text{}, say.T("write '%s: file.yml'", "'%s: 파일.yml'처럼 쓰세요", call.name)))
	return ""
}

// apply reads the keywords for what an include brings in.
func (c *place) apply(t *Task, call *call, allowed bool) *Scope {
	if !t.Args.Has("apply") {
		return nil
	}
	key, node := call.argument("apply")
	t.Args.Delete("apply")
	if node == nil {
		c.report(problem(call.key, "not-a-mapping", say.T("apply must be a mapping", "apply에는 사전이 와야 합니다"), say.Text{}, say.T("write it below '%s:' on lines of its own", "'%s:' 아래에 줄을 나누어 쓰세요", call.name)))
		return nil
	}
	switch {
	case isNull(node):
		return nil
	case node.Kind != yaml.Mapping:
		c.report(notAMapping(node, say.Plain("apply")))
		return nil
	case !allowed && len(node.Entries) > 0:
		p := problem(key, "unknown-argument", say.T("%s has no argument '%s'", "%s에는 '%s'{이라/라}는 인자가 없습니다", call.name, "apply"),
			say.T("what an import brings in inherits its keywords anyway", "가져온 작업은 import의 키워드를 그대로 물려받습니다"),
			say.T("write the keywords beside '%s:'", "키워드를 '%s:' 옆에 쓰세요", call.name))
		p.Said = "Invalid options for " + call.name + ": apply"
		c.report(p)
		return nil
	}
	sc := &Scope{Kind: ImportScope, Pos: node.Pos}
	for _, e := range node.Entries {
		name := scalarText(e.Key)
		if k := keywordIn(name, inBlock); k != nil && k.shape != structure {
			c.set(sc, k, e.Key, e.Value)
			continue
		}
		c.report(unknownKeyword(e.Key, inBlock))
	}
	return sc
}

func (c *place) includeTasks(t *Task, call *call) []Step {
	c.dynamicKeywords(t, call)
	c.onlyArguments(t, call, fileArguments)
	t.Include = &Include{Kind: IncludeTasks, Apply: c.apply(t, call, true)}
	c.fileArgument(t, call)
	return []Step{t}
}

func (c *place) importTasks(t *Task, n *yaml.Node, call *call) []Step {
	c.onlyArguments(t, call, fileArguments) // apply says by itself why not
	c.apply(t, call, false)
	file := c.fileArgument(t, call)
	if file == "" {
		return nil
	}
	if t.Loop != nil {
		c.report(c.loopOnImport(t, n, "import_tasks", "include_tasks"))
		return nil
	}
	return c.imported(t, call, file)
}

func (c *place) loopOnImport(t *Task, n *yaml.Node, is, other string) diag.Problem {
	at := n
	for _, e := range n.Entries {
		if name := scalarText(e.Key); name == "loop" || strings.HasPrefix(name, "with_") {
			at = e.Key
		}
	}
	return problem(at, "loop-on-import", say.T("%s cannot have a loop", "%s에는 반복을 쓸 수 없습니다", is),
		say.T("it is resolved before anything runs", "실행 전에 미리 풀리기 때문입니다"), say.T("use %s", "%s{을/를} 쓰세요", other))
}

// oldInclude is include: static when its name is plain and nothing around it
// is dynamic, else dynamic. Its other arguments are variables.
func (c *place) oldInclude(t *Task, call *call) []Step {
	c.report(warning(call.key, "deprecated", say.T("include is deprecated", "include는 더 이상 권하지 않습니다"), say.Text{},
		say.T("use include_tasks, or import_tasks to resolve it before the run", "include_tasks를 쓰세요. 실행 전에 풀려면 import_tasks를 쓰세요")))
	file := c.fileArgument(t, call)
	if file == "" {
		return nil
	}
	own, vars := t.Vars, t.Vars.Copy()
	for k, v := range t.Args.All() {
		if name, ok := k.(string); ok && name != rawParams && name != "tags" && name != "when" {
			vars.Set(name, v)
		}
	}
	if vars.Len() > 0 {
		t.Vars = vars
	}
	if isTemplate(file) || t.Loop != nil || insideInclude(c.parent) {
		t.Include = &Include{Kind: IncludeTasks}
		return []Step{t}
	}
	// Its vars: outrank what was set before, as those of a dynamic include; what
	// stands beside the file name does not.
	t.RoleParams = own
	return c.imported(t, call, file)
}

// insideInclude reports whether a scope was brought in at run time.
func insideInclude(s *Scope) bool {
	for ; s != nil; s = s.Parent {
		if s.Kind == ImportScope && s.Origin != "" {
			return true
		}
	}
	return false
}

// importScope makes the scope of a static import out of its task.
func importScope(t *Task, file string) *Scope {
	sc := t.Scope
	sc.Kind, sc.File, sc.Origin = ImportScope, file, ""
	return &sc
}

// imported puts the tasks of a file in the place of import_tasks.
func (c *place) imported(t *Task, call *call, name string) []Step {
	at := call.value
	if isNull(at) {
		at = call.key
	}
	name, ok := c.renderName(at, name, t.Vars)
	if !ok {
		return nil
	}
	path, searched := c.findTaskFile(name, c.parent, c.play, c.handlers)
	if path == "" {
		c.report(noTaskFile(at, name, searched))
		return nil
	}
	leave, ok := c.enterImport(at, path)
	if !ok {
		return nil
	}
	defer leave()
	root, ok := c.read(path, at)
	if !ok {
		return nil
	}
	if root == nil {
		c.report(warning(at, "empty-file", say.T("%s is empty", "%s{은/는} 비어 있습니다", path), say.Text{}, say.Text{}))
		return nil
	}
	b := &Block{Scope: *importScope(t, name), Name: t.Name, Implicit: true}
	inner := c.in(&b.Scope)
	inner.nestedHandlers = false
	b.Tasks = inner.list(nil, root, say.T("a file of tasks", "작업 파일"))
	if c.handlers {
		return b.Tasks
	}
	return []Step{b}
}

// enterImport guards against files that import themselves.
func (c *place) enterImport(at *yaml.Node, path string) (leave func(), ok bool) {
	if !c.fileRoom(at) {
		return nil, false
	}
	abs := c.abs(path)
	for i, outer := range c.imports {
		if outer == abs {
			c.report(problem(at, "import-cycle", say.T("%s imports itself", "%s{이/가} 자기 자신을 가져옵니다", path),
				say.T("the way: %s", "경로: %s", wayOf(append(c.imports[i:len(c.imports):len(c.imports)], abs))),
				say.T("remove one of the imports, or use include_tasks with a condition", "가져오기 하나를 지우거나 조건이 있는 include_tasks를 쓰세요")))
			return nil, false
		}
	}
	if len(c.imports) >= maxImportDepth {
		c.report(problem(at, "import-too-deep", say.T("imports lie more than %d deep", "가져오기가 %d단계보다 깊습니다", maxImportDepth), say.Text{}, say.Text{}))
		return nil, false
	}
	c.imports = append(c.imports, abs)
	return func() { c.imports = c.imports[:len(c.imports)-1] }, true
}

// wayOf shows files by their names, one after the other.
func wayOf(paths []string) string {
	short := make([]string, len(paths))
	for i, p := range paths {
		short[i] = filepath.Join(filepath.Base(filepath.Dir(p)), filepath.Base(p))
	}
	return strings.Join(short, " → ")
}

func noTaskFile(at *yaml.Node, name string, searched []string) diag.Problem {
	where := say.Text{}
	if len(searched) > 0 {
		where = say.T("looked in: %s", "찾아본 곳: %s", strings.Join(searched, ", "))
	}
	return problem(at, "no-such-file", say.T("there is no file %s", "%s 파일이 없습니다", name), where, say.T("check the name and the folder", "이름과 폴더를 확인하세요"))
}

// FindTaskFile looks for the file of include_tasks as Ansible does: beside the
// files that brought in the include, then in the role's tasks (or handlers),
// then beside the playbook. parent is the scope around the include.
func (l *Loader) FindTaskFile(name string, parent *Scope, play *Play, handlers bool) (path string, searched []string) {
	return l.findTaskFile(name, parent, play, handlers)
}

func (l *Loader) findTaskFile(name string, parent *Scope, play *Play, handlers bool) (string, []string) {
	name = unquote(name)
	if filepath.IsAbs(name) || strings.HasPrefix(name, "~") {
		if l.exists(name) {
			return l.abs(name), nil
		}
		return "", []string{name}
	}
	sub := "tasks"
	if handlers {
		sub = "handlers"
	}
	dir := ""
	if play != nil {
		dir = filepath.Dir(play.File)
	}
	role := parent.InnermostRole()
	var searched []string
	try := func(parts ...string) string {
		p := filepath.Join(parts...)
		for _, have := range searched {
			if have == p {
				return ""
			}
		}
		searched = append(searched, p)
		if l.exists(p) {
			return p
		}
		return ""
	}
	beside := func(folder string) string {
		if role == nil {
			return first(func() string { return try(dir, folder, name) }, func() string { return try(folder, name) })
		}
		base := l.shown(role.Path)
		return first(
			func() string { return try(base, sub, folder, sub, name) },
			func() string { return try(base, sub, folder, name) },
		)
	}
	cumulative, started := "", false
	for sc := parent; sc != nil && sc.Kind != RoleScope; sc = sc.Parent {
		if sc.Kind != ImportScope || sc.File == "" {
			continue
		}
		folder := filepath.Dir(sc.File)
		switch {
		case !started:
			cumulative, started = folder, true
		case !filepath.IsAbs(cumulative):
			cumulative = filepath.Join(folder, cumulative)
		}
		if filepath.IsAbs(cumulative) {
			if p := try(cumulative, name); p != "" {
				return p, nil
			}
			continue
		}
		if p := beside(cumulative); p != "" {
			return p, nil
		}
	}
	if role != nil {
		base := l.shown(role.Path)
		for _, folder := range []string{sub, "tasks", ""} {
			if p := try(base, folder, name); p != "" {
				return p, nil
			}
		}
		if p := try(dir, sub, name); p != "" {
			return p, nil
		}
	}
	if p := try(dir, name); p != "" {
		return p, nil
	}
	return "", searched
}

func first(tries ...func() string) string {
	for _, t := range tries {
		if p := t(); p != "" {
			return p
		}
	}
	return ""
}

// shown is a path as people see it: relative when it lies below the folder
// that relative paths start from.
func (l *Loader) shown(path string) string {
	if rel, ok := strings.CutPrefix(path, strings.TrimSuffix(l.o.BaseDir, "/")+"/"); ok {
		return rel
	}
	return path
}
