package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var timezoneModule = Module{
	Name:       "community.general.timezone",
	Summary:    say.T("Sets the time zone of a host.", "호스트의 시간대를 정한다."),
	Notes:      say.T("Uses timedatectl where systemd runs, /etc/localtime and /etc/timezone elsewhere.", "systemd가 돌면 timedatectl을, 아니면 /etc/localtime과 /etc/timezone을 쓴다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "name", Doc: say.T("Time zone, such as Asia/Seoul.", "시간대(예: Asia/Seoul).")},
			{Name: "hwclock", Aliases: []string{"rtc"}, Choices: []any{"local", "UTC"}, Doc: say.T("What the hardware clock shows.", "하드웨어 시계가 나타내는 시각.")},
		},
		RequiredOneOf: [][]string{{"hwclock", "name"}},
	},
	Returns: []Return{{"msg", "str", "changed", say.T("What was done.", "한 일.")}},
	Run:     runTimezone,
}

const lookTimezone = `if [ -d /run/systemd/system ] && command -v timedatectl >/dev/null 2>&1; then printf 'systemd=1\0'; fi
printf 'link='; readlink -f /etc/localtime; printf '\0file='; [ ! -r /etc/timezone ] || cat /etc/timezone; printf '\0adjtime='; [ ! -r /etc/adjtime ] || cat /etc/adjtime; printf '\0'
if [ -n "$z" ] && [ -f "/usr/share/zoneinfo/$z" ]; then printf 'known=1\0'; fi
if [ -e /etc/timezone ] || [ -e /etc/debian_version ]; then printf 'keeps=1\0'; fi
`

func runTimezone(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name := a.Str("name")
	if strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
		return Fail("%q is not the name of a time zone", name), nil
	}
	f, fail, err := c.observe(ctx, "z="+quoteText(name)+"\n"+lookTimezone+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	if name != "" && !f.has("known") {
		return Fail("given timezone %q is not available: there is no /usr/share/zoneinfo/%s on %s (package tzdata)", name, name, c.hostName()), nil
	}
	_, now, _ := strings.Cut(f.text("link"), "/zoneinfo/")
	now = strings.TrimPrefix(now, "posix/")
	written := strings.TrimSpace(f["file"])
	clock := "UTC"
	if l := lines(f["adjtime"]); len(l) >= 3 && strings.TrimSpace(l[2]) == "LOCAL" {
		clock = "local"
	}
	var steps []string
	before, after := &value.Dict{}, &value.Dict{}
	stale := !f.has("systemd") && written != "" && written != name
	if name != "" && (now != name || stale) {
		before.Set("name", now)
		after.Set("name", name)
		q := quoteText(name)
		if f.has("systemd") {
			steps = append(steps, "timedatectl set-timezone "+q)
		} else {
			steps = append(steps, "ln -sfn "+quoteText("/usr/share/zoneinfo/"+name)+" /etc/localtime")
		}
		// timedatectl leaves /etc/timezone alone, and so does Ansible where systemd runs.
		if f.has("keeps") && !f.has("systemd") {
			steps = append(steps, "printf '%s\\n' "+q+" >/etc/timezone")
		}
	}
	if want := a.Str("hwclock"); want != "" && want != clock {
		before.Set("hwclock", clock)
		after.Set("hwclock", want)
		if f.has("systemd") {
			steps = append(steps, "timedatectl set-local-rtc "+map[string]string{"local": "1", "UTC": "0"}[want])
		} else {
			steps = append(steps, "hwclock --systohc "+map[string]string{"local": "--localtime", "UTC": "--utc"}[want])
		}
	}
	r := ChangedIf(len(steps) > 0)
	if r.Changed && c.Diff {
		r.Diffs = []Diff{valuesDiff(before, after, "", "")}
	}
	if !r.Changed || c.Check {
		return r, nil
	}
	r.Msg = "executed `" + strings.Join(steps, "`\nexecuted `") + "`"
	if _, fail, err := c.do(ctx, steps...); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}
