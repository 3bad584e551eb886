package modules_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"sunup/internal/value"
	"sunup/modules"
	"sunup/modules/modtest"
)

// A differential case is run by Ansible's own module and by ours, each in a
// directory of its own: the same must come of it. {{tmp}} is the directory.
type differentialCase struct {
	Name  string
	Setup string
	Args  map[string]any
	// Skip names return values that may differ, Why says so.
	Skip []string
	Why  string
	// Only compares whether it changed or failed and the tree.
	Only bool
}

// ansiblePython is the interpreter that has Ansible's modules, "" without one.
func ansiblePython() string {
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		out, err := exec.Command(p, "-c", "import ansible; print(ansible.__version__)").Output()
		lines := strings.Fields(string(out))
		if err == nil && len(lines) == 1 && strings.HasPrefix(lines[0], "2.14.") {
			return p
		}
	}
	return ""
}

func TestDifferential(t *testing.T) {
	python := ansiblePython()
	if python == "" {
		t.Skip("needs ansible-core 2.14 to compare with")
	}
	if testing.Short() {
		t.Skip("runs Ansible's modules")
	}
	theirs := startAnsible(t, python)
	files, err := filepath.Glob("testdata/differential/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		module := strings.TrimSuffix(filepath.Base(name), ".yml")
		if module == "community.general.xml" && exec.Command(python, "-c", "import lxml").Run() != nil {
			t.Log("left out: community.general.xml, as Python has no lxml here")
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var cases []differentialCase
		d := yaml.NewDecoder(bytes.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(&cases); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range cases {
			t.Run(module+"/"+c.Name, func(t *testing.T) {
				run := func(t *testing.T, tmp string, args map[string]any, check bool) map[string]any {
					return theirs.run(t, module, tmp, args, check)
				}
				for _, check := range []bool{true, false} {
					if check && modules.Lookup(module, nil).Check == modules.CheckNone {
						continue
					}
					c.run(t, module, check, run)
				}
			})
		}
	}
}

type runner func(t *testing.T, tmp string, args map[string]any, check bool) map[string]any

func (c differentialCase) run(t *testing.T, module string, check bool, theirs runner) {
	t.Helper()
	var results [2][]map[string]any
	var trees [2]string
	for side, run := range []runner{theirs, func(t *testing.T, tmp string, args map[string]any, check bool) map[string]any {
		return runOurs(t, module, tmp, args, check)
	}} {
		base, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		tmp := filepath.Join(base, "tmp")
		if err := os.Mkdir(tmp, 0o755); err != nil {
			t.Fatal(err)
		}
		if c.Setup != "" {
			cmd := exec.Command("sh", "-ec", "umask 022\n"+c.Setup)
			cmd.Dir = tmp
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("setup: %v: %s", err, out)
			}
		}
		args := replaced(c.Args, "{{tmp}}", tmp).(map[string]any)
		times := 2
		if check {
			times = 1
		}
		for range times {
			r := replaced(run(t, tmp, args, check), tmp, "{{tmp}}").(map[string]any)
			results[side] = append(results[side], r)
		}
		trees[side] = strings.ReplaceAll(modtest.Tree(tmp), tmp, "{{tmp}}")
	}
	for i := range results[0] {
		a, b := c.comparable(results[0][i]), c.comparable(results[1][i])
		if d := cmp.Diff(a, b); d != "" {
			t.Errorf("check=%v run %d: - ansible + sunup\n%s", check, i+1, d)
		}
	}
	if d := cmp.Diff(stableNames(trees[0]), stableNames(trees[1])); d != "" {
		t.Errorf("check=%v: the trees differ: - ansible + sunup\n%s", check, d)
	}
}

var backupName = regexp.MustCompile(`\.[0-9]+\.[0-9]{4}-[0-9]{2}-[0-9]{2}@[0-9:]{8}~`)

func stableNames(s string) string { return backupName.ReplaceAllString(s, ".BACKUP") }

// replaced replaces text everywhere in v.
func replaced(v any, from, to string) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, from, to)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = replaced(e, from, to)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[strings.ReplaceAll(k, from, to)] = replaced(e, from, to)
		}
		return out
	}
	return v
}

// Always different, or of Ansible's own machinery.
var never = []string{"invocation", "exception", "warnings", "deprecations", "elapsed"}

func (c differentialCase) comparable(r map[string]any) map[string]any {
	for _, k := range append(never, c.Skip...) {
		delete(r, k)
	}
	if _, ok := r["failed"]; !ok {
		r["failed"] = false
	}
	if _, ok := r["changed"]; !ok {
		r["changed"] = false
	}
	if c.Only {
		return map[string]any{"failed": r["failed"], "changed": r["changed"]}
	}
	for _, k := range []string{"backup", "backup_file"} {
		if s, ok := r[k].(string); ok {
			r[k] = stableNames(s)
		}
	}
	if s, ok := r["stat"].(map[string]any); ok {
		unstable(s)
	}
	if l, ok := r["files"].([]any); ok {
		byPath := map[string]any{}
		for _, e := range l {
			m := e.(map[string]any)
			unstable(m)
			byPath[m["path"].(string)] = m
		}
		r["files"] = byPath
	}
	r["diff"] = plainDiffs(r["diff"])
	return r
}

// whole gives numbers without a fraction back their type, which JSON lost.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int(v)) {
			return int(v)
		}
	case []any:
		for i, e := range v {
			v[i] = whole(e)
		}
	case map[string]any:
		for k, e := range v {
			v[k] = whole(e)
		}
	}
	return v
}

func unstable(s map[string]any) {
	for _, k := range []string{"inode", "atime", "mtime", "ctime", "version", "dev", "blocks"} {
		delete(s, k)
	}
}

// plainDiffs prints diffs of values as text, and drops empty ones.
func plainDiffs(v any) []map[string]string {
	var list []any
	switch v := v.(type) {
	case []any:
		list = v
	case map[string]any:
		list = []any{v}
	}
	out := []map[string]string{}
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		d := map[string]string{}
		for k, x := range m {
			s, isText := x.(string)
			if !isText {
				s, _ = value.EncodeJSON(value.FromGo(whole(x)), value.JSONOptions{Indent: "    ", Pretty: true, SortKeys: true, ASCII: true})
				s += "\n"
			}
			if s != "" || !strings.HasSuffix(k, "_header") {
				d[k] = s
			}
		}
		if d["before"] != d["after"] || d["prepared"] != "" {
			out = append(out, d)
		}
	}
	return out
}

// driver runs Ansible's modules in children of one Python, which has loaded
// what they share: a start of Python for each would take minutes.
const driver = `
import json, os, runpy, sys
import ansible.module_utils.basic as basic
for line in sys.stdin:
    module, args = json.loads(line)
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(w, 1)
        sys.stdout = os.fdopen(1, "w")
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        sys.argv = [module]
        try:
            # community.general.x is a file of that collection.
            path = module.split(".")
            if len(path) == 3:
                module = "ansible_collections.%s.%s.plugins.modules.%s" % tuple(path)
            else:
                module = "ansible.modules." + module
            runpy.run_module(module, run_name="__main__")
        except SystemExit:
            pass
        except BaseException:
            try:
                sys.excepthook(*sys.exc_info())
            except SystemExit:
                pass
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.close(w)
    with os.fdopen(r) as f:
        out = f.read()
    os.waitpid(pid, 0)
    print(json.dumps(out), flush=True)
`

// ansible is a Python that runs Ansible's modules one after the other.
type ansible struct {
	in  *json.Encoder
	out *json.Decoder
}

func startAnsible(t *testing.T, python string) *ansible {
	t.Helper()
	cmd := exec.Command(python, "-c", driver)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() //nolint:errcheck // it only ends
	})
	return &ansible{json.NewEncoder(in), json.NewDecoder(out)}
}

func (a *ansible) run(t *testing.T, module, tmp string, args map[string]any, check bool) map[string]any {
	t.Helper()
	all := map[string]any{"_ansible_check_mode": check, "_ansible_diff": true, "_ansible_tmpdir": filepath.Dir(tmp), "_ansible_remote_tmp": filepath.Dir(tmp), "_ansible_keep_remote_files": false}
	for k, v := range args {
		all[k] = v
	}
	if err := a.in.Encode([]any{module, all}); err != nil {
		t.Fatal(err)
	}
	var text string
	if err := a.out.Decode(&text); err != nil {
		t.Fatal(err)
	}
	r, err := readJSON([]byte(text))
	if err != nil {
		t.Fatalf("ansible: %v: %s", err, text)
	}
	return r
}

func runOurs(t *testing.T, module, tmp string, args map[string]any, check bool) map[string]any {
	t.Helper()
	return runOursWith(t, module, tmp, args, check, &modtest.Controller{Dir: filepath.Dir(tmp)})
}

func runOursWith(t *testing.T, module, tmp string, args map[string]any, check bool, controller *modtest.Controller) map[string]any {
	t.Helper()
	m := modules.Lookup(module, nil)
	if m == nil {
		t.Fatalf("no module %s", module)
	}
	given, _ := value.FromGo(args).(*value.Dict)
	a, err := m.Spec.Validate(m.ShortName(), given)
	if err != nil {
		return map[string]any{"failed": true, "msg": err.Error()}
	}
	conn := &modtest.Sh{Shell: []string{"/bin/sh", "-c"}, Dir: tmp, Env: os.Environ()}
	r, err := m.Run(context.Background(), &modules.Call{Args: a, Conn: conn, Check: check, Diff: true, Controller: controller})
	if err != nil {
		t.Fatal(err)
	}
	flat, _ := value.ToGo(modtest.Flat(r)).(map[string]any)
	// Through JSON, so that numbers are of one type.
	text, err := json.Marshal(flat)
	if err != nil {
		t.Fatal(err)
	}
	out, err := readJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readJSON reads an object; numbers too large for a float64 stay text.
func readJSON(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	out := map[string]any{}
	if err := d.Decode(&out); err != nil {
		return nil, err
	}
	return floats(out).(map[string]any), nil
}

func floats(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = floats(v[k])
		}
	}
	return v
}
