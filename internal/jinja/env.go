package jinja

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sort"
	"strings"
	"sync"

	"sunup/internal/value"
)

// Scope gives names their values during one evaluation. It is used by one
// goroutine at a time.
type Scope interface {
	// Lookup resolves a top-level name. unsafe says that the value holds text
	// from outside, which must not be templated again. An error of kind
	// KindUndefined makes the name undefined, with that message; any other one
	// ends the evaluation.
	Lookup(name string) (v any, found, unsafe bool, err error)
}

// RawScope is a Scope that also knows values before they are templated. A
// string that is exactly "{{ name }}" keeps the type of a number or a None only
// if the variable was written as one.
type RawScope interface {
	Scope
	Raw(name string) (v any, found bool)
}

// TextScope is a Scope that knows which of its values are text by decree (see
// Result.Text), so that "{{ name }}" does not turn them into data.
type TextScope interface {
	Scope
	IsText(name string) bool
	// Written says that the value stands in a file as it is.
	Written(name string) bool
}

// BoundScope is a Scope whose evaluations end with a context.
type BoundScope interface {
	Scope
	In(ctx context.Context) Scope
}

// ScopeIn is s with evaluations that end with ctx, where it has any.
func ScopeIn(ctx context.Context, s Scope) Scope {
	if b, ok := s.(BoundScope); ok {
		return b.In(ctx)
	}
	return s
}

// MapScope is a Scope over a plain map.
type MapScope map[string]any

// Lookup implements Scope. Text marked with value.Unsafe is found at any depth.
func (m MapScope) Lookup(name string) (any, bool, bool, error) {
	v, ok := m[name]
	if !ok {
		return nil, false, false, nil
	}
	return v, true, HoldsUnsafe(v), nil
}

// HoldsUnsafe reports whether v is or contains a value.Unsafe.
func HoldsUnsafe(v any) bool {
	switch v := v.(type) {
	case value.Unsafe:
		return true
	case *value.List:
		return anyUnsafe(v.Items)
	case value.Tuple:
		return anyUnsafe(v)
	case *value.Dict:
		return anyUnsafe(v.Values())
	}
	return false
}

func anyUnsafe(items []any) bool {
	for _, e := range items {
		// Most of what data holds is text and numbers, which need no call.
		switch e.(type) {
		case string, int, bool, nil:
		default:
			if HoldsUnsafe(e) {
				return true
			}
		}
	}
	return false
}

// Plugins finds filters and tests by name; nil means that there is none.
type Plugins interface {
	Filter(name string) Func
	Test(name string) Func
}

// function finds a filter or a test.
func (e *Env) function(what, name string) Func {
	table, own := e.Filters, Plugins.Filter
	if what == "test" {
		table, own = e.Tests, Plugins.Test
	}
	if e.Plugins != nil {
		if f := own(e.Plugins, name); f != nil {
			return f
		}
	}
	if f := table[name]; f != nil {
		return f
	}
	return table[baseName(name)]
}

// Func is a filter, a test, a global function. It must not keep c or its
// slices.
type Func func(c *Call) (any, error)

// Call is one call of a Func. It is valid until the Func returns.
type Call struct {
	Name  string // without a collection that is the engine's own
	Value any    // what is filtered or tested; nil for functions
	Args  []any  // positional, without Value

	kwNames []string
	kwVals  []any
	rt      *runtime
}

// Context returns the context of the evaluation.
func (c *Call) Context() context.Context { return c.rt.ctx }

// Env returns the environment of the evaluation.
func (c *Call) Env() *Env { return c.rt.env }

// Scope returns the variables of the evaluation.
func (c *Call) Scope() Scope { return c.rt.mod.scope }

// Kwargs returns the named arguments as a new dict.
func (c *Call) Kwargs() *value.Dict {
	d := &value.Dict{}
	for i, n := range c.kwNames {
		d.Set(n, c.kwVals[i])
	}
	return d
}

// Kwarg returns one named argument.
func (c *Call) Kwarg(name string) (any, bool) {
	for i, n := range c.kwNames {
		if n == name {
			return c.kwVals[i], true
		}
	}
	return nil, false
}

// Unsafe reports whether something from outside went into the evaluation so
// far.
func (c *Call) Unsafe() bool { return c.rt.unsafe }

// MarkUnsafe says that the result of the evaluation comes from outside.
func (c *Call) MarkUnsafe() { c.rt.unsafe = true }

// Filter applies a filter of the environment to v; named are its arguments by name.
func (c *Call) Filter(name string, v any, named *value.Dict) (any, error) {
	f, ok := c.rt.env.Filters[name]
	if !ok {
		return nil, FilterError("No filter named '%s'.", name)
	}
	inner := c.rt.call()
	defer c.rt.done()
	inner.Name, inner.Value, inner.Args = name, v, nil
	inner.kwNames, inner.kwVals = nil, nil
	for k, v := range named.All() {
		inner.kwNames, inner.kwVals = append(inner.kwNames, value.Str(k)), append(inner.kwVals, v)
	}
	return f(inner)
}

// Percent formats v as Python's % does.
func (c *Call) Percent(format string, v any) (any, error) { return c.rt.percent(format, v) }

// Step counts n units of work; its error ends the evaluation.
func (c *Call) Step(n int) error { return c.rt.stepN(n) }

// Grow counts n bytes about to be made; its error ends the evaluation.
func (c *Call) Grow(n int) error { return c.rt.grow(n) }

// Defined returns an error if v is undefined.
func Defined(v any) error {
	if u, ok := v.(*Undefined); ok {
		return u.err()
	}
	return nil
}

// Env is what templates are compiled with. Change it only before its first
// use; afterwards it may be used by any number of goroutines.
type Env struct {
	Filters map[string]Func
	Tests   map[string]Func
	Globals map[string]any // values and Func

	// Lookup runs a lookup plugin; lookup(), query() and q() call it. Terms and
	// kwargs are as written, without wantlist and errors. It returns a list.
	Lookup func(c *Call, name string, terms []any, kwargs *value.Dict) (any, error)
	// KnownLookup says whether a lookup exists, for Check; nil accepts all.
	KnownLookup func(name string) bool
	// Plugins are filters and tests that the project brings; nil for none. They
	// come before those of the same name here.
	Plugins Plugins
	// Loader finds the templates that others include, import or extend. Its
	// error wraps fs.ErrNotExist when there is none of that name.
	Loader func(name string) (src, path string, err error)
	// FromYAML reads one YAML document; FromYAMLAll a stream of them.
	FromYAML    func(text string) (any, error)
	FromYAMLAll func(text string) ([]any, error)
	// Vault and Unvault are the filters of these names; nil refuses.
	Vault   func(c *Call) (any, error)
	Unvault func(c *Call) (any, error)

	// Native computes values as with jinja2_native=True.
	Native bool
	Limits Limits

	TrimBlocks, LstripBlocks, KeepTrailingNewline bool
	BlockStart, BlockEnd                          string
	VariableStart, VariableEnd                    string
	CommentStart, CommentEnd                      string
	LineStatementPrefix, LineCommentPrefix        string
	Newline                                       string

	lenient bool // unknown filters and tests fail when they are used
	limits  Limits
	once    sync.Once
	loaded  sync.Map // name -> *Template
}

// NewEnv returns an Env with all filters and tests and Ansible's settings.
func NewEnv() *Env {
	return &Env{
		Filters:    maps.Clone(builtinFilters()),
		Tests:      maps.Clone(builtinTests()),
		Globals:    builtinGlobals(),
		TrimBlocks: true,
		BlockStart: "{%", BlockEnd: "%}",
		VariableStart: "{{", VariableEnd: "}}",
		CommentStart: "{#", CommentEnd: "#}",
		Newline: "\n",
	}
}

// With returns an Env with the same functions and settings, changed by f
// before its first use. Templates loaded by e are not shared.
func (e *Env) With(f func(*Env)) *Env {
	out := &Env{
		Filters: e.Filters, Tests: e.Tests, Globals: e.Globals,
		Lookup: e.Lookup, KnownLookup: e.KnownLookup, Loader: e.Loader, Plugins: e.Plugins,
		FromYAML: e.FromYAML, FromYAMLAll: e.FromYAMLAll, Vault: e.Vault, Unvault: e.Unvault,
		Native: e.Native, Limits: e.Limits,
		TrimBlocks: e.TrimBlocks, LstripBlocks: e.LstripBlocks, KeepTrailingNewline: e.KeepTrailingNewline,
		BlockStart: e.BlockStart, BlockEnd: e.BlockEnd,
		VariableStart: e.VariableStart, VariableEnd: e.VariableEnd,
		CommentStart: e.CommentStart, CommentEnd: e.CommentEnd,
		LineStatementPrefix: e.LineStatementPrefix, LineCommentPrefix: e.LineCommentPrefix,
		Newline: e.Newline,
	}
	f(out)
	return out
}

func (e *Env) ready() { e.once.Do(func() { e.limits = e.Limits.orDefault() }) }

func (e *Env) syntax() syntax {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	return syntax{
		blockStart: or(e.BlockStart, "{%"), blockEnd: or(e.BlockEnd, "%}"),
		varStart: or(e.VariableStart, "{{"), varEnd: or(e.VariableEnd, "}}"),
		commentStart: or(e.CommentStart, "{#"), commentEnd: or(e.CommentEnd, "#}"),
		linePrefix: e.LineStatementPrefix, lineComment: e.LineCommentPrefix,
		newline: e.Newline, trimBlocks: e.TrimBlocks, lstripBlocks: e.LstripBlocks,
		keepTrailingNewline: e.KeepTrailingNewline,
	}
}

// FilterNames returns the names of all filters, sorted.
func (e *Env) FilterNames() []string { return sortedNames(e.Filters) }

// TestNames returns the names of all tests, sorted.
func (e *Env) TestNames() []string { return sortedNames(e.Tests) }

func sortedNames(m map[string]Func) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// HasTemplate reports whether s may hold a template: {{, {% or {#.
func HasTemplate(s string) bool {
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 || i+1 >= len(s) {
			return false
		}
		if c := s[i+1]; c == '{' || c == '%' || c == '#' {
			return true
		}
		s = s[i+1:]
	}
}

// Use is a name that a template mentions, and where.
type Use struct {
	Name      string
	Line, Col int
}

// Uses lists what a template mentions: names of variables that come from
// outside, filters, tests and lookups written out.
type Uses struct{ Filters, Tests, Lookups, Vars []Use }

// load returns a compiled template of the loader.
func (e *Env) load(name string) (*Template, error) {
	if t, ok := e.loaded.Load(name); ok {
		return t.(*Template), nil
	}
	if e.Loader == nil {
		return nil, &Error{Kind: KindTemplate, Msg: name, Err: errMissing, Hint: "there is no place to load templates from"}
	}
	src, path, err := e.Loader(name)
	if err != nil {
		if isNotExist(err) {
			return nil, &Error{Kind: KindTemplate, Msg: name, Err: errMissing, Hint: "the template was not found"}
		}
		return nil, &Error{Kind: KindTemplate, Msg: fmt.Sprintf("read template %s: %v", name, err), Err: err}
	}
	t, err := e.Compile(path, src)
	if err != nil {
		return nil, err
	}
	e.loaded.Store(name, t)
	return t, nil
}

// Lacking returns an error for each filter, test and lookup that a template
// uses and that there is not. Its syntax must be right; the names of filters
// and tests need not be.
func (e *Env) Lacking(name, src string) (out []*Error) {
	t, err := e.With(func(e *Env) { e.lenient = true }).Compile(name, src)
	if err != nil {
		return nil
	}
	uses := t.Uses()
	missing := func(what string, list []Use, known func(string) bool) {
		for _, u := range list {
			if !known(u.Name) {
				out = append(out, lackingError(what, u))
			}
		}
	}
	missing("filter", uses.Filters, func(n string) bool { return e.function("filter", n) != nil })
	missing("test", uses.Tests, func(n string) bool { return e.function("test", n) != nil })
	if e.KnownLookup != nil {
		missing("lookup", uses.Lookups, e.KnownLookup)
	}
	return out
}

func lackingError(what string, u Use) *Error {
	msg := fmt.Sprintf("No %s named '%s'", what, u.Name)
	if what == "lookup" {
		msg = fmt.Sprintf("lookup plugin (%s) not found", u.Name)
	}
	return &Error{Kind: KindSyntax, Line: u.Line, Col: u.Col, Msg: msg, Lacking: what, Subject: u.Name}
}

func isNotExist(err error) bool { return errors.Is(err, errNotExist) || errors.Is(err, errMissing) }
