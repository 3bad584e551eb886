package modules

import (
	"context"
	"fmt"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"

	"sunup/internal/say"
	"sunup/internal/value"
)

var userModule = Module{
	Name:       "ansible.builtin.user",
	Summary:    say.T("Manages user accounts.", "사용자 계정을 관리한다."),
	Notes:      say.T("Uses useradd, usermod and userdel, or BusyBox's adduser and deluser. Password hashes never stand in a command line.", "useradd, usermod, userdel 또는 BusyBox의 adduser, deluser를 쓴다. 암호 해시는 명령줄에 나타나지 않는다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the account should be there.", "계정이 있어야 하는지.")},
		{Name: "name", Aliases: []string{"user"}, Required: true, Doc: say.T("Name of the account.", "계정 이름.")},
		{Name: "uid", Type: Int, Doc: say.T("Number of the account.", "계정 번호.")},
		{Name: "non_unique", Type: Bool, Default: false, Doc: say.T("The number may be another account's too.", "다른 계정과 같은 번호여도 된다.")},
		{Name: "group", Doc: say.T("Primary group.", "기본 그룹.")},
		{Name: "groups", Type: List, Elements: Str, Doc: say.T("Further groups.", "그 밖의 그룹들.")},
		{Name: "comment", Doc: say.T("Description (GECOS).", "설명(GECOS).")},
		{Name: "home", Type: Path, Doc: say.T("Home directory.", "홈 디렉터리.")},
		{Name: "shell", Doc: say.T("Login shell.", "로그인 셸.")},
		{Name: "password", Secret: true, Doc: say.T("Hash of the password, as in /etc/shadow.", "/etc/shadow 형식의 암호 해시.")},
		{Name: "login_class", Doc: say.T("Login class of BSD; not used.", "BSD의 로그인 클래스. 쓰지 않는다.")},
		{Name: "password_expire_max", Type: Int, Doc: say.T("Days until the password must be changed.", "암호를 바꿔야 하기까지의 일수.")},
		{Name: "password_expire_min", Type: Int, Doc: say.T("Days until the password may be changed.", "암호를 바꿀 수 있기까지의 일수.")},
		{Name: "hidden", Type: Bool, Doc: say.T("For macOS; not used.", "macOS용. 쓰지 않는다.")},
		{Name: "seuser", Doc: say.T("SELinux user of a new account.", "새 계정의 SELinux 사용자.")},
		{Name: "force", Type: Bool, Default: false, Doc: say.T("Remove although logged in; replace SSH keys.", "로그인 중이어도 지운다. SSH 키를 바꾼다.")},
		{Name: "remove", Type: Bool, Default: false, Doc: say.T("Remove the home directory too.", "홈 디렉터리도 지운다.")},
		{Name: "create_home", Aliases: []string{"createhome"}, Type: Bool, Default: true, Doc: say.T("Make the home directory when it is not there.", "홈 디렉터리가 없으면 만든다.")},
		{Name: "skeleton", Doc: say.T("Directory to copy into a new home.", "새 홈에 복사할 디렉터리.")},
		{Name: "system", Type: Bool, Default: false, Doc: say.T("Make a new account one of the system.", "새 계정을 시스템 계정으로 만든다.")},
		{Name: "move_home", Type: Bool, Default: false, Doc: say.T("Move the content when the home changes.", "홈이 바뀌면 내용도 옮긴다.")},
		{Name: "append", Type: Bool, Default: false, Doc: say.T("Keep groups that are not named.", "적지 않은 그룹도 그대로 둔다.")},
		{Name: "generate_ssh_key", Type: Bool, Doc: say.T("Make an SSH key.", "SSH 키를 만든다.")},
		{Name: "ssh_key_bits", Type: Int, Default: 0, Doc: say.T("Bits of the key.", "키의 비트 수.")},
		{Name: "ssh_key_type", Default: "rsa", Doc: say.T("Type of the key.", "키의 종류.")},
		{Name: "ssh_key_file", Type: Path, Doc: say.T("File of the key, from the home directory.", "홈 디렉터리에서 본 키 파일.")},
		{Name: "ssh_key_comment", Doc: say.T("Comment of the key.", "키의 설명.")},
		{Name: "ssh_key_passphrase", Secret: true, Doc: say.T("Passphrase of the key.", "키의 암호.")},
		{Name: "update_password", Default: "always", Choices: []any{"always", "on_create"}, Doc: say.T("Whether an existing account gets the password.", "이미 있는 계정의 암호도 바꾸는지.")},
		{Name: "expires", Type: Float, Doc: say.T("When the account ends, in seconds since 1970; negative means never.", "계정이 끝나는 때(1970년부터의 초). 음수는 끝없음.")},
		{Name: "password_lock", Type: Bool, Doc: say.T("Lock or unlock the password.", "암호를 잠그거나 푼다.")},
		{Name: "local", Type: Bool, Doc: say.T("Look only into the host's own files.", "호스트 자신의 파일만 본다.")},
		{Name: "profile", Doc: say.T("For Solaris; not used.", "Solaris용. 쓰지 않는다.")},
		{Name: "authorization", Doc: say.T("For Solaris; not used.", "Solaris용. 쓰지 않는다.")},
		{Name: "role", Doc: say.T("For Solaris; not used.", "Solaris용. 쓰지 않는다.")},
		{Name: "umask", Doc: say.T("Mask for a new home directory.", "새 홈 디렉터리의 umask.")},
	}},
	Returns: []Return{
		{"uid", "int", "present", say.T("Number of the account.", "계정 번호.")},
		{"group", "int", "present", say.T("Number of the primary group.", "기본 그룹 번호.")},
		{"home", "str", "present", say.T("Home directory.", "홈 디렉터리.")},
		{"shell", "str", "present", say.T("Login shell.", "로그인 셸.")},
		{"comment", "str", "present", say.T("Description.", "설명.")},
		{"groups", "str", "with groups", say.T("The groups asked for.", "요청한 그룹들.")},
		{"ssh_public_key", "str", "with generate_ssh_key", say.T("The public key.", "공개 키.")},
		{"ssh_fingerprint", "str", "with generate_ssh_key", say.T("Its fingerprint.", "공개 키의 지문.")},
		{"ssh_key_file", "str", "with generate_ssh_key", say.T("The key's file.", "키 파일.")},
	},
	Run: runUser,
}

// account is an entry of the host's user database.
type account struct {
	there                bool
	password             string
	uid, gid             int
	comment, home, shell string
}

func readAccount(line string) account {
	p := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 7)
	if len(p) != 7 {
		return account{}
	}
	uid, err := strconv.Atoi(p[2])
	gid, err2 := strconv.Atoi(p[3])
	return account{there: err == nil && err2 == nil, password: p[1], uid: uid, gid: gid, comment: p[4], home: p[5], shell: p[6]}
}

// group is an entry of the host's group database.
type group struct {
	name    string
	gid     int
	members []string
}

func readGroups(text string) []group {
	var all []group
	for _, line := range lines(text) {
		p := strings.Split(line, ":")
		if len(p) < 4 {
			continue
		}
		gid, err := strconv.Atoi(p[2])
		if err != nil {
			continue
		}
		g := group{name: p[0], gid: gid}
		for _, m := range strings.Split(p[3], ",") {
			if m != "" {
				g.members = append(g.members, m)
			}
		}
		all = append(all, g)
	}
	return all
}

// lookUser prints what is known of the user $u.
const lookUser = `PATH=$PATH:/sbin:/usr/sbin
H() { command -v "$1" >/dev/null 2>&1; }
E() {
if [ -z "$local" ] && H getent; then getent "$1" "$2" 2>/dev/null
elif [ -r "/etc/$1" ]; then while IFS= read -r x; do case $x in "$2":*) printf '%s\n' "$x";; esac; done <"/etc/$1"; fi
}
A() { e=$(E passwd "$u"); printf 'passwd=%s\0' "$e"; x=${e#*:*:*:*:*:}; h=${x%%:*}; }
K() { case $k in /*) f=$k;; *) f=$h/$k;; esac; }
P() {
K
printf 'key.file=%s\0' "$f"
[ ! -e "$f" ] || printf 'key=1\0'
if [ -e "$f.pub" ]; then printf 'key.pub='; cat "$f.pub" 2>/dev/null; printf '\0'; fi
if [ -e "$f" ] && H ssh-keygen; then printf 'key.print='; ssh-keygen -l -f "$f" 2>&1; printf '\0'; fi
}
`

const observeUser = `A
printf 'shadow='; E shadow "$u"; printf '\0group='
if [ -z "$local" ] && H getent; then getent group; elif [ -r /etc/group ]; then cat /etc/group; fi
printf '\0'
for g in $G; do printf 'named.%s=' "$g"; E group "$g"; printf '\0'; done
for t in useradd usermod userdel adduser deluser chpasswd chage; do ! H "$t" || printf 'tool.%s=1\0' "$t"; done
[ -z "$H" ] || h=$H
if [ -n "$h" ] && [ -e "$h" ]; then printf 'home=1\0'; fi
printf 'wanted.home=%s\0' "$H"
[ -z "$k" ] || P
`

// userWork is one call of the module.
type userWork struct {
	c      *Call
	name   string
	have   account
	shadow []string
	groups []group
	f      fields
	home   string // the home asked for, ~ resolved
	r      *Result
}

func runUser(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := &userWork{c: c, name: a.Str("name"), r: OK().Set("name", a.Str("name")).Set("state", a.Str("state"))}
	if fail := w.refuse(); fail != nil {
		return fail, nil
	}
	f, fail, err := c.observe(ctx, w.words()+lookUser+observeUser)
	if fail != nil || err != nil {
		return fail, err
	}
	w.f = f
	w.have = readAccount(f.text("passwd"))
	w.shadow = strings.Split(f.text("shadow"), ":")
	w.groups = readGroups(f["group"])
	w.home = f["wanted.home"]
	if a.Str("state") == "absent" {
		return w.absent(ctx)
	}
	return w.present(ctx)
}

// words sets the shell's variables: the name, the home, the key's file, and
// whether only files count.
func (w *userWork) words() string {
	a := w.c.Args
	home, key, local := "''", "''", ""
	if a.Str("home") != "" {
		home = quotePath(a.Str("home"))
	}
	if a.Bool("generate_ssh_key") {
		key = quoteText(".ssh/id_" + a.Str("ssh_key_type"))
		if a.Str("ssh_key_file") != "" {
			key = quotePath(a.Str("ssh_key_file"))
		}
	}
	if a.Bool("local") {
		local = "1"
	}
	groups := append([]string(nil), a.Strings("groups")...)
	groups = append(groups, a.Str("group"), w.name)
	var plain []string
	for _, g := range groups {
		if g = strings.TrimSpace(g); g != "" && !strings.ContainsAny(g, " \t\n*?[") {
			plain = append(plain, g)
		}
	}
	return "u=" + quoteText(w.name) + "\nH=" + home + "\nk=" + key + "\nlocal=" + local + "\nG=" + quoteText(strings.Join(plain, " ")) + "\n"
}

func (w *userWork) refuse() *Result {
	a := w.c.Args
	if a.Given("umask") && a.Bool("local") {
		return Fail("'umask' can not be used with 'local'")
	}
	if !a.Given("groups") && a.Bool("append") {
		w.r.Warnings = append(w.r.Warnings, "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups. This will change to an error in Ansible 2.14.")
	}
	if p := a.Str("password"); p != "" && !looksHashed(p) {
		w.r.Warnings = append(w.r.Warnings, "The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.")
	}
	if strings.ContainsAny(a.Str("password"), ":\n") {
		return Fail("a password hash cannot hold a colon or a line break")
	}
	return nil
}

// looksHashed reports whether text can be a field of /etc/shadow.
func looksHashed(p string) bool {
	switch p {
	case "*", "!", "*************":
		return true
	}
	parts := strings.Split(p, "$")
	if strings.ContainsAny(p, ":*!") || len(parts) < 3 {
		return false
	}
	last := parts[len(parts)-1]
	if strings.Trim(last, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./") != "" {
		return false
	}
	length := map[string]int{"1": 22, "5": 43, "6": 86}[parts[1]]
	return length == 0 || len(last) == length
}

func (w *userWork) tool(name string) bool { return w.f.has("tool." + name) }

// busyBox reports whether the host has only BusyBox's small tools.
func (w *userWork) busyBox() bool { return !w.tool("useradd") && w.tool("adduser") }

// findGroup looks a group up by number or name.
func (w *userWork) findGroup(name string) (group, bool) {
	if gid, err := strconv.Atoi(name); err == nil {
		for _, g := range w.groups {
			if g.gid == gid {
				return g, true
			}
		}
	}
	for _, g := range w.groups {
		if g.name == name {
			return g, true
		}
	}
	// A directory may answer for one group and not list all.
	if found := readGroups(w.f["named."+name]); len(found) > 0 {
		return found[0], true
	}
	return group{}, false
}

func (w *userWork) absent(ctx context.Context) (*Result, error) {
	a := w.c.Args
	if !w.have.there {
		return w.r, nil
	}
	if w.c.Check {
		return ChangedIf(true), nil
	}
	w.r.Changed = true
	var step string
	switch name := quoteText(w.name); {
	case w.tool("userdel"):
		step = "userdel" + option(a.Bool("force"), " -f") + option(a.Bool("remove"), " -r") + " -- " + name
	case w.tool("deluser"):
		step = "deluser" + option(a.Bool("remove"), " --remove-home") + " " + name
	default:
		return w.c.needs("userdel"), nil
	}
	w.r.Set("force", a.Bool("force")).Set("remove", a.Bool("remove"))
	f, fail, err := w.take(ctx, []string{step})
	if fail != nil || err != nil {
		return fail, err
	}
	if said := f["said"]; said != "" {
		w.r.Set("stderr", value.Str(said)) // userdel misses the mail of an account that never had any
	}
	return w.r, nil
}

func option(on bool, text string) string {
	if on {
		return text
	}
	return ""
}

func (w *userWork) present(ctx context.Context) (*Result, error) {
	a := w.c.Args
	var steps []string
	var fail *Result
	created := !w.have.there
	switch {
	case created && w.busyBox():
		steps, fail = w.addSmall()
	case created:
		steps, fail = w.add()
	case w.busyBox() && !w.tool("usermod"):
		steps, fail = w.modifySmall()
	default:
		steps, fail = w.modify()
	}
	if fail != nil {
		return fail, nil
	}
	steps = append(steps, w.expiry()...)
	if created && w.c.Check {
		return ChangedIf(true), nil
	}
	if created {
		w.r.Set("system", a.Bool("system")).Set("create_home", a.Bool("create_home"))
	} else {
		w.r.Set("append", a.Bool("append")).Set("move_home", a.Bool("move_home"))
	}
	if a.Given("password") {
		w.r.Set("password", "NOT_LOGGING_PASSWORD")
	}
	steps = append(steps, w.homeSteps(created)...)
	steps = append(steps, w.keySteps()...)
	w.r.Changed = len(steps) > 0
	f, now := w.f, w.have
	if w.r.Changed && !w.c.Check {
		var err error
		if f, fail, err = w.take(ctx, steps); fail != nil || err != nil {
			return fail, err
		}
		now = readAccount(f.text("passwd"))
	}
	return w.describe(f, now), nil
}

func (w *userWork) describe(f fields, now account) *Result {
	a := w.c.Args
	if !now.there {
		w.r.Failed, w.r.Msg = true, "failed to look up user name: "+w.name
		return w.r
	}
	w.r.Set("uid", now.uid).Set("group", now.gid).Set("comment", now.comment).Set("home", now.home).Set("shell", now.shell)
	if a.Given("groups") {
		w.r.Set("groups", strings.Join(a.Strings("groups"), ","))
	}
	if a.Bool("generate_ssh_key") {
		w.r.Set("ssh_fingerprint", strings.TrimSpace(f["key.print"])).Set("ssh_key_file", f["key.file"])
		w.r.Set("ssh_public_key", nil)
		if f.has("key.pub") {
			w.r.Set("ssh_public_key", strings.TrimSpace(f["key.pub"]))
		}
	}
	return w.r
}

// wantedGroups are the further groups as names; a name of only blanks is none.
func (w *userWork) wantedGroups(withoutPrimary bool) ([]string, *Result) {
	var out []string
	seen := map[string]bool{}
	for _, name := range w.c.Args.Strings("groups") {
		name = strings.TrimSpace(name)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		g, ok := w.findGroup(name)
		if !ok {
			return nil, Fail("Group %s does not exist", name)
		}
		if withoutPrimary && w.have.there && g.gid == w.have.gid {
			continue
		}
		out = append(out, name)
	}
	sort.Strings(out)
	return out, nil
}

// add is useradd with its options, and the password afterwards: options of a
// command can be seen by everybody on the host.
func (w *userWork) add() ([]string, *Result) {
	a := w.c.Args
	if !w.tool("useradd") {
		return nil, w.c.needs("useradd")
	}
	cmd := "useradd"
	opt := func(flag, text string) { cmd += " " + flag + " " + text }
	if a.Given("uid") {
		opt("-u", strconv.Itoa(a.Int("uid")))
		cmd += option(a.Bool("non_unique"), " -o")
	}
	if a.Given("seuser") {
		opt("-Z", quoteText(a.Str("seuser")))
	}
	if a.Given("group") {
		if _, ok := w.findGroup(a.Str("group")); !ok {
			return nil, Fail("Group %s does not exist", a.Str("group"))
		}
		opt("-g", quoteText(a.Str("group")))
	} else if _, ok := w.findGroup(w.name); ok {
		// useradd would fail to make the group of the same name.
		cmd += " -N"
	}
	groups, fail := w.wantedGroups(true)
	if fail != nil {
		return nil, fail
	}
	if len(groups) > 0 {
		opt("-G", quoteText(strings.Join(groups, ",")))
	}
	if a.Given("comment") {
		opt("-c", quoteText(a.Str("comment")))
	}
	var steps []string
	if w.home != "" {
		if a.Bool("create_home") {
			// useradd does not make the directories above.
			steps = append(steps, "mkdir -p -- "+quoteText(path.Dir(w.home)))
		}
		opt("-d", quoteText(w.home))
	}
	if a.Given("shell") {
		opt("-s", quoteText(a.Str("shell")))
	}
	if a.Given("expires") {
		opt("-e", quoteText(expiryDate(a.Float("expires"))))
	}
	if a.Bool("create_home") {
		cmd += " -m"
		if a.Given("skeleton") {
			opt("-k", quoteText(a.Str("skeleton")))
		}
		if a.Given("umask") {
			opt("-K", quoteText("UMASK="+a.Str("umask")))
		}
	} else {
		cmd += " -M"
	}
	cmd += option(a.Bool("system"), " -r")
	steps = append(steps, cmd+" -- "+quoteText(w.name))
	if a.Given("password") {
		step, fail := w.passwordStep()
		if fail != nil {
			return nil, fail
		}
		steps = append(steps, step)
	} else if a.Bool("password_lock") {
		steps = append(steps, "usermod -L -- "+quoteText(w.name))
	}
	return steps, nil
}

// passwordStep sets the hash without showing it to other users of the host.
func (w *userWork) passwordStep() (string, *Result) {
	hash := w.c.Args.Str("password")
	if w.c.Args.Bool("password_lock") {
		hash = "!" + hash
	}
	if !w.tool("chpasswd") {
		return "", w.c.needs("chpasswd")
	}
	return "printf '%s:%s\\n' " + quoteText(w.name) + " " + quoteText(hash) + " | chpasswd -e", nil
}

func expiryDate(seconds float64) string {
	if seconds < 0 {
		return ""
	}
	return time.Unix(int64(min(seconds, 253402300799)), 0).UTC().Format("2006-01-02")
}

func (w *userWork) shadowField(i int) string {
	if i < len(w.shadow) {
		return w.shadow[i]
	}
	return ""
}

// hash is the password field, from where it is kept.
func (w *userWork) hash() string {
	if len(w.have.password) <= 1 {
		return w.shadowField(1)
	}
	return w.have.password
}

func (w *userWork) modify() ([]string, *Result) {
	a := w.c.Args
	cmd := ""
	opt := func(flag, text string) { cmd += " " + flag + " " + text }
	if a.Given("uid") && a.Int("uid") != w.have.uid {
		opt("-u", strconv.Itoa(a.Int("uid")))
		cmd += option(a.Bool("non_unique"), " -o")
	}
	if a.Given("group") {
		g, ok := w.findGroup(a.Str("group"))
		if !ok {
			return nil, Fail("Group %s does not exist", a.Str("group"))
		}
		if g.gid != w.have.gid {
			opt("-g", strconv.Itoa(g.gid))
		}
	}
	if a.Given("groups") {
		more, fail := w.groupOptions()
		if fail != nil {
			return nil, fail
		}
		cmd += more
	}
	if a.Given("comment") && a.Str("comment") != w.have.comment {
		opt("-c", quoteText(a.Str("comment")))
	}
	if w.home != "" && w.home != w.have.home {
		opt("-d", quoteText(w.home))
		cmd += option(a.Bool("move_home"), " -m")
	}
	if a.Given("shell") && a.Str("shell") != w.have.shell {
		opt("-s", quoteText(a.Str("shell")))
	}
	if a.Given("expires") {
		if date := expiryDate(a.Float("expires")); date != w.expires() {
			opt("-e", quoteText(date))
		}
	}
	newHash := w.newHash()
	if a.Given("password_lock") && !newHash {
		locked := strings.HasPrefix(w.hash(), "!")
		cmd += option(a.Bool("password_lock") && !locked, " -L") + option(!a.Bool("password_lock") && locked, " -U")
	}
	var steps []string
	if cmd != "" {
		if !w.tool("usermod") {
			return nil, w.c.needs("usermod")
		}
		steps = append(steps, "usermod"+cmd+" -- "+quoteText(w.name))
	}
	if newHash {
		step, fail := w.passwordStep()
		if fail != nil {
			return nil, fail
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// newHash reports whether the password must be set; a lock in front of the
// hash makes it no other password.
func (w *userWork) newHash() bool {
	a := w.c.Args
	return a.Given("password") && a.Str("update_password") == "always" && strings.TrimLeft(w.hash(), "!") != strings.TrimLeft(a.Str("password"), "!")
}

// expires is the day the account ends, "" for never.
func (w *userWork) expires() string {
	days, err := strconv.Atoi(w.shadowField(7))
	if err != nil || days < 0 {
		return ""
	}
	return expiryDate(float64(days) * 86400)
}

// memberships are the groups that list the user.
func (w *userWork) memberships() []string {
	var out []string
	for _, g := range w.groups {
		for _, m := range g.members {
			if m == w.name {
				out = append(out, g.name)
				break
			}
		}
	}
	return out
}

func (w *userWork) groupOptions() (string, *Result) {
	appendTo := w.c.Args.Bool("append")
	current := w.memberships()
	groups, fail := w.wantedGroups(false)
	if fail != nil {
		return "", fail
	}
	missing, extra := without(groups, current), without(current, groups)
	// Being in one's primary group needs no entry.
	missing = without(missing, []string{w.primaryName()})
	if len(missing) == 0 && (appendTo || len(extra) == 0) {
		return "", nil
	}
	return option(appendTo, " -a") + " -G " + quoteText(strings.Join(groups, ",")), nil
}

func (w *userWork) primaryName() string {
	gid := w.have.gid
	if w.c.Args.Given("group") {
		if g, ok := w.findGroup(w.c.Args.Str("group")); ok {
			gid = g.gid
		}
	}
	for _, g := range w.groups {
		if g.gid == gid {
			return g.name
		}
	}
	return ""
}

// without returns the items of a that are not in b.
func without(a, b []string) []string {
	drop := map[string]bool{}
	for _, s := range b {
		drop[s] = true
	}
	var out []string
	for _, s := range a {
		if !drop[s] {
			out = append(out, s)
		}
	}
	return out
}

// addSmall makes an account with BusyBox.
func (w *userWork) addSmall() ([]string, *Result) {
	a := w.c.Args
	cmd := "adduser -D"
	opt := func(flag, text string) { cmd += " " + flag + " " + quoteText(text) }
	if a.Given("uid") {
		opt("-u", strconv.Itoa(a.Int("uid")))
	}
	if a.Given("group") {
		g, ok := w.findGroup(a.Str("group"))
		if !ok {
			return nil, Fail("Group %s does not exist", a.Str("group"))
		}
		opt("-G", g.name)
	}
	if a.Given("comment") {
		opt("-g", a.Str("comment"))
	}
	var steps []string
	if w.home != "" {
		if a.Bool("create_home") {
			steps = append(steps, "mkdir -p -- "+quoteText(path.Dir(w.home)))
		}
		opt("-h", w.home)
	}
	if a.Given("shell") {
		opt("-s", a.Str("shell"))
	}
	cmd += option(!a.Bool("create_home"), " -H")
	if a.Given("skeleton") {
		opt("-k", a.Str("skeleton"))
	}
	cmd += option(a.Bool("system"), " -S")
	steps = append(steps, cmd+" "+quoteText(w.name))
	if a.Given("password") {
		step, fail := w.passwordStep()
		if fail != nil {
			return nil, fail
		}
		steps = append(steps, step)
	}
	groups, fail := w.wantedGroups(true)
	if fail != nil {
		return nil, fail
	}
	for _, g := range groups {
		steps = append(steps, "adduser "+quoteText(w.name)+" "+quoteText(g))
	}
	return steps, nil
}

// modifySmall changes what BusyBox can change: groups and the password.
func (w *userWork) modifySmall() ([]string, *Result) {
	a := w.c.Args
	var steps []string
	if a.Given("groups") {
		groups, fail := w.wantedGroups(true)
		if fail != nil {
			return nil, fail
		}
		current := w.memberships()
		for _, g := range without(groups, current) {
			steps = append(steps, "adduser "+quoteText(w.name)+" "+quoteText(g))
		}
		if !a.Bool("append") {
			for _, g := range without(current, groups) {
				steps = append(steps, "delgroup "+quoteText(w.name)+" "+quoteText(g))
			}
		}
	}
	if w.newHash() {
		step, fail := w.passwordStep()
		if fail != nil {
			return nil, fail
		}
		steps = append(steps, step)
	}
	var left []string
	for name, differs := range map[string]bool{
		"uid": a.Given("uid") && a.Int("uid") != w.have.uid, "comment": a.Given("comment") && a.Str("comment") != w.have.comment,
		"home": w.home != "" && w.home != w.have.home, "shell": a.Given("shell") && a.Str("shell") != w.have.shell,
	} {
		if differs {
			left = append(left, name)
		}
	}
	if sort.Strings(left); len(left) > 0 {
		w.r.Warnings = append(w.r.Warnings, fmt.Sprintf("there is no usermod on %s: %s of %s stay as they are; install the shadow tools to change them", w.c.hostName(), strings.Join(left, ", "), w.name))
	}
	return steps, nil
}

// expiry sets the days between changes of the password.
func (w *userWork) expiry() []string {
	a := w.c.Args
	cmd := ""
	for _, x := range []struct {
		arg, flag string
		field     int
	}{{"password_expire_min", "-m", 3}, {"password_expire_max", "-M", 4}} {
		if a.Given(x.arg) && strconv.Itoa(a.Int(x.arg)) != w.shadowField(x.field) {
			cmd += " " + x.flag + " " + strconv.Itoa(a.Int(x.arg))
		}
	}
	if cmd == "" {
		return nil
	}
	return []string{"chage" + cmd + " -- " + quoteText(w.name)}
}

// homeSteps make a home directory that is missing.
func (w *userWork) homeSteps(created bool) []string {
	a := w.c.Args
	home := w.home
	if home == "" {
		home = w.have.home
	}
	moving := !created && w.home != "" && w.home != w.have.home && a.Bool("move_home")
	if !a.Bool("create_home") || (!created && (w.f.has("home") || moving || home == "")) {
		return nil
	}
	skeleton := a.Str("skeleton")
	if skeleton == "" {
		skeleton = "/etc/skel"
	}
	return []string{"W " + quoteText(skeleton)}
}

// keySteps make an SSH key.
func (w *userWork) keySteps() []string {
	a := w.c.Args
	if !a.Bool("generate_ssh_key") {
		return nil
	}
	if w.f.has("key") || w.f.has("key.pub") {
		kind, file := "private", w.f["key.file"]
		if !w.f.has("key") {
			kind, file = "public", file+".pub"
		}
		if !a.Bool("force") {
			w.r.Warnings = append(w.r.Warnings, fmt.Sprintf("Found existing ssh key %s file %q, no force, so skipping ssh-keygen generation", kind, file))
			return nil
		}
		w.r.Warnings = append(w.r.Warnings, fmt.Sprintf("Overwriting existing ssh key %s file %q", kind, file))
	}
	cmd := "ssh-keygen -q -t " + quoteText(a.Str("ssh_key_type"))
	if a.Int("ssh_key_bits") > 0 {
		cmd += " -b " + strconv.Itoa(a.Int("ssh_key_bits"))
	}
	comment := `"ansible-generated on $(uname -n)"`
	if a.Given("ssh_key_comment") {
		comment = quoteText(a.Str("ssh_key_comment"))
	}
	cmd += " -C " + comment + ` -f "$f"`
	if a.Given("ssh_key_passphrase") {
		// Without a terminal it reads the passphrase, twice, from its input.
		p := quoteText(a.Str("ssh_key_passphrase"))
		cmd = "printf '%s\\n%s\\n' " + p + " " + p + " | " + cmd
	} else {
		cmd += " -N ''"
	}
	return []string{"Y", cmd, `chown "$o" "$f" "$f.pub"`}
}

// userTools are the steps that need the new entry of the account: W makes its
// home directory from a skeleton, Y prepares for its key.
const userTools = `W() {
A >/dev/null
[ -n "$h" ] || return 0
if [ ! -e "$h" ]; then
mkdir -p -- "${h%/*}/" && { if [ -d "$1" ]; then cp -RP -- "$1" "$h"; else mkdir -- "$h"; fi; } || return
m=
if [ -r /etc/login.defs ]; then while read -r n v _; do if [ "$n" = UMASK ]; then m=$v; fi; done </etc/login.defs; fi
case $m in [0-7]*) chmod "$(printf '%04o' $((0777 & ~0$m)))" "$h" ;; esac
x=${e#*:*:}; i=${x%%:*}; x=${x#*:}
chown -R "$i:${x%%:*}" "$h"
fi
}
Y() {
A >/dev/null
K
x=${e#*:*:}; i=${x%%:*}; x=${x#*:}; o=$i:${x%%:*}
d=${f%/*}
[ -d "$d" ] || { mkdir -m 700 -- "$d" && chown "$o" "$d"; } || return
rm -f -- "$f" "$f.pub"
}
`

// take runs the steps in one exchange and looks at the account again.
func (w *userWork) take(ctx context.Context, steps []string) (fields, *Result, error) {
	var s strings.Builder
	s.WriteString(w.words() + lookUser + userTools + "t=$(mktemp) || exit 1\n")
	for _, step := range steps {
		s.WriteString("{ " + step + "\n} >\"$t\" 2>&1 || { r=$?; printf 'rc=%s\\0err=' \"$r\"; cat \"$t\"; printf '\\0'; rm -f \"$t\"; exit 0; }\n")
	}
	s.WriteString("printf 'said='; cat \"$t\"; printf '\\0'\nrm -f \"$t\"\nA\n[ -z \"$k\" ] || P\n")
	f, fail, err := w.c.observe(ctx, s.String())
	if fail != nil || err != nil {
		return nil, fail, err
	}
	if f.has("rc") {
		rc, _ := strconv.Atoi(f.text("rc"))
		msg := strings.TrimSpace(f["err"])
		if msg == "" {
			msg = fmt.Sprintf("the command ended with %d", rc)
		}
		return nil, Fail("%s", value.Str(msg)).Set("name", w.name).Set("rc", rc), nil
	}
	return f, nil, nil
}
