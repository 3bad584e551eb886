package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sunup/internal/connection"
	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/modules"
)

// notInstant is how long a task runs on a host before that is told: it is for
// people who watch, and most tasks are over before anyone could read it.
const notInstant = 300 * time.Millisecond

// setFactModule is the one module whose arguments' names are templates too.
const setFactModule = "ansible.builtin.set_fact"

// run carries the task out on the host and tells how it ended.
func (x *execution) run() *taskEnd {
	if end := x.replay(); end != nil {
		return end
	}
	return x.fresh()
}

// fresh is the task as it is done now.
func (x *execution) fresh() *taskEnd {
	began := time.AfterFunc(notInstant, func() {
		if !x.intended.Load() {
			x.run_.stream.emit(event.HostTaskBegan{Task: x.number, Host: x.host.name, Safe: true})
		}
	})
	defer began.Stop()
	result := x.perform()
	for x.wantsDebugger(x.outcomeOf(result), result) {
		again, next := x.debugged(result)
		if next == doAgain {
			x = again
			result = x.perform()
			continue
		}
		if x.held = true; next == quit {
			x.run_.Stop()
		}
		break
	}
	return x.conclude(result)
}

// perform does the task once, or for each item of its loop.
func (x *execution) perform() *value.Dict {
	if x.task.Loop == nil {
		return x.once(x.scope, nil)
	}
	items, final, skip := x.items()
	if skip != nil {
		return skip
	}
	return x.loop(items, final)
}

// failure is a failed result of the engine's own.
func failure(format string, args ...any) *value.Dict {
	return value.NewDict("failed", true, "msg", fmt.Sprintf(format, args...), "changed", false)
}

// once is the task for one item, or without a loop: conditions, then attempts
// until it is as it should be.
func (x *execution) once(scope *vars.Scope, loopVars *value.Dict) *value.Dict {
	if x.past != nil && x.task.Include != nil {
		return x.requestInclude(scope, loopVars) // its conditions held
	}
	condition, ok, err := x.applies(scope)
	if err != nil {
		return x.conditionError([]any{condition}, err)
	}
	if !ok {
		return value.NewDict("changed", false, "skipped", true, "skip_reason", "Conditional result was False")
	}
	if x.task.Include != nil {
		return x.requestInclude(scope, loopVars)
	}
	return x.attemptsOf(scope)
}

// applies evaluates the conditions, outermost first, and stops at the first
// that does not hold.
func (x *execution) applies(scope *vars.Scope) (condition any, ok bool, err error) {
	for _, condition = range x.plan.when {
		ok, err = x.run_.Templar.Truth(x.ctx, scope, condition)
		if err != nil || !ok {
			return condition, false, err
		}
	}
	return nil, true, nil
}

// attemptsOf tries until `until` holds or the retries are used up.
func (x *execution) attemptsOf(scope *vars.Scope) *value.Dict {
	set := x.settings(x.host, scope)
	retries, err := x.retries(set)
	if err != nil {
		return failure("%v", err)
	}
	delay, err := set.number("delay", 5)
	if err != nil {
		return failure("%v", err)
	}
	if settled := x.underWay(); settled != nil {
		return settled
	}
	for attempt := 1 + x.attemptsMade(); ; attempt++ {
		x.attempts = attempt
		result, ran := x.attempt(scope, set)
		if x.task.Until == nil || !ran || truthAt(result, "unreachable") || x.ctx.Err() != nil {
			return result
		}
		result.Set("attempts", attempt)
		done, err := x.holds(scope, result, x.task.Until)
		if err != nil {
			return x.conditionError(x.task.Until, err)
		}
		if done {
			return result
		}
		if attempt > retries {
			result.Set("failed", true)
			result.Set("attempts", retries)
			return result
		}
		x.run_.stream.emit(event.AttemptFailed{
			Task: x.number, Host: x.host.name, Attempt: attempt, Retries: retries, Result: x.shown(result), Delegate: x.delegate,
		})
		if !x.sleep(delay) {
			return result
		}
	}
}

// passedInCheck is what Ansible says of a module that check mode passes over;
// fetch has words of its own.
func passedInCheck(m *modules.Module, action string) string {
	if m.Name == "ansible.builtin.fetch" {
		return "check mode not (yet) supported for this module"
	}
	return fmt.Sprintf("remote module (%s) does not support check mode", action)
}

// retries is how often a task is tried again: 3 times, as Ansible has it.
func (x *execution) retries(set settings) (int, error) {
	n, err := set.number("retries", 3)
	return max(int(n), 0), err
}

// sleep waits between attempts and items; false when the run ends or is being
// stopped.
func (x *execution) sleep(seconds float64) bool {
	return x.idle(x.ctx, time.Duration(seconds*float64(time.Second))) == nil
}

func conditionText(conds []any) string {
	texts := make([]string, len(conds))
	for i, c := range conds {
		texts[i] = value.Str(c)
	}
	return strings.Join(texts, " and ")
}

// holds evaluates conditions that may use the task's own result.
func (x *execution) holds(scope *vars.Scope, result *value.Dict, conditions []any) (bool, error) {
	own := value.NewDict()
	if x.task.Register != "" {
		own.Set(x.task.Register, result)
	}
	// changed_when and failed_when see the result's keys by name too.
	inner := scope.With(resultLayer(own))
	for _, c := range conditions {
		ok, err := x.run_.Templar.Truth(x.ctx, inner, c)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// attempt is one call of the module with what changed_when and failed_when
// make of it. Without an answer of the module they have nothing to judge, nor
// has until: failed_when: false must not hide a variable that is not defined.
func (x *execution) attempt(scope *vars.Scope, set settings) (result *value.Dict, ran bool) {
	result, ran = x.call(scope, set)
	if !ran || truthAt(result, "unreachable") || truthAt(result, "skipped") {
		return result, ran
	}
	withLines(result)
	if _, broken := result.Get("exception"); !broken {
		result = x.judged(scope, result)
	}
	return result, true
}

// judged is a result with what changed_when and failed_when make of it.
func (x *execution) judged(scope *vars.Scope, result *value.Dict) *value.Dict {
	if x.task.ChangedWhen != nil {
		changed, err := x.holds(scope, result, x.task.ChangedWhen)
		if err != nil {
			return x.brokenCondition(result, "changed_when_result", x.task.ChangedWhen, err)
		}
		result.Set("changed", changed)
	}
	if x.task.FailedWhen != nil {
		failed, err := x.holds(scope, result, x.task.FailedWhen)
		if err != nil {
			return x.brokenCondition(result, "failed_when_result", x.task.FailedWhen, err)
		}
		result.Set("failed", failed)
		result.Set("failed_when_result", failed)
	}
	return result
}

// conditionError is the result of a condition that cannot be evaluated.
func (x *execution) conditionError(conds []any, err error) *value.Dict {
	msg := jinja.Message(err)
	if !strings.HasPrefix(msg, "The conditional check") {
		msg = fmt.Sprintf("The conditional check '%s' failed. The error was: %s", conditionText(conds), msg)
	}
	return value.NewDict("failed", true, "msg", fmt.Sprintf("%s\n\nThe task stands at %s.", msg, x.task.Pos))
}

// brokenCondition fails the task and keeps what the module returned: the
// condition's error stands beside it.
func (x *execution) brokenCondition(result *value.Dict, key string, conds []any, err error) *value.Dict {
	result.Set("failed", true)
	result.Set(key, x.conditionError(conds, err).At("msg"))
	return result
}

func truthAt(d *value.Dict, key string) bool { return value.Truth(d.At(key)) }

// withLines adds stdout_lines and stderr_lines, which every module's result
// has when it has the text.
func withLines(result *value.Dict) {
	for _, name := range []string{"stdout", "stderr"} {
		text, ok := result.At(name).(string)
		if ok && !result.Has(name+"_lines") {
			result.Set(name+"_lines", value.Strings(lines(text)))
		}
	}
}

// lines splits as Python's splitlines does for \n, \r\n and \r.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// call is one call of the module on the host; ran is false when the module gave
// no answer of its own.
func (x *execution) call(scope *vars.Scope, set settings) (result *value.Dict, ran bool) {
	m, err := x.chooseModule(scope)
	if err != nil {
		return failure("%v", err), false
	}
	x.module = m
	target, err := x.target(scope, set)
	if err != nil {
		return failure("%v", err), false
	}
	if target.other {
		scope = scope.With(loopLayer(delegatedVars(target, x.host.name)))
	}
	in, err := x.arguments(scope, m)
	if err != nil {
		return x.argumentError(err), false
	}
	args, err := m.Validate(x.task.Action, in)
	if err != nil {
		return failure("%v", err), true // in Ansible the module itself refuses them
	}
	c, cancel, err := x.moduleCall(scope, set, m, target, args)
	if err != nil {
		return failure("%v", err), false
	}
	defer cancel()
	return x.carryOut(target, m, c, set)
}

// carryOut has the module do its work, in the background where the task says so.
func (x *execution) carryOut(target target, m *modules.Module, c *boundCall, set settings) (result *value.Dict, ran bool) {
	if c.call.Check && m.Check == modules.CheckNone {
		return value.NewDict("changed", false, "skipped", true, "msg", passedInCheck(m, x.task.Action)), true
	}
	if seconds, err := set.number("async", 0); err != nil {
		return failure("%v", err), false
	} else if seconds > 0 {
		poll, err := set.number("poll", 15)
		if err != nil {
			return failure("%v", err), false
		}
		return x.background(target, m, c, seconds, poll)
	}
	if !x.run_.hold(x.ctx) {
		return x.hostError(c, errStopping)
	}
	if err := x.intend(c.call, ""); err != nil {
		return x.hostError(c, err)
	}
	answer, err := x.send(m, c)
	if err != nil {
		return x.hostError(c, err)
	}
	return x.digest(target, answer, c.call), true
}

// chooseModule is the task's module; the name of one written as a template is
// evaluated.
func (x *execution) chooseModule(scope *vars.Scope) (*modules.Module, error) {
	if file := x.task.ModuleFile; file != "" {
		return modules.UserFile(absolute(file), x.task.Action), nil
	}
	m, name := x.plan.module, x.task.Action
	if m == nil && jinja.HasTemplate(name) {
		var err error
		if name, err = x.run_.Templar.Text(x.ctx, scope, name); err != nil {
			return nil, err
		}
		m = x.run_.Modules(strings.TrimSpace(name))
	}
	if m == nil || m.Run == nil {
		return nil, fmt.Errorf("couldn't resolve module/action '%s': it is not part of sunup; docs/compatibility.md lists the modules that there are", name)
	}
	return m, nil
}

// argumentError tells that the arguments could not be evaluated.
func (x *execution) argumentError(err error) *value.Dict {
	if jinja.IsUndefined(err) {
		return value.NewDict("failed", true, "msg", fmt.Sprintf(
			"The task includes an option with an undefined variable. The error was: %v\n\nThe task stands at %s.", jinja.Message(err), x.task.Pos))
	}
	return failure("%s", jinja.Message(err))
}

// hostError turns what went wrong into a result; ran is true when it is the
// module that could not do its work, and false when that did not come to it.
func (x *execution) hostError(c *boundCall, err error) (result *value.Dict, ran bool) {
	var unreachable *connection.Unreachable
	var become *connection.BecomeFailed
	var limit *connection.TimeLimit
	switch {
	case errors.As(err, &unreachable):
		return lostResult(unreachable, err), false
	case errors.As(err, &become):
		return failure("%v", become), false
	case c.limit > 0 && errors.Is(c.ctx.Err(), context.DeadlineExceeded) && x.ctx.Err() == nil:
		return failure("The %s action failed to execute in the expected time frame (%d) and was terminated", x.task.Action, int(c.limit.Seconds())), false
	case errors.As(err, &limit):
		return failure("%v", limit), false
	case x.ctx.Err() != nil, errors.Is(err, errStopping):
		d := failure("the run was interrupted")
		d.Set("sunup_cancelled", true)
		return d, false
	}
	return failure("%v", err), true
}

// target is the host that does the work.
type target struct {
	host  *host
	other bool // another one than the task's
	scope *vars.Scope
}

func (x *execution) target(scope *vars.Scope, set settings) (target, error) {
	to, err := set.text("delegate_to")
	if err != nil {
		return target{}, err
	}
	if x.task.Local {
		to = cmp.Or(to, "localhost")
	}
	if to == "" || to == x.host.name {
		return target{host: x.host, scope: scope}, nil
	}
	x.delegate = to
	h := x.run_.host(to)
	return target{host: h, other: true, scope: x.play.scopeFor(x.ctx, h, x.plan)}, nil
}

// delegatedVars shows the task the variables of the host that it delegates to.
func delegatedVars(t target, host string) *value.Dict {
	scope := t.scope.With(loopLayer(value.NewDict("inventory_hostname", host)))
	return value.NewDict("ansible_delegated_vars", value.NewDict(t.host.name, hostVarsOf{scope: scope}))
}

// arguments evaluates the task's arguments and puts module_defaults below.
func (x *execution) arguments(scope *vars.Scope, m *modules.Module) (*value.Dict, error) {
	out := &value.Dict{}
	if len(x.plan.defaults) > 0 {
		if err := x.addDefaults(out, scope, m); err != nil {
			return nil, err
		}
	}
	if x.task.ArgsTemplate != "" {
		v, _, err := x.run_.Templar.Value(x.ctx, scope, x.task.ArgsTemplate)
		if err != nil {
			return nil, err
		}
		d, ok := v.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("invalid or malformed argument: '%s'", value.Str(v))
		}
		out.Update(d)
	}
	for k, raw := range x.task.Args.All() {
		name, _ := k.(string)
		v := raw
		if m.Name == setFactModule && jinja.HasTemplate(name) {
			key, _, err := x.run_.Templar.Value(x.ctx, scope, name)
			if err != nil {
				return nil, err
			}
			k = key
		}
		if !slices.Contains(m.RawArgs, name) {
			got, err := x.run_.Templar.Evaluate(x.ctx, scope, raw)
			if err != nil {
				return nil, err
			}
			v = got.Value
			x.tainted = x.tainted || got.Unsafe
			if got.Text {
				x.texts = append(x.texts, name)
			}
			if secret, ok := raw.(value.Vaulted); ok {
				x.noteVaulted(name, secret)
			}
		}
		if d, ok := v.(*value.Dict); ok && name == "_raw_params" {
			out.Update(d) // all arguments in one variable
			continue
		}
		if v == jinja.Omit {
			out.Delete(k)
			continue
		}
		out.Set(k, v)
	}
	return out, nil
}

func (x *execution) noteVaulted(name string, secret value.Vaulted) {
	if x.vaulted == nil {
		x.vaulted = map[string]value.Vaulted{}
	}
	x.vaulted[name] = secret
}

// boundCall is a module call with its own time.
type boundCall struct {
	call  *modules.Call
	ctx   context.Context
	limit time.Duration
}

// moduleCall binds the arguments to the host.
func (x *execution) moduleCall(scope *vars.Scope, set settings, m *modules.Module, t target, args modules.Args) (*boundCall, context.CancelFunc, error) {
	x.secrets, x.args = append(x.secrets, args.Secrets()...), args.All()
	check, err := set.bool("check_mode", x.run_.Check)
	if err != nil {
		return nil, nil, err
	}
	diff, err := set.bool("diff", x.run_.Diff)
	if err != nil {
		return nil, nil, err
	}
	limit, err := set.duration("timeout")
	if err != nil {
		return nil, nil, err
	}
	call := &modules.Call{
		Args: args, Check: check, Diff: diff, Verbosity: x.run_.Verbosity,
		Controller: &controller{x: x, scope: scope},
	}
	if !m.Controller {
		if call.Conn, err = x.conn(set, t, scope); err != nil {
			return nil, nil, err
		}
	}
	b := &boundCall{call: call, ctx: x.ctx, limit: limit}
	cancel := context.CancelFunc(func() {})
	if limit > 0 {
		b.ctx, cancel = context.WithTimeout(x.ctx, limit)
	}
	return b, cancel, nil
}

// conn is the host as the task's identity with the task's environment.
func (x *execution) conn(set settings, t target, scope *vars.Scope) (connection.Conn, error) {
	w, err := x.run_.reachOf(t.host.name, set, t.scope, t.other)
	if err != nil {
		return nil, err
	}
	if w.kind == "local" {
		w.options.Dir = x.play.dir // what is done here is done beside the playbook
	}
	x.secrets = append(x.secrets, w.options.Password.Reveal(), w.become.Password.Reveal())
	x.tellEntry(t.host.name, w)
	link, err := x.run_.link(x.ctx, t.host.name, w)
	if err != nil {
		return nil, x.refused(err)
	}
	env, err := x.environment(scope)
	if err != nil {
		return nil, err
	}
	c := x.play.paced(t.host, link, link.As(w.become))
	if len(env) == 0 {
		return c, nil
	}
	return connection.WithEnv(c, env), nil
}

// refused keeps in both languages why a host may not be reached.
func (x *execution) refused(err error) error {
	var told *say.Error
	if errors.As(err, &told) {
		x.why = told.Text
		x.fix = say.T("run it again when the other run is over, or with --wait-lock 5m", "다른 실행이 끝난 뒤 다시 실행하거나 --wait-lock 5m 을 쓰십시오")
	}
	return err
}

// environment merges the environment keywords, outermost first.
func (x *execution) environment(scope *vars.Scope) ([]string, error) {
	if len(x.plan.environment) == 0 {
		return nil, nil
	}
	merged := &value.Dict{}
	for _, raw := range x.plan.environment {
		v, err := x.environmentValue(scope, raw)
		if err != nil {
			return nil, fmt.Errorf("environment: %w", err)
		}
		switch v := v.(type) {
		case *value.Dict:
			merged.Update(v)
		case *value.List:
			for _, item := range v.Items {
				if d, ok := item.(*value.Dict); ok {
					merged.Update(d)
				}
			}
		}
	}
	var out []string
	for k, v := range merged.All() {
		out = append(out, value.Str(k)+"="+value.Str(v))
	}
	return out, nil
}

// environmentValue evaluates one environment keyword. While facts are gathered,
// what it takes from facts is left out.
func (x *execution) environmentValue(scope *vars.Scope, raw any) (any, error) {
	d, isDict := raw.(*value.Dict)
	if !isDict || !x.gathersFacts() {
		v, _, err := x.run_.Templar.Value(x.ctx, scope, raw)
		if err != nil && x.gathersFacts() && jinja.IsUndefined(err) {
			return nil, nil
		}
		return v, err
	}
	out := &value.Dict{}
	for name, one := range d.All() {
		v, _, err := x.run_.Templar.Value(x.ctx, scope, one)
		if jinja.IsUndefined(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Set(name, v)
	}
	return out, nil
}

func (x *execution) gathersFacts() bool {
	m := x.plan.module
	return m != nil && (m.Name == "ansible.builtin.setup" || m.Name == "ansible.builtin.gather_facts")
}

// conclude makes the result known: variables, facts, notices, counts, event.
func (x *execution) conclude(result *value.Dict) *taskEnd {
	end := &taskEnd{host: x.host, result: result, includes: x.includes, task: x.number, gifts: x.gifts}
	end.outcome = x.outcomeOf(result)
	if x.recalled {
		end.outcome = x.past.Outcome
	}
	x.remember(result)
	if end.outcome != event.Skipped && !truthAt(result, "unreachable") {
		x.play.roleBegan(x.task, x.host)
	}
	if truthAt(result, "changed") && (end.outcome == event.OK || end.outcome == event.Changed) {
		if missing := x.notifyHandlers(); missing != "" {
			x.lacksHandler(missing, result)
			end.outcome = x.outcomeOf(result)
		}
	}
	if end.outcome == event.Rescued || end.outcome == event.Failed {
		x.rememberFailure(result)
	}
	x.tell(end)
	return end
}

// lacksHandler deals with a notice that no handler answers to: a mistake of the
// playbook, which ends the run unless it is set to be a warning.
func (x *execution) lacksHandler(name string, result *value.Dict) {
	msg := fmt.Sprintf("The requested handler '%s' was not found in either the main handlers list nor in the listening handlers list", name)
	if x.run_.Defaults.MissingHandlerWarns {
		x.run_.stream.warn("", say.Plain(msg))
		return
	}
	result.Set("failed", true)
	result.Set("msg", msg)
	x.aborts = true
	x.run_.cancel.abort(errors.New(msg))
}

// outcomeOf decides the one outcome of the task on the host.
func (x *execution) outcomeOf(result *value.Dict) event.Outcome {
	set := x.settings(x.host, x.scope)
	switch {
	case truthAt(result, "sunup_cancelled"), x.cutOff() && truthAt(result, "failed"):
		return event.Cancelled
	case truthAt(result, "unreachable"):
		if ignore, err := set.bool("ignore_unreachable", false); err == nil && ignore {
			return event.Ignored
		}
		if x.play.guard != nil {
			return event.Quarantined
		}
		if truthAt(result, "sunup_unknown") {
			return event.Unknown
		}
		return event.Unreachable
	case truthAt(result, "sunup_unknown"):
		if ignore, err := set.bool("ignore_errors", false); err == nil && ignore {
			return event.Ignored
		}
		if x.play.guard != nil {
			return event.Quarantined
		}
		return event.Unknown
	case truthAt(result, "failed"):
		if ignore, err := set.bool("ignore_errors", false); err == nil && ignore {
			return event.Ignored
		}
		if c := x.play.cursors[x.host]; c != nil && c.rescues() {
			return event.Rescued
		}
		if x.play.guard != nil {
			return event.Quarantined
		}
		return event.Failed
	case truthAt(result, "skipped"):
		return event.Skipped
	case truthAt(result, "changed"):
		return event.Changed
	}
	return event.OK
}

// cutOff reports whether an order about the host ended the task.
func (x *execution) cutOff() bool { return x.ctx.Err() != nil && x.play.ctx.Err() == nil }

// remember stores what the result gives the host: the registered variable.
func (x *execution) remember(result *value.Dict) {
	if name := x.task.Register; name != "" {
		clean := result.Copy()
		for _, private := range []string{"sunup_sent", "sunup_cancelled", "sunup_unknown", "invocation", "_ansible_verbose_always"} {
			clean.Delete(private)
		}
		if x.task.Loop == nil {
			ownFailure(clean)
		}
		// What include_vars read is the author's own text, not a host's.
		x.host.set.Set(name, clean, x.task.Module != "ansible.builtin.include_vars")
	}
}

// rememberFailure sets what rescue sections may ask for.
func (x *execution) rememberFailure(result *value.Dict) {
	x.host.set.Set("ansible_failed_result", result, true)
	x.host.set.Set("ansible_failed_task", value.NewDict("name", x.task.Name, "action", x.task.Action), true)
}

// notifyHandlers marks the handlers that a change notifies; it returns a name
// that no handler answers to.
func (x *execution) notifyHandlers() (missing string) {
	for _, raw := range x.task.Notify {
		v, _, err := x.run_.Templar.Value(x.ctx, x.scope, raw)
		if err != nil {
			return raw
		}
		names := []any{v}
		if l, ok := v.(*value.List); ok {
			names = l.Items
		}
		for _, n := range names {
			if name := value.Str(n); name != "" && !x.play.notify(x.taskRun, x.host, name) {
				return name
			}
		}
	}
	return ""
}

// tell emits the end of the task on the host and counts it.
func (x *execution) tell(end *taskEnd) {
	now := x.run_.Now()
	e := event.HostTaskEnded{
		Play: x.play.number, Task: x.number, Host: x.host.name, Outcome: end.outcome,
		Result: x.shown(end.result), Loop: x.task.Loop != nil, Delegate: x.delegate,
		Began: x.began, Took: now.Sub(x.began),
	}
	e.Aborts, e.Held = x.aborts, x.held
	if n := x.attempts + x.resent; n > 1 {
		e.Attempts = n
	}
	x.noteHidden(e.Result.NoLog)
	end.why = wrongOf(e.Result)
	e.Result.Why, e.Result.Fix = x.explain(end.result)
	if x.task.Loop != nil && end.outcome != event.Unreachable {
		e.Result.Values.Delete("results") // each item was told by itself
	}
	// An include counts when its file is run, as Ansible counts.
	end.ordered = end.outcome == event.Cancelled && (x.cutOff() || x.recalled && x.run_.Journal.ordered(x.host.name) != "")
	if !end.ordered && (x.task.Include == nil || end.outcome != event.OK) {
		x.host.count(end.counts(), truthAt(end.result, "changed"))
	}
	if x.past != nil && x.past.Outcome == end.outcome {
		return // the record has it
	}
	end.seq = x.run_.stream.emit(e)
}

// explain says in a person's words what a failure means, when we know.
func (x *execution) explain(result *value.Dict) (why, fix say.Text) {
	if !x.fix.IsZero() {
		return x.why, x.fix
	}
	if !x.why.IsZero() {
		return x.why, say.T("look at the host, then resume the run", "호스트 상태를 확인한 뒤 실행을 재개하십시오")
	}
	if truthAt(result, "sunup_sent") {
		return say.T("the connection was lost after the command was sent; whether it ran is not known",
				"명령을 보낸 뒤 연결이 끊어져 실행 여부를 알 수 없습니다"),
			say.T("look at the host before running the step again", "다시 실행하기 전에 호스트 상태를 확인하십시오")
	}
	return say.Text{}, say.Text{}
}
