package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var pipModule = Module{
	Name:    "ansible.builtin.pip",
	Summary: say.T("Manages Python packages.", "파이썬 패키지를 관리한다."),
	Notes: say.T("Where virtualenv is not installed, virtualenvs are made with python3 -m venv. A package whose version is not asked for is looked up first: nothing runs when it is there.",
		"virtualenv가 없으면 python3 -m venv로 가상 환경을 만든다. 버전을 정하지 않은 패키지가 이미 있으면 아무것도 실행하지 않는다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "state", Default: "present", Choices: []any{"present", "absent", "latest", "forcereinstall"}, Doc: say.T("What the packages should be.", "패키지의 상태.")},
			{Name: "name", Type: List, Elements: Str, Doc: say.T("Packages, with conditions (django>=4) or addresses.", "패키지. 조건(django>=4)이나 주소도 된다.")},
			{Name: "version", Doc: say.T("Version of the one package.", "한 패키지의 버전.")},
			{Name: "requirements", Doc: say.T("File of requirements on the host.", "호스트에 있는 requirements 파일.")},
			{Name: "virtualenv", Type: Path, Doc: say.T("Virtualenv to install into; made when it is not there.", "설치할 가상 환경. 없으면 만든다.")},
			{Name: "virtualenv_site_packages", Type: Bool, Default: false, Doc: say.T("A new virtualenv sees the host's packages.", "새 가상 환경이 호스트의 패키지를 본다.")},
			{Name: "virtualenv_command", Type: Path, Default: "virtualenv", Doc: say.T("What makes a virtualenv.", "가상 환경을 만드는 명령.")},
			{Name: "virtualenv_python", Doc: say.T("Python of a new virtualenv.", "새 가상 환경의 파이썬.")},
			{Name: "extra_args", Doc: say.T("More words for pip.", "pip에 더 줄 말.")},
			{Name: "editable", Type: Bool, Default: false, Doc: say.T("Install in editable mode (-e).", "편집 가능하게 설치한다(-e).")},
			{Name: "chdir", Type: Path, Doc: say.T("Directory to run in.", "실행할 디렉터리.")},
			{Name: "executable", Type: Path, Doc: say.T("pip to use, such as pip3.11.", "쓸 pip(예: pip3.11).")},
			{Name: "umask", Doc: say.T("Umask, octal in quotes.", "umask(따옴표로 묶은 8진수).")},
		},
		RequiredOneOf:     [][]string{{"name", "requirements"}},
		MutuallyExclusive: [][]string{{"name", "requirements"}, {"executable", "virtualenv"}},
	},
	Returns: []Return{
		{"cmd", "list", "success", say.T("The command.", "실행한 명령.")},
		{"name", "list", "success", say.T("The packages asked for.", "요청한 패키지.")},
		{"requirements", "str", "success", say.T("The file asked for.", "요청한 파일.")},
		{"version", "str", "success", say.T("The version asked for.", "요청한 버전.")},
		{"virtualenv", "str", "success", say.T("The virtualenv.", "가상 환경.")},
		{"state", "str", "success", say.T("The state asked for.", "요청한 상태.")},
	},
	Run: runPip,
}

// findPip leaves pip in $1... and says which it is.
const findPip = `if [ -n "$v" ] && [ -x "$v/bin/pip3" ]; then set -- "$v/bin/pip3"
elif [ -n "$v" ] && [ -x "$v/bin/pip" ]; then set -- "$v/bin/pip"
elif [ -n "$v" ] && [ -x "$v/bin/python" ]; then set -- "$v/bin/python" -m pip
elif [ -n "$e" ]; then
set -- "$e"
case $e in */*) ;; *) command -v "$e" >/dev/null 2>&1 || N "$e";; esac
elif command -v pip3 >/dev/null 2>&1; then set -- "$(command -v pip3)"
elif command -v pip >/dev/null 2>&1; then set -- "$(command -v pip)"
elif python3 -m pip --version >/dev/null 2>&1; then set -- "$(command -v python3)" -m pip
else N pip3; fi
printf 'pip=%s\0' "$*"
`

// listPip prints the packages, as far as something may hang on them.
const listPip = `printf 'list='; "$@" list --format=freeze --disable-pip-version-check 2>/dev/null || "$@" freeze 2>/dev/null; printf '\0'
`

func runPip(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := &pipWork{c: c, state: a.Str("state")}
	if fail := w.read(); fail != nil {
		return fail, nil
	}
	look := w.begin() + "if [ -n \"$v\" ]; then if [ -e \"$v/bin/activate\" ]; then printf 'venv=1\\0'; else exit 0; fi; fi\n" + findPip + listPip
	f, fail, err := c.observe(ctx, look)
	if fail != nil || err != nil {
		return fail, err
	}
	make := a.Given("virtualenv") && !f.has("venv")
	w.have = pipTable(f["list"])
	r := OK().Set("name", nil).Set("version", nil).Set("requirements", nil).Set("virtualenv", nil).Set("state", w.state)
	for _, name := range []string{"name", "version", "requirements", "virtualenv"} {
		if a.Given(name) {
			r.Set(name, a.Raw(name))
		}
	}
	words := w.words()
	r.Set("cmd", value.Strings(append(strings.Fields(f["pip"]), words...)))
	if !make && w.settled() {
		return setOutput(r, "", ""), nil
	}
	if c.Check {
		return ChangedIf(true), nil
	}
	return w.install(ctx, r, make, words)
}

// pipWork is one call of pip.
type pipWork struct {
	c        *Call
	state    string
	packages []string
	extra    []string
	vcs      bool
	have     map[string]string
}

var vcsForm = regexp.MustCompile(`(svn|git|hg|bzr)\+`)

func (w *pipWork) read() *Result {
	a := w.c.Args
	if w.state == "latest" && a.Given("version") {
		return Fail("version is incompatible with state=latest")
	}
	// "a>=1,<2" was split at the comma as a list is.
	for _, p := range a.Strings("name") {
		p = strings.TrimSpace(p)
		if n := len(w.packages); n > 0 && p != "" && strings.ContainsRune("<>=!~", rune(p[0])) {
			w.packages[n-1] += "," + p
			continue
		}
		w.vcs = w.vcs || vcsForm.MatchString(p)
		w.packages = append(w.packages, p)
	}
	if a.Given("version") {
		switch {
		case len(w.packages) > 1:
			return Fail("'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next to each package in 'name' argument.")
		case len(w.packages) == 1 && strings.ContainsAny(w.packages[0], "<>=!~"):
			return Fail("The 'version' argument conflicts with any version specifier provided along with a package name. Please keep the version specifier, but remove the 'version' argument.")
		case len(w.packages) == 1:
			v := a.Str("version")
			if !strings.ContainsAny(v[:min(1, len(v))], "<>=!~") {
				v = "==" + v
			}
			w.packages[0] += v
		}
	}
	extra, err := splitWords(a.Str("extra_args"))
	if err != nil {
		return Fail("cannot read extra_args: %s", err)
	}
	w.extra = extra
	if a.Bool("editable") {
		w.extra = append(w.extra, "-e")
	}
	return nil
}

func (w *pipWork) begin() string {
	a := w.c.Args
	s := systemPath
	if a.Given("umask") {
		s += "umask " + quoteText(a.Str("umask")) + " || exit 1\n"
	}
	dir := "\"${TMPDIR:-/tmp}\""
	if a.Given("chdir") {
		dir = quotePath(a.Str("chdir"))
	}
	s += "cd " + dir + " || exit 1\nv=\ne=\n"
	if a.Given("virtualenv") {
		s += "v=" + quotePath(a.Str("virtualenv")) + "\ncase $v in /*) ;; *) v=$PWD/$v;; esac\n"
	}
	if a.Given("executable") {
		s += "e=" + quotePath(a.Str("executable")) + "\n"
	}
	return s
}

func (w *pipWork) words() []string {
	words := map[string][]string{
		"present": {"install"}, "absent": {"uninstall", "-y"}, "latest": {"install", "-U"}, "forcereinstall": {"install", "-U", "--force-reinstall"},
	}[w.state]
	words = append(append([]string{}, words...), w.extra...)
	if len(w.packages) > 0 {
		return append(words, w.packages...)
	}
	return append(words, "-r", w.c.Args.Str("requirements"))
}

var pipNameForm = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?\s*(?:(==)\s*([A-Za-z0-9.!+_-]+))?$`)

// pipName is a name as Python's packagers compare them.
func pipName(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(s))
}

func pipTable(text string) map[string]string {
	table := map[string]string{}
	for _, l := range lines(text) {
		if name, version, ok := strings.Cut(strings.TrimSpace(l), "=="); ok {
			table[pipName(name)] = version
		}
	}
	return table
}

// settled reports whether nothing is to do, as far as the table of packages
// tells: conditions other than == are left to pip.
func (w *pipWork) settled() bool {
	if len(w.packages) == 0 || len(w.extra) > 0 && w.state != "absent" || w.state == "latest" || w.state == "forcereinstall" {
		return false
	}
	for _, p := range w.packages {
		m := pipNameForm.FindStringSubmatch(p)
		if m == nil || m[2] != "" {
			return false
		}
		version, there := w.have[pipName(m[1])]
		fits := there && (m[3] == "" || m[4] == version)
		if w.state == "absent" && there || w.state == "present" && !fits {
			return false
		}
	}
	return true
}

func (w *pipWork) install(ctx context.Context, r *Result, make bool, words []string) (*Result, error) {
	a := w.c.Args
	script := w.begin()
	if make {
		script += "c=" + quotePath(a.Str("virtualenv_command")) + "\nset -- " + quoteLine(a.Str("virtualenv_command")) + "\n" +
			"if [ \"$c\" = virtualenv ] && ! command -v virtualenv >/dev/null 2>&1; then set -- " + quoteText(pythonOr(a.Str("virtualenv_python"))) + " -m venv\n" +
			option(a.Given("virtualenv_python"), "else set -- \"$@\" -p "+quoteText(a.Str("virtualenv_python"))+"\n") + "fi\n" +
			option(a.Bool("virtualenv_site_packages"), "set -- \"$@\" --system-site-packages\n") + watched("venv", "\"$@\" \"$v\" </dev/null") + "[ \"$r\" = 0 ] || exit 0\n"
	}
	script += findPip
	freeze := len(w.packages) == 0 || w.vcs
	if freeze {
		script += "printf 'before='; \"$@\" list --format=freeze --disable-pip-version-check 2>/dev/null; printf '\\0'\n"
	}
	script += "[ -z \"$v\" ] || PATH=$v/bin:$PATH\n" + watched("pip.run", "\"$@\" "+shellLine(words...)+" </dev/null")
	if freeze {
		script += "printf 'after='; \"$@\" list --format=freeze --disable-pip-version-check 2>/dev/null; printf '\\0'\n"
	}
	f, fail, err := w.c.observe(ctx, script)
	if fail != nil || err != nil {
		return fail, err
	}
	if v := f.watched("venv"); make && v.code != 0 {
		return programFailed("making the virtualenv", v), nil
	}
	s := f.watched("pip.run")
	setOutput(r, s.out, s.err)
	r.Set("cmd", value.Strings(append(strings.Fields(f["pip"]), words...)))
	if s.code != 0 && !(w.state == "absent" && strings.Contains(s.out+s.err, "not installed")) {
		r.Failed, r.Msg = true, "stdout: "+s.out+"\n:stderr: "+s.err
		return r.Set("rc", s.code), nil
	}
	switch {
	case freeze:
		r.Changed = f["before"] != f["after"]
	case w.state == "absent":
		r.Changed = strings.Contains(s.out, "Successfully uninstalled")
	default:
		r.Changed = strings.Contains(s.out, "Successfully installed")
	}
	r.Changed = r.Changed || make
	return r, nil
}

// quoteLine makes the words of a command line words of the shell.
func quoteLine(line string) string {
	words, err := splitWords(line)
	if err != nil {
		return quoteText(line)
	}
	return shellLine(words...)
}

func pythonOr(python string) string {
	if python == "" {
		return "python3"
	}
	return python
}
