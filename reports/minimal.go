package reports

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"sunup/internal/event"
	"sunup/internal/value"
)

// Minimal is a Sink that prints one result per host, as `ansible` does for a
// single task: a line, or with OneLine never more than one.
type Minimal struct {
	out, err io.Writer
	o        MinimalOptions

	mu     sync.Mutex
	tasks  map[int]event.TaskStarted
	warned map[string]bool
	failed error
}

// MinimalOptions are the settings of Minimal.
type MinimalOptions struct {
	OneLine   bool
	Color     bool
	Verbosity int
	Stderr    io.Writer // takes warnings
}

// NewMinimal returns a sink that prints to w.
func NewMinimal(w io.Writer, o MinimalOptions) *Minimal {
	m := &Minimal{out: w, err: o.Stderr, o: o, tasks: map[int]event.TaskStarted{}, warned: map[string]bool{}}
	if m.err == nil {
		m.err = w
	}
	return m
}

// Close returns the first error of writing.
func (m *Minimal) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// Emit prints the event when it is a result or a warning.
func (m *Minimal) Emit(e event.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch d := e.Data.(type) {
	case event.TaskStarted:
		m.tasks[d.Task] = d
	case event.Warning:
		if text := "[WARNING]: " + d.Text.String(); !m.warned[text] && len(m.warned) < maxWarned {
			m.warned[text] = true
			m.line(m.err, text, "warn")
		}
	case event.PlayStarted:
		if d.NoHosts != "" {
			m.line(m.err, "[WARNING]: No hosts matched, nothing to do", "warn")
		}
	case event.HostTaskEnded:
		m.host(m.tasks[d.Task], d)
	}
}

func (m *Minimal) line(w io.Writer, text, kind string) {
	if _, err := io.WriteString(w, paint(visible(text), kind, m.o.Color)+"\n"); err != nil && m.failed == nil {
		m.failed = fmt.Errorf("print: %w", err)
	}
}

// paint colours as the default output does.
func paint(text, kind string, color bool) string {
	if !color {
		return text
	}
	a := &Ansible{o: AnsibleOptions{Color: true}}
	return a.color(text, kind)
}

// isText are the modules whose result is what a command printed.
func isText(t event.TaskStarted) bool { return isAction(t, "command", "shell", "raw", "script") }

func (m *Minimal) host(t event.TaskStarted, d event.HostTaskEnded) {
	values := shownValues(d.Result)
	for _, w := range items(values.At("warnings")) {
		m.line(m.err, "[WARNING]: "+value.Str(w), "warn")
	}
	values = without(values, "warnings", "deprecations")
	switch d.Outcome {
	case event.Skipped:
		m.line(m.out, d.Host+" | SKIPPED", "skip")
	case event.Unreachable:
		if m.o.OneLine {
			m.line(m.out, fmt.Sprintf("%s | UNREACHABLE!: %s", d.Host, value.Str(values.At("msg"))), "unreachable")
			return
		}
		m.line(m.out, fmt.Sprintf("%s | UNREACHABLE! => %s", d.Host, m.dump(t, values, d)), "unreachable")
	case event.OK, event.Changed:
		word, kind := "SUCCESS", "ok"
		if d.Outcome == event.Changed {
			word, kind = "CHANGED", "changed"
		}
		if !m.o.OneLine {
			values = cleaned(t, values)
		}
		values = withIncludeArgs(values)
		if isText(t) && !values.Has("ansible_job_id") {
			m.line(m.out, m.text(d.Host, word, values), kind)
			return
		}
		m.line(m.out, fmt.Sprintf("%s | %s => %s", d.Host, word, m.dump(t, values, d)), kind)
	default:
		if isText(t) && !values.Has("module_stderr") && !m.o.OneLine {
			m.line(m.out, m.text(d.Host, "FAILED", values), "error")
			return
		}
		m.line(m.out, fmt.Sprintf("%s | FAILED! => %s", d.Host, m.dump(t, values, d)), "error")
	}
}

func items(v any) []any {
	if l, ok := v.(*value.List); ok {
		return l.Items
	}
	return nil
}

// text is the result of a command as it printed it.
func (m *Minimal) text(host, word string, values *value.Dict) string {
	rc := "-1"
	if v, ok := values.Get("rc"); ok {
		rc = value.Str(v)
	}
	part := func(name string) string {
		if v := values.At(name); v != nil {
			return value.Str(v)
		}
		return ""
	}
	if !m.o.OneLine {
		return fmt.Sprintf("%s | %s | rc=%s >>\n%s%s%s", host, word, rc, part("stdout"), part("stderr"), part("msg"))
	}
	escape := strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace
	out := fmt.Sprintf("%s | %s | rc=%s | (stdout) %s", host, word, rc, escape(part("stdout")))
	if s := part("stderr"); s != "" {
		out += " (stderr) " + escape(s)
	}
	return out
}

func (m *Minimal) dump(t event.TaskStarted, values *value.Dict, d event.HostTaskEnded) string {
	shown := without(values, "exception")
	if m.o.Verbosity < 3 {
		shown = without(shown, "invocation", "diff")
	}
	if !m.o.OneLine {
		return dumpJSON(shown, "    ")
	}
	indent := ""
	if !d.Loop && alwaysVerbose(t, values, d.Outcome) || m.o.Verbosity > 2 {
		indent = "    "
	}
	// Lines are joined as they are: their indentation stays.
	return strings.ReplaceAll(dumpLines(shown, indent), "\n", "")
}

// withIncludeArgs adds the arguments of an include that has none: Ansible shows
// them.
func withIncludeArgs(values *value.Dict) *value.Dict {
	if values.At("include") == nil || values.At("include_args") != nil {
		return values
	}
	values = values.Copy()
	values.Set("include_args", &value.Dict{})
	return values
}
