// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * A watched signalfd whose wait queue goes (POLLFREE) with the task that is
 * behind it ends with CLOSED.
 */
#include <kselftest_harness.h>

#include <sys/signalfd.h>

#include "tests/lib/count.h"
#include "tests/lib/stages.h"

static struct rig r;
static uint64_t id;
static volatile int ret = -1;
static char stack[65536] __attribute__((aligned(16)));

/* Shares memory and files, but has signal handlers of its own. */
static int watcher(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	ret = app_watch(&r.app, signalfd(-1, &set, 0), r.stage, POLLIN, 0,
			&id);
	return 0;
}

TEST(its_end_is_told)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < 50; i++) {
		ret = -1;
		ASSERT_EQ(0, rig_open(&r, NULL, NULL));
		pid = clone(watcher, stack + sizeof(stack),
			    CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, ret);
		if (i % 2) {
			ASSERT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
			EXPECT_EQ(id, r.ev.source);
			EXPECT_EQ(0, r.app.counters->sources);
		}
		rig_close(&r);
	}
	EXPECT_TRUE(await_gone());
}

/* The same, with a signal to tell, which the watcher may not live to see. */
static int signalled_watcher(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	watcher(NULL);
	kill(getpid(), SIGUSR2);
	return 0;
}

static void *harvests(void *arg)
{
	long *left = arg;
	struct worker w;
	int i, n;

	if (worker_join(&r.app, &w))
		abort();
	while (*left) {
		n = worker_enter(&w, 1, SEDA_FOREVER);
		if (n < 0)
			abort();
		for (i = 0; i < n; i++)
			*left -= !!(w.events[i].events & SEDA_EV_CLOSED);
	}
	return NULL;
}

TEST(its_end_is_told_while_others_harvest)
{
	long i, rounds = count_here(500), left = rounds;
	pthread_t thread;
	int status;
	pid_t pid;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, worker_leave(&r.w));
	pthread_create(&thread, NULL, harvests, &left);
	for (i = 0; i < rounds; i++) {
		ret = -1;
		pid = clone(signalled_watcher, stack + sizeof(stack),
			    CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
		ASSERT_LT(0, pid);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_EQ(0, ret);
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(0, r.app.counters->sources);
	rig_close(&r);
	EXPECT_TRUE(await_gone());
}

TEST(it_tells_signals_of_its_own_process)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, app_watch(&r.app, signalfd(-1, &set, 0), r.stage, POLLIN,
			       0, &id));
	kill(getpid(), SIGUSR2);
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(POLLIN, r.ev.len);
	rig_close(&r);
}

TEST_HARNESS_MAIN
