package modules

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"sunup/internal/say"
	"sunup/internal/value"
)

// Doc writes what a module does and which arguments it takes, for a terminal.
func Doc(w io.Writer, name string, lang say.Lang) error {
	m := Lookup(name, nil)
	if m == nil {
		return fmt.Errorf("there is no module %s", name)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n", m.Name)
	for _, alias := range m.Aliases {
		fmt.Fprintf(out, "%s\n", alias)
	}
	fmt.Fprintf(out, "\n  %s\n", m.Summary.In(lang))
	for _, note := range m.notes() {
		fmt.Fprintf(out, "  %s\n", note.In(lang))
	}
	if params := m.Spec.All(); len(params) > 0 {
		fmt.Fprintf(out, "\n%s\n", argumentsTitle.In(lang))
		docParams(out, params, lang, "  ")
	}
	for _, rule := range m.Spec.rules() {
		fmt.Fprintf(out, "  * %s\n", rule.In(lang))
	}
	if len(m.Returns) > 0 {
		fmt.Fprintf(out, "\n%s\n", returnsTitle.In(lang))
		for _, r := range m.Returns {
			fmt.Fprintf(out, "  %s (%s; %s)\n      %s\n", r.Name, r.Type, r.When, r.Doc.In(lang))
		}
	}
	return out.Flush()
}

// Reference writes a Markdown page of all modules.
func Reference(w io.Writer, lang say.Lang) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s\n\n%s\n\n", referenceTitle.In(lang), referenceIntro.In(lang))
	fmt.Fprintf(out, "| %s | |\n|---|---|\n", moduleWord.In(lang))
	for _, m := range all {
		fmt.Fprintf(out, "| [%s](#%s) | %s |\n", m.ShortName(), anchor(m.ShortName()), cell(m.Summary.In(lang)))
	}
	for _, m := range all {
		m.markdown(out, lang)
	}
	return out.Flush()
}

var (
	argumentsTitle = say.T("Arguments", "인자")
	returnsTitle   = say.T("Return values", "반환값")
	referenceTitle = say.T("Modules", "모듈")
	referenceIntro = say.T("Made from the declarations in `modules/`; do not edit. Each name also works with `ansible.builtin.` before it.",
		"`modules/`의 선언에서 만든 문서이므로 고치지 않는다. 이름 앞에 `ansible.builtin.`을 붙여도 된다.")
	moduleWord   = say.T("Module", "모듈")
	nameWord     = say.T("Name", "이름")
	typeWord     = say.T("Type", "형식")
	requiredWord = say.T("required", "필수")
	defaultWord  = say.T("default: %s", "기본값: %s")
	choicesWord  = say.T("one of: %s", "다음 중 하나: %s")
	aliasesWord  = say.T("also: %s", "다른 이름: %s")
	secretWord   = say.T("never shown", "출력하지 않음")
	whenWord     = say.T("When", "언제")
)

// anchor is what a title becomes in an address of the page.
func anchor(title string) string { return strings.ReplaceAll(strings.ToLower(title), ".", "") }

// notes are sentences about how the module runs.
func (m *Module) notes() []say.Text {
	var notes []say.Text
	if !m.Notes.IsZero() {
		notes = append(notes, m.Notes)
	}
	if m.Untried {
		notes = append(notes, untriedNote)
	}
	switch {
	case m.Engine:
	case m.Controller:
		notes = append(notes, say.T("Runs on the controller; no connection is made.", "제어 노드에서 실행하며 호스트에 접속하지 않는다."))
	case m.Check == CheckNone:
		notes = append(notes, say.T("Check mode: the task is skipped.", "점검 모드에서는 건너뛴다."))
	}
	return notes
}

// about are the properties of an argument in a few words.
func (p Param) about(lang say.Lang) []string {
	var out []string
	add := func(t say.Text) { out = append(out, t.In(lang)) }
	if p.Required {
		add(requiredWord)
	}
	if p.Default != nil {
		add(withArg(defaultWord, defaultText(p.Default)))
	}
	if len(p.Choices) > 0 {
		add(withArg(choicesWord, joinValues(p.Choices)))
	}
	if len(p.Aliases) > 0 {
		add(withArg(aliasesWord, strings.Join(p.Aliases, ", ")))
	}
	if p.Secret {
		add(secretWord)
	}
	return out
}

func withArg(t say.Text, arg string) say.Text {
	return say.T(t.In(say.English), t.In(say.Korean), arg)
}

func defaultText(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "true"
		}
		return "false"
	case string:
		if v == "" {
			return `""`
		}
	case *value.List:
		if v.Len() > 0 {
			return joinValues(v.Items)
		}
	}
	return value.Str(v)
}

func (p Param) typeText() string {
	t := p.Type.name()
	if p.Elements != "" {
		t += " of " + string(p.Elements)
	}
	return t
}

// title is the name as it is written in a task.
func (p Param) title() string {
	if p.Name == rawParams {
		return "(free text)"
	}
	return p.Name
}

func docParams(out io.Writer, params []Param, lang say.Lang, indent string) {
	for _, p := range params {
		fmt.Fprintf(out, "%s%s (%s)", indent, p.title(), p.typeText())
		if about := p.about(lang); len(about) > 0 {
			fmt.Fprintf(out, " %s", strings.Join(about, "; "))
		}
		fmt.Fprintf(out, "\n%s    %s\n", indent, p.Doc.In(lang))
		docParams(out, p.Options, lang, indent+"    ")
	}
}

// rules are the conditions among the arguments.
func (s Spec) rules() []say.Text {
	var out []say.Text
	for _, names := range s.MutuallyExclusive {
		out = append(out, say.T("only one of: %s", "다음 중 하나만: %s", strings.Join(names, ", ")))
	}
	for _, names := range s.RequiredTogether {
		out = append(out, say.T("only together: %s", "함께만: %s", strings.Join(names, ", ")))
	}
	for _, names := range s.RequiredOneOf {
		out = append(out, say.T("at least one of: %s", "다음 중 하나 이상: %s", strings.Join(names, ", ")))
	}
	for _, r := range s.RequiredIf {
		join := ", "
		if r.Any {
			join = " / "
		}
		out = append(out, say.T("%s=%s needs: %s", "%s=%s이면 필요: %s", r.Param, defaultText(r.Value), strings.Join(r.Needs, join)))
	}
	for _, p := range s.Params {
		if needs := s.RequiredBy[p.Name]; len(needs) > 0 {
			out = append(out, say.T("%s needs: %s", "%s에 필요: %s", p.Name, strings.Join(needs, ", ")))
		}
	}
	return out
}

func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

func (m *Module) markdown(out io.Writer, lang say.Lang) {
	fmt.Fprintf(out, "\n## %s\n\n%s\n", m.ShortName(), m.Summary.In(lang))
	for _, note := range m.notes() {
		fmt.Fprintf(out, "%s\n", note.In(lang))
	}
	if params := m.Spec.All(); len(params) > 0 {
		fmt.Fprintf(out, "\n| %s | %s | |\n|---|---|---|\n", nameWord.In(lang), typeWord.In(lang))
		markdownParams(out, params, lang, "")
	}
	rules := m.Spec.rules()
	if len(rules) > 0 {
		fmt.Fprintln(out)
	}
	for _, rule := range rules {
		fmt.Fprintf(out, "- %s\n", rule.In(lang))
	}
	if len(m.Returns) > 0 {
		fmt.Fprintf(out, "\n| %s | %s | %s | |\n|---|---|---|---|\n", returnsTitle.In(lang), typeWord.In(lang), whenWord.In(lang))
		for _, r := range m.Returns {
			fmt.Fprintf(out, "| `%s` | %s | %s | %s |\n", r.Name, r.Type, r.When, cell(r.Doc.In(lang)))
		}
	}
}

func markdownParams(out io.Writer, params []Param, lang say.Lang, parent string) {
	for _, p := range params {
		text := p.Doc.In(lang)
		if about := p.about(lang); len(about) > 0 {
			text += " *" + strings.Join(about, "; ") + "*"
		}
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", parent+p.title(), p.typeText(), cell(text))
		markdownParams(out, p.Options, lang, parent+p.title()+".")
	}
}
