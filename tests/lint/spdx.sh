#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every file says its licence, and the text of that licence is here.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/files.sh
. tests/lib/files.sh

sources() {
	our_files | grep -vE '^(LICENSES/|COPYING|tests/fuzz-http/corpus/)'
}

unmarked() {
	local file bad=0

	while read -r file; do
		if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: '; then
			echo "$file"
			bad=1
		fi
	done < <(sources)
	return "$bad"
}

# The licence that goes with each part; the rest is GPL-2.0.
wrong() {
	local file want id bad=0

	while read -r file; do
		want='GPL-2.0'
		case $file in
		include/uapi/*) want='((GPL-2.0 WITH Linux-syscall-note)|GPL-2.0 WITH Linux-syscall-note)' ;;
		lib/* | include/sedak.h | include/sedak/*) want='LGPL-2.1-or-later' ;;
		tools/examples/* | *.[1-8]) want='(GPL-2.0|GPL-2.0-or-later|LGPL-2.1-or-later|MIT)' ;;
		tools/*) want='(GPL-2.0|GPL-2.0-or-later)' ;;
		esac
		id=$(head -n 3 "$file" | sed -n 's/.*SPDX-License-Identifier: \(.*\)/\1/p' |
			sed -E 's, *(\*/|-->)$,,')
		if ! grep -qxE "$want|\\($want\\)|$want(-only)?" <<<"$id"; then
			echo "$file: $id, and not $want"
			bad=1
		fi
	done < <(sources)
	return "$bad"
}

# A path or a mirror of one machine does not belong in a file of ours.
machine_paths() {
	! our_files | grep -vE '^(LICENSES/|tests/lint/spdx.sh)' |
		xargs grep -nE '/work/|/farm/|/root/|deb\.debian\.org'
}

check "every file says its licence" unmarked
check "the licences are the right ones" wrong
check "no file names a path of one machine" machine_paths
finish
