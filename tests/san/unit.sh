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

# run_all KIND: what each prints, and its status, to files.  Both kinds run at the
# same time, as they mostly wait.
run_all() {
	local unit

	for unit in "${units[@]}"; do
		san_run "build/$1/$unit" >"$tap_dir/$1-${unit##*/}" 2>&1
		echo $? >"$tap_dir/$1-${unit##*/}.status"
	done
}

# shellcheck disable=SC2317 # called by check
result() {
	cat "$tap_dir/$1"
	return "$(cat "$tap_dir/$1.status")"
}

for kind in asan tsan; do
	san_build $kind "${units[@]/#/@/}"
done
for kind in asan tsan; do
	run_all $kind &
done
wait
for kind in asan tsan; do
	for unit in "${units[@]}"; do
		check "$kind: ${unit##*/}" result "$kind-${unit##*/}"
	done
done
finish
