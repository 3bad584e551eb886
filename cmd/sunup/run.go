package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"sunup/internal/connection"
	"sunup/internal/connection/local"
	"sunup/internal/connection/ssh"
	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/inventory"
	"sunup/modules"
	"sunup/playbooks"
	"sunup/runner"
)

// style tells sunup's own face from ansible-playbook's.
type style int

const (
	sunupStyle style = iota
	ansibleStyle
)

// runFlags are the flags of run.
type runFlags struct {
	target  targetFlags
	connect connectFlags
	style   style
	// direction is which way the playbooks are run.
	direction direction

	tags, skipTags                              []string
	check, diff, step, forceHandlers            bool
	syntaxCheck, listHosts, listTasks, listTags bool
	flushCache, gather                          bool
	forks, verbosity                            int
	startAt                                     string

	output, eventsFile, reportDir string
	noReport, noRecord            bool
	formats                       []string
	waitLock                      time.Duration

	// command is the command line for the record; past is the run that is
	// carried on, nil for a new one.
	command []string
	past    *resumption
	// clock is the time that the run has; nil is the real one.
	clock func() time.Time
}

func (a *app) runCommand(s style) *cobra.Command {
	f := &runFlags{style: s}
	c := &cobra.Command{
		Use:   "run [flags] PLAYBOOK...",
		Short: a.text("Run playbooks on the hosts of an inventory", "인벤토리의 호스트에서 플레이북을 실행합니다"),
		Long: a.text("Run playbooks on the hosts of an inventory over SSH, show what happens, and leave a report.\n\nCtrl-C once finishes the steps that have begun, reports and stops; twice stops now.",
			"인벤토리의 호스트에서 SSH로 플레이북을 실행하고, 진행 상황을 보여 주고, 보고서를 남깁니다.\n\nCtrl-C를 한 번 누르면 시작된 단계를 마치고 보고한 뒤 멈추고, 두 번 누르면 즉시 멈춥니다."),
		Example: "  sunup run -i inventory.ini morning.yml\n  sunup run -i hosts.yml -l 'kiosks:!kiosk07' --check --diff site.yml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s", a.text("no playbook given", "플레이북을 지정하지 않았습니다"))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			f.command = f.recordedCommand(c, commandName(s), args)
			return a.runPlaybooks(c.Context(), f, args)
		},
	}
	if s == ansibleStyle {
		c.Use = "ansible-playbook [flags] PLAYBOOK..."
		c.Version = fmt.Sprintf("[core 2.14.18] (sunup %s)", version)
	}
	a.addRunFlags(c, f)
	return c
}

// commandName is the command's name in the record.
func commandName(s style) string {
	if s == ansibleStyle {
		return "ansible-playbook"
	}
	return "run"
}

func (a *app) addRunFlags(c *cobra.Command, f *runFlags) {
	fs := c.Flags()
	fs.SortFlags = false
	a.addSelectionFlags(fs, f)
	fs.BoolVarP(&f.check, "check", "C", false, a.text("change nothing, tell what would change", "바꾸지 않고 바뀔 내용만 보이기"))
	fs.BoolVarP(&f.diff, "diff", "D", false, a.text("show differences of files", "파일의 차이 보이기"))
	fs.IntVarP(&f.forks, "forks", "f", 0, a.text("hosts that work at once (default 256)", "동시에 작업할 호스트 수 (기본 256)"))
	fs.CountVarP(&f.verbosity, "verbose", "v", a.text("tell more (-vvv: connections)", "더 자세히 보이기 (-vvv: 연결)"))
	fs.StringVar(&f.startAt, "start-at-task", "", a.text("begin at the task of this name", "이 이름의 작업부터 시작"))
	fs.BoolVar(&f.step, "step", false, a.text("ask before each task", "작업마다 확인"))
	fs.BoolVar(&f.forceHandlers, "force-handlers", false, a.text("run handlers even when a task failed", "작업이 실패해도 핸들러 실행"))
	if f.style == sunupStyle {
		fs.BoolVar(&f.gather, "gather-on-failure", false, a.text("collect state and logs from every host that fails (beside what gather asks for)", "실패한 호스트의 상태와 로그를 수집 (gather에 적은 것에 더해)"))
	}
	fs.BoolVar(&f.syntaxCheck, "syntax-check", false, a.text("only check the playbooks", "플레이북 검사만"))
	fs.BoolVar(&f.listHosts, "list-hosts", false, a.text("only list the hosts", "대상 호스트 목록만"))
	fs.BoolVar(&f.listTasks, "list-tasks", false, a.text("only list the tasks", "작업 목록만"))
	fs.BoolVar(&f.listTags, "list-tags", false, a.text("only list the tags", "태그 목록만"))
	fs.BoolVar(&f.flushCache, "flush-cache", false, a.text("forget facts kept from earlier runs", "보관된 팩트 지우기"))
	a.addConnectFlags(fs, &f.connect)
	fs.StringVar(&f.output, "output", "", a.text("auto, live, plain, ansible or none", "출력: auto, live, plain, ansible, none"))
	fs.StringVar(&f.eventsFile, "events", "", a.text("write every event to this file as JSON lines", "모든 이벤트를 이 파일에 JSON 줄로 기록"))
	fs.StringVar(&f.reportDir, "report", "", a.text("directory for the reports (default: in the state directory)", "보고서를 둘 디렉터리 (기본: 상태 디렉터리)"))
	a.addFormatFlag(fs, &f.formats, "report-format", "")
	fs.BoolVar(&f.noReport, "no-report", false, a.text("leave no report", "보고서를 남기지 않기"))
	fs.BoolVar(&f.noRecord, "no-record", false, a.text("leave no record in the store (see 'sunup runs')", "저장소에 기록하지 않기 ('sunup runs' 참고)"))
	a.addWaitLock(fs, &f.waitLock)
}

// addSelectionFlags say on which hosts what part of the playbooks is meant:
// run, stop, restart, plan and preflight mean the same by them.
func (a *app) addSelectionFlags(fs *pflag.FlagSet, f *runFlags) {
	a.addTargetFlags(fs, &f.target)
	fs.StringArrayVarP(&f.tags, "tags", "t", nil, a.text("only tasks with these tags", "이 태그의 작업만"))
	fs.StringArrayVar(&f.skipTags, "skip-tags", nil, a.text("no tasks with these tags", "이 태그의 작업은 건너뛰기"))
}

// openBooks reads what the selection means: the project and its playbooks, in
// the direction that is asked for.
func (a *app) openBooks(ctx context.Context, f *runFlags, paths []string) (*project, []*playbooks.Playbook, error) {
	p, err := a.openProject(ctx, f.target, false)
	if err != nil {
		return nil, nil, err
	}
	if err := p.checkLimit(f.target.limit); err != nil {
		return nil, nil, err
	}
	books, err := p.load(paths)
	if err != nil {
		return nil, nil, err
	}
	books, err = p.direct(f.direction, books)
	return p, books, err
}

// runPlaybooks is the command's story: read, check, run, report.
func (a *app) runPlaybooks(ctx context.Context, f *runFlags, paths []string) error {
	p, err := a.openProject(ctx, f.target, f.syntaxCheck || f.listTasks || f.listTags)
	if err != nil {
		return err
	}
	p.tellConfigFile(f.verbosity)
	if err := p.checkLimit(f.target.limit); err != nil {
		return err
	}
	return a.runBooks(ctx, p, f, paths, nil)
}

// runBooks loads and runs playbooks; screen is what the person sees, nil means
// what flags and configuration choose.
func (a *app) runBooks(ctx context.Context, p *project, f *runFlags, paths []string, screen event.Sink) error {
	defer p.plugins.Close()
	books, err := p.load(paths)
	if err != nil {
		return err
	}
	if f.syntaxCheck || f.listHosts || f.listTasks || f.listTags {
		return p.list(f, paths, books)
	}
	if err := p.checkInventory(paths, p.playHosts(books, f.target.limit)); err != nil {
		return err
	}
	if books, err = p.direct(f.direction, books); err != nil {
		return err
	}
	o, err := p.runOptions(f, paths)
	if err != nil {
		return err
	}
	if err := p.recordOptions(f, paths, &o); err != nil {
		return err
	}
	rec, err := p.openRecord(ctx, f, o.RunID, p.lockedHosts(books, f.target.limit), screen)
	if err != nil {
		return err
	}
	o.History = rec.recallPast(ctx, f, startupName(paths, books), o.Now)
	o.Sink = rec.sink
	if rec.locks != nil {
		o.Claim = rec.locks.claim
	}
	if rec.recording != nil {
		o.Commit = rec.recording.Commit
	}
	run := runner.New(o)
	p.inputs.tellOf(run.NoteInput)
	ctx, done := a.interruptible(ctx, run)
	helm, err := a.takeHelm(rec, run, o.RunID)
	if err != nil {
		done()
		return rec.abandon(errors.Join(err, rec.recording.Close()))
	}
	summary, err := run.Execute(ctx, books)
	helm.close()
	done()
	if closeErr := rec.finish(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if summary.Code != exitOK {
		return exitWith(summary.Code)
	}
	return nil
}

// recordOptions are what the record needs to know, and what it knows already of
// a run that is carried on.
func (p *project) recordOptions(f *runFlags, paths []string, o *runner.Options) error {
	if !f.records(p.app.getenv) {
		return nil
	}
	var err error
	if o.Dir, err = os.Getwd(); err != nil {
		return fmt.Errorf("find working directory: %w", err)
	}
	if o.Facets, err = p.facets(paths); err != nil {
		return err
	}
	o.Command = f.command
	if f.past != nil {
		return f.past.apply(p, o)
	}
	return nil
}

// interruptible stops the run at the first Ctrl-C and cuts it off at the
// second.
func (a *app) interruptible(ctx context.Context, run *runner.Run) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case <-ended:
				return
			case <-signals:
			}
			if !first {
				cancel()
				continue
			}
			run.Stop()
			a.tell(a.err, say.T("\nstopping: steps that have begun are finished first; press Ctrl-C again to stop now",
				"\n중단합니다: 시작된 단계를 먼저 마칩니다. 즉시 멈추려면 Ctrl-C를 한 번 더 누르십시오"))
		}
	}()
	return ctx, func() { signal.Stop(signals); close(ended); cancel() }
}

// runOptions gathers flags, configuration and environment.
func (p *project) runOptions(f *runFlags, paths []string) (runner.Options, error) {
	c := p.config
	defaults, err := p.defaults(f.connect)
	if err != nil {
		return runner.Options{}, err
	}
	node, _ := os.Hostname()
	o := runner.Options{
		Inventory: p.inventory, Loader: p.loader, Templar: p.templar, Sources: p.sources,
		Modules: func(name string) *modules.Module { return modules.Lookup(name, nil) }, Open: p.open,
		Now: f.clock, RunID: newRunID(time.Now()), Version: version, Playbooks: paths, User: currentUser(), Node: node, Inputs: p.inputs.list(), Revision: gitRevision(paths[0]),
		ConfigFile: c.File,
		Forks:      f.forks, Check: f.check, Diff: f.diff || c.Bool("DIFF_ALWAYS"), Verbosity: f.verbosity,
		Limit: f.target.limit, ExtraVars: p.extraVars, StartAt: f.startAt,
		GatherOnFailure: f.gather, Hidden: p.hidden,
		ForceHandlers: f.forceHandlers || c.Bool("DEFAULT_FORCE_HANDLERS"),
		Defaults:      defaults, Read: p.readFile, LoadVars: p.loadVars,
		Reload: func() (*inventory.Inventory, diag.Problems) { return p.readInventory(p.app.ctx) },
		Tags:   splitTags(f.tags, c.List("TAGS_RUN")), SkipTags: splitTags(f.skipTags, c.List("TAGS_SKIP")),
	}
	if o.Facts, err = p.factCache(); err != nil {
		return o, err
	}
	if f.flushCache && o.Facts != nil {
		for _, h := range p.inventory.Hosts() {
			if err := o.Facts.Forget(h.Name); err != nil {
				return o, err
			}
		}
	}
	if term.IsTerminal(int(p.app.in.Fd())) {
		o.Prompt = prompter{p.app}
	}
	o.Debugger = debugger{p.app}
	if o.Forks == 0 {
		o.Forks = c.Int("DEFAULT_FORKS", runner.DefaultForks)
	}
	if f.step {
		o.Confirm = p.app.confirmStep
	}
	return o, nil
}

func splitTags(flags, configured []string) []string {
	if len(flags) == 0 {
		return configured
	}
	var out []string
	for _, f := range flags {
		for _, t := range strings.Split(f, ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// confirmStep asks before a task.
func (a *app) confirmStep(task string) runner.StepAnswer {
	answer, _ := a.ask(a.text("Perform task", "작업을 실행할까요")+": TASK: "+task+" (N)o/(y)es/(c)ontinue: ", false)
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return runner.StepRun
	case "c", "continue":
		return runner.StepContinue
	}
	return runner.StepSkip
}

func currentUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// newRunID is sortable by time and unique enough for one directory.
func newRunID(now time.Time) string {
	return now.Format("20060102-150405") + fmt.Sprintf("-%04x", now.UnixNano()>>10&0xffff)
}

// open makes the link of a connection kind.
func (p *project) open(kind string, o connection.Options) (connection.Link, error) {
	switch strings.TrimPrefix(kind, "ansible.builtin.") {
	case "ssh":
		return ssh.New(o, p.app.sshEnvironment()), nil
	case "local":
		return local.New(o), nil
	}
	return nil, fmt.Errorf("connection '%s' is not supported; use ssh or local", kind)
}

// sshEnvironment is what all SSH links share. What an option of ssh that we do
// not know asked for is said once, not silently left out.
func (a *app) sshEnvironment() ssh.Environment {
	return ssh.Environment{
		Home: a.home(),
		Note: func(host, text string) {
			a.noted.Do(host+text, func() { fmt.Fprintf(a.err, "%s: %s: %s\n", say.T("note", "참고").In(a.lang), host, text) })
		},
	}
}

// defaults are the connection settings of flags and configuration.
func (p *project) defaults(f connectFlags) (runner.Defaults, error) {
	c, a := p.config, p.app
	text := func(flag, setting string) string {
		if flag != "" {
			return flag
		}
		return c.Text(setting)
	}
	d := runner.Defaults{
		RemoteUser:     text(f.user, "DEFAULT_REMOTE_USER"),
		Connection:     text(f.connection, "DEFAULT_TRANSPORT"),
		Become:         f.become || c.Bool("DEFAULT_BECOME"),
		BecomeMethod:   text(f.becomeMethod, "DEFAULT_BECOME_METHOD"),
		BecomeUser:     text(f.becomeUser, "DEFAULT_BECOME_USER"),
		Timeout:        time.Duration(c.Int("DEFAULT_TIMEOUT", 10)) * time.Second,
		CommandTimeout: time.Duration(f.commandTimeout) * time.Second,
		SSHArgs:        c.Text("SSH_ARGS"),
		SSHCommonArgs:  text(f.commonArgs, "SSH_COMMON_ARGS"),
		SSHExtraArgs:   text(f.extraArgs, "SSH_EXTRA_ARGS"),
		Gathering:      c.Text("DEFAULT_GATHERING"),
		GatherSubset:   c.List("DEFAULT_GATHER_SUBSET"),
		GatherTimeout:  c.Int("DEFAULT_GATHER_TIMEOUT", 10),
		Strategy:       c.Text("DEFAULT_STRATEGY"),
		HashMerge:      c.Text("DEFAULT_HASH_BEHAVIOUR") == "merge",
		AnyErrorsFatal: c.Bool("ANY_ERRORS_FATAL"),
		Shell:          c.Text("DEFAULT_EXECUTABLE"),

		Debugger:              c.Bool("ENABLE_TASK_DEBUGGER"),
		DebuggerIgnoresErrors: c.Bool("TASK_DEBUGGER_IGNORE_ERRORS"),

		MissingHandlerWarns: !c.Bool("ERROR_ON_MISSING_HANDLER"),
		TempDir:             c.Text("DEFAULT_REMOTE_TMP"),
	}
	if f.timeout > 0 {
		d.Timeout = time.Duration(f.timeout) * time.Second
	}
	if d.Connection == "smart" {
		d.Connection = "ssh"
	}
	if key := text(f.privateKey, "DEFAULT_PRIVATE_KEY_FILE"); key != "" {
		d.PrivateKeys = []string{key}
	}
	var err error
	if d.HostKeys, err = hostKeyPolicy(f.hostKeys, c.Bool("HOST_KEY_CHECKING")); err != nil {
		return d, err
	}
	if d.Password, err = a.password(f.askPass || c.Bool("DEFAULT_ASK_PASS"), f.connPassFile, a.text("SSH password", "SSH 암호")); err != nil {
		return d, err
	}
	d.BecomePassword, err = a.password(f.askBecome || c.Bool("DEFAULT_BECOME_ASK_PASS"), f.becomePassFile, a.text("BECOME password", "권한 상승 암호"))
	return d, err
}

func hostKeyPolicy(flag string, checking bool) (connection.HostKeyPolicy, error) {
	switch p := connection.HostKeyPolicy(flag); p {
	case connection.KeysStrict, connection.KeysAcceptNew, connection.KeysOff:
		return p, nil
	case "":
		if checking {
			return connection.KeysStrict, nil
		}
		return connection.KeysOff, nil
	}
	return "", usageError{fmt.Errorf("--host-keys %s: use strict, accept-new or off", flag)}
}

// password asks for a password, or reads it from a file.
func (a *app) password(asked bool, file, question string) (connection.Secret, error) {
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read password file: %w", err)
		}
		return connection.Secret(strings.TrimRight(string(b), "\r\n")), nil
	}
	if !asked {
		return "", nil
	}
	text, err := a.ask(question+": ", true)
	return connection.Secret(text), err
}

var _ playbooks.Catalogue = catalogue{}
