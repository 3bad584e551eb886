package inventory

import (
	"sunup/internal/diag"
	"sunup/internal/value"
)

// AddHost puts a host into groups while a run goes on, and reports whether
// that changed anything. Hosts and groups that are not there are made; a host
// without a group is in "ungrouped". Vars are added to those of the host.
//
// One lock guards the inventory. The change is seen by every call that begins
// after AddHost has returned; slices, dicts and layers that were returned
// before stay as they were, and Version grows, so that who caches can tell.
func (inv *Inventory) AddHost(name string, groups []string, vars *value.Dict) bool {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	h, known := inv.hosts[name]
	changed := !known
	if !known {
		h = inv.host(name, 0, &source{vars: value.NewDict("inventory_file", nil, "inventory_dir", nil)}, diag.Pos{})
	}
	if h.addVars(vars) {
		changed = true
	}
	for _, g := range groups {
		if inv.join(g, h) {
			changed = true
		}
	}
	if changed {
		inv.resettle([]*Host{h})
	}
	return changed
}

// addVars replaces the variables that tasks gave by a set with vars in it.
func (h *Host) addVars(vars *value.Dict) (changed bool) {
	next := h.added.Copy()
	for k, v := range vars.All() {
		have, ok := next.Get(k)
		if !ok {
			have, ok = h.Vars.Get(k)
		}
		if !ok || !value.Equal(have, v) {
			changed = true
		}
		next.Set(k, v)
	}
	if next.Len() > 0 {
		h.added = next
	}
	return changed
}

// join puts a host into a group by name.
func (inv *Inventory) join(name string, h *Host) bool {
	g := inv.groups[name]
	made := g == nil
	if made {
		g = inv.group(name, diag.Pos{})
	}
	if g.members[h] {
		return made
	}
	return addMember(g, h) || made
}

// AddGroup makes a group below the given parents, which are made as well, and
// puts a host into it; this is what group_by does. Host "" adds none. It
// reports whether that changed anything; a parent that is below the group
// already is left out, as it would close a circle.
func (inv *Inventory) AddGroup(name string, parents []string, host string) bool {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	var moved []*Host // whose groups may have changed
	changed := inv.groups[name] == nil
	g := inv.group(name, diag.Pos{})
	if h := inv.hosts[host]; h != nil && inv.join(name, h) {
		changed, moved = true, []*Host{h}
	}
	for _, p := range parents {
		changed = changed || inv.groups[p] == nil
		parent := inv.group(p, diag.Pos{})
		if pathDown(g, parent) != nil {
			continue
		}
		if addChild(parent, g) {
			changed, moved = true, inv.hostOrder
		}
	}
	if changed {
		inv.resettle(moved)
	}
	return changed
}

// resettle applies the rules of settle again, for the hosts that were moved.
func (inv *Inventory) resettle(moved []*Host) {
	all, ungrouped := inv.groups["all"], inv.groups["ungrouped"]
	for _, g := range inv.groupOrder {
		if g != all && len(g.parents) == 0 {
			addChild(all, g)
		}
	}
	inv.settleUngrouped(all, ungrouped, moved)
	if shape := inv.shape(); shape != inv.settled {
		inv.settled = shape
		inv.settleDepths(all)
	}
	inv.forget(moved)
}
