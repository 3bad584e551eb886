package value

import (
	"fmt"
	"math/big"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds every walk over nested data. Python's own limit is about the
// same.
const maxDepth = 990

// Repr returns v as Python's repr prints it.
func Repr(v any) string {
	if s, ok := v.(string); ok {
		return string(appendQuoted(nil, s))
	}
	p := Printer{}
	p.Repr(v)
	return string(p.Out)
}

// Str returns v as Python's str prints it.
func Str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Unsafe:
		return string(v)
	case int:
		return strconv.Itoa(v)
	}
	p := Printer{}
	p.Str(v)
	return string(p.Out)
}

// A Printer appends printed values to Out. When Max is set and reached, it
// stops and Full turns true: a small value can print as an endless text.
type Printer struct {
	Out  []byte
	Max  int
	Full bool
	// Err is the first error of a Mapping that makes its values when asked; what
	// could not be made is printed as dots.
	Err   error
	depth int
}

// Str appends str(v).
func (p *Printer) Str(v any) {
	switch v := v.(type) {
	case string:
		p.Out = append(p.Out, v...)
	case Unsafe:
		p.Out = append(p.Out, v...)
	case Printed:
		p.Out = append(p.Out, v.PyStr()...)
	default:
		p.Repr(v)
	}
}

// Repr appends repr(v).
func (p *Printer) Repr(v any) {
	if p.Max > 0 && len(p.Out) > p.Max {
		p.Full = true
		return
	}
	switch v := v.(type) {
	case nil:
		p.text("None")
	case bool:
		if v {
			p.text("True")
		} else {
			p.text("False")
		}
	case int:
		p.Out = strconv.AppendInt(p.Out, int64(v), 10)
	case float64:
		p.Out = appendFloat(p.Out, v)
	case string:
		p.Out = appendQuoted(p.Out, v)
	case Unsafe:
		p.Out = appendQuoted(p.Out, string(v))
	case *big.Int:
		p.Out = v.Append(p.Out, 10)
	case Tuple:
		p.sequence("(", v, ")")
	case *List:
		p.sequence("[", v.Items, "]")
	case *Dict:
		p.dict(v)
	case Printed:
		p.text(v.PyRepr())
	case Mapping:
		p.mapping(v)
	default:
		p.text(fmt.Sprintf("<%s object>", TypeName(v)))
	}
}

func (p *Printer) text(s string) { p.Out = append(p.Out, s...) }

func (p *Printer) enter() bool {
	p.depth++
	if p.depth > maxDepth {
		p.text("...")
		p.depth--
		return false
	}
	return true
}

func (p *Printer) sequence(open string, items []any, end string) {
	if !p.enter() {
		return
	}
	p.text(open)
	for i, e := range items {
		if p.Full {
			break
		}
		if i > 0 {
			p.text(", ")
		}
		p.Repr(e)
	}
	if open == "(" && len(items) == 1 {
		p.text(",")
	}
	p.text(end)
	p.depth--
}

func (p *Printer) dict(d *Dict) {
	if !p.enter() {
		return
	}
	p.text("{")
	first := true
	for k, v := range d.All() {
		if p.Full {
			break
		}
		if !first {
			p.text(", ")
		}
		first = false
		p.Repr(k)
		p.text(": ")
		p.Repr(v)
	}
	p.text("}")
	p.depth--
}

func (p *Printer) mapping(m Mapping) {
	if !p.enter() {
		return
	}
	defer func() { p.depth-- }()
	keys, err := m.Keys()
	if err != nil {
		p.text("{...}")
		return
	}
	p.text("{")
	for i, k := range keys {
		if p.Full {
			break
		}
		if i > 0 {
			p.text(", ")
		}
		p.Repr(k)
		p.text(": ")
		if v, _, err := m.Get(k); err != nil {
			p.text("...")
			if p.Err == nil {
				p.Err = err
			}
		} else {
			p.Repr(v)
		}
	}
	p.text("}")
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes s as a Python string literal: single quotes unless only
// those occur in s; what cannot be printed is escaped.
func appendQuoted(dst []byte, s string) []byte {
	quote := byte('\'')
	plain := true
	single, double := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'':
			single = true
		case c == '"':
			double = true
		case c < ' ' || c == '\\' || c >= 0x7f:
			plain = false
		}
	}
	if single && !double {
		quote = '"'
	}
	dst = append(dst, quote)
	if plain && (!single || quote == '"') {
		dst = append(dst, s...)
		return append(dst, quote)
	}
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = appendASCII(dst, c, quote)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			// A byte that is not UTF-8 is what Python calls a surrogate escape.
			dst = append(dst, `\udc`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = appendRune(dst, r)
		}
		i += n
	}
	return append(dst, quote)
}

func appendASCII(dst []byte, c, quote byte) []byte {
	switch c {
	case quote, '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if c < ' ' || c == 0x7f {
		return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, c)
}

func appendRune(dst []byte, r rune) []byte {
	switch {
	case unicode.IsPrint(r):
		return utf8.AppendRune(dst, r)
	case r < 0x100:
		return append(dst, '\\', 'x', hexDigits[r>>4], hexDigits[r&15])
	case r < 0x10000:
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	return fmt.Appendf(dst, `\U%08x`, r)
}
