// SPDX-License-Identifier: GPL-2.0
/*
 * Stages: their policy, their credits, and when they may be harvested.
 */
#include <linux/nospec.h>
#include <linux/slab.h>

#include "compat.h"
#include "seda.h"

/* The oldest source has waited for max_delay: batches wait no longer. */
static enum hrtimer_restart seda_stage_delayed(struct hrtimer *timer)
{
	struct seda_stage *stage = container_of(timer, struct seda_stage,
						delay);

	if (!atomic64_read((atomic64_t *)&stage->stats->pending) ||
	    !READ_ONCE(stage->max_delay)) /* [delayed-pending] */
		return HRTIMER_NORESTART;
	WRITE_ONCE(stage->due, true); /* [delayed-due] */
	smp_mb(); /* as B in pool.c [delayed-barrier] */
	seda_pool_wake(stage->pool, 0); /* [delayed-wake] */
	seda_app_poke(stage->app);
	return HRTIMER_NORESTART;
}

static int seda_policy_check(const struct seda_stage_args *a)
{
	if (a->flags || a->priority > 255 || a->capacity > SEDA_MAX_CAPACITY ||
	    a->max_delay_ns > KTIME_MAX ||
	    (a->min_batch > 1 && !a->max_delay_ns))
		return -EINVAL;
	return 0;
}

static void seda_policy_set(struct seda_stage *stage,
			    const struct seda_stage_args *a)
{
	u32 capacity = a->capacity ?: SEDA_MAX_CAPACITY;

	atomic_add((int)capacity - (int)stage->capacity, &stage->credits);
	WRITE_ONCE(stage->capacity, capacity);
	WRITE_ONCE(stage->priority, a->priority);
	WRITE_ONCE(stage->min_batch, a->min_batch); /* [policy-batch] */
	WRITE_ONCE(stage->max_delay, a->max_delay_ns); /* [policy-delay] */
}

static void seda_stage_free_rcu(struct rcu_head *rcu)
{
	struct seda_stage *stage = container_of(rcu, struct seda_stage, rcu);

	seda_posts_free(stage->posts);
	kfree(stage->without);
	kfree(stage);
}

static struct seda_stage *seda_stage_alloc(struct seda_app *app,
					   const struct seda_stage_args *a)
{
	struct seda_stage *stage;

	stage = kzalloc(sizeof(*stage), GFP_KERNEL_ACCOUNT);
	if (!stage)
		return NULL;
	stage->app = app;
	refcount_set(&stage->users, 1);
	init_llist_head(&stage->ready);
	spin_lock_init(&stage->lock);
	seda_hrtimer_setup(&stage->delay, seda_stage_delayed, CLOCK_MONOTONIC,
			   HRTIMER_MODE_REL);
	seda_policy_set(stage, a);
	seda_done_init(stage);
	strscpy(stage->name, a->name, sizeof(stage->name));
	stage->without = seda_stage_list_alloc();
	if (a->posts)
		stage->posts = seda_posts_alloc(stage, a->posts);
	if (stage->without && (stage->posts || !a->posts))
		return stage;
	seda_stage_free_rcu(&stage->rcu);
	return NULL;
}

/* Nobody uses it; who found it in a table meanwhile is waited for by RCU. */
void seda_stage_free(struct seda_stage *stage)
{
	hrtimer_cancel(&stage->delay);
	call_rcu(&stage->rcu, seda_stage_free_rcu);
}

static int seda_stage_enlist(struct seda_app *app, struct seda_stage *stage,
			     u64 pool)
{
	struct seda_stage_counters *stats = (void *)(app->stats + 1);
	struct seda_stage_list *list;
	int i;

	lockdep_assert_held(&app->lock);
	stage->pool = seda_pool_find(app, pool);
	if (!stage->pool)
		return -ESTALE;
	for (i = 0; i < SEDA_MAX_STAGES; i++)
		if (!rcu_access_pointer(app->stages[i]))
			break;
	if (i == SEDA_MAX_STAGES)
		return -ENOSPC;
	list = seda_stage_list_alloc();
	if (!list)
		return -ENOMEM;
	stage->id = seda_id_new(app, i);
	stage->stats = &stats[i];
	memset(stage->stats, 0, sizeof(*stage->stats));
	seda_pool_set_stages(stage->pool, list, stage, NULL);
	stage->pool->nr_stages++;
	rcu_assign_pointer(app->stages[i], stage);
	return 0;
}

int seda_stage_create(struct seda_app *app, struct seda_stage_args *a)
{
	struct seda_stage *stage;
	int ret;

	ret = seda_policy_check(a);
	if (ret || a->stage || a->name[SEDA_NAME_LEN - 1] ||
	    a->posts > SEDA_MAX_POSTS)
		return -EINVAL;
	stage = seda_stage_alloc(app, a);
	if (!stage)
		return -ENOMEM;
	mutex_lock(&app->lock);
	ret = seda_stage_enlist(app, stage, a->pool);
	if (!ret)
		a->stage = stage->id;
	mutex_unlock(&app->lock);
	if (ret) {
		seda_stage_free(stage);
		return ret;
	}
	ret = seda_answer(a);
	/* -EBUSY if another thread guessed its id: then that one has it */
	if (ret)
		seda_stage_destroy(app, a->stage);
	return ret;
}

/* How long its oldest source has waited, as far as it is known. */
static u64 seda_stage_age(const struct seda_stage *stage)
{
	u64 oldest = READ_ONCE(stage->stats->oldest_ns);
	u64 now = ktime_get_coarse_ns();

	return oldest && oldest < now ? now - oldest : 0;
}

int seda_stage_set(struct seda_app *app, struct seda_stage_args *a)
{
	struct seda_stage_list *list = NULL;
	struct seda_stage *stage;
	int ret;

	ret = seda_policy_check(a);
	if (ret)
		return ret;
	stage = seda_stage_get(app, a->stage);
	if (!stage)
		return -ESTALE;
	mutex_lock(&app->lock);
	/* the list is sorted by priority */
	if (a->priority != stage->priority) {
		list = seda_stage_list_alloc();
		if (!list) {
			ret = -ENOMEM;
			goto out;
		}
	}
	seda_policy_set(stage, a); /* [stage-set-policy] */
	/* by the new delay; the timer below is over at once if it is */
	WRITE_ONCE(stage->due, false); /* [stage-set-due] */
	if (list)
		seda_pool_set_stages(stage->pool, list, stage, stage);
	/*
	 * max_delay, then pending: seda_stage_link() has them in reverse.  And as B in
	 * pool.c, as it may be runnable now.
	 */
	smp_mb(); /* [stage-set-barrier] */
	if (atomic64_read((atomic64_t *)&stage->stats->pending) > 0)
		seda_stage_start_delay(stage, seda_stage_age(stage)); /* [stage-set-timer] */
	seda_pool_wake(stage->pool, 0); /* [stage-set-wake] */
	seda_app_poke(app);
out:
	mutex_unlock(&app->lock);
	seda_stage_put(stage);
	return ret;
}

int seda_stage_destroy(struct seda_app *app, u64 id)
{
	struct seda_stage *stage = seda_stage_get(app, id);
	int ret = 0;

	if (!stage)
		return -ESTALE;
	mutex_lock(&app->lock);
	/*
	 * The table's use is still there: who else destroys it, under the lock, was
	 * refused by ours.
	 */
	seda_stage_put(stage);
	if (!refcount_dec_if_one(&stage->users)) {
		ret = -EBUSY;
		goto out;
	}
	/* nobody can begin a use; a post that was taken may have linked it */
	seda_pool_set_stages(stage->pool, stage->without, NULL, stage);
	stage->without = NULL;
	RCU_INIT_POINTER(app->stages[(u32)id], NULL);
	/* it looks at the pool, which may go once it has no stages */
	hrtimer_cancel(&stage->delay);
	stage->pool->nr_stages--;
out:
	mutex_unlock(&app->lock);
	if (!ret)
		seda_stage_free(stage);
	return ret;
}

bool seda_stage_tryget(struct seda_stage *stage)
{
	return refcount_inc_not_zero(&stage->users);
}

/* A use of the stage, or NULL. */
struct seda_stage *seda_stage_get(struct seda_app *app, u64 id)
{
	struct seda_stage *stage;
	u32 i = (u32)id;

	if (i >= SEDA_MAX_STAGES)
		return NULL;
	i = array_index_nospec(i, SEDA_MAX_STAGES);
	rcu_read_lock();
	stage = rcu_dereference(app->stages[i]);
	if (stage && (stage->id != id || !seda_stage_tryget(stage)))
		stage = NULL;
	rcu_read_unlock();
	return stage;
}

/* Never the last: the table's use only goes when it is alone. */
void seda_stage_put(struct seda_stage *stage)
{
	refcount_dec(&stage->users);
}

/*
 * Fewer than min_batch are enough when no more could come.  Those that are out
 * could not, if each event owns its source; else nobody knows how many are.
 */
static bool seda_stage_batch_full(struct seda_stage *stage, u64 pending)
{
	u32 min = READ_ONCE(stage->min_batch);
	s64 more;

	if (min <= 1 || pending >= min || READ_ONCE(stage->due))
		return true;
	if (stage->posts)
		return false;
	more = READ_ONCE(stage->stats->sources);
	if (!atomic_read(&stage->nr_shared))
		more -= READ_ONCE(stage->stats->outstanding);
	return (s64)pending >= more;
}

bool seda_stage_runnable(struct seda_stage *stage)
{
	u64 pending = atomic64_read((atomic64_t *)&stage->stats->pending); /* [runnable-pending] */

	return pending && atomic_read(&stage->credits) > 0 && /* [runnable-credits] */
	       seda_stage_batch_full(stage, pending);
}

/* Up to want credits; returns how many there were. */
unsigned int seda_credits_take(struct seda_stage *stage, unsigned int want)
{
	int old = atomic_read(&stage->credits), n;

	do {
		if (old <= 0 || !want)
			return 0;
		n = min_t(int, want, old);
	} while (!atomic_try_cmpxchg(&stage->credits, &old, old - n)); /* [credits-take] */
	atomic64_add(n, (atomic64_t *)&stage->stats->outstanding);
	return n;
}

/*
 * The caller is about to look for work of its own pool; returns of another
 * pool's credits call seda_pool_wake() themselves.
 */
void seda_credits_return(struct seda_stage *stage, unsigned int n)
{
	atomic64_sub(n, (atomic64_t *)&stage->stats->outstanding);
	atomic_add(n, &stage->credits); /* [credits-return] */
}
