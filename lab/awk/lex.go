package awk

import (
	"fmt"
	"strconv"
	"strings"
)

type kind int

const (
	eof kind = iota
	newline
	number
	text
	regex
	ident
	funcName // an identifier with ( right behind it
	builtin
	keyword
	symbol
)

type token struct {
	kind kind
	text string
	num  float64
	line int
}

var keywords = map[string]bool{"BEGIN": true, "END": true, "function": true, "func": true, "if": true, "else": true, "while": true, "for": true, "do": true, "break": true,
	"continue": true, "next": true, "nextfile": true, "exit": true, "return": true, "delete": true, "in": true, "getline": true, "print": true, "printf": true}

var builtins = map[string]bool{"length": true, "substr": true, "index": true, "split": true, "sub": true, "gsub": true, "match": true, "sprintf": true, "sin": true, "cos": true,
	"atan2": true, "exp": true, "log": true, "sqrt": true, "int": true, "rand": true, "srand": true, "tolower": true, "toupper": true, "system": true, "close": true, "fflush": true,
	"strftime": true, "systime": true}

type lexer struct {
	src  string
	pos  int
	line int
	last token
}

func isName(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// regexAllowed says whether a slash here begins a regular expression.
func (l *lexer) regexAllowed() bool {
	switch l.last.kind {
	case number, text, regex, ident, builtin:
		return false
	case symbol:
		return l.last.text != ")" && l.last.text != "]" && l.last.text != "$" && l.last.text != "++" && l.last.text != "--"
	}
	return true
}

func (l *lexer) next() (token, error) {
	t, err := l.scan()
	l.last = t
	return t, err
}

func (l *lexer) scan() (token, error) {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == ' ' || c == '\t' || c == '\r':
			l.pos++
			continue
		case c == '\\' && l.pos+1 < len(l.src) && l.src[l.pos+1] == '\n':
			l.pos += 2
			l.line++
			continue
		case c == '#':
			for l.pos < len(l.src) && l.src[l.pos] != '\n' {
				l.pos++
			}
			continue
		}
		break
	}
	t := token{line: l.line}
	if l.pos >= len(l.src) {
		return t, nil
	}
	c := l.src[l.pos]
	switch {
	case c == '\n':
		l.pos++
		l.line++
		t.kind = newline
		return t, nil
	case isName(c):
		return l.word(t), nil
	case isDigit(c) || c == '.' && l.pos+1 < len(l.src) && isDigit(l.src[l.pos+1]):
		return l.number(t), nil
	case c == '"':
		return l.string(t)
	case c == '/' && l.regexAllowed():
		return l.regex(t)
	}
	t.kind = symbol
	for _, s := range []string{"**=", "&&", "||", "==", "!=", "<=", ">=", ">>", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**"} {
		if strings.HasPrefix(l.src[l.pos:], s) {
			l.pos += len(s)
			t.text = strings.Replace(s, "**", "^", 1)
			return t, nil
		}
	}
	l.pos++
	t.text = string(c)
	if strings.IndexByte("{}()[];,<>+-*/%^!~?:=$|", c) < 0 {
		return t, fmt.Errorf("syntax error at or near %c", c)
	}
	return t, nil
}

func (l *lexer) word(t token) token {
	start := l.pos
	for l.pos < len(l.src) && (isName(l.src[l.pos]) || isDigit(l.src[l.pos])) {
		l.pos++
	}
	t.text = l.src[start:l.pos]
	switch {
	case keywords[t.text]:
		t.kind = keyword
		if t.text == "func" {
			t.text = "function"
		}
	case builtins[t.text]:
		t.kind = builtin
	case l.pos < len(l.src) && l.src[l.pos] == '(':
		t.kind = funcName
	default:
		t.kind = ident
	}
	return t
}

func (l *lexer) number(t token) token {
	start := l.pos
	for l.pos < len(l.src) && (isDigit(l.src[l.pos]) || l.src[l.pos] == '.') {
		l.pos++
	}
	if l.pos+1 < len(l.src) && (l.src[l.pos] == 'e' || l.src[l.pos] == 'E') {
		p := l.pos + 1
		if l.src[p] == '+' || l.src[p] == '-' {
			p++
		}
		if p < len(l.src) && isDigit(l.src[p]) {
			for p < len(l.src) && isDigit(l.src[p]) {
				p++
			}
			l.pos = p
		}
	}
	t.kind = number
	t.num, _ = strconv.ParseFloat(l.src[start:l.pos], 64)
	return t
}

func (l *lexer) string(t token) (token, error) {
	t.kind = text
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); l.pos++ {
		c := l.src[l.pos]
		if c == '"' {
			l.pos++
			t.text = b.String()
			return t, nil
		}
		if c == '\n' {
			break
		}
		if c != '\\' || l.pos+1 >= len(l.src) {
			b.WriteByte(c)
			continue
		}
		l.pos++
		switch c = l.src[l.pos]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'a':
			b.WriteByte(7)
		case 'b':
			b.WriteByte(8)
		case 'f':
			b.WriteByte(12)
		case 'v':
			b.WriteByte(11)
		case '"', '/', '\\':
			b.WriteByte(c)
		case '\n':
			l.line++
		case '0', '1', '2', '3', '4', '5', '6', '7':
			end := l.pos
			for end < len(l.src) && end < l.pos+3 && l.src[end] >= '0' && l.src[end] <= '7' {
				end++
			}
			n, _ := strconv.ParseUint(l.src[l.pos:end], 8, 16)
			b.WriteByte(byte(n))
			l.pos = end - 1
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return t, fmt.Errorf("unterminated string")
}

func (l *lexer) regex(t token) (token, error) {
	t.kind = regex
	start := l.pos + 1
	class := false
	for l.pos++; l.pos < len(l.src); l.pos++ {
		switch c := l.src[l.pos]; {
		case c == '\\':
			l.pos++
		case c == '\n':
			return t, fmt.Errorf("unterminated regexp")
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			t.text = strings.ReplaceAll(l.src[start:l.pos], `\/`, "/")
			l.pos++
			return t, nil
		}
	}
	return t, fmt.Errorf("unterminated regexp")
}
