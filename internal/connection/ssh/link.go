package ssh

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
)

// New returns the link to a host. It connects at first use.
func New(o connection.Options, env Environment) connection.Link {
	l := &link{options: o}
	l.dialer = &dialer{env: env.withDefaults(), options: o, tally: &l.tally}
	return l
}

// link keeps one wire at most and the shells on it.
type link struct {
	options connection.Options
	dialer  *dialer
	tally   connection.Tally

	mu     sync.Mutex
	wire   *wire
	making *attempt // the connecting under way, shared by all who need it
	pool   *shell.Pool
	closed bool
	gone   shell.Work // connects under way
}

var _ connection.Counted = (*link)(nil)

// attempt is one connecting, on behalf of everybody who waits for it.
type attempt struct {
	done   chan struct{}
	cancel context.CancelFunc
	wire   *wire
	err    error
}

func (l *link) As(b connection.Become) connection.Conn { return &conn{link: l, as: b} }

func (l *link) Stats() connection.Stats { return l.tally.Stats() }

// current is the pool of now; Reset replaces it.
func (l *link) current() *shell.Pool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pool == nil {
		l.pool = shell.NewPool(transport{l}, l.options, &l.tally)
		if l.closed {
			l.pool.Close()
		}
	}
	return l.pool
}

// connected returns the wire, making it when there is none. fresh says that it
// was made just now.
func (l *link) connected(ctx context.Context) (w *wire, fresh bool, err error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, false, l.unreachable(errors.New("the connection was closed"))
	}
	if l.wire != nil {
		select {
		case <-l.wire.over:
			old := l.wire
			l.wire = nil
			l.gone.Go(old.close)
		default:
			w = l.wire
			l.mu.Unlock()
			return w, false, nil
		}
	}
	if l.making == nil {
		l.making = l.begin()
	}
	a := l.making
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.wire, true, a.err
	case <-ctx.Done():
		return nil, true, ctx.Err()
	}
}

// begin starts connecting; the caller holds the lock. It is nobody's context
// that bounds it but the connect time limit, and Reset.
func (l *link) begin() *attempt {
	ctx, cancel := context.WithCancel(context.Background())
	a := &attempt{done: make(chan struct{}), cancel: cancel}
	l.gone.Go(func() {
		defer close(a.done)
		defer cancel()
		a.wire, a.err = l.dialer.dial(ctx)
		if errors.Is(a.err, context.Canceled) {
			a.err = l.unreachable(errors.New("the connection was closed"))
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.making != a { // Reset was quicker
			if a.wire != nil {
				l.gone.Go(a.wire.close)
				a.wire, a.err = nil, l.unreachable(errors.New("the connection was reset"))
			}
			return
		}
		l.making, l.wire = nil, a.wire
	})
	return a
}

func (l *link) unreachable(err error) error {
	return &connection.Unreachable{Host: cmp.Or(l.options.Address, l.options.Name), Phase: connection.PhaseConnect, Err: err}
}

func (l *link) Reset() error {
	l.mu.Lock()
	pool, w, a := l.pool, l.wire, l.making
	l.pool, l.wire, l.making = nil, nil, nil
	l.mu.Unlock()
	if a != nil {
		a.cancel()
	}
	if pool != nil {
		pool.Close()
	}
	if w != nil {
		w.close()
	}
	l.gone.Wait()
	if pool != nil {
		pool.Wait()
	}
	return nil
}

func (l *link) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	return l.Reset()
}

// transport starts processes for the pool.
type transport struct{ link *link }

func (t transport) Host() string {
	t.link.mu.Lock()
	defer t.link.mu.Unlock()
	if t.link.wire != nil {
		return t.link.wire.host.address()
	}
	return cmp.Or(t.link.options.Address, t.link.options.Name)
}

// Start tries again once when a connection from before turns out to be dead:
// nothing was sent on it.
func (t transport) Start(ctx context.Context, line string, tty bool) (shell.Process, error) {
	for {
		w, fresh, err := t.link.connected(ctx)
		if err != nil {
			return nil, err
		}
		p, err := w.start(ctx, request{"exec", line, tty})
		if err == nil {
			return p, nil
		}
		var lost *connection.Unreachable
		if fresh || !errors.As(err, &lost) || lost.Sent {
			return nil, err
		}
		w.hang()
		<-w.over
	}
}

// conn is one identity.
type conn struct {
	link *link
	as   connection.Become
}

func (c *conn) shell() *shell.Conn { return c.link.current().As(c.as) }

func (c *conn) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	return c.shell().Exec(ctx, cmd)
}

// Put sends what is big, and the login user's own, by SFTP; another identity has
// no SFTP server of its own.
func (c *conn) Put(ctx context.Context, name string, r io.Reader, size int64, mode fs.FileMode) error {
	if c.as.Method == "" && (size < 0 || size > shell.InlinePut) {
		if done, err := c.putBySFTP(ctx, name, r, size, mode); done {
			return err
		}
	}
	return c.shell().Put(ctx, name, r, size, mode)
}

func (c *conn) Get(ctx context.Context, name string, w io.Writer) error {
	return c.shell().Get(ctx, name, w)
}
