package modules

import (
	"context"
	"strconv"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
	"sunup/internal/value"
)

// commandParams are the arguments that command and shell share.
var commandParams = []Param{
	{Name: "cmd", Doc: say.T("The command, as an argument with a name.", "이름을 붙여 적는 명령.")},
	{Name: "chdir", Type: Path, Doc: say.T("Directory to run in.", "실행할 디렉터리.")},
	{Name: "creates", Type: Path, Doc: say.T("Do not run when this file (or pattern) exists.", "이 파일(또는 패턴)이 있으면 실행하지 않는다.")},
	{Name: "removes", Type: Path, Doc: say.T("Do not run when this file (or pattern) does not exist.", "이 파일(또는 패턴)이 없으면 실행하지 않는다.")},
	{Name: "executable", Doc: say.T("Shell to use instead of /bin/sh (shell only).", "/bin/sh 대신 쓸 셸(shell 모듈만).")},
	{Name: "stdin", Doc: say.T("Text that the command reads.", "명령이 읽을 글.")},
	{Name: "stdin_add_newline", Type: Bool, Default: true, Doc: say.T("End stdin with a newline.", "stdin 끝에 줄바꿈을 붙인다.")},
	{Name: "strip_empty_ends", Type: Bool, Default: true, Doc: say.T("Take newlines from the end of stdout and stderr.", "stdout과 stderr 끝의 줄바꿈을 없앤다.")},
}

var commandReturns = append([]Return{
	{"cmd", "raw", "always", say.T("The command that was run.", "실행한 명령.")},
	{"start", "str", "always", say.T("When it began.", "시작 시각.")},
	{"end", "str", "always", say.T("When it ended.", "끝난 시각.")},
	{"delta", "str", "always", say.T("How long it took.", "걸린 시간.")},
	{"msg", "str", "always", say.T("Why it was not run, or why it failed.", "실행하지 않은 이유 또는 실패한 이유.")},
}, outputReturns...)

var commandModule = Module{
	Name:    "ansible.builtin.command",
	Summary: say.T("Runs a program without a shell.", "셸 없이 프로그램을 실행한다."),
	Spec: Spec{FreeForm: true, Params: append([]Param{
		{Name: "argv", Type: List, Elements: Str, Doc: say.T("The command as a list of words.", "단어 목록으로 적은 명령.")},
	}, commandParams...)},
	Returns: commandReturns,
	Run:     runCommand,
}

// commandMark begins the only field that is printed when a command was not
// run; no program prints it by chance.
const commandMark = "\x00\x01sunup\x01"

func runCommand(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	text := freeText(a)
	r := commandResult()
	argv := a.Strings("argv")
	switch {
	case strings.TrimSpace(text) == "" && len(argv) == 0:
		return noCommand(r, "no command given"), nil
	case text != "" && len(argv) > 0:
		return noCommand(r, "only command or argv can be given, not both"), nil
	}
	if text != "" {
		words, err := splitWords(text)
		if err != nil {
			return noCommand(r, err.Error()+": cannot split the command into words; close the quotes, or use argv"), nil
		}
		argv = words
	}
	if len(argv) == 0 {
		return noCommand(r, "no command given"), nil
	}
	if exe := a.Str("executable"); exe != "" {
		r.Warnings = append(r.Warnings, "As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '"+exe+"'.")
	}
	r.Set("cmd", value.Strings(argv))
	quoted := make([]string, len(argv))
	for i, w := range argv {
		quoted[i] = quoteArg(w)
	}
	program := quoted[0]
	// A program that is not there must be told from a program that ends with
	// 127; and exec keeps the shell's own words (cd, test) from being taken.
	script := "p=" + program + `
case $p in
*/*) if [ ! -e "$p" ]; then M errno 2 "$p"; elif [ -d "$p" ] || [ ! -x "$p" ]; then M errno 13 "$p"; fi ;;
*) command -v "$p" >/dev/null 2>&1 || M errno 2 "$p" ;;
esac
exec ` + strings.Join(quoted, " ")
	return c.runProgram(ctx, r, script, "", true)
}

// freeText is the command given as free text or as cmd.
func freeText(a Args) string {
	if s := a.Str(rawParams); s != "" {
		return s
	}
	if a.Has("cmd") {
		return a.Str("cmd")
	}
	return ""
}

// commandResult is a result with the values that are there even when nothing
// was run.
func commandResult() *Result {
	r := OK()
	r.Set("stdout", "").Set("stderr", "").Set("rc", nil).Set("cmd", nil)
	r.Set("start", nil).Set("end", nil).Set("delta", nil).Set("msg", "")
	return r.Set("stdout_lines", &value.List{}).Set("stderr_lines", &value.List{})
}

func noCommand(r *Result, msg string) *Result {
	r.Failed, r.Msg = true, msg
	r.Set("rc", 256).Set("msg", msg)
	return r
}

// runProgram runs a script under the conditions chdir, creates and removes and
// completes r. Always says that the script uses the functions of the preamble.
func (c *Call) runProgram(ctx context.Context, r *Result, script, executable string, always bool) (*Result, error) {
	a := c.Args
	guard := guards(a)
	if c.Check && guard == "" {
		return checked(r, true), nil
	}
	cmd := connection.Command{Script: script, Executable: executable}
	switch {
	case c.Check:
		cmd = connection.Command{Script: marking + guard}
	case always:
		cmd.Script = marking + guard + script
	case guard != "":
		// The shell asked for may be no POSIX shell, so the conditions have one
		// of their own.
		if executable == "" {
			executable = "/bin/sh"
		}
		cmd = connection.Command{Script: marking + guard + "exec " + quoteText(executable) + " -c " + quoteText(script)}
	}
	if a.Given("stdin") && !c.Check {
		text := a.Str("stdin")
		if a.Bool("stdin_add_newline") {
			text += "\n"
		}
		cmd.Stdin = strings.NewReader(text)
	}
	out, err := c.Conn.Exec(ctx, cmd)
	if err != nil {
		return nil, err
	}
	if mark, ok := strings.CutPrefix(string(out.Stdout), commandMark); ok {
		return c.notRun(r, mark), nil
	}
	if c.Check {
		return checked(r, !a.Given("creates") && !a.Given("removes")), nil
	}
	r.Changed = true
	r.Set("start", clockText(out.Started.Local())).Set("end", clockText(out.Ended.Local()))
	r.Set("delta", durationText(out.Ended.Sub(out.Started)))
	commandEnded(r, out, a.Bool("strip_empty_ends"))
	r.Set("msg", r.Msg)
	return r, nil
}

// marking declares M, which ends the script with a mark instead of running the
// command.
const marking = "M() { printf '\\000\\001sunup\\001%s\\000%s\\000%s' \"$@\"; exit 0; }\n"

// guards is the script for chdir, creates and removes; "" when none is given.
func guards(a Args) string {
	var s strings.Builder
	if a.Str("chdir") != "" {
		d := quotePath(a.Str("chdir"))
		s.WriteString("d=" + d + `
if [ ! -e "$d" ]; then M chdir 2 "$d"; elif [ ! -d "$d" ]; then M chdir 20 "$d"; fi
cd -P "$d" 2>/dev/null || M chdir 13 "$d"
`)
	}
	if p := a.Str("creates"); p != "" {
		s.WriteString("for f in " + quoteGlob(p) + "; do if [ -e \"$f\" ] || [ -h \"$f\" ]; then M creates 0 " + quotePath(p) + "; fi; done\n")
	}
	if p := a.Str("removes"); p != "" {
		s.WriteString("r=\nfor f in " + quoteGlob(p) + "; do if [ -e \"$f\" ] || [ -h \"$f\" ]; then r=1; fi; done\n[ -n \"$r\" ] || M removes 0 " + quotePath(p) + "\n")
	}
	return s.String()
}

// notRun completes r with the reason that the host gave for not running the
// command.
func (c *Call) notRun(r *Result, mark string) *Result {
	parts := strings.SplitN(mark, "\x00", 3)
	for len(parts) < 3 {
		parts = append(parts, "")
	}
	kind, code, what := parts[0], parts[1], parts[2]
	errno, _ := strconv.Atoi(code)
	would := "Did"
	if c.Check {
		would = "Would"
	}
	switch kind {
	case "creates":
		setOutput(r, "skipped, since "+what+" exists", "").Set("rc", 0)
		r.Msg = would + " not run command since '" + what + "' exists"
	case "removes":
		setOutput(r, "skipped, since "+what+" does not exist", "").Set("rc", 0)
		r.Msg = would + " not run command since '" + what + "' does not exist"
	case "chdir":
		r.Failed, r.Msg = true, "Unable to change directory before execution: "+errnoText(errno, what)
	default:
		r.Failed, r.Msg = true, errnoText(errno, what)
		words := []string{}
		if l, ok := r.Values.At("cmd").(*value.List); ok {
			for _, w := range l.Items {
				words = append(words, pythonQuote(value.Str(w)))
			}
		}
		r.Set("cmd", strings.Join(words, " ")).Set("rc", errno)
		for _, name := range []string{"start", "end", "delta"} {
			r.Values.Delete(name)
		}
	}
	r.Set("msg", r.Msg)
	return r
}

// errnoText is how Python prints the error numbers that scripts report, but
// that a path in Hangul stays readable.
func errnoText(errno int, path string) string {
	words := map[int]string{2: "No such file or directory", 13: "Permission denied", 20: "Not a directory"}
	return "[Errno " + strconv.Itoa(errno) + "] " + words[errno] + ": b" + value.Repr(path)
}

// pythonQuote quotes a word as Python's shlex.quote does.
func pythonQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// checked is the result of check mode: whether the command changes anything
// is only known when creates or removes tell.
func checked(r *Result, unknown bool) *Result {
	r.Msg = "Command would have run if not in check mode"
	r.Set("rc", 0).Set("msg", r.Msg)
	r.Changed, r.Skipped = !unknown, unknown
	return r
}
