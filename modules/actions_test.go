package modules_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"sunup/internal/value"
	"sunup/modules"
	"sunup/modules/modtest"
)

// An action case is a differential case of a module that works on the
// controller, too: {{files}} is a directory there.
type actionCase struct {
	differentialCase `yaml:",inline"`
	Files            map[string]string
	Vars             map[string]any
}

// TestDifferentialActions runs all cases in one playbook each way, since
// ansible-playbook takes long to start.
func TestDifferentialActions(t *testing.T) {
	if ansiblePython() == "" {
		t.Skip("needs ansible-core 2.14 to compare with")
	}
	playbook, err := exec.LookPath("ansible-playbook")
	if err != nil || os.Getenv("SUNUP_ANSIBLE") == "" {
		t.Skip("takes minutes: set SUNUP_ANSIBLE=1")
	}
	for _, module := range []string{"copy", "template", "fetch"} {
		var cases []actionCase
		text, err := os.ReadFile(filepath.Join("testdata/differential/actions", module+".yml"))
		if err != nil {
			t.Fatal(err)
		}
		d := yaml.NewDecoder(bytes.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", module, err)
		}
		for _, check := range []bool{true, false} {
			if check && modules.Lookup(module, nil).Check == modules.CheckNone {
				continue
			}
			compareActions(t, playbook, module, cases, check)
		}
	}
}

func compareActions(t *testing.T, playbook, module string, cases []actionCase, check bool) {
	t.Helper()
	times := 2
	if check {
		times = 1
	}
	theirs, ours := actionDirs(t, cases), actionDirs(t, cases)
	results := runPlaybook(t, playbook, module, cases, theirs, check, times)
	for i, c := range cases {
		t.Run(module+"/"+c.Name, func(t *testing.T) {
			for n := range times {
				args := inDirs(c.Args, ours[i]).(map[string]any)
				b := c.comparable(outDirs(c.runAction(t, module, ours[i], args, check), ours[i]).(map[string]any))
				a := c.comparable(outDirs(results[n][i], theirs[i]).(map[string]any))
				for _, r := range []map[string]any{a, b} {
					if s, _ := r["src"].(string); module == "template" || !strings.HasPrefix(s, "{{files}}/t") {
						delete(r, "src") // theirs is a temporary file
					}
					// They name a temporary file, too.
					for _, d := range r["diff"].([]map[string]string) {
						delete(d, "after_header")
					}
				}
				if d := cmp.Diff(a, b); d != "" {
					t.Errorf("check=%v run %d: - ansible + sunup\n%s", check, n+1, d)
				}
			}
			a, b := modtest.Tree(filepath.Join(theirs[i], "tmp")), modtest.Tree(filepath.Join(ours[i], "tmp"))
			if d := cmp.Diff(stableNames(a), stableNames(b)); d != "" {
				t.Errorf("check=%v: the trees differ: - ansible + sunup\n%s", check, d)
			}
		})
	}
}

func inDirs(v any, dir string) any {
	return replaced(replaced(v, "{{tmp}}", dir+"/tmp"), "{{files}}", dir+"/files")
}

func outDirs(v any, dir string) any {
	return replaced(replaced(v, dir+"/tmp", "{{tmp}}"), dir+"/files", "{{files}}")
}

// actionDirs makes a directory for each case, with its setup done.
func actionDirs(t *testing.T, cases []actionCase) []string {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for i, c := range cases {
		dir := filepath.Join(base, strconv.Itoa(i))
		for _, d := range []string{"tmp", "files"} {
			if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range c.Files {
			name = filepath.Join(dir, "files", name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("sh", "-ec", "umask 022\n"+c.Setup)
		cmd.Dir = filepath.Join(dir, "tmp")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("setup: %v: %s", err, out)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// runPlaybook returns Ansible's results by run and case.
func runPlaybook(t *testing.T, playbook, module string, cases []actionCase, dirs []string, check bool, times int) [][]map[string]any {
	t.Helper()
	var tasks []any
	for range times {
		for i, c := range cases {
			tasks = append(tasks, map[string]any{"name": c.Name, "ansible.builtin." + module: inDirs(c.Args, dirs[i]), "vars": c.Vars, "ignore_errors": true})
		}
	}
	play, err := json.Marshal([]any{map[string]any{"hosts": "localhost", "gather_facts": false, "connection": "local", "tasks": tasks}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "play.yml")
	if err := os.WriteFile(file, play, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-i", "localhost,", "--diff", file}
	if check {
		args = append(args, "--check")
	}
	cmd := exec.Command(playbook, args...)
	cmd.Env = append(os.Environ(), "ANSIBLE_STDOUT_CALLBACK=json", "ANSIBLE_PIPELINING=1", "ANSIBLE_LOCALHOST_WARNING=0", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3", "LC_ALL=C.UTF-8")
	out, err := cmd.Output()
	var report struct {
		Plays []struct {
			Tasks []struct {
				Hosts map[string]map[string]any
			}
		}
	}
	if e := json.Unmarshal(out, &report); e != nil || len(report.Plays) != 1 {
		t.Fatalf("ansible-playbook: %v, %v: %s", err, e, out)
	}
	results := make([][]map[string]any, times)
	for i, task := range report.Plays[0].Tasks {
		r := task.Hosts["localhost"]
		for _, k := range []string{"action", "_ansible_no_log", "module_stdout", "module_stderr"} {
			delete(r, k)
		}
		results[i/len(cases)] = append(results[i/len(cases)], r)
	}
	return results
}

func (c actionCase) runAction(t *testing.T, module, dir string, args map[string]any, check bool) map[string]any {
	t.Helper()
	vars, _ := value.FromGo(c.Vars).(*value.Dict)
	return runOursWith(t, module, filepath.Join(dir, "tmp"), args, check, &modtest.Controller{Dir: dir, Vars: vars})
}
