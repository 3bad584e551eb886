package playbooks

import (
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is right or wrong whatever the machine has installed

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

var clock = regexp.MustCompile(`^([01]?[0-9]|2[0-3]):[0-5][0-9]$`)

// clockText is HH:MM as written: YAML makes a number of 10:00.
func clockText(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.Scalar {
		return "", false
	}
	t := n.Text
	if s, ok := n.Scalar.(string); ok {
		t = s
	}
	return t, clock.MatchString(t)
}

func badClock(n *yaml.Node, what string) diag.Problem {
	return problem(n, "bad-time", say.T("%s must be a time of day such as \"09:30\", not %s", "%s에는 \"09:30\" 같은 시각이 와야 하는데 %s{이/가} 있습니다", what, kindWords(n)),
		say.Text{}, say.T("write hours and minutes in quotes", "시와 분을 따옴표로 감싸 쓰세요"))
}

var startupKeys = []string{"startup", "opens_at", "timezone", "budget", "milestones", "owner"}

// startup reads the settings of the whole run.
func (s *session) startup(p *Playbook, n *yaml.Node, i int) {
	key := keyOf(n, "startup")
	if i > 0 || len(p.Plays) > 0 {
		s.report(problem(key, "startup-not-first", say.T("startup must be the first item of the playbook", "startup은 플레이북의 첫 항목이어야 합니다"), say.Text{}, say.T("move it to the top", "맨 위로 옮기세요")))
	}
	if p.Startup != nil {
		s.report(warning(key, "two-startups", say.T("a second startup is not used", "두 번째 startup은 쓰지 않습니다"), say.Text{}, say.T("remove it, or run the imported playbook by itself", "지우거나, 가져온 플레이북을 따로 실행하세요")))
		return
	}
	st := &Startup{Pos: key.Pos, Name: scalarText(n.Get("startup"))}
	p.Startup = st
	for _, e := range n.Entries {
		s.startupKey(st, e)
	}
	if st.OpensAt == "" && len(st.Milestones) == 0 && st.Timezone != "" {
		s.report(warning(keyOf(n, "timezone"), "unused-timezone", say.T("timezone without opens_at or milestones does nothing", "opens_at이나 milestones 없는 timezone은 아무 일도 하지 않습니다"), say.Text{}, say.Text{}))
	}
}

func (s *session) startupKey(st *Startup, e yaml.Entry) {
	name, v := scalarText(e.Key), e.Value
	switch name {
	case "startup", "owner":
		s.checkShape(&keyword{name: name, shape: text}, e.Key, v)
		if name == "owner" {
			st.Owner = scalarText(v)
		}
	case "opens_at":
		t, ok := clockText(v)
		if !ok {
			s.report(badClock(v, name))
		}
		st.OpensAt = t
	case "timezone":
		s.timezone(st, v)
	case "budget":
		s.checkShape(&keyword{name: name, shape: duration}, e.Key, v)
		st.Budget = v.Text
	case "milestones":
		s.milestones(st, e)
	default:
		if keywordIn(name, inPlay) != nil {
			s.report(problem(e.Key, "misplaced-keyword", say.T("%s does not belong in startup", "%s{은/는} startup에 쓸 수 없습니다", name),
				say.T("startup is no play: it runs nothing", "startup은 플레이가 아니며 아무것도 실행하지 않습니다"), say.T("start a play of its own with '- hosts: ...'", "'- hosts: ...'로 플레이를 따로 시작하세요")))
			return
		}
		s.report(problem(e.Key, "unknown-keyword", say.T("unknown key '%s' in startup", "startup에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
			nearestOr(name, startupKeys, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(startupKeys, ", ")))))
	}
}

func (s *session) timezone(st *Startup, v *yaml.Node) {
	if v.Kind != yaml.Scalar || isNull(v) {
		s.report(problem(v, "bad-timezone", say.T("timezone must be text, not %s", "timezone에는 문자열이 와야 하는데 %s{이/가} 있습니다", kindWords(v)), say.Text{}, say.T("write a name such as Asia/Seoul", "Asia/Seoul 같은 이름을 쓰세요")))
		return
	}
	st.Timezone = scalarText(v)
	if _, err := time.LoadLocation(st.Timezone); err != nil || st.Timezone == "" {
		s.report(problem(v, "bad-timezone", say.T("there is no time zone '%s'", "'%s'{이라/라}는 시간대가 없습니다", st.Timezone), say.Text{},
			nearestOr(st.Timezone, []string{"Asia/Seoul", "Asia/Tokyo", "Asia/Shanghai", "Asia/Singapore", "Asia/Kolkata", "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "America/New_York", "America/Chicago", "America/Los_Angeles", "Australia/Sydney"},
				say.T("write a name such as Asia/Seoul", "Asia/Seoul 같은 이름을 쓰세요"))))
	}
}

func (s *session) milestones(st *Startup, e yaml.Entry) {
	if e.Value.Kind != yaml.Mapping {
		s.report(problem(e.Value, "not-a-mapping", say.T("milestones must be a mapping of names to times, not %s", "milestones에는 이름과 시각의 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(e.Value)), say.Text{},
			say.T("write {gates open: \"09:30\"}", "{개문: \"09:30\"}처럼 쓰세요")))
		return
	}
	for _, m := range e.Value.Entries {
		st.Milestones = append(st.Milestones, s.milestone(m)...)
	}
}

// milestone reads one deadline: a time, or {at: time, when: [plays]}.
func (s *session) milestone(e yaml.Entry) []Milestone {
	out := Milestone{Pos: e.Key.Pos, Name: scalarText(e.Key)}
	at := e.Value
	if e.Value.Kind == yaml.Mapping {
		at = nil
		for _, part := range e.Value.Entries {
			switch name := scalarText(part.Key); name {
			case "at":
				at = part.Value
			case "when":
				out.When = s.milestonePlays(part)
			default:
				s.report(problem(part.Key, "unknown-keyword", say.T("unknown key '%s' in a milestone", "마일스톤에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
					nearestOr(name, []string{"at", "when"}, say.T("use at and when", "at과 when을 쓰세요"))))
			}
		}
		if at == nil {
			s.report(problem(e.Key, "bad-time", say.T("the milestone '%s' has no time", "마일스톤 '%s'에 시각이 없습니다", out.Name), say.Text{},
				say.T("write {at: \"09:30\", when: [play]}", "{at: \"09:30\", when: [플레이]}처럼 쓰세요")))
			return nil
		}
	}
	var ok bool
	if out.At, ok = clockText(at); !ok {
		s.report(badClock(at, out.Name))
		return nil
	}
	return []Milestone{out}
}

// milestonePlays are the names of plays, one or a list.
func (s *session) milestonePlays(e yaml.Entry) []string {
	items := []*yaml.Node{e.Value}
	if e.Value.Kind == yaml.Sequence {
		items = e.Value.Items
	}
	var out []string
	for _, item := range items {
		if !isText(item) || scalarText(item) == "" {
			s.report(problem(item, "bad-milestone", say.T("when must be names of plays, not %s", "when에는 플레이 이름이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{}, say.Text{}))
			continue
		}
		out = append(out, scalarText(item))
	}
	return out
}
