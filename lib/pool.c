// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool.c - pools: making, starting, waking and ending their workers
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

unsigned int allowed_cpus(void)
{
	cpu_set_t set;
	int n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return n > 0 ? (unsigned int)n : 1;
}

static int check(struct sedak_pool_opts *o)
{
	if (o->workers > MAX_WORKERS || o->sched > SEDAK_SCHED_BATCH ||
	    (o->flags & ~SEDAK_POOL_PIN) || o->max_events > MAX_EVENTS)
		return -EINVAL;
	if (!o->workers)
		o->workers = allowed_cpus();
	/* with several workers, one is not to take what others could */
	if (!o->max_events)
		o->max_events = o->workers > 1 ? MAX_EVENTS / 4 : MAX_EVENTS;
	if (o->max_events < MIN_EVENTS)
		o->max_events = MIN_EVENTS;
	return 0;
}

/* The caller holds rt->lock, or is the only one that knows the runtime */
int pool_make(struct sedak_rt *rt, const struct sedak_pool_opts *opts,
	      struct sedak_pool **poolp)
{
	struct sedak_pool_opts o = *opts;
	unsigned int i, nr = load_relaxed(&rt->nr_pools);
	struct sedak_pool *pool;
	int ret = check(&o);

	if (ret < 0)
		return ret;
	if (nr == MAX_POOLS || o.workers > rt->max_workers - rt->all_workers)
		return -ENOSPC;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	pool->rt = rt;
	pool->index = nr;
	pool->nr_workers = o.workers;
	pool->sched = o.sched;
	pool->flags = o.flags;
	pool->max_events = o.max_events;
	if (o.name)
		snprintf(pool->name, sizeof(pool->name), "%s", o.name);
	else
		snprintf(pool->name, sizeof(pool->name), "pool%u", nr);
	atomic_init(&pool->next_timer, NEVER);
	atomic_init(&pool->armed, NEVER);
	/* outside sedak_run_once() a nested one is to be woken always */
	if (rt->flags & SEDAK_RT_NESTED)
		store_relaxed(&pool->sleepers, 1);
	pthread_mutex_init(&pool->timer_lock, NULL);
	sem_init(&pool->opened, 0, 0);
	pool->workers = calloc(o.workers, sizeof(*pool->workers));
	ret = pool->workers ? 0 : -ENOMEM;
	for (i = 0; !ret && i < o.workers; i++)
		ret = worker_make(pool, i, &pool->workers[i]);
	if (!ret)
		ret = rt->be->pool_open(pool);
	if (ret < 0) {
		pool_free(pool);
		return ret;
	}
	rt->all_workers += o.workers;
	rt->pools[nr] = pool;
	atomic_store(&rt->nr_pools, nr + 1);
	*poolp = pool;
	return 0;
}

/* Its workers are gone */
void pool_free(struct sedak_pool *pool)
{
	unsigned int i;

	for (i = 0; pool->workers && i < pool->nr_workers; i++)
		worker_free(pool->workers[i]);
	free(pool->workers);
	free(pool->heap);
	pthread_mutex_destroy(&pool->timer_lock);
	sem_destroy(&pool->opened);
	free(pool);
}

/* One of those that sleep, if none was called yet that has not come */
void pool_wake(struct sedak_pool *pool)
{
	/* after what the caller has published; pairs with wait_events() */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load(&pool->sleepers))
		return;
	if (atomic_exchange(&pool->waking, 1))
		return;
	atomic_fetch_add_explicit(&pool->wakeups, 1, memory_order_relaxed);
	pool->rt->be->wake(pool);
}

void pool_wake_force(struct sedak_pool *pool)
{
	pool->rt->be->wake(pool);
}

/* ---------------------------------------------------------------- threads */

static void pin(const struct worker *w)
{
	cpu_set_t all, one;
	int cpu, nth = (int)w->index, i = 0;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	nth %= CPU_COUNT(&all) ? CPU_COUNT(&all) : 1;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || i++ != nth)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (pthread_setaffinity_np(pthread_self(), sizeof(one), &one))
			rt_log(w->rt, SEDAK_LOG_WARNING,
			       "cannot bind worker %u to CPU %d", w->index, cpu);
		return;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];
	int ret;

	snprintf(name, sizeof(name), "%.10s/%u", w->pool->name, w->index % 1000);
	pthread_setname_np(pthread_self(), name);
	if (w->pool->flags & SEDAK_POOL_PIN)
		pin(w);
	this_worker = w;
	ret = w->be->worker_open(w);
	if (ret < 0)
		store_relaxed(&w->pool->open_error, ret);
	sem_post(&w->pool->opened);
	if (ret < 0) {
		rt_log(w->rt, SEDAK_LOG_ERROR, "pool %s: worker %u: %s",
		       w->pool->name, w->index, strerror(-ret));
		return NULL;
	}
	worker_loop(w);
	w->be->worker_close(w);
	this_worker = NULL;
	return NULL;
}

/* Signals are the program's affair: workers take none but those they cause */
static int start_thread(struct worker *w)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
				   SIGABRT, SIGSYS, SIGPROF };
	sigset_t all, old;
	unsigned int i;
	int ret;

	sigfillset(&all);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&all, own[i]);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	w->has_thread = true;
	ret = pthread_create(&w->thread, NULL, worker_main, w);
	if (ret)
		w->has_thread = false;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

int pool_start(struct sedak_pool *pool)
{
	unsigned int i;
	int ret = 0;

	if (pool->started || (pool->rt->flags & SEDAK_RT_NESTED))
		return 0;
	pool->started = true;
	for (i = 0; i < pool->nr_workers && !ret; i++)
		ret = start_thread(pool->workers[i]);
	if (ret < 0)
		return ret;
	/* the backend may refuse them, which who starts them is to know */
	while (i) {
		if (!sem_wait(&pool->opened))
			i--;
	}
	return load_relaxed(&pool->open_error);
}

void pool_join(struct sedak_pool *pool)
{
	unsigned int i;

	pool_wake_force(pool);
	for (i = 0; i < pool->nr_workers; i++) {
		if (!pool->workers[i]->has_thread)
			continue;
		pthread_join(pool->workers[i]->thread, NULL);
		pool->workers[i]->has_thread = false;
	}
}

int sedak_pool_create(struct sedak_rt *rt, const struct sedak_pool_opts *opts,
		      struct sedak_pool **poolp)
{
	struct sedak_pool_opts o = { .size = sizeof(o) };
	int ret = 0;

	if (opts)
		ret = opts_copy(&o, sizeof(o), sizeof(size_t), opts);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&rt->lock);
	if (load_relaxed(&rt->stopping)) {
		ret = -ESHUTDOWN;
	} else if (rt->flags & SEDAK_RT_NESTED) {
		ret = check(&o);
		*poolp = rt->pools[0];	/* every pool is the caller's thread */
	} else {
		ret = pool_make(rt, &o, poolp);
		if (!ret && load_relaxed(&rt->started))
			ret = pool_start(*poolp);
		if (ret)
			*poolp = NULL;
	}
	pthread_mutex_unlock(&rt->lock);
	return ret;
}
