// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: a full queue refuses, or holds the sending stage back: its queue is
 * not run and its connections are not read until there is room.
 */
#include "sedak_test.h"
#include "tests/lib/count.h"

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint32_t handled, in_handler, refused;
static struct sedak_stage *sink;

static void slow(struct sedak_stage *stage, struct sedak_event *ev,
		 unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		in_handler++;
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
		handled++;
	}
}

static void make_sink(struct sedak_rt *rt, unsigned int capacity,
		      unsigned int full)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = slow,
				      .name = "sink", .max_batch = 1,
				      .capacity = capacity, .full = full };
	struct sedak_pool_opts po = { .size = sizeof(po), .name = "slow",
				      .workers = 1 };

	if (sedak_pool_create(rt, &po, &o.pool) ||
	    sedak_stage_create(rt, &o, &sink))
		abort();
}

static bool one_in(void *arg)
{
	return in_handler == 1;
}

TEST(rejected)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };
	struct sedak_rt *rt = rt_new(1);
	int i;

	make_sink(rt, 10, SEDAK_FULL_REJECT);
	pthread_mutex_lock(&gate);
	ASSERT_EQ(0, sedak_rt_start(rt));
	ASSERT_EQ(0, sedak_stage_post(sink, NULL));
	ASSERT_TRUE(until(one_in, NULL));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, sedak_stage_post(sink, NULL));
	EXPECT_EQ(-EAGAIN, sedak_stage_post(sink, NULL));
	EXPECT_EQ(-EAGAIN, sedak_stage_post(sink, NULL));
	ASSERT_EQ(0, sedak_stage_get_stats(sink, &st));
	EXPECT_EQ(10, st.queued);
	EXPECT_EQ(10, st.capacity);
	EXPECT_EQ(2, st.rejected);
	pthread_mutex_unlock(&gate);
	ASSERT_EQ(0, sedak_rt_drain(rt, 20 * SEC));
	EXPECT_EQ(11, atomic_load(&handled));
	EXPECT_EQ(0, sedak_stage_post(sink, NULL));
	ASSERT_EQ(0, sedak_rt_drain(rt, 20 * SEC));
	EXPECT_EQ(12, atomic_load(&handled));
	sedak_rt_destroy(rt);
}

/* Where the machine is slow some bytes come together. */
static size_t longest;

static void act_forward(struct box *box, struct sedak_event *ev)
{
	size_t i;

	if (ev->type == SEDAK_EV_ITEM && sedak_stage_post(sink, ev->data))
		refused++;
	if (ev->type == SEDAK_EV_DATA && ev->len > longest)
		longest = ev->len;
	for (i = 0; ev->type == SEDAK_EV_DATA && i < ev->len; i++)
		if (sedak_stage_post(sink, NULL))
			refused++;
}

static bool paused(void *stage)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };

	return !sedak_stage_get_stats(stage, &st) && st.paused;
}

/*
 * For good: what the sink's worker has is not in its queue any more, and one that
 * it took from a queue that was just full resumes nobody.
 */
static bool full_and_paused(void *stage)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };

	return one_in(NULL) && !sedak_stage_get_stats(sink, &st) &&
	       st.queued >= 7 && paused(stage);
}

/* One byte at a time, so that each is an event of its own */
static void *trickle(void *arg)
{
	int fd = *(int *)arg, i;

	for (i = 0; i < 200; i++) {
		if (!give(fd, "x", 1))
			break;
		sleep_ms(1);
	}
	return NULL;
}

static bool all_handled(void *arg)
{
	return handled == *(uint32_t *)arg;
}

TEST(held_back)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };
	struct box *box = box_new();
	struct sedak_rt *rt = rt_new(2);
	uint32_t want = 300;
	pthread_t t;
	uint16_t port;
	int fd, i;

	make_sink(rt, 8, SEDAK_FULL_BACKPRESSURE);
	box->act = act_forward;
	port = listen_on(stage_of(rt, box));
	pthread_mutex_lock(&gate);
	ASSERT_EQ(0, sedak_rt_start(rt));
	fd = dial(port);
	ASSERT_EQ(0, pthread_create(&t, NULL, trickle, &fd));
	ASSERT_TRUE(until(full_and_paused, box->stage));
	pthread_join(t, NULL);
	/* now its own queue fills, and refuses its senders in turn */
	for (i = 0; i < 100; i++)
		EXPECT_EQ(0, sedak_stage_post(box->stage, NULL));
	sleep_ms(30);
	ASSERT_EQ(0, sedak_stage_get_stats(sink, &st));
	EXPECT_GE(15 + longest, st.queued);
	ASSERT_EQ(0, sedak_stage_get_stats(box->stage, &st));
	EXPECT_LE(1, st.pauses);
	EXPECT_EQ(100, st.queued);
	/* a thread that is no worker is refused at the capacity itself */
	while (!sedak_stage_post(sink, NULL))
		want++;
	EXPECT_GE(301, want);
	pthread_mutex_unlock(&gate);
	EXPECT_TRUE(until(all_handled, &want));
	EXPECT_EQ(0, atomic_load(&refused));
	EXPECT_FALSE(paused(box->stage));
	close(fd);
	sedak_rt_destroy(rt);
	box_free(box);
}

/* Two stages that flood each other go on */
static struct sedak_stage *ping, *pong;
static _Atomic uint32_t rallies;

static void flood(struct sedak_stage *stage, struct sedak_event *ev,
		  unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < 3; j++)
			if (!sedak_stage_post(stage == ping ? pong : ping, NULL))
				rallies++;
}

static bool many_rallies(void *arg)
{
	/* a sanitizer in a guest would take minutes */
	return rallies > 3000000 / count_of("SEDA_SLOW", 1) / count_of("SEDA_SLOW", 1);
}

TEST(no_deadlock_in_a_circle)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = flood,
				      .capacity = 4,
				      .full = SEDAK_FULL_BACKPRESSURE };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 2 };
	struct sedak_rt *rt = rt_new(2);
	uint32_t seen;

	ASSERT_EQ(0, sedak_stage_create(rt, &o, &ping));
	ASSERT_EQ(0, sedak_pool_create(rt, &po, &o.pool));
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &pong));
	ASSERT_EQ(0, sedak_rt_start(rt));
	ASSERT_EQ(0, sedak_stage_post(ping, NULL));
	/* it may take its time, but not stand still */
	do {
		seen = rallies;
	} while (!until(many_rallies, NULL) && rallies != seen);
	EXPECT_TRUE(many_rallies(NULL));
	sedak_rt_destroy(rt);
}

TEST_HARNESS_MAIN
