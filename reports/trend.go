package reports

import (
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// TrendPoint is one run of a trend.
type TrendPoint struct {
	Run     string        `json:"run"`
	Began   time.Time     `json:"began"`
	Minutes float64       `json:"minutes"`
	Saved   float64       `json:"saved_person_minutes"`
	Outcome event.Outcome `json:"outcome"`
}

// Up reports whether the run got everything up.
func (p TrendPoint) Up() bool { return p.Outcome == event.OK }

// Sizes of the plots in their own units.
const (
	plotWidth, plotHeight = 720.0, 220.0
	plotLeft, plotBottom  = 48.0, 34.0
	plotTop, plotRight    = 34.0, 12.0
)

// WriteTrend draws the trend as SVG: minutes of each run with the manual
// baseline, and below it the person-minutes saved. It needs no script; each
// point has its words in a title for those who cannot see it, and a run that did
// not get up is a cross. Times are those of the zone.
func WriteTrend(w io.Writer, points []TrendPoint, by Manual, zone *time.Location, lang say.Lang) error {
	minutes, saved := plot{}, plot{}
	for _, p := range points {
		when := p.Began.In(zone).Format("2006-01-02 15:04")
		minutes.add(p.Minutes, when, p.Up(), say.T("%s: %.1f minutes, %s", "%s: %.1f분, %s", when, p.Minutes, outcomeWords[p.Outcome]).In(lang))
		saved.add(p.Saved, when, p.Up(), say.T("%s: %.0f person-minutes saved", "%s: 절감 %.0f인분(人分)", when, p.Saved).In(lang))
	}
	minutes.title = say.T("Minutes of each run", "실행별 소요 시간(분)").In(lang)
	minutes.line, minutes.lineName = by.Minutes, say.T("by hand: %.0f minutes", "수작업: %.0f분", by.Minutes).In(lang)
	saved.title = say.T("Person-minutes saved against %.0f minutes by %.0f people", "수작업(%.0f분, %.0f명) 대비 절감 인분(人分)", by.Minutes, by.People).In(lang)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" font-family="sans-serif" font-size="12">`+"\n", plotWidth, 2*plotHeight)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(say.T("Trend of %d runs", "실행 %d회의 추이", len(points)).In(lang)))
	minutes.draw(&b, 0)
	saved.draw(&b, plotHeight)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// plot is one curve.
type plot struct {
	title, lineName string
	line            float64 // a level to compare with; 0 for none
	values          []float64
	days, words     []string
	up              []bool
}

func (p *plot) add(v float64, day string, up bool, words string) {
	p.values, p.days, p.words, p.up = append(p.values, v), append(p.days, day), append(p.words, words), append(p.up, up)
}

func (p *plot) draw(b *strings.Builder, top float64) {
	low, high := 0.0, p.line
	for _, v := range p.values {
		low, high = min(low, v), max(high, v)
	}
	if high == low {
		high = low + 1
	}
	y := func(v float64) float64 {
		return top + plotHeight - plotBottom - (v-low)/(high-low)*(plotHeight-plotTop-plotBottom)
	}
	x := func(i int) float64 {
		if len(p.values) == 1 {
			return (plotLeft + plotWidth - plotRight) / 2
		}
		return plotLeft + float64(i)*(plotWidth-plotLeft-plotRight)/float64(len(p.values)-1)
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%.1f" font-weight="bold" fill="currentColor">%s</text>`+"\n", 0.0, top+14, html.EscapeString(p.title))
	for _, level := range []float64{low, (low + high) / 2, high} {
		fmt.Fprintf(b, `<path d="M%.1f %.1fH%.1f" stroke="currentColor" stroke-opacity=".2"/><text x="%.1f" y="%.1f" text-anchor="end" fill="currentColor">%.0f</text>`+"\n",
			plotLeft, y(level), plotWidth-plotRight, plotLeft-6, y(level)+4, level)
	}
	if p.line > 0 {
		fmt.Fprintf(b, `<path d="M%.1f %.1fH%.1f" stroke="#b45309" stroke-dasharray="6 4"/><text x="%.1f" y="%.1f" text-anchor="end" fill="#b45309">%s</text>`+"\n",
			plotLeft, y(p.line), plotWidth-plotRight, plotWidth-plotRight, y(p.line)-5, html.EscapeString(p.lineName))
	}
	p.curve(b, x, y)
	for i := range p.days {
		if i == 0 || i == len(p.days)-1 {
			anchor := []string{"start", "end"}[min(i, 1)]
			fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="currentColor">%s</text>`+"\n", x(i), top+plotHeight-plotBottom+18, anchor, p.days[i])
		}
	}
}

// curve draws the line and a mark for each run.
func (p *plot) curve(b *strings.Builder, x func(int) float64, y func(float64) float64) {
	var path strings.Builder
	for i, v := range p.values {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x(i), y(v))
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="#2563eb" stroke-width="2"/>`+"\n", path.String())
	for i, v := range p.values {
		words := html.EscapeString(p.words[i])
		if p.up[i] {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4" fill="#2563eb"><title>%s</title></circle>`+"\n", x(i), y(v), words)
			continue
		}
		fmt.Fprintf(b, `<path d="M%.1f %.1fl9 9m0-9l-9 9" stroke="#c81e1e" stroke-width="2.5"><title>%s</title></path>`+"\n", x(i)-4.5, y(v)-4.5, words)
	}
}
