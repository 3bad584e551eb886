package jinja

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/jmespath/go-jmespath"
	"golang.org/x/text/unicode/norm"

	"sunup/internal/jinja/pyre"
	"sunup/internal/value"
)

var generalFilters = []entry{
	{"json_query", "expr", filterJSONQuery},
	{"dict", "", func(c *Call) (any, error) {
		d, err := c.rt.toDict(c.Value)
		if err != nil {
			return nil, err
		}
		return d.Copy(), nil
	}},
	{"dict_kv", "key", func(c *Call) (any, error) {
		k, err := c.need(0, "key")
		if err != nil {
			return nil, err
		}
		return value.NewDict(k, c.Value), hashable(k)
	}},
	{"lists_mergeby", "*terms **kwargs", filterListsMergeby},
	{"version_sort", "reverse", filterVersionSort},
	{"random_mac", "seed", filterRandomMAC},
	{"counter", "", filterCounter},
	{"from_csv", "dialect fieldnames delimiter skipinitialspace strict", filterFromCSV},
	{"groupby_as_dict", "attribute", filterGroupbyAsDict},
	{"keep_keys", "target matching_parameter", keysFilter(true)},
	{"remove_keys", "target matching_parameter", keysFilter(false)},
	{"unicode_normalize", "form", filterUnicodeNormalize},
}

var normalForms = map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}

func filterUnicodeNormalize(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	name := args.text(0, "NFC")
	if args.err != nil {
		return nil, args.err
	}
	form, ok := normalForms[name]
	if !ok {
		return nil, FilterError("invalid form specified ('%s')", name)
	}
	return c.result(form.String(s))
}

func filterJSONQuery(c *Call) (any, error) {
	if err := checkDefined(c.Value); err != nil {
		return nil, err
	}
	query, err := c.text(0, "")
	if err != nil {
		return nil, err
	}
	compiled, err := jmespath.Compile(query)
	if err != nil {
		return nil, FilterError("JMESPathError in json_query filter plugin:\n%s", err)
	}
	in, err := c.rt.clone(c.Value)
	if err != nil {
		return nil, err
	}
	found, err := compiled.Search(floats(value.ToGo(in)))
	if err != nil {
		return nil, FilterError("Error in jmespath.search in json_query filter plugin:\n%s", err)
	}
	return orderLike(integers(value.FromGo(found)), keyOrder(c.Value), queryOrder(query)), nil
}

var queryKey = regexp.MustCompile(`["']?([A-Za-z_][\w-]*)["']?\s*:`)

// queryOrder numbers the keys of the dicts that a query makes itself.
func queryOrder(query string) map[string]int {
	rank := map[string]int{}
	for _, m := range queryKey.FindAllStringSubmatch(query, -1) {
		if _, ok := rank[m[1]]; !ok {
			rank[m[1]] = len(rank)
		}
	}
	return rank
}

// floats makes every number the float that the query language computes with.
func floats(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case []any:
		for i, e := range v {
			v[i] = floats(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = floats(e)
		}
	}
	return v
}

// integers turns floats without a fraction back into integers.
func integers(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int(v)) {
			return int(v)
		}
	case *value.List:
		for i, e := range v.Items {
			v.Items[i] = integers(e)
		}
	case *value.Dict:
		for _, k := range append([]any(nil), v.Keys()...) {
			e, _ := v.Get(k)
			v.Set(k, integers(e))
		}
	}
	return v
}

// keyOrder numbers the keys of all dicts inside v as they come: the query
// language forgets their order.
func keyOrder(v any) map[string]int {
	rank := map[string]int{}
	left := maxWalk
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if left--; left < 0 || depth > 200 {
			return
		}
		switch v := v.(type) {
		case *value.List:
			for _, e := range v.Items {
				walk(e, depth+1)
			}
		case *value.Dict:
			for k, e := range v.All() {
				name := value.Str(k)
				if _, ok := rank[name]; !ok {
					rank[name] = len(rank)
				}
				walk(e, depth+1)
			}
		}
	}
	walk(v, 0)
	return rank
}

// orderLike orders the keys of dicts as the query does that made them, or else
// as the data does.
func orderLike(v any, data, query map[string]int) any {
	switch v := v.(type) {
	case *value.List:
		for i, e := range v.Items {
			v.Items[i] = orderLike(e, data, query)
		}
	case *value.Dict:
		keys := append([]any(nil), v.Keys()...)
		rank := query
		for _, k := range keys {
			if _, ok := query[value.Str(k)]; !ok {
				rank = data
			}
		}
		sort.SliceStable(keys, func(i, j int) bool { return rank[value.Str(keys[i])] < rank[value.Str(keys[j])] })
		out := &value.Dict{}
		for _, k := range keys {
			e, _ := v.Get(k)
			out.Set(k, orderLike(e, data, query))
		}
		return out
	}
	return v
}

// filterListsMergeby joins lists of dicts that share the value of one key.
func filterListsMergeby(c *Call) (any, error) {
	if len(c.Args) == 0 {
		return nil, FilterError("One or more lists_mergeby parameters are required")
	}
	key := c.Args[len(c.Args)-1]
	terms, err := c.rt.flatten(append([]any{c.Value}, c.Args[:len(c.Args)-1]...), 1, true, 0)
	if err != nil {
		return nil, err
	}
	recursive, how := false, "replace"
	if v, ok := c.Kwarg("recursive"); ok {
		recursive = value.Truth(v)
	}
	if v, ok := c.Kwarg("list_merge"); ok {
		how = value.Str(v)
	}
	merged := &value.Dict{}
	for _, t := range terms {
		d, ok := t.(*value.Dict)
		if !ok {
			return nil, FilterError("Elements of list arguments for lists_mergeby must be dictionaries. %s is %s",
				value.Repr(t), value.TypeName(t))
		}
		k, ok := d.Get(key)
		if !ok {
			continue
		}
		if err := hashable(k); err != nil {
			return nil, err
		}
		if have, ok := merged.Get(k); ok {
			if d, err = c.rt.merge(have.(*value.Dict), d, recursive, how, 0); err != nil {
				return nil, err
			}
		}
		merged.Set(k, d)
	}
	out, err := c.rt.sorted(merged.Values(), merged.Keys(), false)
	return list(out), err
}

func filterVersionSort(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	back := args.bool(0, false)
	if args.err != nil {
		return nil, args.err
	}
	keys := make([]any, len(items))
	for i, v := range items {
		s, err := c.rt.str(v)
		if err != nil {
			return nil, err
		}
		keys[i] = list(looseParts(s))
	}
	out, err := c.rt.sorted(items, keys, back)
	return list(out), err
}

func filterRandomMAC(c *Call) (any, error) {
	s, ok := c.Value.(string)
	if !ok {
		return nil, FilterError("Invalid value type (%s) for random_mac (%s)", value.TypeName(c.Value), value.Str(c.Value))
	}
	parts := strings.Split(strings.ToLower(strings.Trim(s, ":")), ":")
	if len(parts) > 5 {
		return nil, FilterError("Invalid value (%s) for random_mac: 5 colon(:) separated items max", s)
	}
	for _, p := range parts {
		if len(p) != 2 || strings.Trim(p, "0123456789abcdef") != "" {
			return nil, FilterError("Invalid value (%s) for random_mac: %s not hexa byte", s, p)
		}
	}
	const least, most = 0x1000000000, 0xffffffffff // ten digits, the first not 0
	digits := fmt.Sprintf("%x", least+randomFor(c.arg(0, nil)).Below(most-least+1))
	for len(parts) < 6 {
		parts, digits = append(parts, digits[:2]), digits[2:]
	}
	return strings.Join(parts, ":"), nil
}

func filterCounter(c *Call) (any, error) {
	items, err := c.items()
	if err != nil {
		return nil, FilterError("Argument for community.general.counter must be a sequence (string or list).")
	}
	out := &value.Dict{}
	for _, v := range items {
		if err := hashable(v); err != nil {
			return nil, err
		}
		n, _ := out.Get(v)
		count, _ := n.(int)
		out.Set(v, count+1)
	}
	return out, nil
}

func filterFromCSV(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	delimiter := ','
	if value.Str(c.arg(0, "excel")) == "excel-tab" {
		delimiter = '\t'
	}
	if d, ok := c.arg(2, nil).(string); ok && d != "" {
		delimiter = []rune(d)[0]
	}
	rows := value.ReadCSV(s, delimiter, value.Truth(c.arg(3, false)))
	rows = slices.DeleteFunc(rows, func(row []string) bool { return len(row) == 0 })
	var names []any
	if f := c.arg(1, nil); f != nil {
		if names, err = c.rt.iterate(f); err != nil {
			return nil, err
		}
	} else if len(rows) > 0 {
		for _, n := range rows[0] {
			names = append(names, n)
		}
		rows = rows[1:]
	}
	var out []any
	for _, row := range rows {
		d := &value.Dict{}
		for i, n := range names {
			if i < len(row) {
				d.Set(n, row[i])
			} else {
				d.Set(n, nil)
			}
		}
		out = append(out, d)
	}
	return list(out), c.rt.grow(4 * len(s))
}

// keysFilter keeps or drops keys of dicts in a list.
func keysFilter(keep bool) Func {
	return func(c *Call) (any, error) {
		target, err := c.need(0, "target")
		if err != nil {
			return nil, err
		}
		wanted := []any{target}
		if items, ok := isSequence(target); ok {
			wanted = items
		}
		how, err := c.text(1, "equal")
		if err != nil {
			return nil, err
		}
		single := false
		items, ok := isSequence(c.Value)
		if !ok {
			items, single = []any{c.Value}, true
		}
		out := make([]any, len(items))
		for i, e := range items {
			d, ok := e.(*value.Dict)
			if !ok {
				return nil, FilterError("%s needs a list of dictionaries, got %s", c.Name, value.TypeName(e))
			}
			kept := &value.Dict{}
			for k, v := range d.All() {
				match, err := keyMatches(value.Str(k), wanted, how)
				if err != nil {
					return nil, err
				}
				if match == keep {
					kept.Set(k, v)
				}
			}
			out[i] = kept
		}
		if single {
			return out[0], nil
		}
		return list(out), nil
	}
}

func keyMatches(key string, wanted []any, how string) (bool, error) {
	for _, w := range wanted {
		t := value.Str(w)
		match := false
		switch how {
		case "equal", "equality":
			match = key == t
		case "starts_with", "start_with":
			match = strings.HasPrefix(key, t)
		case "ends_with", "end_with":
			match = strings.HasSuffix(key, t)
		case "regex":
			re, err := pyre.Compile(t, 0)
			if err != nil {
				return false, FilterError("%s", err)
			}
			m, err := re.MatchStart(key)
			if err != nil {
				return false, FilterError("%s", err)
			}
			match = m != nil
		default:
			return false, FilterError("matching_parameter must be one of equal, starts_with, ends_with, regex, not %s", how)
		}
		if match {
			return true, nil
		}
	}
	return false, nil
}
