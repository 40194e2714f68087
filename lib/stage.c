// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stage.c - stages: making and ending them
 */
#include <stdio.h>
#include <stdlib.h>

#include "backend.h"

static int check(struct sedak_stage_opts *o)
{
	if (!o->handler || o->priority < MIN_PRIORITY ||
	    o->priority > MAX_PRIORITY || o->max_batch > MAX_BATCH ||
	    o->capacity > MAX_CAPACITY ||
	    o->full > SEDAK_FULL_BACKPRESSURE)
		return -EINVAL;
	if (!o->max_batch)
		o->max_batch = DEF_MAX_BATCH;
	if (!o->capacity)
		o->capacity = DEF_CAPACITY;
	if (!o->min_batch)
		o->min_batch = 1;
	if (o->min_batch > 1 && !o->max_delay_ns)
		return -EINVAL;
	if (o->max_delay_ns > INT64_MAX)
		o->max_delay_ns = INT64_MAX;
	return o->min_batch > o->max_batch ? -EINVAL : 0;
}

static void set(struct sedak_stage *s, const struct sedak_stage_opts *o)
{
	s->handler = o->handler;
	s->state = o->state;
	s->init = o->init;
	s->destroy = o->destroy;
	s->priority = o->priority;
	s->min_batch = o->min_batch;
	s->max_batch = o->max_batch;
	s->max_delay_ns = o->max_delay_ns;
	s->capacity = o->capacity;
	s->full = o->full;
	if (o->name)
		snprintf(s->name, sizeof(s->name), "%s", o->name);
	else
		snprintf(s->name, sizeof(s->name), "stage%u", s->index);
	pthread_mutex_init(&s->lock, NULL);
	src_init(&s->delay_src, SRC_INTERNAL, s, NULL);
	s->delay_timer.pos = -1;
	s->delay_timer.deadline = NEVER;
	s->delay_timer.src = &s->delay_src;
}

int stage_run_init(struct sedak_stage *s)
{
	int ret = 0;

	if (atomic_exchange(&s->init_begun, true))
		return 0;
	if (s->init)
		ret = s->init(s);
	if (!ret)
		s->started = true;
	return ret;
}

void stage_free(struct sedak_stage *s)
{
	ring_free(&s->shared);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static int stage_make(struct sedak_rt *rt, const struct sedak_stage_opts *o,
		      struct sedak_stage **sp)
{
	unsigned int nr = load_relaxed(&rt->nr_stages);
	struct sedak_stage *s;
	int ret;

	if (nr == MAX_STAGES)
		return -ENOSPC;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->rt = rt;
	s->pool = o->pool ? o->pool : rt->pools[0];
	s->index = nr;
	set(s, o);
	ret = rt->be->stage_open(s);
	if (ret < 0) {
		stage_free(s);
		return ret;
	}
	rt->stages[nr] = s;
	atomic_store(&rt->nr_stages, nr + 1);
	*sp = s;
	return 0;
}

int sedak_stage_create(struct sedak_rt *rt, const struct sedak_stage_opts *opts,
		       struct sedak_stage **stagep)
{
	struct sedak_stage_opts o;
	int ret = opts_copy(&o, sizeof(o), sizeof(size_t), opts);

	if (!ret)
		ret = check(&o);
	if (ret < 0)
		return ret;
	if (o.pool && o.pool->rt != rt)
		return -EINVAL;
	if (load_relaxed(&rt->stopping))
		return -ESHUTDOWN;
	pthread_mutex_lock(&rt->lock);
	ret = stage_make(rt, &o, stagep);
	pthread_mutex_unlock(&rt->lock);
	/* without the lock, because the hook may make sources */
	if (!ret && atomic_load(&rt->started))
		ret = stage_run_init(*stagep);
	return ret;
}

void *sedak_stage_state(const struct sedak_stage *stage)
{
	return stage->state;
}

const char *sedak_stage_name(const struct sedak_stage *stage)
{
	return stage->name;
}

struct sedak_rt *sedak_stage_rt(const struct sedak_stage *stage)
{
	return stage->rt;
}
