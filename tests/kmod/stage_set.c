// SPDX-License-Identifier: GPL-2.0
/* STAGE_SET: what waits already is served by the new policy. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define HOUR	(3600 * SEC)

FIXTURE(app) {
	struct rig r;
	struct seda_stage_args policy;
	uint64_t stage;
	pthread_t thread;
};

/* Three could come, one waits; nobody harvests it. */
FIXTURE_SETUP(app)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };

	self->policy.posts = 8;
	self->policy.min_batch = 3;
	self->policy.max_delay_ns = HOUR;
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, worker_leave(&self->r.w));
	pool.pool = self->r.app.pool;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_EQ(0, app_stage(&self->r.app, &self->policy, &self->stage));
	ASSERT_EQ(0, app_post(&self->r.app, self->stage, 1, 2));
	self->policy.size = sizeof(self->policy);
	self->policy.stage = self->stage;
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

/*
 * Sleeps until it gets an event; how many.  It has no limit, as its end would
 * find what nobody woke it for; the harness has one.
 */
static void *takes_one(void *arg)
{
	struct app *app = arg;
	struct worker w;

	if (worker_join(app, &w))
		return NULL;
	return (void *)(long)worker_enter_max(&w, 1, 1, SEDA_FOREVER);
}

static bool sleeps(struct app *app, pthread_t *thread)
{
	pthread_create(thread, NULL, takes_one, app);
	return await_parked(app, 1);
}

static long joined(pthread_t thread)
{
	void *n;

	pthread_join(thread, &n);
	return (long)n;
}

TEST_F(app, without_a_batch_it_comes_at_once)
{
	ASSERT_TRUE(sleeps(&self->r.app, &self->thread));
	self->policy.min_batch = 0;
	self->policy.max_delay_ns = 0;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	EXPECT_EQ(1, joined(self->thread));
}

TEST_F(app, a_shorter_delay_holds_for_it)
{
	ASSERT_TRUE(sleeps(&self->r.app, &self->thread));
	self->policy.max_delay_ns = 10 * MS;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	EXPECT_EQ(1, joined(self->thread));
}

/* It has waited for as long as it has, whatever is set meanwhile. */
TEST_F(app, set_again_and_again_it_comes_in_time)
{
	uint64_t end = now_ns() + 10 * SEC;

	ASSERT_TRUE(sleeps(&self->r.app, &self->thread));
	self->policy.max_delay_ns = 600 * MS;
	while (app_counters(&self->r.app, self->stage)->pending &&
	       now_ns() < end) {
		ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET,
				      &self->policy));
		sleep_ms(300);
	}
	EXPECT_EQ(0, app_counters(&self->r.app, self->stage)->pending);
	EXPECT_EQ(1, joined(self->thread));
}

TEST_F(app, a_longer_delay_ends_the_turn_of_one_past_the_old)
{
	struct seda_stage_args high = { .priority = 255, .posts = 4 };
	uint64_t other;

	self->policy.min_batch = 0;
	self->policy.max_delay_ns = 10 * MS;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	ASSERT_EQ(0, app_stage(&self->r.app, &high, &other));
	sleep_ms(60);
	self->policy.max_delay_ns = HOUR;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	ASSERT_EQ(0, app_post(&self->r.app, other, 2, 0));
	ASSERT_EQ(0, worker_join(&self->r.app, &self->r.w));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(2, self->r.ev.user_data);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(1, self->r.ev.user_data);
}

TEST_F(app, more_capacity_lets_it_come)
{
	self->policy.min_batch = 0;
	self->policy.max_delay_ns = 0;
	self->policy.capacity = 1;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	ASSERT_EQ(0, app_post(&self->r.app, self->stage, 1, 3));
	ASSERT_EQ(0, worker_join(&self->r.app, &self->r.w));
	/* it has the only credit while it does not enter */
	ASSERT_EQ(1, worker_enter(&self->r.w, 1, SEDA_FOREVER));
	ASSERT_TRUE(sleeps(&self->r.app, &self->thread));
	self->policy.capacity = 2;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	EXPECT_EQ(1, joined(self->thread));
}

TEST_F(app, priorities_hold_again_after_the_delayed_one_was_served)
{
	struct seda_stage_args high = { .priority = 255, .posts = 4 };
	uint64_t other;

	self->policy.min_batch = 0;
	self->policy.max_delay_ns = 20 * MS;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	ASSERT_EQ(0, app_stage(&self->r.app, &high, &other));
	ASSERT_EQ(0, app_post(&self->r.app, other, 2, 0));
	ASSERT_EQ(0, app_post(&self->r.app, other, 2, 0));
	sleep_ms(60);
	ASSERT_EQ(0, worker_join(&self->r.app, &self->r.w));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(1, self->r.ev.user_data);
	/* it is not due any more, and what comes now has not waited */
	self->policy.max_delay_ns = HOUR;
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_STAGE_SET, &self->policy));
	ASSERT_EQ(0, app_post(&self->r.app, self->stage, 1, 0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(2, self->r.ev.user_data);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(2, self->r.ev.user_data);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(1, self->r.ev.user_data);
}

TEST_HARNESS_MAIN
