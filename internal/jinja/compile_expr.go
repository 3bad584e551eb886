package jinja

import (
	"sunup/internal/diag"
	"sunup/internal/value"
)

func (c *compiler) expr(e expr) evalFn {
	switch e := e.(type) {
	case *constExpr:
		return c.constant(e)
	case *nameExpr:
		c.uses(&c.u.uses.Vars, e.name, e.at())
		return c.name(e.name, e.at())
	case *attrExpr:
		return c.attr(e)
	case *itemExpr:
		return c.item(e)
	case *callExpr:
		return c.callExpr(e)
	case *filterExpr:
		return c.filterExpr(e)
	case *testExpr:
		return c.testExpr(e)
	case *binaryExpr:
		return c.binary(e)
	case *unaryExpr:
		return c.unary(e)
	case *logicExpr:
		return c.logic(e)
	case *compareExpr:
		return c.compare(e)
	case *concatExpr:
		return c.concat(e)
	case *condExpr:
		return c.cond(e)
	case *tupleExpr:
		items := c.exprs(e.items)
		return func(rt *runtime) (any, error) {
			out, err := evalAll(rt, items)
			return value.Tuple(out), err
		}
	case *listExpr:
		items := c.exprs(e.items)
		return func(rt *runtime) (any, error) {
			out, err := evalAll(rt, items)
			if err != nil {
				return nil, err
			}
			return &value.List{Items: out}, nil
		}
	case *dictExpr:
		return c.dict(e)
	case *sliceExpr:
		return c.slice(e)
	case *callerExpr:
		code := e.code
		return func(rt *runtime) (any, error) { return &Macro{code: code, f: rt.f, mod: rt.mod}, nil }
	}
	c.fail(e.at(), KindSyntax, "", "this expression cannot be used here")
	return nil
}

func (c *compiler) exprs(list []expr) []evalFn {
	out := make([]evalFn, len(list))
	for i, e := range list {
		out[i] = c.expr(e)
	}
	return out
}

func evalAll(rt *runtime, fs []evalFn) ([]any, error) {
	if err := rt.stepN(1 + len(fs)); err != nil {
		return nil, err
	}
	out := make([]any, len(fs))
	for i, f := range fs {
		v, err := f(rt)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (c *compiler) constant(e *constExpr) evalFn {
	v := e.val
	if e.raw != "" && c.inVar {
		var raw any = e.raw
		return func(rt *runtime) (any, error) {
			if rt.literal {
				return raw, nil
			}
			return v, nil
		}
	}
	return func(*runtime) (any, error) { return v, nil }
}

func (c *compiler) uses(list *[]Use, name string, pos int) {
	if list == &c.u.uses.Vars && c.lookupLocal(name) {
		return
	}
	line, col := position(c.u.src, pos)
	*list = append(*list, Use{Name: name, Line: line + c.u.shift, Col: col})
}

// ref is a place where a name may be found: a slot some functions up.
type ref struct{ up, slot int }

func (c *compiler) name(name string, pos int) evalFn { return c.reader(c.refs(name), name, pos) }

// refs lists the places where a name may be found, the innermost first; in the
// last one is what the scope of the evaluation said.
func (c *compiler) refs(name string) []ref {
	var refs []ref
	up := 0
	fn := c.fn
	for s := c.sc; s != nil; s = s.up {
		for fn != s.fn {
			fn = fn.up
			up++
		}
		if i, ok := s.names[name]; ok {
			refs = append(refs, ref{up, i})
			if s.used != nil {
				s.used[name] = true
			}
		}
	}
	for fn.up != nil {
		fn = fn.up
		up++
	}
	i, ok := fn.cache[name]
	if !ok {
		i = fn.size
		fn.size++
		fn.cache[name] = i
	}
	return append(refs, ref{up, i})
}

// reader compiles the search through the places; the last one caches what the
// scope of the evaluation says.
func (c *compiler) reader(refs []ref, name string, pos int) evalFn {
	u := c.u
	outside := refs[len(refs)-1]
	resolve := func(rt *runtime, f *frame) (any, error) {
		for range outside.up {
			f = f.up
		}
		s := &f.slots[outside.slot]
		if s.ok {
			return s.v, nil
		}
		v, err := rt.resolve(rt.mod, name)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		// Resolving may have run another template, but frames stay in place.
		f.slots[outside.slot] = slot{v, true}
		return v, nil
	}
	if len(refs) == 1 {
		return func(rt *runtime) (any, error) { return resolve(rt, rt.f) }
	}
	if first := refs[0]; first.up == 0 && len(refs) == 2 {
		return func(rt *runtime) (any, error) {
			if s := &rt.f.slots[first.slot]; s.ok {
				return s.v, nil
			}
			return resolve(rt, rt.f)
		}
	}
	inner := refs[:len(refs)-1]
	return func(rt *runtime) (any, error) {
		for _, r := range inner {
			f := rt.f
			for range r.up {
				f = f.up
			}
			if s := &f.slots[r.slot]; s.ok {
				return s.v, nil
			}
		}
		return resolve(rt, rt.f)
	}
}

func (c *compiler) attr(e *attrExpr) evalFn { return c.attribute(e).value }

func (c *compiler) item(e *itemExpr) evalFn {
	of := c.expr(e.of)
	u, pos := c.u, e.at()
	key := c.expr(e.key)
	return func(rt *runtime) (any, error) {
		v, err := of(rt)
		if err != nil {
			return nil, err
		}
		k, err := key(rt)
		if err != nil {
			return nil, err
		}
		x, err := rt.getItem(v, k)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		return x, nil
	}
}

func (c *compiler) slice(e *sliceExpr) evalFn {
	part := func(e expr) evalFn {
		if e == nil {
			return func(*runtime) (any, error) { return nil, nil }
		}
		return c.expr(e)
	}
	lo, hi, step := part(e.lo), part(e.hi), part(e.step)
	return func(rt *runtime) (any, error) {
		a, err := lo(rt)
		if err != nil {
			return nil, err
		}
		b, err := hi(rt)
		if err != nil {
			return nil, err
		}
		s, err := step(rt)
		return &pySlice{a, b, s}, err
	}
}

func (c *compiler) dict(e *dictExpr) evalFn {
	keys, vals := c.exprs(e.keys), c.exprs(e.vals)
	u, pos := c.u, e.at()
	return func(rt *runtime) (any, error) {
		if err := rt.stepN(1 + len(keys)); err != nil {
			return nil, err
		}
		d := &value.Dict{}
		for i := range keys {
			k, err := keys[i](rt)
			if err != nil {
				return nil, err
			}
			if err := hashable(k); err != nil {
				return nil, u.locate(err, pos)
			}
			v, err := vals[i](rt)
			if err != nil {
				return nil, err
			}
			d.Set(k, v)
		}
		return d, nil
	}
}

func hashable(k any) error {
	if x, ok := k.(*Undefined); ok {
		return x.err()
	}
	if !value.Hashable(k) {
		return typeError("unhashable type: '%s'", value.TypeName(k))
	}
	return nil
}

func (c *compiler) binary(e *binaryExpr) evalFn {
	left, right := c.expr(e.left), c.expr(e.right)
	u, pos, op := c.u, e.at(), binaryOps[e.op]
	return func(rt *runtime) (any, error) {
		a, err := left(rt)
		if err != nil {
			return nil, err
		}
		b, err := right(rt)
		if err != nil {
			return nil, err
		}
		v, err := op(rt, a, b)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		return v, nil
	}
}

func (c *compiler) unary(e *unaryExpr) evalFn {
	u, pos := c.u, e.at()
	if e.op == "not" {
		of := c.condition(e.of)
		return func(rt *runtime) (any, error) {
			b, err := of(rt)
			return !b, err
		}
	}
	of, neg := c.expr(e.of), e.op == "-"
	return func(rt *runtime) (any, error) {
		v, err := of(rt)
		if err != nil {
			return nil, err
		}
		v, err = signed(v, neg)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		return v, nil
	}
}

func (c *compiler) logic(e *logicExpr) evalFn {
	left, right := c.expr(e.left), c.expr(e.right)
	u, pos, or := c.u, e.left.at(), e.or
	return func(rt *runtime) (any, error) {
		a, err := left(rt)
		if err != nil {
			return nil, err
		}
		t, err := truth(a)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		if t == or {
			return a, nil
		}
		return right(rt)
	}
}

func (c *compiler) compare(e *compareExpr) evalFn {
	test := c.comparison(e)
	return func(rt *runtime) (any, error) {
		ok, err := test(rt)
		if err != nil {
			return nil, err
		}
		return ok, nil
	}
}

func (c *compiler) concat(e *concatExpr) evalFn {
	items := c.exprs(e.items)
	u, pos := c.u, e.at()
	return func(rt *runtime) (any, error) {
		var buf [64]byte
		out := buf[:0]
		for _, f := range items {
			v, err := f(rt)
			if err != nil {
				return nil, err
			}
			s, err := rt.str(v)
			if err != nil {
				return nil, u.locate(err, pos)
			}
			out = append(out, s...)
			if len(out) > rt.bytes {
				break
			}
		}
		if err := rt.grow(len(out)); err != nil {
			return nil, u.locate(err, pos)
		}
		return string(out), nil
	}
}

func (c *compiler) cond(e *condExpr) evalFn {
	test, yes := c.condition(e.test), c.expr(e.yes)
	var no evalFn
	if e.no != nil {
		no = c.expr(e.no)
	} else {
		u, pos := c.u, e.at()
		line, _ := position(u.src, pos)
		hint := "the inline if-expression on " + u.lineName(line) + " evaluated to false and no else section was defined."
		no = func(*runtime) (any, error) { return &Undefined{Hint: hint, lenient: true}, nil }
	}
	return func(rt *runtime) (any, error) {
		ok, err := test(rt)
		if err != nil {
			return nil, err
		}
		if ok {
			return yes(rt)
		}
		return no(rt)
	}
}

// argFns are the compiled arguments of a call.
type argFns struct {
	args            []evalFn
	names           []string
	named           []evalFn
	rest, restNamed evalFn
}

func (c *compiler) args(a arguments) argFns {
	f := argFns{args: c.exprs(a.args), names: a.names, named: c.exprs(a.named)}
	if a.rest != nil {
		f.rest = c.expr(a.rest)
	}
	if a.restNamed != nil {
		f.restNamed = c.expr(a.restNamed)
	}
	return f
}

// invoke evaluates the arguments into a Call and runs f with it. The Call and
// its slices are used again afterwards.
func (a *argFns) invoke(rt *runtime, name string, self any, f Func) (any, error) {
	if err := rt.step(); err != nil {
		return nil, err
	}
	base := len(rt.stack)
	for _, e := range a.args {
		v, err := e(rt)
		if err != nil {
			return nil, err
		}
		rt.stack = append(rt.stack, v)
	}
	if a.rest != nil {
		v, err := a.rest(rt)
		if err != nil {
			return nil, err
		}
		items, err := rt.iterate(v)
		if err != nil {
			return nil, err
		}
		rt.stack = append(rt.stack, items...)
	}
	mid := len(rt.stack)
	for _, e := range a.named {
		v, err := e(rt)
		if err != nil {
			return nil, err
		}
		rt.stack = append(rt.stack, v)
	}
	names := a.names
	if a.restNamed != nil {
		var err error
		if names, err = a.spread(rt, names); err != nil {
			return nil, err
		}
	}
	top := len(rt.stack)
	c := rt.call()
	c.Name, c.Value = name, self
	c.Args = rt.stack[base:mid:mid]
	c.kwNames, c.kwVals = names, rt.stack[mid:top:top]
	v, err := f(c)
	rt.done()
	rt.stack = rt.stack[:base]
	return v, err
}

func (a *argFns) spread(rt *runtime, names []string) ([]string, error) {
	v, err := a.restNamed(rt)
	if err != nil {
		return nil, err
	}
	names = append([]string(nil), names...)
	switch d := v.(type) {
	case *value.Dict:
		for k, x := range d.All() {
			name, ok := k.(string)
			if !ok {
				return nil, typeError("keywords must be strings")
			}
			if indexOf(names, name) >= 0 {
				return nil, typeError("got multiple values for keyword argument %s", value.Repr(name))
			}
			names = append(names, name)
			rt.stack = append(rt.stack, rt.clean(x))
		}
		return names, nil
	case *Undefined:
		return nil, d.err()
	}
	return nil, typeError("argument after ** must be a mapping, not %s", value.TypeName(v))
}

func (rt *runtime) call() *Call {
	if rt.inCalls == len(rt.calls) {
		rt.calls = append(rt.calls, &Call{rt: rt})
	}
	c := rt.calls[rt.inCalls]
	rt.inCalls++
	return c
}

func (rt *runtime) done() {
	rt.inCalls--
	c := rt.calls[rt.inCalls]
	*c = Call{rt: rt}
}

func (c *compiler) callExpr(e *callExpr) evalFn {
	u, pos := c.u, e.at()
	args := c.args(e.arguments)
	if m, ok := e.fn.(*attrExpr); ok {
		return c.methodCall(m, args, pos)
	}
	if n, ok := e.fn.(*nameExpr); ok && !c.lookupLocal(n.name) {
		c.usesLookup(n.name, e)
	}
	fn := c.expr(e.fn)
	name := ""
	if n, ok := e.fn.(*nameExpr); ok {
		name = n.name
	}
	return func(rt *runtime) (any, error) {
		f, err := fn(rt)
		if err != nil {
			return nil, err
		}
		v, err := args.invokeValue(rt, name, f)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		return v, nil
	}
}

// usesLookup notes the name of a lookup that is written out.
func (c *compiler) usesLookup(fn string, e *callExpr) {
	if fn != "lookup" && fn != "query" && fn != "q" || len(e.args) == 0 {
		return
	}
	if k, ok := e.args[0].(*constExpr); ok {
		if name, ok := k.val.(string); ok {
			c.uses(&c.u.uses.Lookups, name, k.at())
		}
	}
}

// callable is implemented by values of this package that can be called.
type callable interface {
	call(c *Call) (any, error)
}

func (a *argFns) invokeValue(rt *runtime, name string, f any) (any, error) {
	switch f := f.(type) {
	case callable:
		return a.invoke(rt, name, nil, f.call)
	case Func:
		return a.invoke(rt, name, nil, f)
	case *Undefined:
		return nil, f.err()
	}
	return nil, typeError("'%s' object is not callable", value.TypeName(f))
}

var mutatingMethods = map[string]bool{
	"append": true, "extend": true, "insert": true, "pop": true, "remove": true, "sort": true, "reverse": true,
	"clear": true, "update": true, "popitem": true, "setdefault": true,
}

// methodCall compiles x.name(...) without making a bound method.
func (c *compiler) methodCall(e *attrExpr, args argFns, pos int) evalFn {
	if mutatingMethods[e.name] {
		c.u.mutates = true
	}
	of, name, u := c.expr(e.of), e.name, c.u
	return func(rt *runtime) (any, error) {
		self, err := of(rt)
		if err != nil {
			return nil, err
		}
		var v any
		if f := methodOf(self, name); f != nil {
			v, err = args.invoke(rt, name, self, f)
		} else {
			var x any
			if x, err = rt.getAttr(self, name); err == nil {
				v, err = args.invokeValue(rt, name, x)
			}
		}
		if err != nil {
			return nil, u.locate(err, pos)
		}
		return v, nil
	}
}

type filterFn func(rt *runtime, v any) (any, error)

// lookupFunc finds a filter or test by its short or full name.
func (c *compiler) lookupFunc(table map[string]Func, what, name string, pos int) Func {
	if f := c.env.function(what, name); f != nil {
		return f
	}
	names := make([]string, 0, len(table))
	for n := range table {
		names = append(names, n)
	}
	hint := ""
	if near := diag.Nearest(name, names); near != "" {
		hint = "did you mean '" + near + "'?"
	}
	e := problem(KindSyntax, "No %s named '%s'", what, name)
	e.Hint, e.Core, e.Lacking, e.Subject = hint, notLoaded(name), what, name
	if c.env.lenient {
		return func(*Call) (any, error) { return nil, e }
	}
	c.raise(e, pos)
	return nil
}

func (c *compiler) filter(e *filterExpr) filterFn {
	c.uses(&c.u.uses.Filters, e.name, e.at())
	if baseName(e.name) == "attr" {
		c.u.mutates = true
	}
	f := c.lookupFunc(c.env.Filters, "filter", e.name, e.at())
	args := c.args(e.arguments)
	name, u, pos := baseName(e.name), c.u, e.at()
	return func(rt *runtime, v any) (any, error) {
		out, err := args.invoke(rt, name, v, f)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		return out, nil
	}
}

// filterChain compiles the filters of a filter block or set block.
func (c *compiler) filterChain(e *filterExpr) filterFn {
	f := c.filter(e)
	inner, ok := e.of.(*filterExpr)
	if !ok {
		return f
	}
	first := c.filterChain(inner)
	return func(rt *runtime, v any) (any, error) {
		v, err := first(rt, v)
		if err != nil {
			return nil, err
		}
		return f(rt, v)
	}
}

func (c *compiler) filterExpr(e *filterExpr) evalFn {
	if e.of == nil {
		c.fail(e.at(), KindSyntax, "", "a filter needs a value")
	}
	if baseName(e.name) == "type_debug" {
		return c.typeDebug(e)
	}
	if a, ok := c.attributeOr(e); ok {
		return a.value
	}
	otherwise, isDefault := plainDefault(e)
	of := c.expr(e.of)
	f := c.filter(e)
	if isDefault {
		return func(rt *runtime) (any, error) {
			v, err := of(rt)
			if _, undefined := v.(*Undefined); undefined {
				return otherwise, nil
			}
			return v, err
		}
	}
	return func(rt *runtime) (any, error) {
		v, err := of(rt)
		if err != nil {
			return nil, err
		}
		return f(rt, v)
	}
}

// typeDebug names the Python type of a value. Only here one can see that
// ansible-core keeps texts in classes of their own: text by decree, and text
// from outside.
func (c *compiler) typeDebug(e *filterExpr) evalFn {
	of, textual := c.expr(e.of), c.textual(e.of)
	root, isPart := c.rootOf(e.of)
	f := c.filter(e)
	return func(rt *runtime) (any, error) {
		before := rt.unsafe
		rt.unsafe = false
		v, err := of(rt)
		outside := rt.unsafe
		rt.unsafe = before || outside
		if err != nil {
			return nil, err
		}
		switch _, isText := v.(string); {
		case isText && textual != nil && textual(rt) && outside:
			return "NativeJinjaUnsafeText", nil
		case isText && textual != nil && textual(rt):
			return "NativeJinjaText", nil
		case isText && outside:
			return "AnsibleUnsafeText", nil
		case isText && root != "":
			// With native types the text inside a list stays what it was.
			scope, ok := rt.mod.scope.(TextScope)
			if ok && (isPart && rt.env.Native || scope.Written(root)) {
				return "AnsibleUnicode", nil
			}
		}
		return f(rt, v)
	}
}

// rootOf returns the variable that an expression such as a.b[0] is taken from,
// and whether it is only a part of it.
func (c *compiler) rootOf(e expr) (name string, part bool) {
	switch e := e.(type) {
	case *nameExpr:
		if !c.lookupLocal(e.name) {
			return e.name, false
		}
	case *attrExpr:
		name, _ = c.rootOf(e.of)
		return name, true
	case *itemExpr:
		name, _ = c.rootOf(e.of)
		return name, true
	}
	return "", false
}

// plainDefault recognises "x | default(constant)", the most frequent filter of
// all, which needs no call.
func plainDefault(e *filterExpr) (otherwise any, ok bool) {
	if name := baseName(e.name); name != "default" && name != "d" {
		return nil, false
	}
	if len(e.args) > 1 || len(e.names) > 0 || e.rest != nil || e.restNamed != nil {
		return nil, false
	}
	if len(e.args) == 0 {
		return "", true
	}
	k, ok := e.args[0].(*constExpr)
	if !ok || k.raw != "" {
		return nil, false
	}
	return k.val, true
}

func (c *compiler) testExpr(e *testExpr) evalFn {
	c.uses(&c.u.uses.Tests, e.name, e.at())
	of := c.expr(e.of)
	f := c.lookupFunc(c.env.Tests, "test", e.name, e.at())
	args := c.args(e.arguments)
	name, u, pos := baseName(e.name), c.u, e.at()
	written := ""
	if n, ok := e.of.(*nameExpr); ok && !c.lookupLocal(n.name) {
		written = n.name
	}
	return func(rt *runtime) (any, error) {
		v, err := of(rt)
		if err != nil {
			return nil, err
		}
		switch {
		case name == "defined" && len(args.args) == 0:
			_, undefined := v.(*Undefined)
			return !undefined, nil
		case name == "undefined" && len(args.args) == 0:
			_, undefined := v.(*Undefined)
			return undefined, nil
		case name == "vault_encrypted" && written != "" && rawVaulted(rt, written):
			return true, nil
		}
		out, err := args.invoke(rt, name, v, f)
		if err != nil {
			return nil, u.locate(err, pos)
		}
		return out, nil
	}
}

// rawVaulted reports whether a variable was written encrypted: its value is
// already open when an expression sees it.
func rawVaulted(rt *runtime, name string) bool {
	s, ok := rt.mod.scope.(RawScope)
	if !ok {
		return false
	}
	v, found := s.Raw(name)
	_, vaulted := v.(value.Vaulted)
	return found && vaulted
}
