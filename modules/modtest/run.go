package modtest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"sunup/internal/connection"
	"sunup/internal/value"
	"sunup/modules"
)

// limit ends a case that hangs.
const limit = 60 * time.Second

// Run runs every case below testdata, one directory per module.
func Run(t *testing.T, testdata string) {
	dirs, err := os.ReadDir(testdata)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !d.IsDir() || d.Name() == "fuzz" || d.Name() == "arguments" {
			continue
		}
		cases, err := Load(filepath.Join(testdata, d.Name()))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(d.Name(), func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) { c.Run(t) })
			}
		})
	}
}

// shells are the shells of this machine that a host may have as /bin/sh. A
// BusyBox that runs its own programs whatever PATH says (Debian's
// busybox-static) cannot be given pretended ones, and is left out.
func shells(t *testing.T) map[string][]string {
	found := map[string][]string{}
	for name, argv := range map[string][]string{
		"dash": {"dash", "-c"}, "busybox": {"busybox", "ash", "-c"},
	} {
		p, err := exec.LookPath(argv[0])
		if err != nil {
			t.Logf("left out: %s is not installed", name)
			continue
		}
		if argv[0] = p; !heedsPath(t, argv) {
			t.Logf("left out: %s prefers its own programs to those in PATH", name)
			continue
		}
		found[name] = argv
	}
	return found
}

// heedsPath reports whether a shell runs the first program in PATH even when it
// has one of that name built in.
func heedsPath(t *testing.T, shell []string) bool {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "uname"), []byte("#!/bin/sh\necho pretended\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(shell[0], append(shell[1:], "uname")...)
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.Output()
	return err == nil && string(out) == "pretended\n"
}

// Run runs the case: on its pretended host, or in each shell of this machine;
// with -short, in one.
func (c Case) Run(t *testing.T) {
	if (c.Root || c.Etc) && os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if c.Exchanges != nil {
		c.pretended(t)
		return
	}
	var all map[string][]string
	if c.Etc || !testing.Short() { // -short: the resident shell only
		all = shells(t)
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			shell := all[name]
			if c.Etc {
				shell = ownEtc(t, shell)
			}
			conn := &Sh{Shell: shell}
			c.real(t, conn, func(env []string, dir string) { conn.Env, conn.Dir = env, dir })
		})
	}
	if !c.Etc {
		t.Run("resident", func(t *testing.T) {
			conn := NewResident(t)
			c.real(t, conn, func(env []string, dir string) { conn.Env, conn.Dir = env, dir })
		})
	}
}

// stage is where a case runs.
type stage struct {
	tmp, log   string // {{tmp}}, and the calls of pretended programs
	replace    *strings.Replacer
	controller *Controller
}

func (c Case) stage(t *testing.T) stage {
	t.Helper()
	// Links in the path of the test's directory would show in results.
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := stage{tmp: filepath.Join(base, "tmp"), log: filepath.Join(base, "calls")}
	s.replace = strings.NewReplacer("{{tmp}}", s.tmp)
	ctl := filepath.Join(base, "controller")
	for _, d := range []string{s.tmp, ctl, filepath.Join(base, "bin")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range c.Files {
		kind, rest, _ := strings.Cut(name, "/")
		mode := fs.FileMode(0o644)
		switch kind {
		case "before":
			name = filepath.Join(s.tmp, rest)
		case "bin":
			name = filepath.Join(base, "bin", rest)
			mode = 0o755
			data = logging(rest, data)
		case "files", "templates", "vars":
			name = filepath.Join(ctl, name)
			data = []byte(s.replace.Replace(string(data)))
		default:
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, mode); err != nil {
			t.Fatal(err)
		}
	}
	vars, _ := value.FromGo(with(orEmpty(c.Vars), s.replace)).(*value.Dict)
	s.controller = &Controller{Dir: ctl, Vars: vars}
	return s
}

// logging puts a line in front of a pretended program that tells of its call.
func logging(name string, script []byte) []byte {
	first, rest, _ := strings.Cut(string(script), "\n")
	return []byte(first + "\n[ -z \"$MODTEST_CALLS\" ] || printf '%s\\n' \"" + name + " $*\" >>\"$MODTEST_CALLS\"\n" + rest)
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func (c Case) env(s stage) []string {
	env := []string{"PATH=" + filepath.Join(filepath.Dir(s.tmp), "bin") + ":" + os.Getenv("PATH"), "TMP=" + s.tmp, "LC_ALL=C.UTF-8"}
	for k, v := range c.Env {
		env = append(env, k+"="+s.replace.Replace(v))
	}
	return env
}

func (c Case) pretended(t *testing.T) {
	s := c.stage(t)
	h := &Host{Files: map[string][]byte{}}
	for _, x := range c.Exchanges {
		x.Stdout, x.Stderr = s.replace.Replace(x.Stdout), s.replace.Replace(x.Stderr)
		h.Exchanges = append(h.Exchanges, x)
	}
	r := c.call(t, s, h, c.Check)
	c.compare(t, s, r)
	if h.Left() > 0 {
		t.Errorf("%d of %d exchanges did not happen; the scripts were:\n%s", h.Left(), len(h.Exchanges), strings.Join(h.Scripts, "\n----\n"))
	}
}

// real runs the case on this machine; place sets environment and directory of
// conn.
func (c Case) real(t *testing.T, conn connection.Conn, place func(env []string, dir string)) {
	s := c.stage(t)
	env := c.env(s)
	place(env, s.tmp)
	if c.Setup != "" {
		out, err := conn.Exec(context.Background(), connection.Command{Script: s.replace.Replace(c.Setup)})
		if err != nil || out.Code != 0 {
			t.Fatalf("setup: %v, ended with %d: %s", err, out.Code, out.Stderr)
		}
	}
	wanted := c.Result["changed"] == true
	m := modules.Lookup(c.Module, nil)
	unchecked := m != nil && m.Check == modules.CheckNone && c.CheckMode == ""
	if c.Error == "" && !c.Check && c.CheckMode != "no" && !unchecked {
		before := Tree(s.tmp)
		r := c.call(t, s, conn, true)
		if after := Tree(s.tmp); after != before {
			t.Errorf("check mode changed the host:\n%s", lineDiff(before, after))
		}
		if r != nil {
			c.checkMode(t, r, wanted)
		}
	}
	place(append(env[:len(env):len(env)], "MODTEST_CALLS="+s.log), s.tmp)
	r := c.call(t, s, conn, c.Check)
	c.compare(t, s, r)
	c.files(t, s)
	if r == nil || c.Check || c.Again == "no" || (r.Failed && c.Again == "") {
		return
	}
	place(env, s.tmp)
	again := c.call(t, s, conn, false)
	if got := outcome(again); got != orDefault(c.Again, "ok") && !(c.Again == "" && got == "skipped") {
		t.Errorf("the second run reports %s: %s", got, Print(again))
	}
}

// ownEtc returns a shell that sees a copy of /etc in its place.
func ownEtc(t *testing.T, shell []string) []string {
	t.Helper()
	etc := filepath.Join(t.TempDir(), "etc")
	wrapped := append([]string{"unshare", "-m", "--propagation", "private", "sh", "-c", `mount --bind "$0" /etc && exec "$@"`, etc}, shell...)
	if err := os.Mkdir(etc, 0o755); err != nil {
		t.Fatal(err)
	}
	// All of /etc would be slow to copy; this is what accounts are about.
	for _, name := range []string{"passwd", "group", "shadow", "gshadow", "subuid", "subgid", "login.defs", "nsswitch.conf", "skel", "default", "pam.d", "security", "ld.so.cache", "localtime", "hosts"} {
		if _, err := os.Lstat("/etc/" + name); err != nil {
			continue
		}
		if out, err := exec.Command("cp", "-a", "/etc/"+name, etc).CombinedOutput(); err != nil {
			t.Skipf("cannot copy /etc/%s: %v: %s", name, err, out)
		}
	}
	if out, err := exec.Command(wrapped[0], append(wrapped[1:len(wrapped):len(wrapped)], "true")...).CombinedOutput(); err != nil {
		t.Skipf("cannot have an /etc of its own: %v: %s", err, out)
	}
	return wrapped
}

func orDefault(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}

func outcome(r *modules.Result) string {
	switch {
	case r == nil:
		return "refused"
	case r.Failed:
		return "failed"
	case r.Skipped:
		return "skipped"
	case r.Changed:
		return "changed"
	}
	return "ok"
}

func (c Case) checkMode(t *testing.T, r *modules.Result, wanted bool) {
	t.Helper()
	got := outcome(r)
	switch want := orDefault(c.CheckMode, "same"); want {
	case "same":
		if failed := c.Result["failed"] == true; r.Failed != failed || (!failed && r.Changed != wanted) {
			t.Errorf("check mode reports %s: %s", got, Print(r))
		}
	default:
		if got != want {
			t.Errorf("check mode reports %s, not %s: %s", got, want, Print(r))
		}
	}
}

// call validates the arguments and runs the module.
func (c Case) call(t *testing.T, s stage, conn connection.Conn, check bool) *modules.Result {
	t.Helper()
	m := modules.Lookup(c.Module, nil)
	if m == nil {
		t.Fatalf("no module %s", c.Module)
	}
	given, _ := value.FromGo(with(orEmpty(c.Args), s.replace)).(*value.Dict)
	args, err := m.Validate(m.ShortName(), given)
	if err != nil {
		if c.Error == "" || !strings.Contains(err.Error(), s.replace.Replace(c.Error)) {
			t.Fatalf("arguments refused: %v", err)
		}
		return nil
	}
	if c.Error != "" {
		t.Fatalf("arguments were not refused; expected %q", c.Error)
	}
	if check && m.Check == modules.CheckNone {
		return &modules.Result{Skipped: true}
	}
	if m.Controller {
		conn = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r, err := m.Run(ctx, &modules.Call{Args: args, Conn: conn, Check: check, Diff: c.Diff, Controller: s.controller, Verbosity: c.Verbosity})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return r
}

func (c Case) compare(t *testing.T, s stage, r *modules.Result) {
	t.Helper()
	if r == nil {
		return
	}
	got := Flat(r)
	want := with(orEmpty(c.Result), s.replace)
	var problems []string
	differ("", want, value.ToGo(got), &problems)
	for _, name := range c.Absent {
		if got.Has(name) {
			problems = append(problems, name+": must not be there")
		}
	}
	if len(problems) > 0 {
		t.Errorf("%s\n\nthe result:\n%s", strings.Join(problems, "\n"), Print(r))
	}
}

// files compares what is on the host with after/ and tree, and the calls.
func (c Case) files(t *testing.T, s stage) {
	t.Helper()
	for name, want := range c.Files {
		rest, ok := strings.CutPrefix(name, "after/")
		if !ok {
			continue
		}
		got, err := os.ReadFile(filepath.Join(s.tmp, rest))
		if err != nil {
			t.Errorf("after: %v", err)
		} else if string(got) != s.replace.Replace(string(want)) {
			t.Errorf("after: %s holds\n%q, expected\n%q", rest, got, want)
		}
	}
	if want, ok := c.Files["tree"]; ok {
		if got := Tree(s.tmp); names(got) != string(want) {
			t.Errorf("the tree afterwards:\n%s\nexpected:\n%s", names(got), want)
		}
	}
	if c.Calls != nil {
		log, _ := os.ReadFile(s.log)
		want := ""
		for _, line := range c.Calls {
			want += s.replace.Replace(line) + "\n"
		}
		if string(log) != want {
			t.Errorf("calls:\n%s\nexpected:\n%s", log, want)
		}
	}
}

// Tree prints everything below dir: mode, kind, path and a link's target or a
// sum of the content.
func Tree(dir string) string {
	var out strings.Builder
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		rel, _ := filepath.Rel(dir, path)
		mode := info.Mode().Perm()
		special := info.Mode() & (fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
		kind, tail := "file", ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			kind, mode = "link", 0o777
			to, _ := os.Readlink(path)
			tail = " -> " + to
		case info.IsDir():
			kind = "dir"
		case !info.Mode().IsRegular():
			kind = "other"
		default:
			b, _ := os.ReadFile(path)
			tail = fmt.Sprintf("\t%d %q", len(b), string(b[:min(len(b), 200)]))
		}
		bits := 0
		for i, bit := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
			if special&bit != 0 {
				bits |= 1 << i
			}
		}
		fmt.Fprintf(&out, "%d%03o %s %s%s\n", bits, mode, kind, rel, tail)
		return nil
	})
	return out.String()
}

// names takes the content away from a tree.
func names(tree string) string {
	var out strings.Builder
	for _, line := range strings.SplitAfter(tree, "\n") {
		head, _, _ := strings.Cut(line, "\t")
		out.WriteString(strings.TrimSuffix(head, "\n"))
		if line != "" {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
