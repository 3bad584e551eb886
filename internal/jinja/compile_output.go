package jinja

import (
	"strconv"

	"sunup/internal/value"
)

// piece is some text and then, perhaps, one {{ }}.
type piece struct {
	text string
	attr *attribute // the value, when it is an attribute of a name
	eval evalFn     // the value otherwise; nil when there is only text
	pos  int
}

// stretch is output without a statement in between. It is one loop instead of
// a closure for each piece: most of a template is this.
type stretch struct {
	u       *unit
	pieces  []piece
	nodes   int
	textual func(*runtime) bool // of the last {{ }}
	values  bool                // there is a {{ }}
}

// stretch compiles the output at the beginning of body and returns how many
// statements it took.
func (c *compiler) stretch(body []stmt) (execFn, int) {
	s := &stretch{u: c.u}
	n := 0
	for _, st := range body {
		if !c.takes(s, st) {
			break
		}
		n++
	}
	switch {
	case n == 0:
		return nil, 0
	case n == 1 && !s.values:
		text := s.pieces[0].text
		return func(rt *runtime) error { return rt.writeText(text) }, 1
	}
	return s.run, n
}

func (c *compiler) takes(s *stretch, st stmt) bool {
	switch st := st.(type) {
	case *dataStmt:
		s.write(st.text)
	case *outputStmt:
		if text, ok := fixedText(st.of); ok {
			s.write(text)
			return true
		}
		s.print(c.value(st))
		s.textual = c.textual(st.of)
	default:
		return false
	}
	return true
}

// fixedText is what {{ "text" }} writes.
func fixedText(e expr) (string, bool) {
	k, ok := e.(*constExpr)
	if !ok || k.raw != "" {
		return "", false
	}
	text, ok := k.val.(string)
	return text, ok
}

// value compiles what is inside {{ }}.
func (c *compiler) value(s *outputStmt) piece {
	c.inVar = true
	defer func() { c.inVar = false }()
	if a, ok := s.of.(*attrExpr); ok {
		return piece{attr: c.attribute(a), pos: s.of.at()}
	}
	if a, ok := c.attributeOr(s.of); ok {
		return piece{attr: a, pos: s.of.at()}
	}
	return piece{eval: c.expr(s.of), pos: s.of.at()}
}

func (s *stretch) write(text string) {
	s.nodes++
	if n := len(s.pieces); n > 0 && s.pieces[n-1].attr == nil && s.pieces[n-1].eval == nil {
		s.pieces[n-1].text += text
		return
	}
	s.pieces = append(s.pieces, piece{text: text})
}

func (s *stretch) print(p piece) {
	s.nodes++
	s.values = true
	if n := len(s.pieces); n > 0 && s.pieces[n-1].attr == nil && s.pieces[n-1].eval == nil {
		p.text = s.pieces[n-1].text
		s.pieces = s.pieces[:n-1]
	}
	s.pieces = append(s.pieces, p)
}

func (s *stretch) run(rt *runtime) error {
	// The output stays in a variable of this function: the collector then need
	// not be told of each append that it may have moved.
	out, most := rt.out, len(rt.out)+rt.bytes
	for i := range s.pieces {
		p := &s.pieces[i]
		out = append(out, p.text...)
		var v any
		var err error
		switch {
		case p.attr != nil:
			v, err = p.attr.value(rt)
		case p.eval != nil:
			v, err = p.eval(rt)
		default:
			continue
		}
		switch v := v.(type) {
		case string:
			out = append(out, v...)
		case int:
			out = appendInt(out, v)
		default:
			if err == nil {
				out, err = rt.printed(out, v)
			}
		}
		if err == nil && len(out) > most {
			err = rt.grow(len(out) - len(rt.out))
		}
		if err != nil {
			return s.u.locate(err, p.pos)
		}
	}
	rt.nodes += s.nodes
	if s.values {
		rt.textual = s.textual != nil && s.textual(rt)
	}
	return rt.keep(out)
}

// keep makes out, which is the output and what was appended to it, the output.
func (rt *runtime) keep(out []byte) error {
	rt.bytes -= len(out) - len(rt.out)
	if cap(out) == cap(rt.out) {
		rt.out = rt.out[:len(out)]
	} else {
		rt.out = out
	}
	if rt.bytes < 0 {
		return rt.grow(0)
	}
	return nil
}

// put appends a value to the output.
func (rt *runtime) put(v any) error {
	switch v := v.(type) {
	case string:
		return rt.keep(append(rt.out, v...))
	case int:
		return rt.keep(appendInt(rt.out, v))
	}
	out, err := rt.printed(rt.out, v)
	if err != nil {
		return err
	}
	return rt.keep(out)
}

func appendInt(out []byte, n int) []byte {
	switch {
	case n < 0 || n >= 10000:
		return strconv.AppendInt(out, int64(n), 10)
	case n < 10:
		return append(out, byte('0'+n))
	case n < 100:
		return append(out, byte('0'+n/10), byte('0'+n%10))
	case n < 1000:
		return append(out, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	}
	return append(out, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}

// printed appends what is neither text nor a small number to out, which is the
// output and what was appended to it.
func (rt *runtime) printed(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		if rt.env.Native {
			out = append(out, "None"...)
		}
		return out, nil
	case *Undefined:
		return out, v.strict()
	}
	if err := checkDefined(v); err != nil {
		return out, err
	}
	if l, ok := unrolled(v); ok {
		v = l
	}
	p := value.Printer{Out: out, Max: len(rt.out) + rt.bytes}
	p.Str(v)
	if p.Full {
		return p.Out, rt.grow(rt.bytes + 1)
	}
	return p.Out, p.Err
}

// attribute is "x.name", with or without a default.
type attribute struct {
	u         *unit
	pos       int
	slot      int // where x is most often found, or -1
	of        evalFn
	name      string
	isMethod  bool // of dicts
	site      int  // of the place in dicts that is remembered
	defaulted bool
	otherwise any
}

func (c *compiler) attribute(e *attrExpr) *attribute {
	a := &attribute{u: c.u, pos: e.at(), slot: -1, of: c.expr(e.of), name: e.name, isMethod: isDictMethod(e.name), site: c.u.sites % nearSites}
	c.u.sites++
	if n, ok := e.of.(*nameExpr); ok && !a.isMethod {
		if first := c.refs(n.name)[0]; first.up == 0 {
			a.slot = first.slot
		}
	}
	return a
}

// attributeOr recognises "x.name | default(constant)".
func (c *compiler) attributeOr(e expr) (*attribute, bool) {
	f, ok := e.(*filterExpr)
	if !ok || f.of == nil {
		return nil, false
	}
	of, ok := f.of.(*attrExpr)
	if !ok {
		return nil, false
	}
	otherwise, ok := plainDefault(f)
	if !ok {
		return nil, false
	}
	c.filter(f) // it must be known, and is counted as used
	a := c.attribute(of)
	a.defaulted, a.otherwise = true, otherwise
	return a, true
}

func (a *attribute) value(rt *runtime) (any, error) {
	if a.slot >= 0 {
		if d, ok := rt.f.slots[a.slot].v.(*value.Dict); ok {
			return a.in(rt, d)
		}
	}
	of, err := a.of(rt)
	if err != nil {
		return nil, err
	}
	if d, ok := of.(*value.Dict); ok && !a.isMethod {
		return a.in(rt, d)
	}
	return a.other(rt, of)
}

// in looks the name up in a dict.
func (a *attribute) in(rt *runtime, d *value.Dict) (any, error) {
	x, ok := d.Near(a.name, int(rt.near[a.site]))
	if !ok {
		at := d.Find(a.name)
		if at < 0 {
			return a.missing(d), nil
		}
		rt.near[a.site] = uint8(at)
		x = d.Values()[at]
	}
	switch v := x.(type) {
	case value.Unsafe:
		return rt.clean(v), nil
	case *Undefined:
		if a.defaulted {
			return a.otherwise, nil
		}
	}
	return x, nil
}

func (a *attribute) missing(d *value.Dict) any {
	if a.defaulted {
		return a.otherwise
	}
	return noAttribute(d, a.name)
}

// other is value for what is not a dict.
func (a *attribute) other(rt *runtime, of any) (any, error) {
	x, err := rt.getAttr(of, a.name)
	if err != nil {
		return nil, a.u.locate(err, a.pos)
	}
	if _, undefined := x.(*Undefined); undefined && a.defaulted {
		return a.otherwise, nil
	}
	return x, nil
}

// nearSites is how many places of a template remember where in a dict their
// key stood the last time. Others share them, which costs only a second look.
const nearSites = 32
