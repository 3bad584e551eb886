package modules

import (
	"slices"

	"sunup/internal/value"
)

// Args are the arguments of one call: canonical names, declared types,
// defaults filled in. Reading a name that the module does not declare is a
// mistake in the module and panics.
type Args struct {
	values *value.Dict
	given  map[string]bool
	known  map[string]bool // nil when the module is Open

	secrets  []string
	warnings []string
}

func (a Args) at(name string) any {
	if a.known != nil && !a.known[name] {
		panic("module reads undeclared argument " + name)
	}
	return a.values.At(name)
}

// Given reports whether the caller wrote the argument (or an alias of it) and
// it was not null.
func (a Args) Given(name string) bool { return a.given[name] }

// Raw returns the argument as it is, or nil.
func (a Args) Raw(name string) any { return a.at(name) }

// Str returns a str or path argument, or "".
func (a Args) Str(name string) string {
	s, _ := a.at(name).(string)
	return s
}

// Bool returns a bool argument, or false.
func (a Args) Bool(name string) bool {
	b, _ := a.at(name).(bool)
	return b
}

// Int returns an int argument, or 0.
func (a Args) Int(name string) int {
	n, _ := a.at(name).(int)
	return n
}

// Float returns a float argument, or 0.
func (a Args) Float(name string) float64 {
	switch n := a.at(name).(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}

// List returns the items of a list argument, or nil.
func (a Args) List(name string) []any {
	if l, ok := a.at(name).(*value.List); ok {
		return l.Items
	}
	return nil
}

// Strings returns the items of a list of str argument, or nil.
func (a Args) Strings(name string) []string {
	items := a.List(name)
	out := make([]string, 0, len(items))
	for _, it := range items {
		if s, ok := it.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Dict returns a dict argument, or nil.
func (a Args) Dict(name string) *value.Dict {
	d, _ := a.at(name).(*value.Dict)
	return d
}

// Secrets returns the texts that the declaration hides: the caller keeps them
// out of everything it shows.
func (a Args) Secrets() []string { return a.secrets }

// Warnings returns what the caller should be told about how the arguments were
// written.
func (a Args) Warnings() []string { return slices.Clone(a.warnings) }

// Has reports whether the argument is declared or was given to an Open module.
func (a Args) Has(name string) bool { return a.known[name] || a.values.Has(name) }

// All returns every argument, also those of an Open module.
func (a Args) All() *value.Dict { return a.values }
