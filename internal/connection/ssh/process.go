package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"sunup/internal/connection"
	"sunup/internal/connection/shell"
)

// process is one command on a channel of its own.
type process struct {
	channel ssh.Channel
	wire    *wire
	tellEnd sync.Once
	over    chan struct{} // closed when code and err are known
	code    int
	err     error
	closing sync.Once
}

// request is what a new channel is to do.
type request struct {
	kind string // "exec" or "subsystem"
	what string
	tty  bool
}

// start opens a channel and asks for r on it. Opening cannot be called back, so
// when ctx or the connection ends first, the channel is closed as soon as it is
// there. Nobody waits for that goroutine: the library's OpenChannel never returns
// when the connection ends at the very moment it is called.
func (w *wire) start(ctx context.Context, r request) (*process, error) {
	type opened struct {
		p   *process
		err error
	}
	done := make(chan opened)
	givenUp := make(chan struct{})
	defer close(givenUp)
	go func() {
		p, err := w.open(r)
		select {
		case done <- opened{p, err}:
		case <-givenUp:
			if err == nil {
				p.Close()
			}
		}
	}()
	select {
	case o := <-done:
		return o.p, o.err
	case <-w.over:
		return nil, w.lost(connection.PhaseSession, false, errors.New("it ended"))
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *wire) open(r request) (*process, error) {
	channel, requests, err := w.client().OpenChannel("session", nil)
	var no *ssh.OpenChannelError
	if errors.As(err, &no) {
		return nil, &shell.Busy{Err: err}
	}
	if err != nil {
		return nil, w.lost(connection.PhaseSession, false, err)
	}
	p := &process{channel: channel, wire: w, over: make(chan struct{})}
	go p.listen(requests) // ends with the channel
	if r.tty {
		if _, err := channel.SendRequest("pty-req", true, ssh.Marshal(terminal)); err != nil {
			p.Close()
			return nil, w.lost(connection.PhaseSession, false, err)
		}
	}
	ok, err := channel.SendRequest(r.kind, true, ssh.Marshal(struct{ What string }{r.what}))
	if err != nil {
		p.Close()
		return nil, w.lost(connection.PhaseSession, true, err)
	}
	if !ok {
		p.Close()
		return nil, &connection.Unreachable{
			Host: w.host.address(), Phase: connection.PhaseSession, Err: fmt.Errorf("the host refuses: %s", r.kind),
			Hint: "its sshd may allow file transfer or forwarding only (ForceCommand, a restricted key)",
		}
	}
	return p, nil
}

// terminal is a plain one without echo, so that what we type is no output.
var terminal = struct {
	Term                   string
	Columns, Rows          uint32
	WidthPixel, HighPixels uint32
	Modes                  string
}{"dumb", 200, 50, 0, 0, string(append(mode(53, 0), 0))} // 53 is ECHO

func mode(code byte, value byte) []byte { return []byte{code, 0, 0, 0, value} }

// lost is the error for a connection that broke.
func (w *wire) lost(phase connection.Phase, sent bool, err error) error {
	if cause := w.why(); cause != nil {
		err = cause
	}
	return &connection.Unreachable{Host: w.host.address(), Phase: phase, Sent: sent, Err: fmt.Errorf("the connection was lost: %w", err)}
}

// listen takes what the host says about the process until the channel is gone.
func (p *process) listen(requests <-chan *ssh.Request) {
	for r := range requests {
		switch r.Type {
		case "exit-status":
			var m struct{ Code uint32 }
			if ssh.Unmarshal(r.Payload, &m) == nil {
				p.ended(int(m.Code), nil)
			}
		case "exit-signal":
			var m struct {
				Signal     string
				CoreDumped bool
				Message    string
				Language   string
			}
			if ssh.Unmarshal(r.Payload, &m) == nil {
				p.ended(128+signalNumber[m.Signal], nil)
			}
		}
		if r.WantReply {
			r.Reply(false, nil)
		}
	}
	err := errors.New("the channel was closed without an exit code")
	if cause := p.wire.why(); cause != nil {
		err = fmt.Errorf("the connection was lost: %w", cause)
	}
	p.ended(0, err)
}

var signalNumber = map[string]int{"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "SEGV": 11, "PIPE": 13, "ALRM": 14, "TERM": 15, "USR1": 10, "USR2": 12}

func (p *process) ended(code int, err error) {
	p.tellEnd.Do(func() {
		p.code, p.err = code, err
		close(p.over)
	})
}

func (p *process) Write(b []byte) (int, error) { return p.channel.Write(b) }
func (p *process) CloseWrite() error           { return p.channel.CloseWrite() }
func (p *process) Stdout() io.Reader           { return p.channel }
func (p *process) Stderr() io.Reader           { return p.channel.Stderr() }

func (p *process) Wait() (int, error) {
	<-p.over
	return p.code, p.err
}

// Signal asks the host's sshd; OpenSSH obeys since 7.9.
func (p *process) Signal(name string) error {
	_, err := p.channel.SendRequest("signal", false, ssh.Marshal(struct{ Name string }{name}))
	return err
}

// Close hangs up the channel.
func (p *process) Close() error {
	p.closing.Do(func() {
		p.ended(0, errors.New("the channel was closed"))
		p.channel.Close()
	})
	return nil
}
