package shell

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// However a stream arrives, the frames hold what lies between the marks.
func FuzzStream(f *testing.F) {
	f.Add([]byte("hello\n"), []byte("two"), 1)
	f.Add([]byte("MAMARMARK"), []byte{}, 2)
	f.Add([]byte("MARK"[:3]), []byte("MARL"), 3)
	f.Fuzz(func(t *testing.T, one, two []byte, size int) {
		const mark = "MARK"
		if bytes.Contains(append(bytes.Clone(one), mark[:3]...), []byte(mark)) || bytes.Contains(append(bytes.Clone(two), mark[:3]...), []byte(mark)) {
			return // real marks are random
		}
		var got [2]bytes.Buffer
		frames := [2]*frame{}
		s := newStream()
		for i := range frames {
			frames[i] = newFrame(mark, func(p []byte) { got[i].Write(p) })
			s.expect(frames[i])
		}
		all := bytes.Join([][]byte{one, []byte(mark + " 7\n"), two, []byte(mark + " 8\n")}, nil)
		for len(all) > 0 {
			n := min(max(size, 1), len(all))
			s.feed(all[:n])
			all = all[n:]
		}
		for i, want := range [][]byte{one, two} {
			if !bytes.Equal(got[i].Bytes(), want) || !frames[i].whole || string(frames[i].status) != " "+string("78"[i]) {
				t.Fatalf("frame %d: %q %v %q, want %q", i, got[i].Bytes(), frames[i].whole, frames[i].status, want)
			}
		}
		if !s.clean() {
			t.Fatal("nothing stray came")
		}
		s.feed([]byte("late"))
		if s.clean() {
			t.Fatal("stray output went unnoticed")
		}
		s.end()
		s.end()
		late := newFrame(mark, nil)
		s.expect(late)
		<-late.done
	})
}

// A frame that is cut by the end of the stream hands over all that came.
func TestCutFrame(t *testing.T) {
	var got bytes.Buffer
	s := newStream()
	f := newFrame("MARK", func(p []byte) { got.Write(p) })
	s.expect(f)
	s.pump(strings.NewReader("abcMAR"), 2)
	<-f.done
	if f.whole || got.String() != "abcMAR" {
		t.Errorf("%q %v", got.String(), f.whole)
	}
}

// What printf prints from our format is the data, in every shell.
func FuzzPrintf(f *testing.F) {
	f.Add([]byte("-- a\n+++ b"))
	f.Add([]byte("100% 'x' \\n\x00\x01\x7f\xff\r\n한"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		format := printfFormat(data)
		if !utf8.ValidString(format) || strings.Contains(format, "\x00") {
			t.Fatalf("%q is no script", format)
		}
		if len(data) > 4000 {
			return
		}
		out, err := exec.Command("/bin/sh", "-c", "printf "+format).Output()
		if err != nil || !bytes.Equal(out, data) {
			t.Fatalf("%q came out as %q (%v)", data, out, err)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add("it's")
	f.Add("")
	f.Add("-n")
	f.Add("a\nb")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "\x00") || len(s) > 4000 {
			return
		}
		for _, q := range []string{Quote(s), quoted(s)} {
			out, err := exec.Command("/bin/sh", "-c", "printf '%s' "+q).Output()
			if err != nil || string(out) != s {
				t.Fatalf("%q came out as %q (%v)", s, out, err)
			}
		}
	})
}

func TestTempName(t *testing.T) {
	long := "/a/" + strings.Repeat("x", 250)
	name := TempName(long)
	if base := name[strings.LastIndexByte(name, '/')+1:]; len(base) > 255 || !strings.HasPrefix(name, "/a/.xxx") {
		t.Errorf("%q", name)
	}
	if first, second := TempName("f"), TempName("f"); first == second {
		t.Error("two temporary names are the same")
	}
}
