package tools

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

func id(c *machine.Call) int {
	f, args, good := getopt(c, "agGnruzZ", "group=g", "groups=G", "name=n", "user=u", "real=r")
	if !good {
		return 1
	}
	cred := c.Cred
	name := c.M.UserName(cred.UID)
	if len(args) > 0 {
		u, found := c.M.User(args[0])
		if n, err := strconv.Atoi(args[0]); err == nil && !found {
			u, found = c.M.UserID(n)
		}
		if !found {
			return c.Errorf("‘%s’: no such user", args[0])
		}
		cred, name = c.M.Cred(u), u.Name
	}
	gids := []int{cred.GID}
	for _, g := range cred.Groups {
		if g != cred.GID {
			gids = append(gids, g)
		}
	}
	switch {
	case f.has("u") && f.has("n"):
		c.Printf("%s\n", name)
	case f.has("u"):
		c.Printf("%d\n", cred.UID)
	case f.has("g") && f.has("n"):
		c.Printf("%s\n", c.M.GroupName(cred.GID))
	case f.has("g"):
		c.Printf("%d\n", cred.GID)
	case f.has("G"):
		var list []string
		for _, g := range gids {
			if f.has("n") {
				list = append(list, c.M.GroupName(g))
			} else {
				list = append(list, strconv.Itoa(g))
			}
		}
		c.Printf("%s\n", strings.Join(list, " "))
	default:
		var list []string
		for _, g := range gids {
			list = append(list, fmt.Sprintf("%d(%s)", g, c.M.GroupName(g)))
		}
		c.Printf("uid=%d(%s) gid=%d(%s) groups=%s\n", cred.UID, name, cred.GID, c.M.GroupName(cred.GID), strings.Join(list, ","))
	}
	return 0
}

func whoami(c *machine.Call) int {
	c.Printf("%s\n", c.M.UserName(c.Cred.UID))
	return 0
}

func groups(c *machine.Call) int {
	names := c.Args[1:]
	if len(names) == 0 {
		c.Args = []string{"id", "-Gn"}
		return id(c)
	}
	code := 0
	for _, n := range names {
		u, found := c.M.User(n)
		if !found {
			code = c.Errorf("‘%s’: no such user", n)
			continue
		}
		cred := c.M.Cred(u)
		var list []string
		for _, g := range cred.Groups {
			list = append(list, c.M.GroupName(g))
		}
		c.Printf("%s : %s\n", n, strings.Join(list, " "))
	}
	return code
}

func getent(c *machine.Call) int {
	_, args, good := getopt(c, "s:i", "service:=s")
	if !good || len(args) == 0 {
		return 1
	}
	db, keys := args[0], args[1:]
	var lines []string
	switch db {
	case "passwd", "group", "shadow", "services", "hosts", "ahosts", "ahostsv4", "protocols", "networks", "gshadow":
		file := db
		if strings.HasPrefix(db, "ahosts") {
			file = "hosts"
		}
		if file == "shadow" && c.Cred.UID != 0 {
			return 2
		}
		data, _ := c.FS().ReadFile(hostfs.Root, "/etc/"+file)
		lines = splitLines(data)
	default:
		c.Errorf("Unknown database: %s", db)
		return 1
	}
	if len(keys) == 0 {
		for _, l := range lines {
			c.Printf("%s\n", l)
		}
		return 0
	}
	code := 0
	for _, k := range keys {
		hit := false
		for _, l := range lines {
			if getentMatches(db, l, k) {
				if db == "hosts" || strings.HasPrefix(db, "ahosts") {
					fs := strings.Fields(l)
					l = fmt.Sprintf("%-15s %s", fs[0], strings.Join(fs[1:], " "))
				}
				c.Printf("%s\n", l)
				hit = true
				break
			}
		}
		if !hit && strings.Contains(db, "hosts") {
			if m := c.M.Resolve(k); m != nil {
				c.Printf("%-15s %s\n", m.Address, m.Name)
				hit = true
			}
		}
		if !hit {
			code = 2
		}
	}
	return code
}

func getentMatches(db, line, key string) bool {
	switch db {
	case "passwd", "group", "shadow", "gshadow":
		f := strings.Split(line, ":")
		return f[0] == key || len(f) > 2 && f[2] == key && isDigit(key[0])
	case "services":
		f := strings.Fields(line)
		if len(f) < 2 || f[0][0] == '#' {
			return false
		}
		port, _, _ := strings.Cut(f[1], "/")
		return f[0] == key || port == key || f[1] == key
	}
	f := strings.Fields(line)
	return len(f) > 1 && f[0][0] != '#' && slices.Contains(f, key)
}

// sudo runs a command as another user, when /etc/sudoers allows it.
func sudo(c *machine.Call) int {
	f, args, good := getopt(c, "+AbBC:Eeg:HhikKlnPp:r:R:sST:t:u:U:Vv", "non-interactive=n", "user:=u", "group:=g", "stdin=S", "set-home=H", "preserve-env?=E", "login=i", "shell=s", "prompt:=p",
		"reset-timestamp=k", "validate=v", "list=l", "version=V", "chdir:=D", "command-timeout:=T")
	if !good {
		return 1
	}
	if f.has("V") {
		c.Printf("Sudo version 1.9.13p3\n")
		return 0
	}
	if f.has("k", "K") && len(args) == 0 && !f.has("s", "i", "v") {
		return 0
	}
	from, known := c.M.UserID(c.Cred.UID)
	if !known {
		return c.Errorf("you do not exist in the passwd database")
	}
	name, _ := f.get("u")
	if name == "" {
		name = "root"
	}
	to, found := c.M.User(name)
	if n, isID := strings.CutPrefix(name, "#"); isID {
		if uid, err := strconv.Atoi(n); err == nil {
			to, found = c.M.UserID(uid)
		}
	}
	if !found {
		c.Errorf("unknown user %s", name)
		return c.Errorf("error initializing audit plugin sudoers_audit")
	}
	if code, allowed := sudoAllowed(c, f, from); !allowed {
		return code
	}
	return sudoRun(c, f, from, to, args)
}

// sudoAllowed asks for the password where the rule wants one.
func sudoAllowed(c *machine.Call, f *flags, from machine.User) (int, bool) {
	rule := c.M.Sudo(from)
	if from.UID == 0 || rule.NoPassword {
		return 0, true
	}
	if f.has("n") {
		return c.Errorf("a password is required"), false
	}
	if !f.has("S") && c.TTY == "" {
		c.Errorf("a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper")
		return c.Errorf("a password is required"), false
	}
	prompt, has := f.get("p")
	if !has {
		prompt = "[sudo] password for %p: "
	}
	prompt = strings.NewReplacer("%p", from.Name, "%u", from.Name, "%h", c.M.Hostname(), "%H", c.M.Hostname(), "%U", "root", "%%", "%").Replace(prompt)
	for try := 1; ; try++ {
		io.WriteString(c.Err, prompt)
		password, got := readPassword(c)
		if !got {
			io.WriteString(c.Err, "\n")
			if try == 1 {
				c.Errorf("no password was provided")
				return c.Errorf("a password is required"), false
			}
			return c.Errorf("%d incorrect password attempt%s", try-1, map[bool]string{true: "s"}[try > 2]), false
		}
		if c.M.CheckPassword(from.Name, password) {
			if !rule.Allowed {
				return c.Errorf("%s is not in the sudoers file.", from.Name), false
			}
			return 0, true
		}
		if try == 3 {
			return c.Errorf("3 incorrect password attempts"), false
		}
		io.WriteString(c.Err, "Sorry, try again.\n")
	}
}

// readPassword reads a line without what follows it.
func readPassword(c *machine.Call) (string, bool) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < 1024 {
		n, err := c.In.Read(one)
		if n == 0 {
			if err != nil {
				return string(line), len(line) > 0
			}
			continue
		}
		if one[0] == '\n' || one[0] == '\r' {
			break
		}
		line = append(line, one[0])
	}
	return string(line), true
}

func sudoRun(c *machine.Call, f *flags, from, to machine.User, args []string) int {
	if f.has("l") {
		rule := c.M.Sudo(from)
		if !rule.Allowed {
			return c.Errorf("%s may not run sudo on %s.", from.Name, c.M.Hostname())
		}
		tag := ""
		if rule.NoPassword {
			tag = "NOPASSWD: "
		}
		c.Printf("User %s may run the following commands on %s:\n    (ALL : ALL) %sALL\n", from.Name, c.M.Hostname(), tag)
		return 0
	}
	if f.has("v") {
		return 0
	}
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + to.Home, "USER=" + to.Name, "LOGNAME=" + to.Name, "SHELL=" + to.Shell,
		"SUDO_COMMAND=" + strings.Join(args, " "), "SUDO_USER=" + from.Name, "SUDO_UID=" + strconv.Itoa(from.UID), "SUDO_GID=" + strconv.Itoa(from.GID), "MAIL=/var/mail/" + to.Name}
	for _, keep := range []string{"LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TERM", "TZ"} {
		if v := c.Getenv(keep); v != "" {
			env = append(env, keep+"="+v)
		}
	}
	if f.has("E") {
		env = append(slices.Clone(c.Env), "SUDO_USER="+from.Name)
	}
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "/") {
		env = append(env, args[0])
		args = args[1:]
	}
	cwd := c.Cwd
	switch {
	case f.has("i"):
		shell := to.Shell
		cwd = to.Home
		if len(args) > 0 {
			args = []string{shell, "-c", strings.Join(args, " ")}
		} else {
			args = []string{shell}
		}
	case f.has("s") && len(args) > 0:
		args = []string{to.Shell, "-c", strings.Join(args, " ")}
	case f.has("s"):
		args = []string{to.Shell}
	}
	if len(args) == 0 {
		io.WriteString(c.Err, "usage: sudo -h | -K | -k | -V\nusage: sudo [-ABbEHnPS] [-u user] [VAR=value] [-i | -s] [command [arg ...]]\n")
		return 1
	}
	return runAs(c, to, args, env, cwd, "command not found")
}

// runAs starts a command as a user and waits for it.
func runAs(c *machine.Call, to machine.User, args, env []string, cwd, missing string) int {
	c.Out.Flush()
	cred := c.M.Cred(to)
	// The path is looked up as the new user.
	old := c.Env
	c.Env = env
	child, err := c.Start(args, func(p *machine.Proc) {
		p.Cred, p.Env, p.Cwd, p.User = cred, env, cwd, to.Name
	})
	c.Env = old
	if err != nil {
		if err == hostfs.ENOENT {
			c.Errorf("%s: %s", args[0], missing)
			return 1
		}
		return c.Errorf("%s: %v", args[0], err)
	}
	c.OnSignal(func(sig machine.Signal) bool {
		// sudo passes signals on and ends with its command.
		child.Signal(sig)
		return sig != machine.SIGKILL
	})
	return c.Wait(child)
}

// su is su and runuser.
func su(c *machine.Call) int {
	f, args, good := getopt(c, "+c:flmps:g:G:Pu:", "command:=c", "login=l", "shell:=s", "preserve-environment=m", "session-command:=c", "user:=u", "group:=g")
	if !good {
		return 1
	}
	login := f.has("l")
	name := "root"
	if v, ok := f.get("u"); ok {
		u, found := c.M.User(v)
		if !found {
			return c.Errorf("user %s does not exist", v)
		}
		return runAs(c, u, args, c.Env, c.Cwd, "No such file or directory")
	}
	if len(args) > 0 && args[0] == "-" {
		login, args = true, args[1:]
	}
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	command, hasCommand := f.get("c")
	// Options may follow the name.
	for len(args) > 0 {
		switch {
		case args[0] == "-c" && len(args) > 1:
			command, hasCommand, args = args[1], true, args[2:]
			continue
		case args[0] == "-l" || args[0] == "-":
			login, args = true, args[1:]
			continue
		}
		break
	}
	to, found := c.M.User(name)
	if !found {
		return c.Errorf("user %s does not exist or the user entry does not contain all the required fields", name)
	}
	if c.Cred.UID != 0 {
		io.WriteString(c.Err, "Password: ")
		password, _ := readPassword(c)
		io.WriteString(c.Err, "\n")
		if !c.M.CheckPassword(name, password) {
			return c.Errorf("Authentication failure")
		}
	}
	shell := to.Shell
	if s, ok := f.get("s"); ok {
		shell = s
	}
	argv := []string{shell}
	if hasCommand {
		argv = append(argv, "-c", command)
	}
	argv = append(argv, args...)
	env, cwd := slices.Clone(c.Env), c.Cwd
	env = append(env, "HOME="+to.Home, "SHELL="+to.Shell)
	if to.UID != 0 || login {
		env = append(env, "USER="+to.Name, "LOGNAME="+to.Name)
	}
	if login {
		env, cwd = []string{"HOME=" + to.Home, "SHELL=" + to.Shell, "USER=" + to.Name, "LOGNAME=" + to.Name, "PATH=" + machine.DefaultPath, "TERM=" + c.Getenv("TERM")}, to.Home
	}
	return runAs(c, to, argv, env, cwd, "No such file or directory")
}

func nologin(c *machine.Call) int {
	c.Printf("This account is currently not available.\n")
	return 1
}

// account is a table of colon-separated lines being edited.
type account struct {
	c    *machine.Call
	file string
	rows [][]string
}

func accounts(c *machine.Call, file string) *account {
	a := &account{c: c, file: file}
	data, _ := c.FS().ReadFile(hostfs.Root, file)
	for _, l := range splitLines(data) {
		a.rows = append(a.rows, strings.Split(l, ":"))
	}
	return a
}

func (a *account) find(name string) []string {
	for _, r := range a.rows {
		if r[0] == name {
			return r
		}
	}
	return nil
}

func (a *account) remove(name string) {
	a.rows = slices.DeleteFunc(a.rows, func(r []string) bool { return r[0] == name })
}

func (a *account) save() error {
	var b strings.Builder
	for _, r := range a.rows {
		b.WriteString(strings.Join(r, ":") + "\n")
	}
	return a.c.FS().WriteFile(a.c.Cred, a.file, []byte(b.String()), 0o644)
}

// freeID finds an unused number from start on.
func (a *account) freeID(start int) int {
	used := map[int]bool{}
	for _, r := range a.rows {
		if len(r) > 2 {
			n, _ := strconv.Atoi(r[2])
			used[n] = true
		}
	}
	for used[start] {
		start++
	}
	return start
}

func mustRoot(c *machine.Call, file string) bool {
	if c.Cred.UID == 0 {
		return true
	}
	c.Errorf("Permission denied.")
	c.Errorf("cannot lock %s; try again later.", file)
	return false
}

func useradd(c *machine.Call) int {
	f, args, good := getopt(c, "b:c:d:De:f:g:G:k:K:lmMNop:rR:s:u:UZ:", "comment:=c", "home-dir:=d", "home:=d", "gid:=g", "groups:=G", "create-home=m", "no-create-home=M", "no-user-group=N", "non-unique=o",
		"password:=p", "system=r", "shell:=s", "uid:=u", "user-group=U", "expiredate:=e", "inactive:=f", "skel:=k", "key:=K", "no-log-init=l", "base-dir:=b", "disabled-password=q", "gecos:=c")
	if !good {
		return 2
	}
	if len(args) != 1 {
		fmt.Fprintf(c.Err, "Usage: useradd [options] LOGIN\n")
		return 2
	}
	name := args[0]
	if !mustRoot(c, "/etc/passwd") {
		return 1
	}
	if !validAccount(name) {
		c.Errorf("invalid user name '%s': use --badname to ignore", name)
		return 3
	}
	users, shadow, groupFile := accounts(c, "/etc/passwd"), accounts(c, "/etc/shadow"), accounts(c, "/etc/group")
	if users.find(name) != nil {
		c.Errorf("user '%s' already exists", name)
		return 9
	}
	first := 1000
	if f.has("r") {
		first = 100
	}
	uid := users.freeID(first)
	if v, ok := f.get("u"); ok {
		n, err := strconv.Atoi(v)
		if err != nil {
			c.Errorf("invalid user ID '%s'", v)
			return 3
		}
		if _, taken := c.M.UserID(n); taken && !f.has("o") {
			c.Errorf("UID %d is not unique", n)
			return 4
		}
		uid = n
	}
	gid := uid
	if v, ok := f.get("g"); ok {
		if gid, ok = groupNumber(c.M, v); !ok || c.M.GroupName(gid) == strconv.Itoa(gid) {
			c.Errorf("group '%s' does not exist", v)
			return 6
		}
	} else if f.has("N") {
		gid = 100
	} else {
		if groupFile.find(name) != nil {
			c.Errorf("group %s exists - if you want to add this user to that group, use -g.", name)
			return 9
		}
		gid = groupFile.freeID(uid)
		groupFile.rows = append(groupFile.rows, []string{name, "x", strconv.Itoa(gid), ""})
	}
	if v, ok := f.get("G"); ok && v != "" {
		if code := joinGroups(c, groupFile, name, strings.Split(v, ",")); code != 0 {
			return code
		}
	}
	home, hasHome := f.get("d")
	if !hasHome {
		base, hasBase := f.get("b")
		if !hasBase {
			base = "/home"
		}
		home = base + "/" + name
	}
	shell, hasShell := f.get("s")
	if !hasShell {
		shell = "/bin/sh"
	}
	comment, _ := f.get("c")
	password, hasPassword := f.get("p")
	if !hasPassword {
		password = "!"
	}
	users.rows = append(users.rows, []string{name, "x", strconv.Itoa(uid), strconv.Itoa(gid), comment, home, shell})
	expire, _ := f.get("e")
	shadow.rows = append(shadow.rows, []string{name, password, "19700", "0", "99999", "7", "", expireDays(expire), ""})
	for _, a := range []*account{users, shadow, groupFile} {
		if err := a.save(); err != nil {
			c.Errorf("cannot open %s: %v", a.file, err)
			return 1
		}
	}
	if f.has("m") {
		return makeHome(c, home, uid, gid)
	}
	return 0
}

func expireDays(s string) string {
	if s == "" {
		return ""
	}
	t, err := parseDate(s, hostfsEpoch, hostfsEpoch.Location())
	if err != nil {
		return ""
	}
	return strconv.FormatInt(t.Unix()/86400, 10)
}

func makeHome(c *machine.Call, home string, uid, gid int) int {
	if _, err := c.FS().Stat(c.Cred, home); err == nil {
		c.Errorf("warning: the home directory %s already exists.", home)
		return 0
	}
	if err := c.FS().MkdirAll(c.Cred, home, 0o755); err != nil {
		c.Errorf("cannot create directory %s", home)
		return 12
	}
	if list, err := c.FS().ReadDir(c.Cred, "/etc/skel"); err == nil {
		for _, i := range list {
			data, _ := c.ReadFile("/etc/skel/" + i.Base)
			c.FS().WriteFile(c.Cred, home+"/"+i.Base, data, i.FileMode)
			c.FS().Chown(c.Cred, home+"/"+i.Base, uid, gid, false)
		}
	}
	c.FS().Chown(c.Cred, home, uid, gid, true)
	return 0
}

func validAccount(name string) bool {
	if name == "" || len(name) > 32 || strings.ContainsAny(name, ":/\n ,") || name[0] == '-' || isDigit(name[0]) && strings.Trim(name, "0123456789") == "" {
		return false
	}
	return true
}

func joinGroups(c *machine.Call, file *account, user string, names []string) int {
	for _, g := range names {
		row := file.find(g)
		if row == nil {
			if n, err := strconv.Atoi(g); err == nil {
				row = file.find(c.M.GroupName(n))
			}
		}
		if len(row) < 4 {
			c.Errorf("group '%s' does not exist", g)
			return 6
		}
		members := strings.FieldsFunc(row[3], func(r rune) bool { return r == ',' })
		if !slices.Contains(members, user) {
			row[3] = strings.Join(append(members, user), ",")
		}
	}
	return 0
}

func leaveGroups(file *account, user string, keep []string) {
	for _, row := range file.rows {
		if len(row) < 4 || slices.Contains(keep, row[0]) {
			continue
		}
		members := strings.FieldsFunc(row[3], func(r rune) bool { return r == ',' })
		row[3] = strings.Join(slices.DeleteFunc(members, func(m string) bool { return m == user }), ",")
	}
}

func usermod(c *machine.Call) int {
	f, args, good := getopt(c, "ac:d:e:f:g:G:l:Lmop:rR:s:u:UZ:", "append=a", "comment:=c", "home:=d", "expiredate:=e", "inactive:=f", "gid:=g", "groups:=G", "login:=l", "lock=L", "move-home=m", "non-unique=o",
		"password:=p", "shell:=s", "uid:=u", "unlock=U", "remove=r")
	if !good || len(args) != 1 {
		return 2
	}
	name := args[0]
	users, shadow, groupFile := accounts(c, "/etc/passwd"), accounts(c, "/etc/shadow"), accounts(c, "/etc/group")
	row := users.find(name)
	if row == nil {
		c.Errorf("user '%s' does not exist", name)
		return 6
	}
	if !mustRoot(c, "/etc/passwd") {
		return 1
	}
	if v, ok := f.get("g"); ok {
		n, found := groupNumber(c.M, v)
		if !found {
			c.Errorf("group '%s' does not exist", v)
			return 6
		}
		row[3] = strconv.Itoa(n)
	}
	if v, ok := f.get("u"); ok {
		n, err := strconv.Atoi(v)
		if other, taken := c.M.UserID(n); err != nil || taken && other.Name != name && !f.has("o") {
			c.Errorf("UID '%s' already exists", v)
			return 4
		}
		row[2] = v
	}
	if v, ok := f.get("c"); ok {
		row[4] = v
	}
	if v, ok := f.get("d"); ok {
		if f.has("m") {
			c.FS().Rename(c.Cred, row[5], v)
		}
		row[5] = v
	}
	if v, ok := f.get("s"); ok {
		row[6] = v
	}
	if v, ok := f.get("G"); ok {
		names := strings.FieldsFunc(v, func(r rune) bool { return r == ',' })
		if !f.has("a") {
			leaveGroups(groupFile, name, names)
		}
		if code := joinGroups(c, groupFile, name, names); code != 0 {
			return code
		}
	}
	if s := shadow.find(name); s != nil {
		if v, ok := f.get("p"); ok {
			s[1] = v
		}
		if f.has("L") && !strings.HasPrefix(s[1], "!") {
			s[1] = "!" + s[1]
		}
		if f.has("U") {
			s[1] = strings.TrimPrefix(s[1], "!")
		}
		if v, ok := f.get("e"); ok && len(s) > 7 {
			s[7] = expireDays(v)
		}
		if v, ok := f.get("l"); ok {
			s[0] = v
		}
	}
	if v, ok := f.get("l"); ok {
		row[0] = v
	}
	for _, a := range []*account{users, shadow, groupFile} {
		if err := a.save(); err != nil {
			return c.Errorf("cannot open %s: %v", a.file, err)
		}
	}
	return 0
}

func userdel(c *machine.Call) int {
	f, args, good := getopt(c, "frZ", "force=f", "remove=r")
	if !good || len(args) != 1 {
		return 2
	}
	u, found := c.M.User(args[0])
	if !found {
		c.Errorf("user '%s' does not exist", args[0])
		return 6
	}
	if !mustRoot(c, "/etc/passwd") {
		return 1
	}
	users, shadow, groupFile := accounts(c, "/etc/passwd"), accounts(c, "/etc/shadow"), accounts(c, "/etc/group")
	users.remove(u.Name)
	shadow.remove(u.Name)
	leaveGroups(groupFile, u.Name, nil)
	if g := groupFile.find(u.Name); len(g) > 3 && g[3] == "" {
		groupFile.remove(u.Name)
	}
	for _, a := range []*account{users, shadow, groupFile} {
		a.save()
	}
	if f.has("r") {
		r := &remover{c: c, recursive: true, force: true}
		if _, err := c.FS().Lstat(c.Cred, "/var/mail/"+u.Name); err != nil {
			c.Errorf("%s mail spool (/var/mail/%s) not found", u.Name, u.Name)
		}
		r.remove(u.Home)
	}
	return 0
}

func groupadd(c *machine.Call) int {
	f, args, good := getopt(c, "fg:orK:p:U:", "gid:=g", "force=f", "non-unique=o", "system=r")
	if !good || len(args) != 1 {
		return 2
	}
	if !mustRoot(c, "/etc/group") {
		return 10
	}
	file := accounts(c, "/etc/group")
	if file.find(args[0]) != nil {
		if f.has("f") {
			return 0
		}
		c.Errorf("group '%s' already exists", args[0])
		return 9
	}
	if !validAccount(args[0]) {
		c.Errorf("'%s' is not a valid group name", args[0])
		return 3
	}
	first := 1000
	if f.has("r") {
		first = 100
	}
	gid := strconv.Itoa(file.freeID(first))
	if v, ok := f.get("g"); ok {
		n, err := strconv.Atoi(v)
		if err != nil {
			c.Errorf("invalid group ID '%s'", v)
			return 3
		}
		if c.M.GroupName(n) != v && !f.has("o") {
			c.Errorf("GID '%s' already exists", v)
			return 4
		}
		gid = v
	}
	file.rows = append(file.rows, []string{args[0], "x", gid, ""})
	if err := file.save(); err != nil {
		return c.Errorf("cannot open /etc/group: %v", err)
	}
	return 0
}

func groupmod(c *machine.Call) int {
	f, args, good := getopt(c, "g:n:op:", "gid:=g", "new-name:=n", "non-unique=o")
	if !good || len(args) != 1 {
		return 2
	}
	file := accounts(c, "/etc/group")
	row := file.find(args[0])
	if row == nil {
		c.Errorf("group '%s' does not exist", args[0])
		return 6
	}
	if !mustRoot(c, "/etc/group") {
		return 10
	}
	if v, ok := f.get("g"); ok {
		n, _ := strconv.Atoi(v)
		if c.M.GroupName(n) != v && !f.has("o") {
			c.Errorf("GID '%s' already exists", v)
			return 4
		}
		row[2] = v
	}
	if v, ok := f.get("n"); ok {
		row[0] = v
	}
	if err := file.save(); err != nil {
		return c.Errorf("%v", err)
	}
	return 0
}

func groupdel(c *machine.Call) int {
	_, args, good := getopt(c, "f", "force=f")
	if !good || len(args) != 1 {
		return 2
	}
	file := accounts(c, "/etc/group")
	row := file.find(args[0])
	if row == nil {
		c.Errorf("group '%s' does not exist", args[0])
		return 6
	}
	if !mustRoot(c, "/etc/group") {
		return 10
	}
	for _, u := range c.M.Users() {
		if strconv.Itoa(u.GID) == row[2] {
			c.Errorf("cannot remove the primary group of user '%s'", u.Name)
			return 8
		}
	}
	file.remove(args[0])
	if err := file.save(); err != nil {
		return c.Errorf("%v", err)
	}
	return 0
}

func gpasswd(c *machine.Call) int {
	f, args, good := getopt(c, "a:d:", "add:=a", "delete:=d")
	if !good || len(args) != 1 || !mustRoot(c, "/etc/group") {
		return 1
	}
	file := accounts(c, "/etc/group")
	if file.find(args[0]) == nil {
		return c.Errorf("group '%s' does not exist in /etc/group", args[0])
	}
	if u, ok := f.get("a"); ok {
		joinGroups(c, file, u, args)
		c.Printf("Adding user %s to group %s\n", u, args[0])
	}
	if u, ok := f.get("d"); ok {
		var others []string
		for _, r := range file.rows {
			if r[0] != args[0] {
				others = append(others, r[0])
			}
		}
		leaveGroups(file, u, others)
		c.Printf("Removing user %s from group %s\n", u, args[0])
	}
	if err := file.save(); err != nil {
		return 1
	}
	return 0
}

func chpasswd(c *machine.Call) int {
	f, _, good := getopt(c, "ec:msR:", "encrypted=e", "crypt-method:=c")
	if !good {
		return 1
	}
	if !mustRoot(c, "/etc/shadow") {
		return 1
	}
	shadow := accounts(c, "/etc/shadow")
	code := 0
	in := bufio.NewScanner(c.In)
	for n := 1; in.Scan(); n++ {
		name, password, ok := strings.Cut(in.Text(), ":")
		if !ok {
			code = c.Errorf("line %d: missing new password", n)
			continue
		}
		row := shadow.find(name)
		if row == nil {
			code = c.Errorf("line %d: user '%s' does not exist", n, name)
			continue
		}
		if !f.has("e") {
			password = machine.Hash(password, name)
		}
		row[1] = password
	}
	if code == 0 {
		if err := shadow.save(); err != nil {
			return 1
		}
	}
	return code
}

func passwd(c *machine.Call) int {
	f, args, good := getopt(c, "adeluSqi:n:w:x:", "lock=l", "unlock=u", "delete=d", "status=S", "expire=e")
	if !good {
		return 6
	}
	name := c.M.UserName(c.Cred.UID)
	if len(args) > 0 {
		name = args[0]
	}
	shadow := accounts(c, "/etc/shadow")
	row := shadow.find(name)
	if row == nil {
		c.Errorf("user '%s' does not exist", name)
		return 1
	}
	if f.has("S") {
		state := "P"
		if strings.HasPrefix(row[1], "!") || row[1] == "*" {
			state = "L"
		} else if row[1] == "" {
			state = "NP"
		}
		c.Printf("%s %s 2024-01-01 0 99999 7 -1\n", name, state)
		return 0
	}
	if c.Cred.UID != 0 {
		c.Errorf("Permission denied.")
		return 1
	}
	switch {
	case f.has("l"):
		if !strings.HasPrefix(row[1], "!") {
			row[1] = "!" + row[1]
		}
	case f.has("u"):
		row[1] = strings.TrimPrefix(row[1], "!")
	case f.has("d"):
		row[1] = ""
	case f.has("e"):
	default:
		password, _ := readPassword(c)
		row[1] = machine.Hash(password, name)
	}
	if err := shadow.save(); err != nil {
		return 1
	}
	if !f.has("q") {
		fmt.Fprintf(c.Err, "passwd: password changed.\n")
	}
	return 0
}
