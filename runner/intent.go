package runner

import (
	"fmt"
	"sync"

	"sunup/internal/event"
	"sunup/internal/jinja"
	"sunup/internal/value"
	"sunup/modules"
)

// intend says that the module is about to be sent to a host, and returns when
// that is on record. What is sent without it could not be told from what was
// never sent, if we were killed now. What may be sent twice needs none: it is
// simply sent again.
func (x *execution) intend(c *modules.Call, job string) error {
	if x.run_.Commit == nil || x.past != nil || job == "" && x.mayRepeat(c) {
		return nil
	}
	began := event.HostTaskBegan{Task: x.number, Host: x.host.name, Index: x.item, Safe: x.mayRepeat(c), Job: job}
	if x.task.Until != nil {
		began.Attempt = x.attempts
	}
	x.intended.Store(true)
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
	return c.Check || x.markedSafe() || x.module.Idempotent && !actsEachTime(c.Args.All())
}

// mightRepeat is what is known of that without the call: by the arguments as
// they are written.
func (x *execution) mightRepeat() bool {
	return x.module != nil && (x.run_.Check || x.markedSafe() || x.module.Idempotent && !actsEachTime(x.task.Args) && x.task.ArgsTemplate == "")
}

// markedSafe reports whether the module touches no host, or the task is
// retry_safe.
func (x *execution) markedSafe() bool {
	if x.module.Controller {
		return true
	}
	safe, err := x.settings(x.host, x.scope).bool("retry_safe", false)
	return err == nil && safe
}

// actsEachTime reports whether arguments of an idempotent module ask for
// something that happens at each call, or may do so: a service restarts twice.
func actsEachTime(args *value.Dict) bool {
	state, _ := args.At("state").(string)
	return state == "restarted" || state == "reloaded" || jinja.HasTemplate(state)
}
