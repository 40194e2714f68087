// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * send.c - the calls that send on connections
 *
 * Their caller may be the connection's owner, who changes the write queue (wq.c)
 * himself, or any other thread, who pushes to src->foreign.
 */
#include <limits.h>

#include "backend.h"

static bool owned(const struct sedak_conn *c, const struct worker *w)
{
	return w && load_relaxed(&c->src.owner) == w;
}

#define SEND_REFUSED	(S_CLOSING | S_ABORT | S_SHUT | S_BROKEN | S_CLOSED)

/* Adds to the length: 0, 1 (over the high mark) or -errno */
static inline int admit(struct sedak_conn *c, size_t len, unsigned int flags)
{
	size_t q;

	if (unlikely((flags & ~SEDAK_SEND_NOTIFY) || len > MAX_SEND))
		return -EINVAL;
	if (unlikely(load_relaxed(&c->src.word) & SEND_REFUSED))
		return -EPIPE;
	q = load_relaxed(&c->queued);
	/* never too long for a moment: who looks just then tells no sender to go on */
	do {
		if (unlikely(len > load_relaxed(&c->max) ||
			     q > load_relaxed(&c->max) - len))
			return -ENOBUFS;
	} while (!atomic_compare_exchange_weak(&c->queued, &q, q + len));
	return q + len > load_relaxed(&c->high);
}

/* A list of chunks joins the queue.  Returns what the program is told. */
static inline int enqueue(struct sedak_conn *c, struct worker *w, struct chunk *first,
		   struct chunk *last, int over)
{
	struct chunk *head, *ch, *next, *rev = NULL;

	if (likely(owned(c, w))) {
		/* in place: there was none just now, and it must be the first */
		if (unlikely(load_relaxed(&c->src.foreign)) && !first->in_place)
			wq_take_foreign(c);
		wq_append(c, first);
		c->wq_tail = last;
		if (over)
			c->over_high = true;
		return over;
	}
	/* told to stop, the sender must hear when to go on */
	if (over)
		last->notify = true;
	for (ch = first; ch; ch = next) {
		next = ch->next;
		ch->next = rev;
		rev = ch;
	}
	head = atomic_load(&c->src.foreign);
	do {
		if (head == FOREIGN_CLOSED)
			return -EPIPE;
		first->next = head;
	} while (!atomic_compare_exchange_weak(&c->src.foreign, &head, last));
	src_raise(&c->src, P_FOREIGN);
	return over;
}

/* Admitted, but not sent: the owner may have seen the queue longer than it is */
static void take_back(struct sedak_conn *c, size_t len)
{
	atomic_fetch_sub(&c->queued, len);
	src_raise(&c->src, P_CTL);
}

static int send_chunk(struct sedak_conn *c, struct worker *w, struct chunk *ch,
		      int over, unsigned int flags)
{
	size_t cost = chunk_cost(ch);
	int ret;

	ch->notify = flags & SEDAK_SEND_NOTIFY;
	ret = enqueue(c, w, ch, ch, over);
	if (unlikely(ret < 0)) {
		atomic_fetch_sub(&c->queued, cost);
		chunk_put(w, ch);
	}
	return ret;
}

/* A small piece after a small piece that is not submitted yet */
static bool join_tail(struct sedak_conn *c, const void *data, size_t len)
{
	struct chunk *ch = c->wq_tail;

	if (!ch || ch == c->inflight || ch->iov.iov_base != ch->mem ||
	    ch->done || ch->notify || ch->room - ch->iov.iov_len < len ||
	    load_relaxed(&c->src.foreign))
		return false;
	memcpy(ch->mem + ch->iov.iov_len, data, len);
	ch->iov.iov_len += len;
	return true;
}

int sedak_conn_send(struct sedak_conn *c, const void *data, size_t len,
		    unsigned int flags)
{
	struct worker *w = worker_of(c->src.rt);
	struct chunk *ch;
	int over = admit(c, len, flags);

	if (unlikely(over < 0))
		return over;
	if (!flags && !over && owned(c, w) && join_tail(c, data, len))
		return 0;
	ch = chunk_get(w, len);
	if (unlikely(!ch)) {
		take_back(c, len);
		return -ENOMEM;
	}
	if (len)
		memcpy(ch->mem, data, len);
	ch->iov.iov_len = len;
	return send_chunk(c, w, ch, over, flags);
}

static void chunks_free(struct worker *w, struct chunk *ch)
{
	struct chunk *next;

	for (; ch; ch = next) {
		next = ch->next;
		chunk_put(w, ch);
	}
}

/* One chunk for each piece; the last tells of the end */
static struct chunk *chunks_of(struct worker *w, const struct iovec *iov, int n,
			       struct chunk **lastp)
{
	struct chunk *first = NULL, *last = NULL, *ch;
	int i;

	for (i = 0; i < n || !i; i++) {
		ch = chunk_get(w, 0);
		if (!ch) {
			chunks_free(w, first);
			return NULL;
		}
		if (n)
			ch->iov = iov[i];
		if (last)
			last->next = ch;
		else
			first = ch;
		last = ch;
	}
	*lastp = last;
	return first;
}

int sedak_conn_sendv(struct sedak_conn *c, const struct iovec *iov, int n,
		     unsigned int flags, sedak_done_fn done, void *arg)
{
	struct worker *w = worker_of(c->src.rt);
	struct chunk *first, *last;
	size_t len = 0;
	int i, over, ret;

	if (n < 0 || n > IOV_MAX)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > SSIZE_MAX - len)
			return -EINVAL;
		len += iov[i].iov_len;
	}
	over = admit(c, len, flags);
	if (over < 0)
		return over;
	first = chunks_of(w, iov, n, &last);
	if (unlikely(!first)) {
		take_back(c, len);
		return -ENOMEM;
	}
	last->notify = flags & SEDAK_SEND_NOTIFY;
	last->done = done;
	last->arg = arg;
	ret = enqueue(c, w, first, last, over);
	if (unlikely(ret < 0)) {
		atomic_fetch_sub(&c->queued, len);
		chunks_free(w, first);
	}
	return ret;
}

/* Through the queue; in place if it is sure to be submitted with this cycle */
static int __attribute__((noinline)) send_queued(struct worker *w,
						 struct sedak_conn *c,
						 struct sedak_event *ev,
						 size_t off, size_t len,
						 unsigned int flags)
{
	struct sedak_buf *b = ev->priv;
	struct chunk *ch;
	int over = admit(c, len, flags);

	if (unlikely(over < 0))
		return over;
	ch = chunk_get(w, 0);
	if (unlikely(!ch))
		goto nomem;
	ch->iov.iov_base = (char *)ev->data + off;
	ch->iov.iov_len = len;
	ch->buf = b;
	ch->in_place = true;
	if (load_relaxed(&b->refs) || b->in_place || !owned(c, w) ||
	    c->wq_head || c->direct || c->state != CONN_OPEN ||
	    load_relaxed(&c->src.foreign)) {
		if (wq_keep_in_place(w, ch) < 0) {
			ch->buf = NULL;
			chunk_put(w, ch);
			goto nomem;
		}
	} else {
		b->in_place = ch;
	}
	return send_chunk(c, w, ch, over, flags);
nomem:
	take_back(c, len);
	return -ENOMEM;
}

/*
 * The cheapest way first: the handler sends its event's buffer on an idle
 * connection of its own, nothing is queued, and the device keeps the buffer as
 * long as it needs.
 */
int sedak_conn_send_event(struct sedak_conn *c, struct sedak_event *ev,
			  size_t off, size_t len, unsigned int flags)
{
	struct worker *w = this_worker;
	struct sedak_buf *b = ev->priv;

	if (unlikely(!b || !w ||
		     (ev->type != SEDAK_EV_DATA && ev->type != SEDAK_EV_FILE) ||
		     off > ev->len || len > ev->len - off))
		return -EINVAL;
	if (likely(load_relaxed(&c->src.word) == A_ACTIVE && owned(c, w) &&
		   c->state == CONN_OPEN && !c->wq_head && !c->direct &&
		   !load_relaxed(&c->src.foreign) && w->be->op_send_buf &&
		   !load_relaxed(&b->refs) && len && !flags &&
		   len <= load_relaxed(&c->max) &&
		   load_relaxed(&w->rt->bufs_held) < w->rt->total_bufs / 2 &&
		   !w->be->op_send_buf(w, &c->src, (char *)ev->data + off,
				       (uint32_t)len, b))) {
		c->direct = (uint32_t)len;
		c->unseen = true;
		return 0;
	}
	return send_queued(w, c, ev, off, len, flags);
}

int sedak_conn_send_buf(struct sedak_conn *c, struct sedak_buf *b, size_t off,
			size_t len, unsigned int flags)
{
	struct worker *w = worker_of(c->src.rt);
	struct chunk *ch;
	int over;

	if (off > b->len || len > b->len - off)
		return -EINVAL;
	over = admit(c, len, flags);
	if (over < 0)
		return over;
	ch = chunk_get(w, 0);
	if (!ch) {
		take_back(c, len);
		return -ENOMEM;
	}
	buf_get(b);
	ch->buf = b;
	ch->iov.iov_base = b->data + off;
	ch->iov.iov_len = len;
	return send_chunk(c, w, ch, over, flags);
}

int sedak_conn_sendfile(struct sedak_conn *c, struct sedak_file *f, uint64_t offset,
			size_t len, unsigned int flags)
{
	struct worker *w = worker_of(c->src.rt);
	struct chunk *ch;
	int over;

	if (!f->readable)
		return -EBADF;
	if (f->src.rt != c->src.rt || f->direct || len > MAX_SEND ||
	    offset > INT64_MAX - len)
		return -EINVAL;
	if (load_relaxed(&f->src.word) & S_CLOSING)
		return -ESTALE;
	over = admit(c, FILE_COST, flags);
	if (over < 0)
		return over;
	ch = chunk_get(w, 0);
	if (!ch) {
		take_back(c, FILE_COST);
		return -ENOMEM;
	}
	src_get(&f->src);
	ch->file = f;
	ch->offset = offset;
	ch->iov.iov_base = NULL;
	ch->iov.iov_len = len;
	return send_chunk(c, w, ch, over, flags);
}
