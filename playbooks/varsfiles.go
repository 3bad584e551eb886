package playbooks

import (
	"path/filepath"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/yaml"
)

func (s *session) varsFiles(v *yaml.Node) []VarsFile {
	if isNull(v) {
		return nil
	}
	items := []*yaml.Node{v}
	if v.Kind == yaml.Sequence {
		items = v.Items
	}
	var out []VarsFile
	for _, item := range items {
		ok := item.Kind == yaml.Sequence || (isText(item) && !isNull(item))
		for _, choice := range item.Items {
			ok = ok && isText(choice)
		}
		switch {
		case s.broken(item):
		case isNull(item):
			s.report(warning(item, "empty-entry", say.T("an empty entry in vars_files", "vars_files에 빈 항목이 있습니다"), say.Text{}, say.T("remove the dash", "줄표를 지우세요")))
		case !ok:
			s.report(problem(item, "wrong-type", say.T("an entry of vars_files must be a file name or a list of them, not %s", "vars_files의 항목에는 파일 이름이나 그 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{}, say.Text{}))
		default:
			out = append(out, VarsFile{Pos: item.Pos, Choices: texts(item)})
		}
	}
	return out
}

// checkVarsFiles reads the files whose names are known now, so that their
// problems show before the run.
func (s *session) checkVarsFiles(p *Play) {
	c := s.context(&p.Scope, p, false)
	for _, vf := range p.VarsFiles {
		path, open := c.findVarsFile(vf)
		at := &yaml.Node{Pos: vf.Pos, Source: s.sourceOf(vf.Pos.File), Scalar: strings.Join(vf.Choices, ", ")}
		switch {
		case path != "":
			s.checkVarsFile(path, at)
		case !open && len(vf.Choices) > 0:
			s.report(warning(at, "no-such-file", say.T("there is no file %s", "%s 파일이 없습니다", scalarText(at)),
				say.T("the play fails without it", "이 파일이 없으면 플레이가 실패합니다"), say.T("check the path; it starts from the folder of the playbook", "경로를 확인하세요. 플레이북이 있는 폴더에서 시작합니다")))
		}
	}
}

// checkVarsFile reads a file of a play's vars_files.
func (s *session) checkVarsFile(path string, by *yaml.Node) {
	if root, ok := s.read(path, by); ok && root != nil && root.Kind == yaml.Sequence {
		if _, ok := Variables(root.Value()); ok {
			return
		}
	}
	s.readVariables(path, by)
}

// readVariables reads a file of variables; nil when it cannot be used.
func (s *session) readVariables(path string, by *yaml.Node) *value.Dict {
	root, ok := s.read(path, by)
	if !ok || root == nil {
		return nil
	}
	if root.Kind != yaml.Mapping {
		s.report(notAMapping(root, say.T("a file of variables", "변수 파일")))
		return nil
	}
	s.checkUnused(root)
	d, _ := root.Value().(*value.Dict)
	return d
}

// Variables is what a file of vars_files holds: a mapping, or a list of mappings
// of which later ones win.
func Variables(v any) (*value.Dict, bool) {
	l, isList := v.(*value.List)
	if !isList {
		d, ok := v.(*value.Dict)
		return d, ok
	}
	all := &value.Dict{}
	for _, item := range l.Items {
		d, ok := item.(*value.Dict)
		if !ok {
			return nil, false
		}
		all.Update(d)
	}
	return all, true
}

// findVarsFile finds the first choice that exists; open is true when a choice
// is only known during the run.
func (c *place) findVarsFile(vf VarsFile) (path string, open bool) {
	for _, choice := range vf.Choices {
		if isTemplate(choice) {
			return "", true
		}
		for _, sub := range []string{"vars", ""} {
			p := filepath.Join(c.playDir(), sub, choice)
			if filepath.IsAbs(choice) || strings.HasPrefix(choice, "~") {
				p = choice
			}
			if c.isFile(p) {
				return p, false
			}
		}
	}
	return "", false
}
