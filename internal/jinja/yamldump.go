package jinja

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strings"
	"unicode/utf8"

	"sunup/internal/value"
)

// YAMLOptions are the parameters of PyYAML's dump.
type YAMLOptions struct {
	Indent        int  // per level; default 2
	Width         int  // where lines are folded; default 80
	Flow          bool // everything in one line style
	FlowLeaves    bool // only collections without collections inside
	KeepOrder     bool // do not sort keys
	ExplicitStart bool
	ExplicitEnd   bool
	Max           int // largest output in bytes; 0 is no limit
}

// DumpYAML writes v as PyYAML's dump does with Ansible's settings.
func DumpYAML(v any, o YAMLOptions) (string, error) {
	if o.Indent <= 1 || o.Indent >= 10 {
		o.Indent = 2
	}
	if o.Width <= 2*o.Indent {
		o.Width = 80
	}
	e := &yamlEmitter{YAMLOptions: o, indent: -1, whitespace: true, indention: true, anchors: map[any]string{}, seen: map[any]bool{}}
	if err := e.anchor(v, 0); err != nil {
		return "", err
	}
	e.seen = map[any]bool{}
	if o.ExplicitStart {
		e.indicator("---", true, false, false)
	}
	if err := e.node(v, yamlRoot, 0); err != nil {
		return "", err
	}
	e.newIndent()
	if o.ExplicitEnd {
		e.indicator("...", true, false, false)
		e.newIndent()
	}
	return string(e.out), nil
}

func filterToYAML(nice bool) Func {
	return func(c *Call) (any, error) {
		if err := checkDefined(c.Value); err != nil {
			return nil, err
		}
		o := YAMLOptions{Max: c.rt.bytes, FlowLeaves: !nice}
		indent, flow := any(nil), any(nil)
		if nice {
			indent = c.arg(0, 4)
		} else {
			flow = c.arg(0, nil)
		}
		for i, n := range c.kwNames {
			v := c.kwVals[i]
			switch n {
			case "indent":
				indent = v
			case "default_flow_style":
				flow = v
			case "width":
				w, ok := value.AsFloat(v)
				if !ok {
					return nil, FilterError("%s - width must be a number", c.Name)
				}
				o.Width = int(min(w, 1<<40))
			case "sort_keys":
				o.KeepOrder = !value.Truth(v)
			case "explicit_start":
				o.ExplicitStart = value.Truth(v)
			case "explicit_end":
				o.ExplicitEnd = value.Truth(v)
			case "allow_unicode", "encoding", "line_break", "canonical", "version", "tags":
			default:
				return nil, FilterError("%s - the argument '%s' is not supported", c.Name, n)
			}
		}
		o.Indent, _ = value.AsInt(indent)
		if flow != nil {
			o.Flow, o.FlowLeaves = value.Truth(flow), false
		}
		s, err := DumpYAML(c.Value, o)
		if err != nil {
			return nil, FilterError("%s - %s", c.Name, Message(err))
		}
		return c.result(s)
	}
}

type yamlContext byte

const (
	yamlRoot yamlContext = iota
	yamlItem
	yamlKey // of a mapping, short enough for "key: value"
	yamlValue
)

type yamlEmitter struct {
	YAMLOptions
	out        []byte
	column     int
	indent     int // -1 before the first collection
	flowLevel  int
	whitespace bool           // the last character was white space
	indention  bool           // only indentation so far in this line
	anchors    map[any]string // "" seen once, else the anchor
	seen       map[any]bool
	names      int
}

// anchor finds the collections that occur more than once.
func (e *yamlEmitter) anchor(v any, depth int) error {
	if depth > 500 {
		return problem(KindLimit, "the data is nested too deeply")
	}
	var items []any
	switch v := v.(type) {
	case *value.List:
		items = v.Items
	case *value.Dict:
		items = v.Values()
	case value.Tuple:
		items = v
	default:
		return nil
	}
	if _, isTuple := v.(value.Tuple); !isTuple {
		if name, ok := e.anchors[v]; ok {
			if name == "" {
				e.names++
				e.anchors[v] = fmt.Sprintf("id%03d", e.names)
			}
			return nil
		}
		e.anchors[v] = ""
	}
	if d, ok := v.(*value.Dict); ok {
		for _, k := range e.keys(d) {
			x, _ := d.Get(k)
			if err := e.anchor(x, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	for _, x := range items {
		if err := e.anchor(x, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *yamlEmitter) keys(d *value.Dict) []any {
	if e.KeepOrder {
		return d.Keys()
	}
	keys, err := value.Sorted(d.Keys())
	if err != nil {
		return d.Keys()
	}
	return keys
}

func (e *yamlEmitter) write(s string) {
	e.out = append(e.out, s...)
	e.column += utf8.RuneCountInString(s)
}

func (e *yamlEmitter) indicator(s string, needSpace, whitespace, indention bool) {
	if !e.whitespace && needSpace {
		s = " " + s
	}
	e.whitespace = whitespace
	e.indention = e.indention && indention
	e.write(s)
}

func (e *yamlEmitter) lineBreak() {
	e.whitespace, e.indention, e.column = true, true, 0
	e.out = append(e.out, '\n')
}

func (e *yamlEmitter) newIndent() {
	indent := max(e.indent, 0)
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.lineBreak()
	}
	if e.column < indent {
		e.whitespace = true
		e.write(strings.Repeat(" ", indent-e.column))
	}
}

// deeper increases the indentation and returns the one to restore.
func (e *yamlEmitter) deeper(flow, indentless bool) int {
	old := e.indent
	switch {
	case e.indent < 0 && flow:
		e.indent = e.Indent
	case e.indent < 0:
		e.indent = 0
	case !indentless:
		e.indent += e.Indent
	}
	return old
}

func (e *yamlEmitter) node(v any, ctx yamlContext, depth int) error {
	if e.Max > 0 && len(e.out) > e.Max {
		return problem(KindLimit, "the YAML text is larger than %d bytes", e.Max)
	}
	switch x := v.(type) {
	case *value.List:
		if e.reference(v) {
			return nil
		}
		return e.sequence(x.Items, ctx, depth)
	case value.Tuple:
		return e.sequence(x, ctx, depth)
	case *groupTuple:
		return e.sequence([]any{x.key, x.items}, ctx, depth)
	case *value.Dict:
		if e.reference(v) {
			return nil
		}
		return e.mapping(x, depth)
	case value.Mapping:
		d, err := asDict(x)
		if err != nil {
			return err
		}
		return e.mapping(d, depth)
	}
	return e.scalar(v, ctx)
}

func asDict(m value.Mapping) (*value.Dict, error) {
	keys, err := m.Keys()
	if err != nil {
		return nil, err
	}
	d := &value.Dict{}
	for _, k := range keys {
		v, _, err := m.Get(k)
		if err != nil {
			return nil, err
		}
		d.Set(k, v)
	}
	return d, nil
}

// reference writes the anchor of a collection, or an alias when it was written
// before.
func (e *yamlEmitter) reference(v any) (done bool) {
	name := e.anchors[v]
	if name == "" {
		return false
	}
	if e.seen[v] {
		e.indicator("*"+name, true, false, false)
		return true
	}
	e.seen[v] = true
	e.indicator("&"+name, true, false, false)
	return false
}

func isCollection(v any) bool {
	switch v.(type) {
	case *value.List, *value.Dict, value.Tuple, *groupTuple, value.Mapping:
		return true
	}
	return false
}

func (e *yamlEmitter) inFlow(children ...[]any) bool {
	if e.flowLevel > 0 || e.Flow {
		return true
	}
	empty := true
	for _, list := range children {
		for _, v := range list {
			empty = false
			if isCollection(v) {
				return false
			}
		}
	}
	return empty || e.FlowLeaves
}

func (e *yamlEmitter) sequence(items []any, ctx yamlContext, depth int) error {
	if e.inFlow(items) {
		e.indicator("[", true, true, false)
		e.flowLevel++
		old := e.deeper(true, false)
		for i, v := range items {
			if i > 0 {
				e.indicator(",", false, false, false)
			}
			if e.column > e.Width {
				e.newIndent()
			}
			if err := e.node(v, yamlItem, depth+1); err != nil {
				return err
			}
		}
		e.indent = old
		e.flowLevel--
		e.indicator("]", false, false, false)
		return nil
	}
	old := e.deeper(false, ctx == yamlValue && !e.indention)
	for _, v := range items {
		e.newIndent()
		e.indicator("-", true, false, true)
		if err := e.node(v, yamlItem, depth+1); err != nil {
			return err
		}
	}
	e.indent = old
	return nil
}

func (e *yamlEmitter) mapping(d *value.Dict, depth int) error {
	flow := e.inFlow(d.Keys(), d.Values())
	if flow {
		e.indicator("{", true, true, false)
		e.flowLevel++
	}
	old := e.deeper(flow, false)
	for i, k := range e.keys(d) {
		if flow {
			if i > 0 {
				e.indicator(",", false, false, false)
			}
			if e.column > e.Width {
				e.newIndent()
			}
		} else {
			e.newIndent()
		}
		v, _ := d.Get(k)
		if err := e.pair(k, v, flow, depth); err != nil {
			return err
		}
	}
	e.indent = old
	if flow {
		e.flowLevel--
		e.indicator("}", false, false, false)
	}
	return nil
}

func (e *yamlEmitter) pair(k, v any, flow bool, depth int) error {
	if e.simpleKey(k) {
		if err := e.node(k, yamlKey, depth+1); err != nil {
			return err
		}
		e.indicator(":", false, false, false)
		return e.node(v, yamlValue, depth+1)
	}
	e.indicator("?", true, false, !flow)
	if err := e.node(k, yamlValue, depth+1); err != nil {
		return err
	}
	if !flow || e.column > e.Width {
		e.newIndent()
	}
	e.indicator(":", true, false, !flow)
	return e.node(v, yamlValue, depth+1)
}

func (e *yamlEmitter) simpleKey(k any) bool {
	if isCollection(k) {
		return false
	}
	s, isText := k.(string)
	if !isText {
		return true
	}
	return utf8.RuneCountInString(s) < 128 && !strings.ContainsAny(s, "\n\u0085\u2028\u2029")
}

// scalar writes a single value.
func (e *yamlEmitter) scalar(v any, ctx yamlContext) error {
	text, isText := "", false
	switch x := v.(type) {
	case nil:
		text = "null"
	case bool:
		text = strings.ToLower(value.Str(x))
	case int, *big.Int:
		text = value.Str(x)
	case float64:
		text = yamlFloat(x)
	case string:
		text, isText = x, true
	case value.Unsafe:
		text, isText = string(x), true
	case *dateTime:
		text = x.iso(" ")
	case *omitType:
		text, isText = omitText, true
	case *pyRange, *Macro, timeDelta:
		return typeError("('cannot represent an object', %s)", value.Repr(v))
	default:
		return typeError("('cannot represent an object', %s)", value.Repr(v))
	}
	old := e.deeper(true, false)
	defer func() { e.indent = old }()
	split := ctx != yamlKey
	style := byte(0)
	if isText {
		style = e.style(text, ctx)
	}
	switch style {
	case '\'':
		e.single(text, split)
	case '"':
		e.double(text, split)
	default:
		e.plain(text, split)
	}
	return nil
}

func yamlFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	s := value.FormatFloat(f)
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

// yamlResolved are the texts that a reader of YAML 1.1 would take for something
// else than text.
var yamlResolved = []*regexp.Regexp{
	regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`),
	regexp.MustCompile(`^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
		`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`),
	regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`),
	regexp.MustCompile(`^(?:<<|=|~|null|Null|NULL|)$`),
	regexp.MustCompile(`^(?:[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]|[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?` +
		`(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?)$`),
}

func yamlMeansOther(s string) bool {
	if len(s) > 64 {
		return false
	}
	for _, re := range yamlResolved {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}

// style decides how a text is quoted: 0 plain, ' or ".
func (e *yamlEmitter) style(s string, ctx yamlContext) byte {
	a := analyseYAML(s)
	plain := a.blockPlain
	if e.flowLevel > 0 {
		plain = a.flowPlain
	}
	key := ctx == yamlKey
	if plain && !(key && (s == "" || a.multiline)) && !yamlMeansOther(s) {
		return 0
	}
	if a.single && !(key && a.multiline) {
		return '\''
	}
	return '"'
}

type yamlAnalysis struct {
	flowPlain, blockPlain, single, multiline bool
}

func isYAMLBreak(r rune) bool { return r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029 }

func isYAMLSpace(r rune) bool { return r == 0 || r == ' ' || r == '\t' || r == '\r' || isYAMLBreak(r) }

// analyseYAML finds out which styles can hold a text.
func analyseYAML(s string) yamlAnalysis {
	if s == "" {
		return yamlAnalysis{blockPlain: true, single: true}
	}
	runes := []rune(s)
	var flowMark, blockMark, special, breaks bool
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		flowMark, blockMark = true, true
	}
	var breakSpace, spaceBreak, prevSpace, prevBreak bool
	before := true
	for i, r := range runes {
		after := i+1 >= len(runes) || isYAMLSpace(runes[i+1])
		if i == 0 {
			switch {
			case strings.ContainsRune("#,[]{}&*!|>'\"%@`", r):
				flowMark, blockMark = true, true
			case r == '?' || r == ':':
				flowMark = true
				blockMark = blockMark || after
			case r == '-' && after:
				flowMark, blockMark = true, true
			}
		} else {
			switch {
			case strings.ContainsRune(",?[]{}", r):
				flowMark = true
			case r == ':':
				flowMark = true
				blockMark = blockMark || after
			case r == '#' && before:
				flowMark, blockMark = true, true
			}
		}
		breaks = breaks || isYAMLBreak(r)
		special = special || isYAMLSpecial(r)
		switch {
		case r == ' ':
			breakSpace = breakSpace || prevBreak
			prevSpace, prevBreak = true, false
		case isYAMLBreak(r):
			spaceBreak = spaceBreak || prevSpace
			prevSpace, prevBreak = false, true
		default:
			prevSpace, prevBreak = false, false
		}
		before = isYAMLSpace(r)
	}
	first, last := runes[0], runes[len(runes)-1]
	edges := first == ' ' || last == ' ' || isYAMLBreak(first) || isYAMLBreak(last)
	a := yamlAnalysis{multiline: breaks, single: !breakSpace && !spaceBreak && !special}
	plain := a.single && !edges && !breaks
	a.flowPlain, a.blockPlain = plain && !flowMark, plain && !blockMark
	return a
}

func isYAMLSpecial(r rune) bool {
	switch {
	case r == '\n' || r >= ' ' && r <= '~':
		return false
	case r == 0x85 || r >= 0xa0 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd:
		return r == 0xfeff || r == utf8.RuneError
	}
	return true
}

func (e *yamlEmitter) plain(s string, split bool) {
	if s == "" {
		return
	}
	if !e.whitespace {
		e.write(" ")
	}
	e.whitespace, e.indention = false, false
	for i, part := range yamlRuns(s, false) {
		if part[0] != ' ' || i == 0 {
			e.write(part)
			continue
		}
		if len(part) == 1 && e.column > e.Width && split {
			e.newIndent()
			e.whitespace, e.indention = false, false
		} else {
			e.write(part)
		}
	}
}

// yamlRuns cuts a text into runs of spaces, of line breaks and of the rest.
func yamlRuns(s string, quotes bool) []string {
	kind := func(r rune) int {
		switch {
		case r == ' ':
			return 1
		case isYAMLBreak(r):
			return 2
		case quotes && r == '\'':
			return 3
		}
		return 0
	}
	var out []string
	start, last := 0, -1
	for i, r := range s {
		k := kind(r)
		if i > 0 && (k != last || k == 3) {
			out = append(out, s[start:i])
			start = i
		}
		last = k
	}
	return append(out, s[start:])
}

func (e *yamlEmitter) single(s string, split bool) {
	e.indicator("'", true, false, false)
	if s != "" {
		runs := yamlRuns(s, true)
		for i, part := range runs {
			first, _ := utf8.DecodeRuneInString(part)
			switch {
			case part == "'":
				e.write("''")
			case isYAMLBreak(first):
				e.breaks(part)
			case part == " " && e.column > e.Width && split && i > 0 && i < len(runs)-1:
				e.newIndent()
			default:
				e.write(part)
			}
		}
	}
	e.indicator("'", false, false, false)
}

// breaks writes line breaks inside a quoted text: one more than there are.
func (e *yamlEmitter) breaks(part string) {
	if part[0] == '\n' {
		e.lineBreak()
	}
	for _, r := range part {
		e.lineBreak()
		if r != '\n' {
			e.out = append(e.out[:len(e.out)-1], string(r)...)
		}
	}
	e.newIndent()
}

var yamlEscapes = map[rune]string{
	0: "0", '\a': "a", '\b': "b", '\t': "t", '\n': "n", '\v': "v", '\f': "f", '\r': "r", 0x1b: "e",
	'"': `"`, '\\': `\`, 0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P",
}

func yamlEscape(r rune, raw byte) string {
	if short, ok := yamlEscapes[r]; ok {
		return `\` + short
	}
	switch {
	case r == utf8.RuneError:
		return fmt.Sprintf(`\x%02X`, raw)
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}

func (e *yamlEmitter) double(s string, split bool) {
	e.indicator(`"`, true, false, false)
	runes := []rune(s)
	start := 0
	for end := 0; end <= len(runes); end++ {
		atEnd := end == len(runes)
		r := rune(0)
		if !atEnd {
			r = runes[end]
		}
		if atEnd || needsYAMLEscape(r) {
			if start < end {
				e.write(string(runes[start:end]))
				start = end
			}
			if !atEnd {
				e.write(yamlEscape(r, 0xff))
				start = end + 1
			}
		}
		if end > 0 && end < len(runes)-1 && (r == ' ' || start >= end) && e.column+(end-start) > e.Width && split {
			text := `\`
			if start < end {
				text = string(runes[start:end]) + `\`
				start = end
			}
			e.write(text)
			e.newIndent()
			e.whitespace, e.indention = false, false
			if runes[start] == ' ' {
				e.write(`\`)
			}
		}
	}
	e.indicator(`"`, false, false, false)
}

func needsYAMLEscape(r rune) bool {
	switch {
	case r == '"' || r == '\\' || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == utf8.RuneError:
		return true
	case r >= ' ' && r <= '~', r >= 0xa0 && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd:
		return false
	}
	return true
}
