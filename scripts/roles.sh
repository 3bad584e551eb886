#!/bin/sh
# roles.sh DIRECTORY: fetches the public roles that TestPublicRoles applies,
# each at the commit it was last tried with, and notes these in DIRECTORY/versions.
#
#   scripts/roles.sh /tmp/roles
#   SUNUP_ROLES=/tmp/roles go test -timeout 60m ./cmd/sunup -run TestPublicRoles
set -eu
dir=${1:?usage: roles.sh DIRECTORY}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
: >"$dir/versions"

# role NAME REPOSITORY COMMIT [PATH]: the files of COMMIT, below PATH, are DIRECTORY/NAME.
role() {
	git init -q --bare "$dir/.git-$1"
	git --git-dir="$dir/.git-$1" fetch -q --depth 1 "https://github.com/$2" "$3"
	rm -rf "${dir:?}/$1"
	mkdir "$dir/$1"
	git --git-dir="$dir/.git-$1" archive "$3${4:+:$4}" | tar -x -C "$dir/$1"
	rm -rf "$dir/.git-$1"
	echo "$1 $3" >>"$dir/versions"
}

role geerlingguy.ntp geerlingguy/ansible-role-ntp 026bbe680fcbc2ca74a0f6c6b352dac5e4c66e20
role geerlingguy.nginx geerlingguy/ansible-role-nginx 9616ea992897b3ed864d7b44ffbf69b160f9eb5d
role geerlingguy.haproxy geerlingguy/ansible-role-haproxy 8b23ff0ffb56ce466eb3a7f3fec995f6f2e91add
role geerlingguy.postgresql geerlingguy/ansible-role-postgresql dbb2f6767748beed4f58c29adf76c6ec024679ed
role geerlingguy.security geerlingguy/ansible-role-security 36640d3af0e91b84c530b65563218b125af9e208
role os_hardening dev-sec/ansible-collection-hardening c3822fca2d101ab93a40a614d9618f69fbbb52e9 roles/os_hardening
