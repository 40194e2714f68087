// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * timer.c - timers: a heap for each pool, over one clock of the backend
 *
 * Moving a deadline later, which is what happens to an idle timeout at every
 * request, changes one number: the node keeps its place, and is looked at again
 * when that comes up (key <= deadline).  pool->timer_lock protects the heap and
 * all nodes in it.
 */
#include <stdlib.h>

#include "backend.h"

static void heap_set(struct sedak_pool *pool, uint32_t pos,
		     struct timer_node *node)
{
	pool->heap[pos] = node;
	node->pos = (int32_t)pos;
}

static void sift_up(struct sedak_pool *pool, uint32_t pos,
		    struct timer_node *node)
{
	uint32_t up;

	for (; pos; pos = up) {
		up = (pos - 1) / 2;
		if (pool->heap[up]->key <= node->key)
			break;
		heap_set(pool, pos, pool->heap[up]);
	}
	heap_set(pool, pos, node);
}

static void sift_down(struct sedak_pool *pool, uint32_t pos,
		      struct timer_node *node)
{
	uint32_t child;

	for (;; pos = child) {
		child = 2 * pos + 1;
		if (child >= pool->heap_len)
			break;
		if (child + 1 < pool->heap_len &&
		    pool->heap[child + 1]->key < pool->heap[child]->key)
			child++;
		if (node->key <= pool->heap[child]->key)
			break;
		heap_set(pool, pos, pool->heap[child]);
	}
	heap_set(pool, pos, node);
}

static void heap_remove(struct sedak_pool *pool, struct timer_node *node)
{
	uint32_t pos = (uint32_t)node->pos;
	struct timer_node *last = pool->heap[--pool->heap_len];

	node->pos = -1;
	store_relaxed(&pool->nr_timers, pool->heap_len);
	if (last == node)
		return;
	if (pos && last->key < pool->heap[(pos - 1) / 2]->key)
		sift_up(pool, pos, last);
	else
		sift_down(pool, pos, last);
}

static int heap_add(struct sedak_pool *pool, struct timer_node *node)
{
	struct timer_node **heap;
	uint32_t cap;

	if (pool->heap_len == pool->heap_cap) {
		cap = pool->heap_cap ? 2 * pool->heap_cap : 64;
		heap = realloc(pool->heap, cap * sizeof(*heap));
		if (!heap)
			return -ENOMEM;
		pool->heap = heap;
		pool->heap_cap = cap;
	}
	sift_up(pool, pool->heap_len++, node);
	store_relaxed(&pool->nr_timers, pool->heap_len);
	return 0;
}

static void note_first(struct sedak_pool *pool)
{
	atomic_store(&pool->next_timer,
		     pool->heap_len ? pool->heap[0]->key : NEVER);
}

/* False: it will not fire */
static bool arm_locked(struct sedak_pool *pool, struct timer_node *node,
		       uint64_t deadline)
{
	node->deadline = deadline;
	if (node->pos < 0) {
		node->key = deadline;
		if (heap_add(pool, node) < 0) {
			rt_log(pool->rt, SEDAK_LOG_ERROR, "no memory for a timer");
			node->deadline = NEVER;
			return false;
		}
	} else if (deadline < node->key) {
		node->key = deadline;
		sift_up(pool, (uint32_t)node->pos, node);
	} else {
		return true;
	}
	note_first(pool);
	return true;
}

/* The clock may have to ring earlier: a worker of the pool sets it */
static void clock_changed(struct worker *w, struct sedak_pool *pool)
{
	if (load_relaxed(&pool->next_timer) < load_relaxed(&pool->armed) &&
	    !(w && w->pool == pool))
		pool_wake(pool);
}

bool timer_arm(struct worker *w, struct sedak_pool *pool,
	       struct timer_node *node, uint64_t deadline)
{
	bool armed;

	pthread_mutex_lock(&pool->timer_lock);
	armed = arm_locked(pool, node, deadline);
	pthread_mutex_unlock(&pool->timer_lock);
	clock_changed(w, pool);
	return armed;
}

static bool disarm_locked(struct sedak_pool *pool, struct timer_node *node)
{
	bool was = node->deadline != NEVER;

	node->deadline = NEVER;
	if (node->pos >= 0) {
		heap_remove(pool, node);
		note_first(pool);
	}
	return was;
}

bool timer_disarm(struct sedak_pool *pool, struct timer_node *node)
{
	bool was;

	pthread_mutex_lock(&pool->timer_lock);
	was = disarm_locked(pool, node);
	pthread_mutex_unlock(&pool->timer_lock);
	return was;
}

/* One node whose time has come; it is in the heap's first place */
static void fire(struct sedak_pool *pool, struct timer_node *node, uint64_t now)
{
	struct sedak_timer *t;
	uint64_t n;

	if (node->src->kind == SRC_TIMER) {
		t = container_of(node, struct sedak_timer, node);
		n = 1;
		if (t->period) {
			n += (now - node->deadline) / t->period;
			node->deadline += n * t->period;
			node->key = node->deadline;
			sift_down(pool, 0, node);
		} else {
			node->deadline = NEVER;
			heap_remove(pool, node);
		}
		t->fired += n;
	} else {
		node->deadline = NEVER;
		heap_remove(pool, node);
	}
	src_raise(node->src, P_TIMEOUT);
}

void timers_expire(struct worker *w)
{
	struct sedak_pool *pool = w->pool;
	struct timer_node *node;
	uint64_t now;

	if (w->now < load_relaxed(&pool->next_timer) &&
	    clock_now() < load_relaxed(&pool->next_timer))
		return;
	now = clock_now();
	pthread_mutex_lock(&pool->timer_lock);
	while (pool->heap_len && pool->heap[0]->key <= now) {
		node = pool->heap[0];
		if (node->deadline <= now) {
			fire(pool, node, now);
		} else {
			node->key = node->deadline;
			sift_down(pool, 0, node);
		}
	}
	note_first(pool);
	pthread_mutex_unlock(&pool->timer_lock);
}

/*
 * Before waiting: the backend's clock rings no later than the first timer.  If it
 * rings earlier, that is one wake-up too many and cheaper than setting it.  While
 * a worker's setting is not submitted nobody else sets it, as the two could change
 * places; that worker sees to it afterwards.
 */
void timers_sync(struct worker *w)
{
	struct sedak_pool *pool = w->pool;
	uint64_t next = atomic_load(&pool->next_timer);
	bool failed = false;

	if (likely(next >= load_relaxed(&pool->armed)))
		return;
	pthread_mutex_lock(&pool->timer_lock);
	next = load_relaxed(&pool->next_timer);
	if (next < load_relaxed(&pool->armed) &&
	    !load_relaxed(&pool->clock_setter)) {
		/* first: it may ring at once, and whoever hears it says NEVER */
		atomic_store(&pool->armed, next);
		failed = w->be->set_clock(pool, w, next) < 0;
		if (failed)
			atomic_store(&pool->armed, NEVER);
	}
	pthread_mutex_unlock(&pool->timer_lock);
	/* who came to set it may have found it set, and this one be busy now */
	if (failed)
		pool_wake(pool);
}

/* -------------------------------------------------------------------- API */

int sedak_timer_create(struct sedak_stage *stage, void *user,
		       struct sedak_timer **timerp)
{
	struct sedak_rt *rt = stage->rt;
	struct sedak_timer *t;

	if (load_relaxed(&rt->stopping))
		return -ESHUTDOWN;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	src_init(&t->src, SRC_TIMER, stage, user);
	t->node.pos = -1;
	t->node.deadline = NEVER;
	t->node.src = &t->src;
	pthread_mutex_lock(&rt->lock);
	t->all_next = rt->timers;
	if (rt->timers)
		rt->timers->all_prev = t;
	rt->timers = t;
	pthread_mutex_unlock(&rt->lock);
	*timerp = t;
	return 0;
}

int sedak_timer_set(struct sedak_timer *t, uint64_t first_ns,
		    uint64_t period_ns)
{
	struct sedak_pool *pool = t->src.stage->pool;
	uint64_t now = clock_now();
	bool armed;

	if (!first_ns)
		return -EINVAL;
	pthread_mutex_lock(&pool->timer_lock);
	/* far beyond the machine's life is as good as never */
	t->period = period_ns > INT64_MAX ? (uint64_t)INT64_MAX : period_ns;
	t->fired = 0;
	armed = arm_locked(pool, &t->node,
			   first_ns > INT64_MAX ? (uint64_t)INT64_MAX :
						  now + first_ns);
	pthread_mutex_unlock(&pool->timer_lock);
	clock_changed(this_worker, pool);
	return armed ? 0 : -ENOMEM;
}

int sedak_timer_cancel(struct sedak_timer *t)
{
	struct sedak_pool *pool = t->src.stage->pool;
	bool due;

	/* at once: it must not fire between the two */
	pthread_mutex_lock(&pool->timer_lock);
	due = disarm_locked(pool, &t->node) || t->fired;
	t->fired = 0;
	pthread_mutex_unlock(&pool->timer_lock);
	return due;
}

void sedak_timer_destroy(struct sedak_timer *t)
{
	struct sedak_rt *rt;

	if (!t)
		return;
	rt = t->src.rt;
	sedak_timer_cancel(t);
	pthread_mutex_lock(&rt->lock);
	if (t->all_prev)
		t->all_prev->all_next = t->all_next;
	else
		rt->timers = t->all_next;
	if (t->all_next)
		t->all_next->all_prev = t->all_prev;
	pthread_mutex_unlock(&rt->lock);
	/* whose handler has it in hand holds a reference */
	src_put(&t->src);
}

void timer_free(struct sedak_timer *t)
{
	free(t);
}

void timer_service(struct worker *w, struct sedak_timer *t, uint32_t bits)
{
	struct sedak_pool *pool = t->src.stage->pool;
	struct sedak_event *ev;
	uint64_t n;

	(void)bits;
	pthread_mutex_lock(&pool->timer_lock);
	n = t->fired;
	t->fired = 0;
	pthread_mutex_unlock(&pool->timer_lock);
	if (!n)
		return;
	ev = batch_add(w, t->src.stage);
	ev->type = SEDAK_EV_TIMER;
	ev->timer = t;
	ev->user = load_relaxed(&t->src.user);
	ev->amount = n;
}
