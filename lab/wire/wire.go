// Package wire is a bad line: a TCP proxy before a server that delays, slows
// down, cuts or refuses what goes through it. Kernels without packet schedulers
// have no other way to be slow.
//
// # Words
//
//   - Wire: the listening end, on 127.0.0.1, of a line to one server.
//   - Fault: how the line misbehaves. It may be changed while connections are up.
package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is how a line misbehaves; the zero value is a good line.
type Fault struct {
	// Delay is added on the way to the server and on the way back.
	Delay time.Duration
	// BytesPerSecond is how much goes through in each direction; 0 is no limit.
	BytesPerSecond int64
	// CutAfter ends a connection after so many bytes to the server; 0 is never.
	CutAfter int64
	// Refuse closes new connections at once.
	Refuse bool
}

// Wire is a line to one server. Its methods may be called from any goroutine.
type Wire struct {
	Host string
	Port int

	target   string
	listener net.Listener
	fault    atomic.Pointer[Fault]
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup
	accepted atomic.Int64

	mu    sync.Mutex // guards conns
	conns map[net.Conn]bool
}

// Listen starts a line to the server at target (host:port).
func Listen(target string, f Fault) (*Wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a line to %s: %w", target, err)
	}
	addr := l.Addr().(*net.TCPAddr)
	w := &Wire{Host: "127.0.0.1", Port: addr.Port, target: target, listener: l, conns: map[net.Conn]bool{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	w.fault.Store(&f)
	w.running.Add(1)
	go w.accept()
	return w, nil
}

// SetFault changes how the line misbehaves from now on.
func (w *Wire) SetFault(f Fault) { w.fault.Store(&f) }

// Accepted counts the connections that came.
func (w *Wire) Accepted() int { return int(w.accepted.Load()) }

// Cut ends all connections that are up; new ones are accepted.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
}

// Close ends the line with its connections.
func (w *Wire) Close() {
	w.stop()
	w.listener.Close()
	w.Cut()
	w.running.Wait()
}

func (w *Wire) accept() {
	defer w.running.Done()
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.accepted.Add(1)
		if w.fault.Load().Refuse {
			c.Close()
			continue
		}
		w.running.Add(1)
		go w.serve(c)
	}
}

// keep remembers a connection so that Cut finds it; false when the line is closed.
func (w *Wire) keep(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return false
	}
	w.conns[c] = true
	return true
}

func (w *Wire) forget(c net.Conn) {
	c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

func (w *Wire) serve(client net.Conn) {
	defer w.running.Done()
	defer client.Close()
	server, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(w.ctx, "tcp", w.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !w.keep(client) || !w.keep(server) {
		return
	}
	defer w.forget(client)
	defer w.forget(server)
	var both sync.WaitGroup
	both.Go(func() { w.carry(server, client, true); server.Close(); client.Close() })
	both.Go(func() { w.carry(client, server, false); server.Close(); client.Close() })
	both.Wait()
}

// piece is how much is carried at a time: small, so that a cut is exact and a
// slow line is even.
const piece = 4 << 10

// carry copies one direction; only what goes to the server counts for CutAfter.
func (w *Wire) carry(to io.Writer, from io.Reader, counts bool) {
	var sent int64
	buffer := make([]byte, piece)
	for {
		n, err := from.Read(buffer)
		f := w.fault.Load()
		if counts && f.CutAfter > 0 && sent+int64(n) >= f.CutAfter {
			to.Write(buffer[:f.CutAfter-sent]) //nolint:errcheck // it is cut anyway
			return
		}
		if n > 0 && !w.pass(to, buffer[:n], f) {
			return
		}
		sent += int64(n)
		if err != nil {
			return
		}
	}
}

// pass sends a piece as slowly as the line is.
func (w *Wire) pass(to io.Writer, data []byte, f *Fault) bool {
	wait := f.Delay
	if f.BytesPerSecond > 0 {
		wait += time.Duration(int64(len(data)) * int64(time.Second) / f.BytesPerSecond)
	}
	if wait > 0 {
		select {
		case <-w.ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
	_, err := to.Write(data)
	return err == nil
}
