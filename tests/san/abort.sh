#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd gives back all it has after the requests (ASan: 100,000) of clients that
# go away at any point: no descriptor is left open, no job waits, and memory
# neither leaks nor grows.  SEDA_SEED repeats the clients' choices.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"
# shellcheck source=tests/lib/san.sh
. "$(dirname "$0")/../lib/san.sh"
slow=$SEDA_SLOW
seed=${SEDA_SEED:-$((RANDOM << 15 | RANDOM))}
echo "# seed $seed"

echo home >"$root/index.html"
head -c 3M /dev/urandom >"$root/large"
mkdir "$root/dir"
mkfifo "$root/fifo"

# clients REQUESTS SEED: so many, on connections that end well or by a reset.
clients() {
	python3 - "$port" "$@" <<-'END'
		import random
		import socket
		import struct
		import sys
		port, left, rng = int(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
		paths = ["/", "/", "/large", "/dir/", "/none", "/../x", "/_seda/", "/fifo"]

		def request(path, more=""):
		    return "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path, more)

		def texts(n):
		    some = [request(rng.choice(paths)) for i in range(n - 1)]
		    return some + [rng.choice([
		        request("/", "Content-Length: 1000\r\n") + "abc",
		        request("/", "Transfer-Encoding: chunked\r\n") + "5\r\nab",
		        request("/large", "Range: bytes=0-9,100000-200000\r\n"),
		        request("/", "Expect: 100-continue\r\nContent-Length: 5\r\n"),
		        request("/", "Connection: close\r\n"),
		        request(rng.choice(paths)), "BAD\r\n\r\n"])]

		while left > 0:
		    n = rng.randint(1, 12)
		    left -= n
		    text = "".join(texts(n)).encode()
		    if rng.random() < 0.5:
		        text = text[:rng.randrange(1, len(text) + 1)]
		    s = socket.create_connection(("127.0.0.1", port), timeout=60)
		    try:
		        s.sendall(text)
		        for i in range(rng.choice([0, 0, 1, 3])):
		            s.settimeout(0.01)
		            if not s.recv(rng.choice([1, 100, 100000])):
		                break
		        if rng.random() < 0.2:
		            s.shutdown(socket.SHUT_WR)
		    except OSError:
		        pass
		    if rng.random() < 0.7:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		    s.close()
	END
}

# Three at a time.
many() {
	local i pids=()

	for i in 1 2 3; do
		clients $(($1 / 3 + 1)) $((seed + $1 + i)) &
		pids+=($!)
	done
	wait "${pids[@]}"
}

fds() {
	find "/proc/$server/fd" -mindepth 1 | wc -l
}

fds_are() {
	[ "$(fds)" -le "$1" ]
}

# aborted KIND REQUESTS SERVER
aborted() {
	local kind=$1 open before grown

	httpd=$3
	start_server --idle-timeout 30
	get / >/dev/null
	await 30 idle
	open=$(fds)
	# after what the library and the C library keep for reuse
	many $(($2 / 5))
	await 30 idle
	before=$(memory)
	many $(($2 * 4 / 5))
	check "$kind: no connection, job or transfer is left" await 30 idle
	check "$kind: no descriptor is left" await 30 fds_are "$open"
	grown=$(($(memory) - before))
	echo "# $kind: $(stat_of connections.accepted) connections," \
		"$(stat_of requests.total) answers, $grown KiB more than $before"
	# sanitizers keep freed memory and shadows
	[ "$kind" != plain ] ||
		check "$kind: memory does not grow" test $grown -lt 4096
	stop_server
	is "$kind: it stops with status 0" "$stopped" 0
}

aborted plain 50000 "$SEDA_TOP/build/bin/sedahttpd"
for run in "asan 100000" "tsan 20000"; do
	read -r kind requests <<<"$run"
	san_build "$kind" @/bin/sedahttpd
	san_run aborted "$kind" "$requests" "$SEDA_TOP/build/$kind/bin/sedahttpd"
	is "$kind: nothing is reported" $? 0
done
finish
