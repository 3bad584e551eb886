package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sunup/internal/say"
	"sunup/internal/store"
)

// keepDefault is how long each kind is kept when nobody says otherwise: half a
// year for what hosts printed, which may be confidential and is most of the
// bytes; three years for the rest; what was derived (times, outcomes) for ever.
const keepDefault = "output=180d,events=3y,reports=3y,runs=never"

// runsPruneCommand deletes what is older than it is kept for.
func (a *app) runsPruneCommand() *cobra.Command {
	var keep string
	var dry, asJSON bool
	c := &cobra.Command{
		Use:   "prune",
		Short: a.text("Delete what is older than it is kept for", "보존 기간이 지난 것을 지웁니다"),
		Long: a.text("Delete what is older than it is kept for, kind by kind: output (what commands printed, differences), events, reports (the files), runs (all of a run).\n\nRuns on hold ('sunup runs hold') are left alone. Every deletion is recorded, so that 'sunup audit verify' can tell it from tampering. Nothing is ever deleted unless this command is run.",
			"보존 기간이 지난 것을 종류별로 지웁니다: output(명령의 출력, 변경 내용), events(이벤트), reports(보고서 파일), runs(실행 전체).\n\n보존 지정된 실행('sunup runs hold')은 지우지 않습니다. 모든 삭제는 기록되어 'sunup audit verify'가 변조와 구별합니다. 이 명령을 실행하지 않으면 아무것도 지워지지 않습니다."),
		Example: "  sunup runs prune --dry-run\n  sunup runs prune --keep output=30d,events=1y,reports=5y,runs=never",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			k, err := parseKeep(keep)
			if err != nil {
				return usageError{err}
			}
			return a.withStore(c.Context(), func(s *store.Store) error { return a.prune(c.Context(), s, k, dry, asJSON) })
		},
	}
	fallback := keepDefault
	if v := a.getenv("SUNUP_KEEP"); v != "" {
		fallback = v
	}
	c.Flags().StringVar(&keep, "keep", fallback, a.text("how long each kind is kept: h, d, w, y or never (also SUNUP_KEEP)", "종류별 보존 기간: h, d, w, y, never (SUNUP_KEEP으로도 지정)"))
	c.Flags().BoolVar(&dry, "dry-run", false, a.text("delete nothing, tell what would be", "지우지 않고 지울 것만 보이기"))
	c.Flags().BoolVar(&asJSON, "json", false, a.text("as JSON", "JSON으로 출력"))
	return c
}

func (a *app) prune(ctx context.Context, s *store.Store, keep store.Keep, dry, asJSON bool) error {
	if keep.Events > 0 && !dry {
		// What was derived from events outlives them.
		if err := a.keepDigests(ctx, s); err != nil {
			return err
		}
	}
	done, err := s.Prune(ctx, keep, currentUser(), dry)
	if asJSON {
		return errors.Join(err, a.printJSON(orNone(done)))
	}
	t := table{{a.text("RUN", "실행"), a.text("BEGAN", "시작"), a.text("DELETED", "지움"), a.text("EVENTS", "이벤트")}}
	for _, p := range done {
		t = append(t, []string{p.Run.ID, p.Run.Began.Local().Format("2006-01-02"), a.keptText(p.What), strconv.FormatInt(p.Events, 10)})
	}
	if len(done) > 0 {
		t.print(a.out)
	}
	switch {
	case len(done) == 0:
		a.tell(a.out, say.T("Nothing is older than it is kept for.", "보존 기간이 지난 것이 없습니다."))
	case dry:
		a.tell(a.out, say.T("Nothing was deleted (--dry-run).", "지우지 않았습니다 (--dry-run)."))
	}
	return err
}

func (a *app) keptText(what string) string {
	switch what {
	case store.KeptOutput:
		return a.text("outputs", "출력")
	case store.KeptEvents:
		return a.text("events", "이벤트")
	case store.KeptReports:
		return a.text("reports", "보고서")
	}
	return a.text("the run", "실행 전체")
}

// parseKeep reads "output=90d,events=2y".
func parseKeep(text string) (store.Keep, error) {
	var k store.Keep
	kinds := map[string]*time.Duration{
		store.KeptOutput: &k.Output, store.KeptEvents: &k.Events, store.KeptReports: &k.Reports, store.KeptRuns: &k.Runs,
	}
	for _, part := range strings.Split(text, ",") {
		kind, age, _ := strings.Cut(strings.TrimSpace(part), "=")
		to := kinds[kind]
		if to == nil {
			return k, say.Fail(nil, say.T("--keep %s: there is no kind %q; use output, events, reports or runs", "--keep %s: %q{이라/라}는 종류가 없습니다. output, events, reports, runs 중에서 쓰십시오", text, kind))
		}
		d, ok := parseAge(age)
		if !ok {
			return k, say.Fail(nil, say.T("--keep %s: %q is no time; write 90d, 12w, 2y or never", "--keep %s: %q{은/는} 기간이 아닙니다. 90d, 12w, 2y, never처럼 쓰십시오", text, age))
		}
		*to = d
	}
	return k, nil
}

var ageForm = regexp.MustCompile(`^([0-9]{1,6})([hdwy])$`)

// parseAge reads 36h, 90d, 12w, 2y or never (0).
func parseAge(s string) (time.Duration, bool) {
	if s == "never" {
		return 0, true
	}
	m := ageForm.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(m[1]) // the form allows digits only
	unit := map[string]time.Duration{"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour}[m[2]]
	if n == 0 || time.Duration(n) > (1<<63-1)/unit {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// runsHoldCommand keeps a run from being pruned.
func (a *app) runsHoldCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "hold RUN REASON",
		Short:   a.text("Keep a run from being pruned, with the reason", "실행을 사유와 함께 보존 지정합니다"),
		Example: `  sunup runs hold last "incident 2026-117"`,
		Args:    cobra.ExactArgs(2),
		RunE:    func(c *cobra.Command, args []string) error { return a.hold(c.Context(), args[0], args[1]) },
	}
}

func (a *app) runsReleaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "release RUN",
		Short: a.text("Let a run be pruned again", "실행의 보존 지정을 풉니다"),
		Args:  cobra.ExactArgs(1),
		RunE:  func(c *cobra.Command, args []string) error { return a.hold(c.Context(), args[0], "") },
	}
}

func (a *app) hold(ctx context.Context, ref, reason string) error {
	return a.withStore(ctx, func(s *store.Store) error {
		r, err := s.Find(ctx, ref)
		if err != nil {
			return err
		}
		if err := s.SetHold(ctx, r.ID, reason, currentUser()); err != nil {
			return err
		}
		if reason == "" {
			a.tell(a.out, say.T("run %s may be pruned again", "실행 %s의 보존 지정을 풀었습니다", r.ID))
			return nil
		}
		a.tell(a.out, say.T("run %s is on hold: %s", "실행 %s{을/를} 보존합니다: %s", r.ID, reason))
		return nil
	})
}

// auditCommand holds the record against its hashes.
func (a *app) auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: a.text("Prove that the record was not tampered with", "기록이 변조되지 않았음을 확인합니다"),
	}
	var head string
	var asJSON bool
	verify := &cobra.Command{
		Use:   "verify",
		Short: a.text("Find changed, cut, moved or added rows and deleted runs", "바뀌거나 잘리거나 옮겨지거나 더해진 행과 삭제된 실행을 찾습니다"),
		Long: a.text("Hold every event, the list of runs, the notes and the ledger against the hashes. Exit code 0: intact; 2: something was found.\n\nThe head that is printed stands for all of it. Write it down elsewhere: given with --head later, it also finds a record that was rewritten as a whole.",
			"모든 이벤트, 실행 목록, 메모, 원장을 해시와 대조합니다. 종료 코드 0: 온전함, 2: 이상 발견.\n\n출력되는 해시가 전체를 대표합니다. 다른 곳에 적어 두었다가 --head로 주면 통째로 다시 쓴 기록도 찾습니다."),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(s *store.Store) error { return a.verify(c.Context(), s, head, asJSON) })
		},
	}
	verify.Flags().StringVar(&head, "head", "", a.text("a head that was written down earlier", "이전에 적어 둔 해시"))
	verify.Flags().BoolVar(&asJSON, "json", false, a.text("as JSON", "JSON으로 출력"))
	c.AddCommand(verify)
	return c
}

func (a *app) verify(ctx context.Context, s *store.Store, head string, asJSON bool) error {
	result, err := s.Verify(ctx, head)
	if err != nil {
		return err
	}
	if asJSON {
		result.Findings = orNone(result.Findings)
		err = a.printJSON(result)
	} else {
		for _, f := range result.Findings {
			a.tell(a.out, say.T("✗ %s", "✗ %s", f.Text))
		}
		if len(result.Findings) == 0 {
			a.tell(a.out, say.T("✓ intact: %d runs, %d events, %d entries in the ledger", "✓ 온전합니다: 실행 %d개, 이벤트 %d개, 원장 항목 %d개", result.Runs, result.Events, result.Entries))
		}
		a.tell(a.out, say.T("head %s", "해시 %s", result.Head))
	}
	if err == nil && len(result.Findings) > 0 {
		return exitWith(exitFailed)
	}
	return err
}

// exportCommand writes the store, or some runs, as JSON lines.
func (a *app) exportCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "export [flags] [RUN...]",
		Short: a.text("Write runs, or all of the store, as JSON lines", "실행 또는 저장소 전체를 JSON 줄로 내보냅니다"),
		Long: a.text("Write runs, or all of the store when none are named, as JSON lines: runs, events, notes, what was derived, and the ledger. 'sunup import' takes them over into another store, which may be of another kind.",
			"실행을, 지정하지 않으면 저장소 전체를 JSON 줄로 내보냅니다: 실행, 이벤트, 메모, 파생 자료, 원장. 'sunup import'로 다른 (종류의) 저장소에 넣을 수 있습니다."),
		Example: "  sunup export -o all.jsonl.gz\n  SUNUP_STORE=postgres://sunup@db/sunup sunup import all.jsonl.gz",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(c.Context(), func(s *store.Store) error { return a.export(c.Context(), s, file, args) })
		},
	}
	c.Flags().StringVarP(&file, "output", "o", "-", a.text("file; with .gz it is compressed", "파일. .gz이면 압축"))
	return c
}

func (a *app) export(ctx context.Context, s *store.Store, file string, refs []string) error {
	var runs []store.Run
	for _, ref := range refs {
		r, err := s.Find(ctx, ref)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	var done store.Exported
	write := func(w io.Writer) (err error) {
		done, err = s.Export(ctx, w, runs)
		return err
	}
	if file == "-" {
		return write(a.out)
	}
	err := writeWhole(file, func(f *os.File) error {
		if !strings.HasSuffix(file, ".gz") {
			return write(f)
		}
		z := gzip.NewWriter(f)
		return errors.Join(write(z), z.Close())
	})
	if err != nil {
		return err
	}
	a.tell(a.out, say.T("wrote %d runs, %d events, %d notes to %s", "실행 %d개, 이벤트 %d개, 메모 %d건을 %s에 썼습니다", done.Runs, done.Events, done.Notes, file))
	return nil
}

// importCommand takes over what export wrote.
func (a *app) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: a.text("Take over runs that 'sunup export' wrote", "'sunup export'로 내보낸 실행을 넣습니다"),
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(c.Context(), func(s *store.Store) error { return a.importFile(c.Context(), s, args[0]) })
		},
	}
}

func (a *app) importFile(ctx context.Context, s *store.Store, file string) error {
	open := func() (io.ReadCloser, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("open export: %w", err)
		}
		if !strings.HasSuffix(file, ".gz") {
			return f, nil
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open export: %w", err), f.Close())
		}
		return unzipped{z, f}, nil
	}
	done, err := s.Import(ctx, open, currentUser())
	if err != nil {
		return err
	}
	a.tell(a.out, say.T("took over %d runs, %d events, %d notes; %d runs were there already", "실행 %d개, 이벤트 %d개, 메모 %d건을 넣었습니다. 이미 있던 실행 %d개", done.Runs, done.Events, done.Notes, len(done.Skipped)))
	return nil
}

// unzipped closes the file too.
type unzipped struct {
	*gzip.Reader
	file *os.File
}

func (u unzipped) Close() error { return errors.Join(u.Reader.Close(), u.file.Close()) }
