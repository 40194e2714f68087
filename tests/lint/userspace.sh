#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# clang has nothing to say about the library, the programs and the tests, and
# the headers stand alone.  (gcc builds them all with -Werror.)
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/files.sh
. tests/lib/files.sh

make -s build/include/kselftest/kselftest_harness.h
read -ra flags < <(make -s show-cflags)

clang_checks() {
	local file bad=0

	while read -r file; do
		clang-14 "${flags[@]}" -Wno-unknown-warning-option -Wno-string-plus-int -Ilib -fsyntax-only "$file" || bad=1
	done < <(our_files lib tools tests | grep '\.c$' | grep -vE '^tests/(detect|inject|windows)/')
	return "$bad"
}

# header NAME COMPILER...
header() {
	local header=$1

	shift
	echo "#include <$header>" | "$@" -Iinclude -Iinclude/uapi -Wall -Wextra \
		-Werror -fsyntax-only -
}

check "clang: library, programs, tests" clang_checks
for name in sedak.h linux/seda.h; do
	check "$name alone is C" header "$name" gcc -std=c11 -x c
	check "$name alone is C++" header "$name" g++ -std=c++11 -x c++
	check "$name alone is C for 32 bits" header "$name" gcc -m32 -std=c11 -x c
done
finish
