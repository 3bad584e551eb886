package connection

import (
	"context"
	"io"
	"io/fs"
	"sync"
)

// Recording is a Link that remembers what was sent through it, for tests that
// hold a module to its number of round trips. Make it with Record.
type Recording struct {
	link Link
	mu   sync.Mutex
	sent []Sent
}

// Sent is one use of a recorded link.
type Sent struct {
	As      Become
	Kind    string  // "exec", "put" or "get"
	Command Command // of an exec
	Path    string  // of a file
	Size    int64   // of a put
	Err     error
}

// Record wraps a link.
func Record(l Link) *Recording { return &Recording{link: l} }

// As returns a recorded Conn.
func (r *Recording) As(b Become) Conn { return &recordingConn{r, b, r.link.As(b)} }

// Reset passes on.
func (r *Recording) Reset() error { return r.link.Reset() }

// Close passes on.
func (r *Recording) Close() error { return r.link.Close() }

// Stats are those of the link, or, where it does not count, one round trip for
// everything that was sent.
func (r *Recording) Stats() Stats {
	if c, ok := r.link.(Counted); ok {
		return c.Stats()
	}
	var s Stats
	for _, sent := range r.Sent() {
		s.RoundTrips++
		if sent.Kind == "exec" {
			s.Commands++
		}
	}
	return s
}

// Sent is what was sent so far, in the order in which it ended.
func (r *Recording) Sent() []Sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Sent(nil), r.sent...)
}

// Scripts are the commands' scripts, in order.
func (r *Recording) Scripts() []string {
	var list []string
	for _, s := range r.Sent() {
		if s.Kind == "exec" {
			list = append(list, s.Command.Script)
		}
	}
	return list
}

// Forget starts the record anew.
func (r *Recording) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = nil
}

func (r *Recording) add(s Sent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, s)
}

type recordingConn struct {
	r    *Recording
	as   Become
	conn Conn
}

func (c *recordingConn) Exec(ctx context.Context, cmd Command) (Output, error) {
	out, err := c.conn.Exec(ctx, cmd)
	c.r.add(Sent{As: c.as, Kind: "exec", Command: cmd, Err: err})
	return out, err
}

func (c *recordingConn) Put(ctx context.Context, path string, r io.Reader, size int64, mode fs.FileMode) error {
	err := c.conn.Put(ctx, path, r, size, mode)
	c.r.add(Sent{As: c.as, Kind: "put", Path: path, Size: size, Err: err})
	return err
}

func (c *recordingConn) Get(ctx context.Context, path string, w io.Writer) error {
	err := c.conn.Get(ctx, path, w)
	c.r.add(Sent{As: c.as, Kind: "get", Path: path, Err: err})
	return err
}
