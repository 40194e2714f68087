// SPDX-License-Identifier: GPL-2.0
/*
 * A caller of whatever word size on the device: tests/kmod/compat.sh runs it
 * in a guest.  Where there is no device it only shows that it compiles.
 */
#define _FILE_OFFSET_BITS 64

#include "tests/lib/seda_rig.h"

#define MUST(x) do {							\
	if (!(x)) {							\
		printf("# line %d: %s\nnot ok 1 echo\n", __LINE__, #x);	\
		return 1;						\
	}								\
} while (0)

int main(void)
{
	struct seda_info_args info = { .size = sizeof(info) };
	struct seda_vec v[2];
	struct seda_op op = { .op = SEDA_OP_SEND, .flags = SEDA_SEND_VEC };
	struct seda_enter_args a = { .size = sizeof(a) };
	uint64_t id, timer, mask = 0;
	char back[16];
	struct rig r;
	int peer;

	printf("1..1\n");
	if (access("/dev/seda", F_OK)) {
		printf("ok 1 it compiles for %zu bits\n", 8 * sizeof(void *));
		return 0;
	}
	MUST(!rig_open(&r, NULL, NULL));
	MUST(!app_call(&r.app, SEDA_IOC_INFO, &info));
	MUST(info.abi_version == SEDA_ABI_VERSION);
	MUST(!rig_accept(&r, &id, &peer));
	MUST(write(peer, "hello", 5) == 5);
	MUST(rig_await(&r, SEDA_EV_IN));
	MUST(r.ev.len == 5 && !memcmp(rig_data(&r, &r.ev), "hello", 5));
	worker_echo(&r.w, &r.ev);
	MUST(!rig_submit(&r) && r.w.ops[0].res == 5);
	MUST(read(peer, back, sizeof(back)) == 5);
	v[0].addr = (uintptr_t)"one ";
	v[0].len = 4;
	v[1].addr = (uintptr_t)"two";
	v[1].len = 3;
	op.source = id;
	op.addr = (uintptr_t)v;
	op.len = 2;
	MUST(rig_op(&r, &op) == 7);
	MUST(read(peer, back, sizeof(back)) == 7);
	MUST(!memcmp(back, "one two", 7));
	MUST(!app_timer(&r.app, r.stage, MS, 0, &timer));
	a.worker = r.w.id;
	a.min_events = 1;
	a.timeout_ns = LONG;
	a.sigmask = (uintptr_t)&mask;
	a.sigset_size = sizeof(mask);
	MUST(app_call(&r.app, SEDA_IOC_ENTER, &a) == 1);
	MUST(r.w.events[0].source == timer);
	MUST(rig_send(&r, id, (void *)-4096L, 4, 0) == -EFAULT);
	rig_close(&r);
	printf("ok 1 echo, %zu bits\n", 8 * sizeof(void *));
	return 0;
}
