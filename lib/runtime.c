// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * runtime.c - the runtime: make, start, drain, stop, free
 */
#include <stdlib.h>

#include "backend.h"

#define DRAIN_POLL_NS	10000000ull

static int check(struct sedak_rt_opts *o)
{
	if (o->backend > SEDAK_BACKEND_EPOLL || (o->flags & ~SEDAK_RT_NESTED) ||
	    o->workers > MAX_WORKERS || o->nr_bufs > MAX_NR_BUFS ||
	    o->buf_size > MAX_BUF_SIZE ||
	    (o->buf_size && o->buf_size < MIN_BUF_SIZE) ||
	    o->max_conns > MAX_CONNS || o->more_workers > MAX_WORKERS)
		return -EINVAL;
	if (o->device && strlen(o->device) >= sizeof(((struct sedak_rt *)0)->device))
		return -EINVAL;
	if (!o->nr_bufs)
		o->nr_bufs = DEF_NR_BUFS;
	if (o->nr_bufs < MIN_NR_BUFS)
		o->nr_bufs = MIN_NR_BUFS;
	if (!o->buf_size)
		o->buf_size = DEF_BUF_SIZE;
	if (o->flags & SEDAK_RT_NESTED)
		o->workers = 1;
	if (!o->workers)
		o->workers = allowed_cpus();
	if (o->more_workers > MAX_WORKERS - o->workers)
		return -EINVAL;
	if (!o->more_workers)
		o->more_workers = allowed_cpus() * 2 > DEF_MORE_WORKERS ?
				  allowed_cpus() * 2 : DEF_MORE_WORKERS;
	if (o->more_workers > MAX_WORKERS - o->workers)
		o->more_workers = MAX_WORKERS - o->workers;
	return 0;
}

void rt_get(struct sedak_rt *rt)
{
	atomic_fetch_add_explicit(&rt->refs, 1, memory_order_relaxed);
}

/* Around the making of a source: false after the stop, which waits for the end */
bool rt_make_begin(struct sedak_rt *rt)
{
	/* pairs with sedak_rt_stop(): one of the two sees the other */
	atomic_fetch_add(&rt->makers, 1);
	if (likely(!atomic_load(&rt->stopping)))
		return true;
	rt_make_end(rt);
	return false;
}

void rt_make_end(struct sedak_rt *rt)
{
	atomic_fetch_sub(&rt->makers, 1);
}

static void free_lists(struct sedak_rt *rt)
{
	struct sedak_listener *l;
	struct sedak_udp *u;
	struct sedak_watch *wa;
	struct source *src;

	while ((src = rt->free_conns)) {
		rt->free_conns = src->next;
		free(src_conn(src));
	}
	while ((wa = rt->free_watches)) {
		rt->free_watches = wa->all_next;
		free(wa);
	}
	while ((l = rt->listeners)) {
		rt->listeners = l->all_next;
		free(l);
	}
	while ((u = rt->udps)) {
		rt->udps = u->all_next;
		free(u);
	}
}

/* The last reference: connections that the program held are gone, too */
void rt_put(struct sedak_rt *rt)
{
	unsigned int i;

	if (atomic_fetch_sub_explicit(&rt->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < rt->nr_stages; i++)
		stage_free(rt->stages[i]);
	for (i = 0; i < rt->nr_pools; i++)
		pool_free(rt->pools[i]);
	free_lists(rt);
	bufs_free(rt);
	pthread_mutex_destroy(&rt->lock);
	pthread_mutex_destroy(&rt->mem_lock);
	pthread_mutex_destroy(&rt->hold_lock);
	pthread_cond_destroy(&rt->idle);
	free(rt);
}

static int init_locks(struct sedak_rt *rt)
{
	pthread_condattr_t ca;

	pthread_mutex_init(&rt->lock, NULL);
	pthread_mutex_init(&rt->mem_lock, NULL);
	pthread_mutex_init(&rt->hold_lock, NULL);
	pthread_condattr_init(&ca);
	pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
	pthread_cond_init(&rt->idle, &ca);
	pthread_condattr_destroy(&ca);
	return 0;
}

int sedak_rt_create(const struct sedak_rt_opts *opts, struct sedak_rt **rtp)
{
	struct sedak_rt_opts o = { .size = sizeof(o) };
	struct sedak_pool_opts po = { .size = sizeof(po), .name = "main" };
	struct sedak_pool *pool;
	struct sedak_rt *rt;
	int ret = 0;

	if (opts)
		ret = opts_copy(&o, sizeof(o), sizeof(size_t), opts);
	if (!ret)
		ret = check(&o);
	if (ret < 0)
		return ret;
	rt = calloc(1, sizeof(*rt));
	if (!rt)
		return -ENOMEM;
	init_locks(rt);
	atomic_init(&rt->refs, 1);
	rt->flags = o.flags;
	rt->nr_bufs = o.nr_bufs;
	rt->buf_size = o.buf_size;
	rt->max_conns = o.max_conns;
	rt->log = o.log;
	rt->log_arg = o.log_arg;
	strcpy(rt->device, o.device ? o.device : "/dev/seda");
	po.workers = o.workers;
	rt->nr_workers = o.workers;
	rt->max_workers = o.workers + o.more_workers;
	ret = backend_choose(rt, o.backend);
	if (!ret) {
		ret = pool_make(rt, &po, &pool);
		if (ret < 0)
			rt->be->close(rt);
	}
	if (ret < 0) {
		rt_put(rt);
		return ret;
	}
	*rtp = rt;
	return 0;
}

int sedak_rt_start(struct sedak_rt *rt)
{
	unsigned int i;
	int ret = 0;

	if (load_relaxed(&rt->stopping))
		return -ESHUTDOWN;
	if (atomic_exchange(&rt->started, true))
		return -EALREADY;
	/* pairs with sedak_stage_create(): one of the two sees the other, or both */
	for (i = 0; i < atomic_load(&rt->nr_stages) && !ret; i++)
		ret = stage_run_init(rt->stages[i]);
	pthread_mutex_lock(&rt->lock);
	/* whoever stops sees all threads, or there are none */
	if (!ret && load_relaxed(&rt->stopping))
		ret = -ESHUTDOWN;
	for (i = 0; i < load_relaxed(&rt->nr_pools) && !ret; i++)
		ret = pool_start(rt->pools[i]);
	pthread_mutex_unlock(&rt->lock);
	if (!ret)
		return 0;
	sedak_rt_stop(rt);
	for (i = load_relaxed(&rt->nr_stages); i-- > 0;) {
		if (rt->stages[i]->started && rt->stages[i]->destroy)
			rt->stages[i]->destroy(rt->stages[i]);
		rt->stages[i]->started = false;
	}
	return ret;
}

/* ------------------------------------------------------------------- drain */

static uint64_t nr_enqueued(const struct sedak_rt *rt)
{
	unsigned int i, n = load_relaxed(&rt->nr_stages);
	uint64_t sum = 0;

	for (i = 0; i < n; i++)
		sum += atomic_load(&rt->stages[i]->enqueued);
	return sum;
}

/* Nothing is in a queue or in hand, and nothing has passed it meanwhile */
static bool is_idle(struct sedak_rt *rt)
{
	unsigned int i, j, n = load_relaxed(&rt->nr_stages);
	uint64_t before = nr_enqueued(rt);

	/* in this order: the last one's last connection is counted before */
	if (atomic_load(&rt->nr_listeners) || load_relaxed(&rt->nr_conns))
		return false;
	for (i = 0; i < n; i++)
		if (atomic_load(&rt->stages[i]->queued) ||
		    atomic_load(&rt->stages[i]->deferred) ||
		    atomic_load(&rt->stages[i]->file_ops))
			return false;
	for (i = 0; i < load_relaxed(&rt->nr_pools); i++)
		for (j = 0; j < rt->pools[i]->nr_workers; j++)
			if (atomic_load(&rt->pools[i]->workers[j]->busy))
				return false;
	return nr_enqueued(rt) == before;
}

void rt_check_idle(struct sedak_rt *rt)
{
	pthread_mutex_lock(&rt->lock);
	pthread_cond_broadcast(&rt->idle);
	pthread_mutex_unlock(&rt->lock);
}

static void begin_drain(struct sedak_rt *rt)
{
	struct sedak_conn *c;

	if (atomic_exchange(&rt->draining, true))
		return;
	listeners_close(rt);
	pthread_mutex_lock(&rt->lock);
	for (c = rt->conns; c; c = c->all_next)
		src_raise(&c->src, P_DRAIN);
	pthread_mutex_unlock(&rt->lock);
}

static void wait_a_little(struct sedak_rt *rt, uint64_t end)
{
	uint64_t until = clock_now() + DRAIN_POLL_NS;
	struct timespec ts;

	if (rt->flags & SEDAK_RT_NESTED) {
		sedak_run_once(rt, DRAIN_POLL_NS);
		return;
	}
	if (until > end)
		until = end;
	ts.tv_sec = (time_t)(until / NSEC_PER_SEC);
	ts.tv_nsec = (long)(until % NSEC_PER_SEC);
	pthread_mutex_lock(&rt->lock);
	pthread_cond_timedwait(&rt->idle, &rt->lock, &ts);
	pthread_mutex_unlock(&rt->lock);
}

int sedak_rt_drain(struct sedak_rt *rt, uint64_t timeout_ns)
{
	uint64_t end = clock_now();

	end = timeout_ns > INT64_MAX - end ? INT64_MAX : end + timeout_ns;
	begin_drain(rt);
	if (!load_relaxed(&rt->started))
		return 0;
	while (!is_idle(rt)) {
		/* nobody is left to empty anything */
		if (load_relaxed(&rt->stopping))
			return -ESHUTDOWN;
		if (clock_now() >= end)
			return -ETIMEDOUT;
		wait_a_little(rt, end);
	}
	return 0;
}

/* -------------------------------------------------------------------- stop */

static void drop_deferred(struct sedak_rt *rt)
{
	struct sedak_stage *s;
	struct bev *b;
	unsigned int i;

	for (i = 0; i < rt->nr_stages; i++) {
		s = rt->stages[i];
		while ((b = s->def_head)) {
			s->def_head = b->next;
			bev_drop(b);
		}
		s->def_tail = NULL;
		timer_disarm(s->pool, &s->delay_timer);
	}
}

static void drop_udp(struct sedak_rt *rt)
{
	struct sedak_udp *u;
	struct chunk *ch, *next;

	for (u = rt->udps; u; u = u->all_next) {
		atomic_fetch_or(&u->src.word, S_CLOSING);
		for (ch = u->queue; ch; ch = next) {
			next = ch->next;
			chunk_put(NULL, ch);
		}
		u->queue = NULL;
		for (ch = chunks_take(&u->src); ch; ch = next) {
			next = ch->next;
			chunk_put(NULL, ch);
		}
		rt->be->kill(&u->src);
	}
}

static void drop_workers(struct sedak_rt *rt)
{
	unsigned int i, j;

	for (i = 0; i < rt->nr_pools; i++)
		for (j = 0; j < rt->pools[i]->nr_workers; j++)
			worker_drop(rt->pools[i]->workers[j]);
}

/* No worker runs: everything is ours */
static void drop_all(struct sedak_rt *rt)
{
	struct sedak_listener *l;
	struct sedak_watch *wa;
	struct sedak_timer *t;
	unsigned int i;

	/* first: what lets go of others must not accept */
	for (l = rt->listeners; l; l = l->all_next) {
		atomic_fetch_or(&l->src.word, S_CLOSING);
		timer_disarm(l->src.stage->pool, &l->timer);
		rt->be->kill(&l->src);
	}
	drop_udp(rt);
	drop_deferred(rt);
	drop_workers(rt);
	while ((wa = rt->watches)) {
		rt->watches = wa->all_next;
		rt->be->kill(&wa->src);
		if (wa->src.kev)
			bev_drop(wa->src.kev);
		wa->all_next = rt->free_watches;
		rt->free_watches = wa;
	}
	if (rt->be->files_end)
		rt->be->files_end(rt);
	while (rt->conns)
		conn_kill(rt->conns);
	drop_workers(rt);	/* what the program's callbacks have left now */
	file_ops_drop(rt);
	for (i = 0; i < rt->nr_pools && rt->be->finish; i++)
		rt->be->finish(rt->pools[i]);
	/* the program's until it, any thread, destroys them, or the runtime */
	pthread_mutex_lock(&rt->lock);
	for (t = rt->timers; t; t = t->all_next)
		timer_disarm(t->src.stage->pool, &t->node);
	pthread_mutex_unlock(&rt->lock);
	/* late calls wake nobody */
	for (i = 0; i < rt->nr_pools; i++)
		atomic_store(&rt->pools[i]->sleepers, 0);
}

int sedak_rt_stop(struct sedak_rt *rt)
{
	unsigned int i;
	int ret = 0;

	if (worker_of(rt))
		return -EDEADLK;
	pthread_mutex_lock(&rt->lock);
	if (atomic_exchange(&rt->stopping, true)) {
		if (!rt->stopped && pthread_equal(rt->stopper, pthread_self()))
			ret = -EDEADLK;	/* from a callback of what is dropped */
		while (!ret && !rt->stopped)
			pthread_cond_wait(&rt->idle, &rt->lock);
		pthread_mutex_unlock(&rt->lock);
		return ret;
	}
	rt->stopper = pthread_self();
	pthread_mutex_unlock(&rt->lock);
	while (atomic_load(&rt->makers))
		nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
	for (i = 0; i < rt->nr_pools; i++)
		pool_join(rt->pools[i]);
	drop_all(rt);
	pthread_mutex_lock(&rt->lock);
	rt->stopped = true;
	pthread_cond_broadcast(&rt->idle);
	pthread_mutex_unlock(&rt->lock);
	return 0;
}

void sedak_rt_destroy(struct sedak_rt *rt)
{
	struct sedak_timer *t;
	struct sedak_stage *s;
	unsigned int i;

	if (!rt)
		return;
	sedak_rt_stop(rt);
	for (i = rt->nr_stages; i-- > 0;) {
		s = rt->stages[i];
		if (s->started && s->destroy)
			s->destroy(s);
		s->started = false;
	}
	while ((t = rt->timers)) {
		rt->timers = t->all_next;
		timer_free(t);
	}
	while (rt->files)
		file_free(rt->files);
	if (rt->pools[0]->workers[0]->opened)
		rt->be->worker_close(rt->pools[0]->workers[0]);
	for (i = 0; i < rt->nr_pools; i++)
		rt->be->pool_close(rt->pools[i]);
	rt->be->close(rt);
	rt_put(rt);
}

/* ------------------------------------------------------------------ nesting */

int sedak_fd(const struct sedak_rt *rt)
{
	if (!(rt->flags & SEDAK_RT_NESTED))
		return -EINVAL;
	return rt->be->poll_fd(rt);
}

int sedak_run_once(struct sedak_rt *rt, int64_t timeout_ns)
{
	struct worker *w, *outer = this_worker;
	int ret = 0;

	if (!(rt->flags & SEDAK_RT_NESTED) || !load_relaxed(&rt->started) ||
	    load_relaxed(&rt->stopping))
		return -EINVAL;
	if (outer && outer->rt == rt)
		return -EDEADLK;
	w = rt->pools[0]->workers[0];
	this_worker = w;
	w->now = clock_now();
	if (!w->opened) {
		ret = rt->be->worker_open(w);
		w->opened = !ret;
	}
	if (!ret)
		ret = worker_run_once(w, timeout_ns);
	this_worker = outer;
	return ret;
}
