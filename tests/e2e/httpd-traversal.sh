#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd: no path leads out of the root.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"

echo secret >"$tap_dir/secret"
mkdir "$tap_dir/outside" "$root/dir"
echo secret >"$tap_dir/outside/secret"
echo good >"$root/good"
ln -s ../secret "$root/up"
ln -s ../outside "$root/updir"
ln -s /etc/passwd "$root/abs"
ln -s /etc "$root/etc"
ln -s loop "$root/loop"
ln -s ../../secret "$root/dir/index.html"
ln -s / "$root/slash"
ln -s /proc/self/root "$root/proc"
mknod "$root/null" c 1 3 2>/dev/null
start_server

# Neither a 2xx nor the contents.
refused() { # TARGET
	local reply

	reply=$(raw 5 "GET ${1//%/%%} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	echo "$reply"
	grep -q '^HTTP/1.1 40[034]' <<<"$reply" && ! grep -qE 'secret$|root:' <<<"$reply"
}

while read -r target; do
	check "$target" refused "$target"
done <<'END'
/../secret
/..
/../
/../../../../../../../../etc/passwd
/./../secret
//../secret
/dir/../../secret
/dir/./../../secret
/%2e%2e/secret
/%2E%2E/secret
/.%2e/secret
/%2e./secret
/..%2fsecret
/%2e%2e%2fsecret
/..%5csecret
/..\secret
/%252e%252e/secret
/..%00/secret
/good%00
/good%00.html
/%c0%ae%c0%ae/secret
/..%c0%afsecret
/..;/secret
/.../secret
/%
/%2
/%zz
/up
/updir
/updir/
/updir/secret
/updir/../secret
/abs
/etc/passwd
/etc/
/loop
/dir/
/slash/etc/passwd
/proc/etc/passwd
http://x/../secret
http://x/%2e%2e/secret
file:///etc/passwd
*
secret
../secret
END
[ ! -c "$root/null" ] || is "a device is not opened" "$(get /null)" 403
is "what is inside is served" "$(curl -s --path-as-is "$url/dir/../good")" good
is "a long path" "$(get "/$(head -c 5000 /dev/zero | tr '\0' a)")" 414
is "a long name" "$(get "/$(head -c 300 /dev/zero | tr '\0' a)")" 404
if [ "$(id -u)" != 0 ]; then
	chmod 0 "$root/good"
	is "a file that may not be read" "$(get /good)" 403
fi
is "the server lives" "$(get /_seda/stats.json)" 200
stop_server
finish
