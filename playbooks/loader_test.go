package playbooks

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/diag"
)

// memory is a Loader over files in memory, below /site.
func memory(files map[string]string, change ...func(*Options)) *Loader {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys["site/"+name] = &fstest.MapFile{Data: []byte(content)}
	}
	o := Options{FS: fsys, BaseDir: "/site"}
	for _, f := range change {
		f(&o)
	}
	return NewLoader(o)
}

// load reads site.yml, which must be without problems.
func load(t *testing.T, files map[string]string) *Playbook {
	t.Helper()
	p, problems := memory(files).Load("site.yml")
	require.Equal(t, diag.Problems(nil), problems, "%s", problems.Error())
	return p
}

func TestPlayWithRoleBlockAndHandler(t *testing.T) {
	p := load(t, map[string]string{
		"site.yml": `
- name: Web
  hosts: web
  become: true
  vars: {answer: 42}
  roles:
    - role: nginx
      tags: [web]
      size: 3
  tasks:
    - name: Say
      debug: msg="hello {{ name }}" verbosity=1
      when: answer == 42
      loop: [1, 2]
      notify: restart
    - block:
        - command: /bin/false
      rescue:
        - shell: echo a | cat
          args: {chdir: /tmp}
      always:
        - import_tasks: more.yml
          tags: late
  handlers:
    - name: restart
      service: {name: x, state: restarted}
`,
		"more.yml":                         "- ping:\n  tags: [inner]\n",
		"roles/nginx/tasks/main.yml":       "- include_tasks: sub.yml\n",
		"roles/nginx/defaults/main.yml":    "port: 80\n",
		"roles/nginx/meta/main.yml":        "dependencies: [base]\n",
		"roles/base/tasks/main.yml":        "- ping:\n",
		"roles/base/handlers/main.yml":     "- name: base handler\n  ping:\n",
		"roles/nginx/tasks/sub.yml":        "- ping:\n",
		"roles/nginx/meta/main.yml.unused": "",
	})
	require.Len(t, p.Plays, 1)
	play := p.Plays[0]
	assert.Equal(t, []string{"web"}, play.Hosts)
	require.Len(t, play.RoleBlocks, 1)
	role := play.RoleBlocks[0]
	require.Len(t, role.Tasks, 3)
	dep := role.Tasks[0].(*Block)
	ping := dep.Tasks[0].(*Task)
	assert.Equal(t, []string{"web"}, ping.AllTags())
	assert.Equal(t, true, ping.Inherited("become").Value)
	require.Len(t, ping.RoleChain(), 2)
	say := play.Tasks.Tasks[0].(*Task)
	assert.Equal(t, "hello {{ name }}", say.Args.At("msg"))
	assert.Equal(t, "1", say.Args.At("verbosity"))
	block := play.Tasks.Tasks[1].(*Block)
	shell := block.Rescue[0].(*Task)
	assert.Equal(t, "echo a | cat", shell.Args.At("_raw_params"))
	assert.Equal(t, "/tmp", shell.Args.At("chdir"))
	imported := block.Always[0].(*Block)
	assert.Equal(t, ImportScope, imported.Kind)
	assert.Equal(t, []string{"late", "inner"}, imported.Tasks[0].(*Task).AllTags())
	require.Len(t, play.Handlers, 2)
	assert.True(t, play.Handlers[1].IsHandler)
	assert.Equal(t, "site.yml:11:7#1", say.ID)
}
