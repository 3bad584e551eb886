package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/playbooks"
)

// Preflight is what would fail before the first step: found on all hosts at
// once, without changing anything.
type Preflight struct {
	Hosts     int           `json:"hosts"`
	Good      int           `json:"good"` // hosts without any obstacle
	Took      time.Duration `json:"took"` // nanoseconds
	Obstacles []*Obstacle   `json:"obstacles"`
}

// ObstacleKind is what stands in the way.
type ObstacleKind string

// The kinds, from those that leave nothing to be done to those that may.
const (
	NotReached   ObstacleKind = "reach"
	HostKey      ObstacleKind = "host_key"
	LoginRefused ObstacleKind = "login"
	NoShell      ObstacleKind = "shell"
	BecomeFails  ObstacleKind = "become"
	DiskFull     ObstacleKind = "disk"
	ClockWrong   ObstacleKind = "clock"
	ToolMissing  ObstacleKind = "tool"
)

var obstacleOrder = []ObstacleKind{NotReached, HostKey, LoginRefused, NoShell, BecomeFails, DiskFull, ClockWrong, ToolMissing}

// Obstacle is one cause on some hosts.
type Obstacle struct {
	Kind  ObstacleKind `json:"kind"`
	What  say.Text     `json:"what"`
	Fix   say.Text     `json:"fix"`
	Hosts []string     `json:"hosts"`
	Plays []string     `json:"plays"`
	// Detail is what one of the hosts, or the way to it, said.
	Detail string `json:"detail,omitempty"`
	// Maybe is true when a step of the playbook itself may remove it.
	Maybe bool `json:"maybe,omitempty"`
}

// PreflightOptions are the limits of a preflight; zero values mean the defaults.
type PreflightOptions struct {
	// MinFree is the share of a disk that must be free: 0.02 when 0. Below it
	// logs of one day fill many a disk.
	MinFree float64
	// MaxOffset is how far a clock may be off: 10 s when 0; tickets and
	// certificates bear no more.
	MaxOffset time.Duration
	// Limit is the time for one host: 8 s when 0.
	Limit time.Duration
}

// leastFree is what must be free in any case, in KiB: a task's own files need
// some of it.
const leastFree = 20 << 10

func (o PreflightOptions) withDefaults() PreflightOptions {
	if o.MinFree == 0 {
		o.MinFree = 0.02
	}
	o.MaxOffset = cmp.Or(o.MaxOffset, 10*time.Second)
	o.Limit = cmp.Or(o.Limit, 8*time.Second)
	return o
}

// Preflight looks at every host of the playbooks: reach, host key, login,
// identities, disk, clock, tools. Nothing is changed and no event is emitted.
func (r *Run) Preflight(ctx context.Context, books []*playbooks.Playbook, o PreflightOptions) (*Preflight, error) {
	began := r.Now()
	r.Prompt = nil
	wants, order, err := r.wants(ctx, books)
	if err != nil {
		return nil, err
	}
	f := &findings{o: o.withDefaults(), by: map[string]*Obstacle{}, bad: map[string]bool{}, now: r.Now}
	hosts := make([]*host, len(order))
	for i, name := range order {
		hosts[i] = r.host(name)
	}
	r.pool.each(ctx, hosts, nil, func(_ int, h *host) { f.inspect(ctx, r, wants[h.name]) })
	r.links.close()
	r.pool.close()
	return &Preflight{Hosts: len(hosts), Good: len(hosts) - len(f.bad), Took: r.Now().Sub(began), Obstacles: f.list()}, ctx.Err()
}

// want is what the plays ask of one host.
type want struct {
	host  string
	plays []string
	ways  []reach // distinct
	tools map[string]bool
}

func (w *want) add(play string, way reach, tools []string) {
	if !slices.Contains(w.plays, play) {
		w.plays = append(w.plays, play)
	}
	if !slices.ContainsFunc(w.ways, func(have reach) bool {
		return have.kind == way.kind && have.become == way.become && have.options.User == way.options.User && have.options.Address == way.options.Address && have.options.Port == way.options.Port
	}) {
		w.ways = append(w.ways, way)
	}
	for _, t := range tools {
		w.tools[t] = true
	}
}

// wants collects what the plays ask of each host. Tasks that reach hosts in the
// same way are looked at once.
func (r *Run) wants(ctx context.Context, books []*playbooks.Playbook) (map[string]*want, []string, error) {
	out, order := map[string]*want{}, []string{}
	for _, b := range books {
		for _, play := range b.Plays {
			p, err := r.newPlay(ctx, b.File, play)
			if err != nil {
				return nil, nil, err
			}
			alike := p.tasksAlike()
			for _, h := range p.hosts {
				if out[h.name] == nil {
					out[h.name] = &want{host: h.name, tools: map[string]bool{}}
					order = append(order, h.name)
				}
				for _, kind := range alike {
					if way, ok := p.reachesHost(kind.task, h); ok {
						out[h.name].add(p.name, way, kind.tools)
					}
				}
			}
		}
	}
	return out, order, nil
}

// alikeTasks are the tasks of a play that reach a host in the same way.
type alikeTasks struct {
	task  *playbooks.Task
	tools []string
}

// wayKeywords decide how a task reaches its host.
var wayKeywords = []string{"become", "become_user", "become_method", "become_exe", "become_flags", "remote_user", "port", "connection", "delegate_to"}

func (p *playRun) tasksAlike() []*alikeTasks {
	by, order := map[string]*alikeTasks{}, []*alikeTasks{}
	playbooks.WalkSteps([]playbooks.Step{p.top}, func(s playbooks.Step) {
		t, isTask := s.(*playbooks.Task)
		if !isTask || t.Module == metaModule || !TagsSelect(p.tagsOf(t), p.run.Tags, p.run.SkipTags) {
			return
		}
		var key strings.Builder
		plan := p.run.plan(t)
		for _, name := range wayKeywords {
			if all := plan.keywords[name]; len(all) > 0 {
				fmt.Fprintf(&key, "%s=%v ", name, all[0].Value)
			}
		}
		if len(plan.scopeVars) > 0 { // variables of a task may be connection settings
			key.WriteString(t.ID)
		}
		if by[key.String()] == nil {
			by[key.String()] = &alikeTasks{task: t}
			order = append(order, by[key.String()])
		}
		by[key.String()].tools = append(by[key.String()].tools, toolsOf(t)...)
	})
	return order
}

// moduleTools are programs that modules cannot do without on the host; of those
// with | between them one is enough.
var moduleTools = map[string]string{
	"service": "systemctl|rc-service|service", "systemd": "systemctl", "systemd_service": "systemctl", "sysvinit": "service|rc-service",
	"git": "git", "unarchive": "tar|unzip", "archive": "tar|gzip|zip", "cron": "crontab", "iptables": "iptables", "ufw": "ufw", "firewalld": "firewall-cmd",
	"apt": "apt-get", "dnf": "dnf|yum", "yum": "yum|dnf", "apk": "apk", "pip": "pip3|pip", "user": "useradd|adduser", "group": "groupadd|addgroup",
	"sysctl": "sysctl", "modprobe": "modprobe", "mount": "mount", "postgresql_query": "psql", "postgresql_ping": "psql", "postgresql_db": "psql", "postgresql_user": "psql",
	"alternatives": "update-alternatives|alternatives", "debconf": "debconf-show", "rpm_key": "rpm", "locale_gen": "locale-gen|localedef",
}

// toolsOf are the programs that a task needs on its host, as far as it tells.
func toolsOf(t *playbooks.Task) []string {
	_, short, found := cutLast(t.Module, ".")
	if !found {
		short = t.Module
	}
	if tools := moduleTools[short]; tools != "" {
		return []string{tools}
	}
	if short != "command" || t.Args.Has("argv") {
		return nil
	}
	words := splitWords(value.Str(cmp.Or(t.Args.At("_raw_params"), t.Args.At("cmd"))))
	if len(words) == 0 || strings.ContainsAny(words[0], "{}$`;|&<>()*?'\"\\ \n") {
		return nil
	}
	return []string{words[0]}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// findings gathers the obstacles of all hosts by cause.
type findings struct {
	o   PreflightOptions
	now func() time.Time

	mu  sync.Mutex
	by  map[string]*Obstacle
	bad map[string]bool
}

func (f *findings) add(w *want, o Obstacle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad[w.host] = true
	key := string(o.Kind) + "\x00" + o.What.In(say.English)
	if f.by[key] == nil {
		f.by[key] = &o
	}
	have := f.by[key]
	have.Hosts = append(have.Hosts, w.host)
	for _, p := range w.plays {
		if !slices.Contains(have.Plays, p) {
			have.Plays = append(have.Plays, p)
		}
	}
}

func (f *findings) list() []*Obstacle {
	out := make([]*Obstacle, 0, len(f.by))
	for _, o := range f.by {
		slices.Sort(o.Hosts)
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *Obstacle) int {
		return cmp.Or(slices.Index(obstacleOrder, a.Kind)-slices.Index(obstacleOrder, b.Kind), len(b.Hosts)-len(a.Hosts), strings.Compare(a.What.String(), b.What.String()))
	})
	return out
}

// inspect looks at one host: one script as the user that logs in, and one word
// as each identity.
func (f *findings) inspect(ctx context.Context, r *Run, w *want) {
	ctx, cancel := context.WithTimeout(ctx, f.o.Limit)
	defer cancel()
	looked := map[linkKey]bool{}
	for _, way := range w.ways {
		link, err := r.link(ctx, w.host, way)
		if err != nil {
			f.lost(w, err)
			return
		}
		key := linkKey{host: w.host, kind: way.kind, address: way.options.Address, port: way.options.Port, user: way.options.User}
		if !looked[key] {
			looked[key] = true
			if !f.look(ctx, w, link.As(connection.Become{})) {
				return
			}
		}
		if way.become.Method == "" {
			continue
		}
		if _, err := link.As(way.become).Exec(ctx, connection.Command{Script: "id -u"}); err != nil {
			f.becomes(w, way, err)
		}
	}
}

// look asks for disks, clock and tools in one exchange; false when the host
// could not be asked.
func (f *findings) look(ctx context.Context, w *want, c connection.Conn) bool {
	var tools []string
	for t := range w.tools {
		tools = append(tools, t)
	}
	slices.Sort(tools)
	sent := f.now()
	out, err := c.Exec(ctx, connection.Command{Script: lookScript(tools)})
	if err != nil {
		f.lost(w, err)
		return false
	}
	middle := sent.Add(f.now().Sub(sent) / 2)
	text := string(out.Stdout)
	if !strings.Contains(text, "sunup-here") {
		f.add(w, Obstacle{Kind: NoShell, Detail: firstLine(text + string(out.Stderr)),
			What: say.T("the login shell does not run commands", "로그인 셸이 명령을 실행하지 않습니다"),
			Fix:  say.T("give the user a POSIX shell, or use the raw module only", "사용자에게 POSIX 셸을 주거나 raw 모듈만 쓰십시오")})
		return false
	}
	for _, line := range strings.Split(text, "\n") {
		f.line(w, strings.Fields(line), middle)
	}
	return true
}

func lookScript(tools []string) string {
	var b strings.Builder
	b.WriteString("PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin\necho sunup-here\necho \"clock $(date +%s)\"\n")
	b.WriteString("df -Pk / /tmp /var 2>/dev/null | while read -r dev size used free share dir; do echo \"disk $size $free $dir\"; done\n")
	for _, t := range tools {
		var any []string
		for _, one := range strings.Split(t, "|") {
			any = append(any, "command -v '"+one+"' >/dev/null 2>&1")
		}
		fmt.Fprintf(&b, "{ %s; } || echo 'lacks %s'\n", strings.Join(any, " || "), t)
	}
	return b.String()
}

func (f *findings) line(w *want, words []string, at time.Time) {
	switch {
	case len(words) == 2 && words[0] == "clock":
		seconds, err := strconv.ParseInt(words[1], 10, 64)
		// date tells whole seconds: the middle of the second is meant.
		if off := time.Unix(seconds, 0).Add(time.Second / 2).Sub(at); err == nil && off.Abs() > f.o.MaxOffset {
			f.add(w, Obstacle{Kind: ClockWrong, Detail: fmt.Sprintf("%s: %+.0f s", w.host, off.Seconds()),
				What: say.T("the clock is off by more than %s", "시계가 %s 넘게 어긋나 있습니다", f.o.MaxOffset.String()),
				Fix:  say.T("start time keeping on the host (chronyd) before the run", "실행 전에 호스트의 시각 동기화(chronyd)를 시작하십시오")})
		}
	case len(words) == 4 && words[0] == "disk":
		size, err1 := strconv.ParseFloat(words[1], 64)
		free, err2 := strconv.ParseFloat(words[2], 64)
		if err1 == nil && err2 == nil && size > 0 && (free/size < f.o.MinFree || free < leastFree) {
			f.add(w, Obstacle{Kind: DiskFull, Detail: fmt.Sprintf("%s: %.0f MiB", w.host, free/1024),
				What: say.T("%s is nearly full", "%s{이/가} 거의 찼습니다", words[3]),
				Fix:  say.T("make room on the disk", "디스크를 비우십시오")})
		}
	case len(words) == 2 && words[0] == "lacks":
		name := strings.ReplaceAll(words[1], "|", ", ")
		f.add(w, Obstacle{Kind: ToolMissing, Maybe: true,
			What: say.T("there is no %s", "%s{이/가} 없습니다", name),
			Fix:  say.T("install it, unless an earlier step of the playbook does", "플레이북의 앞 단계가 설치하지 않는다면 설치하십시오")})
	}
}

// lost tells why a host was not reached.
func (f *findings) lost(w *want, err error) {
	var u *connection.Unreachable
	o := Obstacle{Kind: NotReached, Detail: w.host + ": " + err.Error(),
		What: say.T("cannot be reached", "연결할 수 없습니다"),
		Fix:  say.T("see that it is switched on, and that address and port in the inventory are right", "전원과, 인벤토리의 주소·포트를 확인하십시오")}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		o.What = say.T("does not answer within %s", "%s 안에 응답하지 않습니다", f.o.Limit.String())
		o.Fix = say.T("look at its console: it hangs, or is overloaded", "콘솔을 확인하십시오. 멈췄거나 과부하 상태입니다")
	case !errors.As(err, &u):
		o.What = say.T("its connection settings are wrong", "연결 설정이 잘못되었습니다")
		o.Fix = say.T("correct the variables of the host", "호스트의 변수를 바로잡으십시오")
	case u.Phase == connection.PhaseHostKey:
		o.Kind = HostKey
		o.What = say.T("its host key is not the known one, or not known", "호스트 키가 알려진 것과 다르거나 등록되어 있지 않습니다")
		o.Fix = say.T("find out why, then record the right key: ssh-keyscan HOST >> known_hosts", "이유를 확인한 뒤 올바른 키를 등록하십시오: ssh-keyscan 호스트 >> known_hosts")
	case u.Phase == connection.PhaseLogin:
		o.Kind = LoginRefused
		o.What = say.T("refuses the login", "로그인을 거부합니다")
		o.Fix = say.T("give the user's key to the host, or the right password to the inventory", "호스트에 사용자의 키를 넣거나 인벤토리의 비밀번호를 바로잡으십시오")
	}
	f.add(w, o)
}

func (f *findings) becomes(w *want, way reach, err error) {
	if connection.IsUnreachable(err) || errors.Is(err, context.DeadlineExceeded) {
		f.lost(w, err)
		return
	}
	f.add(w, Obstacle{Kind: BecomeFails, Detail: w.host + ": " + err.Error(),
		What: say.T("%s may not become %s", "%s{이/가} %s 권한을 얻을 수 없습니다", cmp.Or(way.options.User, "the user"), way.privilege()),
		Fix:  say.T("allow it in sudoers, or give the password with --ask-become-pass", "sudoers에서 허용하거나 --ask-become-pass로 비밀번호를 주십시오")})
}
