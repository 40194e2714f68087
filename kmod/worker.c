// SPDX-License-Identifier: GPL-2.0
/*
 * Workers: threads that joined a pool.  A worker ends by WORKER_LEAVE, by the
 * exit of its thread (told by the sched_process_exit tracepoint, which costs
 * other exits one look into a hash), or with the app.  Each of the three takes it out of the
 * hash of threads first; who succeeds ends it.
 */
#include <linux/hashtable.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "seda.h"

static DEFINE_RAW_SPINLOCK(seda_exit_lock);
static DEFINE_HASHTABLE(seda_exit_hash, 8);
static struct tracepoint *seda_exit_tp;

static void seda_worker_hash(struct seda_worker *w)
{
	unsigned long irq;

	raw_spin_lock_irqsave(&seda_exit_lock, irq);
	hash_add(seda_exit_hash, &w->exit_node, (unsigned long)w->task);
	raw_spin_unlock_irqrestore(&seda_exit_lock, irq);
}

/* False: the thread's exit was there before. */
static bool seda_worker_unhash(struct seda_worker *w)
{
	unsigned long irq;
	bool hashed;

	raw_spin_lock_irqsave(&seda_exit_lock, irq);
	hashed = !hlist_unhashed(&w->exit_node); /* [unhash-was] */
	hash_del(&w->exit_node); /* [unhash-del] */
	raw_spin_unlock_irqrestore(&seda_exit_lock, irq);
	return hashed;
}

static void seda_worker_free_rcu(struct rcu_head *rcu)
{
	struct seda_worker *w = container_of(rcu, struct seda_worker, rcu);

	seda_send_free_spares(w);
	kvfree(w->bufs);
	kvfree(w->batch);
	kvfree(w->slots);
	kvfree(w->segs);
	put_task_struct(w->task);
	kfree(w);
}

/*
 * Gives back what the worker's batch held and frees it.  The thread is the
 * caller, or gone, or cannot call in any more.
 */
static void seda_worker_finish(struct seda_worker *w)
{
	struct seda_app *app = w->app;
	struct seda_pool *pool = w->pool;

	/* an item must not wait for what a source may wait for */
	seda_slots_release(w, false); /* [finish-slots] */
	seda_buf_flush(w);
	mutex_lock(&app->lock);
	RCU_INIT_POINTER(app->workers[w->index], NULL); /* [finish-table] */
	WRITE_ONCE(pool->nr_workers, pool->nr_workers - 1);
	WRITE_ONCE(app->stats->workers, app->stats->workers - 1);
	raw_spin_lock_irq(&pool->lock);
	seda_worker_discount(w); /* [finish-running] */
	raw_spin_unlock_irq(&pool->lock);
	/* its work is others' now */
	seda_pool_rouse(pool); /* [finish-rouse] */
	mutex_unlock(&app->lock);
	call_rcu(&w->rcu, seda_worker_free_rcu); /* [finish-free] */
}

static void seda_worker_gone(struct work_struct *work)
{
	seda_worker_finish(container_of(work, struct seda_worker, gone)); /* [gone-finish] */
}

/*
 * With the app.  A worker whose thread exits meanwhile is ended by its item,
 * which may have taken it out of the table already while it still runs: so all
 * items are waited for, whether they are seen here or not.
 */
void seda_workers_end(struct seda_app *app)
{
	struct seda_worker *w;
	u32 i;

	for (i = 0; i < app->nr_workers; i++) {
		rcu_read_lock(); /* [end-rcu] */
		w = rcu_dereference(app->workers[i]); /* [end-load] */
		if (w && !seda_worker_unhash(w)) /* [end-unhash] */
			w = NULL;
		rcu_read_unlock(); /* [end-rcu-end] */
		if (w)
			seda_worker_finish(w); /* [end-finish] */
	}
	/* no thread finds a worker of app any more: no item comes after these */
	flush_workqueue(seda_wq); /* [end-flush] */
}

/* In the exiting thread; until 7.2, which has SRCU there, with preemption off. */
static void seda_thread_exits(void *data, struct task_struct *task)
{
	struct seda_worker *w;
	struct hlist_node *tmp;
	unsigned long irq;

	/* all other threads' exits end here */
	if (hlist_empty(&seda_exit_hash[hash_min((unsigned long)task,
						 HASH_BITS(seda_exit_hash))]))
		return; /* [exits-empty] */
	raw_spin_lock_irqsave(&seda_exit_lock, irq); /* [exits-lock] */
	hash_for_each_possible_safe(seda_exit_hash, w, tmp, exit_node,
				    (unsigned long)task) {
		if (w->task != task) /* [exits-find] */
			continue;
		hash_del(&w->exit_node); /* [exits-unhash] */
		/* under the lock: afterwards the app may wait for the item */
		queue_work(seda_wq, &w->gone); /* [exits-queue] */
	}
	raw_spin_unlock_irqrestore(&seda_exit_lock, irq); /* [exits-unlock] */
}

static void seda_exit_find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "sched_process_exit"))
		seda_exit_tp = tp;
}

int seda_exit_watch(void)
{
	for_each_kernel_tracepoint(seda_exit_find, NULL);
	if (!seda_exit_tp)
		return -EOPNOTSUPP;
	return tracepoint_probe_register(seda_exit_tp, seda_thread_exits,
					 NULL);
}

void seda_exit_unwatch(void)
{
	tracepoint_probe_unregister(seda_exit_tp, seda_thread_exits, NULL);
	/* a probe that is running ends before the module goes */
	tracepoint_synchronize_unregister();
}

static struct seda_worker *seda_worker_alloc(struct seda_app *app)
{
	struct seda_worker *w;

	w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return NULL;
	w->slots = kvcalloc(app->nr_events, sizeof(*w->slots),
			    GFP_KERNEL_ACCOUNT);
	w->batch = kvcalloc(app->nr_events, sizeof(*w->batch),
			    GFP_KERNEL_ACCOUNT);
	w->bufs = kvcalloc(app->nr_events + SEDA_BUF_REFILL, sizeof(*w->bufs),
			   GFP_KERNEL_ACCOUNT);
	w->app = app;
	w->task = get_task_struct(current);
	w->wake.private = current;
	INIT_LIST_HEAD(&w->spares);
	INIT_LIST_HEAD(&w->parked);
	INIT_HLIST_NODE(&w->exit_node);
	INIT_WORK(&w->gone, seda_worker_gone);
	if (w->slots && w->batch && w->bufs)
		return w;
	seda_worker_free_rcu(&w->rcu);
	return NULL;
}

/* Under app->lock: a free place for w, whose thread has none yet. */
static int seda_worker_place(struct seda_app *app, struct seda_worker *w)
{
	struct seda_worker *other;
	int free = -ENOSPC;
	u32 i;

	/* -EAGAIN: a place will be free when a thread has exited */
	for (i = 0; i < app->nr_workers; i++) {
		/* under app->lock */
		other = rcu_dereference_raw(app->workers[i]);
		if (other && other->task == w->task)
			return -EALREADY;
		if (!other && free < 0)
			free = i;
		/* its own, and written plainly; who is too early tries again */
		if (free == -ENOSPC && data_race(other->task->flags) & PF_EXITING)
			free = -EAGAIN;
	}
	return free;
}

static int seda_worker_enlist(struct seda_app *app, struct seda_worker *w,
			      u64 pool)
{
	void *base;
	int i;

	lockdep_assert_held(&app->lock);
	w->pool = seda_pool_find(app, pool);
	if (!w->pool)
		return -ESTALE;
	i = seda_worker_place(app, w);
	if (i < 0)
		return i;
	base = app->arena.addr + (size_t)i * app->worker_stride;
	w->events = base;
	w->ctl = base + app->ctl_off;
	w->ops = base + app->ops_off;
	w->index = i;
	w->id = seda_id_new(app, i);
	WRITE_ONCE(w->pool->nr_workers, w->pool->nr_workers + 1);
	WRITE_ONCE(app->stats->workers, app->stats->workers + 1);
	rcu_assign_pointer(app->workers[i], w);
	seda_worker_hash(w);
	return 0;
}

int seda_worker_join(struct seda_app *app, struct seda_join_args *a)
{
	struct seda_worker *w;
	int ret;

	if (a->flags & ~SEDA_WORKER_CLAIM || a->worker)
		return -EINVAL;
	w = seda_worker_alloc(app);
	if (!w)
		return -ENOMEM;
	w->claim = a->flags & SEDA_WORKER_CLAIM;
again:
	mutex_lock(&app->lock);
	ret = seda_worker_enlist(app, w, a->pool);
	if (!ret)
		a->worker = w->id;
	mutex_unlock(&app->lock);
	if (ret == -EAGAIN && !fatal_signal_pending(current)) {
		/* pthread_join() returns before a thread is quite gone */
		flush_workqueue(seda_wq);
		schedule_timeout_killable(1);
		goto again;
	}
	if (ret) {
		seda_worker_free_rcu(&w->rcu);
		return ret;
	}
	ret = seda_answer(a);
	if (ret)
		seda_worker_leave(app);
	return ret;
}

/* The caller's worker of this id, or NULL; it stays while the caller calls. */
struct seda_worker *seda_worker_current(struct seda_app *app, u64 id)
{
	struct seda_worker *w;
	u32 i = (u32)id;

	if (i >= app->nr_workers)
		return NULL;
	i = array_index_nospec(i, app->nr_workers);
	rcu_read_lock();
	w = rcu_dereference(app->workers[i]);
	if (w && (w->id != id || w->task != current))
		w = NULL;
	rcu_read_unlock();
	return w;
}

/* The worker that the caller is, or NULL. */
struct seda_worker *seda_worker_self(struct seda_app *app)
{
	struct seda_worker *w = NULL;
	u32 i;

	rcu_read_lock(); /* [self-rcu] */
	for (i = 0; i < app->nr_workers && !w; i++) {
		w = rcu_dereference(app->workers[i]); /* [self-find] */
		if (w && w->task != current)
			w = NULL;
	}
	rcu_read_unlock(); /* [self-rcu-end] */
	return w;
}

int seda_worker_leave(struct seda_app *app)
{
	struct seda_worker *w = seda_worker_self(app); /* [leave-self] */

	if (!w)
		return -ESRCH;
	/* the thread is here, so it has not exited */
	if (seda_worker_unhash(w)) /* [leave-unhash] */
		seda_worker_finish(w); /* [leave-finish] */
	return 0;
}
