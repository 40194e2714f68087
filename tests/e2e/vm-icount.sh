#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# With --icount two runs print the same digits, for one process and for a load
# of several, though the host is busy the second time.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
vm=("$SEDA_TOP/tests/vm/run" --version "${KERNEL:-6.1}" --no-module --icount)

load='
cat /proc/uptime
for i in 1 2 3; do
	(dd if=/dev/zero bs=4096 count=2000 2>/dev/null | md5sum) &
done
wait
nc -l -p 5000 >/tmp/got & sleep 1
dd if=/dev/zero bs=1000 count=1000 2>/dev/null | nc 127.0.0.1 5000
wait
cat /proc/uptime /proc/stat /proc/interrupts /proc/softirqs /proc/self/schedstat
cat /proc/net/snmp /proc/vmstat'

first=$("${vm[@]}" -- sh -c "$load" 2>&1)
is "the first run succeeds" $? 0
sh -c 'while :; do :; done' &
busy=$!
second=$("${vm[@]}" -- sh -c "$load" 2>&1)
kill $busy
check "it printed something" grep -q softirq <<<"$first"
if [ "$first" = "$second" ]; then
	pass "two runs print the same"
else
	fail "two runs print the same"
	diff <(echo "$first") <(echo "$second") | sed 's/^/# /' | head -n 20
fi

cc -O2 -o "$tap_dir/program" -x c - <<'END'
#include <stdio.h>
#include <time.h>
int main(int argc, char **argv)
{
	struct timespec a, b;
	FILE *file = fopen(argv[1], "r");
	int sum = file ? fgetc(file) : -1;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (volatile int i = 0; i < 100000; i++)
		sum += i;
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%d %d %lld\n", argc, sum, (b.tv_sec - a.tv_sec) * 1000000000ll +
	       b.tv_nsec - a.tv_nsec);
	return file ? 0 : 1;
}
END
echo A >"$tap_dir/data"
one=$("${vm[@]}" --add "$tap_dir/data:/data" -- "$tap_dir/program" /data 2>&1)
is "a program with its libraries and an --add file runs" $? 0
echo "# $one"
is "and counts the same again" \
	"$("${vm[@]}" --add "$tap_dir/data:/data" -- "$tap_dir/program" /data 2>&1)" "$one"
finish
