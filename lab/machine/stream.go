package machine

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"

	"sunup/lab/hostfs"
)

// Stream is what an open file description reads and writes. Read and Write end
// with ctx's error when ctx ends.
type Stream interface {
	Read(ctx context.Context, b []byte) (int, error)
	Write(ctx context.Context, b []byte) (int, error)
	Close() error
}

// Desc is an open file description, counted by the descriptors that name it.
type Desc struct {
	Stream
	refs atomic.Int32
}

// NewDesc wraps a stream; the caller holds the first reference.
func NewDesc(s Stream) *Desc {
	d := &Desc{Stream: s}
	d.refs.Store(1)
	return d
}

// Hold adds a reference.
func (d *Desc) Hold() *Desc {
	d.refs.Add(1)
	return d
}

// Drop gives a reference back; the last one closes the stream.
func (d *Desc) Drop() {
	if d != nil && d.refs.Add(-1) == 0 {
		d.Stream.Close()
	}
}

// fileStream is an open file of the tree.
type fileStream struct{ h *hostfs.Handle }

func (f fileStream) Read(ctx context.Context, b []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return f.h.Read(b)
}

func (f fileStream) Write(ctx context.Context, b []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return f.h.Write(b)
}

func (f fileStream) Close() error { return nil }

// HandleOf returns the open file behind a description, or nil.
func HandleOf(d *Desc) *hostfs.Handle {
	if d == nil {
		return nil
	}
	if f, ok := d.Stream.(fileStream); ok {
		return f.h
	}
	return nil
}

// pipeSize is what Linux gives a pipe.
const pipeSize = 64 << 10

// pipe is a bounded byte queue. Changed is closed and replaced whenever
// something happens, so that waiting obeys a context.
type pipe struct {
	mu               sync.Mutex
	buf              []byte
	readers, writers int
	changed          chan struct{}
}

func (p *pipe) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// wait unlocks, waits for a change or ctx, and locks again.
func (p *pipe) wait(ctx context.Context) error {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	ch := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type pipeReader struct{ *pipe }

func (r pipeReader) Read(ctx context.Context, b []byte) (int, error) {
	p := r.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	for len(p.buf) == 0 {
		if p.writers == 0 {
			return 0, io.EOF
		}
		if err := p.wait(ctx); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.buf)
	p.buf = p.buf[n:]
	if len(p.buf) == 0 {
		p.buf = nil
	}
	p.wake()
	return n, nil
}

// ReadLine reads up to the end of a line at most, so that a shell takes no more
// of its input than it runs.
func (r pipeReader) ReadLine(ctx context.Context, b []byte) (int, error) {
	p := r.pipe
	p.mu.Lock()
	for len(p.buf) == 0 && p.writers > 0 {
		if err := p.wait(ctx); err != nil {
			p.mu.Unlock()
			return 0, err
		}
	}
	n := min(len(b), len(p.buf))
	if i := bytes.IndexByte(p.buf[:n], '\n'); i >= 0 {
		n = i + 1
	}
	p.mu.Unlock()
	// Only this reader takes bytes away, so they are still there.
	return r.Read(ctx, b[:max(n, 1)])
}

func (r pipeReader) Write(context.Context, []byte) (int, error) { return 0, hostfs.EBADF }

func (r pipeReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readers--
	r.wake()
	return nil
}

type pipeWriter struct{ *pipe }

func (w pipeWriter) Read(context.Context, []byte) (int, error) { return 0, hostfs.EBADF }

func (w pipeWriter) Write(ctx context.Context, b []byte) (int, error) {
	p := w.pipe
	p.mu.Lock()
	defer p.mu.Unlock()
	done := 0
	for done < len(b) {
		if p.readers == 0 {
			return done, hostfs.EPIPE
		}
		if len(p.buf) >= pipeSize {
			if err := p.wait(ctx); err != nil {
				return done, err
			}
			continue
		}
		n := min(len(b)-done, pipeSize-len(p.buf))
		p.buf = append(p.buf, b[done:done+n]...)
		done += n
		p.wake()
	}
	return done, nil
}

func (w pipeWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writers--
	w.wake()
	return nil
}

// Pipe returns the two ends of a new pipe.
func Pipe() (r, w *Desc) {
	p := &pipe{readers: 1, writers: 1}
	return NewDesc(pipeReader{p}), NewDesc(pipeWriter{p})
}

// Bytes is a stream that gives fixed content, as a here-document does.
type Bytes struct {
	mu  sync.Mutex
	buf []byte
}

// NewBytes returns a description to read data from.
func NewBytes(data []byte) *Desc { return NewDesc(&Bytes{buf: data}) }

// Read takes the next bytes.
func (s *Bytes) Read(_ context.Context, b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// Write fails: the content is fixed.
func (s *Bytes) Write(context.Context, []byte) (int, error) { return 0, hostfs.EBADF }

// Close does nothing.
func (s *Bytes) Close() error { return nil }

// PipeEnds are the ends of a pipe for the world outside the machine.
type (
	// Reader reads a description until ctx ends.
	Reader struct {
		Ctx context.Context
		D   *Desc
	}
	// Writer writes a description until ctx ends.
	Writer struct {
		Ctx context.Context
		D   *Desc
	}
)

// Read satisfies io.Reader.
func (r Reader) Read(b []byte) (int, error) {
	if r.D == nil {
		return 0, hostfs.EBADF
	}
	return r.D.Read(r.Ctx, b)
}

// Write satisfies io.Writer.
func (w Writer) Write(b []byte) (int, error) {
	if w.D == nil {
		return 0, hostfs.EBADF
	}
	return w.D.Write(w.Ctx, b)
}

// fifo opens one end of a named pipe, whose pipe lives in the node.
func fifoEnd(p *pipe, flag hostfs.Flag) *Desc {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.wake()
	if flag&hostfs.Write != 0 {
		p.writers++
		return NewDesc(pipeWriter{p})
	}
	p.readers++
	return NewDesc(pipeReader{p})
}

// awaitPeer blocks until the other end of a named pipe is open.
func (p *pipe) awaitPeer(ctx context.Context, flag hostfs.Flag) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if flag&hostfs.Write != 0 && p.readers > 0 || flag&hostfs.Write == 0 && (p.writers > 0 || len(p.buf) > 0) {
			return nil
		}
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
}

// ReadLine reads from a description up to the end of a line at most.
func (r Reader) ReadLine(b []byte) (int, error) {
	if r.D == nil {
		return 0, hostfs.EBADF
	}
	if l, ok := r.D.Stream.(interface {
		ReadLine(context.Context, []byte) (int, error)
	}); ok {
		return l.ReadLine(r.Ctx, b)
	}
	n := 0
	for n < len(b) {
		k, err := r.Read(b[n : n+1])
		n += k
		if err != nil {
			if n > 0 {
				err = nil
			} else {
				return 0, err
			}
			break
		}
		if b[n-1] == '\n' {
			break
		}
	}
	return n, nil
}
