package connection

import (
	"context"
	"io"
	"io/fs"
	"sync"
	"time"
)

// Pace lets things happen so many times a second at most, evenly. It may be
// used from several goroutines; a nil Pace lets everything happen at once.
type Pace struct {
	every time.Duration
	mu    sync.Mutex
	next  time.Time
}

// NewPace returns a pace of so many a second.
func NewPace(perSecond float64) *Pace {
	return &Pace{every: time.Duration(float64(time.Second) / perSecond)}
}

// Wait returns when the next may happen; the error is ctx's.
func (p *Pace) Wait(ctx context.Context) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.every)
	p.mu.Unlock()
	return Sleep(ctx, at.Sub(now))
}

// Sleep waits for d; the error is the context's, when that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WithPace returns c with wait called before every command and transfer.
func WithPace(c Conn, wait func(context.Context) error) Conn {
	w := paced{Conn: c, wait: wait}
	if d, ok := c.(Dialer); ok {
		return pacedDialer{w, d}
	}
	return w
}

type paced struct {
	Conn
	wait func(context.Context) error
}

// pacedDialer keeps what the Conn below can do beside Conn.
type pacedDialer struct {
	paced
	Dialer
}

// Exec runs the command when it is its turn.
func (p paced) Exec(ctx context.Context, cmd Command) (Output, error) {
	if err := p.wait(ctx); err != nil {
		return Output{}, err
	}
	return p.Conn.Exec(ctx, cmd)
}

// Put writes the file when it is its turn.
func (p paced) Put(ctx context.Context, path string, r io.Reader, size int64, mode fs.FileMode) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	return p.Conn.Put(ctx, path, r, size, mode)
}

// Get reads the file when it is its turn.
func (p paced) Get(ctx context.Context, path string, w io.Writer) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	return p.Conn.Get(ctx, path, w)
}

// Unwrap gives the Conn below, for what it can do beside Conn.
func (p paced) Unwrap() Conn { return p.Conn }
