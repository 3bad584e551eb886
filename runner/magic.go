package runner

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/playbooks"
)

// ansibleVersion is the version that playbooks see in ansible_version: the
// ansible-core whose behaviour we follow.
var ansibleVersion = value.NewDict(
	"full", "2.14.18", "major", 2, "minor", 14, "revision", 18, "string", "2.14.18")

// magic computes the variables that Ansible sets itself, for one host and
// task. They are computed when asked for: hostvars and groups are large.
type magic struct {
	play  *playRun
	host  *host
	plan  *taskPlan // nil outside of tasks
	scope *vars.Scope
}

// magicVars lists every magic variable with how it is found.
var magicVars = map[string]func(m *magic) any{
	"inventory_hostname":       func(m *magic) any { return m.host.name },
	"inventory_hostname_short": func(m *magic) any { return strings.SplitN(m.host.name, ".", 2)[0] },
	"group_names":              func(m *magic) any { return value.Strings(m.host.groupNames()) },
	"groups":                   func(m *magic) any { return m.play.run.groupsDict() },
	"hostvars":                 func(m *magic) any { return hostVars{ctx: m.play.ctx, play: m.play} },
	"vars":                     func(m *magic) any { return writtenVars{hostVarsOf{scope: m.scope}} },
	"omit":                     func(*magic) any { return jinja.Omit },
	"play_hosts":               func(m *magic) any { return value.Strings(m.play.batchNames(true)) },
	"ansible_play_batch":       func(m *magic) any { return value.Strings(m.play.batchNames(true)) },
	"ansible_play_hosts":       func(m *magic) any { return value.Strings(m.play.hostNames(true)) },
	"ansible_play_hosts_all":   func(m *magic) any { return value.Strings(m.play.hostNames(false)) },
	"ansible_play_name":        func(m *magic) any { return m.play.name },
	"ansible_check_mode":       func(m *magic) any { return m.play.run.Check },
	"ansible_diff_mode":        func(m *magic) any { return m.play.run.Diff },
	"ansible_verbosity":        func(m *magic) any { return m.play.run.Verbosity },
	"ansible_forks":            func(m *magic) any { return m.play.run.Forks },
	"ansible_version":          func(*magic) any { return ansibleVersion },
	"ansible_run_tags":         func(m *magic) any { return value.Strings(m.play.run.tagsOrAll()) },
	"ansible_skip_tags":        func(m *magic) any { return value.Strings(m.play.run.SkipTags) },
	"ansible_facts":            func(m *magic) any { return m.host.factsDict() },
	"ansible_playbook_python":  func(*magic) any { return orNil(controllerPython()) },
	"ansible_config_file":      func(m *magic) any { return orNil(m.play.run.ConfigFile) },
	"playbook_dir":             func(m *magic) any { return m.play.dir },
	"environment":              func(m *magic) any { return m.environment() },
	"role_name":                func(m *magic) any { return m.role(func(r *playbooks.Role) any { return shortRole(r) }) },
	"ansible_role_name":        func(m *magic) any { return m.role(func(r *playbooks.Role) any { return r.Name }) },
	"role_path":                func(m *magic) any { return m.role(func(r *playbooks.Role) any { return r.Path }) },
	"role_names":               func(m *magic) any { return value.Strings(m.play.listedRoles()) },
	"ansible_role_names": func(m *magic) any {
		var names []string
		for _, n := range append(m.play.listedRoles(), m.play.dependencies()...) {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		return value.Strings(names)
	},
	"ansible_play_role_names": func(m *magic) any { return value.Strings(m.play.listedRoles()) },
	"ansible_parent_role_names": func(m *magic) any {
		return m.parents(func(r *playbooks.Role) string { return r.Name })
	},
	"ansible_parent_role_paths": func(m *magic) any {
		return m.parents(func(r *playbooks.Role) string { return r.Path })
	},
	"ansible_dependent_role_names": func(m *magic) any { return value.Strings(m.play.dependencies()) },
	"ansible_collection_name":      func(m *magic) any { return m.role(func(r *playbooks.Role) any { return orNil(r.FromCollection) }) },
	"ansible_search_path":          func(m *magic) any { return value.Strings(m.searchPath()) },
	"ansible_inventory_sources":    func(m *magic) any { return value.Strings(m.play.run.Sources) },
	"ansible_limit":                func(m *magic) any { return orNil(m.play.run.Limit) },
}

// magicNames is in the order of hostvars listings.
var magicNames = slices.Sorted(maps.Keys(magicVars))

// Get computes one magic variable. One that has no value here (role_name
// outside of a role) is not defined.
func (m *magic) Get(name string) (any, bool, bool) {
	find := magicVars[name]
	if find == nil {
		return nil, false, false
	}
	v := find(m)
	return v, fromOutside(v), v != nil
}

// fromOutside reports whether a magic variable may hold text that must not be
// evaluated. What hostvars holds says so for itself.
func fromOutside(v any) bool {
	switch v := v.(type) {
	case string:
		return jinja.HasTemplate(v)
	case *value.List, *value.Dict:
		return true
	}
	return false
}

// Names lists the magic variables that have a value.
func (m *magic) Names() []string {
	var out []string
	for _, name := range magicNames {
		if name == "vars" || name == "hostvars" {
			out = append(out, name)
			continue
		}
		if _, _, ok := m.Get(name); ok {
			out = append(out, name)
		}
	}
	return out
}

func (m *magic) role(find func(*playbooks.Role) any) any {
	if m.plan == nil || len(m.plan.roles) == 0 {
		return nil
	}
	return find(m.plan.roles[0])
}

func (m *magic) parents(find func(*playbooks.Role) string) any {
	if m.plan == nil || len(m.plan.roles) < 2 {
		return nil
	}
	out := &value.List{}
	for _, r := range m.plan.roles[1:] {
		out.Append(find(r))
	}
	return out
}

func (m *magic) environment() any {
	out := &value.List{}
	if m.plan != nil {
		out.Append(m.plan.environment...)
	}
	return out
}

// searchPath lists where files of a task are looked for.
func (m *magic) searchPath() []string {
	if m.plan == nil {
		return []string{m.play.dir}
	}
	return searchDirs(m.plan, m.play.dir)
}

// searchDirs are the directories of a task from the inside out: its roles, its
// file's directory, the playbook.
func searchDirs(plan *taskPlan, playDir string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(dir string) {
		if dir != "" && !seen[dir] {
			seen[dir] = true
			out = append(out, dir)
		}
	}
	for _, r := range plan.roles {
		add(r.Path)
	}
	add(filepath.Dir(absolute(plan.task.Pos.File)))
	add(playDir)
	return out
}

// controllerPython is the Python of this machine, which playbooks written for
// Ansible may ask for; we need none.
var controllerPython = sync.OnceValue(func() string {
	for _, name := range []string{"python3", "python"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
})

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func shortRole(r *playbooks.Role) string {
	return r.Name[strings.LastIndexByte(r.Name, '.')+1:]
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
