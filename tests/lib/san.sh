# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests in tests/san share: builds with sanitizers in build/asan and
# build/tsan, and programs whose every report is a failure, wherever it comes
# from: a child, a thread, a server that the test does not wait for.
SEDA_TOP=${SEDA_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=tests/lib/tap.sh
[ -n "${tap_dir-}" ] || . "$SEDA_TOP/tests/lib/tap.sh"
cd "$SEDA_TOP" || exit 1
# Memory that is measured is that many times what it was, and all is slower.
export SEDA_SHADOW=5 SEDA_SLOW=${SEDA_SLOW:-4}

declare -A san_flags=(
	# Memory that the library keeps for reuse hides what uses it too late.
	[asan]='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined
		-DCHUNK_CACHE_MAX=0 -Wno-type-limits -include tests/lib/leaks.h'
	# Its one fence orders atomics that TSan sees as they are.
	[tsan]='-O1 -g -fsanitize=thread -Wno-tsan'
	[fuzz]='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined
		-fno-sanitize-recover=all'
)

# san_build KIND GOAL...: builds with @ for build/KIND, anew if the flags have
# changed.  Ends the test if it fails: what was built before would be tested.
san_build() {
	local kind=$1 flags=${san_flags[$1]//[$'\n\t']/ } lock

	shift
	mkdir -p "build/$kind"
	exec {lock}>"build/$kind/.lock"
	flock "$lock"
	if [ "$flags" != "$(cat "build/$kind/.flags" 2>/dev/null)" ]; then
		rm -rf "build/$kind/obj" "build/$kind/tests"
		echo "$flags" >"build/$kind/.flags"
	fi
	# What was said to the make that runs this is not meant for it.
	if ! env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s "B=build/$kind" \
		"CFLAGS=$flags" "${@//@/build/$kind}" >"$tap_dir/make" 2>&1; then
		fail "$kind: it builds"
		sed 's/^/# /' "$tap_dir/make"
		finish
	fi
	exec {lock}>&-
}

# san_run COMMAND...: its status, and 1 if there was a report, which is shown.
san_run() {
	local logs=$tap_dir/reports.$BASHPID status

	rm -rf "$logs"
	mkdir "$logs"
	ASAN_OPTIONS="log_path=$logs/asan:exitcode=99:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:quarantine_size_mb=32" \
	UBSAN_OPTIONS="exitcode=99:halt_on_error=1:print_stacktrace=1" \
	TSAN_OPTIONS="log_path=$logs/tsan:exitcode=99:halt_on_error=0:second_deadlock_stack=1" \
		"$@"
	status=$?
	find "$logs" -type f -size +0 | grep -q . || return $status
	cat "$logs"/*
	return 1
}
