package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var groupByModule = Module{
	Name:       "ansible.builtin.group_by",
	Summary:    say.T("Puts the host into a group named after a variable.", "변수로 이름을 지은 그룹에 호스트를 넣는다."),
	Controller: true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "key", Type: Raw, Doc: say.T("Name of the group.", "그룹 이름.")},
		{Name: "parents", Type: Raw, Doc: say.T("Groups above it.", "상위 그룹들.")},
	}},
	Returns: []Return{
		{"add_group", "str", "success", say.T("Name of the group.", "그룹 이름.")},
		{"parent_groups", "list", "success", say.T("Groups above it.", "상위 그룹들.")},
	},
	Run: runGroupBy,
}

func runGroupBy(_ context.Context, c *Call) (*Result, error) {
	if !c.Args.Given("key") {
		return Fail("the 'key' param is required when using group_by"), nil
	}
	dashed := func(v any) string { return strings.ReplaceAll(value.Str(v), " ", "-") }
	name, parents := dashed(c.Args.Raw("key")), []string{"all"}
	if c.Args.Given("parents") {
		parents = nil
		for _, p := range conditions(c.Args.Raw("parents")) {
			parents = append(parents, dashed(p))
		}
	}
	r := &Result{AddGroups: []AddGroup{{Name: name, Parents: parents}}}
	return r.Set("add_group", name).Set("parent_groups", value.Strings(parents)), nil
}
