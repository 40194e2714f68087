#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# 32-bit programs use the device as 64-bit ones do.
cd "$(dirname "$0")/../.." || exit 1
echo "1..2"
n=0 failed=0
for program in device device-m32; do
	n=$((n + 1))
	if output=$("build/tests/abi/$program"); then
		echo "ok $n $program"
	else
		echo "not ok $n $program"
		failed=1
	fi
	echo "$output" | sed 's/^/# /'
done
exit $failed
