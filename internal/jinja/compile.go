package jinja

import (
	"slices"
	"strings"

	"sunup/internal/value"
)

type (
	evalFn func(rt *runtime) (any, error)
	execFn func(rt *runtime) error
)

// unit is one compiled source.
type unit struct {
	name    string
	src     string
	shift   int // lines cut off before src (a #jinja2: header)
	size    int // local variables of the top level
	exports []export
	mutates bool // calls methods that change lists or dicts, or other templates
	shares  bool // its top-level assignments are read by blocks or parents
	uses    Uses
	sites   int  // attributes
	lasting bool // something of a rendering may outlive it: a macro, a block
	bare    bool // src is an expression without braces
}

type export struct {
	name string
	slot int
}

// locate adds the place of a node to an error that has none yet.
func (u *unit) locate(err error, pos int) error {
	e, ok := err.(*Error)
	if !ok {
		e = &Error{Kind: KindFilter, Msg: err.Error(), Err: err}
	}
	if e.Line != 0 {
		return e
	}
	c := *e
	c.Name, c.Source = u.name, u.whole()
	c.Line, c.Col = position(u.src, pos)
	c.Line += u.shift
	return &c
}

// whole is the text that errors quote. ansible-core reads a bare expression
// inside an if statement and quotes that.
func (u *unit) whole() string {
	if u.bare {
		return "{% if " + u.src + " %} True {% else %} False {% endif %}"
	}
	return u.src
}

// function is what has a frame of its own.
type function struct {
	up    *function
	size  int
	cache map[string]int // names resolved outside of the template; only in the outermost
}

// scope holds the names assigned in a stretch of the template. Reading a name
// that is not set yet falls through to the scope around it.
type scope struct {
	up    *scope
	fn    *function
	names map[string]int
	lo    int // the first of its slots
	top   bool
	used  map[string]bool // specials (loop, caller, varargs, kwargs) that were read
}

type compiler struct {
	env    *Env
	u      *unit
	fn     *function
	sc     *scope
	inVar  bool // inside {{ }}
	guard  bool // output stops once {% extends %} was met
	blocks map[string]*blockCode
}

func (c *compiler) fail(pos int, kind, hint, format string, args ...any) {
	e := problem(kind, format, args...)
	e.Hint = hint
	c.raise(e, pos)
}

// raise ends the compilation with an error at a place.
func (c *compiler) raise(e *Error, pos int) {
	panic(syntaxPanic{c.u.locate(e, pos).(*Error)})
}

func (c *compiler) slot() int {
	c.fn.size++
	return c.fn.size - 1
}

func (c *compiler) push(fn *function, names []string) *scope {
	c.fn = fn
	c.sc = &scope{up: c.sc, fn: fn, names: make(map[string]int, len(names)), lo: fn.size}
	for _, n := range names {
		c.declare(n)
	}
	return c.sc
}

func (c *compiler) pop() {
	c.sc = c.sc.up
	if c.sc != nil {
		c.fn = c.sc.fn
	}
}

func (c *compiler) declare(name string) int {
	if i, ok := c.sc.names[name]; ok {
		return i
	}
	i := c.slot()
	c.sc.names[name] = i
	return i
}

// clear empties the slots [lo, hi) at the start of a scope.
func clear(f *frame, lo, hi int) {
	for i := lo; i < hi; i++ {
		f.slots[i] = slot{}
	}
}

// assigned lists the names that statements assign in their own scope.
func assigned(body []stmt, out []string) []string {
	for _, s := range body {
		switch s := s.(type) {
		case *setStmt:
			out = targetNames(s.target, out)
		case *setBlockStmt:
			out = targetNames(s.target, out)
		case *macroStmt:
			out = append(out, s.name)
		case *importStmt:
			out = append(out, s.as)
		case *fromStmt:
			out = append(out, s.as...)
		case *ifStmt:
			for _, b := range s.bodies {
				out = assigned(b, out)
			}
			out = assigned(s.no, out)
		}
	}
	return out
}

func targetNames(target expr, out []string) []string {
	switch t := target.(type) {
	case *nameExpr:
		out = append(out, t.name)
	case *tupleExpr:
		for _, e := range t.items {
			out = targetNames(e, out)
		}
	}
	return out
}

// compileUnit turns a parsed template into code. The last result is set when
// the template is nothing but one {{ }}.
func compileUnit(env *Env, u *unit, body []stmt) (run execFn, blocks map[string]*blockCode, single evalFn, textual func(*runtime) bool, err *Error) {
	defer catchSyntax(&err)
	c := &compiler{env: env, u: u, blocks: map[string]*blockCode{}}
	u.shares = hasBlocks(body)
	c.guard = u.shares
	root := &function{cache: map[string]int{}}
	c.push(root, assigned(body, nil)).top = true
	if len(body) == 1 {
		if o, ok := body[0].(*outputStmt); ok {
			c.inVar = true
			single = c.expr(o.of)
			textual = c.textual(o.of)
			c.inVar = false
		}
	}
	run = c.body(body)
	for name, i := range c.sc.names {
		if !strings.HasPrefix(name, "_") {
			u.exports = append(u.exports, export{name, i})
		}
	}
	slices.SortFunc(u.exports, func(a, b export) int { return strings.Compare(a.name, b.name) })
	u.size = root.size
	return run, c.blocks, single, textual, nil
}

func compileExpr(env *Env, u *unit, e expr) (eval evalFn, err *Error) {
	defer catchSyntax(&err)
	c := &compiler{env: env, u: u, blocks: map[string]*blockCode{}}
	root := &function{cache: map[string]int{}}
	c.push(root, nil).top = true
	eval = c.expr(e)
	u.size = root.size
	return eval, nil
}

func hasBlocks(body []stmt) bool {
	for _, s := range body {
		switch s := s.(type) {
		case *blockStmt, *extendsStmt:
			return true
		case *ifStmt:
			if slices.ContainsFunc(s.bodies, hasBlocks) || hasBlocks(s.no) {
				return true
			}
		case *forStmt:
			if hasBlocks(s.body) || hasBlocks(s.none) {
				return true
			}
		case *withStmt:
			if hasBlocks(s.body) {
				return true
			}
		}
	}
	return false
}

func (c *compiler) body(body []stmt) execFn {
	code := make([]execFn, 0, len(body))
	for len(body) > 0 {
		f, n := c.next(body)
		if f != nil {
			code = append(code, f)
		}
		body = body[n:]
	}
	switch len(code) {
	case 0:
		return func(*runtime) error { return nil }
	case 1:
		return code[0]
	case 2:
		a, b := code[0], code[1]
		return func(rt *runtime) error {
			if err := a(rt); err != nil {
				return err
			}
			return b(rt)
		}
	}
	return func(rt *runtime) error {
		for _, f := range code {
			if err := f(rt); err != nil {
				return err
			}
		}
		return nil
	}
}

// next compiles the first statement of body, and as much output as follows it
// without another kind of statement.
func (c *compiler) next(body []stmt) (execFn, int) {
	if !c.guard {
		if f, n := c.stretch(body); n > 0 {
			return f, n
		}
	}
	return c.stmt(body[0]), 1
}

func (c *compiler) stmt(s stmt) execFn {
	c.u.lasting = c.u.lasting || outlives(s)
	switch s := s.(type) {
	case *dataStmt:
		text := s.text
		return c.guarded(func(rt *runtime) error { return rt.writeText(text) })
	case *outputStmt:
		return c.guarded(c.output(s))
	case *ifStmt:
		return c.ifElse(s)
	case *forStmt:
		return c.forLoop(s)
	case *setStmt:
		return c.set(s)
	case *setBlockStmt:
		return c.setBlock(s)
	case *macroStmt:
		return c.macro(s)
	case *callStmt:
		return c.callBlock(s)
	case *filterStmt:
		return c.filterBlock(s)
	case *withStmt:
		return c.with(s)
	case *scopeStmt:
		return c.scoped(s.body)
	case *blockStmt:
		return c.block(s)
	case *extendsStmt:
		return c.extends(s)
	case *includeStmt:
		return c.include(s)
	case *importStmt:
		return c.importAs(s)
	case *fromStmt:
		return c.fromImport(s)
	case *doStmt:
		e := c.expr(s.of)
		return func(rt *runtime) error { _, err := e(rt); return err }
	case *jumpStmt:
		if s.stop {
			return func(*runtime) error { return errBreak }
		}
		return func(*runtime) error { return errContinue }
	}
	return nil
}

// outlives reports whether what a statement makes may hold the frame or the
// module of the rendering, and be held itself by a value or another template.
func outlives(s stmt) bool {
	switch s := s.(type) {
	case *macroStmt, *callStmt, *blockStmt, *extendsStmt, *includeStmt, *importStmt, *fromStmt:
		return true
	case *forStmt:
		return s.recursive
	}
	return false
}

func (c *compiler) guarded(f execFn) execFn {
	if !c.guard {
		return f
	}
	return func(rt *runtime) error {
		if rt.mod.parent != nil {
			return nil
		}
		return f(rt)
	}
}

func (c *compiler) output(s *outputStmt) execFn {
	run, _ := c.stretch([]stmt{s})
	return run
}

// textual tells whether the value of an expression is text by decree: the
// result of a filter such as to_json stays text although it looks like data.
func (c *compiler) textual(e expr) func(*runtime) bool {
	switch e := e.(type) {
	case *filterExpr:
		if stringFilters[baseName(e.name)] {
			return func(*runtime) bool { return true }
		}
	case *callExpr:
		if keepsText(e) {
			return func(*runtime) bool { return true }
		}
	case *nameExpr:
		if c.lookupLocal(e.name) {
			return nil
		}
		name := e.name
		return func(rt *runtime) bool {
			t, ok := rt.mod.scope.(TextScope)
			return ok && t.IsText(name)
		}
	case *condExpr:
		yes := c.textual(e.yes)
		var no func(*runtime) bool
		if e.no != nil {
			no = c.textual(e.no)
		}
		if yes != nil && no != nil {
			return func(rt *runtime) bool { return yes(rt) && no(rt) }
		}
	}
	return nil
}

// keepsText recognises lookup('template', ..., convert_data=False).
func keepsText(e *callExpr) bool {
	fn, isName := e.fn.(*nameExpr)
	if !isName || fn.name != "lookup" || len(e.args) == 0 {
		return false
	}
	plugin, isConst := e.args[0].(*constExpr)
	if !isConst || plugin.val != "template" && plugin.val != "ansible.builtin.template" {
		return false
	}
	at := slices.Index(e.names, "convert_data")
	if at < 0 {
		return false
	}
	convert, isConst := e.named[at].(*constExpr)
	return isConst && convert.val == false
}

func (c *compiler) lookupLocal(name string) bool {
	for s := c.sc; s != nil; s = s.up {
		if _, ok := s.names[name]; ok {
			return true
		}
	}
	return false
}

func (c *compiler) ifElse(s *ifStmt) execFn {
	tests := make([]testFn, len(s.tests))
	bodies := make([]execFn, len(s.bodies))
	for i := range s.tests {
		tests[i] = c.condition(s.tests[i])
		bodies[i] = c.body(s.bodies[i])
	}
	no := c.body(s.no)
	if len(tests) == 1 {
		test, yes := tests[0], bodies[0]
		return func(rt *runtime) error {
			ok, err := test(rt)
			if err != nil {
				return err
			}
			if ok {
				return yes(rt)
			}
			return no(rt)
		}
	}
	return func(rt *runtime) error {
		for i, test := range tests {
			ok, err := test(rt)
			if err != nil {
				return err
			}
			if ok {
				return bodies[i](rt)
			}
		}
		return no(rt)
	}
}

// scoped compiles statements with a scope of their own.
func (c *compiler) scoped(body []stmt) execFn {
	sc := c.push(c.fn, assigned(body, nil))
	lo, hi := sc.lo, c.fn.size
	run := c.body(body)
	c.pop()
	if lo == hi {
		return run
	}
	return func(rt *runtime) error {
		clear(rt.f, lo, hi)
		return run(rt)
	}
}

type storeFn func(rt *runtime, v any) error

// store compiles an assignment to a target in the current scope.
func (c *compiler) store(target expr) storeFn {
	switch t := target.(type) {
	case *nameExpr:
		i := c.declare(t.name)
		if c.sc.top && c.u.shares {
			name := t.name
			return func(rt *runtime, v any) error {
				rt.f.slots[i] = slot{v, true}
				if rt.mod.vars == nil {
					rt.mod.vars = map[string]any{}
				}
				rt.mod.vars[name] = v
				return nil
			}
		}
		return func(rt *runtime, v any) error {
			rt.f.slots[i] = slot{v, true}
			return nil
		}
	case *tupleExpr:
		return c.storeTuple(t)
	case *nsRefExpr:
		return c.storeAttr(t)
	}
	c.fail(target.at(), KindSyntax, "", "can't assign to '%s'", nounOf(target))
	return nil
}

func (c *compiler) storeTuple(t *tupleExpr) storeFn {
	stores := make([]storeFn, len(t.items))
	for i, e := range t.items {
		stores[i] = c.store(e)
	}
	u, pos := c.u, t.at()
	return func(rt *runtime, v any) error {
		items, err := rt.iterate(v)
		if err != nil {
			if _, ok := v.(*Undefined); !ok {
				err = typeError("cannot unpack non-iterable %s object", value.TypeName(v))
			}
			return u.locate(err, pos)
		}
		if len(items) < len(stores) {
			return u.locate(typeError("not enough values to unpack (expected %d, got %d)", len(stores), len(items)), pos)
		}
		if len(items) > len(stores) {
			return u.locate(typeError("too many values to unpack (expected %d)", len(stores)), pos)
		}
		for i, s := range stores {
			if err := s(rt, rt.clean(items[i])); err != nil {
				return err
			}
		}
		return nil
	}
}

func (c *compiler) storeAttr(t *nsRefExpr) storeFn {
	ns := c.name(t.name, t.at())
	u, pos, attr := c.u, t.at(), t.attr
	return func(rt *runtime, v any) error {
		obj, err := ns(rt)
		if err != nil {
			return err
		}
		n, ok := obj.(*namespace)
		if !ok {
			return u.locate(typeError("cannot assign attribute on non-namespace object"), pos)
		}
		n.vars.Set(attr, v)
		return nil
	}
}

func (c *compiler) set(s *setStmt) execFn {
	val := c.expr(s.val)
	store := c.store(s.target)
	u, pos := c.u, s.val.at()
	return func(rt *runtime) error {
		v, err := val(rt)
		if err != nil {
			return u.locate(err, pos)
		}
		return store(rt, v)
	}
}

func (c *compiler) setBlock(s *setBlockStmt) execFn {
	run := c.scoped(s.body)
	var filter filterFn
	if s.filter != nil {
		filter = c.filterChain(s.filter)
	}
	store := c.store(s.target)
	return func(rt *runtime) error {
		v, err := rt.capture(func() error { return run(rt) })
		if err != nil {
			return err
		}
		if filter != nil {
			if v, err = filter(rt, v); err != nil {
				return err
			}
		}
		return store(rt, v)
	}
}

func (c *compiler) filterBlock(s *filterStmt) execFn {
	run := c.scoped(s.body)
	filter := c.filterChain(s.filter)
	u, pos := c.u, s.at()
	return func(rt *runtime) error {
		v, err := rt.capture(func() error { return run(rt) })
		if err == nil {
			v, err = filter(rt, v)
		}
		if err == nil {
			err = rt.write(v)
		}
		if err != nil {
			return u.locate(err, pos)
		}
		return nil
	}
}

func (c *compiler) with(s *withStmt) execFn {
	vals := make([]evalFn, len(s.vals))
	for i, e := range s.vals {
		vals[i] = c.expr(e)
	}
	var names []string
	for _, t := range s.targets {
		names = targetNames(t, names)
	}
	sc := c.push(c.fn, assigned(s.body, names))
	stores := make([]storeFn, len(s.targets))
	for i, t := range s.targets {
		stores[i] = c.store(t)
	}
	lo, hi := sc.lo, c.fn.size
	run := c.body(s.body)
	c.pop()
	return func(rt *runtime) error {
		base := len(rt.stack)
		for _, f := range vals {
			v, err := f(rt)
			if err != nil {
				return err
			}
			rt.stack = append(rt.stack, v)
		}
		clear(rt.f, lo, hi)
		for i, store := range stores {
			if err := store(rt, rt.stack[base+i]); err != nil {
				return err
			}
		}
		rt.stack = rt.stack[:base]
		return run(rt)
	}
}
