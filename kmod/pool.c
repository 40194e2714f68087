// SPDX-License-Identifier: GPL-2.0
/*
 * Pools: which stage is served next, who sleeps, who is woken.
 *
 * Sleeping and waking:
 *
 *   seda_worker_park()               whoever links a source
 *   ------------------               ----------------------
 *   puts itself on pool->parked      puts the source on stage->ready
 *   full barrier (A: of the state)   full barrier (B: of llist_add)
 *   looks for work; sleeps if none   looks for a parked worker, wakes it
 *
 * so that one of the two sees the other.  One wake-up is under way at a time
 * (pool->waking): the woken worker ends that, and does not go without having
 * looked for work after a full barrier that pairs with B: that of A when it
 * sleeps again, that of seda_pool_rouse() (C) when it leaves ENTER, where it
 * wakes the next one if it leaves some.  One that was stopped on its way (by a
 * debugger, by a real-time task on its CPU) is waited for no more than
 * SEDA_WAKING ticks: pool->retry then wakes another, if the target has room for
 * one more, as the late one is counted.  tests/model/pool.pml has all of this.
 *
 * Counted are the workers that may have events: not who is parked, even with a
 * part of its batch, who has not entered yet, nor who left with nothing and above
 * the target because its time was up or a signal came.
 *
 * The last to park is the first to be woken: its caches are warm.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/nospec.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include "seda.h"
#include "trace.h"

#define SEDA_WAKING	2

u32 seda_pool_target(const struct seda_pool *pool)
{
	u32 target = READ_ONCE(pool->target);

	/* it is compared as an int; there are never more workers */
	return min_t(u32, target, SEDA_MAX_WORKERS) ?: num_online_cpus();
}

/* The woken worker did not come in time. */
static void seda_pool_retry(struct timer_list *timer)
{
	seda_pool_rouse(container_of(timer, struct seda_pool, retry)); /* [retry-rouse] */
}

int seda_pool_create(struct seda_app *app, struct seda_pool_args *a)
{
	struct seda_pool *pool;
	int i, ret;

	if (a->flags || a->pad || a->pool)
		return -EINVAL;
	pool = kzalloc(sizeof(*pool), GFP_KERNEL_ACCOUNT);
	if (!pool)
		return -ENOMEM;
	pool->app = app;
	pool->target = a->concurrency;
	raw_spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->parked);
	timer_setup(&pool->retry, seda_pool_retry, 0);

	mutex_lock(&app->lock);
	for (i = 0; i < SEDA_MAX_POOLS; i++)
		if (!rcu_access_pointer(app->pools[i]))
			break;
	if (i < SEDA_MAX_POOLS) {
		pool->id = seda_id_new(app, i);
		a->pool = pool->id;
		rcu_assign_pointer(app->pools[i], pool);
	}
	mutex_unlock(&app->lock);
	if (i == SEDA_MAX_POOLS) {
		kfree(pool);
		return -ENOSPC;
	}
	ret = seda_answer(a);
	/* -EBUSY if another thread guessed its id: then that one has it */
	if (ret)
		seda_pool_destroy(app, a->pool);
	return ret;
}

/* NULL: stale.  It stays as long as app->lock is held. */
struct seda_pool *seda_pool_find(struct seda_app *app, u64 id)
{
	struct seda_pool *pool;
	u32 i = (u32)id;

	lockdep_assert_held(&app->lock);
	if (i >= SEDA_MAX_POOLS)
		return NULL;
	i = array_index_nospec(i, SEDA_MAX_POOLS);
	pool = rcu_dereference_protected(app->pools[i],
					 lockdep_is_held(&app->lock));
	return pool && pool->id == id ? pool : NULL;
}

int seda_pool_set(struct seda_app *app, struct seda_pool_args *a)
{
	struct seda_pool *pool;
	int ret = -ESTALE;

	if (a->flags || a->pad)
		return -EINVAL;
	mutex_lock(&app->lock);
	pool = seda_pool_find(app, a->pool);
	if (pool) {
		WRITE_ONCE(pool->target, a->concurrency); /* [set-target] */
		smp_mb(); /* as B, for who parked below the old target [set-barrier] */
		seda_pool_wake(pool, 0); /* [set-wake] */
		ret = 0;
	}
	mutex_unlock(&app->lock);
	return ret;
}

int seda_pool_destroy(struct seda_app *app, u64 id)
{
	struct seda_pool *pool;
	int ret = 0;

	mutex_lock(&app->lock);
	pool = seda_pool_find(app, id);
	if (!pool)
		ret = -ESTALE;
	else if (pool->nr_stages || pool->nr_workers)
		ret = -EBUSY;
	else
		RCU_INIT_POINTER(app->pools[(u32)id], NULL);
	mutex_unlock(&app->lock);
	if (!ret)
		seda_pool_free(pool);
	return ret;
}

void seda_pool_free(struct seda_pool *pool)
{
	struct seda_stage_list *list = rcu_dereference_raw(pool->stages);

	/* without stages and workers nobody starts it again */
	timer_delete_sync(&pool->retry);
	/* pollers of the app may still look at both */
	if (list)
		kfree_rcu(list, rcu);
	kfree_rcu(pool, rcu);
}

struct seda_stage_list *seda_stage_list_alloc(void)
{
	return kzalloc(sizeof(struct seda_stage_list), GFP_KERNEL_ACCOUNT);
}

/* Publishes the pool's stages anew, in list, highest priority first. */
void seda_pool_set_stages(struct seda_pool *pool, struct seda_stage_list *list,
			  struct seda_stage *add, struct seda_stage *del)
{
	struct seda_stage_list *old;
	u32 i, j;

	old = rcu_dereference_protected(pool->stages,
					lockdep_is_held(&pool->app->lock));
	for (i = 0; old && i < old->nr; i++)
		if (old->stage[i] != del)
			list->stage[list->nr++] = old->stage[i];
	if (add)
		list->stage[list->nr++] = add;
	for (i = 1; i < list->nr; i++)
		for (j = i; j && list->stage[j]->priority >
				 list->stage[j - 1]->priority; j--)
			swap(list->stage[j], list->stage[j - 1]);
	rcu_assign_pointer(pool->stages, list);
	if (old)
		kfree_rcu(old, rcu);
}

bool seda_pool_has_work(struct seda_pool *pool)
{
	struct seda_stage_list *list;
	bool work = false;
	u32 i;

	rcu_read_lock();
	list = rcu_dereference(pool->stages);
	for (i = 0; list && i < list->nr && !work; i++)
		work = seda_stage_runnable(list->stage[i]); /* [work-runnable] */
	rcu_read_unlock();
	return work;
}

/*
 * Is a better to serve than b?  One past its maximum delay is, of two such the
 * one that has waited longer; else by priority, of which a's is not higher.
 */
static bool seda_stage_before(const struct seda_stage *a,
			      const struct seda_stage *b)
{
	if (!READ_ONCE(a->due))
		return false;
	/* 0: none is left, or the first is just being counted */
	return !READ_ONCE(b->due) || READ_ONCE(a->stats->oldest_ns) - 1 <
				     READ_ONCE(b->stats->oldest_ns) - 1;
}

/* STAGE_SET may change either at any time. */
static bool seda_stage_equals(const struct seda_stage *a,
			      const struct seda_stage *b)
{
	return READ_ONCE(a->priority) == READ_ONCE(b->priority);
}

/*
 * The stage to serve next, or NULL.  Equals take turns.  tried has a bit for
 * each stage index not to be considered.  Under RCU.
 */
static struct seda_stage *seda_pool_choose(struct seda_pool *pool, u64 tried)
{
	struct seda_stage *stage, *best = NULL;
	struct seda_stage_list *list;
	unsigned int equals = 0, turn;
	u32 i;

	list = rcu_dereference(pool->stages);
	for (i = 0; list && i < list->nr; i++) {
		stage = list->stage[i];
		if (tried & BIT_ULL((u32)stage->id) ||
		    !seda_stage_runnable(stage))
			continue;
		if (!best || seda_stage_before(stage, best))
			best = stage;
		if (seda_stage_equals(stage, best))
			equals++;
	}
	if (equals > 1 && !READ_ONCE(best->due)) {
		turn = READ_ONCE(pool->turn);
		WRITE_ONCE(pool->turn, turn + 1);
		turn %= equals;
		for (i = 0; i < list->nr; i++) {
			stage = list->stage[i];
			if (seda_stage_equals(stage, best) &&
			    !(tried & BIT_ULL((u32)stage->id)) &&
			    seda_stage_runnable(stage) && !turn--) {
				best = stage;
				break;
			}
		}
	}
	return best;
}

/* As seda_pool_choose(), with a use of the stage for the caller. */
struct seda_stage *seda_pool_pick(struct seda_pool *pool, u64 tried)
{
	struct seda_stage *stage;

	rcu_read_lock();
	for (;;) {
		stage = seda_pool_choose(pool, tried);
		if (!stage || seda_stage_tryget(stage))
			break;
		/* it is being destroyed */
		tried |= BIT_ULL((u32)stage->id);
	}
	rcu_read_unlock();
	return stage;
}

/* Is a woken worker on its way, who will see what is there? */
static bool seda_pool_waking(const struct seda_pool *pool)
{
	return READ_ONCE(pool->waking) && /* [waking-flag] */
	       time_before(jiffies, READ_ONCE(pool->waking_until)); /* [waking-time] */
}

/* Looks again when the woken worker should have come.  Some are parked. */
static void seda_pool_watch(struct seda_pool *pool)
{
	/*
	 * One that goes off early looks again later.  Just when it does, it may still
	 * be seen pending: it will look behind a barrier, and see what is there now.
	 */
	if (!data_race(timer_pending(&pool->retry)))
		mod_timer(&pool->retry, READ_ONCE(pool->waking_until)); /* [watch-timer] */
}

/* Under pool->lock. */
static void seda_worker_count(struct seda_worker *w)
{
	WRITE_ONCE(w->pool->nr_running, w->pool->nr_running + !w->counted); /* [count-running] */
	w->counted = true; /* [count-it] */
}

/* Under pool->lock. */
void seda_worker_discount(struct seda_worker *w)
{
	WRITE_ONCE(w->pool->nr_running, w->pool->nr_running - w->counted); /* [discount-running] */
	w->counted = false; /* [discount-it] */
}

/* Counts w if it has to work, or the pool runs below its target.  Under pool->lock. */
static bool seda_worker_start(struct seda_worker *w, bool must)
{
	if (must || w->pool->nr_running < (int)seda_pool_target(w->pool)) /* [start-target] */
		seda_worker_count(w); /* [start-count] */
	return w->counted; /* [start-counted] */
}

/*
 * May this worker, who is not parked, take work?  Above the pool's target only
 * one who cannot wait.
 */
bool seda_worker_may_work(struct seda_worker *w, bool may_wait)
{
	struct seda_pool *pool = w->pool;
	bool may;

	if (w->counted) /* [may-work-counted] */
		return !may_wait || READ_ONCE(pool->nr_running) <= /* [may-work-running] */
				    (int)seda_pool_target(pool);
	raw_spin_lock_irq(&pool->lock); /* [may-work-lock] */
	may = seda_worker_start(w, !may_wait); /* [may-work-start] */
	raw_spin_unlock_irq(&pool->lock); /* [may-work-unlock] */
	return may;
}

/*
 * Wakes a parked worker if the pool runs below its target and none is on its
 * way.  Any context; after a full barrier since the work became visible.
 */
void seda_pool_wake(struct seda_pool *pool, int wake_flags)
{
	struct seda_worker *w = NULL;
	unsigned long irq;

	if (!READ_ONCE(pool->nr_parked)) /* [wake-nr-parked] */
		return;
	if (seda_pool_waking(pool)) { /* [wake-waking] */
		seda_pool_watch(pool); /* [wake-watch] */
		return;
	}
	/* the worker may leave once it is off the list: RCU keeps it */
	rcu_read_lock();
	raw_spin_lock_irqsave(&pool->lock, irq); /* [wake-lock] */
	if (!seda_pool_waking(pool) && /* [wake-waking-locked] */
	    pool->nr_running < (int)seda_pool_target(pool)) /* [wake-target] */
		w = list_first_entry_or_null(&pool->parked, struct seda_worker,
					     parked); /* [wake-pick] */
	if (w) {
		list_del_init(&w->parked); /* [wake-unlist] */
		WRITE_ONCE(pool->nr_parked, pool->nr_parked - 1); /* [wake-parked] */
		seda_worker_count(w); /* [wake-running] */
		WRITE_ONCE(pool->waking_until, jiffies + SEDA_WAKING); /* [wake-until] */
		WRITE_ONCE(pool->waking, true); /* [wake-set-waking] */
		WRITE_ONCE(w->woken, true); /* [wake-woken] */
	}
	raw_spin_unlock_irqrestore(&pool->lock, irq); /* [wake-unlock] */
	if (w) {
		trace_seda_wake(w);
		default_wake_function(&w->wake, TASK_NORMAL, wake_flags, NULL); /* [wake-task] */
		if (READ_ONCE(pool->nr_parked))
			seda_pool_watch(pool); /* [wake-watch-others] */
	}
	rcu_read_unlock();
}

/*
 * There may be work that no kick has told of: credits that came back, what was
 * linked again, what its finder leaves.
 */
void seda_pool_rouse(struct seda_pool *pool)
{
	smp_mb(); /* as B, and C [rouse-barrier] */
	if (!READ_ONCE(pool->nr_parked) && !waitqueue_active(&pool->app->wait)) /* [rouse-parked] */
		return;
	if (!seda_pool_has_work(pool)) /* [rouse-work] */
		return;
	seda_pool_wake(pool, 0); /* [rouse-wake] */
	seda_app_poke(pool->app);
}

static void seda_worker_lay_down(struct seda_worker *w)
{
	struct seda_pool *pool = w->pool;

	raw_spin_lock_irq(&pool->lock); /* [lay-down-lock] */
	WRITE_ONCE(w->woken, false); /* [lay-down-woken] */
	list_add(&w->parked, &pool->parked); /* [lay-down-list] */
	WRITE_ONCE(pool->nr_parked, pool->nr_parked + 1); /* [lay-down-parked] */
	seda_worker_discount(w); /* [lay-down-running] */
	raw_spin_unlock_irq(&pool->lock); /* [lay-down-unlock] */
}

/*
 * False: nobody woke it, and it would run above the target; then it does so
 * only if it must, and is not counted if it has no events.
 */
static bool seda_worker_get_up(struct seda_worker *w, bool must)
{
	struct seda_pool *pool = w->pool;
	bool up = true;

	raw_spin_lock_irq(&pool->lock); /* [get-up-lock] */
	if (w->woken) { /* [get-up-woken] */
		WRITE_ONCE(pool->waking, false); /* [get-up-waking] */
	} else if (seda_worker_start(w, must && w->nr_slots) || must) { /* [get-up-start] */
		list_del_init(&w->parked); /* [get-up-unlist] */
		WRITE_ONCE(pool->nr_parked, pool->nr_parked - 1); /* [get-up-parked] */
	} else {
		up = false; /* [get-up-not] */
	}
	raw_spin_unlock_irq(&pool->lock); /* [get-up-unlock] */
	return up;
}

/*
 * Sleeps until there is work for this worker.  0, -ETIME at until (NULL:
 * never), or -EINTR.  A caller that is counted must look for work, or pass a
 * wake-up on, as one may have been spent on it.
 */
int seda_worker_park(struct seda_worker *w, ktime_t *until)
{
	struct seda_pool *pool = w->pool;
	int ret = 0;

	seda_buf_flush(w);
	trace_seda_park(w);
	seda_worker_lay_down(w); /* [park-lay-down] */
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE); /* A [park-state] */
		if (READ_ONCE(w->woken)) /* [park-woken] */
			break;
		if (READ_ONCE(pool->nr_running) < (int)seda_pool_target(pool) && /* [park-target] */
		    seda_pool_has_work(pool) && /* [park-work] */
		    seda_worker_get_up(w, false)) /* [park-try] */
			goto up;
		if (signal_pending(current)) { /* [park-signal] */
			ret = -EINTR;
			break;
		}
		if (!schedule_hrtimeout(until, HRTIMER_MODE_ABS)) { /* [park-sleep] */
			ret = -ETIME;
			break;
		}
	}
	seda_worker_get_up(w, true); /* [park-get-up] */
up:
	__set_current_state(TASK_RUNNING); /* [park-running] */
	return ret;
}
