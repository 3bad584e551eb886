package runner

import (
	"sync"

	"sunup/playbooks"
)

// free lets every host run through the play as fast as it can. Hosts that are
// tried again go when the others are done.
func (p *playRun) free() {
	for more := true; more; {
		var wg sync.WaitGroup
		for _, h := range p.alive() {
			wg.Add(1)
			go func() {
				defer wg.Done()
				p.runAlone(h)
			}()
		}
		wg.Wait()
		more = p.takenUp(true)
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
