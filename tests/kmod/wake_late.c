// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * A woken worker that does not come to run (here: a real-time task has its
 * CPU) does not keep the others asleep.
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

static struct app app;
static uint64_t stage;
static volatile int handled;
static volatile bool hogging, stop;

static void on_cpu(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(thread, sizeof(set), &set);
}

static void *works(void *arg)
{
	struct worker w;
	int n;

	on_cpu(pthread_self(), (long)arg);
	if (worker_join(&app, &w))
		return NULL;
	while (!stop) {
		n = worker_enter_max(&w, 1, 1, SEDA_FOREVER);
		if (n > 0)
			__sync_fetch_and_add(&handled, n);
	}
	return NULL;
}

/* Until the event that the other worker has to take is taken. */
static void *hogs(void *arg)
{
	struct sched_param p = { .sched_priority = 1 };

	on_cpu(pthread_self(), 1);
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &p);
	hogging = true;
	while (handled < 1)
		;
	return NULL;
}

TEST(another_is_woken)
{
	struct seda_stage_args policy = { .posts = 8 };
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };
	pthread_t worker[2], hog;
	int limit, i;

	/* else the kernel stops the hog now and then */
	limit = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY);
	ASSERT_LE(0, limit);
	ASSERT_EQ(2, write(limit, "-1", 2));
	on_cpu(pthread_self(), 0);
	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_stage(&app, &policy, &stage));
	pool.pool = app.pool;
	ASSERT_EQ(0, app_call(&app, SEDA_IOC_POOL_SET, &pool));
	/* the last to sleep, on the hog's CPU, is the first to be woken */
	for (i = 0; i < 2; i++) {
		pthread_create(&worker[i], NULL, works, (void *)(long)i);
		ASSERT_TRUE(await_parked(&app, i + 1));
	}
	pthread_create(&hog, NULL, hogs, NULL);
	while (!hogging)
		sleep_ms(1);
	ASSERT_EQ(0, app_post(&app, stage, 1, 1));
	ASSERT_EQ(0, app_post(&app, stage, 1, 1));
	pthread_join(hog, NULL);
	while (handled < 2)
		sleep_ms(1);
	stop = true;
	for (i = 0; i < 2; i++)
		app_post(&app, stage, 1, 1);
	for (i = 0; i < 2; i++)
		app_post(&app, stage, 1, 1);
	for (i = 0; i < 2; i++)
		pthread_join(worker[i], NULL);
	app_close(&app);
	EXPECT_EQ(6, write(limit, "950000", 6));
}

TEST_HARNESS_MAIN
