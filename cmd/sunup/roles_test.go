package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"sunup/lab/rack"
)

// publicRoles are roles as their authors publish them, each with the variables
// of a usual use and with what a container cannot do taken away from the host.
var publicRoles = []struct {
	// play are variables of the role, vars those of the play.
	role, play, vars string
	files            map[string]string
}{
	{role: "geerlingguy.ntp", files: map[string]string{
		// A container may not set the clock, so that the real daemon is not started.
		"/etc/systemd/system/ntpsec.service.d/clock.conf": "[Unit]\nConditionCapability=\n[Service]\nType=exec\nPIDFile=\nExecStart=\nExecStart=/bin/sleep infinity\n",
	}},
	{role: "geerlingguy.nginx", play: `
      nginx_vhosts:
        - {listen: "80", server_name: shop.example, root: /var/www/html, index: index.html}
      nginx_remove_default_vhost: true`},
	{role: "geerlingguy.haproxy", play: `
      haproxy_backend_servers: [{name: app1, address: "10.0.0.1:80"}]`},
	{role: "geerlingguy.postgresql", play: `
      postgresql_databases: [{name: shop, owner: shop}]
      postgresql_users: [{name: shop, password: secret}, {name: reader, password: other}]
      postgresql_privs: [{roles: reader, db: shop, privs: CONNECT, type: database}]`},
	{role: "geerlingguy.security"},
	{role: "os_hardening", play: `
      # Of the kernel's settings only those of the network are a container's own.
      sysctl_config: {net.ipv4.ip_forward: 0, net.ipv4.conf.all.accept_redirects: 0, net.ipv4.conf.all.rp_filter: 1}`,
		vars: "  vars: {sysctl_unsupported_entries: [kernel.unprivileged_bpf_disabled]}\n"},
}

var changedHosts = regexp.MustCompile(`(?m)^\S+ +: ok=\d+ +changed=[1-9].*$`)

// TestPublicRoles applies public roles unmodified to hosts without Python, twice:
// the second time nothing changes. SUNUP_ROLES names the directory that holds
// them; they are not kept here.
func TestPublicRoles(t *testing.T) {
	dir := os.Getenv("SUNUP_ROLES")
	if dir == "" {
		t.Skip("left out: SUNUP_ROLES names no directory with public roles (geerlingguy.ntp, os_hardening, ...)")
	}
	var hosts []rack.HostConfig
	playbook := ""
	for _, p := range publicRoles {
		if _, err := os.Stat(filepath.Join(dir, p.role)); err != nil {
			t.Logf("left out: %s is not in %s", p.role, dir)
			continue
		}
		h := rack.Debian(hostOf(p.role))
		h.Files = p.files
		hosts = append(hosts, h)
		playbook += "- hosts: " + h.Name + "\n" + p.vars + "  roles:\n    - role: " + p.role + p.play + "\n"
	}
	require.NotEmpty(t, hosts)
	r := rack.Run(t, hosts...)
	site := write(t, "site.yml", playbook)
	t.Setenv("ANSIBLE_ROLES_PATH", dir)
	first, code := sunup(t, "run", "-i", r.Inventory(), site)
	require.Equal(t, exitOK, code, first)
	second, code := sunup(t, "run", "-i", r.Inventory(), site)
	require.Equal(t, exitOK, code, second)
	require.Empty(t, changedHosts.FindAllString(second, -1), second)
}

// hostOf makes a host's name of a role's.
func hostOf(role string) string { return regexp.MustCompile(`[^a-z0-9]`).ReplaceAllString(role, "-") }
