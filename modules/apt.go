package modules

import (
	"context"
	"path"
	"regexp"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var aptModule = Module{
	Name:    "ansible.builtin.apt",
	Summary: say.T("Manages packages of Debian and its relatives.", "데비안 계열의 패키지를 관리한다."),
	Notes: say.T("Asks dpkg and apt-cache; python3-apt is not needed. Upgrades always use apt-get, never aptitude. deb= lets apt-get install the file with what it depends on.",
		"dpkg와 apt-cache에 물으므로 python3-apt가 필요 없다. 업그레이드는 aptitude 대신 언제나 apt-get으로 한다. deb=는 파일과 그 의존 패키지를 apt-get으로 설치한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "state", Default: "present", Choices: []any{"absent", "build-dep", "fixed", "latest", "present"}, Doc: say.T("What the packages should be.", "패키지의 상태.")},
			{Name: "update_cache", Aliases: []string{"update-cache"}, Type: Bool, Doc: say.T("Run apt-get update first.", "먼저 apt-get update를 실행한다.")},
			{Name: "update_cache_retries", Type: Int, Default: 5, Doc: say.T("How often to try the update.", "갱신을 시도하는 횟수.")},
			{Name: "update_cache_retry_max_delay", Type: Int, Default: 12, Doc: say.T("Longest wait between two tries, in seconds.", "다시 시도하기까지 가장 긴 초.")},
			{Name: "cache_valid_time", Type: Int, Default: 0, Doc: say.T("Update only when the lists are older than this many seconds.", "목록이 이 초보다 오래되었을 때만 갱신한다.")},
			{Name: "purge", Type: Bool, Default: false, Doc: say.T("Remove configuration files, too.", "설정 파일도 지운다.")},
			{Name: "package", Aliases: []string{"pkg", "name"}, Type: List, Elements: Str, Doc: say.T("Packages: NAME, NAME=VERSION, NAME=1.2*, NAME>=VERSION, patterns.", "패키지: 이름, 이름=버전, 이름=1.2*, 이름>=버전, 패턴.")},
			{Name: "deb", Type: Path, Doc: say.T("A .deb file on the host, or its address.", "호스트에 있는 .deb 파일 또는 그 주소.")},
			{Name: "default_release", Aliases: []string{"default-release"}, Doc: say.T("Release to prefer (-t).", "우선할 릴리스(-t).")},
			{Name: "install_recommends", Aliases: []string{"install-recommends"}, Type: Bool, Doc: say.T("Install recommended packages, too.", "권장 패키지도 설치한다.")},
			{Name: "force", Type: Bool, Default: false, Doc: say.T("--force-yes: also what cannot be verified or is older.", "--force-yes: 확인할 수 없거나 오래된 것도 설치한다.")},
			{Name: "upgrade", Default: "no", Choices: []any{"dist", "full", "no", "safe", "yes"}, Doc: say.T("Upgrade all packages.", "모든 패키지를 업그레이드한다.")},
			{Name: "dpkg_options", Default: "force-confdef,force-confold", Doc: say.T("Options for dpkg, with commas.", "dpkg에 줄 옵션(쉼표로 나눔).")},
			{Name: "autoremove", Type: Bool, Default: false, Doc: say.T("Remove what nothing needs any more.", "더는 필요 없는 패키지를 지운다.")},
			{Name: "autoclean", Type: Bool, Default: false, Doc: say.T("Delete old downloads.", "오래된 내려받기를 지운다.")},
			{Name: "fail_on_autoremove", Type: Bool, Default: false, Doc: say.T("Fail rather than remove a package.", "패키지를 지워야 하면 실패한다.")},
			{Name: "policy_rc_d", Type: Int, Doc: say.T("What policy-rc.d answers meanwhile; 101 keeps services from starting.", "그동안 policy-rc.d가 답할 값. 101이면 서비스를 시작하지 않는다.")},
			{Name: "only_upgrade", Type: Bool, Default: false, Doc: say.T("Only packages that are installed already.", "이미 설치된 패키지만.")},
			{Name: "force_apt_get", Type: Bool, Default: false, Doc: say.T("Use apt-get; that is always so here.", "apt-get을 쓴다. 여기서는 언제나 그렇다.")},
			{Name: "clean", Type: Bool, Default: false, Doc: say.T("Delete all downloads.", "내려받은 파일을 모두 지운다.")},
			{Name: "allow_unauthenticated", Aliases: []string{"allow-unauthenticated"}, Type: Bool, Default: false, Doc: say.T("Install what has no good signature.", "서명을 확인할 수 없는 것도 설치한다.")},
			{Name: "allow_downgrade", Aliases: []string{"allow-downgrade", "allow_downgrades", "allow-downgrades"}, Type: Bool, Default: false, Doc: say.T("An older version may replace a newer one.", "새 버전을 옛 버전으로 바꿔도 된다.")},
			{Name: "allow_change_held_packages", Type: Bool, Default: false, Doc: say.T("Change packages that are on hold.", "고정(hold)된 패키지도 바꾼다.")},
			{Name: "lock_timeout", Type: Int, Default: 60, Doc: say.T("Seconds to wait for another apt.", "다른 apt를 기다리는 초.")},
		},
		MutuallyExclusive: [][]string{{"deb", "package", "upgrade"}},
		RequiredOneOf:     [][]string{{"autoremove", "deb", "package", "update_cache", "upgrade"}},
	},
	Returns: []Return{
		{"cache_updated", "bool", "success", say.T("Whether the lists were updated.", "목록을 갱신했는지.")},
		{"cache_update_time", "int", "success", say.T("When the lists were last updated.", "목록을 마지막으로 갱신한 때.")},
		{"stdout", "str", "changed", say.T("What apt-get printed.", "apt-get의 출력.")},
		{"stderr", "str", "changed", say.T("What apt-get complained about.", "apt-get의 오류 출력.")},
	},
	Run: runApt,
}

// aptWork is one call of apt.
type aptWork struct {
	c       *Call
	specs   []aptSpec
	all     bool // "*" among the packages
	f       fields
	table   map[string][]debPackage
	policy  map[string]aptPolicy
	native  string
	auto    map[string]bool
	updated bool
}

// aptSpec is one package as it was asked for.
type aptSpec struct {
	written, name, op, version string
}

// debPackage is one package in dpkg's table.
type debPackage struct {
	name, arch, want, state, version string
	provides                         []string
}

func (p debPackage) installed() bool { return p.state == "installed" }

// aptPolicy is what apt could install of one name.
type aptPolicy struct {
	known     bool
	candidate string
	versions  []string
	providers []string
}

func runApt(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := &aptWork{c: c}
	for _, p := range a.Strings("package") {
		if p = strings.TrimSpace(p); p == "*" {
			w.all = true
			continue
		} else if strings.Count(p, "=") > 1 {
			return Fail("invalid package spec: %s", p), nil
		}
		if s := readAptSpec(p); s.name != "" {
			w.specs = append(w.specs, s)
		}
	}
	if fail, err := w.look(ctx); fail != nil || err != nil {
		return fail, err
	}
	nothingElse := !a.Given("package") && a.Str("upgrade") == "no" && !a.Given("deb")
	if a.Bool("clean") {
		s, fail, err := w.apt(ctx, "clean")
		if fail != nil || err != nil || nothingElse {
			if fail == nil && err == nil {
				fail = w.done(true, s)
			}
			return fail, err
		}
	}
	if a.Bool("update_cache") || a.Int("cache_valid_time") > 0 {
		if fail, err := w.update(ctx); fail != nil || err != nil {
			return fail, err
		}
		if nothingElse {
			return w.result(w.updated), nil
		}
	}
	return w.run(ctx)
}

func (w *aptWork) run(ctx context.Context) (*Result, error) {
	a := w.c.Args
	state := a.Str("state")
	switch {
	case a.Str("upgrade") != "no":
		return w.upgrade(ctx, a.Str("upgrade"))
	case a.Given("deb"):
		return w.installDeb(ctx)
	case w.all && state == "latest" && len(w.specs) > 0:
		return Fail("unable to install additional packages when upgrading all installed packages"), nil
	case w.all && state == "latest":
		return w.upgrade(ctx, "yes")
	case len(w.specs) == 0 && a.Bool("autoclean"):
		return w.cleanup(ctx, "autoclean")
	case len(w.specs) == 0 && a.Bool("autoremove"):
		return w.cleanup(ctx, "autoremove")
	case state == "absent":
		return w.remove(ctx)
	}
	return w.install(ctx)
}

func readAptSpec(s string) aptSpec {
	spec := aptSpec{written: s, name: s}
	for _, op := range []string{">=", "="} {
		if name, version, ok := strings.Cut(s, op); ok {
			spec.name, spec.op, spec.version = strings.TrimSpace(name), op, strings.TrimSpace(version)
			break
		}
	}
	return spec
}

func (s aptSpec) isPattern() bool { return strings.ContainsAny(s.name, "*?[") }

// aptStamps are where apt notes that the lists were updated, in the order in
// which they are believed.
const aptStamps = `for s in /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists; do
if [ -e "$s" ]; then printf 'stamp='; stat -c %Y "$s"; printf '\0'; break; fi
done
printf 'now='; date +%s; printf '\0'
`

func (w *aptWork) lookScript() string {
	var s strings.Builder
	s.WriteString(systemPath + needTool("apt-get", "dpkg-query") + aptStamps)
	if len(w.specs) == 0 && !w.c.Args.Given("deb") {
		return s.String()
	}
	s.WriteString("printf 'native='; dpkg --print-architecture; printf '\\0table='\n" +
		`dpkg-query -W -f '${Package}\t${Architecture}\t${Status}\t${Version}\t${Provides}\n' 2>/dev/null` + "\nprintf '\\0'\n")
	if w.c.Args.Str("state") == "absent" || w.c.Args.Str("state") == "build-dep" {
		return s.String()
	}
	cache := "apt-cache"
	if rel := w.c.Args.Str("default_release"); rel != "" {
		cache += " -t " + quoteText(rel)
	}
	var names []string
	for _, spec := range w.specs {
		if spec.isPattern() {
			s.WriteString("[ -n \"$all\" ] || { all=1; printf 'names='; apt-cache pkgnames; printf '\\0'; }\n")
			continue
		}
		name, _, _ := strings.Cut(spec.name, "/")
		names = append(names, name)
	}
	if len(names) > 0 {
		list := shellLine(names...)
		s.WriteString("printf 'auto='; apt-mark showauto " + list + " 2>/dev/null; printf '\\0'\n")
		s.WriteString("for n in " + list + "; do\nx=$(" + cache + " policy \"$n\" 2>/dev/null)\nprintf 'policy.%s=%s\\0' \"$n\" \"$x\"\n" +
			"case $x in ''|*'Candidate: (none)'*) printf 'virtual.%s=' \"$n\"; apt-cache showpkg \"$n\" 2>/dev/null; printf '\\0';; esac\ndone\n")
	}
	return s.String()
}

func (w *aptWork) look(ctx context.Context) (*Result, error) {
	f, fail, err := w.c.observe(ctx, w.lookScript()+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	w.f, w.native = f, strings.TrimSpace(f["native"])
	w.table = map[string][]debPackage{}
	for _, line := range lines(f["table"]) {
		if p, ok := readDebPackage(line); ok {
			w.table[p.name] = append(w.table[p.name], p)
		}
	}
	w.auto = map[string]bool{}
	for _, name := range strings.Fields(f["auto"]) {
		w.auto[name] = true
	}
	w.policy = map[string]aptPolicy{}
	for name, text := range f {
		if name, ok := strings.CutPrefix(name, "policy."); ok {
			w.policy[name] = readAptPolicy(text, f["virtual."+name])
		}
	}
	return nil, nil
}

func readDebPackage(line string) (debPackage, bool) {
	p := strings.Split(line, "\t")
	if len(p) != 5 {
		return debPackage{}, false
	}
	status := strings.Fields(p[2])
	if len(status) != 3 {
		return debPackage{}, false
	}
	d := debPackage{name: p[0], arch: p[1], want: status[0], state: status[2], version: p[3]}
	for _, name := range strings.Split(p[4], ",") {
		if name, _, _ = strings.Cut(strings.TrimSpace(name), " "); name != "" {
			d.provides = append(d.provides, name)
		}
	}
	return d, true
}

var versionLine = regexp.MustCompile(`^ (?:\*\*\*|   ) (\S+) -?\d+$`)

func readAptPolicy(policy, virtual string) aptPolicy {
	p := aptPolicy{known: strings.TrimSpace(policy) != ""}
	for _, line := range lines(policy) {
		if v, ok := strings.CutPrefix(line, "  Candidate: "); ok && v != "(none)" {
			p.candidate = v
		}
		if m := versionLine.FindStringSubmatch(strings.TrimRight(line, " ")); m != nil {
			p.versions = append(p.versions, m[1])
		}
	}
	_, reverse, _ := strings.Cut(virtual, "Reverse Provides:")
	for _, line := range lines(reverse) {
		if cols := strings.Fields(line); len(cols) >= 2 {
			p.providers = append(p.providers, cols[0])
		}
	}
	return p
}

// find returns the package of dpkg's table that a name means.
func (w *aptWork) find(name string) (debPackage, bool) {
	name, _, _ = strings.Cut(name, "/")
	name, arch, foreign := strings.Cut(name, ":")
	for _, p := range w.table[name] {
		switch {
		case foreign && p.arch != arch && p.arch != "all" && arch != "any" && (arch != "native" || p.arch != w.native):
		case !foreign && w.native != "" && p.arch != w.native && p.arch != "all" && len(w.table[name]) > 1:
		default:
			return p, true
		}
	}
	return debPackage{}, false
}

// provided reports whether an installed package stands for the name.
func (w *aptWork) provided(name string) bool {
	for _, list := range w.table {
		for _, p := range list {
			if !p.installed() {
				continue
			}
			for _, n := range p.provides {
				if n == name {
					return true
				}
			}
		}
	}
	return false
}

// expand replaces patterns by the names they match.
func (w *aptWork) expand(installed bool) ([]aptSpec, *Result) {
	var out []aptSpec
	for _, s := range w.specs {
		if !s.isPattern() {
			out = append(out, s)
			continue
		}
		names := strings.Fields(w.f["names"])
		if installed {
			names = nil
			for name := range w.table {
				names = append(names, name)
			}
		}
		n := len(out)
		for _, name := range sortedTexts(names) {
			if ok, err := path.Match(s.name, name); err == nil && ok {
				out = append(out, aptSpec{written: name + s.op + s.version, name: name, op: s.op, version: s.version})
			}
		}
		if len(out) == n && !installed {
			return nil, Fail("No package(s) matching '%s' available", s.name)
		}
	}
	return out, nil
}

// pending are the words that apt-get should install, none when all is there.
func (w *aptWork) pending() ([]string, *Result) {
	specs, fail := w.expand(false)
	if fail != nil {
		return nil, fail
	}
	var words []string
	for _, s := range specs {
		word, fail := w.pendingOf(s)
		if fail != nil {
			return nil, fail
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return words, nil
}

func (w *aptWork) pendingOf(s aptSpec) (string, *Result) {
	a := w.c.Args
	have, ok := w.find(s.name)
	there := ok && have.installed()
	base, _, _ := strings.Cut(s.name, "/")
	pol, asked := w.policy[base]
	switch {
	case !there && a.Bool("only_upgrade"):
		return "", nil
	case !there && asked && pol.candidate == "" && len(pol.versions) == 0 && len(pol.providers) == 0:
		return "", Fail("No package matching '%s' is available", base)
	case !there && pol.candidate == "" && len(pol.providers) > 0 && s.op == "" && a.Str("state") != "latest" && w.provided(base):
		return "", nil
	}
	latest := a.Str("state") == "latest"
	switch s.op {
	case "=":
		if there && globMatch(s.version, have.version) {
			return "", nil
		}
		if v := bestVersion(pol.versions, func(v string) bool { return globMatch(s.version, v) }); v != "" {
			return s.name + "=" + v, nil
		}
		return "", Fail("no available installation candidate for %s", s.written).Set("cache_updated", w.updated).Set("cache_update_time", max(w.f.number("stamp"), 0))
	case ">=":
		if there && compareDebVersions(have.version, s.version) >= 0 && !latest {
			return "", nil
		}
		v := bestVersion(pol.versions, func(v string) bool { return compareDebVersions(v, s.version) >= 0 })
		switch {
		case v == "":
			return "", Fail("no available installation candidate for %s", s.written).Set("cache_updated", w.updated).Set("cache_update_time", max(w.f.number("stamp"), 0))
		case there && compareDebVersions(v, have.version) <= 0:
			return "", nil
		}
		return s.name + "=" + v, nil
	}
	switch {
	case !there:
		return s.name, nil
	case !latest:
		return "", nil
	case pol.candidate != "" && compareDebVersions(pol.candidate, have.version) > 0:
		return s.name, nil
	}
	return "", nil
}

func bestVersion(versions []string, fits func(string) bool) string {
	best := ""
	for _, v := range versions {
		if fits(v) && (best == "" || compareDebVersions(v, best) > 0) {
			best = v
		}
	}
	return best
}

// globMatch matches a version with a pattern; a pattern that is none must be
// equal.
func globMatch(pattern, s string) bool {
	if pattern == s {
		return true
	}
	re, err := globPattern(pattern)
	return err == nil && re.MatchString(s)
}

// commonOptions are the words for every apt-get that changes packages.
func (w *aptWork) commonOptions() []string {
	a := w.c.Args
	words := []string{"-y"}
	for _, o := range strings.Split(a.Str("dpkg_options"), ",") {
		if o = strings.TrimSpace(o); o != "" {
			words = append(words, "-o", "Dpkg::Options::=--"+o)
		}
	}
	for _, o := range []struct{ arg, word string }{
		{"only_upgrade", "--only-upgrade"}, {"force", "--force-yes"}, {"autoremove", "--auto-remove"}, {"fail_on_autoremove", "--no-remove"},
		{"allow_unauthenticated", "--allow-unauthenticated"}, {"allow_downgrade", "--allow-downgrades"}, {"allow_change_held_packages", "--allow-change-held-packages"},
	} {
		if a.Bool(o.arg) {
			words = append(words, o.word)
		}
	}
	if a.Str("state") == "fixed" {
		words = append(words, "--fix-broken")
	}
	if w.c.Check {
		words = append(words, "--simulate")
	}
	if rel := a.Str("default_release"); rel != "" {
		words = append(words, "-t", rel)
	}
	if a.Given("install_recommends") {
		words = append(words, "-o", "APT::Install-Recommends="+map[bool]string{true: "yes", false: "no"}[a.Bool("install_recommends")])
	}
	return words
}

// aptScript runs apt-get, again and again while another one holds the lock. It
// leaves what was said in the field "apt".
const aptScript = `DEBIAN_FRONTEND=noninteractive DEBIAN_PRIORITY=critical
export DEBIAN_FRONTEND DEBIAN_PRIORITY
t=$(mktemp) || exit 1
A() {
n=0
while :; do
o=$(apt-get "$@" 2>"$t" </dev/null); r=$?
[ "$r" = 0 ] && break
case $(cat "$t") in
*'Could not get lock'*|*'Unable to lock'*|*'Unable to acquire the dpkg frontend lock'*) ;;
*) break;;
esac
n=$((n+1)); [ "$n" -le "$limit" ] || break
sleep 1
done
printf 'apt.rc=%s\0apt.out=%s\0apt.err=' "$r" "$o"; cat "$t"; printf '\0'
}
`

// policyScript makes policy-rc.d answer with $answer until the script ends.
const policyScript = `if [ -e /usr/sbin/policy-rc.d ]; then k=$(mktemp) && cp -p /usr/sbin/policy-rc.d "$k" || exit 1; else k=; fi
Q() { rm -f "$t"; if [ -n "$k" ]; then mv -f "$k" /usr/sbin/policy-rc.d; else rm -f /usr/sbin/policy-rc.d; fi; }
trap Q EXIT
trap 'exit 1' HUP INT TERM
printf '#!/bin/sh\nexit %s\n' "$answer" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d || exit 1
`

// apt runs apt-get; a bad end is a failed Result.
func (w *aptWork) apt(ctx context.Context, words ...string) (said, *Result, error) {
	a := w.c.Args
	script := systemPath + "limit=" + strconv.Itoa(max(a.Int("lock_timeout"), 0)) + "\n" + aptScript
	if a.Given("policy_rc_d") && !w.c.Check {
		script += "answer=" + strconv.Itoa(a.Int("policy_rc_d")) + "\n" + policyScript
	} else {
		script += "trap 'rm -f \"$t\"' EXIT\n"
	}
	f, fail, err := w.c.observe(ctx, script+"A "+shellLine(words...)+"\n")
	if fail != nil || err != nil {
		return said{}, fail, err
	}
	s := f.watched("apt")
	if s.code != 0 {
		fail = Fail("'apt-get %s' failed: %s", shellLine(words...), text([]byte(s.err)))
		setOutput(fail, text([]byte(s.out)), text([]byte(s.err))).Set("rc", s.code)
	}
	return s, fail, nil
}

// result is the result with what is known about the lists.
func (w *aptWork) result(changed bool) *Result {
	return ChangedIf(changed).Set("cache_updated", w.updated).Set("cache_update_time", max(w.f.number("stamp"), 0))
}

// done is the result of an apt-get that ran.
func (w *aptWork) done(changed bool, s said) *Result {
	r := w.result(changed)
	setOutput(r, text([]byte(s.out)), text([]byte(s.err)))
	if w.c.Diff {
		if d := aptDiff(s.out); d != "" {
			r.Diffs = []Diff{{Prepared: d}}
		}
	}
	return r
}

// aptDiff is the part of apt-get's output that tells what will change.
func aptDiff(out string) string {
	list := strings.Split(out, "\n")
	from, to := -1, -1
	for i, l := range list {
		switch {
		case strings.HasPrefix(l, "Reading state information"):
			from = i + 1
		case strings.Contains(l, "upgraded,") && strings.Contains(l, "newly installed,") && to < 0:
			to = i
		}
	}
	if from < 0 || to <= from {
		return ""
	}
	return strings.Join(list[from:to], "\n")
}

// update updates the lists when they are older than asked for.
func (w *aptWork) update(ctx context.Context) (*Result, error) {
	a := w.c.Args
	stamp, now := w.f.number("stamp"), w.f.number("now")
	if stamp > 0 && stamp+a.Int("cache_valid_time") >= now {
		return nil, nil
	}
	if w.c.Check {
		w.updated = true
		return nil, nil
	}
	// apt-get only warns about lists that it could not fetch, and goes on with
	// the old ones. The lists themselves are the proof of an update where no
	// hook writes a stamp, so their directory is touched.
	script := systemPath + "limit=" + strconv.Itoa(max(a.Int("lock_timeout"), 0)) + "\n" + aptScript +
		"i=0\nwhile :; do\nx=$(A update -q -o APT::Update::Error-Mode=any | tr '\\0' '\\1')\n" +
		"case $x in *apt.rc=0*) break;; esac\ni=$((i+1)); [ \"$i\" -lt " + strconv.Itoa(max(a.Int("update_cache_retries"), 1)) + " ] || break\n" +
		"d=$((1<<i)); [ \"$d\" -le " + strconv.Itoa(max(a.Int("update_cache_retry_max_delay"), 0)) + " ] || d=" + strconv.Itoa(max(a.Int("update_cache_retry_max_delay"), 0)) +
		"\nsleep \"$d\"\ndone\nrm -f \"$t\"\ncase $x in *apt.rc=0*) touch /var/lib/apt/lists 2>/dev/null;; esac\nprintf '%s\\n' \"$x\" | tr '\\1' '\\0'\n"
	f, fail, err := w.c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	if s := f.watched("apt"); s.code != 0 {
		reason := s.message()
		if reason == "" {
			reason = "unknown reason"
		}
		return Fail("Failed to update apt cache: %s", reason), nil
	}
	w.updated = true
	return w.look(ctx)
}

func (w *aptWork) install(ctx context.Context) (*Result, error) {
	a := w.c.Args
	state := a.Str("state")
	var words []string
	if state == "build-dep" {
		for _, s := range w.specs {
			words = append(words, s.written)
		}
	} else {
		var fail *Result
		if words, fail = w.pending(); fail != nil {
			return fail, nil
		}
	}
	if len(words) == 0 {
		return w.markManual(ctx, w.result(w.updated))
	}
	command := "install"
	if state == "build-dep" {
		command = "build-dep"
	}
	s, fail, err := w.apt(ctx, append(append(w.commonOptions(), command, "--"), words...)...)
	if fail != nil || err != nil {
		return fail, err
	}
	changed := state != "build-dep" || !strings.Contains(s.out, aptNothing)
	return w.markManual(ctx, w.done(changed, s))
}

const aptNothing = "\n0 upgraded, 0 newly installed, 0 to remove"

// markManual keeps what was asked for from being removed as not needed.
func (w *aptWork) markManual(ctx context.Context, r *Result) (*Result, error) {
	var names []string
	for _, s := range w.specs {
		if w.auto[s.name] {
			names = append(names, s.name)
		}
	}
	if len(names) == 0 || w.c.Check {
		return r, nil
	}
	_, fail, err := w.c.do(ctx, "apt-mark manual "+shellLine(names...)+" >/dev/null")
	if fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}

func (w *aptWork) remove(ctx context.Context) (*Result, error) {
	a := w.c.Args
	specs, _ := w.expand(true)
	var words []string
	for _, s := range specs {
		p, ok := w.find(s.name)
		matches := s.op != "=" || globMatch(s.version, p.version)
		if ok && (p.installed() && matches || p.state == "config-files" && a.Bool("purge")) {
			words = append(words, s.name)
		}
	}
	if len(words) == 0 {
		return OK(), nil
	}
	options := []string{"-q"}
	for _, o := range w.commonOptions() {
		if o != "--only-upgrade" && o != "--allow-downgrades" {
			options = append(options, o)
		}
	}
	if a.Bool("purge") {
		options = append(options, "--purge")
	}
	s, fail, err := w.apt(ctx, append(append(options, "remove", "--"), words...)...)
	if fail != nil || err != nil {
		return fail, err
	}
	return w.withoutCache(w.done(true, s)), nil
}

func (w *aptWork) upgrade(ctx context.Context, mode string) (*Result, error) {
	words := append(w.commonOptions(), "upgrade", "--with-new-pkgs")
	if mode == "dist" || mode == "full" {
		words = append(w.commonOptions(), "dist-upgrade")
	}
	s, fail, err := w.apt(ctx, words...)
	if fail != nil || err != nil {
		return fail, err
	}
	r := w.withoutCache(w.done(!strings.Contains("\n"+s.out, aptNothing), s))
	r.Msg = text([]byte(s.out))
	return r, nil
}

func (w *aptWork) cleanup(ctx context.Context, what string) (*Result, error) {
	words := append(w.commonOptions(), what)
	if w.c.Args.Bool("purge") {
		words = append(words, "--purge")
	}
	s, fail, err := w.apt(ctx, words...)
	if fail != nil || err != nil {
		return fail, err
	}
	changed := strings.Contains(s.out, "The following packages will be REMOVED")
	if what == "autoclean" {
		changed = strings.Contains("\n"+s.out, "\nDel ")
	}
	return w.withoutCache(w.done(changed, s)), nil
}

// withoutCache is a result that, as ansible-core's, tells nothing of the lists.
func (w *aptWork) withoutCache(r *Result) *Result {
	r.Values.Delete("cache_updated")
	r.Values.Delete("cache_update_time")
	return r
}

// debFetch leaves the file's path in $p, fetching it when $p is an address.
const debFetch = `d=
case $p in
*://*)
d=$(mktemp -d) && chmod 755 "$d" || exit 1
u=$p; p=$d/${p##*/}; p=${p%%[?#]*}; case $p in *.deb) ;; *) p=$p.deb;; esac
if command -v curl >/dev/null 2>&1; then e=$(curl -fsSL -o "$p" -- "$u" 2>&1); r=$?
else e=$(wget -q -O "$p" -- "$u" 2>&1); r=$?; [ "$r" != 127 ] || N curl; fi
if [ "$r" != 0 ]; then rm -rf "$d"; printf '\0fail=Failure downloading %s, %s\0' "$u" "$e"; exit 0; fi;;
/*|./*) ;;
*) p=./$p;;
esac
if [ ! -r "$p" ]; then printf '\0fail=Unable to install package: no such file %s\0' "$p"; exit 0; fi
printf 'file=%s\0dir=%s\0deb=' "$p" "$d"; dpkg-deb -W --showformat='${Package}\t${Architecture}\t${Version}\n' "$p" 2>&1; printf '\0'
`

func (w *aptWork) installDeb(ctx context.Context) (*Result, error) {
	a := w.c.Args
	if a.Str("state") != "present" {
		return Fail("deb only supports state=present"), nil
	}
	f, fail, err := w.c.observe(ctx, systemPath+"p="+quotePath(a.Str("deb"))+"\n"+debFetch)
	if fail != nil || err != nil {
		return fail, err
	}
	file := f["file"]
	r, err := w.installFile(ctx, file, strings.Split(strings.TrimSpace(f["deb"]), "\t"))
	if dir := f["dir"]; dir != "" && err == nil {
		if _, fail, err = w.c.do(ctx, "rm -rf -- "+quoteText(dir)); err != nil || fail != nil {
			return fail, err
		}
	}
	return r, err
}

func (w *aptWork) installFile(ctx context.Context, file string, about []string) (*Result, error) {
	a := w.c.Args
	if len(about) != 3 {
		return Fail("Unable to install package: %s", strings.Join(about, " ")), nil
	}
	have, ok := w.find(about[0] + ":" + about[1])
	order := 1
	if ok && have.installed() {
		order = compareDebVersions(about[2], have.version)
	}
	switch {
	case order == 0 && !a.Bool("force"):
		return w.result(w.updated), nil
	case order < 0 && !a.Bool("allow_downgrade") && !a.Bool("force"):
		return Fail("A later version is already installed: %s %s, and %s is %s", about[0], have.version, file, about[2]), nil
	}
	words := w.commonOptions()
	if order == 0 {
		words = append(words, "--reinstall")
	}
	s, fail, err := w.apt(ctx, append(words, "install", "--", file)...)
	if fail != nil || err != nil {
		return fail, err
	}
	return w.done(true, s), nil
}

// compareDebVersions orders two versions as dpkg does.
func compareDebVersions(a, b string) int {
	split := func(v string) (epoch int, upstream, revision string) {
		if e, rest, ok := strings.Cut(v, ":"); ok {
			if n, err := strconv.Atoi(e); err == nil {
				epoch, v = n, rest
			}
		}
		if i := strings.LastIndexByte(v, '-'); i >= 0 {
			return epoch, v[:i], v[i+1:]
		}
		return epoch, v, ""
	}
	ea, ua, ra := split(a)
	eb, ub, rb := split(b)
	if ea != eb {
		return sign(ea - eb)
	}
	if n := compareVersionPart(ua, ub); n != 0 {
		return n
	}
	return compareVersionPart(ra, rb)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// versionOrder gives the weight of one character: ~ before the end, letters
// before all others.
func versionOrder(s string, i int) int {
	switch {
	case i >= len(s) || isDigit(s[i]):
		return 0
	case s[i] == '~':
		return -1
	case s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z':
		return int(s[i])
	}
	return int(s[i]) + 256
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func compareVersionPart(a, b string) int {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for i < len(a) && !isDigit(a[i]) || j < len(b) && !isDigit(b[j]) {
			if n := versionOrder(a, i) - versionOrder(b, j); n != 0 {
				return sign(n)
			}
			i, j = i+1, j+1
		}
		na, ni := digitsAt(a, i)
		nb, nj := digitsAt(b, j)
		if len(na) != len(nb) {
			return sign(len(na) - len(nb))
		}
		if n := strings.Compare(na, nb); n != 0 {
			return n
		}
		i, j = ni, nj
	}
	return 0
}

// digitsAt returns the number at i without leading zeros, and where it ends.
func digitsAt(s string, i int) (string, int) {
	i = min(i, len(s))
	j := i
	for j < len(s) && isDigit(s[j]) {
		j++
	}
	return strings.TrimLeft(s[i:j], "0"), j
}

func sortedTexts(list []string) []string {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	var out []string
	for _, s := range sortedNames(set).Items {
		out = append(out, value.Str(s))
	}
	return out
}
