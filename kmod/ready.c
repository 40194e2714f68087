// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an event: a source becomes ready and is linked on its stage's
 * list (any context), a worker harvests the stage and pumps what it took
 * (task context), and its next ENTER releases what the events own.
 *
 * The states of a source stand at struct seda_source.  Data and state:
 *
 *   callback                         owner
 *   --------                         -----
 *   data is in the socket            state := OWNED, or clears AGAIN
 *   full barrier (D)                 full barrier (of the atomic)
 *   state is OWNED: sets AGAIN,      looks for data
 *   or is LINKED: nothing to do
 *
 * so that data which the owner did not see leaves AGAIN behind, and data that
 * a LINKED source's pump will see needs nothing.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>

#include "seda.h"
#include "trace.h"

/*
 * The stage's oldest source, which has waited for age ns, waits no longer than
 * max_delay, and if STAGE_SET has changed that meanwhile, no longer than that: its
 * start of the timer, after the change, must not be replaced by ours.
 */
void seda_stage_start_delay(struct seda_stage *stage, u64 age)
{
	u64 delay;

	do {
		delay = READ_ONCE(stage->max_delay); /* [start-delay-read] */
		if (delay)
			hrtimer_start(&stage->delay,
				      ns_to_ktime(delay - min(age, delay)),
				      HRTIMER_MODE_REL); /* [start-delay-timer] */
	} while (delay != READ_ONCE(stage->max_delay)); /* [start-delay-again] */
}

static void seda_stage_link(struct seda_source *src)
{
	struct seda_stage *stage = src->stage;
	struct seda_stage_counters *stats = stage->stats;

	src->linked_at = jiffies;
	trace_seda_link(src);
	/* who sees it pending must not have to wait for a task to link it */
	preempt_disable();
	/* counted, and stage used, before it can be taken off again */
	if (atomic64_inc_return((atomic64_t *)&stats->pending) == 1) { /* [link-pending] */
		WRITE_ONCE(stats->oldest_ns, ktime_get_coarse_ns());
		/* after the full barrier of pending, see seda_stage_set() */
		seda_stage_start_delay(stage, 0); /* [link-timer] */
	}
	llist_add(&src->node, &stage->ready); /* B in pool.c [link-add] */
	preempt_enable();
}

/*
 * src has or may have something to tell.  Any context; the caller has a
 * reference or excludes that the source goes.  True when it was linked.
 */
bool seda_source_kick(struct seda_source *src, int wake_flags)
{
	struct seda_stage *stage = src->stage;
	int old, new;

	smp_mb(); /* D [kick-barrier] */
	old = atomic_read(&src->state);
	do {
		if (old & SEDA_SRC_DEAD) /* [kick-dead] */
			return false;
		switch (old & SEDA_SRC_STATE) {
		case SEDA_SRC_IDLE:
			new = old + SEDA_SRC_LINKED; /* [kick-idle] */
			break;
		case SEDA_SRC_LINKED: /* [kick-linked] */
			return false;
		default:
			if (old & SEDA_SRC_AGAIN) /* [kick-again-set] */
				return false;
			new = old | SEDA_SRC_AGAIN; /* [kick-again] */
		}
	} while (!atomic_try_cmpxchg(&src->state, &old, new));
	if ((old & SEDA_SRC_STATE) != SEDA_SRC_IDLE)
		return false;
	/* not refcount_inc() alone: callers in callbacks have no own one */
	refcount_inc(&src->ref); /* [kick-ref] */
	seda_stage_link(src); /* [kick-link] */
	if (seda_stage_runnable(stage))
		seda_pool_wake(stage->pool, wake_flags);
	seda_app_poke(stage->app);
	return true;
}

/*
 * The owner gives src up; its reference goes, or passes to the list.  True
 * when it was linked again: the caller looks for work or wakes somebody.
 * look: asks src whether it is worth it, which may wait for a lock.
 */
bool seda_source_release(struct seda_source *src, bool look)
{
	int old, ready;

	WRITE_ONCE(src->owner, NULL); /* [release-owner] */
	do {
		old = atomic_fetch_andnot(SEDA_SRC_AGAIN, &src->state); /* [release-clear] */
		if (old & SEDA_SRC_DEAD) { /* [release-dead] */
			seda_source_put(src); /* [release-dead-put] */
			return false;
		}
		ready = old & SEDA_SRC_AGAIN && /* [release-again] */
			(!look || test_bit(SEDA_SRC_CLOSING, &src->flags) || /* [release-look] */
			 src->kind->ready(src));
		old = SEDA_SRC_OWNED;
	} while (!atomic_try_cmpxchg(&src->state, &old,
				     ready ? SEDA_SRC_LINKED : SEDA_SRC_IDLE)); /* [release-swap] */
	if (ready)
		seda_stage_link(src); /* [release-link] */
	else
		seda_source_put(src); /* [release-put] */
	return ready;
}

static void seda_event_copy(struct seda_event *out, const struct seda_event *ev)
{
	const u64 *from = (const u64 *)ev;
	u64 *to = (u64 *)out;
	unsigned int i;

	BUILD_BUG_ON(sizeof(*ev) != 8 * sizeof(u64));
	for (i = 0; i < 8; i++)
		WRITE_ONCE(to[i], from[i]);
}

/* The slot owns src, whose OWNED reference passes to it. */
void seda_slot_own(struct seda_worker *w, struct seda_slot *slot,
		   struct seda_source *src)
{
	slot->src = src;
	WRITE_ONCE(src->owner, w); /* [own-owner] */
	w->recent[(u32)src->id % SEDA_RECENT] = src;
}

/*
 * Fills the worker's next slot.  The slot owns src, unless events of its kind
 * do not; it has taken a credit of stage; buf (or SEDA_NO_BUF) is its own.
 */
struct seda_event *seda_emit_in(struct seda_worker *w, struct seda_stage *stage,
				struct seda_source *src,
				const struct seda_event *ev, u32 buf)
{
	struct seda_slot *slot = &w->slots[w->nr_slots];
	struct seda_event *out = &w->events[w->nr_slots];
	struct seda_ctl *ctl = &w->ctl[w->nr_slots];
	u32 seq = src->seq;

	/* fdinfo reads this, and SOURCE_INFO those of the source */
	WRITE_ONCE(w->nr_slots, w->nr_slots + 1);
	slot->stage = stage;
	slot->buf = buf;
	slot->put_stage = src->kind->shared;
	slot->src = NULL;
	if (slot->put_stage)
		refcount_inc(&stage->users);
	else
		seda_slot_own(w, slot, src);
	seda_event_copy(out, ev);
	out->source = src->id;
	out->user_data = READ_ONCE(src->user_data);
	out->stage = (u32)stage->id;
	out->seq = seq;
	WRITE_ONCE(src->seq, seq + 1);
	WRITE_ONCE(ctl->flags, 0);
	WRITE_ONCE(ctl->claim, 0);
	trace_seda_event(w, src, ev);
	return out;
}

/* The source that was popped, with the credit it was popped by. */
static unsigned int seda_source_pump(struct seda_worker *w,
				     struct seda_source *src, unsigned int room)
{
	struct seda_event closed = {
		.events = SEDA_EV_CLOSED, .buf = SEDA_NO_BUF,
	};
	unsigned int n = 1;

	/*
	 * LINKED -> OWNED, flags as they are, and not DEAD: only who owns a
	 * source kills it, or the app's release, after which nobody pumps.  As
	 * it returns a value, a full barrier, see D.
	 */
	atomic_inc_return(&src->state); /* [pump-own] */
	if (unlikely(test_bit(SEDA_SRC_CLOSING, &src->flags))) { /* [pump-closing] */
		seda_source_kill(src); /* [pump-kill] */
		seda_emit(w, src, &closed, SEDA_NO_BUF); /* [pump-closed] */
	} else {
		n = src->kind->pump(w, src, room); /* [pump-kind] */
	}
	if (!n || src->kind->shared)
		seda_source_release(src, true); /* [pump-nothing] */
	return n;
}

/* Makes sure that the oldest source is at the head of the FIFO. */
static struct llist_node *seda_stage_head(struct seda_stage *stage)
{
	lockdep_assert_held(&stage->lock);
	if (!stage->fifo && !llist_empty(&stage->ready))
		stage->fifo = llist_reverse_order(llist_del_all(&stage->ready));
	return stage->fifo;
}

/*
 * The age of the oldest of those that are left, which is published.  Those which
 * are just being linked, and not on the list yet, are of no age.
 */
static u64 seda_stage_publish_age(struct seda_stage *stage)
{
	struct llist_node *head = seda_stage_head(stage);
	struct seda_source *oldest;
	u64 age = 0;

	if (head) {
		oldest = llist_entry(head, struct seda_source, node);
		age = jiffies_to_nsecs((u32)jiffies - oldest->linked_at);
	}
	WRITE_ONCE(stage->stats->oldest_ns, ktime_get_coarse_ns() - age);
	return age;
}

/*
 * Until when those that are left may wait for a batch.  One that is just being
 * linked counts: it set no timer, being counted before ours were taken off, or
 * its timer was over before we cleared due.  Here due, then pending; there
 * pending, then the timer.
 *
 * A timer, or STAGE_SET without a delay, in between may leave due set when nothing
 * has waited: one batch comes early then.
 */
static void seda_stage_set_due(struct seda_stage *stage, u64 age)
{
	u64 delay;

	if (!READ_ONCE(stage->max_delay) && !READ_ONCE(stage->due)) /* [due-none] */
		return;
	WRITE_ONCE(stage->due, false); /* [due-clear] */
	/* as said above; and due, then max_delay: STAGE_SET reverses it */
	smp_mb(); /* [due-barrier] */
	if (!atomic64_read((atomic64_t *)&stage->stats->pending)) /* [due-pending] */
		return;
	delay = READ_ONCE(stage->max_delay);
	if (delay && age >= delay)
		WRITE_ONCE(stage->due, true); /* [due-set] */
	else
		seda_stage_start_delay(stage, age); /* [due-timer] */
}

/* Takes up to max sources off the stage into w->batch. */
static unsigned int seda_stage_pop(struct seda_worker *w,
				   struct seda_stage *stage, unsigned int max)
{
	struct seda_stage_counters *stats = stage->stats;
	struct llist_node *node;
	unsigned int n = 0;
	s64 left;

	spin_lock(&stage->lock);
	while (n < max) {
		node = seda_stage_head(stage);
		if (!node)
			break;
		stage->fifo = node->next; /* [pop-take] */
		w->batch[n++] = llist_entry(node, struct seda_source, node);
	}
	if (n) {
		WRITE_ONCE(stats->linked, stats->linked + n);
		WRITE_ONCE(stats->harvests, stats->harvests + 1);
		/* who is linked as the first, after that, publishes its own time */
		if (!seda_stage_head(stage))
			WRITE_ONCE(stats->oldest_ns, 0);
		left = atomic64_sub_return(n, (atomic64_t *)&stats->pending); /* [pop-pending] */
		seda_stage_set_due(stage, left ? seda_stage_publish_age(stage) : 0);
	}
	spin_unlock(&stage->lock);
	return n;
}

/*
 * This worker's part of what is pending, so that those woken after it find
 * something as well; but no part of a batch.
 */
static unsigned int seda_stage_share(struct seda_stage *stage,
				     unsigned int room)
{
	u32 among = READ_ONCE(stage->pool->nr_workers);
	u64 pending, part;

	if (among <= 1)
		return room;
	among = min(among, seda_pool_target(stage->pool));
	pending = atomic64_read((atomic64_t *)&stage->stats->pending);
	part = max_t(u64, DIV_ROUND_UP(pending, among),
		     READ_ONCE(stage->min_batch));
	return min_t(u64, room, part ?: 1);
}

/* Up to room events of the stage into w's slots; returns how many. */
unsigned int seda_stage_harvest(struct seda_worker *w,
				struct seda_stage *stage, unsigned int room)
{
	unsigned int credits, popped, used, i, n, total = 0;

	credits = seda_credits_take(stage, seda_stage_share(stage, room)); /* [harvest-credits] */
	popped = seda_stage_pop(w, stage, credits); /* [harvest-pop] */
	/* others may have these already; the end of ENTER tells them so */
	if (credits > popped)
		seda_credits_return(stage, credits - popped); /* [harvest-return] */
	credits = popped;
	for (i = 0; i < popped; i++) {
		struct seda_source *src = w->batch[i];
		unsigned int spare = 0;

		/* each of the rest needs a slot; one kind can use more */
		if (src->kind->shared) {
			spare = room - total - (popped - i);
			used = popped - i + total;
			if (credits < used + spare)
				credits += seda_credits_take(stage, used +
							     spare - credits);
			spare = min(spare, credits - used);
		}
		n = seda_source_pump(w, src, 1 + spare);
		total += n;
	}
	if (credits > total)
		seda_credits_return(stage, credits - total);
	atomic64_add(total, (atomic64_t *)&stage->stats->delivered);
	return total;
}

/* What the application wrote for slot i: SEDA_CTL_* bits. */
static u32 seda_slot_flags(struct seda_worker *w, u32 i)
{
	struct seda_ctl *ctl = &w->ctl[i];
	u32 flags = READ_ONCE(ctl->flags);
	u32 claim;

	if (w->claim) {
		claim = xchg(&ctl->claim, SEDA_CLAIM_CLOSED);
		if (claim && claim != w->index + 1)
			flags |= SEDA_CTL_HOLD | SEDA_CTL_KEEP;
	}
	return flags;
}

/*
 * Keeps src owned after its batch.  The credit stays with it, but for an
 * accepted connection, whose event came by the listener's stage.
 */
static void seda_slot_hold(struct seda_slot *slot)
{
	struct seda_source *src = slot->src;

	WRITE_ONCE(src->owner, NULL); /* [hold-owner] */
	if (slot->put_stage)
		seda_credits_return(slot->stage, 1);
	else
		set_bit(SEDA_SRC_CREDIT, &src->flags); /* [hold-credit] */
	/* the owner is gone before it is HELD */
	smp_mb__before_atomic(); /* [hold-barrier] */
	/* from here on a RELEASE may come, by any worker */
	set_bit(SEDA_SRC_HELD, &src->flags); /* [hold-held] */
}

static void seda_slot_release(struct seda_worker *w, u32 i, bool look)
{
	struct seda_slot *slot = &w->slots[i];
	u32 flags = seda_slot_flags(w, i);

	if (slot->src)
		w->recent[(u32)slot->src->id % SEDA_RECENT] = NULL;
	if (slot->buf != SEDA_NO_BUF)
		seda_buf_release(w, slot->buf, flags & SEDA_CTL_KEEP);
	if (slot->src && flags & SEDA_CTL_HOLD &&
	    !(atomic_read(&slot->src->state) & SEDA_SRC_DEAD)) { /* [slot-dead] */
		seda_slot_hold(slot); /* [slot-hold] */
	} else {
		/* first the credit: src may be the stage's last use */
		seda_credits_return(slot->stage, 1);
		if (slot->src && slot->put_stage)
			/* an accepted connection: maybe another pool's */
			seda_source_start(slot->src, look);
		else if (slot->src)
			seda_source_release(slot->src, look); /* [slot-release] */
	}
	if (slot->put_stage)
		seda_stage_put(slot->stage);
}

/* Gives back all that the worker's last batch holds; look: as for release. */
void seda_slots_release(struct seda_worker *w, bool look)
{
	u32 i, nr = w->nr_slots;

	WRITE_ONCE(w->nr_slots, 0);
	for (i = 0; i < nr; i++)
		seda_slot_release(w, i, look);
}

/* With the app: what is linked loses that reference. */
void seda_stage_drop_ready(struct seda_stage *stage)
{
	struct llist_node *node, *next;
	struct seda_source *src;
	int i;

	for (i = 0; i < 2; i++) {
		node = i ? llist_del_all(&stage->ready) : stage->fifo; /* [drop-take] */
		stage->fifo = NULL;
		for (; node; node = next) {
			next = node->next;
			src = llist_entry(node, struct seda_source, node);
			atomic_and(~SEDA_SRC_STATE, &src->state); /* [drop-state] */
			seda_source_put(src); /* [drop-put] */
		}
	}
}
