package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// bench is one invocation.
type bench struct {
	ctx    context.Context
	binary string
	hosts  int // real sshd servers
	runs   int
	// rounds is how often ansible-playbook is measured beside.
	rounds int
	// mornings is where recorded mornings are kept; "" keeps none.
	mornings string
	meter    *meter
}

// cost is what one run took.
type cost struct {
	wall, cpu time.Duration
	all       time.Duration // processor time of the hosts too
	peak      int64         // bytes of resident memory
}

// sunup runs the command once, as a process of its own. The exit code must be
// 0: a failed run is no measurement.
func (b *bench) sunup(args ...string) (cost, error) {
	return b.measured(exec.CommandContext(b.ctx, b.binary, args...))
}

func (b *bench) measured(cmd *exec.Cmd) (cost, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began, all := time.Now(), b.meter.read()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", cmd, err, tail(out.String()))
	}
	c := cost{wall: time.Since(began), all: b.meter.read() - all, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = u.Maxrss * 1024
	}
	return c, nil
}

func tail(s string) string {
	if len(s) > 4000 {
		return "..." + s[len(s)-4000:]
	}
	return s
}

// median of one figure over several runs.
func median(costs []cost, of func(cost) time.Duration) time.Duration {
	all := make([]time.Duration, len(costs))
	for i, c := range costs {
		all[i] = of(c)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func wall(c cost) time.Duration { return c.wall }
func cpu(c cost) time.Duration  { return c.cpu }
func all(c cost) time.Duration  { return c.all }

// peak is the smallest of the peaks: the kernel counts what this process held
// when it started the command too, so that each is an upper bound.
func peak(costs []cost) int64 {
	least := costs[0].peak
	for _, c := range costs {
		least = min(least, c.peak)
	}
	return least
}

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
