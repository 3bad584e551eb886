package sshd

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fault says how a host's network misbehaves; the zero value is healthy. Times
// are the real world's.
type Fault struct {
	// Refuse closes the port: connecting is refused.
	Refuse bool
	// Silent accepts connections and never says a word.
	Silent bool
	// DropAfter, DropBytes and DropCommands end a connection after that time,
	// after that many bytes sent by the host, or when that many commands have
	// been asked for (the last one is started).
	DropAfter    time.Duration
	DropBytes    int64
	DropCommands int
	// DropTimes bounds how many connections are dropped; 0 means all.
	DropTimes int
	// OtherKey presents another host key than the one that was published.
	OtherKey bool
	// RejectLogin refuses every key and password.
	RejectLogin bool
	// Delay is added to every packet that the host sends.
	Delay time.Duration
	// Rate bounds the bytes per second that the host sends; 0 means no bound.
	Rate int
	// Flood makes every command print that many bytes first.
	Flood int64
	// Banner is sent before the login.
	Banner string
	// Motd is printed by every login shell and command, as a bad rc file does.
	Motd string
}

// faultConn makes a connection misbehave.
type faultConn struct {
	net.Conn
	fault func() Fault
	sent  atomic.Int64

	once sync.Once
	done chan struct{}
}

func newFaultConn(c net.Conn, fault func() Fault) *faultConn {
	return &faultConn{Conn: c, fault: fault, done: make(chan struct{})}
}

func (c *faultConn) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Conn.Close()
}

// pause waits d or till the connection is closed.
func (c *faultConn) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.done:
	}
}

func (c *faultConn) Write(b []byte) (int, error) {
	f := c.fault()
	if f.Delay > 0 {
		c.pause(f.Delay)
	}
	if f.DropBytes > 0 {
		if left := f.DropBytes - c.sent.Load(); left < int64(len(b)) {
			if left > 0 {
				c.Conn.Write(b[:left])
			}
			c.Close()
			return 0, net.ErrClosed
		}
	}
	c.sent.Add(int64(len(b)))
	if f.Rate <= 0 {
		return c.Conn.Write(b)
	}
	return c.trickle(b, f.Rate)
}

// trickle writes no more than rate bytes a second.
func (c *faultConn) trickle(b []byte, rate int) (int, error) {
	step := max(rate/20, 1)
	done := 0
	for done < len(b) {
		n, err := c.Conn.Write(b[done:min(done+step, len(b))])
		done += n
		if err != nil {
			return done, err
		}
		c.pause(time.Duration(n) * time.Second / time.Duration(rate))
	}
	return done, nil
}
