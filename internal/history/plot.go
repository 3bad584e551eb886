package history

import (
	"io"
	"time"

	"sunup/internal/say"
	"sunup/reports"
)

// WriteTrend draws the trend of a comparison as SVG.
func WriteTrend(w io.Writer, c Comparison, lang say.Lang) error {
	return reports.WriteTrend(w, c.Trend, c.Baseline.manual(), time.Local, lang)
}

// manual is the baseline as reports have it.
func (b Baseline) manual() reports.Manual {
	return reports.Manual{Minutes: b.Minutes, People: b.People, Now: b.Now}
}
