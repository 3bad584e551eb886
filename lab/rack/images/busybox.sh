#!/bin/sh
# Builds the tree of a host in $ROOT that has BusyBox, dropbear and the few
# libraries of dropbear, taken from Debian with the debian image in $DEBIAN.
set -eu
tools=$ROOT.tools
mkdir -p "$tools/upper" "$tools/work" "$tools/merged"
mount -t overlay overlay -o "lowerdir=$DEBIAN,upperdir=$tools/upper,workdir=$tools/work" "$tools/merged"
m=$tools/merged
cp -L /etc/resolv.conf "$m/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$m/usr/sbin/policy-rc.d"
chmod 755 "$m/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive chroot "$m" apt-get install -q -y --no-install-recommends busybox-static dropbear-bin

mkdir -p "$ROOT/bin" "$ROOT/sbin" "$ROOT/usr/bin" "$ROOT/usr/sbin" "$ROOT/etc/dropbear" "$ROOT/etc/init.d" \
	"$ROOT/root" "$ROOT/proc" "$ROOT/sys" "$ROOT/dev" "$ROOT/run" "$ROOT/tmp" "$ROOT/var/log" "$ROOT/var/tmp" "$ROOT/home/ops" "$ROOT/usr/lib" "$ROOT/lib" "$ROOT/lib64"
chmod 1777 "$ROOT/tmp" "$ROOT/var/tmp"
chmod 700 "$ROOT/root"
ln -s ../run "$ROOT/var/run"
cp "$m/bin/busybox" "$ROOT/bin/busybox"
cp "$m/usr/sbin/dropbear" "$m/usr/lib/dropbear/dropbearconvert" "$ROOT/usr/sbin/"
chroot "$m" ldd /usr/sbin/dropbear /usr/lib/dropbear/dropbearconvert | grep -o '/[^ ]*' | grep '\.so' | sort -u | while read -r lib; do
	mkdir -p "$ROOT${lib%/*}"
	cp -L "$m$lib" "$ROOT$lib"
done
umount "$m"
rm -rf "$tools"
chroot "$ROOT" /bin/busybox --install -s

cat >"$ROOT/etc/os-release" <<CONF
NAME="BusyBox"
ID=busybox
VERSION_ID="1.35"
PRETTY_NAME="BusyBox host"
CONF
cat >"$ROOT/etc/passwd" <<CONF
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
ops:x:1000:1000:ops:/home/ops:/bin/sh
CONF
printf 'root:x:0:\nnogroup:x:65534:\nops:x:1000:\n' >"$ROOT/etc/group"
printf 'root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\nops:*:19000:0:99999:7:::\n' >"$ROOT/etc/shadow"
chmod 640 "$ROOT/etc/shadow"
printf '/bin/sh\n/bin/ash\n' >"$ROOT/etc/shells"
chroot "$ROOT" /bin/busybox chown -R 1000:1000 /home/ops
cat >"$ROOT/etc/inittab" <<CONF
::sysinit:/etc/init.d/rcS
::respawn:/usr/sbin/dropbear -F -E -s -p 22
::ctrlaltdel:/sbin/reboot
CONF
cat >"$ROOT/etc/init.d/rcS" <<'CONF'
#!/bin/sh
mkdir -p /run/lock /etc/dropbear
hostname "$(cat /etc/hostname)"
for kind in ed25519; do
	/usr/sbin/dropbearconvert openssh dropbear /etc/ssh/ssh_host_${kind}_key /etc/dropbear/dropbear_${kind}_host_key
done
for script in /etc/init.d/S??*; do
	[ -x "$script" ] && "$script" start
done
true
CONF
chmod 755 "$ROOT/etc/init.d/rcS"
