#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: SIGTERM stops it gracefully: what is under way is finished, idle
# connections are closed, no new ones are taken, and all within the time given.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

echo home >"$root/index.html"
head -c 60M /dev/urandom >"$root/large"
sum=$(md5sum <"$root/large")

start_server
begin=$SECONDS
exec 4<>"/dev/tcp/127.0.0.1/$port"
printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&4
sleep 0.3
stop_server
is "an idle server stops" "$stopped" 0
check "at once, idle connections or not" test $((SECONDS - begin)) -lt $((3 * slow))
is "the idle connection was closed in order" "$(timeout 5 cat <&4 | statuses)" 200
exec 4>&-

start_server --stop-timeout $((30 * slow))
for fd in 5 6 7 8; do
	eval "exec $fd<>/dev/tcp/127.0.0.1/$port"
	printf 'GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&"$fd"
done
await 10 stat_is files.transfers_now 4
kill -TERM "$server"
await 10 no_listener
kill -HUP "$server"
is "no new connections are taken" "$(get /)" 000
# nobody has read a byte, and most of it has no room in the kernel
check "it waits for what is under way" kill -0 "$server"
clients=()
for fd in 5 6 7 8; do
	LC_ALL=C sed '1,/^\r$/d' <&"$fd" | md5sum >"$tap_dir/sum$fd" &
	clients+=($!)
	eval "exec $fd<&-"
done
wait "$server"
is "and then stops" $? 0
wait "${clients[@]}"
is "responses under way are complete" "$(cat "$tap_dir"/sum? | sort -u)" "$sum"

start_server --stop-timeout 1
curl -s --limit-rate 1M -o /dev/null "$url/large" &
client=$!
await 10 stat_is files.transfers_now 1
begin=$SECONDS
stop_server
is "a client that takes too long is cut off" "$stopped" 0
check "when the time is over" test $((SECONDS - begin)) -lt $((4 * slow))
wait $client
check "and notices" test $? -ne 0

# Under load no answer is cut: what wrk counts as errors would be short reads or
# bad statuses; that connections are refused afterwards is the point of it.
start_server --access-log "$tap_dir/log"
wrk -t 2 -c 64 -d 4 "$url/" >"$tap_dir/wrk" 2>&1 &
client=$!
sleep 2
begin=$(date +%s%N)
stop_server
is "under load it stops" "$stopped" 0
echo "# it took $((($(date +%s%N) - begin) / 1000000)) ms"
wait $client
is "no answer was bad" "$(grep -c 'Non-2xx' "$tap_dir/wrk")" 0
is "every line of the log is whole" "$(grep -cv ' 200 5 "-" "-"$' "$tap_dir/log")" 0

start_server --stop-timeout 100
curl -s --limit-rate 1M -o /dev/null "$url/large" &
client=$!
await 10 stat_is files.transfers_now 1
kill -TERM "$server"
# by then it would notice a second one
await 10 no_listener
begin=$SECONDS
kill -TERM "$server"
wait "$server"
is "a second signal ends it at once" $? 143
check "really" test $((SECONDS - begin)) -lt $((3 * slow))
server=
wait $client
finish
