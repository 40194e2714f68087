#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# tests/vm/run notices what the kernel reports: lines as the kernel writes them,
# a real WARN and a real leak of a reference by a module made for it, a panic.
set -u
# shellcheck source=tests/lib/tap.sh
. "${SEDA_TOP:=$PWD}/tests/lib/tap.sh"
read -ra vm <<<"${SEDA_VM:-tests/vm/run}"
vm=("$SEDA_TOP/${vm[0]#"$SEDA_TOP/"}" "${vm[@]:1}" --no-module)
version=${KERNEL:-6.1}

# A module that does on request what ours must never do.
mkdir "$tap_dir/bad"
echo 'obj-m := bad.o' >"$tap_dir/bad/Kbuild"
cat >"$tap_dir/bad/bad.c" <<'END'
#include <linux/module.h>
static int warn, hold;
module_param(warn, int, 0);
module_param(hold, int, 0);
static int __init bad_init(void)
{
	WARN_ON(warn);
	if (hold)
		__module_get(THIS_MODULE);
	return 0;
}
static void __exit bad_exit(void)
{
}
module_init(bad_init);
module_exit(bad_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Misbehaves on request");
END
build=$("$SEDA_TOP/tests/vm/kernel" "$version" | sed -n 's/^build=//p')
check "a module builds against $version" \
	env -u MAKEFLAGS make -C "$build" M="$tap_dir/bad" modules

guest() { # NAME WANTED OPTION... -- COMMAND...
	local name=$1 wanted=$2

	shift 2
	"${vm[@]}" "$@" >"$tap_dir/out" 2>&1
	is "$name" $? "$wanted"
}

cp "$tap_dir/bad/bad.ko" "$tap_dir/seda.ko"
guest "a module that behaves is no report" 0 --module "$tap_dir/bad/bad.ko" -- true
guest "a WARN is a report" 99 --module "$tap_dir/seda.ko" --param warn=1 -- true
check "and it is shown" grep -q 'WARNING: .*bad_init' "$tap_dir/out"
guest "a module that cannot be unloaded is a report" 99 \
	--module "$tap_dir/seda.ko" --param hold=1 -- true
guest "a panic is a report" 99 -- sh -c 'echo c >/proc/sysrq-trigger'

# All at once in one guest, and each alone in the scanner.
while IFS= read -r line; do
	echo "[    1.000000] $line" >"$tap_dir/log"
	if "$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/log" >/dev/null; then
		fail "not noticed: $line"
	else
		pass "noticed: ${line%%:*}: ${line#*: }"
	fi
done <<'END'
BUG: KASAN: slab-use-after-free in seda_enter+0x10/0x20
BUG: unable to handle page fault for address: ffff8881
BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580
WARNING: possible circular locking dependency detected
WARNING: suspicious RCU usage
rcu: INFO: rcu_preempt self-detected stall on CPU
INFO: task worker:123 blocked for more than 10 seconds.
watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [worker:123]
UBSAN: array-index-out-of-bounds in kmod/stage.c:12:3
refcount_t: underflow; use-after-free.
list_del corruption. prev->next should be ffff8881
kmemleak: unreferenced object 0xffff888103b7c0c0 (size 64):
BUG seda_source (Tainted: G           O      ): Objects remaining in seda_source on __kmem_cache_shutdown()
general protection fault, probably for non-canonical address 0xdead000000000100
ODEBUG: free active (active state 0) object type: timer_list
BUG: KCSAN: data-race in seda_pump / seda_push
END
cat >"$tap_dir/log" <<'END'
BUG: KCSAN: data-race in tick_sched_timer / tick_nohz_stop_tick
 tick_sched_timer+0x10/0x20
==================================================================
END
check "a race of the kernel alone is none of ours" \
	"$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/log"
sed -i '2i WARNING: CPU: 1 PID: 1 at mm/slab.c:1 free+0x1/0x2' "$tap_dir/log"
is "but what another CPU says meanwhile is" \
	"$("$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/log" >/dev/null; echo $?)" 1
race() { # FRAME...: the kernel's own race, with these frames in one of its stacks
	echo 'BUG: KCSAN: data-race in net_rx_action / skb_attempt_defer_free'
	echo 'read (marked) to 0xffff88803d82c584 of 4 bytes by task 97 on cpu 1:'
	printf ' %s+0x10/0x20\n' "$@"
	echo 'write to 0xffff88803d82c584 of 4 bytes by interrupt on cpu 0:'
	printf ' %s+0x10/0x20\n' net_rx_action handle_softirqs
	echo '=================================================================='
}
race skb_attempt_defer_free __tcp_read_sock seda_tcp_read >"$tap_dir/log"
check "nor is one below functions of ours" \
	"$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/log"
race pipe_poll seda_watch >"$tap_dir/log"
check "nor what a file does when it is polled" \
	"$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/log"
race sock_poll seda_watch >"$tap_dir/log"
is "but that of a socket that is gone is" \
	"$("$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/log" >/dev/null; echo $?)" 1
race __list_add_valid seda_link >"$tap_dir/log"
is "but one of a helper that we called is" \
	"$("$SEDA_TOP/tests/lib/kernel-report" "$tap_dir/log" >/dev/null; echo $?)" 1
finish
