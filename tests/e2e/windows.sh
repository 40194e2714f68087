#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The races of stress/ and hostile/ on a module in which a delay stands, now and then,
# before each step of tests/model that begins a statement and each line of
# tests/windows/places: what takes nanoseconds takes long enough to be hit, and of each
# kind of race of tests/windows/races one was.  SEDA_RACES=each: each one was, which on
# a slow or busy host takes long, and luck.
# On the kernel under test, or on the debug kernel SEDA_DEBUG.
# vm: --timeout 1800
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
cd "$SEDA_TOP" || exit 1
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
# Each does no more of its own than this.
tests=(hostile/close_race:1000 hostile/pool_race:300 hostile/retry_end:60
	hostile/signalfd:300 kmod/buffers:1 kmod/poll:1 kmod/wake:1 kmod/wake_signal:1
	stress/race-connect:1000 stress/race-connections:1000 stress/race-delay:300
	stress/race-disk:3000 stress/race-end:600 stress/race-kinds:1000 stress/race-listener:150 stress/race-stage:300
	stress/race-worker:1000 stress/hotplug:30 stress/race-unload:20)

kernel=${SEDA_DEBUG:-${KERNEL:-6.1}}
want=${SEDA_RACES:-kind}
built=$(tests/windows/build "$kernel") || exit 1
read -r windows module delays <<<"$built"

# The places that nobody comes by on this kernel.
excused=$(awk -v kernel="$kernel" '!/^#/ && kernel ~ "^(" $2 ")$" { print $1 }' \
	tests/windows/unreached | tr '\n' ' ')

# All in one guest, with as many CPUs as hotplug takes away.
races() {
	local status=0

	"${vm[@]}" --smp 4 --timeout 1500 --append slab_nomerge --no-module --module "$windows" \
		--module "$module" -- tests/windows/guest "$want" "$excused" "${tests[@]}" \
		>"$tap_dir/races" 2>&1 || status=$?
	# what tests/vm/run itself has to say, and the kernel's report
	sed -n '/^vm: /,$p' "$tap_dir/races"
	return "$status"
}

ended() { # TEST
	awk -v test="$1" '
		$1 == "@@ended" && $2 == test { times++; failed += $3 != 0 }
		END { exit !times || failed }' "$tap_dir/races" && return
	# up to its end, or to the end of all, if the guest's came first
	awk -v test="$1" '
		{ print }
		$1 == "@@ended" && $2 == test && $3 != 0 { exit }' \
		"$tap_dir/races" | tail -n 100
	return 1
}

every_place() {
	awk -v excused=" $excused " '
		$1 == "@@place" {
			places++
			if (!$3 && !index(excused, " " $2 " ")) {
				print $2
				missed++
			}
		}
		END { exit !places || missed }' "$tap_dir/races"
}

# Opens of a device whose module was going, and so found none.
met() {
	grep -q '^# .*, [1-9][0-9]* one without its module' "$tap_dir/races"
}

check "there are delays ($delays)" test "$delays" -ge 370
check "the kernel has nothing to report" races
for test in "${tests[@]}"; do
	check "${test%:*}" ended "${test%:*}"
done
check "somebody came by every place" every_place
check "rmmod-open: opens came when the module was going" met
declare -A hits_of
while read -r _ race _ window other hits; do
	[[ " $excused " != *" $window "* && " $excused " != *" $other "* ]] || continue
	echo "# $race: $other in the window of $window, $hits times"
	what=$race
	[ "$want" != each ] || what+=": $other in the window of $window"
	hits_of[$what]=$((${hits_of[$what]:-0} + hits))
done < <(grep '^@@race ' "$tap_dir/races")
for what in "${!hits_of[@]}"; do
	check "hit: $what" test "${hits_of[$what]}" -gt 0
done
sed -n 's/^@@ended /# /p' "$tap_dir/races"
awk '$1 == "@@place" && $3 < 20 { print "# " $2 ", passed " $3 " times" }' "$tap_dir/races"
finish
