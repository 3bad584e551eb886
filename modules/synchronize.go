package modules

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var (
	ownConnectionDoc = say.T("our own connection is used.", "우리의 연결을 쓴다.")
	notDoneDoc       = say.T("Not done here: the task fails.", "여기서는 하지 않으며 작업이 실패한다.")
)

var synchronizeModule = Module{
	Name:       "ansible.posix.synchronize",
	Summary:    say.T("Makes a directory the same on the controller and the host.", "제어 서버와 호스트의 디렉터리를 같게 만든다."),
	Notes:      say.T("Goes through our own connection: neither side needs rsync, the host needs tar for push. Files are compared by size and time, or by checksum. Times of directories are not kept; owner and group are kept when pushing as root. Of rsync_opts, --exclude and what only changes output are known. Delegated to the host itself, rsync of the host does the work.", "우리의 연결로 하므로 양쪽에 rsync가 필요 없고 push에는 호스트의 tar가 필요하다. 파일은 크기와 시각 또는 체크섬으로 견준다. 디렉터리의 시각은 지키지 않으며 소유자와 그룹은 root로 push할 때 지킨다. rsync_opts는 --exclude와 출력만 바꾸는 것을 안다. 호스트 자신에게 위임하면 호스트의 rsync가 일한다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "src", Required: true, Doc: say.T("What to copy; with / at the end, what is in it.", "복사할 것. 끝이 /이면 그 안의 것.")},
		{Name: "dest", Required: true, Doc: say.T("Where to.", "복사할 곳.")},
		{Name: "mode", Default: "push", Choices: []any{"pull", "push"}, Doc: say.T("push to the host or pull from it.", "호스트로 보내거나(push) 가져온다(pull).")},
		{Name: "delete", Type: Bool, Default: false, Doc: say.T("Remove what src does not have.", "src에 없는 것을 지운다.")},
		{Name: "checksum", Type: Bool, Default: false, Doc: say.T("Compare by checksum.", "체크섬으로 견준다.")},
		{Name: "existing_only", Type: Bool, Default: false, Doc: say.T("Make nothing new.", "새로 만들지 않는다.")},
		{Name: "archive", Type: Bool, Default: true, Doc: say.T("With links, permissions, times, owner and group.", "링크, 권한, 시각, 소유자, 그룹까지.")},
		{Name: "recursive", Type: Bool, Doc: say.T("With what is below; as archive.", "아래까지. 없으면 archive와 같다.")},
		{Name: "links", Type: Bool, Doc: say.T("Copy links as links; as archive.", "링크를 링크로. 없으면 archive와 같다.")},
		{Name: "copy_links", Type: Bool, Default: false, Doc: say.T("Copy what links lead to (push).", "링크가 가리키는 것을 복사한다(push).")},
		{Name: "perms", Type: Bool, Doc: say.T("Keep permissions; as archive.", "권한을 지킨다. 없으면 archive와 같다.")},
		{Name: "times", Type: Bool, Doc: say.T("Keep times; as archive.", "시각을 지킨다. 없으면 archive와 같다.")},
		{Name: "owner", Type: Bool, Doc: say.T("Keep owners; as archive.", "소유자를 지킨다. 없으면 archive와 같다.")},
		{Name: "group", Type: Bool, Doc: say.T("Keep groups; as archive.", "그룹을 지킨다. 없으면 archive와 같다.")},
		{Name: "rsync_opts", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Options of rsync: --exclude.", "rsync의 옵션: --exclude.")},
		{Name: "dirs", Type: Bool, Default: false, Doc: notDoneDoc},
		{Name: "link_dest", Type: List, Elements: Str, Doc: notDoneDoc},
		{Name: "compress", Type: Bool, Default: true, NoEffect: true, Doc: ownConnectionDoc},
		{Name: "delay_updates", Type: Bool, Default: true, NoEffect: true, Doc: say.T("files always come into place at the end.", "파일은 늘 끝에 제자리에 놓인다.")},
		{Name: "partial", Type: Bool, Default: false, NoEffect: true, Doc: say.T("a file is there whole or not at all.", "파일은 통째로 있거나 없다.")},
		{Name: "dest_port", Type: Int, NoEffect: true, Doc: ownConnectionDoc},
		{Name: "private_key", Type: Path, NoEffect: true, Doc: ownConnectionDoc},
		{Name: "rsync_path", NoEffect: true, Doc: ownConnectionDoc},
		{Name: "rsync_timeout", Type: Int, Default: 0, NoEffect: true, Doc: ownConnectionDoc},
		{Name: "set_remote_user", Type: Bool, Default: true, NoEffect: true, Doc: ownConnectionDoc},
		{Name: "ssh_connection_multiplexing", Type: Bool, Default: false, NoEffect: true, Doc: ownConnectionDoc},
		{Name: "use_ssh_args", Type: Bool, Default: false, NoEffect: true, Doc: ownConnectionDoc},
		{Name: "verify_host", Type: Bool, Default: false, NoEffect: true, Doc: say.T("host keys are always checked.", "호스트 키는 늘 확인한다.")},
	}},
	Returns: []Return{
		{"msg", "str", "success", say.T("What was copied, a line each, as rsync tells it.", "복사한 것을 rsync처럼 한 줄씩.")},
		{"stdout_lines", "list", "success", say.T("The same as a list.", "같은 것의 목록.")},
		{"rc", "int", "success", say.T("0.", "0.")},
		{"cmd", "str", "success", say.T("What was done.", "한 일.")},
	},
	Run: runSynchronize,
}

// Delegated is a Controller that knows to which host a task was delegated.
type Delegated interface {
	// Delegate is the name of that host, "" without delegate_to.
	Delegate() string
}

// sync is one run of the module.
type syncRun struct {
	*Call
	exclude                           []*excludePattern
	links, perms, times, owner, group bool
	src, dest                         map[string]syncEntry
	from, to                          string // the roots
}

// syncEntry is a file, directory or link of one side.
type syncEntry struct {
	kind         byte // f, d or L
	size, mtime  int64
	mode         uint32
	owner, group string
	link         string
	path         string // where it is
}

func runSynchronize(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	s := &syncRun{Call: c}
	for _, o := range []struct {
		name string
		to   *bool
	}{{"links", &s.links}, {"perms", &s.perms}, {"times", &s.times}, {"owner", &s.owner}, {"group", &s.group}} {
		*o.to = a.Bool("archive")
		if a.Given(o.name) {
			*o.to = a.Bool(o.name)
		}
	}
	if fail := s.refuse(); fail != nil {
		return fail, nil
	}
	if d, ok := c.Controller.(Delegated); ok && d.Delegate() != "" {
		if d.Delegate() != c.hostName() {
			return Fail("synchronize between two hosts is not supported (delegate_to: %s): without delegate_to, the controller is the other side", d.Delegate()), nil
		}
		return s.onHost(ctx)
	}
	if a.Str("mode") == "pull" {
		return s.pull(ctx)
	}
	return s.push(ctx)
}

// refuse says what cannot be done, and reads rsync_opts.
func (s *syncRun) refuse() *Result {
	a := s.Args
	switch {
	case a.Bool("dirs"), len(a.List("link_dest")) > 0:
		return Fail("dirs and link_dest are not supported here; run rsync in a command")
	case a.Given("recursive") && !a.Bool("recursive"), !a.Given("recursive") && !a.Bool("archive"):
		return Fail("synchronize without recursion is not supported here; use copy")
	case strings.HasPrefix(a.Str("src"), "rsync://"), strings.HasPrefix(a.Str("dest"), "rsync://"):
		return Fail("rsync:// is not supported here; run rsync in a command")
	case a.Str("mode") == "pull" && (a.Bool("copy_links") || a.Bool("checksum")):
		return Fail("copy_links and checksum are supported for push only")
	}
	quiet := []string{"--no-motd", "--progress", "--stats", "-v", "-vv", "-q", "-h", "--verbose", "--quiet", "--human-readable", "--itemize-changes", "-i", "-z", "--compress", "-r", "--recursive", "--delay-updates", "--partial"}
	opts := a.Strings("rsync_opts")
	for i := 0; i < len(opts); i++ {
		pattern, ok := strings.CutPrefix(opts[i], "--exclude=")
		switch {
		case opts[i] == "--exclude" && i+1 < len(opts):
			i++
			pattern, ok = opts[i], true
		case slices.Contains(quiet, opts[i]) || opts[i] == "":
			continue
		}
		if !ok {
			return Fail("rsync_opts: %s is not supported here: --exclude is; or run rsync in a command", opts[i])
		}
		s.exclude = append(s.exclude, newExclude(strings.Trim(pattern, `'"`)))
	}
	return nil
}

// root is where the tree goes: with / at its end src is what is in it.
func (s *syncRun) root(dest string, srcIsDir, destIsDir bool) string {
	src := s.Args.Str("src")
	switch {
	case srcIsDir && strings.HasSuffix(src, "/"):
		return strings.TrimSuffix(dest, "/")
	case srcIsDir, destIsDir, strings.HasSuffix(dest, "/"):
		return strings.TrimSuffix(dest, "/") + "/" + path.Base(path.Clean(src))
	}
	return dest
}

// shown is an entry as rsync tells it: with the last part of src, unless src
// ends with /.
func (s *syncRun) shown(rel string) string {
	src := s.Args.Str("src")
	if s.src["."].kind == 'd' && strings.HasSuffix(src, "/") {
		return rel
	}
	return path.Join(path.Base(path.Clean(src)), rel)
}

// plan compares both sides and returns the lines to tell, what must be sent,
// what is only to be set, and what must go.
func (s *syncRun) plan(sum func(rel string) bool) (told, send, set, gone []string) {
	mark := map[bool]string{true: "<", false: ">"}[s.Args.Str("mode") == "push"]
	for _, rel := range sortedRels(s.src) {
		want, have := s.src[rel], s.dest[rel]
		flags, differs := s.differs(want, have, func() bool { return sum(rel) })
		name := s.shown(rel)
		if want.kind == 'd' {
			name += "/"
		}
		switch {
		case have.kind == 0 && s.Args.Bool("existing_only"):
		case have.kind != want.kind:
			send = append(send, rel)
			sign := map[byte]string{'f': mark + "f", 'd': "cd", 'L': "cL"}[want.kind]
			told = append(told, sign+"+++++++++ "+name+option(want.kind == 'L', " -> "+want.link))
		case differs:
			send = append(send, rel)
			told = append(told, mark+string(want.kind)+flags+" "+name+option(want.kind == 'L', " -> "+want.link))
		case strings.Trim(flags, ".") != "":
			set = append(set, rel)
			told = append(told, "."+string(want.kind)+flags+" "+name)
		}
	}
	if s.Args.Bool("delete") {
		for _, rel := range sortedRels(s.dest) {
			if _, ok := s.src[rel]; !ok && rel != "." {
				gone = append(gone, rel)
				told = append(told, "*deleting   "+s.shown(rel)+option(s.dest[rel].kind == 'd', "/"))
			}
		}
	}
	return told, send, set, gone
}

// differs compares one entry: the letters are rsync's, checksum, size, time,
// permissions, owner, group.
func (s *syncRun) differs(want, have syncEntry, sameSum func() bool) (flags string, send bool) {
	f := []byte(".........")
	switch want.kind {
	case 'f':
		switch {
		case want.size != have.size:
			f[1], send = 's', true
		case s.Args.Bool("checksum") || !s.times:
			if have.kind == 'f' && !sameSum() {
				f[0], send = 'c', true
			}
		case want.mtime != have.mtime:
			send = true
		}
		if s.times && want.mtime != have.mtime {
			f[2] = 't'
		}
	case 'L':
		if send = want.link != have.link; send {
			f[0] = 'c'
		}
		return string(f), send
	}
	if s.perms && want.mode != have.mode {
		f[3] = 'p'
	}
	if s.owner && want.owner != have.owner && want.owner != "" {
		f[4] = 'o'
	}
	if s.group && want.group != have.group && want.group != "" {
		f[5] = 'g'
	}
	return string(f), send
}

func sortedRels(m map[string]syncEntry) []string {
	rels := make([]string, 0, len(m))
	for rel := range m {
		rels = append(rels, rel)
	}
	sort.Strings(rels)
	return rels
}

// blocked names a directory with something in it where a file should be, which
// only delete clears away.
func (s *syncRun) blocked(send []string) *Result {
	for _, rel := range send {
		if s.Args.Bool("delete") || s.src[rel].kind == 'd' || s.dest[rel].kind != 'd' {
			continue
		}
		for other := range s.dest {
			if strings.HasPrefix(other, rel+"/") {
				return Fail("could not make way for %s: it is a directory that is not empty at the other side; delete: true clears it away", rel)
			}
		}
	}
	return nil
}

// result tells what was copied.
func (s *syncRun) result(told []string) *Result {
	r := ChangedIf(len(told) > 0).Set("rc", 0).Set("cmd", "synchronize "+quoteText(s.from)+" "+quoteText(s.to)).Set("stdout_lines", value.Strings(told))
	r.Msg = strings.Join(told, "\n")
	if len(told) > 0 {
		r.Msg += "\n"
	}
	r.Set("msg", r.Msg)
	if s.Diff && len(told) > 0 {
		r.Diffs = []Diff{{Prepared: r.Msg}}
	}
	return r
}

// hostTree lists a tree of the host; its root is ".". exists tells whether
// there is one.
func (s *syncRun) hostTree(ctx context.Context, at string) (tree map[string]syncEntry, root string, fail *Result, err error) {
	f, fail, err := s.observe(ctx, walkTools+"p="+quotePath(at)+"\nprintf 'p=%s\\0uid=%s\\0' \"$p\" \"$(id -u)\"\nO at \"$p\"\n"+
		"if [ -d \"$p\" ]; then W \"$p\"; printf 'links='; find \"$p\" -type l 2>/dev/null | while IFS= read -r l; do printf '%s\\n%s\\n' \"$l\" \"$(readlink \"$l\")\"; done; printf '\\0'; fi\n")
	if fail != nil || err != nil {
		return nil, "", fail, err
	}
	root = f["p"]
	if s.Args.Str("mode") == "push" && f.text("uid") != "0" {
		s.owner, s.group = false, false // only root may give files away
	}
	links := map[string]string{}
	list := strings.Split(f["links"], "\n")
	for i := 0; i+1 < len(list); i += 2 {
		links[list[i]] = list[i+1]
	}
	tree = map[string]syncEntry{}
	top := f.found("at", root).followed()
	if top.Inode == nil {
		return tree, root, nil, nil
	}
	tree["."] = entryOf(top, links)
	for _, at := range f.batches() {
		rel := strings.TrimPrefix(at.Path, strings.TrimSuffix(root, "/")+"/")
		if e := entryOf(at, links); e.kind != 0 && !s.excluded(rel, e.kind == 'd', tree) {
			tree[rel] = e
		}
	}
	return tree, root, nil, nil
}

func entryOf(at found, links map[string]string) syncEntry {
	in := at.Inode
	if in == nil {
		return syncEntry{}
	}
	e := syncEntry{size: in.Size, mtime: in.Mtime, mode: in.Mode & permBits, owner: in.Owner, group: in.Group, path: at.Path}
	switch {
	case in.isFile():
		e.kind = 'f'
	case in.isDir():
		e.kind = 'd'
	case in.isLink():
		e.kind, e.link = 'L', links[at.Path]
	}
	return e
}

// excluded reports whether a pattern leaves out the path or what it is in:
// directories come before what is in them, and are left out of the tree.
func (s *syncRun) excluded(rel string, dir bool, tree map[string]syncEntry) bool {
	if up := path.Dir(rel); up != "." {
		if _, ok := tree[up]; !ok {
			return true
		}
	}
	return slices.ContainsFunc(s.exclude, func(p *excludePattern) bool { return p.matches(rel, dir) })
}

// push makes the host's tree that of the controller.
func (s *syncRun) push(ctx context.Context) (*Result, error) {
	a := s.Args
	from, err := s.Controller.Find("files", strings.TrimSuffix(a.Str("src"), "/"))
	if err != nil {
		return Fail("%s", err), nil
	}
	if s.src, err = s.localTree(from, a.Bool("copy_links")); err != nil {
		return Fail("cannot read %s: %s", from, err), nil
	}
	isDir := s.src["."].kind == 'd'
	dest := a.Str("dest")
	if !isDir && !strings.HasSuffix(dest, "/") { // a file goes into a directory that is there
		tree, _, fail, err := s.hostTree(ctx, dest)
		if fail != nil || err != nil {
			return fail, err
		}
		if tree["."].kind == 'd' {
			dest += "/"
		}
	}
	var fail *Result
	if s.dest, s.to, fail, err = s.hostTree(ctx, s.root(dest, isDir, false)); fail != nil || err != nil {
		return fail, err
	}
	s.from = from
	var sums map[string]string
	var sumErr error
	told, send, set, gone := s.plan(func(rel string) bool {
		if sums == nil && sumErr == nil {
			sums, sumErr = s.hostSums(ctx)
		}
		sha, _, err := hashFile(s.src[rel].path)
		return err == nil && sha == sums[rel]
	})
	if sumErr != nil {
		return nil, sumErr
	}
	if fail := s.blocked(send); fail != nil {
		return fail, nil
	}
	r := s.result(told)
	if s.Check || len(told) == 0 {
		return r, nil
	}
	fail, err = s.send(ctx, send, set, gone)
	return first(fail, r), err
}

// hostSums are the SHA-1 of the host's files.
func (s *syncRun) hostSums(ctx context.Context) (map[string]string, error) {
	sums := map[string]string{}
	var script strings.Builder
	var asked []string
	for _, rel := range sortedRels(s.dest) {
		if e := s.dest[rel]; e.kind == 'f' {
			fmt.Fprintf(&script, "H h%d %s\n", len(asked), quoteText(e.path))
			asked = append(asked, rel)
		}
	}
	f, fail, err := s.observe(ctx, script.String()+":\n")
	if err != nil {
		return nil, err
	}
	if fail != nil {
		return sums, nil
	}
	for i, rel := range asked {
		sums[rel] = f.sum(fmt.Sprintf("h%d", i))
	}
	return sums, nil
}

// localTree lists a tree of the controller.
func (s *syncRun) localTree(root string, follow bool) (map[string]syncEntry, error) {
	tree := map[string]syncEntry{}
	var walk func(rel, at string, depth int) error
	walk = func(rel, at string, depth int) error {
		stat := os.Lstat
		if follow || rel == "." {
			stat = os.Stat
		}
		info, err := stat(at)
		if errors.Is(err, os.ErrNotExist) && rel != "." {
			return nil // it went away, or leads nowhere
		}
		if err != nil {
			return err
		}
		e, ok := localEntry(info, at)
		if !ok || e.kind == 'L' && !s.links || rel != "." && s.excluded(rel, e.kind == 'd', tree) {
			return nil
		}
		tree[rel] = e
		if e.kind != 'd' || depth > 200 {
			return nil
		}
		names, err := os.ReadDir(at)
		if err != nil {
			return err
		}
		for _, n := range names {
			if strings.HasPrefix(n.Name(), ".sunup-") {
				continue
			}
			if err := walk(path.Join(rel, n.Name()), filepath.Join(at, n.Name()), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return tree, walk(".", root, 0)
}

// pull makes the controller's tree that of the host.
func (s *syncRun) pull(ctx context.Context) (*Result, error) {
	a := s.Args
	s.owner, s.group = false, false
	var fail *Result
	var err error
	if s.src, s.from, fail, err = s.hostTree(ctx, strings.TrimSuffix(a.Str("src"), "/")); fail != nil || err != nil {
		return fail, err
	}
	if len(s.src) == 0 {
		return Fail("%s is not there on %s", a.Str("src"), s.hostName()), nil
	}
	if !s.links {
		for rel, e := range s.src {
			if e.kind == 'L' {
				delete(s.src, rel)
			}
		}
	}
	dest := a.Str("dest")
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(dest, "~/") {
		dest = home + dest[1:]
	}
	info, statErr := os.Stat(dest)
	s.to = s.root(dest, s.src["."].kind == 'd', statErr == nil && info.IsDir())
	if s.dest, err = s.localTree(s.to, false); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Fail("cannot read %s: %s", s.to, err), nil
	}
	told, send, set, gone := s.plan(func(string) bool { return false })
	if fail := s.blocked(send); fail != nil {
		return fail, nil
	}
	r := s.result(told)
	if s.Check || len(told) == 0 {
		return r, nil
	}
	for _, step := range []func() error{
		func() error { return s.receiveAll(ctx, send) },
		func() error { return s.setLocal(append(send, set...)) },
		func() error { return s.removeLocal(gone) },
	} {
		if err := step(); connection.IsUnreachable(err) || ctx.Err() != nil {
			return nil, err
		} else if err != nil {
			return Fail("cannot copy to %s: %s", s.to, err), nil
		}
	}
	return r, nil
}

// at is the place of an entry at the receiving side. What a hostile host names
// never leads out of it.
func (s *syncRun) at(rel string) string {
	return filepath.Join(s.to, filepath.FromSlash(path.Clean("/"+rel)))
}

func (s *syncRun) receiveAll(ctx context.Context, rels []string) error {
	if err := os.MkdirAll(filepath.Dir(s.to), 0o755); err != nil {
		return err
	}
	for _, rel := range rels {
		e, at := s.src[rel], s.at(rel)
		if have := s.dest[rel].kind; have != 0 && have != e.kind {
			if err := os.RemoveAll(at); err != nil {
				return err
			}
		}
		var err error
		switch e.kind {
		case 'd':
			err = os.MkdirAll(at, 0o700)
		case 'L':
			_ = os.Remove(at)
			err = os.Symlink(e.link, at)
		default:
			err = s.receiveFile(ctx, e, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *syncRun) receiveFile(ctx context.Context, e syncEntry, at string) error {
	temp, err := os.CreateTemp(filepath.Dir(at), ".sunup-")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	if err := s.Conn.Get(ctx, e.path, temp); err != nil {
		return err
	}
	return replaceLocal(temp, at)
}

// setLocal sets permissions and times, what is in a directory before it.
func (s *syncRun) setLocal(rels []string) error {
	for i := len(rels) - 1; i >= 0; i-- {
		e, at := s.src[rels[i]], s.at(rels[i])
		if e.kind == 'L' {
			continue
		}
		mode := os.FileMode(e.mode & 0o777)
		if !s.perms {
			mode = map[byte]os.FileMode{'d': 0o755, 'f': 0o644}[e.kind]
		}
		if err := os.Chmod(at, mode); err != nil {
			return err
		}
		if s.times && e.kind == 'f' {
			when := time.Unix(e.mtime, 0)
			if err := os.Chtimes(at, when, when); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *syncRun) removeLocal(rels []string) error {
	for _, rel := range rels {
		if err := os.RemoveAll(s.at(rel)); err != nil {
			return err
		}
	}
	return nil
}
