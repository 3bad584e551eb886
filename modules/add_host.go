package modules

import (
	"context"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var addHostModule = Module{
	Name:        "ansible.builtin.add_host",
	Summary:     say.T("Adds a host to the inventory of this run.", "이번 실행의 인벤토리에 호스트를 더한다."),
	Controller:  true,
	OncePerPlay: true,
	Idempotent:  true,
	Spec: Spec{Open: true, Params: []Param{
		{Name: "name", Aliases: []string{"hostname", "host"}, Type: Raw, Doc: say.T("Name of the host; a port may follow.", "호스트 이름. 뒤에 포트를 붙일 수 있다.")},
		{Name: "groups", Aliases: []string{"groupname", "group"}, Type: Raw, Doc: say.T("Groups to put it in.", "넣을 그룹들.")},
	}},
	Returns: []Return{{"add_host", "dict", "success", say.T("Name, groups and variables.", "이름, 그룹, 변수.")}},
	Run:     runAddHost,
}

func runAddHost(_ context.Context, c *Call) (*Result, error) {
	a := c.Args
	if !a.Given("name") {
		return Fail("name, host or hostname needs to be provided"), nil
	}
	name, port := hostAndPort(value.Str(a.Raw("name")))
	groups, ok := groupNames(a.Raw("groups"))
	if !ok {
		return Fail("Groups must be specified as a list."), nil
	}
	vars := &value.Dict{}
	for k, v := range a.All().All() {
		switch value.Str(k) {
		case "name", "hostname", "groupname", "groups":
		default:
			vars.Set(k, v)
		}
	}
	if port > 0 {
		vars.Set("ansible_ssh_port", port)
	}
	r := &Result{AddHost: &AddHost{Name: name, Groups: groups, Vars: vars}}
	return r.Set("add_host", value.NewDict("host_name", name, "groups", value.Strings(groups), "host_vars", vars)), nil
}

// hostAndPort takes a port off "name:22" and "[fe80::1]:22".
func hostAndPort(s string) (string, int) {
	host, text, ok := strings.Cut(s, ":")
	if strings.HasPrefix(s, "[") {
		if host, text, ok = strings.Cut(s[1:], "]"); ok {
			if text == "" {
				return host, 0
			}
			text, ok = strings.CutPrefix(text, ":")
		}
	}
	port, err := strconv.Atoi(text)
	if !ok || err != nil || port < 1 || port > 65535 {
		return s, 0
	}
	return host, port
}

func groupNames(v any) ([]string, bool) {
	var items []any
	switch v := v.(type) {
	case nil:
	case *value.List:
		items = v.Items
	case string:
		for _, g := range strings.Split(v, ",") {
			items = append(items, g)
		}
	default:
		return nil, false
	}
	var out []string
	seen := map[string]bool{}
	for _, g := range items {
		if name := strings.TrimSpace(value.Str(g)); name != "" && !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out, true
}
