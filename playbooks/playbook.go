package playbooks

import (
	"path/filepath"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

// playbook reads a file of plays into p and reports whether it could be read.
func (s *session) playbook(p *Playbook, path string, by *yaml.Node, from passedOn) bool {
	root, ok := s.read(path, by)
	if !ok {
		return false
	}
	s.playbookDir(s.abs(filepath.Dir(path)))
	if root == nil {
		s.report(emptyPlaybook(path))
		return false
	}
	if root.Kind != yaml.Sequence {
		s.report(notPlays(root))
		return false
	}
	if len(root.Items) == 0 {
		s.report(emptyPlaybook(path))
	}
	for i, item := range root.Items {
		s.entry(p, item, i, path, from)
	}
	return true
}

func emptyPlaybook(path string) diag.Problem {
	return diag.Problem{Severity: diag.Error, ID: "empty-playbook", Pos: diag.Pos{File: filepath.Clean(path)},
		What: say.T("A playbook must contain at least one play", "플레이북이 비어 있습니다"), Fix: say.T("add a play: '- hosts: all' and tasks", "'- hosts: all'과 tasks로 플레이를 쓰세요")}
}

func notPlays(root *yaml.Node) diag.Problem {
	p := problem(root, "not-a-list", say.T("a playbook must be a list of plays, not %s", "플레이북에는 플레이의 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(root)), say.Text{}, say.Text{})
	if root.Kind == yaml.Mapping {
		p.Fix = say.T("did you forget the dash? A play starts with '- '", "줄표를 빠뜨린 것은 아닌가요? 플레이는 '- '로 시작합니다")
		if root.Get("hosts") == nil && root.Get("tasks") == nil {
			p.Fix = say.T("this looks like a file of variables: put it under vars_files or group_vars, and give the playbook itself", "변수 파일처럼 보입니다. vars_files나 group_vars에 쓰고, 명령에는 플레이북을 주세요")
		}
	}
	return p
}

// entry reads one item of a playbook: a play, an import, or startup.
func (s *session) entry(p *Playbook, n *yaml.Node, i int, path string, from passedOn) {
	if !s.room(n) {
		return
	}
	if s.broken(n) {
		return
	}
	if n.Kind != yaml.Mapping {
		s.report(problem(n, "not-a-play", say.T("a play must be a mapping, not %s", "플레이에는 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(n)), say.Text{},
			say.T("a play starts with '- hosts: ...'", "플레이는 '- hosts: ...'로 시작합니다")))
		return
	}
	if !s.textKeys(n) {
		return
	}
	for _, e := range n.Entries {
		switch name := scalarText(e.Key); {
		case shortName(name) == "import_playbook":
			s.importPlaybook(p, n, e, path, from)
			return
		case shortName(name) == "include" && n.Get("hosts") == nil:
			s.report(notAPlayKeyword(e.Key))
			return
		case name == "startup":
			s.startup(p, n, i)
			return
		}
	}
	p.Plays = append(p.Plays, s.play(n, path, from))
}
