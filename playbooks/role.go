package playbooks

import (
	"io/fs"
	"path/filepath"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

// roleEntry is one demand for a role.
type roleEntry struct {
	at          *yaml.Node // to blame
	name        string
	from        RoleFrom
	scope       Scope  // the keywords of the entry
	included    bool   // by import_role or include_role
	base        string // a folder of roles to look in, or ""
	collections []string
}

// roles reads roles: of a play or dependencies: of a role.
func (c *place) rolesList(at, n *yaml.Node, what say.Text, base string, collections []string) []*RoleUse {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.Sequence {
		if n.Kind == yaml.Scalar {
			at = n
		}
		p := notAList(at, n, what)
		p.Said = "A malformed role declaration was encountered."
		c.report(p)
		return nil
	}
	var out []*RoleUse
	for _, item := range n.Items {
		if !c.room(item) {
			break
		}
		entry, ok := c.roleEntry(item)
		if !ok {
			continue
		}
		entry.base, entry.collections = base, collections
		if use := c.role(entry); use != nil {
			out = append(out, use)
		}
	}
	return out
}

// roleEntry reads "name" or {role: name, ...}; what is no keyword is a parameter.
func (c *place) roleEntry(n *yaml.Node) (entry roleEntry, ok bool) {
	entry = roleEntry{at: n, scope: Scope{Kind: RoleScope, Pos: n.Pos}}
	switch {
	case c.broken(n):
		return entry, false
	case n.Kind == yaml.Sequence || isNull(n):
		c.report(problem(n, "bad-role", say.T("a role must be a name or a mapping, not %s", "롤에는 이름이나 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(n)), say.Text{},
			say.T("write '- name' or '- role: name'", "'- 이름'이나 '- role: 이름'으로 쓰세요")))
		return entry, false
	case n.Kind == yaml.Scalar:
		entry.name = scalarText(n)
		if strings.Contains(entry.name, ",") {
			p := problem(n, "bad-role", say.T("'%s' is no name of a role", "'%s'{은/는} 롤 이름이 아닙니다", entry.name), say.T("roles with a version belong in requirements.yml", "버전이 있는 롤은 requirements.yml에 씁니다"),
				say.T("write parameters as a mapping: '- role: name' and then 'key: value' lines", "매개변수는 '- role: 이름' 아래에 '키: 값'으로 쓰세요"))
			p.Said = "Invalid old style role requirement: " + entry.name
			c.report(p)
			return entry, false
		}
	default:
		if ok := c.roleMapping(n, &entry); !ok {
			return entry, false
		}
	}
	name, ok := c.renderName(entry.at, entry.name, entry.scope.Vars)
	entry.name = name
	return entry, ok
}

func (c *place) roleMapping(n *yaml.Node, entry *roleEntry) bool {
	if !c.textKeys(n) {
		return false
	}
	nameNode := n.Get("role")
	if nameNode == nil {
		nameNode = n.Get("name")
	}
	if nameNode == nil && n.Get("src") != nil {
		nameNode = n.Get("src")
	}
	if nameNode == nil || nameNode.Kind != yaml.Scalar || isNull(nameNode) || scalarText(nameNode) == "" {
		at := n
		if nameNode != nil {
			at = nameNode
		}
		c.report(problem(at, "bad-role", say.T("a role without a name", "이름 없는 롤입니다"), say.Text{}, say.T("write '- role: name'", "'- role: 이름'으로 쓰세요")))
		return false
	}
	entry.at, entry.name = nameNode, scalarText(nameNode)
	for _, e := range n.Entries {
		name := scalarText(e.Key)
		if k := keywordIn(name, inRole); k != nil {
			c.set(&entry.scope, k, e.Key, e.Value)
			continue
		}
		if fix, removed := removedKeywords[name]; removed && strings.HasPrefix(name, "su") {
			c.report(problem(e.Key, "removed-keyword", say.T("the keyword %s no longer exists", "%s 키워드는 더 이상 없습니다", name), say.Text{}, fix))
		}
		if entry.scope.RoleParams == nil {
			entry.scope.RoleParams = &value.Dict{}
		}
		c.checkUnused(e.Value)
		entry.scope.RoleParams.Set(name, e.Value.Value())
	}
	return true
}

// role finds and reads a role.
func (c *place) role(entry roleEntry) *RoleUse {
	if !c.fileRoom(entry.at) {
		return nil
	}
	dir, name, collection, searched := c.findRole(entry)
	if dir == "" {
		c.report(c.noRole(entry, searched))
		return nil
	}
	step := c.abs(dir) + "\x00" + entry.from.TasksFrom
	for i, outer := range c.roleWay {
		if outer == step {
			c.report(problem(entry.at, "role-cycle", say.T("the role %s needs itself", "롤 %s{이/가} 자기 자신을 필요로 합니다", name),
				say.T("the way: %s", "경로: %s", roleWayWords(append(c.roleWay[i:len(c.roleWay):len(c.roleWay)], step))),
				say.T("remove it from one of the dependencies", "의존 관계 중 하나에서 빼세요")))
			return nil
		}
	}
	if len(c.roleWay) >= maxImportDepth {
		c.report(problem(entry.at, "import-too-deep", say.T("imports lie more than %d deep", "가져오기가 %d단계보다 깊습니다", maxImportDepth), say.Text{}, say.Text{}))
		return nil
	}
	c.roleWay = append(c.roleWay, step)
	defer func() { c.roleWay = c.roleWay[:len(c.roleWay)-1] }()

	use := &RoleUse{Scope: entry.scope}
	use.Kind, use.Parent = RoleScope, c.parent
	if use.Pos == (diag.Pos{}) {
		use.Pos = entry.at.Pos
	}
	r := &roleReader{place: c, use: use, entry: entry, dir: dir, role: &Role{Name: name, Path: c.abs(dir), FromCollection: collection, AllowDuplicates: entry.included && !entry.from.Once}}
	r.read()
	return use
}

func roleWayWords(steps []string) string {
	names := make([]string, len(steps))
	for i, s := range steps {
		dir, _, _ := strings.Cut(s, "\x00")
		names[i] = filepath.Base(dir)
	}
	return strings.Join(names, " → ")
}

// findRole returns the folder of a role and its name.
func (c *place) findRole(entry roleEntry) (dir, name, collection string, searched []string) {
	name = entry.name
	if ns, coll, rest, ok := collectionName(name); ok {
		for _, d := range c.collectionDirs(ns, coll) {
			if p := filepath.Join(d, "roles", strings.ReplaceAll(rest, ".", "/")); c.isDir(p) {
				return c.shown(p), ns + "." + coll + "." + rest, ns + "." + coll, nil
			}
		}
	}
	for _, cn := range entry.collections {
		ns, coll, _ := strings.Cut(cn, ".")
		for _, d := range c.collectionDirs(ns, coll) {
			if p := filepath.Join(d, "roles", name); name != "" && c.isDir(p) {
				return c.shown(p), cn + "." + name, cn, nil
			}
		}
	}
	base := c.playDir()
	paths := append([]string{filepath.Join(base, "roles")}, c.o.RolesPath...)
	if entry.base != "" {
		paths = append(paths, entry.base)
	}
	for _, p := range append(paths, base) {
		candidate := filepath.Join(p, name)
		if filepath.IsAbs(name) || strings.HasPrefix(name, "~") {
			candidate = name
		}
		searched = append(searched, p)
		if c.exists(candidate) {
			return c.shown(filepath.Clean(candidate)), name, "", nil
		}
	}
	if c.exists(name) {
		return c.shown(c.abs(name)), filepath.Base(name), "", nil
	}
	return "", name, "", searched
}

// playDir is where relative paths of the play start, as it is shown.
func (c *place) playDir() string {
	if c.play == nil {
		return "."
	}
	return filepath.Dir(c.play.File)
}

func (c *place) noRole(entry roleEntry, searched []string) diag.Problem {
	var names []string
	for _, dir := range searched {
		if entries, err := fs.ReadDir(c.o.FS, c.fsPath(dir)); err == nil {
			for _, e := range entries {
				if e.IsDir() {
					names = append(names, e.Name())
				}
			}
		}
	}
	return problem(entry.at, "unknown-role", say.T("there is no role '%s'", "'%s'{이라/라}는 롤이 없습니다", entry.name),
		say.T("looked in: %s", "찾아본 곳: %s", strings.Join(searched, ", ")),
		nearestOr(entry.name, names, say.T("put it into roles/ beside the playbook, or set roles_path", "플레이북 옆의 roles/에 두거나 roles_path를 정하세요")))
}

// collectionName parts ns.coll.name; the name may have dots for subfolders.
func collectionName(name string) (ns, coll, rest string, ok bool) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 || !isDotted(name) {
		return "", "", "", false
	}
	return parts[0], parts[1], parts[2], true
}

// collectionDirs are the folders that may hold a collection.
func (c *place) collectionDirs(ns, coll string) []string {
	if ns == "" || coll == "" {
		return nil
	}
	var out []string
	for _, root := range c.collectionRoots() {
		for _, d := range []string{filepath.Join(root, "ansible_collections"), root} {
			if filepath.Base(d) != "ansible_collections" {
				continue
			}
			if p := filepath.Join(d, ns, coll); c.isDir(p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// ShortName is the name of the role without its collection.
func (r *Role) ShortName() string {
	if short, ok := strings.CutPrefix(r.Name, r.FromCollection+"."); ok && r.FromCollection != "" {
		return short
	}
	return r.Name
}
