# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# To run spin on the models of this directory.  Sourced; $tap_dir is for files.

models=${BASH_SOURCE[0]%/*}
# shellcheck source=tests/vm/common.sh
. "$models/../vm/common.sh"

# The lines of a table: models or mutants.
table() {
	grep -v '^#' "$models/$1"
}

# expand FILE: with what it includes, once.
expand() {
	awk '/^#include "/ {
		gsub(/"/, "", $2)
		while ((getline line < $2) > 0)
			print line
		next
	} { print }' "$1"
}

# search DIR FILE OPTION...: all states of DIR/FILE.  0: an error was not found; 1:
# one was; 2: not all were searched.
search() {
	(cd "$1" && expand "$2" >once && expand once >model &&
		spin -a "${@:3}" model >spin.out 2>&1 &&
		gcc "$speed" -w -DSAFETY -DNOFAIR -DMEMLIM=3000 -o pan pan.c &&
		nice ./pan -E -m200000 -w22 >pan.out 2>&1) || return 2
	# any other error is one of the model itself
	grep -q 'errors: 1$' "$1/pan.out" && grep -q 'assertion violated' "$1/pan.out" &&
		return 1
	grep -q 'errors: 0$' "$1/pan.out" || return 2
	! grep -qE 'not completed|too small|out of memory|limit' "$1/pan.out" ||
		return 2
}

# remembered DIR FILE OPTION...: the same, but once for each text, options and spin.
remembered() {
	local key verdict=0 file

	key=$({
		spin -V
		gcc --version | head -n 1
		echo "${@:3}"
		declare -f search
		cd "$1" && expand "$2" | expand /dev/stdin
	} | sha256sum | cut -c1-32)
	file=$SEDA_CACHE/model/$key
	[ ! -e "$file" ] || return "$(cat "$file")"
	search "$@" || verdict=$?
	# what was not searched completely is not known
	if [ "$verdict" != 2 ]; then
		mkdir -p "${file%/*}"
		echo "$verdict" >"$file.$$"
		mv "$file.$$" "$file"
	fi
	return "$verdict"
}

# model NAME DIR [SED-SCRIPT]: searches one of the table, as it is or broken.  What is
# broken is remembered.
model() {
	local line speed=-O1 search=search
	local -a words

	mkdir -p "$2"
	cp "$models"/*.pml "$2" || return 2
	if [ "${3-}" ]; then
		# most are found in less time than it takes to optimise the search
		speed=-O0 search=remembered
		sed -i "$3" "$2"/*.pml
		for line in "$2"/*.pml; do
			cmp -s "$line" "$models/${line##*/}" || break
		done && cmp -s "$line" "$models/${line##*/}" && return 2
	fi
	line=$(table models | grep -P "^$1\t") || return 2
	read -ra words <<<"${line#*$'\t'}"
	"$search" "$2" "${words[@]}"
}
