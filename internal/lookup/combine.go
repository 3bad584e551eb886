package lookup

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sunup/internal/jinja"
	"sunup/internal/jinja/pyre"
	"sunup/internal/value"
)

func listOf(v any) []any {
	switch v := v.(type) {
	case *value.List:
		return v.Items
	case value.Tuple:
		return v
	}
	return []any{v}
}

func together(r *request) ([]any, error) {
	if len(r.terms) == 0 {
		return nil, fmt.Errorf("with_together requires at least one element in each list")
	}
	longest := 0
	for _, t := range r.terms {
		longest = max(longest, len(listOf(t)))
	}
	var out []any
	for i := range longest {
		row := &value.List{}
		for _, t := range r.terms {
			if l := listOf(t); i < len(l) {
				row.Append(l[i])
			} else {
				row.Append(nil)
			}
		}
		out = append(out, value.NewList(flatten(row.Items, 1)...))
	}
	return out, nil
}

// maxCombinations bounds with_nested: more would fill the memory.
const maxCombinations = 1_000_000

func nested(r *request) ([]any, error) {
	if len(r.terms) == 0 {
		return nil, fmt.Errorf("with_nested requires at least one element in the nested list")
	}
	rows := [][]any{{}}
	for _, t := range r.terms {
		l := listOf(t)
		if len(rows)*max(len(l), 1) > maxCombinations {
			return nil, fmt.Errorf("with_%s gives more than %d items", r.name, maxCombinations)
		}
		var next [][]any
		for _, row := range rows {
			for _, item := range l {
				next = append(next, append(append([]any(nil), row...), item))
			}
		}
		rows = next
	}
	out := make([]any, len(rows))
	for i, row := range rows {
		out[i] = value.NewList(flatten(row, 1)...)
	}
	return out, nil
}

func subelements(r *request) ([]any, error) {
	if len(r.terms) < 2 {
		return nil, fmt.Errorf("subelements lookup expects a list of two or three items")
	}
	skipMissing := false
	if len(r.terms) > 2 {
		if d, ok := r.terms[2].(*value.Dict); ok {
			skipMissing = value.Truth(d.At("skip_missing"))
		}
	}
	elements := listOf(r.terms[0])
	if d, ok := r.terms[0].(*value.Dict); ok {
		elements = d.Values()
	}
	path := strings.Split(value.Str(r.terms[1]), ".")
	var out []any
	for _, e := range elements {
		subs, err := subList(e, path)
		if err != nil {
			if skipMissing {
				continue
			}
			return nil, err
		}
		rest := without(e, path)
		for _, s := range subs {
			out = append(out, value.Tuple{rest, s})
		}
	}
	return out, nil
}

func subList(e any, path []string) ([]any, error) {
	cur := e
	for _, key := range path {
		d, ok := cur.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("subelements lookup expects a dictionary, got '%s'", value.Str(cur))
		}
		v, ok := d.Get(key)
		if !ok {
			return nil, fmt.Errorf("could not find '%s' key in iterated item '%s'", key, value.Str(e))
		}
		cur = v
	}
	l, ok := cur.(*value.List)
	if !ok {
		return nil, fmt.Errorf("the key %s should point to a list, got '%s'", strings.Join(path, "."), value.Str(cur))
	}
	return l.Items, nil
}

// without returns e without the list at path: the lookup hands out what is in the list beside the rest.
func without(e any, path []string) any {
	d, ok := e.(*value.Dict)
	if !ok {
		return e
	}
	out := d.Copy()
	if len(path) == 1 {
		out.Delete(path[0])
	} else {
		out.Set(path[0], without(d.At(path[0]), path[1:]))
	}
	return out
}

// sequenceForm is the short form of a sequence: [start-]end[/stride][:format].
var sequenceForm = regexp.MustCompile(`(?i)^(?:(0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(?:/(0?x?[0-9a-f]+))?(?::(.+))?$`)

// sequence makes numbers: "start=1 end=5 stride=2 format=x%02d" or "1-5/2:x%02d".
func sequence(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		s, err := r.sequenceOf(w)
		if err != nil {
			return nil, err
		}
		numbers, err := s.numbers(r.call)
		if err != nil {
			return nil, err
		}
		out = append(out, numbers...)
	}
	return out, nil
}

type numbering struct {
	start, end, stride int
	count              int
	hasEnd, hasCount   bool
	format             string
}

func (r *request) sequenceOf(term string) (numbering, error) {
	s := numbering{start: 1, stride: 1, format: "%d"}
	given := map[string]string{}
	if m := sequenceForm.FindStringSubmatch(strings.TrimSpace(term)); m != nil {
		for i, name := range []string{"", "start", "end", "stride", "format"} {
			if i > 0 && m[i] != "" {
				given[name] = m[i]
			}
		}
	} else {
		for _, w := range strings.Fields(term) {
			if k, v, ok := strings.Cut(w, "="); ok {
				given[k] = v
			} else {
				given["end"] = w
			}
		}
	}
	for k, v := range r.opts.All() {
		given[value.Str(k)] = value.Str(v)
	}
	for _, k := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains([]string{"start", "end", "stride", "count", "format"}, k) {
			return s, fmt.Errorf("unrecognized arguments to with_sequence: ['%s']", k)
		}
	}
	for _, k := range slices.Backward(slices.Sorted(maps.Keys(given))) {
		v := given[k]
		if k == "format" {
			s.format = v
			continue
		}
		n, err := strconv.ParseInt(v, 0, 32)
		if err != nil {
			return s, fmt.Errorf("can't parse %s=%s as integer", k, v)
		}
		switch k {
		case "start":
			s.start = int(n)
		case "end":
			s.end, s.hasEnd = int(n), true
		case "count":
			s.count, s.hasCount = int(n), true
		case "stride":
			s.stride = int(n)
		default:
			return s, fmt.Errorf("unrecognized arguments to with_sequence: %s", k)
		}
	}
	return s, nil
}

func (s numbering) numbers(c *jinja.Call) ([]any, error) {
	switch {
	case s.hasCount && s.hasEnd:
		return nil, fmt.Errorf("can't specify both count and end in with_sequence")
	case !s.hasCount && !s.hasEnd:
		return nil, fmt.Errorf("must specify count or end in with_sequence")
	case s.hasCount && s.count == 0:
		return nil, nil
	case s.hasCount:
		s.end = s.start + s.count*s.stride - s.stride
	}
	if s.stride > 0 && s.end < s.start {
		return nil, fmt.Errorf("to count backwards make stride negative")
	}
	if s.stride < 0 && s.end > s.start {
		return nil, fmt.Errorf("to count forward don't make stride negative")
	}
	if s.stride == 0 {
		return nil, nil
	}
	if strings.Count(s.format, "%") != 1 {
		return nil, fmt.Errorf("bad formatting string: %s", s.format)
	}
	if abs(s.end-s.start)/abs(s.stride) > maxCombinations {
		return nil, fmt.Errorf("with_sequence gives more than %d items", maxCombinations)
	}
	var out []any
	for n := s.start; (s.stride > 0 && n <= s.end) || (s.stride < 0 && n >= s.end); n += s.stride {
		text, err := c.Percent(s.format, n)
		if err != nil {
			return nil, fmt.Errorf("problem formatting %d with %s", n, value.Repr(s.format))
		}
		out = append(out, text)
	}
	return out, nil
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func randomChoice(r *request) ([]any, error) {
	if len(r.terms) == 0 {
		return r.terms, nil
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(r.terms))))
	if err != nil {
		return nil, fmt.Errorf("choose at random: %w", err)
	}
	return []any{r.terms[n.Int64()]}, nil
}

// inventoryHostnames lists the hosts of a pattern; groups come from the
// variable of that name.
func inventoryHostnames(r *request) ([]any, error) {
	v, _, err := r.variable("groups")
	if err != nil {
		return nil, err
	}
	groups, _ := v.(*value.Dict)
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	picked := map[string]bool{}
	for _, w := range words {
		for _, part := range strings.FieldsFunc(w, func(c rune) bool { return c == ',' || c == ':' }) {
			applyPattern(picked, groups, strings.TrimSpace(part))
		}
	}
	var out []any
	if all, ok := groups.At("all").(*value.List); ok {
		for _, h := range all.Items {
			if picked[value.Str(h)] {
				out = append(out, h)
			}
		}
	}
	return out, nil
}

func applyPattern(picked map[string]bool, groups *value.Dict, part string) {
	mode := byte(0)
	if part != "" && (part[0] == '!' || part[0] == '&') {
		mode, part = part[0], part[1:]
	}
	match := map[string]bool{}
	for k, v := range groups.All() {
		name := value.Str(k)
		ok, _ := filepath.Match(part, name)
		for _, h := range listOf(v) {
			host := value.Str(h)
			hostOK, _ := filepath.Match(part, host)
			if ok || hostOK {
				match[host] = true
			}
		}
	}
	switch mode {
	case '!':
		for h := range match {
			delete(picked, h)
		}
	case '&':
		for h := range picked {
			if !match[h] {
				delete(picked, h)
			}
		}
	default:
		for h := range match {
			picked[h] = true
		}
	}
}

// variableNames lists variables whose names match patterns.
func variableNames(r *request) ([]any, error) {
	namer, ok := r.call.Scope().(interface{ Names() []string })
	if !ok {
		return nil, fmt.Errorf("varnames: no variables are available here")
	}
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		re, err := pyre.Compile(w, 0)
		if err != nil {
			return nil, fmt.Errorf("unable to use \"%s\" as a search parameter: %w", w, err)
		}
		for _, name := range namer.Names() {
			found, err := re.Search(name)
			if err != nil {
				return nil, err
			}
			if found != nil {
				out = append(out, name)
			}
		}
	}
	return out, nil
}
