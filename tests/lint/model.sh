#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The models in tests/model: spin finds no error in them, finds one in each of the
# mutants, and their steps are those of kmod.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/model/spin.sh
. tests/model/spin.sh

shopt -s nullglob

labels() {
	awk -f tests/model/labels.awk "$@" | sort -s -k1,1
}

# Each function of a model has the labels of the same function in kmod, in order.
same_steps() { # MODEL
	local names

	labels "$1" >"$tap_dir/of-model"
	names=$(cut -d' ' -f1 "$tap_dir/of-model" | sort -u)
	labels kmod/*.[ch] | grep -wF "$names" >"$tap_dir/of-kmod"
	diff -u "$tap_dir/of-kmod" "$tap_dir/of-model"
}

# Each label of kmod is in a model.
all_steps() {
	diff -u <(labels kmod/*.[ch] | sort -u) <(labels tests/model/*.pml | sort -u)
}

# What stands at the labels is what stood there when the models were made.
same_statements() {
	diff -u <(grep -v '^#' tests/model/steps) \
		<(awk -f tests/model/statements.awk kmod/*.[ch] | LC_ALL=C sort)
}

# In functions of kmod's name a line without a label changes nothing but what is
# its process's own, or what kmod does not have.
no_other_steps() {
	awk '
		/^(inline|#define) seda_/ { inside = 1 }
		inside && !/\[[a-z]+(-[a-z]+)+\] \*\// {
			rest = $0
			while (match(rest, /[a-z_]+(\[[^]]*\])?( = |\+\+|--)/)) {
				name = substr(rest, RSTART, RLENGTH)
				sub(/[^a-z_].*/, "", name)
				rest = substr(rest, RSTART + RLENGTH)
				if (name !~ /^('"$own|$ghosts"')$/) {
					print FILENAME ":" FNR ": " $0
					found = 1
				}
			}
		}
		/^}/ { inside = 0 }
		END { exit found }' tests/model/*.pml
}
own='n|ret|got|who|me|was|old|linked|taken|mine|found|room|took|bufs|may|up|i|seen'
ghosts='timer|pumps|ends|asked|running|wake'

# A barrier is a step of a model, or unmodelled has its line, and why it is none.
barriers() {
	awk -F'\t' '
		FILENAME ~ /unmodelled$/ {
			if (!/^#/)
				why[$1 "\t" $2] = 1
			next
		}
		/smp_(mb|rmb|wmb|mb__[a-z_]*|store_release|load_acquire|store_mb)\(/ &&
		!/\[[a-z]+(-[a-z]+)+\] \*\// {
			line = FILENAME "\t" $0
			gsub(/\t[ \t]+/, "\t", line)
			sub(/ *\/\*.*/, "", line)
			if (!(line in why)) {
				print line ": neither a step nor in unmodelled"
				found = 1
			}
			delete why[line]
		}
		END {
			for (line in why) {
				print line ": unmodelled, but not there"
				found = 1
			}
			exit found
		}' tests/model/unmodelled kmod/*.[ch]
}

# What a line of mutants breaks, by the labels in it, or plain tells why none does:
# each step is in one of them.
steps_broken() {
	table mutants | cut -f3- | grep -o '\\\[[a-z-]*\\\]' | tr -d '\\[]'
}

steps_plain() {
	table plain | sed 's/.*: //' | tr ' ' '\n'
}

all_broken() {
	diff -u <(labels kmod/*.[ch] | cut -d' ' -f2 | sort -u) \
		<((steps_broken | sort -u; steps_plain | sort) | sort)
}

no_error() { # NAME
	model "$1" "$tap_dir/$1" && return
	tail -n 40 "$tap_dir/$1"/{spin,pan}.out
	return 1
}

error() { # NAME MODEL SED-SCRIPT
	local dir=$tap_dir/mutant status=0

	rm -rf "$dir"
	model "$2" "$dir" "$3" || status=$?
	[ "$status" != 1 ] || return 0
	tail -n 40 "$dir"/{spin,pan}.out
	return 1
}

for file in tests/model/*.pml; do
	check "the steps of $file are kmod's" same_steps "$file"
done
check "each step that has a label in kmod is in a model" all_steps
check "what the labels stand at is what the models have" same_statements
check "each step of a model has a label" no_other_steps
check "each barrier of kmod is a step, or it is told why not" barriers
check "each step is broken by a mutant, or it is told why not" all_broken
names=()
while read -r name _; do
	check "$name: no error" no_error "$name"
	names+=("$name")
done < <(table models)
check "all of the models is reached" \
	tests/model/unreached "${names[@]/#/$tap_dir/}"
while read -r name model script; do
	check "$model without $name: an error" error "$name" "$model" "$script"
done < <(table mutants)
finish
