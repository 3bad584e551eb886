package jinja

type tupleRules struct {
	simple   bool   // only names and literals, as in an assignment
	condExpr bool   // "a if b" may be an element
	parens   bool   // inside parentheses, where () is an empty tuple
	end      string // a word that ends the tuple
}

func (p *parser) tuple(r tupleRules) expr {
	start := place(p.cur().pos)
	element := func() expr {
		switch {
		case r.simple:
			return p.primary()
		case r.condExpr:
			return p.expression()
		}
		return p.or()
	}
	var items []expr
	isTuple := false
	for {
		if len(items) > 0 {
			if !p.skipOp(",") {
				break
			}
			isTuple = true
		}
		if p.tupleEnds(r) {
			break
		}
		items = append(items, element())
		if !p.cur().op(",") {
			break
		}
	}
	if !isTuple {
		if len(items) == 1 {
			return items[0]
		}
		if !r.parens {
			t := p.cur()
			if t.kind == tokEOF {
				p.failAt(t.pos, "unexpected end of template, expected an expression")
			}
			p.failAt(t.pos, "Expected an expression, got '%s'", t.describe())
		}
	}
	return &tupleExpr{start, items}
}

func (p *parser) tupleEnds(r tupleRules) bool {
	t := p.cur()
	switch {
	case t.kind == tokVarEnd || t.kind == tokBlockEnd || t.kind == tokEOF:
		return true
	case t.op(")"):
		return true
	case r.end != "" && t.word(r.end):
		return true
	}
	return false
}

func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	start := place(p.cur().pos)
	e := p.or()
	for p.skipWord("if") {
		c := &condExpr{place: start, yes: e, test: p.or()}
		if p.skipWord("else") {
			c.no = p.expression()
		}
		e = c
	}
	return e
}

func (p *parser) or() expr {
	e := p.and()
	for p.cur().word("or") {
		at := place(p.next().pos)
		e = &logicExpr{at, true, e, p.and()}
	}
	return e
}

func (p *parser) and() expr {
	e := p.not()
	for p.cur().word("and") {
		at := place(p.next().pos)
		e = &logicExpr{at, false, e, p.not()}
	}
	return e
}

func (p *parser) not() expr {
	if t := p.cur(); t.word("not") {
		p.enter()
		defer p.leave()
		p.next()
		return &unaryExpr{place(t.pos), "not", p.not()}
	}
	return p.compare()
}

// comparison reads a comparison operator, if there is one.
func (p *parser) comparison() string {
	t := p.cur()
	if t.kind == tokOp {
		switch t.text {
		case "==", "!=", "<", "<=", ">", ">=":
			p.next()
			return t.text
		}
		return ""
	}
	if p.skipWord("in") {
		return "in"
	}
	if t.word("not") && p.look().word("in") {
		p.next()
		p.next()
		return "not in"
	}
	return ""
}

func (p *parser) compare() expr {
	at := place(p.cur().pos)
	first := p.sum()
	c := &compareExpr{place: at, first: first}
	for {
		op := p.comparison()
		if op == "" {
			break
		}
		c.ops = append(c.ops, op)
		c.rest = append(c.rest, p.sum())
	}
	if len(c.ops) == 0 {
		return first
	}
	return c
}

func (p *parser) sum() expr {
	e := p.concat()
	for p.cur().op("+") || p.cur().op("-") {
		t := p.next()
		e = &binaryExpr{place(t.pos), t.text, e, p.concat()}
	}
	return e
}

func (p *parser) concat() expr {
	at := place(p.cur().pos)
	items := []expr{p.product()}
	for p.skipOp("~") {
		items = append(items, p.product())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &concatExpr{at, items}
}

func (p *parser) product() expr {
	e := p.power()
	for {
		t := p.cur()
		if !t.op("*") && !t.op("/") && !t.op("//") && !t.op("%") {
			return e
		}
		p.next()
		e = &binaryExpr{place(t.pos), t.text, e, p.power()}
	}
}

func (p *parser) power() expr {
	e := p.unary(true)
	for p.cur().op("**") {
		t := p.next()
		e = &binaryExpr{place(t.pos), "**", e, p.unary(true)}
	}
	return e
}

func (p *parser) unary(filters bool) expr {
	p.enter()
	defer p.leave()
	var e expr
	if t := p.cur(); t.op("-") || t.op("+") {
		p.next()
		e = &unaryExpr{place(t.pos), t.text, p.unary(false)}
	} else {
		e = p.primary()
	}
	e = p.postfix(e)
	if filters {
		e = p.filters(e)
	}
	return e
}

func (p *parser) primary() expr {
	t := p.cur()
	at := place(t.pos)
	switch {
	case t.kind == tokName:
		p.next()
		return nameOrConst(at, t.text)
	case t.kind == tokString:
		return p.strings()
	case t.kind == tokNumber:
		p.next()
		return &constExpr{place: at, val: t.num}
	case t.op("("):
		p.enter()
		defer p.leave()
		p.next()
		e := p.tuple(tupleRules{condExpr: true, parens: true})
		p.expectOp(")")
		return e
	case t.op("["):
		return p.list()
	case t.op("{"):
		return p.dict()
	case t.kind == tokEOF:
		p.failAt(t.pos, "unexpected end of template, expected an expression")
	}
	p.failAt(t.pos, "unexpected '%s'", t.describe())
	return nil
}

func nameOrConst(at place, name string) expr {
	switch name {
	case "true", "True":
		return &constExpr{place: at, val: true}
	case "false", "False":
		return &constExpr{place: at, val: false}
	case "none", "None":
		return &constExpr{place: at}
	}
	return &nameExpr{at, name}
}

// strings reads a string literal, or several side by side, which are one.
func (p *parser) strings() expr {
	t := p.next()
	text, raw := t.text, t.raw
	escaped := raw != ""
	if !escaped {
		raw = text
	}
	for p.cur().kind == tokString {
		n := p.next()
		text += n.text
		if n.raw != "" {
			raw += n.raw
			escaped = true
		} else {
			raw += n.text
		}
	}
	c := &constExpr{place: place(t.pos), val: text}
	if escaped {
		c.raw = raw
	}
	return c
}

func (p *parser) list() expr {
	p.enter()
	defer p.leave()
	e := &listExpr{place: place(p.next().pos)}
	for !p.cur().op("]") {
		if len(e.items) > 0 {
			p.expectOp(",")
			if p.cur().op("]") {
				break
			}
		}
		e.items = append(e.items, p.expression())
	}
	p.expectOp("]")
	return e
}

func (p *parser) dict() expr {
	p.enter()
	defer p.leave()
	e := &dictExpr{place: place(p.next().pos)}
	for !p.cur().op("}") {
		if len(e.keys) > 0 {
			p.expectOp(",")
			if p.cur().op("}") {
				break
			}
		}
		e.keys = append(e.keys, p.expression())
		p.expectOp(":")
		e.vals = append(e.vals, p.expression())
	}
	p.expectOp("}")
	return e
}

// postfix reads what may follow directly: attributes, subscripts, calls.
func (p *parser) postfix(e expr) expr {
	for n := 0; ; n++ {
		if n > maxNesting {
			p.failAt(p.cur().pos, "the expression is nested too deeply")
		}
		switch t := p.cur(); {
		case t.op("."):
			e = p.attribute(e)
		case t.op("["):
			e = p.subscript(e)
		case t.op("("):
			e = &callExpr{place(t.pos), e, p.arguments()}
		default:
			return e
		}
	}
}

func (p *parser) attribute(of expr) expr {
	p.next()
	t := p.next()
	switch t.kind {
	case tokName:
		return &attrExpr{place(t.pos), of, t.text}
	case tokNumber:
		return &itemExpr{place(t.pos), of, &constExpr{place: place(t.pos), val: t.num}}
	}
	p.failAt(t.pos, "expected name or number")
	return nil
}

func (p *parser) subscript(of expr) expr {
	p.enter()
	defer p.leave()
	at := place(p.next().pos)
	var args []expr
	for !p.cur().op("]") {
		if len(args) > 0 {
			p.expectOp(",")
		}
		args = append(args, p.subscripted())
	}
	p.expectOp("]")
	if len(args) == 1 {
		return &itemExpr{at, of, args[0]}
	}
	return &itemExpr{at, of, &tupleExpr{at, args}}
}

func (p *parser) subscripted() expr {
	at := place(p.cur().pos)
	s := &sliceExpr{place: at}
	ends := func() bool { return p.cur().op("]") || p.cur().op(",") }
	if !p.cur().op(":") {
		e := p.expression()
		if !p.cur().op(":") {
			return e
		}
		s.lo = e
	}
	p.next()
	if !p.cur().op(":") && !ends() {
		s.hi = p.expression()
	}
	if p.skipOp(":") && !ends() {
		s.step = p.expression()
	}
	return s
}

func (p *parser) arguments() arguments {
	p.enter()
	defer p.leave()
	open := p.expectOp("(")
	var a arguments
	ensure := func(ok bool) {
		if !ok {
			p.failAt(open.pos, "invalid syntax for function call expression")
		}
	}
	for first := true; !p.cur().op(")"); first = false {
		if !first {
			p.expectOp(",")
			if p.cur().op(")") {
				break
			}
		}
		switch t := p.cur(); {
		case t.op("*"):
			ensure(a.rest == nil && a.restNamed == nil)
			p.next()
			a.rest = p.expression()
		case t.op("**"):
			ensure(a.restNamed == nil)
			p.next()
			a.restNamed = p.expression()
		case t.kind == tokName && p.look().op("="):
			ensure(a.restNamed == nil)
			p.next()
			p.next()
			for _, have := range a.names {
				if have == t.text {
					p.failAt(t.pos, "keyword argument repeated: %s", t.text)
				}
			}
			a.names = append(a.names, t.text)
			a.named = append(a.named, p.expression())
		default:
			ensure(a.rest == nil && a.restNamed == nil && len(a.names) == 0)
			a.args = append(a.args, p.expression())
		}
	}
	p.expectOp(")")
	return a
}

func (p *parser) filters(e expr) expr {
	for n := 0; ; n++ {
		if n > maxNesting {
			p.failAt(p.cur().pos, "too many filters in a row")
		}
		switch t := p.cur(); {
		case t.op("|"):
			e = p.filter(e, false)
		case t.word("is"):
			e = p.test(e)
		case t.op("("):
			e = &callExpr{place(t.pos), e, p.arguments()}
		default:
			return e
		}
	}
}

// dotted reads a name that may be qualified by its collection.
func (p *parser) dotted() (string, place) {
	t := p.expect(tokName)
	name := t.text
	for p.skipOp(".") {
		name += "." + p.expect(tokName).text
	}
	return name, place(t.pos)
}

func (p *parser) filter(e expr, inline bool) expr {
	for n := 0; inline || p.cur().op("|"); n++ {
		if n > maxNesting {
			p.failAt(p.cur().pos, "too many filters in a row")
		}
		if !inline {
			p.next()
		}
		inline = false
		name, at := p.dotted()
		f := &filterExpr{place: at, of: e, name: name}
		if p.cur().op("(") {
			f.arguments = p.arguments()
		}
		e = f
	}
	return e
}

func (p *parser) test(e expr) expr {
	is := p.next()
	negated := p.skipWord("not")
	name, at := p.dotted()
	t := &testExpr{place: at, of: e, name: name}
	switch next := p.cur(); {
	case next.op("("):
		t.arguments = p.arguments()
	case p.argumentFollows(next):
		if next.word("is") {
			p.failAt(next.pos, "You cannot chain multiple tests with is")
		}
		t.args = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &unaryExpr{place(is.pos), "not", t}
	}
	return t
}

func (p *parser) argumentFollows(t token) bool {
	switch t.kind {
	case tokName:
		return t.text != "else" && t.text != "or" && t.text != "and"
	case tokString, tokNumber:
		return true
	}
	return t.op("[") || t.op("{")
}
