package modules

import (
	"context"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var packageFactsModule = Module{
	Name:       "ansible.builtin.package_facts",
	Summary:    say.T("Lists the installed packages as facts.", "설치된 패키지 목록을 팩트로 모은다."),
	Notes:      say.T("Asks dpkg, rpm, apk or pacman; the origin of packages is not told.", "dpkg, rpm, apk, pacman에 묻는다. 패키지의 origin은 알려 주지 않는다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "manager", Type: List, Elements: Str, Default: value.NewList("auto"), Doc: say.T("Package managers to ask: auto, apt, rpm, apk, pacman.", "물어볼 패키지 관리자: auto, apt, rpm, apk, pacman.")},
		{Name: "strategy", Default: "first", Choices: []any{"first", "all"}, Doc: say.T("Stop at the first one that is there, or ask all.", "처음 있는 것만 묻거나 모두 묻는다.")},
	}},
	Returns: []Return{{"ansible_facts", "dict", "always", say.T("packages: a list of versions by name.", "packages: 이름마다 버전 목록.")}},
	Run:     runPackageFacts,
}

// packageManagers list installed packages: one line each, fields between tabs.
var packageManagers = []struct {
	name, tool, list string
	read             func(line string) (name string, details *value.Dict)
}{
	{"apt", "dpkg-query", `dpkg-query -W -f '${db:Status-Abbrev}\t${binary:Package}\t${Version}\t${Architecture}\t${Section}\n'`, readDpkg},
	{"rpm", "rpm", `rpm -qa --qf '%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n'`, readRPM},
	{"apk", "apk", `apk info -v`, readApk},
	{"pacman", "pacman", `pacman -Q`, readPacman},
}

func runPackageFacts(ctx context.Context, c *Call) (*Result, error) {
	wanted := map[string]bool{}
	for _, m := range c.Args.Strings("manager") {
		wanted[strings.ToLower(m)] = true
	}
	known := map[string]bool{"auto": true}
	var s strings.Builder
	for _, m := range packageManagers {
		known[m.name] = true
		if wanted["auto"] || wanted[m.name] {
			s.WriteString("if command -v " + m.tool + " >/dev/null 2>&1; then printf '" + m.name + "='; " + m.list + " 2>/dev/null; printf '\\0'; fi\n")
		}
	}
	for m := range wanted {
		if !known[m] {
			return Fail("Unsupported package managers requested: %s", m), nil
		}
	}
	f, fail, err := c.observe(ctx, s.String()+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	packages, found := &value.Dict{}, 0
	for _, m := range packageManagers {
		if !f.has(m.name) || (found > 0 && c.Args.Str("strategy") == "first") {
			continue
		}
		found++
		for _, line := range lines(f[m.name]) {
			if name, d := m.read(line); name != "" {
				d.Set("source", m.name)
				l, _ := packages.At(name).(*value.List)
				if l == nil {
					l = &value.List{}
					packages.Set(name, l)
				}
				l.Append(d)
			}
		}
	}
	if found == 0 {
		return Fail("Could not detect a supported package manager on %s: there is no dpkg-query, rpm, apk or pacman", c.hostName()), nil
	}
	return &Result{Facts: value.NewDict("packages", packages)}, nil
}

func readDpkg(line string) (string, *value.Dict) {
	p := strings.Split(line, "\t")
	if len(p) < 5 || !strings.HasPrefix(p[0], "ii") && !strings.HasPrefix(p[0], "hi") {
		return "", nil
	}
	// Packages of the host's own architecture are called by their plain name.
	name, _, _ := strings.Cut(p[1], ":")
	return name, value.NewDict("name", name, "version", p[2], "arch", p[3], "category", p[4])
}

func readRPM(line string) (string, *value.Dict) {
	p := strings.Split(line, "\t")
	if len(p) < 5 {
		return "", nil
	}
	d := value.NewDict("name", p[0], "version", p[1], "release", p[2], "epoch", nil, "arch", p[4])
	if n, err := strconv.Atoi(p[3]); err == nil {
		d.Set("epoch", n)
	}
	if p[4] == "(none)" {
		d.Set("arch", nil)
	}
	return p[0], d
}

// readApk reads name-version-release.
func readApk(line string) (string, *value.Dict) {
	rest, release, ok := cutLast(line, "-")
	name, version, ok2 := cutLast(rest, "-")
	if !ok || !ok2 {
		return "", nil
	}
	return name, value.NewDict("name", name, "version", version, "release", release)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func readPacman(line string) (string, *value.Dict) {
	name, version, ok := strings.Cut(line, " ")
	if !ok {
		return "", nil
	}
	return name, value.NewDict("name", name, "version", version)
}
