package rack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Config says what to start.
type Config struct {
	// Dir gets the key, known_hosts, inventory and the consoles of the hosts.
	Dir   string
	Hosts []HostConfig
	// Log is told what takes long (the building of images); nil tells nobody.
	Log io.Writer
}

// HostConfig describes a host.
type HostConfig struct {
	Name  string
	Image Image
	// Files are there before the first boot, by absolute path; mode 0644.
	Files map[string]string
	// Shared are directories of this machine that the host sees, read-only,
	// under the same path.
	Shared []string
}

// Debian, Python and BusyBox are hosts of those images.
func Debian(name string) HostConfig  { return HostConfig{Name: name, Image: DebianImage} }
func Python(name string) HostConfig  { return HostConfig{Name: name, Image: PythonImage} }  //nolint:revive // see Debian
func BusyBox(name string) HostConfig { return HostConfig{Name: name, Image: BusyBoxImage} } //nolint:revive // see Debian

// Rack is the hosts of one Start. Its methods may be called from any goroutine.
type Rack struct {
	dir      string
	room     *room
	hosts    []*Host
	key      identity
	registry *http.Server
	closing  sync.Once
}

// programs are what a rack needs of this machine, with Debian's package.
var programs = [][2]string{
	{"debootstrap", "debootstrap"}, {"systemd-nspawn", "systemd-container"}, {"ip", "iproute2"},
	{"unshare", "util-linux"}, {"nsenter", "util-linux"}, {"mount", "mount"},
}

// Available says in one line why no rack can be started here; nil when one can.
func Available() error {
	if os.Geteuid() != 0 {
		return errors.New("a rack of real hosts needs root")
	}
	for _, p := range programs {
		if !installed(p[0]) {
			return fmt.Errorf("a rack of real hosts needs %s (Debian's package %s)", p[0], p[1])
		}
	}
	return namespaces()
}

// namespaces tries once whether this machine, which may be a container itself,
// lets root make what a room is made of.
var namespaces = sync.OnceValue(func() error {
	if _, err := tool("unshare", "--pid", "--mount", "--net", "--fork", "--mount-proc", "--propagation", "private", "ip", "link", "add", "type", "veth"); err != nil {
		return fmt.Errorf("a rack of real hosts needs namespaces and network links of its own: %w", err)
	}
	return nil
})

func installed(name string) bool {
	for _, dir := range filepath.SplitList(systemPath) {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// ErrNoImage is what Start gives when an image is not there and cannot be built,
// as without a way to Debian's registry.
var ErrNoImage = errors.New("there is no image to start a host from")

// Start boots the hosts and returns when all answer. Close ends them; so does
// the end of this process, however it comes.
func Start(ctx context.Context, cfg Config) (*Rack, error) {
	if err := Available(); err != nil {
		return nil, err
	}
	trees, err := buildImages(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r, err := newRack(cfg)
	if err != nil {
		return nil, err
	}
	if err := r.boot(ctx, cfg, trees); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func buildImages(ctx context.Context, cfg Config) (map[Image]string, error) {
	log := cfg.Log
	if log == nil {
		log = io.Discard
	}
	trees := map[Image]string{}
	for _, h := range cfg.Hosts {
		if trees[h.Image] != "" {
			continue
		}
		tree, err := h.Image.Build(ctx, log)
		if err != nil {
			return nil, err
		}
		trees[h.Image] = tree
	}
	return trees, nil
}

// newRack opens the room and what this machine does for the hosts.
func newRack(cfg Config) (*Rack, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", cfg.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of the rack: %w", err)
	}
	sweepDead()
	r := &Rack{dir: dir}
	if r.key, err = newIdentity(); err != nil {
		return nil, err
	}
	if r.room, err = openRoom(); err != nil {
		return nil, err
	}
	if r.registry, err = serveRegistry(r.room.gateway()); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// boot makes the hosts and turns all on at the same time.
func (r *Rack) boot(ctx context.Context, cfg Config, trees map[Image]string) error {
	for i, hc := range cfg.Hosts {
		h, err := newHost(r, i, hc, trees[hc.Image])
		if err != nil {
			return fmt.Errorf("host %s: %w", hc.Name, err)
		}
		r.hosts = append(r.hosts, h)
	}
	for _, h := range r.hosts {
		if err := h.install(); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	if err := r.writeAccess(); err != nil {
		return err
	}
	for _, h := range r.hosts {
		if err := h.turnOn(); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	for _, h := range r.hosts {
		if err := h.WaitUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Host finds a host by its name; nil when there is none.
func (r *Rack) Host(name string) *Host {
	for _, h := range r.hosts {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// Hosts are all hosts in their order.
func (r *Rack) Hosts() []*Host { return r.hosts }

// Gateway is the address of this machine that the hosts reach: what a test
// serves for them it serves there.
func (r *Rack) Gateway() string { return r.room.gateway() }

// Close ends all hosts at once, as a power cut would, and removes what was made
// for them but the files in the rack's directory.
func (r *Rack) Close() {
	r.closing.Do(func() {
		if r.registry != nil {
			r.registry.Close()
		}
		for _, h := range r.hosts {
			h.closing.Store(true)
		}
		r.room.close()
		for _, h := range r.hosts {
			h.power.Wait()
		}
		sweepGroups(r.room.link())
	})
}

// TB is what Run needs of testing.TB, so that programs need not know that package.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	TempDir() string
}

// Run is Start for a test: it is skipped, saying why in one line, where there
// can be no rack, and the rack is closed at its end.
func Run(t TB, hosts ...HostConfig) *Rack {
	t.Helper()
	if err := Available(); err != nil {
		t.Skipf("left out: %v", err)
	}
	r, err := Start(context.Background(), Config{Dir: t.TempDir(), Hosts: hosts, Log: testLog{t}})
	if errors.Is(err, ErrNoImage) {
		t.Skipf("left out: %v", err)
	}
	if err != nil {
		t.Fatalf("start a rack: %v", err)
	}
	t.Cleanup(r.Close)
	return r
}

type testLog struct{ t TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}
