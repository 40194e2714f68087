// SPDX-License-Identifier: GPL-2.0
/*
 * Posts: events of the application's own.  A stage that takes posts has a ring
 * of places, allocated with it, and a source that is ready while the ring is
 * not empty.  A waiting post is a use of its stage; the use passes to its
 * event.
 */
#include <linux/slab.h>

#include "seda.h"

struct seda_post_entry {
	u64 user_data;
	u64 value;
};

struct seda_post_queue {
	struct seda_source src;
	spinlock_t lock;	/* of the ring */
	u32 head;		/* under lock: next to take */
	u32 used;		/* under lock; read without */
	u32 nr;
	struct seda_post_entry entry[];
};

static unsigned int seda_posts_pump(struct seda_worker *w,
				    struct seda_source *src, unsigned int room)
{
	struct seda_post_queue *q = container_of(src, struct seda_post_queue,
						 src);
	struct seda_event ev = { .events = SEDA_EV_POST, .buf = SEDA_NO_BUF };
	unsigned int n = 0;
	u64 user_data;

	spin_lock(&q->lock);
	while (n < room && q->used) {
		user_data = q->entry[q->head].user_data;
		ev.amount = q->entry[q->head].value;
		q->head = q->head + 1 == q->nr ? 0 : q->head + 1;
		WRITE_ONCE(q->used, q->used - 1);
		seda_emit(w, src, &ev, SEDA_NO_BUF)->user_data = user_data;
		/* the event has a use of its own now */
		seda_stage_put(src->stage);
		n++;
	}
	WRITE_ONCE(src->stage->stats->posts, q->used);
	if (q->used)
		atomic_or(SEDA_SRC_AGAIN, &src->state);
	spin_unlock(&q->lock);
	return n;
}

static bool seda_posts_ready(struct seda_source *src)
{
	struct seda_post_queue *q = container_of(src, struct seda_post_queue,
						 src);

	return READ_ONCE(q->used);
}

static const struct seda_kind seda_posts_kind = {
	.name = "posts",
	.shared = true,
	.pump = seda_posts_pump,
	.ready = seda_posts_ready,
};

struct seda_post_queue *seda_posts_alloc(struct seda_stage *stage, u32 nr)
{
	struct seda_post_queue *q;

	q = kvzalloc(struct_size(q, entry, nr), GFP_KERNEL_ACCOUNT);
	if (!q)
		return NULL;
	spin_lock_init(&q->lock);
	q->nr = nr;
	q->src.stage = stage;
	q->src.kind = &seda_posts_kind;
	/* freed with its stage, so this one is never put */
	refcount_set(&q->src.ref, 1);
	return q;
}

void seda_posts_free(struct seda_post_queue *q)
{
	kvfree(q);
}

int seda_post(struct seda_app *app, u64 id, u64 user_data, u64 value)
{
	struct seda_stage *stage = seda_stage_get(app, id);
	struct seda_post_queue *q;
	int ret = -EAGAIN;
	u32 tail;

	if (!stage)
		return -ESTALE;
	q = stage->posts;
	if (!q) {
		seda_stage_put(stage);
		return -EAGAIN;
	}
	spin_lock(&q->lock);
	if (q->used < q->nr) {
		tail = q->head + q->used;
		tail = tail >= q->nr ? tail - q->nr : tail;
		q->entry[tail].user_data = user_data;
		q->entry[tail].value = value;
		WRITE_ONCE(q->used, q->used + 1);
		WRITE_ONCE(stage->stats->posts, q->used);
		/* a use for the post, while the caller's is still there */
		refcount_inc(&stage->users);
		ret = 0;
	}
	spin_unlock(&q->lock);
	if (ret)
		atomic64_inc((atomic64_t *)&stage->stats->rejected);
	else
		seda_source_kick(&q->src, 0);
	seda_stage_put(stage);
	return ret;
}
