package modules

import (
	"context"
	"encoding/csv"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var haproxyModule = Module{
	Name:    "community.general.haproxy",
	Summary: say.T("Takes servers of HAProxy out of service and back, by its socket.", "소켓으로 HAProxy의 서버를 빼고 다시 넣는다."),
	Notes:   say.T("Needs socat or nc with -U on the host.", "호스트에 socat이나 -U를 아는 nc가 필요하다."),
	Spec: Spec{
		Params: []Param{
			{Name: "state", Required: true, Choices: []any{"enabled", "disabled", "drain"}, Doc: say.T("What the server should be.", "서버의 상태.")},
			{Name: "backend", Doc: say.T("Backend; none means all that have the server.", "백엔드. 없으면 그 서버가 있는 모두.")},
			{Name: "host", Required: true, Doc: say.T("Name of the server.", "서버 이름.")},
			{Name: "weight", Doc: say.T("Weight, also as a percentage.", "가중치(퍼센트도 됨).")},
			{Name: "socket", Type: Path, Default: "/var/run/haproxy.sock", Doc: say.T("HAProxy's socket.", "HAProxy의 소켓.")},
			{Name: "shutdown_sessions", Type: Bool, Default: false, Doc: say.T("End sessions when disabling.", "뺄 때 세션을 끊는다.")},
			{Name: "fail_on_not_found", Type: Bool, Default: false, Doc: say.T("Fail when there is no such server.", "그런 서버가 없으면 실패한다.")},
			{Name: "health", Type: Bool, Default: false, Doc: say.T("Turn health checks on or off, too.", "상태 점검도 켜고 끈다.")},
			{Name: "agent", Type: Bool, Default: false, Doc: say.T("Turn agent checks on or off, too.", "에이전트 점검도 켜고 끈다.")},
			{Name: "wait", Type: Bool, Default: false, Doc: say.T("Wait until the server is in the state.", "그 상태가 될 때까지 기다린다.")},
			{Name: "wait_retries", Type: Int, Default: 25, Doc: say.T("How often to look.", "살펴보는 횟수.")},
			{Name: "wait_interval", Type: Int, Default: 5, Doc: say.T("Seconds between two looks.", "살펴보는 간격(초).")},
			{Name: "drain", Type: Bool, Default: false, Doc: say.T("Let sessions end before disabling.", "빼기 전에 세션이 끝나기를 기다린다.")},
		},
	},
	Returns: []Return{
		{"command", "list", "success", say.T("What was sent.", "보낸 명령.")},
		{"stats", "list", "success", say.T("The server's lines of the statistics afterwards.", "이후 통계에서 그 서버의 줄.")},
	},
	Run: runHaproxy,
}

// haproxySocket sends one line to HAProxy.
const haproxySocket = `if command -v socat >/dev/null 2>&1; then H() { printf '%s\n' "$1" | socat -t 5 STDIO "UNIX-CONNECT:$k"; }
elif command -v nc >/dev/null 2>&1; then H() { printf '%s\n' "$1" | nc -U "$k"; }
else N socat; fi
`

// haproxyServer is a line of the statistics.
type haproxyServer struct {
	backend, status, weight string
	sessions                int
}

func haproxyServers(stats, host, backend string) []haproxyServer {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(strings.TrimSpace(stats), "# ")))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return nil
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	cell := func(row []string, name string) string {
		if i, ok := at[name]; ok && i < len(row) {
			return row[i]
		}
		return ""
	}
	var out []haproxyServer
	for _, row := range rows[1:] {
		if cell(row, "svname") != host || backend != "" && cell(row, "pxname") != backend {
			continue
		}
		n, _ := strconv.Atoi(cell(row, "scur"))
		out = append(out, haproxyServer{backend: cell(row, "pxname"), status: cell(row, "status"), weight: cell(row, "weight"), sessions: n})
	}
	return out
}

func runHaproxy(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	host, state := a.Str("host"), a.Str("state")
	begin := systemPath + "k=" + quotePath(a.Str("socket")) + "\n[ -S \"$k\" ] || { printf '\\0fail=Unable to connect to socket %s: it is no socket\\0' \"$k\"; exit 0; }\n" + haproxySocket
	f, fail, err := c.observe(ctx, begin+"printf 'stats='; H 'show stat'; printf '\\0'\n")
	if fail != nil || err != nil {
		return fail, err
	}
	servers := haproxyServers(f["stats"], host, a.Str("backend"))
	if len(servers) == 0 {
		if a.Bool("fail_on_not_found") {
			return Fail("The specified backend '%s/%s' was not found!", a.Str("backend"), host), nil
		}
		return OK().Set("command", &value.List{}).Set("stats", &value.List{}), nil
	}
	var commands []string
	changed := false
	for _, s := range servers {
		cmds, differs := s.commands(a)
		commands = append(commands, cmds...)
		changed = changed || differs
	}
	r := ChangedIf(changed).Set("command", value.Strings(commands))
	if c.Check {
		return r, nil
	}
	script := begin
	for _, cmd := range commands {
		script += "x=$(H " + quoteText(cmd) + ")\ncase $x in *[!' ']*) case $x in *'No such'*|*'Unknown'*|*'Permission denied'*|*'Require'*) printf '\\0fail=%s: %s\\0' " + quoteText(cmd) + " \"$x\"; exit 0;; esac;; esac\n"
	}
	if a.Bool("wait") || a.Bool("drain") && state != "enabled" {
		script += haproxyWait(a, servers)
	}
	f, fail, err = c.observe(ctx, script+"printf 'stats='; H 'show stat'; printf '\\0'\n")
	if fail != nil || err != nil {
		return fail, err
	}
	if f.has("late") {
		return Fail("server %s/%s not status '%s' after %d retries. Aborting.", servers[0].backend, host, state, a.Int("wait_retries")), nil
	}
	stats := &value.List{}
	for _, s := range haproxyServers(f["stats"], host, a.Str("backend")) {
		stats.Append(value.NewDict("pxname", s.backend, "svname", host, "status", s.status, "weight", s.weight, "scur", s.sessions))
	}
	return r.Set("stats", stats), nil
}

// commands are what must be sent for one server, and whether that changes it.
func (s haproxyServer) commands(a Args) ([]string, bool) {
	at := s.backend + "/" + a.Str("host")
	var out []string
	changed := false
	add := func(differs bool, text string) {
		out = append(out, text)
		changed = changed || differs
	}
	down := strings.HasPrefix(s.status, "MAINT")
	drained := strings.HasPrefix(s.status, "DRAIN")
	switch a.Str("state") {
	case "enabled":
		if a.Bool("health") {
			add(false, "enable health "+at)
		}
		if a.Bool("agent") {
			add(false, "enable agent "+at)
		}
		if drained {
			add(true, "set server "+at+" state ready")
		} else if down {
			add(true, "enable server "+at)
		}
		if w := a.Str("weight"); w != "" && w != s.weight {
			add(true, "set weight "+at+" "+w)
		}
	case "drain":
		if !drained && !down {
			add(true, "set server "+at+" state drain")
		}
	case "disabled":
		if a.Bool("health") {
			add(false, "disable health "+at)
		}
		if a.Bool("agent") {
			add(false, "disable agent "+at)
		}
		switch {
		case down:
		case a.Bool("drain"):
			add(true, "set server "+at+" state drain")
		default:
			add(true, "disable server "+at)
		}
		if a.Bool("shutdown_sessions") && !down {
			add(true, "shutdown sessions server "+at)
		}
	}
	return out, changed
}

// haproxyWait looks until no line of the server is in another state; a drained
// one must have no sessions left, and goes into maintenance after that when it
// should be disabled.
func haproxyWait(a Args, servers []haproxyServer) string {
	want := map[string]string{"enabled": "UP*|no\\ check", "disabled": "MAINT*", "drain": "DRAIN*|MAINT*"}[a.Str("state")]
	sessions := a.Str("state") == "drain" || a.Bool("drain")
	if a.Str("state") == "disabled" && a.Bool("drain") {
		want = "DRAIN*|MAINT*"
	}
	s := "n=0\nwhile :; do\nok=1\nx=$(H 'show stat')\nIFS_OLD=$IFS\n"
	s += "while IFS=, read -r px sv a b scur d e f g h i j k1 l m o p st rest; do\n[ \"$sv\" = " + quoteText(a.Str("host")) + " ] || continue\n"
	if a.Str("backend") != "" {
		s += "[ \"$px\" = " + quoteText(a.Str("backend")) + " ] || continue\n"
	}
	s += "case $st in " + want + ") ;; *) ok=;; esac\n" + option(sessions, "[ \"$scur\" = 0 ] || ok=\n")
	s += "done <<SHOWSTAT\n$x\nSHOWSTAT\n[ -z \"$ok\" ] || break\nn=$((n+1))\nif [ \"$n\" -ge " + strconv.Itoa(a.Int("wait_retries")) + " ]; then printf 'late=1\\0'; break; fi\nsleep " + strconv.Itoa(a.Int("wait_interval")) + "\ndone\n"
	if a.Str("state") == "disabled" && a.Bool("drain") {
		for _, v := range servers {
			s += "H " + quoteText("disable server "+v.backend+"/"+a.Str("host")) + " >/dev/null\n"
		}
	}
	return s
}
