package reports

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"charm.land/lipgloss/v2"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// AnsibleOptions are the settings that Ansible's default output honours. The
// zero value is not Ansible's default: start from DefaultAnsibleOptions.
type AnsibleOptions struct {
	// Verbosity is the -v count.
	Verbosity int
	// Columns is the width of banners and warnings: at least 79, as there.
	Columns int
	// Color is for terminals only: see UseColor.
	Color bool
	// Colors change the colour of a kind of line: ok, changed, skip, error,
	// unreachable, warn, deprecate, debug, verbose, diff_add, diff_remove,
	// diff_lines; to a name of Ansible's ("bright red", "rgb255", "color8").
	Colors map[string]string
	// Stderr takes warnings, and failures with FailedStderr; nil is the
	// writer itself.
	Stderr io.Writer

	Plays map[string]int // how many plays each playbook has, by its path

	SkippedHosts     bool   // display_skipped_hosts
	OKHosts          bool   // display_ok_hosts
	FailedStderr     bool   // display_failed_stderr
	CustomStats      bool   // show_custom_stats
	PerHostStart     bool   // show_per_host_start
	CheckMarkers     bool   // check_mode_markers
	PathOnFailure    bool   // show_task_path_on_failure
	ArgsToStdout     bool   // display_args_to_stdout
	NoActionWarnings bool   // action_warnings: false
	NoDeprecations   bool   // deprecation_warnings: false
	PrettyResults    Pretty // callback_format_pretty
	DiffContext      int    // diff.context; 3 there
	Results          ResultForm
	Lang             say.Lang
}

// DefaultAnsibleOptions are the defaults of ansible-core.
func DefaultAnsibleOptions() AnsibleOptions {
	return AnsibleOptions{Columns: 79, SkippedHosts: true, OKHosts: true, DiffContext: 3, Lang: say.English}
}

// minColumns is the narrowest banner.
const minColumns = 79

// Ansible is a Sink that prints a run as ansible-playbook prints it. It may be
// used from several goroutines.
type Ansible struct {
	o   AnsibleOptions
	out io.Writer
	err io.Writer

	mu       sync.Mutex
	failed   error
	playbook string
	check    bool
	plays    map[int]event.PlayStarted
	tasks    map[int]event.TaskStarted
	batches  map[int]event.BatchStarted
	// lastPlay and lastTask are the banners that were printed last.
	lastPlay string
	lastTask string
	warned   map[string]bool
	// items are the loops that told an item: a loop that broke before its
	// first one ends like a task without a loop.
	items  map[cellKey]bool
	custom map[string]*value.Dict
	counts map[string]*event.Recap
}

// NewAnsible returns a sink that prints to w. Close it when the run is over.
func NewAnsible(w io.Writer, o AnsibleOptions) *Ansible {
	o.Columns = max(o.Columns, minColumns)
	if o.Lang == "" {
		o.Lang = say.English
	}
	a := &Ansible{
		o: o, out: w, err: o.Stderr,
		plays: map[int]event.PlayStarted{}, tasks: map[int]event.TaskStarted{}, batches: map[int]event.BatchStarted{},
		warned: map[string]bool{}, items: map[cellKey]bool{}, custom: map[string]*value.Dict{}, counts: map[string]*event.Recap{},
	}
	if a.err == nil {
		a.err = w
	}
	return a
}

// Close returns the first error of writing.
func (a *Ansible) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// Emit prints one event.
func (a *Ansible) Emit(e event.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch d := e.Data.(type) {
	case event.RunStarted:
		a.check = d.Check
	case event.PlayStarted:
		a.playStarted(d)
	case event.BatchStarted:
		a.batches[d.Play] = d
		a.lastPlay = ""
		a.playBanner(d.Play)
	case event.TaskStarted:
		a.taskStarted(d)
	case event.HostTaskBegan:
		if a.o.PerHostStart {
			a.line(fmt.Sprintf(" [started %s on %s]", a.tasks[d.Task].Name, d.Host), "ok")
		}
	case event.HostEntered:
		a.entered(d)
	case event.ItemEnded:
		a.items[cellKey{d.Task, d.Host}] = true
		a.itemEnded(d)
	case event.JobPolled:
		a.line(fmt.Sprintf("ASYNC POLL on %s: jid=%s started=1 finished=0", d.Host, d.Job), "debug")
	case event.AttemptFailed:
		a.attemptFailed(d)
	case event.HostTaskEnded:
		a.hostTaskEnded(d)
	case event.HostTaskHeld:
		a.resultOn(event.HostTaskEnded{Play: d.Play, Task: d.Task, Host: d.Host, Outcome: d.Outcome, Result: d.Result, Loop: d.Loop, Delegate: d.Delegate})
	case event.Included:
		a.included(d)
	case event.Notified:
		if a.o.Verbosity > 1 {
			a.line(fmt.Sprintf("NOTIFIED HANDLER %s for %s", d.Handler, d.Host), "verbose")
		}
	case event.Meta:
		a.meta(d)
	case event.NoHostsLeft:
		a.banner("NO MORE HOSTS LEFT")
	case event.Warning:
		a.warning(d)
	case event.Stats:
		a.stats(d)
	case event.PlayEnded:
		delete(a.plays, d.Play)
	case event.RunEnded:
		if d.ExitCode != errorCode {
			a.recap(d.Recap)
		}
	}
}

// entered tells how a host is reached, as Ansible tells it.
func (a *Ansible) entered(d event.HostEntered) {
	address := cmp.Or(d.Address, d.Host)
	user := cmp.Or(d.User, "None")
	a.line(fmt.Sprintf("<%s> ESTABLISH %s CONNECTION FOR USER: %s", address, strings.ToUpper(d.Over), user), "debug")
	if d.Become != "" {
		a.line(fmt.Sprintf("<%s> EXEC %s", address, d.Become), "debug")
	}
}

// errorCode is the exit code of a run that an error of ours or a mistake of the
// playbook ended: there is no recap then.
const errorCode = 1

// line prints text in the colour of its kind.
func (a *Ansible) line(text, kind string) { a.print(a.out, text, kind) }

func (a *Ansible) print(w io.Writer, text, kind string) {
	text = strings.TrimSuffix(text, "\n")
	if kind != "" {
		text = a.color(visible(text), kind)
	}
	if _, err := io.WriteString(w, text+"\n"); err != nil && a.failed == nil {
		a.failed = fmt.Errorf("print: %w", err)
	}
}

// failureWriter is where failures go.
func (a *Ansible) failureWriter() io.Writer {
	if a.o.FailedStderr {
		return a.err
	}
	return a.out
}

// visible takes from what hosts and files say the power over the terminal. It is
// the one thing that is not printed as Ansible prints it.
func visible(text string) string { return strings.ReplaceAll(text, "\x1b", "␛") }

func (a *Ansible) banner(text string) {
	text = visible(strings.TrimSpace(text))
	// A line break in a name takes no room.
	stars := max(3, a.o.Columns-lipgloss.Width(strings.ReplaceAll(text, "\n", "")))
	a.line("\n"+text+" "+strings.Repeat("*", stars), "")
}

func (a *Ansible) playStarted(d event.PlayStarted) {
	if d.Playbook != a.playbook || len(a.plays) == 0 && a.lastPlay == "" {
		a.playbookStarted(d.Playbook)
	}
	a.plays[d.Play] = d
	if d.Serial && d.NoHosts == "" {
		return // each batch has the banner
	}
	a.playBanner(d.Play)
	if d.NoHosts != "" {
		a.line("skipping: "+d.NoHosts, "skip")
	}
}

// playbookStarted ends the playbook before and begins the next one.
func (a *Ansible) playbookStarted(file string) {
	if a.playbook != "" && file != a.playbook {
		a.recap(a.soFar())
	}
	a.playbook = file
	if a.o.Verbosity > 1 && file != "" {
		a.banner("PLAYBOOK: " + filepath.Base(file))
		if n, ok := a.o.Plays[file]; ok {
			a.line(fmt.Sprintf("%d plays in %s", n, file), "debug")
		}
	}
	if a.check && a.o.CheckMarkers {
		a.banner("DRY RUN")
	}
}

// playBanner prints the banner of a play, unless it is the one printed last.
func (a *Ansible) playBanner(number int) {
	key := fmt.Sprint(number, "/", a.batches[number].Batch)
	if a.lastPlay == key {
		return
	}
	a.lastPlay, a.lastTask = key, ""
	text := "PLAY"
	if name := strings.TrimSpace(a.plays[number].Name); name != "" {
		text += " [" + name + "]"
	}
	if a.plays[number].Check && a.o.CheckMarkers {
		text += " [CHECK MODE]"
	}
	a.banner(text)
}

// free reports whether the play's hosts run ahead of each other: then a task's
// banner comes with its first result.
func (a *Ansible) free(play int) bool {
	s := strings.TrimPrefix(a.plays[play].Strategy, "ansible.builtin.")
	return s == "free" || s == "host_pinned" || a.plays[play].Lanes > 1
}

func (a *Ansible) taskStarted(d event.TaskStarted) {
	a.tasks[d.Task] = d
	if a.free(d.Play) {
		return
	}
	if a.o.SkippedHosts && a.o.OKHosts {
		a.lastTask = ""
		a.taskBanner(d.Task)
	}
}

// isAction reports whether the task is one of the given modules.
func isAction(t event.TaskStarted, names ...string) bool {
	name := t.Module
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
		name = strings.TrimPrefix(name, prefix)
	}
	for _, n := range names {
		if name == n {
			return true
		}
	}
	return false
}

func isInclude(t event.TaskStarted) bool {
	return isAction(t, "include", "include_tasks", "include_role", "import_tasks", "import_role")
}

// taskBanner prints the banner of a task, unless it is the one printed last. In
// a run of several plays at once, the play's comes before it.
func (a *Ansible) taskBanner(number int) {
	t := a.tasks[number]
	a.playBanner(t.Play)
	key := fmt.Sprint(t.Play, "/", number)
	if a.free(t.Play) {
		key = fmt.Sprint(t.Play, "/", t.ID)
	}
	if a.lastTask == key {
		return
	}
	a.lastTask = key
	prefix := "TASK"
	if t.Handler {
		prefix = "RUNNING HANDLER"
	}
	args := ""
	if a.o.ArgsToStdout && t.Args != nil {
		args = " " + shownArgs(t.Args)
	}
	check := ""
	if t.Check && a.o.CheckMarkers {
		check = " [CHECK MODE]"
	}
	a.banner(fmt.Sprintf("%s [%s%s]%s", prefix, strings.TrimSpace(t.Name), args, check))
	if a.o.Verbosity >= 2 {
		a.taskPath(t)
	}
}

func shownArgs(args *value.Dict) string {
	var parts []string
	for k, v := range args.All() {
		parts = append(parts, value.Str(k)+"="+value.Str(v))
	}
	return strings.Join(parts, ", ")
}

func (a *Ansible) taskPath(t event.TaskStarted) {
	pos := t.Pos
	if pos.IsZero() {
		pos = a.plays[t.Play].Pos
	}
	if pos.IsZero() {
		return
	}
	file := pos.File
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	a.line(fmt.Sprintf("task path: %s:%d", file, pos.Line), "debug")
}

// hostLabel is the host, and whom it delegated to.
func hostLabel(host, delegate string) string {
	if delegate == "" || delegate == host {
		return host
	}
	return host + " -> " + delegate
}

// truthy reads a return value as Python's truth.
func truthy(values *value.Dict, key string) bool { return value.Truth(values.At(key)) }

// verbose reports whether results are printed at this verbosity.
func (a *Ansible) verbose(t event.TaskStarted, values *value.Dict, o event.Outcome, above int) bool {
	if truthy(values, "_ansible_verbose_override") || isAction(t, "setup", "gather_facts") {
		return false
	}
	return a.o.Verbosity > above || alwaysVerbose(t, values, o)
}

// alwaysVerbose reports whether a result is there to be read: those of debug
// and assert, when they did their work.
func alwaysVerbose(t event.TaskStarted, values *value.Dict, o event.Outcome) bool {
	if v, ok := values.Get("_ansible_verbose_always"); ok {
		return value.Truth(v)
	}
	return isAction(t, "debug", "assert") && (o == event.OK || o == event.Changed)
}

func (a *Ansible) hostTaskEnded(d event.HostTaskEnded) {
	if d.Aborts {
		return // Ansible stops before it shows the result
	}
	a.count(d)
	if !d.Held {
		a.resultOn(d)
	}
}

// resultOn shows how a task ended on a host.
func (a *Ansible) resultOn(d event.HostTaskEnded) {
	t := a.tasks[d.Task]
	key := cellKey{d.Task, d.Host}
	d.Loop = d.Loop && a.items[key]
	delete(a.items, key)
	a.asyncEnded(t, d)
	switch d.Outcome {
	case event.OK, event.Changed:
		a.hostOK(t, d)
	case event.Skipped:
		if !isAction(t, "meta") {
			a.hostSkipped(t, d)
		}
	case event.Unreachable:
		a.hostUnreachable(t, d, false)
	case event.Ignored:
		if wasUnreachable(d.Result.Values) {
			a.hostUnreachable(t, d, true)
			return
		}
		a.hostFailed(t, d, "FAILED!")
		a.line("...ignoring", "skip")
	case event.Cancelled:
		a.hostFailed(t, d, "CANCELLED!")
	case event.Unknown:
		if wasUnreachable(d.Result.Values) {
			a.hostUnreachable(t, d, false)
			return
		}
		a.hostFailed(t, d, "UNKNOWN!")
	default: // failed, rescued, quarantined
		a.hostFailed(t, d, "FAILED!")
	}
}

// asyncEnded says that a task that was waited for in the background has ended.
func (a *Ansible) asyncEnded(t event.TaskStarted, d event.HostTaskEnded) {
	values := shownValues(d.Result)
	id := values.At("ansible_job_id")
	inner, timedOut := values.At("async_result").(*value.Dict)
	if timedOut {
		id = inner.At("ansible_job_id")
	}
	if id == nil || isAction(t, "async_status") || !timedOut && !truthy(values, "finished") {
		return
	}
	word := "OK"
	if d.Outcome != event.OK && d.Outcome != event.Changed {
		word = "FAILED"
	}
	a.taskBanner(d.Task)
	a.line(fmt.Sprintf("ASYNC %s on %s: jid=%s", word, d.Host, value.Str(id)), "debug")
}

// wasUnreachable reports whether an ignored result is one of a host that was
// not reached; a loop says so of its items only.
func wasUnreachable(values *value.Dict) bool {
	if truthy(values, "unreachable") {
		return true
	}
	if list, ok := values.At("results").(*value.List); ok && !truthy(values, "failed") {
		for _, item := range list.Items {
			if d, ok := item.(*value.Dict); ok && truthy(d, "unreachable") {
				return true
			}
		}
	}
	return false
}

func (a *Ansible) hostOK(t event.TaskStarted, d event.HostTaskEnded) {
	if isAction(t, "meta") {
		return
	}
	if isInclude(t) {
		a.taskBanner(d.Task)
		return
	}
	if !d.Loop {
		a.diffs(d.Task, d.Result)
	}
	word, kind := "ok", "ok"
	if d.Outcome == event.Changed {
		word, kind = "changed", "changed"
	} else if !a.o.OKHosts {
		return
	}
	a.taskBanner(d.Task)
	values := a.resultWarnings(d.Result)
	if d.Loop && !d.Result.NoLog { // the items said it, unless they are hidden
		return
	}
	text := fmt.Sprintf("%s: [%s]", word, hostLabel(d.Host, d.Delegate))
	if a.verbose(t, values, d.Outcome, 0) {
		text += " => " + a.dump(t, cleaned(t, values), d.Outcome)
	}
	a.line(text, kind)
}

func (a *Ansible) hostSkipped(t event.TaskStarted, d event.HostTaskEnded) {
	if !a.o.SkippedHosts {
		return
	}
	a.taskBanner(d.Task)
	values := shownValues(d.Result)
	text := fmt.Sprintf("skipping: [%s]", d.Host)
	if a.verbose(t, values, d.Outcome, 0) {
		text += " => " + a.dump(t, without(cleaned(t, values), "results"), d.Outcome)
	}
	a.line(text, "skip")
}

func (a *Ansible) hostUnreachable(t event.TaskStarted, d event.HostTaskEnded, ignored bool) {
	a.taskBanner(d.Task)
	text := fmt.Sprintf("fatal: [%s]: UNREACHABLE! => %s", hostLabel(d.Host, d.Delegate), a.dump(t, shownValues(d.Result), d.Outcome))
	a.print(a.failureWriter(), text, "unreachable")
	if ignored {
		a.line("...ignoring", "skip")
	}
}

func (a *Ansible) hostFailed(t event.TaskStarted, d event.HostTaskEnded, word string) {
	a.taskBanner(d.Task)
	a.exception(d.Result.Values)
	values := cleaned(t, a.resultWarnings(d.Result))
	if d.Loop && !isAction(t, "debug") { // of a debug the items are not kept, and so it is told as one
		return
	}
	if a.o.Verbosity < 2 && a.o.PathOnFailure {
		a.taskPath(t)
	}
	text := fmt.Sprintf("fatal: [%s]: %s => %s", hostLabel(d.Host, d.Delegate), word, a.dump(t, values, d.Outcome))
	a.print(a.failureWriter(), text, "error")
}

func (a *Ansible) itemEnded(d event.ItemEnded) {
	t := a.tasks[d.Task]
	label := itemLabel(d.Result)
	switch d.Outcome {
	case event.OK, event.Changed:
		if isInclude(t) {
			return
		}
		a.diffs(d.Task, d.Result)
		word, kind := "ok", "ok"
		if d.Outcome == event.Changed {
			word, kind = "changed", "changed"
		} else if !a.o.OKHosts {
			return
		}
		a.taskBanner(d.Task)
		text := fmt.Sprintf("%s: [%s] => (item=%s)", word, hostLabel(d.Host, d.Delegate), label)
		a.item(t, d, text, kind)
	case event.Skipped:
		if !a.o.SkippedHosts {
			return
		}
		a.taskBanner(d.Task)
		a.item(t, d, fmt.Sprintf("skipping: [%s] => (item=%s) ", d.Host, label), "skip")
	default:
		a.taskBanner(d.Task)
		a.exception(d.Result.Values)
		values := cleaned(t, a.resultWarnings(d.Result))
		text := fmt.Sprintf("failed: [%s] (item=%s) => %s", hostLabel(d.Host, d.Delegate), label, a.dump(t, values, d.Outcome))
		a.print(a.failureWriter(), text, "error")
	}
}

func (a *Ansible) item(t event.TaskStarted, d event.ItemEnded, text, kind string) {
	values := shownValues(d.Result)
	if a.verbose(t, values, d.Outcome, 0) {
		text += " => " + a.dump(t, cleaned(t, values), d.Outcome)
	}
	a.line(text, kind)
}

// itemLabel is how a loop item is shown.
func itemLabel(r event.Result) string {
	if r.NoLog || truthy(r.Values, "_ansible_no_log") {
		return "None" // what ansible-playbook shows of a hidden item
	}
	if r.Label != "" {
		return r.Label
	}
	if v, ok := r.Values.Get("_ansible_item_label"); ok {
		return value.Str(v)
	}
	return value.Str(r.Values.At("item"))
}

func (a *Ansible) attemptFailed(d event.AttemptFailed) {
	t := a.tasks[d.Task]
	left := d.Retries - d.Attempt + 1
	name := t.Name
	if t.Role != "" {
		name = strings.TrimPrefix(name, t.Role+" : ")
	}
	text := fmt.Sprintf("FAILED - RETRYING: [%s]: %s (%d retries left).", hostLabel(d.Host, d.Delegate), name, left)
	values := shownValues(d.Result)
	if a.verbose(t, values, event.Failed, 2) {
		text += "Result was: " + a.dump(t, values, event.Failed)
	}
	a.line(text, "debug")
}

func (a *Ansible) included(d event.Included) {
	if d.Role != "" {
		return // ansible-playbook says it of files only
	}
	text := fmt.Sprintf("included: %s for %s", d.File, strings.Join(d.Hosts, ", "))
	if d.Label != "" {
		text += fmt.Sprintf(" => (item=%s)", d.Label)
	}
	a.line(text, "skip")
}

// warning prints a warning once, however often it comes.
func (a *Ansible) warning(d event.Warning) {
	text := d.Text.In(a.o.Lang)
	if d.Deprecated {
		a.deprecation(text)
		return
	}
	a.warnOnce("[WARNING]: "+text, "warn", false)
}

func (a *Ansible) deprecation(text string) {
	if a.o.NoDeprecations {
		return
	}
	if !strings.HasPrefix(text, "[DEPRECAT") {
		text = "[DEPRECATION WARNING]: " + text
	}
	a.warnOnce(text, "deprecate", true)
}

func (a *Ansible) warnOnce(text, kind string, keepSpaces bool) {
	if a.warned[text] || len(a.warned) > maxWarned {
		return
	}
	a.warned[text] = true
	lines := wrap(text, a.o.Columns, keepSpaces)
	a.print(a.err, strings.TrimSpace(strings.Join(lines, "\n")), kind)
}

// maxWarned bounds the memory of warnings that were printed.
const maxWarned = 10000

// resultWarnings prints the warnings within a result and returns the result's
// values without them.
func (a *Ansible) resultWarnings(r event.Result) *value.Dict {
	values := shownValues(r)
	if a.o.NoActionWarnings || r.NoLog {
		return values
	}
	if list, ok := values.At("warnings").(*value.List); ok && list.Len() > 0 {
		for _, w := range list.Items {
			a.warnOnce("[WARNING]: "+value.Str(w), "warn", false)
		}
		values = without(values, "warnings")
	}
	if list, ok := values.At("deprecations").(*value.List); ok && list.Len() > 0 {
		for _, w := range list.Items {
			a.deprecation(deprecationText(w))
		}
		values = without(values, "deprecations")
	}
	return values
}

func deprecationText(v any) string {
	d, ok := v.(*value.Dict)
	if !ok {
		return value.Str(v)
	}
	msg := strings.TrimSpace(value.Str(d.At("msg")))
	if msg != "" && !strings.ContainsAny(msg[len(msg)-1:], "!?.") {
		msg += "."
	}
	text := msg + " This feature will be removed"
	switch from := d.At("collection_name"); {
	case value.Str(from) == "ansible.builtin":
		text += " from ansible-core"
	case value.Truth(from):
		text += " from " + value.Str(from)
	}
	switch {
	case value.Truth(d.At("date")):
		text += " in a release after " + value.Str(d.At("date")) + "."
	case value.Truth(d.At("version")):
		text += " in version " + value.Str(d.At("version")) + "."
	default:
		text += " in a future release."
	}
	return text + " Deprecation warnings can be disabled by setting deprecation_warnings=False in ansible.cfg."
}

// exception prints the traceback of a module that broke, or its last line.
func (a *Ansible) exception(values *value.Dict) {
	v, ok := values.Get("exception")
	if !ok {
		return
	}
	text := value.Str(v)
	if a.o.Verbosity < 3 {
		text = strings.TrimSpace(text)
		text = "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: " + text[strings.LastIndexByte(text, '\n')+1:]
	} else {
		text = "The full traceback is:\n" + text
	}
	a.print(a.failureWriter(), text, "error")
}

func (a *Ansible) diffs(task int, r event.Result) {
	if len(r.Diffs) == 0 || r.NoLog || !truthy(r.Values, "changed") {
		return
	}
	var b strings.Builder
	for _, d := range r.Diffs {
		for _, line := range diffLines(d, a.o.DiffContext) {
			b.WriteString(a.diffColor(visible(line)))
		}
	}
	if b.Len() == 0 {
		return
	}
	a.taskBanner(task)
	a.line(b.String(), "")
}

// diffLines are the lines of one difference, each with its end, and an empty
// one behind a comparison.
func diffLines(d event.Diff, context int) []string {
	if d.Prepared != "" {
		return []string{d.Prepared}
	}
	header := func(word, h string) string {
		if h == "" {
			return word
		}
		return word + ": " + h
	}
	lines := unifiedDiff(endedLines(d.Before), endedLines(d.After), header("before", d.BeforeHeader), header("after", d.AfterHeader), context)
	if len(lines) > 0 {
		lines = append(lines, "\n")
	}
	return lines
}

// endedLines splits a text and marks a last line without its end.
func endedLines(s string) []string {
	lines := splitLines(s)
	if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
		lines[n-1] += "\n\\ No newline at end of file\n"
	}
	return lines
}

func (a *Ansible) diffColor(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		return a.color(line, "diff_add")
	case strings.HasPrefix(line, "-"):
		return a.color(line, "diff_remove")
	case strings.HasPrefix(line, "@@"):
		return a.color(line, "diff_lines")
	}
	return line
}

func (a *Ansible) stats(d event.Stats) {
	key := d.Host
	if key == "" {
		key = "_run"
	}
	if a.custom[key] == nil {
		a.custom[key] = &value.Dict{}
	}
	a.custom[key].Update(d.Data)
}

func (a *Ansible) recap(rows []event.Recap) {
	rows = append([]event.Recap(nil), rows...)
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Host < rows[j].Host })
	a.banner("PLAY RECAP")
	for _, r := range rows {
		if r.OK+r.Changed+r.Unreachable+r.Failed+r.Skipped+r.Rescued+r.Ignored > 0 {
			a.line(a.recapLine(r), "")
		}
	}
	a.line("", "")
	if len(a.custom) > 0 && a.o.CustomStats {
		a.customStats()
	}
	if a.check && a.o.CheckMarkers {
		a.banner("DRY RUN")
	}
}

func (a *Ansible) recapLine(r event.Recap) string {
	r.Host = visible(r.Host)
	host := fmt.Sprintf("%-26s", r.Host)
	if a.o.Color {
		kind := "ok"
		switch {
		case r.Failed+r.Unreachable > 0:
			kind = "error"
		case r.Changed > 0:
			kind = "changed"
		}
		host = fmt.Sprintf("%-37s", a.color(r.Host, kind))
	}
	cell := func(word string, n int, kind string) string {
		s := fmt.Sprintf("%s=%-4d", word, n)
		if n != 0 {
			s = a.color(s, kind)
		}
		return s
	}
	return fmt.Sprintf("%s : %s %s %s %s %s %s %s", host,
		cell("ok", r.OK, "ok"), cell("changed", r.Changed, "changed"), cell("unreachable", r.Unreachable, "unreachable"),
		cell("failed", r.Failed, "error"), cell("skipped", r.Skipped, "skip"), cell("rescued", r.Rescued, "ok"), cell("ignored", r.Ignored, "warn"))
}

func (a *Ansible) customStats() {
	a.banner("CUSTOM STATS: ")
	hosts := make([]string, 0, len(a.custom))
	for h := range a.custom {
		if h != "_run" {
			hosts = append(hosts, h)
		}
	}
	sort.Strings(hosts)
	text := func(d *value.Dict) string {
		return strings.ReplaceAll(dumpJSON(d, " "), "\n", "")
	}
	for _, h := range hosts {
		a.line(fmt.Sprintf("\t%s: %s", h, text(a.custom[h])), "")
	}
	if run := a.custom["_run"]; run != nil {
		a.line("", "")
		a.line("\tRUN: "+text(run), "")
	}
	a.line("", "")
}

// count keeps the recap of the run so far: a run of several playbooks prints
// one after each.
func (a *Ansible) count(d event.HostTaskEnded) {
	r, t := a.counted(d.Host), a.tasks[d.Task]
	switch d.Outcome {
	case event.OK, event.Changed:
		if isInclude(t) || isAction(t, "meta") {
			return
		}
		r.OK++
		if d.Outcome == event.Changed {
			r.Changed++
		}
	case event.Skipped:
		r.Skipped++
	case event.Unreachable:
		r.Unreachable++
	case event.Rescued:
		r.Rescued++
	case event.Ignored:
		r.OK++
		r.Ignored++
		if truthy(d.Result.Values, "changed") {
			r.Changed++
		}
	case event.Unknown:
		if wasUnreachable(d.Result.Values) {
			r.Unreachable++
			return
		}
		r.Failed++
	case event.Failed, event.Quarantined:
		r.Failed++
	}
}

// counted is the recap of a host so far.
func (a *Ansible) counted(host string) *event.Recap {
	if a.counts[host] == nil {
		a.counts[host] = &event.Recap{Host: host}
	}
	return a.counts[host]
}

func (a *Ansible) soFar() []event.Recap {
	var out []event.Recap
	for _, r := range a.counts {
		out = append(out, *r)
	}
	return out
}
