package playbooks

import (
	"fmt"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// Inherited returns the innermost setting of a keyword, or nil.
func (s *Scope) Inherited(name string) *Keyword {
	for ; s != nil; s = s.Parent {
		if k := s.Keywords[name]; k != nil {
			return k
		}
	}
	return nil
}

// All returns every setting of a keyword, outermost first.
func (s *Scope) All(name string) []*Keyword {
	if s == nil {
		return nil
	}
	out := s.Parent.All(name)
	if k := s.Keywords[name]; k != nil {
		out = append(out, k)
	}
	return out
}

// AllTags returns the tags of the scope and of all around it, each once,
// outermost first.
func (s *Scope) AllTags() []string {
	var out []string
	seen := map[string]bool{}
	for _, sc := range s.chain() {
		for _, t := range sc.Tags {
			if !seen[t] {
				seen[t] = true
				out = append(out, t)
			}
		}
	}
	return out
}

// AllWhen returns the conditions in the order in which they are asked:
// outermost first.
func (s *Scope) AllWhen() []any {
	var out []any
	for _, sc := range s.chain() {
		out = append(out, sc.When...)
	}
	return out
}

// VarsChain returns the vars of all scopes, outermost first.
func (s *Scope) VarsChain() []*value.Dict {
	var out []*value.Dict
	for _, sc := range s.chain() {
		if sc.Vars.Len() > 0 {
			out = append(out, sc.Vars)
		}
	}
	return out
}

// RoleChain returns the role scopes around s, outermost first: for a
// dependency first the role that asked for it.
func (s *Scope) RoleChain() []*Scope {
	var out []*Scope
	for _, sc := range s.chain() {
		if sc.Kind == RoleScope {
			out = append(out, sc)
		}
	}
	return out
}

// InnermostRole is the role that s is in, or nil.
func (s *Scope) InnermostRole() *Role {
	for ; s != nil; s = s.Parent {
		if s.Kind == RoleScope {
			return s.Role
		}
	}
	return nil
}

// chain is the scopes from the play to s.
func (s *Scope) chain() []*Scope {
	n := 0
	for sc := s; sc != nil; sc = sc.Parent {
		n++
	}
	out := make([]*Scope, n)
	for sc := s; sc != nil; sc = sc.Parent {
		n--
		out[n] = sc
	}
	return out
}

// Title is the name of a task as it is shown: the role's before its own, and
// the module when it has none. An include_role shows the role that it includes
// instead of the one that it stands in.
func (t *Task) Title() string {
	name := t.Name
	if t.Include != nil && t.Include.Kind == IncludeRole {
		if name != "" {
			return name
		}
		role, ok := t.Args.Get("name")
		if !ok {
			role = t.Args.At("role")
		}
		return fmt.Sprintf("%s : %v", t.Action, role)
	}
	if name == "" {
		name = t.Action
	}
	if role := t.InnermostRole(); role != nil {
		return role.Name + " : " + name
	}
	return name
}

// Inside is the scope for what a dynamic include brings in: it inherits from
// around the include, not from the include itself, except for its vars and
// what stands under apply. file is the rendered name of a task file, empty for
// a role.
func (t *Task) Inside(file string) *Scope {
	s := &Scope{Kind: ImportScope, Parent: t.Parent, Pos: t.Pos, Keywords: Keywords{}, File: file, Origin: t.ID}
	s.Vars = t.Vars
	if t.Include == nil || t.Include.Apply == nil {
		return s
	}
	apply := t.Include.Apply
	s.Keywords, s.When, s.Tags = apply.Keywords, apply.When, apply.Tags
	if apply.Vars.Len() > 0 {
		s.Vars = t.Vars.Copy()
		s.Vars.Update(apply.Vars)
	}
	return s
}

// set reads one keyword into a scope.
func (s *session) set(sc *Scope, k *keyword, key, v *yaml.Node) {
	s.checkShape(k, key, v)
	if sc.Keywords == nil {
		sc.Keywords = Keywords{}
	}
	kw := &Keyword{Name: k.name, Pos: key.Pos, Node: v}
	switch k.name {
	case "vars":
		sc.Vars = s.variables(key, v)
		kw.Value = sc.Vars
	case "when":
		sc.When = s.conditions(k, v)
		kw.Value = v.Value()
	case "tags":
		sc.Tags = s.tags(key, v)
		kw.Value = v.Value()
	case "user":
		kw.Name = "remote_user"
		kw.Value = v.Value()
	case "module_defaults":
		s.moduleDefaults(sc, v)
		kw.Value = v.Value()
	default:
		if k.name == "gather" {
			s.gather(key, v)
		}
		if k.shape == conditions {
			s.conditions(k, v)
		} else {
			s.checkTemplates(v)
		}
		kw.Value = v.Value()
	}
	sc.Keywords[kw.Name] = kw
}

// tags splits "a, b"; the entries of a list are taken as they are.
func (s *session) tags(key, v *yaml.Node) []string {
	if v.Kind == yaml.Scalar {
		if t, ok := v.Scalar.(string); ok {
			var out []string
			for _, tag := range strings.Split(t, ",") {
				if tag = strings.TrimSpace(tag); tag != "" {
					out = append(out, tag)
				}
			}
			return out
		}
	}
	if v.Kind != yaml.Sequence {
		at := v
		if isNull(v) {
			at = key
		}
		s.report(problem(at, "wrong-type", say.T("tags must be text or a list of texts, not %s", "tags에는 문자열 또는 문자열의 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(v)),
			say.Text{}, say.T("write tags: [one, two]", "tags: [하나, 둘]처럼 쓰세요")))
		return nil
	}
	for _, item := range v.Items {
		if item.Kind != yaml.Scalar || isNull(item) {
			s.report(problem(item, "wrong-type", say.T("a tag must be text, not %s", "태그에는 문자열이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{}, say.Text{}))
		}
	}
	return texts(v)
}

// variables reads vars: a mapping, or a list of mappings put together.
func (s *session) variables(key, v *yaml.Node) *value.Dict {
	d := &value.Dict{}
	switch {
	case isNull(v):
		return nil
	case v.Kind == yaml.Mapping:
		s.addVariables(d, v)
	case v.Kind == yaml.Sequence:
		for _, item := range v.Items {
			if item.Kind != yaml.Mapping {
				s.report(notAMapping(item, say.T("an entry of vars", "vars의 항목")))
				continue
			}
			s.addVariables(d, item)
		}
	default:
		s.report(problem(v, "wrong-type", say.T("vars must be a mapping of names to values, not %s", "vars에는 이름과 값의 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(v)),
			say.Text{}, say.T("write each variable as 'name: value' on a line of its own below vars:", "vars: 아래에 변수마다 한 줄씩 '이름: 값'으로 쓰세요")))
		return nil
	}
	return d
}

func (s *session) addVariables(d *value.Dict, n *yaml.Node) {
	if s.broken(n) {
		return
	}
	for _, e := range n.Entries {
		name, ok := e.Key.Scalar.(string)
		if !ok || !IsIdentifier(name) {
			s.report(badVariableName(e.Key))
			continue
		}
		if keywordsByName[name] != nil && keywordsByName[name].in&inHolders != 0 && !oursAlone[name] {
			s.report(warning(e.Key, "reserved-name", say.T("the variable '%s' has the name of a keyword", "변수 '%s'{은/는} 키워드와 이름이 같습니다", name),
				say.T("keywords of the same name make it hard to see which is meant", "같은 이름의 키워드가 있어 어느 쪽인지 알아보기 어렵습니다"),
				say.T("choose a longer name, such as my_%s", "my_%s처럼 더 긴 이름을 쓰세요", name)))
		}
		s.checkUnused(e.Value)
		d.Set(name, e.Value.Value())
	}
}

// conditions checks the templates of conditions and gives them as they are.
func (s *session) conditions(k *keyword, v *yaml.Node) []any {
	items := []*yaml.Node{v}
	if v.Kind == yaml.Sequence {
		items = v.Items
	}
	for _, item := range items {
		s.checkCondition(k, item)
	}
	return conditionList(v)
}

func (s *session) checkCondition(k *keyword, n *yaml.Node) {
	t, ok := n.Scalar.(string)
	if n.Kind != yaml.Scalar || !ok || t == "" {
		return
	}
	switch {
	case strings.HasPrefix(strings.TrimSpace(t), "{{") && strings.HasSuffix(strings.TrimSpace(t), "}}"):
		s.report(warning(n, "condition-brackets", say.T("%s holds {{ }}", "%s에 {{ }}가 있습니다", k.name),
			say.T("a condition is an expression already; with brackets its result is evaluated a second time", "조건은 그 자체가 식입니다. 괄호를 쓰면 결과를 한 번 더 계산합니다"),
			say.T("write the expression without {{ }}", "{{ }} 없이 식만 쓰세요")))
	case n.Quoted && isYesNo(t):
		s.report(warning(n, "quoted-boolean", say.T("%s: '%s' in quotes is the name of a variable", "%s: 따옴표 안의 '%s'{은/는} 변수 이름으로 읽힙니다", k.name, t),
			say.Text{}, say.T("write true or false without quotes", "따옴표 없이 true나 false를 쓰세요")))
	}
	if s.o.CheckTemplate == nil {
		return
	}
	if isTemplate(t) {
		s.reportTemplate(n, s.o.CheckTemplate(t), 0)
		return
	}
	const before = "{% if "
	s.reportTemplate(n, s.o.CheckTemplate(before+t+" %}{% endif %}"), len(before))
}

func isYesNo(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "no", "on", "off":
		return true
	}
	return false
}

func badVariableName(key *yaml.Node) diag.Problem {
	return problem(key, "bad-variable-name", say.T("'%s' cannot be the name of a variable", "'%s'{은/는} 변수 이름이 될 수 없습니다", shorten(scalarText(key))),
		say.T("names are made of ASCII letters, digits and _, do not start with a digit, and are no word of Python", "이름은 영문자, 숫자, _로 이루어지고 숫자로 시작하지 않으며 파이썬의 예약어가 아니어야 합니다"),
		nearName(scalarText(key)))
}

// nearName proposes the name with everything that is not allowed replaced.
func nearName(name string) say.Text {
	var b strings.Builder
	for _, r := range name {
		if r == '_' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
		}
	}
	if fixed := b.String(); IsIdentifier(fixed) && strings.Trim(fixed, "_") != "" {
		return say.T("write %s", "%s{으로/로} 쓰세요", fixed)
	}
	return say.Text{}
}

// IsIdentifier reports whether name can be the name of a variable.
func IsIdentifier(name string) bool {
	if name == "" || pythonWords[name] {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

var pythonWords = setOf("False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
	"def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
	"nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield")

// oursAlone are keywords that Ansible does not have: playbooks written for it
// use such names for variables, and nothing is wrong with that.
var oursAlone = setOf("needs", "health", "quarantine", "coverage", "limits", "stop", "gather", "budget", "owner", "grade", "retry_safe")

func setOf(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
