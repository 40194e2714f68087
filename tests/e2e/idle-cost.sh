#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a request costs does not depend on how many other connections are idle:
# instructions of client and server for 64 active ones, alone and beside 10,000
# idle ones in a guest of 1 GB.  Every idle one then serves a request.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
bin=$SEDA_TOP/build/bin
if [ -n "${SEDA_DEBUG:-}" ]; then
	skip "a debug kernel is not measured"
	finish
fi

# measure IDLE: tells the line of echo_load.
measure() {
	"$SEDA_TOP/tests/vm/run" --version "${KERNEL:-6.1}" --icount --mem 1024 \
		--timeout 600 --add "$bin/echo_raw:/echo_raw" -- \
		"$bin/echo_load" --active 64 --idle "$1" --check-idle \
		--requests 50000 -- /echo_raw
}

# value NAME LINE
value() {
	sed -n "s/.*\<$1=\([0-9.]*\).*/\1/p" <<<"$2"
}

alone=$(measure 0 2>&1)
is "64 active connections are served" $? 0
echo "# $alone"
beside=$(measure 10000 2>&1)
is "so are they and 10,000 idle ones" $? 0
echo "# $beside"
for part in pair server; do
	check "a request costs at most 2 % more ($part)" awk \
		"BEGIN { a = $(value $part "$alone") + 0; b = $(value $part "$beside") + 0
			printf(\"%f %f\\n\", a, b); exit !(a > 0 && b <= a * 1.02) }"
done
finish
