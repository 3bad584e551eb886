// Package sshdtest starts real OpenSSH servers on this machine for tests and
// benchmarks: one sshd per Server, on an address of the loopback network, with
// its own host key, configuration and authorized keys.
//
// As root it can also make clean users, with a password, sudo rules and a shell
// without rc files, and removes them again. Nothing of the machine's own sshd is
// touched.
package sshdtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sunup/internal/connection"
)

// Config says what to start; its zero value is a server for the current user.
type Config struct {
	// Address to listen on; empty means 127.0.0.1. Any of 127.0.0.0/8 is there
	// on Linux.
	Address string
	// Port; 0 means a free one.
	Port int
	// User who may log in by the key; empty means the current one.
	User string
	// Extra lines of sshd_config.
	Extra []string
	// PAM is needed for password logins of some systems; root only.
	PAM bool
}

// Server is a running sshd.
type Server struct {
	Addr       string // host:port
	Host       string
	Port       int
	User       string
	Key        string // file of the private key that may log in
	KnownHosts string // file that holds the host key
	Log        string // file of sshd's log

	dir string
	cmd *exec.Cmd
	cfg Config
}

// Path is where sshd is; it has to be called by its full name.
const Path = "/usr/sbin/sshd"

// Available says why no server can be started here; nil when one can.
func Available() error {
	if _, err := os.Stat(Path); err != nil {
		return fmt.Errorf("OpenSSH server is not installed: %w", err)
	}
	return nil
}

// Options are how the connection package reaches the server, touching nothing of
// the user's.
func (s *Server) Options(name string) connection.Options {
	return connection.Options{
		Name: name, Address: s.Host, Port: s.Port, User: s.User,
		PrivateKeys: []string{s.Key}, KnownHosts: []string{s.KnownHosts},
		SSHConfig: []string{}, NoAgent: true,
	}
}

// Start starts a server with its files below dir, and returns when it answers.
func Start(dir string, cfg Config) (*Server, error) {
	if err := Available(); err != nil {
		return nil, err
	}
	s := &Server{dir: dir, cfg: cfg, Host: cfg.Address, User: cfg.User}
	if s.Host == "" {
		s.Host = "127.0.0.1"
	}
	if s.User == "" {
		u, err := user.Current()
		if err != nil {
			return nil, err
		}
		s.User = u.Username
	}
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("prepare sshd: %w", err)
	}
	// A port that was free may be taken before sshd has it.
	var err error
	for range 5 {
		if err = s.start(); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// prepare writes keys. The host key stays in dir, so that a server that is
// started there again is the same host.
func (s *Server) prepare() error {
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // privilege separation wants it
			return err
		}
	}
	s.Key = filepath.Join(s.dir, "id_ed25519")
	s.KnownHosts = filepath.Join(s.dir, "known_hosts")
	s.Log = filepath.Join(s.dir, "sshd.log")
	if _, err := keyFile(filepath.Join(s.dir, "host_key")); err != nil {
		return err
	}
	public, err := keyFile(s.Key)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "authorized_keys"), ssh.MarshalAuthorizedKey(public), 0o644)
}

// keyFile makes a key unless it is there.
func keyFile(name string) (ssh.PublicKey, error) {
	if text, err := os.ReadFile(name); err == nil {
		signer, err := ssh.ParsePrivateKey(text)
		if err != nil {
			return nil, err
		}
		return signer.PublicKey(), nil
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(private.Public())
}

func (s *Server) start() error {
	s.Port = s.cfg.Port
	if s.Port == 0 {
		port, err := freePort(s.Host)
		if err != nil {
			return err
		}
		s.Port = port
	}
	s.Addr = net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
	public, err := keyFile(filepath.Join(s.dir, "host_key"))
	if err != nil {
		return err
	}
	line := knownhosts.Line([]string{knownhosts.Normalize(s.Addr)}, public) + "\n"
	if err := os.WriteFile(s.KnownHosts, []byte(line), 0o644); err != nil {
		return err
	}
	name := filepath.Join(s.dir, "sshd_config")
	if err := os.WriteFile(name, []byte(s.configuration()), 0o600); err != nil {
		return err
	}
	s.cmd = exec.Command(Path, "-D", "-f", name, "-E", s.Log)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	if err := s.answers(); err != nil {
		s.Close()
		log, _ := os.ReadFile(s.Log)
		return fmt.Errorf("%w; its log says: %s", err, bytes.TrimSpace(log))
	}
	return nil
}

func (s *Server) configuration() string {
	pam := "no"
	if s.cfg.PAM {
		pam = "yes"
	}
	lines := []string{
		"ListenAddress " + s.Addr,
		"HostKey " + filepath.Join(s.dir, "host_key"),
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized_keys"),
		"PidFile none",
		"StrictModes no", // the directory may be below /tmp
		"UsePAM " + pam,
		"PrintMotd no",
		"UseDNS no",
		"LogLevel INFO",
		"Subsystem sftp internal-sftp",
	}
	// sshd keeps the first value it reads.
	return strings.Join(append(append([]string(nil), s.cfg.Extra...), lines...), "\n") + "\n"
}

// answers waits for the greeting.
func (s *Server) answers() error {
	var last error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
		if err != nil {
			last = err
			if syscall.Kill(s.cmd.Process.Pid, 0) != nil {
				break
			}
			continue
		}
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		hello := make([]byte, 4)
		_, err = conn.Read(hello)
		conn.Close()
		if err == nil && string(hello) == "SSH-" {
			return nil
		}
		last = errors.Join(errors.New("it does not greet"), err)
	}
	return fmt.Errorf("sshd on %s does not answer: %w", s.Addr, last)
}

func freePort(host string) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Close ends the server together with its connections.
func (s *Server) Close() error {
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	// Connections are served by children of it, in sessions of their own.
	for _, pid := range children(s.cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGTERM)
	}
	s.cmd.Process.Kill()
	s.cmd.Wait()
	s.cmd = nil
	return nil
}

func children(parent int) []int {
	var list []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		head, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		id, _, _ := strings.Cut(head, " ")
		if pid, err := strconv.Atoi(id); err == nil {
			list = append(list, pid)
		}
	}
	return list
}

// Run is Start for a test: it is skipped, saying why, where there is no sshd, and
// the server ends with it.
func Run(t testing.TB, cfg Config) *Server {
	t.Helper()
	if err := Available(); err != nil {
		t.Skipf("left out: %v", err)
	}
	dir := t.TempDir()
	open(t, dir)
	s, err := Start(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// open lets sshd, as another user, read below a test's directory.
func open(t testing.TB, dir string) {
	t.Helper()
	for d := dir; strings.HasPrefix(d, os.TempDir()+"/"); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
