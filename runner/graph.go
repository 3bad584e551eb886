package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sunup/internal/diag"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/playbooks"
)

// hasNeeds reports whether the plays of a playbook form a graph.
func hasNeeds(b *playbooks.Playbook) bool {
	for _, p := range b.Plays {
		if len(p.Ours.Needs) > 0 {
			return true
		}
	}
	return false
}

// graph is the plays of one playbook and what each waits for.
type graph struct {
	run    *Run
	stages []*stage

	mu      sync.Mutex // guards the state of all stages
	changed *sync.Cond // something came up or failed
	err     error      // the first that kept us from our work
}

// stage is one play in the graph.
type stage struct {
	play  *playRun
	needs []gate
	lanes []*lane

	up    map[*host]bool
	over  map[*host]bool // hosts whose lane has ended
	begun bool
	state stageState
	left  int // lanes that have not ended
}

// stageState is how far a stage is.
type stageState int

const (
	stageWaits stageState = iota
	stageUp
	stageFailed
)

// gate is a stage that another one waits for: as a whole, or only the hosts
// that have the same value of a variable.
type gate struct {
	stage *stage
	same  string
	// mayLack: without a host of the same value there is nothing to wait for.
	mayLack bool
}

// lane is the hosts of a stage that wait for the same gates.
type lane struct {
	play   *playRun
	values map[string]string // of the variables of its gates
}

// runGraph runs a playbook whose plays have needs: every play as soon as what
// it needs is up, side by side.
func (r *Run) runGraph(ctx context.Context, b *playbooks.Playbook) error {
	g, err := r.newGraph(ctx, b)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, g.wake)
	defer stop()
	defer r.cancel.onStop(g.wake)()
	defer r.helm.woken.onStop(g.wake)()
	var wg sync.WaitGroup
	for _, s := range g.stages {
		for _, l := range s.lanes {
			wg.Add(1)
			go func() { defer wg.Done(); g.runLane(s, l) }()
		}
	}
	wg.Wait()
	return g.err
}

func (g *graph) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed.Broadcast()
}

// newGraph prepares all plays and splits them into lanes.
func (r *Run) newGraph(ctx context.Context, b *playbooks.Playbook) (*graph, error) {
	g := &graph{run: r}
	g.changed = sync.NewCond(&g.mu)
	byName := map[string]*stage{}
	for _, play := range b.Plays {
		p, err := r.newPlay(ctx, b.File, play)
		if err != nil {
			return nil, err
		}
		p.announced.once = true
		s := &stage{play: p, up: map[*host]bool{}, over: map[*host]bool{}}
		p.hostUp = func(h *host) { g.hostUp(s, h) }
		g.stages = append(g.stages, s)
		byName[play.Name] = s
	}
	var problems diag.Problems
	for _, s := range g.stages {
		for _, n := range s.play.play.Ours.Needs {
			s.needs = append(s.needs, gate{byName[n.Play], n.Same, n.MayLack})
		}
		problems = append(problems, s.split()...)
	}
	return g, problems.Err()
}

// split makes a lane for each combination of values that the gates ask for.
func (s *stage) split() diag.Problems {
	lanes, order := map[string]*lane{}, []string{}
	members := map[string][]*host{}
	var problems diag.Problems
	for _, h := range s.play.hosts {
		values, bad := s.valuesOf(h)
		problems = append(problems, bad...)
		key := fmt.Sprint(values)
		if lanes[key] == nil {
			lanes[key] = &lane{values: values}
			order = append(order, key)
		}
		members[key] = append(members[key], h)
	}
	for _, key := range order {
		l := lanes[key]
		l.play = s.play.lane(members[key])
		s.lanes = append(s.lanes, l)
	}
	if len(s.lanes) == 0 { // no hosts: the play is up when its needs are
		s.lanes = []*lane{{play: s.play.lane(nil), values: map[string]string{}}}
	}
	s.left = len(s.lanes)
	return problems
}

// valuesOf are the values that decide which hosts of its gates a host waits
// for. A host without one can never know.
func (s *stage) valuesOf(h *host) (map[string]string, diag.Problems) {
	values := map[string]string{}
	var problems diag.Problems
	for i, g := range s.needs {
		if g.same == "" {
			continue
		}
		v := s.play.valueOf(h, g.same)
		need := s.play.play.Ours.Needs[i]
		if v == "" && g.mayLack {
			continue
		}
		if v == "" {
			problems = append(problems, diag.Problem{
				Severity: diag.Error, ID: "same-without-value", Pos: need.Pos,
				What: say.T("host '%s' has no variable '%s'", "호스트 '%s'에 변수 '%s'{이/가} 없습니다", h.name, g.same),
				Why:  say.T("play '%s' starts on a host when the hosts of '%s' with the same '%s' are up", "플레이 '%s'{은/는} '%s'에서 '%s' 값이 같은 호스트가 준비되면 시작합니다", s.play.name, need.Play, g.same),
				Fix:  say.T("give the host this variable in the inventory", "인벤토리에서 이 호스트에 변수를 지정하십시오"),
			})
			continue
		}
		if !g.mayLack && len(g.stage.hostsWith(g.same, v)) == 0 {
			problems = append(problems, diag.Problem{
				Severity: diag.Error, ID: "same-without-partner", Pos: need.Pos,
				What: say.T("no host of '%s' has %s = '%s', which '%s' has", "'%s'에는 %s = '%s'인 호스트가 없습니다 ('%s'의 값)", need.Play, g.same, v, h.name),
				Fix:  say.T("correct the variable, or the hosts of '%s'", "변수나 '%s'의 호스트를 바로잡으십시오", need.Play),
			})
		}
		values[g.same] = v
	}
	return values, problems
}

func (s *stage) hostsWith(name, v string) []*host {
	var out []*host
	for _, h := range s.play.hosts {
		if s.play.valueOf(h, name) == v {
			out = append(out, h)
		}
	}
	return out
}

// hostUp notes that a host has done everything in a stage.
func (g *graph) hostUp(s *stage, h *host) {
	g.run.stream.emit(event.HostUp{Play: s.play.number, Host: h.name})
	g.mu.Lock()
	defer g.mu.Unlock()
	s.up[h] = true
	g.changed.Broadcast()
}

// runLane waits for the lane's gates, runs it, and notes how it ended.
func (g *graph) runLane(s *stage, l *lane) {
	held := g.wait(s, l)
	if !held.IsZero() {
		g.blocked(s, l, held)
		return
	}
	g.begin(s)
	outcome, _, err := l.play.runBatches()
	g.ended(s, l, outcome, err)
}

// partners are the hosts that a lane waits for behind a gate with same.
func (g gate) partners(l *lane) []*host {
	v, has := l.values[g.same]
	if g.same == "" || !has {
		return nil
	}
	return g.stage.hostsWith(g.same, v)
}

// wait returns when every gate of the lane is open; the text says why the lane
// can never start, or that the run stops.
func (g *graph) wait(s *stage, l *lane) (held say.Text) {
	// Membership is found before the lock is taken: it evaluates variables.
	partners := make([][]*host, len(s.needs))
	for i, gate := range s.needs {
		partners[i] = gate.partners(l)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if g.err != nil || g.run.cancel.stopped() || s.play.ctx.Err() != nil {
			return say.T("the run was stopped", "실행이 중단되었습니다")
		}
		if len(l.play.members) > 0 && allBroken(l.play.members) {
			return say.Text{} // nothing is left to start: it is told already
		}
		open := true
		for i, gate := range s.needs {
			ready, never := gate.ready(partners[i])
			if never {
				return say.T("'%s' is not up", "'%s'{이/가} 준비되지 않았습니다", gate.stage.play.name)
			}
			open = open && ready
		}
		if open {
			return say.Text{}
		}
		g.changed.Wait()
	}
}

// ready reports whether a gate is open, or will never be. The graph's lock is
// held.
func (g gate) ready(partners []*host) (ready, never bool) {
	if g.same == "" {
		return g.stage.state == stageUp, g.stage.state == stageFailed
	}
	if g.mayLack && len(partners) == 0 {
		return true, false
	}
	if g.stage.play.guard.fell() {
		return false, true
	}
	up := 0
	for _, h := range partners {
		switch {
		case g.stage.up[h]:
			up++
		case h.dropped():
			return false, true
		case h.broken(): // in quarantine: coverage has allowed it
		default:
			return false, g.stage.over[h]
		}
	}
	return up > 0, up == 0
}

// allBroken reports whether none of the hosts takes part any more.
func allBroken(hosts []*host) bool {
	return !slices.ContainsFunc(hosts, func(h *host) bool { return !h.broken() })
}

// begin tells the start of a stage once.
func (g *graph) begin(s *stage) {
	g.mu.Lock()
	told := s.begun
	s.begun = true
	g.mu.Unlock()
	if !told {
		start := s.play.startEvent()
		if len(s.lanes) > 1 {
			start.Lanes = len(s.lanes)
		}
		g.run.stream.emit(start)
	}
}

// blocked ends a lane that can never start.
func (g *graph) blocked(s *stage, l *lane, why say.Text) {
	g.begin(s)
	if !g.run.cancel.stopped() && s.play.ctx.Err() == nil {
		g.run.stream.emit(event.Warning{Text: say.T("play '%s' does not start on %s: %s", "플레이 '%s'{을/를} %s에서 시작하지 않습니다: %s",
			s.play.name, strings.Join(hostNames(l.play.members), ", "), why)})
		g.run.playsFailed.Store(true)
	}
	g.ended(s, l, event.Cancelled, nil)
}

// ended notes the end of a lane, and of the stage with its last one.
func (g *graph) ended(s *stage, l *lane, outcome event.Outcome, err error) {
	g.mu.Lock()
	for _, h := range l.play.members {
		s.over[h] = true
	}
	if err != nil && g.err == nil {
		g.err = err
	}
	if outcome != event.OK || s.play.guard.fell() {
		s.state = stageFailed
		g.run.playsFailed.Store(true)
	}
	s.left--
	last := s.left == 0
	if last && s.state == stageWaits {
		s.state = stageUp
	}
	failed := s.state == stageFailed
	g.changed.Broadcast()
	g.mu.Unlock()
	if last {
		if failed {
			s.play.ended(event.Failed)
		} else {
			s.play.ended(event.OK)
		}
	}
}
