package tools

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

func systemctl(c *machine.Call) int {
	f, args, good := getopt(c, "alqfnHMp:t:r:s:o:", "all=a", "quiet=q", "no-pager=y", "plain=y", "no-legend?=n", "property:=p", "type:=t", "state:=S", "now=w", "force=f", "no-block=b", "full=l", "value=v",
		"system=y", "user=y", "no-ask-password=y", "no-reload=y", "runtime=y", "root:=R", "lines:=L", "output:=o", "failed=F", "signal:=s", "kill-who:=k", "no-wall=y", "show-types=y", "legend?=n", "kill-whom:=k", "version=V")
	if !good {
		return 1
	}
	if f.has("V") {
		c.Printf("systemd 252 (252.33-1~deb12u1)\n")
		return 0
	}
	if len(args) == 0 {
		args = []string{"list-units"}
	}
	s := &systemd{c: c, f: f, table: c.M.Services()}
	verb, names := args[0], args[1:]
	switch verb {
	case "is-active", "is-enabled", "is-failed":
		return s.is(verb, names)
	case "show":
		return s.show(names)
	case "status":
		return s.status(names)
	case "list-units":
		return s.listUnits()
	case "list-unit-files":
		return s.listFiles(names)
	case "cat":
		return s.cat(names)
	case "is-system-running":
		return s.running()
	case "list-timers", "list-sockets", "list-jobs", "list-dependencies", "show-environment", "get-default":
		if verb == "get-default" {
			c.Printf("multi-user.target\n")
		}
		return 0
	}
	if c.Cred.UID != 0 {
		return s.denied(verb, names)
	}
	switch verb {
	case "daemon-reload", "daemon-reexec":
		s.table.Reload()
		return 0
	case "reset-failed":
		for _, u := range s.table.All() {
			if len(names) == 0 || slices.Contains(names, u.Spec.Name) || slices.Contains(names, u.Spec.Name+".service") {
				u.ResetFailed()
			}
		}
		return 0
	case "start", "stop", "restart", "try-restart", "condrestart", "reload", "reload-or-restart", "try-reload-or-restart", "force-reload", "kill":
		return s.each(verb, names)
	case "enable", "disable", "mask", "unmask", "reenable", "preset":
		return s.change(verb, names)
	case "reboot", "poweroff", "halt", "kexec":
		powerOff(c.M, 200*time.Millisecond, verb == "reboot")
		return 0
	case "set-property", "set-default", "isolate", "set-environment", "import-environment", "unset-environment", "edit", "log-level":
		return 0
	}
	return c.Errorf("Unknown command verb %s.", verb)
}

type systemd struct {
	c     *machine.Call
	f     *flags
	table *machine.Services
}

func unitName(n string) string {
	if strings.Contains(n, ".") && !strings.HasSuffix(n, ".service") {
		for _, suffix := range []string{".target", ".socket", ".timer", ".mount", ".path", ".slice"} {
			if strings.HasSuffix(n, suffix) {
				return n
			}
		}
	}
	return machine.Trim(n) + ".service"
}

// names expands unit patterns.
func (s *systemd) names(list []string) []string {
	var out []string
	for _, n := range list {
		if !strings.ContainsAny(n, "*?[") {
			out = append(out, n)
			continue
		}
		for _, u := range s.table.All() {
			if globMatch(unitName(n), u.Spec.Name+".service") {
				out = append(out, u.Spec.Name)
			}
		}
	}
	return out
}

func (s *systemd) is(verb string, names []string) int {
	code := 3
	if verb != "is-active" {
		code = 1
	}
	for _, n := range s.names(names) {
		word, good := "inactive", false
		if strings.HasSuffix(n, ".target") {
			word, good = "active", verb == "is-active"
		}
		u := s.table.Get(n)
		switch {
		case verb == "is-enabled" && u == nil:
			if !s.f.has("q") {
				s.c.Out.Flush()
				fmt.Fprintf(s.c.Err, "Failed to get unit file state for %s: No such file or directory\n", unitName(n))
			}
			continue
		case u == nil && verb == "is-active":
			code = max(code, 4)
			word = "inactive"
		case u == nil:
		case verb == "is-enabled":
			word = u.Status().UnitFileState
			good = word == "enabled"
		case verb == "is-failed":
			word = u.Status().State
			good = word == machine.Failed
		default:
			word = u.Status().State
			good = word == machine.Active
		}
		if good {
			code = 0
		}
		if !s.f.has("q") {
			s.c.Printf("%s\n", word)
		}
	}
	if code == 4 {
		code = 3 // what systemd 252 gives for an unknown unit
	}
	return code
}

// properties are what show prints, in its order.
func (s *systemd) properties(name string) [][2]string {
	unit := unitName(name)
	u := s.table.Get(name)
	if u == nil {
		return [][2]string{{"Type", "simple"}, {"Restart", "no"}, {"MainPID", "0"}, {"ExecMainStatus", "0"}, {"NRestarts", "0"}, {"Result", "success"}, {"Id", unit}, {"Names", unit}, {"Description", unit}, {"LoadState", "not-found"},
			{"ActiveState", "inactive"}, {"SubState", "dead"}, {"FragmentPath", ""}, {"UnitFileState", ""}, {"CanStart", "yes"}, {"CanStop", "yes"}, {"CanReload", "no"}, {"NeedDaemonReload", "no"}, {"ActiveEnterTimestamp", ""},
			{"LoadError", `org.freedesktop.systemd1.NoSuchUnit "Unit ` + unit + ` not found."`}}
	}
	st := u.Status()
	stamp := ""
	if !st.Since.IsZero() && st.State == machine.Active {
		stamp = st.Since.In(zone(s.c)).Format("Mon 2006-01-02 15:04:05 MST")
	}
	return [][2]string{{"Type", "notify"}, {"Restart", "no"}, {"MainPID", strconv.Itoa(st.PID)}, {"ExecMainPID", strconv.Itoa(st.PID)}, {"ExecMainStatus", strconv.Itoa(st.Code)}, {"ControlPID", "0"}, {"NRestarts", "0"},
		{"Result", st.Result}, {"ExecStart", "{ path=" + strings.SplitN(u.Spec.Exec, " ", 2)[0] + " ; argv[]=" + u.Spec.Exec + " ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"},
		{"User", u.Spec.User}, {"Id", unit}, {"Names", unit}, {"Description", st.Description}, {"LoadState", st.Load}, {"ActiveState", st.State}, {"SubState", st.Sub}, {"FragmentPath", st.Fragment},
		{"UnitFileState", st.UnitFileState}, {"UnitFilePreset", "enabled"}, {"ActiveEnterTimestamp", stamp}, {"StateChangeTimestamp", stamp}, {"CanStart", "yes"}, {"CanStop", "yes"}, {"CanReload", "yes"}, {"NeedDaemonReload", "no"},
		{"Wants", ""}, {"WantedBy", "multi-user.target"}, {"After", "network.target"}, {"Before", ""}, {"Requires", "system.slice"}}
}

func (s *systemd) show(names []string) int {
	var want []string
	for _, o := range s.f.order {
		if p, ok := strings.CutPrefix(o, "p="); ok {
			want = append(want, strings.Split(p, ",")...)
		}
	}
	if len(names) == 0 {
		s.c.Printf("Version=252.33-1~deb12u1\nSystemState=running\n")
		return 0
	}
	for i, n := range s.names(names) {
		if i > 0 {
			s.c.Printf("\n")
		}
		for _, p := range s.properties(n) {
			if len(want) > 0 && !slices.Contains(want, p[0]) {
				continue
			}
			if s.f.has("v") {
				s.c.Printf("%s\n", p[1])
			} else {
				s.c.Printf("%s=%s\n", p[0], p[1])
			}
		}
	}
	return 0
}

func (s *systemd) status(names []string) int {
	if len(names) == 0 {
		s.c.Printf("● %s\n    State: running\n", s.c.M.Hostname())
		return 0
	}
	code := 0
	for _, n := range s.names(names) {
		u := s.table.Get(n)
		if u == nil {
			s.c.Out.Flush()
			fmt.Fprintf(s.c.Err, "Unit %s could not be found.\n", unitName(n))
			code = 4
			continue
		}
		st := u.Status()
		dot := map[string]string{machine.Active: "●", machine.Failed: "×"}[st.State]
		if dot == "" {
			dot = "○"
		}
		s.c.Printf("%s %s - %s\n     Loaded: %s (%s; %s; preset: enabled)\n", dot, unitName(n), st.Description, st.Load, st.Fragment, st.UnitFileState)
		since := ""
		if !st.Since.IsZero() {
			since = " since " + st.Since.In(zone(s.c)).Format("Mon 2006-01-02 15:04:05 MST")
		}
		detail := st.Sub
		if st.State == machine.Failed {
			detail = "Result: " + st.Result
		}
		s.c.Printf("     Active: %s (%s)%s\n", st.State, detail, since)
		if st.PID > 0 {
			s.c.Printf("   Main PID: %d (%s)\n", st.PID, path.Base(strings.Fields(u.Spec.Exec)[0]))
		}
		s.c.Printf("\n")
		for _, line := range tailOf(journalLines(s.c, u.Spec.Name+".service"), 10) {
			s.c.Printf("%s\n", line)
		}
		if st.State != machine.Active && code == 0 {
			code = 3
		}
	}
	return code
}

func tailOf(list []string, n int) []string { return list[max(0, len(list)-n):] }

func (s *systemd) listUnits() int {
	state, _ := s.f.get("S")
	if s.f.has("F") {
		state = machine.Failed
	}
	var rows [][]string
	for _, u := range s.table.All() {
		st := u.Status()
		if state != "" && !slices.Contains(strings.Split(state, ","), st.State) && !slices.Contains(strings.Split(state, ","), st.Sub) {
			continue
		}
		if !s.f.has("a") && state == "" && st.State == machine.Inactive {
			continue
		}
		rows = append(rows, []string{st.Name + ".service", st.Load, st.State, st.Sub, st.Description})
	}
	if !s.f.has("n") {
		rows = append([][]string{{"UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"}}, rows...)
	}
	for i := range rows {
		rows[i][0] = "  " + rows[i][0]
	}
	columns(s.c, rows, 5)
	if !s.f.has("n") {
		s.c.Printf("\n%d loaded units listed.\n", len(rows)-1)
	}
	return 0
}

func (s *systemd) listFiles(names []string) int {
	rows := [][]string{}
	for _, u := range s.table.All() {
		st := u.Status()
		if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool {
			return globMatch(unitName(n), st.Name+".service") || globMatch(n, st.Name+".service")
		}) {
			continue
		}
		rows = append(rows, []string{st.Name + ".service", st.UnitFileState, "enabled"})
	}
	n := len(rows)
	if !s.f.has("n") {
		rows = append([][]string{{"UNIT FILE", "STATE", "PRESET"}}, rows...)
	}
	columns(s.c, rows, 3)
	if !s.f.has("n") {
		s.c.Printf("\n%d unit files listed.\n", n)
	}
	if n == 0 && len(names) > 0 {
		return 1
	}
	return 0
}

func (s *systemd) cat(names []string) int {
	code := 0
	for _, n := range names {
		u := s.table.Get(n)
		if u == nil || u.Status().Fragment == "" {
			code = s.c.Errorf("No files found for %s.", unitName(n))
			continue
		}
		file := u.Status().Fragment
		data, _ := s.c.FS().ReadFile(hostfs.Root, file)
		s.c.Printf("# %s\n%s", file, data)
	}
	return code
}

func (s *systemd) running() int {
	for _, u := range s.table.All() {
		if u.Status().State == machine.Failed {
			s.c.Printf("degraded\n")
			return 1
		}
	}
	s.c.Printf("running\n")
	return 0
}

func (s *systemd) denied(verb string, names []string) int {
	unit := ""
	if len(names) > 0 {
		unit = " " + unitName(names[0])
	}
	s.c.Out.Flush()
	fmt.Fprintf(s.c.Err, "Failed to %s%s: Interactive authentication required.\n", verb, unit)
	if len(names) > 0 && s.table.Get(names[0]) != nil {
		fmt.Fprintf(s.c.Err, "See system logs and 'systemctl status%s' for details.\n", unit)
	}
	return 1
}

func (s *systemd) each(verb string, names []string) int {
	code := 0
	for _, n := range s.names(names) {
		if strings.HasSuffix(n, ".target") || strings.HasSuffix(n, ".socket") || strings.HasSuffix(n, ".timer") {
			continue
		}
		u := s.table.Get(n)
		if u == nil {
			fmt.Fprintf(s.c.Err, "Failed to %s %s: Unit %s not found.\n", verb, unitName(n), unitName(n))
			code = 5
			continue
		}
		if k := s.job(verb, u); k != 0 {
			code = k
		}
	}
	return code
}

// job carries out one verb on a unit; with --no-block it is only begun.
func (s *systemd) job(verb string, u *machine.Service) int {
	ctx := s.c.Context()
	run := func() error {
		switch verb {
		case "start":
			return u.Start(ctx)
		case "stop":
			return u.Stop(ctx)
		case "restart":
			return u.Restart(ctx)
		case "try-restart", "condrestart":
			if u.Status().State == machine.Active {
				return u.Restart(ctx)
			}
			return nil
		case "kill":
			u.Kill()
			return nil
		case "reload":
			return u.ReloadConfig()
		case "try-reload-or-restart":
			if u.Status().State == machine.Active {
				return u.ReloadConfig()
			}
			return nil
		}
		if u.Status().State == machine.Active {
			return u.ReloadConfig()
		}
		return u.Start(ctx)
	}
	if s.f.has("b") {
		ctx = s.c.M.BootContext()
		s.c.M.Go(func() { run() })
		return 0
	}
	return s.jobFailed(verb, u, run())
}

func (s *systemd) jobFailed(verb string, u *machine.Service, err error) int {
	if err == nil {
		return 0
	}
	var job *machine.JobError
	if !errors.As(err, &job) {
		return 1
	}
	unit := u.Spec.Name + ".service"
	s.c.Out.Flush()
	switch job.Reason {
	case "masked":
		fmt.Fprintf(s.c.Err, "Failed to %s %s: Unit %s is masked.\n", verb, unit, unit)
	case "inactive":
		fmt.Fprintf(s.c.Err, "Job for %s failed because it is not running.\n", unit)
		fmt.Fprintf(s.c.Err, "%s is not active, cannot reload.\n", unit)
	case "timeout":
		fmt.Fprintf(s.c.Err, "Job for %s failed because a timeout was exceeded.\nSee \"systemctl status %s\" and \"journalctl -xeu %s\" for details.\n", unit, unit, unit)
	default:
		fmt.Fprintf(s.c.Err, "Job for %s failed because the control process exited with error code.\nSee \"systemctl status %s\" and \"journalctl -xeu %s\" for details.\n", unit, unit, unit)
	}
	return 1
}

func (s *systemd) change(verb string, names []string) int {
	code := 0
	for _, n := range s.names(names) {
		unit := unitName(n)
		u := s.table.Get(n)
		if u == nil {
			if strings.HasSuffix(unit, ".service") {
				fmt.Fprintf(s.c.Err, "Failed to %s unit: Unit file %s does not exist.\n", verb, unit)
				code = 1
			}
			continue
		}
		link := "/etc/systemd/system/multi-user.target.wants/" + unit
		switch verb {
		case "enable", "reenable", "preset":
			if u.Status().UnitFileState == "masked" {
				fmt.Fprintf(s.c.Err, "Failed to enable unit: Unit file /etc/systemd/system/%s is masked.\n", unit)
				code = 1
				continue
			}
			if u.Enable(true) {
				fmt.Fprintf(s.c.Err, "Created symlink %s → %s.\n", link, u.Status().Fragment)
			}
			if s.f.has("w") {
				code = max(code, s.job("start", u))
			}
		case "disable":
			if u.Enable(false) {
				fmt.Fprintf(s.c.Err, "Removed \"%s\".\n", link)
			}
			if s.f.has("w") {
				code = max(code, s.job("stop", u))
			}
		case "mask":
			u.Mask(true)
			fmt.Fprintf(s.c.Err, "Created symlink /etc/systemd/system/%s → /dev/null.\n", unit)
			if s.f.has("w") {
				s.job("stop", u)
			}
		case "unmask":
			if u.Status().UnitFileState == "masked" {
				fmt.Fprintf(s.c.Err, "Removed \"/etc/systemd/system/%s\".\n", unit)
			}
			u.Mask(false)
		}
	}
	return code
}

// service is the old way: service NAME VERB.
func service(c *machine.Call) int {
	args := c.Args[1:]
	if len(args) > 0 && args[0] == "--status-all" {
		for _, u := range c.M.Services().All() {
			mark := "-"
			if u.Status().State == machine.Active {
				mark = "+"
			}
			c.Printf(" [ %s ]  %s\n", mark, u.Spec.Name)
		}
		return 0
	}
	if len(args) < 2 {
		fmt.Fprintf(c.Err, "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]\n")
		return 1
	}
	if c.M.Services().Get(args[0]) == nil {
		return c.Errorf("%s: unrecognized service", args[0])
	}
	c.Args = []string{"systemctl", args[1], args[0]}
	return systemctl(c)
}

func journalLines(c *machine.Call, unit string) []string {
	return journalMatching(c, func(e machine.Entry) bool { return unit == "" || e.Unit == unit })
}

func journalMatching(c *machine.Call, want func(e machine.Entry) bool) []string {
	var out []string
	for _, e := range c.M.Journal() {
		if !want(e) {
			continue
		}
		pid := ""
		if e.PID > 0 {
			pid = fmt.Sprintf("[%d]", e.PID)
		}
		out = append(out, fmt.Sprintf("%s %s %s%s: %s", e.Time.In(zone(c)).Format("Jan 02 15:04:05"), c.M.Hostname(), e.Ident, pid, e.Message))
	}
	return out
}

// priorities are the levels of syslog by number.
var priorities = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

func journalctl(c *machine.Call) int {
	f, args, good := getopt(c, "u:n:exfkbp:o:S:U:rt:aqg:", "unit:=u", "lines:=n", "no-pager=y", "since:=S", "until:=U", "output:=o", "priority:=p", "boot?=b", "reverse=r", "follow=f", "identifier:=t", "quiet=q", "grep:=g",
		"pager-end=e", "catalog=x", "dmesg=k", "disk-usage=D", "flush=y", "rotate=y", "vacuum-size:=V", "vacuum-time:=V", "no-hostname=y", "utc=y")
	if !good || len(args) > 0 {
		return 1
	}
	unit, has := f.get("u")
	if has {
		unit = unitName(unit)
	}
	ident, byIdent := f.get("t")
	worst := 7
	if p, ok := f.get("p"); ok {
		if worst = slices.Index(priorities, p); worst < 0 {
			n, err := strconv.Atoi(p)
			if err != nil {
				return c.Errorf("Unknown log level %s", p)
			}
			worst = n
		}
	}
	lines := journalMatching(c, func(e machine.Entry) bool {
		return (!has || e.Unit == unit) && (!byIdent || e.Ident == ident) && e.Priority <= worst
	})
	if g, ok := f.get("g"); ok {
		re, err := compileRegexp(g, true, false)
		if err != nil {
			return c.Errorf("%v", err)
		}
		lines = slices.DeleteFunc(lines, func(l string) bool { return !re.match(l) })
	}
	if style, _ := f.get("o"); style == "cat" {
		for i, l := range lines {
			if _, msg, ok := strings.Cut(l, ": "); ok {
				lines[i] = msg
			}
		}
	}
	if n, ok := f.num("n", len(lines)); ok {
		lines = tailOf(lines, n)
	}
	if f.has("r") {
		slices.Reverse(lines)
	}
	if len(lines) == 0 {
		c.Printf("-- No entries --\n")
	}
	for _, l := range lines {
		c.Printf("%s\n", l)
	}
	return 0
}
