package inventory

import (
	"context"
	"sort"

	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// plugin reads the settings of an inventory plugin. Only "constructed" is one
// of ours; the others ask services that Ansible's collections know.
func (r *reader) plugin(ctx context.Context, root, name *yaml.Node) {
	switch name.Text {
	case "constructed", "ansible.builtin.constructed":
		r.constructed(ctx, root)
	default:
		r.fail(name.Pos, "inventory-plugin",
			say.T("the inventory plugin '%s' is not there", "인벤토리 플러그인 '%s'{은/는} 쓸 수 없습니다", name.Text),
			say.T("plugins of Ansible's collections are Python programs", "Ansible 컬렉션의 플러그인은 파이썬 프로그램입니다"),
			say.T("let Ansible write the result to a file, and use that: ansible-inventory -i %s --list --output hosts.json", "Ansible로 결과를 파일에 적어 그 파일을 쓰세요: ansible-inventory -i %s --list --output hosts.json", r.file))
	}
}

// constructed makes variables and groups from what is known of the hosts that
// the sources before have named.
func (r *reader) constructed(ctx context.Context, root *yaml.Node) {
	if r.inv.options.Evaluate == nil {
		r.fail(root.Pos, "inventory-constructed", say.T("'plugin: constructed' cannot be used here", "여기서는 'plugin: constructed'를 쓸 수 없습니다"),
			say.T("expressions cannot be computed in this command", "이 명령에서는 표현식을 계산할 수 없습니다"), say.Text{})
		return
	}
	c := &construction{reader: r, ctx: ctx, root: root, strict: value.Truth(root.Get("strict").Value())}
	if n := root.Get("leading_separator"); n != nil && !value.Truth(n.Value()) {
		c.noLeading = true
	}
	r.inv.settleDepths(r.inv.groups["all"])
	for _, h := range append([]*Host(nil), r.inv.hostOrder...) {
		c.compose(h)
		vars := c.vars(h)
		c.conditions(h, vars)
		c.keys(h, vars)
	}
}

type construction struct {
	*reader
	ctx               context.Context
	root              *yaml.Node
	strict, noLeading bool
}

// vars are the host's variables as far as the sources before give them.
func (c *construction) vars(h *Host) *value.Dict {
	h.all = nil
	vars := value.NewDict()
	for _, g := range h.allGroups() {
		vars.Update(g.Vars)
	}
	h.all = nil
	vars.Update(h.Vars)
	if h.source != nil {
		vars.Update(h.source.vars)
	}
	vars.Set("inventory_hostname", h.Name)
	vars.Set("inventory_hostname_short", h.ShortName())
	var groups []string
	for _, g := range h.groups {
		groups = append(groups, g.Name)
	}
	sort.Strings(groups)
	vars.Set("group_names", value.Strings(groups))
	return vars
}

func (c *construction) evaluate(at *yaml.Node, vars *value.Dict, h *Host) (any, bool) {
	v, err := c.inv.options.Evaluate(c.ctx, value.Str(at.Value()), vars)
	if err == nil {
		return v, true
	}
	if c.strict {
		c.fail(at.Pos, "inventory-constructed",
			say.T("the expression fails for the host '%s': %s", "호스트 '%s'에서 표현식이 실패합니다: %s", h.Name, err.Error()), say.Text{},
			say.T("give the variable a default, or remove 'strict'", "변수에 기본값을 주거나 'strict'를 지우세요"))
	}
	return nil, false
}

func (c *construction) compose(h *Host) {
	n := c.root.Get("compose")
	if n == nil {
		return
	}
	vars := c.vars(h)
	for _, e := range n.Entries {
		if v, ok := c.evaluate(e.Value, vars, h); ok {
			h.Vars.Set(e.Key.Value(), v)
		}
	}
}

func (c *construction) conditions(h *Host, vars *value.Dict) {
	n := c.root.Get("groups")
	if n == nil {
		return
	}
	for _, e := range n.Entries {
		if v, ok := c.evaluate(e.Value, vars, h); ok && value.Truth(v) {
			addMember(c.group(safeName(e.Key.Text), e.Key.Pos), h)
		}
	}
}

// safeName makes a group's name usable as a variable's.
func safeName(name string) string { return badLetter.ReplaceAllString(name, "_") }

func (c *construction) keys(h *Host, vars *value.Dict) {
	n := c.root.Get("keyed_groups")
	if n == nil {
		return
	}
	for _, item := range n.Items {
		key := item.Get("key")
		if key == nil {
			continue
		}
		if v, ok := c.evaluate(key, vars, h); ok {
			c.keyed(h, item, v)
		}
	}
}

func text(n *yaml.Node, otherwise string) string {
	if isNull(n) {
		return otherwise
	}
	return value.Str(n.Value())
}

// keyed puts a host into the groups that a key's value names.
func (c *construction) keyed(h *Host, item *yaml.Node, v any) {
	separator, prefix := text(item.Get("separator"), "_"), text(item.Get("prefix"), "")
	fallback := item.Get("default_value")
	for _, name := range keyedNames(v, separator, text(fallback, ""), fallback != nil, item.Get("trailing_separator")) {
		sep := separator
		if prefix == "" && c.noLeading {
			sep = ""
		}
		g := c.group(safeName(prefix+sep+name), item.Pos)
		addMember(g, h)
		if parent := text(item.Get("parent_group"), ""); parent != "" {
			c.child(c.group(safeName(parent), item.Pos), g, item.Pos)
		}
	}
}

func keyedNames(v any, separator, fallback string, hasFallback bool, trailing *yaml.Node) (out []string) {
	one := func(s string) {
		if s == "" && hasFallback {
			s = fallback
		}
		out = append(out, s)
	}
	switch v := v.(type) {
	case string:
		if v != "" || hasFallback {
			one(v)
		}
	case value.Unsafe:
		return keyedNames(string(v), separator, fallback, hasFallback, trailing)
	case *value.List:
		for _, e := range v.Items {
			one(value.Str(e))
		}
	case *value.Dict:
		for k, e := range v.All() {
			name, val := value.Str(k), value.Str(e)
			switch {
			case val != "":
				name += separator + val
			case hasFallback:
				name += separator + fallback
			case trailing == nil || value.Truth(trailing.Value()):
				name += separator
			}
			out = append(out, name)
		}
	}
	return out
}
