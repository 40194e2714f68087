// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * actor.c - one owner at a time for every source
 *
 * The word of a source says whether somebody has it (A_ACTIVE) and which
 * messages wait for its owner; internal.h has the rules.  A worker's cycle is:
 * service (messages and deferred events make events for handlers), run the
 * handlers, settle (submit what the handlers left to be done, let go).
 */
#include <stdlib.h>

#include "backend.h"

_Thread_local struct worker *this_worker;

void src_init(struct source *src, enum source_kind kind,
	      struct sedak_stage *stage, void *user)
{
	memset(src, 0, sizeof(*src));
	src->kind = (uint8_t)kind;
	src->stage = stage;
	src->rt = stage->rt;
	atomic_init(&src->refs, 1);
	store_relaxed(&src->user, user);
}

void src_get(struct source *src)
{
	atomic_fetch_add_explicit(&src->refs, 1, memory_order_relaxed);
}

void src_put(struct source *src)
{
	if (atomic_fetch_sub_explicit(&src->refs, 1, memory_order_acq_rel) != 1)
		return;
	switch (src->kind) {
	case SRC_CONN:
		conn_free(src_conn(src));
		break;
	case SRC_WATCH:
		watch_free(container_of(src, struct sedak_watch, src));
		break;
	case SRC_FILE:
		file_free(container_of(src, struct sedak_file, src));
		break;
	case SRC_TIMER:
		timer_free(container_of(src, struct sedak_timer, src));
		break;
	default:	/* listeners and UDP sockets live as long as the runtime */
		break;
	}
}

static void svc_push(struct worker *w, struct source *src)
{
	src->next = NULL;
	src->listed = LIST_SVC;
	if (w->svc_tail)
		w->svc_tail->next = src;
	else
		w->svc_head = src;
	w->svc_tail = src;
}

static void inbox_push(struct sedak_pool *pool, struct source *src)
{
	struct source *head = load_relaxed(&pool->inbox);

	do {
		store_relaxed(&src->inbox_next, head);
	} while (!atomic_compare_exchange_weak_explicit(&pool->inbox, &head, src,
			memory_order_release, memory_order_relaxed));
	pool_wake(pool);
}

/*
 * Leaves a message.  Release: what was stored for it is seen by the owner, who
 * takes the bits with acquire.
 */
void src_raise(struct source *src, uint32_t bits)
{
	struct sedak_pool *pool = src->stage->pool;
	struct worker *w = this_worker;

	if (atomic_fetch_or_explicit(&src->word, bits | A_ACTIVE,
				     memory_order_acq_rel) & A_ACTIVE)
		return;
	src_get(src);
	src->qref = true;
	if (w && w->pool == pool) {
		store_relaxed(&src->owner, w);
		svc_push(w, src);
	} else {
		inbox_push(pool, src);
	}
}

/*
 * Another worker has the source: leaves the event, held, to it.  There is never
 * more than one, because a held source gives no more.
 */
void src_defer(struct worker *w, struct source *src, struct bev *b)
{
	if (b->bits & BEV_HELD) {
		src->kev = b;
		src_raise(src, P_KEV);
	} else {
		bev_hold(w, b, true);
	}
}

static void service_one(struct worker *w, struct source *src)
{
	uint32_t bits = atomic_fetch_and_explicit(&src->word, ~P_MASK,
						  memory_order_acquire) & P_MASK;

	switch (src->kind) {
	case SRC_CONN:
		conn_service(w, src_conn(src), bits);
		break;
	case SRC_LISTEN:
		listener_service(w, container_of(src, struct sedak_listener, src),
				 bits);
		break;
	case SRC_UDP:
		udp_service(w, container_of(src, struct sedak_udp, src), bits);
		break;
	case SRC_WATCH:
		watch_service(w, container_of(src, struct sedak_watch, src), bits);
		break;
	case SRC_FILE:
		file_service(w, container_of(src, struct sedak_file, src));
		break;
	case SRC_TIMER:
		timer_service(w, container_of(src, struct sedak_timer, src), bits);
		break;
	case SRC_INTERNAL:
		stage_delay_fired(w, src->stage);
		break;
	}
}

/* Takes the pool's inbox, which is newest first, in order */
static void inbox_take(struct worker *w)
{
	struct source *src, *list = NULL, *next;

	if (!load_relaxed(&w->pool->inbox))
		return;
	src = atomic_exchange_explicit(&w->pool->inbox, NULL,
				       memory_order_acquire);
	for (; src; src = next) {
		next = load_relaxed(&src->inbox_next);
		src->next = list;
		list = src;
	}
	for (src = list; src; src = next) {
		next = src->next;
		store_relaxed(&src->owner, w);
		svc_push(w, src);
	}
}

/*
 * Handles the messages there are now; those that come meanwhile wait for the
 * next round.  Returns whether there were any.
 */
bool worker_service(struct worker *w)
{
	struct source *src, *next;

	inbox_take(w);
	src = w->svc_head;
	if (!src)
		return false;
	w->svc_head = NULL;
	w->svc_tail = NULL;
	for (; src; src = next) {
		next = src->next;
		src->listed = LIST_NONE;
		service_one(w, src);
		worker_list(w, src);
	}
	return true;
}

static inline bool conn_is_settled(const struct sedak_conn *c)
{
	return load_relaxed(&c->src.word) == A_ACTIVE && !c->wq_head &&
	       c->state == CONN_OPEN && !c->rx_off && !c->over_high &&
	       !c->want_sent && !load_relaxed(&c->src.foreign);
}

/* To a worker of its own pool, active as it is */
static void hand_over(struct source *src)
{
	if (!src->qref)
		src_get(src);
	src->qref = true;
	store_relaxed(&src->owner, NULL);
	inbox_push(src->stage->pool, src);
}

static void let_go(struct worker *w, struct source *src)
{
	bool foreign = src->stage->pool != w->pool;

	if (unlikely(foreign && src->kind == SRC_CONN &&
		     !conn_is_settled(src_conn(src))))
		hand_over(src);
	else if (src_release(w, src))
		return;
	else if (foreign)
		hand_over(src);
	else
		svc_push(w, src);
}

/* Settles a connection; true if a result must be seen before it is let go */
static inline bool conn_waits(struct worker *w, struct sedak_conn *c)
{
	/* nothing to do is the rule: what was sent is submitted already */
	if (likely(conn_is_settled(c)))
		return c->unseen && !c->blind;
	if (likely(c->src.stage->pool == w->pool))
		return !conn_settle(w, c);
	/*
	 * Accepted for another pool, to which the rest is left.  Not this: it has
	 * to come before the ACCEPT is given back.
	 */
	if (c->state == CONN_NEW)
		conn_attach(w, c);
	return false;
}

/*
 * After the handlers: submits sends, closes and so on, and lets go of what does
 * not wait for a result.
 */
void worker_settle(struct worker *w)
{
	struct source *src = w->active, *next;
	struct bev *b, *bnext;

	w->active = NULL;
	for (; src; src = next) {
		next = src->next;
		src->listed = LIST_NONE;
		if ((src->kind == SRC_CONN && conn_waits(w, src_conn(src))) ||
		    unlikely(src->in_ring)) {
			src->next = w->sent;
			w->sent = src;
			/* must_see may have been an earlier cycle's */
			w->need_result |= src->in_ring;
		} else {
			let_go(w, src);
		}
	}
	for (b = w->held, w->held = NULL; b; b = bnext) {
		bnext = b->next;
		bev_give_back(w, b);
	}
	bufs_return(w);
}

/* After enter(): it has submitted the operations, and the results have been seen */
void worker_sent_done(struct worker *w)
{
	struct source *src = w->sent, *next;

	w->sent = NULL;
	for (; src; src = next) {
		next = src->next;
		src->in_ring = false;
		if (src->kind == SRC_CONN && src_conn(src)->wq_head &&
		    !wq_busy(src_conn(src)) && src->stage->pool == w->pool)
			worker_list(w, src);	/* more was queued meanwhile */
		else
			let_go(w, src);
	}
}
