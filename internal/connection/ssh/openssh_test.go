package ssh

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"sunup/internal/connection"
	"sunup/internal/connection/conntest"
	"sunup/internal/connection/sshdtest"
)

const secret = "pass 'word\" 암호 $1"

func TestOpenSSHContract(t *testing.T) {
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
	free := sshdtest.User(t, "sunup-free", secret, sshdtest.SudoFree)
	asks := sshdtest.User(t, "sunup-asks", secret, sshdtest.SudoPassword)
	none := sshdtest.User(t, "sunup-none", secret, sshdtest.NoSudo)
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
		{"su with password", none.Name, connection.Become{Method: "su", User: asks.Name, Password: secret}, asks.Name, ""},
		{"su with login flag", none.Name, connection.Become{Method: "su", User: asks.Name, Flags: "-l", Password: secret}, asks.Name, ""},
		{"su, password missing", none.Name, connection.Become{Method: "su", User: asks.Name}, "", "password required"},
		{"su, password wrong", none.Name, connection.Become{Method: "su", User: asks.Name, Password: "nonsense"}, "", "password refused"},
		{"su, no such user", none.Name, connection.Become{Method: "su", User: "nobody-here", Password: secret}, "", "not allowed"},
		{"doas, not installed", none.Name, connection.Become{Method: "doas", Exe: "doas-is-missing"}, "", "not installed"},
	}
	servers := map[string]*sshdtest.Server{}
	for _, u := range []*sshdtest.Account{free, asks, none} {
		servers[u.Name] = sshdtest.Run(t, sshdtest.Config{User: u.Name})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
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
