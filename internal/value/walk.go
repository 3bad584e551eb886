package value

// Map returns v with every leaf replaced by what change makes of it: lists and
// dicts are made anew, with the same keys, and everything else is a leaf.
func Map(v any, change func(leaf any) any) any {
	switch v := v.(type) {
	case *List:
		out := &List{Items: make([]any, len(v.Items))}
		for i, item := range v.Items {
			out.Items[i] = Map(item, change)
		}
		return out
	case *Dict:
		out := DictFor(v.Len())
		for k, item := range v.All() {
			out.Set(k, Map(item, change))
		}
		return out
	}
	return change(v)
}

// Walk calls visit for every leaf of v, in order. Lists, tuples and dicts are
// gone through, keys are not.
func Walk(v any, visit func(leaf any)) {
	switch v := v.(type) {
	case *List:
		for _, item := range v.Items {
			Walk(item, visit)
		}
	case Tuple:
		for _, item := range v {
			Walk(item, visit)
		}
	case *Dict:
		for _, item := range v.All() {
			Walk(item, visit)
		}
	default:
		visit(v)
	}
}
