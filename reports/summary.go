package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"sunup/internal/event"
	"sunup/internal/say"
)

// SummaryOptions are the settings of WriteSummary.
type SummaryOptions struct {
	Lang  say.Lang
	Width int // of the terminal; 80 when 0
	Color bool
	// Files are the reports that were written, to be named at the end.
	Files []string
	// NoRecap leaves out Ansible's recap, for instance when the Ansible writer
	// has printed it.
	NoRecap bool
}

// What a summary tells at most: a screen, not a book.
const (
	summaryCauses = 8
	summarySlow   = 5
	summaryAside  = 20
	summaryRecap  = 60
)

// WriteSummary writes the last words of a run: how it went, what needs a
// person, where the time went, and where the report is.
func WriteSummary(w io.Writer, r *Report, o SummaryOptions) error {
	if o.Lang == "" {
		o.Lang = say.English
	}
	if o.Width <= 0 {
		o.Width = 80
	}
	s := &summary{SummaryOptions: o, r: r}
	s.recap()
	s.headline()
	s.quarantine()
	s.causes()
	s.gathered()
	s.unusual()
	s.slow()
	s.files()
	if _, err := io.WriteString(w, s.out.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

type summary struct {
	SummaryOptions
	r   *Report
	out strings.Builder
}

func (s *summary) line(l line) {
	s.out.WriteString(l.render(s.Color, 0))
	s.out.WriteByte('\n')
}

func (s *summary) text(t say.Text) string { return t.In(s.Lang) }
func (s *summary) word(name string) string {
	return words[name].In(s.Lang)
}

// title is a heading with a rule to the end of the line.
func (s *summary) title(text string) {
	rule := max(3, min(s.Width, 100)-lipgloss.Width(text)-4)
	s.line(line{{"── ", dim}}.with(text, bold).with(" "+strings.Repeat("─", rule), dim))
}

func (s *summary) headline() {
	looks := map[string]string{"good": "1;32", "warn": "1;33", "bad": "1;31"}
	class, symbol := verdict(s.r)
	s.line(nil)
	s.wrapped(symbol+" ", looks[class], s.text(s.r.Sentence), looks[class])
	if !s.r.Reason.IsZero() {
		s.wrapped("  ", "", s.text(s.r.Reason), "")
	}
	for _, m := range s.r.Milestones {
		name := m.Name
		if m.Opening {
			name = s.word("opening")
		}
		mark, look, state := "✓", "32", s.word("met")
		switch m.State {
		case Late:
			mark, look, state = "!", "1;31", s.word("missed")
		case NotReached:
			mark, look, state = "✗", "1;31", s.word("not_reached")
		}
		switch {
		case m.State == NotReached: // what is left of the time helps nobody
		case m.MarginMS < 0:
			state += ", " + s.text(duration(-m.MarginMS)) + " " + s.word("over")
		default:
			state += ", " + s.text(duration(m.MarginMS)) + " " + s.word("margin")
		}
		s.line(line{{"  " + mark + " ", look}}.with(m.At.In(zoneOf(s.r)).Format("15:04")+" "+name, "").with("  "+state, dim))
	}
}

// wrapped writes text in lines of the width, indented behind a first word.
func (s *summary) wrapped(first, firstLook, text, look string) {
	indent := lipgloss.Width(first)
	for i, part := range wrapCells(safeLine(text), max(20, s.Width-indent-1)) {
		if i == 0 {
			s.line(line{{first, firstLook}}.with(part, look))
			continue
		}
		s.line(line{{strings.Repeat(" ", indent), ""}}.with(part, look))
	}
}

// wrapCells breaks text at spaces into lines of a width in cells.
func wrapCells(text string, width int) []string {
	var out []string
	current := ""
	for _, w := range strings.Fields(text) {
		if current != "" && lipgloss.Width(current)+1+lipgloss.Width(w) > width {
			out = append(out, current)
			current = ""
		}
		if current != "" {
			current += " "
		}
		current += w
	}
	return append(out, current)
}

func (s *summary) quarantine() {
	if len(s.r.Quarantine) == 0 {
		return
	}
	s.line(nil)
	s.title(fmt.Sprintf("%s (%d)", s.word("orders"), len(s.r.Quarantine)))
	for i, q := range s.r.Quarantine {
		if i == summaryAside {
			s.line(text(fmt.Sprintf("  … +%d", len(s.r.Quarantine)-i)))
			break
		}
		place := q.Host
		for _, more := range []string{q.Zone, q.Owner} {
			if more != "" {
				place += " · " + more
			}
		}
		s.line(line{{"◧ ", outcomeLooks[event.Quarantined]}}.with(place, bold))
		s.wrapped("    ", "", s.text(q.Reason), "")
		if !q.Fix.IsZero() {
			s.wrapped("  → ", "32", s.text(q.Fix), "")
		}
		s.seenBefore(s.r.earlier([]string{q.Host}, func(int) bool { return true }))
	}
}

func (s *summary) causes() {
	// The causes of quarantined hosts are told with their work orders.
	aside := map[string]bool{}
	for _, q := range s.r.Quarantine {
		aside[q.Host] = true
	}
	causes := slices.DeleteFunc(slices.Clone(s.r.Causes), func(c *Cause) bool {
		return !slices.ContainsFunc(c.Hosts, func(h string) bool { return !aside[h] })
	})
	if len(causes) == 0 {
		return
	}
	s.line(nil)
	s.title(fmt.Sprintf("%s (%d)", s.word("causes"), len(causes)))
	for i, c := range causes {
		if i == summaryCauses {
			s.line(text(fmt.Sprintf("  … +%d", len(causes)-i)))
			break
		}
		look := outcomeLooks[c.Outcome]
		s.wrapped(outcomeSymbols[c.Outcome]+" ", look, outcomeWords[c.Outcome].In(s.Lang)+": "+shorten(safeLine(c.Message), 300), look)
		s.wrapped("    ", "", fmt.Sprintf("%s · %s", someHosts(c.Hosts, 6, s.Lang), s.taskName(c.Tasks)), "")
		if !c.Why.IsZero() {
			s.wrapped("    ", "", s.text(c.Why), "")
		}
		if !c.Fix.IsZero() {
			s.wrapped("  → ", "32", s.text(c.Fix), "")
		}
		s.seenBefore(s.r.earlier(c.Hosts, func(task int) bool { return slices.Contains(c.Tasks, task) }))
	}
}

// seenBefore tells the known cases of a failure.
func (s *summary) seenBefore(known []EarlierFailure) {
	for _, e := range known {
		s.wrapped("  ↻ ", "36", s.text(e.inWords(s.r)), "")
	}
}

func (s *summary) taskName(tasks []int) string {
	var out []string
	for i, n := range tasks {
		if i == 3 {
			out = append(out, "…")
			break
		}
		out = append(out, safeLine(s.r.Tasks[n].Name))
	}
	return strings.Join(out, ", ")
}

// someHosts names the first hosts and counts the others.
func someHosts(hosts []string, n int, lang say.Lang) string {
	if len(hosts) <= n {
		return strings.Join(hosts, ", ")
	}
	return say.T("%s and %d more", "%s 외 %d대", strings.Join(hosts[:n], ", "), len(hosts)-n).In(lang)
}

func (s *summary) slow() {
	if len(s.r.Slow) == 0 {
		return
	}
	s.line(nil)
	s.title(s.word("slow"))
	for _, step := range s.r.Slow[:min(len(s.r.Slow), summarySlow)] {
		t := s.r.Tasks[step.Task]
		pct := int64(0)
		if s.r.TookMS > 0 {
			pct = step.TookMS * 100 / s.r.TookMS
		}
		s.line(text(fmt.Sprintf("  %6s %3d%%  ", clock(time.Duration(step.TookMS)*time.Millisecond), pct)).with(safeLine(t.Name), "").with("  ← "+step.Host, dim))
	}
	f := s.r.Figures
	if all := f.WorkingMS + f.WaitingMS; all > 0 {
		s.line(text("  ").with(fmt.Sprintf("%d%% %s", f.WorkingMS*100/all, s.word("working")), dim))
	}
}

// recap is Ansible's, for eyes and scripts that know it.
func (s *summary) recap() {
	if s.NoRecap {
		return
	}
	a := NewAnsible(&s.out, AnsibleOptions{Color: s.Color, Columns: s.Width - 1})
	rows := s.r.Recap
	if len(rows) > summaryRecap {
		rows = nil
		for _, r := range s.r.Recap {
			if r.Failed+r.Unreachable > 0 || r.Quarantined {
				rows = append(rows, r)
			}
		}
	}
	a.banner("PLAY RECAP")
	for _, r := range rows {
		r.Host = safeLine(r.Host)
		name := r.Host
		// Ansible counts letters; here the columns stand under each other for
		// wide letters too.
		if wide := lipgloss.Width(name) - len([]rune(name)); wide > 0 {
			s.out.WriteString(strings.Replace(a.recapLine(r), strings.Repeat(" ", min(wide, 26)), "", 1) + "\n")
			continue
		}
		a.line(a.recapLine(r), "")
	}
	if left := len(s.r.Recap) - len(rows); left > 0 {
		s.line(text("").with(say.T("and %d hosts without a failure", "그 밖에 실패 없는 호스트 %d대", left).In(s.Lang), dim))
	}
}

func (s *summary) files() {
	if len(s.Files) == 0 {
		return
	}
	s.line(nil)
	for _, f := range s.Files {
		s.line(line{{"→ ", "32"}}.with(f, bold))
	}
}
