package modules

import (
	"context"

	"sunup/internal/say"
	"sunup/internal/value"
)

var setStatsModule = Module{
	Name:       "ansible.builtin.set_stats",
	Summary:    say.T("Keeps values for the end of the run.", "실행 끝에 보여 줄 값을 남긴다."),
	Controller: true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "data", Type: Raw, Required: true, Doc: say.T("Names and values.", "이름과 값.")},
		{Name: "per_host", Type: Bool, Default: false, Doc: say.T("Keep them for each host.", "호스트마다 따로 남긴다.")},
		{Name: "aggregate", Type: Bool, Default: true, Doc: say.T("Add to values that are there.", "이미 있는 값에 더한다.")},
	}},
	Run: runSetStats,
}

func runSetStats(_ context.Context, c *Call) (*Result, error) {
	data, err := toDict(c.Args.Raw("data"))
	if err != nil {
		return Fail("The 'data' option needs to be a dictionary/hash"), nil
	}
	for k := range data.All() {
		if name := value.Str(k); !isIdentifier(name) {
			return Fail("%s", badVariable(name)), nil
		}
	}
	s := &Stats{Data: data, PerHost: c.Args.Bool("per_host"), Aggregate: c.Args.Bool("aggregate")}
	r := &Result{Stats: s}
	return r.Set("ansible_stats", value.NewDict("data", data, "per_host", s.PerHost, "aggregate", s.Aggregate)), nil
}
