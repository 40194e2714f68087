#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd on a disk with errors, on a slow one, and on one that does not answer for a
# while (device mapper's flakey and delay, and a suspended device), in a guest, on the
# device: what is wrong with the disk is told, nothing else is held up.
set -u
SEDA_TOP=${SEDA_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
export SEDA_TOP
if [ "${1-}" != guest ]; then
	read -ra vm <<<"${SEDA_VM:-$SEDA_TOP/tests/vm/run}"
	exec "${vm[@]}" --timeout 600 --env SEDAK_BACKEND=seda --env SEDA_SLOW=8 -- \
		bash "$SEDA_TOP/tests/e2e/httpd-disk.sh" guest
fi
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/lib/httpd.sh
. "$SEDA_TOP/tests/lib/httpd.sh"
for module in loop dm-mod dm-flakey dm-delay ext4; do
	modprobe -q "$module"	# or the kernel has it built in
done

# disk TARGET [OPTION...]: from now on, with nothing in the page cache.
disk() {
	dmsetup suspend --noudevsync "$disk" &&
		dmsetup load "$disk" --table "0 $sectors $1 $loop 0 ${*:2}" &&
		dmsetup resume --noudevsync "$disk" &&
		echo 1 >/proc/sys/vm/drop_caches
}

prepare() {
	truncate -s 64M "$tap_dir/image" && mkfs.ext4 -q -O ^has_journal "$tap_dir/image" &&
		loop=$(losetup -f --show "$tap_dir/image") &&
		sectors=$(blockdev --getsz "$loop") && disk=seda &&
		dmsetup create --noudevsync "$disk" --table "0 $sectors linear $loop 0" &&
		device=/dev/$(dmsetup info -c --noheadings -o blkdevname "$disk") &&
		mount "$device" "$root" || return
	rmdir "$root/lost+found"
	for i in hit 1 2 3 4 5; do
		head -c 100000 /dev/urandom >"$root/$i"
	done
	head -c 30000000 /dev/urandom >"$root/large"
	cp "$root"/* "$tap_dir/was/" && umount "$root" && mount -o ro "$device" "$root" &&
		stat "$root"/*
}

same() { # FILE
	curl -s --max-time $((20 * slow)) "$url/$1" | cmp - "$tap_dir/was/$1"
}

# In the background; got: what has arrived.
fetch() { # FILE
	curl -s -o "$tap_dir/got-$1" -w '%{http_code}' "$url/$1" >"$tap_dir/status-$1" &
	clients+=($!)
}

arrived() { # FILE
	cmp "$tap_dir/got-$1" "$tap_dir/was/$1"
}

mkdir "$tap_dir/was"
# who waits for a disk is not stuck
echo 300 >/proc/sys/kernel/hung_task_timeout_secs
check "there is a disk" prepare
[ "$tap_failed" = 0 ] || finish
start_server --file-threads 2 --file-queue 2

check "a file is read from it" same hit

# With errors.
disk flakey 0 1000
is "what cannot be read is a 500" "$(get /1)" 500
check "what is in the cache is served" same hit
disk linear
check "and what can be read again" same 1

# Errors in the midst of a response, whose head has been sent, and which is more than
# sockets hold.
mkfifo "$tap_dir/pipe"
curl -s --limit-rate 1M "$url/large" >"$tap_dir/pipe" &
client=$!
exec 3<"$tap_dir/pipe"
head -c 300000 <&3 >"$tap_dir/part"
disk flakey 0 1000
cat <&3 >>"$tap_dir/part"
wait "$client"
is "a response that the disk breaks off is cut short" $? 18
check "what came was right" cmp -n "$(stat -c %s "$tap_dir/part")" "$tap_dir/part" \
	"$tap_dir/was/large"
disk linear
check "the next one is whole" same large

# A slow one, for as long as this takes: two threads read, two requests wait for them,
# more are refused.
disk delay 200000
clients=()
for i in 2 3 4 5; do
	fetch $i
done
check "four wait for a slow disk" await 10 stat_is files.jobs_now 4
is "a fifth is refused" "$(get /large)" 503
check "hits are not held up" same hit
check "and came first" test ! -s "$tap_dir/status-2"
disk linear	# what was delayed is done now
wait "${clients[@]}"
for i in 2 3 4 5; do
	check "$i arrives in the end" arrived $i
done

# One that does not answer, as if it was gone, but comes back.
echo 1 >/proc/sys/vm/drop_caches
dmsetup suspend --noudevsync --nolockfs "$disk"
clients=()
fetch large
check "one waits for a disk that does not answer" await 5 stat_is files.jobs_now 1
check "hits are not held up by that" same hit
dmsetup resume --noudevsync "$disk"
wait "${clients[@]}"
check "it arrives when the disk does answer" arrived large

stop_server
is "the server stops well" "$stopped" 0
umount "$root"
dmsetup remove --noudevsync "$disk"
losetup -d "$loop"
finish
