package playbooks

import (
	"path/filepath"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

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
	case movedModules()[into.short] != "":
		into.module = movedModules()[into.short]
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

func (c *place) unknownModule(key *yaml.Node) diag.Problem {
	name := scalarText(key)
	names := moduleNames()
	if c.o.Modules != nil {
		names = append(c.o.Modules.Names(), structuralNames...)
	}
	p := problem(key, "unknown-module", say.T("there is no module '%s'", "'%s'{이라/라}는 모듈이 없습니다", name), say.Text{},
		nearestModule(name, names))
	p.Lacking, p.Subject = "module", name
	return p
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
			if ok && strings.HasPrefix(name, groupPrefix) {
				c.defaultsOfGroup(sc, e.Key, name)
				continue
			}
			if !ok {
				continue
			}
			var cl call
			if c.resolve(name, &cl) == notFound {
				s.report(c.unknownModule(e.Key))
			}
		}
	}
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
