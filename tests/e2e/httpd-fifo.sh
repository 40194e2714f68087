#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: a FIFO blocks a file thread for as long as nobody writes.  With all of
# them stuck hits go on, a full queue is a 503, and clients that leave free them.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

echo hit >"$root/hit.txt"
echo miss >"$root/miss.txt"
for i in 1 2 3 4 5 6 whole pair old large; do
	mkfifo "$root/fifo$i"
done
start_server --file-threads 4 --file-queue 2

# A FIFO with a writer is served as it comes.  Each is used once: what is written
# while the last reader has yet to close it goes with that one.
(echo one; sleep 1; echo two) >"$root/fifowhole" &
is "a FIFO is served in chunks" \
	"$(curl -s --max-time $((20 * slow)) "$url/fifowhole")" $'one\ntwo'
echo data >"$root/fifopair" &
is "and the connection goes on" "$(raw 10 'GET /fifopair HTTP/1.1\r\nHost: x\r\n\r\n' \
	'GET /hit.txt HTTP/1.0\r\n\r\n' | statuses)" '200 200'
echo data >"$root/fifoold" &
is "HTTP/1.0 gets it up to the end" "$(raw 10 'GET /fifoold HTTP/1.0\r\n\r\n' | tail -n 1)" data
head -c 3000000 /dev/urandom >"$tap_dir/data"
cat "$tap_dir/data" >"$root/fifolarge" &
check "3 MB through a FIFO" cmp "$tap_dir/data" \
	<(curl -s --max-time $((20 * slow)) "$url/fifolarge")

is "in the cache" "$(get /hit.txt)" 200
for i in 1 2 3 4; do
	curl -s -o "$tap_dir/got$i" "$url/fifo$i" &
	stuck[i]=$!
done
check "four threads are stuck" await 10 stat_is files.jobs_now 4

# For longer than entries are served without a look at the file.
wrk -t 1 -c 4 -d 3 --timeout $((2 * slow)) --latency "$url/hit.txt" >"$tap_dir/wrk"
check "hits go on" grep -qE ' [1-9][0-9]* requests in' "$tap_dir/wrk"
is "none is held up" "$(grep -E 'errors|Non-2xx' "$tap_dir/wrk")" ''
sed -n 's/^/# /; /Latency  \|50%\|99%\|Requests.sec/p' "$tap_dir/wrk"
is "and they are right" "$(curl -s --max-time $((5 * slow)) "$url/hit.txt")" hit
check "though they could not be checked" test "$(stat_of cache.stale)" -gt 0

for i in 5 6; do
	curl -s -o /dev/null --max-time $((30 * slow)) "$url/fifo$i" &
	queued[i]=$!
done
check "two wait in the queue" await 10 stat_is files.jobs_now 6
is "then a miss is refused" "$(get /miss.txt)" 503
check "and told to come again" grep -q $'^Retry-After: 1\r' <(curl -si "$url/miss.txt")
is "hits still go on" "$(curl -s --max-time $((5 * slow)) "$url/hit.txt")" hit
check "refusals are counted" test "$(stat_of requests.refused)" -ge 2

kill "${stuck[1]}" "${stuck[2]}" "${queued[5]}" "${queued[6]}"
wait "${stuck[1]}" "${stuck[2]}" "${queued[5]}" "${queued[6]}" 2>/dev/null
check "clients that leave free their threads" await 10 \
	stat_is files.jobs_now 2
is "so misses are served again" "$(curl -s "$url/miss.txt")" miss

echo data3 >"$root/fifo3"
echo data4 >"$root/fifo4"
wait "${stuck[3]}" "${stuck[4]}"
is "and who waited gets the data" "$(cat "$tap_dir/got3" "$tap_dir/got4")" $'data3\ndata4'

# Stopping does not wait for a FIFO either.
curl -s -o /dev/null "$url/fifo1" &
last=$!
await 10 stat_is files.jobs_now 1
begin=$SECONDS
(sleep 1; kill $last) &
stop_server
is "it stops" "$stopped" 0
check "in time" test $((SECONDS - begin)) -lt $((8 * slow))

start_server --stop-timeout 1
curl -s -o /dev/null "$url/fifo1" &
last=$!
await 10 stat_is files.jobs_now 1
begin=$SECONDS
stop_server
is "it stops with a client that waits" "$stopped" 0
check "when its time is over" test $((SECONDS - begin)) -lt $((5 * slow))
wait $last
finish
