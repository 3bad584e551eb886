package reports

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
)

// escapes are the escape sequences of terminals: colours, cursor movements,
// titles, and the single-letter ones.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-~])")

// safeText makes output of hosts fit to be shown to people: escape sequences
// are taken out, line ends become one kind, and every other character that
// would act instead of being seen is made visible: ␇ for a bell, ⟨U+202E⟩ for a
// change of direction, ⟨ff⟩ for a byte that is no text.
func safeText(s string) string {
	if isPlain(s) {
		return s
	}
	s = readable(s)
	s = escapes.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune(0x2400 + r)
		case r == 0x7f:
			b.WriteRune('␡')
		case acts(r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// readable gives text of old Korean machines, which is CP949, as UTF-8: line by
// line, since one log may hold both. A byte that is no text in either is shown
// as ⟨ff⟩.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(readableLine(line))
	}
	return b.String()
}

func readableLine(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	if decoded, err := korean.EUCKR.NewDecoder().String(s); err == nil && !strings.ContainsRune(decoded, utf8.RuneError) {
		return decoded
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, "⟨%02x⟩", s[i])
		} else {
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// acts reports whether a character changes how others are shown.
func acts(r rune) bool {
	return r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
		r == 0x200e || r == 0x200f || r == 0x2028 || r == 0x2029 || r == 0xfeff
}

func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

// safeLine is safeText on one line.
func safeLine(s string) string {
	return strings.Join(strings.Fields(safeText(s)), " ")
}
