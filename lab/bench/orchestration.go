package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"sunup/internal/event"
	"sunup/lab"
)

const morningSample = "playbooks/samples/morning-startup"

// authority measures the morning of a whole racing authority, in the order of
// the graph and in Ansible's. Its services are a minute for each second.
func (b *bench) authority() error {
	scenario := filepath.Join(morningSample, "authority.yml")
	for _, m := range []struct {
		what, book string
		code       int
		aim        float64
	}{
		{"morning of an authority (225 hosts), by the graph, scaled minutes", "site.yml", 10, 30},
		{"the same steps in Ansible's order, scaled minutes", "plain.yml", 2, 0},
	} {
		dir, err := os.MkdirTemp("", "sunup-bench-morning-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := b.ended(m.code, "lab", "demo", "--scenario", scenario, "--output", "none", "--report", dir, filepath.Join(morningSample, m.book)); err != nil {
			return err
		}
		took, err := tookOf(filepath.Join(dir, "report.json"))
		if err != nil {
			return err
		}
		row(m.what, figure{value: took.Seconds(), aim: m.aim, unit: "min"})
	}
	return nil
}

// ended runs the command and expects an exit code.
func (b *bench) ended(code int, args ...string) error {
	cmd := exec.CommandContext(b.ctx, b.binary, args...)
	cmd.Env = append(os.Environ(), "SUNUP_STATE="+os.TempDir()+"/sunup-bench-state")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		return fmt.Errorf("%s: %w\n%s", cmd, errors.Join(err, fmt.Errorf("exit code %d was expected", code)), tail(string(out)))
	}
	return nil
}

func tookOf(report string) (time.Duration, error) {
	src, err := os.ReadFile(report)
	if err != nil {
		return 0, err
	}
	var r struct {
		TookMS int64 `json:"took_ms"`
	}
	err = json.Unmarshal(src, &r)
	return time.Duration(r.TookMS) * time.Millisecond, err
}

// preflights measures a look at 1,000 hosts.
func (b *bench) preflights() error {
	dir, err := os.MkdirTemp("", "sunup-bench-preflight-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fleet, err := b.startFleet(dir, 1000)
	if err != nil {
		return err
	}
	defer fleet.Close()
	c, err := b.sunup("preflight", "--host-limit", "30s", "-i", filepath.Join(dir, "inventory.yml"), "lab/bench/testdata/fleet.yml")
	if err != nil {
		return err
	}
	row("preflight of 1,000 hosts", seconds(c.wall, 10))
	return nil
}

// sickHosts measures what a hung, a slow and a flooding host do to 497 others
// that go by themselves.
func (b *bench) sickHosts() error {
	var best [2]time.Duration
	var peaks [2]int64
	for range 3 {
		for i, faults := range []string{"", "hosts:\n  node0100: {fault: {silent: true}}\n  node0200: {fault: {rate: 1}}\n  node0300: {fault: {flood: 64M}}\n"} {
			took, peak, err := b.others(faults)
			if err != nil {
				return err
			}
			if best[i] == 0 || took < best[i] {
				best[i], peaks[i] = took, peak
			}
		}
	}
	row("497 hosts beside a hung, a 1 byte/s and a flooding one, to without", times(best[1], best[0], 1.05))
	row("the same: peak memory", mebibytes(peaks[1], 512))
	return nil
}

// others runs a free play on 500 hosts and returns when the last of those that
// are never sick was done.
func (b *bench) others(faults string) (time.Duration, int64, error) {
	dir, err := os.MkdirTemp("", "sunup-bench-sick-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	scenario := "lab: bench\nlogin: ops\nusers:\n  ops: {uid: 1000, key: true, sudo: nopasswd}\ngroups:\n  nodes:\n    hosts: node[0001:0500]\n" + faults
	book := "- hosts: nodes\n  gather_facts: false\n  strategy: free\n  quarantine: true\n  vars: {ansible_timeout: 5, ansible_command_timeout: 15}\n  tasks:\n"
	for i := range 10 {
		book += fmt.Sprintf("    - command: echo %d\n", i)
	}
	for name, text := range map[string]string{"fleet.yml": scenario, "site.yml": book} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return 0, 0, err
		}
	}
	s, problems := lab.LoadScenario(filepath.Join(dir, "fleet.yml"))
	if err := problems.Err(); err != nil {
		return 0, 0, err
	}
	fleet, err := lab.Start(b.ctx, s)
	if err != nil {
		return 0, 0, err
	}
	defer fleet.Close()
	if err := fleet.WriteAccess(dir); err != nil {
		return 0, 0, err
	}
	events := filepath.Join(dir, "events.jsonl")
	cmd := exec.CommandContext(b.ctx, b.binary, "run", "--output", "none", "--no-report", "--no-record", "--events", events, "-i", filepath.Join(dir, "inventory.yml"), filepath.Join(dir, "site.yml"))
	_, err = b.measured(cmd)
	if cmd.ProcessState == nil || err != nil && cmd.ProcessState.ExitCode() != 10 { // 10: the sick ones are set aside
		return 0, 0, err
	}
	var peak int64
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = u.Maxrss * 1024
	}
	took, err := lastGood(events)
	return took, peak, err
}

// lastGood is when the last task of a host that is never sick ended, after the
// run's start.
func lastGood(path string) (time.Duration, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sick := map[string]bool{"node0100": true, "node0200": true, "node0300": true}
	var began, last time.Time
	in := bufio.NewScanner(f)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event.Event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			continue
		}
		if began.IsZero() {
			began = e.Time
		}
		if d, ok := e.Data.(event.HostTaskEnded); ok && !sick[d.Host] {
			last = e.Time
		}
	}
	return last.Sub(began), in.Err()
}

var percentOf = regexp.MustCompile(`median ([0-9.]+) %, 95th ([0-9.]+) %`)
var worstOf = regexp.MustCompile(`worst ([0-9.]+) of 200 graphs`)

// graphs prints what the property tests of scheduling and forecasts measure.
func (b *bench) graphs() error {
	for _, m := range []struct {
		what, test, dir string
		find            *regexp.Regexp
		group           int
		aim             float64
		unit            string
	}{
		{"makespan to critical path, worst of 200 random graphs", "TestMakespan", "./runner", worstOf, 1, 1.02, "times"},
		{"error of the projected finish from 40 % of the run on, 95th of 200", "TestProjectionOnReplays", "./internal/forecast", percentOf, 2, 10, "%"},
	} {
		out, err := exec.CommandContext(b.ctx, "go", "test", "-count=1", "-v", "-run", m.test+"$", m.dir).CombinedOutput()
		found := m.find.FindSubmatch(out)
		if err != nil || found == nil {
			return fmt.Errorf("%s: %w\n%s", m.test, errors.Join(err, errors.New("no figure")), tail(string(out)))
		}
		value, err := strconv.ParseFloat(string(found[m.group]), 64)
		if err != nil {
			return err
		}
		row(m.what, figure{value: value, aim: m.aim, unit: m.unit})
	}
	return nil
}
