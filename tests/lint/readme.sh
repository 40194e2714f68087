#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The README's example is the one that is built and tested.
set -u
top=${SEDA_TOP:=$PWD}
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
sed -n '/^```c$/,/^```$/p' "$top/README.md" | sed '1d;$d' >"$tap_dir/example.c"
check "the README's example is tools/examples/hello_echo.c" \
	diff -u "$top/tools/examples/hello_echo.c" "$tap_dir/example.c"
finish
