package lab_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	sshlink "sunup/internal/connection/ssh"
	"sunup/lab"
	"sunup/lab/sshd"
)

// link reaches a host the way a run does.
func link(t *testing.T, f *lab.Fleet, host string) connection.Link {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, f.WriteAccess(dir))
	ip, port, err := net.SplitHostPort(f.Host(host).Addr())
	require.NoError(t, err)
	n, _ := strconv.Atoi(port)
	l := sshlink.New(connection.Options{Name: host, Address: ip, Port: n, User: "ops", PrivateKeys: []string{filepath.Join(dir, lab.KeyFile)}, NoAgent: true,
		KnownHosts: []string{filepath.Join(dir, lab.KnownHostsFile)}, HostKeys: connection.KeysStrict, SSHConfig: []string{}}, sshlink.Environment{})
	t.Cleanup(func() { l.Close() })
	return l
}

func TestConnection(t *testing.T) {
	f := start(t, oneHost)
	h := f.Host("web1")
	l := link(t, f, "web1")
	ctx := context.Background()
	me, root := l.As(connection.Become{}), l.As(connection.Become{Method: "sudo"})

	out, err := me.Exec(ctx, connection.Command{Script: "id -un; echo \"$A\"; pwd; cat; echo err >&2; exit 3", Env: []string{"A=b c"}, Dir: "/etc", Stdin: strings.NewReader("in")})
	require.NoError(t, err)
	assert.Equal(t, []any{"ops\nb c\n/etc\nin", "err\n", 3}, []any{string(out.Stdout), string(out.Stderr), out.Code})
	out, err = root.Exec(ctx, connection.Command{Script: "id -un"})
	require.NoError(t, err)
	assert.Equal(t, "root\n", string(out.Stdout))
	out, err = me.Exec(ctx, connection.Command{Script: "a=(x y); echo ${a[1]}", Executable: "/bin/bash"})
	require.NoError(t, err)
	assert.Equal(t, "y\n", string(out.Stdout))

	for _, size := range []int{0, 10, 300_000} {
		data := bytes.Repeat([]byte{0, 'x', '\'', '%', '\\', '\n', 0xff, 'z', '1', '2'}, size/10)
		require.NoError(t, root.Put(ctx, "/etc/file", bytes.NewReader(data), int64(len(data)), 0o640))
		got, err := h.ReadFile("/etc/file")
		require.NoError(t, err)
		assert.True(t, bytes.Equal(data, got), "size %d", size)
		var back bytes.Buffer
		require.NoError(t, root.Get(ctx, "/etc/file", &back))
		assert.True(t, bytes.Equal(data, back.Bytes()), "size %d", size)
		i, err := h.Stat("/etc/file")
		require.NoError(t, err)
		assert.Equal(t, []any{uint32(0o640), 0}, []any{i.Perm(), i.UID})
	}
	assert.ErrorIs(t, me.Get(ctx, "/nothing", &bytes.Buffer{}), fs.ErrNotExist)
	assert.ErrorIs(t, me.Put(ctx, "/etc/no", strings.NewReader("x"), 1, 0), fs.ErrPermission)
}

// TestTimeLimit wants the whole process tree of a command gone with it.
func TestTimeLimit(t *testing.T) {
	f := start(t, oneHost)
	me := link(t, f, "web1").As(connection.Become{})
	_, err := me.Exec(context.Background(), connection.Command{Script: "sleep 300 & (trap '' TERM; sleep 301; sleep 302) & setsid sleep 303 & sleep 304", Timeout: 100 * time.Millisecond})
	var limit *connection.TimeLimit
	require.ErrorAs(t, err, &limit)
	sleeping := func() bool {
		for _, p := range f.Host("web1").Machine().Procs() {
			if p.Comm() == "sleep" {
				return true
			}
		}
		return false
	}
	require.Eventually(t, func() bool { return !sleeping() }, 10*time.Second, 5*time.Millisecond)
}

func TestLostHosts(t *testing.T) {
	f := start(t, oneHost)
	h := f.Host("web1")
	l := link(t, f, "web1")
	me := l.As(connection.Become{})
	_, err := me.Exec(context.Background(), connection.Command{Script: "true"})
	require.NoError(t, err)
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		for range 1000 {
			if strings.Contains(lastCommand(h), "sleep 77") {
				h.Drop()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	_, err = me.Exec(context.Background(), connection.Command{Script: "/usr/bin/sleep 77"})
	<-begun
	var lost *connection.Unreachable
	require.True(t, errors.As(err, &lost), "%v", err)
	assert.True(t, lost.Sent)

	require.NoError(t, h.SetFault(sshd.Fault{OtherKey: true}))
	_, err = me.Exec(context.Background(), connection.Command{Script: "true"})
	require.True(t, errors.As(err, &lost), "%v", err)
	assert.Equal(t, connection.PhaseHostKey, lost.Phase)
}

func lastCommand(h *lab.Host) string {
	all := h.Commands()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Command()
}
