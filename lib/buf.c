// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * buf.c - receive buffers that outlive their event
 *
 * A buffer has a descriptor from the start.  While only the batch in hand has it
 * its refs are 0, and it goes back with the batch; keeping it tells the backend
 * so, and from then on the batch has a reference, too, until it is settled.  At
 * most half of all buffers are kept: past that the bytes are copied.
 */
#include <stdlib.h>

#include "backend.h"

int bufs_make(struct sedak_rt *rt, unsigned int n, char *mem, size_t size)
{
	unsigned int i;

	rt->bufs = calloc(n, sizeof(*rt->bufs));
	if (!rt->bufs)
		return -ENOMEM;
	rt->total_bufs = n;
	for (i = 0; i < n; i++) {
		rt->bufs[i].index = (int32_t)i;
		rt->bufs[i].data = mem + i * size;
		rt->bufs[i].rt = rt;
	}
	return 0;
}

void bufs_free(struct sedak_rt *rt)
{
	free(rt->bufs);
	rt->bufs = NULL;
}

static struct sedak_buf *buf_copy(struct sedak_rt *rt, const char *data,
				  uint32_t len)
{
	struct sedak_buf *b = malloc(sizeof(*b) + len);

	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b));
	atomic_init(&b->refs, 1);
	b->index = -1;
	b->rt = rt;
	b->len = len;
	b->data = (char *)(b + 1);
	memcpy(b->data, data, len);
	return b;
}

/*
 * Takes a reference to the buffer of an event in hand, or makes a copy of
 * data[0..len-1] and stores that in *bufp.
 */
int buf_keep(struct worker *w, struct sedak_buf **bufp, const char *data,
	     uint32_t len)
{
	struct sedak_buf *b = *bufp;
	struct sedak_rt *rt = w->rt;

	if (load_relaxed(&b->refs)) {
		buf_get(b);
		return 0;
	}
	if (atomic_fetch_add(&rt->bufs_held, 1) < rt->total_bufs / 2) {
		/* the batch's own: a put before its end is not the last one */
		store_relaxed(&b->refs, 2);
		b->next = w->kept;
		w->kept = b;
		b->len = len;
		w->be->keep(w, b);
		/* the reference may be gone before what is sent */
		if (b->in_place) {
			b->in_place->in_place = false;
			b->in_place = NULL;
			buf_get(b);
		}
		return 0;
	}
	atomic_fetch_sub(&rt->bufs_held, 1);
	b = buf_copy(rt, data, len);
	if (!b)
		return -ENOMEM;
	atomic_fetch_add_explicit(&rt->bufs_copied, 1, memory_order_relaxed);
	*bufp = b;
	return 0;
}

/* As buf_keep() of a buffer in hand, but past the cap, which bounds how often */
void buf_force(struct worker *w, struct sedak_buf *b)
{
	atomic_fetch_add(&w->rt->bufs_held, 1);
	store_relaxed(&b->refs, 1);
	w->be->keep(w, b);
}

/* A free one, for the program; of the half that may be held */
struct sedak_buf *buf_take(struct worker *w)
{
	struct sedak_rt *rt = w->rt;
	struct sedak_buf *b = NULL;

	if (atomic_fetch_add(&rt->bufs_held, 1) < rt->total_bufs / 2)
		b = w->be->buf_take(w);
	if (!b) {
		atomic_fetch_sub(&rt->bufs_held, 1);
		return NULL;
	}
	store_relaxed(&b->refs, 1);
	b->len = 0;
	return b;
}

void buf_get(struct sedak_buf *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
}

/* w: the calling worker, or NULL */
void buf_drop(struct worker *w, struct sedak_buf *b)
{
	struct sedak_rt *rt = b->rt;
	struct sedak_buf *head;

	if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (b->index < 0) {
		free(b);
		return;
	}
	atomic_fetch_sub(&rt->bufs_held, 1);
	/* another runtime's connection may have sent it */
	if (w && w->rt != rt)
		w = NULL;
	if (w && w->be->op_return(w, b) == 0)
		return;
	/* some worker's next cycle gives it back */
	head = load_relaxed(&rt->ret_bufs);
	do {
		b->next = head;
	} while (!atomic_compare_exchange_weak(&rt->ret_bufs, &head, b));
	if (!w && !load_relaxed(&rt->stopping))
		pool_wake(rt->pools[0]);
}

/* The batch in hand has no more use for what was kept of it */
static void drop_kept(struct worker *w, struct worker *as)
{
	struct sedak_buf *b, *next;

	for (b = w->kept, w->kept = NULL; b; b = next) {
		next = b->next;
		buf_drop(as, b);
	}
}

/* After the last round, by any thread */
void bufs_drop(struct worker *w)
{
	drop_kept(w, NULL);
}

/* Gives back what threads that are no workers have put */
static void take_returned(struct worker *w)
{
	struct sedak_rt *rt = w->rt;
	struct sedak_buf *b, *next, *head;

	if (likely(!load_relaxed(&rt->ret_bufs)))
		return;
	for (b = atomic_exchange(&rt->ret_bufs, NULL); b; b = next) {
		next = b->next;
		if (w->be->op_return(w, b) == 0)
			continue;
		head = load_relaxed(&rt->ret_bufs);
		do {
			b->next = head;
		} while (!atomic_compare_exchange_weak(&rt->ret_bufs, &head, b));
	}
}

/* When a batch is settled */
void bufs_return(struct worker *w)
{
	if (unlikely(w->kept))
		drop_kept(w, w);
	take_returned(w);
}

/* -------------------------------------------------------------------- API */

int sedak_buf_hold(struct sedak_event *ev, struct sedak_buf **bufp)
{
	struct sedak_buf *b = ev->priv;
	struct worker *w = this_worker;
	int ret;

	if (!b || !w)
		return -EINVAL;
	ret = buf_keep(w, &b, ev->data, (uint32_t)ev->len);
	if (ret < 0)
		return ret;
	/* a send that kept it before may have needed less */
	if (b == ev->priv && b->len != ev->len)
		b->len = (uint32_t)ev->len;
	*bufp = b;
	return 0;
}

void *sedak_buf_data(const struct sedak_buf *buf)
{
	return buf->data;
}

size_t sedak_buf_len(const struct sedak_buf *buf)
{
	return buf->len;
}

void sedak_buf_put(struct sedak_buf *buf)
{
	if (buf)
		buf_drop(worker_of(buf->rt), buf);
}
