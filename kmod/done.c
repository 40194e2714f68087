// SPDX-License-Identifier: GPL-2.0
/*
 * The way of an ended op to its DONE event: each stage has a source of its own
 * for those that waited in it, which is ready while there are some.
 */
#include "io.h"

static struct seda_done *to_done(struct seda_source *src)
{
	return container_of(src, struct seda_done, src);
}

/* The owner's: the one that ended first. */
static struct seda_io *seda_done_take(struct seda_done *d)
{
	struct llist_node *node;

	if (!d->fifo)
		d->fifo = llist_reverse_order(llist_del_all(&d->ended));
	node = d->fifo;
	if (!node)
		return NULL;
	d->fifo = node->next;
	return llist_entry(node, struct seda_io, ended);
}

static void seda_done_emit(struct seda_worker *w, struct seda_stage *stage,
			   struct seda_io *io)
{
	struct seda_event ev = {
		.events = SEDA_EV_DONE,
		.buf = SEDA_NO_BUF,
		.res = io->res,
		.done = io->user_data,
	};

	seda_emit_in(w, stage, &io->disk->src, &ev, SEDA_NO_BUF);
	/* now, as the event has been counted: CLOSED may come after it */
	seda_io_free(io);
}

static bool seda_done_ready(struct seda_source *src)
{
	struct seda_done *d = to_done(src);

	return d->fifo || !llist_empty(&d->ended);
}

static unsigned int seda_done_pump(struct seda_worker *w,
				   struct seda_source *src, unsigned int room)
{
	struct seda_done *d = to_done(src);
	struct seda_io *io;
	unsigned int n;

	for (n = 0; n < room; n++) {
		io = seda_done_take(d);
		if (!io)
			break;
		seda_done_emit(w, src->stage, io);
	}
	if (seda_done_ready(src))
		atomic_or(SEDA_SRC_AGAIN, &src->state);
	return n;
}

static const struct seda_kind seda_done_kind = {
	.name = "done",
	.shared = true,
	.pump = seda_done_pump,
	.ready = seda_done_ready,
};

void seda_done_init(struct seda_stage *stage)
{
	struct seda_done *d = &stage->done;

	init_llist_head(&d->ended);
	d->src.stage = stage;
	d->src.kind = &seda_done_kind;
	/* freed with its stage, so this one is never put */
	refcount_set(&d->src.ref, 1);
}

/* Any context.  io is the harvester's from here on; the caller keeps the stage. */
void seda_done_add(struct seda_stage *stage, struct seda_io *io)
{
	llist_add(&io->ended, &stage->done.ended);
	seda_source_kick(&stage->done.src, 0);
}

/* With the app: nobody harvests any more, and no op is left that could end. */
void seda_done_drop(struct seda_stage *stage)
{
	struct seda_io *io;

	while ((io = seda_done_take(&stage->done))) {
		seda_io_free(io);
		cond_resched();
	}
}
