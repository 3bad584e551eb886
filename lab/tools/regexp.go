package tools

import (
	"regexp"
	"strings"

	"github.com/dlclark/regexp2/v2"
)

// pattern is a compiled POSIX expression. Go's engine takes what it can; back
// references need the other one.
type pattern struct {
	re  *regexp.Regexp
	ref *regexp2.Regexp
}

// find gives the groups of the first match at or after start, as byte offsets;
// nil for none.
func (p *pattern) find(s string, start int) []int {
	if p.re != nil {
		if start == 0 {
			return p.re.FindStringSubmatchIndex(s)
		}
		// FindAll keeps what comes before, which anchors and \b look at.
		for _, m := range p.re.FindAllStringSubmatchIndex(s, -1) {
			if m[0] >= start {
				return m
			}
		}
		return nil
	}
	return p.findRef(s, start)
}

func (p *pattern) match(s string) bool {
	if p.re != nil {
		return p.re.MatchString(s)
	}
	return p.findRef(s, 0) != nil
}

func (p *pattern) findRef(s string, start int) []int {
	runes := []rune(s)
	at := make([]int, len(runes)+1) // byte offset of each rune
	off := 0
	for i, r := range runes {
		at[i] = off
		off += len(string(r))
	}
	at[len(runes)] = off
	first := 0
	for first < len(runes) && at[first] < start {
		first++
	}
	m, err := p.ref.FindRunesMatchStartingAt(runes, first)
	if err != nil || m == nil {
		return nil
	}
	var out []int
	for _, g := range m.Groups() {
		if len(g.Captures) == 0 {
			out = append(out, -1, -1)
			continue
		}
		out = append(out, at[g.RuneIndex], at[g.RuneIndex+g.RuneLength])
	}
	return out
}

// compileRegexp translates a basic or extended POSIX expression.
func compileRegexp(expr string, extended, fold bool) (*pattern, error) {
	text, refs := translate(expr, extended)
	if fold {
		text = "(?i)" + text
	}
	if !refs {
		re, err := regexp.Compile("(?s)" + text)
		if err == nil {
			re.Longest()
			return &pattern{re: re}, nil
		}
		return nil, err
	}
	re, err := regexp2.Compile(text, regexp2.Singleline)
	if err != nil {
		return nil, err
	}
	return &pattern{ref: re}, nil
}

// translate rewrites an expression for Go; refs says that it has back
// references.
func translate(e string, extended bool) (string, bool) {
	var b strings.Builder
	refs := false
	atom := false // something stands before that can be repeated
	for i := 0; i < len(e); i++ {
		c := e[i]
		switch {
		case c == '[':
			n := bracket(&b, e[i:])
			if n == 0 {
				b.WriteString(`\[`)
			} else {
				i += n - 1
			}
			atom = true
		case c == '\\' && i+1 < len(e):
			i++
			refs = escaped(&b, e[i], extended, &atom) || refs
		case !extended && strings.IndexByte("(){}|+?", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
			atom = true
		case c == '*' && !atom:
			b.WriteString(`\*`)
			atom = true
		case c == '*':
			// "a**" is "a*".
			if !strings.HasSuffix(b.String(), "*") || strings.HasSuffix(b.String(), `\*`) {
				b.WriteByte('*')
			}
		case c == '^' && !extended && i > 0 && !strings.HasSuffix(e[:i], `\(`) && !strings.HasSuffix(e[:i], `\|`):
			b.WriteString(`\^`)
			atom = true
		case c == '$' && !extended && i+1 < len(e) && !strings.HasPrefix(e[i+1:], `\)`) && !strings.HasPrefix(e[i+1:], `\|`):
			b.WriteString(`\$`)
			atom = true
		case c == '{' && extended && !isInterval(e[i:]):
			b.WriteString(`\{`)
			atom = true
		default:
			b.WriteByte(c)
			atom = c != '(' && c != '|' && c != '^'
		}
	}
	return b.String(), refs
}

func isInterval(s string) bool {
	end := strings.IndexByte(s, '}')
	return end > 1 && strings.Trim(s[1:end], "0123456789,") == ""
}

func escaped(b *strings.Builder, c byte, extended bool, atom *bool) (ref bool) {
	switch {
	case c >= '1' && c <= '9':
		b.WriteByte('\\')
		b.WriteByte(c)
		*atom = true
		return true
	case !extended && strings.IndexByte("(){}|+?", c) >= 0:
		b.WriteByte(c)
		*atom = c != '(' && c != '|'
	case c == '<' || c == '>':
		b.WriteString(`\b`)
	case c == '`':
		b.WriteString(`\A`)
	case c == '\'':
		b.WriteString(`\z`)
	case strings.IndexByte("wWsSbB", c) >= 0:
		b.WriteByte('\\')
		b.WriteByte(c)
		*atom = true
	case c == 'n':
		b.WriteByte('\n')
		*atom = true
	case c == 't':
		b.WriteByte('\t')
		*atom = true
	default:
		b.WriteString(regexp.QuoteMeta(string(rune(c))))
		if c >= 0x80 {
			// The byte belongs to a character: write it as it is.
			s := b.String()
			b.Reset()
			b.WriteString(s[:len(s)-len(string(rune(c)))])
			b.WriteByte(c)
		}
		*atom = true
	}
	return false
}

// bracket copies a bracket expression and returns its length, 0 for none.
func bracket(b *strings.Builder, e string) int {
	i := 1
	out := "["
	if i < len(e) && e[i] == '^' {
		out += "^"
		i++
	}
	for first := true; i < len(e); first = false {
		switch {
		case e[i] == ']' && !first:
			b.WriteString(out + "]")
			return i + 1
		case strings.HasPrefix(e[i:], "[:"):
			end := strings.Index(e[i:], ":]")
			if end < 0 {
				return 0
			}
			out += e[i : i+end+2]
			i += end + 2
			continue
		case e[i] == '\\' || e[i] == '[' || e[i] == ']' || e[i] == '&' || e[i] == '~':
			if e[i] == '\\' && i+1 < len(e) && (e[i+1] == 'n' || e[i+1] == 't') {
				out += e[i : i+2]
				i += 2
				continue
			}
			out += `\` + e[i:i+1]
		default:
			out += e[i : i+1]
		}
		i++
	}
	return 0
}
