package ssh

import (
	"context"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"sunup/internal/connection"
)

// Environment is what links share and what they take from the machine they run
// on. The zero value is this machine.
type Environment struct {
	// Dial makes TCP connections; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Home is the home directory, where ~/.ssh is; empty means the user's own.
	Home string
	// User logs in where nothing else is said; empty means the current user.
	User string
	// Agent is the socket of ssh-agent; empty means SSH_AUTH_SOCK.
	Agent string
	// Prompt asks a person for a password or passphrase; nil means that nobody
	// can be asked.
	Prompt func(ctx context.Context, question string) (string, error)
	// Note is told what was passed over, such as an ssh option we do not know;
	// it may be called from several goroutines; nil means that nobody listens.
	Note func(host, text string)
	// Pacer is shared by all links; nil means the one of this process.
	Pacer *Pacer
	// Sleep waits before a retry; nil means to wait indeed.
	Sleep func(ctx context.Context, d time.Duration) error
}

func (e Environment) withDefaults() Environment {
	if e.Dial == nil {
		e.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	if e.Home == "" {
		e.Home, _ = os.UserHomeDir()
	}
	if e.User == "" {
		if u, err := user.Current(); err == nil {
			e.User = u.Username
		}
	}
	if e.Agent == "" {
		e.Agent = os.Getenv("SSH_AUTH_SOCK")
	}
	if e.Note == nil {
		e.Note = func(string, string) {}
	}
	if e.Pacer == nil {
		e.Pacer = defaultPacer
	}
	if e.Sleep == nil {
		e.Sleep = connection.Sleep
	}
	return e
}

// expand turns ~ and relative names into paths below the home directory.
func (e Environment) expand(name string) string {
	if name == "~" || strings.HasPrefix(name, "~/") {
		return filepath.Join(e.Home, strings.TrimPrefix(name, "~"))
	}
	return name
}
