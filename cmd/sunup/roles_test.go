package main

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/lab/rack"
)

// publicRole is a role as its author publishes it, with the variables of a
// usual use, and with what a container cannot do taken away from the host.
type publicRole struct {
	// role is the name; params are variables of the role, vars those of the play.
	role, params, vars string
	files              map[string]string
	// note is for docs/compatibility.md: what a container needs.
	note [2]string
	// own are paths (regular expression) that differ between any two hosts.
	own string
}

var publicRoles = []publicRole{
	{role: "geerlingguy.ntp", params: `
      ntp_manage_config: true`,
		files: map[string]string{
			"/etc/systemd/system/ntpsec.service.d/clock.conf": "[Unit]\nConditionCapability=\n[Service]\nType=exec\nPIDFile=\nExecStart=\nExecStart=/bin/sleep infinity\n",
		},
		note: [2]string{"a drop-in of systemd keeps the daemon from setting the clock, which a container may not",
			"컨테이너는 시계를 맞출 수 없으므로 systemd drop-in으로 데몬을 대신한다"}},
	{role: "geerlingguy.nginx", params: `
      nginx_vhosts:
        - {listen: "80", server_name: shop.example, root: /var/www/html, index: index.html}
      nginx_remove_default_vhost: true`},
	{role: "geerlingguy.haproxy", params: `
      haproxy_backend_servers: [{name: app1, address: "10.0.0.1:80"}]`},
	{role: "geerlingguy.postgresql", params: `
      postgresql_databases: [{name: shop, owner: shop}]
      postgresql_users: [{name: shop, password: secret}, {name: reader, password: other}]
      postgresql_privs: [{roles: reader, db: shop, privs: CONNECT, type: database}]`,
		own: `^/var/lib/postgresql/.*/main|^/etc/ssl/`},
	{role: "geerlingguy.security"},
	{role: "os_hardening",
		files: map[string]string{
			"/etc/systemd/system/auditd.service.d/kernel.conf": "[Unit]\nRefuseManualStop=no\n[Service]\nType=exec\nPIDFile=\nExecStart=\nExecStart=/bin/sleep infinity\nExecStartPost=\n",
		},
		vars: `
    sysctl_unsupported_entries: [fs.protected_hardlinks, fs.protected_symlinks, fs.protected_fifos, fs.protected_regular, fs.suid_dumpable,
      kernel.core_uses_pid, kernel.kptr_restrict, kernel.kexec_load_disabled, kernel.sysrq, kernel.randomize_va_space, kernel.yama.ptrace_scope,
      vm.mmap_min_addr, vm.mmap_rnd_bits, vm.mmap_rnd_compat_bits, kernel.unprivileged_userns_clone, kernel.unprivileged_bpf_disabled]`,
		note: [2]string{"sysctl_unsupported_entries leaves out the kernel's own settings, which a container may not change: without it ansible-core fails at the same task with the same counts; a drop-in of systemd stands for auditd, which needs the kernel's audit",
			"컨테이너가 바꿀 수 없는 커널 설정은 sysctl_unsupported_entries로 뺀다. 빼지 않으면 ansible-core도 같은 작업에서 같은 수치로 실패한다. 커널의 audit이 필요한 auditd는 systemd drop-in으로 대신한다"}},
}

var recordRoles = flag.Bool("record-roles", false, "write what came of public roles to modules/roles.json")

// roleEvidence is what came of one role; docs/compatibility.md is made from it.
type roleEvidence struct {
	Role     string    `json:"role"`
	Version  string    `json:"version,omitempty"`
	First    string    `json:"first"`
	Again    string    `json:"again"`
	Compared bool      `json:"compared"`
	Files    int       `json:"files"`
	Note     [2]string `json:"note,omitzero"`
}

// TestPublicRoles applies public roles unmodified, twice, to a host without
// Python, to one with it and, by ansible-core, to an equal one: the counts of the
// recap are the same, the second run changes nothing, and the same files are
// left. SUNUP_ROLES names the directory that scripts/roles.sh has filled; the
// roles are not kept here.
func TestPublicRoles(t *testing.T) {
	dir := os.Getenv("SUNUP_ROLES")
	if dir == "" {
		t.Skip("left out: SUNUP_ROLES names no directory with public roles; scripts/roles.sh DIRECTORY fetches them")
	}
	t.Setenv("ANSIBLE_ROLES_PATH", dir)
	var found []roleEvidence
	for _, p := range publicRoles {
		t.Run(p.role, func(t *testing.T) {
			_, err := os.Stat(filepath.Join(dir, p.role))
			require.NoError(t, err, "scripts/roles.sh fetches it")
			e := p.apply(t)
			e.Version = versionOf(dir, p.role)
			found = append(found, e)
		})
	}
	if *recordRoles && !t.Failed() && len(found) == len(publicRoles) {
		text, err := json.MarshalIndent(found, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile("../../modules/roles.json", append(text, '\n'), 0o644))
	}
}

// apply does one role on three hosts.
func (p publicRole) apply(t *testing.T) roleEvidence {
	hosts := []rack.HostConfig{rack.Debian("plain"), rack.Python("equal"), rack.Python("ansible")}
	for i := range hosts {
		hosts[i].Files = p.files
	}
	r := rack.Run(t, hosts...)
	e := roleEvidence{Role: p.role, Note: p.note}
	ours := func() string {
		out, code := sunup(t, "run", "-i", r.Inventory(), p.playbook(t, "plain:equal"))
		require.Equal(t, exitOK, code, out)
		return out
	}
	first, again := ours(), ours()
	e.First, e.Again = recap(t, first, "plain"), recap(t, again, "plain")
	require.Equal(t, e.First, recap(t, first, "equal"), "Python on the host changes nothing for us")
	require.Equal(t, e.Again, recap(t, again, "equal"))
	require.Contains(t, e.Again, "changed=0 ", again)
	playbook, err := exec.LookPath("ansible-playbook")
	if err != nil {
		t.Log("not compared: ansible-playbook is not here")
		return e
	}
	theirs := func() string {
		cmd := exec.Command(playbook, "-i", r.Inventory(), p.playbook(t, "ansible"))
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_PIPELINING=1", "ANSIBLE_NOCOLOR=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	require.Equal(t, recap(t, theirs(), "ansible"), e.First, "counts of the first run")
	require.Equal(t, recap(t, theirs(), "ansible"), e.Again, "counts of the second run")
	e.Compared = true
	plain, want, got := r.Host("plain"), p.left(t, r.Host("ansible")), p.left(t, r.Host("equal"))
	require.Equal(t, want, got, "what is left on the hosts")
	require.Equal(t, below(want, "/etc/"), below(without(p.left(t, plain), plain, r.Host("equal")), "/etc/"), "what is left in /etc of the host without Python")
	e.Files = len(want)
	return e
}

// playbook applies the role as a person does: logged in as a user with sudo.
func (p publicRole) playbook(t *testing.T, hosts string) string {
	return write(t, "site.yml", "- hosts: "+hosts+"\n  become: true\n  vars:\n    ansible_user: ops"+p.vars+"\n  roles:\n    - role: "+p.role+p.params+"\n")
}

var recapLine = regexp.MustCompile(`(?m)^(\S+) +: (ok=.*?) *$`)

// recap is what the last lines of a run say of a host.
func recap(t *testing.T, out, host string) string {
	t.Helper()
	for _, m := range recapLine.FindAllStringSubmatch(out, -1) {
		if m[1] == host {
			return strings.Join(strings.Fields(m[2]), " ")
		}
	}
	require.Fail(t, "no recap of "+host, out)
	return ""
}

// different is what differs between any two hosts or minutes: names, keys, logs,
// caches, what is compiled, and what the two programs keep for themselves.
var different = regexp.MustCompile(`^/(var/(log|cache|backups|tmp|lib/(apt|dpkg|systemd|dbus|private|ucf|fail2ban|aide|pam))|root|home/ops|tmp|run|usr/(lib|share)/python3|usr/lib/systemd/.*\.bin)|__pycache__|` +
	`^/etc/(hosts|hostname|machine-id|ssh/ssh_host_.*|passwd-|group-|shadow|shadow-|gshadow-|subuid-|subgid-|\.pwd\.lock|ld\.so\.cache|apt/apt.conf.d/30rack)$`)

// left are the files that a role left on a host.
func (p publicRole) left(t *testing.T, h *rack.Host) map[string]string {
	t.Helper()
	files, err := h.Files()
	require.NoError(t, err)
	out := map[string]string{}
	for path, f := range files {
		if different.MatchString(path) || p.own != "" && regexp.MustCompile(p.own).MatchString(path) {
			continue
		}
		out[path] = f.String()
	}
	return out
}

func below(files map[string]string, dir string) map[string]string {
	out := maps.Clone(files)
	maps.DeleteFunc(out, func(path, _ string) bool { return !strings.HasPrefix(path, dir) })
	return out
}

// without takes away what a host got of Python, which a role may bring with it:
// new files that the image with Python has just so.
func without(files map[string]string, plain, python *rack.Host) map[string]string {
	maps.DeleteFunc(files, func(path, _ string) bool {
		_, before := os.Lstat(filepath.Join(plain.Tree(), path))
		_, there := os.Lstat(filepath.Join(python.Tree(), path))
		return before != nil && there == nil
	})
	return files
}

// versionOf is the commit that scripts/roles.sh took a role from.
func versionOf(dir, role string) string {
	text, _ := os.ReadFile(filepath.Join(dir, "versions"))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == role {
			return f[1]
		}
	}
	return ""
}
