package modules

import (
	"context"

	"sunup/internal/say"
)

var yumModule = Module{
	Name:       "ansible.builtin.yum",
	Summary:    say.T("Manages packages of Red Hat and its relatives with yum.", "레드햇 계열의 패키지를 yum으로 관리한다."),
	Untried:    true,
	Idempotent: true,
	Spec:       rpmSpec,
	Returns:    rpmReturns,
	Run:        func(ctx context.Context, c *Call) (*Result, error) { return runRPM(ctx, c, "yum") },
}
