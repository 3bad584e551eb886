package modules

import (
	"context"
	"fmt"
	"unicode/utf8"

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
	w := replaceWish{regexp: a.Str("regexp"), replace: a.Str("replace"), after: a.Str("after"), before: a.Str("before")}
	done, unmatched, err := w.edit(e.content, a.Str("encoding"))
	switch {
	case err != nil:
		return Fail("%s", err), nil
	case unmatched != "":
		r := OK().Set("rc", 0)
		r.Msg = "Pattern for before/after params did not match the given file: " + unmatched
		return r, nil
	}
	return e.finish(ctx, done)
}

// edit applies the wish to a file's bytes.
func (w replaceWish) edit(content []byte, encoding string) (edited, string, error) {
	decode := func(b []byte) (string, error) { return decodeText(b, encoding) }
	encode := func(s string) ([]byte, error) { return encodeText(s, encoding) }
	if isUTF8(encoding) && !utf8.Valid(content) {
		// What is not UTF-8 stays as it is, byte by byte.
		cs := charset{bytewise: true}
		w = replaceWish{cs.decode([]byte(w.regexp)), cs.decode([]byte(w.replace)), cs.decode([]byte(w.after)), cs.decode([]byte(w.before))}
		decode = func(b []byte) (string, error) { return cs.decode(b), nil }
		encode = func(s string) ([]byte, error) { return cs.encode(s), nil }
	}
	text, err := decode(content)
	if err != nil {
		return edited{}, "", fmt.Errorf("Unable to read the contents: %w", err) //nolint:staticcheck // Ansible's words
	}
	result, n, unmatched, err := w.apply(text)
	if err != nil || unmatched != "" {
		return edited{}, unmatched, err
	}
	if n == 0 || result == text {
		return edited{content: content}, "", nil
	}
	done := edited{changed: true, msg: fmt.Sprintf("%d replacements made", n)}
	if done.content, err = encode(result); err != nil {
		return edited{}, "", err
	}
	if !isUTF8(encoding) {
		done.texts = []string{text, result}
	}
	return done, "", nil
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
