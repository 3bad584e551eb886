package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"sunup/internal/connection"
	"sunup/internal/connection/conntest"
)

func TestLogin(t *testing.T) {
	plain := conntest.StartServer(t, conntest.ServerOptions{})
	locked := conntest.StartServer(t, conntest.ServerOptions{Passphrase: "문 열려라"})
	asks := conntest.StartServer(t, conntest.ServerOptions{KeyboardInteractive: true})
	answer := func(text string) func(context.Context, string) (string, error) {
		return func(context.Context, string) (string, error) { return text, nil }
	}
	home := t.TempDir()
	os.Mkdir(filepath.Join(home, ".ssh"), 0o700)
	os.WriteFile(filepath.Join(home, ".ssh", "id_ed25519"), []byte(readFile(t, plain.Key)), 0o600)
	for name, c := range map[string]struct {
		server *conntest.Server
		change func(*connection.Options)
		env    Environment
		words  []string // of the refusal; nil means that it works
	}{
		"key":                        {server: plain},
		"password":                   {server: plain, change: func(o *connection.Options) { o.PrivateKeys, o.Password = nil, connection.Secret(plain.Password) }},
		"keyboard-interactive":       {server: asks, change: func(o *connection.Options) { o.PrivateKeys, o.Password = nil, connection.Secret(asks.Password) }},
		"password asked for":         {server: plain, change: func(o *connection.Options) { o.PrivateKeys = nil }, env: Environment{Prompt: answer(plain.Password)}},
		"default key":                {server: plain, change: func(o *connection.Options) { o.PrivateKeys = nil }, env: Environment{Home: home}},
		"passphrase":                 {server: locked, change: func(o *connection.Options) { o.Passphrase = "문 열려라" }},
		"passphrase asked for":       {server: locked, env: Environment{Prompt: answer("문 열려라")}},
		"passphrase missing":         {server: locked, words: []string{"passphrase", locked.Key}},
		"passphrase wrong":           {server: locked, change: func(o *connection.Options) { o.Passphrase = "nonsense" }, words: []string{"does not open"}},
		"password wrong":             {server: plain, change: func(o *connection.Options) { o.PrivateKeys, o.Password = nil, "nonsense" }, words: []string{`"tester"`}},
		"keyboard-interactive wrong": {server: asks, change: func(o *connection.Options) { o.PrivateKeys, o.Password = nil, "nonsense" }, words: []string{"authenticate"}},
		"nothing":                    {server: plain, change: func(o *connection.Options) { o.PrivateKeys = nil }, words: []string{"no password was given"}},
		"key file missing":           {server: plain, change: func(o *connection.Options) { o.PrivateKeys = []string{"/nonexistent/key"} }, words: []string{"/nonexistent/key"}},
		"public half": {server: plain, change: func(o *connection.Options) {
			o.PrivateKeys = []string{filepath.Join(t.TempDir(), "k.pub")}
			os.WriteFile(o.PrivateKeys[0], []byte("ssh-ed25519 AAAA x"), 0o600)
		}, words: []string{"public half"}},
		"methods forbidden": {server: plain, change: func(o *connection.Options) { o.SSHArgs = []string{"-o", "PubkeyAuthentication=no"} }, words: []string{"authenticate"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := to(c.server)
			if c.change != nil {
				c.change(&o)
			}
			err := try(t, open(t, o, c.env))
			if c.words == nil && err != nil {
				t.Fatal(err)
			}
			if c.words != nil {
				refusedAt(t, err, connection.PhaseLogin, c.words...)
				if o.Password != "" && strings.Contains(err.Error(), o.Password.Reveal()) {
					t.Error("the password is in the message")
				}
			}
		})
	}
}

func TestAgent(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{})
	private, err := xssh.ParseRawPrivateKey([]byte(readFile(t, s.Key)))
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { agent.ServeAgent(ring, c); c.Close() })
		}
	})
	defer work.Wait()
	defer l.Close()
	o := to(s)
	o.PrivateKeys, o.NoAgent = nil, false
	if err := try(t, open(t, o, Environment{Agent: socket})); err != nil {
		t.Error(err)
	}
	o.SSHArgs = []string{"-o IdentitiesOnly=yes"}
	refusedAt(t, try(t, open(t, o, Environment{Agent: socket})), connection.PhaseLogin)
	o.SSHArgs, o.NoAgent = nil, true
	refusedAt(t, try(t, open(t, o, Environment{Agent: socket})), connection.PhaseLogin)
}

func TestUnreachable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	port := silent.Addr().(*net.TCPAddr).Port
	free, _ := net.Listen("tcp", "127.0.0.1:0")
	closed := free.Addr().(*net.TCPAddr).Port
	free.Close()
	o := connection.Options{Name: "h", Address: "127.0.0.1", SSHConfig: []string{}, NoAgent: true, ConnectTimeout: 200 * time.Millisecond}
	o.Port = port
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseHandshake, "no answer within 200ms", "the port is open")
	o.Port = closed
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseConnect, "is sshd running")
	o.Address, o.Port = "no-such-host.invalid", 22
	dns := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: o.Address, IsNotFound: true}}
	}
	refusedAt(t, try(t, open(t, o, Environment{Dial: dns})), connection.PhaseResolve, "DNS")
	o.SSHArgs = []string{"-o"}
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseResolve, "needs a value")
	o.SSHArgs = nil
	o.SSHArgs, o.Port = []string{"-o", "ConnectTimeout=x"}, port
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseResolve, "ConnectTimeout")
}

// Cancelling does not wait for a host that does not answer.
func TestCancelConnecting(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	o := connection.Options{Address: "127.0.0.1", Port: silent.Addr().(*net.TCPAddr).Port, SSHConfig: []string{}, NoAgent: true, ConnectTimeout: time.Hour}
	l := open(t, o, Environment{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		c, err := silent.Accept()
		if err == nil {
			defer c.Close()
		}
		cancel()
	}()
	if _, err := l.As(connection.Become{}).Exec(ctx, connection.Command{Script: "true"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	l.Close()
}

// A server that drops us before its greeting is asked again, with pauses.
func TestDroppedBeforeGreeting(t *testing.T) {
	var mu sync.Mutex
	var pauses []time.Duration
	env := Environment{Sleep: func(_ context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		pauses = append(pauses, d)
		return nil
	}}
	s := conntest.StartServer(t, conntest.ServerOptions{DropFirst: 2})
	if err := try(t, open(t, to(s), env)); err != nil || len(pauses) != 2 {
		t.Errorf("%v after pauses %v", err, pauses)
	}
	pauses = nil
	s = conntest.StartServer(t, conntest.ServerOptions{DropFirst: 1000})
	refusedAt(t, try(t, open(t, to(s), env)), connection.PhaseHandshake, "MaxStartups")
	if len(pauses) != len(startupRetries) {
		t.Errorf("pauses %v", pauses)
	}
}

// A server that drops us while it lets others in is crowded: we stay in line,
// and fewer of us come at once.
func TestCrowdedServer(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{DropFirst: 20})
	env := Environment{Pacer: NewPacer(7)}
	pauses := 0
	env.Sleep = func(context.Context, time.Duration) error {
		pauses++
		env.Pacer.mu.Lock()
		defer env.Pacer.mu.Unlock()
		for _, g := range env.Pacer.gates {
			g.logins.Add(1) // somebody else's
		}
		return nil
	}
	keeper, err := env.Pacer.enter(context.Background(), fmt.Sprintf("%s:%d", s.Host, s.Port)) // or the gate would be forgotten
	if err != nil {
		t.Fatal(err)
	}
	if err := try(t, open(t, to(s), env)); err != nil || pauses != 20 {
		t.Errorf("%v after %d pauses", err, pauses)
	}
	if g := keeper.gate; g.closed != 7-fewestLogins || len(g.places) != 1+g.closed-g.owed {
		t.Errorf("%d places closed, %d owed, %d taken", g.closed, g.owed, len(g.places))
	}
	keeper.leave()
	if len(env.Pacer.gates) != 0 {
		t.Error("the pacer keeps addresses for ever")
	}
}

// No more logins than the pacer allows are under way toward one address.
func TestPacer(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{})
	var now, most atomic.Int64
	env := Environment{Pacer: NewPacer(3)}
	env.Prompt = func(context.Context, string) (string, error) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(10 * time.Millisecond)
		now.Add(-1)
		return s.Password, nil
	}
	var wait sync.WaitGroup
	for range 12 {
		o := to(s)
		o.PrivateKeys = nil
		l := open(t, o, env)
		wait.Go(func() {
			if err := try(t, l); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if most.Load() > 3 || most.Load() < 2 {
		t.Errorf("%d logins at once, want 3", most.Load())
	}
	if len(env.Pacer.gates) != 0 {
		t.Error("the pacer keeps addresses for ever")
	}
}

// Many who need the link at once make one connection.
func TestOneConnection(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{})
	l := open(t, to(s), Environment{})
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			if err := try(t, l); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if st := connection.StatsOf(l); st.Handshakes != 1 || st.Shells > 4 || st.Commands != 10 || st.BytesIn == 0 || st.BytesOut == 0 {
		t.Errorf("%+v", st)
	}
}

// A host that takes few channels is used with few.
func TestMaxSessions(t *testing.T) {
	for _, limit := range []int{1, 2} {
		s := conntest.StartServer(t, conntest.ServerOptions{MaxSessions: limit})
		l := open(t, to(s), Environment{})
		name := filepath.Join(t.TempDir(), "file")
		var wait sync.WaitGroup
		for i := range 6 {
			wait.Go(func() {
				for range 3 {
					if err := try(t, l); err != nil {
						t.Error(err)
					}
				}
				data := strings.Repeat("x", 100_000)
				if err := l.As(connection.Become{}).Put(context.Background(), name+strconv.Itoa(i), strings.NewReader(data), int64(len(data)), 0o600); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
}

func TestJumps(t *testing.T) {
	target := conntest.StartServer(t, conntest.ServerOptions{})
	bastion := conntest.StartServer(t, conntest.ServerOptions{})
	second := conntest.StartServer(t, conntest.ServerOptions{})
	known := filepath.Join(t.TempDir(), "known_hosts")
	os.WriteFile(known, []byte(readFile(t, target.KnownHosts)+readFile(t, bastion.KnownHosts)+readFile(t, second.KnownHosts)), 0o600)
	config := filepath.Join(t.TempDir(), "config")
	os.WriteFile(config, []byte(fmt.Sprintf("Host bastion\n HostName 127.0.0.1\n Port %d\n User jumper\n IdentityFile %s\nHost *\n ProxyJump bastion\n", bastion.Port, bastion.Key)), 0o600)
	o := to(target)
	o.KnownHosts = []string{known}
	o.PrivateKeys = []string{target.Key, bastion.Key, second.Key}
	for name, change := range map[string]func(o *connection.Options){
		"option":                        func(o *connection.Options) { o.ProxyJump = "jumper@" + bastion.Addr },
		"argument":                      func(o *connection.Options) { o.SSHArgs = []string{"-J jumper@" + bastion.Addr + "," + second.Addr} },
		"configuration, for every host": func(o *connection.Options) { o.SSHConfig = []string{config} },
		"two, the first by the configuration": func(o *connection.Options) {
			o.SSHConfig, o.ProxyJump = []string{config}, "bastion,ssh://"+second.Addr
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			change(&o)
			l := open(t, o, Environment{})
			if err := try(t, l); err != nil {
				t.Fatal(err)
			}
			if n := connection.StatsOf(l).Handshakes; n < 2 {
				t.Errorf("%d handshakes: no jump was made", n)
			}
		})
	}
	o.ProxyJump = "127.0.0.1:1"
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseConnect, "127.0.0.1:1")
	o.ProxyJump = bastion.Addr
	o.Port = 1
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseConnect, "127.0.0.1:1")
}

func TestProxyCommand(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skipf("left out: %v", err)
	}
	s := conntest.StartServer(t, conntest.ServerOptions{})
	o := to(s)
	o.SSHArgs = []string{"-o", "ProxyCommand=" + bash + " -c 'exec 3<>/dev/tcp/%h/%p; cat <&3 & cat >&3'"}
	if err := try(t, open(t, o, Environment{})); err != nil {
		t.Error(err)
	}
	o.SSHArgs = []string{"-o", "ProxyCommand=sh -c 'echo no way there >&2'"}
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseHandshake, "no way there")
	o.SSHArgs = []string{"-o", "ProxyCommand=sleep 300"}
	o.ConnectTimeout = 100 * time.Millisecond
	refusedAt(t, try(t, open(t, o, Environment{})), connection.PhaseHandshake, "no answer")
}

// A login shell that is no POSIX shell gets the command lines themselves.
func TestRestrictedShell(t *testing.T) {
	sh := filepath.Join(t.TempDir(), "appliance")
	os.WriteFile(sh, []byte("#!/bin/sh\ncase $2 in\n'show version') echo 'Kiosk OS 4'; exit 3;;\n*) echo '% unknown command' >&2; exit 1;;\nesac\n"), 0o755)
	s := conntest.StartServer(t, conntest.ServerOptions{Shell: sh})
	l := open(t, to(s), Environment{})
	for range 2 {
		out, err := l.As(connection.Become{}).Exec(context.Background(), connection.Command{Script: "show version"})
		if err != nil || string(out.Stdout) != "Kiosk OS 4\n" || out.Code != 3 {
			t.Errorf("%q %q %d %v", out.Stdout, out.Stderr, out.Code, err)
		}
	}
	if n := connection.StatsOf(l).Shells; n != 1 {
		t.Errorf("a shell was tried %d times", n)
	}
}

func TestNoResident(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{})
	o := to(s)
	o.NoResident = true
	l := open(t, o, Environment{})
	var ids []string
	for range 3 {
		out, err := l.As(connection.Become{}).Exec(context.Background(), connection.Command{Script: "echo $PPID"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(out.Stdout))
	}
	if n := connection.StatsOf(l).Shells; n != 3 {
		t.Errorf("%d shells for 3 commands, parents %q", n, ids)
	}
}

func TestEncoding(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{})
	o := to(s)
	o.Encoding = "cp949"
	c := open(t, o, Environment{}).As(connection.Become{})
	out, err := c.Exec(context.Background(), connection.Command{Script: `printf '\261\342\265\277 \377\n'; printf '\300\345\276\326\n' >&2`})
	if err != nil || string(out.Stdout) != "기동 \\xff\n" || string(out.Stderr) != "장애\n" {
		t.Errorf("%q %q %v", out.Stdout, out.Stderr, err)
	}
	// Files are bytes.
	name := filepath.Join(t.TempDir(), "f")
	var back strings.Builder
	if err := c.Put(context.Background(), name, strings.NewReader("\xb1\xe2"), 2, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(context.Background(), name, &back); err != nil || back.String() != "\xb1\xe2" {
		t.Errorf("%q %v", back.String(), err)
	}
}

// A host whose network is gone without a word is given up.
func TestKeepAlive(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{})
	hole := &blackHole{}
	o := to(s)
	o.KeepAlive = 50 * time.Millisecond
	l := open(t, o, Environment{Dial: hole.dial})
	if err := try(t, l); err != nil {
		t.Fatal(err)
	}
	hole.swallow.Store(true)
	_, err := l.As(connection.Become{}).Exec(context.Background(), connection.Command{Script: "echo hi"})
	var u *connection.Unreachable
	if !errors.As(err, &u) || !u.Sent || !strings.Contains(err.Error(), "no sign of life") {
		t.Errorf("%#v", err)
	}
	hole.swallow.Store(false)
	if err := try(t, l); err != nil {
		t.Errorf("after the network is back: %v", err)
	}
}

// blackHole passes bytes on until it swallows what is sent.
type blackHole struct{ swallow atomic.Bool }

func (b *blackHole) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return holed{c, b}, err
}

type holed struct {
	net.Conn
	hole *blackHole
}

func (h holed) Write(p []byte) (int, error) {
	if h.hole.swallow.Load() {
		return len(p), nil
	}
	return h.Conn.Write(p)
}

// An idle connection that the host has closed is no loss: the next command makes
// a new one.
func TestIdleLoss(t *testing.T) {
	s := conntest.StartServer(t, conntest.ServerOptions{})
	l := open(t, to(s), Environment{})
	for range 3 {
		if err := try(t, l); err != nil {
			t.Fatal(err)
		}
		w := l.(*link).wire
		s.Cut()
		<-w.over
	}
	if n := connection.StatsOf(l).Handshakes; n != 3 {
		t.Errorf("%d handshakes", n)
	}
}
