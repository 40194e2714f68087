#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: a file that changes is served anew within two seconds, the cache keeps
# to its limit, and what is not cached is served all the same.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

echo one >"$root/file"
mkdir "$root/dir"
for i in $(seq 60); do
	head -c 100K /dev/zero >"$root/$i"
done
sleep 0.2
start_server --cache 4

is "first" "$(curl -s "$url/file")" one
is "again" "$(curl -s "$url/file")" one
check "that was a hit" test "$(stat_of cache.hits)" -ge 1
opened=$(stat_of files.opened)
curl -s "$url/file" >/dev/null
is "which opens no file" "$(stat_of files.opened)" "$opened"

echo two >"$root/file"
sleep 2
is "changed in place" "$(curl -s "$url/file")" two
echo six >"$root/new"
mv "$root/new" "$root/file"
sleep 2
is "replaced" "$(curl -s "$url/file")" six
touch -d '2001-01-01 UTC' "$root/file"
sleep 2
is "touched" "$(curl -sI "$url/file" | sed -n 's/^Last-Modified: \(.*\)\r/\1/p')" \
	'Mon, 01 Jan 2001 00:00:00 GMT'
rm "$root/file"
sleep 2
is "removed" "$(get /file)" 404
echo index >"$root/dir/index.html"
sleep 0.2
is "an index" "$(curl -s "$url/dir/")" index
rm "$root/dir/index.html"
sleep 2
check "that goes makes place for the listing" grep -q 'Modified' <(curl -s "$url/dir/")

for i in $(seq 60); do
	get "/$i" >/dev/null
done
check "the limit holds" test "$(stat_of cache.bytes_now)" -le $((4 << 20))
check "something was dropped" test "$(stat_of cache.evicted)" -ge 20
check "something was kept" test "$(stat_of cache.entries_now)" -ge 20
stop_server

echo one >"$root/file"
start_server --cache 0
is "without a cache" "$(curl -s "$url/file" "$url/file")" $'one\none'
is "nothing is kept" "$(stat_of cache.entries_now)" 0
echo two >"$root/file"
is "and changes are seen at once" "$(curl -s "$url/file")" two
: >"$root/empty"
is "an empty file" "$(get /empty)" 200
stop_server
finish
