package forecast

import (
	"time"

	"sunup/internal/event"
)

// Leg is one part of the critical path.
type Leg struct {
	Play   int           // the play's number
	Lane   int           // which of its lanes
	Begins time.Duration // after the run's start
	Ends   time.Duration
}

// Schedule fills in when every lane and stage of a plan begins and ends, how
// long the whole takes, and which stages are critical. It returns the critical
// path, first leg first: its legs follow each other without a gap.
func Schedule(p *event.Planned) []Leg {
	s := newNet(p)
	done := map[place]bool{}
	var visit func(at place)
	visit = func(at place) {
		if done[at] {
			return
		}
		done[at] = true
		lane := s.lane(at)
		lane.Begins = 0
		for _, before := range s.before[at] {
			visit(before)
			lane.Begins = max(lane.Begins, s.lane(before).Ends)
		}
		lane.Ends = lane.Begins + s.usual(at)
	}
	p.Takes = 0
	var last place
	for i := range p.Stages {
		stage := &p.Stages[i]
		stage.Begins, stage.Ends, stage.Critical = 0, 0, false
		for l := range stage.Lanes {
			at := place{i, l}
			visit(at)
			lane := &stage.Lanes[l]
			if l == 0 || lane.Begins < stage.Begins {
				stage.Begins = lane.Begins
			}
			stage.Ends = max(stage.Ends, lane.Ends)
			if lane.Ends > p.Takes {
				p.Takes, last = lane.Ends, at
			}
		}
	}
	return s.path(last)
}

// path walks back from a lane over what it waited for longest.
func (n *net) path(last place) []Leg {
	if len(n.plan.Stages) == 0 {
		return nil
	}
	var out []Leg
	for at, more := last, true; more; {
		lane := n.lane(at)
		stage := &n.plan.Stages[at.stage]
		stage.Critical = true
		out = append([]Leg{{Play: stage.Play, Lane: at.lane, Begins: lane.Begins, Ends: lane.Ends}}, out...)
		more = false
		for _, before := range n.before[at] {
			if n.lane(before).Ends == lane.Begins && lane.Begins > 0 {
				at, more = before, true
				break
			}
		}
	}
	return out
}

// place is one lane of a plan.
type place struct{ stage, lane int }

// net is a plan as a graph of its lanes.
type net struct {
	plan   *event.Planned
	stages map[int]int              // by the play's number
	lanes  map[int]map[string]int   // by stage and host
	before map[place][]place        // the lanes that a lane waits for
	waits  map[place]map[int][]hold // by stage
	shares map[int][]share          // by stage: its steps
}

// hold is what a lane waits for in another stage: some hosts, or all.
type hold struct {
	all   bool
	hosts []string
}

func newNet(p *event.Planned) *net {
	n := &net{plan: p, stages: map[int]int{}, lanes: map[int]map[string]int{}, before: map[place][]place{}, waits: map[place]map[int][]hold{}, shares: map[int][]share{}}
	for i, s := range p.Stages {
		n.stages[s.Play] = i
		n.shares[i] = sharesOf(s)
		n.lanes[i] = map[string]int{}
		for l, lane := range s.Lanes {
			for _, h := range lane.Hosts {
				n.lanes[i][h] = l
			}
		}
	}
	for i, s := range p.Stages {
		for l, lane := range s.Lanes {
			at := place{i, l}
			n.waits[at] = map[int][]hold{}
			for _, w := range lane.Waits {
				n.addWait(at, w)
			}
		}
	}
	return n
}

// usual is how long a lane should take, by what is known of it or of its stage.
func (n *net) usual(at place) time.Duration {
	if takes := n.lane(at).Takes; takes > 0 {
		return takes
	}
	return n.plan.Stages[at.stage].Takes
}

func (n *net) lane(at place) *event.Lane { return &n.plan.Stages[at.stage].Lanes[at.lane] }

func (n *net) addWait(at place, w event.Wait) {
	stage, known := n.stages[w.Play]
	if !known {
		return
	}
	n.waits[at][stage] = append(n.waits[at][stage], hold{all: len(w.Hosts) == 0, hosts: w.Hosts})
	seen := map[int]bool{}
	add := func(lane int) {
		if !seen[lane] {
			seen[lane] = true
			n.before[at] = append(n.before[at], place{stage, lane})
		}
	}
	for _, h := range w.Hosts {
		if lane, ok := n.lanes[stage][h]; ok {
			add(lane)
		}
	}
	if len(w.Hosts) == 0 {
		for l := range n.plan.Stages[stage].Lanes {
			add(l)
		}
	}
}
