package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
)

var sudoersModule = Module{
	Name:       "community.general.sudoers",
	Summary:    say.T("Manages rules of sudo in sudoers.d.", "sudoers.d의 sudo 규칙을 관리한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "commands", Type: List, Elements: Str, Doc: say.T("Commands that are allowed.", "허용할 명령.")},
			{Name: "group", Doc: say.T("Group that it is for.", "대상 그룹.")},
			{Name: "name", Required: true, Doc: say.T("Name of the file.", "파일 이름.")},
			{Name: "noexec", Type: Bool, Default: false, Doc: say.T("Keep commands from starting others.", "명령이 다른 명령을 시작하지 못하게 한다.")},
			{Name: "nopassword", Type: Bool, Default: true, Doc: say.T("Ask for no password.", "비밀번호를 묻지 않는다.")},
			{Name: "setenv", Type: Bool, Default: false, Doc: say.T("The environment may be kept.", "환경을 지킬 수 있게 한다.")},
			{Name: "host", Default: "ALL", Doc: say.T("Host that it is for.", "대상 호스트.")},
			{Name: "runas", Doc: say.T("User to run as.", "실행할 사용자.")},
			{Name: "sudoers_path", Default: "/etc/sudoers.d", Doc: say.T("Directory of the file.", "파일의 디렉터리.")},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: say.T("Whether it should be there.", "규칙이 있어야 하는지.")},
			{Name: "user", Doc: say.T("User that it is for.", "대상 사용자.")},
			{Name: "validation", Default: "detect", Choices: []any{"absent", "detect", "required"}, Doc: say.T("Whether visudo must accept it.", "visudo로 확인하는지.")},
		},
		MutuallyExclusive: [][]string{{"user", "group"}},
		RequiredIf:        []RequiredIf{{Param: "state", Value: "present", Needs: []string{"commands"}}},
	},
	Run: runSudoers,
}

func runSudoers(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	t, fail, err := c.openFile(ctx, strings.TrimRight(a.Str("sudoers_path"), "/")+"/"+a.Str("name"), attrs{mode: "0440"}, "command -v visudo >/dev/null 2>&1 && printf 'visudo=1\\0'\n:\n")
	if fail != nil || err != nil {
		return fail, err
	}
	if a.Str("state") == "absent" {
		if !t.exists || c.Check {
			return ChangedIf(t.exists), nil
		}
		if fail, err := c.removeFile(ctx, t.at.Path); fail != nil || err != nil {
			return fail, err
		}
		return ChangedIf(true), nil
	}
	who := a.Str("user")
	if a.Given("group") {
		who = "%" + a.Str("group")
	}
	if who == "" {
		return Fail("one of the following is required: user, group"), nil
	}
	line := who + " " + a.Str("host") + "=" + option(a.Given("runas"), "("+a.Str("runas")+")") + option(a.Bool("noexec"), "NOEXEC:") +
		option(a.Bool("nopassword"), "NOPASSWD:") + option(a.Bool("setenv"), "SETENV:") + " " + strings.Join(a.Strings("commands"), ", ") + "\n"
	k := kept{}
	switch visudo := t.fields.has("visudo"); {
	case a.Str("validation") == "required" && !visudo:
		return c.needs("visudo"), nil
	case a.Str("validation") != "absent" && visudo:
		k.validate = "visudo -c -f %s"
	}
	r := OK()
	if c.Check && k.validate != "" && (!t.exists || t.text() != line) {
		s, fail, err := c.hear(ctx, "visudo -c -f -\n", line)
		if fail != nil || err != nil {
			return fail, err
		}
		if s.code != 0 {
			return Fail("failed to validate: rc:%d error:%s", s.code, s.message()), nil
		}
	}
	c.fileDiff(r, t, line)
	r.Changed, _, fail, err = c.keepFile(ctx, t, line, k)
	if fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}
