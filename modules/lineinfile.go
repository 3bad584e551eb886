package modules

import (
	"context"
	"fmt"
	"strings"

	"github.com/dlclark/regexp2/v2"

	"sunup/internal/say"
)

var lineinfileModule = Module{
	Name:    "ansible.builtin.lineinfile",
	Summary: say.T("Makes a line be in a file, or not be in it.", "파일에 한 줄이 있게, 또는 없게 한다."),
	Spec: Spec{File: true, Params: []Param{
		{Name: "path", Aliases: []string{"dest", "destfile", "name"}, Type: Path, Required: true, Doc: say.T("The file.", "대상 파일.")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the line should be there.", "줄이 있어야 하는지.")},
		{Name: "regexp", Aliases: []string{"regex"}, Doc: say.T("Lines that match; the last one is replaced, or all are removed.", "찾을 정규식. 마지막으로 맞는 줄을 바꾸거나, 맞는 줄을 모두 지운다.")},
		{Name: "search_string", Doc: say.T("Text that the line contains, instead of regexp.", "정규식 대신, 줄에 들어 있는 글자.")},
		{Name: "line", Aliases: []string{"value"}, Doc: say.T("The line.", "넣을 줄.")},
		{Name: "insertafter", Doc: say.T("Where to insert: after the last line that matches, EOF or BOF.", "넣을 위치: 맞는 마지막 줄 뒤, EOF 또는 BOF.")},
		{Name: "insertbefore", Doc: say.T("Where to insert: before the last line that matches, or BOF.", "넣을 위치: 맞는 마지막 줄 앞, 또는 BOF.")},
		{Name: "backrefs", Type: Bool, Default: false, Doc: say.T("Fill groups of regexp into the line.", "정규식의 묶음을 줄에 채운다.")},
		{Name: "create", Type: Bool, Default: false, Doc: say.T("Make the file when it is not there.", "파일이 없으면 만든다.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "firstmatch", Type: Bool, Default: false, Doc: say.T("Take the first match instead of the last.", "마지막 대신 처음 맞는 줄을 쓴다.")},
		{Name: "validate", Doc: say.T("Command that must accept the new file (%s).", "새 파일(%s)을 통과시켜야 하는 명령.")},
	},
		MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}, {"regexp", "search_string"}, {"backrefs", "search_string"}},
	},
	Notes:      say.T("In a file that is UTF-8, a dot in a regular expression is one character; ansible-core sees single bytes. A last line without an end is given one before a line is put after it.", "UTF-8 파일에서 정규식의 점은 글자 하나이다. ansible-core는 바이트 하나로 본다. 줄바꿈 없는 마지막 줄 뒤에 넣을 때는 먼저 줄을 끝낸다."),
	Idempotent: true,
	Returns: []Return{
		{Name: "msg", Type: "str", When: "always", Doc: say.T("What was done.", "한 일.")},
		{Name: "backup", Type: "str", When: "always", Doc: say.T("The name of the backup.", "백업의 이름.")},
		{Name: "found", Type: "int", When: "state=absent", Doc: say.T("How many lines were removed.", "지운 줄의 수.")},
	},
	Run: runLineinfile,
}

func runLineinfile(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	w := lineWish{
		line: a.Str("line"), hasLine: a.Given("line"), regexp: a.Str("regexp"), hasRegexp: a.Given("regexp"),
		search: a.Str("search_string"), hasSearch: a.Given("search_string"),
		after: a.Str("insertafter"), before: a.Str("insertbefore"), hasBefore: a.Given("insertbefore"),
		backrefs: a.Bool("backrefs"), first: a.Bool("firstmatch"),
	}
	w.warn(c)
	present := a.Str("state") == "present"
	e := edit{Call: c, create: a.Bool("create") && present, backupKey: "backup", attrs: attrsOf(a)}
	fail, err := e.open(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	switch {
	case e.at.isDir():
		return Fail("Path %s is a directory !", e.at.Path).Set("rc", 256), nil
	case present && w.backrefs && !w.hasRegexp:
		return Fail("regexp is required with backrefs=true"), nil
	case present && !w.hasLine:
		return Fail("line is required with state=present"), nil
	case present && !e.exists && !e.create:
		return Fail("Destination %s does not exist !", e.at.Path).Set("rc", 257), nil
	case !present && !w.hasLine && !w.hasRegexp && !w.hasSearch:
		return Fail("one of line, search_string, or regexp is required with state=absent"), nil
	case !present && !e.exists:
		r := OK()
		r.Msg = "file not present"
		return r, nil
	}
	change := w.remove
	if present {
		change = w.put
	}
	done, err := change(e.content)
	if err != nil {
		return Fail("%s", err), nil
	}
	if !present {
		e.values = map[string]any{"found": done.found}
	}
	return e.finish(ctx, done)
}

// lineWish is what lineinfile should make of a text.
type lineWish struct {
	line, regexp, search, after, before      string
	hasLine, hasRegexp, hasSearch, hasBefore bool
	backrefs, first                          bool
}

func (w lineWish) warn(c *Call) {
	if c.Controller == nil {
		return
	}
	const empty = "The %s is an empty string, which will match every line in the file. This may have unintended consequences, such as replacing the last line in the file rather than appending."
	switch {
	case w.hasRegexp && w.regexp == "":
		c.Controller.Warn(fmt.Sprintf(empty, "regular expression") + " If this is desired, use '^' to match every line in the file and avoid this warning.")
	case w.hasSearch && w.search == "":
		c.Controller.Warn(fmt.Sprintf(empty, "search string"))
	}
}

// edited is a text after a change, with Ansible's word for the change.
type edited struct {
	content []byte
	changed bool
	msg     string
	found   int
	// texts are before and after as a person reads them, when the content is
	// not UTF-8.
	texts []string
}

// fileLines splits text after each newline, as reading a file by lines does.
func fileLines(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func bare(line string) string { return strings.TrimRight(line, "\r\n") }

// lineSpot is where put found something.
type lineSpot struct {
	at     int // the line to replace, or -1
	insert int // where to insert, or -1
	match  *regexp2.Match
	hit    bool // regexp or search_string was found
	exact  bool // the line itself was found
}

// put makes the line be in the text.
func (w lineWish) put(content []byte) (edited, error) {
	cs := charsetOf(content, []byte(w.line), []byte(w.regexp), []byte(w.search), []byte(w.after), []byte(w.before))
	w = w.in(cs)
	if !w.hasBefore && w.after == "" {
		w.after = "EOF"
	}
	lines := fileLines(cs.decode(content))
	spot, err := w.find(lines)
	if err != nil {
		return edited{}, err
	}
	lines, msg, err := w.place(lines, spot)
	if err != nil {
		return edited{}, err
	}
	return edited{content: cs.encode(strings.Join(lines, "")), changed: msg != "", msg: msg}, nil
}

// in gives the wish in the characters of a charset.
func (w lineWish) in(cs charset) lineWish {
	for _, s := range []*string{&w.line, &w.regexp, &w.search, &w.after, &w.before} {
		*s = cs.decode([]byte(*s))
	}
	return w
}

// inserter is the pattern of insertafter or insertbefore, nil for an end of
// the file.
func (w lineWish) inserter() (*regex, error) {
	switch {
	case w.after != "" && w.after != "BOF" && w.after != "EOF":
		return compileRegex(w.after, "")
	case w.hasBefore && w.before != "BOF":
		return compileRegex(w.before, "")
	}
	return nil, nil
}

func (w lineWish) find(lines []string) (lineSpot, error) {
	spot := lineSpot{at: -1, insert: -1}
	if err := w.findOld(lines, &spot); err != nil || spot.hit {
		return spot, err
	}
	ins, err := w.inserter()
	if err != nil {
		return spot, err
	}
	for i, l := range lines {
		if bare(l) == w.line {
			spot.at, spot.exact = i, true
			continue
		}
		if ins == nil {
			continue
		}
		m, err := ins.search(l)
		if err != nil {
			return spot, err
		}
		if m == nil {
			continue
		}
		spot.insert = i
		if w.after != "" {
			spot.insert = i + 1
		}
		if w.first {
			break
		}
	}
	return spot, nil
}

// findOld looks for the line that should be replaced.
func (w lineWish) findOld(lines []string, spot *lineSpot) error {
	var re *regex
	if w.hasRegexp {
		var err error
		if re, err = compileRegex(w.regexp, ""); err != nil {
			return err
		}
	}
	for i, l := range lines {
		hit := w.hasSearch && strings.Contains(l, w.search)
		if re != nil {
			m, err := re.search(l)
			if err != nil {
				return err
			}
			if hit = m != nil; hit {
				spot.match = m
			}
		}
		if hit {
			spot.at, spot.hit = i, true
			if w.first {
				break
			}
		}
	}
	return nil
}

// place changes the lines; msg is empty when nothing was to do.
func (w lineWish) place(lines []string, spot lineSpot) ([]string, string, error) {
	own := w.line + "\n"
	ended := func(l string) bool { return strings.HasSuffix(l, "\n") || strings.HasSuffix(l, "\r") }
	switch {
	case spot.at >= 0:
		fresh := w.line
		if w.backrefs && spot.match != nil {
			var err error
			if fresh, err = expandTemplate(w.line, spot.match); err != nil {
				return lines, "", err
			}
		}
		if !strings.HasSuffix(fresh, "\n") {
			fresh += "\n"
		}
		if lines[spot.at] == fresh {
			return lines, "", nil
		}
		lines[spot.at] = fresh
		return lines, "line replaced", nil
	case w.backrefs:
		return lines, "", nil
	case w.before == "BOF" || w.after == "BOF":
		return insertLine(lines, 0, own), "line added", nil
	case w.after == "EOF" || spot.insert == -1:
		if n := len(lines); n > 0 && !ended(lines[n-1]) {
			lines = append(lines, "\n")
		}
		return append(lines, own), "line added", nil
	case w.after != "" && spot.insert == len(lines):
		last := &lines[spot.insert-1]
		if bare(*last) == w.line {
			return lines, "", nil
		}
		// ansible-core joins the two lines here.
		if !ended(*last) {
			*last += "\n"
		}
		return append(lines, own), "line added", nil
	case w.after != "" && bare(lines[spot.insert]) == w.line:
		return lines, "", nil
	}
	return insertLine(lines, spot.insert, own), "line added", nil
}

func insertLine(lines []string, i int, line string) []string {
	return append(lines[:i:i], append([]string{line}, lines[i:]...)...)
}

// remove takes every line that matches out of the text.
func (w lineWish) remove(content []byte) (edited, error) {
	cs := charsetOf(content, []byte(w.line), []byte(w.regexp), []byte(w.search))
	w = w.in(cs)
	var re *regex
	if w.hasRegexp {
		var err error
		if re, err = compileRegex(w.regexp, ""); err != nil {
			return edited{}, err
		}
	}
	var kept strings.Builder
	found := 0
	for _, l := range fileLines(cs.decode(content)) {
		hit := false
		switch {
		case re != nil:
			m, err := re.search(l)
			if err != nil {
				return edited{}, err
			}
			hit = m != nil
		case w.hasSearch:
			hit = strings.Contains(l, w.search)
		default:
			hit = bare(l) == w.line
		}
		if hit {
			found++
		} else {
			kept.WriteString(l)
		}
	}
	e := edited{content: cs.encode(kept.String()), changed: found > 0, found: found}
	if found > 0 {
		e.msg = fmt.Sprintf("%d line(s) removed", found)
	}
	return e, nil
}
