#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an echo of 64 bytes costs, client and server together, with 64 connections
# active and with one: epoll, the raw interface and libsedak in one guest, under
# icount, where nanoseconds are instructions.  The bar, for 64 and the raw interface,
# is epoll's cost / 1.03, each the mean of five runs: how many events come in a batch
# depends on the moments at which the clock ticks, and a run may cost 0.2 % more or less.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
bin=$SEDA_TOP/build/bin
if [ -n "${SEDA_DEBUG:-}" ]; then
	skip "a debug kernel is not measured"
	finish
fi

"$SEDA_TOP/tests/vm/run" --version "${KERNEL:-6.1}" --icount \
	--add "$bin/echo_load:/bin/echo_load" \
	--add "$bin/echo_epoll:/bin/echo_epoll" \
	--add "$bin/echo_raw:/bin/echo_raw" --add "$bin/echo:/bin/sedak" \
	--add "$bin/echo:/bin/sedak_on_epoll" -- sh -c '
	for n in 64 1; do
		for s in echo_epoll echo_raw "sedak --backend seda --quiet" \
			"sedak_on_epoll --backend epoll --quiet"; do
			echo_load --active $n --requests 10000 -- /bin/$s || exit
		done
	done
	for n in 9000 9500 10500 11000; do
		for s in echo_epoll echo_raw; do
			echo_load --active 64 --requests $n -- /bin/$s || exit
		done
	done' >"$tap_dir/cost" 2>&1
is "all servers are measured" $? 0
sed 's/^/# /' "$tap_dir/cost"

# With 64, of five runs together.
pair() { # SERVER
	sed -n "s/.*$1 active=64 .*pair=\([0-9]*\).*/\1/p" "$tap_dir/cost" |
		awk '{ n += $1 } END { if (NR == 5) print n }'
}
epoll=$(pair echo_epoll) raw=$(pair echo_raw)
check "the pair costs at most epoll's / 1.03" \
	test $((${raw:-999999} * 103)) -le $((${epoll:-0} * 100))
finish
