package ssh

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// proxy is the standard input and output of a ProxyCommand as a net.Conn.
type proxy struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	closed sync.Once
}

func startProxy(command string) (net.Conn, error) {
	cmd := exec.Command("/bin/sh", "-c", "exec "+command)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its whole family can be ended
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ProxyCommand: %w", err)
	}
	return &proxy{cmd: cmd, in: in, out: out}, nil
}

func (p *proxy) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *proxy) Write(b []byte) (int, error) { return p.in.Write(b) }

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
