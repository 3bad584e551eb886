package modules_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sunup/internal/connection"
	"sunup/internal/value"
	"sunup/modules"
	"sunup/modules/modtest"
)

// listen returns the port of a server that says a greeting.
func listen(t *testing.T, greeting string) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(greeting))
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// dialing is a host that can be connected through.
type dialing struct{ *modtest.Sh }

func (dialing) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func TestWaitForPort(t *testing.T) {
	port := listen(t, "220 tickets ready 한글\r\n")
	hosts := map[string]connection.Conn{
		"sockets": &modtest.Sh{}, "dash": &modtest.Sh{Shell: []string{"dash", "-c"}}, "through": dialing{&modtest.Sh{}},
	}
	for name, conn := range hosts {
		t.Run(name, func(t *testing.T) {
			if r := ours(t, "wait_for", map[string]any{"port": port, "timeout": 5}, conn); r["failed"] != nil || r["elapsed"] != 0 {
				t.Errorf("started: %v", r)
			}
			if r := ours(t, "wait_for", map[string]any{"port": port, "timeout": 0, "state": "stopped"}, conn); r["failed"] != true || !strings.HasPrefix(r["msg"].(string), "Timeout when waiting for 127.0.0.1:") {
				t.Errorf("stopped: %v", r)
			}
			r := ours(t, "wait_for", map[string]any{"port": port, "timeout": 10, "search_regex": `(\w+) ready`}, conn)
			if groups, _ := r["match_groups"].([]any); len(groups) != 1 || groups[0] != "tickets" {
				t.Errorf("search: %v", r)
			}
			if r := ours(t, "wait_for", map[string]any{"port": port, "timeout": 10, "state": "drained", "active_connection_states": "SYN_SENT"}, conn); r["failed"] != nil {
				t.Errorf("drained: %v", r)
			}
		})
	}
}

// A port that is not in the list of sockets is tried with bash.
func TestWaitForPortElsewhere(t *testing.T) {
	port := listen(t, "")
	r := ours(t, "wait_for", map[string]any{"host": "localhost.localdomain.invalid", "port": port, "timeout": 1, "connect_timeout": 1, "sleep": 1}, &modtest.Sh{})
	if r["failed"] != true {
		t.Errorf("a host that does not exist: %v", r)
	}
}

func TestWaitForFileThatComesLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	conn := &later{Sh: &modtest.Sh{}, act: func() { _ = os.WriteFile(path, []byte("no\nyes\n"), 0o600) }}
	if r := ours(t, "wait_for", map[string]any{"path": path, "search_regex": "^yes$", "sleep": 0}, conn); r["failed"] != nil {
		t.Error(r)
	}
}

// later does something after the second command.
type later struct {
	*modtest.Sh
	act func()
}

func (l *later) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	out, err := l.Sh.Exec(ctx, cmd)
	if l.Scripts.Load() == 2 {
		l.act()
	}
	return out, err
}

// comingUp is a host that is unreachable for the first tries.
type comingUp struct {
	modtest.Host
	refuse, resets int
}

func (c *comingUp) Exec(ctx context.Context, cmd connection.Command) (connection.Output, error) {
	if c.refuse > 0 {
		c.refuse--
		return connection.Output{}, &connection.Unreachable{Host: "k:22", Phase: connection.PhaseConnect, Err: os.ErrDeadlineExceeded}
	}
	return connection.Output{Stdout: []byte("pong\n")}, nil
}

func (c *comingUp) Reset() error { c.resets++; return nil }

func TestWaitForConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := &comingUp{refuse: 3}
		r := ours(t, "wait_for_connection", map[string]any{"delay": 10, "sleep": 5}, conn)
		if r["failed"] != nil || r["elapsed"] != 25 || conn.resets != 4 {
			t.Errorf("%v after %d resets", r, conn.resets)
		}
		conn = &comingUp{refuse: 1000}
		r = ours(t, "wait_for_connection", map[string]any{"timeout": 60, "sleep": 7}, conn)
		if r["failed"] != true || r["elapsed"] != 63 || !strings.Contains(r["msg"].(string), "k:22") {
			t.Errorf("%v", r)
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ours(t, "pause", map[string]any{"seconds": "90"}, nil)
		if r["delta"] != 90 || r["stdout"] != "Paused for 90.0 seconds" {
			t.Error(r)
		}
		r = ours(t, "pause", map[string]any{"minutes": 1.9}, nil)
		if r["delta"] != 60 || r["stdout"] != "Paused for 1.0 minutes" {
			t.Error(r)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		m := modules.Lookup("pause", nil)
		a, err := m.Spec.Validate("pause", value.NewDict("seconds", 100))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Run(ctx, &modules.Call{Args: a, Controller: &modtest.Controller{}}); err != context.DeadlineExceeded {
			t.Errorf("a pause does not end with the run: %v", err)
		}
	})
	m := modules.Lookup("pause", nil)
	a, err := m.Spec.Validate("pause", value.NewDict("prompt", "Open?"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.Run(context.Background(), &modules.Call{Args: a, Controller: &modtest.Controller{Answer: "네"}})
	if err != nil || r.Values.At("user_input") != "네" {
		t.Errorf("%v %v", r, err)
	}
}

// restarting is a host that goes away and comes back with another boot ID.
type restarting struct {
	modtest.Host
	refuse int
	booted bool
}

func (r *restarting) Exec(_ context.Context, cmd connection.Command) (connection.Output, error) {
	switch {
	case strings.Contains(cmd.Script, "shutdown -r"):
		r.booted = true
		return connection.Output{}, &connection.Unreachable{Host: "k:22", Phase: connection.PhaseCommand, Sent: true, Err: os.ErrClosed}
	case r.booted && r.refuse > 0:
		r.refuse--
		return connection.Output{}, &connection.Unreachable{Host: "k:22", Phase: connection.PhaseConnect, Err: os.ErrDeadlineExceeded}
	case strings.Contains(cmd.Script, "boot_id") && r.booted:
		return connection.Output{Stdout: []byte("second\n")}, nil
	}
	return connection.Output{Stdout: []byte("first\n")}, nil
}

func (r *restarting) Reset() error { return nil }

func TestReboot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := ours(t, "reboot", map[string]any{"post_reboot_delay": 5}, &restarting{refuse: 4})
		if r["failed"] != nil || r["rebooted"] != true || r["elapsed"] != 1+2+4+8+12+5 {
			t.Errorf("%v", r)
		}
		r = ours(t, "reboot", map[string]any{"reboot_timeout": 60}, &restarting{refuse: 1000})
		if r["failed"] != true || !strings.HasPrefix(r["msg"].(string), "Timed out waiting for last boot time check (timeout=60): k:22") {
			t.Errorf("%v", r)
		}
	})
}
