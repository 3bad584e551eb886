package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sunup/lab"
)

// fleetTasks is the number of tasks of testdata/fleet.yml.
const fleetTasks = 10

// fleet measures a run on many simulated hosts. They live in this process, so
// that their cost is not counted as sunup's.
func (b *bench) fleet(n int) error {
	dir, err := os.MkdirTemp("", "sunup-bench-fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	scenario := filepath.Join(dir, "fleet.yml")
	text := fmt.Sprintf("lab: bench\nlogin: ops\nusers:\n  ops: {uid: 1000, key: true, sudo: nopasswd}\ngroups:\n  nodes:\n    hosts: node[0001:%04d]\n", n)
	if err := os.WriteFile(scenario, []byte(text), 0o644); err != nil {
		return err
	}
	s, problems := lab.LoadScenario(scenario)
	if err := problems.Err(); err != nil {
		return err
	}
	fleet, err := lab.Start(b.ctx, s)
	if err != nil {
		return err
	}
	defer fleet.Close()
	if err := fleet.WriteAccess(dir); err != nil {
		return err
	}
	var costs []cost
	for range max(b.runs/2, 1) {
		c, err := b.sunup("run", "--output", "none", "--no-report", "-i", filepath.Join(dir, "inventory.yml"), "lab/bench/testdata/fleet.yml")
		if err != nil {
			return err
		}
		costs = append(costs, c)
	}
	row(fmt.Sprintf("sunup, fleet of %d hosts x %d tasks", n, fleetTasks), "%.1f s wall (hosts simulated on the same processors)", median(costs, wall).Seconds())
	row("sunup, fleet: CPU per host and task", "%.3f ms", float64(median(costs, cpu))/float64(time.Millisecond)/float64(n*fleetTasks))
	row("sunup, fleet: peak memory", "%.0f MiB", float64(peak(costs))/(1<<20))
	return nil
}
