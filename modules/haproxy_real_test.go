package modules_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/modules/modtest"
)

// echoServer answers every connection with its name and holds it until the
// other side ends.
func echoServer(t *testing.T, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprintln(c, name)
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	return l.Addr().String()
}

// realHaproxy starts an HAProxy of its own with two servers behind it.
func realHaproxy(t *testing.T, one, two string) (socket, address string) {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		if program = "/usr/sbin/haproxy"; !exists(program) {
			t.Skip("needs haproxy, which is not installed")
		}
	}
	if _, err := exec.LookPath("socat"); err != nil {
		t.Skip("needs socat, which is not installed")
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	l.Close()
	// The path of a socket must be short.
	short, err := os.MkdirTemp("/tmp", "h")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(short) })
	socket = filepath.Join(short, "s")
	conf := filepath.Join(dir, "haproxy.cfg")
	require.NoError(t, os.WriteFile(conf, []byte(fmt.Sprintf(`global
  stats socket %s mode 600 level admin
defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
frontend front
  bind %s
  default_backend app
backend app
  balance roundrobin
  server one %s
  server two %s
backend api
  server one %s
`, socket, address, one, two, one)), 0o600))
	cmd := exec.Command(program, "-db", "-f", conf)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool { return exists(socket) && answers(address) }, 20*time.Second, 20*time.Millisecond)
	return socket, address
}

// A server of a real HAProxy is drained with a session open, disabled, and
// taken back with another weight.
func TestRealHaproxy(t *testing.T) {
	socket, front := realHaproxy(t, echoServer(t, "one"), echoServer(t, "two"))
	connect := func() (net.Conn, string) {
		c, err := net.Dial("tcp", front)
		require.NoError(t, err)
		var name string
		_, err = fmt.Fscanln(c, &name)
		require.NoError(t, err)
		return c, name
	}
	seen := func() map[string]int {
		n := map[string]int{}
		for range 8 {
			c, name := connect()
			c.Close()
			n[name]++
		}
		return n
	}
	run := func(args map[string]any) map[string]any {
		args["socket"], args["backend"] = socket, "app"
		if args["host"] == nil {
			args["host"] = "one"
		}
		return ours(t, "community.general.haproxy", args, &modtest.Sh{})
	}
	server := func(r map[string]any) map[string]any { return r["stats"].([]any)[0].(map[string]any) }

	held, name := connect()
	for name != "one" {
		held.Close()
		held, name = connect()
	}
	r := run(map[string]any{"state": "drain"})
	require.Equal(t, true, r["changed"], "%v", r)
	require.Equal(t, []any{"set server app/one state drain"}, r["command"])
	require.Equal(t, "DRAIN", server(r)["status"])
	require.Equal(t, 1, server(r)["scur"])
	require.Equal(t, map[string]int{"two": 8}, seen())
	r = run(map[string]any{"state": "drain"})
	require.Equal(t, false, r["changed"], "%v", r)

	// While the session is open, waiting ends with the retries.
	r = run(map[string]any{"state": "drain", "wait": true, "wait_retries": 1, "wait_interval": 0})
	require.Equal(t, true, r["failed"], "%v", r)
	require.Contains(t, r["msg"], "server app/one not status 'drain' after 1 retries")

	held.Close()
	r = run(map[string]any{"state": "disabled", "drain": true, "wait_retries": 100, "wait_interval": 1})
	require.Equal(t, "MAINT", server(r)["status"], "%v", r)
	require.Equal(t, true, r["changed"], "%v", r)
	r = run(map[string]any{"state": "disabled"})
	require.Equal(t, false, r["changed"], "%v", r)

	r = run(map[string]any{"state": "enabled", "weight": "3", "wait": true, "wait_interval": 0})
	require.Equal(t, true, r["changed"], "%v", r)
	require.Equal(t, "3", server(r)["weight"])
	require.Equal(t, map[string]int{"one": 6, "two": 2}, seen())
	r = run(map[string]any{"state": "enabled", "weight": "3"})
	require.Equal(t, false, r["changed"], "%v", r)

	r = run(map[string]any{"state": "disabled", "host": "three", "fail_on_not_found": true})
	require.Equal(t, true, r["failed"])
	require.Contains(t, r["msg"], "The specified backend 'app/three' was not found!")
	r = ours(t, "community.general.haproxy", map[string]any{"socket": socket + "x", "host": "one", "state": "drain"}, &modtest.Sh{})
	require.Equal(t, true, r["failed"])
}
