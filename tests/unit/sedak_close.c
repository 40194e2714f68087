// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: close flushes, abort resets, CLOSED comes once and last, and what is
 * done to a closed connection is an error.
 */
#include "sedak_test.h"

#define BIG	(24 << 20)	/* more than the system's buffers take */

static char *big;

static void act_big_reply(struct box *box, struct sedak_event *ev)
{
	struct iovec iov = { big, BIG };

	if (ev->type != SEDAK_EV_DATA)
		return;
	sedak_conn_sendv(ev->conn, &iov, 1, 0, NULL, NULL);
	sedak_conn_close(ev->conn);
}

TEST(close_flushes)
{
	char *in = malloc(BIG);
	struct box *box;
	uint16_t port;
	int fd;

	big = malloc(BIG);
	pattern(big, BIG, 7);
	box = server(1, &port, act_big_reply);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "x", 1));
	sleep_ms(50);
	EXPECT_EQ(0, box_count(box, SEDAK_EV_CLOSED));
	ASSERT_TRUE(take(fd, in, BIG));
	EXPECT_EQ(0, memcmp(in, big, BIG));
	EXPECT_EQ(0, recv(fd, in, 1, 0));
	close(fd);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(0, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	server_end(box);
	free(big);
	free(in);
}

static _Atomic int dones, done_res;

static void done(struct sedak_conn *conn, void *arg, int res)
{
	dones++;
	done_res = res;
}

static void act_abort(struct box *box, struct sedak_event *ev)
{
	struct iovec iov = { big, BIG };

	if (ev->type != SEDAK_EV_DATA)
		return;
	if (*(char *)ev->data == 'f') {
		sedak_conn_sendv(ev->conn, &iov, 1, 0, done, NULL);
		sedak_conn_sendv(ev->conn, &iov, 1, 0, done, NULL);
	} else {
		sedak_conn_abort(ev->conn);
	}
}

TEST(abort_resets)
{
	struct box *box;
	uint16_t port;
	char c;
	int fd;

	big = calloc(1, BIG);
	box = server(1, &port, act_abort);
	fd = dial(port);
	ASSERT_TRUE(give(fd, "f", 1));
	ASSERT_TRUE(take(fd, &c, 1));
	sleep_ms(20);
	/* a connection that sends is not read; so the abort is ours */
	EXPECT_EQ(0, sedak_conn_abort(box->conn));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(-ECANCELED, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	EXPECT_EQ(2, atomic_load(&dones));
	EXPECT_EQ(-ECANCELED, atomic_load(&done_res));
	while (recv(fd, &c, 1, 0) > 0)
		;
	EXPECT_EQ(ECONNRESET, errno);
	close(fd);
	server_end(box);
	free(big);
}

TEST(peer_resets)
{
	struct linger lg = { .l_onoff = 1 };
	struct box *box;
	uint16_t port;
	int fd;

	box = server(1, &port, NULL);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	close(fd);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(1, box_count(box, SEDAK_EV_ERROR));
	EXPECT_EQ(-ECONNRESET, box_find(box, SEDAK_EV_ERROR, 0)->res);
	EXPECT_EQ(-ECONNRESET, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	server_end(box);
}

static void act_hold_ref(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT)
		box->arg = sedak_conn_get(ev->conn);
	if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
}

TEST(late_calls_are_errors)
{
	struct iovec iov = { "x", 1 };
	struct sedak_conn *c;
	struct box *box;
	uint16_t port;
	int fd;

	box = server(2, &port, act_hold_ref);
	fd = dial(port);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, 1));
	close(fd);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	c = box->arg;
	EXPECT_EQ(-EPIPE, sedak_conn_send(c, "x", 1, 0));
	EXPECT_EQ(-EPIPE, sedak_conn_sendv(c, &iov, 1, 0, done, NULL));
	EXPECT_EQ(-EPIPE, sedak_conn_post(c, NULL));
	EXPECT_EQ(-EPIPE, sedak_conn_close(c));
	EXPECT_EQ(-EPIPE, sedak_conn_abort(c));
	EXPECT_EQ(-EPIPE, sedak_conn_shutdown(c));
	EXPECT_EQ(-EPIPE, sedak_conn_pause(c));
	EXPECT_EQ(-EPIPE, sedak_conn_resume(c));
	EXPECT_EQ(-EPIPE, sedak_conn_timeout(c, SEC));
	EXPECT_EQ(0, sedak_conn_queued(c));
	EXPECT_EQ(0, atomic_load(&dones));
	/* and even after the runtime */
	server_end(box);
	EXPECT_EQ(-EPIPE, sedak_conn_send(c, "x", 1, 0));
	sedak_conn_put(c);
}

static void act_close_at_once(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_close(ev->conn);
}

static void act_abort_at_once(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT)
		sedak_conn_abort(ev->conn);
}

TEST(close_in_accept)
{
	struct box *box;
	uint16_t port;
	char c;
	int fd, i;

	box = server(1, &port, act_close_at_once);
	for (i = 0; i < 20; i++) {
		fd = dial(port);
		EXPECT_EQ(0, recv(fd, &c, 1, 0));
		close(fd);
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 20));
	server_end(box);
	box = server(1, &port, act_abort_at_once);
	for (i = 0; i < 20; i++) {
		fd = dial(port);
		EXPECT_EQ(-1, recv(fd, &c, 1, 0));
		close(fd);
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 20));
	server_end(box);
}

static void act_shutdown(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_ACCEPT) {
		sedak_conn_send(ev->conn, "bye", 3, 0);
		sedak_conn_shutdown(ev->conn);
		box->arg = (void *)(long)sedak_conn_send(ev->conn, "x", 1, 0);
	} else if (ev->type == SEDAK_EV_EOF) {
		sedak_conn_close(ev->conn);
	}
}

TEST(shutdown_still_receives)
{
	struct box *box;
	uint16_t port;
	char in[4];
	int fd;

	box = server(1, &port, act_shutdown);
	fd = dial(port);
	ASSERT_TRUE(take(fd, in, 3));
	EXPECT_EQ(0, recv(fd, in, 1, 0));
	EXPECT_EQ(-EPIPE, (long)box->arg);
	ASSERT_TRUE(give(fd, "still", 5));
	ASSERT_TRUE(box_wait_bytes(box, 5));
	close(fd);
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(0, box_find(box, SEDAK_EV_CLOSED, 0)->res);
	server_end(box);
}

static void act_none_after_close(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA) {
		sedak_conn_close(ev->conn);
		sedak_conn_close(ev->conn);
	}
}

TEST(closed_is_last_and_once)
{
	struct box *box;
	uint16_t port;
	int fd, i;

	box = server(4, &port, act_none_after_close);
	for (i = 0; i < 50; i++) {
		fd = dial(port);
		give(fd, "abc", 3);
		give(fd, "def", 3);
		close(fd);
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, 50));
	sleep_ms(50);
	EXPECT_EQ(50, box_count(box, SEDAK_EV_CLOSED));
	server_end(box);
}

/*
 * What another thread sends before it closes arrives, although the connection's
 * worker is about to send something else each time.  That may come in between:
 * so LAST is somewhere in the stream, once and whole.  The peer sends nothing: a
 * close that finds unread data resets.
 */
#define LAST	"0123456789"

static void act_answer(struct box *box, struct sedak_event *ev)
{
	(void)box;
	if (ev->type == SEDAK_EV_ITEM)
		sedak_conn_send(ev->conn, "x", 1, 0);
}

static void *keep_posting(void *conn)
{
	const struct timespec ts = { .tv_nsec = 1000 };

	while (!sedak_conn_post(conn, NULL))
		nanosleep(&ts, NULL);
	sedak_conn_put(conn);
	return NULL;
}

/* How much of LAST comes before the end */
static size_t find_last(int fd)
{
	char buf[64];
	size_t found = 0;
	ssize_t n, i;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		for (i = 0; i < n; i++)
			if (buf[i] != 'x')
				found += buf[i] == LAST[found];
	return n ? 0 : found;
}

TEST(sent_by_another_thread_before_it_closes)
{
	struct sedak_conn *c;
	struct box *box;
	pthread_t thread;
	uint16_t port;
	unsigned int i;
	uint64_t end;
	int fd;

	box = server(2, &port, act_answer);
	for (i = 0; i < 300; i++) {
		fd = dial(port);
		ASSERT_LE(0, fd);
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ACCEPT, i + 1));
		c = sedak_conn_get(box->conn);
		ASSERT_EQ(0, pthread_create(&thread, NULL, keep_posting, c));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_ITEM, i + 1));
		end = now_ns() + i % 50 * 1000;
		while (now_ns() < end)
			;
		ASSERT_EQ(0, sedak_conn_send(c, LAST, strlen(LAST), 0));
		ASSERT_EQ(0, sedak_conn_close(c));
		ASSERT_EQ(strlen(LAST), find_last(fd))
			TH_LOG("in round %u", i);
		close(fd);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, i + 1));
	}
	server_end(box);
}

TEST_HARNESS_MAIN
