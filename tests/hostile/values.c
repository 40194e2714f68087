// SPDX-License-Identifier: GPL-2.0
/* Values at and past the edges of what the calls take. */
#include <kselftest_harness.h>

#include "tests/lib/disk.h"
#include "tests/lib/seda_rig.h"

FIXTURE(app) {
	struct rig r;
};

FIXTURE_SETUP(app)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

static int stage_with(struct rig *r, struct seda_stage_args a)
{
	uint64_t id;
	int ret = app_stage(&r->app, &a, &id);

	if (!ret)
		ret = app_id_call(&r->app, SEDA_IOC_STAGE_DESTROY, id, 0);
	return ret;
}

#define STAGE(...) stage_with(&self->r, (struct seda_stage_args){ __VA_ARGS__ })

TEST_F(app, of_a_stage)
{
	struct seda_stage_args a = { 0 };

	EXPECT_EQ(0, STAGE(.priority = 255));
	EXPECT_EQ(-EINVAL, STAGE(.priority = 256));
	EXPECT_EQ(-EINVAL, STAGE(.priority = ~0U));
	EXPECT_EQ(0, STAGE(.capacity = SEDA_MAX_CAPACITY));
	EXPECT_EQ(-EINVAL, STAGE(.capacity = SEDA_MAX_CAPACITY + 1));
	EXPECT_EQ(-EINVAL, STAGE(.capacity = ~0U));
	EXPECT_EQ(0, STAGE(.posts = SEDA_MAX_POSTS));
	EXPECT_EQ(-EINVAL, STAGE(.posts = SEDA_MAX_POSTS + 1));
	EXPECT_EQ(-EINVAL, STAGE(.max_delay_ns = ~0ULL));
	EXPECT_EQ(0, STAGE(.max_delay_ns = ~0ULL >> 1));
	EXPECT_EQ(-EINVAL, STAGE(.min_batch = 2));
	EXPECT_EQ(0, STAGE(.min_batch = ~0U, .max_delay_ns = 1));
	EXPECT_EQ(-EINVAL, STAGE(.stage = 1));
	memset(a.name, 'x', sizeof(a.name));
	EXPECT_EQ(-EINVAL, stage_with(&self->r, a));
	a.name[15] = 0;
	EXPECT_EQ(0, stage_with(&self->r, a));
}

TEST_F(app, numbers_of_stages_and_pools)
{
	struct seda_pool_args pool = { .size = sizeof(pool) };
	uint64_t id, first = 0;
	int i;

	for (i = 1; i < SEDA_MAX_STAGES; i++)
		ASSERT_EQ(0, app_stage(&self->r.app, NULL, i == 1 ? &first :
				       &id));
	EXPECT_EQ(-ENOSPC, app_stage(&self->r.app, NULL, &id));
	EXPECT_EQ(0, app_id_call(&self->r.app, SEDA_IOC_STAGE_DESTROY, first,
				 0));
	EXPECT_EQ(-ESTALE, app_id_call(&self->r.app, SEDA_IOC_STAGE_DESTROY,
				       first, 0));
	EXPECT_EQ(0, app_stage(&self->r.app, NULL, &id));
	EXPECT_EQ((uint32_t)first, (uint32_t)id);
	EXPECT_NE(first, id);
	for (i = 1; i < SEDA_MAX_POOLS; i++) {
		pool.pool = 0;
		ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_POOL_CREATE,
				      &pool));
	}
	pool.pool = 0;
	EXPECT_EQ(-ENOSPC, app_call(&self->r.app, SEDA_IOC_POOL_CREATE,
				    &pool));
}

TEST_F(app, a_pool_of_any_concurrency_works)
{
	static const uint32_t value[] = { 1, 1024, 1U << 31, ~0U, 0 };
	struct seda_pool_args pool = { .size = sizeof(pool) };
	uint64_t timer, begin;
	size_t i;

	pool.pool = self->r.app.pool;
	for (i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		pool.concurrency = value[i];
		ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_POOL_SET, &pool));
		ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, 20 * MS, 0,
				       &timer));
		begin = now_ns();
		EXPECT_NE(NULL, rig_next(&self->r));
		/* not by the end of its time */
		EXPECT_GT(begin + LONG / 2, now_ns()) {
			TH_LOG("concurrency %u", value[i]);
		}
		ASSERT_EQ(0, rig_submit(&self->r));
	}
}

static int timer_with(struct rig *r, uint32_t flags, uint64_t first,
		      uint64_t period)
{
	struct seda_timer_args a = {
		.size = sizeof(a), .flags = flags, .stage = r->stage,
		.first_ns = first, .period_ns = period,
	};
	int ret = app_call(&r->app, SEDA_IOC_TIMER, &a);

	if (!ret)
		ret = app_id_call(&r->app, SEDA_IOC_CLOSE, a.source, 0);
	return ret;
}

TEST_F(app, of_a_timer)
{
	struct rig *r = &self->r;
	uint64_t max = ~0ULL >> 1;

	EXPECT_EQ(-EINVAL, timer_with(r, 0, ~0ULL, 0));
	EXPECT_EQ(-EINVAL, timer_with(r, 0, max + 1, 0));
	EXPECT_EQ(0, timer_with(r, 0, max, 0));
	EXPECT_EQ(0, timer_with(r, 0, max, max));
	EXPECT_EQ(0, timer_with(r, SEDA_TIMER_ABS, max, max));
	EXPECT_EQ(0, timer_with(r, SEDA_TIMER_ABS, 1, max));
	EXPECT_EQ(0, timer_with(r, SEDA_TIMER_ABS, 1, SEDA_MIN_PERIOD_NS));
	EXPECT_EQ(-EINVAL, timer_with(r, 0, 1, 1));
	EXPECT_EQ(-EINVAL, timer_with(r, 0, 1, SEDA_MIN_PERIOD_NS - 1));
	EXPECT_EQ(-EINVAL, timer_with(r, 0, 1, ~0ULL));
	EXPECT_EQ(-EINVAL, timer_with(r, 0, 0, SEC));
}

/* As timerfd: nobody fetches, so it costs nothing. */
TEST_F(app, thousands_of_fast_timers_do_not_stop_the_machine)
{
	volatile int i;
	int n, stopped = 0;
	uint64_t id;

	for (n = 0; n < 3000; n++)
		ASSERT_EQ(0, app_timer(&self->r.app, self->r.stage, MS,
				       SEDA_MIN_PERIOD_NS, &id));
	for (n = 0; n < 20; n++) {
		sleep_ms(10);
		for (i = 0; i < 100000; i++)
			;
	}
	while (stopped < 3000) {
		n = worker_enter(&self->r.w, 0, 0);
		ASSERT_LT(0, n);
		while (n--) {
			worker_op(&self->r.w, SEDA_OP_DISARM,
				  self->r.w.events[n].source);
			stopped++;
		}
	}
}

/* Up to these an op begins (and its DONE comes); past them it is refused. */
TEST_F(app, of_an_op_of_a_file)
{
	static struct seda_seg seg[SEDA_MAX_VEC + 1];
	int file = memfd_create("values", 0), buf, own, peer, i;
	struct rig *r = &self->r;
	struct seda_op op = { .op = SEDA_OP_READ, .len = 4096 };
	uint64_t id, conn, last = (~0ULL >> 1) - ~0U;

	ASSERT_EQ(0, app_file(&r->app, file, r->stage, 0, 0, &id));
	ASSERT_EQ(0, rig_pair(r, 0, &conn, &own, &peer));
	buf = worker_take(&r->w);
	op.source = id;
	op.buf = buf;
	op.offset = last;
	ASSERT_EQ(-EINPROGRESS, worker_do(&r->w, &op));
	ASSERT_NE(NULL, rig_next(r));
	EXPECT_EQ(0, r->ev.res);
	for (i = SEDA_OP_READ; i <= SEDA_OP_RESIDENT; i++) {
		op = (struct seda_op) { .op = i, .source = id, .offset = last + 1 };
		EXPECT_EQ(-EINVAL, worker_do(&r->w, &op)) {
			TH_LOG("op %d", i);
		}
	}
	op = (struct seda_op) { .op = SEDA_OP_RESIDENT, .source = id, .len = ~0U };
	EXPECT_EQ(0, worker_do(&r->w, &op));
	/* many parts, of which the last ones are of no bytes */
	for (i = 0; i <= SEDA_MAX_VEC; i++)
		seg[i] = (struct seda_seg) { .buf = buf, .skip = 4096 };
	seg[0] = (struct seda_seg) { .buf = buf, .len = 4096 };
	op = (struct seda_op) {
		.op = SEDA_OP_READ, .source = id, .flags = SEDA_IO_VEC,
		.addr = (uintptr_t)seg, .len = SEDA_MAX_VEC,
	};
	ASSERT_EQ(-EINPROGRESS, worker_do(&r->w, &op));
	ASSERT_NE(NULL, rig_next(r));
	op.len++;
	EXPECT_EQ(-EMSGSIZE, worker_do(&r->w, &op));
	op.len = 1;
	seg[0].len++;
	EXPECT_EQ(-EINVAL, worker_do(&r->w, &op));
	seg[0].skip = ~0U;
	EXPECT_EQ(-EINVAL, worker_do(&r->w, &op));
	/* no bytes: not even a file that can be read from there */
	ASSERT_EQ(0, ftruncate(file, 1));
	op = (struct seda_op) {
		.op = SEDA_OP_SENDFILE, .source = conn, .file = id, .offset = 1,
	};
	EXPECT_EQ(0, worker_do(&r->w, &op));
	op.len = 1;
	EXPECT_EQ(-ENODATA, worker_do(&r->w, &op));
	op.len = SEDA_MAX_SEND_LEN;
	EXPECT_EQ(-ENODATA, worker_do(&r->w, &op));
	op.len++;
	EXPECT_EQ(-EMSGSIZE, worker_do(&r->w, &op));
	op.len = 1;
	op.offset = last + 1;
	EXPECT_EQ(-EINVAL, worker_do(&r->w, &op));
}

TEST_F(app, of_the_bytes_of_an_op)
{
	struct seda_setup_args setup = { .buf_size = SEDA_MAX_IO_LEN / 2 };
	struct seda_seg seg[3] = { 0 };
	struct seda_op op = {
		.op = SEDA_OP_READ, .flags = SEDA_IO_VEC, .addr = (uintptr_t)seg,
		.len = 3,
	};
	struct rig r;
	uint64_t id;
	int i;

	setup.bufs = 3;
	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, app_file(&r.app, memfd_create("values", 0), r.stage, 0, 0,
			      &id));
	op.source = id;
	for (i = 0; i < 3; i++) {
		seg[i].buf = worker_take(&r.w);
		seg[i].len = i < 2 ? setup.buf_size : 1;
	}
	EXPECT_EQ(-EMSGSIZE, worker_do(&r.w, &op));
	seg[2].len = 0;
	EXPECT_EQ(-EINPROGRESS, worker_do(&r.w, &op));
	ASSERT_NE(NULL, rig_next(&r));
	EXPECT_EQ(0, r.ev.res);
	rig_close(&r);
}

static void on_alarm(int sig)
{
}

TEST_F(app, a_wait_of_any_length)
{
	struct sigaction act = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &act, NULL);
	EXPECT_EQ(0, worker_enter(&self->r.w, 0, ~0ULL - 1));
	alarm(1);
	EXPECT_EQ(-EINTR, worker_enter(&self->r.w, 1, ~0ULL - 1));
	alarm(1);
	EXPECT_EQ(-EINTR, worker_enter(&self->r.w, 1, ~0ULL >> 1));
}

TEST_HARNESS_MAIN
