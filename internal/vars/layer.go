package vars

import (
	"sync"

	"sunup/internal/value"
)

// Level is a step of Ansible's variable precedence. The numbers are those of
// Ansible's documentation ("Understanding variable precedence").
type Level int

// The levels, lowest first.
const (
	RoleDefaults        Level = 2
	InventoryGroupVars  Level = 3
	InventoryGroupAll   Level = 4
	PlaybookGroupAll    Level = 5
	InventoryGroupFiles Level = 6
	PlaybookGroupFiles  Level = 7
	InventoryHostVars   Level = 8
	InventoryHostFiles  Level = 9
	PlaybookHostFiles   Level = 10
	HostFacts           Level = 11
	PlayVars            Level = 12
	PlayPrompt          Level = 13
	PlayVarsFiles       Level = 14
	RoleVars            Level = 15
	BlockVars           Level = 16
	TaskVars            Level = 17
	IncludeVars         Level = 18
	SetFacts            Level = 19
	RoleParams          Level = 20
	IncludeParams       Level = 21
	ExtraVars           Level = 22
	Magic               Level = 23 // what Ansible sets itself; above all others
	LoopVars            Level = 24 // item and its companions
)

// Source gives the variables of a layer. A Source may be asked by several
// goroutines at once; what it returns must not be changed.
type Source interface {
	// Get returns a variable; final means that it must not be templated.
	Get(name string) (v any, final, ok bool)
	// Names lists the variables in order.
	Names() []string
}

// Layer is one level's variables from one origin.
type Layer struct {
	Level  Level
	Origin string // where a person finds them: "group_vars/web.yml", "play vars"
	Source
}

// Fixed is a Source of variables as they were written.
type Fixed struct{ Dict *value.Dict }

// Get returns the variable as written.
func (f Fixed) Get(name string) (any, bool, bool) {
	v, ok := f.Dict.Lookup(name)
	return v, false, ok
}

// Names lists the variables in order.
func (f Fixed) Names() []string { return names(f.Dict) }

func names(d *value.Dict) []string {
	out := make([]string, 0, d.Len())
	for _, k := range d.Keys() {
		if s, ok := k.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Results is a Source of values that were computed and must not be templated
// again.
type Results struct{ Dict *value.Dict }

// Get returns the value as it is.
func (r Results) Get(name string) (any, bool, bool) {
	v, ok := r.Dict.Lookup(name)
	return v, true, ok
}

// Names lists the variables in order.
func (r Results) Names() []string { return names(r.Dict) }

// Computed is a Source of values that were computed from the author's own data:
// they hold no template and nothing from outside.
type Computed struct{ Dict *value.Dict }

// Get returns the value as it is.
func (c Computed) Get(name string) (any, bool, bool) {
	v, ok := c.Dict.Get(name)
	return v, false, ok
}

// Names lists the variables in order.
func (c Computed) Names() []string { return names(c.Dict) }

// Store holds what tasks gave a host while the run goes on. It is safe for
// use by several goroutines; a stored value is never changed, only replaced.
type Store struct {
	mu      sync.RWMutex
	dict    value.Dict
	pending map[string]bool // names whose value may still hold templates
	texts   map[string]bool // names whose value is text by decree
}

// SetText stores a text that must stay text even if it looks like data. Final
// is as for Set.
func (s *Store) SetText(name, text string, final bool) {
	s.Set(name, text, final)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	s.texts[name] = true
}

func (s *Store) isText(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.texts[name]
}

// Set stores a variable. Final is false for a value that may hold templates
// of the playbook's author.
func (s *Store) Set(name string, v any, final bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dict.Set(name, v)
	delete(s.texts, name)
	if final {
		delete(s.pending, name)
		return
	}
	if s.pending == nil {
		s.pending = map[string]bool{}
	}
	s.pending[name] = true
}

// Update sets all variables of d.
func (s *Store) Update(d *value.Dict, final bool) {
	for k, v := range d.All() {
		if name, ok := k.(string); ok {
			s.Set(name, v, final)
		}
	}
}

// Get returns a variable.
func (s *Store) Get(name string) (any, bool, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.dict.Lookup(name)
	return v, !s.pending[name], ok
}

// Names lists the variables in order.
func (s *Store) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return names(&s.dict)
}

// Snapshot returns all variables as a dict of its own.
func (s *Store) Snapshot() *value.Dict {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dict.Copy()
}

// Clear forgets everything.
func (s *Store) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dict, s.pending, s.texts = value.Dict{}, nil, nil
}

// Delete forgets one variable.
func (s *Store) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dict.Delete(name)
	delete(s.pending, name)
}
