package runner

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/modules"
	"sunup/playbooks"
)

// taskPlan is a task with everything it inherits, found once for all hosts.
type taskPlan struct {
	task   *playbooks.Task
	module *modules.Module // nil for engine words without an entry

	when        []any               // outermost first
	environment []any               // outermost first
	defaults    []any               // module_defaults, innermost first
	groups      map[string][]string // the modules of groups in module_defaults
	// lower and upper are the fixed layers of the scopes: task and block
	// variables; role and play variables are added per host.
	includeVars []vars.Layer // of dynamic includes around the task, innermost first
	scopeVars   []vars.Layer // task, blocks, imports: innermost first
	roleVars    []vars.Layer // roles around the task, innermost first
	roleParams  []vars.Layer
	roleDefs    []vars.Layer
	roles       []*playbooks.Role               // innermost first
	keywords    map[string][]*playbooks.Keyword // innermost first
}

// planTask follows the scopes around a task from the inside out.
func planTask(t *playbooks.Task, module *modules.Module) *taskPlan {
	p := &taskPlan{task: t, module: module, keywords: map[string][]*playbooks.Keyword{}}
	for s := &t.Scope; s != nil; s = s.Parent {
		p.addScope(s)
	}
	return p
}

func (p *taskPlan) addScope(s *playbooks.Scope) {
	for name, kw := range s.Keywords {
		p.keywords[name] = append(p.keywords[name], kw)
	}
	p.when = append(append([]any(nil), s.When...), p.when...)
	if env := s.Keywords["environment"]; env != nil {
		p.environment = append([]any{env.Value}, p.environment...)
	}
	if d := s.Keywords["module_defaults"]; d != nil {
		p.defaults = append(p.defaults, d.Value)
		for name, modules := range s.ActionGroups {
			if p.groups == nil {
				p.groups = map[string][]string{}
			}
			p.groups[name] = modules
		}
	}
	if s.Kind != playbooks.PlayScope && s.Kind != playbooks.RoleScope && s.Vars.Len() > 0 {
		level, origin := vars.BlockVars, "block vars"
		if s.Kind == playbooks.TaskScope {
			level, origin = vars.TaskVars, "task vars"
		}
		if s.Kind == playbooks.ImportScope && s.Origin != "" {
			p.includeVars = append(p.includeVars, fixed(vars.IncludeParams, "vars of the include "+s.Pos.String(), s.Vars))
		}
		p.scopeVars = append(p.scopeVars, fixed(level, origin+" "+s.Pos.String(), s.Vars))
	}
	if s.RoleParams.Len() > 0 {
		p.roleParams = append(p.roleParams, fixed(vars.RoleParams, "role params "+s.Pos.String(), s.RoleParams))
	}
	if s.Kind == playbooks.RoleScope && s.Vars.Len() > 0 {
		// vars: of a roles: entry outrank the role's own vars.
		p.scopeVars = append(p.scopeVars, fixed(vars.BlockVars, "role entry vars "+s.Pos.String(), s.Vars))
	}
	if r := s.Role; r != nil {
		p.roles = append(p.roles, r)
		p.roleVars = append(p.roleVars, fixed(vars.RoleVars, "vars of role "+r.Name, r.Vars))
		p.roleVars = append(p.roleVars, dependencyVars(r, 0)...)
		p.roleDefs = append(p.roleDefs, fixed(vars.RoleDefaults, "defaults of role "+r.Name, r.Defaults))
	}
}

// dependencyVars are the variables of the roles that a role depends on: they
// rank below its own and above those of the roles that use it.
func dependencyVars(r *playbooks.Role, depth int) []vars.Layer {
	if depth > maxDependencies {
		return nil
	}
	var out []vars.Layer
	for i := len(r.Dependencies) - 1; i >= 0; i-- {
		if dep := r.Dependencies[i].Role; dep != nil {
			out = append(out, fixed(vars.RoleVars, "vars of role "+dep.Name, dep.Vars))
			out = append(out, dependencyVars(dep, depth+1)...)
		}
	}
	return out
}

// maxDependencies is how deep roles may depend on each other.
const maxDependencies = 60

func fixed(level vars.Level, origin string, d *value.Dict) vars.Layer {
	return vars.Layer{Level: level, Origin: origin, Source: vars.Fixed{Dict: d}}
}

// settings evaluates keywords for one host and item.
type settings struct {
	ctx     context.Context
	templar *vars.Templar
	plan    *taskPlan
	scope   *vars.Scope
}

func (s settings) value(name string) (any, error) {
	for _, kw := range s.plan.keywords[name] {
		if kw.Value == nil {
			return nil, nil
		}
		v, _, err := s.templar.Value(s.ctx, s.scope, kw.Value)
		if err != nil {
			return nil, fmt.Errorf("the field '%s' has an invalid value: %w", name, err)
		}
		// An omitted keyword is what it would be had it not been written.
		if v != jinja.Omit {
			return v, nil
		}
	}
	return nil, nil
}

func (s settings) bool(name string, unset bool) (bool, error) {
	v, err := s.value(name)
	if err != nil || v == nil {
		return unset, err
	}
	b, ok := truthWord(v)
	if !ok {
		return false, fmt.Errorf("the field '%s' has an invalid value (%s), and could not be converted to bool. The error was: The value '%[2]s' is not a valid boolean. Valid booleans include: 0, 1, 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'", name, value.Str(v))
	}
	return b, nil
}

func (s settings) text(name string) (string, error) {
	v, err := s.value(name)
	if err != nil || v == nil {
		return "", err
	}
	return value.Str(v), nil
}

func (s settings) number(name string, unset float64) (float64, error) {
	v, err := s.value(name)
	if err != nil || v == nil {
		return unset, err
	}
	n, ok := asNumber(v)
	if !ok {
		return 0, fmt.Errorf("the field '%s' has an invalid value (%s), and could not be converted to a number", name, value.Str(v))
	}
	return n, nil
}

func (s settings) duration(name string) (time.Duration, error) {
	n, err := s.number(name, 0)
	return time.Duration(n * float64(time.Second)), err
}

// truthWord reads Ansible's words for true and false.
func truthWord(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int:
		return v != 0, v == 0 || v == 1
	case float64:
		return v != 0, v == 0 || v == 1
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "y", "yes", "on", "1", "true", "t", "1.0":
			return true, true
		case "n", "no", "off", "0", "false", "f", "0.0", "":
			return false, true
		}
	}
	return false, false
}

func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case string:
		var f float64
		if _, err := fmt.Sscanf(strings.TrimSpace(v), "%g", &f); err == nil {
			return f, true
		}
	}
	return 0, false
}
