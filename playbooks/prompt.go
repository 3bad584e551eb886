package playbooks

import (
	"strings"

	"sunup/internal/say"
	"sunup/internal/yaml"
)

var promptKeys = []string{"name", "prompt", "default", "private", "confirm", "encrypt", "salt_size", "salt", "unsafe"}

func (s *session) varsPrompt(e *yaml.Entry) []VarsPrompt {
	if isNull(e.Value) {
		return nil
	}
	items := []*yaml.Node{e.Value}
	if e.Value.Kind == yaml.Sequence {
		items = e.Value.Items
	}
	var out []VarsPrompt
	for _, item := range items {
		if item.Kind != yaml.Mapping {
			s.report(notAMapping(item, say.T("an entry of vars_prompt", "vars_prompt의 항목")))
			continue
		}
		if prompt, ok := s.prompt(item); ok {
			out = append(out, prompt)
		}
	}
	return out
}

func (s *session) prompt(n *yaml.Node) (VarsPrompt, bool) {
	p := VarsPrompt{Pos: n.Pos, Private: true}
	if isNull(n.Get("name")) {
		bad := problem(n, "no-name", say.T("the question has no name of a variable", "질문에 변수 이름이 없습니다"), say.Text{}, say.T("add 'name: variable'", "'name: 변수'를 쓰세요"))
		bad.Said = "Invalid vars_prompt data structure, missing 'name' key"
		s.report(bad)
		return VarsPrompt{}, false
	}
	known := setOf(promptKeys...)
	for _, e := range n.Entries {
		if name := scalarText(e.Key); !known[name] {
			s.report(problem(e.Key, "unknown-keyword", say.T("unknown key '%s' in vars_prompt", "vars_prompt에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
				nearestOr(name, promptKeys, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(promptKeys, ", ")))))
		}
	}
	get := func(key string) string {
		if v := n.Get(key); v != nil {
			return scalarText(v)
		}
		return ""
	}
	p.Name, p.Prompt, p.Encrypt, p.Salt = get("name"), get("prompt"), get("encrypt"), get("salt")
	p.Default = n.Get("default").Value()
	for key, into := range map[string]*bool{"private": &p.Private, "confirm": &p.Confirm, "unsafe": &p.Unsafe} {
		if v := n.Get(key); !isNull(v) && s.checkShape(&keyword{name: key, shape: boolean}, keyOf(n, key), v) {
			*into = isTrue(v)
		}
	}
	if v := n.Get("salt_size"); !isNull(v) && s.checkShape(&keyword{name: "salt_size", shape: integer}, keyOf(n, "salt_size"), v) {
		p.SaltSize, _ = v.Scalar.(int)
	}
	return p, true
}
