package inventory

import (
	"fmt"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// groupKeys are the keys of a group in YAML and TOML.
var groupKeys = []string{"hosts", "vars", "children"}

// readGroups reads the mapping of groups that a YAML inventory is.
func (r *reader) readGroups(root *yaml.Node) {
	for _, e := range root.Entries {
		r.readGroup(e.Key, e.Value)
	}
}

// isNull reports whether nothing was written.
func isNull(n *yaml.Node) bool { return n == nil || n.Kind == yaml.Scalar && n.Scalar == nil }

// readGroup reads one group and returns it, or nil when its name is none.
func (r *reader) readGroup(key, body *yaml.Node) *Group {
	if body.Kind != yaml.Mapping && !isNull(body) {
		r.warn(key.Pos, "inventory-not-a-group",
			say.T("'%s' is not a group: it is skipped", "'%s'{은/는} 그룹이 아니어서 건너뜁니다", key.Text),
			say.T("a group is a mapping with the keys hosts, vars and children", "그룹은 hosts, vars, children 키를 가진 사전입니다"),
			say.T("give it 'hosts:' with the hosts below", "'hosts:'를 두고 그 아래에 호스트를 적으세요"))
		if name, ok := key.Scalar.(string); ok {
			return r.inv.groups[name]
		}
		return nil
	}
	name, ok := key.Scalar.(string)
	if !ok || name == "" {
		r.fail(key.Pos, "inventory-group-name",
			say.T("the name of a group must be text, and '%s' is not", "그룹 이름은 글이어야 하는데 '%s'{은/는} 아닙니다", key.Text), say.Text{},
			say.T("put it in quotes", "따옴표로 감싸세요"))
		return nil
	}
	g := r.group(name, key.Pos)
	for _, e := range body.Entries {
		r.readGroupKey(g, e)
	}
	return g
}

func (r *reader) readGroupKey(g *Group, e yaml.Entry) {
	word := e.Key.Text
	known := word == "hosts" || word == "vars" || word == "children"
	body := e.Value
	if s, ok := body.Scalar.(string); ok && known && body.Kind == yaml.Scalar {
		// A single name stands for a mapping with that name alone.
		key := &yaml.Node{Kind: yaml.Scalar, Pos: body.Pos, Scalar: s, Text: s, Source: body.Source}
		null := &yaml.Node{Kind: yaml.Scalar, Pos: body.Pos, Source: body.Source}
		body = &yaml.Node{Kind: yaml.Mapping, Pos: body.Pos, Source: body.Source, Entries: []yaml.Entry{{Key: key, Value: null}}}
	}
	switch {
	case isNull(body):
	case body.Kind != yaml.Mapping && known:
		r.notMapping(g, word, body)
	case !known:
		r.unknownKey(g, e.Key)
	case word == "vars":
		for _, v := range body.Entries {
			r.groupVar(g, v.Key.Value(), v.Value.Value(), v.Key.Pos)
		}
	case word == "children":
		for _, c := range body.Entries {
			if child := r.readGroup(c.Key, c.Value); child != nil {
				r.child(g, child, c.Key.Pos)
			}
		}
	case word == "hosts":
		for _, h := range body.Entries {
			r.readHost(g, h)
		}
	}
}

func (r *reader) notMapping(g *Group, word string, body *yaml.Node) {
	fix := say.T("write each as a key: 'name:'", "하나씩 키로 적으세요: '이름:'")
	if word == "vars" {
		fix = say.T("write 'name: value', one in each line", "'이름: 값' 꼴로 한 줄에 하나씩 적으세요")
	}
	if word != "vars" && body.Kind == yaml.Sequence && len(body.Items) > 0 && body.Items[0].Kind == yaml.Scalar {
		fix = say.T("write '%[1]s:' instead of '- %[1]s'", "'- %[1]s' 대신 '%[1]s:'라고 쓰세요", body.Items[0].Text)
	}
	r.fail(body.Pos, "inventory-not-a-mapping",
		say.T("'%s' of the group '%s' must be a mapping", "그룹 '%[2]s'의 '%[1]s'{은/는} 사전이어야 합니다", word, g.Name), say.Text{}, fix)
}

func (r *reader) unknownKey(g *Group, key *yaml.Node) {
	fix := say.T("variables go below 'vars', hosts below 'hosts', groups below 'children'", "변수는 'vars', 호스트는 'hosts', 그룹은 'children' 아래에 적으세요")
	if near := diag.Nearest(key.Text, groupKeys); near != "" {
		fix = say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
	}
	r.warn(key.Pos, "inventory-unknown-key",
		say.T("the key '%s' of the group '%s' is skipped", "그룹 '%[2]s'의 키 '%[1]s'{을/를} 건너뜁니다", key.Text, g.Name),
		say.T("only hosts, vars and children are known", "hosts, vars, children만 쓸 수 있습니다"), fix)
}

func (r *reader) readHost(g *Group, e yaml.Entry) {
	name, ok := e.Key.Scalar.(string)
	if !ok {
		r.fail(e.Key.Pos, "inventory-host-name",
			say.T("Host pattern %s must be a string", "호스트 '%s'{은/는} 글이어야 합니다", e.Key.Text),
			say.T("without quotes it is read as a number or another value", "따옴표가 없으면 숫자나 다른 값으로 읽힙니다"),
			say.T("put it in quotes", "따옴표로 감싸세요"))
		return
	}
	if e.Value.Kind != yaml.Mapping && value.Truth(e.Value.Value()) {
		r.fail(e.Value.Pos, "inventory-host-vars",
			say.T("what follows the host '%s' must be its variables, as a mapping", "호스트 '%s' 뒤에는 변수가 사전으로 와야 합니다", name), say.Text{},
			say.T("write 'variable: value' below the host", "호스트 아래에 '변수: 값'을 적으세요"))
		return
	}
	hosts := r.hosts(name, g, e.Key.Pos)
	for _, v := range e.Value.Entries {
		key, val := v.Key.Value(), v.Value.Value()
		for _, h := range hosts {
			h.Vars.Set(key, val)
		}
	}
}

// readTOML reads an inventory in TOML, in which children is a list of names.
func (r *reader) readTOML(text string) {
	var tree map[string]any
	md, err := toml.Decode(text, &tree)
	if err != nil {
		r.badTOML(err)
		return
	}
	if len(tree) == 0 {
		r.fail(diag.Pos{File: r.file}, "inventory-empty", say.T("the inventory is empty", "인벤토리가 비어 있습니다"), say.Text{},
			say.T("write a group: [web.hosts.web1]", "그룹을 적으세요: [web.hosts.web1]"))
		return
	}
	pos := diag.Pos{File: r.file}
	order := tomlOrder(md)
	for _, name := range order.keys(nil, tree) {
		body, ok := tree[name].(map[string]any)
		if !ok {
			r.warn(pos, "inventory-not-a-group", say.T("'%s' is not a group: it is skipped", "'%s'{은/는} 그룹이 아니어서 건너뜁니다", name), say.Text{},
				say.T("write it as a table: [%s.hosts]", "표로 쓰세요: [%s.hosts]", name))
			continue
		}
		r.tomlGroup(name, body, order, pos)
	}
}

func (r *reader) badTOML(err error) {
	pos := diag.Pos{File: r.file}
	message := err.Error()
	if e, ok := err.(toml.ParseError); ok { //nolint:errorlint // Decode returns it unwrapped
		pos.Line, pos.Col = e.Position.Line, e.Position.Col
		if e.Message != "" {
			message = e.Message
		}
	}
	r.fail(pos, "inventory-toml", say.T("this is not valid TOML: %s", "올바른 TOML이 아닙니다: %s", message), say.Text{},
		say.T("correct the line", "이 줄을 고치세요"))
}

func (r *reader) tomlGroup(name string, body map[string]any, order keyOrder, pos diag.Pos) {
	g := r.group(name, pos)
	for _, key := range order.keys([]string{name}, body) {
		v := order.value([]string{name, key}, body[key])
		switch key {
		case "vars":
			if d, ok := r.tomlTable(g, key, v, pos); ok {
				for k, val := range d.All() {
					r.groupVar(g, k, val, pos)
				}
			}
		case "children":
			l, ok := v.(*value.List)
			if !ok {
				r.fail(pos, "inventory-toml", say.T("'children' of the group '%s' must be a list", "그룹 '%s'의 'children'은 목록이어야 합니다", name), say.Text{},
					say.T("write children = [\"a\", \"b\"]", "children = [\"a\", \"b\"]처럼 쓰세요"))
				continue
			}
			for _, c := range l.Items {
				if child, ok := c.(string); ok {
					r.child(g, r.group(child, pos), pos)
				}
			}
		case "hosts":
			if d, ok := r.tomlTable(g, key, v, pos); ok {
				for k, vars := range d.All() {
					r.tomlHost(g, k.(string), vars, pos)
				}
			}
		default:
			r.unknownKey(g, &yaml.Node{Text: key, Pos: pos})
		}
	}
}

func (r *reader) tomlTable(g *Group, key string, v any, pos diag.Pos) (*value.Dict, bool) {
	d, ok := v.(*value.Dict)
	if !ok {
		r.fail(pos, "inventory-toml", say.T("'%s' of the group '%s' must be a table", "그룹 '%[2]s'의 '%[1]s'{은/는} 표여야 합니다", key, g.Name), say.Text{},
			say.T("write [%s.%s]", "[%s.%s]처럼 쓰세요", g.Name, key))
	}
	return d, ok
}

func (r *reader) tomlHost(g *Group, name string, vars any, pos diag.Pos) {
	d, ok := vars.(*value.Dict)
	if !ok {
		r.fail(pos, "inventory-host-vars", say.T("what follows the host '%s' must be its variables, as a mapping", "호스트 '%s' 뒤에는 변수가 사전으로 와야 합니다", name), say.Text{},
			say.T("write %s = {}", "%s = {} 처럼 쓰세요", name))
		return
	}
	for _, h := range r.hosts(name, g, pos) {
		h.Vars.Update(d)
	}
}

// keyOrder knows the order in which the keys of a TOML file stand.
type keyOrder map[string]int

func tomlOrder(md toml.MetaData) keyOrder {
	order := keyOrder{}
	for i, key := range md.Keys() {
		for n := 1; n <= len(key); n++ {
			if k := strings.Join(key[:n], "\x00"); order[k] == 0 {
				order[k] = i + 1
			}
		}
	}
	return order
}

// keys lists the keys of a table as they were written.
func (o keyOrder) keys(path []string, table map[string]any) []string {
	out := make([]string, 0, len(table))
	for k := range table {
		out = append(out, k)
	}
	at := func(k string) int { return o[strings.Join(append(path[:len(path):len(path)], k), "\x00")] }
	sort.Slice(out, func(i, j int) bool {
		if a, b := at(out[i]), at(out[j]); a != b {
			return a < b
		}
		return out[i] < out[j]
	})
	return out
}

func (o keyOrder) value(path []string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		d := value.NewDict()
		for _, k := range o.keys(path, v) {
			d.Set(k, o.value(append(path[:len(path):len(path)], k), v[k]))
		}
		return d
	case []map[string]any:
		l := value.NewList()
		for _, e := range v {
			l.Append(o.value(path, e))
		}
		return l
	case []any:
		l := value.NewList()
		for _, e := range v {
			l.Append(o.value(path, e))
		}
		return l
	case int64:
		return int(v)
	case string, bool, float64:
		return v
	case fmt.Stringer: // dates and times
		return v.String()
	}
	return value.FromGo(v)
}
