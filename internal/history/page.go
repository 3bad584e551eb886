package history

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"sunup/internal/say"
	"sunup/reports"
)

//go:embed page.html.tmpl
var pageText string

// parsedPage is the template of the page.
var parsedPage = sync.OnceValues(func() (*template.Template, error) { return template.New("comparison").Parse(pageText) })

// pageWords are the texts of the page, by the name that the template uses.
var pageWords = map[string]say.Text{
	"comparison": say.T("Comparison", "실행 비교"),
	"skip":       say.T("To the contents", "본문으로"),
	"contents":   say.T("Contents", "차례"),
	"language":   say.T("한국어", "English"),
	"theme":      say.T("Light or dark", "밝게/어둡게"),
	"print":      say.T("Print", "인쇄"),
	"figures":    say.T("Key figures", "주요 수치"),
	"took":       say.T("Took", "걸린 시간"),
	"usually":    say.T("Usually", "평소"),
	"how_far":    say.T("Against the usual", "평소와 비교"),
	"saved":      say.T("Person-minutes saved", "절감 인분(人分)"),
	"slowed":     say.T("Slowed steps", "느려진 단계"),
	"slowed_tip": say.T("Much longer than usual, and longer than they stray from run to run; what cost most time comes first.", "평소보다, 그리고 실행마다의 편차보다 훨씬 오래 걸린 단계입니다. 시간을 가장 많이 쓴 단계부터 적었습니다."),
	"as_usual":   say.T("No step was much slower than usual.", "평소보다 많이 느린 단계가 없습니다."),
	"alone":      say.T("There is no earlier run to compare it with.", "비교할 이전 실행이 없습니다."),
	"hosts":      say.T("Hosts that stand out again and again", "되풀이해서 눈에 띄는 호스트"),
	"hosts_tip":  say.T("Slower than others of their role, or set aside, in a third of the runs or more.", "실행의 3분의 1 이상에서 같은 역할의 다른 호스트보다 느렸거나 격리된 호스트입니다."),
	"hosts_none": say.T("No host is slow or set aside again and again.", "되풀이해서 느리거나 격리되는 호스트가 없습니다."),
	"host":       say.T("Host", "호스트"),
	"zone":       say.T("Zone", "구역"),
	"what":       say.T("What", "내용"),
	"table":      say.T("table", "표"),
	"drawing":    say.T("drawing", "그림"),
	"trend":      say.T("Trend", "추이"),
	"runs":       say.T("Runs", "실행"),
	"run":        say.T("Run", "실행 번호"),
	"began":      say.T("Began", "시작"),
	"outcome":    say.T("Outcome", "결과"),
	"minutes":    say.T("Minutes", "소요(분)"),
	"times":      say.T("All times", "전체 시간"),
	"plays":      say.T("Plays", "플레이"),
	"play":       say.T("Play", "플레이"),
	"groups":     say.T("Groups of hosts: work of a host in the middle", "호스트 그룹: 중간 호스트의 작업 시간"),
	"group":      say.T("Group", "그룹"),
	"steps":      say.T("All steps", "모든 단계"),
	"step":       say.T("Step", "단계"),
	"waited_for": say.T("Waited for", "기다린 호스트"),
	"offline":    say.T("Made by sunup. This page needs no network and holds everything.", "sunup이 만들었습니다. 네트워크 없이 열 수 있고 모든 내용이 담겨 있습니다."),
}

// WritePage writes a comparison as one HTML page that needs nothing else, in
// the look of the report. Both languages are in it; lang is the one shown
// first.
func WritePage(w io.Writer, c Comparison, lang say.Lang) error {
	t, err := parsedPage()
	if err != nil {
		return fmt.Errorf("write compare.html: %w", err)
	}
	p := page{Comparison: c, Lang: lang}
	if p.Lang == "" {
		p.Lang = say.English
	}
	if p.PlotEN, err = plotted(c, say.English); err == nil {
		p.PlotKO, err = plotted(c, say.Korean)
	}
	if err != nil {
		return fmt.Errorf("write compare.html: %w", err)
	}
	var b bytes.Buffer // a page is written whole or not at all
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("write compare.html: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}

func plotted(c Comparison, lang say.Lang) (template.HTML, error) {
	var b strings.Builder
	err := WriteTrend(&b, c, lang)
	return template.HTML(b.String()), err // WriteTrend escapes what it is given
}

// page is what the template shows.
type page struct {
	Comparison
	reports.Look
	Lang           say.Lang
	PlotEN, PlotKO template.HTML
}

// part is a table of times; its word names what they are of, and its title what
// they are.
type part struct {
	Page  page
	Word  string
	Title string
	Lines []Line
}

// Part makes a table of times.
func (p page) Part(word, title string, lines []Line) part { return part{p, word, title, lines} }

// W is a word in both languages.
func (p page) W(name string) (template.HTML, error) {
	t, ok := pageWords[name]
	if !ok {
		return "", fmt.Errorf("no word %q", name)
	}
	return p.Both(t), nil
}

// Say is a word in the first language, for attributes, which cannot hold both.
func (p page) Say(name string) string { return pageWords[name].In(p.Lang) }

// Name is what was run.
func (p page) Name() string { return p.Run.Name }

// At is a time on the clock of the wall.
func (p page) At(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

// Duration is a time as people say it.
func (p page) Duration(ms int64) template.HTML { return p.Both(reports.Duration(ms)) }

// Verdict is the colour of the headline, Symbol its shape.
func (p page) Verdict() string {
	if len(p.Slowed) > 0 {
		return "warn"
	}
	return "good"
}

// Symbol is the shape of the headline.
func (p page) Symbol() string {
	if len(p.Slowed) > 0 {
		return "▲"
	}
	return "✓"
}

// Sentence says what the comparison found, the worst step by its name.
func (p page) Sentence() template.HTML {
	switch {
	case len(p.Against) == 0:
		return p.Both(pageWords["alone"])
	case len(p.Slowed) == 0:
		return p.Both(pageWords["as_usual"])
	}
	worst := p.Slowed[0]
	more := reports.Duration(worst.TookMS - worst.UsualMS)
	if len(p.Slowed) == 1 {
		return p.Both(say.T("One step was slowed down: %s, by %s.", "느려진 단계 1개: %s, %s 더 걸림.", worst.Name, more))
	}
	return p.Both(say.T("Steps slowed down: %d; most by %s, by %s.", "느려진 단계 %d개, 가장 큰 것은 %s: %s 더 걸림.", len(p.Slowed), worst.Name, more))
}

// Compared says with what the run is compared.
func (p page) Compared() template.HTML {
	return p.Both(say.T("compared with earlier runs: %d, since %s", "%[2]s 이후의 이전 실행 %[1]d회와 비교", len(p.Against), p.Against[len(p.Against)-1].Began.Local().Format("2006-01-02")))
}

// Usually is what a time usually is and how it strays.
func (p page) Usually(l Line) template.HTML {
	if l.Runs == 0 {
		return p.Both(say.T("new", "처음"))
	}
	return p.Both(say.T("%s ± %s", "%s ± %s", reports.Duration(l.UsualMS), reports.Duration(l.SpreadMS)))
}

// HowFar is how a time stands to the usual; its sign tells the direction to
// those who do not see colours.
func (p page) HowFar(l Line) string {
	switch {
	case l.Runs == 0:
		return ""
	case l.Percent >= SlowedPercent:
		return fmt.Sprintf("▲ %+d%%", l.Percent)
	case l.Percent <= -SlowedPercent:
		return fmt.Sprintf("▼ %+d%%", l.Percent)
	}
	return fmt.Sprintf("%+d%%", l.Percent)
}

// Mark is the class of a time that stands out.
func (p page) Mark(l Line) string {
	switch {
	case l.Runs > 0 && l.Percent >= SlowedPercent:
		return "nb hot"
	case l.Runs > 0 && l.Percent <= -SlowedPercent:
		return "nb brisk"
	}
	return "nb"
}

// Slow says how often a host was slow, and how slow.
func (p page) Slow(h HostLine) template.HTML {
	return p.Both(say.T("slow in %d of %d runs (%.1f times its like)", "%[2]d회 중 %[1]d회 느림 (같은 역할의 %.1[3]f배)", h.Times, h.Runs, h.Slow))
}

// SetAside says how often a host was set aside.
func (p page) SetAside(h HostLine) template.HTML {
	return p.Both(say.T("set aside in %d of %d runs", "%[2]d회 중 %[1]d회 격리", h.Times, h.Runs))
}

// Newest are the runs of the trend, the newest first.
func (p page) Newest() []Point {
	out := slices.Clone(p.Trend)
	slices.Reverse(out)
	return out
}

// SavedNow are the person-minutes that this run saved.
func (p page) SavedNow() string {
	for _, t := range p.Trend {
		if t.Run == p.RunID {
			return fmt.Sprintf("%.0f", t.Saved)
		}
	}
	return ""
}

// SavedAll are the person-minutes that all runs of the trend saved.
func (p page) SavedAll() string {
	sum := 0.0
	for _, t := range p.Trend {
		sum += t.Saved
	}
	return fmt.Sprintf("%.0f", sum)
}

// SavedAllWords says what SavedAll counts.
func (p page) SavedAllWords() template.HTML {
	return p.Both(say.T("Saved in %d runs", "실행 %d회의 절감", len(p.Trend)))
}
