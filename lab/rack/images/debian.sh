#!/bin/sh
# Builds the tree of a Debian 12 host without Python in $ROOT, from $MIRROR.
set -eu
debootstrap --variant=minbase \
	--include=systemd,systemd-sysv,openssh-server,sudo,dbus,iproute2,ca-certificates,libpam-systemd,procps,kmod,less,netbase,iputils-ping,cron,git,unzip,zip,bzip2,xz-utils,iptables,locales,acl,openssl,rsync,curl \
	bookworm "$ROOT" "$MIRROR"

# What is every host's own: keys and ids.
rm -f "$ROOT"/etc/ssh/ssh_host_*
: >"$ROOT/etc/machine-id"
rm -f "$ROOT/var/lib/dbus/machine-id" "$ROOT/etc/hostname"

# Nothing on a host may happen by itself while a test looks.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer console-getty.service getty@.service; do
	ln -sf /dev/null "$ROOT/etc/systemd/system/$unit"
done

cat >"$ROOT/etc/ssh/sshd_config.d/rack.conf" <<CONF
PermitRootLogin prohibit-password
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
MaxStartups 100
CONF
cat >"$ROOT/etc/apt/sources.list" <<CONF
deb $MIRROR bookworm main
CONF
cat >"$ROOT/etc/apt/apt.conf.d/20rack" <<CONF
Acquire::Languages "none";
CONF
printf 'LANG=C.UTF-8\n' >"$ROOT/etc/default/locale"

# A login that is not root.
chroot "$ROOT" useradd --create-home --shell /bin/bash --user-group --groups sudo ops
printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\n' >"$ROOT/etc/sudoers.d/ops"
chmod 440 "$ROOT/etc/sudoers.d/ops"

chroot "$ROOT" apt-get update -q
chroot "$ROOT" apt-get clean
rm -f "$ROOT/etc/resolv.conf"
rm -rf "$ROOT"/var/log/journal/* "$ROOT"/var/log/bootstrap.log
