package jinja

import (
	"errors"
	"fmt"

	"sunup/internal/value"
)

// blockCode is a compiled {% block %}.
type blockCode struct {
	name     string
	u        *unit
	run      execFn
	fn       *function
	required bool

	superSlot, selfSlot int
}

func (c *compiler) block(s *blockStmt) execFn {
	outerFn, outerSc, inVar := c.fn, c.sc, c.inVar
	fn := &function{cache: map[string]int{}}
	c.sc, c.inVar = nil, false
	c.push(fn, append(assigned(s.body, nil), "super", "self"))
	b := &blockCode{name: s.name, u: c.u, fn: fn, required: s.required}
	b.superSlot, b.selfSlot = c.sc.names["super"], c.sc.names["self"]
	guard := c.guard
	c.guard = false
	b.run = c.body(s.body)
	c.fn, c.sc, c.inVar, c.guard = outerFn, outerSc, inVar, guard
	c.blocks[s.name] = b
	name, u, pos := s.name, c.u, s.at()
	var visible []visibleName
	if s.scoped {
		visible = c.visible()
	}
	return func(rt *runtime) error {
		list := rt.mod.blocks[name]
		if len(list) == 0 || guard && rt.mod.parent != nil {
			return nil
		}
		if list[0].required {
			return u.locate(problem(KindTemplate, "Required block %s not found", value.Repr(name)), pos)
		}
		mod := rt.mod
		if s.scoped {
			scoped := *mod
			scoped.scope = &overlay{vars: visibleValues(rt.f, visible), under: moduleScope{rt, mod}}
			scoped.vars = nil
			rt.mod = &scoped
		}
		err := rt.runBlock(name, 0)
		rt.mod = mod
		return err
	}
}

// runBlock runs one level of a block: 0 is the most derived one.
func (rt *runtime) runBlock(name string, level int) error {
	if err := rt.enter(); err != nil {
		return err
	}
	defer rt.leave()
	b := rt.mod.blocks[name][level]
	caller := rt.f
	rt.f = &frame{slots: make([]slot, b.fn.size)}
	defer func() { rt.f = caller }()
	rt.f.slots[b.superSlot] = slot{&blockSuper{rt.mod, name, level + 1}, true}
	rt.f.slots[b.selfSlot] = slot{&blockSelf{rt.mod}, true}
	return b.run(rt)
}

// blockSelf is the variable self: the blocks of the template, to be called.
type blockSelf struct{ mod *module }

func (s *blockSelf) PyType() string { return "TemplateReference" }

func (s *blockSelf) attribute(name string) (any, bool) {
	if len(s.mod.blocks[name]) == 0 {
		return nil, false
	}
	return &blockSuper{s.mod, name, 0}, true
}

// blockSuper renders a block of a certain level when it is called.
type blockSuper struct {
	mod   *module
	name  string
	level int
}

func (s *blockSuper) PyType() string { return "BlockReference" }

func (s *blockSuper) attribute(name string) (any, bool) {
	if name == "super" {
		return &blockSuper{s.mod, s.name, s.level + 1}, true
	}
	return nil, false
}

func (s *blockSuper) call(c *Call) (any, error) {
	if s.level >= len(s.mod.blocks[s.name]) {
		return nil, (&Undefined{Name: "super", Hint: fmt.Sprintf("there is no parent block called %s.", value.Repr(s.name))}).err()
	}
	rt := c.rt
	mod := rt.mod
	rt.mod = s.mod
	defer func() { rt.mod = mod }()
	return rt.capture(func() error { return rt.runBlock(s.name, s.level) })
}

type visibleName struct {
	name string
	refs []ref
}

// visible lists the local names that can be read at this place, for templates
// included here.
func (c *compiler) visible() []visibleName {
	var out []visibleName
	index := map[string]int{}
	up, fn := 0, c.fn
	for s := c.sc; s != nil; s = s.up {
		for fn != s.fn {
			fn = fn.up
			up++
		}
		for name, i := range s.names {
			at, ok := index[name]
			if !ok {
				at = len(out)
				index[name] = at
				out = append(out, visibleName{name: name})
			}
			out[at].refs = append(out[at].refs, ref{up, i})
		}
	}
	return out
}

func visibleValues(f *frame, names []visibleName) map[string]any {
	vars := make(map[string]any, len(names))
	for _, n := range names {
		for _, r := range n.refs {
			g := f
			for range r.up {
				g = g.up
			}
			if s := g.slots[r.slot]; s.ok {
				vars[n.name] = s.v
				break
			}
		}
	}
	return vars
}

// overlay is a scope with some local variables above another one.
type overlay struct {
	vars  map[string]any
	under Scope
}

func (o *overlay) Lookup(name string) (any, bool, bool, error) {
	if v, ok := o.vars[name]; ok {
		return v, true, false, nil
	}
	return o.under.Lookup(name)
}

// moduleScope shows the exported assignments and the scope of a module.
type moduleScope struct {
	rt  *runtime
	mod *module
}

func (s moduleScope) Lookup(name string) (any, bool, bool, error) {
	if v, ok := s.mod.vars[name]; ok {
		return v, true, false, nil
	}
	return s.mod.scope.Lookup(name)
}

// noScope has no variables: what an import without context sees.
type noScope struct{}

func (noScope) Lookup(string) (any, bool, bool, error) { return nil, false, false, nil }

func (c *compiler) extends(s *extendsStmt) execFn {
	c.u.mutates = true
	name := c.expr(s.name)
	u, pos := c.u, s.at()
	return func(rt *runtime) error {
		if rt.mod.parent != nil {
			return u.locate(problem(KindTemplate, "extended multiple times"), pos)
		}
		v, err := name(rt)
		if err != nil {
			return err
		}
		t, err := rt.load(v)
		if err != nil {
			return u.locate(err, pos)
		}
		rt.mod.parent = t
		if rt.mod.blocks == nil {
			rt.mod.blocks = map[string][]*blockCode{}
		}
		for n, b := range t.blocks {
			rt.mod.blocks[n] = append(rt.mod.blocks[n], b)
		}
		// What the child writes from here on, outside of its blocks, is not shown.
		rt.mod.mark, rt.mod.markNodes = len(rt.out), rt.nodes
		return nil
	}
}

// load finds a template by its name, or the first of a list of names.
func (rt *runtime) load(v any) (*Template, error) {
	switch v := v.(type) {
	case *Undefined:
		return nil, v.err()
	case string:
		return rt.env.load(v)
	case *value.List, value.Tuple:
		items, _ := rt.iterate(v)
		for _, item := range items {
			name, ok := item.(string)
			if !ok {
				continue
			}
			t, err := rt.env.load(name)
			if err == nil || !isMissing(err) {
				return t, err
			}
		}
		return nil, &Error{Kind: KindTemplate, Msg: "none of the templates given were found: " + joinReprs(items), Err: errMissing}
	}
	return nil, typeError("the name of a template is a string, not %s", value.TypeName(v))
}

func joinReprs(items []any) string {
	out := ""
	for i, v := range items {
		if i > 0 {
			out += ", "
		}
		out += value.Str(v)
	}
	return out
}

var errMissing = errors.New("template not found")

func isMissing(err error) bool { return errors.Is(err, errMissing) }

func (c *compiler) include(s *includeStmt) execFn {
	c.u.mutates = true
	name := c.expr(s.name)
	visible := c.visible()
	u, pos := c.u, s.at()
	return func(rt *runtime) error {
		v, err := name(rt)
		if err != nil {
			return err
		}
		t, err := rt.load(v)
		if err != nil {
			if s.ignoreMissing && isMissing(err) {
				return nil
			}
			return u.locate(err, pos)
		}
		var sc Scope = noScope{}
		if s.withContext {
			sc = &overlay{vars: visibleValues(rt.f, visible), under: moduleScope{rt, rt.mod}}
		}
		if err := rt.enter(); err != nil {
			return u.locate(err, pos)
		}
		defer rt.leave()
		_, err = rt.runTemplate(t, sc)
		return err
	}
}

// runTemplate renders another template into the current output and returns
// its module.
func (rt *runtime) runTemplate(t *Template, sc Scope) (*module, error) {
	f, mod := rt.f, rt.mod
	defer func() { rt.f, rt.mod = f, mod }()
	m := &module{scope: sc, blocks: map[string][]*blockCode{}, unit: t.u}
	rt.mod = m
	return m, t.run(rt)
}

// moduleValue is what {% import %} gives: the exported names of a template.
type moduleValue struct {
	name string
	text any
	vars *value.Dict
}

func (m *moduleValue) PyType() string { return "TemplateModule" }
func (m *moduleValue) PyRepr() string { return "<TemplateModule " + value.Repr(m.name) + ">" }
func (m *moduleValue) PyStr() string  { return value.Str(m.text) }
func (m *moduleValue) PyTruth() bool  { return true }
func (m *moduleValue) attribute(name string) (any, bool) {
	return m.vars.Get(name)
}

func (c *compiler) imported(name expr, withContext bool) func(rt *runtime) (*moduleValue, error) {
	c.u.mutates = true
	f := c.expr(name)
	visible := c.visible()
	u, pos := c.u, name.at()
	return func(rt *runtime) (*moduleValue, error) {
		v, err := f(rt)
		if err != nil {
			return nil, err
		}
		t, err := rt.load(v)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		var sc Scope = noScope{}
		if withContext {
			sc = &overlay{vars: visibleValues(rt.f, visible), under: moduleScope{rt, rt.mod}}
		}
		if err := rt.enter(); err != nil {
			return nil, u.locate(err, pos)
		}
		defer rt.leave()
		var m *module
		text, err := rt.capture(func() error {
			var err error
			m, err = rt.runTemplate(t, sc)
			return err
		})
		if err != nil {
			return nil, err
		}
		out := &moduleValue{name: t.u.name, text: text, vars: &value.Dict{}}
		for _, x := range t.u.exports {
			if s := m.frame.slots[x.slot]; s.ok {
				out.vars.Set(x.name, s.v)
			}
		}
		return out, nil
	}
}

func (c *compiler) importAs(s *importStmt) execFn {
	load := c.imported(s.name, s.withContext)
	store := c.store(&nameExpr{place(s.at()), s.as})
	return func(rt *runtime) error {
		m, err := load(rt)
		if err != nil {
			return err
		}
		return store(rt, m)
	}
}

func (c *compiler) fromImport(s *fromStmt) execFn {
	load := c.imported(s.name, s.withContext)
	stores := make([]storeFn, len(s.as))
	for i, as := range s.as {
		stores[i] = c.store(&nameExpr{place(s.at()), as})
	}
	return func(rt *runtime) error {
		m, err := load(rt)
		if err != nil {
			return err
		}
		for i, name := range s.names {
			v, ok := m.vars.Get(name)
			if !ok {
				v = &Undefined{Name: name, Hint: fmt.Sprintf("the template %s does not export the requested name %s",
					value.Repr(m.name), value.Repr(name))}
			}
			if err := stores[i](rt, v); err != nil {
				return err
			}
		}
		return nil
	}
}
