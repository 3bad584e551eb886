package jinja

import (
	"html"
	"math"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"sunup/internal/jinja/pyrandom"
	"sunup/internal/jinja/pyre"
	"sunup/internal/value"
)

var jinjaFilters = []entry{
	{"abs", "", filterAbs},
	{"attr", "name", filterAttr},
	{"batch", "linecount fill_with", filterBatch},
	{"capitalize", "", textFilter(capitalize)},
	{"center", "width", filterCenter},
	{"count", "", filterLength},
	{"d", "default_value boolean", filterDefault},
	{"default", "default_value boolean", filterDefault},
	{"dictsort", "case_sensitive by reverse", filterDictsort},
	{"e", "", textFilter(escapeHTML)},
	{"escape", "", textFilter(escapeHTML)},
	{"filesizeformat", "binary", filterFilesize},
	{"first", "", filterFirst},
	{"float", "default", filterFloat},
	{"forceescape", "", textFilter(escapeHTML)},
	{"format", "*args **kwargs", filterFormat},
	{"groupby", "attribute default case_sensitive", filterGroupby},
	{"indent", "width first blank", filterIndent},
	{"int", "default base", filterInt},
	{"items", "", filterItems},
	{"join", "d attribute", filterJoin},
	{"last", "", filterLast},
	{"length", "", filterLength},
	{"list", "", filterList},
	{"lower", "", textFilter(lower)},
	{"map", "*args **kwargs", filterMap},
	{"max", "case_sensitive attribute", filterExtreme(1)},
	{"min", "case_sensitive attribute", filterExtreme(-1)},
	{"pprint", "", filterPprint},
	{"reject", "*args **kwargs", selectBy(false, false)},
	{"rejectattr", "*args **kwargs", selectBy(false, true)},
	{"replace", "old new count", filterReplace},
	{"reverse", "", filterReverse},
	{"round", "precision method", filterRound},
	{"safe", "", textFilter(func(s string) string { return s })},
	{"select", "*args **kwargs", selectBy(true, false)},
	{"selectattr", "*args **kwargs", selectBy(true, true)},
	{"slice", "slices fill_with", filterSlice},
	{"sort", "reverse case_sensitive attribute", filterSort},
	{"string", "", textFilter(func(s string) string { return s })},
	{"striptags", "", textFilter(stripTags)},
	{"sum", "attribute start", filterSum},
	{"title", "", textFilter(titleWords)},
	{"tojson", "indent", filterTojson},
	{"trim", "chars", filterTrim},
	{"truncate", "length killwords end leeway", filterTruncate},
	{"upper", "", textFilter(upper)},
	{"urlencode", "", filterURLEncode},
	{"urlize", "trim_url_limit nofollow target rel extra_schemes", filterURLize},
	{"wordcount", "", filterWordcount},
	{"wordwrap", "width break_long_words wrapstring break_on_hyphens", filterWordwrap},
	{"xmlattr", "autospace", filterXMLAttr},
}

// textFilter is a filter from text to text.
func textFilter(f func(string) string) Func {
	return func(c *Call) (any, error) {
		s, err := c.self()
		if err != nil {
			return nil, err
		}
		return c.result(f(s))
	}
}

func filterDefault(c *Call) (any, error) {
	_, undefined := c.Value.(*Undefined)
	if !undefined && c.has(1) {
		boolean, err := c.bool(1, false)
		if err != nil {
			return nil, err
		}
		if boolean {
			undefined = !value.Truth(c.Value)
		}
	}
	if undefined {
		return c.arg(0, ""), nil
	}
	return c.Value, nil
}

func filterAbs(c *Call) (any, error) {
	switch v := c.Value.(type) {
	case float64:
		return math.Abs(v), nil
	case *Undefined:
		return nil, v.err()
	}
	n, ok := value.AsBig(c.Value)
	if !ok {
		return nil, typeError("bad operand type for abs(): '%s'", value.TypeName(c.Value))
	}
	return value.Int(new(big.Int).Abs(n)), nil
}

func filterAttr(c *Call) (any, error) {
	name, err := c.text(0, "")
	if err != nil {
		return nil, err
	}
	return c.rt.getAttrOnly(c.Value, name)
}

func filterBatch(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	n := args.int(0, 0)
	if args.err != nil {
		return nil, args.err
	}
	var out, row []any
	for _, v := range items {
		if len(row) == n && len(row) > 0 {
			out = append(out, list(row))
			row = nil
		}
		row = append(row, v)
	}
	if len(row) > 0 {
		if fill := c.arg(1, nil); fill != nil {
			if err := c.rt.grow(16 * max(0, n-len(row))); err != nil {
				return nil, err
			}
			for len(row) < n {
				row = append(row, fill)
			}
		}
		out = append(out, list(row))
	}
	return list(out), nil
}

func filterSlice(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	n := args.int(0, 0)
	if args.err != nil {
		return nil, args.err
	}
	if n <= 0 {
		return nil, FilterError("integer division or modulo by zero")
	}
	if err := c.rt.product(48, n); err != nil {
		return nil, err
	}
	per, extra := len(items)/n, len(items)%n
	out := make([]any, 0, n)
	at := 0
	for i := range n {
		end := at + per
		if i < extra {
			end++
		}
		row := append([]any(nil), items[at:end]...)
		if fill := c.arg(1, nil); fill != nil && i >= extra && extra > 0 {
			row = append(row, fill)
		}
		out = append(out, list(row))
		at = end
	}
	return list(out), nil
}

func filterCenter(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	width := args.int(0, 80)
	if args.err != nil {
		return nil, args.err
	}
	return c.rt.callFunc(methodOf(s, "center"), "center", s, []any{width})
}

func filterLength(c *Call) (any, error) {
	switch v := c.Value.(type) {
	case string:
		return utf8.RuneCountInString(v), nil
	case *value.List:
		return v.Len(), nil
	case value.Tuple:
		return len(v), nil
	case *value.Dict:
		return v.Len(), nil
	case *Undefined:
		return 0, v.strict()
	case value.Sequenced:
		return v.Len(), nil
	case value.Mapping:
		keys, err := v.Keys()
		return len(keys), err
	}
	return nil, typeError("object of type '%s' has no len()", value.TypeName(c.Value))
}

// lowered is the key of a comparison that ignores case.
func lowered(v any) any {
	if s, ok := v.(string); ok {
		return strings.ToLower(s)
	}
	return v
}

func filterDictsort(c *Call) (any, error) {
	d, err := c.rt.toDict(c.Value)
	if err != nil {
		return nil, err
	}
	args := c.read()
	exact := args.bool(0, false)
	by := args.text(1, "key")
	back := args.bool(2, false)
	if args.err != nil {
		return nil, args.err
	}
	pos := 0
	switch by {
	case "value":
		pos = 1
	case "key":
	default:
		return nil, FilterError(`You can only sort by either "key" or "value"`)
	}
	rows := pairs(d)
	keys := make([]any, len(rows))
	for i, r := range rows {
		keys[i] = r.(value.Tuple)[pos]
		if !exact {
			keys[i] = lowered(keys[i])
		}
	}
	out, err := c.rt.sorted(rows, keys, back)
	return list(out), err
}

func escapeHTML(s string) string { return html.EscapeString(s) }

func filterFilesize(c *Call) (any, error) {
	args := c.read()
	n := args.number()
	binary := args.bool(0, false)
	if args.err != nil {
		return nil, args.err
	}
	base, names := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if binary {
		base, names = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case n == 1:
		return "1 Byte", nil
	case n < base:
		return strconv.Itoa(int(n)) + " Bytes", nil
	}
	unit := base
	for i, name := range names {
		unit = math.Pow(base, float64(i+2))
		if n < unit || i == len(names)-1 {
			return strconv.FormatFloat(base*n/unit, 'f', 1, 64) + " " + name, nil
		}
	}
	return "", nil
}

// number returns the filtered value as float(value) does.
func (c *Call) number() (float64, error) {
	switch v := c.Value.(type) {
	case *Undefined:
		return 0, v.err()
	case string:
		if f, ok := value.ParseFloat(v); ok {
			return f, nil
		}
		return 0, FilterError("could not convert string to float: %s", value.Repr(v))
	}
	if f, ok := value.AsFloat(c.Value); ok {
		return f, nil
	}
	return 0, typeError("float() argument must be a string or a real number, not '%s'", value.TypeName(c.Value))
}

func filterFirst(c *Call) (any, error) {
	if s, ok := c.Value.(string); ok && s != "" {
		_, n := utf8.DecodeRuneInString(s)
		return s[:n], nil
	}
	items, err := c.rt.iterate(c.Value)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return &Undefined{Hint: "No first item, sequence was empty."}, nil
	}
	return c.rt.clean(items[0]), nil
}

func filterLast(c *Call) (any, error) {
	items, err := c.rt.iterate(c.Value)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return &Undefined{Hint: "No last item, sequence was empty."}, nil
	}
	return c.rt.clean(items[len(items)-1]), nil
}

func filterFloat(c *Call) (any, error) {
	switch v := c.Value.(type) {
	case *Undefined:
		return nil, v.err()
	case string:
		if f, ok := value.ParseFloat(v); ok {
			return f, nil
		}
	default:
		if f, ok := value.AsFloat(v); ok {
			return f, nil
		}
	}
	return c.arg(0, 0.0), nil
}

func filterInt(c *Call) (any, error) {
	base, err := c.int(1, 10)
	if err != nil {
		return nil, err
	}
	switch v := c.Value.(type) {
	case *Undefined:
		return nil, v.err()
	case string:
		if base == 0 || base >= 2 && base <= 36 {
			if n, ok := value.ParseInt(v, base); ok {
				return n, nil
			}
		}
		if f, ok := value.ParseFloat(v); ok {
			return wholePart(f, c.arg(0, 0)), nil
		}
	case float64:
		return wholePart(v, c.arg(0, 0)), nil
	default:
		if n, ok := value.AsBig(v); ok {
			return value.Int(n), nil
		}
	}
	return c.arg(0, 0), nil
}

func wholePart(f float64, otherwise any) any {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return otherwise
	}
	if math.Abs(f) < 1<<62 {
		return int(f)
	}
	n, _ := big.NewFloat(f).Int(nil)
	return value.Int(n)
}

func filterFormat(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	if len(c.kwNames) > 0 {
		if len(c.Args) > 0 {
			return nil, FilterError("can't handle positional and keyword arguments at the same time")
		}
		return c.rt.percent(s, c.Kwargs())
	}
	return c.rt.percent(s, append(value.Tuple{}, c.Args...))
}

// getter compiles the attribute parameter of filters: "a.b.0", an index, or
// several of them separated by commas.
type getter struct {
	parts     [][]any
	otherwise any
	lower     bool
	many      bool
}

func newGetter(attribute any) *getter {
	g := &getter{}
	switch a := attribute.(type) {
	case nil:
		g.parts = [][]any{nil}
	case string:
		g.parts = [][]any{attributePath(a)}
	default:
		g.parts = [][]any{{a}}
	}
	return g
}

func attributePath(s string) []any {
	var path []any
	for p := range strings.SplitSeq(s, ".") {
		if n, err := strconv.Atoi(p); err == nil && n >= 0 && p[0] != '+' {
			path = append(path, n)
		} else {
			path = append(path, p)
		}
	}
	return path
}

// newMultiGetter takes several attributes separated by commas, as sort does.
func newMultiGetter(attribute any) *getter {
	s, ok := attribute.(string)
	if !ok || !strings.Contains(s, ",") {
		return newGetter(attribute)
	}
	g := &getter{many: true}
	for a := range strings.SplitSeq(s, ",") {
		g.parts = append(g.parts, attributePath(a))
	}
	return g
}

func (g *getter) one(rt *runtime, v any, path []any) (any, error) {
	for _, p := range path {
		var err error
		if v, err = rt.getItem(v, p); err != nil {
			return nil, err
		}
		if _, ok := v.(*Undefined); ok && g.otherwise != nil {
			v = g.otherwise
		}
	}
	v = rt.clean(v)
	if g.lower {
		v = lowered(v)
	}
	return v, nil
}

func (g *getter) get(rt *runtime, v any) (any, error) {
	if !g.many {
		return g.one(rt, v, g.parts[0])
	}
	row := make([]any, len(g.parts))
	for i, path := range g.parts {
		var err error
		if row[i], err = g.one(rt, v, path); err != nil {
			return nil, err
		}
	}
	return list(row), nil
}

// keys applies g to every item.
func (g *getter) keys(rt *runtime, items []any) ([]any, error) {
	out := make([]any, len(items))
	for i, v := range items {
		var err error
		if out[i], err = g.get(rt, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// groupTuple is what groupby makes: a pair that can also be asked for its
// grouper and its list.
type groupTuple struct {
	key   any
	items *value.List
}

func (g *groupTuple) PyType() string { return "_GroupTuple" }
func (g *groupTuple) PyRepr() string { return value.Repr(value.Tuple{g.key, g.items}) }
func (g *groupTuple) PyStr() string  { return g.PyRepr() }
func (g *groupTuple) PyTruth() bool  { return true }
func (g *groupTuple) Len() int       { return 2 }
func (g *groupTuple) Item(i int) any {
	if i == 0 {
		return g.key
	}
	return g.items
}

func (g *groupTuple) attribute(name string) (any, bool) {
	switch name {
	case "grouper":
		return g.key, true
	case "list":
		return g.items, true
	}
	return nil, false
}

func filterGroupby(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	attribute := args.need(0, "attribute")
	exact := args.bool(2, false)
	if args.err != nil {
		return nil, args.err
	}
	g := newGetter(attribute)
	g.otherwise, g.lower = c.arg(1, nil), !exact
	keys, err := g.keys(c.rt, items)
	if err != nil {
		return nil, err
	}
	index := make([]any, len(items))
	for i := range index {
		index[i] = i
	}
	index, err = c.rt.sorted(index, keys, false)
	if err != nil {
		return nil, err
	}
	g.lower = false
	var out []any
	var current *groupTuple
	var last any
	for _, at := range index {
		i := at.(int)
		if current == nil || !value.Equal(last, keys[i]) {
			key, err := g.get(c.rt, items[i])
			if err != nil {
				return nil, err
			}
			current = &groupTuple{key, &value.List{}}
			last = keys[i]
			out = append(out, current)
		}
		current.items.Append(items[i])
	}
	return list(out), nil
}

func filterIndent(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	indent, ok := c.arg(0, 4).(string)
	if !ok {
		width, err := c.int(0, 4)
		if err != nil {
			return nil, err
		}
		if err := c.rt.grow(max(width, 0)); err != nil {
			return nil, err
		}
		indent = strings.Repeat(" ", max(width, 0))
	}
	args := c.read()
	first := args.bool(1, false)
	blank := args.bool(2, false)
	if args.err != nil {
		return nil, args.err
	}
	if err := c.rt.product(len(indent), strings.Count(s, "\n")+1); err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
			if line != "" || blank {
				b.WriteString(indent)
			}
		} else if first {
			b.WriteString(indent)
		}
		b.WriteString(line)
	}
	return c.result(b.String())
}

func filterItems(c *Call) (any, error) {
	if _, ok := c.Value.(*Undefined); ok {
		return list(nil), nil
	}
	switch c.Value.(type) {
	case *value.Dict, value.Mapping:
		d, err := c.rt.toDict(c.Value)
		if err != nil {
			return nil, err
		}
		return list(pairs(d)), c.rt.grow(64 * d.Len())
	}
	return nil, typeError("Can only get item pairs from a mapping.")
}

func filterJoin(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	sep := args.anyText(0, "")
	if args.err != nil {
		return nil, args.err
	}
	var err error
	if c.has(1) && c.Args[1] != nil {
		if items, err = newGetter(c.Args[1]).keys(c.rt, items); err != nil {
			return nil, err
		}
	}
	parts := make([]string, len(items))
	for i, v := range items {
		if parts[i], err = c.rt.str(c.rt.clean(v)); err != nil {
			return nil, err
		}
	}
	return c.rt.joinText(parts, sep)
}

func filterList(c *Call) (any, error) {
	items, err := c.items()
	if err != nil {
		return nil, err
	}
	return list(append([]any(nil), items...)), c.rt.grow(16 * len(items))
}

// mapper is what map applies to each item.
func (c *Call) mapper() (func(v any) (any, error), error) {
	rt := c.rt
	if attribute, ok := c.Kwarg("attribute"); ok && len(c.Args) == 0 {
		g := newGetter(attribute)
		g.otherwise, _ = c.Kwarg("default")
		for _, n := range c.kwNames {
			if n != "attribute" && n != "default" {
				return nil, FilterError("Unexpected keyword argument '%s'", n)
			}
		}
		return func(v any) (any, error) { return g.get(rt, v) }, nil
	}
	if len(c.Args) == 0 {
		return nil, FilterError("map requires a filter argument")
	}
	return c.application("filter", c.Args)
}

// application makes a function that applies the filter or test named by the
// first argument, with the others, to a value.
func (c *Call) application(what string, args []any) (func(v any) (any, error), error) {
	rt := c.rt
	name, ok := args[0].(string)
	if !ok {
		if u, isU := args[0].(*Undefined); isU {
			return nil, u.err()
		}
		return nil, typeError("the name of a %s is a string, not %s", what, value.TypeName(args[0]))
	}
	f := rt.env.function(what, name)
	if f == nil {
		e := problem(KindFilter, "No %s named '%s'.", what, name)
		e.Core = notLoaded(name)
		return nil, e
	}
	rest := append([]any(nil), args[1:]...)
	names := append([]string(nil), c.kwNames...)
	vals := append([]any(nil), c.kwVals...)
	name = baseName(name)
	return func(v any) (any, error) {
		if err := rt.step(); err != nil {
			return nil, err
		}
		inner := rt.call()
		inner.Name, inner.Value, inner.Args = name, v, rest
		inner.kwNames, inner.kwVals = names, vals
		out, err := f(inner)
		rt.done()
		return out, err
	}, nil
}

func filterMap(c *Call) (any, error) {
	if _, ok := c.Value.(*Undefined); ok {
		return nil, Defined(c.Value)
	}
	f, err := c.mapper()
	if err != nil {
		return nil, err
	}
	items, err := c.items()
	if err != nil {
		return nil, err
	}
	out := make([]any, len(items))
	for i, v := range items {
		if out[i], err = f(c.rt.clean(v)); err != nil {
			return nil, err
		}
	}
	return list(out), c.rt.grow(16 * len(out))
}

// selectBy makes select, reject and their variants for attributes.
func selectBy(keep, attribute bool) Func {
	return func(c *Call) (any, error) {
		items, err := c.items()
		if err != nil {
			return nil, err
		}
		args := c.Args
		var g *getter
		if attribute {
			if len(args) == 0 {
				return nil, FilterError("Missing parameter for attribute name")
			}
			g = newGetter(args[0])
			args = args[1:]
		}
		test := func(v any) (any, error) { return v, nil }
		if len(args) > 0 {
			if test, err = c.application("test", args); err != nil {
				return nil, err
			}
		}
		var out []any
		for _, v := range items {
			x := c.rt.clean(v)
			if g != nil {
				if x, err = g.get(c.rt, x); err != nil {
					return nil, err
				}
			}
			r, err := test(x)
			if err != nil {
				return nil, err
			}
			ok, err := truth(r)
			if err != nil {
				return nil, err
			}
			if ok == keep {
				out = append(out, v)
			}
		}
		return list(out), nil
	}
}

func filterExtreme(want int) Func {
	return func(c *Call) (any, error) {
		args := c.read()
		items := args.items()
		exact := args.bool(0, false)
		if args.err != nil {
			return nil, args.err
		}
		if len(items) == 0 {
			return &Undefined{Hint: "No aggregated item, sequence was empty."}, nil
		}
		g := newGetter(c.arg(1, nil))
		g.lower = !exact
		keys, err := g.keys(c.rt, items)
		if err != nil {
			return nil, err
		}
		best := 0
		op := ">"
		if want < 0 {
			op = "<"
		}
		for i := 1; i < len(items); i++ {
			o, err := order(keys[i], keys[best], op)
			if err != nil {
				return nil, err
			}
			if o == want {
				best = i
			}
		}
		return c.rt.clean(items[best]), Defined(keys[best])
	}
}

func filterReplace(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	if !c.has(0) || !c.has(1) {
		return nil, typeError("replace() needs the old and the new text")
	}
	args := c.read()
	old := args.anyText(0, "")
	to := args.anyText(1, "")
	if args.err != nil {
		return nil, args.err
	}
	n := -1
	if c.has(2) && c.Args[2] != nil {
		if n, err = c.int(2, -1); err != nil {
			return nil, err
		}
	}
	return c.rt.replace(s, old, to, n)
}

func filterReverse(c *Call) (any, error) {
	if s, ok := c.Value.(string); ok {
		runes := []rune(s)
		for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
			runes[i], runes[j] = runes[j], runes[i]
		}
		return c.result(string(runes))
	}
	items, err := c.items()
	if err != nil {
		return nil, err
	}
	return list(reversed(items)), c.rt.grow(16 * len(items))
}

func filterRound(c *Call) (any, error) {
	args := c.read()
	precision := args.int(0, 0)
	method := args.text(1, "common")
	if args.err != nil {
		return nil, args.err
	}
	if err := Defined(c.Value); err != nil {
		return nil, err
	}
	f, ok := value.AsFloat(c.Value)
	if !ok {
		return nil, typeError("type %s doesn't define __round__ method", value.TypeName(c.Value))
	}
	scale := math.Pow(10, float64(precision))
	switch method {
	case "common":
		if n, ok := c.Value.(int); ok && precision >= 0 {
			return n, nil
		}
		r := roundTo(f, precision)
		if _, ok := c.Value.(float64); !ok {
			return wholePart(r, 0), nil
		}
		return r, nil
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	}
	return nil, FilterError("method must be common, ceil or floor")
}

// roundTo rounds half to even, exactly as the decimal form of f says.
func roundTo(f float64, precision int) float64 {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f) || precision > 300:
		return f
	case precision >= 0:
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		return r
	case precision < -308:
		return 0
	}
	scale := math.Pow(10, float64(-precision))
	return math.RoundToEven(f/scale) * scale
}

func filterSort(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	back := args.bool(0, false)
	exact := args.bool(1, false)
	if args.err != nil {
		return nil, args.err
	}
	g := newMultiGetter(c.arg(2, nil))
	g.lower = !exact
	keys, err := g.keys(c.rt, items)
	if err != nil {
		return nil, err
	}
	out, err := c.rt.sorted(items, keys, back)
	return list(out), err
}

const tagOrComment = `(<!--[\s\S]*?-->|<[^>]*>)`

func stripTags(s string) string {
	re, err := pyre.Compile(tagOrComment, 0)
	if err != nil {
		return s
	}
	out, err := re.Replace(s, "", 0, 0)
	if err != nil {
		return s
	}
	return html.UnescapeString(strings.Join(strings.Fields(out), " "))
}

func filterSum(c *Call) (any, error) {
	items, err := c.items()
	if err != nil {
		return nil, err
	}
	total := c.arg(1, 0)
	if c.has(0) && c.Args[0] != nil {
		if items, err = newGetter(c.Args[0]).keys(c.rt, items); err != nil {
			return nil, err
		}
	}
	for _, v := range items {
		if total, err = add(c.rt, total, c.rt.clean(v)); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// titleWords begins every word with a capital; words begin after spaces and
// brackets.
func titleWords(s string) string {
	var b strings.Builder
	start := true
	for _, r := range s {
		switch {
		case strings.ContainsRune("-({[<", r) || value.IsSpace(r):
			start = true
			b.WriteRune(r)
			continue
		case start:
			b.WriteRune(unicode.ToUpper(r))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		start = false
	}
	return b.String()
}

var htmlSafe = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`)

func filterTojson(c *Call) (any, error) {
	if err := checkDefined(c.Value); err != nil {
		return nil, err
	}
	o := value.JSONOptions{ASCII: true, SortKeys: true, Max: c.rt.bytes, Default: jsonDefault}
	if n, ok := value.AsInt(c.arg(0, nil)); ok {
		o.Pretty, o.Indent = true, strings.Repeat(" ", min(max(n, 0), 1000))
	}
	s, err := value.EncodeJSON(c.Value, o)
	if err != nil {
		return nil, typeError("%s", err)
	}
	return c.result(htmlSafe.Replace(s))
}

func filterTrim(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	if !c.has(0) || c.Args[0] == nil {
		return strings.TrimFunc(s, value.IsSpace), nil
	}
	chars, err := c.text(0, "")
	return strings.TrimFunc(s, func(r rune) bool { return strings.ContainsRune(chars, r) }), err
}

func filterTruncate(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	length := args.int(0, 255)
	kill := args.bool(1, false)
	end := args.text(2, "...")
	leeway := 5
	if c.has(3) && c.Args[3] != nil {
		leeway = args.int(3, 5)
	}
	if args.err != nil {
		return nil, args.err
	}
	runes, tail := []rune(s), utf8.RuneCountInString(end)
	if length < tail {
		return nil, FilterError("expected length >= %d, got %d", tail, length)
	}
	if len(runes) <= length+leeway {
		return s, nil
	}
	head := string(runes[:length-tail])
	if !kill {
		if i := strings.LastIndexByte(head, ' '); i >= 0 {
			head = head[:i]
		}
	}
	return head + end, nil
}

// quoteURL is urllib's quote with the given safe characters.
func quoteURL(s, safe string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("_.-~", c) >= 0 || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteString(strings.ToUpper(strconv.FormatInt(int64(c)+0x100, 16)[1:]))
	}
	return b.String()
}

func filterURLEncode(c *Call) (any, error) {
	if err := Defined(c.Value); err != nil {
		return nil, err
	}
	var rows []any
	switch v := c.Value.(type) {
	case string:
		return c.result(quoteURL(v, "/"))
	case *value.Dict:
		rows = pairs(v)
	case *value.List:
		rows = v.Items
	case value.Tuple:
		rows = v
	default:
		s, err := c.self()
		if err != nil {
			return nil, err
		}
		return c.result(quoteURL(s, "/"))
	}
	parts := make([]string, len(rows))
	for i, r := range rows {
		pair, err := c.rt.iterate(r)
		if err != nil {
			return nil, err
		}
		if len(pair) != 2 {
			return nil, typeError("urlencode needs pairs")
		}
		k, err := c.rt.str(pair[0])
		if err != nil {
			return nil, err
		}
		v, err := c.rt.str(c.rt.clean(pair[1]))
		if err != nil {
			return nil, err
		}
		parts[i] = strings.ReplaceAll(quoteURL(k, ""), "%20", "+") + "=" + strings.ReplaceAll(quoteURL(v, ""), "%20", "+")
	}
	return c.rt.joinText(parts, "&")
}

func filterURLize(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	limit := -1
	if n, ok := value.AsInt(c.arg(0, nil)); ok {
		limit = n
	}
	words := strings.SplitAfter(escapeHTML(s), " ")
	for i, w := range words {
		bare := strings.TrimRight(w, " .,)\n")
		target := bare
		if strings.HasPrefix(bare, "www.") {
			target = "https://" + bare
		}
		if u, err := url.Parse(target); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		shown := bare
		if limit >= 0 && utf8.RuneCountInString(bare) > limit {
			shown = cutRunes(bare, limit) + "..."
		}
		words[i] = `<a href="` + target + `" rel="noopener">` + shown + "</a>" + w[len(bare):]
	}
	return c.result(strings.Join(words, ""))
}

func filterWordcount(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	return len(strings.FieldsFunc(s, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})), nil
}

func filterWordwrap(c *Call) (any, error) {
	args := c.read()
	s := args.self()
	width := args.int(0, 79)
	long := args.bool(1, true)
	sep := "\n"
	if c.has(2) && c.Args[2] != nil {
		sep = args.text(2, "\n")
	}
	hyphens := args.bool(3, true)
	if args.err != nil {
		return nil, args.err
	}
	if width <= 0 {
		return nil, FilterError("invalid width %d (must be > 0)", width)
	}
	var out []string
	for _, line := range splitLines(s, false) {
		out = append(out, strings.Join(wrapLine(line, width, long, hyphens), sep))
	}
	return c.rt.joinText(out, sep)
}

// wrapLine breaks one line at white space (kept inside lines, dropped at
// breaks) and, if asked, behind hyphens and inside long words.
func wrapLine(line string, width int, long, hyphens bool) []string {
	var lines []string
	var cur []rune
	chunks := wrapChunks(line, hyphens)
	for i := 0; i < len(chunks); {
		chunk := []rune(chunks[i])
		if len(cur) == 0 && len(lines) > 0 && strings.TrimSpace(chunks[i]) == "" {
			i++
			continue
		}
		if len(cur)+len(chunk) <= width {
			cur = append(cur, chunk...)
			i++
			continue
		}
		if len(chunk) > width && (long || len(cur) == 0) {
			room := width - len(cur)
			if !long {
				room = len(chunk)
			}
			cur = append(cur, chunk[:room]...)
			chunks[i] = string(chunk[room:])
			if chunks[i] == "" {
				i++
			}
		}
		lines = append(lines, strings.TrimRightFunc(string(cur), value.IsSpace))
		cur = nil
	}
	if text := strings.TrimRightFunc(string(cur), value.IsSpace); text != "" || len(lines) == 0 {
		lines = append(lines, text)
	}
	return lines
}

func wrapChunks(line string, hyphens bool) []string {
	var chunks []string
	var cur []rune
	space := false
	for i, r := range []rune(line) {
		if i > 0 && value.IsSpace(r) != space {
			chunks = append(chunks, string(cur))
			cur = nil
		}
		space = value.IsSpace(r)
		cur = append(cur, r)
	}
	chunks = append(chunks, string(cur))
	if !hyphens {
		return chunks
	}
	var out []string
	for _, c := range chunks {
		for {
			at := hyphenBreak(c)
			if at < 0 {
				break
			}
			out = append(out, c[:at])
			c = c[at:]
		}
		out = append(out, c)
	}
	return out
}

// hyphenBreak finds a hyphen between letters.
func hyphenBreak(word string) int {
	for i := 1; i+1 < len(word); i++ {
		if word[i] == '-' && unicode.IsLetter(rune(word[i-1])) && unicode.IsLetter(rune(word[i+1])) {
			return i + 1
		}
	}
	return -1
}

func filterXMLAttr(c *Call) (any, error) {
	d, err := c.rt.toDict(c.Value)
	if err != nil {
		return nil, err
	}
	space, err := c.bool(0, true)
	if err != nil {
		return nil, err
	}
	var parts []string
	for k, v := range d.All() {
		if _, ok := v.(*Undefined); ok || v == nil {
			continue
		}
		ks, err := c.rt.str(k)
		if err != nil {
			return nil, err
		}
		vs, err := c.rt.str(v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, escapeHTML(ks)+`="`+escapeHTML(vs)+`"`)
	}
	out := strings.Join(parts, " ")
	if space && out != "" {
		out = " " + out
	}
	return c.result(out)
}

func filterPprint(c *Call) (any, error) {
	s, err := c.rt.repr(c.Value)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(s) <= 80 && !isContainer(c.Value) {
		return s, nil
	}
	var p prettyPrinter
	p.value(c.Value, 0, 0, 0)
	return c.result(p.out.String())
}

func isContainer(v any) bool {
	switch v.(type) {
	case *value.Dict, *value.List, value.Tuple:
		return true
	}
	return false
}

// prettyPrinter is pprint.pformat with its defaults: 80 columns, sorted keys.
type prettyPrinter struct {
	out strings.Builder
}

func prettyRepr(v any) string {
	switch v := v.(type) {
	case *value.Dict:
		parts := make([]string, 0, v.Len())
		for _, k := range prettyKeys(v) {
			x, _ := v.Get(k)
			parts = append(parts, value.Repr(k)+": "+prettyRepr(x))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *value.List:
		parts := make([]string, v.Len())
		for i, e := range v.Items {
			parts[i] = prettyRepr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return value.Repr(v)
}

func prettyKeys(d *value.Dict) []any {
	keys, err := value.Sorted(d.Keys())
	if err != nil {
		return d.Keys()
	}
	return keys
}

func (p *prettyPrinter) value(v any, indent, allowance, depth int) {
	s := prettyRepr(v)
	if utf8.RuneCountInString(s) <= 80-indent-allowance || depth > 100 {
		p.out.WriteString(s)
		return
	}
	pad := ",\n" + strings.Repeat(" ", indent+1)
	switch v := v.(type) {
	case *value.Dict:
		p.out.WriteByte('{')
		for i, k := range prettyKeys(v) {
			if i > 0 {
				p.out.WriteString(pad)
			}
			name := value.Repr(k) + ": "
			p.out.WriteString(name)
			x, _ := v.Get(k)
			last := 1
			if i == v.Len()-1 {
				last = allowance + 1
			}
			p.value(x, indent+1+utf8.RuneCountInString(name), last, depth+1)
		}
		p.out.WriteByte('}')
	case *value.List:
		p.items("[", v.Items, "]", indent, allowance, depth)
	case value.Tuple:
		end := ")"
		if len(v) == 1 {
			end = ",)"
		}
		p.items("(", v, end, indent, allowance, depth)
	default:
		p.out.WriteString(s)
	}
}

func (p *prettyPrinter) items(open string, items []any, end string, indent, allowance, depth int) {
	p.out.WriteString(open)
	for i, e := range items {
		if i > 0 {
			p.out.WriteString(",\n" + strings.Repeat(" ", indent+1))
		}
		last := 1
		if i == len(items)-1 {
			last = allowance + len(end)
		}
		p.value(e, indent+1, last, depth+1)
	}
	p.out.WriteString(end)
}

// randomFor returns the numbers that Python draws for a seed, or others each time.
func randomFor(seed any) *pyrandom.Source {
	switch n := seed.(type) {
	case nil:
		return pyrandom.Fresh()
	case *big.Int:
		return pyrandom.FromInt(n)
	case float64:
		return pyrandom.FromFloat(n)
	}
	if n, ok := value.AsInt(seed); ok {
		return pyrandom.FromInt(big.NewInt(int64(n)))
	}
	return pyrandom.FromText(value.Str(seed))
}
