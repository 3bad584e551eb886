package modules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var waitForModule = Module{
	Name:       "ansible.builtin.wait_for",
	Summary:    say.T("Waits for a port or a file of the host.", "호스트의 포트나 파일을 기다린다."),
	Notes:      say.T("Ports are looked at from the host itself: by its list of sockets, through the connection, or with bash or nc.", "포트는 호스트에서 본다: 소켓 목록, 접속 통로, 또는 bash나 nc로."),
	Idempotent: true,
	Check:      CheckNone,
	Spec: Spec{Params: []Param{
		{Name: "host", Default: "127.0.0.1", Doc: say.T("Name or address to connect to.", "연결할 이름 또는 주소.")},
		{Name: "timeout", Type: Int, Default: 300, Doc: say.T("Seconds to wait at most.", "최대로 기다릴 초.")},
		{Name: "connect_timeout", Type: Int, Default: 5, Doc: say.T("Seconds for one try to connect.", "연결 한 번에 쓸 초.")},
		{Name: "delay", Type: Int, Default: 0, Doc: say.T("Seconds to wait before the first look.", "처음 보기 전에 기다릴 초.")},
		{Name: "port", Type: Int, Doc: say.T("Port to look at.", "볼 포트.")},
		{Name: "active_connection_states", Type: List, Elements: Str, Default: value.NewList("ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"), Doc: say.T("States of TCP that count as active, for drained.", "drained에서 살아 있다고 볼 TCP 상태.")},
		{Name: "path", Type: Path, Doc: say.T("File to look at.", "볼 파일.")},
		{Name: "search_regex", Doc: say.T("Text that the file or the port must give.", "파일이나 포트에서 나와야 할 글.")},
		{Name: "state", Default: "started", Choices: []any{"absent", "drained", "present", "started", "stopped"}, Doc: say.T("What to wait for.", "기다릴 상태.")},
		{Name: "exclude_hosts", Type: List, Elements: Str, Doc: say.T("Hosts whose connections do not count, for drained.", "drained에서 세지 않을 호스트.")},
		{Name: "sleep", Type: Int, Default: 1, Doc: say.T("Seconds between two looks.", "다시 보기까지의 초.")},
		{Name: "msg", Doc: say.T("Message when the time is up.", "시간이 다 되었을 때의 메시지.")},
	}},
	Returns: []Return{
		{"elapsed", "int", "always", say.T("Seconds that were waited.", "기다린 초.")},
		{"match_groups", "list", "always", say.T("Groups of search_regex.", "search_regex의 그룹.")},
		{"match_groupdict", "dict", "always", say.T("Named groups of search_regex.", "search_regex의 이름 있는 그룹.")},
	},
	Run: runWaitFor,
}

// Dialer is a Conn that can connect from the host to somewhere else, for a
// probe that needs no tool there.
type Dialer interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// tcpStates are the states that the kernel prints as numbers.
var tcpStates = map[string]string{
	"ESTABLISHED": "01", "SYN_SENT": "02", "SYN_RECV": "03", "FIN_WAIT1": "04", "FIN_WAIT2": "05", "TIME_WAIT": "06",
}

// maxSearched bounds how much of a file or of a port's output is searched.
const maxSearched = 64 << 20

// waiting is one wait.
type waiting struct {
	c          *Call
	start, end time.Time
	pattern    *regex
	match      *regexp2.Match
	seen       string // what the host said of the file when it was searched last
}

func runWaitFor(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := &waiting{c: c}
	if fail := w.refuse(); fail != nil {
		return fail, nil
	}
	w.start = time.Now()
	w.end = w.start.Add(time.Duration(a.Int("timeout")) * time.Second)
	if d := a.Int("delay"); d > 0 {
		if err := sleep(ctx, time.Duration(d)*time.Second); err != nil {
			return nil, err
		}
	}
	look, late := w.looks()
	if look == nil {
		if err := sleep(ctx, time.Duration(a.Int("timeout"))*time.Second); err != nil {
			return nil, err
		}
		return w.result(OK()), nil
	}
	for time.Now().Before(w.end) {
		done, fail, err := look(ctx)
		if err != nil {
			return nil, err
		}
		if fail != nil {
			return fail.Set("elapsed", w.elapsed()), nil
		}
		if done {
			return w.finish(ctx)
		}
		if err := sleep(ctx, time.Duration(a.Int("sleep"))*time.Second); err != nil {
			return nil, err
		}
	}
	if msg := a.Str("msg"); msg != "" {
		late = msg
	}
	return Fail("%s", late).Set("elapsed", w.elapsed()), nil
}

func (w *waiting) elapsed() int { return int(time.Since(w.start) / time.Second) }

// refuse returns a failure when the arguments do not fit each other.
func (w *waiting) refuse() *Result {
	a := w.c.Args
	if p := a.Str("search_regex"); a.Given("search_regex") {
		re, err := compileRegex(p, "m")
		if err != nil {
			return Fail("Invalid regular expression: %s", err)
		}
		w.pattern = re
	}
	state := a.Str("state")
	msg := ""
	switch {
	case a.Int("port") != 0 && a.Given("path"):
		msg = "port and path parameter can not both be passed to wait_for"
	case a.Given("path") && state == "stopped":
		msg = "state=stopped should only be used for checking a port in the wait_for module"
	case a.Given("path") && state == "drained":
		msg = "state=drained should only be used for checking a port in the wait_for module"
	case a.Given("exclude_hosts") && state != "drained":
		msg = "exclude_hosts should only be with state=drained"
	case state == "drained" && a.Int("port") == 0:
		msg = "state=drained needs the port whose connections are counted"
	}
	for _, s := range a.Strings("active_connection_states") {
		if tcpStates[s] == "" {
			msg = "unknown active_connection_state (" + s + ") defined"
		}
	}
	if msg == "" {
		return nil
	}
	return Fail("%s", msg).Set("elapsed", 0)
}

// look looks once: done tells that what was waited for is there.
type look func(ctx context.Context) (done bool, fail *Result, err error)

// looks chooses how to look, and what to say when the time is up; nil when
// there is nothing to look at but the clock.
func (w *waiting) looks() (look, string) {
	a := w.c.Args
	state, path, port := a.Str("state"), a.Str("path"), a.Int("port")
	at := fmt.Sprintf("%s:%d", a.Str("host"), port)
	gone := state == "absent" || state == "stopped"
	switch {
	case state == "drained":
		return w.drained, "Timeout when waiting for " + at + " to drain"
	case port == 0 && path == "":
		return nil, ""
	case path != "" && gone:
		return w.absent, "Timeout when waiting for " + path + " to be absent."
	case path != "" && w.pattern != nil:
		return w.fileText, "Timeout when waiting for search string " + a.Str("search_regex") + " in " + path
	case path != "":
		return w.present, "Timeout when waiting for file " + path
	case gone:
		return w.stopped, "Timeout when waiting for " + at + " to stop."
	case w.pattern != nil:
		return w.portText, "Timeout when waiting for search string " + a.Str("search_regex") + " in " + at
	}
	return w.started, "Timeout when waiting for " + at
}

// rounds is how often a script may look by itself, sleeping in between: not
// much longer than ten seconds, so that a lost host is noticed.
func (w *waiting) rounds() int {
	every := time.Duration(max(w.c.Args.Int("sleep"), 1)) * time.Second
	left := min(time.Until(w.end), 10*time.Second)
	return max(int(left/every), 1)
}

// exec runs a script that looks several times until the command in it is true.
func (w *waiting) exec(ctx context.Context, functions, condition string) (connection.Output, error) {
	script := fmt.Sprintf(`%s
i=%d
while :; do
if %s; then printf yes; exit 0; fi
i=$((i-1))
[ "$i" -gt 0 ] || break
sleep %d
done
printf no`, functions, w.rounds(), condition, max(w.c.Args.Int("sleep"), 1))
	return w.c.exec(ctx, connection.Command{Script: script})
}

func (w *waiting) answer(ctx context.Context, functions, condition string) (bool, *Result, error) {
	out, err := w.exec(ctx, functions, condition)
	if err != nil {
		return false, nil, err
	}
	switch s := string(out.Stdout); {
	case s == "yes":
		return true, nil, nil
	case s == "no":
		return false, nil, nil
	case strings.HasPrefix(s, "need"):
		return false, Fail("needs `bash`, `nc` or /proc/net/tcp on %s to look at the port", w.c.hostName()), nil
	}
	return false, Fail("looking at %s ended with %d: %s", w.c.hostName(), out.Code, excerpt(out.Stdout, out.Stderr)), nil
}

func (w *waiting) present(ctx context.Context) (bool, *Result, error) {
	p := quotePath(w.c.Args.Str("path"))
	return w.answer(ctx, "", "[ -e "+p+" ]")
}

func (w *waiting) absent(ctx context.Context) (bool, *Result, error) {
	p := quotePath(w.c.Args.Str("path"))
	return w.answer(ctx, "", "[ ! -e "+p+" ]")
}

// fileText searches the file again whenever it is another than before.
func (w *waiting) fileText(ctx context.Context) (bool, *Result, error) {
	p := quotePath(w.c.Args.Str("path"))
	script := "p=" + p + "\nif [ -f \"$p\" ] && [ -r \"$p\" ]; then stat -c '%i %s %Y %Z' \"$p\" 2>/dev/null || ls -ldi \"$p\"; printf '%s' \"$p\"; fi"
	out, err := w.c.exec(ctx, connection.Command{Script: script})
	if err != nil {
		return false, nil, err
	}
	said, path, _ := strings.Cut(string(out.Stdout), "\n")
	if path == "" || said == w.seen {
		return false, nil, nil
	}
	text, err := w.read(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	done, fail := w.search(text)
	// A file that changes twice within a second may look the same.
	if !strings.Contains(said, strconv.FormatInt(out.Ended.Unix(), 10)) {
		w.seen = said
	}
	return done, fail, nil
}

func (w *waiting) read(ctx context.Context, path string) (string, error) {
	var text bytes.Buffer
	err := w.c.Conn.Get(ctx, path, &bounded{w: &text, left: maxSearched})
	if errors.Is(err, errTooMuch) {
		err = nil
	}
	return text.String(), err
}

var errTooMuch = errors.New("more than is searched")

// bounded takes only so many bytes.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		n, err := b.w.Write(p[:b.left])
		b.left = 0
		if err == nil {
			err = errTooMuch
		}
		return n, err
	}
	b.left -= len(p)
	return b.w.Write(p)
}

func (w *waiting) search(text string) (bool, *Result) {
	m, err := w.pattern.search(text)
	if err != nil {
		return false, Fail("%s", err)
	}
	w.match = m
	return m != nil, nil
}

func (w *waiting) connectTimeout() time.Duration {
	d := time.Duration(max(w.c.Args.Int("connect_timeout"), 1)) * time.Second
	if left := time.Until(w.end); left > 0 && left < d {
		d = left
	}
	return d
}

// dialer is the Conn as a Dialer, when it or what it wraps is one.
func (w *waiting) dialer() Dialer {
	for conn := w.c.Conn; conn != nil; {
		if d, ok := conn.(Dialer); ok {
			return d
		}
		inner, ok := conn.(interface{ Unwrap() connection.Conn })
		if !ok {
			return nil
		}
		conn = inner.Unwrap()
	}
	return nil
}

// portScript declares P, which is true when the port takes connections. The
// kernel's list of listening sockets is asked first, because it disturbs no
// service; a port that is not in it may still be open behind a forwarding, or
// on another host.
const portScript = `L() {
for f in /proc/net/tcp /proc/net/tcp6; do
[ -r "$f" ] || continue
while read -r _ a _ s _; do
[ "$s" = 0A ] && [ "${a##*:}" = "$X" ] || continue
case ${a%%:*} in @SOCKETS@) return 0;; esac
done <"$f"
done
return 1
}
N() {
if command -v bash >/dev/null 2>&1; then
if command -v timeout >/dev/null 2>&1; then timeout "$S" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$h" "$p" 2>/dev/null; return; fi
bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$h" "$p" 2>/dev/null; return
fi
if command -v nc >/dev/null 2>&1; then nc -z -w "$S" "$h" "$p" >/dev/null 2>&1 </dev/null; return; fi
return 2
}
P() {
if [ -n "$A" ] && [ -r /proc/net/tcp ] && L; then return 0; fi
N; r=$?
if [ "$r" = 2 ] && { [ -z "$A" ] || [ ! -r /proc/net/tcp ]; }; then printf need; exit 3; fi
return "$r"
}`

// localSockets are patterns of the sockets that a connection to the host's own
// loopback reaches, as the kernel prints them; "" for other hosts.
func localSockets(host string) string {
	switch host {
	case "127.0.0.1", "localhost":
		return "00000000|0100007F|00000000000000000000000000000000|0000000000000000FFFF00000100007F"
	case "::1":
		return "00000000000000000000000000000000|00000000000000000000000001000000"
	}
	if ip := net.ParseIP(host).To4(); ip != nil && ip[0] == 127 {
		own := fmt.Sprintf("%02X%02X%02X%02X", ip[3], ip[2], ip[1], ip[0])
		return "00000000|" + own + "|00000000000000000000000000000000|0000000000000000FFFF0000" + own
	}
	return ""
}

func (w *waiting) portFunctions() string {
	a := w.c.Args
	seconds := int((w.connectTimeout() + time.Second - 1) / time.Second)
	sockets := localSockets(a.Str("host"))
	pattern := sockets
	if pattern == "" {
		pattern = "none"
	}
	return fmt.Sprintf("h=%s p=%d S=%d X=%04X A=%s\n", quoteText(a.Str("host")), a.Int("port"), seconds, a.Int("port"), quoteText(sockets)) +
		strings.Replace(portScript, "@SOCKETS@", pattern, 1)
}

func (w *waiting) open(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.connectTimeout())
	defer cancel()
	return w.dialer().Dial(ctx, "tcp", net.JoinHostPort(w.c.Args.Str("host"), strconv.Itoa(w.c.Args.Int("port"))))
}

// reached tells whether a dial through the connection got there; an error is
// one of the host itself.
func (w *waiting) reached(ctx context.Context) (bool, error) {
	conn, err := w.open(ctx)
	if err == nil {
		conn.Close()
		return true, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if connection.IsUnreachable(err) {
		return false, err
	}
	return false, nil
}

func (w *waiting) started(ctx context.Context) (bool, *Result, error) {
	if w.dialer() != nil {
		ok, err := w.reached(ctx)
		return ok, nil, err
	}
	return w.answer(ctx, w.portFunctions(), "P")
}

func (w *waiting) stopped(ctx context.Context) (bool, *Result, error) {
	if w.dialer() != nil {
		ok, err := w.reached(ctx)
		return !ok && err == nil, nil, err
	}
	return w.answer(ctx, w.portFunctions(), "! P")
}

// portText connects and searches what the other side says.
func (w *waiting) portText(ctx context.Context) (bool, *Result, error) {
	if w.dialer() == nil {
		return w.portTextByTool(ctx)
	}
	conn, err := w.open(ctx)
	if err != nil {
		if ctx.Err() != nil || connection.IsUnreachable(err) {
			return false, nil, err
		}
		return false, nil, nil
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	// Not every connection knows deadlines; closing it ends a read for sure.
	timer := time.AfterFunc(max(time.Until(w.end), 0), func() { conn.Close() })
	defer timer.Stop()
	var text []byte
	buf := make([]byte, 4096)
	for len(text) < maxSearched {
		n, err := conn.Read(buf)
		text = append(text, buf[:n]...)
		if n > 0 {
			if done, fail := w.search(string(text)); done || fail != nil {
				return done, fail, nil
			}
		}
		if err != nil {
			return false, nil, ctx.Err()
		}
	}
	return false, nil, nil
}

func (w *waiting) portTextByTool(ctx context.Context) (bool, *Result, error) {
	a := w.c.Args
	script := fmt.Sprintf(`h=%s p=%d S=%d
if command -v nc >/dev/null 2>&1; then nc -w "$S" "$h" "$p" </dev/null 2>/dev/null
elif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then timeout "$S" bash -c 'exec 3<>"/dev/tcp/$0/$1" && cat <&3' "$h" "$p" 2>/dev/null
else exit 3; fi
exit 0`, quoteText(a.Str("host")), a.Int("port"), int((w.connectTimeout()+time.Second-1)/time.Second))
	out, err := w.c.exec(ctx, connection.Command{Script: script, MaxOutput: 1 << 20})
	if err != nil {
		return false, nil, err
	}
	if out.Code == 3 {
		return false, Fail("needs `nc`, or `bash` and `timeout`, on %s to read from the port", w.c.hostName()), nil
	}
	done, fail := w.search(string(out.Stdout))
	return done, fail, nil
}

// drained counts the connections of the port.
func (w *waiting) drained(ctx context.Context) (bool, *Result, error) {
	a := w.c.Args
	script := `A() { if command -v getent >/dev/null 2>&1; then getent ahosts "$1" 2>/dev/null; fi; printf '%s STREAM\n' "$1"; }
printf 'own='; A ` + quoteText(a.Str("host")) + `; printf '\0excluded='
for h in ` + quoteWords(a.Strings("exclude_hosts")) + `; do A "$h"; done
for f in tcp tcp6; do printf '\0%s=' "$f"; if [ -r "/proc/net/$f" ]; then cat "/proc/net/$f"; fi; done
printf '\0'`
	out, err := w.c.exec(ctx, connection.Command{Script: script})
	if err != nil {
		return false, nil, err
	}
	f := readFields(out.Stdout)
	if f.text("tcp") == "" && f.text("tcp6") == "" {
		return false, Fail("needs /proc/net/tcp on %s to count connections", w.c.hostName()), nil
	}
	own, excluded := socketAddresses(f["own"]), socketAddresses(f["excluded"])
	states := map[string]bool{}
	for _, s := range a.Strings("active_connection_states") {
		states[tcpStates[s]] = true
	}
	port := fmt.Sprintf("%04X", a.Int("port"))
	return countSockets(f["tcp"]+f["tcp6"], port, states, own, excluded) == 0, nil, nil
}

func quoteWords(words []string) string {
	out := make([]string, len(words))
	for i, s := range words {
		out[i] = quoteText(s)
	}
	return strings.Join(out, " ")
}

// socketAddresses turns the addresses at the start of lines into the kernel's
// way to print them.
func socketAddresses(text string) map[string]bool {
	out := map[string]bool{}
	for _, line := range lines(text) {
		word, _, _ := strings.Cut(line, " ")
		ip := net.ParseIP(word)
		if ip == nil {
			continue
		}
		if v4 := ip.To4(); v4 != nil {
			own := wordsReversed(v4)
			out[own] = true
			out["0000000000000000FFFF0000"+own] = true
			if ip.IsUnspecified() {
				out["any"] = true
			}
			continue
		}
		out[wordsReversed(ip.To16())] = true
		if ip.IsUnspecified() {
			out["any"] = true
		}
	}
	return out
}

// wordsReversed prints each four bytes in the other order, as the kernel of a
// little-endian machine does.
func wordsReversed(ip net.IP) string {
	var s strings.Builder
	for i := 0; i+3 < len(ip); i += 4 {
		fmt.Fprintf(&s, "%02X%02X%02X%02X", ip[i+3], ip[i+2], ip[i+1], ip[i])
	}
	return s.String()
}

func countSockets(table, port string, states, own, excluded map[string]bool) int {
	n := 0
	for _, line := range lines(table) {
		p := strings.Fields(line)
		if len(p) < 4 || !states[p[3]] {
			continue
		}
		local, localPort, _ := strings.Cut(p[1], ":")
		remote, _, _ := strings.Cut(p[2], ":")
		if localPort == port && !excluded[remote] && (own[local] || own["any"]) {
			n++
		}
	}
	return n
}

// finish adds what the file is that was waited for.
func (w *waiting) finish(ctx context.Context) (*Result, error) {
	r := w.result(OK())
	path := w.c.Args.Str("path")
	if path == "" || w.c.Args.Str("state") == "absent" {
		return r, nil
	}
	f, fail, err := w.c.observe(ctx, "O at "+quotePath(path)+"\n:\n")
	if err != nil {
		return nil, err
	}
	if fail == nil {
		f.found("at", path).describe(r, "")
	}
	return r, nil
}

func (w *waiting) result(r *Result) *Result {
	a := w.c.Args
	groups, named := &value.List{}, &value.Dict{}
	if w.match != nil {
		groups, named = matchGroups(w.match)
	}
	orNone := func(name string) any {
		if !a.Given(name) {
			return nil
		}
		return a.Raw(name)
	}
	r.Set("state", a.Str("state")).Set("port", orNone("port")).Set("search_regex", orNone("search_regex"))
	r.Set("match_groups", groups).Set("match_groupdict", named).Set("path", orNone("path"))
	return r.Set("elapsed", w.elapsed())
}

// matchGroups are the groups of a match: all of them, and those with a name.
func matchGroups(m *regexp2.Match) (*value.List, *value.Dict) {
	groups, named := &value.List{}, &value.Dict{}
	for _, g := range m.Groups()[1:] {
		var v any
		if len(g.Captures) > 0 {
			v = g.String()
		}
		groups.Append(v)
		if _, err := strconv.Atoi(g.Name); err != nil {
			named.Set(g.Name, v)
		}
	}
	return groups, named
}
