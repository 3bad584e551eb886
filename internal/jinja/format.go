package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"sunup/internal/value"
)

// spec is how one value is to be printed: Python's format mini-language, which
// % formatting is mapped to.
type spec struct {
	fill      rune
	align     byte // '<', '>', '=', '^' or 0
	sign      byte // '+', '-', ' ' or 0
	alternate bool
	width     int
	group     byte // ',', '_' or 0
	precision int  // -1 when not given
	verb      byte // 0 when not given
}

// maxWidth bounds widths and precisions.
const maxWidth = 1 << 20

// percent is text % args.
func (rt *runtime) percent(format string, args any) (any, error) {
	p := percentFormat{rt: rt, in: format}
	switch a := args.(type) {
	case value.Tuple:
		p.args = a
	case *value.Dict:
		p.named, p.args = a, []any{a}
	default:
		p.args = []any{a}
	}
	for p.i < len(p.in) {
		at := strings.IndexByte(p.in[p.i:], '%')
		if at < 0 {
			p.out = append(p.out, p.in[p.i:]...)
			break
		}
		p.out = append(p.out, p.in[p.i:p.i+at]...)
		p.i += at + 1
		if err := p.one(); err != nil {
			return nil, err
		}
		if len(p.out) > rt.bytes {
			break
		}
	}
	if p.used < len(p.args) && p.named == nil {
		return nil, typeError("not all arguments converted during string formatting")
	}
	return string(p.out), rt.grow(len(p.out))
}

type percentFormat struct {
	rt    *runtime
	in    string
	i     int
	out   []byte
	args  []any
	named *value.Dict
	used  int
}

func (p *percentFormat) next() (any, error) {
	if p.used >= len(p.args) {
		return nil, typeError("not enough arguments for format string")
	}
	p.used++
	return p.args[p.used-1], nil
}

func (p *percentFormat) one() error {
	var v any
	have := false
	if p.i < len(p.in) && p.in[p.i] == '(' {
		end := strings.IndexByte(p.in[p.i:], ')')
		if end < 0 {
			return FilterError("incomplete format key")
		}
		key := p.in[p.i+1 : p.i+end]
		p.i += end + 1
		if p.named == nil {
			return typeError("format requires a mapping")
		}
		x, ok := p.named.Get(key)
		if !ok {
			return FilterError("%s", value.Repr(key))
		}
		v, have = p.rt.clean(x), true
	}
	s := spec{fill: ' ', precision: -1}
	zero, err := p.flags(&s)
	if err != nil {
		return err
	}
	if p.i >= len(p.in) {
		return FilterError("incomplete format")
	}
	s.verb = p.in[p.i]
	p.i++
	if s.verb == '%' {
		p.out = append(p.out, '%')
		return nil
	}
	if !have {
		if v, err = p.next(); err != nil {
			return err
		}
	}
	if zero && s.align == 0 && strings.IndexByte("diuxXoeEfFgG", s.verb) >= 0 {
		s.fill, s.align = '0', '='
	}
	if s.align == 0 {
		s.align = '>'
	}
	text, err := p.rt.formatPercent(v, s)
	p.out = append(p.out, text...)
	return err
}

func (p *percentFormat) flags(s *spec) (zero bool, err error) {
	for ; p.i < len(p.in); p.i++ {
		switch p.in[p.i] {
		case '#':
			s.alternate = true
		case '0':
			zero = true
		case '-':
			s.align = '<'
		case ' ':
			if s.sign == 0 {
				s.sign = ' '
			}
		case '+':
			s.sign = '+'
		default:
			if s.width, err = p.number(); err != nil {
				return zero, err
			}
			if s.width < 0 {
				s.align, s.width = '<', -s.width
			}
			if p.i < len(p.in) && p.in[p.i] == '.' {
				p.i++
				if s.precision, err = p.number(); err != nil {
					return zero, err
				}
			}
			for p.i < len(p.in) && strings.IndexByte("hlL", p.in[p.i]) >= 0 {
				p.i++
			}
			return zero, nil
		}
	}
	return zero, nil
}

func (p *percentFormat) number() (int, error) {
	if p.i < len(p.in) && p.in[p.i] == '*' {
		p.i++
		v, err := p.next()
		if err != nil {
			return 0, err
		}
		n, ok := value.AsInt(v)
		if !ok || n > maxWidth || n < -maxWidth {
			return 0, typeError("* wants int")
		}
		return n, nil
	}
	n := 0
	for ; p.i < len(p.in) && p.in[p.i] >= '0' && p.in[p.i] <= '9'; p.i++ {
		n = n*10 + int(p.in[p.i]-'0')
		if n > maxWidth {
			return 0, FilterError("width too big")
		}
	}
	return n, nil
}

func (rt *runtime) formatPercent(v any, s spec) (string, error) {
	if u, ok := v.(*Undefined); ok && s.verb != 'r' && s.verb != 'a' {
		return "", u.err()
	}
	switch s.verb {
	case 's', 'r', 'a':
		text, err := "", error(nil)
		if s.verb == 's' {
			text, err = rt.str(v)
		} else {
			text, err = rt.repr(v)
		}
		if err != nil {
			return "", err
		}
		return s.pad(cutRunes(text, s.precision)), nil
	case 'c':
		if n, ok := value.AsInt(v); ok {
			return s.pad(string(rune(n))), nil
		}
		if t, ok := v.(string); ok && utf8.RuneCountInString(t) == 1 {
			return s.pad(t), nil
		}
		return "", typeError("%%c requires int or char")
	case 'd', 'i', 'u':
		if f, ok := v.(float64); ok {
			if math.IsInf(f, 0) || math.IsNaN(f) {
				return "", FilterError("cannot convert float %s to integer", value.FormatFloat(f))
			}
			b, _ := big.NewFloat(f).Int(nil)
			v = value.Int(b)
		}
		if _, ok := value.AsBig(v); !ok {
			return "", typeError("%%%c format: a real number is required, not %s", s.verb, value.TypeName(v))
		}
		s.verb = 'd'
		return s.integer(v)
	case 'x', 'X', 'o':
		if _, ok := value.AsBig(v); !ok {
			return "", typeError("%%%c format: an integer is required, not %s", s.verb, value.TypeName(v))
		}
		return s.integer(v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		f, ok := value.AsFloat(v)
		if !ok {
			return "", typeError("must be real number, not %s", value.TypeName(v))
		}
		return s.float(f), nil
	}
	return "", FilterError("unsupported format character '%c' (0x%x)", s.verb, s.verb)
}

func cutRunes(s string, n int) string {
	if n < 0 || len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// pad brings text to the width.
func (s *spec) pad(text string) string {
	n := s.width - utf8.RuneCountInString(text)
	if n <= 0 {
		return text
	}
	fill := string(s.fill)
	switch s.align {
	case '>':
		return strings.Repeat(fill, n) + text
	case '^':
		return strings.Repeat(fill, n/2) + text + strings.Repeat(fill, n-n/2)
	case '=':
		sign := len(text) - len(strings.TrimLeft(text, "+- "))
		if sign > 1 {
			sign = 1
		}
		rest := text[sign:]
		for _, p := range []string{"0x", "0X", "0o", "0b", "0B"} {
			if s.alternate && strings.HasPrefix(rest, p) {
				sign += 2
			}
		}
		return text[:sign] + strings.Repeat(fill, n) + text[sign:]
	}
	return text + strings.Repeat(fill, n)
}

func (s *spec) withSign(neg bool, text string) string {
	switch {
	case neg:
		return "-" + text
	case s.sign == '+' || s.sign == ' ':
		return string(s.sign) + text
	}
	return text
}

func (s *spec) integer(v any) (string, error) {
	n, ok := value.AsBig(v)
	if !ok {
		return "", FilterError("Unknown format code '%c' for object of type '%s'", s.verb, value.TypeName(v))
	}
	base, prefix := 10, ""
	switch s.verb {
	case 'x':
		base, prefix = 16, "0x"
	case 'X':
		base, prefix = 16, "0X"
	case 'o':
		base, prefix = 8, "0o"
	case 'b':
		base, prefix = 2, "0b"
	case 'c':
		return s.pad(string(rune(n.Int64()))), nil
	}
	text := new(big.Int).Abs(n).Text(base)
	if s.verb == 'X' {
		text = strings.ToUpper(text)
	}
	if s.group != 0 {
		every := 3
		if base != 10 {
			every = 4
		}
		text = s.grouped(text, every)
	}
	if s.alternate {
		text = prefix + text
	}
	return s.pad(s.withSign(n.Sign() < 0, text)), nil
}

func (s *spec) grouped(digits string, every int) string {
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%every == 0 {
			b.WriteByte(s.group)
		}
		b.WriteRune(c)
	}
	return b.String()
}

func (s *spec) float(f float64) string {
	neg := math.Signbit(f) && !math.IsNaN(f)
	f = math.Abs(f)
	text := s.digits(f)
	if s.group != 0 {
		whole, rest := text, ""
		if i := strings.IndexAny(text, ".e%"); i >= 0 {
			whole, rest = text[:i], text[i:]
		}
		text = s.grouped(whole, 3) + rest
	}
	return s.pad(s.withSign(neg, text))
}

func (s *spec) digits(f float64) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		text := strings.TrimPrefix(value.FormatFloat(f), "-")
		if s.verb == 'F' || s.verb == 'E' || s.verb == 'G' {
			text = strings.ToUpper(text)
		}
		if s.verb == '%' {
			text += "%"
		}
		return text
	}
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	switch s.verb {
	case 'e', 'E':
		text := strconv.FormatFloat(f, s.verb|0x20, precision, 64)
		if s.verb == 'E' {
			text = strings.ToUpper(text)
		}
		return text
	case 'f', 'F':
		return strconv.FormatFloat(f, 'f', precision, 64)
	case '%':
		return strconv.FormatFloat(f*100, 'f', precision, 64) + "%"
	case 'g', 'G':
		text := general(f, max(precision, 1), s.alternate)
		if s.verb == 'G' {
			text = strings.ToUpper(text)
		}
		return text
	}
	if s.precision < 0 {
		return value.FormatFloat(f)
	}
	text := general(f, max(precision, 1), false)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// general is C's %g.
func general(f float64, precision int, keepZeros bool) string {
	exponent := 0
	if f != 0 {
		e := strconv.FormatFloat(f, 'e', precision-1, 64)
		exponent, _ = strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	}
	var text, tail string
	if exponent < -4 || exponent >= precision {
		text = strconv.FormatFloat(f, 'e', precision-1, 64)
		i := strings.IndexByte(text, 'e')
		text, tail = text[:i], text[i:]
	} else {
		text = strconv.FormatFloat(f, 'f', max(precision-1-exponent, 0), 64)
	}
	if !keepZeros && strings.IndexByte(text, '.') >= 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + tail
}

// strFormat is text.format(...).
func strFormat(c *Call) (any, error) {
	f := braceFormat{rt: c.rt, args: c.Args, kw: c.Kwargs()}
	out, err := f.expand(c.Value.(string), 0)
	if err != nil {
		return nil, err
	}
	return c.result(out)
}

func strFormatMap(c *Call) (any, error) {
	d, err := c.rt.toDict(c.arg(0, nil))
	if err != nil {
		return nil, err
	}
	f := braceFormat{rt: c.rt, kw: d}
	out, err := f.expand(c.Value.(string), 0)
	if err != nil {
		return nil, err
	}
	return c.result(out)
}

type braceFormat struct {
	rt   *runtime
	args []any
	kw   *value.Dict
	auto int
}

func (f *braceFormat) expand(in string, depth int) (string, error) {
	if depth > 2 {
		return "", FilterError("Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(in); {
		c := in[i]
		if c != '{' && c != '}' {
			b.WriteByte(c)
			i++
			continue
		}
		if i+1 < len(in) && in[i+1] == c {
			b.WriteByte(c)
			i += 2
			continue
		}
		if c == '}' {
			return "", FilterError("Single '}' encountered in format string")
		}
		end := closingBrace(in, i)
		if end < 0 {
			return "", FilterError("Single '{' encountered in format string")
		}
		text, err := f.field(in[i+1:end], depth)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		if b.Len() > f.rt.bytes {
			return "", f.rt.grow(b.Len())
		}
		i = end + 1
	}
	return b.String(), nil
}

func closingBrace(in string, at int) int {
	depth := 0
	for i := at; i < len(in); i++ {
		switch in[i] {
		case '{':
			depth++
		case '}':
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (f *braceFormat) field(field string, depth int) (string, error) {
	name, rest := field, ""
	if i := strings.IndexAny(field, ":!"); i >= 0 {
		name, rest = field[:i], field[i:]
	}
	conversion := byte(0)
	if strings.HasPrefix(rest, "!") && len(rest) > 1 {
		conversion, rest = rest[1], rest[2:]
	}
	format, err := f.expand(strings.TrimPrefix(rest, ":"), depth+1)
	if err != nil {
		return "", err
	}
	v, err := f.lookup(name)
	if err != nil {
		return "", err
	}
	switch conversion {
	case 's':
		v, err = f.rt.str(v)
	case 'r', 'a':
		v, err = f.rt.repr(v)
	}
	if err != nil {
		return "", err
	}
	return f.rt.formatValue(v, format)
}

func (f *braceFormat) lookup(name string) (any, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	v, err := f.first(name[:end])
	rest := name[end:]
	for rest != "" && err == nil {
		switch rest[0] {
		case '.':
			rest = rest[1:]
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			v, err = f.rt.getAttrOnly(v, rest[:end])
			rest = rest[end:]
		case '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, FilterError("Missing ']' in format string")
			}
			var key any = rest[1:end]
			if n, ok := value.ParseInt(rest[1:end], 10); ok {
				key = n
			}
			v, err = f.rt.getItem(v, key)
			rest = rest[end+1:]
		default:
			return nil, FilterError("Only '.' or '[' may follow ']' in format field specifier")
		}
	}
	return v, err
}

func (f *braceFormat) first(key string) (any, error) {
	n := f.auto
	if key == "" {
		f.auto++
	} else if i, err := strconv.Atoi(key); err == nil {
		n = i
	} else {
		v, ok := f.kw.Get(key)
		if !ok {
			return nil, FilterError("%s", value.Repr(key))
		}
		return v, nil
	}
	if n < 0 || n >= len(f.args) {
		return nil, FilterError("Replacement index %d out of range for positional args tuple", n)
	}
	return f.args[n], nil
}

// formatValue is format(v, text).
func (rt *runtime) formatValue(v any, text string) (string, error) {
	if u, ok := v.(*Undefined); ok {
		return "", u.err()
	}
	if text == "" {
		return rt.str(v)
	}
	if d, ok := v.(*dateTime); ok {
		return d.format(text), nil
	}
	s, err := parseSpec(text)
	if err != nil {
		return "", err
	}
	if err := rt.grow(s.width); err != nil {
		return "", err
	}
	return rt.format(v, s)
}

func (rt *runtime) format(v any, s spec) (string, error) {
	isNumber := value.IsNumber(v)
	if s.align == 0 {
		s.align = '<'
		if isNumber {
			s.align = '>'
		}
	}
	bad := func() (string, error) {
		return "", FilterError("Unknown format code '%c' for object of type '%s'", s.verb, value.TypeName(v))
	}
	switch n := v.(type) {
	case string:
		if s.verb != 0 && s.verb != 's' {
			return bad()
		}
		if s.align == '=' {
			return "", FilterError("'=' alignment not allowed in string format specifier")
		}
		return s.pad(cutRunes(n, s.precision)), nil
	case float64:
		if s.verb != 0 && strings.IndexByte("eEfFgG%n", s.verb) < 0 {
			return bad()
		}
		if s.verb == 'n' {
			s.verb = 'g'
		}
		return s.float(n), nil
	}
	if !isNumber {
		return "", typeError("unsupported format string passed to %s.__format__", value.TypeName(v))
	}
	if b, ok := v.(bool); ok && s.verb == 0 {
		if b {
			v = 1
		} else {
			v = 0
		}
	}
	switch s.verb {
	case 0, 'd', 'n', 'x', 'X', 'o', 'b', 'c':
		if s.precision >= 0 {
			return "", FilterError("Precision not allowed in integer format specifier")
		}
		return s.integer(v)
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		f, _ := value.AsFloat(v)
		return s.float(f), nil
	}
	return bad()
}

func parseSpec(text string) (spec, error) {
	s := spec{fill: ' ', precision: -1}
	in := []rune(text)
	i := 0
	isAlign := func(at int) bool { return at < len(in) && strings.ContainsRune("<>=^", in[at]) }
	if isAlign(1) {
		s.fill, s.align = in[0], byte(in[1])
		i = 2
	} else if isAlign(0) {
		s.align = byte(in[0])
		i = 1
	}
	if i < len(in) && strings.ContainsRune("+- ", in[i]) {
		s.sign = byte(in[i])
		i++
	}
	if i < len(in) && in[i] == '#' {
		s.alternate = true
		i++
	}
	if i < len(in) && in[i] == '0' {
		if s.align == 0 {
			s.fill, s.align = '0', '='
		}
		i++
	}
	number := func() (int, error) {
		n := 0
		for ; i < len(in) && in[i] >= '0' && in[i] <= '9'; i++ {
			n = n*10 + int(in[i]-'0')
			if n > maxWidth {
				return 0, FilterError("Too many decimal digits in format string")
			}
		}
		return n, nil
	}
	var err error
	if s.width, err = number(); err != nil {
		return s, err
	}
	if i < len(in) && (in[i] == ',' || in[i] == '_') {
		s.group = byte(in[i])
		i++
	}
	if i < len(in) && in[i] == '.' {
		i++
		if i >= len(in) || in[i] < '0' || in[i] > '9' {
			return s, FilterError("Format specifier missing precision")
		}
		if s.precision, err = number(); err != nil {
			return s, err
		}
	}
	if i < len(in) && in[i] < utf8.RuneSelf {
		s.verb = byte(in[i])
		i++
	}
	if i < len(in) {
		return s, FilterError("Invalid format specifier '%s'", text)
	}
	return s, nil
}
