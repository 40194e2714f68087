#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# No source file has more than 700 lines, and no function more than 80.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/files.sh
. tests/lib/files.sh

long_files() {
	our_files | grep -vE '^LICENSES/|\.(md|defconfig|[1-8])$' | xargs awk '
		FNR == 701 { print FILENAME; found = 1 }
		END { exit found }'
}

# Kernel style: the braces of a function are in the first column.
long_functions() {
	c_files | xargs awk '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR; name = before }
		/^\}/ {
			if (start && FNR - start > 80) {
				print FNR - start, FILENAME ": " name
				found = 1
			}
			start = 0
		}
		/^[A-Za-z_].*\(/ { before = $0 }
		END { exit found }'
}

check "no file has more than 700 lines" long_files
check "no function has more than 80 lines" long_functions
finish
