package modules

import (
	"context"
	"fmt"

	"sunup/internal/say"
)

var replaceModule = Module{
	Name:    "ansible.builtin.replace",
	Summary: say.T("Replaces every match of a regular expression in a file.", "파일에서 정규식에 맞는 곳을 모두 바꾼다."),
	Spec: Spec{File: true, Params: []Param{
		{Name: "path", Aliases: []string{"dest", "destfile", "name"}, Type: Path, Required: true, Doc: say.T("The file.", "대상 파일.")},
		{Name: "regexp", Required: true, Doc: say.T("What to look for, in all lines at once.", "모든 줄에서 찾을 정규식.")},
		{Name: "replace", Default: "", Doc: say.T("What to put there; none removes the matches.", "바꿀 글자. 없으면 지운다.")},
		{Name: "after", Doc: say.T("Only after this.", "이 뒤에서만.")},
		{Name: "before", Doc: say.T("Only before this.", "이 앞에서만.")},
		{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old file under a name with the time.", "이전 파일을 시각이 붙은 이름으로 남긴다.")},
		{Name: "validate", Doc: say.T("Command that must accept the new file (%s).", "새 파일(%s)을 통과시켜야 하는 명령.")},
		{Name: "encoding", Default: "utf-8", Doc: say.T("Encoding of the file.", "파일의 인코딩.")},
	}},
	Returns: []Return{
		{Name: "msg", Type: "str", When: "always", Doc: say.T("How many were replaced.", "바꾼 수.")},
		{Name: "backup_file", Type: "str", When: "changed and if backup=yes", Doc: say.T("The name of the backup.", "백업의 이름.")},
	},
	Run: runReplace,
}

func runReplace(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	e := edit{Call: c, backupKey: "backup_file", attrs: attrsOf(a), values: map[string]any{"rc": 0}, plainHeader: true}
	fail, err := e.open(ctx)
	if fail != nil || err != nil {
		return fail, err
	}
	switch {
	case e.at.isDir():
		return Fail("Path %s is a directory !", e.at.Path).Set("rc", 256), nil
	case !e.exists:
		return Fail("Path %s does not exist !", e.at.Path).Set("rc", 257), nil
	}
	text, err := decodeText(e.content, a.Str("encoding"))
	if err != nil {
		return Fail("Unable to read the contents of %s: %s", e.at.Path, err), nil
	}
	w := replaceWish{regexp: a.Str("regexp"), replace: a.Str("replace"), after: a.Str("after"), before: a.Str("before")}
	result, n, unmatched, err := w.apply(text)
	switch {
	case err != nil:
		return Fail("%s", err), nil
	case unmatched != "":
		r := OK().Set("rc", 0)
		r.Msg = "Pattern for before/after params did not match the given file: " + unmatched
		return r, nil
	}
	done := edited{content: e.content}
	if n > 0 && result != text {
		done.changed, done.msg = true, fmt.Sprintf("%d replacements made", n)
		if done.content, err = encodeText(result, a.Str("encoding")); err != nil {
			return Fail("%s", err), nil
		}
	}
	return e.finish(ctx, done)
}

// replaceWish is what replace should make of a text.
type replaceWish struct{ regexp, replace, after, before string }

// section is the pattern of the part to look in; empty means all.
func (w replaceWish) section() string {
	switch {
	case w.after != "" && w.before != "":
		return w.after + "(?P<subsection>.*?)" + w.before
	case w.after != "":
		return w.after + "(?P<subsection>.*)"
	case w.before != "":
		return "(?P<subsection>.*)" + w.before
	}
	return ""
}

// apply replaces and counts; unmatched is the pattern of a section that is not
// there.
func (w replaceWish) apply(text string) (result string, n int, unmatched string, err error) {
	from, to := 0, len(text)
	if s := w.section(); s != "" {
		re, err := compileRegex(s, "s")
		if err != nil {
			return "", 0, "", err
		}
		m, err := re.search(text)
		if err != nil {
			return "", 0, "", err
		}
		if m == nil {
			return "", 0, s, nil
		}
		at, length := m.GroupByName("subsection").ByteRange()
		from, to = at, at+length
	}
	re, err := compileRegex(w.regexp, "m")
	if err != nil {
		return "", 0, "", err
	}
	part, n, err := re.substitute(text[from:to], w.replace)
	if err != nil {
		return "", 0, "", err
	}
	return text[:from] + part + text[to:], n, "", nil
}
