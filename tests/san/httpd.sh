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
others='httpd-(seda|syscalls)\.sh'

for kind in asan tsan; do
	san_build $kind @/bin/sedahttpd
	export SEDAHTTPD=$SEDA_TOP/build/$kind/bin/sedahttpd
	for test in tests/e2e/httpd-*.sh; do
		grep -qE "$others" <<<"$test" ||
			check "$kind: ${test##*/}" san_run "$test"
	done
done
finish
