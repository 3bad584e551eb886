package awk

import "fmt"

// node is a piece of a program; op says what it does with its parts.
type node struct {
	op   string
	name string
	num  float64
	kids []*node
}

// rule is a pattern with its action; a nil action prints the record.
type rule struct {
	pattern, until *node
	action         *node
	inside         bool
}

type function struct {
	name   string
	params []string
	body   *node
}

// Program is a parsed script.
type Program struct {
	begin, end []*node
	rules      []*rule
	funcs      map[string]*function
}

// maxDepth bounds nesting and recursion.
const maxDepth = 300

type parser struct {
	lex   lexer
	tok   token
	depth int
	noIn  bool
	noGt  bool
	prog  *Program
}

// Parse reads a script.
func Parse(src string) (prog *Program, err error) {
	p := &parser{lex: lexer{src: src, line: 1}, prog: &Program{funcs: map[string]*function{}}}
	defer func() {
		if r := recover(); r != nil {
			failure, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			prog, err = nil, failure
		}
	}()
	p.advance()
	p.program()
	return p.prog, nil
}

// syntaxError travels up as a panic within this package only.
type syntaxError struct{ error }

func (p *parser) fail(format string, args ...any) {
	panic(syntaxError{fmt.Errorf("line %d: "+format, append([]any{p.tok.line}, args...)...)})
}

func (p *parser) advance() {
	t, err := p.lex.next()
	if err != nil {
		p.fail("%v", err)
	}
	p.tok = t
}

func (p *parser) is(sym string) bool { return p.tok.kind == symbol && p.tok.text == sym }
func (p *parser) word(w string) bool { return p.tok.kind == keyword && p.tok.text == w }

func (p *parser) accept(sym string) bool {
	if p.is(sym) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) want(sym string) {
	if !p.accept(sym) {
		p.fail("syntax error at or near %s", p.near())
	}
}

func (p *parser) near() string {
	switch p.tok.kind {
	case eof:
		return "end of file"
	case newline:
		return "end of line"
	}
	return p.tok.text
}

func (p *parser) newlines() {
	for p.tok.kind == newline {
		p.advance()
	}
}

func (p *parser) separators() {
	for p.tok.kind == newline || p.is(";") {
		p.advance()
	}
}

func (p *parser) program() {
	for p.separators(); p.tok.kind != eof; p.separators() {
		switch {
		case p.word("BEGIN"):
			p.advance()
			p.prog.begin = append(p.prog.begin, p.block())
		case p.word("END"):
			p.advance()
			p.prog.end = append(p.prog.end, p.block())
		case p.word("function"):
			p.function()
		default:
			r := &rule{}
			if !p.is("{") {
				r.pattern = p.expr()
				if p.accept(",") {
					p.newlines()
					r.until = p.expr()
				}
			}
			if p.is("{") {
				r.action = p.block()
			}
			p.prog.rules = append(p.prog.rules, r)
		}
	}
}

func (p *parser) function() {
	p.advance()
	if p.tok.kind != ident && p.tok.kind != funcName {
		p.fail("a function needs a name")
	}
	f := &function{name: p.tok.text}
	p.advance()
	p.want("(")
	for !p.is(")") {
		if p.tok.kind != ident {
			p.fail("syntax error at or near %s", p.near())
		}
		f.params = append(f.params, p.tok.text)
		p.advance()
		if !p.accept(",") {
			break
		}
		p.newlines()
	}
	p.want(")")
	p.newlines()
	p.prog.funcs[f.name] = f
	f.body = p.block()
}

func (p *parser) block() *node {
	p.want("{")
	n := &node{op: "block"}
	for p.separators(); !p.is("}"); p.separators() {
		if p.tok.kind == eof {
			p.fail("unexpected end of file")
		}
		n.kids = append(n.kids, p.statement())
	}
	p.advance()
	return n
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.fail("nested too deeply")
	}
}

func (p *parser) endStatement() {
	if p.tok.kind == newline || p.is(";") {
		p.advance()
		return
	}
	if !p.is("}") && p.tok.kind != eof {
		p.fail("syntax error at or near %s", p.near())
	}
}

func (p *parser) body() *node {
	p.newlines()
	if p.accept(";") {
		return &node{op: "block"}
	}
	return p.statement()
}

func (p *parser) statement() *node {
	p.enter()
	defer func() { p.depth-- }()
	if p.is("{") {
		return p.block()
	}
	if p.tok.kind != keyword {
		return p.simple()
	}
	switch p.tok.text {
	case "if":
		return p.ifStatement()
	case "while":
		p.advance()
		p.want("(")
		cond := p.expr()
		p.want(")")
		return &node{op: "while", kids: []*node{cond, p.body()}}
	case "do":
		p.advance()
		body := p.body()
		p.separators()
		if !p.word("while") {
			p.fail("do without while")
		}
		p.advance()
		p.want("(")
		cond := p.expr()
		p.want(")")
		p.endStatement()
		return &node{op: "do", kids: []*node{body, cond}}
	case "for":
		return p.forStatement()
	case "break", "continue", "next", "nextfile":
		n := &node{op: p.tok.text}
		p.advance()
		p.endStatement()
		return n
	case "exit", "return":
		n := &node{op: p.tok.text}
		p.advance()
		if p.tok.kind != newline && !p.is(";") && !p.is("}") && p.tok.kind != eof {
			n.kids = []*node{p.expr()}
		}
		p.endStatement()
		return n
	}
	return p.simple()
}

func (p *parser) ifStatement() *node {
	p.advance()
	p.want("(")
	cond := p.expr()
	p.want(")")
	n := &node{op: "if", kids: []*node{cond, p.body()}}
	saved, tok := p.lex, p.tok
	p.separators()
	if !p.word("else") {
		p.lex, p.tok = saved, tok
		return n
	}
	p.advance()
	n.kids = append(n.kids, p.body())
	return n
}

func (p *parser) forStatement() *node {
	p.advance()
	p.want("(")
	if p.tok.kind == ident {
		saved, tok := p.lex, p.tok
		name := p.tok.text
		p.advance()
		if p.word("in") {
			p.advance()
			if p.tok.kind == ident {
				array := p.tok.text
				p.advance()
				if p.accept(")") {
					return &node{op: "forin", name: name, kids: []*node{{op: "array", name: array}, p.body()}}
				}
			}
		}
		p.lex, p.tok = saved, tok
	}
	part := func(end string) *node {
		if p.is(end) {
			return &node{op: "block"}
		}
		return p.plain()
	}
	init := part(";")
	p.want(";")
	p.newlines()
	cond := &node{op: "num", num: 1}
	if !p.is(";") {
		cond = p.expr()
	}
	p.want(";")
	p.newlines()
	step := part(")")
	p.want(")")
	return &node{op: "for", kids: []*node{init, cond, step, p.body()}}
}

func (p *parser) simple() *node {
	n := p.plain()
	p.endStatement()
	return n
}

// plain is a statement that can stand in a for.
func (p *parser) plain() *node {
	switch {
	case p.word("delete"):
		p.advance()
		if p.tok.kind != ident {
			p.fail("syntax error at or near %s", p.near())
		}
		n := &node{op: "delete", name: p.tok.text}
		p.advance()
		if p.accept("[") {
			n.kids = p.list("]")
			p.want("]")
		}
		return n
	case p.word("print"), p.word("printf"):
		return p.print()
	}
	return &node{op: "expr", kids: []*node{p.expr()}}
}

func (p *parser) print() *node {
	n := &node{op: p.tok.text}
	p.advance()
	old := p.noGt
	p.noGt = true
	var args []*node
	switch {
	case p.is("("):
		args = p.printGroup()
	case p.tok.kind == newline || p.is(";") || p.is("}") || p.is(">") || p.is("|") || p.is(">>") || p.tok.kind == eof:
	default:
		args = p.list("")
	}
	p.noGt = old
	n.kids = []*node{{op: "list", kids: args}}
	for _, s := range []string{">>", ">", "|"} {
		if p.accept(s) {
			n.name = s
			n.kids = append(n.kids, p.concat())
			break
		}
	}
	return n
}

// printGroup reads arguments that begin with a parenthesis, which may hold all
// of them or only the start of the first.
func (p *parser) printGroup() []*node {
	saved, tok := p.lex, p.tok
	p.advance()
	noGt := p.noGt
	p.noGt = false
	args := p.list(")")
	p.noGt = noGt
	if p.accept(")") && (p.tok.kind == newline || p.is(";") || p.is("}") || p.is(">") || p.is("|") || p.is(">>") || p.tok.kind == eof) {
		return args
	}
	p.lex, p.tok = saved, tok
	return p.list("")
}

// list reads expressions with commas between them, up to end.
func (p *parser) list(end string) []*node {
	var out []*node
	for end == "" || !p.is(end) {
		p.newlines()
		out = append(out, p.expr())
		if !p.accept(",") {
			break
		}
	}
	return out
}

func (p *parser) expr() *node {
	p.enter()
	defer func() { p.depth-- }()
	return p.ternary()
}

var assigns = map[string]string{"=": "", "+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%", "^=": "^"}

func (p *parser) ternary() *node {
	left := p.or()
	if p.tok.kind == symbol {
		if op, ok := assigns[p.tok.text]; ok && lvalue(left) {
			p.advance()
			p.newlines()
			return &node{op: "assign", name: op, kids: []*node{left, p.expr()}}
		}
	}
	if !p.accept("?") {
		return left
	}
	p.newlines()
	yes := p.expr()
	p.newlines()
	p.want(":")
	p.newlines()
	return &node{op: "?:", kids: []*node{left, yes, p.expr()}}
}

func lvalue(n *node) bool { return n.op == "var" || n.op == "$" || n.op == "index" }

func (p *parser) or() *node {
	left := p.and()
	for p.accept("||") {
		p.newlines()
		left = &node{op: "||", kids: []*node{left, p.and()}}
	}
	return left
}

func (p *parser) and() *node {
	left := p.in()
	for p.accept("&&") {
		p.newlines()
		left = &node{op: "&&", kids: []*node{left, p.in()}}
	}
	return left
}

func (p *parser) in() *node {
	left := p.match()
	for p.word("in") && !p.noIn {
		p.advance()
		if p.tok.kind != ident {
			p.fail("syntax error at or near %s", p.near())
		}
		left = &node{op: "in", name: p.tok.text, kids: []*node{left}}
		p.advance()
	}
	return left
}

func (p *parser) match() *node {
	left := p.compare()
	for {
		switch {
		case p.accept("~"):
			left = &node{op: "~", kids: []*node{left, p.compare()}}
		case p.is("!") && p.peekTilde():
			p.advance()
			p.advance()
			left = &node{op: "!~", kids: []*node{left, p.compare()}}
		default:
			return left
		}
	}
}

func (p *parser) peekTilde() bool { return p.lex.pos < len(p.lex.src) && p.lex.src[p.lex.pos] == '~' }

func (p *parser) compare() *node {
	left := p.concat()
	for _, op := range []string{"<=", ">=", "==", "!=", "<", ">"} {
		if p.is(op) && !(op == ">" && p.noGt) {
			p.advance()
			return &node{op: op, kids: []*node{left, p.concat()}}
		}
	}
	if p.is("|") {
		saved, tok := p.lex, p.tok
		p.advance()
		if p.word("getline") {
			p.advance()
			return p.compareRest(&node{op: "getline|", kids: append([]*node{left}, p.optionalLvalue()...)})
		}
		p.lex, p.tok = saved, tok
	}
	return left
}

// compareRest allows "cmd | getline > 0".
func (p *parser) compareRest(left *node) *node {
	for _, op := range []string{"<=", ">=", "==", "!=", "<", ">"} {
		if p.is(op) {
			p.advance()
			return &node{op: op, kids: []*node{left, p.concat()}}
		}
	}
	return left
}

func (p *parser) optionalLvalue() []*node {
	if p.tok.kind == ident || p.is("$") {
		return []*node{p.primary()}
	}
	return nil
}

// startsOperand says whether the token can begin the right side of a
// concatenation.
func (p *parser) startsOperand() bool {
	switch p.tok.kind {
	case number, text, ident, funcName, builtin:
		return true
	case symbol:
		switch p.tok.text {
		case "$", "(", "!", "-", "+", "++", "--":
			return p.tok.text != "!" || !p.peekTilde()
		}
	}
	return false
}

func (p *parser) concat() *node {
	left := p.additive()
	for p.startsOperand() && !p.is("+") && !p.is("-") && !p.is("!") {
		left = &node{op: "concat", kids: []*node{left, p.additive()}}
	}
	return left
}

func (p *parser) additive() *node {
	left := p.term()
	for p.is("+") || p.is("-") {
		op := p.tok.text
		p.advance()
		left = &node{op: op, kids: []*node{left, p.term()}}
	}
	return left
}

func (p *parser) term() *node {
	left := p.unary()
	for p.is("*") || p.is("/") || p.is("%") {
		op := p.tok.text
		p.advance()
		left = &node{op: op, kids: []*node{left, p.unary()}}
	}
	return left
}

func (p *parser) unary() *node {
	p.enter()
	defer func() { p.depth-- }()
	switch {
	case p.accept("!"):
		return &node{op: "!", kids: []*node{p.unary()}}
	case p.accept("-"):
		return &node{op: "neg", kids: []*node{p.unary()}}
	case p.accept("+"):
		return &node{op: "plus", kids: []*node{p.unary()}}
	}
	return p.power()
}

func (p *parser) power() *node {
	left := p.postfix()
	if p.accept("^") {
		return &node{op: "^", kids: []*node{left, p.unary()}}
	}
	return left
}

func (p *parser) postfix() *node {
	n := p.primary()
	if lvalue(n) {
		switch {
		case p.accept("++"):
			return &node{op: "post", num: 1, kids: []*node{n}}
		case p.accept("--"):
			return &node{op: "post", num: -1, kids: []*node{n}}
		}
	}
	return n
}

func (p *parser) primary() *node {
	t := p.tok
	switch t.kind {
	case number:
		p.advance()
		return &node{op: "num", num: t.num}
	case text:
		p.advance()
		return &node{op: "str", name: t.text}
	case regex:
		p.advance()
		return &node{op: "regex", name: t.text}
	case ident:
		p.advance()
		if p.accept("[") {
			n := &node{op: "index", name: t.text, kids: p.list("]")}
			p.want("]")
			return n
		}
		return &node{op: "var", name: t.text}
	case funcName:
		p.advance()
		p.advance()
		n := &node{op: "call", name: t.text, kids: p.inner()}
		p.want(")")
		return n
	case builtin:
		p.advance()
		n := &node{op: "builtin", name: t.text}
		if p.accept("(") {
			n.kids = p.inner()
			p.want(")")
		}
		return n
	case keyword:
		if t.text == "getline" {
			p.advance()
			n := &node{op: "getline", kids: p.optionalLvalue()}
			if p.accept("<") {
				n.op = "getline<"
				n.kids = append([]*node{p.primary()}, n.kids...)
			}
			return n
		}
	case symbol:
		return p.symbolic(t)
	}
	p.fail("syntax error at or near %s", p.near())
	return nil
}

// inner reads arguments in parentheses, where > compares again.
func (p *parser) inner() []*node {
	noGt, noIn := p.noGt, p.noIn
	p.noGt, p.noIn = false, false
	args := p.list(")")
	p.newlines()
	p.noGt, p.noIn = noGt, noIn
	return args
}

func (p *parser) symbolic(t token) *node {
	p.enter()
	defer func() { p.depth-- }()
	p.advance()
	switch t.text {
	case "$":
		if p.is("++") || p.is("--") {
			return &node{op: "$", kids: []*node{p.primary()}}
		}
		if p.accept("-") {
			return &node{op: "$", kids: []*node{{op: "neg", kids: []*node{p.primary()}}}}
		}
		return &node{op: "$", kids: []*node{p.primary()}}
	case "++", "--":
		n := p.primary()
		if !lvalue(n) {
			p.fail("syntax error at or near %s", t.text)
		}
		return &node{op: "pre", num: map[string]float64{"++": 1, "--": -1}[t.text], kids: []*node{n}}
	case "(":
		list := p.inner()
		p.want(")")
		if len(list) == 1 {
			return &node{op: "group", kids: list}
		}
		if p.word("in") && len(list) > 1 {
			p.advance()
			n := &node{op: "in", name: p.tok.text, kids: list}
			p.advance()
			return n
		}
	case "-", "+", "!":
		return &node{op: map[string]string{"-": "neg", "+": "plus", "!": "!"}[t.text], kids: []*node{p.unary()}}
	}
	p.fail("syntax error at or near %s", t.text)
	return nil
}
