#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own style checker has nothing to say about our C files.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/lib/files.sh
. tests/lib/files.sh

# What it says that is not meant for us.  In user space:
#   types, macros and functions that only the kernel has, or only user space
user=PREFER_KERNEL_TYPES,BIT_MACRO,ARRAY_SIZE,PREFER_DEFINED_ATTRIBUTE_MACRO
user+=,PREFER_FALLTHROUGH,CONSIDER_KSTRTO,SSCANF_TO_KSTRTO,STRCPY,STRLCPY
user+=,INCLUDE_LINUX,USE_SPINLOCK_T,NR_CPUS,VOLATILE,MEMORY_BARRIER
user+=,UNCOMMENTED_DEFINITION,CAMELCASE,SPDX_LICENSE_TAG,ENOSYS
#   where a call is broken, strings that are lines of HTML or of a message, a
#   word in a string that is also a function
user+=,PARENTHESIS_ALIGNMENT,SPLIT_STRING,LONG_LINE_STRING,EMBEDDED_FUNCTION_NAME
#   a = b = c, and macros that are more than an expression, as kselftest's are
user+=,MULTIPLE_ASSIGNMENTS,MACRO_ARG_REUSE,COMPLEX_MACRO,MACRO_WITH_FLOW_CONTROL
# In the kernel: the one place where kernel versions are told apart
compat=LINUX_VERSION_CODE,CONSTANT_COMPARISON
#   tracepoints, which are written as they are in the kernel
trace=PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE,SPACING,MACRO_ARG_PRECEDENCE

style() { # IGNORED FILE...
	local ignored=FILE_PATH_CHANGES${1:+,$1} file

	shift
	# On copies: it leaves a file in a directory that git knows, and it takes
	# C11's _Atomic(type) for a function.
	for file in "$@"; do
		mkdir -p "$tap_dir/${file%/*}"
		sed -E 's/_Atomic\(([^()]*) (\*+)\) /\1 \2/; s/_Atomic\(([^()]*)\)/\1/
			s/_Atomic //' "$file" >"$tap_dir/$file"
	done
	(cd "$tap_dir" && perl "$script" --no-tree --no-summary --strict --terse \
		--show-types --ignore "$ignored" -f "$@" 2>&1) |
		sed '/uninitialized value/d; /^find: /d'
	[ "${PIPESTATUS[0]}" = 0 ]
}

area() { # NAME IGNORED FILE...
	local name=$1

	shift
	if [ $# -gt 1 ]; then
		check "$name" style "$@"
	fi
}

script=$(tests/vm/source)/scripts/checkpatch.pl
mapfile -t kernel < <(c_files kmod | grep -vE 'kmod/(compat|trace)\.h')
mapfile -t uapi < <(c_files include/uapi)
mapfile -t library < <(c_files include/sedak.h include/sedak lib)
mapfile -t tools < <(c_files tools)
mapfile -t tests < <(c_files tests)
area "checkpatch: kmod" '' "${kernel[@]}"
area "checkpatch: kmod/compat.h" "$compat" kmod/compat.h
area "checkpatch: kmod/trace.h" "$trace" kmod/trace.h
area "checkpatch: include/uapi" BIT_MACRO "${uapi[@]}"
area "checkpatch: library" "$user" "${library[@]}"
area "checkpatch: tools" "$user" "${tools[@]}"
area "checkpatch: tests" "$user" "${tests[@]}"
finish
