package modules_test

import (
	"context"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/connection/ssh"
	"sunup/lab/rack"
	"sunup/modules/modtest"
)

// looking asks for a secret and then prints every command line of its host.
const looking = `sh -c 'printf "Name or code"; read -r a; for f in /proc/[0-9]*/cmdline; do tr "\0" " " <$f; echo; done 2>/dev/null; test "$a" = "tu""lip" && echo it came as $(id -un)'`

// expectSecret lets a program ask, as conn's identity; the answer is in no
// command line.
func expectSecret(t *testing.T, conn connection.Conn, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := runOn(ctx, conn, "expect", map[string]any{"command": looking, "responses": map[string]any{"code": "tulip"}, "timeout": 20})
	require.NoError(t, err)
	require.Nil(t, r["failed"], "%v", r)
	before, after, ok := strings.Cut(r["stdout"].(string), "it came as "+name)
	require.True(t, ok, "%v", r)
	require.Contains(t, before, "/proc/[0-9]*/cmdline", "it sees command lines")
	require.NotContains(t, before, "tulip")
	require.Empty(t, after)
}

func TestExpectOnThisMachine(t *testing.T) {
	me, err := user.Current()
	require.NoError(t, err)
	expectSecret(t, modtest.NewResident(t), me.Username)
}

func TestExpectAsAnotherUser(t *testing.T) {
	r := startHosts(t, rack.Debian("plain"), rack.BusyBox("box"))
	for _, h := range r.Hosts() {
		options := h.Options()
		link := ssh.New(options, ssh.Environment{})
		t.Cleanup(func() { link.Close() })
		expectSecret(t, link.As(connection.Become{}), "root")
		if h.Name == "box" {
			continue // it has no sudo
		}
		options.User = "ops"
		ops := ssh.New(options, ssh.Environment{})
		t.Cleanup(func() { ops.Close() })
		expectSecret(t, ops.As(connection.Become{}), "ops")
		expectSecret(t, ops.As(connection.Become{Method: "sudo"}), "root")
	}
}
