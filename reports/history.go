package reports

import "sunup/internal/say"

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

// criticalNumbers are the plays on the critical path.
func criticalNumbers(r *Report) map[int]bool {
	out := map[int]bool{}
	for _, s := range r.Critical {
		out[s.Play] = true
	}
	return out
}
