// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * A descriptor that is closed while a worker's ENTER uses its file: the worker
 * has the last reference, and sleeps in the same ENTER.  The connection ends all
 * the same, and CLOSED comes.
 */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"
#include "tests/lib/stuck.h"

static struct rig r;
static uint64_t id;
static char *stuck;
static sigset_t before, after;

/* Sends from memory that waits, then waits for an event. */
static void *sends(void *arg)
{
	uint64_t blocked = 1ULL << (SIGUSR1 - 1);
	struct seda_enter_args a = {
		.size = sizeof(a), .nr_ops = 1, .min_events = 1,
		.timeout_ns = SEDA_FOREVER, .sigset_size = sizeof(blocked),
		.sigmask = (uintptr_t)&blocked,
	};
	struct seda_op *op;
	struct worker w;
	long n;

	if (worker_join(&r.app, &w))
		return (void *)-1L;
	op = worker_op(&w, SEDA_OP_SEND, id);
	op->addr = (uintptr_t)stuck;
	op->len = 100;
	a.worker = w.id;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	n = app_call(&r.app, SEDA_IOC_ENTER, &a);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	if (n == -EINTR)
		n = worker_enter(&w, 1, SEDA_FOREVER);
	if (n != 1 || w.events[0].events != SEDA_EV_CLOSED)
		return (void *)(n ?: -2);
	return NULL;
}

TEST(it_ends)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };
	int own, peer, uffd;
	pthread_t worker;
	char data[100];
	void *ret;

	uffd = stuck_make(&stuck);
	if (uffd < 0)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	/* nobody but the one that sends is to take what comes */
	ASSERT_EQ(0, worker_leave(&r.w));
	pool.pool = r.app.pool;
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	pthread_create(&worker, NULL, sends, NULL);
	ASSERT_EQ(0, stuck_await(uffd));
	/* as far as the process knows this is the end of it */
	close(own);
	ASSERT_EQ(0, stuck_free(uffd, stuck));
	ASSERT_EQ(sizeof(data), read_all(peer, data, sizeof(data)));
	EXPECT_EQ(0, read(peer, data, 1));
	pthread_join(worker, &ret);
	EXPECT_EQ(NULL, ret);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	rig_close(&r);
}

TEST_HARNESS_MAIN
