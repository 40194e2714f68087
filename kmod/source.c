// SPDX-License-Identifier: GPL-2.0
/*
 * Sources: ids, references, and how they end.  The app's table holds one
 * reference from seda_source_publish() to seda_source_kill().
 */
#include <linux/slab.h>

#include "seda.h"
#include "trace.h"

/* stage: its id.  The caller has zeroed *src. */
int seda_source_init(struct seda_app *app, struct seda_source *src,
		     const struct seda_kind *kind, u64 stage, u64 user_data)
{
	src->stage = seda_stage_get(app, stage);
	if (!src->stage)
		return -ESTALE;
	src->kind = kind;
	src->user_data = user_data;
	refcount_set(&src->ref, 1);
	return 0;
}

/*
 * Gives src its id and puts it into the table: from here on ops find it, but
 * nobody pumps or ends it, as the caller owns it until seda_source_start(), or
 * undoes it by seda_source_undo().  -ENFILE past a limit.
 */
int seda_source_publish(struct seda_app *app, struct seda_source *src)
{
	u32 index;
	int ret;

	ret = seda_user_source(app->user);
	if (ret)
		return ret;
	/* what was there before it called back is found when it starts */
	atomic_set(&src->state, SEDA_SRC_OWNED | SEDA_SRC_AGAIN);
	ret = xa_alloc(&app->sources, &index, src,
		       XA_LIMIT(0, app->nr_sources - 1), GFP_KERNEL_ACCOUNT);
	if (ret) {
		atomic_dec(&app->user->sources);
		return ret == -EBUSY ? -ENFILE : ret;
	}
	atomic_inc((atomic_t *)&app->stats->sources);
	atomic64_inc((atomic64_t *)&src->stage->stats->sources);
	if (src->kind->shared)
		atomic_inc(&src->stage->nr_shared);
	refcount_inc(&src->ref);
	/* look-ups compare the whole id, so they find it from here on */
	WRITE_ONCE(src->id, seda_id_new(app, index));
	trace_seda_source_new(src);
	return 0;
}

/* The end of publishing, or of the accept event: others may have it. */
void seda_source_start(struct seda_source *src, bool look)
{
	struct seda_stage *stage = src->stage;

	/* src may be gone once it is released, which may sleep to look at it */
	refcount_inc(&stage->users);
	if (seda_source_release(src, look)) { /* [start-release] */
		seda_pool_wake(stage->pool, 0);
		seda_app_poke(stage->app);
	}
	seda_stage_put(stage);
}

void seda_source_undo(struct seda_source *src)
{
	seda_source_kill(src);
	seda_source_put(src);
}

/*
 * The end of a call that made src: it is started once the caller can know its
 * id, as there is no way back from the first event.
 */
int seda_source_answer(struct seda_source *src, const void *args)
{
	int ret = seda_answer(args);

	if (ret)
		seda_source_undo(src);
	else
		seda_source_start(src, true);
	return ret;
}

static void seda_source_free(struct seda_source *src)
{
	seda_stage_put(src->stage);
	src->kind->free(src);
}

/* Ends a source that was never published. */
void seda_source_discard(struct seda_source *src)
{
	src->kind->close(src);
	seda_source_free(src);
}

/* A reference to the source of this id, or NULL. */
struct seda_source *seda_source_get(struct seda_app *app, u64 id)
{
	struct seda_source *src;

	rcu_read_lock(); /* [get-rcu] */
	src = xa_load(&app->sources, (u32)id); /* [get-load] */
	if (src && (READ_ONCE(src->id) != id || !id ||
		    !refcount_inc_not_zero(&src->ref))) /* [get-ref] */
		src = NULL;
	rcu_read_unlock(); /* [get-rcu-end] */
	return src;
}

/* Task context. */
void seda_source_put(struct seda_source *src)
{
	if (refcount_dec_and_test(&src->ref)) /* [put-ref] */
		seda_source_free(src); /* [put-free] */
}

/*
 * Takes src out of the table, for good.  The caller excludes that anybody
 * pumps it: it owns src, or src is held, or the app goes.
 */
void seda_source_kill(struct seda_source *src)
{
	struct seda_app *app = src->stage->app;

	if (test_and_set_bit(SEDA_SRC_KILLED, &src->flags)) /* [kill-once] */
		return;
	trace_seda_source_end(src);
	xa_erase(&app->sources, (u32)src->id); /* [kill-table] */
	seda_buf_unstall(app, src); /* [kill-unstall] */
	src->kind->close(src); /* [kill-close] */
	atomic_or(SEDA_SRC_DEAD, &src->state); /* [kill-dead] */
	atomic_dec(&app->user->sources);
	atomic_dec((atomic_t *)&app->stats->sources);
	atomic64_dec((atomic64_t *)&src->stage->stats->sources);
	if (src->kind->shared)
		atomic_dec(&src->stage->nr_shared);
	/* a batch may be complete without it */
	if (READ_ONCE(src->stage->min_batch) > 1)
		seda_pool_rouse(src->stage->pool);
	seda_source_put(src); /* [kill-put] */
}

/* A held source's credit goes back, if it has one. */
static void seda_source_credit(struct seda_source *src)
{
	if (!test_and_clear_bit(SEDA_SRC_CREDIT, &src->flags)) /* [credit-clear] */
		return;
	seda_credits_return(src->stage, 1);
	seda_pool_rouse(src->stage->pool);
}

/* The RELEASE op. */
int seda_source_unhold(struct seda_source *src)
{
	struct seda_pool *pool = src->stage->pool;

	if (!test_and_clear_bit(SEDA_SRC_HELD, &src->flags)) /* [unhold-held] */
		return -EBUSY;
	seda_source_credit(src); /* [unhold-credit] */
	/* the caller's reference keeps the stage, and so the pool */
	if (seda_source_release(src, true)) { /* [unhold-release] */
		seda_pool_wake(pool, 0);
		seda_app_poke(pool->app);
	}
	return 0;
}

/*
 * Excludes all others from src, which w's batch owns (w may be NULL) or which
 * is held: then *held.  -EBUSY when neither.  seda_source_unseize() or
 * seda_source_end() follows.
 */
int seda_source_seize(struct seda_worker *w, struct seda_source *src,
		      bool *held)
{
	*held = false;
	if (w && READ_ONCE(src->owner) == w) /* [seize-owner] */
		return 0;
	*held = test_and_clear_bit(SEDA_SRC_HELD, &src->flags); /* [seize-held] */
	return *held ? 0 : -EBUSY;
}

void seda_source_unseize(struct seda_source *src, bool held)
{
	if (held)
		set_bit(SEDA_SRC_HELD, &src->flags);
}

/* Ends a seized source without a CLOSED event. */
void seda_source_end(struct seda_source *src, bool held)
{
	if (held)
		seda_source_credit(src); /* [end-credit] */
	seda_source_kill(src); /* [end-kill] */
	/* else the slot has it until its release */
	if (held)
		seda_source_put(src); /* [end-put] */
}

static int seda_source_finish(struct seda_source *src, unsigned int flags)
{
	return src->kind->finish ? src->kind->finish(src, flags) : 0;
}

static int seda_source_close_quiet(struct seda_worker *w,
				   struct seda_source *src, unsigned int flags)
{
	bool held;
	int ret;

	ret = seda_source_seize(w, src, &held); /* [quiet-seize] */
	if (ret)
		return ret;
	ret = seda_source_finish(src, flags);
	if (ret)
		seda_source_unseize(src, held);
	else
		seda_source_end(src, held); /* [quiet-end] */
	return ret;
}

/* CLOSE, as op (w) or as call (w is NULL). */
int seda_source_close(struct seda_worker *w, struct seda_source *src,
		      unsigned int flags)
{
	int ret;

	if (test_bit(SEDA_SRC_CLOSING, &src->flags)) /* [close-closing] */
		return -EALREADY;
	if (flags & SEDA_CLOSE_QUIET)
		return seda_source_close_quiet(w, src, flags); /* [close-quiet] */
	ret = seda_source_finish(src, flags);
	if (ret)
		return ret;
	if (test_and_set_bit(SEDA_SRC_CLOSING, &src->flags)) /* [close-once] */
		return -EALREADY;
	seda_source_kick(src, 0); /* [close-kick] */
	return 0;
}

int seda_source_info(struct seda_app *app, struct seda_source_info_args *a)
{
	struct seda_source *src;

	if (a->flags)
		return -EINVAL;
	src = seda_source_get(app, a->source);
	if (!src)
		return -ESTALE;
	a->kind = src->kind->id;
	a->stage = (u32)src->stage->id;
	a->seq = READ_ONCE(src->seq);
	a->user_data = READ_ONCE(src->user_data);
	a->sends = 0;
	a->queued = 0;
	memset(&a->local, 0, sizeof(a->local));
	memset(&a->peer, 0, sizeof(a->peer));
	if (src->kind->info)
		src->kind->info(src, a);
	seda_source_put(src);
	return 0;
}

/* With the app, after its workers ended: no source is in a slot any more. */
void seda_sources_release(struct seda_app *app)
{
	struct seda_source *src;
	struct seda_stage *stage;
	unsigned long index;
	u32 i;

	xa_for_each(&app->sources, index, src) {
		refcount_inc(&src->ref); /* [sources-ref] */
		seda_source_kill(src); /* [sources-kill] */
		/* what is owned now was held */
		if ((atomic_read(&src->state) & SEDA_SRC_STATE) ==
		    SEDA_SRC_OWNED) /* [sources-held] */
			seda_source_put(src); /* [sources-held-put] */
		seda_source_put(src); /* [sources-put] */
		cond_resched();
	}
	for (i = 0; i < SEDA_MAX_STAGES; i++) {
		stage = rcu_dereference_raw(app->stages[i]);
		if (stage)
			seda_stage_drop_ready(stage); /* [sources-drop] */
	}
}
