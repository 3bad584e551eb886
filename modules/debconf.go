package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

var debconfModule = Module{
	Name:       "ansible.builtin.debconf",
	Summary:    say.T("Answers the questions of Debian packages beforehand.", "데비안 패키지의 설치 질문에 미리 답한다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "name", Aliases: []string{"pkg"}, Required: true, Doc: say.T("Name of the package.", "패키지 이름.")},
			{Name: "question", Aliases: []string{"selection", "setting"}, Doc: say.T("The question.", "질문.")},
			{Name: "vtype", Choices: []any{"boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title"}, Doc: say.T("Type of the answer.", "답의 형식.")},
			{Name: "value", Aliases: []string{"answer"}, Doc: say.T("The answer.", "답.")},
			{Name: "unseen", Type: Bool, Default: false, Doc: say.T("The question may still be asked.", "질문을 그래도 물을 수 있게 둔다.")},
		},
		RequiredTogether: [][]string{{"question", "vtype", "value"}},
	},
	Returns: []Return{
		{"current", "dict", "success", say.T("Answers now.", "지금의 답.")},
		{"previous", "dict", "changed", say.T("The answer before.", "이전의 답.")},
	},
	Run: runDebconf,
}

func runDebconf(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	name, question, kind := a.Str("name"), a.Str("question"), a.Str("vtype")
	s, fail, err := c.hear(ctx, needTool("debconf-show", "debconf-set-selections")+"debconf-show "+quoteText(name), "")
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 {
		return programFailed("debconf-show", s), nil
	}
	have := value.NewDict()
	for _, l := range lines(s.out) {
		if q, v, ok := strings.Cut(strings.TrimLeft(l, "* "), ":"); ok {
			have.Set(q, strings.TrimSpace(v))
		}
	}
	r := OK().Set("current", have)
	r.Set("msg", "")
	if !a.Given("question") {
		return r, nil
	}
	want := a.Str("value")
	old := have.At(question)
	wanted, now := want, value.Str(old)
	switch kind {
	case "boolean":
		wanted, now = strings.ToLower(want), strings.ToLower(now)
	case "password":
		// debconf-show does not tell passwords.
		g, fail, err := c.hear(ctx, "printf 'GET %s\\n' "+quoteText(question)+" | debconf-communicate "+quoteText(name)+" 2>/dev/null", "")
		if fail != nil || err != nil {
			return fail, err
		}
		if _, v, ok := strings.Cut(strings.TrimRight(g.out, "\n"), " "); ok {
			now = v
		}
	}
	r.Changed = old == nil || wanted != now
	if !r.Changed {
		return r, nil
	}
	if old == nil {
		old = "" // so ansible-core tells a question that was never asked
	}
	current := value.NewDict(question, want)
	r.Set("current", current).Set("previous", value.NewDict(question, old))
	if c.Diff && kind != "password" {
		r.Diffs = []Diff{valuesDiff(value.NewDict(question, old), current, "", "")}
	}
	if c.Check {
		return r, nil
	}
	s, fail, err = c.hear(ctx, "debconf-set-selections"+option(a.Bool("unseen"), " -u"), strings.Join([]string{name, question, kind, wanted}, " ")+"\n")
	if fail != nil || err != nil {
		return fail, err
	}
	if s.code != 0 {
		return programFailed("debconf-set-selections", s), nil
	}
	return r, nil
}

func stringList(list []string) *value.List { return value.Strings(list) }
