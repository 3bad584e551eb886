package store

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is the PostgreSQL that all tests share: started by the first that asks,
// stopped by TestMain.
var server struct {
	sync.Once
	process   *exec.Cmd
	dir       string
	databases atomic.Int64
}

// postgres gives the address of a new database on a real PostgreSQL, which is
// started by the first test that asks.
func postgres(t *testing.T) string {
	t.Helper()
	bin := postgresBinaries()
	if bin == "" {
		t.Skip("PostgreSQL is not installed (scripts/test.sh installs it where that is possible)")
	}
	server.Do(func() { startPostgres(t, bin) })
	name := fmt.Sprintf("test%d", server.databases.Add(1))
	db, err := sql.Open("pgx", address("postgres"))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	return address(name)
}

func address(database string) string {
	return "postgres://postgres@/" + database + "?host=" + server.dir
}

func postgresBinaries() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

// startPostgres makes a cluster of its own, reached by a socket in a new
// directory only. PostgreSQL refuses to run as root.
func startPostgres(t *testing.T, bin string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sunup-pg-")
	require.NoError(t, err)
	server.dir = dir
	var as *syscall.Credential
	if os.Getuid() == 0 {
		as = ownedByPostgres(t, dir)
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	out, err := initdb.CombinedOutput()
	require.NoError(t, err, string(out))
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGQUIT}
	require.NoError(t, cmd.Start())
	server.process = cmd
	require.Eventually(t, func() bool {
		db, err := sql.Open("pgx", address("postgres"))
		if err != nil {
			return false
		}
		defer db.Close()
		return db.Ping() == nil
	}, time.Minute, 50*time.Millisecond, "PostgreSQL does not answer")
}

func ownedByPostgres(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("postgres")
	require.NoError(t, err)
	uid, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(u.Gid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(dir, uid, gid))
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func stopPostgres() {
	if server.process == nil {
		return
	}
	_ = server.process.Process.Signal(syscall.SIGINT) // fast shutdown
	_ = server.process.Wait()
	_ = os.RemoveAll(server.dir)
}
