package playbooks

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is right or wrong whatever the machine has installed

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

// ParseDuration reads a length of time: 90, 90s, 30m, 1h30m, 2d.
func ParseDuration(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if !(n >= 0 && n <= maxSeconds) { // NaN is neither
			return 0, false
		}
		return time.Duration(n * float64(time.Second)), true
	}
	var days time.Duration
	if before, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.Atoi(strings.TrimSpace(before))
		if err != nil || n < 0 || n > maxSeconds/86400 {
			return 0, false
		}
		days = time.Duration(n) * 24 * time.Hour
		if text = strings.TrimSpace(after); text == "" {
			return days, true
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, false
	}
	return days + d, true
}

// maxSeconds is ten years: beyond it somebody slipped.
const maxSeconds = 10 * 366 * 86400

func isDuration(n *yaml.Node) bool {
	t, known := literal(n)
	if !known {
		return true
	}
	d, ok := ParseDuration(t)
	return ok && d > 0
}

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
		at, ok := clockText(m.Value)
		if !ok {
			s.report(badClock(m.Value, scalarText(m.Key)))
			continue
		}
		st.Milestones = append(st.Milestones, Milestone{Pos: m.Key.Pos, Name: scalarText(m.Key), At: at})
	}
}

// ours reads the keywords that sunup adds to a play.
func (s *session) ours(p *Play, name string, e *yaml.Entry) {
	v, o := e.Value, &p.Ours
	switch name {
	case "needs":
		o.Needs = s.needs(e)
	case "health":
		o.Health = v
		s.health(e)
	case "quarantine":
		o.Quarantine = v.Value()
		s.quarantine(e)
	case "coverage":
		o.Coverage = v
		s.coverage(e)
	case "limits":
		o.Limits = v
		s.limits(e)
	case "gather":
		o.Gather = v
		s.gather(e)
	case "budget":
		o.Budget = v.Value()
	case "owner":
		o.Owner = v.Value()
	case "grade":
		o.Grade = v.Value()
		s.grade(v)
	}
}

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

// probeTimes are the settings of a probe that are lengths of time.
var probeTimes = setOf("every", "for", "stable", "timeout")

func (s *session) health(e *yaml.Entry) {
	v := e.Value
	if isNull(v) || isTemplateNode(v) {
		return
	}
	items := []*yaml.Node{v}
	if v.Kind == yaml.Sequence {
		items = v.Items
	}
	for _, item := range items {
		if item.Kind != yaml.Mapping || len(item.Entries) == 0 {
			s.report(problem(item, "bad-probe", say.T("a probe must be a mapping such as {tcp: 5432}, not %s", "점검에는 {tcp: 5432} 같은 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{},
				say.T("write '- tcp: 5432' or '- command: pg_isready -q'", "'- tcp: 5432'나 '- command: pg_isready -q'처럼 쓰세요")))
			continue
		}
		for _, setting := range item.Entries {
			if probeTimes[scalarText(setting.Key)] {
				s.checkShape(&keyword{name: scalarText(setting.Key), shape: duration}, setting.Key, setting.Value)
			}
		}
	}
	if s.o.CheckHealth != nil {
		s.problems = append(s.problems, s.o.CheckHealth(v)...)
	}
}

func (s *session) quarantine(e *yaml.Entry) {
	v := e.Value
	if v.Kind == yaml.Mapping && !s.broken(v) {
		for _, setting := range v.Entries {
			s.percentage(setting)
		}
		return
	}
	s.checkShape(&keyword{name: "quarantine", shape: boolean}, e.Key, v)
}

var coverageKeys = []string{"min", "per"}

func (s *session) coverage(e *yaml.Entry) {
	v := e.Value
	if v.Kind != yaml.Mapping || s.broken(v) {
		if isNull(v) || v.Kind != yaml.Scalar || !s.checkShape(&keyword{name: "coverage", shape: percent}, e.Key, v) {
			if v.Kind != yaml.Scalar || isNull(v) {
				s.report(problem(e.Key, "bad-coverage", say.T("coverage must be {min: 95%%, per: zone}, not %s", "coverage에는 {min: 95%%, per: zone} 같은 값이 와야 하는데 %s{이/가} 있습니다", kindWords(v)), say.Text{}, say.Text{}))
			}
			return
		}
		s.inPercent(v)
		return
	}
	for _, setting := range v.Entries {
		switch name := scalarText(setting.Key); name {
		case "min":
			s.percentage(setting)
		case "per":
			s.checkShape(&keyword{name: "per", shape: text}, setting.Key, setting.Value)
		default:
			s.report(problem(setting.Key, "unknown-keyword", say.T("unknown key '%s' in coverage", "coverage에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
				nearestOr(name, coverageKeys, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(coverageKeys, ", ")))))
		}
	}
	if v.Get("min") == nil {
		s.report(problem(e.Key, "bad-coverage", say.T("coverage has no min", "coverage에 min이 없습니다"), say.Text{}, say.T("add min, such as 'min: 95%'", "'min: 95%'처럼 min을 쓰세요")))
	}
}

func (s *session) percentage(e yaml.Entry) {
	if s.checkShape(&keyword{name: scalarText(e.Key), shape: percent}, e.Key, e.Value) {
		s.inPercent(e.Value)
	}
}

// inPercent refuses percentages that no share can have; a number without the
// sign is a count.
func (s *session) inPercent(n *yaml.Node) {
	t, known := literal(n)
	before, isPercent := strings.CutSuffix(strings.TrimSpace(t), "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(before), 64)
	if !known || err != nil || (share >= 0 && (share <= 100 || !isPercent)) {
		return
	}
	s.report(problem(n, "bad-percentage", say.T("%s is no share", "%s{은/는} 비율이 될 수 없습니다", t), say.Text{}, say.T("write a percentage from 0% to 100%", "0%에서 100% 사이의 백분율을 쓰세요")))
}

func (s *session) limits(e *yaml.Entry) {
	items := []*yaml.Node{e.Value}
	if e.Value.Kind == yaml.Sequence {
		items = e.Value.Items
	}
	for _, item := range items {
		if item.Kind != yaml.Mapping || s.broken(item) {
			s.report(problem(item, "bad-limits", say.T("limits must be a mapping such as {per: pool, at_once: 1}, not %s", "limits에는 {per: pool, at_once: 1} 같은 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{}, say.Text{}))
		}
	}
}

func (s *session) gather(e *yaml.Entry) {
	if e.Value.Kind == yaml.Scalar && !isNull(e.Value) && !isTemplateNode(e.Value) && !isText(e.Value) {
		s.report(problem(e.Value, "bad-gather", say.T("gather must be a list of files and commands, not %s", "gather에는 파일과 명령의 목록이 와야 하는데 %s{이/가} 있습니다", kindWords(e.Value)), say.Text{},
			say.T("write '- /var/log/app.log' or '- command: df -h'; for facts the keyword is gather_facts", "'- /var/log/app.log'나 '- command: df -h'처럼 쓰세요. 팩트 수집은 gather_facts입니다")))
	}
}

func (s *session) grade(v *yaml.Node) {
	t, known := literal(v)
	if v.Kind == yaml.Scalar && (!known || isNull(v)) {
		return
	}
	if n, err := strconv.Atoi(t); v.Kind != yaml.Scalar || err != nil || n < 1 || n > 4 {
		s.report(problem(v, "bad-grade", say.T("grade must be 1, 2, 3 or 4, not %s", "grade에는 1, 2, 3, 4 중 하나가 와야 하는데 %s{이/가} 있습니다", kindWords(v)), say.Text{},
			say.T("1 is the gravest", "1이 가장 무겁습니다")))
	}
}

// checkPlaybook checks what only shows in the whole: needs.
func (s *session) checkPlaybook(p *Playbook) {
	byName := map[string][]*Play{}
	var names []string
	for _, play := range p.Plays {
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
	s.checkCycles(p, byName)
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
