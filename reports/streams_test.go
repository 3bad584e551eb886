package reports

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
)

var update = flag.Bool("update", false, "write the golden files")

// imagined is a run that never happened: plays of hosts and tasks with what
// becomes of each, from which its events are made. The same seed makes the same
// events.
type imagined struct {
	start     event.RunStarted
	plays     []imaginedPlay
	warnings  []event.Warning
	cancelled bool // stops in the middle of the last play
	cut       bool // the stream has no end
	resumed   *event.RunResumed
	firstPlay int
	rand      *rand.Rand

	began  time.Time
	events []event.Event
	recap  map[string]*event.Recap
	gone   map[string]bool
	task   int
}

type imaginedPlay struct {
	event.PlayStarted
	free       bool
	quarantine bool
	tasks      []imaginedTask
}

type imaginedTask struct {
	name, module, role string
	section            event.Section
	handler            bool
	took               time.Duration // of a usual host
	slow               map[string]time.Duration
	usual              map[string]time.Duration // what hosts take that are out of the usual
	// end says what becomes of it on a host; nil is ok.
	end  func(host string) (event.Outcome, event.Result)
	on   func(host string) bool // nil is all
	loop []string
	// gathers is what is collected from a host after it failed there.
	gathers func(host string) []event.Gathered
}

var seoul = time.FixedZone("KST", 9*3600)

func newImagined(playbook string) *imagined {
	began := time.Date(2026, 11, 21, 8, 30, 0, 0, seoul)
	return &imagined{
		start: event.RunStarted{
			RunID: "20261121T083000-7f3a", Version: "0.1.0", Playbooks: []string{playbook}, Inventory: []string{"inventory/hosts.yml"},
			Forks: 256, User: "김아침", Node: "control-1", Diff: true,
			Inputs: []event.Input{
				{File: playbook, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
				{File: "inventory/hosts.yml", SHA256: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"},
			},
		},
		began: began, recap: map[string]*event.Recap{}, gone: map[string]bool{}, rand: rand.New(rand.NewPCG(7, 11)),
	}
}

func (m *imagined) say(at time.Time, d event.Data) {
	m.events = append(m.events, event.New(0, at, d))
}

// make returns the events, in order of time.
func (m *imagined) make() []event.Event {
	now := m.began
	if m.resumed != nil {
		m.say(now, *m.resumed)
	} else {
		m.say(now, m.start)
	}
	for _, w := range m.warnings {
		m.say(now, w)
	}
	for i, p := range m.plays {
		i += m.firstPlay
		p.Play, p.Playbook = i, m.start.Playbooks[0]
		now = m.play(p, now.Add(50*time.Millisecond), m.cancelled && i == m.firstPlay+len(m.plays)-1)
	}
	if !m.cut {
		m.say(now.Add(20*time.Millisecond), m.end())
	}
	slices.SortStableFunc(m.events, func(x, y event.Event) int { return x.Time.Compare(y.Time) })
	for i := range m.events {
		m.events[i].Seq = int64(i + 1)
	}
	return m.events
}

func (m *imagined) end() event.RunEnded {
	e := event.RunEnded{Outcome: event.OK}
	for _, r := range m.recap {
		e.Recap = append(e.Recap, *r)
		switch {
		case r.Unreachable > 0 && !r.Quarantined:
			e.Outcome, e.ExitCode = event.Unreachable, 4
		case r.Failed > 0 && !r.Quarantined && e.ExitCode != 4:
			e.Outcome, e.ExitCode = event.Failed, 2
		case r.Quarantined && e.ExitCode == 0:
			e.ExitCode = 10
		}
		e.Reach = append(e.Reach, event.Reach{Host: r.Host, Handshakes: 1, RoundTrips: 3 * (r.OK + r.Failed), Commands: r.OK + r.Failed, BytesIn: 4096, BytesOut: 2048})
	}
	if m.cancelled {
		e.Outcome, e.ExitCode, e.Reason = event.Cancelled, 99, say.T("the run was interrupted", "실행이 중단되었습니다")
	}
	slices.SortFunc(e.Recap, func(x, y event.Recap) int { return cmp.Compare(x.Host, y.Host) })
	slices.SortFunc(e.Reach, func(x, y event.Reach) int { return cmp.Compare(x.Host, y.Host) })
	return e
}

func (m *imagined) play(p imaginedPlay, now time.Time, cancel bool) time.Time {
	if p.free {
		p.Strategy = "free"
	}
	m.say(now, p.PlayStarted)
	if p.NoHosts != "" {
		m.say(now, event.PlayEnded{Play: p.Play, Outcome: event.OK})
		return now
	}
	outcome := event.OK
	for i, t := range p.tasks {
		if cancel && i == len(p.tasks)-1 {
			outcome = event.Cancelled
		}
		now = m.runTask(p, i, t, now.Add(5*time.Millisecond), outcome == event.Cancelled)
	}
	for _, h := range p.Hosts {
		if m.gone[h] && !m.of(h).Quarantined && outcome == event.OK {
			outcome = event.Failed
		}
	}
	m.say(now, event.PlayEnded{Play: p.Play, Outcome: outcome})
	return now
}

func (m *imagined) of(host string) *event.Recap {
	if m.recap[host] == nil {
		m.recap[host] = &event.Recap{Host: host}
	}
	return m.recap[host]
}

func (m *imagined) runTask(p imaginedPlay, index int, t imaginedTask, now time.Time, cancel bool) time.Time {
	m.task++
	number := m.task
	section := t.section
	if section == "" {
		section = event.Tasks
	}
	name := t.name
	if t.role != "" {
		name = t.role + " : " + name
	}
	module := "ansible.builtin." + t.module
	start := event.TaskStarted{
		Play: p.Play, Task: number, ID: fmt.Sprintf("%d/%d", p.Play, index), Name: name, Module: module, Action: t.module, Role: t.role,
		Section: section, Handler: t.handler, Pos: diag.Pos{File: m.start.Playbooks[0], Line: 12 + 30*p.Play + 4*index, Col: 7}, Check: m.start.Check,
	}
	said, end := false, now
	for _, h := range p.Hosts {
		if m.gone[h] || t.on != nil && !t.on(h) {
			continue
		}
		if !said {
			m.say(now, start)
			said = true
		}
		ended := m.host(p, t, number, h, now, cancel)
		if ended.After(end) {
			end = ended
		}
	}
	return end
}

func (m *imagined) host(p imaginedPlay, t imaginedTask, number int, h string, now time.Time, cancel bool) time.Time {
	took := t.took/2 + time.Duration(m.rand.Int64N(int64(t.took)+1))
	if s, ok := t.slow[h]; ok {
		took = s
	}
	took = took.Round(time.Millisecond)
	ended := now.Add(took)
	if took > time.Second {
		m.say(now, event.HostTaskBegan{Task: number, Host: h})
	}
	outcome, result := event.OK, event.Result{}
	if t.end != nil {
		outcome, result = t.end(h)
	}
	if cancel && m.rand.IntN(3) > 0 {
		outcome, result = event.Cancelled, event.Result{Values: value.NewDict("msg", "cancelled")}
	}
	if result.Values == nil {
		result.Values = value.NewDict("changed", outcome == event.Changed)
	}
	for i, item := range t.loop {
		r := event.Result{Values: value.NewDict("changed", outcome == event.Changed, "item", item), Label: item}
		m.say(now.Add(took*time.Duration(i+1)/time.Duration(len(t.loop)+1)), event.ItemEnded{Task: number, Host: h, Index: i, Outcome: event.OK, Result: r})
	}
	m.say(ended, event.HostTaskEnded{Play: p.Play, Task: number, Host: h, Outcome: outcome, Result: result, Loop: len(t.loop) > 0, Began: now, Took: took})
	if usual, ok := t.usual[h]; ok {
		m.say(ended, event.Anomaly{Play: p.Play, Task: number, Host: h, Took: took, Usual: usual, Spread: usual / 20, Runs: 24})
	}
	m.count(p, h, number, outcome, result, ended)
	if t.gathers != nil {
		for i, g := range t.gathers(h) {
			g.Play, g.Task, g.Host, g.Took = p.Play, number, h, 20*time.Millisecond
			m.say(ended.Add(time.Duration(i+1)*20*time.Millisecond), g)
		}
	}
	return ended
}

func (m *imagined) count(p imaginedPlay, h string, task int, o event.Outcome, result event.Result, at time.Time) {
	r := m.of(h)
	switch o {
	case event.OK:
		r.OK++
	case event.Changed:
		r.OK++
		r.Changed++
	case event.Skipped:
		r.Skipped++
	case event.Rescued:
		r.Rescued++
	case event.Ignored:
		r.OK++
		r.Ignored++
	case event.Unreachable:
		r.Unreachable++
	case event.Failed, event.Quarantined:
		r.Failed++
	}
	if o != event.Failed && o != event.Unreachable && o != event.Quarantined {
		return
	}
	m.gone[h] = true
	if p.quarantine {
		r.Quarantined = true
		reason := result.Why
		if reason.IsZero() {
			reason = say.T("The cash module does not answer.", "현금 모듈이 응답하지 않습니다.")
		}
		m.say(at, event.HostQuarantined{Play: p.Play, Host: h, Zone: p.Zones[h], Reason: reason, Task: task})
		return
	}
	m.say(at, event.HostLost{Play: p.Play, Host: h, Outcome: o})
}

func changedBy(before, after, path string) func(string) (event.Outcome, event.Result) {
	return func(string) (event.Outcome, event.Result) {
		return event.Changed, event.Result{
			Values: value.NewDict("changed", true, "dest", path, "mode", "0644"),
			Diffs:  []event.Diff{{Before: before, After: after, BeforeHeader: path, AfterHeader: path}},
		}
	}
}

func always(o event.Outcome) func(string) (event.Outcome, event.Result) {
	return func(string) (event.Outcome, event.Result) { return o, event.Result{} }
}

func failsOn(host string, r event.Result) func(string) (event.Outcome, event.Result) {
	return func(h string) (event.Outcome, event.Result) {
		if h == host {
			return event.Failed, r
		}
		return event.OK, event.Result{}
	}
}

func names(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i+1)
	}
	return out
}

func facts() imaginedTask {
	return imaginedTask{name: "Gathering Facts", module: "gather_facts", section: event.Facts, took: 180 * time.Millisecond}
}

// morning is the run that the product is for: 48 hosts, one kiosk is sick.
func morning() *imagined {
	m := newImagined("playbooks/morning-startup.yml")
	opens := time.Date(2026, 11, 21, 10, 0, 0, 0, seoul)
	m.start.Startup = &event.Startup{
		Name: "아침 기동", OpensAt: opens, Timezone: "Asia/Seoul", Budget: 30 * time.Minute,
		Milestones: []event.Milestone{{Name: "입장 시작", At: opens.Add(-30 * time.Minute)}, {Name: "첫 발매", At: opens.Add(-10 * time.Minute)}},
	}
	m.warnings = []event.Warning{{Text: say.T("the group 'old_kiosks' has no hosts", "그룹 'old_kiosks'에 호스트가 없습니다")}}
	db := []string{"표db-1", "표db-2"}
	gates := []string{"gw-동관", "gw-서관", "gw-남관", "gw-북관"}
	zones := []string{"동관", "서관", "남관", "북관"}
	kiosks, zoneOf := names("발매기-%02d", 40), map[string]string{}
	for i, k := range kiosks {
		zoneOf[k] = zones[i/10]
	}
	for i, g := range gates {
		zoneOf[g] = zones[i]
	}
	sick := event.Result{
		Values: value.NewDict("changed", false, "cmd", value.Strings([]string{"/opt/kiosk/bin/cashctl", "selftest", "--full"}), "rc", 7,
			"stdout", "self test 3.2.1\n[1/4] display     ok\n[2/4] card reader ok\n[3/4] printer     ok\n[4/4] cash module ",
			"stderr", "\x1b[31mERROR\x1b[0m cash module: no answer on /dev/ttyS1 after 3 tries\n현금 모듈 응답 없음 (코드 E-214)",
			"msg", "non-zero return code", "delta", "0:00:09.412"),
		Why: say.T("The cash module does not answer on its serial line.", "현금 모듈이 직렬 포트에서 응답하지 않습니다."),
		Fix: say.T("Check the cable of the cash module (E-214), switch the kiosk off and on, and run again with -l 발매기-17.", "현금 모듈 케이블을 확인하고(E-214) 발매기 전원을 껐다 켠 뒤 -l 발매기-17로 다시 실행하십시오."),
	}
	m.plays = []imaginedPlay{
		{PlayStarted: event.PlayStarted{Name: "발권 DB", Hosts: db, Owner: "DB팀", Grade: 1, Budget: 5 * time.Minute}, tasks: []imaginedTask{
			facts(),
			{name: "PostgreSQL 기동", module: "systemd", took: 8 * time.Second, end: always(event.Changed)},
			{name: "복제 확인", module: "command", took: 900 * time.Millisecond},
			{name: "접속 대기", module: "wait_for", section: event.Health, took: 3 * time.Second},
		}},
		{PlayStarted: event.PlayStarted{Name: "발권 서버", Hosts: []string{"ticket-1", "ticket-2", "ticket-3"}, Owner: "발권팀", Grade: 1, Needs: []string{"발권 DB"}}, tasks: []imaginedTask{
			facts(),
			{name: "설정 파일", module: "template", role: "ticket", took: 400 * time.Millisecond, end: changedBy("date=2026-11-20\nrace_day=false\nworkers=8\n", "date=2026-11-21\nrace_day=true\nworkers=16\n", "/etc/ticket/today.conf")},
			{name: "ticketd 기동", module: "systemd", role: "ticket", took: 6 * time.Second, slow: map[string]time.Duration{"ticket-2": 94 * time.Second}, usual: map[string]time.Duration{"ticket-2": 6200 * time.Millisecond}, end: always(event.Changed)},
			{name: "건강 점검", module: "uri", section: event.Health, took: time.Second},
		}},
		{PlayStarted: event.PlayStarted{Name: "구역 게이트웨이", Hosts: gates, Zones: zoneOf, Owner: "망팀", Grade: 2, Needs: []string{"발권 서버"}}, tasks: []imaginedTask{
			facts(),
			{name: "gateway 기동", module: "systemd", took: 2 * time.Second, end: always(event.Changed)},
			{name: "부하 분산 등록", module: "lineinfile", took: 300 * time.Millisecond, end: always(event.OK), loop: []string{"lb-1", "lb-2"}},
		}},
		{PlayStarted: event.PlayStarted{Name: "발매기", Hosts: kiosks, Zones: zoneOf, Owner: "현장팀", Grade: 3, Needs: []string{"구역 게이트웨이"}}, quarantine: true, tasks: []imaginedTask{
			facts(),
			{name: "시각 맞추기", module: "command", took: 700 * time.Millisecond, end: func(h string) (event.Outcome, event.Result) {
				if h == "발매기-05" || h == "발매기-23" {
					return event.Changed, event.Result{}
				}
				return event.OK, event.Result{}
			}},
			{name: "오늘 경주표 내려받기", module: "get_url", took: 2 * time.Second, end: changedBy("races: 0\n", "races: 12\n", "/opt/kiosk/races.json")},
			{name: "자체 점검", module: "command", took: 6 * time.Second, slow: map[string]time.Duration{"발매기-17": 9412 * time.Millisecond}, end: failsOn("발매기-17", sick)},
			{name: "구형 프린터 설정", module: "copy", took: 10 * time.Millisecond, end: always(event.Skipped)},
			{name: "kioskd 기동", module: "service", took: 5 * time.Second, slow: map[string]time.Duration{"발매기-09": 310 * time.Millisecond}, usual: map[string]time.Duration{"발매기-09": 4900 * time.Millisecond}, end: always(event.Changed)},
			{name: "화면 켜기", module: "command", handler: true, section: event.Handlers, took: 500 * time.Millisecond, end: always(event.Changed)},
		}},
	}
	return m
}

// good is three servers and nothing special.
func good() *imagined {
	m := newImagined("site.yml")
	m.start.User, m.start.Diff = "mina", false
	m.plays = []imaginedPlay{{PlayStarted: event.PlayStarted{Name: "Web servers", Hosts: []string{"web1", "web2", "web3"}}, tasks: []imaginedTask{
		facts(),
		{name: "Install the page", module: "copy", took: 300 * time.Millisecond, end: always(event.Changed)},
		{name: "Restart nginx", module: "service", handler: true, section: event.Handlers, took: 1200 * time.Millisecond, end: always(event.Changed)},
	}}}
	return m
}

// failed is a night on which much goes wrong, with output that wants to harm
// the page.
func failed() *imagined {
	m := newImagined("deploy <b>&amp; \"test\".yml")
	m.start.Startup = &event.Startup{Name: "Night deployment", OpensAt: time.Date(2026, 11, 21, 8, 31, 0, 0, seoul), Timezone: "Asia/Seoul", Budget: 20 * time.Second}
	hosts := []string{"app-1", "app-2", "app-3", "app-4", "db-1", "db-2", "<script>alert(1)</script>"}
	m.plays = []imaginedPlay{
		{PlayStarted: event.PlayStarted{Name: "Application", Hosts: hosts, Owner: "Platform"}, tasks: []imaginedTask{
			{name: "Gathering Facts", module: "gather_facts", section: event.Facts, took: 200 * time.Millisecond, slow: map[string]time.Duration{"app-4": 10 * time.Second}, end: func(h string) (event.Outcome, event.Result) {
				if h == "app-4" {
					return event.Unreachable, event.Result{Values: value.NewDict("changed", false, "unreachable", true, "msg", "Failed to connect to the host via ssh: ssh: connect to host 10.0.3.4 port 22: Connection timed out")}
				}
				return event.OK, event.Result{}
			}, gathers: func(h string) []event.Gathered {
				if h != "app-4" {
					return nil
				}
				return []event.Gathered{{Refused: say.T("the host could not be reached, so nothing was collected", "호스트에 연결할 수 없어 아무것도 수집하지 못했습니다")}}
			}},
			{name: "Stop the old one", module: "shell", took: 2 * time.Second, end: func(h string) (event.Outcome, event.Result) {
				if strings.HasPrefix(h, "app-") {
					return event.Ignored, event.Result{Values: value.NewDict("changed", true, "rc", 143, "cmd", "kill $(cat /run/app.pid) && sleep 1", "stderr", "Terminated", "msg", "non-zero return code")}
				}
				return event.Skipped, event.Result{Values: value.NewDict("changed", false, "skip_reason", "Conditional result was False")}
			}},
			{name: "Unpack", module: "command", took: 4 * time.Second, end: func(h string) (event.Outcome, event.Result) {
				switch h {
				case "app-1", "app-2":
					return event.Failed, event.Result{Values: value.NewDict("changed", false, "rc", 2, "cmd", value.Strings([]string{"tar", "xf", "/srv/app.tar", "-C", "/srv/app"}),
						"stderr", "tar: app/static/logo-"+h+".png: Cannot write: No space left on device\ntar: Exiting with failure status due to previous errors", "stdout", strings.Repeat("app/static/file\n", 4000), "msg", "non-zero return code")}
				case "<script>alert(1)</script>":
					return event.Failed, event.Result{Values: value.NewDict("changed", false, "rc", 1, "cmd", "cat </etc/x>", "stdout", "</pre><script>alert('x')</script>\x07\x1b[2J\x1b]0;title\x07 bell and escape\r\nnul:\x00 end\xff", "msg", "broken </script><img src=x onerror=alert(2)>")}
				}
				return event.Changed, event.Result{}
			}, gathers: collected},
			{name: "Migrate", module: "command", took: 3 * time.Second, on: func(h string) bool { return strings.HasPrefix(h, "db-") }, end: func(h string) (event.Outcome, event.Result) {
				if h == "db-2" {
					return event.Rescued, event.Result{Values: value.NewDict("changed", false, "rc", 1, "cmd", "migrate up", "stderr", "lock held by another session", "msg", "non-zero return code")}
				}
				return event.Changed, event.Result{}
			}},
			{name: "Set the password", module: "command", took: 500 * time.Millisecond, on: func(h string) bool { return h == "db-1" }, end: func(string) (event.Outcome, event.Result) {
				return event.Failed, event.Result{NoLog: true, Values: value.NewDict("censored", censoredText, "changed", false, "failed", true, "stdout", "hunter2")}
			}},
		}},
		{PlayStarted: event.PlayStarted{Name: "Nobody", NoHosts: "no hosts matched"}},
	}
	return m
}

// collected is what comes from hosts of the failed night: a log that wants to
// harm the page, a long one, a command, and what could not be had.
func collected(h string) []event.Gathered {
	one := 1
	switch h {
	case "app-1":
		return []event.Gathered{
			{Source: "/var/log/app/*.log", File: "/var/log/app/app.log", Size: 5 << 20, Cut: true, Hidden: 1, Text: strings.Repeat("08:30:05 unpacking app/static/file\n", 1200) + "08:30:07 token=******** write failed: No space left on device\n"},
			{Source: "/var/log/app/*.log", File: "/var/log/app/../../../etc/old <b>.log", Size: 31, Encoding: "cp949", Text: "=1+1 기동 실패: 디스크가 가득 찼습니다\n"},
			{Source: "df -h /srv", Command: true, RC: &one, Text: "Filesystem Size Used Avail Use% Mounted on\n/dev/sda1   20G  20G     0 100% /srv\n\x1b[31mfull\x1b[0m\n"},
			{Source: "/var/log/syslog", File: "/var/log/syslog", Size: 88123, Refused: say.T("it may not be read by this user: add become to the task or play", "이 사용자에게 읽기 권한이 없습니다. 작업이나 플레이에 become을 더하십시오")},
		}
	case "<script>alert(1)</script>":
		return []event.Gathered{{Source: "/var/log/app.log", File: "/var/log/app.log", Size: 60, Text: "</pre><script>alert('log')</script>\x1b[2J```\n"}}
	}
	return nil
}

// cancelled is stopped by a person in its last task.
func cancelled() *imagined {
	m := newImagined("idle-restart.yml")
	m.cancelled = true
	m.plays = []imaginedPlay{{PlayStarted: event.PlayStarted{Name: "유휴 시간 재기동", Hosts: names("srv-%02d", 12)}, tasks: []imaginedTask{
		facts(),
		{name: "트래픽 빼기", module: "command", took: time.Second, end: always(event.Changed)},
		{name: "재기동", module: "service", took: 20 * time.Second, end: always(event.Changed)},
	}}}
	return m
}

// resumed is a morning on which a server did not come up, and then the
// controller was killed in the middle of the kiosks: two attempts more.
func resumedEvents() []event.Event {
	failing := morning()
	failing.plays = failing.plays[:2]
	failing.plays[1].tasks[2].end = func(h string) (event.Outcome, event.Result) {
		if h == "ticket-2" {
			return event.Failed, event.Result{Values: value.NewDict("changed", false, "msg", "Unable to start service ticketd: Job for ticketd.service failed because the control process exited with error code.")}
		}
		return event.Changed, event.Result{}
	}
	out := failing.make()
	last := out[len(out)-1].Time
	var void []int64
	for _, e := range out {
		switch d := e.Data.(type) {
		case event.HostTaskEnded:
			if d.Outcome == event.Failed {
				void = append(void, e.Seq)
			}
		case event.HostLost:
			void = append(void, e.Seq)
		}
	}

	// The server is started again; the plays behind it follow.
	second := morning()
	second.recap = failing.recap
	second.recap["ticket-2"].Failed = 0
	second.began, second.firstPlay = last.Add(4*time.Minute), 1
	second.resumed = &event.RunResumed{
		Attempt: 2, Version: "0.1.0", User: "박점검", Node: "control-1", Void: void,
		Reason: say.T("ticketd was repaired", "ticketd를 고쳤습니다"),
		Inputs: []event.Input{{File: "playbooks/morning-startup.yml", SHA256: "ab86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a99"}},
	}
	second.plays = second.plays[1:]
	ticket := second.plays[0].tasks[2:]
	for i := range ticket {
		ticket[i].on, ticket[i].slow = func(h string) bool { return h == "ticket-2" }, nil
	}
	second.plays[0].tasks = append([]imaginedTask{{on: func(string) bool { return false }}, {on: func(string) bool { return false }}}, ticket...)
	second.task = 4 // the tasks of the first play
	rest := second.make()
	kill := len(rest) - 90
	out = append(out, rest[:kill]...)

	// The controller was killed there; a minute later it goes on.
	pause := time.Minute
	out = append(out, event.New(0, rest[kill].Time.Add(pause), event.RunResumed{
		Attempt: 3, Version: "0.1.0", User: "박점검", Node: "control-2",
		Reason: say.T("the controller went down", "제어 서버가 꺼졌습니다"),
	}))
	for _, e := range rest[kill:] {
		e.Time = e.Time.Add(pause)
		if d, ok := e.Data.(event.HostTaskEnded); ok {
			d.Began = d.Began.Add(pause)
			e.Data = d
		}
		out = append(out, e)
	}
	for i := range out {
		out[i].Seq = int64(i + 1)
	}
	return out
}

// many is a run of many hosts and tasks with some failures; it is made when it
// is needed, not stored.
func many(hosts, tasks int) *imagined {
	m := newImagined("many.yml")
	p := imaginedPlay{PlayStarted: event.PlayStarted{Name: "All machines", Hosts: names("host-%04d", hosts), Zones: map[string]string{}}}
	for i, h := range p.Hosts {
		p.Zones[h] = fmt.Sprintf("zone %c", 'A'+i*8/hosts)
	}
	bad := map[string]int{}
	for i := range hosts / 50 {
		bad[p.Hosts[(i*37+11)%hosts]] = (i * 7) % tasks
	}
	for i := range tasks {
		p.tasks = append(p.tasks, imaginedTask{
			name: fmt.Sprintf("Step %d", i+1), module: "command", took: time.Duration(200+i%7*300) * time.Millisecond,
			end: func(h string) (event.Outcome, event.Result) {
				if at, ok := bad[h]; ok && at == i {
					return event.Failed, event.Result{Values: value.NewDict("changed", false, "rc", 1, "cmd", "step", "stdout", "working on "+h, "stderr", "step: cannot bind: Address already in use", "msg", "non-zero return code")}
				}
				switch i % 5 {
				case 1:
					return event.Changed, event.Result{Values: value.NewDict("changed", true, "rc", 0, "stdout", "done on "+h)}
				case 3:
					return event.Skipped, event.Result{}
				}
				return event.OK, event.Result{Values: value.NewDict("changed", false, "rc", 0, "stdout", "fine on "+h)}
			},
		})
	}
	m.plays = []imaginedPlay{p}
	return m
}

// stored are the runs that are kept as files, for people and for other tests.
var stored = []struct {
	name   string
	events func() []event.Event
}{
	{"good", func() []event.Event { return good().make() }},
	{"failed", func() []event.Event { return failed().make() }},
	{"morning", func() []event.Event { return morning().make() }},
	{"cancelled", func() []event.Event { return cancelled().make() }},
	{"resumed", resumedEvents},
	{"cut", func() []event.Event { m := good(); m.cut = true; return m.make() }},
	{"recorded-good", recorded("good")},
	{"recorded-failed", recorded("failed")},
	{"recorded-quarantined", recorded("quarantined")},
	{"recorded-cancelled", recorded("cancelled")},
	{"recorded-resumed", recorded("resumed")},
}

// recorded are the events of a run that did happen, as --events wrote them.
func recorded(name string) func() []event.Event {
	return func() []event.Event {
		f, err := os.Open(filepath.Join("testdata", "streams", "recorded-"+name+".jsonl"))
		if err != nil {
			panic(err)
		}
		defer f.Close()
		events, err := event.ReadAll(f)
		if err != nil {
			panic(err)
		}
		return events
	}
}

// TestStoredStreams writes testdata/streams with -update, and checks that they
// are still what the generator makes.
func TestStoredStreams(t *testing.T) {
	for _, s := range stored {
		var b strings.Builder
		w := event.NewWriter(&b)
		for _, e := range s.events() {
			w.Emit(e)
		}
		require.NoError(t, w.Close())
		golden(t, filepath.Join("testdata", "streams", s.name+".jsonl"), b.String())
	}
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, file, have string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(have), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if string(want) != have {
		require.Equal(t, string(want), have, "%s: run go test ./reports -update and look at the difference", file)
	}
}
