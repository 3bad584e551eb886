package value

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrLiteral says that a text is not a Python literal.
var ErrLiteral = errors.New("not a literal")

// maxLiteralDepth is where Python's parser gives up on nested brackets.
const maxLiteralDepth = 190

// ParseLiteral reads a Python literal as ast.literal_eval does: numbers, text,
// tuples, lists, dicts, True, False, None. As Ansible does, it also takes
// JSON's true, false and null. A set becomes a list.
func ParseLiteral(s string) (any, error) {
	p := literalParser{s: s}
	p.space()
	v, err := p.tupleOr(0)
	if err != nil {
		return nil, err
	}
	p.nest = 0
	p.space()
	for p.i < len(p.s) && (p.s[p.i] == '\n' || p.s[p.i] == '\r') {
		p.i++
		p.space()
	}
	if p.i < len(p.s) {
		return nil, ErrLiteral
	}
	return v, nil
}

type literalParser struct {
	s    string
	i    int
	nest int // open brackets: inside them line ends are white space
}

func (p *literalParser) space() {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == ' ' || c == '\t' || c == '\f':
			p.i++
		case p.nest > 0 && (c == '\n' || c == '\r'):
			p.i++
		case c == '\\' && p.i+1 < len(p.s) && p.s[p.i+1] == '\n':
			p.i += 2
		case c == '#':
			for p.i < len(p.s) && p.s[p.i] != '\n' {
				p.i++
			}
		default:
			return
		}
	}
}

func (p *literalParser) peek() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

// accept steps over c and the space behind it.
func (p *literalParser) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.i++
	p.space()
	return true
}

// tupleOr reads a value or, without brackets, the tuple it begins.
func (p *literalParser) tupleOr(depth int) (any, error) {
	v, err := p.value(depth)
	if err != nil || p.peek() != ',' {
		return v, err
	}
	t := Tuple{v}
	for p.accept(',') {
		if p.i >= len(p.s) || p.peek() == ')' {
			break
		}
		if v, err = p.value(depth); err != nil {
			return nil, err
		}
		t = append(t, v)
	}
	return t, nil
}

func (p *literalParser) value(depth int) (any, error) {
	if depth > maxLiteralDepth {
		return nil, ErrLiteral
	}
	c := p.peek()
	switch {
	case c == '[':
		return p.list(depth)
	case c == '{':
		return p.dict(depth)
	case c == '(':
		return p.parens(depth)
	case c == '\'' || c == '"':
		return p.strings()
	case c == '+' || c == '-':
		return p.signed(depth)
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return p.word()
	}
	return nil, ErrLiteral
}

func (p *literalParser) signed(depth int) (any, error) {
	neg := p.peek() == '-'
	p.i++
	p.space()
	v, err := p.value(depth + 1)
	if err != nil {
		return nil, err
	}
	switch n := v.(type) {
	case int:
		if !neg {
			return n, nil
		}
		return Int(new(big.Int).Neg(big.NewInt(int64(n)))), nil
	case float64:
		if neg {
			n = -n
		}
		return n, nil
	case *big.Int:
		if neg {
			return Int(new(big.Int).Neg(n)), nil
		}
		return n, nil
	}
	return nil, ErrLiteral
}

func (p *literalParser) open() { p.i++; p.nest++; p.space() }

func (p *literalParser) end(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.i++
	p.nest--
	p.space()
	return true
}

func (p *literalParser) list(depth int) (any, error) {
	out := &List{}
	p.open()
	for !p.end(']') {
		if len(out.Items) > 0 {
			if !p.accept(',') {
				return nil, ErrLiteral
			}
			if p.end(']') {
				break
			}
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

func (p *literalParser) parens(depth int) (any, error) {
	p.open()
	if p.end(')') {
		return Tuple{}, nil
	}
	v, err := p.tupleOr(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.end(')') {
		return nil, ErrLiteral
	}
	return v, nil
}

func (p *literalParser) dict(depth int) (any, error) {
	p.open()
	if p.end('}') {
		return &Dict{}, nil
	}
	k, err := p.value(depth + 1)
	if err != nil || !Hashable(k) {
		return nil, ErrLiteral
	}
	if p.peek() != ':' {
		return p.set(k, depth)
	}
	out := &Dict{}
	for {
		if !p.accept(':') {
			return nil, ErrLiteral
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
		comma := p.accept(',')
		if p.end('}') {
			return out, nil
		}
		if !comma {
			return nil, ErrLiteral
		}
		if k, err = p.value(depth + 1); err != nil || !Hashable(k) {
			return nil, ErrLiteral
		}
	}
}

func (p *literalParser) set(first any, depth int) (any, error) {
	seen := NewDict(first, nil)
	for {
		comma := p.accept(',')
		if p.end('}') {
			return &List{Items: append([]any(nil), seen.Keys()...)}, nil
		}
		if !comma {
			return nil, ErrLiteral
		}
		k, err := p.value(depth + 1)
		if err != nil || !Hashable(k) {
			return nil, ErrLiteral
		}
		seen.Set(k, nil)
	}
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *literalParser) word() (any, error) {
	start := p.i
	for p.i < len(p.s) && isWordByte(p.s[p.i]) {
		p.i++
	}
	word := p.s[start:p.i]
	if c := p.peek(); c == '\'' || c == '"' {
		switch strings.ToLower(word) {
		case "r", "u", "b", "br", "rb":
			p.i = start
			return p.strings()
		}
		return nil, ErrLiteral
	}
	p.space()
	switch word {
	case "True", "true":
		return true, nil
	case "False", "false":
		return false, nil
	case "None", "null":
		return nil, nil
	}
	return nil, ErrLiteral
}

func (p *literalParser) number() (any, error) {
	start := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		exponent := p.i > start && (c == '+' || c == '-') && (p.s[p.i-1] == 'e' || p.s[p.i-1] == 'E') &&
			!strings.HasPrefix(strings.ToLower(p.s[start:]), "0x")
		if !isWordByte(c) && c != '.' && !exponent {
			break
		}
		p.i++
	}
	text := p.s[start:p.i]
	p.space()
	if c := text[len(text)-1]; c == '_' {
		return nil, ErrLiteral
	}
	if n, ok := ParseInt(text, 0); ok {
		return n, nil
	}
	lower := strings.ToLower(text)
	if strings.Trim(lower, "0123456789_.e+-") != "" || !strings.ContainsAny(lower, ".e") {
		return nil, ErrLiteral
	}
	f, ok := ParseFloat(text)
	if !ok {
		return nil, ErrLiteral
	}
	return f, nil
}

// strings reads one string literal or several side by side.
func (p *literalParser) strings() (any, error) {
	var b strings.Builder
	for {
		start := p.i
		for p.i < len(p.s) && isWordByte(p.s[p.i]) {
			p.i++
		}
		prefix := strings.ToLower(p.s[start:p.i])
		if c := p.peek(); c != '\'' && c != '"' {
			if b.Len() == 0 && start == p.i {
				return nil, ErrLiteral
			}
			p.i = start
			return b.String(), nil
		}
		if strings.Trim(prefix, "rub") != "" {
			return nil, ErrLiteral
		}
		if err := p.quoted(&b, strings.Contains(prefix, "r")); err != nil {
			return nil, err
		}
		p.space()
		if c := p.peek(); c != '\'' && c != '"' && !strings.ContainsRune("rRuUbB", rune(c)) {
			return b.String(), nil
		}
	}
}

func (p *literalParser) quoted(b *strings.Builder, raw bool) error {
	quote := p.s[p.i : p.i+1]
	if strings.HasPrefix(p.s[p.i:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	p.i += len(quote)
	start := p.i
	for {
		if p.i >= len(p.s) {
			return ErrLiteral
		}
		if strings.HasPrefix(p.s[p.i:], quote) {
			body := p.s[start:p.i]
			p.i += len(quote)
			if raw {
				b.WriteString(body)
				return nil
			}
			out, ok := Unescape(body)
			if !ok {
				return ErrLiteral
			}
			b.WriteString(out)
			return nil
		}
		switch p.s[p.i] {
		case '\\':
			p.i++
		case '\n':
			if len(quote) == 1 {
				return ErrLiteral
			}
		}
		p.i++
	}
}

// Unescape resolves the backslash escapes of a Python string literal. Unknown
// ones stay as they are; ok is false for a broken \x, \u or \U.
func Unescape(s string) (out string, ok bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		n, ok := unescapeOne(&b, s[i:])
		if !ok {
			return "", false
		}
		i += n
	}
	return b.String(), true
}

// unescapeOne handles the escape at the start of s and returns its length.
func unescapeOne(b *strings.Builder, s string) (int, bool) {
	switch c := s[1]; c {
	case '\n':
		return 2, true
	case '\\', '\'', '"':
		b.WriteByte(c)
		return 2, true
	case 'a', 'b', 'f', 'n', 'r', 't', 'v':
		b.WriteByte("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		return 2, true
	case 'x':
		return unescapeHex(b, s, 2)
	case 'u':
		return unescapeHex(b, s, 4)
	case 'U':
		return unescapeHex(b, s, 8)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		n := 1
		for n < 4 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		code, _ := strconv.ParseUint(s[1:n], 8, 16)
		b.WriteRune(rune(code))
		return n, true
	default:
		b.WriteByte('\\')
		_, size := utf8.DecodeRuneInString(s[1:])
		b.WriteString(s[1 : 1+size])
		return 1 + size, true
	}
}

func unescapeHex(b *strings.Builder, s string, digits int) (int, bool) {
	if len(s) < 2+digits {
		return 0, false
	}
	code, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	if err != nil || code > utf8.MaxRune {
		return 0, false
	}
	r := rune(code)
	n := 2 + digits
	// Two \u of a pair make one character here; Python would keep both halves.
	if digits == 4 && r >= 0xd800 && r < 0xdc00 && strings.HasPrefix(s[n:], `\u`) && len(s) >= n+6 {
		if low, err := strconv.ParseUint(s[n+2:n+6], 16, 32); err == nil && low >= 0xdc00 && low < 0xe000 {
			r = (r-0xd800)<<10 + rune(low) - 0xdc00 + 0x10000
			n += 6
		}
	}
	writeEscaped(b, r)
	return n, true
}

// writeEscaped writes a character. Python holds a byte that is no text as one
// of the halves U+DC80 to U+DCFF; here it is that byte again.
func writeEscaped(b *strings.Builder, r rune) {
	if r >= 0xdc80 && r <= 0xdcff {
		b.WriteByte(byte(r))
		return
	}
	b.WriteRune(r)
}
