package modules

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var ufwModule = Module{
	Name:       "community.general.ufw",
	Summary:    say.T("Manages the firewall ufw.", "방화벽 ufw를 관리한다."),
	Notes:      say.T("Changes are found by comparing ufw's rules before and after; insert_relative_to other than zero counts ufw's numbered rules.", "ufw의 규칙을 전후로 비교해 변화를 안다. zero가 아닌 insert_relative_to는 번호가 붙은 규칙을 센다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "state", Choices: []any{"enabled", "disabled", "reloaded", "reset"}, Doc: say.T("Firewall on, off, reloaded or emptied.", "방화벽을 켜거나, 끄거나, 다시 읽거나, 초기화한다.")},
			{Name: "default", Aliases: []string{"policy"}, Choices: []any{"allow", "deny", "reject"}, Doc: say.T("Policy of a direction.", "방향의 기본 정책.")},
			{Name: "logging", Choices: []any{"full", "high", "low", "medium", "off", "on"}, Doc: say.T("Logging.", "로그.")},
			{Name: "direction", Choices: []any{"in", "incoming", "out", "outgoing", "routed"}, Doc: say.T("Direction.", "방향.")},
			{Name: "delete", Type: Bool, Default: false, Doc: say.T("Delete the rule.", "규칙을 지운다.")},
			{Name: "route", Type: Bool, Default: false, Doc: say.T("The rule is for packets passing through.", "지나가는 패킷의 규칙이다.")},
			{Name: "insert", Type: Int, Doc: say.T("Place to insert the rule at.", "규칙을 끼울 자리.")},
			{Name: "insert_relative_to", Choices: []any{"zero", "first-ipv4", "last-ipv4", "first-ipv6", "last-ipv6"}, Default: "zero", Doc: say.T("What insert counts from.", "insert를 세는 기준.")},
			{Name: "rule", Choices: []any{"allow", "deny", "limit", "reject"}, Doc: say.T("Rule to add.", "더할 규칙.")},
			{Name: "interface", Aliases: []string{"if"}, Doc: say.T("Interface, of the direction.", "방향의 인터페이스.")},
			{Name: "interface_in", Aliases: []string{"if_in"}, Doc: say.T("Interface in.", "들어온 인터페이스.")},
			{Name: "interface_out", Aliases: []string{"if_out"}, Doc: say.T("Interface out.", "나갈 인터페이스.")},
			{Name: "log", Type: Bool, Default: false, Doc: say.T("Log new connections.", "새 연결을 기록한다.")},
			{Name: "from_ip", Aliases: []string{"from", "src"}, Default: "any", Doc: say.T("Source address.", "출발지 주소.")},
			{Name: "from_port", Doc: say.T("Source port.", "출발지 포트.")},
			{Name: "to_ip", Aliases: []string{"dest", "to"}, Default: "any", Doc: say.T("Destination address.", "목적지 주소.")},
			{Name: "to_port", Aliases: []string{"port"}, Doc: say.T("Destination port.", "목적지 포트.")},
			{Name: "proto", Aliases: []string{"protocol"}, Choices: []any{"ah", "any", "esp", "ipv6", "tcp", "udp", "gre", "igmp"}, Doc: say.T("Protocol.", "프로토콜.")},
			{Name: "name", Aliases: []string{"app"}, Doc: say.T("Application profile.", "애플리케이션 프로필.")},
			{Name: "comment", Doc: say.T("Comment of the rule.", "규칙의 설명.")},
		},
		MutuallyExclusive: [][]string{{"name", "proto", "logging"}, {"direction", "interface_in"}, {"direction", "interface_out"}},
		RequiredOneOf:     [][]string{{"state", "default", "rule", "logging"}},
		RequiredBy:        map[string][]string{"interface": {"direction"}},
	},
	Returns: []Return{
		{"commands", "list", "success", say.T("What was run.", "실행한 명령.")},
		{"msg", "str", "success", say.T("Status of ufw.", "ufw의 상태.")},
	},
	Run: runUfw,
}

// ufwRules prints ufw's rules as it keeps them.
const ufwRules = `cat /etc/ufw/user.rules /etc/ufw/user6.rules /lib/ufw/user.rules /lib/ufw/user6.rules 2>/dev/null | grep '^### tuple'`

func runUfw(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	f, fail, err := c.observe(ctx, systemPath+needTool("ufw")+"printf 'status='; ufw status verbose; printf '\\0rules='; "+ufwRules+"; printf '\\0numbered='; ufw status numbered; printf '\\0'\n"+
		"if [ -r /etc/ufw/ufw.conf ]; then . /etc/ufw/ufw.conf; fi; printf 'loglevel=%s\\0' \"${LOGLEVEL-}\"\n"+
		"if [ -r /etc/default/ufw ]; then . /etc/default/ufw; fi; printf 'policy.incoming=%s\\0policy.outgoing=%s\\0policy.routed=%s\\0' \"${DEFAULT_INPUT_POLICY-}\" \"${DEFAULT_OUTPUT_POLICY-}\" \"${DEFAULT_FORWARD_POLICY-}\"\n")
	if fail != nil || err != nil {
		return fail, err
	}
	status := f["status"]
	active := strings.Contains(status, "Status: active")
	r := OK()
	var steps []string
	add := func(words ...string) { steps = append(steps, shellLine(append([]string{"ufw"}, words...)...)) }
	if l := a.Str("logging"); l != "" {
		if !ufwLogs(status, f["loglevel"], l) {
			r.Changed = true
			add("logging", l)
		}
	}
	if d := a.Str("default"); d != "" {
		direction := map[string]string{"": "incoming", "in": "incoming", "out": "outgoing"}[a.Str("direction")]
		if direction == "" {
			direction = a.Str("direction")
		}
		kept := f.text("policy."+direction) == map[string]string{"allow": "ACCEPT", "deny": "DROP", "reject": "REJECT"}[d]
		if !active && !kept || active && !strings.Contains(status, d+" ("+direction+")") {
			r.Changed = true
			add("default", d, direction)
		}
	}
	var compare bool
	if a.Given("rule") {
		compare = true
		add(ufwRule(a, f["numbered"])...)
	}
	switch a.Str("state") {
	case "enabled":
		if !active {
			r.Changed = true
			add("-f", "enable")
		}
	case "disabled":
		if active {
			r.Changed = true
			add("-f", "disable")
		}
	case "reloaded":
		r.Changed = true
		add("-f", "reload")
	case "reset":
		r.Changed = true
		add("-f", "reset")
	}
	return c.ufw(ctx, r, f, steps, compare)
}

// ufw takes the steps, in check mode only the dry ones, and compares.
func (c *Call) ufw(ctx context.Context, r *Result, f fields, steps []string, compare bool) (*Result, error) {
	r.Set("commands", value.Strings(steps))
	r.Msg = strings.TrimRight(f["status"], "\n")
	if c.Check {
		if !compare {
			return r, nil
		}
		for _, s := range steps {
			if !strings.Contains(s, " default ") && !strings.Contains(s, " logging ") && !strings.Contains(s, " -f ") {
				dry, fail, err := c.hear(ctx, strings.Replace(s, "ufw ", "ufw --dry-run ", 1), "")
				if fail != nil || err != nil {
					return fail, err
				}
				if dry.code != 0 {
					return Fail("%s", dry.message()), nil
				}
				r.Changed = r.Changed || !strings.Contains(dry.out, "Skipping") && !strings.Contains(dry.out, "Could not delete non-existent")
			}
		}
		return r, nil
	}
	if len(steps) == 0 {
		return r, nil
	}
	s, fail, err := c.do(ctx, steps...)
	if fail != nil || err != nil {
		if fail != nil {
			fail.Msg = s.message()
			fail.Set("commands", value.Strings(steps))
		}
		return fail, err
	}
	after, fail, err := c.observe(ctx, systemPath+"printf 'status='; ufw status verbose; printf '\\0rules='; "+ufwRules+"; printf '\\0'\n")
	if fail != nil || err != nil {
		return fail, err
	}
	r.Changed = r.Changed || after["status"] != f["status"] || after["rules"] != f["rules"]
	r.Msg = strings.TrimRight(after["status"], "\n")
	return r, nil
}

// ufwLogs tells whether so much is logged; without rules in force only the
// configuration knows.
func ufwLogs(status, level, want string) bool {
	if !strings.Contains(status, "Status: active") {
		return strings.TrimSpace(level) == want || want == "on" && strings.TrimSpace(level) == "low"
	}
	for _, l := range lines(status) {
		if rest, ok := strings.CutPrefix(l, "Logging: "); ok {
			return rest == want || strings.HasPrefix(rest, "on") && (want == "on" || strings.Contains(rest, "("+want+")"))
		}
	}
	return false
}

// ufwRule are the words of a rule.
func ufwRule(a Args, numbered string) []string {
	var words []string
	if a.Bool("route") {
		words = append(words, "route")
	}
	if a.Bool("delete") {
		words = append(words, "delete")
	}
	if a.Given("insert") {
		words = append(words, "insert", strconv.Itoa(ufwPlace(a, numbered)))
	}
	words = append(words, a.Str("rule"))
	if d := a.Str("direction"); d != "" {
		words = append(words, map[string]string{"in": "in", "incoming": "in", "out": "out", "outgoing": "out", "routed": "routed"}[d])
	}
	for _, p := range [][2]string{{"interface", "on"}, {"interface_in", "in on"}, {"interface_out", "out on"}} {
		if v := a.Str(p[0]); v != "" {
			words = append(append(words, strings.Fields(p[1])...), v)
		}
	}
	if a.Bool("log") {
		words = append(words, "log")
	}
	words = append(words, "from", a.Str("from_ip"))
	if p := a.Str("from_port"); p != "" {
		words = append(words, "port", p)
	}
	words = append(words, "to", a.Str("to_ip"))
	if p := a.Str("to_port"); p != "" {
		words = append(words, "port", p)
	}
	if p := a.Str("proto"); p != "" {
		words = append(words, "proto", p)
	}
	if n := a.Str("name"); n != "" {
		words = append(words, "app", n)
	}
	if t := a.Str("comment"); t != "" {
		words = append(words, "comment", t)
	}
	return words
}

var numberedRule = regexp.MustCompile(`^\[ *(\d+)\] (.*)$`)

// ufwPlace is the number to insert at.
func ufwPlace(a Args, numbered string) int {
	n := a.Int("insert")
	v4, v6 := 0, 0
	for _, l := range lines(numbered) {
		if m := numberedRule.FindStringSubmatch(l); m != nil {
			if strings.Contains(m[2], "(v6)") {
				v6++
			} else {
				v4++
			}
		}
	}
	switch a.Str("insert_relative_to") {
	case "first-ipv4":
		n++
	case "last-ipv4":
		n += max(v4, 1)
	case "first-ipv6":
		n += v4 + 1
	case "last-ipv6":
		n += v4 + max(v6, 1)
	}
	// ufw wants no number behind the last rule.
	if n > v4+v6 {
		return 0
	}
	return n
}
