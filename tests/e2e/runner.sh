#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tests/run itself, on tests that fail in all the ways there are, in a "guest" that is
# this machine: each failure is counted, and laid to the test whose it is.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
top=$tap_dir/top
mkdir -p "$top/tests/"{vm,lib,kmod} "$top/build/tests/kmod"
cp "$SEDA_TOP/tests/run" "$SEDA_TOP/tests/skips.txt" "$top/tests/"
cp "$SEDA_TOP/tests/lib/"{guest-suite,kernel-report} "$top/tests/lib/"

# What stands behind -- is run here.  DIES=STATUS:LINES: the guest says no more.
cat >"$top/tests/vm/run" <<'EOF2'
#!/bin/bash
while [ "$1" != -- ]; do
	shift
done
shift
if [ "${DIES-}" ]; then
	"$@" 2>/dev/null | head -n "${DIES#*:}"
	exit "${DIES%:*}"
fi
exec "$@" 2>/dev/null
EOF2
# The kernel's log is what a test wrote to it.
mkdir "$tap_dir/bin"
printf '#!/bin/sh\ncat "%s"\n' "$tap_dir/dmesg" >"$tap_dir/bin/dmesg"
chmod +x "$top/tests/vm/run" "$tap_dir/bin/dmesg"
PATH=$tap_dir/bin:$PATH
export SEDA_KMSG=/dev/null

# test_is NAME SCRIPT: the only one now, or one more.
test_is() {
	: >"$top/tests/kmod/$1.c"
	printf '#!/bin/bash\n%s\n' "$2" >"$top/build/tests/kmod/$1"
	chmod +x "$top/build/tests/kmod/$1"
}

only() {
	rm -f "$top/tests/kmod/"* "$top/build/tests/kmod/"*
	: >"$tap_dir/dmesg"
	test_is "$@"
}

# judged: what failed, and the totals.
judged() {
	"$top/tests/run" --built --group kmod "$@" >"$tap_dir/out" 2>&1
	echo "exit $?" >>"$tap_dir/out"
	sed -n 's/^failed: kmod[-/]//p; /^[0-9]* passed/p; /^exit/p' "$tap_dir/out"
}

good='echo 1..2; echo ok 1 a; echo ok 2 b'
only a "$good"
is "two that are ok" "$(judged)" "2 passed, 0 failed, 0 skipped
exit 0"

only a 'printf "1..2\nok 1 a\nand the second"; kill -SEGV $$'
test_is b "$good"
is "a program that dies in the middle of a line" "$(judged)" "a: exit status 139
3 passed, 1 failed, 0 skipped
exit 1"

only a 'printf "ok 1 a"; echo "WARNING: at seda" >"'"$tap_dir"'/dmesg"; exit 0'
test_is b ": >$tap_dir/dmesg; $good"
is "the kernel reports, in the middle of a line" "$(judged)" "a: the kernel reported
3 passed, 1 failed, 0 skipped
exit 1"

only a 'echo 1..2; echo ok 1 a; echo not ok 2 b'
is "not ok, with status 0" "$(judged)" "a: not ok 2 b
1 passed, 1 failed, 0 skipped
exit 1"

only a 'echo 1..3; echo ok 1 a'
is "fewer than were promised" "$(judged)" "a: 1 of 3 ran
1 passed, 1 failed, 0 skipped
exit 1"

only a 'exit 3'
is "a status, and nothing said" "$(judged)" "a: exit status 3
0 passed, 1 failed, 0 skipped
exit 1"

only a 'sleep 60'
is "one that takes too long" "$(judged --limit 1)" "a: took too long
0 passed, 1 failed, 0 skipped
exit 1"

only a 'exit 4'
is "skipped for no reason" "$(judged)" "a: skipped, and did not say why
0 passed, 1 failed, 0 skipped
exit 1"

only a 'echo "1..0 # SKIP it is late"; exit 4'
is "skipped for a reason that nobody knows" "$(judged)" \
	"a: skipped (it is late), which tests/skips.txt does not have
0 passed, 1 failed, 0 skipped
exit 1"

only a 'echo 1..2; echo ok 1 a; echo "ok 2 # SKIP one CPU"'
is "skipped for a known reason" "$(judged)" "1 passed, 0 failed, 1 skipped
exit 0"

only a "$good"
test_is b 'echo 1..1; echo ok 1 c'
is "a guest that dies in the second" "$(DIES=5:10 judged)" "b: the kernel reported
2 passed, 1 failed, 0 skipped
exit 1"
is "a guest that does not start" "$(DIES=125:0 judged)" "guest: exit status 125
0 passed, 1 failed, 0 skipped
exit 1"
is "a guest whose end the kernel has something to say of" "$(DIES=99:99 judged)" \
	"guest: the kernel reported
3 passed, 1 failed, 0 skipped
exit 1"

# Here, not in a guest; a child in a group of its own has the output open.
mkdir "$top/tests/e2e"
cat >"$top/tests/e2e/long.sh" <<'END'
#!/bin/bash
set -m
sleep 600 &
wait
END
chmod +x "$top/tests/e2e/long.sh"
is "one that takes too long, with a child" "$(timeout 120 "$top/tests/run" --built \
	--group e2e --limit 1 | sed -n 's/^failed: e2e.//p; /^[0-9]* passed/p')" \
	"long.sh: took too long
0 passed, 1 failed, 0 skipped"
finish
