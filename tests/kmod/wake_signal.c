// SPDX-License-Identifier: GPL-2.0
/* A wake-up that was spent on a worker whom a signal takes away is passed on. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define ROUNDS	400

static struct app app;
static uint64_t stage;
static volatile int handled, posted, lost;
static volatile bool stop;

static void on_signal(int sig)
{
}

static void *works(void *arg)
{
	struct worker w;
	uint64_t end;
	int n;

	if (worker_join(&app, &w))
		return NULL;
	while (!stop) {
		n = worker_enter_max(&w, 1, 1, SEDA_FOREVER);
		if (n > 0)
			__sync_add_and_fetch(&handled, n);
		/* an interrupted one leaves the post to the other, if it sleeps */
		end = now_ns() + 3 * SEC;
		while (n == -EINTR && handled < posted && now_ns() < end)
			sched_yield();
		if (n == -EINTR && handled < posted && app_parked(&app) == 1)
			lost++;
	}
	return NULL;
}

TEST(every_post_is_handled)
{
	struct seda_stage_args policy = { .posts = 10 };
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 8 };
	struct sigaction act = { .sa_handler = on_signal };
	pthread_t thread[2];
	uintptr_t i, t;
	uint64_t end;
	int j, parked;

	sigaction(SIGUSR1, &act, NULL);
	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_stage(&app, &policy, &stage));
	pool.pool = app.pool;
	ASSERT_EQ(0, app_call(&app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, works, (void *)i);
	for (t = 0; t < ROUNDS; t++) {
		end = now_ns() + LONG;
		do {
			sched_yield();
			parked = app_parked(&app);
		} while (parked != 2 && now_ns() < end);
		ASSERT_EQ(2, parked);
		posted++;
		if (t % 2)
			pthread_kill(thread[t / 2 % 2], SIGUSR1);
		for (j = 0; j < (int)(t % 7) * 50; j++)
			__asm__ volatile("" ::: "memory");
		ASSERT_EQ(0, app_post(&app, stage, 0, t));
		if (!(t % 2))
			pthread_kill(thread[t / 2 % 2], SIGUSR1);
		while (handled < (int)t + 1 && now_ns() < end)
			sched_yield();
		ASSERT_EQ((int)t + 1, handled);
	}
	EXPECT_EQ(0, lost);
	stop = true;
	for (i = 0; i < 4; i++)
		app_post(&app, stage, 0, 0);
	for (i = 0; i < 2; i++) {
		pthread_kill(thread[i], SIGUSR1);
		pthread_join(thread[i], NULL);
	}
	app_close(&app);
}

TEST_HARNESS_MAIN
