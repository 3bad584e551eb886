package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"sunup/internal/event"
	"sunup/internal/value"
)

// AnsibleJUnitOptions are the settings of AnsibleJUnit; each is a JUNIT_*
// variable of Ansible's junit callback.
type AnsibleJUnitOptions struct {
	Dir          string // JUNIT_OUTPUT_DIR: where the files go; made when it is not there
	TaskClass    bool   // JUNIT_TASK_CLASS: one class per file, without the line
	RelativeTo   string // JUNIT_TASK_RELATIVE_PATH: what paths are relative to
	FailOnChange bool   // JUNIT_FAIL_ON_CHANGE
	FailOnIgnore bool   // JUNIT_FAIL_ON_IGNORE
	NoSetup      bool   // JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT=false
	Prefix       string // JUNIT_TEST_CASE_PREFIX: only such tasks, and failures
	Verbosity    int    // from 3 on, results are indented
}

// AnsibleJUnit is a Sink that writes one file of JUnit XML for each playbook,
// as Ansible's junit callback does with JUNIT_HIDE_TASK_ARGUMENTS: a case for
// each task on each host. Arguments may be secret and are in no event. Cases lie
// in a temporary file until the end. It may be used from several goroutines.
type AnsibleJUnit struct {
	o AnsibleJUnitOptions

	mu       sync.Mutex
	spool    *os.File
	size     int64
	playbook string
	plays    map[int]string
	tasks    map[int]*junitTask
	again    map[string]*junitTask
	order    []*junitTask
	items    map[cellKey][]any
	failed   error
}

// junitTask is a task with its cases.
type junitTask struct {
	event.TaskStarted
	name    string
	play    string
	started time.Time
	cases   []junitSpan
	// included are the files that the task included, one in a line.
	included   []string
	includedAt time.Time
}

// junitSpan is a case in the temporary file.
type junitSpan struct {
	from, to int64
	took     time.Duration
	kind     string
}

// The kinds of cases.
const (
	junitOK      = "ok"
	junitSkipped = "skipped"
	junitFailed  = "failed"
	junitError   = "error"
)

// NewAnsibleJUnit makes the directory. Close removes the temporary file.
func NewAnsibleJUnit(o AnsibleJUnitOptions) (*AnsibleJUnit, error) {
	if err := os.MkdirAll(o.Dir, 0o777); err != nil {
		return nil, fmt.Errorf("make the directory of JUnit files: %w", err)
	}
	spool, err := os.CreateTemp("", "sunup-junit-")
	if err != nil {
		return nil, fmt.Errorf("keep the cases of JUnit files: %w", err)
	}
	return &AnsibleJUnit{
		o: o, spool: spool, plays: map[int]string{}, tasks: map[int]*junitTask{}, again: map[string]*junitTask{}, items: map[cellKey][]any{},
	}, nil
}

// Emit takes one event; the file is written when a playbook ends.
func (j *AnsibleJUnit) Emit(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch d := e.Data.(type) {
	case event.PlayStarted:
		if j.playbook != "" && d.Playbook != j.playbook {
			j.keep(j.write(e.Time))
		}
		j.playbook = d.Playbook
		j.plays[d.Play] = d.Name
	case event.TaskStarted:
		j.taskStarted(d, e.Time)
	case event.ItemEnded:
		key := cellKey{d.Task, d.Host}
		j.items[key] = append(j.items[key], itemValues(d))
	case event.HostTaskEnded:
		j.ended(d, e.Time)
	case event.Included:
		if t := j.tasks[d.Task]; t != nil && d.Role == "" {
			t.included = append(t.included, fmt.Sprintf("%s (args={} vars={}): [%s]", d.File, strings.Join(d.Hosts, ", ")))
			t.includedAt = e.Time
		}
	case event.RunEnded:
		if j.playbook != "" {
			j.keep(j.write(e.Time))
		}
	}
}

func (j *AnsibleJUnit) keep(err error) {
	if err != nil && j.failed == nil {
		j.failed = fmt.Errorf("write JUnit XML: %w", err)
	}
}

// Close removes what was kept and returns the first error.
func (j *AnsibleJUnit) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.failed, j.spool.Close(), os.Remove(j.spool.Name()))
}

func (j *AnsibleJUnit) taskStarted(d event.TaskStarted, at time.Time) {
	key := fmt.Sprint(d.Play, "/", d.ID)
	if t := j.again[key]; t != nil {
		j.tasks[d.Task] = t
		return
	}
	t := &junitTask{TaskStarted: d, name: strings.TrimSpace(d.Name), play: j.plays[d.Play], started: at}
	t.Pos = absolute(t.Pos)
	j.tasks[d.Task], j.again[key] = t, t
	j.order = append(j.order, t)
}

// kind is how a result counts; "" leaves it out, as hosts that were not
// reached are.
func (j *AnsibleJUnit) kind(t *junitTask, d event.HostTaskEnded) string {
	kind := junitOK
	switch d.Outcome {
	case event.Skipped:
		kind = junitSkipped
	case event.Unreachable:
		return ""
	case event.OK, event.Changed:
	case event.Ignored:
		if wasUnreachable(d.Result.Values) {
			return ""
		}
		if j.o.FailOnIgnore {
			kind = junitFailed
		}
	default:
		kind = junitFailed
	}
	if j.o.FailOnChange && kind == junitOK && truthy(d.Result.Values, "changed") {
		kind = junitFailed
	}
	switch {
	case kind == junitFailed && strings.Contains(t.name, "EXPECTED FAILURE"):
		return junitOK
	case kind == junitFailed && strings.Contains(t.name, "TOGGLE RESULT"):
		return junitOK
	case kind == junitOK && strings.Contains(t.name, "TOGGLE RESULT"):
		return junitFailed
	}
	return kind
}

func (j *AnsibleJUnit) ended(d event.HostTaskEnded, at time.Time) {
	key := cellKey{d.Task, d.Host}
	items := j.items[key]
	delete(j.items, key)
	t := j.tasks[d.Task]
	if t == nil || isAction(t.TaskStarted, "meta") || j.o.NoSetup && isAction(t.TaskStarted, "setup", "gather_facts") {
		return
	}
	kind := j.kind(t, d)
	if kind == "" || kind != junitFailed && !strings.HasPrefix(t.name, j.o.Prefix) {
		return
	}
	values := withIncludeArgs(shownValues(d.Result))
	if d.Loop && !d.Result.NoLog && !values.Has("results") {
		values = values.Copy()
		values.Set("results", &value.List{Items: items})
	}
	inner, kind := j.result(t, d, values, kind)
	j.add(t, j.testCase(t, d.Host, at.Sub(t.started), inner), at.Sub(t.started), kind)
}

func (j *AnsibleJUnit) add(t *junitTask, text string, took time.Duration, kind string) {
	n, err := j.spool.WriteString(text)
	j.keep(err)
	t.cases = append(t.cases, junitSpan{from: j.size, to: j.size + int64(n), took: took, kind: kind})
	j.size += int64(n)
}

// result is what stands within the case. A failure with an exception is an
// error.
func (j *AnsibleJUnit) result(t *junitTask, d event.HostTaskEnded, values *value.Dict, kind string) (inner, counted string) {
	indent := ""
	if !d.Loop && alwaysVerbose(t.TaskStarted, values, d.Outcome) || j.o.Verbosity > 2 {
		indent = "    "
	}
	shown := without(values, "exception")
	if j.o.Verbosity < 3 {
		shown = without(shown, "invocation", "diff")
	}
	dump := dumpLines(shown, indent)
	switch kind {
	case junitOK:
		return junitElement("system-out", "", dump), kind
	case junitSkipped:
		reason := "skipped"
		if v, ok := values.Get("skip_reason"); ok {
			reason = value.Str(v)
		}
		return junitElement("skipped", "", reason), kind
	}
	if v, ok := values.Get("exception"); ok {
		text := strings.TrimSpace(value.Str(v))
		return junitElement("error", junitMessage(text[strings.LastIndexByte(text, '\n')+1:], "error"), value.Str(v)), junitError
	}
	message := "rc=0"
	if v, ok := values.Get("msg"); ok {
		message = value.Str(v)
	} else if v, ok := values.Get("rc"); ok {
		message = "rc=" + value.Str(v)
	}
	return junitElement("failure", junitMessage(message, "failure"), dump), kind
}

func junitMessage(message, kind string) string {
	return fmt.Sprintf(` message="%s" type="%s"`, junitText(message), kind)
}

func junitElement(name, attributes, text string) string {
	if text == "" {
		return fmt.Sprintf("\t\t\t<%s%s/>\n", name, attributes)
	}
	return fmt.Sprintf("\t\t\t<%s%s>%s</%s>\n", name, attributes, junitText(text), name)
}

var junitEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", ">", "&gt;")

// junitText is text as XML can hold it.
func junitText(s string) string { return junitEscapes.Replace(safeText(s)) }

var yamlLine = regexp.MustCompile(`\.yml:[0-9]+$`)

func (j *AnsibleJUnit) class(t *junitTask) string {
	class := placeOf(t.Pos)
	if j.o.RelativeTo != "" && class != "" {
		if base, err := filepath.Abs(j.o.RelativeTo); err == nil {
			if rel, err := filepath.Rel(base, class); err == nil {
				class = rel
			}
		}
	}
	if j.o.TaskClass {
		class = yamlLine.ReplaceAllString(class, "")
	}
	return class
}

func (j *AnsibleJUnit) testCase(t *junitTask, host string, took time.Duration, inner string) string {
	return fmt.Sprintf("\t\t<testcase classname=\"%s\" name=\"%s\" time=\"%s\">\n%s\t\t</testcase>\n", junitText(j.class(t)),
		junitText(fmt.Sprintf("[%s] %s: %s", host, t.play, t.name)), junitSeconds(took), inner)
}

func junitSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// write makes the file of a playbook that has ended. As there, the file of a
// later playbook has the cases of those before it too.
func (j *AnsibleJUnit) write(now time.Time) error {
	j.addIncluded()
	name := strings.TrimSuffix(filepath.Base(j.playbook), filepath.Ext(j.playbook))
	stamp := strconv.FormatFloat(float64(now.UnixMicro())/1e6, 'f', -1, 64)
	file, err := os.Create(filepath.Join(j.o.Dir, name+"-"+stamp+".xml"))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 64<<10)
	return errors.Join(j.document(out, name), out.Flush(), file.Close())
}

func (j *AnsibleJUnit) addIncluded() {
	for _, t := range j.order {
		if len(t.included) > 0 && strings.HasPrefix(t.name, j.o.Prefix) {
			took := t.includedAt.Sub(t.started)
			j.add(t, j.testCase(t, "include", took, junitElement("system-out", "", strings.Join(t.included, "\n"))), took, junitOK)
		}
		t.included = nil
	}
}

func (j *AnsibleJUnit) document(out io.Writer, name string) error {
	count := map[string]int{}
	var took time.Duration
	tests := 0
	for _, t := range j.order {
		for _, c := range t.cases {
			count[c.kind]++
			tests++
			took += c.took
		}
	}
	_, err := fmt.Fprintf(out, "<?xml version=\"1.0\" ?>\n<testsuites disabled=\"0\" errors=\"%d\" failures=\"%d\" tests=\"%d\" time=\"%s\">\n"+
		"\t<testsuite disabled=\"0\" errors=\"%[1]d\" failures=\"%[2]d\" name=\"%[5]s\" skipped=\"%[6]d\" tests=\"%[3]d\" time=\"%[4]s\">\n",
		count[junitError], count[junitFailed], tests, junitSeconds(took), junitText(name), count[junitSkipped])
	if err != nil {
		return err
	}
	for _, t := range j.order {
		for _, c := range t.cases {
			if _, err := io.Copy(out, io.NewSectionReader(j.spool, c.from, c.to-c.from)); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(out, "\t</testsuite>\n</testsuites>\n")
	return err
}
