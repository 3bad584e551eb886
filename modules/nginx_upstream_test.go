package modules_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/modules/modtest"
)

// realNginx starts an nginx of its own with two servers behind it.
func realNginx(t *testing.T, servers ...string) (dir, address string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; !exists(program) {
			t.Skip("needs nginx, which is not installed")
		}
	}
	dir = t.TempDir()
	if os.Geteuid() == 0 { // workers become nobody
		require.NoError(t, os.Chmod(dir, 0o755))
		require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	l.Close()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "conf.d"), 0o755))
	var list strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&list, "  server %s max_fails=0;  # 매표\n", s)
	}
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	write("conf.d/app.conf", "# upstream app { server no; }\nupstream app {\n"+list.String()+"}\nupstream other { server 127.0.0.1:9; }\n")
	write("nginx.conf", fmt.Sprintf(`daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  include %[1]s/conf.d/*.conf;
  server { listen %[2]s; location / { proxy_pass http://app; proxy_next_upstream off; } }
}
`, dir, address))
	cmd := exec.Command(program, "-c", filepath.Join(dir, "nginx.conf"), "-e", filepath.Join(dir, "error.log"))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool { return exists(filepath.Join(dir, "pid")) && answers(address) }, 20*time.Second, 20*time.Millisecond)
	return dir, address
}

func exists(name string) bool { _, err := os.Stat(name); return err == nil }

func answers(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// A server of a real nginx is drained while a request is under way, and taken
// back: nobody asks it in between, and what was under way ends well.
func TestNginxUpstream(t *testing.T) {
	slow, began := make(chan struct{}), make(chan struct{}, 1)
	backend := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				began <- struct{}{}
				<-slow
			}
			fmt.Fprint(w, name)
		}))
		t.Cleanup(s.Close)
		return s
	}
	one, two := backend("one"), backend("two")
	release := sync.OnceFunc(func() { close(slow) })
	t.Cleanup(release) // before the servers end, which wait for it
	at := func(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
	dir, front := realNginx(t, at(one), at(two))
	app := filepath.Join(dir, "conf.d/app.conf")
	original, err := os.ReadFile(app)
	require.NoError(t, err)
	ask := func(path string) string {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := client.Get("http://" + front + path)
		if err != nil {
			return err.Error()
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		return string(b)
	}
	seen := func() map[string]int {
		n := map[string]int{}
		for range 12 {
			n[ask("/")]++
		}
		return n
	}
	run := func(args map[string]any) map[string]any {
		args["upstream"], args["conf"] = "app", filepath.Join(dir, "nginx.conf")
		return ours(t, "nginx_upstream", args, &modtest.Sh{})
	}
	require.Equal(t, map[string]int{"one": 6, "two": 6}, seen())

	// The next request goes to one.
	under := make(chan string)
	go func() { under <- ask("/slow") }()
	<-began
	r := run(map[string]any{"server": at(one), "state": "drain", "wait_timeout": 0})
	require.Equal(t, true, r["failed"], "%v", r)
	require.Equal(t, 1, r["connections"])
	require.Contains(t, r["msg"], "1 connections from nginx to "+at(one)+" are left")
	require.Equal(t, map[string]int{"two": 12}, seen())
	release()
	require.Equal(t, "one", <-under)
	r = run(map[string]any{"server": at(one), "state": "drain"})
	require.Equal(t, map[string]any{"changed": false, "path": app, "state": "disabled", "weight": 1, "reloaded": false, "connections": 0}, r)

	// The last one is not taken out by mistake.
	r = run(map[string]any{"server": at(two), "state": "disabled"})
	require.Equal(t, true, r["failed"])
	require.Contains(t, r["msg"], "is the last server of upstream 'app'")

	r = run(map[string]any{"server": at(one), "state": "enabled", "weight": 3, "backup": true})
	require.Equal(t, true, r["changed"], "%v", r)
	require.Equal(t, true, r["reloaded"])
	require.FileExists(t, r["backup_file"].(string))
	require.NoError(t, os.Remove(r["backup_file"].(string)))
	require.Equal(t, map[string]int{"one": 9, "two": 3}, seen())

	r = run(map[string]any{"server": at(one), "weight": 1})
	require.Equal(t, true, r["changed"])
	text, err := os.ReadFile(app)
	require.NoError(t, err)
	require.Equal(t, strings.Replace(string(original), at(one), at(one)+" weight=1", 1), string(text))

	// A server that is not there, an upstream that is not there.
	require.Contains(t, run(map[string]any{"server": "127.0.0.1:9", "state": "disabled"})["msg"], "has no server '127.0.0.1:9'; it has: "+at(one)+", "+at(two))
	r = ours(t, "nginx_upstream", map[string]any{"upstream": "ap", "server": "a", "state": "disabled", "conf": filepath.Join(dir, "nginx.conf")}, &modtest.Sh{})
	require.Contains(t, r["msg"], "there are: app, other")
}

// What nginx refuses is not left in the file, and a broken configuration is not
// made worse.
func TestNginxUpstreamGoesBack(t *testing.T) {
	dir, _ := realNginx(t, "127.0.0.1:9", "127.0.0.1:10")
	app, conf := filepath.Join(dir, "conf.d/app.conf"), filepath.Join(dir, "nginx.conf")
	original, err := os.ReadFile(app)
	require.NoError(t, err)
	// An nginx that refuses only what was changed.
	picky := filepath.Join(dir, "picky")
	require.NoError(t, os.WriteFile(picky, []byte("#!/bin/sh\ncase \"$*\" in *-t*) echo 'nginx: [emerg] no such luck' >&2; exit 1;; esac\nPATH=$PATH:/usr/sbin exec nginx \"$@\"\n"), 0o755))
	r := ours(t, "nginx_upstream", map[string]any{"upstream": "app", "server": "127.0.0.1:9", "state": "disabled", "conf": conf, "nginx": picky}, &modtest.Sh{})
	require.Equal(t, true, r["failed"], "%v", r)
	require.Contains(t, r["msg"], "nginx refuses the new configuration: nginx: [emerg] no such luck; the old "+app+" is back")
	text, err := os.ReadFile(app)
	require.NoError(t, err)
	require.Equal(t, string(original), string(text))
	left, err := filepath.Glob(filepath.Join(dir, "conf.d", "*"))
	require.NoError(t, err)
	require.Equal(t, []string{app}, left)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "conf.d/broken.conf"), []byte("nonsense on;\n"), 0o644))
	r = ours(t, "nginx_upstream", map[string]any{"upstream": "app", "server": "127.0.0.1:9", "state": "disabled", "conf": conf}, &modtest.Sh{})
	require.Contains(t, r["msg"], "does not accept the configuration as it is, so nothing is changed")
	require.Contains(t, r["msg"], `unknown directive "nonsense"`)
}
