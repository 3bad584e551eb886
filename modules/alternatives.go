package modules

import (
	"context"
	"strconv"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var alternativesModule = Module{
	Name:       "community.general.alternatives",
	Summary:    say.T("Chooses between programs that do the same.", "같은 일을 하는 프로그램 가운데 하나를 고른다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "name", Required: true, Doc: say.T("Name of the alternative, such as java.", "대안의 이름(예: java).")},
		{Name: "path", Type: Path, Required: true, Doc: say.T("Program that should stand behind it.", "그 뒤에 둘 프로그램.")},
		{Name: "link", Type: Path, Doc: say.T("The link, for a new alternative.", "새 대안의 링크.")},
		{Name: "priority", Type: Int, Doc: say.T("Its priority.", "우선순위.")},
		{Name: "state", Default: "selected", Choices: []any{"present", "absent", "selected", "auto"}, Doc: say.T("selected, only present, absent, or chosen by priority (auto).", "selected(선택), present(등록만), absent(제거), auto(우선순위로 선택).")},
		{Name: "subcommands", Aliases: []string{"slaves"}, Type: List, Elements: Dict, Doc: say.T("Links that follow this one.", "함께 따라가는 링크."), Options: []Param{
			{Name: "name", Required: true, Doc: say.T("Name.", "이름.")},
			{Name: "path", Type: Path, Required: true, Doc: say.T("Its program.", "프로그램.")},
			{Name: "link", Type: Path, Required: true, Doc: say.T("Its link.", "링크.")},
		}},
	}},
	Run: runAlternatives,
}

func runAlternatives(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, program := a.Str("name"), a.Str("path")
	s, fail, err := c.hear(ctx, needTool("update-alternatives")+"update-alternatives --query "+quoteText(name), "")
	if fail != nil || err != nil {
		return fail, err
	}
	var link, current, mode, at string
	priority := map[string]int{}
	for _, l := range lines(s.out) {
		k, v, _ := strings.Cut(l, ": ")
		switch k {
		case "Link":
			link = v
		case "Value":
			current = v
		case "Status":
			mode = v
		case "Alternative":
			at = v
		case "Priority":
			priority[at], _ = strconv.Atoi(v)
		}
	}
	have, there := priority[program]
	state := a.Str("state")
	var steps []string
	install := state != "absent" && (!there || a.Given("priority") && a.Int("priority") != have)
	if install {
		if a.Given("link") {
			link = a.Str("link")
		}
		if link == "" {
			return Fail("Needed to install the alternative, but unable to do so as we are missing the link"), nil
		}
		want := 50
		if there {
			want = have
		}
		if a.Given("priority") {
			want = a.Int("priority")
		}
		words := []string{"update-alternatives", "--install", link, name, program, strconv.Itoa(want)}
		for _, x := range a.List("subcommands") {
			if d, ok := x.(*value.Dict); ok {
				words = append(words, "--slave", value.Str(d.At("link")), value.Str(d.At("name")), value.Str(d.At("path")))
			}
		}
		steps = append(steps, "{ [ -e "+quoteText(program)+" ] || { echo 'Specified path "+strings.ReplaceAll(program, "'", "")+" does not exist' >&2; false; }; }", shellLine(words...))
	}
	switch {
	case state == "absent" && there:
		steps = append(steps, shellLine("update-alternatives", "--remove", name, program))
	case state == "selected" && (current != program || mode != "manual" && len(priority) > 1 && current != program):
		steps = append(steps, shellLine("update-alternatives", "--set", name, program))
	case state == "auto" && mode != "auto":
		steps = append(steps, shellLine("update-alternatives", "--auto", name))
	}
	r := ChangedIf(len(steps) > 0)
	if c.Diff && r.Changed {
		r.Diffs = []Diff{valuesDiff(value.NewDict("path", current), value.NewDict("path", program, "state", state), "", "")}
	}
	if c.Check || !r.Changed {
		return r, nil
	}
	if _, fail, err := c.do(ctx, steps...); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}
