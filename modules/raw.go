package modules

import (
	"context"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
)

var rawModule = Module{
	Name:    "ansible.builtin.raw",
	Summary: say.T("Runs a command line in the login shell as it is.", "명령줄을 로그인 셸에서 있는 그대로 실행한다."),
	Check:   CheckNone,
	Spec: Spec{FreeForm: true, Params: []Param{
		{Name: "executable", Doc: say.T("Shell to run the line with.", "명령줄을 실행할 셸.")},
	}},
	Returns: outputReturns,
	Run:     runRaw,
}

var outputReturns = []Return{
	{"rc", "int", "always", say.T("Exit code.", "종료 코드.")},
	{"stdout", "str", "always", say.T("What was printed.", "표준 출력.")},
	{"stderr", "str", "always", say.T("What was printed as errors.", "표준 오류.")},
	{"stdout_lines", "list", "always", say.T("stdout in lines.", "줄로 나눈 stdout.")},
	{"stderr_lines", "list", "always", say.T("stderr in lines.", "줄로 나눈 stderr.")},
}

func runRaw(ctx context.Context, c *Call) (*Result, error) {
	line := c.Args.Str(rawParams)
	if strings.TrimSpace(line) == "" {
		return Fail("no command given").Set("rc", 256), nil
	}
	if c.Check {
		return &Result{Skipped: true}, nil
	}
	if exe := c.Args.Str("executable"); exe != "" {
		line = exe + " -c " + quoteText(line)
	}
	out, err := c.Conn.Exec(ctx, connection.Command{Script: line, Raw: true})
	if err != nil {
		return nil, err
	}
	return commandEnded(ChangedIf(true), out, false), nil
}

// commandEnded puts what a command left into a result.
func commandEnded(r *Result, out connection.Output, strip bool) *Result {
	stdout, stderr := string(out.Stdout), string(out.Stderr)
	if strip {
		stdout, stderr = strings.TrimRight(stdout, "\r\n"), strings.TrimRight(stderr, "\r\n")
	}
	setOutput(r, stdout, stderr).Set("rc", out.Code)
	if out.Code != 0 {
		r.Failed, r.Msg = true, "non-zero return code"
	}
	if out.Dropped > 0 {
		r.Warnings = append(r.Warnings, "the command printed more than can be kept; "+byteCount(out.Dropped)+" were dropped")
	}
	return r
}
