package tools

import "sunup/lab/machine"

// Builtin gives a tool that the shell runs inside its own process.
func Builtin(name string) machine.Program {
	switch name {
	case "echo":
		return echo
	case "bash-echo":
		return bashEcho
	case "printf":
		return printf
	case "dash-printf":
		return func(c *machine.Call) int { return printfWith(c, false) }
	case "kill":
		return kill
	}
	return test
}

// Tool is a program and the directory its executable lives in.
type Tool struct {
	Name string
	Dir  string
	Run  machine.Program
}

// All lists every tool, by directory and name.
func All() []Tool {
	return append(append(append(append(files(), text()...), people()...), system()...), network()...)
}

func in(dir string, list map[string]machine.Program) []Tool {
	out := make([]Tool, 0, len(list))
	for name, run := range list {
		out = append(out, Tool{name, dir, run})
	}
	return out
}

func files() []Tool {
	return in("/usr/bin", map[string]machine.Program{
		"ls": ls, "dir": ls, "cat": cat, "cp": cp, "mv": mv, "rm": rm, "ln": ln, "mkdir": mkdir, "rmdir": rmdir, "touch": touch, "chmod": chmod,
		"chown": chown, "chgrp": chown, "stat": stat, "readlink": readlink, "realpath": realpath, "basename": basename, "dirname": dirname,
		"mktemp": mktemp, "find": find, "du": du, "df": df, "sync": ok, "dd": dd, "install": install, "truncate": truncate, "mkfifo": mkfifo,
		"chattr": chattr, "lsattr": lsattr, "file": fileType, "unlink": unlink, "link": link, "pathchk": ok, "tar": tar, "gzip": gzip, "gunzip": gzip, "zcat": gzip,
		"getfacl": ok, "shred": ok, "fuser": fuser, "flock": flock, "namei": ok,
	})
}

func text() []Tool {
	return in("/usr/bin", map[string]machine.Program{
		"echo": echo, "printf": printf, "test": test, "[": test, "true": ok, "false": no, "yes": yes, "seq": seq, "expr": expr, "head": head, "tail": tail,
		"cut": cut, "tr": tr, "sort": sortTool, "uniq": uniq, "wc": wc, "grep": grep, "egrep": grep, "fgrep": grep, "sed": sed, "awk": awkTool, "mawk": awkTool, "tee": tee,
		"xargs": xargs, "sha1sum": checksum, "sha224sum": checksum, "sha256sum": checksum, "sha384sum": checksum, "sha512sum": checksum, "md5sum": checksum, "cksum": cksum,
		"base64": base64Tool, "od": od, "xxd": xxd, "cmp": cmp, "diff": diff, "comm": comm, "paste": paste, "rev": rev, "tac": tac, "nl": nl, "fold": fold,
		"date": date, "sleep": sleep, "env": env, "printenv": printenv, "which": which, "timeout": timeout, "nohup": nohup, "setsid": setsid, "nice": nice, "stdbuf": stdbuf,
		"tput": tput, "clear": ok, "stty": ok, "tty": tty, "iconv": catAll, "locale": locale, "hexdump": xxd, "split": no, "join": no, "column": catAll, "more": catAll, "less": catAll,
	})
}

func people() []Tool {
	return append(in("/usr/bin", map[string]machine.Program{
		"id": id, "whoami": whoami, "groups": groups, "logname": whoami, "users": whoami, "who": ok, "getent": getent, "sudo": sudo, "su": su, "passwd": passwd,
		"newgrp": ok, "chage": ok, "last": ok, "w": ok,
	}), in("/usr/sbin", map[string]machine.Program{
		"useradd": useradd, "usermod": usermod, "userdel": userdel, "groupadd": groupadd, "groupmod": groupmod, "groupdel": groupdel, "chpasswd": chpasswd,
		"runuser": su, "nologin": nologin, "visudo": ok, "gpasswd": gpasswd, "adduser": useradd, "addgroup": groupadd, "deluser": userdel, "delgroup": groupdel,
	})...)
}

func system() []Tool {
	return append(in("/usr/bin", map[string]machine.Program{
		"hostname": hostname, "uname": uname, "uptime": uptime, "ps": ps, "kill": kill, "pgrep": pgrep, "pkill": pgrep, "pidof": pidof, "nproc": nproc, "free": free,
		"lsblk": lsblk, "mount": mount, "umount": umount, "mountpoint": mountpoint, "findmnt": findmnt, "arch": arch, "logger": logger, "dmesg": dmesg,
		"systemctl": systemctl, "journalctl": journalctl, "hostnamectl": hostnamectl, "timedatectl": timedatectl, "systemd-detect-virt": virt, "systemd-notify": ok,
		"crontab": ok, "getconf": getconf, "lscpu": lscpu, "lsb_release": lsbRelease, "dpkg": dpkg, "dpkg-query": dpkg, "apt-get": aptGet, "chronyc": chronyc,
		"update-alternatives": ok, "loginctl": ok, "top": ps, "renice": ok, "ionice": nice, "script": no, "vmstat": ok, "systemd-analyze": ok, "locale-gen": ok,
	}), in("/usr/sbin", map[string]machine.Program{
		"service": service, "reboot": reboot, "shutdown": reboot, "halt": reboot, "poweroff": reboot, "sysctl": sysctl, "sshd": ok, "ldconfig": ok,
		"swapon": ok, "modprobe": ok, "update-rc.d": ok, "invoke-rc.d": service, "blkid": ok, "fsck": ok, "getenforce": no, "chroot": no, "nginx": ok,
	})...)
}

func network() []Tool {
	return append(in("/usr/bin", map[string]machine.Program{
		"nc": nc, "curl": curl, "wget": wget, "ping": ping, "ss": ss, "netstat": ss, "host": hostTool, "pg_isready": pgIsReady, "ssh": sshTool, "dig": hostTool, "nslookup": hostTool,
	}), in("/usr/sbin", map[string]machine.Program{"ip": ip, "ifconfig": ip})...)
}

func ok(*machine.Call) int { return 0 }
func no(*machine.Call) int { return 1 }
