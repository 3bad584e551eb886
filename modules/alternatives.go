package modules

import (
	"context"
	"slices"
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

// alternative is one program of a name, as update-alternatives keeps it.
type alternative struct {
	path, link  string
	priority    int
	subcommands []subcommand
}

type subcommand struct{ name, path, link string }

// alternatives are all programs of a name.
type alternatives struct {
	known   bool
	link    string // of the name itself
	current string
	manual  bool
	list    map[string]alternative
}

// readAlternatives reads what update-alternatives --query prints: fields of the
// name, then a paragraph for each program.
func readAlternatives(text string) alternatives {
	x := alternatives{list: map[string]alternative{}}
	links := map[string]string{} // of the followers, by name
	var at alternative
	field := ""
	for _, l := range lines(text) {
		if follower, ok := strings.CutPrefix(l, " "); ok {
			name, path, _ := strings.Cut(follower, " ")
			if field == "Slaves" && at.path == "" {
				links[name] = path
			} else if field == "Slaves" && path != "(null)" {
				at.subcommands = append(at.subcommands, subcommand{name, path, links[name]})
				x.list[at.path] = at
			}
			continue
		}
		k, v, _ := strings.Cut(l, ":")
		field, v = k, strings.TrimPrefix(v, " ")
		switch k {
		case "Link":
			x.known, x.link = true, v
		case "Value":
			x.current = v
		case "Status":
			x.manual = v == "manual"
		case "Alternative":
			at = alternative{path: v, link: x.link}
		case "Priority":
			at.priority, _ = strconv.Atoi(v)
			x.list[at.path] = at
		}
	}
	return x
}

// describe is the alternative in a difference.
func (w alternative) describe(state string) *value.Dict {
	d := value.NewDict("state", state, "path", w.path, "priority", w.priority, "link", w.link)
	if len(w.subcommands) > 0 {
		var list []any
		for _, s := range w.subcommands {
			list = append(list, value.NewDict("name", s.name, "path", s.path, "link", s.link))
		}
		d.Set("subcommands", list)
	}
	return d
}

// wanted is the alternative that the arguments ask for, with what they leave
// open as it is.
func wantedAlternative(a Args, x alternatives) alternative {
	w, there := x.list[a.Str("path")]
	if !there {
		w = alternative{path: a.Str("path"), link: x.link, priority: 50}
	}
	if a.Given("link") {
		w.link = a.Str("link")
	}
	if a.Given("priority") {
		w.priority = a.Int("priority")
	}
	if a.Given("subcommands") {
		w.subcommands = nil
		for _, e := range a.List("subcommands") {
			if d, ok := e.(*value.Dict); ok {
				w.subcommands = append(w.subcommands, subcommand{value.Str(d.At("name")), value.Str(d.At("path")), value.Str(d.At("link"))})
			}
		}
	}
	return w
}

func (w alternative) install(name string) string {
	words := []string{"update-alternatives", "--install", w.link, name, w.path, strconv.Itoa(w.priority)}
	for _, s := range w.subcommands {
		words = append(words, "--slave", s.link, s.name, s.path)
	}
	return shellLine(words...)
}

// alternativesPlan is what has to be done, with what is told about it.
type alternativesPlan struct {
	steps, said []string
	after       *value.Dict
	install     bool
}

func (p *alternativesPlan) add(step, said string) {
	p.steps, p.said = append(p.steps, step), append(p.said, said)
}

func planAlternatives(a Args, x alternatives, want alternative) alternativesPlan {
	name, state := a.Str("name"), a.Str("state")
	have, there := x.list[want.path]
	p := alternativesPlan{after: &value.Dict{}}
	if state == "absent" {
		if there {
			p.add(shellLine("update-alternatives", "--remove", name, want.path), "Remove alternative '"+want.path+"' from '"+name+"'.")
			p.after = value.NewDict("state", "absent")
		}
		return p
	}
	p.install = !there || have.priority != want.priority || a.Given("subcommands") && !sameFollowers(have.subcommands, want.subcommands)
	if p.install {
		p.add(want.install(name), "Install alternative '"+want.path+"' for '"+name+"'.")
		p.after = want.describe("present")
	}
	switch {
	case state == "selected" && x.current != want.path:
		p.add(shellLine("update-alternatives", "--set", name, want.path), "Set alternative '"+want.path+"' for '"+name+"'.")
		p.after.Set("state", "selected")
	case state == "auto" && x.manual:
		p.add(shellLine("update-alternatives", "--auto", name), "Set alternative to auto for '"+name+"'.")
		p.after.Set("state", "present")
	}
	return p
}

func sameFollowers(a, b []subcommand) bool {
	for _, s := range a {
		if !slices.Contains(b, s) {
			return false
		}
	}
	return len(a) == len(b)
}

// beforeAlternatives is what a difference tells of before.
func beforeAlternatives(x alternatives, path string) *value.Dict {
	have, there := x.list[path]
	switch {
	case !x.known:
		return &value.Dict{}
	case !there:
		return value.NewDict("state", "absent")
	case x.manual && x.current != path:
		return have.describe("selected") // so ansible-core calls it
	}
	return have.describe("present")
}

func runAlternatives(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	s, fail, err := c.hear(ctx, needTool("update-alternatives")+"[ ! -e "+quotePath(a.Str("path"))+" ] || echo there >&2\nupdate-alternatives --query "+quoteText(a.Str("name"))+" 2>/dev/null", "")
	if fail != nil || err != nil {
		return fail, err
	}
	x := readAlternatives(s.out)
	want := wantedAlternative(a, x)
	p := planAlternatives(a, x, want)
	switch {
	case p.install && !strings.Contains(s.err, "there"):
		return Fail("Specified path %s does not exist", want.path), nil
	case p.install && want.link == "":
		return Fail("Needed to install the alternative, but unable to do so as we are missing the link"), nil
	}
	r := ChangedIf(len(p.steps) > 0).Set("msg", strings.Join(p.said, " "))
	if c.Diff && r.Changed {
		r.Diffs = []Diff{valuesDiff(beforeAlternatives(x, want.path), p.after, "", "")}
	}
	if c.Check || !r.Changed {
		return r, nil
	}
	if _, fail, err := c.do(ctx, p.steps...); fail != nil || err != nil {
		return fail, err
	}
	return r, nil
}
