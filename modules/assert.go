package modules

import (
	"context"
	"fmt"

	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
)

var assertModule = Module{
	Name:       "ansible.builtin.assert",
	Summary:    say.T("Fails when a condition is not true.", "조건이 참이 아니면 실패한다."),
	Controller: true,
	Idempotent: true,
	RawArgs:    []string{"that"},
	Spec: Spec{Params: []Param{
		{Name: "that", Type: Raw, Required: true, Doc: say.T("Conditions, as in when; all must be true.", "when과 같은 조건들. 모두 참이어야 한다.")},
		{Name: "fail_msg", Aliases: []string{"msg"}, Type: Raw, Doc: say.T("Message when one is false.", "거짓일 때의 메시지.")},
		{Name: "success_msg", Type: Raw, Doc: say.T("Message when all are true.", "모두 참일 때의 메시지.")},
		{Name: "quiet", Type: Bool, Default: false, Doc: say.T("Do not show the result on success.", "성공했을 때 결과를 보여 주지 않는다.")},
	}},
	Returns: []Return{
		{"assertion", "raw", "failed", say.T("The condition that was false.", "거짓이었던 조건.")},
		{"evaluated_to", "bool", "failed", say.T("What it was.", "조건의 값.")},
	},
	Run: runAssert,
}

func runAssert(ctx context.Context, c *Call) (*Result, error) {
	a := c.Args
	failMsg, err := messageOr(a, "fail_msg", "fail_msg or msg", "Assertion failed")
	if err != nil {
		return Fail("%s", err), nil
	}
	successMsg, err := messageOr(a, "success_msg", "success_msg", "All assertions passed")
	if err != nil {
		return Fail("%s", err), nil
	}
	r := &Result{VerboseAlways: !a.Bool("quiet")}
	for _, that := range conditions(a.Raw("that")) {
		ok, err := c.Controller.Truth(ctx, that)
		if err != nil {
			return Fail("The conditional check '%s' failed. The error was: %s", value.Str(that), jinja.Message(err)), nil
		}
		if !ok {
			r.Failed = true
			return withMessage(r.Set("evaluated_to", false).Set("assertion", that), failMsg), nil
		}
	}
	return withMessage(r, successMsg), nil
}

func conditions(that any) []any {
	switch that := that.(type) {
	case *value.List:
		return that.Items
	case value.Tuple:
		return that
	}
	return []any{that}
}

// messageOr reads a message argument: text, or a list of texts.
func messageOr(a Args, name, words, standard string) (any, error) {
	switch msg := a.Raw(name).(type) {
	case nil:
		return standard, nil
	case string:
		return msg, nil
	case *value.List:
		for _, e := range msg.Items {
			if value.TypeName(e) != "str" {
				return nil, fmt.Errorf("Type of one of the elements in %s list is not string type", words) //nolint:staticcheck // Ansible's words
			}
		}
		return msg, nil
	default:
		return nil, fmt.Errorf("Incorrect type for %s, expected a string or list and got %s", words, class(msg)) //nolint:staticcheck // Ansible's words
	}
}

func withMessage(r *Result, msg any) *Result {
	if s, ok := msg.(string); ok {
		r.Msg = s
	}
	return r.Set("msg", msg)
}
