package playbooks

// Walk calls visit for every play's every step in the order in which they
// stand: role tasks after pre_tasks, blocks before what is in them. Handlers
// are not visited.
func (p *Playbook) Walk(visit func(*Play, Step)) {
	for _, play := range p.Plays {
		play.Walk(func(s Step) { visit(play, s) })
	}
}

// Walk calls visit for every step of a play but its handlers.
func (p *Play) Walk(visit func(Step)) {
	if p.PreTasks != nil {
		WalkSteps([]Step{p.PreTasks}, visit)
	}
	for _, b := range p.RoleBlocks {
		WalkSteps([]Step{b}, visit)
	}
	if p.Tasks != nil {
		WalkSteps([]Step{p.Tasks}, visit)
	}
	if p.PostTasks != nil {
		WalkSteps([]Step{p.PostTasks}, visit)
	}
}

// HandlersOf gathers the handlers that the imports among steps brought in.
func HandlersOf(steps []Step) []*Task {
	var out []*Task
	WalkSteps(steps, func(s Step) {
		if b, ok := s.(*Block); ok {
			out = append(out, b.Handlers...)
		}
	})
	return out
}

// WalkSteps calls visit for every step and for every step inside it.
func WalkSteps(steps []Step, visit func(Step)) {
	for _, s := range steps {
		visit(s)
		if b, ok := s.(*Block); ok {
			WalkSteps(b.Tasks, visit)
			WalkSteps(b.Rescue, visit)
			WalkSteps(b.Always, visit)
		}
	}
}
