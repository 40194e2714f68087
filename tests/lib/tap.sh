# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# TAP for tests that are shell scripts.  Source it, call check (or pass, fail,
# skip) for each claim, and end with finish.

tap_count=0
tap_failed=0
tap_dir=$(mktemp -d "${TMPDIR:-/tmp}/seda-test.XXXXXX")
trap 'rm -rf "$tap_dir"' EXIT

pass() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count $*"
}

fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count $*"
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count # SKIP $*"
}

# check NAME COMMAND...: the claim NAME holds if COMMAND succeeds; else its
# output is told.
check() {
	local name=$1

	shift
	if "$@" >"$tap_dir/check" 2>&1; then
		pass "$name"
	else
		fail "$name"
		head -n 200 "$tap_dir/check" | sed 's/^/# /'
	fi
}

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		printf '%s\n' "got:" "$2" "wanted:" "$3" | sed 's/^/# /'
	fi
}

# A port that nobody listens on, and mostly that nobody is given who asks for any.
free_port() {
	python3 -c 'import random, socket
given = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
for _ in range(1000):
    port = random.randrange(20000, 32768) if given >= 32768 else random.randrange(1024, 65536)
    try:
        socket.socket().bind(("127.0.0.1", port))
        socket.socket(type=socket.SOCK_DGRAM).bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    break'
}

finish() {
	echo "1..$tap_count"
	[ "$tap_failed" = 0 ]
	exit
}
