package yaml

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// Flow says when lists and mappings are written in one line, as [a, b].
type Flow int

// The kinds of Flow.
const (
	// Block writes one entry per line (default_flow_style=False).
	Block Flow = iota
	// InLine writes everything in one line (default_flow_style=True).
	InLine
	// Leaves writes in one line what holds only scalars (default_flow_style=None).
	Leaves
)

// DumpOptions are the parameters of PyYAML's dump; the zero value gives its
// defaults but for SortKeys, which Python sets.
type DumpOptions struct {
	Flow         Flow
	SortKeys     bool
	AllowUnicode bool
	// Indent is the width of a level: 2 to 9; others mean 2.
	Indent int
	// Width is where lines are broken; default 80.
	Width int
	// DefaultStyle is the style of every scalar: one of ' " and |.
	DefaultStyle string
	// LiteralLines writes texts of several lines as blocks (|) where they can be.
	LiteralLines  bool
	ExplicitStart bool // begin with ---
	ExplicitEnd   bool // end with ...
}

// Dump writes v as Python's yaml.dump does with Ansible's dumper, which is
// libyaml's: encrypted text as !vault, unsafe text as text. A list or dict that is met twice becomes
// an anchor and aliases.
func Dump(v any, o DumpOptions) string {
	text, _ := DumpWithin(v, o, math.MaxInt)
	return text
}

// ErrTooLong says that a text would be longer than it may be.
var ErrTooLong = errors.New("the YAML text is too long")

// DumpWithin is Dump for at most about limit bytes; it stops with ErrTooLong.
func DumpWithin(v any, o DumpOptions, limit int) (string, error) {
	e := &emitter{DumpOptions: o, limit: limit, whitespace: true, indention: true, indent: -1, step: 2, width: 80, visits: map[any]int{}, anchors: map[any]string{}}
	if o.Indent > 1 && o.Indent < 10 {
		e.step = o.Indent
	}
	if o.Width > e.step*2 {
		e.width = o.Width
	}
	e.visit(v, 0)
	if o.ExplicitStart {
		e.indicator("---", true, false, false)
	}
	e.node(v, context{root: true}, 0)
	e.newLine()
	if o.ExplicitEnd {
		e.indicator("...", true, false, false)
		e.newLine()
	} else if e.openEnded {
		e.indicator("...", true, false, false)
		e.newLine()
	}
	if e.out.Len() > limit {
		return "", ErrTooLong
	}
	return e.out.String(), nil
}

// maxDumpDepth ends structures that hold themselves where aliases cannot.
const maxDumpDepth = 500

// emitter writes nodes; its fields are what PyYAML's emitter keeps, as line
// breaks depend on them.
type emitter struct {
	DumpOptions
	out         strings.Builder
	limit       int
	step, width int
	column      int
	indent      int // -1 before the first level
	flow        int // how many [ and { are open
	whitespace  bool
	indention   bool // only indentation and indicators stand in the line
	openEnded   bool

	visits  map[any]int
	anchors map[any]string
	written map[any]bool
}

// context is where a node stands.
type context struct{ root, mapping, simpleKey bool }

// identity is what makes two nodes the same object in Python, or nil.
func identity(v any) any {
	switch v := v.(type) {
	case *value.List:
		return v
	case *value.Dict:
		return v
	case value.Tuple:
		if len(v) > 0 {
			return &v[0]
		}
	}
	return nil
}

// visit numbers the lists and dicts that are met more than once.
func (e *emitter) visit(v any, depth int) {
	if depth > maxDumpDepth {
		return
	}
	if id := identity(v); id != nil {
		e.visits[id]++
		if e.visits[id] == 2 {
			e.anchors[id] = fmt.Sprintf("id%03d", len(e.anchors)+1)
		}
		if e.visits[id] > 1 {
			return
		}
	}
	switch v := v.(type) {
	case *value.List:
		for _, item := range v.Items {
			e.visit(item, depth+1)
		}
	case value.Tuple:
		for _, item := range v {
			e.visit(item, depth+1)
		}
	case *value.Dict:
		for _, k := range e.keys(v) {
			e.visit(k, depth+1)
			item, _ := v.Get(k)
			e.visit(item, depth+1)
		}
	}
}

func (e *emitter) keys(d *value.Dict) []any {
	if e.SortKeys {
		if sorted, err := value.Sorted(d.Keys()); err == nil {
			return sorted
		}
	}
	return d.Keys()
}

func (e *emitter) node(v any, c context, depth int) {
	if e.out.Len() > e.limit {
		return
	}
	if depth > maxDumpDepth {
		v = nil
	}
	if id := identity(v); id != nil && e.anchors[id] != "" {
		if e.written[id] {
			e.indicator("*"+e.anchors[id], true, false, false)
			return
		}
		if e.written == nil {
			e.written = map[any]bool{}
		}
		e.written[id] = true
		e.indicator("&"+e.anchors[id], true, false, false)
	}
	switch v := v.(type) {
	case *value.List:
		e.sequence(v.Items, c, depth)
	case value.Tuple:
		e.sequence(v, c, depth)
	case *value.Dict:
		e.mapping(v, c, depth)
	case value.Mapping:
		e.mapping(materialise(v), c, depth)
	default:
		e.scalar(v, c)
	}
}

func materialise(m value.Mapping) *value.Dict {
	d := &value.Dict{}
	keys, _ := m.Keys()
	for _, k := range keys {
		v, _, _ := m.Get(k)
		d.Set(k, v)
	}
	return d
}

// inLine reports whether a list or mapping is written as [..] or {..}.
func (e *emitter) inLine(entries int, leaves func() bool) bool {
	return e.flow > 0 || entries == 0 || e.Flow == InLine || e.Flow == Leaves && leaves()
}

func isLeaf(v any) bool {
	switch v.(type) {
	case *value.List, *value.Dict, value.Tuple, value.Vaulted, value.Mapping:
		return false
	}
	return true
}

// deeper enters a level and returns the way back.
func (e *emitter) deeper(flow, sameIndent bool) func() {
	old := e.indent
	switch {
	case e.indent < 0 && flow:
		e.indent = e.step
	case e.indent < 0:
		e.indent = 0
	case !sameIndent:
		e.indent += e.step
	}
	return func() { e.indent = old }
}

func (e *emitter) sequence(items []any, c context, depth int) {
	leaves := func() bool {
		for _, item := range items {
			if !isLeaf(item) {
				return false
			}
		}
		return e.DefaultStyle == ""
	}
	if e.inLine(len(items), leaves) {
		e.flowNodes("[", "]", len(items), func(i int) { e.node(items[i], context{}, depth+1) })
		return
	}
	defer e.deeper(false, c.mapping && !e.indention)()
	for _, item := range items {
		e.newLine()
		e.indicator("-", true, false, true)
		e.node(item, context{}, depth+1)
	}
}

// flowNodes writes n nodes between brackets.
func (e *emitter) flowNodes(open, end string, n int, each func(i int)) {
	e.indicator(open, true, true, false)
	back := e.deeper(true, false)
	e.flow++
	for i := range n {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		if e.column > e.width {
			e.newLine()
		}
		each(i)
	}
	back()
	e.flow--
	e.indicator(end, false, false, false)
}

func (e *emitter) mapping(d *value.Dict, _ context, depth int) {
	keys := e.keys(d)
	leaves := func() bool {
		for k, v := range d.All() {
			if !isLeaf(k) || !isLeaf(v) {
				return false
			}
		}
		return e.DefaultStyle == ""
	}
	if e.inLine(len(keys), leaves) {
		e.flowNodes("{", "}", len(keys), func(i int) { e.flowEntry(d, keys[i], depth) })
		return
	}
	defer e.deeper(false, false)()
	for _, k := range keys {
		v, _ := d.Get(k)
		e.newLine()
		if e.isSimpleKey(k) {
			e.node(k, context{mapping: true, simpleKey: true}, depth+1)
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, true)
			e.node(k, context{mapping: true}, depth+1)
			e.newLine()
			e.indicator(":", true, false, true)
		}
		e.node(v, context{mapping: true}, depth+1)
	}
}

func (e *emitter) flowEntry(d *value.Dict, k any, depth int) {
	v, _ := d.Get(k)
	if e.isSimpleKey(k) {
		e.node(k, context{mapping: true, simpleKey: true}, depth+1)
		e.indicator(":", false, false, false)
	} else {
		e.indicator("?", true, false, false)
		e.node(k, context{mapping: true}, depth+1)
		if e.column > e.width {
			e.newLine()
		}
		e.indicator(":", true, false, false)
	}
	e.node(v, context{mapping: true}, depth+1)
}

// maxSimpleKey is the length in bytes up to which a key needs no question mark.
const maxSimpleKey = 128

func (e *emitter) isSimpleKey(k any) bool {
	if !isLeaf(k) {
		t, ok := k.(value.Tuple)
		return ok && len(t) == 0
	}
	text, _, _ := scalarText(k)
	return len(text) <= maxSimpleKey && !strings.ContainsAny(text, "\n\u0085\u2028\u2029")
}

// scalarText is the text of a scalar, its tag, and its own style.
func scalarText(v any) (text, tag, style string) {
	switch v := v.(type) {
	case nil:
		return "null", "!!null", ""
	case bool:
		return strconv.FormatBool(v), "!!bool", ""
	case int:
		return strconv.Itoa(v), "!!int", ""
	case *big.Int:
		return v.String(), "!!int", ""
	case float64:
		return floatText(v), "!!float", ""
	case string:
		return v, "!!str", ""
	case value.Unsafe:
		return string(v), "!!str", ""
	case value.Vaulted:
		return string(v), "!vault", "|"
	}
	return value.Str(v), "!!str", ""
}

func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	s := strings.ToLower(value.Repr(f))
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

// looksTyped reports whether a plain scalar would be read as something else
// than text.
func looksTyped(s string) bool {
	if _, ok := words[s]; ok || s == "=" || s == "<<" {
		return true
	}
	c := s[0] // the empty text is among the words
	if c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return false
	}
	return intForm.MatchString(s) || floatForm.MatchString(s) || dateForm.MatchString(s) || timeForm.MatchString(s)
}

func (e *emitter) scalar(v any, c context) {
	text, tag, style := scalarText(v)
	if style == "" {
		style = e.DefaultStyle
	}
	if e.LiteralLines && strings.ContainsAny(text, "\n\u0085\u2028\u2029") {
		style = "|"
	}
	runes := []rune(text)
	a := analyse(runes, e.AllowUnicode)
	plainOK := tag != "!!str" && tag != "!vault" || tag == "!!str" && !looksTyped(text)
	style = e.style(style, a, plainOK, c)
	switch {
	case tag == "!vault":
		e.indicator(tag, true, false, false)
	case tag != "!!str" && style != "":
		e.indicator("!", true, false, false)
	}
	back := e.deeper(true, false)
	switch style {
	case `"`:
		e.doubleQuoted(runes, !c.simpleKey)
	case "'":
		e.singleQuoted(runes, !c.simpleKey)
	case "|":
		e.literal(runes)
	default:
		e.plain(runes, !c.simpleKey)
	}
	back()
}

// analysis says in which styles a text can be written.
type analysis struct {
	empty, multiline                   bool
	flowPlain, blockPlain, singleQuote bool
	block                              bool
}

func isBreak(r rune) bool { return r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029 }

func isBlank(r rune) bool { return r == 0 || r == ' ' || r == '\t' || r == '\r' || isBreak(r) }

// isPrintable reports whether a character beyond ASCII may stand unescaped;
// to libyaml, which Ansible writes with, what needs four bytes may not.
func isPrintable(r rune) bool {
	return (r >= 0xa0 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd) && r != 0xfeff
}

func analyse(s []rune, allowUnicode bool) analysis {
	if len(s) == 0 {
		return analysis{empty: true, blockPlain: true, singleQuote: true}
	}
	flowBad, blockBad := indicators(s)
	var special, breakSpace, spaceBreak, multiline bool
	for i, r := range s {
		if isBreak(r) {
			multiline = true
			spaceBreak = spaceBreak || i > 0 && s[i-1] == ' '
		}
		if r == ' ' && i > 0 && isBreak(s[i-1]) {
			breakSpace = true
		}
		if r != '\n' && (r < 0x20 || r > 0x7e) && !(isPrintable(r) && allowUnicode) {
			special = true
		}
	}
	first, last := s[0], s[len(s)-1]
	edges := first == ' ' || isBreak(first) || last == ' ' || isBreak(last)
	a := analysis{multiline: multiline, flowPlain: true, blockPlain: true, singleQuote: true, block: last != ' '}
	if edges || breakSpace || multiline {
		a.flowPlain, a.blockPlain = false, false
	}
	if breakSpace {
		a.singleQuote = false
	}
	if spaceBreak || special {
		a = analysis{multiline: multiline}
	}
	a.flowPlain = a.flowPlain && !flowBad
	a.blockPlain = a.blockPlain && !blockBad
	return a
}

// indicators reports whether characters with a meaning of their own forbid a
// plain scalar within brackets, and outside.
func indicators(s []rune) (flow, block bool) {
	if text := string(s[:min(3, len(s))]); text == "---" || text == "..." {
		flow, block = true, true
	}
	for i, r := range s {
		followed := i+1 >= len(s) || isBlank(s[i+1])
		switch {
		case i == 0 && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r):
			flow, block = true, true
		case i == 0 && (r == '?' || r == ':'):
			flow, block = true, block || followed
		case i == 0 && r == '-' && followed:
			flow, block = true, true
		case i > 0 && strings.ContainsRune(",?[]{}", r):
			flow = true
		case i > 0 && r == ':':
			flow, block = true, block || followed
		case i > 0 && r == '#' && isBlank(s[i-1]):
			flow, block = true, true
		}
	}
	return flow, block
}

// style chooses how a scalar is written.
func (e *emitter) style(wanted string, a analysis, plainOK bool, c context) string {
	if wanted == `"` {
		return wanted
	}
	if wanted == "" && plainOK && !(c.simpleKey && (a.empty || a.multiline)) {
		if e.flow > 0 && a.flowPlain || e.flow == 0 && a.blockPlain {
			return ""
		}
	}
	if wanted == "|" && e.flow == 0 && !c.simpleKey && a.block {
		return wanted
	}
	if (wanted == "" || wanted == "'") && a.singleQuote && !(c.simpleKey && a.multiline) {
		return "'"
	}
	return `"`
}

func (e *emitter) write(s []rune) {
	e.column += len(s)
	e.out.WriteString(string(s))
}

func (e *emitter) indicator(s string, needSpace, whitespace, indention bool) {
	if needSpace && !e.whitespace {
		s = " " + s
	}
	e.whitespace = whitespace
	e.indention = e.indention && indention
	e.openEnded = false
	e.write([]rune(s))
}

func (e *emitter) breakLine(r rune) {
	e.whitespace, e.indention = true, true
	e.column = 0
	e.out.WriteRune(r)
}

// newLine goes to the indentation of the level, in a new line unless this one
// holds nothing else yet.
func (e *emitter) newLine() {
	indent := max(e.indent, 0)
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.breakLine('\n')
	}
	if e.column < indent {
		e.whitespace = true
		e.out.WriteString(strings.Repeat(" ", indent-e.column))
		e.column = indent
	}
}

// runs calls each for every run of characters of one kind: spaces, line
// breaks, or others.
func runs(s []rune, each func(run []rune, from int, kind rune)) {
	kind := func(r rune) rune {
		switch {
		case r == ' ':
			return ' '
		case isBreak(r):
			return '\n'
		}
		return 'x'
	}
	for i := 0; i < len(s); {
		j := i + 1
		for j < len(s) && kind(s[j]) == kind(s[i]) {
			j++
		}
		each(s[i:j], i, kind(s[i]))
		i = j
	}
}

func (e *emitter) breaks(run []rune) {
	if run[0] == '\n' {
		e.breakLine('\n')
	}
	for _, r := range run {
		e.breakLine(r)
	}
	e.newLine()
}

func (e *emitter) plain(s []rune, split bool) {
	if len(s) == 0 {
		return
	}
	if !e.whitespace {
		e.write([]rune(" "))
	}
	e.whitespace, e.indention = false, false
	runs(s, func(run []rune, from int, kind rune) {
		if kind == ' ' && len(run) == 1 && e.column > e.width && split {
			e.newLine()
			e.whitespace, e.indention = false, false
			return
		}
		e.write(run)
	})
}

func (e *emitter) singleQuoted(s []rune, split bool) {
	e.indicator("'", true, false, false)
	runs(s, func(run []rune, from int, kind rune) {
		switch {
		case kind == '\n':
			e.breaks(run)
		case kind == ' ' && len(run) == 1 && e.column > e.width && split && from != 0 && from+1 != len(s):
			e.newLine()
		case kind == ' ':
			e.write(run)
		default:
			e.write([]rune(strings.ReplaceAll(string(run), "'", "''")))
		}
	})
	e.indicator("'", false, false, false)
}

var escapes = map[rune]string{0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 0x1b: "e",
	'"': `"`, '\\': `\`, 0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P"}

func escape(r rune) string {
	switch s, ok := escapes[r]; {
	case ok:
		return `\` + s
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}

func (e *emitter) mustEscape(r rune) bool {
	return r == '"' || r == '\\' || isBreak(r) || !(r >= 0x20 && r <= 0x7e || e.AllowUnicode && isPrintable(r))
}

func (e *emitter) doubleQuoted(s []rune, split bool) {
	e.indicator(`"`, true, false, false)
	for i, r := range s {
		afterSpace := i > 0 && s[i-1] == ' '
		switch {
		case e.mustEscape(r):
			e.write([]rune(escape(r)))
		case r == ' ' && split && !afterSpace && e.column > e.width && i > 0 && i < len(s)-1:
			e.newLine()
			if s[i+1] == ' ' {
				e.write([]rune(`\`))
			}
		default:
			e.write([]rune{r})
		}
	}
	e.indicator(`"`, false, false, false)
}

func (e *emitter) literal(s []rune) {
	hints := e.blockHints(s)
	e.indicator("|"+hints, true, false, false)
	e.openEnded = strings.HasSuffix(hints, "+")
	e.breakLine('\n')
	open := true // at the beginning of a line, before its indentation
	for _, r := range s {
		if isBreak(r) {
			e.breakLine(r)
			open = true
			continue
		}
		if open {
			e.newLine()
			open = false
		}
		e.out.WriteRune(r)
	}
	if !open {
		e.breakLine('\n')
	}
}

func (e *emitter) blockHints(s []rune) string {
	if len(s) == 0 {
		return ""
	}
	hints := ""
	if s[0] == ' ' || isBreak(s[0]) {
		hints = strconv.Itoa(e.step)
	}
	switch last := s[len(s)-1]; {
	case !isBreak(last):
		hints += "-"
	case len(s) == 1 || isBreak(s[len(s)-2]):
		hints += "+"
	}
	return hints
}
