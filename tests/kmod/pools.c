// SPDX-License-Identifier: GPL-2.0
/* What one pool's worker does for the stage of another wakes that one's. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

FIXTURE(pools) {
	struct rig r;		/* of the first pool */
	uint64_t pool, stage;	/* the second's */
	pthread_t thread;
	int l;
	uint16_t port;
	uint64_t listener;
};

struct sleeper {
	struct app *app;
	uint64_t pool;
	struct seda_event ev;
};

static struct sleeper sleeper;

static void *sleeps(void *arg)
{
	struct worker w;

	if (worker_join_flags(sleeper.app, &w, sleeper.pool, 0) ||
	    worker_enter_max(&w, 1, 1, SEDA_FOREVER) != 1)
		return NULL;
	sleeper.ev = w.events[0];
	return &sleeper;
}

FIXTURE_SETUP(pools)
{
	struct seda_pool_args pool = { .size = sizeof(pool) };
	struct seda_stage_args policy = { .posts = 4 };

	ASSERT_EQ(0, rig_open(&self->r, NULL, NULL));
	ASSERT_EQ(0, app_call(&self->r.app, SEDA_IOC_POOL_CREATE, &pool));
	self->pool = pool.pool;
	policy.pool = pool.pool;
	ASSERT_EQ(0, app_stage(&self->r.app, &policy, &self->stage));
	self->l = tcp_listen(&self->port);
	ASSERT_LE(0, self->l);
	ASSERT_EQ(0, app_listen(&self->r.app, self->l, self->r.stage,
				self->stage, &self->listener));
	sleeper.app = &self->r.app;
	sleeper.pool = self->pool;
	/* without a limit, as its end would find what nobody woke it for */
	pthread_create(&self->thread, NULL, sleeps, NULL);
	while (self->r.app.counters->workers < 2)
		sleep_ms(1);
	sleep_ms(5);
}

FIXTURE_TEARDOWN(pools)
{
	rig_close(&self->r);
	close(self->l);
}

static bool sleeper_got(struct app *app, pthread_t thread)
{
	void *got;

	pthread_join(thread, &got);
	return got;
}

TEST_F(pools, data_that_came_with_the_connection)
{
	int peer = tcp_connect(self->port);
	uint64_t child;

	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	ASSERT_EQ(SEDA_EV_ACCEPT, self->r.ev.events);
	child = self->r.ev.child;
	/* owned by the accepting worker until its next ENTER */
	ASSERT_EQ(0, rig_submit(&self->r));
	ASSERT_TRUE(sleeper_got(&self->r.app, self->thread));
	EXPECT_EQ(SEDA_EV_IN, sleeper.ev.events);
	EXPECT_EQ(child, sleeper.ev.source);
}

TEST_F(pools, the_accepting_worker_leaves)
{
	int peer = tcp_connect(self->port);

	ASSERT_EQ(1, write(peer, "x", 1));
	ASSERT_NE(NULL, rig_next(&self->r));
	ASSERT_EQ(0, worker_leave(&self->r.w));
	ASSERT_TRUE(sleeper_got(&self->r.app, self->thread));
	EXPECT_EQ(SEDA_EV_IN, sleeper.ev.events);
}

TEST_F(pools, a_post_by_an_op)
{
	struct seda_op op = {
		.op = SEDA_OP_POST, .source = self->stage, .addr = 5,
	};

	ASSERT_EQ(0, rig_op(&self->r, &op));
	ASSERT_TRUE(sleeper_got(&self->r.app, self->thread));
	EXPECT_EQ(SEDA_EV_POST, sleeper.ev.events);
	EXPECT_EQ(5, sleeper.ev.amount);
}

TEST_F(pools, a_held_one_is_released)
{
	int peer = tcp_connect(self->port);
	uint64_t child;

	ASSERT_NE(NULL, rig_next(&self->r));
	child = self->r.ev.child;
	self->r.w.ctl[0].flags = SEDA_CTL_HOLD;
	ASSERT_EQ(0, rig_submit(&self->r));
	ASSERT_EQ(1, write(peer, "x", 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_RELEASE, child, 0));
	ASSERT_TRUE(sleeper_got(&self->r.app, self->thread));
	EXPECT_EQ(SEDA_EV_IN, sleeper.ev.events);
}

TEST_F(pools, a_close)
{
	int peer = tcp_connect(self->port);
	uint64_t child;

	ASSERT_LE(0, peer);
	ASSERT_NE(NULL, rig_next(&self->r));
	child = self->r.ev.child;
	ASSERT_EQ(0, rig_do(&self->r, SEDA_OP_CLOSE, child, 0));
	ASSERT_TRUE(sleeper_got(&self->r.app, self->thread));
	EXPECT_EQ(SEDA_EV_CLOSED, sleeper.ev.events);
}

TEST_HARNESS_MAIN
