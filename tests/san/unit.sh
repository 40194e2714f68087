#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The library and the parts of programs under AddressSanitizer (with
# LeakSanitizer) and UndefinedBehaviorSanitizer, and under ThreadSanitizer.
set -u
# shellcheck source=tests/lib/san.sh
. "$(dirname "$0")/../lib/san.sh"
export SEDAK_BACKEND=epoll
units=(tests/unit/*.c)
units=("${units[@]%.c}")

for kind in asan tsan; do
	san_build $kind "${units[@]/#/@/}"
	for unit in "${units[@]}"; do
		check "$kind: ${unit##*/}" san_run "build/$kind/$unit"
	done
done
finish
