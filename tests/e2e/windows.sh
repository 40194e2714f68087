#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The races of stress/ and hostile/ on a module in which a delay stands before each
# step of tests/model, now and then: what takes nanoseconds takes long enough to be
# hit.  On the kernel under test, or on the debug kernel SEDA_DEBUG.
# vm: --timeout 1800
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
cd "$SEDA_TOP" || exit 1
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
tests=(hostile/close_race hostile/pool_race hostile/retry_end hostile/signalfd
	kmod/wake kmod/wake_signal stress/race-connections stress/race-delay
	stress/race-kinds stress/race-listener stress/race-stage stress/race-worker)

built=$(tests/windows/build "${SEDA_DEBUG:-${KERNEL:-6.1}}") || exit 1
read -r module delays <<<"$built"

# All in one guest, most with fewer rounds than alone; each says how it ended.
races() {
	# shellcheck disable=SC2016 # for the guest's shell
	"${vm[@]}" --smp 2 --timeout 1200 --no-module --module "$module" \
		--env SEDA_COUNT=1000 -- sh -c 'for test; do
			build/tests/$test
			echo "@@ended $test $?"
		done' sh "${tests[@]}" >"$tap_dir/races" 2>&1
}

ended() { # TEST
	grep -q "^@@ended $1 0$" "$tap_dir/races" && return
	# up to its end, or to the end of all, if the guest's came first
	awk -v test="$1" '{ print } $1 == "@@ended" { if ($2 == test) exit }' \
		"$tap_dir/races" | tail -n 100
	return 1
}

check "there are delays ($delays)" test "$delays" -ge 100
check "the kernel has nothing to report" races
for test in "${tests[@]}"; do
	check "$test" ended "$test"
done
finish
