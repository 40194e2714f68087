// SPDX-License-Identifier: GPL-2.0
/*
 * A worker of a real-time policy that finds a descriptor whose last close is
 * under way must not wait for the closer, which it keeps from running.
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define ROUNDS	400

static struct rig rig;
static volatile int peer = -1, closed;

static void set_fifo(pthread_t thread, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	pthread_setschedparam(thread, SCHED_FIFO, &p);
}

static void *works(void *arg)
{
	struct worker w;
	int i, n;

	if (worker_join(&rig.app, &w))
		return NULL;
	while (closed < ROUNDS) {
		n = worker_enter(&w, 1, LONG);
		for (i = 0; i < n; i++)
			if (w.events[i].events & SEDA_EV_CLOSED)
				closed++;
	}
	return NULL;
}

/* Strikes at any moment, also between the closer's last fput and its end. */
static void *writes(void *arg)
{
	struct timespec ts = { 0 };
	unsigned int seed = 1;
	char data[64] = "";

	while (closed < ROUNDS) {
		ts.tv_nsec = rand_r(&seed) % 100000;
		nanosleep(&ts, NULL);
		send(peer, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	return NULL;
}

TEST(it_does_not_wait_for_the_closer)
{
	pthread_t worker, writer;
	int fd[2], i, limit;
	uint64_t id;

	/* a real-time task that spins is not made to pause: it hangs */
	limit = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY);
	ASSERT_LE(0, limit);
	ASSERT_EQ(2, write(limit, "-1", 2));
	ASSERT_EQ(0, rig_open(&rig, NULL, NULL));
	ASSERT_EQ(0, worker_leave(&rig.w));
	pthread_create(&worker, NULL, works, NULL);
	ASSERT_TRUE(await_parked(&rig.app, 1));
	set_fifo(worker, 3);
	pthread_create(&writer, NULL, writes, NULL);
	set_fifo(writer, 2);
	for (i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, tcp_pair(fd));
		ASSERT_EQ(0, app_adopt(&rig.app, fd[0], rig.stage, 0, 0, &id));
		peer = fd[1];
		if (i % 2)
			sched_yield();
		close(fd[0]);
		peer = -1;
		close(fd[1]);
	}
	pthread_join(worker, NULL);
	pthread_join(writer, NULL);
	EXPECT_EQ(ROUNDS, closed);
	rig_close(&rig);
	EXPECT_EQ(6, write(limit, "950000", 6));
}

TEST_HARNESS_MAIN
