package runner

import (
	"context"
	"sync"

	"sunup/playbooks"
)

// pool bounds how many hosts work at once. Its goroutines stay for the next
// task: a new one for each host and task would have to grow its stack each time.
type pool struct {
	slots chan struct{}
	jobs  chan func() // taken by a goroutine that has nothing to do
	over  chan struct{}
	end   sync.Once
	crew  sync.WaitGroup
}

func newPool(n int) *pool {
	return &pool{slots: make(chan struct{}, n), jobs: make(chan func()), over: make(chan struct{})}
}

// close ends the goroutines that have nothing to do. Work that comes later is
// done all the same.
func (p *pool) close() {
	p.end.Do(func() { close(p.over) })
	p.crew.Wait()
}

// hand has job done by a goroutine of the pool.
func (p *pool) hand(job func()) {
	select {
	case p.jobs <- job:
	default:
		p.crew.Go(func() { p.work(job) })
	}
}

func (p *pool) work(job func()) {
	for {
		job()
		select {
		case job = <-p.jobs:
		case <-p.over:
			return
		}
	}
}

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
		p.hand(func() {
			defer wg.Done()
			work(i, h)
			throttle.give()
			p.give()
		})
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
