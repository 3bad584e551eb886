package modules

import (
	"context"
	"fmt"
	"strings"

	"sunup/internal/say"
)

var shellModule = Module{
	Name:    "ansible.builtin.shell",
	Summary: say.T("Runs a command line in a shell.", "셸에서 명령줄을 실행한다."),
	Spec:    Spec{FreeForm: true, Params: commandParams},
	Returns: commandReturns,
	Run:     runShell,
}

func runShell(ctx context.Context, c *Call) (*Result, error) {
	r := commandResult()
	line := freeText(c.Args)
	if strings.TrimSpace(line) == "" {
		return noCommand(r, "no command given"), nil
	}
	r.Set("cmd", line)
	return c.runProgram(ctx, r, line, c.Args.Str("executable"), false)
}

// byteCount writes a number of bytes for a person.
func byteCount(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
