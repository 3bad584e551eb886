package modules

// The scripts that gather facts print fields "name=value", each ended by a NUL
// byte. They use what every POSIX host has and take what else they find: a
// tool that is missing leaves its field empty.
//
//	V name value   one value
//	R name path    the content of a file
//	S name path    the content of a small file, read without a process
//	C name command what a command prints
//	X name path... the first line of each file, after another
const factTools = `V() { printf '%s=%s\0' "$1" "$2"; }
R() { if [ -r "$2" ] && [ ! -d "$2" ]; then printf '%s=' "$1"; cat "$2" 2>/dev/null; printf '\0'; fi; }
S() { if [ -r "$2" ] && [ ! -d "$2" ]; then printf '%s=' "$1"; while IFS= read -r x; do printf '%s\n' "$x"; done <"$2"; printf '%s\0' "$x"; fi; }
C() { n=$1; shift; printf '%s=' "$n"; "$@" 2>/dev/null </dev/null; printf '\0'; }
H() { command -v "$1" >/dev/null 2>&1; }
L() { x=; if [ -r "$1" ]; then { IFS= read -r x <"$1"; } 2>/dev/null; fi; }
`

// envScript prints the environment as the identity has it; everything before
// factMark is one NAME=value after another.
const envScript = `if [ -r /proc/self/environ ]; then cat /proc/self/environ; else env; fi
printf '\0\001facts\001\0'
LC_ALL=C
export LC_ALL
`

const noEnvScript = `printf '\0\001facts\001\0'
LC_ALL=C
export LC_ALL
`

const factMark = "\x00\x01facts\x01\x00"

// platformScript finds the full name of a host that the hosts file names once,
// where that file is asked first, without a resolver's help; every other case is
// left to getent.
const platformScript = `set -- $(uname -s -n -r -m)
V uname.s "$1"; V uname.n "$2"; V uname.r "$3"; V uname.m "$4"
node=$2
L /proc/sys/kernel/version
if [ -n "$x" ]; then V uname.v "$x"; else C uname.v uname -v; fi
first=
if [ -r /etc/nsswitch.conf ]; then while read -r k w names; do [ "$k" != hosts: ] || first=$w; done </etc/nsswitch.conf; fi
n=0
if [ "$first" = files ] && [ -r /etc/hosts ]; then
while read -r ip names; do
case $ip in ''|'#'*) continue ;; esac
for w in ${names%%#*}; do
if [ "$w" = "$node" ]; then n=$((n + 1)); a=$ip; entry="$ip ${names%%#*}"; break; fi
done
done </etc/hosts
case $a in *:*) n=9 ;; esac
c=0
[ "$n" != 1 ] || while read -r ip names; do [ "$ip" != "$a" ] || c=$((c + 1)); done </etc/hosts
fi
if [ "$n$c" = 11 ]; then V fqdn.names "$entry"
elif H getent; then
set -- $(getent ahosts "$node" 2>/dev/null)
if [ -n "$1" ]; then C fqdn.names getent hosts "$1"; fi
elif H hostname; then C fqdn hostname -f; fi
S machine_id.dbus /var/lib/dbus/machine-id
S machine_id /etc/machine-id
if H getconf; then C bits getconf LONG_BIT; fi
`

const distributionScript = `for f in os-release redhat-release centos-release oracle-release fedora-release system-release alpine-release debian_version lsb-release \
SuSE-release gentoo-release openwrt_release slackware-version altlinux-release; do S "etc.$f" "/etc/$f"; done
[ -r /etc/os-release ] || S etc.os-release.usr /usr/lib/os-release
[ ! -e /etc/arch-release ] || V arch 1
`

// lsbScript knows Debian's present lsb_release, a shell script of a dozen
// processes around /etc/os-release, by its third line, and reads the file
// itself.
const lsbScript = `x=
if [ -z "$LSB_OS_RELEASE" ] && [ -r /usr/bin/lsb_release ] && [ -r /etc/os-release ]; then
{ IFS= read -r x; IFS= read -r x; IFS= read -r x; } </usr/bin/lsb_release
fi
case $x in
*"Gioele Barabucci"*) (ID= NAME= PRETTY_NAME= VERSION_ID= VERSION_CODENAME=
. /etc/os-release
V lsb.id "$ID"; V lsb.name "$NAME"; V lsb.pretty "$PRETTY_NAME"; V lsb.version "$VERSION_ID"; V lsb.codename "$VERSION_CODENAME") ;;
*) if H lsb_release; then C lsb lsb_release -a; else R lsb.file /etc/lsb-release; fi ;;
esac
`

const securityScript = `[ ! -e /sys/kernel/security/apparmor ] || V apparmor 1
if [ -e /sys/fs/selinux/enforce ]; then
L /sys/fs/selinux/enforce; V selinux.enforce "$x"
L /sys/fs/selinux/policyvers; V selinux.version "$x"
fi
S selinux.config /etc/selinux/config
L /proc/sys/crypto/fips_enabled; V fips "$x"
`

const chrootScript = `V chroot.env "$debian_chroot"
x=$(stat -c '%i %d' / /proc/1/root/. 2>/dev/null)
V chroot.root "${x%%
*}"
case $x in
*"
"*) V chroot.init "${x#*
}" ;;
*) C chroot.fs stat -f -c %T / ;;
esac
`

// capsScript asks capsh only when the capabilities are neither all nor none:
// those two are seen in the kernel's own words.
const capsScript = `if H capsh; then
prm=; eff=; inh=
if [ -r /proc/self/status ]; then
while read -r k v; do
case $k in CapInh:) inh=$v ;; CapPrm:) prm=$v ;; CapEff:) eff=$v; break ;; esac
done </proc/self/status
fi
L /proc/sys/kernel/cap_last_cap
caps=
case $inh,$prm,$eff,$x in
*[!0-9a-f,]*|,*|*,,*|*,) ;;
*) if [ $((0x$inh)) = 0 ] && [ "$prm" = "$eff" ]; then
case $((0x$eff)) in
0) caps='=' ;;
$(( (1 << (x + 1)) - 1 ))) caps='=ep' ;;
esac
fi ;;
esac
if [ -n "$caps" ]; then V capsh "Current: $caps"; else C capsh capsh --print; fi
fi
`

const pkgMgrScript = `for f in /usr/bin/apt-get /usr/bin/dnf5 /usr/bin/dnf /usr/bin/dnf-3 /usr/bin/yum /usr/sbin/urpmi /usr/bin/pacman /bin/opkg /usr/pkg/bin/pkgin \
/opt/local/bin/pkgin /usr/bin/zypper /usr/sbin/pkg /usr/local/sbin/pkg /sbin/apk /usr/sbin/swupd /usr/bin/emerge /usr/bin/xbps-install /usr/bin/installp /QOpenSys/pkgs/bin/yum; do
[ ! -e "$f" ] || V "pkg.$f" 1
done
[ ! -e /run/ostree-booted ] || V ostree 1
`

const serviceMgrScript = `L /proc/1/comm; V comm "$x"
if H systemctl; then
V svc.systemctl 1
canary=
for d in /run/systemd/system /dev/.run/systemd /dev/.systemd; do [ ! -e "$d" ] || canary=1; done
if [ -n "$canary" ]; then V svc.canary 1
elif [ -h /sbin/init ]; then C svc.init readlink /sbin/init; fi
fi
if H initctl && [ -e /etc/init ]; then V svc.upstart 1; fi
[ ! -e /sbin/openrc ] || V svc.openrc 1
[ ! -e /etc/init.d ] || V svc.sysv 1
`

const cmdlineScript = `S cmdline /proc/cmdline
`

// dateScript gives GNU's date all its questions at once; it takes a day without
// a year as one of this year.
const dateScript = `x=$(date -f - '+%s %N %z %Z' 2>/dev/null <<'END'
now
Jan 1 12:00 UTC
Jul 2 12:00 UTC
END
)
case $x in
[0-9]*) V dates "$x" ;;
*)
x=$(date '+%Y %s %N %z %Z')
y=${x%% *}
V date "${x#* }"
case $y in
[0-9]*) days=$(( (y - 1970) * 365 + (y - 1969) / 4 ))
C date.jan date -d "@$(( days * 86400 + 43200 ))" '+%z %Z'
C date.jul date -d "@$(( (days + 182) * 86400 + 43200 ))" '+%z %Z' ;;
esac ;;
esac
`

const loadScript = `S loadavg /proc/loadavg
`

const sshKeysScript = `for d in /etc/ssh /etc/openssh /etc; do
for k in dsa rsa ecdsa ed25519; do
if [ -r "$d/ssh_host_${k}_key.pub" ]; then L "$d/ssh_host_${k}_key.pub"; V "key.$k" "$x"; fi
done
[ ! -r "$d/ssh_host_rsa_key.pub" ] || break
done
`

const userScript = `u=${LOGNAME:-${USER:-${LNAME:-${USERNAME:-}}}}
[ -n "$u" ] || u=$(id -un)
V user.name "$u"
i=" $(id) "
G() { case $i in *" $2="*) x=${i#*" $2="}; V "$1" "${x%%[!0-9]*}" ;; *) V "$1" "$3" ;; esac; }
G user.ruid uid; r=${x%%[!0-9]*}
G user.uid euid "$r"; e=${x%%[!0-9]*}
G user.rgid gid; r=${x%%[!0-9]*}
G user.gid egid "$r"
if H getent; then
x=$(getent passwd "$u" 2>/dev/null </dev/null)
[ -n "$x" ] || x=$(getent passwd "$e" 2>/dev/null </dev/null)
V user.entry "$x"
else C user.entry grep "^$u:" /etc/passwd; fi
`

const virtualScript = `R virt.cgroup /proc/1/cgroup
if [ -r /proc/1/environ ]; then printf 'virt.environ='; tr '\0' '\n' </proc/1/environ 2>/dev/null; printf '\0'; fi
for f in /proc/vz /proc/lve /proc/bc /.dockerenv /.dockerinit /proc/xen /dev/kvm; do [ ! -e "$f" ] || V "virt.$f" 1; done
R virt.container /run/systemd/container
R virt.xencaps /proc/xen/capabilities
for f in product_name sys_vendor product_family bios_vendor; do L "/sys/devices/virtual/dmi/id/$f"; V "virt.$f" "$x"; done
R virt.status /proc/self/status
R virt.cpuinfo /proc/cpuinfo
R virt.modules /proc/modules
`

const hardwareScript = `R cpuinfo /proc/cpuinfo
R meminfo /proc/meminfo
S uptime /proc/uptime
if H nproc; then C nproc nproc; fi
[ ! -e /proc/xen ] || V xen 1
L /sys/hypervisor/type; V hypervisor "$x"
d=/sys/devices/virtual/dmi/id
if [ -e "$d/product_name" ]; then
V dmi 1
for f in bios_date bios_vendor bios_version board_asset_tag board_name board_serial board_vendor board_version chassis_asset_tag chassis_serial \
chassis_vendor chassis_version chassis_type product_name product_serial product_uuid product_version sys_vendor; do
if [ -r "$d/$f" ]; then L "$d/$f"; V "dmi.$f" "$x"; fi
done
elif H dmidecode; then
for f in bios-release-date bios-vendor bios-version baseboard-asset-tag baseboard-product-name baseboard-serial-number baseboard-manufacturer \
baseboard-version chassis-asset-tag chassis-serial-number chassis-manufacturer chassis-version chassis-type system-product-name \
system-serial-number system-uuid system-version system-manufacturer; do C "dmidecode.$f" dmidecode -s "$f"; done
fi
if H vgs && [ "$(id -u)" = 0 ]; then
for t in vgs lvs pvs; do C "lvm.$t" "$t" --noheadings --nosuffix --units g --separator ,; done
fi
R mountinfo /proc/self/mountinfo
M=
for f in /etc/mtab /proc/mounts /proc/self/mounts; do [ ! -r "$f" ] || M=$f; done
R mounts "$M"
t=
if H timeout; then t="timeout $G"; fi
if H lsblk; then C lsblk $t lsblk --list --noheadings --paths --output NAME,UUID --exclude 2; fi
if [ -n "$M" ]; then
while read -r dev mnt typ rest; do
case $dev in
/*|*:/*) ;;
*) continue ;;
esac
m=$(printf '%bx' "$mnt"); m=${m%x}
printf 'statfs.%s=' "$m"; $t stat -f -c '%s %S %b %a %c %d' "$m" 2>/dev/null </dev/null; printf '\0'
done <"$M"
fi
for k in id uuid label; do
for f in /dev/disk/by-$k/*; do
if [ -h "$f" ]; then printf 'link.%s.%s=' "$k" "${f##*/}"; readlink "$f"; printf '\0'; fi
done
done
for f in /sys/block/*/slaves/*; do
if [ -e "$f" ]; then d=${f#/sys/block/}; V "slave.${d%%/*}.${f##*/}" 1; fi
done
for b in /sys/block/*; do
[ -e "$b/size" ] || continue
n=${b##*/}
V "disk.$n" 1
for f in device/vendor device/model device/sas_address device/sas_device_handle device/serial removable queue/discard_granularity queue/rotational \
queue/scheduler size queue/logical_block_size queue/hw_sector_size; do
if [ -r "$b/$f" ]; then L "$b/$f"; V "block.$n.$f" "$x"; fi
done
for h in "$b"/holders/dm-*; do
if [ -e "$h" ]; then L "$h/dm/name"; V "holder.$n.${h##*/}" "$x"; fi
done
for p in "$b"/"$n"*; do
[ -e "$p/size" ] || continue
q=${p##*/}
L "$p/start"; s=$x; L "$p/size"; V "part.$n.$q" "$s $x"
for h in "$p"/holders/dm-*; do
if [ -e "$h" ]; then L "$h/dm/name"; V "holder.$q.${h##*/}" "$x"; fi
done
done
done
`

const dnsScript = `S resolv /etc/resolv.conf
`

const networkScript = `for p in /sys/class/net/*; do
[ -d "$p" ] || continue
n=${p##*/}
V "net.$n" 1
for f in address mtu operstate type flags speed; do
if [ -r "$p/$f" ]; then L "$p/$f"; V "if.$n.$f" "$x"; fi
done
if [ -e "$p/device/driver/module" ]; then printf 'if.%s.module=' "$n"; readlink "$p/device/driver/module"; printf '\0'; fi
if [ -e "$p/device" ]; then printf 'if.%s.pciid=' "$n"; readlink "$p/device"; printf '\0'; fi
if [ -d "$p/bridge" ]; then
for f in bridge_id stp_state; do L "$p/bridge/$f"; V "if.$n.bridge.$f" "$x"; done
for f in "$p"/brif/*; do [ ! -e "$f" ] || V "brif.$n.${f##*/}" 1; done
fi
if [ -d "$p/bonding" ]; then
for f in mode miimon lacp_rate primary all_slaves_active slaves; do L "$p/bonding/$f"; V "if.$n.bonding.$f" "$x"; done
fi
done
if H ip; then
V ip 1
C ip4 ip -4 -o addr show
C ip6 ip -6 -o addr show
C route4 ip -4 route get 8.8.8.8
C route6 ip -6 route get 2404:6800:400a:800::1012
fi
`

const fibreScript = `for f in /sys/class/fc_host/*/port_name; do
if [ -r "$f" ]; then L "$f"; V "fc.$f" "$x"; fi
done
`

const iscsiScript = `R iscsi /etc/iscsi/initiatorname.iscsi
`

const nvmeScript = `R nvme /etc/nvme/hostnqn
`

// localScript reads facts.d; the directory is in $D.
const localScript = `for f in "$D"/*.fact; do
if [ -x "$f" ] && [ ! -d "$f" ]; then
n=${f##*/}
o=$("$f" 2>/dev/null </dev/null; printf '%s' "|$?")
V "local.rc.${n%.fact}" "${o##*|}"
V "local.${n%.fact}" "${o%|*}"
elif [ -f "$f" ]; then
n=${f##*/}
R "local.${n%.fact}" "$f"
fi
done
`
