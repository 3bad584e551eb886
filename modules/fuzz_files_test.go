package modules

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadMode(t *testing.T) {
	for _, c := range []struct {
		arg  any
		have uint32
		want uint32
	}{
		{"0644", 0, 0o644}, {"644", 0, 0o644}, {"0o644", 0, 0o644}, {"4755", 0, 0o4755}, {420, 0, 0o644}, {644, 0, 0o1204},
		{"u=rwx,g=rx,o=", typeFile | 0o777, 0o750}, {"a+x", typeFile | 0o644, 0o755}, {"+x", typeFile | 0o644, 0o755},
		{"u+s,g+s,o+t", typeFile | 0o755, 0o7755}, {"ug-w", typeFile | 0o777, 0o557}, {"u=rwX,go=rX", typeFile | 0o600, 0o644},
		{"u=rwX,go=rX", typeDir | 0o600, 0o755}, {"g=u", typeFile | 0o640, 0o660}, {"o=g,u=o", typeFile | 0o754, 0o455},
		{"=rw", typeFile | 0o777, 0o644}, {"u+r-w", typeFile | 0o300, 0o500}, {"u=", typeFile | 0o4755, 0o055},
	} {
		got, err := readMode(c.arg, c.have, 0o022)
		if err != nil || got != c.want {
			t.Errorf("%v of %o: got %o, %v; expected %o", c.arg, c.have, got, err, c.want)
		}
	}
	for _, bad := range []any{"", "u=q", "x", "99999", "u=rw;g", "888", -1, 5000, nil, "b+r"} {
		// An empty text is symbolic for no change in Ansible, too.
		if bad == "" {
			continue
		}
		if got, err := readMode(bad, typeFile|0o644, 0o022); err == nil {
			t.Errorf("%v is read as %o", bad, got)
		}
	}
}

func FuzzReadMode(f *testing.F) {
	for _, s := range []string{"0644", "u=rwX,go-st", "a+x", "=,+", "u=g+o-t", "77777777777777777777777"} {
		f.Add(s, uint32(typeDir|0o755))
	}
	f.Fuzz(func(t *testing.T, s string, have uint32) {
		m, err := readMode(s, have, 0o022)
		if err == nil && m > permBits {
			t.Errorf("%q of %o is %o", s, have, m)
		}
	})
}

func FuzzLineinfile(f *testing.F) {
	f.Add([]byte("a\nb"), "c", "^a", "", "", uint8(0))
	f.Add([]byte("a\r\nb\xff\n"), "b", "", "(b", "EOF", uint8(3))
	f.Add([]byte(""), "x\ny", "", "BOF", "", uint8(7))
	f.Fuzz(func(t *testing.T, content []byte, line, regexp, after, before string, bits uint8) {
		if len(content) > 4096 || len(regexp) > 64 || len(after) > 64 || len(before) > 64 {
			return
		}
		w := lineWish{line: line, hasLine: true, regexp: regexp, hasRegexp: bits&1 != 0, after: after, before: before,
			hasBefore: bits&2 != 0 && after == "", first: bits&4 != 0, backrefs: bits&9 == 9}
		if !w.hasBefore {
			w.before = ""
		}
		once, err := w.put(append([]byte(nil), content...))
		if err != nil {
			return
		}
		if !once.changed && !bytes.Equal(once.content, content) {
			t.Errorf("no change is reported: %q became %q", content, once.content)
		}
		plain := !strings.ContainsAny(line, "\r\n") && !w.hasRegexp && utf8.Valid(content) && utf8.ValidString(line)
		if again, err := w.put(append([]byte(nil), once.content...)); plain && (err != nil || again.changed) {
			t.Errorf("%+v on %q is not settled: %q, then %q, %v", w, content, once.content, again.content, err)
		}
		removed, err := w.remove(append([]byte(nil), content...))
		if err == nil && len(removed.content) > len(content) {
			t.Errorf("removing lines made %q of %q", removed.content, content)
		}
	})
}

func FuzzBlockinfile(f *testing.F) {
	f.Add([]byte("a\nb"), "x\ny", "^a", "", false)
	f.Add([]byte("# BEGIN\nold\n# END\n"), "new", "", "BOF", true)
	f.Add([]byte("# END\nold\n# BEGIN"), "", "EOF", "", false)
	f.Fuzz(func(t *testing.T, content []byte, block, after, before string, hasBefore bool) {
		if len(content) > 4096 || len(after) > 64 || len(before) > 64 {
			return
		}
		w := blockWish{block: block, after: after, before: before, hasBefore: hasBefore, begin: "# BEGIN\n", end: "# END\n"}
		once, err := w.put(append([]byte(nil), content...))
		if err != nil {
			return
		}
		if strings.Contains(block, "# BEGIN") || strings.Contains(block, "# END") || bytes.Contains(content, []byte("# BEGIN")) || bytes.Contains(content, []byte("# END")) {
			return
		}
		again, err := w.put(append([]byte(nil), once.content...))
		if err != nil || again.changed {
			t.Errorf("%+v on %q is not settled: %q, then %q, %v", w, content, once.content, again.content, err)
		}
	})
}

func FuzzReplace(f *testing.F) {
	f.Add("a1 a2", `a(\d)`, `\1-\g<0>`, "", "")
	f.Add("abc", "x*", "-", "a", "c")
	f.Add("abc", "(?P<n>b)", `\g<n>\n\\`, "", "")
	f.Fuzz(func(t *testing.T, text, regexp, replace, after, before string) {
		if len(text) > 1024 || len(regexp) > 48 || len(after) > 48 || len(before) > 48 {
			return
		}
		w := replaceWish{regexp, replace, after, before}
		done, _, err := w.edit([]byte(text), "utf-8")
		if err == nil && !done.changed && string(done.content) != text && len(done.content) > 0 {
			t.Errorf("no change is reported: %q became %q", text, done.content)
		}
	})
}

func FuzzReadFields(f *testing.F) {
	f.Add([]byte("a=1\x00batch=2\x00x\x00y\x0081a4|0|0|1|2|3|1|0|0|0|root|root\n\x00"))
	f.Add([]byte("batch=99999999999\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := readFields(b)
		fs.batches()
		fs.found("at", "x").state()
	})
}

func FuzzGlob(f *testing.F) {
	for _, s := range []string{"*.log", "[!a]*", "[]x]", "[", "[a-", `\*`, "[^a]", "[[:alpha:]]", "[z-a]"} {
		f.Add(s, "name")
	}
	f.Fuzz(func(t *testing.T, glob, name string) {
		if re, err := globPattern(glob); err == nil {
			re.MatchString(name)
		}
	})
}

func TestGlobPattern(t *testing.T) {
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"*.log", "a.log", true}, {"*.log", "a.log.1", false}, {"a?c", "a한c", true}, {"[!a]b", "ab", false}, {"[!a]b", "bb", true},
		{"[]x]", "]", true}, {"[a", "[a", true}, {"a.b", "axb", false}, {"[a-c]", "b", true}, {"[^a]", "^", true}, {`a\b`, `a\b`, true}, {"*", "\n", true},
	} {
		re, err := globPattern(c.glob)
		if err != nil || re.MatchString(c.name) != c.want {
			t.Errorf("%s and %s: %v, %v", c.glob, c.name, !c.want, err)
		}
	}
}

// A quoted path must be the same path in a shell.
func TestQuotePath(t *testing.T) {
	for path, want := range map[string]string{
		"/a b": "/a b", "it's": "it's", "-rf": "./-rf", "/a\nb": "/a\nb", "/*[x]?": "/*[x]?", `/a\b"c"`: `/a\b"c"`, "/서울": "/서울",
		"~/x y": "/home/me/x y", "~": "/home/me", "$SET/x": "/set/x", "${SET}x": "/setx", "$UNSET/x": "$UNSET/x", "${UNSET}": "${UNSET}",
		"$": "$", "a$1": "a$1", "`id`$(id)": "`id`$(id)", "": "", "/a;b&c|d": "/a;b&c|d", "~no such/x": "~no such/x", "!x": "!x", "#": "#",
	} {
		for _, shell := range []string{"dash", "bash", "busybox"} {
			if _, err := exec.LookPath(shell); err != nil {
				continue
			}
			args := []string{"-c", "p=" + quotePath(path) + "\nprintf %s \"$p\""}
			if shell == "busybox" {
				args = append([]string{"ash"}, args...)
			}
			cmd := exec.Command(shell, args...)
			cmd.Env = []string{"HOME=/home/me", "SET=/set", "PATH=/bin:/usr/bin"}
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != want {
				t.Errorf("%s: %q is %q (%v); expected %q", shell, path, out, err, want)
			}
		}
	}
}

func TestFetchDest(t *testing.T) {
	for _, c := range []struct {
		dest, host, source string
		flat               bool
		want               string
	}{
		{"/d", "h", "/etc/x", false, "/d/h/etc/x"},
		{"/d", "h", "../../etc/passwd", false, "/d/h/etc/passwd"},
		{"/d", "h", "/a/../../../b", false, "/d/h/b"},
		{"/d", "a/../../b", "/x", false, "/d/a_.._.._b/x"},
		{"/d/", "h", "/a/..", true, "/d/"},
		{"/d/", "h", "/a/b", true, "/d/b"},
	} {
		got, err := fetchDest(c.dest, c.host, c.source, c.flat)
		if c.source == "/a/.." {
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%+v: %s, %v", c, got, err)
		}
	}
	if _, err := fetchDest("/d", "..", "/x", false); err == nil {
		t.Error("a host named .. is taken")
	}
}

func TestParseMoment(t *testing.T) {
	m, err := parseMoment("202001020304.05", "%Y%m%d%H%M.%S")
	if err != nil || m != (moment{2020, 1, 2, 3, 4, 5}) {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{"", "2020", "202013020304.05", "202001020304.05x", "20200102 304.05"} {
		if _, err := parseMoment(bad, "%Y%m%d%H%M.%S"); err == nil {
			t.Errorf("%q is a time", bad)
		}
	}
}

func FuzzParseMoment(f *testing.F) {
	f.Add("202001020304.05", "%Y%m%d%H%M.%S")
	f.Add("x", "%")
	f.Fuzz(func(t *testing.T, s, format string) { parseMoment(s, format) }) //nolint:errcheck // only that it ends
}

func TestJoinParts(t *testing.T) {
	got, err := joinParts([]part{{"2", []byte("b")}, {"1", []byte("a")}, {".h", []byte("h\n")}}, nil, `--\n`, false)
	if err != nil || string(got) != "h\n--\na\n--\nb" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFreeBytes(t *testing.T) {
	n, ok := freeBytes("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 40 60 40% /\n")
	if !ok || n != 60<<10 {
		t.Errorf("%d %v", n, ok)
	}
	if _, ok := freeBytes("nonsense"); ok {
		t.Error("nonsense is a number")
	}
}
