package sshd

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// Server is the SSH server of one machine. Listen opens it, Close ends it and
// waits for its connections.
type Server struct {
	m *machine.Machine
	// Forward decides about direct-tcpip: it dials the address as the machine
	// sees it. Nil forbids forwarding.
	Forward func(host string, port int) (net.Conn, error)

	key, other ssh.Signer
	addr       string

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	fault    Fault
	dropped  int
	commands int
	closed   bool
	logins   int
}

// Key makes the host key for a seed: the same seed gives the same key.
func Key(seed string) ssh.Signer {
	sum := sha256.Sum256([]byte("lab host key " + seed))
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(sum[:]))
	if err != nil {
		panic("make a host key: " + err.Error()) // an ed25519 key of 32 bytes always works
	}
	return signer
}

// New makes a server that does not listen yet.
func New(life context.Context, m *machine.Machine, seed string) *Server {
	s := &Server{m: m, key: Key(seed), other: Key(seed + "/changed"), conns: map[net.Conn]bool{}}
	s.ctx, s.cancel = context.WithCancel(life)
	return s
}

// PublicKey is the key that known_hosts should hold.
func (s *Server) PublicKey() ssh.PublicKey { return s.key.PublicKey() }

// Addr is where the server listens, also while it is down.
func (s *Server) Addr() string { return s.addr }

// Listen opens the port, chosen by the system the first time.
func (s *Server) Listen(ip string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return fmt.Errorf("listen for %s: %w", s.m.Name, err)
	}
	s.addr = l.Addr().String()
	s.mu.Lock()
	s.listener = l
	refuse := s.fault.Refuse
	s.mu.Unlock()
	if refuse {
		l.Close()
		return nil
	}
	s.wg.Go(func() { s.accept(l) })
	return nil
}

// reopen listens again on the same port after a fault or a reboot.
func (s *Server) reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.listener != nil || s.fault.Refuse || s.addr == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen again for %s: %w", s.m.Name, err)
	}
	s.listener = l
	s.wg.Go(func() { s.accept(l) })
	return nil
}

// Down closes the port and every connection, as a host that goes down does.
func (s *Server) Down() {
	s.mu.Lock()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
	conns := s.conns
	s.conns = map[net.Conn]bool{}
	s.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}

// Up opens the port again.
func (s *Server) Up() error { return s.reopen() }

// SetFault changes how the network misbehaves; connections that are open feel
// it too.
func (s *Server) SetFault(f Fault) error {
	s.mu.Lock()
	s.fault = f
	s.dropped, s.commands = 0, 0
	l := s.listener
	if f.Refuse && l != nil {
		l.Close()
		s.listener = nil
	}
	s.mu.Unlock()
	if !f.Refuse {
		return s.reopen()
	}
	return nil
}

// Fault returns the current fault.
func (s *Server) Fault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.fault
	if f.DropTimes > 0 && s.dropped >= f.DropTimes {
		f.DropAfter, f.DropBytes, f.DropCommands = 0, 0, 0
	}
	return f
}

// Logins counts the logins that succeeded.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Connections counts the connections that are open.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// DropAll cuts every open connection, without a word.
func (s *Server) DropAll() {
	s.mu.Lock()
	conns := s.conns
	s.conns = map[net.Conn]bool{}
	s.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}

// Close ends the server and waits for everything it started.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.Down()
	s.wg.Wait()
}

func (s *Server) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		fc := newFaultConn(c, s.Fault)
		s.mu.Lock()
		if s.closed || s.listener != l {
			s.mu.Unlock()
			c.Close()
			return
		}
		s.conns[fc] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			defer s.forget(fc)
			s.serve(fc)
		})
	}
}

func (s *Server) forget(c *faultConn) {
	c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// drop cuts one connection and counts it.
func (s *Server) drop(c net.Conn) {
	s.mu.Lock()
	s.dropped++
	s.mu.Unlock()
	c.Close()
}

func (s *Server) serve(c *faultConn) {
	f := s.Fault()
	if f.Silent {
		select {
		case <-s.ctx.Done():
		case <-c.done:
		}
		return
	}
	if f.DropAfter > 0 {
		t := time.AfterFunc(f.DropAfter, func() { s.drop(c) })
		defer t.Stop()
	}
	sc, chans, reqs, err := ssh.NewServerConn(c, s.config(f))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	user, ok := s.m.User(sc.User())
	if !ok {
		return
	}
	s.m.Log("sshd", 1, 6, fmt.Sprintf("Accepted login for %s from %s", sc.User(), sc.RemoteAddr()))
	p := &peer{s: s, conn: c, ssh: sc, user: user}
	s.wg.Go(func() { p.requests(reqs) })
	p.channels(chans)
}

var errDenied = errors.New("permission denied")

func (s *Server) config(f Fault) *ssh.ServerConfig {
	cfg := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3",
		MaxAuthTries:  6,
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !f.RejectLogin && s.authorized(meta.User(), key) {
				return nil, nil
			}
			return nil, errDenied
		},
		PasswordCallback: func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if !f.RejectLogin && s.m.CheckPassword(meta.User(), string(password)) {
				return nil, nil
			}
			return nil, errDenied
		},
		KeyboardInteractiveCallback: func(meta ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 || f.RejectLogin || !s.m.CheckPassword(meta.User(), answers[0]) {
				return nil, errDenied
			}
			return nil, nil
		},
	}
	if f.Banner != "" {
		cfg.BannerCallback = func(ssh.ConnMetadata) string { return f.Banner }
	}
	if f.OtherKey {
		cfg.AddHostKey(s.other)
	} else {
		cfg.AddHostKey(s.key)
	}
	return cfg
}

// authorized looks for a key in the user's authorized_keys, with sshd's strict
// modes: the file must not be writable by others.
func (s *Server) authorized(name string, key ssh.PublicKey) bool {
	u, ok := s.m.User(name)
	if !ok {
		return false
	}
	file := strings.TrimRight(u.Home, "/") + "/.ssh/authorized_keys"
	i, err := s.m.FS.Stat(hostfs.Root, file)
	if err != nil || i.FileMode&0o022 != 0 || i.UID != u.UID && i.UID != 0 {
		return false
	}
	data, err := s.m.FS.ReadFile(hostfs.Root, file)
	for err == nil && len(data) > 0 {
		var k ssh.PublicKey
		k, _, _, data, err = ssh.ParseAuthorizedKey(data)
		if err == nil && bytes.Equal(k.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}
