package modules

import (
	"cmp"
	"context"
	"regexp"
	"strconv"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

var subversionModule = Module{
	Name:       "ansible.builtin.subversion",
	Summary:    say.T("Checks out and updates a Subversion repository.", "Subversion 저장소를 내려받고 갱신한다."),
	Notes:      say.T("The password goes to svn's standard input, never into a command line; svn older than 1.10 cannot take it.", "비밀번호는 명령줄이 아니라 svn의 표준 입력으로 준다. 1.10보다 낡은 svn은 받지 못한다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "repo", Aliases: []string{"name", "repository"}, Required: true, Doc: say.T("Address of the repository.", "저장소 주소.")},
		{Name: "dest", Type: Path, Doc: say.T("Directory of the working copy.", "작업 사본의 디렉터리.")},
		{Name: "revision", Aliases: []string{"rev", "version"}, Default: "HEAD", Doc: say.T("Revision.", "리비전.")},
		{Name: "force", Type: Bool, Default: false, Doc: say.T("Throw away changed files; else they are a failure.", "바뀐 파일을 버린다. 아니면 실패한다.")},
		{Name: "username", Doc: say.T("User.", "사용자.")},
		{Name: "password", Secret: true, Doc: say.T("Password.", "비밀번호.")},
		{Name: "executable", Type: Path, Doc: say.T("The svn program.", "svn 실행 파일.")},
		{Name: "checkout", Type: Bool, Default: true, Doc: say.T("Check out when there is nothing yet.", "아직 없으면 내려받는다.")},
		{Name: "update", Type: Bool, Default: true, Doc: say.T("Fetch new revisions.", "새 리비전을 받는다.")},
		{Name: "export", Type: Bool, Default: false, Doc: say.T("Files only, no working copy.", "작업 사본 없이 파일만.")},
		{Name: "switch", Type: Bool, Default: true, Doc: say.T("Switch to the address before updating.", "갱신하기 전에 그 주소로 바꾼다.")},
		{Name: "in_place", Type: Bool, Default: false, Doc: say.T("Check out over a directory that is there.", "있는 디렉터리 위에 내려받는다.")},
		{Name: "validate_certs", Type: Bool, Default: false, Doc: say.T("Check certificates.", "인증서를 확인한다.")},
	}},
	Returns: []Return{
		{"before", "list", "updated", say.T("Revision and URL before.", "이전의 리비전과 URL.")},
		{"after", "list", "success", say.T("Revision and URL now.", "지금의 리비전과 URL.")},
	},
	Run: runSubversion,
}

// svnRun runs svn on the host; the first failure stays, and later calls do
// nothing.
type svnRun struct {
	*Call
	ctx  context.Context
	fail *Result
	err  error
}

// run runs svn with arguments after the common ones; path arguments are quoted
// already.
func (s *svnRun) run(words ...string) said {
	if s.fail != nil || s.err != nil {
		return said{code: -1}
	}
	out := s.try(words...)
	if s.fail == nil && s.err == nil && out.code != 0 {
		s.fail = runFailed("svn "+strings.Join(words, " "), out)
	}
	return out
}

func (s *svnRun) try(words ...string) said {
	a := s.Args
	if s.fail != nil || s.err != nil {
		return said{code: -1}
	}
	program := quotePath(cmp.Or(a.Str("executable"), "svn"))
	line := program + " --non-interactive --no-auth-cache" + option(!a.Bool("validate_certs"), " --trust-server-cert")
	if u := a.Str("username"); u != "" {
		line += " --username " + quoteText(u)
	}
	c := connection.Command{}
	if p := a.Str("password"); p != "" {
		line += " --password-from-stdin"
		c.Stdin = strings.NewReader(p)
	}
	c.Script = systemPath + observeTools + "command -v " + program + " >/dev/null 2>&1 || N svn\n" + line + " " + strings.Join(words, " ")
	out, err := s.exec(s.ctx, c)
	if err != nil {
		s.err = err
		return said{code: -1}
	}
	if f := readFields(out.Stdout); out.Code == 127 && f.has("need") {
		s.fail = s.needs(f["need"])
	}
	return said{code: out.Code, out: string(out.Stdout), err: string(out.Stderr)}
}

var (
	svnRevision = regexp.MustCompile(`(?m)^Revision\s?:\s+\d+$`)
	svnURL      = regexp.MustCompile(`(?m)^URL\s?:.*$`)
	svnTouched  = regexp.MustCompile(`(?m)^[ABDUCGE]\s`)
	svnModified = regexp.MustCompile(`(?m)^[^?X\n]`)
)

// revisionOf reads "Revision: 5" and "URL: ..." of what svn info printed.
func revisionOf(info string) (revision, url string) {
	return cmp.Or(svnRevision.FindString(info), "Unable to get revision"), cmp.Or(svnURL.FindString(info), "Unable to get URL")
}

func svnNumber(revision string) int {
	_, text, _ := strings.Cut(revision, ":")
	n, _ := strconv.Atoi(strings.TrimSpace(text))
	return n
}

func runSubversion(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	if !a.Given("dest") && (a.Bool("checkout") || a.Bool("update") || a.Bool("export")) {
		return Fail("the destination directory must be specified unless checkout=no, update=no, and export=no"), nil
	}
	s := &svnRun{Call: c, ctx: ctx}
	r := s.work()
	switch {
	case s.err != nil:
		return nil, s.err
	case s.fail != nil:
		return s.fail, nil
	}
	return r, nil
}

// work does what Ansible's module does, in its order: local changes are looked
// for before the switch, which comes before reverting.
func (s *svnRun) work() *Result {
	a := s.Args
	dest, repo, rev := quotePath(a.Str("dest")), quoteText(a.Str("repo")), quoteText(a.Str("revision"))
	if !a.Bool("export") && !a.Bool("update") && !a.Bool("checkout") {
		remote, _ := revisionOf(s.run("info", repo).out)
		return OK().Set("after", remote)
	}
	there, fail, err := s.hear(s.ctx, "[ -e "+dest+" ]\n", "")
	if s.fail, s.err = fail, err; fail != nil || err != nil {
		return nil
	}
	switch {
	case a.Bool("export") || there.code != 0:
		return s.fresh(dest, repo, rev)
	case s.try("info", dest).code == 0:
		return s.refresh(dest, repo, rev)
	case s.fail != nil || s.err != nil:
		return nil
	case !a.Bool("in_place"):
		return Fail("ERROR: %s folder already exists, but its not a subversion repository.", a.Str("dest"))
	case s.Check:
		return ChangedIf(true)
	}
	s.run("checkout", "--force", "-r", rev, repo, dest)
	if s.modified(dest) && a.Bool("force") {
		s.run("revert", "-R", dest)
	}
	return s.at(ChangedIf(true).Set("before", nil), dest)
}

// fresh makes what is not there yet.
func (s *svnRun) fresh(dest, repo, rev string) *Result {
	a := s.Args
	switch {
	case s.Check:
		return ChangedIf(true)
	case a.Bool("export"):
		s.run("export"+option(a.Bool("force"), " --force"), "-r", rev, repo, dest)
		return ChangedIf(true)
	case !a.Bool("checkout"):
		return OK()
	}
	s.run("checkout", "-r", rev, repo, dest)
	return s.at(ChangedIf(true).Set("before", nil), dest)
}

// refresh brings a working copy to the revision.
func (s *svnRun) refresh(dest, repo, rev string) *Result {
	a := s.Args
	if !a.Bool("update") {
		return OK()
	}
	before, url := revisionOf(s.run("info", dest).out)
	modified := s.modified(dest)
	if s.Check {
		if modified && !a.Bool("force") {
			return Fail("ERROR: modified files exist in the repository.")
		}
		after, _ := revisionOf(s.run("info", "-r", rev, dest).out)
		return ChangedIf(svnNumber(before) < svnNumber(after)).Set("before", before).Set("after", after)
	}
	changed := modified
	if a.Bool("switch") {
		changed = svnTouched.MatchString(s.run("switch", "--revision", rev, repo, dest).out) || changed
	}
	if modified {
		if !a.Bool("force") {
			return Fail("ERROR: modified files exist in the repository.")
		}
		s.run("revert", "-R", dest)
	}
	changed = svnTouched.MatchString(s.run("update", "-r", rev, dest).out) || changed
	return s.at(ChangedIf(changed).Set("before", value.NewList(before, url)), dest)
}

// at adds what the working copy is now.
func (s *svnRun) at(r *Result, dest string) *Result {
	revision, url := revisionOf(s.run("info", dest).out)
	return r.Set("after", value.NewList(revision, url))
}

// modified reports whether files of the working copy were changed.
func (s *svnRun) modified(dest string) bool {
	return svnModified.MatchString(s.run("status", "--quiet", "--ignore-externals", dest).out)
}
