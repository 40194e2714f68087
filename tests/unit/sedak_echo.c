// SPDX-License-Identifier: GPL-2.0
/* libsedak: what is sent back arrives, whichever way it is sent. */
#include "sedak_test.h"

static void act_copy(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send(ev->conn, ev->data, ev->len, 0);
	else if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
}

static void act_pieces(struct box *box, struct sedak_event *ev)
{
	size_t i, n;

	for (i = 0; ev->type == SEDAK_EV_DATA && i < ev->len; i += n) {
		n = ev->len - i < 100 ? ev->len - i : 100;
		sedak_conn_send(ev->conn, (char *)ev->data + i, n, 0);
	}
	if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
}

static void act_in_place(struct box *box, struct sedak_event *ev)
{
	if (ev->type == SEDAK_EV_DATA)
		sedak_conn_send_event(ev->conn, ev, 0, ev->len, 0);
	else if (ev->type == SEDAK_EV_EOF)
		sedak_conn_close(ev->conn);
}

/* halves, the second one first in memory: two operations on one buffer */
static void act_halves(struct box *box, struct sedak_event *ev)
{
	size_t half = ev->len / 2;

	if (ev->type == SEDAK_EV_DATA) {
		sedak_conn_send_event(ev->conn, ev, 0, half, 0);
		sedak_conn_send(ev->conn, (char *)ev->data + half, 1, 0);
		if (ev->len > half + 1)
			sedak_conn_send_event(ev->conn, ev, half + 1,
					      ev->len - half - 1, 0);
	} else if (ev->type == SEDAK_EV_EOF) {
		sedak_conn_close(ev->conn);
	}
}

static void act_held(struct box *box, struct sedak_event *ev)
{
	struct sedak_buf *buf;

	if (ev->type == SEDAK_EV_DATA && !sedak_buf_hold(ev, &buf)) {
		sedak_conn_send_buf(ev->conn, buf, 0, sedak_buf_len(buf), 0);
		sedak_buf_put(buf);
	} else if (ev->type == SEDAK_EV_EOF) {
		sedak_conn_close(ev->conn);
	}
}

static void freed(struct sedak_conn *conn, void *arg, int res)
{
	free(arg);
}

static void act_vector(struct box *box, struct sedak_event *ev)
{
	struct iovec iov[3];
	char *copy;

	if (ev->type == SEDAK_EV_DATA) {
		copy = malloc(ev->len);
		memcpy(copy, ev->data, ev->len);
		iov[0] = (struct iovec){ copy, ev->len / 3 };
		iov[1] = (struct iovec){ copy + ev->len / 3, 0 };
		iov[2] = (struct iovec){ copy + ev->len / 3,
					 ev->len - ev->len / 3 };
		sedak_conn_sendv(ev->conn, iov, 3, 0, freed, copy);
	} else if (ev->type == SEDAK_EV_EOF) {
		sedak_conn_close(ev->conn);
	}
}

struct write {
	pthread_t thread;
	const char *data;
	size_t len;
	int fd;
};

static void *writer(void *arg)
{
	struct write *wr = arg;

	give(wr->fd, wr->data, wr->len);
	shutdown(wr->fd, SHUT_WR);
	return NULL;
}

static void talk(struct __test_metadata *_metadata,
		 void (*act)(struct box *, struct sedak_event *))
{
	static const size_t sizes[] = { 1, 64, 4095, 4096, 4097, 100000, 1000000 };
	char *out = malloc(1000000), *in = malloc(1000000);
	struct box *box;
	unsigned int i;
	uint16_t port;
	struct write wr;
	int fd;

	box = server(2, &port, act);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fd = dial(port);
		ASSERT_GE(fd, 0);
		pattern(out, sizes[i], i);
		wr = (struct write){ .data = out, .len = sizes[i], .fd = fd };
		ASSERT_EQ(0, pthread_create(&wr.thread, NULL, writer, &wr));
		ASSERT_TRUE(take(fd, in, sizes[i]));
		ASSERT_EQ(0, memcmp(in, out, sizes[i]));
		EXPECT_EQ(0, recv(fd, in, 1, 0)) {	/* then its FIN */
			TH_LOG("%s, size %zu", strerror(errno), sizes[i]);
		}
		pthread_join(wr.thread, NULL);
		close(fd);
	}
	ASSERT_TRUE(box_wait(box, SEDAK_EV_CLOSED, i));
	ASSERT_EQ(i, box_count(box, SEDAK_EV_ACCEPT));
	ASSERT_EQ(0, box_count(box, SEDAK_EV_ERROR));
	server_end(box);
	free(out);
	free(in);
}

TEST(copied) { talk(_metadata, act_copy); }
TEST(in_pieces) { talk(_metadata, act_pieces); }
TEST(in_place) { talk(_metadata, act_in_place); }
TEST(in_place_and_copied) { talk(_metadata, act_halves); }
TEST(held) { talk(_metadata, act_held); }
TEST(vector) { talk(_metadata, act_vector); }

/* The client waits for all of an answer before it says more. */
TEST(an_answer_in_two_parts_is_whole)
{
	char out[100], in[100];
	struct box *box;
	uint16_t port;
	int fd, i;

	box = server(1, &port, act_halves);
	fd = dial(port);
	ASSERT_LE(0, fd);
	for (i = 0; i < 20; i++) {
		pattern(out, sizeof(out), i);
		ASSERT_TRUE(give(fd, out, sizeof(out)));
		ASSERT_TRUE(take(fd, in, sizeof(in)));
		ASSERT_EQ(0, memcmp(in, out, sizeof(in)));
	}
	close(fd);
	server_end(box);
}

TEST_HARNESS_MAIN
