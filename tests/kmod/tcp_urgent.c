// SPDX-License-Identifier: GPL-2.0
/* Urgent data: the rest of the stream comes as recv() would give it. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

static int send_urgent(int fd)
{
	if (send(fd, "abc", 3, 0) != 3 || send(fd, "!", 1, MSG_OOB) != 1)
		return -1;
	sleep_ms(20);
	return send(fd, "def", 3, 0) == 3 ? 0 : -1;
}

/* What comes in events, up to EOF. */
static int gather(struct rig *r, char *to)
{
	int n = 0, events = 0;

	while (rig_next(r) && events++ < 20) {
		if (r->ev.events & SEDA_EV_IN) {
			memcpy(to + n, rig_data(r, &r->ev), r->ev.len);
			n += r->ev.len;
		}
		if (r->ev.events & SEDA_EV_EOF)
			return n;
	}
	return -1;
}

TEST(with_buffers)
{
	int own, peer;
	char to[64];
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	ASSERT_EQ(0, send_urgent(peer));
	ASSERT_EQ(0, shutdown(peer, SHUT_WR));
	ASSERT_EQ(6, gather(&r, to));
	EXPECT_EQ(0, memcmp("abcdef", to, 6));
	rig_close(&r);
}

TEST(with_recv)
{
	struct seda_op op = { .op = SEDA_OP_RECV };
	int own, peer, n = 0, ret, rounds = 0;
	char to[64];
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, SEDA_SOURCE_NOBUF, &id, &own, &peer));
	ASSERT_EQ(0, send_urgent(peer));
	ASSERT_EQ(0, shutdown(peer, SHUT_WR));
	op.source = id;
	op.len = sizeof(to);
	while (rig_next(&r) && !(r.ev.events & SEDA_EV_EOF)) {
		ASSERT_GT(20, rounds++);
		ASSERT_EQ(SEDA_EV_IN, r.ev.events & SEDA_EV_IN);
		op.addr = (uintptr_t)(to + n);
		ret = rig_op(&r, &op);
		ASSERT_LT(0, ret);
		n += ret;
	}
	ASSERT_EQ(6, n);
	EXPECT_EQ(0, memcmp("abcdef", to, 6));
	rig_close(&r);
}

TEST(an_urgent_byte_alone_does_not_spin)
{
	int own, peer, flags;
	uint64_t id;
	struct rig r;

	for (flags = 0; flags < 2; flags++) {
		ASSERT_EQ(0, rig_open(&r, NULL, NULL));
		ASSERT_EQ(0, rig_pair(&r, flags, &id, &own, &peer));
		ASSERT_EQ(1, send(peer, "!", 1, MSG_OOB));
		EXPECT_TRUE(rig_quiet(&r));
		EXPECT_GT(100, app_counters(&r.app, r.stage)->linked);
		rig_close(&r);
	}
}

TEST_HARNESS_MAIN
