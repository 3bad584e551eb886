package modules

import (
	"context"

	"sunup/internal/say"
)

var failModule = Module{
	Name:       "ansible.builtin.fail",
	Summary:    say.T("Fails with a message.", "메시지를 남기고 실패한다."),
	Controller: true,
	Spec: Spec{Params: []Param{
		{Name: "msg", Type: Raw, Default: "Failed as requested from task", Doc: say.T("Why.", "이유.")},
	}},
	Run: runFail,
}

func runFail(_ context.Context, c *Call) (*Result, error) {
	r := &Result{Failed: true}
	if s, ok := c.Args.Raw("msg").(string); ok {
		r.Msg = s
	}
	return r.Set("msg", c.Args.Raw("msg")), nil
}
