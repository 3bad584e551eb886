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

// fleets measures runs on many simulated hosts.
func (b *bench) fleets() error {
	if err := b.fleet(1000, max(b.runs/2, 1), 0, 0); err != nil {
		return err
	}
	return b.fleet(5000, 1, 60, 1024)
}

// fleet measures runs on n simulated hosts. They live in this process, so that
// their cost is not counted as sunup's. Aims are in seconds and MiB.
func (b *bench) fleet(n, runs int, aimWall, aimPeak float64) error {
	dir, err := os.MkdirTemp("", "sunup-bench-fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fleet, err := b.startFleet(dir, n)
	if err != nil {
		return err
	}
	defer fleet.Close()
	var costs []cost
	for range runs {
		c, err := b.sunup("run", "--output", "none", "--no-report", "-i", filepath.Join(dir, "inventory.yml"), "lab/bench/testdata/fleet.yml")
		if err != nil {
			return err
		}
		costs = append(costs, c)
	}
	size := fmt.Sprintf("fleet of %d hosts x %d tasks", n, fleetTasks)
	row(size+" (hosts on the same processors)", seconds(median(costs, wall), aimWall))
	row(size+": processor time per host and task", millis(median(costs, cpu)/time.Duration(n*fleetTasks), 0.5))
	row(size+": peak memory", mebibytes(peak(costs), aimPeak))
	return nil
}

// startFleet starts n equal simulated hosts and writes their inventory.
func (b *bench) startFleet(dir string, n int) (*lab.Fleet, error) {
	scenario := filepath.Join(dir, "fleet.yml")
	text := fmt.Sprintf("lab: bench\nlogin: ops\nusers:\n  ops: {uid: 1000, key: true, sudo: nopasswd}\ngroups:\n  nodes:\n    hosts: node[0001:%04d]\n", n)
	if err := os.WriteFile(scenario, []byte(text), 0o644); err != nil {
		return nil, err
	}
	s, problems := lab.LoadScenario(scenario)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	fleet, err := lab.Start(b.ctx, s)
	if err != nil {
		return nil, err
	}
	return fleet, fleet.WriteAccess(dir)
}
