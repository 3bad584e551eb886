// Package yaml reads YAML as Ansible does: PyYAML's YAML 1.1 scalars (yes, on,
// 0o17, 1:30), merge keys, !vault and !unsafe, with the place of every node.
package yaml

import (
	"sunup/internal/diag"
	"sunup/internal/value"
)

// Kind is what a node is.
type Kind int

// The kinds of nodes.
const (
	Scalar Kind = iota
	Sequence
	Mapping
)

// Node is one value of a document, with its place. It is never changed after
// it was read.
type Node struct {
	Kind Kind
	Pos  diag.Pos
	// Scalar is the value of a scalar node: nil, bool, int, *big.Int, float64,
	// string, value.Unsafe, value.Vaulted.
	Scalar any
	// Text is a scalar as it was written, without quotes.
	Text string
	// Quoted is true for a quoted or block scalar: it is text whatever it looks like.
	Quoted bool
	// Items are the entries of a sequence.
	Items []*Node
	// Entries are the entries of a mapping in order, merge keys resolved.
	Entries []Entry
	// Source gives the text of a line of the file, for problems.
	Source *Source
}

// Entry is one key with its value.
type Entry struct{ Key, Value *Node }

// Source is the text of a file.
type Source struct {
	File  string
	Lines []string
}

// Problem makes an error-severity problem at this node, with its source line.
func (n *Node) Problem(id string) diag.Problem {
	p := diag.Problem{Severity: diag.Error, ID: id, Pos: n.Pos}
	if n.Source != nil && n.Pos.Line >= 1 && n.Pos.Line <= len(n.Source.Lines) {
		p.Source = n.Source.Lines[n.Pos.Line-1]
	}
	return p
}

// Get returns the value of a string key of a mapping, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for _, e := range n.Entries {
		if s, ok := e.Key.Scalar.(string); ok && s == key {
			return e.Value
		}
	}
	return nil
}

// Value returns the plain data below the node (see package value). The result
// is fresh at each call.
func (n *Node) Value() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Sequence:
		l := &value.List{Items: make([]any, len(n.Items))}
		for i, item := range n.Items {
			l.Items[i] = item.Value()
		}
		return l
	case Mapping:
		d := value.DictFor(len(n.Entries))
		for _, e := range n.Entries {
			d.Set(e.Key.Value(), e.Value.Value())
		}
		return d
	}
	return n.Scalar
}
