// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: nested in another loop it makes no thread; its descriptor says when
 * there is something to do, and run_once does it.
 */
#include <dirent.h>

#include "sedak_test.h"

static struct sedak_rt *nested(void)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .flags = SEDAK_RT_NESTED };
	struct sedak_rt *rt;

	if (sedak_rt_create(&o, &rt))
		abort();
	return rt;
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && (p.revents & POLLIN);
}

static void act_echo(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send(ev->conn, ev->data, ev->len, 0);
	else if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
}

/* What a program's own loop does */
static void turn(struct sedak_rt *rt)
{
	int i;

	for (i = 0; i < 50 && readable(sedak_fd(rt), 20); i++)
		if (sedak_run_once(rt, 0) < 0)
			abort();
}

TEST(echo)
{
	struct box *box = box_new();
	int fd, before = threads();
	uint16_t port;
	char in[5];

	box->act = act_echo;
	port = listen_on(stage_of(nested(), box));
	EXPECT_EQ(-EINVAL, sedak_run_once(box->rt, 0));
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	EXPECT_EQ(before, threads());
	fd = dial(port);
	ASSERT_TRUE(give(fd, "hello", 5));
	turn(box->rt);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_ACCEPT));
	ASSERT_TRUE(take(fd, in, 5));
	EXPECT_EQ(0, memcmp(in, "hello", 5));
	close(fd);
	turn(box->rt);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_CLOSED));
	EXPECT_EQ(before, threads());
	server_end(box);
}

static void *poster(void *arg)
{
	struct box *box = arg;

	sleep_ms(30);
	sedak_stage_post(box->stage, box);
	return NULL;
}

TEST(posts_and_timers_wake)
{
	struct box *box = box_new();
	struct sedak_timer *t;
	pthread_t thread;

	stage_of(nested(), box);
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	turn(box->rt);
	EXPECT_FALSE(readable(sedak_fd(box->rt), 10));
	pthread_create(&thread, NULL, poster, box);
	EXPECT_TRUE(readable(sedak_fd(box->rt), 5000));
	turn(box->rt);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_ITEM));
	pthread_join(thread, NULL);
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	ASSERT_EQ(0, sedak_timer_set(t, 30 * MS, 0));
	turn(box->rt);
	EXPECT_TRUE(readable(sedak_fd(box->rt), 5000) ||
		    box_count(box, SEDAK_EV_TIMER));
	turn(box->rt);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_TIMER));
	server_end(box);
}

TEST(run_once_waits)
{
	struct box *box = box_new();
	uint64_t begin;
	pthread_t thread;
	int i, n = 0;

	stage_of(nested(), box);
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	turn(box->rt);
	begin = now_ns();
	EXPECT_EQ(0, sedak_run_once(box->rt, 30 * MS));
	EXPECT_LE(30 * MS, now_ns() - begin);
	pthread_create(&thread, NULL, poster, box);
	for (i = 0; i < 100 && !n; i++)
		n = sedak_run_once(box->rt, 5 * (int64_t)SEC);
	EXPECT_EQ(1, n);
	pthread_join(thread, NULL);
	server_end(box);
}

static int inner_result;

static void act_reenter(struct box *box, struct sedak_event *ev)
{
	inner_result = sedak_run_once(box->rt, 0);
}

TEST(drain_and_errors)
{
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 3 };
	struct sedak_pool *pool;
	struct box *box = box_new();
	struct sedak_rt *rt;
	int i;

	box->act = act_reenter;
	stage_of(nested(), box);
	ASSERT_EQ(0, sedak_pool_create(box->rt, &po, &pool));
	EXPECT_EQ(sedak_rt_pool(box->rt, 0), pool);
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, sedak_stage_post(box->stage, NULL));
	EXPECT_EQ(0, sedak_rt_drain(box->rt, 5 * SEC));
	EXPECT_EQ(5, box_count(box, SEDAK_EV_ITEM));
	EXPECT_EQ(-EDEADLK, inner_result);
	server_end(box);
	rt = rt_new(1);
	EXPECT_EQ(-EINVAL, sedak_fd(rt));
	EXPECT_EQ(-EINVAL, sedak_run_once(rt, 0));
	sedak_rt_destroy(rt);
}

TEST_HARNESS_MAIN
