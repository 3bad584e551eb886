package shell

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Quote makes one word of s for a POSIX shell, whatever it holds but NUL.
func Quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func special(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("_-+./:,@%=", r)
}

// printfFormat writes data as the quoted format of printf, which every shell
// has built in, so that small input needs neither a channel nor a tool. Bytes
// that some shell treats as its own (NUL, control characters, broken UTF-8)
// travel as octal, and so does a dash at the start, which printf would take for
// an option.
func printfFormat(data []byte) string {
	var b strings.Builder
	b.Grow(len(data) + len(data)/8 + 2)
	b.WriteByte('\'')
	if bytes.HasPrefix(data, []byte("-")) {
		b.WriteString(`\055`)
		data = data[1:]
	}
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\n' && r != '\t', r == 0x7f:
			fmt.Fprintf(&b, `\%03o`, data[0])
		case r == '\'':
			b.WriteString(`'\''`)
		case r == '%':
			b.WriteString(`%%`)
		case r == '\\':
			b.WriteString(`\\`)
		default:
			b.Write(data[:n])
		}
		data = data[n:]
	}
	b.WriteByte('\'')
	return b.String()
}

func validName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
