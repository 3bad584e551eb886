package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sunup/internal/event"
	"sunup/reports"
)

// reportCommand makes reports again from recorded events.
func (a *app) reportCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:     "report [flags] EVENTS.jsonl",
		Short:   a.text("Make the reports of a run again from its events", "기록된 이벤트에서 보고서를 다시 만듭니다"),
		Example: "  sunup report -o out ~/.local/state/sunup/runs/20261121-094200-1a2b/events.jsonl",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.makeReports(args[0], dir) },
	}
	c.Flags().StringVarP(&dir, "output", "o", ".", a.text("directory for report.html and report.json", "report.html과 report.json을 둘 디렉터리"))
	return c
}

func (a *app) makeReports(path, dir string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open events: %w", err)
	}
	defer f.Close()
	events, err := event.ReadAll(f)
	if err != nil {
		return fmt.Errorf("read events of %s: %w", path, err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make report directory: %w", err)
	}
	report := reports.Fold(events)
	files, err := a.writeReports(dir, report)
	if err != nil {
		return err
	}
	return a.writeSummary(report, files)
}
