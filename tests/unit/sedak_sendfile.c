// SPDX-License-Identifier: GPL-2.0
/* libsedak: files are sent in order with other sends, and nobody waits for a disk. */
#include "sedak_file.h"

#define SIZE	(8 << 20)

FIXTURE(sendfile) {
	struct box *box, *miss;
	struct sedak_file *file;
	struct sedak_conn *conn;
	struct job job;
	char *got;
	int fd;		/* the same file's */
	int peer;
};

FIXTURE_VARIANT(sendfile) {
	const char *io;
	unsigned int workers;
};

FIXTURE_VARIANT_ADD(sendfile, one_worker) { NULL, 1 };
FIXTURE_VARIANT_ADD(sendfile, threads) { "threads", 1 };
FIXTURE_VARIANT_ADD(sendfile, two_workers) { NULL, 2 };
FIXTURE_VARIANT_ADD(sendfile, two_workers_with_threads) { "threads", 2 };

/* The misses' stage has a pool of its own; what is sent does without it */
FIXTURE_SETUP(sendfile)
{
	struct sedak_pool_opts po = { .size = sizeof(po), .workers = 1 };
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = box_handler };
	uint16_t port;

	if (variant->io)
		setenv("SEDAK_IO", variant->io, 1);
	self->box = server(variant->workers, &port, act_job);
	self->miss = box_new();
	o.state = self->miss;
	ASSERT_EQ(0, sedak_pool_create(self->box->rt, &po, &o.pool));
	ASSERT_EQ(0, sedak_stage_create(self->box->rt, &o, &self->miss->stage));
	ASSERT_EQ(0, sedak_file_open(self->miss->stage,
				     file_new(SIZE, O_RDWR, &self->fd), NULL,
				     &self->file));
	self->peer = dial(port);
	ASSERT_TRUE(box_wait(self->box, SEDAK_EV_ACCEPT, 1));
	self->conn = self->box->conn;
	self->job.conn = self->conn;
	self->job.file = self->file;
	self->got = malloc(SIZE + 100);
}

FIXTURE_TEARDOWN(sendfile)
{
	sedak_rt_destroy(self->box->rt);
	box_free(self->box);
	box_free(self->miss);
	free(self->got);
	close(self->peer);
	close(self->fd);
}

static void do_head_file_tail(struct job *job)
{
	job->res = sedak_conn_send(job->conn, "head", 4, 0);
	job->res |= sedak_conn_sendfile(job->conn, job->file, job->offset, job->len,
					job->flags);
	job->res |= sedak_conn_send(job->conn, "ta", 2, 0);
	job->res |= sedak_conn_send(job->conn, "il", 2, 0);
}

static bool got_head_file_tail(const struct job *job, int peer, char *got)
{
	size_t n = job->len;

	return take(peer, got, n + 8) && !memcmp(got, "head", 4) &&
	       bytes_are(got + 4, job->offset, n) &&
	       !memcmp(got + 4 + n, "tail", 4);
}

/* An idle worker looks at the last result when it has something to do. */
static bool is_settled(void *conn)
{
	return !sedak_conn_post(conn, NULL) && !sedak_conn_queued(conn);
}

TEST_F(sendfile, in_order_with_other_sends)
{
	static const size_t lens[] = { 0, 1, 4095, 65536, 65537, 300000 };
	struct job *job = &self->job;
	unsigned int i;

	for (i = 0; i < 2 * sizeof(lens) / sizeof(lens[0]); i++) {
		job->len = lens[i / 2];
		job->offset = i / 2 * 12345;
		/* once from the disk, once from memory */
		if (!(i & 1))
			file_drop(self->fd);
		box_do(self->box, job, do_head_file_tail);
		EXPECT_EQ(0, job->res);
		ASSERT_TRUE(got_head_file_tail(job, self->peer, self->got));
	}
	EXPECT_TRUE(until(is_settled, self->conn));
	EXPECT_EQ(0, box_count(self->miss, SEDAK_EV_FILE));
}

TEST_F(sendfile, by_any_thread)
{
	struct job *job = &self->job;
	int i;

	job->len = 100000;
	for (i = 0; i < 10; i++)
		do_head_file_tail(job);
	for (i = 0; i < 10; i++)
		ASSERT_TRUE(got_head_file_tail(job, self->peer, self->got));
	EXPECT_EQ(0, job->res);
}

TEST_F(sendfile, more_than_sockets_hold_to_a_slow_reader)
{
	struct job *job = &self->job;
	size_t n, done;

	job->len = SIZE;
	job->flags = SEDAK_SEND_NOTIFY;
	box_do(self->box, job, do_head_file_tail);
	ASSERT_TRUE(take(self->peer, self->got, 4));
	/* whatever its length it counts as little in the queue */
	EXPECT_GE(4096 + 8, sedak_conn_queued(self->conn));
	EXPECT_LE(4096, sedak_conn_queued(self->conn));
	for (done = 0; done < SIZE; done += n) {
		n = SIZE - done < 1 << 18 ? SIZE - done : 1 << 18;
		ASSERT_TRUE(take(self->peer, self->got, n));
		ASSERT_TRUE(bytes_are(self->got, done, n));
		if (done < 1 << 20)
			sleep_ms(20);
		if (done == 1 << 21)
			file_drop(self->fd);
		if (!done)
			EXPECT_EQ(0, box_count(self->box, SEDAK_EV_SENT));
	}
	ASSERT_TRUE(take(self->peer, self->got, 4));
	EXPECT_EQ(0, memcmp("tail", self->got, 4));
	EXPECT_TRUE(box_wait(self->box, SEDAK_EV_SENT, 1));
}

static void do_send_and_close(struct job *job)
{
	do_head_file_tail(job);
	sedak_file_close(job->file);
	sedak_conn_close(job->conn);
}

TEST_F(sendfile, file_and_connection_may_be_closed_meanwhile)
{
	struct job *job = &self->job;

	job->len = SIZE;
	box_do(self->box, job, do_send_and_close);
	EXPECT_EQ(0, job->res);
	ASSERT_TRUE(got_head_file_tail(job, self->peer, self->got));
	EXPECT_EQ(0, recv(self->peer, self->got, 1, 0));
	ASSERT_TRUE(box_wait(self->box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(0, box_find(self->box, SEDAK_EV_CLOSED, 0)->res);
}

static void do_send_and_shut(struct job *job)
{
	do_head_file_tail(job);
	sedak_conn_shutdown(job->conn);
}

TEST_F(sendfile, the_end_comes_after_it)
{
	struct job *job = &self->job;

	job->len = SIZE;
	box_do(self->box, job, do_send_and_shut);
	ASSERT_TRUE(got_head_file_tail(job, self->peer, self->got));
	EXPECT_EQ(0, recv(self->peer, self->got, 1, 0));
	/* and receiving goes on */
	ASSERT_TRUE(give(self->peer, "x", 1));
	EXPECT_TRUE(box_wait(self->box, SEDAK_EV_DATA, 1));
}

static void do_abort(struct job *job)
{
	sedak_conn_abort(job->conn);
}

TEST_F(sendfile, aborted_while_it_is_sent)
{
	struct job *job = &self->job;

	job->len = SIZE;
	box_do(self->box, job, do_head_file_tail);
	ASSERT_TRUE(take(self->peer, self->got, 5));
	box_do(self->box, job, do_abort);
	ASSERT_TRUE(box_wait(self->box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(-ECANCELED, box_find(self->box, SEDAK_EV_CLOSED, 0)->res);
}

static void do_send_and_abort(struct job *job)
{
	do_head_file_tail(job);
	if (job->n++ & 1)
		sedak_conn_abort(job->conn);
}

/* Of many, some are gone while their piece is read. */
TEST_F(sendfile, aborted_while_it_is_read)
{
	struct job *job = &self->job;
	uint16_t port = listen_on(self->box->stage);
	unsigned int i;
	int peer;

	job->len = 100000;
	for (i = 0; i < 20; i++) {
		peer = dial(port);
		ASSERT_TRUE(box_wait(self->box, SEDAK_EV_ACCEPT, 2 + i));
		job->conn = self->box->conn;
		file_drop(self->fd);
		box_do(self->box, job, do_send_and_abort);
		if (i & 2)
			box_do(self->box, job, do_abort);
		close(peer);
	}
	ASSERT_TRUE(box_wait(self->box, SEDAK_EV_CLOSED, 15));
}

TEST_F(sendfile, the_runtime_ends_while_it_is_sent)
{
	struct job *job = &self->job;

	job->len = SIZE;
	box_do(self->box, job, do_head_file_tail);
	ASSERT_TRUE(take(self->peer, self->got, 5));
}

TEST_F(sendfile, the_runtime_ends_while_it_is_read)
{
	struct job *job = &self->job;

	job->len = SIZE;
	file_drop(self->fd);
	box_do(self->box, job, do_head_file_tail);
}

TEST_F(sendfile, past_the_end_breaks_the_connection)
{
	struct job *job = &self->job;

	job->offset = SIZE - 99;
	job->len = 100;
	box_do(self->box, job, do_head_file_tail);
	ASSERT_TRUE(box_wait(self->box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(-ENODATA, box_find(self->box, SEDAK_EV_ERROR, 0)->res);
	EXPECT_EQ(-ENODATA, box_find(self->box, SEDAK_EV_CLOSED, 0)->res);
}

TEST_F(sendfile, a_file_that_becomes_shorter_breaks_the_connection)
{
	struct job *job = &self->job;

	job->len = SIZE;
	box_do(self->box, job, do_head_file_tail);
	ASSERT_TRUE(take(self->peer, self->got, 1000));
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	while (recv(self->peer, self->got, SIZE, 0) > 0)
		;
	ASSERT_TRUE(box_wait(self->box, SEDAK_EV_CLOSED, 1));
	EXPECT_EQ(-EIO, box_find(self->box, SEDAK_EV_ERROR, 0)->res);
}

static void act_send_on(struct box *box, struct sedak_event *ev)
{
	struct job *job = box->arg;

	if (ev->type == SEDAK_EV_FILE)
		job->res = sedak_conn_send_event(job->conn, ev, 10, ev->len - 20, 0);
}

static void do_send_buf(struct job *job)
{
	job->res = sedak_file_read(job->file, job->offset, 4096, 0, NULL, &job->buf);
	if (job->res <= 0)
		return;
	sedak_conn_send_buf(job->conn, job->buf, 10, (size_t)job->res - 20, 0);
	sedak_buf_put(job->buf);
}

TEST_F(sendfile, what_was_read_is_sent_in_place)
{
	struct job *job = &self->job, other = { .conn = self->conn };
	int i;

	self->miss->act = act_send_on;
	self->miss->arg = &other;
	for (i = 0; i < 300; i++) {
		job->offset = (uint64_t)(i % 3) * 10000;
		box_do(self->box, job, do_send_buf);
		ASSERT_TRUE(job->res == 4096 || job->res == -EINPROGRESS);
		ASSERT_TRUE(take(self->peer, self->got, 4096 - 20));
		ASSERT_TRUE(bytes_are(self->got, job->offset + 10, 4096 - 20));
	}
	EXPECT_EQ(0, other.res);
}

TEST_F(sendfile, what_does_not_suit_is_refused)
{
	int fd = file_new(100, O_WRONLY, NULL);
	struct sedak_file *file;
	struct sedak_rt *rt;

	EXPECT_EQ(-EINVAL, sedak_conn_sendfile(self->conn, self->file, 0,
					       (1ul << 30) + 1, 0));
	EXPECT_EQ(-EINVAL, sedak_conn_sendfile(self->conn, self->file, INT64_MAX, 1,
					       0));
	EXPECT_EQ(-EINVAL, sedak_conn_sendfile(self->conn, self->file, 0, 1, 1 << 9));
	ASSERT_EQ(0, sedak_file_open(self->miss->stage, fd, NULL, &file));
	EXPECT_EQ(-EBADF, sedak_conn_sendfile(self->conn, file, 0, 1, 0));
	EXPECT_EQ(0, sedak_conn_set_marks(self->conn, 1, 1, 4095));
	EXPECT_EQ(-ENOBUFS, sedak_conn_sendfile(self->conn, self->file, 0, 1, 0));
	EXPECT_EQ(0, sedak_conn_shutdown(self->conn));
	EXPECT_EQ(-EPIPE, sedak_conn_sendfile(self->conn, self->file, 0, 1, 0));
	EXPECT_EQ(0, sedak_conn_queued(self->conn));
	rt = rt_new(1);
	{
		struct box *box = box_new();

		box->rt = rt;
		stage_of(rt, box);
		ASSERT_EQ(0, sedak_file_open(box->stage, dup(self->fd), NULL, &file));
		EXPECT_EQ(-EINVAL, sedak_conn_sendfile(self->conn, file, 0, 1, 0));
		server_end(box);
	}
}

/* A program's own loop gets no signal for a peer that is gone. */
TEST(nested_it_is_the_same)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .flags = SEDAK_RT_NESTED };
	struct box *box = box_new();
	struct job job = { .len = SIZE };
	uint16_t port;
	int peer, i;

	ASSERT_EQ(0, sedak_rt_create(&o, &box->rt));
	stage_of(box->rt, box);
	box->act = act_job;
	port = listen_on(box->stage);
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	ASSERT_EQ(0, sedak_file_open(box->stage, file_new(SIZE, O_RDONLY, NULL), NULL,
				     &job.file));
	for (i = 0; i < 2; i++) {
		struct pollfd p = { .events = POLLIN };
		size_t got = 0;
		char *data = malloc(SIZE + 8);
		ssize_t n;

		p.fd = sedak_fd(box->rt);
		peer = dial(port);
		while (box_count(box, SEDAK_EV_ACCEPT) <= (unsigned int)i)
			sedak_run_once(box->rt, SEC);
		job.conn = box->conn;
		job.fn = do_head_file_tail;
		ASSERT_EQ(0, sedak_stage_post(box->stage, &job));
		sedak_run_once(box->rt, SEC);
		while (got < SIZE + 8 && (!i || got < SIZE / 4)) {
			n = recv(peer, data + got, SIZE + 8 - got, MSG_DONTWAIT);
			if (n > 0) {
				got += (size_t)n;
				continue;
			}
			ASSERT_LT(0, poll(&p, 1, PATIENCE_MS));
			sedak_run_once(box->rt, 0);
		}
		if (got == SIZE + 8)
			EXPECT_TRUE(bytes_are(data + 4, 0, SIZE));
		free(data);
		close(peer);
		while (box_count(box, SEDAK_EV_CLOSED) <= (unsigned int)i) {
			if (!i)
				sedak_conn_close(job.conn);
			sedak_run_once(box->rt, SEC);
		}
	}
	server_end(box);
}

TEST_HARNESS_MAIN
