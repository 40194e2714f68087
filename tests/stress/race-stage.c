// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 300
 *
 * Stages are destroyed while threads and workers post to them: each post that
 * was taken comes, before its stage is gone, and a stage that is gone takes
 * none.
 */
#include "tests/stress/stress.h"

#define SLOTS	4
#define STAGES	(1 << 17)

static struct app app;
static uint64_t slots[SLOTS];
static bool gone[STAGES];		/* by the high half of the id */
static bool stop;
static long posted, came, refused, stale, busy;

static void count_post(int ret)
{
	if (!ret)
		__atomic_add_fetch(&posted, 1, __ATOMIC_SEQ_CST);
	else if (ret == -ESTALE)
		__atomic_add_fetch(&stale, 1, __ATOMIC_RELAXED);
	else if (ret == -EAGAIN)
		__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
	else
		fail("POST: %d", ret);
}

static uint64_t some_stage(uint64_t *state)
{
	return __atomic_load_n(&slots[chance(state, SLOTS)], __ATOMIC_RELAXED);
}

static void *working(void *arg)
{
	/* without a seed it does not post */
	uint64_t state = (uintptr_t)arg ?: 1, id;
	unsigned int ops, i;
	struct worker w;
	int n;

	need(!worker_join(&app, &w));
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		ops = w.nr_ops;
		/* nothing but a wake-up ends it, or the end of the test */
		n = worker_enter(&w, 1, 60 * SECOND);
		need(n >= 0 || n == -EINTR);
		for (i = 0; i < ops; i++)
			count_post(w.ops[i].res);
		while (n-- > 0) {
			id = w.events[n].amount;
			if (w.events[n].events != SEDA_EV_POST ||
			    w.events[n].user_data != ~id)
				fail("events %#x", w.events[n].events);
			if (__atomic_load_n(&gone[id >> 32], __ATOMIC_SEQ_CST))
				fail("a post of a stage that is gone");
			__atomic_add_fetch(&came, 1, __ATOMIC_SEQ_CST);
		}
		if (arg && chance(&state, 2)) {
			struct seda_op *op;

			id = some_stage(&state);
			op = worker_op(&w, SEDA_OP_POST, id);
			op->addr = id;
			op->user_data = ~id;
		}
	}
	need(worker_enter(&w, 0, 0) >= 0 && !worker_leave(&w));
	return NULL;
}

static void *posting(void *arg)
{
	uint64_t state = (uintptr_t)arg, id;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		id = some_stage(&state);
		count_post(app_post(&app, id, ~id, id));
		if (!chance(&state, 8))
			sleep_ns(chance(&state, 100000));
	}
	return NULL;
}

static void create(unsigned int slot)
{
	struct seda_stage_args a = { .posts = 8 };
	uint64_t id;

	need(!app_stage(&app, &a, &id));
	need(id >> 32 < STAGES);
	__atomic_store_n(&slots[slot], id, __ATOMIC_RELAXED);
}

/* Its workers may be idle, but not for ever: it is unused now and then. */
static void destroy(unsigned int slot)
{
	uint64_t id = slots[slot], last = now_ns();
	long enough = came + slot;
	int ret;

	/* let posts come, but not always */
	while (__atomic_load_n(&came, __ATOMIC_SEQ_CST) < enough)
		if (now_ns() - last > 30 * SECOND)
			fail("posts do not come: a wake-up was lost");
	while ((ret = app_id_call(&app, SEDA_IOC_STAGE_DESTROY, id, 0))) {
		need(ret == -EBUSY);
		busy++;
		if (now_ns() - last > 30 * SECOND)
			fail("a stage that nobody uses is in use");
	}
	__atomic_store_n(&gone[id >> 32], true, __ATOMIC_SEQ_CST);
}

static void *refusing(void *arg)
{
	uint64_t id = slots[0];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		need(app_id_call(&app, SEDA_IOC_STAGE_DESTROY, id, 0) ==
		     -EBUSY);
	return NULL;
}

/* One post at a time to a stage that is used besides, and one worker. */
static void refused_destroy(long posts)
{
	struct seda_timer_args timer = { .size = sizeof(timer) };
	pthread_t worker, other;
	uint64_t last;
	long i;

	need(!app_open(&app, NULL));
	create(0);
	timer.stage = slots[0];
	need(!app_call(&app, SEDA_IOC_TIMER, &timer));
	worker = thread(working, NULL);
	other = thread(refusing, NULL);
	for (i = 0; i < posts; i++) {
		last = now_ns();
		count_post(app_post(&app, slots[0], ~slots[0], slots[0]));
		while (__atomic_load_n(&came, __ATOMIC_SEQ_CST) <= i) {
			sched_yield();
			if (now_ns() - last > 30 * SECOND)
				fail("post %ld does not come", i);
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	finish(worker);
	pthread_join(other, NULL);
	app_close(&app);
	claim(true, "a refused STAGE_DESTROY costs no wake-up\n");
	posted = 0;
	came = 0;
	stop = false;
}

int main(void)
{
	long rounds = count_here(2000), i;
	pthread_t t[5];
	uint64_t state;

	begin(2);
	wakes_by_signal();
	state = chance_seed();
	refused_destroy(count_here(3000));
	need(!app_open(&app, NULL));
	for (i = 0; i < SLOTS; i++)
		create(i);
	for (i = 0; i < 5; i++)
		t[i] = thread(i < 3 ? working : posting,
			      (void *)(uintptr_t)(state + i));
	for (i = 0; i < rounds; i++) {
		destroy(i % SLOTS);
		create(i % SLOTS);
	}
	/* posters may find none any more */
	for (i = 0; i < SLOTS; i++)
		destroy(i);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 5; i++)
		finish(t[i]);
	ksft_print_msg("%ld posted, %ld came; %ld refused, %ld to none, %ld times busy\n",
		       posted, came, refused, stale, busy);
	need(posted == came && came);
	claim(true, "stages are destroyed while posts come\n");
	app_close(&app);
	return end();
}
