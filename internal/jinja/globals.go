package jinja

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"sunup/internal/value"
)

// builtinGlobals are the names every template knows. Variables of the same
// name hide them.
func builtinGlobals() map[string]any {
	return map[string]any{
		"range":     &native{"range", checked("start stop step", makeRange)},
		"dict":      &native{"dict", checked("of **entries", makeDict)},
		"namespace": &native{"namespace", checked("of **entries", makeNamespace)},
		"cycler":    &native{"cycler", makeCycler},
		"joiner":    &native{"joiner", checked("sep", makeJoiner)},
		"lipsum":    &native{"lipsum", checked("n html min max", lipsum)},
		"lookup":    &native{"lookup", func(c *Call) (any, error) { return lookup(c, false) }},
		"query":     &native{"query", func(c *Call) (any, error) { return lookup(c, true) }},
		"q":         &native{"q", func(c *Call) (any, error) { return lookup(c, true) }},
		"now":       &native{"now", checked("utc fmt", now)},
		"undef":     &native{"undef", checked("hint", makeUndefined)},
		"omit":      Omit,
	}
}

// pyRange is range(...): a sequence that is not stored.
type pyRange struct{ start, stop, step int }

func (r *pyRange) PyType() string { return "range" }

func (r *pyRange) PyRepr() string {
	if r.step == 1 {
		return fmt.Sprintf("range(%d, %d)", r.start, r.stop)
	}
	return fmt.Sprintf("range(%d, %d, %d)", r.start, r.stop, r.step)
}

func (r *pyRange) PyStr() string { return r.PyRepr() }

// Len implements value.Sequenced.
func (r *pyRange) Len() int {
	switch {
	case r.step > 0 && r.start < r.stop:
		return int((uint(r.stop-r.start) + uint(r.step) - 1) / uint(r.step))
	case r.step < 0 && r.start > r.stop:
		return int((uint(r.start-r.stop) + uint(-r.step) - 1) / uint(-r.step))
	}
	return 0
}

// Item implements value.Sequenced.
func (r *pyRange) Item(i int) any { return r.start + i*r.step }

func (r *pyRange) contains(v any) bool {
	n, ok := value.AsInt(v)
	if !ok {
		f, isFloat := v.(float64)
		if n = int(f); !isFloat || float64(n) != f {
			return false
		}
	}
	if r.step > 0 && (n < r.start || n >= r.stop) || r.step < 0 && (n > r.start || n <= r.stop) {
		return false
	}
	return (n-r.start)%r.step == 0
}

// maxRange keeps the arithmetic of ranges within machine words.
const maxRange = 1 << 60

func makeRange(c *Call) (any, error) {
	if len(c.kwNames) > 0 {
		return nil, typeError("range() takes no keyword arguments")
	}
	var n [3]int
	for i := range n {
		v, err := c.int(i, 0)
		if err != nil {
			if b, ok := c.arg(i, nil).(*big.Int); ok {
				return nil, problem(KindLimit, "range(%s) is too large", b)
			}
			return nil, err
		}
		if v > maxRange || v < -maxRange {
			return nil, problem(KindLimit, "range(%d) is too large", v)
		}
		n[i] = v
	}
	r := &pyRange{n[0], n[1], 1}
	if !c.has(0) {
		return nil, typeError("range expected at least 1 argument, got 0")
	}
	if !c.has(1) {
		r.start, r.stop = 0, n[0]
	}
	if c.has(2) {
		r.step = n[2]
	}
	if r.step == 0 {
		return nil, FilterError("range() arg 3 must not be zero")
	}
	return r, nil
}

// unrolled turns what Python calls an iterator or a view into a list.
func unrolled(v any) (*value.List, bool) {
	r, ok := v.(*pyRange)
	if !ok {
		return nil, false
	}
	n := r.Len()
	if n > 10_000_000 {
		return nil, false
	}
	items := make([]any, n)
	for i := range items {
		items[i] = r.Item(i)
	}
	return list(items), true
}

func makeDict(c *Call) (any, error) {
	d := &value.Dict{}
	if c.has(0) {
		from, err := c.rt.toDict(c.Args[0])
		if err != nil {
			return nil, err
		}
		d = from.Copy()
	}
	for i, n := range c.kwNames {
		d.Set(n, c.kwVals[i])
	}
	return d, c.rt.grow(32 * d.Len())
}

// namespace is the object whose attributes {% set ns.x = ... %} changes.
type namespace struct{ vars *value.Dict }

func (n *namespace) PyType() string                    { return "Namespace" }
func (n *namespace) PyRepr() string                    { return "<Namespace " + value.Repr(n.vars) + ">" }
func (n *namespace) PyStr() string                     { return n.PyRepr() }
func (n *namespace) attribute(name string) (any, bool) { return n.vars.Get(name) }

func makeNamespace(c *Call) (any, error) {
	d, err := makeDict(c)
	if err != nil {
		return nil, err
	}
	return &namespace{d.(*value.Dict)}, nil
}

// cycler gives its items one after the other.
type cycler struct {
	items []any
	pos   int
}

func (y *cycler) PyType() string { return "Cycler" }

func (y *cycler) attribute(name string) (any, bool) {
	switch name {
	case "current":
		return y.items[y.pos], true
	case "next":
		return &native{"next", func(*Call) (any, error) {
			v := y.items[y.pos]
			y.pos = (y.pos + 1) % len(y.items)
			return v, nil
		}}, true
	case "reset":
		return &native{"reset", func(*Call) (any, error) { y.pos = 0; return nil, nil }}, true
	case "items":
		return value.Tuple(y.items), true
	case "pos":
		return y.pos, true
	}
	return nil, false
}

func makeCycler(c *Call) (any, error) {
	if len(c.Args) == 0 {
		return nil, FilterError("at least one item has to be provided")
	}
	return &cycler{items: append([]any(nil), c.Args...)}, nil
}

// joiner is empty text the first time it is called, then the separator.
type joiner struct {
	sep  string
	used bool
}

func (j *joiner) PyType() string { return "Joiner" }

func (j *joiner) call(*Call) (any, error) {
	if !j.used {
		j.used = true
		return "", nil
	}
	return j.sep, nil
}

func makeJoiner(c *Call) (any, error) {
	sep, err := c.text(0, ", ")
	return &joiner{sep: sep}, err
}

const lipsumText = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua"

func lipsum(c *Call) (any, error) {
	args := c.read()
	n := args.int(0, 5)
	html := args.bool(1, true)
	if args.err != nil {
		return nil, args.err
	}
	if err := c.rt.product(len(lipsumText)+10, max(n, 0)); err != nil {
		return nil, err
	}
	parts := make([]string, 0, max(n, 0))
	for range max(n, 0) {
		p := strings.ToUpper(lipsumText[:1]) + lipsumText[1:] + "."
		if html {
			p = "<p>" + p + "</p>"
		}
		parts = append(parts, p)
	}
	sep := "\n\n"
	if html {
		sep = "\n"
	}
	return strings.Join(parts, sep), nil
}

// lookup runs a lookup plugin and shapes its list as Ansible does.
func lookup(c *Call, wantList bool) (any, error) {
	if c.rt.env.Lookup == nil {
		return nil, FilterError("lookups cannot be used here")
	}
	if len(c.Args) == 0 {
		return nil, typeError("lookup() needs the name of a plugin")
	}
	name, ok := c.Args[0].(string)
	if !ok {
		return nil, typeError("the name of a lookup plugin is a string, not %s", value.TypeName(c.Args[0]))
	}
	kwargs := c.Kwargs()
	allowUnsafe, onError := false, "strict"
	if v, ok := kwargs.Delete("wantlist"); ok {
		wantList = wantList || value.Truth(v)
	}
	if v, ok := kwargs.Delete("allow_unsafe"); ok {
		allowUnsafe = value.Truth(v)
	}
	if v, ok := kwargs.Delete("errors"); ok {
		onError = value.Str(v)
	}
	terms := append([]any(nil), c.Args[1:]...)
	for _, t := range terms {
		if err := checkDefined(t); err != nil {
			return nil, err
		}
	}
	ran, err := c.rt.env.Lookup(c, name, terms, kwargs)
	if err != nil {
		return lookupFailed(name, err, onError, wantList)
	}
	if !allowUnsafe {
		c.rt.unsafe = true
	}
	return c.lookupResult(ran, wantList)
}

func lookupFailed(name string, err error, onError string, wantList bool) (any, error) {
	if IsUndefined(err) {
		return nil, err
	}
	if onError != "ignore" && onError != "warn" {
		return nil, inLookup(name, err)
	}
	if wantList {
		return list(nil), nil
	}
	return nil, nil
}

// saysItself are the lookups whose errors ansible-core passes on as they are.
var saysItself = map[string]bool{"first_found": true, "config": true, "ini": true}

const unhandled = "An unhandled exception occurred while running the lookup plugin"

// LookupsOwn returns what a lookup itself said in err: where a loop runs it and not a template, ansible-core
// adds nothing.
func LookupsOwn(err error) error {
	var e *Error
	if errors.As(err, &e) && strings.HasPrefix(e.Core, unhandled) && e.Err != nil {
		return e.Err
	}
	return err
}

// inLookup says as ansible-core does which lookup could not do its work.
func inLookup(name string, err error) error {
	e := problem(KindFilter, "%s", err)
	var ours *Error
	if errors.As(err, &ours) {
		*e = *ours
	}
	switch e.Kind {
	case KindFilter, KindType, KindTemplate:
	default:
		return err
	}
	if strings.HasPrefix(e.Msg, "lookup plugin (") || saysItself[name] {
		return err
	}
	e.Kind, e.Err = KindFilter, err
	class := e.Class
	if class == "" {
		class = "ansible.errors.AnsibleError"
	}
	e.Core = fmt.Sprintf(unhandled+" '%s'. Error was a <class '%s'>, original message: %s", name, class, Message(err))
	return e
}

func (c *Call) lookupResult(ran any, wantList bool) (any, error) {
	l, ok := ran.(*value.List)
	if !ok || wantList {
		return ran, nil
	}
	if l.Len() == 0 {
		return l, nil // nothing to join: the empty list itself
	}
	parts := make([]string, 0, l.Len())
	for _, e := range l.Items {
		s, ok := c.rt.clean(e).(string)
		if !ok {
			break
		}
		parts = append(parts, s)
	}
	if len(parts) == l.Len() {
		return c.rt.joinText(parts, ",")
	}
	if l.Len() == 1 {
		return c.rt.clean(l.Items[0]), nil
	}
	return l, nil
}

func makeUndefined(c *Call) (any, error) {
	hint := "Mandatory variable has not been overridden"
	if s, ok := c.arg(0, nil).(string); ok && s != "" {
		hint = s
	}
	return &Undefined{Hint: hint}, nil
}
