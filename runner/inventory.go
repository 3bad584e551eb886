package runner

import (
	"strings"
	"sync"
	"sync/atomic"

	"sunup/internal/jinja"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/inventory"
	"sunup/modules"
)

// applyInventory adds the hosts and groups that a module asked for; what was
// new makes the task changed.
func (x *execution) applyInventory(r *modules.Result, d *value.Dict) {
	if x.run_.inventory.add(r, x.host.name) {
		d.Set("changed", true)
		x.run_.inventoryChanged()
	}
}

// stock is the inventory of a run: refresh_inventory puts another one in its
// place, to which everything that tasks added is added again.
type stock struct {
	now atomic.Pointer[inventory.Inventory]

	mu    sync.Mutex // held while something is added or replaced
	added []func(*inventory.Inventory) bool
}

// add puts the hosts and groups of a module's result, which host returned, into
// the inventory and reports whether that changed anything.
func (s *stock) add(r *modules.Result, host string) (changed bool) {
	var adds []func(*inventory.Inventory) bool
	if a := r.AddHost; a != nil {
		adds = append(adds, func(inv *inventory.Inventory) bool { return inv.AddHost(a.Name, a.Groups, a.Vars) })
	}
	for _, g := range r.AddGroups {
		adds = append(adds, func(inv *inventory.Inventory) bool { return inv.AddGroup(g.Name, g.Parents, host) })
	}
	if len(adds) == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, add := range adds {
		if add(s.now.Load()) {
			changed = true
			s.added = append(s.added, add)
		}
	}
	return changed
}

func (s *stock) replace(fresh *inventory.Inventory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, add := range s.added {
		add(fresh)
	}
	s.now.Store(fresh)
}

func (r *Run) hostsOf() *inventory.Inventory { return r.inventory.now.Load() }

// inventoryChanged makes everything derived from the inventory be found anew.
func (r *Run) inventoryChanged() {
	r.inventoryVersion.Add(1)
	r.hostsMu.Lock()
	defer r.hostsMu.Unlock()
	for name, h := range r.hosts {
		h.mark(func(h *host) { h.inv = r.hostsOf().Host(name) })
	}
}

// refreshInventory is meta: refresh_inventory.
func (r *Run) refreshInventory() {
	if r.Reload == nil {
		r.stream.warn("", say.T("meta: refresh_inventory has nothing to read again", "meta: refresh_inventory가 다시 읽을 인벤토리가 없습니다"))
		return
	}
	fresh, problems := r.Reload()
	r.tellWarnings(problems)
	if fresh == nil || problems.HasErrors() {
		return
	}
	r.inventory.replace(fresh)
	r.inventoryChanged()
}

// factsDict is ansible_facts: facts under their names without ansible_.
func (h *host) factsDict() *value.Dict {
	out := &value.Dict{}
	for k, v := range h.facts.Snapshot().All() {
		name := value.Str(k)
		if len(name) > len(factPrefix) && name[:len(factPrefix)] == factPrefix {
			name = name[len(factPrefix):]
		}
		out.Set(name, v)
	}
	return out
}

const factPrefix = "ansible_"

// lookup runs a lookup plugin outside of a template, for with_ loops.
func (x *execution) lookup(name string, terms any) (any, error) {
	if _, isList := asItems(terms); !isList {
		terms = value.NewList(terms)
	}
	own := value.NewDict("sunup_terms", terms, "sunup_files_kind", filesKind(x.plan))
	scope := x.scope.With(vars.Layer{Level: vars.LoopVars, Origin: "with_" + name, Source: vars.Results{Dict: own}})
	e, err := x.run_.Templar.Expr("query('" + name + "', *sunup_terms)")
	if err != nil {
		return nil, err
	}
	v, _, err := e.Eval(x.ctx, scope)
	if err != nil {
		return nil, jinja.LookupsOwn(err)
	}
	return untupled(v), nil // items are templated in Ansible, which makes lists of them
}

// filesKind is the folder of a role where the files of a task with a with_ loop
// are.
func filesKind(plan *taskPlan) string {
	action := plan.task.Action
	switch {
	case strings.Contains(action, "template"):
		return "templates"
	case strings.Contains(action, "var"):
		return "vars"
	case strings.Contains(action, "include"):
		return "tasks"
	}
	return "files"
}
