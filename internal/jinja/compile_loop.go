package jinja

import (
	"errors"
	"slices"

	"sunup/internal/value"
)

// The two ways to leave a round of a loop early; they never reach a caller of
// the package because the parser refuses them outside of loops.
var (
	errBreak    = errors.New("break outside of a loop")
	errContinue = errors.New("continue outside of a loop")
)

func (c *compiler) forLoop(s *forStmt) execFn {
	iter := c.expr(s.iter)
	if s.recursive {
		return c.recursiveLoop(s, iter)
	}
	code := c.loopCode(s)
	u, pos := c.u, s.iter.at()
	return func(rt *runtime) error {
		v, err := iter(rt)
		if err != nil {
			return u.locate(err, pos)
		}
		items, err := rt.iterate(v)
		if err != nil {
			return u.locate(err, pos)
		}
		return code.run(rt, items, nil)
	}
}

// recursiveLoop compiles a loop that may call itself: each call has a frame of
// its own.
func (c *compiler) recursiveLoop(s *forStmt, iter evalFn) execFn {
	outer := c.fn
	fn := &function{up: outer}
	c.push(fn, nil)
	code := c.loopCode(s)
	c.pop()
	u, pos := c.u, s.iter.at()
	code.needsLoop = true
	return func(rt *runtime) error {
		v, err := iter(rt)
		if err != nil {
			return u.locate(err, pos)
		}
		up := rt.f
		var again func(rt *runtime, v any, depth int) error
		again = func(rt *runtime, v any, depth int) error {
			items, err := rt.iterate(v)
			if err != nil {
				return u.locate(err, pos)
			}
			if err := rt.enter(); err != nil {
				return u.locate(err, pos)
			}
			defer rt.leave()
			caller := rt.f
			rt.f = &frame{slots: make([]slot, fn.size), up: up}
			defer func() { rt.f = caller }()
			return code.run(rt, items, &loop{depth: depth, again: again})
		}
		return again(rt, v, 0)
	}
}

type loopCode struct {
	u         *unit
	pos       int
	store     storeFn
	test      func(*runtime) (bool, error)
	body      execFn
	none      execFn
	unset     []int // slots that the body assigns: each round begins without them
	loopSlot  int
	needsLoop bool
	setsLoop  bool  // the body assigns the name
	targets   []int // slots of a target that is names; nil when store has to look
}

func (c *compiler) loopCode(s *forStmt) *loopCode {
	code := &loopCode{u: c.u, pos: s.at()}
	if s.test != nil {
		c.push(c.fn, targetNames(s.target, nil))
		testStore := c.store(s.target)
		test := c.condition(s.test)
		c.pop()
		code.test = func(rt *runtime) (bool, error) {
			// The tested item is on top of the stack.
			v := rt.stack[len(rt.stack)-1]
			if err := testStore(rt, v); err != nil {
				return false, err
			}
			return test(rt)
		}
	}
	sc := c.push(c.fn, assigned(s.body, targetNames(s.target, nil)))
	_, code.setsLoop = sc.names["loop"]
	code.loopSlot = c.declare("loop")
	sc.used = map[string]bool{}
	code.store = c.store(s.target)
	code.targets = targetSlots(sc, s.target)
	for i := sc.lo; i < c.fn.size; i++ {
		if i != code.loopSlot && !slices.Contains(code.targets, i) {
			code.unset = append(code.unset, i)
		}
	}
	code.body = c.body(s.body)
	code.needsLoop = sc.used["loop"]
	c.pop()
	if len(s.none) > 0 {
		code.none = c.scoped(s.none)
	}
	return code
}

// targetSlots are the slots of a target that is a name or a tuple of names.
func targetSlots(sc *scope, target expr) []int {
	switch t := target.(type) {
	case *nameExpr:
		return []int{sc.names[t.name]}
	case *tupleExpr:
		if len(t.items) == 1 {
			return nil // one item to unpack
		}
		var out []int
		for _, e := range t.items {
			n, ok := e.(*nameExpr)
			if !ok {
				return nil
			}
			out = append(out, sc.names[n.name])
		}
		return out
	}
	return nil
}

func (code *loopCode) filter(rt *runtime, items []any) ([]any, error) {
	kept := make([]any, 0, len(items))
	for _, v := range items {
		if err := rt.step(); err != nil {
			return nil, code.u.locate(err, code.pos)
		}
		rt.stack = append(rt.stack, rt.clean(v))
		ok, err := code.test(rt)
		rt.stack = rt.stack[:len(rt.stack)-1]
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, v)
		}
	}
	return kept, nil
}

func (code *loopCode) run(rt *runtime, items []any, l *loop) error {
	if code.test != nil {
		var err error
		if items, err = code.filter(rt, items); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		if code.none != nil {
			return code.none(rt)
		}
		return nil
	}
	if code.needsLoop && l == nil {
		l = &loop{}
	}
	if l != nil {
		l.items = items
		rt.f.slots[code.loopSlot] = slot{l, true}
	}
	for i, v := range items {
		if err := rt.step(); err != nil {
			return code.u.locate(err, code.pos)
		}
		slots := rt.f.slots
		for _, j := range code.unset {
			if slots[j].ok {
				slots[j] = slot{}
			}
		}
		if l != nil {
			l.i = i
			if code.setsLoop {
				slots[code.loopSlot] = slot{l, true}
			}
		}
		if err := code.assign(rt, slots, v); err != nil {
			return err
		}
		if err := code.body(rt); err != nil {
			if err == errContinue {
				continue
			}
			if err == errBreak {
				return nil
			}
			return err
		}
	}
	return nil
}

// assign gives the targets their values.
func (code *loopCode) assign(rt *runtime, slots []slot, v any) error {
	if len(code.targets) == 1 {
		slots[code.targets[0]] = slot{rt.clean(v), true}
		return nil
	}
	if t, ok := v.(value.Tuple); ok && len(t) == len(code.targets) {
		for i, j := range code.targets {
			slots[j] = slot{rt.clean(t[i]), true}
		}
		return nil
	}
	return code.store(rt, v)
}

// loop is the object of that name inside a for statement.
type loop struct {
	items   []any
	i       int
	depth   int
	again   func(rt *runtime, v any, depth int) error
	changed []any // the last arguments of loop.changed
	asked   bool
}

func (l *loop) PyType() string { return "LoopContext" }

func (l *loop) attribute(name string) (any, bool) {
	n := len(l.items)
	switch name {
	case "index":
		return l.i + 1, true
	case "index0":
		return l.i, true
	case "revindex":
		return n - l.i, true
	case "revindex0":
		return n - l.i - 1, true
	case "first":
		return l.i == 0, true
	case "last":
		return l.i == n-1, true
	case "length":
		return n, true
	case "depth":
		return l.depth + 1, true
	case "depth0":
		return l.depth, true
	case "previtem":
		if l.i == 0 {
			return &Undefined{Name: name, Hint: "there is no previous item"}, true
		}
		return l.items[l.i-1], true
	case "nextitem":
		if l.i == n-1 {
			return &Undefined{Name: name, Hint: "there is no next item"}, true
		}
		return l.items[l.i+1], true
	case "cycle":
		return &native{"cycle", l.cycle}, true
	case "changed":
		return &native{"changed", l.hasChanged}, true
	}
	return nil, false
}

func (l *loop) cycle(c *Call) (any, error) {
	if len(c.Args) == 0 {
		return nil, typeError("no items for cycling given")
	}
	return c.Args[l.i%len(c.Args)], nil
}

func (l *loop) hasChanged(c *Call) (any, error) {
	same := l.asked && value.Equal(value.Tuple(l.changed), value.Tuple(c.Args))
	l.asked = true
	l.changed = append([]any(nil), c.Args...)
	return !same, nil
}

// call runs the body again for the children of an item.
func (l *loop) call(c *Call) (any, error) {
	if l.again == nil {
		return nil, typeError("The loop must have the 'recursive' marker to be called recursively.")
	}
	if len(c.Args) != 1 {
		return nil, typeError("loop() takes exactly one iterable")
	}
	children := c.Args[0]
	rt := c.rt
	return rt.capture(func() error { return l.again(rt, children, l.depth+1) })
}
