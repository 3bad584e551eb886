package yaml

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// The plain scalars of YAML 1.1 as PyYAML reads them. They differ from YAML
// 1.2 and from yaml.v3: 0777 is octal and 0o17 is text, 1e3 is text because
// the exponent needs a sign, 1:30 is ninety.
var (
	intForm = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)

	floatForm = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)

	dateForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	timeForm = regexp.MustCompile(`^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]*))?(?:[ \t]*(Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?$`)
)

// maxDigits bounds the digits of a whole number: turning them into a number
// takes time that grows with their square. Longer ones stay text.
const maxDigits = 4300

var words = map[string]any{
	"": nil, "~": nil, "null": nil, "Null": nil, "NULL": nil,
	"yes": true, "Yes": true, "YES": true, "true": true, "True": true, "TRUE": true, "on": true, "On": true, "ON": true,
	"no": false, "No": false, "NO": false, "false": false, "False": false, "FALSE": false, "off": false, "Off": false, "OFF": false,
}

// Resolve returns what a plain scalar means to PyYAML: nil, a bool, an int, a
// *big.Int, a float64, or the text itself. Dates and times become the text
// that Ansible prints for them.
func Resolve(text string) any {
	if v, ok := words[text]; ok {
		return v
	}
	// Most scalars are words: look at the first byte before any pattern.
	c := text[0]
	if c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return text
	}
	switch {
	case intForm.MatchString(text):
		if n, err := parseInt(text); err == nil {
			return n
		}
	case floatForm.MatchString(text):
		if f, err := parseFloat(text); err == nil {
			return f
		}
	case timeForm.MatchString(text):
		return isoTime(text)
	}
	return text
}

// parseInt reads a whole number in any form of intForm.
func parseInt(text string) (any, error) {
	s := strings.ReplaceAll(text, "_", "")
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	if len(s) > maxDigits {
		return nil, fmt.Errorf("read whole number of %d digits: too long", len(s))
	}
	n := new(big.Int)
	ok := true
	switch {
	case s == "0":
	case strings.HasPrefix(s, "0b"):
		_, ok = n.SetString(s[2:], 2)
	case strings.HasPrefix(s, "0x"):
		_, ok = n.SetString(s[2:], 16)
	case strings.HasPrefix(s, "0"):
		_, ok = n.SetString(s, 8)
	case strings.Contains(s, ":"):
		for _, part := range strings.Split(s, ":") {
			d, good := new(big.Int).SetString(part, 10)
			if !good {
				return nil, fmt.Errorf("read whole number %q: not base 60", text)
			}
			n.Add(n.Mul(n, big.NewInt(60)), d)
		}
	default:
		_, ok = n.SetString(s, 10)
	}
	if !ok {
		return nil, fmt.Errorf("read whole number %q: no digits", text)
	}
	if negative {
		n.Neg(n)
	}
	if n.IsInt64() {
		return int(n.Int64()), nil
	}
	return n, nil
}

// parseFloat reads a number in any form of floatForm.
func parseFloat(text string) (float64, error) {
	s := strings.ToLower(strings.ReplaceAll(text, "_", ""))
	sign := 1.0
	if strings.HasPrefix(s, "-") {
		sign = -1
	}
	s = strings.TrimLeft(s, "+-")
	switch {
	case s == ".inf":
		return sign * math.Inf(1), nil
	case s == ".nan":
		return math.NaN(), nil
	case strings.Contains(s, ":"):
		total := 0.0
		for _, part := range strings.Split(s, ":") {
			f, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return 0, fmt.Errorf("read number %q: %w", text, err)
			}
			total = total*60 + f
		}
		return sign * total, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) { // 1.0e+999 is infinite in Python too
		return 0, fmt.Errorf("read number %q: %w", text, err)
	}
	return sign * f, nil
}

// isoTime writes a time stamp the way Python's str(datetime) does.
func isoTime(text string) string {
	m := timeForm.FindStringSubmatch(text)
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v }
	out := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", n(1), n(2), n(3), n(4), n(5), n(6))
	if fraction := m[7]; fraction != "" {
		micro := (fraction + "000000")[:6]
		if micro != "000000" {
			out += "." + micro
		}
	}
	switch zone := m[8]; {
	case zone == "":
	case zone == "Z":
		out += "+00:00"
	default:
		hours, minutes, _ := strings.Cut(zone[1:], ":")
		h, _ := strconv.Atoi(hours)
		mi, _ := strconv.Atoi(minutes)
		out += fmt.Sprintf("%c%02d:%02d", zone[0], h, mi)
	}
	return out
}

// construct makes the value of a scalar with one of YAML's own tags.
func construct(tag, text string) (any, error) {
	switch tag {
	case "!!str":
		return text, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		if b, ok := lowerWords[strings.ToLower(text)]; ok {
			return b, nil
		}
		return nil, fmt.Errorf("read %q: not yes or no", text)
	case "!!int":
		return parseInt(text)
	case "!!float":
		return parseFloat(text)
	case "!!timestamp":
		if timeForm.MatchString(text) {
			return isoTime(text), nil
		}
		if dateForm.MatchString(text) {
			return text, nil
		}
		return nil, fmt.Errorf("read %q: not a time stamp", text)
	case "!!binary":
		compact := strings.Join(strings.Fields(text), "")
		b, err := base64.StdEncoding.DecodeString(compact)
		if err != nil {
			return nil, fmt.Errorf("read base64: %w", err)
		}
		return string(b), nil
	}
	return nil, fmt.Errorf("read tag %s: not known", tag)
}

var lowerWords = map[string]bool{"yes": true, "true": true, "on": true, "no": false, "false": false, "off": false}
