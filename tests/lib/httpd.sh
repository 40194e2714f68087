# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the httpd-*.sh tests share: a server on a port of its own, and raw
# requests.  They run from any directory, on the host or in a guest, with the
# backend in SEDAK_BACKEND (epoll if unset).
SEDA_TOP=${SEDA_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=tests/lib/tap.sh
. "$SEDA_TOP/tests/lib/tap.sh"
httpd=${SEDAHTTPD:-$SEDA_TOP/build/bin/sedahttpd}
backend=${SEDAK_BACKEND:-epoll}
# Emulated guests are slow: waits are multiplied by this.
slow=${SEDA_SLOW:-1}
root=$tap_dir/root
mkdir "$root"
server=
port=
url=

# start_server OPTION...: serves $root; sets $server, $port and $url.
start_server() {
	local line='' i

	rm -f "$tap_dir/out"
	"$httpd" --backend "$backend" --listen 127.0.0.1 --port 0 --root "$root" \
		"$@" >"$tap_dir/out" 2>"$tap_dir/err" &
	server=$!
	for ((i = 0; i < 200 * slow; i++)); do
		line=$(grep -s -m 1 '^serving ' "$tap_dir/out") && break
		kill -0 $server 2>/dev/null || break
		sleep 0.1
	done
	url=$(sed -E 's,.* at (http://[^ ]*)/ .*,\1,' <<<"$line")
	port=${url##*:}
	if [ -z "$port" ]; then
		echo "Bail out! the server does not start"
		sed 's/^/# /' "$tap_dir/err"
		exit 1
	fi
}

# Stops it and sets $stopped to its exit status; its errors are told.
stop_server() {
	kill -TERM "$server"
	wait "$server"
	# shellcheck disable=SC2034 # for the caller
	stopped=$?
	server=
	sed 's/^/# server: /' "$tap_dir/err"
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	if [ -n "$server" ]; then
		kill -KILL "$server" 2>/dev/null
		wait "$server" 2>/dev/null
	fi
	rm -rf "$tap_dir"
}
trap cleanup EXIT

# raw SECONDS FORMAT...: sends each FORMAT of printf, prints what comes back until
# the server closes or the time is over.
raw() {
	local seconds=$1 text

	shift
	(
		exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
		for text in "$@"; do
			# shellcheck disable=SC2059 # a format on purpose
			printf "$text" >&3 2>/dev/null
		done
		timeout $((seconds * slow)) cat <&3 2>/dev/null
		exit 0
	) | tr -d '\0'
}

# The statuses in what raw prints, in one line.
statuses() {
	grep -a '^HTTP/1\.1 ' | cut -c 10-12 | xargs
}

# get PATH OPTION...: the status that curl gets.
get() {
	local path=$1

	shift
	curl -s -o /dev/null -w '%{http_code}' --max-time $((20 * slow)) \
		--path-as-is "$@" "$url$path"
}

# A number of stats.json: stat requests.total
stat_of() {
	curl -s --max-time $((20 * slow)) "$url/_seda/stats.json" |
		python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = value[name]
print(value)' "$1"
}

# stat_is NAME VALUE
stat_is() {
	[ "$(stat_of "$1")" = "$2" ]
}

# Nothing is under way but the request for these numbers.
idle() {
	stat_is connections.now 1 && stat_is files.jobs_now 0 &&
		stat_is files.transfers_now 0
}

# Nobody listens on its port any more.
no_listener() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

# await SECONDS COMMAND...: until it succeeds.
await() {
	local i end=$(($1 * slow * 10))

	shift
	for ((i = 0; i < end; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	return 1
}

# Resident memory of the server in KiB.
memory() {
	awk '/^VmRSS/ { print $2 }' "/proc/$server/status"
}
