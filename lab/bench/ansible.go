package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// mitogenStrategies is where Debian's ansible-mitogen keeps its plugins.
const mitogenStrategies = "/usr/lib/python3/dist-packages/ansible_mitogen/plugins/strategy"

// tool is a program that runs the playbook.
type tool struct {
	name  string
	aim   float64 // how many times as fast sunup should be
	run   func() (cost, error)
	costs []cost
}

// besideAnsible runs the others and sunup in turn on the same hosts and the
// same playbook, everything to do.
func (b *bench) besideAnsible() error {
	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		leftOut("ansible-core and Mitogen", "ansible-playbook is not installed")
		return nil
	}
	s, err := newSite(b.hosts)
	if err != nil {
		return err
	}
	defer s.close()
	playbook := []string{"-i", s.inventory(), morning}
	ours := &tool{name: "sunup", run: func() (cost, error) {
		return b.sunup(append([]string{"run", "--output", "none", "--no-report"}, playbook...)...)
	}}
	tools := []*tool{ours, {name: "ansible-core", aim: 60, run: func() (cost, error) { return b.ansiblePlaybook(s, nil, playbook) }}}
	if _, err := os.Stat(mitogenStrategies); err == nil {
		env := []string{"ANSIBLE_STRATEGY_PLUGINS=" + mitogenStrategies, "ANSIBLE_STRATEGY=mitogen_linear"}
		tools = append(tools, &tool{name: "ansible-core with Mitogen", aim: 30, run: func() (cost, error) { return b.ansiblePlaybook(s, env, playbook) }})
	} else {
		leftOut("Mitogen", "ansible-mitogen is not installed")
	}
	if _, err := s.worked(ours.run); err != nil {
		return err // it warms caches
	}
	for range b.rounds {
		for _, t := range tools {
			c, err := s.worked(t.run)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			t.costs = append(t.costs, c)
		}
	}
	row("sunup, in turn with the following", seconds(median(ours.costs, wall), 0))
	for _, t := range tools[1:] {
		row(fmt.Sprintf("%s, %d hosts, %d forks, pipelining", t.name, b.hosts, b.hosts), seconds(median(t.costs, wall), 0))
		row(t.name+": its own processor time", seconds(median(t.costs, cpu), 0))
		row("sunup against "+t.name, timesAsFast(median(t.costs, wall), median(ours.costs, wall), t.aim))
	}
	leftOut("pyinfra", "not among Debian's packages")
	return nil
}

// ansiblePlaybook runs ansible-playbook once, as fast as it can: pipelining,
// and a fork for every host.
func (b *bench) ansiblePlaybook(s *site, env, args []string) (cost, error) {
	cmd := exec.CommandContext(b.ctx, "ansible-playbook", append([]string{"-f", strconv.Itoa(b.hosts)}, args...)...)
	cmd.Env = append(os.Environ(), "ANSIBLE_PIPELINING=1", "ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3",
		// A control directory of its own: connections that outlive a run would
		// spare the next one its handshakes.
		"ANSIBLE_SSH_CONTROL_PATH_DIR="+filepath.Join(s.dir, "cp"), "ANSIBLE_LOCAL_TEMP="+filepath.Join(s.dir, "ansible"))
	cmd.Env = append(cmd.Env, env...)
	defer os.RemoveAll(filepath.Join(s.dir, "cp"))
	return b.measured(cmd)
}
