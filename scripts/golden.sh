#!/bin/sh
# Rewrites golden files.
set -eu
cd "$(dirname "$0")/.."
go test ./playbooks ./inventory ./reports ./internal/health -update
go test ./cmd/sunup -update-scripts
git diff --stat
