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
ln -s chain2 "$root/chain"
ln -s dir/../up "$root/chain2"
ln -s updir/secret "$root/two"
ln -s "$root/../secret" "$root/absup"
ln -s /proc/self/environ "$root/environ"
ln -s ../../../../../../../../../../../../../../../../etc/passwd "$root/dir/far"
mknod "$root/null" c 1 3 2>/dev/null
start_server

# Neither a 2xx nor the contents.
refused() { # TARGET
	local reply target=${1//\\/\\\\}

	reply=$(raw 5 "GET ${target//%/%%} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
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
/chain
/two
/absup
/environ
/dir/far
/updir/.
/updir/./secret
/up/
/abs/.
//etc/passwd
///etc/passwd
/./etc/passwd
/slash/proc/self/environ
/proc/self/environ
/%2fetc/passwd
/%2f%2fetc%2fpasswd
/..%2f..%2f..%2f..%2fetc%2fpasswd
/%2e%2e%2f%2e%2e%2fetc%2fpasswd
/%2e%2e/%2e%2e/etc/passwd
/dir/%2e%2e/%2e%2e/secret
/dir/.%2e/..%2f../secret
/..%252f..%252fsecret
/%252e%252e%252fsecret
/%25252e%25252e%25252fsecret
/%%32%65%%32%65/secret
/%25%32%65%25%32%65%25%32%66secret
/%u002e%u002e/secret
/%uff0e%uff0e/secret
/%u2216..%u2216secret
/%c0%2e%c0%2e/secret
/%c0%ae%c0%ae%c0%afsecret
/..%c0%2fsecret
/..%c1%1csecret
/..%c1%9csecret
/%e0%80%ae%e0%80%ae/secret
/..%e0%80%afsecret
/%f0%80%80%ae%f0%80%80%ae/secret
/%f8%80%80%80%ae%f8%80%80%80%ae/secret
/%ef%bc%8e%ef%bc%8e/secret
/..%ef%bc%8fsecret
/..%01/secret
/..%09/secret
/..%20/secret
/..%0a/secret
/..%0d%0a/secret
/..%7f/secret
/.%00./secret
/%2e%2e%00/secret
/..%00.html
/../secret%00.html
/%00/../../secret
/%5c..%5c..%5csecret
/..%5c..%5c..%5cetc%5cpasswd
/%5c%5cx%5csecret
\..\secret
/\../secret
/..\..\secret
/....//secret
/....\/secret
/..../secret
/..//..//secret
/.//..//secret
/..;/..;/secret
/dir/..;a=b/..;a=b/secret
/;/../../secret
/.;/../secret
/dir;/../../secret
/good/../../secret
/%3f/../../secret
/#/../../secret
/~/../../secret
/~root/
/C:/../../secret
/C:\..\secret
/file:///etc/passwd
/%2e%2e?/secret
/..?x=/../secret
/../dir/../../secret?x
/dir/../../../../../../../../../../../../../../../../etc/passwd
/./.././.././../etc/passwd
/dir/../dir/../../secret
http://x/../secret
http://x/..%2fsecret
http://x:80/dir/../../secret
http://../secret
http://x/dir/%2e%2e/%2e%2e/secret
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
