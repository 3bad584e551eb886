package runner

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/modules"
)

// controller is what a module may ask of us, for one task on one host.
type controller struct {
	x     *execution
	scope *vars.Scope
}

var _ modules.Controller = (*controller)(nil)

// Find looks for a file of the task as Ansible does: in each role around the
// task and the playbook's directory, first below the directory named after its
// kind.
func (c *controller) Find(kind, name string) (string, error) {
	if strings.HasPrefix(name, "~") {
		name = fromHome(name)
	}
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err != nil {
			return "", fmt.Errorf("could not find or access '%s' on the controller", name)
		}
		return name, nil
	}
	var looked []string
	for _, dir := range searchDirs(c.x.plan, c.x.play.dir) {
		for _, candidate := range []string{filepath.Join(dir, kind, name), filepath.Join(dir, name)} {
			looked = append(looked, candidate)
			if _, err := os.Stat(candidate); err == nil {
				return keepSlash(candidate, name), nil
			}
		}
	}
	return "", fmt.Errorf("could not find or access '%s'\nSearched in:\n\t%s on the controller", name, strings.Join(looked, "\n\t"))
}

// fromHome puts the home directory of a user of this machine in place of ~ or
// ~user.
func fromHome(name string) string {
	who, rest, _ := strings.Cut(name[1:], "/")
	home, err := os.UserHomeDir()
	if who != "" {
		u, lookupErr := user.Lookup(who)
		if err = lookupErr; err == nil {
			home = u.HomeDir
		}
	}
	if err != nil {
		return name
	}
	return keepSlash(filepath.Join(home, rest), name)
}

// keepSlash keeps a slash at the end, which means "the content of" to copy.
func keepSlash(path, name string) string {
	if strings.HasSuffix(name, "/") && !strings.HasSuffix(path, "/") {
		return path + "/"
	}
	return path
}

// Read returns a file of the controller, decrypted.
func (c *controller) Read(path string) ([]byte, error) {
	if c.x.run_.Read != nil {
		return c.x.run_.Read(path)
	}
	return os.ReadFile(path)
}

// Template renders text with the task's variables.
func (c *controller) Template(ctx context.Context, name, text string, o modules.TemplateOptions, extra *value.Dict) (string, error) {
	scope := c.scope
	if extra.Len() > 0 {
		scope = scope.With(vars.Layer{Level: vars.TaskVars, Origin: "template", Source: vars.Results{Dict: extra}})
	}
	env := c.x.run_.Templar.Env
	t, err := env.Compile(name, text, jinja.Cooked(), jinja.Settings(func(e *jinja.Env) {
		e.TrimBlocks, e.LstripBlocks, e.KeepTrailingNewline = o.TrimBlocks, o.LstripBlocks, true
		set := func(to *string, v string) {
			if v != "" {
				*to = v
			}
		}
		set(&e.BlockStart, o.BlockStart)
		set(&e.BlockEnd, o.BlockEnd)
		set(&e.VariableStart, o.VariableStart)
		set(&e.VariableEnd, o.VariableEnd)
		set(&e.CommentStart, o.CommentStart)
		set(&e.CommentEnd, o.CommentEnd)
		set(&e.Newline, o.NewlineSequence)
		e.Loader = c.loader(o.Dir)
	}))
	if err != nil {
		return "", templateError{err}
	}
	out, _, err := t.Render(ctx, scope)
	if err != nil {
		return "", templateError{err}
	}
	return out, nil
}

// templateError says of a template file what ansible-core says, and where.
type templateError struct{ err error }

// Error begins with the class of ansible-core's exception: playbooks look for it.
func (e templateError) Error() string {
	text := jinja.PythonType(e.err) + ": " + jinja.Message(e.err)
	if place := jinja.Place(e.err); place != "" {
		text += " (" + place + ")"
	}
	return text
}

// Unwrap returns the template's own error.
func (e templateError) Unwrap() error { return e.err }

// loader finds templates that others include: beside the template, then as any
// other file of the task.
func (c *controller) loader(dir string) func(string) (string, string, error) {
	return func(name string) (string, string, error) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			if path, err = c.Find("templates", name); err != nil {
				return "", "", fmt.Errorf("%w: %s", os.ErrNotExist, name)
			}
		}
		text, err := c.Read(path)
		if err != nil {
			return "", "", fmt.Errorf("read template %s: %w", path, err)
		}
		// Of what is included the last line's end does not count.
		return strings.TrimSuffix(string(text), "\n"), path, nil
	}
}

// Eval evaluates an expression without braces to what "{{ expr }}" gives: a
// number that a template made is text, as Ansible has it.
func (c *controller) Eval(ctx context.Context, expr string) (any, error) {
	t, err := c.x.run_.Templar.Compile("{{ " + expr + " }}")
	if err != nil {
		return nil, err
	}
	v, _, err := t.Eval(ctx, c.scope)
	return v, err
}

var _ modules.Judge = (*controller)(nil)

// Judge evaluates a template and tells whether text from outside went into it.
func (c *controller) Judge(ctx context.Context, text string) (any, bool, error) {
	return c.x.run_.Templar.Value(ctx, c.scope, text)
}

// Truth evaluates a condition.
func (c *controller) Truth(ctx context.Context, condition any) (bool, error) {
	return c.x.run_.Templar.Truth(ctx, c.scope, condition)
}

// Var returns a variable, evaluated.
func (c *controller) Var(name string) (any, bool, error) {
	v, ok, _, err := c.scope.Lookup(name)
	return v, ok, err
}

// Host is the task's host.
func (c *controller) Host() string { return c.x.host.name }

// Delegate is the host that the task is delegated to, "" without delegate_to.
func (c *controller) Delegate() string { return c.x.delegate }

// Warn tells a warning once.
func (c *controller) Warn(msg string) { c.x.run_.stream.warn(c.x.host.name, say.Plain(msg)) }

var _ modules.Prompter = (*controller)(nil)

// Prompt asks the person at the terminal, if there is one.
func (c *controller) Prompt(ctx context.Context, question string, echo bool) (string, bool, error) {
	ask := c.x.run_.Prompt
	if ask == nil {
		return "", false, nil
	}
	answer, err := ask.Ask(question, !echo)
	return answer, err == nil, err
}
