package playbooks

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/diag"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
)

func TestIncludedTasksInheritFromAroundTheInclude(t *testing.T) {
	l := memory(map[string]string{
		"site.yml": `
- hosts: all
  become: true
  vars: {source: play}
  tasks:
    - block:
        - name: Include
          include_tasks:
            file: sub/inner.yml
            apply: {tags: [applied], when: applied, vars: {source: apply, b: 2}}
          tags: [own]
          when: own
          vars: {source: include, a: 1}
      tags: [block]
      when: block
`,
		"sub/inner.yml":  "- ping:\n  tags: inner\n- include_tasks: beside.yml\n",
		"sub/beside.yml": "- ping:\n",
	})
	p, problems := l.Load("site.yml")
	require.Empty(t, problems)
	play := p.Plays[0]
	include := play.Tasks.Tasks[0].(*Block).Tasks[0].(*Task)

	path, _ := l.FindTaskFile("sub/inner.yml", include.Parent, play, false)
	assert.Equal(t, "sub/inner.yml", path)
	inside := include.Inside("sub/inner.yml")
	steps, problems := l.TaskFile(path, inside, play, false)
	require.Empty(t, problems)
	ping := steps[0].(*Task)
	assert.Equal(t, []string{"block", "applied", "inner"}, ping.AllTags())
	assert.Equal(t, []any{"block", "applied"}, ping.AllWhen())
	assert.Equal(t, true, ping.Inherited("become").Value)
	vars := value.Dict{}
	for _, d := range ping.VarsChain() {
		vars.Update(d)
	}
	assert.Equal(t, "apply", vars.At("source"))
	assert.Equal(t, 1, vars.At("a"))
	assert.Equal(t, include.ID+"/sub/inner.yml:1:3#1", ping.ID)

	again := steps[1].(*Task)
	path, _ = l.FindTaskFile("beside.yml", again.Parent, play, false)
	assert.Equal(t, "sub/beside.yml", path, "found beside the file that includes it")
	_, searched := l.FindTaskFile("nowhere.yml", again.Parent, play, false)
	assert.Equal(t, []string{"sub/nowhere.yml", "nowhere.yml"}, searched)

	second, problems := l.TaskFile("sub/inner.yml", inside, play, false)
	require.Empty(t, problems)
	assert.Equal(t, ping.ID, second[0].(*Task).ID, "the same include gives the same names")
	assert.NotSame(t, ping, second[0])
}

func TestRoleAtRunTime(t *testing.T) {
	l := memory(map[string]string{
		"site.yml":                          "- hosts: all\n  tasks:\n    - include_role: {name: web}\n      vars: {x: 1}\n",
		"roles/web/tasks/main.yml":          "- ping:\n",
		"roles/web/tasks/other.yml":         "- command: other\n",
		"roles/web/handlers/main.yml":       "- name: restart\n  ping:\n",
		"roles/web/meta/main.yml":           "dependencies: [base]\n",
		"roles/base/tasks/main.yml":         "- ping:\n",
		"roles/web/defaults/main.yml":       "port: 80\n",
		"roles/web/meta/argument_specs.yml": "argument_specs:\n  main: {options: {port: {type: int}}}\n",
	})
	p, problems := l.Load("site.yml")
	require.Empty(t, problems)
	play := p.Plays[0]
	include := play.Tasks.Tasks[0].(*Task)
	assert.Equal(t, IncludeRole, include.Include.Kind)

	use, problems := l.Role("web", RoleFrom{}, include.Inside(""), play, "")
	require.Empty(t, problems)
	assert.Equal(t, "web", use.Role.Name)
	assert.Equal(t, "/site/roles/web", use.Role.Path)
	assert.True(t, use.Role.AllowDuplicates, "an included role may run again")
	assert.Equal(t, 80, use.Role.Defaults.At("port"))
	require.Len(t, use.Block.Tasks, 4, "dependency, validation, task, completion")
	assert.Equal(t, "validate_argument_spec", shortName(use.Block.Tasks[1].(*Task).Action))
	assert.Len(t, use.Handlers, 1)

	once, _ := l.Role("web", RoleFrom{TasksFrom: "other", Once: true, SkipValidation: true}, include.Inside(""), play, "")
	assert.False(t, once.Role.AllowDuplicates)
	assert.NotEqual(t, use.Role.Key, once.Role.Key)
	assert.Equal(t, "other", once.Block.Tasks[1].(*Task).Args.At("_raw_params"))

	_, problems = l.Role("wbe", RoleFrom{}, include.Inside(""), play, "")
	require.Len(t, problems, 1)
	assert.Equal(t, "site.yml:3:7", problems[0].Pos.String())
	assert.Contains(t, problems.Format(say.English), "did you mean 'web'?")
	assert.NotEmpty(t, problems[0].Source)
}

func TestWalkVisitsInTheOrderOfRunning(t *testing.T) {
	p := load(t, map[string]string{
		"site.yml":               "- hosts: all\n  roles: [r]\n  post_tasks: [{debug: msg=4}]\n  pre_tasks: [{debug: msg=1}]\n  tasks: [{block: [{debug: msg=3}]}]\n",
		"roles/r/tasks/main.yml": "- debug: msg=2\n",
	})
	var order []string
	p.Walk(func(_ *Play, s Step) {
		if task, ok := s.(*Task); ok && !task.Implicit {
			order = append(order, fmt.Sprint(task.Args.At("msg")))
		}
	})
	assert.Equal(t, "1 2 3 4", strings.Join(order, " "))
}

// A playbook that multiplies itself must end with a problem, not with the
// machine out of memory.
func TestImportsThatMultiply(t *testing.T) {
	files := map[string]string{"site.yml": "- hosts: all\n  tasks:\n    - import_tasks: 0.yml\n"}
	for i := range 40 {
		files[fmt.Sprintf("%d.yml", i)] = strings.Repeat(fmt.Sprintf("- import_tasks: %d.yml\n", i+1), 2)
	}
	files["40.yml"] = "- ping:\n"
	_, problems := memory(files, func(o *Options) { o.MaxFiles = 5000 }).Load("site.yml")
	require.True(t, problems.HasErrors())
	assert.Equal(t, "too-many-imports", problems[0].ID)
}

func TestTheSameFileIsComplainedOfOnce(t *testing.T) {
	_, problems := memory(map[string]string{
		"site.yml": "- hosts: all\n  tasks:\n    - import_tasks: a.yml\n    - import_tasks: a.yml\n",
		"a.yml":    "- pnig:\n",
	}, func(o *Options) { o.Modules = core{} }).Load("site.yml")
	assert.Len(t, problems, 1)
}

func TestLackingModulesAsWarnings(t *testing.T) {
	files := map[string]string{"site.yml": "- hosts: all\n  tasks:\n    - apt: name=x\n    - pign:\n"}
	_, problems := memory(files, func(o *Options) { o.Modules, o.LackingIsWarning = fewModules{}, true }).Load("site.yml")
	require.Len(t, problems, 2)
	assert.Equal(t, diag.Warning, problems[0].Severity)
	assert.Equal(t, diag.Error, problems[1].Severity, "what nobody has stays an error")
}

func TestVaultedFiles(t *testing.T) {
	files := map[string]string{"site.yml": "- hosts: all\n  vars_files: [secret.yml]\n  tasks: []\n", "secret.yml": "$ANSIBLE_VAULT;1.1;AES256\n00\n"}
	_, problems := memory(files, func(o *Options) {
		o.Decrypt = func([]byte) ([]byte, error) { return []byte("a: 1\n"), nil }
	}).Load("site.yml")
	assert.Empty(t, problems)
	_, problems = memory(files).Load("site.yml")
	require.Len(t, problems, 1)
	assert.Equal(t, "vault-no-password", problems[0].ID)
}

func TestExtraVarsNameImports(t *testing.T) {
	files := map[string]string{
		"site.yml":  "- hosts: all\n  vars: {which: play}\n  tasks:\n    - import_tasks: '{{ which }}.yml'\n",
		"extra.yml": "- ping:\n", "play.yml": "- ping:\n",
	}
	p, problems := memory(files, func(o *Options) { o.ExtraVars = value.NewDict("which", "extra") }).Load("site.yml")
	require.Empty(t, problems)
	assert.Equal(t, "extra.yml", p.Plays[0].Tasks.Tasks[0].(*Block).File)
	rendered, problems := memory(files, func(o *Options) {
		o.Render = func(string, *value.Dict) (any, error) { return "play.yml", nil }
	}).Load("site.yml")
	require.Empty(t, problems)
	assert.Equal(t, "play.yml", rendered.Plays[0].Tasks.Tasks[0].(*Block).File)
}

func TestPlaybookOfACollection(t *testing.T) {
	const in = "ansible_collections/acme/web/"
	l := memory(map[string]string{
		in + "playbooks/site.yml":         "- hosts: all\n  roles: [proxy]\n",
		in + "roles/proxy/tasks/main.yml": "- ping:\n",
	}, func(o *Options) { o.CollectionsPath = []string{"/site"} })
	for _, name := range []string{"acme.web.site", in + "playbooks/site.yml"} {
		p, problems := l.Load(name)
		require.Empty(t, problems, name)
		assert.Equal(t, "acme.web", p.Plays[0].Collection)
		assert.Equal(t, "acme.web.proxy", p.Plays[0].Roles[0].Role.Name)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{"90": "1m30s", "90s": "1m30s", "30m": "30m0s", "1h30m": "1h30m0s", "2d": "48h0m0s", "1d2h": "26h0m0s", "0.5": "500ms"} {
		d, ok := ParseDuration(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, d.String(), text)
	}
	for _, text := range []string{"", "x", "-1", "1w", "d", "-5m", "1e300", "NaN", "inf", "9999999999999d"} {
		_, ok := ParseDuration(text)
		assert.False(t, ok, text)
	}
}

func TestTemplateErrorsPointInsideTheText(t *testing.T) {
	src := "- hosts: all\n  tasks:\n    - debug: {msg: \"가 {{ bad\"}\n      when: so bad\n    - copy:\n        content: |\n          one\n          two {{ bad\n    - debug:\n        msg: >-\n          folded {{ bad\n"
	_, problems := memory(map[string]string{"site.yml": src}, func(o *Options) {
		o.CheckTemplate = func(src string) error {
			before, _, found := strings.Cut(src, "bad")
			if !found {
				return nil
			}
			line := before[strings.LastIndexByte(before, '\n')+1:]
			return &jinja.Error{Line: strings.Count(before, "\n") + 1, Col: len([]rune(line)) + 1, Msg: "bad", Hint: "good?"}
		}
	}).Load("site.yml")
	var places []string
	for _, p := range problems {
		places = append(places, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Col, strings.TrimSpace(p.Source)))
		assert.Contains(t, p.What.String(), "bad (good?)")
	}
	assert.Equal(t, []string{
		`3:26 - debug: {msg: "가 {{ bad"}`, `4:16 when: so bad`, `8:18 two {{ bad`, `10:14 msg: >-`,
	}, places)
}

// The runner includes the same file for many hosts at once.
func TestIncludesFromManyGoroutines(t *testing.T) {
	l := memory(map[string]string{
		"site.yml":               "- hosts: all\n  tasks:\n    - include_tasks: a.yml\n",
		"a.yml":                  "- import_role: {name: r}\n- bad: x\n",
		"roles/r/tasks/main.yml": "- ping:\n", "roles/r/handlers/main.yml": "- ping:\n",
	}, func(o *Options) { o.Modules = core{} })
	p, _ := l.Load("site.yml")
	play := p.Plays[0]
	include := play.Tasks.Tasks[0].(*Task)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			steps, problems := l.TaskFile("a.yml", include.Inside("a.yml"), play, false)
			assert.Len(t, steps, 1)
			assert.Len(t, HandlersOf(steps), 1)
			assert.Len(t, problems, 1)
			_, problems = l.Role("none", RoleFrom{}, include.Inside(""), play, "")
			assert.Len(t, problems, 1)
			l.FindTaskFile("a.yml", include.Parent, play, false)
		})
	}
	group.Wait()
}
