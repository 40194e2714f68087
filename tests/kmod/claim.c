// SPDX-License-Identifier: GPL-2.0
/*
 * A worker that joined with CLAIM gives back at ENTER only the slots that
 * nobody else has claimed meanwhile.
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(two) {
	struct app app;
	struct worker w;
	uint64_t stage, id[2];
	int peer[2];
};

FIXTURE_SETUP(two)
{
	int fd[2], i;

	ASSERT_EQ(0, app_open(&self->app, NULL));
	ASSERT_EQ(0, app_stage(&self->app, NULL, &self->stage));
	ASSERT_EQ(0, worker_join_flags(&self->app, &self->w, self->app.pool,
				       SEDA_WORKER_CLAIM));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, tcp_pair(fd));
		self->peer[i] = fd[1];
		ASSERT_EQ(0, app_adopt(&self->app, fd[0], self->stage, i, 0,
				       &self->id[i]));
		ASSERT_EQ(1, write(self->peer[i], "x", 1));
	}
	sleep_ms(20);
	ASSERT_EQ(2, worker_enter(&self->w, 2, SEDA_FOREVER));
}

FIXTURE_TEARDOWN(two)
{
	app_close(&self->app);
}

static bool claim(struct seda_ctl *ctl, uint32_t index)
{
	return __sync_bool_compare_and_swap(&ctl->claim, 0, index + 1);
}

TEST_F(two, a_claimed_slot_is_held_and_kept)
{
	int slot = self->w.events[0].source == self->id[0] ? 0 : 1;
	uint32_t buf = self->w.events[slot].buf;
	struct seda_op *op;

	/* worker 7 takes one, its own worker the other */
	ASSERT_TRUE(claim(&self->w.ctl[slot], 7));
	ASSERT_TRUE(claim(&self->w.ctl[!slot], (uint32_t)self->w.id));
	ASSERT_FALSE(claim(&self->w.ctl[slot], (uint32_t)self->w.id));
	ASSERT_EQ(1, write(self->peer[0], "y", 1));
	ASSERT_EQ(1, write(self->peer[1], "y", 1));
	sleep_ms(20);
	ASSERT_EQ(1, worker_enter(&self->w, 1, SEDA_FOREVER));
	EXPECT_EQ(self->id[1], self->w.events[0].source);
	EXPECT_EQ(1, self->app.counters->bufs_kept);
	EXPECT_EQ('x', *app_buf(&self->app, buf));
	worker_op(&self->w, SEDA_OP_RELEASE, self->id[0]);
	op = worker_op(&self->w, SEDA_OP_RETURN, 0);
	op->buf = buf;
	ASSERT_EQ(1, worker_enter(&self->w, 1, SEDA_FOREVER));
	EXPECT_EQ(0, self->w.ops[0].res);
	EXPECT_EQ(0, self->w.ops[1].res);
	EXPECT_EQ(self->id[0], self->w.events[0].source);
	EXPECT_EQ(1, self->w.events[0].seq);
	EXPECT_EQ(0, self->app.counters->bufs_kept);
}

TEST_F(two, unclaimed_slots_are_closed_by_enter)
{
	EXPECT_EQ(0, worker_enter(&self->w, 0, 0));
	EXPECT_EQ(SEDA_CLAIM_CLOSED, self->w.ctl[0].claim);
	EXPECT_EQ(SEDA_CLAIM_CLOSED, self->w.ctl[1].claim);
	EXPECT_FALSE(claim(&self->w.ctl[0], 7));
	EXPECT_EQ(0, self->app.counters->bufs_kept);
	EXPECT_EQ(0, app_counters(&self->app, self->stage)->outstanding);
	/* and opened when they are filled again */
	ASSERT_EQ(1, write(self->peer[0], "y", 1));
	ASSERT_EQ(1, worker_enter(&self->w, 1, SEDA_FOREVER));
	EXPECT_EQ(0, self->w.ctl[0].claim);
	EXPECT_EQ(0, self->w.ctl[0].flags);
}

TEST_F(two, ones_own_claim_is_nothing_special)
{
	ASSERT_TRUE(claim(&self->w.ctl[0], (uint32_t)self->w.id));
	EXPECT_EQ(0, worker_enter(&self->w, 0, 0));
	EXPECT_EQ(0, self->app.counters->bufs_kept);
	EXPECT_EQ(0, app_counters(&self->app, self->stage)->outstanding);
}

TEST_HARNESS_MAIN
