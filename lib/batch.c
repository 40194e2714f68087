// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * batch.c - from the backend's events to handler calls
 *
 * A worker puts together one batch at a time, of one stage, and runs it when the
 * next event is another stage's or the batch is full.  Events of a stage that
 * is held back (or whose minimum batch is not reached) are deferred: their
 * source stays held, so nothing is read for it, and any worker of the pool takes
 * them up later.
 */
#include <stdlib.h>

#include "backend.h"

static void batch_grow(struct batch *bt, unsigned int cap)
{
	struct sedak_event *ev = realloc(bt->ev, cap * sizeof(*ev));
	struct sockaddr_in6 *addr;

	if (!ev)
		return;
	bt->ev = ev;
	addr = realloc(bt->addr, cap * sizeof(*addr));
	if (!addr)
		return;
	bt->addr = addr;
	bt->cap = cap;
}

/* For the first event of a batch, or when it is another stage's, or full */
void batch_begin(struct worker *w, struct sedak_stage *stage)
{
	struct batch *bt = &w->batch;

	batch_run(w);
	/* without memory the batches are smaller, that is all */
	if (unlikely(stage->max_batch > bt->cap))
		batch_grow(bt, stage->max_batch);
	bt->limit = stage->max_batch < bt->cap ? stage->max_batch : bt->cap;
	bt->stage = stage;
}

static void batch_count(struct worker *w, struct sedak_stage *stage,
			unsigned int n, uint64_t ns)
{
	struct stage_counters *c = &w->stats[stage->index];
	unsigned int bucket = ns ? 63u - (unsigned int)__builtin_clzll(ns) : 0;

	if (bucket >= SEDAK_HIST_BUCKETS)
		bucket = SEDAK_HIST_BUCKETS - 1;
	counter_add(c->delivered, n);
	counter_add(c->batches, 1);
	counter_add(c->service_ns, ns);
	counter_add(c->hist[bucket], 1);
	if (n > counter_get(c->batch_max))
		store_relaxed(&c->batch_max, n);
}

/* Calls the handler.  No library state is borrowed across the call. */
void batch_run(struct worker *w)
{
	struct batch *bt = &w->batch;
	struct sedak_stage *stage = bt->stage;
	unsigned int n = bt->n;
	uint64_t end;

	if (!n)
		return;
	w->in_handler = true;
	w->running = stage;
	stage->handler(stage, bt->ev, n);
	w->running = NULL;
	w->in_handler = false;
	bt->n = 0;
	bt->stage = NULL;
	w->handled += n;
	end = clock_now();
	batch_count(w, stage, n, end - w->now);
	w->now = end;
}

/* ------------------------------------------------------- deferred events */

static bool kind_is_owned(const struct source *src)
{
	return src->kind == SRC_CONN || src->kind == SRC_WATCH;
}

/* For a connection that is an error that the program is told, or it is the end */
static void bev_lost(struct worker *w, const struct bev *b)
{
	uint32_t bits = b->bits & BEV_CLOSED ? S_LOST : 0;

	rt_log(w->rt, SEDAK_LOG_ERROR, "no memory to defer an event");
	if (b->src->kind == SRC_CONN)
		src_raise(b->src, bits | S_BROKEN | P_CTL);
	else if (bits)
		src_raise(b->src, bits | P_CTL);
}

/*
 * Keeps a copy of the event that outlives the batch; its source stays held, its
 * buffer kept.  That is so from the next enter() on, and only then others may
 * have it: given back before, it would be held for ever.  Without memory the
 * event is lost.
 */
void bev_hold(struct worker *w, const struct bev *b, bool to_source)
{
	struct bev *held = malloc(sizeof(*held));

	if (!held) {
		bev_lost(w, b);
		return;
	}
	*held = *b;
	held->next = NULL;
	held->since = w->now;
	held->to_source = to_source;
	if (held->buf && buf_keep(w, &held->buf, held->buf->data, b->len) < 0) {
		free(held);
		bev_lost(w, b);
		return;
	}
	/* after its last event a source may go: nothing to hold or release */
	if (kind_is_owned(b->src) && !(b->bits & (BEV_CLOSED | BEV_HELD)))
		w->be->hold(w, b->slot);
	held->bits |= BEV_HELD;
	if (w->publish_tail)
		w->publish_tail->next = held;
	else
		w->publish = held;
	w->publish_tail = held;
}

/* At the stop */
void bev_drop(struct bev *b)
{
	const struct backend *be = b->src->rt->be;

	if (b->buf)
		buf_drop(NULL, b->buf);
	if (kind_is_owned(b->src) && !(b->bits & BEV_CLOSED) && be->unhold)
		be->unhold(b->src);
	free(b);
}

static void stage_defer(struct sedak_stage *stage, struct bev *held)
{
	pthread_mutex_lock(&stage->lock);
	if (stage->def_tail)
		stage->def_tail->next = held;
	else
		stage->def_head = held;
	stage->def_tail = held;
	atomic_fetch_add(&stage->deferred, 1);
	pthread_mutex_unlock(&stage->lock);
	stage_may_run(stage);
}

/* After enter(): what is held now goes to those it waits for */
void bev_publish(struct worker *w)
{
	struct bev *b = w->publish, *next;

	w->publish = NULL;
	w->publish_tail = NULL;
	for (; b; b = next) {
		next = b->next;
		b->next = NULL;
		if (b->to_source)
			src_defer(w, b->src, b);
		else
			stage_defer(b->src->stage, b);
	}
}

/* After settling: what the handlers did is submitted before it in order */
void bev_give_back(struct worker *w, struct bev *b)
{
	if (b->buf)
		buf_drop(w, b->buf);
	b->buf = NULL;
	if (kind_is_owned(b->src) && !(b->bits & BEV_CLOSED) &&
	    w->be->op_release(w, b->src) == -EAGAIN) {
		b->next = w->held;
		w->held = b;
		return;
	}
	free(b);
}

static inline bool must_defer(struct worker *w, struct sedak_stage *stage,
		       const struct bev *b)
{
	if (b->src->kind == SRC_LISTEN)
		return false;	/* its child could not be held; the rest is ours */
	if (load_relaxed(&stage->waiting_on))
		return true;
	if (stage->min_batch > 1 && !w->be->batches)
		return true;
	/* what was deferred before goes first */
	return load_relaxed(&stage->deferred) != 0;
}

/* A socket of datagrams is not held: what it sends waits within the capacity. */
static bool drops(struct worker *w, struct sedak_stage *stage,
		  const struct bev *b)
{
	if (b->src->kind != SRC_UDP || (b->bits & ~(BEV_IN | BEV_ERR)) ||
	    load_relaxed(&stage->deferred) < stage->capacity)
		return false;
	if (b->bits & BEV_IN)
		atomic_fetch_add(&w->rt->udp_dropped, 1);
	return true;
}

/* -------------------------------------------------------------- dispatch */

/*
 * Hands one event to its source's kind.  A held event goes to w->held, to be
 * given back when its effects are submitted, unless it was deferred again.
 */
static inline void dispatch_now(struct worker *w, struct bev *b)
{
	struct source *src = b->src;

	if (likely(src->kind == SRC_CONN || src->kind == SRC_WATCH)) {
		if (unlikely(!src_acquire(w, src))) {
			src_defer(w, src, b);
			return;
		}
		worker_list(w, src);
	}
	switch (src->kind) {
	case SRC_CONN:
		conn_event(w, src_conn(src), b);
		break;
	case SRC_WATCH:
		watch_event(w, container_of(src, struct sedak_watch, src), b);
		break;
	case SRC_LISTEN:
		listener_event(w, container_of(src, struct sedak_listener, src), b);
		break;
	case SRC_UDP:
		udp_event(w, container_of(src, struct sedak_udp, src), b);
		break;
	default:
		break;
	}
	if (b->bits & BEV_HELD) {
		b->next = w->held;
		w->held = b;
	}
}

/* Takes up deferred events, one batch of them.  Returns whether there were any. */
bool stage_run_deferred(struct worker *w, struct sedak_stage *stage)
{
	struct bev *list, *last, *next;
	unsigned int n = 1;

	if (!load_relaxed(&stage->deferred))
		return false;
	pthread_mutex_lock(&stage->lock);
	list = stage->def_head;
	for (last = list; last && last->next && n < stage->max_batch; n++)
		last = last->next;
	if (list) {
		stage->def_head = last->next;
		if (!stage->def_head)
			stage->def_tail = NULL;
		last->next = NULL;
		atomic_fetch_sub(&stage->deferred, n);
	}
	pthread_mutex_unlock(&stage->lock);
	for (; list; list = next) {
		next = list->next;
		dispatch_now(w, list);
	}
	return true;
}

/* An event fresh from the backend.  Returns whether it was for a handler. */
bool dispatch(struct worker *w, struct bev *b)
{
	struct sedak_pool *pool = w->pool;
	struct sedak_stage *stage;

	if (b->bits & BEV_WAKE) {
		/* acquire: what the waker had published is seen from here on */
		atomic_exchange(&pool->waking, 0);
		return false;
	}
	if (b->bits & BEV_TIMER) {
		store_relaxed(&pool->armed, NEVER);
		timers_expire(w);
		return false;
	}
	if (unlikely(!b->src))
		return false;
	stage = b->src->stage;
	if (unlikely(stage->pool != pool && kind_is_owned(b->src))) {
		/* epoll: an event of what the memory was before; now another pool's */
		bev_hold(w, b, true);
	} else if (unlikely(must_defer(w, stage, b))) {
		if (!drops(w, stage, b))
			bev_hold(w, b, false);
	} else {
		dispatch_now(w, b);
	}
	return true;
}
