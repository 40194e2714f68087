// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * conn_event.c - connections: what their owner does
 *
 * Every function here runs in the worker that holds the connection's A_ACTIVE.
 * Events become events for handlers; messages of other threads are acted on; and
 * when the handlers have run, conn_settle() submits what is to be done.
 */
#include <stdlib.h>
#include <unistd.h>

#include "backend.h"

static inline struct sedak_event *tell(struct worker *w, struct sedak_conn *c,
				       uint32_t type, int res)
{
	struct sedak_event *ev = batch_add(w, c->src.stage);

	ev->type = type;
	ev->res = res;
	ev->conn = c;
	ev->user = load_relaxed(&c->src.user);
	return ev;
}

static void tell_sent(struct worker *w, struct sedak_conn *c)
{
	struct sedak_event *ev;

	c->want_sent = false;
	if (load_relaxed(&c->src.word) & (S_CLOSED | S_BROKEN | S_ABORT))
		return;
	ev = tell(w, c, SEDAK_EV_SENT, 0);
	ev->amount = load_relaxed(&c->queued);
}

/* It broke: the program is told once, and the rest is an abort */
void conn_fail(struct worker *w, struct sedak_conn *c, int err)
{
	uint32_t word = atomic_fetch_or(&c->src.word, S_BROKEN | S_ABORT);

	if (!c->error && !(word & S_ABORT))
		c->error = err;
	if (c->error_told || (word & (S_CLOSED | S_ABORT)) ||
	    c->state == CONN_CONNECTING)
		return;
	c->error_told = true;
	tell(w, c, SEDAK_EV_ERROR, err);
}

static void event_connect(struct worker *w, struct sedak_conn *c, int res)
{
	if (c->state != CONN_CONNECTING || c->connect_told)
		return;
	if (c->error)
		res = c->error;		/* our own deadline */
	else if (load_relaxed(&c->src.word) & S_ABORT)
		res = -ECANCELED;
	c->connect_told = true;
	store_relaxed(&c->connect_deadline, NEVER);
	if (res < 0) {
		c->error = res;
		atomic_fetch_or(&c->src.word, S_BROKEN | S_ABORT);
	} else {
		c->state = CONN_OPEN;
		atomic_fetch_add(&c->src.rt->connected, 1);
		/* it could not be told before */
		if (load_relaxed(&c->src.rt->draining))
			src_raise(&c->src, P_DRAIN);
	}
	tell(w, c, SEDAK_EV_CONNECT, res);
}

static inline void event_in(struct worker *w, struct sedak_conn *c, struct bev *b)
{
	struct sedak_event *ev;

	counter_add(w->bytes_in, b->len);
	/* broken: an event before this one may have been lost */
	if (unlikely(load_relaxed(&c->src.word) &
		     (S_CLOSING | S_ABORT | S_CLOSED | S_BROKEN)))
		return;
	ev = tell(w, c, SEDAK_EV_DATA, 0);
	ev->data = b->buf->data;
	ev->len = b->len;
	ev->priv = b->buf;
}

void conn_event(struct worker *w, struct sedak_conn *c, struct bev *b)
{
	if (likely(b->bits == BEV_IN)) {
		event_in(w, c, b);
		return;
	}
	if (unlikely(c->state >= CONN_CLOSED))
		return;
	if (b->bits & BEV_CONNECT)
		event_connect(w, c, b->res);
	if (b->bits & BEV_SENT) {
		wq_complete(w, c, 0);
		if (c->want_sent)
			tell_sent(w, c);
	}
	if (b->bits & BEV_IN)
		event_in(w, c, b);
	if ((b->bits & BEV_EOF) && !c->eof) {
		c->eof = true;
		if (!(load_relaxed(&c->src.word) &
		      (S_CLOSING | S_ABORT | S_BROKEN)))
			tell(w, c, SEDAK_EV_EOF, 0);
	}
	if ((b->bits & BEV_ERR) && b->res < 0)
		conn_fail(w, c, b->res);
	if (b->bits & BEV_CLOSED)
		conn_closed(w, c, b->bits & BEV_ERR ? 0 : b->res);
}

/* The backend refused a send: the program is told when messages are serviced */
void conn_send_failed(struct sedak_conn *c, int err)
{
	if (!c->error)
		c->error = err;
	src_raise(&c->src, S_BROKEN | P_CTL);
}

/* The result of what conn_settle() has submitted; called inside enter() */
void conn_send_result(struct worker *w, struct sedak_conn *c, int64_t res)
{
	c->unseen = false;
	if (c->direct) {
		wq_direct_result(w, c, res);
		return;
	}
	if (!c->inflight)
		return;
	if (likely(res >= 0)) {
		wq_complete(w, c, 0);
		if (unlikely(c->want_sent))
			src_raise(&c->src, P_CTL);
		return;
	}
	if (res == -EINPROGRESS) {
		wq_pending(w, c);
		return;
	}
	conn_send_failed(c, (int)res);
	wq_complete(w, c, (int)res);
}

/* --------------------------------------------------------------- messages */

static void service_timeout(struct worker *w, struct sedak_conn *c)
{
	uint64_t now = clock_now(), when = load_relaxed(&c->user_deadline);
	uint64_t next = load_relaxed(&c->connect_deadline);
	bool armed;

	if (c->state >= CONN_CLOSED)
		return;
	if (c->state == CONN_CONNECTING && now >= next) {
		c->error = -ETIMEDOUT;
		store_relaxed(&c->connect_deadline, NEVER);
		atomic_fetch_or(&c->src.word, S_ABORT);
		next = NEVER;
	}
	if (now >= when) {
		/* unless it was set anew this moment */
		if (atomic_compare_exchange_strong(&c->user_deadline, &when,
						   NEVER))
			tell(w, c, SEDAK_EV_TIMEOUT, 0);
	} else if (when < next) {
		next = when;
	}
	if (next == NEVER)
		return;
	armed = timer_arm(w, c->src.stage->pool, &c->timer, next);
	/* set earlier by another thread in the meantime, and undone by that */
	when = atomic_load(&c->user_deadline);
	if (when < next)
		armed = timer_arm(w, c->src.stage->pool, &c->timer, when);
	if (!armed)
		src_raise(&c->src, P_TIMEOUT);	/* no memory: look again, then */
}

static void service_items(struct worker *w, struct sedak_conn *c)
{
	struct item *it = conn_items(c), *next;
	struct sedak_event *ev;

	for (; it; it = next) {
		next = it->next;
		ev = tell(w, c, SEDAK_EV_ITEM, 0);
		ev->data = it->item;
		free(it);
	}
}

void conn_service(struct worker *w, struct sedak_conn *c, uint32_t bits)
{
	struct bev *b;

	if (bits & P_FOREIGN)
		wq_take_foreign(c);
	if (bits & P_KEV) {
		b = c->src.kev;
		c->src.kev = NULL;
		conn_event(w, c, b);
		b->next = w->held;
		w->held = b;
	}
	/* broken without an error: an event was lost for want of memory */
	if ((load_relaxed(&c->src.word) & (S_BROKEN | S_ABORT)) == S_BROKEN &&
	    c->state < CONN_CLOSED && !c->error_told)
		conn_fail(w, c, c->error ? c->error : -ENOMEM);
	if (c->state < CONN_CLOSED &&
	    (c->no_source || (load_relaxed(&c->src.word) & S_LOST)))
		conn_closed(w, c, c->error);
	if (c->state >= CONN_CLOSED)
		return;
	if (bits & P_CTL) {
		wq_shorten(c, 0);
		if (c->want_sent)
			tell_sent(w, c);
	}
	if (bits & P_ITEM)
		service_items(w, c);
	if (bits & P_TIMEOUT)
		service_timeout(w, c);
	if (bits & P_DRAIN && c->state != CONN_CONNECTING && !c->drain_told &&
	    !(load_relaxed(&c->src.word) & (S_CLOSING | S_ABORT))) {
		c->drain_told = true;
		tell(w, c, SEDAK_EV_DRAIN, 0);
	}
}

/* ---------------------------------------------------------------- settling */

static int settle_rx(struct worker *w, struct sedak_conn *c, uint32_t word)
{
	bool off = (word & (S_PAUSE | S_CLOSING)) || c->over_high;
	int ret;

	if (likely(off == c->rx_off))
		return 0;
	ret = off ? w->be->op_disarm(w, &c->src) : w->be->op_arm(w, &c->src, 0);
	if (!ret)
		c->rx_off = off;
	return ret;
}

static int settle_close(struct worker *w, struct sedak_conn *c, uint32_t word)
{
	bool abort = word & S_ABORT;
	int ret;

	if (!abort && (c->wq_tail != c->inflight || c->state != CONN_OPEN))
		return 0;	/* after the queue, and after connecting */
	ret = w->be->op_close(w, &c->src, abort);
	if (!ret)
		c->state = CONN_CLOSE_SENT;
	return ret;
}

int conn_attach(struct worker *w, struct sedak_conn *c)
{
	int ret = w->be->op_attach(w, &c->src, c->child);

	if (!ret)
		c->state = CONN_OPEN;
	return ret;
}

/*
 * A close is acted on as it was before the queue was looked at: a chunk that came
 * after that look and before the close is to be sent, and both have left messages,
 * so that there is another round.
 */
static int settle_open(struct worker *w, struct sedak_conn *c)
{
	uint32_t word;
	int ret = 0;

	if (c->state == CONN_NEW)
		ret = conn_attach(w, c);
	if (ret < 0)
		return ret;
	/* pairs with src_raise() of a close: the chunks before it are seen */
	word = atomic_load_explicit(&c->src.word, memory_order_acquire);
	if (c->state == CONN_OPEN && !(word & S_ABORT)) {
		if (c->wq_head || load_relaxed(&c->src.foreign))
			ret = wq_flush(w, c);
		if (!ret && !c->eof)
			ret = settle_rx(w, c, word);
		if (!ret && (word & S_SHUT) && !c->shut_sent &&
		    !(word & S_CLOSING) && c->wq_tail == c->inflight) {
			ret = w->be->op_shutdown(w, &c->src);
			c->shut_sent = !ret;
		}
	}
	word |= load_relaxed(&c->src.word) & S_ABORT;
	if (!ret && (word & (S_CLOSING | S_ABORT)))
		ret = settle_close(w, c, word);
	return ret;
}

/*
 * Submits what is to be done.  Returns false if a result must be seen before the
 * connection may be let go.
 */
bool conn_settle(struct worker *w, struct sedak_conn *c)
{
	int ret = 0;

	if (unlikely(c->state >= CONN_CLOSED)) {
		/* or serviced once more, for a message that came too late */
		if (c->state == CONN_CLOSED)
			conn_gone(c, true);
		return true;
	}
	if (likely(c->state < CONN_CLOSE_SENT)) {
		ret = settle_open(w, c);
	} else if (c->state == CONN_CLOSE_SENT && !c->abort_sent &&
		   (load_relaxed(&c->src.word) & S_ABORT)) {
		/* an abort overtakes a close that waits for its queue */
		ret = w->be->op_close(w, &c->src, true);
	}
	if (!ret && (load_relaxed(&c->src.word) & S_ABORT) &&
	    c->state == CONN_CLOSE_SENT)
		c->abort_sent = true;
	/* refused, or broken or aborted before it was submitted */
	if (unlikely(c->wq_head && c->wq_head->in_place &&
		     c->wq_head != c->inflight))
		wq_keep(w, c);
	if (unlikely(ret < 0))
		atomic_fetch_or(&c->src.word, P_ROOM);
	if (c->want_sent)
		atomic_fetch_or(&c->src.word, P_CTL);
	if (likely(!c->unseen))
		return true;
	/* whose result lets the rest go on, or which alone tells of a failure */
	if (unlikely(c->wq_tail != c->inflight ||
		     (c->rx_off && c->state == CONN_OPEN))) {
		c->blind = false;
		w->need_result = true;
	}
	return c->blind;
}

/* ----------------------------------------------------------------- accept */

void conn_accepted(struct worker *w, struct sedak_listener *l, struct bev *b)
{
	struct sedak_rt *rt = w->rt;
	struct sedak_conn *c = conn_alloc(l->conn_stage, NULL);
	struct sedak_event *ev;

	if (!c) {
		rt_log(rt, SEDAK_LOG_ERROR, "no memory for a connection");
		atomic_fetch_add(&rt->accept_errors, 1);
		rt->be->refuse(rt, b->amount);
		return;
	}
	c->state = CONN_NEW;
	c->child = b->amount;
	c->peer = b->addr;
	store_relaxed(&c->src.owner, w);
	atomic_fetch_add(&rt->accepted, 1);
	conn_link(c);
	worker_list(w, &c->src);
	ev = batch_add(w, l->src.stage);
	ev->type = SEDAK_EV_ACCEPT;
	ev->conn = c;
	ev->user = load_relaxed(&l->src.user);
	ev->listener = l;
}
