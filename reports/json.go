package reports

import (
	_ "embed"
	"encoding/json"
	"errors"
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

// ErrNotAReport is returned for JSON that is no report of sunup.
var ErrNotAReport = errors.New("this is not a report.json of sunup")

// ReadJSON reads a report.json of this or an earlier version.
func ReadJSON(in io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return nil, fmt.Errorf("read report.json: %w", err)
	}
	if r.Schema < 1 || r.Schema > SchemaVersion {
		return nil, ErrNotAReport
	}
	if err := r.consistent(); err != nil {
		return nil, fmt.Errorf("read report.json: %w", err)
	}
	return &r, nil
}

// consistent reports cells of tasks that are not there: writers count on them.
func (r *Report) consistent() error {
	for i, t := range r.Tasks {
		if t == nil || t.Number != i {
			return fmt.Errorf("%w: task %d is not in its place", ErrNotAReport, i)
		}
	}
	for _, h := range r.Hosts {
		if h == nil {
			return fmt.Errorf("%w: a host is null", ErrNotAReport)
		}
		for _, c := range h.Cells {
			if c.Task < 0 || c.Task >= len(r.Tasks) {
				return fmt.Errorf("%w: %s has a cell of task %d, which is not there", ErrNotAReport, h.Name, c.Task)
			}
		}
	}
	return nil
}
