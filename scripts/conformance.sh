#!/bin/sh
# Runs ansible-core's own integration targets with our binary; see docs/conformance.md.
# Needs root for the sandbox, and Debian's ansible for the Python that some targets use.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${ANSIBLE_SRC:-}" ]; then
	echo "give the path of a checkout of ansible/ansible: make conformance ANSIBLE_SRC=/path TARGETS='loops blocks'" >&2
	exit 2
fi
# Some targets install packages, which the sandbox cannot fetch: they are
# fetched here, once, by apt.
packages=${PACKAGES:-${TMPDIR:-/tmp}/sunup-conformance-packages}
if [ ! -d "$packages" ] && mkdir -p "$packages/partial"; then
	apt-get -q -y --download-only -o Dir::Cache::archives="$packages" install cron libuser >/dev/null 2>&1 ||
		echo "apt cannot fetch cron and libuser: the targets cron and group will fail" >&2
	(cd "$packages" && apt-get -q download at liblockfile1 >/dev/null 2>&1) || echo "apt cannot fetch at: the target package will fail" >&2
	rm -rf "$packages/partial" "$packages/lock"
fi
# shellcheck disable=SC2086 # targets are words
exec go run ./lab/conformance -src "$ANSIBLE_SRC" -bin bin/sunup -packages "$packages" -out "${OUT:-/tmp/sunup-conformance}" ${REAL:+-real} ${RECORD:+-record} ${TARGETS:-}
