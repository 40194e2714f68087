// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stats.c - snapshots for the program
 *
 * Workers count for themselves; a snapshot adds up.  It is put together in the
 * library's own struct, and as much of it copied as the caller's version has.
 */
#include "backend.h"

static int give(void *to, size_t size, const void *from, size_t known)
{
	if (size < 2 * sizeof(size_t))
		return -EINVAL;
	if (size > known) {
		memset((char *)to + known, 0, size - known);
		size = known;
	}
	memcpy((char *)to + sizeof(size_t), (const char *)from + sizeof(size_t),
	       size - sizeof(size_t));
	return 0;
}

static void add_worker(struct sedak_stage_stats *st, struct stage_counters *c)
{
	uint64_t v;
	int i;

	st->delivered += counter_get(c->delivered);
	st->batches += counter_get(c->batches);
	st->service_ns += counter_get(c->service_ns);
	st->delay_ns += counter_get(c->delay_ns);
	st->delay_nr += counter_get(c->delay_nr);
	v = counter_get(c->batch_max);
	if (v > st->batch_max)
		st->batch_max = v;
	v = counter_get(c->delay_max);
	if (v > st->delay_max_ns)
		st->delay_max_ns = v;
	for (i = 0; i < SEDAK_HIST_BUCKETS; i++)
		st->service_hist[i] += counter_get(c->hist[i]);
}

int sedak_stage_get_stats(struct sedak_stage *s, struct sedak_stage_stats *out)
{
	struct sedak_stage_stats st;
	unsigned int i;

	memset(&st, 0, sizeof(st));
	st.name = s->name;
	st.pool = s->pool->name;
	st.priority = s->priority;
	st.capacity = s->capacity;
	st.queued = load_relaxed(&s->queued);
	st.queued_max = load_relaxed(&s->queued_max);
	st.deferred = load_relaxed(&s->deferred);
	st.paused = load_relaxed(&s->waiting_on) != 0;
	st.enqueued = load_relaxed(&s->enqueued);
	st.rejected = load_relaxed(&s->rejected);
	st.pauses = load_relaxed(&s->pauses);
	st.sources = load_relaxed(&s->sources);
	st.kernel_delivered = s->rt->be->delivered(s);
	st.file_ops = load_relaxed(&s->file_ops);
	st.file_hits = load_relaxed(&s->file_hits);
	st.file_misses = load_relaxed(&s->file_misses);
	st.file_busy = load_relaxed(&s->file_busy);
	for (i = 0; i < s->pool->nr_workers; i++)
		add_worker(&st, &s->pool->workers[i]->stats[s->index]);
	return give(out, out->size, &st, sizeof(st));
}

int sedak_pool_get_stats(struct sedak_pool *p, struct sedak_pool_stats *out)
{
	struct sedak_pool_stats st;
	struct worker *w;
	unsigned int i;

	memset(&st, 0, sizeof(st));
	st.name = p->name;
	st.workers = p->nr_workers;
	st.sched = SEDAK_SCHED_NORMAL;
	st.wakeups = load_relaxed(&p->wakeups);
	st.timers = load_relaxed(&p->nr_timers);
	for (i = 0; i < p->nr_workers; i++) {
		w = p->workers[i];
		st.enters += counter_get(w->enters);
		st.waits += counter_get(w->waits);
		st.events += counter_get(w->events);
		st.ops += counter_get(w->ops);
		if (load_relaxed(&w->sched) == SEDAK_SCHED_BATCH)
			st.sched = SEDAK_SCHED_BATCH;
	}
	return give(out, out->size, &st, sizeof(st));
}

int sedak_rt_get_stats(struct sedak_rt *rt, struct sedak_rt_stats *out)
{
	struct sedak_rt_stats st;
	unsigned int i, j;

	memset(&st, 0, sizeof(st));
	st.backend = rt->be->name;
	st.nr_stages = load_relaxed(&rt->nr_stages);
	st.nr_pools = load_relaxed(&rt->nr_pools);
	st.conns = load_relaxed(&rt->nr_conns);
	st.accepted = load_relaxed(&rt->accepted);
	st.connected = load_relaxed(&rt->connected);
	st.closed = load_relaxed(&rt->closed);
	st.aborted = load_relaxed(&rt->aborted);
	st.bufs = rt->total_bufs;
	st.bufs_held = load_relaxed(&rt->bufs_held);
	st.bufs_copied = load_relaxed(&rt->bufs_copied);
	st.udp_dropped = load_relaxed(&rt->udp_dropped);
	st.accept_errors = load_relaxed(&rt->accept_errors);
	for (i = 0; i < st.nr_pools; i++)
		for (j = 0; j < rt->pools[i]->nr_workers; j++) {
			struct worker *w = rt->pools[i]->workers[j];

			st.bytes_in += counter_get(w->bytes_in);
			st.bytes_out += counter_get(w->bytes_out);
		}
	return give(out, out->size, &st, sizeof(st));
}

struct sedak_stage *sedak_rt_stage(struct sedak_rt *rt, unsigned int i)
{
	return i < atomic_load(&rt->nr_stages) ? rt->stages[i] : NULL;
}

struct sedak_pool *sedak_rt_pool(struct sedak_rt *rt, unsigned int i)
{
	return i < atomic_load(&rt->nr_pools) ? rt->pools[i] : NULL;
}

const char *sedak_rt_backend(const struct sedak_rt *rt)
{
	return rt->be->name;
}

#define STR2(x)	#x
#define STR(x)	STR2(x)

const char *sedak_version(void)
{
	return STR(SEDAK_VERSION_MAJOR) "." STR(SEDAK_VERSION_MINOR) "."
	       STR(SEDAK_VERSION_PATCH);
}

uint64_t sedak_now(void)
{
	return now_of(this_worker);
}
