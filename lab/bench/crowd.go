package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sunup/internal/connection/sshdtest"
)

// crowdSize is how many hosts of the inventory stand at one address.
const crowdSize = 1000

// crowd connects a thousand hosts that are all behind one sshd with OpenSSH's
// own MaxStartups and MaxSessions, and counts in its log whom it turned away: a
// login too many at once, or a session too many on one connection.
func (b *bench) crowd() error {
	s, err := newSite(1)
	if err != nil {
		return err
	}
	defer s.close()
	home := filepath.Join(s.dir, "crowd")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return err
	}
	server, err := sshdtest.Start(home, sshdtest.Config{
		Address: "127.0.2.1", User: s.servers[0].User, Extra: []string{"MaxStartups 10:30:100", "MaxSessions 10", "LogLevel VERBOSE"},
	})
	if err != nil {
		return err
	}
	defer server.Close()
	behind := &site{dir: s.dir, health: s.health}
	for range crowdSize {
		behind.servers = append(behind.servers, server)
	}
	if err := behind.writeInventory("crowd.ini", func(server *sshdtest.Server) string { return server.Addr }); err != nil {
		return err
	}
	cmd := exec.CommandContext(b.ctx, b.binary, "run", "--output", "plain", "--no-report", "-i", filepath.Join(s.dir, "crowd.ini"), "lab/bench/testdata/ping.yml")
	cmd.Env = append(os.Environ(), "SUNUP_STATE="+filepath.Join(s.dir, "state"))
	c, err := b.measured(cmd)
	if err != nil {
		return err
	}
	log, err := os.ReadFile(server.Log)
	if err != nil {
		return err
	}
	logins := strings.Count(string(log), "Accepted publickey for ")
	refused := strings.Count(string(log), "drop connection") + strings.Count(string(log), "no more sessions")
	if logins != crowdSize {
		return fmt.Errorf("%d logins of %d hosts: each should have one", logins, crowdSize)
	}
	what := fmt.Sprintf("%d hosts behind one sshd with its own MaxStartups", crowdSize)
	row(what+": one task", seconds(c.wall, 0))
	row(what+": turned away once, and in at last", figure{value: float64(refused), aim: 0.5, unit: "hosts"})
	row(what+": of that, a login", millis(c.wall/time.Duration(crowdSize), 0))
	return nil
}
