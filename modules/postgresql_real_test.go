package modules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// realPostgres starts a PostgreSQL of its own and returns the directory of its
// socket.
func realPostgres(t *testing.T) string {
	t.Helper()
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(bins) == 0 {
		t.Skip("needs postgresql, which is not installed")
	}
	bin := filepath.Dir(bins[len(bins)-1])
	// The path of a socket must be short, and root may not run the server.
	dir, err := os.MkdirTemp("/tmp", "pg")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := func(args ...string) {
		if os.Geteuid() == 0 {
			args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", args, out)
	}
	if os.Geteuid() == 0 {
		out, err := exec.Command("chown", "postgres", dir).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	as(filepath.Join(bin, "initdb"), "-D", dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
	as(filepath.Join(bin, "pg_ctl"), "-D", dir+"/data", "-w", "-l", dir+"/log", "-o", "-c listen_addresses='' -c fsync=off -k "+dir, "start")
	t.Cleanup(func() { as(filepath.Join(bin, "pg_ctl"), "-D", dir+"/data", "-m", "immediate", "-w", "stop") })
	return dir
}

// The same calls of our modules and, where it can be had, of Ansible's on a
// real server: the same changes come of them. {me} is a name of one's own.
func TestRealPostgreSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	socket := realPostgres(t)
	sides := map[string]func(module string, args map[string]any, check bool) map[string]any{
		"sunup": func(module string, args map[string]any, check bool) map[string]any {
			return runOurs(t, module, socket, args, check)
		},
	}
	python := ansiblePython()
	if python != "" && exec.Command(python, "-c", "import psycopg2").Run() == nil {
		a := startAnsible(t, python)
		sides["ansible"] = func(module string, args map[string]any, check bool) map[string]any {
			return a.run(t, module, filepath.Join(socket, "x"), args, check)
		}
	} else {
		t.Log("ansible or psycopg2 is not there: our modules run alone")
	}
	type step struct {
		module  string
		args    map[string]any
		changed bool
		failed  bool
	}
	db, user, query, ping := "postgresql_db", "postgresql_user", "postgresql_query", "postgresql_ping"
	steps := []step{
		{ping, map[string]any{}, false, false},
		{user, map[string]any{"name": "{me} 역", "password": "비밀 'x'", "role_attr_flags": "CREATEDB,NOSUPERUSER", "conn_limit": 5}, true, false},
		{user, map[string]any{"name": "{me} 역", "password": "비밀 'x'", "role_attr_flags": "CREATEDB,NOSUPERUSER", "conn_limit": 5}, false, false},
		{user, map[string]any{"name": "{me} 역", "password": "other"}, true, false},
		{user, map[string]any{"name": "{me} 역", "password": "third", "no_password_changes": true}, false, false},
		{user, map[string]any{"name": "{me} 역", "role_attr_flags": "NOCREATEDB"}, true, false},
		{user, map[string]any{"name": "{me} 역", "expires": "2030-01-01 00:00:00+00"}, true, false},
		{user, map[string]any{"name": "{me} 역", "comment": "it's"}, true, false},
		{user, map[string]any{"name": "{me} 역", "comment": "it's"}, false, false},
		{db, map[string]any{"name": "{me}", "owner": "{me} 역", "encoding": "UTF-8", "template": "template0"}, true, false},
		{db, map[string]any{"name": "{me}", "owner": "{me} 역", "encoding": "UTF-8", "template": "template0"}, false, false},
		{db, map[string]any{"name": "{me}", "conn_limit": "7"}, true, false},
		{db, map[string]any{"name": "{me}", "conn_limit": "7"}, false, false},
		{db, map[string]any{"name": "{me}", "encoding": "LATIN1"}, false, true},
		{query, map[string]any{"db": "{me}", "query": "CREATE TABLE 표 (n int, t text)"}, true, false},
		{query, map[string]any{"db": "{me}", "query": "INSERT INTO 표 VALUES (%s, %s), (2, NULL)", "positional_args": []any{1, "a%b's \\ ;"}}, true, false},
		{query, map[string]any{"db": "{me}", "query": "SELECT * FROM 표 ORDER BY n"}, false, false},
		{query, map[string]any{"db": "{me}", "query": `SELECT 1 AS i, 2::bigint AS b, 9223372036854775807 AS big, 1.50::numeric(5,2) AS n, 0.25::float8 AS f, true AS y, false AS no, NULL AS nothing,
			'{"a": [1, "x"]}'::jsonb AS j, '[1]'::json AS k, DATE '2026-11-22' AS d, TIMESTAMP '2026-11-22 09:30:00' AS ts,
			TIMESTAMP WITH TIME ZONE '2026-11-22 09:30:00+00' AS tz, ARRAY[1,2,NULL] AS ints, ARRAY['a','b c','"q"','x,y','{z}','NULL'] AS words, ARRAY[[1,2],[3,4]] AS grid,
			ARRAY[]::text[] AS none, ARRAY[true,false] AS truths, 'x'::char(3) AS c, ''::text AS empty, '7'::varchar AS digits`}, false, false},
		{query, map[string]any{"db": "{me}", "query": "SHOW server_version_num"}, true, false},
		{query, map[string]any{"db": "{me}", "query": []any{"SELECT 1 AS a", "SELECT count(*) AS n, max(n) AS m FROM 표"}}, false, false},
		{query, map[string]any{"db": "{me}", "query": "SELECT t FROM 표 WHERE n = %(n)s", "named_args": map[string]any{"n": 1}}, false, false},
		{query, map[string]any{"db": "{me}", "query": "UPDATE 표 SET t = 'x' WHERE n = 99"}, false, false},
		{query, map[string]any{"db": "{me}", "query": "UPDATE 표 SET t = 'x' WHERE n = 2"}, true, false},
		{query, map[string]any{"db": "{me}", "query": "DELETE FROM 표 WHERE n = 2"}, true, false},
		{query, map[string]any{"db": "{me}", "query": "SELEC"}, false, true},
		{db, map[string]any{"name": "{me}", "state": "dump", "target": socket + "/{me}.sql"}, true, false},
		{db, map[string]any{"name": "{me}", "state": "rename", "target": "{me}2"}, true, false},
		{db, map[string]any{"name": "{me}", "state": "rename", "target": "{me}2"}, false, false},
		{db, map[string]any{"name": "{me}3"}, true, false},
		{db, map[string]any{"name": "{me}3", "state": "restore", "target": socket + "/{me}.sql"}, true, false},
		{query, map[string]any{"db": "{me}3", "query": "SELECT count(*) AS n FROM 표"}, false, false},
		{db, map[string]any{"name": "{me}2", "state": "absent"}, true, false},
		{db, map[string]any{"name": "{me}2", "state": "absent"}, false, false},
		{db, map[string]any{"name": "{me}3", "state": "absent", "force": true}, true, false},
		{user, map[string]any{"name": "{me} 역", "state": "absent"}, true, false},
		{user, map[string]any{"name": "{me} 역", "state": "absent"}, false, false},
		{ping, map[string]any{"port": 1}, false, false},
	}
	for _, s := range steps {
		results := map[string]map[string]any{}
		for side, run := range sides {
			args := replaced(s.args, "{me}", side).(map[string]any)
			args["login_user"] = "postgres"
			if args["port"] == nil {
				args["login_unix_socket"] = socket
			}
			module := "community.postgresql." + s.module
			if s.changed && s.module != query { // what check mode tells, and that it changes nothing
				// A dump is told as no change in check mode.
				if r := run(module, args, true); r["failed"] != true && args["state"] != "dump" && args["state"] != "restore" {
					assert.Equal(t, true, r["changed"], "%s in check mode: %s %v: %v", side, s.module, args, r)
				}
			}
			r := run(module, args, false)
			assert.Equal(t, s.failed, r["failed"] == true, "%s: %s %v: %v", side, s.module, args, r)
			if !s.failed {
				assert.Equal(t, s.changed, r["changed"], "%s: %s %v: %v", side, s.module, args, r)
			}
			results[side] = replaced(r, side, "{me}").(map[string]any)
		}
		if theirs, ok := results["ansible"]; ok && !s.failed {
			assert.Equal(t, keysOf(theirs), keysOf(results["sunup"]), "%s %v: %v", s.module, s.args, theirs)
			for _, k := range []string{"query_result", "rowcount", "statusmessage", "is_available", "server_version", "user", "db"} {
				assert.Equal(t, theirs[k], results["sunup"][k], "%s %v: %s", s.module, s.args, k)
			}
		}
	}
}

func keysOf(r map[string]any) string {
	var names []string
	for k := range r {
		if k != "invocation" && k != "failed" && k != "warnings" && k != "diff" && k != "msg" {
			names = append(names, k)
		}
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}
