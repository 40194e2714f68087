// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: stopped while it starts, while other threads use timers, nested; and
 * what two runtimes in a process share.
 */
#include <semaphore.h>
#include <sys/eventfd.h>

#include "sedak_test.h"

static sem_t begun;

static int slow_init(struct sedak_stage *stage)
{
	struct sedak_timer *t;

	sem_post(&begun);
	/* until the stop has begun */
	while (!sedak_timer_create(stage, NULL, &t)) {
		sedak_timer_destroy(t);
		sleep_ms(1);
	}
	return 0;
}

static void *starter(void *rt)
{
	return (void *)(intptr_t)sedak_rt_start(rt);
}

/* A start that is not through makes no thread that nobody would join. */
TEST(while_it_starts)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = box_handler,
				      .init = slow_init };
	struct sedak_rt *rt = rt_new(2);
	struct sedak_stage *stage;
	int before;
	pthread_t t;
	void *ret;

	sem_init(&begun, 0, 0);
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &stage));
	ASSERT_EQ(0, pthread_create(&t, NULL, starter, rt));
	sem_wait(&begun);
	before = nr_threads() - 1;
	EXPECT_EQ(0, sedak_rt_stop(rt));
	pthread_join(t, &ret);
	EXPECT_EQ(-ESHUTDOWN, (intptr_t)ret);
	EXPECT_TRUE(until(are_threads, &before));
	EXPECT_EQ(-ESHUTDOWN, sedak_rt_start(rt));
	sedak_rt_destroy(rt);
}

static void *use_timers(void *arg)
{
	struct box *box = arg;
	struct sedak_timer *t;

	while (!sedak_timer_create(box->stage, NULL, &t)) {
		sedak_timer_set(t, 100000, 100000);
		sedak_timer_destroy(t);
	}
	return NULL;
}

/* What the sanitizers would say: the stop walks the list of timers. */
TEST(while_others_use_timers)
{
	struct box *box;
	pthread_t t[2];
	int i, j;

	for (i = 0; i < 20; i++) {
		box = box_new();
		stage_of(rt_new(2), box);
		ASSERT_EQ(0, sedak_rt_start(box->rt));
		for (j = 0; j < 2; j++)
			pthread_create(&t[j], NULL, use_timers, box);
		sleep_ms(2);
		EXPECT_EQ(0, sedak_rt_stop(box->rt));
		for (j = 0; j < 2; j++)
			pthread_join(t[j], NULL);
		server_end(box);
	}
}

static void slow(struct sedak_stage *stage, struct sedak_event *ev,
		 unsigned int n)
{
	sleep_ms(300);
}

/* Two datagrams of a stage whose handler takes its time for each */
static void keep_busy(struct sedak_rt *rt)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = slow,
				      .priority = -1, .max_batch = 1 };
	struct sedak_udp_opts uo = { .size = sizeof(uo), .host = "127.0.0.1" };
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);
	struct sedak_udp *udp;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sedak_stage_create(rt, &o, &uo.stage) ||
	    sedak_udp_open(&uo, &udp) ||
	    sedak_udp_addr(udp, (struct sockaddr *)&a, &len) ||
	    connect(fd, (struct sockaddr *)&a, len) ||
	    send(fd, "1", 1, 0) != 1 || send(fd, "2", 1, 0) != 1)
		abort();
	close(fd);
}

/* What was accepted and waits behind slow handlers is no idle runtime's. */
TEST(drained_with_an_accept_in_hand)
{
	struct box *box;
	struct sedak_rt *rt;
	unsigned int n;
	uint16_t port;
	int fd, i;

	for (i = 0; i < 4; i++) {
		rt = rt_new(2);
		box = box_new();
		keep_busy(rt);
		port = listen_on(stage_of(rt, box));
		fd = dial(port);
		ASSERT_EQ(0, sedak_rt_start(rt));
		if (!sedak_rt_drain(rt, 400 * MS)) {
			n = box_count(box, SEDAK_EV_ACCEPT);
			sleep_ms(800);
			EXPECT_EQ(n, box_count(box, SEDAK_EV_ACCEPT));
		}
		close(fd);
		server_end(box);
	}
}

/* Other events of the stage do not keep a drain from its end. */
TEST(drained_beside_a_watch)
{
	int fd = eventfd(1, EFD_CLOEXEC);
	struct sedak_watch *wa;
	struct box *box;
	uint16_t port;

	box = server(2, &port, NULL);
	ASSERT_EQ(0, sedak_watch_open(box->stage, fd, POLLIN, 0, NULL, &wa));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_READY, 3));
	EXPECT_EQ(0, sedak_rt_drain(box->rt, 10 * SEC));
	server_end(box);
	close(fd);
}

static _Atomic bool handled;

static void slow_once(struct sedak_stage *stage, struct sedak_event *ev,
		      unsigned int n)
{
	sem_post(&begun);
	sleep_ms(200);
	handled = true;
}

static void *stopper(void *rt)
{
	sedak_rt_stop(rt);
	return NULL;
}

/* Whoever comes second to stop it comes back when it has stopped, too. */
TEST(by_two_threads)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = slow_once };
	struct sedak_rt *rt = rt_new(1);
	struct sedak_stage *stage;
	pthread_t t;

	sem_init(&begun, 0, 0);
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &stage));
	ASSERT_EQ(0, sedak_rt_start(rt));
	ASSERT_EQ(0, sedak_stage_post(stage, NULL));
	sem_wait(&begun);
	ASSERT_EQ(0, pthread_create(&t, NULL, stopper, rt));
	sleep_ms(50);
	EXPECT_EQ(0, sedak_rt_stop(rt));
	EXPECT_TRUE(atomic_load(&handled));
	pthread_join(t, NULL);
	sedak_rt_destroy(rt);
}

static struct box *other;

static void act_pass(struct box *box, struct sedak_event *ev)
{
	struct sedak_buf *buf;

	if (ev->type != SEDAK_EV_DATA || sedak_buf_hold(ev, &buf))
		return;
	sedak_conn_send_buf(other->conn, buf, 0, ev->len, 0);
	sedak_buf_put(buf);
}

/* A buffer goes back to the runtime that it is of, whoever has sent it. */
TEST(a_buffer_of_another_runtime)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .workers = 1,
				   .nr_bufs = 128 };
	struct box *box = box_new();
	uint16_t port, to;
	int in, out, i, got;
	struct sedak_rt *rt;

	other = server(1, &to, NULL);
	out = dial(to);
	ASSERT_TRUE(box_wait(other, SEDAK_EV_ACCEPT, 1));
	box->act = act_pass;
	ASSERT_EQ(0, sedak_rt_create(&o, &rt));
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	in = dial(port);
	for (i = 0; i < 1000; i++) {
		ASSERT_TRUE(give(in, &i, sizeof(i)));
		ASSERT_TRUE(take(out, &got, sizeof(got)));
		ASSERT_EQ(i, got);
	}
	/* no thread of either is left before the first goes */
	EXPECT_EQ(0, sedak_rt_stop(box->rt));
	EXPECT_EQ(0, sedak_rt_stop(other->rt));
	server_end(other);
	server_end(box);
	close(in);
	close(out);
}

static struct sedak_stage *slow_stage;

static void late(struct sedak_stage *stage, struct sedak_event *ev,
		 unsigned int n)
{
}

static void act_post(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_stage_post(slow_stage, NULL);
}

static bool paused(struct sedak_stage *stage)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };

	return !sedak_stage_get_stats(stage, &st) && st.paused;
}

/* A nested runtime whose first stage is held back, with a connection of it */
static int hold_back(struct box *box, uint16_t *port)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .flags = SEDAK_RT_NESTED,
				   .buf_size = 64 };
	struct sedak_stage_opts so = { .size = sizeof(so), .handler = late,
				       .min_batch = 8, .max_delay_ns = 60 * SEC,
				       .capacity = 1,
				       .full = SEDAK_FULL_BACKPRESSURE };
	struct sedak_rt *rt;
	int fd, i;

	if (sedak_rt_create(&o, &rt) ||
	    sedak_stage_create(rt, &so, &slow_stage))
		abort();
	box->act = act_post;
	*port = listen_on(stage_of(rt, box));
	if (sedak_rt_start(rt))
		abort();
	fd = dial(*port);
	for (i = 0; i < 1000 && !paused(box->stage); i++)
		if (!give(fd, "x", 1) || sedak_run_once(rt, MS) < 0)
			abort();
	return fd;
}

/* Whose event is held is reset by the stop; and so is who came after it. */
TEST(nested_with_an_event_held)
{
	struct box *box = box_new();
	uint16_t port;
	int fd, after;
	char c;

	fd = hold_back(box, &port);
	ASSERT_TRUE(paused(box->stage));
	ASSERT_TRUE(give(fd, "x", 1));
	ASSERT_LE(0, sedak_run_once(box->rt, MS));
	after = dial(port);
	EXPECT_EQ(0, sedak_rt_stop(box->rt));
	EXPECT_EQ(-1, recv(fd, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	EXPECT_EQ(-1, recv(after, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	close(fd);
	close(after);
	server_end(box);
}

static int wanted;	/* calls until the other connection gets a byte */

static void act_busy(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA && !--wanted)
		give(*(int *)box->arg, "x", 1);
}

/* ... also if that was in the last of the cycles of a turn */
TEST(nested_with_an_event_held_at_last)
{
	static char much[65536];
	struct box *box, *busy;
	uint16_t port, to;
	int fd, in, n;
	char c;

	for (n = 1; n < 12; n++) {
		box = box_new();
		busy = box_new();
		fd = hold_back(box, &port);
		busy->act = act_busy;
		busy->arg = &fd;
		to = listen_on(stage_of(box->rt, busy));
		in = dial(to);
		while (!box_count(busy, SEDAK_EV_ACCEPT))
			ASSERT_LE(0, sedak_run_once(box->rt, MS));
		ASSERT_TRUE(give(in, much, sizeof(much)));
		wanted = n;
		ASSERT_LE(0, sedak_run_once(box->rt, 0));
		EXPECT_EQ(0, sedak_rt_stop(box->rt));
		EXPECT_EQ(-1, recv(fd, &c, 1, 0));
		EXPECT_EQ(ECONNRESET, errno);
		close(fd);
		close(in);
		server_end(box);
		box_free(busy);
	}
}

TEST_HARNESS_MAIN
