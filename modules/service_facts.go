package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var serviceFactsModule = Module{
	Name:       "ansible.builtin.service_facts",
	Summary:    say.T("Lists the services of a host as facts.", "호스트의 서비스 목록을 팩트로 모은다."),
	Idempotent: true,
	Returns:    []Return{{"ansible_facts", "dict", "always", say.T("services: name, state, status and source of each.", "services: 서비스마다 이름, 상태, 부팅 설정, 출처.")}},
	Run:        runServiceFacts,
}

const serviceFactsScript = `PATH=$PATH:/sbin:/usr/sbin
H() { command -v "$1" >/dev/null 2>&1; }
if H service && [ -e /etc/init.d ]; then
printf 'sysv='; service --status-all 2>/dev/null </dev/null; printf '\0'
fi
if H rc-status; then
printf 'openrc='; rc-status -a -s 2>/dev/null; printf '\0openrc.enabled='; rc-update show 2>/dev/null; printf '\0'
fi
x=
if [ -r /proc/1/comm ]; then IFS= read -r x </proc/1/comm; fi
case $x in *systemd*) s=1 ;; *) if [ -e /run/systemd/system ]; then s=1; else s=; fi ;; esac
if [ -n "$s" ] && H systemctl; then
u=$(systemctl list-units --no-pager --no-legend --type service --all 2>/dev/null)
l=$(systemctl list-unit-files --no-pager --no-legend --type service --all 2>/dev/null)
n=
while read -r x y; do
case $x in *@.service) continue ;; *.service) ;; *) continue ;; esac
case " $u" in *" $x "*) ;; *) n="$n $x" ;; esac
done <<END
$l
END
printf 'units=%s\0files=%s\0asked=%s\0' "$u" "$l" "$n"
if [ -n "$n" ]; then printf 'states='; systemctl show --property=ActiveState $n 2>/dev/null; printf '\0'; fi
fi
`

var sysvLine = regexp.MustCompile(`^\s*\[ ([+-]) \]\s+(.+)$`)

func runServiceFacts(ctx context.Context, c *Call) (*Result, error) {
	f, fail, err := c.observe(ctx, serviceFactsScript)
	if fail != nil || err != nil {
		return fail, err
	}
	services := &value.Dict{}
	add := func(name, state, status, source string) {
		d := value.NewDict("name", name, "state", state)
		if status != "" {
			d.Set("status", status)
		}
		d.Set("source", source)
		services.Set(name, d)
	}
	for _, line := range lines(f["sysv"]) {
		if m := sysvLine.FindStringSubmatch(line); m != nil {
			add(m[2], map[string]string{"+": "running", "-": "stopped"}[m[1]], "", "sysv")
		}
	}
	openRCServices(f, add)
	states := unitStates(f["units"])
	for _, u := range states {
		add(u.name, u.state, u.status, "systemd")
	}
	unitFiles(f["files"], shownStates(f["asked"], f["states"]), services, add)
	if services.Len() == 0 {
		return &Result{Skipped: true, Msg: "Failed to find any services. This can be due to privileges or some other configuration issue."}, nil
	}
	return &Result{Facts: value.NewDict("services", services)}, nil
}

type unitState struct{ name, state, status string }

var badUnitStates = map[string]bool{"not-found": true, "masked": true, "failed": true}

// unitStates reads the table of systemctl list-units.
func unitStates(table string) []unitState {
	var out []unitState
	for _, line := range lines(table) {
		p := strings.Fields(line)
		if len(p) > 0 && !strings.HasSuffix(p[0], ".service") {
			p = p[1:] // the mark of a unit in trouble
		}
		if len(p) < 4 || !strings.HasSuffix(p[0], ".service") {
			continue
		}
		u := unitState{name: p[0], state: "stopped", status: p[2]}
		for _, word := range p[1:4] {
			if badUnitStates[word] {
				u.status = word
			}
		}
		if p[3] == "running" {
			u.state = "running"
		}
		out = append(out, u)
	}
	return out
}

// unitFiles completes the services with the table of systemctl
// list-unit-files.
func unitFiles(table string, states map[string]string, services *value.Dict, add func(name, state, status, source string)) {
	for _, line := range lines(table) {
		p := strings.Fields(line)
		if len(p) < 2 || !strings.Contains(p[0], ".service") {
			continue
		}
		have, ok := services.At(p[0]).(*value.Dict)
		if !ok {
			// A template has no state of its own.
			state := states[p[0]]
			if state == "" {
				state = "unknown"
			}
			add(p[0], state, p[1], "systemd")
			continue
		}
		if !badUnitStates[value.Str(have.At("status"))] {
			have.Set("status", p[1])
		}
	}
}

// shownStates are the states of units that systemctl show was asked for.
func shownStates(asked, shown string) map[string]string {
	states := map[string]string{}
	blocks := strings.Split(strings.TrimSpace(shown), "\n\n")
	for i, name := range strings.Fields(asked) {
		if i < len(blocks) {
			states[name] = strings.TrimPrefix(strings.TrimSpace(blocks[i]), "ActiveState=")
		}
	}
	return states
}

func openRCServices(f fields, add func(name, state, status, source string)) {
	enabled := map[string]bool{}
	for _, line := range lines(f["openrc.enabled"]) {
		name, levels, ok := strings.Cut(line, "|")
		enabled[strings.TrimSpace(name)] = ok && strings.TrimSpace(levels) != ""
	}
	for _, line := range lines(f["openrc"]) {
		name, rest, ok := strings.Cut(line, "[")
		if !ok {
			continue
		}
		name = strings.TrimSpace(name)
		state := "stopped"
		if strings.Contains(rest, "started") {
			state = "running"
		}
		status := "disabled"
		if enabled[name] {
			status = "enabled"
		}
		add(name, state, status, "openrc")
	}
}

func splitRecord(line, sep string) []string {
	if sep == "" {
		return strings.Fields(line)
	}
	return strings.Split(line, sep)
}
