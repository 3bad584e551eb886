package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"sunup/internal/connection/sshdtest"
)

// commandsPerHost is what the playbook's 14 tasks come to on a host: those
// that run on the controller (assert, debug) and the one that is skipped send
// nothing, the loop sends three; writing a file is two. The bare client sends
// as many.
const commandsPerHost = 14

// site is a set of real sshd servers with an inventory and a known_hosts file.
type site struct {
	dir     string
	servers []*sshdtest.Server
	health  net.Listener
	remove  func()
}

// newSite starts n servers; addresses that are not nil stand in front of them.
func newSite(n int) (*site, error) {
	if err := sshdtest.Available(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sunup-bench-")
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, remove: func() {}}
	if err := s.start(n); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *site) start(n int) error {
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	user, remove, err := cleanUser()
	if err != nil {
		return err
	}
	s.remove = remove
	if s.servers, err = startServers(s.dir, user, n); err != nil {
		return err
	}
	if s.health, err = startHealth(); err != nil {
		return err
	}
	return s.writeInventory("inventory.ini", func(server *sshdtest.Server) string { return server.Addr })
}

func (s *site) close() {
	stopServers(s.servers)
	if s.health != nil {
		s.health.Close()
	}
	s.remove()
	os.RemoveAll(s.dir)
}

func (s *site) inventory() string { return filepath.Join(s.dir, "inventory.ini") }

// morningTasks is the number of tasks of the playbook.
const (
	morning      = "lab/bench/testdata/morning14.yml"
	morningTasks = 14
)

// realHosts runs the bare client and sunup in turn, so that a change of the
// machine's speed meets both.
func (b *bench) realHosts() error {
	s, err := newSite(b.hosts)
	if err != nil {
		return err
	}
	defer s.close()
	// The record has its own place, or its size would be that of all runs before.
	state := filepath.Join(s.dir, "state")
	sunup := func() (cost, error) {
		cmd := exec.CommandContext(b.ctx, b.binary, "run", "--output", "plain", "--no-report", "-i", s.inventory(), morning)
		cmd.Env = append(os.Environ(), "SUNUP_STATE="+state)
		return b.measured(cmd)
	}
	var first, again, floor []cost
	for i := range b.runs + 1 {
		bare, err := b.bareClient(s.servers)
		if err != nil {
			return fmt.Errorf("bare client: %w", err)
		}
		fresh, err := s.worked(sunup)
		if err != nil {
			return err
		}
		same, err := sunup()
		if err != nil {
			return err
		}
		if i == 0 {
			continue // the first round warms caches
		}
		floor, first, again = append(floor, bare), append(first, fresh), append(again, same)
	}
	n := len(s.servers)
	size := fmt.Sprintf("%d hosts x %d tasks", n, morningTasks)
	row(fmt.Sprintf("bare x/crypto/ssh client, %d hosts x %d commands", n, commandsPerHost), seconds(median(floor, wall), 0))
	row("sunup, "+size+", everything to do", seconds(median(first, wall), 0))
	row("sunup, "+size+", nothing to change", seconds(median(again, wall), 0))
	row("wall time against the bare client, everything to do", times(median(first, wall), median(floor, wall), 1.5))
	row("wall time against the bare client, nothing to change", times(median(again, wall), median(floor, wall), 1.5))
	if b.meter.counts() {
		row("processor time of hosts and controller, bare client", seconds(median(floor, all), 0))
		row("processor time of hosts and controller, everything to do", seconds(median(first, all), 0))
		row("processor time of hosts and controller, nothing to change", seconds(median(again, all), 0))
	}
	row("the bare client's own processor time per host and command", millis(median(floor, cpu)/time.Duration(commandsPerHost*n), 0))
	row("controller's processor time per host and task", millis(median(again, cpu)/time.Duration(morningTasks*n), 0.5))
	row("controller's peak memory", mebibytes(peak(again), 0))
	return nil
}

// worked measures a run that has everything to do, and looks whether it did.
func (s *site) worked(run func() (cost, error)) (cost, error) {
	if err := clearWork(s.dir); err != nil {
		return cost{}, err
	}
	c, err := run()
	if err != nil {
		return cost{}, err
	}
	return c, checkWork(s.dir, s.servers)
}

// cleanUser makes a user whose shell reads no start-up files: what a login
// shell of the present user does would be measured instead. Where no user can
// be made, the present one has to do.
func cleanUser() (name string, remove func(), err error) {
	if sshdtest.CanMakeUsers() != nil {
		leftOut("a user whose shell reads no start-up files", "the present one's are measured too")
		return "", func() {}, nil
	}
	a, err := sshdtest.NewAccount("sunupbench", "unused-password", sshdtest.NoSudo)
	if err != nil {
		return "", nil, err
	}
	return a.Name, func() { _ = a.Remove() }, nil
}

func startServers(dir, user string, n int) ([]*sshdtest.Server, error) {
	var servers []*sshdtest.Server
	for i := range n {
		home := filepath.Join(dir, fmt.Sprintf("sshd%03d", i))
		if err := os.MkdirAll(home, 0o755); err != nil {
			return servers, err
		}
		s, err := sshdtest.Start(home, sshdtest.Config{Address: fmt.Sprintf("127.0.1.%d", i+1), User: user})
		if err != nil {
			return servers, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

func stopServers(servers []*sshdtest.Server) {
	for _, s := range servers {
		_ = s.Close()
	}
}

// startHealth answers the uri task.
func startHealth() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	}()
	return l, nil
}

// writeInventory writes an inventory in which each server is reached at an
// address of the caller's choice.
func (s *site) writeInventory(name string, address func(*sshdtest.Server) string) error {
	var ini, known strings.Builder
	for i, server := range s.servers {
		host, port, err := net.SplitHostPort(address(server))
		if err != nil {
			return err
		}
		fmt.Fprintf(&ini, "host%03d ansible_host=%s ansible_port=%s ansible_user=%s ansible_ssh_private_key_file=%s base=%s\n",
			i, host, port, server.User, server.Key, filepath.Join(s.dir, "work", fmt.Sprintf("host%03d", i)))
		keys, err := os.ReadFile(server.KnownHosts)
		if err != nil {
			return err
		}
		known.WriteString(strings.ReplaceAll(string(keys), knownhosts.Normalize(server.Addr), knownhosts.Normalize(address(server))))
	}
	knownFile := filepath.Join(s.dir, name+".known_hosts")
	fmt.Fprintf(&ini, "[all:vars]\nhealth_url=http://%s/health\nansible_ssh_common_args='-F none -o UserKnownHostsFile=%s'\n", s.health.Addr(), knownFile)
	if err := os.WriteFile(knownFile, []byte(known.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, name), []byte(ini.String()), 0o644)
}

func clearWork(dir string) error {
	work := filepath.Join(dir, "work")
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	return os.Chmod(work, 0o777) // the hosts' user writes here
}

// checkWork looks whether the run did its work on every host.
func checkWork(dir string, servers []*sshdtest.Server) error {
	for i := range servers {
		name := fmt.Sprintf("host%03d", i)
		text, err := os.ReadFile(filepath.Join(dir, "work", name, "bench.conf"))
		if err != nil || !strings.Contains(string(text), "name="+name+"\n") || !strings.Contains(string(text), "level=3") {
			return fmt.Errorf("%s: the settings were not written: %v", name, err)
		}
	}
	return nil
}

// bareClient is the floor: connect, run the commands one after the other on
// channels of their own, on all hosts at once.
func (b *bench) bareClient(servers []*sshdtest.Server) (cost, error) {
	began, cpuBegan, allBegan := time.Now(), ownCPU(), b.meter.read()
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Add(1)
		go func() { defer wg.Done(); errs[i] = bareHost(s) }()
	}
	wg.Wait()
	return cost{wall: time.Since(began), cpu: ownCPU() - cpuBegan, all: b.meter.read() - allBegan}, errors.Join(errs...)
}

func bareHost(s *sshdtest.Server) error {
	pem, err := os.ReadFile(s.Key)
	if err != nil {
		return err
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return err
	}
	check, err := knownhosts.New(s.KnownHosts)
	if err != nil {
		return err
	}
	client, err := ssh.Dial("tcp", s.Addr, &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: check,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}, Timeout: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	for range commandsPerHost {
		session, err := client.NewSession()
		if err != nil {
			return err
		}
		if _, err := session.Output("uname -r"); err != nil {
			return err
		}
		session.Close()
	}
	return nil
}
