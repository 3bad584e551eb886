package ssh

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// proxy is the standard input and output of a ProxyCommand as a net.Conn.
type proxy struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	said   lastWords
	closed sync.Once
}

// lastWords keeps the end of what a command says on stderr, for messages.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

const lastWordsLimit = 1 << 10

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-lastWordsLimit):]
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}

func startProxy(command string) (net.Conn, error) {
	cmd := exec.Command("/bin/sh", "-c", "exec "+command)
	p := &proxy{cmd: cmd}
	cmd.Stderr = &p.said
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its whole family can be ended
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ProxyCommand: %w", err)
	}
	return p, nil
}

func (p *proxy) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	return n, p.explain(err)
}

func (p *proxy) Write(b []byte) (int, error) {
	n, err := p.in.Write(b)
	return n, p.explain(err)
}

// explain adds what the command had to say to an error. That is known for
// certain only when the command is over.
func (p *proxy) explain(err error) error {
	if err == nil {
		return nil
	}
	p.Close()
	if words := p.said.String(); words != "" {
		return fmt.Errorf("ProxyCommand: %s: %w", words, err)
	}
	return err
}

// Close ends the command and waits for it.
func (p *proxy) Close() error {
	p.closed.Do(func() {
		p.in.Close()
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
		timer := time.AfterFunc(time.Second, func() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
		p.cmd.Wait()
		timer.Stop()
	})
	return nil
}

func (p *proxy) LocalAddr() net.Addr              { return proxyAddr{} }
func (p *proxy) RemoteAddr() net.Addr             { return proxyAddr{} }
func (p *proxy) SetDeadline(time.Time) error      { return nil }
func (p *proxy) SetReadDeadline(time.Time) error  { return nil }
func (p *proxy) SetWriteDeadline(time.Time) error { return nil }

type proxyAddr struct{}

func (proxyAddr) Network() string { return "proxy" }
func (proxyAddr) String() string  { return "ProxyCommand" }
