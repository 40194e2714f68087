// SPDX-License-Identifier: GPL-2.0
/* Sends to a slow reader go on as room appears, in order, and are told. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define BIG	(8U << 20)
#define MANY	40

static unsigned char *data;

/* A connection of which nothing is read, with big sent in part. */
static int choked(struct rig *r, uint64_t *id, int *peer)
{
	int ret = rig_open(r, NULL, NULL);

	if (!ret)
		ret = rig_accept(r, id, peer);
	if (ret)
		return ret;
	if (!data) {
		data = malloc(BIG);
		pattern_fill(data, 0, BIG);
	}
	return rig_send(r, *id, data, BIG, 1);
}

static bool peer_gets(int peer, uint64_t from, size_t len)
{
	static unsigned char to[65536];
	size_t done = 0, part;

	while (done < len) {
		part = len - done < sizeof(to) ? len - done : sizeof(to);
		if (read_all(peer, to, part) != (ssize_t)part ||
		    !pattern_is(to, from + done, part))
			return false;
		done += part;
	}
	return true;
}

/* As the worker has to enter for the sends to go on, a thread reads. */
struct reader {
	pthread_t thread;
	int fd;
	size_t len;
	bool right;
};

static void *reader_run(void *arg)
{
	struct reader *rd = arg;

	rd->right = peer_gets(rd->fd, 0, rd->len);
	return NULL;
}

TEST(a_short_send_is_told_when_it_is_done)
{
	struct seda_source_info_args info;
	struct reader rd = { .len = BIG };
	struct seda_event *ev;
	uint64_t id;
	struct rig r;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &rd.fd));
	ASSERT_EQ(0, app_source_info(&r.app, id, &info));
	EXPECT_EQ(1, info.sends);
	EXPECT_LT(0, info.queued);
	EXPECT_GT(BIG, info.queued);
	EXPECT_TRUE(rig_quiet(&r));
	pthread_create(&rd.thread, NULL, reader_run, &rd);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_SENT, ev->events);
	EXPECT_EQ(1, ev->done);
	pthread_join(rd.thread, NULL);
	EXPECT_TRUE(rd.right);
	ASSERT_EQ(0, app_source_info(&r.app, id, &info));
	EXPECT_EQ(0, info.sends);
	EXPECT_EQ(0, info.queued);
	EXPECT_TRUE(rig_quiet(&r));
	rig_close(&r);
}

#define PIECE	(1U << 20)

/* With room for all of them a connection has one turn of several, all the same. */
TEST(one_connection_has_its_turn)
{
	uint64_t id, last = 0;
	struct seda_event *ev;
	int own, peer, room;
	struct seda_op *op;
	struct rig r;
	int i;

	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer));
	if (!data)
		data = malloc(BIG);
	pattern_fill(data, 0, BIG);
	room = 1 << 16;
	ASSERT_EQ(0, setsockopt(own, SOL_SOCKET, SO_SNDBUFFORCE, &room,
				sizeof(room)));
	for (i = 0; i < 4; i++) {
		op = worker_op(&r.w, SEDA_OP_SEND, id);
		op->addr = (uintptr_t)(data + i * PIECE);
		op->len = PIECE;
		op->user_data = i + 1;
	}
	ASSERT_EQ(0, rig_submit(&r));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(-EINPROGRESS, r.w.ops[i].res);
	room = 1 << 25;
	ASSERT_EQ(0, setsockopt(own, SOL_SOCKET, SO_SNDBUFFORCE, &room,
				sizeof(room)));
	while (last < 4) {
		ev = rig_next(&r);
		ASSERT_NE(NULL, ev);
		EXPECT_EQ(SEDA_EV_SENT, ev->events);
		EXPECT_EQ(last + 1, ev->done);
		last = ev->done;
	}
	EXPECT_TRUE(peer_gets(peer, 0, 4 * PIECE));
	EXPECT_TRUE(rig_quiet(&r));
	rig_close(&r);
}

TEST(many_sends_keep_their_order)
{
	static unsigned char more[MANY * 5000];
	struct reader rd = { .len = BIG + sizeof(more) };
	struct seda_event *ev;
	uint64_t id, last = 0;
	struct seda_op *op;
	struct rig r;
	int i;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &rd.fd));
	pattern_fill(more, BIG, sizeof(more));
	for (i = 0; i < MANY; i++) {
		op = worker_op(&r.w, SEDA_OP_SEND, id);
		op->addr = (uintptr_t)(more + i * 5000);
		op->len = 5000;
		op->user_data = i + 2;
	}
	ASSERT_EQ(0, rig_submit(&r));
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(-EINPROGRESS, r.w.ops[i].res);
	pthread_create(&rd.thread, NULL, reader_run, &rd);
	while (last < MANY + 1) {
		ev = rig_next(&r);
		ASSERT_NE(NULL, ev);
		ASSERT_EQ(SEDA_EV_SENT, ev->events);
		ASSERT_LT(last, ev->done);
		last = ev->done;
	}
	pthread_join(rd.thread, NULL);
	EXPECT_TRUE(rd.right);
	rig_close(&r);
}

/* There is room for it, but the first has not gone on yet. */
TEST(a_send_does_not_overtake_one_that_waits)
{
	static char sink[1 << 20];
	struct pollfd room = { .events = POLLOUT };
	uint64_t id;
	struct rig r;
	int peer;

	data = calloc(1, BIG);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &room.fd, &peer));
	ASSERT_EQ(-EINPROGRESS, rig_send(&r, id, data, BIG, 1));
	do {
		while (recv(peer, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	} while (poll(&room, 1, 1) != 1);
	EXPECT_EQ(-EINPROGRESS, rig_send(&r, id, data, 1, 2));
	rig_close(&r);
}

TEST(shutdown_waits_for_the_sends)
{
	struct reader rd = { .len = BIG };
	uint64_t id;
	struct rig r;
	char c;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &rd.fd));
	EXPECT_EQ(-EINPROGRESS, rig_do(&r, SEDA_OP_SHUTDOWN, id, 0));
	EXPECT_EQ(-EPIPE, rig_do(&r, SEDA_OP_SHUTDOWN, id, 0));
	EXPECT_EQ(-EPIPE, rig_send(&r, id, "x", 1, 2));
	pthread_create(&rd.thread, NULL, reader_run, &rd);
	ASSERT_NE(NULL, rig_await(&r, SEDA_EV_SENT));
	pthread_join(rd.thread, NULL);
	EXPECT_TRUE(rd.right);
	EXPECT_EQ(0, read(rd.fd, &c, 1));
	/* the other direction goes on */
	ASSERT_EQ(1, write(rd.fd, "x", 1));
	EXPECT_NE(NULL, rig_await(&r, SEDA_EV_IN));
	rig_close(&r);
}

TEST(close_waits_for_the_sends)
{
	struct reader rd = { .len = BIG };
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	char c;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &rd.fd));
	EXPECT_EQ(-EINPROGRESS, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	EXPECT_EQ(-EALREADY, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	EXPECT_EQ(-EPIPE, rig_send(&r, id, "x", 1, 2));
	EXPECT_TRUE(rig_quiet(&r));
	pthread_create(&rd.thread, NULL, reader_run, &rd);
	ev = rig_await(&r, SEDA_EV_SENT);
	ASSERT_NE(NULL, ev);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	pthread_join(rd.thread, NULL);
	EXPECT_TRUE(rd.right);
	EXPECT_EQ(0, read(rd.fd, &c, 1));
	rig_close(&r);
}

TEST(abort_may_follow_a_close_in_progress)
{
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &peer));
	EXPECT_EQ(-EINPROGRESS, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, SEDA_CLOSE_ABORT));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CLOSED, ev->events);
	while (read(peer, data, BIG) > 0)
		;
	EXPECT_EQ(ECONNRESET, errno);
	rig_close(&r);
}

TEST(a_peer_that_dies_cancels_the_sends)
{
	struct linger hard = { .l_onoff = 1 };
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &peer));
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(peer);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR | SEDA_EV_CANCELED,
		  ev->events & (SEDA_EV_ERR | SEDA_EV_CANCELED));
	EXPECT_GT(0, ev->res);
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	EXPECT_NE(NULL, rig_await(&r, SEDA_EV_CLOSED));
	rig_close(&r);
}

TEST(cancel_drops_them_and_tells)
{
	struct seda_source_info_args info;
	struct seda_event *ev;
	uint64_t id;
	struct rig r;
	int peer;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &peer));
	ASSERT_EQ(-EINPROGRESS, rig_send(&r, id, data, 100, 2));
	EXPECT_EQ(2, rig_do(&r, SEDA_OP_CANCEL, id, 0));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_CANCELED, ev->events & SEDA_EV_CANCELED);
	EXPECT_EQ(0, ev->events & SEDA_EV_SENT);
	EXPECT_EQ(0, rig_do(&r, SEDA_OP_CANCEL, id, 0));
	ASSERT_EQ(0, app_source_info(&r.app, id, &info));
	EXPECT_EQ(0, info.sends);
	EXPECT_EQ(0, info.queued);
	rig_close(&r);
}

TEST(unfinished_sends_are_bounded)
{
	uint64_t id;
	struct rig r;
	int peer, i;

	ASSERT_EQ(-EINPROGRESS, choked(&r, &id, &peer));
	for (i = 1; i < SEDA_MAX_SENDS; i++)
		ASSERT_EQ(-EINPROGRESS, rig_send(&r, id, data, 1, i + 1));
	EXPECT_EQ(-EAGAIN, rig_send(&r, id, data, 1, 0));
	/* the end is always to be had */
	EXPECT_EQ(-EINPROGRESS, rig_do(&r, SEDA_OP_SHUTDOWN, id, 0));
	EXPECT_EQ(-EINPROGRESS, rig_do(&r, SEDA_OP_CLOSE, id, 0));
	rig_close(&r);
}

TEST_HARNESS_MAIN
