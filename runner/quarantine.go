package runner

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// quarantine sets failing hosts of a play aside while enough of them are left.
type quarantine struct {
	per string  // the variable whose values are the zones; "" is one zone
	min float64 // share of each zone that must be left, 0 to 1

	mu     sync.Mutex
	total  map[string]int // hosts by zone
	aside  map[string]int
	broken string // the zone that fell below, once one did
	below  bool
}

// readQuarantine reads the play's quarantine and coverage keywords.
func (p *playRun) readQuarantine() error {
	v, _, err := p.run.Templar.Value(p.ctx, p.playScope(), p.play.Ours.Quarantine)
	if err != nil {
		return fmt.Errorf("%s: quarantine: %w", p.play.Pos, err)
	}
	if on, ok := truthWord(v); !ok || !on {
		return nil
	}
	q := &quarantine{total: map[string]int{}, aside: map[string]int{}}
	if c := p.play.Ours.Coverage; c != nil {
		if q.min, err = share(c.Get("min").Value()); err != nil {
			return fmt.Errorf("%s: coverage: %w", p.play.Pos, err)
		}
		q.per = orEmpty(c.Get("per").Value())
	}
	p.guard = q
	for _, h := range p.hosts {
		q.total[p.zoneOf(h)]++
	}
	return nil
}

// share reads 95% or 0.95.
func share(v any) (float64, error) {
	if v == nil {
		return 0, nil
	}
	text := strings.TrimSpace(value.Str(v))
	percent, isPercent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
	if err != nil {
		return 0, fmt.Errorf("'%s' is not a share such as 95%%", text)
	}
	if isPercent || n > 1 {
		n /= 100
	}
	return n, nil
}

// zoneOf is the host's value of the variable that coverage is counted per.
func (p *playRun) zoneOf(h *host) string {
	if p.guard == nil || p.guard.per == "" {
		return ""
	}
	return p.valueOf(h, p.guard.per)
}

// valueOf is a variable of a host as text; "" when it has none.
func (p *playRun) valueOf(h *host, name string) string {
	v, found, _, err := p.scopeFor(p.ctx, h, nil).Lookup(name)
	if err != nil || !found || v == nil {
		return ""
	}
	return value.Str(v)
}

// setAside puts a host into quarantine; when its zone has too few hosts left,
// the play fails at once.
func (p *playRun) setAside(h *host, end *taskEnd) {
	h.mark(func(h *host) { h.aside = true })
	zone := p.zoneOf(h)
	p.alsoTold(h, p.run.stream.emit(event.HostQuarantined{
		Play: p.number, Host: h.name, Zone: zone, Reason: end.why, Task: end.task,
	}))
	h.mark(func(h *host) { h.regain = append(h.regain, func() { p.guard.gain(zone) }) })
	p.loseHost(zone)
	p.watchAside(h)
}

// gain counts a released host in again; a play that fell stays so.
func (q *quarantine) gain(zone string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.aside[zone]--
}

// loseHost counts a host out of its zone; the play fails when too few are left.
func (p *playRun) loseHost(zone string) {
	if !p.guard.lose(zone) {
		return
	}
	p.run.stream.emit(event.Warning{Text: say.T(
		"play '%s' fails: zone '%s' has %d of %d hosts left, fewer than the coverage of %g%%",
		"플레이 '%s' 실패: 구역 '%s'에 호스트가 %[4]d대 중 %[3]d대만 남아 가용률 하한 %[5]g%%보다 적습니다",
		p.name, zone, p.guard.total[zone]-p.guard.aside[zone], p.guard.total[zone], p.guard.min*100)})
	p.run.playsFailed.Store(true)
	p.run.outages.wake()
}

// lose counts a host out; true when that made its zone fall below.
func (q *quarantine) lose(zone string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.aside[zone]++
	left := float64(q.total[zone]-q.aside[zone]) / float64(q.total[zone])
	if left >= q.min && q.aside[zone] < q.total[zone] {
		return false
	}
	first := !q.below
	q.below, q.broken = true, zone
	return first
}

// fell reports whether a zone has too few hosts left.
func (q *quarantine) fell() bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.below
}

// wrongOf is what went wrong, for the person who goes there: the first line of
// the message, or of a command that says no more than that it failed the last
// line that it printed. Only what may be shown is looked at.
func wrongOf(shown event.Result) say.Text {
	if shown.NoLog {
		return say.T("a task failed whose output is hidden (no_log)", "출력을 숨긴(no_log) 작업이 실패했습니다")
	}
	msg := firstLine(orEmpty(shown.Values.At("msg")))
	if msg != "" && msg != "non-zero return code" {
		return say.Plain(msg)
	}
	for _, key := range []string{"stderr", "stdout"} {
		lines := strings.Split(strings.TrimSpace(orEmpty(shown.Values.At(key))), "\n")
		if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
			return say.Plain(last)
		}
	}
	return say.Plain(msg)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
