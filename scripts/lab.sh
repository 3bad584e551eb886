#!/bin/sh
# lab.sh up N | down: a rack of N real hosts in the background, in ./rack.
# Every fourth host has Python, every sixth is a BusyBox.
set -eu
cd "$(dirname "$0")/.."
dir=${LAB_DIR:-rack}

up() {
	n=$1
	if alive; then
		echo "the rack in $dir is up already; 'make lab-down' ends it"
		exit 1
	fi
	busybox=$((n / 6))
	python=$(((n - busybox) / 4))
	mkdir -p "$dir"
	rm -f "$dir/up"
	setsid bin/sunup lab rack --dir "$dir" --debian $((n - busybox - python)) --python "$python" --busybox "$busybox" \
		>"$dir/up" 2>"$dir/log" </dev/null &
	echo $! >"$dir/pid"
	while [ ! -s "$dir/up" ]; do
		if ! alive; then
			cat "$dir/log"
			rm -f "$dir/pid"
			exit 1
		fi
		sleep 0.2
	done
	echo "$n hosts are up: bin/sunup run -i $dir/inventory.yml ...; make lab-down ends them"
}

# alive: the process of the pid file is there and is ours.
alive() {
	[ -s "$dir/pid" ] && case $(readlink "/proc/$(cat "$dir/pid")/exe" 2>/dev/null) in */sunup*) true ;; *) false ;; esac
}

down() {
	if ! alive; then
		echo "no rack is up in $dir"
		rm -f "$dir/pid"
		return
	fi
	kill "$(cat "$dir/pid")"
	while alive; do sleep 0.1; done
	rm -f "$dir/pid" "$dir/up"
	echo "the rack in $dir is down"
}

case ${1:-} in
up) up "${2:-6}" ;;
down) down ;;
*)
	echo "usage: lab.sh up N | down"
	exit 2
	;;
esac
