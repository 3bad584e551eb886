package conntest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Server is a small SSH server in this process that runs real commands of this
// machine, as the user of the test.
type Server struct {
	Addr       string // 127.0.0.1:port
	Host       string
	Port       int
	Key        string // file of the private key that may log in
	Passphrase string // of that key; empty unless asked for
	KnownHosts string // file that holds the host key
	Password   string // that may log in

	options  ServerOptions
	config   *ssh.ServerConfig
	listener net.Listener
	work     sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]struct{}
}

// ServerOptions make a server unusual; the zero value is a plain one.
type ServerOptions struct {
	// Passphrase protects the client's key.
	Passphrase string
	// MaxSessions refuses further channels of a connection.
	MaxSessions int
	// NoSFTP refuses the subsystem.
	NoSFTP bool
	// Shell runs command lines; empty means /bin/sh.
	Shell string
	// KeyboardInteractive asks for the password that way only.
	KeyboardInteractive bool
	// DropFirst closes so many connections before the greeting.
	DropFirst int
	// Key is the host key; nil means a new one.
	Key ssh.Signer
}

// NewSigner makes a host or user key.
func NewSigner(t testing.TB) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

// StartServer starts a server that ends with the test.
func StartServer(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{options: o, Password: "open sesame 암호", Passphrase: o.Passphrase, conns: map[net.Conn]struct{}{}}
	user, private := NewSigner(t)
	s.Key = filepath.Join(dir, "id_ed25519")
	block, err := ssh.MarshalPrivateKey(private, "")
	if o.Passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(o.Passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.Key, pem.EncodeToMemory(block))
	host := o.Key
	if host == nil {
		host, _ = NewSigner(t)
	}
	s.config = s.serverConfig(user.PublicKey())
	s.config.AddHostKey(host)
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := s.listener.Addr().(*net.TCPAddr)
	s.Addr, s.Host, s.Port = addr.String(), addr.IP.String(), addr.Port
	s.KnownHosts = filepath.Join(dir, "known_hosts")
	write(t, s.KnownHosts, []byte(knownhosts.Line([]string{s.Addr}, host.PublicKey())+"\n"))
	s.work.Go(s.serve)
	t.Cleanup(s.Close)
	return s
}

func write(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) serverConfig(user ssh.PublicKey) *ssh.ServerConfig {
	denied := errors.New("denied")
	c := &ssh.ServerConfig{}
	c.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(user.Marshal()) {
			return nil, denied
		}
		return nil, nil
	}
	if s.options.KeyboardInteractive {
		c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "welcome", []string{"암호: "}, []bool{false})
			if err != nil || len(answers) != 1 || answers[0] != s.Password {
				return nil, denied
			}
			return nil, nil
		}
		return c
	}
	c.PasswordCallback = func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		if string(p) != s.Password {
			return nil, denied
		}
		return nil, nil
	}
	return c
}

// Close ends the server and all its connections.
func (s *Server) Close() {
	s.listener.Close()
	s.Cut()
	s.work.Wait()
}

// Cut breaks all connections of now, as when the power fails.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}
}

func (s *Server) serve() {
	for n := 0; ; n++ {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		if n < s.options.DropFirst {
			conn.Close()
			continue
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		s.work.Go(func() {
			defer func() {
				conn.Close()
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
			}()
			s.connection(conn)
		})
	}
}

func (s *Server) connection(conn net.Conn) {
	c, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	defer c.Close()
	s.work.Go(func() {
		for r := range requests {
			if r.WantReply {
				r.Reply(false, nil)
			}
		}
	})
	var mu sync.Mutex
	open := 0
	for n := range channels {
		if n.ChannelType() == "direct-tcpip" {
			s.work.Go(func() { s.forward(n) })
			continue
		}
		mu.Lock()
		full := s.options.MaxSessions > 0 && open >= s.options.MaxSessions
		if !full {
			open++
		}
		mu.Unlock()
		if full {
			n.Reject(ssh.ConnectionFailed, "open failed")
			continue
		}
		s.work.Go(func() {
			s.session(n)
			mu.Lock()
			open--
			mu.Unlock()
		})
	}
}

// forward serves jump hosts.
func (s *Server) forward(n ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(n.ExtraData(), &to); err != nil {
		n.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	target, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.ParseIP(to.Host), Port: int(to.Port)})
	if err != nil {
		n.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := n.Accept()
	if err != nil {
		target.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	s.work.Go(func() {
		io.Copy(target, channel)
		target.Close()
	})
	io.Copy(channel, target)
	channel.Close()
	target.Close()
}

func (s *Server) session(n ssh.NewChannel) {
	channel, requests, err := n.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	for r := range requests {
		var m struct{ Text string }
		ssh.Unmarshal(r.Payload, &m)
		switch {
		case r.Type == "exec":
			r.Reply(true, nil)
			s.run(channel, requests, m.Text)
			return
		case r.Type == "subsystem" && m.Text == "sftp" && !s.options.NoSFTP:
			r.Reply(true, nil)
			s.work.Go(func() { ssh.DiscardRequests(requests) })
			if server, err := sftp.NewServer(channel); err == nil {
				server.Serve()
				server.Close()
			}
			return
		default:
			r.Reply(r.Type == "pty-req", nil)
		}
	}
}

// run starts the command in a session of its own and hands its output on; like
// OpenSSH it tells the exit code at once and hangs up when the streams end.
func (s *Server) run(channel ssh.Channel, requests <-chan *ssh.Request, line string) {
	sh := s.options.Shell
	if sh == "" {
		sh = "/bin/sh"
	}
	cmd := exec.Command(sh, "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second
	in, err1 := cmd.StdinPipe()
	outR, outW, err2 := os.Pipe()
	errR, errW, err3 := os.Pipe()
	if errors.Join(err1, err2, err3) != nil {
		return
	}
	cmd.Stdout, cmd.Stderr = outW, errW
	err := cmd.Start()
	outW.Close()
	errW.Close()
	if err != nil {
		channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{127}))
		return
	}
	s.work.Go(func() { signals(cmd, requests) })
	s.work.Go(func() {
		io.Copy(in, channel)
		in.Close()
	})
	var streams sync.WaitGroup
	streams.Go(func() { io.Copy(channel, outR) })
	streams.Go(func() { io.Copy(channel.Stderr(), errR) })
	cmd.Wait()
	var status struct{ Code uint32 }
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		status.Code = 128 + uint32(ws.Signal())
	} else {
		status.Code = uint32(cmd.ProcessState.ExitCode())
	}
	channel.SendRequest("exit-status", false, ssh.Marshal(status))
	// What a command leaves behind keeps the streams open; the end of the
	// channel closes them.
	ended := make(chan struct{})
	s.work.Go(func() { streams.Wait(); close(ended) })
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
	}
	outR.Close()
	errR.Close()
}

// signals obeys signal requests. The end of the channel ends the command, which
// OpenSSH does not do; it keeps tests from leaving processes behind.
func signals(cmd *exec.Cmd, requests <-chan *ssh.Request) {
	for r := range requests {
		var m struct{ Name string }
		ssh.Unmarshal(r.Payload, &m)
		if r.Type == "signal" && m.Name == "TERM" {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		}
		if r.WantReply {
			r.Reply(false, nil)
		}
	}
	cmd.Process.Kill()
}
