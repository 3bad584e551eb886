package modules

import (
	"errors"
	"strings"
	"time"

	"sunup/internal/value"
)

// errNoQuotation and errNoEscaped are Python's words for text that ends too
// early.
var (
	errNoQuotation = errors.New("No closing quotation") //nolint:staticcheck // Python's words
	errNoEscaped   = errors.New("No escaped character") //nolint:staticcheck // Python's words
)

// splitWords splits text into words as a POSIX shell (and Python's shlex)
// does, without expanding anything.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, errNoQuotation
			}
			word.WriteString(s[i+1 : i+1+end])
			i += end + 1
			inWord = true
		case '"':
			n, err := doubleQuoted(s[i+1:], &word)
			if err != nil {
				return nil, err
			}
			i += n
			inWord = true
		case '\\':
			if i++; i == len(s) {
				return nil, errNoEscaped
			}
			word.WriteByte(s[i])
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// doubleQuoted reads to the closing quote and returns the bytes used.
func doubleQuoted(s string, word *strings.Builder) (int, error) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1, nil
		case c == '\\':
			if i++; i == len(s) {
				return 0, errNoEscaped
			}
			if s[i] != '"' && s[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(s[i])
		default:
			word.WriteByte(c)
		}
	}
	return 0, errNoQuotation
}

// splitLines splits text into lines as Python's splitlines does.
func splitLines(s string) *value.List {
	lines := &value.List{}
	start := 0
	for i, r := range s {
		if i < start {
			continue
		}
		n := 0
		switch r {
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e:
			n = 1
		case '\r':
			n = 1
			if strings.HasPrefix(s[i+1:], "\n") {
				n = 2
			}
		case 0x85:
			n = 2
		case 0x2028, 0x2029:
			n = 3
		}
		if n > 0 {
			lines.Append(s[start:i])
			start = i + n
		}
	}
	if start < len(s) {
		lines.Append(s[start:])
	}
	return lines
}

// setOutput stores what a command printed, whole and in lines.
func setOutput(r *Result, stdout, stderr string) *Result {
	r.Set("stdout", stdout).Set("stderr", stderr)
	return r.Set("stdout_lines", splitLines(stdout)).Set("stderr_lines", splitLines(stderr))
}

// clockText prints a time as Python's str(datetime) does.
func clockText(t time.Time) string {
	if t.Nanosecond()/1000 == 0 {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("2006-01-02 15:04:05.000000")
}

// durationText prints a duration as Python's str(timedelta) does.
func durationText(d time.Duration) string {
	d = max(d, 0).Truncate(time.Microsecond)
	days := d / (24 * time.Hour)
	d -= days * 24 * time.Hour
	text := time.Time{}.Add(d).Format("15:04:05.000000")
	text = strings.TrimSuffix(text, ".000000")
	text = strings.TrimPrefix(text, "0")
	switch {
	case days == 1:
		return "1 day, " + text
	case days > 1:
		return value.Str(int(days)) + " days, " + text
	}
	return text
}

// quoteArg makes one shell word of an argument of a command, in which ~ at the
// start and $NAME stand for what they are on the host.
func quoteArg(s string) string {
	if strings.HasPrefix(s, "-") || s == "" {
		return quoteWithVariablesOrEmpty(s)
	}
	return quotePath(s)
}

func quoteWithVariablesOrEmpty(s string) string {
	if s == "" {
		return "''"
	}
	return quoteWithVariables(s)
}

// quoteGlob makes a shell pattern of a path argument: *, ? and [...] match,
// everything else is taken as it is.
func quoteGlob(p string) string {
	var out strings.Builder
	plain := func(s string) {
		switch {
		case s == "":
		case out.Len() == 0:
			out.WriteString(quotePath(s))
		default:
			out.WriteString(quoteWithVariables(s))
		}
	}
	for p != "" {
		i := strings.IndexAny(p, "*?[")
		if i < 0 {
			break
		}
		n := 1
		if p[i] == '[' {
			if n = bracketLength(p[i:]); n == 0 {
				plain(p[:i+1])
				p = p[i+1:]
				continue
			}
		}
		plain(p[:i])
		out.WriteString(p[i : i+n])
		p = p[i+n:]
	}
	plain(p)
	return out.String()
}

// bracketLength returns the length of the simple bracket expression at the
// start of s: only letters, digits and - are left to the shell, 0 otherwise.
func bracketLength(s string) int {
	i := 1
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ']' && i > 1:
			return i + 1
		case c == '!' && i == 1, c == '-', c == '_', c == '.':
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z':
		default:
			return 0
		}
	}
	return 0
}
