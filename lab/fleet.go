package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"sunup/internal/diag"
	"sunup/internal/say"
	"sunup/lab/hostfs"
	"sunup/lab/image"
	"sunup/lab/machine"
	"sunup/lab/scenario"
	"sunup/lab/sshd"
)

// Fleet is a scenario that runs. Its methods may be called from any goroutine.
type Fleet struct {
	Scenario *scenario.Scenario

	hosts  []*Host
	byName map[string]*Host
	key    ssh.Signer
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
	wg     sync.WaitGroup // the connections to services
}

// LoadScenario reads a scenario file and tells everything that is wrong with it.
func LoadScenario(file string) (*scenario.Scenario, diag.Problems) {
	s, err := scenario.Load(file)
	var problems diag.Problems
	switch {
	case err == nil:
		return s, nil
	case errors.As(err, &problems):
		return nil, problems
	}
	return nil, diag.Problems{{Severity: diag.Error, ID: "unreadable", Pos: diag.Pos{File: file}, What: say.Plain(err.Error())}}
}

// Start builds and boots every host of the scenario and opens their ports. The
// fleet lives till Close, or till ctx ends; Close is needed in any case.
func Start(ctx context.Context, s *scenario.Scenario) (*Fleet, error) {
	f := &Fleet{Scenario: s, byName: map[string]*Host{}, key: sshd.Key("client " + s.Seed)}
	f.ctx, f.cancel = context.WithCancel(ctx)
	for i, spec := range s.Hosts {
		h, err := f.build(spec, i)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("build host %s: %w", spec.Name, err)
		}
		f.hosts = append(f.hosts, h)
		f.byName[spec.Name] = h
		f.byName[h.m.Address] = h
	}
	for _, h := range f.hosts {
		h.m.Boot()
		if err := h.server.Listen(s.Listen); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// Close switches every host off and waits till nothing of the fleet runs.
func (f *Fleet) Close() {
	f.once.Do(func() {
		f.cancel()
		for _, h := range f.hosts {
			h.server.Close()
		}
		for _, h := range f.hosts {
			h.m.Wait()
		}
		f.wg.Wait()
	})
}

// Host finds a host by name; nil when there is none.
func (f *Fleet) Host(name string) *Host { return f.byName[name] }

// Hosts lists the hosts in the order of the scenario.
func (f *Fleet) Hosts() []*Host { return f.hosts }

// Machine satisfies machine.Network.
func (f *Fleet) Machine(name string) *machine.Machine {
	if h := f.byName[name]; h != nil {
		return h.m
	}
	return nil
}

// address gives host number i its place on the simulated network.
func address(i int) string { return fmt.Sprintf("10.%d.%d.%d", i/62500%250, i/250%250, i%250+3) }

func (f *Fleet) build(spec scenario.Host, i int) (*Host, error) {
	s := f.Scenario
	name := spec.Hostname
	if name == "" {
		name = spec.Name
	}
	tree := hostfs.New(image.Base())
	m := machine.New(f.ctx, machine.Spec{
		Name: name, Address: address(i), Seed: s.Seed + "/" + spec.Name, Offset: spec.Clock, Speed: s.TimeScale, CPUs: spec.CPUs, Memory: spec.Memory,
		RebootTakes: spec.Reboot, Kernel: spec.Kernel, Services: spec.Services,
	}, tree, image.Programs(), machine.RealClock)
	m.Net = f
	if err := furnish(m, spec, f.key.PublicKey()); err != nil {
		return nil, err
	}
	h := &Host{spec: spec, m: m, server: sshd.New(f.ctx, m, m.Seed)}
	if err := h.server.SetFault(spec.Fault); err != nil {
		return nil, err
	}
	h.server.Forward = f.forward(h)
	m.OnDown(h.server.Down)
	m.OnUp(func() { h.server.Up() })
	return h, nil
}

// forward lets a host be a jump host: towards the SSH servers of the fleet, by
// their real address or by name and port 22.
func (f *Fleet) forward(from *Host) func(string, int) (net.Conn, error) {
	return func(host string, port int) (net.Conn, error) {
		for _, h := range f.hosts {
			ip, p, _ := net.SplitHostPort(h.server.Addr())
			if ip == host && p == strconv.Itoa(port) {
				return net.Dial("tcp", h.server.Addr())
			}
		}
		if m := from.m.Resolve(host); m != nil && port == machine.SSHPort {
			for _, h := range f.hosts {
				if h.m == m {
					return net.Dial("tcp", h.server.Addr())
				}
			}
		}
		return f.dialService(from.m, host, port)
	}
}

// dialService connects to a port of a simulated service. The other side speaks
// HTTP; a port without endpoints accepts and says nothing.
func (f *Fleet) dialService(from *machine.Machine, host string, port int) (net.Conn, error) {
	if err := from.Dial(host, port); err != nil {
		return nil, err
	}
	client, server := net.Pipe()
	f.wg.Go(func() { serveHTTP(f.ctx, server, from.Resolve(host), port) })
	return client, nil
}

// furnish puts the scenario's users, files and units into a host's tree.
func furnish(m *machine.Machine, spec scenario.Host, key ssh.PublicKey) error {
	t := m.FS
	for _, d := range spec.Disks {
		if err := t.Mount(mountOf(d)); err != nil {
			return fmt.Errorf("mount %s: %w", d.Dir, err)
		}
		if d.Dir == "/" {
			t.SetUsed(image.Used)
		}
	}
	if err := t.Mount(hostfs.Mount{Dir: "/run", Device: "tmpfs", Type: "tmpfs", Options: "rw,nosuid,nodev", Size: 400 << 20}); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	write := func(p, text string) error { return t.WriteFile(hostfs.Root, p, []byte(text), 0o644) }
	short, _, _ := strings.Cut(m.Name, ".")
	hosts := "127.0.0.1 localhost\n" + m.Address + " " + m.Name
	if short != m.Name {
		hosts += " " + short
	}
	err := errors.Join(write("/etc/hostname", m.Name+"\n"), write("/etc/hosts", hosts+"\n"), write("/etc/machine-id", machineID(m.Seed)+"\n"))
	if spec.Timezone != "" {
		err = errors.Join(err, write("/etc/timezone", spec.Timezone+"\n"))
	}
	if err != nil {
		return err
	}
	for _, u := range spec.Users {
		if err := addUser(m, u, key); err != nil {
			return fmt.Errorf("add user %s: %w", u.Name, err)
		}
	}
	for _, s := range spec.Services {
		if err := addUnit(m, s); err != nil {
			return fmt.Errorf("add service %s: %w", s.Name, err)
		}
	}
	for _, file := range spec.Files {
		if err := addFile(m, file); err != nil {
			return fmt.Errorf("add file %s: %w", file.Path, err)
		}
	}
	for _, d := range spec.Disks {
		if d.Free >= 0 {
			if err := t.SetLimit(d.Dir, d.Free); err != nil {
				return fmt.Errorf("limit %s: %w", d.Dir, err)
			}
		}
	}
	return nil
}
