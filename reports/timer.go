package reports

import (
	"fmt"
	"io"
	"sync"
	"time"

	"sunup/internal/event"
)

// Timer is a Sink that prints at the end how long the run took, as Ansible's
// timer callback does. It may be used from several goroutines.
type Timer struct {
	out io.Writer

	mu     sync.Mutex
	began  time.Time
	failed error
}

// NewTimer returns a sink that prints to w.
func NewTimer(w io.Writer) *Timer { return &Timer{out: w} }

// Close returns the error of writing.
func (t *Timer) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// Emit prints when the event is the run's end.
func (t *Timer) Emit(e event.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began.IsZero() {
		t.began = e.Time
	}
	if _, ended := e.Data.(event.RunEnded); !ended {
		return
	}
	s := int(e.Time.Sub(t.began) / time.Second)
	_, err := fmt.Fprintf(t.out, "Playbook run took %d days, %d hours, %d minutes, %d seconds\n", s/86400, s/3600%24, s/60%60, s%60)
	if err != nil {
		t.failed = fmt.Errorf("print: %w", err)
	}
}
