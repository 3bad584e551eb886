package inventory

import (
	"slices"
	"sort"
	"strings"
	"sync"

	"sunup/internal/diag"
	"sunup/internal/value"
)

// Inventory holds all hosts and groups. It is safe for concurrent use.
type Inventory struct {
	// mu guards the membership of hosts and groups, which tasks can change.
	// What a method returned is never changed afterwards: our slices only grow
	// behind the length that was returned, or are replaced.
	mu         sync.RWMutex
	groups     map[string]*Group
	groupOrder []*Group
	hosts      map[string]*Host
	hostOrder  []*Host
	version    int64
	settled    int // shape when the depths were computed last

	implicit *Host // the implicit localhost, once asked for
	options  Options
	dirs     []string // where group_vars/ and host_vars/ lie, by source
	files    varFiles

	groupsDict *value.Dict // cache of GroupsDict
	shared     map[layerKey]*groupLayers
}

// Host is one machine. Its exported fields do not change after it was read.
type Host struct {
	Name string
	// Vars are the variables that the inventory source itself gives, not
	// templated. Nobody may change them.
	Vars *value.Dict
	// Port is the port written behind the name (host:2222); 0 when none was.
	Port int
	// Implicit is true for the localhost that no source names.
	Implicit bool
	// Pos is where the host was named first.
	Pos diag.Pos

	inv    *Inventory
	groups []*Group // those it is directly in, in the order it was put there
	source *source
	added  *value.Dict // variables that tasks gave by AddHost
	all    []*Group    // cache of AllGroups
}

// Group is a named set of hosts and of other groups. Its exported fields do
// not change after it was read; only Depth grows when AddGroup puts the group
// below another one.
type Group struct {
	Name string
	// Depth is the longest way from "all", which has 0. Deeper groups win.
	Depth int
	// Priority orders groups of the same depth (ansible_group_priority).
	Priority int
	// Vars are the variables that the inventory source itself gives.
	Vars *value.Dict
	// Pos is where the group was named first.
	Pos diag.Pos

	inv      *Inventory
	places   map[string]diag.Pos // of Vars
	hosts    []*Host
	members  map[*Host]bool
	children []*Group
	parents  []*Group
	all      []*Host // cache of AllHosts
}

// source is one thing that was read; it becomes inventory_file and
// inventory_dir of the hosts that it named first.
type source struct {
	name string
	vars *value.Dict
}

func newInventory(o Options) *Inventory {
	inv := &Inventory{
		groups:  map[string]*Group{},
		hosts:   map[string]*Host{},
		options: o,
		shared:  map[layerKey]*groupLayers{},
	}
	inv.files.init(o)
	all := inv.group("all", diag.Pos{})
	addChild(all, inv.group("ungrouped", diag.Pos{}))
	return inv
}

// Hosts returns all hosts in inventory order: the hosts of "all".
func (inv *Inventory) Hosts() []*Host { return inv.Group("all").AllHosts() }

// Host returns a host by name, or nil. The names of this machine (localhost,
// 127.0.0.1, ::1) always find a host: when no source names one, the implicit
// localhost.
func (inv *Inventory) Host(name string) *Host {
	inv.mu.RLock()
	h := inv.hosts[name]
	inv.mu.RUnlock()
	if h == nil && isLocal(name) {
		return inv.localhost(name)
	}
	return h
}

var localNames = []string{"127.0.0.1", "localhost", "::1"}

func isLocal(name string) bool {
	for _, l := range localNames {
		if name == l {
			return true
		}
	}
	return false
}

// localhost returns the first host by any local name that a source gave, or
// the implicit one.
func (inv *Inventory) localhost(name string) *Host {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	for _, h := range inv.hostOrder {
		if isLocal(h.Name) {
			return h
		}
	}
	if inv.implicit == nil {
		vars := value.NewDict()
		if inv.options.Python != "" {
			vars.Set("ansible_python_interpreter", inv.options.Python)
		}
		vars.Set("ansible_connection", "local")
		inv.implicit = &Host{Name: name, Implicit: true, inv: inv, Vars: vars, source: &source{vars: value.NewDict("inventory_file", nil, "inventory_dir", nil)}}
	}
	return inv.implicit
}

// Group returns a group by name, or nil.
func (inv *Inventory) Group(name string) *Group {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.groups[name]
}

// Groups returns all groups in the order they were named.
func (inv *Inventory) Groups() []*Group {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return slices.Clip(inv.groupOrder)
}

// Version grows whenever hosts, groups or their variables change.
func (inv *Inventory) Version() int64 {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	return inv.version
}

// GroupsDict returns the magic variable groups: the names of the hosts of each
// group. The result is shared; nobody may change it.
func (inv *Inventory) GroupsDict() *value.Dict {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.groupsDict == nil {
		d := value.NewDict()
		for _, g := range inv.groupOrder {
			d.Set(g.Name, value.Strings(names(g.allHosts())))
		}
		inv.groupsDict = d
	}
	return inv.groupsDict
}

func names(hosts []*Host) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.Name
	}
	return out
}

// Groups returns the groups that the host is directly in.
func (h *Host) Groups() []*Group {
	h.inv.mu.RLock()
	defer h.inv.mu.RUnlock()
	return slices.Clip(h.groups)
}

// AllGroups returns the host's groups and all groups above them, "all"
// included, in the order of precedence: by depth, priority and name.
func (h *Host) AllGroups() []*Group {
	h.inv.mu.Lock()
	defer h.inv.mu.Unlock()
	return slices.Clip(h.allGroups())
}

func (h *Host) allGroups() []*Group {
	if h.all == nil && len(h.groups) > 0 {
		seen := map[*Group]bool{}
		var walk func(gs []*Group)
		walk = func(gs []*Group) {
			for _, g := range gs {
				if !seen[g] {
					seen[g] = true
					h.all = append(h.all, g)
					walk(g.parents)
				}
			}
		}
		walk(h.groups)
		sortGroups(h.all)
	}
	return h.all
}

func sortGroups(gs []*Group) {
	sort.SliceStable(gs, func(i, j int) bool {
		a, b := gs[i], gs[j]
		if a.Depth != b.Depth {
			return a.Depth < b.Depth
		}
		if a.Priority != b.Priority {
			return a.Priority < b.Priority
		}
		return a.Name < b.Name
	})
}

// GroupNames returns the magic variable group_names: all the host's groups but
// "all", sorted.
func (h *Host) GroupNames() []string {
	var out []string
	for _, g := range h.AllGroups() {
		if g.Name != "all" {
			out = append(out, g.Name)
		}
	}
	sort.Strings(out)
	return out
}

// ShortName returns the magic variable inventory_hostname_short.
func (h *Host) ShortName() string {
	if ipv4().MatchString(h.Name) || isIPv6(h.Name) {
		return h.Name
	}
	short, _, _ := strings.Cut(h.Name, ".")
	return short
}

// Hosts returns the hosts that are directly in the group.
func (g *Group) Hosts() []*Host {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return slices.Clip(g.hosts)
}

// Children returns the groups directly below.
func (g *Group) Children() []*Group {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return slices.Clip(g.children)
}

// Parents returns the groups directly above.
func (g *Group) Parents() []*Group {
	g.inv.mu.RLock()
	defer g.inv.mu.RUnlock()
	return slices.Clip(g.parents)
}

// AllHosts returns the hosts of the group and of all groups below it, in
// Ansible's order: its own, then those of its children, then of their children.
func (g *Group) AllHosts() []*Host {
	g.inv.mu.Lock()
	defer g.inv.mu.Unlock()
	return slices.Clip(g.allHosts())
}

func (g *Group) allHosts() []*Host {
	if g.all != nil {
		return g.all
	}
	all := make([]*Host, 0, len(g.hosts))
	seenHost := make(map[*Host]bool, len(g.hosts))
	seenGroup := map[*Group]bool{g: true}
	for level := []*Group{g}; len(level) > 0; {
		var next []*Group
		for _, at := range level {
			for _, h := range at.hosts {
				if !seenHost[h] {
					seenHost[h] = true
					all = append(all, h)
				}
			}
			for _, child := range at.children {
				if !seenGroup[child] {
					seenGroup[child] = true
					next = append(next, child)
				}
			}
		}
		level = next
	}
	g.all = all
	return all
}

// group returns the group of this name and makes it when it is not there.
func (inv *Inventory) group(name string, pos diag.Pos) *Group {
	if g := inv.groups[name]; g != nil {
		return g
	}
	g := &Group{Name: name, Priority: 1, Vars: value.NewDict(), Pos: pos, inv: inv, places: map[string]diag.Pos{}, members: map[*Host]bool{}}
	inv.groups[name] = g
	inv.groupOrder = append(inv.groupOrder, g)
	return g
}

// host returns the host of this name and makes it when it is not there. Only
// who names a host first sets its port.
func (inv *Inventory) host(name string, port int, from *source, pos diag.Pos) *Host {
	if h := inv.hosts[name]; h != nil {
		return h
	}
	h := &Host{Name: name, Port: port, Vars: value.NewDict(), Pos: pos, inv: inv, source: from}
	if port != 0 {
		h.Vars.Set("ansible_port", port)
	}
	inv.hosts[name] = h
	inv.hostOrder = append(inv.hostOrder, h)
	return h
}

// addMember puts a host into a group and reports whether it was not there.
func addMember(g *Group, h *Host) bool {
	if g.members[h] {
		return false
	}
	g.members[h] = true
	g.hosts = append(g.hosts, h)
	h.groups = append(h.groups, g)
	return true
}

// addChild puts a group below another and reports whether it was not there.
// The caller has made sure that this closes no circle.
func addChild(parent, child *Group) bool {
	for _, have := range child.parents {
		if have == parent {
			return false
		}
	}
	parent.children = append(parent.children, child)
	child.parents = append(child.parents, parent)
	return true
}

// pathDown returns the groups on a way down from one group to another, or nil.
func pathDown(from, to *Group) []*Group {
	seen := map[*Group]bool{}
	var walk func(g *Group) []*Group
	walk = func(g *Group) []*Group {
		if g == to {
			return []*Group{g}
		}
		if seen[g] {
			return nil
		}
		seen[g] = true
		for _, child := range g.children {
			if rest := walk(child); rest != nil {
				return append([]*Group{g}, rest...)
			}
		}
		return nil
	}
	return walk(from)
}

// settle applies the rules that hold for every inventory: all groups are below
// "all", hosts without a group are in "ungrouped", depths are known.
func (inv *Inventory) settle() {
	all, ungrouped := inv.groups["all"], inv.groups["ungrouped"]
	for _, g := range inv.groupOrder {
		if g != all && len(g.parents) == 0 {
			addChild(all, g)
		}
	}
	inv.settleUngrouped(all, ungrouped, inv.hostOrder)
	inv.settleDepths(all)
	inv.forget(inv.hostOrder)
}

// settleUngrouped takes hosts that are in a proper group out of "ungrouped",
// and puts those without one in.
func (inv *Inventory) settleUngrouped(all, ungrouped *Group, hosts []*Host) {
	remove := map[*Host]bool{}
	for _, h := range hosts {
		proper := false
		for _, g := range h.groups {
			proper = proper || g != all && g != ungrouped
		}
		switch {
		case proper && ungrouped.members[h]:
			remove[h] = true
			delete(ungrouped.members, h)
			h.groups = without(h.groups, ungrouped)
		case !proper && !ungrouped.members[h]:
			addMember(ungrouped, h)
		}
	}
	if len(remove) == 0 {
		return
	}
	var kept []*Host
	for _, h := range ungrouped.hosts {
		if !remove[h] {
			kept = append(kept, h)
		}
	}
	ungrouped.hosts = kept
}

func without(groups []*Group, not *Group) (out []*Group) {
	for _, g := range groups {
		if g != not {
			out = append(out, g)
		}
	}
	return out
}

// shape is a number that grows with every group and every step between groups.
func (inv *Inventory) shape() (n int) {
	for _, g := range inv.groupOrder {
		n += 1 + len(g.parents)
	}
	return n
}

// settleDepths gives each group the length of the longest way from the top.
func (inv *Inventory) settleDepths(all *Group) {
	waiting := map[*Group]int{}
	for _, g := range inv.groupOrder {
		waiting[g] = len(g.parents)
	}
	ready := []*Group{all}
	for len(ready) > 0 {
		g := ready[0]
		ready = ready[1:]
		for _, child := range g.children {
			if child.Depth <= g.Depth {
				child.Depth = g.Depth + 1
			}
			if waiting[child]--; waiting[child] == 0 {
				ready = append(ready, child)
			}
		}
	}
}

// forget drops what was computed from who is where. Hosts are those whose
// groups may have changed.
func (inv *Inventory) forget(hosts []*Host) {
	inv.version++
	inv.groupsDict = nil
	inv.shared = map[layerKey]*groupLayers{}
	for _, g := range inv.groupOrder {
		g.all = nil
	}
	for _, h := range hosts {
		h.all = nil
	}
}
