package playbooks

import (
	"regexp"
	"strconv"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/yaml"
)

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
		s.coverage(e)
		if o.Coverage = v; v.Kind == yaml.Scalar && !isNull(v) { // 95% is {min: 95%}
			min := &yaml.Node{Kind: yaml.Scalar, Pos: v.Pos, Scalar: "min", Text: "min", Source: v.Source}
			o.Coverage = &yaml.Node{Kind: yaml.Mapping, Pos: v.Pos, Source: v.Source, Entries: []yaml.Entry{{Key: min, Value: v}}}
		}
	case "limits":
		o.Limits = v
		s.limits(e)
	case "budget":
		o.Budget = v.Value()
	case "owner":
		o.Owner = v.Value()
	case "grade":
		o.Grade = v.Value()
		s.grade(v)
	}
}

// probeTimes are the settings of a probe that are lengths of time.
var probeTimes = setOf("every", "for", "stable", "timeout")

func (s *session) health(e *yaml.Entry) {
	v := e.Value
	switch {
	case isNull(v), isTemplateNode(v), s.broken(v):
	case s.o.CheckHealth != nil:
		s.problems = append(s.problems, s.o.CheckHealth(v)...)
	default:
		s.healthForm(v)
	}
}

// healthModule takes probes as its arguments.
const healthModule = "sunup.builtin.health"

// healthTask checks the probes of a task as those of a play.
func (c *place) healthTask(t *Task) {
	if t.Module == healthModule && c.o.CheckHealth != nil && t.ArgsNode != nil && t.ArgsNode.Kind == yaml.Mapping && !c.broken(t.ArgsNode) {
		c.problems = append(c.problems, c.o.CheckHealth(t.ArgsNode)...)
	}
}

// healthForm is what can be said of probes without knowing their kinds.
func (s *session) healthForm(v *yaml.Node) {
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
}

func (s *session) quarantine(e *yaml.Entry) {
	s.checkShape(&keyword{name: "quarantine", shape: boolean}, e.Key, e.Value)
}

// unusedCoverage warns of a share that nothing is held against.
func (s *session) unusedCoverage(p *Play) {
	k := p.Keywords["coverage"]
	if q := p.Keywords["quarantine"]; k == nil || isNull(k.Node) || (q != nil && !isNull(q.Node)) {
		return
	}
	w := s.at(k.Pos, "unused-coverage", say.T("coverage without quarantine does nothing", "quarantine 없는 coverage는 아무 일도 하지 않습니다"),
		say.T("add 'quarantine: true'", "'quarantine: true'를 더하세요"))
	w.Severity = diag.Warning
	s.report(w)
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

var limitKeys = []string{"per", "at_once", "connections", "commands"}

func (s *session) limits(e *yaml.Entry) {
	if isNull(e.Value) || isTemplateNode(e.Value) {
		return
	}
	items := []*yaml.Node{e.Value}
	if e.Value.Kind == yaml.Sequence {
		items = e.Value.Items
	}
	for _, item := range items {
		if item.Kind != yaml.Mapping || s.broken(item) {
			s.report(problem(item, "bad-limits", say.T("limits must be a mapping such as {per: pool, at_once: 1}, not %s", "limits에는 {per: pool, at_once: 1} 같은 사전이 와야 하는데 %s{이/가} 있습니다", kindWords(item)), say.Text{}, say.Text{}))
			continue
		}
		s.limit(item)
	}
}

// rate is a number of times per second, minute or hour.
var rate = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?( */ *[smh])?$`)

func (s *session) limit(item *yaml.Node) {
	limits := false
	for _, part := range item.Entries {
		name := scalarText(part.Key)
		t, known := literal(part.Value)
		switch name {
		case "per":
			s.checkShape(&keyword{name: name, shape: text}, part.Key, part.Value)
		case "at_once":
			limits = true
			if n, err := strconv.Atoi(t); known && (err != nil || n < 1) {
				s.report(problem(part.Value, "bad-limits", say.T("at_once must be a number of hosts, at least 1, not %s", "at_once에는 1 이상의 호스트 수가 와야 하는데 %s{이/가} 있습니다", kindWords(part.Value)), say.Text{}, say.Text{}))
			}
		case "connections", "commands":
			limits = true
			if known && !rate.MatchString(strings.TrimSpace(t)) {
				s.report(problem(part.Value, "bad-limits", say.T("%s must be a rate, not %s", "%s에는 빠르기가 와야 하는데 %s{이/가} 있습니다", name, kindWords(part.Value)), say.Text{},
					say.T("write 5/s or 30/m", "5/s나 30/m처럼 쓰세요")))
			}
		default:
			s.report(problem(part.Key, "unknown-keyword", say.T("unknown key '%s' in limits", "limits에 알 수 없는 키 '%s'{이/가} 있습니다", name), say.Text{},
				nearestOr(name, limitKeys, say.T("use one of: %s", "다음 중 하나를 쓰세요: %s", strings.Join(limitKeys, ", ")))))
		}
	}
	if !limits {
		s.report(problem(item, "bad-limits", say.T("these limits limit nothing", "아무것도 제한하지 않는 limits입니다"), say.Text{}, say.T("add at_once, connections or commands", "at_once, connections, commands 중 하나를 쓰세요")))
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
