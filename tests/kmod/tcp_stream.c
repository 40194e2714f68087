// SPDX-License-Identifier: GPL-2.0
/* 10 MB come and go byte for byte, in pieces of whatever size. */
#include <kselftest_harness.h>

#include "tests/lib/seda_rig.h"

#define TOTAL	(10U << 20)
#define CHUNK	30000U

static int peer_fd;

static void *peer_writes(void *arg)
{
	unsigned char *p = malloc(CHUNK);
	size_t done = 0, len;
	ssize_t n = 0;

	while (done < TOTAL && n >= 0) {
		len = done % CHUNK + 1;
		len = len < TOTAL - done ? len : TOTAL - done;
		pattern_fill(p, done, len);
		n = write(peer_fd, p, len);
		done += n > 0 ? n : 0;
	}
	free(p);
	shutdown(peer_fd, SHUT_WR);
	return (void *)done;
}

static void *peer_reads(void *arg)
{
	unsigned char *p = malloc(CHUNK);
	size_t done = 0;
	ssize_t n;

	while ((n = read(peer_fd, p, CHUNK)) > 0) {
		if (!pattern_is(p, done, n))
			break;
		done += n;
	}
	free(p);
	return (void *)done;
}

TEST(received_byte_for_byte)
{
	struct seda_setup_args setup = { .bufs = 8, .buf_size = 1024 };
	bool eof = false, right = true;
	uint64_t id, done = 0;
	uint32_t seq = 0;
	pthread_t thread;
	struct rig r;
	void *sent;
	int i, n;

	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer_fd));
	ASSERT_EQ(0, pthread_create(&thread, NULL, peer_writes, NULL));
	while (!eof) {
		n = worker_enter(&r.w, 1, SEDA_FOREVER);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++) {
			struct seda_event *ev = &r.w.events[i];

			ASSERT_EQ(id, ev->source);
			ASSERT_EQ(seq++, ev->seq);
			ASSERT_EQ(0, ev->events & SEDA_EV_ERR);
			if (ev->events & SEDA_EV_IN) {
				ASSERT_LT(0, ev->len);
				ASSERT_GE(1024, ev->len);
				right &= pattern_is((void *)rig_data(&r, ev),
						    done, ev->len);
				done += ev->len;
			}
			if (ev->events & SEDA_EV_EOF)
				eof = true;
		}
	}
	pthread_join(thread, &sent);
	EXPECT_TRUE(right);
	EXPECT_EQ(TOTAL, done);
	EXPECT_EQ(TOTAL, (uintptr_t)sent);
	EXPECT_EQ(TOTAL, app_counters(&r.app, r.stage)->received);
	rig_close(&r);
}

TEST(sent_byte_for_byte)
{
	unsigned char *data = malloc(TOTAL);
	uint64_t id, done = 0, last = 0;
	struct seda_event *ev;
	struct seda_op *op;
	pthread_t thread;
	struct rig r;
	size_t len;
	void *got;

	pattern_fill(data, 0, TOTAL);
	ASSERT_EQ(0, rig_open(&r, NULL, NULL));
	ASSERT_EQ(0, rig_accept(&r, &id, &peer_fd));
	ASSERT_EQ(0, pthread_create(&thread, NULL, peer_reads, NULL));
	while (done < TOTAL) {
		len = TOTAL - done < 777777 ? TOTAL - done : 777777;
		op = worker_op(&r.w, SEDA_OP_SEND, id);
		op->addr = (uintptr_t)(data + done);
		op->len = len;
		op->user_data = done += len;
		ASSERT_EQ(0, rig_submit(&r));
		if (r.w.ops[0].res != -EINPROGRESS) {
			ASSERT_EQ(len, r.w.ops[0].res);
			last = done;
		}
	}
	while (last < TOTAL) {
		ev = rig_next(&r);
		ASSERT_NE(NULL, ev);
		ASSERT_EQ(SEDA_EV_SENT, ev->events);
		ASSERT_LT(last, ev->done);
		last = ev->done;
	}
	ASSERT_EQ(0, rig_do(&r, SEDA_OP_SHUTDOWN, id, 0));
	pthread_join(thread, &got);
	EXPECT_EQ(TOTAL, (uintptr_t)got);
	rig_close(&r);
	free(data);
}

TEST(what_is_left_in_the_socket_is_told)
{
	struct seda_setup_args setup = { .buf_size = 64 };
	static const char data[100];
	struct seda_event *ev;
	struct rig r;
	uint64_t id;
	int own;

	ASSERT_EQ(0, rig_open(&r, &setup, NULL));
	ASSERT_EQ(0, rig_pair(&r, 0, &id, &own, &peer_fd));
	ASSERT_EQ(100, write(peer_fd, data, 100));
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN | SEDA_EV_MORE, ev->events);
	EXPECT_EQ(64, ev->len);
	EXPECT_EQ(36, ev->amount);
	ev = rig_next(&r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_IN, ev->events);
	EXPECT_EQ(36, ev->len);
	EXPECT_EQ(0, ev->amount);
	rig_close(&r);
}

TEST_HARNESS_MAIN
