package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var packageModule = Module{
	Name:       "ansible.builtin.package",
	Summary:    say.T("Manages packages, whatever manages them on the host.", "호스트의 패키지 관리자가 무엇이든 패키지를 관리한다."),
	Notes:      say.T("Knows apt, dnf, yum and apk; further arguments go to the module of the manager.", "apt, dnf, yum, apk를 안다. 다른 인자는 그 관리자의 모듈에 넘긴다."),
	Idempotent: true,
	Spec: Spec{Open: true, Params: []Param{
		{Name: "name", Required: true, Type: Raw, Doc: say.T("Packages.", "패키지.")},
		{Name: "state", Default: "present", Doc: say.T("present, absent or latest, and what else the manager's module knows.", "present, absent, latest 등 관리자의 모듈이 아는 상태.")},
		{Name: "use", Default: "auto", Doc: say.T("Package manager to use instead of the one found.", "찾은 것 대신 쓸 패키지 관리자.")},
	}},
	Run: runPackage,
}

const lookPackageManager = `for m in apt-get dnf yum apk; do
if command -v "$m" >/dev/null 2>&1; then printf 'manager=%s\0' "${m%-get}"; break; fi
done
`

func runPackage(ctx context.Context, c *Call) (*Result, error) {
	use := c.Args.Str("use")
	use = use[strings.LastIndexByte(use, '.')+1:]
	if use == "auto" {
		use = c.knownManager()
	}
	if use == "" {
		f, fail, err := c.observe(ctx, systemPath+lookPackageManager+":\n")
		if fail != nil || err != nil {
			return fail, err
		}
		use = f["manager"]
	}
	managers := map[string]*Module{"apt": &aptModule, "dnf": &dnfModule, "dnf5": &dnfModule, "yum": &yumModule, "apk": &apkModule}
	m := managers[use]
	switch {
	case use == "":
		return Fail("%s has none of apt-get, dnf, yum and apk: name another package manager's module in the task", c.hostName()), nil
	case m == nil:
		return Fail("Could not find a matching action for the \"%s\" package manager.", use), nil
	}
	given := c.Args.All().Copy()
	given.Delete("use")
	args, err := m.Validate(m.ShortName(), given)
	if err != nil {
		return Fail("%s", err), nil
	}
	inner := *c
	inner.Args = args
	return m.Run(ctx, &inner)
}

// knownManager is what the facts of the host say, "" when they were not
// gathered.
func (c *Call) knownManager() string {
	if c.Controller == nil {
		return ""
	}
	for _, name := range []string{"ansible_pkg_mgr", "ansible_facts"} {
		v, ok, err := c.Controller.Var(name)
		if err != nil || !ok {
			continue
		}
		if d, is := v.(*value.Dict); is {
			v = d.At("pkg_mgr")
		}
		if s := value.Str(v); v != nil && s != "unknown" {
			return s
		}
	}
	return ""
}
