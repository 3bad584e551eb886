package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-multierror"
	"golang.org/x/term"

	"sunup/internal/event"
	"sunup/internal/history"
	"sunup/internal/store"
	"sunup/reports"
	"sunup/runner"
)

// record is where the events of a run go: the store first, then the screen, the
// report, a file.
type record struct {
	app *app
	// store and recording are nil when the run is not recorded.
	store     *store.Store
	recording *store.Recording
	sink      event.Sink
	builder   *reports.Builder
	closers   []func() error
	// locks are those of the run's hosts; nil when it takes none.
	locks *hostLocks
	// dir holds the reports; empty means that none is written.
	dir     string
	writers []reports.Writer
	// events is the file that the events are kept in.
	events  string
	summary bool
	live    *reports.Live // the screen, when it is a terminal that is redrawn
	// past are the earlier runs of the same playbooks; watch holds the steps of
	// this one against them.
	past  history.Past
	watch *history.Watch
}

// openRecord prepares all receivers of the run's events.
func (p *project) openRecord(ctx context.Context, f *runFlags, runID string, hosts []runner.Machine, screen event.Sink) (*record, error) {
	a := p.app
	r := &record{app: a, builder: reports.NewBuilder()}
	recording := f.records(a.getenv)
	if recording {
		var err error
		if r.store, err = a.openStore(ctx); err != nil {
			return nil, err
		}
	}
	// Before anything is written: a run that may not begin leaves no trace.
	if r.store != nil && !f.check { // a check changes nothing and needs none
		r.locks = &hostLocks{app: a, store: r.store, run: runID, wait: f.waitLock, held: map[string]bool{}, names: map[string]string{}}
	}
	if err := r.lock(ctx, hosts); err != nil {
		return nil, r.abandon(err)
	}
	if err := r.openSinks(p, f, runID, screen); err != nil {
		return nil, r.abandon(err)
	}
	if err := r.recall(ctx, f); err != nil {
		return nil, r.abandon(err)
	}
	if recording {
		// The store stands before all others: nobody is shown what is not on disk.
		rec, err := r.store.Record(ctx, runID, r.sink)
		if err != nil {
			return nil, r.abandon(err)
		}
		r.recording, r.sink = rec, beforeRecord(rec)
		// Until now the locks were those of a run that was not yet known to live.
		if err := r.lock(ctx, hosts); err != nil {
			return nil, r.abandon(errors.Join(err, rec.Close()))
		}
	}
	return r, nil
}

// lock takes the locks of the hosts that the run begins with.
func (r *record) lock(ctx context.Context, hosts []runner.Machine) error {
	if r.locks == nil {
		return nil
	}
	return r.locks.take(ctx, hosts)
}

// recall gives everybody who looks on what a run that is carried on said so
// far.
func (r *record) recall(ctx context.Context, f *runFlags) error {
	if f.past == nil {
		return nil
	}
	for e, err := range f.past.journal.Settled(r.store.Events(ctx, f.past.run.ID, 0)) {
		if err != nil {
			return err
		}
		r.sink.Emit(e)
	}
	return nil
}

// beforeRecord may put something before the record: tests kill the command there,
// between one event and the next.
var beforeRecord = func(r *store.Recording) event.Sink { return r }

// abandon closes what was opened for a run that does not begin.
func (r *record) abandon(err error) error {
	for _, c := range r.closers {
		err = errors.Join(err, c())
	}
	if r.store == nil {
		return err
	}
	return errors.Join(err, r.unlock(), r.store.Close())
}

// unlock gives the hosts back.
func (r *record) unlock() error {
	if r.locks == nil {
		return nil
	}
	return r.store.UnlockHosts(context.Background(), r.locks.run)
}

// openSinks opens everybody who looks on.
func (r *record) openSinks(p *project, f *runFlags, runID string, screen event.Sink) error {
	sinks := []event.Sink{r.builder}
	var err error
	if screen == nil {
		if screen, err = r.screen(p, f); err != nil {
			return err
		}
	}
	if screen != nil {
		sinks = append(sinks, screen)
	}
	if f.eventsFile != "" {
		if err := r.writeEvents(f.eventsFile, &sinks); err != nil {
			return err
		}
	}
	if r.writers, err = p.app.reportWriters(f.formats); err != nil {
		return err
	}
	if f.style == sunupStyle && !f.noReport || f.reportDir != "" {
		if err := r.openDir(f.reportDir, runID, f.eventsFile == "" && r.store == nil, &sinks); err != nil {
			return err
		}
	}
	r.sink = event.Tee(sinks...)
	return nil
}

// records reports whether the run goes to the store: sunup's own do by default,
// those under Ansible's names when a store is named.
func (f *runFlags) records(getenv func(string) string) bool {
	return f.past != nil || !f.noRecord && (f.style == sunupStyle || getenv("SUNUP_STORE") != "")
}

// openDir makes the directory of the reports; the events are kept beside them.
func (r *record) openDir(dir, runID string, withEvents bool, sinks *[]event.Sink) error {
	if dir == "" {
		dir = filepath.Join(r.app.stateDir(), "runs", runID)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make report directory: %w", err)
	}
	r.dir = dir
	if withEvents {
		return r.writeEvents(filepath.Join(dir, "events.jsonl"), sinks)
	}
	return nil
}

func (r *record) writeEvents(path string, sinks *[]event.Sink) error {
	// Outputs of hosts may be confidential: for the owner only.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open events file: %w", err)
	}
	w := event.NewWriter(file)
	*sinks = append(*sinks, w)
	r.events = path
	r.closers = append(r.closers, w.Close, file.Close)
	return nil
}

// screen is what the person at the terminal sees.
func (r *record) screen(p *project, f *runFlags) (event.Sink, error) {
	a := p.app
	tty := term.IsTerminal(int(a.out.Fd())) && a.getenv("CI") == "" && a.getenv("TERM") != "dumb"
	output := f.output
	if output == "" || output == "auto" {
		output = "plain"
		if tty {
			output = "live"
		}
		if f.style == ansibleStyle {
			output = "ansible"
		}
	}
	switch output {
	case "none":
		return nil, nil
	case "ansible":
		s, err := p.callbacks(f)
		if err != nil {
			return nil, err
		}
		r.closers = append(r.closers, s.Close)
		return s, nil
	case "live", "plain":
		r.summary = true
		s := reports.NewLive(a.out, reports.LiveOptions{
			Plain: output == "plain", Lang: a.lang, Color: reports.UseColor(a.out, a.getenv), Now: f.clock,
		})
		r.closers = append(r.closers, s.Close)
		if output == "live" {
			r.live = s
		}
		return s, nil
	}
	return nil, usageError{fmt.Errorf("--output %s: use auto, live, plain, ansible or none", f.output)}
}

func (p *project) ansibleOptions(f *runFlags) reports.AnsibleOptions {
	o := reports.DefaultAnsibleOptions()
	// Scripts read this output: it is ansible-playbook's, in English.
	o.Verbosity, o.Stderr = f.verbosity, p.app.err
	o.Color = reports.UseColor(p.app.out, p.app.getenv)
	o.Columns = reports.TerminalWidth(p.app.out)
	o.Plays = p.plays
	o.CheckMarkers = p.config.Bool("CHECK_MODE_MARKERS")
	o.FailedStderr = p.config.Bool("DISPLAY_FAILED_STDERR")
	o.PerHostStart = p.config.Bool("SHOW_PER_HOST_START")
	o.PathOnFailure = p.config.Bool("SHOW_TASK_PATH_ON_FAILURE")
	o.SkippedHosts = p.config.Bool("DISPLAY_SKIPPED_HOSTS")
	o.OKHosts = p.config.Bool("DISPLAY_OK_HOSTS")
	o.CustomStats = p.config.Bool("SHOW_CUSTOM_STATS")
	if p.config.Text("CALLBACK_RESULT_FORMAT") == "yaml" {
		o.Results = reports.PlainYAMLResults
	}
	switch {
	case p.config.Bool("CALLBACK_FORMAT_PRETTY"):
		o.PrettyResults = reports.PrettyAlways
	case p.config.Text("CALLBACK_FORMAT_PRETTY") != "":
		o.PrettyResults = reports.PrettyNever
	}
	return o
}

// finish closes the receivers, writes the reports and says where they are.
func (r *record) finish() error {
	// One receiver that fails (a full disk) must not keep the others from
	// finishing: all are closed, and all that went wrong is told.
	var errs *multierror.Error
	if r.watch != nil {
		errs = multierror.Append(errs, r.watch.Close())
	}
	if r.recording != nil {
		// The others have everything only after it.
		errs = multierror.Append(errs, r.recording.Close(), r.unlock())
	}
	for _, c := range r.closers {
		errs = multierror.Append(errs, c())
	}
	report := r.builder.Report()
	r.remember(context.Background(), report)
	var files []string
	if r.dir != "" {
		var err error
		files, err = r.app.writeReports(r.dir, reports.Source{Report: report, Lang: r.app.lang, Events: r.recorded()}, r.writers)
		errs = multierror.Append(errs, err)
	}
	if r.store != nil {
		errs = multierror.Append(errs, r.store.Close())
	}
	if r.summary {
		errs = multierror.Append(errs, r.app.writeSummary(report, files))
	}
	return errs.ErrorOrNil()
}

// recorded walks the events of the run as they were kept.
func (r *record) recorded() iter.Seq2[event.Event, error] {
	if r.recording != nil {
		return r.store.Events(context.Background(), r.recording.RunID(), 0)
	}
	return eventsOf(r.events)
}

func (a *app) writeSummary(report *reports.Report, files []string) error {
	return reports.WriteSummary(a.out, report, reports.SummaryOptions{
		Lang: a.lang, Color: reports.UseColor(a.out, a.getenv), Width: reports.TerminalWidth(a.out), Files: files,
	})
}

// stateDir is where runs are kept.
func (a *app) stateDir() string {
	if d := a.getenv("SUNUP_STATE"); d != "" {
		return d
	}
	if d := a.getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "sunup")
	}
	return filepath.Join(strings.TrimSuffix(a.home(), "/"), ".local", "state", "sunup")
}
