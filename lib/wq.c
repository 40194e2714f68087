// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * wq.c - write queues
 *
 * A connection's queue is a list of chunks that its owner alone touches; other
 * threads push to src->foreign and raise P_FOREIGN.  One operation at a time is
 * the backend's: the chunks up to and with c->inflight.
 */
#include <stdlib.h>

#include "backend.h"

static const uint32_t class_size[CHUNK_CLASSES] = { 512, 4096, 16384 };

static struct chunk *chunk_make(size_t size, int8_t class)
{
	struct chunk *ch = malloc(sizeof(*ch) + size);

	if (ch) {
		ch->class = class;
		ch->room = (uint32_t)size;	/* at most MAX_SEND */
	}
	return ch;
}

/* w: the calling worker, or NULL */
struct chunk *chunk_get(struct worker *w, size_t size)
{
	struct chunk *ch;
	int8_t class = 0;

	while (class < CHUNK_CLASSES && size > class_size[class])
		class++;
	if (unlikely(class == CHUNK_CLASSES)) {
		ch = chunk_make(size, -1);
	} else if (likely(w && w->chunks[class])) {
		ch = w->chunks[class];
		w->chunks[class] = ch->next;
		w->nr_chunks[class]--;
	} else {
		ch = chunk_make(class_size[class], class);
	}
	if (unlikely(!ch))
		return NULL;
	ch->next = NULL;
	ch->iov.iov_base = ch->mem;
	ch->iov.iov_len = 0;
	ch->done = NULL;
	ch->buf = NULL;
	ch->file = NULL;
	ch->notify = false;
	ch->in_place = false;
	ch->counted = false;
	return ch;
}

void chunk_put(struct worker *w, struct chunk *ch)
{
	if (ch->buf && !ch->in_place)
		buf_drop(w, ch->buf);
	else if (ch->counted)
		atomic_fetch_sub(&ch->buf->rt->bufs_held, 1);
	else if (ch->buf)
		ch->buf->in_place = NULL;
	if (unlikely(ch->file))
		src_put(&ch->file->src);
	if (w && ch->class >= 0 && w->nr_chunks[ch->class] < CHUNK_CACHE_MAX) {
		ch->next = w->chunks[ch->class];
		w->chunks[ch->class] = ch;
		w->nr_chunks[ch->class]++;
		return;
	}
	free(ch);
}

/* ------------------------------------------------------------- completion */

static void iov_put(struct worker *w, struct sedak_conn *c)
{
	if (!c->iov)
		return;
	if (w) {
		c->iov->iov_base = w->iovs;
		w->iovs = c->iov;
	} else {
		free(c->iov);
	}
	c->iov = NULL;
}

static struct iovec *iov_get(struct worker *w)
{
	struct iovec *iov = w->iovs;

	if (iov)
		w->iovs = iov->iov_base;
	else
		iov = malloc(MAX_IOV * sizeof(*iov));
	return iov;
}

/* Bytes left the queue */
void wq_shorten(struct sedak_conn *c, size_t len)
{
	size_t left = atomic_fetch_sub_explicit(&c->queued, len,
						memory_order_relaxed) - len;

	if (unlikely(c->over_high) && left <= load_relaxed(&c->low)) {
		c->over_high = false;
		c->want_sent = true;
	}
}

/* Ends chunks from the head up to and with `last` */
static void finish(struct worker *w, struct sedak_conn *c, struct chunk *last,
		   int res)
{
	struct chunk *ch;

	for (;;) {
		ch = c->wq_head;
		c->wq_head = ch->next;
		if (!c->wq_head)
			c->wq_tail = NULL;
		if (ch == c->inflight)
			c->inflight = NULL;
		wq_shorten(c, chunk_cost(ch));
		if (ch->notify && !res)
			c->want_sent = true;
		if (ch->done)
			ch->done(c, ch->arg, res);
		if (ch == last) {
			chunk_put(w, ch);
			return;
		}
		chunk_put(w, ch);
	}
}

/* The operation in flight goes on: its buffer outlives the batch in hand */
void wq_pending(struct worker *w, struct sedak_conn *c)
{
	struct chunk *ch = c->inflight;

	if (!ch || !ch->in_place)
		return;
	ch->buf->in_place = NULL;
	if (w->be->keeps_bufs) {
		ch->counted = true;
		atomic_fetch_add(&w->rt->bufs_held, 1);
	} else {
		ch->in_place = false;
		buf_force(w, ch->buf);
	}
}

/*
 * A receive buffer sent in place, without a chunk.  Only while it goes on is it
 * counted, as queued and as held.
 */
static void direct_done(struct worker *w, struct sedak_conn *c, int res)
{
	if (!res && w)
		counter_add(w->bytes_out, c->direct);
	if (c->direct_pending) {
		atomic_fetch_sub(&c->src.rt->bufs_held, 1);
		wq_shorten(c, c->direct);
		c->direct_pending = false;
	}
	c->direct = 0;
}

void wq_direct_result(struct worker *w, struct sedak_conn *c, int64_t res)
{
	size_t q;

	if (likely(res >= 0)) {
		direct_done(w, c, 0);
	} else if (res == -EINPROGRESS) {
		c->direct_pending = true;
		atomic_fetch_add(&c->src.rt->bufs_held, 1);
		q = atomic_fetch_add(&c->queued, c->direct) + c->direct;
		if (q > load_relaxed(&c->high)) {
			c->over_high = true;
			src_raise(&c->src, P_CTL);	/* stop reading */
		}
	} else {
		direct_done(w, c, (int)res);
		conn_send_failed(c, (int)res);
	}
}

/* The operation in flight has ended */
void wq_complete(struct worker *w, struct sedak_conn *c, int res)
{
	struct chunk *last = c->inflight;

	if (c->direct)
		direct_done(w, c, res);
	if (!last)
		return;
	iov_put(w, c);
	if (!res && w)
		counter_add(w->bytes_out, c->inflight_len);
	finish(w, c, last, res);
}

/* Ends everything, and takes no more */
void wq_cancel(struct worker *w, struct sedak_conn *c, int res)
{
	struct chunk *ch, *next, *rev = NULL;

	ch = atomic_exchange_explicit(&c->src.foreign, FOREIGN_CLOSED,
				      memory_order_acq_rel);
	for (; ch && ch != FOREIGN_CLOSED; ch = next) {
		next = ch->next;
		ch->next = rev;
		rev = ch;
	}
	if (rev) {
		if (c->wq_tail)
			c->wq_tail->next = rev;
		else
			c->wq_head = rev;
		while (rev->next)
			rev = rev->next;
		c->wq_tail = rev;
	}
	c->inflight = NULL;
	if (c->direct)
		direct_done(w, c, res);
	iov_put(w, c);
	if (c->wq_head)
		finish(w, c, c->wq_tail, res);
}

/* ------------------------------------------------------------- submission */

void wq_append(struct sedak_conn *c, struct chunk *ch)
{
	if (c->wq_tail)
		c->wq_tail->next = ch;
	else
		c->wq_head = ch;
	c->wq_tail = ch;
}

/* What other threads have queued, oldest first */
struct chunk *chunks_take(struct source *src)
{
	struct chunk *ch, *next, *list = NULL;

	ch = load_relaxed(&src->foreign);
	if (!ch || ch == FOREIGN_CLOSED)
		return NULL;
	ch = atomic_exchange_explicit(&src->foreign, NULL, memory_order_acquire);
	for (; ch; ch = next) {
		next = ch->next;
		ch->next = list;
		list = ch;
	}
	return list;
}

void wq_take_foreign(struct sedak_conn *c)
{
	struct chunk *ch = chunks_take(&c->src), *next;

	for (; ch; ch = next) {
		next = ch->next;
		ch->next = NULL;
		wq_append(c, ch);
	}
	if (load_relaxed(&c->queued) > load_relaxed(&c->high))
		c->over_high = true;
}

/* A buffer of the batch in hand that must outlive it */
int wq_keep_in_place(struct worker *w, struct chunk *ch)
{
	struct sedak_buf *b = ch->buf;
	uint32_t off;
	int ret;

	if (!ch->in_place)
		return 0;
	off = (uint32_t)((char *)ch->iov.iov_base - b->data);
	if (b->in_place == ch)
		b->in_place = NULL;
	ret = buf_keep(w, &ch->buf, b->data,
		       off + (uint32_t)ch->iov.iov_len);
	if (ret < 0)
		return ret;
	ch->in_place = false;
	ch->iov.iov_base = ch->buf->data + off;
	return 0;
}

/*
 * What lies in the batch in hand and was not submitted must stay: the first, as
 * only an empty queue takes it so.
 */
void wq_keep(struct worker *w, struct sedak_conn *c)
{
	struct chunk *ch = c->wq_head;

	if (!wq_keep_in_place(w, ch))
		return;
	/* no memory: never sent, its buffer is another's soon */
	ch->buf = NULL;
	ch->in_place = false;
	conn_send_failed(c, -ENOMEM);
}

/* The first chunk by itself */
static int flush_one(struct worker *w, struct sedak_conn *c)
{
	struct chunk *ch = c->wq_head;
	int ret;

	c->inflight = ch;
	c->inflight_len = ch->iov.iov_len;
	c->unseen = true;
	if (unlikely(ch->file))
		ret = w->be->op_sendfile(w, &c->src, ch->file, ch->offset,
					 ch->iov.iov_len);
	else
		ret = w->be->op_send(w, &c->src, &ch->iov, 1,
				     ch->in_place ? ch->buf : NULL);
	if (ret < 0) {
		c->inflight = NULL;
		c->unseen = false;
	}
	return ret;
}

static int flush_many(struct worker *w, struct sedak_conn *c)
{
	struct chunk *ch, *last = NULL;
	unsigned int n = 0;
	size_t len = 0;
	int ret = -ENOMEM;

	c->iov = iov_get(w);
	for (ch = c->wq_head; c->iov && ch && !ch->file && n < MAX_IOV; ch = ch->next) {
		if (wq_keep_in_place(w, ch) < 0)
			break;
		if (len && ch->iov.iov_len > MAX_SEND - len)
			break;
		if (ch->iov.iov_len)
			c->iov[n++] = ch->iov;
		len += ch->iov.iov_len;
		last = ch;
	}
	if (n) {
		c->inflight = last;
		c->inflight_len = len;
		c->unseen = true;
		ret = w->be->op_send(w, &c->src, c->iov, n, NULL);
	}
	if (ret < 0) {
		c->inflight = NULL;
		c->unseen = false;
		iov_put(w, c);
	}
	return ret;
}

/* Submits what there is.  Returns 0, or -errno if something stays behind. */
int wq_flush(struct worker *w, struct sedak_conn *c)
{
	int ret = 0;

	wq_take_foreign(c);
	while (!wq_busy(c) && c->wq_head && !c->wq_head->iov.iov_len)
		finish(w, c, c->wq_head, 0);
	/* a backend that knows the result at once is given the rest, too */
	while (!ret && c->wq_head && !wq_busy(c) &&
	       !(load_relaxed(&c->src.word) & S_BROKEN))
		ret = c->wq_head->next && !c->wq_head->file ?
		      flush_many(w, c) : flush_one(w, c);
	if (c->unseen && c->wq_tail != c->inflight)
		w->need_result = true;
	return ret;
}
