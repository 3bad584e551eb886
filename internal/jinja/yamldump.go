package jinja

import (
	"math/big"

	"sunup/internal/value"
	"sunup/internal/yaml"
)

func filterToYAML(nice bool) Func {
	return func(c *Call) (any, error) {
		if err := checkDefined(c.Value); err != nil {
			return nil, err
		}
		o := yaml.DumpOptions{AllowUnicode: true, SortKeys: true, Flow: yaml.Leaves}
		if nice {
			o.Flow = yaml.Block
		}
		indent, flow := any(nil), any(nil)
		if nice {
			indent = c.arg(0, 4)
		} else {
			flow = c.arg(0, nil)
		}
		for i, n := range c.kwNames {
			v := c.kwVals[i]
			switch n {
			case "indent":
				indent = v
			case "default_flow_style":
				flow = v
			case "width":
				w, ok := value.AsFloat(v)
				if !ok {
					return nil, FilterError("%s - width must be a number", c.Name)
				}
				o.Width = int(min(w, 1<<40))
			case "sort_keys":
				o.SortKeys = value.Truth(v)
			case "explicit_start":
				o.ExplicitStart = value.Truth(v)
			case "explicit_end":
				o.ExplicitEnd = value.Truth(v)
			case "allow_unicode", "encoding", "line_break", "canonical", "version", "tags":
			default:
				return nil, FilterError("%s - the argument '%s' is not supported", c.Name, n)
			}
		}
		o.Indent, _ = value.AsInt(indent)
		if flow != nil {
			o.Flow = yaml.Block
			if value.Truth(flow) {
				o.Flow = yaml.InLine
			}
		}
		plain, err := plainData(c.Value, map[any]any{}, 0)
		if err != nil {
			return nil, err
		}
		s, err := yaml.DumpWithin(plain, o, c.rt.bytes)
		if err != nil {
			return nil, FilterError("%s - %s", c.Name, Message(err))
		}
		return c.result(s)
	}
}

// maxDataDepth bounds the nesting of what is written as YAML.
const maxDataDepth = 500

// plainData makes values of this package (lazy mappings, groups) into lists and
// dicts; an undefined value inside is an error. What is shared stays shared, so
// that it becomes an anchor.
func plainData(v any, done map[any]any, depth int) (any, error) {
	if depth > maxDataDepth {
		return nil, problem(KindLimit, "the data is nested too deeply")
	}
	switch x := v.(type) {
	case *Undefined:
		return nil, x.err()
	case *value.List:
		return plainList(v, x.Items, done, depth)
	case value.Tuple:
		l, err := plainList(nil, x, done, depth)
		if err != nil {
			return nil, err
		}
		return value.Tuple(l.(*value.List).Items), nil
	case *groupTuple:
		l, err := plainList(nil, []any{x.key, x.items}, done, depth)
		if err != nil {
			return nil, err
		}
		return value.Tuple(l.(*value.List).Items), nil
	case *value.Dict:
		return plainDict(x, done, depth)
	case value.Mapping:
		d, err := asDict(x)
		if err != nil {
			return nil, err
		}
		return plainDict(d, done, depth)
	case nil, bool, int, *big.Int, float64, string, value.Unsafe, value.Vaulted:
		return v, nil
	case *dateTime:
		return x.iso(" "), nil
	case *omitType:
		return omitText, nil
	}
	return nil, typeError("('cannot represent an object', %s)", value.Repr(v))
}

// plainList converts a list; a list that is met again is the same again.
func plainList(from any, items []any, done map[any]any, depth int) (any, error) {
	if have, ok := done[from]; ok && from != nil {
		return have, nil
	}
	out := &value.List{Items: make([]any, len(items))}
	if from != nil {
		done[from] = out
	}
	for i, item := range items {
		v, err := plainData(item, done, depth+1)
		if err != nil {
			return nil, err
		}
		out.Items[i] = v
	}
	return out, nil
}

func plainDict(from *value.Dict, done map[any]any, depth int) (any, error) {
	if have, ok := done[from]; ok {
		return have, nil
	}
	out := &value.Dict{}
	done[from] = out
	for k, item := range from.All() {
		v, err := plainData(item, done, depth+1)
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

func asDict(m value.Mapping) (*value.Dict, error) {
	keys, err := m.Keys()
	if err != nil {
		return nil, err
	}
	d := &value.Dict{}
	for _, k := range keys {
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		d.Set(k, v)
	}
	return d, nil
}
