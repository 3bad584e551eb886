package modules

import (
	"context"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var systemdModule = Module{
	Name:       "ansible.builtin.systemd",
	Aliases:    []string{"ansible.builtin.systemd_service"},
	Summary:    say.T("Starts, stops, enables and masks units of systemd.", "systemd 유닛을 시작, 중지, 활성화, 마스킹한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "name", Aliases: []string{"service", "unit"}, Doc: say.T("Name of the unit; .service may be left out.", "유닛 이름. .service는 생략할 수 있다.")},
			{Name: "state", Choices: []any{"reloaded", "restarted", "started", "stopped"}, Doc: say.T("What the unit should be, or what to do with it.", "유닛의 상태 또는 할 일.")},
			{Name: "enabled", Type: Bool, Doc: say.T("Start it at boot.", "부팅할 때 시작한다.")},
			{Name: "force", Type: Bool, Doc: say.T("Replace links that are in the way.", "걸리는 링크를 바꿔 넣는다.")},
			{Name: "masked", Type: Bool, Doc: say.T("Make it impossible to start.", "시작할 수 없게 막는다.")},
			{Name: "daemon_reload", Aliases: []string{"daemon-reload"}, Type: Bool, Default: false, Doc: say.T("Read all unit files again first.", "먼저 모든 유닛 파일을 다시 읽는다.")},
			{Name: "daemon_reexec", Aliases: []string{"daemon-reexec"}, Type: Bool, Default: false, Doc: say.T("Start systemd itself anew first.", "먼저 systemd 자체를 다시 실행한다.")},
			{Name: "scope", Default: "system", Choices: []any{"system", "user", "global"}, Doc: say.T("Whose units: the system's, the user's, or all users'.", "누구의 유닛인지: 시스템, 사용자, 모든 사용자.")},
			{Name: "no_block", Type: Bool, Default: false, Doc: say.T("Do not wait until it is done.", "끝날 때까지 기다리지 않는다.")},
		},
		RequiredOneOf: [][]string{{"state", "enabled", "masked", "daemon_reload", "daemon_reexec"}},
		RequiredBy:    map[string][]string{"state": {"name"}, "enabled": {"name"}, "masked": {"name"}},
	},
	Returns: []Return{
		{"status", "dict", "success", say.T("What systemctl show said before anything was changed.", "바꾸기 전에 systemctl show가 알려 준 내용.")},
		{"state", "str", "success", say.T("The state asked for.", "요청한 상태.")},
		{"enabled", "bool", "success", say.T("Whether it starts at boot.", "부팅할 때 시작하는지.")},
	},
	Run: runSystemd,
}

func runSystemd(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	u := unit{c: c, name: a.Str("name"), state: a.Str("state"), scope: a.Str("scope")}
	if fail := u.refuse(); fail != nil {
		return fail, nil
	}
	u.options(a.Bool("no_block"), a.Bool("force"))
	if a.Given("enabled") {
		u.enabled = wish(a.Bool("enabled"))
	}
	if a.Given("masked") {
		u.masked = wish(a.Bool("masked"))
	}
	if !c.Check {
		u.reload, u.reexec = a.Bool("daemon_reload"), a.Bool("daemon_reexec")
	}
	f, fail, err := c.observe(ctx, u.look())
	if fail != nil || err != nil {
		return fail, err
	}
	return u.manage(ctx, f)
}

// wanted is a bool that may be left open.
type wanted int

const (
	open wanted = iota
	yes
	no
)

func wish(b bool) wanted {
	if b {
		return yes
	}
	return no
}

// unit is what is asked for one unit of systemd.
type unit struct {
	c               *Call
	name            string
	state           string // "" leaves it as it is
	enabled, masked wanted
	reload, reexec  bool
	scope           string
	ctl             string // systemctl with its options
}

func (u *unit) options(noBlock, force bool) {
	u.ctl = "systemctl"
	if u.scope != "system" && u.scope != "" {
		u.ctl += " --" + u.scope
	}
	if noBlock {
		u.ctl += " --no-block"
	}
	if force {
		u.ctl += " --force"
	}
}

func (u *unit) refuse() *Result {
	for _, glob := range []string{"*", "?", "["} {
		if strings.Contains(u.name, glob) {
			return Fail("This module does not currently support using glob patterns, found '%s' in service name: %s", glob, u.name)
		}
	}
	return nil
}

// look prints everything about the unit that deciding needs.
func (u *unit) look() string {
	var s strings.Builder
	s.WriteString(`command -v systemctl >/dev/null 2>&1 || N systemctl
[ -n "$XDG_RUNTIME_DIR" ] || export XDG_RUNTIME_DIR="/run/user/$(id -u)"
`)
	for _, step := range []struct {
		do   bool
		name string
	}{{u.reload, "daemon-reload"}, {u.reexec, "daemon-reexec"}} {
		if step.do {
			s.WriteString("o=$(" + u.ctl + " " + step.name + " 2>&1) || { printf '\\0fail=failure %s during " + step.name + ": %s\\0' \"$?\" \"$o\"; exit 0; }\n")
		}
	}
	if u.name != "" {
		s.WriteString("u=" + quoteText(u.name) + "\nC='" + u.ctl + "'\n" + lookUnit)
	}
	return s.String()
}

// lookUnit prints what is known of the unit $u, asked for with $C.
const lookUnit = `printf 'show='; $C show -- "$u" 2>&1; r=$?
if [ "$r" != 0 ]; then
# Is it the unit, or systemd itself?
printf '\0bus='; $C 2>&1 >/dev/null; printf '\0bus.rc=%s' "$?"
fi
printf '\0show.rc=%s\0enabled=' "$r"
$C is-enabled -l -- "$u" 2>/dev/null; printf '\0enabled.rc=%s\0' "$?"
if [ -e "/etc/init.d/$u" ]; then
printf 'initd=1\0'
for f in /etc/rc?.d/S??"$u"; do [ ! -e "$f" ] || printf 'initd.on=1\0'; done
fi
[ -z "$SYSTEMD_OFFLINE" ] || printf 'offline=%s\0' "$SYSTEMD_OFFLINE"
`

// manage compares and changes the unit that was looked at.
func (u *unit) manage(ctx context.Context, f fields) (*Result, error) {
	status := readUnit(f["show"])
	r := OK().Set("name", nil).Set("status", status)
	if u.name == "" {
		return r, nil
	}
	r.Set("name", u.name)
	show := f["show"]
	ignored := !strings.Contains(show, "=") && (strings.Contains(show, "ignoring request") || strings.Contains(show, "ignoring command"))
	load := value.Str(status.At("LoadState"))
	isUnit := status.Has("LoadState") && load != "not-found"
	if f.text("show.rc") != "0" || ignored {
		status = &value.Dict{}
		r.Set("status", status)
		isUnit = knownUnitStates[enabledWord(f)]
		if rc, err := strconv.Atoi(f.text("bus.rc")); err == nil && rc != 0 && !isUnit {
			stderr := f["bus"]
			r := Fail("%s", strings.TrimSpace(stderr)).Set("cmd", u.ctl).Set("rc", rc)
			return setOutput(r, "", stderr), nil
		}
	} else if isUnit && load != "masked" && status.Has("LoadError") {
		return Fail("Error loading unit file '%s': %s", u.name, value.Str(status.At("LoadError"))), nil
	}
	initScript := f.has("initd")
	if initScript && !isUnit {
		r.Warnings = append(r.Warnings, "The service ("+u.name+") is actually an init script but the system is managed by systemd")
	}
	steps, fail := u.steps(f, r, status, isUnit || initScript)
	if fail != nil {
		return fail, nil
	}
	r.Changed = len(steps) > 0
	if u.c.Check || len(steps) == 0 {
		return r, nil
	}
	return u.take(ctx, r, steps)
}

// enabledWord is the first line of what is-enabled -l says; the links of the
// unit follow.
func enabledWord(f fields) string {
	word, _, _ := strings.Cut(f.text("enabled"), "\n")
	return word
}

// knownUnitStates are the answers of is-enabled for a unit that exists.
var knownUnitStates = map[string]bool{
	"enabled": true, "enabled-runtime": true, "linked": true, "linked-runtime": true, "masked": true, "masked-runtime": true,
	"static": true, "indirect": true, "disabled": true, "generated": true, "transient": true,
}

// steps are the words for systemctl that lead from what is to what is asked.
func (u *unit) steps(f fields, r *Result, status *value.Dict, found bool) ([]string, *Result) {
	var steps []string
	missing := func() *Result {
		return Fail("Could not find the requested service %s: host", u.name)
	}
	if u.masked != open {
		if masked := enabledWord(f) == "masked"; masked != (u.masked == yes) {
			steps = append(steps, map[wanted]string{yes: "mask", no: "unmask"}[u.masked])
		}
	}
	if u.enabled != open {
		if !found {
			return nil, missing()
		}
		enabled := u.isEnabled(f)
		if enabled != (u.enabled == yes) {
			steps = append(steps, map[wanted]string{yes: "enable", no: "disable"}[u.enabled])
			enabled = !enabled
		}
		r.Set("enabled", enabled)
	}
	if u.state == "" {
		return steps, nil
	}
	if !found {
		return nil, missing()
	}
	if !status.Has("ActiveState") {
		if f.text("offline") != "1" {
			return nil, Fail("Service is in unknown state").Set("status", status)
		}
		r.Warnings = append(r.Warnings, "Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.")
		r.Set("state", u.state)
		return steps, nil
	}
	r.Set("state", u.state)
	step := u.stateStep(value.Str(status.At("ActiveState")))
	if u.state == "restarted" || u.state == "reloaded" {
		r.Set("state", "started")
	}
	if step != "" {
		steps = append(steps, step)
	}
	return steps, nil
}

func (u *unit) isEnabled(f fields) bool {
	answer := f.text("enabled")
	switch f.text("enabled.rc") {
	case "0":
		return answer != "indirect" && answer != "alias"
	case "1":
		return u.scope != "user" && u.scope != "global" && f.has("initd") && f.has("initd.on") && !strings.HasSuffix(strings.TrimSpace(answer), "disabled")
	}
	return false
}

func (u *unit) stateStep(active string) string {
	running := active == "active" || active == "activating"
	switch u.state {
	case "started":
		if !running {
			return "start"
		}
	case "stopped":
		if running || active == "deactivating" {
			return "stop"
		}
	default:
		if !running {
			return "start"
		}
		return strings.TrimSuffix(u.state, "ed")
	}
	return ""
}

// take runs the steps in one exchange, and looks how the unit is afterwards.
func (u *unit) take(ctx context.Context, r *Result, steps []string) (*Result, error) {
	var s strings.Builder
	s.WriteString("[ -n \"$XDG_RUNTIME_DIR\" ] || export XDG_RUNTIME_DIR=\"/run/user/$(id -u)\"\nu=" + quoteText(u.name) + "\n")
	s.WriteString(`J() { command -v journalctl >/dev/null 2>&1 && journalctl ` + u.journalScope() + ` "$u" -n 10 --no-pager -o cat 2>/dev/null; }
S() {
o=$("$@" 2>&1); r=$?
[ "$r" = 0 ] || { printf 'step=%s\0rc=%s\0out=%s\0journal=' "$W" "$r" "$o"; J; printf '\0'; exit 0; }
}
`)
	for _, step := range steps {
		s.WriteString("W=" + step + "\nS " + u.ctl + " " + step + " -- \"$u\"\n")
	}
	last := steps[len(steps)-1]
	if starts := last == "start" || last == "restart"; starts {
		s.WriteString("a=$(" + u.ctl + " is-active -- \"$u\" 2>/dev/null)\nprintf 'active=%s\\0' \"$a\"\n[ \"$a\" != failed ] || { printf 'journal='; J; printf '\\0'; }\n")
	}
	f, fail, err := u.c.observe(ctx, s.String())
	if fail != nil || err != nil {
		return fail, err
	}
	if step := f.text("step"); step != "" {
		return u.failed(step, f), nil
	}
	if f.text("active") == "failed" {
		r.Warnings = append(r.Warnings, u.name+" was started but has failed since"+lastWords(f.text("journal")))
	}
	return r, nil
}

func (u *unit) journalScope() string {
	if u.scope == "user" {
		return "--user -u"
	}
	return "-u"
}

func (u *unit) failed(step string, f fields) *Result {
	r := Fail("Unable to %s service %s: %s%s", step, u.name, f.text("out"), lastWords(f.text("journal")))
	if rc, err := strconv.Atoi(f.text("rc")); err == nil {
		r.Set("rc", rc)
	}
	return r
}

// lastWords adds what the journal holds of a service to a message.
func lastWords(journal string) string {
	journal = strings.TrimSpace(journal)
	if journal == "" || strings.HasPrefix(journal, "-- No entries --") {
		return ""
	}
	return "\nLast lines of its journal:\n" + journal
}

// readUnit reads what systemctl show prints. Only values of Exec... names
// take several lines, between braces.
func readUnit(text string) *value.Dict {
	d := &value.Dict{}
	key := ""
	var long []string
	for _, line := range lines(text) {
		if key != "" {
			long = append(long, line)
			if strings.HasSuffix(strings.TrimRight(line, " "), "}") {
				d.Set(key, strings.TrimSpace(strings.Join(long, "\n")))
				key, long = "", nil
			}
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		if strings.HasPrefix(k, "Exec") && strings.HasPrefix(strings.TrimSpace(v), "{") && !strings.HasSuffix(strings.TrimSpace(v), "}") {
			key, long = k, []string{v}
			continue
		}
		d.Set(k, strings.TrimSpace(v))
	}
	return d
}
