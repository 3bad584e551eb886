package jinja

import (
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sunup/internal/value"
)

// methodOf returns a method of a value's type, or nil.
func methodOf(self any, name string) Func {
	methods.once.Do(methodTables)
	switch self.(type) {
	case string:
		return methods.text[name]
	case *value.List:
		return methods.list[name]
	case *value.Dict:
		return methods.dict[name]
	case value.Tuple:
		if name == "index" || name == "count" {
			return methods.list[name]
		}
	case *dateTime:
		return methods.date[name]
	case timeDelta:
		return methods.delta[name]
	case float64:
		if name == "is_integer" {
			return func(c *Call) (any, error) { f := c.Value.(float64); return f == float64(int(f)), nil }
		}
	case int:
		if name == "bit_length" {
			return func(c *Call) (any, error) { b, _ := value.AsBig(c.Value); return b.BitLen(), nil }
		}
	case attributes:
		return nil
	case value.Mapping:
		return methods.lazy[name]
	}
	return nil
}

func isDictMethod(name string) bool {
	switch name {
	case "get", "items", "keys", "values", "update", "pop", "popitem", "setdefault", "copy", "clear", "fromkeys":
		return true
	}
	return false
}

// methods are the tables of methods by type. They are filled at first use: the
// methods refer to the tables, which a plain initializer may not.
var methods struct {
	once                                sync.Once
	text, list, dict, lazy, date, delta map[string]Func
}

func methodTables() {
	methods.text = methodTable(stringMethodList())
	methods.list = methodTable(listMethodList())
	methods.dict = methodTable(dictMethodList())
	methods.lazy = methodTable(mappingMethodList())
	methods.date = methodTable(dateMethodList())
	methods.delta = methodTable(deltaMethodList())
}

type entry struct {
	name string
	sig  string
	f    Func
}

func methodTable(list []entry) map[string]Func {
	m := make(map[string]Func, len(list))
	for _, e := range list {
		m[e.name] = checked(e.sig, e.f)
	}
	return m
}

func stringMethodList() []entry {
	return []entry{
		{"capitalize", "", textMethod(capitalize)},
		{"casefold", "", textMethod(lower)},
		{"center", "width fillchar", pad(true, true)},
		{"count", "sub start end", strCount},
		{"encode", "encoding errors", func(c *Call) (any, error) { return c.Value, nil }},
		{"endswith", "suffix start end", affix(strings.HasSuffix)},
		{"expandtabs", "tabsize", strExpandTabs},
		{"find", "sub start end", find(false, false)},
		{"format", "*args **kwargs", strFormat},
		{"format_map", "mapping", strFormatMap},
		{"index", "sub start end", find(false, true)},
		{"isalnum", "", eachRune(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })},
		{"isalpha", "", eachRune(unicode.IsLetter)},
		{"isascii", "", func(c *Call) (any, error) { return isASCII(c.Value.(string)), nil }},
		{"isdecimal", "", eachRune(unicode.IsDigit)},
		{"isdigit", "", eachRune(func(r rune) bool { return unicode.IsDigit(r) || r == '²' || r == '³' || r == '¹' })},
		{"isidentifier", "", func(c *Call) (any, error) { return isIdentifier(c.Value.(string)), nil }},
		{"islower", "", func(c *Call) (any, error) { return cased(c.Value.(string), unicode.IsLower, unicode.IsUpper), nil }},
		{"isnumeric", "", eachRune(unicode.IsNumber)},
		{"isprintable", "", func(c *Call) (any, error) {
			return strings.IndexFunc(c.Value.(string), func(r rune) bool { return !unicode.IsPrint(r) }) < 0, nil
		}},
		{"isspace", "", eachRune(value.IsSpace)},
		{"istitle", "", func(c *Call) (any, error) { return isTitle(c.Value.(string)), nil }},
		{"isupper", "", func(c *Call) (any, error) { return cased(c.Value.(string), unicode.IsUpper, unicode.IsLower), nil }},
		{"join", "iterable", strJoin},
		{"ljust", "width fillchar", pad(false, true)},
		{"lower", "", textMethod(lower)},
		{"lstrip", "chars", strip(true, false)},
		{"partition", "sep", strPartition},
		{"removeprefix", "prefix", cut(strings.TrimPrefix)},
		{"removesuffix", "suffix", cut(strings.TrimSuffix)},
		{"replace", "old new count", strReplace},
		{"rfind", "sub start end", find(true, false)},
		{"rindex", "sub start end", find(true, true)},
		{"rjust", "width fillchar", pad(true, false)},
		{"rpartition", "sep", strRPartition},
		{"rsplit", "sep maxsplit", strRSplit},
		{"rstrip", "chars", strip(false, true)},
		{"split", "sep maxsplit", strSplit},
		{"splitlines", "keepends", strSplitLines},
		{"startswith", "prefix start end", affix(strings.HasPrefix)},
		{"strip", "chars", strip(true, true)},
		{"swapcase", "", textMethod(swapCase)},
		{"title", "", textMethod(pyTitle)},
		{"upper", "", textMethod(upper)},
		{"zfill", "width", strZfill},
	}
}

func textMethod(f func(string) string) Func {
	return func(c *Call) (any, error) { return c.result(f(c.Value.(string))) }
}

// upper differs from Go in the sharp s, which has no single capital letter.
func upper(s string) string {
	return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS"))
}

// lower differs from Go in the dotted capital I, which becomes two characters.
func lower(s string) string {
	return strings.ToLower(strings.ReplaceAll(s, "İ", "i̇"))
}

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return upper(s[:n]) + strings.ToLower(s[n:])
}

func pyTitle(s string) string {
	var b strings.Builder
	inside := false
	for _, r := range s {
		if inside {
			b.WriteRune(unicode.ToLower(r))
		} else {
			b.WriteRune(unicode.ToTitle(r))
		}
		inside = unicode.IsLetter(r)
	}
	return b.String()
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

func eachRune(is func(rune) bool) Func {
	return func(c *Call) (any, error) {
		s := c.Value.(string)
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0, nil
	}
}

func cased(s string, want, not func(rune) bool) bool {
	found := false
	for _, r := range s {
		if not(r) || unicode.IsTitle(r) {
			return false
		}
		found = found || want(r)
	}
	return found
}

func isTitle(s string) bool {
	found, inside := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if inside {
				return false
			}
			inside, found = true, true
		case unicode.IsLower(r):
			if !inside {
				return false
			}
			found = true
		default:
			inside = false
		}
	}
	return found
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.IsMark(r)) {
			return false
		}
	}
	return s != ""
}

func pad(left, right bool) Func {
	return func(c *Call) (any, error) {
		s := c.Value.(string)
		args := c.read()
		width := args.int(0, 0)
		fill := args.text(1, " ")
		if args.err != nil {
			return nil, args.err
		}
		if utf8.RuneCountInString(fill) != 1 {
			return nil, typeError("The fill character must be exactly one character long")
		}
		n := width - utf8.RuneCountInString(s)
		if n <= 0 {
			return s, nil
		}
		if err := c.rt.product(len(fill), n); err != nil {
			return nil, err
		}
		before, after := 0, n
		switch {
		case left && right:
			// Python gives an odd space to the left when the width is odd.
			before = n/2 + (n & width & 1)
			after = n - before
		case left:
			before, after = n, 0
		}
		return strings.Repeat(fill, before) + s + strings.Repeat(fill, after), nil
	}
}

func strZfill(c *Call) (any, error) {
	s := c.Value.(string)
	width, err := c.int(0, 0)
	if err != nil {
		return nil, err
	}
	n := width - utf8.RuneCountInString(s)
	if n <= 0 {
		return s, nil
	}
	if err := c.rt.grow(n); err != nil {
		return nil, err
	}
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = s[:1], s[1:]
	}
	return sign + strings.Repeat("0", n) + s, nil
}

// window cuts s to [start:end] in characters; from is where it begins in bytes.
func (c *Call) window(first int) (part string, from int, ok bool, err error) {
	s := c.Value.(string)
	if !c.has(first) && !c.has(first+1) {
		return s, 0, true, nil
	}
	sl := &pySlice{c.arg(first, nil), c.arg(first+1, nil), nil}
	n := utf8.RuneCountInString(s)
	lo, hi, _, err := sl.bounds(n)
	if err != nil {
		return "", 0, false, err
	}
	if start, isInt := value.AsInt(sl.lo); isInt && start > n || lo > hi {
		return "", lo, false, nil
	}
	if n == len(s) {
		return s[lo:hi], lo, true, nil
	}
	runes := []rune(s)
	return string(runes[lo:hi]), len(string(runes[:lo])), true, nil
}

func find(last, must bool) Func {
	return func(c *Call) (any, error) {
		sub, err := c.text(0, "")
		if err != nil {
			return nil, err
		}
		part, from, ok, err := c.window(1)
		if err != nil {
			return nil, err
		}
		at := -1
		if ok {
			if last {
				at = strings.LastIndex(part, sub)
			} else {
				at = strings.Index(part, sub)
			}
		}
		if at >= 0 {
			s := c.Value.(string)
			return utf8.RuneCountInString(s[:from+at]), nil
		}
		if must {
			return nil, FilterError("substring not found")
		}
		return -1, nil
	}
}

func strCount(c *Call) (any, error) {
	sub, err := c.text(0, "")
	if err != nil {
		return nil, err
	}
	part, _, ok, err := c.window(1)
	if err != nil || !ok {
		return 0, err
	}
	return strings.Count(part, sub), nil
}

func affix(test func(s, part string) bool) Func {
	return func(c *Call) (any, error) {
		part, _, ok, err := c.window(1)
		if err != nil || !ok {
			return false, err
		}
		switch v := c.Args[0].(type) {
		case string:
			return test(part, v), nil
		case *Undefined:
			return nil, v.err()
		case value.Tuple:
			for _, e := range v {
				if s, ok := e.(string); ok && test(part, s) {
					return true, nil
				}
			}
			return false, nil
		}
		return nil, typeError("%s first arg must be str or a tuple of str, not %s", c.Name, value.TypeName(c.Args[0]))
	}
}

func strExpandTabs(c *Call) (any, error) {
	size, err := c.int(0, 8)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	col := 0
	for _, r := range c.Value.(string) {
		switch r {
		case '\t':
			if size > 0 {
				n := size - col%size
				if err := c.rt.grow(n); err != nil {
					return nil, err
				}
				b.WriteString(strings.Repeat(" ", n))
				col += n
			}
			continue
		case '\n', '\r':
			col = -1
		}
		b.WriteRune(r)
		col++
	}
	return b.String(), nil
}

func strJoin(c *Call) (any, error) {
	arg, err := c.need(0, "iterable")
	if err != nil {
		return nil, err
	}
	items, err := c.rt.iterate(arg)
	if err != nil {
		return nil, typeError("can only join an iterable")
	}
	parts := make([]string, len(items))
	for i, v := range items {
		s, ok := c.rt.clean(v).(string)
		if !ok {
			if u, isU := v.(*Undefined); isU {
				return nil, u.err()
			}
			return nil, typeError("sequence item %d: expected str instance, %s found", i, value.TypeName(v))
		}
		parts[i] = s
	}
	return c.rt.joinText(parts, c.Value.(string))
}

func (rt *runtime) joinText(parts []string, sep string) (any, error) {
	n := len(sep) * max(0, len(parts)-1)
	for _, p := range parts {
		n += len(p)
	}
	if err := rt.grow(n); err != nil {
		return nil, err
	}
	return strings.Join(parts, sep), nil
}

func strip(left, right bool) Func {
	return func(c *Call) (any, error) {
		s := c.Value.(string)
		is := value.IsSpace
		if c.has(0) && c.Args[0] != nil {
			chars, err := c.text(0, "")
			if err != nil {
				return nil, err
			}
			is = func(r rune) bool { return strings.ContainsRune(chars, r) }
		}
		if left {
			s = strings.TrimLeftFunc(s, is)
		}
		if right {
			s = strings.TrimRightFunc(s, is)
		}
		return s, nil
	}
}

func cut(f func(s, part string) string) Func {
	return func(c *Call) (any, error) {
		part, err := c.text(0, "")
		if err != nil {
			return nil, err
		}
		return f(c.Value.(string), part), nil
	}
}

func (c *Call) separator() (string, error) {
	sep, err := c.text(0, "")
	if err == nil && sep == "" {
		err = FilterError("empty separator")
	}
	return sep, err
}

func strPartition(c *Call) (any, error) {
	sep, err := c.separator()
	if err != nil {
		return nil, err
	}
	s := c.Value.(string)
	if i := strings.Index(s, sep); i >= 0 {
		return value.Tuple{s[:i], sep, s[i+len(sep):]}, nil
	}
	return value.Tuple{s, "", ""}, nil
}

func strRPartition(c *Call) (any, error) {
	sep, err := c.separator()
	if err != nil {
		return nil, err
	}
	s := c.Value.(string)
	if i := strings.LastIndex(s, sep); i >= 0 {
		return value.Tuple{s[:i], sep, s[i+len(sep):]}, nil
	}
	return value.Tuple{"", "", s}, nil
}

func strReplace(c *Call) (any, error) {
	args := c.read()
	old := args.text(0, "")
	to := args.text(1, "")
	n := args.int(2, -1)
	if args.err != nil {
		return nil, args.err
	}
	return c.rt.replace(c.Value.(string), old, to, n)
}

func (rt *runtime) replace(s, old, to string, n int) (any, error) {
	if more := len(to) - len(old); more > 0 {
		count := strings.Count(s, old)
		if n >= 0 {
			count = min(count, n)
		}
		if err := rt.product(more, count); err != nil {
			return nil, err
		}
	}
	if err := rt.grow(len(s)); err != nil {
		return nil, err
	}
	return strings.Replace(s, old, to, n), nil
}

func (c *Call) splitArgs() (sep string, limit int, err error) {
	limit, err = c.int(1, -1)
	if err != nil || !c.has(0) || c.Args[0] == nil {
		return "", limit, err
	}
	sep, err = c.separator()
	return sep, limit, err
}

func (c *Call) textList(parts []string) (any, error) {
	if err := c.rt.grow(24 * len(parts)); err != nil {
		return nil, err
	}
	return value.Strings(parts), nil
}

func strSplit(c *Call) (any, error) {
	sep, limit, err := c.splitArgs()
	if err != nil {
		return nil, err
	}
	s := c.Value.(string)
	if sep != "" {
		if limit >= 0 {
			limit++
		}
		return c.textList(strings.SplitN(s, sep, limit))
	}
	return c.textList(splitSpace(s, limit))
}

func splitSpace(s string, limit int) []string {
	var out []string
	for {
		s = strings.TrimLeftFunc(s, value.IsSpace)
		if s == "" {
			return out
		}
		end := strings.IndexFunc(s, value.IsSpace)
		if end < 0 {
			return append(out, s)
		}
		if limit >= 0 && len(out) >= limit {
			return append(out, strings.TrimRightFunc(s, value.IsSpace))
		}
		out = append(out, s[:end])
		s = s[end:]
	}
}

func strRSplit(c *Call) (any, error) {
	sep, limit, err := c.splitArgs()
	if err != nil {
		return nil, err
	}
	s := c.Value.(string)
	if limit < 0 {
		return strSplit(c)
	}
	var parts []string
	for {
		if sep == "" {
			s = strings.TrimRightFunc(s, value.IsSpace)
			if s == "" {
				break
			}
		}
		at, width := strings.LastIndex(s, sep), len(sep)
		if sep == "" {
			at = strings.LastIndexFunc(s, value.IsSpace)
			if at >= 0 {
				_, width = utf8.DecodeRuneInString(s[at:])
			}
		}
		if at < 0 || len(parts) >= limit {
			if sep == "" {
				s = strings.TrimLeftFunc(s, value.IsSpace)
			}
			parts = append(parts, s)
			break
		}
		parts = append(parts, s[at+width:])
		s = s[:at]
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return c.textList(parts)
}

func strSplitLines(c *Call) (any, error) {
	keep, err := c.bool(0, false)
	if err != nil {
		return nil, err
	}
	return c.textList(splitLines(c.Value.(string), keep))
}

// splitLines cuts at everything Python takes for a line end.
func splitLines(s string, keep bool) []string {
	var out []string
	for s != "" {
		end := strings.IndexFunc(s, isLineEnd)
		if end < 0 {
			return append(out, s)
		}
		_, n := utf8.DecodeRuneInString(s[end:])
		if strings.HasPrefix(s[end:], "\r\n") {
			n = 2
		}
		if keep {
			out = append(out, s[:end+n])
		} else {
			out = append(out, s[:end])
		}
		s = s[end+n:]
	}
	return out
}

func isLineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

func listMethodList() []entry {
	return []entry{
		{"append", "object", func(c *Call) (any, error) {
			return nil, c.change(func(l *value.List) error {
				l.Append(c.Args[0])
				return nil
			}, c.Args[0])
		}},
		{"extend", "iterable", func(c *Call) (any, error) {
			items, err := c.rt.iterate(c.arg(0, nil))
			if err != nil {
				return nil, err
			}
			return nil, c.change(func(l *value.List) error {
				l.Items = append(l.Items, items...)
				return c.rt.grow(16 * len(items))
			}, items...)
		}},
		{"insert", "index object", func(c *Call) (any, error) {
			i, err := c.int(0, 0)
			if err != nil {
				return nil, err
			}
			return nil, c.change(func(l *value.List) error {
				if i < 0 {
					i += len(l.Items)
				}
				i = min(max(i, 0), len(l.Items))
				l.Items = append(l.Items, nil)
				copy(l.Items[i+1:], l.Items[i:])
				l.Items[i] = c.Args[1]
				return c.rt.stepN(len(l.Items) / 64)
			}, c.Args[1])
		}},
		{"pop", "index", func(c *Call) (v any, err error) {
			i, err := c.int(0, -1)
			if err != nil {
				return nil, err
			}
			err = c.change(func(l *value.List) error {
				if len(l.Items) == 0 {
					return FilterError("pop from empty list")
				}
				if i < 0 {
					i += len(l.Items)
				}
				if i < 0 || i >= len(l.Items) {
					return FilterError("pop index out of range")
				}
				v = l.Items[i]
				l.Items = append(l.Items[:i:i], l.Items[i+1:]...)
				return c.rt.stepN(len(l.Items) / 64)
			})
			return v, err
		}},
		{"remove", "value", func(c *Call) (any, error) {
			return nil, c.change(func(l *value.List) error {
				for i, e := range l.Items {
					if value.Equal(e, c.Args[0]) {
						l.Items = append(l.Items[:i:i], l.Items[i+1:]...)
						return c.rt.stepN(len(l.Items) / 64)
					}
				}
				return FilterError("list.remove(x): x not in list")
			})
		}},
		{"reverse", "", func(c *Call) (any, error) {
			return nil, c.change(func(l *value.List) error {
				l.Items = reversed(l.Items)
				return c.rt.stepN(len(l.Items) / 64)
			})
		}},
		{"sort", "reverse", func(c *Call) (any, error) {
			back, err := c.bool(0, false)
			if err != nil {
				return nil, err
			}
			return nil, c.change(func(l *value.List) error {
				out, err := c.rt.sorted(l.Items, nil, back)
				if err == nil {
					l.Items = out
				}
				return err
			})
		}},
		{"clear", "", func(c *Call) (any, error) {
			return nil, c.change(func(l *value.List) error { l.Items = nil; return nil })
		}},
		{"copy", "", func(c *Call) (any, error) {
			items := c.Value.(*value.List).Items
			return list(append([]any(nil), items...)), c.rt.grow(16 * len(items))
		}},
		{"index", "value", func(c *Call) (any, error) {
			items, err := c.items()
			if err != nil {
				return nil, err
			}
			for i, e := range items {
				if value.Equal(e, c.Args[0]) {
					return i, nil
				}
			}
			s, _ := c.rt.repr(c.Args[0])
			return nil, FilterError("%s is not in list", s)
		}},
		{"count", "value", func(c *Call) (any, error) {
			items, err := c.items()
			if err != nil {
				return nil, err
			}
			n := 0
			for _, e := range items {
				if value.Equal(e, c.Args[0]) {
					n++
				}
			}
			return n, nil
		}},
	}
}

func reversed(items []any) []any {
	out := make([]any, len(items))
	for i, v := range items {
		out[len(items)-1-i] = v
	}
	return out
}

// changing refuses to change data that may be shared, and to put a container
// into itself.
func (c *Call) changing(added []any) error {
	if !c.rt.mutates {
		return FilterError("the method %s cannot be used here: it would change a variable", c.Name)
	}
	left := 1_000_000
	for _, v := range added {
		if within(c.Value, v, &left, 0) {
			return FilterError("a list or dict cannot be put into itself")
		}
	}
	if err := c.rt.stepN((1_000_000 - left) / 8); err != nil {
		return err
	}
	return c.rt.grow(16)
}

func (c *Call) change(f func(*value.List) error, added ...any) error {
	if err := c.changing(added); err != nil {
		return err
	}
	return f(c.Value.(*value.List))
}

func (c *Call) changeDict(f func(*value.Dict) error, added ...any) error {
	if err := c.changing(added); err != nil {
		return err
	}
	return f(c.Value.(*value.Dict))
}

// within reports whether needle is v or inside it; what is too large or nested
// too deeply to know counts.
func within(needle, v any, left *int, depth int) bool {
	if *left--; *left < 0 || depth > 200 {
		return true
	}
	var items []any
	switch v := v.(type) {
	case *value.List:
		items = v.Items
	case *value.Dict:
		items = v.Values()
	case value.Tuple:
		for _, e := range v {
			if within(needle, e, left, depth+1) {
				return true
			}
		}
		return false
	default:
		return false
	}
	if v == needle {
		return true
	}
	for _, e := range items {
		if within(needle, e, left, depth+1) {
			return true
		}
	}
	return false
}

func pairs(d *value.Dict) []any {
	out := make([]any, 0, d.Len())
	for k, v := range d.All() {
		out = append(out, value.Tuple{k, v})
	}
	return out
}

func dictMethodList() []entry {
	return []entry{
		{"get", "key default", func(c *Call) (any, error) {
			if err := hashable(c.Args[0]); err != nil {
				return nil, err
			}
			if v, ok := c.Value.(*value.Dict).Get(c.Args[0]); ok {
				return c.rt.clean(v), nil
			}
			return c.arg(1, nil), nil
		}},
		{"keys", "", func(c *Call) (any, error) {
			keys := c.Value.(*value.Dict).Keys()
			return list(append([]any(nil), keys...)), c.rt.grow(16 * len(keys))
		}},
		{"values", "", func(c *Call) (any, error) {
			vals := c.Value.(*value.Dict).Values()
			return list(append([]any(nil), vals...)), c.rt.grow(16 * len(vals))
		}},
		{"items", "", func(c *Call) (any, error) {
			d := c.Value.(*value.Dict)
			return list(pairs(d)), c.rt.grow(64 * d.Len())
		}},
		{"copy", "", func(c *Call) (any, error) {
			d := c.Value.(*value.Dict)
			return d.Copy(), c.rt.grow(64 * d.Len())
		}},
		{"update", "other **entries", dictUpdate},
		{"pop", "key default", func(c *Call) (v any, err error) {
			err = c.changeDict(func(d *value.Dict) error {
				if err := hashable(c.Args[0]); err != nil {
					return err
				}
				var ok bool
				if v, ok = d.Delete(c.Args[0]); ok {
					return c.rt.stepN(d.Len() / 16)
				}
				if !c.has(1) {
					return FilterError("%s", value.Repr(c.Args[0]))
				}
				v = c.Args[1]
				return nil
			})
			return v, err
		}},
		{"popitem", "", func(c *Call) (v any, err error) {
			err = c.changeDict(func(d *value.Dict) error {
				if d.Len() == 0 {
					return FilterError("'popitem(): dictionary is empty'")
				}
				k := d.Keys()[d.Len()-1]
				x, _ := d.Delete(k)
				v = value.Tuple{k, x}
				return c.rt.stepN(d.Len() / 16)
			})
			return v, err
		}},
		{"setdefault", "key default", func(c *Call) (v any, err error) {
			v = c.arg(1, nil)
			err = c.changeDict(func(d *value.Dict) error {
				if err := hashable(c.Args[0]); err != nil {
					return err
				}
				if have, ok := d.Get(c.Args[0]); ok {
					v = have
					return nil
				}
				d.Set(c.Args[0], v)
				return nil
			}, v)
			return v, err
		}},
		{"clear", "", func(c *Call) (any, error) {
			return nil, c.changeDict(func(d *value.Dict) error { *d = value.Dict{}; return nil })
		}},
		{"fromkeys", "iterable value", func(c *Call) (any, error) {
			items, err := c.rt.iterate(c.arg(0, nil))
			if err != nil {
				return nil, err
			}
			out := &value.Dict{}
			for _, k := range items {
				if err := hashable(k); err != nil {
					return nil, err
				}
				out.Set(k, c.arg(1, nil))
			}
			return out, c.rt.grow(32 * len(items))
		}},
	}
}

func dictUpdate(c *Call) (any, error) {
	from := &value.Dict{}
	if c.has(0) {
		d, err := c.rt.toDict(c.Args[0])
		if err != nil {
			return nil, err
		}
		from = d.Copy()
	}
	for i, n := range c.kwNames {
		from.Set(n, c.kwVals[i])
	}
	return nil, c.changeDict(func(d *value.Dict) error {
		d.Update(from)
		return c.rt.grow(32 * from.Len())
	}, from.Values()...)
}

// toDict is dict(v): of a mapping or of pairs.
func (rt *runtime) toDict(v any) (*value.Dict, error) {
	switch v := v.(type) {
	case *value.Dict:
		return v, nil
	case *Undefined:
		return nil, v.err()
	case value.Mapping:
		return rt.dictOf(v)
	}
	items, err := rt.iterate(v)
	if err != nil {
		return nil, err
	}
	d := &value.Dict{}
	for i, e := range items {
		pair, err := rt.iterate(e)
		if err != nil {
			return nil, typeError("cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(pair) != 2 {
			return nil, typeError("dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		if err := hashable(pair[0]); err != nil {
			return nil, err
		}
		d.Set(pair[0], pair[1])
	}
	return d, rt.stepN(len(items))
}

func mappingMethodList() []entry {
	return []entry{
		{"get", "key default", func(c *Call) (any, error) {
			v, ok, err := c.Value.(value.Mapping).Get(c.Args[0])
			if err != nil {
				return nil, err
			}
			if !ok {
				return c.arg(1, nil), nil
			}
			return c.rt.clean(v), nil
		}},
		{"keys", "", func(c *Call) (any, error) {
			keys, err := c.Value.(value.Mapping).Keys()
			return list(append([]any(nil), keys...)), err
		}},
		{"values", "", func(c *Call) (any, error) {
			d, err := c.rt.dictOf(c.Value.(value.Mapping))
			if err != nil {
				return nil, err
			}
			return list(d.Values()), nil
		}},
		{"items", "", func(c *Call) (any, error) {
			d, err := c.rt.dictOf(c.Value.(value.Mapping))
			if err != nil {
				return nil, err
			}
			return list(pairs(d)), nil
		}},
	}
}

// sorted orders items by their keys (or themselves), stably.
func (rt *runtime) sorted(items, keys []any, back bool) ([]any, error) {
	if keys == nil {
		keys = items
	}
	if err := rt.stepN(4 * len(items)); err != nil {
		return nil, err
	}
	index := make([]int, len(items))
	for i := range index {
		index[i] = i
	}
	var fail error
	sort.SliceStable(index, func(a, b int) bool {
		if fail != nil {
			return false
		}
		x, y := keys[index[a]], keys[index[b]]
		if back {
			x, y = y, x
		}
		o, err := order(x, y, "<")
		if err != nil {
			fail = err
		}
		return o == -1
	})
	if fail != nil {
		return nil, fail
	}
	out := make([]any, len(items))
	for i, at := range index {
		out[i] = items[at]
	}
	return out, nil
}
