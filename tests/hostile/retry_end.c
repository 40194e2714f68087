// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * An app ends while a wake-up is under way and others are parked: the timer that
 * would wake one of those (pool->retry) is set then, and must not outlive it.
 */
#include <sys/wait.h>

#include <kselftest_harness.h>

#include "tests/lib/count.h"
#include "tests/lib/seda_rig.h"

#define WORKERS	3
#define ROUNDS	200

static struct app app;

static void *works(void *arg)
{
	struct worker w;

	if (worker_join(&app, &w))
		return arg;
	for (;;)
		worker_enter_max(&w, 1, 1, SEDA_FOREVER);
	return NULL;
}

static int wakes_and_ends(int delay_us)
{
	struct seda_setup_args small = { .workers = WORKERS, .bufs = 4 };
	struct seda_stage_args policy = { .posts = 8 };
	struct seda_pool_args pool = {
		.size = sizeof(pool), .concurrency = WORKERS,
	};
	pthread_t thread;
	uint64_t stage;
	int i;

	if (app_open(&app, &small) || app_stage(&app, &policy, &stage))
		return 1;
	pool.pool = app.pool;
	if (app_call(&app, SEDA_IOC_POOL_SET, &pool))
		return 2;
	for (i = 0; i < WORKERS; i++)
		pthread_create(&thread, NULL, works, NULL);
	if (!await_parked(&app, WORKERS))
		return 3;
	for (i = 0; i < WORKERS - 1; i++)
		if (app_post(&app, stage, 1, 1))
			return 4;
	usleep(delay_us);
	return 0;
}

TEST(the_timer_goes_with_the_app)
{
	int i, status, rounds = count_most(ROUNDS);
	pid_t pid;

	for (i = 0; i < rounds; i++) {
		pid = fork();
		if (!pid)
			_exit(wakes_and_ends(i * 50 * ROUNDS / rounds));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, status);
	}
}

TEST_HARNESS_MAIN
