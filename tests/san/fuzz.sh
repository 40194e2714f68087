#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd's parsers are fuzzed, each from the inputs that are kept: SEDA_FUZZ_RUNS
# times (20,000), or with SEDA_FUZZ_MINUTES=N for so long in all, then going on
# where the last such time ended.  SEDA_SEED repeats a run; what was found stays
# in build/fuzz-http/.
set -u
# shellcheck source=tests/lib/san.sh
. "$(dirname "$0")/../lib/san.sh"
seed=${SEDA_SEED:-$((RANDOM << 15 | RANDOM))}
targets=(tests/fuzz-http/*.c)
targets=("${targets[@]%.c}")
if [ -n "${SEDA_FUZZ_MINUTES-}" ]; then
	much=-max_total_time=$((SEDA_FUZZ_MINUTES * 60 / ${#targets[@]}))
else
	much=-runs=${SEDA_FUZZ_RUNS:-20000}
fi

# fuzz NAME
fuzz() {
	local found=$SEDA_TOP/build/fuzz-http/found learnt=$tap_dir/learnt/$1

	[ -z "${SEDA_FUZZ_MINUTES-}" ] || learnt=$SEDA_TOP/build/fuzz-http/learnt/$1
	mkdir -p "$found" "$learnt"
	TMPDIR=$tap_dir ASAN_OPTIONS=quarantine_size_mb=16 \
		"build/fuzz/tests/fuzz-http/$1" -seed="$seed" "$much" -max_len=2048 \
		-timeout=10 -artifact_prefix="$found/$1-" "$learnt" \
		"$SEDA_TOP/tests/fuzz-http/corpus/$1" >"$tap_dir/$1.log" 2>&1 ||
		{ tail -n 50 "$tap_dir/$1.log"; false; }
}

san_build fuzz "${targets[@]/#/@/}"
echo "# seed $seed"
for target in "${targets[@]}"; do
	name=${target##*/}
	check "$name" fuzz "$name"
	sed -n 's/^Done /# /p' "$tap_dir/$name.log"
done
finish
