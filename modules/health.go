package modules

import (
	"context"
	"strings"
	"time"

	"sunup/internal/diag"
	"sunup/internal/health"
	"sunup/internal/say"
	"sunup/internal/value"
)

var healthModule = Module{
	Name:    "sunup.builtin.health",
	Summary: say.T("Waits until probes of the host pass.", "호스트의 점검이 모두 통과할 때까지 기다린다."),
	Notes: say.T("Not in Ansible. docs/language.md describes every probe. In check mode each probe is asked once; nothing is waited for, and a bad answer does not fail the task.",
		"Ansible에는 없다. 점검마다 docs/language.md에 설명이 있다. 체크 모드에서는 점검을 한 번씩만 하고 기다리지 않으며, 나쁜 답이 작업을 실패시키지 않는다."),
	Idempotent: true,
	Spec: Spec{
		Params: append([]Param{
			{Name: "probes", Type: Raw, Doc: say.T("List of probes.", "점검의 목록.")},
			{Name: "any", Type: Raw, Doc: say.T("List of probes of which one must pass.", "하나만 통과하면 되는 점검의 목록.")},
			{Name: "all", Type: Raw, Doc: say.T("List of probes that must all pass.", "모두 통과해야 하는 점검의 목록.")},
			{Name: "of", Type: Raw, Doc: say.T("List of probes for k_of.", "k_of의 점검 목록.")},
			{Name: "k_of", Type: Raw, Doc: say.T("How many of the probes must pass; all when not given.", "통과해야 하는 점검의 수. 없으면 모두.")},
			{Name: "every", Type: Raw, Doc: say.T("Time between two tries; 1s.", "다시 시도하기까지의 시간. 기본 1s.")},
			{Name: "for", Type: Raw, Doc: say.T("How long the probes may take to pass; 1m.", "통과할 때까지 기다릴 시간. 기본 1m.")},
			{Name: "timeout", Type: Raw, Doc: say.T("Time limit of one try; 5s.", "한 번 시도의 제한 시간. 기본 5s.")},
			{Name: "successes", Type: Raw, Doc: say.T("How many good answers in a row it takes; 1.", "연속으로 좋은 답이 몇 번 와야 하는지. 기본 1.")},
			{Name: "stable", Type: Raw, Doc: say.T("How long answers must have been good without a break.", "끊김 없이 좋은 답이 이어져야 하는 시간.")},
			{Name: "backoff", Type: Raw, Doc: say.T("Factor that every grows by after each bad answer; 1.", "나쁜 답이 이어질 때마다 every에 곱하는 수. 기본 1.")},
			{Name: "from", Type: Raw, Doc: say.T("Who asks: target or controller.", "묻는 쪽: target 또는 controller.")},
		}, probeParams()...),
	},
	Returns: []Return{
		{"healthy", "bool", "always", say.T("Whether all that is asked for passed.", "요구한 점검이 모두 통과했는지.")},
		{"probes", "list", "always", say.T("Each probe: name, kind, state, tries, took (seconds), reason, failures.", "점검마다 name, kind, state, tries, took(초), reason, failures.")},
		{"took", "float", "always", say.T("Seconds until the end.", "끝날 때까지의 초.")},
	},
	Run: runHealth,
}

// probeParams are the kinds of probes, each of which may be given by itself.
func probeParams() []Param {
	var out []Param
	for _, kind := range health.Kinds() {
		out = append(out, Param{Name: kind, Type: Raw, Doc: say.T("Probe of this kind: its short value, or a dict with %s.", "이 종류의 점검: 짧은 값, 또는 %s 사전.", strings.Join(health.OptionNames(kind), ", "))})
	}
	return out
}

// ProbeWatcher is a Controller that wants to know of probes while they are
// waited for.
type ProbeWatcher interface{ ProbeChanged(c health.Change) }

// Idler is a Controller that lets others work while a task only waits. An error
// of it ends the wait: the run is being stopped.
type Idler interface {
	Idle(ctx context.Context, d time.Duration) error
}

func runHealth(ctx context.Context, c *Call) (*Result, error) {
	plan, problems := health.Read(givenArgs(c.Args))
	if plan == nil {
		return Fail("%s", problemLines(problems)), nil
	}
	if len(plan.Probes()) == 0 {
		return Fail("there is nothing to ask: give probes, such as tcp: 5432"), nil
	}
	g := &health.Gate{Plan: plan, Target: c.healthTarget(), Once: c.Check}
	if w, ok := c.Controller.(ProbeWatcher); ok {
		g.Changed = w.ProbeChanged
	}
	if i, ok := c.Controller.(Idler); ok {
		g.Wait = i.Idle
	}
	r, err := g.Run(ctx)
	if err != nil {
		return nil, err
	}
	if r.Lost != nil && !c.Check {
		return nil, r.Lost
	}
	return healthResult(r, c.Check), nil
}

// givenArgs are the arguments that were written, as one mapping.
func givenArgs(a Args) *value.Dict {
	out := &value.Dict{}
	for k, v := range a.All().All() {
		if name, ok := k.(string); ok && a.Given(name) {
			out.Set(name, v)
		}
	}
	return out
}

// healthTarget is the task's host as probes need it.
func (c *Call) healthTarget() *health.Target {
	t := &health.Target{Name: c.Controller.Host(), Conn: c.Conn}
	if v, ok, err := c.Controller.Var("ansible_host"); ok && err == nil && v != nil {
		t.Address = value.Str(v)
	}
	if v, ok, err := c.Controller.Var("ansible_port"); ok && err == nil {
		t.Port, _ = v.(int)
	}
	return t
}

func problemLines(problems diag.Problems) string {
	var out []string
	for _, p := range problems {
		line := p.What.String()
		if !p.Fix.IsZero() {
			line += ": " + p.Fix.String()
		}
		out = append(out, line)
	}
	return strings.Join(out, "; ")
}

func healthResult(r health.Result, check bool) *Result {
	out := OK()
	if !r.Passed {
		out = Fail("%s", r.Why)
		if check {
			out = &Result{Msg: "would wait: " + r.Why.String()}
		}
	}
	probes := &value.List{}
	for _, p := range r.Probes {
		probes.Append(probeResult(p))
	}
	return out.Set("healthy", r.Passed).Set("probes", probes).Set("took", seconds(r.Took))
}

func probeResult(p health.ProbeResult) *value.Dict {
	d := value.NewDict("name", p.Name, "kind", p.Kind, "state", string(p.State), "tries", p.Tries, "took", seconds(p.Took))
	if p.State != health.Passed {
		d.Set("reason", p.Reason.String())
	}
	if len(p.Failures) > 0 {
		failures := &value.List{}
		for _, f := range p.Failures {
			failures.Append(value.NewDict("after", seconds(f.After), "reason", f.Reason.String()))
		}
		d.Set("failures", failures)
	}
	if p.Breaks > 0 {
		d.Set("breaks", p.Breaks)
	}
	return d
}

// seconds are rounded to milliseconds: more is noise.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}
