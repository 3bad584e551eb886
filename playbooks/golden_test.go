package playbooks

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/say"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run: go test ./playbooks -update")
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (- wanted, + got)\n%s", path, diff)
	}
}

// fewModules lacks most of what Ansible has, so that "not supported" shows.
type fewModules struct{}

func (fewModules) Resolve(name string, collections []string) (string, bool, bool) {
	short := shortName(name)
	if short == "apt" || !builtinModules[short] {
		return "", false, false
	}
	return "ansible.builtin." + short, false, true
}

func (fewModules) Names() []string { return sortedKeys(builtinModules) }

// checkBraces stands in for the real template parser.
func checkBraces(src string) error {
	if strings.Count(src, "{{") != strings.Count(src, "}}") {
		return errors.New("a {{ is not closed")
	}
	return nil
}

// cases are the playbooks of a folder: files, or folders with a site.yml.
func cases(t *testing.T, dir string) map[string]string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir():
			out[name] = filepath.Join(dir, name, "site.yml")
		case strings.HasSuffix(name, ".yml"):
			out[strings.TrimSuffix(name, ".yml")] = filepath.Join(dir, name)
		}
	}
	return out
}

func TestBadPlaybooks(t *testing.T) {
	all := cases(t, "testdata/bad")
	assert.GreaterOrEqual(t, len(all), 60)
	for name, path := range all {
		t.Run(name, func(t *testing.T) {
			dir, err := filepath.Abs(filepath.Dir(path))
			require.NoError(t, err)
			l := NewLoader(Options{BaseDir: dir, Modules: fewModules{}, CheckTemplate: checkBraces, Strategies: []string{"linear", "free"}, Connections: []string{"ssh", "local"}, BecomeMethods: []string{"sudo", "su"}, Lookups: []string{"items", "dict"}})
			_, problems := l.Load(filepath.Base(path))
			assert.NotEmpty(t, problems)
			for _, p := range problems {
				assert.NotZero(t, p.What.In(say.Korean), p.ID)
				assert.NotContains(t, p.Format(say.English)+p.Format(say.Korean), "%!", p.ID)
				if p.Pos.Line > 0 {
					assert.NotEmpty(t, p.Source, p.ID)
				}
			}
			golden(t, "testdata/bad/"+name+".golden", problems.Format(say.English))
			golden(t, "testdata/bad/"+name+".ko.golden", problems.Format(say.Korean))
		})
	}
}
