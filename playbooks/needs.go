package playbooks

import (
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

func (s *session) needs(e *yaml.Entry) []Need {
	items := []*yaml.Node{e.Value}
	if e.Value.Kind == yaml.Sequence {
		items = e.Value.Items
	}
	var out []Need
	for _, item := range items {
		switch {
		case s.broken(item):
		case isText(item) && scalarText(item) != "":
			out = append(out, Need{Pos: item.Pos, Play: scalarText(item)})
		case item.Kind == yaml.Mapping:
			if need, ok := s.need(item); ok {
				out = append(out, need)
			}
		default:
			s.report(problem(item, "bad-need", say.T("needs must be the name of a play or {play: name, same: variable}, not %s", "needs에는 플레이 이름이나 {play: 이름, same: 변수}가 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{}, say.Text{}))
		}
	}
	return out
}

func (s *session) need(n *yaml.Node) (Need, bool) {
	need := Need{Pos: n.Pos}
	for _, e := range n.Entries {
		name := scalarText(e.Key)
		switch name {
		case "play", "same":
			if !isText(e.Value) || scalarText(e.Value) == "" {
				s.report(problem(e.Key, "bad-need", say.T("%s must be text", "%s에는 문자열이 와야 합니다", name), say.Text{}, say.Text{}))
				return need, false
			}
			if name == "play" {
				need.Play, need.Pos = scalarText(e.Value), e.Value.Pos
				continue
			}
			if need.Same = scalarText(e.Value); !IsIdentifier(need.Same) {
				s.report(badVariableName(e.Value))
			}
		default:
			s.report(problem(e.Key, "unknown-keyword", say.T("unknown key '%s' in needs", "needs에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
				nearestOr(name, []string{"play", "same"}, say.T("use play and same", "play와 same을 쓰세요"))))
		}
	}
	if need.Play == "" {
		s.report(problem(n, "bad-need", say.T("an entry of needs names no play", "needs의 항목에 플레이 이름이 없습니다"), say.Text{}, say.T("write {play: name, same: variable}", "{play: 이름, same: 변수}처럼 쓰세요")))
		return need, false
	}
	return need, true
}

// checkPlaybook checks what only shows in the whole: needs.
func (s *session) checkPlaybook(p *Playbook) {
	byName := map[string][]*Play{}
	var names []string
	for _, play := range p.Plays {
		s.unusedCoverage(play)
		if play.Name != "" {
			byName[play.Name] = append(byName[play.Name], play)
			names = append(names, play.Name)
		}
	}
	for _, play := range p.Plays {
		for _, need := range play.Ours.Needs {
			switch found := byName[need.Play]; {
			case len(found) == 0:
				s.report(s.at(need.Pos, "unknown-play", say.T("there is no play '%s'", "'%s'{이라/라}는 플레이가 없습니다", need.Play),
					nearestOr(need.Play, names, say.T("write the name of a play as it stands after 'name:'", "'name:' 뒤에 있는 플레이 이름 그대로 쓰세요"))))
			case len(found) > 1:
				s.report(s.at(need.Pos, "ambiguous-play", say.T("%d plays are called '%s'", "'%[2]s'{이라/라}는 플레이가 %[1]d개 있습니다", len(found), need.Play),
					say.T("give each a name of its own", "저마다 다른 이름을 붙이세요")))
			}
		}
	}
	s.checkMilestones(p, byName, names)
	s.checkCycles(p, byName)
}

// checkMilestones sees that the plays that milestones are judged by are there.
func (s *session) checkMilestones(p *Playbook, byName map[string][]*Play, names []string) {
	if p.Startup == nil {
		return
	}
	for _, m := range p.Startup.Milestones {
		for _, name := range m.When {
			if len(byName[name]) == 0 {
				s.report(s.at(m.Pos, "unknown-play", say.T("there is no play '%s'", "'%s'{이라/라}는 플레이가 없습니다", name),
					nearestOr(name, names, say.T("write the name of a play as it stands after 'name:'", "'name:' 뒤에 있는 플레이 이름 그대로 쓰세요"))))
			}
		}
	}
}

// at makes a problem at a place whose node is gone.
func (s *session) at(pos diag.Pos, id string, what, fix say.Text) diag.Problem {
	n := &yaml.Node{Pos: pos, Source: s.sourceOf(pos.File)}
	return problem(n, id, what, say.Text{}, fix)
}

// checkCycles reports each circle of needs once, with the way around.
func (s *session) checkCycles(p *Playbook, byName map[string][]*Play) {
	const (
		unseen = iota
		open
		closed
	)
	state := map[*Play]int{}
	var way []*Play
	var visit func(play *Play)
	visit = func(play *Play) {
		state[play] = open
		way = append(way, play)
		for _, need := range play.Ours.Needs {
			for _, next := range byName[need.Play] {
				switch state[next] {
				case unseen:
					visit(next)
				case open:
					s.report(s.cycle(need, way, next))
				}
			}
		}
		way = way[:len(way)-1]
		state[play] = closed
	}
	for _, play := range p.Plays {
		if state[play] == unseen {
			visit(play)
		}
	}
}

func (s *session) cycle(need Need, way []*Play, to *Play) diag.Problem {
	from := 0
	for way[from] != to {
		from++
	}
	var names []string
	for _, p := range way[from:] {
		names = append(names, p.Name)
	}
	if len(names) == 1 {
		return s.at(need.Pos, "needs-cycle", say.T("the play '%s' needs itself", "플레이 '%s'{이/가} 자기 자신을 필요로 합니다", to.Name), say.T("remove it", "지우세요"))
	}
	p := s.at(need.Pos, "needs-cycle", say.T("plays need each other: %s", "플레이가 서로를 필요로 합니다: %s", strings.Join(append(names, to.Name), " → ")),
		say.T("remove one of these needs", "이 중 needs 하나를 지우세요"))
	p.Why = say.T("none of them could ever start", "어느 것도 시작할 수 없습니다")
	return p
}
