package jinja

import (
	"strings"

	"sunup/internal/value"
)

// missing marks a parameter that was not passed.
var missing any = &missingType{}

type missingType struct{}

func (*missingType) PyType() string { return "missing" }

// signature are the parameters of a Func. With rest it takes further positional
// arguments, with named further named ones.
type signature struct {
	params      []string
	rest, named bool
}

// parseSignature reads "a b *rest **named".
func parseSignature(text string) signature {
	var s signature
	for _, p := range strings.Fields(text) {
		switch {
		case strings.HasPrefix(p, "**"):
			s.named = true
		case strings.HasPrefix(p, "*"):
			s.rest = true
		default:
			s.params = append(s.params, p)
		}
	}
	return s
}

// checked wraps f so that every parameter of the signature has its place in
// Args (missing when it was not passed), and wrong arguments are refused as
// Python refuses them.
func checked(sig string, f Func) Func {
	s := parseSignature(sig)
	if s.rest && s.named && len(s.params) == 0 {
		return f
	}
	return func(c *Call) (any, error) {
		if len(c.kwNames) == 0 && len(c.Args) >= len(s.params) && (s.rest || len(c.Args) == len(s.params)) {
			return f(c)
		}
		if err := s.bind(c); err != nil {
			return nil, err
		}
		return f(c)
	}
}

func (s *signature) bind(c *Call) error {
	if len(c.Args) > len(s.params) && !s.rest {
		return typeError("%s() takes at most %d argument(s) (%d given)", c.Name, len(s.params), len(c.Args))
	}
	rt := c.rt
	base := len(rt.stack)
	rt.stack = append(rt.stack, c.Args...)
	for len(rt.stack)-base < len(s.params) {
		rt.stack = append(rt.stack, missing)
	}
	args := rt.stack[base:len(rt.stack):len(rt.stack)]
	for i, name := range c.kwNames {
		at := indexOf(s.params, name)
		if at < 0 {
			if s.named {
				continue
			}
			return typeError("%s() got an unexpected keyword argument '%s'", c.Name, name)
		}
		if at < len(c.Args) {
			return typeError("%s() got multiple values for argument '%s'", c.Name, name)
		}
		args[at] = c.kwVals[i]
	}
	c.Args = args
	return nil
}

func (c *Call) has(i int) bool { return c.Args[i] != missing }

// arg returns parameter i, or a default.
func (c *Call) arg(i int, otherwise any) any {
	if c.Args[i] == missing {
		return otherwise
	}
	return c.Args[i]
}

// need returns parameter i, which has no default.
func (c *Call) need(i int, name string) (any, error) {
	if c.Args[i] == missing {
		return nil, typeError("%s() missing 1 required positional argument: '%s'", c.Name, name)
	}
	if u, ok := c.Args[i].(*Undefined); ok {
		return nil, u.err()
	}
	return c.Args[i], nil
}

func (c *Call) text(i int, otherwise string) (string, error) {
	switch v := c.arg(i, otherwise).(type) {
	case string:
		return v, nil
	case *Undefined:
		return "", v.err()
	default:
		return "", typeError("%s() needs a string, not %s", c.Name, value.TypeName(v))
	}
}

// anyText is text for parameters that take other types as well.
func (c *Call) anyText(i int, otherwise string) (string, error) {
	return c.rt.str(c.arg(i, otherwise))
}

func (c *Call) int(i int, otherwise int) (int, error) {
	switch v := c.arg(i, otherwise).(type) {
	case *Undefined:
		return 0, v.err()
	default:
		n, ok := value.AsInt(v)
		if !ok {
			return 0, typeError("'%s' object cannot be interpreted as an integer", value.TypeName(v))
		}
		return n, nil
	}
}

func (c *Call) bool(i int, otherwise bool) (bool, error) { return truth(c.arg(i, otherwise)) }

// self returns the filtered value as text, whatever its type.
func (c *Call) self() (string, error) { return c.rt.str(c.Value) }

// items returns the filtered value as a sequence.
func (c *Call) items() ([]any, error) {
	items, err := c.rt.iterate(c.Value)
	if err != nil {
		return nil, err
	}
	return items, c.rt.stepN(len(items))
}

// reading takes the arguments of a call one after the other. After the first that is wrong it takes no
// more, and err says what was wrong with it: a filter asks once instead of after each argument.
type reading struct {
	c   *Call
	err error
}

func (c *Call) read() reading { return reading{c: c} }

func (r *reading) self() (s string) {
	if r.err == nil {
		s, r.err = r.c.self()
	}
	return s
}

func (r *reading) items() (items []any) {
	if r.err == nil {
		items, r.err = r.c.items()
	}
	return items
}

func (r *reading) need(i int, name string) (v any) {
	if r.err == nil {
		v, r.err = r.c.need(i, name)
	}
	return v
}

func (r *reading) text(i int, otherwise string) (s string) {
	if r.err == nil {
		s, r.err = r.c.text(i, otherwise)
	}
	return s
}

func (r *reading) anyText(i int, otherwise string) (s string) {
	if r.err == nil {
		s, r.err = r.c.anyText(i, otherwise)
	}
	return s
}

func (r *reading) int(i, otherwise int) (n int) {
	if r.err == nil {
		n, r.err = r.c.int(i, otherwise)
	}
	return n
}

func (r *reading) number() (f float64) {
	if r.err == nil {
		f, r.err = r.c.number()
	}
	return f
}

func (r *reading) selfFloat(what string) (f float64) {
	if r.err == nil {
		f, r.err = r.c.selfFloat(what)
	}
	return f
}

func (r *reading) float(i int, otherwise float64, what string) (f float64) {
	if r.err == nil {
		f, r.err = r.c.float(i, otherwise, what)
	}
	return f
}

func (r *reading) bool(i int, otherwise bool) (b bool) {
	if r.err == nil {
		b, r.err = r.c.bool(i, otherwise)
	}
	return b
}

// result counts the bytes of a text that was made.
func (c *Call) result(s string) (any, error) {
	if err := c.rt.grow(len(s)); err != nil {
		return nil, err
	}
	return s, nil
}

// callFunc runs a filter, a test or a callable from Go.
func (rt *runtime) callFunc(f Func, name string, self any, args []any) (any, error) {
	if err := rt.step(); err != nil {
		return nil, err
	}
	base := len(rt.stack)
	rt.stack = append(rt.stack, args...)
	c := rt.call()
	c.Name, c.Value, c.Args = name, self, rt.stack[base:len(rt.stack):len(rt.stack)]
	v, err := f(c)
	rt.done()
	rt.stack = rt.stack[:base]
	return v, err
}

// list wraps items as the result of a filter.
func list(items []any) *value.List { return &value.List{Items: items} }
