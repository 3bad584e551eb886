package modules

import (
	"context"
	"fmt"
	"strings"

	"sunup/internal/say"
)

var dpkgSelectionsModule = Module{
	Name:       "ansible.builtin.dpkg_selections",
	Summary:    say.T("Says what dpkg should do with a package (hold, install ...).", "dpkg가 패키지를 어떻게 다룰지 정한다(hold, install 등)."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "name", Required: true, Doc: say.T("Name of the package.", "패키지 이름.")},
		{Name: "selection", Required: true, Choices: []any{"install", "hold", "deinstall", "purge"}, Doc: say.T("The selection.", "선택 상태.")},
	}},
	Returns: []Return{
		{"before", "str", "always", say.T("The selection before.", "이전 선택 상태.")},
		{"after", "str", "always", say.T("The selection now.", "지금 선택 상태.")},
	},
	Run: runDpkgSelections,
}

func runDpkgSelections(ctx context.Context, c *Call) (*Result, error) {
	name, want := c.Args.Str("name"), c.Args.Str("selection")
	s, fail, err := c.hear(ctx, needTool("dpkg")+"dpkg --get-selections "+quoteText(name), "")
	if fail != nil || err != nil {
		return fail, err
	}
	before := "not present"
	if cols := strings.Fields(s.out); len(cols) >= 2 {
		before = cols[1]
	}
	r := ChangedIf(before != want).Set("before", before).Set("after", want)
	if !r.Changed || c.Check {
		return r, nil
	}
	if before == "not present" {
		return Fail("dpkg knows no package %s: a selection would be lost", name).Set("before", before), nil
	}
	s, fail, err = c.hear(ctx, "dpkg --set-selections", fmt.Sprintf("%s %s\n", name, want))
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 {
		return programFailed("dpkg --set-selections", s), nil
	}
	return r, nil
}
