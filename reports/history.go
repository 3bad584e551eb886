package reports

import (
	"cmp"
	"slices"

	"sunup/internal/say"
)

// slowed is from how many percent over its usual time a step counts as slowed
// down.
const slowed = 30

// past is what is known of a task's earlier runs.
func (r *Report) past(task int) (StepHistory, bool) {
	if r.History != nil {
		for _, s := range r.History.Steps {
			if s.Task == task && s.Runs > 0 {
				return s, true
			}
		}
	}
	return StepHistory{}, false
}

// againstHistory says how long a task usually takes and how this run stands to
// that; empty when nothing is known.
func againstHistory(r *Report, task int) say.Text {
	s, ok := r.past(task)
	if !ok {
		return say.Text{}
	}
	usual := duration(s.UsualMS)
	switch p := s.SlowerPercent(); {
	case p >= slowed:
		return say.T("▲ usually %s: %d%% slower", "▲ 평소 %s: %d%% 느림", usual, p)
	case p <= -slowed:
		return say.T("▼ usually %s: %d%% faster", "▼ 평소 %s: %d%% 빠름", usual, -p)
	}
	return say.T("usually %s", "평소 %s", usual)
}

// slowedSteps are the steps that took longer than usual by more than slowed
// percent and more than their usual spread, the worst first.
func slowedSteps(r *Report) (out []StepHistory) {
	if r.History == nil {
		return nil
	}
	for _, s := range r.History.Steps {
		if s.Runs > 0 && s.SlowerPercent() >= slowed && s.TookMS-s.UsualMS > s.SpreadMS {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(x, y StepHistory) int { return cmp.Compare(y.TookMS-y.UsualMS, x.TookMS-x.UsualMS) })
	return out
}

// criticalNumbers are the plays on the critical path.
func criticalNumbers(r *Report) map[int]bool {
	out := map[int]bool{}
	for _, s := range r.Critical {
		out[s.Play] = true
	}
	return out
}

// Duration is a time as people say it.
func Duration(ms int64) say.Text { return duration(ms) }

// earlier are the known cases of a failure on one of the hosts.
func (r *Report) earlier(hosts []string, task func(int) bool) []EarlierFailure {
	for _, f := range r.Failures {
		if len(f.Earlier) > 0 && isBad(f.Outcome) && task(f.Task) && slices.Contains(hosts, f.Host) {
			return f.Earlier
		}
	}
	return nil
}

// inWords says when the same failed before, and what was noted about it.
func (e EarlierFailure) inWords(r *Report) say.Text {
	day := e.At.In(zoneOf(r)).Format("2006-01-02")
	if e.Note == "" {
		return say.T("seen before: %s, %s", "전에도 있었음: %s, %s", day, e.Host)
	}
	return say.T("seen before: %s, %s: “%s” (%s)", "전에도 있었음: %s, %s: “%s” (%s)", day, e.Host, e.Note, e.By)
}
