package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/store"
	"sunup/runner"
)

// resumeFlags are the flags of resume.
type resumeFlags struct {
	failed, accept bool
	unknown        string
	extraVars      []string
	output         string
	reportDir      string
	eventsFile     string
	verbosity      int
	waitLock       time.Duration
}

// resumption is a run that is carried on.
type resumption struct {
	flags   resumeFlags
	run     store.Run
	journal *runner.Journal
	// decided is what becomes of steps that were under way.
	decided map[runner.UnderWay]runner.Decision
}

func (a *app) resumeCommand() *cobra.Command {
	var f resumeFlags
	c := &cobra.Command{
		Use:   "resume [flags] RUN",
		Short: a.text("Carry on a run that broke off, was stopped, or failed", "끊기거나 멈추거나 실패한 실행을 이어서 진행합니다"),
		Long: a.text("Carry on a run at the step where it broke off, was stopped, or failed.\n\nWhat has ended is not done again: its results are taken from the record. What failed is tried again.\nWhat was under way when the run broke is done again only when that does no harm (idempotent modules,\nretry_safe); otherwise you are asked, or --unknown decides.\nThe playbooks, inventory and variables must be those of the run; what changed is shown and must be accepted.",
			"끊기거나 멈추거나 실패한 단계부터 실행을 이어 갑니다.\n\n끝난 단계는 다시 하지 않고 기록된 결과를 씁니다. 실패한 단계는 다시 시도합니다.\n끊길 때 진행 중이던 단계는 다시 해도 해가 없을 때만(멱등 모듈, retry_safe) 다시 하고,\n그 밖에는 묻거나 --unknown 에 따릅니다.\n플레이북, 인벤토리, 변수는 원래 실행과 같아야 하며, 달라진 점은 보여 주고 승인을 받습니다."),
		Example: "  sunup resume last\n  sunup resume last --unknown rerun\n  sunup resume last --failed",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.resume(c.Context(), f, args[0]) },
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.BoolVar(&f.failed, "failed", false, a.text("only hosts that failed, were lost or set aside: try them again", "실패·연결 불가·격리된 호스트만 다시 시도"))
	fs.StringVar(&f.unknown, "unknown", "", a.text("steps that were under way: rerun, skip or fail (default: ask)", "진행 중이던 단계: rerun(다시), skip(한 것으로), fail(실패) (기본: 묻기)"))
	fs.BoolVar(&f.accept, "accept-changes", false, a.text("accept changed playbooks, inventory or variables", "달라진 플레이북·인벤토리·변수를 승인"))
	fs.StringArrayVarP(&f.extraVars, extraVarsFlag, "e", nil, a.text("variables that were given on the command line: they are not recorded", "명령줄로 준 변수: 기록되지 않으므로 다시 지정"))
	fs.StringVar(&f.output, "output", "", a.text("auto, live, plain, ansible or none", "출력: auto, live, plain, ansible, none"))
	fs.StringVar(&f.reportDir, "report", "", a.text("directory for the reports", "보고서를 둘 디렉터리"))
	fs.StringVar(&f.eventsFile, "events", "", a.text("write every event of the run to this file as JSON lines", "실행의 모든 이벤트를 이 파일에 JSON 줄로 기록"))
	fs.CountVarP(&f.verbosity, "verbose", "v", a.text("tell more (-vvv: connections)", "더 자세히 보이기 (-vvv: 연결)"))
	a.addWaitLock(fs, &f.waitLock)
	return c
}

// resume is the command's story: find the run, read its record, settle what is
// open, and run on.
func (a *app) resume(ctx context.Context, f resumeFlags, ref string) error {
	if f.unknown != "" && !slices.Contains([]string{string(runner.Rerun), string(runner.Skip), string(runner.Fail)}, f.unknown) {
		return usageError{fmt.Errorf("--unknown %s: %s", f.unknown, a.text("use rerun, skip or fail", "rerun, skip, fail 가운데 하나를 쓰십시오"))}
	}
	r := &resumption{flags: f}
	if err := a.withStore(ctx, func(s *store.Store) error { return a.findResumable(ctx, s, r, ref) }); err != nil {
		return err
	}
	started := r.journal.Started
	if err := os.Chdir(started.Dir); err != nil {
		return fmt.Errorf("%s: %w", a.text("go to the directory of the run", "실행한 디렉터리로 이동"), err)
	}
	flags, paths, missing, err := a.recalled(started.Command, f.extraVars)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return a.missingVars(ref, missing)
	}
	if err := a.settleUnderWay(r); err != nil {
		return err
	}
	r.override(flags)
	a.tellResumption(r)
	return a.runPlaybooks(ctx, flags, paths)
}

// findResumable reads the run that is meant and refuses what cannot be resumed.
func (a *app) findResumable(ctx context.Context, s *store.Store, r *resumption, ref string) error {
	run, err := s.Find(ctx, ref)
	if err != nil {
		return err
	}
	r.run = run
	if run.State == store.Running {
		return say.Fail(store.ErrRunning, say.T("run %s is running (%s@%s)\n→ 'sunup ctl %[1]s status' tells how it is; 'sunup ctl %[1]s cancel' stops it",
			"실행 %s{은/는} 진행 중입니다 (%s@%s)\n→ 'sunup ctl %[1]s status'로 상태를 보고 'sunup ctl %[1]s cancel'로 멈출 수 있습니다", run.ID, run.User, run.Node))
	}
	if r.journal, err = runner.ReadJournal(s.Events(ctx, run.ID, 0), runner.JournalOptions{Failed: r.flags.failed}); err != nil {
		return err
	}
	return r.check(ref)
}

// check refuses a run that there is nothing to resume of.
func (r *resumption) check(ref string) error {
	j := r.journal
	switch {
	case len(j.Started.Command) == 0:
		return say.Fail(nil, say.T("run %s cannot be resumed: its record does not tell how it was started", "실행 %s{은/는} 이어 갈 수 없습니다: 어떻게 시작했는지 기록에 없습니다", r.run.ID))
	case j.Started.Command[0] == "lab demo":
		return say.Fail(nil, say.T("run %s cannot be resumed: the hosts of a demo end with it", "실행 %s{은/는} 이어 갈 수 없습니다: 데모의 호스트는 실행과 함께 사라집니다", r.run.ID))
	case r.flags.failed && j.Failures() == 0:
		return say.Fail(nil, say.T("run %s has no host that failed\n→ 'sunup resume %s' carries on the whole run", "실행 %s에 실패한 호스트가 없습니다\n→ 'sunup resume %s'{은/는} 전체 실행을 이어 갑니다", r.run.ID, ref))
	case j.Ended != nil && j.Ended.ExitCode == runner.CodeQuarantined && j.Failures() == 0:
		return say.Fail(nil, say.T("run %s has ended, with hosts set aside\n→ 'sunup resume %s --failed' tries those again", "실행 %s{은/는} 격리된 호스트를 남기고 끝났습니다\n→ 'sunup resume %s --failed'로 그 호스트만 다시 시도합니다", r.run.ID, ref))
	case j.Ended != nil && j.Ended.Outcome == event.OK && j.Failures() == 0:
		return say.Fail(nil, say.T("run %s has ended well: there is nothing to resume", "실행 %s{은/는} 잘 끝났습니다. 이어 갈 것이 없습니다", r.run.ID))
	}
	return nil
}

func (a *app) missingVars(ref string, missing []string) error {
	var example strings.Builder
	for _, name := range missing {
		fmt.Fprintf(&example, " -e %s=...", name)
	}
	return say.Fail(nil, say.T("the run was given variables on its command line, whose values are not recorded: %s\n→ give them again: sunup resume %s%s",
		"실행할 때 명령줄로 준 변수의 값은 기록되지 않습니다: %s\n→ 다시 지정하십시오: sunup resume %s%s", strings.Join(missing, ", "), ref, example.String()))
}

// override puts the flags of resume over those of the run.
func (r *resumption) override(f *runFlags) {
	f.past = r
	f.eventsFile, f.reportDir = r.flags.eventsFile, r.flags.reportDir
	f.output, f.waitLock = r.flags.output, r.flags.waitLock
	if r.flags.verbosity > 0 {
		f.verbosity = r.flags.verbosity
	}
	f.noRecord = false
}

// settleUnderWay decides what becomes of the steps that were under way.
func (a *app) settleUnderWay(r *resumption) error {
	under := r.journal.UnderWay()
	r.decided = map[runner.UnderWay]runner.Decision{}
	if len(under) == 0 || r.flags.unknown != "" {
		return nil
	}
	a.tell(a.err, say.T("These steps were under way when the run broke. Whether they were carried out is not known:",
		"다음 단계는 실행이 끊길 때 진행 중이었습니다. 수행되었는지 알 수 없습니다:"))
	for _, u := range under {
		fmt.Fprintf(a.err, "  %s\n", a.underWayText(u))
	}
	if !term.IsTerminal(int(a.in.Fd())) {
		return say.Fail(nil, say.T("%d steps need a decision\n→ look at the hosts, then: --unknown rerun (do them again), skip (they were done) or fail (leave the host there)",
			"결정이 필요한 단계가 %d개 있습니다\n→ 호스트를 확인한 뒤 --unknown rerun(다시 수행), skip(수행된 것으로), fail(그 호스트는 중단) 중에서 지정하십시오", len(under)))
	}
	return a.askUnderWay(r, under)
}

func (a *app) underWayText(u runner.UnderWay) string {
	text := fmt.Sprintf("%s · %s · %s (%s)", u.Host, u.Play, u.Task, u.Module)
	if u.Loop {
		text += a.text(fmt.Sprintf(", item %d", u.Item+1), fmt.Sprintf(", %d번째 항목", u.Item+1))
	}
	return text
}

// askUnderWay asks the person about each step; a capital letter answers for the
// rest too.
func (a *app) askUnderWay(r *resumption, under []runner.UnderWay) error {
	a.tell(a.err, say.T("[r] do it again   [s] take it as done   [f] fail the host there   (capital letter: the same for all that follow)   [q] quit",
		"[r] 다시 수행   [s] 수행된 것으로   [f] 그 호스트 실패 처리   (대문자: 이후 모두 같게)   [q] 그만두기"))
	words := map[string]runner.Decision{"r": runner.Rerun, "s": runner.Skip, "f": runner.Fail}
	for i := 0; i < len(under); {
		answer, err := a.ask("  "+a.underWayText(under[i])+" [r/s/f/R/S/F/q]: ", false)
		if err != nil {
			return err
		}
		answer = strings.TrimSpace(answer)
		d, ok := words[strings.ToLower(answer)]
		switch {
		case strings.EqualFold(answer, "q"):
			return exitWith(exitInterrupted)
		case !ok:
			continue
		case answer == strings.ToUpper(answer):
			for _, u := range under[i:] {
				r.decided[u] = d
			}
			return nil
		}
		r.decided[under[i]] = d
		i++
	}
	return nil
}

// decide is the decision about one step.
func (r *resumption) decide(u runner.UnderWay) runner.Decision {
	if d, ok := r.decided[u]; ok {
		return d
	}
	if r.flags.unknown != "" {
		return runner.Decision(r.flags.unknown)
	}
	return runner.Fail
}

func (a *app) tellResumption(r *resumption) {
	j := r.journal
	a.tell(a.err, say.T("resuming run %s (attempt %d): %d steps are done and are not done again", "실행 %s{을/를} 이어 갑니다 (%d번째 시도): 끝난 단계 %d개는 다시 하지 않습니다",
		r.run.ID, j.Attempt(), j.Steps()))
	if n := j.Failures(); n > 0 {
		a.tell(a.err, say.T("%d hosts are tried again where they failed", "호스트 %d대를 실패한 곳에서 다시 시도합니다", n))
	}
}

// apply makes the options of a new run those of the run that is carried on.
func (r *resumption) apply(p *project, o *runner.Options) error {
	changes := r.changes(o)
	if err := p.app.acceptChanges(changes, r.flags.accept); err != nil {
		return err
	}
	o.RunID, o.Journal, o.Decide, o.Accepted = r.run.ID, r.journal, r.decide, changes
	return nil
}

// acceptChanges shows what is not as it was and asks whether that is meant.
func (a *app) acceptChanges(changes []say.Text, accepted bool) error {
	if len(changes) == 0 {
		return nil
	}
	a.tell(a.err, say.T("This is not as it was when the run began:", "실행을 시작했을 때와 다른 점이 있습니다:"))
	for _, c := range changes {
		fmt.Fprintf(a.err, "  - %s\n", c.In(a.lang))
	}
	if accepted {
		return nil
	}
	if term.IsTerminal(int(a.in.Fd())) {
		answer, err := a.ask(a.text("Carry on with it as it is now? [y/N]: ", "지금 상태로 이어 갈까요? [y/N]: "), false)
		if err == nil && strings.EqualFold(strings.TrimSpace(answer), "y") {
			return nil
		}
		return exitWith(exitInterrupted)
	}
	return say.Fail(nil, say.T("the run is not resumed: what it is made from has changed\n→ undo the changes, or accept them with --accept-changes",
		"이어 가지 않습니다: 실행의 재료가 달라졌습니다\n→ 변경을 되돌리거나 --accept-changes 로 승인하십시오"))
}

// changes compares what the run was made from with what there is now.
func (r *resumption) changes(o *runner.Options) []say.Text {
	out := r.fileChanges(o)
	now := map[string]string{}
	for _, f := range o.Facets {
		now[f.Name] = f.Digest
	}
	was := r.journal.Facets
	for _, name := range slices.Sorted(maps.Keys(was)) {
		host, isHost := strings.CutPrefix(name, "host ")
		digest, there := now[name]
		switch {
		case there && digest == was[name]:
		case !isHost:
			out = append(out, say.T("the extra variables are others", "추가 변수가 다릅니다"))
		case !there:
			out = append(out, say.T("host %s is not in the inventory any more", "호스트 %s{이/가} 인벤토리에서 없어졌습니다", host))
		default:
			out = append(out, say.T("the variables of host %s changed", "호스트 %s의 변수가 바뀌었습니다", host))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if host, isHost := strings.CutPrefix(name, "host "); isHost && was[name] == "" {
			out = append(out, say.T("host %s is new in the inventory", "호스트 %s{이/가} 인벤토리에 새로 생겼습니다", host))
		}
	}
	return out
}

// fileChanges compares the files.
func (r *resumption) fileChanges(o *runner.Options) []say.Text {
	var out []say.Text
	was := r.journal.Inputs
	for _, path := range slices.Sorted(maps.Keys(was)) {
		src, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, say.T("%s is gone", "%s{이/가} 없어졌습니다", path))
		case err != nil:
			out = append(out, say.T("%s cannot be read: %s", "%s{을/를} 읽을 수 없습니다: %s", path, err.Error()))
		case digestOf(src) != was[path]:
			out = append(out, say.T("%s changed", "%s{이/가} 바뀌었습니다", path))
		}
	}
	for _, in := range o.Inputs {
		if was[in.File] == "" {
			out = append(out, say.T("%s is new", "%s{이/가} 새로 쓰입니다", in.File))
		}
	}
	return out
}
