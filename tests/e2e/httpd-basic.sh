#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: what an ordinary client sees.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

mkdir -p "$root/dir/sub" "$root/list"
echo '<h1>home</h1>' >"$root/index.html"
echo inner >"$root/dir/index.html"
printf 'a{}' >"$root/style.css"
echo hidden >"$root/.hidden"
echo space >"$root/a b&c.txt"
: >"$root/empty"
echo 'x<y' >"$root/list/<i>.txt"
ln -s style.css "$root/link.css"
mkfifo "$root/pipe"
start_server

is "the index stands for its directory" "$(curl -s "$url/")" '<h1>home</h1>'
is "so it does below" "$(curl -s "$url/dir/")" inner
head=$(curl -sI "$url/style.css")
check "a type" grep -q $'^Content-Type: text/css; charset=utf-8\r' <<<"$head"
check "a length" grep -q $'^Content-Length: 3\r' <<<"$head"
check "a date" grep -qE '^Date: [A-Z][a-z]{2}, [0-9]{2} .* GMT' <<<"$head"
check "validators" grep -q '^ETag: "' <<<"$head"
is "a link inside of the root" "$(curl -s "$url/link.css")" 'a{}'
is "an encoded name" "$(curl -s "$url/a%20b%26c.txt")" space
is "a hidden file by its name" "$(curl -s "$url/.hidden")" hidden
is "an empty file" "$(get /empty)$(curl -s "$url/empty" | wc -c)" 2000

is "a directory without its slash" \
	"$(get '/dir?q=1' -w '%{http_code} %{redirect_url}')" \
	"301 $url/dir/?q=1"
is "and with it, followed" "$(curl -sL "$url/dir")" inner
is "a double slash is no other host" \
	"$(get //dir -w '%{http_code} %{redirect_url}')" "301 $url/dir/"
page=$(curl -s "$url/list/")
check "a listing escapes names" grep -q '&lt;i&gt;.txt' <<<"$page"
check "and links to them" grep -q 'href="./%3Ci%3E.txt"' <<<"$page"
is "hidden files are not listed" "$(curl -s "$url/list/" | grep -c hidden)" 0
is "a missing file" "$(get /none)" 404
is "a file is no directory" "$(get /style.css/)" 404
is "an error has a small page" "$(curl -s "$url/none" | head -n 1)" \
	'<!doctype html>'

is "HEAD has no body" "$(raw 2 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' |
	sed '1,/^\r$/d' | wc -c)" 0
is "HEAD of a directory, a FIFO and nothing" \
	"$(get /list/ -I)$(get /pipe -I)$(get /none -I)" 200200404
is "other methods" "$(get / -X DELETE)$(get / -d x)$(get / -X BREW)" 405405501
check "405 says what is allowed" grep -q $'^Allow: GET, HEAD, OPTIONS\r' \
	<(curl -si -X PUT "$url/")
is "OPTIONS" "$(get / -X OPTIONS)" 204
is "OPTIONS *" "$(raw 2 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | statuses)" 204

is "HTTP/1.0 closes" "$(raw 5 'GET /dir/ HTTP/1.0\r\n\r\n' | tail -n 1)" inner
is "HTTP/1.0 can stay" "$(raw 5 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' \
	'GET / HTTP/1.0\r\n\r\n' | statuses)" '200 200'
check "and is told so" grep -q $'^Connection: keep-alive\r' \
	<(raw 5 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n' 'GET / HTTP/1.0\r\n\r\n')
is "one connection for many requests" \
	"$(curl -s -o /dev/null -w '%{num_connects}' "$url/" "$url/dir/" "$url/none" \
		-o /dev/null -o /dev/null)" 100
is "an absolute target" "$(raw 5 'GET http://a/dir/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | tail -n 1)" inner

is "a body is skipped" "$(raw 5 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | statuses)" '200 404'
is "Expect: 100-continue" "$(raw 5 'GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n' \
	'xxGET /none HTTP/1.0\r\n\r\n' | statuses)" '100 200 404'
is "another expectation" "$(get / -H 'Expect: tea')" 417
is "a chunked body ends the connection" "$(raw 5 'GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n' | statuses)" 200
is "a body that is too large" "$(get / -X GET -H 'Content-Length: 9999999' -H 'Expect:')" 413
is "curl with a body to GET" "$(head -c 100000 /dev/zero | get / -X GET --data-binary @-)" 200

stop_server
is "it stops with status 0" "$stopped" 0
finish
