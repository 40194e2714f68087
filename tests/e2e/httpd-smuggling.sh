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
alone "an unknown coding" 400 "${get}Transfer-Encoding: xchunked\r\n\r\n"
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
# The sets that are published (RFC 9112, 11.2; CL.TE, TE.CL, TE.TE), to a server
# that must refuse with a 400 what it cannot frame, and close.
post='POST / HTTP/1.1\r\nHost: x\r\n'
alone "CL.TE" 400 "${post}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"
alone "TE.CL" 400 "${post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nZ\r\n0\r\n\r\n"
alone "CL.TE with a length of 0" 400 "${post}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
while IFS='|' read -r name status fields; do
	alone "$name" "$status" "$get$fields\r\n\r\n0\r\n\r\n"
done <<'END'
TE.TE: the second unknown|400|Transfer-Encoding: chunked\r\nTransfer-Encoding: x
TE.TE: the first unknown|400|Transfer-Encoding: x\r\nTransfer-Encoding: chunked
TE.TE: other capitals|400|Transfer-Encoding: chunked\r\ntransfer-ENCODING: chunked
TE: space before the colon|400|Transfer-Encoding : chunked
TE: space before the name|400| Transfer-Encoding: chunked
TE: tab before the name|400|\tTransfer-Encoding: chunked
TE: the colon in the next line|400|Transfer-Encoding\r\n: chunked
TE: no colon|400|Transfer-Encoding chunked
TE: folded|400|Transfer-Encoding:\r\n chunked
TE: folded with a tab|400|Transfer-Encoding:\r\n\tchunked
TE: after a bare LF|400|X: y\nTransfer-Encoding: chunked
TE: after a bare CR|400|X: y\rTransfer-Encoding: chunked
TE: vertical tab|400|Transfer-Encoding: \vchunked
TE: form feed|400|Transfer-Encoding: \fchunked
TE: NUL behind|400|Transfer-Encoding: chunked\0
TE: CR behind|400|Transfer-Encoding: chunked\r\r\n
TE: a no-break space|400|Transfer-Encoding: \240chunked
TE: double quotes|400|Transfer-Encoding: "chunked"
TE: single quotes|400|Transfer-Encoding: 'chunked'
TE: a parameter|400|Transfer-Encoding: chunked;x=y
TE: two words|400|Transfer-Encoding: chunked x
TE: not the last|400|Transfer-Encoding: chunked, identity
TE: identity|400|Transfer-Encoding: identity
TE: empty|400|Transfer-Encoding:
TE: a member that is empty|501|Transfer-Encoding: , chunked
TE: twice in one|501|Transfer-Encoding: chunked, chunked
TE: a high byte in the name|400|Transfer-Encod\355ng: chunked
TE: tab before the value|200|Transfer-Encoding:\tchunked
TE: no space|200|Transfer-Encoding:chunked
TE: capitals|200|TRANSFER-ENCODING: CHUNKED
CL: twice, other capitals|400|Content-Length: 5\r\nCONTENT-LENGTH: 5
CL: a list of one and nothing|400|Content-Length: 5,
CL: two words|400|Content-Length: 5 5
CL: empty|400|Content-Length:
CL: hexadecimal|400|Content-Length: 0x5
CL: a fraction|400|Content-Length: 5.0
CL: an exponent|400|Content-Length: 5e0
CL: grouped|400|Content-Length: 1_0
CL: quoted|400|Content-Length: "5"
CL: 2^64|400|Content-Length: 18446744073709551616
CL: 2^64 + 5|400|Content-Length: 18446744073709551621
CL: negative zero|400|Content-Length: -0
CL: vertical tab|400|Content-Length: \v5
CL: NUL behind|400|Content-Length: 5\0
CL: folded|400|Content-Length:\r\n 5
CL: an underline|400|Content-Length_: 5\r\nContent-Length : 5
a NUL in a name|400|A\0B: c
a DEL|400|A: \177
a space in a name|400|A B: c
a comma in a name|400|A,B: c
an empty name|400|: c
an end of two LFs|400|A: b\n\n
an end of CR CR LF|400|A: b\r\r\n
a host folded|400|Host:\r\n y
a host again, with a space|400|Host : y
END
while IFS='|' read -r name status text; do
	alone "$name" "$status" "$text"
done <<'END'
a host with a user|400|GET / HTTP/1.1\r\nHost: u@x\r\n\r\n
a host with a space|400|GET / HTTP/1.1\r\nHost: x y\r\n\r\n
a host with a query|400|GET / HTTP/1.1\r\nHost: x?y\r\n\r\n
a host with a fragment|400|GET / HTTP/1.1\r\nHost: x#y\r\n\r\n
absolute: a user|400|GET http://x@y/ HTTP/1.1\r\nHost: x\r\n\r\n
absolute: no host|400|GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n
absolute: another scheme|400|GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n
absolute: a file|400|GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n
absolute: a backslash|400|GET http:\\\\x/ HTTP/1.1\r\nHost: x\r\n\r\n
absolute: still no host field|400|GET http://x/ HTTP/1.1\r\n\r\n
authority form|400|GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n
asterisk form|400|GET * HTTP/1.1\r\nHost: x\r\n\r\n
a fragment|400|GET /#x HTTP/1.1\r\nHost: x\r\n\r\n
a NUL in the target|400|GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n
a high byte in the target|400|GET /\344 HTTP/1.1\r\nHost: x\r\n\r\n
a tab after the method|400|GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n
a vertical tab after the method|400|GET\v/ HTTP/1.1\r\nHost: x\r\n\r\n
a bare CR in the line|400|GET /\rx HTTP/1.1\r\nHost: x\r\n\r\n
a bare LF after the line|400|GET / HTTP/1.1\nHost: x\r\n\r\n
CR CR LF after the line|400|GET / HTTP/1.1\r\r\nHost: x\r\n\r\n
space after the version|400|GET / HTTP/1.1 \r\nHost: x\r\n\r\n
two versions|400|GET / HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n
a version of three parts|400|GET / HTTP/1.1.1\r\nHost: x\r\n\r\n
a version of two digits|400|GET / HTTP/01.1\r\nHost: x\r\n\r\n
another protocol|400|GET / HTTQ/1.1\r\nHost: x\r\n\r\n
small letters|400|GET / http/1.1\r\nHost: x\r\n\r\n
HTTP/0.9|400|GET /\r\n
space before the method|400| GET / HTTP/1.1\r\nHost: x\r\n\r\n
a bare LF before the line|400|\nGET / HTTP/1.1\r\nHost: x\r\n\r\n
a method of no token|400|G(T / HTTP/1.1\r\nHost: x\r\n\r\n
an unknown method|501|SMUGGLE / HTTP/1.1\r\nHost: x\r\n\r\n
END
# A chunked body is not read: whatever is in it, nothing of it is a request.
while IFS='|' read -r name body; do
	alone "chunks: $name" 200 "${get}Transfer-Encoding: chunked\r\n\r\n$body"
done <<'END'
an extension|5;a=b\r\nabcde\r\n0\r\n\r\n
an extension with a bare LF|2;\nxx\r\n43\r\n0\r\n\r\n
an extension with a bare CR|2;\rxx\r\n0\r\n\r\n
a quoted extension|1;a="\r\n0\r\n\r\n
a huge size|fffffffffffffffff\r\n
a size that wraps|10000000000000000\r\n\r\n
a negative size|-1\r\n
a size with a prefix|0x0\r\n\r\n
no size|\r\n\r\n
a bare LF|0\n\n
too much data|1\r\nabc\r\n0\r\n\r\n
trailers|0\r\nContent-Length: 5\r\n\r\n
END
is "absolute: its host is the one" "$(raw 5 'GET http://y/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | statuses)" 200
is "bytes above 127 in a field are none of ours" "$(raw 5 "${get}A: \\377\r\nConnection: close\r\n\r\n" | statuses)" 200
is "an upgrade is not made" "$(raw 5 "${get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\nGET /none HTTP/1.0\r\n\r\n" | statuses)" '200 404'
is "the body of a method that is refused is skipped" "$(raw 5 "${post}Content-Length: 22\r\n\r\nGET /none HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n" | statuses)" '405 200'
is "leading zeros do not matter" "$(raw 5 "${get}Content-Length: 00000000000000000000000022\r\n\r\nGET /none HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n" | statuses)" '200 200'
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
