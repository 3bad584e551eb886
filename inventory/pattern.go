package inventory

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"

	"sunup/internal/diag"
	"sunup/internal/say"
)

// Select returns the hosts that a pattern means, in Ansible's order: in the
// order of the parts of the pattern, and within a part in inventory order.
// A limit ("" for none) is a second pattern, which may also name files of
// patterns (@site.retry), that all hosts must match as well.
func (inv *Inventory) Select(pattern, limit string) ([]*Host, diag.Problems) {
	return inv.SelectList([]string{pattern}, limit)
}

// SelectList is Select for a list of patterns, as hosts: takes one. It is not
// the same as joining them with commas: a pattern with a comma is not split at
// its colons any more.
func (inv *Inventory) SelectList(patterns []string, limit string) ([]*Host, diag.Problems) {
	if len(patterns) == 0 {
		return nil, nil
	}
	s := &selection{inv: inv, groups: inv.Groups(), hosts: inv.allNamed()}
	var parts []string
	for _, p := range patterns {
		parts = append(parts, splitPattern(p)...)
	}
	hosts := s.evaluate(parts)
	if limit == "" {
		return hosts, s.problems
	}
	within := map[*Host]bool{}
	for _, h := range s.evaluate(s.limitPatterns(limit)) {
		within[h] = true
	}
	kept := make([]*Host, 0, len(hosts))
	for _, h := range hosts {
		if within[h] {
			kept = append(kept, h)
		}
	}
	return kept, s.problems
}

// allNamed are all hosts, those in no group included, in the order they were
// named.
func (inv *Inventory) allNamed() []*Host {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return slices.Clip(inv.hostOrder)
}

// Sort returns hosts in the order that a play's keyword order names: "" or
// inventory, reverse_inventory, sorted, reverse_sorted, shuffle. It reports
// false for another word.
func Sort(hosts []*Host, order string) ([]*Host, bool) {
	out := append([]*Host(nil), hosts...)
	switch order {
	case "", "inventory":
	case "reverse_inventory":
		for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
			out[i], out[j] = out[j], out[i]
		}
	case "sorted":
		sort.SliceStable(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	case "reverse_sorted":
		sort.SliceStable(out, func(i, j int) bool { return out[i].Name > out[j].Name })
	case "shuffle":
		rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	default:
		return nil, false
	}
	return out, true
}

// Orders are the words that Sort knows.
var Orders = []string{"inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle"}

// selection evaluates one pattern.
type selection struct {
	inv      *Inventory
	groups   []*Group
	hosts    []*Host
	problems diag.Problems
}

func (s *selection) add(severity diag.Severity, id string, what, why, fix say.Text) {
	for _, p := range s.problems {
		if p.ID == id && p.What.String() == what.String() {
			return
		}
	}
	s.problems = append(s.problems, diag.Problem{Severity: severity, ID: id, What: what, Why: why, Fix: fix})
}

var colonParts = regexp.MustCompile(`(?:[^\s:\[\]]|\[[^\]]*\])+`)

// splitPattern splits a pattern at its commas; one without commas at colons and
// spaces, unless it is a name or an address with a port.
func splitPattern(pattern string) []string {
	var parts []string
	switch {
	case strings.Contains(pattern, ","):
		parts = strings.Split(pattern, ",")
	case isHostname(pattern):
		parts = []string{pattern}
	default:
		if _, _, ok := parseAddress(pattern); ok {
			parts = []string{pattern}
		} else {
			parts = colonParts.FindAllString(pattern, -1)
		}
	}
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// limitPatterns splits a limit and puts in the lines of the files it names.
func (s *selection) limitPatterns(limit string) []string {
	var out []string
	for _, p := range splitPattern(limit) {
		if p[0] != '@' {
			out = append(out, p)
			continue
		}
		text, err := os.ReadFile(s.path(p[1:]))
		if err != nil {
			reason := say.Plain(err.Error())
			if errors.Is(err, os.ErrNotExist) {
				reason = say.Text{}
			}
			s.add(diag.Error, "limit-file", say.T("the limit file '%s' cannot be read", "제한 파일 '%s'{을/를} 읽을 수 없습니다", p[1:]), reason,
				say.T("check its name; a limit that begins with '@' names a file", "이름을 확인하세요. '@'로 시작하는 제한은 파일 이름입니다"))
			return []string{"!all"} // no host rather than all hosts
		}
		for _, line := range strings.Split(string(text), "\n") {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	}
	return out
}

func (s *selection) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.inv.options.BaseDir, name)
}

// evaluate takes the plain parts first, then those with &, then those with !.
func (s *selection) evaluate(parts []string) []*Host {
	var hosts []*Host
	seen := map[*Host]bool{}
	for _, p := range ordered(parts) {
		if h := s.named(p); h != nil {
			hosts = appendNew(hosts, seen, h)
			continue
		}
		matched := s.match(strings.TrimLeft(p[:1], "&!") + p[1:])
		switch p[0] {
		case '!', '&':
			hosts = filter(hosts, seen, matched, p[0] == '&')
		default:
			hosts = appendNew(hosts, seen, matched...)
		}
	}
	return hosts
}

func ordered(parts []string) []string {
	var plain, and, not []string
	for _, p := range parts {
		switch {
		case p == "":
		case p[0] == '!':
			not = append(not, p)
		case p[0] == '&':
			and = append(and, p)
		default:
			plain = append(plain, p)
		}
	}
	if len(plain) == 0 {
		plain = []string{"all"}
	}
	return append(append(plain, and...), not...)
}

func appendNew(hosts []*Host, seen map[*Host]bool, more ...*Host) []*Host {
	for _, h := range more {
		if !seen[h] {
			seen[h] = true
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// filter keeps the hosts that are in set, or those that are not.
func filter(hosts []*Host, seen map[*Host]bool, set []*Host, keepIn bool) []*Host {
	in := make(map[*Host]bool, len(set))
	for _, h := range set {
		in[h] = true
	}
	kept := make([]*Host, 0, len(hosts))
	for _, h := range hosts {
		if in[h] == keepIn {
			kept = append(kept, h)
		} else {
			delete(seen, h)
		}
	}
	return kept
}

func (s *selection) named(name string) *Host {
	s.inv.mu.RLock()
	defer s.inv.mu.RUnlock()
	return s.inv.hosts[name]
}

var subscripted = regexp.MustCompile(`^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$`)

// match returns the hosts of one part, without its & or !.
func (s *selection) match(part string) []*Host {
	if part == "" {
		s.add(diag.Error, "pattern-invalid", say.T("nothing stands behind '&' or '!' in the pattern", "패턴의 '&'나 '!' 뒤에 아무것도 없습니다"), say.Text{},
			say.T("write it without a space: web:&seoul", "공백 없이 붙여 쓰세요: web:&seoul"))
		return nil
	}
	expression, m := part, subscripted.FindStringSubmatch(part)
	if part[0] == '~' {
		m = nil // the brackets are the regular expression's
	}
	if m != nil {
		expression = m[1]
	}
	hosts := s.enumerate(expression)
	if m == nil || len(hosts) == 0 {
		return hosts
	}
	return s.subscript(part, hosts, m)
}

// subscript takes one host, or those from x to y, both included.
func (s *selection) subscript(part string, hosts []*Host, m []string) []*Host {
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil { // too large a number is behind every host
			return len(hosts)
		}
		return n
	}
	if m[2] == "" && (m[5] == "" || number(m[5]) != 0) {
		from, to := number(m[3]), len(hosts)-1
		if m[5] != "" {
			to = min(number(m[5]), to)
		}
		if m[4] == "-" {
			s.add(diag.Warning, "pattern-range", say.T("the pattern '%s' should be written with a colon", "패턴 '%s'{은/는} 콜론으로 써야 합니다", part), say.Text{},
				say.T("write %s[%s:%s]", "%s[%s:%s]처럼 쓰세요", m[1], m[3], m[5]))
		}
		if from > to {
			return nil
		}
		return hosts[from : to+1]
	}
	i := number(m[2] + m[3])
	if i < 0 {
		i += len(hosts)
	}
	if i < 0 || i >= len(hosts) {
		s.add(diag.Error, "pattern-index",
			say.T("the pattern '%s' asks for a host that is not there", "패턴 '%s'{이/가} 가리키는 호스트가 없습니다", part),
			say.T("'%s' has %d hosts, counted from 0", "'%s'의 호스트는 %d대이고 0부터 셉니다", m[1], len(hosts)),
			say.T("use a smaller number", "더 작은 수를 쓰세요"))
		return nil
	}
	return hosts[i : i+1]
}

// enumerate returns the hosts of the groups that an expression matches, and
// the hosts that it matches itself. A host may be there twice: a subscript
// counts it twice, too.
func (s *selection) enumerate(expression string) []*Host {
	matches, err := compilePattern(expression)
	if err != nil {
		s.add(diag.Error, "pattern-invalid", say.T("the pattern '%s' is not valid", "패턴 '%s'{이/가} 올바르지 않습니다", expression), say.Plain(err.Error()),
			say.T("correct the regular expression behind '~'", "'~' 뒤의 정규식을 고치세요"))
		return nil
	}
	var hosts []*Host
	anyGroup := false
	for _, g := range s.groups {
		if matches(g.Name) {
			anyGroup = true
			hosts = append(hosts, g.AllHosts()...)
		}
	}
	if !anyGroup || expression[0] == '~' || strings.ContainsAny(expression, ".?*[") {
		for _, h := range s.hosts {
			if matches(h.Name) {
				hosts = append(hosts, h)
			}
		}
	}
	if len(hosts) == 0 && isLocal(expression) {
		hosts = []*Host{s.inv.localhost(expression)}
	}
	if len(hosts) == 0 && !anyGroup && expression != "all" {
		s.unmatched(expression)
	}
	return hosts
}

func (s *selection) unmatched(expression string) {
	names := make([]string, 0, len(s.groups)+len(s.hosts))
	for _, g := range s.groups {
		names = append(names, g.Name)
	}
	// Did-you-mean among many thousand hosts costs more than it helps.
	const tooMany = 5000
	if len(s.hosts) <= tooMany {
		for _, h := range s.hosts {
			names = append(names, h.Name)
		}
	}
	fix := say.T("see the names with: inventory --graph", "이름은 inventory --graph로 볼 수 있습니다")
	if near := diag.Nearest(expression, names); near != "" {
		fix = say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
	}
	s.add(diag.Warning, "pattern-unmatched",
		say.T("Could not match supplied host pattern, ignoring: %s", "호스트 패턴에 맞는 것이 없어 무시합니다: %s", expression), say.Text{}, fix)
}

// compilePattern returns the test of a name, a shell glob or a ~regular
// expression.
func compilePattern(expression string) (func(string) bool, error) {
	if expression[0] == '~' {
		return pythonPattern("^(?:" + expression[1:] + ")")
	}
	if !strings.ContainsAny(expression, "*?[") {
		return func(name string) bool { return name == expression }, nil
	}
	form, err := regexp.Compile(globForm(expression))
	if err != nil {
		return nil, err
	}
	return form.MatchString, nil
}

// globForm is the regular expression of a shell glob.
func globForm(glob string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		case '[':
			end := setEnd(glob, i)
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			b.WriteString(setForm(glob[i+1 : end]))
			i = end
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	b.WriteString(`\z`)
	return b.String()
}

// setEnd is the byte of the ] that closes the [ at i, or -1. A ] right at the
// beginning belongs to the set.
func setEnd(glob string, i int) int {
	j := i + 1
	if j < len(glob) && glob[j] == '!' {
		j++
	}
	if j < len(glob) && glob[j] == ']' {
		j++
	}
	k := strings.IndexByte(glob[min(j, len(glob)):], ']')
	if k < 0 {
		return -1
	}
	return j + k
}

func setForm(set string) string {
	not := ""
	if strings.HasPrefix(set, "!") {
		not, set = "^", set[1:]
	}
	set = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `&`, `\&`, `~`, `\~`).Replace(set)
	if _, err := regexp.Compile("[" + not + set + "]"); err != nil {
		return `[^\x00-\x{10FFFF}]` // an empty range such as z-a matches nothing
	}
	return "[" + not + set + "]"
}

// matchTime ends a regular expression that tries endlessly.
const matchTime = time.Second

// pythonPattern compiles a Python regular expression. Go's own engine takes
// nearly all of them and needs time that grows only with the text; look-around
// and back-references need the other one.
func pythonPattern(expression string) (func(string) bool, error) {
	if form, err := regexp.Compile(expression); err == nil {
		return form.MatchString, nil
	}
	form, err := regexp2.Compile(strings.ReplaceAll(expression, "(?P<", "(?<"))
	if err != nil {
		return nil, err
	}
	form.MatchTimeout = matchTime
	return func(name string) bool {
		ok, err := form.MatchString(name)
		return ok && err == nil
	}, nil
}
