package modules

import (
	"context"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var firewalldModule = Module{
	Name:       "ansible.posix.firewalld",
	Summary:    say.T("Manages the firewall firewalld.", "방화벽 firewalld를 관리한다."),
	Notes:      say.T("Works through firewall-cmd.", "firewall-cmd로 한다."),
	Untried:    true,
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "icmp_block", Doc: say.T("ICMP type to block.", "막을 ICMP 종류.")},
			{Name: "icmp_block_inversion", Doc: say.T("Turn the ICMP blocks round.", "ICMP 차단을 뒤집는다.")},
			{Name: "service", Doc: say.T("Service.", "서비스.")},
			{Name: "protocol", Doc: say.T("Protocol.", "프로토콜.")},
			{Name: "port", Doc: say.T("PORT/PROTOCOL.", "포트/프로토콜.")},
			{Name: "port_forward", Type: List, Elements: Dict, Doc: say.T("Port to forward.", "넘길 포트."), Options: []Param{
				{Name: "port", Required: true, Doc: say.T("Port.", "포트.")},
				{Name: "proto", Required: true, Choices: []any{"udp", "tcp"}, Doc: say.T("Protocol.", "프로토콜.")},
				{Name: "toport", Required: true, Doc: say.T("Port to forward to.", "넘겨받을 포트.")},
				{Name: "toaddr", Doc: say.T("Address to forward to.", "넘겨받을 주소.")},
			}},
			{Name: "rich_rule", Doc: say.T("Rich rule.", "rich 규칙.")},
			{Name: "source", Doc: say.T("Network.", "네트워크.")},
			{Name: "interface", Doc: say.T("Interface.", "인터페이스.")},
			{Name: "masquerade", Doc: say.T("Masquerade.", "주소 변환.")},
			{Name: "zone", Doc: say.T("Zone; the default one when not given.", "구역. 없으면 기본 구역.")},
			{Name: "target", Choices: []any{"default", "ACCEPT", "DROP", "%%REJECT%%"}, Doc: say.T("Target of the zone.", "구역의 기본 처리.")},
			{Name: "permanent", Type: Bool, Doc: say.T("Keep it over restarts.", "다시 시작해도 남긴다.")},
			{Name: "immediate", Type: Bool, Default: false, Doc: say.T("With permanent: also now.", "permanent일 때 지금도.")},
			{Name: "timeout", Type: Int, Default: 0, Doc: say.T("Seconds until it goes away.", "사라질 때까지의 초.")},
			{Name: "state", Required: true, Choices: []any{"absent", "disabled", "enabled", "present"}, Doc: say.T("Whether it should be there.", "있어야 하는지.")},
			{Name: "offline", Type: Bool, Doc: say.T("firewalld need not run.", "firewalld가 돌지 않아도 된다.")},
		},
		MutuallyExclusive: [][]string{{"icmp_block", "icmp_block_inversion", "service", "protocol", "port", "port_forward", "rich_rule", "interface", "masquerade", "source", "target"}},
	},
	Run: runFirewalld,
}

func runFirewalld(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	on := a.Str("state") == "enabled" || a.Str("state") == "present"
	word, arg := firewallThing(a)
	if word == "" {
		return Fail("firewalld needs one of service, port, protocol, source, interface, rich_rule, masquerade, icmp_block, icmp_block_inversion, port_forward, target here"), nil
	}
	permanent := a.Bool("permanent") || word == "target"
	var scopes []string
	if permanent {
		scopes = append(scopes, " --permanent")
	}
	if (!permanent || a.Bool("immediate")) && word != "target" {
		scopes = append(scopes, "")
	}
	tool := "firewall-cmd"
	if a.Bool("offline") && permanent && !a.Bool("immediate") {
		tool = "firewall-offline-cmd"
		scopes = []string{""}
	}
	zone := option(a.Given("zone"), " --zone="+quoteText(a.Str("zone")))
	script := systemPath + needTool(tool)
	var names []string
	for i, scope := range scopes {
		query := tool + scope + zone + " --query-" + word + arg
		if word == "target" {
			query = "[ \"$(" + tool + scope + zone + " --get-target)\" = " + quoteText(a.Str("target")) + " ]"
		}
		name := "q" + strconv.Itoa(i)
		names = append(names, name)
		script += watched(name, query)
	}
	f, fail, err := c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	var steps []string
	for i, scope := range scopes {
		s := f.watched(names[i])
		if s.code > 1 {
			return programFailed(tool, s), nil
		}
		if (s.code == 0) == on {
			continue
		}
		verb := map[bool]string{true: "add-", false: "remove-"}[on]
		step := tool + scope + zone + " --" + verb + word + arg
		if word == "target" {
			target := a.Str("target")
			if !on {
				target = "default"
			}
			step = tool + scope + zone + " --set-target=" + quoteText(target)
		}
		if n := a.Int("timeout"); n > 0 && scope == "" && on {
			step += " --timeout=" + strconv.Itoa(n)
		}
		steps = append(steps, step)
	}
	r := ChangedIf(len(steps) > 0)
	r.Msg = strings.TrimSpace(option(permanent, "Permanent operation, ") + "Changed " + word + " to " + a.Str("state"))
	if c.Check || !r.Changed {
		return r, nil
	}
	if _, fail, err := c.do(ctx, steps...); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

// firewallThing is what the task is about, in firewall-cmd's words.
func firewallThing(a Args) (word, arg string) {
	for _, name := range []string{"service", "port", "protocol", "source", "interface", "rich_rule", "icmp_block"} {
		if v := a.Str(name); v != "" {
			return strings.ReplaceAll(name, "_", "-"), "=" + quoteText(v)
		}
	}
	for _, name := range []string{"masquerade", "icmp_block_inversion"} {
		if a.Given(name) {
			return strings.ReplaceAll(name, "_", "-"), ""
		}
	}
	if l := a.List("port_forward"); len(l) == 1 {
		if d, ok := l[0].(*value.Dict); ok {
			text := "port=" + value.Str(d.At("port")) + ":proto=" + value.Str(d.At("proto")) + ":toport=" + value.Str(d.At("toport"))
			if to := d.At("toaddr"); to != nil {
				text += ":toaddr=" + value.Str(to)
			}
			return "forward-port", "=" + quoteText(text)
		}
	}
	if a.Given("target") {
		return "target", ""
	}
	return "", ""
}
