// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: a stage's minimum batch, its maximum delay and maximum batch, and
 * priority among the stages of a pool.
 */
#include "sedak_test.h"

static unsigned int sizes[1000];
static _Atomic unsigned int calls, total;

static void sizes_handler(struct sedak_stage *stage, struct sedak_event *ev,
			  unsigned int n)
{
	sizes[calls] = n;
	calls++;
	total += n;
}

static bool ten(void *arg)
{
	return total == 10;
}

TEST(minimum_and_delay)
{
	struct sedak_stage_opts o = { .size = sizeof(o),
				      .handler = sizes_handler, .min_batch = 10,
				      .max_delay_ns = 3600 * 1000 * MS };
	struct sedak_rt *rt = rt_new(2);
	struct sedak_stage *s, *delayed;
	uint64_t begin;
	int i;

	ASSERT_EQ(0, sedak_stage_create(rt, &o, &s));
	o.max_delay_ns = 1000 * MS;
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &delayed));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < 9; i++)
		ASSERT_EQ(0, sedak_stage_post(s, NULL));
	sleep_ms(50);
	EXPECT_EQ(0, atomic_load(&calls));
	ASSERT_EQ(0, sedak_stage_post(s, NULL));
	ASSERT_TRUE(until(ten, NULL));
	EXPECT_EQ(1, atomic_load(&calls));
	total = calls = 0;
	begin = now_ns();
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, sedak_stage_post(delayed, NULL));
	while (!total)
		sleep_ms(1);
	EXPECT_LE(1000 * MS, now_ns() - begin);
	EXPECT_EQ(5, atomic_load(&total));
	sedak_rt_destroy(rt);
}

TEST(maximum)
{
	struct sedak_stage_opts o = { .size = sizeof(o),
				      .handler = sizes_handler, .max_batch = 3 };
	struct sedak_rt *rt = rt_new(1);
	struct sedak_stage *s;
	unsigned int i;

	ASSERT_EQ(0, sedak_stage_create(rt, &o, &s));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, sedak_stage_post(s, NULL));
	ASSERT_EQ(0, sedak_rt_start(rt));
	ASSERT_TRUE(until(ten, NULL));
	EXPECT_EQ(4, atomic_load(&calls));
	for (i = 0; i < calls; i++)
		EXPECT_GE(3, sizes[i]);
	sedak_rt_destroy(rt);
}

/* Of connections: with two of them a batch of ten is two, or never comes */
static void act_count(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send(ev->conn, ev->data, ev->len, 0);
}

TEST(of_connections)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = box_handler,
				      .min_batch = 10,
				      .max_delay_ns = 50 * MS };
	struct sedak_listen_opts lo = { .size = sizeof(lo),
					.host = "127.0.0.1" };
	struct box *box = box_new(), *acc = box_new();
	struct sedak_listener *l;
	char c;
	int fd[2], i;

	o.state = box;
	box->act = act_count;
	lo.stage = stage_of(rt_new(1), acc);
	ASSERT_EQ(0, sedak_stage_create(acc->rt, &o, &lo.conn_stage));
	ASSERT_EQ(0, sedak_listen(&lo, &l));
	ASSERT_EQ(0, sedak_rt_start(acc->rt));
	for (i = 0; i < 2; i++)
		fd[i] = dial(port_of(l));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(give(fd[0], "a", 1));
		ASSERT_TRUE(give(fd[1], "b", 1));
		ASSERT_TRUE(take(fd[0], &c, 1));
		ASSERT_TRUE(take(fd[1], &c, 1));
	}
	/* one alone waits out the delay, and is served */
	ASSERT_TRUE(give(fd[0], "a", 1));
	ASSERT_TRUE(take(fd[0], &c, 1));
	close(fd[0]);
	close(fd[1]);
	server_end(acc);
	box_free(box);
}

static char order[64];

static void order_handler(struct sedak_stage *stage, struct sedak_event *ev,
			  unsigned int n)
{
	strcat(order, sedak_stage_name(stage));
	total += n;
}

TEST(priority)
{
	struct sedak_stage_opts o = { .size = sizeof(o),
				      .handler = order_handler };
	static const struct { const char *name; int prio; } st[] = {
		{ "m", 0 }, { "z", 19 }, { "a", -20 }, { "n", 1 },
	};
	struct sedak_rt *rt = rt_new(1);
	struct sedak_stage *s;
	unsigned int i;

	total = 6;
	for (i = 0; i < 4; i++) {
		o.name = st[i].name;
		o.priority = st[i].prio;
		ASSERT_EQ(0, sedak_stage_create(rt, &o, &s));
		ASSERT_EQ(0, sedak_stage_post(s, NULL));
	}
	ASSERT_EQ(0, sedak_rt_start(rt));
	ASSERT_TRUE(until(ten, NULL));
	sedak_rt_destroy(rt);
	EXPECT_STREQ("amnz", order);
}

TEST_HARNESS_MAIN
