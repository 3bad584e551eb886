package reports

import (
	"bytes"
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
)

//go:embed period.html.tmpl
var periodText string

var parsedPeriod = sync.OnceValues(func() (*template.Template, error) {
	return template.New("period").Funcs(template.FuncMap{"w": word, "both": both}).Parse(periodText)
})

// periodPage is what the template of a period shows; both languages are in it.
type periodPage struct {
	Look
	Lang             say.Lang
	Title            string
	Heading, Lead    template.HTML
	Verdict, Symbol  string
	Cards            []periodCard
	Drawn            bool
	TrendEN, TrendKO template.HTML
	Parts            []periodPart
}

// periodCard is a figure with its words; its look is good, bad, warn or none.
type periodCard struct {
	Value, Look string
	Name        say.Text
}

// periodPart is a table.
type periodPart struct {
	Name  string
	Title say.Text
	Heads []say.Text
	Rows  [][]periodCell
}

type periodCell struct {
	Class string
	Text  template.HTML
}

// Say is a word in the first language, for attributes, which cannot hold both.
func (p *periodPage) Say(name string) string { return words[name].In(p.Lang) }

// In is a text in the first language.
func (p *periodPage) In(t say.Text) string { return t.In(p.Lang) }

func writePeriodHTML(w io.Writer, p *Period, lang say.Lang) error {
	t, err := parsedPeriod()
	if err != nil {
		return fmt.Errorf("write period.html: %w", err)
	}
	page, err := newPeriodPage(p, lang)
	if err != nil {
		return fmt.Errorf("write period.html: %w", err)
	}
	var b bytes.Buffer // a page is written whole or not at all
	if err := t.Execute(&b, page); err != nil {
		return fmt.Errorf("write period.html: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}

func newPeriodPage(p *Period, lang say.Lang) (*periodPage, error) {
	page := &periodPage{Lang: lang, Title: p.title().In(lang), Heading: both(p.title()), Lead: both(p.sentence()), Cards: p.cards()}
	page.Verdict, page.Symbol = p.verdict()
	if points := p.trend(); len(points) > 1 {
		page.Drawn = true
		for lang, to := range map[say.Lang]*template.HTML{say.English: &page.TrendEN, say.Korean: &page.TrendKO} {
			var b strings.Builder
			if err := WriteTrend(&b, points, p.Manual, p.Begin.Location(), lang); err != nil {
				return nil, err
			}
			*to = template.HTML(b.String()) // every text in it is escaped
		}
	}
	for _, t := range p.tables() {
		if part := p.part(t); len(part.Rows) > 0 {
			page.Parts = append(page.Parts, part)
		}
	}
	return page, nil
}

// verdict is the colour of the headline and its shape.
func (p *Period) verdict() (class, symbol string) {
	f := p.Figures
	switch {
	case f.Runs == 0:
		return "warn", "–"
	case f.Missed > 0:
		return "bad", "!"
	case f.Good < f.Runs, p.without() > 0:
		return "warn", "◧"
	}
	return "good", "✓"
}

// cards are the numbers that managers ask for.
func (p *Period) cards() []periodCard {
	f := p.Figures
	looks := map[bool]string{true: "bad"}
	cards := []periodCard{
		{itoa(int64(f.Runs)), "", say.T("runs", "실행")},
		{fmt.Sprintf("%d / %d", f.Good, f.Runs), looks[f.Good < f.Runs], say.T("got up", "기동")},
	}
	if f.Kept+f.Missed > 0 {
		cards = append(cards, periodCard{fmt.Sprintf("%d / %d", f.Kept, f.Kept+f.Missed), looks[f.Missed > 0], say.T("openings kept", "개장 시각 지킴")})
	}
	cards = append(cards,
		periodCard{fmt.Sprintf("%.1f", f.MedianMinutes), "", say.T("minutes in the middle", "소요 시간 중앙값(분)")},
		periodCard{fmt.Sprintf("%.1f", f.LongestMinutes), "", say.T("minutes at most", "최장(분)")})
	if p.Manual.Minutes > 0 {
		cards = append(cards, periodCard{number(int(math.Round(f.SavedPersonMinutes))), "", say.T("person-minutes saved against %.0f minutes by %.0f people", "절감 인분(人分), 수작업 %.0f분·%.0f명 대비", p.Manual.Minutes, p.Manual.People)})
	}
	return append(cards,
		periodCard{itoa(int64(len(p.Quarantined))), map[bool]string{true: "warn"}[len(p.Quarantined) > 0], say.T("hosts set aside", "격리된 호스트")},
		periodCard{number(f.Changed), "", say.T("changes", "변경")})
}

// trend is the runs as points.
func (p *Period) trend() []TrendPoint {
	var out []TrendPoint
	for _, r := range p.Runs {
		if r.Broken {
			continue // it has no end to measure
		}
		minutes := float64(r.TookMS) / 60_000
		t := TrendPoint{Run: r.ID, Began: r.Began, Minutes: minutes, Outcome: r.Outcome}
		if t.Up() {
			t.Saved = p.Manual.Minutes*p.Manual.People - minutes*p.Manual.Now
		}
		out = append(out, t)
	}
	return out
}

func (p *Period) part(t table) periodPart {
	part := periodPart{Name: t.Name, Title: t.Title}
	for _, c := range t.Columns {
		part.Heads = append(part.Heads, withoutUnit(c.Title))
	}
	for row := range t.Rows {
		var cells []periodCell
		for _, v := range row {
			cells = append(cells, p.cell(v))
		}
		part.Rows = append(part.Rows, cells)
	}
	return part
}

// withoutUnit is a heading of a column whose times are told with their units.
func withoutUnit(t say.Text) say.Text {
	return say.T("%[1]s", "%[2]s", strings.TrimSuffix(t.In(say.English), " (s)"), strings.TrimSuffix(t.In(say.Korean), "(초)"))
}

// cell is one value in both languages.
func (p *Period) cell(v any) periodCell {
	switch v := v.(type) {
	case event.Outcome:
		return periodCell{"nb", template.HTML(`<span class="o `+string(v)+`">`) + Look{}.Outcome(v) + `</span>`}
	case say.Text:
		return periodCell{"", both(v)}
	case seconds:
		return periodCell{"nb", both(duration(int64(v)))}
	case time.Time:
		return periodCell{"nb", template.HTML(plainCell(v, say.English, p.Begin.Location()))}
	}
	text := shorten(safeLine(plainCell(v, say.English, p.Begin.Location())), 200)
	return periodCell{"", template.HTML(template.HTMLEscapeString(text))}
}
