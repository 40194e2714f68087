#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The races of stress/ and hostile/ on a module in which a delay stands before each
# step of tests/model, now and then: what takes nanoseconds takes long enough to be
# hit.  On the kernel under test, or on the debug kernel SEDA_DEBUG.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
cd "$SEDA_TOP" || exit 1
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"

built=$(tests/windows/build "${SEDA_DEBUG:-${KERNEL:-6.1}}") || exit 1
read -r module delays <<<"$built"

# With fewer rounds than these tests have alone.
race() { # TEST
	"${vm[@]}" --smp 2 --timeout 600 --no-module --module "$module" \
		--env SEDA_COUNT=1000 -- "build/tests/$1"
}

check "there are delays ($delays)" test "$delays" -ge 100
for test in hostile/close_race hostile/pool_race hostile/retry_end hostile/signalfd \
	kmod/wake kmod/wake_signal stress/race-connections stress/race-delay \
	stress/race-listener stress/race-stage stress/race-worker; do
	check "$test" race "$test"
done
finish
