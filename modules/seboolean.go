package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
)

var sebooleanModule = Module{
	Name:       "ansible.posix.seboolean",
	Summary:    say.T("Turns booleans of SELinux on and off.", "SELinux의 불리언을 켜고 끈다."),
	Notes:      say.T("Works through getsebool and setsebool. What is kept for the next boot is asked of semanage; without it, of /var/lib/selinux.", "getsebool과 setsebool로 한다. 다음 부팅에 쓸 값은 semanage에, 없으면 /var/lib/selinux에서 읽는다."),
	Untried:    true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "name", Required: true, Doc: say.T("Name of the boolean.", "불리언의 이름.")},
		{Name: "state", Type: Bool, Required: true, Doc: say.T("What it should be.", "값.")},
		{Name: "persistent", Type: Bool, Default: false, Doc: say.T("Also after the next boot.", "다음 부팅 뒤에도 그렇게 한다.")},
		{Name: "ignore_selinux_state", Type: Bool, Default: false, Doc: say.T("Go on where SELinux seems to be off (chroot).", "SELinux가 꺼져 보여도 계속한다(chroot).")},
	}},
	Returns: []Return{
		{"name", "str", "always", say.T("Name of the boolean.", "불리언의 이름.")},
		{"state", "bool", "always", say.T("The value asked for.", "요청한 값.")},
		{"persistent", "bool", "always", say.T("Whether it is kept.", "계속 쓰는 값인지.")},
	},
	Run: runSeboolean,
}

// sebooleanLook tells the running value and the one of the next boot. semanage
// prints "name (on , off) words": running, then kept.
const sebooleanLook = `selinuxenabled 2>/dev/null && printf 'on=1\0'
printf 'now='; getsebool "$n" 2>/dev/null; printf '\0'
if command -v semanage >/dev/null 2>&1; then printf 'kept='; semanage boolean -l -n 2>/dev/null | grep "^$n "; printf '\0'
else printf 'local='; cat /var/lib/selinux/*/active/booleans.local 2>/dev/null | grep "^$n="; printf '\0'; fi
`

func runSeboolean(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, want := a.Str("name"), a.Bool("state")
	f, fail, err := c.observe(ctx, systemPath+needTool("getsebool", "setsebool")+"n="+quoteText(name)+"\n"+sebooleanLook)
	if fail != nil || err != nil {
		return fail, err
	}
	_, now, known := strings.Cut(f["now"], "-->")
	switch {
	case !f.has("on") && !a.Bool("ignore_selinux_state"):
		return Fail("SELinux is disabled on this host."), nil
	case !known:
		return Fail("SELinux boolean %s does not exist.", name), nil
	}
	current := strings.TrimSpace(now) == "on"
	if a.Bool("persistent") {
		current = keptBoolean(f, current)
	}
	r := ChangedIf(current != want).Set("name", name).Set("persistent", a.Bool("persistent")).Set("state", want)
	if c.Check || !r.Changed {
		return r, nil
	}
	step := "setsebool " + option(a.Bool("persistent"), "-P ") + quoteText(name) + " " + map[bool]string{true: "1", false: "0"}[want]
	_, fail, err = c.do(ctx, step)
	return first(fail, r), err
}

// keptBoolean is the value after the next boot; the running one where the host
// does not tell.
func keptBoolean(f fields, running bool) bool {
	if _, inside, ok := strings.Cut(f["kept"], "("); ok {
		inside, _, _ = strings.Cut(inside, ")")
		_, kept, _ := strings.Cut(inside, ",")
		return strings.TrimSpace(kept) == "on"
	}
	if _, v, ok := strings.Cut(f.text("local"), "="); ok {
		return strings.TrimSpace(v) == "1" || strings.TrimSpace(v) == "on"
	}
	return running
}
