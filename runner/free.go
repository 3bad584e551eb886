package runner

import "sunup/playbooks"

// free lets every host run through the play as fast as it can. Hosts that are
// tried again go at once: others may be at work for long, or hang.
func (p *playRun) free() {
	again := p.watchAgain()
	busy, done := map[*host]bool{}, make(chan *host)
	begin := func(hosts []*host) {
		for _, h := range hosts {
			busy[h] = true
			go func() {
				p.runAlone(h)
				done <- h
			}()
		}
	}
	for begin(p.alive()); ; {
		if len(busy) == 0 {
			p.run.hold(p.ctx) // a paused run may still be told to try hosts again
			more := p.takenUp(true, nil)
			if len(more) == 0 {
				return
			}
			begin(more)
		}
		select {
		case h := <-done:
			delete(busy, h)
		case <-again:
		}
		begin(p.takenUp(false, busy))
	}
}

// runAlone takes one host through the play.
func (p *playRun) runAlone(h *host) {
	c := p.cursors[h]
	for p.ctx.Err() == nil && !p.run.cancel.stopped() && !h.out() && !p.over() {
		task := c.next()
		if task == nil {
			return
		}
		p.stepAlone(task, h)
	}
}

func (p *playRun) stepAlone(task *playbooks.Task, h *host) {
	if task.Module == metaModule {
		p.meta(task, []*host{h})
		return
	}
	t := p.announce(task, h)
	ends := t.onHosts([]*host{h})
	p.include(t, p.settle(t, []*host{h}, ends))
}

func (p *playRun) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.batchDone || p.playDone || p.guard.fell()
}
