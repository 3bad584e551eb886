package modules

import (
	"math/big"
	"strconv"
	"strings"

	"sunup/internal/value"
)

// sqlTyped makes of what psql printed for a cell what psycopg2 gives for a
// column of that type, and postgresql_query for it: numbers, truth, lists,
// times as ISO 8601. Other types are text.
func sqlTyped(text, kind string) any {
	if element, isArray := strings.CutSuffix(kind, "[]"); isArray {
		return sqlArray(text, element)
	}
	kind, _, _ = strings.Cut(kind, "(")
	switch kind {
	case "smallint", "integer", "bigint", "oid":
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return value.Int(n)
		}
	case "numeric", "real", "double precision":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	case "boolean":
		return text == "t"
	case "json", "jsonb":
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			return v
		}
	case "timestamp", "timestamp without time zone":
		return strings.Replace(text, " ", "T", 1)
	case "timestamp with time zone":
		return zoned(strings.Replace(text, " ", "T", 1))
	case "time with time zone":
		return zoned(text)
	}
	return text
}

// zoned writes the hours of a time zone, "+09", with their minutes.
func zoned(text string) string {
	if n := len(text); n > 3 && (text[n-3] == '+' || text[n-3] == '-') {
		return text + ":00"
	}
	return text
}

// sqlArray reads an array as PostgreSQL writes it: {1,NULL,"a b",{2}}. A text
// that is none stays what it is.
func sqlArray(text, element string) any {
	r := sqlArrayReader{text: text, element: element}
	list, ok := r.list()
	if !ok || r.at != len(text) {
		return text
	}
	return list
}

type sqlArrayReader struct {
	text, element string
	at, depth     int
}

// deepestArray bounds nesting; PostgreSQL allows six dimensions.
const deepestArray = 6

func (r *sqlArrayReader) list() (*value.List, bool) {
	if r.depth++; r.depth > deepestArray || !r.take('{') {
		return nil, false
	}
	defer func() { r.depth-- }()
	out := &value.List{}
	if r.take('}') {
		return out, true
	}
	for {
		item, ok := r.item()
		if !ok {
			return nil, false
		}
		out.Append(item)
		if r.take('}') {
			return out, true
		}
		if !r.take(',') {
			return nil, false
		}
	}
}

func (r *sqlArrayReader) take(c byte) bool {
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (r *sqlArrayReader) item() (any, bool) {
	switch {
	case r.at >= len(r.text):
		return nil, false
	case r.text[r.at] == '{':
		return r.list()
	case r.take('"'):
		return r.quoted()
	}
	end := strings.IndexAny(r.text[r.at:], ",}")
	if end <= 0 {
		return nil, false
	}
	word := r.text[r.at : r.at+end]
	r.at += end
	if word == "NULL" {
		return nil, true
	}
	return sqlTyped(word, r.element), true
}

func (r *sqlArrayReader) quoted() (any, bool) {
	var b strings.Builder
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			return sqlTyped(b.String(), r.element), true
		case c == '\\' && r.at < len(r.text):
			b.WriteByte(r.text[r.at])
			r.at++
		default:
			b.WriteByte(c)
		}
	}
	return nil, false
}
