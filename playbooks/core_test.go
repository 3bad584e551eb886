package playbooks

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"sunup/internal/yaml"
)

// core is a catalogue of what ansible-core 2.14 and well-known collections have.
type core struct{}

func (core) Resolve(name string, collections []string) (string, bool, bool) {
	short := shortName(name)
	switch {
	case builtinModules[short]:
		return "ansible.builtin." + short, freeFormModules[short], true
	case movedModules()[short] != "":
		return movedModules()[short], false, true
	}
	return "", false, false
}

func (core) Names() []string { return sortedKeys(builtinModules) }

// TestTargetsOfAnsible reads every playbook of ansible-core's integration
// tests (ANSIBLE_SRC is a checkout). With SYNTAX_CHECK, the file that
// testdata/ansible-answers.py check writes, it lists where the real
// ansible-playbook --syntax-check accepts and we do not, and the other way
// round. PLAYBOOKS is another folder to read, with the targets or ROLES as its
// roles and LIBRARY as its modules; STRICT makes errors of modules that cannot
// be found.
func TestTargetsOfAnsible(t *testing.T) {
	src := os.Getenv("ANSIBLE_SRC")
	if src == "" {
		t.Skip("ANSIBLE_SRC is not set: no checkout of ansible/ansible to read")
	}
	targets := filepath.Join(src, "test/integration/targets")
	folder := targets
	if other := os.Getenv("PLAYBOOKS"); other != "" {
		folder = other
	}
	roles := []string{targets}
	if other := os.Getenv("ROLES"); other != "" {
		roles = filepath.SplitList(other)
	}
	accepted := readSyntaxCheck(t, os.Getenv("SYNTAX_CHECK"))
	var files, equal, stricter, laxer int
	walkPlaybooks(t, folder, func(path string) {
		l := NewLoader(Options{
			BaseDir: filepath.Dir(path), RolesPath: roles, LibraryPath: filepath.SplitList(os.Getenv("LIBRARY")), LackingIsWarning: os.Getenv("STRICT") == "", Modules: core{},
			CollectionsPath: []string{"/usr/lib/python3/dist-packages"},
		})
		_, problems := l.Load(path)
		files++
		want, known := accepted[path]
		switch ours := !problems.HasErrors(); {
		case !known:
		case ours == want.ok:
			equal++
		case want.ok:
			stricter++
			t.Logf("STRICTER %s\n%s", path, problems.Error())
		default:
			laxer++
			t.Logf("LAXER %s: %s", path, want.message)
		}
	})
	t.Logf("%d playbooks read; of %d with a known answer %d equal, %d stricter, %d laxer", files, len(accepted), equal, stricter, laxer)
}

// TestTaskListsOfAnsible compares the tasks of each play, in order and with
// their tags, with what ansible-playbook --list-tasks says (LIST_TASKS is a
// file that testdata/ansible-answers.py tasks writes).
func TestTaskListsOfAnsible(t *testing.T) {
	path := os.Getenv("LIST_TASKS")
	if path == "" {
		t.Skip("LIST_TASKS is not set: no lists of ansible-playbook to compare with")
	}
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	equal, total := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(src)), "\n") {
		var entry []any
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		file := entry[0].(string)
		var want []string
		for _, l := range entry[1].([]any) {
			want = append(want, l.(string))
		}
		l := NewLoader(Options{
			BaseDir: filepath.Dir(file), RolesPath: filepath.SplitList(os.Getenv("ROLES")), LibraryPath: filepath.SplitList(os.Getenv("LIBRARY")), LackingIsWarning: os.Getenv("STRICT") == "", Modules: core{},
			CollectionsPath: []string{"/usr/lib/python3/dist-packages"},
		})
		p, _ := l.Load(file)
		total++
		if diff := cmp.Diff(want, listTasks(p)); diff != "" {
			t.Logf("DIFFERENT %s\n%s", file, diff)
			continue
		}
		equal++
	}
	t.Logf("%d of %d lists equal", equal, total)
}

// listTasks lists as ansible-playbook --list-tasks does.
func listTasks(p *Playbook) []string {
	var out []string
	for i, play := range p.Plays {
		name := play.Name
		if name == "" {
			name = strings.Join(play.Hosts, ",")
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("play #%d (%s): %s\tTAGS: [%s]", i+1, strings.Join(play.Hosts, ","), name, strings.Join(play.Tags, ","))))
		for _, task := range play.Listed() {
			tags := task.AllTags()
			sort.Strings(tags)
			if !slices.Contains(tags, "never") || slices.Contains(tags, "always") {
				out = append(out, fmt.Sprintf("%s\tTAGS: [%s]", task.ListTitle(), strings.Join(tags, ", ")))
			}
		}
	}
	return out
}

type verdict struct {
	ok      bool
	message string
}

func readSyntaxCheck(t *testing.T, path string) map[string]verdict {
	out := map[string]verdict{}
	if path == "" {
		return out
	}
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if parts := strings.SplitN(sc.Text(), "\t", 3); len(parts) == 3 {
			out[parts[1]] = verdict{parts[0] == "0", parts[2]}
		}
	}
	return out
}

// walkPlaybooks visits every file that looks like a playbook.
func walkPlaybooks(t *testing.T, dir string, visit func(path string)) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || (filepath.Ext(path) != ".yml" && filepath.Ext(path) != ".yaml") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		root, _ := yaml.Load(path, src)
		if root == nil || root.Kind != yaml.Sequence {
			return nil
		}
		for _, item := range root.Items {
			if item.Get("hosts") != nil || item.Get("import_playbook") != nil || item.Get("ansible.builtin.import_playbook") != nil {
				visit(path)
				return nil
			}
		}
		return nil
	}))
}
