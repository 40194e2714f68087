// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: nested in another loop it makes no thread; its descriptor says when
 * there is something to do, and run_once does it.
 */

#include "sedak_test.h"

static struct sedak_rt *nested(void)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .flags = SEDAK_RT_NESTED };
	struct sedak_rt *rt;

	if (sedak_rt_create(&o, &rt))
		abort();
	return rt;
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

/*
 * As a loop that has nothing else to do; false if nothing came any more.  What comes
 * back to fd may be under way when there is nothing left to run.
 */
static bool loop(struct box *box, bool (*done)(struct box *box, int fd), int fd)
{
	struct pollfd p[2] = {
		{ .fd = sedak_fd(box->rt), .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};

	while (!done(box, fd)) {
		if (poll(p, 2, PATIENCE_MS) < 1)
			return false;
		if (sedak_run_once(box->rt, 0) < 0)
			abort();
	}
	return true;
}

static bool accepted(struct box *box, int fd)
{
	return box_count(box, SEDAK_EV_ACCEPT);
}

static bool is_closed(struct box *box, int fd)
{
	return box_count(box, SEDAK_EV_CLOSED);
}

static bool has_input(struct box *box, int fd)
{
	return readable(fd, 0);
}

TEST(echo)
{
	struct box *box = box_new();
	int fd, before = nr_threads();
	uint16_t port;
	char in[5];

	box->act = act_echo;
	port = listen_on(stage_of(nested(), box));
	EXPECT_EQ(-EINVAL, sedak_run_once(box->rt, 0));
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	EXPECT_EQ(before, nr_threads());
	fd = dial(port);
	ASSERT_TRUE(give(fd, "hello", 5));
	EXPECT_TRUE(loop(box, accepted, -1));
	EXPECT_TRUE(loop(box, has_input, fd));
	ASSERT_TRUE(take(fd, in, 5));
	EXPECT_EQ(0, memcmp(in, "hello", 5));
	close(fd);
	EXPECT_TRUE(loop(box, is_closed, -1));
	EXPECT_EQ(before, nr_threads());
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

/* ----------------------------------------- what a handler of datagrams does */

static void act_datagram(struct box *box, struct sedak_event *ev)
{
	if (ev->type != SEDAK_EV_DATAGRAM)
		return;
	if (box->arg)
		sedak_timer_set(box->arg, 10 * MS, 0);
	else
		sedak_udp_send_event(ev->udp, ev, ev->len);
}

/* A UDP socket of a nested runtime; returns one that is connected to it */
static int udp_nested(struct box *box)
{
	struct sedak_udp_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	struct sedak_udp *u;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	o.stage = stage_of(nested(), box);
	if (sedak_udp_open(&o, &u) ||
	    sedak_udp_addr(u, (struct sockaddr *)&addr, &len) ||
	    sedak_rt_start(box->rt) ||
	    connect(fd, (struct sockaddr *)&addr, len))
		abort();
	return fd;
}

static bool answered(struct box *box, int fd)
{
	char in[16];

	(void)box;
	return recv(fd, in, sizeof(in), MSG_DONTWAIT) == 5;
}

TEST(replies_to_datagrams)
{
	struct box *box = box_new();
	int fd, i;

	box->act = act_datagram;
	fd = udp_nested(box);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(5, send(fd, "hello", 5, 0));
		ASSERT_TRUE(loop(box, answered, fd));
	}
	close(fd);
	server_end(box);
}

static bool rung(struct box *box, int fd)
{
	(void)fd;
	return box_count(box, SEDAK_EV_TIMER) == 1;
}

TEST(timer_of_a_datagram)
{
	struct box *box = box_new();
	struct sedak_timer *t;
	int fd;

	box->act = act_datagram;
	fd = udp_nested(box);
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	box->arg = t;
	turn(box->rt);
	ASSERT_EQ(5, send(fd, "hello", 5, 0));
	EXPECT_TRUE(loop(box, rung, fd));
	close(fd);
	server_end(box);
}

static void act_sent(struct sedak_conn *c, void *timer, int res)
{
	(void)c;
	if (!res)
		sedak_timer_set(timer, 10 * MS, 0);
}

static void act_greet(struct box *box, struct sedak_event *ev)
{
	static const char hello[] = "hello";
	struct iovec iov = { .iov_base = (void *)hello, .iov_len = 5 };

	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_sendv(ev->conn, &iov, 1, 0, act_sent, box->arg);
}

/*
 * The last thing that happens in a round, after its look at the timers.  Nobody reads
 * what was sent: would the loop wait for it, it would have the next round at once.
 */
TEST(timer_of_what_was_sent)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro),
				    .flags = SEDAK_RT_NESTED };
	struct box *box = box_new();
	struct sedak_timer *t;
	struct sedak_rt *rt;
	uint16_t port;
	int fd;

	box->act = act_greet;
	ASSERT_EQ(0, sedak_rt_create(&ro, &rt));
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &t));
	box->arg = t;
	fd = dial(port);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(loop(box, rung, -1));
	close(fd);
	server_end(box);
}

#define BURST	200	/* more than any batch; the socket's buffer holds them */

static bool all_came(struct box *box, int fd)
{
	(void)fd;
	return box_count(box, SEDAK_EV_DATAGRAM) == BURST;
}

TEST(burst_of_datagrams)
{
	struct box *box = box_new();
	int fd, i;

	fd = udp_nested(box);
	for (i = 0; i < BURST; i++)
		ASSERT_EQ(1, send(fd, "x", 1, 0));
	EXPECT_TRUE(loop(box, all_came, fd))
		TH_LOG("%u came", box_count(box, SEDAK_EV_DATAGRAM));
	close(fd);
	server_end(box);
}

TEST_HARNESS_MAIN
