// SPDX-License-Identifier: GPL-2.0
/* HOLD keeps a source owned until RELEASE, which any worker may do. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(conn) {
	struct rig r;
	uint64_t id;
	int peer;
};

FIXTURE_SETUP(conn)
{
	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&self->r, &self->id, &self->peer));
	ASSERT_EQ(1, write(self->peer, "1", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	ASSERT_EQ(0, rig_submit(&self->r));
}

FIXTURE_TEARDOWN(conn)
{
	rig_close(&self->r);
}

static void *releases(void *arg)
{
	struct seda_pool_args pool = { .size = sizeof(pool) };
	struct rig *r = arg;
	struct seda_op *op;
	struct worker w;
	long ret;

	/* in a pool of its own, so that it takes no events */
	app_call(&r->app, SEDA_IOC_POOL_CREATE, &pool);
	ret = worker_join_flags(&r->app, &w, pool.pool, 0);
	if (ret)
		return (void *)ret;
	op = worker_op(&w, SEDA_OP_RELEASE, r->ev.source);
	ret = worker_enter_max(&w, 0, 1, 0);
	if (ret >= 0)
		ret = op->res;
	worker_leave(&w);
	return (void *)ret;
}

TEST_F(conn, no_event_comes_before_release)
{
	ASSERT_EQ(1, write(self->peer, "2", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(1, app_counters(&self->r.app, self->r.stage)->outstanding);
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_RELEASE, self->id, 0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_IN, self->r.ev.events);
	EXPECT_EQ(1, self->r.ev.seq);
	EXPECT_EQ('2', *rig_data(&self->r, &self->r.ev));
	EXPECT_EQ(-EBUSY, rig_do(&self->r, SEDA_OP_RELEASE, self->id, 0));
	EXPECT_EQ(0, app_counters(&self->r.app, self->r.stage)->outstanding);
}

TEST_F(conn, another_worker_may_release)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(1, write(self->peer, "2", 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, releases, &self->r));
	pthread_join(thread, &ret);
	EXPECT_EQ(0, (long)ret);
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ('2', *rig_data(&self->r, &self->r.ev));
}

TEST_F(conn, its_buffer_went_back)
{
	EXPECT_EQ(1024, self->r.app.counters->bufs_free);
}

TEST_F(conn, closed_waits_for_release)
{
	EXPECT_EQ(0, app_id_call(&self->r.app, SEDA_IOC_CLOSE, self->id, 0));
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_RELEASE, self->id, 0));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(SEDA_EV_CLOSED, self->r.ev.events);
}

TEST_F(conn, on_an_accept_it_holds_the_child)
{
	struct seda_event *ev;
	uint16_t port = 0;
	uint64_t child;
	int fd;

	ASSERT_EQ(0, app_listen(&self->r.app, tcp_listen(&port), self->r.stage,
				self->r.stage, NULL));
	fd = tcp_connect(port);
	ASSERT_EQ(1, write(fd, "c", 1));
	ev = rig_await(&self->r, SEDA_EV_ACCEPT);
	ASSERT_NE(NULL, ev);
	child = ev->child;
	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	EXPECT_TRUE(rig_quiet(&self->r));
	EXPECT_EQ(0, rig_do(&self->r, SEDA_OP_RELEASE, child, 0));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(child, ev->source);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
}

TEST_F(conn, on_events_that_own_nothing_it_has_no_effect)
{
	struct seda_stage_args policy = { .posts = 4 };
	uint64_t stage;

	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &stage));
	ASSERT_EQ(0, app_post(&self->r.app, stage, 1, 2));
	ASSERT_NE(NULL, rig_next(&self->r));
	self->r.w.ctl[0].flags = SEDA_CTL_HOLD | SEDA_CTL_KEEP;
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(0, app_counters(&self->r.app, stage)->outstanding);
	EXPECT_EQ(0, app_id_call(&self->r.app, SEDA_IOC_STAGE_DESTROY, stage,
				 0));
}

TEST_HARNESS_MAIN
