package modules

import (
	"context"

	"sunup/internal/say"
)

var tempfileModule = Module{
	Name:    "ansible.builtin.tempfile",
	Summary: say.T("Makes a new temporary file or directory.", "새 임시 파일이나 디렉터리를 만든다."),
	Check:   CheckNone,
	Spec: Spec{Params: []Param{
		{Name: "state", Default: "file", Choices: []any{"file", "directory"}, Doc: say.T("What to make.", "만들 종류.")},
		{Name: "path", Type: Path, Doc: say.T("Where; the host's temporary directory by default.", "만들 위치. 기본은 호스트의 임시 디렉터리.")},
		{Name: "prefix", Default: "ansible.", Doc: say.T("How its name begins.", "이름의 앞부분.")},
		{Name: "suffix", Default: "", Doc: say.T("How its name ends.", "이름의 뒷부분.")},
	}},
	Returns: []Return{{Name: "path", Type: "str", When: "success", Doc: say.T("What was made.", "만든 것.")}},
	Run:     runTempfile,
}

func runTempfile(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	dir := `"${TMPDIR:-/tmp}"`
	if a.Given("path") {
		dir = quotePath(a.Str("path"))
	}
	// mktemp without a suffix is the only one that every host has, so the name
	// is ours; mkdir and noclobber refuse a name that somebody took.
	make := "(set -C; : >\"$p\") || E 'cannot make a temporary file' :\n"
	if a.Str("state") == "directory" {
		make = "mkdir \"$p\" || E 'cannot make a temporary directory' mkdir\n"
	}
	name := a.Str("prefix") + randomName()[:8] + a.Str("suffix")
	f, fail, err := c.observe(ctx, applyTools+"d="+dir+"\np=${d%/}/"+quoteText(name)+"\numask 077\n"+make+"printf 'p=%s\\0' \"$p\"\nO new \"$p\"\n")
	if fail != nil || err != nil {
		return fail, err
	}
	r := ChangedIf(true).Set("path", f["p"])
	f.found("new", f["p"]).describe(r, "")
	return r, nil
}
