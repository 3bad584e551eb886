package modules_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sunup/internal/connection"
	"sunup/modules/modtest"
)

// counted counts the exchanges with a host.
type counted struct {
	connection.Conn
	execs, puts, gets int
}

func (c *counted) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	c.execs++
	return c.Conn.Exec(ctx, cmd)
}

func (c *counted) Put(ctx context.Context, path string, r io.Reader, size int64, mode fs.FileMode) error {
	c.puts++
	return c.Conn.Put(ctx, path, r, size, mode)
}

func (c *counted) Get(ctx context.Context, path string, w io.Writer) error {
	c.gets++
	return c.Conn.Get(ctx, path, w)
}

func shellIn(dir string, env ...string) *modtest.Sh {
	return &modtest.Sh{Shell: []string{"/bin/sh", "-c"}, Dir: dir, Env: append(os.Environ(), env...)}
}

// Each exchange costs the time of the way to the host and back, for each host
// and task: nothing to do is one, a change is two.
func TestExchanges(t *testing.T) {
	big := strings.Repeat("x", 200<<10)
	for _, c := range []struct {
		name, module  string
		args          map[string]any
		first, second string
	}{
		{"copy", "copy", map[string]any{"content": "a\n", "dest": "f", "mode": "0600"}, "2/0/0", "1/0/0"},
		{"copy large", "copy", map[string]any{"content": big, "dest": "f", "mode": "0600"}, "3/1/0", "1/0/0"},
		{"lineinfile", "lineinfile", map[string]any{"path": "f", "line": "a", "create": true}, "2/0/0", "1/0/0"},
		{"blockinfile", "blockinfile", map[string]any{"path": "f", "block": "a", "create": true}, "2/0/0", "1/0/0"},
		{"directory", "file", map[string]any{"path": "d/e/f", "state": "directory", "mode": "0700"}, "2/0/0", "1/0/0"},
		{"link", "file", map[string]any{"path": "l", "src": "/etc", "state": "link"}, "2/0/0", "1/0/0"},
		{"absent", "file", map[string]any{"path": "l", "state": "absent"}, "1/0/0", "1/0/0"},
		{"stat", "stat", map[string]any{"path": "/etc"}, "1/0/0", "1/0/0"},
		{"find", "find", map[string]any{"paths": "/etc/init.d"}, "1/0/0", "1/0/0"},
		{"slurp", "slurp", map[string]any{"src": "/etc/passwd"}, "1/0/0", "1/0/0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := &counted{Conn: shellIn(t.TempDir())}
			for i, want := range []string{c.first, c.second} {
				*conn = counted{Conn: conn.Conn}
				r := callModule(t, c.module, conn, false, c.args)
				if r["failed"] == true {
					t.Fatalf("run %d: %v", i+1, r)
				}
				if got := fmt.Sprintf("%d/%d/%d", conn.execs, conn.puts, conn.gets); got != want {
					t.Errorf("run %d: %s exchanges (exec/put/get), expected %s", i+1, got, want)
				}
			}
		})
	}
}

var errLost = &connection.Unreachable{Host: "test", Phase: connection.PhaseCommand, Sent: true, Err: errors.New("connection lost")}

// A directory is looked at in one exchange, and its small files are written in
// one.
func TestExchangesOfATree(t *testing.T) {
	controller := t.TempDir()
	for i := range 40 {
		name := filepath.Join(controller, "files", "tree", fmt.Sprintf("d%d", i%4), fmt.Sprintf("f%d", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	conn := &counted{Conn: shellIn(dir)}
	for i, want := range []int{3, 1} {
		conn.execs = 0
		r, err := runModule("copy", conn, false, map[string]any{"src": "tree", "dest": dir + "/to", "mode": "0640"}, controller)
		if err != nil || r.Failed || r.Changed != (i == 0) {
			t.Fatalf("run %d: %v, %s", i+1, err, modtest.Print(r))
		}
		if conn.execs != want || conn.puts != 0 {
			t.Errorf("run %d: %d exchanges, %d transfers; expected %d", i+1, conn.execs, conn.puts, want)
		}
	}
	b, err := os.ReadFile(dir + "/to/tree/d3/f39")
	if err != nil || string(b) != filepath.Join(controller, "files/tree/d3/f39") {
		t.Errorf("%q, %v", b, err)
	}
}

// dying loses the host at the n-th tool that a script starts: before it ran, or
// after.
type dying struct {
	*modtest.Sh
	count string
}

// cutTools are the tools of every script that writes.
var cutTools = []string{"base64", "sha1sum", "chmod", "chown", "mv", "cp", "sync", "cat", "stat", "rm", "mkdir", "ln", "date", "rmdir", "readlink", "grep"}

func newDying(t *testing.T, dir string, at int, after bool) *dying {
	t.Helper()
	bin := t.TempDir()
	count := filepath.Join(bin, "count")
	if err := os.WriteFile(count, []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range cutTools {
		real, err := exec.LookPath(tool)
		if err != nil {
			continue
		}
		do := real + ` "$@"; r=$?; if [ "$n" = "` + fmt.Sprint(at) + `" ]; then kill -9 $PPID; fi; exit $r`
		if !after {
			do = `if [ "$n" = "` + fmt.Sprint(at) + `" ]; then kill -9 $PPID; exit 1; fi; exec ` + real + ` "$@"`
		}
		script := "#!/bin/sh\nread -r n <'" + count + "'\nn=$((n + 1))\necho \"$n\" >'" + count + "'\n" + do + "\n"
		if err := os.WriteFile(filepath.Join(bin, tool), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return &dying{shellIn(dir, "PATH="+bin+":"+os.Getenv("PATH")), count}
}

func (d *dying) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	// The end of the script says that the host lived.
	cmd.Script = "(\n" + cmd.Script + "\n)\nr=$?\nprintf '\\0alive=1\\0'\nexit $r"
	out, err := d.Sh.Exec(ctx, cmd)
	if err == nil && (!bytes.Contains(out.Stdout, []byte("alive=1")) || out.Code == 137) {
		return out, errLost
	}
	return out, err
}

// Put loses the host half-way when the count says so, as any tool.
func (d *dying) Put(ctx context.Context, path string, r io.Reader, size int64, mode fs.FileMode) error {
	return d.Sh.Put(ctx, path, r, size, mode)
}

// A host that is lost at any point has the old file or the new one.
func TestCutWhileWriting(t *testing.T) {
	if testing.Short() {
		t.Skip("runs many shells")
	}
	oldText := "old line\n"
	for _, c := range []struct {
		name, module string
		args         map[string]any
		newText      string
	}{
		{"copy", "copy", map[string]any{"content": "new\ntext\n", "dest": "{{tmp}}/f", "mode": "0640", "backup": true, "validate": "grep -q new %s"}, "new\ntext\n"},
		{"copy large", "copy", map[string]any{"content": strings.Repeat("new\n", 40<<10), "dest": "{{tmp}}/f", "mode": "0640"}, strings.Repeat("new\n", 40<<10)},
		{"lineinfile", "lineinfile", map[string]any{"path": "{{tmp}}/f", "line": "added", "mode": "0640"}, "old line\nadded\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, after := range []bool{false, true} {
				for at := 1; ; at++ {
					dir := t.TempDir()
					file := filepath.Join(dir, "f")
					if err := os.WriteFile(file, []byte(oldText), 0o600); err != nil {
						t.Fatal(err)
					}
					if at > 60 {
						t.Fatal("never runs to its end")
					}
					conn := newDying(t, dir, at, after)
					finished := runCut(t, c.module, conn, replaced(c.args, "{{tmp}}", dir).(map[string]any))
					b, err := os.ReadFile(file)
					info, statErr := os.Stat(file)
					if err != nil || statErr != nil {
						t.Fatalf("cut at %d: %v, %v", at, err, statErr)
					}
					switch {
					case string(b) == oldText && info.Mode().Perm() == 0o600 && !finished:
					case string(b) == c.newText && info.Mode().Perm() == 0o640:
					default:
						t.Fatalf("cut at tool %d (after %v): %d bytes, mode %o", at, after, len(b), info.Mode().Perm())
					}
					if finished {
						break
					}
				}
			}
		})
	}
}

// runCut runs a module and reports whether the host was kept to the end.
func runCut(t *testing.T, module string, conn connection.Conn, args map[string]any) bool {
	t.Helper()
	r, err := callModuleErr(module, conn, args)
	if err != nil {
		if !connection.IsUnreachable(err) {
			t.Fatalf("a lost host is %v", err)
		}
		return false
	}
	if r.Failed {
		t.Fatalf("failed: %s", modtest.Print(r))
	}
	return true
}

// halfPut dies in the middle of a transfer.
type halfPut struct{ connection.Conn }

func (h halfPut) Put(_ context.Context, path string, r io.Reader, size int64, _ fs.FileMode) error {
	// What a host does that is cut while it receives: part of a file beside.
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	defer f.Close()
	io.CopyN(f, r, size/2)
	return &connection.Unreachable{Host: "test", Phase: connection.PhaseTransfer, Sent: true, Err: io.ErrUnexpectedEOF}
}

func TestCutTransfer(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := callModuleErr("copy", halfPut{shellIn(dir)}, map[string]any{"content": strings.Repeat("new", 100<<10), "dest": file})
	if !connection.IsUnreachable(err) {
		t.Errorf("a cut transfer is %v", err)
	}
	if b, _ := os.ReadFile(file); string(b) != "old" {
		t.Errorf("the file holds %d bytes", len(b))
	}
}

// A tool that is not there is named, with the host.
func TestMissingTool(t *testing.T) {
	bin := t.TempDir()
	for _, tool := range []string{"stat", "id", "umask"} {
		if real, err := exec.LookPath(tool); err == nil {
			os.Symlink(real, filepath.Join(bin, tool))
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	conn := &modtest.Sh{Shell: []string{"/bin/sh", "-c"}, Dir: dir, Env: []string{"PATH=" + bin}}
	r := callModule(t, "copy", conn, false, map[string]any{"content": "y", "dest": filepath.Join(dir, "f")})
	if msg, _ := r["msg"].(string); r["failed"] != true || !strings.HasPrefix(msg, "needs `sha1sum` on ") {
		t.Errorf("got %v", r)
	}
}

// A full disk is told before a large file is sent, and after a small one could
// not be written; the old file stays, and nothing is left beside it.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", dir).Run(); err != nil {
		t.Skip("needs to mount a small disk")
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() }) //nolint:errcheck // the machine's own business
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	conn := shellIn(dir)
	large := callModule(t, "copy", conn, false, map[string]any{"content": strings.Repeat("x", 300<<10), "dest": file})
	if msg, _ := large["msg"].(string); large["failed"] != true || !strings.Contains(msg, "not enough room on ") {
		t.Errorf("large: %v", large)
	}
	if err := os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 240<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	small := callModule(t, "copy", conn, false, map[string]any{"content": strings.Repeat("x", 60<<10), "dest": file})
	if msg, _ := small["msg"].(string); small["failed"] != true || !strings.Contains(msg, "No space left on device") {
		t.Errorf("small: %v", small)
	}
	b, _ := os.ReadFile(file)
	left, _ := os.ReadDir(dir)
	if string(b) != "old" || len(left) != 2 {
		t.Errorf("%d bytes, %v", len(b), left)
	}
}
