package ssh

import (
	"testing"

	"go.uber.org/goleak"

	"sunup/internal/connection"
	"sunup/internal/connection/conntest"
)

// The exception is the library's: see wire.start.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("golang.org/x/crypto/ssh.(*mux).openChannel"))
}

// to is the way to a test server, touching nothing of the user's.
func to(s *conntest.Server) connection.Options {
	return connection.Options{
		Name: "unit", Address: s.Host, Port: s.Port, User: "tester",
		PrivateKeys: []string{s.Key}, KnownHosts: []string{s.KnownHosts}, SSHConfig: []string{}, NoAgent: true,
	}
}

func open(t *testing.T, o connection.Options, env Environment) connection.Link {
	t.Helper()
	if env.Home == "" {
		env.Home = t.TempDir()
	}
	l := New(o, env)
	t.Cleanup(func() { l.Close() })
	return l
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, sh := range conntest.Shells(t) {
		t.Run(name, func(t *testing.T) {
			conntest.Run(t, func(t *testing.T) connection.Link {
				o := to(conntest.StartServer(t, conntest.ServerOptions{}))
				o.Shell = sh
				return open(t, o, Environment{})
			})
		})
	}
}
