package ssh

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sunup/internal/connection"
	"sunup/internal/connection/conntest"
	"sunup/internal/connection/sshdtest"
)

const secret = "pass 'word\" 암호 $1"

func TestOpenSSHContract(t *testing.T) {
	t.Parallel()
	t.Run("whoever runs the tests", func(t *testing.T) {
		if sshdtest.CanMakeUsers() == nil {
			t.Skip("a clean user does it as well, and root's rc files are slow")
		}
		s := sshdtest.Run(t, sshdtest.Config{})
		conntest.Run(t, func(t *testing.T) connection.Link { return open(t, s.Options("real"), Environment{}) })
	})
	t.Run("clean user", func(t *testing.T) {
		u := sshdtest.User(t, "sunup-clean", secret, sshdtest.NoSudo)
		s := sshdtest.Run(t, sshdtest.Config{User: u.Name})
		conntest.Run(t, func(t *testing.T) connection.Link { return open(t, s.Options("real"), Environment{}) })
	})
	t.Run("by sudo on its own terminal", func(t *testing.T) {
		u := sshdtest.User(t, "sunup-pty", secret, sshdtest.SudoOwnTerminal)
		s := sshdtest.Run(t, sshdtest.Config{User: u.Name})
		conntest.Run(t, func(t *testing.T) connection.Link {
			return become{open(t, s.Options("real"), Environment{}), connection.Become{Method: "sudo", Password: secret}}
		})
	})
	t.Run("by sudo to another user", func(t *testing.T) {
		u := sshdtest.User(t, "sunup-sudo", secret, sshdtest.SudoPassword)
		other := sshdtest.User(t, "sunup-other", secret, sshdtest.NoSudo)
		s := sshdtest.Run(t, sshdtest.Config{User: u.Name})
		conntest.Run(t, func(t *testing.T) connection.Link {
			return become{open(t, s.Options("real"), Environment{}), connection.Become{Method: "sudo", User: other.Name, Password: secret}}
		})
	})
}

// become is a link whose login user is another one.
type become struct {
	connection.Link
	as connection.Become
}

func (b become) As(connection.Become) connection.Conn { return b.Link.As(b.as) }
func (b become) Stats() connection.Stats              { return connection.StatsOf(b.Link) }

func id(t *testing.T, l connection.Link, b connection.Become) (string, error) {
	t.Helper()
	out, err := l.As(b).Exec(context.Background(), connection.Command{Script: "id -un; echo $HOME"})
	if err == nil && (out.Code != 0 || len(out.Stderr) > 0) {
		t.Errorf("id: %d %q", out.Code, out.Stderr)
	}
	name, _, _ := strings.Cut(string(out.Stdout), "\n")
	return name, err
}

func TestBecome(t *testing.T) {
	t.Parallel()
	free := sshdtest.User(t, "sunup-free", secret, sshdtest.SudoFree)
	asks := sshdtest.User(t, "sunup-asks", secret, sshdtest.SudoPassword)
	none := sshdtest.User(t, "sunup-none", secret, sshdtest.NoSudo)
	tty := sshdtest.User(t, "sunup-tty", secret, sshdtest.SudoTerminal)
	cases := []struct {
		name   string
		login  string
		as     connection.Become
		user   string
		reason string
	}{
		{"sudo without password", free.Name, connection.Become{Method: "sudo"}, "root", ""},
		{"sudo, password not needed", free.Name, connection.Become{Method: "sudo", Password: secret}, "root", ""},
		{"sudo with password", asks.Name, connection.Become{Method: "sudo", Password: secret}, "root", ""},
		{"sudo to another user", asks.Name, connection.Become{Method: "sudo", User: none.Name, Password: secret}, none.Name, ""},
		{"sudo with flags", asks.Name, connection.Become{Method: "sudo", Flags: "-Hn", Password: secret}, "root", ""},
		{"sudo, password missing", asks.Name, connection.Become{Method: "sudo"}, "", "password required"},
		{"sudo, password wrong", asks.Name, connection.Become{Method: "sudo", Password: "nonsense"}, "", "password refused"},
		{"sudo, not a sudoer", none.Name, connection.Become{Method: "sudo", Password: secret}, "", "not allowed"},
		{"sudo, no such user", free.Name, connection.Become{Method: "sudo", User: "nobody-here"}, "", "not allowed"},
		{"sudo, not installed", free.Name, connection.Become{Method: "sudo", Exe: "/opt/no/sudo"}, "", "not installed"},
		{"sudo on a terminal only", tty.Name, connection.Become{Method: "sudo", Password: secret}, "root", ""},
		{"su with password", none.Name, connection.Become{Method: "su", User: asks.Name, Password: secret}, asks.Name, ""},
		{"su with login flag", none.Name, connection.Become{Method: "su", User: asks.Name, Flags: "-l", Password: secret}, asks.Name, ""},
		{"su, password missing", none.Name, connection.Become{Method: "su", User: asks.Name}, "", "password required"},
		{"su, password wrong", none.Name, connection.Become{Method: "su", User: asks.Name, Password: "nonsense"}, "", "password refused"},
		{"su, no such user", none.Name, connection.Become{Method: "su", User: "nobody-here", Password: secret}, "", "not allowed"},
		{"doas, not installed", none.Name, connection.Become{Method: "doas", Exe: "doas-is-missing"}, "", "not installed"},
	}
	servers := map[string]*sshdtest.Server{}
	for _, u := range []*sshdtest.Account{free, asks, none, tty} {
		servers[u.Name] = sshdtest.Run(t, sshdtest.Config{User: u.Name})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := open(t, servers[c.login].Options("real"), Environment{})
			user, err := id(t, l, c.as)
			var refused *connection.BecomeFailed
			switch {
			case c.reason == "" && (err != nil || user != c.user):
				t.Errorf("became %q, %v", user, err)
			case c.reason != "" && (!errors.As(err, &refused) || refused.Reason != c.reason):
				t.Errorf("got %v; want %q", err, c.reason)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the password is in the message: %v", err)
			}
			if user, err := id(t, l, connection.Become{}); user != c.login || err != nil {
				t.Errorf("the login user afterwards: %q, %v", user, err)
			}
		})
	}
}

// On a terminal, long scripts and any output go through too; only stderr cannot
// be told apart.
func TestTerminal(t *testing.T) {
	u := sshdtest.User(t, "sunup-term", secret, sshdtest.SudoTerminal)
	s := sshdtest.Run(t, sshdtest.Config{User: u.Name})
	c := open(t, s.Options("real"), Environment{}).As(connection.Become{Method: "sudo", Password: secret})
	data := strings.Repeat("한글 \x03\x04\x11\r\n\t", 3000)
	for range 2 {
		out, err := c.Exec(context.Background(), connection.Command{Script: "cat; id -un >&2; exit 3", Stdin: strings.NewReader(data)})
		if err != nil || out.Code != 3 || string(out.Stdout) != data+"root\n" {
			t.Errorf("%d bytes of %d, %q, %d, %v", len(out.Stdout), len(data), out.Stderr, out.Code, err)
		}
	}
}

// A refused password is not sent again: accounts get locked that way.
func TestRefusedOnce(t *testing.T) {
	u := sshdtest.User(t, "sunup-lock", secret, sshdtest.SudoPassword)
	s := sshdtest.Run(t, sshdtest.Config{User: u.Name})
	l := open(t, s.Options("real"), Environment{})
	wrong := connection.Become{Method: "sudo", Password: "nonsense"}
	var shells int64
	for i := range 3 {
		_, err := id(t, l, wrong)
		var refused *connection.BecomeFailed
		if !errors.As(err, &refused) || refused.Reason != "password refused" {
			t.Errorf("%v", err)
		}
		if n := connection.StatsOf(l).Shells; i > 0 && n != shells {
			t.Errorf("it was tried again")
		} else {
			shells = n
		}
	}
	if _, err := id(t, l, connection.Become{Method: "sudo", Password: secret}); err != nil {
		t.Errorf("the right password afterwards: %v", err)
	}
}

func TestDoas(t *testing.T) {
	if _, err := exec.LookPath("doas"); err != nil {
		t.Skipf("left out: %v", err)
	}
	const conf = "/etc/doas.conf"
	if _, err := os.Stat(conf); err == nil {
		t.Skipf("left out: this machine has a %s of its own", conf)
	}
	u := sshdtest.User(t, "sunup-doas", secret, sshdtest.NoSudo)
	other := sshdtest.User(t, "sunup-doas2", secret, sshdtest.NoSudo)
	t.Cleanup(func() { os.Remove(conf) })
	rules := "permit " + u.Name + " as root\npermit nopass " + u.Name + " as " + other.Name + "\n"
	if err := os.WriteFile(conf, []byte(rules), 0o400); err != nil {
		t.Fatal(err)
	}
	s := sshdtest.Run(t, sshdtest.Config{User: u.Name})
	l := open(t, s.Options("real"), Environment{})
	if user, err := id(t, l, connection.Become{Method: "doas", User: other.Name}); user != other.Name || err != nil {
		t.Errorf("without password: %q, %v", user, err)
	}
	if user, err := id(t, l, connection.Become{Method: "doas", Password: secret}); user != "root" || err != nil {
		t.Errorf("with password: %q, %v", user, err)
	}
	for reason, b := range map[string]connection.Become{
		"password required": {Method: "doas"},
		"password refused":  {Method: "doas", Password: "nonsense"},
		"not allowed":       {Method: "doas", User: "daemon"},
	} {
		_, err := id(t, l, b)
		var refused *connection.BecomeFailed
		if !errors.As(err, &refused) || refused.Reason != reason {
			t.Errorf("%v; want %q", err, reason)
		}
	}
}

// The password must not be seen in the process list, nor the script.
func TestNothingInProcessList(t *testing.T) {
	u := sshdtest.User(t, "sunup-list", secret, sshdtest.SudoPassword)
	s := sshdtest.Run(t, sshdtest.Config{User: u.Name})
	l := open(t, s.Options("real"), Environment{})
	out, err := l.As(connection.Become{Method: "sudo", Password: secret}).Exec(context.Background(), connection.Command{
		Script: "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'; : a-comment-to-find", Stdin: strings.NewReader("input-to-find")})
	if err != nil || out.Code > 1 {
		t.Fatal(out.Code, err)
	}
	for _, word := range []string{secret, "a-comment-to-find", "input-to-find"} {
		if bytes.Contains(out.Stdout, []byte(word)) {
			t.Errorf("%q is in the process list", word)
		}
	}
}

func TestPasswordLogins(t *testing.T) {
	u := sshdtest.User(t, "sunup-pass", secret, sshdtest.NoSudo)
	for name, cfg := range map[string]sshdtest.Config{
		"password":             {User: u.Name, Extra: []string{"PubkeyAuthentication no", "KbdInteractiveAuthentication no"}},
		"keyboard-interactive": {User: u.Name, PAM: true, Extra: []string{"PubkeyAuthentication no", "PasswordAuthentication no", "KbdInteractiveAuthentication yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sshdtest.Run(t, cfg)
			o := s.Options("real")
			o.Password = secret
			if user, err := id(t, open(t, o, Environment{}), connection.Become{}); err != nil || user != u.Name {
				t.Errorf("%q, %v", user, err)
			}
			o.Password = "nonsense"
			_, err := id(t, open(t, o, Environment{}), connection.Become{})
			var u *connection.Unreachable
			if !errors.As(err, &u) || u.Phase != connection.PhaseLogin || u.Sent || u.Hint == "" {
				t.Errorf("a wrong password: %#v", err)
			}
		})
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
