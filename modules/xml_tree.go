package modules

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/antchfx/xpath"
	"golang.org/x/text/encoding/htmlindex"
)

// xmlKind is what a node of a tree is.
type xmlKind int

const (
	xmlDocument xmlKind = iota
	xmlElement
	xmlText
	xmlCDATA
	xmlComment
	xmlInstruction
	xmlDoctype
)

// xmlName is a name with the namespace that its prefix stands for.
type xmlName struct{ prefix, local, space string }

func (n xmlName) String() string {
	if n.prefix == "" {
		return n.local
	}
	return n.prefix + ":" + n.local
}

// clark is the name as lxml prints it.
func (n xmlName) clark() string {
	if n.space == "" {
		return n.local
	}
	return "{" + n.space + "}" + n.local
}

type xmlAttr struct {
	name  xmlName
	value string
}

// xmlNode is one node; the document is the root of all.
type xmlNode struct {
	kind     xmlKind
	name     xmlName
	text     string
	declares []xmlAttr // namespaces: prefix (or "") and address
	attrs    []xmlAttr
	parent   *xmlNode
	children []*xmlNode
}

const maxXMLDepth = 1000

// parseXML reads a document. Blanks between elements are left out when asked
// for, where libxml2 would; CDATA becomes text when it is to be stripped.
func parseXML(text string, noBlanks, stripCDATA bool) (*xmlNode, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(label string, r io.Reader) (io.Reader, error) {
		e, err := htmlindex.Get(label)
		if err != nil {
			return nil, fmt.Errorf("unsupported encoding %s", label)
		}
		return e.NewDecoder().Reader(r), nil
	}
	doc := &xmlNode{kind: xmlDocument}
	at, depth := doc, 0
	for {
		from := d.InputOffset()
		token, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e, err := readElement(t, at)
			if err != nil {
				return nil, err
			}
			if depth++; depth > maxXMLDepth {
				return nil, errors.New("elements are nested too deep")
			}
			if at == doc && doc.root() != nil {
				return nil, errors.New("Extra content at the end of the document")
			}
			at.add(e)
			at = e
		case xml.EndElement:
			if at == doc || at.name.prefix != t.Name.Space || at.name.local != t.Name.Local {
				return nil, fmt.Errorf("Opening and ending tag mismatch: %s", t.Name.Local)
			}
			depth--
			at = at.parent
		case xml.CharData:
			cdata := int(from)+9 <= len(text) && d.InputOffset() > from && strings.HasPrefix(text[from:], "<![CDATA[")
			if at == doc {
				if strings.TrimSpace(string(t)) != "" {
					return nil, errors.New("Document is empty, or has text outside of its element")
				}
				continue
			}
			at.addText(string(t), cdata && !stripCDATA)
		case xml.Comment:
			at.add(&xmlNode{kind: xmlComment, text: string(t)})
		case xml.ProcInst:
			if t.Target != "xml" {
				at.add(&xmlNode{kind: xmlInstruction, text: strings.TrimRight(t.Target+" "+string(t.Inst), " ")})
			}
		case xml.Directive:
			at.add(&xmlNode{kind: xmlDoctype, text: string(t)})
		}
	}
	if at != doc || doc.root() == nil {
		return nil, errors.New("Premature end of data, or no element")
	}
	if noBlanks {
		doc.root().dropBlanks()
	}
	return doc, nil
}

func readElement(t xml.StartElement, at *xmlNode) (*xmlNode, error) {
	e := &xmlNode{kind: xmlElement, parent: at}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			e.declares = append(e.declares, xmlAttr{value: a.Value})
		case a.Name.Space == "xmlns":
			e.declares = append(e.declares, xmlAttr{name: xmlName{prefix: a.Name.Local}, value: a.Value})
		}
	}
	var err error
	resolve := func(n xml.Name, attr bool) xmlName {
		out := xmlName{prefix: n.Space, local: n.Local}
		if n.Space == "" && attr {
			return out
		}
		space, ok := e.spaceOf(n.Space)
		if !ok && n.Space != "" {
			err = fmt.Errorf("Namespace prefix %s on %s is not defined", n.Space, n.Local)
		}
		out.space = space
		return out
	}
	e.name = resolve(t.Name, false)
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		name := resolve(a.Name, true)
		if slices.ContainsFunc(e.attrs, func(o xmlAttr) bool { return o.name == name }) {
			return nil, fmt.Errorf("Attribute %s redefined", name)
		}
		e.attrs = append(e.attrs, xmlAttr{name, a.Value})
	}
	return e, err
}

// spaceOf is the namespace that a prefix stands for here.
func (n *xmlNode) spaceOf(prefix string) (string, bool) {
	if prefix == "xml" {
		return "http://www.w3.org/XML/1998/namespace", true
	}
	for ; n != nil; n = n.parent {
		for _, d := range n.declares {
			if d.name.prefix == prefix {
				return d.value, true
			}
		}
	}
	return "", false
}

func (n *xmlNode) add(child *xmlNode) {
	child.parent = n
	n.children = append(n.children, child)
}

func (n *xmlNode) addText(text string, cdata bool) {
	if text == "" && !cdata {
		return
	}
	kind := xmlText
	if cdata {
		kind = xmlCDATA
	} else if k := len(n.children); k > 0 && n.children[k-1].kind == xmlText {
		n.children[k-1].text += text
		return
	}
	n.add(&xmlNode{kind: kind, text: text})
}

func (n *xmlNode) isText() bool { return n.kind == xmlText || n.kind == xmlCDATA }

// root is the document's element.
func (n *xmlNode) root() *xmlNode {
	for _, c := range n.children {
		if c.kind == xmlElement {
			return c
		}
	}
	return nil
}

// dropBlanks takes away text that is blank, as libxml2 does: not in an element
// that holds nothing else or begins with other text.
func (n *xmlNode) dropBlanks() {
	if len(n.children) == 1 && n.children[0].isText() {
		return
	}
	var kept []*xmlNode
	for _, c := range n.children {
		blank := c.kind == xmlText && strings.Trim(c.text, " \t\r\n") == ""
		if blank && !(len(kept) > 0 && (kept[0].isText() || kept[len(kept)-1].isText())) {
			continue
		}
		kept = append(kept, c)
		c.dropBlanks()
	}
	n.children = kept
}

// nodes are the children that lxml counts: all but text.
func (n *xmlNode) nodes() []*xmlNode {
	return slices.DeleteFunc(slices.Clone(n.children), (*xmlNode).isText)
}

// content is the text before the first child; ok is false without any.
func (n *xmlNode) content() (text string, ok bool) {
	for _, c := range n.children {
		if !c.isText() {
			break
		}
		text, ok = text+c.text, true
	}
	return text, ok
}

func (n *xmlNode) setContent(text string, some bool) {
	i := 0
	for i < len(n.children) && n.children[i].isText() {
		i++
	}
	n.children = n.children[i:]
	if some && text != "" {
		n.children = append([]*xmlNode{{kind: xmlText, text: text, parent: n}}, n.children...)
	}
}

// remove takes a child away, and the text behind it.
func (n *xmlNode) remove(child *xmlNode) {
	i := slices.Index(n.children, child)
	if i < 0 {
		return
	}
	j := i + 1
	for j < len(n.children) && n.children[j].isText() {
		j++
	}
	n.children = slices.Delete(n.children, i, j)
	child.parent = nil
}

// insert makes a node the child at a place among nodes().
func (n *xmlNode) insert(place int, child *xmlNode) {
	if child.parent != nil {
		child.parent.remove(child)
	}
	nodes := n.nodes()
	i := len(n.children)
	if place < len(nodes) {
		i = slices.Index(n.children, nodes[place])
	}
	child.parent = n
	n.children = slices.Insert(n.children, i, child)
	child.settle()
}

// settle gives names the prefixes that are in scope here, and declares what is not.
func (n *xmlNode) settle() {
	if n.kind != xmlElement {
		return
	}
	n.name.prefix = n.prefixFor(n.name, true)
	for i := range n.attrs {
		n.attrs[i].name.prefix = n.prefixFor(n.attrs[i].name, false)
	}
	for _, c := range n.children {
		c.settle()
	}
}

func (n *xmlNode) prefixFor(name xmlName, element bool) string {
	if name.space == "" {
		return ""
	}
	if space, ok := n.spaceOf(name.prefix); ok && space == name.space && (element || name.prefix != "") {
		return name.prefix
	}
	for at := n; at != nil; at = at.parent {
		for _, d := range at.declares {
			if space, _ := n.spaceOf(d.name.prefix); d.value == name.space && space == d.value && (element || d.name.prefix != "") {
				return d.name.prefix
			}
		}
	}
	for i := 0; ; i++ {
		prefix := "ns" + strconv.Itoa(i)
		if _, taken := n.spaceOf(prefix); !taken {
			n.declares = append(n.declares, xmlAttr{name: xmlName{prefix: prefix}, value: name.space})
			return prefix
		}
	}
}

func (n *xmlNode) setAttr(name xmlName, value string) {
	for i := range n.attrs {
		if n.attrs[i].name.clark() == name.clark() {
			n.attrs[i].value = value
			return
		}
	}
	name.prefix = n.prefixFor(name, false)
	n.attrs = append(n.attrs, xmlAttr{name, value})
}

func (n *xmlNode) copied() *xmlNode {
	c := *n
	c.parent, c.children = nil, nil
	c.attrs, c.declares = slices.Clone(n.attrs), slices.Clone(n.declares)
	for _, child := range n.children {
		c.add(child.copied())
	}
	return &c
}

// path is where an element is, as libxml2 writes it.
func (n *xmlNode) path() string {
	if n == nil || n.kind == xmlDocument {
		return ""
	}
	word, alike := n.name.String(), func(o *xmlNode) bool { return o.kind == xmlElement && o.name.String() == n.name.String() }
	switch {
	case n.kind == xmlComment:
		word, alike = "comment()", func(o *xmlNode) bool { return o.kind == xmlComment }
	case n.name.prefix == "" && n.name.space != "":
		word, alike = "*", func(o *xmlNode) bool { return o.kind == xmlElement }
	}
	before, others := 0, 0
	for _, o := range n.parent.children {
		if o == n {
			before = others + 1
		} else if alike(o) {
			others++
		}
	}
	if others > 0 {
		word += "[" + strconv.Itoa(before) + "]"
	}
	return n.parent.path() + "/" + word
}

var (
	xmlTextEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	xmlAttrEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#10;", "\t", "&#9;", "\r", "&#13;")
)

// write prints a node; level is how deep it is where lines are indented, -1
// where they are not.
func (n *xmlNode) write(out *strings.Builder, level int) {
	switch n.kind {
	case xmlText:
		out.WriteString(xmlTextEscapes.Replace(n.text))
	case xmlCDATA:
		out.WriteString("<![CDATA[" + n.text + "]]>")
	case xmlComment:
		out.WriteString("<!--" + n.text + "-->")
	case xmlInstruction:
		out.WriteString("<?" + n.text + "?>")
	case xmlDoctype:
		out.WriteString("<!" + n.text + ">")
	case xmlElement:
		n.writeElement(out, level)
	}
}

func (n *xmlNode) writeElement(out *strings.Builder, level int) {
	out.WriteString("<" + n.name.String())
	for _, d := range n.declares {
		out.WriteString(" xmlns")
		if d.name.prefix != "" {
			out.WriteString(":" + d.name.prefix)
		}
		out.WriteString(`="` + xmlAttrEscapes.Replace(d.value) + `"`)
	}
	for _, a := range n.attrs {
		out.WriteString(" " + a.name.String() + `="` + xmlAttrEscapes.Replace(a.value) + `"`)
	}
	if len(n.children) == 0 {
		out.WriteString("/>")
		return
	}
	out.WriteString(">")
	if slices.ContainsFunc(n.children, (*xmlNode).isText) {
		level = -1
	}
	inner := level
	if level >= 0 {
		inner = level + 1
	}
	for _, c := range n.children {
		if level >= 0 {
			out.WriteString("\n" + strings.Repeat("  ", inner))
		}
		c.write(out, inner)
	}
	if level >= 0 {
		out.WriteString("\n" + strings.Repeat("  ", level))
	}
	out.WriteString("</" + n.name.String() + ">")
}

// document prints the whole with its declaration.
func (n *xmlNode) document(pretty bool) string {
	var out strings.Builder
	out.WriteString("<?xml version='1.0' encoding='UTF-8'?>\n")
	level := -1
	if pretty {
		level = 0
	}
	seen := false
	for _, c := range n.children {
		if pretty && seen {
			out.WriteString("\n")
		}
		c.write(&out, level)
		seen = seen || c.kind == xmlElement
		if c.kind == xmlDoctype || pretty && !seen {
			out.WriteString("\n")
		}
	}
	if pretty {
		out.WriteString("\n")
	}
	return out.String()
}

// plain is the tree without blanks and CDATA: what of it matters.
func (n *xmlNode) plain() string {
	c := n.copied()
	var merge func(*xmlNode)
	merge = func(n *xmlNode) {
		old := n.children
		n.children = nil
		for _, k := range old {
			if k.isText() {
				n.addText(k.text, false)
				continue
			}
			n.children = append(n.children, k)
			merge(k)
		}
	}
	root := c.root()
	merge(root)
	root.dropBlanks()
	var out strings.Builder
	root.write(&out, -1)
	return out.String()
}

// xmlCursor walks a tree for XPath.
type xmlCursor struct {
	top, at *xmlNode
	attr    int // -1 on the node itself
}

// unnamed is the prefix of names in a default namespace: no expression without a
// prefix fits them.
const unnamed = "\x00"

// NodeType is the kind of the node.
func (c *xmlCursor) NodeType() xpath.NodeType {
	switch {
	case c.attr >= 0:
		return xpath.AttributeNode
	case c.at.isText():
		return xpath.TextNode
	case c.at.kind == xmlDocument:
		return xpath.RootNode
	case c.at.kind == xmlElement:
		return xpath.ElementNode
	}
	return xpath.CommentNode
}

func (c *xmlCursor) name() xmlName {
	if c.attr >= 0 {
		return c.at.attrs[c.attr].name
	}
	return c.at.name
}

// LocalName is the name without its prefix.
func (c *xmlCursor) LocalName() string { return c.name().local }

// Prefix is the prefix of the name.
func (c *xmlCursor) Prefix() string {
	if n := c.name(); n.prefix != "" || n.space == "" {
		return n.prefix
	}
	return unnamed
}

// NamespaceURL is the namespace of the name.
func (c *xmlCursor) NamespaceURL() string { return c.name().space }

// Value is the text of the node and all below it.
func (c *xmlCursor) Value() string {
	if c.attr >= 0 {
		return c.at.attrs[c.attr].value
	}
	if c.at.kind != xmlDocument && c.at.kind != xmlElement {
		return c.at.text
	}
	var out strings.Builder
	var walk func(*xmlNode)
	walk = func(n *xmlNode) {
		if n.isText() {
			out.WriteString(n.text)
		}
		for _, k := range n.children {
			walk(k)
		}
	}
	walk(c.at)
	return out.String()
}

// Copy is another cursor at the same place.
func (c *xmlCursor) Copy() xpath.NodeNavigator {
	d := *c
	return &d
}

// MoveToRoot goes to the document.
func (c *xmlCursor) MoveToRoot() { c.at, c.attr = c.top, -1 }

// MoveToParent goes one up.
func (c *xmlCursor) MoveToParent() bool {
	if c.attr >= 0 {
		c.attr = -1
		return true
	}
	if c.at == c.top || c.at.parent == nil {
		return false
	}
	c.at = c.at.parent
	return true
}

// MoveToNextAttribute goes to the next attribute.
func (c *xmlCursor) MoveToNextAttribute() bool {
	if c.at.kind != xmlElement || c.attr+1 >= len(c.at.attrs) {
		return false
	}
	c.attr++
	return true
}

// MoveToChild goes to the first child.
func (c *xmlCursor) MoveToChild() bool {
	if c.attr >= 0 || len(c.at.children) == 0 {
		return false
	}
	c.at = c.at.children[0]
	return true
}

func (c *xmlCursor) sibling(move func(i int) int) bool {
	if c.attr >= 0 || c.at == c.top || c.at.parent == nil {
		return false
	}
	i := move(slices.Index(c.at.parent.children, c.at))
	if i < 0 || i >= len(c.at.parent.children) {
		return false
	}
	c.at = c.at.parent.children[i]
	return true
}

// MoveToFirst goes to the first sibling.
func (c *xmlCursor) MoveToFirst() bool { return c.sibling(func(int) int { return 0 }) }

// MoveToNext goes to the next sibling.
func (c *xmlCursor) MoveToNext() bool { return c.sibling(func(i int) int { return i + 1 }) }

// MoveToPrevious goes to the sibling before.
func (c *xmlCursor) MoveToPrevious() bool { return c.sibling(func(i int) int { return i - 1 }) }

// MoveTo goes where another cursor is.
func (c *xmlCursor) MoveTo(o xpath.NodeNavigator) bool {
	d, ok := o.(*xmlCursor)
	if !ok || d.top != c.top {
		return false
	}
	*c = *d
	return true
}
