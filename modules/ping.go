package modules

import (
	"context"
	"strings"

	"sunup/internal/connection"
	"sunup/internal/say"
)

var pingModule = Module{
	Name:       "ansible.builtin.ping",
	Summary:    say.T("Checks that a host can be reached and runs commands.", "호스트에 닿는지, 명령이 실행되는지 확인한다."),
	Notes:      say.T("Needs a POSIX shell on the host, not Python.", "호스트에 Python이 아니라 POSIX 셸만 있으면 된다."),
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "data", Default: "pong", Doc: say.T("Text to return; crash makes the module fail.", "돌려줄 글. crash면 모듈이 실패한다.")},
	}},
	Returns: []Return{{"ping", "str", "success", say.T("Value of data.", "data의 값.")}},
	Run:     runPing,
}

func runPing(ctx context.Context, c *Call) (*Result, error) {
	data := c.Args.Str("data")
	if data == "crash" {
		r := Fail("MODULE FAILURE\nSee stdout/stderr for the exact error")
		return r.Set("module_stdout", "").Set("module_stderr", "Exception: boom\n").Set("rc", 1), nil
	}
	out, err := c.Conn.Exec(ctx, connection.Command{Script: "echo pong"})
	if err != nil {
		return nil, err
	}
	if out.Code != 0 || strings.TrimSpace(string(out.Stdout)) != "pong" {
		return Fail("%s does not run commands as a POSIX shell would: `echo pong` ended with %d and printed %q; check the login shell and its start files", c.hostName(), out.Code, excerpt(out.Stdout, out.Stderr)), nil
	}
	return OK().Set("ping", data), nil
}

// excerpt shortens what a host printed for a message.
func excerpt(stdout, stderr []byte) string {
	s := strings.TrimSpace(string(stdout) + string(stderr))
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
