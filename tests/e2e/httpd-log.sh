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
check "five lines within two seconds" await 2 lines "$log" 5
when='\[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} \+0000\]'
line() { # NUMBER REST
	sed -n "$1p" "$log" | grep -qE "^127\.0\.0\.1 - - $when $2\$"
}
check "a request" line 1 '"GET / HTTP/1\.1" 200 5 "http://from/" "agent \\x22x\\x22"'
check "a missing file" line 2 '"GET /none\?q HTTP/1\.1" 404 [0-9]+ "-" "-"'
check "HEAD" line 3 '"HEAD /large HTTP/1\.1" 200 0 "-" "a"'
check "a large file" line 4 '"GET /large HTTP/1\.1" 200 1048576 "-" "a"'
check "a bad request" line 5 '"BAD" 400 [0-9]+ "-" "-"'

mv "$log" "$log.1"
kill -HUP "$server"
check "HUP opens the log anew" await 3 test -e "$log"
get / >/dev/null
check "and it is written to" await 3 lines "$log" 1
is "the old one is left alone" "$(wc -l <"$log.1")" 5

wrk -t 1 -c 16 -d 2 "$url/" >"$tap_dir/wrk"
total=$(stat_of requests.total)
dropped=$(stat_of log_dropped)
stop_server
# The line of the request for the numbers itself is in the log and in no number.
is "a line for every request" $(($(cat "$log" "$log.1" | wc -l) + dropped)) \
	$((total + 2))
is "none was dropped" "$dropped" 0

start_server --access-log -
get / >/dev/null
stop_server
check "- is standard output" grep -q '"GET / HTTP/1.1" 200 5' "$tap_dir/out"
finish
