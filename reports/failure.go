package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

// failed keeps what a person needs to know about one failure, and counts it to
// its cause.
func (b *Builder) failed(t *Task, d event.HostTaskEnded, at time.Time, items []FailedItem) {
	f := newFailure(d)
	f.Task, f.At, f.Items = t.Number, at, items
	f.Zone = b.host(d.Host).Zone
	if len(items) > 0 && (f.Message == "" || f.Message == loopMessage) {
		f.Message = items[0].Message
	}
	if f.Why.IsZero() {
		f.Why, f.Fix = probableCause(d.Outcome, f)
	}
	if isBad(d.Outcome) {
		b.countCause(f)
	}
	if len(b.report.Failures) >= maxFailures {
		b.untold++
		return
	}
	limit := maxOutput
	if b.bytes > maxOutputTotal {
		limit = smallOutput
	}
	f.cutTo(limit)
	b.bytes += len(f.Stdout) + len(f.Stderr) + len(f.Diff) + len(f.Message) + len(f.Command)
	b.report.Failures = append(b.report.Failures, f)
}

// loopMessage is what a loop says of itself when an item failed.
const loopMessage = "One or more items failed"

// maxMessage bounds the one sentence of a failure, which is searched for causes.
const maxMessage = 8 << 10

// newFailure reads what a failed task returned.
func newFailure(d event.HostTaskEnded) *Failure {
	r := d.Result
	f := &Failure{
		Host: d.Host, Play: d.Play, Outcome: d.Outcome, TookMS: d.Took.Milliseconds(), Attempts: d.Attempts, Delegate: d.Delegate,
		Why: r.Why, Fix: r.Fix, NoLog: r.NoLog || truthy(r.Values, "_ansible_no_log"),
	}
	if f.NoLog {
		f.Message = censoredText
		return f
	}
	f.Message, f.Cut = cutMiddle(message(r), maxMessage)
	if rc, ok := value.AsInt(r.Values.At("rc")); ok {
		f.RC = &rc
	}
	f.Command = command(r.Values)
	f.Stdout, f.Stderr = textOf(r.Values, "stdout"), textOf(r.Values, "stderr")
	if f.Stderr == "" {
		f.Stderr = textOf(r.Values, "module_stderr")
	}
	if f.Stderr == "" {
		f.Stderr = textOf(r.Values, "exception")
	}
	f.Diff = diffText(r.Diffs)
	return f
}

func textOf(values *value.Dict, key string) string {
	v := values.At(key)
	if v == nil {
		return ""
	}
	return readable(value.Str(v))
}

// message is the one sentence of a result: its msg, or the end of its output.
func message(r event.Result) string {
	if r.NoLog || truthy(r.Values, "_ansible_no_log") {
		return censoredText
	}
	if msg := strings.TrimSpace(textOf(r.Values, "msg")); msg != "" && msg != "non-zero return code" {
		return msg
	}
	for _, key := range []string{"stderr", "stdout", "reason"} {
		if line := tellingLine(textOf(r.Values, key)); line != "" {
			return line
		}
	}
	if rc, ok := value.AsInt(r.Values.At("rc")); ok {
		return fmt.Sprintf("rc=%d", rc)
	}
	return textOf(r.Values, "msg")
}

// tellingLine is the line of an output that says most: one that names a cause
// we know, or else the last one.
func tellingLine(s string) string {
	s = strings.TrimSpace(s)
	lines := strings.Split(tail(s, 4000), "\n")
	for _, line := range lines {
		if _, ok := causeIn(strings.ToLower(line), probableCauses); ok {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

// causeIn finds the first rule that knows a word of a text in lower case.
func causeIn(text string, rules []cause) (cause, bool) {
	for _, c := range rules {
		for _, w := range c.words {
			if strings.Contains(text, w) {
				return c, true
			}
		}
	}
	return cause{}, false
}

// command is the command line that was run, as one text.
func command(values *value.Dict) string {
	switch cmd := values.At("cmd").(type) {
	case nil:
		return ""
	case *value.List:
		words := make([]string, len(cmd.Items))
		for i, w := range cmd.Items {
			words[i] = value.Str(w)
		}
		return readable(strings.Join(words, " "))
	default:
		return readable(value.Str(cmd))
	}
}

func (f *Failure) cutTo(limit int) {
	for _, s := range []*string{&f.Message, &f.Command, &f.Stdout, &f.Stderr, &f.Diff} {
		short, cut := cutMiddle(*s, limit)
		*s = short
		f.Cut = f.Cut || cut
	}
}

// cutMiddle keeps the beginning and the end of a long text: commands say what
// they do first and what went wrong last.
func cutMiddle(s string, limit int) (string, bool) {
	if len(s) <= limit {
		return s, false
	}
	begin, end := head(s, limit/3), tail(s, limit*2/3)
	left := len(s) - len(begin) - len(end)
	// The texts are kept, not the whole output behind them.
	return strings.Clone(begin) + fmt.Sprintf("\n[... %d bytes ...]\n", left) + strings.Clone(end), true
}

// head is the beginning of a text, cut between characters.
func head(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// tail is the end of a text, cut between characters.
func tail(s string, limit int) string {
	from := max(0, len(s)-limit)
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return s[from:]
}

// shorten keeps the beginning of a text for one line.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n, cut := 0, 0
	for i := range s {
		if n == limit-1 {
			cut = i
		}
		if n++; n > limit {
			return strings.Clone(s[:cut]) + "…"
		}
	}
	return s
}

// countCause adds a failure to the others with the same cause.
func (b *Builder) countCause(f *Failure) {
	key := string(f.Outcome) + "\x00" + normalised(f)
	c := b.causes[key]
	if c == nil {
		if len(b.causes) >= maxFailures {
			key = string(f.Outcome)
			if c = b.causes[key]; c == nil {
				c = &Cause{Outcome: f.Outcome, Message: "…"}
				b.causes[key] = c
			}
		} else {
			c = &Cause{Outcome: f.Outcome, Message: shorten(firstLines(f.Message, 3), 500), Why: f.Why, Fix: f.Fix}
			b.causes[key] = c
		}
	}
	c.Count++
	b.blamed[cellKey{f.Task, f.Host}] = c
	if !slices.Contains(c.Tasks, f.Task) {
		c.Tasks = append(c.Tasks, f.Task)
	}
	if n := len(c.Hosts); n == 0 || c.Hosts[n-1] != f.Host {
		c.Hosts = append(c.Hosts, f.Host)
	}
}

func firstLines(s string, n int) string {
	s = head(s, maxMessage)
	lines := strings.SplitN(strings.TrimSpace(s), "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

// normalised is a failure's message without what differs between hosts: the
// host's name, and all numbers.
func normalised(f *Failure) string {
	s := strings.ReplaceAll(shorten(firstLines(f.Message, 3), 500), f.Host, "@")
	var out strings.Builder
	number := false
	for _, r := range s {
		digit := r >= '0' && r <= '9'
		if digit && !number {
			out.WriteByte('#')
		}
		if !digit {
			out.WriteRune(r)
		}
		number = digit
	}
	return out.String()
}

// sortedCauses are the causes with the most hosts first.
func (b *Builder) sortedCauses() []*Cause {
	out := make([]*Cause, 0, len(b.causes))
	for _, c := range b.causes {
		if c.Count == 0 {
			continue // all mended by a later attempt
		}
		d := *c
		d.Hosts, d.Tasks = slices.Clone(c.Hosts), slices.Clone(c.Tasks)
		slices.Sort(d.Hosts)
		d.Hosts = slices.Compact(d.Hosts)
		out = append(out, &d)
	}
	slices.SortFunc(out, func(x, y *Cause) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Tasks[0], y.Tasks[0]), cmp.Compare(x.Message, y.Message))
	})
	return out
}

// cause is a rule that recognises why something failed by the words of the
// system, and says what to do.
type cause struct {
	words    []string // any of them, in lower case
	why, fix say.Text
}

// probableCauses are tried in order; the more special ones come first.
var probableCauses = []cause{
	// First: such a message lists the names of arguments, timeout among them.
	{[]string{"unsupported parameters for", "missing required arguments", "parameters are mutually exclusive", "parameters are required together",
		"one of the following is required", "but all of the following are missing", "validation of arguments failed", "and we were unable to convert to", "must be one of:"},
		say.T("The arguments of the task are not what the module takes.", "작업의 인자가 모듈이 받는 것과 다릅니다."),
		say.T("Correct the task; 'sunup doc MODULE' lists the arguments.", "작업을 고치십시오. 인자 목록은 'sunup doc 모듈'로 볼 수 있습니다.")},
	{[]string{"host key verification failed", "host key has changed", "remote host identification has changed"},
		say.T("The host's key is not the one that is known: it was installed anew, or another machine answers at its address.", "호스트 키가 알려진 키와 다릅니다. 재설치되었거나 다른 장비가 그 주소에서 응답하고 있습니다."),
		say.T("Compare the key with the person in charge of the host before you trust it; then renew the line in known_hosts.", "담당자와 키를 확인한 뒤에만 known_hosts의 해당 줄을 갱신하십시오.")},
	{[]string{"connection refused"},
		say.T("Nothing listens on that port: the service is not started yet, or the port is wrong.", "해당 포트에서 기다리는 서비스가 없습니다. 서비스가 아직 기동되지 않았거나 포트가 틀립니다."),
		say.T("Start the service, or correct the port; then run again.", "서비스를 기동하거나 포트를 바로잡은 뒤 다시 실행하십시오.")},
	{[]string{"no route to host", "network is unreachable"},
		say.T("The network has no way to the host: it is off, or a cable, switch or route is missing.", "호스트까지 가는 경로가 없습니다. 전원이 꺼졌거나 케이블, 스위치, 경로에 문제가 있습니다."),
		say.T("Check power and cable of the host, then the switch of its zone.", "장비의 전원과 케이블, 그다음 구역 스위치를 확인하십시오.")},
	{[]string{"could not resolve", "name or service not known", "no such host", "temporary failure in name resolution"},
		say.T("The name has no address.", "이름에 해당하는 주소가 없습니다."),
		say.T("Correct the name or set ansible_host in the inventory; check the name server.", "이름을 고치거나 인벤토리에 ansible_host를 적고, 이름 서버를 확인하십시오.")},
	{[]string{"permission denied (publickey", "unable to authenticate", "authentication failed", "no supported methods remain"},
		say.T("The host did not accept our key or password.", "호스트가 키나 비밀번호를 받아들이지 않았습니다."),
		say.T("Check the user and key in the inventory, and authorized_keys on the host.", "인벤토리의 사용자와 키, 호스트의 authorized_keys를 확인하십시오.")},
	{[]string{"missing sudo password", "sudo: a password is required", "incorrect sudo password", "incorrect su password"},
		say.T("Becoming another user needs a password that was not given or is wrong.", "사용자 전환 비밀번호가 없거나 틀립니다."),
		say.T("Give it with --ask-become-pass or ansible_become_password, or allow it without password for this user.", "--ask-become-pass 또는 ansible_become_password로 알려 주거나, 이 사용자에게 비밀번호 없는 sudo를 허용하십시오.")},
	{[]string{"no space left on device", "disk quota exceeded"},
		say.T("The disk is full.", "디스크가 가득 찼습니다."),
		say.T("Free space on the host (df -h; old logs first), then run again.", "호스트에서 공간을 확보하고(df -h, 오래된 로그부터) 다시 실행하십시오.")},
	{[]string{"read-only file system"},
		say.T("The file system is read-only: often the sign of a failing disk.", "파일 시스템이 읽기 전용입니다. 디스크 고장의 신호인 경우가 많습니다."),
		say.T("Read dmesg on the host and check the disk before you mount it for writing again.", "호스트의 dmesg를 읽고 디스크를 점검한 뒤 다시 쓰기로 연결하십시오.")},
	{[]string{"address already in use"},
		say.T("Another program holds the port.", "다른 프로그램이 포트를 쓰고 있습니다."),
		say.T("Find it (ss -ltnp) and stop it, or wait until the old process has ended.", "그 프로그램을 찾아(ss -ltnp) 멈추거나 이전 프로세스가 끝나기를 기다리십시오.")},
	{[]string{"is undefined", "undefined variable"},
		say.T("A variable has no value for this host.", "이 호스트에 대해 변수 값이 없습니다."),
		say.T("Set it in group_vars or host_vars, or give a default in the task.", "group_vars나 host_vars에 값을 적거나 작업에 기본값을 주십시오.")},
	{[]string{"certificate has expired", "certificate verify failed", "x509:"},
		say.T("The certificate is not valid for this name or time.", "인증서가 이 이름이나 시각에 유효하지 않습니다."),
		say.T("Renew the certificate; check the clock of the host.", "인증서를 갱신하고 호스트의 시계를 확인하십시오.")},
	{[]string{"out of memory", "cannot allocate memory", "oom"},
		say.T("The host ran out of memory.", "호스트의 메모리가 부족합니다."),
		say.T("Look for the largest processes (ps aux --sort=-rss) and restart the one that should not be so large.", "큰 프로세스를 찾아(ps aux --sort=-rss) 비정상적으로 큰 것을 재기동하십시오.")},
	{[]string{"could not find the requested service", "unit not found", "could not be found", "not-found"},
		say.T("The service is not installed under this name.", "그 이름의 서비스가 설치되어 있지 않습니다."),
		say.T("Check the name (systemctl list-unit-files) or install the package first.", "이름을 확인하거나(systemctl list-unit-files) 패키지를 먼저 설치하십시오.")},
	{[]string{"failed with result", "control process exited", "start request repeated too quickly", "main process exited"},
		say.T("The program of the service ended with an error soon after its start.", "서비스 프로그램이 시작 직후 오류로 끝났습니다."),
		say.T("Read its log on the host (journalctl -u SERVICE -n 50), correct what it complains about, and start it again.", "호스트에서 로그를 읽고(journalctl -u 서비스 -n 50) 원인을 고친 뒤 다시 기동하십시오.")},
	{[]string{"timed out", "timeout", "deadline exceeded"},
		say.T("There was no answer in time: the host or the service is very slow, or stopped.", "제시간에 응답이 없었습니다. 호스트나 서비스가 매우 느리거나 멈췄습니다."),
		say.T("Look at the load and the log of the service on the host; raise the timeout only if it is healthy.", "호스트의 부하와 서비스 로그를 보고, 정상일 때만 제한 시간을 늘리십시오.")},
	{[]string{"permission denied", "operation not permitted", "eacces"},
		say.T("The user may not do this on the host.", "이 사용자에게 권한이 없습니다."),
		say.T("Add become: true to the task, or correct owner and mode.", "작업에 become: true를 더하거나 소유자와 권한을 바로잡으십시오.")},
	{[]string{"command not found", "no such file or directory", "executable file not found"},
		say.T("A file or program is not there.", "파일이나 프로그램이 없습니다."),
		say.T("Check the path, and whether the package is installed on this host.", "경로와 패키지 설치 여부를 확인하십시오.")},
}

// causesUnreachable are tried before the others when a host was not reached.
var causesUnreachable = []cause{
	{[]string{"connection refused"},
		say.T("The machine is on, but its SSH server does not answer: it is still booting, or sshd is stopped.", "장비는 켜져 있으나 SSH 서버가 응답하지 않습니다. 부팅 중이거나 sshd가 멈췄습니다."),
		say.T("Wait for the boot to end, or start sshd at its console; then run again.", "부팅이 끝나기를 기다리거나 콘솔에서 sshd를 기동한 뒤 다시 실행하십시오.")},
	{[]string{"timed out", "timeout", "deadline exceeded"},
		say.T("The machine does not answer at all: it is off, hangs, or a firewall drops the packets.", "장비가 전혀 응답하지 않습니다. 꺼져 있거나 멈췄거나 방화벽이 패킷을 버리고 있습니다."),
		say.T("Check power and screen of the machine, then its cable and the firewall.", "장비의 전원과 화면, 그다음 케이블과 방화벽을 확인하십시오.")},
	{[]string{"connection reset", "broken pipe", "eof", "closed by remote host", "connection lost"},
		say.T("The connection broke in the middle: the machine went down or was restarted.", "연결이 도중에 끊겼습니다. 장비가 꺼졌거나 재기동되었습니다."),
		say.T("Look whether the machine is up again, and what was done last on it.", "장비가 다시 켜졌는지, 마지막 작업이 무엇이었는지 확인하십시오.")},
}

// causeOfRC are causes by return code, when no words tell more.
var causeOfRC = map[int]cause{
	126: {nil, say.T("The program was found but may not be run.", "프로그램은 있으나 실행할 수 없습니다."), say.T("Check its mode and the mount options (noexec).", "실행 권한과 마운트 옵션(noexec)을 확인하십시오.")},
	127: {nil, say.T("The program is not installed or not in the search path.", "프로그램이 없거나 검색 경로에 없습니다."), say.T("Write its full path, or install it.", "전체 경로를 적거나 설치하십시오.")},
	137: {nil, say.T("The program was killed: by a person, or because memory ran out.", "프로그램이 강제 종료되었습니다. 사람이 했거나 메모리가 부족했습니다."), say.T("Look for 'Out of memory' in dmesg on the host.", "호스트의 dmesg에서 'Out of memory'를 찾으십시오.")},
	143: {nil, say.T("The program was asked to end while it worked.", "작업 중에 종료 요청을 받았습니다."), say.T("Find out who stops it: another run, or a service manager's time limit.", "다른 실행이나 서비스 관리자의 시간 제한 등 누가 멈추는지 확인하십시오.")},
}

// outcomeCause is the last resort.
var outcomeCause = map[event.Outcome]cause{
	event.Unreachable: {nil, say.T("The host could not be reached.", "호스트에 연결할 수 없습니다."), say.T("Check that it is on and that ssh to it works from here.", "전원과 여기서의 ssh 접속을 확인하십시오.")},
	event.Unknown:     {nil, say.T("The command was sent and its answer was lost: it may have worked.", "명령은 보냈으나 응답을 받지 못했습니다. 실행되었을 수도 있습니다."), say.T("Look at the host before you run it again.", "다시 실행하기 전에 호스트의 상태를 확인하십시오.")},
}

// probableCause guesses why a task failed from what it said. It returns nothing
// rather than something vague.
func probableCause(o event.Outcome, f *Failure) (why, fix say.Text) {
	if f.NoLog {
		return say.Text{}, say.Text{}
	}
	text := strings.ToLower(f.Message + "\n" + tail(f.Stderr, 4000))
	if o == event.Unreachable {
		if c, ok := causeIn(text, causesUnreachable); ok {
			return c.why, c.fix
		}
	}
	if c, ok := causeIn(text, probableCauses); ok {
		return c.why, c.fix
	}
	if f.RC != nil {
		if c, ok := causeOfRC[*f.RC]; ok {
			return c.why, c.fix
		}
	}
	c := outcomeCause[o]
	return c.why, c.fix
}
