package modules

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunup/internal/say"
)

var nginxUpstreamModule = Module{
	Name:    own + "nginx_upstream",
	Summary: say.T("Takes servers of an nginx upstream out of service and back.", "nginx upstream의 서버를 빼고 다시 넣는다."),
	Notes:   say.T("Not in Ansible. Changes the server's line in the configuration, has nginx check it, reloads, and sees new workers; else the old file comes back.", "Ansible에는 없다. 설정에서 서버의 줄을 고치고 nginx로 검사한 뒤 다시 읽게 하고 새 작업자를 확인하며, 아니면 이전 파일을 되돌린다."),
	Spec: Spec{
		Params: []Param{
			{Name: "upstream", Required: true, Doc: say.T("Name of the upstream block.", "upstream 블록의 이름.")},
			{Name: "server", Required: true, Doc: say.T("The server, as it stands in the block: 10.0.0.5:8080.", "블록에 적힌 그대로의 서버: 10.0.0.5:8080.")},
			{Name: "state", Choices: []any{"enabled", "disabled", "drain"}, Doc: say.T("disabled gets no new requests; drain also waits until its connections have ended.", "disabled는 새 요청을 받지 않는다. drain은 남은 연결이 끝나기까지 기다린다.")},
			{Name: "weight", Type: Int, Doc: say.T("Its share of requests.", "요청을 나누는 비중.")},
			{Name: "path", Type: Path, Doc: say.T("File that has the block; else nginx is asked.", "블록이 있는 파일. 없으면 nginx에 묻는다.")},
			{Name: "conf", Type: Path, Doc: say.T("nginx's main configuration, where it is not the usual one.", "nginx의 주 설정 파일(보통과 다를 때).")},
			{Name: "nginx", Type: Path, Default: "nginx", Doc: say.T("The program.", "nginx 실행 파일.")},
			{Name: "reload", Type: Bool, Default: true, Doc: say.T("Have a running nginx take the change.", "실행 중인 nginx가 변경을 받아들이게 한다.")},
			{Name: "reload_timeout", Type: Int, Default: 10, Doc: say.T("Seconds in which new workers must come up.", "새 작업자가 떠야 하는 시간(초).")},
			{Name: "wait_timeout", Type: Int, Default: 300, Doc: say.T("Seconds to wait for connections to end.", "연결이 끝나기를 기다리는 시간(초).")},
			{Name: "wait_interval", Type: Int, Default: 1, Doc: say.T("Seconds between two looks.", "살펴보는 간격(초).")},
			{Name: "allow_last", Type: Bool, Default: false, Doc: say.T("Take the server out although no other is left.", "남는 서버가 없어도 뺀다.")},
			{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		},
		RequiredOneOf: [][]string{{"state", "weight"}},
	},
	Returns: []Return{
		{"path", "str", "success", say.T("The file.", "고친 파일.")},
		{"state", "str", "success", say.T("What the server is now: enabled or disabled.", "서버의 지금 상태: enabled 또는 disabled.")},
		{"weight", "int", "success", say.T("Its weight now.", "지금의 비중.")},
		{"reloaded", "bool", "success", say.T("Whether nginx took the change.", "nginx가 변경을 받아들였는지.")},
		{"connections", "int", "state is drain", say.T("Connections that are left.", "남은 연결 수.")},
		{"backup_file", "str", "backup", say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runNginxUpstream,
}

// upstreamChange is the change of one server in one file.
type upstreamChange struct {
	*Call
	file    *textFile
	text    string // what the file should hold
	server  nginxServer
	down    bool
	weight  string
	pidFile string
}

func runNginxUpstream(ctx context.Context, c *Call) (*Result, error) {
	u := &upstreamChange{Call: c}
	if c.Args.Given("weight") && c.Args.Int("weight") < 1 {
		return Fail("weight must be at least 1; take a server out with state: disabled"), nil
	}
	fail, err := u.find(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	weight, _ := strconv.Atoi(cmp.Or(u.weight, u.server.value("weight"), "1"))
	changed := u.text != u.file.text()
	r := ChangedIf(changed).Set("path", u.file.at.Path).Set("state", map[bool]string{true: "disabled", false: "enabled"}[u.down]).Set("weight", weight).Set("reloaded", false)
	c.fileDiff(r, u.file, u.text)
	if c.Check {
		return r, nil
	}
	if changed {
		if fail, err := u.apply(ctx, r); fail != nil || err != nil {
			return fail, err
		}
	}
	if c.Args.Str("state") == "drain" {
		return u.drain(ctx, r)
	}
	return r, nil
}

// nginxLine is nginx with the main configuration.
func (u *upstreamChange) nginxLine() string {
	line := quotePath(u.Args.Str("nginx"))
	if u.Args.Given("conf") {
		line += " -c " + quotePath(u.Args.Str("conf"))
	}
	return line
}

// find reads the configuration and works out what the file should hold.
func (u *upstreamChange) find(ctx context.Context) (*Result, error) {
	a := u.Args
	f, fail, err := u.observe(ctx, systemPath+"command -v "+quotePath(a.Str("nginx"))+" >/dev/null 2>&1 || N nginx\n"+
		watched("dump", u.nginxLine()+" -T")+watched("built", quotePath(a.Str("nginx"))+" -V 2>&1"))
	if fail != nil || err != nil {
		return fail, err
	}
	dump := f.watched("dump")
	if dump.code != 0 {
		return Fail("nginx does not accept the configuration as it is, so nothing is changed: %s", dump.message()), nil
	}
	files := nginxFiles(dump.out + "\n")
	u.pidFile = cmp.Or(nginxDirective(files, "pid"), nginxBuilt(f.watched("built").out, "--pid-path"))
	if !strings.HasPrefix(u.pidFile, "/") {
		u.pidFile = strings.TrimSuffix(nginxBuilt(f.watched("built").out, "--prefix"), "/") + "/" + u.pidFile
	}
	where := a.Str("path")
	for _, file := range files {
		if _, ok := nginxUpstream(file.text, a.Str("upstream")); ok && where == "" {
			where = file.path
		}
	}
	if where == "" {
		return Fail("there is no upstream '%s' in nginx's configuration on %s; there are: %s", a.Str("upstream"), u.hostName(), cmp.Or(strings.Join(upstreamNames(files), ", "), "none")), nil
	}
	if u.file, fail, err = u.openFile(ctx, where, attrs{}, ":\n"); fail != nil || err != nil {
		return fail, err
	}
	return u.plan(where), nil
}

// plan works out the text that the file should hold.
func (u *upstreamChange) plan(where string) *Result {
	a := u.Args
	text := u.file.text()
	servers, found := nginxUpstream(text, a.Str("upstream"))
	if !found {
		return Fail("there is no upstream '%s' in %s", a.Str("upstream"), where)
	}
	var mine []nginxServer
	var names []string
	others := 0
	for _, s := range servers {
		names = append(names, s.address)
		switch {
		case s.address == a.Str("server"):
			mine = append(mine, s)
		case !s.has("down"):
			others++
		}
	}
	if len(mine) == 0 {
		return Fail("upstream '%s' in %s has no server '%s'; it has: %s", a.Str("upstream"), where, a.Str("server"), strings.Join(names, ", "))
	}
	u.server = mine[0]
	u.down = u.server.has("down")
	if s := a.Str("state"); s != "" {
		u.down = s != "enabled"
	}
	if u.down && !u.server.has("down") && others == 0 && !a.Bool("allow_last") {
		return Fail("'%s' is the last server of upstream '%s' that is in service: requests would be refused; set allow_last to take it out all the same", a.Str("server"), a.Str("upstream"))
	}
	if a.Given("weight") {
		u.weight = strconv.Itoa(a.Int("weight"))
	}
	var edits []nginxEdit
	for _, s := range mine {
		edits = append(edits, s.edits(u.down, u.weight)...)
	}
	// From the end, so that places stay right.
	slices.SortFunc(edits, func(a, b nginxEdit) int { return b.from - a.from })
	for _, e := range edits {
		text = text[:e.from] + e.text + text[e.to:]
	}
	u.text = text
	return nil
}

// upstreamNames are the upstream blocks that there are.
func upstreamNames(files []nginxFile) []string {
	var names []string
	for _, f := range files {
		words := nginxWords(f.text)
		for i := 0; i+2 < len(words); i++ {
			if words[i].text == "upstream" && words[i+2].text == "{" {
				names = append(names, words[i+1].text)
			}
		}
	}
	return names
}

// nginxBuilt is an option that nginx was built with.
func nginxBuilt(text, name string) string {
	for _, w := range strings.Fields(text) {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v
		}
	}
	return ""
}

// nginxReload checks the configuration, reloads, and waits until there is a
// worker that was not there before and no old one takes connections any more:
// it is gone, or its title tells that it is shutting down. Until then requests
// may still go to the server. When anything fails, the old file is put back.
const nginxReload = `R() { mv -f "$b" "$p"; printf '\0fail=%s; the old %s is back\0' "$1" "$p"; exit 0; }
W() { for s in /proc/[0-9]*/stat; do read -r l <"$s" || continue; set -- ${l##*") "}; if [ "$2" = "$m" ]; then x=${s#/proc/}; printf ' %s ' "${x%/stat}"; fi; done 2>/dev/null; }
o=$(X -t 2>&1) || R "nginx refuses the new configuration: $o"
m=$(cat "$i" 2>/dev/null)
if [ -n "$l" ] && [ -n "$m" ] && kill -0 "$m" 2>/dev/null; then
old=$(W)
o=$(X -s reload 2>&1) || R "nginx was not reloaded: $o"
T() {
new=
for w in $(W); do
case $old in *" $w "*) grep -q 'shutting down' "/proc/$w/cmdline" 2>/dev/null || [ ! -e "/proc/$w" ] || return 1;; *) new=1;; esac
done
[ -n "$new" ]
}
if sleep 0.1 2>/dev/null; then d=0.1 g=${g}0; else d=1; fi
n=0
while :; do
if T; then printf 'reloaded=1\0'; break; fi
n=$((n+1))
if [ "$n" -gt "$g" ]; then mv -f "$b" "$p"; X -s reload >/dev/null 2>&1; printf '\0fail=nginx did not change its workers in time after the reload (its error log tells why); the old %s is back\0' "$p"; exit 0; fi
sleep "$d"
done
elif [ -n "$l" ]; then printf 'down=1\0'
fi
[ -n "$k" ] || rm -f "$b"
`

// apply writes the file and has nginx take it.
func (u *upstreamChange) apply(ctx context.Context, r *Result) (*Result, error) {
	a := u.Args
	_, backup, fail, err := u.keepFile(ctx, u.file, u.text, kept{backup: true})
	if fail != nil || err != nil {
		return fail, err
	}
	at := u.file.at
	if at.isLink() {
		at = at.followed()
	}
	script := systemPath + "p=" + quoteText(at.Path) + " b=" + quoteText(backup) + " i=" + quoteText(u.pidFile) + " g=" + strconv.Itoa(a.Int("reload_timeout")) +
		" l=" + option(a.Bool("reload"), "1") + " k=" + option(a.Bool("backup"), "1") + "\nX() { " + u.nginxLine() + " -q \"$@\"; }\n" + nginxReload
	f, fail, err := u.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	r.Set("reloaded", f.has("reloaded"))
	if f.has("down") {
		r.Warnings = append(r.Warnings, "nginx does not run (no process "+u.pidFile+" names): the change takes effect when it is started")
	}
	if a.Bool("backup") {
		r.Set("backup_file", backup)
	}
	return nil, nil
}

// nginxConnections prints the table of TCP connections, the sockets that nginx
// holds where that may be seen, and the addresses of the server.
const nginxConnections = `printf 'tcp='; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; printf '\0'
printf 'own='; case $h in *[!0-9a-fA-F.:]*) getent ahosts "$h" 2>/dev/null;; *) printf '%s\n' "$h";; esac; printf '\0'
printf 'held='; for c in /proc/[0-9]*/comm; do read -r x <"$c" && [ "$x" = nginx ] && ls -l "${c%comm}fd"; done 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\].*/\1/p'; printf '\0'
`

// drain waits until nginx has no connection to the server.
func (u *upstreamChange) drain(ctx context.Context, r *Result) (*Result, error) {
	a := u.Args
	host, port, err := net.SplitHostPort(u.server.address)
	if err != nil {
		host, port = strings.Trim(u.server.address, "[]"), "80"
	}
	number, err := strconv.Atoi(port)
	if err != nil || strings.HasPrefix(u.server.address, "unix:") {
		return Fail("connections to '%s' cannot be counted: drain needs a server with address and port", u.server.address), nil
	}
	end := time.Now().Add(time.Duration(a.Int("wait_timeout")) * time.Second)
	for {
		f, fail, err := u.observe(ctx, "h="+quoteText(host)+"\n"+nginxConnections)
		if fail != nil || err != nil {
			return fail, err
		}
		if f.text("tcp") == "" {
			return Fail("needs /proc/net/tcp on %s to count connections", u.hostName()), nil
		}
		n := connectionsTo(f["tcp"], socketAddresses(f["own"]), fmt.Sprintf("%04X", number), strings.Fields(f["held"]))
		r.Set("connections", n)
		if n == 0 {
			return r, nil
		}
		if !time.Now().Before(end) {
			r.Failed = true
			r.Msg = fmt.Sprintf("%d connections from nginx to %s are left after %d s; the server gets no new requests", n, u.server.address, a.Int("wait_timeout"))
			return r, nil
		}
		if err := sleep(ctx, time.Duration(max(a.Int("wait_interval"), 0))*time.Second); err != nil {
			return nil, err
		}
	}
}

// connectionsTo counts established connections to a server; only those of the
// sockets held, where they are known.
func connectionsTo(table string, addresses map[string]bool, port string, held []string) int {
	mine := map[string]bool{}
	for _, inode := range held {
		mine[inode] = true
	}
	n := 0
	for _, line := range lines(table) {
		p := strings.Fields(line)
		if len(p) < 10 || p[3] != tcpStates["ESTABLISHED"] {
			continue
		}
		remote, remotePort, _ := strings.Cut(p[2], ":")
		if remotePort == port && addresses[remote] && (len(mine) == 0 || mine[p[9]]) {
			n++
		}
	}
	return n
}
