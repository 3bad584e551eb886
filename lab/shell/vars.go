package shell

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// variable is the value of a shell variable. It is replaced, never changed, so
// that subshells can share it.
type variable struct {
	text             string
	set              bool
	exported, locked bool
	list             []string
	dict             map[string]string
	isList, isDict   bool
}

// get returns a variable's text and whether it is set.
func (s *Shell) get(name string) (string, bool) {
	v, ok := s.vars[name]
	if !ok {
		return "", false
	}
	if v.isList {
		if len(v.list) == 0 {
			return "", false
		}
		return v.list[0], true
	}
	if v.isDict {
		t, ok := v.dict["0"]
		return t, ok
	}
	return v.text, v.set
}

// set assigns a variable.
func (s *Shell) set(name, text string) error {
	v := s.vars[name]
	if v.locked {
		return &expandError{name + ": is read only"}
	}
	if v.isList {
		return s.setElement(name, "0", text)
	}
	v.text, v.set = text, true
	if s.opt['a'] {
		v.exported = true
	}
	s.vars[name] = v
	switch name {
	case "PATH":
		clear(s.hashed)
	case "OPTIND":
		s.optPos = 0
	}
	return nil
}

func (s *Shell) unsetVar(name string) error {
	if s.vars[name].locked {
		return &expandError{name + ": is read only"}
	}
	delete(s.vars, name)
	return nil
}

func (s *Shell) export(name string) {
	v := s.vars[name]
	v.exported = true
	s.vars[name] = v
}

func (s *Shell) names() []string { return slices.Sorted(maps.Keys(s.vars)) }

// environ lists the exported variables.
func (s *Shell) environ() []string {
	var out []string
	for name, v := range s.vars {
		if v.exported && v.set && !v.isList && !v.isDict {
			out = append(out, name+"="+v.text)
		}
	}
	sort.Strings(out)
	return out
}

// array gives the values of an array variable.
func (s *Shell) array(name string) []string {
	v := s.vars[name]
	switch {
	case v.isList:
		return v.list
	case v.isDict:
		var out []string
		for _, k := range slices.Sorted(maps.Keys(v.dict)) {
			out = append(out, v.dict[k])
		}
		return out
	case v.set:
		return []string{v.text}
	}
	return nil
}

func (s *Shell) keys(name string) []string {
	v := s.vars[name]
	if v.isDict {
		return slices.Sorted(maps.Keys(v.dict))
	}
	var out []string
	for i := range s.array(name) {
		out = append(out, strconv.Itoa(i))
	}
	return out
}

// key gives the key of an array's element as text.
func (s *Shell) key(name string, index syntax.ArithmExpr) (string, error) {
	if s.vars[name].isDict {
		if w, ok := index.(*syntax.Word); ok {
			return s.wordString(w)
		}
	}
	n, err := s.arith(index)
	if err != nil {
		return "", err
	}
	if n < 0 {
		n += int64(len(s.array(name)))
	}
	return strconv.FormatInt(n, 10), nil
}

func (s *Shell) element(name string, index syntax.ArithmExpr) (string, bool, error) {
	key, err := s.key(name, index)
	if err != nil {
		return "", false, err
	}
	v := s.vars[name]
	if v.isDict {
		t, ok := v.dict[key]
		return t, ok, nil
	}
	n, _ := strconv.Atoi(key)
	values := s.array(name)
	if n < 0 || n >= len(values) {
		return "", false, nil
	}
	return values[n], true, nil
}

// maxArray bounds an array.
const maxArray = 1 << 20

func (s *Shell) setElement(name, key, text string) error {
	v := s.vars[name]
	if v.locked {
		return &expandError{name + ": is read only"}
	}
	if v.isDict {
		v.dict = maps.Clone(v.dict)
		v.dict[key] = text
		s.vars[name] = v
		return nil
	}
	n, err := strconv.Atoi(key)
	if err != nil || n < 0 || n > maxArray {
		return &expandError{name + "[" + key + "]: bad array subscript"}
	}
	list := slices.Clone(s.array(name))
	for len(list) <= n {
		list = append(list, "")
	}
	list[n] = text
	v.list, v.isList, v.set = list, true, true
	s.vars[name] = v
	return nil
}

// assign carries out one assignment word.
func (s *Shell) assign(a *syntax.Assign) error {
	name := a.Name.Value
	if a.Array != nil {
		return s.assignArray(a)
	}
	text, err := s.assignValue(a.Value)
	if err != nil {
		return err
	}
	if a.Index != nil {
		key, err := s.key(name, a.Index)
		if err != nil {
			return err
		}
		if a.Append {
			old, _, _ := s.element(name, a.Index)
			text = old + text
		}
		return s.setElement(name, key, text)
	}
	if a.Append {
		old, _ := s.get(name)
		text = old + text
	}
	return s.set(name, text)
}

// assignValue expands the value of an assignment, with tildes after colons.
func (s *Shell) assignValue(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	text, err := s.wordString(w)
	if err != nil || len(w.Parts) != 1 {
		return text, err
	}
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok || !strings.Contains(lit.Value, ":~") {
		return text, nil
	}
	parts := strings.Split(text, ":")
	for i, p := range parts {
		if name, rest, slash := strings.Cut(p, "/"); strings.HasPrefix(name, "~") {
			if home, ok := s.home(name[1:]); ok {
				parts[i] = home
				if slash {
					parts[i] += "/" + rest
				}
			}
		}
	}
	return strings.Join(parts, ":"), nil
}

func (s *Shell) assignArray(a *syntax.Assign) error {
	name := a.Name.Value
	v := s.vars[name]
	if v.locked {
		return &expandError{name + ": is read only"}
	}
	if v.isDict {
		dict := map[string]string{}
		if a.Append {
			dict = maps.Clone(v.dict)
		}
		for _, e := range a.Array.Elems {
			key, err := s.key(name, e.Index)
			if err != nil {
				return err
			}
			if dict[key], err = s.wordString(e.Value); err != nil {
				return err
			}
		}
		v.dict = dict
		s.vars[name] = v
		return nil
	}
	var list []string
	if a.Append {
		list = slices.Clone(s.array(name))
	}
	for _, e := range a.Array.Elems {
		if e.Index != nil {
			n, err := s.arith(e.Index)
			if err != nil || n < 0 || n > maxArray {
				return &expandError{name + ": bad array subscript"}
			}
			for int64(len(list)) <= n {
				list = append(list, "")
			}
			if list[n], err = s.wordString(e.Value); err != nil {
				return err
			}
			continue
		}
		f, err := s.fields(e.Value)
		if err != nil {
			return err
		}
		list = append(list, f...)
	}
	v.list, v.isList, v.set, v.text = list, true, true, ""
	s.vars[name] = v
	return nil
}

// dynamic gives bash's variables that change by themselves.
func (s *Shell) dynamic(name string) (string, bool) {
	switch name {
	case "RANDOM":
		return strconv.Itoa(rand.IntN(32768)), true
	case "SECONDS":
		return strconv.Itoa(int(s.p.M.Now().Sub(s.p.Started).Seconds())), true
	case "UID", "EUID":
		return strconv.Itoa(s.p.Cred.UID), true
	case "BASHPID":
		return strconv.Itoa(s.p.PID), true
	case "HOSTNAME":
		return s.p.M.Hostname(), true
	}
	return "", false
}

// flags is the value of $-.
func (s *Shell) flags() string {
	var out []byte
	for _, f := range "aefmnuvxCi" {
		if s.opt[byte(f)] {
			out = append(out, byte(f))
		}
	}
	return string(out)
}
