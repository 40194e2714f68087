// SPDX-License-Identifier: GPL-2.0
/* When no buffer is free connections stall, and go on; nothing is lost. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define CONNS	6

FIXTURE(few) {
	struct rig r;
	uint64_t id[CONNS];
	int peer[CONNS];
};

FIXTURE_SETUP(few)
{
	struct seda_setup_args setup = { .bufs = 2, .buf_size = 64 };
	int i;

	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	for (i = 0; i < CONNS; i++)
		ASSERT_EQ(0, rig_accept(&self->r, &self->id[i],
					&self->peer[i]));
}

FIXTURE_TEARDOWN(few)
{
	rig_close(&self->r);
}

TEST_F(few, stalled_ones_are_counted_and_resumed_by_enter)
{
	const struct seda_stage_counters *c =
		app_counters(&self->r.app, self->r.stage);
	unsigned int seen = 0;
	int i, n;

	for (i = 0; i < CONNS; i++)
		ASSERT_EQ(1, write(self->peer[i], "x", 1));
	while (c->pending != CONNS)
		sleep_ms(1);
	while (seen != (1 << CONNS) - 1) {
		n = worker_enter(&self->r.w, 1, SEDA_FOREVER);
		ASSERT_LT(0, n);
		ASSERT_GE(2, n);
		EXPECT_LE(CONNS - 2, c->stalls);
		while (n--)
			for (i = 0; i < CONNS; i++)
				if (self->r.w.events[n].source == self->id[i])
					seen |= 1 << i;
	}
	EXPECT_EQ(0, worker_enter(&self->r.w, 0, 0));
	EXPECT_EQ(0, self->r.app.counters->stalled);
	EXPECT_EQ(2, self->r.app.counters->bufs_free);
}

#define MANY	40

/* More than a worker keeps for itself. */
TEST(many_are_given_back_at_once)
{
	struct seda_setup_args setup = {
		.bufs = MANY, .buf_size = 64, .events = 4,
	};
	uint32_t buf[MANY];
	struct rig r;
	uint64_t id;
	int i, peer;

	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(1, write(peer, "x", 1));
		ASSERT_NE(NULL, rig_next(&r));
		buf[i] = r.ev.buf;
		r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	EXPECT_TRUE(rig_quiet(&r));
	EXPECT_EQ(MANY, r.app.counters->bufs_kept);
	for (i = 0; i < MANY; i++)
		r.w.ops[i] = (struct seda_op){
			.op = SEDA_OP_RETURN, .buf = buf[i],
		};
	r.w.nr_ops = MANY;
	ASSERT_EQ(0, rig_submit(&r));
	for (i = 0; i < MANY; i++)
		EXPECT_EQ(0, r.w.ops[i].res);
	EXPECT_EQ(0, r.app.counters->bufs_kept);
	EXPECT_EQ(MANY, r.app.counters->bufs_free);
	rig_close(&r);
}

TEST_F(few, kept_buffers_resume_it_by_return)
{
	struct seda_op op = { .op = SEDA_OP_RETURN };
	uint32_t buf[2];
	int n;

	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	for (n = 0; n < 2; n++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		buf[n] = self->r.ev.buf;
		self->r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	ASSERT_EQ(1, write(self->peer[2], "y", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(2, self->r.app.counters->bufs_kept);
	EXPECT_EQ(1, self->r.app.counters->stalled);
	EXPECT_EQ(0, self->r.app.counters->bufs_free);
	EXPECT_EQ('x', *app_buf(&self->r.app, buf[0]));
	op.buf = buf[0];
	EXPECT_EQ(0, rig_op(&self->r, &op));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(self->id[2], self->r.ev.source);
	EXPECT_EQ('y', *rig_data(&self->r, &self->r.ev));
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	op.buf = buf[1];
	EXPECT_EQ(0, rig_op(&self->r, &op));
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	EXPECT_EQ(0, self->r.app.counters->bufs_kept);
}

TEST_F(few, returning_what_is_not_kept_is_refused)
{
	struct seda_op op = { .op = SEDA_OP_RETURN };

	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	op.buf = 2;
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	op.buf = SEDA_NO_BUF;
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	/* the batch's, not kept */
	op.buf = self->r.ev.buf;
	EXPECT_EQ(-EINVAL, rig_op(&self->r, &op));
	EXPECT_EQ(2, self->r.app.counters->bufs_free);
}

TEST_F(few, a_closed_one_stalls_no_more)
{
	int i;

	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	for (i = 0; i < 2; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		self->r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	ASSERT_EQ(1, write(self->peer[2], "y", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(1, self->r.app.counters->stalled);
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->id[2], 0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_CLOSED, self->r.ev.events);
	EXPECT_EQ(0, self->r.app.counters->stalled);
}

TEST_F(few, a_stalled_one_goes_on_sending)
{
	static char data[8 << 20];
	int i;

	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	for (i = 0; i < 2; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		self->r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	ASSERT_EQ(1, write(self->peer[2], "y", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id[2], data,
					 sizeof(data), 5));
	do {
		while (recv(self->peer[2], data, sizeof(data), MSG_DONTWAIT) > 0)
			;
	} while (!rig_next_in(&self->r, MS));
	EXPECT_EQ(SEDA_EV_SENT, self->r.ev.events);
	EXPECT_EQ(5, self->r.ev.done);
	EXPECT_EQ(1, self->r.app.counters->stalled);
}

/* One buffer comes back while the first that waits is held for its SENT. */
TEST_F(few, a_stalled_one_that_is_held_does_not_take_what_others_wait_for)
{
	static char data[8 << 20];
	uint32_t buf = 0;
	int i;

	ASSERT_EQ(1, write(self->peer[0], "x", 1));
	ASSERT_EQ(1, write(self->peer[1], "x", 1));
	for (i = 0; i < 2; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		buf = self->r.ev.buf;
		self->r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	ASSERT_EQ(1, write(self->peer[2], "y", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(-EINPROGRESS, rig_send(&self->r, self->id[2], data,
					 sizeof(data), 5));
	do {
		while (recv(self->peer[2], data, sizeof(data), MSG_DONTWAIT) > 0)
			;
	} while (!rig_next_in(&self->r, MS));
	ASSERT_EQ(SEDA_EV_SENT, self->r.ev.events);
	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	ASSERT_EQ(1, write(self->peer[0], "z", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(2, self->r.app.counters->stalled);
	/* in one ENTER, as a further one would look again */
	worker_op(&self->r.w, SEDA_OP_RETURN, 0)->buf = buf;
	ASSERT_NE(NULL, rig_next_in(&self->r, SEDA_FOREVER));
	EXPECT_EQ(self->id[0], self->r.ev.source);
	EXPECT_EQ('z', *rig_data(&self->r, &self->r.ev));
	/* the held one is not forgotten for that */
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_RELEASE, self->id[2], 0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(self->id[2], self->r.ev.source);
	EXPECT_EQ('y', *rig_data(&self->r, &self->r.ev));
}

/* Its own ENTER gives the buffer back, and looks again before it sleeps. */
TEST_F(few, a_return_resumes_one_for_who_returns_it)
{
	uint32_t buf = 0;
	int n;

	for (n = 0; n < 2; n++) {
		ASSERT_EQ(1, write(self->peer[n], "x", 1));
		ASSERT_NE(NULL, rig_next(&self->r));
		buf = self->r.ev.buf;
		self->r.w.ctl[0].flags = SEDA_CTL_KEEP;
	}
	ASSERT_EQ(1, write(self->peer[2], "y", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	worker_op(&self->r.w, SEDA_OP_RETURN, 0)->buf = buf;
	ASSERT_EQ(1, worker_enter_max(&self->r.w, 1, 1, SEDA_FOREVER));
	EXPECT_EQ(self->id[2], self->r.w.events[0].source);
}

TEST_HARNESS_MAIN
