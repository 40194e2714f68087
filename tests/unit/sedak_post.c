// SPDX-License-Identifier: GPL-2.0
/* libsedak: of what many threads post nothing is lost, doubled or disordered. */
#include "sedak_test.h"

#define THREADS	6
#define ITEMS	20000

static _Atomic uint32_t next[THREADS], bad, done;
static struct sedak_stage *target;

static void handler(struct sedak_stage *stage, struct sedak_event *ev,
		    unsigned int n)
{
	uintptr_t v;
	unsigned int i;

	for (i = 0; i < n; i++) {
		v = (uintptr_t)ev[i].data;
		if (ev[i].type != SEDAK_EV_ITEM || ev[i].conn ||
		    next[v >> 24] != (v & 0xffffff))
			bad++;
		next[v >> 24]++;
		done++;
	}
}

static void *post(void *arg)
{
	uintptr_t i, base = (uintptr_t)arg << 24;
	int ret;

	for (i = 0; i < ITEMS; i++) {
		while ((ret = sedak_stage_post(target, (void *)(base | i))) ==
		       -EAGAIN)
			sched_yield();
		if (ret)
			bad++;
	}
	return NULL;
}

TEST(numbered)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = handler };
	struct sedak_stage_stats st = { .size = sizeof(st) };
	struct sedak_rt *rt = rt_new(1);
	pthread_t t[THREADS];
	uintptr_t i;

	ASSERT_EQ(0, sedak_stage_create(rt, &o, &target));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, post, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ASSERT_EQ(0, sedak_rt_drain(rt, 20 * SEC));
	EXPECT_EQ(THREADS * ITEMS, atomic_load(&done));
	EXPECT_EQ(0, atomic_load(&bad));
	ASSERT_EQ(0, sedak_stage_get_stats(target, &st));
	EXPECT_EQ(THREADS * ITEMS, st.enqueued);
	EXPECT_EQ(THREADS * ITEMS, st.delivered);
	EXPECT_EQ(0, st.queued);
	EXPECT_GE(1024, st.queued_max);
	ASSERT_EQ(0, sedak_rt_stop(rt));
	EXPECT_EQ(-ESHUTDOWN, sedak_stage_post(target, NULL));
	sedak_rt_destroy(rt);
}

/* Each of many workers' handlers posts on, within the pool and to another */
static struct sedak_stage *second, *third;
static _Atomic uint32_t seen[THREADS * ITEMS / 4];

static void retry_post(struct sedak_stage *s, void *item)
{
	while (sedak_stage_post(s, item) == -EAGAIN)
		sched_yield();
}

static void first_handler(struct sedak_stage *stage, struct sedak_event *ev,
			  unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		retry_post(second, ev[i].data);
}

static void second_handler(struct sedak_stage *stage, struct sedak_event *ev,
			   unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		retry_post(third, ev[i].data);
}

static void third_handler(struct sedak_stage *stage, struct sedak_event *ev,
			  unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (seen[(uintptr_t)ev[i].data]++)
			bad++;
	done += n;
}

static bool all_done(void *arg)
{
	return done >= THREADS * ITEMS / 4;
}

TEST(through_stages_and_pools)
{
	struct sedak_stage_opts o = { .size = sizeof(o) };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 3 };
	struct sedak_rt *rt = rt_new(3);
	struct sedak_stage *first;
	uintptr_t i;

	bad = done = 0;
	o.handler = first_handler;
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &first));
	/* room for all: these two are of one pool, and wait for nobody */
	o.handler = second_handler;
	o.capacity = THREADS * ITEMS;
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &second));
	ASSERT_EQ(0, sedak_pool_create(rt, &po, &o.pool));
	o.handler = third_handler;
	o.capacity = 100;
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &third));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < THREADS * ITEMS / 4; i++)
		retry_post(first, (void *)i);
	ASSERT_TRUE(until(all_done, NULL));
	EXPECT_EQ(THREADS * ITEMS / 4, atomic_load(&done));
	EXPECT_EQ(0, atomic_load(&bad));
	sedak_rt_destroy(rt);
}

/* To a connection, in the order of its events */
static void act_item(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ITEM)
		sedak_conn_send(ev->conn, &ev->data, sizeof(ev->data), 0);
	if (ev->type == SEDAK_EV_ITEM && (uintptr_t)ev->data == 999)
		sedak_conn_close(ev->conn);
}

TEST(to_a_connection)
{
	struct box *box;
	uintptr_t i, in;
	uint16_t port;
	int fd;

	box = server(2, &port, act_item);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(0, sedak_conn_post(box->conn, (void *)i));
	for (i = 0; i < 1000; i++) {
		ASSERT_TRUE(take(fd, &in, sizeof(in)));
		ASSERT_EQ(i, in);
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(1000, box_count(box, SEDAK_EV_ITEM));
	close(fd);
	server_end(box);
}

TEST_HARNESS_MAIN
