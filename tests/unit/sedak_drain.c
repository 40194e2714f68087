// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: drain stops accepting and finishes what is there; stop ends the rest;
 * hooks run in order.
 */
#include <fcntl.h>
#include <semaphore.h>

#include "sedak_test.h"

static void act_close_on_drain(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send(ev->conn, ev->data, ev->len, 0);
	else if (ev->type == SEDAK_EV_DRAIN)
		sedak_conn_close(ev->conn);
}

TEST(drained)
{
	struct box *box;
	uint16_t port;
	int fd[3], i, late;
	char c;

	box = server(2, &port, act_close_on_drain);
	for (i = 0; i < 3; i++)
		fd[i] = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 3));
	EXPECT_EQ(0, sedak_rt_drain(box->rt, 20 * SEC));
	EXPECT_EQ(3, box_count(box, SEDAK_EV_DRAIN));
	EXPECT_EQ(3, box_count(box, SEDAK_EV_CLOSED));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, recv(fd[i], &c, 1, 0));
		close(fd[i]);
	}
	late = dial(port);
	EXPECT_GT(0, late);
	server_end(box);
}

TEST(not_in_time)
{
	struct box *box;
	uint16_t port;
	int fd;
	char c;

	box = server(2, &port, NULL);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	EXPECT_EQ(-ETIMEDOUT, sedak_rt_drain(box->rt, 30 * MS));
	EXPECT_EQ(0, box_count(box, SEDAK_EV_CLOSED));
	EXPECT_EQ(0, sedak_rt_stop(box->rt));
	EXPECT_EQ(0, sedak_rt_stop(box->rt));
	EXPECT_EQ(-1, recv(fd, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	close(fd);
	server_end(box);
}

static _Atomic int done_calls, done_res;

static void done(struct sedak_conn *conn, void *arg, int res)
{
	done_res = res;
	done_calls++;
}

static char big[1 << 20];

static void act_flood(struct box *box, struct sedak_event *ev)
{
	struct iovec iov = { big, sizeof(big) };
	int i;

	for (i = 0; ev->type == SEDAK_EV_DATA && i < 40; i++)
		sedak_conn_sendv(ev->conn, &iov, 1, 0, done, NULL);
}

TEST(stop_calls_back)
{
	struct box *box;
	uint16_t port;
	int fd;

	box = server(1, &port, act_flood);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "x", 1));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_DATA, 1));
	server_end(box);
	EXPECT_EQ(40, atomic_load(&done_calls));
	EXPECT_EQ(-ECANCELED, atomic_load(&done_res));
	close(fd);
}

static _Atomic bool in_closed;

/* The connection ends with its queue over the high mark, and takes its time. */
static void act_flood_and_linger(struct box *box, struct sedak_event *ev)
{
	act_flood(box, ev);
	if (ev->type == SEDAK_EV_CLOSED) {
		in_closed = true;
		sleep_ms(100);
	}
}

static uint64_t enters(struct sedak_rt *rt)
{
	struct sedak_pool_stats st = { .size = sizeof(st) };

	return sedak_pool_get_stats(sedak_rt_pool(rt, 0), &st) ? 0 : st.enters;
}

TEST(drained_while_one_closes)
{
	struct linger reset = { .l_onoff = 1 };
	struct box *box;
	uint64_t before;
	uint16_t port;
	int fd;

	box = server(1, &port, act_flood_and_linger);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "x", 1));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_DATA, 1));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	while (!in_closed)
		sleep_ms(1);
	EXPECT_EQ(0, sedak_rt_drain(box->rt, 20 * SEC));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_CLOSED));
	/* and nobody goes on about it */
	sleep_ms(20);
	before = enters(box->rt);
	sleep_ms(100);
	EXPECT_GT(100, enters(box->rt) - before);
	server_end(box);
}

static char trace[64];
static int init_result;

static int init(struct sedak_stage *stage)
{
	strcat(trace, "i");
	strcat(trace, sedak_stage_name(stage));
	return *sedak_stage_name(stage) == 'c' ? init_result : 0;
}

static void destroy(struct sedak_stage *stage)
{
	strcat(trace, "d");
	strcat(trace, sedak_stage_name(stage));
}

static struct sedak_rt *hooked(void)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .init = init,
				      .handler = box_handler,
				      .destroy = destroy };
	static const char *const names[] = { "a", "b", "c" };
	struct sedak_rt *rt = rt_new(1);
	struct sedak_stage *s;
	int i;

	trace[0] = '\0';
	for (i = 0; i < 3; i++) {
		o.name = names[i];
		if (sedak_stage_create(rt, &o, &s))
			abort();
	}
	return rt;
}

TEST(hooks)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .init = init,
				      .handler = box_handler,
				      .destroy = destroy, .name = "x" };
	struct sedak_rt *rt = hooked();
	struct sedak_stage *s;

	EXPECT_STREQ("", trace);
	EXPECT_EQ(0, sedak_rt_start(rt));
	EXPECT_EQ(-EALREADY, sedak_rt_start(rt));
	EXPECT_EQ(0, sedak_stage_create(rt, &o, &s));
	EXPECT_STREQ("iaibicix", trace);
	sedak_rt_destroy(rt);
	EXPECT_STREQ("iaibicixdxdcdbda", trace);
	init_result = -EIO;
	rt = hooked();
	EXPECT_EQ(-EIO, sedak_rt_start(rt));
	EXPECT_STREQ("iaibicdbda", trace);
	sedak_rt_destroy(rt);
	EXPECT_STREQ("iaibicdbda", trace);
	sedak_rt_destroy(NULL);
}

TEST(never_started)
{
	struct box *box = box_new();
	uint16_t port;
	int fd;

	stage_of(rt_new(2), box);
	port = listen_on(box->stage);
	fd = dial(port);
	EXPECT_EQ(0, sedak_stage_post(box->stage, NULL));
	EXPECT_EQ(0, sedak_rt_drain(box->rt, MS));
	server_end(box);
	close(fd);
}

/* Stop under load, again and again: nothing leaks, nothing hangs */
static void act_echo(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send_event(ev->conn, ev, 0, ev->len, 0);
}

static void *hammer(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	char buf[512] = "";
	int fd = dial(port);

	while (fd >= 0 && give(fd, buf, sizeof(buf)) &&
	       take(fd, buf, sizeof(buf)))
		;
	if (fd >= 0)
		close(fd);
	return NULL;
}

TEST(stop_under_load)
{
	struct box *box;
	pthread_t t[8];
	uint16_t port;
	int i, round;

	for (round = 0; round < 10; round++) {
		box = server(3, &port, act_echo);
		for (i = 0; i < 8; i++)
			pthread_create(&t[i], NULL, hammer, &port);
		sleep_ms((unsigned int)round * 7);
		server_end(box);
		for (i = 0; i < 8; i++)
			pthread_join(t[i], NULL);
	}
}

/*
 * A runtime that is about to connect to the port.  Nested, so that the worker
 * hears of a drain first: both are there before its first round.
 */
static struct box *connecting(uint16_t port)
{
	struct sedak_connect_opts o = { .size = sizeof(o), .host = "127.0.0.1",
					.port = port };
	struct sedak_rt_opts ro = { .size = sizeof(ro),
				    .flags = SEDAK_RT_NESTED };
	struct box *box = box_new();
	struct sedak_rt *rt;

	box->act = act_close_on_drain;
	if (sedak_rt_create(&ro, &rt))
		abort();
	o.stage = stage_of(rt, box);
	if (sedak_rt_start(rt) || sedak_connect(&o, NULL))
		abort();
	return box;
}

TEST(while_connecting)
{
	uint16_t port;
	int l = passive(&port);
	struct box *box = connecting(port);

	EXPECT_EQ(0, sedak_rt_drain(box->rt, 20 * SEC));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_DRAIN));
	ASSERT_EQ(3, box->n);
	EXPECT_EQ(SEDAK_EV_CONNECT, box->recs[0].type);
	EXPECT_EQ(0, box->recs[0].res);
	EXPECT_EQ(SEDAK_EV_DRAIN, box->recs[1].type);
	EXPECT_EQ(SEDAK_EV_CLOSED, box->recs[2].type);
	close(l);
	server_end(box);
}

/* With none to connect to there is nothing to tell, and nothing to wait for */
TEST(while_connecting_in_vain)
{
	struct box *box;
	uint16_t port;

	close(passive(&port));
	box = connecting(port);
	EXPECT_EQ(0, sedak_rt_drain(box->rt, 20 * SEC));
	EXPECT_EQ(0, box_count(box, SEDAK_EV_DRAIN));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_CLOSED));
	server_end(box);
}

static _Atomic bool in_accept;

static void act_accept_slowly(struct box *box, struct sedak_event *ev)
{
	if (ev->type != SEDAK_EV_ACCEPT)
		return;
	in_accept = true;
	sleep_ms(200);
}

static void *stream(void *arg)
{
	static const char piece[65536];

	while (give(*(int *)arg, piece, sizeof(piece)))
		;
	return NULL;
}

/* What was accepted in the last batch is ended, too, whatever its peer sends */
TEST(stop_while_one_is_accepted)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .workers = 1,
				   .buf_size = 64 };
	struct box *box = box_new();
	struct sedak_rt *rt;
	uint16_t port;
	pthread_t t;
	int fd;

	ASSERT_EQ(0, sedak_rt_create(&o, &rt));
	box->act = act_accept_slowly;
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	fd = dial(port);
	ASSERT_EQ(0, pthread_create(&t, NULL, stream, &fd));
	while (!in_accept)
		sleep_ms(1);
	EXPECT_EQ(0, sedak_rt_stop(rt));
	pthread_join(t, NULL);
	EXPECT_EQ(-ESHUTDOWN, sedak_rt_drain(rt, 20 * SEC));
	close(fd);
	server_end(box);
}

static _Atomic int late_inits;
static sem_t begun;

static int late_init(struct sedak_stage *stage)
{
	late_inits++;
	sem_post(&begun);
	sleep_ms(100);
	return 0;
}

static void *make_late(void *arg)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .init = late_init,
				      .handler = box_handler };
	struct sedak_stage *s;

	if (sedak_stage_create(arg, &o, &s))
		abort();
	return NULL;
}

static pthread_t maker;

static int init_meanwhile(struct sedak_stage *stage)
{
	pthread_create(&maker, NULL, make_late, sedak_stage_rt(stage));
	sem_wait(&begun);
	return 0;
}

/* Another thread makes a stage while the runtime starts: one of them inits it */
TEST(made_while_it_starts)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .init = init_meanwhile,
				      .handler = box_handler };
	struct sedak_rt *rt = rt_new(1);
	struct sedak_stage *s;

	sem_init(&begun, 0, 0);
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &s));
	ASSERT_EQ(0, sedak_rt_start(rt));
	pthread_join(maker, NULL);
	EXPECT_EQ(1, atomic_load(&late_inits));
	sedak_rt_destroy(rt);
}

static int open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

struct making {
	struct sedak_stage *stage;
	uint16_t port;
	int l, ret;
};

static int make_all(const struct making *m)
{
	struct sedak_connect_opts co = { .size = sizeof(co), .stage = m->stage,
					 .host = "127.0.0.1", .port = m->port };
	struct sedak_listen_opts lo = { .size = sizeof(lo), .stage = m->stage,
					.host = "127.0.0.1" };
	struct sedak_udp_opts uo = { .size = sizeof(uo), .stage = m->stage,
				     .host = "127.0.0.1" };
	int ret = sedak_connect(&co, NULL), fd;
	struct sedak_udp *u;

	/* or nobody connects any more */
	while ((fd = accept(m->l, NULL, NULL)) >= 0)
		close(fd);
	if (!ret)
		ret = sedak_listen(&lo, NULL);
	if (!ret)
		ret = sedak_udp_open(&uo, &u);
	if (ret)
		return ret;
	fd = dial(m->port);
	if (fd < 0)
		return 0;
	ret = sedak_conn_adopt(m->stage, fd, NULL, NULL);
	if (ret)
		close(fd);
	return ret;
}

static void *makes(void *arg)
{
	struct making *m = arg;

	do {
		m->ret = make_all(m);
	} while (!m->ret);
	return NULL;
}

/* What other threads make while it stops is made and ended, or refused. */
TEST(stopped_while_others_make)
{
	struct making m[3];
	struct box *box;
	uint16_t port;
	pthread_t t[3];
	int l = passive(&port), files, round, i;

	fcntl(l, F_SETFL, O_NONBLOCK);
	for (round = 0; round < 20; round++) {
		files = open_files();
		box = box_new();
		stage_of(rt_new(2), box);
		ASSERT_EQ(0, sedak_rt_start(box->rt));
		for (i = 0; i < 3; i++) {
			m[i] = (struct making) { box->stage, port, l, 0 };
			pthread_create(&t[i], NULL, makes, &m[i]);
		}
		sleep_ms((unsigned int)round % 5);
		EXPECT_EQ(0, sedak_rt_stop(box->rt));
		for (i = 0; i < 3; i++) {
			pthread_join(t[i], NULL);
			EXPECT_EQ(-ESHUTDOWN, m[i].ret);
		}
		server_end(box);
		EXPECT_EQ(files, open_files());
	}
	close(l);
}

static sem_t gate;
static struct sedak_stage *slow_stage;
static int late_fd;

static void slow(struct sedak_stage *stage, struct sedak_event *ev,
		 unsigned int n)
{
	sem_wait(&gate);
}

static void act_post(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_stage_post(slow_stage, NULL);
}

static bool one_deferred(void *stage)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };

	return !sedak_stage_get_stats(stage, &st) && st.paused && st.deferred;
}

/* When the first pool's worker has gone already: a while after the stop has begun */
static void *opens_gate(void *arg)
{
	struct sedak_timer *t;

	while (!sedak_timer_create(slow_stage, NULL, &t)) {
		sedak_timer_destroy(t);
		sleep_ms(1);
	}
	sleep_ms(100);
	late_fd = dial(*(uint16_t *)arg);
	sem_post(&gate);
	return NULL;
}

/*
 * Whose event waits, held, for its stage to go on is reset by the stop, too; and
 * so is who came when nobody was left to accept.
 */
TEST(stop_while_an_event_is_held)
{
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = slow,
				      .max_batch = 1, .capacity = 1,
				      .full = SEDAK_FULL_BACKPRESSURE };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 1 };
	struct box *box = box_new();
	struct sedak_rt *rt = rt_new(1);
	uint16_t port;
	pthread_t t;
	char c;
	int fd;

	sem_init(&gate, 0, 0);
	ASSERT_EQ(0, sedak_pool_create(rt, &po, &o.pool));
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &slow_stage));
	box->act = act_post;
	port = listen_on(stage_of(rt, box));
	ASSERT_EQ(0, sedak_rt_start(rt));
	fd = dial(port);
	while (!one_deferred(box->stage)) {
		ASSERT_TRUE(give(fd, "x", 1));
		sleep_ms(5);
	}
	ASSERT_EQ(0, pthread_create(&t, NULL, opens_gate, &port));
	EXPECT_EQ(0, sedak_rt_stop(rt));
	pthread_join(t, NULL);
	EXPECT_EQ(-1, recv(fd, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	EXPECT_EQ(-1, recv(late_fd, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	close(late_fd);
	close(fd);
	server_end(box);
}

TEST_HARNESS_MAIN
