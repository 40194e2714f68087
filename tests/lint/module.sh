#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# gcc with W=1, its analyzer, sparse and clang have nothing to say about the module.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
kernel=${KERNEL:-6.1}

dir=build/lint/$kernel

# With -s kbuild says nothing else.
silent_build() { # ARGUMENTS
	rm -rf "$dir"
	mk/module --make "$1" "$kernel" "$dir" >"$tap_dir/out" 2>&1 || {
		cat "$tap_dir/out"
		return 1
	}
	# What headers of this kernel bring on is not ours.
	! grep -E 'src/(kmod|include)/.*(warning|error): |modpost:.*seda' "$tap_dir/out"
}

# The commands that kbuild ran, with clang and without what only gcc knows.
clang_checks() {
	local cmd line bad=0

	for cmd in "$dir"/src/kmod/.*.o.cmd; do
		line=$(sed -nE '1s/^(saved)?cmd_[^ ]+ := //p' "$cmd" | sed 's/ ; .*//')
		line=$(sed -E 's/^ *[^ ]+/clang-14/
			s/ -c -o [^ ]+/ -fsyntax-only/
			s/ -Wp,-MMD,[^ ]+//; s/ -fanalyzer//
			s/ -m(preferred-stack-boundary|indirect-branch|function-return)=[^ ]+//g
			s/ -m(indirect-branch-register|indirect-branch-cs-prefix|record-mcount|skip-rax-setup)//g
			s/ -f(conserve-stack|no-allow-store-data-races|no-var-tracking-assignments|no-ipa-cp-clone|no-partial-inlining|plugin[^ ]*|min-function-alignment[^ ]*)//g
			s/ -falign-(jumps|loops)=[^ ]+//g
			s/ -f(sanitize|trivial-auto-var-init|zero-call-used-regs|stack-protector)[^ ]*//g
			s/ --param[= ][^ ]+//g' <<<"$line")
		line+=' -Wno-unknown-warning-option -Wno-ignored-optimization-argument'
		line+=' -Wno-unused-command-line-argument -Wno-gnu'
		(cd "$(tests/vm/kernel "$kernel" | sed -n 's/^build=//p')" &&
			eval "$line") >"$tap_dir/clang" 2>&1 || bad=1
		if [ "$bad" = 1 ] || grep -q 'kmod/.*warning' "$tap_dir/clang"; then
			echo "$cmd"
			grep -A4 -E 'error: |src/kmod/.*: (warning|error)' "$tap_dir/clang" | head -n 40
			bad=1
		fi
	done
	[ "$bad" = 0 ]
}

check "gcc with W=1 and -fanalyzer, and sparse, on $kernel" \
	silent_build "W=1 C=2 KCFLAGS=-fanalyzer"
check "clang on $kernel" clang_checks
finish
