// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: a worker that has more to submit than its ring has slots for (512)
 * forgets nothing.
 *
 * vm: --mem 512
 */
#include <semaphore.h>
#include <sys/resource.h>

#include "sedak_test.h"

#define MANY	600
#define ROUNDS	20

static struct sedak_conn *conns[MANY];	/* the one worker's */
static unsigned int nr_conns;
static atomic_bool flood;
static sem_t has_sent;

static void broadcast(void)
{
	unsigned int i;

	for (i = 0; i < nr_conns; i++)
		sedak_conn_send(conns[i], "b", 1, 0);
}

static void act_flood(struct box *box, struct sedak_event *ev)
{
	(void)box;
	if (ev->type == SEDAK_EV_ACCEPT) {
		if (nr_conns < MANY) {
			conns[nr_conns++] = ev->conn;
			return;
		}
		if (!atomic_load(&flood))
			return;
		/* its bytes are there before the library can have attached it */
		while (sem_wait(&has_sent))
			;
		broadcast();
	} else if (ev->type == SEDAK_EV_DATA) {
		if (*(char *)ev->data == 'B')
			broadcast();
		else
			sedak_conn_send(ev->conn, ev->data, ev->len, 0);
	} else if (ev->type == SEDAK_EV_ITEM) {
		broadcast();
	} else if (ev->type == SEDAK_EV_EOF) {
		sedak_conn_close(ev->conn);
	}
}

/* Two descriptors for each, with epoll */
static bool may_open_enough(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return false;
	if (r.rlim_cur >= 2 * MANY + 200)
		return true;
	r.rlim_cur = 2 * MANY + 200;
	if (r.rlim_max < r.rlim_cur)
		r.rlim_max = r.rlim_cur;
	return !setrlimit(RLIMIT_NOFILE, &r);
}

FIXTURE(flood) {
	struct box *box;
	int fd[MANY];
	uint16_t port;
};

FIXTURE_SETUP(flood)
{
	int i;

	if (!may_open_enough())
		SKIP(return, "too few descriptors");
	nr_conns = 0;
	atomic_store(&flood, false);
	ASSERT_EQ(0, sem_init(&has_sent, 0, 0));
	self->box = server(1, &self->port, act_flood);
	for (i = 0; i < MANY; i++) {
		self->fd[i] = dial(self->port);
		ASSERT_LE(0, self->fd[i]);
	}
	ASSERT_TRUE(box_wait(self->box, SEDAK_EV_ACCEPT, MANY));
}

FIXTURE_TEARDOWN(flood)
{
	int i;

	for (i = 0; i < MANY; i++)
		close(self->fd[i]);
	server_end(self->box);
}

/* Each of the old ones has been sent n bytes, and no more */
static bool all_have(const int *fd, size_t n)
{
	char in[2 * ROUNDS];
	int i;

	for (i = 0; i < MANY; i++)
		if (!take(fd[i], in, n) ||
		    recv(fd[i], in, 1, MSG_DONTWAIT) >= 0)
			return false;
	return true;
}

/* The handler of ACCEPT fills the ring, before the operation that attaches */
TEST_F(flood, first_bytes_of_an_accepted_one)
{
	char c = 0;
	int i, fd;

	atomic_store(&flood, true);
	for (i = 0; i < ROUNDS; i++) {
		fd = dial(self->port);
		ASSERT_LE(0, fd);
		ASSERT_TRUE(give(fd, "x", 1));
		sem_post(&has_sent);
		ASSERT_TRUE(take(fd, &c, 1))
			TH_LOG("connection %d had no echo", i);
		EXPECT_EQ('x', c);
		close(fd);
	}
	EXPECT_TRUE(all_have(self->fd, ROUNDS));
}

/* As a program would: posted, or told by a client, while others come */
TEST_F(flood, broadcasts_while_others_come)
{
	int i, j, ret, fd[8];
	char c = 0;

	for (i = 0; i < ROUNDS; i++) {
		ret = i & 1 ? !give(self->fd[i], "B", 1) :
			      sedak_stage_post(self->box->stage, NULL);
		ASSERT_EQ(0, ret);
		for (j = 0; j < 8; j++) {
			fd[j] = dial(self->port);
			ASSERT_LE(0, fd[j]);
			ASSERT_TRUE(give(fd[j], "x", 1));
		}
		for (j = 0; j < 8; j++) {
			ASSERT_TRUE(take(fd[j], &c, 1))
				TH_LOG("round %d: %d had no echo", i, j);
			EXPECT_EQ('x', c);
			close(fd[j]);
		}
	}
	EXPECT_TRUE(all_have(self->fd, ROUNDS));
}

TEST_HARNESS_MAIN
