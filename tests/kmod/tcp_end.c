// SPDX-License-Identifier: GPL-2.0
/* How a connection's end is told: EOF with data or after it, reset, CLOSED. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

TEST(eof_comes_with_the_last_data)
{
	struct seda_event *ev;
	int own, peer;
	uint64_t id;
	struct rig r;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	ASSERT_EQ(3, write(peer, "bye", 3));
	ASSERT_EQ(0, shutdown(peer, SHUT_WR));
	tcp_await_end(own);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN | SEDA_EV_EOF, ev->events);
	EXPECT_EQ(3, ev->len);
	EXPECT_TRUE(rig_quiet(&r));
	rig_close(&r);
}

TEST(eof_comes_alone)
{
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(3, write(peer, "bye", 3));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(0, ev->seq);
	ASSERT_EQ(0, shutdown(peer, SHUT_WR));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_EOF, ev->events);
	EXPECT_EQ(1, ev->seq);
	EXPECT_EQ(SEDA_NO_BUF, ev->buf);
	EXPECT_TRUE(rig_quiet(&r));
	/* the other direction goes on */
	EXPECT_EQ(5, rig_send(&r, id, "later", 5, 0));
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	EXPECT_EQ(2, ev->seq);
	EXPECT_EQ(-ESTALE, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	rig_close(&r);
}

TEST(a_reset_is_an_error_event)
{
	struct linger hard = { .l_onoff = 1 };
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(peer);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR, ev->events & SEDA_EV_ERR);
	EXPECT_EQ(-ECONNRESET, ev->res);
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(-EPIPE, rig_send(&r, id, "x", 1, 0));
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(0, r.app.counters->sources);
	rig_close(&r);
}

TEST(close_of_an_idle_connection_sends_fin)
{
	uint64_t id;
	struct rig r;
	int peer;
	char c;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(0, app_id_call(&r.app, SEDA_IOC_CLOSE, id, 0));
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	EXPECT_EQ(0, read(peer, &c, 1));
	rig_close(&r);
}

TEST(abort_resets)
{
	uint64_t id;
	struct rig r;
	int peer;
	char c;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, SEDA_CLOSE_ABORT));
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	EXPECT_EQ(-1, read(peer, &c, 1));
	EXPECT_EQ(ECONNRESET, errno);
	rig_close(&r);
}

TEST(closing_the_app_closes_its_connections)
{
	uint64_t id;
	struct rig r;
	int peer;
	char c;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	rig_close(&r);
	EXPECT_EQ(0, read(peer, &c, 1));
}

/* recvmsg() gives 0 behind a FIN, whatever comes after it. */
TEST(a_reset_after_the_fin_is_told)
{
	struct linger hard = { .l_onoff = 1 };
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	ASSERT_EQ(0, shutdown(peer, SHUT_WR));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_EOF, ev->events);
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(peer);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR, ev->events);
	EXPECT_EQ(-EPIPE, ev->res);
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	rig_close(&r);
}

/* Nor when both are there before anybody looks. */
TEST(a_fin_and_a_reset_at_once)
{
	struct linger hard = { .l_onoff = 1 };
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer, i;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, rig_accept(&r, &id, &peer));
		if (i)
			ASSERT_EQ(3, write(peer, "bye", 3));
		ASSERT_EQ(0, shutdown(peer, SHUT_WR));
		setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(peer);
		sleep_ms(20);
		do {
			ev = rig_next(&r);
			ASSERT_NE(NULL, ev);
		} while (!(ev->events & SEDA_EV_ERR));
		EXPECT_EQ(-EPIPE, ev->res);
		EXPECT_TRUE(rig_quiet(&r));
		EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
		ASSERT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	}
	rig_close(&r);
}

TEST_HARNESS_MAIN
