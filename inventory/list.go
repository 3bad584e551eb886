package inventory

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// Format is a form in which an inventory is written.
type Format string

// The formats of WriteList and WriteHost.
const (
	JSON Format = "json"
	YAML Format = "yaml"
	TOML Format = "toml"
)

// ListOptions say what is written.
type ListOptions struct {
	Format Format // default JSON
	// Export keeps the variables of groups with the groups, and gives a host
	// only its own (--export). Otherwise each host has all of its variables.
	Export bool
	// Vars shows variables in WriteGraph (--vars).
	Vars bool
	// PlaybookDir is where a playbook's group_vars/ and host_vars/ are looked
	// for (--playbook-dir). Without it, hosts that are given all of their
	// variables also have those of the working directory.
	PlaybookDir string
	// Limit is a pattern (-l): hosts outside of it are left out where
	// ansible-inventory does.
	Limit string
	// ExtraVars are the variables of -e; they win over all others.
	ExtraVars *value.Dict
}

// WriteList writes the inventory as ansible-inventory --list does.
func (inv *Inventory) WriteList(w io.Writer, o ListOptions) (diag.Problems, error) {
	l := &lister{ListOptions: o, inv: inv, seen: map[string]bool{}}
	top := inv.Group("all")
	var data *value.Dict
	switch o.Format {
	case YAML:
		data = l.yamlGroup(top)
	case TOML:
		data = l.tomlGroup(top)
	default:
		data = l.jsonGroup(top)
		data.Set("_meta", value.NewDict("hostvars", l.hostvars()))
	}
	if l.groups > maxWritten {
		return l.problems, nil
	}
	return l.problems, l.write(w, data)
}

// WriteHost writes the variables of one host as ansible-inventory --host does.
func (inv *Inventory) WriteHost(w io.Writer, name string, o ListOptions) (diag.Problems, error) {
	l := &lister{ListOptions: o, inv: inv}
	hosts, problems := inv.Select(name, o.Limit)
	l.problems = problems
	if len(hosts) != 1 {
		l.problems = append(l.problems, diag.Problem{Severity: diag.Error, ID: "inventory-host",
			What: say.T("'%s' must be one host, and it is %d", "'%s'{은/는} 호스트 하나여야 하는데 %d대입니다", name, len(hosts)),
			Fix:  say.T("give the name of one host", "호스트 이름 하나를 적으세요")})
		return l.problems, nil
	}
	return l.problems, l.write(w, l.hostVars(hosts[0]))
}

// WriteGraph draws the tree of groups and hosts below a group, as
// ansible-inventory --graph does.
func (inv *Inventory) WriteGraph(w io.Writer, group string, o ListOptions) (diag.Problems, error) {
	top := inv.Group(group)
	if top == nil {
		var known []string
		for _, g := range inv.Groups() {
			known = append(known, g.Name)
		}
		fix := say.T("give the name of a group", "그룹 이름을 적으세요")
		if near := diag.Nearest(group, known); near != "" {
			fix = say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
		}
		return diag.Problems{{Severity: diag.Error, ID: "inventory-group",
			What: say.T("there is no group '%s'", "그룹 '%s'{이/가} 없습니다", group), Fix: fix}}, nil
	}
	l := &lister{ListOptions: o, inv: inv}
	l.graph(top, 0)
	if l.groups > maxWritten {
		return l.problems, nil
	}
	_, err := io.WriteString(w, l.drawing.String())
	if err != nil {
		err = fmt.Errorf("write inventory graph: %w", err)
	}
	return l.problems, err
}

// lister builds one output.
type lister struct {
	ListOptions
	inv      *Inventory
	seen     map[string]bool
	problems diag.Problems
	drawing  strings.Builder
	groups   int // how many groups were written
}

// maxWritten ends the writing of trees: a group below several others is written
// below each of them, and then again with each of those.
const maxWritten = 50_000

// enter counts a group of the tree and reports whether it may be written.
func (l *lister) enter() bool {
	l.groups++
	if l.groups == maxWritten+1 {
		l.problems = append(l.problems, diag.Problem{Severity: diag.Error, ID: "inventory-tree",
			What: say.T("the tree of groups is too large to be written", "그룹 트리가 너무 커서 다 쓸 수 없습니다"),
			Why:  say.T("groups that lie below several others are written below each of them", "여러 그룹 아래에 있는 그룹은 그때마다 되풀이해서 적습니다"),
			Fix:  say.T("use --list with JSON, which names each group once", "그룹을 한 번씩만 적는 JSON 형식의 --list를 쓰세요")})
	}
	return l.groups <= maxWritten
}

func (l *lister) write(w io.Writer, data *value.Dict) error {
	text, err := l.text(data)
	if err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	if _, err := io.WriteString(w, strings.TrimSuffix(text, "\n")+"\n"); err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	return nil
}

func (l *lister) text(data *value.Dict) (string, error) {
	switch l.Format {
	case YAML:
		return yaml.Dump(data, yaml.DumpOptions{SortKeys: true, AllowUnicode: true}), nil
	case TOML:
		return dumpTOML(data)
	}
	o := value.JSONOptions{Indent: "    ", Pretty: true, SortKeys: true}
	shown := jsonForm(data)
	text, err := value.EncodeJSON(shown, o)
	if err != nil { // keys of several types cannot be sorted
		o.SortKeys = false
		text, err = value.EncodeJSON(shown, o)
	}
	return text, err
}

// jsonForm marks what is not plain text as Ansible's JSON does.
func jsonForm(v any) any {
	switch v := v.(type) {
	case value.Vaulted:
		return value.NewDict("__ansible_vault", string(v))
	case value.Unsafe:
		return value.NewDict("__ansible_unsafe", string(v))
	case *value.List:
		out := &value.List{Items: make([]any, len(v.Items))}
		for i, e := range v.Items {
			out.Items[i] = jsonForm(e)
		}
		return out
	case value.Tuple:
		return jsonForm(&value.List{Items: v})
	case *value.Dict:
		out := &value.Dict{}
		for k, e := range v.All() {
			out.Set(k, jsonForm(e))
		}
		return out
	}
	return v
}

// flatten merges layers into one dict.
func (l *lister) flatten(layers []Layer, problems diag.Problems) *value.Dict {
	l.say(problems)
	out := &value.Dict{}
	for _, layer := range layers {
		out.Update(layer.Vars)
	}
	return out
}

func (l *lister) say(problems diag.Problems) {
	for _, p := range problems {
		if l.seen == nil {
			l.seen = map[string]bool{}
		}
		if key := "\x00" + p.ID + p.Pos.String(); !l.seen[key] {
			l.seen[key] = true
			l.problems = append(l.problems, p)
		}
	}
}

// internalVars are left out: they are not the inventory's.
var internalVars = []string{"ansible_diff_mode", "ansible_config_file", "ansible_facts", "ansible_forks", "ansible_inventory_sources",
	"ansible_limit", "ansible_playbook_python", "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity", "ansible_version",
	"inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short", "groups", "group_names", "omit", "playbook_dir"}

func visible(d *value.Dict) *value.Dict {
	for _, k := range internalVars {
		d.Delete(k)
	}
	return d
}

func (l *lister) hostVars(h *Host) *value.Dict {
	dir := l.PlaybookDir
	if dir == "" && !l.Export {
		dir = l.inv.options.BaseDir
	}
	layers, problems := l.inv.Layers(h.Name, dir)
	if l.Export {
		own := layers[:0:0]
		for _, layer := range layers {
			if layer.Level >= levelHost {
				own = append(own, layer)
			}
		}
		return visible(l.flatten(own, problems))
	}
	out := l.flatten(layers, problems)
	if l.ExtraVars != nil {
		out.Update(l.ExtraVars)
	}
	return visible(out)
}

func (l *lister) groupVars(g *Group) *value.Dict {
	layers := []Layer{{Vars: g.Vars}}
	dirs := l.inv.dirs
	if l.PlaybookDir != "" {
		dirs = append(dirs[:len(dirs):len(dirs)], l.PlaybookDir)
	}
	files, problems := l.inv.files.layers("group_vars", []string{g.Name}, dirs, levelInventoryGroups)
	out := l.flatten(append(layers, files...), problems)
	if g.Priority != 1 {
		out.Set("ansible_group_priority", g.Priority)
	}
	return visible(out)
}

func (l *lister) hostvars() *value.Dict {
	out := &value.Dict{}
	hosts, problems := l.inv.Select("all", l.Limit)
	l.say(problems)
	for _, h := range hosts {
		if vars := l.hostVars(h); vars.Len() > 0 {
			out.Set(h.Name, vars)
		}
	}
	return out
}

// setFull sets a key unless there is nothing to say.
func setFull(d *value.Dict, key string, v any) {
	if value.Truth(v) {
		d.Set(key, v)
	}
}

func (l *lister) jsonGroup(g *Group) *value.Dict {
	out, own := &value.Dict{}, &value.Dict{}
	out.Set(g.Name, own)
	if g.Name != "all" {
		setFull(own, "hosts", value.Strings(names(g.Hosts())))
	}
	children := value.NewList()
	for _, child := range g.Children() {
		children.Append(child.Name)
		if !l.seen[child.Name] {
			out.Update(l.jsonGroup(child))
			l.seen[child.Name] = true
		}
	}
	setFull(own, "children", children)
	if l.Export {
		setFull(own, "vars", l.groupVars(g))
	}
	if own.Len() == 0 {
		out.Delete(g.Name)
	}
	return out
}

func (l *lister) yamlGroup(g *Group) *value.Dict {
	own, children, hosts := &value.Dict{}, &value.Dict{}, &value.Dict{}
	if !l.enter() {
		return &value.Dict{}
	}
	for _, child := range g.Children() {
		if child.Name != "all" {
			children.Update(l.yamlGroup(child))
		}
	}
	setFull(own, "children", children)
	if g.Name != "all" {
		for _, h := range g.Hosts() {
			hosts.Set(h.Name, l.varsOnce(h))
		}
	}
	setFull(own, "hosts", hosts)
	if l.Export {
		setFull(own, "vars", l.groupVars(g))
	}
	return value.NewDict(g.Name, own)
}

// varsOnce gives the variables of a host where it is written first.
func (l *lister) varsOnce(h *Host) *value.Dict {
	if l.seen[h.Name] {
		return &value.Dict{}
	}
	l.seen[h.Name] = true
	return l.hostVars(h)
}

func (l *lister) tomlGroup(g *Group) *value.Dict {
	out, own := &value.Dict{}, &value.Dict{}
	if !l.enter() {
		return out
	}
	out.Set(g.Name, own)
	children := value.NewList()
	for _, child := range g.Children() {
		if child.Name == "ungrouped" && len(child.Hosts()) == 0 {
			continue
		}
		if g.Name != "all" {
			children.Append(child.Name)
		}
		out.Update(l.tomlGroup(child))
	}
	setFull(own, "children", children)
	if g.Name != "all" && len(g.Hosts()) > 0 {
		hosts := &value.Dict{}
		for _, h := range g.Hosts() {
			hosts.Set(h.Name, l.varsOnce(h))
		}
		own.Set("hosts", hosts)
	}
	if l.Export {
		setFull(own, "vars", l.groupVars(g))
	}
	if own.Len() == 0 {
		out.Delete(g.Name)
	}
	return out
}

func (l *lister) draw(depth int, format string, args ...any) {
	if depth > 0 {
		l.drawing.WriteString(strings.Repeat("  |", depth) + "--")
	}
	fmt.Fprintf(&l.drawing, format+"\n", args...)
}

func (l *lister) graph(g *Group, depth int) {
	if !l.enter() {
		return
	}
	l.draw(depth, "@%s:", g.Name)
	for _, child := range g.Children() {
		l.graph(child, depth+1)
	}
	if g.Name != "all" {
		for _, h := range g.Hosts() {
			l.draw(depth+1, "%s", h.Name)
			if l.Vars {
				l.drawVars(l.hostVars(h), depth+2)
			}
		}
	}
	if l.Vars {
		l.drawVars(l.groupVars(g), depth+1)
	}
}

func (l *lister) drawVars(vars *value.Dict, depth int) {
	keys := append([]any(nil), vars.Keys()...)
	sort.SliceStable(keys, func(i, j int) bool { return value.Str(keys[i]) < value.Str(keys[j]) })
	for _, k := range keys {
		v, _ := vars.Get(k)
		l.draw(depth, "{%s = %s}", value.Str(k), value.Str(v))
	}
}
