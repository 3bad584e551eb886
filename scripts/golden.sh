#!/bin/sh
# Rewrites the golden files that our own code makes. Those recorded from Ansible
# or Python have flags of their own (-record-ansible, -ansible, -python).
set -eu
cd "$(dirname "$0")/.."
go test ./playbooks ./inventory ./reports ./internal/event ./internal/yaml -update
go test ./cmd/sunup -run TestScripts -update-scripts
git diff --stat
