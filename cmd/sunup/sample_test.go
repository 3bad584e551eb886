package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/connection/sshdtest"
)

// serviceTools stand in for a service manager on the test's servers, which all
// run on this machine: a service is a file below $STATE.
var serviceTools = map[string]string{
	"rc-service": `name=$1; shift; case $1 in --exists) exit 0;; esac
case $1 in
status) [ -e "$STATE/$name" ] && { echo "$name is started"; exit 0; }; echo "$name is stopped"; exit 3;;
start|restart) [ ! -e "$STATE/sick-$name" ] || { echo "$name: crashed at start" >&2; exit 1; }; touch "$STATE/$name";;
stop) rm -f "$STATE/$name";;
esac`,
	"rc-update":  `case $1 in show) ls "$STATE" | sed 's/$/ | default/';; esac`,
	"systemctl":  `[ -e "$STATE/$2" ]`,
	"journalctl": `echo "kiosk-app: no paper"`,
	"pg_isready": `[ -e "$STATE/postgresql" ]`,
}

// morningServer is a real sshd that plays one host of the sample.
func morningServer(t *testing.T, tools, name, address string) (line, state string) {
	t.Helper()
	state = t.TempDir()
	require.NoError(t, os.Chmod(state, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(state, "chronyd"), nil, 0o600))
	s := sshdtest.Run(t, sshdtest.Config{Address: address, Extra: []string{
		fmt.Sprintf("SetEnv PATH=%s:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin STATE=%s", tools, state),
	}})
	return fmt.Sprintf("%s ansible_host=%s ansible_port=%d ansible_user=%s ansible_ssh_private_key_file=%s ansible_ssh_common_args='-F none -o UserKnownHostsFile=%s' state=%s",
		name, s.Host, s.Port, s.User, s.Key, s.KnownHosts, state), state
}

// TestSampleMorningOnRealServers runs the sample of the demo against real
// OpenSSH servers: one kiosk is sick, everything else comes up.
func TestSampleMorningOnRealServers(t *testing.T) {
	if err := sshdtest.Available(); err != nil {
		t.Skip("left out: ", err)
	}
	tools := t.TempDir()
	require.NoError(t, os.Chmod(tools, 0o755))
	for name, body := range serviceTools {
		require.NoError(t, os.WriteFile(filepath.Join(tools, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755))
	}
	database, sales := listenTCP(t), salesServer(t)
	groups := []struct{ name, hosts string }{{"ticket_db", "db1"}, {"betting_servers", "bet1"}, {"gateways", "gw-east"}, {"kiosks", "kiosk1 kiosk2 kiosk3 kiosk4 kiosk5 kiosk6 kiosk7"}}
	var ini strings.Builder
	states, n := map[string]string{}, 0
	for _, g := range groups {
		fmt.Fprintf(&ini, "[%s]\n", g.name)
		for _, host := range strings.Fields(g.hosts) {
			n++
			line, state := morningServer(t, tools, host, fmt.Sprintf("127.0.4.%d", n))
			states[host] = state
			fmt.Fprintf(&ini, "%s zone=east\n", line)
		}
	}
	ports := fmt.Sprintf("database_port=%d ticket_port=%d gateway_port=%d kiosk_port=%[3]d ansible_become=false etc_dir={{state}}/etc kiosk_dir={{state}}/kiosk", database, sales, sales)
	require.NoError(t, os.WriteFile(filepath.Join(states["kiosk3"], "sick-kiosk-app"), nil, 0o600))
	for _, s := range states {
		require.NoError(t, os.Mkdir(filepath.Join(s, "etc"), 0o755))
	}
	events := filepath.Join(t.TempDir(), "events.jsonl")
	out, code := sunup(t, "run", "-i", write(t, "hosts.ini", ini.String()), "-e", ports, "--events", events, "../../playbooks/samples/morning-startup/site.yml")
	require.Equal(t, 10, code, out)
	assert.Contains(t, out, "kiosk3 (east) is set aside")
	assert.Contains(t, out, "no paper", "with what its journal says")
	for _, host := range []string{"kiosk1", "kiosk7"} {
		conf, err := os.ReadFile(filepath.Join(states[host], "kiosk", "kiosk.conf"))
		require.NoError(t, err)
		assert.Equal(t, "zone=east\n", string(conf))
		assert.FileExists(t, filepath.Join(states[host], "kiosk-app"))
	}
	assert.NoFileExists(t, filepath.Join(states["kiosk3"], "kiosk-app"))
	stream, err := os.ReadFile(events)
	require.NoError(t, err)
	assert.Contains(t, string(stream), "zone east: sold")
}

func listenTCP(t *testing.T) int {
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
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// salesServer answers what ticket servers and gateways answer.
func salesServer(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"status": "ok"}`) })
	mux.HandleFunc("/ticket", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintln(w, `{"ticket": "sold"}`)
	})
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return l.Addr().(*net.TCPAddr).Port
}
