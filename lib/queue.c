// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * queue.c - queues of stages, and back-pressure
 *
 * A stage has one shared queue (stage->lock), and in each worker of its pool a
 * local one without a lock, for what that worker's own handlers post: the worker
 * runs it before it waits again, without a context switch.  stage->queued counts
 * all of them together against the capacity.
 *
 * pool->ready has a bit for each stage that may have work in its shared queue or
 * deferred events.  It is set after the work is published, and cleared by the
 * worker that is going to look.
 */
#include <stdlib.h>

#include "backend.h"

/* Room for so many more */
static int ring_grow(struct ring *r, uint32_t more)
{
	uint32_t i, cap = r->cap ? r->cap : 16;
	struct qitem *v;

	while (cap - r->len < more)
		cap *= 2;
	if (cap == r->cap)
		return 0;
	v = malloc(cap * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < r->len; i++)
		v[i] = r->v[(r->head + i) & (r->cap - 1)];
	free(r->v);
	r->v = v;
	r->head = 0;
	r->cap = cap;
	return 0;
}

static int ring_put(struct ring *r, void *item, uint64_t since)
{
	if (r->len == r->cap && ring_grow(r, 1))
		return -ENOMEM;
	r->v[(r->head + r->len) & (r->cap - 1)] = (struct qitem){ item, since };
	r->len++;
	return 0;
}

static struct qitem ring_take(struct ring *r)
{
	struct qitem q = r->v[r->head];

	r->head = (r->head + 1) & (r->cap - 1);
	r->len--;
	return q;
}

void ring_free(struct ring *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

/* Published work is to be looked at by a worker of the pool */
void stage_may_run(struct sedak_stage *stage)
{
	atomic_fetch_or(&stage->pool->ready, 1ull << stage->index);
	pool_wake(stage->pool);
}

/* ----------------------------------------------------------------- posting */

/*
 * A full stage under back-pressure: the sender's stage is not run until there is
 * room.  It is not held back by a stage that is itself held back, or stages that
 * post to each other in a circle would wait for ever.  hold_lock makes one step
 * of the look and the hold: of a circle's last two another would see neither.
 */
static void hold_back(struct worker *w, struct sedak_stage *stage)
{
	struct sedak_stage *from = w->running;
	uint64_t bit;

	if (!from || from == stage || load_relaxed(&stage->waiting_on))
		return;
	bit = 1ull << from->index;
	pthread_mutex_lock(&stage->rt->hold_lock);
	if (load_relaxed(&stage->waiting_on))
		goto out;
	pthread_mutex_lock(&stage->lock);
	/* pairs with let_run(): flag, then length; there length, then flag */
	atomic_store(&stage->has_waiters, true);
	if (!(stage->waiters & bit) &&
	    atomic_load(&stage->queued) >= stage->capacity) {
		stage->waiters |= bit;
		atomic_fetch_add(&from->waiting_on, 1);
		atomic_fetch_add(&from->pauses, 1);
	}
	if (!stage->waiters)
		atomic_store(&stage->has_waiters, false);
	pthread_mutex_unlock(&stage->lock);
out:
	pthread_mutex_unlock(&stage->rt->hold_lock);
}

/* The queue got shorter: those who wait may run when a quarter of it is free */
static void let_run(struct sedak_stage *stage)
{
	struct sedak_rt *rt = stage->rt;
	uint64_t mask, low = stage->capacity - (stage->capacity + 3) / 4;
	unsigned int i;

	/* pairs with hold_back(): the length has been stored before */
	if (likely(!atomic_load(&stage->has_waiters)) ||
	    atomic_load(&stage->queued) > low)
		return;
	pthread_mutex_lock(&stage->lock);
	mask = stage->waiters;
	stage->waiters = 0;
	atomic_store(&stage->has_waiters, false);
	pthread_mutex_unlock(&stage->lock);
	for (; mask; mask &= mask - 1) {
		i = (unsigned int)__builtin_ctzll(mask);
		if (atomic_fetch_sub(&rt->stages[i]->waiting_on, 1) == 1)
			stage_may_run(rt->stages[i]);
	}
}

/* A place in the queue, or -EAGAIN */
static int reserve(struct worker *w, struct sedak_stage *stage)
{
	uint32_t bound = stage->capacity, n = load_relaxed(&stage->queued);

	if (stage->full == SEDAK_FULL_BACKPRESSURE && w && w->running)
		bound = 2 * bound + OVERSHOOT;
	/* never too long for a moment: let_run() may look just then */
	do {
		if (unlikely(n >= bound)) {
			atomic_fetch_add_explicit(&stage->rejected, 1,
						  memory_order_relaxed);
			return -EAGAIN;
		}
	} while (!atomic_compare_exchange_weak(&stage->queued, &n, n + 1));
	if (n + 1 > load_relaxed(&stage->queued_max))
		store_relaxed(&stage->queued_max, n + 1);
	return n + 1 >= stage->capacity;
}

/*
 * Whether the worker's own queue of the stage takes what it posts: not as long as
 * older items of it may be in the shared one, or it would overtake them.
 */
static bool goes_local(struct worker *w, struct sedak_stage *stage)
{
	uint64_t bit = 1ull << stage->index;

	if (!w || w->pool != stage->pool || stage->min_batch > 1)
		return false;
	if (unlikely(w->spilled & bit)) {
		if (load_relaxed(&stage->shared_len))
			return false;
		w->spilled &= ~bit;
	}
	return true;
}

int sedak_stage_post(struct sedak_stage *stage, void *item)
{
	struct worker *w = worker_of(stage->rt);
	int ret, over;

	if (unlikely(load_relaxed(&stage->rt->stopping)))
		return -ESHUTDOWN;
	over = reserve(w, stage);
	if (unlikely(over < 0))
		return over;
	if (likely(goes_local(w, stage))) {
		ret = ring_put(&w->local[stage->index], item, w->now);
		if (likely(!ret))
			w->local_mask |= 1ull << stage->index;
	} else {
		pthread_mutex_lock(&stage->lock);
		ret = ring_put(&stage->shared, item, now_of(w));
		store_relaxed(&stage->shared_len, stage->shared.len);
		pthread_mutex_unlock(&stage->lock);
		stage_may_run(stage);
	}
	if (unlikely(ret < 0)) {
		atomic_fetch_sub(&stage->queued, 1);
		let_run(stage);
		return -EAGAIN;
	}
	atomic_fetch_add_explicit(&stage->enqueued, 1, memory_order_relaxed);
	if (unlikely(over) && stage->full == SEDAK_FULL_BACKPRESSURE && w)
		hold_back(w, stage);
	return 0;
}

/* ----------------------------------------------------------------- running */

static void deliver(struct worker *w, struct sedak_stage *stage,
		    struct qitem q, uint64_t *sum, uint64_t *max)
{
	struct sedak_event *ev = batch_add(w, stage);
	uint64_t delay = w->now > q.since ? w->now - q.since : 0;

	ev->type = SEDAK_EV_ITEM;
	ev->data = q.item;
	*sum += delay;
	if (delay > *max)
		*max = delay;
}

static void count_taken(struct worker *w, struct sedak_stage *stage,
			unsigned int n, uint64_t sum, uint64_t max)
{
	struct stage_counters *c = &w->stats[stage->index];

	counter_add(c->delay_ns, sum);
	counter_add(c->delay_nr, n);
	if (max > counter_get(c->delay_max))
		store_relaxed(&c->delay_max, max);
	atomic_fetch_sub(&stage->queued, n);
	let_run(stage);
}

static bool run_local(struct worker *w, struct sedak_stage *stage)
{
	struct ring *r = &w->local[stage->index];
	uint64_t sum = 0, max = 0;
	unsigned int n = 0;

	while (r->len && n < stage->max_batch) {
		deliver(w, stage, ring_take(r), &sum, &max);
		n++;
	}
	if (!r->len)
		w->local_mask &= ~(1ull << stage->index);
	if (n)
		count_taken(w, stage, n, sum, max);
	batch_run(w);
	return n != 0;
}

static bool run_shared(struct worker *w, struct sedak_stage *stage)
{
	struct qitem q[DEF_MAX_BATCH];
	uint64_t sum = 0, max = 0;
	unsigned int n = 0, i, left;

	if (!load_relaxed(&stage->shared_len))
		return false;
	pthread_mutex_lock(&stage->lock);
	while (stage->shared.len && n < stage->max_batch && n < DEF_MAX_BATCH)
		q[n++] = ring_take(&stage->shared);
	left = stage->shared.len;
	store_relaxed(&stage->shared_len, left);
	pthread_mutex_unlock(&stage->lock);
	/* before the handler, which may take long: others may have the rest */
	if (left)
		stage_may_run(stage);
	for (i = 0; i < n; i++)
		deliver(w, stage, q[i], &sum, &max);
	if (n)
		count_taken(w, stage, n, sum, max);
	batch_run(w);
	return n != 0;
}

/*
 * Whether a stage with a minimum batch has reached it, or its oldest has waited
 * long enough; else sees to it that its time comes.
 */
static bool batch_due(struct worker *w, struct sedak_stage *stage)
{
	uint64_t oldest = NEVER, limit;
	uint64_t items = load_relaxed(&stage->shared_len);
	uint64_t n = items + load_relaxed(&stage->deferred);
	uint64_t sources = load_relaxed(&stage->sources);
	uint64_t need = stage->min_batch;

	/* of sources alone no more can come than there are */
	if (!items && sources && sources < need)
		need = sources;
	if (n >= need || !n)
		return true;
	pthread_mutex_lock(&stage->lock);
	if (stage->shared.len)
		oldest = stage->shared.v[stage->shared.head].since;
	if (stage->def_head && stage->def_head->since < oldest)
		oldest = stage->def_head->since;
	pthread_mutex_unlock(&stage->lock);
	if (oldest == NEVER)
		return true;
	limit = oldest + stage->max_delay_ns;
	if (w->now >= limit || clock_now() >= limit)
		return true;
	/* without memory for the timer it is due now */
	return !timer_arm(w, stage->pool, &stage->delay_timer, limit);
}

void stage_delay_fired(struct worker *w, struct sedak_stage *stage)
{
	(void)w;
	stage_may_run(stage);
}

/*
 * A stage that is held back may be run next by another worker, which must find
 * everything: the local queue joins the shared one, all of it or, with no memory,
 * nothing until the next round.
 */
static void spill(struct worker *w, struct sedak_stage *stage)
{
	struct ring *r = &w->local[stage->index];
	struct qitem q;

	if (!r->len)
		return;
	pthread_mutex_lock(&stage->lock);
	if (!ring_grow(&stage->shared, r->len)) {
		while (r->len) {
			q = ring_take(r);
			ring_put(&stage->shared, q.item, q.since);
		}
		w->local_mask &= ~(1ull << stage->index);
		w->spilled |= 1ull << stage->index;
	}
	store_relaxed(&stage->shared_len, stage->shared.len);
	pthread_mutex_unlock(&stage->lock);
}

/*
 * More than a cycle can defer, or what comes would be deferred for ever, but not so
 * much that a stage before this one waits long.
 */
static bool run_deferred(struct worker *w, struct sedak_stage *stage)
{
	unsigned int n;

	for (n = 0; n <= 2 * w->pool->max_events; n += stage->max_batch) {
		if (n && (load_relaxed(&stage->waiting_on) ||
			  !batch_due(w, stage)))
			break;
		if (!stage_run_deferred(w, stage))
			break;
		batch_run(w);
	}
	return n;
}

static bool run_stage(struct worker *w, struct sedak_stage *stage)
{
	bool ran = false;

	if (atomic_load(&stage->waiting_on)) {
		spill(w, stage);
		/*
		 * let_run() may have come between, and its bit may be cleared by
		 * somebody who has not found what was not spilled yet
		 */
		if (!atomic_load(&stage->waiting_on))
			stage_may_run(stage);
		return false;
	}
	ran |= run_local(w, stage);
	if (!batch_due(w, stage))
		return ran;
	ran |= run_deferred(w, stage);
	ran |= run_shared(w, stage);
	if (load_relaxed(&stage->deferred))
		stage_may_run(stage);
	return ran;
}

/* The foremost stage that may have work; clears its ready bit */
static struct sedak_stage *pick(struct worker *w, uint64_t tried)
{
	struct sedak_pool *pool = w->pool;
	struct sedak_stage *best = NULL, *s;
	uint64_t mask = (w->local_mask | load_relaxed(&pool->ready)) & ~tried;

	for (; mask; mask &= mask - 1) {
		s = w->rt->stages[__builtin_ctzll(mask)];
		if (!best || s->priority < best->priority)
			best = s;
	}
	if (best)
		atomic_fetch_and(&pool->ready, ~(1ull << best->index));
	return best;
}

/*
 * Runs a batch of each stage that has work, the foremost first, and what was
 * deferred; local queues go round until they are empty.  Returns whether any ran.
 */
bool queues_run(struct worker *w)
{
	struct sedak_stage *stage;
	uint64_t tried = 0;
	bool ran = false;

	while ((stage = pick(w, tried))) {
		tried |= 1ull << stage->index;
		/* for sedak_rt_drain(): set before a queue gets shorter */
		store_relaxed(&w->busy, true);
		ran |= run_stage(w, stage);
	}
	if (tried)
		atomic_store_explicit(&w->busy, false, memory_order_release);
	return ran;
}

/* Whether the worker must not sleep */
bool queues_pending(const struct worker *w)
{
	return w->local_mask || atomic_load(&w->pool->ready);
}
