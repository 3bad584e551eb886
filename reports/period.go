package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Period is what a day, a week or a month of runs was like.
type Period struct {
	Schema  int           `json:"schema"`
	Name    string        `json:"name"` // as it was asked for: 2026-10
	Begin   time.Time     `json:"begin"`
	End     time.Time     `json:"end"` // the first moment after it
	Figures PeriodFigures `json:"figures"`
	Manual  Manual        `json:"manual"`
	Runs    []PeriodRun   `json:"runs"` // the oldest first
	// Causes group the failures, those that hit most hosts first.
	Causes []PeriodCause `json:"causes"`
	// Slow are the steps that take longest.
	Slow []PeriodStep `json:"slow"`
	// Quarantined are the hosts that were set aside, the most frequent first.
	Quarantined []PeriodHost `json:"quarantined"`
}

// PeriodFigures are the numbers of a period.
type PeriodFigures struct {
	Runs               int     `json:"runs"`
	Good               int     `json:"good"`   // everything got up
	Kept               int     `json:"kept"`   // openings in time
	Missed             int     `json:"missed"` // openings late or not reached
	MedianMinutes      float64 `json:"median_minutes"`
	LongestMinutes     float64 `json:"longest_minutes"`
	Changed            int     `json:"changed"` // tasks on hosts that changed something
	SavedPersonMinutes float64 `json:"saved_person_minutes"`
}

// Manual is what the morning took by hand, and the people that it takes now.
type Manual struct {
	Minutes float64 `json:"minutes"`
	People  float64 `json:"people"`
	Now     float64 `json:"now"`
}

// PeriodRun is one run of a period.
type PeriodRun struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	User     string         `json:"user"`
	Began    time.Time      `json:"began"`
	TookMS   int64          `json:"took_ms"`
	Outcome  event.Outcome  `json:"outcome"`
	ExitCode int            `json:"exit_code"`
	Broken   bool           `json:"broken,omitempty"` // it did not say its end
	OpensAt  time.Time      `json:"opens_at,omitzero"`
	Opening  MilestoneState `json:"opening,omitempty"` // empty: it had no opening
	MarginMS int64          `json:"margin_ms,omitempty"`
	Hosts    int            `json:"hosts"`
	Changed  int            `json:"changed"`
	Aside    []string       `json:"aside,omitempty"` // hosts
}

// PeriodCause is a group of failures.
type PeriodCause struct {
	Outcome event.Outcome `json:"outcome"`
	Message string        `json:"message"`
	Task    string        `json:"task"`
	Runs    int           `json:"runs"`
	Hosts   int           `json:"hosts"` // summed over the runs
	LastRun string        `json:"last_run"`
}

// PeriodStep is a step over the runs of a period.
type PeriodStep struct {
	Play      string `json:"play"`
	Name      string `json:"name"`
	Runs      int    `json:"runs"`
	MedianMS  int64  `json:"median_ms"`
	LongestMS int64  `json:"longest_ms"`
	Host      string `json:"host"` // that was waited for when it took longest
}

// PeriodHost is a host that was set aside.
type PeriodHost struct {
	Host    string `json:"host"`
	Zone    string `json:"zone,omitempty"`
	Times   int    `json:"times"`
	LastRun string `json:"last_run"`
}

// title names the period.
func (p *Period) title() say.Text {
	last := p.End.Add(-time.Second)
	if p.Begin.Format("2006-01-02") == last.Format("2006-01-02") {
		return say.T("Report of %s", "%s 보고서", p.Begin.Format("2006-01-02"))
	}
	return say.T("Report of %s: %s to %s", "%s 보고서: %s ~ %s", p.Name, p.Begin.Format("2006-01-02"), last.Format("2006-01-02"))
}

// sentence says how the period was.
func (p *Period) sentence() say.Text {
	f := p.Figures
	if f.Runs == 0 {
		return say.T("Nothing was run.", "실행한 것이 없습니다.")
	}
	s := say.T("Runs: %d, of which %d got everything up.", "실행 %d회 가운데 %d회가 모두 기동했습니다.", f.Runs, f.Good)
	if without := p.without(); without > 0 {
		s = say.T("Runs: %d, of which %d got up, %d of them without some hosts that were set aside.", "실행 %d회 가운데 %d회 기동했고, 그중 %d회는 일부 호스트를 격리했습니다.", f.Runs, f.Good, without)
	}
	if f.Kept+f.Missed > 0 {
		s = say.T("%s Openings kept: %d of %d.", "%s 개장 시각을 지킨 것은 %[3]d회 중 %[2]d회입니다.", s, f.Kept, f.Kept+f.Missed)
	}
	if f.Good > 0 {
		s = say.T("%s Half took %.1f minutes or less, the longest %.1f.", "%s 절반은 %.1f분 이내, 가장 긴 것은 %.1f분입니다.", s, f.MedianMinutes, f.LongestMinutes)
	}
	if f.SavedPersonMinutes > 0 {
		s = say.T("%s Saved against %.0f minutes by %.0f people: %.0f person-minutes.", "%s 수작업(%.0f분, %.0f명) 대비 %.0f인분(人分)을 절감했습니다.", s, p.Manual.Minutes, p.Manual.People, f.SavedPersonMinutes)
	}
	return s
}

// without counts the runs that got up without some hosts.
func (p *Period) without() int {
	n := 0
	for _, r := range p.Runs {
		if len(r.Aside) > 0 && r.Outcome == event.OK {
			n++
		}
	}
	return n
}

func openingText(r PeriodRun) say.Text {
	switch r.Opening {
	case Met:
		return say.T("✓ kept, %s left", "✓ 지킴, %s 여유", duration(r.MarginMS))
	case Late:
		return say.T("! late by %s", "! %s 늦음", duration(-r.MarginMS))
	case NotReached:
		return say.T("✗ not reached", "✗ 도달 못 함")
	}
	return say.Text{}
}

// tables are the parts of the period's report.
func (p *Period) tables() []table {
	return []table{
		{"runs", say.T("Runs", "실행"), []column{
			{say.T("Run", "실행 번호"), 22}, {say.T("What", "내용"), 24}, {say.T("Began", "시작"), 20}, {say.T("Took (s)", "소요(초)"), 12},
			{say.T("Outcome", "결과"), 12}, {say.T("Opening", "개장"), 22}, {say.T("Hosts", "호스트"), 8}, {say.T("Set aside", "격리"), 24},
			{say.T("Changes", "변경"), 8}, {say.T("By", "실행자"), 12},
		}, rowsOver(p.Runs, func(r PeriodRun) []any {
			var outcome any = r.Outcome
			switch {
			case r.Broken:
				outcome = say.T("broken off", "끊김")
			case len(r.Aside) > 0 && r.Outcome == event.OK:
				outcome = say.T("◧ up, some set aside", "◧ 기동, 격리 있음")
			}
			return []any{r.ID, r.Name, r.Began, seconds(r.TookMS), outcome, openingText(r), r.Hosts, strings.Join(r.Aside, ", "), r.Changed, r.User}
		})},
		{"causes", say.T("Failures by cause", "원인별 실패"), []column{
			{say.T("Outcome", "결과"), 12}, {say.T("Message", "메시지"), 60}, {say.T("Task", "작업"), 30}, {say.T("Runs", "실행 수"), 8},
			{say.T("Hosts", "호스트"), 8}, {say.T("Last in", "마지막 실행"), 22},
		}, rowsOver(p.Causes, func(c PeriodCause) []any {
			return []any{c.Outcome, c.Message, c.Task, c.Runs, c.Hosts, c.LastRun}
		})},
		{"slow", say.T("Slowest steps", "가장 느린 단계"), []column{
			{say.T("Play", "플레이"), 24}, {say.T("Step", "단계"), 36}, {say.T("Runs", "실행 수"), 8}, {say.T("Usually (s)", "평소(초)"), 12},
			{say.T("Longest (s)", "최장(초)"), 12}, {say.T("Waited for", "기다린 호스트"), 20},
		}, rowsOver(p.Slow, func(s PeriodStep) []any {
			return []any{s.Play, s.Name, s.Runs, seconds(s.MedianMS), seconds(s.LongestMS), s.Host}
		})},
		{"quarantined", say.T("Hosts set aside", "격리된 호스트"), []column{
			{say.T("Host", "호스트"), 24}, {say.T("Zone", "구역"), 16}, {say.T("Times", "횟수"), 8}, {say.T("Last in", "마지막 실행"), 22},
		}, rowsOver(p.Quarantined, func(h PeriodHost) []any {
			return []any{h.Host, h.Zone, h.Times, h.LastRun}
		})},
	}
}

// source is what the writers of tables need to know.
func (p *Period) source(lang say.Lang) Source {
	r := &Report{Run: Run{Name: p.title().In(lang)}, Began: p.Begin, Ended: p.End}
	return Source{Report: r, Lang: lang}
}

// PeriodWriter makes one file of a period's report.
type PeriodWriter struct {
	Format, File string
	Write        func(io.Writer, *Period, say.Lang) error
}

// PeriodWriters are all formats of a period's report.
var PeriodWriters = []PeriodWriter{
	{"text", "period.txt", writePeriodText},
	{"json", "period.json", func(w io.Writer, p *Period, _ say.Lang) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(p)
	}},
	{"html", "period.html", writePeriodHTML},
	{"md", "period.md", writePeriodMarkdown},
	{"csv", "period.runs.csv", periodCSV(0)},
	{"csv", "period.causes.csv", periodCSV(1)},
	{"csv", "period.slow.csv", periodCSV(2)},
	{"csv", "period.quarantined.csv", periodCSV(3)},
	{"xlsx", "period.xlsx", writePeriodXLSX},
	{"pdf", "period.pdf", writePeriodPDF},
}

// PeriodWritersOf are the writers of some formats; "all" is every one.
func PeriodWritersOf(formats []string) (writers []PeriodWriter, unknown string) {
	for _, f := range formats {
		if !slices.ContainsFunc(PeriodWriters, func(w PeriodWriter) bool { return w.Format == f || f == "all" }) {
			return nil, f
		}
	}
	for _, w := range PeriodWriters {
		if slices.Contains(formats, w.Format) || slices.Contains(formats, "all") {
			writers = append(writers, w)
		}
	}
	return writers, ""
}

func periodCSV(n int) func(io.Writer, *Period, say.Lang) error {
	return func(w io.Writer, p *Period, lang say.Lang) error { return writeCSV(w, p.tables()[n], p.source(lang)) }
}

func writePeriodXLSX(w io.Writer, p *Period, lang say.Lang) error {
	b, err := newBook(p.source(lang))
	if err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	defer b.file.Close()
	for _, t := range p.tables() {
		if err := b.table(t); err != nil {
			return fmt.Errorf("write XLSX: %w", err)
		}
	}
	return b.file.Write(w)
}

// cells are the rows of a table as safe words.
func (p *Period) cells(t table, lang say.Lang) [][]string {
	var out [][]string
	for row := range t.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = shorten(safeLine(plainCell(v, lang, p.Begin.Location())), 200)
			if o, ok := v.(event.Outcome); ok {
				line[i] = outcomeSymbols[o] + " " + line[i]
			}
		}
		out = append(out, line)
	}
	return out
}

func heads(t table, lang say.Lang) []string {
	var out []string
	for _, c := range t.Columns {
		out = append(out, c.Title.In(lang))
	}
	return out
}

func writePeriodText(w io.Writer, p *Period, lang say.Lang) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", p.title().In(lang), p.sentence().In(lang))
	for _, t := range p.tables() {
		rows := p.cells(t, lang)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n── %s (%d)\n", t.Title.In(lang), len(rows))
		all := append([][]string{heads(t, lang)}, rows...)
		widths := make([]int, len(t.Columns))
		for _, row := range all {
			for i, cell := range row {
				widths[i] = max(widths[i], min(Columns(cell), 48))
			}
		}
		for _, row := range all {
			var line strings.Builder
			for i, cell := range row {
				line.WriteString(pad(shortenCells(cell, 48), widths[i]) + "  ")
			}
			b.WriteString(strings.TrimRight("  "+line.String(), " ") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shortenCells keeps what fits into a width on the screen.
func shortenCells(s string, width int) string {
	for Columns(s) > width {
		r := []rune(strings.TrimSuffix(s, "…"))
		s = string(r[:len(r)-1]) + "…"
	}
	return s
}

func writePeriodMarkdown(w io.Writer, p *Period, lang say.Lang) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", mdText(p.title().In(lang)), mdText(p.sentence().In(lang)))
	for _, t := range p.tables() {
		rows := p.cells(t, lang)
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| %s |\n|%s\n", mdText(t.Title.In(lang)), strings.Join(heads(t, lang), " | "), strings.Repeat("---|", len(t.Columns)))
		for _, row := range rows {
			for i := range row {
				row[i] = mdText(row[i])
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// periodFigure is a number that managers ask for, and its words.
type periodFigure struct{ Value, Name string }

// figures are the numbers of the period.
func (p *Period) figures(lang say.Lang) []periodFigure {
	in := func(t say.Text) string { return t.In(lang) }
	f := p.Figures
	return []periodFigure{
		{itoa(int64(f.Runs)), in(say.T("runs", "실행"))},
		{fmt.Sprintf("%d / %d", f.Kept, f.Kept+f.Missed), in(say.T("openings kept", "개장 시각 지킴"))},
		{fmt.Sprintf("%.1f", f.MedianMinutes), in(say.T("minutes in the middle", "소요 시간 중앙값(분)"))},
		{fmt.Sprintf("%.0f", f.SavedPersonMinutes), in(say.T("person-minutes saved", "절감 인분(人分)"))},
		{itoa(int64(len(p.Quarantined))), in(say.T("hosts set aside", "격리된 호스트"))},
		{itoa(int64(f.Changed)), in(say.T("changes", "변경"))},
	}
}
