package value

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
)

// Unsafe is text that came from outside (a host, a lookup, a !unsafe tag) and
// must be used as it is, even when it looks like a template.
type Unsafe string

// Tuple is a Python tuple.
type Tuple []any

// List is a Python list. It is shared by reference: appending to it is seen by
// every holder.
type List struct{ Items []any }

// NewList returns a list holding items.
func NewList(items ...any) *List { return &List{Items: items} }

// Strings returns a list of the given strings.
func Strings(items []string) *List {
	l := &List{Items: make([]any, len(items))}
	for i, s := range items {
		l.Items[i] = s
	}
	return l
}

// Len returns the number of items; a nil list is empty.
func (l *List) Len() int {
	if l == nil {
		return 0
	}
	return len(l.Items)
}

// Append adds items at the end.
func (l *List) Append(items ...any) { l.Items = append(l.Items, items...) }

// Dict is a Python dict: ordered by insertion, shared by reference. The zero
// value is an empty dict ready to use. It is not safe for concurrent change.
type Dict struct {
	keys  []any
	vals  []any
	index map[any]int // nil while the dict is small: a scan is faster
}

// scanLimit is the size up to which a linear scan of the keys beats a map.
const scanLimit = 8

// firstSize is how many entries a dict has room for when its first one is set:
// most dicts of a run are results and arguments of a handful.
const firstSize = 4

// DictFor returns an empty dict with room for n entries.
func DictFor(n int) *Dict {
	d := &Dict{keys: make([]any, 0, n), vals: make([]any, 0, n)}
	if n > scanLimit {
		d.index = make(map[any]int, n)
	}
	return d
}

// NewDict returns a dict of the given alternating keys and values.
func NewDict(pairs ...any) *Dict {
	if len(pairs) == 0 {
		return &Dict{}
	}
	d := DictFor(len(pairs) / 2)
	for i := 0; i+1 < len(pairs); i += 2 {
		d.Set(pairs[i], pairs[i+1])
	}
	return d
}

// FromMap returns a dict of m with its keys sorted.
func FromMap[V any](m map[string]V) *Dict {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	d := &Dict{}
	for _, k := range keys {
		d.Set(k, any(m[k]))
	}
	return d
}

// hashKey maps keys that Python finds equal (1, 1.0, True) to one Go key.
func hashKey(k any) any {
	switch k := k.(type) {
	case string, int, nil:
		return k
	case Unsafe:
		return string(k)
	case bool:
		if k {
			return 1
		}
		return 0
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<53 {
			return int(k)
		}
		return k
	case *big.Int:
		return bigKey(k.String())
	case Tuple:
		return tupleKey(hashText(k))
	}
	return k
}

// bigKey and tupleKey are types of their own so that no text can collide with
// them.
type (
	bigKey   string
	tupleKey string
)

func hashText(t Tuple) string {
	var b strings.Builder
	for _, e := range t {
		h := hashKey(e)
		fmt.Fprintf(&b, "%T\x00%d\x00%v", h, len(fmt.Sprint(h)), h)
	}
	return b.String()
}

// Hashable reports whether k can be a dict key, as Python has it.
func Hashable(k any) bool {
	switch k := k.(type) {
	case nil, string, int:
		return true
	case *List, *Dict, Mapping:
		return false
	case Tuple:
		for _, e := range k {
			if !Hashable(e) {
				return false
			}
		}
		return true
	}
	return comparable(k)
}

func (d *Dict) find(k any) int {
	if d == nil {
		return -1
	}
	if d.index != nil {
		if i, ok := d.index[hashKey(k)]; ok {
			return i
		}
		return -1
	}
	if s, ok := k.(string); ok {
		return d.findText(s)
	}
	h := hashKey(k)
	for i, have := range d.keys {
		if hashKey(have) == h {
			return i
		}
	}
	return -1
}

// findText is find for a text, without making an interface of it.
func (d *Dict) findText(s string) int {
	if d == nil {
		return -1
	}
	if d.index != nil {
		if i, ok := d.index[s]; ok {
			return i
		}
		return -1
	}
	for i, have := range d.keys {
		if h, ok := have.(string); ok && h == s {
			return i
		}
	}
	return -1
}

// Find returns the place of a text among the keys, or -1.
func (d *Dict) Find(k string) int { return d.findText(k) }

// Near is Lookup at one place among the keys only: dicts of one list mostly
// have the same keys in the same order, so that who looks into many of them
// may guess.
func (d *Dict) Near(k string, at int) (any, bool) {
	if d != nil && at < len(d.keys) && keyIs(d.keys[at], k) {
		return d.vals[at], true
	}
	return nil, false
}

// Len returns the number of entries; a nil dict is empty.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	return len(d.keys)
}

// Get returns the value of key k.
func (d *Dict) Get(k any) (any, bool) {
	if i := d.find(k); i >= 0 {
		return d.vals[i], true
	}
	return nil, false
}

// Lookup is Get for a text, which costs no memory.
func (d *Dict) Lookup(k string) (any, bool) {
	if i := d.findText(k); i >= 0 {
		return d.vals[i], true
	}
	return nil, false
}

// At returns the value of a string key, or nil.
func (d *Dict) At(k string) any {
	v, _ := d.Lookup(k)
	return v
}

// Has reports whether key k is present.
func (d *Dict) Has(k any) bool { return d.find(k) >= 0 }

// Set stores v under k; a key that is there keeps its place.
func (d *Dict) Set(k, v any) {
	if i := d.find(k); i >= 0 {
		d.vals[i] = v
		return
	}
	if d.keys == nil {
		d.keys, d.vals = make([]any, 0, firstSize), make([]any, 0, firstSize)
	}
	d.keys = append(d.keys, k)
	d.vals = append(d.vals, v)
	if d.index != nil {
		d.index[hashKey(k)] = len(d.keys) - 1
	} else if len(d.keys) > scanLimit {
		d.reindex()
	}
}

func (d *Dict) reindex() {
	d.index = nil
	if len(d.keys) > scanLimit {
		d.index = make(map[any]int, len(d.keys)*2)
		for i, k := range d.keys {
			d.index[hashKey(k)] = i
		}
	}
}

// Delete removes key k and returns what it held.
func (d *Dict) Delete(k any) (any, bool) {
	i := d.find(k)
	if i < 0 {
		return nil, false
	}
	v := d.vals[i]
	d.keys = append(d.keys[:i:i], d.keys[i+1:]...)
	d.vals = append(d.vals[:i:i], d.vals[i+1:]...)
	d.reindex()
	return v, true
}

// Keys returns the keys in order; the caller must not change the slice.
func (d *Dict) Keys() []any {
	if d == nil {
		return nil
	}
	return d.keys
}

// Values returns the values in the order of the keys; the caller must not
// change the slice.
func (d *Dict) Values() []any {
	if d == nil {
		return nil
	}
	return d.vals
}

// All iterates over the entries in order.
func (d *Dict) All() func(yield func(k, v any) bool) {
	return func(yield func(k, v any) bool) {
		if d == nil {
			return
		}
		for i := 0; i < len(d.keys); i++ {
			if !yield(d.keys[i], d.vals[i]) {
				return
			}
		}
	}
}

// Update sets every entry of from, as dict.update does.
func (d *Dict) Update(from *Dict) {
	for k, v := range from.All() {
		d.Set(k, v)
	}
}

// Copy returns a dict with the same keys and the same (shared) values.
func (d *Dict) Copy() *Dict {
	if d == nil {
		return &Dict{}
	}
	out := &Dict{keys: append([]any(nil), d.keys...), vals: append([]any(nil), d.vals...)}
	out.reindex()
	return out
}

// Clone returns a deep copy of v. Deeper than Python would go, it shares.
func Clone(v any) any { return clone(v, 0) }

func clone(v any, depth int) any {
	if depth > maxDepth {
		return v
	}
	switch v := v.(type) {
	case *List:
		return &List{Items: cloneItems(v.Items, depth)}
	case *Dict:
		out := v.Copy()
		for i, e := range out.vals {
			out.vals[i] = clone(e, depth+1)
		}
		return out
	case Tuple:
		return Tuple(cloneItems(v, depth))
	}
	return v
}

func cloneItems(items []any, depth int) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = clone(e, depth+1)
	}
	return out
}

// Vaulted is text encrypted with Ansible Vault (YAML !vault), the header line
// included. It is decrypted when it is used, not when it is read.
type Vaulted string

func keyIs(key any, k string) bool {
	h, ok := key.(string)
	return ok && h == k
}
