package modules_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sunup/internal/connection"
	"sunup/internal/value"
	"sunup/modules"
	"sunup/modules/modtest"
)

// calls are arguments with which each module that needs some can be run.
var calls = map[string]map[string]any{
	"ansible.posix.acl": {"path": "/p", "etype": "user", "entity": "a", "permissions": "r", "state": "present"}, "ansible.posix.at": {"command": "x", "count": 1, "units": "days", "unique": true},
	"ansible.posix.patch": {"src": "s.sh", "dest": "/d"}, "ansible.posix.seboolean": {"name": "b", "state": true}, "ansible.posix.selinux": {"state": "disabled"},
	"ansible.posix.synchronize":              {"src": "s.sh", "dest": "/d"},
	"subversion":                             {"repo": "file:///r", "dest": "/d"},
	"community.general.htpasswd":             {"path": "/p", "name": "a", "password": "b"},
	"community.crypto.x509_certificate_info": {"path": "/p"}, "community.crypto.get_certificate": {"host": "127.0.0.1", "port": 1}, "community.crypto.openssl_privatekey": {"path": "/p", "type": "Ed25519"},
	"community.general.xml": {"path": "/p", "xpath": "/a", "count": true},
	"expect":                {"command": "x", "responses": map[string]any{"a": "b"}},
	"nginx_upstream":        {"upstream": "u", "server": "s", "state": "disabled"},
	"assemble":              {"src": "/a", "dest": "/b"}, "blockinfile": {"path": "/a", "block": "x"}, "command": {"_raw_params": "ls"}, "copy": {"content": "x", "dest": "/a"},
	"cron": {"name": "a", "job": "b"}, "fetch": {"src": "/a", "dest": "/tmp/none", "flat": true}, "file": {"path": "/a", "state": "touch"}, "find": {"paths": "/a"},
	"get_url": {"url": "http://127.0.0.1:1/", "dest": "/a"}, "getent": {"database": "passwd"}, "group": {"name": "a"}, "hostname": {"name": "a"},
	"lineinfile": {"path": "/a", "line": "x"}, "raw": {"_raw_params": "ls"}, "replace": {"path": "/a", "regexp": "x"}, "script": {"_raw_params": "s.sh"},
	"service": {"name": "a", "state": "restarted", "enabled": true}, "shell": {"_raw_params": "ls", "creates": "/x*"}, "slurp": {"src": "/a"}, "stat": {"path": "/a"},
	"systemd": {"name": "a", "state": "restarted", "enabled": true, "masked": false}, "systemd_service": {"name": "a", "state": "started"}, "template": {"src": "t.j2", "dest": "/a"},
	"unarchive": {"src": "/a.tar", "dest": "/b", "remote_src": true}, "uri": {"url": "http://127.0.0.1:1/"},
	"user":     {"name": "a", "groups": "b", "generate_ssh_key": true},
	"wait_for": {"path": "/a", "search_regex": "x", "timeout": 1, "sleep": 2}, "wait_for_connection": {"timeout": 0}, "reboot": {"reboot_timeout": 0},
	"apt": {"name": "a", "state": "latest", "update_cache": true}, "apt_key": {"id": "AAAAAAAA", "data": "x"}, "apt_repository": {"repo": "deb http://a b c"},
	"deb822_repository": {"name": "a", "uris": "http://a"}, "debconf": {"name": "a", "question": "q", "vtype": "string", "value": "v"}, "dpkg_selections": {"name": "a", "selection": "hold"},
	"dnf": {"name": "a", "state": "latest"}, "dnf5": {"name": "a"}, "yum": {"name": "a", "state": "absent"}, "package": {"name": "a", "state": "present"},
	"git": {"repo": "/a", "dest": "/b"}, "pip": {"name": "a"}, "iptables": {"chain": "INPUT", "jump": "ACCEPT"}, "known_hosts": {"name": "a", "key": "a ssh-rsa AAAA"},
	"rpm_key": {"key": "/a"}, "sysvinit": {"name": "a", "state": "started"}, "validate_argument_spec": {"argument_spec": map[string]any{}},
	"health":               {"probes": []any{map[string]any{"command": "true"}}, "for": "1s"},
	"yum_repository":       {"name": "a", "description": "b", "baseurl": "http://a"},
	"ansible.posix.sysctl": {"name": "a", "value": "1", "sysctl_set": true}, "ansible.posix.mount": {"path": "/a", "src": "b", "fstype": "c", "state": "mounted"},
	"ansible.posix.authorized_key": {"user": "a", "key": "ssh-rsa AAAA"}, "ansible.posix.firewalld": {"port": "1/tcp", "state": "enabled"},
	"community.general.apk": {"name": "a"}, "community.general.ini_file": {"path": "/a", "section": "s", "option": "o", "value": "v"}, "community.general.modprobe": {"name": "a", "persistent": "present"},
	"community.general.timezone": {"name": "A/B"}, "community.general.locale_gen": {"name": "a"}, "community.general.archive": {"path": "/a", "dest": "/b"},
	"community.general.alternatives": {"name": "a", "path": "/b", "link": "/c"}, "community.general.ufw": {"rule": "allow", "port": "1"}, "community.general.git_config": {"name": "a", "value": "b"},
	"community.general.sudoers": {"name": "a", "user": "b", "commands": "c"}, "community.general.haproxy": {"host": "a", "state": "drain", "wait": true},
	"community.general.pam_limits":         {"domain": "a", "limit_type": "soft", "limit_item": "core", "value": "1"},
	"community.postgresql.postgresql_ping": {}, "community.postgresql.postgresql_query": {"query": "SELECT 1"}, "community.postgresql.postgresql_db": {"name": "a", "owner": "b"},
	"community.postgresql.postgresql_privs": {"database": "a", "roles": "b", "privs": "ALL", "objs": "c"}, "community.general.postgresql_privs": {"database": "a", "roles": "b", "type": "database", "privs": "CONNECT"},
	"community.postgresql.postgresql_user": {"name": "a", "password": "b", "groups": "c"},
	"community.general.postgresql_ping":    {}, "community.general.postgresql_query": {"query": "SELECT 1"}, "community.general.postgresql_db": {"name": "a"}, "community.general.postgresql_user": {"name": "a"},
}

// same is a host that answers everything alike.
type same struct {
	out  []byte
	code int
	err  error
}

func (s same) Exec(context.Context, connection.Command) (connection.Output, error) {
	return connection.Output{Stdout: s.out, Stderr: s.out, Code: s.code}, s.err
}

func (s same) Put(_ context.Context, _ string, r io.Reader, _ int64, _ fs.FileMode) error {
	if s.err == nil {
		_, _ = io.Copy(io.Discard, r)
	}
	return s.err
}

func (s same) Get(_ context.Context, _ string, w io.Writer) error {
	if s.err == nil {
		_, _ = w.Write(s.out)
	}
	return s.err
}

// callOn runs a module on a host, with files of a controller.
func callOn(t testing.TB, dir, name string, conn connection.Conn, check bool) (*modules.Result, error) {
	t.Helper()
	m := modules.Lookup(name, nil)
	in, _ := value.FromGo(calls[m.ShortName()]).(*value.Dict)
	a, err := m.Spec.Validate(name, in)
	if err != nil {
		t.Fatalf("%s: %v: give it arguments in calls", name, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return m.Run(ctx, &modules.Call{Args: a, Conn: conn, Check: check, Diff: true, Controller: &modtest.Controller{Dir: dir, Vars: &value.Dict{}}})
}

func controllerFiles(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"files/s.sh": "echo\n", "templates/t.j2": "x\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// onHosts are the modules that need a host.
func onHosts() []string {
	var names []string
	for _, n := range modules.Names() {
		if m := modules.Lookup(n, nil); !m.Controller && !m.Engine {
			names = append(names, n)
		}
	}
	return names
}

// A host that is lost is the engine's business: no module makes a result of it.
func TestLostHosts(t *testing.T) {
	lost := same{err: &connection.Unreachable{Host: "k:22", Phase: connection.PhaseCommand, Sent: true, Err: errors.New("gone")}}
	dir := controllerFiles(t)
	for _, name := range onHosts() {
		if name == "ansible.builtin.wait_for_connection" {
			continue // it waits for just that
		}
		if r, err := callOn(t, dir, name, lost, false); !connection.IsUnreachable(err) {
			t.Errorf("%s: %v, %v", name, err, modtest.Print(r))
		}
	}
}

// Whatever a host answers, a module ends with a result or an error.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("\x00fail=x\x00"), 0, true)
	f.Add([]byte("show=LoadState=loaded\nActiveState=active\x00show.rc=0\x00passwd=a:x:1:1::/:/bin/sh\x00inode=81a4|0|0|1|1|1|1|1|1|1|a|b\x00manager=openrc\x00found=1\x00levels=a|\x00status=started"), 0, false)
	f.Add([]byte("\x00\x01sunup\x01creates\x000\x00/x"), 0, true)
	f.Add([]byte("yes"), 7, false)
	f.Add([]byte("\x00need=stat\x00"), 127, false)
	dir := controllerFiles(f)
	names := onHosts()
	f.Fuzz(func(t *testing.T, out []byte, code int, check bool) {
		for _, name := range names {
			if name == "ansible.builtin.wait_for" || name == "sunup.builtin.health" {
				continue // they would really wait
			}
			r, err := callOn(t, dir, name, same{out: bytes.Clone(out), code: code}, check)
			if r == nil && err == nil {
				t.Errorf("%s: neither a result nor an error", name)
			}
			if r != nil && r.Failed && r.Msg == "" && value.Str(modtest.Flat(r).At("msg")) == "" {
				t.Errorf("%s fails without saying why", name)
			}
		}
	})
}
