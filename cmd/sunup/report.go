package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/reports"
)

// reportCommand makes the reports of a run again.
func (a *app) reportCommand() *cobra.Command {
	var dir, period string
	var formats []string
	c := &cobra.Command{
		Use:   "report [flags] RUN|FILE",
		Short: a.text("Make the reports of a run again, in any format", "실행의 보고서를 원하는 형식으로 다시 만듭니다"),
		Long: a.text("Make the reports of a run again. RUN is the ID of a recorded run, the beginning of one, 'last' or 'last~2' (see 'sunup runs'); FILE is the events of a run (.jsonl), its report.json, or a directory with one of them.\n\nWith -o - a format of one file is written to standard output.",
			"실행의 보고서를 다시 만듭니다. RUN은 기록된 실행의 ID나 그 앞부분, 'last' 또는 'last~2'이고('sunup runs' 참고), FILE은 이벤트 기록(.jsonl), report.json, 또는 그것이 든 디렉터리입니다.\n\n-o - 를 주면 파일이 하나인 형식을 표준 출력에 씁니다."),
		Example: "  sunup report last -f xlsx,pdf -o out\n" +
			"  sunup report 20261121-094200-1a2b -f all -o out\n" +
			"  sunup report events.jsonl -f md -o -\n" +
			"  sunup report --period 2026-10 -f html,xlsx -o out",
		Args: func(c *cobra.Command, args []string) error {
			if period != "" {
				return cobra.NoArgs(c, args)
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if period != "" {
				return a.reportPeriod(c.Context(), period, dir, formats, c.Flags().Changed("format"))
			}
			return a.makeReports(c.Context(), args[0], dir, formats)
		},
	}
	c.Flags().StringVar(&period, "period", "", a.text("report all runs of a month 2026-10, a week 2026-W47 or a day 2026-11-21", "월 2026-10, 주 2026-W47, 일 2026-11-21의 모든 실행을 보고"))
	a.addFormatFlag(c.Flags(), &formats, "format", "f")
	c.Flags().StringVarP(&dir, "output", "o", ".", a.text("directory for the files, or - for standard output", "파일을 둘 디렉터리, 또는 표준 출력을 뜻하는 -"))
	return c
}

func (a *app) addFormatFlag(fs *pflag.FlagSet, formats *[]string, name, short string) {
	fs.StringSliceVarP(formats, name, short, reports.DefaultFormats, a.text("formats of the report: all, or some of ", "보고서 형식: all 또는 ")+strings.Join(reports.Formats(), ", "))
}

// reportWriters finds the writers of formats.
func (a *app) reportWriters(formats []string) ([]reports.Writer, error) {
	writers, unknown := reports.WritersOf(formats)
	if unknown != "" {
		return nil, usageError{fmt.Errorf("%s", say.T("there is no report format %s; choose from %s", "보고서 형식 %s{은/는} 없습니다. 가능한 형식: %s", unknown, strings.Join(reports.Formats(), ", ")).In(a.lang))}
	}
	return writers, nil
}

func (a *app) makeReports(ctx context.Context, what, dir string, formats []string) error {
	writers, err := a.reportWriters(formats)
	if err != nil {
		return err
	}
	write := func(source reports.Source) error { return a.writeAll(dir, source, writers) }
	if _, err := os.Stat(what); errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(what, "/.") {
		return a.withStore(ctx, func(s *store.Store) error { return a.reportRun(ctx, s, what, write) })
	}
	return a.reportFile(what, write)
}

func (a *app) writeAll(dir string, source reports.Source, writers []reports.Writer) error {
	if dir == "-" {
		return a.printReport(source, writers)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make report directory: %w", err)
	}
	files, err := a.writeReports(dir, source, writers)
	if err != nil {
		return err
	}
	return a.writeSummary(source.Report, files)
}

// reportRun reports a run of the store.
func (a *app) reportRun(ctx context.Context, s *store.Store, ref string, write func(reports.Source) error) error {
	run, err := s.Find(ctx, ref)
	if err != nil {
		return err
	}
	return a.reportEvents(s.Events(ctx, run.ID, 0), func(source reports.Source) error {
		if err := a.recall(ctx, s, source.Report); err != nil {
			return err
		}
		return write(source)
	})
}

func (a *app) reportEvents(events iter.Seq2[event.Event, error], write func(reports.Source) error) error {
	b := reports.NewBuilder()
	for e, err := range events {
		if err != nil {
			return err
		}
		b.Emit(e)
	}
	return write(reports.Source{Report: b.Report(), Lang: a.lang, Events: events})
}

// printReport writes a report of one file to standard output.
func (a *app) printReport(source reports.Source, writers []reports.Writer) error {
	if len(writers) != 1 {
		return usageError{fmt.Errorf("%s", a.text("-o - takes one format that has one file, such as -f md", "-o - 에는 파일이 하나인 형식 하나만 쓸 수 있습니다. 예: -f md"))}
	}
	return a.writeWith(writers[0], a.out, source)
}

// reportFile reports the run of a file: its events or its report.json. Events
// that lie beside a report.json belong to it.
func (a *app) reportFile(file string, write func(reports.Source) error) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		if events := filepath.Join(file, "events.jsonl"); isFile(events) {
			file = events
		} else {
			file = filepath.Join(file, "report.json")
		}
	}
	if filepath.Ext(file) != ".json" {
		return a.reportEvents(eventsOf(file), write)
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("open report: %w", err)
	}
	defer f.Close()
	report, err := reports.ReadJSON(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	source := reports.Source{Report: report, Lang: a.lang}
	if beside := filepath.Join(filepath.Dir(file), "events.jsonl"); filepath.Base(file) == "report.json" && isFile(beside) {
		source.Events = eventsOf(beside)
	}
	return write(source)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// eventsOf walks the events of a file; each walk reads it anew.
func eventsOf(file string) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		f, err := os.Open(file)
		if err != nil {
			yield(event.Event{}, fmt.Errorf("open events: %w", err))
			return
		}
		defer f.Close()
		in := event.NewReader(f)
		for {
			e, err := in.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(event.Event{}, fmt.Errorf("read events of %s: %w", file, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// writeReports writes the files of a report and returns their names, those for
// people only.
func (a *app) writeReports(dir string, source reports.Source, writers []reports.Writer) ([]string, error) {
	var files []string
	for _, w := range writers {
		file := filepath.Join(dir, w.File)
		if err := writeWhole(file, func(f *os.File) error { return a.writeWith(w, f, source) }); err != nil {
			return files, err
		}
		if w.Format != "json" || len(writers) == 1 {
			files = append(files, file)
		}
	}
	return files, writeGathered(dir, source.Report)
}

// writeGathered writes what was collected from hosts as files of its own.
func writeGathered(dir string, r *reports.Report) error {
	for _, g := range reports.GatheredFiles(r) {
		file := filepath.Join(dir, filepath.FromSlash(g.Name))
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return fmt.Errorf("write what was collected: %w", err)
		}
		if err := writeWhole(file, func(f *os.File) error {
			_, err := f.WriteString(g.Text)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) writeWith(w reports.Writer, out io.Writer, source reports.Source) error {
	err := w.Write(out, source)
	if errors.Is(err, reports.ErrNoEvents) {
		return fmt.Errorf("%s", say.T("the format %s needs the events of the run; give its events.jsonl in place of the report.json", "%s 형식에는 실행의 이벤트가 필요합니다. report.json 대신 events.jsonl을 지정하십시오", w.Format).In(a.lang))
	}
	return err
}

// writeWhole writes a file whole or not at all.
func writeWhole(path string, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer os.Remove(f.Name())
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("write report %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write report %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
