# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts in tests/vm share: where the cache is, how to say that
# something is wrong, how to hold a lock.  Sourced, never run.

# Everything that is fetched or built once for this machine lives here, and
# nothing else does: removing the directory is always safe.
SEDA_CACHE=${SEDA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/seda}
export SEDA_CACHE

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# as_root COMMAND...: only installing packages needs it.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# hold_lock NAME: until this process exits, nobody else has NAME.
hold_lock() {
	local fd

	mkdir -p "$SEDA_CACHE/locks"
	exec {fd}>"$SEDA_CACHE/locks/$1"
	flock "$fd"
}

# usage_of FILE: the comment at the head of a script is its manual.
usage_of() {
	sed -n '/^# SPDX/d; /^#!/d; /^#/!q; s/^# \{0,1\}//p' "$1"
}
