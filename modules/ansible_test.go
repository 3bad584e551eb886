package modules_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"sort"
	"strings"
	"testing"

	"sunup/internal/connection"
	"sunup/internal/value"
	"sunup/modules"
	"sunup/modules/modtest"
)

// theirs runs a module with the ansible of this machine, to compare with; the
// test is skipped where there is none.
func theirs(t *testing.T, module string, args map[string]any, flags ...string) map[string]any {
	t.Helper()
	program, err := exec.LookPath("ansible")
	if err != nil {
		t.Skip("no ansible on this machine to compare with")
	}
	argv := append([]string{"-m", module, "localhost", "-c", "local"}, flags...)
	if args != nil {
		text, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		argv = append(argv, "-a", string(text))
	}
	cmd := exec.Command(program, argv...)
	cmd.Env = append(os.Environ(), "ANSIBLE_LOCALHOST_WARNING=False", "ANSIBLE_LOAD_CALLBACK_PLUGINS=1", "ANSIBLE_STDOUT_CALLBACK=json", "ANSIBLE_NOCOLOR=1", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3")
	out, _ := cmd.Output()
	var run struct {
		Plays []struct {
			Tasks []struct {
				Hosts map[string]map[string]any
			}
		}
	}
	if err := json.Unmarshal(out[max(strings.IndexByte(string(out), '{'), 0):], &run); err != nil || len(run.Plays) == 0 {
		t.Fatalf("read ansible's answer: %v: %s", err, out)
	}
	return run.Plays[0].Tasks[0].Hosts["localhost"]
}

// ours runs one of our modules on this machine.
func ours(t *testing.T, module string, args map[string]any, conn connection.Conn) map[string]any {
	t.Helper()
	m := modules.Lookup(module, nil)
	given, _ := value.FromGo(args).(*value.Dict)
	a, err := m.Spec.Validate(module, given)
	if err != nil {
		return map[string]any{"failed": true, "msg": err.Error()}
	}
	r, err := m.Run(context.Background(), &modules.Call{Args: a, Conn: conn, Controller: &modtest.Controller{Vars: &value.Dict{}}})
	if err != nil {
		t.Fatal(err)
	}
	out, _ := value.ToGo(modtest.Flat(r)).(map[string]any)
	return out
}

// asJSON makes numbers of both sides the same type.
func asJSON(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// fickle are facts that differ between any two moments, or that tell of the
// program that asks.
var fickle = map[string]bool{
	"ansible_date_time": true, "ansible_loadavg": true, "ansible_uptime_seconds": true, "ansible_memfree_mb": true, "ansible_memory_mb": true,
	"ansible_mounts": true, "ansible_env": true, "ansible_python": true, "ansible_python_version": true,
}

func TestFactsAreThoseOfAnsible(t *testing.T) {
	facts, _ := theirs(t, "setup", nil)["ansible_facts"].(map[string]any)
	mine, _ := asJSON(t, ours(t, "setup", nil, &modtest.Sh{})["ansible_facts"]).(map[string]any)
	equal, keys := 0, make([]string, 0, len(facts))
	for k := range facts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		want, got := facts[k], mine[k]
		if fickle[k] {
			continue
		}
		if k == "ansible_interfaces" {
			want, got = sorted(want), sorted(got)
		}
		if reflect.DeepEqual(want, got) {
			equal++
		} else {
			t.Logf("%s\n\tansible: %.600v\n\tours:    %.600v", k, want, got)
		}
	}
	for k := range mine {
		if _, ok := facts[k]; !ok {
			t.Logf("%s is only ours: %v", k, mine[k])
		}
	}
	t.Logf("%d of %d facts are equal", equal, len(keys)-len(fickle))
	if least := len(keys) - len(fickle) - 4; equal < least {
		t.Errorf("%d facts are equal, expected at least %d", equal, least)
	}
}

func TestFactsAreTheSameInEveryShell(t *testing.T) {
	var first map[string]any
	for _, shell := range [][]string{{"/bin/sh", "-c"}, {"bash", "--posix", "-c"}, {"busybox", "ash", "-c"}} {
		if _, err := exec.LookPath(shell[0]); err != nil {
			continue
		}
		facts, _ := ours(t, "setup", nil, &modtest.Sh{Shell: shell})["ansible_facts"].(map[string]any)
		if first == nil {
			first = facts
			continue
		}
		for k, v := range first {
			if !fickle[k] && !reflect.DeepEqual(v, facts[k]) {
				t.Errorf("%s: %s is %v, in /bin/sh it is %v", shell, k, facts[k], v)
			}
		}
	}
}

func sorted(v any) any {
	l, _ := v.([]any)
	sort.Slice(l, func(i, j int) bool { return value.Str(l[i]) < value.Str(l[j]) })
	return l
}

// Results of both sides for the same call, but for times and what only a
// callback adds.
func TestResultsAreThoseOfAnsible(t *testing.T) {
	for _, c := range []struct {
		note, module string
		args         map[string]any
	}{
		{"ends with a code", "command", map[string]any{"argv": []string{"sh", "-c", "echo a; echo b >&2; exit 5"}}},
		{"is not there", "command", map[string]any{"argv": []string{"no such program", "it's"}}},
		{"no directory", "command", map[string]any{"argv": []string{"ls"}, "chdir": "/nope/it's"}},
		{"creates", "shell", map[string]any{"cmd": "false", "creates": "/etc/pass*"}},
		{"stdin", "shell", map[string]any{"cmd": "cat; printf '\\n\\n'", "stdin": "한 줄\r\n", "strip_empty_ends": false}},
		{"one entry", "getent", map[string]any{"database": "passwd", "key": "root"}},
		{"no entry", "getent", map[string]any{"database": "group", "key": "no-such-group"}},
		{"as it is", "user", map[string]any{"name": "root", "comment": "root", "create_home": false}},
		{"as it is", "group", map[string]any{"name": "root", "gid": 0}},
		{"a file", "wait_for", map[string]any{"path": "/etc/passwd", "search_regex": "^(?P<who>root):(.)"}},
		{"no group", "user", map[string]any{"name": "no-such-user", "group": "no-such-group"}},
	} {
		t.Run(c.module+" "+c.note, func(t *testing.T) {
			want := theirs(t, c.module, c.args)
			got, _ := asJSON(t, ours(t, c.module, c.args, &modtest.Sh{})).(map[string]any)
			for _, name := range []string{"start", "end", "delta", "elapsed", "invocation", "action", "_ansible_no_log", "exception", "ansible_facts_cacheable"} {
				delete(want, name)
				delete(got, name)
			}
			for k, v := range want {
				if !reflect.DeepEqual(v, got[k]) {
					t.Errorf("%s\n\tansible: %#v\n\tours:    %#v", k, v, got[k])
				}
			}
			for k, v := range got {
				if _, ok := want[k]; !ok {
					t.Errorf("%s is only ours: %#v", k, v)
				}
			}
		})
	}
}
