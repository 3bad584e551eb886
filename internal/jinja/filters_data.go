package jinja

import (
	"strings"

	"sunup/internal/value"
)

var dataFilters = []entry{
	{"combine", "*terms **kwargs", filterCombine},
	{"extract", "container morekeys", filterExtract},
	{"flatten", "levels skip_nulls", filterFlatten},
	{"dict2items", "key_name value_name", filterDict2Items},
	{"items2dict", "key_name value_name", filterItems2Dict},
	{"subelements", "subelements skip_missing", filterSubelements},
	{"rekey_on_member", "key duplicates", filterRekey},
}

// isSequence is Ansible's is_sequence: a list or a tuple.
func isSequence(v any) ([]any, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Items, true
	case value.Tuple:
		return v, true
	case value.Sequenced:
		l, ok := unrolled(v)
		if !ok {
			return nil, false
		}
		return l.Items, true
	}
	return nil, false
}

func (rt *runtime) flatten(items []any, levels int, skipNulls bool, depth int) ([]any, error) {
	if depth > 500 {
		return nil, problem(KindLimit, "the list is nested too deeply")
	}
	if err := rt.stepN(len(items) + 1); err != nil {
		return nil, err
	}
	var out []any
	for _, v := range items {
		v = rt.clean(v)
		if skipNulls {
			if v == nil {
				continue
			}
			if s, ok := v.(string); ok && (s == "None" || s == "null") {
				continue
			}
			if u, ok := v.(*Undefined); ok {
				return nil, u.err()
			}
		}
		inner, ok := isSequence(v)
		if !ok || levels == 0 {
			out = append(out, v)
			continue
		}
		flat, err := rt.flatten(inner, levels-1, skipNulls, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, flat...)
	}
	return out, rt.grow(16 * len(out))
}

func filterFlatten(c *Call) (any, error) {
	items, err := c.items()
	if err != nil {
		return nil, err
	}
	levels := -1
	if c.has(0) && c.Args[0] != nil {
		if levels, err = c.int(0, -1); err != nil {
			return nil, err
		}
		levels = max(levels, 0)
	}
	skip, err := c.bool(1, true)
	if err != nil {
		return nil, err
	}
	out, err := c.rt.flatten(items, levels, skip, 0)
	return list(out), err
}

func filterCombine(c *Call) (any, error) {
	recursive, how := false, "replace"
	for i, n := range c.kwNames {
		switch n {
		case "recursive":
			ok, err := truth(c.kwVals[i])
			if err != nil {
				return nil, err
			}
			recursive = ok
		case "list_merge":
			how = value.Str(c.kwVals[i])
		default:
			return nil, FilterError("'recursive' and 'list_merge' are the only valid keyword arguments")
		}
	}
	terms, err := c.rt.flatten(append([]any{c.Value}, c.Args...), 1, true, 0)
	if err != nil {
		return nil, err
	}
	if len(terms) == 0 {
		return &value.Dict{}, nil
	}
	if err := checkDefined(list(terms)); err != nil {
		return nil, err
	}
	switch how {
	case "replace", "keep", "append", "prepend", "append_rp", "prepend_rp":
	default:
		return nil, FilterError("merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'")
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	result := terms[len(terms)-1]
	for i := len(terms) - 2; i >= 0; i-- {
		low, ok1 := terms[i].(*value.Dict)
		high, ok2 := result.(*value.Dict)
		if !ok1 || !ok2 {
			return nil, FilterError("failed to combine variables, expected dicts but got a '%s' and a '%s': \n%s\n%s",
				value.TypeName(terms[i]), value.TypeName(result), value.Repr(terms[i]), value.Repr(result))
		}
		if result, err = c.rt.merge(low, high, recursive, how, 0); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// merge puts high over low; neither is changed.
func (rt *runtime) merge(low, high *value.Dict, recursive bool, how string, depth int) (*value.Dict, error) {
	if low.Len() == 0 || low == high {
		return high, nil
	}
	if depth > 500 {
		return nil, problem(KindLimit, "the data is nested too deeply")
	}
	if err := rt.copying(low.Len()+high.Len(), depth); err != nil {
		return nil, err
	}
	out := low.Copy()
	if how == "replace" && !recursive {
		out.Update(high)
		return out, nil
	}
	for k, v := range high.All() {
		have, ok := out.Get(k)
		if !ok {
			out.Set(k, v)
			continue
		}
		merged, err := rt.mergeValue(have, v, recursive, how, depth)
		if err != nil {
			return nil, err
		}
		out.Set(k, merged)
	}
	return out, nil
}

func (rt *runtime) mergeValue(low, high any, recursive bool, how string, depth int) (any, error) {
	x, ok1 := low.(*value.Dict)
	y, ok2 := high.(*value.Dict)
	if ok1 && ok2 {
		if !recursive {
			return high, nil
		}
		return rt.merge(x, y, recursive, how, depth+1)
	}
	a, ok1 := low.(*value.List)
	b, ok2 := high.(*value.List)
	if !ok1 || !ok2 {
		return high, nil
	}
	switch how {
	case "keep":
		return a, nil
	case "append":
		items, err := rt.joined(a.Items, b.Items)
		return list(items), err
	case "prepend":
		items, err := rt.joined(b.Items, a.Items)
		return list(items), err
	case "append_rp":
		rest, err := rt.without(a.Items, b.Items)
		if err != nil {
			return nil, err
		}
		return list(append(rest, b.Items...)), nil
	case "prepend_rp":
		rest, err := rt.without(a.Items, b.Items)
		if err != nil {
			return nil, err
		}
		return list(append(append([]any(nil), b.Items...), rest...)), nil
	}
	return high, nil
}

// without returns the items that are not among others.
func (rt *runtime) without(items, others []any) ([]any, error) {
	var out []any
	for _, v := range items {
		in, err := rt.among(v, others)
		if err != nil {
			return nil, err
		}
		if !in {
			out = append(out, v)
		}
	}
	return out, nil
}

func filterExtract(c *Call) (any, error) {
	if len(c.Args) > 0 {
		if u, undefined := c.Args[0].(*Undefined); undefined {
			return u, nil // nothing of nothing: default still helps
		}
	}
	container, err := c.need(0, "container")
	if err != nil {
		return nil, err
	}
	v, err := c.rt.getItem(container, c.Value)
	if err != nil {
		return nil, err
	}
	more := c.arg(1, nil)
	if more == nil {
		return v, nil
	}
	keys := []any{more}
	if l, ok := more.(*value.List); ok {
		keys = l.Items
	}
	for _, k := range keys {
		if v, err = c.rt.getItem(v, k); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func filterDict2Items(c *Call) (any, error) {
	key, val := c.arg(0, "key"), c.arg(1, "value")
	if err := keyNames(c, key, val); err != nil {
		return nil, err
	}
	var d *value.Dict
	var err error
	switch v := c.Value.(type) {
	case *value.Dict:
		d = v
	case value.Mapping:
		if d, err = c.rt.dictOf(v); err != nil {
			return nil, err
		}
	default:
		return nil, FilterError("dict2items requires a dictionary, got <class '%s'> instead.", value.TypeName(c.Value))
	}
	if err := c.rt.copying(4*d.Len(), 0); err != nil {
		return nil, err
	}
	out := make([]any, 0, d.Len())
	for k, v := range d.All() {
		out = append(out, value.NewDict(key, k, val, v))
	}
	return list(out), nil
}

// keyNames checks the value and the names of keys of dict2items and items2dict.
func keyNames(c *Call, names ...any) error {
	for _, n := range append(names, c.Value) {
		if err := Defined(n); err != nil {
			return err
		}
	}
	for _, n := range names {
		if err := hashable(n); err != nil {
			return err
		}
	}
	return nil
}

// itemOf is v[key] for a dict, or for a list and a place in it.
func itemOf(v, key any) (any, bool) {
	if d, ok := v.(*value.Dict); ok {
		return d.Get(key)
	}
	items, ok := isSequence(v)
	i, isInt := value.AsInt(key)
	if !ok || !isInt || i < -len(items) || i >= len(items) {
		return nil, false
	}
	if i < 0 {
		i += len(items)
	}
	return items[i], true
}

func filterItems2Dict(c *Call) (any, error) {
	key, val := c.arg(0, "key"), c.arg(1, "value")
	if err := keyNames(c, key, val); err != nil {
		return nil, err
	}
	items, ok := isSequence(c.Value)
	if !ok {
		return nil, FilterError("items2dict requires a list, got <class '%s'> instead.", value.TypeName(c.Value))
	}
	out := &value.Dict{}
	for _, e := range items {
		k, ok1 := itemOf(e, key)
		v, ok2 := itemOf(e, val)
		if _, isDict := e.(*value.Dict); !isDict && (!ok1 || !ok2) {
			return nil, FilterError("items2dict requires a list of dictionaries, got %s instead.", value.Repr(c.Value))
		}
		if !ok1 || !ok2 {
			return nil, FilterError("items2dict requires each dictionary in the list to contain the keys '%s' and '%s', got %s instead.",
				value.Str(key), value.Str(val), value.Repr(c.Value))
		}
		if err := hashable(k); err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, c.rt.copying(2*len(items), 0)
}

func filterSubelements(c *Call) (any, error) {
	if err := Defined(c.Value); err != nil {
		return nil, err
	}
	var elements []any
	switch v := c.Value.(type) {
	case *value.Dict:
		elements = v.Values()
	case *value.List:
		elements = v.Items
	default:
		return nil, FilterError("obj must be a list of dicts or a nested dict")
	}
	var path []any
	switch v := c.arg(0, nil).(type) {
	case *value.List:
		path = v.Items
	case string:
		for p := range strings.SplitSeq(v, ".") {
			path = append(path, p)
		}
	default:
		return nil, FilterError("subelements must be a list or a string")
	}
	skip, err := c.bool(1, false)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, e := range elements {
		subs, err := c.subelementsOf(e, path, skip)
		if err != nil {
			return nil, err
		}
		if err := c.rt.copying(2*len(subs), 0); err != nil {
			return nil, err
		}
		for _, s := range subs {
			out = append(out, value.Tuple{e, s})
		}
	}
	return list(out), nil
}

func (c *Call) subelementsOf(e any, path []any, skip bool) ([]any, error) {
	v := e
	for _, p := range path {
		d, ok := v.(*value.Dict)
		if !ok {
			return nil, FilterError("the key %s should point to a dictionary, got '%s'", value.Str(p), value.Str(v))
		}
		next, ok := d.Get(p)
		if !ok {
			if skip {
				return nil, nil
			}
			return nil, FilterError("could not find %s key in iterated item %s", value.Repr(p), value.Repr(v))
		}
		v = next
	}
	l, ok := v.(*value.List)
	if !ok {
		last := any("")
		if len(path) > 0 {
			last = path[len(path)-1]
		}
		return nil, FilterError("the key %s should point to a list, got %s", value.Repr(last), value.Repr(v))
	}
	return l.Items, nil
}

func filterRekey(c *Call) (any, error) {
	duplicates, err := c.text(1, "error")
	if err != nil {
		return nil, err
	}
	if duplicates != "error" && duplicates != "overwrite" {
		return nil, FilterError("duplicates parameter to rekey_on_member has unknown value: %s", duplicates)
	}
	key, err := c.need(0, "key")
	if err != nil {
		return nil, err
	}
	var items []any
	switch v := c.Value.(type) {
	case *value.Dict:
		items = v.Values()
	case string:
		return nil, FilterError("Type is not a valid list, set, or dict")
	default:
		if items, err = c.items(); err != nil {
			if IsUndefined(err) {
				return nil, err
			}
			return nil, FilterError("Type is not a valid list, set, or dict")
		}
	}
	out := &value.Dict{}
	for _, e := range items {
		d, ok := e.(*value.Dict)
		if !ok {
			return nil, FilterError("List item is not a valid dict")
		}
		k, ok := d.Get(key)
		if !ok {
			return nil, FilterError("Key %s was not found", value.Str(key))
		}
		if err := hashable(k); err != nil {
			return nil, err
		}
		if out.Has(k) && duplicates == "error" {
			return nil, FilterError("Key %s is not unique, cannot correctly turn into dict", value.Str(k))
		}
		out.Set(k, e)
	}
	return out, nil
}

func filterGroupbyAsDict(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	key := args.need(0, "attribute")
	if args.err != nil {
		return nil, args.err
	}
	out := &value.Dict{}
	for i, e := range items {
		d, ok := e.(*value.Dict)
		if !ok {
			return nil, FilterError("List item #%d is not a valid dict", i+1)
		}
		k, ok := d.Get(key)
		if !ok {
			return nil, FilterError("Attribute not contained in element #%d of sequence", i+1)
		}
		if err := hashable(k); err != nil {
			return nil, err
		}
		if have, ok := out.Get(k); ok {
			have.(*value.List).Append(e)
		} else {
			out.Set(k, value.NewList(e))
		}
	}
	return out, c.rt.copying(len(items), 0)
}
