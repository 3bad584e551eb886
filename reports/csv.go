package reports

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
)

// byteOrderMark tells Excel that the file is UTF-8; without it Korean is
// garbled there.
const byteOrderMark = "\ufeff"

// csvOf writes one table of a report as CSV (RFC 4180, UTF-8).
func csvOf(tableOf func(*Report) table) func(io.Writer, Source) error {
	return func(w io.Writer, s Source) error {
		if err := writeCSV(w, tableOf(s.Report), s); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
		return nil
	}
}

func writeCSV(w io.Writer, t table, s Source) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if _, err := out.WriteString(byteOrderMark); err != nil {
		return err
	}
	c := csv.NewWriter(out)
	c.UseCRLF = true
	record := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		record[i] = col.Title.In(s.Lang)
	}
	if err := c.Write(record); err != nil {
		return err
	}
	zone := zoneOf(s.Report)
	for row := range t.Rows {
		for i, v := range row {
			record[i] = plainCell(v, s.Lang, zone)
			if isWords(v) {
				record[i] = cellText(record[i])
			}
		}
		if err := c.Write(record); err != nil {
			return err
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return err
	}
	return out.Flush()
}
