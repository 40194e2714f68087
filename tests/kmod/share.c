// SPDX-License-Identifier: GPL-2.0
/* A worker leaves the others of its pool their part of what is pending. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define CONNS	6

static struct rig rig;
static volatile bool leave;

/* A worker that never enters, so that its part stays. */
static void *joins(void *arg)
{
	struct worker w;
	long ret = worker_join(&rig.app, &w);

	while (!leave)
		sleep_ms(1);
	return (void *)ret;
}

TEST(each_takes_its_part)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };
	const struct seda_stage_counters *c;
	int own, peer[CONNS], i;
	pthread_t other;
	uint64_t id;

	ASSERT_EQ(0, rig_open(&rig, NULL, NULL));
	pool.pool = rig.app.pool;
	ASSERT_EQ(0, app_call(&rig.app, SEDA_IOC_POOL_SET, &pool));
	c = app_counters(&rig.app, rig.stage);
	for (i = 0; i < CONNS; i++) {
		ASSERT_EQ(0, rig_pair(&rig, 0, &id, &own, &peer[i]));
		ASSERT_EQ(1, write(peer[i], "x", 1));
	}
	while (c->pending != CONNS)
		sleep_ms(1);
	pthread_create(&other, NULL, joins, NULL);
	while (rig.app.counters->workers != 2)
		sleep_ms(1);
	EXPECT_EQ(CONNS / 2, worker_enter(&rig.w, 1, SEDA_FOREVER));
	EXPECT_EQ(CONNS / 2, c->pending);
	leave = true;
	pthread_join(other, NULL);
	/* a thread that is joined may not be quite gone */
	while (rig.app.counters->workers != 1)
		sleep_ms(1);
	EXPECT_EQ(CONNS / 2, worker_enter(&rig.w, 1, SEDA_FOREVER));
	rig_close(&rig);
}

/* A part that is less than a batch would make the rest wait again. */
TEST(but_no_part_of_a_batch)
{
	struct seda_stage_args policy = {
		.posts = CONNS, .min_batch = CONNS - 1,
		.max_delay_ns = 3600 * SEC,
	};
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };
	pthread_t other;
	int i;

	leave = false;
	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	pool.pool = rig.app.pool;
	ASSERT_EQ(0, app_call(&rig.app, SEDA_IOC_POOL_SET, &pool));
	pthread_create(&other, NULL, joins, NULL);
	while (rig.app.counters->workers != 2)
		sleep_ms(1);
	for (i = 0; i < CONNS; i++) {
		uint64_t id;
		int own, peer;

		ASSERT_EQ(0, rig_pair(&rig, 0, &id, &own, &peer));
		ASSERT_EQ(1, write(peer, "x", 1));
	}
	while (app_counters(&rig.app, rig.stage)->pending != CONNS)
		sleep_ms(1);
	EXPECT_EQ(CONNS - 1, worker_enter(&rig.w, 1, SEDA_FOREVER));
	leave = true;
	pthread_join(other, NULL);
	rig_close(&rig);
}

TEST_HARNESS_MAIN
