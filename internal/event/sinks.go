package event

import (
	"errors"
	"io"
	"sync"
)

// Tee returns a Sink that gives every event to each of the sinks in turn. Its
// Close closes those that can be closed, in the same order. Nil sinks are left
// out.
func Tee(sinks ...Sink) *Fan {
	f := &Fan{}
	for _, s := range sinks {
		if s != nil {
			f.sinks = append(f.sinks, s)
		}
	}
	return f
}

// Fan is what Tee returns.
type Fan struct{ sinks []Sink }

// Emit gives the event to each sink.
func (f *Fan) Emit(e Event) {
	for _, s := range f.sinks {
		s.Emit(e)
	}
}

// Close closes the sinks that are io.Closers and returns all their errors.
func (f *Fan) Close() error {
	var errs []error
	for _, s := range f.sinks {
		if c, ok := s.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// SinkFunc makes a function a Sink.
type SinkFunc func(Event)

// Emit calls the function.
func (f SinkFunc) Emit(e Event) { f(e) }

// Recorder is a Sink that keeps everything, for tests. It may be used from
// several goroutines.
type Recorder struct {
	mu     sync.Mutex
	events []Event
}

// Emit keeps the event.
func (r *Recorder) Emit(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Events returns a copy of what was kept so far.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// Of returns the bodies of one kind, in order: Of[HostTaskEnded](r).
func Of[T Data](r *Recorder) []T {
	var out []T
	for _, e := range r.Events() {
		if data, ok := e.Data.(T); ok {
			out = append(out, data)
		}
	}
	return out
}
