# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# To run spin on the models of this directory.  Sourced; $tap_dir is for files.

models=${BASH_SOURCE[0]%/*}

# The lines of a table: models or mutants.
table() {
	grep -v '^#' "$models/$1"
}

# search DIR FILE OPTION...: every state of DIR/FILE.  Fails when an assertion
# does, and when the search is not complete.
search() {
	local dir=$1

	shift
	(cd "$dir" && spin -a "${@:2}" "$1" >spin.out 2>&1 &&
		gcc -O1 -w -DSAFETY -DNOFAIR -DMEMLIM=3000 -o pan pan.c &&
		nice ./pan -E -m200000 -w22 >pan.out 2>&1) || return 2
	if grep -qE 'too small|out of memory|memory limit' "$dir/pan.out"; then
		return 2
	fi
	grep -q 'errors: 0$' "$dir/pan.out" &&
		! grep -q 'not completed' "$dir/pan.out"
}

# model NAME DIR [SED-SCRIPT]: searches a model of the table, as it is or broken.
# 0: no error; 1: an error; 2: it could not be searched, or nothing is broken.
model() {
	local line
	local -a words

	mkdir -p "$2"
	cp "$models"/*.pml "$2" || return 2
	if [ "${3-}" ]; then
		sed -i "$3" "$2"/*.pml
		! diff -q "$models" "$2" >/dev/null || return 2
	fi
	line=$(table models | grep -P "^$1\t") || return 2
	read -ra words <<<"${line#*$'\t'}"
	search "$2" "${words[@]}"
}
