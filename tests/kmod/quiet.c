// SPDX-License-Identifier: GPL-2.0
/* CLOSE with QUIET ends an owned or held source at once, without CLOSED. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(conn) {
	struct rig r;
	uint64_t id;
	int peer;
};

FIXTURE_SETUP(conn)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&self->r, &self->id, &self->peer));
}

FIXTURE_TEARDOWN(conn)
{
	rig_close(&self->r);
}

TEST_F(conn, neither_owned_nor_held)
{
	EXPECT_EQ(-EBUSY, rig_do(&self->r, SEDA_OP_CLOSE, self->id,
				 SEDA_CLOSE_QUIET));
	EXPECT_EQ(-EBUSY, rig_do(&self->r, SEDA_OP_CLOSE, self->id,
				 SEDA_CLOSE_QUIET | SEDA_CLOSE_ABORT));
	EXPECT_EQ(-EINVAL, app_id_call(&self->r.app, SEDA_IOC_CLOSE, self->id,
				       SEDA_CLOSE_QUIET));
	EXPECT_EQ(1, self->r.app.counters->sources);
}

TEST_F(conn, owned_by_the_last_batch)
{
	char c;

	ASSERT_EQ(1, write(self->peer, "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id,
			    SEDA_CLOSE_QUIET));
	EXPECT_EQ(0, self->r.app.counters->sources);
	EXPECT_EQ(0, read(self->peer, &c, 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(-ESTALE, rig_do(&self->r, SEDA_OP_CLOSE, self->id, 0));
	EXPECT_EQ(1024, self->r.app.counters->bufs_free);
	EXPECT_EQ(0, app_counters(&self->r.app, self->r.stage)->outstanding);
}

TEST_F(conn, held)
{
	char c;

	ASSERT_EQ(1, write(self->peer, "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(1, app_counters(&self->r.app, self->r.stage)->outstanding);
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id,
			    SEDA_CLOSE_QUIET | SEDA_CLOSE_ABORT));
	EXPECT_EQ(0, self->r.app.counters->sources);
	EXPECT_EQ(0, app_counters(&self->r.app, self->r.stage)->outstanding);
	EXPECT_EQ(-1, read(self->peer, &c, 1));
	EXPECT_EQ(ECONNRESET, errno);
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(-ESTALE, rig_do(&self->r, SEDA_OP_RELEASE, self->id, 0));
}

TEST_F(conn, with_unfinished_sends_closed_follows)
{
	static char data[8 << 20];
	struct seda_event *ev;

	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, data,
					 sizeof(data), 1));
	ASSERT_EQ(1, write(self->peer, "x", 1));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_IN));
	EXPECT_EQ(-EINPROGRESS, rig_do(&self->r, SEDA_OP_CLOSE, self->id,
				       SEDA_CLOSE_QUIET));
	while (read(self->peer, data, sizeof(data)) > 0) {
		ev = rig_next_in(&self->r, 1000);
		if (ev && ev->events & SEDA_EV_CLOSED)
			return;
	}
	EXPECT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
}

TEST_F(conn, abort_quiet_drops_unfinished_sends)
{
	static char data[8 << 20];

	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, data,
					 sizeof(data), 1));
	ASSERT_EQ(1, write(self->peer, "x", 1));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_IN));
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id,
			    SEDA_CLOSE_QUIET | SEDA_CLOSE_ABORT));
	EXPECT_EQ(0, self->r.app.counters->sources);
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(conn, a_timer_and_a_listener)
{
	uint16_t port = 0;
	uint64_t timer, listener;

	ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, 1, 0, &timer));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_TIMER));
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, timer, SEDA_CLOSE_QUIET));
	EXPECT_EQ(-ESTALE, rig_do(&self->r, SEDA_OP_DISARM, timer, 0));
	/* nobody owns a listener */
	ASSERT_EQ(0, app_listen(&self->r.app, tcp_listen(&port), self->r.stage,
				self->r.stage, &listener));
	ASSERT_LE(0, tcp_connect(port));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_ACCEPT));
	EXPECT_EQ(-EBUSY, rig_do(&self->r, SEDA_OP_CLOSE, listener,
				 SEDA_CLOSE_QUIET));
}

TEST_HARNESS_MAIN
