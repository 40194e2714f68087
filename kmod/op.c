// SPDX-License-Identifier: GPL-2.0
/*
 * The ops of a submission: each is copied once, checked, run, and its result
 * written in place.
 */
#include <linux/blkdev.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "seda.h"
#include "trace.h"

/* What an op uses; all else must be 0. */
#define SEDA_USES_SOURCE	BIT(0)
#define SEDA_USES_DATA		BIT(1)
#define SEDA_USES_ADDR		BIT(2)
#define SEDA_USES_LEN		BIT(3)
#define SEDA_USES_BUF		BIT(4)
#define SEDA_USES_TO		BIT(5)

typedef int seda_op_fn(struct seda_worker *w, struct seda_source *src,
		       const struct seda_op *op);

static int seda_op_nop(struct seda_worker *w, struct seda_source *src,
		       const struct seda_op *op)
{
	return 0;
}

static int seda_op_send(struct seda_worker *w, struct seda_source *src,
			const struct seda_op *op)
{
	if (!(op->flags & SEDA_SEND_BUF) && op->buf)
		return -EINVAL;
	return src->kind->send ? src->kind->send(w, src, op) : -EOPNOTSUPP;
}

static int seda_op_recv(struct seda_worker *w, struct seda_source *src,
			const struct seda_op *op)
{
	return src->kind->recv ? src->kind->recv(src, op) : -EOPNOTSUPP;
}

static int seda_op_shutdown(struct seda_worker *w, struct seda_source *src,
			    const struct seda_op *op)
{
	return src->kind->shutdown ? src->kind->shutdown(src) : -EOPNOTSUPP;
}

static int seda_op_close(struct seda_worker *w, struct seda_source *src,
			 const struct seda_op *op)
{
	return seda_source_close(w, src, op->flags);
}

static int seda_op_cancel(struct seda_worker *w, struct seda_source *src,
			  const struct seda_op *op)
{
	return src->kind->cancel ? src->kind->cancel(w, src, op) : -EOPNOTSUPP;
}

static int seda_op_arm(struct seda_worker *w, struct seda_source *src,
		       const struct seda_op *op)
{
	if (op->reserved)
		return -EINVAL;
	return src->kind->arm ? src->kind->arm(src, op) : -EOPNOTSUPP;
}

static int seda_op_disarm(struct seda_worker *w, struct seda_source *src,
			  const struct seda_op *op)
{
	return src->kind->disarm ? src->kind->disarm(src) : -EOPNOTSUPP;
}

static int seda_op_release(struct seda_worker *w, struct seda_source *src,
			   const struct seda_op *op)
{
	return seda_source_unhold(src);
}

static int seda_op_return(struct seda_worker *w, struct seda_source *src,
			  const struct seda_op *op)
{
	return seda_buf_return(w, op->buf);
}

static int seda_op_set_data(struct seda_worker *w, struct seda_source *src,
			    const struct seda_op *op)
{
	WRITE_ONCE(src->user_data, op->user_data);
	return 0;
}

static int seda_op_post(struct seda_worker *w, struct seda_source *src,
			const struct seda_op *op)
{
	return seda_post(w->app, op->source, op->user_data, op->addr);
}

static int seda_op_take(struct seda_worker *w, struct seda_source *src,
			const struct seda_op *op)
{
	return seda_buf_take(w);
}

/* READ, WRITE, SYNC, ADVISE, RESIDENT */
static int seda_op_io(struct seda_worker *w, struct seda_source *src,
		      const struct seda_op *op)
{
	/* behind offset */
	if (op->period_ns || op->reserved)
		return -EINVAL;
	return src->kind->io ? src->kind->io(w, src, op) : -EOPNOTSUPP;
}

static int seda_op_sendfile(struct seda_worker *w, struct seda_source *src,
			    const struct seda_op *op)
{
	if (op->reserved)
		return -EINVAL;
	return src->kind->sendfile ? src->kind->sendfile(w, src, op) :
				     -EOPNOTSUPP;
}

static const struct seda_op_type {
	seda_op_fn *fn;
	u16 flags;		/* allowed */
	u8 uses;
	bool lookup;		/* source is looked up */
} seda_op_types[SEDA_OP_LAST] = {
	[SEDA_OP_NOP] = { .fn = seda_op_nop, },
	[SEDA_OP_SEND] = {
		.fn = seda_op_send,
		.flags = SEDA_SEND_VEC | SEDA_SEND_BUF | SEDA_SEND_MORE,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA | SEDA_USES_ADDR |
			SEDA_USES_LEN | SEDA_USES_BUF | SEDA_USES_TO,
		.lookup = true,
	},
	[SEDA_OP_RECV] = {
		.fn = seda_op_recv,
		.uses = SEDA_USES_SOURCE | SEDA_USES_ADDR | SEDA_USES_LEN,
		.lookup = true,
	},
	[SEDA_OP_SHUTDOWN] = {
		.fn = seda_op_shutdown,
		.uses = SEDA_USES_SOURCE,
		.lookup = true,
	},
	[SEDA_OP_CLOSE] = {
		.fn = seda_op_close,
		.flags = SEDA_CLOSE_ABORT | SEDA_CLOSE_QUIET,
		.uses = SEDA_USES_SOURCE,
		.lookup = true,
	},
	[SEDA_OP_CANCEL] = {
		.fn = seda_op_cancel,
		.flags = SEDA_CANCEL_ONE,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA,
		.lookup = true,
	},
	[SEDA_OP_ARM] = {
		.fn = seda_op_arm,
		.uses = SEDA_USES_SOURCE | SEDA_USES_ADDR | SEDA_USES_TO,
		.lookup = true,
	},
	[SEDA_OP_DISARM] = {
		.fn = seda_op_disarm,
		.uses = SEDA_USES_SOURCE,
		.lookup = true,
	},
	[SEDA_OP_RELEASE] = {
		.fn = seda_op_release,
		.uses = SEDA_USES_SOURCE,
		.lookup = true,
	},
	[SEDA_OP_RETURN] = {
		.fn = seda_op_return,
		.uses = SEDA_USES_BUF,
	},
	[SEDA_OP_SET_DATA] = {
		.fn = seda_op_set_data,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA,
		.lookup = true,
	},
	[SEDA_OP_POST] = {
		.fn = seda_op_post,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA | SEDA_USES_ADDR,
	},
	[SEDA_OP_TAKE] = { .fn = seda_op_take, },
	[SEDA_OP_READ] = {
		.fn = seda_op_io,
		.flags = SEDA_IO_VEC | SEDA_IO_NOWAIT,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA | SEDA_USES_ADDR |
			SEDA_USES_LEN | SEDA_USES_BUF | SEDA_USES_TO,
		.lookup = true,
	},
	[SEDA_OP_WRITE] = {
		.fn = seda_op_io,
		.flags = SEDA_IO_VEC | SEDA_IO_NOWAIT,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA | SEDA_USES_ADDR |
			SEDA_USES_LEN | SEDA_USES_BUF | SEDA_USES_TO,
		.lookup = true,
	},
	[SEDA_OP_SYNC] = {
		.fn = seda_op_io,
		.flags = SEDA_IO_NOWAIT | SEDA_SYNC_DATA,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA | SEDA_USES_LEN |
			SEDA_USES_TO,
		.lookup = true,
	},
	[SEDA_OP_ADVISE] = {
		.fn = seda_op_io,
		.flags = SEDA_IO_NOWAIT | SEDA_ADVISE_DROP,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA | SEDA_USES_LEN |
			SEDA_USES_TO,
		.lookup = true,
	},
	[SEDA_OP_RESIDENT] = {
		.fn = seda_op_io,
		.uses = SEDA_USES_SOURCE | SEDA_USES_LEN | SEDA_USES_TO,
		.lookup = true,
	},
	[SEDA_OP_SENDFILE] = {
		.fn = seda_op_sendfile,
		.flags = SEDA_IO_NOWAIT | SEDA_SEND_MORE,
		.uses = SEDA_USES_SOURCE | SEDA_USES_DATA | SEDA_USES_LEN |
			SEDA_USES_TO,
		.lookup = true,
	},
};

static bool seda_op_clean(const struct seda_op *op,
			  const struct seda_op_type *type)
{
	u8 uses = type->uses;

	if (op->pad || op->flags & ~type->flags)
		return false;
	if ((op->source && !(uses & SEDA_USES_SOURCE)) ||
	    (op->user_data && !(uses & SEDA_USES_DATA)) ||
	    (op->addr && !(uses & SEDA_USES_ADDR)) ||
	    (op->len && !(uses & SEDA_USES_LEN)) ||
	    (op->buf && !(uses & SEDA_USES_BUF)))
		return false;
	return uses & SEDA_USES_TO ||
	       !(op->first_ns | op->period_ns | op->reserved);
}

/* The last one that was looked up is likely to be the next; see seda_ops_run(). */
static struct seda_source *seda_op_source(struct seda_worker *w, u64 id)
{
	struct seda_source *src = seda_worker_recent(w, id);

	if (src)
		return src;
	src = w->looked_up;
	if (src && src->id == id && !test_bit(SEDA_SRC_KILLED, &src->flags))
		return src;
	if (src)
		seda_source_put(src);
	w->looked_up = seda_source_get(w->app, id);
	return w->looked_up;
}

static int seda_op_run(struct seda_worker *w, const struct seda_op *op)
{
	const struct seda_op_type *type;
	struct seda_source *src = NULL;

	if (op->op >= SEDA_OP_LAST)
		return -EOPNOTSUPP;
	type = &seda_op_types[array_index_nospec(op->op, SEDA_OP_LAST)];
	if (!seda_op_clean(op, type))
		return -EINVAL;
	if (type->lookup) {
		src = seda_op_source(w, op->source);
		if (!src)
			return -ESTALE;
	}
	return type->fn(w, src, op);
}

/* Other threads may write there: each word is read once. */
static void seda_op_copy(struct seda_op *op, const struct seda_op *from)
{
	const u64 *in = (const u64 *)from;
	u64 *out = (u64 *)op;
	unsigned int i;

	BUILD_BUG_ON(sizeof(*op) != 8 * sizeof(u64));
	for (i = 0; i < 8; i++)
		out[i] = READ_ONCE(in[i]);
}

/* The first nr ops of w's array; nr has been checked. */
void seda_ops_run(struct seda_worker *w, u32 nr)
{
	/* reads of a disk become one request, if they can, and go to it together */
	bool plugged = nr > 1 && w->segs;
	struct blk_plug plug;
	struct seda_op op;
	u32 i;

	if (plugged)
		blk_start_plug(&plug);
	for (i = 0; i < nr && !fatal_signal_pending(current); i++) {
		if (!(i % 16))
			cond_resched();
		seda_op_copy(&op, &w->ops[i]);
		WRITE_ONCE(w->ops[i].res, seda_op_run(w, &op));
	}
	if (plugged)
		blk_finish_plug(&plug);
	if (w->looked_up)
		seda_source_put(w->looked_up);
	w->looked_up = NULL;
}

/* A bit for each op. */
u64 seda_ops_known(void)
{
	return BIT_ULL(SEDA_OP_LAST) - 1;
}
