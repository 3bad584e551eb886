package value

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
)

// MarshalJSON writes the dict with its keys in order. It never fails on data:
// what JSON has no form for (NaN, a tuple as a key, an object of another
// package, endless nesting) is written as the text that Python would print, so
// that a strange return value cannot end a run's record.
func (d *Dict) MarshalJSON() ([]byte, error) {
	if d == nil {
		return []byte("null"), nil
	}
	return marshal(d)
}

// MarshalJSON writes the items, as Dict.MarshalJSON does.
func (l *List) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("null"), nil
	}
	return marshal(l)
}

// UnmarshalJSON reads one JSON object: keys keep their order, integers are exact.
func (d *Dict) UnmarshalJSON(b []byte) error {
	v, err := ParseJSON(b)
	if err != nil {
		return fmt.Errorf("read a dict: %w", err)
	}
	switch v := v.(type) {
	case nil:
		return nil
	case *Dict:
		*d = *v
		return nil
	}
	return fmt.Errorf("read a dict: found a %s", TypeName(v))
}

// UnmarshalJSON reads one JSON array.
func (l *List) UnmarshalJSON(b []byte) error {
	v, err := ParseJSON(b)
	if err != nil {
		return fmt.Errorf("read a list: %w", err)
	}
	switch v := v.(type) {
	case nil:
		return nil
	case *List:
		*l = *v
		return nil
	}
	return fmt.Errorf("read a list: found a %s", TypeName(v))
}

// maxMarshal bounds one value: data that shares its parts can be far larger
// when written than it is in memory.
const maxMarshal = 64 << 20

func marshal(v any) ([]byte, error) {
	o := CompactJSON
	o.Max = maxMarshal
	s, err := EncodeJSON((&printing{}).value(v), o)
	if err != nil {
		return json.Marshal(map[string]string{"_error": err.Error()})
	}
	return []byte(s), nil
}

// printableDepth is where nesting is cut: deeper than any real return value,
// and shallower than what encoding/json and ParseJSON read back.
const printableDepth = 150

// printing turns what JSON cannot hold into text. It knows the containers it is
// in, so that one that holds itself ends there, as Python prints it.
type printing struct{ within []any }

// value returns v itself when it needs no change.
func (p *printing) value(v any) any {
	switch v := v.(type) {
	case nil, bool, int, *big.Int, string, Unsafe:
		return v
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return jsonFloat(v)
		}
		return v
	case Vaulted:
		return "<encrypted>"
	case Tuple:
		items, _ := p.items(v)
		return &List{Items: items}
	case *List, *Dict:
		return p.container(v)
	}
	return Str(v)
}

func (p *printing) container(v any) any {
	if len(p.within) > printableDepth || slices.Contains(p.within, v) {
		return "..."
	}
	p.within = append(p.within, v)
	defer func() { p.within = p.within[:len(p.within)-1] }()
	if d, ok := v.(*Dict); ok {
		return p.dict(d)
	}
	l := v.(*List)
	if items, changed := p.items(l.Items); changed {
		return &List{Items: items}
	}
	return l
}

func (p *printing) items(items []any) (out []any, changed bool) {
	for i, item := range items {
		w := p.value(item)
		if out == nil && !same(w, item) {
			out = append(make([]any, 0, len(items)), items[:i]...)
		}
		if out != nil {
			out = append(out, w)
		}
	}
	if out == nil {
		return items, false
	}
	return out, true
}

func (p *printing) dict(d *Dict) *Dict {
	var out *Dict
	for i, k := range d.Keys() {
		v := d.vals[i]
		key, w := printableKey(k), p.value(v)
		if out == nil && (!same(w, v) || !same(key, k)) {
			out = &Dict{}
			for j := range i {
				out.Set(d.keys[j], d.vals[j])
			}
		}
		if out != nil {
			out.Set(key, w)
		}
	}
	if out == nil {
		return d
	}
	return out
}

func printableKey(k any) any {
	switch k := k.(type) {
	case Tuple:
		return Repr(k)
	case float64:
		return jsonFloat(k)
	case string, Unsafe, nil, bool, int:
		return k
	}
	return Str(k)
}

// same reports whether value left b alone.
func same(a, b any) bool {
	switch b.(type) {
	case nil, bool, int, *big.Int, float64, string, Unsafe, *List, *Dict:
		return a == b
	}
	return false
}
