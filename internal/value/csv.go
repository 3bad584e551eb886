package value

import "strings"

// ReadCSV reads rows as Python's csv module does with its default dialect:
// a quote opens a quoted field only at the field's beginning, two quotes inside
// are one, and what follows the closing quote still belongs to the field.
// Empty lines give empty rows. With trim, blanks after a delimiter are dropped.
func ReadCSV(text string, delimiter rune, trim bool) [][]string {
	r := csvReader{delimiter: delimiter, trim: trim}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	for _, c := range text {
		r.take(c)
	}
	if r.state != csvRowStart {
		r.endRow()
	}
	return r.rows
}

type csvState int

const (
	csvRowStart csvState = iota
	csvFieldStart
	csvInField
	csvQuoted
	csvQuoteInQuoted
)

type csvReader struct {
	delimiter rune
	trim      bool
	state     csvState
	field     strings.Builder
	row       []string
	rows      [][]string
}

func (r *csvReader) take(c rune) {
	switch {
	case r.state == csvQuoted && c == '"':
		r.state = csvQuoteInQuoted
	case r.state == csvQuoted:
		r.field.WriteRune(c)
	case c == '\n' && r.state == csvRowStart:
		r.rows = append(r.rows, nil)
	case c == '\n':
		r.endRow()
	case c == r.delimiter:
		r.endField()
		r.state = csvFieldStart
	case r.state == csvQuoteInQuoted && c == '"':
		r.field.WriteRune(c)
		r.state = csvQuoted
	case (r.state == csvRowStart || r.state == csvFieldStart) && c == '"':
		r.state = csvQuoted
	case c == ' ' && r.trim && (r.state == csvRowStart || r.state == csvFieldStart):
	default:
		r.field.WriteRune(c)
		r.state = csvInField
	}
}

func (r *csvReader) endField() {
	r.row = append(r.row, r.field.String())
	r.field.Reset()
}

func (r *csvReader) endRow() {
	r.endField()
	r.rows = append(r.rows, r.row)
	r.row, r.state = nil, csvRowStart
}
