package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
)

// maxAnomalies bounds what is told one by one.
const maxAnomalies = 500

// anomaly folds an unusual step; its end was told just before.
func (b *Builder) anomaly(d event.Anomaly) {
	h := b.hosts[d.Host]
	if h == nil || len(h.Cells) == 0 {
		return
	}
	a := Anomalous{
		Task: h.Cells[len(h.Cells)-1].Task, Host: d.Host, TookMS: d.Took.Milliseconds(),
		UsualMS: d.Usual.Milliseconds(), SpreadMS: d.Spread.Milliseconds(), Runs: d.Runs,
	}
	// A run that was resumed may tell of the same step again: the last one counts.
	same := func(o Anomalous) bool { return o.Task == a.Task && o.Host == a.Host }
	if i := slices.IndexFunc(b.report.Anomalies, same); i >= 0 {
		b.report.Anomalies[i] = a
		return
	}
	if len(b.report.Anomalies) < maxAnomalies {
		b.report.Anomalies = append(b.report.Anomalies, a)
	}
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
	s.title(fmt.Sprintf("%s (%d)", s.word("unusual"), len(steps)))
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

// unusual are the anomalies, those that are farthest off first.
func (r *Report) unusual() []Anomalous {
	out := slices.Clone(r.Anomalies)
	slices.SortStableFunc(out, func(x, y Anomalous) int { return cmp.Compare(away(y), away(x)) })
	return out
}

// usually says what the step takes on the host, and from how many runs that is
// known.
func (a Anomalous) usually() say.Text {
	return say.T("%s ± %s (%d runs)", "%s ± %s (%d회)", duration(a.UsualMS), duration(a.SpreadMS), a.Runs)
}

// howFar says how far the step is from the usual; the sign tells the direction
// to those who do not see colours.
func (a Anomalous) howFar() say.Text {
	if a.TookMS < a.UsualMS {
		return say.T("▼ %s shorter (%d%%)", "▼ %s 짧음 (%d%%)", duration(away(a)), a.percent())
	}
	return say.T("▲ %s longer (+%d%%)", "▲ %s 김 (+%d%%)", duration(away(a)), a.percent())
}

// percent is how much longer it took than usual; negative: shorter.
func (a Anomalous) percent() int64 { return (a.TookMS - a.UsualMS) * 100 / max(a.UsualMS, 1) }

// unusualTable has one row for each step on a host that was out of the usual.
func unusualTable(r *Report) table {
	return table{
		Name: "unusual", Title: words["unusual"],
		Columns: []column{
			heading("play", 22), heading("task", 34), heading("host", 22), heading("took_s", 12), heading("usual_s", 10),
			heading("spread_s", 12), heading("past_runs", 10), heading("off", 12), heading("how_far", 30),
		},
		Rows: rowsOver(r.unusual(), func(a Anomalous) []any {
			t := r.task(a.Task)
			return []any{r.playName(t.Play), t.Name, a.Host, seconds(a.TookMS), seconds(a.UsualMS), seconds(a.SpreadMS), a.Runs, a.percent(), a.howFar()}
		}),
	}
}
