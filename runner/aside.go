package runner

import (
	"context"
	"sync"
	"time"

	"sunup/internal/say"
	"sunup/internal/value"
)

// askAgain is how often a host in quarantine is asked whether it is well: a
// person who mends a kiosk is still beside it.
const askAgain = 20 * time.Second

// watches are the goroutines that ask hosts in quarantine; the run owns them.
type watches struct {
	mu     sync.Mutex
	cancel context.CancelFunc
	ctx    context.Context
	wg     sync.WaitGroup
}

// begin starts one, unless the run is over.
func (w *watches) begin(ctx context.Context, watch func(context.Context)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx == nil {
		w.ctx, w.cancel = context.WithCancel(ctx)
	}
	if w.ctx.Err() != nil {
		return
	}
	w.wg.Go(func() { watch(w.ctx) })
}

// end stops them all and waits.
func (w *watches) end() {
	w.mu.Lock()
	if w.ctx == nil {
		w.ctx, w.cancel = context.WithCancel(context.Background())
	}
	w.cancel()
	w.mu.Unlock()
	w.wg.Wait()
}

// watchAside asks a host in quarantine for the health of its play, and takes it
// in again when the probes pass. Only plays with health can know.
func (p *playRun) watchAside(h *host) {
	if p.gate == nil {
		return
	}
	p.run.watches.begin(p.ctx, func(ctx context.Context) {
		ticker := time.NewTicker(askAgain)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
			if !h.isAside() {
				return // released by hand
			}
			if p.isWell(ctx, h) {
				r := p.run
				_, _ = r.releaseHost(h, Hand{User: r.User, From: "probe", Reason: say.T("its probes pass again", "점검을 다시 통과했습니다").String()})
				return
			}
		}
	})
}

// isWell asks each probe of the play once.
func (p *playRun) isWell(ctx context.Context, h *host) bool {
	x := (&taskRun{play: p, task: p.gate, plan: p.run.plan(p.gate)}).execution(h)
	x.ctx = ctx
	set := x.settings(h, x.scope)
	var err error
	if x.module, err = x.chooseModule(x.scope); err != nil {
		return false
	}
	in, err := x.arguments(x.scope, x.module)
	if err != nil {
		return false
	}
	args, err := x.module.Validate(x.task.Action, in)
	if err != nil {
		return false
	}
	b, cancel, err := x.moduleCall(x.scope, set, x.module, target{host: h, scope: x.scope}, args)
	if err != nil {
		return false
	}
	defer cancel()
	b.call.Check = true // ask once, wait for nothing
	result, err := x.module.Run(b.ctx, b.call)
	return err == nil && !result.Failed && value.Truth(result.Values.At("healthy"))
}

func (h *host) isAside() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.aside
}
