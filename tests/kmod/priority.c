// SPDX-License-Identifier: GPL-2.0
/* Stages are served by priority, equals in turn. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(three) {
	struct rig r;
	uint64_t stage[3];
};

static const uint32_t priority[3] = { 10, 200, 100 };

FIXTURE_SETUP(three)
{
	struct seda_stage_args policy = { .posts = 100 };
	int i, j;

	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	for (i = 0; i < 3; i++) {
		policy.priority = priority[i];
		ASSERT_EQ(0, app_stage(&self->r.app, &policy,
				       &self->stage[i]));
		for (j = 0; j < 5; j++)
			ASSERT_EQ(0, app_post(&self->r.app, self->stage[i], i,
					      j));
	}
}

FIXTURE_TEARDOWN(three)
{
	rig_close(&self->r);
}

TEST_F(three, one_event_at_a_time)
{
	static const int order[3] = { 1, 2, 0 };
	int i;

	for (i = 0; i < 15; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ((uint32_t)self->stage[order[i / 5]],
			  self->r.ev.stage);
		EXPECT_EQ(i % 5, (int)self->r.ev.amount);
	}
}

TEST_F(three, within_a_batch)
{
	int i, last = 255;

	ASSERT_EQ(15, worker_enter(&self->r.w, 1, SEDA_FOREVER));
	for (i = 0; i < 15; i++) {
		int p = priority[self->r.w.events[i].user_data];

		EXPECT_LE(p, last);
		last = p;
	}
}

TEST_F(three, stage_set_changes_it)
{
	struct seda_stage_args a = {
		.size = sizeof(a), .stage = self->stage[0], .priority = 255,
	};

	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ((uint32_t)self->stage[0], self->r.ev.stage);
	a.priority = 256;
	EXPECT_EQ(-EINVAL, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
}

TEST_F(three, equals_take_turns)
{
	struct seda_stage_args a = { .size = sizeof(a), .priority = 7 };
	int i, count[3] = { 0 };

	for (i = 0; i < 3; i++) {
		a.stage = self->stage[i];
		ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &a));
	}
	for (i = 0; i < 9; i++) {
		ASSERT_NE(NULL, rig_next(&self->r));
		count[self->r.ev.user_data]++;
	}
	for (i = 0; i < 3; i++) {
		EXPECT_LE(2, count[i]);
		EXPECT_GE(4, count[i]);
	}
}

TEST_HARNESS_MAIN
