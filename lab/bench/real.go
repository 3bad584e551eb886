package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
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

// realHosts measures the morning on real sshd servers beside the bare client.
func (b *bench) realHosts(n int) error {
	if err := sshdtest.Available(); err != nil {
		row("real sshd", "left out: %v", err)
		return nil
	}
	dir, err := os.MkdirTemp("", "sunup-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	user, removeUser, err := cleanUser()
	if err != nil {
		return err
	}
	defer removeUser()
	servers, err := startServers(dir, user, n)
	defer stopServers(servers)
	if err != nil {
		return err
	}
	health, err := startHealth()
	if err != nil {
		return err
	}
	defer health.Close()
	if err := writeInventory(dir, servers, health.Addr().String()); err != nil {
		return err
	}
	return b.compare(dir, servers)
}

// compare runs the bare client and sunup in turn, so that a change of the
// machine's speed meets both.
func (b *bench) compare(dir string, servers []*sshdtest.Server) error {
	args := []string{"run", "--output", "plain", "--no-report", "-i", filepath.Join(dir, "inventory.ini"), "lab/bench/testdata/morning14.yml"}
	var first, again, floor []cost
	for i := range b.runs + 1 {
		bare, err := bareClient(servers)
		if err != nil {
			return fmt.Errorf("bare client: %w", err)
		}
		if err := clearWork(dir); err != nil {
			return err
		}
		fresh, err := b.sunup(args...)
		if err != nil {
			return err
		}
		if err := checkWork(dir, servers); err != nil {
			return err
		}
		same, err := b.sunup(args...)
		if err != nil {
			return err
		}
		if i == 0 {
			continue // the first round warms caches
		}
		floor, first, again = append(floor, bare), append(first, fresh), append(again, same)
	}
	n := len(servers)
	row(fmt.Sprintf("bare x/crypto/ssh client, %d hosts x %d commands", n, commandsPerHost), "%s wall, %s CPU", ms(median(floor, wall)), ms(median(floor, cpu)))
	row(fmt.Sprintf("sunup, %d hosts x 14 tasks, everything to do", n), "%s wall, %s CPU, %.2f times the bare client", ms(median(first, wall)), ms(median(first, cpu)), ratio(first, floor))
	row(fmt.Sprintf("sunup, %d hosts x 14 tasks, nothing to change", n), "%s wall, %s CPU, %.2f times the bare client", ms(median(again, wall)), ms(median(again, cpu)), ratio(again, floor))
	row("sunup, CPU per host and task", "%.3f ms", float64(median(again, cpu))/float64(time.Millisecond)/float64(14*n))
	row("sunup, peak memory", "%.0f MiB", float64(peak(again))/(1<<20))
	return b.besideAnsible(dir, servers)
}

// besideAnsible runs ansible-playbook and sunup in turn on the same hosts and
// the same playbook, everything to do.
func (b *bench) besideAnsible(dir string, servers []*sshdtest.Server) error {
	playbook := []string{"-i", filepath.Join(dir, "inventory.ini"), "lab/bench/testdata/morning14.yml"}
	var theirs, ours []cost
	for range b.ansible {
		for _, one := range []struct {
			into *[]cost
			run  func() (cost, error)
		}{
			{&theirs, func() (cost, error) { return b.ansiblePlaybook(len(servers), playbook...) }},
			{&ours, func() (cost, error) {
				return b.sunup(append([]string{"run", "--output", "none", "--no-report"}, playbook...)...)
			}},
		} {
			if err := clearWork(dir); err != nil {
				return err
			}
			c, err := one.run()
			if err != nil {
				return err
			}
			if err := checkWork(dir, servers); err != nil {
				return err
			}
			*one.into = append(*one.into, c)
		}
	}
	if len(ours) > 0 {
		row(fmt.Sprintf("ansible-core, %d hosts x 14 tasks, pipelining, %d forks", len(servers), len(servers)), "%.1f s wall, %.1f s CPU; sunup %.1f s: %.0f times as fast",
			median(theirs, wall).Seconds(), median(theirs, cpu).Seconds(), median(ours, wall).Seconds(), ratio(theirs, ours))
	}
	return nil
}

func ratio(a, b []cost) float64 { return float64(median(a, wall)) / float64(median(b, wall)) }

// cleanUser makes a user whose shell reads no start-up files: what a login
// shell of the present user does would be measured instead. Where no user can
// be made, the present one has to do.
func cleanUser() (name string, remove func(), err error) {
	if sshdtest.CanMakeUsers() != nil {
		row("user", "the present one: its shell's start-up files are measured too")
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

func writeInventory(dir string, servers []*sshdtest.Server, health string) error {
	var ini, known strings.Builder
	for i, s := range servers {
		fmt.Fprintf(&ini, "host%03d ansible_host=%s ansible_port=%d ansible_user=%s ansible_ssh_private_key_file=%s base=%s\n",
			i, s.Host, s.Port, s.User, s.Key, filepath.Join(dir, "work", fmt.Sprintf("host%03d", i)))
		keys, err := os.ReadFile(s.KnownHosts)
		if err != nil {
			return err
		}
		known.Write(keys)
	}
	knownFile := filepath.Join(dir, "known_hosts")
	fmt.Fprintf(&ini, "[all:vars]\nhealth_url=http://%s/health\nansible_ssh_common_args='-F none -o UserKnownHostsFile=%s'\n", health, knownFile)
	if err := os.WriteFile(knownFile, []byte(known.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "inventory.ini"), []byte(ini.String()), 0o644)
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
func bareClient(servers []*sshdtest.Server) (cost, error) {
	began, cpuBegan := time.Now(), ownCPU()
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Add(1)
		go func() { defer wg.Done(); errs[i] = bareHost(s) }()
	}
	wg.Wait()
	return cost{wall: time.Since(began), cpu: ownCPU() - cpuBegan}, errors.Join(errs...)
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
