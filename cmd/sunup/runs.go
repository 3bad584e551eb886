package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/runner"
)

// openStore opens the store that SUNUP_STORE names, or the one in the state
// directory.
func (a *app) openStore(ctx context.Context) (*store.Store, error) {
	s, err := store.Open(ctx, a.stateDir(), a.getenv("SUNUP_STORE"))
	if err != nil {
		return nil, say.Fail(err, say.T("%s\n→ set SUNUP_STATE to a directory that can be written, or run with --no-record",
			"%s\n→ SUNUP_STATE에 쓸 수 있는 디렉터리를 지정하거나 --no-record로 실행하십시오", a.textOf(err)))
	}
	return s, nil
}

// textOf is an error's message in the chosen language, where there is one.
func (a *app) textOf(err error) string {
	var said *say.Error
	if errors.As(err, &said) {
		return said.Text.In(a.lang)
	}
	return err.Error()
}

// withStore does something with the store and closes it.
func (a *app) withStore(ctx context.Context, do func(*store.Store) error) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	return do(s)
}

// runsCommand lists the recorded runs; its subcommands look after them.
func (a *app) runsCommand() *cobra.Command {
	var f store.Filter
	var asJSON bool
	c := &cobra.Command{
		Use:   "runs",
		Short: a.text("List the recorded runs and look after them", "기록된 실행의 목록을 보고 관리합니다"),
		Long: a.text("List the recorded runs, the newest first.\n\nWherever a run is asked for, its ID, the beginning of its ID, 'last' or 'last~2' (the second before the last) can be given.",
			"기록된 실행을 최근 것부터 보여 줍니다.\n\n실행을 지정하는 곳에는 ID, ID의 앞부분, 'last' 또는 'last~2'(마지막에서 두 번째 앞)를 쓸 수 있습니다."),
		Example: "  sunup runs -n 5\n  sunup runs show last",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(s *store.Store) error { return a.listRuns(c.Context(), s, f, asJSON) })
		},
	}
	c.Flags().IntVarP(&f.Limit, "number", "n", 20, a.text("how many at most (0: all)", "최대 개수 (0: 전부)"))
	c.Flags().StringVar(&f.Name, "name", "", a.text("only runs of this startup or playbook", "이 기동 또는 플레이북의 실행만"))
	c.Flags().BoolVar(&asJSON, "json", false, a.text("as JSON", "JSON으로 출력"))
	c.AddCommand(a.runsShowCommand(), a.runsPruneCommand(), a.runsHoldCommand(), a.runsReleaseCommand())
	return c
}

func (a *app) listRuns(ctx context.Context, s *store.Store, f store.Filter, asJSON bool) error {
	runs, err := s.Runs(ctx, f)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(orNone(runs))
	}
	if len(runs) == 0 {
		a.tell(a.out, say.T("No runs are recorded yet.", "아직 기록된 실행이 없습니다."))
		return nil
	}
	t := table{{a.text("RUN", "실행"), a.text("BEGAN", "시작"), a.text("TOOK", "걸린 시간"), a.text("STATE", "상태"), a.text("BY", "실행자"), a.text("WHAT", "내용")}}
	for _, r := range runs {
		t = append(t, []string{r.ID, r.Began.Local().Format("2006-01-02 15:04:05"), clock(r.Took(time.Now()), r), a.stateText(r), r.User, r.Name})
	}
	t.print(a.out)
	return nil
}

func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// clock is a duration as h:mm:ss or m:ss.
func clock(d time.Duration, r store.Run) string {
	if r.State == store.Broken {
		return "-"
	}
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// stateText says how a run is, or ended.
func (a *app) stateText(r store.Run) string {
	text := outcomeText(r)
	switch r.State {
	case store.Running:
		text = say.T("▶ running", "▶ 실행 중")
	case store.Broken:
		text = say.T("⚡ broken off", "⚡ 끊김")
	}
	out := text.In(a.lang)
	if r.Check {
		out += " " + a.text("(check)", "(점검)")
	}
	if r.Hold != "" {
		out += " " + a.text("[held]", "[보존]")
	}
	return out
}

func outcomeText(r store.Run) say.Text {
	switch r.Outcome {
	case event.OK:
		if r.ExitCode == runner.CodeQuarantined {
			return say.T("✓ up, hosts set aside", "✓ 기동, 격리 있음")
		}
		return say.T("✓ ok", "✓ 성공")
	case event.Failed:
		return say.T("✗ failed", "✗ 실패")
	case event.Unreachable:
		return say.T("✗ unreachable hosts", "✗ 연결 불가")
	case event.Cancelled:
		return say.T("■ cancelled", "■ 중단")
	}
	return say.Plain(string(r.Outcome))
}

// runsShowCommand tells all that the store knows of one run.
func (a *app) runsShowCommand() *cobra.Command {
	var asJSON, events bool
	c := &cobra.Command{
		Use:   "show [flags] RUN",
		Short: a.text("Show one run", "실행 하나를 보여 줍니다"),
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(c.Context(), func(s *store.Store) error {
				r, err := s.Find(c.Context(), args[0])
				switch {
				case err != nil:
					return err
				case events:
					return a.printEvents(c.Context(), s, r)
				case asJSON:
					return a.printJSON(r)
				}
				a.showRun(r)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, a.text("as JSON", "JSON으로 출력"))
	c.Flags().BoolVar(&events, "events", false, a.text("its events as JSON lines", "이벤트를 JSON 줄로 출력"))
	return c
}

func (a *app) showRun(r store.Run) {
	t := table{
		{a.text("Run", "실행"), r.ID},
		{a.text("What", "내용"), r.Name},
		{a.text("State", "상태"), a.stateText(r)},
		{a.text("Began", "시작"), r.Began.Local().Format("2006-01-02 15:04:05")},
	}
	if !r.Ended.IsZero() {
		t = append(t, []string{a.text("Ended", "종료"), r.Ended.Local().Format("2006-01-02 15:04:05") + " (" + clock(r.Took(r.Ended), r) + ")"},
			[]string{a.text("Exit code", "종료 코드"), fmt.Sprint(r.ExitCode)})
	}
	t = append(t, []string{a.text("Started by", "실행자"), r.User + "@" + r.Node},
		[]string{a.text("Playbooks", "플레이북"), strings.Join(r.Playbooks, ", ")},
		[]string{a.text("Inventory", "인벤토리"), strings.Join(r.Inventory, ", ")})
	if r.Limit != "" {
		t = append(t, []string{a.text("Limit", "대상 제한"), r.Limit})
	}
	t = append(t, []string{a.text("Version", "버전"), r.Version},
		[]string{a.text("Events", "이벤트"), fmt.Sprint(r.Events)},
		[]string{a.text("Head", "해시"), fmt.Sprintf("%x", r.Head)})
	if r.Hold != "" {
		t = append(t, []string{a.text("Held", "보존 사유"), r.Hold})
	}
	switch r.Pruned {
	case "output":
		t = append(t, []string{a.text("Pruned", "정리됨"), a.text("outputs", "출력")})
	case "events":
		t = append(t, []string{a.text("Pruned", "정리됨"), a.text("events", "이벤트")})
	}
	t.print(a.out)
}

func (a *app) printEvents(ctx context.Context, s *store.Store, r store.Run) error {
	w := event.NewWriter(a.out)
	for e, err := range s.Events(ctx, r.ID, 0) {
		if err != nil {
			return err
		}
		w.Emit(e)
	}
	return w.Close()
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table is rows of cells, printed in columns. Hangul is two columns wide.
type table [][]string

func (t table) print(w io.Writer) {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	for _, row := range t {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
