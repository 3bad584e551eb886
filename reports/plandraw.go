package reports

import (
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Measures of the drawing of a plan, in pixels.
const (
	planNames  = 260 // width of the column of names
	planWidth  = 1000
	planRow    = 34
	planBar    = 18
	planTop    = 34
	planBottom = 12
)

// WritePlanSVG draws a plan: a row for each play, time from left to right, a
// bar for each lane, and a line from what a play waits for. The critical plays
// are marked by colour and by a star.
func WritePlanSVG(w io.Writer, p event.Planned, lang say.Lang) error {
	d := &planDrawing{plan: p, lang: lang, rows: map[int]int{}}
	for i, s := range p.Stages {
		d.rows[s.Play] = i
	}
	_, err := io.WriteString(w, d.draw())
	return err
}

// planDrawing is a drawing under way.
type planDrawing struct {
	strings.Builder
	plan event.Planned
	lang say.Lang
	rows map[int]int // by the play's number
}

func (d *planDrawing) draw() string {
	height := planTop + planRow*len(d.plan.Stages) + planBottom
	title := say.T("Plan: %d plays, %s", "계획: 플레이 %d개, %s", len(d.plan.Stages), stopwatch(d.plan.Takes)).In(d.lang)
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" class="plan" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s" font-family="system-ui, 'Noto Sans KR', sans-serif" font-size="13">`,
		planWidth, height, planWidth, height, html.EscapeString(title))
	fmt.Fprintf(d, "<title>%s</title>\n", html.EscapeString(title))
	d.WriteString(`<style>.plan .c{fill:#c2410c}.plan .n{fill:#3b82a6}.plan .g{stroke:#8884;stroke-width:1}.plan .w{stroke:#888;stroke-width:1.2;fill:none}.plan .wc{stroke:#c2410c;stroke-width:2;fill:none}.plan text{fill:currentColor}</style>` + "\n")
	d.scale()
	for _, s := range d.plan.Stages {
		d.lines(s)
	}
	for i, s := range d.plan.Stages {
		d.stage(i, s)
	}
	d.WriteString("</svg>\n")
	return d.String()
}

func (d *planDrawing) x(at time.Duration) float64 {
	if d.plan.Takes <= 0 {
		return planNames
	}
	return planNames + float64(planWidth-planNames-70)*float64(at)/float64(d.plan.Takes)
}

func (d *planDrawing) y(row int) int { return planTop + planRow*row + planRow/2 }

// scale draws up to eight marks of a round length.
func (d *planDrawing) scale() {
	step := time.Second
	for _, s := range []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 4 * time.Hour, 24 * time.Hour} {
		if d.plan.Takes/step > 8 {
			step = s
		}
	}
	for at := time.Duration(0); at <= d.plan.Takes; at += step {
		fmt.Fprintf(d, `<line class="g" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text x="%.1f" y="18" text-anchor="middle" opacity=".7">%s</text>`+"\n",
			d.x(at), d.x(at), planTop-8, planTop+planRow*len(d.plan.Stages), d.x(at), stopwatch(at))
	}
}

// lines draws what a stage waits for.
func (d *planDrawing) lines(s event.Stage) {
	to := d.rows[s.Play]
	for _, n := range s.Needs {
		from, known := d.rows[n.Play]
		if !known {
			continue
		}
		before := d.plan.Stages[from]
		class := "w"
		if before.Critical && s.Critical {
			class = "wc"
		}
		dash := ""
		if n.Same != "" {
			dash = ` stroke-dasharray="4 3"`
		}
		x1, y1, x2, y2 := d.x(before.Ends), d.y(from), d.x(s.Begins), d.y(to)
		fmt.Fprintf(d, `<path class="%s"%s d="M%.1f %d C%.1f %d %.1f %d %.1f %d"/>`+"\n", class, dash, x1, y1, x1+18, y1, x2-18, y2, x2, y2)
	}
}

func (d *planDrawing) stage(row int, s event.Stage) {
	y := d.y(row)
	class, name := "n", s.Name
	if s.Critical {
		class, name = "c", "★ "+s.Name
	}
	hosts := 0
	for _, l := range s.Lanes {
		hosts += len(l.Hosts)
	}
	fmt.Fprintf(d, `<text x="0" y="%d">%s<title>%s</title></text>`, y+4, html.EscapeString(fit(name, 34)), html.EscapeString(s.Name))
	fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="3" opacity=".35"/>`, class, d.x(s.Begins), y-planBar/2, max(d.x(s.Ends)-d.x(s.Begins), 2), planBar)
	for i, l := range s.Lanes {
		if len(s.Lanes) > 60 {
			break // thinner than a pixel
		}
		h := float64(planBar) / float64(len(s.Lanes))
		fmt.Fprintf(d, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.2f"><title>%s</title></rect>`, class,
			d.x(l.Begins), float64(y)-planBar/2+float64(i)*h, max(d.x(l.Ends)-d.x(l.Begins), 2), max(h-0.6, 0.4), html.EscapeString(laneTitle(s, l)))
	}
	fmt.Fprintf(d, `<text x="%.1f" y="%d" font-size="11" opacity=".8">%s</text>`+"\n", d.x(s.Ends)+5, y+4, html.EscapeString(hostsText(hosts).In(d.lang)))
}

func laneTitle(s event.Stage, l event.Lane) string {
	names := strings.Join(l.Hosts[:min(len(l.Hosts), 5)], ", ")
	if len(l.Hosts) > 5 {
		names += fmt.Sprintf(" … (%d)", len(l.Hosts))
	}
	return fmt.Sprintf("%s: %s, %s–%s", s.Name, names, stopwatch(l.Begins), stopwatch(l.Ends))
}

// Stopwatch writes a length of time as people read it off a clock: 45s, 2:05,
// 1:02:05.
func Stopwatch(d time.Duration) string { return stopwatch(d) }

// Fit pads or shortens a text to so many columns of a terminal; Korean letters
// take two.
func Fit(s string, columns int) string { return pad(s, columns) }

// Columns is how many columns of a terminal a text takes.
func Columns(s string) int { return lipgloss.Width(s) }
