// Package lookup holds Ansible's lookups: lookup(), query() and with_NAME.
//
//   - Lookup: a named function from terms to a list of results. It runs on the
//     controller, in the place of a task: files are searched where the task's
//     files are (the variable ansible_search_path).
package lookup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"sunup/internal/jinja"
	"sunup/internal/value"
)

// Options are what lookups need of the command.
type Options struct {
	// Read returns a file of the controller, decrypted; nil means plain files.
	Read func(path string) ([]byte, error)
	// Setting returns a setting of ansible.cfg by name; nil means there are none.
	Setting func(name string) string
	// KeyValue reads "text key=value" with the quoting of task arguments; what is
	// not key=value is under _raw_params. nil means plain words.
	KeyValue func(text string) (*value.Dict, error)
	// Getenv reads the environment; nil means the process's.
	Getenv func(name string) string
}

// Set is the lookups of one project.
type Set struct {
	o Options
	// making is held while a password is read or made: hosts that ask at the same time get the same one.
	making sync.Mutex
}

// New returns all lookups.
func New(o Options) *Set {
	if o.Read == nil {
		o.Read = os.ReadFile
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Setting == nil {
		o.Setting = func(string) string { return "" }
	}
	return &Set{o: o}
}

// request is one use of a lookup.
type request struct {
	set   *Set
	call  *jinja.Call
	ctx   context.Context
	name  string
	terms []any
	opts  *value.Dict
}

type function func(r *request) ([]any, error)

// functions lists all lookups by short name.
var functions = map[string]function{
	"config":              config,
	"csvfile":             csvFile,
	"dict":                dict,
	"env":                 env,
	"file":                file,
	"fileglob":            fileGlob,
	"first_found":         firstFound,
	"flattened":           flattened,
	"indexed_items":       indexedItems,
	"ini":                 iniFile,
	"inventory_hostnames": inventoryHostnames,
	"items":               items,
	"lines":               outputLines,
	"list":                asIs,
	"nested":              nested,
	"cartesian":           nested,
	"password":            password,
	"pipe":                pipe,
	"random_choice":       randomChoice,
	"sequence":            sequence,
	"subelements":         subelements,
	"template":            template,
	"together":            together,
	"unvault":             file,
	"url":                 fetchURL,
	"vars":                variables,
	"varnames":            variableNames,
}

func short(name string) string {
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy.", "community.general."} {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}

// Known reports whether a lookup exists.
func (s *Set) Known(name string) bool { return functions[short(name)] != nil }

// Names lists all lookups.
func Names() []string {
	out := make([]string, 0, len(functions))
	for n := range functions {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// Run carries out a lookup; it has the form of jinja.Env.Lookup.
func (s *Set) Run(c *jinja.Call, name string, terms []any, opts *value.Dict) (any, error) {
	f := functions[short(name)]
	if f == nil {
		return nil, fmt.Errorf("lookup plugin (%s) not found", name)
	}
	terms, err := Evaluated(c, terms)
	if err != nil {
		return nil, err
	}
	out, err := f(&request{set: s, call: c, ctx: c.Context(), name: short(name), terms: terms, opts: opts})
	if err != nil {
		return nil, err
	}
	return value.NewList(out...), nil
}

// Evaluated fills in templates that stand inside the terms, which Ansible allows:
// lookup('file', '{{ name }}.txt'). What came from outside is left as it is.
func Evaluated(c *jinja.Call, terms []any) ([]any, error) {
	if c.Unsafe() {
		return terms, nil
	}
	out := terms
	for i, t := range terms {
		text, ok := t.(string)
		if !ok || !jinja.HasTemplate(text) {
			continue
		}
		tmpl, err := c.Env().Compile("", text)
		if err != nil {
			return nil, err
		}
		v, final, err := tmpl.Eval(c.Context(), c.Scope())
		if err != nil {
			return nil, err
		}
		if final {
			c.MarkUnsafe()
		}
		out = slices.Clone(out)
		out[i] = v
	}
	return out, nil
}

// text returns an option as text.
func (r *request) text(name, unset string) string {
	if v, ok := r.opts.Get(name); ok && v != nil {
		return value.Str(v)
	}
	return unset
}

func (r *request) flag(name string, unset bool) bool {
	v, ok := r.opts.Get(name)
	if !ok {
		return unset
	}
	if s, isText := v.(string); isText {
		switch strings.ToLower(s) {
		case "yes", "true", "on", "1", "y", "t":
			return true
		}
		return false
	}
	return value.Truth(v)
}

// words returns the terms as texts; lists among them are opened.
func (r *request) words() ([]string, error) {
	var out []string
	for _, t := range flatten(r.terms, 1) {
		if err := jinja.Defined(t); err != nil {
			return nil, err
		}
		out = append(out, value.Str(t))
	}
	return out, nil
}

// variable returns a variable of the place that the lookup is used in.
func (r *request) variable(name string) (any, bool, error) {
	v, ok, _, err := r.call.Scope().Lookup(name)
	return v, ok, err
}

// dirs are the directories that a task's files are searched in.
func (r *request) dirs() []string {
	var out []string
	if v, ok, err := r.variable("ansible_search_path"); ok && err == nil {
		if l, isList := v.(*value.List); isList {
			for _, d := range l.Items {
				out = append(out, value.Str(d))
			}
		}
	}
	if len(out) == 0 {
		out = []string{"."}
	}
	return out
}

// find searches a file: in KIND below each directory, then in the directory.
func (r *request) find(kind, name string) (string, error) {
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(name, "~/") {
		name = filepath.Join(home, name[2:])
	}
	if filepath.IsAbs(name) {
		if _, err := os.Stat(name); err != nil {
			return "", fmt.Errorf("could not locate file in lookup: %s", name)
		}
		return name, nil
	}
	for _, dir := range r.dirs() {
		for _, c := range []string{filepath.Join(dir, kind, name), filepath.Join(dir, name)} {
			if _, err := os.Stat(c); err == nil {
				return c, nil
			}
		}
	}
	return "", fmt.Errorf("could not locate file in lookup: %s", name)
}

func asIs(r *request) ([]any, error) { return r.terms, nil }

// flatten opens lists down to depth levels.
func flatten(items []any, depth int) []any {
	var out []any
	for _, it := range items {
		switch v := it.(type) {
		case *value.List:
			if depth > 0 {
				out = append(out, flatten(v.Items, depth-1)...)
				continue
			}
		case value.Tuple:
			if depth > 0 {
				out = append(out, flatten(v, depth-1)...)
				continue
			}
		}
		out = append(out, it)
	}
	return out
}

func items(r *request) ([]any, error) { return flatten(r.terms, 1), nil }

func flattened(r *request) ([]any, error) {
	var out []any
	for _, it := range flatten(r.terms, 100) {
		if it != nil && it != "None" && it != "null" {
			out = append(out, it)
		}
	}
	return out, nil
}

func indexedItems(r *request) ([]any, error) {
	var out []any
	for i, it := range flatten(r.terms, 1) {
		out = append(out, value.Tuple{i, it})
	}
	return out, nil
}

func dict(r *request) ([]any, error) {
	var out []any
	for _, t := range r.terms {
		d, ok := t.(*value.Dict)
		if l, isList := t.(*value.List); isList && l.Len() == 1 {
			d, ok = l.Items[0].(*value.Dict)
		}
		if !ok {
			return nil, fmt.Errorf("with_dict expects a dict")
		}
		for k, v := range d.All() {
			out = append(out, value.NewDict("key", k, "value", v))
		}
	}
	return out, nil
}

func env(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		name := strings.Fields(w + " ")
		if len(name) == 0 {
			continue
		}
		v := r.set.o.Getenv(name[0])
		if d, ok := r.opts.Get("default"); ok && v == "" {
			if err := jinja.Defined(d); err != nil {
				return nil, err
			}
			v = r.text("default", "")
		}
		out = append(out, v)
	}
	return out, nil
}

func file(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		path, err := r.find("files", w)
		if err != nil {
			return nil, err
		}
		src, err := r.set.o.Read(path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		text := string(src)
		if r.name == "file" {
			if r.flag("lstrip", false) {
				text = strings.TrimLeft(text, " \t\r\n")
			}
			if r.flag("rstrip", true) {
				text = strings.TrimRight(text, " \t\r\n")
			}
		}
		out = append(out, text)
	}
	return out, nil
}

func fileGlob(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		for _, pattern := range r.globs(w) {
			found, err := filepath.Glob(pattern)
			if err != nil {
				return nil, fmt.Errorf("fileglob %s: %w", w, err)
			}
			n := len(out)
			for _, f := range found {
				if info, err := os.Stat(f); err == nil && !info.IsDir() {
					out = append(out, f)
				}
			}
			if len(out) > n {
				break // the first directory that has any
			}
		}
	}
	return out, nil
}

func (r *request) globs(w string) []string {
	if filepath.IsAbs(w) {
		return []string{w}
	}
	var out []string
	for _, d := range r.dirs() {
		out = append(out, filepath.Join(d, "files", w), filepath.Join(d, w))
	}
	return out
}

func pipe(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		cmd := exec.CommandContext(r.ctx, "/bin/sh", "-c", w)
		got, err := cmd.Output()
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit) && exit.Exited():
			return nil, fmt.Errorf("lookup_plugin.%s(%s) returned %d", short(r.name), w, exit.ExitCode())
		case err != nil:
			return nil, fmt.Errorf("lookup_plugin.%s(%s): %w", short(r.name), w, err)
		}
		out = append(out, strings.TrimRight(string(got), " \t\r\n"))
	}
	return out, nil
}

func outputLines(r *request) ([]any, error) {
	texts, err := pipe(r)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, t := range texts {
		for _, line := range strings.Split(t.(string), "\n") {
			out = append(out, strings.TrimRight(line, "\r"))
		}
	}
	return out, nil
}

func template(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		path, err := r.find("templates", w)
		if err != nil {
			return nil, err
		}
		text, err := r.render(path)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

func (r *request) render(path string) (any, error) {
	src, err := r.set.o.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	t, err := r.call.Env().Compile(path, string(src), jinja.Cooked(), jinja.Settings(func(e *jinja.Env) {
		e.KeepTrailingNewline = true
		e.TrimBlocks = r.flag("trim_blocks", true)
		e.LstripBlocks = r.flag("lstrip_blocks", false)
		e.VariableStart = r.text("variable_start_string", e.VariableStart)
		e.VariableEnd = r.text("variable_end_string", e.VariableEnd)
		e.CommentStart = r.text("comment_start_string", e.CommentStart)
		e.CommentEnd = r.text("comment_end_string", e.CommentEnd)
		dir := filepath.Dir(path)
		e.Loader = func(name string) (string, string, error) {
			found := filepath.Join(dir, name)
			text, err := r.set.o.Read(found)
			// Of what is included the last line's end does not count.
			return strings.TrimSuffix(string(text), "\n"), found, err
		}
	}))
	if err != nil {
		return nil, err
	}
	scope := r.call.Scope()
	if extra, ok := r.opts.At("template_vars").(*value.Dict); ok {
		scope = above{extra, scope}
	}
	text, _, err := t.Render(r.ctx, scope)
	if err != nil {
		return nil, err
	}
	if r.flag("convert_data", true) {
		if s := strings.TrimSpace(text); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
			if v, err := value.ParseLiteral(s); err == nil {
				return v, nil
			}
		}
	}
	return text, nil
}

// above puts variables over a scope.
type above struct {
	d     *value.Dict
	under jinja.Scope
}

// In implements jinja.BoundScope.
func (a above) In(ctx context.Context) jinja.Scope { return above{a.d, jinja.ScopeIn(ctx, a.under)} }

// Lookup finds a variable.
func (a above) Lookup(name string) (any, bool, bool, error) {
	if v, ok := a.d.Get(name); ok {
		return v, true, true, nil
	}
	return a.under.Lookup(name)
}

func variables(r *request) ([]any, error) {
	for _, t := range r.terms {
		if _, ok := t.(string); !ok {
			return nil, fmt.Errorf("Invalid setting identifier, \"%s\" is not a string, its a <class '%s'>", value.Str(t), value.TypeName(t))
		}
	}
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		v, ok, err := r.variable(w)
		if err != nil {
			return nil, err
		}
		if !ok {
			d, has := r.opts.Get("default")
			if !has {
				return nil, jinja.NotDefined("No variable found with this name: " + w)
			}
			v = d
		}
		out = append(out, v)
	}
	return out, nil
}
