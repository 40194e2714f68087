// SPDX-License-Identifier: GPL-2.0
/* libsedak: a receive buffer may be sent and held at once; each has its own part. */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "sedak_test.h"

#define LEN	(8 << 20)

static struct sedak_conn *conns[3];
static int accepted;

/* What the first sends goes back to it, and to the second one, who reads. */
static void act_both(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT && accepted < 3)
		conns[accepted++] = ev->conn;
	if (ev->type != SEDAK_EV_DATA)
		return;
	sedak_conn_send_event(ev->conn, ev, 0, ev->len, 0);
	if (ev->conn == conns[0])
		sedak_conn_send_event(conns[1], ev, 0, ev->len, 0);
}

/* It is held for a moment only, while it is to be sent. */
static void act_held(struct box *box, struct sedak_event *ev)
{
	struct sedak_buf *buf;

	if (ev->type == SEDAK_EV_ACCEPT && accepted < 3)
		conns[accepted++] = ev->conn;
	if (ev->type != SEDAK_EV_DATA)
		return;
	sedak_conn_send_event(ev->conn, ev, 0, ev->len, 0);
	if (ev->conn == conns[0] && !sedak_buf_hold(ev, &buf))
		sedak_buf_put(buf);
}

/* Held, put, and then sent: by then it is nobody else's yet. */
static void act_put_first(struct box *box, struct sedak_event *ev)
{
	struct sedak_buf *buf;

	if (ev->type == SEDAK_EV_ACCEPT && accepted < 3)
		conns[accepted++] = ev->conn;
	if (ev->type != SEDAK_EV_DATA)
		return;
	if (!sedak_buf_hold(ev, &buf))
		sedak_buf_put(buf);
	sedak_conn_send_event(ev->conn, ev, 0, ev->len, 0);
}

struct flow {
	pthread_t thread;
	char *data;
	int fd;
	bool ok;
};

static void *writes(void *arg)
{
	struct flow *f = arg;

	f->ok = give(f->fd, f->data, LEN);
	return NULL;
}

static void *reads(void *arg)
{
	struct flow *f = arg;
	char *in = malloc(LEN);

	f->ok = take(f->fd, in, LEN) && !memcmp(in, f->data, LEN);
	free(in);
	return NULL;
}

static bool none_held(void *rt)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };

	return !sedak_rt_get_stats(rt, &st) && !st.bufs_held;
}

/* A peer that does not read for long, others that do and use the buffers. */
static void share(struct __test_metadata *_metadata, bool second,
		  void (*act)(struct box *, struct sedak_event *))
{
	char *data = malloc(LEN), other[4096], back[4096];
	struct flow out = { .data = data }, in = { .data = data };
	struct flow also = { .data = data };
	int fd[3], i;
	struct box *box;
	uint16_t port;

	accepted = 0;
	pattern(data, LEN, 1);
	pattern(other, sizeof(other), 2);
	box = server(1, &port, act);
	for (i = 0; i < 3; i++) {
		fd[i] = dial(port);
		ASSERT_LE(0, fd[i]);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, i + 1));
	}
	out.fd = in.fd = fd[0];
	also.fd = fd[1];
	ASSERT_EQ(0, pthread_create(&out.thread, NULL, writes, &out));
	if (second)
		ASSERT_EQ(0, pthread_create(&also.thread, NULL, reads, &also));
	for (i = 0; i < 300; i++) {
		ASSERT_TRUE(give(fd[2], other, sizeof(other)));
		ASSERT_TRUE(take(fd[2], back, sizeof(back)));
		ASSERT_EQ(0, memcmp(other, back, sizeof(back)));
	}
	ASSERT_EQ(0, pthread_create(&in.thread, NULL, reads, &in));
	pthread_join(in.thread, NULL);
	EXPECT_TRUE(in.ok);
	pthread_join(out.thread, NULL);
	EXPECT_TRUE(out.ok);
	if (second) {
		pthread_join(also.thread, NULL);
		EXPECT_TRUE(also.ok);
	}
	for (i = 0; i < 3; i++)
		close(fd[i]);
	EXPECT_TRUE(until(none_held, box->rt));
	server_end(box);
	free(data);
}

TEST(sent_to_two) { share(_metadata, true, act_both); }
TEST(held_while_sent) { share(_metadata, false, act_held); }
TEST(put_before_sent) { share(_metadata, false, act_put_first); }

#define BIG	32768		/* a buffer of it */

static void act_big(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT && !accepted)
		sedak_conn_pause(ev->conn);
	if (ev->type != SEDAK_EV_DATA || ev->conn != conns[2])
		act_both(box, ev);
}

static bool has_arrived(void *fd)
{
	int left;

	return !ioctl(*(int *)fd, SIOCOUTQ, &left) && !left;
}

/* More than goes at once to a peer that does not read, and all of it to another. */
TEST(stalled_and_sent_to_two)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 1,
				    .nr_bufs = 128, .buf_size = BIG };
	struct sedak_listen_opts o = { .size = sizeof(o),
				       .flags = SEDAK_LISTEN_FD };
	char *data = malloc(BIG), *back = malloc(BIG);
	struct box *box = box_new();
	int fd[3], i, small = 4096;
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port;

	accepted = 0;
	pattern(data, BIG, 1);
	box->act = act_big;
	ASSERT_EQ(0, sedak_rt_create(&ro, &box->rt));
	o.stage = stage_of(box->rt, box);
	o.fd = passive(&port);
	/* those that are accepted inherit it */
	setsockopt(o.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	ASSERT_EQ(0, sedak_listen(&o, NULL));
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	a.sin_port = htons(port);
	ASSERT_EQ(0, connect(fd[0], (struct sockaddr *)&a, sizeof(a)));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	for (i = 1; i < 3; i++) {
		fd[i] = dial(port);
		ASSERT_LE(0, fd[i]);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, i + 1));
	}
	ASSERT_TRUE(give(fd[0], data, BIG));
	ASSERT_TRUE(until(has_arrived, &fd[0]));
	ASSERT_EQ(0, sedak_conn_resume(conns[0]));
	ASSERT_TRUE(take(fd[1], back, BIG));
	EXPECT_EQ(0, memcmp(data, back, BIG));
	ASSERT_EQ(1, box_count(box, SEDAK_EV_DATA));
	/* into all the buffers */
	pattern(back, BIG, 2);
	for (i = 2; i < 300; i++) {
		ASSERT_TRUE(give(fd[2], back, BIG));
		ASSERT_TRUE(box_wait_bytes(box, (size_t)i * BIG));
	}
	ASSERT_TRUE(take(fd[0], back, BIG));
	EXPECT_EQ(0, memcmp(data, back, BIG));
	for (i = 0; i < 3; i++)
		close(fd[i]);
	EXPECT_TRUE(until(none_held, box->rt));
	server_end(box);
	free(data);
	free(back);
}

static size_t held_len;

static void act_part(struct box *box, struct sedak_event *ev)
{
	struct sedak_buf *buf;

	if (ev->type == SEDAK_EV_ACCEPT && accepted < 3)
		conns[accepted++] = ev->conn;
	if (ev->type != SEDAK_EV_DATA)
		return;
	sedak_conn_send_event(conns[0], ev, 0, 1, 0);
	sedak_conn_send_event(conns[1], ev, 0, 4, 0);
	if (sedak_buf_hold(ev, &buf))
		return;
	held_len = sedak_buf_len(buf);
	sedak_conn_send_buf(ev->conn, buf, 0, ev->len, 0);
	sedak_buf_put(buf);
}

TEST(what_is_held_is_all_of_it)
{
	char text[100] = "held", back[105];
	struct box *box;
	uint16_t port;
	int fd[2];

	accepted = 0;
	box = server(1, &port, act_part);
	fd[0] = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	fd[1] = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 2));
	ASSERT_TRUE(give(fd[1], text, 100));
	ASSERT_TRUE(take(fd[0], back, 1));
	ASSERT_TRUE(take(fd[1], back, 104));
	EXPECT_EQ(100, held_len);
	EXPECT_EQ(0, memcmp(back + 4, text, 100));
	close(fd[0]);
	close(fd[1]);
	server_end(box);
}

#define MANY	9
#define MIDDLE	4

static struct sedak_conn *many[MANY];

/* All in one batch: each is echoed, and goes to the one in the middle, too. */
static void act_gather(struct box *box, struct sedak_event *ev)
{
	struct sedak_buf *buf;

	if (ev->type == SEDAK_EV_ACCEPT && accepted < MANY)
		many[accepted++] = ev->conn;
	if (ev->type != SEDAK_EV_DATA)
		return;
	if (ev->conn == many[0])
		sleep_ms(5);	/* the others' come meanwhile */
	if (ev->conn == many[MIDDLE] || sedak_buf_hold(ev, &buf))
		return;
	sedak_conn_send_buf(many[MIDDLE], buf, 0, ev->len, 0);
	sedak_buf_put(buf);
	sedak_conn_send(ev->conn, ev->data, ev->len, 0);
}

/* The results of all are seen, whatever the first of them gives back. */
TEST(gathered_and_echoed)
{
	char text[100] = "gathered", back[100 * MANY];
	int fd[MANY], i, round;
	struct box *box;
	uint16_t port;

	accepted = 0;
	box = server(1, &port, act_gather);
	for (i = 0; i < MANY; i++) {
		fd[i] = dial(port);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, i + 1));
	}
	for (round = 0; round < 50; round++) {
		for (i = 0; i < MANY; i++)
			ASSERT_TRUE(give(fd[i], text, 100));
		for (i = 0; i < MANY; i++)
			ASSERT_TRUE(take(fd[i], back, i == MIDDLE ?
					 100 * (MANY - 1) : 100));
	}
	EXPECT_TRUE(until(none_held, box->rt));
	for (i = 0; i < MANY; i++)
		close(fd[i]);
	server_end(box);
}

TEST_HARNESS_MAIN
