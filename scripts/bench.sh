#!/bin/sh
# Prints the figures of docs/performance.md.
set -eu
cd "$(dirname "$0")/.."
echo "machine: $(nproc) processors, $(awk '/MemTotal/ {printf "%.0f GiB", $2/1048576}' /proc/meminfo), $(uname -sr), $(go version | cut -d' ' -f3)"
go run ./lab/bench "$@"
