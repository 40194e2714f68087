#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: under load from 256 connections no socket error, no bad status, and
# the counters agree with each other.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"
seconds=${SEDA_LOAD_SECONDS:-4}

echo home >"$root/index.html"
head -c 100K /dev/urandom >"$root/middle"
# Where a second is short, 256 large files have to be smaller.
head -c $((1024 / slow))K /dev/urandom >"$root/large"
for i in $(seq 200); do
	head -c 2000 /dev/zero >"$root/$i"
done
start_server

wrk_says() { # NAME WRK-ARGUMENT...
	local name=$1

	shift
	wrk "$@" >"$tap_dir/wrk" 2>&1
	sed 's/^/# /' "$tap_dir/wrk" | grep -E 'Requests/sec|99%|errors|Non-2xx'
	check "$name: requests were served" grep -qE ' [1-9][0-9]* requests in' "$tap_dir/wrk"
	is "$name: no socket errors" "$(grep 'Socket errors' "$tap_dir/wrk")" ''
	is "$name: no bad status" "$(grep 'Non-2xx' "$tap_dir/wrk")" ''
}

load() { # NAME PATH OPTION...
	wrk_says "$1" -t 2 -c 256 -d "$seconds" --timeout $((5 * slow)) --latency \
		"${@:3}" "$url$2"
}

# As anybody calls it, wherever this runs: wrk has its own timeout, of 2 s.  One of
# three, as an emulated guest whose host was busy with much else (a load of 8) has
# missed it.
plain() {
	local try

	for try in 1 2 3; do
		wrk -c 256 -d 10s "$url/" >"$tap_dir/wrk" 2>&1
		sed "s/^/# $try: /" "$tap_dir/wrk" | grep -E 'Requests/sec|errors|Non-2xx'
		grep -qE ' [1-9][0-9]* requests in' "$tap_dir/wrk" &&
			! grep -qE 'Socket errors|Non-2xx' "$tap_dir/wrk" && return
	done
	return 1
}
check "wrk -c 256 -d 10s: requests are served, and none fails" plain
load "a small file" /
load "100 KB" /middle
load "1 MB (less where it is slow)" /large
cat >"$tap_dir/many.lua" <<'END'
request = function()
	return wrk.format("GET", "/" .. math.random(200))
end
END
load "200 files" / -s "$tap_dir/many.lua"
cat >"$tap_dir/pipeline.lua" <<'END'
init = function()
	local all = {}
	for i = 1, 16 do
		all[i] = wrk.format("GET", "/")
	end
	requests = table.concat(all)
end
request = function()
	return requests
end
END
load "16 requests at a time" / -s "$tap_dir/pipeline.lua"

check "idle again, and no job is left" await 10 idle
total=$(stat_of requests.total)
check "all were hits but the first ones" \
	test "$(stat_of cache.misses)" -lt $((total / 10 + 1000))
if [ "$backend" = seda ]; then
	delivered=$(stat_of kernel_delivered)
	echo "# $total requests, $delivered events from the kernel"
	check "the kernel delivered at least a fraction of an event for each" \
		test "$delivered" -gt $((total / 32))
fi
echo "# memory: $(memory) KiB"
stop_server
is "it stops with status 0" "$stopped" 0
finish
