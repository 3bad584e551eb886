package scenario

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/lab/machine"
)

// Load reads a scenario file. What is wrong with it is diag.Problems.
func Load(file string) (*Scenario, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(file, data)
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// Parse reads a scenario; file is the name in messages.
func Parse(file string, data []byte) (*Scenario, error) {
	r := &reader{file: file, lines: strings.Split(string(data), "\n")}
	if len(data) > maxFile {
		r.problem(nil, "too-large", say.T("the scenario is too large", "시나리오가 너무 큽니다"), say.Text{})
		return nil, r.problems
	}
	var doc yaml.Node
	if err := decode(data, &doc); err != nil {
		n := &yaml.Node{}
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			n.Line, _ = strconv.Atoi(m[1])
			n.Column = 1
		}
		r.problem(n, "yaml", say.T("this is not YAML: %s", "YAML이 아닙니다: %s", strings.TrimPrefix(err.Error(), "yaml: ")), say.Text{})
		return nil, r.problems
	}
	s := &Scenario{Name: "lab", Seed: "lab", TimeScale: 1, Listen: "127.0.0.1", Login: "ops", Vars: map[string]string{}}
	if len(doc.Content) > 0 {
		l := &loader{reader: r, s: s, defaults: Host{Vars: map[string]string{}, Reboot: defaultReboot}, byName: map[string]int{}}
		l.scenario(doc.Content[0])
	}
	if len(s.Hosts) == 0 && len(r.problems) == 0 {
		r.problem(&doc, "no-hosts", say.T("the scenario has no hosts", "시나리오에 호스트가 없습니다"), say.T("add groups: NAME: {hosts: web[1:3]}", "groups: 이름: {hosts: web[1:3]}을 추가하십시오"))
	}
	if err := r.problems.Err(); err != nil {
		r.problems.Sort()
		return nil, r.problems
	}
	return s, nil
}

// decode keeps a fault in the YAML library from ending the program.
func decode(data []byte, doc *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("it cannot be read")
		}
	}()
	return yaml.Unmarshal(data, doc)
}

const defaultReboot = 30e9

// loader builds the scenario: defaults first, then groups, then single hosts,
// whatever their order in the file.
type loader struct {
	*reader
	s        *Scenario
	defaults Host
	byName   map[string]int
}

func (l *loader) scenario(n *yaml.Node) {
	var groups, hosts *yaml.Node
	known := l.hostFields(&l.defaults)
	maps.Copy(known, map[string]field{
		"lab": l.name(&l.s.Name), "seed": l.text(&l.s.Seed), "time_scale": l.float(&l.s.TimeScale), "listen": l.listen, "login": l.name(&l.s.Login),
		"vars":   l.strings(l.s.Vars),
		"groups": func(n *yaml.Node) { groups = n },
		"hosts":  func(n *yaml.Node) { hosts = n },
	})
	l.fields(n, known)
	l.defaults.user(l.s.Login)
	if u := l.defaults.user(l.s.Login); u.Password == "" && !u.Key {
		u.Key = true
	}
	if groups != nil {
		l.each(groups, l.group)
	}
	if hosts != nil {
		l.each(hosts, l.single)
	}
}

func (l *loader) listen(n *yaml.Node) {
	v, ok := l.scalar(n)
	if ok && !strings.HasPrefix(v, "127.") {
		l.problem(n, "bad-listen", say.T("%q is not a loopback address", "%q{은/는} 루프백 주소가 아닙니다", v), say.T("the lab listens on 127.0.0.0/8 only", "실험실은 127.0.0.0/8에서만 받습니다"))
		return
	}
	l.s.Listen = v
}

func (l *loader) group(key, n *yaml.Node) {
	if !nameRE.MatchString(key.Value) || key.Value == "all" || key.Value == "ungrouped" {
		l.problem(key, "bad-name", say.T("%q cannot be a group", "%q{은/는} 그룹 이름으로 쓸 수 없습니다", key.Value), say.Text{})
		return
	}
	g := Group{Name: key.Value, Vars: map[string]string{}}
	proto := l.defaults.clone()
	proto.Vars = map[string]string{}
	var spread *yaml.Node
	known := l.hostFields(&proto)
	maps.Copy(known, map[string]field{
		"hosts":  func(n *yaml.Node) { g.Hosts = l.hosts(n) },
		"vars":   l.strings(g.Vars),
		"spread": func(n *yaml.Node) { spread = n },
	})
	l.fields(n, known)
	for _, name := range g.Hosts {
		if i, ok := l.byName[name]; ok {
			l.overlay(&l.s.Hosts[i], n)
			continue
		}
		if len(l.s.Hosts) >= maxHosts {
			l.problem(key, "too-large", say.T("a fleet has at most %d hosts", "호스트는 최대 %d대입니다", maxHosts), say.Text{})
			return
		}
		h := proto.clone()
		h.Name = name
		l.byName[name] = len(l.s.Hosts)
		l.s.Hosts = append(l.s.Hosts, h)
	}
	if spread != nil {
		l.spread(spread, g.Hosts)
	}
	l.s.Groups = append(l.s.Groups, g)
}

// overlay reads a group's settings again over a host that another group made.
func (l *loader) overlay(h *Host, n *yaml.Node) {
	known := l.hostFields(h)
	skip := func(*yaml.Node) {}
	maps.Copy(known, map[string]field{"hosts": skip, "vars": skip, "spread": skip})
	before := len(l.problems)
	l.fields(n, known)
	l.problems = l.problems[:before] // they were told the first time
}

// spread gives hosts a variable in consecutive blocks of equal size.
func (l *loader) spread(n *yaml.Node, hosts []string) {
	l.each(n, func(key, value *yaml.Node) {
		var words []string
		l.texts(&words)(value)
		if len(words) == 0 {
			return
		}
		for i, name := range hosts {
			l.s.Hosts[l.byName[name]].Vars[key.Value] = words[i*len(words)/len(hosts)]
		}
	})
}

func (l *loader) single(key, n *yaml.Node) {
	names, err := expandRange(key.Value)
	if err != nil {
		l.problem(key, "bad-range", say.T("%q is not a host or a range of hosts", "%q{은/는} 호스트나 호스트 범위가 아닙니다", key.Value), say.Text{})
		return
	}
	for _, name := range names {
		i, ok := l.byName[name]
		if !ok {
			fix := say.T("name it in a group's hosts first", "먼저 그룹의 hosts에 적으십시오")
			if near := diag.Nearest(name, slices.Collect(maps.Keys(l.byName))); near != "" {
				fix = say.T("did you mean %q?", "혹시 %q{이/가} 아닙니까?", near)
			}
			l.problem(key, "unknown-host", say.T("no group has a host %q", "%q 호스트가 속한 그룹이 없습니다", name), fix)
			return
		}
		h := &l.s.Hosts[i]
		known := l.hostFields(h)
		known["vars"] = l.strings(h.Vars)
		l.fields(n, known)
	}
}

// hostFields are the keys that describe a host, in defaults, groups and hosts.
func (l *loader) hostFields(h *Host) map[string]field {
	return map[string]field{
		"hostname": l.name(&h.Hostname),
		"users":    func(n *yaml.Node) { l.each(n, func(k, v *yaml.Node) { l.user(h, k, v) }) },
		"services": func(n *yaml.Node) { l.each(n, func(k, v *yaml.Node) { l.service(h, k, v) }) },
		"files":    func(n *yaml.Node) { l.each(n, func(k, v *yaml.Node) { l.addFile(h, k, v) }) },
		"disks":    func(n *yaml.Node) { l.each(n, func(k, v *yaml.Node) { l.addDisk(h, k, v) }) },
		"cpus":     l.int(&h.CPUs, 1, 1024),
		"memory":   l.size(&h.Memory),
		"clock":    l.duration(&h.Clock),
		"timezone": l.text(&h.Timezone),
		"reboot":   l.duration(&h.Reboot),
		"kernel":   l.text(&h.Kernel),
		"fault":    func(n *yaml.Node) { l.fault(h, n) },
	}
}

func (l *loader) user(h *Host, key, n *yaml.Node) {
	if !nameRE.MatchString(key.Value) {
		l.problem(key, "bad-name", say.T("%q is not a name", "%q{은/는} 이름으로 쓸 수 없습니다", key.Value), say.Text{})
		return
	}
	u := h.user(key.Value)
	if key.Value == "root" {
		u.UID, u.Home = 0, "/root"
	}
	l.fields(n, map[string]field{
		"uid": l.int(&u.UID, 0, 1<<31-2), "groups": l.texts(&u.Groups), "home": l.text(&u.Home), "shell": l.text(&u.Shell), "password": l.text(&u.Password), "key": l.bool(&u.Key),
		"sudo": l.choice(&u.Sudo, "none", "password", "nopasswd"),
	})
}

func (l *loader) service(h *Host, key, n *yaml.Node) {
	if !nameRE.MatchString(key.Value) {
		l.problem(key, "bad-name", say.T("%q is not a name", "%q{은/는} 이름으로 쓸 수 없습니다", key.Value), say.Text{})
		return
	}
	s := h.service(key.Value)
	l.fields(n, map[string]field{
		"description": l.text(&s.Description), "enabled": l.bool(&s.Enabled), "running": l.bool(&s.Running), "start": l.duration(&s.StartDelay), "stop": l.duration(&s.StopDelay),
		"ready": l.duration(&s.ReadyDelay), "ports": l.ports(&s.Ports), "log": l.text(&s.Log), "user": l.text(&s.User), "exec": l.text(&s.Exec),
		"http":  func(n *yaml.Node) { l.http(s, n) },
		"fault": func(n *yaml.Node) { l.serviceFault(&s.Fault, n) },
	})
}

func (l *loader) http(s *machine.ServiceSpec, n *yaml.Node) {
	s.HTTP = nil
	l.each(n, func(key, value *yaml.Node) {
		e := machine.Endpoint{Path: key.Value, Status: 200, Type: "text/plain"}
		v, ok := l.node(value)
		if !ok {
			return
		}
		if v.Kind == yaml.ScalarNode {
			e.Body = v.Value
		} else {
			l.fields(value, map[string]field{"status": l.int(&e.Status, 100, 599), "type": l.text(&e.Type), "body": l.text(&e.Body), "port": l.int(&e.Port, 1, 65535)})
		}
		s.HTTP = append(s.HTTP, e)
	})
}

func (l *loader) serviceFault(f *machine.ServiceFault, n *yaml.Node) {
	*f = machine.ServiceFault{}
	l.fields(n, map[string]field{
		"fails": func(n *yaml.Node) {
			f.FailCode = 1
			l.fields(n, map[string]field{"code": l.int(&f.FailCode, 1, 255), "message": l.text(&f.FailMessage), "times": l.int(&f.FailTimes, 0, 1000)})
		},
		"dies_after": l.duration(&f.DiesAfter), "flaps": l.duration(&f.Flaps), "slow": l.float(&f.Slow), "unready": l.bool(&f.Unready),
		"hangs": func(n *yaml.Node) {
			var words []string
			l.texts(&words)(n)
			f.HangStart, f.HangStop = slices.Contains(words, "start"), slices.Contains(words, "stop")
			if !f.HangStart && !f.HangStop {
				l.problem(n, "bad-choice", say.T("hangs takes start, stop or both", "hangs에는 start, stop 또는 둘 다 씁니다"), say.Text{})
			}
		},
	})
}

func (l *loader) addFile(h *Host, key, n *yaml.Node) {
	if !path.IsAbs(key.Value) || path.Clean(key.Value) != key.Value || key.Value == "/" {
		l.problem(key, "bad-path", say.T("%q is not an absolute path", "%q{은/는} 절대 경로가 아닙니다", key.Value), say.Text{})
		return
	}
	f := h.file(key.Value)
	v, ok := l.node(n)
	if !ok {
		return
	}
	if v.Kind == yaml.ScalarNode {
		*f = File{Path: key.Value, Content: v.Value, Mode: 0o644, Owner: "root", Group: "root"}
		return
	}
	l.fields(n, map[string]field{
		"content": l.text(&f.Content), "directory": l.bool(&f.Dir), "link": l.text(&f.Link), "owner": l.text(&f.Owner), "group": l.text(&f.Group), "size": l.size(&f.Size),
		"base64": func(n *yaml.Node) {
			v, ok := l.scalar(n)
			data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v), ""))
			if ok && err != nil {
				l.problem(n, "bad-base64", say.T("this is not base64", "base64가 아닙니다"), say.Text{})
				return
			}
			f.Content = string(data)
		},
		"mode": func(n *yaml.Node) {
			v, ok := l.scalar(n)
			m, err := strconv.ParseUint(v, 8, 12)
			if ok && err != nil {
				l.problem(n, "bad-mode", say.T("%q is not an octal mode", "%q{은/는} 8진수 권한이 아닙니다", v), say.T(`write it like "0644"`, `"0644"처럼 쓰십시오`))
				return
			}
			f.Mode, f.ModeGiven = uint32(m), true
		},
	})
	if f.Dir && !f.ModeGiven {
		f.Mode = 0o755
	}
	const most = 64 << 20
	if f.Size > most {
		l.problem(n, "too-large", say.T("a file of the scenario has at most 64M", "시나리오의 파일은 최대 64M입니다"), say.Text{})
		f.Size = 0
	}
}

func (l *loader) addDisk(h *Host, key, n *yaml.Node) {
	if !path.IsAbs(key.Value) || path.Clean(key.Value) != key.Value {
		l.problem(key, "bad-path", say.T("%q is not an absolute path", "%q{은/는} 절대 경로가 아닙니다", key.Value), say.Text{})
		return
	}
	d := h.disk(key.Value)
	l.fields(n, map[string]field{"size": l.size(&d.Size), "free": l.size(&d.Free), "read_only": l.bool(&d.ReadOnly)})
}

func (l *loader) fault(h *Host, n *yaml.Node) {
	f := &h.Fault
	l.fields(n, map[string]field{
		"refuse": l.bool(&f.Refuse), "silent": l.bool(&f.Silent), "drop_after": l.duration(&f.DropAfter), "drop_times": l.int(&f.DropTimes, 0, 1_000_000),
		"drop_commands": l.int(&f.DropCommands, 0, 1_000_000), "drop_bytes": l.size(&f.DropBytes), "other_key": l.bool(&f.OtherKey), "reject_login": l.bool(&f.RejectLogin),
		"delay": l.duration(&f.Delay), "rate": l.int(&f.Rate, 0, 1<<30), "flood": l.size(&f.Flood), "motd": l.text(&f.Motd), "banner": l.text(&f.Banner),
		"wrong_password": l.bool(&h.OtherPassword),
	})
}
