package yaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	yaml3 "gopkg.in/yaml.v3"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
)

// Options bound what is read. The zero value takes the defaults.
type Options struct {
	// MaxBytes is the largest file.
	MaxBytes int
	// MaxDepth is how deep lists and mappings may lie in each other.
	MaxDepth int
	// MaxNodes is how many values a document may hold after its aliases were
	// put in place.
	MaxNodes int
}

func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20 // an inventory of 26,000 hosts with many variables is 20 MB
	}
	if o.MaxDepth == 0 {
		o.MaxDepth = 200 // hand-written files stay below 30
	}
	if o.MaxNodes == 0 {
		o.MaxNodes = 5_000_000
	}
	return o
}

// Parse reads every document of a file. An empty document is a nil node. With
// an error among the problems, the documents before it are still returned.
func Parse(file string, src []byte, opts ...Options) ([]*Node, diag.Problems) {
	var o Options
	if len(opts) > 0 {
		o = opts[0]
	}
	o = o.withDefaults()
	if len(src) > o.MaxBytes {
		return nil, diag.Problems{tooLarge(file, len(src), o.MaxBytes)}
	}
	source := NewSource(file, src)
	if p, bad := encodingProblem(source, src); bad {
		return nil, diag.Problems{p}
	}
	docs, problems, err := convertAll(source, src, o, slash{})
	if err != nil && strings.HasSuffix(err.Error(), "found unknown escape character") {
		if s, ok := standIn(src); ok {
			src = s.in(src)
			docs, problems, err = convertAll(source, src, o, s)
		}
	}
	if err != nil {
		problems = append(problems, namedJSON(file, src, syntaxProblem(source, src, err)))
	}
	return docs, problems
}

func convertAll(source *Source, src []byte, o Options, s slash) (docs []*Node, problems diag.Problems, err error) {
	c := &converter{source: source, opts: o, slash: s, done: map[memoKey]*Node{}, busy: map[memoKey]bool{}, size: map[*Node]int{}}
	err = decodeAll(src, func(doc *yaml3.Node) { docs = append(docs, c.document(doc)) })
	return docs, c.found(), err
}

// slash stands in for the escape "\/", which PyYAML knows and yaml.v3 does
// not: another escape of the same length that the file does not use.
type slash struct{ escape, result string }

var standIns = []slash{{`\P`, "\u2029"}, {`\L`, "\u2028"}, {`\v`, "\v"}, {`\a`, "\a"}, {`\f`, "\f"}, {`\e`, "\x1b"}}

func standIn(src []byte) (slash, bool) {
	if bytes.Contains(src, []byte(`\/`)) {
		for _, s := range standIns {
			if !bytes.Contains(src, []byte(s.escape)) && !bytes.Contains(src, []byte(s.result)) {
				return s, true
			}
		}
	}
	return slash{}, false
}

// in replaces every \/ but that of \\/, an escaped backslash before a slash.
func (s slash) in(src []byte) []byte {
	out := bytes.Clone(src)
	for i := 0; i+1 < len(out); i++ {
		if out[i] != '\\' {
			continue
		}
		if out[i+1] == '/' {
			copy(out[i:], s.escape)
		}
		i++
	}
	return out
}

// back returns the text of a scalar as it was meant.
func (s slash) back(n *yaml3.Node) string {
	switch {
	case s.escape == "":
		return n.Value
	case n.Style&yaml3.DoubleQuotedStyle != 0:
		return strings.ReplaceAll(n.Value, s.result, "/")
	}
	return strings.ReplaceAll(n.Value, s.escape, `\/`)
}

// Load reads the one document of a file; the node is nil when it is empty. A
// second document is a problem, as it is for Ansible. A file that is JSON is
// read as JSON.
func Load(file string, src []byte, opts ...Options) (*Node, diag.Problems) {
	var o Options
	if len(opts) > 0 {
		o = opts[0]
	}
	o = o.withDefaults()
	if node, problems, ok := loadJSON(file, src, o); ok {
		return node, problems
	}
	docs, problems := Parse(file, src, o)
	if len(docs) == 0 {
		return nil, problems
	}
	if len(docs) > 1 && docs[1] != nil && !problems.HasErrors() {
		p := docs[1].Problem("yaml-second-document")
		p.What = say.T("the file holds more than one YAML document", "파일에 YAML 문서가 두 개 이상 있습니다")
		p.Why = say.T("a line of --- starts a second document, and only one is read from this file", "--- 줄부터 두 번째 문서가 시작되는데, 이 파일에서는 문서 하나만 읽습니다")
		p.Fix = say.T("remove the --- in the middle, or make two files", "중간의 ---를 지우거나 파일을 둘로 나누세요")
		problems = append(problems, p)
	}
	return docs[0], problems
}

// namedJSON says of a file that calls itself JSON what is wrong with it as such.
func namedJSON(file string, src []byte, p diag.Problem) diag.Problem {
	if !strings.HasSuffix(file, ".json") {
		return p
	}
	err := json.Unmarshal(src, new(any))
	if err == nil {
		return p
	}
	p.Said = "We were unable to read either as JSON nor YAML, these are the errors we got from each:\nJSON: " + err.Error()
	return p
}

// decodeAll gives each document of src to each, and returns the first error of
// syntax. A defect of the parser becomes an error, too.
func decodeAll(src []byte, each func(*yaml3.Node)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	dec := yaml3.NewDecoder(bytes.NewReader(src))
	for {
		var doc yaml3.Node
		if err := dec.Decode(&doc); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		each(&doc)
	}
}

// NewSource splits the text of a file in lines where YAML sees them end.
func NewSource(file string, src []byte) *Source {
	text := strings.TrimPrefix(string(src), "\ufeff")
	if strings.ContainsAny(text, "\r\u0085\u2028\u2029") {
		text = lineEnds.Replace(text)
	}
	return &Source{File: file, Lines: strings.Split(text, "\n")}
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// converter turns the parser's nodes into ours and gathers problems.
type converter struct {
	source   *Source
	opts     Options
	slash    slash
	problems diag.Problems
	dropped  int
	done     map[memoKey]*Node // anchored nodes, shared by their aliases
	busy     map[memoKey]bool  // anchored nodes that are being read
	size     map[*Node]int     // nodes below an anchored node, aliases put in place
	nodes    int
	full     bool // too many nodes: said once, and nothing more is read
	names    value.Names
}

type memoKey struct {
	node   *yaml3.Node
	unsafe bool
}

func (c *converter) document(doc *yaml3.Node) *Node {
	c.nodes, c.full = 0, false
	clear(c.done)
	clear(c.size)
	if doc.Kind != yaml3.DocumentNode || len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	if root.Kind == yaml3.ScalarNode && root.Tag == "!!null" && root.Value == "" {
		return nil
	}
	return c.node(root, 1, false)
}

func (c *converter) pos(n *yaml3.Node) diag.Pos {
	return diag.Pos{File: c.source.File, Line: n.Line, Col: n.Column}
}

// maxProblems is how many problems of one file are worth reading.
const maxProblems = 200

// found are the problems, with a note when there were more than are kept.
func (c *converter) found() diag.Problems {
	if c.dropped > 0 {
		c.problems = append(c.problems, diag.Problem{Severity: diag.Warning, ID: "yaml-more-problems", Pos: diag.Pos{File: c.source.File},
			What: say.T("the file has %d more problems, which are not shown", "보이지 않은 문제가 이 파일에 %d개 더 있습니다", c.dropped)})
	}
	return c.problems
}

func (c *converter) problem(n *yaml3.Node, severity diag.Severity, id string, what, why, fix say.Text) {
	if len(c.problems) >= maxProblems && (severity == diag.Warning || c.problems.HasErrors()) {
		c.dropped++
		return
	}
	at := &Node{Pos: c.pos(n), Source: c.source}
	p := at.Problem(id)
	p.Severity, p.What, p.Why, p.Fix = severity, what, why, fix
	c.problems = append(c.problems, p)
}

// node converts n; within a !unsafe value every text is unsafe.
func (c *converter) node(n *yaml3.Node, depth int, unsafe bool) *Node {
	if n.Kind == yaml3.AliasNode {
		return c.alias(n, depth, unsafe)
	}
	key := memoKey{n, unsafe}
	before := c.nodes
	if n.Anchor != "" {
		c.busy[key] = true
		defer delete(c.busy, key)
	}
	out := c.fresh(n, depth, unsafe)
	if n.Anchor != "" {
		c.done[key] = out
		c.size[out] = c.nodes - before
	}
	return out
}

func (c *converter) alias(n *yaml3.Node, depth int, unsafe bool) *Node {
	key := memoKey{n.Alias, unsafe}
	if c.busy[key] {
		c.problem(n, diag.Error, "yaml-endless-alias",
			say.T("*%s stands inside the value that it names", "*%s{이/가} 자기가 가리키는 값 안에 있습니다", n.Value),
			say.T("a value that holds itself has no end", "자기 자신을 담은 값은 끝이 없습니다"),
			say.T("write the value out instead of the alias", "별칭 대신 값을 직접 적으세요"))
		return c.null(n)
	}
	shared, ok := c.done[key]
	if !ok {
		return c.node(n.Alias, depth, unsafe)
	}
	if !c.count(n, c.size[shared]) {
		return c.null(n)
	}
	return shared
}

// count adds to the number of nodes and reports whether there may be more.
func (c *converter) count(n *yaml3.Node, more int) bool {
	if c.full {
		return false
	}
	c.nodes += more
	if c.nodes <= c.opts.MaxNodes {
		return true
	}
	c.full = true
	c.problem(n, diag.Error, "yaml-too-many-values",
		say.T("the document has more than %d values", "문서의 값이 %d개를 넘습니다", c.opts.MaxNodes),
		say.T("aliases (*name) are counted with everything that they stand for", "별칭(*이름)은 가리키는 내용 전체로 셉니다"),
		say.T("split the file, or use fewer aliases of aliases", "파일을 나누거나 별칭의 별칭을 줄이세요"))
	return false
}

func (c *converter) null(n *yaml3.Node) *Node {
	return &Node{Kind: Scalar, Pos: c.pos(n), Source: c.source}
}

func (c *converter) fresh(n *yaml3.Node, depth int, unsafe bool) *Node {
	if !c.count(n, 1) {
		return c.null(n)
	}
	if depth > c.opts.MaxDepth {
		c.problem(n, diag.Error, "yaml-too-deep",
			say.T("lists and mappings lie more than %d levels deep in each other", "목록과 사전이 %d단계보다 깊게 겹쳐 있습니다", c.opts.MaxDepth),
			say.Text{},
			say.T("make the structure flatter", "구조를 더 얕게 만드세요"))
		return c.null(n)
	}
	switch n.Kind {
	case yaml3.SequenceNode:
		return c.sequence(n, depth, unsafe)
	case yaml3.MappingNode:
		return c.mapping(n, depth, unsafe)
	}
	return c.scalar(n, unsafe)
}

// ownTag returns the tag that was written at a node, or "".
func ownTag(n *yaml3.Node) string {
	if n.Style&yaml3.TaggedStyle == 0 {
		return ""
	}
	return n.Tag
}

func (c *converter) sequence(n *yaml3.Node, depth int, unsafe bool) *Node {
	out := &Node{Kind: Sequence, Pos: c.pos(n), Source: c.source}
	pairs := false
	switch tag := ownTag(n); tag {
	case "", "!!seq":
	case "!unsafe":
		unsafe = true
	case "!!omap", "!!pairs":
		pairs = true
	default:
		c.unknownTag(n, tag)
	}
	out.Items = make([]*Node, 0, len(n.Content))
	for _, item := range n.Content {
		converted := c.node(item, depth+1, unsafe)
		if pairs && converted.Kind == Mapping && len(converted.Entries) == 1 {
			// A list of pairs, each a list of key and value: what Ansible prints.
			e := converted.Entries[0]
			converted = &Node{Kind: Sequence, Pos: converted.Pos, Source: c.source, Items: []*Node{e.Key, e.Value}}
		}
		out.Items = append(out.Items, converted)
	}
	return out
}

func (c *converter) mapping(n *yaml3.Node, depth int, unsafe bool) *Node {
	out := &Node{Kind: Mapping, Pos: c.pos(n), Source: c.source}
	set := false
	switch tag := ownTag(n); tag {
	case "", "!!map":
	case "!unsafe":
		unsafe = true
	case "!!set":
		set = true
	default:
		c.unknownTag(n, tag)
	}
	entries := newEntries(len(n.Content) / 2)
	c.merge(entries, n, depth, unsafe)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			continue
		}
		c.entry(entries, n.Content[i], n.Content[i+1], depth, unsafe)
	}
	out.Entries = entries.list
	if set { // a Python set: the nearest thing is the list of its members
		out = &Node{Kind: Sequence, Pos: out.Pos, Source: c.source}
		for _, e := range entries.list {
			out.Items = append(out.Items, e.Key)
		}
	}
	return out
}

func isMerge(key *yaml3.Node) bool { return key.Kind == yaml3.ScalarNode && key.Tag == "!!merge" }

// merge puts in the entries of the mappings named by << keys. They come
// before the mapping's own, and of several the first named wins.
func (c *converter) merge(into *entries, n *yaml3.Node, depth int, unsafe bool) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		from := c.node(n.Content[i+1], depth+1, unsafe)
		if c.full {
			return
		}
		maps := []*Node{from}
		if from.Kind == Sequence {
			maps = from.Items
		}
		for j := len(maps) - 1; j >= 0; j-- {
			if maps[j].Kind != Mapping {
				c.problem(n.Content[i+1], diag.Error, "yaml-merge",
					say.T("<< merges mappings, and this is none", "<<는 사전을 합치는데 이 값은 사전이 아닙니다"),
					say.Text{},
					say.T("give << an alias of a mapping, or a list of them", "<<에는 사전의 별칭이나 그런 별칭의 목록을 적으세요"))
				continue
			}
			for _, e := range maps[j].Entries {
				into.set(e)
			}
		}
	}
	into.merged = len(into.list)
}

func (c *converter) entry(into *entries, key, val *yaml3.Node, depth int, unsafe bool) {
	// A key is never unsafe: it is not templated, and it is looked up by its text.
	k := c.node(key, depth+1, false)
	if c.full {
		return
	}
	if k.Kind != Scalar {
		c.badKey(key)
		return
	}
	if u, ok := k.Scalar.(value.Unsafe); ok {
		k = &Node{Kind: Scalar, Pos: k.Pos, Scalar: string(u), Text: k.Text, Quoted: k.Quoted, Source: k.Source}
	}
	if text, ok := k.Scalar.(string); ok {
		k.Scalar = c.names.Shared(text)
	}
	v := c.node(val, depth+1, unsafe)
	first, repeated := into.set(Entry{k, v})
	if repeated {
		c.problem(key, diag.Warning, "yaml-duplicate-key",
			say.T("the key '%s' is there twice", "키 '%s'{이/가} 두 번 있습니다", shorten(k.Text)),
			say.T("the first one, in line %d, is lost", "%d번째 줄의 앞선 값은 버려집니다", first.Pos.Line),
			say.T("remove or rename one of the two", "둘 중 하나를 지우거나 이름을 바꾸세요"))
	}
}

// badKey explains a list or mapping in the place of a key, which nearly always
// is a template without quotes: {{ x }} reads as a mapping in a mapping.
func (c *converter) badKey(key *yaml3.Node) {
	if key.Kind == yaml3.MappingNode && key.Style&yaml3.FlowStyle != 0 {
		p := (&Node{Pos: c.pos(key), Source: c.source}).Problem("yaml-unquoted-template")
		p.What, p.Why, p.Fix = unquotedTemplate(strings.TrimSpace(p.Source))
		if p.Pos.Col > 1 {
			p.Pos.Col-- // the outer brace
		}
		c.problems = append(c.problems, p)
		return
	}
	c.problem(key, diag.Error, "yaml-key",
		say.T("a key must be a single value, not a list or a mapping", "키는 목록이나 사전이 아니라 값 하나여야 합니다"),
		say.Text{},
		say.T("put the key in quotes", "키를 따옴표로 감싸세요"))
}

func (c *converter) scalar(n *yaml3.Node, unsafe bool) *Node {
	n.Value = c.slash.back(n)
	const quoted = yaml3.DoubleQuotedStyle | yaml3.SingleQuotedStyle | yaml3.LiteralStyle | yaml3.FoldedStyle
	out := &Node{Kind: Scalar, Pos: c.pos(n), Text: n.Value, Quoted: n.Style&quoted != 0, Source: c.source}
	switch tag := ownTag(n); {
	case tag == "" && out.Quoted:
		out.Scalar = n.Value
	case tag == "":
		out.Scalar = Resolve(n.Value)
	case tag == "!vault", tag == "!vault-encrypted":
		out.Scalar = value.Vaulted(n.Value)
		out.Quoted = true
		return out
	case tag == "!unsafe":
		out.Scalar = value.Unsafe(n.Value)
		return out
	case strings.HasPrefix(tag, "!!"):
		v, err := construct(tag, n.Value)
		if err != nil {
			c.badScalar(n, tag)
			v = n.Value
		}
		out.Scalar = v
	default:
		c.unknownTag(n, tag)
		out.Scalar = n.Value
	}
	if s, ok := out.Scalar.(string); ok && unsafe {
		out.Scalar = value.Unsafe(s)
	}
	return out
}

// yamlTags are the tags that can be written, for "did you mean".
var yamlTags = []string{"!vault", "!vault-encrypted", "!unsafe", "!!str", "!!int", "!!float", "!!bool", "!!null",
	"!!binary", "!!timestamp", "!!omap", "!!pairs", "!!set", "!!seq", "!!map"}

func (c *converter) unknownTag(n *yaml3.Node, tag string) {
	fix := say.T("remove the tag; when the text itself starts with '!', put it in quotes", "태그를 지우세요. 글 자체가 '!'로 시작하면 따옴표로 감싸세요")
	if near := diag.Nearest(tag, yamlTags); near != "" {
		fix = say.T("did you mean '%s'?", "'%s'{을/를} 쓰려던 것인가요?", near)
	}
	c.problem(n, diag.Error, "yaml-unknown-tag",
		say.T("unknown tag '%s'", "알 수 없는 태그 '%s'", shorten(tag)),
		say.T("a value that starts with '!' names its type; known are !vault and !unsafe", "'!'로 시작하는 값은 형식을 뜻합니다. 쓸 수 있는 것은 !vault와 !unsafe입니다"),
		fix)
}

func (c *converter) badScalar(n *yaml3.Node, tag string) {
	for _, known := range yamlTags {
		if tag == known {
			c.problem(n, diag.Error, "yaml-tag-value",
				say.T("'%s' does not fit its tag %s", "'%s'{은/는} 태그 %s에 맞지 않습니다", shorten(n.Value), tag),
				say.Text{},
				say.T("correct the value, or remove the tag", "값을 고치거나 태그를 지우세요"))
			return
		}
	}
	c.unknownTag(n, tag)
}

// shorten keeps a text of the file readable within a message.
func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// entries is a mapping while it is built: the last value of a key wins and
// stands where the key stood first.
type entries struct {
	list   []Entry
	merged int         // how many came from << keys
	index  map[any]int // nil while there are few
}

func newEntries(n int) *entries { return &entries{list: make([]Entry, 0, n)} }

// fewEntries is the size up to which looking through the list beats a map.
const fewEntries = 8

// set adds or replaces, and returns the key that was there when the mapping
// itself, not a merged one, had given it.
func (es *entries) set(e Entry) (*Node, bool) {
	if i := es.find(e.Key.Scalar); i >= 0 {
		old := es.list[i].Key
		if old.Scalar != e.Key.Scalar { // true and 1: Python keeps the first
			e.Key = old
		}
		es.list[i] = e
		return old, i >= es.merged
	}
	es.list = append(es.list, e)
	if es.index != nil {
		es.index[keyOf(e.Key.Scalar)] = len(es.list) - 1
	} else if len(es.list) > fewEntries {
		es.index = make(map[any]int, cap(es.list))
		for i, have := range es.list {
			es.index[keyOf(have.Key.Scalar)] = i
		}
	}
	return nil, false
}

func (es *entries) find(key any) int {
	k := keyOf(key)
	if es.index != nil {
		if i, ok := es.index[k]; ok {
			return i
		}
		return -1
	}
	for i, have := range es.list {
		if keyOf(have.Key.Scalar) == k {
			return i
		}
	}
	return -1
}

// keyOf maps keys that Python finds equal (1, 1.0, true) to one Go value.
func keyOf(k any) any {
	switch k := k.(type) {
	case bool:
		if k {
			return 1
		}
		return 0
	case float64:
		if k == float64(int(k)) {
			return int(k)
		}
	case *big.Int:
		return "\x00int:" + k.String()
	case value.Unsafe:
		return string(k)
	case value.Vaulted:
		return string(k)
	}
	return k
}
