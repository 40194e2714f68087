// SPDX-License-Identifier: GPL-2.0
/* Timers: once, periodic with overruns, absolute, armed anew, disarmed. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(rig) {
	struct rig r;
	uint64_t id;
};

FIXTURE_SETUP(rig)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
}

FIXTURE_TEARDOWN(rig)
{
	rig_close(&self->r);
}

static int arm(struct rig *r, uint64_t id, uint64_t first, uint64_t period)
{
	struct seda_op op = {
		.op = SEDA_OP_ARM, .source = id, .first_ns = first,
		.period_ns = period,
	};

	return rig_op(r, &op);
}

TEST_F(rig, once)
{
	uint64_t begin = now_ns();

	ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, 30 * MS, 0,
			       &self->id));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_LE(begin + 30 * MS, now_ns());
	EXPECT_EQ(SEDA_EV_TIMER, self->r.ev.events);
	EXPECT_EQ(1, self->r.ev.amount);
	EXPECT_EQ(self->id, self->r.ev.source);
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(rig, expiries_that_nobody_fetched_add_up)
{
	uint64_t begin = now_ns(), total = 0;

	ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, MS, MS,
			       &self->id));
	sleep_ms(100);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_LE(50, self->r.ev.amount);
	while (total < 50) {
		ASSERT_NE(NULL, rig_next(&self->r));
		EXPECT_EQ(SEDA_EV_TIMER, self->r.ev.events);
		total += self->r.ev.amount;
	}
	EXPECT_LE(total, (now_ns() - begin) / MS + 1);
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_DISARM, self->id, 0));
	self->r.nr_saved = 0;
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_F(rig, absolute_times_are_of_the_monotonic_clock)
{
	struct seda_timer_args a = {
		.size = sizeof(a), .flags = SEDA_TIMER_ABS,
		.stage = self->r.stage, .first_ns = now_ns() + 40 * MS,
	};

	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_TIMER, &a));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_LE(a.first_ns, now_ns());
	/* one that is past expires at once */
	a.first_ns = 1;
	a.source = 0;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_TIMER, &a));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(a.source, self->r.ev.source);
}

TEST_F(rig, arm_sets_it_anew)
{
	uint64_t begin = now_ns();

	ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, 0, 0, &self->id));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, arm(&self->r, self->id, 3600 * SEC, 0));
	ASSERT_EQ(0, arm(&self->r, self->id, 20 * MS, 10 * MS));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_LE(begin + 20 * MS, now_ns());
	ASSERT_NE(NULL, rig_next(&self->r));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_DISARM, self->id, 0));
	self->r.nr_saved = 0;
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(-EINVAL, arm(&self->r, self->id, 0, 0));
	EXPECT_EQ(-EINVAL, arm(&self->r, self->id, 1, SEDA_MIN_PERIOD_NS - 1));
	EXPECT_EQ(-EINVAL, arm(&self->r, self->id, ~0ULL, 0));
	EXPECT_EQ(-EINVAL, arm(&self->r, self->id, 1, ~0ULL));
}

TEST_F(rig, an_expiry_of_the_old_setting_is_not_told)
{
	ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, MS, 0, &self->id));
	sleep_ms(20);
	/* expired and linked, not fetched: the op comes first */
	worker_op(&self->r.w, SEDA_OP_DISARM, self->id);
	EXPECT_EQ(NULL, rig_next_in(&self->r, SHORT));
}

TEST_F(rig, close_ends_it)
{
	ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, 1, MS, &self->id));
	ASSERT_NE(NULL, rig_next(&self->r));
	ASSERT_EQ(0, app_id_call(&self->r.app, SEDA_IOC_CLOSE, self->id, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(-ESTALE, arm(&self->r, self->id, 1, 0));
}

TEST_F(rig, many_timers)
{
	uint64_t id[200], expired = 0;
	int i;

	for (i = 0; i < 200; i++)
		ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage,
				       (i % 20 + 1) * MS, 0, &id[i]));
	while (expired < 200) {
		i = worker_enter(&self->r.w, 1, SEDA_FOREVER);
		ASSERT_LT(0, i);
		expired += i;
	}
	EXPECT_EQ(200, expired);
	EXPECT_TRUE(rig_quiet(&self->r));
}

TEST_HARNESS_MAIN
