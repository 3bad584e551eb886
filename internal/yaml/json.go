package yaml

import (
	"bytes"

	"sunup/internal/diag"
	"sunup/internal/value"
)

// loadJSON reads a file that is JSON. Ansible tries JSON before YAML, and the
// two differ: 1e3 is a number in JSON and text in YAML 1.1, and "\/" is an
// escape. Places come from reading the same text as YAML, where that works.
func loadJSON(file string, src []byte, o Options) (*Node, diag.Problems, bool) {
	text := bytes.TrimSpace(src)
	if len(text) == 0 || len(src) > o.MaxBytes || (text[0] != '{' && text[0] != '[' && text[0] != '"') {
		return nil, nil, false
	}
	v, err := value.ParseJSON(text)
	if err != nil {
		return nil, nil, false
	}
	source := NewSource(file, src)
	at := &Node{Pos: diag.Pos{File: file, Line: 1, Col: 1}, Source: source}
	docs, problems := Parse(file, src, o)
	if len(docs) == 1 && docs[0] != nil && !problems.HasErrors() {
		at = docs[0]
	} else {
		problems = nil
	}
	return fromJSON(v, at), problems, true
}

// The keys by which Ansible's JSON marks encrypted and unsafe text.
const (
	jsonVault  = "__ansible_vault"
	jsonUnsafe = "__ansible_unsafe"
)

// fromJSON makes nodes of v, at the places of a node of the same shape as far
// as there is one.
func fromJSON(v any, at *Node) *Node {
	out := &Node{Kind: Scalar, Pos: at.Pos, Source: at.Source}
	switch v := v.(type) {
	case *value.List:
		out.Kind = Sequence
		out.Items = make([]*Node, 0, len(v.Items))
		for i, item := range v.Items {
			place := at
			if i < len(at.Items) {
				place = at.Items[i]
			}
			out.Items = append(out.Items, fromJSON(item, place))
		}
	case *value.Dict:
		if s, ok := v.At(jsonVault).(string); ok {
			out.Scalar, out.Text, out.Quoted = value.Vaulted(s), s, true
			return out
		}
		if v.Has(jsonUnsafe) {
			return fromJSON(unsafe(v.At(jsonUnsafe)), at)
		}
		out.Kind = Mapping
		out.Entries = make([]Entry, 0, v.Len())
		for i, k := range v.Keys() {
			key, val := at, at
			if i < len(at.Entries) {
				key, val = at.Entries[i].Key, at.Entries[i].Value
			}
			item, _ := v.Get(k)
			out.Entries = append(out.Entries, Entry{fromJSON(k, key), fromJSON(item, val)})
		}
	case string:
		out.Scalar, out.Text, out.Quoted = v, v, true
	case value.Unsafe:
		out.Scalar, out.Text, out.Quoted = v, string(v), true
	default:
		out.Scalar, out.Text = v, value.Str(v)
	}
	return out
}

// unsafe marks all text below v.
func unsafe(v any) any {
	switch v := v.(type) {
	case string:
		return value.Unsafe(v)
	case *value.List:
		out := &value.List{}
		for _, e := range v.Items {
			out.Append(unsafe(e))
		}
		return out
	case *value.Dict:
		out := &value.Dict{}
		for k, e := range v.All() {
			out.Set(k, unsafe(e))
		}
		return out
	}
	return v
}
