// SPDX-License-Identifier: GPL-2.0
/* Posts: from many threads, in order of each, refused when all places are taken. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define THREADS	4
#define EACH	20000

static struct rig rig;

static void *posts(void *arg)
{
	uint64_t n = 0;
	int ret;

	while (n < EACH) {
		ret = app_post(&rig.app, rig.stage, (uintptr_t)arg, n);
		if (!ret)
			n++;
		else if (ret == -EAGAIN)
			sched_yield();
		else
			return (void *)(long)ret;
	}
	return NULL;
}

TEST(none_is_lost_doubled_or_out_of_order)
{
	struct seda_stage_args policy = { .posts = 64 };
	uint64_t next[THREADS] = { 0 }, total = 0;
	pthread_t thread[THREADS];
	uintptr_t t;
	void *ret;
	int i, n;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	for (t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, posts, (void *)t);
	while (total < THREADS * EACH) {
		n = worker_enter(&rig.w, 1, SEDA_FOREVER);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++) {
			struct seda_event *ev = &rig.w.events[i];

			ASSERT_EQ(SEDA_EV_POST, ev->events);
			ASSERT_EQ(0, ev->source);
			ASSERT_GT(THREADS, ev->user_data);
			ASSERT_EQ(next[ev->user_data]++, ev->amount);
			ASSERT_EQ((uint32_t)total++, ev->seq);
		}
	}
	for (t = 0; t < THREADS; t++) {
		pthread_join(thread[t], &ret);
		EXPECT_EQ(NULL, ret);
	}
	EXPECT_EQ(0, app_counters(&rig.app, rig.stage)->posts);
	rig_close(&rig);
}

TEST(no_place_is_eagain_and_counted)
{
	struct seda_stage_args policy = { .posts = 3 };
	const struct seda_stage_counters *c;
	struct seda_op op = { .op = SEDA_OP_POST };
	int i;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	c = app_counters(&rig.app, rig.stage);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, app_post(&rig.app, rig.stage, 1, i));
	EXPECT_EQ(-EAGAIN, app_post(&rig.app, rig.stage, 1, i));
	EXPECT_EQ(1, c->rejected);
	EXPECT_EQ(3, c->posts);
	/* a place is free when its post is harvested */
	ASSERT_NE(NULL, rig_next(&rig));
	EXPECT_EQ(0, rig.ev.amount);
	EXPECT_EQ(2, c->posts);
	op.source = rig.stage;
	op.addr = 77;
	op.user_data = 78;
	EXPECT_EQ(0, rig_op(&rig, &op));
	for (i = 1; i < 3; i++) {
		ASSERT_NE(NULL, rig_next(&rig));
		EXPECT_EQ(i, rig.ev.amount);
	}
	ASSERT_NE(NULL, rig_next(&rig));
	EXPECT_EQ(77, rig.ev.amount);
	EXPECT_EQ(78, rig.ev.user_data);
	EXPECT_EQ((uint32_t)rig.stage, rig.ev.stage);
	rig_close(&rig);
}

TEST(a_stage_without_places_takes_none)
{
	ASSERT_EQ(0, rig_open(&rig, NULL, NULL));
	EXPECT_EQ(-EAGAIN, app_post(&rig.app, rig.stage, 1, 1));
	EXPECT_EQ(-ESTALE, app_post(&rig.app, 0, 1, 1));
	EXPECT_EQ(-ESTALE, app_post(&rig.app, rig.stage + 1, 1, 1));
	rig_close(&rig);
}

TEST(capacity_bounds_those_out_and_places_those_waiting)
{
	struct seda_stage_args policy = { .posts = 8, .capacity = 2 };
	const struct seda_stage_counters *c;
	int i;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	c = app_counters(&rig.app, rig.stage);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, app_post(&rig.app, rig.stage, 1, i));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(2, worker_enter(&rig.w, 1, SEDA_FOREVER));
		EXPECT_EQ(2, c->outstanding);
		EXPECT_EQ(2 * i, (int)rig.w.events[0].amount);
	}
	EXPECT_EQ(0, worker_enter(&rig.w, 0, 0));
	EXPECT_EQ(0, c->outstanding);
	rig_close(&rig);
}

/* A harvest takes credits for as many as there may be, and finds one. */
TEST(credits_for_which_there_was_no_post_come_back)
{
	struct seda_stage_args policy = { .posts = 8, .capacity = 8 };
	int i;

	ASSERT_EQ(0, rig_open(&rig, NULL, &policy));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, app_post(&rig.app, rig.stage, 1, i));
		ASSERT_EQ(1, worker_enter(&rig.w, 1, SEDA_FOREVER));
		ASSERT_EQ(1, app_counters(&rig.app, rig.stage)->outstanding);
	}
	rig_close(&rig);
}

TEST_HARNESS_MAIN
