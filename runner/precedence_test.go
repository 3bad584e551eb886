package runner_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// level is one place that a variable can be set at, in Ansible's order of
// precedence ("Understanding variable precedence").
type level struct {
	name string
	// set makes the place give x the value.
	set func(p *project, v string)
}

// project is the files of a run, with holes for one variable.
type project struct {
	files                     map[string]string
	host, group, play, roleIn string
	taskVars, blockVars       string
	before                    string // tasks before the question
	extra                     *value.Dict
}

// levels are the 22 levels but the first (flags such as -u, which are no
// variables), lowest first.
var levels = []level{
	{"role defaults", func(p *project, v string) { p.files["roles/r/defaults/main.yml"] = "x: " + v }},
	{"inventory group vars", func(p *project, v string) { p.group += "x=" + v + "\n" }},
	{"inventory group_vars/all", func(p *project, v string) { p.files["inv/group_vars/all.yml"] = "x: " + v }},
	{"playbook group_vars/all", func(p *project, v string) { p.files["group_vars/all.yml"] = "x: " + v }},
	{"inventory group_vars/*", func(p *project, v string) { p.files["inv/group_vars/g.yml"] = "x: " + v }},
	{"playbook group_vars/*", func(p *project, v string) { p.files["group_vars/g.yml"] = "x: " + v }},
	{"inventory host vars", func(p *project, v string) { p.host += " x=" + v }},
	{"inventory host_vars/*", func(p *project, v string) { p.files["inv/host_vars/h.yml"] = "x: " + v }},
	{"playbook host_vars/*", func(p *project, v string) { p.files["host_vars/h.yml"] = "x: " + v }},
	{"play vars", func(p *project, v string) { p.play += "  vars: {x: " + v + "}\n" }},
	{"play vars_prompt", func(p *project, v string) {
		p.play += "  vars_prompt: [{name: x, default: " + v + "}]\n"
	}},
	{"play vars_files", func(p *project, v string) {
		p.files["more.yml"] = "x: " + v
		p.play += "  vars_files: [more.yml]\n"
	}},
	{"role vars", func(p *project, v string) { p.files["roles/r/vars/main.yml"] = "x: " + v }},
	{"block vars", func(p *project, v string) { p.blockVars = "  vars: {x: " + v + "}\n" }},
	{"task vars", func(p *project, v string) { p.taskVars = "      vars: {x: " + v + "}\n" }},
	{"include_vars", func(p *project, v string) {
		p.files["loaded.yml"] = "x: " + v
		p.before += "- include_vars: {file: ../../../loaded.yml}\n"
	}},
	{"set_fact", func(p *project, v string) { p.before += "- set_fact: {x: " + v + "}\n" }},
	{"role params", func(p *project, v string) { p.roleIn = ", x: " + v }},
	{"extra vars", func(p *project, v string) { p.extra.Set("x", v) }},
}

func (p *project) write() map[string]string {
	p.files["inv/hosts.ini"] = "[g]\nh ansible_connection=local" + p.host + "\n[g:vars]\n" + p.group
	p.files["site.yml"] = "- hosts: all\n  gather_facts: false\n" + p.play + "  roles: [{role: r" + p.roleIn + "}]\n"
	p.files["roles/r/tasks/main.yml"] = p.before + "- block:\n    - debug: {msg: \"{{ x }}\"}\n" + p.taskVars + p.blockVars
	return p.files
}

// TestPrecedence sets the same variable at every pair of levels: the higher
// one must win.
func TestPrecedence(t *testing.T) {
	for hi := range levels {
		for lo := range hi {
			low, high := levels[lo], levels[hi]
			t.Run(fmt.Sprintf("%s under %s", low.name, high.name), func(t *testing.T) {
				t.Parallel()
				p := &project{files: map[string]string{}, extra: &value.Dict{}}
				low.set(p, "low")
				high.set(p, "high")
				r := newRig(t, p.write())
				r.options.ExtraVars = p.extra
				r.sources = "inv/hosts.ini"
				_, err := r.run(t)
				require.NoError(t, err)
				assert.Equal(t, []string{"high"}, r.messages()["h"])
			})
		}
	}
}
