package rack

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sunup/internal/connection"
)

// Host is a system of its own: processes from 1, address, files, reboot. Its
// methods may be called from any goroutine, but power is one thing at a time.
type Host struct {
	Name  string
	Image Image

	rack    *Rack
	index   int
	tree    string // of the image
	cfg     HostConfig
	hostKey identity

	boots   atomic.Int64
	off     atomic.Bool // PowerOff was called: the end of the system is no reboot
	closing atomic.Bool
	power   sync.WaitGroup // the goroutine that keeps the system running
	nspawn  atomic.Int64   // process id of what runs it, 0 while it is off
}

// rebooted is the code with which systemd-nspawn ends when its system reboots.
const rebooted = 133

func newHost(r *Rack, index int, cfg HostConfig, tree string) (*Host, error) {
	if strings.Trim(cfg.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || cfg.Name == "" || len(cfg.Name) > 60 {
		return nil, errors.New("a name has small letters, digits and hyphens")
	}
	if index > 200 {
		return nil, errors.New("a rack has at most 200 hosts")
	}
	key, err := newIdentity()
	if err != nil {
		return nil, err
	}
	return &Host{Name: cfg.Name, Image: cfg.Image, rack: r, index: index, tree: tree, cfg: cfg, hostKey: key}, nil
}

// Addr is the host's address.
func (h *Host) Addr() string { return fmt.Sprintf("10.231.%d.%d", h.rack.room.number, h.index+11) }

// Options are how package connection reaches the host as root, touching nothing
// of the user's.
func (h *Host) Options() connection.Options {
	return connection.Options{
		Name: h.Name, Address: h.Addr(), Port: 22, User: "root",
		PrivateKeys: []string{h.rack.file(KeyFile)}, KnownHosts: []string{h.rack.file(KnownHostsFile)},
		SSHConfig: []string{}, NoAgent: true,
	}
}

// place is the host's directory in the room.
func (h *Host) place(name string) string { return filepath.Join("/run/rack", h.Name, name) }

// link is the name of the bridge's end of its cable.
func (h *Host) link() string { return "host" + strconv.Itoa(h.index) }

// install gives the host its network and its files.
func (h *Host) install() error {
	err := h.rack.room.sh(fmt.Sprintf(`
		ip netns add %[1]s
		ip link add %[2]s type veth peer name eth0 netns %[1]s
		ip link set %[2]s master br0 up
		ip -n %[1]s link set lo up
		ip -n %[1]s addr add %[3]s/24 dev eth0
		ip -n %[1]s link set eth0 up
		ip -n %[1]s route add default via %[4]s`, h.Name, h.link(), h.Addr(), h.rack.Gateway()))
	if err != nil {
		return fmt.Errorf("make its network: %w", err)
	}
	return h.fill()
}

// fill mounts a fresh tree over the image and writes what is this host's own.
func (h *Host) fill() error {
	err := h.rack.room.sh(fmt.Sprintf(`
		mkdir -p %[1]s
		mount -t tmpfs -o mode=755 tmpfs %[1]s
		mkdir %[1]s/upper %[1]s/work %[1]s/root
		chmod --reference=%[2]s %[1]s/upper
		mount -t overlay overlay -o lowerdir=%[2]s,upperdir=%[1]s/upper,workdir=%[1]s/work %[1]s/root`,
		h.place(""), quote(h.tree)))
	if err != nil {
		return fmt.Errorf("mount its files: %w", err)
	}
	return h.writeOwn()
}

// writeOwn writes name, ids, keys and the addresses of the others.
func (h *Host) writeOwn() error {
	private, err := h.hostKey.privateFile()
	if err != nil {
		return fmt.Errorf("write its host key: %w", err)
	}
	authorized := h.rack.key.publicLine()
	own := []ownFile{
		{"/etc/hostname", h.Name + "\n", 0o644, 0},
		{"/etc/hosts", h.rack.hostsFile(h), 0o644, 0},
		{"/etc/machine-id", h.machineID() + "\n", 0o444, 0},
		{"/etc/ssh/ssh_host_ed25519_key", private, 0o600, 0},
		{"/etc/ssh/ssh_host_ed25519_key.pub", h.hostKey.publicLine(), 0o644, 0},
		{"/root/.ssh/authorized_keys", authorized, 0o600, 0},
		{"/home/ops/.ssh/authorized_keys", authorized, 0o600, 1000},
	}
	if h.Image != BusyBoxImage {
		own = append(own, ownFile{"/etc/apt/apt.conf.d/30rack", fmt.Sprintf("Acquire::http::Proxy %q;\n", h.rack.RegistryURL()), 0o644, 0})
	}
	for name, text := range h.cfg.Files {
		own = append(own, ownFile{name, text, 0o644, 0})
	}
	for _, f := range own {
		if err := f.write(h.Root()); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return nil
}

// machineID is the same for the host's whole life, and no other's.
func (h *Host) machineID() string {
	return hex.EncodeToString(h.hostKey.public.Marshal())[64:96]
}

type ownFile struct {
	name, text string
	mode       os.FileMode
	owner      int
}

func (f ownFile) write(root string) error {
	name := filepath.Join(root, f.name)
	dir := filepath.Dir(name)
	if _, err := os.Stat(dir); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if filepath.Base(dir) == ".ssh" {
			if err := errors.Join(os.Chmod(dir, 0o700), os.Chown(dir, f.owner, f.owner)); err != nil {
				return err
			}
		}
	}
	if err := os.WriteFile(name, []byte(f.text), f.mode); err != nil {
		return err
	}
	return errors.Join(os.Chmod(name, f.mode), os.Chown(name, f.owner, f.owner))
}

// Root is the host's tree as this machine sees it; it may be read and written
// while the host runs, but its /run, /tmp, /proc and /dev are not below it.
func (h *Host) Root() string { return h.rack.room.path(h.place("root")) }

// Tree is the directory of the image that the host started from.
func (h *Host) Tree() string { return h.tree }

// Upper is the directory that holds what differs from the image, as overlayfs
// writes it: a removed file is a character device 0/0.
func (h *Host) Upper() string { return h.rack.room.path(h.place("upper")) }

// Console is all that the host has written to its console.
func (h *Host) Console() string {
	text, _ := os.ReadFile(h.consoleFile())
	return string(text)
}

func (h *Host) consoleFile() string { return h.rack.file("console-" + h.Name + ".log") }

// Boots counts how often the host was started, reboots included.
func (h *Host) Boots() int { return int(h.boots.Load()) }

// turnOn starts the system, and starts it again whenever it reboots.
func (h *Host) turnOn() error {
	h.off.Store(false)
	cmd, err := h.start()
	if err != nil {
		return fmt.Errorf("turn on: %w", err)
	}
	h.power.Add(1)
	go func() {
		defer h.power.Done()
		for {
			cmd.Wait() //nolint:errcheck // its code is looked at
			h.nspawn.Store(0)
			if cmd.ProcessState.ExitCode() != rebooted || h.off.Load() || h.closing.Load() {
				return
			}
			if cmd, err = h.start(); err != nil {
				fmt.Fprintf(os.Stderr, "host %s does not come back: %v\n", h.Name, err)
				return
			}
		}
	}()
	return nil
}

// start starts systemd-nspawn in a control group of the host's own: systems
// that share one would see each other's processes.
func (h *Host) start() (*exec.Cmd, error) {
	console, err := os.OpenFile(h.consoleFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer console.Close()
	var script strings.Builder
	for _, tree := range hierarchies() {
		group := filepath.Join(tree, h.rack.room.link(), h.Name)
		removeGroups(group) // of the last boot
		if err := os.MkdirAll(group, 0o755); err == nil {
			fmt.Fprintf(&script, "echo $$ > %s/cgroup.procs\n", group)
		}
	}
	script.WriteString(`exec "$@"`)
	boot := h.rack.room.inside("systemd-nspawn", h.bootArgs()...)
	cmd := exec.Command("sh", append([]string{"-c", script.String(), "sh", boot.Path}, boot.Args[1:]...)...)
	// Kernel settings of the network are the host's own and may be written, as
	// on a machine; the others are this machine's.
	cmd.Env = append(boot.Env, "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	cmd.Stdout, cmd.Stderr = console, console
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h.nspawn.Store(int64(cmd.Process.Pid))
	h.boots.Add(1)
	return cmd, nil
}

func (h *Host) bootArgs() []string {
	args := []string{"--quiet", "--boot", "--directory=" + h.place("root"), "--machine=" + h.Name,
		"--network-namespace-path=/run/netns/" + h.Name, "--register=no", "--keep-unit", "--console=pipe",
		"--link-journal=no", "--resolv-conf=off", "--timezone=off", "--capability=CAP_NET_ADMIN"}
	for _, dir := range h.cfg.Shared {
		args = append(args, "--bind-ro="+dir)
	}
	return args
}

// WaitUp returns when the host greets by SSH and its systemd has started
// everything (or has failed to).
func (h *Host) WaitUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		if last = h.up(ctx); last == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("host %s does not come up: %w; its console: %s", h.Name, last, lastLines([]byte(h.Console()), 10))
}

func (h *Host) up(ctx context.Context) error {
	if err := h.greets(); err != nil {
		return err
	}
	if h.Image == BusyBoxImage {
		return nil
	}
	out, err := h.Exec(ctx, "systemctl is-system-running --wait")
	if state := strings.TrimSpace(out); state == "running" || state == "degraded" {
		return nil
	}
	return fmt.Errorf("systemd says %q: %w", out, err)
}

func (h *Host) greets() error {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(h.Addr(), "22"), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	hello := make([]byte, 4)
	if _, err := conn.Read(hello); err != nil || string(hello) != "SSH-" {
		return errors.Join(errors.New("it does not greet by SSH"), err)
	}
	return nil
}

// leader is the process id of the host's first process, seen from outside.
func (h *Host) leader() (int, error) {
	above := int(h.nspawn.Load())
	if above == 0 {
		return 0, fmt.Errorf("host %s is off", h.Name)
	}
	// nsenter starts systemd-nspawn, that starts the system.
	for _, nspawn := range childrenOf(above) {
		for _, pid := range childrenOf(nspawn) {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, ids, _ := strings.Cut(string(status), "\nNSpid:")
			line, _, _ := strings.Cut(ids, "\n")
			if f := strings.Fields(line); len(f) == 3 && f[2] == "1" {
				return pid, nil
			}
		}
	}
	return 0, fmt.Errorf("host %s is starting", h.Name)
}

// Exec runs a shell script on the host as root, past the network: what a test
// looks at or breaks while ssh is not there. It returns standard output.
func (h *Host) Exec(ctx context.Context, script string) (string, error) {
	pid, err := h.leader()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(pid), "--all", "--", "/bin/sh", "-c", script)
	cmd.Env = []string{"PATH=" + systemPath, "LC_ALL=C.UTF-8", "HOME=/root", "DEBIAN_FRONTEND=noninteractive"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("on host %s: %w: %s", h.Name, err, lastLines(errs.Bytes(), 5))
	}
	return out.String(), nil
}

// Sh is Exec for a test, which ends when the script fails.
func (h *Host) Sh(t TB, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := h.Exec(ctx, "set -e\n"+script)
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return out
}

// Unplug takes the host off the network; Plug brings it back.
func (h *Host) Unplug() error { return h.rack.room.sh("ip link set " + h.link() + " down") }

// Plug brings the host back to the network.
func (h *Host) Plug() error { return h.rack.room.sh("ip link set " + h.link() + " up") }

// PowerOff ends the host as a power cut does; its files stay as they are.
func (h *Host) PowerOff() {
	h.off.Store(true)
	if pid, err := h.leader(); err == nil {
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
	} else if above := int(h.nspawn.Load()); above != 0 {
		for _, pid := range childrenOf(above) {
			syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // as above
		}
	}
	h.power.Wait()
}

// PowerOn boots the host that was off, and waits till it is up.
func (h *Host) PowerOn(ctx context.Context) error {
	if h.nspawn.Load() != 0 {
		return fmt.Errorf("host %s is on", h.Name)
	}
	h.power.Wait()
	if err := h.turnOn(); err != nil {
		return err
	}
	return h.WaitUp(ctx)
}

// Reset gives the host a fresh tree of its image and boots it.
func (h *Host) Reset(ctx context.Context) error {
	h.PowerOff()
	if err := h.rack.room.sh(fmt.Sprintf("umount %[1]s/root && umount %[1]s", h.place(""))); err != nil {
		return fmt.Errorf("host %s: take its files away: %w", h.Name, err)
	}
	if err := h.fill(); err != nil {
		return fmt.Errorf("host %s: %w", h.Name, err)
	}
	return h.PowerOn(ctx)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
