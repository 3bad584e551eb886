package rack_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/connection/ssh"
	"sunup/lab/rack"
)

func shell(t *testing.T, h *rack.Host, script string) string {
	t.Helper()
	link := ssh.New(h.Options(), ssh.Environment{})
	defer link.Close()
	out, err := link.As(connection.Become{}).Exec(context.Background(), connection.Command{Script: script})
	require.NoError(t, err)
	require.Zero(t, out.Code, "%s: %s", script, out.Stderr)
	return strings.TrimSpace(string(out.Stdout))
}

func TestRack(t *testing.T) {
	r := rack.Run(t, rack.Debian("plain"), rack.Python("snake"), rack.BusyBox("box"))
	ctx := context.Background()

	t.Run("each is a system of its own", func(t *testing.T) {
		require.Equal(t, "plain", shell(t, r.Host("plain"), "hostname"))
		require.Equal(t, "systemd", shell(t, r.Host("plain"), "cat /proc/1/comm"))
		require.Equal(t, "running", shell(t, r.Host("plain"), "systemctl is-system-running"))
		require.Equal(t, "none", shell(t, r.Host("plain"), "command -v python3 || echo none"))
		require.Equal(t, "/usr/bin/python3", shell(t, r.Host("snake"), "command -v python3"))
		require.Equal(t, "box", shell(t, r.Host("box"), "hostname"))
		require.Contains(t, shell(t, r.Host("box"), "ls -l /bin/sh; cat /proc/1/comm"), "busybox")
		require.Equal(t, "snake", shell(t, r.Host("plain"), "getent hosts snake | awk '{print $2}'"))
	})
	t.Run("services of one are not seen by another", func(t *testing.T) {
		r.Host("plain").Sh(t, "systemd-run --unit=only-here sleep 1000")
		require.NotContains(t, r.Host("snake").Sh(t, "systemctl list-units --all; ps ax"), "only-here")
	})
	t.Run("packages come from the registry", func(t *testing.T) {
		require.Contains(t, r.Host("plain").Sh(t, "apt-get install -q -y --no-install-recommends tree >/dev/null 2>&1; tree --version"), "tree v")
	})
	t.Run("a reboot is another boot of the same files", func(t *testing.T) {
		h := r.Host("plain")
		before := shell(t, h, "cat /proc/sys/kernel/random/boot_id; echo kept > /srv/mark; systemctl show -p UserspaceTimestampMonotonic --value")
		h.Sh(t, "systemctl reboot")
		require.Eventually(t, func() bool { return h.Boots() == 2 }, 60*time.Second, 20*time.Millisecond)
		require.NoError(t, h.WaitUp(ctx))
		require.Equal(t, "kept", shell(t, h, "cat /srv/mark"))
		require.NotEqual(t, before, shell(t, h, "cat /proc/sys/kernel/random/boot_id; echo kept > /srv/mark; systemctl show -p UserspaceTimestampMonotonic --value"))
	})
	t.Run("files that differ are told", func(t *testing.T) {
		h := r.Host("snake")
		h.Sh(t, "echo a > /etc/a; chmod 640 /etc/a; rm /etc/issue; chmod 644 /etc/motd; ln -s a /etc/b")
		files, err := h.Files()
		require.NoError(t, err)
		require.Equal(t, "file 0640 0:0 87428fc52280", files["/etc/a"].String())
		require.Equal(t, "gone", files["/etc/issue"].String())
		require.Equal(t, "link  0:0 a", files["/etc/b"].String())
		require.NotContains(t, files, "/etc/motd")
		require.NotContains(t, files, "/etc")
	})
	t.Run("unplugged, off, on, reset", func(t *testing.T) {
		h := r.Host("box")
		require.NoError(t, h.Unplug())
		_, err := net.DialTimeout("tcp", h.Addr()+":22", 300*time.Millisecond)
		require.Error(t, err)
		require.NoError(t, h.Plug())
		require.NoError(t, h.WaitUp(ctx))
		h.Sh(t, "echo kept > /etc/mark")
		h.PowerOff()
		_, err = net.DialTimeout("tcp", h.Addr()+":22", 300*time.Millisecond)
		require.Error(t, err)
		require.NoError(t, h.PowerOn(ctx))
		require.Equal(t, "kept\n", h.Sh(t, "cat /etc/mark"))
		require.NoError(t, h.Reset(ctx))
		require.Equal(t, "no\n", h.Sh(t, "cat /etc/mark 2>/dev/null || echo no"))
	})
	t.Run("the inventory is read", func(t *testing.T) {
		text, err := os.ReadFile(r.Inventory())
		require.NoError(t, err)
		require.Contains(t, string(text), "ansible_host: "+r.Host("box").Addr())
	})
}

// A test that dies leaves nothing: another process starts a rack and is killed.
func TestNothingIsLeftByTheDead(t *testing.T) {
	if os.Getenv("RACK_THAT_DIES") != "" {
		r, err := rack.Start(context.Background(), rack.Config{Dir: os.Getenv("RACK_THAT_DIES"), Hosts: []rack.HostConfig{rack.BusyBox("dead")}})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("RACK_THAT_DIES"), "up"), []byte(r.Gateway()), 0o644))
		select {}
	}
	if err := rack.Available(); err != nil {
		t.Skipf("left out: %v", err)
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=TestNothingIsLeftByTheDead")
	cmd.Env = append(os.Environ(), "RACK_THAT_DIES="+dir)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "up")); return err == nil }, 5*time.Minute, 20*time.Millisecond)
	gateway, err := os.ReadFile(filepath.Join(dir, "up"))
	require.NoError(t, err)
	link := "sunup-rack" + strings.Split(string(gateway), ".")[2]
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait() //nolint:errcheck // killed
	require.Eventually(t, func() bool { _, err := net.InterfaceByName(link); return err != nil }, 10*time.Second, 20*time.Millisecond)
	mounts, err := os.ReadFile("/proc/mounts")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), "/run/rack")
	require.Eventually(t, func() bool {
		out, _ := exec.Command("ps", "ax", "-o", "args").Output()
		return !strings.Contains(string(out), "--machine=dead")
	}, 10*time.Second, 50*time.Millisecond)

	// The next rack sweeps the control groups, which have no owner to end with.
	rack.Run(t, rack.BusyBox("next"))
	left, err := filepath.Glob("/sys/fs/cgroup/*/" + link + "/dead")
	require.NoError(t, err)
	require.Empty(t, left)
}
