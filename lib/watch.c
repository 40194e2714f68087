// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * watch.c - readiness of any pollable file
 *
 * Memory of watches is kept for reuse, as that of connections (conn.c).
 */
#include <poll.h>
#include <stdlib.h>

#include "backend.h"

#define WATCH_MASK	(POLLIN | POLLOUT | POLLPRI | 0x2000u /* POLLRDHUP */)

static struct sedak_watch *watch_alloc(struct sedak_stage *stage, void *user)
{
	struct sedak_rt *rt = stage->rt;
	struct sedak_watch *wa;

	pthread_mutex_lock(&rt->lock);
	wa = rt->free_watches;
	if (wa)
		rt->free_watches = wa->all_next;
	pthread_mutex_unlock(&rt->lock);
	if (!wa)
		wa = calloc(1, sizeof(*wa));
	if (!wa)
		return NULL;
	wa->src.kind = SRC_WATCH;
	wa->src.listed = LIST_NONE;
	wa->src.qref = false;
	wa->src.stage = stage;
	wa->src.rt = rt;
	wa->src.kev = NULL;
	store_relaxed(&wa->src.refs, 1);
	store_relaxed(&wa->src.owner, NULL);
	store_relaxed(&wa->src.user, user);
	store_relaxed(&wa->src.word, 0);
	wa->close_sent = false;
	wa->ended = false;
	wa->gone = false;
	wa->all_prev = NULL;
	wa->all_next = NULL;
	return wa;
}

static void watch_link(struct sedak_watch *wa)
{
	struct sedak_rt *rt = wa->src.rt;

	atomic_fetch_add(&wa->src.stage->sources, 1);
	pthread_mutex_lock(&rt->lock);
	wa->all_next = rt->watches;
	if (rt->watches)
		rt->watches->all_prev = wa;
	rt->watches = wa;
	pthread_mutex_unlock(&rt->lock);
}

static void watch_unlink(struct sedak_watch *wa)
{
	struct sedak_rt *rt = wa->src.rt;

	pthread_mutex_lock(&rt->lock);
	if (wa->all_prev)
		wa->all_prev->all_next = wa->all_next;
	else
		rt->watches = wa->all_next;
	if (wa->all_next)
		wa->all_next->all_prev = wa->all_prev;
	pthread_mutex_unlock(&rt->lock);
	atomic_fetch_sub(&wa->src.stage->sources, 1);
}

/* The last reference is gone */
void watch_free(struct sedak_watch *wa)
{
	struct sedak_rt *rt = wa->src.rt;

	rt->be->forget(&wa->src);
	pthread_mutex_lock(&rt->lock);
	wa->all_next = rt->free_watches;
	rt->free_watches = wa;
	pthread_mutex_unlock(&rt->lock);
}

static int make(struct sedak_stage *stage, int fd, unsigned int events,
		unsigned int flags, void *user, struct sedak_watch **watchp)
{
	struct sedak_watch *wa = watch_alloc(stage, user);
	struct sedak_rt *rt = stage->rt;
	int ret;

	if (!wa)
		return -ENOMEM;
	store_relaxed(&wa->mask, events);
	watch_link(wa);
	*watchp = wa;	/* a handler may need it before this returns, and close it */
	src_get(&wa->src);
	ret = rt->be->watch(&wa->src, fd, events, flags);
	if (ret < 0) {
		watch_unlink(wa);
		src_put(&wa->src);
		*watchp = NULL;
	}
	src_put(&wa->src);
	return ret;
}

int sedak_watch_open(struct sedak_stage *stage, int fd, unsigned int events,
		     unsigned int flags, void *user,
		     struct sedak_watch **watchp)
{
	int ret;

	if ((events & ~WATCH_MASK) || !events ||
	    (flags & ~(SEDAK_WATCH_EDGE | SEDAK_WATCH_ONESHOT)) ||
	    flags == (SEDAK_WATCH_EDGE | SEDAK_WATCH_ONESHOT))
		return -EINVAL;
	if (fd < 0)
		return -EBADF;
	if (!rt_make_begin(stage->rt))
		return -ESHUTDOWN;
	ret = make(stage, fd, events, flags, user, watchp);
	rt_make_end(stage->rt);
	return ret;
}

int sedak_watch_arm(struct sedak_watch *wa, unsigned int events)
{
	if (events & ~WATCH_MASK)
		return -EINVAL;
	if (load_relaxed(&wa->src.word) & S_CLOSING)
		return -ESTALE;
	store_relaxed(&wa->mask, events);
	/* S_SHUT: it is to be armed (again) with the mask */
	src_raise(&wa->src, S_SHUT | P_CTL);
	return 0;
}

void sedak_watch_close(struct sedak_watch *wa)
{
	if (!wa || (load_relaxed(&wa->src.word) & S_CLOSING))
		return;
	/* whoever services it next may end it */
	src_get(&wa->src);
	if (!(atomic_fetch_or(&wa->src.word, S_CLOSING) & S_CLOSING)) {
		if (wa->src.rt->be->unwatch)
			wa->src.rt->be->unwatch(&wa->src);
		src_raise(&wa->src, P_CTL);
	}
	src_put(&wa->src);
}

/* ---------------------------------------------------------------- servicing */

/* Closed by both sides: the library's reference passes to who lets go */
static void watch_end(struct sedak_watch *wa)
{
	wa->gone = true;
	watch_unlink(wa);
	if (wa->src.qref)
		src_put(&wa->src);
	wa->src.qref = true;
}

/* The caller owns it */
void watch_event(struct worker *w, struct sedak_watch *wa, struct bev *b)
{
	struct sedak_event *ev;

	if (wa->gone)
		return;
	if ((b->bits & BEV_READY) && !(load_relaxed(&wa->src.word) & S_CLOSING)) {
		ev = batch_add(w, wa->src.stage);
		ev->type = SEDAK_EV_READY;
		ev->watch = wa;
		ev->user = load_relaxed(&wa->src.user);
		ev->res = b->res;
		ev->amount = b->amount;
	}
	if (!(b->bits & BEV_CLOSED))
		return;
	wa->ended = true;
	if (load_relaxed(&wa->src.word) & S_CLOSING)
		watch_end(wa);
}

void watch_service(struct worker *w, struct sedak_watch *wa, uint32_t bits)
{
	struct bev *b;
	uint32_t mask;
	int ret = 0;

	if (bits & P_KEV) {
		b = wa->src.kev;
		wa->src.kev = NULL;
		watch_event(w, wa, b);
		b->next = w->held;
		w->held = b;
	}
	if (wa->gone)
		return;
	if (wa->ended || (load_relaxed(&wa->src.word) & S_LOST)) {
		wa->ended = true;
		if (load_relaxed(&wa->src.word) & S_CLOSING)
			watch_end(wa);
		return;
	}
	if (wa->close_sent)
		return;
	if (load_relaxed(&wa->src.word) & S_CLOSING) {
		ret = w->be->op_close(w, &wa->src, false);
		wa->close_sent = !ret;
	} else if (atomic_fetch_and(&wa->src.word, ~S_SHUT) & S_SHUT) {
		mask = load_relaxed(&wa->mask);
		ret = mask ? w->be->op_arm(w, &wa->src, mask) :
			     w->be->op_disarm(w, &wa->src);
		if (ret < 0)
			atomic_fetch_or(&wa->src.word, S_SHUT);
	}
	if (ret < 0)
		atomic_fetch_or(&wa->src.word, P_ROOM);
}
