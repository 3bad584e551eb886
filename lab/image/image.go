package image

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"time"

	"sunup/lab/hostfs"
	"sunup/lab/machine"
	"sunup/lab/shell"
	"sunup/lab/tools"
)

// born is the time of every file in the image.
var born = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// Used is what the image takes on the root disk, as df shows it.
const Used = 1800 << 20

// Base returns the shared tree. It must not be changed; start from it with
// hostfs.New.
var Base = sync.OnceValue(build)

// Programs returns the code behind the image's executables.
var Programs = sync.OnceValue(func() map[string]machine.Program {
	all := shell.Programs()
	for _, t := range tools.All() {
		all[t.Name] = t.Run
	}
	return all
})

// dirs lists the directories with modes that are not 0755.
var dirs = map[string]fs.FileMode{
	"/usr/bin": 0o755, "/usr/sbin": 0o755, "/usr/lib/systemd/system": 0o755, "/usr/lib/os-release.d": 0o755, "/usr/local/bin": 0o755, "/usr/local/sbin": 0o755,
	"/usr/share/zoneinfo": 0o755, "/usr/share/doc": 0o755, "/usr/share/man": 0o755, "/etc/systemd/system/multi-user.target.wants": 0o755, "/etc/sudoers.d": 0o750,
	"/etc/ssh": 0o755, "/etc/default": 0o755, "/etc/cron.d": 0o755, "/etc/logrotate.d": 0o755, "/etc/skel": 0o755, "/etc/profile.d": 0o755, "/etc/apt/sources.list.d": 0o755,
	"/etc/sysctl.d": 0o755, "/etc/security": 0o755, "/home": 0o755, "/root": 0o700, "/opt": 0o755, "/srv": 0o755, "/mnt": 0o755, "/media": 0o755, "/boot": 0o755, "/run": 0o755,
	"/tmp": 0o777 | fs.ModeSticky, "/var/tmp": 0o777 | fs.ModeSticky, "/var/log": 0o755, "/var/lib": 0o755, "/var/cache": 0o755, "/var/spool/cron": 0o755, "/var/mail": 0o755,
	"/var/www": 0o755, "/dev/pts": 0o755, "/dev/shm": 0o777 | fs.ModeSticky, "/proc/sys/kernel/random": 0o555, "/proc/net": 0o555, "/sys/class/net/eth0": 0o755, "/sys/class/net/lo": 0o755,
	"/sys/class/dmi": 0o755, "/sys/devices/virtual/dmi/id": 0o755, "/sys/block/vda": 0o755, "/sys/fs/cgroup": 0o755, "/sys/devices/virtual": 0o755, "/sys/kernel": 0o755,
}

var links = map[string]string{
	"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64", "/var/run": "/run", "/var/lock": "/run/lock", "/etc/os-release": "../usr/lib/os-release",
	"/etc/mtab": "../proc/self/mounts", "/dev/fd": "/proc/self/fd", "/usr/bin/sh": "dash", "/usr/sbin/init": "../lib/systemd/systemd",
	"/sys/class/dmi/id": "../../devices/virtual/dmi/id", "/etc/localtime": "/usr/share/zoneinfo/UTC",
}

var generated = []string{"/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/hostname", "/proc/sys/kernel/osrelease", "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/stat",
	"/proc/meminfo", "/proc/cpuinfo", "/proc/mounts", "/proc/net/tcp", "/proc/net/tcp6"}

var devices = map[string]string{"/dev/null": "null", "/dev/zero": "zero", "/dev/full": "full", "/dev/urandom": "urandom", "/dev/random": "urandom", "/dev/tty": "tty"}

var texts = map[string]string{
	"/usr/lib/os-release": `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
`,
	"/etc/debian_version": "12.8\n",
	"/etc/issue":          "Debian GNU/Linux 12 \\n \\l\n\n",
	"/etc/motd":           "",
	"/etc/fstab":          "/dev/vda1 / ext4 errors=remount-ro 0 1\n",
	"/etc/shells":         "/bin/sh\n/bin/bash\n/usr/bin/bash\n/bin/dash\n/usr/bin/dash\n",
	"/etc/environment":    "",
	"/etc/profile":        "PATH=/usr/local/bin:/usr/bin:/bin\nexport PATH\n",
	"/etc/resolv.conf":    "nameserver 10.0.0.2\nsearch lab\n",
	"/etc/nsswitch.conf":  "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
	"/etc/login.defs":     "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nSYS_UID_MIN 100\nSYS_UID_MAX 999\nUMASK 022\nENCRYPT_METHOD YESCRYPT\n",
	"/etc/services":       "ssh\t22/tcp\nsmtp\t25/tcp\ndomain\t53/udp\nhttp\t80/tcp\nntp\t123/udp\nhttps\t443/tcp\npostgresql\t5432/tcp\nhttp-alt\t8080/tcp\n",
	"/etc/sudoers":        "Defaults\tenv_reset\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
	"/etc/ssh/sshd_config": `PermitRootLogin prohibit-password
PasswordAuthentication yes
Subsystem sftp internal-sftp
`,
	"/etc/skel/.profile": "# ~/.profile\n",
	"/etc/skel/.bashrc":  "# ~/.bashrc\n",
	"/etc/passwd": `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`,
	"/etc/group": `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
sudo:x:27:
www-data:x:33:
staff:x:50:
users:x:100:
nogroup:x:65534:
`,
	"/etc/shadow": `root:*:19700:0:99999:7:::
daemon:*:19700:0:99999:7:::
bin:*:19700:0:99999:7:::
sys:*:19700:0:99999:7:::
mail:*:19700:0:99999:7:::
www-data:*:19700:0:99999:7:::
nobody:*:19700:0:99999:7:::
`,
	"/proc/cmdline":                            "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro quiet\n",
	"/proc/filesystems":                        "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n\text4\n",
	"/proc/swaps":                              "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
	"/proc/net/route":                          "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\neth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
	"/proc/sys/kernel/ostype":                  "Linux\n",
	"/proc/sys/vm/swappiness":                  "60\n",
	"/proc/sys/net/ipv4/ip_forward":            "0\n",
	"/sys/devices/virtual/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)\n",
	"/sys/devices/virtual/dmi/id/sys_vendor":   "QEMU\n",
	"/sys/devices/virtual/dmi/id/bios_version": "1.0\n",
	"/sys/devices/virtual/dmi/id/bios_date":    "01/05/2026\n",
	"/sys/devices/virtual/dmi/id/board_vendor": "sunup lab\n",
	"/sys/devices/virtual/dmi/id/board_name":   "lab\n",
	"/sys/class/net/eth0/address":              "52:54:00:00:00:01\n",
	"/sys/class/net/eth0/mtu":                  "1500\n",
	"/sys/class/net/eth0/type":                 "1\n",
	"/sys/class/net/lo/type":                   "772\n",
	"/sys/class/net/eth0/operstate":            "up\n",
	"/sys/class/net/lo/address":                "00:00:00:00:00:00\n",
	"/sys/class/net/lo/mtu":                    "65536\n",
	"/sys/class/net/lo/operstate":              "unknown\n",
	"/sys/block/vda/size":                      "41943040\n",
	"/usr/lib/systemd/systemd-logind":          "",
}

// modes lists files whose mode is not 0644.
var modes = map[string]fs.FileMode{"/etc/shadow": 0o640, "/etc/sudoers": 0o440}

func build() *hostfs.Tree {
	t := hostfs.New(nil)
	t.Now = func() time.Time { return born }
	for _, d := range slices.Sorted(maps.Keys(dirs)) {
		must(t.MkdirAll(hostfs.Root, d, 0o755))
		must(t.Chmod(hostfs.Root, d, dirs[d]))
	}
	for _, p := range slices.Sorted(maps.Keys(texts)) {
		must(t.MkdirAll(hostfs.Root, path.Dir(p), 0o755))
		mode := fs.FileMode(0o644)
		if m, ok := modes[p]; ok {
			mode = m
		}
		must(t.WriteFile(hostfs.Root, p, []byte(texts[p]), mode))
	}
	for _, p := range generated {
		must(t.Mknod(hostfs.Root, p, 0o444, "generated"))
	}
	for _, p := range slices.Sorted(maps.Keys(devices)) {
		must(t.Mknod(hostfs.Root, p, fs.ModeDevice|fs.ModeCharDevice|0o666, devices[p]))
	}
	binary(t, "/usr/bin/dash", "dash")
	binary(t, "/usr/bin/bash", "bash")
	binary(t, "/usr/lib/systemd/systemd", "init")
	for _, tool := range tools.All() {
		binary(t, path.Join(tool.Dir, tool.Name), tool.Name)
	}
	for _, setuid := range []string{"/usr/bin/sudo", "/usr/bin/su", "/usr/bin/passwd"} {
		must(t.Chmod(hostfs.Root, setuid, 0o755|fs.ModeSetuid))
	}
	for _, l := range slices.Sorted(maps.Keys(links)) {
		must(t.Symlink(hostfs.Root, links[l], l))
	}
	t.SetUsed(Used)
	return t.Freeze()
}

func binary(t *hostfs.Tree, p, name string) {
	must(t.WriteFile(hostfs.Root, p, machine.Binary(name), 0o755))
}

// must stops the program when the image, which is fixed, cannot be built.
func must(err error) {
	if err != nil {
		panic("build the image: " + err.Error())
	}
}
