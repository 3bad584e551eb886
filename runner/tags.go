package runner

import (
	"cmp"
	"slices"
	"strings"

	"sunup/internal/value"
	"sunup/playbooks"
)

// selected reports whether --tags and --skip-tags let a task run.
func (r *Run) selected(p *playRun, t *playbooks.Task) bool {
	if t.Implicit && t.Module == metaModule {
		return true
	}
	return p.startReached(t) && TagsSelect(p.tagsOf(t), r.Tags, r.SkipTags)
}

// tagsOf returns the tags of a task with all it inherits, evaluated with the
// play's variables.
func (p *playRun) tagsOf(t *playbooks.Task) []string {
	raw := t.Scope.AllTags()
	var out []string
	for _, tag := range raw {
		v, _, err := p.run.Templar.Value(p.ctx, p.playScope(), tag)
		if err != nil {
			out = append(out, tag)
			continue
		}
		if l, isList := v.(*value.List); isList {
			for _, item := range l.Items {
				out = append(out, value.Str(item))
			}
			continue
		}
		for _, one := range strings.Split(value.Str(v), ",") {
			out = append(out, strings.TrimSpace(one))
		}
	}
	return out
}

// TagsSelect applies Ansible's rules: "always" runs unless it is skipped by
// name, "never" only when asked for by one of its other tags, "tagged",
// "untagged" and "all" select by whether there are tags.
func TagsSelect(tags, only, skip []string) bool {
	has := func(list []string, tag string) bool { return slices.Contains(list, tag) }
	run := true
	if len(only) > 0 {
		switch {
		case has(tags, "always"):
		case has(only, "all") && !has(tags, "never"):
		case slices.ContainsFunc(tags, func(t string) bool { return has(only, t) }):
		case has(only, "tagged") && len(tags) > 0 && !has(tags, "never"):
		case has(only, "untagged") && len(tags) == 0:
		default:
			run = false
		}
	} else if has(tags, "never") {
		run = false
	}
	if run && len(skip) > 0 {
		switch {
		case has(skip, "all"):
			run = has(tags, "always") && !has(skip, "always")
		case slices.ContainsFunc(tags, func(t string) bool { return has(skip, t) }):
			run = false
		case has(skip, "tagged") && len(tags) > 0:
			run = false
		case has(skip, "untagged") && len(tags) == 0:
			run = false
		}
	}
	return run
}

// startReached applies --start-at-task: everything before the task of that
// name is passed over.
func (p *playRun) startReached(t *playbooks.Task) bool {
	r := p.run
	if r.started {
		return true
	}
	if t.Implicit {
		return t.Module != metaModule // facts are gathered all the same
	}
	name := cmp.Or(t.Name, t.Action)
	if name == r.StartAt || globMatch(r.StartAt, name) || globMatch(r.StartAt, roleTitle(p.run.plan(t), name)) {
		r.started = true
	}
	return r.started
}
