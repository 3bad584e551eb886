package jinja

// condition compiles an expression of which only the truth matters. Its value
// is not made: most conditions are comparisons, and their answer is a bool.
func (c *compiler) condition(e expr) testFn { return c.truthOf(e, e.at()) }

type testFn func(*runtime) (bool, error)

// truthOf is condition with the place that errors about the truth of the value
// are given.
func (c *compiler) truthOf(e expr, pos int) testFn {
	switch e := e.(type) {
	case *unaryExpr:
		if e.op == "not" {
			of := c.condition(e.of)
			return func(rt *runtime) (bool, error) {
				b, err := of(rt)
				return !b && err == nil, err
			}
		}
	case *logicExpr:
		return c.both(e, pos)
	case *compareExpr:
		return c.comparison(e)
	case *testExpr:
		if name := baseName(e.name); (name == "defined" || name == "undefined") && len(e.args) == 0 {
			return c.definedTest(e, name == "defined")
		}
	}
	return c.valueTruth(e, pos)
}

func (c *compiler) valueTruth(e expr, pos int) testFn {
	f, u := c.expr(e), c.u
	return func(rt *runtime) (bool, error) {
		v, err := f(rt)
		if err != nil {
			return false, u.locate(err, pos)
		}
		if b, ok := v.(bool); ok {
			return b, nil
		}
		b, err := truth(v)
		if err != nil {
			return false, u.locate(err, pos)
		}
		return b, nil
	}
}

// both is "and" and "or".
func (c *compiler) both(e *logicExpr, pos int) testFn {
	left, or := c.truthOf(e.left, e.left.at()), e.or
	right := c.truthOf(e.right, pos)
	return func(rt *runtime) (bool, error) {
		b, err := left(rt)
		if err != nil || b == or {
			return b, err
		}
		return right(rt)
	}
}

func (c *compiler) definedTest(e *testExpr, want bool) testFn {
	c.uses(&c.u.uses.Tests, e.name, e.at())
	of := c.expr(e.of)
	c.args(e.arguments)
	u, pos := c.u, e.at()
	return func(rt *runtime) (bool, error) {
		v, err := of(rt)
		if err != nil {
			return false, u.locate(err, pos)
		}
		_, undefined := v.(*Undefined)
		return undefined != want, nil
	}
}

// comparison is "a < b", also of several in a row.
func (c *compiler) comparison(e *compareExpr) testFn {
	if len(e.ops) > 1 {
		return c.comparisons(e)
	}
	first, second, op := c.expr(e.first), c.expr(e.rest[0]), compareOps[e.ops[0]]
	u, pos := c.u, e.at()
	general := func(rt *runtime) (bool, error) {
		a, err := first(rt)
		if err != nil {
			return false, u.locate(err, pos)
		}
		b, err := second(rt)
		if err != nil {
			return false, u.locate(err, pos)
		}
		ok, err := op(rt, a, b)
		if err != nil {
			return false, u.locate(err, pos)
		}
		return ok, nil
	}
	x, y, when := c.integer(e.first), c.integer(e.rest[0]), integerOps[e.ops[0]]
	if x == nil || y == nil || when == 0 {
		return general
	}
	return func(rt *runtime) (bool, error) {
		if a, ok := x(rt); ok {
			if b, ok := y(rt); ok {
				return outcome(a, b)&when != 0, nil
			}
		}
		return general(rt)
	}
}

func (c *compiler) comparisons(e *compareExpr) testFn {
	first, rest := c.expr(e.first), c.exprs(e.rest)
	u, pos := c.u, e.at()
	ops := make([]compareFn, len(e.ops))
	for i, op := range e.ops {
		ops[i] = compareOps[op]
	}
	return func(rt *runtime) (bool, error) {
		a, err := first(rt)
		if err != nil {
			return false, u.locate(err, pos)
		}
		for i, f := range rest {
			b, err := f(rt)
			if err != nil {
				return false, u.locate(err, pos)
			}
			ok, err := ops[i](rt, a, b)
			if err != nil || !ok {
				if err != nil {
					err = u.locate(err, pos)
				}
				return false, err
			}
			a = b
		}
		return true, nil
	}
}

// Outcomes of comparing two integers; an operator is true for some of them.
const (
	less = 1 << iota
	equal
	greater
)

var integerOps = map[string]int{"==": equal, "!=": less | greater, "<": less, "<=": less | equal, ">": greater, ">=": greater | equal}

func outcome(a, b int) int {
	switch {
	case a < b:
		return less
	case a > b:
		return greater
	}
	return equal
}

// integer compiles an expression that is an integer by its look, a number or
// the place of a loop; nil for any other. Its function says false when it was
// not one after all.
func (c *compiler) integer(e expr) func(*runtime) (int, bool) {
	switch e := e.(type) {
	case *constExpr:
		if n, ok := e.val.(int); ok {
			return func(*runtime) (int, bool) { return n, true }
		}
	case *attrExpr:
		of, ok := e.of.(*nameExpr)
		place := loopPlaces[e.name]
		if !ok || of.name != "loop" || place == nil {
			return nil
		}
		first := c.refs("loop")[0]
		if first.up > 0 {
			return nil
		}
		return func(rt *runtime) (int, bool) {
			l, ok := rt.f.slots[first.slot].v.(*loop)
			if !ok {
				return 0, false
			}
			return place(l), true
		}
	}
	return nil
}

var loopPlaces = map[string]func(*loop) int{
	"index":     func(l *loop) int { return l.i + 1 },
	"index0":    func(l *loop) int { return l.i },
	"revindex":  func(l *loop) int { return len(l.items) - l.i },
	"revindex0": func(l *loop) int { return len(l.items) - l.i - 1 },
	"length":    func(l *loop) int { return len(l.items) },
}
