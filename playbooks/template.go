package playbooks

import (
	"errors"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

// checkTemplates checks the syntax of every template below n.
func (s *session) checkTemplates(n *yaml.Node) {
	if s.o.CheckTemplate == nil || n == nil {
		return
	}
	switch n.Kind {
	case yaml.Sequence:
		for _, item := range n.Items {
			s.checkTemplates(item)
		}
	case yaml.Mapping:
		for _, e := range n.Entries {
			s.checkTemplates(e.Key)
			s.checkTemplates(e.Value)
		}
	default:
		if t, ok := n.Scalar.(string); ok && isTemplate(t) {
			s.reportTemplate(n, s.o.CheckTemplate(t), 0)
		}
	}
}

// checkUnused checks the templates of variables. A variable may never be used,
// or be for somebody else (Docker's {{.ID}}), so they are warnings.
func (s *session) checkUnused(n *yaml.Node) {
	before := len(s.problems)
	s.checkTemplates(n)
	for i := before; i < len(s.problems); i++ {
		s.problems[i].Severity = diag.Warning
	}
}

// reportTemplate reports an error in the template of n. before is how many
// characters of the template do not stand in the file.
func (s *session) reportTemplate(n *yaml.Node, err error, before int) {
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			s.reportTemplate(n, one, before)
		}
		return
	}
	at, words := n, err.Error()
	var where *jinja.Error
	if errors.As(err, &where) {
		words = where.Msg
		if where.Hint != "" {
			words += " (" + where.Hint + ")"
		}
		at = insideText(n, where.Line, where.Col-before)
		if where.Lacking != "" {
			s.reportLackingInTemplate(at, where, words)
			return
		}
		if where.Kind != "" && where.Kind != jinja.KindSyntax {
			s.reportUnsupported(problem(at, "unknown-in-template", say.T("in a template: %s", "템플릿 안: %s", words), say.Text{},
				spellingOrFolder))
			return
		}
	}
	s.report(problem(at, "template-syntax", say.T("the template is not well-formed: %s", "템플릿의 문법이 틀렸습니다: %s", words), say.Text{}, say.Text{}))
}

// reportLackingInTemplate reports a filter, test or lookup that there is not.
func (s *session) reportLackingInTemplate(at *yaml.Node, e *jinja.Error, words string) {
	p := problem(at, "unsupported-"+e.Lacking, say.T("the template is not well-formed: %s", "템플릿의 문법이 틀렸습니다: %s", words), say.Text{},
		spellingOrFolder)
	p.Lacking, p.Subject = e.Lacking, e.Subject
	s.reportUnsupported(p)
}

// spellingOrFolder is what to do about a filter, test or lookup that there is
// not.
var spellingOrFolder = say.T("check the spelling; one of your own, in Python, stands in filter_plugins, test_plugins or lookup_plugins beside the playbook or in a role, and needs python3 on this machine",
	"철자를 확인하세요. 파이썬으로 직접 만든 것은 플레이북 옆이나 롤의 filter_plugins, test_plugins, lookup_plugins에 두며, 이 컴퓨터에 python3가 있어야 합니다")

// insideText is the place of a line and column of a node's text in its file,
// as far as the text stands there as it is; else the node itself.
func insideText(n *yaml.Node, line, col int) *yaml.Node {
	lines := strings.Split(n.Text, "\n")
	if n.Source == nil || line < 1 || line > len(lines) || col < 1 || col > len([]rune(lines[line-1]))+1 {
		return n
	}
	number := n.Pos.Line // of a text that starts where the node starts
	if len(lines) > 1 {
		number += line // of a block, which starts on the line below
	}
	if number < 1 || number > len(n.Source.Lines) {
		return n
	}
	source := n.Source.Lines[number-1]
	from := 0
	if len(lines) == 1 {
		from = len(string([]rune(source)[:min(max(n.Pos.Col-1, 0), len([]rune(source)))]))
	}
	at := strings.Index(source[from:], lines[line-1])
	if at < 0 || lines[line-1] == "" {
		return n
	}
	moved := *n
	moved.Pos.Line = number
	moved.Pos.Col = len([]rune(source[:from+at])) + col
	return &moved
}
