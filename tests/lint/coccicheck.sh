#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's semantic patches (coccicheck) have nothing to say about the module.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

# report DIRECTORY [ARGUMENT...]: what coccicheck says about it.
report() {
	local dir=$1

	shift
	make -s -C "$source" coccicheck MODE=report M="$dir" J="$(nproc)" \
		DEBUG_FILE=/dev/null "$@" >"$tap_dir/out" 2>&1 ||
		echo "$dir: coccicheck failed" >>"$tap_dir/out"
	grep -E "^$dir|failed|rror" "$tap_dir/out"
}

silent() {
	! report "$@"
}

source=$(tests/vm/source --all) || exit 1
cp -r kmod "$tap_dir/kmod"
mkdir "$tap_dir/planted"
echo 'int f(int a, int b) { return a == b || a == b; }' >"$tap_dir/planted/f.c"
check "what is planted is found" report "$tap_dir/planted" \
	COCCI="$source/scripts/coccinelle/tests/doubletest.cocci"
check "coccicheck on kmod" silent "$tap_dir/kmod"
finish
