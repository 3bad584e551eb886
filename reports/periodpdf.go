package reports

import (
	"fmt"
	"io"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
)

// writePeriodPDF writes the report of a period as A4 pages, for filing and
// mailing.
func writePeriodPDF(w io.Writer, p *Period, lang say.Lang) error {
	face, err := loadTypeface()
	if err != nil {
		return fmt.Errorf("write PDF: %w", err)
	}
	d := &periodPaper{Period: p, lang: lang, paper: newPaper(face, p.title().In(lang), "", p.End)}
	d.SetLang(string(lang))
	d.SetFooterFunc(d.footer)
	d.AddPage()
	d.banner()
	d.cards()
	for _, t := range p.tables() {
		d.table(t)
	}
	if err := d.Output(w); err != nil {
		return fmt.Errorf("write PDF: %w", err)
	}
	return nil
}

type periodPaper struct {
	*Period
	*paper
	lang say.Lang
}

func (d *periodPaper) footer() {
	d.letters(7.5, softColor, false)
	y := paperHeight - 11
	d.at(paperMargin, y, d.shown("sunup · "+d.title().In(d.lang)))
	d.at(paperMargin+paperContent-16, y, fmt.Sprintf("%d / {pages}", d.PageNo()))
}

// banner is the head of the first page: which period, and how it was.
func (d *periodPaper) banner() {
	d.block(0, 0, paperWidth, 9, nightColor)
	d.letters(9, rgb{255, 210, 125}, true)
	d.at(paperMargin, 2, "sunup")
	d.SetY(15)
	d.letters(17, inkColor, true)
	d.paragraph(paperMargin, paperContent, d.title().In(d.lang), 2)
	d.gap(2)
	d.letters(11, inkColor, false)
	d.paragraph(paperMargin, paperContent, d.sentence().In(d.lang), 6)
	d.gap(3)
}

// cards are the figures of the period.
func (d *periodPaper) cards() {
	figures := d.figures(d.lang)
	w := (paperContent - 3*float64(len(figures)-1)) / float64(len(figures))
	y := d.GetY()
	for i, f := range figures {
		x := paperMargin + float64(i)*(w+3)
		d.block(x, y, w, 19, panelColor)
		d.block(x, y, w, 0.9, sunColor)
		d.letters(7, softColor, false)
		for n, line := range d.wrap(f.Name, w-3, 2) {
			d.at(x+1.5, y+1.8+float64(n)*d.leading(), line)
		}
		d.letters(13, inkColor, true)
		d.at(x+1.5, y+10.5, f.Value)
	}
	d.SetY(y + 19)
}

// table writes what has rows; the widths of its columns share the page.
func (d *periodPaper) table(t table) {
	rows := d.cells(t, d.lang)
	if len(rows) == 0 {
		return
	}
	d.heading(fmt.Sprintf("%s (%s)", t.Title.In(d.lang), number(len(rows))))
	for _, row := range rows {
		for i := range row {
			row[i] = strings.TrimLeft(row[i], "✓✗◧ ") // the font has no such signs; the words say it
		}
	}
	columns := d.columns(t, rows)
	g := d.grid(columns...)
	n := 0
	for values := range t.Rows {
		if n == paperRows {
			d.letters(8.5, softColor, false)
			d.paragraph(paperMargin, paperContent, say.T("… and %s more; the workbook has them all.", "… 그 밖에 %s건이 더 있습니다. 전체는 엑셀에 있습니다.", number(len(rows)-n)).In(d.lang), 1)
			break
		}
		cells := make([]paperCell, len(values))
		for i, v := range values {
			cells[i] = paperCell{text: rows[n][i], bold: i == 0}
			if o, ok := v.(event.Outcome); ok { // its sign is drawn
				cells[i].outcome = o
			}
		}
		g.row(cells...)
		n++
	}
}

// Millimetres of columns: none asks for more than wideColumn, and none that is
// wider than narrowColumn keeps what it asks for when the page is too small.
const wideColumn, narrowColumn = 60.0, 18.0

// columns share the width of the page by what stands in them.
func (d *periodPaper) columns(t table, rows [][]string) []paperColumn {
	signs := make([]bool, len(t.Columns)) // drawn before the words of an outcome
	for row := range t.Rows {
		for i, v := range row {
			_, outcome := v.(event.Outcome)
			signs[i] = signs[i] || outcome
		}
	}
	widths, all, flexible := make([]float64, len(t.Columns)), 0.0, 0.0
	for i, c := range t.Columns {
		d.letters(8.5, inkColor, true)
		widest := d.width(c.Title.In(d.lang))
		for _, row := range rows[:min(len(rows), paperRows)] {
			widest = max(widest, d.width(row[i]))
		}
		widths[i] = min(widest, wideColumn) + 2*cellPad + 1
		if signs[i] {
			widths[i] += 4
		}
		all += widths[i]
		flexible += max(0, widths[i]-narrowColumn)
	}
	over := all - paperContent
	if over > 0 && flexible > 0 {
		for i, w := range widths {
			widths[i] -= over * max(0, w-narrowColumn) / flexible
		}
		all = paperContent
	}
	var out []paperColumn
	for i, c := range t.Columns {
		out = append(out, paperColumn{title: c.Title.In(d.lang), share: widths[i] / max(all, paperContent*.6), lines: 3})
	}
	return out
}
