// SPDX-License-Identifier: GPL-2.0
/* libsedak: connecting succeeds, is refused, times out, is cancelled. */
#include "sedak_test.h"

static struct box *client(struct sedak_connect_opts *o, const char *host,
			  uint16_t port, void (*act)(struct box *,
						     struct sedak_event *))
{
	struct box *box = box_new();

	box->act = act;
	stage_of(rt_new(1), box);
	if (sedak_rt_start(box->rt))
		abort();
	memset(o, 0, sizeof(*o));
	o->size = sizeof(*o);
	o->host = host;
	o->port = port;
	o->stage = box->stage;
	o->user = box;
	return box;
}

static void act_talk(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_CONNECT && !ev->res)
		sedak_conn_send(ev->conn, "world", 5, 0);
	else if (ev->type == SEDAK_EV_DATA)
		sedak_conn_close(ev->conn);
}

TEST(ok)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };
	struct sedak_connect_opts o;
	struct sedak_conn *c;
	struct box *box;
	uint16_t port;
	char in[11];
	int l = passive(&port), fd;

	box = client(&o, "127.0.0.1", port, act_talk);
	o.timeout_ns = 10 * SEC;
	ASSERT_EQ(0, sedak_connect(&o, &c));
	/* before it is connected: waits in the queue */
	fd = accept(l, NULL, NULL);
	ASSERT_TRUE(take(fd, in, 5));
	EXPECT_EQ(0, memcmp(in, "world", 5));
	ASSERT_TRUE(give(fd, "!", 1));
	EXPECT_EQ(0, recv(fd, in, 1, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(box, box_find(box, SEDAK_EV_CONNECT, 0)->user);
	EXPECT_EQ(0, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	ASSERT_EQ(0, sedak_rt_get_stats(box->rt, &st));
	EXPECT_EQ(1, st.connected);
	close(fd);
	close(l);
	server_end(box);
}

TEST(sent_before_connected)
{
	struct sedak_connect_opts o;
	struct sedak_conn *c;
	struct box *box;
	uint16_t port;
	char in[5];
	int l = passive(&port), fd;

	box = client(&o, "127.0.0.1", port, NULL);
	ASSERT_EQ(0, sedak_connect(&o, &c));
	EXPECT_EQ(0, sedak_conn_send(c, "early", 5, 0));
	EXPECT_EQ(0, sedak_conn_close(c));
	fd = accept(l, NULL, NULL);
	ASSERT_TRUE(take(fd, in, 5));
	EXPECT_EQ(0, recv(fd, in, 1, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	close(fd);
	close(l);
	server_end(box);
}

TEST(refused)
{
	struct sedak_connect_opts o;
	struct box *box;
	uint16_t port;

	close(passive(&port));
	box = client(&o, "127.0.0.1", port, NULL);
	ASSERT_EQ(0, sedak_connect(&o, NULL));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	ASSERT_NE(NULL, box_find(box, SEDAK_EV_CONNECT, 0));
	EXPECT_EQ(-ECONNREFUSED, box_find(box, SEDAK_EV_CONNECT, 0)->res);
	EXPECT_EQ(-ECONNREFUSED, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_ERROR));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_CONNECT));
	server_end(box);
}

/* A listener whose backlog is full answers nothing: the SYN is lost */
static int full_listener(uint16_t *port, int *more)
{
	int i, fd = passive(port);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	listen(fd, 0);
	for (i = 0; i < 4; i++) {
		more[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(more[i], (struct sockaddr *)&a, sizeof(a)) &&
		    errno != EINPROGRESS)
			abort();
		sleep_ms(20);
	}
	return fd;
}

TEST(times_out)
{
	struct sedak_connect_opts o;
	uint64_t begin = now_ns();
	struct box *box;
	uint16_t port;
	int more[4];

	full_listener(&port, more);
	box = client(&o, "127.0.0.1", port, NULL);
	o.timeout_ns = 150 * MS;
	begin = now_ns();
	ASSERT_EQ(0, sedak_connect(&o, NULL));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_LE(150 * MS, now_ns() - begin);
	ASSERT_NE(NULL, box_find(box, SEDAK_EV_CONNECT, 0));
	EXPECT_EQ(-ETIMEDOUT, box_find(box, SEDAK_EV_CONNECT, 0)->res);
	EXPECT_EQ(-ETIMEDOUT, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	server_end(box);
}

TEST(cancelled)
{
	struct sedak_connect_opts o;
	struct sedak_conn *c;
	struct box *box;
	uint16_t port;
	int more[4];

	full_listener(&port, more);
	box = client(&o, "127.0.0.1", port, NULL);
	o.timeout_ns = UINT64_MAX;	/* is no time that is past */
	ASSERT_EQ(0, sedak_connect(&o, &c));
	sleep_ms(20);
	EXPECT_EQ(0, sedak_conn_abort(c));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	ASSERT_NE(NULL, box_find(box, SEDAK_EV_CONNECT, 0));
	EXPECT_EQ(-ECANCELED, box_find(box, SEDAK_EV_CONNECT, 0)->res);
	EXPECT_EQ(-ECANCELED, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	server_end(box);
}

TEST(bad_arguments)
{
	struct sedak_connect_opts o;
	struct box *box = client(&o, "localhost", 1, NULL);

	EXPECT_EQ(-EINVAL, sedak_connect(&o, NULL));
	o.host = "1.2.3.4.5";
	EXPECT_EQ(-EINVAL, sedak_connect(&o, NULL));
	o.host = "::1";
	o.port = 0;
	EXPECT_EQ(-EINVAL, sedak_connect(&o, NULL));
	o.port = 1;
	o.stage = NULL;
	EXPECT_EQ(-EINVAL, sedak_connect(&o, NULL));
	server_end(box);
}

TEST(adopted)
{
	struct sedak_connect_opts o;
	struct box *box;
	uint16_t port;
	int l = passive(&port), fd = dial(port), peer = accept(l, NULL, NULL);
	char in[5];

	box = client(&o, "127.0.0.1", port, act_talk);
	EXPECT_EQ(-ENOTSOCK, sedak_conn_adopt(box->stage, 0, NULL, NULL));
	EXPECT_EQ(-ENOTCONN, sedak_conn_adopt(box->stage, l, NULL, NULL));
	ASSERT_EQ(0, sedak_conn_adopt(box->stage, fd, box, &box->conn));
	EXPECT_EQ(0, sedak_conn_send(box->conn, "hello", 5, 0));
	ASSERT_TRUE(take(peer, in, 5));
	ASSERT_TRUE(give(peer, "x", 1));
	EXPECT_EQ(0, recv(peer, in, 1, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	close(peer);
	close(l);
	server_end(box);
}

TEST(adopted_and_aborted)
{
	struct sedak_connect_opts o;
	struct box *box;
	uint16_t port;
	int l = passive(&port), fd = dial(port), peer = accept(l, NULL, NULL);
	char c;

	box = client(&o, "127.0.0.1", port, NULL);
	ASSERT_EQ(0, sedak_conn_adopt(box->stage, fd, box, &box->conn));
	EXPECT_EQ(0, sedak_conn_abort(box->conn));
	EXPECT_EQ(-1, recv(peer, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	close(peer);
	/* and so at the stop */
	fd = dial(port);
	peer = accept(l, NULL, NULL);
	ASSERT_EQ(0, sedak_conn_adopt(box->stage, fd, box, &box->conn));
	EXPECT_EQ(0, sedak_rt_stop(box->rt));
	EXPECT_EQ(-1, recv(peer, &c, 1, 0));
	EXPECT_EQ(ECONNRESET, errno);
	close(peer);
	close(l);
	server_end(box);
}

TEST_HARNESS_MAIN
