package modules

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"

	"sunup/internal/value"
)

// name is the word for a type in messages.
func (t Type) name() string {
	if t == "" {
		return string(Str)
	}
	return string(t)
}

// class prints the type of a value as Python does.
func class(x any) string { return "<class '" + value.TypeName(x) + "'>" }

// convert gives x the type t, with the leniency of Ansible's modules. The
// error is the end of a sentence that begins "unable to convert".
func convert(t Type, x any) (any, error) {
	if u, ok := x.(value.Unsafe); ok {
		x = string(u)
	}
	switch t {
	case "", Str, Path:
		return toStr(x), nil
	case Bool:
		return toBool(x)
	case Int:
		return toInt(x)
	case Float:
		return toFloat(x)
	case List:
		return toList(x)
	case Dict:
		return toDict(x)
	case JSON:
		return toJSON(x)
	case Bytes:
		return toSize(x, false)
	case Bits:
		return toSize(x, true)
	}
	return x, nil
}

func toStr(x any) string { return value.Str(x) }

// boolWords are the words for true and false, in any case.
var boolWords = map[string]bool{
	"y": true, "yes": true, "on": true, "1": true, "true": true, "t": true,
	"n": false, "no": false, "off": false, "0": false, "false": false, "f": false,
}

const boolChoices = "'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0"

func toBool(x any) (bool, error) {
	switch x := x.(type) {
	case bool:
		return x, nil
	case string:
		if b, ok := boolWords[strings.ToLower(strings.TrimFunc(x, value.IsSpace))]; ok {
			return b, nil
		}
	case int, float64:
		if value.Equal(x, 1) || value.Equal(x, 0) {
			return value.Truth(x), nil
		}
	case *big.Int:
	default:
		return false, fmt.Errorf("%s cannot be converted to a bool", class(x))
	}
	return false, fmt.Errorf("The value '%s' is not a valid boolean.  Valid booleans include: %s", value.Str(x), boolChoices) //nolint:staticcheck // Ansible's words
}

func toInt(x any) (int, error) {
	got := x
	if s, ok := x.(string); ok {
		got, _ = value.ParseInt(s, 10)
	}
	if n, ok := value.AsInt(got); ok {
		return n, nil
	}
	if _, big := got.(*big.Int); big {
		return 0, errors.New("the number is too large")
	}
	return 0, fmt.Errorf("%s cannot be converted to an int", class(x))
}

func toFloat(x any) (float64, error) {
	if s, ok := x.(string); ok {
		if f, ok := value.ParseFloat(s); ok {
			return f, nil
		}
	} else if f, ok := value.AsFloat(x); ok {
		return f, nil
	}
	return 0, fmt.Errorf("%s cannot be converted to a float", class(x))
}

func toList(x any) (*value.List, error) {
	switch x := x.(type) {
	case *value.List:
		return x, nil
	case value.Tuple:
		return value.NewList(x...), nil
	case string:
		return value.Strings(strings.Split(x, ",")), nil
	case value.Sequenced:
		out := &value.List{}
		for i := 0; i < x.Len() && i < 1<<20; i++ {
			out.Append(x.Item(i))
		}
		return out, nil
	}
	if value.IsNumber(x) {
		return value.NewList(value.Str(x)), nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a list", class(x))
}

func toDict(x any) (*value.Dict, error) {
	switch x := x.(type) {
	case *value.Dict:
		return x, nil
	case string:
		return dictFromText(x)
	case value.Mapping:
		return dictFromMapping(x)
	}
	return nil, fmt.Errorf("%s cannot be converted to a dict", class(x))
}

func dictFromMapping(m value.Mapping) (*value.Dict, error) {
	keys, err := m.Keys()
	if err != nil {
		return nil, err
	}
	d := &value.Dict{}
	for _, k := range keys {
		x, ok, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		if ok {
			d.Set(k, x)
		}
	}
	return d, nil
}

func dictFromText(s string) (*value.Dict, error) {
	if strings.HasPrefix(s, "{") {
		x, err := value.ParseJSON([]byte(s))
		if err != nil {
			x, err = value.ParseLiteral(s)
		}
		d, ok := x.(*value.Dict)
		if err != nil || !ok {
			return nil, errors.New("unable to evaluate string as dictionary")
		}
		return d, nil
	}
	if !strings.Contains(s, "=") {
		return nil, errors.New("dictionary requested, could not parse JSON or key=value")
	}
	d := &value.Dict{}
	for i, field := range dictFields(s) {
		k, x, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("dictionary update sequence element #%d has length 1; 2 is required", i)
		}
		d.Set(k, x)
	}
	return d, nil
}

// dictFields splits "a=1, b='x y'" at commas and blanks outside quotes; a
// backslash takes the next character as it is.
func dictFields(s string) []string {
	var fields []string
	var field strings.Builder
	end := func() {
		if field.Len() > 0 {
			fields = append(fields, field.String())
		}
		field.Reset()
	}
	var quote rune
	escaped := false
	for _, c := range strings.TrimFunc(s, value.IsSpace) {
		switch {
		case escaped:
			field.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped = true
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote != 0 && quote == c:
			quote = 0
		case quote == 0 && (c == ',' || c == ' '):
			end()
		default:
			field.WriteRune(c)
		}
	}
	end()
	return fields
}

func toJSON(x any) (string, error) {
	switch x := x.(type) {
	case string:
		return strings.TrimFunc(x, value.IsSpace), nil
	case *value.List, *value.Dict, value.Tuple:
		s, err := value.EncodeJSON(x, value.PythonJSON)
		if err != nil {
			return "", fmt.Errorf("%s cannot be converted to a json string: %w", class(x), err)
		}
		return s, nil
	}
	return "", fmt.Errorf("%s cannot be converted to a json string", class(x))
}

// sizes are what the letters of a size stand for.
var sizes = map[byte]float64{
	'Y': 1 << 80, 'Z': 1 << 70, 'E': 1 << 60, 'P': 1 << 50, 'T': 1 << 40, 'G': 1 << 30, 'M': 1 << 20, 'K': 1 << 10, 'B': 1,
}

// toSize reads 2K, 1.5 GB, 10Mb as a number of bytes or bits.
func toSize(x any, bits bool) (int, error) {
	what, unit, long := "Byte", byte('B'), "byte"
	if bits {
		what, unit, long = "Bit", 'b', "bit"
	}
	fail := fmt.Errorf("%s cannot be converted to a %s value", class(x), what)
	s := strings.TrimLeftFunc(value.Str(x), value.IsSpace)
	n := 0
	for n < len(s) && (s[n] == '.' || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	f, ok := value.ParseFloat(s[:n])
	if !ok {
		return 0, fail
	}
	s = strings.TrimLeftFunc(s[n:], value.IsSpace)
	n = 0
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	if suffix := s[:n]; suffix != "" {
		scale, ok := sizes[suffix[0]&^0x20]
		if !ok {
			return 0, fail
		}
		if n > 1 && !strings.Contains(strings.ToLower(suffix), long) && suffix[1] != unit {
			return 0, fail
		}
		f *= scale
	}
	if f = math.RoundToEven(f); f >= 1<<63 {
		return 0, fail
	}
	return int(f), nil
}
