package reports

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/value"
)

// WriteAnsibleJSON writes the run in the shape of Ansible's json callback, for
// programs that read that: plays with tasks with the results of hosts, and
// stats. Results lie in a temporary file until their task is complete, so that
// the memory does not depend on how much the hosts said.
func WriteAnsibleJSON(w io.Writer, s Source) error {
	if s.Events == nil {
		return ErrNoEvents
	}
	spool, err := os.CreateTemp("", "sunup-ansible-json-")
	if err != nil {
		return fmt.Errorf("write ansible JSON: %w", err)
	}
	defer spool.Close()
	defer os.Remove(spool.Name())
	f := newAnsibleFold(spool)
	for e, err := range event.Settled(s.Events) {
		if err != nil {
			return fmt.Errorf("write ansible JSON: %w", err)
		}
		if err := f.take(e); err != nil {
			return fmt.Errorf("write ansible JSON: %w", err)
		}
	}
	if err := f.spool.Flush(); err != nil {
		return fmt.Errorf("write ansible JSON: %w", err)
	}
	out := &ansibleWriter{out: bufio.NewWriterSize(w, 64<<10), spool: spool}
	out.document(f, s.Report)
	if out.err == nil {
		out.err = out.out.Flush()
	}
	if out.err != nil {
		return fmt.Errorf("write ansible JSON: %w", out.err)
	}
	return nil
}

// ansibleFold sorts results by play and task.
type ansibleFold struct {
	order   []*ansiblePlay
	plays   map[int]*ansiblePlay
	tasks   map[int]*ansibleTask
	again   map[string]*ansibleTask // by play and ID, for runs that were resumed
	resumed bool
	items   map[cellKey][]any // of loops, until their task ends
	spool   *bufio.Writer
	size    int64
}

type ansiblePlay struct {
	event.PlayStarted
	began, ended time.Time
	tasks        []*ansibleTask
}

type ansibleTask struct {
	event.TaskStarted
	began, ended time.Time
	hosts        []spooled
}

// spooled is a host's result in the temporary file.
type spooled struct {
	host     string
	from, to int64
}

func newAnsibleFold(spool io.Writer) *ansibleFold {
	return &ansibleFold{spool: bufio.NewWriterSize(spool, 256<<10), plays: map[int]*ansiblePlay{}, tasks: map[int]*ansibleTask{}, again: map[string]*ansibleTask{}, items: map[cellKey][]any{}}
}

func (f *ansibleFold) take(e event.Event) error {
	switch d := e.Data.(type) {
	case event.RunResumed:
		f.resumed = true
	case event.PlayStarted:
		if f.plays[d.Play] == nil {
			f.plays[d.Play] = &ansiblePlay{PlayStarted: d, began: e.Time}
			f.order = append(f.order, f.plays[d.Play])
		}
	case event.TaskStarted:
		f.taskStarted(d, e.Time)
	case event.Meta:
		return f.meta(d, e.Time)
	case event.ItemEnded:
		key := cellKey{d.Task, d.Host}
		f.items[key] = append(f.items[key], itemValues(d))
	case event.HostTaskEnded:
		return f.ended(d, e.Time)
	}
	return nil
}

func (f *ansibleFold) taskStarted(d event.TaskStarted, at time.Time) {
	p := f.plays[d.Play]
	if p == nil {
		return
	}
	key := columnKey(d)
	if t := f.again[key]; t != nil && f.resumed {
		f.tasks[d.Task] = t
		return
	}
	t := &ansibleTask{TaskStarted: d, began: at}
	f.tasks[d.Task], f.again[key] = t, t
	p.tasks = append(p.tasks, t)
}

// meta is a meta task: a task of its own for each host, with a result only where
// it was skipped.
func (f *ansibleFold) meta(d event.Meta, at time.Time) error {
	p := f.plays[d.Play]
	if p == nil {
		return nil
	}
	t := &ansibleTask{TaskStarted: event.TaskStarted{Play: d.Play, ID: d.ID, Name: d.Name, Action: "meta"}, began: at, ended: at}
	p.tasks = append(p.tasks, t)
	if d.Skipped == "" {
		return nil
	}
	return f.keep(t, d.Host, value.NewDict("action", t.Action, "msg", d.Done, "skip_reason", d.Skipped, "skipped", true))
}

// itemValues is the result of one item, as it stands in results.
func itemValues(d event.ItemEnded) *value.Dict {
	if d.Result.NoLog || d.Result.Values == nil {
		return censored(d.Result.Values)
	}
	values := d.Result.Values.Copy()
	values.Set("failed", false)
	mark(values, d.Outcome)
	return values
}

// mark says in Ansible's words how a result ended.
func mark(values *value.Dict, o event.Outcome) {
	switch o {
	case event.Failed, event.Ignored, event.Rescued, event.Quarantined:
		values.Set("failed", true)
	case event.Skipped:
		values.Set("skipped", true)
	case event.Unreachable:
		values.Set("unreachable", true)
	}
}

func censored(values *value.Dict) *value.Dict {
	return value.NewDict("censored", censoredText, "changed", truthy(values, "changed"))
}

func (f *ansibleFold) ended(d event.HostTaskEnded, at time.Time) error {
	key := cellKey{d.Task, d.Host}
	items := f.items[key]
	delete(f.items, key)
	t := f.tasks[d.Task]
	if t == nil {
		return nil
	}
	values := d.Result.Values
	if d.Result.NoLog || values == nil {
		values = censored(values)
	}
	values = values.Copy()
	if values.At("censored") == nil {
		mark(values, d.Outcome)
	}
	values.Set("action", t.Action)
	values = withIncludeArgs(values)
	if d.Loop && values.At("results") == nil {
		values.Set("results", &value.List{Items: items})
	}
	if err := f.keep(t, d.Host, values); err != nil {
		return err
	}
	t.ended = at
	if p := f.plays[t.Play]; p != nil {
		p.ended = at
	}
	return nil
}

// keep writes a host's result to the temporary file.
func (f *ansibleFold) keep(t *ansibleTask, host string, values *value.Dict) error {
	text, err := value.EncodeJSON(values, ansibleJSON)
	if err != nil {
		return fmt.Errorf("result of %s: %w", host, err)
	}
	n, err := f.spool.WriteString(text)
	if err != nil {
		return err
	}
	t.hosts = slices.DeleteFunc(t.hosts, func(s spooled) bool { return f.resumed && s.host == host })
	t.hosts = append(t.hosts, spooled{host, f.size, f.size + int64(n)})
	f.size += int64(n)
	return nil
}

// ansibleJSON is how the callback writes: sorted keys, four spaces.
var ansibleJSON = value.JSONOptions{Pretty: true, Indent: "    ", SortKeys: true, ASCII: true, Default: func(v any) (any, error) { return value.Str(v), nil }}

// ansibleWriter writes the document. The first error is kept.
type ansibleWriter struct {
	out   *bufio.Writer
	spool io.ReaderAt
	err   error
}

func (w *ansibleWriter) text(depth int, s string) {
	if w.err == nil {
		_, w.err = w.out.WriteString(strings.Repeat("    ", depth) + s)
	}
}

// value writes a value whose first line continues the current one.
func (w *ansibleWriter) value(depth int, v any) {
	text, err := value.EncodeJSON(v, ansibleJSON)
	if err != nil {
		w.err = cmp.Or(w.err, err)
		return
	}
	w.text(0, indented(text, depth))
}

// indented shifts all lines but the first. Line ends within text are escaped in
// JSON, so that each one here is between values.
func indented(json string, depth int) string {
	return strings.ReplaceAll(json, "\n", "\n"+strings.Repeat("    ", depth))
}

// commaList writes items with commas between.
func commaList[T any](w *ansibleWriter, depth int, items []T, open, shut string, one func(T)) {
	if len(items) == 0 {
		w.text(0, open+shut)
		return
	}
	w.text(0, open+"\n")
	for i, it := range items {
		if i > 0 {
			w.text(0, ",\n")
		}
		one(it)
	}
	w.text(0, "\n")
	w.text(depth, shut)
}

func (w *ansibleWriter) document(f *ansibleFold, r *Report) {
	global, each := &value.Dict{}, &value.Dict{}
	for _, s := range r.Stats {
		if s.Host == "" {
			global = s.Data
		} else {
			each.Set(s.Host, s.Data)
		}
	}
	w.text(0, "{\n")
	w.text(1, `"custom_stats": `)
	w.value(1, each)
	w.text(0, ",\n")
	w.text(1, `"global_custom_stats": `)
	w.value(1, global)
	w.text(0, ",\n")
	w.text(1, `"plays": `)
	commaList(w, 1, f.order, "[", "]", w.play)
	w.text(0, ",\n")
	w.text(1, `"stats": `)
	w.value(1, ansibleStats(r.Recap))
	w.text(0, "\n}\n")
}

func ansibleStats(recap []event.Recap) *value.Dict {
	out := &value.Dict{}
	for _, c := range recap {
		out.Set(c.Host, value.NewDict("changed", c.Changed, "failures", c.Failed, "ignored", c.Ignored, "ok", c.OK,
			"rescued", c.Rescued, "skipped", c.Skipped, "unreachable", c.Unreachable))
	}
	return out
}

func (w *ansibleWriter) play(p *ansiblePlay) {
	w.text(2, "{\n")
	w.text(3, `"play": `)
	w.value(3, about(fmt.Sprint("play-", p.Play), p.Name, placeOf(p.Pos), p.began, p.ended))
	w.text(0, ",\n")
	w.text(3, `"tasks": `)
	commaList(w, 3, p.tasks, "[", "]", w.task)
	w.text(0, "\n")
	w.text(2, "}")
}

func (w *ansibleWriter) task(t *ansibleTask) {
	w.text(4, "{\n")
	w.text(5, `"hosts": `)
	slices.SortStableFunc(t.hosts, func(x, y spooled) int { return cmp.Compare(x.host, y.host) })
	commaList(w, 5, t.hosts, "{", "}", w.result)
	w.text(0, ",\n")
	w.text(5, `"task": `)
	w.value(5, about(t.ID, t.Name, placeOf(t.Pos), t.began, t.ended))
	w.text(0, "\n")
	w.text(4, "}")
}

func about(id, name, path string, began, ended time.Time) *value.Dict {
	duration := value.NewDict("start", ansibleTime(began))
	if !ended.IsZero() {
		duration.Set("end", ansibleTime(ended))
	}
	return value.NewDict("duration", duration, "id", id, "name", name, "path", path)
}

// placeOf is where something is written, as Ansible tells it: file and line.
func placeOf(p diag.Pos) string {
	p.Col = 0
	return p.String()
}

func ansibleTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func (w *ansibleWriter) result(s spooled) {
	b := make([]byte, s.to-s.from)
	if _, err := w.spool.ReadAt(b, s.from); err != nil && w.err == nil {
		w.err = fmt.Errorf("read back the result of %s: %w", s.host, err)
		return
	}
	name, err := value.EncodeJSON(s.host, ansibleJSON)
	w.err = cmp.Or(w.err, err)
	w.text(6, name+": ")
	w.text(0, indented(string(b), 6))
}
