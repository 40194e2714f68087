#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: a large file arrives byte for byte, alone, by many at once, cut in
# ranges, over HTTP/1.0; and sending it takes little memory.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"
megabytes=${SEDA_LARGE_MB:-100}

head -c "${megabytes}M" /dev/urandom >"$root/large.bin"
head -c 300K /dev/urandom >"$root/middle.bin"
sum=$(md5sum <"$root/large.bin")
start_server --cache 64
before=$(memory)

fetch() {
	curl -s --max-time $((120 * slow)) "$@" "$url/large.bin" | md5sum
}

is "$megabytes MB byte for byte" "$(fetch)" "$sum"
is "over HTTP/1.0" "$(fetch -0)" "$sum"
for i in 1 2 3 4 5 6 7 8; do
	fetch >"$tap_dir/sum.$i" &
	fetched[i]=$!
done
wait "${fetched[@]}"
is "eight at once" "$(cat "$tap_dir"/sum.* | sort -u)" "$sum"
third=$((megabytes * 1024 * 1024 / 3))
is "in three ranges" "$(
	for range in 0-$((third - 1)) $third-$((2 * third - 1)) $((2 * third))-; do
		curl -s -r "$range" "$url/large.bin"
	done | md5sum)" "$sum"
is "resumed" "$(
	head -c 1234567 "$root/large.bin" >"$tap_dir/part"
	curl -s -C - -o "$tap_dir/part" "$url/large.bin"
	md5sum <"$tap_dir/part")" "$sum"
is "a file just over what is cached" "$(curl -s "$url/middle.bin" | md5sum)" \
	"$(md5sum <"$root/middle.bin")"
after=$(memory)
echo "# memory: $before KiB before, $after KiB after"
check "memory stayed small" test $((after - before)) -lt 32768
check "no transfer is left" await 10 stat_is files.transfers_now 0

# The file shrinks while it is sent: the client must be able to tell.
curl -s --limit-rate 1M -o /dev/null "$url/large.bin" &
client=$!
await 10 stat_is files.transfers_now 1
truncate -s 1000 "$root/large.bin"
wait $client
is "a file that shrinks ends in an error" $? 18
stop_server
is "it stops with status 0" "$stopped" 0
finish
