package main

import (
	"os"
	"os/exec"
	"time"
)

// recorded measures what the record costs: every step waits until its intent is
// on disk before it is sent. Runs with and without take turns.
func (b *bench) recorded() error {
	s, err := newSite(b.hosts)
	if err != nil {
		return err
	}
	defer s.close()
	state, err := os.MkdirTemp("", "sunup-bench-state-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	run := func(more ...string) (cost, error) {
		args := append([]string{"run", "--output", "plain", "--no-report", "-i", s.inventory()}, more...)
		cmd := exec.CommandContext(b.ctx, b.binary, append(args, morning)...)
		cmd.Env = append(os.Environ(), "SUNUP_STATE="+state)
		return b.measured(cmd)
	}
	var with, without []cost
	for i := range b.runs + 1 {
		w, err := s.worked(func() (cost, error) { return run() })
		if err != nil {
			return err
		}
		wo, err := s.worked(func() (cost, error) { return run("--no-record") })
		if err != nil {
			return err
		}
		if i > 0 { // the first round warms caches
			with, without = append(with, w), append(without, wo)
		}
	}
	row("recorded, everything to do", seconds(median(with, wall), 0))
	row("not recorded, everything to do", seconds(median(without, wall), 0))
	row("wall time of the record", times(median(with, wall), median(without, wall), 1.05))
	row("processor time of the record, per host and task", millis(max(0, median(with, cpu)-median(without, cpu))/time.Duration(morningTasks*len(s.servers)), 0.2))
	return nil
}
