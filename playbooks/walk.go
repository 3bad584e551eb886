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
	if p.Stop != nil && !p.Stopping {
		WalkSteps([]Step{p.Stop}, visit)
	}
}

// Listed are the tasks that ansible-playbook --list-tasks shows, in order: no
// handlers, and of a block neither rescue nor always.
func (p *Play) Listed() []*Task {
	var out []*Task
	for _, b := range append(append([]*Block{p.PreTasks}, p.RoleBlocks...), p.Tasks, p.PostTasks) {
		if b != nil {
			out = append(out, listed(b.Tasks)...)
		}
	}
	return out
}

func listed(steps []Step) []*Task {
	var out []*Task
	for _, s := range steps {
		switch s := s.(type) {
		case *Block:
			out = append(out, listed(s.Tasks)...)
		case *Task:
			if !s.Implicit {
				out = append(out, s)
			}
		}
	}
	return out
}

// ListTitle is the name of a task in such a list: a task without a name shows
// its module alone.
func (t *Task) ListTitle() string {
	if t.Name == "" {
		return t.Action
	}
	return t.Title()
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
