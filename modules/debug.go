package modules

import (
	"context"

	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
)

var debugModule = Module{
	Name:       "ansible.builtin.debug",
	Summary:    say.T("Prints a message or a variable.", "메시지나 변수를 출력한다."),
	Controller: true,
	Idempotent: true,
	RawArgs:    []string{"var"},
	Spec: Spec{Params: []Param{
		{Name: "msg", Type: Raw, Doc: say.T("What to print; \"Hello world!\" when nothing is given.", "출력할 내용. 없으면 \"Hello world!\".")},
		{Name: "var", Type: Raw, Doc: say.T("Name of a variable, or an expression, to print.", "출력할 변수 이름 또는 식.")},
		{Name: "verbosity", Type: Int, Default: 0, Doc: say.T("Print only when run with at least this many -v.", "-v를 이만큼 이상 주었을 때만 출력한다.")},
	}},
	Run: runDebug,
}

const notDefined = "VARIABLE IS NOT DEFINED!"

func runDebug(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	if a.Given("msg") && a.Given("var") {
		return Fail("'msg' and 'var' are incompatible options"), nil
	}
	if a.Int("verbosity") > c.Verbosity {
		return (&Result{Skipped: true}).Set("skipped_reason", "Verbosity threshold not met."), nil
	}
	r := &Result{VerboseAlways: true}
	switch {
	case a.Given("msg"):
		r.Set("msg", a.Raw("msg"))
	case a.Given("var"):
		return c.debugVar(ctx, r, a.Raw("var"))
	default:
		r.Set("msg", "Hello world!")
	}
	return r, nil
}

func (c *Call) debugVar(ctx context.Context, r *Result, v any) (*Result, error) {
	name, isText := v.(string)
	if !isText {
		shown, err := c.templated(ctx, v)
		if err != nil {
			return Fail("%s", jinja.Message(err)), nil
		}
		return r.Set(class(v), shown), nil
	}
	expr := name
	if jinja.HasTemplate(name) {
		got, outside, err := c.named(ctx, name)
		if err != nil {
			return c.undefinedVar(r, name, err), nil
		}
		if outside { // what a host wrote is never evaluated
			return r.Set(value.Str(got), got), nil
		}
		text, ok := got.(string)
		if !ok {
			return r.Set(value.Str(got), got), nil
		}
		// What a template gives may be the name of a variable once more.
		name, expr = text, text
	}
	got, err := c.Controller.Eval(ctx, expr)
	if err != nil {
		return c.undefinedVar(r, name, err), nil
	}
	return r.Set(name, got), nil
}

// Judge is a Controller that can tell what a template read from outside.
type Judge interface {
	// Judge evaluates a template; outside is true for text that must not be
	// evaluated again.
	Judge(ctx context.Context, text string) (v any, outside bool, err error)
}

// named evaluates the template that gives a variable's name.
func (c *Call) named(ctx context.Context, text string) (any, bool, error) {
	if j, ok := c.Controller.(Judge); ok {
		return j.Judge(ctx, text)
	}
	v, err := c.templated(ctx, text)
	return v, false, err
}

func (c *Call) undefinedVar(r *Result, name string, err error) *Result {
	if !jinja.IsUndefinedName(err) {
		return Fail("%s", jinja.Message(err))
	}
	text := notDefined
	if c.Verbosity > 0 {
		text += ": " + jinja.Message(err)
	}
	return r.Set(name, text)
}

// templated renders a value that came as it is written.
func (c *Call) templated(ctx context.Context, v any) (any, error) {
	switch v := v.(type) {
	case string:
		if !jinja.HasTemplate(v) {
			return v, nil
		}
		return c.Controller.Template(ctx, "argument", v, TemplateOptions{}, nil)
	case *value.List:
		out := &value.List{}
		for _, e := range v.Items {
			x, err := c.templated(ctx, e)
			if err != nil {
				return nil, err
			}
			out.Append(x)
		}
		return out, nil
	case *value.Dict:
		out := &value.Dict{}
		for k, e := range v.All() {
			x, err := c.templated(ctx, e)
			if err != nil {
				return nil, err
			}
			out.Set(k, x)
		}
		return out, nil
	}
	return v, nil
}
