#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What reading a file and sending it costs: system calls, io_uring and the device in one
# guest, under icount, where nanoseconds are instructions.  The bars: a read of 4 KB from
# the page cache, 32 at a time, costs at most io_uring's; sending 8 KB, 64 KB and 1 MB
# at most sendfile(2)'s and io_uring's; random reads with O_DIRECT at most those of
# Linux' aio, 32 at a time.  Where it loses is printed, too.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
if [ -n "${SEDA_DEBUG:-}" ]; then
	skip "a debug kernel is not measured"
	finish
fi
version=${KERNEL:-6.1}
modules=$("$SEDA_TOP/tests/vm/kernel" "$version" | sed -n s/^modules=//p)

add=()
for name in brd null_blk configfs; do
	file=$(find "$modules/kernel" -name "$name.ko*" | head -n 1)
	case $file in
	*.ko) cp "$file" "$tap_dir/$name.ko" ;;
	*.ko.xz) xz -dc "$file" >"$tap_dir/$name.ko" ;;
	*) echo "# no $name.ko: $modules" ;;
	esac
	add+=(--add "$tap_dir/$name.ko:/$name.ko")
done

"$SEDA_TOP/tests/vm/run" --version "$version" --icount "${add[@]}" \
	--add "$SEDA_TOP/build/bin/file_cost:/bin/file_cost" -- sh -c '
	insmod /brd.ko && insmod /configfs.ko &&
		insmod /null_blk.ko gb=1 bs=4096 queue_mode=2 irqmode=1 || exit
	for e in syscall io_uring seda; do
		for n in 1 32; do
			file_cost --file /dev/ram0 --batch $n $e read || exit
		done
		for n in 8192 65536 1048576; do
			file_cost --file /dev/ram0 --size $n \
				--count $((20000000 / n)) $e send || exit
		done
		for n in 1 32 128; do
			file_cost --file /dev/nullb0 --batch $n $e direct || exit
		done
	done' >"$tap_dir/cost" 2>&1
is "all are measured" $? 0
sed 's/^/# /' "$tap_dir/cost"

cost() { # ENGINE WHAT SIZE BATCH
	sed -n "s/^$1 what=$2 size=$3 batch=$4 cost=//p" "$tap_dir/cost"
}

at_most() { # ENGINE WHAT SIZE BATCH
	local ours theirs

	ours=$(cost seda "${@:2}") theirs=$(cost "$@")
	check "$2 of $3, $4 at a time: at most $1's" test "${ours:-1}" -le "${theirs:-0}"
}

at_most io_uring read 4096 32
at_most syscall read 4096 32
for size in 8192 65536 1048576; do
	at_most syscall send "$size" 1
	at_most io_uring send "$size" 1
done
at_most syscall direct 4096 32
finish
