#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The UAPI header compiles alone, as its users' compilers are set up.
cd "$(dirname "$0")/../.." || exit 1
n=0 failed=0

try() { # NAME COMMAND...
	name=$1
	shift
	n=$((n + 1))
	if printf '#include <linux/seda.h>\n' |
		"$@" -Iinclude/uapi -Wall -Wextra -Werror -fsyntax-only -; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		failed=1
	fi
}

echo "1..12"
try "gcc -std=c11 -pedantic" gcc -xc -std=c11 -pedantic
try "gcc -std=c99" gcc -xc -std=c99
try "gcc -std=gnu99" gcc -xc -std=gnu99
try "gcc -std=gnu89" gcc -xc -std=gnu89 -Wno-long-long
try "gcc -std=gnu2x" gcc -xc -std=gnu2x
try "gcc -m32" gcc -xc -m32 -std=c11
try "gcc -Wpadded" gcc -xc -Wpadded
try "gcc -Wc++-compat" gcc -xc -Wc++-compat
try "g++ -std=c++11" g++ -xc++ -std=c++11
try "g++ -std=c++20 -m32" g++ -xc++ -std=c++20 -m32
try "clang -std=c11" clang -xc -std=c11
try "clang++" clang++ -xc++ -std=c++17
exit $failed
