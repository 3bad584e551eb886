package runner

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/internal/value"
	"sunup/internal/vars"
	"sunup/inventory"
	"sunup/playbooks"
)

// playRun is one play while it runs.
type playRun struct {
	run    *Run
	play   *playbooks.Play
	ctx    context.Context
	number int
	name   string
	book   string // the playbook of the command line
	dir    string // of the playbook file

	hosts   []*host // all of the play, in order
	members []*host // those that this playRun drives: all, or one lane's
	batch   []*host // of the present batch
	// lostBefore are those of the batch that an earlier play lost.
	lostBefore map[*host]bool
	cursors    map[*host]*cursor
	top        *playbooks.Block
	gathering  *playbooks.Task // of facts, when the play begins with it
	parts      map[playbooks.Step]event.Section

	playVars, promptVars vars.Layer
	roleVars, roleDefs   []vars.Layer
	roles                []string
	varsFiles            *varsFiles
	settings             playSettings

	announced *announcements
	throttles *throttles
	guard     *quarantine // nil when failures are failures
	limits    []limit
	gate      *playbooks.Task // of its health; nil when it has none
	// hostUp is told of a host that has done everything; may be nil.
	hostUp func(h *host)

	mu           sync.Mutex
	batchDone    bool // meta: end_batch or end_play
	playDone     bool
	heldBack     bool // limits kept hosts from beginning
	rolesBegun   map[roleDone]bool
	rolesDone    map[roleDone]bool
	allHandlers  []*playbooks.Task // the play's, then those of included roles
	handlerBlock *playbooks.Block
	// again are hosts that are tried again, until the strategy takes them up;
	// closed: it takes up none any more.
	again []*host
	// wake tells the strategy that there are such; nil when it does not wait.
	wake   chan struct{}
	closed bool
}

// roleDone marks a role that a host has run.
type roleDone struct {
	host *host
	role string
}

// playSettings are the keywords that concern the play as a whole.
type playSettings struct {
	strategy       string
	serial         []any
	order          string
	maxFail        float64 // percent; negative: not limited
	anyErrorsFatal bool
	check          bool
	debugger       bool // for every failed or unreachable host
	forceHandlers  bool
}

// newPlay prepares a play and finds its hosts; nothing is connected or told.
func (r *Run) newPlay(ctx context.Context, book string, play *playbooks.Play) (*playRun, error) {
	p := &playRun{
		run: r, play: play, ctx: ctx, number: r.plays, book: book, dir: filepath.Dir(absolute(play.File)),
		announced: &announcements{numbers: map[*playbooks.Task]int{}}, varsFiles: &varsFiles{}, throttles: &throttles{},
		rolesBegun: map[roleDone]bool{}, rolesDone: map[roleDone]bool{}, allHandlers: play.Handlers,
	}
	r.plays++
	if err := p.prepare(); err != nil {
		return nil, err
	}
	if err := p.selectHosts(); err != nil {
		return nil, err
	}
	p.members = p.hosts
	if err := p.readLimits(); err != nil {
		return nil, err
	}
	return p, p.readQuarantine()
}

// runPlay runs one play. Broke means that the whole run must end: all hosts of
// a batch failed.
func (r *Run) runPlay(ctx context.Context, book string, play *playbooks.Play) (broke bool, err error) {
	p, err := r.newPlay(ctx, book, play)
	if err != nil {
		return false, err
	}
	p.run.stream.emit(p.startEvent())
	if len(p.hosts) == 0 {
		p.ended(event.OK)
		return false, nil
	}
	outcome, broke, err := p.runBatches()
	if err != nil {
		return false, err
	}
	p.ended(outcome)
	return broke, nil
}

// lane is the play for some of its hosts, which go through it by themselves.
func (p *playRun) lane(members []*host) *playRun {
	return &playRun{
		run: p.run, play: p.play, ctx: p.ctx, number: p.number, name: p.name, book: p.book, dir: p.dir,
		hosts: p.hosts, members: members, top: p.top, gathering: p.gathering, parts: p.parts,
		playVars: p.playVars, promptVars: p.promptVars, roleVars: p.roleVars, roleDefs: p.roleDefs, roles: p.roles,
		varsFiles: p.varsFiles, settings: p.settings, announced: p.announced, throttles: p.throttles, guard: p.guard, limits: p.limits, gate: p.gate, hostUp: p.hostUp,
		rolesBegun: map[roleDone]bool{}, rolesDone: map[roleDone]bool{}, allHandlers: p.allHandlers,
	}
}

// prepare evaluates what concerns the play and not a host.
func (p *playRun) prepare() error {
	p.playVars = fixed(vars.PlayVars, "play vars "+p.play.Pos.String(), p.play.Vars)
	p.promptVars = fixed(vars.PlayPrompt, "vars_prompt", nil)
	p.collectRoles()
	if err := p.askPrompts(); err != nil {
		return err
	}
	scope := p.playScope()
	var err error
	if p.name, err = p.run.Templar.Text(p.ctx, scope, p.play.Name); err != nil {
		p.name = p.play.Name // a name that needs a host's variables stays as written
	}
	p.name = cmp.Or(p.name, strings.Join(p.play.Hosts, ","))
	if p.settings, err = p.readSettings(scope); err != nil {
		return fmt.Errorf("%s: %w", p.play.Pos, err)
	}
	p.compile()
	return nil
}

// collectRoles finds the roles that the play uses statically. Their variables
// are seen by the whole play, as Ansible has it, and so are those that an entry
// of roles: or an import_role gave them with vars:.
func (p *playRun) collectRoles() {
	seen := map[*playbooks.Scope]bool{}
	p.play.Walk(func(s playbooks.Step) {
		if b, isBlock := s.(*playbooks.Block); isBlock && b.Parent != nil && b.Parent.Kind == playbooks.RoleScope {
			p.addWithDependencies(b.Parent, seen)
		}
	})
}

// addWithDependencies adds a role above what it depends on, each use once.
func (p *playRun) addWithDependencies(use *playbooks.Scope, seen map[*playbooks.Scope]bool) {
	if seen[use] {
		return
	}
	seen[use] = true
	for _, dependency := range use.Role.Dependencies {
		if dependency.Role != nil {
			p.addWithDependencies(&dependency.Scope, seen)
		}
	}
	p.addRole(use)
}

// addRole puts a role's variables above those of the roles before it.
func (p *playRun) addRole(use *playbooks.Scope) {
	role := use.Role
	if !slices.Contains(p.roles, role.Name) {
		p.roles = append(p.roles, role.Name)
	}
	vs := []vars.Layer{fixed(vars.RoleVars, "vars of role "+role.Name, role.Vars)}
	for _, given := range []*playbooks.Scope{use, use.Parent} {
		if given.Vars.Len() > 0 && given.Kind != playbooks.PlayScope {
			vs = append([]vars.Layer{fixed(vars.RoleVars, "vars given to role "+role.Name, given.Vars)}, vs...)
		}
	}
	p.roleVars = append(vs, p.roleVars...)
	p.roleDefs = slices.Insert(p.roleDefs, 0, fixed(vars.RoleDefaults, "defaults of role "+role.Name, role.Defaults))
}

// listedRoles are the roles that the play names itself; dependencies are those
// that they bring along.
func (p *playRun) listedRoles() []string {
	var out []string
	for _, use := range p.play.Roles {
		if use.Role != nil {
			out = append(out, use.Role.Name)
		}
	}
	return out
}

func (p *playRun) dependencies() []string {
	var out []string
	var walk func(r *playbooks.Role, depth int)
	walk = func(r *playbooks.Role, depth int) {
		for _, use := range r.Dependencies {
			if use.Role == nil || depth > maxDependencies {
				continue
			}
			if !slices.Contains(out, use.Role.Name) {
				out = append(out, use.Role.Name)
			}
			walk(use.Role, depth+1)
		}
	}
	for _, use := range p.play.Roles {
		if use.Role != nil {
			walk(use.Role, 0)
		}
	}
	return out
}

// playScope is what play keywords see: no host.
func (p *playRun) playScope() *vars.Scope {
	m := &magic{play: p, host: &host{name: ""}}
	s := vars.NewScope(p.ctx, p.run.Templar, []vars.Layer{
		p.run.extraVars, p.promptVars, p.playVars,
		{Level: vars.Magic, Origin: "magic variable", Source: m},
	})
	m.scope = s
	return s
}

func (p *playRun) readSettings(scope *vars.Scope) (playSettings, error) {
	set := settings{ctx: p.ctx, templar: p.run.Templar, plan: planPlay(p.play), scope: scope}
	var s playSettings
	var err error
	if s.strategy, err = set.text("strategy"); err != nil {
		return s, err
	}
	s.strategy = strings.TrimPrefix(cmp.Or(s.strategy, p.run.Defaults.Strategy, "linear"), "ansible.builtin.")
	s.debugger = p.run.Defaults.Debugger
	if s.strategy == "debug" { // linear, with the debugger
		s.strategy, s.debugger = "linear", true
	}
	if s.check, err = set.bool("check_mode", p.run.Check); err != nil {
		return s, err
	}
	if s.order, err = set.text("order"); err != nil {
		return s, err
	}
	if s.maxFail, err = set.number("max_fail_percentage", -1); err != nil {
		return s, err
	}
	if s.anyErrorsFatal, err = set.bool("any_errors_fatal", p.run.Defaults.AnyErrorsFatal); err != nil {
		return s, err
	}
	if s.forceHandlers, err = set.bool("force_handlers", p.run.ForceHandlers); err != nil {
		return s, err
	}
	serial, err := set.value("serial")
	if err != nil {
		return s, err
	}
	switch v := serial.(type) {
	case nil:
	case *value.List:
		s.serial = v.Items
	default:
		s.serial = []any{v}
	}
	return s, nil
}

// planPlay is a plan that knows only the play's own keywords.
func planPlay(play *playbooks.Play) *taskPlan {
	p := &taskPlan{keywords: map[string][]*playbooks.Keyword{}}
	p.addScope(&play.Scope)
	return p
}

// compile lays the play's parts one after the other, with the handlers flushed
// behind each as Ansible does.
func (p *playRun) compile() {
	p.parts = map[playbooks.Step]event.Section{}
	top := &playbooks.Block{Implicit: true, Scope: playbooks.Scope{Kind: playbooks.BlockScope, Parent: &p.play.Scope}}
	add := func(part event.Section, flush bool, steps ...playbooks.Step) {
		var present []playbooks.Step
		for _, s := range steps {
			if b, isBlock := s.(*playbooks.Block); s == nil || (isBlock && b == nil) {
				continue
			}
			p.parts[s] = part
			present = append(present, s)
		}
		if flush {
			flushing := p.implicitTask("meta", value.NewDict("_raw_params", "flush_handlers"))
			if p.settings.forceHandlers {
				wrap := &playbooks.Block{Implicit: true, Scope: top.Scope, Tasks: present, Always: []playbooks.Step{flushing}}
				p.parts[wrap] = part
				present = []playbooks.Step{wrap}
			} else {
				present = append(present, flushing)
			}
		}
		top.Tasks = append(top.Tasks, present...)
	}
	if p.gathers() {
		facts := p.gatherTask()
		p.gathering = facts
		add(event.Facts, false, &playbooks.Block{Implicit: true, Scope: top.Scope, Tasks: []playbooks.Step{facts}})
	}
	if p.play.Stopping {
		add(event.Tasks, true, p.play.Tasks)
		p.top = top
		return
	}
	add(event.PreTasks, true, p.play.PreTasks)
	body := make([]playbooks.Step, 0, len(p.play.RoleBlocks)+1)
	for _, b := range p.play.RoleBlocks {
		body = append(body, b)
	}
	if p.play.Tasks != nil {
		body = append(body, p.play.Tasks)
	}
	add(event.Tasks, true, body...)
	for _, b := range p.play.RoleBlocks {
		p.parts[b] = event.Roles
	}
	add(event.PostTasks, true, p.play.PostTasks)
	if gate := p.healthTask(); gate != nil {
		p.gate = gate
		add(event.Health, false, &playbooks.Block{Implicit: true, Scope: top.Scope, Tasks: []playbooks.Step{gate}})
	}
	p.top = top
}

func (p *playRun) implicitTask(action string, args *value.Dict) *playbooks.Task {
	return &playbooks.Task{
		Scope:  playbooks.Scope{Kind: playbooks.TaskScope, Parent: &p.play.Scope, Pos: p.play.Pos, Tags: []string{"always"}},
		ID:     fmt.Sprintf("%s#%s", p.play.Pos, value.Str(args.At("_raw_params"))),
		Action: action, Module: "ansible.builtin." + action, Args: args, Implicit: true, Pos: p.play.Pos,
	}
}

// gathers reports whether the play begins with gathering facts.
func (p *playRun) gathers() bool {
	v, _, err := p.run.Templar.Value(p.ctx, p.playScope(), p.play.GatherFacts)
	if err != nil || v == nil {
		return p.run.Defaults.Gathering != "explicit"
	}
	b, ok := truthWord(v)
	return b || !ok
}

func (p *playRun) gatherTask() *playbooks.Task {
	args := &value.Dict{}
	if subset := p.play.Keywords.Get("gather_subset"); subset != nil {
		args.Set("gather_subset", subset)
	} else if len(p.run.Defaults.GatherSubset) > 0 {
		args.Set("gather_subset", value.Strings(p.run.Defaults.GatherSubset))
	}
	if timeout := p.play.Keywords.Get("gather_timeout"); timeout != nil {
		args.Set("gather_timeout", timeout)
	}
	if path := p.play.Keywords.Get("fact_path"); path != nil {
		args.Set("fact_path", path)
	}
	t := p.implicitTask("gather_facts", args)
	t.Module, t.Name, t.ID = "ansible.builtin.setup", "Gathering Facts", p.play.Pos.String()+"#facts"
	return t
}

// selectHosts finds the play's hosts that are still in the run.
func (p *playRun) selectHosts() error {
	scope := p.playScope()
	var patterns []string
	for _, h := range p.play.Hosts {
		v, _, err := p.run.Templar.Value(p.ctx, scope, h)
		if err != nil {
			return fmt.Errorf("%s: hosts: %w", p.play.Pos, err)
		}
		if l, ok := v.(*value.List); ok {
			for _, item := range l.Items {
				patterns = append(patterns, value.Str(item))
			}
			continue
		}
		patterns = append(patterns, value.Str(v))
	}
	found, problems := p.run.hostsOf().SelectList(patterns, p.run.Limit)
	p.run.tellWarnings(problems)
	for _, h := range orderHosts(found, p.settings.order) {
		p.hosts = append(p.hosts, p.run.host(h.Name))
	}
	p.hosts = p.run.Journal.orderOf(p.number, p.hosts)
	return nil
}

// orderHosts sorts as the play's order keyword says.
func orderHosts(hosts []*inventory.Host, order string) []*inventory.Host {
	byName := func(a, b *inventory.Host) int { return strings.Compare(a.Name, b.Name) }
	switch order {
	case "sorted":
		slices.SortStableFunc(hosts, byName)
	case "reverse_sorted":
		slices.SortStableFunc(hosts, func(a, b *inventory.Host) int { return byName(b, a) })
	case "reverse_inventory":
		slices.Reverse(hosts)
	case "shuffle":
		rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	}
	return hosts
}

// batches splits the hosts as serial says.
func (p *playRun) batches() ([][]*host, error) {
	left := p.members
	if len(p.settings.serial) == 0 {
		return [][]*host{left}, nil
	}
	var out [][]*host
	for i := 0; len(left) > 0; i++ {
		item := p.settings.serial[min(i, len(p.settings.serial)-1)]
		n, err := batchSize(item, len(p.members))
		if err != nil {
			return nil, fmt.Errorf("%s: serial: %w", p.play.Pos, err)
		}
		if n <= 0 || n > len(left) {
			n = len(left)
		}
		out = append(out, left[:n])
		left = left[n:]
	}
	return out, nil
}

func batchSize(item any, total int) (int, error) {
	text := strings.TrimSpace(value.Str(item))
	if percent, isPercent := strings.CutSuffix(text, "%"); isPercent {
		n, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
		if err != nil {
			return 0, fmt.Errorf("'%s' is not a percentage", text)
		}
		// At least one host, as Ansible rounds down.
		return max(int(math.Floor(n/100*float64(total))), 1), nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("'%s' is not a number of hosts", text)
	}
	return n, nil
}

// runBatches runs the members batch by batch.
func (p *playRun) runBatches() (outcome event.Outcome, broke bool, err error) {
	batches, err := p.batches()
	if err != nil {
		return event.Failed, false, err
	}
	outcome = event.OK
	p.run.helm.began(p)
	defer p.run.helm.ended(p)
	for i, batch := range batches {
		if len(p.settings.serial) > 0 {
			p.run.stream.emit(event.BatchStarted{Play: p.number, Batch: i, Hosts: hostNames(batch)})
		}
		lost := p.runBatch(batch)
		if lost > 0 || p.heldBack {
			outcome = event.Failed
		}
		if p.playDone || p.run.cancel.stopped() || p.ctx.Err() != nil {
			break
		}
		if lost == len(batch) || p.tooMany(lost, len(batch)) {
			broke = true
			break
		}
	}
	for _, h := range p.members {
		h.mark(func(h *host) { h.ended, h.doomed = false, false })
		for _, handler := range p.allHandlers {
			h.clearNotified(handler.ID)
		}
	}
	return outcome, broke, nil
}

func (p *playRun) startEvent() event.PlayStarted {
	ours := p.play.Ours
	e := event.PlayStarted{
		Play: p.number, Name: p.name, Pos: p.play.Pos, Hosts: hostNames(p.hosts),
		Strategy: p.settings.strategy, Serial: len(p.settings.serial) > 0, Check: p.settings.check,
	}
	if len(p.hosts) == 0 {
		e.NoHosts = "no hosts matched"
	}
	e.Playbook, e.Zones, e.Tasks = p.book, p.zones(), p.countTasks()
	e.Owner = orEmpty(ours.Owner)
	if n, ok := asNumber(ours.Grade); ok {
		e.Grade = int(n)
	}
	e.Budget = p.budget()
	for _, n := range ours.Needs {
		e.Needs = append(e.Needs, n.Play)
	}
	return e
}

// countTasks is how many tasks the play has before anything is included.
func (p *playRun) countTasks() int {
	n := 0
	playbooks.WalkSteps([]playbooks.Step{p.top}, func(s playbooks.Step) {
		if t, isTask := s.(*playbooks.Task); isTask && t.Module != metaModule && TagsSelect(p.tagsOf(t), p.run.Tags, p.run.SkipTags) {
			n++
		}
	})
	return n
}

// zones groups the hosts for reports: by the variable that coverage or a need
// counts by, else by "zone".
func (p *playRun) zones() map[string]string {
	by := "zone"
	for _, n := range p.play.Ours.Needs {
		by = cmp.Or(n.Same, by)
	}
	if p.guard != nil {
		by = cmp.Or(p.guard.per, by)
	}
	out := map[string]string{}
	for _, h := range p.hosts {
		if z := p.valueOf(h, by); z != "" {
			out[h.name] = z
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (p *playRun) ended(o event.Outcome) {
	if p.run.cancel.stopped() || p.ctx.Err() != nil {
		o = event.Cancelled
	}
	p.run.stream.emit(event.PlayEnded{Play: p.number, Outcome: o})
}

// tooMany reports whether more hosts of the batch failed than the play allows.
func (p *playRun) tooMany(lost, total int) bool {
	limit := p.settings.maxFail
	return limit >= 0 && lost > 0 && float64(lost)/float64(total)*100 > limit
}

// runBatch runs the play on some of its hosts; it returns how many of them it
// lost. Those that an earlier play lost are none of its losses, as in Ansible:
// a batch of nothing else does not end the run.
func (p *playRun) runBatch(batch []*host) (lost int) {
	p.mu.Lock()
	p.batch, p.batchDone, p.closed = batch, false, false
	p.lostBefore = map[*host]bool{}
	p.cursors = make(map[*host]*cursor, len(batch))
	for _, h := range batch {
		p.cursors[h] = newCursor(p.top, p.parts, func(f *frame, s playbooks.Step) bool { return p.wants(h, f, s) })
		if h.broken() {
			p.cursors[h].end()
			p.lostBefore[h] = true
		}
	}
	p.mu.Unlock()
	switch {
	case p.takesTurns():
		p.byTurns()
	case p.settings.strategy == "free", p.settings.strategy == "host_pinned":
		p.free()
	default:
		p.linear()
	}
	for _, h := range batch {
		if h.dropped() && !p.lostBefore[h] {
			lost++
		}
	}
	return lost
}

// wants decides whether a host runs a step at all.
func (p *playRun) wants(h *host, f *frame, s playbooks.Step) bool {
	switch s := s.(type) {
	case *playbooks.Task:
		if f.handlers {
			return p.notifiedOn(h, s) // whatever tags were asked for
		}
		if s == p.gathering && p.run.Defaults.Gathering == "smart" && h.wasGathered() {
			return false
		}
		return p.run.selected(p, s)
	case *playbooks.Block:
		if role := roleOf(s); role != "" && p.roleWasRun(h, role) {
			return false
		}
	}
	return true
}

// alive lists the hosts of the batch that go on.
func (p *playRun) alive() []*host {
	p.mu.Lock()
	done := p.batchDone || p.playDone || p.guard.fell()
	p.mu.Unlock()
	if done {
		return nil
	}
	var out []*host
	for _, h := range p.batch {
		if !h.out() {
			out = append(out, h)
		}
	}
	return out
}

func hostNames(hosts []*host) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.name
	}
	return out
}

// hostNames lists the play's hosts; with onlyAlive those that go on.
func (p *playRun) hostNames(onlyAlive bool) []string { return aliveNames(p.hosts, onlyAlive) }

// batchNames is the same for the present batch.
func (p *playRun) batchNames(onlyAlive bool) []string {
	return aliveNames(p.batchHosts(), onlyAlive)
}

func (p *playRun) batchHosts() []*host {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.batch
}

func aliveNames(hosts []*host, onlyAlive bool) []string {
	out := make([]string, 0, len(hosts))
	for _, h := range hosts {
		if !onlyAlive || h.counted() {
			out = append(out, h.name)
		}
	}
	return out
}

// askPrompts fills vars_prompt from the person; extra vars answer first.
func (p *playRun) askPrompts() error {
	answers := &value.Dict{}
	for _, q := range p.play.VarsPrompt {
		if p.run.ExtraVars.Has(q.Name) {
			continue
		}
		answer, err := p.ask(q)
		if err != nil {
			return err
		}
		if q.Private {
			p.run.Hidden.Add(value.Str(answer))
		}
		answers.Set(q.Name, answer)
	}
	p.promptVars = fixed(vars.PlayPrompt, "vars_prompt "+p.play.Pos.String(), answers)
	return nil
}

func (p *playRun) ask(q playbooks.VarsPrompt) (any, error) {
	if p.run.Prompt == nil {
		if q.Default != nil {
			return q.Default, nil
		}
		p.run.stream.warn("", say.T("nobody is there to answer the question for '%s'; it is left empty (give -e %s=...)",
			"'%s'에 답할 사람이 없어 비워 둡니다 (-e %s=... 로 지정하십시오)", q.Name, q.Name))
		return "", nil
	}
	return askPerson(p.run.Prompt, q)
}

func askPerson(prompt Prompter, q playbooks.VarsPrompt) (any, error) {
	text := cmp.Or(q.Prompt, q.Name)
	if q.Default != nil {
		text += fmt.Sprintf(" [%s]", value.Str(q.Default))
	}
	for {
		answer, err := prompt.Ask(text+": ", q.Private)
		if err != nil {
			return nil, fmt.Errorf("ask for %s: %w", q.Name, err)
		}
		if q.Confirm {
			again, err := prompt.Ask("confirm "+text+": ", q.Private)
			if err != nil {
				return nil, fmt.Errorf("ask for %s: %w", q.Name, err)
			}
			if again != answer {
				continue
			}
		}
		if answer == "" && q.Default != nil {
			return q.Default, nil
		}
		if q.Unsafe {
			return value.Unsafe(answer), nil
		}
		return answer, nil
	}
}
