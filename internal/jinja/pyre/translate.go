package pyre

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPattern and maxNesting bound what is given to the backtracking engine.
const (
	maxPattern = 64 << 10
	maxNesting = 200
)

// translator rewrites a Python pattern. Named groups become numbered ones,
// because the engine would number them after all others.
type translator struct {
	in     string
	i      int
	out    strings.Builder
	groups int
	names  map[string]int
	open   []bool // the open parentheses: whether each is a group
	// verbose is set by (?x): then # starts a comment.
	verbose bool
}

type patternError struct {
	msg string
	pos int
}

func (e *patternError) Error() string { return fmt.Sprintf("%s at position %d", e.msg, e.pos) }

func (t *translator) fail(pos int, format string, args ...any) error {
	return &patternError{fmt.Sprintf(format, args...), utf8.RuneCountInString(t.in[:min(pos, len(t.in))])}
}

// translate returns the pattern in the engine's syntax, the number of groups
// and their names.
func translate(pattern string) (*translator, error) {
	t := &translator{in: pattern, names: map[string]int{}}
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("the pattern is longer than %d bytes", maxPattern)
	}
	for t.i < len(t.in) {
		if err := t.one(); err != nil {
			return nil, err
		}
	}
	if len(t.open) > 0 {
		return nil, t.fail(0, "missing ), unterminated subpattern")
	}
	return t, nil
}

func (t *translator) one() error {
	switch c := t.in[t.i]; c {
	case '\\':
		return t.escape(false)
	case '[':
		return t.class()
	case '(':
		return t.paren()
	case ')':
		if len(t.open) == 0 {
			return t.fail(t.i, "unbalanced parenthesis")
		}
		t.open = t.open[:len(t.open)-1]
		t.out.WriteByte(c)
		t.i++
		return nil
	case '{':
		t.brace()
		return nil
	case '#':
		if t.verbose {
			end := strings.IndexByte(t.in[t.i:], '\n')
			if end < 0 {
				end = len(t.in) - t.i
			}
			t.i += end
			return nil
		}
		t.out.WriteString(`\#`)
		t.i++
		return nil
	case '*', '+', '?':
		return t.repeat(c)
	default:
		_, n := utf8.DecodeRuneInString(t.in[t.i:])
		t.out.WriteString(t.in[t.i : t.i+n])
		t.i += n
		return nil
	}
}

func (t *translator) repeat(c byte) error {
	if t.out.Len() == 0 {
		return t.fail(t.i, "nothing to repeat")
	}
	t.out.WriteByte(c)
	t.i++
	if t.i < len(t.in) {
		switch t.in[t.i] {
		case '?':
			t.out.WriteByte('?')
			t.i++
		case '+':
			return t.fail(t.i, "possessive quantifiers are not supported")
		}
		if t.i < len(t.in) && t.in[t.i] == '*' {
			return t.fail(t.i, "multiple repeat")
		}
	}
	return nil
}

// brace writes {m,n}; what is not a repetition is literal.
func (t *translator) brace() {
	end := strings.IndexByte(t.in[t.i:], '}')
	if end > 0 {
		body := t.in[t.i+1 : t.i+end]
		low, high, ranged := strings.Cut(body, ",")
		if digits(low) && digits(high) && (body != "" && (low != "" || ranged)) {
			if low == "" {
				low = "0"
			}
			t.out.WriteString("{" + low)
			if ranged {
				t.out.WriteString("," + high)
			}
			t.out.WriteByte('}')
			t.i += end + 1
			if t.i < len(t.in) && t.in[t.i] == '?' {
				t.out.WriteByte('?')
				t.i++
			}
			return
		}
	}
	t.out.WriteString(`\{`)
	t.i++
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" && len(s) < 8 }

func (t *translator) push(group bool) error {
	t.open = append(t.open, group)
	if len(t.open) > maxNesting {
		return t.fail(t.i, "groups are nested too deeply")
	}
	if group {
		t.groups++
	}
	return nil
}

func (t *translator) paren() error {
	rest := t.in[t.i:]
	if !strings.HasPrefix(rest, "(?") {
		t.out.WriteByte('(')
		t.i++
		return t.push(true)
	}
	for _, plain := range []string{"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"} {
		if strings.HasPrefix(rest, plain) {
			t.out.WriteString(plain)
			t.i += len(plain)
			return t.push(false)
		}
	}
	switch {
	case strings.HasPrefix(rest, "(?P<"):
		return t.namedGroup()
	case strings.HasPrefix(rest, "(?P="):
		return t.namedRef()
	case strings.HasPrefix(rest, "(?#"):
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return t.fail(t.i, "missing ), unterminated comment")
		}
		t.i += end + 1
		return nil
	case strings.HasPrefix(rest, "(?("):
		return t.conditional()
	}
	return t.inlineFlags()
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

func (t *translator) namedGroup() error {
	start := t.i + 4
	end := strings.IndexByte(t.in[start:], '>')
	if end < 0 {
		return t.fail(start, "missing >, unterminated name")
	}
	name := t.in[start : start+end]
	if !isName(name) {
		return t.fail(start, "bad character in group name '%s'", name)
	}
	if at, ok := t.names[name]; ok {
		return t.fail(start, "redefinition of group name '%s' as group %d; was group %d", name, t.groups+1, at)
	}
	t.names[name] = t.groups + 1
	t.out.WriteByte('(')
	t.i = start + end + 1
	return t.push(true)
}

func (t *translator) namedRef() error {
	start := t.i + 4
	end := strings.IndexByte(t.in[start:], ')')
	if end < 0 {
		return t.fail(start, "missing ), unterminated name")
	}
	name := t.in[start : start+end]
	at, ok := t.names[name]
	if !ok {
		return t.fail(start, "unknown group name '%s'", name)
	}
	t.ref(at)
	t.i = start + end + 1
	return nil
}

// ref writes a back-reference so that digits behind it do not join it.
func (t *translator) ref(n int) { fmt.Fprintf(&t.out, `(?:\%d)`, n) }

func (t *translator) conditional() error {
	start := t.i + 3
	end := strings.IndexByte(t.in[start:], ')')
	if end < 0 {
		return t.fail(start, "missing ), unterminated name")
	}
	name := t.in[start : start+end]
	n, err := strconv.Atoi(name)
	if err != nil {
		ok := false
		if n, ok = t.names[name]; !ok {
			return t.fail(start, "unknown group name '%s'", name)
		}
	}
	fmt.Fprintf(&t.out, "(?(%d)", n)
	t.i = start + end + 1
	return t.push(false)
}

// inlineFlags reads (?imsx) and (?i-s:...).
func (t *translator) inlineFlags() error {
	start := t.i
	end := strings.IndexAny(t.in[start:], ":)")
	if end < 0 {
		return t.fail(start+2, "missing -, : or )")
	}
	body := t.in[start+2 : start+end]
	if strings.Trim(body, "aiLmsux-") != "" || strings.Count(body, "-") > 1 {
		return t.fail(start+1, "unknown extension ?%s", firstRune(body))
	}
	on, off, _ := strings.Cut(body, "-")
	keep := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune("imsx", r) {
				return r
			}
			return -1
		}, s)
	}
	closing := t.in[start+end]
	if closing == ')' && start != 0 {
		return t.fail(start, "global flags not at the start of the expression")
	}
	t.verbose = t.verbose || closing == ')' && strings.Contains(on, "x")
	text := keep(on)
	if o := keep(off); o != "" {
		text += "-" + o
	}
	t.i = start + end + 1
	if closing == ')' {
		if text != "" {
			t.out.WriteString("(?" + text + ")")
		}
		return nil
	}
	t.out.WriteString("(?" + text + ":")
	return t.push(false)
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// escape translates one backslash sequence.
func (t *translator) escape(inClass bool) error {
	at := t.i
	if at+1 >= len(t.in) {
		return t.fail(at, "bad escape (end of pattern)")
	}
	r, n := utf8.DecodeRuneInString(t.in[at+1:])
	t.i = at + 1 + n
	c := byte(0)
	if r < utf8.RuneSelf {
		c = byte(r)
	}
	switch {
	case c >= '0' && c <= '9':
		return t.number(at, inClass)
	case strings.IndexByte("wWdDsS", c) >= 0 && c != 0:
		t.out.WriteString(t.in[at:t.i])
		return nil
	case strings.IndexByte("abfnrtv", c) >= 0 && c != 0:
		if c == 'a' {
			t.out.WriteString(`\x07`)
			return nil
		}
		t.out.WriteString(t.in[at:t.i])
		return nil
	case c == 'A' && !inClass, c == 'B' && !inClass:
		t.out.WriteString(t.in[at:t.i])
		return nil
	case c == 'Z' && !inClass:
		t.out.WriteString(`\z`)
		return nil
	case c == 'x':
		return t.hex(at, 2)
	case c == 'u':
		return t.hex(at, 4)
	case c == 'U':
		return t.hex(at, 8)
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return t.fail(at, `bad escape \%c`, c)
	}
	t.literal(r)
	return nil
}

// literal writes one character that stands for itself, in and outside of a
// class.
func (t *translator) literal(r rune) {
	if r < utf8.RuneSelf && strings.ContainsRune(`\^$.|?*+()[]{}-#&~ `, r) || r < ' ' {
		fmt.Fprintf(&t.out, `\x%02x`, r)
		return
	}
	t.out.WriteRune(r)
}

func (t *translator) hex(at, width int) error {
	if t.i+width > len(t.in) {
		return t.fail(at, `incomplete escape %s`, t.in[at:])
	}
	n, err := strconv.ParseUint(t.in[t.i:t.i+width], 16, 32)
	if err != nil || n > unicode.MaxRune {
		return t.fail(at, `incomplete escape %s`, t.in[at:t.i+width])
	}
	t.i += width
	t.literal(rune(n))
	return nil
}

// number is an octal escape or a back-reference.
func (t *translator) number(at int, inClass bool) error {
	s := t.in[at+1:]
	octal := 0
	for octal < 3 && octal < len(s) && s[octal] >= '0' && s[octal] <= '7' {
		octal++
	}
	if s[0] == '0' || octal == 3 || inClass {
		if octal == 0 {
			return t.fail(at, `bad escape \%c`, s[0])
		}
		n, _ := strconv.ParseUint(s[:octal], 8, 32)
		if n > 0o377 {
			return t.fail(at, `octal escape value \%s outside of range 0-0o377`, s[:octal])
		}
		t.i = at + 1 + octal
		t.literal(rune(n))
		return nil
	}
	width := 1
	if len(s) > 1 && s[1] >= '0' && s[1] <= '9' {
		width = 2
	}
	n, _ := strconv.Atoi(s[:width])
	if n > t.groups {
		return t.fail(at+1, "invalid group reference %d", n)
	}
	t.ref(n)
	t.i = at + 1 + width
	return nil
}

func (t *translator) class() error {
	start := t.i
	t.out.WriteByte('[')
	t.i++
	if t.i < len(t.in) && t.in[t.i] == '^' {
		t.out.WriteByte('^')
		t.i++
	}
	for first := true; ; first = false {
		if t.i >= len(t.in) {
			return t.fail(start, "unterminated character set")
		}
		c := t.in[t.i]
		switch {
		case c == ']' && !first:
			t.out.WriteByte(']')
			t.i++
			return nil
		case c == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		case c == '-':
			t.dash(first)
		default:
			r, n := utf8.DecodeRuneInString(t.in[t.i:])
			t.literal(r)
			t.i += n
		}
	}
}

// dash writes a range, or a literal dash at the edges of a class and next to
// things that cannot begin or end a range.
func (t *translator) dash(first bool) {
	next := byte(']')
	if t.i+1 < len(t.in) {
		next = t.in[t.i+1]
	}
	text := t.out.String()
	// Behind \w and the like a dash is literal in Python.
	afterSet := len(text) > 1 && text[len(text)-2] == '\\' && strings.IndexByte("wWdDsS", text[len(text)-1]) >= 0
	if first || next == ']' || afterSet || strings.HasSuffix(text, "[^") {
		t.out.WriteString(`\x2d`)
	} else {
		t.out.WriteByte('-')
	}
	t.i++
}
