package tools

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// start runs a command, with a program's message when that is not possible.
func start(c *machine.Call, argv []string, prepare func(*machine.Proc)) (*machine.Proc, int) {
	c.Out.Flush()
	child, err := c.Start(argv, prepare)
	if err == nil {
		return child, 0
	}
	if err == hostfs.ENOENT {
		c.Errorf("failed to run command ‘%s’: %v", argv[0], err)
		return nil, 127
	}
	c.Errorf("failed to run command ‘%s’: %v", argv[0], err)
	return nil, 126
}

func env(c *machine.Call) int {
	f, args, good := getopt(c, "+iu:0C:vS:", "ignore-environment=i", "unset:=u", "null=0", "chdir:=C", "split-string:=S")
	if !good {
		return 125
	}
	vars := slices.Clone(c.Env)
	if f.has("i") {
		vars = nil
	}
	for _, o := range f.order {
		if name, ok := strings.CutPrefix(o, "u="); ok {
			vars = slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		}
	}
	if s, ok := f.get("S"); ok {
		args = append(strings.Fields(s), args...)
	}
	if len(args) > 0 && args[0] == "-" {
		vars, args = nil, args[1:]
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		name, _, _ := strings.Cut(args[0], "=")
		vars = append(slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, name+"=") }), args[0])
		args = args[1:]
	}
	if len(args) == 0 {
		for _, v := range vars {
			if f.has("0") {
				c.Printf("%s\x00", v)
			} else {
				c.Printf("%s\n", v)
			}
		}
		return 0
	}
	return replace(c, args, func(p *machine.Proc) {
		p.Env = vars
		if dir, ok := f.get("C"); ok {
			p.Cwd = c.Abs(dir)
		}
	})
}

// replace becomes another program in the same process.
func replace(c *machine.Call, argv []string, prepare func(*machine.Proc)) int {
	c.Out.Flush()
	if prepare != nil {
		prepare(c.Proc)
	}
	search := c.Getenv("PATH")
	if search == "" {
		search = machine.DefaultPath
	}
	file, err := c.LookPath(argv[0], search)
	var img machine.Image
	if err == nil {
		img, err = c.Load(file, argv)
		if err == hostfs.ENOEXEC {
			img, err = machine.Image{Prog: c.M.Programs["sh"], Argv: append([]string{"sh", file}, argv[1:]...)}, nil
		}
	}
	if err != nil {
		c.Errorf("‘%s’: %v", argv[0], err)
		if err == hostfs.ENOENT {
			return 127
		}
		return 126
	}
	return c.Become(img)
}

func printenv(c *machine.Call) int {
	if len(c.Args) == 1 {
		for _, v := range c.Env {
			c.Printf("%s\n", v)
		}
		return 0
	}
	code := 0
	for _, a := range c.Args[1:] {
		found := false
		for _, v := range c.Env {
			if value, ok := strings.CutPrefix(v, a+"="); ok {
				c.Printf("%s\n", value)
				found = true
			}
		}
		if !found {
			code = 1
		}
	}
	return code
}

func which(c *machine.Call) int {
	code := 0
	for _, a := range c.Args[1:] {
		if a == "-a" {
			continue
		}
		p, err := c.LookPath(a, c.Getenv("PATH"))
		if err != nil || c.FS().Access(c.Cred, c.Abs(p), 1) != nil {
			code = 1
			continue
		}
		c.Printf("%s\n", p)
	}
	return code
}

func nohup(c *machine.Call) int {
	c.Ignore(machine.SIGHUP, true)
	if !operand(c, c.Args[1:], 1) {
		return 125
	}
	return replace(c, c.Args[1:], nil)
}

func nice(c *machine.Call) int {
	_, args, good := getopt(c, "+n:c:p:")
	if !good {
		return 125
	}
	if len(args) == 0 {
		c.Printf("0\n")
		return 0
	}
	return replace(c, args, nil)
}

func stdbuf(c *machine.Call) int {
	_, args, good := getopt(c, "+i:o:e:")
	if !good || len(args) == 0 {
		return 125
	}
	return replace(c, args, nil)
}

func setsid(c *machine.Call) int {
	f, args, good := getopt(c, "+cfw", "fork=f", "wait=w", "ctty=c")
	if !good || !operand(c, args, 1) {
		return 1
	}
	if !f.has("f") {
		return replace(c, args, func(p *machine.Proc) { p.SetGroup(p.PID, p.PID) })
	}
	child, code := start(c, args, func(p *machine.Proc) { p.SetGroup(p.PID, p.PID) })
	if child != nil && f.has("w") {
		return c.Wait(child)
	}
	return code
}

func flock(c *machine.Call) int {
	f, args, good := getopt(c, "+snxuw:oc:", "nonblock=n", "exclusive=x", "wait:=w", "shared=s", "timeout:=w", "command:=c")
	if !good {
		return 1
	}
	if cmd, ok := f.get("c"); ok {
		return replace(c, []string{"/bin/sh", "-c", cmd}, nil)
	}
	if len(args) < 2 {
		return 0
	}
	if args[1] == "-c" && len(args) > 2 {
		return replace(c, []string{"/bin/sh", "-c", args[2]}, nil)
	}
	return replace(c, args[1:], nil)
}

func timeout(c *machine.Call) int {
	f, args, good := getopt(c, "+k:s:v", "kill-after:=k", "signal:=s", "preserve-status=P", "foreground=F", "verbose=v")
	if !good || !operand(c, args, 2) {
		return 125
	}
	d, valid := duration(args[0])
	if !valid {
		c.Errorf("invalid time interval ‘%s’", args[0])
		return 125
	}
	sig := machine.SIGTERM
	if s, ok := f.get("s"); ok {
		if sig, valid = machine.ParseSignal(s); !valid {
			c.Errorf("‘%s’: invalid signal", s)
			return 125
		}
	}
	child, code := start(c, args[1:], func(p *machine.Proc) {
		if !f.has("F") {
			p.SetGroup(p.PID, p.SID)
		}
	})
	if child == nil {
		return code
	}
	if d == 0 {
		return c.Wait(child)
	}
	expired := make(chan struct{})
	c.M.After(child.Done(), c.Context(), d, func() { close(expired) })
	select {
	case <-child.Done():
		return child.ExitStatus()
	case <-c.Context().Done():
		c.M.Kill(hostfs.Root, -child.PID, machine.SIGTERM)
		return 143
	case <-expired:
	}
	c.M.Kill(hostfs.Root, child.PID, sig)
	if !f.has("F") {
		c.M.Kill(hostfs.Root, -child.PID, sig)
	}
	if k, ok := f.get("k"); ok {
		after, _ := duration(k)
		c.M.After(child.Done(), c.Context(), after, func() { c.M.Kill(hostfs.Root, -child.PID, machine.SIGKILL); child.Signal(machine.SIGKILL) })
	}
	status := c.Wait(child)
	if f.has("P") || sig == machine.SIGKILL {
		return status
	}
	return 124
}

// xargs builds command lines from its input.
func xargs(c *machine.Call) int {
	f, args, good := getopt(c, "+0a:d:E:I:L:n:P:rtxs:", "null=0", "arg-file:=a", "delimiter:=d", "max-args:=n", "max-procs:=P", "no-run-if-empty=r", "verbose=t", "replace?=I", "max-lines?=L", "max-chars:=s")
	if !good {
		return 1
	}
	if len(args) == 0 {
		args = []string{"echo"}
	}
	in := c.In
	if name, ok := f.get("a"); ok {
		r, done, err := open(c, name)
		if err != nil {
			return c.Errorf("Cannot open input file `%s': %v", name, err)
		}
		defer done()
		in = r
	}
	data, _ := readAll(in)
	items := xargsItems(f, data)
	repl, replace := f.get("I")
	if replace && repl == "" {
		repl = "{}"
	}
	size, _ := f.num("n", 5000)
	if n, ok := f.num("L", 0); ok && n > 0 {
		size = n
	}
	code := 0
	run := func(argv []string) {
		if f.has("t") {
			fmt.Fprintln(c.Err, strings.Join(argv, " "))
		}
		c.Out.Flush()
		child, err := c.Start(argv, func(p *machine.Proc) {
			if null, err := p.Open("/dev/null", hostfs.Read, 0); err == nil {
				p.SetFD(0, null).Drop()
			}
		})
		if err != nil {
			c.Errorf("%s: %v", argv[0], err)
			code = 127
			if err != hostfs.ENOENT {
				code = 126
			}
			return
		}
		switch status := c.Wait(child); {
		case status == 255:
			code = 124
		case status > 128:
			code = 125
		case status != 0 && code == 0:
			code = 123
		}
	}
	if replace {
		for _, item := range items {
			argv := make([]string, len(args))
			for i, a := range args {
				argv[i] = strings.ReplaceAll(a, repl, item)
			}
			run(argv)
		}
		return code
	}
	if len(items) == 0 && !f.has("r") {
		run(args)
	}
	for len(items) > 0 && code < 124 && c.Context().Err() == nil {
		n := min(max(size, 1), len(items))
		run(append(slices.Clone(args), items[:n]...))
		items = items[n:]
	}
	return code
}

func xargsItems(f *flags, data []byte) []string {
	cutBy := ""
	if f.has("0") {
		cutBy = "\x00"
	}
	if d, ok := f.get("d"); ok {
		cutBy, _ = escapes(d, false)
	}
	if _, ok := f.get("I"); ok && cutBy == "" {
		cutBy = "\n"
	}
	if cutBy != "" {
		data = bytes.TrimSuffix(data, []byte(cutBy))
		if len(data) == 0 {
			return nil
		}
		items := strings.Split(string(data), cutBy)
		if f.has("I") && cutBy == "\n" {
			items = slices.DeleteFunc(items, func(s string) bool { return strings.TrimSpace(s) == "" })
		}
		return items
	}
	var out []string
	var cur strings.Builder
	quote, in := byte(0), false
	for i := 0; i < len(data); i++ {
		ch := data[i]
		switch {
		case quote != 0:
			if ch == quote {
				quote = 0
			} else {
				cur.WriteByte(ch)
			}
		case ch == '\'' || ch == '"':
			quote, in = ch, true
		case ch == '\\' && i+1 < len(data):
			i++
			cur.WriteByte(data[i])
			in = true
		case ch == ' ' || ch == '\t' || ch == '\n':
			if in {
				out = append(out, cur.String())
				cur.Reset()
			}
			in = false
		default:
			cur.WriteByte(ch)
			in = true
		}
	}
	if in {
		out = append(out, cur.String())
	}
	return out
}

func kill(c *machine.Call) int {
	args := c.Args[1:]
	sig := machine.SIGTERM
	if len(args) == 0 {
		c.Errorf("not enough arguments")
		return 2
	}
	switch a := args[0]; {
	case a == "-l" || a == "-L":
		if len(args) > 1 {
			n, _ := strconv.Atoi(args[1])
			if n > 128 {
				n -= 128
			}
			c.Printf("%s\n", machine.Signal(n))
			return 0
		}
		c.Printf("%s\n", strings.Join(machine.SignalNames[1:], " "))
		return 0
	case a == "-s" && len(args) > 1 || a == "-n" && len(args) > 1:
		s, good := machine.ParseSignal(args[1])
		if !good {
			return c.Errorf("invalid signal number or name: %s", args[1])
		}
		sig, args = s, args[2:]
	case a == "--":
		args = args[1:]
	case len(a) > 1 && a[0] == '-':
		s, good := machine.ParseSignal(a[1:])
		if good && (len(args) > 1 || !isDigit(a[1])) {
			sig, args = s, args[1:]
		}
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	code := 0
	for _, a := range args {
		pid, err := strconv.Atoi(a)
		if err != nil {
			code = c.Errorf("Illegal number: %s", a)
			continue
		}
		if pid == 0 {
			pid = -c.PGID
		}
		if err := c.M.Kill(c.Cred, pid, sig); err != nil {
			if strings.HasSuffix(c.Args[0], "/kill") {
				c.Errorf("(%d): %v", pid, err)
			} else {
				c.Errorf("%v", err)
			}
			code = 1
		}
	}
	return code
}

// ps lists processes with the columns asked for.
func ps(c *machine.Call) int {
	args := c.Args[1:]
	all, full := false, false
	var cols, pids, names, users []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		value := func(after int) string {
			if len(a) > after {
				return a[after:]
			}
			if i+1 < len(args) {
				i++
				return args[i]
			}
			return ""
		}
		switch {
		case strings.HasPrefix(a, "--pid") || strings.HasPrefix(a, "--ppid"):
			if _, v, ok := strings.Cut(a, "="); ok {
				pids = append(pids, strings.Split(v, ",")...)
			}
		case strings.HasPrefix(a, "--"):
		case strings.HasPrefix(a, "-"):
			for j := 1; j < len(a); j++ {
				switch a[j] {
				case 'e', 'A', 'a', 'x', 'd':
					all = true
				case 'f', 'F', 'l':
					full = true
				case 'o':
					cols = append(cols, strings.FieldsFunc(value(j+1), func(r rune) bool { return r == ',' || r == ' ' })...)
					j = len(a)
				case 'p', 'q':
					pids = append(pids, strings.FieldsFunc(value(j+1), func(r rune) bool { return r == ',' || r == ' ' })...)
					j = len(a)
				case 'C':
					names = append(names, strings.Split(value(j+1), ",")...)
					j = len(a)
				case 'u', 'U':
					users = append(users, strings.Split(value(j+1), ",")...)
					j = len(a)
				}
			}
		case strings.Trim(a, "auxwef") == "":
			all = true
			full = strings.ContainsAny(a, "uf")
			if strings.Contains(a, "u") {
				cols = []string{"user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "time", "command"}
			}
		case isDigit(a[0]):
			pids = append(pids, a)
		}
	}
	if len(cols) == 0 {
		cols = []string{"pid", "tty", "time", "comm"}
		if full {
			cols = []string{"user=UID", "pid", "ppid", "c", "stime", "tty", "time", "args=CMD"}
		}
	}
	var rows [][]string
	head, anyHead := []string{}, false
	for _, col := range cols {
		name, title, set := strings.Cut(col, "=")
		if !set {
			title = psTitle(name)
		}
		anyHead = anyHead || title != ""
		head = append(head, title)
	}
	found := false
	for _, p := range c.M.Procs() {
		switch {
		case len(pids) > 0:
			if !slices.Contains(pids, strconv.Itoa(p.PID)) {
				continue
			}
		case len(names) > 0:
			if !slices.Contains(names, p.Comm()) {
				continue
			}
		case len(users) > 0:
			if !slices.Contains(users, p.User) && !slices.Contains(users, strconv.Itoa(p.Cred.UID)) {
				continue
			}
		case !all && p.SID != c.SID:
			continue
		}
		found = true
		var row []string
		for _, col := range cols {
			name, _, _ := strings.Cut(col, "=")
			row = append(row, psColumn(c, p, name))
		}
		rows = append(rows, row)
	}
	if anyHead {
		rows = append([][]string{head}, rows...)
	}
	w := make([]int, len(cols))
	for _, r := range rows {
		for i, v := range r {
			w[i] = max(w[i], len(v))
		}
	}
	for _, r := range rows {
		for i, v := range r {
			name, _, _ := strings.Cut(cols[i], "=")
			switch {
			case i == len(r)-1:
				c.Printf("%s", v)
			case slices.Contains([]string{"user", "comm", "args", "cmd", "command", "tty", "stat", "start", "lstart", "stime", "uname", "ruser"}, name):
				c.Printf("%-*s ", w[i], v)
			default:
				c.Printf("%*s ", max(w[i], map[bool]int{true: 7}[name == "pid" || name == "ppid"]), v)
			}
		}
		c.Printf("\n")
	}
	if !found {
		return 1
	}
	return 0
}

func psTitle(name string) string {
	switch name {
	case "args", "command":
		return "COMMAND"
	case "comm", "ucmd":
		return "COMMAND"
	case "cmd":
		return "CMD"
	case "etimes", "etime":
		return "ELAPSED"
	case "lstart":
		return "STARTED"
	}
	return strings.ToUpper(name)
}

func psColumn(c *machine.Call, p *machine.Proc, name string) string {
	switch name {
	case "pid", "tid", "lwp":
		return strconv.Itoa(p.PID)
	case "ppid":
		return strconv.Itoa(p.PPID)
	case "pgid", "pgrp":
		return strconv.Itoa(p.PGID)
	case "sid", "sess":
		return strconv.Itoa(p.SID)
	case "user", "uname", "euser", "ruser":
		return c.M.UserName(p.Cred.UID)
	case "uid", "euid":
		return strconv.Itoa(p.Cred.UID)
	case "group", "rgroup":
		return c.M.GroupName(p.Cred.GID)
	case "comm", "ucmd":
		return p.Comm()
	case "args", "cmd", "command":
		return strings.Join(p.Args(), " ")
	case "tty", "tt":
		if p.TTY == "" {
			return "?"
		}
		return p.TTY
	case "stat", "s", "state":
		return "S"
	case "time", "cputime":
		return "00:00:00"
	case "etimes":
		return strconv.Itoa(int(c.M.Now().Sub(p.Started).Seconds()))
	case "etime":
		d := int(c.M.Now().Sub(p.Started).Seconds())
		return fmt.Sprintf("%02d:%02d", d/60, d%60)
	case "lstart":
		return p.Started.In(zone(c)).Format("Mon Jan _2 15:04:05 2006")
	case "start", "stime":
		return p.Started.In(zone(c)).Format("15:04")
	case "rss", "rssize":
		return "1200"
	case "vsz", "vsize":
		return "2500"
	case "ni":
		return "0"
	case "nlwp":
		return "1"
	case "%cpu", "pcpu", "%mem", "pmem":
		return "0.0"
	}
	return "0"
}

// pgrep is pgrep and pkill.
func pgrep(c *machine.Call) int {
	args := c.Args[1:]
	sig := machine.SIGTERM
	if c.Name() == "pkill" && len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		if s, good := machine.ParseSignal(args[0][1:]); good {
			sig = s
			c.Args = append([]string{c.Args[0]}, args[1:]...)
		}
	}
	f, args, good := getopt(c, "acd:efg:G:iln oP:s:u:U:vx", "full=f", "exact=x", "parent:=P", "euid:=u", "uid:=U", "signal:=S", "newest=n", "oldest=o", "list-name=l", "list-full=a", "count=c",
		"inverse=v", "ignore-case=i", "pgroup:=g", "session:=s")
	if !good {
		return 2
	}
	if s, ok := f.get("S"); ok {
		sig, _ = machine.ParseSignal(s)
	}
	var re *pattern
	if len(args) > 0 {
		e := args[0]
		if f.has("x") {
			e = "^(" + e + ")$"
		}
		var err error
		if re, err = compileRegexp(e, true, f.has("i")); err != nil {
			c.Errorf("%v", err)
			return 2
		}
	} else if !f.has("P", "u", "U", "g", "s") {
		c.Errorf("no matching criteria specified")
		try(c)
		return 2
	}
	in := func(flag string, values ...string) bool {
		list, ok := f.get(flag)
		if !ok {
			return true
		}
		for _, v := range strings.Split(list, ",") {
			if slices.Contains(values, v) {
				return true
			}
		}
		return false
	}
	var hits []*machine.Proc
	for _, p := range c.M.Procs() {
		text := p.Comm()
		if f.has("f") {
			text = strings.Join(p.Args(), " ")
		}
		user, uid := c.M.UserName(p.Cred.UID), strconv.Itoa(p.Cred.UID)
		hit := (re == nil || re.match(text)) && in("P", strconv.Itoa(p.PPID)) && in("u", user, uid) && in("U", user, uid) && in("g", strconv.Itoa(p.PGID)) && in("s", strconv.Itoa(p.SID))
		if hit != f.has("v") && p.PID != c.PID {
			hits = append(hits, p)
		}
	}
	if len(hits) > 1 && f.has("n") {
		hits = hits[len(hits)-1:]
	}
	if len(hits) > 1 && f.has("o") {
		hits = hits[:1]
	}
	code := 1
	for _, p := range hits {
		code = 0
		if c.Name() == "pkill" {
			if err := c.M.Kill(c.Cred, p.PID, sig); err != nil {
				c.Errorf("killing pid %d failed: %v", p.PID, err)
				code = 1
			}
			continue
		}
		switch {
		case f.has("c"):
		case f.has("a"):
			c.Printf("%d %s\n", p.PID, strings.Join(p.Args(), " "))
		case f.has("l"):
			c.Printf("%d %s\n", p.PID, p.Comm())
		default:
			c.Printf("%d\n", p.PID)
		}
	}
	if f.has("c") {
		c.Printf("%d\n", len(hits))
	}
	return code
}

func pidof(c *machine.Call) int {
	var pids []string
	for _, a := range c.Args[1:] {
		for _, p := range c.M.Procs() {
			if p.Comm() == a || len(p.Args()) > 0 && p.Args()[0] == a {
				pids = append([]string{strconv.Itoa(p.PID)}, pids...)
			}
		}
	}
	if len(pids) == 0 {
		return 1
	}
	c.Printf("%s\n", strings.Join(pids, " "))
	return 0
}

func fuser(c *machine.Call) int { return 1 }

func tput(c *machine.Call) int {
	if len(c.Args) > 1 {
		switch c.Args[1] {
		case "cols":
			c.Printf("80\n")
		case "lines":
			c.Printf("24\n")
		case "colors":
			c.Printf("8\n")
		}
	}
	return 0
}

func tty(c *machine.Call) int {
	if c.TTY == "" {
		c.Printf("not a tty\n")
		return 1
	}
	c.Printf("/dev/%s\n", c.TTY)
	return 0
}

func locale(c *machine.Call) int {
	c.Printf("LANG=%s\n", c.Getenv("LANG"))
	return 0
}

// expr evaluates an expression of words.
func expr(c *machine.Call) int {
	args := c.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		c.Errorf("missing operand")
		try(c)
		return 2
	}
	e := &exprParser{args: args}
	v, err := e.level(0)
	if err == nil && len(e.args) > 0 {
		err = fmt.Errorf("syntax error: unexpected argument ‘%s’", e.args[0])
	}
	if err != nil {
		c.Errorf("%v", err)
		return 2
	}
	c.Printf("%s\n", v)
	if v == "" || v == "0" {
		return 1
	}
	return 0
}

type exprParser struct {
	args  []string
	depth int
}

var exprLevels = [][]string{{"|"}, {"&"}, {"=", "==", "!=", "<", "<=", ">", ">="}, {"+", "-"}, {"*", "/", "%"}, {":"}}

func (e *exprParser) level(n int) (string, error) {
	if n == len(exprLevels) {
		return e.primary()
	}
	left, err := e.level(n + 1)
	for err == nil && len(e.args) > 0 && slices.Contains(exprLevels[n], e.args[0]) {
		op := e.args[0]
		e.args = e.args[1:]
		var right string
		if right, err = e.level(n + 1); err == nil {
			left, err = exprOp(op, left, right)
		}
	}
	return left, err
}

func (e *exprParser) primary() (string, error) {
	if e.depth++; e.depth > 1000 {
		return "", fmt.Errorf("syntax error")
	}
	if len(e.args) == 0 {
		return "", fmt.Errorf("syntax error: missing argument")
	}
	a := e.args[0]
	e.args = e.args[1:]
	next := func() string {
		if len(e.args) == 0 {
			return ""
		}
		v := e.args[0]
		e.args = e.args[1:]
		return v
	}
	switch {
	case a == "(":
		v, err := e.level(0)
		if err == nil && next() != ")" {
			err = fmt.Errorf("syntax error: expecting ')'")
		}
		return v, err
	case a == "length" && len(e.args) > 0:
		return strconv.Itoa(len([]rune(next()))), nil
	case a == "substr" && len(e.args) > 2:
		s := []rune(next())
		pos, _ := strconv.Atoi(next())
		n, _ := strconv.Atoi(next())
		if pos < 1 || pos > len(s) || n < 1 {
			return "", nil
		}
		return string(s[pos-1 : min(pos-1+n, len(s))]), nil
	case a == "index" && len(e.args) > 1:
		s, set := next(), next()
		return strconv.Itoa(strings.IndexAny(s, set) + 1), nil
	case a == "match" && len(e.args) > 1:
		s, re := next(), next()
		return exprOp(":", s, re)
	}
	return a, nil
}

func exprOp(op, a, b string) (string, error) {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	numbers := errX == nil && errY == nil
	null := func(s string) bool { return s == "" || s == "0" }
	truth := func(ok bool) (string, error) {
		if ok {
			return "1", nil
		}
		return "0", nil
	}
	switch op {
	case "|":
		if !null(a) {
			return a, nil
		}
		if null(b) {
			return "0", nil
		}
		return b, nil
	case "&":
		if null(a) || null(b) {
			return "0", nil
		}
		return a, nil
	case ":":
		p, err := compileRegexp(`^\(`+b+`\)`, false, false)
		if err != nil {
			return "", err
		}
		m := p.find(a, 0)
		if strings.Contains(b, `\(`) {
			if len(m) < 6 || m[4] < 0 {
				return "", nil
			}
			return a[m[4]:m[5]], nil
		}
		if m == nil {
			return "0", nil
		}
		return strconv.Itoa(len([]rune(a[m[0]:m[1]]))), nil
	case "=", "==", "!=", "<", "<=", ">", ">=":
		n := strings.Compare(a, b)
		if numbers {
			n = int(max(min(x-y, 1), -1))
		}
		return truth(map[string]bool{"=": n == 0, "==": n == 0, "!=": n != 0, "<": n < 0, "<=": n <= 0, ">": n > 0, ">=": n >= 0}[op])
	}
	if !numbers {
		return "", fmt.Errorf("non-integer argument")
	}
	switch op {
	case "+":
		return strconv.FormatInt(x+y, 10), nil
	case "-":
		return strconv.FormatInt(x-y, 10), nil
	case "*":
		return strconv.FormatInt(x*y, 10), nil
	}
	if y == 0 {
		return "", fmt.Errorf("division by zero")
	}
	if y == -1 {
		if op == "/" {
			return strconv.FormatInt(-x, 10), nil
		}
		return "0", nil
	}
	if op == "/" {
		return strconv.FormatInt(x/y, 10), nil
	}
	return strconv.FormatInt(x%y, 10), nil
}

// dd copies blocks.
func dd(c *machine.Call) int {
	opt := map[string]string{"bs": "512", "count": "-1", "skip": "0", "seek": "0"}
	for _, a := range c.Args[1:] {
		k, v, _ := strings.Cut(a, "=")
		opt[k] = v
	}
	bs, ok1 := parseSize(opt["bs"])
	count, err := strconv.ParseInt(opt["count"], 10, 64)
	if err != nil {
		count, _ = parseSize(opt["count"])
	}
	if !ok1 || bs <= 0 || bs > 64<<20 {
		return c.Errorf("invalid number: ‘%s’", opt["bs"])
	}
	in := c.In
	if name := opt["if"]; name != "" {
		r, done, err := open(c, name)
		if err != nil {
			return c.Errorf("failed to open '%s': %v", name, err)
		}
		defer done()
		in = r
	}
	var out io.Writer = c.Out
	if name := opt["of"]; name != "" {
		flag := hostfs.Write | hostfs.Create
		if !strings.Contains(opt["conv"], "notrunc") && opt["seek"] == "0" {
			flag |= hostfs.Truncate
		}
		h, err := c.Open(name, flag, 0o666)
		if err != nil {
			return c.Errorf("failed to open '%s': %v", name, err)
		}
		defer h.Drop()
		if seek, _ := parseSize(opt["seek"]); seek > 0 {
			if file := machine.HandleOf(h); file != nil {
				file.Seek(seek*bs, io.SeekStart)
			}
		}
		out = machine.Writer{Ctx: c.Context(), D: h}
	}
	if skip, _ := parseSize(opt["skip"]); skip > 0 {
		io.CopyN(io.Discard, in, skip*bs)
	}
	buf := make([]byte, bs)
	full, part, total, code := 0, 0, int64(0), 0
	for n := int64(0); n != count && c.Context().Err() == nil; n++ {
		k, err := io.ReadFull(in, buf)
		if k > 0 {
			w, werr := out.Write(buf[:k])
			total += int64(w)
			if werr != nil {
				code = c.Errorf("error writing '%s': %v", opt["of"], werr)
				break
			}
			if k == len(buf) {
				full++
			} else {
				part++
			}
		}
		if err != nil {
			break
		}
	}
	if opt["status"] != "none" {
		fmt.Fprintf(c.Err, "%d+%d records in\n%d+%d records out\n", full, part, full, part)
		if opt["status"] != "noxfer" {
			fmt.Fprintf(c.Err, "%d bytes copied, 0.001 s\n", total)
		}
	}
	return code
}
