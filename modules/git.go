package modules

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var gitModule = Module{
	Name:       "ansible.builtin.git",
	Summary:    say.T("Checks out a Git repository.", "Git 저장소를 받아 원하는 버전으로 맞춘다."),
	Notes:      say.T("A separate_git_dir is used for new clones only; gpg_whitelist is compared with what git prints.", "separate_git_dir은 새로 복제할 때만 쓰고, gpg_whitelist는 git의 출력과 비교한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "dest", Type: Path, Doc: say.T("Where to check out.", "받을 곳.")},
			{Name: "repo", Aliases: []string{"name"}, Required: true, Doc: say.T("Address of the repository.", "저장소 주소.")},
			{Name: "version", Default: "HEAD", Doc: say.T("Branch, tag or commit.", "브랜치, 태그 또는 커밋.")},
			{Name: "remote", Default: "origin", Doc: say.T("Name of the remote.", "원격의 이름.")},
			{Name: "refspec", Doc: say.T("One more refspec to fetch.", "더 받을 refspec.")},
			{Name: "reference", Doc: say.T("Repository on the host to take objects from.", "객체를 가져올 호스트의 저장소.")},
			{Name: "force", Type: Bool, Default: false, Doc: say.T("Throw local changes away.", "로컬 변경을 버린다.")},
			{Name: "depth", Type: Int, Doc: say.T("Fetch only so many commits.", "이 수만큼의 커밋만 받는다.")},
			{Name: "clone", Type: Bool, Default: true, Doc: say.T("Clone when it is not there.", "없으면 복제한다.")},
			{Name: "update", Type: Bool, Default: true, Doc: say.T("Fetch what is new.", "새 것을 받는다.")},
			{Name: "verify_commit", Type: Bool, Default: false, Doc: say.T("Check the signature of the commit or tag.", "커밋이나 태그의 서명을 확인한다.")},
			{Name: "gpg_whitelist", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Keys that may have signed.", "서명해도 되는 키.")},
			{Name: "accept_hostkey", Type: Bool, Default: false, Doc: say.T("Accept any host key of SSH.", "SSH 호스트 키를 무엇이든 받아들인다.")},
			{Name: "accept_newhostkey", Type: Bool, Default: false, Doc: say.T("Accept the host key of a host never seen.", "처음 보는 호스트의 키를 받아들인다.")},
			{Name: "key_file", Type: Path, Doc: say.T("Private key on the host for SSH.", "SSH에 쓸 호스트의 개인 키.")},
			{Name: "ssh_opts", Doc: say.T("More options for ssh.", "ssh에 더 줄 옵션.")},
			{Name: "executable", Type: Path, Doc: say.T("Path of git.", "git의 경로.")},
			{Name: "bare", Type: Bool, Default: false, Doc: say.T("Make a bare repository.", "bare 저장소로 만든다.")},
			{Name: "recursive", Type: Bool, Default: true, Doc: say.T("Check out submodules, too.", "서브모듈도 받는다.")},
			{Name: "single_branch", Type: Bool, Default: false, Doc: say.T("Clone only the one branch.", "한 브랜치만 복제한다.")},
			{Name: "track_submodules", Type: Bool, Default: false, Doc: say.T("Submodules follow their branch.", "서브모듈이 브랜치의 최신을 따른다.")},
			{Name: "umask", Type: Raw, Doc: say.T("Umask for what is made, octal in quotes.", "만들 때의 umask(따옴표로 묶은 8진수).")},
			{Name: "archive", Type: Path, Doc: say.T("Also write an archive of the version.", "그 버전의 압축 파일도 쓴다.")},
			{Name: "archive_prefix", Doc: say.T("Directory in the archive.", "압축 파일 안의 디렉터리.")},
			{Name: "separate_git_dir", Type: Path, Doc: say.T("Keep the repository itself elsewhere.", "저장소 자체를 다른 곳에 둔다.")},
		},
		MutuallyExclusive: [][]string{{"separate_git_dir", "bare"}, {"accept_hostkey", "accept_newhostkey"}},
		RequiredBy:        map[string][]string{"archive_prefix": {"archive"}},
	},
	Returns: []Return{
		{"before", "str", "success", say.T("Commit before; null for a new clone.", "이전 커밋. 새로 복제했으면 null.")},
		{"after", "str", "success", say.T("Commit now.", "지금 커밋.")},
		{"remote_url_changed", "bool", "success", say.T("Whether the remote's address was changed.", "원격 주소가 바뀌었는지.")},
		{"warnings", "list", "success", say.T("What to know.", "알아 둘 것.")},
	},
	Run: runGit,
}

// gitWork is one call of git.
type gitWork struct {
	c                        *Call
	repo, version, remote    string
	f                        fields
	exists                   bool
	before, head             string
	isBranch, isTag, symHead bool
	branch                   string // the branch to follow, "" for a tag or commit
	urlChanged, mods         bool
}

func runGit(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := &gitWork{c: c, repo: a.Str("repo"), version: a.Str("version"), remote: a.Str("remote")}
	if !a.Given("dest") && a.Bool("clone") {
		return Fail("the destination directory must be specified unless clone=no"), nil
	}
	begin, fail := w.begin()
	if fail != nil {
		return fail, nil
	}
	f, fail, err := c.observe(ctx, begin+w.look())
	if fail != nil || err != nil {
		return fail, err
	}
	w.f = f
	w.exists, w.before = f.has("git"), f.text("before")
	w.mods = f.text("status") != ""
	w.urlChanged = w.exists && f.text("url") != "" && f.text("url") != w.repo && !sameRepo(f.text("url"), w.repo)
	r := OK().Set("before", nil).Set("remote_url_changed", w.urlChanged).Set("warnings", &value.List{})
	if w.exists {
		r.Set("before", w.before).Set("after", w.before)
	}
	switch {
	case w.exists && !a.Bool("update"):
		return w.archive(ctx, begin, r)
	case w.exists && w.mods && !a.Bool("force"):
		r.Failed, r.Msg = true, "Local modifications exist in the destination: "+a.Str("dest")+" (force=no)."
		r.Values.Delete("after")
		return r, nil
	}
	if fail := w.readRemote(); fail != nil {
		return fail, nil
	}
	return w.settle(ctx, begin, r)
}

// sameRepo takes a/ and a for the same.
func sameRepo(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }

var umaskForm = regexp.MustCompile(`^0?[0-7]{1,4}$`)

// begin sets what every script needs.
func (w *gitWork) begin() (string, *Result) {
	a := w.c.Args
	ssh := []string{"ssh"}
	if opts := a.Str("ssh_opts"); opts != "" {
		ssh = append(ssh, opts)
	}
	if !strings.Contains(a.Str("ssh_opts"), "BatchMode") {
		ssh = append(ssh, "-o BatchMode=yes")
	}
	if a.Bool("accept_hostkey") && !strings.Contains(a.Str("ssh_opts"), "StrictHostKeyChecking") {
		ssh = append(ssh, "-o StrictHostKeyChecking=no")
	}
	if a.Bool("accept_newhostkey") {
		ssh = append(ssh, "-o StrictHostKeyChecking=accept-new")
	}
	s := "g=git\n"
	if a.Given("executable") {
		s = "g=" + quotePath(a.Str("executable")) + "\n"
	}
	s += systemPath + "command -v \"$g\" >/dev/null 2>&1 || N git\nGIT_TERMINAL_PROMPT=0\nexport GIT_TERMINAL_PROMPT\n"
	line := quoteText(strings.Join(ssh, " "))
	if a.Given("key_file") {
		s += "k=" + quotePath(a.Str("key_file")) + "\nGIT_SSH_COMMAND=" + line + "\" -i '$k' -o IdentitiesOnly=yes\"\n"
	} else {
		s += "GIT_SSH_COMMAND=" + line + "\n"
	}
	s += "export GIT_SSH_COMMAND\n"
	if a.Given("umask") {
		text := value.Str(a.Raw("umask"))
		if _, isText := a.Raw("umask").(string); !isText || !umaskForm.MatchString(text) {
			return "", Fail("umask must be defined as a quoted octal integer")
		}
		s += "umask " + text + "\n"
	}
	return s + "d=" + quotePath(a.Str("dest")) + "\nu=" + quoteText(w.repo) + "\no=" + quoteText(w.remote) + "\n", nil
}

func (w *gitWork) look() string {
	refs := []string{"HEAD"}
	if w.version != "HEAD" {
		refs = append(refs, "refs/heads/"+w.version, "refs/tags/"+w.version, "refs/tags/"+w.version+"^{}")
	}
	gitDir := `"$d/.git"`
	if w.c.Args.Bool("bare") {
		gitDir = `"$d/HEAD"`
	}
	s := "if [ -n \"$d\" ] && [ -e " + gitDir + " ]; then cd \"$d\" || exit 1\nprintf 'git=1\\0before='; \"$g\" rev-parse HEAD 2>/dev/null; printf '\\0url='; \"$g\" config \"remote.$o.url\"; printf '\\0'\n" +
		"printf 'status='; "
	if w.c.Args.Bool("bare") {
		s += ":; "
	} else {
		s += "GIT_OPTIONAL_LOCKS=0 \"$g\" status --porcelain --untracked-files=no 2>&1; "
	}
	s += "printf '\\0'\nfi\n"
	if w.c.Args.Bool("update") || !w.c.Args.Given("dest") {
		return s + watched("refs", "\"$g\" ls-remote --symref -- \"$u\" "+shellLine(refs...))
	}
	return s + "[ -e " + gitDir + " ] || { " + strings.TrimSuffix(watched("refs", "\"$g\" ls-remote --symref -- \"$u\" "+shellLine(refs...)), "\n") + "\n}\n"
}

var commitForm = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)

// readRemote finds what the version is at the remote.
func (w *gitWork) readRemote() *Result {
	s := w.f.watched("refs")
	if s.code != 0 {
		return setOutput(Fail("Failed to download remote objects and refs:  %s", text([]byte(s.message()))), s.out, s.err).Set("rc", s.code)
	}
	refs := map[string]string{}
	defaultBranch := ""
	for _, line := range lines(s.out) {
		id, name, ok := strings.Cut(line, "\t")
		if target, is := strings.CutPrefix(id, "ref: refs/heads/"); is && name == "HEAD" {
			defaultBranch = target
		} else if ok {
			refs[name] = id
		}
	}
	switch v := w.version; {
	case v == "HEAD":
		w.head, w.branch, w.symHead = refs["HEAD"], defaultBranch, true
		if w.head == "" {
			return Fail("Could not determine remote revision for HEAD")
		}
	case refs["refs/heads/"+v] != "":
		w.head, w.branch, w.isBranch = refs["refs/heads/"+v], v, true
	case refs["refs/tags/"+v+"^{}"] != "":
		w.head, w.isTag = refs["refs/tags/"+v+"^{}"], true
	case refs["refs/tags/"+v] != "":
		w.head, w.isTag = refs["refs/tags/"+v], true
	default:
		w.head = v
	}
	return nil
}

func (w *gitWork) settle(ctx context.Context, begin string, r *Result) (*Result, error) {
	a := w.c.Args
	switch {
	case !w.exists && (w.c.Check || !a.Bool("clone")):
		r.Changed = true
		r.Set("after", w.head)
		w.diff(r, "")
		return r, nil
	case w.exists && w.c.Check:
		r.Changed = !strings.HasPrefix(w.before, w.head) || w.urlChanged || w.mods
		r.Set("after", w.head)
		patch, fail, err := w.wouldDiffer(ctx, begin, r)
		if fail != nil || err != nil {
			return fail, err
		}
		w.diff(r, patch)
		return r, nil
	}
	script := begin + gitApply + "submodules=" + option(a.Bool("recursive") && !a.Bool("bare"), "1") + "\n"
	if w.exists {
		script += w.update()
	} else {
		script += w.clone()
	}
	script += w.checkout() + w.verify() + "W\n"
	f, fail, err := w.c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	if f.has("failed") {
		fail := Fail("Failed to %s: %s", f["failed"], strings.TrimSpace(f["said"]))
		return fail.Set("rc", f.number("code")).Set("before", r.Values.At("before")).Set("cmd", f["failed"]), nil
	}
	if fail := w.signedBy(f["signature"]); fail != nil {
		return fail, nil
	}
	after := f.text("after")
	r.Changed = !w.exists || after != w.before || w.urlChanged || w.mods || f.text("modules.before") != f.text("modules.after")
	r.Set("after", after)
	if f.has("modules.after") && f.text("modules.before") != f.text("modules.after") {
		r.Set("submodules_changed", true)
	}
	w.diff(r, f["diff"])
	if w.mods {
		r.Msg = "Local modifications exist in the destination: " + a.Str("dest")
	}
	return w.archive(ctx, begin, r)
}

// wouldDiffer is the difference to a commit that the clone already has.
func (w *gitWork) wouldDiffer(ctx context.Context, begin string, r *Result) (string, *Result, error) {
	if !w.c.Diff || !r.Changed || w.before == w.head {
		return "", nil, nil
	}
	f, fail, err := w.c.observe(ctx, begin+"cd \"$d\" || exit 1\nprintf 'diff='; \"$g\" --no-pager diff "+quoteText(w.before)+" "+quoteText(w.head)+" 2>/dev/null | head -c 1000000; printf '\\0'\n")
	return f["diff"], fail, err
}

func (w *gitWork) diff(r *Result, patch string) {
	after := value.Str(r.Values.At("after"))
	switch {
	case !w.c.Diff || !r.Changed:
	case !w.exists:
		r.Diffs = []Diff{{Prepared: ">> Newly checked out " + after}}
	case w.before == after:
	case patch != "":
		r.Diffs = []Diff{{Prepared: text([]byte(patch))}}
	default:
		r.Diffs = []Diff{{Prepared: fmt.Sprintf(">> Failed to get proper diff between %s and %s", w.before, after)}}
	}
}

// gitApply are the functions of the changing script: G runs git and ends the
// script when it fails, C tells of the submodules, W of what is there now.
const gitApply = `G() {
what=$1; shift
x=$("$g" "$@" 2>&1 </dev/null); r=$?
[ "$r" = 0 ] || { printf '\0failed=%s\0said=%s\0code=%s\0' "$what" "$x" "$r"; exit 0; }
}
C() { if [ -n "$submodules" ] && [ -e .gitmodules ]; then printf '\0%s=' "$1"; "$g" submodule status --recursive 2>/dev/null; printf '\0'; fi; }
W() { printf '\0after='; "$g" rev-parse HEAD; printf '\0'; }
`

func (w *gitWork) depth() string {
	if n := w.c.Args.Int("depth"); n > 0 && (w.branch != "" || w.isTag || w.c.Args.Given("refspec")) {
		return " --depth " + strconv.Itoa(n)
	}
	return ""
}

func (w *gitWork) clone() string {
	a := w.c.Args
	s := "case $d in */*) mkdir -p -- \"${d%/*}/\" 2>/dev/null;; esac\nG clone clone"
	if a.Bool("bare") {
		s += " --bare"
	} else {
		s += " --origin \"$o\""
	}
	s += w.depth()
	if w.isBranch || w.isTag {
		s += " --branch " + quoteText(w.version)
	}
	s += option(a.Bool("single_branch"), " --single-branch")
	if a.Given("reference") {
		s += " --reference " + quoteText(a.Str("reference"))
	}
	if a.Given("separate_git_dir") {
		s += " --separate-git-dir=" + quotePath(a.Str("separate_git_dir"))
	}
	s += " -- \"$u\" \"$d\"\ncd \"$d\" || exit 1\n"
	if a.Bool("bare") && w.remote != "origin" {
		s += "G 'add remote' remote add \"$o\" \"$u\"\n"
	}
	if a.Given("refspec") {
		s += "G 'download remote objects and refs' fetch" + w.depth() + " -- \"$o\" " + quoteText(a.Str("refspec")) + "\n"
	}
	return s + w.fetchCommit()
}

// fetchCommit gets a commit that no branch or tag of the clone holds.
func (w *gitWork) fetchCommit() string {
	if w.branch != "" || w.isTag || !commitForm.MatchString(w.version) {
		return ""
	}
	v := quoteText(w.version)
	return "\"$g\" cat-file -e " + v + "'^{commit}' 2>/dev/null || \"$g\" fetch -q \"$o\" " + v + " >/dev/null 2>&1\n"
}

func (w *gitWork) update() string {
	a := w.c.Args
	s := "cd \"$d\" || exit 1\nC modules.before\n"
	if w.mods && a.Bool("force") {
		s += "G 'reset' reset --hard HEAD\n"
	}
	if w.urlChanged || w.f.text("url") == "" {
		s += "G 'set a new url' remote set-url \"$o\" \"$u\" 2>/dev/null || :\n"
		if w.f.text("url") == "" {
			s = strings.Replace(s, "G 'set a new url' remote set-url \"$o\" \"$u\" 2>/dev/null || :\n", "G 'add remote' remote add \"$o\" \"$u\"\n", 1)
		}
	}
	const label = "G 'download remote objects and refs' fetch"
	if strings.HasPrefix(w.before, w.head) && !w.urlChanged && !a.Given("refspec") {
		return s
	}
	switch depth := w.depth(); {
	case a.Bool("bare"):
		s += label + depth + " --force -- \"$o\" '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*'\n"
	case depth != "" && w.branch != "":
		s += label + depth + " --force -- \"$o\" " + quoteText("+refs/heads/"+w.branch+":refs/remotes/"+w.remote+"/"+w.branch) + "\n"
	case depth != "" && w.isTag:
		s += label + depth + " --force -- \"$o\" " + quoteText("+refs/tags/"+w.version+":refs/tags/"+w.version) + "\n"
	default:
		s += label + " --tags --force -- \"$o\"\n"
		if w.branch != "" {
			// A clone of a single branch does not fetch others by itself.
			ref := "refs/remotes/" + w.remote + "/" + w.branch
			s += "\"$g\" rev-parse -q --verify " + quoteText(ref) + " >/dev/null || " + label + " --force -- \"$o\" " + quoteText("+refs/heads/"+w.branch+":"+ref) + "\n"
		}
	}
	if a.Given("refspec") {
		s += label + w.depth() + " --force -- \"$o\" " + quoteText(a.Str("refspec")) + "\n"
	}
	return s + w.fetchCommit()
}

// checkout makes the working tree be the version.
func (w *gitWork) checkout() string {
	a := w.c.Args
	if a.Bool("bare") {
		return w.diffScript()
	}
	var s string
	switch {
	case w.branch != "":
		b, at := quoteText(w.branch), quoteText(w.remote+"/"+w.branch)
		s = "if \"$g\" rev-parse -q --verify " + quoteText("refs/heads/"+w.branch) + " >/dev/null; then G " + quoteText("checkout branch "+w.branch) + " checkout --force " + b + " --\n" +
			// A shallow clone of one branch cannot track another one.
			"elif ! \"$g\" checkout -q --force --track -b " + b + " " + at + " >/dev/null 2>&1; then G " + quoteText("checkout branch "+w.branch) + " checkout --force --no-track -b " + b + " " + at + "; fi\n" +
			"G " + quoteText("checkout branch "+w.branch) + " reset --hard " + at + " --\n"
	default:
		s = "G " + quoteText("checkout "+w.version) + " checkout --force " + quoteText(w.version) + " --\n"
	}
	s += "if [ -n \"$submodules\" ] && [ -e .gitmodules ]; then\nG 'sync submodules' submodule sync --recursive\nG 'init/update submodules' submodule update --init --recursive" +
		option(a.Bool("track_submodules"), " --remote") + option(a.Bool("force"), " --force") + "\nfi\nC modules.after\n"
	return s + w.diffScript()
}

func (w *gitWork) diffScript() string {
	if !w.c.Diff || !w.exists || w.before == "" {
		return ""
	}
	return "printf '\\0diff='; \"$g\" --no-pager diff " + quoteText(w.before) + " HEAD 2>/dev/null | head -c 1000000; printf '\\0'\n"
}

func (w *gitWork) verify() string {
	if !w.c.Args.Bool("verify_commit") {
		return ""
	}
	cmd := "verify-commit --raw HEAD"
	if w.isTag {
		cmd = "verify-tag --raw " + quoteText(w.version)
	}
	return "G " + quoteText("verify GPG signature of commit/tag \""+w.version+"\"") + " " + cmd + "\nprintf '\\0signature=%s\\0' \"$x\"\n"
}

func (w *gitWork) signedBy(signature string) *Result {
	keys := w.c.Args.Strings("gpg_whitelist")
	if len(keys) == 0 || !w.c.Args.Bool("verify_commit") {
		return nil
	}
	for _, k := range keys {
		if strings.Contains(signature, k) {
			return nil
		}
	}
	return Fail("The gpg_whitelist does not include the public key for this commit: %s", strings.TrimSpace(signature))
}

// archive writes the archive that was asked for, when it differs from the one
// that is there.
func (w *gitWork) archive(ctx context.Context, begin string, r *Result) (*Result, error) {
	a := w.c.Args
	if !a.Given("archive") {
		return r, nil
	}
	name := a.Str("archive")
	format := ""
	for _, end := range []string{"tar.gz", "tgz", "tar", "zip"} {
		if strings.HasSuffix(name, "."+end) {
			format = end
			break
		}
	}
	if format == "" {
		return Fail("Unable to get file extension from archive file name : %s", name), nil
	}
	version := w.version
	script := begin + "cd \"$d\" || exit 1\na=" + quotePath(name) + "\nt=$(mktemp) || exit 1\nx=$(\"$g\" archive --format=" + format + " --prefix=" + quoteText(a.Str("archive_prefix")) +
		" -o \"$t\" " + quoteText(version) + " 2>&1) || { rm -f \"$t\"; printf '\\0fail=Failed to perform archive operation: %s\\0' \"$x\"; exit 0; }\n" +
		"if cmp -s \"$t\" \"$a\"; then rm -f \"$t\"; else printf 'archived=1\\0'; " + option(w.c.Check, "rm -f \"$t\"; : ") + "mv -f \"$t\" \"$a\"; fi\n"
	f, fail, err := w.c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	if f.has("archived") {
		r.Changed = true
	}
	r.Set("archive", name)
	return r, nil
}
