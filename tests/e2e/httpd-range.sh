#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: ranges and preconditions, of files that are cached and of those that
# are read in chunks.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

head -c 1000 /dev/urandom >"$root/small.bin"
head -c 3000000 /dev/urandom >"$root/large.bin"
touch -d '2020-01-02 03:04:05 UTC' "$root/small.bin" "$root/large.bin"
start_server

# same FILE FIRST COUNT < body
same() {
	cmp - <(tail -c +$(($2 + 1)) "$root/$1" | head -c "$3")
}

range() { # FILE RANGE FIRST COUNT
	local got

	got=$(get "/$1" -r "$2")
	[ "$got" = 206 ] || { echo "status $got"; return 1; }
	curl -s -r "$2" "$url/$1" | same "$1" "$3" "$4"
}

# The parts of a multipart response, cut out by its own numbers, against the file.
parts() { # FILE RANGE
	curl -s -D "$tap_dir/head" -r "$2" "$url/$1" >"$tap_dir/body"
	python3 - "$root/$1" "$tap_dir/head" "$tap_dir/body" <<-'END'
		import re
		import sys
		data, head, body = (open(name, "rb").read() for name in sys.argv[1:])
		length = int(re.search(rb"Content-Length: (\d+)", head).group(1))
		assert length == len(body), (length, len(body))
		boundary = re.search(rb"multipart/byteranges; boundary=(\S+)", head).group(1)
		pieces = body.split(b"--" + boundary)
		assert pieces[0] == b"" and pieces[-1] == b"--\r\n", pieces[-1]
		for piece in pieces[1:-1]:
		    fields, _, content = piece.partition(b"\r\n\r\n")
		    first, last, size = map(int, re.search(
		        rb"Content-Range: bytes (\d+)-(\d+)/(\d+)", fields).groups())
		    assert size == len(data)
		    assert content == data[first:last + 1] + b"\r\n", (first, last)
		print(len(pieces) - 2)
	END
}

for file in small large; do
	size=$(stat -c %s "$root/$file.bin")
	check "$file: first bytes" range $file.bin 0-99 0 100
	check "$file: one byte" range $file.bin 7-7 7 1
	check "$file: from the middle" range $file.bin 500- 500 $((size - 500))
	check "$file: last bytes" range $file.bin -10 $((size - 10)) 10
	check "$file: past the end" range $file.bin 990-99999999 990 $((size - 990))
	is "$file: its length is told" "$(curl -sI "$url/$file.bin" |
		grep -c "^Content-Length: $size")" 1
	is "$file: Content-Range" "$(curl -s -o /dev/null -D - -r 0-99 "$url/$file.bin" |
		grep -c "^Content-Range: bytes 0-99/$size")" 1
	is "$file: several ranges" "$(parts $file.bin 0-0,100-199,-5)" 3
	is "$file: 416" "$(get /$file.bin -r "$size-")" 416
	is "$file: and its size" "$(curl -s -o /dev/null -D - -r "$size-" "$url/$file.bin" |
		grep -c "^Content-Range: bytes \*/$size")" 1
	is "$file: a bad range is ignored" "$(get /$file.bin -H 'Range: bytes=9-1')" 200

	etag=$(curl -sI "$url/$file.bin" | sed -n 's/^ETag: \(.*\)\r/\1/p')
	date='Thu, 02 Jan 2020 03:04:05 GMT'
	old='Thu, 02 Jan 2020 03:04:04 GMT'
	is "$file: Last-Modified" "$(curl -sI "$url/$file.bin" |
		sed -n 's/^Last-Modified: \(.*\)\r/\1/p')" "$date"
	is "$file: If-None-Match" "$(get /$file.bin -H "If-None-Match: $etag")" 304
	is "$file: a weak one" "$(get /$file.bin -H "If-None-Match: \"x\", W/$etag")" 304
	is "$file: of another" "$(get /$file.bin -H 'If-None-Match: "x"')" 200
	is "$file: If-Modified-Since" "$(get /$file.bin -H "If-Modified-Since: $date")" 304
	is "$file: and before" "$(get /$file.bin -H "If-Modified-Since: $old")" 200
	is "$file: tags go before dates" "$(get /$file.bin -H 'If-None-Match: "x"' \
		-H "If-Modified-Since: $date")" 200
	is "$file: If-Match" "$(get /$file.bin -H "If-Match: $etag")" 200
	is "$file: of another" "$(get /$file.bin -H 'If-Match: "x"')" 412
	is "$file: If-Unmodified-Since" "$(get /$file.bin -H "If-Unmodified-Since: $date")" 200
	is "$file: and before" "$(get /$file.bin -H "If-Unmodified-Since: $old")" 412
	is "$file: If-Range" "$(get /$file.bin -r 0-9 -H "If-Range: $etag")" 206
	is "$file: with a date" "$(get /$file.bin -r 0-9 -H "If-Range: $date")" 206
	is "$file: of another" "$(get /$file.bin -r 0-9 -H 'If-Range: "x"')" 200
	is "$file: 304 goes before 206" "$(get /$file.bin -r 0-9 -H "If-None-Match: $etag")" 304
	is "$file: a 304 has no body and the connection goes on" \
		"$(raw 5 "GET /$file.bin HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n" \
			'GET /none HTTP/1.0\r\n\r\n' | statuses)" '304 404'
done
# Parts that begin and end within chunks of a transfer, and part heads at their ends.
is "large parts" "$(parts large.bin 0-999999,1500000-2499999,2999999-)" 3
for end in 262143 262144 262040 262100 261999 16383 524287; do
	is "a part up to $end" "$(parts large.bin "1-$end,1000000-1600000,5-5")" 3
done
stop_server
finish
