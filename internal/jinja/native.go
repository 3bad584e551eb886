package jinja

import (
	"math"
	"math/big"
	"strings"

	"sunup/internal/value"
)

// looksLikeData tells the texts that an evaluation turns into data.
func looksLikeData(s string) bool {
	return s != "" && (s[0] == '{' || s[0] == '[') || s == "True" || s == "False"
}

// literal turns text that looks like a list, a dict or a bool into one.
func literal(s string) any {
	if !looksLikeData(s) {
		return s
	}
	v, err := value.ParseLiteral(s)
	if err != nil {
		return s
	}
	return v
}

// nativeLiteral is the same for jinja2_native: any literal counts.
func nativeLiteral(s string) any {
	if s == "" || strings.TrimLeft(s, " \t") != s {
		return s
	}
	v, err := value.ParseLiteral(s)
	if err != nil || s == "true" || s == "false" || s == "null" {
		return s
	}
	if _, isText := v.(string); isText {
		// A quoted text keeps its quotes.
		return s
	}
	return v
}

// nativize turns the value of a single {{ }} into what Ansible makes of it. In
// Ansible it is printed and, if that looks like data, read again; where the
// outcome is the same, the value is copied instead.
func (rt *runtime) nativize(v any, textual bool) (any, error) {
	v = rt.clean(v)
	if rt.env.Native {
		if s, ok := v.(string); ok && !textual {
			return nativeLiteral(s), nil
		}
		return rt.nativeValue(v)
	}
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		if textual {
			return v, nil
		}
		return literal(v), nil
	case bool, *omitType:
		return v, nil
	case *Undefined:
		return "", v.strict()
	case *value.List, *value.Dict:
		return rt.nativeData(v)
	case value.Mapping:
		d, err := rt.dictOf(v)
		if err != nil {
			return nil, err
		}
		return rt.nativeData(d)
	}
	if l, ok := unrolled(v); ok {
		return rt.nativeData(l)
	}
	s, err := rt.str(v)
	if err != nil {
		return nil, err
	}
	return literal(s), nil
}

func (rt *runtime) nativeData(v any) (any, error) {
	if err := checkDefined(v); err != nil {
		return nil, err
	}
	if readable(v) {
		return rt.clone(v)
	}
	s, err := rt.str(v)
	if err != nil {
		return nil, err
	}
	return literal(s), nil
}

// readable reports whether printing v and reading it again gives v. What is
// too large to tell is said to be: copying it will find that.
func readable(v any) bool {
	left := maxWalk
	return readableParts(v, &left, 0)
}

func readableParts(v any, left *int, depth int) bool {
	if *left--; *left < 0 {
		return true
	}
	if depth > 180 {
		return false
	}
	switch v := v.(type) {
	case nil, bool, int, string, *big.Int, *omitType:
		return true
	case float64:
		return !math.IsInf(v, 0) && !math.IsNaN(v)
	case *value.List:
		return allReadable(v.Items, left, depth)
	case value.Tuple:
		return allReadable(v, left, depth)
	case *value.Dict:
		return allReadable(v.Keys(), left, depth) && allReadable(v.Values(), left, depth)
	}
	return false
}

func allReadable(items []any, left *int, depth int) bool {
	for _, e := range items {
		if !readableParts(e, left, depth+1) {
			return false
		}
	}
	return true
}

// nativeValue keeps the type of the value, as jinja2_native does.
func (rt *runtime) nativeValue(v any) (any, error) {
	if err := checkDefined(v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case value.Mapping:
		return rt.dictOf(v)
	}
	if l, ok := unrolled(v); ok {
		return l, nil
	}
	return rt.clone(v)
}

// dictOf reads a lazy mapping completely.
func (rt *runtime) dictOf(m value.Mapping) (*value.Dict, error) {
	keys, err := m.Keys()
	if err != nil {
		return nil, err
	}
	d := &value.Dict{}
	for _, k := range keys {
		if err := rt.step(); err != nil {
			return nil, err
		}
		v, ok, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		if ok {
			d.Set(k, v)
		}
	}
	return d, nil
}
