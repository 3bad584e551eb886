package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sunup/internal/event"
	"sunup/internal/value"
	"sunup/reports"
)

// The size of the run whose reports are measured.
const (
	reportHosts = 5000
	reportTasks = 20
)

// writerAims are the seconds that a format should not take.
var writerAims = map[string]float64{"html": 5, "json": 5, "csv": 5, "xlsx": 10}

// writers measures each report format on a recorded run of 5,000 hosts x 20
// tasks: reading the events, folding them and writing the files.
func (b *bench) writers() error {
	dir, err := os.MkdirTemp("", "sunup-bench-writers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	events := filepath.Join(dir, "events.jsonl")
	if err := recordLargeRun(events); err != nil {
		return err
	}
	for _, format := range reports.Formats() {
		out := filepath.Join(dir, format)
		var costs []cost
		for range max(b.runs/2, 1) {
			c, err := b.sunup("report", events, "-f", format, "-o", out)
			if err != nil {
				return err
			}
			costs = append(costs, c)
		}
		size, err := sizeOf(out)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("report %s, %d hosts x %d tasks", format, reportHosts, reportTasks)
		row(what, seconds(median(costs, wall), writerAims[format]))
		row(what+": processor time", seconds(median(costs, cpu), 0))
		row(what+": peak memory", mebibytes(peak(costs), 0))
		row(what+": size", figure{value: float64(size) / 1e6, unit: "MB"})
	}
	return nil
}

func sizeOf(dir string) (size int64, err error) {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return 0, err
		}
		size += info.Size()
	}
	return size, err
}

// recordLargeRun writes the events of a run as sunup records them: one host in
// fifty fails, a fifth of the steps change something.
func recordLargeRun(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := bufio.NewWriter(f)
	w := event.NewWriter(buf)
	r := recorder{w: w, at: time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC), gone: map[string]bool{}}
	r.run()
	if err := w.Close(); err != nil {
		return err
	}
	return buf.Flush()
}

type recorder struct {
	w    *event.Writer
	seq  int64
	at   time.Time
	gone map[string]bool
}

func (r *recorder) emit(d event.Data) {
	r.seq++
	r.at = r.at.Add(time.Millisecond)
	r.w.Emit(event.New(r.seq, r.at, d))
}

func (r *recorder) run() {
	hosts, zones := make([]string, reportHosts), map[string]string{}
	for i := range hosts {
		hosts[i] = fmt.Sprintf("kiosk-%04d", i)
		zones[hosts[i]] = fmt.Sprintf("zone %c", 'A'+i*10/reportHosts)
	}
	r.emit(event.RunStarted{RunID: "20261121-083000-bench", Version: "bench", Playbooks: []string{"large.yml"}, Forks: 256, User: "bench", Node: "bench"})
	r.emit(event.PlayStarted{Name: "Kiosks", Hosts: hosts, Zones: zones})
	for t := range reportTasks {
		r.emit(event.TaskStarted{Task: t + 1, ID: fmt.Sprint("0/", t), Name: fmt.Sprintf("Step %d of the morning", t+1), Module: "ansible.builtin.command", Action: "command", Section: event.Tasks})
		for i, h := range hosts {
			if !r.gone[h] {
				r.result(t, i, h)
			}
		}
	}
	r.emit(event.PlayEnded{Outcome: event.Failed})
	r.emit(event.RunEnded{Outcome: event.Failed, ExitCode: 2})
}

func (r *recorder) result(task, i int, host string) {
	d := event.HostTaskEnded{Task: task + 1, Host: host, Outcome: event.OK, Began: r.at, Took: time.Duration(20+(i*7+task*13)%400) * time.Millisecond}
	d.Result.Values = value.NewDict("changed", false, "rc", 0, "stdout", "fine on "+host, "stderr", "", "cmd", "check --all")
	switch {
	case i%50 == 7 && task == i/50%reportTasks:
		d.Outcome = event.Failed
		d.Result.Values = value.NewDict("changed", false, "rc", 1, "stdout", "", "stderr", "bind: Address already in use", "msg", "non-zero return code", "cmd", "check --all")
		r.gone[host] = true
	case task%5 == 1:
		d.Outcome = event.Changed
		d.Result.Values.Set("changed", true)
	}
	r.emit(d)
	if r.gone[host] {
		r.emit(event.HostLost{Host: host, Outcome: event.Failed})
	}
}
