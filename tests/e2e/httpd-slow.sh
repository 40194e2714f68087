#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: clients that are slow to ask get a 408 and stop nobody; those that are
# slow to read take little memory and are cut off when nothing moves.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

echo home >"$root/index.html"
head -c 30M /dev/zero >"$root/large"
head -c 250K /dev/zero >"$root/cached"
start_server --header-timeout 2 --idle-timeout 3 --max-conns 2000

begin=$SECONDS
is "half a request gets a 408" "$(raw 20 'GET / HTTP/1.1\r\nHost:' | statuses)" 408
check "in time" test $((SECONDS - begin)) -ge 2 -a $((SECONDS - begin)) -lt $((6 * slow))
is "silence gets nothing" "$(raw 20 '' | wc -c)" 0
is "an idle connection is closed" "$(raw 20 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | statuses)" 200
is "half a second request gets a 408" \
	"$(raw 20 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' 'GET /' | statuses)" '200 408'

# A byte now and then does not stretch the time for a head.
trickle() {
	local char

	exec 3<>"/dev/tcp/127.0.0.1/$port"
	timeout $((10 * slow)) cat <&3 &
	for char in G E T ' ' / ' ' H T T P; do
		printf '%s' "$char" >&3 2>/dev/null || break
		sleep 0.5
	done
	wait $!
}
is "a byte now and then gets a 408" "$(trickle 2>/dev/null | statuses)" 408

# Nor for a body: who sends it byte by byte has his answer, and is cut off.
trickle_body() {
	local i

	exec 3<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n' >&3
	timeout $((10 * slow)) cat <&3 &
	for ((i = 0; i < 20 * slow; i++)); do
		kill -0 $! || break
		printf a >&3 || break
		sleep 0.5
	done
	[ $i -lt $((20 * slow)) ] && echo "cut off"
	wait $!
}
trickle_body >"$tap_dir/body" 2>/dev/null
is "a body that comes byte by byte is cut off" \
	"$(statuses <"$tap_dir/body") $(grep -a 'cut off' "$tap_dir/body")" "200 cut off"
slow_body() {
	(
		exec 3<>"/dev/tcp/127.0.0.1/$port"
		printf 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab' >&3
		sleep 0.5
		printf 'cdGET /none HTTP/1.0\r\n\r\n' >&3
		timeout $((10 * slow)) cat <&3
	)
}
is "one that is slow but in time is not" "$(slow_body | statuses)" '200 404'

# many COUNT BYTES-TO-READ REQUEST...: so many clients send the requests; what their
# answers begin with is counted when each has read that much (0: nothing, for ever).
many() {
	ulimit -n 4096
	python3 - "$port" "$tap_dir/ready" "$@" <<-'END'
		import collections
		import socket
		import sys
		import time
		port, ready, count, amount = sys.argv[1:5]
		text = "".join(sys.argv[5:]).encode().decode("unicode_escape").encode()
		clients = []
		for i in range(int(count)):
		    client = socket.create_connection(("127.0.0.1", int(port)))
		    client.sendall(text)
		    clients.append(client)
		open(ready, "w").close()
		while amount == "0":
		    time.sleep(1)
		counts = collections.Counter(c.recv(int(amount))[9:12].decode() for c in clients)
		print(*["%s %d" % pair for pair in sorted(counts.items())])
	END
}

# start_many: many in the background, as far as its clients have asked.
start_many() {
	rm -f "$tap_dir/ready"
	many "$@" >"$tap_dir/many" &
	clients=$!
	await 30 test -e "$tap_dir/ready"
}

start_many 400 100 'GET / HTTP/1.1\r\nHost: x\r\nX: '
wrk -t 1 -c 4 -d 1 --timeout $((2 * slow)) "$url/" >"$tap_dir/wrk"
check "400 with half a request each stop nobody" grep -qE ' [1-9][0-9]* requests in' "$tap_dir/wrk"
is "nor hold anybody up" "$(grep -E 'errors|Non-2xx' "$tap_dir/wrk")" ''
wait $clients
is "and each of them gets its 408" "$(cat "$tap_dir/many")" '408 400'

# Slow readers: each asks for 30 MB, or the same 250 KB a hundred times, and reads
# nothing.
stop_server
start_server --idle-timeout $((20 * slow)) --max-conns 2000
slow_readers() { # NAME LIMIT-KIB REQUEST
	local before after

	get / >/dev/null
	before=$(memory)
	start_many 100 0 "$3"
	sleep 2
	after=$(memory)
	echo "# $1: $before KiB before, $after KiB after"
	check "$1 take little memory" test $((after - before)) -lt $(($2 * ${SEDA_SHADOW:-1}))
	is "and stop nobody" "$(get /)" 200
	pkill -P $clients
	wait $clients 2>/dev/null
}
slow_readers "100 slow readers of 30 MB" 50000 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n'
await 20 stat_is files.transfers_now 0
slow_readers "100 slow pipeliners of 25 MB" 20000 \
	"$(for i in $(seq 100); do printf '%s' 'GET /cached HTTP/1.1\r\nHost: x\r\n\r\n'; done)"
stop_server

# read_slowly PATH BYTES-PER-SECOND: how much comes.  Its buffer does not grow: TCP
# throws away what a full one of many megabytes gets, and then repeats it after
# seconds, which look like those of one that does not read.
read_slowly() {
	python3 - "$port" "$@" <<-'END'
		import socket
		import sys
		import time
		port, path, rate = sys.argv[1:]
		client = socket.socket()
		client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 19)
		client.connect(("127.0.0.1", int(port)))
		client.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
		begin, total, data = time.monotonic(), 0, b"all"
		while data:
		    time.sleep(max(0, begin + total / int(rate) - time.monotonic()))
		    data = client.recv(1 << 16)
		    total += len(data)
		print(total)
	END
}

start_server --idle-timeout 3
exec 4<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n' >&4
check "who reads nothing at all is cut off" await 30 stat_is files.transfers_now 0
[ "$tap_failed" = 0 ] || curl -s "$url/_seda/stats.json" | sed 's/^/# /'
exec 4>&-
check "who reads slowly is not" test "$(read_slowly /large 5000000)" -gt $((30 << 20))
stop_server
is "it stops with status 0" "$stopped" 0
finish
