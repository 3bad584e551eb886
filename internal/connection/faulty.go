package connection

import (
	"context"
	"io"
	"io/fs"
	"sync/atomic"
)

// Fault decides what happens to a use of a faulty link before it is sent: use
// counts from 1 over the whole link, what is as in Sent. A nil error lets it
// pass; anything else is what the caller gets.
type Fault func(use int64, what Sent) error

// Faulty wraps a link so that fault can break it, for tests of what is above.
func Faulty(l Link, fault Fault) Link { return &faulty{link: l, fault: fault} }

// LostAt is the Fault of a host that is lost at the nth use and stays lost.
func LostAt(n int64, err *Unreachable) Fault {
	return func(use int64, _ Sent) error {
		if use < n {
			return nil
		}
		return err
	}
}

type faulty struct {
	link  Link
	fault Fault
	uses  atomic.Int64
}

func (f *faulty) As(b Become) Conn { return &faultyConn{f, b, f.link.As(b)} }
func (f *faulty) Reset() error     { return f.link.Reset() }
func (f *faulty) Close() error     { return f.link.Close() }
func (f *faulty) Stats() Stats     { return StatsOf(f.link) }

func (f *faulty) check(what Sent) error { return f.fault(f.uses.Add(1), what) }

type faultyConn struct {
	f    *faulty
	as   Become
	conn Conn
}

func (c *faultyConn) Exec(ctx context.Context, cmd Command) (Output, error) {
	if err := c.f.check(Sent{As: c.as, Kind: "exec", Command: cmd}); err != nil {
		return Output{}, err
	}
	return c.conn.Exec(ctx, cmd)
}

func (c *faultyConn) Put(ctx context.Context, path string, r io.Reader, size int64, mode fs.FileMode) error {
	if err := c.f.check(Sent{As: c.as, Kind: "put", Path: path, Size: size}); err != nil {
		return err
	}
	return c.conn.Put(ctx, path, r, size, mode)
}

func (c *faultyConn) Get(ctx context.Context, path string, w io.Writer) error {
	if err := c.f.check(Sent{As: c.as, Kind: "get", Path: path}); err != nil {
		return err
	}
	return c.conn.Get(ctx, path, w)
}
