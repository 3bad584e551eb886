package inventory

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
)

// iniFile reads an inventory in Ansible's INI format, line by line.
type iniFile struct {
	*reader
	line  int
	group *Group
	kind  string // hosts, children or vars
	// pending are groups that were named before they were declared.
	pending map[string]*pendingGroup
	order   []string
}

type pendingGroup struct {
	kind    string // children or vars
	pos     diag.Pos
	parents []*Group
}

var (
	section   = form(`^\[([^:\]\s]+)(?::([\p{L}\p{N}_]+))?\]\s*(?:#.*)?$`)
	groupName = form(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

var sectionKinds = []string{"hosts", "children", "vars"}

func (r *reader) readINI() {
	f := &iniFile{reader: r, kind: "hosts", group: r.inv.groups["ungrouped"], pending: map[string]*pendingGroup{}}
	for i, line := range r.lines {
		f.line = i + 1
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		f.read(line, trimmed)
	}
	f.unresolved()
}

// at is the place of a part of the line.
func (f *iniFile) at(line, part string) diag.Pos {
	return f.atByte(line, max(0, strings.Index(line, part)))
}

func (f *iniFile) atByte(line string, offset int) diag.Pos {
	return diag.Pos{File: f.file, Line: f.line, Col: utf8.RuneCountInString(line[:min(offset, len(line))]) + 1}
}

func (f *iniFile) read(line, trimmed string) {
	if m := section().FindStringSubmatch(trimmed); m != nil {
		f.section(line, m[1], m[2])
		return
	}
	if strings.HasPrefix(trimmed, "[") && strings.HasSuffix(trimmed, "]") {
		f.badSection(line, trimmed)
		return
	}
	switch f.kind {
	case "hosts":
		f.hostLine(line)
	case "vars":
		f.varLine(line, trimmed)
	case "children":
		f.childLine(line, trimmed)
	}
}

func (f *iniFile) section(line, name, kind string) {
	pos := f.at(line, name)
	name = f.called(name, pos)
	if kind == "" {
		kind = "hosts"
	}
	switch kind {
	case "hosts", "children", "vars":
	default:
		fix := say.T("write [%[1]s], [%[1]s:children] or [%[1]s:vars]", "[%[1]s], [%[1]s:children], [%[1]s:vars] 중 하나로 쓰세요", name)
		if near := diag.Nearest(kind, sectionKinds); near != "" {
			fix = say.T("did you mean [%s:%s]?", "[%s:%s]{을/를} 쓰려던 것인가요?", name, near)
			kind = near // so that the lines below are read as they were meant
		} else {
			kind = "ignored"
		}
		f.fail(f.at(line, ":"), "inventory-section",
			say.T("unknown kind of section in %s", "알 수 없는 구역 종류: %s", strings.TrimSpace(line)), say.Text{}, fix)
	}
	f.kind = kind
	f.declare(name, kind, pos)
}

// declare makes the group of a section. A section of variables alone does not
// declare its group: it must be named elsewhere.
func (f *iniFile) declare(name, kind string, pos diag.Pos) {
	if f.inv.groups[name] == nil && kind == "vars" && f.pending[name] == nil {
		f.wait(name, &pendingGroup{kind: "vars", pos: pos})
	}
	f.group = f.reader.group(name, pos)
	if kind == "vars" {
		return
	}
	if p := f.pending[name]; p != nil {
		delete(f.pending, name)
		for _, parent := range p.parents {
			f.child(parent, f.group, p.pos)
		}
	}
}

func (f *iniFile) wait(name string, p *pendingGroup) {
	f.pending[name] = p
	f.order = append(f.order, name)
}

func (f *iniFile) badSection(line, trimmed string) {
	f.kind = "ignored"
	fix := say.T("remove the spaces and other characters", "공백과 다른 문자를 지우세요")
	if tight := strings.Join(strings.Fields(trimmed), ""); section().MatchString(tight) {
		fix = say.T("write %s", "%s{으로/로} 쓰세요", tight)
	}
	f.fail(f.at(line, "["), "inventory-section",
		say.T("%s is not a section", "%s{은/는} 올바른 구역이 아닙니다", trimmed),
		say.T("a section is [group], [group:children] or [group:vars], without spaces", "구역은 [그룹], [그룹:children], [그룹:vars] 꼴이고 공백이 없어야 합니다"),
		fix)
}

// childLine reads the name of a group below the section's.
func (f *iniFile) childLine(line, trimmed string) {
	m := groupName().FindStringSubmatch(trimmed)
	pos := f.at(line, trimmed)
	if m == nil {
		f.fail(pos, "inventory-child",
			say.T("'%s' is not the name of a group", "'%s'{은/는} 그룹 이름이 아닙니다", trimmed),
			say.T("a section [%s:children] lists groups, one in each line", "[%s:children] 구역에는 그룹 이름을 한 줄에 하나씩 적습니다", f.group.Name),
			say.T("put variables in [%[1]s:vars] and hosts in [%[1]s]", "변수는 [%[1]s:vars]에, 호스트는 [%[1]s]에 적으세요", f.group.Name))
		return
	}
	name := f.called(m[1], pos)
	if g := f.inv.groups[name]; g != nil && (f.pending[name] == nil || f.pending[name].kind == "vars") {
		f.child(f.group, g, pos)
		return
	}
	p := f.pending[name]
	if p == nil {
		p = &pendingGroup{kind: "children", pos: pos}
		f.wait(name, p)
	}
	p.parents = append(p.parents, f.group)
}

func (f *iniFile) varLine(line, trimmed string) {
	key, val, ok := strings.Cut(trimmed, "=")
	pos := f.at(line, trimmed)
	if !ok {
		f.fail(pos, "inventory-variable",
			say.T("'%s' is not 'name=value'", "'%s'{은/는} '이름=값' 꼴이 아닙니다", trimmed),
			say.T("a section [%s:vars] holds variables, one in each line", "[%s:vars] 구역에는 변수를 한 줄에 하나씩 적습니다", f.group.Name),
			say.T("add '=' and the value, or move the line to [%s] when it is a host", "'='와 값을 넣거나, 호스트라면 [%s]{으로/로} 옮기세요", f.group.Name))
		return
	}
	f.groupVar(f.group, strings.TrimSpace(key), iniValue(strings.TrimSpace(val)), pos)
}

// hostLine reads a host, or a range of hosts, and its variables.
func (f *iniFile) hostLine(line string) {
	words, bad := splitWords(line)
	if bad >= 0 {
		f.fail(f.atByte(line, bad), "inventory-quote",
			say.T("the quote is never closed", "따옴표가 닫히지 않았습니다"), say.Text{},
			say.T("close it in the same line; outside of quotes write \\' for an apostrophe", "같은 줄에서 닫으세요. 따옴표 밖의 '는 \\'로 적습니다"))
		return
	}
	if len(words) == 0 {
		return
	}
	first := words[0]
	pos := f.atByte(line, first.at)
	if !f.hostName(first.text, pos) {
		return
	}
	type variable struct {
		key string
		val any
	}
	var vars []variable
	for _, w := range words[1:] {
		key, val, ok := strings.Cut(w.text, "=")
		if !ok {
			f.fail(f.atByte(line, w.at), "inventory-variable",
				say.T("'%s' is not 'name=value'", "'%s'{은/는} '이름=값' 꼴이 아닙니다", w.text),
				say.T("behind the host '%s' only variables may follow", "호스트 '%s' 뒤에는 변수만 올 수 있습니다", first.text),
				say.T("write it without spaces around '='; put a value with spaces in quotes; each host has a line of its own", "'=' 앞뒤에 공백 없이 쓰고, 공백이 든 값은 따옴표로 감싸세요. 호스트는 한 줄에 하나씩 적습니다"))
			break // the words behind it have the same cause
		}
		vars = append(vars, variable{key, iniValue(val)})
	}
	for _, h := range f.hosts(first.text, f.group, pos) {
		for _, v := range vars {
			h.Vars.Set(v.key, v.val)
		}
	}
}

// hostName refuses what cannot be meant as the name of a host.
func (f *iniFile) hostName(name string, pos diag.Pos) bool {
	_, _, hasPort := parseAddress(name)
	switch {
	case strings.TrimSpace(name) == "---":
		f.fail(pos, "inventory-format",
			say.T("'---' begins a YAML file, and this one was read as INI", "'---'는 YAML 파일의 시작인데 이 파일은 INI로 읽었습니다"), say.Text{},
			say.T("end the file's name in .yml", "파일 이름을 .yml로 끝내세요"))
	case strings.HasSuffix(strings.TrimSpace(name), ":") && !hasPort:
		f.fail(pos, "inventory-host-name",
			say.T("the host '%s' ends in ':', and no port follows", "호스트 '%s'{이/가} ':'로 끝나는데 포트가 없습니다", name), say.Text{},
			say.T("remove the ':', or write the port behind it; name a YAML file .yml", "':'를 지우거나 포트를 적으세요. YAML 파일이면 이름을 .yml로 하세요"))
	default:
		return true
	}
	return false
}

// unresolved reports groups that were named and never declared.
func (f *iniFile) unresolved() {
	var declared []string
	for _, g := range f.inv.groupOrder {
		if f.pending[g.Name] == nil {
			declared = append(declared, g.Name)
		}
	}
	for _, name := range f.order {
		p := f.pending[name]
		if p == nil {
			continue
		}
		delete(f.pending, name)
		fix := say.T("add a section [%s]", "[%s] 구역을 추가하세요", name)
		if near := diag.Nearest(name, declared); near != "" {
			fix = say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
		}
		what := say.T("[%s:vars] is for a group that is not defined", "[%s:vars]의 그룹이 정의되어 있지 않습니다", name)
		if p.kind == "children" {
			what = say.T("[%s:children] names the group '%s', which is not defined", "[%s:children]에 적힌 그룹 '%s'{이/가} 정의되어 있지 않습니다", p.parents[0].Name, name)
		}
		f.fail(p.pos, "inventory-unknown-group", what, say.Text{}, fix)
	}
}

// iniValue reads a value as Python's literal_eval does; what is no literal is
// text. Unlike in JSON, true, false and null are text.
func iniValue(s string) any {
	if s == "" || !mayBeLiteral(s) || twoSigns.MatchString(s) {
		return s
	}
	v, err := value.ParseLiteral(s)
	if err != nil {
		return s
	}
	return v
}

// twoSigns is what an expression may have and a literal may not.
var twoSigns = regexp.MustCompile(`^\s*[-+]\s*[-+]`)

// mayBeLiteral quickly tells the many plain words from literals, and finds
// JSON's words, which ParseLiteral would take.
func mayBeLiteral(s string) bool {
	switch c := s[0]; {
	case c >= '0' && c <= '9', strings.IndexByte("+-.([{'\" \t", c) >= 0:
	case strings.IndexByte("TFNrRbBuU", c) >= 0:
	default:
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '#': // a comment to Python
			return true
		case c == '\'' || c == '"':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case c == 't' || c == 'f' || c == 'n':
			for _, w := range []string{"true", "false", "null"} {
				if strings.HasPrefix(s[i:], w) {
					return false
				}
			}
		}
	}
	return true
}

// shellWord is a word of a line, and the byte where it begins.
type shellWord struct {
	text string
	at   int
}

// splitWords splits a line as a POSIX shell does, with comments. Bad is the
// byte of a quote that is never closed, or -1.
func splitWords(line string) (words []shellWord, bad int) {
	var word strings.Builder
	start := -1
	end := func() {
		if start >= 0 {
			words = append(words, shellWord{word.String(), start})
			word.Reset()
			start = -1
		}
	}
	begin := func(i int) {
		if start < 0 {
			start = i
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r', '\n':
			end()
		case '#':
			end()
			return words, -1
		case '\\':
			begin(i)
			if i+1 >= len(line) {
				return nil, i
			}
			i++
			word.WriteByte(line[i])
		case '\'', '"':
			begin(i)
			open := i
			for i++; i < len(line) && line[i] != c; i++ {
				if c == '"' && line[i] == '\\' && i+1 < len(line) {
					if next := line[i+1]; next != '"' && next != '\\' {
						word.WriteByte('\\')
					}
					i++
				}
				word.WriteByte(line[i])
			}
			if i >= len(line) {
				return nil, open
			}
		default:
			begin(i)
			word.WriteByte(c)
		}
	}
	end()
	return words, -1
}
