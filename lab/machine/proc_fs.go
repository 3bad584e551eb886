package machine

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// generate gives the content of the generated files below /proc.
func (m *Machine) generate(p string) []byte {
	if rest, ok := strings.CutPrefix(p, "/proc/"); ok {
		if pid, file, ok := strings.Cut(rest, "/"); ok {
			if n, err := strconv.Atoi(pid); err == nil {
				return m.procFile(n, file)
			}
		}
	}
	switch p {
	case "/proc/sys/kernel/random/boot_id":
		return []byte(m.BootID() + "\n")
	case "/proc/sys/kernel/hostname":
		return []byte(m.Hostname() + "\n")
	case "/proc/sys/kernel/osrelease":
		return []byte(m.Kernel + "\n")
	case "/proc/version":
		return fmt.Appendf(nil, "Linux version %s (lab@sunup) #1 SMP\n", m.Kernel)
	case "/proc/uptime":
		up := m.Uptime().Seconds()
		return fmt.Appendf(nil, "%.2f %.2f\n", up, up*float64(m.CPUs))
	case "/proc/loadavg":
		return fmt.Appendf(nil, "0.08 0.03 0.01 1/%d %d\n", len(m.Procs())+80, 300)
	case "/proc/stat":
		return fmt.Appendf(nil, "cpu  1000 0 500 %d 0 0 0 0 0 0\nbtime %d\nprocesses 1000\n", int(m.Uptime().Seconds()*100), m.Now().Add(-m.Uptime()).Unix())
	case "/proc/meminfo":
		return m.meminfo()
	case "/proc/cpuinfo":
		return m.cpuinfo()
	case "/proc/mounts", "/etc/mtab":
		return m.mountTable()
	case "/proc/net/tcp":
		return m.tcpTable()
	case "/proc/net/tcp6":
		return []byte("  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")
	}
	return nil
}

func (m *Machine) meminfo() []byte {
	total := m.Memory >> 10
	return fmt.Appendf(nil, "MemTotal:       %8d kB\nMemFree:        %8d kB\nMemAvailable:   %8d kB\nBuffers:        %8d kB\nCached:         %8d kB\nSwapCached:            0 kB\nSwapTotal:      %8d kB\nSwapFree:       %8d kB\n",
		total, total/2, total*3/4, total/50, total/5, total/4, total/4)
}

func (m *Machine) cpuinfo() []byte {
	var b []byte
	for i := range m.CPUs {
		b = fmt.Appendf(b, "processor\t: %d\nvendor_id\t: GenuineIntel\nmodel name\t: Simulated CPU @ 2.40GHz\ncpu MHz\t\t: 2400.000\nphysical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\nflags\t\t: fpu sse sse2\n\n", i, m.CPUs, i, m.CPUs)
	}
	return b
}

func (m *Machine) mountTable() []byte {
	var b []byte
	for _, mt := range m.FS.Mounts() {
		b = fmt.Appendf(b, "%s %s %s %s 0 0\n", mt.Device, mt.Dir, mt.Type, mt.Options)
	}
	return append(b, "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\nsysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0\n"...)
}

func (m *Machine) tcpTable() []byte {
	b := []byte("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n")
	for i, l := range m.Listeners() {
		b = fmt.Appendf(b, "%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 0000000000000000 100 0 0 10 0\n", i, l.Port, 0, 20000+i)
	}
	return b
}

// procDir invents /proc/PID.
type procDir struct{ m *Machine }

var procFiles = []string{"cgroup", "cmdline", "comm", "cwd", "environ", "exe", "mountinfo", "mounts", "root", "stat", "status"}

// VirtualNames lists the processes, or the files of one.
func (d procDir) VirtualNames(dir string) []string {
	if dir == "/proc" {
		names := []string{"self"}
		for _, p := range d.m.Procs() {
			names = append(names, strconv.Itoa(p.PID))
		}
		return names
	}
	if _, _, _, ok := d.VirtualNode(dir); ok {
		return procFiles
	}
	return nil
}

// VirtualNode tells what a path below /proc is.
func (d procDir) VirtualNode(p string) (fs.FileMode, string, int, bool) {
	pid, file, _ := strings.Cut(strings.TrimPrefix(p, "/proc/"), "/")
	if pid == "self" {
		return fs.ModeSymlink | 0o777, "1", 0, file == ""
	}
	n, err := strconv.Atoi(pid)
	if err != nil {
		return 0, "", 0, false
	}
	proc := d.m.Proc(n)
	if proc == nil {
		return 0, "", 0, false
	}
	switch file {
	case "":
		return fs.ModeDir | 0o555, "", proc.Cred.UID, true
	case "cmdline", "comm", "stat", "status", "mounts", "cgroup", "mountinfo":
		return 0o444, "", proc.Cred.UID, true
	case "environ":
		return 0o400, "", proc.Cred.UID, true
	case "cwd", "root":
		return fs.ModeSymlink | 0o777, "/", proc.Cred.UID, true
	case "exe":
		return fs.ModeSymlink | 0o777, "/usr/bin/" + proc.Comm(), proc.Cred.UID, true
	}
	return 0, "", 0, false
}

// Comm is the short name of a process. Any goroutine.
func (p *Proc) Comm() string {
	args := p.Args()
	if len(args) == 0 {
		return "?"
	}
	name := args[0]
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	return strings.TrimPrefix(name[:min(len(name), 15)], "-")
}

func (m *Machine) procFile(pid int, file string) []byte {
	p := m.Proc(pid)
	if p == nil {
		return nil
	}
	switch file {
	case "cmdline":
		return []byte(strings.Join(p.Args(), "\x00") + "\x00")
	case "comm":
		return []byte(p.Comm() + "\n")
	case "environ":
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.environ) == 0 {
			return nil
		}
		return []byte(strings.Join(p.environ, "\x00") + "\x00")
	case "mounts", "mountinfo":
		return m.mountTable()
	case "cgroup":
		return []byte("0::/init.scope\n")
	case "stat":
		ticks := int64(p.Started.Sub(m.Now().Add(-m.Uptime()))/time.Millisecond) / 10
		return fmt.Appendf(nil, "%d (%s) S %d %d %d 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %d 2500000 300\n", p.PID, p.Comm(), p.PPID, p.PGID, p.SID, max(ticks, 0))
	case "status":
		return fmt.Appendf(nil, "Name:\t%s\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nUid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\nVmRSS:\t    1200 kB\n",
			p.Comm(), p.PID, p.PID, p.PPID, p.Cred.UID, p.Cred.UID, p.Cred.UID, p.Cred.UID, p.Cred.GID, p.Cred.GID, p.Cred.GID, p.Cred.GID)
	}
	return nil
}
