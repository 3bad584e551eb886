package modules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/modules/modtest"
)

// syncTree makes two trees: src, and a dest that differs in every way.
const syncTree = `
mkdir -p src/sub/deep 'src/한 글' src/.hid dest/sub dest/gone/in dest/swap
echo one >src/one; echo two >src/sub/two; echo three >"src/한 글/it's"; echo h >src/.hid/x; echo log >src/sub/a.log
ln -s one src/link; echo s >src/swap; mkdir src/swapped; echo y >src/swapped/y
printf '#!/bin/sh\n' >src/run; chmod 750 src/run
echo old >dest/one; echo two >dest/sub/two; echo x >dest/gone/in/x; echo k >dest/keep.log; ln -s elsewhere dest/link; echo file >dest/swapped
find src -exec touch -h -d @1700000000 {} +
touch -d @1700000000 dest/sub/two; chmod 600 dest/sub/two
`

// What comes of a push or a pull is what rsync makes of the same trees, told in
// the same words; a second run finds nothing to do, check mode changes nothing.
func TestSynchronizeAsRsync(t *testing.T) {
	if _, err := exec.LookPath("rsync"); err != nil {
		t.Skip("needs rsync to compare with")
	}
	for name, c := range map[string]struct {
		args  map[string]any
		flags []string
	}{
		"push":             {map[string]any{}, nil},
		"push and delete":  {map[string]any{"delete": true}, []string{"--delete-after"}},
		"exclude":          {map[string]any{"delete": true, "rsync_opts": []any{"--exclude=*.log", "--exclude", "/sub/deep/"}}, []string{"--delete-after", "--exclude=*.log", "--exclude=/sub/deep/"}},
		"existing only":    {map[string]any{"existing_only": true}, []string{"--existing"}},
		"checksum":         {map[string]any{"checksum": true}, []string{"--checksum"}},
		"without a slash":  {map[string]any{"src": "src"}, nil},
		"links followed":   {map[string]any{"copy_links": true}, []string{"--copy-links"}},
		"pull":             {map[string]any{"mode": "pull"}, nil},
		"pull and delete":  {map[string]any{"mode": "pull", "delete": true}, []string{"--delete-after"}},
		"one file":         {map[string]any{"src": "src/run", "dest": "dest/"}, nil},
		"one file, a name": {map[string]any{"src": "src/run", "dest": "dest/other"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var trees [2]string
			var told [2][]string
			for side := range 2 {
				base := t.TempDir()
				cmd := exec.Command("sh", "-ec", "umask 022\n"+syncTree)
				cmd.Dir = base
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s", out)
				src, dest := "src/", "dest"
				if s, ok := c.args["src"].(string); ok {
					src = s
				}
				if d, ok := c.args["dest"].(string); ok {
					dest = d
				}
				src, dest = base+"/"+src, base+"/"+dest
				if side == 0 {
					words := append([]string{"--archive", "--omit-dir-times", "--out-format=%i %n%L"}, c.flags...)
					out, err := exec.Command("rsync", append(words, src, dest)...).CombinedOutput()
					require.NoError(t, err, "%s", out)
					told[0] = strings.Split(strings.TrimSpace(string(out)), "\n")
				} else {
					args := map[string]any{}
					for k, v := range c.args {
						args[k] = v
					}
					args["src"], args["dest"] = src, dest
					before := modtest.Tree(base)
					r := runOurs(t, "ansible.posix.synchronize", base, args, true)
					require.NotEqual(t, true, r["failed"], "%v", r)
					require.Equal(t, before, modtest.Tree(base), "check mode changed something")
					checked := r["msg"]
					r = runOurs(t, "ansible.posix.synchronize", base, args, false)
					require.NotEqual(t, true, r["failed"], "%v", r)
					require.Equal(t, checked, r["msg"])
					again := runOurs(t, "ansible.posix.synchronize", base, args, false)
					require.Equal(t, false, again["changed"], "%v", again)
					for _, l := range r["stdout_lines"].([]any) {
						told[1] = append(told[1], l.(string))
					}
				}
				trees[side] = strings.ReplaceAll(modtest.Tree(filepath.Join(base, "dest")), base, "")
				for _, f := range []string{"one", "run", "src/one", "other"} {
					if info, err := os.Stat(filepath.Join(base, "dest", f)); err == nil && name != "existing only" {
						when := " new " // made by the test or by the transfer, whenever that was
						if time.Since(info.ModTime()) > time.Hour {
							when = info.ModTime().UTC().Format(" 15:04:05 ")
						}
						trees[side] += when + f
					}
				}
			}
			require.Equal(t, trees[0], trees[1])
			require.Equal(t, comparableLines(told[0]), comparableLines(told[1]))
		})
	}
}

// comparableLines leaves out what only rsync tells: its arrow tells its own
// side, and times of links.
func comparableLines(list []string) []string {
	var out []string
	for _, l := range list {
		if strings.HasPrefix(l, "*deleting") {
			l = strings.Join(strings.Fields(l), " ")
		} else if i := strings.IndexByte(l, ' '); i > 2 {
			l = l[1:2] + l[i:]
		}
		out = append(out, l)
	}
	sort.Strings(out)
	return out
}

// What is not known is said, and not left out.
func TestSynchronizeRefuses(t *testing.T) {
	dir := t.TempDir()
	for opt, msg := range map[string]string{"--chmod=D755": "rsync_opts: --chmod=D755 is not supported here", "--filter=x": "rsync_opts: --filter=x"} {
		r := ours(t, "ansible.posix.synchronize", map[string]any{"src": dir, "dest": dir + "x", "rsync_opts": []any{opt}}, &modtest.Sh{})
		require.Contains(t, r["msg"], msg)
	}
	r := ours(t, "ansible.posix.synchronize", map[string]any{"src": dir, "dest": dir + "x", "link_dest": []any{"/y"}}, &modtest.Sh{})
	require.Contains(t, r["msg"], "not supported here")
	// A directory with something in it does not make way for a file.
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a/f/in"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "b"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b/f"), nil, 0o600))
	r = ours(t, "ansible.posix.synchronize", map[string]any{"src": dir + "/b/", "dest": dir + "/a"}, &modtest.Sh{})
	require.Contains(t, r["msg"], "is a directory that is not empty")
	require.DirExists(t, filepath.Join(dir, "a/f/in"))
	r = ours(t, "ansible.posix.synchronize", map[string]any{"src": dir + "/none", "dest": dir, "mode": "pull"}, &modtest.Sh{})
	require.Contains(t, r["msg"], "is not there")
}
