package vars

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"sunup/internal/jinja"
	"sunup/internal/value"
)

// Templar compiles templates once and evaluates them in a Scope. It is safe
// for use by several goroutines.
type Templar struct {
	Env *jinja.Env
	// Decrypt opens a vaulted text when it is used; nil means there is no
	// vault password.
	Decrypt func(text string) (string, error)

	templates compiled[*jinja.Template]
	exprs     compiled[*jinja.Expr]
	constants sync.Map // *value.Dict or *value.List -> bool: holds no template
}

// maxCompiled bounds each cache of compiled templates. A project of 40,000
// tasks has fewer different strings; texts made at run time (include_vars in a
// loop) must not fill the memory.
const maxCompiled = 50_000

// compiled is a bounded cache by source text. When it is full it starts anew:
// rare enough that a finer rule would not pay.
type compiled[T any] struct {
	m atomic.Pointer[sync.Map]
	n atomic.Int64
}

func (c *compiled[T]) get(src string, compile func(string) (T, error)) (T, error) {
	m := c.m.Load()
	if m == nil {
		c.m.CompareAndSwap(nil, &sync.Map{})
		m = c.m.Load()
	}
	if have, ok := m.Load(src); ok {
		return have.(T), nil
	}
	made, err := compile(src)
	if err != nil {
		return made, err
	}
	if c.n.Add(1) > maxCompiled {
		c.m.Store(&sync.Map{})
		c.n.Store(0)
	}
	m.Store(src, made)
	return made, nil
}

// NewTemplar returns a Templar over env.
func NewTemplar(env *jinja.Env) *Templar { return &Templar{Env: env} }

// Value evaluates every template inside v. Data without templates is returned
// as it is, not copied. Final tells that the result holds text from outside
// and must not be templated again.
func (t *Templar) Value(ctx context.Context, s jinja.Scope, v any) (out any, final bool, err error) {
	switch v := v.(type) {
	case string:
		return t.text(ctx, s, v)
	case value.Unsafe:
		return string(v), true, nil
	case value.Vaulted:
		plain, err := t.open(string(v))
		if err != nil {
			return nil, false, err
		}
		return t.text(ctx, s, plain)
	case *value.List:
		if t.constant(v) {
			return v, false, nil
		}
		return t.list(ctx, s, v)
	case *value.Dict:
		if t.constant(v) {
			return v, false, nil
		}
		return t.dict(ctx, s, v)
	}
	return v, false, nil
}

// Evaluate is Value that also tells whether a text is meant to stay text.
func (t *Templar) Evaluate(ctx context.Context, s jinja.Scope, v any) (jinja.Result, error) {
	if src, isText := v.(string); isText && jinja.HasTemplate(src) {
		tmpl, err := t.Compile(src)
		if err != nil {
			return jinja.Result{}, err
		}
		return tmpl.Evaluate(ctx, s)
	}
	out, final, err := t.Value(ctx, s, v)
	return jinja.Result{Value: out, Unsafe: final}, err
}

func (t *Templar) open(text string) (string, error) {
	if t.Decrypt == nil {
		return "", fmt.Errorf("a vaulted value is used but no vault password was given")
	}
	return t.Decrypt(text)
}

func (t *Templar) text(ctx context.Context, s jinja.Scope, src string) (any, bool, error) {
	if !jinja.HasTemplate(src) {
		return src, false, nil
	}
	tmpl, err := t.Compile(src)
	if err != nil {
		return nil, false, err
	}
	return tmpl.Eval(ctx, s)
}

func (t *Templar) list(ctx context.Context, s jinja.Scope, l *value.List) (any, bool, error) {
	out, final := &value.List{Items: make([]any, 0, len(l.Items))}, false
	for _, item := range l.Items {
		v, f, err := t.Value(ctx, s, item)
		if err != nil {
			return nil, false, err
		}
		final = final || f
		if v != jinja.Omit {
			out.Items = append(out.Items, v)
		}
	}
	return out, final, nil
}

func (t *Templar) dict(ctx context.Context, s jinja.Scope, d *value.Dict) (any, bool, error) {
	out, final := &value.Dict{}, false
	for k, item := range d.All() {
		v, f, err := t.Value(ctx, s, item)
		if err != nil {
			return nil, false, err
		}
		final = final || f
		if v != jinja.Omit {
			out.Set(k, v)
		}
	}
	return out, final, nil
}

// constant reports whether nothing inside v needs evaluation. The answer is
// remembered by the container's identity: what was read is never changed.
func (t *Templar) constant(v any) bool {
	switch v := v.(type) {
	case string:
		return !jinja.HasTemplate(v)
	case value.Unsafe, value.Vaulted:
		return false
	case *value.List:
		return t.remember(v, func() bool { return t.allConstant(v.Items) })
	case *value.Dict:
		return t.remember(v, func() bool { return t.allConstant(v.Values()) })
	}
	return true
}

func (t *Templar) remember(key any, find func() bool) bool {
	if have, ok := t.constants.Load(key); ok {
		return have.(bool)
	}
	c := find()
	t.constants.Store(key, c)
	return c
}

func (t *Templar) allConstant(items []any) bool {
	for _, item := range items {
		if !t.constant(item) {
			return false
		}
	}
	return true
}

// Compile returns the template of a playbook string.
func (t *Templar) Compile(src string) (*jinja.Template, error) {
	return t.templates.get(src, func(src string) (*jinja.Template, error) { return t.Env.Compile("", src) })
}

// Expr returns the compiled expression without braces.
func (t *Templar) Expr(src string) (*jinja.Expr, error) {
	return t.exprs.get(src, t.Env.CompileExpr)
}

// Text evaluates v and returns it as text.
func (t *Templar) Text(ctx context.Context, s jinja.Scope, v any) (string, error) {
	out, _, err := t.Value(ctx, s, v)
	if err != nil || out == nil {
		return "", err
	}
	return value.Str(out), nil
}

// Truth evaluates a condition as `when` does: a bool, an expression without
// braces, or (with a warning from the caller) a template.
func (t *Templar) Truth(ctx context.Context, s jinja.Scope, condition any) (bool, error) {
	switch c := condition.(type) {
	case nil:
		return true, nil
	case string:
		if c = strings.TrimSpace(c); c == "" {
			return true, nil
		}
		return t.truthOfText(ctx, s, c)
	case value.Unsafe:
		return t.Truth(ctx, s, string(c))
	}
	return value.Truth(condition), nil
}

func (t *Templar) truthOfText(ctx context.Context, s jinja.Scope, src string) (bool, error) {
	if jinja.HasTemplate(src) {
		v, _, err := t.text(ctx, s, src)
		if err != nil {
			return false, err
		}
		text, isText := v.(string)
		if !isText {
			return value.Truth(v), nil
		}
		// What a template printed is an expression in its turn, as Ansible has it.
		src = text
		if strings.TrimSpace(src) == "" {
			return false, nil
		}
	}
	expr, err := t.Expr(src)
	if err != nil {
		return false, err
	}
	return expr.Truth(ctx, s)
}
