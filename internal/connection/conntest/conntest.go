// Package conntest holds the contract of connection.Link as a test that every
// implementation passes, and a small SSH server to try it on.
package conntest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"sunup/internal/connection"
)

// limit ends a suite that hangs with a message that names the test.
const limit = 30 * time.Second

// Run checks a link whose host is this machine: open returns a fresh link whose
// files and processes the test can see. The parts run side by side.
func Run(t *testing.T, open func(t *testing.T) connection.Link) {
	for name, check := range map[string]func(*testing.T, connection.Link){
		"scripts":            scripts,
		"isolation":          isolation,
		"input":              input,
		"environment":        environment,
		"output":             output,
		"background":         background,
		"time limit":         timeLimit,
		"cancel":             cancel,
		"death of the shell": death,
		"side by side":       sideBySide,
		"raw":                raw,
		"files":              files,
		"file errors":        fileErrors,
		"reset and close":    resetAndClose,
		"round trips":        roundTrips,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

func login(l connection.Link) connection.Conn { return l.As(connection.Become{}) }

func execute(t *testing.T, c connection.Conn, cmd connection.Command) connection.Output {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := c.Exec(ctx, cmd)
	if err != nil {
		t.Fatalf("Exec(%.200q): %v", cmd.Script, err)
	}
	return out
}

func run(t *testing.T, c connection.Conn, script string) connection.Output {
	t.Helper()
	return execute(t, c, connection.Command{Script: script})
}

func want(t *testing.T, out connection.Output, stdout, stderr string, code int) {
	t.Helper()
	if string(out.Stdout) != stdout || string(out.Stderr) != stderr || out.Code != code {
		t.Errorf("got %.300q, %.300q, %d; want %.300q, %.300q, %d", out.Stdout, out.Stderr, out.Code, stdout, stderr, code)
	}
}

func scripts(t *testing.T, l connection.Link) {
	c := login(l)
	want(t, run(t, c, "echo one; echo two >&2; exit 3"), "one\n", "two\n", 3)
	want(t, run(t, c, ""), "", "", 0)
	want(t, run(t, c, "# nothing but a comment"), "", "", 0)
	want(t, run(t, c, `printf '%s' "it's \"quoted\" \$HOME \\ "'$x'`), `it's "quoted" $HOME \ $x`, "", 0)
	want(t, run(t, c, "cat <<'EOF'\na 'b' $c\n발매기 기동\nEOF"), "a 'b' $c\n발매기 기동\n", "", 0)
	want(t, run(t, c, "for i in 1 2 3\ndo\n\tprintf $i\ndone"), "123", "", 0)
	want(t, run(t, c, "exit 255"), "", "", 255)
	want(t, run(t, c, "false"), "", "", 1)
	if out := run(t, c, "echo 'no end"); out.Code == 0 || len(out.Stderr) == 0 {
		t.Errorf("a syntax error went unnoticed: %q %d", out.Stderr, out.Code)
	}
	if out := run(t, c, "/nonexistent/program"); out.Code != 127 {
		t.Errorf("a program that is not there: exit code %d, want 127", out.Code)
	}
	long := "x='" + strings.Repeat("가나다\n", 120_000) + "'; printf %s \"${#x}\""
	if out := run(t, c, long); out.Code != 0 || len(out.Stdout) == 0 {
		t.Errorf("a script of %d bytes: exit code %d, %s", len(long), out.Code, out.Stderr)
	}
	if _, err := c.Exec(context.Background(), connection.Command{Script: "echo a\x00b"}); err == nil || !strings.Contains(err.Error(), "NUL") {
		t.Errorf("a script with NUL: %v", err)
	}
	want(t, run(t, c, "echo still here"), "still here\n", "", 0)
}

func isolation(t *testing.T, l connection.Link) {
	c := login(l)
	before := run(t, c, "pwd; umask; set -- ; echo $#:$-; echo \"[$leak]\"; trap")
	for _, script := range []string{
		"exit 7", "exec true", "set -e; false", "set -u; echo $nope", "cd /; leak=1; export leak", "umask 0",
		"set -- a b c", "trap 'echo trapped' EXIT", "exec >/dev/null 2>&1", "exec 0<&-", "IFS=:", "set -f", "alias echo=false",
		"unset PATH", "PATH=/nowhere", "readonly leak=2", "sunup_stat() { :; }", "wait() { :; }", "printf() { :; }", "return 3", "W=x", "break",
	} {
		run(t, c, script)
		after := run(t, c, "pwd; umask; set -- ; echo $#:$-; echo \"[$leak]\"; trap")
		if !bytes.Equal(before.Stdout, after.Stdout) || after.Code != 0 {
			t.Errorf("after %q: %q, %q, %d; want %q", script, after.Stdout, after.Stderr, after.Code, before.Stdout)
		}
	}
	a, b := run(t, c, "echo $$"), run(t, c, "echo $$")
	if bytes.Equal(a.Stdout, b.Stdout) {
		t.Errorf("two scripts have the same $$: %q", a.Stdout)
	}
	run(t, c, "kill -9 $$")
	want(t, run(t, c, "echo alive"), "alive\n", "", 0)
}

// every is all byte values, so that nothing on the way may treat one as its own.
func every(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + i/256)
	}
	return b
}

func input(t *testing.T, l connection.Link) {
	c := login(l)
	want(t, run(t, c, "cat"), "", "", 0)
	want(t, run(t, c, "read x; echo $?"), "1\n", "", 0)
	for _, data := range [][]byte{nil, []byte("한 줄\n"), []byte("no newline"), []byte("%s\\n'\\''\"$x`\n\r\n"), every(256), every(60_000), every(70_000), every(3 << 20)} {
		out := execute(t, c, connection.Command{Script: "cat", Stdin: bytes.NewReader(data)})
		if !bytes.Equal(out.Stdout, data) || out.Code != 0 {
			t.Errorf("%d bytes of input came back as %d, exit code %d, %s", len(data), len(out.Stdout), out.Code, out.Stderr)
		}
	}
	// A reader of unknown length, in small pieces.
	out := execute(t, c, connection.Command{Script: "wc -c; exit 4", Stdin: iotest.OneByteReader(strings.NewReader("12345"))})
	if strings.TrimSpace(string(out.Stdout)) != "5" || out.Code != 4 {
		t.Errorf("streamed input: %q %d", out.Stdout, out.Code)
	}
	// The script need not read it.
	want(t, execute(t, c, connection.Command{Script: "echo done", Stdin: bytes.NewReader(every(1 << 20))}), "done\n", "", 0)
	want(t, execute(t, c, connection.Command{Script: "echo done", Stdin: bytes.NewReader(every(1 << 15))}), "done\n", "", 0)
	_, err := c.Exec(context.Background(), connection.Command{Script: "cat", Stdin: iotest.ErrReader(errors.New("torn"))})
	if err == nil || !strings.Contains(err.Error(), "torn") {
		t.Errorf("a failing reader: %v", err)
	}
	want(t, run(t, c, "echo next"), "next\n", "", 0)
}

func environment(t *testing.T, l connection.Link) {
	c := login(l)
	cmd := connection.Command{Script: `printf '%s|%s|' "$A" "$B"; sh -c 'echo $A'`, Env: []string{"A=a 'b'\n$c", "B=한글"}}
	want(t, execute(t, c, cmd), "a 'b'\n$c|한글|a 'b' $c\n", "", 0)
	want(t, run(t, c, `echo "[$A]"`), "[]\n", "", 0)
	dir := t.TempDir()
	shared(t, dir)
	odd := filepath.Join(dir, "it's a dir")
	if err := os.Mkdir(odd, 0o777); err != nil {
		t.Fatal(err)
	}
	want(t, execute(t, c, connection.Command{Script: "pwd", Dir: odd}), odd+"\n", "", 0)
	if out := execute(t, c, connection.Command{Script: "echo ran", Dir: dir + "/nothing"}); out.Code != 126 || len(out.Stdout) != 0 {
		t.Errorf("a directory that is not there: %q, %d", out.Stdout, out.Code)
	}
	if _, err := c.Exec(context.Background(), connection.Command{Script: "true", Env: []string{"a b=c"}}); err == nil {
		t.Error("a name that no shell takes was accepted")
	}
	bash := connection.Command{Script: `a=(x y); echo "${a[1]} $A $0"`, Executable: "/bin/bash", Env: []string{"A=1"}}
	if _, err := os.Stat("/bin/bash"); err == nil {
		want(t, execute(t, c, bash), "y 1 /bin/bash\n", "", 0)
		bash.Script += strings.Repeat("\n# long", 30_000)
		if out := execute(t, c, bash); !strings.HasPrefix(string(out.Stdout), "y 1 ") {
			t.Errorf("a long script of bash: %q %q %d", out.Stdout, out.Stderr, out.Code)
		}
	}
}

func output(t *testing.T, l connection.Link) {
	c := login(l)
	dir := t.TempDir()
	shared(t, dir)
	data := every(200_000)
	file := filepath.Join(dir, "data")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out := run(t, c, "cat "+file+"; cat "+file+" >&2")
	if !bytes.Equal(out.Stdout, data) || !bytes.Equal(out.Stderr, data) {
		t.Errorf("%d and %d bytes, want %d unchanged", len(out.Stdout), len(out.Stderr), len(data))
	}
	out = execute(t, c, connection.Command{Script: "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2; exit 5", MaxOutput: 1000})
	if len(out.Stdout) != 1000 || len(out.Stderr) != 1000 || out.Dropped != 4_998_000 || out.Code != 5 {
		t.Errorf("bounded output: %d, %d, dropped %d, code %d", len(out.Stdout), len(out.Stderr), out.Dropped, out.Code)
	}
	// What a script can find out about us is not what ends its frame.
	if out := run(t, c, "set; env; jobs; trap; alias; set -x; :"); out.Code != 0 {
		t.Errorf("printing all there is: exit code %d, %s", out.Code, out.Stderr)
	}
	want(t, run(t, c, "echo next"), "next\n", "", 0)
	if out.Started.IsZero() || out.Ended.Before(out.Started) {
		t.Errorf("times: %v to %v", out.Started, out.Ended)
	}
}

func background(t *testing.T, l connection.Link) {
	c := login(l)
	began := time.Now()
	out := run(t, c, "sleep 60 & echo $!; exit 0")
	pid, err := strconv.Atoi(strings.TrimSpace(string(out.Stdout)))
	if err != nil || out.Code != 0 || time.Since(began) > limit/2 {
		t.Fatalf("a process left behind held us up, or: %q %q %d", out.Stdout, out.Stderr, out.Code)
	}
	if !alive(pid) {
		t.Error("a process left behind on purpose was ended with its script")
	}
	// It writes between two commands: no output of ours.
	dir := t.TempDir()
	shared(t, dir)
	fifo := filepath.Join(dir, "go")
	run(t, c, "mkfifo -m 666 "+fifo+"; { read x <"+fifo+"; echo late; echo late >&2; echo wrote >"+fifo+"; } & :")
	if f, err := os.OpenFile(fifo, os.O_WRONLY, 0); err == nil {
		f.WriteString("now\n")
		f.Close()
		f, err = os.Open(fifo)
		if err == nil {
			io.ReadAll(f)
			f.Close()
		}
	}
	if out := run(t, c, "echo mine"); !strings.HasSuffix(string(out.Stdout), "mine\n") {
		t.Errorf("after late output: %q", out.Stdout)
	}
	want(t, run(t, c, "echo mine"), "mine\n", "", 0)
	run(t, c, "kill "+strconv.Itoa(pid))
	gone(t, pid)
}

// alive says that a process of this machine runs; a zombie does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func gone(t *testing.T, pids ...int) {
	t.Helper()
	deadline := time.Now().Add(limit / 3)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				t.Errorf("process %d is still there", pid)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// tree is a script that starts a family which only KILL ends in part, and
// writes the members' ids to a file.
func tree(file string) string {
	return fmt.Sprintf(`echo partial; echo oops >&2
sleep 300 & echo $! >%[1]s
( sh -c 'echo $$ >>%[1]s; trap "" TERM; sleep 301; sleep 302' & )
timeout 303 sh -c 'echo $$ >>%[1]s; sleep 304; :' &
setsid sh -c 'echo $$ >>%[1]s; sleep 305; :' &
while [ $(wc -l <%[1]s) -lt 4 ]; do sleep 0.01; done
echo ready >>%[1]s
wait; echo not reached`, file)
}

func family(t *testing.T, file string) []int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, f := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(f); err == nil {
			pids = append(pids, n)
		}
	}
	if len(pids) != 4 {
		t.Fatalf("the family is %q", text)
	}
	return pids
}

func timeLimit(t *testing.T, l connection.Link) {
	c := login(l)
	for name, stdin := range map[string]io.Reader{"resident": nil, "own channel": iotest.OneByteReader(strings.NewReader("x"))} {
		dir := t.TempDir()
		shared(t, dir)
		file := filepath.Join(dir, "pids")
		out, err := c.Exec(context.Background(), connection.Command{Script: tree(file), Timeout: 1500 * time.Millisecond, Stdin: stdin})
		var over *connection.TimeLimit
		if !errors.As(err, &over) || over.Limit != 1500*time.Millisecond {
			t.Fatalf("%s: %v, want a time limit", name, err)
		}
		if string(out.Stdout) != "partial\n" || !strings.HasPrefix(string(out.Stderr), "oops\n") {
			t.Errorf("%s: printed so far: %q %q", name, out.Stdout, out.Stderr)
		}
		gone(t, family(t, file)...)
	}
	want(t, run(t, c, "echo on"), "on\n", "", 0)
}

func cancel(t *testing.T, l connection.Link) {
	c := login(l)
	dir := t.TempDir()
	shared(t, dir)
	file := filepath.Join(dir, "pids")
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if text, _ := os.ReadFile(file); bytes.Contains(text, []byte("ready")) {
				return
			}
		}
	}()
	if _, err := c.Exec(ctx, connection.Command{Script: tree(file)}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Exec: %v", err)
	}
	gone(t, family(t, file)...)
	if _, err := c.Exec(ctx, connection.Command{Script: "echo x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Exec with a ctx that is over: %v", err)
	}
	want(t, run(t, c, "echo on"), "on\n", "", 0)
}

func death(t *testing.T, l connection.Link) {
	c := login(l)
	// The script's parent is the part of the shell that works for it, and the
	// parent of that is the shell.
	out, err := c.Exec(context.Background(), connection.Command{Script: `
p=$PPID
while read -r name value; do case $name in PPid:) pp=$value;; esac; done </proc/$p/status
kill -9 $p $pp`})
	var lost *connection.Unreachable
	if !errors.As(err, &lost) || !lost.Sent {
		t.Fatalf("%+v, %v; want unreachable, sent", out, err)
	}
	want(t, run(t, c, "echo again"), "again\n", "", 0)
}

func sideBySide(t *testing.T, l connection.Link) {
	c := login(l)
	dir := t.TempDir()
	shared(t, dir)
	var wait sync.WaitGroup
	// The first waits for the second.
	fifo := filepath.Join(dir, "fifo")
	run(t, c, "mkfifo -m 666 "+fifo)
	wait.Go(func() { want(t, run(t, c, "cat "+fifo), "hello\n", "", 0) })
	wait.Go(func() { want(t, run(t, c, "echo hello >"+fifo), "", "", 0) })
	for i := range 12 {
		wait.Go(func() {
			for j := range 5 {
				word := fmt.Sprintf("%d.%d", i, j)
				want(t, run(t, c, "echo "+word), word+"\n", "", 0)
			}
		})
	}
	wait.Wait()
}

func raw(t *testing.T, l connection.Link) {
	c := login(l)
	want(t, execute(t, c, connection.Command{Script: "echo raw; echo err >&2; exit 9", Raw: true}), "raw\n", "err\n", 9)
	want(t, execute(t, c, connection.Command{Script: "cat", Raw: true, Stdin: strings.NewReader("in")}), "in", "", 0)
	_, err := c.Exec(context.Background(), connection.Command{Script: "sleep 300", Raw: true, Timeout: 50 * time.Millisecond})
	var over *connection.TimeLimit
	if !errors.As(err, &over) {
		t.Errorf("raw past its time: %v", err)
	}
}

// shared lets the user that logs in write to a directory of the test's.
func shared(t *testing.T, dir string) {
	t.Helper()
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		mode := fs.FileMode(0o755)
		if d == dir {
			mode = 0o777
		}
		if err := os.Chmod(d, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func files(t *testing.T, l connection.Link) {
	c := login(l)
	ctx := context.Background()
	dir := t.TempDir()
	shared(t, dir)
	for _, size := range []int{0, 1, 300, 40_000, 64 << 10, 64<<10 + 1, 2_500_000} {
		for _, kind := range []string{"binary", "text"} {
			data := every(size)
			if kind == "text" {
				data = []byte(strings.Repeat("발매기 'x' %d\\n\n", size/10+1))[:size]
			}
			name := filepath.Join(dir, fmt.Sprintf("-%s %d'", kind, size))
			if err := c.Put(ctx, name, bytes.NewReader(data), int64(len(data)), 0o640); err != nil {
				t.Fatalf("Put %d bytes: %v", size, err)
			}
			st, err := os.Stat(name)
			if err != nil || st.Mode() != 0o640 {
				t.Fatalf("Stat: %v %v", st, err)
			}
			var back bytes.Buffer
			if err := c.Get(ctx, name, &back); err != nil || !bytes.Equal(back.Bytes(), data) {
				t.Errorf("Get %s: %d bytes of %d, %v", name, back.Len(), size, err)
			}
		}
	}
	// An old file keeps its mode; an unknown size is fine; a wrong one is not.
	name := filepath.Join(dir, "old")
	check := func(content string, mode fs.FileMode) {
		t.Helper()
		got, err := os.ReadFile(name)
		st, _ := os.Stat(name)
		if string(got) != content || st.Mode().Perm() != mode {
			t.Errorf("%q %v %v; want %q %v", got, st.Mode(), err, content, mode)
		}
	}
	put := func(content string, size int64, mode fs.FileMode) error {
		return c.Put(ctx, name, strings.NewReader(content), size, mode)
	}
	if err := put("one", 3, 0); err != nil {
		t.Fatal(err)
	}
	check("one", 0o644)
	run(t, c, "chmod 4751 "+name)
	if err := put("two", -1, 0o600); err != nil {
		t.Fatal(err)
	}
	check("two", 0o751)
	if st, _ := os.Stat(name); st.Mode()&fs.ModeSetuid == 0 {
		t.Errorf("the setuid bit is lost: %v", st.Mode())
	}
	for _, size := range []int64{2, 4, 100_000} {
		if err := put("abc", size, 0); err == nil {
			t.Errorf("a size of %d for 3 bytes was accepted", size)
		}
	}
	for _, size := range []int64{10, 1 << 20, -1} {
		torn := io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(errors.New("torn")))
		if err := c.Put(ctx, name, torn, size, 0); err == nil || !strings.Contains(err.Error(), "torn") {
			t.Errorf("a failing reader: %v", err)
		}
	}
	check("two", 0o751)
	if names := leftovers(t, dir); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// leftovers are our temporary files in dir.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".*.sunup-*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func fileErrors(t *testing.T, l connection.Link) {
	c := login(l)
	ctx := context.Background()
	dir := t.TempDir()
	shared(t, dir)
	var sink bytes.Buffer
	if err := c.Get(ctx, dir+"/nothing", &sink); !errors.Is(err, fs.ErrNotExist) || sink.Len() > 0 {
		t.Errorf("Get of no file: %v, %q", err, sink.Bytes())
	}
	if err := c.Get(ctx, dir, &sink); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of a directory: %v", err)
	}
	for _, size := range []int{3, 100_000} {
		data := every(size)
		if err := c.Put(ctx, dir+"/no/file", bytes.NewReader(data), int64(size), 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Put into no directory: %v", err)
		}
		if err := c.Put(ctx, dir, bytes.NewReader(data), int64(size), 0); err == nil {
			t.Error("Put onto a directory succeeded")
		}
	}
	if strings.TrimSpace(string(run(t, c, "id -u").Stdout)) != "0" {
		closed := filepath.Join(dir, "closed")
		os.Mkdir(closed, 0o755)
		os.WriteFile(closed+"/secret", []byte("x"), 0o600)
		if os.Getuid() == 0 {
			if err := c.Get(ctx, closed+"/secret", &sink); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("Get without permission: %v", err)
			}
			for _, size := range []int{3, 100_000} {
				if err := c.Put(ctx, closed+"/new", bytes.NewReader(every(size)), int64(size), 0); !errors.Is(err, fs.ErrPermission) {
					t.Errorf("Put without permission: %v", err)
				}
			}
		}
	}
	if err := c.Get(ctx, "/etc/passwd", failingWriter{}); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("Get into a writer that fails: %v", err)
	}
	want(t, run(t, c, "echo on"), "on\n", "", 0)
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

func resetAndClose(t *testing.T, l connection.Link) {
	c := login(l)
	if err := l.Reset(); err != nil {
		t.Errorf("Reset before use: %v", err)
	}
	want(t, run(t, c, "echo 1"), "1\n", "", 0)
	if err := l.Reset(); err != nil {
		t.Errorf("Reset: %v", err)
	}
	want(t, run(t, c, "echo 2"), "2\n", "", 0)
	over := make(chan error, 1)
	dir := t.TempDir()
	shared(t, dir)
	file := filepath.Join(dir, "pid")
	go func() {
		_, err := c.Exec(context.Background(), connection.Command{Script: "echo $$ >" + file + "; sleep 300; :"})
		over <- err
	}()
	var pid int
	for end := time.Now().Add(limit); pid == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	var lost *connection.Unreachable
	if err := <-over; !errors.As(err, &lost) || !lost.Sent {
		t.Errorf("a command under Close: %v", err)
	}
	gone(t, pid)
	if err := l.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if _, err := c.Exec(context.Background(), connection.Command{Script: "true"}); !connection.IsUnreachable(err) {
		t.Errorf("Exec after Close: %v", err)
	}
}

func roundTrips(t *testing.T, l connection.Link) {
	c := login(l)
	run(t, c, "true")
	before := connection.StatsOf(l)
	const n = 20
	for range n {
		run(t, c, "true")
	}
	dir := t.TempDir()
	shared(t, dir)
	execute(t, c, connection.Command{Script: "cat", Stdin: strings.NewReader("small")})
	after := connection.StatsOf(l)
	if got := after.RoundTrips - before.RoundTrips; got != n+1 {
		t.Errorf("%d commands cost %d round trips", n+1, got)
	}
	if after.Shells != before.Shells || after.Handshakes != before.Handshakes || after.Commands-before.Commands != n+1 {
		t.Errorf("%+v, then %+v", before, after)
	}
}
