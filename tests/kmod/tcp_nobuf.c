// SPDX-License-Identifier: GPL-2.0
/* A NOBUF connection tells the amount; RECV reads into the program's memory. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

static int rig_recv(struct rig *r, uint64_t id, void *to, uint32_t len)
{
	struct seda_op op = {
		.op = SEDA_OP_RECV, .source = id, .addr = (uintptr_t)to,
		.len = len,
	};

	return rig_op(r, &op);
}

TEST(in_carries_the_amount_and_recv_the_bytes)
{
	struct seda_event *ev;
	int own, peer;
	char to[16];
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, SEDA_SOURCE_NOBUF, &id, &own, &peer));
	ASSERT_EQ(10, write(peer, "0123456789", 10));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events & SEDA_EV_IN);
	EXPECT_EQ(SEDA_NO_BUF, ev->buf);
	EXPECT_EQ(10, ev->amount);
	EXPECT_EQ(1024, r.app.counters->bufs_free);
	EXPECT_EQ(4, rig_recv(&r, id, to, 4));
	EXPECT_EQ(0, memcmp("0123", to, 4));
	/* what is left makes the next event */
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(6, ev->amount);
	EXPECT_EQ(6, rig_recv(&r, id, to, 16));
	EXPECT_EQ(0, memcmp("456789", to, 6));
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(10, app_counters(&r.app, r.stage)->received);
	rig_close(&r);
}

TEST(recv_wants_an_owned_source)
{
	struct seda_event *ev;
	int own, peer;
	char to[16];
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, SEDA_SOURCE_NOBUF, &id, &own, &peer));
	EXPECT_EQ(-EBUSY, rig_recv(&r, id, to, 16));
	ASSERT_EQ(1, write(peer, "x", 1));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	r.w.ctl[0].flags = SEDA_CTL_HOLD;
	EXPECT_EQ(1, rig_recv(&r, id, to, 16));
	EXPECT_EQ(-EAGAIN, rig_recv(&r, id, to, 16));
	shutdown(peer, SHUT_WR);
	tcp_await_end(own);
	EXPECT_EQ(0, rig_recv(&r, id, to, 16));
	EXPECT_EQ(-EFAULT, rig_recv(&r, id, (void *)-1UL, 16));
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_RELEASE, id, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_EOF, ev->events);
	rig_close(&r);
}

TEST(eof_and_reset_are_told)
{
	struct linger hard = { .l_onoff = 1 };
	struct seda_event *ev;
	int own, peer;
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, SEDA_SOURCE_NOBUF, &id, &own, &peer));
	shutdown(peer, SHUT_WR);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_EOF, ev->events);
	EXPECT_TRUE(rig_quiet(&r));
	ASSERT_EQ(0, rig_pair(&r, SEDA_SOURCE_NOBUF, &id, &own, &peer));
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(peer);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR, ev->events & SEDA_EV_ERR);
	EXPECT_EQ(-ECONNRESET, ev->res);
	rig_close(&r);
}

TEST(children_of_a_nobuf_listener_take_no_buffers)
{
	struct seda_listen_args a = {
		.size = sizeof(a), .flags = SEDA_SOURCE_NOBUF,
	};
	struct seda_event *ev;
	uint16_t port = 0;
	struct rig r;
	int fd;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	a.fd = tcp_listen(&port);
	a.stage = a.child_stage = r.stage;
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_LISTEN, &a));
	fd = tcp_connect(port);
	ASSERT_EQ(1, write(fd, "x", 1));
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_ACCEPT));
	ev = rig_await(&r, SEDA_EV_IN);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_NO_BUF, ev->buf);
	EXPECT_EQ(1, ev->amount);
	rig_close(&r);
}

TEST_HARNESS_MAIN
