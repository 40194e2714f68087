#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the debug kernels look for they find: bugs are planted in a guest, and
# tests/vm/run ends with 99 and tells of each.  SEDA_DEBUG says which kernel.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
kind=${SEDA_DEBUG:-}
if [ -z "$kind" ]; then
	echo "1..0 # SKIP no debug kernel"
	exit 4
fi

# The bugs of a kernel: those of a line happen in one guest.  A name has what
# the report must say after it.  panic_on_warn and lockdep, which looks no
# further after its first report, want a guest for each bug.
bugs() {
	case $kind in
	kasan)
		batch use_after_free='KASAN: use-after-free in ' \
			double_free='KASAN: double-free' \
			slab_overrun='KASAN: slab-out-of-bounds in ' \
			stack_overrun='KASAN: stack-out-of-bounds in ' \
			global_overrun='KASAN: global-out-of-bounds in ' \
			vmalloc_overrun='KASAN: vmalloc-out-of-bounds in ' \
			page_use_after_free='KASAN: use-after-free in ' \
			array_bounds='UBSAN: array-index-out-of-bounds in .*memory.c' \
			bad_shift='UBSAN: shift-out-of-bounds in .*memory.c' \
			list_corruption='list_del corruption' \
			refcount_underflow='refcount_t: .*underflow' \
			refcount_resurrected='refcount_t: addition on 0' \
			refcount_saturation='refcount_t: saturated' \
			warn='WARNING: .*memory.c.* warn' \
			sleep_in_atomic='BUG: sleeping function called' \
			hung_task='task seda_bug_hung:.* blocked for more than'
		alone warn='panic_on_warn set'
		alone null_pointer='KASAN: null-ptr-deref|BUG: kernel NULL pointer'
		alone --kmemleak leak='kmemleak: comm "plant"'
		;;
	lockdep)
		batch rcu_unprotected='WARNING: suspicious RCU usage' \
			abba='WARNING: possible circular locking dependency' \
			sleep_in_atomic='BUG: sleeping function called' \
			free_active_timer='ODEBUG: free active .* timer_list' \
			free_active_work='ODEBUG: free active .*' \
			list_corruption='list_del corruption' \
			soft_lockup='BUG: soft lockup - CPU#'
		alone lock_kept='WARNING: lock held when returning to user space'
		# or by what the way to user mode does, if it has something to do
		alone rcu_unbalanced='lock held when returning to user space|sleeping function called'
		alone spin_in_raw='BUG: Invalid wait context'
		alone irq_unsafe='WARNING: inconsistent lock state'
		# the other CPU begins the grace period
		alone --smp 2 rcu_stall='rcu: .*detected stall'
		;;
	kcsan)
		plant "a series of races" --smp 2 \
			data_race='BUG: KCSAN: data-race in .*race_count' \
			bit_race='BUG: KCSAN: data-race in race_bit_atomic .*/ race_bit_plain' \
			struct_race='(write|read).* to .* of 64 bytes by' \
			second_writer='BUG: KCSAN: assert: race in race_own .*/ race_steal'
		;;
	esac
}

# What the compiler puts into every module of a kernel that looks so closely.
instruments() {
	case $kind in
	kasan) echo __asan_report_load __ubsan_handle ;;
	lockdep) echo __mutex_init lockdep_ __ubsan_handle ;;
	kcsan) echo __tsan_read __tsan_atomic_signal_fence ;;
	esac
}

calls() { # SYMBOL
	nm -u "$SEDA_TOP/build/$kind/seda.ko" | grep -q " $1"
}

vm=("$SEDA_TOP/tests/vm/run" --debug "$kind" --no-module --timeout 120)

# The names' bugs happen in a guest, which ends with status WANTED.
guest() { # WANTED NAMES OPTION...
	local wanted=$1 names=$2 status

	shift 2
	# shellcheck disable=SC2086 # a list of names
	"${vm[@]}" --module "$module" --dmesg "$tap_dir/dmesg" "$@" -- \
		"$SEDA_TOP/tests/detect/plant" $names >"$tap_dir/out" 2>&1
	status=$?
	[ "$status" = "$wanted" ] && return
	echo "status $status"
	tail -n 60 "$tap_dir/out"
	return 1
}

# The judge's view of the part of the log that begins with NAME's mark.
caught() { # NAME PATTERN
	awk -v name="$1" '
		/seda-bug: / { on = index($0, "seda-bug: " name) > 0 }
		on { print }' "$tap_dir/dmesg" >"$tap_dir/part"
	if "$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/part" >"$tap_dir/report"; then
		echo "no report; the log:"
		tail -n 60 "$tap_dir/part"
		return 1
	fi
	grep -qE "$2" "$tap_dir/report" && return
	cat "$tap_dir/report"
	return 1
}

plant() { # LABEL OPTION... NAME=PATTERN...
	local label=$1 options=() names='' bug

	shift
	while [ "${1#--}" != "$1" ]; do
		options+=("$1")
		if [ "$1" != --kmemleak ]; then
			options+=("$2")
			shift
		fi
		shift
	done
	for bug; do
		names+=" ${bug%%=*}"
	done
	check "$kind: $label is reported" guest 99 "$names" \
		${options[@]+"${options[@]}"}
	for bug; do
		check "$kind: ${bug%%=*} is caught" caught "${bug%%=*}" "${bug#*=}"
	done
}

batch() {
	plant "a series of bugs" --append 'panic_on_warn=0 kasan_multi_shot' "$@"
}

alone() {
	local last=${!#}

	plant "${last%%=*} alone" "$@"
}

check "seda_bugs.ko builds for $kind" "$SEDA_TOP/tests/detect/build" "$kind"
module=$SEDA_TOP/build/$kind/detect/seda_bugs.ko
check "seda.ko builds for $kind" "$SEDA_TOP/mk/module" "$kind" \
	"$SEDA_TOP/build/$kind"
for symbol in $(instruments); do
	check "seda.ko calls $symbol" calls "$symbol"
done
[ "$tap_failed" = 0 ] || finish
check "$kind: without a bug there is no report" guest 0 none
bugs
finish
