package jinja

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"sunup/internal/value"
)

// Expr is a compiled bare expression, as in when:. It may be used by several
// goroutines at once.
type Expr struct {
	env  *Env
	u    *unit
	eval evalFn
	pre  *Template // the source holds {{ }}: it is rendered first, then read
	src  string
}

// CompileExpr reads an expression without braces. A source that holds {{ }} is
// accepted as Ansible does: it is templated first and the outcome is read as
// the expression.
func (e *Env) CompileExpr(src string) (*Expr, error) {
	e.ready()
	x := &Expr{env: e, src: src}
	if HasTemplate(src) {
		t, err := e.Compile("", src)
		x.pre = t
		return x, err
	}
	x.u = &unit{src: src, bare: true}
	tree, err := parseExpression(src, e.syntax())
	if err != nil {
		return nil, x.u.named(err)
	}
	if x.eval, err = compileExpr(e, x.u, tree); err != nil {
		return nil, x.u.named(err)
	}
	return x, nil
}

// Source returns the text of the expression.
func (x *Expr) Source() string { return x.src }

// Uses lists what the expression mentions.
func (x *Expr) Uses() Uses {
	if x.pre != nil {
		return x.pre.Uses()
	}
	return x.u.uses
}

// run evaluates the expression; the runtime has to be released.
func (x *Expr) run(ctx context.Context, s Scope) (*runtime, any, error) {
	rt := x.env.runtime(ctx, s)
	rt.eval = true
	rt.mutates = x.u.mutates
	if err := ctx.Err(); err != nil {
		return rt, nil, cancelled("", err)
	}
	rt.begin(x.u)
	v, err := x.eval(rt)
	return rt, v, err
}

// Eval returns the value with its type. An undefined result is an error.
func (x *Expr) Eval(ctx context.Context, s Scope) (v any, unsafe bool, err error) {
	if x.pre != nil {
		return x.pre.Eval(ctx, s)
	}
	rt, v, err := x.run(ctx, s)
	defer rt.release(x.u)
	if err == nil {
		v = rt.clean(v)
		if err = checkDefined(v); err == nil {
			if l, ok := unrolled(v); ok {
				return l, rt.unsafe, nil
			}
			v, err = rt.clone(v)
		}
	}
	if err != nil {
		return nil, rt.unsafe, x.u.locate(err, 0)
	}
	return v, rt.unsafe, nil
}

// Truth evaluates a condition as when: does. Its error has Ansible's words.
func (x *Expr) Truth(ctx context.Context, s Scope) (bool, error) {
	ok, err := x.truth(ctx, s)
	if err == nil {
		return ok, nil
	}
	if e, isOurs := err.(*Error); isOurs && (e.Kind == KindCancelled || e.Kind == KindLimit) {
		return false, err
	}
	return false, x.conditionFailed(err)
}

func (x *Expr) conditionFailed(err error) error {
	out := Error{Kind: KindFilter, Err: err}
	if e, ok := err.(*Error); ok {
		out = *e
		out.Err = err
	}
	why := Message(err)
	if out.Kind == KindUndefined {
		why = fmt.Sprintf("error while evaluating conditional (%s): %s", x.src, why)
	}
	out.Msg = fmt.Sprintf("The conditional check '%s' failed. The error was: %s", x.src, why)
	return &out
}

func (x *Expr) truth(ctx context.Context, s Scope) (bool, error) {
	if x.pre != nil {
		return x.rendered(ctx, s)
	}
	rt, v, err := x.run(ctx, s)
	rt.release(x.u)
	if err == nil {
		var ok bool
		if ok, err = truth(v); err == nil {
			return ok, nil
		}
	}
	if answer, known := askedFor(x.src, err); known {
		return answer, nil
	}
	return false, x.u.locate(err, 0)
}

// rendered reads the outcome of the template as a condition.
func (x *Expr) rendered(ctx context.Context, s Scope) (bool, error) {
	v, unsafe, err := x.pre.Eval(ctx, s)
	if err != nil {
		if answer, known := askedFor(x.src, err); known {
			return answer, nil
		}
		return false, err
	}
	text, ok := v.(string)
	if !ok || text == "" {
		return value.Truth(v), nil
	}
	if unsafe {
		return false, FilterError("Conditional is marked as unsafe, and cannot be evaluated.")
	}
	if HasTemplate(text) {
		return false, FilterError("Invalid conditional detected: %s", text)
	}
	inner, err := x.env.CompileExpr(text)
	if err != nil {
		return false, err
	}
	return inner.truth(ctx, s)
}

var (
	undefinedName = regexp.MustCompile(`'(hostvars\[.+\]|[\w_]+)' is undefined`)
	definedTest   = regexp.MustCompile(`(hostvars\[.+\]|[\w_]+)\s+(not\s+is|is|is\s+not)\s+(defined|undefined)`)
)

// askedFor answers a condition that failed because of a name that it also
// asks "is defined" about: Ansible takes the answer to that for the whole.
func askedFor(src string, err error) (answer, known bool) {
	if !IsUndefined(err) {
		return false, false
	}
	m := undefinedName.FindStringSubmatch(Message(err))
	if m == nil {
		return false, false
	}
	name := strings.ReplaceAll(m[1], "'", `"`)
	for _, t := range definedTest.FindAllStringSubmatch(src, -1) {
		if strings.ReplaceAll(t[1], "'", `"`) == name {
			shouldExist := strings.Contains(t[2], "not") != (t[3] == "defined")
			return !shouldExist, true
		}
	}
	return false, false
}
