package inventory

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/diag"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
)

var (
	update  = flag.Bool("update", false, "write the golden messages anew")
	ansible = flag.Bool("ansible", false, "let the installed ansible-inventory write the golden output anew")
)

// outputs are the forms in which every case of testdata/cases is written, with
// the arguments of ansible-inventory that give the same.
var outputs = []struct {
	file  string
	args  []string
	write func(inv *Inventory, out *bytes.Buffer, o ListOptions) (diag.Problems, error)
}{
	{"list.json", []string{"--list"}, func(inv *Inventory, out *bytes.Buffer, o ListOptions) (diag.Problems, error) {
		return inv.WriteList(out, o)
	}},
	{"export.json", []string{"--list", "--export"}, func(inv *Inventory, out *bytes.Buffer, o ListOptions) (diag.Problems, error) {
		o.Export = true
		return inv.WriteList(out, o)
	}},
	{"list.yml", []string{"--list", "--yaml"}, func(inv *Inventory, out *bytes.Buffer, o ListOptions) (diag.Problems, error) {
		o.Format = YAML
		return inv.WriteList(out, o)
	}},
	{"export.yml", []string{"--list", "--yaml", "--export"}, func(inv *Inventory, out *bytes.Buffer, o ListOptions) (diag.Problems, error) {
		o.Format, o.Export = YAML, true
		return inv.WriteList(out, o)
	}},
	{"list.toml", []string{"--list", "--toml"}, func(inv *Inventory, out *bytes.Buffer, o ListOptions) (diag.Problems, error) {
		o.Format = TOML
		return inv.WriteList(out, o)
	}},
	{"graph.txt", []string{"--graph", "--vars"}, func(inv *Inventory, out *bytes.Buffer, o ListOptions) (diag.Problems, error) {
		o.Vars = true
		return inv.WriteGraph(out, "all", o)
	}},
}

func sourcesOf(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "sources"))
	require.NoError(t, err)
	return strings.Fields(string(text))
}

// TestListIsAnsibles compares our output of every case, byte for byte, with
// what ansible-inventory 2.14 wrote (regenerate with -ansible).
func TestListIsAnsibles(t *testing.T) {
	dirs, err := filepath.Glob("testdata/cases/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			abs, err := filepath.Abs(dir)
			require.NoError(t, err)
			sources := sourcesOf(t, dir)
			if *ansible {
				writeAnsibles(t, abs, sources)
			}
			inv, problems := Load(context.Background(), Options{Sources: sources, BaseDir: abs, Evaluate: evaluate})
			require.False(t, problems.HasErrors(), "%v", problems)
			for _, o := range outputs {
				want, err := os.ReadFile(filepath.Join(dir, "want", o.file))
				if os.IsNotExist(err) {
					continue // ansible-inventory cannot write this case in this form
				}
				require.NoError(t, err)
				var got bytes.Buffer
				problems, err := o.write(inv, &got, ListOptions{})
				require.NoError(t, err)
				assert.False(t, problems.HasErrors(), "%v", problems)
				assert.Equal(t, strings.ReplaceAll(string(want), "DIR", abs), got.String(), o.file)
			}
		})
	}
}

// evaluate is Options.Evaluate with the real engine.
func evaluate(ctx context.Context, expression string, known *value.Dict) (any, error) {
	t := vars.NewTemplar(jinja.NewEnv())
	e, err := t.Expr(expression)
	if err != nil {
		return nil, err
	}
	v, _, err := e.Eval(ctx, vars.NewScope(ctx, t, []vars.Layer{{Level: vars.InventoryHostVars, Source: vars.Fixed{Dict: known}}}))
	return v, err
}

func writeAnsibles(t *testing.T, dir string, sources []string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "want"), 0o755))
	for _, o := range outputs {
		args := append([]string(nil), o.args...)
		for _, s := range sources {
			args = append(args, "-i", s)
		}
		cmd := exec.Command("ansible-inventory", args...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8", "ANSIBLE_DEPRECATION_WARNINGS=0"}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Logf("%v: %v\n%s", args, err, stderr.String())
			_ = os.Remove(filepath.Join(dir, "want", o.file))
			continue
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, "want", o.file), []byte(strings.ReplaceAll(string(out), dir, "DIR")), 0o644))
	}
}

// TestMessages holds what a person is told about each file of testdata/broken.
func TestMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") {
			continue
		}
		dir, err := filepath.Abs(filepath.Dir(file))
		require.NoError(t, err)
		_, problems := Load(context.Background(), Options{Sources: []string{filepath.Base(file)}, BaseDir: dir})
		require.NotEmpty(t, problems, file)
		got := problems.Format(say.English) + problems.Format(say.Korean)
		if *update {
			require.NoError(t, os.WriteFile(file+".golden", []byte(got), 0o644))
			continue
		}
		want, err := os.ReadFile(file + ".golden")
		require.NoError(t, err)
		assert.Equal(t, string(want), got, file)
	}
}
