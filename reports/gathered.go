package reports

import (
	"cmp"
	"fmt"
	"html"
	"path"
	"slices"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// Gathered is what was collected from a host after a failure there: the end of
// a file, or of what a command printed, or why it could not be had.
type Gathered struct {
	Host string    `json:"host"`
	Zone string    `json:"zone,omitempty"`
	Play int       `json:"play"`
	Task int       `json:"task"` // that failed; -1 when not known
	At   time.Time `json:"at"`
	// Source is what was asked for: a path, perhaps with wildcards, or a command
	// line; empty when nothing of the host could be had.
	Source  string `json:"source,omitempty"`
	Command bool   `json:"command,omitempty"` // the source is a command line
	File    string `json:"file,omitempty"`    // path on the host
	Text    string `json:"text,omitempty"`
	Size    int64  `json:"size,omitempty"` // of the file on the host, bytes
	// Cut says that the text is only the end of it.
	Cut      bool     `json:"cut,omitempty"`
	Hidden   int      `json:"hidden,omitempty"`   // secrets that were replaced by stars
	Encoding string   `json:"encoding,omitempty"` // that the text was converted from
	RC       *int     `json:"rc,omitempty"`       // exit code of the command
	Refused  say.Text `json:"refused,omitzero"`   // why there is no text
}

// What a report keeps and a page shows of it at most; the engine bounds what a
// run collects, a file of events may hold anything.
const (
	maxGathered      = 20_000
	maxGatheredTotal = 64 << 20
	pageGathered     = 16 << 10 // bytes of one text
	pageGatheredAll  = 4 << 20
	pagePaper        = 6 << 10 // bytes of one host that are printed
	paperGathered    = 60
)

func (b *Builder) gathered(d event.Gathered, at time.Time) {
	if len(b.report.Gathered) >= maxGathered || b.gatheredBytes > maxGatheredTotal {
		b.gatheredLeftOut = true
		return
	}
	b.gatheredBytes += len(d.Text)
	g := Gathered{
		Host: d.Host, Zone: b.host(d.Host).Zone, Play: d.Play, Task: -1, At: at, Source: d.Source, Command: d.Command, File: d.File, Text: d.Text,
		Size: d.Size, Cut: d.Cut, Hidden: d.Hidden, Encoding: d.Encoding, RC: d.RC, Refused: d.Refused,
	}
	if start, known := b.starts[d.Task]; known {
		for _, t := range b.columns[columnKey(start)] {
			g.Task = t.Number
		}
	}
	b.report.Gathered = append(b.report.Gathered, g)
}

// Title is what it is: the file, or the command line.
func (g Gathered) Title() string { return cmp.Or(g.File, g.Source) }

// About says how much of it there is.
func (g Gathered) About() say.Text {
	var parts []say.Text
	if g.RC != nil {
		parts = append(parts, say.T("exit code %d", "종료 코드 %d", *g.RC))
	}
	if g.Size > 0 {
		parts = append(parts, say.T("%s on the host", "호스트에 %s", byteSize(g.Size)))
	}
	if g.Cut {
		parts = append(parts, say.T("the last %s", "마지막 %s", byteSize(int64(len(g.Text)))))
	}
	if g.Encoding != "" {
		parts = append(parts, say.T("read as %s", "%s로 읽음", g.Encoding))
	}
	if g.Hidden > 0 {
		parts = append(parts, say.T("%d secrets hidden", "비밀값 %d곳 가림", g.Hidden))
	}
	if !g.Refused.IsZero() {
		parts = append(parts, g.Refused)
	}
	return joinTexts(parts, " · ")
}

func joinTexts(parts []say.Text, between string) say.Text {
	in := func(lang say.Lang) string {
		var out []string
		for _, p := range parts {
			out = append(out, p.In(lang))
		}
		return strings.Join(out, between)
	}
	return say.T("%[1]s", "%[2]s", in(say.English), in(say.Korean))
}

func byteSize(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// gatheredHost is what was collected from one host.
type gatheredHost struct {
	Host, Zone string
	Items      []Gathered
}

// gatheredByHost groups it by host, in the order of the failures.
func (r *Report) gatheredByHost() []gatheredHost {
	at := map[string]int{}
	var out []gatheredHost
	for _, g := range r.Gathered {
		i, known := at[g.Host]
		if !known {
			i = len(out)
			at[g.Host] = i
			out = append(out, gatheredHost{Host: g.Host, Zone: g.Zone})
		}
		out[i].Items = append(out[i].Items, g)
	}
	return out
}

// Told counts what was had of the host, for the line that is seen folded.
func (h gatheredHost) Told() say.Text {
	had, bytes := 0, 0
	for _, g := range h.Items {
		if g.Text != "" || g.Refused.IsZero() {
			had++
			bytes += len(g.Text)
		}
	}
	if had == 0 {
		return h.Items[0].Refused
	}
	return say.T("%d of %d collected, %s", "%[2]d건 중 %[1]d건 수집, %[3]s", had, len(h.Items), byteSize(int64(bytes)))
}

// Long reports whether it is too much for paper, where it stays folded.
func (h gatheredHost) Long() bool {
	bytes := 0
	for _, g := range h.Items {
		bytes += len(g.Text)
	}
	return bytes > pagePaper
}

// forPage shortens the texts to what a page can hold.
func forPage(hosts []gatheredHost) []gatheredHost {
	left := pageGatheredAll
	for i := range hosts {
		items := slices.Clone(hosts[i].Items)
		for j := range items {
			g := &items[j]
			if most := min(pageGathered, left); len(g.Text) > most {
				g.Text, g.Cut = tail(g.Text, most), true
			}
			left -= len(g.Text)
		}
		hosts[i].Items = items
	}
	return hosts
}

// gatheredTable has one row for each thing that was asked for.
func gatheredTable(r *Report) table {
	return table{
		Name: "gathered", Title: words["sheet_gathered"],
		Columns: []column{
			heading("host", 22), heading("zone", 14), heading("play", 20), heading("task", 26), heading("time", 19), heading("source", 40), heading("file", 40),
			heading("size", 12), heading("rc", 8), heading("remarks", 40), heading("output", 80),
		},
		Rows: rowsOver(r.Gathered, func(g Gathered) []any {
			var size any
			if g.Size > 0 {
				size = g.Size
			}
			return []any{g.Host, g.Zone, r.playName(g.Play), r.task(g.Task).Name, g.At, g.Source, g.File, size, g.RC, g.About(), lastOfCell(g.Text)}
		}),
	}
}

// lastOfCell keeps the end of a text: a cell is cut at its end otherwise, and
// what went wrong is said last.
func lastOfCell(text string) string {
	const most = maxCell / 2 // control characters take more than one
	if len(text) <= most {
		return text
	}
	return "[… " + byteSize(int64(len(text)-most)) + "]\n" + tail(text, most)
}

func (m *markdown) gathered() {
	hosts := m.Report.gatheredByHost()
	if len(hosts) == 0 {
		return
	}
	m.title("gathered", len(hosts))
	for i, h := range hosts {
		if i == pageOfFailures {
			m.line("… +%s", number(len(hosts)-i))
			break
		}
		m.line("<details><summary><b>%s</b> %s</summary>\n", html.EscapeString(safeLine(h.Host)), html.EscapeString(safeLine(h.Told().In(m.Lang))))
		for _, g := range h.Items {
			if title := g.Title(); title != "" {
				m.line("**%s**%s\n", mdText(shorten(title, 200)), mdAside(g.About().In(m.Lang)))
			} else {
				m.line("%s\n", mdText(g.About().In(m.Lang)))
			}
			if g.Text != "" {
				m.line("%s\n", fenced("", tail(g.Text, pageOfOutput)))
			}
		}
		m.line("</details>\n")
	}
}

// gathered lists what was collected; the texts are in files of their own.
func (d *pdf) gathered() {
	r := d.Report
	if len(r.Gathered) == 0 {
		return
	}
	d.heading(fmt.Sprintf("%s (%s)", d.word("gathered"), number(len(r.Gathered))))
	d.letters(8.5, softColor, false)
	d.paragraph(paperMargin, paperContent, d.word("gathered_paper"), 3)
	g := d.grid(paperColumn{title: d.word("host"), share: .16}, paperColumn{title: d.word("source"), share: .34, lines: 2}, paperColumn{title: d.word("last_line"), share: .3, lines: 3}, paperColumn{title: d.word("remarks"), share: .2, lines: 3})
	for i, one := range r.Gathered {
		if i == paperGathered {
			d.more(len(r.Gathered) - i)
			break
		}
		g.row(paperCell{text: one.Host, bold: true}, paperCell{text: one.Title()}, paperCell{text: tellingLine(one.Text)}, paperCell{text: d.say(one.About())})
	}
}

// gathered names the hosts; their logs are in the report.
func (s *summary) gathered() {
	hosts := s.r.gatheredByHost()
	if len(hosts) == 0 {
		return
	}
	s.line(nil)
	s.title(fmt.Sprintf("%s (%d)", s.word("gathered"), len(hosts)))
	for i, h := range hosts {
		if i == summaryAside {
			s.line(text(fmt.Sprintf("  … +%d", len(hosts)-i)))
			break
		}
		s.wrapped("▤ ", "36", h.Host+": "+s.text(h.Told()), "")
	}
}

// collected says that something was collected, while the run goes on.
func (s *liveState) collected(d event.Gathered) []line {
	if !s.plain && d.Refused.IsZero() {
		return nil // the summary counts them
	}
	g := Gathered{Source: d.Source, File: d.File, Text: d.Text, Size: d.Size, Cut: d.Cut, Hidden: d.Hidden, Encoding: d.Encoding, RC: d.RC, Refused: d.Refused}
	what := s.in("collected: %s", "수집: %s", d.Host)
	if title := g.Title(); title != "" {
		what += " · " + shorten(safeLine(title), 80)
	}
	if about := g.About().In(s.lang); about != "" {
		what += " · " + about
	}
	return []line{line{{"▤ ", "36"}}.with(what, dim)}
}

// GatheredFile is one collected text as a file.
type GatheredFile struct {
	// Name is the path below the directory of the report, with slashes; it never
	// leads out of it, whatever the host called its files.
	Name string
	Text string
}

// GatheredFiles are the collected texts as files: gathered/HOST/var/log/app.log,
// and gathered/HOST/commands/1 df -h.txt.
func GatheredFiles(r *Report) []GatheredFile {
	var out []GatheredFile
	taken := map[string]bool{}
	for _, h := range r.gatheredByHost() {
		commands := 0
		for _, g := range h.Items {
			if g.Text == "" {
				continue
			}
			name := path.Join("gathered", fileName(h.Host), inside(g.File))
			if g.Command {
				commands++
				name = path.Join("gathered", fileName(h.Host), "commands", fmt.Sprintf("%02d %s.txt", commands, fileName(shorten(g.Source, 40))))
			}
			// After a resume, or where two names become one, the later file stands beside.
			free := name
			for n := 2; taken[free]; n++ {
				free = fmt.Sprintf("%s.%d", name, n)
			}
			taken[free], name = true, free
			out = append(out, GatheredFile{name, safeText(g.Text)})
		}
	}
	return out
}

// inside is a path of a host as one below a directory.
func inside(file string) string {
	var parts []string
	for _, part := range strings.Split(file, "/") {
		if part != "" && part != "." && part != ".." {
			parts = append(parts, fileName(part))
		}
	}
	return path.Join(parts...)
}

// fileName is a name that any file system takes and no shell is misled by.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|$&;'`+"`", r) {
			return '_'
		}
		return r
	}, safeLine(s))
	s = strings.Trim(head(strings.ReplaceAll(s, "..", "_"), 120), " .")
	return cmp.Or(s, "_")
}
