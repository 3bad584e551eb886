package vars

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sunup/internal/jinja"
	"sunup/internal/value"
)

// Scope is what one evaluation sees: layers, highest first. It belongs to one
// goroutine.
type Scope struct {
	ctx     context.Context
	templar *Templar
	layers  []Layer
	// resolving are the variables being evaluated, outermost first, to find
	// variables that need themselves.
	resolving []string
	// texts are the variables whose value is text by decree (a filter such as
	// to_json made it): "{{ name }}" must not turn it into data again.
	texts map[string]bool
}

// NewScope returns a scope over layers, which are given highest first.
func NewScope(ctx context.Context, t *Templar, layers []Layer) *Scope {
	return &Scope{ctx: ctx, templar: t, layers: layers}
}

// With returns a scope with further layers above.
func (s *Scope) With(above ...Layer) *Scope {
	return &Scope{ctx: s.ctx, templar: s.templar, layers: append(slices.Clone(above), s.layers...), resolving: s.resolving}
}

// In returns the scope for evaluations that end with ctx.
func (s *Scope) In(ctx context.Context) jinja.Scope {
	out := *s
	out.ctx = ctx
	return &out
}

// CycleError says that a variable needs itself.
type CycleError struct{ Path []string }

// Error prints the way round.
func (e *CycleError) Error() string {
	return "recursive loop detected in template string: " + strings.Join(e.Path, " -> ")
}

// Lookup finds a variable and evaluates it. It implements jinja.Scope.
func (s *Scope) Lookup(name string) (v any, found, final bool, err error) {
	computed := false
	for i := range s.layers {
		v, final, found = s.layers[i].Get(name)
		if found {
			_, computed = s.layers[i].Source.(Computed)
			break
		}
	}
	if !found {
		return nil, false, false, nil
	}
	if computed {
		return v, true, false, nil
	}
	if final {
		return v, true, true, nil
	}
	if s.templar.constant(v) {
		return v, true, false, nil
	}
	if slices.Contains(s.resolving, name) {
		at := slices.Index(s.resolving, name)
		return nil, true, false, &CycleError{Path: append(slices.Clone(s.resolving[at:]), name)}
	}
	s.resolving = append(s.resolving, name)
	defer func() { s.resolving = s.resolving[:len(s.resolving)-1] }()
	result, err := s.templar.Evaluate(s.ctx, s, v)
	if err != nil {
		if text, isText := v.(string); isText {
			err = jinja.Within(text, err)
		}
		return nil, true, false, fmt.Errorf("variable '%s': %w", name, err)
	}
	if result.Text {
		if s.texts == nil {
			s.texts = map[string]bool{}
		}
		s.texts[name] = true
	}
	return result.Value, true, result.Unsafe, nil
}

// IsText reports whether the variable's value, as looked up before, is text by
// decree. It implements jinja.TextScope.
func (s *Scope) IsText(name string) bool {
	if s.texts[name] {
		return true
	}
	for i := range s.layers {
		if _, _, ok := s.layers[i].Get(name); ok {
			store, isStore := s.layers[i].Source.(*Store)
			return isStore && store.isText(name)
		}
	}
	return false
}

// Written reports whether the variable is text as an author wrote it, without
// a template. It implements jinja.TextScope.
func (s *Scope) Written(name string) bool {
	for i := range s.layers {
		if v, _, ok := s.layers[i].Get(name); ok {
			_, fixed := s.layers[i].Source.(Fixed)
			return fixed && s.templar.constant(v)
		}
	}
	return false
}

// Raw finds a variable without evaluating it. It implements jinja.RawScope.
func (s *Scope) Raw(name string) (v any, found bool) {
	for i := range s.layers {
		if v, _, ok := s.layers[i].Get(name); ok {
			return v, true
		}
	}
	return nil, false
}

// AsWritten finds a variable with its templates as they stand. Encrypted text is
// opened, and text from outside stays marked.
func (s *Scope) AsWritten(name string) (v any, found bool, err error) {
	for i := range s.layers {
		v, final, ok := s.layers[i].Get(name)
		switch {
		case !ok:
			continue
		case final:
			return s.Marked(v), true, nil
		}
		written := value.Map(v, func(leaf any) any {
			sealed, isSealed := leaf.(value.Vaulted)
			if !isSealed || err != nil {
				return leaf
			}
			var plain string
			if plain, err = s.templar.open(string(sealed)); err != nil {
				return leaf
			}
			return plain
		})
		return written, true, err
	}
	return nil, false, nil
}

// AsFarAsDefined evaluates what can be evaluated of a value as written; texts
// that need what is not defined, or cannot be evaluated, stay as they are.
func (s *Scope) AsFarAsDefined(v any) any {
	return value.Map(v, func(leaf any) any {
		got, final, err := s.templar.Value(s.ctx, s, leaf)
		switch {
		case err != nil:
			return leaf
		case final:
			return s.Marked(got)
		}
		return got
	})
}

// LooksLikeTemplate reports whether a text inside v does. Unlike constant it
// remembers nothing: results are many and pass away.
func LooksLikeTemplate(v any) bool {
	switch v := v.(type) {
	case string:
		return jinja.HasTemplate(v)
	case *value.List:
		return slices.ContainsFunc(v.Items, LooksLikeTemplate)
	case *value.Dict:
		return slices.ContainsFunc(v.Values(), LooksLikeTemplate)
	}
	return false
}

// Marked marks all texts inside v that look like templates as text that must
// not be evaluated again.
func (*Scope) Marked(v any) any {
	if !LooksLikeTemplate(v) {
		return v
	}
	return Written(v)
}

// Written marks all texts inside v, so that none is evaluated again.
func Written(v any) any {
	return value.Map(v, func(leaf any) any {
		if text, isText := leaf.(string); isText {
			return value.Unsafe(text)
		}
		return leaf
	})
}

// Origins returns every layer that gives name, the one that wins first.
func (s *Scope) Origins(name string) []Layer {
	var out []Layer
	for _, l := range s.layers {
		if _, _, ok := l.Get(name); ok {
			out = append(out, l)
		}
	}
	return out
}

// Names lists all variables, each once, sorted.
func (s *Scope) Names() []string {
	seen := map[string]bool{}
	for _, l := range s.layers {
		for _, n := range l.Names() {
			seen[n] = true
		}
	}
	out := make([]string, 0, len(seen))
	for n := range seen {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
