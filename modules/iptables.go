package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

// iptablesParam makes a plain text argument.
func iptablesParam(name, en, ko string) Param { return Param{Name: name, Doc: say.T(en, ko)} }

var iptablesModule = Module{
	Name:       "ansible.builtin.iptables",
	Summary:    say.T("Manages rules of the packet filter.", "패킷 필터의 규칙을 관리한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "table", Default: "filter", Choices: []any{"filter", "nat", "mangle", "raw", "security"}, Doc: say.T("Table.", "테이블.")},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the rule should be there.", "규칙이 있어야 하는지.")},
			{Name: "action", Default: "append", Choices: []any{"append", "insert"}, Doc: say.T("Put a new rule at the end or the start.", "새 규칙을 끝에 둘지 처음에 둘지.")},
			{Name: "ip_version", Default: "ipv4", Choices: []any{"ipv4", "ipv6"}, Doc: say.T("iptables or ip6tables.", "iptables 또는 ip6tables.")},
			iptablesParam("chain", "Chain.", "체인."),
			iptablesParam("rule_num", "Place for an inserted rule.", "끼워 넣을 자리."),
			iptablesParam("protocol", "Protocol (-p).", "프로토콜(-p)."),
			iptablesParam("wait", "Seconds to wait for the lock.", "잠금을 기다리는 초."),
			iptablesParam("source", "Source address (-s).", "출발지 주소(-s)."),
			iptablesParam("to_source", "Source for SNAT.", "SNAT의 출발지."),
			iptablesParam("destination", "Destination address (-d).", "목적지 주소(-d)."),
			iptablesParam("to_destination", "Destination for DNAT.", "DNAT의 목적지."),
			{Name: "match", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Match extensions (-m).", "match 확장(-m).")},
			{Name: "tcp_flags", Type: Dict, Doc: say.T("TCP flags.", "TCP 플래그."), Options: []Param{
				{Name: "flags", Type: List, Elements: Str, Doc: say.T("Flags to look at.", "볼 플래그.")},
				{Name: "flags_set", Type: List, Elements: Str, Doc: say.T("Flags that must be set.", "켜져 있어야 할 플래그.")},
			}},
			iptablesParam("jump", "Target (-j).", "대상(-j)."),
			iptablesParam("gateway", "Gateway for TEE.", "TEE의 게이트웨이."),
			iptablesParam("log_prefix", "Text before log lines.", "로그 줄 앞의 글."),
			{Name: "log_level", Choices: []any{"0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"}, Doc: say.T("Level of log lines.", "로그 수준.")},
			iptablesParam("goto", "Chain to go on in (-g).", "이어 갈 체인(-g)."),
			iptablesParam("in_interface", "Interface in (-i).", "들어온 인터페이스(-i)."),
			iptablesParam("out_interface", "Interface out (-o).", "나갈 인터페이스(-o)."),
			iptablesParam("fragment", "Fragments (-f).", "조각(-f)."),
			iptablesParam("set_counters", "Counters (-c).", "계수기(-c)."),
			iptablesParam("source_port", "Source port.", "출발지 포트."),
			iptablesParam("destination_port", "Destination port.", "목적지 포트."),
			{Name: "destination_ports", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Several destination ports.", "여러 목적지 포트.")},
			iptablesParam("to_ports", "Ports for REDIRECT.", "REDIRECT의 포트."),
			iptablesParam("set_dscp_mark", "DSCP mark.", "DSCP 표시."),
			iptablesParam("set_dscp_mark_class", "DSCP class.", "DSCP 등급."),
			iptablesParam("comment", "Comment of the rule.", "규칙의 설명."),
			{Name: "ctstate", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Connection states.", "연결 상태.")},
			iptablesParam("src_range", "Range of source addresses.", "출발지 주소 범위."),
			iptablesParam("dst_range", "Range of destination addresses.", "목적지 주소 범위."),
			iptablesParam("match_set", "Name of an ipset.", "ipset의 이름."),
			{Name: "match_set_flags", Choices: []any{"src", "dst", "src,dst", "dst,src"}, Doc: say.T("How the ipset is matched.", "ipset을 맞추는 방법.")},
			iptablesParam("limit", "Rate limit.", "속도 제한."),
			iptablesParam("limit_burst", "Burst of the limit.", "제한의 여유."),
			iptablesParam("uid_owner", "Owner's user.", "소유 사용자."),
			iptablesParam("gid_owner", "Owner's group.", "소유 그룹."),
			iptablesParam("reject_with", "What REJECT answers.", "REJECT의 응답."),
			iptablesParam("icmp_type", "Type of ICMP.", "ICMP 종류."),
			{Name: "syn", Default: "ignore", Choices: []any{"ignore", "match", "negate"}, Doc: say.T("Match SYN packets, or all others.", "SYN 패킷을 맞출지, 그 반대일지.")},
			{Name: "flush", Type: Bool, Default: false, Doc: say.T("Empty the chain or the table.", "체인이나 테이블을 비운다.")},
			{Name: "policy", Choices: []any{"ACCEPT", "DROP", "QUEUE", "RETURN"}, Doc: say.T("Policy of the chain.", "체인의 정책.")},
			{Name: "chain_management", Type: Bool, Default: false, Doc: say.T("Make and delete chains, too.", "체인도 만들고 지운다.")},
		},
		MutuallyExclusive: [][]string{{"set_dscp_mark", "set_dscp_mark_class"}, {"flush", "policy"}},
		RequiredIf:        []RequiredIf{{Param: "jump", Value: "TEE", Needs: []string{"gateway"}}, {Param: "jump", Value: "tee", Needs: []string{"gateway"}}},
	},
	Returns: []Return{
		{"rule", "str", "always", say.T("The rule.", "규칙.")},
		{"chain", "str", "always", say.T("The chain.", "체인.")},
	},
	Run: runIptables,
}

// iptablesRule builds the words of a rule.
type iptablesRule struct {
	a     Args
	words []string
}

// param adds an option with its value; "!" before the value goes before the
// option.
func (r *iptablesRule) param(name, flag string) {
	if v := r.a.Str(name); v != "" {
		r.add(flag, v)
	}
}

func (r *iptablesRule) add(flag, v string) {
	if rest, ok := strings.CutPrefix(v, "!"); ok {
		r.words = append(r.words, "!")
		v = rest
	}
	r.words = append(r.words, flag, v)
}

func (r *iptablesRule) match(on bool, name string) {
	if on {
		r.words = append(r.words, "-m", name)
	}
}

func (r *iptablesRule) csv(name, flag string) {
	if l := r.a.Strings(name); len(l) > 0 {
		r.words = append(r.words, flag, strings.Join(l, ","))
	}
}

func iptablesWords(a Args) []string {
	r := &iptablesRule{a: a}
	matches := a.Strings("match")
	jump := a.Str("jump")
	if jump == "" && (a.Given("log_prefix") || a.Given("log_level")) {
		jump = "LOG"
	}
	if w := a.Str("wait"); w != "" {
		r.words = append(r.words, "-w", w)
	}
	r.param("protocol", "-p")
	r.param("source", "-s")
	r.param("destination", "-d")
	for _, m := range matches {
		r.add("-m", m)
	}
	if d := a.Dict("tcp_flags"); d != nil {
		if f, ok := d.At("flags").(*value.List); ok {
			set, _ := d.At("flags_set").(*value.List)
			if set == nil {
				set = &value.List{}
			}
			r.words = append(r.words, "--tcp-flags", strings.ReplaceAll(joinValues(f.Items), ", ", ","), strings.ReplaceAll(joinValues(set.Items), ", ", ","))
		}
	}
	if jump != "" {
		r.words = append(r.words, "-j", jump)
	}
	if strings.EqualFold(jump, "tee") {
		r.param("gateway", "--gateway")
	}
	r.param("log_prefix", "--log-prefix")
	r.param("log_level", "--log-level")
	r.param("to_destination", "--to-destination")
	r.match(len(a.Strings("destination_ports")) > 0, "multiport")
	r.csv("destination_ports", "--dports")
	for _, p := range [][2]string{{"to_source", "--to-source"}, {"goto", "-g"}, {"in_interface", "-i"}, {"out_interface", "-o"}, {"fragment", "-f"}, {"set_counters", "-c"},
		{"source_port", "--source-port"}, {"destination_port", "--destination-port"}, {"to_ports", "--to-ports"}, {"set_dscp_mark", "--set-dscp"}, {"set_dscp_mark_class", "--set-dscp-class"}} {
		r.param(p[0], p[1])
	}
	switch a.Str("syn") {
	case "match":
		r.words = append(r.words, "--syn")
	case "negate":
		r.words = append(r.words, "!", "--syn")
	}
	r.extensions(matches, jump)
	return r.words
}

func (r *iptablesRule) extensions(matches []string, jump string) {
	a := r.a
	switch {
	case contains(matches, "conntrack"):
		r.csv("ctstate", "--ctstate")
	case contains(matches, "state"):
		r.csv("ctstate", "--state")
	default:
		r.match(len(a.Strings("ctstate")) > 0, "conntrack")
		r.csv("ctstate", "--ctstate")
	}
	r.match((a.Given("src_range") || a.Given("dst_range")) && !contains(matches, "iprange"), "iprange")
	r.param("src_range", "--src-range")
	r.param("dst_range", "--dst-range")
	if a.Given("match_set") {
		r.match(!contains(matches, "set"), "set")
		r.param("match_set", "--match-set")
		if f := a.Str("match_set_flags"); f != "" {
			r.words = append(r.words, f)
		}
	}
	r.match(a.Given("limit") || a.Given("limit_burst"), "limit")
	r.param("limit", "--limit")
	r.param("limit_burst", "--limit-burst")
	r.match(a.Given("uid_owner"), "owner")
	r.param("uid_owner", "--uid-owner")
	r.match(a.Given("gid_owner"), "owner")
	r.param("gid_owner", "--gid-owner")
	if jump == "" && a.Given("reject_with") {
		r.words = append(r.words, "-j", "REJECT")
	}
	r.param("reject_with", "--reject-with")
	r.param("icmp_type", map[string]string{"ipv4": "--icmp-type", "ipv6": "--icmpv6-type"}[a.Str("ip_version")])
	r.match(a.Given("comment"), "comment")
	if a.Given("comment") {
		r.words = append(r.words, "--comment", a.Str("comment"))
	}
}

var chainPolicy = regexp.MustCompile(`\(policy ([A-Z]+)`)

func runIptables(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	tool := map[string]string{"ipv4": "iptables", "ipv6": "ip6tables"}[a.Str("ip_version")]
	chain, rule := a.Str("chain"), iptablesWords(a)
	switch {
	case chain == "" && !a.Bool("flush"):
		return Fail("Either chain or flush parameter must be specified."), nil
	case (a.Given("log_prefix") || a.Given("log_level")) && a.Given("jump") && a.Str("jump") != "LOG":
		return Fail("Logging options can only be used with the LOG jump target."), nil
	}
	command := func(action string, more ...string) string {
		words := []string{tool, "-t", a.Str("table"), action}
		if chain != "" {
			words = append(words, chain)
		}
		return shellLine(append(words, more...)...)
	}
	r := OK().Set("ip_version", a.Str("ip_version")).Set("table", a.Str("table")).Set("chain", a.Raw("chain")).Set("flush", a.Bool("flush")).
		Set("rule", strings.Join(rule, " ")).Set("state", a.Str("state")).Set("chain_management", a.Bool("chain_management"))
	var steps []string
	if a.Bool("flush") {
		steps = []string{command("-F")}
	} else {
		f, fail, err := c.observe(ctx, systemPath+needTool(tool)+"if "+command("-C", rule...)+" >/dev/null 2>&1; then printf 'rule=1\\0'; fi\nif x=$("+command("-L", "-n")+" 2>&1); then printf 'chain=%s\\0' \"$x\"; else printf 'said=%s\\0' \"$x\"; fi\n")
		if fail != nil || err != nil {
			return fail, err
		}
		if steps, fail = iptablesSteps(a, f, rule, command); fail != nil {
			return fail, nil
		}
	}
	r.Changed = len(steps) > 0
	if c.Check || !r.Changed || len(steps) == 1 && steps[0] == "" {
		return r, nil
	}
	if _, fail, err := c.do(ctx, append([]string{strings.TrimSuffix(needTool(tool), "\n")}, steps...)...); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

func iptablesSteps(a Args, f fields, rule []string, command func(string, ...string) string) ([]string, *Result) {
	present := a.Str("state") == "present"
	switch {
	case a.Given("policy"):
		m := chainPolicy.FindStringSubmatch(f["chain"])
		switch {
		case m == nil:
			return nil, Fail("Can't detect current policy%s", option(f.has("said"), ": "+f["said"]))
		case m[1] != a.Str("policy"):
			return []string{command("-P", a.Str("policy"))}, nil
		}
		return nil, nil
	case !present && len(rule) == 0:
		switch {
		case !f.has("chain"):
			return nil, nil
		case a.Bool("chain_management"):
			return []string{command("-X")}, nil
		}
		return []string{""}, nil
	case len(rule) == 0 && a.Bool("chain_management"):
		if f.has("chain") {
			return nil, nil
		}
		return []string{command("-N")}, nil
	case f.has("rule") == present:
		return nil, nil
	case !present:
		return []string{command("-D", rule...)}, nil
	}
	var steps []string
	if !f.has("chain") && a.Bool("chain_management") {
		steps = append(steps, command("-N"))
	}
	if a.Str("action") == "insert" {
		if n := a.Str("rule_num"); n != "" {
			rule = append([]string{n}, rule...)
		}
		return append(steps, command("-I", rule...)), nil
	}
	return append(steps, command("-A", rule...)), nil
}
