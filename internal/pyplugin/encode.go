package pyplugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"sunup/internal/jinja"
	"sunup/internal/value"
)

// maxDepth bounds how deeply values that go to a plugin may be nested.
const maxDepth = 200

// encode writes a value for the bridge. JSON has no tuples, no keys but texts
// and no marks: an object of one entry, named after its kind, stands for them.
func encode(b *bytes.Buffer, v any, depth int) error {
	if depth > maxDepth {
		return errors.New("a value for the plugin is nested too deeply")
	}
	if b.Len() > maxMessage {
		return errors.New("the values for the plugin are too large")
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int:
		b.WriteString(strconv.Itoa(v))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(floatText(v))
	case string:
		encodeText(b, v)
	case value.Unsafe:
		b.WriteString(`{"u":`)
		encodeText(b, string(v))
		b.WriteByte('}')
	case value.Tuple:
		b.WriteString(`{"t":`)
		if err := encodeItems(b, v, depth); err != nil {
			return err
		}
		b.WriteByte('}')
	case *value.List:
		return encodeItems(b, v.Items, depth)
	case *value.Dict:
		return encodeDict(b, v, depth)
	case *jinja.Undefined:
		b.WriteString(`{"x":{"name":`)
		encodeText(b, v.Name)
		b.WriteString(`,"hint":`)
		encodeText(b, v.Message())
		b.WriteString("}}")
	default:
		return encodeOther(b, v, depth)
	}
	return nil
}

// encodeOther writes values that packages above add: lazy mappings are gone
// through, anything else is its text.
func encodeOther(b *bytes.Buffer, v any, depth int) error {
	m, ok := v.(value.Mapping)
	if !ok {
		encodeText(b, value.Str(v))
		return nil
	}
	keys, err := m.Keys()
	if err != nil {
		return err
	}
	d := value.DictFor(len(keys))
	for _, k := range keys {
		item, _, err := m.Get(k)
		if err != nil {
			return err
		}
		d.Set(k, item)
	}
	return encodeDict(b, d, depth)
}

func encodeText(b *bytes.Buffer, s string) {
	text, _ := json.Marshal(s)
	b.Write(text)
}

func encodeItems(b *bytes.Buffer, items []any, depth int) error {
	b.WriteByte('[')
	for i, it := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(b, it, depth+1); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func encodeDict(b *bytes.Buffer, d *value.Dict, depth int) error {
	b.WriteString(`{"d":[`)
	first := true
	for k, v := range d.All() {
		if !first {
			b.WriteByte(',')
		}
		first = false
		if err := encodeItems(b, []any{k, v}, depth+1); err != nil {
			return err
		}
	}
	b.WriteString("]}")
	return nil
}

// floatText is a float as Python's json reads it.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if !bytes.ContainsAny([]byte(text), ".e") {
		text += ".0"
	}
	return text
}

// decode makes a value of what the bridge answered. unsafe says that a text in
// it must not be templated.
func decode(v any) (out any, unsafe bool, err error) {
	d := &decoder{}
	out, err = d.value(v, 0)
	return out, d.unsafe, err
}

type decoder struct{ unsafe bool }

func (d *decoder) value(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("the plugin's answer is nested too deeply")
	}
	switch v := v.(type) {
	case nil, bool, string:
		return v, nil
	case json.Number:
		n, ok := new(big.Int).SetString(string(v), 10)
		if !ok {
			return nil, fmt.Errorf("the plugin's answer has an odd number %s", v)
		}
		return value.Int(n), nil
	case []any:
		items, err := d.items(v, depth)
		return value.NewList(items...), err
	case map[string]any:
		return d.kind(v, depth)
	}
	return nil, fmt.Errorf("the plugin's answer has an odd part %T", v)
}

func (d *decoder) items(from []any, depth int) ([]any, error) {
	out := make([]any, len(from))
	for i, it := range from {
		var err error
		if out[i], err = d.value(it, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *decoder) kind(v map[string]any, depth int) (any, error) {
	for kind, x := range v {
		switch x := x.(type) {
		case string:
			if kind == "u" {
				d.unsafe = true
				return x, nil
			}
			if f, err := strconv.ParseFloat(x, 64); kind == "f" && err == nil {
				return f, nil
			}
		case []any:
			if kind == "t" {
				items, err := d.items(x, depth)
				return value.Tuple(items), err
			}
			if kind == "d" {
				return d.dict(x, depth)
			}
		case map[string]any:
			if kind == "x" {
				name, _ := x["name"].(string)
				hint, _ := x["hint"].(string)
				return &jinja.Undefined{Name: name, Hint: hint}, nil
			}
		}
	}
	return nil, errors.New("the plugin's answer has a part of no known kind")
}

func (d *decoder) dict(pairs []any, depth int) (any, error) {
	out := value.DictFor(len(pairs))
	for _, pair := range pairs {
		kv, ok := pair.([]any)
		if !ok || len(kv) != 2 {
			return nil, errors.New("the plugin's answer has an odd dict")
		}
		both, err := d.items(kv, depth)
		if err != nil {
			return nil, err
		}
		if !value.Hashable(both[0]) {
			return nil, errors.New("the plugin's answer has a dict with a key that can be none")
		}
		out.Set(both[0], both[1])
	}
	return out, nil
}
