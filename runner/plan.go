package runner

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"sunup/internal/event"
	"sunup/internal/forecast"
	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/internal/yaml"
	"sunup/playbooks"
)

// Plan is what a run would do: plain data, made without touching a host.
type Plan struct {
	Startup *event.Startup `json:"startup,omitempty"`
	// Takes is how long the run should take, nanoseconds.
	Takes time.Duration `json:"takes"`
	Plays []PlannedPlay `json:"plays"`
	// Critical is the chain of plays that sets the length of the run.
	Critical []Leg `json:"critical_path"`
	// Hosts is how many hosts take part.
	Hosts int `json:"hosts"`
}

// PlannedPlay is one play of a plan.
type PlannedPlay struct {
	event.Stage
	Pattern    []string `json:"pattern"` // its hosts: as written
	HostNames  []string `json:"hosts"`
	File       string   `json:"file"`
	Line       int      `json:"line"`
	Strategy   string   `json:"strategy"`
	Serial     []string `json:"serial,omitempty"`
	Grade      int      `json:"grade,omitempty"`
	Quarantine bool     `json:"quarantine,omitempty"`
	Coverage   string   `json:"coverage,omitempty"` // "95% per zone"
	Limits     []string `json:"limits,omitempty"`   // "1 at once per pool"
	// Logins are the users that tasks log in as, and Privileges what they become:
	// "root by sudo".
	Logins     []string      `json:"logins,omitempty"`
	Privileges []string      `json:"privileges,omitempty"`
	Steps      []PlannedTask `json:"steps"`
	Probes     []string      `json:"probes,omitempty"` // of its health
	// Gathers are the paths and commands whose end is collected from hosts that
	// fail, as written.
	Gathers []string `json:"gathers,omitempty"`
}

// PlannedTask is one task of a plan, before anything is included.
type PlannedTask struct {
	Name    string        `json:"name"`
	Module  string        `json:"module"`
	Section event.Section `json:"section"`
	Become  string        `json:"become,omitempty"` // as in privileges
}

// Leg is one play of the critical path.
type Leg struct {
	Play   int           `json:"play"`
	Name   string        `json:"name"`
	Hosts  []string      `json:"hosts"` // of its lane
	Begins time.Duration `json:"begins"`
	Ends   time.Duration `json:"ends"`
}

// Times of plays that nobody has measured: what a task and a gate take on a
// host of today. They are told as guesses.
const (
	guessTask = 2 * time.Second
	guessGate = 10 * time.Second
)

// Plan finds out what the playbooks would do. No host is reached, nobody is
// asked; the run cannot be executed afterwards.
func (r *Run) Plan(ctx context.Context, books []*playbooks.Playbook) (*Plan, error) {
	r.Prompt = nil
	plan := &Plan{}
	var net event.Planned
	hosts := map[string]bool{}
	for _, b := range books {
		if b.Startup != nil && plan.Startup == nil {
			plan.Startup = startupEvent(b.Startup, r.Now())
		}
		plays, err := r.planBook(ctx, b, net.Stages)
		if err != nil {
			return nil, err
		}
		r.expect(plays)
		for _, p := range plays {
			for _, h := range p.hosts {
				hosts[h.name] = true
			}
			plan.Plays = append(plan.Plays, r.plannedPlay(p.playRun))
			net.Stages = append(net.Stages, p.stage)
		}
	}
	legs := forecast.Schedule(&net)
	for i := range plan.Plays {
		plan.Plays[i].Stage = net.Stages[i]
	}
	for _, l := range legs {
		s := net.Stages[l.Play]
		plan.Critical = append(plan.Critical, Leg{Play: l.Play, Name: s.Name, Hosts: s.Lanes[l.Lane].Hosts, Begins: l.Begins, Ends: l.Ends})
	}
	plan.Takes, plan.Hosts = net.Takes, len(hosts)
	return plan, nil
}

// Event is the plan as the run's events tell it.
func (p *Plan) Event() event.Planned {
	out := event.Planned{Takes: p.Takes}
	for _, play := range p.Plays {
		out.Stages = append(out.Stages, play.Stage)
	}
	return out
}

// stagePlan is a play with its place in the graph.
type stagePlan struct {
	*playRun
	stage event.Stage
}

// planBook prepares the plays of a playbook. What runs in Ansible's order waits
// for the play before, and a playbook for the one before it.
func (r *Run) planBook(ctx context.Context, b *playbooks.Playbook, before []event.Stage) ([]stagePlan, error) {
	waits := func(stages []event.Stage) []event.Wait {
		var out []event.Wait
		for _, s := range stages {
			out = append(out, event.Wait{Play: s.Play})
		}
		return out
	}
	var out []stagePlan
	if !hasNeeds(b) {
		for _, play := range b.Plays {
			p, err := r.newPlay(ctx, b.File, play)
			if err != nil {
				return nil, err
			}
			s := r.stageOf(p)
			s.Lanes = []event.Lane{{Hosts: hostNames(p.hosts), Waits: waits(before)}}
			out = append(out, stagePlan{p, s})
			before = []event.Stage{s}
		}
		return out, nil
	}
	g, err := r.newGraph(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, st := range g.stages {
		s := r.stageOf(st.play)
		for _, n := range st.needs {
			s.Needs = append(s.Needs, event.Needed{Play: n.stage.play.number, Same: n.same})
		}
		for _, l := range st.lanes {
			lane := event.Lane{Hosts: hostNames(l.play.members)}
			if len(st.needs) == 0 {
				lane.Waits = waits(before)
			}
			for _, n := range st.needs {
				w := event.Wait{Play: n.stage.play.number}
				if n.same != "" {
					if w.Hosts = hostNames(n.partners(l)); len(w.Hosts) == 0 {
						continue
					}
				}
				lane.Waits = append(lane.Waits, w)
			}
			s.Lanes = append(s.Lanes, lane)
		}
		out = append(out, stagePlan{st.play, s})
	}
	return out, nil
}

// stageOf is a play with how long it should take.
func (r *Run) stageOf(p *playRun) event.Stage {
	s := event.Stage{Play: p.number, Name: p.name, Owner: orEmpty(p.play.Ours.Owner), Tasks: p.countTasks(), Basis: event.Guessed}
	s.Takes = time.Duration(s.Tasks) * guessTask
	if p.healthTask() != nil {
		s.Takes += guessGate
	}
	if len(p.hosts) == 0 {
		s.Takes = 0
		return s
	}
	if budget := p.budget(); budget > 0 {
		s.Takes, s.Basis = budget, event.FromBudget
	}
	return s
}

// expect puts what earlier runs took into the stages of a plan.
func (r *Run) expect(plays []stagePlan) {
	if r.History == nil {
		return
	}
	for i, p := range plays {
		if len(p.hosts) == 0 {
			continue
		}
		if e, known := r.History(p.book, p.name); known {
			if len(p.settings.serial) > 0 { // each batch goes through all steps
				e.Steps = nil
			}
			e.Expect(&plays[i].stage)
		}
	}
}

func (p *playRun) budget() time.Duration {
	if p.play.Ours.Budget == nil {
		return 0
	}
	d, _ := playbooks.ParseDuration(value.Str(p.play.Ours.Budget))
	return d
}

func (r *Run) plannedPlay(p *playRun) PlannedPlay {
	out := PlannedPlay{
		Pattern: p.play.Hosts, HostNames: hostNames(p.hosts), File: p.play.Pos.File, Line: p.play.Pos.Line,
		Strategy: p.settings.strategy, Quarantine: p.guard != nil,
	}
	for _, s := range p.settings.serial {
		out.Serial = append(out.Serial, value.Str(s))
	}
	if n, ok := asNumber(p.play.Ours.Grade); ok {
		out.Grade = int(n)
	}
	if p.guard != nil && p.guard.min > 0 {
		out.Coverage = fmt.Sprintf("%g%%", p.guard.min*100)
		if p.guard.per != "" {
			out.Coverage += " per " + p.guard.per
		}
	}
	for _, l := range p.limits {
		out.Limits = append(out.Limits, l.words())
	}
	for _, name := range probeNames(p.play.Ours.Health) {
		out.Probes = append(out.Probes, p.asFirst(name))
	}
	p.planSteps(&out)
	return out
}

// asFirst is a text with what is the variables' for the first host, as far as
// that can be told before the run.
func (p *playRun) asFirst(text string) string {
	health := p.healthTask()
	if len(p.hosts) == 0 || health == nil || !jinja.HasTemplate(text) {
		return text
	}
	shown, err := p.run.Templar.Text(p.ctx, p.scopeFor(p.ctx, p.hosts[0], p.run.plan(health)), text)
	if err != nil {
		return text
	}
	return shown
}

// planSteps lists the tasks and whom they log in as and become, as far as the
// first host tells.
func (p *playRun) planSteps(out *PlannedPlay) {
	var walk func(steps []playbooks.Step, part event.Section)
	walk = func(steps []playbooks.Step, part event.Section) {
		for _, s := range steps {
			at := cmp.Or(p.parts[s], part)
			switch s := s.(type) {
			case *playbooks.Block:
				walk(slices.Concat(s.Tasks, s.Rescue, s.Always), at)
			case *playbooks.Task:
				p.planStep(out, s, at)
			}
		}
	}
	walk([]playbooks.Step{p.top}, event.Tasks)
	for _, list := range []*[]string{&out.Privileges, &out.Logins} {
		slices.Sort(*list)
		*list = slices.DeleteFunc(slices.Compact(*list), func(s string) bool { return s == "" })
	}
}

func (p *playRun) planStep(out *PlannedPlay, t *playbooks.Task, part event.Section) {
	if t.Module == metaModule || !TagsSelect(p.tagsOf(t), p.run.Tags, p.run.SkipTags) {
		return
	}
	step := PlannedTask{Name: cmp.Or(t.Name, t.Action), Module: t.Module, Section: part}
	if len(p.hosts) > 0 {
		if w, ok := p.reaches(t); ok {
			step.Become = w.privilege()
			out.Privileges = append(out.Privileges, step.Become)
			out.Logins = append(out.Logins, w.options.User)
		}
	}
	out.Steps = append(out.Steps, step)
	for _, s := range p.run.plan(t).gathersAsWritten() {
		if !slices.Contains(out.Gathers, s.text) {
			out.Gathers = append(out.Gathers, s.text)
		}
	}
}

// reaches is how a task reaches the first host of its play.
func (p *playRun) reaches(t *playbooks.Task) (reach, bool) { return p.reachesHost(t, p.hosts[0]) }

// reachesHost is how a task reaches a host; ok is false for what stays on the
// controller, and when it cannot be told before the run.
func (p *playRun) reachesHost(t *playbooks.Task, h *host) (reach, bool) {
	plan := p.run.plan(t)
	if t.Include != nil || t.Local || (plan.module != nil && (plan.module.Controller || plan.module.Engine)) {
		return reach{}, false
	}
	scope := p.scopeFor(p.ctx, h, plan)
	set := settings{ctx: p.ctx, templar: p.run.Templar, plan: plan, scope: scope}
	if to, err := set.text("delegate_to"); err != nil || to != "" {
		return reach{}, false
	}
	w, err := p.run.reachOf(h.name, set, scope, false)
	return w, err == nil
}

// privilege names what a task becomes: "root by sudo".
func (w reach) privilege() string {
	if w.become.Method == "" {
		return ""
	}
	user := w.become.User
	if user == "" {
		user = "root"
	}
	return user + " by " + w.become.Method
}

// probeNames are the kinds and targets of a health keyword as written.
func probeNames(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	items := []any{n.Value()}
	if d, ok := items[0].(*value.Dict); ok && d.Has("probes") {
		items[0] = d.At("probes")
	}
	if l, ok := items[0].(*value.List); ok {
		items = l.Items
	}
	var out []string
	for _, item := range items {
		d, ok := item.(*value.Dict)
		if !ok {
			continue
		}
		if name, named := d.At("name").(string); named {
			out = append(out, name)
			continue
		}
		for k, v := range d.All() { // the kind stands first
			if _, nested := v.(*value.Dict); nested {
				out = append(out, value.Str(k))
			} else {
				out = append(out, value.Str(k)+" "+value.Str(v))
			}
			break
		}
	}
	return out
}
