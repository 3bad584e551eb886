package modules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/say"
)

var waitForConnectionModule = Module{
	Name:       "ansible.builtin.wait_for_connection",
	Summary:    say.T("Waits until the host can be reached and used.", "호스트에 접속해 쓸 수 있을 때까지 기다린다."),
	Check:      CheckNone,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "connect_timeout", Type: Int, Default: 5, Doc: say.T("Seconds for one try.", "한 번 시도할 초.")},
		{Name: "delay", Type: Int, Default: 0, Doc: say.T("Seconds to wait before the first try.", "처음 시도하기 전에 기다릴 초.")},
		{Name: "sleep", Type: Int, Default: 1, Doc: say.T("Seconds between two tries.", "다시 시도하기까지의 초.")},
		{Name: "timeout", Type: Int, Default: 600, Doc: say.T("Seconds to wait at most.", "최대로 기다릴 초.")},
	}},
	Returns: []Return{{"elapsed", "int", "always", say.T("Seconds that were waited.", "기다린 초.")}},
	Run:     runWaitForConnection,
}

// Resetter is a Conn whose connection can be dropped, so that its next use
// connects anew.
type Resetter interface{ Reset() error }

func runWaitForConnection(ctx context.Context, c *Call) (*Result, error) {
	if c.Check {
		return &Result{Skipped: true}, nil
	}
	a := c.Args
	start := time.Now()
	if err := sleep(ctx, time.Duration(max(a.Int("delay"), 0))*time.Second); err != nil {
		return nil, err
	}
	end := time.Now().Add(time.Duration(a.Int("timeout")) * time.Second)
	last, err := c.untilReached(ctx, end, time.Duration(max(a.Int("connect_timeout"), 1))*time.Second, time.Duration(max(a.Int("sleep"), 0))*time.Second)
	if err != nil {
		return nil, err
	}
	elapsed := int(time.Since(start) / time.Second)
	if last != nil {
		return Fail("timed out waiting for ping module test: %s", last).Set("elapsed", elapsed), nil
	}
	return OK().Set("elapsed", elapsed), nil
}

// untilReached tries until the host answers. The first error returned is that
// of the last try when the time is up, the second one ends the task.
func (c *Call) untilReached(ctx context.Context, end time.Time, limit, pause time.Duration) (last, err error) {
	last = errors.New("there was no time to try")
	for time.Now().Before(end) {
		if last = c.reach(ctx, limit); last == nil {
			return nil, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// reach connects anew and runs a command.
func (c *Call) reach(ctx context.Context, limit time.Duration) error {
	c.reset()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, err := c.Conn.Exec(ctx, connection.Command{Script: "echo pong", Timeout: limit})
	if err != nil {
		return err
	}
	if out.Code != 0 || strings.TrimSpace(string(out.Stdout)) != "pong" {
		return fmt.Errorf("`echo pong` ended with %d: %s", out.Code, excerpt(out.Stdout, out.Stderr))
	}
	return nil
}

// reset drops the connection where that is possible.
func (c *Call) reset() {
	for conn := c.Conn; conn != nil; {
		if r, ok := conn.(Resetter); ok {
			// Whether the old connection ended well says nothing of the new one.
			_ = r.Reset()
			return
		}
		inner, ok := conn.(interface{ Unwrap() connection.Conn })
		if !ok {
			return
		}
		conn = inner.Unwrap()
	}
}
