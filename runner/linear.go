package runner

import (
	"cmp"
	"sunup/internal/event"
	"sunup/internal/say"
	"sunup/playbooks"
)

// linear runs the batch in lockstep: the task that the hosts farthest behind
// stand at, on all hosts that stand there, then the next.
func (p *playRun) linear() {
	for p.ctx.Err() == nil && !p.run.cancel.stopped() {
		p.takenUp(false, nil)
		task, hosts := p.lowest(p.alive())
		if task == nil {
			p.run.hold(p.ctx) // a paused run may still be told to try hosts again
			if len(p.takenUp(true, nil)) > 0 {
				continue
			}
			return
		}
		p.step(task, hosts)
	}
}

// lowest finds the task that is run next and the hosts that stand at it.
func (p *playRun) lowest(hosts []*host) (*playbooks.Task, []*host) {
	var task *playbooks.Task
	var at *cursor
	for _, h := range hosts {
		c := p.cursors[h]
		if t := c.next(); t != nil && (task == nil || (t != task && c.before(at))) {
			task, at = t, c
		}
	}
	var same []*host
	for _, h := range hosts {
		if task != nil && p.cursors[h].next() == task {
			same = append(same, h)
		}
	}
	return task, same
}

// step carries out one task on the hosts and moves each on.
func (p *playRun) step(task *playbooks.Task, hosts []*host) {
	if task.Module == metaModule {
		p.meta(task, hosts)
		return
	}
	if !p.confirmed(task) {
		for _, h := range hosts {
			p.cursors[h].advance()
		}
		return
	}
	if isGate(task) {
		p.gateEach(task, hosts)
		return
	}
	t := p.announce(task, hosts...)
	ends := t.onHosts(hosts)
	included := p.settle(t, hosts, ends)
	ends = append(ends, p.include(t, included)...)
	p.breakOff(t, hosts, ends)
}

// settle moves every host on by how the task ended there; it returns what is
// to be included.
func (p *playRun) settle(t *taskRun, hosts []*host, ends []*taskEnd) []inclusion {
	var included []inclusion
	for i, h := range hosts {
		end := ends[i]
		if end == nil { // not begun: the run is being stopped
			continue
		}
		p.settleHost(h, end)
		for _, inc := range end.includes {
			included = append(included, inclusion{host: h, include: inc})
		}
	}
	return included
}

func (p *playRun) settleHost(h *host, end *taskEnd) {
	c := p.cursors[h]
	switch end.outcome {
	case event.Failed, event.Unknown, event.Unreachable, event.Cancelled, event.Quarantined:
		p.finish(func() { c.remember(end) })
	}
	switch end.counts() {
	case event.Failed, event.Rescued, event.Unknown:
		c.fail()
		if end.outcome != event.Rescued {
			h.mark(func(h *host) { h.doomed = true })
			p.hostFailed(h, c)
		}
	case event.Unreachable:
		p.hostLost(h, c)
	case event.Cancelled:
		c.end()
	case event.Quarantined:
		c.end()
		p.setAside(h, end)
	default:
		c.advance()
		if len(end.includes) > 0 {
			return // what is included comes before what is next; the frame must stay
		}
		p.lookUp(h, c)
	}
}

// lookUp tells when a host has come to its end: it is up, or its failure has
// gone through all always sections.
func (p *playRun) lookUp(h *host, c *cursor) {
	switch {
	case c.next() != nil || c.failing():
	case c.fell:
		p.dropFailed(h)
	default:
		p.tellUp(h)
	}
}

// hostLost drops a host out that cannot be reached: nothing rescues it.
func (p *playRun) hostLost(h *host, c *cursor) {
	c.end()
	h.mark(func(h *host) { h.lost = true })
	p.lostHost(h, event.Unreachable)
}

// tellUp says that a host has done everything that the play asks of it.
func (p *playRun) tellUp(h *host) {
	if p.hostUp != nil && !h.out() {
		p.hostUp(h)
	}
}

// hostFailed drops a host out when nothing is left for it to do; a host in
// always sections finishes these first.
func (p *playRun) hostFailed(h *host, c *cursor) {
	if c.next() != nil {
		return
	}
	p.dropFailed(h)
}

func (p *playRun) dropFailed(h *host) {
	was := false
	h.mark(func(h *host) { was, h.failed = h.failed, true })
	if !was {
		p.lostHost(h, event.Failed)
	}
}

// lostHost tells that a host dropped out.
func (p *playRun) lostHost(h *host, o event.Outcome) {
	p.alsoTold(h, p.run.stream.emit(event.HostLost{Play: p.number, Host: h.name, Outcome: o}))
}

// alsoTold adds an event to those that count no more when a host is tried again.
func (p *playRun) alsoTold(h *host, seq int64) {
	p.finish(func() {
		if c := p.cursors[h]; c != nil && c.stopped != nil {
			c.stopped.seqs = append(c.stopped.seqs, seq)
		}
	})
}

// breakOff ends the batch when the play allows no failure, or not so many.
func (p *playRun) breakOff(t *taskRun, hosts []*host, ends []*taskEnd) {
	failed := 0
	for _, end := range ends {
		if end != nil && (end.outcome == event.Failed || end.outcome == event.Unreachable || end.outcome == event.Unknown) {
			failed++
		}
	}
	if failed == 0 {
		return
	}
	fatal, err := t.settings(hosts[0], nil).bool("any_errors_fatal", p.settings.anyErrorsFatal)
	if err == nil && fatal {
		p.failAll()
		if len(p.alive()) == 0 {
			p.run.stream.emit(event.NoHostsLeft{Play: p.number})
		}
		return
	}
	lost := 0
	for _, h := range p.batch {
		if h.broken() && !p.lostBefore[h] {
			lost++
		}
	}
	if p.tooMany(lost, len(p.batch)) {
		p.run.stream.warn("", say.T(
			"play '%s' stops: %d of %d hosts failed, more than max_fail_percentage %g%%",
			"플레이 '%s' 중단: 호스트 %[3]d대 중 %[2]d대가 실패하여 max_fail_percentage %[4]g%%를 넘었습니다",
			p.name, lost, len(p.batch), p.settings.maxFail))
		p.finish(func() { p.batchDone = true })
		p.run.stream.emit(event.NoHostsLeft{Play: p.number})
		p.run.stream.emit(event.NoHostsLeft{Play: p.number})
	}
}

// failAll fails the hosts that are left; rescue and always sections still run.
func (p *playRun) failAll() {
	for _, h := range p.alive() {
		c := p.cursors[h]
		if c.failing() {
			continue // it goes through its always sections already
		}
		if c.next() == nil {
			p.dropFailed(h)
			continue
		}
		if !c.rescues() {
			h.mark(func(h *host) { h.doomed = true })
			c.fail()
			p.hostFailed(h, c)
		}
	}
}

// confirmed asks the person with --step.
func (p *playRun) confirmed(task *playbooks.Task) bool {
	if !p.run.stepping {
		return true
	}
	switch p.run.Confirm(cmp.Or(task.Name, task.Action)) {
	case StepSkip:
		return false
	case StepContinue:
		p.run.stepping = false
	}
	return true
}
