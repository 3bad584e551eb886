package reports

import (
	"strings"

	"charm.land/lipgloss/v2"

	"sunup/internal/event"
)

// line is one line for a terminal: pieces of text, each with its look.
type line []piece

// piece is text with the parameters of its escape sequence; "" is plain.
type piece struct{ text, look string }

// The looks.
const (
	bold = "1"
	dim  = "2"
)

// outcomeLooks are the colours of outcomes; symbols and words stand beside them.
var outcomeLooks = map[event.Outcome]string{
	event.OK: "32", event.Changed: "33", event.Skipped: "36", event.Failed: "1;31", event.Unreachable: "1;35",
	event.Rescued: "32", event.Ignored: "34", event.Quarantined: "1;35", event.Cancelled: "33", event.Unknown: "1;33",
}

// text makes a line of one piece.
func text(s string) line { return line{{text: s}} }

// with adds a piece.
func (l line) with(s, look string) line { return append(l, piece{s, look}) }

// render writes the line, cut to a width in cells when that is not 0. Nothing
// in it can act on the terminal but its looks.
func (l line) render(color bool, width int) string {
	var b strings.Builder
	left := width
	for _, p := range l {
		s := strings.ReplaceAll(safeText(p.text), "\n", " ")
		if width > 0 {
			s = fit(s, left)
			left -= lipgloss.Width(s)
		}
		if s == "" {
			continue
		}
		if color && p.look != "" {
			b.WriteString("\x1b[" + p.look + "m" + s + "\x1b[0m")
		} else {
			b.WriteString(s)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// fit cuts a text to a width in cells, with an ellipsis where it was cut.
func fit(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if lipgloss.Width(s) <= width {
		return s
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		n := lipgloss.Width(string(r))
		if used+n > width-1 {
			break
		}
		b.WriteRune(r)
		used += n
	}
	return b.String() + "…"
}

// pad fills a text to a width in cells, or cuts it.
func pad(s string, width int) string {
	s = fit(s, width)
	return s + strings.Repeat(" ", max(0, width-lipgloss.Width(s)))
}

// gauge draws a bar of some cells.
func gauge(part, whole, cells int) string {
	if whole <= 0 {
		whole = 1
	}
	full := min(cells, part*cells/whole)
	return strings.Repeat("█", full) + strings.Repeat("░", cells-full)
}
