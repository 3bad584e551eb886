package scenario

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"sunup/internal/diag"
	"sunup/internal/say"
)

// maxNodes bounds the work for one file: aliases can multiply.
const maxNodes = 500_000

// maxFile bounds the size of a scenario.
const maxFile = 8 << 20

// reader walks the nodes of one file and collects problems.
type reader struct {
	file     string
	lines    []string
	problems diag.Problems
	nodes    int
	tooMany  bool // hosts, said once
}

// field is what a mapping's key does with its value.
type field func(n *yaml.Node)

func (r *reader) problem(n *yaml.Node, id string, what, fix say.Text) {
	const enough = 100
	if len(r.problems) >= enough {
		return
	}
	p := diag.Problem{Severity: diag.Error, ID: id, Pos: diag.Pos{File: r.file}, What: what, Fix: fix}
	if n != nil && n.Line > 0 {
		p.Pos.Line, p.Pos.Col = n.Line, n.Column
		if n.Line <= len(r.lines) {
			p.Source = r.lines[n.Line-1]
		}
	}
	r.problems = append(r.problems, p)
}

// node resolves aliases and counts; false when there were too many.
func (r *reader) node(n *yaml.Node) (*yaml.Node, bool) {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if r.nodes++; r.nodes > maxNodes {
		if r.nodes == maxNodes+1 {
			r.problem(n, "too-large", say.T("the scenario is too large", "시나리오가 너무 큽니다"), say.Text{})
		}
		return nil, false
	}
	return n, n != nil
}

// each calls do for the entries of a mapping, in order, each key once.
func (r *reader) each(n *yaml.Node, do func(key *yaml.Node, value *yaml.Node)) {
	n, ok := r.node(n)
	if !ok || isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.problem(n, "not-a-mapping", say.T("a mapping is expected here", "여기에는 매핑이 와야 합니다"), say.T("write key: value lines, indented by two spaces", "두 칸 들여 쓴 '키: 값' 줄로 쓰십시오"))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			r.problem(key, "bad-key", say.T("this key is not a plain word", "키는 한 단어여야 합니다"), say.Text{})
			continue
		}
		if seen[key.Value] {
			r.problem(key, "duplicate-key", say.T("%q is here twice", "%q{이/가} 두 번 나옵니다", key.Value), say.T("keep one of them", "하나만 남기십시오"))
			continue
		}
		seen[key.Value] = true
		do(key, n.Content[i+1])
	}
}

// fields reads a mapping with known keys.
func (r *reader) fields(n *yaml.Node, known map[string]field) {
	r.each(n, func(key, value *yaml.Node) {
		if f, ok := known[key.Value]; ok {
			f(value)
			return
		}
		names := slices.Sorted(maps.Keys(known))
		fix := say.T("known here: %s", "여기서 쓸 수 있는 말: %s", strings.Join(names, ", "))
		if near := diag.Nearest(key.Value, names); near != "" {
			fix = say.T("did you mean %q?", "혹시 %q{이/가} 아닙니까?", near)
		}
		r.problem(key, "unknown-keyword", say.T("unknown keyword %q", "알 수 없는 말 %q", key.Value), fix)
	})
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// scalar gives the text of a scalar.
func (r *reader) scalar(n *yaml.Node) (string, bool) {
	n, ok := r.node(n)
	if !ok {
		return "", false
	}
	if n.Kind != yaml.ScalarNode {
		r.problem(n, "not-a-scalar", say.T("a single value is expected here", "여기에는 값 하나가 와야 합니다"), say.Text{})
		return "", false
	}
	if isNull(n) {
		return "", true
	}
	return n.Value, true
}

func (r *reader) text(to *string) field {
	return func(n *yaml.Node) {
		if v, ok := r.scalar(n); ok {
			*to = v
		}
	}
}

func (r *reader) name(to *string) field {
	return func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		if !nameRE.MatchString(v) {
			r.problem(n, "bad-name", say.T("%q is not a name", "%q{은/는} 이름으로 쓸 수 없습니다", v), say.T("use letters, digits, '.', '_' and '-'", "영문자, 숫자, '.', '_', '-'만 쓰십시오"))
			return
		}
		*to = v
	}
}

var nameRE = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$`)

func (r *reader) bool(to *bool) field {
	return func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		switch strings.ToLower(v) {
		case "true", "yes", "on":
			*to = true
		case "false", "no", "off":
			*to = false
		default:
			r.problem(n, "bad-bool", say.T("%q is neither true nor false", "%q{은/는} true나 false가 아닙니다", v), say.Text{})
		}
	}
}

func (r *reader) int(to *int, lo, hi int) field {
	return func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		i, err := strconv.Atoi(v)
		if err != nil || i < lo || i > hi {
			r.problem(n, "bad-number", say.T("%q is not a whole number from %d to %d", "%q{은/는} %d에서 %d 사이의 정수가 아닙니다", v, lo, hi), say.Text{})
			return
		}
		*to = i
	}
}

func (r *reader) float(to *float64) field {
	return func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || f <= 0 || f > 1e6 {
			r.problem(n, "bad-number", say.T("%q is not a positive number", "%q{은/는} 양수가 아닙니다", v), say.Text{})
			return
		}
		*to = f
	}
}

const maxDuration = 10 * 365 * 24 * time.Hour

func (r *reader) duration(to *time.Duration) field {
	return func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		d, err := time.ParseDuration(strings.TrimPrefix(v, "+"))
		if err != nil {
			// A bare number is seconds.
			if s, e := strconv.ParseFloat(v, 64); e == nil && math.Abs(s) < 1e9 {
				d, err = time.Duration(s*float64(time.Second)), nil
			}
		}
		if err != nil || d > maxDuration || d < -maxDuration {
			r.problem(n, "bad-duration", say.T("%q is not a duration", "%q{은/는} 시간 길이가 아닙니다", v), say.T("write it like 90s, 2m or 1h30m", "90s, 2m, 1h30m처럼 쓰십시오"))
			return
		}
		*to = d
	}
}

var sizeUnits = map[string]int64{"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

func (r *reader) size(to *int64) field {
	return func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		digits := strings.TrimRight(v, "BKMGTi")
		unit, known := sizeUnits[strings.TrimSuffix(v[len(digits):], "iB")]
		i, err := strconv.ParseInt(digits, 10, 40)
		if err != nil || !known || i < 0 || i > math.MaxInt64/unit {
			r.problem(n, "bad-size", say.T("%q is not a size", "%q{은/는} 크기가 아닙니다", v), say.T("write it like 512K, 20M or 4G", "512K, 20M, 4G처럼 쓰십시오"))
			return
		}
		*to = i * unit
	}
}

// items calls do for the elements of a list; a single value counts as a list
// of one.
func (r *reader) items(n *yaml.Node, do func(n *yaml.Node)) {
	n, ok := r.node(n)
	if !ok || isNull(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		do(n)
		return
	}
	for _, c := range n.Content {
		do(c)
	}
}

func (r *reader) texts(to *[]string) field {
	return func(n *yaml.Node) {
		*to = nil
		r.items(n, func(n *yaml.Node) {
			if v, ok := r.scalar(n); ok {
				*to = append(*to, v)
			}
		})
	}
}

func (r *reader) ports(to *[]int) field {
	return func(n *yaml.Node) {
		*to = nil
		r.items(n, func(n *yaml.Node) {
			port := 0
			r.int(&port, 1, 65535)(n)
			if port > 0 {
				*to = append(*to, port)
			}
		})
	}
}

func (r *reader) strings(to map[string]string) field {
	return func(n *yaml.Node) {
		r.each(n, func(key, value *yaml.Node) {
			if v, ok := r.scalar(value); ok {
				to[key.Value] = v
			}
		})
	}
}

func (r *reader) choice(to *string, words ...string) field {
	return func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		if !slices.Contains(words, v) {
			r.problem(n, "bad-choice", say.T("%q is not one of %s", "%q{은/는} %s 가운데 하나가 아닙니다", v, strings.Join(words, ", ")), say.Text{})
			return
		}
		*to = v
	}
}

// maxHosts bounds a fleet.
const maxHosts = 20_000

var rangeRE = regexp.MustCompile(`^(.*?)\[(\d{1,6}):(\d{1,6})\](.*)$`)

// hosts expands "kiosk[01:40]" and lists.
func (r *reader) hosts(n *yaml.Node) []string {
	var out []string
	r.items(n, func(n *yaml.Node) {
		v, ok := r.scalar(n)
		if !ok {
			return
		}
		list, err := expandRange(v)
		if err != nil {
			r.problem(n, "bad-range", say.T("%q is not a host or a range of hosts", "%q{은/는} 호스트나 호스트 범위가 아닙니다", v), say.T("write it like kiosk[01:40]", "kiosk[01:40]처럼 쓰십시오"))
			return
		}
		if len(out)+len(list) > maxHosts {
			if !r.tooMany {
				r.problem(n, "too-large", say.T("a fleet has at most %d hosts", "호스트는 최대 %d대입니다", maxHosts), say.Text{})
			}
			r.tooMany = true
			return
		}
		out = append(out, list...)
	})
	return out
}

func expandRange(s string) ([]string, error) {
	m := rangeRE.FindStringSubmatch(s)
	if m == nil {
		if !nameRE.MatchString(s) {
			return nil, fmt.Errorf("bad name")
		}
		return []string{s}, nil
	}
	from, _ := strconv.Atoi(m[2])
	to, _ := strconv.Atoi(m[3])
	if to < from || to-from >= maxHosts || strings.ContainsAny(m[4], "[") {
		return nil, fmt.Errorf("bad range")
	}
	width := 0
	if strings.HasPrefix(m[2], "0") {
		width = len(m[2])
	}
	var out []string
	for i := from; i <= to; i++ {
		name := fmt.Sprintf("%s%0*d%s", m[1], width, i, m[4])
		if !nameRE.MatchString(name) {
			return nil, fmt.Errorf("bad name")
		}
		out = append(out, name)
	}
	return out, nil
}
