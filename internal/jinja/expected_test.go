package jinja

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

func readJSON(t testing.TB, path string) *value.Dict {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	v, err := value.ParseJSON(data)
	require.NoError(t, err)
	return v.(*value.Dict)
}

// testScope returns the variables of testdata/vars.json.
func testScope(t testing.TB) MapScope {
	s := MapScope{}
	for k, v := range readJSON(t, "testdata/vars.json").All() {
		s[k.(string)] = v
	}
	return s
}

func testEnv() *Env {
	e := NewEnv()
	e.Loader = func(name string) (string, string, error) {
		path := filepath.Join("testdata/templates", filepath.Base(name))
		src, err := os.ReadFile(path)
		return string(src), path, err
	}
	return e
}

// templateCases reads testdata/templates.txt: the sources by "how name".
func templateCases(t testing.TB) map[string]string {
	data, err := os.ReadFile("testdata/templates.txt")
	require.NoError(t, err)
	cases := map[string]string{}
	// One line end in front of the next case, or of the end, is not part of a case.
	for _, part := range strings.Split("\n"+strings.TrimSuffix(string(data), "\n"), "\n=== ")[1:] {
		head, body, _ := strings.Cut(part, "\n")
		cases[head] = body
	}
	return cases
}

func computeCase(e *Env, s Scope, how, name string, templates map[string]string) (any, error) {
	ctx := context.Background()
	if how == "condition" {
		x, err := e.CompileExpr(name)
		if err != nil {
			return nil, err
		}
		return x.Truth(ctx, s)
	}
	src, isTemplate := templates[how+" "+name]
	if !isTemplate {
		src = "{{ " + name + " }}"
	}
	tpl, err := e.Compile("case", src)
	if err != nil {
		return nil, err
	}
	if how == "render" {
		text, _, err := tpl.Render(ctx, s)
		return text, err
	}
	v, _, err := tpl.Eval(ctx, s)
	return v, err
}

// knownDifferences are the cases where we differ from Python on purpose.
var knownDifferences = map[string]string{
	"filter with dotted name":    "Jinja's own filters answer to ansible.builtin too",
	"do is not there":            "do works without a setting",
	"nested quotes":              "an escaped quote in a playbook is the quote, not an error",
	"looks like dict but is not": "there are no sets: a set is a list",
}

// compareWith runs every case of an expected file.
func compareWith(t *testing.T, expected *value.Dict) {
	e := testEnv()
	templates := templateCases(t)
	for _, c := range expected.At("cases").(*value.List).Items {
		c := c.(*value.Dict)
		how, name := c.At("how").(string), c.At("name").(string)
		t.Run(how+" "+name, func(t *testing.T) {
			if why := knownDifferences[name]; why != "" {
				t.Skip(why)
			}
			got, err := computeCase(e, testScope(t), how, name, templates)
			if message, failed := c.Get("error"); failed {
				if err == nil {
					t.Fatalf("got %s\nwant the error: %s", value.Repr(got), message)
				}
				// Where Python stumbles over its own undefined object, our message is the clearer one.
				python := message.(string)
				if IsUndefined(err) && how != "condition" && !strings.Contains(python, Message(err)) && !strings.Contains(python, "Unable to look up a name") {
					t.Errorf("got the error: %s\nPython's: %s", err, message)
				}
				t.Logf("got the error: %s\nPython's: %s", err, message)
				return
			}
			want := c.At("result").(string)
			if err != nil {
				t.Fatalf("got the error: %s\nwant %s", err, want)
			}
			if how == "condition" && want == "None" {
				want = "False"
			}
			if have := value.Repr(got); have != want {
				t.Fatalf("\n got %s\nwant %s", have, want)
			}
		})
	}
}

func TestExpected(t *testing.T) { compareWith(t, readJSON(t, "testdata/expected.json")) }

// TestExpectedIsCurrent computes the results again when Ansible is installed.
func TestExpectedIsCurrent(t *testing.T) {
	const python = "/usr/bin/python3"
	if testing.Short() || exec.Command(python, "-c", "import ansible.template").Run() != nil {
		t.Skip("needs Python with ansible")
	}
	path := filepath.Join(t.TempDir(), "expected.json")
	out, err := exec.Command(python, "testdata/generate.py", path).CombinedOutput()
	require.NoError(t, err, string(out))
	fresh, stored := readJSON(t, path), readJSON(t, "testdata/expected.json")
	if fresh.At("ansible") != stored.At("ansible") || fresh.At("jinja2") != stored.At("jinja2") {
		t.Skip("other versions are installed: " + fmt.Sprint(fresh.At("ansible"), fresh.At("jinja2")))
	}
	compareWith(t, fresh)
}
