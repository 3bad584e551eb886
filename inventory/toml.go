package inventory

import (
	"fmt"
	"regexp"
	"strings"

	"sunup/internal/value"
)

// dumpTOML writes sections in the order and form of the Python module that
// ansible-inventory --toml uses: level by level, the widest first.
func dumpTOML(top *value.Dict) (string, error) {
	var out strings.Builder
	own, level, err := tomlSections(top, "")
	if err != nil {
		return "", err
	}
	out.WriteString(own)
	for len(level) > 0 {
		var next []tomlSection
		for _, s := range level {
			text, below, err := tomlSections(s.body, s.name)
			if err != nil {
				return "", err
			}
			if text != "" || len(below) == 0 {
				if out.Len() > 0 && !strings.HasSuffix(out.String(), "\n\n") {
					out.WriteByte('\n')
				}
				out.WriteString("[" + s.name + "]\n" + text)
			}
			for _, b := range below {
				next = append(next, tomlSection{s.name + "." + b.name, b.body})
			}
		}
		level = next
	}
	return out.String(), nil
}

type tomlSection struct {
	name string
	body *value.Dict
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// tomlSections writes the plain values of a table and returns the tables in it.
func tomlSections(d *value.Dict, above string) (text string, below []tomlSection, err error) {
	var plain, tables strings.Builder
	for k, v := range d.All() {
		name, ok := k.(string)
		if !ok {
			return "", nil, fmt.Errorf("the key %s is not text, which TOML needs", value.Repr(k))
		}
		if !bareKey.MatchString(name) {
			name = tomlText(name)
		}
		switch v := v.(type) {
		case *value.Dict:
			below = append(below, tomlSection{name, v})
		case *value.List:
			if !holdsTable(v) {
				plain.WriteString(name + " = " + tomlValue(v) + "\n")
				continue
			}
			if err := tomlTables(&tables, strings.TrimPrefix(above+"."+name, "."), v); err != nil {
				return "", nil, err
			}
		case nil:
		default:
			plain.WriteString(name + " = " + tomlValue(v) + "\n")
		}
	}
	return plain.String() + tables.String(), below, nil
}

func holdsTable(l *value.List) bool {
	for _, e := range l.Items {
		if _, ok := e.(*value.Dict); ok {
			return true
		}
	}
	return false
}

// tomlTables writes a list of tables.
func tomlTables(out *strings.Builder, name string, l *value.List) error {
	for _, e := range l.Items {
		d, ok := e.(*value.Dict)
		if !ok {
			return fmt.Errorf("the list %s holds tables and other values, which TOML cannot", name)
		}
		rest := "\n"
		out.WriteString("[[" + name + "]]\n")
		text, below, err := tomlSections(d, name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(text, "[") {
			rest += text
		} else {
			out.WriteString(text)
		}
		for len(below) > 0 {
			var next []tomlSection
			for _, b := range below {
				text, more, err := tomlSections(b.body, name+"."+b.name)
				if err != nil {
					return err
				}
				if text != "" {
					rest += "[" + name + "." + b.name + "]\n" + text
				}
				for _, m := range more {
					next = append(next, tomlSection{b.name + "." + m.name, m.body})
				}
			}
			below = next
		}
		out.WriteString(rest)
	}
	return nil
}

func tomlValue(v any) string {
	switch v := v.(type) {
	case bool:
		return strings.ToLower(value.Str(v))
	case float64:
		return strings.NewReplacer("e+0", "e+", "e-0", "e-").Replace(value.Repr(v))
	case *value.List:
		return tomlList(v.Items)
	case value.Tuple:
		return tomlList(v)
	case string:
		return tomlText(v)
	case value.Unsafe:
		return tomlText(string(v))
	case value.Vaulted:
		return tomlText(string(v))
	case nil:
		return tomlText("None")
	}
	return value.Str(v)
}

func tomlList(items []any) string {
	out := "["
	for _, e := range items {
		out += " " + tomlValue(e) + ","
	}
	return out + "]"
}

// tomlText writes text in double quotes with Python's escapes.
func tomlText(s string) string {
	quoted := value.Repr(s)
	body := quoted[1 : len(quoted)-1]
	if quoted[0] == '\'' {
		body = strings.ReplaceAll(strings.ReplaceAll(body, `\'`, `'`), `"`, `\"`)
	}
	var out strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] == '\\' && i+1 < len(body) {
			if body[i+1] == 'x' {
				out.WriteString(`\u00`)
			} else {
				out.WriteString(body[i : i+2])
			}
			i++
			continue
		}
		out.WriteByte(body[i])
	}
	return `"` + out.String() + `"`
}
