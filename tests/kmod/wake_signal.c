// SPDX-License-Identifier: GPL-2.0
/* A wake-up that was spent on a worker whom a signal takes away is passed on. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define ROUNDS	400

static struct app app;
static uint64_t stage;
static volatile int handled, posted, signals;
static volatile bool stop;

static void on_signal(int sig)
{
	__sync_add_and_fetch(&signals, 1);
}

static void *works(void *arg)
{
	struct worker w;
	int n;

	if (worker_join(&app, &w))
		return NULL;
	while (!stop) {
		n = worker_enter_max(&w, 1, 1, SEDA_FOREVER);
		if (n > 0)
			__sync_add_and_fetch(&handled, n);
		/* an interrupted one leaves the post to the other, if it sleeps */
		while (n == -EINTR && handled < posted && !stop)
			sched_yield();
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
	int j;

	sigaction(SIGUSR1, &act, NULL);
	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_stage(&app, &policy, &stage));
	pool.pool = app.pool;
	ASSERT_EQ(0, app_call(&app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, works, (void *)i);
	for (t = 0; t < ROUNDS; t++) {
		/* one whom the last signal still has to wake is parked, too */
		while (signals != (int)t || app_parked(&app) != 2)
			sched_yield();
		end = now_ns() + LONG;
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
