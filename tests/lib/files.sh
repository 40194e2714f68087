# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which files are ours, for the tests in tests/lint.  Sourced at the top of the
# tree.

# The files below the given names: what git knows, with what is new.  Without
# git (a released archive) all that is there.
our_files() {
	if [ -e .git ]; then
		git ls-files --cached --others --exclude-standard -- "$@" |
			while read -r file; do
				[ ! -f "$file" ] || echo "$file"
			done
	else
		find "${@:-.}" -path ./build -prune -o -type f -print | sed 's,^\./,,'
	fi
}

c_files() {
	our_files "$@" | grep -E '\.(c|h)$'
}

shell_files() {
	our_files "$@" | while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*) head -n 1 "$file" | grep -aqE '^#!.*[/ ](ba|da|)sh$' && echo "$file" ;;
		esac
	done
}
