package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"sunup/internal/event"
	"sunup/internal/say"
)

// liveState is what a Live writer knows of a run. It has no clock and no
// terminal of its own.
type liveState struct {
	lang  say.Lang
	plain bool

	run     event.RunStarted
	began   time.Time
	last    time.Time
	counts  Counts
	plays   map[int]*livePlay
	running []*livePlay // in the order they began
	tasks   map[int]*liveTask
	told    map[string]int // failures by cause
	aside   int
	bad     map[string]bool
	// fixes are what to do about hosts whose quarantine is not told yet.
	fixes map[string]say.Text
	ended bool
	// paused by order.
	paused bool
	// hint stands below the region; may be empty.
	hint  string
	ahead event.Forecast
}

type livePlay struct {
	event.PlayStarted
	began  time.Time
	hosts  map[string]bool // still in the play
	counts Counts
	task   *liveTask // the last one that began
	open   []*liveTask
	done   int // tasks
}

type liveTask struct {
	event.TaskStarted
	began  time.Time
	busy   map[string]time.Time // hosts that said they began
	ended  map[string]bool
	counts Counts
}

func newLiveState(lang say.Lang, plain bool) *liveState {
	return &liveState{lang: lang, plain: plain, counts: Counts{}, plays: map[int]*livePlay{}, tasks: map[int]*liveTask{}, told: map[string]int{}, fixes: map[string]say.Text{}, bad: map[string]bool{}}
}

// apply takes one event and returns the lines that are final with it.
func (s *liveState) apply(e event.Event) []line {
	s.last = e.Time
	switch d := e.Data.(type) {
	case event.RunStarted:
		return s.runStarted(d, e.Time)
	case event.RunResumed:
		s.began = e.Time
		return []line{s.resumed(d)}
	case event.Steered:
		return []line{s.steered(d)}
	case event.PlayStarted:
		return s.playStarted(d, e.Time)
	case event.BatchStarted:
		if p := s.plays[d.Play]; p != nil {
			out := s.closeTasks(p, e.Time)
			p.hosts = map[string]bool{}
			for _, h := range d.Hosts {
				p.hosts[h] = true
			}
			return append(out, text("  ").with(s.in("batch %d: %d hosts", "%d번째 묶음: 호스트 %d대", d.Batch+1, len(d.Hosts)), dim))
		}
	case event.TaskStarted:
		return s.taskStarted(d, e.Time)
	case event.HostTaskBegan:
		if t := s.tasks[d.Task]; t != nil {
			t.busy[d.Host] = e.Time
		}
	case event.HostTaskEnded:
		return s.hostTaskEnded(d, e.Time)
	case event.HostLost:
		if p := s.plays[d.Play]; p != nil {
			delete(p.hosts, d.Host)
		}
		s.bad[d.Host] = true
	case event.HostQuarantined:
		return s.quarantined(d)
	case event.Probe:
		if !d.Passed && !d.Reason.IsZero() && s.plain {
			return []line{text("  ").with(s.in("waiting: %s, %s: %s", "대기: %s, %s: %s", d.Host, d.Probe, d.Reason), dim)}
		}
	case event.Warning:
		return []line{line{{"⚠ ", "33"}}.with(s.in("warning: ", "경고: "), "33").with(s.about(d), "")}
	case event.Gathered:
		return s.collected(d)
	case event.Forecast:
		return s.forecast(d)
	case event.Anomaly:
		if t := s.tasks[d.Task]; t != nil {
			return []line{line{{"◆ ", "35"}}.with(anomalyLine(t.Name, d).In(s.lang), "")}
		}
	case event.PlayEnded:
		return s.playEnded(d, e.Time)
	case event.RunEnded:
		s.ended = true
		var out []line
		for _, p := range slices.Clone(s.running) {
			out = append(out, s.closeTasks(p, e.Time)...)
		}
		s.running = nil
		return out
	}
	return nil
}

func (s *liveState) in(en, ko string, args ...any) string { return say.T(en, ko, args...).In(s.lang) }

func (s *liveState) about(w event.Warning) string {
	if w.Host != "" {
		return w.Host + ": " + w.Text.In(s.lang)
	}
	return w.Text.In(s.lang)
}

func (s *liveState) runStarted(d event.RunStarted, at time.Time) []line {
	s.run, s.began = d, at
	out := line{{"☀ ", "33"}}.with(s.name(), bold)
	if d.Check {
		out = out.with(" · "+s.in("check mode: nothing is changed", "점검 모드: 아무것도 바꾸지 않음"), "36")
	}
	return []line{out}
}

func (s *liveState) name() string {
	if s.run.Startup != nil && s.run.Startup.Name != "" {
		return s.run.Startup.Name
	}
	return strings.Join(s.run.Playbooks, ", ")
}

func (s *liveState) playStarted(d event.PlayStarted, at time.Time) []line {
	p := &livePlay{PlayStarted: d, began: at, hosts: map[string]bool{}, counts: Counts{}}
	for _, h := range d.Hosts {
		p.hosts[h] = true
	}
	s.plays[d.Play] = p
	if d.NoHosts != "" {
		return []line{line{{"– ", "36"}}.with(d.Name, bold).with(" · "+s.in("no hosts", "대상 호스트 없음"), dim)}
	}
	s.running = append(s.running, p)
	if !s.plain {
		return nil
	}
	out := line{{"▶ ", "34"}}.with(d.Name, bold).with(" · "+s.hosts(len(d.Hosts)), "")
	if d.Owner != "" {
		out = out.with(" · "+d.Owner, dim)
	}
	return []line{out}
}

func (s *liveState) hosts(n int) string { return hostsText(n).In(s.lang) }

func (s *liveState) taskStarted(d event.TaskStarted, at time.Time) []line {
	p := s.plays[d.Play]
	if p == nil || isAction(d, "meta") {
		return nil
	}
	var out []line
	if !strings.HasSuffix(p.Strategy, "free") && !strings.HasSuffix(p.Strategy, "host_pinned") && p.Lanes < 2 {
		out = s.closeTasks(p, at)
	}
	t := &liveTask{TaskStarted: d, began: at, busy: map[string]time.Time{}, ended: map[string]bool{}, counts: Counts{}}
	s.tasks[d.Task] = t
	p.task = t
	p.open = append(p.open, t)
	return out
}

// closeTasks ends the open tasks of a play; in plain output each is a line.
func (s *liveState) closeTasks(p *livePlay, at time.Time) []line {
	var out []line
	for _, t := range p.open {
		p.done++
		delete(s.tasks, t.Task)
		if s.plain && len(t.counts) > 0 {
			l := text("  ").with(pad(clock(at.Sub(t.began)), 6), dim).with(t.Name, "").with("  ", "")
			out = append(out, append(l, s.tally(t.counts)...))
		}
	}
	p.open = nil
	return out
}

// tally shows counts, each with symbol, number, word and colour.
func (s *liveState) tally(c Counts) line {
	var out line
	for _, o := range event.Outcomes {
		if c[o] > 0 {
			if len(out) > 0 {
				out = out.with("  ", "")
			}
			out = out.with(fmt.Sprintf("%s %d %s", outcomeSymbols[o], c[o], outcomeWords[o].In(s.lang)), outcomeLooks[o])
		}
	}
	return out
}

// sameCause is how many failures of one cause are told one by one.
const sameCause = 3

func (s *liveState) hostTaskEnded(d event.HostTaskEnded, at time.Time) []line {
	t := s.tasks[d.Task]
	if t != nil {
		t.ended[d.Host] = true
		delete(t.busy, d.Host)
		t.counts[d.Outcome]++
	}
	s.counts[d.Outcome]++
	if p := s.plays[d.Play]; p != nil {
		p.counts[d.Outcome]++
	}
	if !isBad(d.Outcome) {
		return nil
	}
	told := s.bad[d.Host]
	s.bad[d.Host] = true
	if d.Outcome != event.Quarantined {
		return s.failure(d, t)
	}
	// The quarantine is told by its own event, before or after this one.
	f := newFailure(d)
	if f.Fix.IsZero() {
		_, f.Fix = probableCause(d.Outcome, f)
	}
	if !told {
		s.fixes[d.Host] = f.Fix
		return nil
	}
	return s.fix(f.Fix)
}

// fix is the line that says what to do.
func (s *liveState) fix(t say.Text) []line {
	if t.IsZero() {
		return nil
	}
	return []line{text("    ").with(s.in("do:  ", "조치: "), bold).with(t.In(s.lang), "")}
}

// failure tells a failure with its cause; of many of the same cause only the
// first ones.
func (s *liveState) failure(d event.HostTaskEnded, t *liveTask) []line {
	f := newFailure(d)
	if f.Why.IsZero() {
		f.Why, f.Fix = probableCause(d.Outcome, f)
	}
	key := string(d.Outcome) + normalised(f)
	if len(s.told) < maxFailures || s.told[key] > 0 {
		s.told[key]++
	}
	switch n := s.told[key]; {
	case n == sameCause+1:
		return []line{text("  ").with(s.in("… more hosts fail for the same reason; the summary lists them", "… 같은 원인의 실패가 더 있습니다. 요약에 모두 적습니다"), dim)}
	case n > sameCause:
		return nil
	}
	name := ""
	if t != nil {
		name = t.Name
	}
	look := outcomeLooks[d.Outcome]
	out := []line{line{{outcomeSymbols[d.Outcome] + " " + d.Host, look}}.with(" · "+name+" · ", "").with(outcomeWords[d.Outcome].In(s.lang), look)}
	if f.Message != "" {
		out[0] = out[0].with(": "+shorten(safeLine(firstLines(f.Message, 2)), 300), "")
	}
	if !f.Why.IsZero() {
		out = append(out, text("    ").with(s.in("why: ", "원인: "), bold).with(f.Why.In(s.lang), ""))
	}
	return append(out, s.fix(f.Fix)...)
}

func (s *liveState) quarantined(d event.HostQuarantined) []line {
	s.aside++
	s.bad[d.Host] = true
	if p := s.plays[d.Play]; p != nil {
		delete(p.hosts, d.Host)
	}
	place := d.Host
	if d.Zone != "" {
		place += " (" + d.Zone + ")"
	}
	l := line{{"◧ " + place + " ", outcomeLooks[event.Quarantined]}}.with(s.in("is set aside", "격리"), outcomeLooks[event.Quarantined])
	if !d.Reason.IsZero() {
		l = l.with(": "+d.Reason.In(s.lang), "")
	}
	out := append([]line{l}, s.fix(s.fixes[d.Host])...)
	delete(s.fixes, d.Host)
	return out
}

func (s *liveState) playEnded(d event.PlayEnded, at time.Time) []line {
	p := s.plays[d.Play]
	if p == nil || p.NoHosts != "" {
		return nil
	}
	out := s.closeTasks(p, at)
	s.running = slices.DeleteFunc(s.running, func(q *livePlay) bool { return q == p })
	delete(s.plays, d.Play)
	l := line{{outcomeSymbols[d.Outcome] + " ", outcomeLooks[d.Outcome]}}.with(p.Name, bold).
		with(" · "+s.hosts(len(p.Hosts))+" · "+clock(at.Sub(p.began))+"  ", "")
	return append(out, append(l, s.tally(p.counts)...))
}

// waiting is a host that is busy with a task.
type waiting struct {
	host, task string
	since      time.Time
}

// busy are the hosts that are still at work, the longest first.
func (s *liveState) busy() []waiting {
	var out []waiting
	for _, p := range s.running {
		for _, t := range p.open {
			if len(t.busy) > 0 {
				for h, since := range t.busy {
					out = append(out, waiting{h, t.Name, since})
				}
				continue
			}
			if len(p.open) > 1 {
				continue
			}
			for h := range p.hosts {
				if !t.ended[h] {
					out = append(out, waiting{h, t.Name, t.began})
				}
			}
		}
	}
	slices.SortFunc(out, func(x, y waiting) int { return cmp.Or(x.since.Compare(y.since), cmp.Compare(x.host, y.host)) })
	return out
}

// maxBusy is how many busy hosts are listed.
const maxBusy = 6

// view is the region at the bottom of the terminal.
func (s *liveState) view(now time.Time, width, height int) []line {
	if s.ended || s.began.IsZero() {
		return nil
	}
	room := max(1, height-2)
	out := []line{s.clockLine(now)}
	for _, p := range s.running {
		if len(out)+2 > room {
			break
		}
		out = append(out, s.playLine(p, width))
	}
	if len(s.counts) > 0 && len(out) < room {
		out = append(out, append(text("  "), s.tally(s.counts)...))
	}
	if s.hint == "" || len(out) >= room {
		return append(out, s.busyLines(now, width, room-len(out))...)
	}
	out = append(out, s.busyLines(now, width, room-len(out)-1)...)
	return append(out, line{{"  " + s.hint, dim}})
}

func (s *liveState) clockLine(now time.Time) line {
	elapsed := max(0, now.Sub(s.began))
	l := line{{"☀ ", "33"}}.with(s.name(), bold).with("  "+stopwatch(elapsed), bold)
	if s.paused {
		l = l.with("  ◆ "+s.in("paused", "일시 중지"), "1;36")
	}
	st := s.run.Startup
	if st == nil {
		return l
	}
	if st.Budget > 0 {
		look := ""
		if elapsed > st.Budget {
			look = "1;31"
		}
		l = l.with(" / "+stopwatch(st.Budget), look)
	}
	if name, at, ok := s.nextDeadline(now); ok {
		left := at.Sub(now)
		look := "32"
		if left < 5*time.Minute {
			look = "1;33"
		}
		if left < 0 {
			return l.with("  "+s.in("%s: %s over", "%s: %s 초과", name, duration((-left).Milliseconds())), "1;31")
		}
		l = l.with("  "+s.in("%s in %s", "%s까지 %s", name, duration(left.Milliseconds())), look).with(s.aheadWords(name))
	}
	if !s.ahead.Finish.IsZero() {
		l = l.with("  "+s.in("up at %s", "완료 예상 %s", s.clock(s.ahead.Finish)), dim)
	}
	return l
}

// forecast keeps when everything should be up; plain output tells it.
func (s *liveState) forecast(d event.Forecast) []line {
	s.ahead = d
	if !s.plain || d.Finish.IsZero() {
		return nil
	}
	return []line{text("  ").with(s.in("expected finish %s", "예상 완료 %s", s.clock(d.Finish)), dim)}
}

// clock is a time of day on the run's wall.
func (s *liveState) clock(at time.Time) string {
	if st := s.run.Startup; st != nil {
		if zone, err := time.LoadLocation(st.Timezone); err == nil && st.Timezone != "" {
			at = at.In(zone)
		}
	}
	return at.Format("15:04:05")
}

// aheadWords say when the next deadline, or the run, should be reached.
func (s *liveState) aheadWords(name string) (string, string) {
	for _, m := range s.ahead.Milestones {
		if own := cmp.Or(m.Name, words["opening"].In(s.lang)); own != name || m.Finish.IsZero() || m.Reached {
			continue
		}
		look := "32"
		if m.Late {
			look = "1;31"
		}
		return s.in(" (expected %s)", " (예상 %s)", s.clock(m.Finish)), look
	}
	return "", ""
}

// nextDeadline is the next milestone, or the opening, or the last one missed.
func (s *liveState) nextDeadline(now time.Time) (string, time.Time, bool) {
	st := s.run.Startup
	all := slices.Clone(st.Milestones)
	if !st.OpensAt.IsZero() {
		all = append(all, event.Milestone{Name: words["opening"].In(s.lang), At: st.OpensAt})
	}
	if len(all) == 0 {
		return "", time.Time{}, false
	}
	slices.SortStableFunc(all, func(x, y event.Milestone) int { return x.At.Compare(y.At) })
	for _, m := range all {
		if m.At.After(now) {
			return m.Name, m.At, true
		}
	}
	last := all[len(all)-1]
	return last.Name, last.At, true
}

// playLine shows a play: how far its current task is, or the play itself when
// the number of its tasks is known.
func (s *liveState) playLine(p *livePlay, width int) line {
	cells := min(24, max(6, width/5))
	ended, all, task := 0, len(p.hosts), ""
	if p.task != nil {
		ended, task = len(p.task.ended), p.task.Name
		all = max(all, ended)
	}
	part, whole := ended, all
	if p.Tasks > 0 && all > 0 {
		part, whole = min(p.done, p.Tasks)*all+ended, max(p.Tasks, p.done+1)*all
	}
	l := line{{"▶ ", "34"}}.with(fit(p.Name, max(8, width/3)), bold).with(" "+gauge(part, whole, cells)+" ", "34").with(fmt.Sprintf("%d/%d", ended, all), "")
	if p.Tasks > 0 {
		l = l.with(fmt.Sprintf(" [%d/%d]", min(p.done+1, p.Tasks), p.Tasks), dim)
	}
	if n := p.counts[event.Failed] + p.counts[event.Unreachable] + p.counts[event.Unknown] + p.counts[event.Quarantined]; n > 0 {
		l = l.with(fmt.Sprintf(" ✗ %d", n), outcomeLooks[event.Failed])
	}
	return l.with(" "+task, "")
}

func (s *liveState) busyLines(now time.Time, width, room int) []line {
	all := s.busy()
	// A host that has only just begun is no news.
	all = slices.DeleteFunc(all, func(w waiting) bool { return now.Sub(w.since) < 2*time.Second })
	n := min(len(all), maxBusy, room)
	if n > 0 && n < len(all) && n == room {
		n-- // the last line counts the others
	}
	if n <= 0 {
		return nil
	}
	nameWidth := 0
	for _, w := range all[:n] {
		nameWidth = max(nameWidth, lipgloss.Width(safeLine(w.host)))
	}
	nameWidth = min(nameWidth, max(10, width/3))
	var out []line
	for _, w := range all[:n] {
		took := now.Sub(w.since)
		look := ""
		if took > 30*time.Second {
			look = "33"
		}
		out = append(out, text("  ◔ ").with(pad(safeLine(w.host), nameWidth)+" ", look).with(pad(stopwatch(took), 7), look).with(w.task, dim))
	}
	if more := len(all) - n; more > 0 && len(out) < room {
		out = append(out, text("    ").with(s.in("and %d more hosts at work", "작업 중인 호스트 %d대 더", more), dim))
	}
	return out
}

// heartbeat says in plain output what the run waits for.
func (s *liveState) heartbeat(now time.Time) []line {
	all := s.busy()
	if len(all) == 0 || s.ended {
		return nil
	}
	w := all[0]
	l := text("  ").with(s.in("still at work after %s: %s (%s)", "%s째 작업 중: %s (%s)", duration(now.Sub(w.since).Milliseconds()), w.host, w.task), dim)
	if len(all) > 1 {
		l = l.with(s.in(" and %d more", " 외 %d대", len(all)-1), dim)
	}
	return []line{l}
}
