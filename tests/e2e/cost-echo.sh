#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an echo of 64 bytes costs, client and server together, with 64
# connections active: epoll and the raw interface in one guest under icount,
# where nanoseconds are instructions.  The bar is epoll's cost / 1.03.
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
	--add "$bin/echo_raw:/bin/echo_raw" -- sh -c \
	'for s in echo_epoll echo_raw; do echo_load --requests 10000 -- /bin/$s; done' \
	>"$tap_dir/cost" 2>&1
is "both servers are measured" $? 0
sed 's/^/# /' "$tap_dir/cost"

# pair SERVER
pair() {
	sed -n "s/.*$1 .*pair=\([0-9]*\).*/\1/p" "$tap_dir/cost"
}
epoll=$(pair echo_epoll) raw=$(pair echo_raw)
check "the pair costs at most epoll's / 1.03" \
	test $((${raw:-999999} * 103)) -le $((${epoll:-0} * 100))
finish
