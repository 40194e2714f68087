#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The library and sedahttpd on the device under AddressSanitizer (with LeakSanitizer)
# and UndefinedBehaviorSanitizer, in a guest.  ThreadSanitizer would not do: it does not
# see that the kernel hands a connection from one worker to the next.
# vm: --timeout 3000
set -u
# shellcheck source=tests/lib/san.sh
. "$(dirname "$0")/../lib/san.sh"
units=(tests/unit/sedak_*.c)
units=("${units[@]%.c}")

in_the_guest() {
	export SEDAK_BACKEND=seda
	for unit in "${units[@]}"; do
		check "asan, device: ${unit##*/}" san_run timeout 900 "build/asan/$unit"
	done
	export SEDAHTTPD=$SEDA_TOP/build/asan/bin/sedahttpd SEDA_NO_BROWSER=1 SEDA_SLOW=16
	for test in basic pipeline; do
		check "asan, device: httpd-$test" \
			san_run timeout 600 "tests/e2e/httpd-$test.sh"
	done
	finish
}

[ "${1-}" != guest ] || in_the_guest
san_build asan "${units[@]/#/@/}" @/bin/sedahttpd
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
exec "${vm[@]}" --smp 2 --mem 2048 --timeout 2400 -- tests/san/device.sh guest
