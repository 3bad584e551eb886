package modules

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"sunup/internal/say"
)

var serviceModule = Module{
	Name:       "ansible.builtin.service",
	Summary:    say.T("Starts, stops and enables services, whatever manages them.", "서비스 관리자가 무엇이든 서비스를 시작, 중지, 활성화한다."),
	Notes:      say.T("Knows systemd, OpenRC, SysV init scripts and OpenWrt's procd.", "systemd, OpenRC, SysV init 스크립트, OpenWrt의 procd를 안다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "name", Required: true, Doc: say.T("Name of the service.", "서비스 이름.")},
			{Name: "state", Choices: []any{"started", "stopped", "reloaded", "restarted"}, Doc: say.T("What the service should be, or what to do with it.", "서비스의 상태 또는 할 일.")},
			{Name: "sleep", Type: Int, Doc: say.T("Seconds between stop and start of a restart.", "재시작할 때 중지와 시작 사이의 초.")},
			{Name: "pattern", Doc: say.T("Text to look for among processes instead of asking for the status.", "상태를 묻는 대신 프로세스 목록에서 찾을 글.")},
			{Name: "enabled", Type: Bool, Doc: say.T("Start it at boot.", "부팅할 때 시작한다.")},
			{Name: "runlevel", Default: "default", Doc: say.T("Runlevel of OpenRC.", "OpenRC의 실행 수준.")},
			{Name: "arguments", Aliases: []string{"args"}, Default: "", Doc: say.T("More words for the init script.", "init 스크립트에 더 줄 말.")},
			{Name: "use", Default: "auto", Doc: say.T("Service manager to use instead of the one found.", "찾은 것 대신 쓸 서비스 관리자.")},
		},
		RequiredOneOf: [][]string{{"state", "enabled"}},
	},
	Returns: []Return{
		{"name", "str", "always", say.T("Name of the service.", "서비스 이름.")},
		{"state", "str", "success", say.T("started or stopped.", "started 또는 stopped.")},
		{"enabled", "bool", "success", say.T("Whether it starts at boot.", "부팅할 때 시작하는지.")},
	},
	Run: runService,
}

func runService(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	s := service{c: c, name: a.Str("name"), state: a.Str("state")}
	if a.Given("enabled") {
		s.enabled = wish(a.Bool("enabled"))
	}
	f, fail, err := c.observe(ctx, s.look())
	if fail != nil || err != nil {
		return fail, err
	}
	if f.text("manager") == "systemd" {
		return s.bySystemd(ctx, f)
	}
	return s.byScripts(ctx, f)
}

// service is what is asked for one service.
type service struct {
	c       *Call
	name    string
	state   string
	enabled wanted
}

// managers are the words of "use" for those that we know.
var managers = map[string]string{
	"auto": "", "service": "", "systemd": "systemd", "openrc": "openrc", "sysvinit": "sysv", "sysv": "sysv", "openwrt_init": "procd",
}

// look finds the manager and asks it.
func (s *service) look() string {
	a := s.c.Args
	use := a.Str("use")
	known, ok := managers[strings.ToLower(use[strings.LastIndexByte(use, '.')+1:])]
	if !ok {
		known = ""
	}
	return "u=" + quoteText(s.name) + " m=" + quoteText(known) + " C=systemctl l=" + quoteText(a.Str("runlevel")) + " p=" + quoteText(a.Str("pattern")) + "\n" +
		findManager + "printf 'manager=%s\\0' \"$m\"\ncase $m in\nsystemd)\n" + lookUnit + ";;\nopenrc)\n" + lookOpenRC + ";;\n*)\n" + lookScripts + ";;\nesac\n" + lookPattern
}

const findManager = `H() { command -v "$1" >/dev/null 2>&1; }
PATH=$PATH:/sbin:/usr/sbin
if [ -z "$m" ]; then
if H systemctl; then
for d in /run/systemd/system /dev/.run/systemd /dev/.systemd; do [ ! -e "$d" ] || m=systemd; done
if [ -z "$m" ] && [ -r /proc/1/comm ]; then
IFS= read -r x </proc/1/comm
case $x in *systemd*) m=systemd ;; esac
fi
fi
if [ -n "$m" ]; then :
elif H rc-service; then m=openrc
elif [ -e /etc/openwrt_release ] && [ -e "/etc/init.d/$u" ]; then m=procd
else m=sysv
fi
fi
`

const lookOpenRC = `if rc-service --exists "$u" 2>/dev/null || [ -e "/etc/init.d/$u" ]; then printf 'found=1\0'; fi
printf 'status='; rc-service "$u" status 2>&1; printf '\0status.rc=%s\0' "$?"
printf 'levels='; rc-update show 2>/dev/null; printf '\0'
`

const lookScripts = `if [ -e "/etc/init.d/$u" ]; then printf 'script=/etc/init.d/%s\0' "$u"; i=/etc/init.d/$u; else i=; fi
for t in service update-rc.d chkconfig insserv; do ! H "$t" || printf 'tool.%s=1\0' "$t"; done
for f in /etc/rc?.d/S??"$u"; do [ ! -e "$f" ] || printf 'on=1\0'; done
for f in /etc/rc?.d/K??"$u"; do [ ! -e "$f" ] || printf 'off=1\0'; done
if [ "$m" = procd ]; then "$i" enabled >/dev/null 2>&1 && printf 'on=1\0'; fi
if H chkconfig; then printf 'chkconfig='; chkconfig --list "$u" 2>/dev/null; printf '\0'; fi
f=$(mktemp) || exit 1
if H service && [ "$m" != procd ]; then service "$u" status >"$f" 2>&1 </dev/null; r=$?
elif [ -n "$i" ]; then "$i" status >"$f" 2>&1 </dev/null; r=$?
else r=none
fi
printf 'status='; cat "$f"; rm -f "$f"; printf '\0status.rc=%s\0' "$r"
`

const lookPattern = `if [ -n "$p" ]; then printf 'ps='; ps auxww 2>/dev/null || ps -ef 2>/dev/null || ps; printf '\0'; fi
`

// bySystemd hands over to what the systemd module does.
func (s *service) bySystemd(ctx context.Context, f fields) (*Result, error) {
	a := s.c.Args
	u := unit{c: s.c, name: s.name, state: s.state, enabled: s.enabled, scope: "system"}
	u.options(false, false)
	if fail := u.refuse(); fail != nil {
		return fail, nil
	}
	for _, name := range []string{"pattern", "sleep", "arguments"} {
		if a.Given(name) {
			s.c.Controller.Warn(fmt.Sprintf("Ignoring %q as it is not used in %q", name, "systemd"))
		}
	}
	return u.manage(ctx, f)
}

func (s *service) byScripts(ctx context.Context, f fields) (*Result, error) {
	if !f.has("found") && !f.has("script") {
		return Fail("Could not find the requested service %s: host", s.name), nil
	}
	r := OK().Set("name", s.name)
	var steps []string
	if s.enabled != open {
		step, fail := s.enableStep(f)
		if fail != nil {
			return fail, nil
		}
		if step != "" {
			steps = append(steps, step)
		}
		r.Set("enabled", s.enabled == yes)
	}
	if s.state != "" {
		running, known := s.running(f)
		if !known {
			return Fail("failed determining service state, possible typo of service name?"), nil
		}
		steps = append(steps, s.stateSteps(f, running)...)
		r.Set("state", "started")
		if s.state == "stopped" {
			r.Set("state", "stopped")
		}
	}
	r.Changed = len(steps) > 0
	if s.c.Check || !r.Changed {
		return r, nil
	}
	return s.take(ctx, r, steps)
}

// enableStep is the command that makes the service start at boot, or not.
func (s *service) enableStep(f fields) (string, *Result) {
	on := s.enabled == yes
	name := quoteText(s.name)
	word := map[bool]string{true: "enable", false: "disable"}[on]
	switch {
	case f.text("manager") == "openrc":
		level := s.c.Args.Str("runlevel")
		if s.inRunlevel(f["levels"], level) == on {
			return "", nil
		}
		return "rc-update " + map[bool]string{true: "add", false: "delete"}[on] + " " + name + " " + quoteText(level), nil
	case f.has("on") == on && !f.has("tool.chkconfig"):
		return "", nil
	case f.text("manager") == "procd":
		return quoteText(f.text("script")) + " " + word, nil
	case f.has("tool.update-rc.d"):
		step := "update-rc.d " + name + " " + word
		if on && !f.has("off") {
			step = "update-rc.d " + name + " defaults && " + step
		}
		return step, nil
	case f.has("tool.chkconfig"):
		if strings.Contains(f["chkconfig"], ":on") == on {
			return "", nil
		}
		return "chkconfig " + name + " " + map[bool]string{true: "on", false: "off"}[on], nil
	case f.has("tool.insserv"):
		return "insserv " + map[bool]string{true: "", false: "-r "}[on] + name, nil
	}
	return "", Fail("cannot enable or disable %s on %s: there is no systemctl, rc-update, update-rc.d, chkconfig or insserv", s.name, s.c.hostName())
}

// inRunlevel reads the table of rc-update: name | runlevels.
func (s *service) inRunlevel(table, level string) bool {
	for _, line := range lines(table) {
		name, levels, ok := strings.Cut(line, "|")
		if !ok || strings.TrimSpace(name) != s.name {
			continue
		}
		for _, l := range strings.Fields(levels) {
			if l == level || s.enabled == no && level == "" {
				return true
			}
		}
	}
	return false
}

// running tells from the status, or from the processes, whether the service
// runs. Init scripts answer in many ways: words are believed before codes.
func (s *service) running(f fields) (running, known bool) {
	if p := s.c.Args.Str("pattern"); p != "" {
		return strings.Contains(f["ps"], p), true
	}
	text, code := f["status"], f.text("status.rc")
	if f.text("manager") == "openrc" {
		return strings.Contains(text, "started"), strings.Contains(text, "started") || strings.Contains(text, "stopped") || strings.Contains(text, "crashed") || code == "3"
	}
	if strings.Count(text, "\n") <= 1 {
		words := strings.ReplaceAll(strings.ToLower(text), strings.ToLower(s.name), "")
		switch {
		case strings.Contains(words, "stop"):
			return false, true
		case strings.Contains(words, "run"):
			return !strings.Contains(words, "not "), true
		case strings.Contains(words, "start") && !strings.Contains(words, "not "):
			return true, true
		case strings.Contains(words, "could not access pid file"), strings.Contains(words, "is dead and pid file exists"),
			strings.Contains(words, "dead but subsys locked"), strings.Contains(words, "dead but pid file exists"):
			return false, true
		}
	}
	switch code {
	case "0":
		return true, true
	case "1", "2", "3", "4", "69":
		return false, true
	}
	return false, false
}

// stateSteps are the commands for the state asked for.
func (s *service) stateSteps(f fields, running bool) []string {
	call := "service " + quoteText(s.name) + " "
	openrc := f.text("manager") == "openrc"
	switch {
	case openrc:
		call = "rc-service " + quoteText(s.name) + " "
	case f.has("script") && (!f.has("tool.service") || f.text("manager") == "procd"):
		call = quoteText(f.text("script")) + " "
	}
	with := func(word string) string { return strings.TrimSpace(call + word + " " + s.c.Args.Str("arguments")) }
	start := []string{with("start")}
	if openrc && strings.Contains(f["status"], "crashed") {
		// OpenRC does not start what it takes for crashed.
		start = []string{call + "zap", with("start")}
	}
	switch {
	case s.state == "started" && running, s.state == "stopped" && !running:
		return nil
	case s.state == "stopped":
		return []string{with("stop")}
	case s.state == "restarted" && openrc:
		return []string{with("restart")}
	case s.state == "restarted":
		// Not every init script can restart, and a stop may fail when nothing
		// runs.
		steps := []string{"{ " + with("stop") + " || :; }"}
		if n := s.c.Args.Int("sleep"); n > 0 {
			steps = append(steps, "sleep "+strconv.Itoa(n))
		}
		return append(steps, with("start"))
	case s.state == "reloaded" && running:
		return []string{with("reload")}
	}
	return start
}

// take runs the steps one after the other. What they print goes to a file: a
// daemon that keeps its output open must not keep us waiting.
func (s *service) take(ctx context.Context, r *Result, steps []string) (*Result, error) {
	var b strings.Builder
	b.WriteString("PATH=$PATH:/sbin:/usr/sbin\nf=$(mktemp) || exit 1\n")
	for _, step := range steps {
		b.WriteString("{ " + step + "; } >\"$f\" 2>&1 </dev/null || { r=$?; printf 'rc=%s\\0out=' \"$r\"; cat \"$f\"; printf '\\0'; rm -f \"$f\"; exit 0; }\n")
	}
	b.WriteString("rm -f \"$f\"\n")
	f, fail, err := s.c.observe(ctx, b.String())
	if fail != nil || err != nil {
		return fail, err
	}
	if rc := f.text("rc"); rc != "" {
		out := strings.TrimSpace(f["out"])
		if out == "" {
			out = "the command for the service ended with " + rc
		}
		return Fail("%s", out).Set("name", s.name), nil
	}
	return r, nil
}
