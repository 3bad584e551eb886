package tools

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
)

// hostfsEpoch is the start of time for dates without a clock.
var hostfsEpoch = time.Unix(0, 0).UTC()

func hostname(c *machine.Call) int {
	f, args, good := getopt(c, "AadfiIsbF:", "fqdn=f", "long=f", "short=s", "domain=d", "ip-address=i", "all-ip-addresses=I", "all-fqdns=A", "file:=F", "boot=b")
	if !good {
		return 1
	}
	name := c.M.Hostname()
	if file, ok := f.get("F"); ok {
		data, err := c.ReadFile(file)
		if err != nil {
			return c.Errorf("%s: %v", file, err)
		}
		args = []string{strings.TrimSpace(string(data))}
	}
	short, domain, _ := strings.Cut(name, ".")
	switch {
	case len(args) > 0:
		if c.Cred.UID != 0 {
			return c.Errorf("you must be root to change the host name")
		}
		c.M.SetHostname(args[0])
	case f.has("s"):
		c.Printf("%s\n", short)
	case f.has("d"):
		c.Printf("%s\n", domain)
	case f.has("i", "I"):
		c.Printf("%s\n", c.M.Address)
	default:
		c.Printf("%s\n", name)
	}
	return 0
}

func hostnamectl(c *machine.Call) int {
	args := c.Args[1:]
	for len(args) > 0 && strings.HasPrefix(args[0], "--") {
		args = args[1:]
	}
	if len(args) > 1 && (args[0] == "set-hostname" || args[0] == "hostname") {
		if c.Cred.UID != 0 {
			return c.Errorf("Could not set static hostname: Access denied")
		}
		c.M.SetHostname(args[1])
		c.FS().WriteFile(hostfs.Root, "/etc/hostname", []byte(args[1]+"\n"), 0o644)
		return 0
	}
	if len(args) > 0 && args[0] == "hostname" {
		c.Printf("%s\n", c.M.Hostname())
		return 0
	}
	c.Printf(" Static hostname: %s\nOperating System: Debian GNU/Linux 12 (bookworm)\n          Kernel: Linux %s\n    Architecture: x86-64\n", c.M.Hostname(), c.M.Kernel)
	return 0
}

func timedatectl(c *machine.Call) int {
	args := c.Args[1:]
	if len(args) > 1 && args[0] == "set-timezone" {
		c.FS().WriteFile(c.Cred, "/etc/timezone", []byte(args[1]+"\n"), 0o644)
		return 0
	}
	now := c.M.Now()
	if len(args) > 0 && args[0] == "show" {
		c.Printf("Timezone=%s\nLocalRTC=no\nCanNTP=yes\nNTP=yes\nNTPSynchronized=yes\n", zone(c))
		return 0
	}
	c.Printf("               Local time: %s\n           Universal time: %s\n                Time zone: %s\nSystem clock synchronized: yes\n              NTP service: active\n",
		now.In(zone(c)).Format("Mon 2006-01-02 15:04:05 MST"), now.UTC().Format("Mon 2006-01-02 15:04:05 MST"), zone(c))
	return 0
}

func uname(c *machine.Call) int {
	f, _, good := getopt(c, "asnrvmpio", "all=a", "kernel-name=s", "nodename=n", "kernel-release=r", "kernel-version=v", "machine=m", "processor=p", "hardware-platform=i", "operating-system=o")
	if !good {
		return 1
	}
	var out []string
	add := func(flag, v string) {
		if f.has(flag) || f.has("a") {
			out = append(out, v)
		}
	}
	if len(f.order) == 0 {
		f.count["s"] = 1
	}
	add("s", "Linux")
	add("n", c.M.Hostname())
	add("r", c.M.Kernel)
	add("v", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)")
	add("m", c.M.Arch)
	if f.has("p") {
		out = append(out, "unknown")
	}
	if f.has("i") {
		out = append(out, "unknown")
	}
	add("o", "GNU/Linux")
	c.Printf("%s\n", strings.Join(out, " "))
	return 0
}

func arch(c *machine.Call) int {
	c.Printf("%s\n", c.M.Arch)
	return 0
}

func uptime(c *machine.Call) int {
	f, _, good := getopt(c, "ps", "pretty=p", "since=s")
	if !good {
		return 1
	}
	up := c.M.Uptime()
	switch {
	case f.has("s"):
		c.Printf("%s\n", c.M.Now().Add(-up).In(zone(c)).Format("2006-01-02 15:04:05"))
	case f.has("p"):
		c.Printf("up %d minutes\n", int(up.Minutes()))
	default:
		c.Printf(" %s up %d min,  1 user,  load average: 0.08, 0.03, 0.01\n", c.M.Now().In(zone(c)).Format("15:04:05"), int(up.Minutes()))
	}
	return 0
}

func nproc(c *machine.Call) int {
	c.Printf("%d\n", c.M.CPUs)
	return 0
}

func free(c *machine.Call) int {
	f, _, good := getopt(c, "bkmgh", "bytes=b", "kibi=k", "mebi=m", "gibi=g", "human=h")
	if !good {
		return 1
	}
	unit := int64(1 << 10)
	switch {
	case f.has("b"):
		unit = 1
	case f.has("m"):
		unit = 1 << 20
	case f.has("g"):
		unit = 1 << 30
	}
	t := c.M.Memory / unit
	c.Printf("%15s%12s%12s%12s%12s%12s\n", "total", "used", "free", "shared", "buff/cache", "available")
	c.Printf("Mem:   %12d%12d%12d%12d%12d%12d\nSwap:  %12d%12d%12d\n", t, t/4, t/2, 0, t/4, t*3/4, t/4, 0, t/4)
	return 0
}

func lscpu(c *machine.Call) int {
	c.Printf("Architecture:            %s\nCPU(s):                  %d\nModel name:              Simulated CPU @ 2.40GHz\n", c.M.Arch, c.M.CPUs)
	return 0
}

func lsblk(c *machine.Call) int {
	c.Printf("NAME   MAJ:MIN RM  SIZE RO TYPE MOUNTPOINTS\nvda    254:0    0   20G  0 disk \n└─vda1 254:1    0   20G  0 part /\n")
	return 0
}

func getconf(c *machine.Call) int {
	values := map[string]string{"PAGE_SIZE": "4096", "PAGESIZE": "4096", "_NPROCESSORS_ONLN": strconv.Itoa(c.M.CPUs), "_NPROCESSORS_CONF": strconv.Itoa(c.M.CPUs), "LONG_BIT": "64", "ARG_MAX": "2097152",
		"CLK_TCK": "100", "PATH": "/bin:/usr/bin", "NAME_MAX": "255", "PATH_MAX": "4096"}
	if len(c.Args) < 2 || values[c.Args[1]] == "" {
		return c.Errorf("Unrecognized variable")
	}
	c.Printf("%s\n", values[c.Args[1]])
	return 0
}

func lsbRelease(c *machine.Call) int {
	f, _, good := getopt(c, "abcdirs", "all=a", "id=i", "release=r", "codename=c", "short=s", "description=d")
	if !good {
		return 1
	}
	rows := []struct{ flag, name, value string }{{"i", "Distributor ID", "Debian"}, {"d", "Description", "Debian GNU/Linux 12 (bookworm)"}, {"r", "Release", "12"}, {"c", "Codename", "bookworm"}}
	for _, r := range rows {
		if !f.has("a", r.flag) {
			continue
		}
		if f.has("s") {
			c.Printf("%s\n", r.value)
		} else {
			c.Printf("%s:\t%s\n", r.name, r.value)
		}
	}
	return 0
}

func virt(c *machine.Call) int {
	c.Printf("kvm\n")
	return 0
}

func mount(c *machine.Call) int {
	args := c.Args[1:]
	var operands []string
	kind, opts := "ext4", "rw,relatime"
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-t" && i+1 < len(args):
			i++
			kind = args[i]
		case args[i] == "-o" && i+1 < len(args):
			i++
			opts = args[i]
		case strings.HasPrefix(args[i], "-"):
		default:
			operands = append(operands, args[i])
		}
	}
	if len(operands) == 0 {
		for _, m := range c.FS().Mounts() {
			c.Printf("%s on %s type %s (%s)\n", m.Device, m.Dir, m.Type, m.Options)
		}
		return 0
	}
	if c.Cred.UID != 0 {
		c.Errorf("only root can do that")
		return 32
	}
	dir := c.Abs(operands[len(operands)-1])
	if strings.Contains(opts, "remount") {
		return 0
	}
	if i, err := c.FS().Stat(c.Cred, dir); err != nil || !i.IsDir() {
		c.Errorf("%s: mount point does not exist.", dir)
		return 32
	}
	size := int64(1 << 30)
	for _, o := range strings.Split(opts, ",") {
		if v, ok := strings.CutPrefix(o, "size="); ok {
			if n, ok := parseSize(v); ok {
				size = n
			}
		}
	}
	c.FS().Mount(hostfs.Mount{Dir: dir, Device: operands[0], Type: kind, Options: opts, Size: size, ReadOnly: strings.HasPrefix(opts, "ro")})
	return 0
}

func umount(c *machine.Call) int {
	_, args, good := getopt(c, "flrnv")
	if !good || len(args) == 0 {
		return 1
	}
	if !c.FS().Unmount(c.Abs(args[0])) {
		c.Errorf("%s: not mounted.", args[0])
		return 32
	}
	return 0
}

func mountpoint(c *machine.Call) int {
	f, args, good := getopt(c, "qdx", "quiet=q")
	if !good || len(args) == 0 {
		return 1
	}
	real, err := resolve(c, args[0], 0)
	if err != nil {
		return c.Errorf("%s: %v", args[0], err)
	}
	for _, m := range c.FS().Mounts() {
		if m.Dir == real || real == "/proc" || real == "/sys" {
			if !f.has("q") {
				c.Printf("%s is a mountpoint\n", args[0])
			}
			return 0
		}
	}
	if !f.has("q") {
		c.Printf("%s is not a mountpoint\n", args[0])
	}
	return 32
}

func findmnt(c *machine.Call) int {
	f, args, good := getopt(c, "nro:T:t:lJk", "noheadings=n", "raw=r", "output:=o", "target:=T", "json=J", "list=l")
	if !good {
		return 1
	}
	mounts := c.FS().Mounts()
	if t, ok := f.get("T"); ok {
		args = []string{t}
	}
	if len(args) > 0 {
		m, err := c.FS().MountOf(c.Cred, c.Abs(args[0]))
		if err != nil || !f.has("T") && m.Dir != c.Abs(args[0]) {
			return 1
		}
		mounts = []hostfs.Mount{m}
	}
	cols := []string{"TARGET", "SOURCE", "FSTYPE", "OPTIONS"}
	if o, ok := f.get("o"); ok {
		cols = strings.Split(strings.ToUpper(o), ",")
	}
	var rows [][]string
	if !f.has("n") {
		rows = append(rows, cols)
	}
	for _, m := range mounts {
		v := map[string]string{"TARGET": m.Dir, "SOURCE": m.Device, "FSTYPE": m.Type, "OPTIONS": m.Options}
		var row []string
		for _, col := range cols {
			row = append(row, v[col])
		}
		rows = append(rows, row)
	}
	columns(c, rows, len(cols))
	return 0
}

func logger(c *machine.Call) int {
	f, args, good := getopt(c, "t:p:isf:n:P:T", "tag:=t", "priority:=p", "stderr=s", "id?=i")
	if !good {
		return 1
	}
	tag, ok := f.get("t")
	if !ok {
		tag = c.M.UserName(c.Cred.UID)
	}
	text := strings.Join(args, " ")
	if len(args) == 0 {
		data, _ := readAll(c.In)
		text = string(data)
	}
	for _, l := range splitLines([]byte(text)) {
		c.M.Log(tag, c.PID, 5, l)
	}
	return 0
}

func dmesg(c *machine.Call) int {
	c.Printf("[    0.000000] Linux version %s\n", c.M.Kernel)
	return 0
}

func sysctl(c *machine.Call) int {
	f, args, good := getopt(c, "aenwqp::", "values=n", "all=a", "write=w", "load?=p", "system=q")
	if !good {
		return 1
	}
	code := 0
	for _, a := range args {
		key, value, set := strings.Cut(a, "=")
		file := "/proc/sys/" + strings.ReplaceAll(strings.TrimSpace(key), ".", "/")
		if set {
			c.FS().MkdirAll(hostfs.Root, file[:strings.LastIndexByte(file, '/')], 0o555)
			if err := c.FS().WriteFile(c.Cred, file, []byte(strings.TrimSpace(value)+"\n"), 0o644); err != nil {
				code = c.Errorf("permission denied on key '%s'", key)
				continue
			}
			c.Printf("%s = %s\n", key, strings.TrimSpace(value))
			continue
		}
		data, err := c.FS().ReadFile(c.Cred, file)
		if err != nil {
			if !f.has("e") {
				code = 255
				c.Errorf("cannot stat %s: %v", file, err)
			}
			continue
		}
		if f.has("n") {
			c.Printf("%s", data)
		} else {
			c.Printf("%s = %s", key, data)
		}
	}
	return code
}

// reboot is reboot, shutdown, halt and poweroff.
func reboot(c *machine.Call) int {
	if c.Cred.UID != 0 {
		c.Errorf("Failed to set wall message, ignoring: Interactive authentication required.")
		return c.Errorf("Interactive authentication required.")
	}
	again := c.Name() == "reboot"
	var grace time.Duration = 200 * time.Millisecond
	if c.Name() == "shutdown" {
		f, args, good := getopt(c, "rhPHkcfFt:", "reboot=r", "halt=H", "poweroff=P")
		if !good {
			return 1
		}
		if f.has("c") {
			return 0
		}
		again = f.has("r")
		if len(args) > 0 && args[0] != "now" {
			n, err := strconv.Atoi(strings.TrimPrefix(args[0], "+"))
			if err != nil {
				return c.Errorf("Failed to parse time specification: %s", args[0])
			}
			grace = max(grace, time.Duration(n)*time.Minute)
		}
	}
	powerOff(c.M, grace, again)
	return 0
}

func powerOff(m *machine.Machine, grace time.Duration, again bool) {
	if again {
		m.Reboot(grace)
	} else {
		m.Shutdown(grace)
	}
}

// dpkg answers questions about packages; nothing is installed by packages here.
func dpkg(c *machine.Call) int {
	if len(c.Args) > 1 && c.Args[1] == "--print-architecture" {
		c.Printf("amd64\n")
		return 0
	}
	name := c.Args[len(c.Args)-1]
	io.WriteString(c.Err, fmt.Sprintf("dpkg-query: no packages found matching %s\n", name))
	return 1
}

func aptGet(c *machine.Call) int {
	c.Printf("Reading package lists...\nBuilding dependency tree...\n")
	if len(c.Args) > 1 && c.Args[1] == "update" {
		return 0
	}
	fmt.Fprintf(c.Err, "E: Unable to locate package %s\n", c.Args[len(c.Args)-1])
	return 100
}

func chronyc(c *machine.Call) int {
	s := c.M.Services().Get("chronyd")
	if s == nil {
		s = c.M.Services().Get("chrony")
	}
	if s == nil || s.Status().State != machine.Active {
		c.Printf("506 Cannot talk to daemon\n")
		return 1
	}
	off := c.M.Offset.Seconds()
	dir := "fast"
	if off < 0 {
		dir, off = "slow", -off
	}
	if len(c.Args) > 1 && c.Args[len(c.Args)-1] == "tracking" {
		c.Printf("Reference ID    : 0A000001 (time.lab)\nStratum         : 3\nSystem time     : %.9f seconds %s of NTP time\nLast offset     : +0.000012 seconds\nLeap status     : Normal\n", off, dir)
		return 0
	}
	c.Printf("200 OK\n")
	return 0
}
