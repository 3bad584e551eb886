package modules

import (
	"context"

	"sunup/internal/say"
)

var sysvinitModule = Module{
	Name:       "ansible.builtin.sysvinit",
	Summary:    say.T("Starts, stops and enables services by their init scripts.", "init 스크립트로 서비스를 시작, 중지, 활성화한다."),
	Notes:      say.T("Does what service does with use: sysvinit; runlevels and daemonize have no effect.", "use: sysvinit인 service와 같다. runlevels와 daemonize는 효과가 없다."),
	Idempotent: true,
	Spec: Spec{
		Params: []Param{
			{Name: "name", Aliases: []string{"service"}, Required: true, Doc: say.T("Name of the service.", "서비스 이름.")},
			{Name: "state", Choices: []any{"restarted", "started", "stopped", "reloaded"}, Doc: say.T("What the service should be.", "서비스의 상태.")},
			{Name: "enabled", Type: Bool, Doc: say.T("Start it at boot.", "부팅할 때 시작한다.")},
			{Name: "sleep", Type: Int, Default: 1, Doc: say.T("Seconds between stop and start of a restart.", "재시작할 때 중지와 시작 사이의 초.")},
			{Name: "pattern", Doc: say.T("Text to look for among processes.", "프로세스 목록에서 찾을 글.")},
			{Name: "arguments", Aliases: []string{"args"}, Doc: say.T("More words for the init script.", "init 스크립트에 더 줄 말.")},
			{Name: "runlevels", Type: List, Elements: Str, NoEffect: true, Doc: say.T("the header of the init script decides.", "init 스크립트의 머리말이 정한다.")},
			{Name: "daemonize", Type: Bool, Default: false, NoEffect: true, Doc: say.T("init scripts detach themselves.", "init 스크립트가 스스로 떨어져 나간다.")},
		},
		RequiredOneOf: [][]string{{"state", "enabled"}},
	},
	Run: func(ctx context.Context, c *Call) (*Result, error) {
		given := c.Args.All().Copy()
		for _, name := range []string{"runlevels", "daemonize"} {
			given.Delete(name)
		}
		for _, name := range []string{"state", "enabled", "pattern", "arguments"} {
			if !c.Args.Given(name) {
				given.Delete(name)
			}
		}
		given.Set("use", "sysvinit")
		args, err := serviceModule.Spec.Validate("sysvinit", given)
		if err != nil {
			return Fail("%s", err), nil
		}
		inner := *c
		inner.Args = args
		return runService(ctx, &inner)
	},
}
