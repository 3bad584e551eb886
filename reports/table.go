package reports

import (
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sunup/internal/event"
	"sunup/internal/say"
)

// table is a part of a report as rows and columns: what CSV and XLSX hold, and
// the tables of Markdown and PDF.
type table struct {
	// Name is for file names, in English and without spaces.
	Name    string
	Title   say.Text
	Columns []column
	// Rows may be walked several times. A row is only valid until the next one.
	Rows iter.Seq[[]any]
}

// column is one column: its heading and about how many characters are in it.
type column struct {
	Title say.Text
	Width int
}

// The cells of a row are string, say.Text, int, int64, *int, event.Outcome,
// seconds, time.Time (zero is empty) or nil.

// seconds is a length of time in milliseconds that is shown in seconds, so that
// programs can add it up.
type seconds int64

// rowsOver makes rows of a list.
func rowsOver[T any](list []T, row func(T) []any) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for _, it := range list {
			if !yield(row(it)) {
				return
			}
		}
	}
}

// maxCell is how many UTF-16 units a cell of a spreadsheet holds.
const maxCell = 32767

// cutMark ends what was cut.
const cutMark = " […]"

// cellText is text that is safe in a cell of a spreadsheet: control characters
// are seen, it is not too long, and it cannot be taken for a formula.
func cellText(s string) string { return cutCell(inert(safeText(s))) }

// inert puts an apostrophe before text that a spreadsheet would read as a
// formula: output of a host must not run in the office. The full-width signs
// are formulas to Korean and Japanese versions.
func inert(s string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unicode.IsSpace))
	if strings.ContainsRune("=+-@＝＋－＠", first) && first != utf8.RuneError || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") || strings.HasPrefix(s, "\n") {
		return "'" + s
	}
	return s
}

// cutCell keeps what fits into a cell.
func cutCell(s string) string {
	if len(s) <= maxCell {
		return s
	}
	limit, units := maxCell-len(cutMark), 0
	cut := 0
	for i, r := range s {
		if units <= limit {
			cut = i
		}
		if units++; r > 0xffff {
			units++
		}
		if units > maxCell {
			return s[:cut] + cutMark
		}
	}
	return s
}

// plainCell is a cell as text in one language: what CSV, Markdown and PDF show.
func plainCell(v any, lang say.Lang, zone *time.Location) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case say.Text:
		return v.In(lang)
	case event.Outcome:
		return outcomeWords[v].In(lang)
	case int:
		return itoa(int64(v))
	case int64:
		return itoa(v)
	case *int:
		if v == nil {
			return ""
		}
		return itoa(int64(*v))
	case seconds:
		return v.String()
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.In(zone).Format("2006-01-02 15:04:05")
	}
	panic("reports: a cell of an unknown kind")
}

// isWords reports whether a cell holds words that came from elsewhere, and not
// a number, a time or an outcome.
func isWords(v any) bool {
	switch v.(type) {
	case string, say.Text:
		return true
	}
	return false
}
