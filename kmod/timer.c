// SPDX-License-Identifier: GPL-2.0
/*
 * Timers, one-shot and periodic.  A periodic one that expired is started again
 * when its event is fetched, which counts the periods that are over: whatever
 * nobody fetches costs nothing.
 */
#include <linux/hrtimer.h>
#include <linux/slab.h>

#include "compat.h"
#include "seda.h"

struct seda_timer {
	struct seda_source src;
	struct hrtimer timer;
	struct mutex lock;		/* of arming */
	ktime_t period;			/* under lock */
	bool expired;			/* not fetched; the timer is stopped */
};

static struct seda_timer *to_timer(struct seda_source *src)
{
	return container_of(src, struct seda_timer, src);
}

static enum hrtimer_restart seda_timer_expired(struct hrtimer *timer)
{
	struct seda_timer *t = container_of(timer, struct seda_timer, timer);

	WRITE_ONCE(t->expired, true);
	seda_source_kick(&t->src, 0);
	return HRTIMER_NORESTART;
}

static int seda_timer_check(u64 first, u64 period)
{
	if (first > KTIME_MAX || period > KTIME_MAX ||
	    (period && period < SEDA_MIN_PERIOD_NS) || (period && !first))
		return -EINVAL;
	return 0;
}

static int seda_timer_set(struct seda_timer *t, u64 first, u64 period,
			  enum hrtimer_mode mode)
{
	if (mutex_lock_killable(&t->lock))
		return -EINTR;
	/* not by an op that comes after the end */
	if (!test_bit(SEDA_SRC_KILLED, &t->src.flags)) {
		hrtimer_cancel(&t->timer);
		/* an expiry of the old setting is none of the new one */
		WRITE_ONCE(t->expired, false);
		t->period = ns_to_ktime(period);
		if (first)
			hrtimer_start(&t->timer, ns_to_ktime(first), mode);
	}
	mutex_unlock(&t->lock);
	return 0;
}

static bool seda_timer_ready(struct seda_source *src)
{
	return READ_ONCE(to_timer(src)->expired);
}

static unsigned int seda_timer_pump(struct seda_worker *w,
				    struct seda_source *src, unsigned int room)
{
	struct seda_event ev = {
		.events = SEDA_EV_TIMER,
		.buf = SEDA_NO_BUF,
	};
	struct seda_timer *t = to_timer(src);

	mutex_lock(&t->lock);
	if (READ_ONCE(t->expired)) {
		ev.amount = 1;
		WRITE_ONCE(t->expired, false);
		if (t->period) {
			ev.amount = hrtimer_forward_now(&t->timer, t->period);
			hrtimer_restart(&t->timer);
		}
	}
	mutex_unlock(&t->lock);
	if (!ev.amount)
		return 0;
	seda_emit(w, src, &ev, SEDA_NO_BUF);
	return 1;
}

static void seda_timer_close(struct seda_source *src)
{
	struct seda_timer *t = to_timer(src);

	/* SEDA_SRC_KILLED is set: nobody starts it after this */
	mutex_lock(&t->lock);
	hrtimer_cancel(&t->timer);
	mutex_unlock(&t->lock);
}

static void seda_timer_free_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct seda_timer, src.rcu));
}

static void seda_timer_free(struct seda_source *src)
{
	call_rcu(&src->rcu, seda_timer_free_rcu);
}

static int seda_timer_arm(struct seda_source *src, const struct seda_op *op)
{
	if (op->addr || op->reserved || !op->first_ns ||
	    seda_timer_check(op->first_ns, op->period_ns))
		return -EINVAL;
	return seda_timer_set(to_timer(src), op->first_ns, op->period_ns,
			      HRTIMER_MODE_REL);
}

static int seda_timer_disarm(struct seda_source *src)
{
	return seda_timer_set(to_timer(src), 0, 0, HRTIMER_MODE_REL);
}

static const struct seda_kind seda_timer_kind = {
	.id = SEDA_KIND_TIMER,
	.name = "timer",
	.pump = seda_timer_pump,
	.ready = seda_timer_ready,
	.close = seda_timer_close,
	.free = seda_timer_free,
	.arm = seda_timer_arm,
	.disarm = seda_timer_disarm,
};

int seda_timer_create(struct seda_app *app, struct seda_timer_args *a)
{
	bool abs = a->flags & SEDA_TIMER_ABS;
	struct seda_timer *t;
	int ret;

	if (a->flags & ~SEDA_TIMER_ABS || a->source ||
	    seda_timer_check(a->first_ns, a->period_ns))
		return -EINVAL;
	t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	mutex_init(&t->lock);
	seda_hrtimer_setup(&t->timer, seda_timer_expired, CLOCK_MONOTONIC,
			   abs ? HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
	ret = seda_source_init(app, &t->src, &seda_timer_kind, a->stage,
			       a->user_data);
	if (ret) {
		kfree(t);
		return ret;
	}
	ret = seda_source_publish(app, &t->src);
	if (ret) {
		seda_source_discard(&t->src);
		return ret;
	}
	a->source = t->src.id;
	ret = seda_timer_set(t, a->first_ns, a->period_ns,
			     abs ? HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
	if (ret)
		seda_source_undo(&t->src);
	else
		ret = seda_source_answer(&t->src, a);
	return ret;
}
