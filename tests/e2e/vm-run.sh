#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tests/vm/run itself: the status, both outputs, the file system, time limits,
# and that nothing stays behind.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
export SEDA_TOP
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
vm=("$SEDA_TOP/${vm[0]#"$SEDA_TOP/"}" "${vm[@]:1}" --no-module)
export TMPDIR=$tap_dir

begin=$SECONDS
"${vm[@]}" -- sh -c 'echo out; echo err >&2; exit 37' \
	>"$tap_dir/o" 2>"$tap_dir/e"
is "the command's status is passed on" $? 37
is "the command's output arrives" "$(cat "$tap_dir/o")" out
is "and its errors, apart" "$(cat "$tap_dir/e")" err
echo "# boot to status: $((SECONDS - begin)) s (wanted: less than 10 on an idle machine)"

got=$(cd "$tap_dir" && echo here >file && "${vm[@]}" -- sh -c '
	cat file; echo changed >file; cat file; pwd; id -u; ls -d /dev/shm /proc/self' 2>&1)
is "the guest is in the same place, as root" "$got" "here
changed
$tap_dir
0
/dev/shm
/proc/self"
is "what it writes stays there" "$(cat "$tap_dir/file")" here

mkdir "$tap_dir/rw"
"${vm[@]}" --rw "$tap_dir/rw" --env NAME="it's" -- \
	sh -c 'echo "$NAME" >"$0"' "$tap_dir/rw/file"
is "--rw is written to, --env arrives" "$(cat "$tap_dir/rw/file")" "it's"

# Output keeps its order where both are one, and not one byte is lost.
got=$("${vm[@]}" -- sh -c 'i=0; while [ $i -lt 200 ]; do
	echo $i; i=$((i + 1)); echo $i >&2; i=$((i + 1)); done; seq 200 99999' 2>&1 |
	md5sum)
is "100,000 lines come out in order" "$got" "$(seq 0 99999 | md5sum)"

begin=$SECONDS
"${vm[@]}" --timeout 3 -- sleep 1000 >/dev/null 2>&1
is "a command that takes too long ends with 124" $? 124
check "in time" test $((SECONDS - begin)) -lt 60

"${vm[@]}" -- sh -c 'sleep 1000 & exit 3'
is "what a command leaves behind does not hold it up" $? 3

"${vm[@]}" -- sleep 1000 &
pid=$!
sleep 4
kill -TERM $pid
wait $pid
is "SIGTERM ends it" $? 143
check "no directory is left" test -z "$(ls -d "$tap_dir"/seda-vm.* 2>/dev/null)"
check "no process is left" test -z "$(pgrep -f "$tap_dir/seda-vm")"

"${vm[@]}" -- sh -c 'echo a; sleep 2' >"$tap_dir/1" &
first=$!
"${vm[@]}" -- sh -c 'echo b; sleep 2' >"$tap_dir/2" &
wait $first && wait $!
is "two guests at once" "$? $(cat "$tap_dir/1" "$tap_dir/2")" "0 a
b"
finish
