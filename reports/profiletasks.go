package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sunup/internal/event"
)

// ProfileTasksOptions are the settings of ProfileTasks.
type ProfileTasksOptions struct {
	// Limit is how many tasks the summary lists; 0 lists all.
	Limit int
	// Order is descending, ascending or none.
	Order string
	// Paths adds where each task is written (-vv).
	Paths bool
	// Columns is the width of the summary: at least 79.
	Columns int
}

// ProfileTasks is a Sink that prints a line of times under each task's banner,
// and at the end which tasks took longest, as Ansible's profile_tasks callback
// does. It may be used from several goroutines.
type ProfileTasks struct {
	o   ProfileTasksOptions
	out io.Writer

	mu          sync.Mutex
	began, last time.Time
	current     *profiledTask
	tasks       []*profiledTask
	byID        map[string]*profiledTask
	failed      error
}

// profiledTask is the time of a task; the batches of a serial play add up.
type profiledTask struct {
	name, path string
	started    time.Time
	elapsed    time.Duration
}

// NewProfileTasks returns a sink that prints to w.
func NewProfileTasks(w io.Writer, o ProfileTasksOptions) *ProfileTasks {
	o.Columns = max(o.Columns, minColumns)
	return &ProfileTasks{o: o, out: w, byID: map[string]*profiledTask{}}
}

// Close returns the first error of writing.
func (p *ProfileTasks) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// Emit prints when a task starts and when the run ends.
func (p *ProfileTasks) Emit(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() {
		p.began, p.last = e.Time, e.Time
	}
	switch d := e.Data.(type) {
	case event.TaskStarted:
		p.clock(e.Time)
		p.started(d, e.Time)
	case event.RunEnded:
		p.clock(e.Time)
		p.summary()
	}
}

func (p *ProfileTasks) print(text string) {
	if _, err := io.WriteString(p.out, visible(text)+"\n"); err != nil && p.failed == nil {
		p.failed = fmt.Errorf("print: %w", err)
	}
}

// clock ends the current task and prints the time, that since the last such
// line, and that since the start.
func (p *ProfileTasks) clock(now time.Time) {
	text := fmt.Sprintf("%s (%s)       %s ", now.Local().Format("Monday 02 January 2006  15:04:05 -0700"), clockTime(now.Sub(p.last)), clockTime(now.Sub(p.began)))
	p.print(text + strings.Repeat("*", max(3, minColumns-len(text))) + " ")
	p.last = now
	if p.current != nil {
		p.current.elapsed += now.Sub(p.current.started)
		p.current = nil
	}
}

// clockTime writes hours, minutes, seconds and thousandths.
func clockTime(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
}

func (p *ProfileTasks) started(d event.TaskStarted, now time.Time) {
	key := fmt.Sprint(d.Play, "/", d.ID)
	t := p.byID[key]
	if t == nil {
		t = &profiledTask{name: d.Name, path: placeOf(absolute(d.Pos))}
		p.byID[key] = t
		p.tasks = append(p.tasks, t)
	}
	t.started, p.current = now, t
}

func (p *ProfileTasks) summary() {
	p.print(strings.Repeat("=", minColumns) + " ")
	tasks := slices.Clone(p.tasks)
	switch p.o.Order {
	case "descending":
		slices.SortStableFunc(tasks, func(x, y *profiledTask) int { return int(y.elapsed - x.elapsed) })
	case "ascending":
		slices.SortStableFunc(tasks, func(x, y *profiledTask) int { return int(x.elapsed - y.elapsed) })
	}
	if p.o.Limit > 0 {
		tasks = tasks[:min(len(tasks), p.o.Limit)]
	}
	const timeWidth = 9
	for _, t := range tasks {
		took := fmt.Sprintf(" %.2fs", t.elapsed.Seconds())
		line := dashes(t.name+" ", p.o.Columns-timeWidth) + strings.Repeat("-", max(0, timeWidth-len(took))) + took
		if p.o.Paths {
			line += "\n" + dashes(t.path+" ", p.o.Columns)
		}
		p.print(line)
	}
}

// dashes fills a text up to a width.
func dashes(text string, width int) string {
	return text + strings.Repeat("-", max(0, width-utf8.RuneCountInString(text)))
}
