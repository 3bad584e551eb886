// Package diag says what is wrong with something that a person wrote, and
// where.
//
//   - Pos: a place in a file.
//   - Problem: where, what, why, and what to do next, in both languages.
//   - Problems: all that was found in one reading; it is an error.
package diag

import (
	"fmt"
	"sort"
	"strings"

	"sunup/internal/say"
)

// Pos is a place in a file. Lines and columns count from 1, columns in
// characters; 0 means not known.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
}

// IsZero reports whether the place is not known at all.
func (p Pos) IsZero() bool { return p == Pos{} }

// String is file:line:column, as far as it is known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Severity tells an error, which stops, from a warning, which does not.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing that a person should mend.
type Problem struct {
	Severity Severity `json:"severity"`
	// ID is a short stable name, such as "unknown-keyword".
	ID  string `json:"id"`
	Pos Pos    `json:"pos"`
	// Lacking is the kind of thing that is not supported or not known, such as
	// "module" or "filter", and Subject its name; both empty for other problems.
	Lacking string   `json:"lacking,omitempty"`
	Subject string   `json:"subject,omitempty"`
	Source  string   `json:"source,omitempty"` // the text of the line
	What    say.Text `json:"what"`             // one short sentence without full stop
	Why     say.Text `json:"why,omitzero"`     // the cause, when it is not obvious
	Fix     say.Text `json:"fix,omitzero"`     // what to do next
	// Said is ansible-core's own sentence for it, when ours is another one: what
	// is built around its commands looks for it.
	Said string `json:"-"`
}

// Format renders the problem for a person:
//
//	site.yml:12:5: error: unknown keyword 'hots'
//	  12 | - hots: web
//	     |   ^
//	  why ...
//	  fix ...
func (p Problem) Format(lang say.Lang) string {
	var b strings.Builder
	if !p.Pos.IsZero() {
		fmt.Fprintf(&b, "%s: ", p.Pos)
	}
	fmt.Fprintf(&b, "%s: %s\n", severityWords[p.Severity].In(lang), p.What.In(lang))
	p.writeDetails(&b, lang)
	return b.String()
}

// AsAnsible renders the problem below ansible-core's mark:
//
//	ERROR! A malformed block was encountered while loading tasks
//
//	site.yml:12:5: error: tasks must be a list ...
//
// Nothing is said twice when we say it in the same words.
func (p Problem) AsAnsible(lang say.Lang) string {
	if p.Said != "" && p.Said != p.What.String() {
		return "ERROR! " + p.Said + "\n\n" + p.Format(lang)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ERROR! %s\n\n", p.What.In(lang))
	if !p.Pos.IsZero() {
		fmt.Fprintf(&b, "%s:\n", p.Pos)
	}
	p.writeDetails(&b, lang)
	return b.String()
}

// writeDetails writes all but where and what.
func (p Problem) writeDetails(b *strings.Builder, lang say.Lang) {
	if p.Source != "" && p.Pos.Line > 0 {
		writeSource(b, p.Pos, p.Source)
	}
	if !p.Why.IsZero() {
		fmt.Fprintf(b, "  %s\n", p.Why.In(lang))
	}
	if !p.Fix.IsZero() {
		fmt.Fprintf(b, "  → %s\n", p.Fix.In(lang))
	}
}

var severityWords = map[Severity]say.Text{
	Error:   say.T("error", "오류"),
	Warning: say.T("warning", "경고"),
}

// maxSourceWidth keeps a minified line from filling the screen.
const maxSourceWidth = 160

func writeSource(b *strings.Builder, pos Pos, line string) {
	runes := []rune(strings.TrimRight(line, "\r\n"))
	col := pos.Col
	if len(runes) > maxSourceWidth {
		from := max(0, min(col-maxSourceWidth/2, len(runes)-maxSourceWidth))
		runes = runes[from : from+maxSourceWidth]
		col -= from
	}
	number := fmt.Sprintf("%4d", pos.Line)
	fmt.Fprintf(b, "%s | %s\n", number, strings.Map(harmless, string(runes)))
	if col > 0 && col <= len(runes)+1 {
		fmt.Fprintf(b, "%s | %s^\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", width(runes[:col-1])))
	}
}

// harmless keeps what a file holds from steering the terminal that shows it.
func harmless(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return '·'
	}
	return r
}

// width counts terminal cells: Hangul and other wide characters take two.
func width(runes []rune) int {
	n := 0
	for _, r := range runes {
		n++
		if r >= 0x1100 && (r <= 0x115f || (r >= 0x2e80 && r <= 0xa4cf) || (r >= 0xac00 && r <= 0xd7a3) || (r >= 0xf900 && r <= 0xfaff) || (r >= 0xff00 && r <= 0xff60)) {
			n++
		}
	}
	return n
}

// Problems is everything found in one reading.
type Problems []Problem

// Error gives all of them in English.
func (ps Problems) Error() string { return strings.TrimRight(ps.Format(say.English), "\n") }

// Format renders all, one after the other.
func (ps Problems) Format(lang say.Lang) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.Format(lang))
	}
	return b.String()
}

// HasErrors reports whether any of them is an error.
func (ps Problems) HasErrors() bool {
	for _, p := range ps {
		if p.Severity == Error {
			return true
		}
	}
	return false
}

// Err returns ps as an error when it holds errors, else nil.
func (ps Problems) Err() error {
	if ps.HasErrors() {
		return ps
	}
	return nil
}

// Sort orders by file, line and column, keeping the order of equals.
func (ps Problems) Sort() {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i].Pos, ps[j].Pos
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
}

// Nearest returns the candidate that a person most probably meant by word, or
// "" when none is near: at most a third of the letters differ.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", len([]rune(word))/3+1
	for _, c := range candidates {
		if d := distance(word, c, bestDistance); d < bestDistance || (d == bestDistance && best == "") {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance (insert, delete, replace,
// swap neighbours), or limit+1 when it is more than limit.
func distance(a, b string, limit int) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if abs(len(x)-len(y)) > limit || len(x) > 200 || len(y) > 200 {
		return limit + 1
	}
	before, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(y)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
