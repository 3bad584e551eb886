package runner

import (
	"context"
	"sync"

	"sunup/playbooks"
)

// pool bounds how many hosts work at once.
type pool struct{ slots chan struct{} }

func newPool(n int) *pool { return &pool{slots: make(chan struct{}, n)} }

// take waits for a slot; a nil pool has always one.
func (p *pool) take(ctx context.Context) error {
	if p == nil {
		return ctx.Err()
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) give() {
	if p != nil {
		<-p.slots
	}
}

// each calls work for every host at once, as far as the pool and the throttle
// (nil: none) allow, and waits for all. Once ctx has ended, what has not begun is
// not begun.
func (p *pool) each(ctx context.Context, hosts []*host, throttle *pool, work func(i int, h *host)) {
	var wg sync.WaitGroup
	for i, h := range hosts {
		if throttle.take(ctx) != nil {
			break
		}
		if p.take(ctx) != nil {
			throttle.give()
			break
		}
		wg.Add(1)
		go func() {
			defer func() { p.give(); throttle.give(); wg.Done() }()
			work(i, h)
		}()
	}
	wg.Wait()
}

// throttles are the bounds of single tasks: hosts that go ahead of each other
// share them.
type throttles struct {
	mu   sync.Mutex
	task map[*playbooks.Task]*pool
}

// of returns the bound of a task; nil when there is none.
func (t *throttles) of(task *playbooks.Task, n int) *pool {
	if n <= 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.task == nil {
		t.task = map[*playbooks.Task]*pool{}
	}
	if t.task[task] == nil {
		t.task[task] = newPool(n)
	}
	return t.task[task]
}
