package history

import (
	"encoding/json"
	"io"
	"slices"

	"sunup/internal/say"
)

// Writer makes one file of a comparison.
type Writer struct {
	Format, File string
	Write        func(io.Writer, Comparison, say.Lang) error
}

// Writers are all formats of a comparison.
var Writers = []Writer{
	{"html", "compare.html", WritePage},
	{"json", "compare.json", writeJSON},
	{"svg", "trend.svg", WriteTrend},
}

func writeJSON(w io.Writer, c Comparison, _ say.Lang) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(c)
}

// WritersOf are the writers of some formats; "all" is every one.
func WritersOf(formats []string) (writers []Writer, unknown string) {
	for _, f := range formats {
		if f != "all" && !slices.ContainsFunc(Writers, func(w Writer) bool { return w.Format == f }) {
			return nil, f
		}
	}
	for _, w := range Writers {
		if slices.Contains(formats, w.Format) || slices.Contains(formats, "all") {
			writers = append(writers, w)
		}
	}
	return writers, ""
}
