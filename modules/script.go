package modules

import (
	"bytes"
	"context"
	"path"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
)

var scriptModule = Module{
	Name:    "ansible.builtin.script",
	Summary: say.T("Sends a script of the controller and runs it.", "제어 노드의 스크립트를 보내 실행한다."),
	Spec: Spec{FreeForm: true, Params: []Param{
		{Name: "cmd", Doc: say.T("Path of the script, and its arguments.", "스크립트 경로와 인자.")},
		{Name: "chdir", Type: Path, Doc: say.T("Absolute directory to run in.", "실행할 디렉터리(절대 경로).")},
		{Name: "creates", Type: Path, Doc: say.T("Do not run when this file exists.", "이 파일이 있으면 실행하지 않는다.")},
		{Name: "removes", Type: Path, Doc: say.T("Do not run when this file does not exist.", "이 파일이 없으면 실행하지 않는다.")},
		{Name: "executable", Doc: say.T("Program to run the script with.", "스크립트를 실행할 프로그램.")},
		{Name: "decrypt", Type: Bool, Default: true, Doc: say.T("Decrypt a vaulted script.", "암호화된 스크립트를 푼다.")},
	}},
	Returns: outputReturns,
	Run:     runScript,
}

func runScript(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	line := strings.TrimSpace(freeText(a))
	if d := a.Str("chdir"); d != "" && !strings.HasPrefix(d, "/") {
		return Fail("chdir %s must be an absolute path for a Unix-aware remote node", d), nil
	}
	words, err := splitWords(line)
	if err != nil {
		return Fail("%s: cannot split the script and its arguments into words; close the quotes", err), nil
	}
	if len(words) == 0 {
		return Fail("no script given: name a file of the controller"), nil
	}
	source, err := c.Controller.Find("files", words[0])
	if err != nil {
		return Fail("%s", err), nil
	}
	text, err := c.Controller.Read(source)
	if err != nil {
		return Fail("cannot read the script %s: %s", source, err), nil
	}
	return c.sendScript(ctx, path.Base(source), scriptArguments(line, words[0]), text)
}

// scriptArguments is the rest of the line after its first word, as it is
// written: the quotes of the arguments are for the host's shell.
func scriptArguments(line, name string) string {
	if rest, ok := strings.CutPrefix(line, name); ok {
		return rest
	}
	for i := 1; i <= len(line); i++ {
		if words, err := splitWords(line[:i]); err == nil && len(words) > 0 && words[0] == name && (i == len(line) || strings.IndexByte(" \t\r\n", line[i]) >= 0) {
			return line[i:]
		}
	}
	return ""
}

// sendScript sends the file and runs it in one exchange: the text is what the
// command reads, the script itself reads nothing.
func (c *Call) sendScript(ctx context.Context, name, arguments string, text []byte) (*Result, error) {
	a := c.Args
	var s strings.Builder
	s.WriteString(marking)
	if p := a.Str("creates"); p != "" {
		s.WriteString("f=" + quotePath(p) + "\nif [ -e \"$f\" ]; then M creates 0 " + quoteText(p) + "; fi\n")
	}
	if p := a.Str("removes"); p != "" {
		s.WriteString("f=" + quotePath(p) + "\nif [ ! -e \"$f\" ]; then M removes 0 " + quoteText(p) + "; fi\n")
	}
	run := `"$T"`
	if exe := a.Str("executable"); exe != "" {
		run = exe + " " + run
	}
	conditional := a.Given("creates") || a.Given("removes")
	if c.Check && !conditional {
		return &Result{Skipped: true, Msg: "Check mode is not supported for this task."}, nil
	}
	cmd := connection.Command{}
	if !c.Check {
		// The script keeps its name, which it may print or look at.
		s.WriteString(`D=$(umask 077; mktemp -d "${TMPDIR:-/tmp}/sunup.XXXXXX") || exit 1
T=$D/` + quoteText(name) + `
cat >"$T" && chmod 700 "$T" || { rm -rf "$D"; exit 1; }
`)
		if d := a.Str("chdir"); d != "" {
			s.WriteString("cd " + quotePath(d) + " || { rm -rf \"$D\"; exit 1; }\n")
		}
		s.WriteString(run + arguments + " </dev/null\nr=$?\nrm -rf \"$D\"\nexit $r\n")
		cmd.Stdin = bytes.NewReader(text)
	}
	cmd.Script = s.String()
	out, err := c.Conn.Exec(ctx, cmd)
	if err != nil {
		return nil, err
	}
	if mark, ok := strings.CutPrefix(string(out.Stdout), commandMark); ok {
		parts := strings.SplitN(mark, "\x00", 3)
		r := &Result{Skipped: true}
		if r.Msg = parts[len(parts)-1] + " exists, matching creates option"; parts[0] == "removes" {
			r.Msg = parts[len(parts)-1] + " does not exist, matching removes option"
		}
		return r, nil
	}
	if c.Check {
		return ChangedIf(true), nil
	}
	return commandEnded(ChangedIf(true), out, false), nil
}
