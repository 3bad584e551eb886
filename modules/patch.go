package modules

import (
	"bytes"
	"context"
	"path"
	"strconv"

	"sunup/internal/connection"
	"sunup/internal/say"
)

var patchModule = Module{
	Name:       "ansible.posix.patch",
	Summary:    say.T("Applies a patch, or takes it back.", "패치를 적용하거나 되돌린다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "src", Aliases: []string{"patchfile"}, Type: Path, Required: true, Doc: say.T("The patch.", "패치.")},
			{Name: "remote_src", Type: Bool, Default: false, Doc: say.T("src is a file of the host.", "src가 호스트의 파일이다.")},
			{Name: "dest", Aliases: []string{"originalfile"}, Type: Path, Doc: say.T("The file to patch; else the patch names them.", "고칠 파일. 없으면 패치에 적힌 파일.")},
			{Name: "basedir", Type: Path, Doc: say.T("Directory in which the patch is applied.", "패치를 적용할 디렉터리.")},
			{Name: "strip", Type: Int, Default: 0, Doc: say.T("How many leading directories to leave out of names.", "이름 앞에서 떼어 낼 디렉터리 수.")},
			{Name: "backup", Type: Bool, Default: false, Doc: say.T("Keep the old files under numbered names.", "이전 파일을 번호 붙은 이름으로 남긴다.")},
			{Name: "binary", Type: Bool, Default: false, Doc: say.T("Leave ends of lines as they are.", "줄 끝을 바꾸지 않는다.")},
			{Name: "ignore_whitespace", Type: Bool, Default: false, Doc: say.T("Spaces do not count.", "공백 차이를 무시한다.")},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: say.T("Whether the patch should be applied.", "패치가 적용되어 있어야 하는지.")},
		},
		RequiredOneOf: [][]string{{"dest", "basedir"}},
	},
	Run: runPatch,
}

func runPatch(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	cmd := connection.Command{}
	take := "T=" + quotePath(a.Str("src")) + "\n[ -r \"$T\" ] || { printf '\\0fail=src %s doesn'\\''t exist or not readable\\0' \"$T\"; exit 0; }\ncase $T in /*) ;; *) T=$PWD/$T;; esac\n"
	if !a.Bool("remote_src") {
		text, fail := c.localFile("files", a.Str("src"))
		if fail != nil {
			return fail, nil
		}
		cmd.Stdin = bytes.NewReader(text)
		take = "T=$(mktemp) || { printf '\\0fail=cannot make a temporary file\\0'; exit 0; }\ntrap 'rm -f \"$T\"' EXIT\ncat >\"$T\"\n"
	}
	cmd.Script = systemPath + observeTools + needTool("patch") + take + patchScript(a, c.Check)
	out, err := c.exec(ctx, cmd)
	if err != nil {
		return nil, err
	}
	f := readFields(out.Stdout)
	switch {
	case f.has("need"):
		return c.needs(f["need"]), nil
	case f.has("fail"):
		return Fail("%s", f["fail"]), nil
	case f.has("there.rc") && f.number("there.rc") == 0:
		return OK(), nil
	case !f.has("apply.rc"):
		return Fail("the command for %s ended with %d: %s", c.hostName(), out.Code, scriptError(out.Stderr)), nil
	}
	if s := f.watched("apply"); s.code != 0 {
		if s.err != "" {
			return Fail("%s", s.err), nil
		}
		return Fail("%s\n", s.out), nil
	}
	return ChangedIf(true), nil
}

// patchScript looks whether the patch in $T is applied (then it can be taken
// back) and applies it if not.
func patchScript(a Args, check bool) string {
	dir, s := a.Str("basedir"), ""
	if a.Given("dest") {
		s += "d=" + quotePath(a.Str("dest")) + "\n[ -w \"$d\" ] || { printf '\\0fail=dest %s doesn'\\''t exist or not writable\\0' \"$d\"; exit 0; }\n"
	}
	if dir == "" {
		dir = path.Dir(a.Str("dest"))
	} else {
		s += "b=" + quotePath(dir) + "\n[ -e \"$b\" ] || { printf '\\0fail=basedir %s doesn'\\''t exist\\0' \"$b\"; exit 0; }\n"
	}
	common := " --strip=" + strconv.Itoa(a.Int("strip")) + " --directory=" + quotePath(dir) + ` --input="$T"` +
		option(a.Bool("binary"), " --binary") + option(a.Bool("ignore_whitespace"), " --ignore-whitespace") + option(a.Given("dest"), ` "$d"`)
	absent := a.Str("state") == "absent"
	s += "patch --quiet --forward --dry-run" + common + option(!absent, " --reverse") + " >/dev/null 2>&1\nr=$?\nprintf 'there.rc=%s\\0' \"$r\"\n[ \"$r\" != 0 ] || exit 0\n"
	return s + watched("apply", "patch --quiet --forward --batch --reject-file=-"+option(check, " --dry-run")+common+
		option(a.Bool("backup"), " --backup --version-control=numbered")+option(absent, " --reverse"))
}

// localFile reads a file of the controller that a task names.
func (c *Call) localFile(kind, name string) ([]byte, *Result) {
	file, err := c.Controller.Find(kind, name)
	if err != nil {
		return nil, Fail("%s", err)
	}
	text, err := c.Controller.Read(file)
	if err != nil {
		return nil, Fail("%s", err)
	}
	return text, nil
}
