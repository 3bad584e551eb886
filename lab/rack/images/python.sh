#!/bin/sh
# Builds the tree of a Debian 12 host with the Python that ansible-core's
# modules need in $ROOT, from the tree of the debian image in $DEBIAN.
set -eu
cp -a "$DEBIAN/." "$ROOT/"
cp -L /etc/resolv.conf "$ROOT/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive chroot "$ROOT" apt-get install -q -y --no-install-recommends \
	python3 python3-apt python3-debian
chroot "$ROOT" apt-get clean
rm -f "$ROOT/usr/sbin/policy-rc.d" "$ROOT/etc/resolv.conf"
