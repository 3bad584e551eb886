package ssh

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sunup/internal/connection"
	"sunup/internal/connection/conntest"
)

func try(t *testing.T, l connection.Link) error {
	t.Helper()
	out, err := l.As(connection.Become{}).Exec(context.Background(), connection.Command{Script: "echo hi"})
	if err == nil && string(out.Stdout) != "hi\n" {
		t.Errorf("got %q, %q, %d", out.Stdout, out.Stderr, out.Code)
	}
	return err
}

// refusedAt checks that a host was not reached, where, and that the message and
// hint hold certain words.
func refusedAt(t *testing.T, err error, phase connection.Phase, words ...string) {
	t.Helper()
	var u *connection.Unreachable
	if !errors.As(err, &u) {
		t.Errorf("got %v, want unreachable", err)
		return
	}
	if u.Phase != phase || u.Sent {
		t.Errorf("phase %q, sent %v; want %q: %v", u.Phase, u.Sent, phase, err)
	}
	for _, w := range words {
		if !strings.Contains(u.Error()+"\n"+u.Hint, w) {
			t.Errorf("%q is not in: %s\nhint: %s", w, u.Error(), u.Hint)
		}
	}
}

func TestHostKeys(t *testing.T) {
	key, _ := conntest.NewSigner(t)
	s := conntest.StartServer(t, conntest.ServerOptions{Key: key})
	other, _ := conntest.NewSigner(t)
	file := func(lines ...string) string {
		name := filepath.Join(t.TempDir(), "known_hosts")
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	line := func(k xssh.PublicKey, addr string) string { return knownhosts.Line([]string{addr}, k) }
	connect := func(policy connection.HostKeyPolicy, known ...string) error {
		o := to(s)
		o.HostKeys, o.KnownHosts = policy, known
		return try(t, open(t, o, Environment{}))
	}
	t.Run("known", func(t *testing.T) {
		for _, p := range []connection.HostKeyPolicy{"", connection.KeysStrict, connection.KeysAcceptNew, connection.KeysOff} {
			if err := connect(p, s.KnownHosts); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
	})
	t.Run("unknown", func(t *testing.T) {
		name := file("# nothing here", line(other.PublicKey(), "somewhere.else"))
		refusedAt(t, connect("", name), connection.PhaseHostKey, s.Addr, fingerprint(key.PublicKey()), "not known", "ssh-keyscan", name)
		refusedAt(t, connect("", filepath.Join(t.TempDir(), "missing")), connection.PhaseHostKey, "not known")
	})
	t.Run("changed", func(t *testing.T) {
		name := file("# first line", line(other.PublicKey(), s.Addr))
		for _, p := range []connection.HostKeyPolicy{"", connection.KeysStrict, connection.KeysAcceptNew} {
			refusedAt(t, connect(p, name), connection.PhaseHostKey, s.Addr, "CHANGED",
				fingerprint(key.PublicKey()), fingerprint(other.PublicKey()), name+":2", "ssh-keygen -R")
		}
		if err := connect(connection.KeysOff, name); err != nil {
			t.Errorf("off: %v", err)
		}
	})
	t.Run("revoked", func(t *testing.T) {
		name := file("@revoked * " + strings.TrimSpace(string(xssh.MarshalAuthorizedKey(key.PublicKey()))))
		refusedAt(t, connect(connection.KeysAcceptNew, name), connection.PhaseHostKey, "revoked", name+":1")
	})
	t.Run("certificate authority and hashed", func(t *testing.T) {
		if err := connect("", file(knownhosts.Line([]string{knownhosts.HashHostname(knownhosts.Normalize(s.Addr))}, key.PublicKey()))); err != nil {
			t.Error(err)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		name := file("127.0.0.1 ssh-ed25519 not-base64!")
		refusedAt(t, connect("", name), connection.PhaseHostKey, name+":1")
	})
	t.Run("recorded", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "new", "known_hosts")
		if err := connect(connection.KeysAcceptNew, name, "/nonexistent/global"); err != nil {
			t.Fatal(err)
		}
		if got, want := readFile(t, name), line(key.PublicKey(), s.Addr)+"\n"; got != want {
			t.Errorf("recorded %q, want %q", got, want)
		}
		if err := connect(connection.KeysStrict, name); err != nil {
			t.Errorf("after recording: %v", err)
		}
	})
	t.Run("recorded after a line without end", func(t *testing.T) {
		name := file(line(other.PublicKey(), "somewhere.else"))
		if err := connect(connection.KeysAcceptNew, name); err != nil {
			t.Fatal(err)
		}
		if err := connect(connection.KeysStrict, name); err != nil {
			t.Errorf("after recording: %v", err)
		}
	})
	t.Run("recorded hashed", func(t *testing.T) {
		name := file()
		o := to(s)
		o.HostKeys, o.KnownHosts, o.SSHArgs = connection.KeysAcceptNew, []string{name}, []string{"-o HashKnownHosts=yes"}
		if err := try(t, open(t, o, Environment{})); err != nil {
			t.Fatal(err)
		}
		if text := readFile(t, name); !strings.HasPrefix(text, "|1|") || strings.Contains(text, s.Host) {
			t.Errorf("recorded %q", text)
		}
		if err := connect(connection.KeysStrict, name); err != nil {
			t.Errorf("after recording: %v", err)
		}
	})
	t.Run("recorded by many at once", func(t *testing.T) {
		name := file()
		var wait sync.WaitGroup
		errs := make([]error, 12)
		for i := range errs {
			server := conntest.StartServer(t, conntest.ServerOptions{})
			wait.Go(func() {
				o := to(server)
				o.HostKeys, o.KnownHosts = connection.KeysAcceptNew, []string{name}
				errs[i] = try(t, open(t, o, Environment{}))
			})
		}
		wait.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(readFile(t, name), "ssh-ed25519 "); n != len(errs) {
			t.Errorf("%d keys recorded, want %d", n, len(errs))
		}
	})
	t.Run("not writable", func(t *testing.T) {
		refusedAt(t, connect(connection.KeysAcceptNew, "/proc/known_hosts"), connection.PhaseHostKey, "record")
	})
}
