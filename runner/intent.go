package runner

import (
	"fmt"
	"sync"

	"sunup/internal/event"
	"sunup/internal/value"
	"sunup/modules"
)

// intend says that the module is about to be sent to a host, and returns when
// that is on record. What is sent without it could not be told from what was
// never sent, if we were killed now.
func (x *execution) intend(c *modules.Call, job string) error {
	if x.run_.Commit == nil || x.module.Controller || x.past != nil {
		return nil
	}
	began := event.HostTaskBegan{Task: x.number, Host: x.host.name, Index: x.item, Safe: x.mayRepeat(c), Job: job}
	if x.task.Until != nil {
		began.Attempt = x.attempts
	}
	x.run_.stream.emit(began)
	if err := x.run_.Commit(x.ctx); err != nil {
		if x.ctx.Err() == nil {
			x.run_.recordLost(err)
		}
		return errStopping
	}
	return nil
}

// recordLost stops the run: what cannot be recorded is not done.
func (r *Run) recordLost(err error) {
	r.lostRecord.set(fmt.Errorf("the record of the run cannot be written: %w", err))
	r.Stop()
}

// firstError keeps the first error that is set.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// mayRepeat reports whether sending the module twice does no harm.
func (x *execution) mayRepeat(c *modules.Call) bool {
	if c.Check || x.module.Controller {
		return true
	}
	if safe, err := x.settings(x.host, x.scope).bool("retry_safe", false); err == nil && safe {
		return true
	}
	return x.module.Idempotent && !actsEachTime(c.Args.All())
}

// actsEachTime reports whether arguments of an idempotent module ask for
// something that happens at each call: a service restarts twice.
func actsEachTime(args *value.Dict) bool {
	switch args.At("state") {
	case "restarted", "reloaded":
		return true
	}
	return false
}
