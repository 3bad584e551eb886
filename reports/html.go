package reports

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

//go:embed report.html.tmpl
var pageText string

//go:embed report.css
var pageCSS string

//go:embed report.js
var pageJS string

// What the page tells at most; report.json has the rest.
const (
	pageFailures = 200
	pageLong     = 50     // failures with their whole output, others have less
	pageShort    = 2048   // bytes of it
	pageRows     = 250    // of one matrix
	pageNames    = 30_000 // of hosts that share rows, on the whole page
	pageNamesMin = 50     // in a row when there are more
	pageUnusual  = 100    // steps on hosts that are out of the usual
	pageBars     = 60     // rows of one play's time line
	aloneUpTo    = 12     // hosts of a play that have a bar of their own
	wideFrom     = 10     // columns of a matrix: then equal ones share one
)

// WriteHTML writes the report as one page that needs nothing else. Both
// languages are in it; lang is the one shown first.
func WriteHTML(w io.Writer, r *Report, lang say.Lang) error {
	t, err := parsedPage()
	if err != nil {
		return fmt.Errorf("write report.html: %w", err)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	if err := t.Execute(out, newPage(r, lang)); err != nil {
		return fmt.Errorf("write report.html: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write report.html: %w", err)
	}
	return nil
}

var parsedPage = sync.OnceValues(func() (*template.Template, error) {
	return template.New("report").Funcs(template.FuncMap{
		"t": both, "w": word, "safe": safeText, "line": safeLine, "clock": func(ms int64) string { return clock(time.Duration(ms) * time.Millisecond) },
		"long": func(ms int64) template.HTML { return both(duration(ms)) }, "outcome": outcomeWord, "symbol": func(o event.Outcome) string { return outcomeSymbols[o] },
		"css": func() template.CSS { return template.CSS(pageCSS) }, "js": func() template.JS { return template.JS(pageJS) },
		"difflines": shownDiff, "short": func(s string) string { return shorten(safeLine(s), 160) }, "dump": func(d *value.Dict) string { return dumpJSON(d, "  ") },
		"abs": func(ms int64) int64 { return max(ms, -ms) }, "sub": func(a, b int) int { return a - b },
		"isBad": isBad, "state": func(m MilestoneState) template.HTML { return both(stateWord(m)) }, "statemark": stateMark, "num": number, "rev": revisionText,
		"versus": func(p *page, task int) template.HTML { return both(againstHistory(p.Report, task)) }, "hosts": func(n int) template.HTML { return both(hostsText(n)) }, "both": both, "about": partOf,
	}).Parse(pageText)
})

// subject is what a part of the page is about.
type subject struct {
	Page *page
	It   any
	Open bool
}

func partOf(p *page, it any, open bool) subject { return subject{p, it, open} }

// both writes a text in both languages; the page shows one of them.
func both(t say.Text) template.HTML {
	en, ko := template.HTMLEscapeString(safeText(t.In(say.English))), template.HTMLEscapeString(safeText(t.In(say.Korean)))
	if en == ko {
		return template.HTML(en)
	}
	return template.HTML(`<span class="en" lang="en">` + en + `</span><span class="ko" lang="ko">` + ko + `</span>`)
}

func word(name string) (template.HTML, error) {
	t, ok := words[name]
	if !ok {
		return "", fmt.Errorf("no word %q", name)
	}
	return both(t), nil
}

func outcomeWord(o event.Outcome) template.HTML { return both(outcomeWords[o]) }

// diffLine is one line of a difference with the class of its kind.
type diffLine struct{ Class, Text string }

func shownDiff(text string) []diffLine {
	var out []diffLine
	for line := range strings.Lines(text) {
		class := ""
		switch {
		case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "@@"):
			class = "dh"
		case strings.HasPrefix(line, "+"):
			class = "da"
		case strings.HasPrefix(line, "-"):
			class = "dr"
		}
		out = append(out, diffLine{class, safeText(strings.TrimRight(line, "\r\n"))})
	}
	return out
}

// page is what the template shows.
type page struct {
	*Report
	Lang     say.Lang
	zone     *time.Location
	Verdict  string // good, warn or bad: the colour of the headline
	Symbol   string
	Bad      []*Failure
	Caught   []*Failure
	Untold   int
	Lines    []playLine
	Ticks    []tick
	Matrices []matrix
	Legend   []event.Outcome
	SlowBars []bar
	CritBars []bar
	CritMS   int64
	// PlanDrawing is the plan as SVG; empty when there was none.
	PlanDrawing template.HTML
	WorkPct     int
	BudgetPct   int
	OnPath      map[int]bool  // plays on the critical path
	Gaps        []gapBar      // between attempts
	Slowed      []StepHistory // steps slower than usual, the worst first
	Unusual     []unusualRow  // steps on hosts out of the usual, the farthest first
	Zones       int
	Collected   []gatheredHost
	// Trend is the runs of the history, drawn in both languages.
	Trend            []TrendPoint
	TrendEN, TrendKO template.HTML

	names int // of hosts that may still be written
}

// unusualRow is a step on a host that was out of the usual, with its words.
type unusualRow struct {
	Anomalous
	Usually, HowFar template.HTML
}

// gapBar is a time in which nothing ran.
type gapBar struct{ Left, Width string }

func newPage(r *Report, lang say.Lang) *page {
	if lang == "" {
		lang = say.English
	}
	p := &page{Report: r, Lang: lang, zone: zoneOf(r), OnPath: criticalNumbers(r), Gaps: gapBars(r), Slowed: slowedSteps(r), Zones: countZones(r.Hosts), names: pageNames}
	p.Verdict, p.Symbol = verdict(r)
	bad := map[string]bool{}
	for _, h := range r.Hosts {
		bad[h.Name] = isBad(h.Outcome)
	}
	for i, f := range r.Failures {
		if i >= pageLong {
			short := *f
			short.cutTo(pageShort)
			f = &short
		}
		// What a rescue caught on a host that is bad in the end is evidence.
		if !f.Mended && (isBad(f.Outcome) || f.Outcome == event.Rescued && bad[f.Host]) {
			p.Bad = append(p.Bad, f)
		} else {
			p.Caught = append(p.Caught, f)
		}
	}
	for _, a := range r.unusual()[:min(len(r.Anomalies), pageUnusual)] {
		p.Unusual = append(p.Unusual, unusualRow{a, both(a.usually()), both(a.howFar())})
	}
	p.Collected = forPage(r.gatheredByHost())
	p.drawTrend()
	p.Untold = max(0, len(p.Bad)-pageFailures)
	p.Bad = p.Bad[:min(len(p.Bad), pageFailures)]
	p.Caught = p.Caught[:min(len(p.Caught), pageFailures)]
	p.Ticks = ticks(r)
	rows := rowsOf(r)
	for _, q := range r.Plays {
		p.Lines = append(p.Lines, playLineOf(r, q, rows[q.Number]))
		if m := p.matrixOf(q, rows[q.Number]); len(m.Rows) > 0 {
			p.Matrices = append(p.Matrices, m)
		}
	}
	for _, o := range event.Outcomes {
		if r.Figures.Cells[o] > 0 {
			p.Legend = append(p.Legend, o)
		}
	}
	p.SlowBars = bars(r, r.Slow[:min(len(r.Slow), 10)])
	p.CritBars, p.CritMS = criticalBars(r)
	if r.Plan != nil {
		var b strings.Builder
		if WritePlanSVG(&b, *r.Plan, lang) == nil {
			p.PlanDrawing = template.HTML(b.String()) // every text in it is escaped
		}
	}
	if all := r.Figures.WorkingMS + r.Figures.WaitingMS; all > 0 {
		p.WorkPct = int(r.Figures.WorkingMS * 100 / all)
	}
	if r.Run.BudgetMS > 0 {
		p.BudgetPct = int(r.TookMS * 100 / r.Run.BudgetMS)
	}
	return p
}

// drawTrend draws the minutes and what was saved, when earlier runs are known.
func (p *page) drawTrend() {
	h := p.History
	if h == nil || h.Manual == nil || len(h.Trend) < 2 {
		return
	}
	for lang, to := range map[say.Lang]*template.HTML{say.English: &p.TrendEN, say.Korean: &p.TrendKO} {
		var b strings.Builder
		if WriteTrend(&b, h.Trend, *h.Manual, p.zone, lang) != nil {
			return
		}
		*to = template.HTML(b.String()) // every text in it is escaped
	}
	p.Trend = h.Trend
}

// SavedWords says what this run and all of the trend saved.
func (p *page) SavedWords() template.HTML {
	h := p.History
	all, now := 0.0, 0.0
	for _, t := range h.Trend {
		all += t.Saved
		if t.Run == p.Run.ID {
			now = t.Saved
		}
	}
	return both(say.T("Against %.0f minutes by %.0f people by hand, this run saved %.0f person-minutes; the %d runs shown saved %.1f person-hours.",
		"수작업 %.0f분·%.0f명과 비교해 이번 실행은 %.0f인분(人分)을, 표시된 %d회 실행은 모두 %.1f인시(人時)를 절감했습니다.", h.Manual.Minutes, h.Manual.People, now, len(h.Trend), all/60))
}

// zoneOf is the clock on the wall: the run's time zone, or that of its times.
func zoneOf(r *Report) *time.Location {
	if r.Run.Timezone != "" {
		if z, err := time.LoadLocation(r.Run.Timezone); err == nil {
			return z
		}
	}
	return r.Began.Location()
}

func verdict(r *Report) (class, symbol string) {
	switch {
	case !r.Complete, r.Outcome == event.Cancelled:
		return "warn", "■"
	case r.Outcome != event.OK && r.Outcome != event.Changed:
		return "bad", "✗"
	case r.Figures.HostsAside > 0 || r.Figures.HostsFailed+r.Figures.HostsLost > 0:
		return "warn", "◧"
	}
	return "good", "✓"
}

// Say is a word in the first language, for attributes, which cannot hold both.
func (p *page) Say(name string) string { return words[name].In(p.Lang) }

// Spoken is an outcome in the first language, for those who hear the page.
func (p *page) Spoken(o event.Outcome) string { return outcomeWords[o].In(p.Lang) }

// Aside is the outcome of hosts in quarantine, for the template.
func (p *page) Aside() event.Outcome { return event.Quarantined }

// At is a time of day on the wall.
func (p *page) At(t time.Time) string { return t.In(p.zone).Format("15:04:05") }

// HM is a time of day without seconds.
func (p *page) HM(t time.Time) string { return t.In(p.zone).Format("15:04") }

// Day is a date and a time of day in both languages.
func (p *page) Day(t time.Time) template.HTML { return both(day(t, p.zone)) }

// Date is a date for the title of the window.
func (p *page) Date(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04") }

// ISO is a time for machines.
func (p *page) ISO(t time.Time) string { return t.Format(time.RFC3339) }

// PlayName is the name of a play by its number.
func (p *page) PlayName(number int) string {
	for _, q := range p.Plays {
		if q.Number == number {
			return safeLine(q.Name)
		}
	}
	return ""
}

// TaskOf is a task by its number, or an empty one.
func (p *page) TaskOf(number int) *Task {
	if number < 0 || number >= len(p.Tasks) {
		return &Task{}
	}
	return p.Tasks[number]
}

// Some are the first names of a list.
func (p *page) Some(names []string, n int) []string { return names[:min(n, len(names))] }

// FirstBad is how many failures are listed openly; more would push the rest of
// the page out of sight.
func (p *page) FirstBad() int { return 12 }

// Opening is the last deadline that is the opening.
func (p *page) Opening() *Milestone {
	for i := range p.Milestones {
		if p.Milestones[i].Opening {
			return &p.Milestones[i]
		}
	}
	return nil
}

// row is a host's cells in one play, by task.
type row struct {
	host  *Host
	cells []Cell
}

// rowsOf sorts the cells of all hosts by play.
func rowsOf(r *Report) map[int][]row {
	out := map[int][]row{}
	for _, h := range r.Hosts {
		from := map[int]int{}
		for _, c := range h.Cells {
			play := r.Tasks[c.Task].Play
			i, ok := from[play]
			if !ok {
				i = len(out[play])
				from[play] = i
				out[play] = append(out[play], row{host: h})
			}
			out[play][i].cells = append(out[play][i].cells, c)
		}
	}
	return out
}

// worst is the gravest outcome of a row.
func (w row) worst() event.Outcome {
	var o event.Outcome
	for _, c := range w.cells {
		if gravity[c.Outcome] > gravity[o] {
			o = c.Outcome
		}
	}
	return o
}

// tick is a mark on the time line's axis.
type tick struct {
	Left  string // percent
	Label string
}

// tickSteps are the distances of marks.
var tickSteps = []time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second,
	30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour,
}

func ticks(r *Report) []tick {
	total := time.Duration(r.TookMS) * time.Millisecond
	if total <= 0 {
		return nil
	}
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if total/s <= 8 {
			step = s
			break
		}
	}
	var out []tick
	for at := time.Duration(0); at <= total && len(out) < 20; at += step {
		label := clock(at)
		if at == 0 {
			label = "0"
		}
		out = append(out, tick{percent(at.Milliseconds(), r.TookMS), label})
	}
	return out
}

func percent(part, whole int64) string {
	if whole <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.2f", math.Min(100, float64(part)*100/float64(whole)))
}

// playLine is one play on the time line: its own bar and those of its hosts.
type playLine struct {
	*Play
	Left, Width string
	Bars        []hostBar
	Hidden      int
}

// hostBar is one host, or several of a zone, on the time line.
type hostBar struct {
	Label   string
	Count   int
	Outcome event.Outcome
	Parts   []part
	EndMS   int64
}

// part is one rectangle: a task's time, of a thousand.
type part struct {
	X, W    string
	Outcome event.Outcome
}

func playLineOf(r *Report, p *Play, rows []row) playLine {
	l := playLine{Play: p, Left: percent(p.Began.Sub(r.Began).Milliseconds(), r.TookMS), Width: percent(max(p.TookMS, 1), r.TookMS)}
	if len(rows) <= aloneUpTo {
		for _, w := range rows {
			l.Bars = append(l.Bars, barOf(r, safeLine(w.host.Name), []row{w}))
		}
		return l
	}
	// Hosts that failed stand alone, the others by zone.
	groups, order := map[string][]row{}, []string{}
	for _, w := range rows {
		if isBad(w.worst()) {
			l.Bars = append(l.Bars, barOf(r, safeLine(w.host.Name), []row{w}))
			continue
		}
		if groups[w.host.Zone] == nil {
			order = append(order, w.host.Zone)
		}
		groups[w.host.Zone] = append(groups[w.host.Zone], w)
	}
	for _, z := range order {
		l.Bars = append(l.Bars, barOf(r, safeLine(z), groups[z]))
	}
	l.Hidden = max(0, len(l.Bars)-pageBars)
	l.Bars = l.Bars[:min(len(l.Bars), pageBars)]
	return l
}

// barOf draws hosts as one: of each task the time from the first begin to the
// last end, in the gravest outcome.
func barOf(r *Report, label string, rows []row) hostBar {
	type span struct {
		from, to int64
		outcome  event.Outcome
	}
	spans, order := map[int]*span{}, []int{}
	b := hostBar{Label: label, Count: len(rows)}
	for _, w := range rows {
		for _, c := range w.cells {
			s := spans[c.Task]
			if s == nil {
				s = &span{from: c.BeganMS, to: c.BeganMS + c.TookMS}
				spans[c.Task] = s
				order = append(order, c.Task)
			}
			s.from, s.to = min(s.from, c.BeganMS), max(s.to, c.BeganMS+c.TookMS)
			if gravity[c.Outcome] > gravity[s.outcome] {
				s.outcome = c.Outcome
			}
			b.EndMS = max(b.EndMS, c.BeganMS+c.TookMS)
		}
		if o := w.worst(); gravity[o] > gravity[b.Outcome] {
			b.Outcome = o
		}
	}
	for _, task := range order {
		s := spans[task]
		if s.outcome == event.Skipped || r.TookMS <= 0 {
			continue
		}
		x, wide := float64(s.from)*1000/float64(r.TookMS), math.Max(1.5, float64(s.to-s.from)*1000/float64(r.TookMS))
		b.Parts = append(b.Parts, part{fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", wide), s.outcome})
	}
	return b
}

func timeRange(low, high int64) string {
	from, to := clock(time.Duration(low)*time.Millisecond), clock(time.Duration(high)*time.Millisecond)
	if from == to {
		return from
	}
	return from + "–" + to
}

func clockMS(ms int64) string { return clock(time.Duration(ms) * time.Millisecond) }

// gapBars are the times between attempts, on the time line.
func gapBars(r *Report) (out []gapBar) {
	for i := 1; i < len(r.Attempts); i++ {
		from, to := r.Attempts[i-1].Ended, r.Attempts[i].Began
		out = append(out, gapBar{percent(from.Sub(r.Began).Milliseconds(), r.TookMS), percent(to.Sub(from).Milliseconds(), r.TookMS)})
	}
	return out
}

// bar is a step with its share of the run.
type bar struct {
	Step
	Width string
	Pct   string
}

func bars(r *Report, steps []Step) []bar {
	var longest int64 = 1
	for _, s := range steps {
		longest = max(longest, s.TookMS)
	}
	var out []bar
	for _, s := range steps {
		pct := int64(0)
		if r.TookMS > 0 {
			pct = s.TookMS * 100 / r.TookMS
		}
		out = append(out, bar{Step: s, Width: percent(s.TookMS, longest), Pct: fmt.Sprint(pct)})
	}
	return out
}

// criticalBars are the steps of the critical path that matter: a hundredth of
// the run and more.
func criticalBars(r *Report) ([]bar, int64) {
	var steps []Step
	var sum int64
	for _, s := range r.Critical {
		sum += s.TookMS
		if s.TookMS*100 >= r.TookMS {
			steps = append(steps, s)
		}
	}
	return bars(r, steps[:min(len(steps), 40)]), sum
}
