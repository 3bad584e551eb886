package runner

import (
	"sync"
	"time"

	"sunup/internal/event"
	"sunup/internal/say"
)

// stream numbers events and hands them to the sink one at a time.
type stream struct {
	mu   sync.Mutex
	sink event.Sink
	now  func() time.Time
	seq  int64
	// journal knows what was told before the run broke; may be nil.
	journal *Journal
	// warned are the warnings already told: each is said once per run.
	warned map[string]bool
	ahead  *prospects // nil when nothing is foreseen
}

func newStream(sink event.Sink, now func() time.Time, past *Journal) *stream {
	s := &stream{sink: sink, now: now, journal: past, warned: map[string]bool{}}
	if past != nil {
		s.seq = past.last
	}
	return s
}

// emit tells an event and returns its number; 0 when it was told before.
func (s *stream) emit(d event.Data) int64 {
	heard := s.journal.heard(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if heard { // told before the run broke: only the forecast is made anew
		s.seen(event.New(0, s.now(), d))
		return 0
	}
	e := s.send(d)
	s.seen(e)
	return e.Seq
}

// send numbers an event and hands it on. The lock is held.
func (s *stream) send(d event.Data) event.Event {
	s.seq++
	e := event.Event{Seq: s.seq, Time: s.now(), Type: d.Type(), Data: d}
	s.sink.Emit(e)
	return e
}

func (s *stream) warn(host string, text say.Text) {
	key := host + "\x00" + text.String()
	s.mu.Lock()
	told := s.warned[key]
	s.warned[key] = true
	s.mu.Unlock()
	if !told {
		s.emit(event.Warning{Text: text, Host: host})
	}
}
