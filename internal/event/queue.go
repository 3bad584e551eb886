package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// QueueLimit is how many events a Queue holds in memory when none is given: a
// few seconds of the fastest run, some ten megabytes.
const QueueLimit = 16384

// Queue is a Sink that hands events to another one from a goroutine of its own,
// so that a slow terminal does not hold back the run.
//
// It loses nothing and its memory is bounded. When the other sink is so slow
// that the queue is full, further events go to a temporary file until it has
// caught up: Emit then costs a write to the file, never the wait for the other
// sink. Only when no file can be written does Emit wait.
type Queue struct {
	to    Sink
	limit int

	mu     sync.Mutex
	more   *sync.Cond // something to hand on, or closed
	room   *sync.Cond // the memory has room again
	memory []Event
	spill  *spill // nil while memory is enough
	noFile bool   // a spill failed: wait for room instead
	closed bool
	err    error
	done   chan struct{}
}

// NewQueue starts a queue in front of a sink. A limit of 0 is QueueLimit. Close
// must be called.
func NewQueue(to Sink, limit int) *Queue {
	if limit <= 0 {
		limit = QueueLimit
	}
	q := &Queue{to: to, limit: limit, done: make(chan struct{})}
	q.more, q.room = sync.NewCond(&q.mu), sync.NewCond(&q.mu)
	go q.run()
	return q
}

// Emit queues the event. After Close it does nothing.
func (q *Queue) Emit(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if q.spill != nil || len(q.memory) >= q.limit {
		if q.spillOver(e) {
			q.more.Signal()
			return
		}
		// What was spilled before comes first.
		for !q.closed && (q.spill != nil || len(q.memory) >= q.limit) {
			q.room.Wait()
		}
		if q.closed {
			return
		}
	}
	q.memory = append(q.memory, e)
	q.more.Signal()
}

// spillOver puts the event into the file, and reports whether that worked.
func (q *Queue) spillOver(e Event) bool {
	if q.noFile {
		return false
	}
	if q.spill == nil {
		s, err := newSpill()
		if err != nil {
			q.noFile = true
			return false
		}
		q.spill = s
	}
	if err := q.spill.write(e); err != nil {
		q.noFile = true
		return false
	}
	return true
}

func (q *Queue) run() {
	defer close(q.done)
	for {
		batch, ok := q.take()
		for _, e := range batch {
			q.to.Emit(e)
		}
		if !ok {
			return
		}
	}
}

// take waits for events and returns them in order; ok is false when the queue
// is closed and these are the last.
func (q *Queue) take() (batch []Event, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.memory) == 0 && q.spill == nil && !q.closed {
		q.more.Wait()
	}
	// The memory was filled before the file was begun, and stays empty while
	// there is one.
	if len(q.memory) > 0 {
		batch, q.memory = q.memory, nil
		q.room.Broadcast()
		return batch, true
	}
	if q.spill == nil {
		return nil, false
	}
	batch, err := q.spill.read(q.limit)
	if err != nil && q.err == nil {
		q.err = err
	}
	if q.spill.empty() || err != nil {
		q.spill.close()
		q.spill = nil
		q.room.Broadcast()
	}
	return batch, true
}

// Close hands on what is queued, waits for the other sink to take it, and
// closes it when it can be closed. It may be called again.
func (q *Queue) Close() error {
	q.mu.Lock()
	first := !q.closed
	q.closed = true
	q.more.Broadcast()
	q.room.Broadcast()
	q.mu.Unlock()
	<-q.done
	if !first {
		return nil
	}
	err := q.err
	if c, ok := q.to.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	return err
}

// spill is a queue in a temporary file. It has no name in the file system where
// the system allows that, and is readable only by its owner.
type spill struct {
	file      *os.File
	in        *Reader
	wrote     int64 // events
	taken     int64
	readPos   int64 // bytes
	writePos  int64
	removable string
}

func newSpill() (*spill, error) {
	f, err := os.CreateTemp("", "sunup-events-*")
	if err != nil {
		return nil, fmt.Errorf("queue events: %w", err)
	}
	s := &spill{file: f}
	if os.Remove(f.Name()) != nil {
		s.removable = f.Name() // an open file has its name on some systems
	}
	s.in = NewReader(readerFunc(s.readAt))
	return s, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// readAt reads on from where it was, beside the writing at the end.
func (s *spill) readAt(b []byte) (int, error) {
	n, err := s.file.ReadAt(b, s.readPos)
	s.readPos += int64(n)
	if n > 0 {
		return n, nil
	}
	return n, err
}

// write is not buffered: an event counts as taken over only when the system has
// it.
func (s *spill) write(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("queue event %d: %w", e.Seq, err)
	}
	if _, err := s.file.WriteAt(append(line, '\n'), s.writePos); err != nil {
		return fmt.Errorf("queue event %d: %w", e.Seq, err)
	}
	s.writePos += int64(len(line)) + 1
	s.wrote++
	return nil
}

func (s *spill) empty() bool { return s.taken == s.wrote }

func (s *spill) read(limit int) ([]Event, error) {
	var batch []Event
	for len(batch) < limit && !s.empty() {
		e, err := s.in.Next()
		if err != nil {
			return batch, fmt.Errorf("read queued events: %w", err)
		}
		batch = append(batch, e)
		s.taken++
	}
	return batch, nil
}

func (s *spill) close() {
	_ = s.file.Close() // a temporary file: nothing is lost with it
	if s.removable != "" {
		_ = os.Remove(s.removable)
	}
}
