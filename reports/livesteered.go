package reports

import (
	"sunup/internal/event"
	"sunup/internal/say"
)

// Say prints a line above the region.
func (l *Live) Say(t say.Text) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && len(l.pending) < maxPending {
		l.pending, l.dirty = append(l.pending, text(t.In(l.o.Lang))), true
	}
}

// Hint shows a line below the region, such as the keys that can be pressed.
func (l *Live) Hint(t say.Text) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.hint, l.dirty = t.In(l.o.Lang), true
}

// resumed says that the run is carried on; nothing is at work any more.
func (s *liveState) resumed(d event.RunResumed) line {
	for _, t := range s.tasks {
		clear(t.busy)
	}
	s.paused = false
	return line{{"↻ ", "33"}}.with(s.in("resumed by %s, attempt %d", "%s{이/가} 이어서 실행, %d번째 시도", d.User, d.Attempt), bold)
}

// steered says that somebody took a hand in the run.
func (s *liveState) steered(d event.Steered) line {
	var what string
	switch d.Action {
	case "pause":
		s.paused, what = true, s.in("paused: what has begun goes on, nothing new begins", "일시 중지: 시작된 것은 계속되고 새로 시작하지 않음")
	case "resume":
		s.paused, what = false, s.in("goes on", "계속")
	case "cancel":
		s.paused, what = false, s.in("stopping: what has begun is finished", "중단: 시작된 것을 마침")
	case "skip":
		what = s.in("%s is skipped", "%s 건너뜀", d.Host)
	case "quarantine":
		what = s.in("%s is set aside", "%s 격리", d.Host)
	case "release":
		what = s.in("%s takes part again", "%s 다시 참여", d.Host)
	case "retry":
		what = s.in("%s is tried again", "%s 다시 시도", d.Host)
	default:
		what = d.Action + " " + d.Host
	}
	out := line{{"◆ ", "36"}}.with(what, "36").with(s.in(" · by %s", " · 지시: %s", d.User), dim)
	if d.Reason != "" {
		out = out.with(": "+d.Reason, dim)
	}
	return out
}
