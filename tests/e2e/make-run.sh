#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make run serves a directory until Ctrl-C: in a guest with the device, and with
# epoll on the host.  A file that changes is served as it is now, a large one
# arrives whole, and a browser on the host sees the state change.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
# shellcheck source=tests/lib/browser.sh
. "$SEDA_TOP/tests/lib/browser.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL
export TMPDIR=$tap_dir

mkdir "$tap_dir/www"
head -c 100000000 /dev/urandom >"$tap_dir/www/file"

serve() { # BACKEND
	local port pid url

	port=$(free_port)
	url=http://127.0.0.1:$port
	: >"$tap_dir/out"
	env --default-signal=INT,QUIT setsid make --no-print-directory -C "$SEDA_TOP" run DIR="$tap_dir/www" PORT="$port" \
		BACKEND="$1" KERNEL="${KERNEL:-6.1}" >"$tap_dir/out" 2>&1 &
	pid=$!
	until grep -q 'Ctrl-C to stop' "$tap_dir/out"; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.3
	done
	check "$1: says where it serves" grep -q "http://localhost:$port/" "$tap_dir/out"
	check "$1: 100 MB arrive byte for byte" \
		sh -c 'curl -s "$1/file" | cmp - "$2"' - "$url" "$tap_dir/www/file"
	echo changed >"$tap_dir/www/new"
	is "$1: a new file is seen" "$(curl -s "$url/new")" changed
	is "$1: no such file is 404" \
		"$(curl -s -o /dev/null -w '%{http_code}' "$url/none")" 404
	is "$1: the JSON says the backend" "$(curl -s "$url/_seda/stats.json" |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["backend"])')" "$1"
	if [ -n "$browser" ]; then
		(while curl -s -o /dev/null "$url/new"; do :; done) &
		check_browser "$url" "$1" "$tap_dir/www"
	else
		skip "no browser here"
	fi
	# As a terminal does for Ctrl-C: to the whole group.
	kill -INT -- -$pid
	wait $pid
	# make itself dies of the signal, once what it ran has ended.
	is "$1: Ctrl-C stops it" $? 130
	check "$1: nothing is left" test -z "$(ls -d "$tap_dir"/seda-vm.* 2>/dev/null)"
	sed 's/^/# /' "$tap_dir/out"
}

serve seda
serve epoll
finish
