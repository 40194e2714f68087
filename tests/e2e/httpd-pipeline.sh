#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: pipelined requests are answered in order, however they are cut, and
# whether their files are in the cache, small, large or missing.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

for i in $(seq 0 99); do
	echo "file $i" >"$root/$i.txt"
done
head -c 2000000 /dev/zero | tr '\0' L >"$root/large"
start_server --header-timeout 300

requests() { # COUNT: GETs of 0.txt, 1.txt, ...
	local i

	for ((i = 0; i < $1 - 1; i++)); do
		printf 'GET /%d.txt HTTP/1.1\r\nHost: x\r\n\r\n' $((i % 100))
	done
	printf 'GET /%d.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' $((i % 100))
}

send() { # SECONDS < requests
	(
		exec 3<>"/dev/tcp/127.0.0.1/$port" 4<&0
		cat <&4 >&3 &
		timeout $(($1 * slow)) cat <&3
	)
}

want=$(seq -f 'file %g' 0 99)
is "100 at once, all misses" "$(requests 100 | send 20 | grep -a '^file')" "$want"
is "100 at once, all hits" "$(requests 100 | send 20 | grep -a '^file')" "$want"
is "in pieces of 7 bytes" "$(requests 20 | dd bs=7 2>/dev/null | send 20 | grep -a '^file')" \
	"$(seq -f 'file %g' 0 19)"
slow_bytes() {
	local text char i

	text=$(requests 2)
	for ((i = 0; i < ${#text}; i++)); do
		char=${text:i:1}
		printf %s "$char"
		sleep 0.002
	done
	printf '\n'
}
is "byte by byte" "$(slow_bytes | send 30 | grep -a '^file')" "$(seq -f 'file %g' 0 1)"
is "10,000 on one connection" "$(requests 10000 | send 60 | grep -ac '^file')" 10000

mixed() {
	printf 'GET /1.txt HTTP/1.1\r\nHost: x\r\n\r\n'
	printf 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n'
	printf 'GET /none HTTP/1.1\r\nHost: x\r\n\r\n'
	printf 'HEAD /large HTTP/1.1\r\nHost: x\r\n\r\n'
	printf 'GET /large HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\n\r\n'
	printf 'DELETE / HTTP/1.1\r\nHost: x\r\n\r\n'
	printf 'GET /2.txt HTTP/1.0\r\n\r\n'
}
mixed | send 20 >"$tap_dir/mixed"
is "a mixture, in order" "$(grep -a -o 'HTTP/1.1 [0-9]*' "$tap_dir/mixed" | cut -c 10- | xargs)" \
	'200 200 404 200 206 405 200'
is "and all of the large one" "$(tr -cd L <"$tap_dir/mixed" | wc -c)" \
	$((2000000 + 10 + $(grep -ao 'Content-Length\|Last-Modified' "$tap_dir/mixed" | tr -cd L | wc -c)))
is "nothing after a refused one" \
	"$(raw 5 'GET /1.txt HTTP/1.1\r\nHost: x\r\n\r\nBAD\r\n\r\nGET /2.txt HTTP/1.1\r\nHost: x\r\n\r\n' | statuses)" '200 400'
half_closed() {
	python3 - "$port" <<-'END'
		import socket
		import sys
		client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		for path in "/1.txt", "/large", "/none":
		    client.sendall(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path).encode())
		client.shutdown(socket.SHUT_WR)
		reply = b""
		while True:
		    piece = client.recv(65536)
		    if not piece:
		        break
		    reply += piece
		print(reply.count(b"HTTP/1.1 200"), reply.count(b"HTTP/1.1 404"))
	END
}
is "a half-closed client gets all its answers" "$(half_closed)" '2 1'
stop_server
finish
