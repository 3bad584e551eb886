package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/value"
)

// AnsibleJSON is a Sink that prints a run as Ansible's json callback does: one
// document at the end. Until then results lie in a temporary file. It may be
// used from several goroutines.
type AnsibleJSON struct {
	o   AnsibleJSONOptions
	out io.Writer

	mu     sync.Mutex
	spool  *os.File
	fold   *ansibleFold
	stats  map[string]*value.Dict
	failed error
}

// AnsibleJSONOptions are the settings of AnsibleJSON.
type AnsibleJSONOptions struct {
	CustomStats bool // show_custom_stats
	// Warnings takes the warnings of the run; nil drops them.
	Warnings event.Sink
}

// NewAnsibleJSON returns a sink that prints to w. Close removes its temporary
// file.
func NewAnsibleJSON(w io.Writer, o AnsibleJSONOptions) (*AnsibleJSON, error) {
	spool, err := os.CreateTemp("", "sunup-ansible-json-")
	if err != nil {
		return nil, fmt.Errorf("keep results for the JSON output: %w", err)
	}
	return &AnsibleJSON{o: o, out: w, spool: spool, fold: newAnsibleFold(spool), stats: map[string]*value.Dict{}}, nil
}

// Emit takes one event; with the last one the document is printed.
func (a *AnsibleJSON) Emit(e event.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch d := e.Data.(type) {
	case event.Warning:
		if a.o.Warnings != nil {
			a.o.Warnings.Emit(e)
		}
	case event.Stats:
		if a.stats[d.Host] == nil {
			a.stats[d.Host] = &value.Dict{}
		}
		a.stats[d.Host].Update(d.Data)
	case event.RunEnded:
		a.keep(a.print(d.Recap))
	case event.PlayStarted:
		d.Pos = absolute(d.Pos)
		e.Data = d
		a.keep(a.fold.take(e))
	case event.TaskStarted:
		d.Pos = absolute(d.Pos)
		e.Data = d
		a.keep(a.fold.take(e))
	default:
		a.keep(a.fold.take(e))
	}
}

// absolute names the file by its full path, while the run is where it began.
func absolute(p diag.Pos) diag.Pos {
	if file, err := filepath.Abs(p.File); err == nil && !p.IsZero() {
		p.File = file
	}
	return p
}

func (a *AnsibleJSON) keep(err error) {
	if err != nil && a.failed == nil {
		a.failed = fmt.Errorf("print the JSON output: %w", err)
	}
}

func (a *AnsibleJSON) print(recap []event.Recap) error {
	if err := a.fold.spool.Flush(); err != nil {
		return err
	}
	r := &Report{Recap: recap}
	if a.o.CustomStats {
		for host, data := range a.stats {
			r.Stats = append(r.Stats, Stats{Host: host, Data: data})
		}
	}
	out := &ansibleWriter{out: bufio.NewWriterSize(a.out, 64<<10), spool: a.spool}
	out.document(a.fold, r)
	return errors.Join(out.err, out.out.Flush())
}

// Close removes what was kept and returns the first error.
func (a *AnsibleJSON) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return errors.Join(a.failed, a.spool.Close(), os.Remove(a.spool.Name()))
}
