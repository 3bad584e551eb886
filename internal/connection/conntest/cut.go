package conntest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Cutter is a proxy before a server that cuts the cable after some bytes.
type Cutter struct {
	Host string
	Port int

	listener net.Listener
	target   string
	work     sync.WaitGroup
	mu       sync.Mutex
	left     int64 // bytes to the server until the cut; negative means never
	conns    []net.Conn
}

// NewCutter starts a proxy to target that ends with the test. It does not cut
// before CutAfter.
func NewCutter(t testing.TB, target string) *Cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	c := &Cutter{Host: addr.IP.String(), Port: addr.Port, listener: l, target: target, left: -1}
	c.work.Go(c.serve)
	t.Cleanup(func() {
		l.Close()
		c.cut()
		c.work.Wait()
	})
	return c
}

// CutAfter cuts when n more bytes have gone to the server; connections made
// afterwards live again.
func (c *Cutter) CutAfter(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = n
}

func (c *Cutter) serve() {
	for {
		from, err := c.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", c.target)
		if err != nil {
			from.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, from, to)
		c.mu.Unlock()
		c.work.Go(func() { io.Copy(from, to); from.Close(); to.Close() })
		c.work.Go(func() { c.copy(to, from); from.Close(); to.Close() })
	}
}

func (c *Cutter) copy(to, from net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		allowed, cut := c.allow(n)
		if _, werr := to.Write(buf[:allowed]); werr != nil || err != nil {
			return
		}
		if cut {
			c.cut()
			return
		}
	}
}

func (c *Cutter) allow(n int) (allowed int, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left < 0 {
		return n, false
	}
	if int64(n) < c.left {
		c.left -= int64(n)
		return n, false
	}
	allowed, c.left = int(c.left), -1
	return allowed, true
}

// cut breaks the connections of now.
func (c *Cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}
