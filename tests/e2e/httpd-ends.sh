#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: it serves at the ends of its options' ranges, and with as many threads as
# it says.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

echo a >"$root/a"

# serves NAME OPTION...
serves() {
	local name=$1

	shift
	start_server "$@"
	is "$name" "$(get /a)" 200
	stop_server
}

# threads POOL: that there are now.
threads() {
	cat "/proc/$server/task/"*/comm | grep -c "^$1/"
}

serves "the least of all" --workers 1 --cache 0 --max-conns 1 --idle-timeout 10 \
	--header-timeout 86400 --stop-timeout 0.01 --max-header 256 --max-body 0 \
	--file-threads 1 --file-queue 0
serves "the most" --cache 1048576 --max-conns 1000000 --idle-timeout 86400 \
	--stop-timeout 86400 --max-header 65536 --max-body 4294967295 --file-queue 48576
serves "the longest queue" --max-conns 948576 --file-queue 100000

# too_many CONNECTIONS QUEUE
too_many() {
	timeout $((10 * slow)) "$httpd" --backend "$backend" --listen 127.0.0.1 --port 0 \
		--max-conns "$1" --file-queue "$2" "$root" 2>"$tap_dir/e"
	[ $? = 2 ] && grep -qF -- "--max-conns $1 --file-queue $2: give" "$tap_dir/e"
}
check "one more than a queue holds" too_many 1000000 48577
check "the most of both" too_many 1000000 100000

start_server --file-threads 256
is "256 file threads run" "$(threads file)" 256
is "the JSON says so" "$(stat_of files.threads)" 256
is "and they read" "$(get /a)" 200
stop_server
start_server --workers 256 --file-threads 256
is "256 workers run" "$(threads main)" 256
is "with 256 file threads" "$(threads file)" 256
stop_server
finish
