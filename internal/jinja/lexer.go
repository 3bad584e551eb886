package jinja

import (
	"fmt"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"sunup/internal/value"
)

type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokData
	tokBlockBegin
	tokBlockEnd
	tokVarBegin
	tokVarEnd
	tokName
	tokString
	tokNumber
	tokOp
)

type token struct {
	kind tokenKind
	text string // name, operator, data or decoded string
	raw  string // a string as written between its quotes, when that differs
	num  any    // int, *big.Int or float64
	pos  int
}

func (t token) describe() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokData:
		return "template data / text"
	case tokBlockBegin:
		return "begin of statement block"
	case tokBlockEnd:
		return "end of statement block"
	case tokVarBegin:
		return "begin of print statement"
	case tokVarEnd:
		return "end of print statement"
	case tokString:
		return "string"
	case tokNumber:
		if _, ok := t.num.(float64); ok {
			return "float"
		}
		return "integer"
	}
	return t.text
}

// syntax is how templates are marked up: the delimiters and what happens to
// white space around them.
type syntax struct {
	blockStart, blockEnd     string
	varStart, varEnd         string
	commentStart, commentEnd string
	linePrefix, lineComment  string
	newline                  string
	trimBlocks, lstripBlocks bool
	keepTrailingNewline      bool
}

type lexer struct {
	syntax
	src          string
	pos          int
	lineStarting bool
	tokens       []token
	next         [3]int // where each delimiter opens next; a place behind pos is stale
}

// tokenize splits a template into tokens. exprOnly reads src as the inside of
// a tag.
func tokenize(src string, s syntax, exprOnly bool) ([]token, *Error) {
	l := &lexer{syntax: s, src: src, lineStarting: true, next: [3]int{-1, -1, -1}}
	l.tokens = make([]token, 0, 8+len(src)/6)
	var err *Error
	if exprOnly {
		err = l.inside("", tokEOF)
	} else {
		err = l.root()
	}
	if err != nil {
		return nil, err
	}
	l.add(token{kind: tokEOF, pos: len(src)})
	return l.tokens, nil
}

func (l *lexer) fail(pos int, format string, args ...any) *Error {
	e := problem(KindSyntax, format, args...)
	e.Line, e.Col = position(l.src, pos)
	return e
}

func (l *lexer) add(t token) { l.tokens = append(l.tokens, t) }

func (l *lexer) data(text string, pos int) {
	if text == "" {
		return
	}
	if l.newline != "" && l.newline != "\n" {
		text = strings.ReplaceAll(text, "\n", l.newline)
	}
	l.add(token{kind: tokData, text: text, pos: pos})
}

// opening finds the next tag; kind is 'b', 'v', 'c', 'l' or 'h' (line
// statement, line comment), or 0 when only text is left. Where several
// delimiters fit, the longest wins.
func (l *lexer) opening() (at int, kind byte, width int) {
	at = -1
	consider := func(which int, mark string, k byte) {
		if l.next[which] < l.pos {
			l.next[which] = len(l.src)
			if i := strings.Index(l.src[l.pos:], mark); i >= 0 && mark != "" {
				l.next[which] = l.pos + i
			}
		}
		i := l.next[which] - l.pos
		if i+l.pos < len(l.src) && (at < 0 || i < at || i == at && len(mark) > width) {
			at, kind, width = i, k, len(mark)
		}
	}
	consider(0, l.varStart, 'v')
	consider(1, l.blockStart, 'b')
	consider(2, l.commentStart, 'c')
	if l.linePrefix != "" || l.lineComment != "" {
		if i, k, w := l.lineOpening(); i >= 0 && (at < 0 || i <= at) {
			return l.pos + i, k, w
		}
	}
	if at < 0 {
		return len(l.src), 0, 0
	}
	return l.pos + at, kind, width
}

// lineOpening finds the next line that starts with the prefix of a line
// statement, or the next line comment.
func (l *lexer) lineOpening() (at int, kind byte, width int) {
	rest := l.src[l.pos:]
	for i := 0; i < len(rest); {
		end := strings.IndexByte(rest[i:], '\n')
		if end < 0 {
			end = len(rest)
		} else {
			end += i
		}
		line := rest[i:end]
		body := strings.TrimLeft(line, " \t\v")
		if i > 0 || l.pos == 0 || l.lineStarting {
			if l.lineComment != "" && strings.HasPrefix(body, l.lineComment) {
				return i, 'h', len(line) - len(body) + len(l.lineComment)
			}
			if l.linePrefix != "" && strings.HasPrefix(body, l.linePrefix) {
				return i, 'l', len(line) - len(body) + len(l.linePrefix)
			}
		}
		if l.lineComment != "" {
			if c := strings.Index(line, l.lineComment); c >= 0 {
				return i + c, 'h', len(l.lineComment)
			}
		}
		i = end + 1
	}
	return -1, 0, 0
}

func (l *lexer) sign(at int) byte {
	if at < len(l.src) && (l.src[at] == '-' || l.src[at] == '+') {
		return l.src[at]
	}
	return 0
}

// before emits the text in front of a tag, stripped as the tag asks.
func (l *lexer) before(text string, pos int, sign byte, isVar bool) {
	switch {
	case sign == '-':
		text = strings.TrimRightFunc(text, value.IsSpace)
	case sign != '+' && l.lstripBlocks && !isVar:
		start := strings.LastIndexByte(text, '\n') + 1
		if (start > 0 || l.lineStarting) && strings.TrimFunc(text[start:], value.IsSpace) == "" {
			text = text[:start]
		}
	}
	l.data(text, pos)
}

func (l *lexer) root() *Error {
	for l.pos < len(l.src) {
		at, kind, width := l.opening()
		text := l.src[l.pos:at]
		if kind == 0 {
			l.data(text, l.pos)
			l.pos = at
			return nil
		}
		start := l.pos
		sign := byte(0)
		if kind != 'l' && kind != 'h' {
			sign = l.sign(at + width)
		}
		l.before(text, start, sign, kind == 'v' || kind == 'l' || kind == 'h')
		l.pos = at + width
		if sign != 0 {
			l.pos++
		}
		if err := l.tag(kind, at); err != nil {
			return err
		}
	}
	return nil
}

func (l *lexer) tag(kind byte, at int) *Error {
	switch kind {
	case 'c':
		return l.comment(at)
	case 'h':
		end := strings.IndexByte(l.src[l.pos:], '\n')
		if end < 0 {
			end = len(l.src) - l.pos
		}
		l.pos += end
		return nil
	case 'v':
		l.add(token{kind: tokVarBegin, pos: at})
		return l.inside(l.varEnd, tokVarEnd)
	case 'l':
		l.add(token{kind: tokBlockBegin, pos: at})
		return l.inside("\n", tokBlockEnd)
	}
	if end, ok := l.rawBegin(); ok {
		l.pos = end
		return l.raw(at)
	}
	l.add(token{kind: tokBlockBegin, pos: at})
	return l.inside(l.blockEnd, tokBlockEnd)
}

func (l *lexer) skipSpace(at int) int {
	for at < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[at:])
		if !value.IsSpace(r) {
			break
		}
		at += n
	}
	return at
}

// closing recognises the end of a tag at the given place, with its white space
// control, and returns where the text goes on.
func (l *lexer) closing(at int, mark string, trims, plus bool) (next int, ok bool) {
	rest := l.src[at:]
	switch {
	case strings.HasPrefix(rest, "-"+mark):
		return l.skipSpace(at + 1 + len(mark)), true
	case plus && strings.HasPrefix(rest, "+"+mark):
		return at + 1 + len(mark), true
	case strings.HasPrefix(rest, mark):
		next = at + len(mark)
		if trims && l.trimBlocks && next < len(l.src) && l.src[next] == '\n' {
			next++
		}
		return next, true
	}
	return 0, false
}

func (l *lexer) moveTo(next int) {
	l.pos = next
	l.lineStarting = next > 0 && l.src[next-1] == '\n'
}

func (l *lexer) comment(begin int) *Error {
	for at := l.pos; at < len(l.src); at++ {
		if next, ok := l.closing(at, l.commentEnd, true, true); ok {
			l.moveTo(next)
			return nil
		}
	}
	return l.fail(begin, "Missing end of comment tag")
}

// rawBegin looks behind an opening block delimiter for the word raw.
func (l *lexer) rawBegin() (end int, ok bool) {
	at := l.skipSpace(l.pos)
	if !strings.HasPrefix(l.src[at:], "raw") {
		return 0, false
	}
	return l.closing(l.skipSpace(at+3), l.blockEnd, false, false)
}

func (l *lexer) raw(begin int) *Error {
	start := l.pos
	for at := l.pos; at < len(l.src); at++ {
		if !strings.HasPrefix(l.src[at:], l.blockStart) {
			continue
		}
		inner := at + len(l.blockStart)
		sign := l.sign(inner)
		if sign != 0 {
			inner++
		}
		inner = l.skipSpace(inner)
		if !strings.HasPrefix(l.src[inner:], "endraw") {
			continue
		}
		if next, ok := l.closing(l.skipSpace(inner+6), l.blockEnd, true, true); ok {
			l.lineStarting = false
			l.before(l.src[start:at], start, sign, false)
			l.moveTo(next)
			return nil
		}
	}
	return l.fail(begin, "Missing end of raw directive")
}

// operators, longest first within each first character.
var operators = []string{
	"//", "**", "==", "!=", "<=", ">=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
	">", "<", "=", ".", ":", "|", ",", ";",
}

// inside reads the tokens of one tag up to its end mark. Marks inside brackets
// do not count.
func (l *lexer) inside(mark string, end tokenKind) *Error {
	var open []byte
	line := mark == "\n"
	for {
		if line && len(open) == 0 {
			for l.pos < len(l.src) && (l.src[l.pos] == ' ' || l.src[l.pos] == '\t') {
				l.pos++
			}
			if l.pos >= len(l.src) || l.src[l.pos] == '\n' {
				l.add(token{kind: end, pos: l.pos})
				l.moveTo(min(l.pos+1, len(l.src)))
				return nil
			}
		} else {
			l.pos = l.skipSpace(l.pos)
		}
		if l.pos >= len(l.src) {
			// An unfinished tag is reported by the parser, which knows what it wanted.
			return nil
		}
		if !line && mark != "" && len(open) == 0 {
			if next, ok := l.closing(l.pos, mark, end == tokBlockEnd, end == tokBlockEnd); ok {
				l.add(token{kind: end, pos: l.pos})
				l.moveTo(next)
				return nil
			}
		}
		if err := l.one(&open); err != nil {
			return err
		}
	}
}

func (l *lexer) one(open *[]byte) *Error {
	c := l.src[l.pos]
	switch {
	case c >= '0' && c <= '9':
		return l.number()
	case c == '"' || c == '\'':
		return l.string(c)
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf:
		return l.name()
	}
	for _, op := range operators {
		if strings.HasPrefix(l.src[l.pos:], op) {
			if err := l.balance(op, open); err != nil {
				return err
			}
			l.add(token{kind: tokOp, text: op, pos: l.pos})
			l.pos += len(op)
			return nil
		}
	}
	return l.fail(l.pos, "unexpected char %s at %d", value.Repr(string(c)), l.pos)
}

func (l *lexer) balance(op string, open *[]byte) *Error {
	switch op {
	case "(":
		*open = append(*open, ')')
	case "[":
		*open = append(*open, ']')
	case "{":
		*open = append(*open, '}')
	case ")", "]", "}":
		n := len(*open)
		if n == 0 {
			return l.fail(l.pos, "unexpected '%s'", op)
		}
		if want := (*open)[n-1]; want != op[0] {
			return l.fail(l.pos, "unexpected '%s', expected '%c'", op, want)
		}
		*open = (*open)[:n-1]
	}
	return nil
}

func (l *lexer) name() *Error {
	start := l.pos
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			break
		}
		l.pos += n
	}
	if l.pos == start {
		r, _ := utf8.DecodeRuneInString(l.src[start:])
		return l.fail(start, "unexpected char %s at %d", value.Repr(string(r)), start)
	}
	l.add(token{kind: tokName, text: l.src[start:l.pos], pos: start})
	return nil
}

func (l *lexer) string(quote byte) *Error {
	start := l.pos
	escaped := false
	for i := start + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			escaped = true
			i++
		case quote:
			l.pos = i + 1
			return l.addString(l.src[start+1:i], start, quote, escaped)
		}
	}
	return l.fail(start, "unexpected char %s at %d", value.Repr(string(quote)), start)
}

// addString keeps the text as written beside the decoded one, because a
// playbook takes backslashes as they are. An escaped quote can only mean the
// quote, though.
func (l *lexer) addString(body string, start int, quote byte, escaped bool) *Error {
	t := token{kind: tokString, text: body, pos: start}
	if escaped {
		text, ok := value.Unescape(body)
		if !ok {
			return l.fail(start, "broken escape in the string %s", value.Repr(body))
		}
		t.text = text
		if strings.IndexByte(body, quote) < 0 {
			t.raw = body
		}
	}
	l.add(t)
	return nil
}

// digits steps over digits of the base, with single underscores between them.
func (l *lexer) digits(at int, set string) int {
	for at < len(l.src) {
		if strings.IndexByte(set, l.src[at]) >= 0 {
			at++
		} else if l.src[at] == '_' && at+1 < len(l.src) && strings.IndexByte(set, l.src[at+1]) >= 0 {
			at += 2
		} else {
			break
		}
	}
	return at
}

const decimals = "0123456789"

func (l *lexer) number() *Error {
	start := l.pos
	end, base := l.prefixed(start)
	isFloat := false
	if base == 10 {
		end = l.digits(start, decimals)
	}
	// Behind a dot a number is a subscript: a.0.1 is not a and 0.1.
	if base == 10 && (start == 0 || l.src[start-1] != '.') {
		if end < len(l.src) && l.src[end] == '.' {
			if e := l.digits(end+1, decimals); e > end+1 && l.src[end+1] != '_' {
				end, isFloat = e, true
			}
		}
		if end < len(l.src) && (l.src[end] == 'e' || l.src[end] == 'E') {
			e := end + 1
			if e < len(l.src) && (l.src[e] == '+' || l.src[e] == '-') {
				e++
			}
			if e2 := l.digits(e, decimals); e2 > e && l.src[e] != '_' {
				end, isFloat = e2, true
			}
		}
	}
	text := l.src[start:end]
	var num any
	ok := false
	if isFloat {
		num, ok = floatToken(text)
	} else {
		if base == 10 && text[0] == '0' && strings.Trim(text, "0_") != "" {
			// 08 is the number 0 and then the number 8, which no grammar takes.
			text = text[:1]
			end = start + 1
		}
		num, ok = value.ParseInt(text, 0)
	}
	if !ok {
		return l.fail(start, "the number %s cannot be read", fmt.Sprintf("%.40s", text))
	}
	if n, big := num.(*big.Int); big && n.BitLen() > 1<<16 {
		return l.fail(start, "the number is too large")
	}
	l.add(token{kind: tokNumber, num: num, pos: start})
	l.pos = end
	return nil
}

func floatToken(text string) (any, bool) { f, ok := value.ParseFloat(text); return f, ok }

func (l *lexer) prefixed(start int) (end, base int) {
	if l.src[start] != '0' || start+2 >= len(l.src) {
		return 0, 10
	}
	set := ""
	switch l.src[start+1] {
	case 'x', 'X':
		set, base = "0123456789abcdefABCDEF", 16
	case 'o', 'O':
		set, base = "01234567", 8
	case 'b', 'B':
		set, base = "01", 2
	default:
		return 0, 10
	}
	end = l.digits(start+2, set)
	if end == start+2 {
		return 0, 10
	}
	return end, base
}
