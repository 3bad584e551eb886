package jinja

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"sunup/internal/value"
)

// testOf is a test that only looks at the value, which must be defined.
func testOf(f func(v any) bool) Func {
	return func(c *Call) (any, error) { return f(c.Value), nil }
}

// compareNames are the functions of Python's module operator that Jinja's tests are.
var compareNames = map[string]string{"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}

func compareTest(op string) Func {
	return func(c *Call) (any, error) {
		if !c.has(0) {
			return nil, typeError("%s expected 2 arguments, got 1", compareNames[op])
		}
		return compareOps[op](c.rt, c.Value, c.Args[0])
	}
}

func isInteger(v any) bool {
	if _, ok := v.(bool); ok {
		return false
	}
	_, ok := value.AsBig(v)
	return ok
}

func parity(want int) Func {
	return func(c *Call) (any, error) {
		r, err := modulo(c.rt, c.Value, 2)
		if err != nil {
			return nil, err
		}
		return value.Equal(r, want), nil
	}
}

var jinjaTests = []entry{
	{"boolean", "", testOf(func(v any) bool { _, ok := v.(bool); return ok })},
	{"callable", "", testOf(func(v any) bool {
		switch v.(type) {
		case callable, Func:
			return true
		}
		return false
	})},
	{"defined", "", testOf(func(v any) bool { _, ok := v.(*Undefined); return !ok })},
	{"undefined", "", testOf(func(v any) bool { _, ok := v.(*Undefined); return ok })},
	{"divisibleby", "num", func(c *Call) (any, error) {
		r, err := modulo(c.rt, c.Value, c.Args[0])
		return value.Equal(r, 0), err
	}},
	{"eq", "other", compareTest("==")}, {"equalto", "other", compareTest("==")}, {"==", "other", compareTest("==")},
	{"ne", "other", compareTest("!=")}, {"!=", "other", compareTest("!=")},
	{"lt", "other", compareTest("<")}, {"lessthan", "other", compareTest("<")}, {"<", "other", compareTest("<")},
	{"le", "other", compareTest("<=")}, {"<=", "other", compareTest("<=")},
	{"gt", "other", compareTest(">")}, {"greaterthan", "other", compareTest(">")}, {">", "other", compareTest(">")},
	{"ge", "other", compareTest(">=")}, {">=", "other", compareTest(">=")},
	{"in", "seq", func(c *Call) (any, error) { return contains(c.rt, c.Value, c.Args[0]) }},
	{"even", "", parity(0)}, {"odd", "", parity(1)},
	{"false", "", testOf(func(v any) bool { return v == false })},
	{"true", "", testOf(func(v any) bool { return v == true })},
	{"filter", "", func(c *Call) (any, error) {
		s, _ := c.Value.(string)
		return c.rt.env.function("filter", s) != nil, nil
	}},
	{"test", "", func(c *Call) (any, error) { s, _ := c.Value.(string); return c.rt.env.function("test", s) != nil, nil }},
	{"float", "", testOf(func(v any) bool { _, ok := v.(float64); return ok })},
	{"integer", "", testOf(isInteger)},
	{"iterable", "", func(c *Call) (any, error) {
		if err := Defined(c.Value); err != nil {
			return nil, err
		}
		switch c.Value.(type) {
		case string, *value.List, value.Tuple, *value.Dict, value.Sequenced, value.Mapping:
			return true, nil
		}
		return false, nil
	}},
	{"lower", "", func(c *Call) (any, error) {
		s, err := c.self()
		return cased(s, unicode.IsLower, unicode.IsUpper), err
	}},
	{"upper", "", func(c *Call) (any, error) {
		s, err := c.self()
		return cased(s, unicode.IsUpper, unicode.IsLower), err
	}},
	{"mapping", "", testOf(func(v any) bool {
		switch v.(type) {
		case *value.Dict, value.Mapping:
			return true
		}
		return false
	})},
	{"none", "", testOf(func(v any) bool { return v == nil })},
	{"number", "", testOf(value.IsNumber)},
	{"sameas", "other", func(c *Call) (any, error) { return same(c.Value, c.Args[0]), nil }},
	{"sequence", "", func(c *Call) (any, error) {
		if err := Defined(c.Value); err != nil {
			return nil, err
		}
		switch c.Value.(type) {
		case string, *value.List, value.Tuple, *value.Dict, value.Sequenced, value.Mapping:
			return true, nil
		}
		return false, nil
	}},
	{"string", "", testOf(func(v any) bool { _, ok := v.(string); return ok })},
	{"escaped", "", testOf(func(any) bool { return false })},
}

// same is Python's "is", as far as values here have an identity.
func same(a, b any) bool {
	switch a.(type) {
	case nil, bool, int, string, *value.List, *value.Dict:
		return a == b
	}
	return false
}

var coreTests = []entry{
	{"failed", "", resultTest("failed", false)}, {"failure", "", resultTest("failed", false)},
	{"succeeded", "", resultTest("failed", true)}, {"success", "", resultTest("failed", true)},
	{"successful", "", resultTest("failed", true)},
	{"reachable", "", resultTest("unreachable", true)}, {"unreachable", "", resultTest("unreachable", false)},
	{"changed", "", testChanged}, {"change", "", testChanged},
	{"skipped", "", resultTest("skipped", false)}, {"skip", "", resultTest("skipped", false)},
	{"finished", "", asyncTest("finished")}, {"started", "", asyncTest("started")},
	{"match", "pattern ignorecase multiline", regexTest("match")},
	{"search", "pattern ignorecase multiline", regexTest("search")},
	{"regex", "pattern ignorecase multiline match_type", regexTest("")},
	{"version", "version operator strict version_type", testVersion},
	{"version_compare", "version operator strict version_type", testVersion},
	{"any", "", quantifier(true)}, {"all", "", quantifier(false)},
	{"truthy", "convert_bool", truthyTest(true)}, {"falsy", "convert_bool", truthyTest(false)},
	{"vault_encrypted", "", func(c *Call) (any, error) {
		s, ok := c.Value.(string)
		return ok && strings.HasPrefix(s, "$ANSIBLE_VAULT;"), nil
	}},
	{"subset", "b", subsetTest(false)}, {"issubset", "b", subsetTest(false)},
	{"superset", "b", subsetTest(true)}, {"issuperset", "b", subsetTest(true)},
	{"contains", "value", func(c *Call) (any, error) { return contains(c.rt, c.Args[0], c.Value) }},
	{"nan", "", testOf(isNaN)}, {"isnan", "", testOf(isNaN)},
	{"directory", "", fileTest(isDirectory)}, {"is_dir", "", fileTest(isDirectory)},
	{"file", "", fileTest(isFile)}, {"is_file", "", fileTest(isFile)},
	{"link", "", fileTest(isLink)}, {"is_link", "", fileTest(isLink)},
	{"exists", "", fileTest(func(p string) bool { _, err := os.Stat(p); return err == nil })},
	{"link_exists", "", fileTest(func(p string) bool { _, err := os.Lstat(p); return err == nil })},
	{"abs", "", fileTest(filepath.IsAbs)}, {"is_abs", "", fileTest(filepath.IsAbs)},
	{"same_file", "other", testSameFile}, {"is_same_file", "other", testSameFile},
	{"mount", "", fileTest(isMount)}, {"is_mount", "", fileTest(isMount)},
	{"urn", "", testURI("urn:")}, {"uri", "schemes", testURI("")}, {"url", "schemes", testURI("//")},
}

func (c *Call) resultDict() (*value.Dict, error) {
	switch v := c.Value.(type) {
	case *value.Dict:
		return v, nil
	case value.Mapping:
		return c.rt.dictOf(v)
	}
	return nil, FilterError("The '%s' test expects a dictionary", c.Name)
}

func resultTest(key string, negate bool) Func {
	return func(c *Call) (any, error) {
		d, err := c.resultDict()
		if err != nil {
			return nil, err
		}
		v, ok := d.Get(key)
		if negate {
			return !ok || !value.Truth(v), nil
		}
		if !ok {
			return false, nil
		}
		return v, nil
	}
}

func testChanged(c *Call) (any, error) {
	d, err := c.resultDict()
	if err != nil {
		return nil, err
	}
	if v, ok := d.Get("changed"); ok {
		return v, nil
	}
	results, ok := d.At("results").(*value.List)
	if !ok || results.Len() == 0 {
		return false, nil
	}
	for _, r := range results.Items {
		if e, ok := r.(*value.Dict); ok && value.Truth(e.At("changed")) {
			return true, nil
		}
	}
	return false, nil
}

func asyncTest(key string) Func {
	return func(c *Call) (any, error) {
		d, err := c.resultDict()
		if err != nil {
			return nil, err
		}
		v, ok := d.Get(key)
		return !ok || value.Equal(v, 1), nil
	}
}

func regexTest(kind string) Func {
	return func(c *Call) (any, error) {
		args := c.read()
		s := args.self()
		re := args.regex(s, c.arg(1, false), c.arg(2, false))
		how := kind
		if how == "" {
			how = args.text(3, "search")
		}
		if args.err != nil {
			return nil, args.err
		}
		find := re.Search
		switch how {
		case "match":
			find = re.MatchStart
		case "fullmatch":
			find = re.FullMatch
		}
		m, err := find(s)
		if err != nil {
			return nil, FilterError("%s", err)
		}
		return m != nil, nil
	}
}

func quantifier(wanted bool) Func {
	return func(c *Call) (any, error) {
		items, err := c.items()
		if err != nil {
			return nil, err
		}
		for _, v := range items {
			ok, err := truth(v)
			if err != nil {
				return nil, err
			}
			if ok == wanted {
				return wanted, nil
			}
		}
		return !wanted, nil
	}
}

func truthyTest(want bool) Func {
	return func(c *Call) (any, error) {
		v := c.Value
		convert, err := c.bool(0, false)
		if err != nil {
			return nil, err
		}
		if convert {
			v = convertBool(v)
		}
		t, err := truth(v)
		return t == want, err
	}
}

// convertBool turns words such as "no" into the bool that they mean.
func convertBool(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes", "on", "1", "true", "t", "1.0":
		return true
	case "n", "no", "off", "0", "false", "f", "0.0":
		return false
	}
	return v
}

func subsetTest(super bool) Func {
	return func(c *Call) (any, error) {
		a, err := c.items()
		if err != nil {
			return nil, err
		}
		b, err := c.rt.iterate(c.arg(0, nil))
		if err != nil {
			return nil, err
		}
		if super {
			a, b = b, a
		}
		for _, k := range append(append([]any(nil), a...), b...) {
			if err := hashable(k); err != nil {
				return nil, err
			}
		}
		rest, err := c.rt.members(a, b, false)
		return len(rest) == 0, err
	}
}

func isNaN(v any) bool { f, ok := v.(float64); return ok && math.IsNaN(f) }

func fileTest(f func(path string) bool) Func {
	return func(c *Call) (any, error) {
		s, ok := c.Value.(string)
		if !ok {
			if err := Defined(c.Value); err != nil {
				return nil, err
			}
			return false, nil
		}
		return f(s), nil
	}
}

func isDirectory(p string) bool { info, err := os.Stat(p); return err == nil && info.IsDir() }
func isFile(p string) bool      { info, err := os.Stat(p); return err == nil && info.Mode().IsRegular() }
func isLink(p string) bool {
	info, err := os.Lstat(p)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

func isMount(p string) bool {
	var here, above syscall.Stat_t
	if syscall.Lstat(p, &here) != nil || here.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		return false
	}
	if syscall.Lstat(filepath.Join(p, ".."), &above) != nil {
		return false
	}
	return here.Dev != above.Dev || here.Ino == above.Ino
}

func testSameFile(c *Call) (any, error) {
	args := c.read()
	a := args.self()
	b := args.text(0, "")
	if args.err != nil {
		return nil, args.err
	}
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	if err1 != nil || err2 != nil {
		return nil, FilterError("[Errno 2] No such file or directory")
	}
	return os.SameFile(x, y), nil
}

func testURI(need string) Func {
	return func(c *Call) (any, error) {
		s, ok := c.Value.(string)
		if !ok {
			return false, Defined(c.Value)
		}
		d := splitURL(s)
		scheme, _ := d.At("scheme").(string)
		switch need {
		case "urn:":
			return scheme == "urn", nil
		case "//":
			if d.At("netloc") == "" {
				return false, nil
			}
		}
		if scheme == "" {
			return false, nil
		}
		if len(c.Args) > 0 && c.Args[0] != missing && c.Args[0] != nil {
			return contains(c.rt, scheme, c.Args[0])
		}
		return true, nil
	}
}
