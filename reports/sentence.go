package reports

import (
	"fmt"
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
		return say.T("Stopped by a person after %s: %d of %d hosts were still in order.", "%s 만에 사람이 멈췄습니다. 호스트 %[3]d대 중 %[2]d대는 정상이었습니다.", took, f.HostsGood, f.Hosts)
	case f.Hosts == 0:
		return say.T("Nothing was done: no host matched.", "대상 호스트가 없어 아무것도 하지 않았습니다.")
	case r.Outcome != event.OK:
		return notUp(r, bad, took)
	case r.Run.Check:
		return say.T("Rehearsal: nothing was changed; %d hosts would be changed, %d of %d are in order.", "예행 연습: 아무것도 바꾸지 않았습니다. 호스트 %[3]d대 중 %[1]d대가 바뀔 예정이고 %[2]d대가 정상입니다.", f.HostsChanged, f.HostsGood, f.Hosts)
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
	return say.T("%s%d of %d hosts failed after %s.", "%[1]s호스트 %[3]d대 중 %[2]d대가 실패했습니다(%[4]s).", begin, bad, r.Figures.Hosts, took)
}

// up is the sentence of a run that went well.
func up(r *Report, took say.Text) say.Text {
	f := r.Figures
	switch {
	case r.Run.Startup && f.HostsAside > 0:
		return say.T("Up in %s: %d of %d hosts, %d set aside%s.", "%s 만에 기동 완료: 호스트 %[3]d대 중 %[2]d대 정상, %[4]d대 격리%[5]s.", took, f.HostsGood, f.Hosts, f.HostsAside, toOpening(r))
	case r.Run.Startup:
		return say.T("Everything is up: %s in %s%s.", "모두 기동되었습니다: %s, %s%s.", hostsText(f.Hosts), took, toOpening(r))
	case f.HostsAside > 0:
		return say.T("Done in %s: %d of %d hosts, %d set aside.", "%s 만에 완료: 호스트 %[3]d대 중 %[2]d대 정상, %[4]d대 격리.", took, f.HostsGood, f.Hosts, f.HostsAside)
	}
	return say.T("Done: %s in order after %s, %d changed.", "완료: %s 정상, %s 걸림, %d대 변경.", hostsText(f.Hosts), took, f.HostsChanged)
}

// toOpening is the time left to the opening, as a continuation of a sentence.
func toOpening(r *Report) say.Text {
	if r.Run.OpensAt.IsZero() {
		return say.Text{}
	}
	left := r.Run.OpensAt.Sub(r.Ended)
	if left < 0 {
		return say.T(", %s after opening", ", 개장 시각보다 %s 늦음", duration((-left).Milliseconds()))
	}
	return say.T(", %s before opening", ", 개장 %s 전", duration(left.Milliseconds()))
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
