package value

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
	"unicode/utf8"
)

// JSONOptions are the parameters of Python's json.dumps. The zero value gives
// its default output, except that text is not escaped to ASCII: see ASCII.
type JSONOptions struct {
	Indent   string // per level; "" with Pretty false means one line
	Pretty   bool   // break lines, even with an empty Indent
	ItemSep  string // default ", " (or "," when Pretty)
	KeySep   string // default ": "
	SortKeys bool
	ASCII    bool // escape what is not ASCII, as json.dumps does by default
	Max      int  // largest output in bytes; 0 is no limit
	// Default turns a value JSON has no form for into one that it has.
	Default func(v any) (any, error)
}

// CompactJSON writes no spaces and keeps Unicode.
var CompactJSON = JSONOptions{ItemSep: ",", KeySep: ":"}

// PythonJSON is json.dumps(v).
var PythonJSON = JSONOptions{ASCII: true}

// EncodeJSON writes v as Python's json.dumps does.
func EncodeJSON(v any, o JSONOptions) (string, error) {
	if o.ItemSep == "" {
		o.ItemSep = ", "
		if o.Pretty {
			o.ItemSep = ","
		}
	}
	if o.KeySep == "" {
		o.KeySep = ": "
	}
	e := jsonEncoder{JSONOptions: o}
	if err := e.value(v, 0); err != nil {
		return "", err
	}
	return string(e.out), nil
}

type jsonEncoder struct {
	JSONOptions
	out []byte
}

func (e *jsonEncoder) value(v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("Circular reference detected") //nolint:staticcheck // Python's words
	}
	if e.Max > 0 && len(e.out) > e.Max {
		return fmt.Errorf("the JSON text is larger than %d bytes", e.Max)
	}
	switch v := v.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		e.out = fmt.Appendf(e.out, "%t", v)
	case int:
		e.out = fmt.Appendf(e.out, "%d", v)
	case *big.Int:
		e.out = v.Append(e.out, 10)
	case float64:
		e.out = append(e.out, jsonFloat(v)...)
	case string:
		e.text(v)
	case Unsafe:
		e.text(string(v))
	case Tuple:
		return e.array(v, depth)
	case *List:
		return e.array(v.Items, depth)
	case *Dict:
		return e.object(v.Keys(), func(k any) (any, error) { x, _ := v.Get(k); return x, nil }, depth)
	case Mapping:
		keys, err := v.Keys()
		if err != nil {
			return err
		}
		return e.object(keys, func(k any) (any, error) { x, _, err := v.Get(k); return x, err }, depth)
	default:
		return e.other(v, depth)
	}
	return nil
}

func (e *jsonEncoder) other(v any, depth int) error {
	if e.Default != nil {
		w, err := e.Default(v)
		if err != nil {
			return err
		}
		return e.value(w, depth+1)
	}
	return fmt.Errorf("Object of type %s is not JSON serializable", TypeName(v)) //nolint:staticcheck // Python's words
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return FormatFloat(f)
}

func (e *jsonEncoder) line(depth int) {
	if e.Pretty {
		e.out = append(e.out, '\n')
		for range depth {
			e.out = append(e.out, e.Indent...)
		}
	}
}

func (e *jsonEncoder) array(items []any, depth int) error {
	if len(items) == 0 {
		e.out = append(e.out, "[]"...)
		return nil
	}
	e.out = append(e.out, '[')
	for i, item := range items {
		if i > 0 {
			e.out = append(e.out, e.ItemSep...)
		}
		e.line(depth + 1)
		if err := e.value(item, depth+1); err != nil {
			return err
		}
	}
	e.line(depth)
	e.out = append(e.out, ']')
	return nil
}

func (e *jsonEncoder) object(keys []any, get func(any) (any, error), depth int) error {
	if len(keys) == 0 {
		e.out = append(e.out, "{}"...)
		return nil
	}
	if e.SortKeys {
		sorted, err := Sorted(keys)
		if err != nil {
			return err
		}
		keys = sorted
	}
	e.out = append(e.out, '{')
	for i, k := range keys {
		name, err := jsonKey(k)
		if err != nil {
			return err
		}
		if i > 0 {
			e.out = append(e.out, e.ItemSep...)
		}
		e.line(depth + 1)
		e.text(name)
		e.out = append(e.out, e.KeySep...)
		v, err := get(k)
		if err != nil {
			return err
		}
		if err := e.value(v, depth+1); err != nil {
			return err
		}
	}
	e.line(depth)
	e.out = append(e.out, '}')
	return nil
}

func jsonKey(k any) (string, error) {
	switch k := k.(type) {
	case string:
		return k, nil
	case Unsafe:
		return string(k), nil
	case nil:
		return "null", nil
	case bool:
		return strings.ToLower(Str(k)), nil
	case float64:
		return jsonFloat(k), nil
	case int, *big.Int:
		return Str(k), nil
	}
	return "", fmt.Errorf("keys must be str, int, float, bool or None, not %s", TypeName(k))
}

// Sorted returns the items in Python's order, or its error when two of them
// cannot be compared. It is stable.
func Sorted(items []any) ([]any, error) {
	out := append([]any(nil), items...)
	var fail error
	sort.SliceStable(out, func(i, j int) bool {
		if fail != nil {
			return false
		}
		order, err := Compare(out[i], out[j], "<")
		if err != nil {
			fail = err
		}
		return order == -1
	})
	return out, fail
}

func (e *jsonEncoder) text(s string) {
	e.out = append(e.out, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if e.ASCII || (r == utf8.RuneError && n == 1) {
				e.out = append(e.out, s[start:i]...)
				e.escapeRune(r, n, c)
				start = i + n
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f && e.ASCII {
			e.out = append(e.out, s[start:i]...)
			e.escapeByte(c)
			start = i + 1
		}
		i++
	}
	e.out = append(e.out, s[start:]...)
	e.out = append(e.out, '"')
}

func (e *jsonEncoder) escapeRune(r rune, n int, c byte) {
	switch {
	case r == utf8.RuneError && n == 1:
		e.out = fmt.Appendf(e.out, `\udc%02x`, c)
	case r >= 0x10000:
		r -= 0x10000
		e.out = fmt.Appendf(e.out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
	default:
		e.out = fmt.Appendf(e.out, `\u%04x`, r)
	}
}

func (e *jsonEncoder) escapeByte(c byte) {
	short := map[byte]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	if s, ok := short[c]; ok {
		e.out = append(e.out, s...)
		return
	}
	e.out = append(e.out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
