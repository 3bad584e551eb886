package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// What a PDF tells at most: it is printed and signed. Other formats have the
// rest.
const (
	paperFailures = 60
	paperOutput   = 24  // lines of one output
	paperRows     = 300 // of one table
	paperBars     = 60  // plays on the time line
)

// WritePDF writes the report as A4 pages, for signing, filing and mailing.
func WritePDF(w io.Writer, s Source) error {
	face, err := loadTypeface()
	if err != nil {
		return fmt.Errorf("write PDF: %w", err)
	}
	r := s.Report
	d := &pdf{Source: s, zone: zoneOf(r), paper: newPaper(face, safeLine(r.Run.Name), safeLine(r.Run.User), r.Ended)}
	d.SetLang(string(s.Lang))
	d.SetFooterFunc(d.footer)
	d.AddPage()
	d.document()
	if err := d.Output(w); err != nil {
		return fmt.Errorf("write PDF: %w", err)
	}
	return nil
}

type pdf struct {
	Source
	*paper
	zone *time.Location
}

func (d *pdf) word(name string) string { return words[name].In(d.Lang) }

func (d *pdf) say(t say.Text) string { return t.In(d.Lang) }

func (d *pdf) outcome(o event.Outcome) paperCell {
	return paperCell{text: outcomeWords[o].In(d.Lang), outcome: o, bold: isBad(o)}
}

func (d *pdf) clock(t time.Time) string { return t.In(d.zone).Format("15:04:05") }

func (d *pdf) footer() {
	d.letters(7.5, softColor, false)
	y := paperHeight - 11
	d.at(paperMargin, y, d.shown(fmt.Sprintf("sunup %s · %s", safeLine(d.Report.Run.Version), safeLine(d.Report.Run.ID))))
	page := fmt.Sprintf("%d / {pages}", d.PageNo())
	d.at(paperMargin+paperContent-16, y, page)
}

func (d *pdf) document() {
	d.banner()
	d.cards()
	d.milestones()
	d.attempts()
	d.orders()
	d.causes()
	d.timeline()
	d.unusual()
	d.slow()
	d.failures()
	d.gathered()
	d.changes()
	d.hosts()
	d.warnings()
	d.about()
}

// banner is the head of the first page: what was run and how it went.
func (d *pdf) banner() {
	r := d.Report
	d.block(0, 0, paperWidth, 9, nightColor)
	d.letters(9, rgb{255, 210, 125}, true)
	d.at(paperMargin, 2, "sunup")
	d.letters(9, rgb{255, 255, 255}, false)
	d.at(paperMargin+14, 2, d.shown(d.word("report")))
	d.SetY(15)
	d.letters(19, inkColor, true)
	d.paragraph(paperMargin, paperContent, safeLine(r.Run.Name), 2)
	d.gap(2)
	class, _ := verdict(r)
	sign := map[string]event.Outcome{"good": event.OK, "warn": event.Quarantined, "bad": event.Failed}[class]
	if class == "warn" && (!r.Complete || r.Outcome == event.Cancelled) {
		sign = event.Cancelled
	}
	c := markColor(sign)
	d.mark(sign, paperMargin, d.GetY()+0.9, 4.4)
	d.letters(12.5, c, true)
	d.paragraph(paperMargin+8, paperContent-8, d.say(r.Sentence), 4)
	if !r.Reason.IsZero() {
		d.letters(10, inkColor, false)
		d.paragraph(paperMargin+8, paperContent-8, d.say(r.Reason), 4)
	}
	d.gap(1)
	d.letters(9, softColor, false)
	mode := ""
	if r.Run.Check {
		mode = " · " + d.word("check_mode")
	}
	d.paragraph(paperMargin, paperContent, fmt.Sprintf("%s → %s · %s%s", d.say(day(r.Began, d.zone)), d.clock(r.Ended), startedBy(r.Run.User, r.Run.Node), mode), 2)
	d.gap(3)
}

// cards are the key figures.
func (d *pdf) cards() {
	f := d.Report.Figures
	cards := []struct {
		word, figure string
		bad          bool
	}{
		{"hosts_up", number(f.HostsGood) + " / " + number(f.Hosts), false},
		{"hosts_bad", number(f.HostsFailed + f.HostsLost), f.HostsFailed+f.HostsLost > 0},
		{"hosts_aside", number(f.HostsAside), f.HostsAside > 0},
		{"hosts_change", number(f.HostsChanged), false},
		{"took", clock(time.Duration(d.Report.TookMS) * time.Millisecond), false},
	}
	y, w := d.GetY(), (paperContent-4*3)/5
	for i, c := range cards {
		x := paperMargin + float64(i)*(w+3)
		d.block(x, y, w, 17, panelColor)
		top := sunColor
		if c.bad {
			top = markColor(event.Failed)
		}
		d.block(x, y, w, 0.9, top)
		d.letters(7.5, softColor, false)
		for n, line := range d.wrap(d.word(c.word), w-4, 1) {
			d.at(x+2, y+2.2+float64(n)*d.leading(), line)
		}
		d.letters(14, inkColor, true)
		d.at(x+2, y+7.5, c.figure)
	}
	d.SetY(y + 17)
}

func (d *pdf) milestones() {
	r := d.Report
	if len(r.Milestones) == 0 {
		return
	}
	d.heading(d.word("milestones"))
	g := d.grid(paperColumn{title: d.word("time"), share: .12}, paperColumn{title: d.word("milestone"), share: .44}, paperColumn{title: d.word("result"), share: .22}, paperColumn{title: d.word("margin"), share: .22})
	for _, m := range r.Milestones {
		sign, margin := event.OK, ""
		if m.State != Met {
			sign = event.Failed
		}
		if m.State != NotReached {
			margin = d.say(duration(m.MarginMS))
		}
		g.row(paperCell{text: m.At.In(d.zone).Format("15:04")}, paperCell{text: d.say(milestoneTitle(m)), bold: true}, paperCell{text: d.say(stateWord(m.State)), outcome: sign}, paperCell{text: margin})
	}
}

func (d *pdf) attempts() {
	if len(d.Report.Attempts) == 0 {
		return
	}
	d.heading(d.word("attempts_all"))
	g := d.grid(paperColumn{title: d.word("number"), share: .08}, paperColumn{title: d.word("began"), share: .12}, paperColumn{title: d.word("ended"), share: .12}, paperColumn{title: d.word("outcome"), share: .16}, paperColumn{title: d.word("started_by"), share: .22}, paperColumn{title: d.word("why_resumed"), share: .3, lines: 3})
	for _, a := range d.Report.Attempts {
		g.row(paperCell{text: fmt.Sprint(a.Number)}, paperCell{text: d.clock(a.Began)}, paperCell{text: d.clock(a.Ended)}, d.outcome(a.Outcome), paperCell{text: startedBy(a.User, a.Node)}, paperCell{text: d.say(a.Reason)})
	}
}

// orders are the hosts that were set aside, one visit each, with a place for
// the signature of who went there.
func (d *pdf) orders() {
	r := d.Report
	if len(r.Quarantine) == 0 {
		return
	}
	d.heading(fmt.Sprintf("%s (%s)", d.word("orders"), number(len(r.Quarantine))))
	g := d.grid(paperColumn{title: d.word("done"), share: .06}, paperColumn{title: d.word("host"), share: .15, lines: 3}, paperColumn{title: d.word("reason"), share: .27, lines: 6}, paperColumn{title: d.word("todo"), share: .3, lines: 8}, paperColumn{title: d.word("owner"), share: .1, lines: 2}, paperColumn{title: d.word("signed"), share: .12})
	for i, q := range r.Quarantine {
		if i == paperRows {
			d.more(len(r.Quarantine) - i)
			break
		}
		host := q.Host
		if q.Zone != "" {
			host += "\n" + q.Zone
		}
		g.row(paperCell{box: true}, paperCell{text: host, bold: true}, paperCell{text: d.say(q.Reason)}, paperCell{text: d.say(q.Fix)}, paperCell{text: q.Owner}, paperCell{})
	}
}

// more says how many are left out.
func (d *pdf) more(n int) {
	d.letters(8.5, softColor, false)
	d.paragraph(paperMargin, paperContent, d.say(say.T("… and %s more; report.json and the workbook have them all.", "… 그 밖에 %s건이 더 있습니다. 전체는 report.json과 엑셀에 있습니다.", number(n))), 1)
}

func (d *pdf) causes() {
	r := d.Report
	if len(r.Causes) == 0 {
		return
	}
	d.heading(fmt.Sprintf("%s (%s)", d.word("causes"), number(len(r.Causes))))
	g := d.grid(paperColumn{title: d.word("outcome"), share: .13}, paperColumn{title: d.word("message"), share: .29, lines: 4}, paperColumn{title: d.word("why"), share: .2, lines: 6}, paperColumn{title: d.word("fix"), share: .22, lines: 6}, paperColumn{title: d.word("sheet_hosts"), share: .16, lines: 4})
	for i, c := range r.Causes {
		if i == paperFailures {
			d.more(len(r.Causes) - i)
			break
		}
		g.row(d.outcome(c.Outcome), paperCell{text: shorten(safeLine(c.Message), 300), bold: true}, paperCell{text: d.say(c.Why)}, paperCell{text: d.say(c.Fix)},
			paperCell{text: d.say(hostsText(len(c.Hosts))) + ": " + someNames(c.Hosts, 5)})
	}
}

// timeline draws a bar for each play; those on the critical path have a
// diamond.
func (d *pdf) timeline() {
	r := d.Report
	if len(r.Plays) == 0 || r.TookMS <= 0 {
		return
	}
	d.heading(d.word("timeline"))
	onPath := criticalNumbers(r)
	const label, figure = 52.0, 16.0
	track := paperContent - label - figure
	d.letters(7, softColor, false)
	y := d.GetY()
	for _, t := range ticks(r) {
		var at float64
		fmt.Sscanf(t.Left, "%f", &at)
		x := paperMargin + label + at/100*track
		d.at(min(x, paperMargin+label+track-d.width(t.Label)), y, t.Label)
	}
	d.gap(d.leading() + 0.5)
	for i, p := range r.Plays {
		if i == paperBars {
			d.more(len(r.Plays) - i)
			break
		}
		d.room(6)
		y := d.GetY()
		d.mark(p.Outcome, paperMargin, y+1.2, 2.4)
		name := p.Name
		if onPath[p.Number] {
			name = "◆ " + name
		}
		d.letters(8.5, inkColor, onPath[p.Number])
		for _, line := range d.wrap(safeLine(name), label-6, 1) {
			d.at(paperMargin+4, y, line)
		}
		x := paperMargin + label + float64(p.Began.Sub(r.Began).Milliseconds())/float64(r.TookMS)*track
		wide := max(0.8, float64(p.TookMS)/float64(r.TookMS)*track)
		d.block(paperMargin+label, y+1, track, 3.4, panelColor)
		d.block(x, y+1, min(wide, paperMargin+label+track-x), 3.4, markColor(p.Outcome))
		d.letters(8, softColor, false)
		took := clock(time.Duration(p.TookMS) * time.Millisecond)
		d.at(paperMargin+paperContent-d.width(took), y+0.2, took)
		d.SetY(y + 5.6)
	}
	d.letters(7.5, softColor, false)
	d.paragraph(paperMargin, paperContent, "◆ "+d.word("critical")+": "+d.word("critical_tip"), 2)
}

// unusual are the steps that took a host longer or shorter than its past
// explains.
func (d *pdf) unusual() {
	r := d.Report
	if len(r.Anomalies) == 0 {
		return
	}
	d.heading(fmt.Sprintf("%s (%s)", d.word("unusual"), number(len(r.Anomalies))))
	d.letters(8.5, softColor, false)
	d.paragraph(paperMargin, paperContent, d.word("unusual_tip"), 3)
	g := d.grid(paperColumn{title: d.word("task"), share: .24, lines: 2}, paperColumn{title: d.word("play"), share: .17, lines: 2}, paperColumn{title: d.word("host"), share: .15}, paperColumn{title: d.word("took"), share: .08, right: true}, paperColumn{title: d.word("usually"), share: .18, lines: 2}, paperColumn{title: d.word("how_far"), share: .18, lines: 2})
	for i, a := range r.unusual() {
		if i == paperRows {
			d.more(len(r.Anomalies) - i)
			break
		}
		t := r.task(a.Task)
		g.row(paperCell{text: t.Name, bold: true}, paperCell{text: r.playName(t.Play)}, paperCell{text: a.Host}, paperCell{text: clock(time.Duration(a.TookMS) * time.Millisecond)}, paperCell{text: d.say(a.usually())}, paperCell{text: d.say(a.howFar())})
	}
}

func (d *pdf) slow() {
	r := d.Report
	if len(r.Slow) == 0 {
		return
	}
	d.heading(d.word("slow"))
	g := d.grid(paperColumn{title: d.word("task"), share: .3, lines: 2}, paperColumn{title: d.word("play"), share: .2, lines: 2}, paperColumn{title: d.word("took"), share: .1, right: true}, paperColumn{title: d.word("waited_for"), share: .16}, paperColumn{title: d.word("usual_run"), share: .24, lines: 2})
	for _, s := range r.Slow[:min(len(r.Slow), 10)] {
		g.row(paperCell{text: r.task(s.Task).Name, bold: true}, paperCell{text: r.playName(s.Play)}, paperCell{text: clock(time.Duration(s.TookMS) * time.Millisecond)}, paperCell{text: s.Host}, paperCell{text: d.say(againstHistory(r, s.Task))})
	}
}

func (d *pdf) failures() {
	r := d.Report
	if len(r.Failures) == 0 {
		return
	}
	d.heading(fmt.Sprintf("%s (%s)", d.word("failures"), number(len(r.Failures))))
	for i, f := range urgentFirst(r.Failures) {
		if i == paperFailures {
			d.more(len(r.Failures) - i)
			return
		}
		d.failure(f)
	}
}

func (d *pdf) failure(f *Failure) {
	t := d.Report.task(f.Task)
	d.room(24)
	d.mark(f.Outcome, paperMargin, d.GetY()+1.2, 2.8)
	d.letters(9.5, inkColor, true)
	title := fmt.Sprintf("%s · %s · %s", f.Host, t.Name, outcomeWords[f.Outcome].In(d.Lang))
	if f.Mended {
		title += " · " + d.word("mended")
	}
	d.paragraph(paperMargin+5, paperContent-5, safeLine(title), 2)
	d.letters(8, softColor, false)
	d.paragraph(paperMargin+5, paperContent-5, safeLine(withDots(d.clock(f.At), d.Report.playName(f.Play), f.Zone, t.Module, place(t))), 2)
	d.letters(9, inkColor, false)
	d.paragraph(paperMargin+5, paperContent-5, f.Message, 6)
	for _, part := range []struct {
		word string
		text say.Text
	}{{"why", f.Why}, {"fix", f.Fix}} {
		if !part.text.IsZero() {
			d.letters(8.5, inkColor, false)
			d.paragraph(paperMargin+5, paperContent-5, d.word(part.word)+": "+d.say(part.text), 4)
		}
	}
	for _, part := range []struct{ word, text string }{{"command", f.Command}, {"errors", f.Stderr}, {"output", f.Stdout}, {"diff", f.Diff}} {
		d.output(part.word, part.text)
	}
	d.gap(3)
}

// withDots joins what is there.
func withDots(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// output is what a host said, on a panel.
func (d *pdf) output(word, text string) {
	if text == "" {
		return
	}
	d.letters(7.5, softColor, true)
	d.room(2 * d.leading())
	d.at(paperMargin+5, d.GetY(), d.shown(d.word(word)))
	d.gap(d.leading())
	d.letters(8, inkColor, false)
	for _, line := range d.wrap(text, paperContent-10, paperOutput) {
		d.room(d.leading())
		d.block(paperMargin+5, d.GetY(), paperContent-5, d.leading()+0.05, panelColor)
		d.at(paperMargin+7, d.GetY(), line)
		d.gap(d.leading())
	}
	d.gap(1)
}

func (d *pdf) changes() {
	r := d.Report
	word := "changes"
	if r.Run.Check {
		word = "changes_dry"
	}
	d.heading(d.word(word))
	if len(r.Changes) == 0 {
		d.letters(9, softColor, false)
		d.paragraph(paperMargin, paperContent, d.word("no_changes"), 1)
		return
	}
	g := d.grid(paperColumn{title: d.word("task"), share: .32, lines: 2}, paperColumn{title: d.word("play"), share: .2, lines: 2}, paperColumn{title: d.word("hosts_all"), share: .1, right: true}, paperColumn{title: d.word("sheet_hosts"), share: .38, lines: 3})
	for i, c := range r.Changes {
		if i == paperRows {
			d.more(len(r.Changes) - i)
			break
		}
		t := r.task(c.Task)
		g.row(paperCell{text: t.Name, bold: true}, paperCell{text: r.playName(t.Play)}, paperCell{text: number(c.Count)}, paperCell{text: someNames(c.Hosts, 8)})
	}
}

// hosts are those that did not end well, and the counts of all plays.
func (d *pdf) hosts() {
	r := d.Report
	d.heading(d.word("sheet_plays"))
	columns := []paperColumn{{title: d.word("play"), share: .3, lines: 2}, {title: d.word("outcome"), share: .14}, {title: d.word("owner"), share: .14, lines: 2}}
	shown := []event.Outcome{event.OK, event.Changed, event.Skipped, event.Failed, event.Unreachable, event.Rescued}
	for _, o := range shown {
		columns = append(columns, paperColumn{title: outcomeWords[o].In(d.Lang), share: .07, right: true})
	}
	g := d.grid(columns...)
	for i, p := range r.Plays {
		if i == paperRows {
			d.more(len(r.Plays) - i)
			break
		}
		cells := []paperCell{{text: p.Name, bold: true}, d.outcome(p.Outcome), {text: p.Owner}}
		for _, o := range shown {
			cells = append(cells, paperCell{text: number(p.Counts[o]), bold: isBad(o) && p.Counts[o] > 0})
		}
		g.row(cells...)
	}
}

func (d *pdf) warnings() {
	if len(d.Report.Warnings) == 0 {
		return
	}
	d.heading(d.word("warnings"))
	for i, w := range d.Report.Warnings {
		if i == paperFailures {
			d.more(len(d.Report.Warnings) - i)
			break
		}
		d.letters(9, inkColor, false)
		text := d.say(w.Text)
		if w.Host != "" {
			text = w.Host + ": " + text
		}
		d.paragraph(paperMargin, paperContent, "· "+text, 4)
	}
}

func (d *pdf) about() {
	d.heading(d.word("about"))
	g := d.grid(paperColumn{title: d.word("item"), share: .3, lines: 2}, paperColumn{title: d.word("value"), share: .7, lines: 3})
	for row := range summaryTable(d.Report).Rows {
		g.row(paperCell{text: plainCell(row[0], d.Lang, d.zone)}, paperCell{text: plainCell(row[1], d.Lang, d.zone)})
	}
}
