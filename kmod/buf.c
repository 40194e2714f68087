// SPDX-License-Identifier: GPL-2.0
/*
 * Receive buffers.  Inside ENTER a worker collects the buffers that its last
 * batch gives back, and its harvest takes from these first, so that bufs->lock
 * is not touched in the steady state; outside ENTER a worker has none, so that
 * one that sleeps or computes does not starve the others.
 */
#include <linux/nospec.h>
#include <linux/slab.h>

#include "seda.h"
#include "trace.h"

int seda_bufs_init(struct seda_bufs *b, void *base, u32 nr, u32 size)
{
	u32 i;

	spin_lock_init(&b->lock);
	INIT_LIST_HEAD(&b->stalled);
	b->base = base;
	b->nr = nr;
	b->size = size;
	b->free = kvcalloc(nr, sizeof(*b->free), GFP_KERNEL_ACCOUNT);
	b->state = kvcalloc(nr, sizeof(*b->state), GFP_KERNEL_ACCOUNT);
	if (!b->free || !b->state) {
		seda_bufs_destroy(b);
		return -ENOMEM;
	}
	/* low indices on top */
	for (i = 0; i < nr; i++)
		b->free[i] = nr - 1 - i;
	b->nr_free = nr;
	return 0;
}

void seda_bufs_destroy(struct seda_bufs *b)
{
	kvfree(b->free);
	kvfree(b->state);
	b->free = NULL;
	b->state = NULL;
}

/* Both under b->lock; nr_free is read without. */
static void seda_buf_push(struct seda_bufs *b, u32 buf)
{
	b->free[b->nr_free] = buf;
	WRITE_ONCE(b->nr_free, b->nr_free + 1);
}

static u32 seda_buf_pull(struct seda_bufs *b)
{
	WRITE_ONCE(b->nr_free, b->nr_free - 1);
	return b->free[b->nr_free];
}

/* A buffer for an event slot, or SEDA_NO_BUF. */
u32 seda_buf_get(struct seda_worker *w)
{
	struct seda_bufs *b = &w->app->bufs;
	u32 buf;

	if (!w->nr_bufs) {
		spin_lock(&b->lock);
		while (b->nr_free && w->nr_bufs < SEDA_BUF_REFILL)
			w->bufs[w->nr_bufs++] = seda_buf_pull(b); /* [buf-get] */
		WRITE_ONCE(w->app->stats->bufs_free, b->nr_free);
		spin_unlock(&b->lock);
		if (!w->nr_bufs)
			return SEDA_NO_BUF;
	}
	buf = w->bufs[--w->nr_bufs];
	atomic_set(&b->state[buf], SEDA_BUF_USER);
	return buf;
}

static void seda_buf_free(struct seda_worker *w, u32 buf)
{
	if (w->nr_bufs == w->app->nr_events + SEDA_BUF_REFILL)
		seda_buf_flush(w);
	w->bufs[w->nr_bufs++] = buf;
}

/* Undoes seda_buf_get(). */
void seda_buf_unget(struct seda_worker *w, u32 buf)
{
	/* a send of another worker may name it by mistake */
	if (!atomic_sub_return(SEDA_BUF_USER, &w->app->bufs.state[buf]))
		seda_buf_free(w, buf);
}

/* The slot that held it is given back; keep: by SEDA_CTL_KEEP. */
void seda_buf_release(struct seda_worker *w, u32 buf, bool keep)
{
	atomic_t *state = &w->app->bufs.state[buf];

	if (keep) {
		/* first: a RETURN may come as soon as it is kept */
		atomic_inc((atomic_t *)&w->app->stats->bufs_kept);
		atomic_xor(SEDA_BUF_USER | SEDA_BUF_KEPT, state);
	} else if (!atomic_sub_return(SEDA_BUF_USER, state)) {
		seda_buf_free(w, buf);
	}
}

/* The TAKE op: one that the application keeps, by its index. */
int seda_buf_take(struct seda_worker *w)
{
	u32 buf = seda_buf_get(w);

	if (buf == SEDA_NO_BUF)
		return -ENOBUFS;
	seda_buf_release(w, buf, true);
	return buf;
}

/* The RETURN op; buf is user input. */
int seda_buf_return(struct seda_worker *w, u32 buf)
{
	struct seda_bufs *b = &w->app->bufs;
	int old;

	if (buf >= b->nr)
		return -EINVAL;
	buf = array_index_nospec(buf, b->nr);
	old = atomic_fetch_andnot(SEDA_BUF_KEPT, &b->state[buf]);
	if (!(old & SEDA_BUF_KEPT))
		return -EINVAL;
	atomic_dec((atomic_t *)&w->app->stats->bufs_kept);
	if (old == SEDA_BUF_KEPT)
		seda_buf_free(w, buf);
	return 0;
}

/* May a SEND of this app name buf?  buf is user input. */
int seda_buf_check(struct seda_app *app, u32 buf)
{
	if (buf >= app->bufs.nr)
		return -EINVAL;
	buf = array_index_nospec(buf, app->bufs.nr);
	if (!(atomic_read(&app->bufs.state[buf]) &
	      (SEDA_BUF_USER | SEDA_BUF_KEPT)))
		return -EINVAL;
	return 0;
}

/*
 * An unfinished send holds buf.  The buffer may have been returned by another
 * worker since the check: then the send would read memory in use by others of
 * the same app, which hurts that app alone, but the count must stay right, so
 * a free buffer (state 0) is not taken, nor more often than the count can tell.
 */
bool seda_buf_hold(struct seda_app *app, u32 buf)
{
	atomic_t *state = &app->bufs.state[buf];
	int old = atomic_read(state);

	do {
		if (!old || (old & (SEDA_BUF_KEPT - 1)) == SEDA_BUF_KEPT - 1)
			return false;
	} while (!atomic_try_cmpxchg(state, &old, old + 1));
	return true;
}

void seda_buf_unhold(struct seda_app *app, u32 buf)
{
	struct seda_bufs *b = &app->bufs;

	if (!atomic_dec_and_test(&b->state[buf]))
		return;
	spin_lock(&b->lock);
	seda_buf_push(b, buf);
	WRITE_ONCE(app->stats->bufs_free, b->nr_free);
	spin_unlock(&b->lock);
	seda_buf_resume(app);
}

/* Links stalled sources, as many as there are buffers. */
void seda_buf_resume(struct seda_app *app)
{
	struct seda_bufs *b = &app->bufs;
	struct seda_source *src;
	u32 room = READ_ONCE(b->nr_free); /* [resume-room] */

	while (room && !list_empty(&b->stalled)) { /* [resume-more] */
		spin_lock(&b->lock);
		src = list_first_entry_or_null(&b->stalled, struct seda_source,
					       stalled);
		if (src) {
			/* its end takes it off before its last reference */
			refcount_inc(&src->ref); /* [resume-ref] */
			list_del_init(&src->stalled); /* [resume-unlist] */
			clear_bit(SEDA_SRC_STALLED, &src->flags);
		}
		spin_unlock(&b->lock);
		if (!src) /* [resume-none] */
			return;
		atomic_dec((atomic_t *)&app->stats->stalled);
		/* one that is owned does not take a buffer yet */
		if (seda_source_kick(src, 0)) /* [resume-kick] */
			room--;
		seda_source_put(src); /* [resume-put] */
		cond_resched();
	}
}

/*
 * Gives back what the worker collected; before it waits or leaves ENTER.  A
 * source that was resumed for a buffer may not have wanted it any more (it was
 * closed or disarmed meanwhile): so the next ones are looked for in any case.
 */
void seda_buf_flush(struct seda_worker *w)
{
	struct seda_bufs *b = &w->app->bufs;

	if (w->nr_bufs) {
		spin_lock(&b->lock);
		while (w->nr_bufs)
			seda_buf_push(b, w->bufs[--w->nr_bufs]); /* [flush-free] */
		WRITE_ONCE(w->app->stats->bufs_free, b->nr_free);
		spin_unlock(&b->lock);
	}
	seda_buf_resume(w->app); /* [flush-resume] */
}

/*
 * The owner found no buffer for src: it waits for one.  It is not LINKED
 * meanwhile, so that its sends go on and its end is seen.
 */
void seda_buf_stall(struct seda_app *app, struct seda_source *src)
{
	struct seda_bufs *b = &app->bufs;
	bool again, fresh;

	spin_lock(&b->lock);
	fresh = !test_and_set_bit(SEDA_SRC_STALLED, &src->flags);
	if (fresh) {
		list_add_tail(&src->stalled, &b->stalled); /* [stall-list] */
		atomic_inc((atomic_t *)&app->stats->stalled);
	}
	again = b->nr_free; /* [stall-again] */
	spin_unlock(&b->lock);
	if (fresh) {
		atomic64_inc((atomic64_t *)&src->stage->stats->stalls);
		trace_seda_stall(src);
	}
	if (again)
		seda_buf_resume(app); /* [stall-resume] */
}

void seda_buf_unstall(struct seda_app *app, struct seda_source *src)
{
	struct seda_bufs *b = &app->bufs;
	bool was;

	spin_lock(&b->lock);
	was = test_and_clear_bit(SEDA_SRC_STALLED, &src->flags);
	if (was)
		list_del_init(&src->stalled); /* [unstall-list] */
	spin_unlock(&b->lock);
	if (was)
		atomic_dec((atomic_t *)&app->stats->stalled);
}
