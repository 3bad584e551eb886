package modules

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// regexLimit ends a pattern that backtracks without end.
const regexLimit = 10 * time.Second

// regex is a regular expression as Python writes them.
type regex struct {
	re *regexp2.Regexp
}

// regexStack bounds the memory of a pattern that backtracks, in the engine's
// units.
const regexStack = 4 << 20

// compileRegex reads a pattern; flags are letters of Python's inline flags. The
// engine's parser is not trusted with every input.
func compileRegex(pattern, flags string) (re *regex, err error) {
	defer func() {
		if r := recover(); r != nil {
			re, err = nil, fmt.Errorf("cannot read the regular expression %q", pattern)
		}
	}()
	var options regexp2.RegexOptions
	for _, f := range flags {
		switch f {
		case 'm':
			options |= regexp2.Multiline
		case 's':
			options |= regexp2.Singleline
		case 'i':
			options |= regexp2.IgnoreCase
		}
	}
	engine, err := regexp2.Compile(pythonPattern(pattern), options, regexp2.OptionMaintainCaptureOrder(), regexp2.OptionMaxBacktrackingStackSize(regexStack))
	if err != nil {
		return nil, fmt.Errorf("cannot read the regular expression %q: %w", pattern, err)
	}
	engine.MatchTimeout = regexLimit
	return &regex{engine}, nil
}

// pythonPattern translates what Python writes in another way: named groups,
// references to them, and the end of the text.
func pythonPattern(p string) string {
	var out strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			if p[i+1] == 'Z' {
				out.WriteString(`\z`)
			} else {
				out.WriteString(p[i : i+2])
			}
			i++
		case strings.HasPrefix(p[i:], "(?P<"):
			out.WriteString("(?<")
			i += 3
		case strings.HasPrefix(p[i:], "(?P="):
			name, _, ok := strings.Cut(p[i+4:], ")")
			if !ok {
				out.WriteByte(p[i])
				continue
			}
			out.WriteString(`\k<` + name + ">")
			i += 4 + len(name)
		default:
			out.WriteByte(p[i])
		}
	}
	return out.String()
}

// search finds the first match.
func (r *regex) search(s string) (*regexp2.Match, error) {
	m, err := r.re.FindStringMatch(s)
	if err != nil {
		return nil, fmt.Errorf("the regular expression took too long: %w", err)
	}
	return m, nil
}

// substitute replaces every match by a template and counts them.
func (r *regex) substitute(s, template string) (string, int, error) {
	t, err := readTemplate(template)
	if err != nil {
		return "", 0, err
	}
	var out strings.Builder
	n, from := 0, 0
	m, err := r.search(s)
	for ; m != nil && err == nil; m, err = r.re.FindNextMatch(m) {
		at, length := m.ByteRange()
		// regexp2 and Python agree on where empty matches are.
		out.WriteString(s[from:at])
		text, err := t.expand(m)
		if err != nil {
			return "", 0, err
		}
		out.WriteString(text)
		from = at + length
		n++
		if out.Len() > 2*maxContent {
			return "", 0, fmt.Errorf("the replaced text is too large")
		}
	}
	if err != nil {
		return "", 0, fmt.Errorf("the regular expression took too long: %w", err)
	}
	out.WriteString(s[from:])
	return out.String(), n, nil
}

// replacement is a template of Python's re.sub: text and group references in
// turn.
type replacement []replacementPart

type replacementPart struct {
	text  string
	group string // number or name, when text is empty
}

func (t replacement) expand(m *regexp2.Match) (string, error) {
	var out strings.Builder
	for _, p := range t {
		if p.group == "" {
			out.WriteString(p.text)
			continue
		}
		var g *regexp2.Group
		if n, err := strconv.Atoi(p.group); err == nil {
			g = m.GroupByNumber(n)
			if n >= m.GroupCount() {
				return "", fmt.Errorf("invalid group reference %d", n)
			}
		} else {
			g = m.GroupByName(p.group)
			if g == nil || g.Name != p.group {
				return "", fmt.Errorf("unknown group name '%s'", p.group)
			}
		}
		if g != nil {
			out.WriteString(g.String())
		}
	}
	return out.String(), nil
}

// expandTemplate fills a template from one match.
func expandTemplate(template string, m *regexp2.Match) (string, error) {
	t, err := readTemplate(template)
	if err != nil {
		return "", err
	}
	return t.expand(m)
}

var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\\': "\\"}

func readTemplate(s string) (replacement, error) {
	var t replacement
	var text strings.Builder
	group := func(name string) {
		if text.Len() > 0 {
			t = append(t, replacementPart{text: text.String()})
			text.Reset()
		}
		t = append(t, replacementPart{group: name})
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			if s[i] == '\\' {
				return nil, fmt.Errorf("bad escape (end of pattern) at position %d", i)
			}
			text.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; {
		case c == 'g':
			name, n, err := groupName(s[i+1:])
			if err != nil {
				return nil, err
			}
			group(name)
			i += n
		case c >= '0' && c <= '9':
			n := octalOrGroup(s[i:], &text, group)
			i += n - 1
		case escapes[c] != "":
			text.WriteString(escapes[c])
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			return nil, fmt.Errorf("bad escape \\%c at position %d", c, i-1)
		default:
			text.WriteByte('\\')
			text.WriteByte(c)
		}
	}
	if text.Len() > 0 {
		t = append(t, replacementPart{text: text.String()})
	}
	return t, nil
}

// groupName reads <name> and returns the bytes used.
func groupName(s string) (string, int, error) {
	if !strings.HasPrefix(s, "<") {
		return "", 0, fmt.Errorf("missing <")
	}
	name, _, ok := strings.Cut(s[1:], ">")
	switch {
	case !ok:
		return "", 0, fmt.Errorf("missing >, unterminated name")
	case name == "":
		return "", 0, fmt.Errorf("missing group name")
	}
	return name, len(name) + 2, nil
}

// octalOrGroup reads digits: a group, or a character in octal when they begin
// with 0 or are three octal ones.
func octalOrGroup(s string, text *strings.Builder, group func(string)) int {
	n := 0
	for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	if s[0] == '0' || n == 3 {
		v, _ := strconv.ParseUint(s[:n], 8, 16)
		text.WriteRune(rune(v & 0xff))
		return n
	}
	n = 1
	if len(s) > 1 && s[1] >= '0' && s[1] <= '9' {
		n = 2
	}
	group(s[:n])
	return n
}

// charset is how bytes are seen by a regular expression: as UTF-8 when all of
// them are, else one character for each byte, so that nothing is lost.
type charset struct{ bytewise bool }

func charsetOf(texts ...[]byte) charset {
	for _, b := range texts {
		if !utf8.Valid(b) {
			return charset{bytewise: true}
		}
	}
	return charset{}
}

func (c charset) decode(b []byte) string {
	if !c.bytewise {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, x := range b {
		runes[i] = rune(x)
	}
	return string(runes)
}

func (c charset) encode(s string) []byte {
	if !c.bytewise {
		return []byte(s)
	}
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = append(out, byte(r))
	}
	return out
}

// wholeText reports whether the pattern asks by (?m) to see all lines at once.
func (r *regex) wholeText() bool {
	p := r.re.String()
	if !strings.HasPrefix(p, "(?") {
		return false
	}
	flags, _, ok := strings.Cut(p[2:], ")")
	return ok && strings.Trim(flags, "aiLmsux") == "" && strings.Contains(flags, "m")
}
