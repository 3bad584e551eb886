package modules

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var fileModule = Module{
	Name:    "ansible.builtin.file",
	Summary: say.T("Makes, changes or removes files, directories and links.", "파일, 디렉터리, 링크를 만들고 바꾸고 지운다."),
	Spec: Spec{File: true, Quiet: []string{"_diff_peek", "_original_basename"}, Params: []Param{
		{Name: "path", Aliases: []string{"dest", "name"}, Type: Path, Required: true, Doc: say.T("The file.", "대상 파일이다.")},
		{Name: "state", Choices: []any{"absent", "directory", "file", "hard", "link", "touch"}, Doc: say.T("What should be there; by default what is there.", "있어야 할 상태이다. 기본은 지금 상태이다.")},
		{Name: "src", Type: Path, Doc: say.T("What a link leads to.", "링크가 가리킬 대상이다.")},
		{Name: "recurse", Type: Bool, Default: false, Doc: say.T("Set the attributes of everything in the directory too.", "디렉터리 안의 모든 것에도 속성을 적용한다.")},
		{Name: "force", Type: Bool, Default: false, Doc: say.T("Make a link to nothing, or in place of a file.", "대상이 없거나 파일이 있어도 링크를 만든다.")},
		{Name: "follow", Type: Bool, Default: true, Doc: say.T("Follow links.", "링크를 따라간다.")},
		{Name: "modification_time", Doc: say.T("preserve, now, or a time.", "preserve, now, 또는 시각이다.")},
		{Name: "modification_time_format", Default: "%Y%m%d%H%M.%S", Doc: say.T("How the time is written.", "시각의 형식이다.")},
		{Name: "access_time", Doc: say.T("preserve, now, or a time.", "preserve, now, 또는 시각이다.")},
		{Name: "access_time_format", Default: "%Y%m%d%H%M.%S", Doc: say.T("How the time is written.", "시각의 형식이다.")},
	}},
	Idempotent: true,
	Returns: []Return{
		{Name: "path", Type: "str", When: "state=absent, directory or file", Doc: say.T("The file.", "대상 파일이다.")},
		{Name: "dest", Type: "str", When: "state=touch, hard or link", Doc: say.T("The file.", "대상 파일이다.")},
		{Name: "src", Type: "str", When: "state=hard or link", Doc: say.T("What the link leads to.", "링크가 가리키는 대상이다.")},
	},
	Run: runFile,
}

// fileTask is one run of the file module.
type fileTask struct {
	*Call
	attrs   attrs
	state   string
	src     string
	force   bool
	follow  bool
	recurse bool
	mtime   stamp
	atime   stamp
	// warnings of what the host does not know (yet).
	warnings []string

	at     found
	source found // what src is, seen from the link's directory
	empty  bool  // the directory at path has nothing in it
	f      fields
	id     identities
	key    string // how the result names the file: path or dest
}

func runFile(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	t := &fileTask{Call: c, attrs: attrsOf(a), state: a.Str("state"), src: a.Str("src"), force: a.Bool("force"),
		follow: a.Bool("follow"), recurse: a.Bool("recurse"), key: "path"}
	if fail := t.readTimes(); fail != nil {
		return fail, nil
	}
	f, fail, err := c.observe(ctx, t.script())
	if fail != nil || err != nil {
		return fail, err
	}
	t.f, t.id = f, t.attrs.identities(f)
	t.at, t.source = f.found("at", f["p"]), f.found("src", t.src)
	t.empty = !f.has("filled")
	if fail := t.settleState(); fail != nil {
		t.at.describe(fail, t.id.secontext)
		return fail, nil
	}
	t.settleTimes()
	r, err := t.run(ctx)
	if r != nil {
		r.Warnings = append(r.Warnings, t.warnings...)
	}
	if r != nil && f.has("shown") && r.Values.At(t.key) == t.at.Path {
		// A slash at the end of the path stays in the result.
		r.Set(t.key, f["shown"])
	}
	if r != nil && r.Failed && (r.Values.Has("path") || r.Values.Has("dest")) {
		t.at.describe(r, t.id.secontext)
	}
	return r, err
}

func (t *fileTask) run(ctx context.Context) (*Result, error) {
	switch t.state {
	case "absent":
		return t.absent(ctx)
	case "directory":
		return t.directory(ctx)
	case "link":
		t.key = "dest"
		return t.link(ctx)
	case "hard":
		t.key = "dest"
		return t.hard(ctx)
	case "touch":
		t.key = "dest"
		return t.touch(ctx)
	}
	return t.file(ctx)
}

// script observes the path, its source, and the tree when that matters.
func (t *fileTask) script() string {
	var s strings.Builder
	s.WriteString(walkTools + "p=" + quotePath(t.Args.Str("path")) + "\n")
	if t.src != "" {
		s.WriteString("s=" + quotePath(t.src) + "\nprintf 's=%s\\0' \"$s\"\n")
		if t.state != "link" && t.state != "absent" {
			s.WriteString("if [ -d \"$p\" ]; then p=${p%/}/${s##*/}; fi\n")
		}
	}
	s.WriteString("case $p in /) ;; */) printf 'shown=%s\\0' \"$p\"; p=${p%/};; esac\n" + parentScript + "O at \"$p\"\n" + t.attrs.lookup())
	if t.src != "" {
		if t.state == "link" {
			s.WriteString("case $s in /*) ;; *) if [ -d \"$p\" ] && [ ! -h \"$p\" ]; then s=$p/$s; else s=$d/$s; fi;; esac\nprintf 'abs=%s\\0' \"$s\"\n")
		}
		s.WriteString("O src \"$s\"\n")
	}
	if t.state == "link" || t.state == "hard" {
		// Only where a directory may give way to a link: reading one changes its time of access.
		s.WriteString("if [ -d \"$p\" ] && [ ! -h \"$p\" ]; then for x in \"$p\"/* \"$p\"/.[!.]* \"$p\"/..?*; do if [ -e \"$x\" ] || [ -h \"$x\" ]; then printf 'filled=1\\0'; break; fi; done\nfi\n")
	}
	if t.Check {
		// A number is as good as a name only when the host knows it.
		for name, who := range map[string]string{"passwd": t.attrs.owner, "group": t.attrs.group} {
			if isNumber(who) {
				s.WriteString("if command -v getent >/dev/null 2>&1; then getent " + name + " " + who + " >/dev/null || printf 'no" + name + "=1\\0'; fi\n")
			}
		}
	}
	s.WriteString(t.mtime.script("mtime") + t.atime.script("atime"))
	switch {
	case t.recurse && t.state != "absent":
		top := "W \"$t\"\n"
		if t.follow {
			top += walkLinks + "L \"$t\"\n"
		}
		s.WriteString("if [ -d \"$p\" ]; then\nt=$p\nif [ -h \"$p\" ]; then t=$(readlink -f \"$p\"); fi\n" + top + "fi\n")
	case t.state == "absent" && t.Diff:
		s.WriteString("if [ -d \"$p\" ] && [ ! -h \"$p\" ]; then W \"$p\"; fi\n")
	}
	return s.String()
}

// settleState chooses the state when none is asked for, and refuses arguments
// that contradict it.
func (t *fileTask) settleState() *Result {
	if t.state == "" {
		switch have := t.at.state(); {
		case have != "absent":
			t.state = have
		case t.recurse:
			t.state = "directory"
		default:
			t.state = "file"
		}
	}
	if t.recurse && t.state != "directory" {
		return Fail("recurse option requires state to be 'directory'").Set("path", t.at.Path)
	}
	if t.src != "" && t.state != "link" && t.state != "hard" {
		return Fail("src option requires state to be 'link' or 'hard'").Set("path", t.at.Path)
	}
	if t.Check && t.state != "absent" {
		t.warnUnknown()
	}
	return nil
}

// warnUnknown tells of names that may be made earlier in a real run.
func (t *fileTask) warnUnknown() {
	if t.f.has("nopasswd") {
		t.warnings = append(t.warnings, "failed to look up user with uid "+t.attrs.owner+". Create user up to this point in real play")
	}
	if t.f.has("nogroup") {
		t.warnings = append(t.warnings, "failed to look up group with gid "+t.attrs.group+". Create group up to this point in real play")
	}
	if t.attrs.owner != "" && t.id.uid < 0 {
		t.warnings = append(t.warnings, "failed to look up user "+t.attrs.owner+". Create user up to this point in real play")
	}
	if t.attrs.group != "" && t.id.gid < 0 {
		t.warnings = append(t.warnings, "failed to look up group "+t.attrs.group+". Create group up to this point in real play")
	}
}

// readTimes reads the times that the task asks for.
func (t *fileTask) readTimes() *Result {
	for name, into := range map[string]*stamp{"modification_time": &t.mtime, "access_time": &t.atime} {
		text, format := t.Args.Str(name), t.Args.Str(name+"_format")
		s, err := readStamp(text, format)
		if err != nil {
			return Fail("Error while obtaining timestamp for time %s using format %s: %v", text, format, err)
		}
		*into = s
	}
	return nil
}

// settleTimes chooses the times when none are asked for, and takes those that
// the host has turned into seconds.
func (t *fileTask) settleTimes() {
	for name, s := range map[string]*stamp{"mtime": &t.mtime, "atime": &t.atime} {
		switch {
		case s.kind == "" && t.state == "touch":
			s.kind = "now"
		case s.kind == "at":
			s.unix = int64(t.f.number(name))
		}
	}
}

// difference begins the diff of a state, as Ansible shows it.
func (t *fileTask) difference(at found, state string) (before, after *value.Dict) {
	before, after = value.NewDict("path", at.Path), value.NewDict("path", at.Path)
	if have := at.state(); have != state {
		before.Set("state", have)
		after.Set("state", state)
	}
	return before, after
}

func (t *fileTask) result(changed bool, at found, before, after *value.Dict) *Result {
	r := ChangedIf(changed).Set(t.key, at.Path)
	r.difference(t.Diff, before, after)
	at.describe(r, t.id.secontext)
	return r
}

func (t *fileTask) absent(ctx context.Context) (*Result, error) {
	if t.at.Inode == nil {
		return OK().Set("path", t.at.Path).Set("state", "absent"), nil
	}
	before, after := t.difference(t.at, "absent")
	if t.Diff && t.at.state() == "directory" {
		before.Set("path_content", t.treeNames())
	}
	if !t.Check {
		rm := "rm -f \"$p\" || E 'unlinking failed' rm\n"
		if t.at.Inode.isDir() {
			rm = "rm -rf \"$p\" || E 'rmtree failed' rm\n"
		}
		_, fail, err := t.observe(ctx, applyTools+"p="+quoteText(dashless(t.at.Path))+"\n"+rm)
		if fail != nil {
			fail.Set("path", t.at.Path)
		}
		if fail != nil || err != nil {
			return fail, err
		}
	}
	r := ChangedIf(true).Set("path", t.at.Path).Set("state", "absent")
	if t.Check {
		// It is still there, and Ansible tells what it is.
		t.at.describe(r, t.id.secontext)
	}
	r.difference(t.Diff, before, after)
	return r, nil
}

// treeNames lists what is in a directory that goes away.
func (t *fileTask) treeNames() *value.Dict {
	dirs, files := &value.List{}, &value.List{}
	for _, at := range t.f.batches() {
		if at.Inode != nil && at.Inode.isDir() {
			dirs.Append(at.Path)
		} else {
			files.Append(at.Path)
		}
	}
	return value.NewDict("directories", dirs, "files", files)
}

func (t *fileTask) file(ctx context.Context) (*Result, error) {
	at := t.at
	if at.isLink() && t.follow {
		at = at.followed()
	}
	if s := at.state(); s != "file" && s != "hard" {
		return Fail("file (%s) is %s, cannot continue", at.Path, s).Set("path", at.Path).Set("state", s), nil
	}
	before, after := t.difference(at, "file")
	return t.settle(ctx, at, "", false, before, after)
}

// settle makes what is there have its attributes and times, after running make
// (which made a change of its own when made is true).
func (t *fileTask) settle(ctx context.Context, at found, make string, made bool, before, after *value.Dict) (*Result, error) {
	// Attributes of a link are those of what it leads to, when following.
	on := at
	if t.follow && at.isLink() {
		on = at.followed()
	}
	change, fail := t.attrs.compare(on, t.id)
	if fail != nil {
		return fail, nil
	}
	before.Update(change.before)
	after.Update(change.after)
	stamps := t.stampChange(on, before, after)
	changed := made || change.needed() || stamps != ""
	if !changed || t.Check {
		return t.result(changed, at, before, after), nil
	}
	script := applyTools + "p=" + quoteText(dashless(at.Path)) + "\nq=" + quoteText(dashless(on.Path)) + "\n" + make + change.script(`"$q"`) + stamps + "O new \"$p\"\n"
	f, fail, err := t.observe(ctx, script)
	if fail != nil {
		fail.Set("path", at.Path)
	}
	if fail != nil || err != nil {
		return fail, err
	}
	return t.result(true, f.found("new", at.Path), before, after), nil
}

// stampChange sets the times of $q when they are not as asked for.
func (t *fileTask) stampChange(at found, before, after *value.Dict) string {
	if at.Inode == nil {
		return ""
	}
	var s strings.Builder
	if t.mtime.changes(at.Inode.Mtime) {
		before.Set("mtime", int(at.Inode.Mtime))
		after.Set("mtime", t.mtime.value())
		s.WriteString("touch -c -m " + t.mtime.option() + "\"$q\" || E 'Error while updating modification or access time' touch\n")
	}
	if t.atime.changes(at.Inode.Atime) {
		before.Set("atime", int(at.Inode.Atime))
		after.Set("atime", t.atime.value())
		if t.mtime.kind == "now" && t.atime.kind == "now" && s.Len() > 0 {
			// Whoever may write a file may set both times to now, not one of them.
			return "touch -c \"$q\" || E 'Error while updating modification or access time' touch\n"
		}
		s.WriteString("touch -c -a " + t.atime.option() + "\"$q\" || E 'Error while updating modification or access time' touch\n")
	}
	return s.String()
}

func (t *fileTask) directory(ctx context.Context) (*Result, error) {
	at := t.at
	if at.isLink() && t.follow {
		at = at.followed()
	}
	before, after := t.difference(at, "directory")
	switch s := at.state(); s {
	case "absent":
		return t.makeDirectory(ctx, at, before, after)
	case "directory":
	default:
		return Fail("%s already exists as a %s", at.Path, s).Set("path", at.Path), nil
	}
	r, err := t.settle(ctx, at, "", false, before, after)
	if err != nil || r.Failed || !t.recurse {
		return r, err
	}
	below, fail, err := t.ownBelow(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	r.Changed = r.Changed || below
	return r, nil
}

func (t *fileTask) makeDirectory(ctx context.Context, at found, before, after *value.Dict) (*Result, error) {
	if t.Check {
		return t.result(true, at, before, after), nil
	}
	fresh := found{Path: at.Path, Inode: t.id.fresh(typeDir)}
	change, fail := t.attrs.compare(fresh, t.id)
	if fail != nil {
		return fail, nil
	}
	before.Update(change.before)
	after.Update(change.after)
	script := applyTools + makeDirsScript(change) + "p=" + quoteText(dashless(at.Path)) + "\nq=$p\nM \"$p\"\n" + t.stampChange(fresh, before, after) + "O new \"$p\"\n"
	f, fail, err := t.observe(ctx, script)
	if fail != nil {
		fail.Set("path", at.Path)
	}
	if fail != nil || err != nil {
		return fail, err
	}
	return t.result(true, f.found("new", at.Path), before, after), nil
}

// ownBelow sets the attributes of everything in the directory, in as few
// exchanges as scripts of bounded size allow.
func (t *fileTask) ownBelow(ctx context.Context) (bool, *Result, error) {
	var s strings.Builder
	changed := false
	flush := func() (*Result, error) {
		if s.Len() == 0 || t.Check {
			return nil, nil
		}
		_, fail, err := t.observe(ctx, applyTools+s.String())
		s.Reset()
		return fail, err
	}
	for _, at := range t.f.batches() {
		if at.isLink() && !t.follow && t.attrs.owner == "" && t.attrs.group == "" {
			continue
		}
		change, fail := t.attrs.compare(at, t.id)
		if fail != nil {
			return changed, fail, nil
		}
		word := quoteText(dashless(at.Path))
		stamps := ""
		if !at.isLink() {
			stamps = strings.ReplaceAll(t.stampChange(at, &value.Dict{}, &value.Dict{}), `"$q"`, word)
		}
		if !change.needed() && stamps == "" {
			continue
		}
		changed = true
		s.WriteString(change.script(word) + stamps)
		if s.Len() > maxInline {
			if fail, err := flush(); fail != nil || err != nil {
				return changed, fail, err
			}
		}
	}
	fail, err := flush()
	return changed, fail, err
}

func (t *fileTask) touch(ctx context.Context) (*Result, error) {
	before, after := t.difference(t.at, "touch")
	if t.at.exists() || t.at.isLink() {
		return t.settle(ctx, t.at, "", false, before, after)
	}
	if t.Check {
		return ChangedIf(true).Set("dest", t.at.Path), nil
	}
	fresh := found{Path: t.at.Path, Inode: t.id.fresh(typeFile)}
	r, err := t.settle(ctx, fresh, ": >>\"$p\" || E 'Error, could not touch target' :\n", true, before, after)
	if err == nil && r.Failed {
		// A file that cannot be as it should be is not left behind.
		if _, _, err := t.observe(ctx, "rm -f "+quoteText(dashless(t.at.Path))+"\n"); err != nil {
			return nil, err
		}
	}
	return r, err
}

func (t *fileTask) link(ctx context.Context) (*Result, error) {
	at := t.at
	src := t.src
	if src == "" && t.follow && at.isLink() {
		src = at.To
	} else if src != "" {
		src = t.f["s"]
	}
	if fail := t.refuseLink(src); fail != nil {
		return fail, nil
	}
	before, after := t.difference(at, "link")
	changed := !at.isLink()
	if changed && src == "" {
		return Fail("src is required for creating new symlinks"), nil
	}
	if at.isLink() && src != "" && at.To != src {
		before.Set("src", at.To)
		after.Set("src", src)
		changed = true
	}
	if !changed {
		return t.settleLink(ctx, at, src, before, after)
	}
	if t.Check {
		r := t.result(true, at, before, after)
		return r.Set("src", src), nil
	}
	script := applyTools + "p=" + quoteText(dashless(at.Path)) + "\n"
	if at.state() == "directory" {
		script += "rmdir \"$p\" || E 'Error while replacing' rmdir\n"
	}
	f, fail, err := t.observe(ctx, script+linkScript(src, at.Path)+"O at \"$p\"\n")
	if fail != nil {
		fail.Set("path", at.Path)
	}
	if fail != nil || err != nil {
		return fail, err
	}
	r, err := t.settleLink(ctx, f.found("at", at.Path), src, before, after)
	if r != nil && !r.Failed {
		r.Changed = true
	}
	return r, err
}

// settleLink sets the attributes of what a link leads to.
func (t *fileTask) settleLink(ctx context.Context, at found, src string, before, after *value.Dict) (*Result, error) {
	if t.follow && !at.exists() {
		if t.Controller != nil {
			t.Controller.Warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.")
		}
		return t.result(false, at, before, after).Set("src", src), nil
	}
	r, err := t.settle(ctx, at, "", false, before, after)
	if r != nil && !r.Failed {
		r.Set("src", src)
	}
	return r, err
}

func (t *fileTask) refuseLink(src string) *Result {
	at := t.at
	if !t.force && t.src != "" && !t.source.exists() {
		return Fail("src file does not exist, use \"force=yes\" if you really want to create the link: %s", t.f["abs"]).
			Set("path", at.Path).Set("src", src)
	}
	s := at.state()
	switch {
	case s == "directory" && t.force && !t.empty:
		return Fail("the directory %s is not empty, refusing to convert it", at.Path).Set("path", at.Path)
	case (s == "directory" || s == "file" || s == "hard") && !t.force:
		return Fail("refusing to convert from %s to symlink for %s", s, at.Path).Set("path", at.Path)
	}
	return nil
}

func (t *fileTask) hard(ctx context.Context) (*Result, error) {
	at, src := t.at, t.src
	s := at.state()
	if src != "" {
		src = t.f["s"]
	}
	if s != "hard" && src == "" {
		return Fail("src is required for creating new hardlinks"), nil
	}
	if src != "" && !t.source.exists() {
		return Fail("src does not exist").Set("dest", at.Path).Set("src", src), nil
	}
	same := src != "" && at.Inode != nil && sameInode(*at.Inode, t.source.followed().Inode)
	before, after := t.difference(at, "hard")
	changed := false
	switch s {
	case "absent":
		changed = true
	case "link":
		if at.To != src {
			before.Set("src", at.To)
			after.Set("src", src)
			changed = true
		}
	case "hard":
		if changed = src != "" && !same; changed && !t.force {
			return Fail("Cannot link, different hard link exists at destination").Set("dest", at.Path).Set("src", src), nil
		}
	case "file":
		if changed = true; !t.force {
			return Fail("Cannot link, %s exists at destination", s).Set("dest", at.Path).Set("src", src), nil
		}
	default:
		if same {
			return OK().Set("path", at.Path), nil
		}
		return Fail("Cannot link: different hard link exists at destination").Set("dest", at.Path).Set("src", src), nil
	}
	on := at
	make := ""
	if changed {
		on = found{Path: at.Path, Inode: t.source.followed().Inode}
		make = "T=" + quoteText(dashless(path.Join(path.Dir(at.Path), ".sunup-"+randomName()))) + "\nln " + quoteText(dashless(src)) +
			" \"$T\" || E 'Error while linking' ln\nmv -f \"$T\" \"$p\" || E 'Error while replacing' mv\n" +
			// mv leaves both names when they are one file already.
			"rm -f \"$T\"\nT=\n"
		if t.Check && at.Inode == nil {
			r := ChangedIf(true).Set("dest", at.Path).Set("src", src)
			r.difference(t.Diff, before, after)
			return r, nil
		}
	}
	r, err := t.settle(ctx, on, make, changed, before, after)
	if r != nil && !r.Failed {
		r.Set("src", src)
	}
	return r, err
}

func sameInode(a inode, b *inode) bool { return b != nil && a.Ino == b.Ino && a.Dev == b.Dev }

// stamp is a time that a file should have: as it is (empty or preserve), now,
// or a moment in the host's own zone.
type stamp struct {
	kind string // "", preserve, now, at
	at   moment
	unix int64 // of at, as the host computed it
}

// moment is a local time of the host, which only the host can turn into
// seconds.
type moment struct{ year, month, day, hour, minute, second int }

func readStamp(text, format string) (stamp, error) {
	if text == "" || text == "preserve" || text == "now" {
		return stamp{kind: text}, nil
	}
	m, err := parseMoment(text, format)
	return stamp{kind: "at", at: m}, err
}

// script asks the host for the seconds of a moment.
func (s stamp) script(name string) string {
	if s.kind != "at" {
		return ""
	}
	m := s.at
	return fmt.Sprintf("printf '%s='; date -d '%04d-%02d-%02d %02d:%02d:%02d' +%%s || [ \"$?\" != 127 ] || N date\nprintf '\\0'\n",
		name, m.year, m.month, m.day, m.hour, m.minute, m.second)
}

// changes reports whether the time must be set.
func (s stamp) changes(have int64) bool {
	return s.kind == "now" || s.kind == "at" && s.unix != have
}

func (s stamp) value() any {
	if s.kind == "now" {
		return "now"
	}
	return int(s.unix)
}

// option is the argument of touch, with a space after it.
func (s stamp) option() string {
	if s.kind == "now" {
		return ""
	}
	m := s.at
	return fmt.Sprintf("-t %04d%02d%02d%02d%02d.%02d ", m.year, m.month, m.day, m.hour, m.minute, m.second)
}

// parseMoment reads a time by a strptime format.
func parseMoment(text, format string) (moment, error) {
	m := moment{year: 1900, month: 1, day: 1}
	bad := fmt.Errorf("time data '%s' does not match format '%s'", text, format)
	rest := text
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			if !strings.HasPrefix(rest, format[i:i+1]) {
				return m, bad
			}
			rest = rest[1:]
			continue
		}
		i++
		width, into := 2, (*int)(nil)
		switch format[i] {
		case 'Y':
			width, into = 4, &m.year
		case 'm':
			into = &m.month
		case 'd':
			into = &m.day
		case 'H':
			into = &m.hour
		case 'M':
			into = &m.minute
		case 'S':
			into = &m.second
		case '%':
			if !strings.HasPrefix(rest, "%") {
				return m, bad
			}
			rest = rest[1:]
			continue
		default:
			return m, fmt.Errorf("'%c' is a bad directive in format '%s'", format[i], format)
		}
		n := 0
		for n < width && n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi(rest[:n])
		if err != nil {
			return m, bad
		}
		*into, rest = v, rest[n:]
	}
	if rest != "" {
		return m, fmt.Errorf("unconverted data remains: %s", rest)
	}
	if m.month < 1 || m.month > 12 || m.day < 1 || m.day > 31 || m.hour > 23 || m.minute > 59 || m.second > 61 {
		return m, bad
	}
	return m, nil
}
