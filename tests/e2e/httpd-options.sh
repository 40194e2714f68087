#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: options, what is said about wrong ones, and exit statuses.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

# wrong STATUS TEXT OPTION...: fails so and says so.
wrong() {
	local status=$1 text=$2 got

	shift 2
	timeout $((10 * slow)) "$httpd" --backend "$backend" --listen 127.0.0.1 --port 0 \
		--root "$root" "$@" >"$tap_dir/o" 2>"$tap_dir/e"
	got=$?
	cat "$tap_dir/e"
	[ "$got" = "$status" ] && grep -qF -- "$text" "$tap_dir/e" && [ ! -s "$tap_dir/o" ]
}

check "no number" wrong 2 '--port x: give a whole number from 0 to 65535' --port x
check "too large" wrong 2 '--port 65536: give' --port 65536
check "negative" wrong 2 '--workers -1: give' --workers -1
check "empty" wrong 2 '--cache : give' --cache ''
check "trailing" wrong 2 '--max-header 512k: give' --max-header 512k
check "no seconds" wrong 2 '--idle-timeout 0: give seconds' --idle-timeout 0
check "an unknown backend" wrong 2 '--backend x: give seda, epoll or auto' --backend x
check "an unknown option" wrong 2 "Try 'sedahttpd --help'" --nonsense
check "an index with a slash" wrong 2 '--index a/b: give a file name' --index a/b
check "two directories" wrong 2 'only one directory' / /
check "no such directory" wrong 1 'No such file or directory; --root takes' --root /nonexistent
check "a file for a directory" wrong 1 'Not a directory; --root takes' --root /etc/passwd
check "no address" wrong 1 'cannot listen on x port 0' --listen x
check "a log that cannot be" wrong 1 '--access-log takes a file' --access-log /nonexistent/log
if [ -e /dev/seda ]; then
	skip "the device is there"
else
	check "a backend that is not there" wrong 1 modprobe --backend seda
fi

check "--help" grep -q -- '--file-queue N' <("$httpd" --help)
check "--version" grep -qE '^sedahttpd [0-9.]+ \(libsedak [0-9.]+\)$' <("$httpd" --version)
"$httpd" --help >/dev/null
is "is no error" $? 0
# Every option is in the manual, and every one of the manual in the program.
is "the manual has the same options" \
	"$(sed -nE 's/^\.B[RI]* \\-\\-([a-z]+(\\-[a-z]+)*).*/\1/p' \
		"$SEDA_TOP/tools/sedahttpd/sedahttpd.1" | tr -d '\134' | sort -u | xargs)" \
	"$("$httpd" --help | grep -oE -- '--[a-z]+(-[a-z]+)*' | cut -c 3- | sort -u | xargs)"

# The ranges: what the program says to a wrong value, and what the manual has.
ranges() {
	local option

	for option in $("$httpd" --help | grep -oE -- '--[a-z-]+ [A-Z]+' | cut -d ' ' -f 1); do
		"$httpd" "$option" - /nonexistent 2>&1 | sed -nE \
			"s/^sedahttpd: ($option) -: give .*(from [0-9.]+ to [0-9.]+)\$/\1 \2/p"
	done
}

# In the manual an option's text ends with the next .TP or section.
manual_ranges() {
	sed 's/\\-/-/g' "$SEDA_TOP/tools/sedahttpd/sedahttpd.1" | awk '
		/^\.BI --/ { name = $2 }
		/^\.(TP|SH|SS)/ { name = "" }
		name { text[name] = text[name] " " $0 }
		END {
			for (name in text)
				if (match(text[name], /from [0-9.]+ to [0-9.]+/))
					print name, substr(text[name], RSTART, RLENGTH)
		}'
}
is "the manual has the same ranges" "$(manual_ranges | sort)" "$(ranges | sort)"
is "of eleven options" "$(ranges | wc -l)" 11

echo a >"$root/a"
echo other >"$root/other.html"
start_server
check "a port in use" wrong 1 'stop what uses it, or choose another --port' --port "$port"
check "says where it serves" grep -qE "^serving .* at http://127\.0\.0\.1:$port/ \(backend $backend\)$" "$tap_dir/out"
stop_server
start_server --index other.html --no-listing --no-stats --workers 3 --max-conns 10
is "--index" "$(curl -s "$url/")" other
mkdir "$root/dir"
is "--no-listing" "$(get /dir/)" 403
is "--no-stats" "$(get /_seda/)$(get /_seda/stats.json)" 404404
for i in $(seq 30); do
	get /a
done >"$tap_dir/got" &
wait $!
is "--max-conns lets all through in turn" "$(tr -d '\n' <"$tap_dir/got")" \
	"$(printf '200%.0s' $(seq 30))"
stop_server
start_server --max-conns 10
wrk -t 1 -c 40 -d 3 --timeout $((2 * slow)) "$url/a" >"$tap_dir/wrk"
is "40 share 10 connections, and nobody starves" "$(grep -E 'timeout|Non-2xx' "$tap_dir/wrk" |
	grep -v 'timeout 0')" ''
for i in $(seq 10); do
	# shellcheck disable=SC2034 # it is the descriptor that counts
	exec {fd}<>"/dev/tcp/127.0.0.1/$port"
done
sleep 0.5
is "idle ones make room" "$(get /a)" 200
stop_server
: >"$tap_dir/out"
"$httpd" --backend "$backend" --listen ::1 --port 0 "$root" >"$tap_dir/out" &
server=$!
if await 5 grep -q serving "$tap_dir/out"; then
	check "IPv6" grep -q ' at http://\[::1\]:' "$tap_dir/out"
	is "serves" "$(curl -s "$(grep -o 'http://[^ ]*' "$tap_dir/out")a")" a
	stop_server
else
	skip "no IPv6 here"
	server=
fi
finish
