package health

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"sunup/internal/say"
)

func itoa(n int) string { return strconv.Itoa(n) }

// command runs a line of shell and looks how it ends.
func command(o options) (asker, string) {
	cmd, rc, stdout := o.text("cmd"), o.integer("rc", 0), o.pattern("stdout")
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		if t.Conn == nil {
			return failed(errNoWay)
		}
		out, err := t.plain(ctx, cmd)
		switch {
		case err != nil:
			return failed(err)
		case out.Code != rc:
			said := firstLine(cmp.Or(strings.TrimSpace(string(out.Stderr)), string(out.Stdout)))
			if said == "" {
				return bad("it ended with %d", "종료 코드 %d", out.Code)
			}
			return bad("it ended with %d: %s", "종료 코드 %d: %s", out.Code, said)
		case stdout != nil && !stdout.Match(out.Stdout):
			return bad("what it printed does not match '%s': %s", "출력이 '%s'{와/과} 맞지 않습니다: %s", plain(stdout), firstLine(string(out.Stdout)))
		}
		return good()
	}, cmd
}

// process looks for running programs.
func process(o options) (asker, string) {
	want := processAsk{name: o.text("name"), args: o.pattern("args"), user: o.text("user"), min: o.integer("min", 1), max: o.integer("max", -1)}
	label := want.name
	if label == "" && want.args != nil {
		label = plain(want.args)
	}
	return want.ask, label
}

type processAsk struct {
	name, user string
	args       *regexp.Regexp
	min, max   int
}

func (p processAsk) ask(ctx context.Context, t *Target, _ *memory) Answer {
	out, err := t.run(ctx, `ps -eo pid=,user=,comm=,args= 2>/dev/null || ps -o pid,user,comm,args 2>/dev/null || ps`, nil)
	if err != nil {
		return failed(err)
	}
	var pids []string
	for line := range bytes.Lines(out.Stdout) {
		if pid, ok := p.matches(string(line)); ok {
			pids = append(pids, pid)
		}
	}
	sort.Strings(pids)
	switch n := len(pids); {
	case n == 0 && p.min > 0:
		return bad("it does not run", "실행 중이 아닙니다")
	case n < p.min:
		return bad("%d run, fewer than %d", "%d개 실행 중, 최소 %d개 필요", n, p.min)
	case p.max >= 0 && n > p.max:
		return bad("%d run, more than %d", "%d개 실행 중, 최대 %d개", n, p.max)
	}
	a := good()
	if len(pids) == 1 { // of many, workers may come and go
		a.Mark = pids[0]
	}
	return a
}

// commLength is where the kernel cuts the name of a process.
const commLength = 15

func (p processAsk) matches(line string) (pid string, ok bool) {
	f := strings.Fields(line)
	if len(f) < 4 {
		return "", false
	}
	args := strings.Join(f[3:], " ")
	program := f[3][strings.LastIndexByte(f[3], '/')+1:]
	name := p.name
	if len(name) > commLength && f[2] == name[:commLength] {
		name = f[2]
	}
	switch {
	case p.name != "" && f[2] != name && strings.TrimSuffix(program, ":") != p.name,
		p.args != nil && !p.args.MatchString(args),
		p.user != "" && f[1] != p.user && !(strings.HasSuffix(f[1], "+") && strings.HasPrefix(p.user, strings.TrimSuffix(f[1], "+"))):
		return "", false
	}
	return f[0], true
}

// serviceScript asks the service manager that the host has, by one of its
// states: running, stopped, starting, failed.
const serviceScript = `if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
systemctl show -p LoadState -p ActiveState -p SubState -p Result -p MainPID -p NRestarts -p ExecMainStatus -- "$s"
exit
fi
if command -v rc-service >/dev/null 2>&1; then o=$(rc-service "$s" status 2>&1); r=$?
elif [ -x "/etc/init.d/$s" ]; then o=$("/etc/init.d/$s" status 2>&1); r=$?
elif command -v service >/dev/null 2>&1; then o=$(service "$s" status 2>&1); r=$?
else exit 99; fi
printf 'status=%s\n%s\n' "$r" "$o"`

func service(o options) (asker, string) {
	name, stopped := o.text("name"), o.text("state") == "stopped"
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		out, err := t.run(ctx, "s="+quoted(name)+"\n"+serviceScript, nil)
		switch {
		case err != nil:
			return failed(err)
		case out.Code == 99:
			return never("the host has no service manager that is known", "호스트에 알려진 서비스 관리자가 없습니다")
		}
		state := readService(string(out.Stdout))
		if stopped {
			if state.running || state.changing {
				return bad("it still runs (%s)", "아직 실행 중입니다 (%s)", state.words)
			}
			return good()
		}
		if !state.running {
			return bad("it is %s", "상태: %s", state.words)
		}
		a := good()
		a.Mark = state.mark
		return a
	}, name
}

// serviceState is what a service manager said.
type serviceState struct {
	running, changing bool
	words, mark       string
}

func readService(text string) serviceState {
	f := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && f[k] == "" {
			f[k] = v
		}
	}
	if code, ok := f["status"]; ok { // OpenRC and SysV tell by the exit code
		_, said, _ := strings.Cut(text, "\n")
		return serviceState{running: code == "0", words: cmp.Or(firstLine(said), "status "+code)}
	}
	s := serviceState{words: f["ActiveState"], mark: f["MainPID"] + "/" + f["NRestarts"]}
	switch f["ActiveState"] {
	case "active":
		s.running = f["SubState"] != "auto-restart"
	case "activating", "deactivating", "reloading":
		s.changing = true
	}
	switch {
	case f["LoadState"] == "not-found":
		s.words = "not installed"
	case f["ActiveState"] == "failed":
		s.words = "failed (" + cmp.Or(f["Result"], "unknown")
		if code := f["ExecMainStatus"]; code != "" && code != "0" {
			s.words += ", exit code " + code
		}
		s.words += ")"
	case f["SubState"] != "" && f["SubState"] != f["ActiveState"]:
		s.words += " (" + f["SubState"] + ")"
	}
	return s
}

// logLine searches a log for a line that must be there, or must not.
func logLine(o options) (asker, string) {
	l := logAsk{path: o.text("path"), unit: o.text("unit"), line: o.pattern("line"), not: o.pattern("not"), fresh: o.text("since") == "start"}
	return l.ask, cmp.Or(l.path, l.unit)
}

type logAsk struct {
	path, unit string
	line, not  *regexp.Regexp
	fresh      bool // only what was written since the gate began
}

func (l logAsk) ask(ctx context.Context, t *Target, m *memory) Answer {
	out, fail := l.read(ctx, t, m)
	if fail != nil {
		return *fail
	}
	found := l.line == nil
	for line := range bytes.Lines(out) {
		line = bytes.TrimRight(line, "\r\n")
		if l.not != nil && l.not.Match(line) {
			return bad("a line says: %s", "로그에 이런 줄이 있습니다: %s", excerpt(string(line)))
		}
		found = found || l.line.Match(line)
	}
	if !found {
		return bad("no line matches '%s'", "'%s'{와/과} 맞는 줄이 없습니다", plain(l.line))
	}
	return good()
}

// read returns the end of the log, a megabyte at most.
func (l logAsk) read(ctx context.Context, t *Target, m *memory) ([]byte, *Answer) {
	if l.unit != "" {
		return l.journal(ctx, t, m)
	}
	out, err := t.run(ctx, `f=`+quoted(l.path)+`
[ -e "$f" ] || exit 98
wc -c <"$f" && tail -c +`+strconv.FormatInt(m.offset+1, 10)+` "$f" | tail -c `+itoa(maxReply), nil)
	if err != nil {
		a := failed(err)
		return nil, &a
	}
	if out.Code != 0 {
		// A log that begins later is new from its start.
		m.begun = true
		a := bad("%s cannot be read: %s", "%s{을/를} 읽을 수 없습니다: %s", l.path, cmp.Or(firstLine(string(out.Stderr)), "no such file"))
		return nil, &a
	}
	first, rest, _ := bytes.Cut(out.Stdout, []byte("\n"))
	size, _ := strconv.ParseInt(strings.TrimSpace(string(first)), 10, 64)
	if l.fresh && !m.begun {
		m.begun, m.offset = true, size
		return nil, nil
	}
	if size < m.offset { // it was rotated
		m.offset = 0
	}
	return rest, nil
}

// journal reads what a unit wrote since it was started last.
func (l logAsk) journal(ctx context.Context, t *Target, m *memory) ([]byte, *Answer) {
	since := ""
	if l.fresh {
		since = ` --since="@` + strconv.FormatInt(m.offset, 10) + `"`
		if !m.begun {
			out, err := t.run(ctx, "date +%s", nil)
			if err != nil {
				a := failed(err)
				return nil, &a
			}
			m.offset, err = strconv.ParseInt(strings.TrimSpace(string(out.Stdout)), 10, 64)
			m.begun = err == nil
			return nil, nil
		}
	}
	out, err := t.run(ctx, `command -v journalctl >/dev/null 2>&1 || exit 99
u=`+quoted(l.unit)+`
i=$(systemctl show -p InvocationID --value -- "$u" 2>/dev/null)
case $i in *[!0-9a-f]*|"") set -- ;; *) set -- "_SYSTEMD_INVOCATION_ID=$i";; esac
[ $# -gt 0 ] || set -- -u "$u"
journalctl --no-pager -q -o cat -n 5000`+since+` "$@"`, nil)
	switch {
	case err != nil:
		a := failed(err)
		return nil, &a
	case out.Code == 99:
		a := never("needs journalctl on the host; give the path of the log", "호스트에 journalctl이 없습니다. 로그의 path를 지정하십시오")
		return nil, &a
	}
	return out.Stdout, nil
}

// file looks whether a file is there, new enough and large enough.
func file(o options) (asker, string) {
	path, age, least := o.text("path"), o.length("max_age", 0), o.size("min_size")
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		out, err := t.run(ctx, `f=`+quoted(path)+`
[ -e "$f" ] || exit 98
date +%s
stat -L -c '%Y %s' -- "$f" 2>/dev/null || stat -L -f '%m %z' -- "$f"`, nil)
		switch {
		case err != nil:
			return failed(err)
		case out.Code == 98:
			return bad("it is not there", "파일이 없습니다")
		}
		f := strings.Fields(string(out.Stdout))
		if len(f) != 3 {
			return bad("stat says: %s", "stat 출력: %s", firstLine(string(out.Stderr)))
		}
		var n [3]int64
		for i := range f {
			n[i], _ = strconv.ParseInt(f[i], 10, 64)
		}
		if old := time.Duration(n[0]-n[1]) * time.Second; age > 0 && old > age {
			return bad("it is %s old, more than %s", "%s 전에 바뀌어 %s{을/를} 넘었습니다", short(old), short(age))
		}
		if n[2] < least {
			return bad("it has %s, less than %s", "크기 %s, 최소 %s 필요", bytesText(n[2]), bytesText(least))
		}
		return good()
	}, path
}

func disk(o options) (asker, string) {
	path, least := cmp.Or(o.text("path"), "/"), o.room("free", amount{share: 0.1})
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		out, err := t.run(ctx, "p="+quoted(path)+`
[ -e "$p" ] || exit 98
df -P -k -- "$p" 2>/dev/null || df -P -k "$p" 2>&1`, nil)
		switch {
		case err != nil:
			return failed(err)
		case out.Code == 98:
			return bad("%s is not there", "%s{이/가} 없습니다", path)
		}
		total, free, ok := readDF(string(out.Stdout))
		if !ok {
			return bad("df says: %s", "df 출력: %s", firstLine(string(out.Stdout)))
		}
		return least.judge(free, total)
	}, path
}

// readDF reads the last line of df -P -k. The room is what can be used: used
// and available, without what is kept for root.
func readDF(text string) (total, free int64, ok bool) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	f := strings.Fields(lines[len(lines)-1])
	for i := 1; i+3 < len(f); i++ { // a device's name may have blanks in it
		if !strings.HasSuffix(f[i+3], "%") {
			continue
		}
		used, err := strconv.ParseInt(f[i+1], 10, 64)
		left, err2 := strconv.ParseInt(f[i+2], 10, 64)
		if err == nil && err2 == nil {
			return (used + left) * 1024, left * 1024, true
		}
	}
	return 0, 0, false
}

// judge compares what is free with what is asked for.
func (a amount) judge(free, total int64) Answer {
	if a.bytes > 0 {
		if free < a.bytes {
			return bad("%s are free, less than %s", "여유 %s, 최소 %s 필요", bytesText(free), bytesText(a.bytes))
		}
		return good()
	}
	share := float64(free) / float64(max(total, 1))
	if share < a.share {
		return bad("%.1f%% are free (%s), less than %g%%", "여유 %.1f%%(%s), 최소 %g%% 필요", share*100, bytesText(free), a.share*100)
	}
	return good()
}

func bytesText(n int64) string {
	unit, f := 0, float64(n)
	for f >= 1024 && unit < 4 {
		f, unit = f/1024, unit+1
	}
	return strconv.FormatFloat(f, 'f', min(unit, 1), 64) + []string{"B", "K", "M", "G", "T"}[unit]
}

func memoryFree(o options) (asker, string) {
	least := o.room("free", amount{share: 0.1})
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		out, err := t.run(ctx, "cat /proc/meminfo", nil)
		if err != nil {
			return failed(err)
		}
		total, free, ok := readMeminfo(string(out.Stdout))
		if !ok {
			return bad("/proc/meminfo cannot be read", "/proc/meminfo를 읽을 수 없습니다")
		}
		return least.judge(free, total)
	}, ""
}

// readMeminfo reads what programs can still have; old kernels do not say it
// and free memory with caches is near enough.
func readMeminfo(text string) (total, free int64, ok bool) {
	f := map[string]int64{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, ":")
		if words := strings.Fields(rest); len(words) > 0 {
			n, _ := strconv.ParseInt(words[0], 10, 64)
			f[name] = n * 1024
		}
	}
	if free, ok = f["MemAvailable"]; !ok {
		free = f["MemFree"] + f["Buffers"] + f["Cached"]
	}
	return f["MemTotal"], free, f["MemTotal"] > 0
}

// timeOffset compares the host's clock with the controller's. What the question
// itself takes is not held against the host.
func timeOffset(o options) (asker, string) {
	limit := o.length("max", time.Second)
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		before := t.now()
		out, err := t.run(ctx, "date +%s.%N", nil)
		after := t.now()
		if err != nil {
			return failed(err)
		}
		there, step, ok := readClock(strings.TrimSpace(string(out.Stdout)))
		if !ok {
			return bad("date says: %s", "date 출력: %s", firstLine(string(out.Stdout)))
		}
		var off time.Duration
		switch early, late := before.Sub(there.Add(step)), there.Sub(after); {
		case early > 0:
			off = -early
		case late > 0:
			off = late
		}
		if off.Abs() > limit {
			word := say.T("ahead", "빠릅니다")
			if off < 0 {
				word = say.T("behind", "느립니다")
			}
			return bad("its clock is %s %s", "시계가 %s %s", short(off.Abs()), word)
		}
		return good()
	}, ""
}

// readClock reads seconds with or without a fraction; step is how exact they
// are.
func readClock(s string) (at time.Time, step time.Duration, ok bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return at, 0, false
	}
	nano, err := strconv.ParseInt(fraction, 10, 64)
	if err != nil || len(fraction) != 9 { // date without %N
		return time.Unix(sec, 0), time.Second, true
	}
	return time.Unix(sec, nano), time.Millisecond, true
}

// resolve asks for the addresses of a name.
func resolve(o options) (asker, string) {
	name, want, from := o.text("name"), o.words("address"), o.from
	return func(ctx context.Context, t *Target, _ *memory) Answer {
		got, err := t.lookup(ctx, from, name)
		if err != nil {
			return failed(err)
		}
		if len(got) == 0 {
			return bad("the name '%s' is not known", "이름 '%s'{을/를} 찾을 수 없습니다", name)
		}
		for _, w := range want {
			if !contains(got, normal(w)) {
				return bad("%s is %s, without %s", "%s의 주소는 %s이며 %s{이/가} 없습니다", name, strings.Join(got[:min(len(got), 8)], ", "), w)
			}
		}
		return good()
	}, name
}

func normal(addr string) string {
	if ip := net.ParseIP(addr); ip != nil {
		return ip.String()
	}
	return addr
}

func (t *Target) lookup(ctx context.Context, from From, name string) ([]string, error) {
	if from == FromController {
		return net.DefaultResolver.LookupHost(ctx, name)
	}
	out, err := t.run(ctx, "n="+quoted(name)+`
command -v getent >/dev/null 2>&1 || exit 99
getent ahosts "$n" 2>/dev/null || getent hosts "$n"`, nil)
	if err != nil {
		return nil, err
	}
	if out.Code == 99 {
		return nil, errors.New("needs getent on the host, or from: controller")
	}
	var addrs []string
	for line := range bytes.Lines(out.Stdout) {
		if f := strings.Fields(string(line)); len(f) > 0 {
			if a := normal(f[0]); !contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs, nil
}
