package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sunup/internal/forecast"
	"sunup/internal/history"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/playbooks"
	"sunup/reports"
)

// pastRuns is how many earlier runs tell what is usual: a month of mornings.
const pastRuns = 20

// startupName is what runs of the same playbooks have in common: the name that
// the store and the reports give them.
func startupName(paths []string, books []*playbooks.Playbook) string {
	for _, b := range books {
		if b.Startup != nil && b.Startup.Name != "" {
			return b.Startup.Name
		}
	}
	return strings.Join(paths, ", ")
}

// estimates is how a run asks the past.
type estimates = func(book, play string) (forecast.Estimate, bool)

func estimatesOf(past history.Past) estimates {
	if len(past.Runs) == 0 {
		return nil
	}
	return func(_, play string) (forecast.Estimate, bool) { return past.Forecast(play) }
}

// recallPast loads the earlier runs and gives the engine their times. Without
// them the run goes on as the first one.
func (r *record) recallPast(ctx context.Context, f *runFlags, name string, now func() time.Time) estimates {
	if r.store == nil {
		return nil
	}
	at := time.Now()
	if now != nil {
		at = now()
	}
	var err error
	if r.past, err = history.Earlier(ctx, r.store, name, f.target.limit, f.check, at, pastRuns); err != nil {
		r.app.tellPastLost(err)
	}
	r.watch = history.NewWatch(ctx, r.store, r.past, r.sink)
	r.sink = r.watch
	return estimatesOf(r.past)
}

func (a *app) tellPastLost(err error) {
	a.tell(a.err, say.T("warning: earlier runs could not be read: %s", "경고: 지난 실행을 읽지 못했습니다: %s", a.textOf(err)))
}

// pastOf asks the past for a plan, where there is one: planning makes no store.
func (a *app) pastOf(ctx context.Context, f *runFlags, name string) estimates {
	if a.getenv("SUNUP_STORE") == "" {
		if _, err := os.Stat(filepath.Join(a.stateDir(), "sunup.db")); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	var past history.Past
	err := a.withStore(ctx, func(s *store.Store) (err error) {
		past, err = history.Earlier(ctx, s, name, f.target.limit, f.check, time.Now(), pastRuns)
		return err
	})
	if err != nil {
		a.tellPastLost(err)
	}
	return estimatesOf(past)
}

// remember keeps what history needs of a run that has ended, and puts into its
// report how it stands against the earlier ones and what is known of its
// failures.
func (r *record) remember(ctx context.Context, report *reports.Report) {
	if r.store == nil {
		return
	}
	r.past.Against(report, r.app.baseline())
	err := errors.Join(history.Keep(ctx, r.store, report), history.Remember(ctx, r.store, report))
	if err != nil {
		r.app.tell(r.app.err, say.T("warning: the history of this run could not be kept: %s", "경고: 이 실행의 이력을 저장하지 못했습니다: %s", r.app.textOf(err)))
	}
}

// recall puts history into the report of a recorded run.
func (a *app) recall(ctx context.Context, s *store.Store, report *reports.Report) error {
	past, err := history.Earlier(ctx, s, report.Run.Name, report.Run.Limit, report.Run.Check, report.Began, pastRuns)
	if err != nil {
		return err
	}
	past.Against(report, a.baseline())
	return history.Remember(ctx, s, report)
}

// keepDigests derives what is still to be derived from the runs: it outlives
// the events that it is made from.
func (a *app) keepDigests(ctx context.Context, s *store.Store) error {
	runs, err := s.Runs(ctx, store.Filter{})
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.Pruned == store.KeptEvents {
			continue
		}
		if _, err := history.Load(ctx, s, r); err != nil {
			return err
		}
	}
	return nil
}

// compareFlags are the flags of compare.
type compareFlags struct {
	last     int
	json     bool
	svg      string
	formats  []string
	dir      string
	baseline history.Baseline
}

// compareCommand holds a run against others.
func (a *app) compareCommand() *cobra.Command {
	f := compareFlags{baseline: a.baseline()}
	c := &cobra.Command{
		Use:   "compare [flags] RUN [RUN]",
		Short: a.text("Compare a run with another one or with the last ones", "실행을 다른 실행 또는 지난 실행들과 비교합니다"),
		Long: a.text("Compare a run with another one, or with the last runs of the same playbooks: what was slowed down, by play, step and group of hosts; which hosts are slow or set aside again and again; how the minutes went, and what was saved against the morning by hand.\n\nThe morning by hand is 50 minutes of 2 people unless --manual or SUNUP_MANUAL says otherwise.",
			"실행을 다른 실행 또는 같은 플레이북의 지난 실행들과 비교합니다: 느려진 단계(플레이·단계·호스트 그룹별), 되풀이해서 느리거나 격리되는 호스트, 소요 시간의 추이, 수작업 대비 절감.\n\n수작업 기준은 50분, 2명이며 --manual 또는 SUNUP_MANUAL로 바꿉니다."),
		Example: "  sunup compare last\n  sunup compare last last~1\n  sunup compare last --last 60 --manual 45m,3 --svg trend.svg\n  sunup compare last --last 20 -f html -o out",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(c.Context(), func(s *store.Store) error { return a.compare(c.Context(), s, f, args) })
		},
	}
	c.Flags().IntVar(&f.last, "last", pastRuns, a.text("compare with so many runs before it", "비교할 이전 실행의 수"))
	c.Flags().BoolVar(&f.json, "json", false, a.text("as JSON", "JSON으로 출력"))
	c.Flags().StringVar(&f.svg, "svg", "", a.text("draw the trend into this file", "추이 그림을 이 파일에 저장"))
	c.Flags().StringSliceVarP(&f.formats, "format", "f", nil, a.text("write files: all, or some of ", "파일로 저장: all 또는 ")+comparisonFormats())
	c.Flags().StringVarP(&f.dir, "output", "o", ".", a.text("directory for the files, or - for standard output", "파일을 둘 디렉터리, 또는 표준 출력을 뜻하는 -"))
	c.Flags().Var((*baselineFlag)(&f.baseline), "manual", a.text("the morning by hand: minutes, people, and how many run it now", "수작업 기준: 시간, 인원, 현재 인원"))
	return c
}

// baseline is the morning by hand as configured.
func (a *app) baseline() history.Baseline {
	b := baselineFlag(history.DefaultBaseline)
	if v := a.getenv("SUNUP_MANUAL"); v != "" {
		if err := b.Set(v); err != nil {
			a.tell(a.err, say.T("warning: SUNUP_MANUAL: %s", "경고: SUNUP_MANUAL: %s", err.Error()))
		}
	}
	return history.Baseline(b)
}

// baselineFlag reads "50m,2,1".
type baselineFlag history.Baseline

// String is the form that Set reads.
func (b *baselineFlag) String() string { return fmt.Sprintf("%gm,%g,%g", b.Minutes, b.People, b.Now) }

// Type names the form in the help.
func (b *baselineFlag) Type() string { return "50m,2,1" }

// Set reads minutes, people before and people now; what is left out stays.
func (b *baselineFlag) Set(text string) error {
	for i, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		n, err := strconv.ParseFloat(strings.TrimSuffix(part, "m"), 64)
		if err != nil || n < 0 || n > 1e6 || i > 2 {
			return fmt.Errorf("write it as 50m,2 or 50m,2,1")
		}
		*[]*float64{&b.Minutes, &b.People, &b.Now}[i] = n
	}
	return nil
}

func (a *app) compare(ctx context.Context, s *store.Store, f compareFlags, refs []string) error {
	writers, err := comparisonWriters(f.formats)
	if err != nil {
		return err
	}
	run, err := s.Find(ctx, refs[0])
	if err != nil {
		return err
	}
	d, err := history.Load(ctx, s, run)
	if err != nil {
		return err
	}
	past, err := a.comparedWith(ctx, s, f, run, refs[1:])
	if err != nil {
		return err
	}
	c := history.Compare(d, past, f.baseline)
	if f.svg != "" {
		if err := writeWhole(f.svg, func(file *os.File) error { return history.WriteTrend(file, c, a.lang) }); err != nil {
			return err
		}
	}
	if len(writers) > 0 {
		return a.writeComparisonFiles(f.dir, c, writers)
	}
	if f.json {
		return a.printJSON(c)
	}
	a.writeComparison(c)
	return nil
}

func (a *app) comparedWith(ctx context.Context, s *store.Store, f compareFlags, run store.Run, refs []string) (history.Past, error) {
	if len(refs) == 0 {
		return history.Earlier(ctx, s, run.Name, run.Limit, run.Check, run.Began, f.last)
	}
	other, err := s.Find(ctx, refs[0])
	if err != nil {
		return history.Past{}, err
	}
	d, err := history.Load(ctx, s, other)
	return history.Past{Runs: []history.Digest{d}}, err
}

// comparedLines is how many lines of each kind the terminal shows.
const comparedLines = 12

func (a *app) writeComparison(c history.Comparison) {
	a.tell(a.out, say.T("%s  %s  (%s)", "%s  %s  (%s)", c.RunID, c.Run.Name, c.Run.Began.Local().Format("2006-01-02 15:04")))
	if len(c.Against) == 0 {
		a.tell(a.out, say.T("There is no earlier run to compare it with.", "비교할 이전 실행이 없습니다."))
		return
	}
	a.tell(a.out, say.T("compared with earlier runs: %d, since %s", "%[2]s 이후의 이전 실행 %[1]d회와 비교", len(c.Against), c.Against[len(c.Against)-1].Began.Local().Format("2006-01-02")))
	a.slowedLines(c)
	a.section(say.T("The whole and its plays", "전체와 플레이"))
	rows := [][]string{a.lineCells(c.Whole)}
	for _, l := range c.Plays {
		rows = append(rows, a.lineCells(l))
	}
	a.lines(rows)
	a.section(say.T("Groups of hosts (work of a host in the middle)", "호스트 그룹 (중간 호스트의 작업 시간)"))
	rows = nil
	for _, l := range c.Groups {
		rows = append(rows, a.lineCells(l))
	}
	a.lines(rows)
	a.standOut(c)
	a.trend(c)
}

func (a *app) section(t say.Text) { a.tell(a.out, say.T("\n── %s", "\n── %s", t)) }

func (a *app) slowedLines(c history.Comparison) {
	if len(c.Slowed) == 0 {
		a.tell(a.out, say.T("✓ No step was slowed down by %d %% or more.", "✓ %d%% 이상 느려진 단계가 없습니다.", history.SlowedPercent))
		return
	}
	a.section(say.T("Slowed down by %d %% or more", "%d%% 이상 느려진 단계", history.SlowedPercent))
	var rows [][]string
	for _, l := range c.Slowed {
		rows = append(rows, append(a.lineCells(l), a.text("waited for ", "기다린 호스트: ")+l.Host))
	}
	a.lines(rows)
}

// lines prints rows, the first of them when they are many.
func (a *app) lines(rows [][]string) {
	shown := rows[:min(len(rows), comparedLines)]
	table(shown).print(a.out)
	if more := len(rows) - len(shown); more > 0 {
		a.tell(a.out, say.T("  … %d more (--json shows all)", "  … 그 밖에 %d개 (--json으로 전부)", more))
	}
}

// lineCells are the cells of one time against its past.
func (a *app) lineCells(l history.Line) []string {
	name := l.Name
	if l.Play != "" {
		name = l.Play + " › " + name
	}
	if l.Runs == 0 {
		return []string{"  " + name, reports.Duration(l.TookMS).In(a.lang), a.text("new", "처음")}
	}
	mark := "  "
	switch {
	case l.Percent >= history.SlowedPercent:
		mark = "▲ "
	case l.Percent <= -history.SlowedPercent:
		mark = "▼ "
	}
	return []string{
		mark + name, reports.Duration(l.TookMS).In(a.lang), fmt.Sprintf("%+d%%", l.Percent),
		say.T("usually %s ± %s", "평소 %s ± %s", reports.Duration(l.UsualMS), reports.Duration(l.SpreadMS)).In(a.lang),
	}
}

func (a *app) standOut(c history.Comparison) {
	if len(c.SlowHosts)+len(c.Aside) == 0 {
		return
	}
	a.section(say.T("Hosts that stand out again and again", "되풀이해서 눈에 띄는 호스트"))
	var rows [][]string
	for _, h := range c.SlowHosts {
		rows = append(rows, []string{"  " + h.Host, h.Zone, say.T("slow in %d of %d runs (%.1f times its like)", "%[2]d회 중 %[1]d회 느림 (같은 역할의 %.1[3]f배)", h.Times, h.Runs, h.Slow).In(a.lang)})
	}
	for _, h := range c.Aside {
		rows = append(rows, []string{"  " + h.Host, h.Zone, say.T("set aside in %d of %d runs", "%[2]d회 중 %[1]d회 격리", h.Times, h.Runs).In(a.lang)})
	}
	a.lines(rows)
}

func (a *app) trend(c history.Comparison) {
	a.section(say.T("Trend, and person-minutes saved against %.0f minutes by %.0f people", "추이와 수작업(%.0f분, %.0f명) 대비 절감 인분(人分)", c.Baseline.Minutes, c.Baseline.People))
	most := c.Baseline.Minutes
	for _, p := range c.Trend {
		most = max(most, p.Minutes)
	}
	t := table{}
	for _, p := range c.Trend[max(0, len(c.Trend)-comparedLines):] {
		bar := strings.Repeat("█", int(p.Minutes/most*30)) + "▏"
		saved := say.T("✗ nothing", "✗ 없음")
		if p.Saved > 0 {
			saved = say.T("saved %.0f", "절감 %.0f", p.Saved)
		}
		t = append(t, []string{"  " + p.Began.Local().Format("01-02 15:04"), say.T("%.1f min", "%.1f분", p.Minutes).In(a.lang), saved.In(a.lang), bar})
	}
	t.print(a.out)
}

// noteCommand writes down what was found out about a failure.
func (a *app) noteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "note RUN[/HOST[/TASK]] TEXT",
		Short: a.text("Write down cause and mending of a failure, for the next time", "실패의 원인과 조치를 다음을 위해 적어 둡니다"),
		Long: a.text("Write down what caused a failure and what mended it. When the same happens again, on any host of the same role, the note is shown with the failure.\n\nWithout HOST the note is about the only failure of the run; TASK is a part of the task's name.",
			"실패의 원인과 조치를 적어 둡니다. 같은 역할의 호스트에서 같은 일이 다시 일어나면 실패와 함께 보입니다.\n\nHOST가 없으면 그 실행의 하나뿐인 실패에 대한 메모입니다. TASK는 작업 이름의 일부입니다."),
		Example: `  sunup note last/kiosk17 "network cable was loose; plugged in again"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(c.Context(), func(s *store.Store) error { return a.note(c.Context(), s, args[0], args[1]) })
		},
	}
}

func (a *app) note(ctx context.Context, s *store.Store, where, text string) error {
	ref, rest, _ := strings.Cut(where, "/")
	host, task, _ := strings.Cut(rest, "/")
	run, err := s.Find(ctx, ref)
	if err != nil {
		return err
	}
	if _, err := history.Load(ctx, s, run); err != nil { // its failures are known then
		return err
	}
	failures, err := s.FailuresOf(ctx, run.ID)
	if err != nil {
		return err
	}
	failure, err := meantFailure(failures, run.ID, host, task)
	if err != nil {
		return err
	}
	_, err = s.AddNote(ctx, store.Note{
		Run: run.ID, Host: failure.Host, Task: failure.Task, Fingerprint: failure.Fingerprint, Author: currentUser(), Text: text,
	})
	if err != nil {
		return err
	}
	a.tell(a.out, say.T("noted for %s · %s: %s", "%s · %s에 적어 두었습니다: %s", failure.Host, failure.Task, text))
	return nil
}

// meantFailure is the failure that a note is about. Several failures of the
// same kind are one.
func meantFailure(failures []store.Failure, run, host, task string) (store.Failure, error) {
	var meant []store.Failure
	kinds := map[string]bool{}
	for _, f := range failures {
		if (host == "" || f.Host == host) && strings.Contains(strings.ToLower(f.Task), strings.ToLower(task)) && !kinds[f.Fingerprint] {
			kinds[f.Fingerprint] = true
			meant = append(meant, f)
		}
	}
	switch len(meant) {
	case 1:
		return meant[0], nil
	case 0:
		return store.Failure{}, say.Fail(nil, say.T("run %s has no such failure\n→ 'sunup report %[1]s -f md -o -' shows what failed", "실행 %s에 그런 실패가 없습니다\n→ 'sunup report %[1]s -f md -o -'로 실패를 보십시오", run))
	}
	var list []string
	for _, f := range meant {
		list = append(list, "  "+run+"/"+f.Host+"/"+f.Task)
	}
	return store.Failure{}, say.Fail(nil, say.T("several failures are meant; write one of\n%s", "여러 실패가 해당합니다. 다음 가운데 하나를 쓰십시오\n%s", strings.Join(list, "\n")))
}
