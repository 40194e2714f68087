// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * A slot is claimed by another worker or given back by its own, never both: who
 * claimed it in time finds its source held.
 */
#include <poll.h>
#include <sys/eventfd.h>

#include "tests/stress/stress.h"

#define THIEF	7

static struct app app;
static struct worker owner;
static long entered, events;
static bool ready, stop;

static void *owning(void *arg)
{
	int n;

	need(!worker_join_flags(&app, &owner, app.pool, SEDA_WORKER_CLAIM));
	/* before that slot 0 is nobody's */
	need(worker_enter(&owner, 1, SEDA_FOREVER) == 1);
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		n = worker_enter(&owner, 0, 0);
		need(n >= 0);
		events += n;
		__atomic_add_fetch(&entered, 1, __ATOMIC_SEQ_CST);
	}
	need(!worker_leave(&owner));
	return NULL;
}

/* The ENTER that looks at what was written before this. */
static void next_enter(void)
{
	long was = __atomic_load_n(&entered, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&entered, __ATOMIC_SEQ_CST) < was + 2)
		sched_yield();
}

/*
 * Waits for a slot to be filled, and then for so long that its own worker is about to
 * give it back: a little longer when it came too early, and shorter when too late.
 */
static bool steal(uint64_t *state, unsigned int *wait)
{
	unsigned int left = *wait + chance(state, 64);
	uint32_t open = 0;
	bool early;

	while (__atomic_load_n(&owner.ctl[0].claim, __ATOMIC_RELAXED))
		;
	while (left--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	early = __atomic_compare_exchange_n(&owner.ctl[0].claim, &open, THIEF,
					    false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
	if (early)
		*wait += chance(state, 64);
	else
		*wait -= chance(state, *wait < 64 ? *wait + 1 : 64);
	return early;
}

int main(void)
{
	struct seda_watch_args watch = { .size = sizeof(watch), .mask = POLLIN };
	long goal = count_here(10000), stolen = 0, late = 0;
	struct seda_pool_args pool = { .size = sizeof(pool) };
	struct seda_op release = { .op = SEDA_OP_RELEASE };
	unsigned int wait = 0;
	uint64_t state, stage;
	struct worker w;
	pthread_t t;
	int ret;

	begin(1);
	state = chance_seed();
	need(!app_open(&app, NULL) && !app_stage(&app, NULL, &stage));
	watch.stage = stage;
	/* always readable */
	watch.fd = eventfd(1, EFD_CLOEXEC);
	need(!app_call(&app, SEDA_IOC_WATCH, &watch));
	release.source = watch.source;
	t = thread(owning, NULL);
	while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		sched_yield();
	/* where there is nothing to do */
	need(!app_call(&app, SEDA_IOC_POOL_CREATE, &pool));
	need(!worker_join_flags(&app, &w, pool.pool, 0));
	while (stolen < goal) {
		if (!steal(&state, &wait)) {
			late++;
			continue;
		}
		next_enter();
		ret = worker_run(&w, &release);
		if (ret)
			fail("what was claimed is not held: %d", ret);
		stolen++;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	ksft_print_msg("%ld claimed, %ld times too late, %ld events, wait %u\n",
		       stolen, late, events, wait);
	claim(true, "no slot is both claimed and given back\n");
	app_close(&app);
	return end();
}
