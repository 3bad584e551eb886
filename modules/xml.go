package modules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/antchfx/xpath"

	"sunup/internal/say"
	"sunup/internal/value"
)

var xmlModule = Module{
	Name:       "community.general.xml",
	Summary:    say.T("Reads and changes parts of an XML file.", "XML 파일의 일부를 읽고 바꾼다."),
	Notes:      say.T("The file is read and changed here and written back whole; the host needs neither Python nor lxml. Entities that a document declares itself are not known. Numbers are taken for text.", "파일을 여기서 읽고 바꾸어 통째로 다시 쓰므로 호스트에 Python도 lxml도 필요 없다. 문서가 스스로 선언한 엔티티는 모른다. 숫자는 글로 본다."),
	Idempotent: false,
	Spec: Spec{
		Params: []Param{
			{Name: "path", Aliases: []string{"dest", "file"}, Type: Path, Doc: say.T("The file.", "대상 파일.")},
			{Name: "xmlstring", Doc: say.T("XML to work on instead of a file.", "파일 대신 다룰 XML.")},
			{Name: "xpath", Doc: say.T("XPath expression of what is meant.", "대상을 가리키는 XPath 식.")},
			{Name: "namespaces", Type: Dict, Default: &value.Dict{}, Doc: say.T("Prefixes of the expression and their namespaces.", "식의 접두사와 이름공간.")},
			{Name: "state", Aliases: []string{"ensure"}, Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether it should be there.", "대상이 있어야 하는지.")},
			{Name: "attribute", Type: Raw, Doc: say.T("Attribute that value is for.", "값을 정할 속성.")},
			{Name: "value", Type: Raw, Doc: say.T("Text of the element, or value of the attribute.", "요소의 글 또는 속성의 값.")},
			{Name: "add_children", Type: List, Elements: Raw, Doc: say.T("Elements to add.", "더할 요소.")},
			{Name: "set_children", Type: List, Elements: Raw, Doc: say.T("Elements that should be all children.", "자식 전부가 될 요소.")},
			{Name: "count", Type: Bool, Default: false, Doc: say.T("Count what fits.", "맞는 것을 센다.")},
			{Name: "print_match", Type: Bool, Default: false, Doc: say.T("Tell the paths of what fits.", "맞는 것의 경로를 알려 준다.")},
			{Name: "pretty_print", Type: Bool, Default: false, Doc: say.T("Indent the lines.", "줄을 들여 쓴다.")},
			{Name: "content", Choices: []any{"attribute", "text"}, Doc: say.T("Tell attributes or text of what fits.", "맞는 것의 속성이나 글을 알려 준다.")},
			{Name: "input_type", Default: "yaml", Choices: []any{"xml", "yaml"}, Doc: say.T("How children are written.", "자식을 적은 형식.")},
			{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
			{Name: "strip_cdata_tags", Type: Bool, Default: false, Doc: say.T("Turn CDATA into text.", "CDATA를 글로 바꾼다.")},
			{Name: "insertbefore", Type: Bool, Default: false, Doc: say.T("Add children before the first match.", "첫 번째로 맞는 것 앞에 더한다.")},
			{Name: "insertafter", Type: Bool, Default: false, Doc: say.T("Add children after the last match.", "마지막으로 맞는 것 뒤에 더한다.")},
		},
		RequiredBy: map[string][]string{"add_children": {"xpath"}, "attribute": {"value"}, "content": {"xpath"}, "set_children": {"xpath"}, "value": {"xpath"}},
		RequiredIf: []RequiredIf{{Param: "count", Value: true, Needs: []string{"xpath"}}, {Param: "print_match", Value: true, Needs: []string{"xpath"}},
			{Param: "insertbefore", Value: true, Needs: []string{"xpath"}}, {Param: "insertafter", Value: true, Needs: []string{"xpath"}}},
		RequiredOneOf:     [][]string{{"path", "xmlstring"}, {"add_children", "content", "count", "pretty_print", "print_match", "set_children", "value"}},
		MutuallyExclusive: [][]string{{"add_children", "content", "count", "print_match", "set_children", "value"}, {"path", "xmlstring"}, {"insertbefore", "insertafter"}},
	},
	Returns: []Return{
		{"actions", "dict", "success", say.T("Expression, namespaces and state.", "식, 이름공간, 상태.")},
		{"count", "int", "asked", say.T("How many fit.", "맞는 것의 수.")},
		{"matches", "list", "asked", say.T("What fits.", "맞는 것.")},
		{"xmlstring", "str", "of xmlstring", say.T("The XML afterwards.", "바뀐 XML.")},
		{"backup_file", "str", "changed", say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runXML,
}

// xmlWork is one document being worked on.
type xmlWork struct {
	*Call
	doc, old *xmlNode
	file     *textFile // nil for xmlstring
	spaces   map[string]string
}

// xmlRefusal is a problem that a person is told as it is.
type xmlRefusal struct{ msg string }

func (e *xmlRefusal) Error() string { return e.msg }

func refuseXML(format string, args ...any) error { return &xmlRefusal{fmt.Sprintf(format, args...)} }

func runXML(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := &xmlWork{Call: c, spaces: map[string]string{}}
	for k, v := range a.Dict("namespaces").All() {
		w.spaces[value.Str(k)] = value.Str(v)
	}
	text, from := a.Str("xmlstring"), "xml_string"
	if !a.Given("xmlstring") {
		t, fail, err := c.openFile(ctx, a.Str("path"), attrs{}, ":\n")
		if fail != nil || err != nil {
			return fail, err
		}
		if !t.exists {
			return Fail("The target XML source '%s' does not exist.", a.Str("path")), nil
		}
		w.file, text, from = t, string(t.content), a.Str("path")
	}
	if a.Given("xpath") {
		if _, err := w.compile(a.Str("xpath")); err != nil {
			return Fail("Syntax error in xpath expression: %s (%v)", a.Str("xpath"), err), nil
		}
	}
	var err error
	if w.doc, err = parseXML(text, a.Bool("pretty_print"), a.Bool("strip_cdata_tags")); err != nil {
		return Fail("Error while parsing document: %s (%v)", from, err), nil
	}
	w.old = w.doc.copied()
	r, err := w.work()
	var no *xmlRefusal
	switch {
	case errors.As(err, &no):
		return Fail("%s", no.msg), nil
	case err != nil:
		return nil, err
	}
	return w.finish(ctx, r, text)
}

// work does what is asked with the tree.
func (w *xmlWork) work() (*Result, error) {
	a := w.Args
	r := OK()
	expr := a.Str("xpath")
	switch {
	case a.Bool("print_match"):
		return r, w.paths(r, expr)
	case a.Bool("count"):
		return r, w.count(r, expr)
	case a.Given("content"):
		return r, w.contents(r, expr)
	case a.Str("state") == "absent":
		return r, w.remove(expr)
	case a.Given("set_children"):
		return r, w.setChildren(expr)
	case len(a.List("add_children")) > 0:
		return r, w.addChildren(expr)
	case a.Raw("value") != nil:
		return r, w.set(expr)
	case a.Given("xpath"):
		if w.isNode(w.doc, expr) {
			return r, nil
		}
		return r, w.makeTarget(w.doc, expr)
	case a.Bool("pretty_print"):
		return r, nil
	}
	return r, refuseXML("Don't know what to do")
}

// finish writes the tree and tells of it.
func (w *xmlWork) finish(ctx context.Context, r *Result, text string) (*Result, error) {
	a := w.Args
	after := w.doc.document(a.Bool("pretty_print"))
	if only := !a.Given("xpath"); only {
		r.Changed = after != text
	} else {
		r.Set("actions", value.NewDict("xpath", a.Str("xpath"), "namespaces", a.Dict("namespaces"), "state", a.Str("state")))
		r.Changed = w.old.plain() != w.doc.plain()
		if r.Changed && w.Diff {
			r.Diffs = []Diff{{Before: w.old.document(true), After: w.doc.document(true)}}
		}
	}
	if w.file == nil {
		return r.Set("xmlstring", after), nil
	}
	if !r.Changed || w.Check {
		return r, nil
	}
	_, backup, fail, err := w.keepFile(ctx, w.file, after, kept{backup: a.Bool("backup")})
	if fail != nil || err != nil {
		return fail, err
	}
	if a.Bool("backup") {
		r.Set("backup_file", backup)
	}
	return r, nil
}

// compile reads an expression; the library is not trusted with every input.
func (w *xmlWork) compile(expr string) (e *xpath.Expr, err error) {
	defer func() {
		if x := recover(); x != nil {
			e, err = nil, fmt.Errorf("%v", x)
		}
	}()
	return xpath.CompileWithNS(expr, w.spaces)
}

// find evaluates an expression at a node.
func (w *xmlWork) find(at *xmlNode, expr string) (found []*xmlCursor, err error) {
	e, err := w.compile(expr)
	if err != nil {
		return nil, refuseXML("Syntax error in xpath expression: %s (%v)", expr, err)
	}
	defer func() {
		if x := recover(); x != nil {
			found, err = nil, refuseXML("Evaluation error in xpath expression: %s (%v)", expr, x)
		}
	}()
	it, ok := e.Evaluate(&xmlCursor{top: w.top(at), at: at, attr: -1}).(*xpath.NodeIterator)
	if !ok {
		return nil, refuseXML("%s selects no nodes", expr)
	}
	for it.MoveNext() {
		found = append(found, it.Current().Copy().(*xmlCursor))
	}
	return found, nil
}

func (w *xmlWork) top(at *xmlNode) *xmlNode {
	for at.parent != nil {
		at = at.parent
	}
	return at
}

// elements are the nodes that fit an expression, without attributes and text.
func (w *xmlWork) elements(at *xmlNode, expr string) ([]*xmlNode, error) {
	found, err := w.find(at, expr)
	var out []*xmlNode
	for _, c := range found {
		if c.attr < 0 && !c.at.isText() {
			out = append(out, c.at)
		}
	}
	return out, err
}

func (w *xmlWork) isNode(at *xmlNode, expr string) bool {
	found, err := w.find(at, expr)
	return err == nil && len(found) > 0 && found[0].attr < 0 && !found[0].at.isText()
}

func (w *xmlWork) tree() string { return value.Str(w.doc.root().printed()) }

func (n *xmlNode) printed() string {
	var out strings.Builder
	n.write(&out, 0)
	return out.String() + "\n"
}

func (w *xmlWork) paths(r *Result, expr string) error {
	found, err := w.elements(w.doc, expr)
	paths := []string{}
	for _, n := range found {
		paths = append(paths, n.path())
	}
	words := make([]string, len(paths))
	for i, p := range paths {
		b, _ := json.Marshal(p) //nolint:errcheck // a text
		words[i] = string(b)
	}
	r.Msg = fmt.Sprintf("selector '%s' match: [%s]", expr, strings.Join(words, ", "))
	r.Set("matches", &value.List{})
	return err
}

func (w *xmlWork) count(r *Result, expr string) error {
	found, err := w.find(w.doc, "/"+expr)
	r.Msg = fmt.Sprintf("found %d nodes", len(found))
	r.Set("count", len(found))
	return err
}

func (w *xmlWork) contents(r *Result, expr string) error {
	if !w.isNode(w.doc, expr) {
		return refuseXML("Xpath %s does not reference a node!", expr)
	}
	found, err := w.elements(w.doc, expr)
	matches := &value.List{}
	for _, n := range found {
		var v any
		if w.Args.Str("content") == "attribute" {
			d := &value.Dict{}
			for _, a := range n.attrs {
				d.Set(a.name.clark(), a.value)
			}
			v = d
		} else if text, ok := n.content(); ok {
			v = text
		}
		matches.Append(value.NewDict(n.name.clark(), v))
	}
	r.Set("count", len(found)).Set("matches", matches).Set("msg", len(found))
	return err
}

func (w *xmlWork) remove(expr string) error {
	found, err := w.find(w.doc, expr)
	if err != nil {
		return err
	}
	for _, c := range found {
		switch {
		case c.attr >= 0:
			name := c.at.attrs[c.attr].name
			// Others of the same element may have gone before.
			for i, a := range c.at.attrs {
				if a.name == name {
					c.at.attrs = append(c.at.attrs[:i:i], c.at.attrs[i+1:]...)
					break
				}
			}
		case c.at.isText() || c.at.parent == nil || c.at.parent.kind == xmlDocument:
			return refuseXML("Couldn't delete xpath target: %s (it is neither an attribute nor an element with a parent)", expr)
		default:
			c.at.parent.remove(c.at)
		}
	}
	return nil
}

func (w *xmlWork) setChildren(expr string) error {
	found, err := w.elements(w.doc, expr)
	if err != nil {
		return err
	}
	children, err := w.children(w.Args.List("set_children"), w.Args.Str("input_type"))
	if err != nil {
		return err
	}
	for _, n := range found {
		have := n.nodes()
		same := len(have) == len(children)
		for i := 0; same && i < len(have); i++ {
			same = have[i].withTail() == children[i].withTail()
		}
		if same {
			continue
		}
		for _, k := range have {
			n.remove(k)
		}
		for _, k := range children {
			n.insert(len(n.children), k)
		}
	}
	return nil
}

// withTail prints a node and the text behind it, as lxml does.
func (n *xmlNode) withTail() string {
	var out strings.Builder
	n.write(&out, -1)
	if n.parent != nil {
		behind := false
		for _, o := range n.parent.children {
			if behind && !o.isText() {
				break
			}
			if behind {
				o.write(&out, -1)
			}
			behind = behind || o == n
		}
	}
	return out.String()
}

func (w *xmlWork) addChildren(expr string) error {
	if !w.isNode(w.doc, expr) {
		return nil
	}
	children, err := w.children(w.Args.List("add_children"), w.Args.Str("input_type"))
	if err != nil {
		return err
	}
	found, err := w.elements(w.doc, expr)
	if err != nil {
		return err
	}
	before, after := w.Args.Bool("insertbefore"), w.Args.Bool("insertafter")
	if !before && !after {
		for _, n := range found {
			for _, k := range children {
				n.insert(len(n.children), k)
			}
		}
		return nil
	}
	at := found[0]
	if after {
		at = found[len(found)-1]
	}
	parent := found[0].parent
	if at.parent == nil || at.parent.kind == xmlDocument || parent.kind == xmlDocument {
		return refuseXML("nothing can be put beside the document's own element")
	}
	place := 0
	for i, o := range at.parent.nodes() {
		if o == at {
			place = i
		}
	}
	if after {
		place++
	}
	for i, k := range children {
		parent.insert(place+i, k)
	}
	return nil
}

func (w *xmlWork) set(expr string) error {
	if !w.isNode(w.doc, expr) {
		if err := w.makeTarget(w.doc, expr); err != nil {
			hint := ""
			if len(w.doc.root().declares) > 0 && !strings.Contains(expr, ":") {
				hint = "XML document has namespace(s) defined, but no namespace prefix(es) used in xpath!\n"
			}
			return refuseXML("%sXpath %s causes a failure: %v\n  -- tree is %s", hint, expr, err, w.tree())
		}
	}
	if !w.isNode(w.doc, expr) {
		return refuseXML("Xpath %s does not reference a node! tree is %s", expr, w.tree())
	}
	found, err := w.elements(w.doc, expr)
	if err != nil {
		return err
	}
	text := value.Str(w.Args.Raw("value"))
	for _, n := range found {
		if w.Args.Raw("attribute") == nil || value.Str(w.Args.Raw("attribute")) == "" {
			if old, ok := n.content(); old != text || !ok {
				n.setContent(text, true)
			}
			continue
		}
		name, err := w.spelled(value.Str(w.Args.Raw("attribute")))
		if err != nil {
			return err
		}
		n.setAttr(name, text)
	}
	return nil
}

// spelled is a name whose prefix is one of the task's.
func (w *xmlWork) spelled(name string) (xmlName, error) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		return xmlName{local: name}, nil
	}
	space, ok := w.spaces[prefix]
	if !ok {
		return xmlName{}, refuseXML("the prefix %s of %s is not among namespaces", prefix, name)
	}
	return xmlName{local: local, space: space}, nil
}

const (
	xmlIdent  = `[a-zA-Z-][a-zA-Z0-9_\-.]*`
	xmlIdents = xmlIdent + "(?::" + xmlIdent + ")?"
	xmlQuoted = `('.*'|".*")`
)

// The last steps of an expression that can be made where they are not there.
var (
	lastElement   = regexp.MustCompile(`^(.*)/(` + xmlIdents + `)$`)
	lastText      = regexp.MustCompile(`^(.*)/(` + xmlIdents + `)/text\(\)=` + xmlQuoted + `$`)
	lastAttr      = regexp.MustCompile(`^(.*)/@(` + xmlIdents + `)$`)
	lastAttrValue = regexp.MustCompile(`^(.*)/@(` + xmlIdents + `)=` + xmlQuoted + `$`)
	lastFiltered  = regexp.MustCompile(`^(.*)/(` + xmlIdents + `)\[(.*)\]$`)
	onlyText      = regexp.MustCompile(`^(.*)/text\(\)=` + xmlQuoted + `$`)
)

func inQuotes(s string) string { return s[1 : len(s)-1] }

// makeTarget makes what an expression means, and what it stands in.
func (w *xmlWork) makeTarget(at *xmlNode, expr string) error {
	expr = strings.TrimSpace(expr)
	var outer string
	var make func(n *xmlNode) error
	child := func(name string) (*xmlNode, error) {
		n, err := w.spelled(name)
		return &xmlNode{kind: xmlElement, name: n}, err
	}
	attribute := func(name, text string) func(*xmlNode) error {
		return func(n *xmlNode) error {
			spelled, err := w.spelled(name)
			if err == nil {
				n.setAttr(spelled, text)
			}
			return err
		}
	}
	if m := lastElement.FindStringSubmatch(expr); m != nil {
		outer, make = m[1], w.appending(child, m[2], "")
	} else if m := lastText.FindStringSubmatch(expr); m != nil {
		outer, make = m[1], w.appending(child, m[2], inQuotes(m[3]))
	} else if m := lastAttr.FindStringSubmatch(expr); m != nil {
		outer, make = m[1], attribute(m[2], "")
	} else if m := lastAttrValue.FindStringSubmatch(expr); m != nil {
		outer, make = m[1], attribute(m[2], inQuotes(m[3]))
	} else if m := lastFiltered.FindStringSubmatch(expr); m != nil {
		outer = m[1]
		make = func(n *xmlNode) error {
			k, err := child(m[2])
			if err != nil {
				return err
			}
			n.insert(len(n.children), k)
			for _, sub := range strings.Split(m[3], " and ") {
				if err := w.makeTarget(k, "./"+strings.TrimSpace(sub)); err != nil {
					return err
				}
			}
			return nil
		}
	} else if m := onlyText.FindStringSubmatch(expr); m != nil {
		outer = m[1]
		make = func(n *xmlNode) error {
			n.setContent(inQuotes(m[2]), true)
			return nil
		}
	} else {
		return refuseXML("Can't process Xpath %s in order to spawn nodes! tree is %s", expr, w.tree())
	}
	if !w.isNode(at, outer) {
		if err := w.makeTarget(at, outer); err != nil {
			return err
		}
	}
	found, err := w.elements(at, outer)
	if err != nil {
		return err
	}
	for _, n := range found {
		if err := make(n); err != nil {
			return err
		}
	}
	return nil
}

// appending adds one element to a node.
func (w *xmlWork) appending(child func(string) (*xmlNode, error), name, text string) func(*xmlNode) error {
	k, err := child(name)
	if err == nil {
		k.setContent(text, text != "")
	}
	return func(n *xmlNode) error {
		if err == nil {
			n.insert(len(n.children), k)
		}
		return err
	}
}

// children are the elements that a task describes.
func (w *xmlWork) children(items []any, kind string) ([]*xmlNode, error) {
	var out []*xmlNode
	for _, item := range items {
		n, err := w.child(item, kind)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

var plainTag = regexp.MustCompile(`^[\pL_][\pL\pN_.\-]*$`)

func namedElement(name string) (*xmlNode, error) {
	n := xmlName{local: name}
	if rest, ok := strings.CutPrefix(name, "{"); ok {
		n.space, n.local, _ = strings.Cut(rest, "}")
	}
	if !plainTag.MatchString(n.local) {
		return nil, refuseXML("Invalid tag name %s", value.Repr(name))
	}
	return &xmlNode{kind: xmlElement, name: n}, nil
}

func (w *xmlWork) child(item any, kind string) (*xmlNode, error) {
	if kind == "xml" {
		doc, err := parseXML(value.Str(item), false, true)
		if err != nil {
			return nil, refuseXML("Error while parsing child element: %v", err)
		}
		root := doc.root()
		root.parent = nil
		return root, nil
	}
	d, ok := item.(*value.Dict)
	if !ok {
		if _, text := item.(string); !text {
			return nil, refuseXML("Invalid child type: %s. Children must be either strings or hashes.", value.Str(item))
		}
		return namedElement(value.Str(item))
	}
	if d.Len() != 1 {
		return nil, refuseXML("Can only create children from hashes with one key")
	}
	n, err := namedElement(value.Str(d.Keys()[0]))
	if err != nil {
		return nil, err
	}
	inner, ok := d.Values()[0].(*value.Dict)
	if !ok {
		if v := d.Values()[0]; v != nil {
			n.setContent(value.Str(v), true)
		}
		return n, nil
	}
	for k, v := range inner.All() {
		if k != "_" {
			n.attrs = append(n.attrs, xmlAttr{xmlName{local: value.Str(k)}, value.Str(v)})
			continue
		}
		list, ok := v.(*value.List)
		if !ok && v != nil {
			return nil, refuseXML("Invalid children type: %s, must be list.", value.Str(v))
		}
		if v == nil {
			continue
		}
		children, err := w.children(list.Items, "yaml")
		if err != nil {
			return nil, err
		}
		for _, k := range children {
			n.add(k)
		}
	}
	return n, nil
}
