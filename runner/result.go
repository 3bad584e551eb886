package runner

import (
	"slices"
	"strings"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/modules"
	"sunup/playbooks"
)

// digest turns what a module returned into Ansible's result and applies what
// it gives the host: facts, variables, hosts and groups.
func (x *execution) digest(t target, r *modules.Result, c *modules.Call) *value.Dict {
	d := &value.Dict{}
	d.Set("changed", r.Changed)
	if r.Failed {
		d.Set("failed", true)
	}
	if r.Skipped {
		d.Set("skipped", true)
	}
	if r.Msg != "" {
		d.Set("msg", r.Msg)
	}
	d.Update(r.Values)
	if warnings := append(c.Args.Warnings(), r.Warnings...); len(warnings) > 0 {
		d.Set("warnings", value.Strings(warnings))
		for _, w := range warnings {
			x.run_.stream.warn("", say.Plain(w))
		}
	}
	x.applyFacts(t, r, d)
	if !r.Failed {
		x.applyInventory(r, d)
	}
	if r.NoLog {
		x.hidden = true
	}
	if r.VerboseAlways {
		d.Set("_ansible_verbose_always", true)
	}
	if r.Stats != nil {
		x.run_.stats.add(x.host.name, r.Stats)
	}
	x.takeDiffs(r, d)
	if len(c.Args.Secrets()) > 0 {
		d, _ = scrub(d, c.Args.Secrets()).(*value.Dict)
	}
	return d
}

func (x *execution) applyFacts(t target, r *modules.Result, d *value.Dict) {
	give := x.giftOf(r, d)
	if give == nil {
		return
	}
	if t.other && x.delegatesFacts() {
		give(t.host)
		return
	}
	give(x.host)
	x.gifts = append(x.gifts, give)
}

// giftOf is how a host gets the variables or facts of a result; nil when there
// are none.
func (x *execution) giftOf(r *modules.Result, d *value.Dict) func(to *host) {
	switch {
	case r.Vars != nil:
		r.Vars, _ = untupled(r.Vars).(*value.Dict)
		d.Set("ansible_facts", r.Vars)
		x.given = howGiven(r, x.tainted, x.texts)
		kept := setFact{result: r, tainted: x.tainted, texts: x.texts, vaulted: x.vaulted}
		return kept.giveTo
	case r.Include != nil:
		d.Set("ansible_facts", r.Include)
		return func(to *host) { to.included.Update(r.Include, false) }
	case r.Facts != nil:
		d.Set("ansible_facts", r.Facts)
		gathers := x.module != nil && x.module.Name == "ansible.builtin.setup"
		return func(to *host) {
			to.mark(func(h *host) { h.gathered = h.gathered || gathers })
			to.learn(r.Facts)
		}
	}
	return nil
}

// setFact is what set_fact gives a host.
type setFact struct {
	result  *modules.Result
	tainted bool                     // something from outside went into it
	texts   []string                 // names of text by decree
	vaulted map[string]value.Vaulted // what was written encrypted
}

// giveTo stores the variables. A text may hold braces that are meant to be
// evaluated later, unless something from a host went into it; what was written
// encrypted is kept so until it is used, and never in the cache of facts.
func (f setFact) giveTo(h *host) {
	r := f.result
	h.set.Update(r.Vars, f.tainted)
	for _, name := range f.texts {
		if text, isText := r.Vars.At(name).(string); isText {
			h.set.SetText(name, text, f.tainted)
		}
	}
	for name, secret := range f.vaulted {
		h.set.Set(name, secret, false)
	}
	if !r.Cacheable {
		return
	}
	facts := r.Vars.Copy()
	for name := range f.vaulted {
		facts.Delete(name)
	}
	h.facts.Update(facts, f.tainted)
	h.kept.save(h)
}

// howGiven is what the record keeps of set_fact beside the values.
func howGiven(r *modules.Result, final bool, names []string) *event.Given {
	g := &event.Given{Final: final, Cacheable: r.Cacheable}
	for _, name := range names {
		if r.Vars.Has(name) {
			g.Texts = append(g.Texts, name)
		}
	}
	if !g.Final && !g.Cacheable && len(g.Texts) == 0 {
		return nil
	}
	return g
}

func (x *execution) delegatesFacts() bool {
	yes, err := x.settings(x.host, x.scope).bool("delegate_facts", false)
	return err == nil && yes
}

func (x *execution) takeDiffs(r *modules.Result, d *value.Dict) {
	if len(r.Diffs) == 0 {
		return
	}
	list := &value.List{}
	for _, diff := range r.Diffs {
		x.diffs = append(x.diffs, event.Diff(diff))
		one := value.NewDict()
		set := func(name, text string) {
			if text != "" {
				one.Set(name, text)
			}
		}
		if diff.Prepared == "" {
			one.Set("before", diff.Before)
			one.Set("after", diff.After)
		}
		set("prepared", diff.Prepared)
		set("before_header", diff.BeforeHeader)
		set("after_header", diff.AfterHeader)
		list.Append(one)
	}
	if !d.Has("diff") { // file returns its own
		d.Set("diff", list)
	}
}

// untupled makes lists of tuples: facts travel as JSON in Ansible, which knows
// no tuples.
func untupled(v any) any {
	return value.Map(v, func(leaf any) any {
		if t, isTuple := leaf.(value.Tuple); isTuple {
			return untupled(&value.List{Items: t})
		}
		return leaf
	})
}

// scrub replaces secret values wherever they stand in a result.
func scrub(v any, secrets []string) any {
	return value.Map(v, func(leaf any) any {
		if text, isText := leaf.(string); isText {
			return scrubText(text, secrets)
		}
		return leaf
	})
}

func scrubText(text string, secrets []string) string {
	for _, s := range secrets {
		if s == "" {
			continue
		}
		if text == s {
			return "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
		}
		// Shorter values stand in other texts by chance.
		if len(s) >= 3 {
			text = strings.ReplaceAll(text, s, stars)
		}
	}
	return text
}

// censored is what is shown of a result with no_log.
const censored = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"

// shown is what the event stream tells of a result: nothing with no_log, and
// never a password.
func (x *execution) shown(result *value.Dict) event.Result {
	hide, err := x.settings(x.host, x.scope).bool("no_log", false)
	hide = hide || x.hidden
	if err != nil {
		hide = true // what cannot be decided is not shown
	}
	if hide {
		d := value.NewDict("censored", censored, "_ansible_verbose_always", false)
		for _, key := range []string{"changed", "unreachable", "attempts", "sunup_sent", "sunup_cancelled", "sunup_unknown"} {
			if v, ok := result.Get(key); ok {
				d.Set(key, v)
			}
		}
		return event.Result{Values: d, NoLog: true}
	}
	// The outcome says these; Ansible does not print them either.
	shownDict := result.Copy()
	for _, key := range []string{"failed", "skipped", "sunup_include"} {
		shownDict.Delete(key)
	}
	shown := event.Result{Values: shownDict, Diffs: x.shownDiffs(), Given: x.given}
	if x.hasSecrets() {
		shown.Partial = holdsAny(shownDict, x.secrets)
		if shown.Partial {
			shown.Values, _ = scrub(shownDict, x.secrets).(*value.Dict)
		}
	}
	return shown
}

// holdsAny reports whether scrub would take something out of v.
func holdsAny(v any, secrets []string) bool {
	switch v := v.(type) {
	case string:
		return slices.ContainsFunc(secrets, func(s string) bool { return s != "" && (v == s || len(s) >= 3 && strings.Contains(v, s)) })
	case *value.List:
		return slices.ContainsFunc(v.Items, func(item any) bool { return holdsAny(item, secrets) })
	case *value.Dict:
		for _, item := range v.All() {
			if holdsAny(item, secrets) {
				return true
			}
		}
	}
	return false
}

func (x *execution) hasSecrets() bool {
	for _, s := range x.secrets {
		if s != "" {
			return true
		}
	}
	return false
}

func (x *execution) shownDiffs() []event.Diff {
	diffs := x.diffs
	if x.task.Loop != nil {
		x.diffs = nil // each item tells its own
	}
	if !x.hasSecrets() {
		return diffs
	}
	out := make([]event.Diff, len(diffs))
	for i, d := range diffs {
		d.Before, d.After = scrubText(d.Before, x.secrets), scrubText(d.After, x.secrets)
		d.Prepared = scrubText(d.Prepared, x.secrets)
		out[i] = d
	}
	return out
}

func loopNameTaken(t *playbooks.Task, name string) say.Text {
	return say.T("%s: the loop variable '%s' is already in use; set another one with loop_control.loop_var",
		"%s: 반복 변수 '%s'{이/가} 이미 쓰이고 있습니다. loop_control.loop_var로 다른 이름을 지정하십시오", t.Pos, name)
}
