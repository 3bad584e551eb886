package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var hostnameModule = Module{
	Name:       "ansible.builtin.hostname",
	Summary:    say.T("Sets the name of a host.", "호스트의 이름을 정한다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "name", Required: true, Doc: say.T("Name of the host.", "호스트 이름.")},
		{Name: "use", Choices: []any{"alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc", "redhat", "sles", "solaris", "systemd"}, Doc: say.T("How to set it; found out when not given. Here: systemd, or /etc/hostname.", "정하는 방법. 없으면 알아서 고른다(systemd 또는 /etc/hostname).")},
	}},
	Returns: []Return{{"name", "str", "always", say.T("The name.", "이름.")}},
	Run:     runHostname,
}

const lookHostname = `printf 'now='; uname -n; printf '\0kept='; if [ -r /etc/hostname ]; then cat /etc/hostname; fi
printf '\0'
if [ -e /run/systemd/system ] && command -v hostnamectl >/dev/null 2>&1; then printf 'systemd=1\0'; fi
`

func runHostname(ctx context.Context, c *Call) (*Result, error) {
	name := c.Args.Str("name")
	if name == "" || len(name) > 64 || strings.ContainsAny(name, " \t\n/") {
		return Fail("%q cannot be the name of a host: at most 64 characters, without blanks and slashes", name), nil
	}
	f, fail, err := c.observe(ctx, lookHostname)
	if fail != nil || err != nil {
		return fail, err
	}
	now, kept := strings.TrimSpace(f["now"]), ""
	for _, line := range lines(f["kept"]) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			kept = line
		}
	}
	short, domain, _ := strings.Cut(name, ".")
	r := ChangedIf(now != name || kept != name).Set("name", name)
	r.Facts = value.NewDict("ansible_hostname", short, "ansible_nodename", name, "ansible_fqdn", name, "ansible_domain", domain)
	if !r.Changed {
		return r, nil
	}
	before := now
	if now == name {
		before = kept
	}
	if c.Diff {
		r.Diffs = []Diff{{Before: "hostname = " + before + "\n", After: "hostname = " + name + "\n"}}
	}
	if c.Check {
		return r, nil
	}
	return c.setHostname(ctx, r, name, f.has("systemd"))
}

func (c *Call) setHostname(ctx context.Context, r *Result, name string, bySystemd bool) (*Result, error) {
	q := quoteText(name)
	step := "printf '%s\\n' " + q + " >/etc/hostname && hostname " + q
	if bySystemd {
		step = "hostnamectl --transient set-hostname " + q + " && hostnamectl --pretty --static set-hostname " + q
	}
	_, fail, err := c.observe(ctx, "o=$( { "+step+"; } 2>&1) || printf '\\0fail=Command failed rc=%s, out=, err=%s\\0' \"$?\" \"$o\"\n:\n")
	if fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}
