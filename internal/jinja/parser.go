package jinja

import (
	"fmt"
	"slices"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/value"
)

// maxNesting bounds the depth of expressions and statements in one template.
const maxNesting = 250

type parser struct {
	src    string
	tokens []token
	i      int
	depth  int
	loops  int      // enclosing loops, for break and continue
	ends   []string // what closes the enclosing statements, innermost last
	tags   []string // the enclosing statements
	blocks map[string]bool
}

// syntaxPanic carries a syntax error up to parse; it never leaves this file.
type syntaxPanic struct{ err *Error }

func (p *parser) failAt(pos int, format string, args ...any) {
	e := problem(KindSyntax, format, args...)
	e.Line, e.Col = position(p.src, pos)
	panic(syntaxPanic{e})
}

func (p *parser) hintAt(pos int, hint, format string, args ...any) {
	e := problem(KindSyntax, format, args...)
	e.Line, e.Col = position(p.src, pos)
	e.Hint = hint
	panic(syntaxPanic{e})
}

func catchSyntax(err **Error) {
	if r := recover(); r != nil {
		s, ok := r.(syntaxPanic)
		if !ok {
			panic(r)
		}
		*err = s.err
	}
}

func parseTemplate(src string, s syntax) (body []stmt, err *Error) {
	tokens, err := tokenize(src, s, false)
	if err != nil {
		return nil, err
	}
	defer catchSyntax(&err)
	p := &parser{src: src, tokens: tokens, blocks: map[string]bool{}}
	return p.statements(), nil
}

func parseExpression(src string, s syntax) (e expr, err *Error) {
	tokens, err := tokenize(src, s, true)
	if err != nil {
		return nil, err
	}
	defer catchSyntax(&err)
	p := &parser{src: src, tokens: tokens, blocks: map[string]bool{}}
	if p.cur().kind == tokEOF {
		p.failAt(0, "Expected an expression, got 'end of statement block'")
	}
	e = p.tuple(tupleRules{condExpr: true})
	if p.cur().kind != tokEOF {
		p.failAt(p.cur().pos, "expected token 'end of statement block', got '%s'", p.cur().describe())
	}
	return e, nil
}

func (p *parser) cur() token { return p.tokens[p.i] }

func (p *parser) look() token { return p.tokens[min(p.i+1, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if p.i < len(p.tokens)-1 {
		p.i++
	}
	return t
}

func (t token) op(s string) bool { return t.kind == tokOp && t.text == s }

func (t token) word(s string) bool { return t.kind == tokName && t.text == s }

func (p *parser) skipOp(s string) bool {
	if p.cur().op(s) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipWord(s string) bool {
	if p.cur().word(s) {
		p.next()
		return true
	}
	return false
}

var kindNames = map[tokenKind]string{
	tokName: "name", tokBlockEnd: "end of statement block", tokVarEnd: "end of print statement",
}

func (p *parser) expected(what string) {
	t := p.cur()
	if t.kind == tokEOF {
		p.failAt(t.pos, "unexpected end of template, expected '%s'.", what)
	}
	p.failAt(t.pos, "expected token '%s', got '%s'", what, t.describe())
}

func (p *parser) expect(kind tokenKind) token {
	if p.cur().kind != kind {
		p.expected(kindNames[kind])
	}
	return p.next()
}

func (p *parser) expectOp(s string) token {
	if !p.cur().op(s) {
		p.expected(s)
	}
	return p.next()
}

func (p *parser) expectWord(s string) token {
	if !p.cur().word(s) {
		p.expected(s)
	}
	return p.next()
}

func (p *parser) enter() {
	p.depth++
	if p.depth > maxNesting {
		p.failAt(p.cur().pos, "the template is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

// statements reads up to the end of the template, or up to a tag that closes
// the enclosing statement, whose name is then current.
func (p *parser) statements(ends ...string) []stmt {
	p.enter()
	defer p.leave()
	mark := len(p.ends)
	if len(ends) > 0 {
		p.ends = append(p.ends[:mark:mark], strings.Join(ends, "\x00"))
		defer func() { p.ends = p.ends[:mark] }()
	}
	var body []stmt
	for {
		t := p.cur()
		switch t.kind {
		case tokEOF:
			if len(ends) > 0 {
				p.unfinished(t.pos)
			}
			return body
		case tokData:
			p.next()
			body = append(body, &dataStmt{place(t.pos), t.text})
		case tokVarBegin:
			p.next()
			e := p.tuple(tupleRules{condExpr: true})
			p.expect(tokVarEnd)
			body = append(body, &outputStmt{place(t.pos), e})
		case tokBlockBegin:
			p.next()
			if name := p.cur(); name.kind == tokName && slices.Contains(ends, name.text) {
				return body
			}
			body = p.statement(body)
			p.expect(tokBlockEnd)
		default:
			p.failAt(t.pos, "unexpected '%s'", t.describe())
		}
	}
}

func (p *parser) lookingFor() string {
	if len(p.ends) == 0 {
		return ""
	}
	names := strings.Split(p.ends[len(p.ends)-1], "\x00")
	for i, n := range names {
		names[i] = "'" + n + "'"
	}
	text := names[0]
	if len(names) > 1 {
		text = strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	}
	return fmt.Sprintf(" Jinja was looking for the following tags: %s. The innermost block that needs to be closed is '%s'.",
		text, p.tags[len(p.tags)-1])
}

func (p *parser) unfinished(pos int) {
	p.failAt(pos, "Unexpected end of template.%s", p.lookingFor())
}

var tagNames = []string{
	"for", "if", "block", "extends", "print", "macro", "include", "from", "import", "set", "with", "autoescape",
	"call", "filter", "do", "break", "continue", "raw",
}

var closingNames = []string{
	"endfor", "endif", "else", "elif", "endblock", "endmacro", "endset", "endwith", "endautoescape", "endcall", "endfilter",
}

func (p *parser) unknownTag(t token) {
	if t.kind != tokName {
		p.failAt(t.pos, "tag name expected")
	}
	hint := ""
	if near := diag.Nearest(t.text, append(slices.Clone(tagNames), closingNames...)); near != "" && near != t.text {
		hint = "did you mean '" + near + "'?"
	}
	if rest := p.lookingFor(); rest != "" {
		if slices.Contains(closingNames, t.text) {
			p.hintAt(t.pos, "", "Encountered unknown tag '%s'. You probably made a nesting mistake.%s", t.text, rest)
		}
		p.hintAt(t.pos, hint, "Encountered unknown tag '%s'.%s", t.text, rest)
	}
	p.hintAt(t.pos, hint, "Encountered unknown tag '%s'.", t.text)
}

func (p *parser) statement(body []stmt) []stmt {
	t := p.cur()
	if t.kind != tokName || !slices.Contains(tagNames, t.text) || t.text == "raw" {
		p.unknownTag(t)
	}
	p.tags = append(p.tags, t.text)
	defer func() { p.tags = p.tags[:len(p.tags)-1] }()
	p.next()
	at := place(t.pos)
	switch t.text {
	case "for":
		return append(body, p.forLoop(at))
	case "if":
		return append(body, p.ifElse(at))
	case "set":
		return append(body, p.set(at))
	case "macro":
		return append(body, p.macro(at))
	case "call":
		return append(body, p.call(at))
	case "filter":
		f := p.filter(nil, true).(*filterExpr)
		return append(body, &filterStmt{at, f, p.bodyTo("endfilter")})
	case "with":
		return append(body, p.with(at))
	case "autoescape":
		p.expression()
		return append(body, &scopeStmt{at, p.bodyTo("endautoescape")})
	case "block":
		return append(body, p.block(at))
	case "extends":
		return append(body, &extendsStmt{at, p.expression()})
	case "include":
		return append(body, p.include(at))
	case "import":
		return append(body, p.importAs(at))
	case "from":
		return append(body, p.fromImport(at))
	case "do":
		return append(body, &doStmt{at, p.tuple(tupleRules{condExpr: true})})
	case "print":
		return p.print(body)
	}
	if p.loops == 0 {
		p.failAt(t.pos, "'%s' outside of a loop", t.text)
	}
	return append(body, &jumpStmt{at, t.text == "break"})
}

// bodyTo reads the statements after this tag and the tag that closes them.
func (p *parser) bodyTo(end string) []stmt {
	body := p.body(end)
	p.next()
	return body
}

func (p *parser) body(ends ...string) []stmt {
	p.skipOp(":")
	p.expect(tokBlockEnd)
	return p.statements(ends...)
}

func (p *parser) print(body []stmt) []stmt {
	for first := true; p.cur().kind != tokBlockEnd; first = false {
		if !first {
			p.expectOp(",")
		}
		at := place(p.cur().pos)
		body = append(body, &outputStmt{at, p.expression()})
	}
	return body
}

func (p *parser) forLoop(at place) stmt {
	s := &forStmt{place: at}
	s.target = p.target(targetRules{tuple: true, end: "in"})
	p.expectWord("in")
	s.iter = p.tuple(tupleRules{end: "recursive"})
	if p.skipWord("if") {
		s.test = p.expression()
	}
	s.recursive = p.skipWord("recursive")
	p.loops++
	s.body = p.body("endfor", "else")
	p.loops--
	if p.next().text == "else" {
		s.none = p.bodyTo("endfor")
	}
	return s
}

func (p *parser) ifElse(at place) stmt {
	s := &ifStmt{place: at}
	for {
		s.tests = append(s.tests, p.tuple(tupleRules{}))
		s.bodies = append(s.bodies, p.body("elif", "else", "endif"))
		switch p.next().text {
		case "elif":
			continue
		case "else":
			s.no = p.bodyTo("endif")
		}
		return s
	}
}

func (p *parser) set(at place) stmt {
	target := p.target(targetRules{tuple: true, namespace: true})
	if p.skipOp("=") {
		return &setStmt{at, target, p.tuple(tupleRules{condExpr: true})}
	}
	s := &setBlockStmt{place: at, target: target}
	if p.cur().op("|") {
		s.filter = p.filter(nil, false).(*filterExpr)
	}
	s.body = p.bodyTo("endset")
	return s
}

func (p *parser) with(at place) stmt {
	s := &withStmt{place: at}
	for p.cur().kind != tokBlockEnd && !p.cur().op(":") {
		if len(s.targets) > 0 {
			p.expectOp(",")
		}
		s.targets = append(s.targets, p.target(targetRules{tuple: false}))
		p.expectOp("=")
		s.vals = append(s.vals, p.expression())
	}
	s.body = p.bodyTo("endwith")
	return s
}

func (p *parser) block(at place) stmt {
	name := p.expect(tokName)
	s := &blockStmt{place: at, name: name.text}
	s.scoped = p.skipWord("scoped")
	s.required = p.skipWord("required")
	if p.cur().op("-") {
		p.failAt(p.cur().pos, "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	if p.blocks[s.name] {
		p.failAt(name.pos, "block '%s' defined twice", s.name)
	}
	p.blocks[s.name] = true
	s.body = p.bodyTo("endblock")
	if s.required && !onlySpace(s.body) {
		p.failAt(int(at), "Required blocks can only contain comments or whitespace")
	}
	p.skipWord(s.name)
	return s
}

func onlySpace(body []stmt) bool {
	for _, s := range body {
		d, ok := s.(*dataStmt)
		if !ok || strings.TrimFunc(d.text, value.IsSpace) != "" {
			return false
		}
	}
	return true
}

// context reads "with context" or "without context".
func (p *parser) context(otherwise bool) bool {
	if t := p.cur(); (t.word("with") || t.word("without")) && p.look().word("context") {
		p.next()
		p.next()
		return t.text == "with"
	}
	return otherwise
}

func (p *parser) include(at place) stmt {
	s := &includeStmt{place: at, name: p.expression()}
	if p.cur().word("ignore") && p.look().word("missing") {
		p.next()
		p.next()
		s.ignoreMissing = true
	}
	s.withContext = p.context(true)
	return s
}

func (p *parser) importAs(at place) stmt {
	s := &importStmt{place: at, name: p.expression()}
	p.expectWord("as")
	s.as = p.targetName()
	s.withContext = p.context(false)
	return s
}

func (p *parser) fromImport(at place) stmt {
	s := &fromStmt{place: at, name: p.expression()}
	p.expectWord("import")
	for {
		if len(s.names) > 0 {
			p.expectOp(",")
		}
		if t := p.cur(); (t.word("with") || t.word("without")) && p.look().word("context") {
			s.withContext = p.context(false)
			return s
		}
		pos := p.cur().pos
		name := p.targetName()
		if strings.HasPrefix(name, "_") {
			p.failAt(pos, "names starting with an underline can not be imported")
		}
		as := name
		if p.skipWord("as") {
			as = p.targetName()
		}
		s.names = append(s.names, name)
		s.as = append(s.as, as)
		if t := p.cur(); (t.word("with") || t.word("without")) && p.look().word("context") {
			s.withContext = p.context(false)
			return s
		}
		if !p.cur().op(",") {
			return s
		}
	}
}

func (p *parser) signature(m *macroStmt) {
	p.expectOp("(")
	for !p.cur().op(")") {
		if len(m.params) > 0 {
			p.expectOp(",")
			if p.cur().op(")") {
				break
			}
		}
		pos := p.cur().pos
		m.params = append(m.params, p.targetName())
		if p.skipOp("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			p.failAt(pos, "non-default argument follows default argument")
		}
	}
	p.expectOp(")")
}

// macroBody parses a body that does not belong to the loops around it.
func (p *parser) macroBody(m *macroStmt, end string) {
	loops := p.loops
	p.loops = 0
	m.body = p.bodyTo(end)
	p.loops = loops
}

func (p *parser) macro(at place) stmt {
	m := &macroStmt{place: at, name: p.targetName()}
	p.signature(m)
	p.macroBody(m, "endmacro")
	return m
}

func (p *parser) call(at place) stmt {
	m := &macroStmt{place: at, name: "caller"}
	if p.cur().op("(") {
		p.signature(m)
	}
	call, ok := p.expression().(*callExpr)
	if !ok {
		p.failAt(int(at), "expected call")
	}
	p.macroBody(m, "endcall")
	return &callStmt{at, call, m}
}

type targetRules struct {
	tuple, namespace bool
	end              string
}

func (p *parser) targetName() string {
	t := p.expect(tokName)
	p.assignable(&nameExpr{place(t.pos), t.text})
	return t.text
}

func (p *parser) target(r targetRules) expr {
	t := p.cur()
	if r.namespace && t.kind == tokName && p.look().op(".") {
		p.next()
		p.next()
		return &nsRefExpr{place(t.pos), t.text, p.expect(tokName).text}
	}
	var e expr
	if r.tuple {
		e = p.tuple(tupleRules{simple: true, end: r.end})
	} else {
		e = p.primary()
	}
	p.assignable(e)
	return e
}

func (p *parser) assignable(e expr) {
	switch e := e.(type) {
	case *nameExpr:
		switch e.name {
		case "true", "false", "none", "True", "False", "None":
		default:
			return
		}
	case *tupleExpr:
		for _, item := range e.items {
			p.assignable(item)
		}
		return
	}
	p.failAt(e.at(), "can't assign to '%s'", nounOf(e))
}

func nounOf(e expr) string {
	switch e.(type) {
	case *nameExpr, *constExpr:
		return "const"
	case *listExpr:
		return "list"
	case *dictExpr:
		return "dict"
	case *callExpr:
		return "call"
	case *attrExpr:
		return "getattr"
	case *itemExpr:
		return "getitem"
	}
	return "expression"
}
