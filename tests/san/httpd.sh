#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd under AddressSanitizer (with LeakSanitizer) and
# UndefinedBehaviorSanitizer, and under ThreadSanitizer: its own tests pass, and
# there is no report.
set -u
# shellcheck source=tests/lib/san.sh
. "$(dirname "$0")/../lib/san.sh"
export SEDAK_BACKEND=epoll SEDA_NO_BROWSER=1
export SEDA_LOAD_SECONDS=${SEDA_LOAD_SECONDS:-2}
# Those that start guests, or look at the system and not at the server.
others='httpd-(seda|syscalls|disk)\.sh'

tests=()
for test in tests/e2e/httpd-*.sh; do
	grep -qE "$others" <<<"$test" || tests+=("$test")
done

# run_all KIND: what each test prints, and its status, to files.  They mostly wait,
# so both kinds run at the same time.
run_all() {
	local test

	export SEDAHTTPD=$SEDA_TOP/build/$1/bin/sedahttpd
	for test in "${tests[@]}"; do
		san_run "$test" >"$tap_dir/$1-${test##*/}" 2>&1
		echo $? >"$tap_dir/$1-${test##*/}.status"
	done
}

# shellcheck disable=SC2317 # called by check
result() {
	cat "$tap_dir/$1"
	return "$(cat "$tap_dir/$1.status")"
}

for kind in asan tsan; do
	san_build $kind @/bin/sedahttpd
done
for kind in asan tsan; do
	run_all $kind &
done
wait
for kind in asan tsan; do
	for test in "${tests[@]}"; do
		check "$kind: ${test##*/}" result "$kind-${test##*/}"
	done
done
finish
