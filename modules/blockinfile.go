package modules

import (
	"context"
	"strings"

	"sunup/internal/say"
)

var blockinfileModule = Module{
	Name:    "ansible.builtin.blockinfile",
	Summary: say.T("Makes a block of lines be in a file, between two marker lines.", "파일에 두 표시 줄 사이의 블록이 있게 한다."),
	Notes:   say.T("append_newline and prepend_newline are taken from a later ansible-core.", "append_newline과 prepend_newline은 이후 ansible-core의 인자이다."),
	Spec: Spec{File: true, Params: []Param{
		{Name: "path", Aliases: []string{"dest", "destfile", "name"}, Type: Path, Required: true, Doc: say.T("The file.", "대상 파일.")},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the block should be there.", "블록이 있어야 하는지.")},
		{Name: "block", Aliases: []string{"content"}, Default: "", Doc: say.T("The lines; none removes the block.", "넣을 줄들. 비어 있으면 블록을 지운다.")},
		{Name: "marker", Default: "# {mark} ANSIBLE MANAGED BLOCK", Doc: say.T("The marker lines; {mark} becomes BEGIN and END.", "표시 줄. {mark}는 BEGIN과 END가 된다.")},
		{Name: "marker_begin", Default: "BEGIN", Doc: say.T("What {mark} becomes before the block.", "블록 앞에서 {mark}가 될 글자.")},
		{Name: "marker_end", Default: "END", Doc: say.T("What {mark} becomes after the block.", "블록 뒤에서 {mark}가 될 글자.")},
		{Name: "insertafter", Doc: say.T("Where to insert: after the last line that matches, or EOF.", "넣을 위치: 맞는 마지막 줄 뒤, 또는 EOF.")},
		{Name: "insertbefore", Doc: say.T("Where to insert: before the last line that matches, or BOF.", "넣을 위치: 맞는 마지막 줄 앞, 또는 BOF.")},
		{Name: "create", Type: Bool, Default: false, Doc: say.T("Make the file when it is not there.", "파일이 없으면 만든다.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "validate", Doc: say.T("Command that must accept the new file (%s).", "새 파일(%s)을 통과시켜야 하는 명령.")},
		{Name: "append_newline", Type: Bool, Default: false, Doc: say.T("Leave an empty line after the block.", "블록 뒤에 빈 줄을 둔다.")},
		{Name: "prepend_newline", Type: Bool, Default: false, Doc: say.T("Leave an empty line before the block.", "블록 앞에 빈 줄을 둔다.")},
	},
		MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}},
	},
	Idempotent: true,
	Returns: []Return{
		{Name: "msg", Type: "str", When: "always", Doc: say.T("What was done.", "한 일.")},
		{Name: "backup_file", Type: "str", When: "changed and if backup=yes", Doc: say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runBlockinfile,
}

func runBlockinfile(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	present := a.Str("state") == "present"
	e := edit{Call: c, create: a.Bool("create"), backupKey: "backup_file", attrs: attrsOf(a)}
	fail, err := e.open(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	switch {
	case e.at.isDir():
		return Fail("Path %s is a directory !", e.at.Path).Set("rc", 256), nil
	case !e.exists && !e.create:
		return Fail("Path %s does not exist !", e.at.Path).Set("rc", 257), nil
	case !e.exists && !present:
		r := OK()
		r.Msg = "File " + e.at.Path + " not present"
		return r, nil
	}
	w := blockWish{
		block: a.Str("block"), after: a.Str("insertafter"), before: a.Str("insertbefore"), hasBefore: a.Given("insertbefore"),
		begin:       strings.ReplaceAll(a.Str("marker"), "{mark}", a.Str("marker_begin")) + "\n",
		end:         strings.ReplaceAll(a.Str("marker"), "{mark}", a.Str("marker_end")) + "\n",
		blankBefore: a.Bool("prepend_newline"), blankAfter: a.Bool("append_newline"),
	}
	if !present {
		w.block = ""
	}
	done, err := w.put(e.content)
	if err != nil {
		return Fail("%s", err), nil
	}
	if !e.exists {
		done.changed, done.msg = true, "File created"
	}
	return e.finish(ctx, done)
}

// blockWish is what blockinfile should make of a text. An empty block is one
// that should not be there.
type blockWish struct {
	block, after, before, begin, end string
	hasBefore                        bool
	blankBefore, blankAfter          bool
}

// put makes the block be in the text, in place of the one that is there.
func (w blockWish) put(content []byte) (edited, error) {
	cs := charsetOf(content, []byte(w.block), []byte(w.begin), []byte(w.end), []byte(w.after), []byte(w.before))
	for _, s := range []*string{&w.block, &w.after, &w.before, &w.begin, &w.end} {
		*s = cs.decode([]byte(*s))
	}
	text := cs.decode(content)
	lines := fileLines(text)
	at, lines, err := w.cut(text, lines)
	if err != nil {
		return edited{}, err
	}
	if at > 0 && !strings.HasSuffix(lines[at-1], "\n") {
		lines[at-1] += "\n"
	}
	block := w.lines()
	if len(block) > 0 && w.blankBefore && at > 0 && strings.TrimSpace(lines[at-1]) != "" {
		block = append([]string{"\n"}, block...)
	}
	if len(block) > 0 && w.blankAfter && at < len(lines) && strings.TrimSpace(lines[at]) != "" {
		block = append(block, "\n")
	}
	result := strings.Join(lines[:at], "") + strings.Join(block, "") + strings.Join(lines[at:], "")
	e := edited{content: cs.encode(result), changed: result != text}
	switch {
	case !e.changed:
	case len(block) == 0:
		e.msg = "Block removed"
	default:
		e.msg = "Block inserted"
	}
	return e, nil
}

// lines are the block with its markers, or nothing.
func (w blockWish) lines() []string {
	if w.block == "" {
		return nil
	}
	block := w.block
	if !strings.HasSuffix(block, "\n") {
		block += "\n"
	}
	return append(append([]string{w.begin}, fileLines(block)...), w.end)
}

// cut takes the block that is there out of the lines, and finds where the new
// one goes.
func (w blockWish) cut(text string, lines []string) (int, []string, error) {
	first, last := -1, -1
	for i, l := range lines {
		if l == w.begin {
			first = i
		}
		if l == w.end {
			last = i
		}
	}
	if first >= 0 && last >= 0 {
		if first > last {
			first, last = last, first
		}
		return first, append(lines[:first:first], lines[last+1:]...), nil
	}
	at, err := w.spot(text, lines)
	return at, lines, err
}

// spot is where a block goes that is not there yet.
func (w blockWish) spot(text string, lines []string) (int, error) {
	pattern := w.after
	if w.hasBefore {
		pattern = w.before
		if pattern == "BOF" {
			return 0, nil
		}
	} else if pattern == "" || pattern == "EOF" {
		return len(lines), nil
	}
	re, err := compileRegex(pattern, "")
	if err != nil {
		return 0, err
	}
	at := -1
	if re.wholeText() {
		m, err := re.search(text)
		if err != nil {
			return 0, err
		}
		if m != nil {
			from, length := m.ByteRange()
			if !w.hasBefore {
				from += length
			}
			at = strings.Count(text[:from], "\n")
		}
	} else {
		for i, l := range lines {
			m, err := re.search(l)
			if err != nil {
				return 0, err
			}
			if m != nil {
				at = i
			}
		}
	}
	switch {
	case at < 0:
		return len(lines), nil
	case !w.hasBefore:
		at++
	}
	return min(at, len(lines)), nil
}
