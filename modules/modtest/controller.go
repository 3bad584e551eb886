package modtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/modules"
)

// Controller is the side that runs the playbook, with files in a directory and
// variables in a dict.
type Controller struct {
	// Dir holds files/, templates/, vars/.
	Dir  string
	Vars *value.Dict
	// Warnings are what modules warned about.
	Warnings []string
	// Answer is what a person types at a prompt.
	Answer string
}

var _ modules.Controller = (*Controller)(nil)

// Find looks in the directory of the kind.
func (c *Controller) Find(kind, name string) (string, error) {
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	p := filepath.Join(c.Dir, kind, name)
	if _, err := os.Stat(p); err == nil {
		return p, nil
	}
	return "", fmt.Errorf("could not find or access '%s'; searched in:\n\t%s", name, p)
}

// Read reads a file of the controller.
func (c *Controller) Read(path string) ([]byte, error) { return os.ReadFile(path) }

var placeholder = regexp.MustCompile(`\{\{ *(\w+) *\}\}`)

// Template replaces {{ name }} by variables and knows nothing else.
func (c *Controller) Template(_ context.Context, _, text string, _ modules.TemplateOptions, extra *value.Dict) (string, error) {
	var missing error
	out := placeholder.ReplaceAllStringFunc(text, func(s string) string {
		name := placeholder.FindStringSubmatch(s)[1]
		if v, ok := extra.Get(name); ok {
			return value.Str(v)
		}
		if v, ok := c.Vars.Get(name); ok {
			return value.Str(v)
		}
		missing = undefined(name)
		return s
	})
	return out, missing
}

// Eval looks up a variable by name.
func (c *Controller) Eval(_ context.Context, expr string) (any, error) {
	if v, ok := c.Vars.Get(expr); ok {
		return v, nil
	}
	if v, err := value.ParseLiteral(expr); err == nil {
		return v, nil
	}
	return nil, undefined(expr)
}

func undefined(name string) error {
	return &jinja.Error{Kind: jinja.KindUndefined, Undefined: name, Msg: fmt.Sprintf("'%s' is undefined", name)}
}

// Truth is the truth of a variable or of a literal.
func (c *Controller) Truth(ctx context.Context, condition any) (bool, error) {
	s, ok := condition.(string)
	if !ok {
		return value.Truth(condition), nil
	}
	v, err := c.Eval(ctx, s)
	return value.Truth(v), err
}

// Var returns a variable.
func (c *Controller) Var(name string) (any, bool, error) {
	v, ok := c.Vars.Get(name)
	return v, ok, nil
}

// Host is "testhost".
func (c *Controller) Host() string { return "testhost" }

// Warn keeps the warning.
func (c *Controller) Warn(msg string) { c.Warnings = append(c.Warnings, msg) }

// Prompt answers with Answer.
func (c *Controller) Prompt(_ context.Context, _ string, _ bool) (string, bool, error) {
	return c.Answer, c.Answer != "", nil
}
