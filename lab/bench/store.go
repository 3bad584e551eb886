package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/internal/store"
	"sunup/internal/value"
)

// The run that is stored: as large as the largest that we promise.
const (
	recordHosts = 5000
	recordTasks = 50
)

// stored measures the store by itself, and a run of many hosts with and without
// it.
func (b *bench) stored() error {
	if err := b.storeEvents(); err != nil {
		return err
	}
	return b.recordedFleet(1000, 1, max(b.runs, 3))
}

// recordedLarge is the largest run that we promise, with and without a record.
func (b *bench) recordedLarge() error {
	return b.recordedFleet(recordHosts, recordTasks/fleetTasks, max(b.runs/3, 1))
}

// storeEvents writes the events of a run as fast as the disk takes them.
func (b *bench) storeEvents() error {
	dir, err := os.MkdirTemp("", "sunup-bench-store-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(b.ctx, dir, "")
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := s.Record(b.ctx, "bench", nil)
	if err != nil {
		return err
	}
	began, cpu, n := time.Now(), ownCPU(), int64(0)
	emit := func(d event.Data) {
		n++
		r.Emit(event.New(n, time.Now(), d))
	}
	emit(event.RunStarted{RunID: "bench", Playbooks: []string{"bench.yml"}})
	for task := range recordTasks {
		for host := range recordHosts {
			emit(event.HostTaskEnded{
				Task: task, Host: fmt.Sprintf("node%04d", host), Outcome: event.Changed, Began: began, Took: 40 * time.Millisecond,
				Result: event.Result{Values: value.NewDict("changed", true, "cmd", "systemctl start kiosk", "rc", 0, "stdout", "started", "stderr", "",
					"start", "2026-11-21 08:30:00.000000", "end", "2026-11-21 08:30:00.040000", "delta", "0:00:00.040000")},
			})
		}
	}
	emit(event.RunEnded{Outcome: event.OK})
	if err := r.Close(); err != nil {
		return err
	}
	wall, used := time.Since(began), ownCPU()-cpu
	audit, err := s.Verify(b.ctx, "")
	if err != nil {
		return err
	}
	if len(audit.Findings) > 0 || audit.Events != n {
		return fmt.Errorf("the record is not whole: %d events, %d findings", audit.Events, len(audit.Findings))
	}
	row(fmt.Sprintf("store: events of %d hosts x %d tasks per second", recordHosts, recordTasks), figure{value: float64(n) / wall.Seconds(), unit: "1/s", atLeast: true})
	row("store: processor time per event", figure{value: float64(used) / float64(time.Microsecond) / float64(n), unit: "us"})
	return nil
}

// recordedFleet runs the morning of the fleet so many times over, with and
// without a record in turn.
func (b *bench) recordedFleet(n, times, runs int) error {
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
	state := os.Getenv("SUNUP_STATE")
	defer os.Setenv("SUNUP_STATE", state)
	if err := os.Setenv("SUNUP_STATE", filepath.Join(dir, "state")); err != nil {
		return err
	}
	args := []string{"run", "--output", "none", "--no-report", "-i", filepath.Join(dir, "inventory.yml"), filepath.Join(dir, "morning.yml")}
	if err := repeatMorning(filepath.Join(dir, "morning.yml"), times); err != nil {
		return err
	}
	var with, without []cost
	for range runs {
		c, err := b.sunup(args...)
		if err != nil {
			return err
		}
		with = append(with, c)
		if c, err = b.sunup(append(args, "--no-record")...); err != nil {
			return err
		}
		without = append(without, c)
	}
	tasks := fleetTasks * times
	size := fmt.Sprintf("a run of %d hosts x %d tasks", n, tasks)
	more := float64(median(with, wall)-median(without, wall)) / float64(median(without, wall)) * 100
	row(size+", recorded: longer by", figure{value: more, aim: 2, unit: "%"})
	extra := median(with, cpu) - median(without, cpu)
	row(size+", recorded: processor time more per host and task", figure{value: float64(extra) / float64(time.Microsecond) / float64(n*tasks), unit: "us"})
	return nil
}

// repeatMorning writes a playbook that does fleet.yml so many times.
func repeatMorning(file string, times int) error {
	morning, err := filepath.Abs("lab/bench/testdata/fleet.yml")
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strings.Repeat("- import_playbook: "+morning+"\n", times)), 0o644)
}
