package inventory

import (
	"context"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"sort"
	"strings"

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
	c.files = value.Truth(root.Get("use_vars_plugins").Value())
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
	files             bool // use_vars_plugins: group_vars/ and host_vars/ count, too
}

// vars are the host's variables as far as the sources before give them.
func (c *construction) vars(h *Host) *value.Dict {
	h.all = nil
	groups := h.allGroups()
	h.all = nil // more groups may come
	vars := value.NewDict()
	var names []string
	for _, g := range groups {
		vars.Update(g.Vars)
		names = append(names, g.Name)
	}
	c.addFiles(vars, "group_vars", names)
	vars.Update(h.Vars)
	vars.Update(h.source.vars)
	vars.Set("inventory_hostname", h.Name)
	vars.Set("inventory_hostname_short", h.ShortName())
	names = slices.DeleteFunc(names, func(name string) bool { return name == "all" })
	sort.Strings(names)
	vars.Set("group_names", value.Strings(names))
	c.addFiles(vars, "host_vars", []string{h.Name})
	if value.Truth(c.root.Get("use_extra_vars").Value()) {
		vars.Update(c.inv.options.ExtraVars)
	}
	return vars
}

func (c *construction) addFiles(vars *value.Dict, kind string, names []string) {
	if !c.files {
		return
	}
	layers, _ := c.inv.files.layers(kind, names, c.inv.dirs, 0) // problems come when the files are used
	for _, l := range layers {
		vars.Update(l.Vars)
	}
}

// evaluate computes an expression. What fails, or is undefined, is passed
// over, unless strict.
func (c *construction) evaluate(at *yaml.Node, expression string, vars *value.Dict, h *Host) (any, bool) {
	v, err := c.inv.options.Evaluate(c.ctx, expression, vars)
	if err == nil && strings.HasSuffix(value.TypeName(v), "Undefined") {
		err = fmt.Errorf("evaluate %s: a variable is undefined", expression)
	}
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
		if v, ok := c.evaluate(e.Value, text(e.Value, ""), vars, h); ok {
			h.Vars.Set(e.Key.Value(), templated(v))
		}
	}
}

// templated is what Ansible has of an expression's value after it went through
// a template: numbers have become text, and nothing the empty text.
func templated(v any) any {
	switch v.(type) {
	case nil:
		return ""
	case int, float64, *big.Int:
		return value.Str(v)
	}
	return v
}

func (c *construction) conditions(h *Host, vars *value.Dict) {
	n := c.root.Get("groups")
	if n == nil {
		return
	}
	for _, e := range n.Entries {
		if v, ok := c.evaluate(e.Value, text(e.Value, ""), vars, h); ok && value.Truth(v) {
			addMember(c.group(safeName(e.Key.Text), e.Key.Pos), h)
		}
	}
}

// safeName makes a group's name usable as a variable's.
func safeName(name string) string { return badLetter().ReplaceAllString(name, "_") }

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
		if v, ok := c.evaluate(key, text(key, ""), vars, h); ok {
			c.keyed(h, item, templated(v), vars)
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
func (c *construction) keyed(h *Host, item *yaml.Node, v any, vars *value.Dict) {
	switch v.(type) {
	case string, value.Unsafe, *value.List, *value.Dict:
	default:
		if value.Truth(v) {
			c.fail(item.Get("key").Pos, "inventory-constructed",
				say.T("the key gives %s for the host '%s', which names no group", "호스트 '%[2]s'에서 키의 값 %[1]s{은/는} 그룹 이름이 될 수 없습니다", value.Repr(v), h.Name), say.Text{},
				say.T("make it text with '| string'", "'| string'을 붙여 글로 만드세요"))
		}
		return
	}
	separator, prefix := text(item.Get("separator"), "_"), text(item.Get("prefix"), "")
	fallback := item.Get("default_value")
	names := keyedNames(v, separator, text(fallback, ""), !isNull(fallback), item.Get("trailing_separator"))
	if prefix == "" && c.noLeading {
		separator = ""
	}
	parent := c.parentOf(item, vars, h)
	for _, name := range names {
		g := c.group(safeName(prefix+separator+name), item.Pos)
		addMember(g, h)
		if parent != "" {
			c.child(c.group(safeName(parent), item.Pos), g, item.Pos)
		}
	}
}

var embedded = regexp.MustCompile(`\{\{(.*?)\}\}`)

// parentOf is the name of the group above, in which expressions may stand.
func (c *construction) parentOf(item *yaml.Node, vars *value.Dict, h *Host) string {
	n := item.Get("parent_group")
	good := true
	name := embedded.ReplaceAllStringFunc(text(n, ""), func(part string) string {
		v, ok := c.evaluate(n, part[2:len(part)-2], vars, h)
		good = good && ok
		return value.Str(v)
	})
	if !good {
		return ""
	}
	return name
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
