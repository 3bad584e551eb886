package playbooks

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"sort"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

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
	paths := r.files("meta", "", false)
	if len(paths) == 0 {
		return nil
	}
	root, ok := r.session.read(paths[0], r.entry.at)
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
