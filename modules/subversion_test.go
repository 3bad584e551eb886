package modules_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What comes of a working copy in every state is what Ansible's module makes
// of it: the same answer and the same files.
func TestSubversionAsAnsible(t *testing.T) {
	for _, tool := range []string{"svn", "svnadmin"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs subversion")
		}
	}
	python := ansiblePython()
	if python == "" || testing.Short() {
		t.Skip("needs ansible-core 2.14 to compare with")
	}
	a := startAnsible(t, python)
	for name, c := range map[string]struct {
		setup string
		args  map[string]any
	}{
		"checkout":            {"true", nil},
		"old":                 {"svn -q checkout -r 1 file://$PWD/r d", nil},
		"up to date":          {"svn -q checkout file://$PWD/r d", nil},
		"changed file":        {"svn -q checkout file://$PWD/r d; echo mine >d/a", nil},
		"changed and forced":  {"svn -q checkout -r 1 file://$PWD/r d; echo mine >d/a", map[string]any{"force": true}},
		"back":                {"svn -q checkout file://$PWD/r d", map[string]any{"revision": "1"}},
		"no update":           {"svn -q checkout -r 1 file://$PWD/r d", map[string]any{"update": false}},
		"no switch":           {"svn -q checkout -r 1 file://$PWD/r d", map[string]any{"switch": false}},
		"in place":            {"mkdir d; echo other >d/a", map[string]any{"in_place": true}},
		"in place and forced": {"mkdir d; echo other >d/a; echo more >d/b", map[string]any{"in_place": true, "force": true}},
		"export":              {"true", map[string]any{"export": true}},
		"export over":         {"mkdir d; echo other >d/a", map[string]any{"export": true}},
	} {
		t.Run(name, func(t *testing.T) {
			var told [2]string
			for side := range 2 {
				tmp := filepath.Join(t.TempDir(), "tmp")
				sh := func(script string) string {
					out, err := exec.Command("sh", "-ec", "cd '"+tmp+"' 2>/dev/null || { mkdir '"+tmp+"'; cd '"+tmp+"'; }\n"+script).CombinedOutput()
					require.NoError(t, err, "%s", out)
					return string(out)
				}
				sh("svnadmin create r; svn -q checkout file://$PWD/r w; echo one >w/a; svn -q add w/a; svn -q commit -m 1 w; echo two >w/a; svn -q commit -m 2 w; rm -rf w\n" + c.setup)
				args := map[string]any{"repo": "file://" + tmp + "/r", "dest": tmp + "/d"}
				for k, v := range c.args {
					args[k] = v
				}
				runs := []bool{true, false, false}
				if args["in_place"] == true {
					runs = runs[1:] // Ansible's checks out in check mode, too
				}
				for _, check := range runs {
					var r map[string]any
					if side == 0 {
						r = a.run(t, "subversion", tmp, args, check)
					} else {
						r = runOurs(t, "subversion", tmp, args, check)
					}
					told[side] += fmt.Sprint(r["changed"] == true, r["failed"] == true, r["before"], r["after"])
					if msg, _ := r["msg"].(string); strings.HasPrefix(msg, "ERROR") {
						told[side] += msg
					}
					told[side] += sh("ls d 2>/dev/null && cat d/* || :")
				}
				told[side] = strings.ReplaceAll(told[side], tmp, "TMP")
			}
			require.Equal(t, told[0], told[1])
		})
	}
}
