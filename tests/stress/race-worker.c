// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 300
 *
 * Workers come and go, by LEAVE, by the exit of their threads, and by signals
 * that come while they wait, as posts and timers wake them: no wake-up is
 * lost with a worker, so that each post comes though the next one waits for
 * it, and batches of those that exited are given back.  How many may work at a time
 * changes meanwhile.
 */
#include "tests/stress/stress.h"

#define PASSING	3

static struct app app;
static uint64_t posts, timers;
static bool stop;
static long came, joins, exits, leaves, signals, expiries;
static pthread_t passing[PASSING];

static void take(struct worker *w, int n)
{
	while (n-- > 0) {
		if (w->events[n].events & SEDA_EV_POST)
			__atomic_add_fetch(&came, 1, __ATOMIC_SEQ_CST);
		else
			__atomic_add_fetch(&expiries, w->events[n].amount,
					   __ATOMIC_RELAXED);
	}
}

/* One short life; true: it left in order. */
static bool live(uint64_t *state, struct worker *w)
{
	unsigned int left = chance(state, 6);
	int n;

	do {
		n = worker_enter(w, 1, chance(state, 2) ? SECOND :
				 chance(state, 200000));
		if (n == -EINTR) {
			__atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
			break;
		}
		need(n >= 0);
		take(w, n);
	} while (left--);
	if (chance(state, 2))
		return false;
	need(!worker_leave(w));
	__atomic_add_fetch(&leaves, 1, __ATOMIC_RELAXED);
	return true;
}

static void *short_lived(void *arg)
{
	uint64_t state = (uintptr_t)arg;
	struct worker w;

	do {
		need(!worker_join(&app, &w));
		__atomic_add_fetch(&joins, 1, __ATOMIC_RELAXED);
	} while (live(&state, &w));
	/* with its last batch in hand */
	__atomic_add_fetch(&exits, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void *replacing(void *arg)
{
	uint64_t i = (uintptr_t)arg % PASSING, state = (uintptr_t)arg;
	struct seda_pool_args pool = { .size = sizeof(pool), .pool = app.pool };

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		pool.concurrency = chance(&state, PASSING + 1);
		need(!app_call(&app, SEDA_IOC_POOL_SET, &pool));
		passing[i] = thread(short_lived,
				    (void *)(uintptr_t)chance_next(&state));
		sleep_ns(chance(&state, 500000));
		pthread_kill(passing[i], SIGUSR1);
		pthread_join(passing[i], NULL);
	}
	return NULL;
}

/* It alone stays. */
static void *staying(void *arg)
{
	struct worker w;
	int n;

	need(!worker_join(&app, &w));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		n = worker_enter(&w, 1, SEDA_FOREVER);
		need(n >= 0);
		take(&w, n);
	}
	need(!worker_leave(&w));
	return NULL;
}

static void post_one(long nth)
{
	uint64_t last = now_ns();

	need(!app_post(&app, posts, 1, nth));
	while (__atomic_load_n(&came, __ATOMIC_SEQ_CST) <= nth) {
		sched_yield();
		if (now_ns() - last > 30 * SECOND)
			fail("post %ld does not come: a wake-up was lost", nth);
	}
}

/* Joins and leaves beside others who do. */
static void *churning(void *arg)
{
	long n = count_here(20000);
	struct worker w;

	while (n--)
		need(!worker_join(&app, &w) && !worker_leave(&w));
	return NULL;
}

static void churn(void)
{
	pthread_t t[PASSING];
	int i;

	for (i = 0; i < PASSING; i++)
		t[i] = thread(churning, NULL);
	for (i = 0; i < PASSING; i++)
		pthread_join(t[i], NULL);
}

static void all_left(void)
{
	int i;

	for (i = 0; app.counters->workers; i++) {
		if (i > 1500)
			fail("%u workers are left", app.counters->workers);
		sleep_ns(TICK);
	}
}

int main(void)
{
	struct seda_stage_args take_posts = { .posts = 4 };
	struct seda_timer_args timer = {
		.size = sizeof(timer), .first_ns = 1000, .period_ns = 3000000,
	};
	long n = count_here(20000), i;
	pthread_t t[PASSING + 1];
	uint64_t state;

	begin(2);
	state = chance_seed();
	wakes_by_signal();
	need(!app_open(&app, NULL));
	need(!app_stage(&app, &take_posts, &posts));
	need(!app_stage(&app, NULL, &timers));
	timer.stage = timers;
	need(!app_call(&app, SEDA_IOC_TIMER, &timer));
	t[PASSING] = thread(staying, NULL);
	for (i = 0; i < PASSING; i++)
		t[i] = thread(replacing,
			      (void *)(uintptr_t)(state * PASSING + i));
	for (i = 0; i < n; i++)
		post_one(i);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < PASSING; i++)
		pthread_join(t[i], NULL);
	app_post(&app, posts, 1, n);
	pthread_join(t[PASSING], NULL);
	all_left();
	ksft_print_msg("%ld posts came, %ld expiries; %ld joins, %ld left\n",
		       came, expiries, joins, leaves);
	ksft_print_msg("%ld exited, %ld by a signal\n", exits, signals);
	need(!app_counters(&app, posts)->outstanding);
	need(!app_counters(&app, timers)->outstanding);
	claim(true, "no wake-up is lost as workers come and go\n");
	churn();
	all_left();
	claim(true, "as many are counted as there are\n");
	app_close(&app);
	return end();
}
