package modules_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/internal/connection"
	"sunup/internal/connection/ssh"
	"sunup/lab/rack"
	"sunup/lab/wire"
)

// startHosts is a rack for tests of what happens while hosts start, stop and
// change; it is left out of short runs.
func startHosts(t *testing.T, hosts ...rack.HostConfig) *rack.Rack {
	t.Helper()
	if testing.Short() {
		t.Skip("left out of short runs: starts real hosts")
	}
	return rack.Run(t, hosts...)
}

// do runs one of our modules on a host.
func do(t *testing.T, h *twin, module string, args map[string]any) map[string]any {
	t.Helper()
	return h.run(t, module, request{Module: module, Args: args, dir: t.TempDir()})
}

func TestRebootOnHosts(t *testing.T) {
	r := startHosts(t, rack.Debian("good"), rack.Debian("stays"), rack.Debian("late"), rack.Debian("broken"), rack.Debian("silent"), rack.BusyBox("box"))
	unit := "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n"
	for name, prepare := range map[string]string{
		"good":   "true",
		"stays":  "systemctl mask reboot.target systemd-reboot.service >/dev/null 2>&1; printf '#!/bin/sh\\nexit 0\\n' >/usr/local/sbin/shutdown; chmod 755 /usr/local/sbin/shutdown; mv /sbin/shutdown /sbin/shutdown.away; ln -s /usr/local/sbin/shutdown /sbin/shutdown",
		"late":   fmt.Sprintf("printf '%s' >/etc/systemd/system/app.service; sed -i 's/^ExecStart=/ExecStartPre=\\/bin\\/sleep 4\\n&/' /etc/systemd/system/app.service; systemctl enable -q app", strings.ReplaceAll(unit, "\n", "\\n")),
		"broken": "systemctl disable -q cron",
		"silent": "systemctl disable -q ssh",
	} {
		r.Host(name).Sh(t, prepare)
	}
	for _, c := range []struct {
		host string
		args map[string]any
		// failed, rebooted and a part of msg are what is told, boots what is true.
		failed, rebooted bool
		msg              string
		boots            int
	}{
		{"good", map[string]any{"test_command": "systemctl is-active ssh"}, false, true, "", 2},
		{"box", map[string]any{"reboot_command": "reboot"}, false, true, "", 2},
		{"stays", map[string]any{"reboot_timeout": 6}, true, false, "boot time has not changed", 1},
		{"late", map[string]any{"test_command": "systemctl is-active app", "reboot_timeout": 90}, false, true, "", 2},
		{"broken", map[string]any{"test_command": "systemctl is-active cron", "reboot_timeout": 20}, true, true, "test command failed: inactive", 2},
		{"silent", map[string]any{"reboot_timeout": 12, "connect_timeout": 2}, true, false, "Timed out waiting for last boot time check", 2},
	} {
		t.Run(c.host, func(t *testing.T) {
			t.Parallel()
			h := ourTwin(t, r.Host(c.host))
			got := do(t, h, "reboot", c.args)
			require.Equal(t, c.failed, got["failed"] == true, "%v", got)
			require.Equal(t, c.rebooted, got["rebooted"], "%v", got)
			if c.msg != "" {
				require.Contains(t, got["msg"], c.msg)
			}
			require.Equal(t, c.boots, r.Host(c.host).Boots())
		})
	}
}

// A real haproxy in front of two real nginx: servers are drained, taken out and
// brought back, and requests go where they should.
func TestHaproxyAndServicesOnHosts(t *testing.T) {
	r := startHosts(t, rack.Debian("front"), rack.Debian("app1"), rack.Debian("app2"))
	front := ourTwin(t, r.Host("front"))
	twins := []*twin{front, ourTwin(t, r.Host("app1")), ourTwin(t, r.Host("app2"))}
	each(t, twins, func(t *testing.T, h *twin) {
		if h == front {
			h.sh(t, "DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends haproxy socat >/dev/null 2>&1")
			return
		}
		h.sh(t, "DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nginx-light >/dev/null 2>&1; hostname >/var/www/html/index.html")
	})
	config := "global\n  stats socket /run/haproxy/admin.sock mode 660 level admin\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s\nfrontend f\n  bind :80\n  default_backend apps\nbackend apps\n  balance roundrobin\n"
	for _, name := range []string{"app1", "app2"} {
		config += fmt.Sprintf("  server %s %s:80 weight 100\n", name, r.Host(name).Addr())
	}
	require.Equal(t, true, do(t, front, "copy", map[string]any{"content": config, "dest": "/etc/haproxy/haproxy.cfg", "validate": "haproxy -c -f %s"})["changed"])
	for _, h := range twins {
		name := "nginx"
		if h == front {
			name = "haproxy"
		}
		got := do(t, h, "service", map[string]any{"name": name, "state": "restarted", "enabled": true})
		require.NotEqual(t, true, got["failed"], "%v", got)
		require.Equal(t, false, do(t, h, "service", map[string]any{"name": name, "state": "started", "enabled": true})["changed"])
	}
	answers := func() []string {
		var seen []string
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		for range 8 {
			resp, err := client.Get("http://" + r.Host("front").Addr() + "/")
			require.NoError(t, err)
			body := make([]byte, 64)
			n, _ := resp.Body.Read(body)
			resp.Body.Close()
			seen = append(seen, strings.TrimSpace(string(body[:n])))
		}
		slices.Sort(seen)
		return slices.Compact(seen)
	}
	require.Eventually(t, func() bool { return reflect.DeepEqual(answers(), []string{"app1", "app2"}) }, 30*time.Second, 200*time.Millisecond)
	server := func(more map[string]any) map[string]any {
		args := map[string]any{"backend": "apps", "host": "app1", "socket": "/run/haproxy/admin.sock", "wait_interval": 1}
		for k, v := range more {
			args[k] = v
		}
		got := do(t, front, "community.general.haproxy", args)
		require.NotEqual(t, true, got["failed"], "%v", got)
		return got
	}
	require.Equal(t, true, server(map[string]any{"state": "drain", "wait": true})["changed"])
	require.Equal(t, []string{"app2"}, answers())
	require.Equal(t, false, server(map[string]any{"state": "drain"})["changed"])
	require.Equal(t, true, server(map[string]any{"state": "disabled", "shutdown_sessions": true, "wait": true})["changed"])
	require.Equal(t, []string{"app2"}, answers())
	require.Equal(t, true, server(map[string]any{"state": "enabled", "weight": "50%", "wait": true})["changed"])
	require.Equal(t, []string{"app1", "app2"}, answers())
	require.Contains(t, front.sh(t, "echo 'show stat' | socat - /run/haproxy/admin.sock | grep app1 | cut -d, -f19"), "50")

	// A service that cannot start fails with the reason.
	r.Host("app1").Sh(t, "echo 'nonsense;' >/etc/nginx/conf.d/bad.conf")
	got := do(t, twins[1], "service", map[string]any{"name": "nginx", "state": "restarted"})
	require.Equal(t, true, got["failed"])
	require.Contains(t, got["msg"], "nonsense")
}

// An archive is sent over a line that is cut every few KiB: what is on the host
// afterwards is nothing of it, or all.
func TestUnarchiveCut(t *testing.T) {
	r := startHosts(t, rack.Debian("cut"))
	host := r.Host("cut")
	local := t.TempDir()
	archive := filepath.Join(local, "a.tar")
	host.Sh(t, "mkdir -p /srv/in; head -c 40000 /dev/urandom >/srv/in/one; head -c 30000 /dev/urandom >/srv/in/two; tar -C /srv/in -cf /srv/a.tar .")
	text, err := os.ReadFile(filepath.Join(host.Root(), "srv/a.tar"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(archive, text, 0o644))
	before, err := host.Files()
	require.NoError(t, err)

	whole := 0
	for after := int64(4 << 10); ; after += 12 << 10 {
		line, err := wire.Listen(net.JoinHostPort(host.Addr(), "22"), wire.Fault{CutAfter: after})
		require.NoError(t, err)
		got, err := cutRun(t, r, line, archive)
		line.Close()
		host.Sh(t, "systemctl --wait is-system-running >/dev/null 2>&1 || true")
		files, ferr := host.Files()
		require.NoError(t, ferr)
		_, one := files["/srv/out/one"]
		_, two := files["/srv/out/two"]
		if err == nil && got["failed"] != true {
			whole++
			require.True(t, one && two, "cut after %d: said to be done: %v", after, got)
			break
		}
		require.Equal(t, one, two, "cut after %d bytes: half of the archive is there", after)
		for path := range files {
			if _, was := before[path]; !was && strings.HasPrefix(path, "/srv/out/") {
				require.Contains(t, []string{"/srv/out/one", "/srv/out/two"}, path, "cut after %d: left behind", after)
			}
		}
		require.Less(t, after, int64(4<<20), "never got through")
	}
	require.Equal(t, 1, whole)
	require.Equal(t, host.Sh(t, "cd /srv/in; sha256sum one two"), host.Sh(t, "cd /srv/out; sha256sum one two"))
}

func cutRun(t *testing.T, r *rack.Rack, line *wire.Wire, archive string) (map[string]any, error) {
	t.Helper()
	r.Host("cut").Sh(t, "rm -rf /srv/out; mkdir /srv/out")
	o := r.Host("cut").Options()
	o.Address, o.Port = line.Host, line.Port
	o.HostKeys, o.KnownHosts = connection.KeysAcceptNew, []string{filepath.Join(t.TempDir(), "known_hosts")}
	link := ssh.New(o, ssh.Environment{})
	defer link.Close()
	return runOn(context.Background(), link.As(connection.Become{}), "unarchive", map[string]any{"src": archive, "dest": "/srv/out"})
}

// Facts of a host without Python are those that ansible-core gathers on its twin
// with Python, but for what differs between any two hosts.
func TestFactsOnHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("left out of short runs: starts real hosts")
	}
	w := &twins{top: t}
	ref := w.reference(t)
	theirs, _ := ref.run(t, "setup", request{Args: map[string]any{}})["ansible_facts"].(map[string]any)
	mine, _ := do(t, ourTwin(t, ref.host), "setup", map[string]any{})["ansible_facts"].(map[string]any)
	require.NotEmpty(t, theirs)
	equal, total := 0, 0
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if fickle[name] {
			continue
		}
		total++
		want, got := theirs[name], mine[name]
		if name == "ansible_interfaces" {
			want, got = sorted(want), sorted(got)
		}
		if reflect.DeepEqual(want, got) {
			equal++
			continue
		}
		t.Logf("%s\n\tansible: %.300v\n\tours:    %.300v", name, want, got)
	}
	t.Logf("%d of %d facts are equal on a host of the rack", equal, total)
	require.GreaterOrEqual(t, equal, total-2)
	require.GreaterOrEqual(t, total, 75)
}
