#!/bin/sh
# Runs all tests. What they need beside Go is installed where that is possible
# (Debian, as root); what had to be left out is said in the last line.
set -u
cd "$(dirname "$0")/.."

left_out=""
leave_out() { left_out="${left_out:+$left_out; }$1"; }

# need COMMAND PACKAGE WHAT: COMMAND is there, or is installed, or WHAT is left out.
need() {
	command -v "$1" >/dev/null 2>&1 && return 0
	[ -x "/usr/sbin/$1" ] && return 0
	install "$2" "$3"
}

# install PACKAGE WHAT: PACKAGE is installed, or WHAT is left out.
install() {
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		[ -n "${updated:-}" ] || apt-get update -q >/dev/null 2>&1
		updated=yes
		DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$1" >/dev/null 2>&1 && return 0
	fi
	leave_out "$2 ($1 could not be installed)"
}

need sshd openssh-server "tests against real OpenSSH servers"
need sudo sudo "tests of sudo on real hosts"
need ansible ansible "comparisons with ansible-core"
need soffice libreoffice-calc-nogui "reading the workbook with LibreOffice"
need pdftotext poppler-utils "reading the PDF"
need busybox busybox "tests with BusyBox's shell"
[ -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)" ] || install postgresql "tests against a real PostgreSQL"
/usr/bin/python3 -c "import psycopg2" 2>/dev/null || install python3-psycopg2 "comparisons with Ansible's modules for PostgreSQL"
need redis-server redis-server "probes of a real Redis"
need mariadbd mariadb-server-core "probes of a real MariaDB"
/usr/bin/python3 -c "import lxml" 2>/dev/null || install python3-lxml "comparisons with Ansible's module for XML"
need debootstrap debootstrap "tests on real hosts"
need systemd-nspawn systemd-container "tests on real hosts"
need ip iproute2 "tests on real hosts"
need nginx nginx-light "tests against a real nginx"
need haproxy haproxy "tests against a real HAProxy"
need socat socat "tests against a real HAProxy"
need setfacl acl "comparisons of access control lists"
need patch patch "tests of patches"
need rsync rsync "comparisons with rsync"
need svn subversion "tests of subversion"
# Only the program: the package would start a server.
command -v promtool >/dev/null 2>&1 || (
	[ "$(id -u)" = 0 ] && cd "$(mktemp -d)" && apt-get download -q prometheus >/dev/null 2>&1 && dpkg -x prometheus_*.deb . && mv usr/bin/promtool /usr/local/bin/ && rm -rf "$PWD"
) || leave_out "promtool's reading of the Prometheus text (prometheus could not be fetched)"
[ "$(id -u)" = 0 ] || leave_out "tests that make users and mounts (not root)"

# -race needs a C compiler; the tests themselves do not.
race="-race"
command -v gcc >/dev/null 2>&1 || { race=""; leave_out "the race detector (no C compiler)"; }

go test $race -timeout 20m ./... ${TESTFLAGS:-}
status=$?

if [ -n "$left_out" ]; then
	echo "left out: $left_out"
else
	echo "left out: nothing"
fi
exit $status
