#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sedahttpd on the device: the other httpd-*.sh in a guest, with the backend seda.
# vm: --timeout 3600
#
# SEDA_HTTPD_TESTS says which of them.  What no backend has a part in, and the
# browser, are left to the host.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
export SEDA_TOP
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
vm=("$SEDA_TOP/${vm[0]#"$SEDA_TOP/"}" "${vm[@]:1}" --timeout 3000)
busy='basic pipeline fifo large stats ends load'
# These mostly wait.
waiting='stop slow'

cat >"$tap_dir/all" <<'END'
export SEDAK_BACKEND=seda SEDA_NO_BROWSER=1 SEDA_SLOW=8 SEDA_LOAD_SECONDS=3 SEDA_LARGE_MB=25
run() {
	for name in $1; do
		"$SEDA_TOP/tests/e2e/httpd-$name.sh" |
			sed "s/^\(not \)\?ok [0-9]* /\1$name: /"
		echo "status of $name: ${PIPESTATUS[0]}"
	done
}
run "$2" >/tmp/waiting 2>&1 &
# what measures comes last, and alone
run "${1%load}"
wait
cat /tmp/waiting
[[ $1 != *load ]] || run load
END

# in_guest TESTS WAITING [OPTION...]: runs both in one guest, at the same time, and
# tells how they went.
in_guest() {
	local status line

	"${vm[@]}" "${@:3}" --env SEDA_TOP="$SEDA_TOP" -- \
		bash "$tap_dir/all" "$1" "$2" >"$tap_dir/log" 2>&1
	status=$?
	while IFS= read -r line; do
		case $line in
		"not "*) fail "${line#not }" ;;
		"status of "*": 0") pass "${line#status of }" ;;
		"status of "*) fail "${line#status of }" ;;
		[a-z]*": # SKIP "*) skip "${line%%:*}: ${line#*# SKIP }" ;;
		[a-z]*": "*) pass "$line" ;;
		*) echo "# ${line#\# }" ;;
		esac
	done <"$tap_dir/log"
	is "the guest of $1 $2 ends well" $status 0
}

if [ -n "${SEDA_HTTPD_TESTS-}" ]; then
	in_guest "$SEDA_HTTPD_TESTS" ""
else
	in_guest "$busy" "$waiting"
fi
# This one traces.
in_guest syscalls "" --turns
finish
