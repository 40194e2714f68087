#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: the access log in the Combined format, its rotation, and standard
# output as a log.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"
log=$tap_dir/log

echo home >"$root/index.html"
head -c 1M /dev/zero >"$root/large"
start_server --access-log "$log"

get / -A 'agent "x"' -e 'http://from/' >/dev/null
get '/none?q' -A '' >/dev/null
get /large -I -A a >/dev/null
get /large -A a >/dev/null
raw 5 'BAD\r\n\r\n' >/dev/null
lines() {
	[ "$(wc -l <"$1")" = "$2" ]
}
check "five lines, though nobody asks for more" await 10 lines "$log" 5
when='\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} \+0000\]'
line() { # NUMBERS REST
	[ "$(sed -n "$1p" "$log" | grep -cE "^127\.0\.0\.1 - - $when $2\$")" = 1 ]
}
check "a request" line 1 '"GET / HTTP/1\.1" 200 5 "http://from/" "agent \\x22x\\x22"'
check "a missing file" line 2 '"GET /none\?q HTTP/1\.1" 404 [0-9]+ "-" "-"'
check "HEAD" line 3 '"HEAD /large HTTP/1\.1" 200 0 "-" "a"'
# Its end may be noticed after the client has it, and so after the next one's.
check "a large file" line 4,5 '"GET /large HTTP/1\.1" 200 1048576 "-" "a"'
check "a bad request" line 4,5 '"BAD" 400 [0-9]+ "-" "-"'

mv "$log" "$log.1"
kill -HUP "$server"
check "HUP opens the log anew" await 3 test -e "$log"
get / >/dev/null
check "and it is written to" await 3 lines "$log" 1
is "the old one is left alone" "$(wc -l <"$log.1")" 5

# More than the writer waits for, and less than there is room for.
for ((i = 0; i < 1500; i++)); do
	printf 'url = "%s/"\noutput = /dev/null\n' "$url"
done >"$tap_dir/urls"
clients=()
for i in 1 2 3; do
	curl -s -K "$tap_dir/urls" &
	clients+=($!)
done
wait "${clients[@]}"
is "of 4500 requests none is dropped" "$(stat_of log_dropped)" 0

wrk -t 1 -c 16 -d 2 "$url/" >"$tap_dir/wrk"
# counted: sets $total and $dropped; true when all requests but the one that asks are
# counted, those that wrk did not wait for, too.
counted() {
	local before=$total now

	curl -s "$url/_seda/stats.json" >"$tap_dir/stats"
	read -r now total dropped < <(python3 - "$tap_dir/stats" <<-'END'
		import json, sys
		stats = json.load(open(sys.argv[1]))
		print(stats["connections"]["now"], stats["requests"]["total"], stats["log_dropped"])
	END
	)
	[ "$now" = 1 ] && [ "$total" = $((before + 1)) ]
}
total=0
check "all requests are counted" await 10 counted
stop_server
# The line of the last request for the numbers is in the log and in no number.
is "a line for every request" $(($(cat "$log" "$log.1" | wc -l) + dropped)) \
	$((total + 1))

start_server --access-log -
get / >/dev/null
stop_server
check "- is standard output" grep -q '"GET / HTTP/1.1" 200 5' "$tap_dir/out"
finish
