package runner

import (
	"fmt"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/modules"
)

// recollect finds what the record says of this task on this host.
func (x *execution) recollect() {
	x.step = x.run_.Journal.next(stepKey{taskKey{x.play.number, x.task.ID}, x.host.name})
	if x.step != nil && x.step.end != nil {
		x.past = x.step.end
	}
}

// replay is the task as it ended before the run broke, without doing it again:
// everything that follows from its end is done as at the first time. It is nil
// when the task has not ended, or its result is needed and was not recorded.
func (x *execution) replay() *taskEnd {
	if x.past == nil {
		return nil
	}
	x.delegate = x.past.Delegate
	if x.task.Include != nil && x.past.Outcome == event.OK {
		return nil // what is included is found anew, quietly
	}
	x.module = x.pastModule()
	if x.needsResult() && !x.recorded() {
		return x.recollectResult()
	}
	return x.conclude(x.pastResult())
}

// pastModule is the module that was called; nil when there is none any more.
func (x *execution) pastModule() *modules.Module {
	if x.plan.module != nil {
		return x.plan.module
	}
	m, err := x.chooseModule(x.scope)
	if err != nil {
		return nil
	}
	return m
}

// needsResult reports whether more than the outcome of a step is needed: it is
// registered, or gives the host something.
func (x *execution) needsResult() bool {
	if x.past.Outcome == event.Skipped {
		return x.task.Register != ""
	}
	return x.task.Register != "" || x.module == nil || givesSomething[x.module.Name] || x.past.Result.Values.Has("ansible_job_id")
}

// givesSomething are the modules that are called for what they give the run.
var givesSomething = fullNames("set_fact include_vars setup gather_facts package_facts service_facts add_host group_by set_stats async_status")

// recorded reports whether the whole result is in the record.
func (x *execution) recorded() bool {
	whole := func(r event.Result) bool { return !r.NoLog && !r.Partial }
	for _, item := range x.step.items {
		if !whole(item.Result) {
			return false
		}
	}
	return whole(x.past.Result)
}

// recollectResult gets a result that is needed and is not in the record (no_log):
// by doing the step again, quietly, when that does no harm; otherwise by asking.
func (x *execution) recollectResult() *taskEnd {
	if x.mightRepeat() || x.past.Outcome == event.Skipped {
		x.step = nil
		return x.fresh()
	}
	u := x.run_.Journal.underWay(x.step)
	u.Lost = true
	switch x.run_.decideOn(u) {
	case Rerun:
		x.step, x.past = nil, nil
		return nil
	case Skip:
		return x.conclude(x.pastResult())
	}
	x.past = nil
	return x.conclude(x.notKnown(say.T(
		"the result of this step is needed, and it is not in the record (no_log)",
		"이 단계의 결과가 필요하지만 기록에 없습니다(no_log)")))
}

// pastResult is the result as it was before it was recorded.
func (x *execution) pastResult() *value.Dict {
	x.recalled = true
	if x.past.Loop && len(x.step.items) > 0 {
		results := &value.List{}
		for i := range len(x.step.items) {
			item, ok := x.step.items[i]
			if !ok {
				break
			}
			results.Append(x.pastItem(item))
		}
		d := joinResults(results)
		for k, v := range x.past.Result.Values.All() {
			if name, isText := k.(string); isText && !d.Has(name) {
				d.Set(name, v)
			}
		}
		return d
	}
	d := asResult(x.past.Outcome, x.past.Result)
	if x.past.Loop && !d.Has("results") {
		d.Set("results", &value.List{})
	}
	x.recall(d, x.past.Result)
	return d
}

// pastItem is the result of a loop's item as it was.
func (x *execution) pastItem(item event.ItemEnded) *value.Dict {
	d := asResult(item.Outcome, item.Result)
	d.Delete("_ansible_item_label")
	ownFailure(d)
	x.recall(d, item.Result)
	return d
}

// asResult puts back what the outcome says in the record.
func asResult(o event.Outcome, r event.Result) *value.Dict {
	d := r.Values.Copy()
	switch o {
	case event.Failed, event.Rescued, event.Ignored, event.Quarantined:
		if !truthAt(d, "unreachable") {
			d.Set("failed", true)
		}
	case event.Skipped:
		d.Set("skipped", true)
	}
	return d
}

// recall gives the host, the inventory and the run again what a result gave.
func (x *execution) recall(d *value.Dict, r event.Result) {
	if truthAt(d, "skipped") || truthAt(d, "unreachable") {
		return
	}
	if facts, ok := d.At("ansible_facts").(*value.Dict); ok {
		x.recallFacts(facts, r.Given)
	}
	if truthAt(d, "failed") || x.module == nil {
		return
	}
	switch x.module.Name {
	case "ansible.builtin.add_host":
		x.recallHost(d)
	case "ansible.builtin.group_by":
		x.applyInventory(&modules.Result{AddGroups: []modules.AddGroup{{
			Name: value.Str(d.At("add_group")), Parents: texts(d.At("parent_groups")),
		}}}, &value.Dict{})
	case "ansible.builtin.set_stats":
		if s, ok := d.At("ansible_stats").(*value.Dict); ok {
			data, _ := s.At("data").(*value.Dict)
			x.run_.stats.add(x.host.name, &modules.Stats{Data: data, PerHost: truthAt(s, "per_host"), Aggregate: truthAt(s, "aggregate")})
		}
	}
	if id, ok := d.At("ansible_job_id").(string); ok && truthAt(d, "started") && !truthAt(d, "finished") && x.module.Name != asyncStatus {
		x.run_.jobs.orphan(x.host.name, id, func() { x.carryOn(id) })
	}
}

func (x *execution) recallFacts(facts *value.Dict, given *event.Given) {
	r := &modules.Result{}
	x.tainted, x.texts = false, nil
	switch {
	case x.module == nil:
		r.Facts = facts
	case x.module.Name == setFactModule:
		r.Vars = facts
		if given != nil {
			r.Cacheable, x.tainted, x.texts = given.Cacheable, given.Final, given.Texts
		}
	case x.module.Name == "ansible.builtin.include_vars":
		r.Include = facts
	default:
		r.Facts = facts
	}
	t := target{host: x.host}
	if x.delegate != "" {
		t.host, t.other = x.run_.host(x.delegate), true
	}
	x.applyFacts(t, r, &value.Dict{})
}

func (x *execution) recallHost(d *value.Dict) {
	added, ok := d.At("add_host").(*value.Dict)
	if !ok {
		return
	}
	vars, _ := added.At("host_vars").(*value.Dict)
	if vars == nil {
		vars = &value.Dict{}
	}
	x.applyInventory(&modules.Result{AddHost: &modules.AddHost{
		Name: value.Str(added.At("host_name")), Groups: texts(added.At("groups")), Vars: vars,
	}}, &value.Dict{})
}

func texts(v any) []string {
	items, _ := asItems(v)
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = value.Str(item)
	}
	return out
}

// itemDone is the recorded result of an item of a loop that was cut off; nil
// when the item is to be done. An item that is another one than it was is done.
func (x *execution) itemDone(i int, name string, item any) *value.Dict {
	if x.step == nil || x.task.Include != nil && x.past != nil && x.step.items[i].Outcome == event.OK {
		return nil
	}
	have, ok := x.step.items[i]
	if !ok || have.Result.NoLog && x.task.Register != "" || have.Result.Partial && x.task.Register != "" {
		return nil
	}
	if was, told := have.Result.Values.Get(name); told && !sameData(was, item) {
		return nil
	}
	if x.module == nil {
		x.module = x.pastModule()
	}
	return x.pastItem(have)
}

// sameData compares as the record can: by what is written.
func sameData(a, b any) bool {
	return string(marshalled(a)) == string(marshalled(b))
}

func marshalled(v any) []byte {
	b, err := value.NewList(v).MarshalJSON()
	if err != nil {
		return nil
	}
	return b
}

// underWay settles a call that was under way when the run broke: a result ends
// the matter, nil means that the call is made.
func (x *execution) underWay() *value.Dict {
	s := x.step
	if s == nil || !s.pending || s.intent.Index != x.item {
		return nil
	}
	s.pending = false
	switch s.decision {
	case Skip:
		return value.NewDict("changed", false, "skipped", true, "skip_reason", "The step was under way when the run broke; it was taken as done")
	case Fail:
		return x.notKnown(say.T(
			"the run broke while this step was under way; whether it was carried out is not known",
			"이 단계가 진행되던 중 실행이 끊겨, 수행되었는지 알 수 없습니다"))
	case Probe:
		x.job = s.intent.Job
	}
	return nil
}

// attemptsMade is how often a call of a task with until was made before the
// run broke.
func (x *execution) attemptsMade() int {
	s := x.step
	if s == nil || s.intent == nil || s.intent.Index != x.item {
		return 0
	}
	made := s.attempts
	s.attempts = 0
	return made
}

// notKnown is the result of a step of which nobody knows whether it was done.
func (x *execution) notKnown(why say.Text) *value.Dict {
	x.why = why
	return value.NewDict("failed", true, "changed", false, "sunup_unknown", true, "msg", why.In(say.English))
}

// decideOn asks what becomes of a step.
func (r *Run) decideOn(u UnderWay) Decision {
	if r.Decide == nil {
		return Fail
	}
	r.decideMu.Lock()
	defer r.decideMu.Unlock()
	return r.Decide(u)
}

// resumed opens the next part of the record.
func (r *Run) resumed() event.RunResumed {
	j := r.Journal
	e := event.RunResumed{
		Attempt: j.attempt, Version: r.Version, User: r.User, Node: r.Node, Void: j.void,
		Changes: r.Accepted, Unknown: j.decide(r.Decide),
	}
	e.Reason = say.T("the run had broken off", "실행이 끊어졌습니다")
	if j.Ended != nil {
		e.Ended = j.Ended.Outcome
		e.Reason = say.T("the run had ended: %s", "실행이 끝나 있었습니다: %s", fmt.Sprint(j.Ended.Outcome))
	}
	if len(r.Accepted) > 0 {
		e.Inputs, e.Facets = r.Inputs, r.Facets
	}
	return e
}
