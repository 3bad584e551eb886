package runner

import (
	"fmt"
	"slices"

	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/playbooks"
)

// loopNames are the names and switches of a loop, evaluated.
type loopNames struct {
	item, index   string
	extended, all bool
	source        func(*value.Dict) vars.Source // see itemSource
	pause         float64
}

// items evaluates what the task repeats over. Skip is the result when there is
// nothing to repeat or it cannot be evaluated.
// Final means that text of the items must not be evaluated again.
func (x *execution) items() (items []any, final bool, skip *value.Dict) {
	over, final, err := x.loopValue()
	if err != nil {
		// A condition that does not hold excuses a loop that cannot be evaluated.
		if _, ok, whenErr := x.applies(x.scope); whenErr == nil && !ok {
			return nil, false, value.NewDict("changed", false, "skipped", true, "skip_reason", "Conditional result was False")
		}
		return nil, false, x.argumentError(err)
	}
	list, ok := asItems(over)
	if !ok {
		return nil, false, failure("Invalid data passed to 'loop', it requires a list, got this instead: %s. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup.", value.Str(over))
	}
	if len(list) == 0 {
		return nil, false, value.NewDict("changed", false, "skipped", true, "skipped_reason", "No items in the list", "results", &value.List{})
	}
	return list, final, nil
}

// loopValue evaluates what is looped over. What a lookup found is final.
func (x *execution) loopValue() (v any, final bool, err error) {
	loop := x.task.Loop
	if loop.With != "" {
		v, err = x.withItems(loop)
		return v, true, err
	}
	return x.run_.Templar.Value(x.ctx, x.scope, loop.Over)
}

// withItems is with_NAME: the lookup NAME over its terms, as a list.
func (x *execution) withItems(loop *playbooks.Loop) (any, error) {
	if x.run_.Templar.Env.Lookup == nil {
		return nil, fmt.Errorf("with_%s: no lookups are available", loop.With)
	}
	terms, _, err := x.withTerms(loop)
	if err != nil {
		return nil, err
	}
	if _, isList := asItems(terms); !isList && loop.With == "list" {
		return nil, fmt.Errorf("with_list expects a list, got '%s' instead.", value.Str(terms))
	}
	return x.lookup(loop.With, terms)
}

// withTerms evaluates the terms of a with_ loop. Those of with_first_found may
// be undefined, and are passed over.
func (x *execution) withTerms(loop *playbooks.Loop) (any, bool, error) {
	over := loop.Over
	if text, ok := over.(string); ok && !jinja.HasTemplate(text) {
		return text, false, nil
	}
	v, final, err := x.run_.Templar.Value(x.ctx, x.scope, over)
	if err == nil || loop.With != "first_found" {
		return v, final, err
	}
	list, ok := over.(*value.List)
	if !ok {
		return nil, false, err
	}
	out := &value.List{}
	for _, item := range list.Items {
		if v, _, err := x.run_.Templar.Value(x.ctx, x.scope, item); err == nil {
			out.Append(v)
		}
	}
	return out, false, nil
}

func asItems(v any) ([]any, bool) {
	switch v := v.(type) {
	case *value.List:
		return v.Items, true
	case value.Tuple:
		return v, true
	case value.Sequenced:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = v.Item(i)
		}
		return out, true
	}
	return nil, false
}

// loop runs the task for every item and puts the results together.
func (x *execution) loop(items []any, final bool) *value.Dict {
	names, err := x.loopNames()
	if err != nil {
		return failure("%v", err)
	}
	if _, found, _, _ := x.scope.Lookup(names.item); found {
		x.run_.stream.warn(x.host.name, loopNameTaken(x.task, names.item))
	}
	names.source = itemSource(items, final)
	results := &value.List{}
	for i, item := range items {
		if i > 0 && names.pause > 0 && !x.sleep(names.pause) {
			break
		}
		if x.ctx.Err() != nil {
			break
		}
		result := x.oneItem(names, items, i, item)
		results.Append(result)
		if truthAt(result, "unreachable") || x.breaks(names, result) {
			break
		}
	}
	return joinResults(results)
}

// breaks evaluates break_when: it sees the item and, under the registered name,
// the item's result.
func (x *execution) breaks(names loopNames, result *value.Dict) bool {
	when := x.task.Loop.Control.BreakWhen
	if len(when) == 0 {
		return false
	}
	own := value.NewDict()
	for _, name := range []string{names.item, names.index, "ansible_loop", "ansible_loop_var", "ansible_index_var"} {
		if v, ok := result.Get(name); ok {
			own.Set(name, v)
		}
	}
	yes, err := x.holds(x.scope.With(loopLayer(own)), result, when)
	if err != nil {
		result.Set("failed", true)
		result.Set("msg", x.conditionError(when, err).At("msg"))
	}
	return yes || err != nil
}

// itemSource says how items are seen: those from outside are not evaluated;
// those of the playbook's author are, when there is anything to evaluate.
func itemSource(items []any, final bool) func(*value.Dict) vars.Source {
	switch {
	case final:
		return func(d *value.Dict) vars.Source { return vars.Results{Dict: d} }
	case slices.ContainsFunc(items, vars.LooksLikeTemplate):
		return func(d *value.Dict) vars.Source { return vars.Fixed{Dict: d} }
	}
	return func(d *value.Dict) vars.Source { return vars.Computed{Dict: d} }
}

// oneItem runs the task for one item and tells its result.
func (x *execution) oneItem(names loopNames, items []any, i int, item any) *value.Dict {
	x.item = i
	if done := x.itemDone(i, names.item, item); done != nil {
		return done
	}
	loopVars := value.NewDict(names.item, item, "ansible_loop_var", names.item)
	if names.index != "" {
		loopVars.Set(names.index, i)
		loopVars.Set("ansible_index_var", names.index)
	}
	if names.extended {
		loopVars.Set("ansible_loop", extendedLoop(items, i, names.all))
	}
	scope := x.scope.With(vars.Layer{Level: vars.LoopVars, Origin: "loop", Source: names.source(loopVars)})
	result := x.once(scope, loopVars).Copy()
	for k, v := range loopVars.All() {
		if k != "ansible_loop" || names.extended {
			result.Set(k, v)
		}
	}
	ownFailure(result)
	label, err := x.label(scope, item)
	if err != nil {
		result = failure("Failed to template loop_control.label: %v", err)
	}
	result.Set("_ansible_item_label", label)
	x.tellItem(i, result, label)
	result.Delete("_ansible_item_label") // these are for the screen only
	result.Delete("_ansible_verbose_always")
	return result
}

// ownFailure says that a task that was carried out did not fail; Ansible says
// nothing of it for one that was skipped, nor for a loop as a whole.
func ownFailure(result *value.Dict) {
	if !result.Has("failed") && !truthAt(result, "skipped") {
		result.Set("failed", false)
	}
}

func (x *execution) loopNames() (loopNames, error) {
	c := x.task.Loop.Control
	n := loopNames{item: "item", all: true}
	texts := []struct {
		raw any
		set *string
	}{{c.LoopVar, &n.item}, {c.IndexVar, &n.index}}
	for _, t := range texts {
		if t.raw == nil {
			continue
		}
		s, err := x.run_.Templar.Text(x.ctx, x.scope, t.raw)
		if err != nil {
			return n, fmt.Errorf("loop_control: %w", err)
		}
		*t.set = s
	}
	flags := []struct {
		raw any
		set *bool
	}{{c.Extended, &n.extended}, {c.ExtendedAllItems, &n.all}}
	for _, f := range flags {
		if f.raw == nil {
			continue
		}
		v, _, err := x.run_.Templar.Value(x.ctx, x.scope, f.raw)
		if err != nil {
			return n, fmt.Errorf("loop_control: %w", err)
		}
		*f.set, _ = truthWord(v)
	}
	if c.Pause != nil {
		v, _, err := x.run_.Templar.Value(x.ctx, x.scope, c.Pause)
		if err != nil {
			return n, fmt.Errorf("loop_control: pause: %w", err)
		}
		n.pause, _ = asNumber(v)
	}
	return n, nil
}

// extendedLoop is ansible_loop with extended: true.
func extendedLoop(items []any, i int, all bool) *value.Dict {
	n := len(items)
	d := value.NewDict(
		"index", i+1, "index0", i, "first", i == 0, "last", i+1 == n, "length", n,
		"revindex", n-i, "revindex0", n-i-1)
	if all {
		d.Set("allitems", value.NewList(items...))
	}
	if i > 0 {
		d.Set("previtem", items[i-1])
	}
	if i+1 < n {
		d.Set("nextitem", items[i+1])
	}
	return d
}

func (x *execution) label(scope *vars.Scope, item any) (any, error) {
	raw := x.task.Loop.Control.Label
	if raw == nil {
		return item, nil
	}
	v, _, err := x.run_.Templar.Value(x.ctx, scope, raw)
	return v, err
}

// tellItem emits the result of one item.
func (x *execution) tellItem(i int, result *value.Dict, label any) {
	if truthAt(result, "sunup_include") || x.past != nil {
		return
	}
	shown := x.shown(result)
	if !shown.NoLog {
		shown.Label = value.Str(label)
	} else {
		shown.Label = "None" // what Ansible prints for a hidden item
	}
	x.run_.stream.emit(event.ItemEnded{
		Task: x.number, Host: x.host.name, Index: i, Outcome: itemOutcome(result), Result: shown, Delegate: x.delegate,
	})
}

// itemOutcome is the outcome of an item by itself; what becomes of the task is
// decided when all items are done.
func itemOutcome(result *value.Dict) event.Outcome {
	switch {
	case truthAt(result, "unreachable"):
		return event.Unreachable
	case truthAt(result, "failed"):
		return event.Failed
	case truthAt(result, "skipped"):
		return event.Skipped
	case truthAt(result, "changed"):
		return event.Changed
	}
	return event.OK
}

// joinResults is the result of a loop as Ansible has it.
func joinResults(results *value.List) *value.Dict {
	out := value.NewDict("results", results, "skipped", true)
	msg := "All items completed"
	for _, r := range results.Items {
		d := r.(*value.Dict)
		if truthAt(d, "changed") {
			out.Set("changed", true)
		}
		if !truthAt(d, "skipped") {
			out.Set("skipped", false)
		}
		if truthAt(d, "failed") {
			msg = "One or more items failed"
			out.Set("failed", true)
		}
		for _, flag := range []string{"unreachable", "sunup_cancelled"} {
			if truthAt(d, flag) {
				out.Set(flag, true)
			}
		}
	}
	switch {
	case results.Len() == 0: // cut before its first item
		out.Set("skipped", false)
	case truthAt(out, "skipped"):
		msg = "All items skipped"
	}
	out.Set("msg", msg)
	if !out.Has("changed") {
		out.Set("changed", false)
	}
	return out
}
