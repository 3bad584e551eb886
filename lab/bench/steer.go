package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sunup/internal/event"
	"sunup/lab"
)

// steeredFleet has a host that hangs at login, one that sends a byte a second,
// one that floods, and one that fails until it is mended.
const steeredFleet = `lab: bench
login: ops
users:
  ops: {uid: 1000, key: true, sudo: nopasswd}
groups:
  nodes:
    hosts: node[0001:0500]
hosts:
  node0100: {fault: {silent: true}}
  node0200: {fault: {rate: 1}}
  node0300: {fault: {flood: 64M}}
`

// steering is a run of 500 hosts that takes orders.
type steering struct {
	b      *bench
	dir    string
	fleet  *lab.Fleet
	run    *exec.Cmd
	events string
}

// orders measures how soon a run of 500 hosts, some of which hang, does what
// 'sunup ctl' asks: from the start of the command until the run has done it.
func (b *bench) orders() error {
	s, err := b.startSteering()
	if err != nil {
		return err
	}
	defer s.close()
	mend := func() error {
		h := s.fleet.Host("node0400")
		return h.WriteFile("/tmp/mended", nil, 0o644)
	}
	aside := func() error {
		_, err := s.order("quarantine", "node0005", ends("node0005"))
		return err
	}
	for _, o := range []struct {
		order, host string
		before      func() error
		acted       func(event.Event, *time.Time) bool
	}{
		{"pause", "", nil, nil},
		{"resume", "", nil, begins("")},
		{"skip", "node0100", nil, ends("node0100")},
		{"quarantine", "node0200", nil, ends("node0200")},
		{"release", "node0005", aside, begins("node0005")},
		{"retry", "node0400", mend, begins("node0400")},
		{"cancel", "", nil, nil},
	} {
		if o.before != nil {
			if err := o.before(); err != nil {
				return err
			}
		}
		took, err := s.order(o.order, o.host, o.acted)
		if err != nil {
			return fmt.Errorf("%s: %w", o.order, err)
		}
		row("sunup ctl "+o.order+", 500 hosts of which three are sick", seconds(took, 2))
	}
	return nil
}

// begins is when a host (any when empty) begins a step behind the order.
func begins(host string) func(event.Event, *time.Time) bool {
	return func(e event.Event, at *time.Time) bool {
		var began time.Time
		var on string
		switch d := e.Data.(type) {
		case event.HostTaskBegan:
			began, on = e.Time, d.Host
		case event.HostTaskEnded:
			began, on = d.Began, d.Host
		}
		if began.IsZero() || began.Before(*at) || host != "" && on != host {
			return false
		}
		*at = began
		return true
	}
}

// ends is when what a host was doing has ended.
func ends(host string) func(event.Event, *time.Time) bool {
	return func(e event.Event, at *time.Time) bool {
		d, ok := e.Data.(event.HostTaskEnded)
		if !ok || d.Host != host {
			return false
		}
		*at = e.Time
		return true
	}
}

func (b *bench) startSteering() (*steering, error) {
	dir, err := os.MkdirTemp("", "sunup-bench-steer-")
	if err != nil {
		return nil, err
	}
	s := &steering{b: b, dir: dir, events: filepath.Join(dir, "events.jsonl")}
	book := "- hosts: nodes\n  gather_facts: false\n  strategy: free\n  vars: {ansible_timeout: 600}\n  tasks:\n" +
		"    - shell: test $(hostname) != node0400 || test -e /tmp/mended\n" + strings.Repeat("    - shell: sleep 1\n", 60)
	for name, text := range map[string]string{"fleet.yml": steeredFleet, "site.yml": book} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	scenario, problems := lab.LoadScenario(filepath.Join(dir, "fleet.yml"))
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if s.fleet, err = lab.Start(b.ctx, scenario); err != nil {
		return nil, err
	}
	if err := s.fleet.WriteAccess(dir); err != nil {
		return nil, err
	}
	s.run = s.command("run", "--output", "none", "--no-report", "-f", "500", "--events", s.events, "-i", filepath.Join(dir, lab.InventoryFile), filepath.Join(dir, "site.yml"))
	if err := s.run.Start(); err != nil {
		return nil, err
	}
	// All that can be at work are, and the one that fails has failed.
	_, err = s.await(func(e event.Event) bool {
		d, ok := e.Data.(event.HostTaskEnded)
		return ok && d.Host == "node0400"
	})
	time.Sleep(3 * time.Second)
	return s, err
}

func (s *steering) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(s.b.ctx, s.b.binary, args...)
	cmd.Env = append(os.Environ(), "SUNUP_STATE="+filepath.Join(s.dir, "state"), "CI=1")
	return cmd
}

// order gives an order and returns how long it took to be done.
func (s *steering) order(order, host string, acted func(event.Event, *time.Time) bool) (time.Duration, error) {
	args := []string{"ctl", "last", order}
	if host != "" {
		args = append(args, host)
	}
	began := time.Now()
	if out, err := s.command(args...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	done := began
	if acted == nil { // nothing new begins: the last that did
		time.Sleep(3 * time.Second)
		s.read(func(e event.Event) bool {
			if _, ok := e.Data.(event.Steered); ok && e.Time.After(began) {
				done = e.Time
			}
			if d, ok := e.Data.(event.HostTaskEnded); ok && d.Began.After(done) {
				done = d.Began
			}
			return false
		})
		return done.Sub(began), nil
	}
	_, err := s.await(func(e event.Event) bool { return e.Time.After(began) && acted(e, &done) })
	return done.Sub(began), err
}

// await waits for an event.
func (s *steering) await(wanted func(event.Event) bool) (event.Event, error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if e, found := s.read(wanted); found {
			return e, nil
		}
	}
	return event.Event{}, errors.New("nothing happened for a minute")
}

// read looks through the events so far.
func (s *steering) read(wanted func(event.Event) bool) (event.Event, bool) {
	f, err := os.Open(s.events)
	if err != nil {
		return event.Event{}, false
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 256<<20)
	for in.Scan() {
		var e event.Event
		if json.Unmarshal(in.Bytes(), &e) == nil && wanted(e) {
			return e, true
		}
	}
	return event.Event{}, false
}

func (s *steering) close() {
	if s.run != nil && s.run.Process != nil {
		_ = s.run.Process.Kill()
		_ = s.run.Wait()
	}
	if s.fleet != nil {
		s.fleet.Close()
	}
	os.RemoveAll(s.dir)
}
