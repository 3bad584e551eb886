package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sunup/internal/history"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/reports"
)

// reportPeriod makes the report of a day, a week or a month. Without a
// directory it is told on the terminal.
func (a *app) reportPeriod(ctx context.Context, text, dir string, formats []string, chosen bool) error {
	period, err := history.ParsePeriod(text, time.Local)
	if err != nil {
		return usageError{err}
	}
	if !chosen {
		formats = []string{"text"}
	}
	writers, unknown := reports.PeriodWritersOf(formats)
	if unknown != "" {
		return usageError{say.Fail(nil, say.T("a period has no report format %s; choose from %s", "기간 보고서에는 %s 형식이 없습니다. 가능한 형식: %s", unknown, periodFormats()))}
	}
	return a.withStore(ctx, func(s *store.Store) error {
		p, err := history.Summarise(ctx, s, period, a.baseline())
		if err != nil {
			return err
		}
		if !chosen || dir == "-" {
			if len(writers) != 1 {
				return usageError{fmt.Errorf("%s", a.text("-o - takes one format that has one file, such as -f md", "-o - 에는 파일이 하나인 형식 하나만 쓸 수 있습니다. 예: -f md"))}
			}
			return writers[0].Write(a.out, p, a.lang)
		}
		return a.writePeriod(dir, p, writers)
	})
}

func periodFormats() string {
	var out []string
	for _, w := range reports.PeriodWriters {
		if !slices.Contains(out, w.Format) {
			out = append(out, w.Format)
		}
	}
	return strings.Join(out, ", ")
}

func (a *app) writePeriod(dir string, p *reports.Period, writers []reports.PeriodWriter) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make report directory: %w", err)
	}
	for _, w := range writers {
		file := filepath.Join(dir, w.File)
		if err := writeWhole(file, func(f *os.File) error { return w.Write(f, p, a.lang) }); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "→ %s\n", file)
	}
	return nil
}
