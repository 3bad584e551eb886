package event

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Writer is a Sink that writes a stream: one JSON object per line. It buffers,
// and writes everything out at the end of a run and on Flush and Close. It may
// be used from several goroutines.
type Writer struct {
	mu  sync.Mutex
	buf *bufio.Writer
	enc *json.Encoder
	err error
}

// NewWriter returns a Writer to w; closing w stays with the caller.
func NewWriter(w io.Writer) *Writer {
	buf := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(buf)
	// The stream is not HTML: <, > and & stay readable.
	enc.SetEscapeHTML(false)
	return &Writer{buf: buf, enc: enc}
}

// Emit writes one event. An error is kept for Flush and Close, and ends the
// writing: a stream with a hole would be believed.
func (w *Writer) Emit(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	if err := w.enc.Encode(e); err != nil {
		w.err = fmt.Errorf("write event %d (%s): %w", e.Seq, e.Type, err)
		return
	}
	if e.Type == TypeRunEnded {
		w.flush()
	}
}

// Flush writes out what is buffered and returns the first error so far.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	return w.err
}

func (w *Writer) flush() {
	if err := w.buf.Flush(); err != nil && w.err == nil {
		w.err = fmt.Errorf("write events: %w", err)
	}
}

// Close is Flush; it may be called again.
func (w *Writer) Close() error { return w.Flush() }

// MaxLine is the longest line a Reader accepts: a result with a few megabytes
// of output fits, a broken file does not fill the memory.
const MaxLine = 64 << 20

// ErrLineTooLong is returned for a line longer than the Reader's limit.
var ErrLineTooLong = errors.New("the line is longer than an event can be")

// Reader reads a stream that a Writer wrote.
type Reader struct {
	in      *bufio.Reader
	max     int
	line    int
	cut     bool
	unknown map[Type]int
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 64<<10), max: MaxLine, unknown: map[Type]int{}}
}

// Next returns the next event, or io.EOF at the end. A last line without its
// end that cannot be read is taken as the mark of a writer that was killed: it
// counts as the end, and Cut reports it. Empty lines are skipped.
func (r *Reader) Next() (Event, error) {
	for {
		line, ended, err := r.readLine()
		if err != nil {
			return Event{}, err
		}
		text := bytes.TrimSpace(line)
		if len(text) == 0 {
			if !ended {
				return Event{}, io.EOF
			}
			continue
		}
		var e Event
		if err := json.Unmarshal(text, &e); err != nil {
			if !ended {
				r.cut = true
				return Event{}, io.EOF
			}
			return Event{}, fmt.Errorf("line %d: %w", r.line, err)
		}
		if _, ok := e.Data.(Raw); ok && (len(r.unknown) < 100 || r.unknown[e.Type] > 0) {
			r.unknown[e.Type]++
		}
		return e, nil
	}
}

// Cut reports whether the stream ended in the middle of a line.
func (r *Reader) Cut() bool { return r.cut }

// Unknown counts the events of kinds that this version does not know; they
// were returned as Raw.
func (r *Reader) Unknown() map[Type]int { return r.unknown }

// readLine returns the next line without its end; ended is false for a last
// line that has none.
func (r *Reader) readLine() (line []byte, ended bool, err error) {
	r.line++
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line)+len(part) > r.max {
			return nil, false, fmt.Errorf("line %d: %w (%d bytes)", r.line, ErrLineTooLong, r.max)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return line, false, nil
		default:
			return nil, false, fmt.Errorf("line %d: read: %w", r.line, err)
		}
	}
}

// ReadAll reads a whole stream. Use Next when it may be large.
func ReadAll(r io.Reader) ([]Event, error) {
	in := NewReader(r)
	var out []Event
	for {
		e, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
}
