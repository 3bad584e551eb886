package modules

import (
	"context"

	"sunup/internal/say"
	"sunup/internal/value"
)

// JobKeeper is a Controller that knows of tasks in the background.
type JobKeeper interface {
	// Job returns the result of a job of the task's host once it has finished;
	// with forget it is not known any more afterwards.
	Job(id string, forget bool) (result *value.Dict, finished, known bool)
}

var asyncStatusModule = Module{
	Name:       "ansible.builtin.async_status",
	Summary:    say.T("Tells how a task in the background is doing.", "백그라운드 작업의 상태를 알려 준다."),
	Notes:      say.T("Knows the jobs of the same run.", "같은 실행에서 시작한 작업만 안다."),
	Controller: true,
	Idempotent: true,
	Spec: Spec{Params: []Param{
		{Name: "jid", Required: true, Doc: say.T("The job's id, ansible_job_id of the task that began it.", "작업의 id. 시작한 작업의 ansible_job_id.")},
		{Name: "mode", Default: "status", Choices: []any{"status", "cleanup"}, Doc: say.T("Tell the status, or forget the job.", "상태를 알리거나, 작업을 잊는다.")},
	}},
	Returns: []Return{
		{"ansible_job_id", "str", "always", say.T("The job.", "작업의 id.")},
		{"started", "int", "always", say.T("1 when it began.", "시작했으면 1.")},
		{"finished", "int", "always", say.T("1 when it ended.", "끝났으면 1.")},
	},
	Run: runAsyncStatus,
}

func runAsyncStatus(_ context.Context, c *Call) (*Result, error) {
	id := c.Args.Str("jid")
	keeper, ok := c.Controller.(JobKeeper)
	cleanup := c.Args.Str("mode") == "cleanup"
	var result *value.Dict
	var finished, known bool
	if ok {
		result, finished, known = keeper.Job(id, cleanup)
	}
	switch {
	case !known:
		return Fail("could not find job").Set("ansible_job_id", id).Set("started", 1).Set("finished", 1), nil
	case cleanup:
		return OK().Set("ansible_job_id", id).Set("erased", id), nil
	case !finished:
		return OK().Set("ansible_job_id", id).Set("started", 1).Set("finished", 0), nil
	}
	out := &Result{Values: result}
	out.Changed, out.Failed = value.Truth(result.At("changed")), value.Truth(result.At("failed"))
	return out.Set("ansible_job_id", id).Set("started", 1).Set("finished", 1), nil
}
