#!/bin/sh
# Runs ansible-core's own integration targets with our binary; see docs/conformance.md.
# Needs root for the sandbox, and Debian's ansible for the Python that some targets use.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${ANSIBLE_SRC:-}" ]; then
	echo "give the path of a checkout of ansible/ansible: make conformance ANSIBLE_SRC=/path TARGETS='loops blocks'" >&2
	exit 2
fi
# shellcheck disable=SC2086 # targets are words
exec go run ./lab/conformance -src "$ANSIBLE_SRC" -bin bin/sunup -out "${OUT:-/tmp/sunup-conformance}" ${REAL:+-real} ${TARGETS:-}
