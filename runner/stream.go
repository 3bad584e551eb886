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
}

func newStream(sink event.Sink, now func() time.Time, past *Journal) *stream {
	s := &stream{sink: sink, now: now, journal: past, warned: map[string]bool{}}
	if past != nil {
		s.seq = past.last
	}
	return s
}

func (s *stream) emit(d event.Data) {
	if s.journal.heard(d) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	s.sink.Emit(event.Event{Seq: s.seq, Time: s.now(), Type: d.Type(), Data: d})
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
