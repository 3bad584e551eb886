package health

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sunup/internal/value"
)

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return portOf(l)
}

// serverDir is a directory that servers may use that refuse to run as root.
func serverDir(t *testing.T) (dir string, as *syscall.Credential) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sunup-probed-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Getuid() != 0 {
		return dir, nil
	}
	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(dir, uid, -1))
	return dir, &syscall.Credential{Uid: uint32(uid)}
}

// daemon runs a server until the test ends.
func daemon(t *testing.T, dir string, as *syscall.Credential, name string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("%s", text)
		}
	})
}

// asked asks a probe once, in every way that there is.
func asked(t *testing.T, kind string, args *value.Dict) map[string]Result {
	t.Helper()
	conn := localConn(t)
	out := map[string]Result{}
	for way, target := range map[string]*Target{
		"tools":      {Name: "here", Address: "127.0.0.1", Conn: plainConn{conn}},
		"connection": {Name: "here", Address: "127.0.0.1", Conn: dialing{conn}},
		"controller": {Name: "here", Address: "127.0.0.1"},
	} {
		probe := value.NewDict(kind, args)
		if way == "controller" {
			probe.Set("from", "controller")
		}
		plan, problems := Read(value.NewList(probe))
		require.NoError(t, problems.Err())
		r, err := (&Gate{Plan: plan, Target: target, Once: true}).Run(t.Context())
		require.NoError(t, err)
		out[way] = r
	}
	return out
}

// becomesUp waits until a server that was just started answers in every way.
func becomesUp(t *testing.T, kind string, args *value.Dict) {
	t.Helper()
	var last map[string]Result
	require.Eventually(t, func() bool {
		last = asked(t, kind, args)
		for _, r := range last {
			if !r.Passed {
				return false
			}
		}
		return true
	}, time.Minute, 100*time.Millisecond)
}

// failsWith: every way tells the same reason.
func failsWith(t *testing.T, kind string, args *value.Dict, reason string) {
	t.Helper()
	for way, r := range asked(t, kind, args) {
		assert.False(t, r.Passed, way)
		assert.Contains(t, r.Why.String(), reason, way)
	}
}

func TestPostgresForReal(t *testing.T) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		t.Skip("left out: PostgreSQL is not installed (apt-get install postgresql)")
	}
	bin, port := filepath.Dir(found[len(found)-1]), freePort(t)
	dir, as := serverDir(t)
	password := filepath.Join(dir, "password")
	require.NoError(t, os.WriteFile(password, []byte("secret\n"), 0o644))
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "-A", "scram-sha-256", "--pwfile="+password, "--no-sync", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	out, err := initdb.CombinedOutput()
	require.NoError(t, err, string(out))
	args := value.NewDict("port", port)
	failsWith(t, "postgres", args, "refused")
	daemon(t, dir, as, filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	becomesUp(t, "postgres", args) // it asks for a password: it works
}

func TestRedisForReal(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("left out: Redis is not installed (apt-get install redis-server)")
	}
	dir, as := serverDir(t)
	port := freePort(t)
	failsWith(t, "redis", value.NewDict("port", port), "refused")
	daemon(t, dir, as, "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--requirepass", "secret", "--save", "")
	becomesUp(t, "redis", value.NewDict("port", port))
	becomesUp(t, "redis", value.NewDict("port", port, "password", "secret"))
	failsWith(t, "redis", value.NewDict("port", port, "password", "wrong"), "WRONGPASS")
}

// TestMySQLForReal asks a server of which only the core is installed. A server
// shuts out machines that leave after its greeting: asking often must not do
// that.
func TestMySQLForReal(t *testing.T) {
	var server string
	for _, name := range []string{"mariadbd", "mysqld", "/usr/sbin/mariadbd", "/usr/sbin/mysqld"} {
		if path, err := exec.LookPath(name); err == nil && server == "" {
			server = path
		}
	}
	if server == "" {
		t.Skip("left out: neither MariaDB nor MySQL is installed (apt-get install mariadb-server-core)")
	}
	dir, as := serverDir(t)
	port := freePort(t)
	data := filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(data, 0o755))
	if as != nil {
		require.NoError(t, os.Chown(data, int(as.Uid), -1))
	}
	args := value.NewDict("port", port)
	failsWith(t, "mysql", args, "refused")
	daemon(t, dir, as, server, "--no-defaults", "--datadir="+data, "--socket="+filepath.Join(dir, "s"), "--pid-file="+filepath.Join(dir, "pid"),
		"--port="+port, "--bind-address=127.0.0.1", "--skip-grant-tables", "--max-connect-errors=5", "--innodb=OFF", "--default-storage-engine=MyISAM")
	becomesUp(t, "mysql", args)

	// Machines other than the server's own are counted; 127.0.0.3 is one.
	from := func(address string) *Target {
		return &Target{Name: "db", Address: "127.0.0.1", Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext(ctx, network, addr)
		}}
	}
	plan, problems := Read(value.NewList(value.NewDict("mysql", args, "from", "controller")))
	require.NoError(t, problems.Err())
	for i := range 12 {
		r, err := (&Gate{Plan: plan, Target: from("127.0.0.3"), Once: true}).Run(t.Context())
		require.NoError(t, err)
		require.True(t, r.Passed, "time %d: %s", i, r.Why)
	}
	// One that only listens to greetings is shut out, and the probe says so.
	for range 6 {
		conn, err := from("127.0.0.4").Dial(t.Context(), "tcp", "127.0.0.1:"+port)
		require.NoError(t, err)
		_, err = conn.Read(make([]byte, 5))
		require.NoError(t, err)
		conn.Close()
	}
	require.Eventually(t, func() bool {
		r, err := (&Gate{Plan: plan, Target: from("127.0.0.4"), Once: true}).Run(t.Context())
		return err == nil && !r.Passed && strings.Contains(fmt.Sprint(r.Why), "blocked because of many connection errors")
	}, time.Minute, 50*time.Millisecond)
}
