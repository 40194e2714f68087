// SPDX-License-Identifier: GPL-2.0
/* DISARM stops receiving, ARM resumes it; the peer feels the back-pressure. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

TEST(nothing_comes_while_it_is_disarmed)
{
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_DISARM, id, 0));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_DISARM, id, 0));
	ASSERT_EQ(5, write(peer, "hello", 5));
	EXPECT_TRUE(rig_quiet(&r));
	/* sending goes on */
	EXPECT_EQ(2, rig_send(&r, id, "ok", 2, 0));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_ARM, id, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(5, ev->len);
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_ARM, id, 0));
	EXPECT_TRUE(rig_quiet(&r));
	rig_close(&r);
}

TEST(the_peer_is_stopped_and_nothing_is_lost)
{
	static unsigned char data[4096];
	struct seda_event *ev;
	uint64_t id, sent = 0, got = 0;
	struct rig r;
	int peer;
	ssize_t n;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_DISARM, id, 0));
	for (;;) {
		struct pollfd p = { .fd = peer, .events = POLLOUT };

		if (poll(&p, 1, 300) != 1)
			break;
		pattern_fill(data, sent, sizeof(data));
		n = send(peer, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0)
			sent += n;
		ASSERT_GT(64 << 20, sent);
	}
	ASSERT_EQ(0, shutdown(peer, SHUT_WR));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_ARM, id, 0));
	do {
		ev = rig_next(&r);
		ASSERT_NE(NULL, ev);
		if (ev->events & SEDA_EV_IN) {
			ASSERT_TRUE(pattern_is((void *)rig_data(&r, ev), got,
					       ev->len));
			got += ev->len;
		}
	} while (!(ev->events & SEDA_EV_EOF));
	EXPECT_EQ(sent, got);
	rig_close(&r);
}

TEST(disarm_in_the_batch_that_brought_data)
{
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(3, write(peer, "one", 3));
	ASSERT_NE(NULL, rig_next(&r));
	ASSERT_EQ(3, write(peer, "two", 3));
	worker_op(&r.w, SEDA_OP_DISARM, id);
	EXPECT_TRUE(rig_quiet(&r));
	worker_op(&r.w, SEDA_OP_ARM, id);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(3, ev->len);
	EXPECT_EQ(0, memcmp("two", rig_data(&r, ev), 3));
	rig_close(&r);
}

TEST_HARNESS_MAIN
