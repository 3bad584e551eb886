package shell

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"io"
	"sync"
)

// newMark draws the end of a frame. A script cannot know it beforehand.
func newMark() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, says its documentation
	return hex.EncodeToString(b[:])
}

// frame is one command's part of a stream: everything up to the mark, then a
// status word up to the end of the line.
type frame struct {
	mark   []byte
	sink   func([]byte) // gets the content; called with the stream's lock held
	tail   []byte       // may be the beginning of the mark
	found  bool
	status []byte
	done   chan struct{} // closed at the end of the status line, or of the stream
	whole  bool          // the mark was seen; read after done
}

func newFrame(mark string, sink func([]byte)) *frame {
	if sink == nil {
		sink = func([]byte) {}
	}
	return &frame{mark: []byte(mark), sink: sink, done: make(chan struct{})}
}

// endlessFrame is the part of a stream up to its end. Nothing of it is held
// back, since somebody may answer what is asked at its end.
func endlessFrame(sink func([]byte)) *frame {
	f := newFrame("", sink)
	f.mark = nil
	return f
}

// feed takes what arrived and returns what lies behind the frame; ended says
// whether the frame is complete.
func (f *frame) feed(p []byte) (rest []byte, ended bool) {
	if f.mark == nil {
		f.emit(p)
		return nil, false
	}
	if !f.found {
		if len(f.tail) > 0 {
			p = append(f.tail, p...)
			f.tail = nil
		}
		i := bytes.Index(p, f.mark)
		if i < 0 {
			keep := partial(p, f.mark)
			f.emit(p[:len(p)-keep])
			f.tail = append([]byte(nil), p[len(p)-keep:]...)
			return nil, false
		}
		f.emit(p[:i])
		f.found = true
		p = p[i+len(f.mark):]
	}
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		f.status = append(f.status, p...)
		return nil, false
	}
	f.status = append(f.status, p[:i]...)
	f.whole = true
	close(f.done)
	return p[i+1:], true
}

func (f *frame) emit(p []byte) {
	if len(p) > 0 {
		f.sink(p)
	}
}

// lost ends a frame whose mark will not come.
func (f *frame) lost() {
	f.emit(f.tail)
	f.tail = nil
	close(f.done)
}

// partial is the length of the longest end of p that begins mark.
func partial(p, mark []byte) int {
	n := min(len(p), len(mark)-1)
	for ; n > 0; n-- {
		if bytes.HasPrefix(mark, p[len(p)-n:]) {
			return n
		}
	}
	return 0
}

// stream cuts what a process prints into frames. Its one goroutine is pump; the
// lock guards the rest. Ending a stream does not wait for pump, since a lost host
// may take its time to say that nothing comes any more.
type stream struct {
	mu     sync.Mutex
	frames []*frame // waiting, in the order of their marks
	stray  bool     // something was printed outside of any frame
	ended  bool
	closed chan struct{} // closed with ended
}

func newStream() *stream { return &stream{closed: make(chan struct{})} }

// expect adds a frame; it ends at once when the stream is over.
func (s *stream) expect(f *frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		f.lost()
		return
	}
	s.frames = append(s.frames, f)
}

// pump reads until the process closes its end.
func (s *stream) pump(r io.Reader, size int) {
	defer s.end()
	buf := make([]byte, size)
	for {
		n, err := r.Read(buf)
		s.feed(buf[:n])
		if err != nil {
			return
		}
	}
}

func (s *stream) feed(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 && !s.ended {
		if len(s.frames) == 0 {
			s.stray = true
			return
		}
		rest, ended := s.frames[0].feed(p)
		if ended {
			s.frames = s.frames[1:]
		}
		p = rest
	}
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	close(s.closed)
	for _, f := range s.frames {
		f.lost()
	}
	s.frames = nil
}

// clean says that the stream is open and nothing stray came.
func (s *stream) clean() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ended && !s.stray
}

// flush hands over what the waiting frame holds back, for output that is cut
// short by a time limit.
func (s *stream) flush(f *frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !f.found {
		f.emit(f.tail)
		f.tail = nil
	}
	f.sink = func([]byte) {}
}

// capture keeps the first max bytes and counts the others.
type capture struct {
	buf     []byte
	max     int
	dropped int64
}

func (c *capture) write(p []byte) {
	room := c.max - len(c.buf)
	if len(p) > room {
		c.dropped += int64(len(p) - room)
		p = p[:room]
	}
	c.buf = append(c.buf, p...)
}
