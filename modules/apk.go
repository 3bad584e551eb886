package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var apkModule = Module{
	Name:       "community.general.apk",
	Summary:    say.T("Manages packages of Alpine Linux.", "알파인 리눅스의 패키지를 관리한다."),
	Untried:    true,
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "state", Default: "present", Choices: []any{"present", "installed", "absent", "removed", "latest"}, Doc: say.T("What the packages should be.", "패키지의 상태.")},
			{Name: "name", Type: List, Elements: Str, Doc: say.T("Packages.", "패키지.")},
			{Name: "no_cache", Type: Bool, Default: false, Doc: say.T("Keep no cache of downloads.", "내려받기 캐시를 두지 않는다.")},
			{Name: "repository", Type: List, Elements: Str, Doc: say.T("Repositories instead of the host's.", "호스트의 것 대신 쓸 저장소.")},
			{Name: "update_cache", Type: Bool, Default: false, Doc: say.T("Update the index first.", "먼저 목록을 갱신한다.")},
			{Name: "upgrade", Type: Bool, Default: false, Doc: say.T("Upgrade all packages.", "모든 패키지를 업그레이드한다.")},
			{Name: "available", Type: Bool, Default: false, Doc: say.T("When upgrading, prefer what repositories offer.", "업그레이드할 때 저장소에 있는 것을 우선한다.")},
			{Name: "world", Aliases: []string{}, Default: "/etc/apk/world", Doc: say.T("File of packages asked for.", "요청된 패키지의 파일.")},
		},
		RequiredOneOf:     [][]string{{"name", "update_cache", "upgrade"}},
		MutuallyExclusive: [][]string{{"name", "upgrade"}},
	},
	Returns: []Return{{"packages", "list", "changed", say.T("What changed.", "바뀐 패키지.")}},
	Run:     runApk,
}

func runApk(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	names := a.Strings("name")
	script := systemPath + needTool("apk")
	if len(names) > 0 {
		script += "for n in " + shellLine(names...) + "; do if apk -v info --installed \"$n\" >/dev/null 2>&1; then printf 'there.%s=1\\0' \"$n\"; fi\n" +
			"x=$(apk version -- \"$n\" 2>/dev/null); printf 'version.%s=%s\\0' \"$n\" \"$x\"; done\n"
	}
	f, fail, err := c.observe(ctx, script+":\n")
	if fail != nil || err != nil {
		return fail, err
	}
	base := []string{"apk"}
	if a.Bool("no_cache") {
		base = append(base, "--no-cache")
	}
	for _, r := range a.Strings("repository") {
		base = append(base, "--repository", r, "--repositories-file", "/dev/null")
	}
	var steps []string
	if a.Bool("update_cache") && !c.Check {
		steps = append(steps, shellLine(append(base, "update")...))
	}
	step := apkStep(a, f, names)
	if len(step) > 0 && c.Check {
		step = append(step, "--simulate")
	}
	if len(step) > 0 {
		steps = append(steps, shellLine(append(base, step...)...))
	}
	s, fail, err := c.do(ctx, steps...)
	if fail != nil || err != nil {
		return fail, err
	}
	packages := apkChanges(s.out)
	r := ChangedIf(len(step) > 0 && (len(packages) > 0 || !a.Bool("upgrade")) || a.Bool("update_cache") && len(names) == 0)
	r.Set("packages", value.Strings(packages))
	return setOutput(r, s.out, s.err), nil
}

// apkStep is the command that is needed, none when all is as asked.
func apkStep(a Args, f fields, names []string) []string {
	if a.Bool("upgrade") {
		step := []string{"upgrade"}
		if a.Bool("available") {
			step = append(step, "--available")
		}
		return step
	}
	var todo []string
	for _, n := range names {
		there := f.has("there." + n)
		old := strings.Contains(f["version."+n], " < ")
		switch a.Str("state") {
		case "absent", "removed":
			if there {
				todo = append(todo, n)
			}
		case "latest":
			if !there || old {
				todo = append(todo, n)
			}
		default:
			if !there {
				todo = append(todo, n)
			}
		}
	}
	if len(todo) == 0 {
		return nil
	}
	switch a.Str("state") {
	case "absent", "removed":
		return append([]string{"del", "--purge"}, todo...)
	case "latest":
		return append([]string{"add", "--upgrade"}, todo...)
	}
	return append([]string{"add"}, todo...)
}

// apkChanges are the packages named in lines such as "(1/2) Installing x (1)".
func apkChanges(out string) []string {
	var names []string
	for _, l := range lines(out) {
		if cols := strings.Fields(l); len(cols) >= 3 && strings.HasPrefix(cols[0], "(") && strings.HasSuffix(cols[0], ")") {
			names = append(names, cols[2])
		}
	}
	return names
}
