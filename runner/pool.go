package runner

import (
	"context"
	"sync"
)

// pool bounds how many hosts work at once.
type pool struct{ slots chan struct{} }

func newPool(n int) *pool { return &pool{slots: make(chan struct{}, n)} }

func (p *pool) take(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) give() { <-p.slots }

// each calls work for every host at once, as far as the pool allows, and waits
// for all. Once ctx has ended, what has not begun is not begun.
func (p *pool) each(ctx context.Context, hosts []*host, limit int, work func(i int, h *host)) {
	var wg sync.WaitGroup
	if limit <= 0 || limit > len(hosts) {
		limit = len(hosts)
	}
	throttle := make(chan struct{}, max(limit, 1))
	for i, h := range hosts {
		throttle <- struct{}{}
		if p.take(ctx) != nil {
			<-throttle
			break
		}
		wg.Add(1)
		go func() {
			defer func() { p.give(); <-throttle; wg.Done() }()
			work(i, h)
		}()
	}
	wg.Wait()
}
