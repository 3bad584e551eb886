package reports

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
)

// Schema is the JSON Schema of report.json; docs/report.schema.json is the
// published copy.
//
//go:embed report.schema.json
var Schema []byte

// indentedCells is the size up to which report.json is indented for people;
// larger ones are for programs.
const indentedCells = 5000

// WriteJSON writes report.json.
func WriteJSON(w io.Writer, r *Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	cells := 0
	for _, n := range r.Figures.Cells {
		cells += n
	}
	if cells <= indentedCells {
		enc.SetIndent("", " ")
	}
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report.json: %w", err)
	}
	return nil
}
