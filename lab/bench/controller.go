package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"sunup/internal/collector"
	"sunup/internal/connection"
	"sunup/internal/connection/ssh"
	"sunup/internal/jinja"
	"sunup/internal/value"
)

// startUp measures what the command costs before it has anything to do.
func (b *bench) startUp() error {
	dir, err := os.MkdirTemp("", "sunup-bench-start-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	empty := filepath.Join(dir, "empty.yml")
	if err := os.WriteFile(empty, []byte("- hosts: localhost\n  gather_facts: false\n"), 0o644); err != nil {
		return err
	}
	for _, r := range []struct {
		what string
		aim  float64
		args []string
	}{
		{"sunup --version", 20, []string{"--version"}},
		{"sunup run of an empty play", 50, []string{"run", "--output", "none", "-i", "localhost,", "--report", filepath.Join(dir, "report"), empty}},
	} {
		costs, err := b.repeat(4*b.runs, r.args...)
		if err != nil {
			return err
		}
		row(r.what, millis(median(costs, wall), r.aim))
	}
	return nil
}

// repeat measures the same command several times, after one that warms caches.
func (b *bench) repeat(n int, args ...string) ([]cost, error) {
	var costs []cost
	for i := range n + 1 {
		c, err := b.sunup(args...)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			costs = append(costs, c)
		}
	}
	return costs, nil
}

// Size of the large inventory: 25,980 items are in the care of the local
// governments' common base.
const (
	largeHosts  = 26000
	largeGroups = 500
)

func (b *bench) largeInventory() error {
	dir, err := os.MkdirTemp("", "sunup-bench-inventory-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeLargeInventory(dir); err != nil {
		return err
	}
	ini, play := filepath.Join(dir, "hosts.ini"), filepath.Join(dir, "play.yml")
	list, err := b.repeat(b.runs, "inventory", "-i", ini, "--list")
	if err != nil {
		return err
	}
	pattern, err := b.repeat(b.runs, "run", "-i", ini, "--list-hosts", play)
	if err != nil {
		return err
	}
	size := fmt.Sprintf("%d hosts in %d groups with group_vars", largeHosts, largeGroups)
	row(size+": --list", seconds(median(list, wall), 1))
	row(size+": a pattern", seconds(median(pattern, wall), 1))
	row(size+": peak memory of --list", mebibytes(peak(list), 0))
	return nil
}

func writeLargeInventory(dir string) error {
	var ini strings.Builder
	for g := range largeGroups {
		fmt.Fprintf(&ini, "[g%03d]\nhost%05d ansible_host=10.%d.0.1 rack=%d\n", g, g*largeHosts/largeGroups, g%250, g)
		for h := g*largeHosts/largeGroups + 1; h < (g+1)*largeHosts/largeGroups; h++ {
			fmt.Fprintf(&ini, "host%05d\n", h)
		}
	}
	vars := filepath.Join(dir, "group_vars")
	if err := os.MkdirAll(vars, 0o755); err != nil {
		return err
	}
	for g := range largeGroups {
		text := fmt.Sprintf("zone: z%d\nports: [80, 443, %d]\nservice: {name: svc%d, level: 3}\n", g%12, 8000+g, g)
		if err := os.WriteFile(filepath.Join(vars, fmt.Sprintf("g%03d.yml", g)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "play.yml"), []byte("- hosts: g1*:&all:!g101\n  tasks: []\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "hosts.ini"), []byte(ini.String()), 0o644)
}

// templates renders one configuration for 100 hosts here and with Python's
// jinja2, by the benchmark that internal/jinja has and its twin in Python.
func (b *bench) templates() error {
	python, err := exec.LookPath("/usr/bin/python3")
	if err == nil {
		err = exec.Command(python, "-c", "import jinja2").Run()
	}
	if err != nil {
		leftOut("templates beside Python's jinja2", "python3-jinja2 is not installed")
		return nil
	}
	theirs, err := pythonRendering(python)
	if err != nil {
		return err
	}
	ours, err := b.rendering()
	if err != nil {
		return err
	}
	row("a configuration of 100 hosts, rendered", millis(ours, 0))
	row("the same by Python's jinja2", millis(theirs, 0))
	row("templates against Python's jinja2", timesAsFast(theirs, ours, 20))
	return nil
}

// pythonRendering is the processor time of one rendering by Python.
func pythonRendering(python string) (time.Duration, error) {
	out, err := exec.Command(python, jinjaData+"bench.py").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("bench.py: %w\n%s", err, tail(string(out)))
	}
	var bytes int
	var micros float64
	if _, err := fmt.Sscanf(string(out), "%d bytes %g us", &bytes, &micros); err != nil {
		return 0, fmt.Errorf("bench.py: no time in %q: %w", tail(string(out)), err)
	}
	return time.Duration(micros * float64(time.Microsecond)), nil
}

const jinjaData = "internal/jinja/testdata/"

// rendering is the processor time of one rendering here, with garbage collected
// as the command does.
func (b *bench) rendering() (time.Duration, error) {
	source, err := os.ReadFile(jinjaData + "haproxy.j2")
	if err != nil {
		return 0, err
	}
	data, err := os.ReadFile(jinjaData + "haproxy.json")
	if err != nil {
		return 0, err
	}
	variables, err := value.ParseJSON(data)
	if err != nil {
		return 0, err
	}
	scope := jinja.MapScope{}
	for k, v := range variables.(*value.Dict).All() {
		scope[k.(string)] = v
	}
	t, err := jinja.NewEnv().Compile("haproxy.j2", string(source))
	if err != nil {
		return 0, err
	}
	collector.Allow(collector.Allowance)
	const renderings = 3000
	best := time.Duration(0)
	for range 3 {
		began := ownCPU()
		for range renderings {
			if _, _, err := t.Render(b.ctx, scope); err != nil {
				return 0, err
			}
		}
		if took := (ownCPU() - began) / renderings; best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// idleHosts measures what a connection with its resident shell holds while
// nothing is done on it. The servers are processes of their own, so that all
// of the growth is the client's.
func (b *bench) idleHosts() error {
	s, err := newSite(b.hosts)
	if err != nil {
		return err
	}
	defer s.close()
	before := heldMemory()
	for _, server := range s.servers {
		link := ssh.New(connection.Options{
			Address: server.Host, Port: server.Port, User: server.User, PrivateKeys: []string{server.Key}, NoAgent: true, SSHConfig: []string{},
			KnownHosts: []string{filepath.Join(s.dir, "inventory.ini.known_hosts")},
		}, ssh.Environment{})
		defer link.Close()
		if _, err := link.As(connection.Become{}).Exec(b.ctx, connection.Command{Script: "true"}); err != nil {
			return err
		}
	}
	row("memory of a connected, idle host", figure{value: float64(heldMemory()-before) / float64(len(s.servers)) / 1024, aim: 150, unit: "KiB"})
	return nil
}

// heldMemory is what this process holds after a collection: heap and stacks.
func heldMemory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
