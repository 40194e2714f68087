// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * Stages and pools come and go while others poll the descriptor, read its
 * fdinfo and post: whoever looks at a list of stages may look at an old one.
 */
#include <kselftest_harness.h>

#include "tests/lib/count.h"
#include "tests/lib/seda_rig.h"

#define ROUNDS	3000

static struct app app;
static volatile bool stop;
static volatile uint64_t stage;
static volatile long polls, posts, stale;

static void *polls_it(void *arg)
{
	struct pollfd p = { .events = POLLIN };

	p.fd = app.fd;
	while (!stop) {
		poll(&p, 1, 0);
		polls++;
	}
	return NULL;
}

static void *reads_fdinfo(void *arg)
{
	static char text[65536];

	while (!stop)
		app_fdinfo(&app, text, sizeof(text));
	return NULL;
}

static void *posts_to_it(void *arg)
{
	int ret;

	while (!stop) {
		ret = app_post(&app, stage, 1, 1);
		if (!ret)
			posts++;
		else if (ret == -ESTALE)
			stale++;
		else if (ret != -EAGAIN)
			return (void *)(long)ret;
	}
	return NULL;
}

/* Takes what was posted, so that the stage can go. */
static int destroy(uint64_t pool)
{
	struct worker w;
	int ret;

	ret = worker_join_flags(&app, &w, pool, 0);
	while (!ret) {
		ret = worker_enter(&w, 0, 0);
		if (ret < 0)
			break;
		ret = app_id_call(&app, SEDA_IOC_STAGE_DESTROY, stage, 0);
		if (ret != -EBUSY)
			break;
		ret = 0;
	}
	if (!ret)
		ret = worker_leave(&w);
	return ret ?: app_id_call(&app, SEDA_IOC_POOL_DESTROY, pool, 0);
}

TEST(pools_come_and_go)
{
	struct seda_stage_args policy = { .posts = 4 };
	pthread_t thread[3];
	uint64_t now;
	void *ret;
	long i, rounds = count_most(ROUNDS);

	ASSERT_EQ(0, app_open(&app, NULL));
	pthread_create(&thread[0], NULL, polls_it, NULL);
	pthread_create(&thread[1], NULL, reads_fdinfo, NULL);
	pthread_create(&thread[2], NULL, posts_to_it, NULL);
	/* until everybody has met what was to be met */
	for (i = 0; i < rounds || !polls || !posts || !stale; i++) {
		struct seda_pool_args pool = { .size = sizeof(pool) };

		ASSERT_EQ(0, app_call(&app, SEDA_IOC_POOL_CREATE, &pool));
		policy.pool = pool.pool;
		ASSERT_EQ(0, app_stage(&app, &policy, &now));
		stage = now;
		if (i % 8 == 0)
			sched_yield();
		ASSERT_EQ(0, destroy(pool.pool));
	}
	stop = true;
	for (i = 0; i < 3; i++) {
		pthread_join(thread[i], &ret);
		EXPECT_EQ(NULL, ret);
	}
	app_close(&app);
}

TEST_HARNESS_MAIN
