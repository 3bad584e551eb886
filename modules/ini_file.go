package modules

import (
	"context"
	"regexp"
	"strings"

	"sunup/internal/say"
)

var iniFileModule = Module{
	Name:       "community.general.ini_file",
	Summary:    say.T("Manages options in an INI file.", "INI 파일의 옵션을 관리한다."),
	Idempotent: true,
	Spec: Spec{File: true, Params: []Param{
		{Name: "path", Aliases: []string{"dest"}, Type: Path, Required: true, Doc: say.T("The file.", "대상 파일.")},
		{Name: "section", Doc: say.T("Section; none is what stands before the first one.", "구역. 없으면 첫 구역 앞을 다룬다.")},
		{Name: "option", Doc: say.T("Name of the option; none is the section itself.", "옵션 이름. 없으면 구역 자체를 다룬다.")},
		{Name: "value", Doc: say.T("Its value.", "값.")},
		{Name: "values", Type: List, Elements: Str, Doc: say.T("Its values, one line each.", "값들, 한 줄에 하나씩.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the option should be there.", "옵션이 있어야 하는지.")},
		{Name: "exclusive", Type: Bool, Default: true, Doc: say.T("Other lines of the option go away.", "그 옵션의 다른 줄은 없앤다.")},
		{Name: "no_extra_spaces", Type: Bool, Default: false, Doc: say.T("Write a=b instead of a = b.", "a = b 대신 a=b로 쓴다.")},
		{Name: "allow_no_value", Type: Bool, Default: false, Doc: say.T("The option may stand without a value.", "값 없는 옵션을 허용한다.")},
		{Name: "create", Type: Bool, Default: true, Doc: say.T("Make the file when it is not there.", "파일이 없으면 만든다.")},
	}, MutuallyExclusive: [][]string{{"value", "values"}}},
	Returns: []Return{
		{"msg", "str", "success", say.T("What was done.", "한 일.")},
		{"path", "str", "success", say.T("The file.", "대상 파일.")},
		{"backup_file", "str", "changed", say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runIniFile,
}

func runIniFile(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := iniWish{section: a.Str("section"), option: a.Str("option"), present: a.Str("state") == "present", exclusive: a.Bool("exclusive"), bareOption: a.Bool("allow_no_value"), assign: " = "}
	if a.Bool("no_extra_spaces") {
		w.assign = "="
	}
	if w.present && !a.Given("value") && !w.bareOption && !a.Given("values") {
		return Fail("Parameter 'value(s)' must be defined if state=present and allow_no_value=False."), nil
	}
	values := a.Strings("values")
	if a.Given("value") {
		values = []string{a.Str("value")}
	}
	for _, v := range values {
		if !contains(w.values, v) {
			w.values = append(w.values, v)
		}
	}
	e := edit{Call: c, create: a.Bool("create"), backupKey: "backup_file", attrs: attrsOf(a), bare: true}
	fail, err := e.open(ctx)
	switch {
	case fail != nil || err != nil:
		return fail, err
	case e.at.isDir():
		return Fail("Path %s is a directory !", e.at.Path).Set("rc", 256), nil
	case !e.exists && !a.Bool("create"):
		return Fail("Destination %s does not exist!", e.at.Path).Set("rc", 257), nil
	}
	text, msg, changed := w.apply(string(e.content))
	e.values = map[string]any{"path": a.Str("path")}
	r, err := e.finish(ctx, edited{content: []byte(text), changed: changed, msg: msg})
	if err == nil && !r.Failed {
		e.at.describe(r, e.id.secontext)
	}
	return r, err
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// iniWish is what should be in an INI file.
type iniWish struct {
	section, option                string
	values                         []string
	present, exclusive, bareOption bool
	assign                         string
}

// iniSection is the part of the lines that is a section, its title included.
type iniSection struct {
	from, to int
	found    bool
}

func (w iniWish) find(list []string) iniSection {
	if w.section == "" {
		s := iniSection{found: true}
		for s.to < len(list) && !strings.HasPrefix(list[s.to], "[") {
			s.to++
		}
		return s
	}
	s := iniSection{}
	for i, l := range list {
		switch {
		case strings.HasPrefix(l, "["+w.section+"]"):
			s.from, s.found = i, true
		case strings.HasPrefix(l, "[") && s.found:
			s.to = i
			return s
		}
	}
	s.to = len(list)
	if !s.found {
		s.from = s.to
	}
	return s
}

// apply returns the text with the wish fulfilled.
func (w iniWish) apply(text string) (out, msg string, changed bool) {
	bom := ""
	text = strings.TrimPrefix(text, "\ufeff")
	list := fileLines(strings.ReplaceAll(text, "\r\n", "\n"))
	if len(list) == 0 {
		list = []string{"\n"}
	}
	if last := &list[len(list)-1]; !strings.HasSuffix(*last, "\n") {
		*last += "\n"
		changed = true
	}
	s := w.find(list)
	if !s.found {
		if w.present {
			list, msg = w.addSection(list)
			return bom + strings.Join(list, ""), msg, true
		}
		return bom + strings.Join(list, ""), "OK", changed
	}
	body, msg := w.change(append([]string(nil), list[s.from:s.to]...))
	if msg != "" {
		changed = true
	} else {
		msg = "OK"
	}
	list = append(append(append([]string(nil), list[:s.from]...), body...), list[s.to:]...)
	return bom + strings.Join(list, ""), msg, changed
}

func (w iniWish) addSection(list []string) ([]string, string) {
	list = append(list, "["+w.section+"]\n")
	switch {
	case w.option != "" && len(w.values) > 0:
		for _, v := range w.values {
			list = append(list, w.option+w.assign+v+"\n")
		}
	case w.option != "" && w.bareOption:
		list = append(list, w.option+"\n")
	default:
		return list, "only section added"
	}
	return list, "section and option added"
}

// change makes the wish in the lines of one section; msg is empty when nothing
// was to do.
func (w iniWish) change(body []string) ([]string, string) {
	switch {
	case w.present && w.option != "":
		return w.put(body)
	case w.present:
		return body, ""
	case w.option != "":
		return w.drop(body)
	case len(body) == 0:
		return body, ""
	}
	return nil, "section removed"
}

func (w iniWish) matcher(commented bool) *regexp.Regexp {
	head := `[ \t]*`
	if commented {
		head = `[#;]?[ \t]*`
	}
	return regexp.MustCompile(`^` + head + regexp.QuoteMeta(w.option) + `[ \t]*(?:=|$)[ \t]*(.*)`)
}

func (w iniWish) put(body []string) ([]string, string) {
	re := w.matcher(true)
	msg := ""
	settled := make([]bool, len(body))
	set := func(i int, line string) {
		if body[i] != line {
			msg = "option changed"
		}
		body[i], settled[i] = line, true
	}
	left := append([]string(nil), w.values...)
	bareThere := false
	for i, l := range body {
		m := re.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
		switch {
		case m == nil:
		case len(left) > 0 && contains(left, m[1]):
			if m[1] == "" && w.bareOption {
				set(i, w.option+"\n")
				bareThere = true
			} else {
				set(i, w.option+w.assign+m[1]+"\n")
			}
			left = without(left, []string{m[1]})
		case len(w.values) == 0 && w.bareOption && !bareThere:
			set(i, w.option+"\n")
			bareThere = true
		}
	}
	if w.exclusive && !w.bareOption {
		var keep []string
		for i, l := range body {
			switch {
			case settled[i] || re.FindString(strings.TrimSuffix(l, "\n")) == "":
				keep = append(keep, l)
			case len(left) > 0:
				keep = append(keep, w.option+w.assign+left[0]+"\n")
				if l != keep[len(keep)-1] {
					msg = "option changed"
				}
				left = left[1:]
			default:
				msg = "option changed"
			}
		}
		body = keep
	}
	return w.insert(body, left, bareThere, msg)
}

var iniNoise = regexp.MustCompile(`^[ \t]*([#;].*)?\n?$`)

// insert puts the values that are left after the last line of the section that
// says something.
func (w iniWish) insert(body, left []string, bareThere bool, msg string) ([]string, string) {
	var lines []string
	for _, v := range left {
		lines = append(lines, w.option+w.assign+v+"\n")
	}
	if len(w.values) == 0 && w.bareOption && !bareThere {
		lines = []string{w.option + "\n"}
	}
	if len(lines) == 0 {
		return body, msg
	}
	at := len(body)
	for at > 0 && iniNoise.MatchString(body[at-1]) {
		at--
	}
	return append(body[:at:at], append(lines, body[at:]...)...), "option added"
}

func (w iniWish) drop(body []string) ([]string, string) {
	re := w.matcher(false)
	var keep []string
	for _, l := range body {
		m := re.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
		if m == nil || !w.exclusive && !contains(w.values, m[1]) {
			keep = append(keep, l)
		}
	}
	if len(keep) == len(body) {
		return body, ""
	}
	return keep, "option changed"
}
