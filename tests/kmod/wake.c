// SPDX-License-Identifier: GPL-2.0
/* Who is woken: one for one event, the last that went to sleep, up to the target. */
#include <kselftest_harness.h>

#include "tests/lib/rest.h"
#include "tests/lib/seda_rig.h"

#define WORKERS	6

static struct app app;
static uint64_t stage;
static volatile int busy, most, handled, busy_ms;
static volatile bool stop;
static volatile uint64_t taken_tick;
static uint64_t wait_ns = SEC;
static int by[WORKERS], tid[WORKERS];
static pthread_t thread[WORKERS];

static void on_signal(int sig)
{
}

/* When the kernel's clock of ticks went on last. */
static uint64_t tick_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void *works(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	struct worker w;
	int n, now, seen;

	tid[me] = gettid();
	if (worker_join(&app, &w))
		return NULL;
	while (!stop) {
		n = worker_enter_max(&w, 1, 1, wait_ns);
		if (n <= 0)
			continue;
		taken_tick = tick_ns();
		now = __sync_add_and_fetch(&busy, 1);
		do {
			seen = most;
		} while (now > seen &&
			 !__sync_bool_compare_and_swap(&most, seen, now));
		if (busy_ms)
			sleep_ms(busy_ms);
		by[me]++;
		__sync_sub_and_fetch(&busy, 1);
		__sync_add_and_fetch(&handled, 1);
	}
	return NULL;
}

/* n workers, started one after the other, all asleep. */
static bool start(int n, uint32_t target)
{
	struct seda_stage_args policy = { .posts = 1000 };
	struct seda_pool_args pool = {
		.size = sizeof(pool), .concurrency = target,
	};
	int i;

	if (app_open(&app, NULL) || app_stage(&app, &policy, &stage))
		return false;
	pool.pool = app.pool;
	if (app_call(&app, SEDA_IOC_POOL_SET, &pool))
		return false;
	for (i = 0; i < n; i++) {
		pthread_create(&thread[i], NULL, works, (void *)(uintptr_t)i);
		if (!await_parked(&app, i + 1))
			return false;
	}
	return true;
}

static void finish(int n)
{
	int i;

	stop = true;
	/* whoever sleeps gets one */
	for (i = 0; i < 2 * n; i++)
		app_post(&app, stage, 0, 0);
	while (n--)
		pthread_join(thread[n], NULL);
	app_close(&app);
}

/*
 * At least n events, and on until so many workers were busy at a time; how many, or
 * -errno.
 */
static int post_until(int n, int busy_ones)
{
	int i = 0, ret;

	while (i < n || most < busy_ones) {
		ret = app_post(&app, stage, 0, 0);
		if (ret && ret != -EAGAIN)
			return ret;
		if (ret)
			sleep_ms(1);
		else
			i++;
	}
	return i;
}

static bool await_handled(int n)
{
	uint64_t end = now_ns() + LONG;

	while (handled < n && now_ns() < end)
		sleep_ms(1);
	return handled >= n;
}

/* How often a thread went to sleep. */
static long switches(int t)
{
	char path[64], line[256];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", t);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

static volatile int entered = -2;
static volatile bool leave;

/* Enters for a while, tells what it got, and stays a worker until told to leave. */
static void *enters_for_a_while(void *arg)
{
	struct worker w;

	entered = worker_join(arg, &w) ? -1 : worker_enter(&w, 1, SHORT);
	while (!leave)
		sleep_ms(1);
	return NULL;
}

/* Waits for two events until a signal comes; then as above. */
static void *waits_for_two(void *arg)
{
	struct worker w;

	entered = worker_join(arg, &w) ? -1 :
		  worker_enter_max(&w, 2, 2, SEDA_FOREVER);
	while (!leave)
		sleep_ms(1);
	return NULL;
}

static void *posts_when_two_are_parked(void *arg)
{
	struct rig *r = arg;

	await_parked(&r->app, 2);
	app_post(&r->app, r->stage, 1, 1);
	return NULL;
}

static bool pool_for_one(struct rig *r)
{
	struct seda_stage_args policy = { .posts = 4 };
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 1 };

	entered = -2;
	leave = false;
	if (rig_open(r, NULL, &policy))
		return false;
	pool.pool = r->app.pool;
	return !app_call(&r->app, SEDA_IOC_POOL_SET, &pool);
}

/* A pool for one, where something waits; another worker has entered for a while. */
static bool two_for_one(struct rig *r, pthread_t *other, bool counted)
{
	if (!pool_for_one(r))
		return false;
	if (counted && worker_enter(&r->w, 0, 0))
		return false;
	if (app_post(&r->app, r->stage, 1, 1))
		return false;
	pthread_create(other, NULL, enters_for_a_while, &r->app);
	while (entered == -2)
		sleep_ms(1);
	return true;
}

static void two_end(struct rig *r, pthread_t other)
{
	leave = true;
	pthread_join(other, NULL);
	rig_close(r);
}

TEST(no_more_than_the_target_run)
{
	int target, i;

	for (target = 1; target <= 3; target++) {
		stop = false;
		most = handled = 0;
		busy_ms = 5;
		ASSERT_TRUE(start(WORKERS, target));
		i = post_until(40, target);
		ASSERT_LT(0, i);
		ASSERT_TRUE(await_handled(i));
		EXPECT_EQ(target, most);
		finish(WORKERS);
	}
}

/* Its time is up while another runs, who then is not above the target for it. */
TEST(above_the_target_a_time_out_brings_nothing)
{
	pthread_t other;
	struct rig r;

	ASSERT_TRUE(two_for_one(&r, &other, true));
	EXPECT_EQ(0, entered);
	EXPECT_EQ(1, app_counters(&r.app, r.stage)->pending);
	EXPECT_EQ(1, worker_enter(&r.w, 1, SHORT));
	two_end(&r, other);
}

/* Both have an event then, and so the pool one worker more than its target. */
TEST(who_leaves_with_a_part_of_its_batch_counts)
{
	pthread_t other, poster;
	struct rig r;

	signal(SIGUSR1, on_signal);
	ASSERT_TRUE(pool_for_one(&r));
	ASSERT_EQ(0, app_post(&r.app, r.stage, 1, 1));
	pthread_create(&other, NULL, waits_for_two, &r.app);
	ASSERT_TRUE(await_parked(&r.app, 1));
	pthread_create(&poster, NULL, posts_when_two_are_parked, &r);
	ASSERT_EQ(1, worker_enter_max(&r.w, 1, 1, SEDA_FOREVER));
	pthread_join(poster, NULL);
	ASSERT_EQ(0, pthread_kill(other, SIGUSR1));
	while (entered == -2)
		sleep_ms(1);
	EXPECT_EQ(1, entered);
	ASSERT_EQ(0, app_post(&r.app, r.stage, 1, 1));
	EXPECT_EQ(0, worker_enter(&r.w, 1, SHORT));
	EXPECT_EQ(1, worker_enter(&r.w, 1, 0));
	two_end(&r, other);
}

TEST(who_has_not_entered_keeps_nobody_from_work)
{
	pthread_t other;
	struct rig r;

	ASSERT_TRUE(two_for_one(&r, &other, false));
	EXPECT_EQ(1, entered);
	two_end(&r, other);
}

/* Above the target, too. */
TEST(who_does_not_wait_is_not_refused)
{
	pthread_t other;
	struct rig r;

	ASSERT_TRUE(two_for_one(&r, &other, false));
	ASSERT_EQ(1, entered);
	EXPECT_EQ(0, app_post(&r.app, r.stage, 1, 1));
	EXPECT_EQ(0, worker_enter(&r.w, 1, SHORT));
	EXPECT_EQ(1, worker_enter(&r.w, 1, 0));
	two_end(&r, other);
}

/* Who is parked may still be on its way to sleep. */
static void await_rest(int t)
{
	while (!at_rest(getpid(), t))
		sleep_ms(1);
}

static void count_switches(long *count)
{
	int i;

	for (i = 0; i < WORKERS; i++)
		await_rest(tid[i]);
	for (i = 0; i < WORKERS; i++)
		count[i] = switches(tid[i]);
}

/*
 * A round.  Who handled it and how many were woken for it; -1 when the woken
 * worker took so long that the pool may have woken another in its stead.
 */
static int one_round(int *woken)
{
	long before[WORKERS], after[WORKERS];
	int i, handled_by[WORKERS], who = -1, next = handled + 1;
	uint64_t tick;

	*woken = 0;
	count_switches(before);
	for (i = 0; i < WORKERS; i++)
		handled_by[i] = by[i];
	tick = tick_ns();
	if (app_post(&app, stage, 0, 0) || !await_handled(next))
		return WORKERS;
	if (!await_parked(&app, WORKERS))
		return WORKERS;
	count_switches(after);
	for (i = 0; i < WORKERS; i++) {
		*woken += after[i] != before[i];
		if (by[i] != handled_by[i])
			who = i;
	}
	/* the pool waits for a tick at least */
	return taken_tick == tick ? who : -1;
}

TEST(one_event_wakes_one_worker_the_last_that_slept)
{
	int round = 0, woken, who, last = WORKERS - 1;

	handled = 0;
	wait_ns = SEDA_FOREVER;
	ASSERT_TRUE(start(WORKERS, WORKERS));
	while (round < 20) {
		who = one_round(&woken);
		ASSERT_GT(WORKERS, who);
		if (who >= 0) {
			EXPECT_EQ(1, woken);
			if (last >= 0)
				EXPECT_EQ(last, who);
			round++;
		}
		last = who;
	}
	wait_ns = SEC;
	finish(WORKERS);
}

TEST(many_events_wake_many)
{
	int i;

	busy_ms = 20;
	ASSERT_TRUE(start(WORKERS, WORKERS));
	/* most of them at a time */
	i = post_until(WORKERS * 4, WORKERS - 1);
	ASSERT_LT(0, i);
	EXPECT_TRUE(await_handled(i));
	finish(WORKERS);
}

TEST(a_higher_target_wakes_more)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 3 };
	int i;

	busy_ms = 100;
	ASSERT_TRUE(start(WORKERS, 1));
	for (i = 0; i < 12; i++)
		ASSERT_EQ(0, app_post(&app, stage, 0, 0));
	while (!most)
		sleep_ms(1);
	sleep_ms(20);
	EXPECT_EQ(1, most);
	pool.pool = app.pool;
	ASSERT_EQ(0, app_call(&app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_TRUE(await_handled(12));
	EXPECT_EQ(3, most);
	finish(WORKERS);
}

static void *takes_one(void *arg)
{
	struct worker w;

	tid[0] = gettid();
	if (worker_join(arg, &w))
		return NULL;
	return (void *)(long)worker_enter_max(&w, 1, 1, SEDA_FOREVER);
}

/* Nothing else happens that could wake anybody. */
TEST(a_higher_target_wakes_by_itself)
{
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 1 };
	struct seda_stage_args policy = { .posts = 4 };
	pthread_t other;
	struct rig r;
	long before;
	void *n;

	ASSERT_EQ(0, rig_open(&r, NULL, &policy));
	pool.pool = r.app.pool;
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_POOL_SET, &pool));
	ASSERT_EQ(0, app_post(&r.app, r.stage, 0, 0));
	ASSERT_NE(NULL, rig_next(&r));
	pthread_create(&other, NULL, takes_one, &r.app);
	ASSERT_TRUE(await_parked(&r.app, 1));
	await_rest(tid[0]);
	before = switches(tid[0]);
	ASSERT_EQ(0, app_post(&r.app, r.stage, 0, 0));
	/* not even to look, now or later */
	sleep_ms(SHORT / MS);
	await_rest(tid[0]);
	EXPECT_EQ(before, switches(tid[0]));
	EXPECT_EQ(1, app_parked(&r.app));
	pool.concurrency = 2;
	ASSERT_EQ(0, app_call(&r.app, SEDA_IOC_POOL_SET, &pool));
	pthread_join(other, &n);
	EXPECT_EQ(1, (long)n);
	rig_close(&r);
}

static volatile int released;

static void *takes_and_stays(void *arg)
{
	struct worker w;
	int taken;

	if (worker_join(&app, &w))
		return NULL;
	while (!stop) {
		if (worker_enter_max(&w, 1, 1, SEDA_FOREVER) != 1)
			continue;
		taken = __sync_add_and_fetch(&handled, 1);
		while (released < taken && !stop)
			sleep_ms(1);
	}
	return NULL;
}

static void post_and_await(int n)
{
	app_post(&app, stage, 0, 0);
	while (handled < n)
		sched_yield();
}

/*
 * One wake-up is under way at a time; when its worker is up, the next need not
 * wait for the ticks that a late one is given.  Most times that is seen.
 */
TEST(the_next_wake_up_follows_at_once)
{
	struct seda_stage_args policy = { .posts = 8 };
	struct seda_pool_args pool = { .size = sizeof(pool), .concurrency = 2 };
	int rounds = 0, fast = 0, i;
	uint64_t begin;

	ASSERT_EQ(0, app_open(&app, NULL));
	ASSERT_EQ(0, app_stage(&app, &policy, &stage));
	pool.pool = app.pool;
	ASSERT_EQ(0, app_call(&app, SEDA_IOC_POOL_SET, &pool));
	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, takes_and_stays, NULL);
	/* each takes longer when the second has to wait for the pool's retry */
	while (fast < 10) {
		ASSERT_TRUE(await_parked(&app, 2));
		begin = now_ns();
		post_and_await(2 * rounds + 1);
		post_and_await(2 * rounds + 2);
		fast += now_ns() - begin < 4 * MS;
		released = 2 * ++rounds;
	}
	TH_LOG("%d of %d within a tick", fast, rounds);
	stop = true;
	for (i = 0; i < 4; i++)
		app_post(&app, stage, 0, 0);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	app_close(&app);
}

TEST_HARNESS_MAIN
