// SPDX-License-Identifier: GPL-2.0
/* ENTER: how long it waits, for how many, and what signals do. */
#include <kselftest_harness.h>

#include <sys/time.h>

#include "tests/lib/seda_rig.h"

static volatile int caught;

static void on_signal(int sig)
{
	caught++;
}

FIXTURE(rig) {
	struct rig r;
	struct seda_enter_args a;
};

FIXTURE_SETUP(rig)
{
	struct seda_stage_args policy = { .posts = 100 };
	struct sigaction act = { .sa_handler = on_signal };

	caught = 0;
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGALRM, &act, NULL);
	ASSERT_EQ(0, rig_open(&self->r, NULL, &policy));
	memset(&self->a, 0, sizeof(self->a));
	self->a.size = sizeof(self->a);
	self->a.worker = self->r.w.id;
	self->a.min_events = 1;
}

FIXTURE_TEARDOWN(rig)
{
	rig_close(&self->r);
}

static int enter(struct rig *r, struct seda_enter_args *a)
{
	return app_call(&r->app, SEDA_IOC_ENTER, a);
}

/* Again and again, as the first may come before ENTER sleeps. */
static void alarm_every(unsigned int ms)
{
	struct itimerval it = {
		.it_value.tv_usec = ms * 1000, .it_interval.tv_usec = ms * 1000,
	};

	setitimer(ITIMER_REAL, &it, NULL);
}

static void alarm_off(void)
{
	struct itimerval it = { };
	struct timespec now = { };
	sigset_t set;

	setitimer(ITIMER_REAL, &it, NULL);
	/* one may be pending, where they are blocked */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigtimedwait(&set, NULL, &now);
}

TEST_F(rig, a_timeout_of_zero_never_waits)
{
	uint64_t begin = now_ns();
	int i;

	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, enter(&self->r, &self->a));
	self->a.min_events = 0;
	self->a.timeout_ns = SEDA_FOREVER;
	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, enter(&self->r, &self->a));
	EXPECT_GT(begin + 5 * SEC, now_ns());
}

TEST_F(rig, it_waits_as_long_as_told)
{
	uint64_t begin = now_ns();

	self->a.timeout_ns = 50 * MS;
	EXPECT_EQ(0, enter(&self->r, &self->a));
	EXPECT_LE(begin + 50 * MS, now_ns());
	self->a.timeout_ns = 1;
	EXPECT_EQ(0, enter(&self->r, &self->a));
}

TEST_F(rig, fewer_than_min_events_come_when_the_time_is_up)
{
	uint64_t begin = now_ns();

	ASSERT_EQ(0, app_post(&self->r.app, self->r.stage, 0, 0));
	ASSERT_EQ(0, app_post(&self->r.app, self->r.stage, 0, 1));
	self->a.min_events = 3;
	self->a.timeout_ns = 50 * MS;
	EXPECT_EQ(2, enter(&self->r, &self->a));
	EXPECT_LE(begin + 50 * MS, now_ns());
	ASSERT_EQ(0, app_post(&self->r.app, self->r.stage, 0, 2));
	self->a.timeout_ns = 0;
	EXPECT_EQ(1, enter(&self->r, &self->a));
}

static void *posts_three(void *arg)
{
	struct rig *r = arg;
	int i;

	for (i = 0; i < 3; i++) {
		sleep_ms(20);
		app_post(&r->app, r->stage, 0, i);
	}
	return NULL;
}

TEST_F(rig, it_waits_for_min_events)
{
	pthread_t thread;

	self->a.min_events = 3;
	self->a.timeout_ns = LONG;
	pthread_create(&thread, NULL, posts_three, &self->r);
	EXPECT_EQ(3, enter(&self->r, &self->a));
	pthread_join(thread, NULL);
}

TEST_F(rig, max_events_bounds_it)
{
	int i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, app_post(&self->r.app, self->r.stage, 0, i));
	self->a.max_events = 4;
	EXPECT_EQ(4, enter(&self->r, &self->a));
	EXPECT_EQ(4, enter(&self->r, &self->a));
	EXPECT_EQ(2, enter(&self->r, &self->a));
}

TEST_F(rig, a_signal_ends_the_wait)
{
	self->a.timeout_ns = LONG;
	alarm_every(30);
	EXPECT_EQ(-EINTR, enter(&self->r, &self->a));
	alarm_off();
	EXPECT_LE(1, caught);
}

TEST_F(rig, a_signal_with_events_harvested_returns_them)
{
	ASSERT_EQ(0, app_post(&self->r.app, self->r.stage, 0, 0));
	self->a.min_events = 2;
	self->a.timeout_ns = LONG;
	alarm_every(30);
	EXPECT_EQ(1, enter(&self->r, &self->a));
	alarm_off();
	EXPECT_LE(1, caught);
}

TEST_F(rig, the_ops_have_been_run_when_it_is_interrupted)
{
	struct seda_op *op = worker_op(&self->r.w, SEDA_OP_POST, 0);

	op->res = 1;
	self->a.nr_ops = 1;
	self->a.timeout_ns = LONG;
	alarm_every(30);
	EXPECT_EQ(-EINTR, enter(&self->r, &self->a));
	alarm_off();
	EXPECT_EQ(-ESTALE, op->res);
}

TEST_F(rig, the_mask_is_in_force_during_the_wait)
{
	sigset_t block, none, now;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_SETMASK, &block, NULL);
	/* blocked: it sleeps through */
	self->a.timeout_ns = 50 * MS;
	kill(getpid(), SIGUSR1);
	EXPECT_EQ(0, enter(&self->r, &self->a));
	EXPECT_EQ(0, caught);
	/* pending and let through by the mask */
	self->a.timeout_ns = LONG;
	self->a.sigmask = (uintptr_t)&none;
	self->a.sigset_size = 8;
	EXPECT_EQ(-EINTR, enter(&self->r, &self->a));
	EXPECT_EQ(1, caught);
	sigprocmask(SIG_SETMASK, NULL, &now);
	EXPECT_EQ(1, sigismember(&now, SIGUSR1));
	/* coming during the wait; one that comes before it is blocked */
	alarm_every(30);
	EXPECT_EQ(-EINTR, enter(&self->r, &self->a));
	alarm_off();
	EXPECT_EQ(2, caught);
	sigprocmask(SIG_SETMASK, NULL, &now);
	EXPECT_EQ(1, sigismember(&now, SIGALRM));
	/* the time is up: the mask comes back, too */
	self->a.timeout_ns = MS;
	EXPECT_EQ(0, enter(&self->r, &self->a));
	sigprocmask(SIG_SETMASK, NULL, &now);
	EXPECT_EQ(1, sigismember(&now, SIGALRM));
}

TEST_F(rig, the_mask_can_block)
{
	sigset_t all;

	sigfillset(&all);
	self->a.timeout_ns = 60 * MS;
	self->a.sigmask = (uintptr_t)&all;
	self->a.sigset_size = 8;
	alarm_every(10);
	EXPECT_EQ(0, enter(&self->r, &self->a));
	while (!caught)
		sleep_ms(1);
	alarm_off();
}

TEST_F(rig, bad_masks)
{
	self->a.timeout_ns = MS;
	self->a.sigmask = 8;
	self->a.sigset_size = 8;
	EXPECT_EQ(-EFAULT, enter(&self->r, &self->a));
	self->a.sigset_size = 16;
	EXPECT_EQ(-EINVAL, enter(&self->r, &self->a));
}

static void *enters_as_another(void *arg)
{
	struct rig *r = arg;

	return (void *)(long)worker_enter(&r->w, 0, 0);
}

TEST_F(rig, only_the_worker_itself_may_enter)
{
	pthread_t thread;
	void *ret;

	pthread_create(&thread, NULL, enters_as_another, &self->r);
	pthread_join(thread, &ret);
	EXPECT_EQ(-ESRCH, (long)ret);
	self->a.worker++;
	EXPECT_EQ(-ESRCH, enter(&self->r, &self->a));
	self->a.worker = 0;
	EXPECT_EQ(-ESRCH, enter(&self->r, &self->a));
	EXPECT_EQ(0, worker_leave(&self->r.w));
	EXPECT_EQ(-ESRCH, worker_leave(&self->r.w));
	self->a.worker = self->r.w.id;
	EXPECT_EQ(-ESRCH, enter(&self->r, &self->a));
}

TEST_HARNESS_MAIN
