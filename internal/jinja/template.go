package jinja

import (
	"context"
	"io/fs"
	"math/big"
	"regexp"
	"strings"
	"sync"

	"sunup/internal/value"
)

var errNotExist = fs.ErrNotExist

// Template is compiled text. It may be used by several goroutines at once.
type Template struct {
	env     *Env
	u       *unit
	run1    execFn
	blocks  map[string]*blockCode
	single  evalFn // the value, when the template is one {{ }} and nothing else
	textual func(*runtime) bool
	bare    string // the name, when it is exactly "{{ name }}"
	cooked  bool
	newline string
	ending  int    // line ends at the end of the source
	plain   bool   // without any markup
	written string // the source, if plain
}

// Option changes how one template is compiled.
type Option func(*compileOptions)

type compileOptions struct {
	cooked bool
	syntax func(*Env)
}

// Cooked makes Eval treat backslashes inside {{ }} as escapes, as Render does.
// Without it Eval takes them as they are, as Ansible does in playbooks.
func Cooked() Option { return func(o *compileOptions) { o.cooked = true } }

// Settings changes the settings of the Env for this template only, such as its
// delimiters.
func Settings(f func(*Env)) Option { return func(o *compileOptions) { o.syntax = f } }

const overrideMark = "#jinja2:"

// Compile reads a template. A first line "#jinja2: name: value, ..." changes
// its settings.
func (e *Env) Compile(name, src string, options ...Option) (*Template, error) {
	e.ready()
	var o compileOptions
	for _, f := range options {
		f(&o)
	}
	env := e
	if o.syntax != nil {
		env = e.With(o.syntax)
		env.ready()
	}
	s := env.syntax()
	u := &unit{name: name}
	if strings.HasPrefix(src, overrideMark) {
		rest, err := override(src, &s)
		if err != nil {
			return nil, u.named(err)
		}
		src = rest
		u.shift = 1
	}
	t := &Template{env: env, u: u, cooked: o.cooked, newline: s.newline, ending: newlinesAtEnd(src)}
	if !strings.Contains(src, s.varStart) && !strings.Contains(src, s.blockStart) && !strings.Contains(src, s.commentStart) {
		t.plain, t.written = true, src
	}
	u.src = normalise(src, s.keepTrailingNewline)
	body, err := parseTemplate(u.src, s)
	if err != nil {
		return nil, u.named(err)
	}
	t.run1, t.blocks, t.single, t.textual, err = compileUnit(env, u, body)
	if err != nil {
		return nil, u.named(err)
	}
	if m := bareName.FindStringSubmatch(src); m != nil && s.varStart == "{{" && s.varEnd == "}}" && t.single != nil {
		t.bare = m[1]
	}
	return t, nil
}

var bareName = regexp.MustCompile(`^\{\{\s*(\w*)\s*\}\}\n?$`)

func (u *unit) named(e *Error) error {
	c := *e
	if c.Name == "" {
		c.Line += u.shift
	}
	c.Name, c.Source = u.name, u.whole()
	return &c
}

func (u *unit) lineName(line int) string {
	return "line " + value.Str(line+u.shift)
}

// normalise makes every line end in one character and drops the last one.
func normalise(src string, keep bool) string {
	if strings.IndexByte(src, '\r') >= 0 {
		src = strings.ReplaceAll(src, "\r\n", "\n")
		src = strings.ReplaceAll(src, "\r", "\n")
	}
	if !keep {
		src = strings.TrimSuffix(src, "\n")
	}
	return src
}

func newlinesAtEnd(s string) int { return len(s) - len(strings.TrimRight(s, "\n")) }

// override reads the first line of a template that changes settings.
func override(src string, s *syntax) (rest string, err *Error) {
	line, rest, _ := strings.Cut(src[len(overrideMark):], "\n")
	for pair := range strings.SplitSeq(line, ",") {
		key, text, ok := strings.Cut(pair, ":")
		if !ok {
			return "", problem(KindSyntax,
				"failed to parse jinja2 override '%s'. Did you use something different from colon as key-value separator?",
				strings.TrimSpace(pair)).onLine1()
		}
		v, bad := value.ParseLiteral(strings.TrimSpace(text))
		if bad != nil {
			return "", problem(KindSyntax, "the value of the jinja2 override '%s' is not a literal", strings.TrimSpace(pair)).onLine1()
		}
		if !s.set(strings.TrimSpace(key), v) {
			return "", problem(KindSyntax, "the jinja2 override '%s' is not known", strings.TrimSpace(key)).onLine1()
		}
	}
	return rest, nil
}

func (e *Error) onLine1() *Error {
	e.Line, e.Col = 0, 1
	return e
}

func (s *syntax) set(key string, v any) bool {
	texts := map[string]*string{
		"block_start_string": &s.blockStart, "block_end_string": &s.blockEnd,
		"variable_start_string": &s.varStart, "variable_end_string": &s.varEnd,
		"comment_start_string": &s.commentStart, "comment_end_string": &s.commentEnd,
		"line_statement_prefix": &s.linePrefix, "line_comment_prefix": &s.lineComment,
		"newline_sequence": &s.newline,
	}
	if p, ok := texts[key]; ok {
		text, isText := v.(string)
		*p = text
		return isText && text != "" || key[:4] == "line"
	}
	flags := map[string]*bool{
		"trim_blocks": &s.trimBlocks, "lstrip_blocks": &s.lstripBlocks, "keep_trailing_newline": &s.keepTrailingNewline,
	}
	if p, ok := flags[key]; ok {
		*p = value.Truth(v)
		return true
	}
	return false
}

// Name returns the name given to Compile.
func (t *Template) Name() string { return t.u.name }

// Uses lists what the template mentions.
func (t *Template) Uses() Uses { return t.u.uses }

func (e *Env) runtime(ctx context.Context, s Scope) *runtime {
	rt := runtimes.Get().(*runtime)
	rt.env, rt.ctx, rt.steps, rt.bytes = e, ctx, e.limits.Steps, e.limits.Bytes
	rt.mod = &rt.root
	rt.root.scope = s
	return rt
}

// runtimes are used again: a run evaluates millions of short expressions, and
// what each needs besides its result is the same.
var runtimes = sync.Pool{New: func() any { return new(runtime) }}

// release gives rt back when nothing of it can be held by what the unit made.
func (rt *runtime) release(u *unit) {
	if u.lasting || cap(rt.stack) > maxKept || cap(rt.slots) > maxKept || cap(rt.out) > maxPooled {
		return
	}
	stack := rt.stack[:cap(rt.stack)]
	for i := range stack {
		stack[i] = nil
	}
	for i := range rt.slots {
		rt.slots[i] = slot{}
	}
	*rt = runtime{out: rt.out[:0], slots: rt.slots, stack: stack[:0], calls: rt.calls}
	runtimes.Put(rt)
}

// maxKept is how many values a runtime that is used again has room for.
const maxKept = 256

// begin gives the unit its frame.
func (rt *runtime) begin(u *unit) {
	if cap(rt.slots) < u.size {
		rt.slots = make([]slot, u.size)
	}
	rt.slots = rt.slots[:u.size]
	rt.frame.slots = rt.slots
	rt.mod.frame = &rt.frame
	rt.f = &rt.frame
}

// run renders the template and its parents into the output. The module of rt
// is new.
func (t *Template) run(rt *runtime) error {
	m := rt.mod
	m.unit = t.u
	if len(t.blocks) > 0 && m.blocks == nil {
		m.blocks = map[string][]*blockCode{}
	}
	for name, b := range t.blocks {
		m.blocks[name] = []*blockCode{b}
	}
	if m == &rt.root {
		rt.begin(t.u)
	} else {
		m.frame = &frame{slots: make([]slot, t.u.size)}
		rt.f = m.frame
	}
	if err := t.run1(rt); err != nil {
		return err
	}
	for levels := 0; m.parent != nil; levels++ {
		if levels > rt.env.limits.Depth {
			return problem(KindLimit, "the template extends itself")
		}
		parent := m.parent
		m.parent = nil
		rt.out, rt.nodes = rt.out[:m.mark], m.markNodes
		rt.f = &frame{slots: make([]slot, parent.u.size)}
		if err := parent.run1(rt); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) start(ctx context.Context, s Scope) (*runtime, error) {
	if err := ctx.Err(); err != nil {
		return nil, cancelled(t.u.name, err)
	}
	rt := t.env.runtime(ctx, s)
	rt.mutates = t.u.mutates
	return rt, nil
}

func cancelled(name string, err error) *Error {
	return &Error{Name: name, Kind: KindCancelled, Msg: "the evaluation was cancelled: " + err.Error(), Err: err}
}

// keepEnding restores the line ends at the end of the source, which the
// engine drops.
func (t *Template) keepEnding(text string) string {
	if have := newlinesAtEnd(text); t.ending > have {
		text += strings.Repeat(t.newline, t.ending-have)
	}
	return text
}

// restoreEnding is keepEnding for text that is still being built.
func (t *Template) restoreEnding(out []byte) []byte {
	have := 0
	for have < len(out) && out[len(out)-1-have] == '\n' {
		have++
	}
	for range t.ending - have {
		out = append(out, t.newline...)
	}
	return out
}

// Render makes text, as for a template file. unsafe reports whether text from
// outside was touched.
func (t *Template) Render(ctx context.Context, s Scope) (text string, unsafe bool, err error) {
	rt, err := t.start(ctx, s)
	if err != nil {
		return "", false, err
	}
	err = t.run(rt)
	if err == nil {
		rt.out = t.restoreEnding(rt.out)
		text = string(rt.out)
	}
	unsafe = rt.unsafe
	rt.release(t.u)
	if err != nil {
		return "", unsafe, t.u.finish(err)
	}
	return text, unsafe, nil
}

// maxPooled is how much output a runtime that is used again has room for.
const maxPooled = 1 << 20

// Result is what an evaluation gives.
type Result struct {
	Value  any
	Unsafe bool // text from outside was touched
	Text   bool // Value is text by decree (to_json, string, ...): see TextScope
}

// Eval makes a value, as for a string in a playbook.
func (t *Template) Eval(ctx context.Context, s Scope) (v any, unsafe bool, err error) {
	r, err := t.Evaluate(ctx, s)
	return r.Value, r.Unsafe, err
}

// Evaluate is Eval with all that is known about the result.
func (t *Template) Evaluate(ctx context.Context, s Scope) (Result, error) {
	if t.plain && ctx.Err() == nil {
		// Text that is no template stays text, even when it looks like data.
		return Result{Value: t.written}, nil
	}
	rt, err := t.start(ctx, s)
	if err != nil {
		return Result{}, err
	}
	defer rt.release(t.u)
	rt.eval = true
	rt.literal = !t.cooked
	if t.bare != "" && !t.env.Native {
		if v, ok := rawScalar(s, t.bare); ok {
			return Result{Value: v}, nil
		}
	}
	var r Result
	if t.single != nil {
		r, err = t.evalSingle(rt)
	} else {
		r, err = t.evalText(rt)
	}
	r.Unsafe = rt.unsafe
	if err != nil {
		return Result{Unsafe: rt.unsafe}, t.u.finish(err)
	}
	if text, ok := r.Value.(string); ok {
		r.Value = t.keepEnding(text)
	}
	return r, nil
}

// rawScalar answers "{{ name }}" for a variable that was written as a number,
// a bool or a null: it keeps its type.
func rawScalar(s Scope, name string) (any, bool) {
	var v any
	found := false
	switch s := s.(type) {
	case RawScope:
		v, found = s.Raw(name)
	case MapScope:
		v, found = s[name]
	}
	if !found {
		return nil, false
	}
	switch v.(type) {
	case nil, bool, int, float64, *big.Int:
		return v, true
	}
	return nil, false
}

func (t *Template) evalSingle(rt *runtime) (Result, error) {
	rt.begin(t.u)
	v, err := t.single(rt)
	if err != nil {
		return Result{}, err
	}
	textual := t.textual != nil && t.textual(rt)
	v, err = rt.nativize(v, textual)
	if err != nil {
		return Result{}, t.u.locate(err, 0)
	}
	_, isText := v.(string)
	return Result{Value: v, Text: textual && isText}, nil
}

func (t *Template) evalText(rt *runtime) (Result, error) {
	if err := t.run(rt); err != nil {
		return Result{}, err
	}
	text := string(rt.out)
	if rt.nodes == 1 && rt.textual {
		return Result{Value: text, Text: true}, nil
	}
	if rt.env.Native {
		return Result{Value: nativeLiteral(text)}, nil
	}
	return Result{Value: literal(text)}, nil
}

// finish gives an error that has no place the name of the template at least.
func (u *unit) finish(err error) error {
	if e, ok := err.(*Error); ok && e.Name == "" && e.Line == 0 {
		c := *e
		c.Name = u.name
		return &c
	}
	return err
}
