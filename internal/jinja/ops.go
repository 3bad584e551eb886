package jinja

import (
	"math"
	"math/big"
	"strings"
	"unicode/utf8"

	"sunup/internal/value"
)

type (
	binaryFn  func(rt *runtime, a, b any) (any, error)
	compareFn func(rt *runtime, a, b any) (bool, error)
)

var binaryOps = map[string]binaryFn{
	"+": add, "-": subtract, "*": multiply, "/": divide, "//": floorDivide, "%": modulo, "**": power,
}

var compareOps = map[string]compareFn{
	"==":     equalOp,
	"!=":     func(rt *runtime, a, b any) (bool, error) { ok, err := equalOp(rt, a, b); return !ok, err },
	"<":      func(_ *runtime, a, b any) (bool, error) { o, err := order(a, b, "<"); return o == -1, err },
	"<=":     func(_ *runtime, a, b any) (bool, error) { o, err := order(a, b, "<="); return o <= 0, err },
	">":      func(_ *runtime, a, b any) (bool, error) { o, err := order(a, b, ">"); return o == 1, err },
	">=":     func(_ *runtime, a, b any) (bool, error) { o, err := order(a, b, ">="); return o == 0 || o == 1, err },
	"in":     contains,
	"not in": func(rt *runtime, a, b any) (bool, error) { ok, err := contains(rt, a, b); return !ok, err },
}

func equalOp(_ *runtime, a, b any) (bool, error) {
	if err := bothDefined(a, b); err != nil {
		return false, err
	}
	return value.Equal(a, b), nil
}

func order(a, b any, op string) (int, error) {
	if x, ok := a.(int); ok {
		if y, ok := b.(int); ok {
			switch {
			case x < y:
				return -1, nil
			case x > y:
				return 1, nil
			}
			return 0, nil
		}
	}
	if err := bothDefined(a, b); err != nil {
		return 0, err
	}
	o, err := value.Compare(a, b, op)
	if err != nil {
		return 0, typeError("%s", err)
	}
	return o, nil
}

func bothDefined(a, b any) error {
	if u, ok := a.(*Undefined); ok && !u.lenient {
		return u.err()
	}
	if u, ok := b.(*Undefined); ok && !u.lenient {
		return u.err()
	}
	return nil
}

// contains is "a in b".
func contains(rt *runtime, a, b any) (bool, error) {
	if err := bothDefined(a, b); err != nil {
		return false, err
	}
	switch b := b.(type) {
	case string:
		s, ok := a.(string)
		if !ok {
			return false, typeError("'in <string>' requires string as left operand, not %s", value.TypeName(a))
		}
		return strings.Contains(b, s), nil
	case *value.Dict:
		if err := hashable(a); err != nil {
			return false, err
		}
		return b.Has(a), nil
	case *value.List:
		return rt.among(a, b.Items)
	case value.Tuple:
		return rt.among(a, b)
	case *pyRange:
		return b.contains(a), nil
	case value.Mapping:
		_, ok, err := b.Get(a)
		return ok, err
	}
	return false, typeError("argument of type '%s' is not iterable", value.TypeName(b))
}

func (rt *runtime) among(v any, items []any) (bool, error) {
	if err := rt.stepN(len(items) / 8); err != nil {
		return false, err
	}
	for _, e := range items {
		if value.Equal(v, e) {
			return true, nil
		}
	}
	return false, nil
}

func unsupported(op string, a, b any) error {
	if err := bothDefined(a, b); err != nil {
		return err
	}
	return typeError("unsupported operand type(s) for %s: '%s' and '%s'", op, value.TypeName(a), value.TypeName(b))
}

// numbers classifies two operands: both machine integers, integers of any
// size, or at least one float.
type numbers struct {
	kind byte // 'i', 'b', 'f'; 0 when one is not a number
	i, j int
	m, n *big.Int
	x, y float64
}

func classify(a, b any) (n numbers) {
	i, ok1 := value.AsInt(a)
	j, ok2 := value.AsInt(b)
	if ok1 && ok2 {
		return numbers{kind: 'i', i: i, j: j}
	}
	if !value.IsNumber(a) || !value.IsNumber(b) {
		return numbers{}
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, _ := value.AsFloat(a)
		y, _ := value.AsFloat(b)
		return numbers{kind: 'f', x: x, y: y}
	}
	n.kind = 'b'
	n.m, _ = value.AsBig(a)
	n.n, _ = value.AsBig(b)
	return n
}

func (n *numbers) toBig() {
	if n.kind == 'i' {
		n.m, n.n = big.NewInt(int64(n.i)), big.NewInt(int64(n.j))
	}
}

func add(rt *runtime, a, b any) (any, error) {
	switch x := a.(type) {
	case int:
		if y, ok := b.(int); ok {
			if s := x + y; (s > x) == (y > 0) {
				return s, nil
			}
		}
	case string:
		if y, ok := b.(string); ok {
			if err := rt.grow(len(x) + len(y)); err != nil {
				return nil, err
			}
			return x + y, nil
		}
		if err := bothDefined(a, b); err != nil {
			return nil, err
		}
		return nil, typeError("can only concatenate str (not \"%s\") to str", value.TypeName(b))
	case *value.List:
		if y, ok := b.(*value.List); ok {
			items, err := rt.joined(x.Items, y.Items)
			return &value.List{Items: items}, err
		}
		if err := bothDefined(a, b); err != nil {
			return nil, err
		}
		return nil, typeError("can only concatenate list (not \"%s\") to list", value.TypeName(b))
	case value.Tuple:
		if y, ok := b.(value.Tuple); ok {
			items, err := rt.joined(x, y)
			return value.Tuple(items), err
		}
	case *dateTime:
		if d, ok := b.(timeDelta); ok {
			return x.plus(d), nil
		}
	case timeDelta:
		switch y := b.(type) {
		case timeDelta:
			return x + y, nil
		case *dateTime:
			return y.plus(x), nil
		}
	}
	n := classify(a, b)
	switch n.kind {
	case 'i', 'b':
		n.toBig()
		return value.Int(new(big.Int).Add(n.m, n.n)), nil
	case 'f':
		return n.x + n.y, nil
	}
	return nil, unsupported("+", a, b)
}

func (rt *runtime) joined(a, b []any) ([]any, error) {
	if err := rt.grow(16 * (len(a) + len(b))); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(a)+len(b))
	return append(append(out, a...), b...), nil
}

func subtract(_ *runtime, a, b any) (any, error) {
	n := classify(a, b)
	switch n.kind {
	case 'i':
		if d := n.i - n.j; (d < n.i) == (n.j > 0) {
			return d, nil
		}
		fallthrough
	case 'b':
		n.toBig()
		return value.Int(new(big.Int).Sub(n.m, n.n)), nil
	case 'f':
		return n.x - n.y, nil
	}
	switch x := a.(type) {
	case *dateTime:
		switch y := b.(type) {
		case *dateTime:
			return x.minus(y), nil
		case timeDelta:
			return x.plus(-y), nil
		}
	case timeDelta:
		if y, ok := b.(timeDelta); ok {
			return x - y, nil
		}
	}
	return nil, unsupported("-", a, b)
}

func multiply(rt *runtime, a, b any) (any, error) {
	n := classify(a, b)
	switch n.kind {
	case 'i':
		if n.i == 0 || n.j == 0 {
			return 0, nil
		}
		if p := n.i * n.j; p/n.j == n.i && !(n.i == -1 && n.j == math.MinInt) && !(n.j == -1 && n.i == math.MinInt) {
			return p, nil
		}
		fallthrough
	case 'b':
		n.toBig()
		if err := rt.bits(n.m.BitLen() + n.n.BitLen()); err != nil {
			return nil, err
		}
		return value.Int(new(big.Int).Mul(n.m, n.n)), nil
	case 'f':
		return n.x * n.y, nil
	}
	if times, ok := value.AsInt(b); ok {
		return rt.repeat(a, times, b)
	}
	if times, ok := value.AsInt(a); ok {
		return rt.repeat(b, times, a)
	}
	switch a.(type) {
	case string, *value.List, value.Tuple:
		if err := bothDefined(a, b); err != nil {
			return nil, err
		}
		return nil, typeError("can't multiply sequence by non-int of type '%s'", value.TypeName(b))
	}
	return nil, unsupported("*", a, b)
}

// maxBits bounds the size of integers: their arithmetic cannot be cancelled.
const maxBits = 1 << 20

func (rt *runtime) bits(n int) error {
	if n > maxBits {
		return problem(KindLimit, "the number is too large (more than %d bits)", maxBits)
	}
	return rt.grow(n / 8)
}

func (rt *runtime) repeat(v any, times int, other any) (any, error) {
	if times < 0 {
		times = 0
	}
	switch v := v.(type) {
	case string:
		if err := rt.product(len(v), times); err != nil {
			return nil, err
		}
		return strings.Repeat(v, times), nil
	case *value.List:
		items, err := rt.repeatItems(v.Items, times)
		return &value.List{Items: items}, err
	case value.Tuple:
		items, err := rt.repeatItems(v, times)
		return value.Tuple(items), err
	}
	return nil, unsupported("*", v, other)
}

// product counts n*times bytes without overflowing.
func (rt *runtime) product(n, times int) error {
	if n > 0 && times > rt.env.limits.Bytes/n {
		return rt.grow(rt.bytes + 1)
	}
	return rt.grow(n * times)
}

func (rt *runtime) repeatItems(items []any, times int) ([]any, error) {
	if err := rt.product(16*len(items), times); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(items)*times)
	if len(items) == 0 {
		return out, nil
	}
	for range times {
		out = append(out, items...)
	}
	return out, nil
}

func divide(_ *runtime, a, b any) (any, error) {
	n := classify(a, b)
	switch n.kind {
	case 'i':
		n.x, n.y = float64(n.i), float64(n.j)
		if abs(n.i) > 1<<53 || abs(n.j) > 1<<53 {
			n.toBig()
			return quotient(n.m, n.n)
		}
	case 'b':
		return quotient(n.m, n.n)
	case 'f':
		if n.y == 0 {
			return nil, typeError("float division by zero")
		}
	default:
		return nil, unsupported("/", a, b)
	}
	if n.y == 0 {
		return nil, typeError("division by zero")
	}
	return n.x / n.y, nil
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func quotient(m, n *big.Int) (any, error) {
	if n.Sign() == 0 {
		return nil, typeError("division by zero")
	}
	f, _ := new(big.Rat).SetFrac(m, n).Float64()
	if math.IsInf(f, 0) {
		return nil, typeError("integer division result too large for a float")
	}
	return f, nil
}

func floorDivide(_ *runtime, a, b any) (any, error) {
	n := classify(a, b)
	switch n.kind {
	case 'i':
		if n.j == 0 {
			return nil, typeError("integer division or modulo by zero")
		}
		if n.j == -1 {
			n.toBig()
			return value.Int(new(big.Int).Neg(n.m)), nil
		}
		q := n.i / n.j
		if n.i%n.j != 0 && (n.i < 0) != (n.j < 0) {
			q--
		}
		return q, nil
	case 'b':
		if n.n.Sign() == 0 {
			return nil, typeError("integer division or modulo by zero")
		}
		q, _ := floorDivMod(n.m, n.n)
		return value.Int(q), nil
	case 'f':
		if n.y == 0 {
			return nil, typeError("float floor division by zero")
		}
		m := floatMod(n.x, n.y)
		return math.Round((n.x - m) / n.y), nil
	}
	return nil, unsupported("//", a, b)
}

func floorDivMod(m, n *big.Int) (q, r *big.Int) {
	q, r = new(big.Int).QuoRem(m, n, new(big.Int))
	if r.Sign() != 0 && r.Sign() != n.Sign() {
		q.Sub(q, big.NewInt(1))
		r.Add(r, n)
	}
	return q, r
}

func floatMod(x, y float64) float64 {
	m := math.Mod(x, y)
	if m != 0 && (m < 0) != (y < 0) {
		m += y
	}
	return m
}

func modulo(rt *runtime, a, b any) (any, error) {
	if s, ok := a.(string); ok {
		return rt.percent(s, b)
	}
	n := classify(a, b)
	switch n.kind {
	case 'i':
		if n.j == 0 {
			return nil, typeError("integer modulo by zero")
		}
		if n.j == -1 {
			return 0, nil
		}
		m := n.i % n.j
		if m != 0 && (m < 0) != (n.j < 0) {
			m += n.j
		}
		return m, nil
	case 'b':
		if n.n.Sign() == 0 {
			return nil, typeError("integer modulo by zero")
		}
		_, r := floorDivMod(n.m, n.n)
		return value.Int(r), nil
	case 'f':
		if n.y == 0 {
			return nil, typeError("float modulo")
		}
		return floatMod(n.x, n.y), nil
	}
	return nil, unsupported("%", a, b)
}

func power(rt *runtime, a, b any) (any, error) {
	n := classify(a, b)
	switch n.kind {
	case 'i', 'b':
		n.toBig()
		if n.n.Sign() < 0 {
			x, _ := value.AsFloat(a)
			y, _ := value.AsFloat(b)
			return floatPower(x, y)
		}
		if n.m.BitLen() <= 1 {
			return trivialPower(n.m, n.n), nil
		}
		if !n.n.IsInt64() || n.n.Int64() > maxBits {
			return nil, rt.bits(maxBits + 1)
		}
		if err := rt.bits(n.m.BitLen() * int(n.n.Int64())); err != nil {
			return nil, err
		}
		return value.Int(new(big.Int).Exp(n.m, n.n, nil)), nil
	case 'f':
		return floatPower(n.x, n.y)
	}
	return nil, unsupported("** or pow()", a, b)
}

// trivialPower raises 0, 1 or -1, which stays small whatever the exponent.
func trivialPower(m, n *big.Int) any {
	switch {
	case n.Sign() == 0:
		return 1
	case m.Sign() < 0 && n.Bit(0) == 0:
		return 1
	}
	return value.Int(m)
}

func floatPower(x, y float64) (any, error) {
	if x == 0 && y < 0 {
		return nil, typeError("0.0 cannot be raised to a negative power")
	}
	if x < 0 && y != math.Trunc(y) {
		return nil, typeError("a negative number to a fractional power is a complex number, which is not supported")
	}
	f := exactPow(x, y)
	if math.IsInf(f, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return nil, typeError("(34, 'Numerical result out of range')")
	}
	return f, nil
}

func signed(v any, neg bool) (any, error) {
	switch n := v.(type) {
	case int:
		if !neg {
			return n, nil
		}
		if n != math.MinInt {
			return -n, nil
		}
	case float64:
		if neg {
			return -n, nil
		}
		return n, nil
	case timeDelta:
		if neg {
			return -n, nil
		}
		return n, nil
	case *Undefined:
		return nil, n.err()
	}
	b, ok := value.AsBig(v)
	if !ok {
		op := "+"
		if neg {
			op = "-"
		}
		return nil, typeError("bad operand type for unary %s: '%s'", op, value.TypeName(v))
	}
	if neg {
		b = new(big.Int).Neg(b)
	}
	return value.Int(b), nil
}

// attributes is implemented by objects of this package that templates look
// into.
type attributes interface {
	attribute(name string) (any, bool)
}

// getAttr is "of.name": an attribute, or else an item.
func (rt *runtime) getAttr(of any, name string) (any, error) {
	switch o := of.(type) {
	case *Undefined:
		if strings.HasPrefix(name, "__") || o.lenient {
			return nil, o.err()
		}
		return o, nil
	case *value.Dict:
		if isDictMethod(name) {
			return rt.bound(o, name)
		}
		if v, ok := o.Get(name); ok {
			return rt.clean(v), nil
		}
		if name == "__class__" {
			return &pyClass{"dict"}, nil
		}
		return noAttribute(o, name), nil
	case attributes:
		if v, ok := o.attribute(name); ok {
			return v, nil
		}
		return noAttribute(of, name), nil
	case value.Mapping:
		if isDictMethod(name) {
			return rt.bound(o, name)
		}
		return rt.lazyItem(o, name)
	}
	if methodOf(of, name) != nil {
		return rt.bound(of, name)
	}
	if name == "__class__" {
		return &pyClass{value.TypeName(of)}, nil
	}
	return noAttribute(of, name), nil
}

func (rt *runtime) lazyItem(m value.Mapping, key any) (any, error) {
	v, ok, err := m.Get(key)
	if err != nil {
		if IsUndefined(err) {
			return &Undefined{Name: value.Str(key), Hint: Message(err)}, nil
		}
		return nil, err
	}
	if !ok {
		return noElement(m, key), nil
	}
	if rt.mutates {
		return rt.clone(rt.clean(v))
	}
	return rt.clean(v), nil
}

// bound is a method of a value, not called yet.
func (rt *runtime) bound(self any, name string) (any, error) {
	f := methodOf(self, name)
	if f == nil {
		return noAttribute(self, name), nil
	}
	return &method{self, name, f}, nil
}

type method struct {
	self any
	name string
	f    Func
}

func (m *method) PyType() string { return "builtin_function_or_method" }

func (m *method) call(c *Call) (any, error) {
	c.Value = m.self
	c.Name = m.name
	return m.f(c)
}

// native is a function of this package as a value.
type native struct {
	name string
	f    Func
}

func (n *native) PyType() string            { return "function" }
func (n *native) call(c *Call) (any, error) { return n.f(c) }

// pyClass is the class of a value: x.__class__.
type pyClass struct{ name string }

// PyType implements value.Typed.
func (*pyClass) PyType() string { return "type" }

// PyRepr implements value.Printed.
func (k *pyClass) PyRepr() string { return "<class '" + k.name + "'>" }

// PyStr implements value.Printed.
func (k *pyClass) PyStr() string { return k.PyRepr() }

func (k *pyClass) attribute(name string) (any, bool) {
	if name == "__name__" {
		return k.name, true
	}
	return nil, false
}

// pySlice is a slice as a subscript.
type pySlice struct{ lo, hi, step any }

func (s *pySlice) PyType() string { return "slice" }

// getItem is "of[key]": an item, or else an attribute.
func (rt *runtime) getItem(of, key any) (any, error) {
	if u, ok := key.(*Undefined); ok {
		switch of.(type) {
		case *Undefined:
		case *value.List, value.Tuple, string:
			return noElement(of, key), nil
		default:
			return nil, u.err()
		}
	}
	switch o := of.(type) {
	case *Undefined:
		if o.lenient {
			return nil, o.err()
		}
		return o, nil
	case *value.Dict:
		if value.Hashable(key) {
			if v, ok := o.Get(key); ok {
				return rt.clean(v), nil
			}
		}
	case *value.List:
		if v, ok, err := rt.index(o, o.Items, key); ok || err != nil {
			return v, err
		}
	case value.Tuple:
		if v, ok, err := rt.index(o, o, key); ok || err != nil {
			return v, err
		}
	case string:
		if v, ok, err := rt.indexText(o, key); ok || err != nil {
			return v, err
		}
	case value.Sequenced:
		items, err := rt.iterate(o)
		if err != nil {
			return nil, err
		}
		if v, ok, err := rt.index(o, items, key); ok || err != nil {
			return v, err
		}
	case value.Mapping:
		return rt.lazyItem(o, key)
	}
	if name, ok := key.(string); ok {
		return rt.getAttrOnly(of, name)
	}
	return noElement(of, key), nil
}

func (rt *runtime) getAttrOnly(of any, name string) (any, error) {
	if o, ok := of.(attributes); ok {
		if v, ok := o.attribute(name); ok {
			return v, nil
		}
	} else if methodOf(of, name) != nil {
		return rt.bound(of, name)
	}
	return noAttribute(of, name), nil
}

func (rt *runtime) index(of any, items []any, key any) (any, bool, error) {
	if i, ok := value.AsInt(key); ok {
		if i < 0 {
			i += len(items)
		}
		if i < 0 || i >= len(items) {
			return nil, false, nil
		}
		return rt.clean(items[i]), true, nil
	}
	s, ok := key.(*pySlice)
	if !ok {
		return nil, false, nil
	}
	picked, err := rt.pick(len(items), s)
	if err != nil {
		return nil, false, err
	}
	out := make([]any, len(picked))
	for i, at := range picked {
		out[i] = items[at]
	}
	if _, isTuple := of.(value.Tuple); isTuple {
		return value.Tuple(out), true, nil
	}
	return &value.List{Items: out}, true, nil
}

func (rt *runtime) indexText(s string, key any) (any, bool, error) {
	ascii := isASCII(s)
	if i, ok := value.AsInt(key); ok {
		if ascii {
			if i < 0 {
				i += len(s)
			}
			if i < 0 || i >= len(s) {
				return nil, false, nil
			}
			return s[i : i+1], true, nil
		}
		runes := []rune(s)
		if i < 0 {
			i += len(runes)
		}
		if i < 0 || i >= len(runes) {
			return nil, false, nil
		}
		return string(runes[i]), true, nil
	}
	sl, ok := key.(*pySlice)
	if !ok {
		return nil, false, nil
	}
	if ascii && (sl.step == nil || sl.step == 1) {
		lo, hi, _, err := sl.bounds(len(s))
		if err != nil {
			return nil, false, err
		}
		return s[lo:max(lo, hi)], true, nil
	}
	runes := []rune(s)
	picked, err := rt.pick(len(runes), sl)
	if err != nil {
		return nil, false, err
	}
	var b strings.Builder
	for _, at := range picked {
		b.WriteRune(runes[at])
	}
	return b.String(), true, nil
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// bounds resolves a slice for a sequence of n items.
func (s *pySlice) bounds(n int) (lo, hi, step int, err error) {
	step = 1
	if s.step != nil {
		if step, err = sliceIndex(s.step); err != nil {
			return 0, 0, 0, err
		}
		if step == 0 {
			return 0, 0, 0, typeError("slice step cannot be zero")
		}
	}
	least, most := 0, n
	if step < 0 {
		least, most = -1, n-1
	}
	end := func(v any, otherwise int) (int, error) {
		if v == nil {
			return otherwise, nil
		}
		i, err := sliceIndex(v)
		if err != nil {
			return 0, err
		}
		if i < 0 {
			i += n
		}
		return min(max(i, least), most), nil
	}
	first, last := least, most
	if step < 0 {
		first, last = most, least
	}
	if lo, err = end(s.lo, first); err != nil {
		return 0, 0, 0, err
	}
	hi, err = end(s.hi, last)
	return lo, hi, step, err
}

func sliceIndex(v any) (int, error) {
	if u, ok := v.(*Undefined); ok {
		return 0, u.err()
	}
	if i, ok := value.AsInt(v); ok {
		return i, nil
	}
	if b, ok := v.(*big.Int); ok {
		if b.Sign() < 0 {
			return math.MinInt / 2, nil
		}
		return math.MaxInt / 2, nil
	}
	return 0, typeError("slice indices must be integers or None or have an __index__ method")
}

// pick lists the places that a slice selects.
func (rt *runtime) pick(n int, s *pySlice) ([]int, error) {
	lo, hi, step, err := s.bounds(n)
	if err != nil {
		return nil, err
	}
	if err := rt.stepN(n / 16); err != nil {
		return nil, err
	}
	if err := rt.grow(8 * n); err != nil {
		return nil, err
	}
	var out []int
	if step > 0 {
		for i := lo; i < hi; i += step {
			out = append(out, i)
			if i > hi-step {
				break
			}
		}
	} else {
		for i := lo; i > hi; i += step {
			out = append(out, i)
			if i < hi-step {
				break
			}
		}
	}
	return out, nil
}
