package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sunup/internal/history"
	"sunup/internal/say"
)

// comparisonFormats are the formats of the files of compare.
func comparisonFormats() string {
	var out []string
	for _, w := range history.Writers {
		out = append(out, w.Format)
	}
	return strings.Join(out, ", ")
}

// comparisonWriters are the writers of formats; none when no format is given.
func comparisonWriters(formats []string) ([]history.Writer, error) {
	writers, unknown := history.WritersOf(formats)
	if unknown != "" {
		return nil, usageError{say.Fail(nil, say.T("a comparison has no format %s; choose from %s", "비교에는 %s 형식이 없습니다. 가능한 형식: %s", unknown, comparisonFormats()))}
	}
	return writers, nil
}

// writeComparisonFiles writes a comparison into a directory, or one format of
// it to standard output.
func (a *app) writeComparisonFiles(dir string, c history.Comparison, writers []history.Writer) error {
	if dir == "-" {
		if len(writers) != 1 {
			return usageError{fmt.Errorf("%s", a.text("-o - takes one format that has one file, such as -f html", "-o - 에는 파일이 하나인 형식 하나만 쓸 수 있습니다. 예: -f html"))}
		}
		return writers[0].Write(a.out, c, a.lang)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make report directory: %w", err)
	}
	for _, w := range writers {
		file := filepath.Join(dir, w.File)
		if err := writeWhole(file, func(f *os.File) error { return w.Write(f, c, a.lang) }); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "→ %s\n", file)
	}
	return nil
}
