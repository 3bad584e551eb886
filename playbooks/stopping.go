package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/internal/value"
)

// Stopped is the playbook the other way round: every play does what its stop:
// says, or stops the services that its tasks start, last one first; and a play
// waits for those that need it. The titles make the names of what is new.
//
// Problems are warnings about what cannot be known: services that roles or
// includes start are left running.
func Stopped(b *Playbook, titles Titles) (*Playbook, diag.Problems) {
	d := &turning{title: titles.Stop}
	return &Playbook{File: b.File, Startup: d.startup(b.Startup, titles.Stop, "stop"), Plays: d.stopping(b.Plays, b.Plays, "")}, d.problems
}

// Restarted takes the service, or the play of this name, down and up again,
// and with it everything that needs it: dependants stop first, then the service
// stops and starts, then the dependants start again, each with its gates.
func Restarted(b *Playbook, service string, titles Titles) (*Playbook, diag.Problems) {
	d := &turning{title: titles.Stop}
	var roots []*Play
	for _, p := range b.Plays {
		if p.Name == service || len(startsOf(p, service)) > 0 {
			roots = append(roots, p)
		}
	}
	if len(roots) == 0 {
		return nil, diag.Problems{d.unknownService(b, service)}
	}
	affected := dependants(b, roots)
	down := d.stopping(b.Plays, affected, service)
	up := d.startingAgain(affected)
	return &Playbook{File: b.File, Startup: d.startup(b.Startup, titles.Restart, "restart"), Plays: append(down, up...)}, d.problems
}

// Titles name what stops and restarts something that has a name.
type Titles struct{ Stop, Restart func(string) string }

// turning makes the plays of Stopped and Restarted.
type turning struct {
	title    func(string) string
	problems diag.Problems
}

// startup keeps the name: the deadlines are those of starting.
func (d *turning) startup(s *Startup, title func(string) string, way string) *Startup {
	if s == nil {
		return nil
	}
	return &Startup{Pos: s.Pos, Name: title(s.Name), Timezone: s.Timezone, Owner: s.Owner, Way: way}
}

// stopping makes stopping plays of some of all plays, in reverse order. With a
// service, plays that start it stop only that.
func (d *turning) stopping(all, some []*Play, service string) []*Play {
	needs := d.reversed(all, some)
	var out []*Play
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		if !slices.Contains(some, p) {
			continue
		}
		down := *p
		down.Name = d.title(nameOf(p))
		down.Stopping, down.StaysDown = true, service == ""
		down.Tasks = &Block{Scope: Scope{Kind: BlockScope, Parent: &p.Scope, Pos: p.Pos}, Implicit: true, Tasks: d.stepsOf(p, service)}
		down.Ours.Needs = needs[p]
		down.Ours.Health, down.Ours.Budget = nil, nil
		if len(down.Tasks.Tasks) == 0 {
			down.GatherFacts = false
		}
		out = append(out, &down)
	}
	return out
}

// reversed turns needs round: a play waits for those of some that need it.
// Without any needs the order itself is what is turned.
func (d *turning) reversed(all, some []*Play) map[*Play][]Need {
	out := map[*Play][]Need{}
	for _, p := range all {
		if !slices.Contains(some, p) {
			continue
		}
		for _, n := range p.Ours.Needs {
			if q := playNamed(all, n.Play); q != nil && slices.Contains(some, q) {
				out[q] = append(out[q], Need{Pos: n.Pos, Play: d.title(nameOf(p)), Same: n.Same, MayLack: true})
			}
		}
	}
	return out
}

// startingAgain makes the plays that start what was stopped: each host as soon
// as it is down, and what it needs of these is up again.
func (d *turning) startingAgain(affected []*Play) []*Play {
	var out []*Play
	for _, p := range affected {
		again := *p
		again.Name = nameOf(p)
		again.Ours.Needs = []Need{{Pos: p.Pos, Play: d.title(nameOf(p)), Same: "inventory_hostname"}}
		for _, n := range p.Ours.Needs {
			if q := playNamed(affected, n.Play); q != nil {
				again.Ours.Needs = append(again.Ours.Needs, n)
			}
		}
		if !anyNeeds(affected) && len(out) > 0 { // Ansible's order
			again.Ours.Needs = append(again.Ours.Needs, Need{Pos: p.Pos, Play: out[len(out)-1].Name})
		}
		out = append(out, &again)
	}
	return out
}

func anyNeeds(plays []*Play) bool {
	return slices.ContainsFunc(plays, func(p *Play) bool { return len(p.Ours.Needs) > 0 })
}

// dependants are the roots and all plays that need them, in their order. In a
// playbook without needs these are all plays behind the first root.
func dependants(b *Playbook, roots []*Play) []*Play {
	if !anyNeeds(b.Plays) {
		return b.Plays[slices.Index(b.Plays, roots[0]):]
	}
	in := map[*Play]bool{}
	for _, p := range roots {
		in[p] = true
	}
	for grew := true; grew; {
		grew = false
		for _, p := range b.Plays {
			for _, n := range p.Ours.Needs {
				if q := playNamed(b.Plays, n.Play); q != nil && in[q] && !in[p] {
					in[p], grew = true, true
				}
			}
		}
	}
	var out []*Play
	for _, p := range b.Plays {
		if in[p] {
			out = append(out, p)
		}
	}
	return out
}

func playNamed(plays []*Play, name string) *Play {
	for _, p := range plays {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func nameOf(p *Play) string {
	if p.Name != "" {
		return p.Name
	}
	return strings.Join(p.Hosts, ",")
}

// stepsOf are the steps that stop a play.
func (d *turning) stepsOf(p *Play, service string) []Step {
	if service != "" {
		if starts := startsOf(p, service); len(starts) > 0 {
			return stops(starts, service)
		}
	}
	if p.Stop != nil {
		return p.Stop.Tasks
	}
	var own, shared []*Task
	for _, t := range startsOf(p, "") {
		if t.roleAround() != nil {
			shared = append(shared, t)
		} else {
			own = append(own, t)
		}
	}
	if len(own) == 0 { // perhaps everything is in the roles
		for _, t := range shared {
			d.leftRunning(p, t, t.roleAround())
		}
	}
	d.unseen(p)
	return stops(own, "")
}

// serviceModules start and stop services.
var serviceModules = setOf("ansible.builtin.service", "ansible.builtin.systemd", "ansible.builtin.systemd_service", "ansible.builtin.sysvinit", "community.general.openrc")

// startsOf are the tasks of a play, its roles' too, that start a service: any,
// or the one of this name. What stands in rescue, always and handlers is not a
// start.
func startsOf(p *Play, service string) []*Task {
	var out []*Task
	for _, t := range p.Listed() {
		if !serviceModules[t.Module] || t.ArgsTemplate != "" {
			continue
		}
		switch t.Args.At("state") {
		case "started", "restarted", "reloaded":
		default:
			continue
		}
		if service == "" || startsService(t, service) {
			out = append(out, t)
		}
	}
	return out
}

func startsService(t *Task, service string) bool {
	named := func(v any) bool {
		name := value.Str(v)
		return name == service || name == service+".service"
	}
	if named(t.Args.At("name")) {
		return true
	}
	return t.Loop != nil && slices.ContainsFunc(loopItems(t.Loop), named)
}

// loopItems are the items of a loop that is written out.
func loopItems(l *Loop) []any {
	if list, ok := l.Over.(*value.List); ok {
		return list.Items
	}
	return nil
}

// stops are the tasks that undo starts, the last one first; of a loop over
// several services only the one that is asked for.
func stops(starts []*Task, service string) []Step {
	var out []Step
	for _, t := range slices.Backward(starts) {
		stop := *t
		stop.ID = t.ID + "#stop"
		stop.Name = "Stop " + value.Str(t.Args.At("name"))
		stop.Args = t.Args.Copy()
		stop.Args.Set("state", "stopped")
		for _, key := range []string{"enabled", "masked", "daemon_reload", "daemon_reexec"} {
			stop.Args.Delete(key)
		}
		stop.Register, stop.Until, stop.ChangedWhen, stop.FailedWhen, stop.Notify = "", nil, nil, nil, nil
		if t.Loop != nil {
			loop := *t.Loop
			items := slices.Clone(loopItems(t.Loop))
			if service != "" && len(items) > 0 {
				items = slices.DeleteFunc(items, func(v any) bool { return value.Str(v) != service })
			}
			if len(items) > 0 {
				slices.Reverse(items)
				loop.Over = value.NewList(items...)
			}
			stop.Loop = &loop
		}
		out = append(out, &stop)
	}
	return out
}

// roleAround is the role that a task stands in, or nil.
func (t *Task) roleAround() *Role {
	for s := &t.Scope; s != nil; s = s.Parent {
		if s.Role != nil {
			return s.Role
		}
	}
	return nil
}

func (d *turning) warn(pos diag.Pos, id string, what, why, fix say.Text) {
	d.problems = append(d.problems, diag.Problem{Severity: diag.Warning, ID: id, Pos: pos, What: what, Why: why, Fix: fix})
}

func (d *turning) leftRunning(p *Play, t *Task, role *Role) {
	d.warn(t.Pos, "left-running",
		say.T("play '%s' leaves %s running, which role %s starts", "플레이 '%s'{은/는} 롤 %[3]s{이/가} 시작한 %[2]s{을/를} 중지하지 않습니다", nameOf(p), value.Str(t.Args.At("name")), role.Name),
		say.T("what a role starts is often shared by other work on the host", "롤이 시작하는 서비스는 호스트의 다른 일에도 쓰이는 경우가 많습니다"),
		say.T("write 'stop:' on the play to say what stopping means, or 'stop: []' for nothing", "중지할 작업을 플레이의 'stop:'에 쓰거나, 없으면 'stop: []'로 쓰십시오"))
}

// unseen warns of includes whose tasks are only known in a run.
func (d *turning) unseen(p *Play) {
	for _, t := range p.Listed() {
		if t.Include != nil {
			d.warn(t.Pos, "stop-not-known",
				say.T("what '%s' starts in play '%s' is not stopped", "'%s'{이/가} 플레이 '%s'에서 시작하는 것은 중지하지 않습니다", t.ListTitle(), nameOf(p)),
				say.T("it is only read while the play runs", "실행 중에야 읽는 내용입니다"),
				say.T("write 'stop:' on the play, or import instead of include", "플레이에 'stop:'을 쓰거나 include 대신 import를 쓰십시오"))
			return
		}
	}
}

func (d *turning) unknownService(b *Playbook, service string) diag.Problem {
	var names []string
	for _, p := range b.Plays {
		if p.Name != "" {
			names = append(names, p.Name)
		}
		for _, t := range startsOf(p, "") {
			if name, ok := t.Args.At("name").(string); ok && !isTemplate(name) {
				names = append(names, name)
			}
			for _, item := range loopItems(orLoop(t.Loop)) {
				names = append(names, value.Str(item))
			}
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return diag.Problem{
		Severity: diag.Error, ID: "unknown-service", Pos: diag.Pos{File: b.File},
		What: say.T("no play of this playbook starts a service '%s'", "이 플레이북에는 서비스 '%s'{을/를} 시작하는 플레이가 없습니다", service),
		Fix:  nearestOr(service, names, say.T("use the name of a service or of a play: %s", "서비스나 플레이의 이름을 쓰십시오: %s", fmt.Sprint(strings.Join(names, ", ")))),
	}
}

func orLoop(l *Loop) *Loop {
	if l == nil {
		return &Loop{}
	}
	return l
}
