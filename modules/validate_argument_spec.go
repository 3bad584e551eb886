package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var validateArgumentSpecModule = Module{
	Name:       "ansible.builtin.validate_argument_spec",
	Summary:    say.T("Checks variables against a specification of arguments.", "변수를 인자 명세와 맞춰 본다."),
	Controller: true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "argument_spec", Type: Raw, Required: true, Doc: say.T("The specification: names with type, required, choices and so on.", "명세: 이름마다 type, required, choices 등.")},
		{Name: "provided_arguments", Type: Raw, Doc: say.T("Values that outrank the variables.", "변수보다 앞서는 값.")},
		{Name: "validate_args_context", Type: Raw, Doc: say.T("What is checked, for messages.", "무엇을 검사하는지(메시지용).")},
	}},
	Returns: []Return{
		{"argument_errors", "list", "failure", say.T("What is wrong.", "틀린 점.")},
		{"argument_spec_data", "dict", "failure", say.T("The specification.", "명세.")},
		{"validate_args_context", "dict", "always", say.T("What was checked.", "검사한 것.")},
	},
	Run: runValidateArgumentSpec,
}

func runValidateArgumentSpec(_ context.Context, c *Call) (*Result, error) {
	a := c.Args
	spec, ok := a.Raw("argument_spec").(*value.Dict)
	if !ok {
		return Fail("Incorrect type for argument_spec, expected dict and got %s", class(a.Raw("argument_spec"))), nil
	}
	provided := &value.Dict{}
	if p := a.Raw("provided_arguments"); p != nil {
		if provided, ok = p.(*value.Dict); !ok {
			return Fail("Incorrect type for provided_arguments, expected dict and got %s", class(p)), nil
		}
	}
	about := a.Raw("validate_args_context")
	if about == nil {
		about = &value.Dict{}
	}
	params := specParams(spec, 0)
	given := &value.Dict{}
	for _, p := range params {
		v, defined, err := c.Controller.Var(p.Name)
		if err != nil {
			return Fail("cannot read the variable %s: %s", p.Name, err).Set("validate_args_context", about), nil
		}
		if defined {
			given.Set(p.Name, v)
		}
	}
	given.Update(provided)
	errs := Spec{Params: params}.problems(given)
	if len(errs) == 0 {
		r := OK().Set("validate_args_context", about)
		r.Msg = "The arg spec validation passed"
		return r, nil
	}
	r := Fail("Validation of arguments failed:\n%s", strings.Join(errs, "\n"))
	return r.Set("validate_args_context", about).Set("argument_spec_data", spec).Set("argument_errors", value.Strings(errs)), nil
}

// problems are all that is wrong with arguments.
func (s Spec) problems(given *value.Dict) []string {
	v := validation{given: map[string]bool{}}
	v.options(options{params: s.Params, Spec: s}, given, nil)
	return append(v.problems, v.unsupported...)
}

// specParams reads a specification written in YAML. What is not understood is
// left out: it was somebody else's to check.
func specParams(spec *value.Dict, depth int) []Param {
	if depth > 50 {
		return nil
	}
	var params []Param
	for k, v := range spec.All() {
		d, ok := v.(*value.Dict)
		p := Param{Name: value.Str(k), Type: Str}
		if ok {
			p.read(d, depth)
		}
		params = append(params, p)
	}
	return params
}

func (p *Param) read(d *value.Dict, depth int) {
	if t := d.At("type"); t != nil {
		p.Type = Type(value.Str(t))
	}
	if t := d.At("elements"); t != nil {
		p.Elements = Type(value.Str(t))
	}
	if b, err := toBool(d.At("required")); err == nil {
		p.Required = b
	}
	if b, err := toBool(d.At("no_log")); err == nil {
		p.Secret = b
	}
	if b, err := toBool(d.At("apply_defaults")); err == nil {
		p.ApplyDefaults = b
	}
	p.Default = d.At("default")
	if l, ok := d.At("choices").(*value.List); ok {
		p.Choices = l.Items
	}
	if l, ok := d.At("aliases").(*value.List); ok {
		for _, x := range l.Items {
			p.Aliases = append(p.Aliases, value.Str(x))
		}
	}
	if o, ok := d.At("options").(*value.Dict); ok {
		p.Options = specParams(o, depth+1)
	}
}
