#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: what could be read in two ways is refused, and the connection closed,
# so that no request is smuggled past a proxy in front of it.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

echo home >"$root/index.html"
start_server --max-header 2048 --max-body 1000

# alone NAME STATUS TEXT: exactly one answer, and no second one to what follows.
alone() {
	is "$1" "$(raw 5 "$3"'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n' | statuses)" "$2"
}

get='GET / HTTP/1.1\r\nHost: x\r\n'
alone "both lengths" 400 "${get}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
alone "both, the other way" 400 "${get}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"
alone "two lengths" 400 "${get}Content-Length: 0\r\nContent-Length: 4\r\n\r\n"
alone "two equal lengths" 400 "${get}Content-Length: 0\r\nContent-Length: 0\r\n\r\n"
alone "a list of lengths" 400 "${get}Content-Length: 0, 0\r\n\r\n"
alone "a signed length" 400 "${get}Content-Length: +0\r\n\r\n"
alone "a negative length" 400 "${get}Content-Length: -1\r\n\r\n"
alone "a huge length" 400 "${get}Content-Length: 18446744073709551617\r\n\r\n"
alone "a length of no number" 400 "${get}Content-Length: x\r\n\r\n"
alone "space before the colon" 400 "${get}Content-Length : 0\r\n\r\n"
alone "a folded line" 400 "${get}A: b\r\n Content-Length: 5\r\n\r\n"
alone "a folded first line" 400 'GET / HTTP/1.1\r\n Host: x\r\n\r\n'
alone "a bare LF" 400 "${get}A: b\nB: c\r\n\r\n"
alone "only LFs" 400 'GET / HTTP/1.1\nHost: x\n\n'
alone "a bare CR" 400 "${get}A: b\rB: c\r\n\r\n"
alone "a NUL" 400 "${get}A: \0b\r\n\r\n"
alone "a control" 400 "${get}A: \001b\r\n\r\n"
alone "an unknown coding" 501 "${get}Transfer-Encoding: xchunked\r\n\r\n"
alone "two codings" 501 "${get}Transfer-Encoding: gzip, chunked\r\n\r\n"
alone "a coding twice" 400 "${get}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
alone "a hidden coding" 400 "${get}Transfer-Encoding\t: chunked\r\n\r\n"
alone "a coding in HTTP/1.0" 400 'GET / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
alone "chunked ends the connection" 200 "${get}Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
alone "no host" 400 'GET / HTTP/1.1\r\n\r\n'
alone "two hosts" 400 "${get}Host: y\r\n\r\n"
alone "a bad host" 400 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'
alone "no version" 400 'GET /\r\nHost: x\r\n\r\n'
alone "HTTP/2" 505 'PRI * HTTP/2.0\r\n\r\n'
alone "HTTP/0.8" 505 'GET / HTTP/0.8\r\n\r\n'
alone "two spaces" 400 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n'
alone "space in the target" 400 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n'
alone "TLS" 400 '\026\003\001\002'
alone "CONNECT" 405 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'
long=$(head -c 3000 /dev/zero | tr '\0' a)
alone "a long target" 414 "GET /$long HTTP/1.1\r\nHost: x\r\n\r\n"
alone "a long field" 431 "${get}A: $long\r\n\r\n"
alone "many fields" 431 "${get}$(for i in $(seq 120); do printf '%s' "$i:\r\n"; done)\r\n"
alone "a large body" 413 "${get}Content-Length: 1001\r\n\r\n"
is "leading empty lines are no harm" "$(raw 5 "\r\n\r\n${get}Connection: close\r\n\r\n" | statuses)" 200
is "a length is taken at its word" "$(raw 5 "${get}Content-Length: 22\r\n\r\nGET /none HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n" | statuses)" '200 200'
is "the server lives" "$(get /)" 200
stop_server
finish
