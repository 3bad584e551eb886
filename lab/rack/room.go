package rack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Room is the namespaces that a rack's hosts stand in: processes, mounts and
// network. Its first process does nothing but wait for the end of its input,
// which this process holds: whether the rack is closed or this process dies,
// the kernel then ends every process of the room, and with the last of them
// its mounts and networks go.
type room struct {
	number int // of the network, 10.231.number.0/24
	first  int // process id of the first process, seen from outside
	cmd    *exec.Cmd
	hold   io.Closer
}

// openRoom makes a room with a bridge in it that this machine can reach.
func openRoom() (*room, error) {
	// --kill-child ends the first process also when unshare is killed.
	cmd := exec.Command("unshare", "--pid", "--mount", "--net", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "cat")
	cmd.Env = []string{"PATH=" + systemPath}
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open room: %w", err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("open room: %w", err)
	}
	r := &room{cmd: cmd, hold: hold}
	if r.first, err = firstChild(cmd.Process.Pid); err == nil {
		err = r.furnish()
	}
	if err == nil {
		err = r.connect()
	}
	if err != nil {
		r.close()
		return nil, fmt.Errorf("open room: %w %s", err, strings.TrimSpace(stderr.String()))
	}
	return r, nil
}

// firstChild waits for the one child of a process.
func firstChild(parent int) (int, error) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		list := childrenOf(parent)
		// Only after it has become cat are its mounts made.
		if len(list) == 1 && nameOf(list[0]) == "cat" {
			return list[0], nil
		}
		if nameOf(parent) == "" {
			return 0, errors.New("unshare ended")
		}
	}
	return 0, errors.New("unshare started no process in 10 seconds")
}

func childrenOf(pid int) []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	var list []int
	for _, f := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(f); err == nil {
			list = append(list, n)
		}
	}
	return list
}

func nameOf(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(text))
}

// furnish gives the room a /run of its own (systemd-nspawn and ip netns keep
// their mounts there) and a bridge.
func (r *room) furnish() error {
	return r.sh(`
		mount -t tmpfs -o mode=755 tmpfs /run
		mkdir -p /run/netns /run/systemd/nspawn /run/rack
		ip link add br0 type bridge
		ip link set br0 up
		ip link set lo up`)
}

// connect joins the room's bridge with this machine by the first free network.
// The name of the link is the claim: the kernel gives it to one rack only, and
// takes it away with the room.
func (r *room) connect() error {
	for r.number = 1; r.number < 250; r.number++ {
		if networkUsed(r.number) {
			continue
		}
		_, err := tool("ip", "link", "add", r.link(), "type", "veth", "peer", "name", "uplink", "netns", strconv.Itoa(r.first))
		if err == nil {
			return errors.Join(r.addressLink(), r.sh("ip link set uplink master br0 up"))
		}
		if _, there := net.InterfaceByName(r.link()); there != nil {
			return err // not because it is taken
		}
	}
	return errors.New("no free network of 10.231.1.0/24 to 10.231.249.0/24")
}

func (r *room) addressLink() error {
	if _, err := tool("ip", "addr", "add", r.gateway()+"/24", "dev", r.link()); err != nil {
		return err
	}
	_, err := tool("ip", "link", "set", r.link(), "up")
	return err
}

// networkUsed says that this machine already has an address in the network.
func networkUsed(number int) bool {
	addrs, _ := net.InterfaceAddrs()
	probe := net.ParseIP(fmt.Sprintf("10.231.%d.1", number))
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.Contains(probe) {
			return true
		}
	}
	return false
}

func (r *room) link() string    { return "sunup-rack" + strconv.Itoa(r.number) }
func (r *room) gateway() string { return fmt.Sprintf("10.231.%d.1", r.number) }

// inside is a command that runs in the room.
func (r *room) inside(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--target", strconv.Itoa(r.first), "--mount", "--net", "--pid", name}, args...)...)
	cmd.Env = []string{"PATH=" + systemPath, "LC_ALL=C"}
	return cmd
}

// sh runs a script in the room that stops at its first failure.
func (r *room) sh(script string) error {
	out, err := r.inside("sh", "-ec", script).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// path is a path of the room as this machine sees it.
func (r *room) path(name string) string {
	return filepath.Join("/proc", strconv.Itoa(r.first), "root", name)
}

// close takes the room down, and waits till it is gone.
func (r *room) close() {
	if r.number > 0 {
		tool("ip", "link", "del", r.link()) //nolint:errcheck // the kernel would take it away a moment later
	}
	r.hold.Close()
	// Reaping ends when the kernel has ended the room's other processes.
	r.cmd.Wait() //nolint:errcheck // it only ends
	if r.number > 0 {
		sweepGroups(r.link())
	}
}

// hierarchies are the control group trees in which systemd keeps its units:
// one, or two where the machine still has the first version.
func hierarchies() []string {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.procs"); err == nil {
		return []string{"/sys/fs/cgroup"}
	}
	var list []string
	for _, name := range []string{"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(name + "/cgroup.procs"); err == nil {
			list = append(list, name)
		}
	}
	return list
}

// sweepGroups removes the empty control groups below name, deepest first.
func sweepGroups(name string) {
	for _, tree := range hierarchies() {
		for try := 0; try < 50; try++ {
			removeGroups(filepath.Join(tree, name))
			if _, err := os.Stat(filepath.Join(tree, name)); err != nil {
				break
			}
			time.Sleep(20 * time.Millisecond) // the last processes are being taken away
		}
	}
}

func removeGroups(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			removeGroups(filepath.Join(dir, e.Name()))
		}
	}
	syscall.Rmdir(dir) //nolint:errcheck // what is in use stays
}

// sweepDead removes what racks left whose process was killed: only control
// groups, the kernel took the rest.
func sweepDead() {
	for _, tree := range hierarchies() {
		left, _ := filepath.Glob(filepath.Join(tree, "sunup-rack*"))
		for _, dir := range left {
			if _, err := net.InterfaceByName(filepath.Base(dir)); err != nil {
				removeGroups(dir)
			}
		}
	}
}

// tool runs a program of this machine.
func tool(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{"PATH=" + systemPath, "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return string(out), nil
}
