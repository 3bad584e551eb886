package jinja

import (
	"context"
	"strconv"

	"sunup/internal/value"
)

// Limits bound one evaluation. A zero field means its default.
type Limits struct {
	Steps int // loop rounds, calls and items handled; default 50 million
	Bytes int // text written or built on the way; default 256 MiB
	Depth int // macros, recursive loops and includes inside each other; default 200
}

func (l Limits) orDefault() Limits {
	if l.Steps <= 0 {
		l.Steps = 50_000_000
	}
	if l.Bytes <= 0 {
		l.Bytes = 256 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 200
	}
	return l
}

// slot holds a local variable, or nothing.
type slot struct {
	v  any
	ok bool
}

// frame holds the local variables of one call of a function: the template
// itself, a macro, a block, a recursive loop. Macros see the frame they were
// defined in through up.
type frame struct {
	slots []slot
	up    *frame
}

// module is what a template being run shares with its blocks, its parent and
// the templates it includes.
type module struct {
	scope  Scope
	vars   map[string]any // top-level assignments, for blocks and parents
	blocks map[string][]*blockCode
	parent *Template // from {% extends %}
	frame  *frame
	unit   *unit

	mark, markNodes int // the output when {% extends %} was met
}

// runtime is the state of one evaluation.
type runtime struct {
	env     *Env
	ctx     context.Context
	steps   int
	bytes   int
	depth   int
	out     []byte
	nodes   int // pieces of output so far, to tell "{{ x }}" from text around it
	textual bool
	unsafe  bool
	eval    bool // computing a value, not text: captured output becomes data too
	literal bool // backslashes inside {{ }} are not escapes
	mutates bool // variables are copied when looked up, since a method may change them
	mod     *module
	f       *frame
	stack   []any
	calls   []*Call
	inCalls int
	near    [nearSites]uint8 // where keys stood in the last dict; guesses

	// What mod and f are at first.
	root  module
	frame frame
	slots []slot
}

// step counts one unit of work and now and then looks at the clock.
func (rt *runtime) step() error {
	rt.steps--
	if rt.steps&1023 == 0 || rt.steps < 0 {
		return rt.check()
	}
	return nil
}

// stepN counts n units of work at once.
func (rt *runtime) stepN(n int) error {
	before := rt.steps
	rt.steps -= n
	if rt.steps < 0 || before>>10 != rt.steps>>10 {
		return rt.check()
	}
	return nil
}

func (rt *runtime) check() error {
	if rt.steps < 0 {
		return problem(KindLimit, "the template takes too many steps (more than %d)", rt.env.limits.Steps)
	}
	if err := rt.ctx.Err(); err != nil {
		return cancelled("", err)
	}
	return nil
}

// grow counts n bytes of text about to be made.
func (rt *runtime) grow(n int) error {
	rt.bytes -= n
	if rt.bytes < 0 || n < 0 {
		return problem(KindLimit, "the template makes too much text (more than %d bytes)", rt.env.limits.Bytes)
	}
	return nil
}

func (rt *runtime) enter() error {
	rt.depth++
	if rt.depth > rt.env.limits.Depth {
		rt.depth--
		return problem(KindLimit, "macros, loops or includes call each other more than %d levels deep", rt.env.limits.Depth)
	}
	return nil
}

func (rt *runtime) leave() { rt.depth-- }

func (rt *runtime) writeText(s string) error {
	rt.nodes++
	rt.out = append(rt.out, s...)
	rt.bytes -= len(s)
	if rt.bytes < 0 {
		return rt.grow(0)
	}
	return nil
}

// write prints one {{ }}.
func (rt *runtime) write(v any) error {
	rt.nodes++
	return rt.put(v)
}

// str gives str(v), within the budget.
func (rt *runtime) str(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case *Undefined:
		return "", v.strict()
	case int:
		return strconv.Itoa(v), nil
	}
	p := value.Printer{Max: rt.bytes + 1}
	p.Str(v)
	if err := rt.grow(len(p.Out)); err != nil {
		return "", err
	}
	return string(p.Out), p.Err
}

func (rt *runtime) repr(v any) (string, error) {
	p := value.Printer{Max: rt.bytes + 1}
	p.Repr(v)
	if err := rt.grow(len(p.Out)); err != nil {
		return "", err
	}
	return string(p.Out), p.Err
}

// clean turns marked text into plain text and remembers that it was touched.
func (rt *runtime) clean(v any) any {
	if u, ok := v.(value.Unsafe); ok {
		rt.unsafe = true
		return string(u)
	}
	return v
}

// resolve looks a name up outside of the template's own assignments.
func (rt *runtime) resolve(m *module, name string) (any, error) {
	if m.vars != nil {
		if v, ok := m.vars[name]; ok {
			return v, nil
		}
	}
	if name == "self" && len(m.blocks) > 0 {
		return &blockSelf{m}, nil
	}
	v, found, unsafe, err := m.scope.Lookup(name)
	if err != nil {
		if IsUndefined(err) {
			return &Undefined{Name: name, Hint: Message(err)}, nil
		}
		return nil, err
	}
	if unsafe {
		rt.unsafe = true
	}
	if found {
		if rt.mutates {
			return rt.clone(rt.clean(v))
		}
		return rt.clean(v), nil
	}
	if g, ok := rt.env.Globals[name]; ok {
		return g, nil
	}
	return &Undefined{Name: name}, nil
}

// clone copies v deeply, counting what it copies.
func (rt *runtime) clone(v any) (any, error) { return rt.cloneDeep(v, 0) }

func (rt *runtime) cloneDeep(v any, depth int) (any, error) {
	switch v := v.(type) {
	case *value.List:
		items, err := rt.cloneItems(v.Items, depth)
		if err != nil {
			return nil, err
		}
		return &value.List{Items: items}, nil
	case value.Tuple:
		items, err := rt.cloneItems(v, depth)
		return value.Tuple(items), err
	case *value.Dict:
		if err := rt.copying(v.Len(), depth); err != nil {
			return nil, err
		}
		out := v.Copy()
		vals := out.Values()
		for i, e := range vals {
			c, err := rt.cloneDeep(e, depth+1)
			if err != nil {
				return nil, err
			}
			vals[i] = c
		}
		return out, nil
	}
	return v, nil
}

func (rt *runtime) copying(n, depth int) error {
	if depth > 900 {
		return problem(KindLimit, "the data is nested too deeply")
	}
	if err := rt.grow(32 * n); err != nil {
		return err
	}
	return rt.stepN(n + 1)
}

func (rt *runtime) cloneItems(items []any, depth int) ([]any, error) {
	if err := rt.copying(len(items), depth); err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, e := range items {
		c, err := rt.cloneDeep(e, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// capture runs f with an empty output and returns what it wrote: text, or in
// an evaluation data when the text looks like it.
func (rt *runtime) capture(f func() error) (any, error) {
	out, nodes, textual := rt.out, rt.nodes, rt.textual
	rt.out, rt.nodes, rt.textual = nil, 0, false
	err := f()
	text, single := string(rt.out), rt.nodes == 1 && rt.textual
	rt.out, rt.nodes, rt.textual = out, nodes, textual
	if err != nil {
		return nil, err
	}
	if rt.eval && !single {
		return literal(text), nil
	}
	return text, nil
}

// iterate returns the items a loop over v sees. The slice must not be changed.
func (rt *runtime) iterate(v any) ([]any, error) {
	switch v := v.(type) {
	case *value.List:
		return v.Items, nil
	case value.Tuple:
		return v, nil
	case *value.Dict:
		return v.Keys(), nil
	case string:
		return rt.characters(v)
	case *Undefined:
		return nil, v.strict()
	case value.Sequenced:
		n := v.Len()
		if err := rt.stepN(n); err != nil {
			return nil, err
		}
		if err := rt.grow(16 * n); err != nil {
			return nil, err
		}
		items := make([]any, n)
		for i := range items {
			items[i] = v.Item(i)
		}
		return items, nil
	case value.Mapping:
		return v.Keys()
	}
	return nil, typeError("'%s' object is not iterable", value.TypeName(v))
}

func (rt *runtime) characters(s string) ([]any, error) {
	if err := rt.grow(16 * len(s)); err != nil {
		return nil, err
	}
	items := make([]any, 0, len(s))
	for _, r := range s {
		items = append(items, string(r))
	}
	return items, nil
}

// truth is bool(v); an undefined has none.
func truth(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		return v != "", nil
	case *Undefined:
		return false, v.strict()
	}
	return value.Truth(v), nil
}
