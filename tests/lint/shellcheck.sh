#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The linter of shell scripts has nothing to say about our scripts; python compiles.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/files.sh
. tests/lib/files.sh

python_files() {
	our_files | while read -r file; do
		head -n 1 "$file" | grep -aq '^#!.*python3' && echo "$file"
	done
}

compiles() {
	python3 -W error -c 'import sys
for name in sys.argv[1:]:
    compile(open(name).read(), name, "exec")' "$@"
}

mapfile -t scripts < <(shell_files)
mapfile -t python < <(python_files)
# Functions that are called through check look unreachable to it, and so do
# their arguments; awk and perl programs stand in single quotes on purpose.
check "shellcheck" shellcheck -x -e SC2317,SC2119,SC2120,SC2016,SC2001 "${scripts[@]}"
check "python compiles" compiles "${python[@]}"
finish
