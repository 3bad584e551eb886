package value

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func isBig(v any) bool { _, ok := v.(*big.Int); return ok }

// Int returns n as the smallest of the two integer types.
func Int(n *big.Int) any {
	if n.IsInt64() {
		return int(n.Int64())
	}
	return n
}

// AsBig returns an int, bool or big integer as a big integer, which the caller
// must not change.
func AsBig(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case int:
		return big.NewInt(int64(v)), true
	case *big.Int:
		return v, true
	case bool:
		if v {
			return big.NewInt(1), true
		}
		return new(big.Int), true
	}
	return nil, false
}

// AsInt returns an int or bool as a Go int; it does not parse text.
func AsInt(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// AsFloat returns any number as a float; it does not parse text.
func AsFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	return 0, false
}

// IsNumber reports whether v is a Python number (bool included).
func IsNumber(v any) bool {
	switch v.(type) {
	case int, bool, float64, *big.Int:
		return true
	}
	return false
}

// maxDigits is Python's own limit on the length of an integer in text; longer
// ones make conversion quadratic.
const maxDigits = 4300

// ParseInt reads text as Python's int(text, base) does. Base 0 takes the
// prefix of a literal.
func ParseInt(s string, base int) (any, bool) {
	s = asciiDigits(strings.TrimFunc(s, isSpace))
	neg := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '0' {
		want := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[s[1]]
		if want != 0 && (base == 0 || base == want) {
			base = want
			s = strings.TrimPrefix(s[2:], "_")
		} else if base == 0 && strings.Trim(s, "0_") != "" {
			return nil, false
		}
	}
	if base == 0 {
		base = 10
	}
	if s == "" || s[0] == '_' || s[len(s)-1] == '_' || strings.Contains(s, "__") || s[0] == '+' || s[0] == '-' {
		return nil, false
	}
	s = strings.ReplaceAll(s, "_", "")
	if len(s) > maxDigits && base&(base-1) != 0 {
		return nil, false
	}
	if n, err := strconv.ParseInt(s, base, 64); err == nil {
		if neg {
			n = -n
		}
		return int(n), true
	}
	n, ok := new(big.Int).SetString(s, base)
	if !ok {
		return nil, false
	}
	if neg {
		n.Neg(n)
	}
	return Int(n), true
}

// asciiDigits replaces the decimal digits of other scripts, which int() takes
// too. Each script's digits stand together in the order of their values.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf || !unicode.IsDigit(r) {
			return r
		}
		n := rune(0)
		for unicode.IsDigit(r - n - 1) {
			n++
		}
		return '0' + n%10
	}, s)
}

// ParseFloat reads text as Python's float(text) does.
func ParseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	body := strings.ToLower(strings.TrimLeft(s, "+-"))
	if len(s)-len(body) > 1 || body == "" {
		return 0, false
	}
	switch body {
	case "nan", "inf", "infinity":
	default:
		if strings.ContainsAny(body, "xpn") || body[0] == '_' || body[len(body)-1] == '_' || strings.Contains(body, "__") {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

func isSpace(r rune) bool {
	switch {
	case r == ' ', r >= 9 && r <= 13, r >= 0x1c && r <= 0x1f, r == 0x85, r == 0xa0, r == 0x1680,
		r >= 0x2000 && r <= 0x200a, r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
		return true
	}
	return false
}

// IsSpace reports whether Python's str.isspace and str.strip take r for white
// space.
func IsSpace(r rune) bool { return isSpace(r) }

// FormatFloat prints f as Python's repr does.
func FormatFloat(f float64) string { return string(appendFloat(nil, f)) }

func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}
