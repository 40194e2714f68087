// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * worker.c - a worker's cycle
 *
 * Everything a worker owns is touched by its own thread (in a nested runtime: by
 * the caller of sedak_run_once()).
 */
#include <sched.h>
#include <stdlib.h>

#include "backend.h"

/* Moving average of events per batch, in 1/256: above, below which to switch */
#define SCHED_BATCH_ABOVE	(4 * 256)
#define SCHED_NORMAL_BELOW	(3 * 256 / 2)
#define SCHED_EVERY		64	/* batches between two looks */

#define RETURN_NS		1000000

int worker_make(struct sedak_pool *pool, unsigned int index, struct worker **wp)
{
	struct worker *w = NULL;

	if (posix_memalign((void **)&w, CACHE_LINE, sizeof(*w)))
		return -ENOMEM;
	memset(w, 0, sizeof(*w));
	w->rt = pool->rt;
	w->be = pool->rt->be;
	w->pool = pool;
	w->index = index;
	w->sched = SEDAK_SCHED_NORMAL;
	w->batch.cap = DEF_MAX_BATCH;
	w->bev = calloc(pool->max_events, sizeof(*w->bev));
	w->batch.ev = calloc(DEF_MAX_BATCH, sizeof(*w->batch.ev));
	w->batch.addr = calloc(DEF_MAX_BATCH, sizeof(*w->batch.addr));
	w->stats = calloc(MAX_STAGES, sizeof(*w->stats));
	if (!w->bev || !w->batch.ev || !w->batch.addr || !w->stats) {
		worker_free(w);
		return -ENOMEM;
	}
	*wp = w;
	return 0;
}

void worker_free(struct worker *w)
{
	struct chunk *ch;
	struct iovec *iov;
	unsigned int i;

	if (!w)
		return;
	for (i = 0; i < CHUNK_CLASSES; i++)
		while ((ch = w->chunks[i])) {
			w->chunks[i] = ch->next;
			free(ch);
		}
	while ((iov = w->iovs)) {
		w->iovs = iov->iov_base;
		free(iov);
	}
	while (w->conns) {
		struct source *src = w->conns;

		w->conns = src->next;
		free(src_conn(src));
	}
	for (i = 0; i < MAX_STAGES; i++)
		ring_free(&w->local[i]);
	free(w->bev);
	free(w->batch.ev);
	free(w->batch.addr);
	free(w->stats);
	free(w->be_data);
	free(w);
}

static void set_sched(struct worker *w, unsigned int sched)
{
	struct sched_param sp = { .sched_priority = 0 };

	if (!w->has_thread || w->sched == sched)
		return;
	/* refused (a real-time thread, a sandbox): the policy stays as it is */
	if (pthread_setschedparam(pthread_self(),
				  sched == SEDAK_SCHED_BATCH ?
				  SCHED_BATCH : SCHED_OTHER, &sp) == 0)
		store_relaxed(&w->sched, sched);
}

/*
 * SCHED_BATCH keeps a worker from preempting whoever makes its events, so that
 * they come in batches; with single events it only adds delay.
 */
static void sched_auto(struct worker *w, unsigned int n)
{
	w->avg_batch += ((int)(n << 8) - w->avg_batch) / 16;
	if (++w->sched_tick % SCHED_EVERY)
		return;
	if (w->avg_batch > SCHED_BATCH_ABOVE)
		set_sched(w, SEDAK_SCHED_BATCH);
	else if (w->avg_batch < SCHED_NORMAL_BELOW)
		set_sched(w, SEDAK_SCHED_NORMAL);
}

/* Whether the clock has to be set, and nobody is about to */
static bool clock_is_late(struct sedak_pool *pool)
{
	return atomic_load(&pool->next_timer) < load_relaxed(&pool->armed) &&
	       !atomic_load(&pool->clock_setter);
}

/*
 * Whoever found that it has to ring earlier still left it to this worker, which
 * may be in a handler for long from here on.
 */
static void clock_is_set(struct sedak_pool *pool)
{
	atomic_store(&pool->clock_setter, NULL);
	if (clock_is_late(pool))
		pool_wake(pool);
}

/*
 * Sleeping: sleepers is raised, then everything that others publish is looked at
 * once more; pool_wake() publishes, then reads sleepers.  One of the two sees the
 * other (both sides are sequentially consistent).
 */
static int wait_events(struct worker *w, int64_t timeout)
{
	struct sedak_pool *pool = w->pool;
	bool sleeps = false;
	int n;

	if (w->svc_head || w->active || w->held || w->publish ||
	    queues_pending(w) || w->need_result || w->be->must_see(w))
		timeout = 0;
	if (timeout) {
		sleeps = true;
		atomic_fetch_add(&pool->sleepers, 1);
		if (atomic_load(&pool->inbox) || queues_pending(w) ||
		    atomic_load(&w->rt->stopping) || clock_is_late(pool))
			timeout = 0;
		else if (atomic_load(&w->rt->ret_bufs))
			timeout = RETURN_NS;
	}
	w->need_result = false;
	n = w->be->enter(w, pool->max_events, timeout);
	if (sleeps)
		atomic_fetch_sub(&pool->sleepers, 1);
	return n;
}

/*
 * One round.  Returns how many events the backend gave, or -errno of a wait that
 * was interrupted.
 */
int worker_cycle(struct worker *w, int64_t timeout)
{
	int n, i, events = 0;
	bool published;

	worker_service(w);
	batch_run(w);
	queues_run(w);
	batch_run(w);
	if (w->now >= load_relaxed(&w->pool->next_timer))
		timers_expire(w);
	worker_settle(w);
	timers_sync(w);
	n = wait_events(w, timeout);
	w->now = clock_now();
	published = w->publish;
	if (unlikely(published))
		bev_publish(w);
	worker_sent_done(w);
	if (w->udp_sent)
		udp_sent_done(w);
	if (unlikely(load_relaxed(&w->pool->clock_setter) == w))
		clock_is_set(w->pool);
	/* it goes first, or what has just come would be deferred, too, and so on */
	if (unlikely(published)) {
		queues_run(w);
		batch_run(w);
	}
	counter_add(w->enters, 1);
	if (n <= 0) {
		counter_add(w->waits, 1);
		return n;
	}
	for (i = 0; i < n; i++)
		events += dispatch(w, &w->bev[i]);
	batch_run(w);
	counter_add(w->events, (uint64_t)events);
	if (w->pool->sched == SEDAK_SCHED_AUTO && events)
		sched_auto(w, (unsigned int)events);
	return n;
}

static bool is_busy(const struct worker *w)
{
	return w->svc_head || w->active || w->held || w->publish ||
	       queues_pending(w) || clock_is_late(w->pool);
}

/*
 * Nested: one round that may wait, then those that submit what its handlers did:
 * operations and timers too, which no list has, so until nothing has happened.
 * What is left makes the descriptor readable.
 */
int worker_run_once(struct worker *w, int64_t timeout)
{
	int i, ret, n;

	w->handled = 0;
	ret = worker_cycle(w, timeout);
	for (i = 0, n = ret; i < 8 && (n > 0 || is_busy(w)); i++)
		n = worker_cycle(w, 0);
	if (n > 0 || is_busy(w))
		pool_wake_force(w->pool);
	return ret < 0 ? ret : (int)w->handled;
}

static void put_list(struct source *src)
{
	struct source *next;

	for (; src; src = next) {
		next = src->next;
		src->listed = LIST_NONE;
		if (src->qref)
			src_put(src);
	}
}

static void drop_bevs(struct bev *b)
{
	struct bev *next;

	for (; b; b = next) {
		next = b->next;
		bev_drop(b);
	}
}

/* After its last round: gives up what it still has in hand */
void worker_drop(struct worker *w)
{
	struct source *src, *next;

	put_list(w->active);
	put_list(w->sent);
	put_list(w->svc_head);
	w->active = NULL;
	w->sent = NULL;
	w->svc_head = NULL;
	w->svc_tail = NULL;
	drop_bevs(w->held);
	drop_bevs(w->publish);
	w->held = NULL;
	w->publish = NULL;
	bufs_drop(w);
	udp_sent_done(w);
	src = atomic_exchange(&w->pool->inbox, NULL);
	for (; src; src = next) {
		next = load_relaxed(&src->inbox_next);
		if (src->qref)
			src_put(src);
	}
}

/* What cannot happen has: told once, and not in a hot loop */
static void enter_failed(const struct worker *w, int err, bool *told)
{
	const struct timespec ts = { .tv_nsec = 10000000 };

	if (!*told)
		rt_log(w->rt, SEDAK_LOG_ERROR, "pool %s: worker %u: waiting: %s",
		       w->pool->name, w->index, strerror(-err));
	*told = true;
	nanosleep(&ts, NULL);
}

void worker_loop(struct worker *w)
{
	bool told = false;
	int n;

	if (w->pool->sched == SEDAK_SCHED_BATCH)
		set_sched(w, SEDAK_SCHED_BATCH);
	w->now = clock_now();
	while (!load_relaxed(&w->rt->stopping)) {
		n = worker_cycle(w, -1);
		if (unlikely(n < 0 && n != -EINTR))
			enter_failed(w, n, &told);
	}
	/* the next one that sleeps */
	pool_wake_force(w->pool);
}
