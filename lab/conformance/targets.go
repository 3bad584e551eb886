package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// group is a set of targets that show one side of the language.
type group struct {
	name    string
	targets []string
}

// groups are the targets that pass with Ansible itself on Debian 12 as root.
var groups = []group{
	{"control", words("conditionals loops loop_control blocks failed_when ignore_errors any_errors_fatal register meta_tasks debug order throttle playbook parsing environment until no_log tasks omit")},
	{"includes-roles-handlers-tags", words("handlers import_tasks include_import includes include_vars tags include_when_parent_is_static roles_var_inheritance dataloader")},
	{"vars-facts", words("var_precedence var_blending special_vars var_templating gathering")},
	{"templating", words("template templating jinja2_native_types undefined groupby_filter split")},
	{"filters-tests", words("filter_core filter_mathstuff test_core filter_urls test_files")},
	{"lookups", words("lookup_items lookup_dict lookup_file lookup_fileglob lookup_first_found lookup_env lookup_template lookup_sequence lookup_lines lookup_vars lookup_together lookup_pipe lookup_csvfile lookup_url")},
	{"inventory", words("inventory inventory_ini inventory_yaml hosts_field limit_inventory add_host inventory_advanced_host_list")},
	{"execution-connection", words("strategy_linear delegate_to connection_local connection_ssh become callback_default async")},
	{"cli-vault", words("ansible adhoc ansible-vault cli config collections")},
	{"modules-files", words("copy file stat blockinfile replace slurp fetch assemble tempfile")},
	{"modules-exec", words("command_shell raw script ping wait_for pause")},
	{"modules-system", words("systemd group cron package package_facts getent debconf hostname")},
	{"modules-net", words("get_url")},
}

func words(s string) []string { return strings.Fields(s) }

// target is one thing to run.
type target struct {
	name, group string
	dir         string // in the checkout
	script      bool   // it has a runme.sh
	web         bool   // it needs the web server beside it
	aliases     []string
}

// chosen lists the targets of the names given, or all.
func chosen(src string, names []string) []target {
	var out []target
	known := map[string]bool{}
	for _, g := range groups {
		for _, name := range g.targets {
			known[name] = true
			if len(names) == 0 || slices.Contains(names, name) || slices.Contains(names, g.name) {
				out = append(out, readTarget(src, g.name, name))
			}
		}
	}
	for _, name := range names {
		if !known[name] && !isGroup(name) {
			out = append(out, readTarget(src, "other", name))
		}
	}
	return out
}

func isGroup(name string) bool {
	return slices.ContainsFunc(groups, func(g group) bool { return g.name == name })
}

func readTarget(src, group, name string) target {
	t := target{name: name, group: group, dir: filepath.Join(src, "test/integration/targets", name)}
	t.web = wantsWeb(t.dir)
	if _, err := os.Stat(filepath.Join(t.dir, "runme.sh")); err == nil {
		t.script = true
	}
	text, _ := os.ReadFile(filepath.Join(t.dir, "aliases"))
	for _, line := range strings.Split(string(text), "\n") {
		if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) != "" {
			t.aliases = append(t.aliases, strings.TrimSpace(line))
		}
	}
	return t
}

func (t target) gathersFacts() bool { return !slices.Contains(t.aliases, "gather_facts/no") }
