package playbooks

import (
	"fmt"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
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
		c.report(problem(call.key, "role-as-handler", say.T("Using '%s' as a handler is not supported.", "%s{은/는} 핸들러가 될 수 없습니다", call.name), say.Text{},
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
			c.report(problem(at, "wrong-type", say.T("Expected a string for %s but got something else", "%s에는 문자열이 와야 합니다", key), say.Text{}, say.Text{}))
			ok = false
			continue
		}
		*into = file
	}
	from.SkipValidation = isFalse(t.Args.At("rolespec_validate"))
	from.Once = isFalse(c.filledIn(call, t, "allow_duplicates"))
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

// filledIn is an argument of an import, which is needed before the run: a template in
// it is filled in.
func (c *place) filledIn(call *call, t *Task, name string) any {
	v := t.Args.At(name)
	text, isText := v.(string)
	if !isText || call.short != "import_role" || !isTemplate(text) {
		return v
	}
	render := c.o.Render
	if render == nil {
		render = renderPlain
	}
	filled, err := render(text, c.staticVars(t.Vars))
	if err != nil {
		return v
	}
	return filled
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
