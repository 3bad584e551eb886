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
	t.Module, t.Name, t.ID = gateModule, "Health of "+p.name, p.play.Pos.String()+"#health"
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

// gateModule is the module of the gate at the end of a play.
const gateModule = "sunup.builtin.health"

// isGate reports whether a task is that gate.
func isGate(t *playbooks.Task) bool { return t.Implicit && t.Module == gateModule }

// gateEach runs the gate of the play. Hosts do not wait for each other here,
// whatever the strategy: one that is up is told at once to those that need it.
func (p *playRun) gateEach(task *playbooks.Task, hosts []*host) {
	t := p.announce(task, hosts...)
	ends := make([]*taskEnd, len(hosts))
	p.run.pool.each(p.ctx, hosts, nil, func(i int, h *host) {
		if p.run.cancel.stopped() {
			return
		}
		ends[i] = t.onHost(h)
		p.settle(t, []*host{h}, ends[i:i+1])
	})
	p.breakOff(t, hosts, ends)
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

// Idle waits as idle does.
func (c *controller) Idle(ctx context.Context, d time.Duration) error { return c.x.idle(ctx, d) }

// idle waits without keeping a place in the pool, or the host from the tasks of
// other plays: what is waited for may be their work.
func (x *execution) idle(ctx context.Context, d time.Duration) error {
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
