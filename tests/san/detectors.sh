#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The sanitizers see: every planted bug is reported, also a leak in a child that
# ends with _exit().
set -u
# shellcheck source=tests/lib/san.sh
. "$(dirname "$0")/../lib/san.sh"

for kind in asan tsan; do
	san_build $kind @/tests/planted/sanitizers
	san_run "build/$kind/tests/planted/sanitizers" >"$tap_dir/$kind" 2>&1
	check "$kind: no planted bug passes" grep -q '^# FAILED: 0 / ' "$tap_dir/$kind"
done
while read -r kind text; do
	check "$kind: $text" grep -q "$text" "$tap_dir/$kind"
done <<'END'
asan LeakSanitizer: .* leaks
asan heap-use-after-free .* in use_after_free
asan heap-buffer-overflow .* in overrun
asan heap-use-after-free .* in use_after_return_to_the_library
asan signed integer overflow
tsan data race .* in count
END
finish
