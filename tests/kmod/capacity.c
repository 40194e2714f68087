// SPDX-License-Identifier: GPL-2.0
/* A stage with no credit left is not harvested: what comes waits where it is. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

static struct rig rig;

/* What another worker gets. */
static void *looks(void *arg)
{
	struct worker w;
	long n;

	if (worker_join(&rig.app, &w))
		return (void *)-1L;
	n = worker_enter(&w, 1, SHORT);
	worker_leave(&w);
	return (void *)n;
}

static long others_get(void)
{
	pthread_t thread;
	void *n;

	pthread_create(&thread, NULL, looks, NULL);
	pthread_join(thread, &n);
	return (long)n;
}

TEST(a_listener_stops_accepting)
{
	struct seda_stage_args policy = { .capacity = 2 };
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 9 };
	uint64_t child_stage;
	uint16_t port = 0;
	int i, l = tcp_listen(&port);

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	pool.pool = rig.app.pool;
	ASSERT_EQ(0, app_call(&rig.app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_EQ(0, app_stage(&rig.app, NULL, &child_stage));
	ASSERT_EQ(0, app_listen(&rig.app, l, rig.stage, child_stage, NULL));
	for (i = 0; i < 5; i++)
		ASSERT_LE(0, tcp_connect(port));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(2 - i, worker_enter_max(&rig.w, 2 - i, 2 - i, SEDA_FOREVER));
	EXPECT_EQ(1, app_counters(&rig.app, rig.stage)->outstanding);
	ASSERT_EQ(2, worker_enter(&rig.w, 2, SEDA_FOREVER));
	EXPECT_EQ(2, app_counters(&rig.app, rig.stage)->outstanding);
	EXPECT_EQ(0, others_get());
	rig_close(&rig);
}

TEST(data_stays_in_the_socket)
{
	struct seda_stage_args policy = { .capacity = 2 };
	struct seda_stage_args more = { .size = sizeof(more), .capacity = 3 };
	uint64_t id[3];
	int own, peer[3], i;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, rig_pair(&rig, 0, &id[i], &own, &peer[i]));
		ASSERT_EQ(1, write(peer[i], "x", 1));
	}
	/* two are held, and hold their credits */
	for (i = 0; i < 2; i++) {
		ASSERT_NE(NULL, rig_next(&rig));
		rig.w.ctl[0].flags = SEDA_CTL_HOLD;
		id[i] = rig.ev.source;
	}
	EXPECT_TRUE(rig_quiet(&rig));
	EXPECT_EQ(1, app_counters(&rig.app, rig.stage)->pending);
	EXPECT_EQ(2, app_counters(&rig.app, rig.stage)->outstanding);
	EXPECT_EQ(0, rig_do(&rig, SEDA_OP_RELEASE, id[0], 0));
	ASSERT_NE(NULL, rig_next(&rig));
	EXPECT_EQ(SEDA_EV_IN, rig.ev.events);
	rig.w.ctl[0].flags = SEDA_CTL_HOLD;
	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, write(peer[i], "y", 1));
	EXPECT_TRUE(rig_quiet(&rig));
	/* and SET gives more at once */
	more.stage = rig.stage;
	ASSERT_EQ(0, app_call(&rig.app, SEDA_IOC_STAGE_SET, &more));
	ASSERT_NE(NULL, rig_next(&rig));
	EXPECT_EQ(id[0], rig.ev.source);
	rig_close(&rig);
}

TEST(less_capacity_than_out_is_waited_for)
{
	struct seda_stage_args policy = { .capacity = 8, .posts = 20 };
	struct seda_stage_args less = { .size = sizeof(less), .capacity = 2 };
	int i;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, app_post(&rig.app, rig.stage, 0, i));
	ASSERT_EQ(8, worker_enter(&rig.w, 1, SEDA_FOREVER));
	less.stage = rig.stage;
	ASSERT_EQ(0, app_call(&rig.app, SEDA_IOC_STAGE_SET, &less));
	EXPECT_EQ(0, others_get());
	ASSERT_EQ(2, worker_enter(&rig.w, 2, SEDA_FOREVER));
	EXPECT_EQ(8, rig.w.events[0].amount);
	EXPECT_EQ(0, others_get());
	rig_close(&rig);
}

TEST_HARNESS_MAIN
