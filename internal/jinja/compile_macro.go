package jinja

import (
	"fmt"
	"strings"

	"sunup/internal/value"
)

// macroCode is a compiled macro; Macro is one that can be called.
type macroCode struct {
	u        *unit
	pos      int
	name     string
	params   []string
	slots    []int
	defaults []evalFn // of the last parameters
	body     execFn
	fn       *function
	// Slots of the special names, or -1 when the body does not read them.
	varargs, kwargs, caller int
}

// Macro is a macro together with the variables it was defined among.
type Macro struct {
	code *macroCode
	f    *frame
	mod  *module
}

// PyType implements value.Typed.
func (m *Macro) PyType() string { return "Macro" }

// PyRepr implements value.Printed.
func (m *Macro) PyRepr() string { return fmt.Sprintf("<Macro %s>", value.Repr(m.code.name)) }

// PyStr implements value.Printed.
func (m *Macro) PyStr() string { return m.PyRepr() }

func (m *Macro) attribute(name string) (any, bool) {
	switch name {
	case "name":
		return m.code.name, true
	case "arguments":
		t := make(value.Tuple, len(m.code.params))
		for i, p := range m.code.params {
			t[i] = p
		}
		return t, true
	case "catch_kwargs":
		return m.code.kwargs >= 0, true
	case "catch_varargs":
		return m.code.varargs >= 0, true
	case "caller":
		return m.code.caller >= 0, true
	}
	return nil, false
}

// macroCode compiles parameters and body.
func (c *compiler) macroCode(s *macroStmt) *macroCode {
	m := &macroCode{u: c.u, pos: s.at(), name: s.name, params: s.params, varargs: -1, kwargs: -1, caller: -1}
	inVar, guard := c.inVar, c.guard
	c.inVar, c.guard = false, false
	m.fn = &function{up: c.fn}
	sc := c.push(m.fn, s.params)
	for _, p := range s.params {
		m.slots = append(m.slots, sc.names[p])
	}
	sc.used = map[string]bool{}
	special := map[string]int{}
	for _, name := range []string{"varargs", "kwargs", "caller"} {
		if _, isParam := sc.names[name]; !isParam {
			special[name] = c.declare(name)
		}
	}
	for _, n := range assigned(s.body, nil) {
		c.declare(n)
	}
	for _, d := range s.defaults {
		m.defaults = append(m.defaults, c.expr(d))
	}
	m.body = c.body(s.body)
	for name, i := range special {
		if !sc.used[name] {
			continue
		}
		switch name {
		case "varargs":
			m.varargs = i
		case "kwargs":
			m.kwargs = i
		case "caller":
			m.caller = i
		}
	}
	for i, p := range s.params {
		if p == "caller" {
			m.caller = m.slots[i]
		}
	}
	c.pop()
	c.inVar, c.guard = inVar, guard
	return m
}

func (c *compiler) macro(s *macroStmt) execFn {
	code := c.macroCode(s)
	store := c.store(&nameExpr{place(s.at()), s.name})
	return func(rt *runtime) error {
		return store(rt, &Macro{code: code, f: rt.f, mod: rt.mod})
	}
}

func (c *compiler) callBlock(s *callStmt) execFn {
	code := c.macroCode(s.caller)
	s.call.names = append(s.call.names, "caller")
	s.call.named = append(s.call.named, &callerExpr{place(s.at()), code})
	call := c.expr(s.call)
	u, pos := c.u, s.call.at()
	return func(rt *runtime) error {
		v, err := call(rt)
		if err == nil {
			err = rt.write(v)
		}
		if err != nil {
			return u.locate(err, pos)
		}
		return nil
	}
}

// callerExpr is the body of a call block as a value.
type callerExpr struct {
	place
	code *macroCode
}

// call binds the arguments and renders the body.
func (m *Macro) call(c *Call) (any, error) {
	rt, code := c.rt, m.code
	if err := rt.enter(); err != nil {
		return nil, err
	}
	defer rt.leave()
	if err := rt.step(); err != nil {
		return nil, err
	}
	f := &frame{slots: make([]slot, code.fn.size), up: m.f}
	if err := m.bind(c, f); err != nil {
		return nil, err
	}
	caller, mod := rt.f, rt.mod
	rt.f, rt.mod = f, m.mod
	defer func() { rt.f, rt.mod = caller, mod }()
	if err := m.fillDefaults(rt, f); err != nil {
		return nil, err
	}
	return rt.capture(func() error { return code.body(rt) })
}

func (m *Macro) bind(c *Call, f *frame) error {
	code := m.code
	n := min(len(c.Args), len(code.params))
	for i := range n {
		f.slots[code.slots[i]] = slot{c.Args[i], true}
	}
	if code.varargs >= 0 {
		f.slots[code.varargs] = slot{append(value.Tuple{}, c.Args[n:]...), true}
	} else if len(c.Args) > n {
		return typeError("macro %s takes not more than %d argument(s)", value.Repr(code.name), len(code.params))
	}
	extra := &value.Dict{}
	for i, name := range c.kwNames {
		if at := indexOf(code.params, name); at >= 0 {
			if at < n {
				return typeError("macro %s got multiple values for argument %s", value.Repr(code.name), value.Repr(name))
			}
			f.slots[code.slots[at]] = slot{c.kwVals[i], true}
			continue
		}
		if name == "caller" && code.caller >= 0 {
			f.slots[code.caller] = slot{c.kwVals[i], true}
			continue
		}
		extra.Set(name, c.kwVals[i])
	}
	if code.kwargs >= 0 {
		f.slots[code.kwargs] = slot{extra, true}
	} else if extra.Len() > 0 {
		if extra.Has("caller") {
			return typeError("macro %s was invoked with two values for the special caller argument or takes no caller", value.Repr(code.name))
		}
		return typeError("macro %s takes no keyword argument %s", value.Repr(code.name), value.Repr(extra.Keys()[0]))
	}
	if code.caller >= 0 && !f.slots[code.caller].ok && indexOf(code.params, "caller") < 0 {
		f.slots[code.caller] = slot{&Undefined{Name: "caller", Hint: "No caller defined"}, true}
	}
	return nil
}

// fillDefaults computes what was not passed, left to right, so that a default
// may use the parameters before it.
func (m *Macro) fillDefaults(rt *runtime, f *frame) error {
	code := m.code
	first := len(code.params) - len(code.defaults)
	for i, at := range code.slots {
		if f.slots[at].ok {
			continue
		}
		if i < first {
			f.slots[at] = slot{&Undefined{
				Name: code.params[i],
				Hint: fmt.Sprintf("parameter %s was not provided", value.Repr(code.params[i])),
			}, true}
			continue
		}
		v, err := code.defaults[i-first](rt)
		if err != nil {
			return err
		}
		f.slots[at] = slot{v, true}
	}
	return nil
}

func indexOf(list []string, s string) int {
	for i, have := range list {
		if have == s {
			return i
		}
	}
	return -1
}

// baseName strips the collection that the engine itself stands for.
func baseName(name string) string {
	for _, p := range []string{"ansible.builtin.", "ansible.legacy."} {
		if strings.HasPrefix(name, p) {
			return name[len(p):]
		}
	}
	return name
}
