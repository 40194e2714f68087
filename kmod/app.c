// SPDX-License-Identifier: GPL-2.0
/*
 * An app: one open of the device, from open to release.  SETUP fixes its
 * sizes; release takes it apart, when no call can be in progress any more.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "io.h"

static void seda_app_poked(struct irq_work *work)
{
	struct seda_app *app = container_of(work, struct seda_app, poke);
	__poll_t what = EPOLLIN | EPOLLRDNORM;

	if (seda_app_is_orphan(app))
		what = EPOLLERR | EPOLLHUP;
	wake_up_interruptible_poll(&app->wait, what);
}

struct seda_app *seda_app_open(void)
{
	struct seda_user *user;
	struct seda_app *app;

	app = kzalloc(sizeof(*app), GFP_KERNEL_ACCOUNT);
	if (!app)
		return ERR_PTR(-ENOMEM);
	user = seda_user_get();
	if (IS_ERR(user)) {
		kfree(app);
		return ERR_CAST(user);
	}
	app->user = user;
	mutex_init(&app->lock);
	xa_init_flags(&app->sources, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	init_waitqueue_head(&app->wait);
	/* not a hard one: it takes a sleeping lock on PREEMPT_RT */
	init_irq_work(&app->poke, seda_app_poked);
	refcount_set(&app->refs, 1);
	return app;
}

/*
 * Wakes pollers of the descriptor; from any context, after the work they
 * wait for was made visible by a full barrier.
 */
void seda_app_poke(struct seda_app *app)
{
	/* after the barrier of linking (B in pool.c); pairs with seda_poll() */
	if (waitqueue_active(&app->wait)) /* [poke-active] */
		irq_work_queue(&app->poke); /* [poke-queue] */
}

bool seda_app_has_work(struct seda_app *app)
{
	struct seda_pool *pool;
	bool work = false;
	int i;

	rcu_read_lock();
	for (i = 0; i < SEDA_MAX_POOLS && !work; i++) {
		pool = rcu_dereference(app->pools[i]);
		work = pool && seda_pool_has_work(pool);
	}
	rcu_read_unlock();
	return work;
}

static int seda_setup_check(struct seda_setup_args *a)
{
	if (a->flags || a->pad || a->counters_size || a->arena_size ||
	    a->workers_off || a->bufs_off || a->worker_stride || a->ctl_off ||
	    a->ops_off)
		return -EINVAL;
	a->workers = a->workers ?: 64;
	a->events = a->events ?: 64;
	a->ops = a->ops ?: 256;
	a->bufs = a->bufs ?: 1024;
	a->buf_size = a->buf_size ?: 4096;
	a->sources = a->sources ?: 65536;
	if (a->workers > SEDA_MAX_WORKERS || a->events > SEDA_MAX_EVENTS ||
	    a->ops > SEDA_MAX_OPS || a->bufs > SEDA_MAX_BUFS ||
	    a->buf_size < SEDA_MIN_BUF_SIZE ||
	    a->buf_size > SEDA_MAX_BUF_SIZE ||
	    !is_power_of_2(a->buf_size) || a->sources > SEDA_MAX_SOURCES)
		return -EINVAL;
	return 0;
}

/* Where everything lies in the arena; each worker starts on a page. */
static int seda_setup_layout(struct seda_setup_args *a)
{
	a->ctl_off = a->events * sizeof(struct seda_event);
	a->ops_off = ALIGN(a->ctl_off + a->events * sizeof(struct seda_ctl),
			   sizeof(struct seda_op));
	a->worker_stride = PAGE_ALIGN(a->ops_off +
				      a->ops * sizeof(struct seda_op));
	a->workers_off = 0;
	a->bufs_off = (u64)a->worker_stride * a->workers;
	a->arena_size = PAGE_ALIGN(a->bufs_off + (u64)a->bufs * a->buf_size);
	a->counters_size = PAGE_ALIGN(sizeof(struct seda_app_counters) +
				      SEDA_MAX_STAGES *
				      sizeof(struct seda_stage_counters));
	return a->arena_size > SEDA_MAX_ARENA ? -EINVAL : 0;
}

static void seda_app_free_memory(struct seda_app *app)
{
	kvfree(rcu_dereference_raw(app->workers));
	app->workers = NULL;
	seda_bufs_destroy(&app->bufs);
	seda_region_free(&app->arena);
	seda_region_free(&app->counters);
	seda_unlock_pages(app);
}

static int seda_app_alloc_memory(struct seda_app *app,
				 const struct seda_setup_args *a)
{
	int ret;

	ret = seda_lock_pages(app, (a->arena_size + a->counters_size) >>
			      PAGE_SHIFT);
	if (ret)
		return ret;
	ret = seda_region_alloc(&app->counters, a->counters_size);
	if (ret)
		goto err;
	ret = seda_region_alloc(&app->arena, a->arena_size);
	if (ret)
		goto err;
	ret = seda_bufs_init(&app->bufs, app->arena.addr + a->bufs_off,
			     a->bufs, a->buf_size);
	if (ret)
		goto err;
	ret = -ENOMEM;
	app->workers = kvcalloc(a->workers, sizeof(*app->workers),
				GFP_KERNEL_ACCOUNT);
	if (app->workers)
		return 0;
err:
	seda_app_free_memory(app);
	return ret;
}

int seda_app_setup(struct seda_app *app, struct seda_setup_args *a)
{
	int ret;

	ret = seda_setup_check(a);
	if (!ret)
		ret = seda_setup_layout(a);
	if (ret)
		return ret;

	/* the answer may wait for a page */
	if (mutex_lock_killable(&app->lock))
		return -EINTR;
	ret = -EBUSY;
	if (app->ready)
		goto out;
	ret = seda_app_alloc_memory(app, a);
	if (ret)
		goto out;
	ret = seda_answer(a);
	if (ret) {
		seda_app_free_memory(app);
		goto out;
	}
	app->nr_workers = a->workers;
	app->nr_events = a->events;
	app->nr_ops = a->ops;
	app->nr_sources = a->sources;
	app->worker_stride = a->worker_stride;
	app->ctl_off = a->ctl_off;
	app->ops_off = a->ops_off;
	app->bufs_off = a->bufs_off;
	app->stats = app->counters.addr;
	app->stats->bufs_free = a->bufs;
	mmgrab(current->mm);
	app->mm = current->mm;
	seda_stats_add(app);
	/* pairs with the acquires of whoever comes by the descriptor */
	smp_store_release(&app->ready, true);
out:
	mutex_unlock(&app->lock);
	return ret;
}

/*
 * Nobody refers to the app any more.  Still running can be timers of stages and
 * pools, which what ended last may have begun.
 */
static void seda_app_end(struct seda_app *app)
{
	struct seda_stage *stage;
	struct seda_pool *pool;
	u32 i;

	/* their items have ended, or are about to return */
	if (app->io_wq)
		destroy_workqueue(app->io_wq);
	for (i = 0; i < SEDA_MAX_STAGES; i++) {
		stage = rcu_dereference_raw(app->stages[i]);
		if (stage)
			hrtimer_cancel(&stage->delay);
	}
	/* they look at the stages; nobody is parked, so nobody starts them */
	for (i = 0; i < SEDA_MAX_POOLS; i++) {
		pool = rcu_dereference_raw(app->pools[i]);
		if (pool)
			timer_delete_sync(&pool->retry);
	}
	/* nobody pokes any more */
	irq_work_sync(&app->poke);
	/*
	 * Sources that ops kept go, and with them their uses of stages; and those that
	 * the end of an op linked as the release was taking what is linked off them.
	 */
	for (i = 0; i < SEDA_MAX_STAGES; i++) {
		stage = rcu_dereference_raw(app->stages[i]);
		if (!stage)
			continue;
		seda_stage_drop_ready(stage);
		seda_done_drop(stage);
	}
	for (i = 0; i < SEDA_MAX_STAGES; i++) {
		stage = rcu_dereference_raw(app->stages[i]);
		if (stage)
			seda_stage_free(stage);
	}
	for (i = 0; i < SEDA_MAX_POOLS; i++) {
		pool = rcu_dereference_raw(app->pools[i]);
		if (pool)
			seda_pool_free(pool);
	}
	seda_app_free_memory(app);
	mmdrop(app->mm);
}

static void seda_app_free(struct seda_app *app)
{
	xa_destroy(&app->sources);
	seda_user_put(app->user);
	kfree(app);
}

/* Who ended an app's last op may be at the end of doing so as the module goes. */
bool seda_ended_later;

/* By the last op of an app that was released before. */
static void seda_app_end_later(struct work_struct *work)
{
	struct seda_app *app = container_of(work, struct seda_app, end);

	seda_app_end(app);
	seda_app_free(app);
	WRITE_ONCE(seda_ended_later, true);
	/* seda_exit() waits for the rest of this function */
	module_put(THIS_MODULE);
}

/* Any context. */
void seda_app_put(struct seda_app *app)
{
	if (!refcount_dec_and_test(&app->refs))
		return;
	INIT_WORK(&app->end, seda_app_end_later);
	queue_work(seda_wq, &app->end);
}

/*
 * The last descriptor and mapping are gone, so no call is in progress and
 * none will come.  Still running can be: callbacks of sources, exits of
 * workers' threads and the items they queued, timers of stages and pools, and
 * ops of files, for as long as a disk likes.
 */
void seda_app_release(struct seda_app *app)
{
	if (!app->ready)
		goto out;
	app->released = true;
	/* readers of debugfs are waited for */
	seda_stats_remove(app);
	/* exits of threads do not find the workers after this; batches end */
	seda_workers_end(app);
	/* sources stop calling back */
	seda_sources_release(app);
	/* for seda_app_end_later(), while the device's own is still there */
	__module_get(THIS_MODULE);
	if (!refcount_dec_and_test(&app->refs))
		return;
	module_put(THIS_MODULE);
	seda_app_end(app);
out:
	seda_app_free(app);
}
