package reports

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"iter"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// What Markdown tells at most: it is for a wiki or a ticket. Other formats have
// the rest.
const (
	pageOfFailures = 50
	pageOfOutput   = 4 << 10 // bytes of one output
	pageOfRows     = 500     // of one table
)

// WriteMarkdown writes the report as Markdown with GitHub's tables.
func WriteMarkdown(w io.Writer, s Source) error {
	out := bufio.NewWriterSize(w, 64<<10)
	m := &markdown{Source: s, out: out, zone: zoneOf(s.Report)}
	m.document()
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write Markdown: %w", err)
	}
	return nil
}

// markdown writes parts; errors are kept by the buffer until its Flush.
type markdown struct {
	Source
	out  *bufio.Writer
	zone *time.Location
}

func (m *markdown) line(format string, args ...any) {
	fmt.Fprintf(m.out, format+"\n", args...)
}

func (m *markdown) word(name string) string { return words[name].In(m.Lang) }

// title begins a part.
func (m *markdown) title(word string, count int) {
	if count > 0 {
		m.line("\n## %s (%s)\n", m.word(word), number(count))
		return
	}
	m.line("\n## %s\n", m.word(word))
}

// mdText makes text of hosts words and nothing else.
func mdText(s string) string { return mdEscapes.Replace(safeLine(s)) }

var mdEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `<`, `&lt;`, `>`, `&gt;`, `[`, `\[`, `]`, `\]`, `|`, `\|`, `&`, `&amp;`, `~`, `\~`, `#`, `\#`, `!`, `\!`, `$`, `\$`, `@`, `&#64;`)

// fenced is output between fences longer than any in it.
func fenced(kind, text string) string {
	text = strings.TrimRight(safeText(text), "\n")
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + kind + "\n" + text + "\n" + fence
}

func (m *markdown) document() {
	r := m.Report
	_, symbol := verdict(r)
	m.line("# %s", mdText(r.Run.Name))
	m.line("\n**%s %s**\n", symbol, mdText(r.Sentence.In(m.Lang)))
	if !r.Reason.IsZero() {
		m.line("%s\n", mdText(r.Reason.In(m.Lang)))
	}
	m.line("%s → %s · %s", day(r.Began, m.zone).In(m.Lang), r.Ended.In(m.zone).Format("15:04:05"), mdText(startedBy(r.Run.User, r.Run.Node)))
	m.milestones()
	m.attempts()
	m.orders()
	m.causes()
	m.failures()
	m.gathered()
	m.title("sheet_plays", len(r.Plays))
	m.plays()
	m.unusual()
	m.slow()
	m.changes()
	m.about()
}

// row writes a row of a table.
func (m *markdown) row(cells ...string) { m.line("| %s |", strings.Join(cells, " | ")) }

// table writes a table with at most pageOfRows rows.
func (m *markdown) table(headings []string, rows iter.Seq[[]string]) {
	m.row(headings...)
	m.row(strings.Split(strings.Repeat("--- ", len(headings)-1)+"---", " ")...)
	n := 0
	for row := range rows {
		if n++; n <= pageOfRows {
			m.row(row...)
		}
	}
	if n > pageOfRows {
		m.line("\n… +%s", number(n-pageOfRows))
	}
}

func (m *markdown) words(names ...string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = m.word(n)
	}
	return out
}

func (m *markdown) milestones() {
	r := m.Report
	if len(r.Milestones) == 0 {
		return
	}
	m.title("milestones", 0)
	m.table(m.words("time", "milestone", "result", "margin"), func(yield func([]string) bool) {
		for _, d := range r.Milestones {
			margin := duration(d.MarginMS).In(m.Lang)
			if d.State == NotReached {
				margin = ""
			}
			if !yield([]string{d.At.In(m.zone).Format("15:04"), mdText(milestoneTitle(d).In(m.Lang)), stateMark(d.State) + " " + stateWord(d.State).In(m.Lang), margin}) {
				return
			}
		}
	})
}

// milestoneTitle is the name of a deadline as a heading.
func milestoneTitle(d Milestone) say.Text {
	if d.Opening {
		return words["opening"]
	}
	return say.Plain(safeLine(d.Name))
}

func stateMark(s MilestoneState) string {
	switch s {
	case Met:
		return "✓"
	case Late:
		return "!"
	}
	return "✗"
}

func stateWord(s MilestoneState) say.Text {
	switch s {
	case Met:
		return words["met"]
	case Late:
		return words["missed"]
	}
	return words["not_reached"]
}

func (m *markdown) attempts() {
	r := m.Report
	if len(r.Attempts) == 0 {
		return
	}
	m.title("attempts_all", len(r.Attempts))
	m.table(m.words("number", "began", "ended", "outcome", "started_by", "why_resumed"), func(yield func([]string) bool) {
		for _, a := range r.Attempts {
			if !yield([]string{
				fmt.Sprint(a.Number), a.Began.In(m.zone).Format("15:04:05"), a.Ended.In(m.zone).Format("15:04:05"), m.outcome(a.Outcome),
				mdText(startedBy(a.User, a.Node)), mdText(a.Reason.In(m.Lang)),
			}) {
				return
			}
		}
	})
}

func (m *markdown) outcome(o event.Outcome) string {
	return outcomeSymbols[o] + " " + outcomeWords[o].In(m.Lang)
}

// orders are the quarantined hosts as a list to tick off.
func (m *markdown) orders() {
	r := m.Report
	if len(r.Quarantine) == 0 {
		return
	}
	m.title("orders", len(r.Quarantine))
	for i, q := range r.Quarantine {
		if i == pageOfRows {
			m.line("- … +%s", number(len(r.Quarantine)-i))
			break
		}
		m.line("- [ ] **%s**%s: %s", mdText(q.Host), mdAside(q.Zone, q.Owner), mdText(q.Reason.In(m.Lang)))
		if !q.Fix.IsZero() {
			m.line("  → %s", mdText(q.Fix.In(m.Lang)))
		}
	}
}

// mdAside is what is known beside a name.
func mdAside(parts ...string) string {
	var out strings.Builder
	for _, p := range parts {
		if p != "" {
			out.WriteString(" · " + mdText(p))
		}
	}
	return out.String()
}

func (m *markdown) causes() {
	r := m.Report
	if len(r.Causes) == 0 {
		return
	}
	m.title("causes", len(r.Causes))
	for i, c := range r.Causes {
		if i == pageOfFailures {
			m.line("1. … +%s", number(len(r.Causes)-i))
			break
		}
		m.line("1. %s · **%s** · %s", m.outcome(c.Outcome), mdText(shorten(c.Message, 160)), hostsText(len(c.Hosts)).In(m.Lang))
		if !c.Why.IsZero() {
			m.line("   - %s: %s", m.word("why"), mdText(c.Why.In(m.Lang)))
		}
		if !c.Fix.IsZero() {
			m.line("   - %s: %s", m.word("fix"), mdText(c.Fix.In(m.Lang)))
		}
		m.line("   - %s", mdText(someNames(c.Hosts, 20)))
	}
}

// someNames are the first names of a list, and how many more there are.
func someNames(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:n], ", ") + " … +" + number(len(names)-n)
}

func (m *markdown) failures() {
	r := m.Report
	if len(r.Failures) == 0 {
		return
	}
	m.title("failures", len(r.Failures))
	for i, f := range urgentFirst(r.Failures) {
		if i == pageOfFailures {
			m.line("+%s %s", number(len(r.Failures)-i), m.word("more_fail"))
			break
		}
		m.failure(f)
	}
}

func (m *markdown) failure(f *Failure) {
	short := *f
	short.cutTo(pageOfOutput)
	t := m.Report.task(f.Task)
	mended := ""
	if f.Mended {
		mended = " · " + m.word("mended")
	}
	// Within the tag it is HTML, not Markdown.
	m.line("<details><summary>%s <b>%s</b> %s%s</summary>\n", m.outcome(f.Outcome), html.EscapeString(safeLine(f.Host)), html.EscapeString(safeLine(t.Name)), mended)
	m.line("%s\n", mdText(shorten(f.Message, 1000)))
	if !f.Why.IsZero() {
		m.line("- %s: %s", m.word("why"), mdText(f.Why.In(m.Lang)))
	}
	if !f.Fix.IsZero() {
		m.line("- %s: %s", m.word("fix"), mdText(f.Fix.In(m.Lang)))
	}
	m.line("- %s: %s%s", m.word("play"), mdText(m.Report.playName(f.Play)), mdAside(f.Zone, t.Module, place(t)))
	if f.RC != nil {
		m.line("- %s: %d", m.word("rc"), *f.RC)
	}
	for _, part := range []struct{ word, kind, text string }{{"command", "sh", short.Command}, {"errors", "", short.Stderr}, {"output", "", short.Stdout}, {"diff", "diff", short.Diff}} {
		if part.text != "" {
			m.line("\n%s:\n\n%s", m.word(part.word), fenced(part.kind, part.text))
		}
	}
	m.line("\n</details>\n")
}

func (m *markdown) plays() {
	r := m.Report
	onPath := criticalNumbers(r)
	m.table(m.words("play", "outcome", "sheet_hosts", "took", "owner", "critical"), func(yield func([]string) bool) {
		for _, p := range r.Plays {
			mark := ""
			if onPath[p.Number] {
				mark = "◆"
			}
			if !yield([]string{mdText(p.Name), m.outcome(p.Outcome), number(p.HostCount), clock(time.Duration(p.TookMS) * time.Millisecond), mdText(p.Owner), mark}) {
				return
			}
		}
	})
}

// unusual are the steps that took a host longer or shorter than its past
// explains.
func (m *markdown) unusual() {
	r := m.Report
	if len(r.Anomalies) == 0 {
		return
	}
	m.title("unusual", len(r.Anomalies))
	m.line("%s\n", m.word("unusual_tip"))
	m.table(m.words("task", "play", "host", "took", "usually", "how_far"), func(yield func([]string) bool) {
		for _, a := range r.unusual() {
			t := r.task(a.Task)
			if !yield([]string{mdText(t.Name), mdText(r.playName(t.Play)), mdText(a.Host), clock(time.Duration(a.TookMS) * time.Millisecond), a.usually().In(m.Lang), a.howFar().In(m.Lang)}) {
				return
			}
		}
	})
}

func (m *markdown) slow() {
	r := m.Report
	if len(r.Slow) == 0 {
		return
	}
	m.title("slow", 0)
	m.table(m.words("task", "play", "took", "waited_for", "usual_run"), func(yield func([]string) bool) {
		for _, s := range r.Slow[:min(len(r.Slow), 10)] {
			if !yield([]string{mdText(r.task(s.Task).Name), mdText(r.playName(s.Play)), clock(time.Duration(s.TookMS) * time.Millisecond), mdText(s.Host), againstHistory(r, s.Task).In(m.Lang)}) {
				return
			}
		}
	})
}

func (m *markdown) changes() {
	r := m.Report
	word := "changes"
	if r.Run.Check {
		word = "changes_dry"
	}
	m.title(word, len(r.Changes))
	if len(r.Changes) == 0 {
		m.line("%s", m.word("no_changes"))
		return
	}
	for i, c := range r.Changes {
		if i == pageOfRows {
			m.line("- … +%s", number(len(r.Changes)-i))
			break
		}
		t := r.task(c.Task)
		m.line("- **%s** · %s · %s: %s", mdText(t.Name), mdText(r.playName(t.Play)), hostsText(c.Count).In(m.Lang), mdText(someNames(c.Hosts, 8)))
	}
}

func (m *markdown) about() {
	m.title("about", 0)
	summary := summaryTable(m.Report)
	m.table(m.words("item", "value"), func(yield func([]string) bool) {
		for row := range summary.Rows {
			if !yield([]string{mdText(plainCell(row[0], m.Lang, m.zone)), mdText(plainCell(row[1], m.Lang, m.zone))}) {
				return
			}
		}
	})
}
