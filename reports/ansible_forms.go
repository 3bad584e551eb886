package reports

import (
	"strings"
	"unicode"

	"sunup/internal/value"
	"sunup/internal/yaml"
)

// ResultForm is how Ansible's output writes the values of a result.
type ResultForm int

// The forms of results.
const (
	// JSONResults are the default callback's.
	JSONResults ResultForm = iota
	// YAMLResults are those of community.general.yaml.
	YAMLResults
	// DebugResults are those of ansible.posix.debug: what was printed stands
	// behind the JSON, as it was printed.
	DebugResults
	// PlainYAMLResults are those of callback_result_format: yaml.
	PlainYAMLResults
)

// Pretty is whether results are written for people: in lines of their own, and in
// YAML at the expense of what people do not see.
type Pretty int

// The settings of callback_format_pretty.
const (
	PrettyByForm Pretty = iota // YAML is, JSON is not
	PrettyAlways
	PrettyNever
)

// plainYAML writes values as YAML below the line they belong to.
func plainYAML(values *value.Dict, indent string, pretty Pretty) string {
	shown := stripInternal(values, 0).(*value.Dict)
	if pretty != PrettyNever {
		shown = asBlocks(withoutLines(shown)).(*value.Dict)
	}
	width := len(indent)
	if indent == "" {
		indent = "    "
	}
	text := yaml.Dump(shown, yaml.DumpOptions{AllowUnicode: true, SortKeys: true, Indent: width, LiteralLines: true})
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteByte('\n')
		if strings.TrimSpace(line) != "" {
			out.WriteString(indent)
		}
		out.WriteString(strings.TrimSuffix(line, "\n"))
	}
	return out.String()
}

// withoutLines leaves out the lines of a text that stands there as a whole.
func withoutLines(values *value.Dict) *value.Dict {
	out := values.Copy()
	for _, key := range []string{"stdout", "stderr"} {
		if lines := key + "_lines"; out.Has(key) && out.Has(lines) {
			out.Set(lines, "<omitted>")
		}
	}
	return out
}

// yamlResult writes values as YAML for people, under a line that says whether
// something changed.
func yamlResult(values *value.Dict) string {
	head := ""
	for _, key := range []string{"changed", "skipped"} {
		if v, ok := values.Get(key); ok {
			head += key + "=" + strings.ToLower(value.Str(v)) + " "
		}
	}
	rest := withoutLines(without(values, "changed", "skipped"))
	if rest = stripInternal(rest, 0).(*value.Dict); rest.Len() > 0 {
		head += "\n" + yaml.Dump(asBlocks(rest), yaml.DumpOptions{AllowUnicode: true, SortKeys: true, Width: 1000, LiteralLines: true})
	}
	return strings.TrimRightFunc(strings.ReplaceAll(head, "\n", "\n  "), unicode.IsSpace)
}

// asBlocks gives up of texts of several lines what would keep them from being
// written as blocks: spaces at the ends of lines, tabs, control characters.
func asBlocks(v any) any {
	switch v := v.(type) {
	case *value.Dict:
		out := &value.Dict{}
		for k, e := range v.All() {
			out.Set(k, asBlocks(e))
		}
		return out
	case *value.List:
		out := &value.List{}
		for _, e := range v.Items {
			out.Items = append(out.Items, asBlocks(e))
		}
		return out
	case string:
		return asBlock(v)
	case value.Unsafe:
		return asBlock(string(v))
	}
	return v
}

func asBlock(s string) string {
	if !strings.ContainsAny(s, "\n\r\x1c\x1d\x1e\u0085\u2028\u2029") {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r < 0x7f || r >= 0xa0 {
			return r
		}
		return -1
	}, strings.TrimRightFunc(s, unicode.IsSpace))
	lines := strings.Split(s, "\n")
	for i := range lines[:len(lines)-1] {
		lines[i] = strings.TrimRight(withoutTabs(lines[i]), " ")
	}
	lines[len(lines)-1] = withoutTabs(lines[len(lines)-1])
	return strings.Join(lines, "\n")
}

// withoutTabs fills tabs of a line up to the next eighth column.
func withoutTabs(line string) string {
	var b strings.Builder
	column := 0
	for _, r := range line {
		n := 1
		if r == '\t' {
			n, r = 8-column%8, ' '
			b.WriteString(strings.Repeat(" ", n-1))
		}
		b.WriteRune(r)
		column += n
	}
	return b.String()
}

// debugTexts are the values that stand behind the JSON in DebugResults.
var debugTexts = []string{"stdout", "stderr", "msg", "module_stdout", "module_stderr"}

func debugResult(values *value.Dict) string {
	out := dumpJSON(without(values, append([]string{"stdout_lines", "stderr_lines"}, debugTexts...)...), "    ")
	for _, key := range debugTexts {
		if v := values.At(key); value.Truth(v) {
			out += "\n\n" + strings.ToUpper(key) + ":\n\n" + value.Str(v) + "\n"
		}
	}
	return out
}
