package jinja

import (
	"math"
	"strconv"
	"strings"

	"sunup/internal/value"
)

var mathFilters = []entry{
	{"log", "base", filterLog},
	{"pow", "y", filterPow},
	{"root", "base", filterRoot},
	{"unique", "case_sensitive attribute", filterUnique},
	{"intersect", "b", setFilter("&")},
	{"difference", "b", setFilter("-")},
	{"symmetric_difference", "b", setFilter("^")},
	{"union", "b", setFilter("|")},
	{"product", "*iterables **kwargs", filterProduct},
	{"permutations", "r", filterPermutations},
	{"combinations", "r", filterCombinations},
	{"human_readable", "isbits unit", filterHumanReadable},
	{"human_to_bytes", "default_unit isbits", filterHumanToBytes},
	{"zip", "*iterables **kwargs", filterZip(false)},
	{"zip_longest", "*iterables **kwargs", filterZip(true)},
}

func (c *Call) float(i int, otherwise float64, what string) (float64, error) {
	v := c.arg(i, otherwise)
	f, ok := value.AsFloat(v)
	if !ok {
		if err := Defined(v); err != nil {
			return 0, err
		}
		return 0, FilterError("%s can only be used on numbers: must be real number, not %s", what, value.TypeName(v))
	}
	return f, nil
}

func (c *Call) selfFloat(what string) (float64, error) {
	f, ok := value.AsFloat(c.Value)
	if !ok {
		if err := Defined(c.Value); err != nil {
			return 0, err
		}
		return 0, FilterError("%s can only be used on numbers: must be real number, not %s", what, value.TypeName(c.Value))
	}
	return f, nil
}

func filterLog(c *Call) (any, error) {
	args := c.read()
	x := args.selfFloat("log()")
	base := args.float(0, math.E, "log()")
	if args.err != nil {
		return nil, args.err
	}
	if x <= 0 || base <= 0 {
		return nil, FilterError("math domain error")
	}
	if base == 10 {
		return math.Log10(x), nil
	}
	if base == 1 {
		return nil, FilterError("float division by zero")
	}
	return math.Log(x) / math.Log(base), nil
}

func filterPow(c *Call) (any, error) {
	args := c.read()
	x := args.selfFloat("pow()")
	y := args.float(0, 0, "pow()")
	if args.err != nil {
		return nil, args.err
	}
	r := exactPow(x, y)
	if math.IsNaN(r) && !math.IsNaN(x) && !math.IsNaN(y) || x == 0 && y < 0 {
		return nil, FilterError("math domain error")
	}
	if math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return nil, FilterError("math range error")
	}
	return r, nil
}

func filterRoot(c *Call) (any, error) {
	args := c.read()
	x := args.selfFloat("root()")
	base := args.float(0, 2, "root()")
	if args.err != nil {
		return nil, args.err
	}
	if base == 2 {
		if x < 0 {
			return nil, FilterError("root() can only be used on numbers: math domain error")
		}
		return math.Sqrt(x), nil
	}
	if base == 0 {
		return nil, FilterError("float division by zero")
	}
	return exactPow(x, 1/base), nil
}

// distinct drops later items whose key was seen; keys that cannot be hashed
// are compared one by one.
func (rt *runtime) distinct(items, keys []any) ([]any, error) {
	if err := rt.stepN(len(items)); err != nil {
		return nil, err
	}
	seen := &value.Dict{}
	var odd, out []any
	for i, v := range items {
		k := keys[i]
		if u, ok := k.(*Undefined); ok {
			return nil, u.err()
		}
		if value.Hashable(k) && !isMarked(k) {
			if seen.Has(k) {
				continue
			}
			seen.Set(k, nil)
		} else {
			in, err := rt.among(k, odd)
			if err != nil {
				return nil, err
			}
			if in {
				continue
			}
			odd = append(odd, k)
		}
		out = append(out, v)
	}
	return out, nil
}

func isMarked(v any) bool { _, ok := v.(value.Unsafe); return ok }

func filterUnique(c *Call) (any, error) {
	args := c.read()
	items := args.items()
	exact := args.bool(0, false)
	if args.err != nil {
		return nil, args.err
	}
	g := newGetter(c.arg(1, nil))
	g.lower = !exact
	for _, v := range items {
		if !value.Hashable(v) && c.arg(1, nil) == nil {
			if given := c.arg(0, nil); given != nil && !value.Truth(given) {
				return nil, FilterError("Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied")
			}
			// Ansible then compares the items themselves, with their case.
			g.lower = false
			break
		}
	}
	keys, err := g.keys(c.rt, items)
	if err != nil {
		return nil, err
	}
	out, err := c.rt.distinct(items, keys)
	return list(out), err
}

// setFilter makes the filters of set theory. They keep the order of their
// input.
func setFilter(op string) Func {
	return func(c *Call) (any, error) {
		args := c.read()
		a := args.items()
		arg := args.need(0, "b")
		if args.err != nil {
			return nil, args.err
		}
		b, err := c.rt.iterate(arg)
		if err != nil {
			return nil, err
		}
		var joined []any
		switch op {
		case "&":
			joined, err = c.rt.members(a, b, true)
		case "-":
			joined, err = c.rt.members(a, b, false)
		case "|":
			joined, err = c.rt.joined(a, b)
		case "^":
			var rest []any
			if joined, err = c.rt.members(a, b, false); err == nil {
				rest, err = c.rt.members(b, a, false)
				joined = append(joined, rest...)
			}
		}
		if err != nil {
			return nil, err
		}
		out, err := c.rt.distinct(joined, joined)
		return list(out), err
	}
}

// members returns the items that are (or are not) among others.
func (rt *runtime) members(items, others []any, want bool) ([]any, error) {
	index := &value.Dict{}
	var odd []any
	for _, v := range others {
		if value.Hashable(v) {
			index.Set(v, nil)
		} else {
			odd = append(odd, v)
		}
	}
	if err := rt.stepN(len(items) + len(others)); err != nil {
		return nil, err
	}
	var out []any
	for _, v := range items {
		in := value.Hashable(v) && index.Has(v)
		if !in && !value.Hashable(v) {
			var err error
			if in, err = rt.among(v, odd); err != nil {
				return nil, err
			}
		}
		if in == want {
			out = append(out, v)
		}
	}
	return out, nil
}

// sequences returns the filtered value and the arguments as sequences.
func (c *Call) sequences() ([][]any, error) {
	first, err := c.items()
	if err != nil {
		return nil, err
	}
	out := [][]any{first}
	for _, a := range c.Args {
		items, err := c.rt.iterate(a)
		if err != nil {
			return nil, err
		}
		out = append(out, items)
	}
	return out, nil
}

// tuples counts the memory of n tuples of the given width before they are made.
func (c *Call) tuples(n, width int) error {
	if err := c.rt.product(16*width+24, n); err != nil {
		return err
	}
	return c.rt.stepN(n)
}

func filterProduct(c *Call) (any, error) {
	seqs, err := c.sequences()
	if err != nil {
		return nil, err
	}
	if v, ok := c.Kwarg("repeat"); ok {
		n, isInt := value.AsInt(v)
		if !isInt || n < 0 || n > 64 {
			return nil, FilterError("repeat argument must be a small non-negative integer")
		}
		base := seqs
		seqs = nil
		for range n {
			seqs = append(seqs, base...)
		}
	}
	total := 1
	for _, s := range seqs {
		if len(s) > 0 && total > math.MaxInt32/len(s) {
			return nil, c.rt.grow(c.rt.bytes + 1)
		}
		total *= len(s)
	}
	if err := c.tuples(total, len(seqs)); err != nil {
		return nil, err
	}
	out := make([]any, 0, total)
	index := make([]int, len(seqs))
	for range total {
		t := make(value.Tuple, len(seqs))
		for i, s := range seqs {
			t[i] = s[index[i]]
		}
		out = append(out, t)
		for i := len(seqs) - 1; i >= 0; i-- {
			index[i]++
			if index[i] < len(seqs[i]) {
				break
			}
			index[i] = 0
		}
	}
	return list(out), nil
}

func filterPermutations(c *Call) (any, error) {
	items, r, err := c.choose()
	if err != nil {
		return nil, err
	}
	total := 1
	for i := range r {
		total *= len(items) - i
		if total > math.MaxInt32 {
			return nil, c.rt.grow(c.rt.bytes + 1)
		}
	}
	if r > len(items) {
		return list(nil), nil
	}
	if err := c.tuples(total, r); err != nil {
		return nil, err
	}
	var out []any
	used := make([]bool, len(items))
	current := make(value.Tuple, 0, r)
	var walk func()
	walk = func() {
		if len(current) == r {
			out = append(out, append(value.Tuple{}, current...))
			return
		}
		for i, v := range items {
			if !used[i] {
				used[i] = true
				current = append(current, v)
				walk()
				current = current[:len(current)-1]
				used[i] = false
			}
		}
	}
	walk()
	return list(out), nil
}

func (c *Call) choose() (items []any, r int, err error) {
	if items, err = c.items(); err != nil {
		return nil, 0, err
	}
	r = len(items)
	if c.has(0) && c.Args[0] != nil {
		if r, err = c.int(0, r); err != nil {
			return nil, 0, err
		}
	}
	if r < 0 {
		return nil, 0, FilterError("r must be non-negative")
	}
	if r > 1000 {
		return nil, 0, problem(KindLimit, "r is too large")
	}
	return items, r, nil
}

func filterCombinations(c *Call) (any, error) {
	items, r, err := c.choose()
	if err != nil {
		return nil, err
	}
	if !c.has(0) {
		return nil, typeError("combinations() missing required argument 'r' (pos 2)")
	}
	if r > len(items) {
		return list(nil), nil
	}
	var out []any
	index := make([]int, r)
	for i := range index {
		index[i] = i
	}
	for {
		if err := c.tuples(1, r); err != nil {
			return nil, err
		}
		t := make(value.Tuple, r)
		for i, at := range index {
			t[i] = items[at]
		}
		out = append(out, t)
		i := r - 1
		for i >= 0 && index[i] == i+len(items)-r {
			i--
		}
		if i < 0 {
			return list(out), nil
		}
		index[i]++
		for j := i + 1; j < r; j++ {
			index[j] = index[j-1] + 1
		}
	}
}

func filterZip(longest bool) Func {
	return func(c *Call) (any, error) {
		seqs, err := c.sequences()
		if err != nil {
			return nil, err
		}
		fill, _ := c.Kwarg("fillvalue")
		n := len(seqs[0])
		for _, s := range seqs {
			if longest {
				n = max(n, len(s))
			} else {
				n = min(n, len(s))
			}
		}
		if err := c.tuples(n, len(seqs)); err != nil {
			return nil, err
		}
		out := make([]any, n)
		for i := range out {
			t := make(value.Tuple, len(seqs))
			for j, s := range seqs {
				t[j] = fill
				if i < len(s) {
					t[j] = s[i]
				}
			}
			out[i] = t
		}
		return list(out), nil
	}
}

var sizeUnits = []struct {
	unit  string
	bytes float64
}{
	{"Y", 1 << 80}, {"Z", 1 << 70}, {"E", 1 << 60}, {"P", 1 << 50}, {"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"B", 1},
}

func filterHumanReadable(c *Call) (any, error) {
	size, ok := value.AsFloat(c.Value)
	if !ok {
		if err := Defined(c.Value); err != nil {
			return nil, err
		}
		return nil, FilterError("human_readable() failed on bad input: '<' not supported between instances of '%s' and 'int'", value.TypeName(c.Value))
	}
	isBits, err := c.bool(0, false)
	if err != nil {
		return nil, err
	}
	base := "Bytes"
	if isBits {
		base = "bits"
	}
	want := ""
	if c.has(1) && c.Args[1] != nil {
		if want, err = c.text(1, ""); err != nil {
			return nil, err
		}
	}
	suffix, limit := "", 1.0
	for _, u := range sizeUnits {
		suffix, limit = u.unit, u.bytes
		if want == "" && size >= limit || want != "" && strings.ToUpper(want[:1]) == suffix {
			break
		}
	}
	if limit != 1 {
		suffix += base[:1]
	} else {
		suffix = base
	}
	return strconv.FormatFloat(size/limit, 'f', 2, 64) + " " + suffix, nil
}

func filterHumanToBytes(c *Call) (any, error) {
	s, err := c.self()
	if err != nil {
		return nil, err
	}
	bad := FilterError("human_to_bytes() can't interpret following string: %s", s)
	defaultUnit := ""
	if c.has(0) && c.Args[0] != nil {
		if defaultUnit, err = c.text(0, ""); err != nil {
			return nil, err
		}
	}
	isBits, err := c.bool(1, false)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(s)
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '.') {
		end++
	}
	n, ok := value.ParseFloat(text[:end])
	if !ok {
		return nil, bad
	}
	unit := strings.TrimSpace(text[end:])
	if i := strings.IndexFunc(unit, func(r rune) bool { return r < 'A' || r > 'z' }); i >= 0 {
		unit = unit[:i]
	}
	if unit == "" {
		unit = defaultUnit
	}
	if unit == "" {
		return wholePart(math.RoundToEven(n), 0), nil
	}
	factor := 0.0
	for _, u := range sizeUnits {
		if strings.EqualFold(u.unit, unit[:1]) {
			factor = u.bytes
		}
	}
	letter, word := "B", "byte"
	if isBits {
		letter, word = "b", "bit"
	}
	rest := unit[1:]
	valid := rest == "" || rest == letter || strings.Contains(strings.ToLower(unit), word)
	if strings.EqualFold(unit[:1], "B") {
		valid = unit == letter || strings.Contains(strings.ToLower(unit), word) || unit == "B" && !isBits
	}
	if factor == 0 || !valid {
		return nil, bad
	}
	return wholePart(math.RoundToEven(n*factor), 0), nil
}
