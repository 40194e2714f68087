# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# apt with a configuration of its own, in the cache, made from the machine's
# Debian sources: its mirror is used, its lists are left alone, and no privilege
# is needed.  Sourced after common.sh.

apt=$SEDA_CACHE/apt

# The machine's own entries for this Debian release, whatever the format.
machine_sources() {
	local codename file

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		awk -v RS= -v ORS='\n\n' -v suite="(^|\n)Suites:[^\n]* $codename" \
			'$0 ~ suite && !/(^|\n)Enabled: *no/' "$file"
	done >"$apt/debian.sources"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -e "$file" ] || continue
		grep -E "^deb .*[[:space:]]$codename(-[a-z]+)?[[:space:]]" "$file" || true
	done >"$apt/debian.list"
	add_suites "$codename"
}

# The mirror that the machine's own entries name.
mirror() {
	local uri

	uri=$(awk '/^URIs:/ { print $2; exit }' "$apt/debian.sources")
	[ -n "$uri" ] || uri=$(grep -oE '[a-z+]+://[^ ]+' "$apt/debian.list" | head -n 1)
	[ -n "$uri" ] || die "no source for this release in /etc/apt"
	uri=${uri%/}
	echo "${uri%-security}"
}

# 6.12 is in the security suite, and in the backports: add those that are not
# named yet, on the mirror that is.
add_suites() {
	local codename=$1 uri key=

	uri=$(mirror)
	[ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
		key=' [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
	grep -qs -- "$codename-security" "$apt"/debian.{sources,list} ||
		echo "deb$key $uri-security $codename-security main" \
			>>"$apt/debian.list"
	grep -qs -- "$codename-backports" "$apt"/debian.{sources,list} ||
		echo "deb$key $uri $codename-backports main" \
			>>"$apt/debian.list"
}

private_apt() {
	local tool=$1

	shift
	"$tool" -q -o Dir::State="$apt/state" -o Dir::Cache="$apt/cache" \
		-o Dir::State::status="$apt/status" \
		-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt" \
		-o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o APT::Sandbox::User= -o Acquire::Languages=none \
		-o Acquire::Retries=3 "$@"
}

refresh_lists() {
	hold_lock apt
	mkdir -p "$apt"/{state/lists/partial,cache/archives/partial}
	: >"$apt/status"
	machine_sources
	private_apt apt-get update >&2
}
