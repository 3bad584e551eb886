package lookup

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

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
		for _, s := range subs {
			out = append(out, value.Tuple{e, s})
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

var sequenceForm = regexp.MustCompile(`^([0-9a-zA-Z]+)\s*-\s*([0-9a-zA-Z]+)(?:/(-?[0-9a-zA-Z]+))?(?::(.+))?$`)

// sequence makes numbers: "start=1 end=5 stride=2 format=x%02d" or "1-5/2:x%02d".
func sequence(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		words = []string{""}
	}
	var out []any
	for _, w := range words {
		s, err := r.sequenceOf(w)
		if err != nil {
			return nil, err
		}
		numbers, err := s.numbers()
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
		given["start"], given["end"] = m[1], m[2]
		if m[3] != "" {
			given["stride"] = m[3]
		}
		if m[4] != "" {
			given["format"] = m[4]
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

func (s numbering) numbers() ([]any, error) {
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
		out = append(out, fmt.Sprintf(s.format, n))
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

var passwordSets = map[string]string{
	"ascii_letters":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
	"ascii_uppercase": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"digits":          "0123456789",
	"hexdigits":       "0123456789abcdefABCDEF",
	"octdigits":       "01234567",
	"punctuation":     "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}

// password reads a password from a file, or makes one and keeps it there.
func password(r *request) ([]any, error) {
	words, err := r.words()
	if err != nil {
		return nil, err
	}
	var out []any
	for _, w := range words {
		path, opts := params(w)
		p, err := r.passwordAt(path, opts)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (r *request) passwordAt(path string, opts map[string]string) (string, error) {
	if path != "/dev/null" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.dirs()[len(r.dirs())-1], path)
		}
		if have, err := os.ReadFile(path); err == nil {
			text := strings.TrimRight(string(have), "\n")
			text, _, _ = strings.Cut(text, " salt=")
			return text, nil
		}
	}
	length, err := strconv.Atoi(r.option(opts, "length", "20"))
	if err != nil || length < 1 || length > 10_000 {
		return "", fmt.Errorf("password: length must be a number from 1 to 10000")
	}
	made, err := randomText(r.passwordChars(opts), length)
	if err != nil || path == "/dev/null" {
		return made, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("password: make directory: %w", err)
	}
	if err := os.WriteFile(path, []byte(made+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("password: write %s: %w", path, err)
	}
	return made, nil
}

func (r *request) passwordChars(opts map[string]string) string {
	var sets []string
	if l, ok := r.opts.At("chars").(*value.List); ok {
		for _, s := range l.Items {
			sets = append(sets, value.Str(s))
		}
	} else {
		sets = strings.Split(r.option(opts, "chars", "ascii_letters,digits,.,:,-,_"), ",")
	}
	seen := map[rune]bool{}
	for _, s := range sets {
		if known, ok := passwordSets[s]; ok {
			s = known
		}
		for _, c := range s {
			seen[c] = true
		}
	}
	all := make([]rune, 0, len(seen))
	for c := range seen {
		all = append(all, c)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return string(all)
}

func randomText(chars string, n int) (string, error) {
	set := []rune(chars)
	if len(set) == 0 {
		return "", fmt.Errorf("password: no characters to choose from")
	}
	out := make([]rune, n)
	for i := range out {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(set))))
		if err != nil {
			return "", fmt.Errorf("choose at random: %w", err)
		}
		out[i] = set[k.Int64()]
	}
	return string(out), nil
}
