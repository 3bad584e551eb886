package runner

import (
	"slices"
	"strings"

	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/modules"
)

// addDefaults adds what module_defaults give the module: first those of the
// groups it belongs to, then its own. An entry of an inner scope takes the place
// of an outer one's for the same name as a whole.
func (x *execution) addDefaults(out *value.Dict, scope *vars.Scope, m *modules.Module) error {
	groups, own := &value.Dict{}, (*value.Dict)(nil)
	for i := len(x.plan.defaults) - 1; i >= 0; i-- {
		for _, raw := range listed(x.plan.defaults[i]) {
			v, _, err := x.run_.Templar.Value(x.ctx, scope, raw)
			if err != nil {
				return err
			}
			d, ok := v.(*value.Dict)
			if !ok {
				continue
			}
			for key, args := range d.All() {
				given, _ := args.(*value.Dict)
				switch name := value.Str(key); {
				case strings.HasPrefix(name, "group/"):
					groups.Set(name, given)
				case x.isCalled(m, name):
					own = given
				}
			}
		}
	}
	for name, args := range groups.All() {
		given, _ := args.(*value.Dict)
		if given != nil && x.isIn(m, x.plan.groups[value.Str(name)]) {
			out.Update(given)
		}
	}
	if own != nil {
		out.Update(own)
	}
	return nil
}

// listed is one value or the values of a list.
func listed(v any) []any {
	if l, ok := v.(*value.List); ok {
		return l.Items
	}
	return []any{v}
}

// isCalled reports whether a name in module_defaults means the task's module.
func (x *execution) isCalled(m *modules.Module, name string) bool {
	return m.HasName(name) || name == x.task.Module
}

// isIn reports whether the task's module is one of those named.
func (x *execution) isIn(m *modules.Module, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return name == m.Name || name == x.task.Module || slices.Contains(m.Aliases, name)
	})
}
