package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// bench is one invocation.
type bench struct {
	binary string
	runs   int
	// ansible is how often ansible-playbook is measured beside.
	ansible int
	ctx     context.Context
}

// cost is what one run took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes of resident memory
}

// sunup runs the command once, as a process of its own. The exit code must be
// 0: a failed run is no measurement.
func (b *bench) sunup(args ...string) (cost, error) {
	return measured(exec.CommandContext(b.ctx, b.binary, args...))
}

// ansiblePlaybook runs ansible-playbook once, as fast as ansible-core alone
// can: pipelining, and a fork for every host.
func (b *bench) ansiblePlaybook(hosts int, args ...string) (cost, error) {
	cmd := exec.CommandContext(b.ctx, "ansible-playbook", append([]string{"-f", strconv.Itoa(hosts)}, args...)...)
	cmd.Env = append(os.Environ(), "ANSIBLE_PIPELINING=1", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3")
	return measured(cmd)
}

func measured(cmd *exec.Cmd) (cost, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", cmd, err, tail(out.String()))
	}
	c := cost{wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
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

// row prints one line of the table.
func row(what string, format string, args ...any) {
	fmt.Fprintf(os.Stdout, "%-58s %s\n", what, fmt.Sprintf(format, args...))
}

// ms prints a time in milliseconds.
func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }
