package reports

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
)

// overlap is how far a step may begin before the one that it waited for ended,
// in milliseconds: ends are told a little later than they happen.
const overlap = 3

// trace is every step of the run, by its end, with what may hold up what.
type trace struct {
	r     *Report
	steps []traced
	play  map[int]*Play
	lanes map[int]map[string]int // by play and host, when the plan tells
	waits map[int]map[int][]event.Wait
	graph bool
}

type traced struct {
	host, task int // in the report
	play       int
	began, end int64
}

func newTrace(r *Report, planned *event.Planned) *trace {
	t := &trace{r: r, play: map[int]*Play{}, lanes: map[int]map[string]int{}, waits: map[int]map[int][]event.Wait{}}
	for _, p := range r.Plays {
		t.play[p.Number] = p
		t.graph = t.graph || len(p.Needs) > 0
	}
	if planned != nil {
		for _, s := range planned.Stages {
			t.lanes[s.Play], t.waits[s.Play] = map[string]int{}, map[int][]event.Wait{}
			for l, lane := range s.Lanes {
				t.waits[s.Play][l] = lane.Waits
				for _, h := range lane.Hosts {
					t.lanes[s.Play][h] = l
				}
			}
		}
	}
	for h, host := range r.Hosts {
		for _, c := range host.Cells {
			t.steps = append(t.steps, traced{host: h, task: c.Task, play: r.Tasks[c.Task].Play, began: c.BeganMS, end: c.BeganMS + c.TookMS})
		}
	}
	slices.SortStableFunc(t.steps, func(a, b traced) int {
		return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.began, b.began), cmp.Compare(a.task, b.task))
	})
	return t
}

// critical is the chain of steps that set the length of the run: from the last
// step back to what each waited for. The steps follow each other without a gap,
// so that their times sum to that of the run.
func critical(r *Report, planned *event.Planned) []Step {
	t := newTrace(r, planned)
	var chain []traced
	for i := len(t.steps) - 1; i >= 0; {
		chain = append(chain, t.steps[i])
		i = t.before(i)
	}
	slices.Reverse(chain)
	out := make([]Step, len(chain))
	var sofar int64
	for i, s := range chain {
		end := max(s.end, sofar)
		if i == len(chain)-1 {
			end = max(r.TookMS, sofar) // what is left is the end of the run itself
		}
		out[i] = Step{Play: s.play, Task: s.task, Host: r.Hosts[s.host].Name, TookMS: end - sofar, WaitMS: min(max(0, s.began-sofar), end-sofar)}
		sofar = end
	}
	return out
}

// before finds the step that ended last before step i could begin, among those
// that it may have waited for; -1 when there is none.
func (t *trace) before(i int) int {
	s := t.steps[i]
	from := sort.Search(len(t.steps), func(k int) bool { return t.steps[k].end > s.began+overlap })
	for k := min(from, i) - 1; k >= 0; k-- {
		if t.mayHold(t.steps[k], s) {
			return k
		}
	}
	return -1
}

// mayHold reports whether a step may have had to wait for another one.
func (t *trace) mayHold(a, b traced) bool {
	switch {
	case a.host == b.host:
		return true
	case a.play == b.play:
		return t.together(a, b)
	case !t.graph:
		return a.play < b.play
	}
	host := t.r.Hosts[b.host].Name
	lane, known := t.lanes[b.play][host]
	if !known {
		return slices.Contains(t.play[b.play].Needs, t.play[a.play].Name)
	}
	for _, w := range t.waits[b.play][lane] {
		if w.Play == a.play && (len(w.Hosts) == 0 || slices.Contains(w.Hosts, t.r.Hosts[a.host].Name)) {
			return true
		}
	}
	return false
}

// together reports whether two hosts of a play go in step.
func (t *trace) together(a, b traced) bool {
	p := t.play[a.play]
	if strings.HasSuffix(p.Strategy, "free") || strings.HasSuffix(p.Strategy, "host_pinned") {
		return false
	}
	if lanes := t.lanes[a.play]; len(lanes) > 0 {
		return lanes[t.r.Hosts[a.host].Name] == lanes[t.r.Hosts[b.host].Name]
	}
	return p.Lanes < 2
}

// maxSavings is how many ways to shorten the run are told.
const maxSavings = 5

// savings are what would shorten the run most: steps of the critical path whose
// host took longer than a host in the middle, and long waits.
func savings(r *Report) []Saving {
	var out []Saving
	for _, s := range r.Critical {
		task := r.Tasks[s.Task]
		work := s.TookMS - s.WaitMS
		n := 0
		for _, count := range task.Counts {
			n += count
		}
		if gain := min(work-task.MiddleMS, work); n > 1 && gain > 0 {
			out = append(out, Saving{Task: s.Task, Host: s.Host, SaveMS: gain, Text: say.T(
				"'%s' took %s on %s, %s on a host in the middle", "'%s': %[3]s에서 %[2]s, 중간 호스트는 %[4]s", task.Name, duration(work), s.Host, duration(task.MiddleMS))})
			continue
		}
		out = append(out, Saving{Task: s.Task, Host: s.Host, SaveMS: work, Text: say.T(
			"'%s' took %s on %s, and everything behind it waited", "'%s': %[3]s에서 %[2]s, 뒤의 모든 것이 기다렸습니다", task.Name, duration(work), s.Host)})
	}
	slices.SortStableFunc(out, func(a, b Saving) int { return cmp.Compare(b.SaveMS, a.SaveMS) })
	out = slices.DeleteFunc(out, func(s Saving) bool { return s.SaveMS*50 < r.TookMS })
	return out[:min(len(out), maxSavings)]
}
