package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseJSON reads one JSON text as Python's json.loads does: the order of keys
// is kept, integers are exact, NaN and Infinity are accepted. The error has
// Python's words and place.
func ParseJSON(data []byte) (any, error) {
	d := jsonDecoder{s: string(data)}
	if strings.HasPrefix(d.s, "\ufeff") {
		return nil, fmt.Errorf("Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)") //nolint:staticcheck // Python's words
	}
	d.space()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.space()
	if d.i < len(d.s) {
		return nil, d.fail("Extra data", d.i)
	}
	return v, nil
}

type jsonDecoder struct {
	s     string
	i     int
	names Names
}

func (d *jsonDecoder) fail(what string, at int) error {
	before := d.s[:min(at, len(d.s))]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("%s: line %d column %d (char %d)", what, line, column, utf8.RuneCountInString(before))
}

func (d *jsonDecoder) space() {
	for d.i < len(d.s) && strings.IndexByte(" \t\r\n", d.s[d.i]) >= 0 {
		d.i++
	}
}

func (d *jsonDecoder) peek() byte {
	if d.i < len(d.s) {
		return d.s[d.i]
	}
	return 0
}

var jsonWords = []struct {
	word string
	v    any
}{
	{"null", nil}, {"true", true}, {"false", false},
	{"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
}

func (d *jsonDecoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the JSON text is nested too deeply")
	}
	switch c := d.peek(); {
	case c == '"':
		d.i++
		return d.text()
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '-' || c >= '0' && c <= '9':
		if v, ok := d.number(); ok {
			return v, nil
		}
	}
	for _, w := range jsonWords {
		if strings.HasPrefix(d.s[d.i:], w.word) {
			d.i += len(w.word)
			return w.v, nil
		}
	}
	return nil, d.fail("Expecting value", d.i)
}

func (d *jsonDecoder) digits(i int) int {
	for i < len(d.s) && d.s[i] >= '0' && d.s[i] <= '9' {
		i++
	}
	return i
}

func (d *jsonDecoder) number() (any, bool) {
	i := d.i
	if d.s[i] == '-' {
		i++
	}
	end := d.digits(i)
	if end == i {
		return nil, false
	}
	if d.s[i] == '0' {
		end = i + 1
	}
	isFloat := false
	if end < len(d.s) && d.s[end] == '.' {
		if e := d.digits(end + 1); e > end+1 {
			end, isFloat = e, true
		}
	}
	if end < len(d.s) && (d.s[end] == 'e' || d.s[end] == 'E') {
		e := end + 1
		if e < len(d.s) && (d.s[e] == '+' || d.s[e] == '-') {
			e++
		}
		if e2 := d.digits(e); e2 > e {
			end, isFloat = e2, true
		}
	}
	text := d.s[d.i:end]
	if isFloat {
		f, _ := strconv.ParseFloat(text, 64)
		d.i = end
		return f, true
	}
	n, ok := ParseInt(text, 10)
	if ok {
		d.i = end
	}
	return n, ok
}

func (d *jsonDecoder) array(depth int) (any, error) {
	out := &List{}
	d.i++
	d.space()
	if d.peek() == ']' {
		d.i++
		return out, nil
	}
	for {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
		d.space()
		switch d.peek() {
		case ',':
			d.i++
			d.space()
		case ']':
			d.i++
			return out, nil
		default:
			return nil, d.fail("Expecting ',' delimiter", d.i)
		}
	}
}

func (d *jsonDecoder) object(depth int) (any, error) {
	out := &Dict{}
	d.i++
	d.space()
	if d.peek() == '}' {
		d.i++
		return out, nil
	}
	for {
		if d.peek() != '"' {
			return nil, d.fail("Expecting property name enclosed in double quotes", d.i)
		}
		d.i++
		k, err := d.text()
		if err != nil {
			return nil, err
		}
		d.space()
		if d.peek() != ':' {
			return nil, d.fail("Expecting ':' delimiter", d.i)
		}
		d.i++
		d.space()
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out.Set(d.names.Shared(k), v)
		d.space()
		switch d.peek() {
		case ',':
			d.i++
			d.space()
		case '}':
			d.i++
			return out, nil
		default:
			return nil, d.fail("Expecting ',' delimiter", d.i)
		}
	}
}

// text reads the rest of a string whose opening quote is behind.
func (d *jsonDecoder) text() (string, error) {
	begin := d.i - 1
	var b strings.Builder
	for {
		start := d.i
		for d.i < len(d.s) && d.s[d.i] != '"' && d.s[d.i] != '\\' && d.s[d.i] >= ' ' {
			d.i++
		}
		if d.i >= len(d.s) {
			return "", d.fail("Unterminated string starting at", begin)
		}
		part := d.s[start:d.i]
		switch d.s[d.i] {
		case '"':
			d.i++
			if b.Len() == 0 {
				return part, nil
			}
			b.WriteString(part)
			return b.String(), nil
		case '\\':
			b.WriteString(part)
			if err := d.escape(&b, begin); err != nil {
				return "", err
			}
		default:
			return "", d.fail("Invalid control character at", d.i)
		}
	}
}

func (d *jsonDecoder) escape(b *strings.Builder, begin int) error {
	d.i++
	if d.i >= len(d.s) {
		return d.fail("Unterminated string starting at", begin)
	}
	c := d.s[d.i]
	if at := strings.IndexByte(`"\/bfnrt`, c); at >= 0 {
		b.WriteByte("\"\\/\b\f\n\r\t"[at])
		d.i++
		return nil
	}
	if c != 'u' {
		return d.fail(`Invalid \escape`, d.i-1)
	}
	r, ok := d.hex4(d.i + 1)
	if !ok {
		return d.fail(`Invalid \uXXXX escape`, d.i)
	}
	d.i += 5
	if utf16.IsSurrogate(r) && strings.HasPrefix(d.s[d.i:], `\u`) {
		if low, ok := d.hex4(d.i + 2); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				r = both
				d.i += 6
			}
		}
	}
	writeEscaped(b, r)
	return nil
}

func (d *jsonDecoder) hex4(at int) (rune, bool) {
	if at+4 > len(d.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(d.s[at:at+4], 16, 32)
	return rune(n), err == nil
}
