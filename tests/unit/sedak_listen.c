// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: listeners: addresses, both families, taken descriptors, pausing,
 * events to a stage of their own.
 *
 * vm: --smp 2
 */
#include <sys/resource.h>

#include "sedak_test.h"

static int dial6(uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(port),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	close(fd);
	return -1;
}

static struct box *plain_of(unsigned int workers)
{
	struct box *box = box_new();

	stage_of(rt_new(workers), box);
	if (sedak_rt_start(box->rt))
		abort();
	return box;
}

static struct box *plain(void)
{
	return plain_of(2);
}

TEST(both_families)
{
	struct sedak_listen_opts o = { .size = sizeof(o) };
	struct box *box = plain();
	struct sedak_listener *l;
	int a, b;

	o.stage = box->stage;
	o.user = box;
	ASSERT_EQ(0, sedak_listen(&o, &l));
	a = dial(port_of(l));
	ASSERT_LE(0, a);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	EXPECT_EQ(box, box_find(box, SEDAK_EV_ACCEPT, 0)->user);
	EXPECT_EQ(AF_INET6, sedak_conn_peer(box->conn)->sa_family);
	EXPECT_NE(0, sedak_conn_id(box->conn));
	EXPECT_EQ(box->stage, sedak_conn_stage(box->conn));
	b = dial6(port_of(l));
	ASSERT_LE(0, b);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 2));
	close(a);
	close(b);
	server_end(box);
}

TEST(addresses)
{
	struct sedak_listen_opts o = { .size = sizeof(o) };
	struct box *box = plain();
	struct sedak_listener *l, *m;
	struct sockaddr_in6 addr;
	socklen_t len = 3;
	int fd;

	EXPECT_EQ(-EINVAL, sedak_listen(&o, &l));
	o.stage = box->stage;
	o.host = "nowhere";
	EXPECT_EQ(-EINVAL, sedak_listen(&o, &l));
	o.host = "192.0.2.1";
	EXPECT_EQ(-EADDRNOTAVAIL, sedak_listen(&o, &l));
	o.host = "::1";
	o.flags = SEDAK_LISTEN_V6ONLY;
	ASSERT_EQ(0, sedak_listen(&o, &l));
	EXPECT_EQ(-EINVAL, sedak_listener_addr(l, (struct sockaddr *)&addr, &len));
	EXPECT_GT(0, dial(port_of(l)));
	fd = dial6(port_of(l));
	EXPECT_LE(0, fd);
	o.port = port_of(l);
	EXPECT_EQ(-EADDRINUSE, sedak_listen(&o, &m));
	EXPECT_EQ(0, sedak_listener_close(l));
	EXPECT_EQ(-ESTALE, sedak_listener_close(l));
	EXPECT_EQ(-ESTALE, sedak_listener_pause(l));
	close(fd);
	server_end(box);
}

TEST(reuseport)
{
	struct sedak_listen_opts o = { .size = sizeof(o), .host = "127.0.0.1",
				       .flags = SEDAK_LISTEN_REUSEPORT };
	struct box *box = plain();
	struct sedak_listener *l, *m;
	int fd, i;

	o.stage = box->stage;
	ASSERT_EQ(0, sedak_listen(&o, &l));
	o.port = port_of(l);
	ASSERT_EQ(0, sedak_listen(&o, &m));
	for (i = 0; i < 20; i++) {
		fd = dial(o.port);
		ASSERT_LE(0, fd);
		close(fd);
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 20));
	server_end(box);
}

TEST(taken_descriptor)
{
	struct sedak_listen_opts o = { .size = sizeof(o),
				       .flags = SEDAK_LISTEN_FD };
	struct box *box = plain();
	socklen_t len = sizeof(int);
	uint16_t port;
	int fd, on = 0;

	o.stage = box->stage;
	o.fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-EINVAL, sedak_listen(&o, NULL));
	close(o.fd);
	EXPECT_EQ(-EBADF, sedak_listen(&o, NULL));
	o.fd = passive(&port);
	ASSERT_EQ(0, sedak_listen(&o, NULL));
	/* which what it accepts inherits */
	ASSERT_EQ(0, getsockopt(o.fd, IPPROTO_TCP, TCP_NODELAY, &on, &len));
	EXPECT_EQ(1, on);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	close(fd);
	server_end(box);
}

TEST(paused)
{
	struct sedak_listen_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	struct box *box = plain_of(1);
	struct sedak_listener *l;
	int a, b;

	o.stage = box->stage;
	ASSERT_EQ(0, sedak_listen(&o, &l));
	EXPECT_EQ(0, sedak_listener_pause(l));
	ASSERT_TRUE(seen_to(box));
	a = dial(port_of(l));
	ASSERT_LE(0, a);
	sleep_ms(50);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_ACCEPT));
	EXPECT_EQ(0, sedak_listener_resume(l));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	b = dial(port_of(l));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 2));
	close(a);
	close(b);
	server_end(box);
}

static void act_refuse(struct box *box, struct sedak_event *ev)
{
	(void)box;
	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_close(ev->conn);
}

/*
 * The worker that is to resume may preempt the one that is about to say that the
 * listener pauses: they share a CPU, and the pause lasts a little longer each time.
 */
TEST(resumed_by_another_worker)
{
	struct sedak_listen_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	struct box *box = box_new();
	struct sedak_listener *l;
	unsigned int i;
	uint64_t end;
	int fd;

	box->act = act_refuse;
	stage_of(rt_new(4), box);
	run_on(0);
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	run_on(1);
	o.stage = box->stage;
	ASSERT_EQ(0, sedak_listen(&o, &l));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, sedak_listener_pause(l));
		end = now_ns() + i % 250 * 1000;
		while (now_ns() < end)
			;
		ASSERT_EQ(0, sedak_listener_resume(l));
		fd = dial(port_of(l));
		ASSERT_LE(0, fd);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, i + 1));
		close(fd);
	}
	server_end(box);
}

/*
 * A worker pauses a listener, and waits before it submits that: in a callback of a
 * connection that it sees to afterwards.  Meanwhile the other one is to resume it.
 */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned int at_gate;
static struct sedak_listener *to_pause;

static void waits(struct sedak_conn *c, void *arg, int res)
{
	at_gate++;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void act_pause_and_wait(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ITEM && ev->conn) {
		sedak_conn_sendv(ev->conn, NULL, 0, 0, waits, NULL);
		sedak_conn_send(ev->conn, "x", 1, 0);
	} else if (ev->type == SEDAK_EV_ITEM && ev->data) {
		/* settled last: what is left for the first is seen to first */
		sedak_conn_post(ev->data, NULL);
		sedak_listener_pause(to_pause);
	}
}

static bool is_at_gate(void *nth)
{
	return at_gate == *(unsigned int *)nth;
}

TEST(resumed_before_the_pause)
{
	struct sedak_listen_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	struct box *box = plain();
	struct sedak_conn *c;
	unsigned int i, j, items = 0;
	int fd, late;
	char x;

	box->act = act_pause_and_wait;
	o.stage = box->stage;
	ASSERT_EQ(0, sedak_listen(&o, &to_pause));
	fd = dial(port_of(to_pause));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	c = box->conn;
	for (i = 1; i <= 5; i++) {
		pthread_mutex_lock(&gate);
		ASSERT_EQ(0, sedak_stage_post(box->stage, c));
		ASSERT_TRUE(until(is_at_gate, &i));
		ASSERT_EQ(0, sedak_listener_resume(to_pause));
		items += 2;
		/* the third comes after what was seen to before the second */
		for (j = 0; j < 3; j++) {
			ASSERT_EQ(0, sedak_stage_post(box->stage, NULL));
			ASSERT_TRUE(box_wait(box, SEDAK_EV_ITEM, ++items));
		}
		pthread_mutex_unlock(&gate);
		/* which is submitted behind the pause */
		ASSERT_TRUE(take(fd, &x, 1));
		late = dial(port_of(to_pause));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1 + i));
		close(late);
	}
	close(fd);
	server_end(box);
}

static void act_close(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
}

/*
 * What the handler of ACCEPT does with a connection is done in the connection's
 * pool, although the worker that accepted still has it
 */
#define KINDS		6
#define EACH		40	/* connections of each kind, in turn */
#define GIVEN		(KINDS * EACH)

static _Atomic pid_t acceptor;
static _Atomic unsigned int strays, nr_sent;

/* By whoever hands it to TCP */
static void sent_at_home(struct sedak_conn *c, void *arg, int res)
{
	(void)c;
	(void)arg;
	if (gettid() == atomic_load(&acceptor))
		strays++;
	if (!res)
		nr_sent++;
}

static bool all_sent(void *arg)
{
	(void)arg;
	return atomic_load(&nr_sent) == EACH;
}

static void act_give_away(struct box *box, struct sedak_event *ev)
{
	static char x = 'x';
	const struct iovec iov = { .iov_base = &x, .iov_len = 1 };

	atomic_store(&acceptor, gettid());
	switch (box->counts[SEDAK_EV_ACCEPT] % KINDS) {
	case 0:
		sedak_conn_post(ev->conn, box);
		break;
	case 1:
		sedak_conn_pause(ev->conn);
		sedak_conn_resume(ev->conn);
		break;
	case 2:
		sedak_conn_post(ev->conn, box);
		sedak_conn_post(ev->conn, box);
		sedak_conn_close(ev->conn);
		break;
	case 3:
		sedak_conn_timeout(ev->conn, 1);
		sedak_conn_send(ev->conn, "x", 1, SEDAK_SEND_NOTIFY);
		break;
	case 4:
		sedak_conn_close(ev->conn);
		break;
	case 5:
		sedak_conn_sendv(ev->conn, &iov, 1, 0, sent_at_home, NULL);
		break;
	}
}

static void act_at_home(struct box *box, struct sedak_event *ev)
{
	if (gettid() == atomic_load(&acceptor))
		strays++;
	act_close(box, ev);
}

TEST(accepted_for_another_pool)
{
	struct sedak_stage_opts so = { .size = sizeof(so), .name = "conns",
				       .handler = box_handler };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 2 };
	struct sedak_listen_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	struct box *acc = box_new(), *conns = box_new();
	struct sedak_listener *l;
	int fd[GIVEN], i;

	so.state = conns;
	conns->act = act_at_home;
	acc->act = act_give_away;
	o.stage = stage_of(rt_new(1), acc);
	ASSERT_EQ(0, sedak_rt_start(acc->rt));
	ASSERT_EQ(0, sedak_pool_create(acc->rt, &po, &so.pool));
	ASSERT_EQ(0, sedak_stage_create(acc->rt, &so, &o.conn_stage));
	ASSERT_EQ(0, sedak_listen(&o, &l));
	for (i = 0; i < GIVEN; i++) {
		fd[i] = dial(port_of(l));
		ASSERT_LE(0, fd[i]);
	}
	ASSERT_TRUE(box_wait(acc, SEDAK_EV_ACCEPT, GIVEN));
	ASSERT_TRUE(box_wait(conns, SEDAK_EV_ITEM, EACH * 3));
	ASSERT_TRUE(box_wait(conns, SEDAK_EV_TIMEOUT, EACH));
	ASSERT_TRUE(until(all_sent, NULL));
	for (i = 0; i < GIVEN; i++)
		close(fd[i]);
	ASSERT_TRUE(box_wait(conns, SEDAK_EV_CLOSED, GIVEN));
	EXPECT_EQ(EACH * 3, box_count(conns, SEDAK_EV_ITEM));
	EXPECT_EQ(0, atomic_load(&strays));
	server_end(acc);
	box_free(conns);
}

static bool accept_failed(void *rt)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };

	return !sedak_rt_get_stats(rt, &st) && st.accept_errors;
}

/* Without descriptors it waits and tries again; the device needs none */
TEST(no_descriptors)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };
	struct rlimit old, low;
	struct box *box;
	uint16_t port;
	int fd;

	box = server(1, &port, NULL);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	low = old;
	low.rlim_cur = (rlim_t)fd + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &low));
	close(fd);
	fd = dial(port);	/* the last one */
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, sedak_rt_get_stats(box->rt, &st));
	if (!strcmp(st.backend, "epoll")) {
		EXPECT_TRUE(until(accept_failed, box->rt));
		EXPECT_EQ(1, box_count(box, SEDAK_EV_ACCEPT));
	}
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 2));
	close(fd);
	server_end(box);
}

/* Accepted by one stage's pool, handled by another's */
TEST(stages_of_their_own)
{
	struct sedak_stage_opts so = { .size = sizeof(so), .name = "conns",
				       .handler = box_handler };
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 2 };
	struct sedak_listen_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	struct box *acc = plain(), *conns = box_new();
	struct sedak_listener *l;
	int fd, i;

	so.state = conns;
	conns->act = act_close;
	ASSERT_EQ(0, sedak_pool_create(acc->rt, &po, &so.pool));
	ASSERT_EQ(0, sedak_stage_create(acc->rt, &so, &o.conn_stage));
	o.stage = acc->stage;
	ASSERT_EQ(0, sedak_listen(&o, &l));
	for (i = 0; i < 50; i++) {
		fd = dial(port_of(l));
		ASSERT_TRUE(give(fd, "x", 1));
		close(fd);
	}
	ASSERT_TRUE(box_wait(conns, SEDAK_EV_CLOSED, 50));
	EXPECT_EQ(50, box_count(acc, SEDAK_EV_ACCEPT));
	EXPECT_EQ(50, box_count(conns, SEDAK_EV_DATA));
	EXPECT_EQ(0, box_count(acc, SEDAK_EV_DATA));
	EXPECT_EQ(0, box_count(conns, SEDAK_EV_ACCEPT));
	server_end(acc);
	box_free(conns);
}

TEST_HARNESS_MAIN
