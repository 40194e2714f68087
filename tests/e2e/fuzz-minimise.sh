#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A bug is planted in the module.  Of programs of which one call leads to its report,
# the fuzzer's minimiser leaves that one and what it needs, and the reproducer that it
# writes leads to the report, too.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
cd "$SEDA_TOP" || exit 1
out=build/planted-6.1
# one at a time in these directories, whatever kernel else is tested
mkdir -p build && exec 9>build/.planted.lock && flock 9

plant() {
	mkdir -p "$out/tree" && cp -r Kbuild kmod include "$out/tree" &&
		sed -i '/^int seda_timer_create/,/^}/s/^\tmutex_init(/\tWARN_ON(a->period_ns);\n&/' \
			"$out/tree/kmod/timer.c" &&
		[ "$(grep -c 'WARN_ON(a->period_ns)' "$out/tree/kmod/timer.c")" = 1 ] &&
		mk/module --from "$SEDA_TOP/$out/tree" 6.1 "$out"
}

# The timer's period is the bug's; all else is in its way, but for open and setup.
programs() {
	cat <<-END
	0 open dev=d1
	0 setup dev=d1 workers=3 events=16 ops=16 bufs=1 buf_size=64 sources=32
	0 stage_create dev=d1 to=g1 posts=4
	0 timer dev=d1 to=s1 stage=g1 first=1000

	0 open dev=d1
	0 setup dev=d1 workers=3 events=16 ops=16 bufs=1 buf_size=64 sources=32
	0 stage_create dev=d1 to=g1 posts=4
	0 timer dev=d1 to=s1 stage=g1 first=1000 period=50000
	0 join dev=d1 to=w0
	0 enter dev=d1 worker=w0 max=4 timeout=1000
	END
}

minimises() {
	programs >"$tap_dir/programs"
	tests/fuzz/run --kernel 6.1 --smp 1 --module "$SEDA_TOP/$out/seda.ko" \
		--times 1 --minimise "$tap_dir/programs"
}

# The stage is not needed: it is looked for behind the bug.
few_calls() {
	cat "$tap_dir/programs.min"
	[ "$(sed -E 's/^[0-9]+ ([a-z_]+).*/\1/' "$tap_dir/programs.min" | tr '\n' ' ')" = \
		"open setup timer " ]
}

compiles() {
	cc -Wall -Werror -D_GNU_SOURCE -pthread -I include/uapi \
		-o "$tap_dir/repro" "$tap_dir/programs.c"
}

status_of() { # MODULE-OPTION...
	tests/vm/run --version 6.1 --timeout 120 "$@" --add "$tap_dir/repro:/run/repro" -- \
		/run/repro >"$tap_dir/out" 2>&1
	echo $?
}

leads_to_it() {
	is "it leads to a report" \
		"$(status_of --no-module --module "$SEDA_TOP/$out/seda.ko")" 99
	check "which is of the bug" grep 'WARNING: .* seda_timer_create+' "$tap_dir/out"
}

check "a bug is planted" plant
check "the minimiser shortens what leads to its report" minimises
[ "$tap_failed" = 0 ] || finish
check "nothing is left but what the report needs" few_calls
check "the reproducer compiles, without a warning" compiles
leads_to_it
is "and to none without the bug" "$(status_of)" 0
finish
