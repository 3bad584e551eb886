package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

// rpmParams are the arguments that dnf and yum share.
var rpmParams = []Param{
	{Name: "name", Aliases: []string{"pkg"}, Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Packages, groups (@name), files or addresses of .rpm files.", "패키지, 그룹(@이름), .rpm 파일 또는 주소.")},
	{Name: "state", Choices: []any{"absent", "installed", "latest", "present", "removed"}, Doc: say.T("What the packages should be; present when not given.", "패키지의 상태. 기본은 present.")},
	{Name: "list", Doc: say.T("List packages instead: installed, updates, available, repos or a name.", "대신 패키지를 나열한다: installed, updates, available, repos 또는 이름.")},
	{Name: "enablerepo", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Repositories to turn on for this call.", "이번에만 켤 저장소.")},
	{Name: "disablerepo", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Repositories to turn off for this call.", "이번에만 끌 저장소.")},
	{Name: "exclude", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Packages to leave alone.", "건드리지 않을 패키지.")},
	{Name: "conf_file", Doc: say.T("Configuration file.", "설정 파일.")},
	{Name: "disable_gpg_check", Type: Bool, Default: false, Doc: say.T("Do not check signatures.", "서명을 확인하지 않는다.")},
	{Name: "installroot", Default: "/", Doc: say.T("Another root directory.", "다른 루트 디렉터리.")},
	{Name: "releasever", Doc: say.T("Release to install from.", "설치할 릴리스.")},
	{Name: "autoremove", Type: Bool, Default: false, Doc: say.T("Remove what nothing needs any more.", "더는 필요 없는 패키지를 지운다.")},
	{Name: "update_cache", Aliases: []string{"expire-cache"}, Type: Bool, Default: false, Doc: say.T("Fetch the lists anew.", "목록을 새로 받는다.")},
	{Name: "update_only", Type: Bool, Default: false, Doc: say.T("With latest: only packages that are installed.", "latest일 때 설치된 패키지만.")},
	{Name: "security", Type: Bool, Default: false, Doc: say.T("With latest: only security updates.", "latest일 때 보안 갱신만.")},
	{Name: "bugfix", Type: Bool, Default: false, Doc: say.T("With latest: only bug fixes.", "latest일 때 버그 수정만.")},
	{Name: "skip_broken", Type: Bool, Default: false, Doc: say.T("Leave out what cannot be installed.", "설치할 수 없는 것은 건너뛴다.")},
	{Name: "allow_downgrade", Type: Bool, Default: false, Doc: say.T("An older version may replace a newer one.", "새 버전을 옛 버전으로 바꿔도 된다.")},
	{Name: "install_weak_deps", Type: Bool, Default: true, Doc: say.T("Install weak dependencies, too.", "약한 의존 패키지도 설치한다.")},
	{Name: "download_only", Type: Bool, Default: false, Doc: say.T("Only download.", "내려받기만 한다.")},
	{Name: "download_dir", Doc: say.T("Where to download to.", "내려받을 디렉터리.")},
	{Name: "disable_excludes", Doc: say.T("all, main or a repository: ignore its excludes.", "all, main 또는 저장소: 그 제외 목록을 무시한다.")},
	{Name: "disable_plugin", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Plugins to turn off.", "끌 플러그인.")},
	{Name: "enable_plugin", Type: List, Elements: Str, Default: value.NewList(), Doc: say.T("Plugins to turn on.", "켤 플러그인.")},
	{Name: "validate_certs", Type: Bool, Default: true, Doc: say.T("Check certificates.", "인증서를 확인한다.")},
	{Name: "sslverify", Type: Bool, Default: true, Doc: say.T("Check certificates of repositories.", "저장소의 인증서를 확인한다.")},
	{Name: "lock_timeout", Type: Int, Default: 30, Doc: say.T("Seconds to wait for another one.", "다른 실행을 기다리는 초.")},
	{Name: "install_repoquery", Type: Bool, Default: true, NoEffect: true, Doc: say.T("repoquery is not needed.", "repoquery가 필요 없다.")},
	{Name: "allowerasing", Type: Bool, Default: false, Doc: say.T("Packages that are in the way may be removed.", "방해되는 패키지를 지워도 된다.")},
	{Name: "nobest", Type: Bool, Default: false, Doc: say.T("Take an older candidate when the best cannot be installed.", "가장 좋은 것을 설치할 수 없으면 다음 것을 쓴다.")},
	{Name: "cacheonly", Type: Bool, Default: false, Doc: say.T("Use only what is cached.", "캐시에 있는 것만 쓴다.")},
	{Name: "use_backend", Aliases: []string{"use"}, Default: "auto", Choices: []any{"auto", "yum", "yum4", "dnf"}, NoEffect: true, Doc: say.T("dnf is used where it is there, else yum.", "dnf가 있으면 dnf를, 없으면 yum을 쓴다.")},
}

var rpmReturns = []Return{
	{"results", "list", "success", say.T("What changed, one line each.", "바뀐 것, 한 줄씩.")},
	{"rc", "int", "success", say.T("How the program ended.", "프로그램의 종료 값.")},
	{"msg", "str", "success", say.T("What was said.", "메시지.")},
}

var rpmSpec = Spec{
	Params:            rpmParams,
	MutuallyExclusive: [][]string{{"name", "list"}, {"autoremove", "list"}},
	RequiredOneOf:     [][]string{{"name", "list", "update_cache", "autoremove"}},
}

var dnfModule = Module{
	Name:       "ansible.builtin.dnf",
	Aliases:    []string{"ansible.builtin.dnf5"},
	Summary:    say.T("Manages packages of Red Hat and its relatives with dnf.", "레드햇 계열의 패키지를 dnf로 관리한다."),
	Untried:    true,
	Idempotent: true,
	Spec:       rpmSpec,
	Returns:    rpmReturns,
	Run:        func(ctx context.Context, c *Call) (*Result, error) { return runRPM(ctx, c, "dnf") },
}

// runRPM manages packages with a program, or with the other one where that is
// not there.
func runRPM(ctx context.Context, c *Call, program string) (*Result, error) {
	w := rpmWork{c: c, names: c.Args.Strings("name"), state: c.Args.Str("state")}
	switch {
	case w.state == "" && c.Args.Bool("autoremove"), w.state == "removed":
		w.state = "absent"
	case w.state == "" || w.state == "installed":
		w.state = "present"
	}
	f, fail, err := c.observe(ctx, w.look(program))
	if fail != nil || err != nil {
		return fail, err
	}
	w.f, w.program = f, f["program"]
	if what := c.Args.Str("list"); what != "" {
		return w.list(ctx, what)
	}
	return w.run(ctx)
}

// rpmWork is one call of dnf or yum.
type rpmWork struct {
	c       *Call
	names   []string
	state   string
	program string
	f       fields
}

func (w *rpmWork) look(program string) string {
	other := map[string]string{"dnf": "yum", "yum": "dnf"}[program]
	s := systemPath + "P=" + program + "\ncommand -v $P >/dev/null 2>&1 || P=" + other + "\ncommand -v $P >/dev/null 2>&1 || N " + program +
		"\nprintf 'program=%s\\0' \"$P\"\n"
	if len(w.names) == 0 {
		return s
	}
	root := ""
	if r := w.c.Args.Str("installroot"); r != "/" {
		root = " --root " + quoteText(r)
	}
	return s + "for n in " + shellLine(w.names...) + "; do\nq=$n\n" +
		// A file is known by the name of the package in it.
		"case $n in *.rpm) [ ! -f \"$n\" ] || q=$(rpm -qp --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}' \"$n\" 2>/dev/null);; esac\n" +
		"case $n in @*) if $P -q group list --installed \"${n#@}\" 2>/dev/null | grep -q .; then printf 'have.%s=group\\0' \"$n\"; fi;;\n" +
		"*[*?]*) printf 'have.%s=' \"$n\"; rpm" + root + " -qa --qf '%{NAME} ' \"$n\" 2>/dev/null; printf '\\0';;\n" +
		"*) x=$(rpm" + root + " -q --whatprovides --qf '%{NAME} ' \"$q\" 2>/dev/null || rpm" + root + " -q --qf '%{NAME} ' \"$q\" 2>/dev/null) && printf 'have.%s=%s\\0' \"$n\" \"$x\";; esac\ndone\n:\n"
}

func (w *rpmWork) options() []string {
	a := w.c.Args
	words := []string{w.program, "-y"}
	for _, o := range []struct{ arg, word string }{
		{"disable_gpg_check", "--nogpgcheck"}, {"security", "--security"}, {"bugfix", "--bugfix"}, {"skip_broken", "--skip-broken"},
		{"download_only", "--downloadonly"}, {"allowerasing", "--allowerasing"}, {"nobest", "--nobest"}, {"cacheonly", "-C"},
	} {
		if a.Bool(o.arg) {
			words = append(words, o.word)
		}
	}
	for _, o := range []struct{ arg, word string }{
		{"enablerepo", "--enablerepo="}, {"disablerepo", "--disablerepo="}, {"exclude", "--exclude="}, {"disable_plugin", "--disableplugin="}, {"enable_plugin", "--enableplugin="},
	} {
		for _, v := range a.Strings(o.arg) {
			words = append(words, o.word+v)
		}
	}
	for _, o := range []struct{ arg, word string }{
		{"conf_file", "--config="}, {"releasever", "--releasever="}, {"download_dir", "--downloaddir="}, {"disable_excludes", "--disableexcludes="},
	} {
		if v := a.Str(o.arg); v != "" {
			words = append(words, o.word+v)
		}
	}
	if r := a.Str("installroot"); r != "/" {
		words = append(words, "--installroot="+r)
	}
	if !a.Bool("sslverify") {
		words = append(words, "--setopt=sslverify=0")
	}
	if !a.Bool("install_weak_deps") {
		words = append(words, "--setopt=install_weak_deps=0")
	}
	return words
}

// split tells names that are there from those that are not.
func (w *rpmWork) split() (there, missing []string) {
	for _, n := range w.names {
		if strings.TrimSpace(w.f["have."+n]) != "" {
			there = append(there, n)
		} else {
			missing = append(missing, n)
		}
	}
	return there, missing
}

func (w *rpmWork) run(ctx context.Context) (*Result, error) {
	a := w.c.Args
	if a.Bool("update_cache") {
		s, fail, err := w.c.hear(ctx, shellLine(append(w.options(), "makecache")...), "")
		if fail != nil || err != nil {
			return fail, err
		}
		if s.code != 0 {
			return programFailed(w.program+" makecache", s).Set("results", &value.List{}), nil
		}
		if len(w.names) == 0 && !a.Bool("autoremove") {
			r := OK().Set("rc", 0).Set("results", &value.List{})
			r.Msg = "Cache updated"
			return r, nil
		}
	}
	there, missing := w.split()
	var steps [][]string
	switch {
	case w.state == "absent" && a.Bool("autoremove"):
		if len(w.names) == 0 || len(there) > 0 {
			steps = append(steps, append([]string{"autoremove"}, there...))
		}
	case w.state == "absent":
		if len(there) > 0 {
			steps = append(steps, append([]string{"remove"}, there...))
		}
	case w.state == "latest":
		var groups, update []string
		for _, n := range there {
			if n == "*" {
				n = ""
			}
			update = append(update, n)
		}
		if w.all() {
			missing, update = nil, []string{""}
		}
		if len(missing) > 0 && !a.Bool("update_only") {
			groups = append([]string{"install"}, missing...)
			steps = append(steps, groups)
		}
		if len(update) > 0 {
			steps = append(steps, withoutEmpty(append([]string{"upgrade"}, update...)))
		}
	case len(missing) > 0:
		steps = append(steps, append([]string{"install"}, missing...))
	}
	return w.take(ctx, steps)
}

func (w *rpmWork) all() bool {
	for _, n := range w.names {
		if n == "*" {
			return true
		}
	}
	return false
}

func withoutEmpty(words []string) []string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// take runs the program. In check mode it answers no to its question, after
// it has told what it would do.
func (w *rpmWork) take(ctx context.Context, steps [][]string) (*Result, error) {
	results := &value.List{}
	changed := false
	var last said
	for _, step := range steps {
		words := w.options()
		if w.c.Check {
			words[1] = "--assumeno"
		}
		if w.c.Args.Bool("allow_downgrade") && step[0] == "install" {
			words = append(words, "--allowerasing")
		}
		s, fail, err := w.c.hear(ctx, shellLine(append(words, step...)...), "")
		if fail != nil || err != nil {
			return fail, err
		}
		would := strings.Contains(s.out, "\nTransaction Summary") || strings.Contains(s.out, "\nTotal download size") || strings.Contains(s.out, "\nInstalled size")
		if s.code != 0 && !(w.c.Check && would) {
			fail := programFailed(w.program+" "+step[0], s).Set("results", results)
			if strings.Contains(s.message(), "No match for argument") || strings.Contains(s.message(), "Unable to find a match") {
				fail.Msg = "Failed to install some of the specified packages: " + s.message()
			}
			return fail, nil
		}
		for _, l := range rpmChanges(s.out) {
			results.Append(l)
		}
		nothing := strings.Contains(s.out, "Nothing to do") || strings.Contains(s.out, "No packages marked for") || strings.Contains(s.err, "No packages marked for")
		changed = changed || !nothing
		last = s
	}
	r := ChangedIf(changed).Set("rc", 0).Set("results", results)
	if !changed {
		r.Msg = "Nothing to do"
	}
	if w.c.Diff && changed {
		r.Diffs = []Diff{{Prepared: last.out}}
	}
	return r, nil
}

// rpmChanges are the packages below the titles that dnf and yum print when
// they are done.
func rpmChanges(out string) []string {
	var changes []string
	title := ""
	for _, l := range lines(out) {
		switch trimmed := strings.TrimSpace(l); {
		case trimmed == "":
			title = ""
		case strings.HasSuffix(trimmed, ":") && !strings.HasPrefix(l, " "):
			title = ""
			switch word := strings.TrimSuffix(trimmed, ":"); word {
			case "Installed", "Upgraded", "Updated", "Removed", "Downgraded", "Reinstalled", "Dependency Installed":
				title = strings.TrimPrefix(word, "Dependency ")
			}
		case title != "":
			for _, name := range strings.Fields(trimmed) {
				changes = append(changes, title+": "+name)
			}
		}
	}
	return changes
}

// list answers the argument list.
func (w *rpmWork) list(ctx context.Context, what string) (*Result, error) {
	words := map[string][]string{
		"installed": {"list", "--installed"}, "updates": {"list", "--updates"}, "upgrades": {"list", "--updates"},
		"available": {"list", "--available"}, "repos": {"repolist"}, "repositories": {"repolist"},
	}[what]
	if words == nil {
		words = []string{"list", what}
	}
	s, fail, err := w.c.hear(ctx, shellLine(append(append(w.options(), "-q"), words...)...), "")
	if fail != nil || err != nil {
		return fail, err
	}
	results := &value.List{}
	for _, l := range lines(s.out) {
		cols := strings.Fields(l)
		if words[0] == "repolist" {
			if len(cols) >= 2 && cols[0] != "repo" {
				results.Append(value.NewDict("repoid", cols[0], "state", "enabled"))
			}
			continue
		}
		name, arch, ok := cutLast(strings.Join(cols[:min(1, len(cols))], ""), ".")
		if !ok || len(cols) != 3 {
			continue
		}
		epoch, version, hasEpoch := strings.Cut(cols[1], ":")
		if !hasEpoch {
			epoch, version = "0", cols[1]
		}
		version, release, _ := cutLast(version, "-")
		results.Append(value.NewDict("name", name, "arch", arch, "epoch", epoch, "version", version, "release", release, "repo", cols[2],
			"yumstate", map[bool]string{true: "installed", false: "available"}[strings.HasPrefix(cols[2], "@") || cols[2] == "installed"],
			"envra", epoch+":"+name+"-"+version+"-"+release+"."+arch, "nevra", epoch+":"+name+"-"+version+"-"+release+"."+arch))
	}
	return OK().Set("results", results), nil
}
