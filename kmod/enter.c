// SPDX-License-Identifier: GPL-2.0
/*
 * ENTER: submit, give back, harvest, wait.  The only hot call.
 */
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/uaccess.h>

#include "seda.h"
#include "trace.h"

/* As many events as there are and fit; each stage is served once. */
static void seda_harvest(struct seda_worker *w, u32 max)
{
	struct seda_stage *stage;
	u64 tried = 0;

	while (w->nr_slots < max) {
		stage = seda_pool_pick(w->pool, tried); /* [harvest-pick] */
		if (!stage)
			break;
		tried |= BIT_ULL((u32)stage->id);
		seda_stage_harvest(w, stage, max - w->nr_slots); /* [harvest-stage] */
		seda_stage_put(stage);
	}
}

/*
 * set_user_sigmask() and restore_saved_sigmask_unless() are not for modules;
 * these do the same by what is.
 */
static int seda_sigmask_set(const struct seda_enter_args *a)
{
	sigset_t set;

	if (!a->sigmask)
		return 0;
	if (copy_from_user(&set, u64_to_user_ptr(a->sigmask), sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	current->saved_sigmask = current->blocked;
	set_restore_sigmask();
	sigprocmask(SIG_SETMASK, &set, NULL);
	return 0;
}

/* interrupted: the signal's handler runs first, then the mask comes back. */
static void seda_sigmask_restore(const struct seda_enter_args *a,
				 bool interrupted)
{
	if (!a->sigmask || interrupted)
		return;
	if (test_and_clear_restore_sigmask())
		sigprocmask(SIG_SETMASK, &current->saved_sigmask, NULL);
}

static long seda_wait(struct seda_worker *w, u32 min, u32 max, u64 timeout)
{
	ktime_t until, *untilp = NULL;
	int ret;

	if (timeout != SEDA_FOREVER) {
		timeout = min_t(u64, timeout, KTIME_MAX);
		until = ktime_add_safe(ktime_get(), ns_to_ktime(timeout));
		untilp = &until;
	}
	do {
		ret = seda_worker_park(w, untilp); /* [wait-park] */
		/* whose time is up, or whom a signal woke, may be above the target */
		if (seda_worker_may_work(w, true) && /* [wait-may-work] */
		    !fatal_signal_pending(current))
			seda_harvest(w, max); /* [wait-harvest] */
		/* what was ready may have been nothing, again and again */
		cond_resched();
		if (!ret && w->nr_slots < min && signal_pending(current))
			ret = -EINTR;
		if (!ret && untilp && ktime_compare(ktime_get(), until) >= 0)
			ret = -ETIME;
	} while (!ret && w->nr_slots < min); /* [wait-again] */
	return ret;
}

static long seda_enter_events(struct seda_worker *w,
			      const struct seda_enter_args *a, u32 max)
{
	bool may_wait = a->min_events && a->timeout_ns;
	long ret = 0;

	if (seda_worker_may_work(w, may_wait)) /* [enter-may-work] */
		seda_harvest(w, max); /* [enter-harvest] */
	else
		/* what it has just given back is for others, who may poll */
		seda_pool_rouse(w->pool);
	if (may_wait && w->nr_slots < a->min_events) {
		ret = seda_sigmask_set(a);
		if (!ret) {
			/* [enter-wait] */
			ret = seda_wait(w, a->min_events, max, a->timeout_ns);
			seda_sigmask_restore(a, ret == -EINTR);
		}
	}
	/* others may have what this one leaves; a wake-up may be owed */
	seda_pool_rouse(w->pool); /* [enter-rouse] */
	seda_buf_flush(w);
	if (w->nr_slots || ret == -ETIME)
		return w->nr_slots;
	return ret;
}

long seda_enter(struct seda_app *app, const struct seda_enter_args *a)
{
	struct seda_worker *w = seda_worker_current(app, a->worker);
	u32 max = a->max_events ?: app->nr_events;
	long ret;

	if (a->flags & ~SEDA_ENTER_SUBMIT || a->nr_ops > app->nr_ops ||
	    max > app->nr_events || a->min_events > max ||
	    (a->sigmask && a->sigset_size != sizeof(sigset_t)))
		return -EINVAL;
	if (a->flags & SEDA_ENTER_SUBMIT &&
	    (a->min_events || a->max_events || a->sigset_size ||
	     a->timeout_ns || a->sigmask))
		return -EINVAL;
	if (!w)
		return -ESRCH;
	trace_seda_enter(w, a->nr_ops);
	if (a->nr_ops)
		seda_ops_run(w, a->nr_ops);
	if (a->flags & SEDA_ENTER_SUBMIT) {
		/* what RETURN gave back; it may not come again for a while */
		seda_buf_flush(w);
		return 0;
	}
	seda_slots_release(w, true); /* [enter-release] */
	ret = seda_enter_events(w, a, max); /* [enter-events] */
	trace_seda_leave(w, ret);
	return ret;
}
