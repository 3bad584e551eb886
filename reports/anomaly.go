package reports

import (
	"fmt"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
)

// maxAnomalies bounds what is told one by one.
const maxAnomalies = 500

// anomaly folds an unusual step; its end was told just before.
func (b *Builder) anomaly(d event.Anomaly) {
	h := b.hosts[d.Host]
	if h == nil || len(h.Cells) == 0 || len(b.report.Anomalies) >= maxAnomalies {
		return
	}
	b.report.Anomalies = append(b.report.Anomalies, Anomalous{
		Task: h.Cells[len(h.Cells)-1].Task, Host: d.Host, TookMS: d.Took.Milliseconds(),
		UsualMS: d.Usual.Milliseconds(), SpreadMS: d.Spread.Milliseconds(), Runs: d.Runs,
	})
}

// unusualSteps groups the anomalies by task: the sentence and the hosts.
func (r *Report) unusualSteps() []unusualStep {
	var out []unusualStep
	at := map[int]int{}
	for _, a := range r.Anomalies {
		i, ok := at[a.Task]
		if !ok {
			i = len(out)
			at[a.Task] = i
			out = append(out, unusualStep{Task: a.Task, worst: a})
		}
		u := &out[i]
		u.Hosts = append(u.Hosts, a.Host)
		if away(a) > away(u.worst) {
			u.worst = a
		}
	}
	return out
}

type unusualStep struct {
	Task  int
	Hosts []string
	worst Anomalous
}

func away(a Anomalous) int64 { return max(a.TookMS-a.UsualMS, a.UsualMS-a.TookMS) }

// inWords says what is unusual about the step, by the host that is farthest off.
func (u unusualStep) inWords() say.Text {
	if u.worst.TookMS > u.worst.UsualMS {
		return say.T("%s took %s, usually %s", "%s: %s 걸림, 평소 %s", u.worst.Host, duration(u.worst.TookMS), duration(u.worst.UsualMS))
	}
	return say.T("%s took only %s, usually %s: did it do its work?", "%s: %s 만에 끝남, 평소 %s: 제대로 실행되었는지 확인하십시오", u.worst.Host, duration(u.worst.TookMS), duration(u.worst.UsualMS))
}

func (s *summary) unusual() {
	steps := s.r.unusualSteps()
	if len(steps) == 0 {
		return
	}
	s.line(nil)
	s.title(fmt.Sprintf("%s (%d)", s.text(say.T("Out of the usual", "평소와 다른 단계")), len(steps)))
	for i, u := range steps {
		if i == summaryCauses {
			s.line(text(fmt.Sprintf("  … +%d", len(steps)-i)))
			break
		}
		s.wrapped("◆ ", "35", s.taskName([]int{u.Task})+": "+s.text(u.inWords()), "")
		if len(u.Hosts) > 1 {
			s.wrapped("    ", "", someHosts(u.Hosts, 6, s.Lang), "")
		}
	}
}

// anomalyLine is one anomaly while the run goes on.
func anomalyLine(task string, d event.Anomaly) say.Text {
	a := Anomalous{Host: d.Host, TookMS: d.Took.Milliseconds(), UsualMS: d.Usual.Milliseconds()}
	return say.T("%s: %s", "%s: %s", strings.TrimSpace(task), unusualStep{worst: a}.inWords())
}
