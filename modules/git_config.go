package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var gitConfigModule = Module{
	Name:       "community.general.git_config",
	Summary:    say.T("Reads and sets options of Git.", "Git의 설정을 읽고 쓴다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "list_all", Type: Bool, Default: false, Doc: say.T("Return all options.", "모든 설정을 돌려준다.")},
			{Name: "name", Doc: say.T("Name of the option.", "설정 이름.")},
			{Name: "repo", Type: Path, Doc: say.T("Repository, for the local scope.", "저장소(local 범위).")},
			{Name: "file", Type: Path, Doc: say.T("File, for the file scope.", "파일(file 범위).")},
			{Name: "scope", Choices: []any{"file", "local", "global", "system"}, Doc: say.T("Which configuration.", "어느 설정인지.")},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: say.T("Whether it should be there.", "설정이 있어야 하는지.")},
			{Name: "value", Doc: say.T("Its value; none reads it.", "값. 없으면 읽는다.")},
		},
		MutuallyExclusive: [][]string{{"list_all", "name"}, {"list_all", "value"}, {"list_all", "state"}},
		RequiredIf:        []RequiredIf{{Param: "scope", Value: "local", Needs: []string{"repo"}}, {Param: "scope", Value: "file", Needs: []string{"file"}}},
		RequiredOneOf:     [][]string{{"list_all", "name"}},
	},
	Returns: []Return{
		{"config_value", "str", "value is not given", say.T("The value.", "값.")},
		{"config_values", "dict", "list_all", say.T("All options.", "모든 설정.")},
	},
	Run: runGitConfig,
}

func runGitConfig(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	scope := a.Str("scope")
	if scope == "" && !a.Bool("list_all") {
		scope = "system"
	}
	base := "git config --includes"
	switch scope {
	case "file":
		base += " -f " + quotePath(a.Str("file"))
	case "":
	default:
		base += " --" + scope
	}
	cd := "cd /\n"
	if a.Given("repo") {
		cd = "cd " + quotePath(a.Str("repo")) + " || exit 1\n"
	}
	look := base + " -l"
	if !a.Bool("list_all") {
		look = base + " --get-all " + quoteText(a.Str("name"))
	}
	s, fail, err := c.hear(ctx, needTool("git")+cd+look, "")
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code > 1 && !strings.Contains(s.err, "unable to read config file") && s.code != 128 && s.code != 5 {
		return programFailed("git config", s), nil
	}
	if a.Bool("list_all") {
		all := value.NewDict()
		for _, l := range lines(s.out) {
			if k, v, ok := strings.Cut(l, "="); ok {
				all.Set(k, v)
			}
		}
		r := OK().Set("config_values", all)
		r.Set("msg", "")
		return r, nil
	}
	old := strings.TrimRight(s.out, "\n")
	there := s.code == 0
	absent := a.Str("state") == "absent"
	if !a.Given("value") && !absent {
		r := OK().Set("config_value", old)
		r.Set("msg", "")
		return r, nil
	}
	r := ChangedIf(absent && there || !absent && (!there || old != a.Str("value")))
	if !r.Changed {
		r.Msg = "no setting to unset"
		if !absent {
			r.Msg = ""
		}
		r.Set("msg", r.Msg)
		return r, nil
	}
	r.Msg = "setting changed"
	if c.Diff {
		after := a.Str("value") + "\n"
		if absent {
			after = "\n"
		}
		r.Diffs = []Diff{{Before: old + "\n", After: after, BeforeHeader: base, AfterHeader: base}}
	}
	if c.Check {
		return r, nil
	}
	base = strings.Replace(base, " --includes", "", 1)
	step := base + " --replace-all " + quoteText(a.Str("name")) + " " + quoteText(a.Str("value"))
	if absent {
		step = base + " --unset-all " + quoteText(a.Str("name"))
	}
	if _, fail, err := c.do(ctx, strings.TrimSpace(cd), step); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}
