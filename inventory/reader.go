package inventory

import (
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
)

// reader puts what one source says into the inventory. The formats (INI, YAML,
// TOML, JSON) call it; it knows the rules that they share.
type reader struct {
	inv      *Inventory
	source   *source
	file     string
	lines    []string // of the file, for problems
	problems diag.Problems
	warned   map[string]bool
}

func (r *reader) add(pos diag.Pos, severity diag.Severity, id string, what, why, fix say.Text) {
	p := diag.Problem{Severity: severity, ID: id, Pos: pos, What: what, Why: why, Fix: fix}
	if pos.Line >= 1 && pos.Line <= len(r.lines) {
		p.Source = r.lines[pos.Line-1]
	}
	r.problems = append(r.problems, p)
}

func (r *reader) fail(pos diag.Pos, id string, what, why, fix say.Text) {
	r.add(pos, diag.Error, id, what, why, fix)
}

func (r *reader) warn(pos diag.Pos, id string, what, why, fix say.Text) {
	r.add(pos, diag.Warning, id, what, why, fix)
}

// group returns the group of this name, made when it is new. Letters that
// cannot be in a variable's name are warned of, or replaced (Options.GroupNames).
func (r *reader) group(name string, pos diag.Pos) *Group {
	return r.inv.group(r.called(name, pos), pos)
}

// called is the name that a group goes by.
func (r *reader) called(name string, pos diag.Pos) string {
	if r.inv.groups[name] != nil {
		return name
	}
	bad := badLetters(name)
	if bad == "" {
		return name
	}
	mode := r.inv.options.GroupNames
	replace := mode == "always" || mode == "silently"
	if mode != "ignore" && mode != "silently" && !r.warned[name] {
		r.warned[name] = true
		fix := say.T("write it as '%s'", "'%s'{으로/로} 쓰세요", safeName(name))
		if replace {
			fix = say.T("it is called '%s' here", "여기서는 '%s'{이라/라} 부릅니다", safeName(name))
		}
		r.warn(pos, "inventory-group-name",
			say.T("the group name '%s' holds %s", "그룹 이름 '%s'에 %s{이/가} 들어 있습니다", name, bad),
			say.T("a group's name should be usable as a variable: letters, digits and _, not beginning with a digit", "그룹 이름은 변수 이름처럼 글자, 숫자, _로 이루어지고 숫자로 시작하지 않는 것이 좋습니다"),
			fix)
	}
	if replace {
		return safeName(name)
	}
	return name
}

var badLetter = form(`^[\p{Nd}]|[^\p{L}\p{N}_]`)

func badLetters(name string) string {
	var out []string
	seen := map[string]bool{}
	for _, c := range badLetter().FindAllString(name, -1) {
		if !seen[c] {
			seen[c] = true
			out = append(out, "'"+c+"'")
		}
	}
	return strings.Join(out, " ")
}

// child puts a group below another, unless that closes a circle.
func (r *reader) child(parent, child *Group, pos diag.Pos) {
	way := pathDown(child, parent)
	if way == nil {
		addChild(parent, child)
		return
	}
	steps := make([]string, 0, len(way)+1)
	steps = append(steps, parent.Name)
	for _, g := range way {
		steps = append(steps, g.Name)
	}
	if parent == child {
		steps = steps[:2]
	}
	r.fail(pos, "inventory-group-loop",
		say.T("the group '%s' cannot be below '%s': they would contain each other", "그룹 '%s'{을/를} '%s' 아래에 둘 수 없습니다. 서로를 포함하게 됩니다", child.Name, parent.Name),
		say.T("the circle is %s", "순환 경로: %s", strings.Join(steps, " → ")),
		say.T("remove one of these steps", "이 경로에서 하나를 없애세요"))
}

// hosts puts the hosts that an entry stands for into a group.
func (r *reader) hosts(entry string, g *Group, pos diag.Pos) []*Host {
	names, port, problem := expandHosts(entry)
	if !problem.IsZero() {
		r.fail(pos, "inventory-range", problem, say.Text{},
			say.T("write web[01:20], db[a:c] or web[1:9:2]", "web[01:20], db[a:c], web[1:9:2]처럼 쓰세요"))
		return nil
	}
	out := make([]*Host, 0, len(names))
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			r.fail(pos, "inventory-host-name", say.T("a host needs a name", "호스트 이름이 비어 있습니다"), say.Text{}, say.T("write its name or address", "이름이나 주소를 적으세요"))
			continue
		}
		h := r.inv.host(name, port, r.source, pos)
		addMember(g, h)
		out = append(out, h)
	}
	return out
}

// groupVar sets a variable of a group. ansible_group_priority is none: it
// orders the group.
func (r *reader) groupVar(g *Group, key, v any, pos diag.Pos) {
	if key != "ansible_group_priority" {
		g.Vars.Set(key, v)
		if name, ok := key.(string); ok {
			g.places[name] = pos
		}
		return
	}
	n, ok := wholeNumber(v)
	if !ok {
		r.fail(pos, "inventory-priority",
			say.T("ansible_group_priority must be a whole number, not '%s'", "ansible_group_priority는 정수여야 합니다: '%s'", value.Str(v)),
			say.Text{}, say.T("write a number; groups with a larger one win", "숫자를 쓰세요. 큰 쪽이 이깁니다"))
		return
	}
	g.Priority = n
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		return int(v), v == v && v > -1e9 && v < 1e9
	case string:
		n, err := value.ParseLiteral(strings.TrimSpace(v))
		i, ok := n.(int)
		return i, err == nil && ok
	}
	return 0, false
}

// conflicts warns of names that are both a host and a group.
func (inv *Inventory) conflicts() diag.Problems {
	var out diag.Problems
	for _, g := range inv.groupOrder {
		if h := inv.hosts[g.Name]; h != nil {
			out = append(out, diag.Problem{Severity: diag.Warning, ID: "inventory-same-name", Pos: h.Pos,
				What: say.T("'%s' is the name of both a group and a host", "'%s'{은/는} 그룹 이름이면서 호스트 이름입니다", g.Name),
				Why:  say.T("a pattern with this name means the host", "패턴에 이 이름을 쓰면 호스트를 뜻합니다"),
				Fix:  say.T("rename one of the two", "둘 중 하나의 이름을 바꾸세요")})
		}
	}
	return append(out, inv.localTwins()...)
}

// localTwins warns when this machine is named twice: only the first name is
// used where "localhost" is meant.
func (inv *Inventory) localTwins() (out diag.Problems) {
	first := ""
	for _, h := range inv.hostOrder {
		switch {
		case !isLocal(h.Name):
		case first == "":
			first = h.Name
		default:
			out = append(out, diag.Problem{Severity: diag.Warning, ID: "inventory-localhost-twice", Pos: h.Pos,
				What: say.T("'%s' and '%s' both name this machine", "'%s'{와/과} '%s'{은/는} 모두 이 컴퓨터입니다", first, h.Name),
				Why:  say.T("they are two hosts, and tasks run once for each", "서로 다른 호스트로 다루어 작업이 한 번씩 실행됩니다"),
				Fix:  say.T("keep one of them", "하나만 남기세요")})
		}
	}
	return out
}
