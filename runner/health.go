package runner

import (
	"context"
	"errors"
	"time"

	"sunup/internal/event"
	"sunup/internal/health"
	"sunup/internal/value"
	"sunup/internal/yaml"
	"sunup/modules"
	"sunup/playbooks"
)

// healthTask is the gate at the end of a play: a host is up when its probes
// pass. It is nil for a play without health.
func (p *playRun) healthTask() *playbooks.Task {
	n := p.play.Ours.Health
	if n == nil || (n.Kind == yaml.Scalar && n.Scalar == nil) || (n.Kind == yaml.Sequence && len(n.Items) == 0) {
		return nil
	}
	t := p.implicitTask("health", value.NewDict())
	t.Module, t.Name, t.ID = "sunup.builtin.health", "Health of "+p.name, p.play.Pos.String()+"#health"
	t.Pos, t.ArgsNode = n.Pos, n
	if n.Kind == yaml.Mapping {
		if d, ok := n.Value().(*value.Dict); ok {
			t.Args = d
		}
	} else {
		t.Args.Set("probes", n.Value())
	}
	// Every host must be up itself, whatever the play says of its tasks.
	t.Keywords = playbooks.Keywords{"run_once": {Name: "run_once", Pos: n.Pos, Node: n, Value: false}}
	return t
}

var (
	_ modules.ProbeWatcher = (*controller)(nil)
	_ modules.Idler        = (*controller)(nil)
)

// ProbeChanged tells of a probe that is waited for.
func (c *controller) ProbeChanged(change health.Change) {
	c.x.run_.stream.emit(event.Probe{
		Play: c.x.play.number, Host: c.x.host.name, Probe: change.Probe, Passed: change.Passed, Reason: change.Reason, Tries: change.Tries,
	})
}

// errStopping ends the wait of a gate when the run is asked to stop.
var errStopping = errors.New("the run is being stopped")

// Idle waits without keeping a place in the pool, or the host from the tasks of
// other plays: what a gate waits for may be their work.
func (c *controller) Idle(ctx context.Context, d time.Duration) error {
	x := c.x
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer x.run_.cancel.onStop(stop)()
	if x.run_.cancel.stopped() {
		return errStopping
	}
	x.run_.pool.give()
	x.host.working.Unlock()
	defer func() {
		// The place first, as everywhere: two orders could wait for each other.
		x.run_.pool.slots <- struct{}{}
		x.host.working.Lock()
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		if x.run_.cancel.stopped() {
			return errStopping
		}
		return ctx.Err()
	}
}
