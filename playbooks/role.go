package playbooks

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"sort"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// RoleFrom names the files of a role that are not main, and what else an
// include of a role may say.
type RoleFrom struct {
	TasksFrom, VarsFrom, DefaultsFrom, HandlersFrom string
	// SkipValidation is rolespec_validate: false.
	SkipValidation bool
	// Once is allow_duplicates: false. Without it an included role may run again.
	Once bool
}

// Role reads a role for include_role at run time. parent is Task.Inside of the
// include; relativeTo is a folder of roles to look in besides the usual ones,
// or "".
func (l *Loader) Role(name string, from RoleFrom, parent *Scope, play *Play, relativeTo string) (*RoleUse, diag.Problems) {
	s := l.newSession()
	s.resume(play)
	c := s.context(parent, play, false)
	c.prefix(parent)
	at := &yaml.Node{Scalar: name}
	if parent != nil {
		at.Pos = parent.Pos
		at.Source = l.sourceOf(parent.Pos.File)
	}
	use := c.role(roleEntry{at: at, name: name, from: from, included: true, base: relativeTo, collections: c.collections})
	if use != nil {
		use.Handlers = append(use.Handlers, HandlersOf([]Step{use.Block})...)
	}
	return use, s.done()
}

// sourceOf gives the text of a file.
func (l *Loader) sourceOf(path string) *yaml.Source {
	if root := l.parse(path).root; root != nil {
		return root.Source
	}
	return nil
}

func (c *place) includeRole(t *Task, call *call) []Step {
	c.notAsHandler(call)
	c.dynamicKeywords(t, call)
	c.roleArguments(t, call)
	t.Include = &Include{Kind: IncludeRole, Apply: c.apply(t, call, true)}
	return []Step{t}
}

func (c *place) notAsHandler(call *call) {
	if c.handlers {
		c.report(problem(call.key, "role-as-handler", say.T("%s cannot be a handler", "%s{은/는} 핸들러가 될 수 없습니다", call.name), say.Text{},
			say.T("use include_tasks with the tasks of the role", "롤의 작업 파일로 include_tasks를 쓰세요")))
	}
}

// roleArguments checks the arguments of include_role and import_role and
// returns the role's name and the files asked for.
func (c *place) roleArguments(t *Task, call *call) (name string, from RoleFrom, ok bool) {
	if raw, has := t.Args.Get(rawParams); has {
		words := shorten(fmt.Sprint(raw))
		c.report(problem(call.value, "no-role-name", say.T("%s does not take the text '%s'", "%s{은/는} '%s'{이라/라}는 글을 받지 않습니다", call.name, words), say.Text{},
			say.T("write '%s: {name: %s}'", "'%s: {name: %s}'{으로/로} 쓰세요", call.name, words)))
		return "", from, false
	}
	if call.short == "import_role" {
		c.onlyArguments(t, call, importRoleArguments)
	} else {
		c.onlyArguments(t, call, includeRoleArguments)
	}
	name, ok = c.roleName(t, call)
	for key, into := range map[string]*string{"tasks_from": &from.TasksFrom, "vars_from": &from.VarsFrom, "defaults_from": &from.DefaultsFrom, "handlers_from": &from.HandlersFrom} {
		v, has := t.Args.Get(key)
		if !has {
			continue
		}
		file, isText := v.(string)
		if !isText {
			at, _ := call.argument(key)
			if at == nil {
				at = call.key
			}
			c.report(problem(at, "wrong-type", say.T("%s must be text", "%s에는 문자열이 와야 합니다", key), say.Text{}, say.Text{}))
			ok = false
			continue
		}
		*into = file
	}
	from.SkipValidation = isFalse(t.Args.At("rolespec_validate"))
	from.Once = isFalse(t.Args.At("allow_duplicates"))
	return name, from, ok
}

func (c *place) roleName(t *Task, call *call) (string, bool) {
	given, has := t.Args.Get("name")
	if !has {
		given = t.Args.At("role")
	}
	if given == nil || given == "" {
		c.report(problem(call.key, "no-role-name", say.T("%s names no role", "%s에 롤 이름이 없습니다", call.name), say.Text{}, say.T("write '%s: {name: ROLE}'", "'%s: {name: 롤}'처럼 쓰세요", call.name)))
		return "", false
	}
	return fmt.Sprint(given), true
}

func isFalse(v any) bool {
	switch v := v.(type) {
	case bool:
		return !v
	case int:
		return v == 0
	case string:
		b, known := booleanWords[strings.ToLower(v)]
		return known && !b
	}
	return false
}

func (c *place) importRole(t *Task, n *yaml.Node, call *call) []Step {
	c.notAsHandler(call)
	if c.handlers {
		return nil
	}
	name, from, ok := c.roleArguments(t, call)
	if t.Loop != nil {
		c.report(c.loopOnImport(t, n, "import_role", "include_role"))
		ok = false
	}
	if !ok {
		return nil
	}
	at := call.key
	for _, key := range []string{"role", "name"} {
		if _, v := call.argument(key); v != nil {
			at = v
		}
	}
	for _, field := range []*string{&name, &from.TasksFrom, &from.VarsFrom, &from.DefaultsFrom, &from.HandlersFrom} {
		if *field, ok = c.renderName(at, *field, t.Vars); !ok {
			return nil
		}
	}
	b := &Block{Scope: *importScope(t, ""), Name: t.Name, Implicit: true}
	inner := c.in(&b.Scope)
	use := inner.role(roleEntry{at: at, name: name, from: from, included: true, collections: c.collections})
	if use == nil {
		return nil
	}
	b.Tasks = []Step{use.Block}
	b.Handlers = use.Handlers
	return []Step{b}
}

// roleEntry is one demand for a role.
type roleEntry struct {
	at          *yaml.Node // to blame
	name        string
	from        RoleFrom
	scope       Scope  // the keywords of the entry
	included    bool   // by import_role or include_role
	base        string // a folder of roles to look in, or ""
	collections []string
}

// roles reads roles: of a play or dependencies: of a role.
func (c *place) rolesList(at, n *yaml.Node, what say.Text, base string, collections []string) []*RoleUse {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.Sequence {
		if n.Kind == yaml.Scalar {
			at = n
		}
		c.report(notAList(at, n, what))
		return nil
	}
	var out []*RoleUse
	for _, item := range n.Items {
		if !c.room(item) {
			break
		}
		entry, ok := c.roleEntry(item)
		if !ok {
			continue
		}
		entry.base, entry.collections = base, collections
		if use := c.role(entry); use != nil {
			out = append(out, use)
		}
	}
	return out
}

// roleEntry reads "name" or {role: name, ...}; what is no keyword is a parameter.
func (c *place) roleEntry(n *yaml.Node) (entry roleEntry, ok bool) {
	entry = roleEntry{at: n, scope: Scope{Kind: RoleScope, Pos: n.Pos}}
	switch {
	case c.broken(n):
		return entry, false
	case n.Kind == yaml.Sequence || isNull(n):
		c.report(problem(n, "bad-role", say.T("a role must be a name or a mapping, not %s", "롤에는 이름이나 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(n)), say.Text{},
			say.T("write '- name' or '- role: name'", "'- 이름'이나 '- role: 이름'으로 쓰세요")))
		return entry, false
	case n.Kind == yaml.Scalar:
		entry.name = scalarText(n)
		if strings.Contains(entry.name, ",") {
			c.report(problem(n, "bad-role", say.T("'%s' is no name of a role", "'%s'{은/는} 롤 이름이 아닙니다", entry.name), say.T("roles with a version belong in requirements.yml", "버전이 있는 롤은 requirements.yml에 씁니다"),
				say.T("write parameters as a mapping: '- role: name' and then 'key: value' lines", "매개변수는 '- role: 이름' 아래에 '키: 값'으로 쓰세요")))
			return entry, false
		}
	default:
		if ok := c.roleMapping(n, &entry); !ok {
			return entry, false
		}
	}
	name, ok := c.renderName(entry.at, entry.name, entry.scope.Vars)
	entry.name = name
	return entry, ok
}

func (c *place) roleMapping(n *yaml.Node, entry *roleEntry) bool {
	if !c.textKeys(n) {
		return false
	}
	nameNode := n.Get("role")
	if nameNode == nil {
		nameNode = n.Get("name")
	}
	if nameNode == nil && n.Get("src") != nil {
		nameNode = n.Get("src")
	}
	if nameNode == nil || nameNode.Kind != yaml.Scalar || isNull(nameNode) || scalarText(nameNode) == "" {
		at := n
		if nameNode != nil {
			at = nameNode
		}
		c.report(problem(at, "bad-role", say.T("a role without a name", "이름 없는 롤입니다"), say.Text{}, say.T("write '- role: name'", "'- role: 이름'으로 쓰세요")))
		return false
	}
	entry.at, entry.name = nameNode, scalarText(nameNode)
	for _, e := range n.Entries {
		name := scalarText(e.Key)
		if k := keywordIn(name, inRole); k != nil {
			c.set(&entry.scope, k, e.Key, e.Value)
			continue
		}
		if fix, removed := removedKeywords[name]; removed && strings.HasPrefix(name, "su") {
			c.report(problem(e.Key, "removed-keyword", say.T("the keyword %s no longer exists", "%s 키워드는 더 이상 없습니다", name), say.Text{}, fix))
		}
		if entry.scope.RoleParams == nil {
			entry.scope.RoleParams = &value.Dict{}
		}
		c.checkUnused(e.Value)
		entry.scope.RoleParams.Set(name, e.Value.Value())
	}
	return true
}

// role finds and reads a role.
func (c *place) role(entry roleEntry) *RoleUse {
	if !c.fileRoom(entry.at) {
		return nil
	}
	dir, name, collection, searched := c.findRole(entry)
	if dir == "" {
		c.report(c.noRole(entry, searched))
		return nil
	}
	step := c.abs(dir) + "\x00" + entry.from.TasksFrom
	for i, outer := range c.roleWay {
		if outer == step {
			c.report(problem(entry.at, "role-cycle", say.T("the role %s needs itself", "롤 %s{이/가} 자기 자신을 필요로 합니다", name),
				say.T("the way: %s", "경로: %s", roleWayWords(append(c.roleWay[i:len(c.roleWay):len(c.roleWay)], step))),
				say.T("remove it from one of the dependencies", "의존 관계 중 하나에서 빼세요")))
			return nil
		}
	}
	if len(c.roleWay) >= maxImportDepth {
		c.report(problem(entry.at, "import-too-deep", say.T("imports lie more than %d deep", "가져오기가 %d단계보다 깊습니다", maxImportDepth), say.Text{}, say.Text{}))
		return nil
	}
	c.roleWay = append(c.roleWay, step)
	defer func() { c.roleWay = c.roleWay[:len(c.roleWay)-1] }()

	use := &RoleUse{Scope: entry.scope}
	use.Kind, use.Parent = RoleScope, c.parent
	if use.Pos == (diag.Pos{}) {
		use.Pos = entry.at.Pos
	}
	r := &roleReader{place: c, use: use, entry: entry, dir: dir, role: &Role{Name: name, Path: c.abs(dir), FromCollection: collection, AllowDuplicates: entry.included && !entry.from.Once}}
	r.read()
	return use
}

func roleWayWords(steps []string) string {
	names := make([]string, len(steps))
	for i, s := range steps {
		dir, _, _ := strings.Cut(s, "\x00")
		names[i] = filepath.Base(dir)
	}
	return strings.Join(names, " → ")
}

// findRole returns the folder of a role and its name.
func (c *place) findRole(entry roleEntry) (dir, name, collection string, searched []string) {
	name = entry.name
	if ns, coll, rest, ok := collectionName(name); ok {
		for _, d := range c.collectionDirs(ns, coll) {
			if p := filepath.Join(d, "roles", strings.ReplaceAll(rest, ".", "/")); c.isDir(p) {
				return c.shown(p), ns + "." + coll + "." + rest, ns + "." + coll, nil
			}
		}
	}
	for _, cn := range entry.collections {
		ns, coll, _ := strings.Cut(cn, ".")
		for _, d := range c.collectionDirs(ns, coll) {
			if p := filepath.Join(d, "roles", name); name != "" && c.isDir(p) {
				return c.shown(p), cn + "." + name, cn, nil
			}
		}
	}
	base := c.playDir()
	paths := append([]string{filepath.Join(base, "roles")}, c.o.RolesPath...)
	if entry.base != "" {
		paths = append(paths, entry.base)
	}
	for _, p := range append(paths, base) {
		candidate := filepath.Join(p, name)
		if filepath.IsAbs(name) || strings.HasPrefix(name, "~") {
			candidate = name
		}
		searched = append(searched, p)
		if c.exists(candidate) {
			return c.shown(filepath.Clean(candidate)), name, "", nil
		}
	}
	if c.exists(name) {
		return c.shown(c.abs(name)), filepath.Base(name), "", nil
	}
	return "", name, "", searched
}

// playDir is where relative paths of the play start, as it is shown.
func (c *place) playDir() string {
	if c.play == nil {
		return "."
	}
	return filepath.Dir(c.play.File)
}

func (c *place) noRole(entry roleEntry, searched []string) diag.Problem {
	var names []string
	for _, dir := range searched {
		if entries, err := fs.ReadDir(c.o.FS, c.fsPath(dir)); err == nil {
			for _, e := range entries {
				if e.IsDir() {
					names = append(names, e.Name())
				}
			}
		}
	}
	return problem(entry.at, "unknown-role", say.T("there is no role '%s'", "'%s'{이라/라}는 롤이 없습니다", entry.name),
		say.T("looked in: %s", "찾아본 곳: %s", strings.Join(searched, ", ")),
		nearestOr(entry.name, names, say.T("put it into roles/ beside the playbook, or set roles_path", "플레이북 옆의 roles/에 두거나 roles_path를 정하세요")))
}

// collectionName parts ns.coll.name; the name may have dots for subfolders.
func collectionName(name string) (ns, coll, rest string, ok bool) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 || !isDotted(name) {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}

// collectionDirs are the folders that may hold a collection.
func (c *place) collectionDirs(ns, coll string) []string {
	if ns == "" || coll == "" {
		return nil
	}
	var out []string
	for _, root := range c.collectionRoots() {
		for _, d := range []string{filepath.Join(root, "ansible_collections"), root} {
			if filepath.Base(d) != "ansible_collections" {
				continue
			}
			if p := filepath.Join(d, ns, coll); c.isDir(p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// roleReader reads the files of one role for one use.
type roleReader struct {
	*place
	use   *RoleUse
	entry roleEntry
	role  *Role
	dir   string
}

func (r *roleReader) read() {
	r.roleDirs = append(r.roleDirs, r.dir)
	r.use.Role = r.role
	r.role.Vars = r.variablesOf("vars", r.entry.from.VarsFrom)
	r.role.Defaults = r.variablesOf("defaults", r.entry.from.DefaultsFrom)
	meta := r.meta()
	r.role.Collections = r.collectionsOf(meta)
	r.role.Key = r.key()
	if known := r.session.roles[r.role.Key]; known != nil {
		r.use.Role = known
	} else {
		r.session.roles[r.role.Key] = r.role
	}
	r.role.ArgumentSpecs = r.argumentSpecs(meta)

	inner := r.place.in(&r.use.Scope)
	b := &Block{Scope: Scope{Kind: BlockScope, Parent: &r.use.Scope, Pos: r.use.Pos}, Implicit: true}
	deps := r.dependencies(inner, meta)
	for _, dep := range deps {
		b.Tasks = append(b.Tasks, dep.Block)
		r.use.Handlers = append(r.use.Handlers, dep.Handlers...)
	}
	r.role.Dependencies = deps
	own := r.place.in(&b.Scope)
	own.handlers = false
	b.Tasks = append(b.Tasks, r.validation(own)...)
	b.Tasks = append(b.Tasks, r.stepsOf(own, "tasks", r.entry.from.TasksFrom)...)
	b.Tasks = append(b.Tasks, r.complete(own))
	r.use.Block = b

	hands := r.place.in(&r.use.Scope)
	hands.handlers = true
	r.use.Handlers = append(r.use.Handlers, tasksOf(r.stepsOf(hands, "handlers", r.entry.from.HandlersFrom))...)
}

// tasksOf drops nothing: handlers are tasks only.
func tasksOf(steps []Step) []*Task {
	var out []*Task
	for _, s := range steps {
		switch s := s.(type) {
		case *Task:
			out = append(out, s)
		case *Block:
			out = append(out, tasksOf(s.Tasks)...)
		}
	}
	return out
}

// files finds tasks/main.yml and the like: several only for variables, where
// main may be a folder.
func (r *roleReader) files(sub, from string, dirs bool) []string {
	folder := filepath.Join(r.dir, sub)
	if !r.isDir(folder) {
		return nil
	}
	name, extensions := "main", []string{".yml", ".yaml", ".json", ""}
	names := []string{name}
	if from != "" {
		names, extensions = []string{from}, []string{"", ".yml", ".yaml", ".json"}
		if base := filepath.Base(from); base != from {
			names = append(names, base)
		}
	}
	for _, name := range names {
		for _, ext := range extensions {
			p := filepath.Join(folder, name+ext)
			if !strings.HasPrefix(p, folder+string(filepath.Separator)) {
				continue
			}
			switch {
			case r.isFile(p):
				return []string{p}
			case dirs && r.isDir(p):
				return r.filesBelow(p, 0)
			}
		}
	}
	if from != "" {
		r.report(problem(r.entry.at, "no-such-file", say.T("the role %s has no file %s", "롤 %s에 %s 파일이 없습니다", r.role.Name, filepath.Join(sub, from)), say.Text{}, say.Text{}))
	}
	return nil
}

// filesBelow are the variable files of a folder, in order of name.
func (r *roleReader) filesBelow(dir string, depth int) []string {
	entries, err := fs.ReadDir(r.o.FS, r.fsPath(dir))
	if err != nil || depth > maxImportDepth {
		return nil
	}
	var out []string
	for _, e := range entries {
		name, ext := e.Name(), filepath.Ext(e.Name())
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		p := filepath.Join(dir, name)
		switch {
		case r.isDir(p) && ext == "":
			out = append(out, r.filesBelow(p, depth+1)...)
		case r.isFile(p) && (ext == "" || ext == ".yml" || ext == ".yaml" || ext == ".json"):
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out
}

func (r *roleReader) variablesOf(sub, from string) *value.Dict {
	var d *value.Dict
	for _, path := range r.files(sub, from, true) {
		if vars := r.readVariables(path, r.entry.at); vars != nil {
			if d == nil {
				d = &value.Dict{}
			}
			d.Update(vars)
		}
	}
	return d
}

func (r *roleReader) stepsOf(c *place, sub, from string) []Step {
	for _, path := range r.files(sub, from, false) {
		root, ok := r.session.read(path, r.entry.at)
		if !ok || root == nil {
			continue
		}
		return c.list(nil, root, say.T("a file of tasks", "작업 파일"))
	}
	return nil
}

// meta reads meta/main.yml; its keywords go to the use.
func (r *roleReader) meta() *yaml.Node {
	for _, path := range r.files("meta", "", false) {
		root, ok := r.session.read(path, r.entry.at)
		if !ok || root == nil {
			return nil
		}
		if root.Kind != yaml.Mapping {
			r.report(notAMapping(root, say.Plain("meta/main.yml")))
			return nil
		}
		r.metaKeywords(root)
		return root
	}
	return nil
}

func (r *roleReader) metaKeywords(root *yaml.Node) {
	for _, e := range root.Entries {
		name := scalarText(e.Key)
		k := keywordIn(name, inMeta)
		if k == nil {
			r.report(unknownKeyword(e.Key, inMeta))
			continue
		}
		r.checkShape(k, e.Key, e.Value)
		if name == "allow_duplicates" && !r.entry.included {
			r.role.AllowDuplicates = isTrue(e.Value)
		}
	}
}

// isTrue reads a boolean that is written out.
func isTrue(n *yaml.Node) bool {
	switch v := n.Scalar.(type) {
	case bool:
		return v
	case int:
		return v == 1
	}
	return booleanWords[strings.ToLower(scalarText(n))]
}

func (r *roleReader) collectionsOf(meta *yaml.Node) []string {
	var list []string
	if r.role.FromCollection != "" {
		list = append(list, r.role.FromCollection)
	} else if r.play != nil && r.play.Collection != "" {
		list = append(list, r.play.Collection)
	}
	for _, name := range texts(meta.Get("collections")) {
		known := false
		for _, have := range list {
			known = known || have == name
		}
		if !known {
			list = append(list, name)
		}
	}
	for _, name := range list {
		if name == "ansible.builtin" || name == "ansible.legacy" {
			return list
		}
	}
	switch {
	case len(list) == 0:
		return nil
	case r.role.FromCollection != "":
		return append(list, "ansible.builtin")
	}
	return append(list, "ansible.legacy")
}

func (r *roleReader) dependencies(c *place, meta *yaml.Node) []*RoleUse {
	deps := meta.Get("dependencies")
	if deps == nil {
		return nil
	}
	search := r.role.Collections
	return c.rolesList(keyOf(meta, "dependencies"), deps, say.Plain("dependencies"), filepath.Dir(r.dir), search)
}

// argumentSpecs is the specification of the role's parameters: a file of its
// own, or a part of meta/main.yml.
func (r *roleReader) argumentSpecs(meta *yaml.Node) *yaml.Node {
	for _, ext := range []string{".yml", ".yaml", ".json"} {
		path := filepath.Join(r.dir, "meta", "argument_specs"+ext)
		if r.isFile(path) {
			root, _ := r.session.read(path, r.entry.at)
			return root.Get("argument_specs")
		}
	}
	return meta.Get("argument_specs")
}

// validation is the task that checks the parameters of a role.
func (r *roleReader) validation(c *place) []Step {
	entrypoint := "main"
	if r.entry.from.TasksFrom != "" {
		entrypoint = filepath.Base(r.entry.from.TasksFrom)
	}
	spec := r.role.ArgumentSpecs.Get(entrypoint)
	if r.entry.from.SkipValidation || spec == nil || spec.Kind != yaml.Mapping || len(spec.Entries) == 0 {
		return nil
	}
	name := fmt.Sprintf("Validating arguments against arg spec '%s'", entrypoint)
	if short := spec.Get("short_description"); short != nil {
		name += " - " + scalarText(short)
	}
	options := spec.Get("options").Value()
	if options == nil {
		options = &value.Dict{}
	}
	params := r.use.RoleParams
	if params == nil {
		params = &value.Dict{}
	}
	t := &Task{
		Scope: Scope{Kind: TaskScope, Parent: c.parent, Pos: spec.Pos, Tags: []string{"always"}},
		ID:    c.id(spec.Pos), Name: name, Pos: spec.Pos,
		Action: "ansible.builtin.validate_argument_spec", Module: "ansible.builtin.validate_argument_spec",
		Args: value.NewDict("argument_spec", options, "provided_arguments", params,
			"validate_args_context", value.NewDict("type", "role", "name", r.role.ShortName(), "argument_spec_name", entrypoint, "path", r.role.Path)),
	}
	t.Origin = t.ID
	return []Step{t}
}

// ShortName is the name of the role without its collection.
func (r *Role) ShortName() string {
	if short, ok := strings.CutPrefix(r.Name, r.FromCollection+"."); ok && r.FromCollection != "" {
		return short
	}
	return r.Name
}

// complete is the last task of a role: from then on it has run.
func (r *roleReader) complete(c *place) *Task {
	t := &Task{
		Scope: Scope{Kind: TaskScope, Parent: c.parent, Pos: r.use.Pos, Tags: []string{"always"}},
		ID:    c.id(r.use.Pos) + "!", Action: "meta", Module: "ansible.builtin.meta", Pos: r.use.Pos,
		Args: value.NewDict(rawParams, "role_complete"), Implicit: true,
	}
	t.Origin = t.ID
	return t
}

// key tells uses of a role apart that Ansible takes for different roles.
func (r *roleReader) key() string {
	from := r.entry.from
	return fmt.Sprintf("%s|%s|%v|%q|%s|%q,%q,%q,%q|%v", r.role.Name, plain(r.entry.scope.RoleParams), r.entry.scope.When, r.entry.scope.Tags,
		plain(r.entry.scope.Vars), from.TasksFrom, from.VarsFrom, from.DefaultsFrom, from.HandlersFrom, r.entry.included)
}

// plain writes data so that equal data gives equal text.
func plain(v any) string {
	switch v := v.(type) {
	case *value.Dict:
		parts := make([]string, 0, v.Len())
		for k, val := range v.All() {
			parts = append(parts, fmt.Sprintf("%#v:%s", k, plain(val)))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ",") + "}"
	case *value.List:
		parts := make([]string, 0, v.Len())
		for _, item := range v.Items {
			parts = append(parts, plain(item))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return fmt.Sprintf("%T:%v", v, v)
}
