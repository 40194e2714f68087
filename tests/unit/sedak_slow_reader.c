// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: a peer that does not read: sends say when to stop, the connection is
 * not read meanwhile, the queue has a limit, and SENT tells when to go on.
 */
#include "sedak_test.h"

#define PIECE	65536

static char piece[PIECE];

static void act_fill(struct box *box, struct sedak_event *ev)
{
	long n = 0;
	int ret;

	if (ev->type != SEDAK_EV_DATA || box->arg)
		return;
	sedak_conn_set_marks(ev->conn, 100000, 200000, 40 << 20);
	do {
		ret = sedak_conn_send(ev->conn, piece, PIECE, 0);
		n++;
	} while (ret >= 0);
	box->arg = (void *)n;
}

TEST(limit_and_marks)
{
	char *in = malloc(PIECE);
	struct box *box;
	uint16_t port;
	long i, n;
	int fd;

	pattern(piece, PIECE, 3);
	box = server(1, &port, act_fill);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "x", 1));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_DATA, 1));
	n = (long)box->arg;
	/* n - 1 were taken, the nth would have passed 40 MiB */
	EXPECT_EQ((40 << 20) / PIECE + 1, n);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_SENT));
	/* what comes while it is over its mark stays in the socket */
	sleep_ms(50);
	ASSERT_TRUE(give(fd, "yyyy", 4));
	sleep_ms(50);
	EXPECT_EQ(1, box_count(box, SEDAK_EV_DATA));
	EXPECT_GT(sedak_conn_queued(box->conn), 200000);
	for (i = 0; i < n - 1; i++) {
		ASSERT_TRUE(take(fd, in, PIECE));
		ASSERT_EQ(0, memcmp(in, piece, PIECE));
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_SENT, 1));
	EXPECT_GE(100000, box_find(box, SEDAK_EV_SENT, 0)->amount);
	ASSERT_TRUE(box_wait_bytes(box, 5));
	EXPECT_EQ(0, sedak_conn_queued(box->conn));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_SENT));
	close(fd);
	server_end(box);
	free(in);
}

static void act_echo(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send_event(ev->conn, ev, 0, ev->len, 0);
}

/* An echo server does not grow: it stops reading, so TCP stops the sender */
TEST(echo_stops_the_sender)
{
	struct timeval tv = { .tv_usec = 500000 };
	struct sedak_rt_stats st = { .size = sizeof(st) };
	size_t sent = 0, got = 0;
	struct box *box;
	uint16_t port;
	ssize_t ret;
	char *buf = calloc(1, PIECE);
	int fd, other;

	box = server(2, &port, act_echo);
	fd = dial(port);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	while (sent < (64u << 20)) {
		ret = send(fd, buf, PIECE, MSG_NOSIGNAL);
		if (ret <= 0)
			break;
		sent += (size_t)ret;
	}
	ASSERT_GT(64u << 20, sent);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	EXPECT_GE(1u << 20, sedak_conn_queued(box->conn));
	ASSERT_EQ(0, sedak_rt_get_stats(box->rt, &st));
	EXPECT_GE(st.bufs / 2 + 64, st.bufs_held);
	/* the others are served */
	other = dial(port);
	ASSERT_TRUE(give(other, "hello", 5));
	ASSERT_TRUE(take(other, buf, 5));
	EXPECT_EQ(0, memcmp(buf, "hello", 5));
	close(other);
	while (got < sent) {
		ret = recv(fd, buf, PIECE, 0);
		if (ret <= 0)
			break;
		got += (size_t)ret;
	}
	EXPECT_EQ(sent, got);
	close(fd);
	server_end(box);
	free(buf);
}

static void act_notify(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send(ev->conn, "ok", 2, SEDAK_SEND_NOTIFY);
}

TEST(notify)
{
	struct box *box;
	uint16_t port;
	char in[2];
	int fd;

	box = server(1, &port, act_notify);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "x", 1));
	ASSERT_TRUE(take(fd, in, 2));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_SENT, 1));
	EXPECT_EQ(0, box_find(box, SEDAK_EV_SENT, 0)->amount);
	close(fd);
	server_end(box);
}

static void act_pause(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_pause(ev->conn);
}

TEST(pause_and_resume)
{
	struct box *box;
	uint16_t port;
	int fd;

	box = server(2, &port, act_pause);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "12345", 5));
	shutdown(fd, SHUT_WR);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	sleep_ms(50);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_DATA));
	EXPECT_EQ(0, sedak_conn_resume(box->conn));
	ASSERT_TRUE(box_wait_bytes(box, 5));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_EOF, 1));
	close(fd);
	server_end(box);
}

/* Data that is there before the ACCEPT: no other worker reads it after the pause */
TEST(paused_in_accept)
{
	struct box *box;
	uint16_t port;
	int fds[500];
	unsigned int i;

	box = server(4, &port, act_pause);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial(port);
		ASSERT_TRUE(give(fds[i], "12345", 5));
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, ARRAY_SIZE(fds)));
	sleep_ms(50);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_DATA));
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	server_end(box);
}

static _Atomic(struct sedak_conn *) paused;

static void act_pause_and_tell(struct box *box, struct sedak_event *ev)
{
	act_pause(box, ev);
	if (ev->type == SEDAK_EV_ACCEPT)
		paused = ev->conn;
}

/* As soon as it is told, while the worker that told may still settle things. */
static void *resumes(void *arg)
{
	struct sedak_conn *c;

	(void)arg;
	for (;;) {
		c = atomic_exchange(&paused, NULL);
		if (c == (void *)-1L)
			return NULL;
		if (c)
			sedak_conn_resume(c);
	}
}

TEST(resumed_at_once)
{
	pthread_t resumer;
	struct box *box;
	uint16_t port;
	size_t i;
	int fd;

	box = server(1, &port, act_pause_and_tell);
	pthread_create(&resumer, NULL, resumes, NULL);
	for (i = 1; i <= 1000; i++) {
		fd = dial(port);
		ASSERT_TRUE(give(fd, "12345", 5));
		ASSERT_TRUE(box_wait_bytes(box, 5 * i));
		close(fd);
	}
	paused = (void *)-1L;
	pthread_join(resumer, NULL);
	server_end(box);
}

TEST(marks_are_checked)
{
	struct box *box;
	uint16_t port;
	int fd;

	box = server(1, &port, NULL);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	EXPECT_EQ(-EINVAL, sedak_conn_set_marks(box->conn, 2, 1, 3));
	EXPECT_EQ(-EINVAL, sedak_conn_set_marks(box->conn, 1, 4, 3));
	EXPECT_EQ(0, sedak_conn_set_marks(box->conn, 1, 2, 3));
	EXPECT_EQ(-ENOBUFS, sedak_conn_send(box->conn, "1234", 4, 0));
	EXPECT_EQ(-EINVAL, sedak_conn_send(box->conn, "1", 1, 8));
	EXPECT_EQ(1, sedak_conn_send(box->conn, "123", 3, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_SENT, 1));
	EXPECT_EQ(0, sedak_conn_send(box->conn, "", 0, 0));
	close(fd);
	server_end(box);
}

static void act_pause_first(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_pause(ev->conn);
	else if (ev->type == SEDAK_EV_ITEM)
		sedak_conn_send(ev->conn, "x", 1, 0);
}

/* What is paused is told of a reset by its sends: the first one that fails. */
static void reset_is_told(struct __test_metadata *_metadata, bool half,
			  void (*act)(struct box *, struct sedak_event *))
{
	struct linger reset = { .l_onoff = 1 };
	struct sedak_conn *c;
	struct box *box;
	uint16_t port;
	int fd;

	box = server(1, &port, act);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	c = sedak_conn_get(box->conn);
	if (half) {
		shutdown(fd, SHUT_WR);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_EOF, 1));
	}
	sleep_ms(20);		/* the worker sleeps */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	sleep_ms(20);
	sedak_conn_post(c, NULL);	/* or it has closed already */
	EXPECT_TRUE(box_wait(box, SEDAK_EV_ERROR, 1));
	EXPECT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_ERROR));
	sedak_conn_put(c);
	server_end(box);
}

static void act_send(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ITEM)
		sedak_conn_send(ev->conn, "x", 1, 0);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool at_gate;

static void act_send_late(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ITEM) {
		at_gate = true;
		pthread_mutex_lock(&gate);
		pthread_mutex_unlock(&gate);
	}
	act_send(box, ev);
}

static bool is_at_gate(void *arg)
{
	return at_gate;
}

/* The send comes first, and takes the error: no event is left to tell of it. */
TEST(reset_before_a_send)
{
	struct linger reset = { .l_onoff = 1 };
	struct sedak_conn *c;
	struct box *box;
	uint16_t port;
	int fd;

	box = server(1, &port, act_send_late);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	c = sedak_conn_get(box->conn);
	shutdown(fd, SHUT_WR);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_EOF, 1));
	pthread_mutex_lock(&gate);
	ASSERT_EQ(0, sedak_conn_post(c, NULL));
	ASSERT_TRUE(until(is_at_gate, NULL));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	sleep_ms(20);		/* it has arrived */
	pthread_mutex_unlock(&gate);
	EXPECT_TRUE(box_wait(box, SEDAK_EV_ERROR, 1));
	EXPECT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_ERROR));
	sedak_conn_put(c);
	server_end(box);
}

TEST(reset_while_paused) { reset_is_told(_metadata, false, act_pause_first); }
TEST(reset_while_half_closed) { reset_is_told(_metadata, true, act_send); }

TEST_HARNESS_MAIN
