package connection

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
)

func TestDecoder(t *testing.T) {
	for name, c := range map[string]struct{ encoding, in, want string }{
		"utf-8 passes":        {"", "기동 \xff", "기동 \xff"},
		"euc-kr":              {"euc-kr", "\xb1\xe2\xb5\xbf ok", "기동 ok"},
		"cp949 extension":     {"cp949", "\x8cc\xb9\xe6\xb0\xa2\xc7\xcf", "똠방각하"},
		"lone lead at end":    {"cp949", "a\xb1", `a\xb1`},
		"lead before ascii":   {"cp949", "\xb1\n", "\\xb1\n"},
		"lead before lead":    {"cp949", "\xff\xb1\xe2", `\xff기`},
		"no character there":  {"cp949", "\xfe\xfe", `\xfe\xfe`},
		"case and dashes":     {"EUC_KR", "\xb1\xe2", "기"},
		"mixed with controls": {"cp949", "\x1b[1m\xb1\xe2\r\n\x00", "\x1b[1m기\r\n\x00"},
	} {
		d, err := NewDecoder(c.encoding)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := d.Decode([]byte(c.in)); string(got) != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if _, err := NewDecoder("shift-jis"); err == nil {
		t.Error("an unknown encoding was accepted")
	}
}

func TestText(t *testing.T) {
	if got := Text([]byte("가\xffx\xb1\xe2")); got != `가\xffx\xb1\xe2` {
		t.Errorf("got %q", got)
	}
}

// However the bytes arrive, the text is the same, and it is UTF-8.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\xb1\xe2\xb5\xbf ok \xff\xb1"), 3)
	f.Add([]byte("\x8cc"), 1)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		whole, _ := NewDecoder("cp949")
		want := whole.Append(nil, in, true)
		if !utf8.Valid(want) {
			t.Fatalf("%q became %q", in, want)
		}
		parts, _ := NewDecoder("euc-kr")
		var got []byte
		for rest := in; len(rest) > 0; {
			n := min(max(cut, 1), len(rest))
			got = parts.Append(got, rest[:n], false)
			rest = rest[n:]
		}
		if got = parts.Append(got, nil, true); !bytes.Equal(got, want) {
			t.Fatalf("in pieces of %d: %q, whole %q", cut, got, want)
		}
	})
}

// Every syllable there and back.
func TestAllSyllables(t *testing.T) {
	var all []rune
	for r := rune(0xAC00); r <= 0xD7A3; r++ {
		all = append(all, r)
	}
	raw, err := korean.EUCKR.NewEncoder().Bytes([]byte(string(all)))
	if err != nil {
		t.Fatal(err)
	}
	d, _ := NewDecoder("cp949")
	if got := d.Decode(raw); string(got) != string(all) {
		t.Error("some syllables were lost")
	}
}
