package machine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sunup/lab/hostfs"
)

// Spec is what a machine is made of.
type Spec struct {
	Name string
	// Address is the machine's address on the simulated network.
	Address string
	// Seed makes boot ids and the like the same in every run.
	Seed string
	// Offset is how far the host's clock is ahead.
	Offset time.Duration
	// Speed divides every delay on the host: 60 makes a minute one second. The
	// clock itself runs at the usual pace, or it could not be compared.
	Speed float64
	// CPUs and Memory (bytes) for facts.
	CPUs   int
	Memory int64
	// RebootTakes is how long the host is down in a reboot.
	RebootTakes time.Duration
	Kernel      string
	Arch        string
	Services    []ServiceSpec
}

// Clock is the passing of real time.
type Clock interface {
	Now() time.Time
	// Sleep returns early with ctx's error.
	Sleep(ctx context.Context, d time.Duration) error
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RealClock is the clock of the real world.
var RealClock Clock = realClock{}

// Record tells of one command that ran.
type Record struct {
	Time time.Time
	User string
	PID  int
	// Login is the whole command line when it came as a request of a session;
	// else Argv is the program that was started.
	Login string
	Argv  []string
}

// Command is the record's text.
func (r Record) Command() string {
	if r.Login != "" {
		return r.Login
	}
	return strings.Join(r.Argv, " ")
}

// maxRecords bounds what a host remembers of its commands.
const maxRecords = 8192

// Network finds the other machines of the fleet.
type Network interface {
	// Machine finds a machine by name or address; nil when there is none.
	Machine(name string) *Machine
}

// Machine is one host.
type Machine struct {
	Spec
	FS       *hostfs.Tree
	Programs map[string]Program
	Net      Network
	clock    Clock
	life     context.Context

	wg sync.WaitGroup

	mu       sync.Mutex
	up       bool
	boots    int
	bootID   string
	booted   time.Time
	boot     context.Context
	halt     context.CancelFunc
	hostname string
	skew     time.Duration
	procs    map[int]*Proc
	nextPID  int
	records  []Record
	dropped  int
	onDown   func()
	onUp     func()

	journal  journal
	services *Services
}

// New makes a machine that is switched off. It lives till life ends.
func New(life context.Context, spec Spec, tree *hostfs.Tree, programs map[string]Program, clock Clock) *Machine {
	if spec.Speed <= 0 {
		spec.Speed = 1
	}
	if spec.CPUs == 0 {
		spec.CPUs = 2
	}
	if spec.Memory == 0 {
		spec.Memory = 4 << 30
	}
	if spec.Kernel == "" {
		spec.Kernel = "6.1.0-28-amd64"
	}
	if spec.Arch == "" {
		spec.Arch = "x86_64"
	}
	if spec.Address == "" {
		spec.Address = "10.0.0.1"
	}
	m := &Machine{Spec: spec, FS: tree, Programs: programs, clock: clock, life: life, hostname: spec.Name, procs: map[int]*Proc{}}
	m.services = newServices(m, spec.Services)
	tree.Now = m.Now
	tree.Generate = m.generate
	tree.Virtual = procDir{m}
	return m
}

// Now is the host's clock.
func (m *Machine) Now() time.Time { return m.clock.Now().Add(m.Offset + m.currentSkew()) }

func (m *Machine) currentSkew() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.skew
}

// SetClock moves the host's clock to now.
func (m *Machine) SetClock(now time.Time) {
	m.mu.Lock()
	m.skew = now.Sub(m.clock.Now().Add(m.Offset))
	m.mu.Unlock()
}

// Real turns a duration of the host into one of the real world.
func (m *Machine) Real(d time.Duration) time.Duration {
	return time.Duration(float64(d) / m.Speed)
}

// Sleep waits d of the host's time.
func (m *Machine) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	return m.clock.Sleep(ctx, m.Real(d))
}

// After calls f when d of the host's time has passed, unless stop is closed or
// ctx ends before.
func (m *Machine) After(stop <-chan struct{}, ctx context.Context, d time.Duration, f func()) {
	m.wg.Go(func() {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		m.wg.Go(func() {
			select {
			case <-stop:
				cancel()
			case <-ctx.Done():
			}
		})
		if m.Sleep(ctx, d) == nil {
			f()
		}
	})
}

// BootContext ends when the machine goes down.
func (m *Machine) BootContext() context.Context {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boot
}

// Go runs f in a goroutine that Wait waits for. It is called by a running
// process only.
func (m *Machine) Go(f func()) { m.wg.Go(f) }

// Boot switches the machine on and starts the enabled services.
func (m *Machine) Boot() {
	m.mu.Lock()
	m.boots++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", m.Seed, m.Name, m.boots))
	digits := hex.EncodeToString(sum[:16])
	m.bootID = digits[:8] + "-" + digits[8:12] + "-4" + digits[13:16] + "-a" + digits[17:20] + "-" + digits[20:]
	m.boot, m.halt = context.WithCancel(m.life)
	m.booted = m.clock.Now()
	m.nextPID = 0
	m.up = true
	m.mu.Unlock()
	m.FS.Clear("/run")
	m.FS.Clear("/tmp")
	for _, dir := range []string{"/run/lock", "/run/user", "/run/systemd/system"} {
		m.FS.MkdirAll(hostfs.Root, dir, 0o755)
	}
	m.system(1, "/sbin/init")
	m.Log("kernel", 0, 6, "Linux version "+m.Kernel)
	m.services.boot()
}

// system adds a process that only sits in the table.
func (m *Machine) system(pid int, argv ...string) *Proc {
	p := m.newProc(1, argv)
	if pid == 1 {
		p.PPID = 0
	}
	p.PGID, p.SID, p.Cwd, p.User = p.PID, p.PID, "/", "root"
	return p
}

// down ends every process and forgets the volatile state.
func (m *Machine) down() {
	m.mu.Lock()
	m.up = false
	halt, gone := m.halt, m.onDown
	m.mu.Unlock()
	halt()
	m.services.halt()
	m.mu.Lock()
	clear(m.procs)
	m.mu.Unlock()
	if gone != nil {
		gone()
	}
}

// OnDown sets what is called whenever the machine goes down.
func (m *Machine) OnDown(f func()) {
	m.mu.Lock()
	m.onDown = f
	m.mu.Unlock()
}

// OnUp sets what is called when the machine is up again after a reboot.
func (m *Machine) OnUp(f func()) {
	m.mu.Lock()
	m.onUp = f
	m.mu.Unlock()
}

// Reboot goes down after grace and comes back after RebootTakes. It returns at
// once.
func (m *Machine) Reboot(grace time.Duration) { m.powerCycle(grace, true) }

// Shutdown goes down after grace and stays there.
func (m *Machine) Shutdown(grace time.Duration) { m.powerCycle(grace, false) }

func (m *Machine) powerCycle(grace time.Duration, again bool) {
	m.wg.Go(func() {
		if m.Sleep(m.life, grace) != nil {
			return
		}
		m.down()
		if !again || m.Sleep(m.life, m.RebootTakes) != nil {
			return
		}
		m.Boot()
		m.mu.Lock()
		back := m.onUp
		m.mu.Unlock()
		if back != nil {
			back()
		}
	})
}

// Wait waits till every process of the machine has ended; call it after life
// has ended.
func (m *Machine) Wait() { m.wg.Wait() }

// Up reports whether the machine is on.
func (m *Machine) Up() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up
}

func (m *Machine) firstBoot() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boots == 1
}

// BootID is the id of the current boot.
func (m *Machine) BootID() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bootID
}

// Uptime is the time since boot, in the host's time.
func (m *Machine) Uptime() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(float64(m.clock.Now().Sub(m.booted)) * m.Speed)
}

// Hostname is the current host name.
func (m *Machine) Hostname() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hostname
}

// SetHostname changes the host name till the next boot.
func (m *Machine) SetHostname(name string) {
	m.mu.Lock()
	m.hostname = name
	m.mu.Unlock()
}

// newProc registers a process.
func (m *Machine) newProc(parent int, argv []string) *Proc {
	now := m.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nextPID++
	if m.nextPID == 2 {
		m.nextPID = 300 // below are a kernel's own threads
	}
	for m.procs[m.nextPID] != nil {
		m.nextPID++
	}
	if m.nextPID > 4<<20 {
		m.nextPID = 300
	}
	p := &Proc{M: m, PID: m.nextPID, PPID: parent, Argv: argv, Started: now, Umask: 0o022, fds: map[int]*Desc{}, done: make(chan struct{})}
	base := m.boot
	if !m.up {
		ended, cancel := context.WithCancel(m.life)
		cancel()
		base = ended
	}
	p.ctx, p.cancel = context.WithCancel(base)
	m.procs[p.PID] = p
	return p
}

// Login makes the first process of a session.
func (m *Machine) Login(u User, argv []string, env []string) *Proc {
	p := m.newProc(1, argv)
	p.PGID, p.SID = p.PID, p.PID
	p.Cred = m.Cred(u)
	p.Cwd = u.Home
	if i, err := m.FS.Stat(p.Cred, u.Home); err != nil || !i.IsDir() {
		p.Cwd = "/"
	}
	p.Env = env
	p.User = u.Name
	return p
}

func (m *Machine) forget(p *Proc) {
	m.mu.Lock()
	if m.procs[p.PID] == p {
		delete(m.procs, p.PID)
	}
	m.mu.Unlock()
}

// Proc finds a process, nil when there is none.
func (m *Machine) Proc(pid int) *Proc {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.procs[pid]
}

// Procs lists the processes by id.
func (m *Machine) Procs() []*Proc {
	m.mu.Lock()
	defer m.mu.Unlock()
	pids := slices.Sorted(maps.Keys(m.procs))
	out := make([]*Proc, len(pids))
	for i, pid := range pids {
		out[i] = m.procs[pid]
	}
	return out
}

// Args gives the command line of a process. Any goroutine.
func (p *Proc) Args() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Argv
}

// Kill sends a signal as cred to a process, or to a group when pid is negative.
func (m *Machine) Kill(cred hostfs.Cred, pid int, s Signal) error {
	var targets []*Proc
	for _, p := range m.Procs() {
		if pid > 0 && p.PID == pid || pid < -1 && p.PGID == -pid || pid == -1 && p.PID > 1 {
			targets = append(targets, p)
		}
	}
	if len(targets) == 0 {
		return hostfs.ESRCH
	}
	var err error = hostfs.EPERM
	for _, p := range targets {
		if cred.UID != 0 && cred.UID != p.Cred.UID {
			continue
		}
		err = nil
		if s == 0 || p.PID == 1 {
			continue
		}
		if !m.services.signal(p, s) {
			p.Signal(s)
		}
	}
	return err
}

// record remembers a command.
func (m *Machine) record(p *Proc, argv []string) {
	m.addRecord(Record{User: p.User, PID: p.PID, Argv: argv})
}

// RecordLogin remembers a command line that came over the network.
func (m *Machine) RecordLogin(p *Proc, line string) {
	m.addRecord(Record{User: p.User, PID: p.PID, Login: line})
}

func (m *Machine) addRecord(r Record) {
	r.Time = m.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.records) >= maxRecords {
		half := len(m.records) / 2
		m.dropped += half
		m.records = append([]Record(nil), m.records[half:]...)
	}
	m.records = append(m.records, r)
}

// Records returns the commands that ran, oldest first.
func (m *Machine) Records() []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records)
}

// Services is the machine's service table.
func (m *Machine) Services() *Services { return m.services }
