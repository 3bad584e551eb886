#!/bin/sh
# Static checks. The tools are pinned in tools/go.mod.
set -eu
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l cmd internal inventory lab modules playbooks reports runner)
if [ -n "$unformatted" ]; then
	echo "not formatted (run gofmt -w):"
	echo "$unformatted"
	exit 1
fi
go vet ./...
go tool -modfile=tools/go.mod staticcheck ./...
go test ./internal/layers
if out=$(go tool -modfile=tools/go.mod govulncheck ./... 2>&1); then
	echo "govulncheck: no known vulnerability is called"
elif echo "$out" | grep -q 'fetching vulnerabilities\|vuln.go.dev'; then
	echo "govulncheck: left out, its data cannot be reached from here"
else
	echo "$out"
	exit 1
fi
