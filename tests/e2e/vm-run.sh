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

# Else it finds out itself, and where the host is busy that is wrong by a factor.
if grep -qw constant_tsc /proc/cpuinfo; then
	check "it is told how fast its clock goes" "${vm[@]}" -- sh -c '
		dmesg | grep -q "Hypervisor detected: KVM" && exit
		khz=$(sed "s/.*tsc_early_khz=\([0-9]*\).*/\1/" /proc/cmdline)
		dmesg | grep "tsc: Detected" | tee /dev/stderr |
			grep -q "Detected ${khz%???}\.${khz#${khz%???}} MHz"'
fi

mkdir "$tap_dir/rw"
"${vm[@]}" --rw "$tap_dir/rw" --env NAME="it's" -- \
	sh -c 'echo "$NAME" >"$0"' "$tap_dir/rw/file"
is "--rw is written to, --env arrives" "$(cat "$tap_dir/rw/file")" "it's"

printf '#!/bin/sh\necho "added $1"\n' >"$tap_dir/added"
chmod +x "$tap_dir/added"
was=$(cat /etc/hosts)
got=$("${vm[@]}" --add "$tap_dir/added:/no/such/place/program" \
	--add "$tap_dir/added:/etc/hosts" --add "$tap_dir/added:/run/program" \
	--add "$tap_dir/added:/tmp/program" -- sh -c '
	/no/such/place/program 1; /run/program 2; sh /etc/hosts 3; stat -c %a /tmp' 2>&1)
is "--add puts files there, over what there is" "$got" "added 1
added 2
added 3
$(stat -c %a /tmp)"
is "and leaves the host's alone" "$(cat /etc/hosts)" "$was"
check "--add wants the name of a file" \
	sh -c '"$@" -- true; test $? = 1' - "${vm[@]}" --add "$tap_dir/added:place"

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

# Any kernel: that of 6.1 at places where nobody else looks, and no other can be had.
eval "$("$SEDA_TOP/tests/vm/kernel" 6.1)"
other=$tap_dir/other/lib/modules/${release:?}
mkdir -p "$other"
ln -s "${modules:?}"/* "$other/"
ln -s "${image:?}" "$tap_dir/other/image"
echo mark >"$other/mark"
got=$("${vm[@]}" --version none --kernel "$tap_dir/other/image" --modules "$other" -- \
	sh -c 'uname -r; cat "/lib/modules/$(uname -r)/mark"
		/sbin/modprobe loop && test -d /sys/module/loop && echo loaded' 2>&1)
is "--kernel and --modules: another kernel, with what it loads" "$got" "$release
mark
loaded"

# Both with the module, which is built for each.
flavour() { # FLAVOUR PATTERN-OF-uname
	flock "$SEDA_TOP/build/.make.lock" make -s -C "$SEDA_TOP" "KERNEL=6.1-$1" module ||
		return
	if ! "$SEDA_TOP/tests/vm/run" --version 6.1 "--$1" -- \
		sh -c 'uname -rv; test -c /dev/seda && echo loaded' >"$tap_dir/o" 2>&1; then
		cat "$tap_dir/o"
		return 1
	fi
	cat "$tap_dir/o"
	grep -q "$2" "$tap_dir/o" && grep -qx loaded "$tap_dir/o"
}
check "--rt: the real-time kernel" flavour rt PREEMPT_RT
check "--cloud: that for virtual machines" flavour cloud cloud-amd64

# A QEMU whose first boots end as the kernel does that patched its code too late.
mkdir "$tap_dir/bin"
cat >"$tap_dir/bin/qemu-system-x86_64" <<'END'
#!/bin/bash
for arg; do
	[[ $arg != file,id=log,path=* ]] || job=$(dirname "${arg#*path=}")
done
if [ -z "${job-}" ] || ! [ -s "$FAKE_DEATHS" ]; then
	exec "$REAL_QEMU" "$@"
fi
head -n 1 "$FAKE_DEATHS" >"$job/console"
sed -i 1d "$FAKE_DEATHS"
: >"$job/out" >"$job/err"
END
chmod +x "$tap_dir/bin/qemu-system-x86_64"
REAL_QEMU=$(command -v qemu-system-x86_64)
export REAL_QEMU FAKE_DEATHS=$tap_dir/deaths
died='[    3.1] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI'
dies() { # CONSOLE-LINE...: what becomes of a guest whose boots end so
	printf '%s\n' "$@" >"$FAKE_DEATHS"
	PATH=$tap_dir/bin:$PATH "${vm[@]}" -- echo alive 2>"$tap_dir/e"
}
is "a boot that the emulator breaks is repeated" "$(dies "$died") $?" "alive 0"
check "and it says so" grep -q 'booting once more' "$tap_dir/e"
is "once" "$(dies "$died" "$died"; echo $?)" 99
is "not for another reason" "$(dies '[    3.1] BUG: unable to handle page fault'; echo $?)" 99
finish
