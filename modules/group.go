package modules

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"sunup/internal/say"
)

var groupModule = Module{
	Name:       "ansible.builtin.group",
	Summary:    say.T("Manages groups.", "그룹을 관리한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the group should be there.", "그룹이 있어야 하는지.")},
			{Name: "name", Required: true, Doc: say.T("Name of the group.", "그룹 이름.")},
			{Name: "gid", Type: Int, Doc: say.T("Number of the group.", "그룹 번호.")},
			{Name: "system", Type: Bool, Default: false, Doc: say.T("Make a new group one of the system.", "새 그룹을 시스템 그룹으로 만든다.")},
			{Name: "local", Type: Bool, Default: false, Doc: say.T("Look only into the host's own files.", "호스트 자신의 파일만 본다.")},
			{Name: "non_unique", Type: Bool, Default: false, Doc: say.T("The number may be another group's too.", "다른 그룹과 같은 번호여도 된다.")},
		},
		RequiredIf: []RequiredIf{{Param: "non_unique", Value: true, Needs: []string{"gid"}}},
	},
	Returns: []Return{
		{"gid", "int", "present", say.T("Number of the group.", "그룹 번호.")},
		{"name", "str", "always", say.T("Name of the group.", "그룹 이름.")},
		{"state", "str", "always", say.T("State asked for.", "요청한 상태.")},
		{"system", "bool", "present", say.T("Whether it was asked to be one of the system.", "시스템 그룹을 요청했는지.")},
	},
	Run: runGroup,
}

const lookGroup = `PATH=$PATH:/sbin:/usr/sbin
H() { command -v "$1" >/dev/null 2>&1; }
A() {
printf 'group='
if [ -z "$local" ] && H getent; then getent group "$u" 2>/dev/null
elif [ -r /etc/group ]; then while IFS= read -r x; do case $x in "$u":*) printf '%s\n' "$x";; esac; done </etc/group; fi
printf '\0'
}
`

const observeGroup = `A
for t in groupadd groupmod groupdel addgroup delgroup; do ! H "$t" || printf 'tool.%s=1\0' "$t"; done
`

func runGroup(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name := a.Str("name")
	begin := "u=" + quoteText(name) + "\nlocal=" + option(a.Bool("local"), "1") + "\n" + lookGroup
	f, fail, err := c.observe(ctx, begin+observeGroup)
	if fail != nil || err != nil {
		return fail, err
	}
	have := readGroups(f["group"])
	r := OK().Set("name", name).Set("state", a.Str("state"))
	step, fail := c.groupStep(f, have)
	if fail != nil {
		return fail, nil
	}
	r.Changed = step != ""
	if r.Changed && c.Check && (len(have) == 0 || a.Str("state") == "absent") {
		return ChangedIf(true), nil
	}
	if r.Changed && !c.Check {
		script := begin + "o=$(" + step + " 2>&1) || { printf 'rc=%s\\0err=%s\\0' \"$?\" \"$o\"; exit 0; }\nA\n"
		if f, fail, err = c.observe(ctx, script); fail != nil || err != nil {
			return fail, err
		}
		if f.has("rc") {
			msg := f.text("err")
			if msg == "" {
				msg = fmt.Sprintf("`%s` ended with %s", step, f.text("rc"))
			}
			return Fail("%s", msg).Set("name", name), nil
		}
		have = readGroups(f["group"])
	}
	if len(have) > 0 {
		r.Set("system", a.Bool("system")).Set("gid", have[0].gid)
	}
	return r, nil
}

// groupStep is the command that is needed, "" for none.
func (c *Call) groupStep(f fields, have []group) (string, *Result) {
	a := c.Args
	name := quoteText(a.Str("name"))
	there := len(have) > 0
	gid := ""
	if a.Given("gid") {
		gid = " -g " + strconv.Itoa(a.Int("gid")) + option(a.Bool("non_unique") && f.has("tool.groupadd"), " -o")
	}
	small := !f.has("tool.groupadd")
	switch {
	case a.Str("state") == "absent" && !there:
		return "", nil
	case a.Str("state") == "absent" && f.has("tool.groupdel"):
		return "groupdel " + name, nil
	case a.Str("state") == "absent" && f.has("tool.delgroup"):
		return "delgroup " + name, nil
	case a.Str("state") == "absent":
		return "", c.needs("groupdel")
	case !there && !small:
		return "groupadd" + gid + option(a.Bool("system"), " -r") + " " + name, nil
	case !there && f.has("tool.addgroup"):
		return "addgroup" + strings.TrimSuffix(gid, " -o") + option(a.Bool("system"), " -S") + " " + name, nil
	case !there:
		return "", c.needs("groupadd")
	case a.Given("gid") && have[0].gid != a.Int("gid"):
		if !f.has("tool.groupmod") {
			return "", c.needs("groupmod")
		}
		return "groupmod" + gid + " " + name, nil
	}
	return "", nil
}
