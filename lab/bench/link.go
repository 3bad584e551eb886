package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"time"

	"sunup/internal/connection/sshdtest"
)

// delay is the round-trip time of the link of farHosts.
const delay = 20 * time.Millisecond

// farCount is how many hosts there are at its end: no more than processors, so
// that the hosts' own work, which shares ours, does not hide the waiting.
func farCount() int { return min(runtime.NumCPU(), 4) }

// farHosts runs the morning over links with a delay: what counts there is how
// often sunup waits for a host.
func (b *bench) farHosts() error {
	s, err := newSite(farCount())
	if err != nil {
		return err
	}
	defer s.close()
	links := map[*sshdtest.Server]*delayLine{}
	for _, server := range s.servers {
		l, err := newDelayLine(server.Addr, delay/2)
		if err != nil {
			return err
		}
		defer l.close()
		links[server] = l
	}
	if err := s.writeInventory("far.ini", func(server *sshdtest.Server) string { return links[server].addr() }); err != nil {
		return err
	}
	far := []string{"run", "--output", "none", "--no-report", "-i", s.dir + "/far.ini"}
	var connect, again []cost
	if _, err := s.worked(func() (cost, error) { return b.sunup(append(far, morning)...) }); err != nil {
		return err
	}
	for range b.runs {
		one, err := b.sunup(append(far, "lab/bench/testdata/ping.yml")...)
		if err != nil {
			return err
		}
		c, err := b.sunup(append(far, morning)...)
		if err != nil {
			return err
		}
		connect, again = append(connect, one), append(again, c)
	}
	row(fmt.Sprintf("link of %d ms: connect and one task", delay.Milliseconds()), millis(median(connect, wall), 0))
	row(fmt.Sprintf("link of %d ms: %d hosts x %d tasks, nothing to change", delay.Milliseconds(), farCount(), morningTasks), millis(median(again, wall), 0))
	// What connecting costs is what a run of one task costs, without the round
	// trip of the task.
	work := median(again, wall) - (median(connect, wall) - delay)
	row(fmt.Sprintf("link of %d ms: without connecting", delay.Milliseconds()), millis(work, morningTasks*1.5*float64(delay.Milliseconds())))
	return nil
}

// delayLine is a TCP proxy that hands on every byte a while after it came. It
// holds back no bandwidth: what came together goes on together.
type delayLine struct {
	listener net.Listener
	target   string
	delay    time.Duration
	work     sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

func newDelayLine(target string, delay time.Duration) (*delayLine, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &delayLine{listener: l, target: target, delay: delay}
	d.work.Go(d.serve)
	return d, nil
}

func (d *delayLine) addr() string { return d.listener.Addr().String() }

func (d *delayLine) close() {
	d.listener.Close()
	d.mu.Lock()
	for _, c := range d.conns {
		c.Close()
	}
	d.mu.Unlock()
	d.work.Wait()
}

func (d *delayLine) serve() {
	for {
		from, err := d.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", d.target)
		if err != nil {
			from.Close()
			continue
		}
		d.mu.Lock()
		d.conns = append(d.conns, from, to)
		d.mu.Unlock()
		d.work.Go(func() { d.carry(to, from) })
		d.work.Go(func() { d.carry(from, to) })
	}
}

// parcel is what was read at once, and when it is due.
type parcel struct {
	data []byte
	due  time.Time
}

// carry moves one direction. What is under way is bounded by the channel.
func (d *delayLine) carry(to, from net.Conn) {
	road := make(chan parcel, 1024)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(road)
		for {
			data := make([]byte, 32<<10)
			n, err := from.Read(data)
			if n > 0 {
				road <- parcel{data[:n], time.Now().Add(d.delay)}
			}
			if err != nil {
				return
			}
		}
	})
	var failed error
	for p := range road {
		if failed == nil {
			time.Sleep(time.Until(p.due))
			_, failed = to.Write(p.data)
		}
	}
	reader.Wait()
	if c, ok := to.(*net.TCPConn); ok && !errors.Is(failed, io.ErrClosedPipe) {
		_ = c.CloseWrite()
	}
}
