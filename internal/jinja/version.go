package jinja

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sunup/internal/value"
)

var versionOps = map[string]string{
	"==": "eq", "=": "eq", "eq": "eq", "<": "lt", "lt": "lt", "<=": "le", "le": "le",
	">": "gt", "gt": "gt", ">=": "ge", "ge": "ge", "!=": "ne", "<>": "ne", "ne": "ne",
}

func testVersion(c *Call) (any, error) {
	args := c.read()
	a := args.self()
	b := args.anyText(0, "")
	if args.err != nil {
		return nil, args.err
	}
	if a == "" {
		return nil, FilterError("Input version value cannot be empty")
	}
	if b == "" {
		return nil, FilterError("Version parameter to compare against cannot be empty")
	}
	op, err := c.text(1, "eq")
	if err != nil {
		return nil, err
	}
	strict, kind := c.arg(2, nil), c.arg(3, nil)
	if strict != nil && kind != nil {
		return nil, FilterError("Cannot specify both 'strict' and 'version_type'")
	}
	compare := compareLoose
	if strict != nil && value.Truth(strict) {
		compare = compareStrict
	} else if kind != nil && value.Truth(kind) {
		switch value.Str(kind) {
		case "loose":
		case "strict":
			compare = compareStrict
		case "semver", "semantic":
			compare = compareSemantic
		case "pep440":
			compare = comparePEP440
		default:
			return nil, FilterError("Invalid version type (%s). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'", value.Str(kind))
		}
	}
	name, ok := versionOps[op]
	if !ok {
		return nil, FilterError("Invalid operator type (%s). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'", op)
	}
	o, err := compare(a, b)
	if err != nil {
		return nil, FilterError("Version comparison failed: %s", Message(err))
	}
	switch name {
	case "eq":
		return o == 0, nil
	case "ne":
		return o != 0, nil
	case "lt":
		return o < 0, nil
	case "le":
		return o <= 0, nil
	case "gt":
		return o > 0, nil
	}
	return o >= 0, nil
}

var loosePart = regexp.MustCompile(`\d+|[a-z]+|\.`)

// looseParts cuts a version into numbers and words.
func looseParts(s string) []any {
	var out []any
	last := 0
	add := func(text string) {
		if text == "" || text == "." {
			return
		}
		if n, err := strconv.Atoi(text); err == nil {
			out = append(out, n)
		} else {
			out = append(out, text)
		}
	}
	for _, m := range loosePart.FindAllStringIndex(s, -1) {
		add(s[last:m[0]])
		add(s[m[0]:m[1]])
		last = m[1]
	}
	add(s[last:])
	return out
}

func compareLoose(a, b string) (int, error) {
	x, y := looseParts(a), looseParts(b)
	o, err := value.Compare(list(x), list(y), "<")
	if err != nil {
		return 0, typeError("%s", err)
	}
	return o, nil
}

var strictVersion = regexp.MustCompile(`^(\d+)\.(\d+)(\.(\d+))?([ab](\d+))?$`)

func compareStrict(a, b string) (int, error) {
	parse := func(s string) ([]int, error) {
		m := strictVersion.FindStringSubmatch(s)
		if m == nil {
			return nil, FilterError("invalid version number '%s'", s)
		}
		n := func(t string) int { i, _ := strconv.Atoi(t); return i }
		// A final version comes behind its alphas and betas.
		pre, number := 2, 0
		if m[5] != "" {
			pre, number = int(m[5][0]-'a'), n(m[6])
		}
		return []int{n(m[1]), n(m[2]), n(m[4]), pre, number}, nil
	}
	x, err := parse(a)
	if err != nil {
		return 0, err
	}
	y, err := parse(b)
	return slices.Compare(x, y), err
}

var semanticVersion = regexp.MustCompile(
	`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

func compareSemantic(a, b string) (int, error) {
	m, n := semanticVersion.FindStringSubmatch(a), semanticVersion.FindStringSubmatch(b)
	for i, got := range [][]string{m, n} {
		if got == nil {
			return 0, FilterError("invalid semantic version '%s'", []string{a, b}[i])
		}
	}
	for i := 1; i <= 3; i++ {
		if o := compareDigits(m[i], n[i]); o != 0 {
			return o, nil
		}
	}
	return comparePrerelease(m[4], n[4]), nil
}

// compareDigits compares numbers of any length.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if o := cmp.Compare(len(a), len(b)); o != 0 {
		return o
	}
	return strings.Compare(a, b)
}

func comparePrerelease(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < len(x) && i < len(y); i++ {
		nx, ny := isDigits(x[i]), isDigits(y[i])
		o := 0
		switch {
		case nx && ny:
			o = compareDigits(x[i], y[i])
		case nx:
			o = -1
		case ny:
			o = 1
		default:
			o = strings.Compare(x[i], y[i])
		}
		if o != 0 {
			return o
		}
	}
	return cmp.Compare(len(x), len(y))
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

var pep440 = regexp.MustCompile(`^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d+)?)?` +
	`(?:-(\d+)|[-_.]?(?:post|rev|r)([-_.]?\d+)?)?(?:[-_.]?(dev)[-_.]?(\d+)?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$`)

// comparePEP440 orders Python package versions.
func comparePEP440(a, b string) (int, error) {
	x, err := pep440Key(a)
	if err != nil {
		return 0, err
	}
	y, err := pep440Key(b)
	if err != nil {
		return 0, err
	}
	return slices.Compare(x, y), nil
}

func pep440Key(s string) ([]int, error) {
	lower := strings.ToLower(s)
	m := pep440.FindStringSubmatchIndex(lower)
	if m == nil {
		return nil, FilterError("Invalid version: '%s'", s)
	}
	group := func(i int) (string, bool) {
		if m[2*i] < 0 {
			return "", false
		}
		return lower[m[2*i]:m[2*i+1]], true
	}
	number := func(i int) int {
		t, _ := group(i)
		n, _ := strconv.Atoi(strings.TrimLeft(t, "-_."))
		return n
	}
	const most = 1 << 40
	key := []int{number(1)}
	release, _ := group(2)
	parts := strings.Split(release, ".")
	for len(parts) > 1 && strings.Trim(parts[len(parts)-1], "0") == "" {
		parts = parts[:len(parts)-1]
	}
	for i := range 12 {
		n := 0
		if i < len(parts) {
			n, _ = strconv.Atoi(parts[i])
		}
		key = append(key, n)
	}
	pre, hasPre := group(3)
	_, hasImplicit := group(5)
	_, hasPost := group(6)
	hasPost = hasPost || hasImplicit || strings.Contains(lower, "post") || strings.Contains(lower, "rev")
	_, hasDev := group(7)
	switch {
	case hasPre:
		order := map[string]int{"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
		key = append(key, order[pre], number(4))
	case hasDev && !hasPost:
		key = append(key, 0, 0)
	default:
		key = append(key, 9, 0)
	}
	if hasPost {
		key = append(key, number(5)+number(6))
	} else {
		key = append(key, -1)
	}
	if hasDev {
		key = append(key, number(8))
	} else {
		key = append(key, most)
	}
	return key, nil
}
