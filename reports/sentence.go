package reports

import (
	"fmt"
	"strconv"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// sentence says in one sentence how the run went.
func sentence(r *Report) say.Text {
	f, took := r.Figures, duration(r.TookMS)
	bad := f.HostsFailed + f.HostsLost
	switch {
	case !r.Complete:
		return say.T("The record ends after %s, before the run did: what came later is not known.", "기록이 %s 만에 끊겼습니다. 그 뒤의 일은 알 수 없습니다.", took)
	case r.Outcome == event.Cancelled:
		return say.T("Stopped by a person after %s: %s of %s hosts were still in order.", "%s 만에 사람이 멈췄습니다. 호스트 %[3]s대 중 %[2]s대는 정상이었습니다.", took, number(f.HostsGood), number(f.Hosts))
	case f.Hosts == 0:
		return say.T("Nothing was done: no host matched.", "대상 호스트가 없어 아무것도 하지 않았습니다.")
	case r.Outcome != event.OK:
		return notUp(r, bad, took)
	case r.Run.Check:
		return say.T("Rehearsal: nothing was changed; %s hosts would be changed, %s of %s are in order.", "예행 연습: 아무것도 바꾸지 않았습니다. 호스트 %[3]s대 중 %[1]s대가 바뀔 예정이고 %[2]s대가 정상입니다.", number(f.HostsChanged), number(f.HostsGood), number(f.Hosts))
	}
	return up(r, took)
}

// notUp is the sentence of a run that failed.
func notUp(r *Report, bad int, took say.Text) say.Text {
	var begin say.Text
	if r.Run.Startup {
		begin = say.T("Not up: ", "기동 실패: ")
	}
	switch {
	case bad == 0:
		return say.T("%sThe run failed after %s.", "%s실행이 %s 만에 실패했습니다.", begin, took)
	case r.Figures.Hosts == 1:
		return say.T("%sThe host failed after %s.", "%s호스트가 실패했습니다(%s).", begin, took)
	}
	return say.T("%s%s of %s hosts failed after %s.", "%[1]s호스트 %[3]s대 중 %[2]s대가 실패했습니다(%[4]s).", begin, number(bad), number(r.Figures.Hosts), took)
}

// up is the sentence of a run that went well.
func up(r *Report, took say.Text) say.Text {
	f := r.Figures
	switch {
	case r.Run.Startup && f.HostsAside > 0:
		return say.T("Opened %s after %s%s; %s of %s hosts quarantined%s%s.", "%s 기동 완료(%s 소요)%s; 호스트 %[5]s대 중 %[4]s대 격리%[6]s%[7]s.",
			wallClock(r), took, toDeadline(r), number(f.HostsAside), number(f.Hosts), asideWhere(r), resumed(r))
	case r.Run.Startup:
		return say.T("Opened %s after %s%s; %s in order%s.", "%s 기동 완료(%s 소요)%s; %s 모두 정상%s.", wallClock(r), took, toDeadline(r), hostsText(f.Hosts), resumed(r))
	case f.HostsAside > 0:
		return say.T("Done in %s: %s of %s hosts in order, %s quarantined%s%s.", "%s 만에 완료: 호스트 %[3]s대 중 %[2]s대 정상, %[4]s대 격리%[5]s%[6]s.",
			took, number(f.HostsGood), number(f.Hosts), number(f.HostsAside), asideWhere(r), resumed(r))
	}
	return say.T("Done: %s in order after %s, %s changed%s.", "완료: %s 정상, %s 걸림, %s대 변경%s.", hostsText(f.Hosts), took, number(f.HostsChanged), resumed(r))
}

// wallClock is when the run ended, on the clock of its place.
func wallClock(r *Report) string { return r.Ended.In(zoneOf(r)).Format("15:04") }

// toDeadline is the time to the next deadline, or since the last one, and the
// deadlines that were missed; as a continuation of a sentence.
func toDeadline(r *Report) say.Text {
	var out say.Text
	for i, m := range r.Milestones {
		left := m.At.Sub(r.Ended)
		switch {
		case left >= 0:
			return say.T("%s, %s before %s", "%s, %[3]s %[2]s 전", out, duration(left.Milliseconds()), milestoneName(m))
		case i == len(r.Milestones)-1:
			return say.T("%s, %s after %s", "%s, %[3]s 기한보다 %[2]s 늦음", out, duration((-left).Milliseconds()), milestoneName(m))
		}
		out = say.T("%s, too late for %s", "%s, %s 기한 놓침", out, milestoneName(m))
	}
	return out
}

func milestoneName(m Milestone) say.Text {
	if m.Opening {
		return words["the_opening"]
	}
	return say.Plain(safeLine(m.Name))
}

// asideWhere names the play whose hosts were set aside, when it is one.
func asideWhere(r *Report) say.Text {
	for _, q := range r.Quarantine {
		if q.Play != r.Quarantine[0].Play {
			return say.Text{}
		}
	}
	for _, p := range r.Plays {
		if len(r.Quarantine) > 0 && p.Number == r.Quarantine[0].Play {
			return say.T(" (%s)", "(%s)", safeLine(p.Name))
		}
	}
	return say.Text{}
}

// resumed says how often a run was resumed, as a continuation of a sentence.
func resumed(r *Report) say.Text {
	switch n := len(r.Attempts) - 1; {
	case n < 1:
		return say.Text{}
	case n == 1:
		return say.T("; resumed once", "; 한 번 이어서 실행")
	default:
		return say.T("; resumed %d times", "; %d번 이어서 실행", n)
	}
}

// number writes a number as people read it: 12,345.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// duration says how long something took, as people say it.
func duration(ms int64) say.Text {
	sign := ""
	if ms < 0 {
		sign, ms = "-", -ms
	}
	s := (ms + 500) / 1000
	switch {
	case ms < 1000:
		return say.T("%s%d ms", "%s%d밀리초", sign, ms)
	case ms < 9950:
		return say.T("%s%.1f s", "%s%.1f초", sign, float64(ms)/1000)
	case s < 60:
		return say.T("%s%d s", "%s%d초", sign, s)
	case s < 3600 && s%60 == 0:
		return say.T("%s%d min", "%s%d분", sign, s/60)
	case s < 3600:
		return say.T("%s%d min %d s", "%s%d분 %d초", sign, s/60, s%60)
	case s < 48*3600:
		return say.T("%s%d h %d min", "%s%d시간 %d분", sign, s/3600, s%3600/60)
	}
	return say.T("%s%d days", "%s%d일", sign, s/86400)
}

// clock is a duration for columns: 38ms, 4.2s, 1:05, 1:02:03.
func clock(d time.Duration) string {
	switch s := int64((d + time.Second/2) / time.Second); {
	case d < 0:
		return "-" + clock(-d)
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	default:
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s%3600/60, s%60)
	}
}

// stopwatch is a duration in whole seconds, for clocks that run.
func stopwatch(d time.Duration) string {
	switch s := int64(d / time.Second); {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	default:
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s%3600/60, s%60)
	}
}

// outcomeWords name the outcomes.
var outcomeWords = map[event.Outcome]say.Text{
	event.OK:          say.T("ok", "정상"),
	event.Changed:     say.T("changed", "변경"),
	event.Skipped:     say.T("skipped", "건너뜀"),
	event.Failed:      say.T("failed", "실패"),
	event.Unreachable: say.T("unreachable", "연결 불가"),
	event.Rescued:     say.T("rescued", "복구"),
	event.Ignored:     say.T("ignored", "무시"),
	event.Quarantined: say.T("quarantined", "격리"),
	event.Cancelled:   say.T("cancelled", "취소"),
	event.Unknown:     say.T("unknown", "불명"),
}

// outcomeSymbols stand beside colours, so that nobody depends on those.
var outcomeSymbols = map[event.Outcome]string{
	event.OK: "✓", event.Changed: "●", event.Skipped: "–", event.Failed: "✗", event.Unreachable: "⚠",
	event.Rescued: "↺", event.Ignored: "≈", event.Quarantined: "◧", event.Cancelled: "■", event.Unknown: "?",
}

// day is a date and a time of day, as people of each language write them.
func day(t time.Time, zone *time.Location) say.Text {
	t = t.In(zone)
	week := weekdays[t.Weekday()]
	return say.T("%s %[2]s, %[4]s", "%[3]s (%[1]s) %[4]s", week, t.Format("2 January 2006"), t.Format("2006년 1월 2일"), t.Format("15:04:05 ")+zoneName(t))
}

// zoneName is the short name of a time's zone, or its distance from UTC.
func zoneName(t time.Time) string {
	if name, _ := t.Zone(); name != "" && name[0] != '+' && name[0] != '-' {
		return name
	}
	return "UTC" + t.Format("-07:00")
}

var weekdays = [7]say.Text{
	say.T("Sunday", "일"), say.T("Monday", "월"), say.T("Tuesday", "화"), say.T("Wednesday", "수"), say.T("Thursday", "목"), say.T("Friday", "금"), say.T("Saturday", "토"),
}
