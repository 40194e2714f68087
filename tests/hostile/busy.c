// SPDX-License-Identifier: GPL-2.0
/* A stage or pool in use is -EBUSY to be destroyed, and goes when it is not. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(app) {
	struct rig r;
	uint64_t stage;
};

FIXTURE_SETUP(app)
{
	struct seda_stage_args policy = { .posts = 4 };

	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->stage));
}

FIXTURE_TEARDOWN(app)
{
	rig_close(&self->r);
}

static int destroy(struct rig *r, uint64_t stage)
{
	return app_id_call(&r->app, SEDA_IOC_STAGE_DESTROY, stage, 0);
}

/* Sources end after a grace period's callbacks at most. */
static int destroy_soon(struct rig *r, uint64_t stage)
{
	uint64_t end = now_ns() + LONG;
	int ret;

	do {
		ret = destroy(r, stage);
	} while (ret == -EBUSY && now_ns() < end);
	return ret;
}

TEST_F(app, a_source)
{
	uint64_t id;

	ASSERT_EQ(0, app_timer(&self->r.app, self->stage, 0, 0, &id));
	EXPECT_EQ(-EBUSY, destroy(&self->r, self->stage));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, id, 0));
	EXPECT_EQ(-EBUSY, destroy(&self->r, self->stage));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	EXPECT_EQ(-EBUSY, destroy(&self->r, self->stage));
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(0, destroy_soon(&self->r, self->stage));
	EXPECT_EQ(-ESTALE, destroy(&self->r, self->stage));
}

TEST_F(app, a_listener_that_names_it)
{
	uint16_t port = 0;
	uint64_t id;

	ASSERT_EQ(0, app_listen(&self->r.app, tcp_listen(&port), self->r.stage,
				self->stage, &id));
	EXPECT_EQ(-EBUSY, destroy(&self->r, self->stage));
	/* with a connection made ready and not needed, too */
	ASSERT_LE(0, tcp_connect(port));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_ACCEPT));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, self->r.ev.child, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, id, 0));
	ASSERT_NE(NULL, rig_await(&self->r, SEDA_EV_CLOSED));
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(0, destroy_soon(&self->r, self->stage));
}

TEST_F(app, posts_that_wait_or_are_out)
{
	ASSERT_EQ(0, app_post(&self->r.app, self->stage, 0, 0));
	EXPECT_EQ(-EBUSY, destroy(&self->r, self->stage));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(-EBUSY, destroy(&self->r, self->stage));
	ASSERT_EQ(0, rig_submit(&self->r));
	EXPECT_EQ(0, destroy_soon(&self->r, self->stage));
}

TEST_F(app, a_failed_one_leaves_the_stage_as_it_was)
{
	ASSERT_EQ(0, app_post(&self->r.app, self->stage, 7, 0));
	EXPECT_EQ(-EBUSY, destroy(&self->r, self->stage));
	ASSERT_NE(NULL, rig_next(&self->r));
	EXPECT_EQ(7, self->r.ev.user_data);
	ASSERT_EQ(0, app_post(&self->r.app, self->stage, 8, 0));
	EXPECT_NE(NULL, rig_next(&self->r));
}

TEST_F(app, a_pool)
{
	struct seda_pool_args pool = { .size = sizeof(pool) };
	struct seda_stage_args policy = { 0 };
	uint64_t stage;

	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_POOL_CREATE, &pool));
	policy.pool = pool.pool;
	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &stage));
	EXPECT_EQ(-EBUSY, app_id_call(&self->r.app, SEDA_IOC_POOL_DESTROY,
				      pool.pool, 0));
	EXPECT_EQ(0, destroy(&self->r, stage));
	EXPECT_EQ(0, worker_leave(&self->r.w));
	ASSERT_EQ(0, worker_join_flags(&self->r.app, &self->r.w, pool.pool,
				       0));
	EXPECT_EQ(-EBUSY, app_id_call(&self->r.app, SEDA_IOC_POOL_DESTROY,
				      pool.pool, 0));
	EXPECT_EQ(0, worker_leave(&self->r.w));
	EXPECT_EQ(0, app_id_call(&self->r.app, SEDA_IOC_POOL_DESTROY,
				 pool.pool, 0));
	EXPECT_EQ(-ESTALE, app_id_call(&self->r.app, SEDA_IOC_POOL_DESTROY,
				       pool.pool, 0));
}

static volatile bool stop;
static uint64_t target;

static void *posts(void *arg)
{
	struct rig *r = arg;

	while (!stop)
		app_post(&r->app, __atomic_load_n(&target, __ATOMIC_RELAXED),
			 0, 0);
	return NULL;
}

TEST_F(app, stages_come_and_go_under_posts)
{
	struct seda_stage_args policy = { .posts = 4 };
	pthread_t thread;
	int i;

	pthread_create(&thread, NULL, posts, &self->r);
	for (i = 0; i < 2000; i++) {
		ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->stage));
		__atomic_store_n(&target, self->stage, __ATOMIC_RELAXED);
		ASSERT_LE(0, worker_enter(&self->r.w, 0, 0));
		__atomic_store_n(&target, 0, __ATOMIC_RELAXED);
		do {
			ASSERT_LE(0, worker_enter(&self->r.w, 0, 0));
			ASSERT_LE(0, worker_enter(&self->r.w, 0, 0));
		} while (destroy(&self->r, self->stage) == -EBUSY);
	}
	stop = true;
	pthread_join(thread, NULL);
}

TEST_F(app, workers)
{
	struct seda_join_args a = { .size = sizeof(a) };

	a.pool = self->r.app.pool;
	EXPECT_EQ(-EALREADY, app_call(&self->r.app, SEDA_IOC_WORKER_JOIN, &a));
	EXPECT_EQ(0, worker_leave(&self->r.w));
	EXPECT_EQ(0, app_call(&self->r.app, SEDA_IOC_WORKER_JOIN, &a));
}

TEST_HARNESS_MAIN
