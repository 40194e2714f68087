#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the fuzzer prints as a reproducer is a C program that needs nothing of ours but
# the module, and makes the calls.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
cd "$SEDA_TOP" || exit 1
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
fuzz=build/tests/fuzz/seda-fuzz
programs=$tap_dir/programs

# as tests/fuzz/run --minimise leaves them: several, with an empty line in between
for file in $(find tests/fuzz/corpus -type f | sort | head -n 20); do
	cat "$file"
	echo
done >"$programs"

compile() {
	"$fuzz" --times 2 --print-c "$programs" >"$tap_dir/repro.c" &&
		(cd "$tap_dir" && cc -Wall -Werror -D_GNU_SOURCE -pthread \
		-I "$SEDA_TOP/include/uapi" -o repro repro.c)
}

# Each tells how often the module was entered, which some calls do.
calls() { # COMMAND...
	# shellcheck disable=SC2016 # for the guest's shell
	"${vm[@]}" --turns --timeout 120 --add "$tap_dir/repro:/run/repro" -- sh -c '
		cd /sys/kernel/tracing
		echo 1 >events/seda/seda_enter/enable
		cd "$0" && "$@" >/dev/null
		status=$?
		echo "entered $(grep -c seda_enter: /sys/kernel/tracing/trace)"
		exit $status' "$SEDA_TOP" "$@"
}

entered() {
	calls /run/repro >"$tap_dir/of-repro" && cat "$tap_dir/of-repro" &&
		[ "$(sed -n 's/^entered //p' "$tap_dir/of-repro")" -ge 20 ]
}

check "a reproducer compiles, without a warning" compile
[ "$tap_failed" = 0 ] || finish
check "it runs to its end and makes its calls" entered
finish
